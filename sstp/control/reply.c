/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/reply.h"

#include <jansson.h>

#include "sstp/control/front.h"

static const char *code_of(int status)
{
	switch (status) {
	case 400: return "BadRequest";
	case 404: return "NotFound";
	case 405: return "MethodNotAllowed";
	case 409: return "Conflict";
	case 412: return "PreconditionFailed";
	case 429: return "TooManyRequests";
	case 507: return "InsufficientStorage";
	default: return "InternalServerError";
	}
}

void reply_refuse(struct front_reply *r, int status, const char *message, const char *target)
{
	json_t *json = json_pack("{s:{s:s, s:s, s:s*}}", "error", "code", code_of(status),
				 "message", message, "target", target);

	*r = (struct front_reply){.status = status};
	r->json = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
}
