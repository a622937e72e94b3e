/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TRACE_H
#define SSTP_CONTROL_TRACE_H
/*
 * One probe of an app's, followed along its way:
 *
 *   GET .../Microsoft.Web/sites/APP/trace?target=ADDRESS[:PORT]      by any session of the app
 *   GET /v1/sessions/ID/trace?target=ADDRESS[:PORT]             by this one, whoever's
 *
 * An IPv6 address with a port is written [ADDRESS]:PORT; without a port it is a ping. The answer is that of
 * trace_words.h. First the gateway's kernel is asked for its route, and the parent for a packet socket that sees the probe
 * in the VNet's namespace and for a probe of the gateway's own; then the data plane has the app's worker send the probe.
 * The answer comes within TRACE_TIME_MAX, mostly much sooner.
 *
 * Limit: TRACE_MAX at once; more are refused with 429.
 */
#include "sstp/base/clock.h"
#include "sstp/control/effective.h"
#include "sstp/control/front.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_trace.h"
#include "sstp/control/parent_msg.h"
#include "sstp/net/msgsock.h"

enum {
	TRACE_MAX = 8,
};

/* 2 s for each question to the parent, 8 s for the data plane. */
#define TRACE_TIME_MAX (12 * CLOCK_NS_PER_S)

struct traces;

/* All borrowed. */
struct traces_params {
	struct loop *loop;
	struct model *model;
	struct effective *effective;
	/* As peer_ask_parent(). */
	int (*ask)(void *arg, const struct parent_msg *m, const int *fds);
	/* To the data plane. Takes frame in every case; 0 or -errno. */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct traces *traces_new(const struct traces_params *params);
/* What is asked is answered with 500. Before the front goes. Takes NULL. */
void traces_free(struct traces *t);

/* True when the path is one of these, good or not. */
bool traces_has_path(const char *path);

/* Fills ret_reply, or answers later (front_later()). */
void traces_answer(struct traces *t, const struct front_request *request,
		   struct front_reply *ret_reply);

/* An answer of the parent's, or something else that it says, which is passed over. Takes out what it keeps. */
void traces_on_parent(struct traces *t, const struct parent_msg *m, struct msgsock_fds *fds);

/* What the data plane says; of one that nobody waits for, nothing is done. */
void traces_on_traced(struct traces *t, const struct msg_traced *m);
void traces_on_probed(struct traces *t, const struct msg_probed *m);

/* The i-th route there is; NULL behind the last. */
const char *traces_route(size_t i, enum front_method *ret_method);

#endif
