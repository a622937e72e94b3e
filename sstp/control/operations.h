/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_OPERATIONS_H
#define SSTP_CONTROL_OPERATIONS_H
/*
 * What takes longer than an answer may: begun by a request that is answered with 202 and a Location, done
 * between the requests of others, and asked about until it has ended.
 *
 *   GET  /v1/operations        {"value": [...]}, the newest first; results are left out
 *   GET  /v1/operations/ID     {"id", "kind", "status": "Running" | "Succeeded" | "Failed", "done",
 *                               "total", "started", "ended", "result", "error", "message"}
 *
 * "result" is what the request would have been answered at once, and "error" likewise where it would have been
 * refused: {"code", "message", "target"}.
 *
 * Limits: one at a time (409); the last OPERATIONS_MAX are kept, in memory, of their results the last one of
 * each kind.
 */
#include "sstp/base/clock.h"
#include "sstp/control/front.h"

enum {
	OPERATIONS_MAX = 16,
	OPERATIONS_PAUSE_NS =
		20 * 1000 * 1000, /* between two steps of which one has done nothing */
};

struct operations;

/* One kind of them. */
struct operation_kind {
	const char *name;
	/*
	 * A part of the work, of a few milliseconds; or a look at who does it. 1: there is more; 0: over, and
	 * ret_reply is what the request would have got. ret_done and ret_total are filled in every case.
	 */
	int (*step)(void *work, int *ret_done, int *ret_total, struct front_reply *ret_reply);
	/* Ends what is under way, and frees it. */
	void (*free)(void *work);
};

/* Returns owned; NULL without memory. */
struct operations *operations_new(struct loop *loop);
/* What runs is freed without a result. Takes NULL. */
void operations_free(struct operations *o);

/* False, with a refusal: one is under way. */
bool operations_may_begin(const struct operations *o, struct front_reply *ret_reply);

/* Takes work; only when operations_may_begin(). kind: static. Fills ret_reply. now: seconds since 1970. */
void operations_begin(struct operations *o, const struct operation_kind *kind, void *work,
		      int64_t now, struct front_reply *ret_reply);

/* What runs is freed, and has failed. */
void operations_cancel(struct operations *o);

/* The i-th route there is, as ":id" stands for a name; NULL behind the last. */
const char *operations_route(size_t i, enum front_method *ret_method);

bool operations_has_path(const char *path);

/* Always fills ret_reply. */
void operations_answer(struct operations *o, const struct front_request *request,
		       struct front_reply *ret_reply);

#endif
