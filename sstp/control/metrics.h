/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_METRICS_H
#define SSTP_CONTROL_METRICS_H
/*
 * What is counted, for whoever collects metrics:
 *
 *   GET /metrics       as Prometheus reads it (prometheus.h)
 *   GET /v1/metrics    the same as JSON
 *
 * Each question asks the data plane, and is answered when that has told, or after METRICS_PATIENCE without it: then
 * sstp_up is 0, and what this process knows by itself is answered all the same. Who asks while the data plane is being asked
 * gets the same answer.
 *
 * Limit: METRICS_MAX that wait; more are refused with 429.
 */
#include "certs/authority.h"
#include "sstp/base/clock.h"
#include "sstp/control/bgp.h"
#include "sstp/control/front.h"
#include "sstp/control/model.h"
#include "sstp/control/msg_metrics.h"

#define METRICS_PATIENCE (1 * CLOCK_NS_PER_S)

enum {
	METRICS_MAX = 16
};

struct metrics;

/* All borrowed. */
struct metrics_params {
	struct loop *loop;
	struct model *model;
	struct authority *authority;
	const struct bgp *bgp;
	/* To the data plane. Takes frame in every case; 0 or -errno: it is not there. */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct metrics *metrics_new(const struct metrics_params *params);
/* Who waits is answered with 500. Before the front goes. Takes NULL. */
void metrics_free(struct metrics *m);

bool metrics_has_path(const char *path);

/* Fills ret_reply, or answers later (front_later()); a request that has to be answered at once is answered with 500. */
void metrics_answer(struct metrics *m, const struct front_request *request,
		    struct front_reply *ret_reply);

/* What the data plane has told; what nobody waits for any more is passed over. */
void metrics_on_told(struct metrics *m, const struct msg_metrics *told);

/* The data plane is gone: whoever waits for it is answered. */
void metrics_on_lost(struct metrics *m);

/* The i-th route there is; NULL behind the last. */
const char *metrics_route(size_t i, enum front_method *ret_method);

#endif
