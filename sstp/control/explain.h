/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EXPLAIN_H
#define SSTP_CONTROL_EXPLAIN_H
/*
 * Why an app reaches a destination, or does not:
 *
 *   GET .../Microsoft.Web/sites/APP/explain?target=HOST[:PORT]             by its connection
 *   GET .../Microsoft.Network/virtualNetworks/VNET/explain?target=...      as a client of the VNet
 *
 * An IPv6 address with a port is written [ADDRESS]:PORT. The answer is that of explain_words.h. On the way the
 * VNet's name servers are asked, one after the other, each for 3 s, until one answers that the app's own question
 * would get to; the gateway's kernel for its route; both over sockets that the parent opens in the VNet's
 * namespace; BIRD, where the gateway has BGP; and for an app, the data plane sends one packet as it would. Where that
 * meets with silence, more is asked, all at once: explain_cause.h. So the answer comes later: within 3 s for each name
 * server that says nothing, and 2 s for the packet, 2 s for what is asked after it; the rest takes milliseconds.
 *
 * Limit: EXPLAIN_MAX at once; more are refused with 429.
 */
#include "sstp/control/bgp.h"
#include "sstp/control/effective.h"
#include "sstp/control/front.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/parent_msg.h"
#include "sstp/net/msgsock.h"

enum {
	EXPLAIN_MAX = 16
};

struct explain;

/* All borrowed. */
struct explain_params {
	struct loop *loop;
	struct model *model;
	struct effective *effective;
	const struct bgp *bgp; /* NULL: there is none */
	const char *bird;      /* its socket, as bird_socket_path() takes it; NULL: none is asked */
	/* As peer_ask_parent(). */
	int (*ask)(void *arg, const struct parent_msg *m, const int *fds);
	/* To the data plane. Takes frame in every case; 0 or -errno. */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct explain *explain_new(const struct explain_params *params);
/* What is asked is answered with 500. Before the front goes. Takes NULL. */
void explain_free(struct explain *e);

/* True when the path is one of these, good or not. */
bool explain_has_path(const char *path);

/* Fills ret_reply, or answers later (front_later()). */
void explain_answer(struct explain *e, const struct front_request *request,
		    struct front_reply *ret_reply);

/* An answer of the parent's, or something else that it says, which is passed over. Takes out what it keeps. */
void explain_on_parent(struct explain *e, const struct parent_msg *m, struct msgsock_fds *fds);

/* What the data plane says of a probe; one that nobody waits for is passed over. */
void explain_on_probed(struct explain *e, const struct msg_probed *m);

/* The i-th route there is; NULL behind the last. */
const char *explain_route(size_t i, enum front_method *ret_method);

#endif
