/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_SYNC_H
#define SSTP_CONTROL_SYNC_H
/*
 * What the data plane has to know, and when it is told: ACCESS after every change of who may come in
 * (which the clock makes too: certificates expire), SERVER_CERTIFICATE when it is asked for another
 * set of names, when another root serves, and before the certificate nears its end. Nothing is sent
 * twice: what was sent is compared with what is.
 */
#include <stdint.h>

#include "certs/authority.h"
#include "sstp/control/msg.h"

enum {
	SYNC_INTERVAL_S = 60 /* how often sync_push() is to be called when nothing happens */
};

struct sync;

struct sync_params {
	struct authority *authority; /* borrowed */
	/* Takes frame in every case; 0 when the other side will get it. */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct sync *sync_new(const struct sync_params *params);
/* Takes NULL. */
void sync_free(struct sync *s);

/* By these names the gateway is dialled from now on; copied; none: it has a certificate. -ENOMEM. */
int sync_set_names(struct sync *s, const char *const *names, size_t n);

/* The other side has started anew: nothing counts as sent. */
void sync_forget(struct sync *s);

/*
 * Sends what has changed since the last call; now in seconds since 1970. 0, or with a sentence the
 * first error of making or sending it; then the next call tries again.
 */
int sync_push(struct sync *s, int64_t now, struct certs_error *ret_error);

#endif
