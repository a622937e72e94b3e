/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offload_split on any virtio-net header and packet. Input: a byte whose bit 0 has the IP length
 * put right, two of MTU, the ten of the header, the packet. Every segment fits the MTU, has right
 * lengths and checksums, and together they are as long as the payload.
 */
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "test/unit/tun/packet.h"
#include "tun/offload_packet.h"
#include "tun/offload_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void fix_length(uint8_t *pkt, size_t len)
{
	if (len >= 20 && pkt[0] >> 4 == 4)
		packet_set_be16(pkt + 2, (unsigned)len);
	else if (len >= 40 && pkt[0] >> 4 == 6)
		packet_set_be16(pkt + 4, (unsigned)len - 40);
}

static void check_segment(const uint8_t *segment, size_t len)
{
	struct offload_packet p;

	check(offload_packet_parse(segment, len, &p) == 0 && p.header_len > 0);
	if (p.is_plain)
		check(packet_is_valid(segment, len));
}

/* Returns the bytes of all segments' payloads; of a single packet, its length. */
static size_t take_segments(struct offload_split *s, uint16_t mtu, bool is_super, size_t headers)
{
	size_t total = 0;
	size_t len;

	while ((len = offload_split_next_len(s)) > 0) {
		uint8_t *segment = malloc(len);

		check(segment != NULL && len <= mtu && len >= headers);
		offload_split_next(s, segment);
		if (is_super)
			check_segment(segment, len);
		total += len - headers;
		free(segment);
	}
	return total;
}

static void run(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len, uint16_t mtu)
{
	bool is_super = (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) != VIRTIO_NET_HDR_GSO_NONE;
	struct offload_packet p = {0};
	struct offload_split s;
	int error = offload_split_begin(&s, h, pkt, len, mtu);

	check(error == 0 || error == -EBADMSG || error == -EMSGSIZE);
	if (error < 0)
		return;
	if (is_super)
		check(offload_packet_parse(pkt, len, &p) == 0);
	check(take_segments(&s, mtu, is_super, p.header_len) == len - p.header_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader r = wire_reader(data, size);
	uint8_t fix = wire_u8(&r);
	uint16_t mtu = wire_be16(&r);
	const uint8_t *header = wire_bytes(&r, sizeof(struct virtio_net_hdr));
	size_t len = wire_left(&r);
	struct virtio_net_hdr h;
	uint8_t *pkt;

	if (!header)
		return 0;
	memcpy(&h, header, sizeof(h));
	/* exactly as large as the packet, so that ASan sees the first byte past it */
	pkt = malloc(len ? len : 1);
	check(pkt != NULL);
	if (len)
		memcpy(pkt, wire_bytes(&r, len), len);
	if (fix & 1)
		fix_length(pkt, len);
	run(&h, pkt, len, mtu);
	free(pkt);
	return 0;
}
