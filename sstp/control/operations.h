/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_OPERATIONS_H
#define SSTP_CONTROL_OPERATIONS_H
/*
 * What takes longer than an answer may: begun by a request that is answered with 202 and a Location, done
 * in steps between the requests of others, and asked about until it has ended.
 *
 *   POST /v1/backups           begins a copy of the store, backups/TIME.sqlite in the state folder
 *   GET  /v1/backups           {"value": [{"name", "bytes", "created"}]}, the newest first
 *   GET  /v1/operations        {"value": [...]}, the newest first
 *   GET  /v1/operations/ID     {"id", "kind", "status": "Running" | "Succeeded" | "Failed", "done",
 *                               "total", "started", "ended", "result", "message"}
 *
 * A copy is of one moment, the one at which it is finished: changes meanwhile are in it. It has the
 * model alone; the authority's keys are not in it.
 *
 * Limits: one copy at a time (409); the last OPERATIONS_MAX operations are kept, in memory.
 */
#include "sstp/base/clock.h"
#include "sstp/control/front.h"
#include "sstp/control/model.h"

enum {
	OPERATIONS_MAX = 16,
	OPERATIONS_STEP_PAGES = 256,		/* 1 MB, in between other requests */
	OPERATIONS_PAUSE_NS = 20 * 1000 * 1000, /* while the store is in the middle of a change */
};

struct operations;

/* state: the folder; both borrowed. Returns owned; NULL without memory. */
struct operations *operations_new(struct loop *loop, struct model *model, const char *state);
/* What runs ends without a result. Takes NULL. */
void operations_free(struct operations *o);

/* The i-th route there is, as ":id" stands for a name; NULL behind the last. */
const char *operations_route(size_t i, enum front_method *ret_method);

bool operations_has_path(const char *path);

/* Always fills ret_reply. now: seconds since 1970. */
void operations_answer(struct operations *o, const struct front_request *request, int64_t now,
		       struct front_reply *ret_reply);

#endif
