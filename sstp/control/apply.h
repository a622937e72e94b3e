/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_APPLY_H
#define SSTP_CONTROL_APPLY_H
/*
 * A whole site at once, declared: what tools/sstpctl/site.yaml.example describes, in JSON.
 *
 *   POST /v1/apply  {"site": {"subscriptions": [...]}, "dryRun": false, "prune": false}
 *     200 {"changes": [{"action": "create" | "update" | "delete",
 *                       "kind": "plan" | "app" | "vnet" | "gateway" | "connection" | "route",
 *                       "id": "/subscriptions/...",
 *                       "fields": [{"name": "tier", "old": "Basic", "new": "Standard"}]}],
 *          "unchanged": 12, "dryRun": false}
 *     4xx {"error": {"code", "message", "target": "subscriptions[0].resourceGroups[1].vnets[0]"}}
 *   GET  /v1/site   {"subscriptions": [...]}
 *
 * One transaction: the first refusal takes everything back, and its target says where in the site the
 * culprit stands; "" when it is not in the site. What the site names is made, or changed to what it
 * says, with defaults for what it leaves out; what is so already is not written, keeps its version and
 * counts as unchanged. What it does not name is left alone, or with "prune" removed: but never virtual
 * networks of gateway.yaml. "fields" is what an update changes, with the site's keys; [] of the others.
 * With "dryRun" the answer is the same, and nothing is kept.
 *
 * Rules about all that there is, how many VNets a plan has for one, are asked when everything is
 * written: two apps can change places in plans that are full.
 */
#include "sstp/control/front.h"
#include "sstp/control/model.h"

/* The i-th route there is; NULL behind the last. */
const char *apply_route(size_t i, enum front_method *ret_method);

/* True when the path is one of the two. */
bool apply_has_path(const char *path);

/* Always fills ret_reply. now: seconds since 1970. */
void apply_answer(struct model *model, const struct front_request *request, int64_t now,
		  struct front_reply *ret_reply);

#endif
