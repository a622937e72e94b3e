/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_OPENAPI_H
#define SSTP_CONTROL_OPENAPI_H
/*
 * The API's description, OpenAPI 3.1: openapi.json, which is the source. test/golden/openapi.py holds
 * it against the routes that there are, both ways, and against the golden transcripts.
 *
 *   GET /openapi.json
 */
#include "sstp/control/front.h"

/* The i-th route there is; NULL behind the last. */
const char *openapi_route(size_t i, enum front_method *ret_method);

bool openapi_has_path(const char *path);

/* Always fills ret_reply. */
void openapi_answer(const struct front_request *request, struct front_reply *ret_reply);

#endif
