/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of the packets stay as they were: a super-packet has a copy of the first one. So what
 * the device refuses as one can still be written packet by packet.
 */
#include <errno.h>
#include <string.h>

#include "tun/csum.h"
#include "tun/offload_group.h"
#include "tun/tun.h"

enum {
	IPV4_LENGTH_AT = 2,
	IPV4_CHECKSUM_AT = 10,
	IPV6_LENGTH_AT = 4,
	UDP_LENGTH_AT = 4,
};

_Static_assert(offsetof(struct offload_header, packet) == TUN_HEADER_LEN, "one slice for both");

static void close_group(struct offload_merge *m, struct offload_group *g)
{
	m->closed[m->nclosed++] = g;
	if (m->nclosed == m->gathered)
		offload_write_closed(m);
}

/* The slices of one packet as it is. */
static void put_alone(struct offload_group *g, const uint8_t *pkt, size_t len)
{
	static const struct virtio_net_hdr plain;

	g->n = 1;
	g->iov[0] = (struct iovec){(void *)&plain, sizeof(plain)};
	g->iov[1] = (struct iovec){(void *)pkt, len};
}

void offload_write_alone(struct offload_merge *m, struct offload_group *g, const uint8_t *pkt,
			 size_t len)
{
	put_alone(g, pkt, len);
	close_group(m, g);
}

static uint8_t gso_type(const struct offload_packet *p)
{
	if (p->protocol == OFFLOAD_UDP)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	return p->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
}

static void put_ip_length(const struct offload_packet *first, uint8_t *ip, uint16_t len)
{
	if (first->version == 6) {
		offload_put_be16(ip + IPV6_LENGTH_AT, (uint16_t)(len - OFFLOAD_IPV6_HEADER));
		return;
	}
	offload_put_be16(ip + IPV4_LENGTH_AT, len);
	offload_put_be16(ip + IPV4_CHECKSUM_AT, 0);
	csum_put(ip + IPV4_CHECKSUM_AT, csum_add(0, ip, first->l4_at));
}

static void fill_header(const struct offload_group *g, struct offload_header *h)
{
	const struct offload_packet *first = &g->first;
	uint16_t len = (uint16_t)(first->header_len + g->payload);
	uint16_t l4_len = (uint16_t)(len - first->l4_at);
	uint8_t *l4 = h->packet + first->l4_at;

	h->virtio = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = gso_type(first),
		.hdr_len = first->header_len,
		.gso_size = g->size,
		.csum_start = first->l4_at,
		.csum_offset = offload_packet_csum_at(first),
	};
	memcpy(h->packet, first->bytes, first->header_len);
	put_ip_length(first, h->packet, len);
	if (first->protocol == OFFLOAD_UDP)
		offload_put_be16(l4 + UDP_LENGTH_AT, l4_len);
	else
		l4[OFFLOAD_TCP_FLAGS_AT] |= g->last_flags;
	csum_put_partial(l4 + h->virtio.csum_offset, offload_packet_pseudo(first, l4_len));
}

/* One that is alone stands there whole; of others the headers are in front of their payloads. */
static __attribute__((noinline, cold)) void refuse(struct offload_merge *m,
						   const struct offload_group *g)
{
	size_t header_len = g->n > 1 ? g->first.header_len : 0;

	m->counters.refused += (uint64_t)g->n;
	for (int i = 1; i <= g->n && m->on_refused; i++)
		m->on_refused(m->on_refused_arg, (const uint8_t *)g->iov[i].iov_base - header_len,
			      header_len + g->iov[i].iov_len);
}

static void count(struct offload_merge *m, const struct offload_group *g, int error)
{
	uint64_t n = (uint64_t)g->n;

	if (error < 0) {
		refuse(m, g);
		return;
	}
	m->counters.written += n;
	m->counters.writes++;
	if (n == 1)
		return;
	m->counters.merged += n;
	m->counters.super_packets++;
}

/* Its slices, without a header for a device that has none. */
static struct tun_out as_out(const struct offload_merge *m, const struct offload_group *g)
{
	int skipped = m->switches & TUN_OFFLOAD_HEADER ? 0 : 1;

	return (struct tun_out){.iov = g->iov + skipped, .n = 1 + g->n - skipped};
}

/*
 * The device is to blame only if it takes at least one of the packets: else a single peer could
 * switch merging off for all with packets that nobody would take.
 */
static void write_members(struct offload_merge *m, const struct offload_group *g)
{
	bool is_tcp = g->first.protocol == OFFLOAD_TCP;
	size_t header_len = g->first.header_len;
	uint64_t before = m->counters.written;

	for (int i = 1; i <= g->n; i++) {
		struct offload_group one;
		struct tun_out out;

		put_alone(&one, (const uint8_t *)g->iov[i].iov_base - header_len,
			  header_len + g->iov[i].iov_len);
		out = as_out(m, &one);
		m->write(m->arg, &out, 1);
		count(m, &one, out.result);
	}
	if (m->counters.written == before)
		return;
	m->counters.fallbacks++;
	m->switches &= ~(unsigned)(is_tcp ? TUN_OFFLOAD_TCP_MERGE : TUN_OFFLOAD_UDP_MERGE);
}

static void settle(struct offload_merge *m, struct offload_group *g, int result)
{
	if (g->n > 1 && result == -EINVAL)
		write_members(m, g);
	else
		count(m, g, result);
	m->free |= UINT64_C(1) << (g - m->groups);
}

void offload_write_closed(struct offload_merge *m)
{
	struct tun_out outs[OFFLOAD_GATHERED];
	unsigned n = m->nclosed;

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		outs[i] = as_out(m, m->closed[i]);
	m->nclosed = 0;
	m->write(m->arg, outs, n);
	for (unsigned i = 0; i < n; i++)
		settle(m, m->closed[i], outs[i].result);
}

void offload_write_group(struct offload_merge *m, struct offload_group *g)
{
	if (g->n == 1) {
		offload_write_alone(m, g, g->first.bytes, g->first.len);
		return;
	}
	fill_header(g, &g->header);
	g->iov[0].iov_base = &g->header;
	g->iov[0].iov_len = sizeof(g->header.virtio) + g->first.header_len;
	close_group(m, g);
}
