/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/ip6cp.h"

#include <string.h>

static const uint8_t zero[IP6CP_ID_SIZE];

static struct ip6cp *ip6cp_of(struct cp *cp)
{
	return (struct ip6cp *)cp;
}

static bool is_equal(const uint8_t a[IP6CP_ID_SIZE], const uint8_t b[IP6CP_ID_SIZE])
{
	return memcmp(a, b, IP6CP_ID_SIZE) == 0;
}

static void write_request(struct cp *cp, struct wire_writer *w)
{
	const struct ip6cp *ip6cp = ip6cp_of(cp);

	if (ip6cp->ask)
		option_put(w, IP6CP_IDENTIFIER, ip6cp->local, IP6CP_ID_SIZE);
}

/* Both ends need one, and not the same. */
static bool can_be_the_peers(const struct ip6cp *ip6cp, const uint8_t id[IP6CP_ID_SIZE])
{
	return !is_equal(id, zero) && !is_equal(id, ip6cp->local);
}

static enum cp_verdict judge(struct cp *cp, const struct option *o)
{
	const struct ip6cp *ip6cp = ip6cp_of(cp);

	if (o->type != IP6CP_IDENTIFIER || o->len != IP6CP_ID_SIZE)
		return CP_REJECT;
	if (!can_be_the_peers(ip6cp, o->data))
		return ip6cp->server ? CP_NAK : CP_REJECT;
	if (!ip6cp->server || is_equal(o->data, ip6cp->assigned))
		return CP_ACK;
	return cp->naks < IP6CP_INSIST ? CP_NAK : CP_ACK;
}

static void write_nak(struct cp *cp, const struct option *o, struct wire_writer *w)
{
	option_put(w, IP6CP_IDENTIFIER, ip6cp_of(cp)->assigned, IP6CP_ID_SIZE);
}

/* A client without one has no address at all. */
static uint8_t required(const struct cp *cp)
{
	return ((const struct ip6cp *)cp)->server ? IP6CP_IDENTIFIER : 0;
}

static void forget(struct cp *cp)
{
	memset(ip6cp_of(cp)->peer, 0, IP6CP_ID_SIZE);
}

static void take(struct cp *cp, const struct option *o)
{
	memcpy(ip6cp_of(cp)->peer, o->data, IP6CP_ID_SIZE);
}

/* The server's is not negotiable: the same request again. */
static int on_nak(struct cp *cp, const struct option *o)
{
	struct ip6cp *ip6cp = ip6cp_of(cp);

	if (!ip6cp->server && o->type == IP6CP_IDENTIFIER && o->len == IP6CP_ID_SIZE)
		memcpy(ip6cp->local, o->data, IP6CP_ID_SIZE);
	return 0;
}

static int on_reject(struct cp *cp, const struct option *o)
{
	ip6cp_of(cp)->ask = false;
	return 0;
}

static const struct cp_ops ip6cp_ops = {
	.protocol = PPP_IPV6CP,
	.write_request = write_request,
	.judge = judge,
	.write_nak = write_nak,
	.required = required,
	.forget = forget,
	.take = take,
	.on_nak = on_nak,
	.on_reject = on_reject,
};

void ip6cp_init(struct ip6cp *ip6cp, bool server)
{
	*ip6cp = (struct ip6cp){.server = server, .ask = true};
	if (server) {
		ip6cp->local[IP6CP_ID_SIZE - 1] = 2;
		ip6cp->assigned[IP6CP_ID_SIZE - 1] = 1;
	}
	cp_init(&ip6cp->cp, &ip6cp_ops);
	/* as IPCP: who is up keeps what he has */
	ip6cp->cp.settled = true;
}

unsigned ip6cp_start(struct ip6cp *ip6cp, uint64_t now, uint16_t peer_mru, struct outbox *out)
{
	unsigned result;

	ip6cp->cp.peer_mru = peer_mru;
	result = cp_event(&ip6cp->cp, now, FSM_OPEN, out);
	return result | cp_event(&ip6cp->cp, now, FSM_UP, out);
}

bool ip6cp_has_identifier(const struct ip6cp *ip6cp)
{
	return ip6cp->ask && !is_equal(ip6cp->local, zero);
}
