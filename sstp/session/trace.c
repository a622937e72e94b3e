/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/trace.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/wire.h"
#include "tun/ip.h"

enum {
	ECHO = 8,
	ECHO6 = 128,
	FLAG_SYN = 0x02,
	FLAG_ACK = 0x10,
};

/* What the IP header says, of either family. */
struct headers {
	uint8_t protocol;
	const uint8_t *src, *dst;
	struct wire_reader payload;
};

static bool read_ip4(const uint8_t *bytes, size_t len, struct headers *h)
{
	struct wire_reader r = wire_reader(bytes, len);
	struct ip_info ip;
	const uint8_t *fixed;

	if (ip_parse(bytes, len, &ip) < 0)
		return false;
	fixed = wire_bytes(&r, ip.header_len);
	h->protocol = ip.protocol;
	h->src = fixed + 12;
	h->dst = fixed + 16;
	h->payload = wire_sub(&r, (size_t)ip.total_len - ip.header_len);
	return true;
}

static bool read_ip6(const uint8_t *bytes, size_t len, struct headers *h)
{
	struct wire_reader r = wire_reader(bytes, len);
	struct ip6_info ip;

	if (ip6_parse(bytes, len, &ip) < 0)
		return false;
	wire_bytes(&r, ip.l4_at);
	h->protocol = ip.protocol;
	h->src = ip.src;
	h->dst = ip.dst;
	h->payload = wire_sub(&r, (size_t)ip.total_len - ip.l4_at);
	return true;
}

static size_t address_size(const struct trace_watch *w)
{
	return w->probe.family == AF_INET6 ? PROBE_ADDRESS_SIZE : 4;
}

/* A SYN of the 5-tuple; the first one says its number. */
static bool is_syn(struct trace_watch *w, struct wire_reader r)
{
	uint16_t from = wire_be16(&r), to = wire_be16(&r);
	uint32_t number = wire_be32(&r);
	uint8_t flags;

	wire_bytes(&r, 5);
	flags = wire_u8(&r);
	if (!wire_ok(&r) || from != w->probe.own || to != w->probe.port ||
	    (flags & (FLAG_SYN | FLAG_ACK)) != FLAG_SYN)
		return false;
	if (!w->knows_number)
		w->probe.number = number;
	w->knows_number = true;
	return number == w->probe.number;
}

static bool is_echo(const struct trace_watch *w, struct wire_reader r)
{
	uint8_t type = wire_u8(&r);

	wire_bytes(&r, 3);
	return type == (w->probe.family == AF_INET6 ? ECHO6 : ECHO) &&
	       wire_be16(&r) == w->probe.own && wire_be16(&r) == (uint16_t)w->probe.number &&
	       wire_be32(&r) == w->probe.number && wire_ok(&r);
}

static bool is_question(struct trace_watch *w, const struct headers *h)
{
	bool is_6 = w->probe.family == AF_INET6;

	if (memcmp(h->dst, w->probe.dst, address_size(w)) != 0)
		return false;
	if (w->probe.port)
		return h->protocol == IPPROTO_TCP && is_syn(w, h->payload);
	return h->protocol == (is_6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && is_echo(w, h->payload);
}

static void see_question(struct trace_watch *w, const struct tap_packet *p, uint64_t now)
{
	struct headers h;

	if (!(w->probe.family == AF_INET6 ? read_ip6 : read_ip4)(p->bytes, p->len, &h) ||
	    !is_question(w, &h))
		return;
	if (p->verdict == DROP_DEVICE && w->passed) { /* one that was seen to pass */
		w->why = DROP_DEVICE;
		w->passed--;
		return;
	}
	if (!w->sent++)
		w->sent_at = now;
	memcpy(w->source, h.src, address_size(w));
	if (p->verdict < DROP_REASONS) {
		w->why = p->verdict;
		return;
	}
	w->passed++;
	memcpy(w->probe.src, h.src, address_size(w)); /* of a client's /64 it is any */
}

static void see_answer(struct trace_watch *w, const struct tap_packet *p, uint64_t now)
{
	struct probe_answer answer;
	bool is_from_network = p->point == TAP_FROM_NETWORK;

	if (!w->knows_number || !probe_take(&w->probe, p->bytes, p->len, &answer))
		return;
	w->answer = answer;
	if (!w->answered_at)
		w->answered_at = now;
	if (is_from_network)
		w->answered++;
	else if (p->verdict < DROP_REASONS)
		w->back_why = p->verdict;
	else
		w->delivered++;
}

void trace_watch_init(struct trace_watch *w, const struct probe *probe)
{
	*w = (struct trace_watch){.probe = *probe, .why = DROP_REASONS, .back_why = DROP_REASONS};
	w->knows_number = !probe->port;
}

void trace_watch_see(struct trace_watch *w, const struct tap_packet *p, bool is_own, uint64_t now)
{
	if (p->point != TAP_FROM_CLIENT)
		see_answer(w, p, now);
	else if (is_own)
		see_question(w, p, now);
}
