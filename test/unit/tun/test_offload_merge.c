/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/offload_merge.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/tun/packet.h"
#include "tun/offload_split.h"
#include "tun/tun.h"

enum {
	HEADER = TUN_HEADER_LEN,
	BUFFER = 65536 + PACKET_HEADER_MAX,
	WRITES_MAX = 1024,
	EVERYTHING = TUN_OFFLOAD_ALL | TUN_OFFLOAD_HEADER,
	ARENA = 1 << 20,
};

struct written {
	uint8_t *bytes; /* header and packet */
	size_t len;
	int slices;
};

/* A device that remembers what was written, and refuses what it is told to. */
struct bench {
	struct offload_merge merge;
	struct written writes[WRITES_MAX];
	size_t n;
	unsigned calls;	      /* of device_write() */
	int super_error;      /* for super-packets; 0: taken */
	int plain_error;      /* for others */
	uint8_t arena[ARENA]; /* the packets, which wait here until the flush */
	size_t used;
	struct virtio_net_hdr header; /* of the write looked at last */
};

static int device_take(struct bench *b, const struct iovec *iov, int n)
{
	struct written w = {.slices = n};
	int error;

	for (int i = 0; i < n; i++)
		w.len += iov[i].iov_len;
	w.bytes = malloc(w.len);
	assert_non_null(w.bytes);
	w.len = 0;
	for (int i = 0; i < n; i++) {
		memcpy(w.bytes + w.len, iov[i].iov_base, iov[i].iov_len);
		w.len += iov[i].iov_len;
	}
	error = w.bytes[1] ? b->super_error : b->plain_error;
	assert_in_range(b->n, 0, WRITES_MAX - 1);
	if (error == 0)
		b->writes[b->n++] = w;
	else
		free(w.bytes);
	return error;
}

static void device_write(void *arg, struct tun_out *packets, unsigned n)
{
	struct bench *b = arg;

	b->calls++;
	assert_in_range(n, 1, b->merge.gathered);
	for (unsigned i = 0; i < n; i++)
		packets[i].result = device_take(b, packets[i].iov, packets[i].n);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	offload_merge_init(&b->merge, EVERYTHING, device_write, b, 1);
	*state = b;
	return 0;
}

static void forget_writes(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->writes[i].bytes);
	b->n = 0;
	b->used = 0;
}

static int tear_down(void **state)
{
	forget_writes(*state);
	free(*state);
	return 0;
}

static uint8_t *put(struct bench *b, const struct packet *p, size_t *ret_len)
{
	uint8_t *pkt = b->arena + b->used;

	assert_in_range(b->used, 0, ARENA - BUFFER);
	*ret_len = packet_put(p, pkt);
	b->used += *ret_len;
	return pkt;
}

static void add(struct bench *b, const struct packet *p)
{
	size_t len;
	uint8_t *pkt = put(b, p, &len);

	offload_merge_add(&b->merge, pkt, len);
}

/* Adds it and moves on in its stream. */
static void add_next(struct bench *b, struct packet *p)
{
	add(b, p);
	p->seq += (uint32_t)p->payload_len;
	p->id++;
}

/* The packet of write i, behind its virtio-net header; that is in b->header. */
static const uint8_t *look(struct bench *b, size_t i)
{
	assert_in_range(i, 0, b->n - 1);
	memcpy(&b->header, b->writes[i].bytes, HEADER);
	return b->writes[i].bytes + HEADER;
}

static size_t len_of(const struct bench *b, size_t i)
{
	return b->writes[i].len - HEADER;
}

static struct packet tcp(uint8_t version)
{
	return packet_plain(version, IPPROTO_TCP);
}

static struct packet udp(uint8_t version)
{
	return packet_plain(version, IPPROTO_UDP);
}

/* Write i is this packet, alone and unchanged, behind an empty header. */
static void check_alone(struct bench *b, size_t i, const struct packet *p)
{
	static const struct virtio_net_hdr plain;
	static uint8_t want[BUFFER];
	size_t len = packet_put(p, want);

	assert_int_equal(len_of(b, i), len);
	assert_memory_equal(look(b, i), want, len);
	assert_memory_equal(&b->header, &plain, HEADER);
}

/* Adds first, then second: they are written apart, each as it was. */
static void check_apart(struct bench *b, const struct packet *first, const struct packet *second)
{
	forget_writes(b);
	add(b, first);
	add(b, second);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 2);
	check_alone(b, 0, first);
	check_alone(b, 1, second);
}

static void check_together(struct bench *b, const struct packet *first, const struct packet *second)
{
	forget_writes(b);
	add(b, first);
	add(b, second);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 1);
	look(b, 0);
	assert_int_equal(b->header.gso_size, first->payload_len);
}

static struct packet after(const struct packet *p)
{
	struct packet next = *p;

	next.seq += (uint32_t)p->payload_len;
	next.id++;
	return next;
}

/* ---- what a super-packet looks like ---- */

static void neighbours_of_a_tcp_flow_become_one(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	for (int i = 0; i < 3; i++)
		add_next(b, &p);
	assert_int_equal(b->n, 0);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 1);
	assert_int_equal(packet_be16(look(b, 0) + 2), 340);
	assert_int_equal(len_of(b, 0), 340);
	assert_int_equal(b->writes[0].slices, 4);
	assert_int_equal(b->header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(b->header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(b->header.hdr_len, 40);
	assert_int_equal(b->header.gso_size, 100);
	assert_int_equal(b->header.csum_start, 20);
	assert_int_equal(b->header.csum_offset, 16);
}

static void other_kinds_have_their_own_header(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(6), q = udp(4), r = udp(6), next;

	next = after(&p);
	check_together(b, &p, &next);
	assert_int_equal(b->header.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
	assert_int_equal(b->header.hdr_len, 60);
	assert_int_equal(b->header.csum_start, 40);
	next = after(&q);
	check_together(b, &q, &next);
	assert_int_equal(b->header.gso_type, VIRTIO_NET_HDR_GSO_UDP_L4);
	assert_int_equal(b->header.hdr_len, 28);
	assert_int_equal(b->header.csum_offset, 6);
	assert_int_equal(packet_be16(look(b, 0) + 24), 208);
	next = after(&r);
	check_together(b, &r, &next);
	assert_int_equal(b->header.gso_type, VIRTIO_NET_HDR_GSO_UDP_L4);
	assert_int_equal(packet_be16(look(b, 0) + 4), 208);
	assert_int_equal(b->header.csum_start, 40);
}

/* The checksum's place holds the pseudo-header's sum, and the kernel finishes it: so do we here. */
static void checksum_that_the_kernel_finishes_is_right(void **state)
{
	static uint8_t pkt[BUFFER];
	struct bench *b = *state;
	struct packet p = udp(6), next = after(&p);
	struct offload_split s;
	const uint8_t *super;

	check_together(b, &p, &next);
	super = look(b, 0);
	b->header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	assert_int_equal(offload_split_begin(&s, &b->header, super, len_of(b, 0), 65535), 0);
	offload_split_next(&s, pkt);
	assert_true(packet_is_valid(pkt, len_of(b, 0)));
}

static void psh_and_fin_of_the_last_are_in_the_head_and_end_it(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	add_next(b, &p);
	p.flags = PACKET_ACK | PACKET_PSH;
	add_next(b, &p);
	assert_int_equal(b->n, 1);
	assert_int_equal(look(b, 0)[33], PACKET_ACK | PACKET_PSH);
	p.flags = PACKET_ACK;
	add_next(b, &p);
	p.flags = PACKET_ACK | PACKET_FIN;
	add_next(b, &p);
	assert_int_equal(b->n, 2);
	assert_int_equal(look(b, 1)[33], PACKET_ACK | PACKET_FIN);
}

static void packet_with_psh_leaves_at_once(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	p.flags = PACKET_ACK | PACKET_PSH;
	add(b, &p);
	assert_int_equal(b->n, 1);
	check_alone(b, 0, &p);
}

static void shorter_packet_is_the_last(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	struct bench *b = *state;

	for (size_t i = 0; i < 2; i++) {
		struct packet p = packet_plain(4, protocols[i]);

		forget_writes(b);
		add_next(b, &p);
		p.payload_len = 99;
		add_next(b, &p);
		assert_int_equal(b->n, 1);
		look(b, 0);
		assert_int_equal(b->header.gso_size, 100);
	}
}

static void longer_packet_starts_over(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), q = udp(4), next = after(&p);

	next.payload_len = 101;
	check_apart(b, &p, &next);
	next = after(&q);
	next.payload_len = 101;
	check_apart(b, &q, &next);
}

/* ---- what may not be merged ---- */

static void gap_or_repetition_in_the_stream_is_not_merged(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), next = after(&p);

	next.seq++;
	check_apart(b, &p, &next);
	next.seq -= 2;
	check_apart(b, &p, &next);
	check_apart(b, &p, &p);
}

static void another_acknowledgement_or_window_is_not_merged(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), next = after(&p);

	next.ack++;
	check_apart(b, &p, &next);
	next = after(&p);
	next.window++;
	check_apart(b, &p, &next);
}

static void other_tcp_options_are_not_merged(void **state)
{
	static const uint8_t one[] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
	static const uint8_t two[] = {1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 2};
	struct bench *b = *state;
	struct packet p = tcp(4), next;

	p.tcp_options = one;
	p.tcp_options_len = sizeof(one);
	next = after(&p);
	check_together(b, &p, &next);
	assert_int_equal(b->header.hdr_len, 52);
	next.tcp_options = two;
	check_apart(b, &p, &next);
	next.tcp_options_len = 0;
	check_apart(b, &p, &next);
}

static void flags_that_mean_something_are_not_merged(void **state)
{
	static const uint8_t flags[] = {PACKET_SYN, PACKET_RST, PACKET_URG, PACKET_CWR, PACKET_ECE};
	struct bench *b = *state;
	struct packet p = tcp(4), next = after(&p);

	for (size_t i = 0; i < sizeof(flags); i++) {
		next.flags = PACKET_ACK | flags[i];
		check_apart(b, &p, &next);
	}
	next.flags = 0;
	check_apart(b, &p, &next);
	p.flags = next.flags = PACKET_ACK | PACKET_ECE;
	check_together(b, &p, &next);
}

static void pure_acknowledgements_are_never_merged(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	p.payload_len = 0;
	check_apart(b, &p, &p);
}

static void other_tos_or_flow_label_is_not_merged(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), q = tcp(6), next = after(&p);

	next.tos = 1;
	check_apart(b, &p, &next);
	next = after(&q);
	next.tos = 1;
	check_apart(b, &q, &next);
	next = after(&q);
	next.flow_label = 1;
	check_apart(b, &q, &next);
	next = after(&p);
	next.fragment = 0;
	check_apart(b, &p, &next);
}

static void identification_counts_only_where_fragments_may_be_made(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4), next = after(&p);

	next.id = 77;
	check_together(b, &p, &next);
	p.fragment = next.fragment = 0;
	check_apart(b, &p, &next);
	next.id = (uint16_t)(p.id + 1);
	check_together(b, &p, &next);
}

static void empty_datagrams_are_never_merged(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4);

	p.payload_len = 0;
	check_apart(b, &p, &p);
}

static void wrong_checksum_leaves_alone_and_unchanged(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	struct bench *b = *state;

	for (size_t i = 0; i < 4; i++) {
		struct packet p = packet_plain(i / 2 ? 6 : 4, protocols[i % 2]);
		uint8_t broken[256], *pkt;
		size_t len;

		forget_writes(b);
		add_next(b, &p);
		pkt = put(b, &p, &len);
		pkt[len - 1] ^= 0x10;
		memcpy(broken, pkt, len);
		offload_merge_add(&b->merge, pkt, len);
		p = after(&p);
		add(b, &p);
		offload_merge_flush(&b->merge);
		assert_int_equal(b->n, 3);
		assert_int_equal(len_of(b, 1), len);
		assert_memory_equal(look(b, 1), broken, len);
	}
}

static void datagrams_without_checksum_stay_so(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4);

	for (int i = 0; i < 2; i++) {
		size_t len;
		uint8_t *pkt = put(b, &p, &len);

		packet_set_be16(pkt + 26, 0);
		offload_merge_add(&b->merge, pkt, len);
	}
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 2);
	assert_int_equal(packet_be16(look(b, 1) + 26), 0);
}

static void what_is_no_ip_packet_is_for_the_kernel_to_refuse(void **state)
{
	struct bench *b = *state;

	offload_merge_add(&b->merge, (const uint8_t *)"", 0);
	offload_merge_add(&b->merge, (const uint8_t *)"\x45rubbish", 8);
	assert_int_equal(b->n, 2);
	assert_int_equal(len_of(b, 0), 0);
	assert_int_equal(len_of(b, 1), 8);
}

/* ---- order and limits ---- */

static void flows_are_merged_side_by_side(void **state)
{
	struct bench *b = *state;
	struct packet p[3] = {tcp(4), udp(4), tcp(6)};

	for (int i = 0; i < 12; i++)
		add_next(b, &p[i % 3]);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(b->writes[i].slices, 5);
	assert_int_equal(b->merge.counters.written, 12);
	assert_int_equal(b->merge.counters.merged, 12);
	assert_int_equal(b->merge.counters.writes, 3);
	assert_int_equal(b->merge.counters.super_packets, 3);
}

static void other_ports_are_another_flow(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), next = after(&p);

	next.src_port++;
	check_apart(b, &p, &next);
	next = after(&p);
	next.dst_port++;
	check_apart(b, &p, &next);
}

static void oldest_flow_leaves_when_the_table_is_full(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4);

	for (unsigned i = 0; i < OFFLOAD_FLOWS; i++) {
		p.src_port = (uint16_t)(1000 + i);
		add(b, &p);
	}
	assert_int_equal(b->n, 0);
	p.src_port = 2000;
	add(b, &p);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->merge.counters.evicted, 1);
	assert_int_equal(packet_be16(look(b, 0) + 20), 1000);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, OFFLOAD_FLOWS + 1);
	assert_int_equal(packet_be16(look(b, 1) + 20), 1001);
	assert_int_equal(packet_be16(look(b, OFFLOAD_FLOWS) + 20), 2000);
}

static void group_ends_at_its_slices_and_at_the_packet_limit(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	for (int i = 0; i < OFFLOAD_SLICES + 1; i++)
		add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->writes[0].slices, 1 + OFFLOAD_SLICES);
	forget_writes(b);
	p.payload_len = 13099; /* 5 of them with 40 bytes of headers are 65535 */
	for (int i = 0; i < 6; i++)
		add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 2);
	assert_int_equal(len_of(b, 0), 65535);
	forget_writes(b);
	p.payload_len = 13100;
	for (int i = 0; i < 5; i++)
		add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(len_of(b, 0), 4 * 13100 + 40);
}

static void without_a_header_packets_are_written_as_they_are(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);
	static uint8_t want[BUFFER];
	size_t len = packet_put(&p, want);

	offload_merge_init(&b->merge, TUN_OFFLOAD_ALL, device_write, b, 1);
	add_next(b, &p);
	add_next(b, &p);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->writes[0].len, len);
	assert_memory_equal(b->writes[0].bytes, want, len);
}

/* ---- several at a time ---- */

static void gather(struct bench *b)
{
	offload_merge_init(&b->merge, EVERYTHING, device_write, b, OFFLOAD_GATHERED);
	b->calls = 0;
}

/* A packet that is merged with none. */
static struct packet syn(void)
{
	struct packet p = tcp(4);

	p.flags = PACKET_SYN;
	p.payload_len = 0;
	return p;
}

static void gathered_packets_leave_in_one_call_at_the_flush(void **state)
{
	struct bench *b = *state;
	struct packet first = syn(), p = tcp(4), q = udp(6);

	gather(b);
	add(b, &first);
	for (int i = 0; i < 3; i++) {
		add_next(b, &p);
		add_next(b, &q);
	}
	assert_int_equal(b->n, 0);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->calls, 1);
	assert_int_equal(b->n, 3);
	check_alone(b, 0, &first);
	assert_int_equal(b->writes[1].slices, 1 + 3);
	assert_int_equal(b->writes[2].slices, 1 + 3);
	assert_int_equal(b->merge.counters.written, 7);
	assert_int_equal(b->merge.counters.merged, 6);
	assert_int_equal(b->merge.counters.super_packets, 2);
	assert_int_equal(b->merge.counters.writes, 3);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->calls, 1);
}

static void as_many_as_may_be_gathered_leave_at_once(void **state)
{
	struct bench *b = *state;
	struct packet p = syn();

	gather(b);
	for (int i = 0; i < OFFLOAD_GATHERED - 1; i++)
		add_next(b, &p);
	assert_int_equal(b->calls, 0);
	add_next(b, &p);
	assert_int_equal(b->calls, 1);
	assert_int_equal(b->n, OFFLOAD_GATHERED);
	add_next(b, &p);
	assert_int_equal(b->calls, 1);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->calls, 2);
	assert_int_equal(b->merge.counters.written, OFFLOAD_GATHERED + 1);
	assert_int_equal(b->merge.counters.evicted, 0);
}

static void every_flow_stays_open_while_others_are_gathered(void **state)
{
	struct bench *b = *state;
	struct packet flow = tcp(4), lone = syn();

	gather(b);
	for (int i = 0; i < OFFLOAD_FLOWS; i++) {
		flow.src_port++;
		add(b, &flow);
	}
	for (int i = 0; i < OFFLOAD_GATHERED - 1; i++)
		add_next(b, &lone);
	assert_int_equal(b->calls, 0);
	assert_int_equal(b->merge.counters.evicted, 0);
	flow.src_port++;
	add(b, &flow); /* the oldest flow leaves, and fills the gathering */
	assert_int_equal(b->merge.counters.evicted, 1);
	assert_int_equal(b->n, OFFLOAD_GATHERED);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, OFFLOAD_FLOWS + OFFLOAD_GATHERED);
	assert_int_equal(b->merge.counters.written, OFFLOAD_FLOWS + OFFLOAD_GATHERED);
}

static void refused_ones_of_a_gathering_go_out_packet_by_packet(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), q = udp(4), lone = syn(), first_p = p, first_q = q;

	gather(b);
	b->super_error = -EINVAL;
	for (int i = 0; i < 3; i++)
		add_next(b, &p);
	for (int i = 0; i < 2; i++)
		add_next(b, &q);
	lone.src_port++;
	add(b, &lone);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 6);
	check_alone(b, 0, &lone);
	for (size_t i = 1; i < 4; i++, first_p = after(&first_p))
		check_alone(b, i, &first_p);
	for (size_t i = 4; i < 6; i++, first_q = after(&first_q))
		check_alone(b, i, &first_q);
	assert_int_equal(b->merge.counters.written, 6);
	assert_int_equal(b->merge.counters.refused, 0);
	assert_int_equal(b->merge.counters.merged, 0);
	assert_int_equal(b->merge.counters.writes, 6);
	assert_int_equal(b->merge.counters.fallbacks, 2);
	forget_writes(b);
	b->super_error = 0;
	add_next(b, &p);
	add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 2);
}

static void lost_ones_of_a_gathering_are_counted_alone(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), lone = syn();

	gather(b);
	b->super_error = -EIO;
	add_next(b, &p);
	add_next(b, &p);
	lone.src_port++;
	add(b, &lone);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->merge.counters.written, 1);
	assert_int_equal(b->merge.counters.refused, 2);
}

static void see_refused(void *arg, const uint8_t *pkt, size_t len)
{
	static uint8_t want[BUFFER];
	struct packet *next = arg;

	assert_int_equal(len, packet_put(next, want));
	assert_memory_equal(pkt, want, len);
	*next = after(next);
}

static void who_watches_sees_each_refused_packet_as_it_came(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), next = p;

	offload_merge_watch(&b->merge, see_refused, &next);
	b->super_error = -EIO;
	for (int i = 0; i < 3; i++)
		add_next(b, &p);
	offload_merge_flush(&b->merge);
	b->super_error = b->plain_error = -EINVAL;
	for (int i = 0; i < 2; i++)
		add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->merge.counters.refused, 5);
	assert_int_equal(next.seq, p.seq);
}

/* ---- the bugs that others had ---- */

static void B01_refused_super_packet_goes_out_packet_by_packet(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), first = p, q = udp(4);

	b->super_error = -EINVAL;
	for (int i = 0; i < 3; i++)
		add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 3);
	for (size_t i = 0; i < 3; i++) {
		check_alone(b, i, &first);
		first = after(&first);
	}
	assert_int_equal(b->merge.counters.fallbacks, 1);
	assert_int_equal(b->merge.counters.written, 3);
	assert_int_equal(b->merge.counters.refused, 0);
	/* from now on TCP leaves at once, UDP does not */
	add_next(b, &p);
	assert_int_equal(b->n, 4);
	add_next(b, &q);
	assert_int_equal(b->n, 4);
}

static void B01_packets_that_nobody_takes_do_not_switch_merging_off(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	b->super_error = b->plain_error = -EINVAL;
	add_next(b, &p);
	add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->merge.counters.refused, 2);
	assert_int_equal(b->merge.counters.fallbacks, 0);
	b->super_error = b->plain_error = 0;
	add_next(b, &p);
	add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 1);
}

static void other_errors_lose_the_packets_and_are_counted(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	b->super_error = -EIO;
	add_next(b, &p);
	add_next(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 0);
	assert_int_equal(b->merge.counters.refused, 2);
	assert_int_equal(b->merge.counters.fallbacks, 0);
}

static void B03_lone_packet_has_no_header_of_an_earlier_one(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4);

	add_next(b, &p);
	add_next(b, &p);
	offload_merge_flush(&b->merge);
	add(b, &p);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 2);
	check_alone(b, 1, &p);
}

static void B04_fragments_other_ttls_and_versions_are_not_merged(void **state)
{
	static const uint16_t fragments[] = {0x2000, 0x0001, 0x1fff, 0x8000};
	struct bench *b = *state;
	struct packet p = udp(4), q = tcp(6), next;

	for (size_t i = 0; i < 4; i++) {
		p.fragment = fragments[i];
		next = after(&p);
		check_apart(b, &p, &next);
	}
	p = tcp(4);
	next = after(&p);
	next.ttl--;
	check_apart(b, &p, &next);
	next = after(&q);
	next.ttl--;
	check_apart(b, &q, &next);
	next = after(&p);
	next.version = 6;
	check_apart(b, &p, &next);
}

static void B05_packets_with_ip_options_are_not_merged(void **state)
{
	static const uint8_t router_alert[] = {148, 4, 0, 0};
	static const uint8_t hop_by_hop[] = {IPPROTO_TCP, 0, 1, 4, 0, 0, 0, 0};
	struct bench *b = *state;
	struct packet p = tcp(4), next;

	p.ip_options = router_alert;
	p.ip_options_len = sizeof(router_alert);
	next = after(&p);
	check_apart(b, &p, &next);
	p.version = 6;
	p.ip_options = hop_by_hop;
	p.ip_options_len = sizeof(hop_by_hop);
	next = after(&p);
	check_apart(b, &p, &next);
}

static void B06_fragments_are_written_whatever_their_checksum_says(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4);

	p.fragment = 0x2000;
	p.payload_len = 1368;
	add(b, &p);
	p.fragment = 0x00ac;
	add(b, &p);
	assert_int_equal(b->n, 2);
	check_alone(b, 1, &p);
}

static void B13_udp_merge_has_its_switch(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4), q = tcp(4), next = after(&p);

	offload_merge_init(&b->merge, EVERYTHING & ~TUN_OFFLOAD_UDP_MERGE, device_write, b, 1);
	check_apart(b, &p, &next);
	next = after(&q);
	check_together(b, &q, &next);
}

static void B14_tcp_merge_has_its_switch(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), q = udp(4), next = after(&p);

	offload_merge_init(&b->merge, EVERYTHING & ~TUN_OFFLOAD_TCP_MERGE, device_write, b, 1);
	check_apart(b, &p, &next);
	next = after(&q);
	check_together(b, &q, &next);
}

static void B16_packet_that_goes_alone_overtakes_none_of_its_flow(void **state)
{
	struct bench *b = *state;
	struct packet p = tcp(4), reset;

	add_next(b, &p);
	add_next(b, &p);
	reset = p;
	reset.flags = PACKET_RST;
	reset.payload_len = 0;
	add(b, &reset);
	assert_int_equal(b->n, 2);
	check_alone(b, 1, &reset);
}

static void B16_fragment_overtakes_none_between_its_addresses(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(4), q = udp(6), fragment = p;

	add_next(b, &p);
	add_next(b, &q);
	fragment.fragment = 0x2000;
	add(b, &fragment);
	assert_int_equal(b->n, 2);
	check_alone(b, 1, &fragment);
	offload_merge_flush(&b->merge);
	assert_int_equal(b->n, 3);
}

/* ---- merge and split undo each other ---- */

enum {
	FLOWS = 6,
	STEPS = 400,
	RECORD_MAX = STEPS + 1,
};

/* The packets that went in, per flow and in order. */
struct record {
	const uint8_t *bytes;
	size_t len;
	bool seen;
};

static void vary(struct prng *prng, struct packet *p)
{
	static const uint8_t odd_flags[] = {PACKET_PSH, PACKET_FIN, PACKET_ECE, PACKET_CWR,
					    PACKET_URG};

	p->flags = PACKET_ACK;
	p->payload_len = 300;
	switch (prng_below(prng, 16)) {
	case 0: p->flags |= odd_flags[prng_below(prng, sizeof(odd_flags))]; break;
	case 1: p->payload_len = prng_below(prng, 400); break;
	case 2: p->ack++; break;
	case 3: p->seq += prng_below(prng, 3); break;
	case 4: p->tos ^= 1; break;
	default: break;
	}
}

/* The first packet of this flow that was not seen yet is this one, byte for byte. */
static void expect(struct record *records, size_t n, const uint8_t *pkt, size_t len)
{
	size_t l4_at = packet_l4_at(pkt);

	for (size_t i = 0; i < n; i++) {
		struct record *r = &records[i];

		if (r->seen || r->bytes[0] >> 4 != pkt[0] >> 4 ||
		    memcmp(r->bytes + l4_at, pkt + l4_at, 4) != 0)
			continue;
		assert_int_equal(len, r->len);
		assert_memory_equal(pkt, r->bytes, len);
		r->seen = true;
		return;
	}
	fail_msg("a packet that nobody sent");
}

static void split_and_expect(struct bench *b, struct record *records, size_t n, size_t i)
{
	static uint8_t segment[BUFFER];
	const uint8_t *pkt = look(b, i);
	struct offload_split s;
	size_t len;

	assert_int_equal(offload_split_begin(&s, &b->header, pkt, len_of(b, i), 65535), 0);
	while ((len = offload_split_next_len(&s)) > 0) {
		offload_split_next(&s, segment);
		expect(records, n, segment, len);
	}
}

static void random_round(struct bench *b, struct prng *prng)
{
	struct packet flows[FLOWS];
	struct record records[RECORD_MAX];
	size_t n = 0;

	forget_writes(b);
	offload_merge_init(&b->merge, EVERYTHING, device_write, b,
			   1 + prng_below(prng, OFFLOAD_GATHERED));
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = packet_plain(i & 1 ? 6 : 4, i & 2 ? IPPROTO_UDP : IPPROTO_TCP);
		flows[i].src_port = (uint16_t)(1000 + i);
		flows[i].fragment = i & 4 ? 0 : 0x4000;
	}
	while (n < STEPS) {
		struct packet *p = &flows[prng_below(prng, FLOWS)];

		vary(prng, p);
		records[n].seen = false;
		records[n].bytes = put(b, p, &records[n].len);
		offload_merge_add(&b->merge, records[n].bytes, records[n].len);
		p->seq += (uint32_t)p->payload_len;
		p->id++;
		n++;
	}
	offload_merge_flush(&b->merge);
	assert_int_equal(b->merge.counters.written, n);
	for (size_t i = 0; i < b->n; i++)
		split_and_expect(b, records, n, i);
	for (size_t i = 0; i < n; i++)
		assert_true(records[i].seen);
	assert_in_range(b->n, 1, n / 2); /* it did merge */
}

static void split_of_a_merge_is_what_was_merged(void **state)
{
	struct bench *b = *state;
	struct prng prng;

	prng_init(&prng, 0x3e26e);
	for (int i = 0; i < 20; i++)
		random_round(b, &prng);
}

#define MERGE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MERGE_TEST(neighbours_of_a_tcp_flow_become_one),
		MERGE_TEST(other_kinds_have_their_own_header),
		MERGE_TEST(checksum_that_the_kernel_finishes_is_right),
		MERGE_TEST(psh_and_fin_of_the_last_are_in_the_head_and_end_it),
		MERGE_TEST(packet_with_psh_leaves_at_once),
		MERGE_TEST(shorter_packet_is_the_last),
		MERGE_TEST(longer_packet_starts_over),
		MERGE_TEST(gap_or_repetition_in_the_stream_is_not_merged),
		MERGE_TEST(another_acknowledgement_or_window_is_not_merged),
		MERGE_TEST(other_tcp_options_are_not_merged),
		MERGE_TEST(flags_that_mean_something_are_not_merged),
		MERGE_TEST(pure_acknowledgements_are_never_merged),
		MERGE_TEST(other_tos_or_flow_label_is_not_merged),
		MERGE_TEST(identification_counts_only_where_fragments_may_be_made),
		MERGE_TEST(empty_datagrams_are_never_merged),
		MERGE_TEST(wrong_checksum_leaves_alone_and_unchanged),
		MERGE_TEST(datagrams_without_checksum_stay_so),
		MERGE_TEST(what_is_no_ip_packet_is_for_the_kernel_to_refuse),
		MERGE_TEST(flows_are_merged_side_by_side),
		MERGE_TEST(other_ports_are_another_flow),
		MERGE_TEST(oldest_flow_leaves_when_the_table_is_full),
		MERGE_TEST(group_ends_at_its_slices_and_at_the_packet_limit),
		MERGE_TEST(without_a_header_packets_are_written_as_they_are),
		MERGE_TEST(gathered_packets_leave_in_one_call_at_the_flush),
		MERGE_TEST(as_many_as_may_be_gathered_leave_at_once),
		MERGE_TEST(every_flow_stays_open_while_others_are_gathered),
		MERGE_TEST(refused_ones_of_a_gathering_go_out_packet_by_packet),
		MERGE_TEST(lost_ones_of_a_gathering_are_counted_alone),
		MERGE_TEST(who_watches_sees_each_refused_packet_as_it_came),
		MERGE_TEST(B01_refused_super_packet_goes_out_packet_by_packet),
		MERGE_TEST(B01_packets_that_nobody_takes_do_not_switch_merging_off),
		MERGE_TEST(other_errors_lose_the_packets_and_are_counted),
		MERGE_TEST(B03_lone_packet_has_no_header_of_an_earlier_one),
		MERGE_TEST(B04_fragments_other_ttls_and_versions_are_not_merged),
		MERGE_TEST(B05_packets_with_ip_options_are_not_merged),
		MERGE_TEST(B06_fragments_are_written_whatever_their_checksum_says),
		MERGE_TEST(B13_udp_merge_has_its_switch),
		MERGE_TEST(B14_tcp_merge_has_its_switch),
		MERGE_TEST(B16_packet_that_goes_alone_overtakes_none_of_its_flow),
		MERGE_TEST(B16_fragment_overtakes_none_between_its_addresses),
		MERGE_TEST(split_of_a_merge_is_what_was_merged),
	};

	return cmocka_run_group_tests_name("tun/offload_merge", tests, NULL, NULL);
}
