/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PUSH_H
#define SSTP_CONTROL_PUSH_H
/*
 * What the data plane has to know of the site (msg_site.h), and when it is told. To a data plane that
 * knows nothing: all of it, between SITE_BEGIN and SITE_END. Then what changes, when push_run() is
 * called behind the change.
 *
 * Triggers on the model's tables write down which rows were touched, in tables of this connection to
 * the store only: what a transaction takes back was not touched. What comes of them is compared with
 * the digest of what was told last, so nothing is told twice, and what was told and is no longer there
 * is told as gone. The same app with another VNet is gone, and there again: its tunnel ends. Of a VNet that
 * changes, the tables of all that peerings lead to are looked at again.
 *
 * Measured on one core, 5,000 connections with 50 routes each (test_push.c prints it): all of it takes
 * 0.16 s and 7.0 MB, one changed route, which concerns five of them, 3 ms.
 */
#include "sstp/control/network.h"

enum {
	PUSH_BYTES_MAX = 4 << 20 /* that one push_run() tells, but for the last frame */
};

struct push;

struct push_params {
	struct model *model;	   /* borrowed, as all */
	struct networks *networks; /* of the same model */
	/* Takes frame in every case; 0; -ENOBUFS: not now. */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* One at a time for a model. 0 with an owned push, of a data plane that has yet to be told of: push_restart(). */
int push_new(const struct push_params *params, struct push **ret_push,
	     struct certs_error *ret_error);
/* Takes NULL. */
void push_free(struct push *p);

/* What is learned for this VNet is another in this view: the next push_run() looks at what has to do with it. */
int push_learned(struct push *p, const char *vnet, enum learned_view view,
		 struct certs_error *ret_error);

/* The data plane knows nothing: the next push_run() begins with all. */
int push_restart(struct push *p, struct certs_error *ret_error);

/* Somebody has changed the model over another connection: the next push_run() looks at all of it. */
int push_touch_all(struct push *p, struct certs_error *ret_error);

/*
 * Not within a transaction of the model's. 0: all is told; 1: there is more, call again when the data
 * plane has had a moment; -errno with a sentence: then the next call goes on where this one has ended.
 */
int push_run(struct push *p, struct certs_error *ret_error);

#endif
