/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_METRIC_H
#define SSTP_CONTROL_METRIC_H
/*
 * Every metric that the gateway has: one table, out of which come what is shown and what the data plane may tell.
 * sstp-metrics(7) has them all, and no other.
 *
 * How many series there can be: of each label's values vnet has at most MSG_VNETS_MAX, plan METRIC_PLANS_MAX with the VNet
 * that it is in, what is more counts together as "other"; reasons, stages, states and directions are the program's own
 * words. No series is of a session, a user, an app or an address.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	METRIC_LABELS_MAX = 3,
	METRIC_PLANS_MAX = 256, /* pairs of a VNet and a plan */
	METRIC_BUCKETS = 22,	/* of a histogram: as many as times.h has */
};

/* In the order in which they are shown. */
enum metric {
	METRIC_UP,
	METRIC_BUILD_INFO,
	METRIC_START_TIME,
	METRIC_CPU,
	METRIC_HEAP,
	METRIC_THREADS,
	METRIC_SESSIONS,
	METRIC_CONNECTIONS,
	METRIC_ACCEPTS,
	METRIC_REFUSED,
	METRIC_SETUP,
	METRIC_SETUP_STAGE,
	METRIC_SETUP_FAILURES,
	METRIC_ENDED,
	METRIC_AUTHENTICATIONS,
	METRIC_ENROLMENTS,
	METRIC_BYTES,
	METRIC_PACKETS,
	METRIC_DROPS,
	METRIC_ANSWERS,
	METRIC_MARKED,
	METRIC_HANDED_OVER,
	METRIC_QUEUE_DELAY,
	METRIC_POOL_USED,
	METRIC_POOL_SIZE,
	METRIC_GATEWAY_UP,
	METRIC_PLAN_SESSIONS,
	METRIC_PLAN_BYTES,
	METRIC_PLAN_PACKETS,
	METRIC_CERTIFICATES,
	METRIC_NEXT_EXPIRY,
	METRIC_SERVER_EXPIRY,
	METRIC_ROUTES_LEARNED,
	METRIC_ROUTES_ANNOUNCED,
	METRICS,
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

struct metric_info {
	const char *name;
	enum metric_type type;
	const char *labels[METRIC_LABELS_MAX]; /* NULL: no more of them */
	bool is_told;			       /* the data plane says it, or says it too */
	bool is_us;			       /* its values are us, and are shown in seconds */
	const char *help;
};

/* Returns borrowed. */
const struct metric_info *metric_info(enum metric metric);
size_t metric_labels(enum metric metric);
/* "counter", "gauge", "histogram". */
const char *metric_type_name(enum metric_type type);

#endif
