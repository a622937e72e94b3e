/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/handover.h"

#include <linux/virtio_net.h>
#include <pthread.h>
#include <string.h>

#include "test/support/cmocka.h"

enum {
	THREADS = 3,
	PACKETS = 20000, /* that each thread sends to each other one */
	BURST = 16,	 /* in a pass */
	PACKET_MAX = 3000,
};

struct member {
	unsigned number;
	struct handover *handover;
	struct loop *loop;
	struct loop_task next; /* the next pass */
	uint32_t sent[THREADS];
	uint32_t expected[THREADS]; /* the next sequence number of each sender */
	bool is_done;
};

/* What a packet carries, and its length. */
struct content {
	uint32_t from, seq;
};

static size_t length_of(uint32_t seq)
{
	return sizeof(struct content) + seq * 7919u % PACKET_MAX;
}

static void take(void *arg, unsigned id, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	struct member *m = arg;
	struct content c;

	memcpy(&c, pkt, sizeof(c));
	assert_int_equal(id, m->number);
	assert_int_equal(h->gso_size, c.from);
	assert_int_equal(c.seq, m->expected[c.from]);
	assert_int_equal(len, length_of(c.seq));
	if (len > sizeof(c))
		assert_int_equal(pkt[len - 1], (uint8_t)c.seq);
	m->expected[c.from]++;
}

/* False: the ring is full, or all were sent. */
static bool send_one(struct member *m, unsigned to)
{
	uint8_t pkt[sizeof(struct content) + PACKET_MAX] = {0};
	struct content c = {m->number, m->sent[to]};
	struct virtio_net_hdr h = {.gso_size = (uint16_t)m->number};
	size_t len = length_of(c.seq);

	if (m->sent[to] == PACKETS)
		return false;
	pkt[len - 1] = (uint8_t)c.seq;
	memcpy(pkt, &c, sizeof(c));
	if (!handover_put(m->handover, m->number, to, to, &h, pkt, len))
		return false;
	m->sent[to]++;
	return true;
}

static bool has_all(const struct member *m)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (i != m->number && (m->sent[i] < PACKETS || m->expected[i] < PACKETS))
			return false;
	return true;
}

static void on_pass(struct loop_task *task)
{
	struct member *m = (struct member *)((char *)task - offsetof(struct member, next));

	for (unsigned to = 0; to < THREADS; to++)
		for (int i = 0; to != m->number && i < BURST && send_one(m, to); i++)
			;
	handover_wake(m->handover, m->number);
	if (has_all(m))
		loop_stop(m->loop);
	else
		loop_post(m->loop, &m->next);
}

static void *run(void *arg)
{
	struct member *m = arg;

	assert_int_equal(loop_run(m->loop), 0);
	return NULL;
}

static void every_packet_arrives_once_and_in_order(void **state)
{
	struct handover *h = handover_new(THREADS);
	struct member members[THREADS] = {0};
	pthread_t ids[THREADS];

	assert_non_null(h);
	for (unsigned i = 0; i < THREADS; i++) {
		struct member *m = &members[i];

		*m = (struct member){.number = i, .handover = h, .loop = loop_new()};
		assert_non_null(m->loop);
		m->next.run = on_pass;
		handover_set_taker(h, i, m->loop, take, m);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		loop_post(members[i].loop, &members[i].next);
		assert_int_equal(pthread_create(&ids[i], NULL, run, &members[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	for (unsigned i = 0; i < THREADS; i++)
		loop_free(members[i].loop);
	handover_free(h);
}

static void stop(struct loop_task *task)
{
	struct member *m = (struct member *)((char *)task - offsetof(struct member, next));

	loop_stop(m->loop);
}

static void run_a_pass(struct member *m)
{
	m->next.run = stop;
	loop_post(m->loop, &m->next);
	assert_int_equal(loop_run(m->loop), 0);
}

static void full_ring_refuses_and_takes_again_when_it_was_emptied(void **state)
{
	struct handover *h = handover_new(2);
	struct member m = {.number = 1, .loop = loop_new()};
	struct member sender = {.number = 0, .handover = h};

	handover_set_taker(h, 1, m.loop, take, &m);
	while (send_one(&sender, 1))
		;
	assert_in_range(sender.sent[1], 1, PACKETS - 1);
	assert_int_equal(m.expected[0], 0);
	handover_wake(h, 0);
	for (int passes = 0; m.expected[0] < sender.sent[1]; passes++) {
		assert_in_range(passes, 0, PACKETS);
		run_a_pass(&m);
	}
	assert_true(send_one(&sender, 1));
	loop_free(m.loop);
	handover_free(h);
}

/* A pass can bring more than a ring holds, and its owner's processor may be idle. */
static void much_at_once_wakes_before_the_end_of_the_pass(void **state)
{
	struct handover *h = handover_new(2);
	struct member m = {.number = 1, .loop = loop_new()};
	struct member sender = {.number = 0, .handover = h};

	handover_set_taker(h, 1, m.loop, take, &m);
	assert_true(send_one(&sender, 1));
	run_a_pass(&m);
	assert_int_equal(m.expected[0], 0);
	while (send_one(&sender, 1))
		;
	run_a_pass(&m);
	assert_in_range(m.expected[0], 1, sender.sent[1]);
	loop_free(m.loop);
	handover_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_arrives_once_and_in_order),
		cmocka_unit_test(much_at_once_wakes_before_the_end_of_the_pass),
		cmocka_unit_test(full_ring_refuses_and_takes_again_when_it_was_emptied),
	};

	return cmocka_run_group_tests_name("session/handover", tests, NULL, NULL);
}
