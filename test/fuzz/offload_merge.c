/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offload_merge on any packets. Input: a byte of switches (5 bits) and of how many writes are gathered,
 * a byte of what the device refuses, then records: a byte whose bit 0 has lengths and checksums put right, two of length, the packet.
 * Every packet is written or refused once; a super-packet splits into the packets that went in; no
 * packet overtakes another of its flow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "test/unit/tun/packet.h"
#include "tun/offload_merge.h"
#include "tun/offload_split.h"
#include "tun/tun.h"

enum {
	RECORDS_MAX = 256,
	HAS_HEADER = 1 << 4, /* in the first byte */
	GATHERED_SHIFT = 5,
	REFUSES_SUPER = 1,
	REFUSES_PLAIN = 2,
	LOSES_SUPER = 4, /* with another error than for being a super-packet */
};

struct record {
	uint8_t *bytes; /* owned */
	size_t len;
	struct offload_packet parsed; /* of one that has a flow */
	bool has_flow;
	bool is_gone;
};

struct bench {
	struct offload_merge merge;
	uint8_t refuses;
	bool has_header;
	unsigned gathered;
	struct record records[RECORDS_MAX];
	size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool same_flow(const struct offload_packet *a, const struct offload_packet *b)
{
	size_t at = a->version == 4 ? 12 : 8;

	return a->version == b->version && a->protocol == b->protocol &&
	       memcmp(a->bytes + at, b->bytes + at, a->version == 4 ? 8 : 32) == 0 &&
	       memcmp(a->bytes + a->l4_at, b->bytes + b->l4_at, 4) == 0;
}

/* Those of a refused super-packet may come behind what was gathered with it. */
static bool is_ordered(const struct bench *b)
{
	return b->gathered == 1 || !(b->refuses & REFUSES_SUPER);
}

/* The oldest packet of this one's flow that is not gone, or the oldest equal one without a flow. */
static struct record *oldest(struct bench *b, const uint8_t *pkt, size_t len)
{
	struct offload_packet p;
	bool has_flow = offload_packet_parse(pkt, len, &p) == 0 && p.is_plain && p.header_len;

	for (size_t i = 0; i < b->n; i++) {
		struct record *r = &b->records[i];

		if (r->is_gone || r->has_flow != has_flow)
			continue;
		if (has_flow && is_ordered(b) ? same_flow(&r->parsed, &p)
					      : r->len == len && memcmp(r->bytes, pkt, len) == 0)
			return r;
	}
	abort(); /* nobody sent that */
}

/* Both checksums may be 0 for 0xffff, and DF makes the identification free. */
static void forget_variants(uint8_t *pkt, const struct offload_packet *p)
{
	packet_set_be16(pkt + p->l4_at + offload_packet_csum_at(p), 0);
	if (p->version != 4)
		return;
	packet_set_be16(pkt + 10, 0);
	if (packet_be16(pkt + 6) & OFFLOAD_IPV4_DF)
		packet_set_be16(pkt + 4, 0);
}

static void on_segment(struct bench *b, uint8_t *pkt, size_t len)
{
	struct record *r = oldest(b, pkt, len);
	uint8_t *want = malloc(len);

	check(want != NULL && r->len == len && packet_is_valid(pkt, len));
	memcpy(want, r->bytes, len);
	forget_variants(want, &r->parsed);
	forget_variants(pkt, &r->parsed);
	check(memcmp(want, pkt, len) == 0);
	r->is_gone = true;
	free(want);
}

static void on_super(struct bench *b, const struct virtio_net_hdr *h, const uint8_t *pkt,
		     size_t len)
{
	static uint8_t segment[TUN_PACKET_MAX];
	struct offload_split s;
	size_t n;

	check(h->flags == VIRTIO_NET_HDR_F_NEEDS_CSUM);
	check(offload_split_begin(&s, h, pkt, len, TUN_PACKET_MAX) == 0);
	check(h->hdr_len == s.header_len && len > (size_t)h->hdr_len + h->gso_size);
	while ((n = offload_split_next_len(&s)) > 0) {
		offload_split_next(&s, segment);
		on_segment(b, segment, n);
	}
}

static void on_plain(struct bench *b, const uint8_t *pkt, size_t len)
{
	struct record *r = oldest(b, pkt, len);

	check(r->len == len && memcmp(r->bytes, pkt, len) == 0);
	r->is_gone = true;
}

static int device_take(struct bench *b, const struct iovec *iov, int n)
{
	static uint8_t pkt[TUN_PACKET_MAX];
	struct virtio_net_hdr h = {0};
	size_t len = 0;

	if (b->has_header) {
		check(iov[0].iov_len >= sizeof(h));
		memcpy(&h, iov[0].iov_base, sizeof(h));
	}
	for (int i = 0; i < n; i++) {
		size_t skip = i == 0 && b->has_header ? sizeof(h) : 0;

		memcpy(pkt + len, (uint8_t *)iov[i].iov_base + skip, iov[i].iov_len - skip);
		len += iov[i].iov_len - skip;
	}
	if (h.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		on_plain(b, pkt, len);
		return b->refuses & REFUSES_PLAIN ? -EINVAL : 0;
	}
	if (b->refuses & REFUSES_SUPER)
		return -EINVAL;
	on_super(b, &h, pkt, len);
	return b->refuses & LOSES_SUPER ? -EIO : 0;
}

static void device_write(void *arg, struct tun_out *packets, unsigned n)
{
	struct bench *b = arg;

	check(n > 0 && n <= b->gathered);
	for (unsigned i = 0; i < n; i++)
		packets[i].result = device_take(b, packets[i].iov, packets[i].n);
}

static void put_right(uint8_t *pkt, size_t len)
{
	struct offload_packet p;

	if (len >= 20 && pkt[0] >> 4 == 4)
		packet_set_be16(pkt + 2, (unsigned)len);
	else if (len >= 40 && pkt[0] >> 4 == 6)
		packet_set_be16(pkt + 4, (unsigned)len - 40);
	if (offload_packet_parse(pkt, len, &p) < 0 || !p.is_plain || p.header_len == 0)
		return;
	if (p.protocol == OFFLOAD_UDP)
		packet_set_be16(pkt + p.l4_at + 4, (unsigned)(len - p.l4_at));
	packet_fix_checksums(pkt, len);
}

static bool add_record(struct bench *b, struct wire_reader *input)
{
	struct record *r = &b->records[b->n];
	bool fix = wire_u8(input) & 1;
	size_t len = wire_be16(input);
	const uint8_t *bytes = wire_bytes(input, len);

	if (!bytes || b->n == RECORDS_MAX)
		return false;
	/* exactly as large as the packet, so that ASan sees the first byte past it */
	*r = (struct record){.bytes = malloc(len ? len : 1), .len = len};
	check(r->bytes != NULL);
	memcpy(r->bytes, bytes, len);
	if (fix)
		put_right(r->bytes, len);
	r->has_flow = offload_packet_parse(r->bytes, len, &r->parsed) == 0 && r->parsed.is_plain &&
		      r->parsed.header_len;
	b->n++;
	offload_merge_add(&b->merge, r->bytes, r->len);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench b;
	struct wire_reader r = wire_reader(data, size);
	uint8_t byte = wire_u8(&r);
	unsigned switches = byte & TUN_OFFLOAD_SUPER;

	if (byte & HAS_HEADER)
		switches |= TUN_OFFLOAD_HEADER;
	b.refuses = wire_u8(&r);
	b.has_header = switches & TUN_OFFLOAD_HEADER;
	b.gathered = 1 + (byte >> GATHERED_SHIFT) * 4;
	b.n = 0;
	offload_merge_init(&b.merge, switches, device_write, &b, b.gathered);
	while (add_record(&b, &r))
		;
	offload_merge_flush(&b.merge);
	check(b.merge.counters.written + b.merge.counters.refused == b.n);
	for (size_t i = 0; i < b.n; i++) {
		check(b.records[i].is_gone);
		free(b.records[i].bytes);
	}
	return 0;
}
