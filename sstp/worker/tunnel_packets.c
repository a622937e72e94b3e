/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "sstp/worker/tunnel_internal.h"
#include "tun/ip.h"

enum {
	ICMPV6_ERROR_LAST = 127, /* RFC 4443 section 2.1 */
};

/* The packet is good, and len bytes. */
static void to_device(const struct tunnel *t, struct traffic *traffic, const uint8_t *pkt,
		      size_t len)
{
	if (!t->port) {
		traffic->drops[DROP_DEVICE]++;
		return;
	}
	port_write(t->port, pkt, len);
	traffic->rx_packets++;
	traffic->rx_bytes += len;
}

static bool is_own6(const struct leg *leg, const uint8_t *address)
{
	return leg->has_address6 && memcmp(address, leg->address6, sizeof(leg->address6)) == 0;
}

/*
 * Of a link-local source nothing but an ICMPv6 error is for the app (the gateway answers with them): the kernel would take
 * a default route, or another way to an address, from router advertisements and redirects, where a container does not let
 * us forbid it (network.c).
 */
static bool is_of_link(const uint8_t *pkt, const struct ip6_info *ip)
{
	bool is_link_local = ip->src[0] == 0xfe && (ip->src[1] & 0xc0) == 0x80;
	bool is_error = ip->protocol == IPPROTO_ICMPV6 && ip->l4_at < ip->total_len &&
			pkt[ip->l4_at] <= ICMPV6_ERROR_LAST;

	return is_link_local && !is_error;
}

static void on_ipv6_packet(const struct leg *leg, uint8_t *pkt, size_t len)
{
	struct traffic *traffic = session_traffic(leg->session);
	struct ip6_info ip;

	if (ip6_parse(pkt, len, &ip) < 0) {
		traffic->drops[DROP_MALFORMED]++;
		return;
	}
	if (!is_own6(leg, ip.dst) || is_of_link(pkt, &ip)) {
		traffic->drops[DROP_DESTINATION]++;
		return;
	}
	ip6_clamp_mss(pkt, &ip, leg->tunnel->params.mtu);
	to_device(leg->tunnel, traffic, pkt, ip.total_len);
}

void tunnel_on_packet(void *arg, uint8_t *pkt, size_t len)
{
	struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;
	struct traffic *traffic = session_traffic(leg->session);
	struct ip_info ip;
	int r = ip_parse(pkt, len, &ip);

	if (r == -EAFNOSUPPORT) {
		on_ipv6_packet(leg, pkt, len);
		return;
	}
	if (r < 0 || ip.dst_be != leg->address_be) {
		traffic->drops[r < 0 ? DROP_MALFORMED : DROP_DESTINATION]++;
		return;
	}
	ip_clamp_mss(pkt, &ip, t->params.mtu);
	to_device(t, traffic, pkt, ip.total_len);
}

void tunnel_on_burst_end(void *arg)
{
	struct leg *leg = arg;

	session_traffic(leg->session)->drops[DROP_DEVICE] += port_flush(leg->tunnel->port);
}

/* The reason to drop a packet from the app, or DROP_REASONS. */
static enum drop_reason judge6(const struct leg *leg, const uint8_t *pkt, size_t len)
{
	struct ip6_info ip;

	if (!leg->has_address6)
		return DROP_PROTOCOL;
	if (ip6_parse(pkt, len, &ip) < 0)
		return DROP_MALFORMED;
	return is_own6(leg, ip.src) ? DROP_REASONS : DROP_SOURCE;
}

static enum drop_reason judge(const struct leg *leg, const uint8_t *pkt, size_t len)
{
	struct ip_info ip;
	int r = ip_parse(pkt, len, &ip);

	if (r == -EAFNOSUPPORT)
		return judge6(leg, pkt, len);
	if (r < 0)
		return DROP_MALFORMED;
	return ip.src_be == leg->address_be ? DROP_REASONS : DROP_SOURCE;
}

/*
 * The one that carries packets. Its IPV6CP opens a moment after it took over: until then IPv6 goes through the session
 * that it took over from.
 */
static const struct leg *leg_for(const struct tunnel *t, const uint8_t *pkt, size_t len)
{
	const struct leg *old = t->current == &t->legs[0] ? &t->legs[1] : &t->legs[0];
	bool is_ipv6 = len > 0 && pkt[0] >> 4 == 6;

	if (!is_ipv6 || !old->session || !old->has_address6 ||
	    session_has_ipv6(t->current->session) || !session_has_ipv6(old->session))
		return t->current;
	return old;
}

/* From the app. While the tunnel is down nothing is kept for later. */
void tunnel_on_device_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	const struct tunnel *t = arg;
	const struct leg *leg = t->current;
	enum drop_reason why;

	if (!leg->session || !leg->address_be)
		return;
	leg = leg_for(t, pkt, len);
	why = judge(leg, pkt, len);
	if (why == DROP_REASONS)
		session_send(leg->session, h, pkt, len, t->params.mtu);
	else
		session_traffic(leg->session)->drops[why]++;
}
