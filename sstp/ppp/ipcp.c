/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/ipcp.h"

#include <arpa/inet.h>
#include <errno.h>

enum {
	ADDRESS_SIZE = 4,
};

static struct ipcp *ipcp_of(struct cp *cp)
{
	return (struct ipcp *)cp;
}

static uint32_t get_address(const struct option *o)
{
	uint32_t address;

	memcpy(&address, o->data, sizeof(address));
	return address;
}

/*
 * The place of what an option of the client's request is about; NULL: an option that we do not
 * know.
 */
static uint32_t *client_value(struct ipcp *ipcp, uint8_t type)
{
	switch (type) {
	case IPCP_ADDRESS: return ipcp->server ? &ipcp->address.peer : &ipcp->address.local;
	case IPCP_DNS1: return &ipcp->address.dns[0];
	case IPCP_DNS2: return &ipcp->address.dns[1];
	default: return NULL;
	}
}

static void write_request(struct cp *cp, struct wire_writer *w)
{
	const struct ipcp *ipcp = ipcp_of(cp);

	if (ipcp->ask_address)
		option_put(w, IPCP_ADDRESS, &ipcp->address.local, ADDRESS_SIZE);
	if (ipcp->ask_dns[0])
		option_put(w, IPCP_DNS1, &ipcp->address.dns[0], ADDRESS_SIZE);
	if (ipcp->ask_dns[1])
		option_put(w, IPCP_DNS2, &ipcp->address.dns[1], ADDRESS_SIZE);
}

/* The client takes whatever address the server has. */
static enum cp_verdict judge_server(const struct option *o)
{
	return o->type == IPCP_ADDRESS && o->len == ADDRESS_SIZE ? CP_ACK : CP_REJECT;
}

static enum cp_verdict judge_client(struct ipcp *ipcp, const struct option *o)
{
	const uint32_t *value = client_value(ipcp, o->type);

	if (!value || !*value || o->len != ADDRESS_SIZE)
		return CP_REJECT;
	if (get_address(o) == *value)
		return CP_ACK;
	if (ipcp->cp.naks < CP_MAX_FAILURE)
		return CP_NAK;
	cp_fail(&ipcp->cp, "the peer insists on another address");
	return CP_REFUSE;
}

static enum cp_verdict judge(struct cp *cp, const struct option *o)
{
	struct ipcp *ipcp = ipcp_of(cp);

	return ipcp->server ? judge_client(ipcp, o) : judge_server(o);
}

static void write_nak(struct cp *cp, const struct option *o, struct wire_writer *w)
{
	option_put(w, o->type, client_value(ipcp_of(cp), o->type), ADDRESS_SIZE);
}

/* A client that does not ask has no address at all. */
static uint8_t required(const struct cp *cp)
{
	return ((const struct ipcp *)cp)->server ? IPCP_ADDRESS : 0;
}

static void forget(struct cp *cp)
{
	struct ipcp *ipcp = ipcp_of(cp);

	if (!ipcp->server)
		ipcp->address.peer = 0;
}

static void take(struct cp *cp, const struct option *o)
{
	struct ipcp *ipcp = ipcp_of(cp);

	if (!ipcp->server)
		ipcp->address.peer = get_address(o);
}

static bool is_asked_for(const struct ipcp *ipcp, uint8_t type)
{
	switch (type) {
	case IPCP_ADDRESS: return ipcp->ask_address;
	case IPCP_DNS1: return ipcp->ask_dns[0];
	case IPCP_DNS2: return ipcp->ask_dns[1];
	default: return false;
	}
}

static void stop_asking(struct ipcp *ipcp, uint8_t type)
{
	if (type == IPCP_ADDRESS) {
		ipcp->ask_address = false;
		return;
	}
	ipcp->ask_dns[type == IPCP_DNS2] = false;
	*client_value(ipcp, type) = 0;
}

/*
 * The server's address is not negotiable: the same request again. A server that has no DNS server may reject
 * the question or answer with what was asked, zero, for as long as it is asked.
 */
static int on_nak(struct cp *cp, const struct option *o)
{
	struct ipcp *ipcp = ipcp_of(cp);
	uint32_t *value = client_value(ipcp, o->type);

	if (ipcp->server || o->len != ADDRESS_SIZE || !is_asked_for(ipcp, o->type))
		return 0;
	if (o->type != IPCP_ADDRESS && get_address(o) == *value)
		stop_asking(ipcp, o->type);
	else
		*value = get_address(o);
	return 0;
}

static int on_reject(struct cp *cp, const struct option *o)
{
	stop_asking(ipcp_of(cp), o->type);
	return 0;
}

static const struct cp_ops ipcp_ops = {
	.protocol = PPP_IPCP,
	.write_request = write_request,
	.judge = judge,
	.write_nak = write_nak,
	.required = required,
	.forget = forget,
	.take = take,
	.on_nak = on_nak,
	.on_reject = on_reject,
};

void ipcp_init(struct ipcp *ipcp, bool server)
{
	*ipcp = (struct ipcp){
		.server = server,
		.ask_address = true,
		.ask_dns = {!server, !server},
	};
	cp_init(&ipcp->cp, &ipcp_ops);
	/* open means that the session is up: there is no way back */
	ipcp->cp.settled = true;
}

unsigned ipcp_start(struct ipcp *ipcp, uint64_t now, const struct link_address *address,
		    uint16_t peer_mru, struct outbox *out)
{
	unsigned result;

	ipcp->address = *address;
	ipcp->cp.peer_mru = peer_mru;
	result = cp_event(&ipcp->cp, now, FSM_OPEN, out);
	return result | cp_event(&ipcp->cp, now, FSM_UP, out);
}

bool ipcp_has_usable_address(const struct ipcp *ipcp)
{
	uint32_t a = ntohl(ipcp->address.local);

	return ipcp->ask_address && a != INADDR_ANY && a != INADDR_BROADCAST &&
	       a >> 24 != IN_LOOPBACKNET && !IN_MULTICAST(a);
}
