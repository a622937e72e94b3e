/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BGP_H
#define SSTP_CONTROL_BGP_H
/*
 * Of each VNet whose gateway has enableBgp: what is learned (learned.h), and what is announced. A routing daemon does
 * both ends; in between are the kernel's tables, and the parent, who opens sockets there and keeps what is announced.
 *
 * Announced are, while the VNet's gateway is up: its address spaces, its pools, its custom routes, and with
 * advertiseHostRoutes the IPv4 address of every session. Not a custom route that overlaps what is learned: that is on-premises'
 * own; nor one that is a half of everything (forced tunnelling), or all. Nothing is announced when the gateway's
 * device has failed; while it is not known how the gateway is, because the data plane or this process starts again, what was
 * announced stays for BGP_GRACE.
 *
 * Changes are gathered for BGP_GATHER, and told at most every BGP_PAUSE. What the parent refuses is asked for again every BGP_RETRY.
 * Limit: PARENT_ANNOUNCE_MAX prefixes of a VNet; of more its pools and address spaces, without single sessions.
 */
#include "sstp/control/learned.h"
#include "sstp/control/model.h"
#include "sstp/control/parent_msg.h"
#include "sstp/net/msgsock.h"

#define BGP_GATHER (20 * CLOCK_NS_PER_MS)
#define BGP_PAUSE  (200 * CLOCK_NS_PER_MS)
#define BGP_GRACE  (3 * CLOCK_NS_PER_S)
#define BGP_RETRY  (5 * CLOCK_NS_PER_S)

struct bgp;

struct bgp_params {
	struct loop *loop;
	struct model *model; /* borrowed */
	/* As peer_ask_parent(). */
	int (*ask)(void *arg, const struct parent_msg *m, const int *fds);
	/* As on_change of learned_params. Or NULL. */
	void (*on_learned)(void *arg, const char *vnet, enum learned_view view);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct bgp *bgp_new(const struct bgp_params *params);
/* What is announced stays: it is the parent's. Takes NULL. */
void bgp_free(struct bgp *b);

/* The model may be another one, or what is known of gateways and sessions. Cheap. */
void bgp_touch(struct bgp *b);

/* An answer of the parent's, or something else that it says, which is passed over. Takes out what it keeps. */
void bgp_on_parent(struct bgp *b, const struct parent_msg *m, struct msgsock_fds *fds);

/* Borrowed. */
const struct learned *bgp_learned(const struct bgp *b);

/* Borrowed until the next call. */
struct bgp_state {
	uint32_t table; /* that is learned from */
	uint32_t announce_table;
	const char *netns;
	const struct prefix *announced; /* as the parent was told last */
	size_t n_announced;
	const char *refusal; /* of the parent's; "": none */
};

/* 0; -ENOENT: there is no such VNet, or it has no enableBgp, or that has not been seen yet. */
int bgp_state(const struct bgp *b, const char *vnet, struct bgp_state *ret_state);

#endif
