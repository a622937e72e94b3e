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
	HEADER_MAX = OFFLOAD_IPV6_HEADER + 60, /* of a group's packet: no extensions, TCP options */
};

struct super_header {
	struct virtio_net_hdr virtio;
	uint8_t packet[HEADER_MAX];
};

_Static_assert(offsetof(struct super_header, packet) == TUN_HEADER_LEN, "one slice for both");

int offload_write_alone(struct offload_merge *m, const uint8_t *pkt, size_t len)
{
	static const struct virtio_net_hdr plain;
	struct iovec iov[] = {{(void *)&plain, sizeof(plain)}, {(void *)pkt, len}};
	bool has_header = m->switches & TUN_OFFLOAD_HEADER;
	int error = has_header ? m->write(m->arg, iov, 2) : m->write(m->arg, iov + 1, 1);

	if (error < 0) {
		m->counters.refused++;
		return error;
	}
	m->counters.written++;
	m->counters.writes++;
	return 0;
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

static void fill_header(const struct offload_group *g, struct super_header *h)
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

/*
 * The device is to blame only if it takes at least one of the packets: else a single peer could
 * switch merging off for all with packets that nobody would take.
 */
static void write_members(struct offload_merge *m, const struct offload_group *g)
{
	bool is_tcp = g->first.protocol == OFFLOAD_TCP;
	size_t header_len = g->first.header_len;
	uint64_t before = m->counters.written;

	for (int i = 1; i <= g->n; i++)
		offload_write_alone(m, (const uint8_t *)g->iov[i].iov_base - header_len,
				    header_len + g->iov[i].iov_len);
	if (m->counters.written == before)
		return;
	m->counters.fallbacks++;
	m->switches &= ~(unsigned)(is_tcp ? TUN_OFFLOAD_TCP_MERGE : TUN_OFFLOAD_UDP_MERGE);
}

void offload_write_group(struct offload_merge *m, struct offload_group *g)
{
	struct super_header header;
	int error;

	if (g->n == 1) {
		offload_write_alone(m, g->first.bytes, g->first.len);
		return;
	}
	fill_header(g, &header);
	g->iov[0].iov_base = &header;
	g->iov[0].iov_len = sizeof(header.virtio) + g->first.header_len;
	error = m->write(m->arg, g->iov, 1 + g->n);
	if (error == -EINVAL) {
		write_members(m, g);
	} else if (error < 0) {
		m->counters.refused += (uint64_t)g->n;
	} else {
		m->counters.written += (uint64_t)g->n;
		m->counters.merged += (uint64_t)g->n;
		m->counters.super_packets++;
		m->counters.writes++;
	}
}
