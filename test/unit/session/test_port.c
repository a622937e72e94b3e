/* SPDX-License-Identifier: Apache-2.0 */
/* A real device on a loop. */
#include "sstp/session/port.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"
#include "test/unit/tun/packet.h"
#include "test/unit/tun/scene.h"
#include "tun/csum.h"

#define PATIENCE (5 * CLOCK_NS_PER_S)  /* only a failing test waits that long */
#define PASS_NS	 (CLOCK_NS_PER_MS / 2) /* that a pass takes, by the clock that the port sees */

enum {
	PORT = 7000,
	SIZE = 28 + 100,	 /* of a test's packet */
	PER_PASS = 32,		 /* packets at least, while there are that many */
	PATIENCE_PACKETS = 5000, /* only a failing test reads that many */
	A_FEW = 16, /* packets; so many in each pass are a flood, if nothing goes the other way */
};

struct bench {
	struct scene *scene;
	struct loop *loop;
	struct loop_timer *watchdog;
	struct port *port;
	unsigned packets;  /* read */
	unsigned expected; /* then the loop stops */
	unsigned passes;
	unsigned turns;	 /* of another descriptor */
	int refill_fd;	 /* a packet is sent for each that was read, until it had two; -1: no */
	unsigned rounds; /* to come: an answer is written, and a few packets are sent */
};

/* The thread never rests here, and the port's clock is the test's. */
static unsigned rests[2]; /* asked for: always, and if others want the processor */
static uint64_t port_clock;

void __wrap_loop_rest(struct loop *loop, uint64_t ns, bool if_shared);
uint64_t __wrap_loop_now(const struct loop *loop);

void __wrap_loop_rest(struct loop *loop, uint64_t ns, bool if_shared)
{
	assert_in_range(ns, 1, CLOCK_NS_PER_MS);
	rests[if_shared]++;
}

uint64_t __wrap_loop_now(const struct loop *loop)
{
	return port_clock;
}

static void on_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	struct bench *b = arg;

	if (pkt[0] >> 4 == 6)
		return; /* a new link is greeted */
	assert_int_equal(len, SIZE);
	assert_int_equal(h->gso_type, VIRTIO_NET_HDR_GSO_NONE);
	b->packets++;
	if (b->refill_fd >= 0 && b->turns < 2 && b->packets < PATIENCE_PACKETS) {
		assert_int_equal(send(b->refill_fd, pkt + 28, len - 28, 0), len - 28);
		b->expected++;
	}
}

static void on_gone(void *arg, int error)
{
	fail_msg("the device is gone: %d", error);
}

static const struct port_ops ops = {.on_packet = on_packet, .on_gone = on_gone};

static void begin_round(struct bench *b);

static void count_pass(void *arg)
{
	struct bench *b = arg;

	b->passes++;
	port_clock += PASS_NS;
	if (b->packets < b->expected)
		return;
	if (b->rounds)
		begin_round(b);
	else
		loop_stop(b->loop);
}

static void on_watchdog(void *arg)
{
	struct bench *b = arg;

	loop_stop(b->loop);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	void *scene;

	assert_non_null(b);
	assert_int_equal(scene_set_up(&scene), 0);
	b->scene = scene;
	tun_close(&b->scene->tun);
	assert_int_equal(tun_open_offload("tun0", b->scene->netns, TUN_OFFLOAD_ALL, &b->scene->tun),
			 0);
	scene_tun_ready(b->scene);
	b->loop = loop_new();
	assert_non_null(b->loop);
	b->watchdog = loop_timer_new(b->loop, on_watchdog, b);
	assert_non_null(b->watchdog);
	assert_int_equal(loop_on_pass_end(b->loop, count_pass, b), 0);
	b->port = port_new(b->loop, &b->scene->tun, &ops, b);
	assert_non_null(b->port);
	b->refill_fd = -1;
	memset(rests, 0, sizeof(rests));
	port_clock = CLOCK_NS_PER_S;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	void *scene = b->scene;

	port_free(b->port);
	loop_timer_free(b->watchdog);
	loop_free(b->loop);
	scene_tear_down(&scene);
	free(b);
	return 0;
}

/* n packets wait in the device, each of a flow of its own, so that no two of them can be one. */
static void send_small_flows(struct bench *b, unsigned n)
{
	static const uint8_t payload[SIZE - 28];

	for (unsigned i = 0; i < n; i++) {
		int fd = scene_udp(b->scene, NULL, "10.9.0.77", (uint16_t)(PORT + i));

		assert_int_equal(send(fd, payload, sizeof(payload), 0), sizeof(payload));
		close(fd);
	}
	b->expected = n;
}

static void run(struct bench *b)
{
	loop_timer_set(b->watchdog, clock_now() + PATIENCE);
	assert_int_equal(loop_run(b->loop), 0);
	assert_int_equal(b->packets, b->expected);
}

/* One packet per wake-up is what they shipped for traffic that makes no super-packets. */
static void B17_packets_of_many_flows_are_read_in_few_passes(void **state)
{
	struct bench *b = *state;

	send_small_flows(b, 10 * PER_PASS);
	run(b);
	assert_in_range(b->passes, 1, 10);
}

static void take_turn(void *arg, unsigned ready)
{
	struct bench *b = arg;

	b->turns++;
}

static void B17_device_that_is_never_empty_leaves_others_their_turn(void **state)
{
	struct bench *b = *state;
	int pipe_fds[2];
	struct loop_io *io;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	io = loop_io_new(b->loop, pipe_fds[0], LOOP_READ, take_turn, b);
	assert_non_null(io);
	send_small_flows(b, 10 * PER_PASS);
	b->refill_fd = scene_udp(b->scene, NULL, "10.9.0.77", PORT);
	run(b);
	assert_in_range(b->packets, 10 * PER_PASS, PATIENCE_PACKETS - 1);
	loop_io_free(io);
	close(b->refill_fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* n of them, written at once. The kernel answers an echo request before the write is over, a reply never. */
static void write_pings(struct bench *b, uint8_t type, unsigned n)
{
	uint8_t ping[SIZE - 20] = {type};
	struct packet p = packet_plain(4, IPPROTO_ICMP);
	uint8_t pkt[PACKET_HEADER_MAX + sizeof(ping)];

	csum_put(ping + 2, csum_add(0, ping, sizeof(ping)));
	p.payload = ping;
	p.payload_len = sizeof(ping);
	packet_put(&p, pkt);
	for (unsigned i = 0; i < n; i++)
		port_write(b->port, pkt, SIZE);
	assert_int_equal(port_flush(b->port), 0);
}

static void note_answers(void *arg, unsigned ready)
{
	struct bench *b = arg;

	/* the second time the device has had its turn, before this one or after it */
	if (++b->turns == 2)
		assert_int_equal(b->packets, b->expected);
}

static void answers_to_what_is_written_are_read_as_fast(void **state)
{
	struct bench *b = *state;
	int pipe_fds[2];
	struct loop_io *io;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	io = loop_io_new(b->loop, pipe_fds[0], LOOP_READ, note_answers, b);
	assert_non_null(io);
	write_pings(b, ICMP_ECHO, TUN_QUEUE_LEN - 10); /* a new link is greeted */
	b->expected = TUN_QUEUE_LEN - 10;
	run(b);
	loop_io_free(io);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Several passes leave packets behind, and the last one does not. */
static void in_a_flood_the_thread_rests_and_only_for_others_while_packets_wait(void **state)
{
	struct bench *b = *state;

	send_small_flows(b, 600);
	run(b);
	assert_in_range(rests[true], 1, b->passes);
	assert_int_equal(rests[false], 1);
}

static void begin_round(struct bench *b)
{
	b->rounds--;
	b->packets = 0;
	write_pings(b, ICMP_ECHOREPLY, 1);
	send_small_flows(b, A_FEW);
}

/* So TCP never waits for a thread that rests. */
static void packets_that_are_answered_are_no_flood(void **state)
{
	struct bench *b = *state;

	b->rounds = 20;
	run(b);
	assert_in_range(b->passes, 20, 100);
	assert_int_equal(rests[false] + rests[true], 0);
}

int main(void)
{
#define on_bench(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		on_bench(B17_packets_of_many_flows_are_read_in_few_passes),
		on_bench(answers_to_what_is_written_are_read_as_fast),
		on_bench(B17_device_that_is_never_empty_leaves_others_their_turn),
		on_bench(in_a_flood_the_thread_rests_and_only_for_others_while_packets_wait),
		on_bench(packets_that_are_answered_are_no_flood),
	};

	return cmocka_run_group_tests_name("session/port", tests, NULL, NULL);
}
