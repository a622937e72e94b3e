/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_SESSIONS_H
#define SSTP_CONTROL_SESSIONS_H
/*
 * What the data plane tells of its sessions (msg_site.h), taken into the store: who is there and who
 * was, which address was whose last, what each app has used on each day, and for how long each VNet's
 * gateway was up.
 *
 * Counters come as sums since the beginning of a session. What is added to a day is the difference to
 * what the session had before, in one transaction with it: told twice it counts once, and after a
 * crash the next message makes up for what is missing. A counter that goes back adds nothing.
 *
 * TRAFFIC comes every second, so that a data plane that is killed takes no more than that with it; what it says waits
 * in memory until sessions_settle(), because storing it costs a hundred times what hearing it does. Ends, lists
 * and losses of the data plane settle it too. What a crash of control takes with it is told again.
 *
 * Transactions are model_batch()'s: whoever calls sees to model_flush() soon. What a crash takes with it
 * is told again by the data plane, but for a session that has ended meanwhile: that one ends when the
 * list of those that are there has come.
 *
 * Of what the data plane says only names that the model knows are taken. Limits: SESSIONS_MAX rows,
 * SESSIONS_KEPT_S after the end; the oldest of those that have ended are forgotten first. USAGE_DAYS_MAX
 * days of usage, LEASES_MAX leases, the oldest forgotten first.
 */
#include "sstp/control/model.h"
#include "sstp/control/msg_site.h"

enum {
	SESSIONS_MAX = 100000,
	SESSIONS_KEPT_S = 30 * 86400,
	SESSIONS_TICK_S = 60,  /* how often sessions_tick() is to be called */
	SESSIONS_SETTLE_S = 5, /* and sessions_settle() */
	USAGE_DAYS_MAX = 400,
	LEASES_MAX = 100000,
};

struct sessions;

/* Borrows the model. Returns owned; NULL without memory. */
struct sessions *sessions_new(struct model *model);
/* Takes NULL. */
void sessions_free(struct sessions *s);

/* Whether sessions_take() takes it. */
bool sessions_takes(enum msg_kind kind);

/*
 * One message of the data plane; now in seconds since 1970. 1: taken; 0: its kind is another's; -EBADMSG: it
 * is none, or of something that is not there; -errno of the store, with a sentence.
 */
int sessions_take(struct sessions *s, enum msg_kind kind, const uint8_t *payload, size_t len,
		  int64_t now, struct certs_error *ret_error);

/* Counts what TRAFFIC has said since the last time. 0 or -errno: then it still waits. */
int sessions_settle(struct sessions *s, int64_t now, struct certs_error *ret_error);

/* As VNET_STATE does: why "": the VNet's gateway is up. 0, also when there is no such VNet; -errno. */
int sessions_set_state(struct sessions *s, const char *vnet, const char *why, int64_t now,
		       struct certs_error *ret_error);

/* The data plane has ended, and all that it had: nobody is there, no gateway is up. 0 or -errno. */
int sessions_lost(struct sessions *s, int64_t now, struct certs_error *ret_error);

/* Counts how long gateways have been up, and forgets what is over the limits. 0 or -errno. */
int sessions_tick(struct sessions *s, int64_t now, struct certs_error *ret_error);

#endif
