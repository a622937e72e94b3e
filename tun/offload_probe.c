/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/offload_probe.h"

#include <errno.h>
#include <stdbool.h>

#include "tun/csum.h"
#include "tun/offload_packet.h"

enum {
	SEGMENT = 8,
	PAYLOAD = 2 * SEGMENT,
	DISCARD_PORT = 9, /* RFC 863 */
	PROBE_MAX = OFFLOAD_IPV4_HEADER + OFFLOAD_TCP_HEADER + PAYLOAD,
};

/* From 127.0.0.1 to 0.0.0.0, TTL 0; pkt is all zeros. */
static void put_ipv4(uint8_t *pkt, uint8_t protocol, uint16_t len)
{
	pkt[0] = 0x45;
	offload_put_be16(pkt + 2, len);
	offload_put_be16(pkt + 6, OFFLOAD_IPV4_DF);
	pkt[9] = protocol;
	pkt[12] = 127;
	pkt[15] = 1;
	csum_put(pkt + 10, csum_add(0, pkt, OFFLOAD_IPV4_HEADER));
}

static void put_l4(uint8_t *l4, uint8_t protocol, uint16_t len)
{
	offload_put_be16(l4, DISCARD_PORT);
	offload_put_be16(l4 + 2, DISCARD_PORT);
	if (protocol == OFFLOAD_UDP) {
		offload_put_be16(l4 + 4, len);
		return;
	}
	l4[12] = OFFLOAD_TCP_HEADER / 4 << 4;
	l4[OFFLOAD_TCP_FLAGS_AT] = OFFLOAD_ACK;
}

static bool is_refused(uint8_t protocol, offload_write *write, void *arg)
{
	bool is_tcp = protocol == OFFLOAD_TCP;
	uint16_t l4_header = is_tcp ? OFFLOAD_TCP_HEADER : OFFLOAD_UDP_HEADER;
	uint16_t l4_len = l4_header + PAYLOAD;
	struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = is_tcp ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_UDP_L4,
		.hdr_len = OFFLOAD_IPV4_HEADER + l4_header,
		.gso_size = SEGMENT,
		.csum_start = OFFLOAD_IPV4_HEADER,
		.csum_offset = is_tcp ? OFFLOAD_TCP_CHECKSUM_AT : OFFLOAD_UDP_CHECKSUM_AT,
	};
	uint8_t pkt[PROBE_MAX] = {0};
	uint8_t *l4 = pkt + OFFLOAD_IPV4_HEADER;
	struct iovec iov[] = {{&h, sizeof(h)}, {pkt, OFFLOAD_IPV4_HEADER + l4_len}};
	struct tun_out out = {.iov = iov, .n = 2};

	put_ipv4(pkt, protocol, OFFLOAD_IPV4_HEADER + l4_len);
	put_l4(l4, protocol, l4_len);
	csum_put_partial(l4 + h.csum_offset, csum_pseudo_v4(pkt + 12, protocol, l4_len));
	write(arg, &out, 1);
	return out.result == -EINVAL;
}

unsigned offload_probe(unsigned offload, offload_write *write, void *arg)
{
	unsigned refused = 0;

	if ((offload & TUN_OFFLOAD_TCP_MERGE) && is_refused(OFFLOAD_TCP, write, arg))
		refused |= TUN_OFFLOAD_TCP_MERGE;
	if ((offload & TUN_OFFLOAD_UDP_MERGE) && is_refused(OFFLOAD_UDP, write, arg))
		refused |= TUN_OFFLOAD_UDP_MERGE;
	return refused;
}

unsigned offload_probe_device(struct tun *tuns, unsigned n)
{
	unsigned refused = offload_probe(tuns[0].offload, tun_offload_write, &tuns[0]);

	for (unsigned i = 0; i < n; i++)
		tuns[i].offload &= ~refused;
	return refused;
}
