/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_APPLY_H
#define SSTP_CONTROL_APPLY_H
/*
 * A whole site at once, declared: what tools/sstpctl/site.yaml.example describes, in JSON.
 *
 *   POST /v1/apply  {"site": {"subscriptions": [...]}, "dryRun": false, "prune": false}
 *     200 {"changes": [{"action": "create" | "update" | "delete",
 *                       "kind": "plan" | "app" | "vnet" | "gateway" | "peering" |
 *                               "connection" | "route",
 *                       "id": "/subscriptions/...",
 *                       "fields": [{"name": "tier", "old": "Basic", "new": "Standard"}]}],
 *          "unchanged": 12, "dryRun": false}
 *     4xx {"error": {"code", "message", "target": "subscriptions[0].resourceGroups[1].vnets[0]"}}
 *   GET  /v1/site   {"subscriptions": [...]}, with an ETag; as If-Match of an apply it makes sure that nothing
 *                   has changed since it was read
 *
 * One transaction: the first refusal takes everything back, and its target says where in the site the
 * culprit stands; "" when it is not in the site. What the site names is made, or changed to what it
 * says, with defaults for what it leaves out; what is so already is not written, keeps its version and
 * counts as unchanged. What it does not name is left alone, or with "prune" removed: but never virtual
 * networks of gateway.yaml; of those peerings alone are the site's. "fields" is what an update changes, with the site's keys; [] of the others.
 * With "dryRun" the answer is the same, and nothing is kept.
 *
 * What may take longer than an answer should is an operation (operations.h): 202, and a Location that says how
 * far it is, and in the end has the same answer as "result", or "error". That is a body over APPLY_AT_ONCE_BYTES, or
 * "prune" where there are more than APPLY_AT_ONCE_ROWS routes and connections. Until it has ended, all that is read is
 * what stood before, and changes of others are refused with 409.
 *
 * Rules about all that there is, how many VNets a plan has for one, are asked when everything is
 * written: two apps can change places in plans that are full.
 */
#include <stdatomic.h>

#include "sstp/control/front.h"
#include "sstp/control/model.h"

enum {
	APPLY_AT_ONCE_BYTES = 64 * 1024, /* some 600 routes, 30 ms */
	APPLY_AT_ONCE_ROWS = 2000,
};

/* How far it is, for another thread; total is 0 until the site is read. */
struct apply_watch {
	atomic_int done; /* of total steps */
	atomic_int total;
	atomic_bool is_cancelled; /* written by the other thread: all is taken back */
};

/* The i-th route there is; NULL behind the last. */
const char *apply_route(size_t i, enum front_method *ret_method);

/* True when the path is one of the two. */
bool apply_has_path(const char *path);

/* False, with a refusal (412): the request has an If-Match, and the site is another one by now. Asked first. */
bool apply_matches(struct model *model, const struct front_request *request,
		   struct front_reply *ret_reply);

/* It may take longer than an answer should. */
bool apply_is_long(struct model *model, const struct front_request *request);

/* Always fills ret_reply. now: seconds since 1970; watch: borrowed; NULL: nobody watches. */
void apply_answer(struct model *model, const struct front_request *request, int64_t now,
		  struct apply_watch *watch, struct front_reply *ret_reply);

#endif
