/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_USAGE_H
#define SSTP_CONTROL_USAGE_H
/*
 * What was used: bytes and packets each way of each connection, app, plan or VNet, by the day or in all,
 * and for how many hours a VNet's gateway was up. {"value": [
 *
 *   {"day": "2026-11-23", "app": "shop", "plan": "blue", "planId": "/subscriptions/...", "vnet": "blue",
 *    "egressBytes": 1, "egressPackets": 1, "ingressBytes": 1, "ingressPackets": 1}
 *
 * ]}, without what it is not grouped by; with by=vnet, "gatewayHours". Sessions that are no app's have
 * null there. Egress is what has gone out of the VNet.
 */
#include <stdint.h>

#include "sstp/control/front.h"
#include "sstp/control/model.h"
#include "sstp/control/query.h"

enum {
	USAGE_DAYS = 30, /* up to today, unless told otherwise */
	USAGE_ROWS_MAX = 100000,
};

/* Of a query. */
extern const char *const usage_keys[];

/* Always fills ret_reply; now: seconds since 1970. More than USAGE_ROWS_MAX rows are refused with 400. */
void usage_answer(struct model *model, const struct query *query, int64_t now,
		  struct front_reply *ret_reply);

#endif
