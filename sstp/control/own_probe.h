/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_OWN_PROBE_H
#define SSTP_CONTROL_OWN_PROBE_H
/*
 * One question by a socket of the gateway's own, which somebody else has opened where the network is: what a VM beside
 * the gateway would meet. A TCP connection that is on its way, or an ICMP echo; in the words of msg_probe.h.
 */
#include <stdint.h>

#include "sstp/control/msg_probe.h"
#include "sstp/net/loop.h"

#define OWN_PROBE_PATIENCE (2 * UINT64_C(1000000000)) /* ns, as that of a session's probe */

struct own_probe_params {
	uint8_t family; /* the socket's */
	bool is_echo;	/* else a connection */
	uint8_t ttl;	/* of an echo, hops; 0: enough */
};

struct own_probe;

/*
 * Takes fd, a non-blocking socket with IP_RECVERR (IPV6_RECVERR), connected or about to be, also on failure. on_done is
 * called once, later, from the loop, and may free it: outcome, source, from, type, code and time of the answer are set, its
 * texts are static. 0 with an owned probe, or -errno.
 */
int own_probe_new(struct loop *loop, int fd, const struct own_probe_params *params,
		  void (*on_done)(void *arg, const struct msg_probed *answer), void *arg,
		  struct own_probe **ret_probe);
/* Nothing is called any more. A connection is reset. Takes NULL. */
void own_probe_free(struct own_probe *p);

#endif
