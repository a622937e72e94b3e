/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_API_TIMELINES_H
#define SSTP_CONTROL_API_TIMELINES_H
/*
 *   GET /v1/timelines?session=|correlation=|app=|limit=   the newest first; {"value", "untold"}
 *
 * An event has the time since the session began ("offsetUs") and since the event before it ("gapUs"). "stoppedAt" of a session
 * that never came up is the stage that did not come about.
 */
#include <stdbool.h>

#include "sstp/control/front.h"
#include "sstp/control/timeline.h"

enum {
	API_TIMELINES_LIMIT = 10, /* rows of an answer, unless told otherwise */
};

bool api_timelines_has_path(const char *path);

/* Always fills ret_reply. */
void api_timelines_answer(const struct timelines *t, const struct front_request *request,
			  struct front_reply *ret_reply);

/* The i-th route there is; NULL behind the last. */
const char *api_timelines_route(size_t i, enum front_method *ret_method);

#endif
