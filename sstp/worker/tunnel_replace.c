/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Make before break: a session with new credentials is made beside the one that carries packets, takes
 * over when it is up, and only then the old one says goodbye. The gateway lets the same app take its
 * address along; with another address the device's moves, as after a reconnect.
 *
 *	what happens                          current         other leg
 *	tunnel_replace()                      carries         is dialled: next
 *	next is up                            drains          becomes current, carries
 *	nothing more through the old one      carries         says goodbye
 *	next ends before                      carries         free: the old session stays in use
 *	current ends before next is up        -               becomes current; the device stays up meanwhile
 *	the same, and the gateway said why    -               is cut: it would fare no better
 *
 * What the gateway had sent before it changed over still comes in through the old session, and what we had given to it
 * may wait for its socket: both are lost when it hangs up. So it is looked at every DRAIN_LOOK, and left alone until
 * nothing has come in between two looks and nothing waits; on a long or slow path that takes longer than on a short one.
 * DRAIN_MAX is for a gateway that goes on sending there until the session ends.
 *
 * The new session dials the address that the present one has: only one gateway is kept out of the
 * tunnel (network_pin()).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/worker/tunnel_internal.h"

#define DRAIN_LOOK (200 * CLOCK_NS_PER_MS)
#define DRAIN_MAX  (1 * CLOCK_NS_PER_S)

static struct leg *other(struct tunnel *t)
{
	return t->current == &t->legs[0] ? &t->legs[1] : &t->legs[0];
}

static void replaced(struct tunnel *t, bool ok, const char *reason)
{
	if (t->params.ops->on_replaced)
		t->params.ops->on_replaced(t->params.arg, ok, reason);
}

static void begin(struct tunnel *t)
{
	int r;

	t->next = other(t);
	r = tunnel_dial(t->next, &t->gateway);
	if (r < 0) {
		t->next = NULL;
		replaced(t, false, strerror(-r));
	}
}

/* A session that is being dialled holds the credentials that there were when it began. */
void tunnel_replace(struct tunnel *t)
{
	if (t->stopping || t->ended || !t->current->session)
		return; /* the next dialling takes them */
	if (!t->current->address_be || other(t)->session)
		t->wants_next = true;
	else
		begin(t);
}

void tunnel_reconnect(struct tunnel *t)
{
	if (t->stopping || t->ended || !t->current->session || t->next)
		return;
	t->reconnecting = true;
	session_disconnect(t->current->session, "reconnecting with a new certificate");
}

void tunnel_replace_if_wanted(struct tunnel *t)
{
	if (t->wants_next)
		tunnel_replace(t);
}

static uint64_t packets_from(const struct leg *leg)
{
	return session_traffic(leg->session)->rx_packets;
}

static void drain_begin(struct tunnel *t, const struct leg *old)
{
	uint64_t now = loop_now(t->env.loop);

	t->drain_until = now + DRAIN_MAX;
	t->drain_packets = packets_from(old);
	loop_timer_set(t->drain, now + DRAIN_LOOK);
}

/* Is it not over yet? Asked once in a look. */
static bool is_draining(struct tunnel *t, const struct leg *old)
{
	uint64_t before = t->drain_packets;

	t->drain_packets = packets_from(old);
	return (t->drain_packets != before || session_has_waiting(old->session)) &&
	       loop_now(t->env.loop) < t->drain_until;
}

/* At a gateway of ours the IPv6 address follows from the IPv4 one: what the app sends goes on before it is told again. */
static void inherit_ipv6(struct leg *leg, const struct leg *old)
{
	if (!old->has_address6 || leg->address_be != old->address_be)
		return;
	memcpy(leg->address6, old->address6, sizeof(leg->address6));
	leg->has_address6 = true;
}

bool tunnel_replace_on_up(struct leg *leg, const struct link_address *address)
{
	struct tunnel *t = leg->tunnel;
	struct prefix local = prefix_host4(address->local);
	struct leg *old = t->current;
	int r = 0;

	if (leg != t->next)
		return false;
	t->next = NULL;
	if (address->local != old->address_be)
		r = network_up(t->params.network, &local);
	if (r < 0) {
		session_disconnect(leg->session, "the app's network cannot be set up");
		replaced(t, false, strerror(-r));
		return true;
	}
	leg->address_be = t->former_be = address->local;
	inherit_ipv6(leg, old);
	t->current = leg;
	t->up_since = loop_now(t->env.loop);
	drain_begin(t, old);
	t->params.ops->on_up(t->params.arg, address);
	replaced(t, true, "");
	return true;
}

void tunnel_replace_on_drained(void *arg)
{
	struct tunnel *t = arg;
	struct leg *old = other(t);

	if (!old->session || old == t->next)
		return;
	if (is_draining(t, old))
		loop_timer_set(t->drain, loop_now(t->env.loop) + DRAIN_LOOK);
	else
		session_disconnect(old->session, "replaced by a session with the new certificate");
}

void tunnel_replace_give_up(struct tunnel *t)
{
	if (!t->next)
		return;
	session_free(t->next->session);
	t->next->session = NULL;
	t->next = NULL;
}

/* The session of leg is freed already. */
bool tunnel_replace_on_end(struct leg *leg, const char *reason)
{
	struct tunnel *t = leg->tunnel;

	if (leg == t->current && t->next) {
		log_info("the old session ended first: %s", reason);
		t->current = t->next;
		t->next = NULL;
		return true;
	}
	if (leg == t->current)
		return false;
	if (leg == t->next) {
		t->next = NULL;
		replaced(t, false, reason);
	}
	tunnel_replace_if_wanted(t);
	return true;
}
