/* SPDX-License-Identifier: Apache-2.0 */
/* How a session sends, on a real stream: packed straight into records while it can, in order when it cannot. */
#include <errno.h>
#include <limits.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/session/session_internal.h"
#include "test/support/cmocka.h"
#include "test/unit/net/rig.h"
#include "tun/offload_packet.h"

enum {
	PACKET = 100,
	FRAMED = PACKET + 8, /* SSTP header, FF 03 00 21 */
	RECORDS = 8,	     /* that a test looks at */
};

struct scene {
	struct rig rig;
	struct session_env env;
	struct session session;
	struct tap tap;
	uint64_t shown[TAP_PASSED + 1]; /* by verdict */
	uint8_t last_shown;		/* the last byte of that packet */
};

/* The lengths of what was sent, and how many there were. */
static size_t record_len[RECORDS];
static unsigned nrecords;
/* What the path is said to take. */
static size_t record_max;
/* The stream says that it is blocked after so many records more. */
static unsigned records_left;

size_t __wrap_stream_record_max(const struct stream *s);
int __real_stream_send(struct stream *s, const void *buf, size_t len);
int __wrap_stream_send(struct stream *s, const void *buf, size_t len);

int __wrap_stream_send(struct stream *s, const void *buf, size_t len)
{
	if (records_left == 0)
		return -EAGAIN;
	records_left--;
	record_len[nrecords++ % RECORDS] = len;
	return __real_stream_send(s, buf, len);
}

size_t __wrap_stream_record_max(const struct stream *s)
{
	return record_max;
}

static void show(struct tap *tap, const struct tap_packet *p)
{
	struct scene *s = (struct scene *)((char *)tap - offsetof(struct scene, tap));

	assert_int_equal(p->point, TAP_TO_CLIENT);
	assert_ptr_equal(p->session, &s->session);
	assert_in_range(p->verdict, 0, TAP_PASSED);
	s->shown[p->verdict]++;
	s->last_shown = p->len ? p->bytes[p->len - 1] : 0;
}

/* Whatever a test did: who watches has seen each packet that was sent, and each that was dropped, and no more. */
static void check_shown(const struct scene *s)
{
	const struct traffic *t = &s->session.traffic;

	assert_int_equal(s->shown[TAP_PASSED], t->tx_packets);
	for (unsigned why = 0; why < DROP_REASONS; why++)
		assert_int_equal(s->shown[why], t->drops[why]);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	*state = s;
	record_max = SESSION_RECORD_MAX;
	records_left = UINT_MAX;
	rig_setup(&s->rig);
	rig_open(&s->rig);
	s->env.loop = s->rig.loop;
	s->env.scratch = s->rig.scratch;
	pbuf_pool_init(&s->env.pool, 16 << 20);
	s->session.env = &s->env;
	s->session.stream = s->rig.client.stream;
	s->session.is_up = true;
	fq_init(&s->session.data, &s->env.pool, &s->session.traffic, SESSION_QUEUE_MAX);
	s->session.data.on_drop = session_on_queue_drop;
	s->tap.show = show;
	tap_add(&s->env.taps, &s->tap);
	link_init(&s->session.link, &(struct link_params){
					    .role = LINK_SERVER,
					    .mru = 1500,
					    .name = "gw",
					    .random = &random_system,
				    });
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	check_shown(s);
	session_tx_done(&s->session);
	pbuf_pool_done(&s->env.pool);
	rig_teardown(&s->rig);
	free(s);
	return 0;
}

/* An IPv4 packet of a flow, which is its port; it is told by its last byte. */
static void send_of_flow(struct scene *s, uint8_t flow, uint8_t mark)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[PACKET] = {0x45, 0, 0, PACKET, 0, 0, 0, 0, 64, 17};

	pkt[23] = flow;
	pkt[PACKET - 1] = mark;
	session_send(&s->session, &plain, pkt, sizeof(pkt), 1400);
}

static void send_packet(struct scene *s, uint8_t mark)
{
	send_of_flow(s, 0, mark);
}

static bool has_two_packets(struct rig *rig)
{
	return rig->server.len >= 2 * FRAMED;
}

static bool has_four_packets(struct rig *rig)
{
	return rig->server.len >= 4 * FRAMED;
}

static void neighbours_leave_in_one_record_with_their_headers(void **state)
{
	static const uint8_t header[] = {0x10, 0x00, 0x00, FRAMED, 0xff, 0x03, 0x00, 0x21};
	struct scene *s = *state;
	struct end *server = &s->rig.server;

	send_packet(s, 1);
	send_packet(s, 2);
	assert_true(fq_is_empty(&s->session.data));
	session_flush_record(&s->env);
	rig_run(&s->rig, has_two_packets);
	assert_int_equal(server->data_calls, 1);
	assert_memory_equal(server->data, header, sizeof(header));
	assert_int_equal(server->data[FRAMED - 1], 1);
	assert_memory_equal(server->data + FRAMED, header, sizeof(header));
	assert_int_equal(server->data[2 * FRAMED - 1], 2);
	assert_int_equal(s->session.traffic.tx_packets, 2);
	assert_int_equal(s->session.traffic.tx_bytes, 2 * PACKET);
}

static void send_ipv6(struct scene *s, uint8_t mark)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[PACKET] = {0x60, 0, 0, 0, 0, PACKET - 40, 17, 64};

	pkt[PACKET - 1] = mark;
	session_send(&s->session, &plain, pkt, sizeof(pkt), 1400);
}

/* In a record, from the queue, and from a record that came back into the queue. */
static void ipv6_leaves_under_its_own_protocol_beside_ipv4(void **state)
{
	static const uint8_t header4[] = {0xff, 0x03, 0x00, 0x21},
			     header6[] = {0xff, 0x03, 0x00, 0x57};
	struct scene *s = *state;
	struct end *server = &s->rig.server;

	for (unsigned blocked = 0; blocked < 2; blocked++) {
		const uint8_t *got;

		s->session.is_up6 = true;
		records_left = blocked ? 0 : UINT_MAX;
		send_packet(s, 1);
		send_ipv6(s, 2);
		session_flush_record(&s->env);
		records_left = UINT_MAX;
		session_pack(&s->session);
		rig_run(&s->rig, blocked ? has_four_packets : has_two_packets);
		got = server->data + 2 * blocked * FRAMED;
		/* behind each other in either order: they are two flows */
		if (got[8] >> 4 == 6)
			got += FRAMED;
		assert_memory_equal(got + 4, header4, sizeof(header4));
		got = server->data + 2 * blocked * FRAMED;
		if (got[8] >> 4 == 4)
			got += FRAMED;
		assert_memory_equal(got + 4, header6, sizeof(header6));
		assert_int_equal(got[FRAMED - 1], 2);
	}
}

static void ipv6_without_ipv6cp_is_dropped_and_ipv4_is_not(void **state)
{
	struct scene *s = *state;

	send_ipv6(s, 1);
	assert_int_equal(s->session.traffic.drops[DROP_NOT_OPEN], 1);
	send_packet(s, 2);
	assert_int_equal(s->session.traffic.drops[DROP_NOT_OPEN], 1);
	session_flush_record(&s->env);
	assert_int_equal(s->session.traffic.tx_packets, 1);
}

static bool has_a_syn(struct rig *rig)
{
	return rig->server.len >= 8 + 64;
}

static void mss_of_an_ipv6_syn_is_lowered(void **state)
{
	static const struct virtio_net_hdr plain;
	struct scene *s = *state;
	uint8_t pkt[64] = {0x60, 0, 0, 0, 0, 24, 6, 64};

	memcpy(pkt + 40 + 12, "\x60\x02", 2);
	memcpy(pkt + 60, "\x02\x04\x05\xa0", 4);
	s->session.is_up6 = true;
	session_send(&s->session, &plain, pkt, sizeof(pkt), 1400);
	session_flush_record(&s->env);
	rig_run(&s->rig, has_a_syn);
	assert_memory_equal(s->rig.server.data + 8 + 60, "\x02\x04\x05\x3c", 4);
}

/* The peer does not run: sooner or later its socket and ours are full. Returns the bytes that it took. */
static size_t fill_socket(struct scene *s)
{
	static uint8_t chunk[16384];
	size_t sent = 0;

	for (; !stream_is_blocked(s->session.stream); sent += sizeof(chunk)) {
		stream_send(s->session.stream, chunk, sizeof(chunk));
		stream_flush(s->session.stream);
	}
	return sent;
}

static void record_that_meets_a_full_socket_waits_in_front_of_what_comes_later(void **state)
{
	struct scene *s = *state;
	uint8_t mark = 1;

	send_packet(s, 1);
	send_packet(s, 2);
	fill_socket(s);
	send_packet(s, 3);
	send_packet(s, 4);
	session_flush_record(&s->env);
	while (!fq_is_empty(&s->session.data)) {
		struct pbuf *p = fq_pop(&s->session.data, loop_now(s->env.loop), PBUF_DATA_MAX);

		assert_int_equal(p->data[PACKET - 1], mark++);
		pbuf_free(&s->env.pool, p);
	}
	assert_int_equal(mark, 5);
	assert_int_equal(s->session.traffic.tx_packets, 0);
}

static void full_queue_drops_and_counts_and_gives_every_buffer_back(void **state)
{
	struct scene *s = *state;
	uint64_t waiting;

	fill_socket(s);
	assert_false(session_has_waiting(&s->session));
	for (int i = 0; i < 5000; i++)
		send_packet(s, 1);
	assert_true(session_has_waiting(&s->session));
	assert_in_range(s->session.data.bytes, SESSION_QUEUE_MAX - 300, SESSION_QUEUE_MAX);
	assert_int_equal(s->env.pool.used, s->session.data.bytes);
	waiting = 5000 - s->session.traffic.drops[DROP_QUEUE_FULL];
	assert_in_range(waiting, SESSION_QUEUE_MAX / 300, SESSION_QUEUE_MAX / PACKET);
	session_tx_done(&s->session);
	assert_int_equal(s->env.pool.used, 0);
}

static bool is_writable(struct rig *rig)
{
	return !stream_is_blocked(rig->client.stream);
}

static bool has_three_packets_more(struct rig *rig)
{
	return rig->server.len >= rig->client.sent + 3 * FRAMED;
}

static void waiting_packets_leave_in_order_before_what_comes_later(void **state)
{
	struct scene *s = *state;
	struct end *server = &s->rig.server;
	const uint8_t *got;

	s->rig.client.sent = fill_socket(s);
	send_packet(s, 1);
	send_packet(s, 2);
	rig_run(&s->rig, is_writable);
	session_pack(&s->session);
	assert_true(fq_is_empty(&s->session.data));
	send_packet(s, 3);
	session_flush_record(&s->env);
	rig_run(&s->rig, has_three_packets_more);
	got = server->data + s->rig.client.sent;
	for (uint8_t mark = 1; mark <= 3; mark++)
		assert_int_equal(got[mark * FRAMED - 1], mark);
	assert_int_equal(s->session.traffic.tx_packets, 3);
	assert_int_equal(s->session.traffic.tx_bytes, 3 * PACKET);
	assert_int_equal(times_total(&s->env.waits), 2); /* the third one did not wait */
}

/* So that its receiver can open it before the rest has come. */
static void packet_that_has_just_begun_to_wait_leaves_in_a_record_of_its_own(void **state)
{
	struct scene *s = *state;
	unsigned left = 30;

	fill_socket(s);
	for (unsigned i = 0; i < left; i++)
		send_packet(s, 1);
	for (; fq_is_next_fresh(&s->session.data); left--)
		pbuf_free(&s->env.pool,
			  fq_pop(&s->session.data, loop_now(s->env.loop), PBUF_DATA_MAX));
	send_of_flow(s, 2, 2);
	assert_true(fq_is_next_fresh(&s->session.data));
	rig_run(&s->rig, is_writable);
	nrecords = 0;
	session_pack(&s->session);
	assert_int_equal(nrecords, 2);
	assert_int_equal(record_len[0], FRAMED);
	assert_int_equal(record_len[1], left * FRAMED);
}

/* Straight from the device, and those that had to wait. */
static void slow_path_gets_short_records(void **state)
{
	struct scene *s = *state;

	record_max = 12 * FRAMED + FRAMED / 2;
	nrecords = 0;
	for (unsigned i = 0; i < 30; i++)
		send_packet(s, 1);
	session_flush_record(&s->env);
	assert_int_equal(nrecords, 3);
	assert_int_equal(record_len[0], 12 * FRAMED);
	assert_int_equal(record_len[1], 12 * FRAMED);
	assert_int_equal(record_len[2], 6 * FRAMED);
	fill_socket(s);
	for (unsigned i = 0; i < 30; i++)
		send_packet(s, 1);
	rig_run(&s->rig, is_writable);
	nrecords = 0;
	session_pack(&s->session);
	assert_true(fq_is_empty(&s->session.data));
	assert_in_range(nrecords, 3, RECORDS);
	for (unsigned i = 0; i < nrecords; i++)
		assert_in_range(record_len[i], FRAMED, record_max);
}

/* Straight from the device, and those that had to wait. */
static void peer_that_reads_packet_by_packet_gets_each_in_a_record_of_its_own(void **state)
{
	struct scene *s = *state;

	s->session.is_single = true;
	nrecords = 0;
	for (unsigned i = 0; i < 3; i++)
		send_packet(s, 1);
	session_flush_record(&s->env);
	assert_int_equal(nrecords, 3);
	fill_socket(s);
	for (unsigned i = 0; i < 3; i++)
		send_packet(s, 1);
	rig_run(&s->rig, is_writable);
	nrecords = 0;
	session_pack(&s->session);
	assert_true(fq_is_empty(&s->session.data));
	assert_int_equal(nrecords, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(record_len[i], FRAMED);
}

enum {
	FRAMES = 3,
	FRAME = 20,
	FRAME_SENT = FRAME + SSTP_HEADER_SIZE,
};

/* PPP frames that are told by their last byte: 1, 2 and 3. */
static void send_frames(struct scene *s)
{
	uint8_t buf[512];
	uint8_t frame[FRAME] = {0xff, 0x03, 0xc0, 0x21};
	struct outbox out = outbox(buf, sizeof(buf));

	for (uint8_t mark = 1; mark <= FRAMES; mark++) {
		struct wire_writer w = outbox_begin(&out);

		frame[FRAME - 1] = mark;
		wire_put(&w, frame, sizeof(frame));
		outbox_end(&out, &w);
	}
	assert_true(session_send_frames(&s->session, &out));
}

static bool has_all_frames(struct rig *rig)
{
	return rig->server.len >= rig->client.sent + (size_t)FRAMES * FRAME_SENT;
}

static void assert_frames_in_order(const uint8_t *got)
{
	static const uint8_t header[] = {0x10, 0x00, 0x00, FRAME_SENT, 0xff, 0x03, 0xc0, 0x21};

	for (uint8_t mark = 1; mark <= FRAMES; mark++, got += FRAME_SENT) {
		assert_memory_equal(got, header, sizeof(header));
		assert_int_equal(got[FRAME_SENT - 1], mark);
	}
}

/* sstpc finds the second one of a record only when another record comes */
static void packets_of_a_negotiation_leave_in_records_of_their_own(void **state)
{
	struct scene *s = *state;

	send_frames(s);
	nrecords = 0;
	session_pack(&s->session);
	assert_int_equal(nrecords, FRAMES);
	for (unsigned i = 0; i < FRAMES; i++)
		assert_int_equal(record_len[i], FRAME_SENT);
	assert_null(s->session.control);
	assert_int_equal(s->session.control_len, 0);
	rig_run(&s->rig, has_all_frames);
	assert_frames_in_order(s->rig.server.data);
}

static bool has_all_frames_and_a_packet(struct rig *rig)
{
	return rig->server.len >= (size_t)FRAMES * FRAME_SENT + FRAMED;
}

/* What opens a protocol goes before what it opens it for. */
static void data_follows_the_negotiation_that_came_before_it(void **state)
{
	struct scene *s = *state;

	send_frames(s);
	send_packet(s, 7);
	session_flush_record(&s->env);
	session_pack(&s->session);
	rig_run(&s->rig, has_all_frames_and_a_packet);
	assert_frames_in_order(s->rig.server.data);
	assert_int_equal(s->rig.server.data[FRAMES * FRAME_SENT + FRAMED - 1], 7);
	assert_true(fq_is_empty(&s->session.data));
}

static void packets_of_a_negotiation_that_meet_a_full_socket_leave_later_in_order(void **state)
{
	struct scene *s = *state;

	send_frames(s);
	for (unsigned sent = 0; sent < FRAMES; sent++) {
		records_left = sent > 0;
		session_pack(&s->session);
		assert_int_equal(s->session.control_len, (FRAMES - sent) * FRAME_SENT);
	}
	records_left = UINT_MAX;
	session_pack(&s->session);
	assert_null(s->session.control);
	assert_int_equal(s->session.control_len, 0);
	rig_run(&s->rig, has_all_frames);
	assert_frames_in_order(s->rig.server.data);
}

static void packets_for_a_stream_that_has_ended_are_counted(void **state)
{
	struct scene *s = *state;

	send_packet(s, 1);
	send_packet(s, 2);
	stream_shutdown(s->session.stream);
	session_flush_record(&s->env);
	session_pack(&s->session);
	assert_true(fq_is_empty(&s->session.data));
	assert_int_equal(s->session.traffic.drops[DROP_NOT_OPEN], 2);
	assert_int_equal(s->session.traffic.tx_packets, 0);
}

/* A packet is shown when it leaves, and one that could not leave when it does. */
static void who_watches_sees_a_packet_once_and_when_it_leaves(void **state)
{
	struct scene *s = *state;

	send_packet(s, 1);
	send_packet(s, 2);
	assert_int_equal(s->shown[TAP_PASSED], 0);
	records_left = 0;
	session_flush_record(&s->env);
	assert_false(fq_is_empty(&s->session.data));
	assert_int_equal(s->shown[TAP_PASSED], 0);
	records_left = UINT_MAX;
	session_pack(&s->session);
	assert_int_equal(s->shown[TAP_PASSED], 2);
	assert_int_equal(s->last_shown, 2);
	tap_remove(&s->env.taps, &s->tap);
	send_packet(s, 3);
	session_flush_record(&s->env);
	assert_int_equal(s->shown[TAP_PASSED]++, 2); /* for check_shown() */
}

/* 1,000 bytes of UDP in datagrams of 400, for a pool that has no more. */
static void every_packet_of_a_split_that_has_no_buffer_is_counted_and_shown(void **state)
{
	struct scene *s = *state;
	const struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		.gso_size = 400,
		.csum_start = 20,
		.csum_offset = 6,
	};
	uint8_t pkt[1028] = {0x45, 0, 4, 4, 0, 0, 0, 0, 64, 17};

	pkt[24] = (1000 + 8) >> 8;
	pkt[25] = (1000 + 8) & 0xff;
	fill_socket(s);
	s->env.pool.limit = s->env.pool.used;
	session_send(&s->session, &h, pkt, sizeof(pkt), 1400);
	assert_int_equal(s->session.traffic.drops[DROP_NO_BUFFER], 3);
}

static void freed_session_takes_its_open_record_with_it(void **state)
{
	struct scene *s = *state;

	send_packet(s, 1);
	assert_ptr_equal(s->env.record_of, &s->session);
	session_tx_done(&s->session);
	assert_null(s->env.record_of);
	session_flush_record(&s->env);
	assert_int_equal(s->session.traffic.tx_packets, 0);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(neighbours_leave_in_one_record_with_their_headers),
		in_scene(ipv6_leaves_under_its_own_protocol_beside_ipv4),
		in_scene(ipv6_without_ipv6cp_is_dropped_and_ipv4_is_not),
		in_scene(mss_of_an_ipv6_syn_is_lowered),
		in_scene(record_that_meets_a_full_socket_waits_in_front_of_what_comes_later),
		in_scene(full_queue_drops_and_counts_and_gives_every_buffer_back),
		in_scene(waiting_packets_leave_in_order_before_what_comes_later),
		in_scene(packet_that_has_just_begun_to_wait_leaves_in_a_record_of_its_own),
		in_scene(slow_path_gets_short_records),
		in_scene(peer_that_reads_packet_by_packet_gets_each_in_a_record_of_its_own),
		in_scene(packets_of_a_negotiation_leave_in_records_of_their_own),
		in_scene(data_follows_the_negotiation_that_came_before_it),
		in_scene(packets_of_a_negotiation_that_meet_a_full_socket_leave_later_in_order),
		in_scene(packets_for_a_stream_that_has_ended_are_counted),
		in_scene(who_watches_sees_a_packet_once_and_when_it_leaves),
		in_scene(every_packet_of_a_split_that_has_no_buffer_is_counted_and_shown),
		in_scene(freed_session_takes_its_open_record_with_it),
	};

	return cmocka_run_group_tests_name("session/tx", tests, NULL, NULL);
}
