/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EXPLAIN_ROUND_H
#define SSTP_CONTROL_EXPLAIN_ROUND_H
/*
 * Several questions to the network about one destination, all at once: in the name of an app's session, from other
 * addresses of its pool (both by the data plane, msg_probe.h), and by the gateway itself (own_probe.h). All are answered
 * EXPLAIN_ROUND_PATIENCE later at the latest.
 */
#include "sstp/control/msg_probe.h"
#include "sstp/control/parent_msg.h"
#include "sstp/net/loop.h"
#include "sstp/net/msgsock.h"

/* What the data plane waits, and the way there and back. */
#define EXPLAIN_ROUND_PATIENCE (2500 * UINT64_C(1000000)) /* ns */

enum {
	EXPLAIN_BY_GATEWAY = UINT8_MAX, /* the source of one that the gateway asks itself */
	EXPLAIN_PROBES_MAX = 32,
};

struct explain_probe {
	uint8_t source;		  /* as msg_probe.source, or EXPLAIN_BY_GATEWAY */
	uint16_t port;		  /* 0: an echo */
	uint16_t size;		  /* as msg_probe.size; not the gateway's */
	uint8_t ttl;		  /* not of a connection of the gateway's */
	bool is_told;		  /* what follows is known */
	struct msg_probed answer; /* its drop is what follows */
	char drop[MSG_DROP_MAX + 1];
};

/* All borrowed. */
struct explain_round_params {
	struct loop *loop;
	int (*ask)(void *arg, const struct parent_msg *m, const int *fds); /* as explain_params */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
	uint32_t *last_id; /* of all that ask the parent or the data plane */
	const char *app, *vnet, *netns;
	struct prefix destination;
	void (*on_done)(void *owner); /* once, from the loop; may free the round */
	void *owner;
};

struct explain_round;

/* probes: borrowed, filled until it is done. Returns owned; NULL without memory. */
struct explain_round *explain_round_new(const struct explain_round_params *params,
					struct explain_probe *probes, size_t n);
/* Nothing is called any more. Takes NULL. */
void explain_round_free(struct explain_round *r);

/* True: it was an answer to one of its own. */
bool explain_round_on_probed(struct explain_round *r, const struct msg_probed *m);
/* Likewise; takes out the descriptor that it keeps. */
bool explain_round_on_dialled(struct explain_round *r, const struct parent_dialled *m,
			      struct msgsock_fds *fds);

#endif
