/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_DOCTOR_READ_H
#define SSTP_CONTROL_DOCTOR_READ_H
/* What doctor can find out without asking anybody over the network: store, authority, BGP's state, this process, the kernel. */
#include "sstp/control/admin.h"
#include "sstp/control/bgp.h"
#include "sstp/control/doctor_words.h"

enum {
	DOCTOR_DOMAIN_MAX = 254, /* a name that is asked for, with its end */
};

/* What to ask a VNet with. */
struct doctor_ways {
	char *netns;			/* owned; "" */
	char domain[DOCTOR_DOMAIN_MAX]; /* the first search domain, or one that is nowhere */
};

/* All borrowed. */
struct doctor_source {
	struct model *model;
	const struct est_world *est;
	const struct bgp *bgp; /* NULL: there is none */
	int64_t now;	       /* seconds since 1970 */
};

struct doctor_read {
	struct doctor_gateway gateway; /* is_connected and behind are the caller's */
	struct doctor_vnet *vnets;
	struct doctor_ways *ways; /* of each */
	size_t n;
};

/*
 * vnet NULL: all there are. 0 with what is owned; -ENOENT: there is no such VNet; -errno with a sentence: nothing is
 * owned.
 */
int doctor_read(const struct doctor_source *s, const char *vnet, struct doctor_read *ret_read,
		struct certs_error *ret_error);
/* Takes a zeroed one. */
void doctor_read_done(struct doctor_read *r);

/* The state of the device that the kernel sends the pool to; takes fd, a socket that rtnl_open() made there. */
void doctor_read_device(int fd, const struct doctor_vnet *v, struct doctor_device *ret_device);

#endif
