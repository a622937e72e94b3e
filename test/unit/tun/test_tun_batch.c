/* SPDX-License-Identifier: Apache-2.0 */
/* A real device with sockets behind it, with io_uring and without, with headers and without. */
#include "tun/tun_batch.h"

#include <errno.h>
#include <liburing.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/packet.h"
#include "test/unit/tun/scene.h"
#include "tun/netns.h"

enum {
	PATIENCE_MS = 2000, /* only a failing test waits that long */
	PORT = 7000,
	PACKET = 20 + 8 + 2,
	MANY = 100, /* packets; the device's queue holds more */
};

struct bench {
	struct scene *scene;
	struct tun_batch *batch;
	int socket; /* 10.9.0.1:PORT, connected to 10.9.0.2:PORT */
	uint8_t packets[TUN_BATCH_WRITES][TUN_HEADER_LEN + PACKET];
	struct iovec iov[TUN_BATCH_WRITES];
	struct tun_out out[TUN_BATCH_WRITES];
};

static const unsigned ways[] = {
	0,
	TUN_OFFLOAD_IO_URING,
	TUN_OFFLOAD_SUPER,
	TUN_OFFLOAD_SUPER | TUN_OFFLOAD_IO_URING,
};

/* What the next calls of the ring say, without doing anything; 0: the real one is called. */
static int submit_errors[2];

int __wrap_io_uring_submit_and_wait(struct io_uring *ring, unsigned n);
int __real_io_uring_submit_and_wait(struct io_uring *ring, unsigned n);

static unsigned submits; /* calls of the ring */

int __wrap_io_uring_submit_and_wait(struct io_uring *ring, unsigned n)
{
	int error = submit_errors[0];

	submits++;
	submit_errors[0] = submit_errors[1];
	submit_errors[1] = 0;
	return error ? error : __real_io_uring_submit_and_wait(ring, n);
}

static void open_with(struct bench *b, unsigned wanted)
{
	struct scene *s = b->scene;

	tun_batch_free(b->batch);
	if (b->socket >= 0)
		close(b->socket);
	tun_close(&s->tun);
	assert_int_equal(tun_open_offload("tun0", s->netns, wanted, &s->tun), 0);
	scene_tun_ready(s);
	b->socket = scene_udp(s, "10.9.0.1", "10.9.0.2", PORT);
	assert_in_range(b->socket, 0, 1 << 20);
	b->batch = tun_batch_new(&s->tun);
	assert_non_null(b->batch);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	void *scene;

	assert_non_null(b);
	assert_int_equal(scene_set_up(&scene), 0);
	b->scene = scene;
	b->socket = -1;
	open_with(b, TUN_OFFLOAD_ALL);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	void *scene = b->scene;

	tun_batch_free(b->batch);
	close(b->socket);
	scene_tear_down(&scene);
	free(b);
	return 0;
}

/* ---- to the kernel ---- */

/* Datagram `number` as the i-th to be written. */
static void put(struct bench *b, unsigned i, uint16_t number)
{
	struct packet p = packet_plain(4, IPPROTO_UDP);
	uint8_t payload[2] = {(uint8_t)(number >> 8), (uint8_t)number};
	size_t header_len = b->scene->tun.offload & TUN_OFFLOAD_HEADER ? TUN_HEADER_LEN : 0;

	p.src_port = p.dst_port = PORT;
	p.payload = payload;
	p.payload_len = sizeof(payload);
	memset(b->packets[i], 0, header_len);
	assert_int_equal(packet_put(&p, b->packets[i] + header_len), PACKET);
	b->iov[i] = (struct iovec){b->packets[i], header_len + PACKET};
	b->out[i] = (struct tun_out){.iov = &b->iov[i], .n = 1, .result = 1};
}

static void put_all(struct bench *b)
{
	for (unsigned i = 0; i < TUN_BATCH_WRITES; i++)
		put(b, i, (uint16_t)i);
}

static void write_all(struct bench *b)
{
	tun_batch_write(b->batch, b->out, TUN_BATCH_WRITES);
}

static void expect_datagram(struct bench *b, unsigned number)
{
	struct pollfd p = {.fd = b->socket, .events = POLLIN};
	uint8_t got[2];

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(b->socket, got, sizeof(got), 0), sizeof(got));
	assert_int_equal(packet_be16(got), number);
}

/* All but the missing one, in order. */
static void expect_all_but(struct bench *b, unsigned missing, int result)
{
	for (unsigned i = 0; i < TUN_BATCH_WRITES; i++) {
		assert_int_equal(b->out[i].result, i == missing ? result : 0);
		if (i != missing)
			expect_datagram(b, i);
	}
}

static void io_uring_is_used_when_it_is_wanted(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		bool wanted = ways[i] & TUN_OFFLOAD_IO_URING;

		open_with(b, ways[i]);
		assert_int_equal(b->scene->tun.offload & TUN_OFFLOAD_IO_URING,
				 ways[i] & TUN_OFFLOAD_IO_URING);
		assert_int_equal(tun_batch_writes(b->batch), wanted ? TUN_BATCH_WRITES : 1);
	}
}

static void packets_are_written_in_their_order(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		open_with(b, ways[i]);
		put_all(b);
		for (int round = 0; round < 3; round++) {
			write_all(b);
			expect_all_but(b, TUN_BATCH_WRITES, 0);
		}
	}
}

static void refused_packet_stops_no_other(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		open_with(b, ways[i]);
		put_all(b);
		memset(b->packets[5], 0, sizeof(b->packets[5])); /* of no IP version */
		write_all(b);
		expect_all_but(b, 5, -EINVAL);
	}
}

static void every_packet_has_its_result_when_the_link_is_down(void **state)
{
	struct bench *b = *state;

	put_all(b);
	assert_int_equal(rtnl_link_down(b->scene->rtnl, b->scene->tun.ifindex), 0);
	write_all(b);
	for (unsigned i = 0; i < TUN_BATCH_WRITES; i++)
		assert_int_equal(b->out[i].result, -EIO);
}

/* The kernel takes no request behind one whose slices it cannot read. */
static void rest_is_written_when_the_kernel_takes_only_some(void **state)
{
	struct bench *b = *state;

	put_all(b);
	b->out[2].iov = (const struct iovec *)(uintptr_t)16;
	write_all(b);
	expect_all_but(b, 2, -EFAULT);
	assert_int_equal(tun_batch_writes(b->batch), 1);
	b->out[2].iov = &b->iov[2];
	write_all(b);
	expect_all_but(b, TUN_BATCH_WRITES, 0);
}

static void all_is_written_when_the_kernel_takes_nothing(void **state)
{
	struct bench *b = *state;

	put_all(b);
	submit_errors[0] = -EBUSY;
	write_all(b);
	expect_all_but(b, TUN_BATCH_WRITES, 0);
	assert_int_equal(tun_batch_writes(b->batch), 1);
}

static void interrupted_call_is_made_again(void **state)
{
	struct bench *b = *state;

	put_all(b);
	submit_errors[0] = submit_errors[1] = -EINTR;
	write_all(b);
	expect_all_but(b, TUN_BATCH_WRITES, 0);
	assert_int_equal(tun_batch_writes(b->batch), TUN_BATCH_WRITES);
}

/* ---- from the kernel ---- */

static void send_number(struct bench *b, unsigned number)
{
	uint8_t bytes[2] = {(uint8_t)(number >> 8), (uint8_t)number};

	assert_int_equal(send(b->socket, bytes, sizeof(bytes), 0), sizeof(bytes));
}

/* Is it a datagram? A new link is greeted by IPv6. */
static bool is_ours(const struct tun_packet *p)
{
	static const uint8_t zeros[TUN_HEADER_LEN];

	if (p->bytes[0] >> 4 == 6)
		return false;
	assert_int_equal(p->len, PACKET);
	if (!(p->header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		assert_memory_equal(p->header, zeros, sizeof(zeros));
	return true;
}

/* Reads until nothing is left; the datagrams are first, first + 1, ... Returns how many. */
static unsigned read_all(struct bench *b, unsigned first)
{
	struct tun_packet got[TUN_BATCH_READS];
	bool drained = false;
	unsigned n = 0;

	while (!drained) {
		int r = tun_batch_read(b->batch, got, &drained);

		if (r == -EAGAIN)
			break;
		assert_in_range(r, 1, TUN_BATCH_READS);
		for (int i = 0; i < r; i++)
			if (is_ours(&got[i]))
				assert_int_equal(packet_be16(got[i].bytes + 28), first + n++);
	}
	return n;
}

static void packets_are_read_in_their_order(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		open_with(b, ways[i]);
		for (unsigned n = 1; n <= MANY; n += 11) {
			for (unsigned number = 0; number < n; number++)
				send_number(b, number);
			assert_int_equal(read_all(b, 0), n);
			assert_int_equal(read_all(b, 0), 0);
		}
	}
}

static void nothing_to_read_is_eagain(void **state)
{
	struct bench *b = *state;
	struct tun_packet got[TUN_BATCH_READS];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		bool drained;

		open_with(b, ways[i]);
		read_all(b, 0);
		assert_int_equal(tun_batch_read(b->batch, got, &drained), -EAGAIN);
	}
}

static void reading_goes_on_when_the_kernel_takes_nothing(void **state)
{
	struct bench *b = *state;

	for (unsigned number = 0; number < MANY; number++)
		send_number(b, number);
	submit_errors[0] = -EBUSY;
	assert_int_equal(read_all(b, 0), MANY);
	send_number(b, MANY);
	assert_int_equal(read_all(b, MANY), 1);
	assert_int_equal(tun_batch_writes(b->batch), 1);
}

/* Somebody waits for it, and what the ring does for one packet takes longer than two plain calls. */
static void packet_that_comes_alone_is_read_without_the_ring(void **state)
{
	struct bench *b = *state;

	read_all(b, 0);
	submits = 0;
	for (unsigned number = 0; number < 10; number++) {
		send_number(b, number);
		assert_int_equal(read_all(b, number), 1);
	}
	assert_int_equal(submits, 0);
}

static void packets_that_come_together_are_read_through_the_ring(void **state)
{
	struct bench *b = *state;

	read_all(b, 0);
	for (unsigned round = 0; round < 2; round++) {
		submits = 0;
		for (unsigned number = 0; number < MANY; number++)
			send_number(b, number);
		assert_int_equal(read_all(b, 0), MANY);
		/* two one by one, then 4 and 8 at a time, then as many as there can be */
		assert_in_range(submits, MANY / TUN_BATCH_READS, 3 + MANY / TUN_BATCH_READS);
	}
	send_number(b, 0);
	assert_int_equal(read_all(b, 0), 1); /* still through it */
	submits = 0;
	send_number(b, 0);
	assert_int_equal(read_all(b, 0), 1);
	assert_int_equal(submits, 0);
}

static void asking_what_is_possible_takes_no_packet(void **state)
{
	struct bench *b = *state;

	send_number(b, 0);
	assert_true(tun_batch_is_possible(b->scene->tun.fd));
	assert_int_equal(read_all(b, 0), 1);
}

static void it_is_not_possible_with_what_is_no_queue(void **state)
{
	assert_false(tun_batch_is_possible(-1));
}

/* ---- ends ---- */

static int delete_device(void *arg)
{
	return system("ip link del tun0");
}

static void deleted_device_is_told_as_without_io_uring(void **state)
{
	struct bench *b = *state;
	struct tun_packet got[TUN_BATCH_READS];
	uint8_t buf[PACKET];
	bool drained;
	int error;

	assert_int_equal(netns_call(b->scene->netns, delete_device, NULL), 0);
	error = (int)tun_read(&b->scene->tun, buf, sizeof(buf));
	assert_in_range(-error, EAGAIN + 1, 4095);
	assert_int_equal(tun_batch_read(b->batch, got, &drained), error);
	put_all(b);
	write_all(b);
	for (unsigned i = 0; i < TUN_BATCH_WRITES; i++)
		assert_int_equal(b->out[i].result, error);
}

static int index_here(void *arg)
{
	return (int)if_nametoindex(arg);
}

static void closed_device_goes_although_its_ring_is_there(void **state)
{
	struct bench *b = *state;

	put_all(b);
	write_all(b);
	read_all(b, 0);
	tun_close(&b->scene->tun);
	assert_int_equal(netns_call(b->scene->netns, index_here, (void *)"tun0"), 0);
}

/* Without room for another descriptor the kernel makes no ring. */
static int work_without_a_ring(void *arg)
{
	struct bench *b = arg;
	struct tun_batch *batch;

	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){0}) < 0)
		return -1;
	if (tun_batch_is_possible(b->scene->tun.fd))
		return -2;
	batch = tun_batch_new(&b->scene->tun);
	if (!batch || tun_batch_writes(batch) != 1)
		return -3;
	put_all(b);
	tun_batch_write(batch, b->out, TUN_BATCH_WRITES);
	tun_batch_free(batch);
	return 0;
}

static void process_that_may_not_have_a_ring_works_without(void **state)
{
	struct bench *b = *state;

	assert_int_equal(scene_child(work_without_a_ring, b), 0);
	for (unsigned i = 0; i < TUN_BATCH_WRITES; i++)
		expect_datagram(b, i);
}

static void free_takes_null(void **state)
{
	tun_batch_free(NULL);
}

#define BATCH_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BATCH_TEST(io_uring_is_used_when_it_is_wanted),
		BATCH_TEST(packets_are_written_in_their_order),
		BATCH_TEST(refused_packet_stops_no_other),
		BATCH_TEST(every_packet_has_its_result_when_the_link_is_down),
		BATCH_TEST(rest_is_written_when_the_kernel_takes_only_some),
		BATCH_TEST(all_is_written_when_the_kernel_takes_nothing),
		BATCH_TEST(interrupted_call_is_made_again),
		BATCH_TEST(packets_are_read_in_their_order),
		BATCH_TEST(nothing_to_read_is_eagain),
		BATCH_TEST(reading_goes_on_when_the_kernel_takes_nothing),
		BATCH_TEST(packet_that_comes_alone_is_read_without_the_ring),
		BATCH_TEST(packets_that_come_together_are_read_through_the_ring),
		BATCH_TEST(asking_what_is_possible_takes_no_packet),
		BATCH_TEST(it_is_not_possible_with_what_is_no_queue),
		BATCH_TEST(deleted_device_is_told_as_without_io_uring),
		BATCH_TEST(closed_device_goes_although_its_ring_is_there),
		BATCH_TEST(process_that_may_not_have_a_ring_works_without),
		cmocka_unit_test(free_takes_null),
	};

	return cmocka_run_group_tests_name("tun/tun_batch", tests, NULL, NULL);
}
