/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/offload_split.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/tun/packet.h"
#include "tun/csum.h"
#include "tun/offload_packet.h"

enum {
	MTU = 1400,
	BUFFER = 65536 + PACKET_HEADER_MAX,
	SEGMENTS_MAX = 8192,
};

/* A super-packet as the kernel gives it, and what became of it. */
struct bench {
	uint8_t pkt[BUFFER];
	size_t len;
	struct virtio_net_hdr header;
	struct offload_split split;
	uint8_t *segments[SEGMENTS_MAX];
	size_t lens[SEGMENTS_MAX];
	size_t n;
};

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct bench));
	return *state ? 0 : -1;
}

static void forget_segments(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->segments[i]);
	b->n = 0;
}

static int tear_down(void **state)
{
	forget_segments(*state);
	free(*state);
	return 0;
}

static void put_super(struct bench *b, const struct packet *p, uint16_t gso_size)
{
	bool is_tcp = p->protocol == IPPROTO_TCP;
	uint8_t tcp = p->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;

	b->len = packet_put(p, b->pkt);
	b->header = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = is_tcp ? tcp : VIRTIO_NET_HDR_GSO_UDP_L4,
		.hdr_len = (uint16_t)b->len, /* as the kernel may say it: never believed */
		.gso_size = gso_size,
		.csum_start = (uint16_t)((p->version == 4 ? 20 : 40) + p->ip_options_len),
		.csum_offset = is_tcp ? 16 : 6,
	};
}

static int begin(struct bench *b, uint16_t mtu)
{
	return offload_split_begin(&b->split, &b->header, b->pkt, b->len, mtu);
}

/* Each into memory of exactly its size, so that ASan sees what is written behind it. */
static void take_segments(struct bench *b)
{
	size_t len;

	forget_segments(b);
	while ((len = offload_split_next_len(&b->split)) > 0) {
		assert_in_range(b->n, 0, SEGMENTS_MAX - 1);
		b->segments[b->n] = malloc(len);
		assert_non_null(b->segments[b->n]);
		offload_split_next(&b->split, b->segments[b->n]);
		b->lens[b->n++] = len;
	}
}

static void split(struct bench *b, const struct packet *p, uint16_t gso_size, uint16_t mtu)
{
	put_super(b, p, gso_size);
	assert_int_equal(begin(b, mtu), 0);
	take_segments(b);
}

/* All segments valid and none too long; their payloads one behind the other are the original. */
static void check_segments(const struct bench *b, uint16_t mtu)
{
	const uint8_t *payload = b->pkt + packet_payload_at(b->pkt);

	for (size_t i = 0; i < b->n; i++) {
		size_t at = packet_payload_at(b->segments[i]);

		assert_in_range(b->lens[i], at, mtu);
		if (!packet_is_valid(b->segments[i], b->lens[i]))
			fail_msg("segment %zu is not valid", i);
		assert_memory_equal(b->segments[i] + at, payload, b->lens[i] - at);
		payload += b->lens[i] - at;
	}
	assert_int_equal(payload - b->pkt, b->len);
}

static const uint8_t *tcp_of(const struct bench *b, size_t i)
{
	return b->segments[i] + packet_l4_at(b->segments[i]);
}

static struct packet tcp(uint8_t version, size_t payload_len)
{
	struct packet p = packet_plain(version, IPPROTO_TCP);

	p.payload_len = payload_len;
	return p;
}

static struct packet udp(uint8_t version, size_t payload_len)
{
	struct packet p = packet_plain(version, IPPROTO_UDP);

	p.payload_len = payload_len;
	return p;
}

static void tcp_segments_count_their_sequence_numbers(void **state)
{
	static const uint8_t versions[] = {4, 6};
	struct bench *b = *state;

	for (size_t v = 0; v < 2; v++) {
		struct packet p = tcp(versions[v], 5000);

		p.seq = UINT32_C(0xfffff800); /* and wrap */
		split(b, &p, 1300, MTU);
		assert_int_equal(b->n, 4);
		check_segments(b, MTU);
		for (size_t i = 0; i < b->n; i++)
			assert_int_equal(packet_be32(tcp_of(b, i) + 4),
					 p.seq + (uint32_t)(1300 * i));
	}
}

static void ipv4_identification_counts_up(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 3000);

	p.id = 0xffff;
	split(b, &p, 1000, MTU);
	assert_int_equal(b->n, 3);
	assert_int_equal(packet_be16(b->segments[0] + 4), 0xffff);
	assert_int_equal(packet_be16(b->segments[1] + 4), 0);
	assert_int_equal(packet_be16(b->segments[2] + 4), 1);
}

static void flags_of_the_end_and_of_the_start_are_there_once(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 3000);

	p.flags = PACKET_ACK | PACKET_PSH | PACKET_FIN | PACKET_CWR | PACKET_ECE;
	split(b, &p, 1000, MTU);
	check_segments(b, MTU);
	assert_int_equal(tcp_of(b, 0)[13], PACKET_ACK | PACKET_ECE | PACKET_CWR);
	assert_int_equal(tcp_of(b, 1)[13], PACKET_ACK | PACKET_ECE);
	assert_int_equal(tcp_of(b, 2)[13], PACKET_ACK | PACKET_ECE | PACKET_PSH | PACKET_FIN);
}

static void options_are_in_every_segment(void **state)
{
	static const uint8_t timestamps[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t router_alert[] = {148, 4, 0, 0};
	static const uint8_t hop_by_hop[] = {IPPROTO_TCP, 0, 1, 4, 0, 0, 0, 0};
	struct bench *b = *state;
	struct packet p = tcp(4, 4000);

	p.tcp_options = timestamps;
	p.tcp_options_len = sizeof(timestamps);
	p.ip_options = router_alert;
	p.ip_options_len = sizeof(router_alert);
	split(b, &p, 1348, MTU);
	check_segments(b, MTU);
	for (size_t i = 0; i < b->n; i++) {
		assert_memory_equal(b->segments[i] + 20, router_alert, sizeof(router_alert));
		assert_memory_equal(tcp_of(b, i) + 20, timestamps, sizeof(timestamps));
	}
	p.version = 6;
	p.ip_options = hop_by_hop;
	p.ip_options_len = sizeof(hop_by_hop);
	split(b, &p, 1000, MTU);
	assert_int_equal(b->n, 4);
	assert_memory_equal(b->segments[3] + 40, hop_by_hop, sizeof(hop_by_hop));
}

static void datagrams_keep_their_bounds(void **state)
{
	static const uint8_t versions[] = {4, 6};
	struct bench *b = *state;

	for (size_t v = 0; v < 2; v++) {
		struct packet p = udp(versions[v], 2500);

		split(b, &p, 1200, MTU);
		assert_int_equal(b->n, 3);
		check_segments(b, MTU);
		assert_int_equal(b->lens[2], packet_payload_at(b->pkt) + 100);
	}
}

static void tcp_is_cut_smaller_for_a_smaller_link(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 60000);

	split(b, &p, 1348, 576);
	check_segments(b, 576);
	assert_int_equal(b->lens[0], 576);
	assert_int_equal(b->n, (60000 + 535) / 536);
}

static void datagram_too_long_for_the_link_is_emsgsize(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4, 2500);

	put_super(b, &p, 1200);
	assert_int_equal(begin(b, 1227), -EMSGSIZE);
	assert_int_equal(begin(b, 1228), 0);
	p.payload_len = 900; /* only one datagram, and shorter than gso_size */
	put_super(b, &p, 1200);
	assert_int_equal(begin(b, 928), 0);
	assert_int_equal(begin(b, 927), -EMSGSIZE);
}

static void headers_without_room_for_payload_are_emsgsize(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 2000);

	put_super(b, &p, 1000);
	assert_int_equal(begin(b, 40), -EMSGSIZE);
	assert_int_equal(begin(b, 41), 0);
}

static void plain_packet_is_copied_unseen(void **state)
{
	struct bench *b = *state;

	memset(b->pkt, 0xee, MTU + 1);
	b->len = MTU;
	assert_int_equal(begin(b, MTU), 0);
	take_segments(b);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->lens[0], MTU);
	assert_memory_equal(b->segments[0], b->pkt, MTU);
	b->len = MTU + 1;
	assert_int_equal(begin(b, MTU), -EMSGSIZE);
	b->len = 0;
	assert_int_equal(begin(b, MTU), -EBADMSG);
}

/* Leaves in the checksum's place what the kernel leaves there: the pseudo-header's sum. */
static void make_partial(struct bench *b)
{
	struct offload_packet p;
	uint8_t *at;

	assert_int_equal(offload_packet_parse(b->pkt, b->len, &p), 0);
	at = b->pkt + p.l4_at + offload_packet_csum_at(&p);
	csum_put_partial(at, offload_packet_pseudo(&p, p.len - p.l4_at));
}

static void partial_checksum_is_completed(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	struct bench *b = *state;

	for (size_t i = 0; i < 4; i++) {
		struct packet p = packet_plain(i / 2 ? 6 : 4, protocols[i % 2]);

		p.payload_len = 101;
		put_super(b, &p, 0);
		b->header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		make_partial(b);
		assert_false(packet_is_valid(b->pkt, b->len));
		assert_int_equal(begin(b, MTU), 0);
		take_segments(b);
		assert_int_equal(b->n, 1);
		check_segments(b, MTU);
	}
}

static void checksum_outside_the_packet_is_malformed(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4, 100);

	put_super(b, &p, 0);
	b->header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	b->header.csum_start = (uint16_t)(b->len - 1);
	b->header.csum_offset = 0;
	assert_int_equal(begin(b, MTU), -EBADMSG);
	b->header.csum_start = 0xffff;
	b->header.csum_offset = 0xffff;
	assert_int_equal(begin(b, MTU), -EBADMSG);
}

static void header_that_contradicts_the_packet_is_malformed(void **state)
{
	static const struct virtio_net_hdr wrong[] = {
		{.gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1000},
		{.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4, .gso_size = 1000},
		{.gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1000},
		{.gso_type = 2, .gso_size = 1000},
		{.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0},
		{.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		 .gso_size = 1000,
		 .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		 .csum_start = 24},
	};
	struct bench *b = *state;
	struct packet p = tcp(4, 3000);

	put_super(b, &p, 1000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		b->header = wrong[i];
		assert_int_equal(begin(b, MTU), -EBADMSG);
	}
}

static void packet_that_was_cut_is_malformed(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 3000);
	size_t whole;

	put_super(b, &p, 1000);
	whole = b->len;
	for (b->len = 0; b->len < whole; b->len++)
		assert_int_equal(begin(b, MTU), -EBADMSG);
	b->len = whole;
	assert_int_equal(begin(b, MTU), 0);
}

static void super_packet_without_payload_is_one_packet(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(6, 0);

	split(b, &p, 1000, MTU);
	assert_int_equal(b->n, 1);
	check_segments(b, MTU);
}

static void B07_ecn_bit_does_not_change_the_kind(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 3000);

	put_super(b, &p, 1000);
	b->header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	assert_int_equal(begin(b, MTU), 0);
	take_segments(b);
	assert_int_equal(b->n, 3);
	check_segments(b, MTU);
}

/* The two bytes that make the checksum of this payload 0. */
static void aim_at_zero(struct bench *b, const struct packet *p, uint8_t payload[2])
{
	size_t at = packet_l4_at(b->pkt) + 6;

	memset(payload, 0, 2);
	put_super(b, p, 1000);
	memcpy(payload, b->pkt + at, 2);
}

static void B08_udp_checksum_zero_is_sent_as_ffff(void **state)
{
	struct bench *b = *state;
	uint8_t payload[2] = {0};
	struct packet p = udp(6, sizeof(payload));

	p.payload = payload;
	put_super(b, &p, 1000);
	aim_at_zero(b, &p, payload);
	split(b, &p, 1000, MTU);
	assert_int_equal(b->n, 1);
	assert_int_equal(packet_be16(tcp_of(b, 0) + 6), 0xffff);
	check_segments(b, MTU);
	b->header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	make_partial(b);
	assert_int_equal(begin(b, MTU), 0);
	take_segments(b);
	assert_int_equal(packet_be16(tcp_of(b, 0) + 6), 0xffff);
}

static void B09_no_number_of_segments_is_too_many(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 65000);

	split(b, &p, 8, MTU);
	assert_int_equal(b->n, 65000 / 8);
	check_segments(b, MTU);
}

static void B10_largest_packet_is_split_whole(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4, 65535 - 40);

	split(b, &p, 1360, MTU);
	check_segments(b, MTU);
	assert_int_equal(b->n, (65535 - 40 + 1359) / 1360);
	p = udp(6, 65535 - 48);
	split(b, &p, 1352, MTU);
	check_segments(b, MTU);
}

static void hdr_len_is_never_believed(void **state)
{
	static const uint16_t lies[] = {0, 1, 40, 54, 3040, 65535};
	struct bench *b = *state;
	struct packet p = tcp(4, 3000);

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		put_super(b, &p, 1000);
		b->header.hdr_len = lies[i];
		assert_int_equal(begin(b, MTU), 0);
		take_segments(b);
		assert_int_equal(b->n, 3);
		check_segments(b, MTU);
	}
}

static void fragment_is_no_super_packet(void **state)
{
	static const uint16_t fragments[] = {0x2000, 0x0001, 0x3fff};
	struct bench *b = *state;
	struct packet p = udp(4, 3000);

	for (size_t i = 0; i < 3; i++) {
		p.fragment = fragments[i];
		put_super(b, &p, 1000);
		assert_int_equal(begin(b, MTU), -EBADMSG);
		assert_int_equal(offload_split_count(&b->header, b->pkt, b->len), 1);
	}
}

static void random_super_packets_split_into_valid_segments(void **state)
{
	struct bench *b = *state;
	struct prng prng;

	prng_init(&prng, 0x5b117);
	for (int i = 0; i < 300; i++) {
		uint8_t protocol = prng_below(&prng, 2) ? IPPROTO_TCP : IPPROTO_UDP;
		struct packet p = packet_plain(prng_below(&prng, 2) ? 4 : 6, protocol);
		uint16_t gso_size = (uint16_t)(200 + prng_below(&prng, 1100));

		p.payload_len = prng_below(&prng, i % 10 ? 8000 : 65000);
		p.seq = (uint32_t)prng_next(&prng);
		p.flags = (uint8_t)(PACKET_ACK | prng_below(&prng, 256));
		split(b, &p, gso_size, MTU);
		check_segments(b, MTU);
		assert_int_equal(offload_split_count(&b->header, b->pkt, b->len), b->n);
	}
}

#define SPLIT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT_TEST(tcp_segments_count_their_sequence_numbers),
		SPLIT_TEST(ipv4_identification_counts_up),
		SPLIT_TEST(flags_of_the_end_and_of_the_start_are_there_once),
		SPLIT_TEST(options_are_in_every_segment),
		SPLIT_TEST(datagrams_keep_their_bounds),
		SPLIT_TEST(tcp_is_cut_smaller_for_a_smaller_link),
		SPLIT_TEST(datagram_too_long_for_the_link_is_emsgsize),
		SPLIT_TEST(headers_without_room_for_payload_are_emsgsize),
		SPLIT_TEST(plain_packet_is_copied_unseen),
		SPLIT_TEST(partial_checksum_is_completed),
		SPLIT_TEST(checksum_outside_the_packet_is_malformed),
		SPLIT_TEST(header_that_contradicts_the_packet_is_malformed),
		SPLIT_TEST(packet_that_was_cut_is_malformed),
		SPLIT_TEST(super_packet_without_payload_is_one_packet),
		SPLIT_TEST(B07_ecn_bit_does_not_change_the_kind),
		SPLIT_TEST(B08_udp_checksum_zero_is_sent_as_ffff),
		SPLIT_TEST(B09_no_number_of_segments_is_too_many),
		SPLIT_TEST(B10_largest_packet_is_split_whole),
		SPLIT_TEST(hdr_len_is_never_believed),
		SPLIT_TEST(fragment_is_no_super_packet),
		SPLIT_TEST(random_super_packets_split_into_valid_segments),
	};

	return cmocka_run_group_tests_name("tun/offload_split", tests, NULL, NULL);
}
