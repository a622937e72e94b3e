/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/openapi.h"

#include <string.h>

#include "sstp/control/reply.h"

extern const char openapi_json[]; /* made of openapi.json */

static const char openapi_path[] = "/openapi.json";

const char *openapi_route(size_t i, enum front_method *ret_method)
{
	if (i > 0)
		return NULL;
	*ret_method = FRONT_GET;
	return openapi_path;
}

bool openapi_has_path(const char *path)
{
	return strcmp(path, openapi_path) == 0;
}

void openapi_answer(const struct front_request *request, struct front_reply *ret_reply)
{
	if (request->method == FRONT_GET)
		*ret_reply = (struct front_reply){.status = 200, .json = strdup(openapi_json)};
	else
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
}
