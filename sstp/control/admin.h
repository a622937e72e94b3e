/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_ADMIN_H
#define SSTP_CONTROL_ADMIN_H
/*
 * What an operator may ask of the control process, in JSON; no I/O but the authority's store.
 *
 *   POST   /v1/tokens                        {"app", "vnet", "gateway"?, "lifetime"?: seconds};
 *                                            app and connection are made where they are missing; the
 *                                            answer may have a "warning", a sentence
 *   GET    /v1/tokens
 *   DELETE /v1/tokens/ID
 *   GET    /v1/certificates
 *   GET    /v1/certificates/THUMBPRINT       with certBlob
 *   POST   /v1/certificates/THUMBPRINT/revoke  {"foreign"?: bool}, and all of its lineage
 *   GET    /v1/server                        the gateway's own certificate
 *   GET    /v1/roots                         with certBlob
 *   POST   /v1/roots                         {"name", "vnet", "pem"}: trusts an external one
 *   POST   /v1/roots/rotate
 *   DELETE /v1/roots/THUMBPRINT
 *   POST   /v1/apps/NAME/revoke              all of its certificates
 *   GET    /v1/apps                          each app's certificate, and whether it is in sync
 *
 * Lists are {"value": [...]}; refusals {"error": {"code", "message"}} with a sentence that says what
 * to do. A key that is unknown, or of another type, is refused.
 */
#include <stdint.h>

#include "sstp/control/est.h"
#include "sstp/control/front.h"
#include "sstp/control/model.h"

enum {
	ADMIN_LIFETIME_S = 3600 /* of a token, unless told otherwise */
};

/* All borrowed. */
struct admin_world {
	const struct est_world *est;
	struct model *model;
	const char *dial; /* host[:port] that a token names unless told otherwise; "": none */
};

/*
 * Always fills ret_reply. True when the authority has changed: who may come in is another set now.
 * now: seconds since 1970.
 */
bool admin_answer(const struct admin_world *w, const struct front_request *request, int64_t now,
		  struct front_reply *ret_reply);

/* The i-th route there is, as '*' stands for a name; NULL behind the last. */
const char *admin_route(size_t i, enum front_method *ret_method);

#endif
