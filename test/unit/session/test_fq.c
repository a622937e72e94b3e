/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <string.h>

#include "sstp/base/clock.h"
#include "sstp/session/flow.h"
#include "sstp/session/fq.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

#define MS CLOCK_NS_PER_MS

enum {
	POOL = 8 << 20,
	QUEUE_MAX = 1 << 20,
	ANY = PBUF_DATA_MAX,
	LONG = 1400,
	SHORT = 60,
	HEADER = 28,
	ECT0 = 2,
};

struct scene {
	struct pbuf_pool pool;
	struct traffic traffic;
	struct fq q;
	uint64_t now;
	uint32_t sent[256]; /* by flow: the number of its next packet */
};

static int set_up(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.now = CLOCK_NS_PER_S;
	pbuf_pool_init(&s.pool, POOL);
	fq_init(&s.q, &s.pool, &s.traffic, QUEUE_MAX);
	*state = &s;
	return 0;
}

/* Whatever a test did: the queue gives everything back, and holds nothing then. */
static int tear_down(void **state)
{
	struct scene *s = *state;

	fq_clear(&s->q);
	assert_null(s->q.flows);
	assert_int_equal(s->q.bytes, 0);
	pbuf_pool_done(&s->pool);
	return 0;
}

static void put_header(uint8_t *at, uint8_t flow, uint8_t tos)
{
	static const uint8_t header[HEADER] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, IPPROTO_UDP};

	memcpy(at, header, HEADER);
	at[1] = tos;
	at[23] = flow;
}

/* A UDP packet of the flow (its port), with its number behind the header. */
static void push_tos(struct scene *s, uint8_t flow, size_t len, uint8_t tos)
{
	struct pbuf *p = pbuf_new(&s->pool, len);

	assert_non_null(p);
	put_header(p->data, flow, tos);
	memcpy(p->data + HEADER, &s->sent[flow], sizeof(uint32_t));
	s->sent[flow]++;
	fq_push(&s->q, s->now, p);
}

static void push(struct scene *s, uint8_t flow, size_t len)
{
	push_tos(s, flow, len, 0);
}

struct taken {
	int flow; /* -1: nothing */
	uint32_t number;
	size_t len;
	uint8_t tos;
};

static struct taken pop(struct scene *s)
{
	struct pbuf *p = fq_pop(&s->q, s->now, ANY);
	struct taken t = {.flow = -1};

	if (!p)
		return t;
	t = (struct taken){.flow = p->data[23], .len = p->len, .tos = p->data[1]};
	memcpy(&t.number, p->data + HEADER, sizeof(t.number));
	pbuf_free(&s->pool, p);
	return t;
}

static void empty_queue_holds_no_memory(void **state)
{
	struct scene *s = *state;

	assert_true(fq_is_empty(&s->q));
	assert_null(s->q.flows);
	assert_int_equal(pop(s).flow, -1);
	push(s, 1, LONG);
	assert_false(fq_is_empty(&s->q));
	assert_int_equal(s->pool.used, s->q.bytes);
	assert_int_equal(pop(s).flow, 1);
	assert_true(fq_is_empty(&s->q));
	assert_null(s->q.flows);
	assert_int_equal(s->pool.used, 0);
}

static void lone_packet_goes_before_a_bulk_flow_that_waits(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 100; i++)
		push(s, 1, LONG);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pop(s).flow, 1);
	assert_false(fq_is_next_fresh(&s->q));
	push(s, 2, SHORT);
	push(s, 3, SHORT);
	assert_true(fq_is_next_fresh(&s->q));
	assert_int_equal(pop(s).flow, 2);
	assert_true(fq_is_next_fresh(&s->q));
	assert_int_equal(pop(s).flow, 3);
	assert_false(fq_is_next_fresh(&s->q));
	assert_int_equal(pop(s).flow, 1);
}

/* Or it would be a new flow with every packet, and the other's turn would never come. */
static void flow_that_is_served_as_fast_as_it_sends_is_not_new_again(void **state)
{
	struct scene *s = *state;
	unsigned of_bulk = 0;

	for (int i = 0; i < 200; i++)
		push(s, 1, LONG);
	for (int i = 0; i < 200; i++) {
		push(s, 2, LONG);
		of_bulk += pop(s).flow == 1;
	}
	assert_in_range(of_bulk, 95, 105);
}

static void packet_longer_than_the_room_stays_first(void **state)
{
	struct scene *s = *state;

	push(s, 1, LONG);
	assert_null(fq_pop(&s->q, s->now, LONG - 1));
	push(s, 1, SHORT);
	assert_null(fq_pop(&s->q, s->now, LONG - 1));
	assert_int_equal(pop(s).len, LONG);
	assert_int_equal(pop(s).len, SHORT);
}

/* Eight flows with packets of all lengths, always something of each waiting: equal bytes, to a few packets. */
static void flows_get_equal_shares_whatever_their_packets(void **state)
{
	static const size_t longest[8] = {60, 100, 300, 700, 1000, 1400, 1500, 1500};
	struct scene *s = *state;
	size_t got[8] = {0};
	struct prng prng;

	prng_init(&prng, 8290);
	for (uint8_t f = 0; f < 8; f++)
		for (int i = 0; i < 40; i++)
			push(s, f, HEADER + 4 + prng_below(&prng, (uint32_t)longest[f] - 32));
	for (int i = 0; i < 40000; i++) {
		struct taken t = pop(s);

		got[t.flow] += t.len;
		push(s, (uint8_t)t.flow,
		     HEADER + 4 + prng_below(&prng, (uint32_t)longest[t.flow] - 32));
	}
	for (uint8_t f = 1; f < 8; f++)
		assert_in_range(got[f], got[0] - 3000, got[0] + 3000);
	assert_int_equal(s->traffic.drops[DROP_QUEUE_FULL], 0);
}

enum {
	RIVALS = 32,
	/* a turn and a packet more, for each of two */
	UNFAIR = 2 * (FQ_QUANTUM + 1500),
};

/* The slow way: every pair of flows, and how far apart they were when the later of them began to wait. */
struct fairness {
	size_t waiting[RIVALS];
	int64_t got[RIVALS];
	int64_t apart[RIVALS][RIVALS];
	uint32_t next[RIVALS];
};

static void note_push(struct fairness *f, size_t flow)
{
	if (f->waiting[flow]++)
		return;
	for (size_t j = 0; j < RIVALS; j++) {
		f->apart[flow][j] = f->got[flow] - f->got[j];
		f->apart[j][flow] = -f->apart[flow][j];
	}
}

static void note_pop(struct fairness *f, const struct taken *t)
{
	size_t i = (size_t)t->flow;

	assert_int_equal(t->number, f->next[i]++);
	f->waiting[i]--;
	f->got[i] += (int64_t)t->len;
	for (size_t j = 0; j < RIVALS; j++)
		if (f->waiting[j])
			assert_in_range(f->got[i] - f->got[j] - f->apart[i][j] + UNFAIR, 0,
					2 * UNFAIR);
}

/* Flows of which no two share a queue. */
static void choose_rivals(uint8_t rival[RIVALS])
{
	uint64_t taken = 0;
	size_t n = 0;

	for (unsigned flow = 0; n < RIVALS; flow++) {
		uint8_t header[HEADER];
		uint64_t queue;

		assert_in_range(flow, 0, 255);
		put_header(header, (uint8_t)flow, 0);
		queue = UINT64_C(1) << flow_hash(header, HEADER) % FQ_FLOWS;
		if (!(taken & queue))
			rival[n++] = (uint8_t)flow;
		taken |= queue;
	}
}

static void of_flows_that_wait_none_gets_more_than_a_turn_more_than_another(void **state)
{
	static struct fairness f;
	struct scene *s = *state;
	uint8_t rival[RIVALS], index[256];
	struct prng prng;

	memset(&f, 0, sizeof(f));
	choose_rivals(rival);
	for (uint8_t i = 0; i < RIVALS; i++)
		index[rival[i]] = i;
	prng_init(&prng, 64);
	for (int i = 0; i < 200000; i++) {
		uint8_t r = (uint8_t)prng_below(&prng, RIVALS);
		struct taken t = {.flow = 0};

		note_push(&f, r);
		push(s, rival[r], 40 + prng_below(&prng, r < 4 ? 1460 : 200));
		/* mostly more comes than goes; now and then it runs empty, and never over */
		for (uint32_t n = s->q.bytes > QUEUE_MAX / 2 ? prng_below(&prng, 9000)
							     : prng_below(&prng, 2);
		     n && (t = pop(s)).flow >= 0; n--) {
			t.flow = index[t.flow];
			note_pop(&f, &t);
		}
	}
	assert_int_equal(s->traffic.drops[DROP_QUEUE_FULL], 0);
}

static void full_queue_drops_the_oldest_of_the_longest_flow(void **state)
{
	struct scene *s = *state;
	uint32_t next = 0, dropped;

	push(s, 2, LONG);
	for (int i = 0; i < 2000; i++)
		push(s, 1, LONG);
	assert_in_range(s->q.bytes, QUEUE_MAX - 2048, QUEUE_MAX);
	dropped = (uint32_t)s->traffic.drops[DROP_QUEUE_FULL];
	assert_in_range(dropped, 1, 1999);
	assert_int_equal(pop(s).flow, 2);
	/* in order, and the newest is there */
	for (struct taken t; (t = pop(s)).flow >= 0; next++)
		assert_int_equal(t.number, dropped + next);
	assert_int_equal(dropped + next, 2000);
}

/* Many queues on one pool: each is left with its part, and none with the last of it. */
static void queue_holds_no_more_than_a_quarter_of_what_the_pool_has_left(void **state)
{
	struct scene *s = *state;
	struct fq many[20];

	for (size_t i = 0; i < 20; i++) {
		fq_init(&many[i], &s->pool, &s->traffic, SIZE_MAX);
		for (int n = 0; n < POOL / LONG / 2; n++) {
			struct pbuf *p = pbuf_new(&s->pool, LONG);

			assert_non_null(p);
			fq_push(&many[i], s->now, p);
		}
		assert_in_range(many[i].bytes, 1, POOL / 4);
		assert_in_range(many[i].bytes, (POOL - s->pool.used) / 4 - 2048,
				(POOL - s->pool.used) / 4);
	}
	assert_in_range(s->pool.used, 0, POOL - 10000);
	for (size_t i = 0; i < 20; i++)
		fq_clear(&many[i]);
}

static uint64_t seen[DROP_REASONS];

static void see(struct fq *q, const struct pbuf *p, enum drop_reason why)
{
	assert_int_equal(p->len, LONG);
	seen[why]++;
}

static void who_looks_sees_what_is_dropped(void **state)
{
	struct scene *s = *state;

	memset(seen, 0, sizeof(seen));
	s->q.on_drop = see;
	for (int i = 0; i < 2000; i++)
		push(s, 1, LONG);
	for (; pop(s).flow >= 0; s->now += 20 * MS)
		;
	assert_in_range(seen[DROP_QUEUE_FULL], 1, 1999);
	assert_in_range(seen[DROP_QUEUE_DELAY], 1, 1999);
	for (unsigned why = 0; why < DROP_REASONS; why++)
		assert_int_equal(seen[why], s->traffic.drops[why]);
}

static void exhausted_pool_leaves_an_empty_queue_empty(void **state)
{
	struct scene *s = *state;
	struct pbuf *p = pbuf_new(&s->pool, LONG), *other = pbuf_new(&s->pool, LONG);

	s->pool.limit = s->pool.used;
	fq_push(&s->q, s->now, p);
	assert_true(fq_is_empty(&s->q));
	assert_null(s->q.flows);
	assert_int_equal(s->traffic.drops[DROP_QUEUE_FULL], 1);
	pbuf_free(&s->pool, other);
}

/* Ten packets come in 10 ms, nine go: the queue grows longer. Returns how many of `tos` were taken with the mark. */
static unsigned overload(struct scene *s, uint8_t flow, uint8_t tos, unsigned ms)
{
	unsigned marked = 0;

	for (unsigned i = 0; i < ms; i++, s->now += MS) {
		push_tos(s, flow, LONG, tos);
		if (i % 10)
			marked += pop(s).tos == (tos | 3);
	}
	return marked;
}

static void flow_that_waits_too_long_loses_packets_or_is_marked_when_it_can_be(void **state)
{
	struct scene *s = *state;

	assert_int_equal(overload(s, 1, 0, 1000), 0);
	assert_in_range(s->traffic.drops[DROP_QUEUE_DELAY], 10, 60);
	assert_int_equal(s->traffic.tx_marked, 0);
	fq_clear(&s->q);
	s->traffic = (struct traffic){0};
	assert_in_range(overload(s, 2, ECT0, 1000), 10, 60);
	assert_in_range(s->traffic.tx_marked, 10, 60);
	assert_int_equal(s->traffic.drops[DROP_QUEUE_DELAY], 0);
	assert_int_equal(s->traffic.drops[DROP_QUEUE_FULL], 0);
}

/* CoDel looks at each flow alone. */
static void flow_beside_one_that_waits_too_long_loses_nothing(void **state)
{
	struct scene *s = *state;
	uint32_t next = 0;

	for (unsigned i = 0; i < 2000; i++, s->now += MS) {
		struct taken t;

		push(s, 1, LONG);
		push(s, 1, LONG);
		if (i % 20 == 0)
			push(s, 2, SHORT);
		t = pop(s);
		if (t.flow == 2)
			assert_int_equal(t.number, next++);
	}
	assert_int_equal(next, 100);
	assert_in_range(s->traffic.drops[DROP_QUEUE_DELAY], 10, 2000);
}

/* Nor does one that has next to nothing on its way, however long each packet waits for its turn. */
static void flow_of_two_packets_loses_neither_beside_a_long_queue(void **state)
{
	struct scene *s = *state;
	uint32_t next = 0;

	push(s, 2, LONG);
	push(s, 2, LONG);
	for (unsigned i = 0; i < 200; i++)
		push(s, 1, LONG);
	for (unsigned i = 0; i < 300; i++) {
		struct taken t;

		s->now += 20 * MS;
		t = pop(s);
		push(s, (uint8_t)t.flow, LONG);
		if (t.flow == 2)
			assert_int_equal(t.number, next++);
	}
	assert_in_range(next, 140, 160);
	assert_in_range(s->traffic.drops[DROP_QUEUE_DELAY], 10, 200);
	assert_int_equal(s->traffic.drops[DROP_QUEUE_FULL], 0);
}

static void push_many(struct scene *s, uint8_t flow, size_t len, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		push(s, flow, len);
}

/* CoDel empties no flow: its last packet always goes. But a full queue does. */
static void flow_that_was_emptied_begins_anew_with_codel(void **state)
{
	struct scene *s = *state;
	size_t of_long, of_short;

	push_many(s, 2, LONG, 4);
	of_long = s->q.bytes;
	push_many(s, 1, SHORT, 4);
	of_short = s->q.bytes - of_long;
	s->now += 10 * MS; /* above the target: the interval begins */
	assert_int_equal(pop(s).number, 0);
	assert_int_equal(pop(s).number, 1);
	s->q.max_bytes = of_short + of_short / 4; /* five of the short ones */
	push(s, 1, SHORT);
	assert_int_equal(s->traffic.drops[DROP_QUEUE_FULL], 2);
	s->q.max_bytes = QUEUE_MAX;
	/* others still wait when its turn comes */
	push_many(s, 1, SHORT, 60);
	for (int i = 0; i < 30; i++)
		assert_int_equal(pop(s).flow, 1);
	push_many(s, 2, LONG, 4);
	s->now += 200 * MS;
	assert_int_equal(pop(s).number, 4);
	assert_int_equal(s->traffic.drops[DROP_QUEUE_DELAY], 0);
}

/* Against a list of what was pushed: order within each flow, nothing twice, nothing lost uncounted. */
static void every_packet_leaves_in_its_flows_order_or_is_counted(void **state)
{
	struct scene *s = *state;
	uint32_t pushed = 0, popped = 0, dropped, next[256] = {0};
	struct prng prng;
	struct taken t;

	prng_init(&prng, 20261123);
	for (int i = 0; i < 300000; i++) {
		uint32_t what = prng_below(&prng, 1000);

		s->now += prng_below(&prng, (uint32_t)MS);
		if (what < 550) {
			uint8_t f = (uint8_t)(prng_below(&prng, 16) * prng_below(&prng, 16));

			push_tos(s, f, 40 + prng_below(&prng, 1460), (uint8_t)(f & 3));
			pushed++;
		} else if (what < 999) {
			t = pop(s);
			popped += t.flow >= 0;
			if (t.flow >= 0) {
				assert_true(t.number >= next[t.flow]);
				next[t.flow] = t.number + 1;
			}
		} else {
			while ((t = pop(s)).flow >= 0)
				popped++;
			assert_null(s->q.flows);
		}
		assert_in_range(s->q.bytes, 0, QUEUE_MAX);
		assert_int_equal(s->q.bytes, s->pool.used);
	}
	while ((t = pop(s)).flow >= 0)
		popped++;
	dropped =
		(uint32_t)(s->traffic.drops[DROP_QUEUE_FULL] + s->traffic.drops[DROP_QUEUE_DELAY]);
	assert_int_equal(pushed, popped + dropped);
	assert_in_range(s->traffic.tx_marked, 1, popped);
	assert_in_range(dropped, 1, pushed / 2);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(empty_queue_holds_no_memory),
		in_scene(lone_packet_goes_before_a_bulk_flow_that_waits),
		in_scene(flow_that_is_served_as_fast_as_it_sends_is_not_new_again),
		in_scene(packet_longer_than_the_room_stays_first),
		in_scene(flows_get_equal_shares_whatever_their_packets),
		in_scene(of_flows_that_wait_none_gets_more_than_a_turn_more_than_another),
		in_scene(full_queue_drops_the_oldest_of_the_longest_flow),
		in_scene(queue_holds_no_more_than_a_quarter_of_what_the_pool_has_left),
		in_scene(who_looks_sees_what_is_dropped),
		in_scene(exhausted_pool_leaves_an_empty_queue_empty),
		in_scene(flow_that_waits_too_long_loses_packets_or_is_marked_when_it_can_be),
		in_scene(flow_beside_one_that_waits_too_long_loses_nothing),
		in_scene(flow_of_two_packets_loses_neither_beside_a_long_queue),
		in_scene(flow_that_was_emptied_begins_anew_with_codel),
		in_scene(every_packet_leaves_in_its_flows_order_or_is_counted),
	};

	return cmocka_run_group_tests_name("session/fq", tests, NULL, NULL);
}
