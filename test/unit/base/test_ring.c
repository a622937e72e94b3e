/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle keeps every record apart and a map with the owner of each 8 bytes of the buffer: a record goes behind the
 * last one where the map is free in one piece, else to the start of the buffer. It knows no positions.
 */
#include "sstp/base/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	SMALL = 128,
	UNIT = 8,
	ORACLE_BYTES = 1024,
	ORACLE_UNITS = ORACLE_BYTES / UNIT,
	NOWHERE = -1,
};

struct oracle {
	size_t units;
	uint32_t owner[ORACLE_UNITS]; /* number of the record that holds these 8 bytes; 0: free */
	uint32_t last;		      /* number of the newest record */
	uint32_t first;		      /* of the oldest that is not popped; last + 1: none */
	size_t behind;		      /* unit behind the newest record, maybe the end */
	size_t len[ORACLE_UNITS];     /* by number, modulo */
};

static bool is_free(const struct oracle *o, size_t from, size_t n)
{
	if (from + n > o->units)
		return false;
	for (size_t i = from; i < from + n; i++)
		if (o->owner[i])
			return false;
	return true;
}

static size_t units_of(size_t len)
{
	return 1 + (len + UNIT - 1) / UNIT;
}

/* The unit where a record of len bytes begins, or NOWHERE. */
static int oracle_place(const struct oracle *o, size_t len)
{
	size_t n = units_of(len);

	if (len > o->units * UNIT / 2 - UNIT)
		return NOWHERE;
	if (o->behind + n <= o->units)
		return is_free(o, o->behind, n) ? (int)o->behind : NOWHERE;
	if (is_free(o, o->behind, o->units - o->behind) && is_free(o, 0, n))
		return 0;
	return NOWHERE;
}

static void oracle_push(struct oracle *o, size_t at, size_t len)
{
	uint32_t number = ++o->last;

	/* what is skipped is freed with the record that skipped it */
	if (at != o->behind)
		for (size_t i = o->behind; i < o->units; i++)
			o->owner[i] = number;
	for (size_t i = at; i < at + units_of(len); i++)
		o->owner[i] = number;
	o->behind = at + units_of(len);
	o->len[number % ORACLE_UNITS] = len;
}

static void oracle_pop(struct oracle *o)
{
	for (size_t i = 0; i < o->units; i++)
		if (o->owner[i] == o->first)
			o->owner[i] = 0;
	o->first++;
}

struct pair {
	struct ring *ring;
	struct oracle oracle;
	unsigned char *base; /* of the ring's buffer */
};

static unsigned char content(uint32_t number, size_t i)
{
	return (unsigned char)(number * 31 + i * 7 + 1);
}

/* Reserves and commits on both; false when full. */
static bool push(struct pair *p, size_t reserve, size_t commit)
{
	int at = oracle_place(&p->oracle, reserve);
	unsigned char *data = ring_reserve(p->ring, reserve);

	if (at == NOWHERE) {
		assert_null(data);
		return false;
	}
	assert_non_null(data);
	if (!p->base)
		p->base = data - (size_t)at * UNIT - UNIT;
	assert_ptr_equal(data, p->base + (size_t)at * UNIT + UNIT);
	assert_int_equal((uintptr_t)data % UNIT, 0);
	for (size_t i = 0; i < reserve; i++)
		data[i] = i < commit ? content(p->oracle.last + 1, i) : 0xee;
	oracle_push(&p->oracle, (size_t)at, commit);
	ring_commit(p->ring, commit);
	assert_true(ring_check(p->ring));
	return true;
}

/* Peeks on both; false when empty. */
static bool peek(struct pair *p)
{
	size_t len = 4711;
	unsigned char *data = ring_peek(p->ring, &len);

	if (p->oracle.first > p->oracle.last) {
		assert_null(data);
		assert_int_equal(len, 4711);
		return false;
	}
	assert_non_null(data);
	assert_int_equal(len, p->oracle.len[p->oracle.first % ORACLE_UNITS]);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], content(p->oracle.first, i));
	return true;
}

static bool pop(struct pair *p)
{
	if (!peek(p))
		return false;
	ring_pop(p->ring);
	oracle_pop(&p->oracle);
	assert_true(ring_check(p->ring));
	return true;
}

static void pair_init(struct pair *p, size_t bytes)
{
	memset(p, 0, sizeof(*p));
	p->ring = ring_new(bytes);
	assert_non_null(p->ring);
	p->oracle.units = bytes / UNIT;
	p->oracle.first = 1;
}

static struct pair *pair_new(size_t bytes)
{
	struct pair *p = malloc(sizeof(*p));

	assert_non_null(p);
	pair_init(p, bytes);
	return p;
}

static void pair_free(struct pair *p)
{
	ring_free(p->ring);
	free(p);
}

static void size_that_is_no_power_of_two_within_the_limits_is_refused(void **state)
{
	static const size_t wrong[] = {
		0, 1, 63, 65, 96, RING_BYTES_MIN / 2, (size_t)RING_BYTES_MAX * 2, SIZE_MAX};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		errno = 0;
		assert_null(ring_new(wrong[i]));
		assert_int_equal(errno, EINVAL);
	}
	ring_free(NULL);
}

static void reservation_that_is_not_committed_is_given_up(void **state)
{
	struct pair *p = pair_new(SMALL);

	assert_non_null(ring_reserve(p->ring, 40));
	assert_false(peek(p));
	assert_non_null(ring_reserve(p->ring, 3));
	assert_true(push(p, 5, 5));
	assert_true(pop(p));
	assert_false(peek(p));
	pair_free(p);
}

static void record_is_the_same_until_it_is_popped(void **state)
{
	struct pair *p = pair_new(SMALL);
	size_t len;
	char *data;

	push(p, 10, 10);
	push(p, 20, 20);
	data = ring_peek(p->ring, &len);
	assert_ptr_equal(ring_peek(p->ring, &len), data);
	assert_int_equal(len, 10);
	ring_pop(p->ring);
	assert_ptr_not_equal(ring_peek(p->ring, &len), data);
	assert_int_equal(len, 20);
	pair_free(p);
}

static void record_above_the_limit_is_refused_though_there_is_room(void **state)
{
	struct ring *r = ring_new(RING_BYTES_MIN);

	assert_non_null(ring_reserve(r, RING_BYTES_MIN / 2 - 8));
	assert_null(ring_reserve(r, RING_BYTES_MIN / 2 - 7));
	assert_null(ring_reserve(r, SIZE_MAX));
	ring_free(r);
}

/* An empty ring whose next record begins at that place of the buffer. */
static void stand_at(struct pair *p, size_t place)
{
	pair_init(p, SMALL);
	for (size_t i = 0; i < place; i += UNIT) {
		assert_true(push(p, 0, 0));
		assert_true(pop(p));
	}
}

static void
every_length_fits_an_empty_ring_at_every_place_and_fills_it_as_the_oracle_says(void **state)
{
	struct pair *p = malloc(sizeof(*p));

	assert_non_null(p);
	for (size_t place = 0; place < SMALL; place += UNIT)
		for (size_t len = 0; len <= SMALL / 2 - UNIT; len++)
			for (size_t less = 0; less <= len; less++) {
				stand_at(p, place);
				assert_true(push(p, len, len - less));
				while (push(p, len, len))
					;
				while (pop(p))
					;
				assert_true(push(p, len, len));
				assert_true(pop(p));
				ring_free(p->ring);
			}
	free(p);
}

static void random_use_is_as_the_oracle_says(void **state)
{
	struct prng rng;

	prng_init(&rng, 0x21196);
	for (int round = 0; round < 40; round++) {
		size_t bytes = (size_t)RING_BYTES_MIN << prng_below(&rng, 5);
		struct pair *p = pair_new(bytes);
		/* rounds lean towards full, towards empty, and to neither */
		uint32_t pushes = 3 + prng_below(&rng, 5);

		for (int i = 0; i < 20000; i++) {
			size_t len = prng_below(&rng, (uint32_t)bytes / 2);

			if (prng_below(&rng, 10) >= pushes)
				pop(p);
			else if (prng_below(&rng, 4))
				push(p, len, len);
			else
				push(p, len, prng_below(&rng, (uint32_t)len + 1));
		}
		while (pop(p))
			;
		pair_free(p);
	}
}

/* Two threads: each record holds its number and words made from it. */
enum {
	RECORDS = 1000000,
	THREADS_BYTES = 1 << 18,
	WORDS_MAX = 8192, /* 64 KB */
};

struct message {
	uint64_t number;
	uint64_t words[];
};

struct talk {
	struct ring *ring;
	uint64_t seed;
	uint64_t n_full;
};

static size_t random_words(struct prng *rng)
{
	return prng_below(rng, prng_below(rng, 4096) ? 24 : WORDS_MAX);
}

static void *produce(void *arg)
{
	struct talk *talk = arg;
	struct prng rng = {.state = talk->seed};

	for (uint64_t number = 0; number < RECORDS; number++) {
		size_t n = random_words(&rng);
		struct message *m;

		while (!(m = ring_reserve(talk->ring, sizeof(*m) + n * 8 + 8))) {
			talk->n_full++;
			sched_yield();
		}
		m->number = number;
		for (size_t i = 0; i < n; i++)
			m->words[i] = number * 0x10001 + i;
		ring_commit(talk->ring, sizeof(*m) + n * 8);
	}
	return NULL;
}

/* The number of records that are not as they were sent. */
static uint64_t consume(struct talk *talk)
{
	struct prng rng = {.state = talk->seed};
	uint64_t n_wrong = 0;

	for (uint64_t number = 0; number < RECORDS; number++) {
		size_t n = random_words(&rng);
		size_t len;
		struct message *m;
		uint64_t difference;

		while (!(m = ring_peek(talk->ring, &len)))
			sched_yield();
		difference = (len ^ (sizeof(*m) + n * 8)) | (m->number ^ number);
		for (size_t i = 0; i < n && !difference; i++)
			difference |= m->words[i] ^ (number * 0x10001 + i);
		n_wrong += difference != 0;
		ring_pop(talk->ring);
	}
	return n_wrong;
}

static void a_million_records_pass_between_two_threads_whole_and_in_order(void **state)
{
	struct talk talk = {.ring = ring_new(THREADS_BYTES)};
	struct prng rng;
	pthread_t producer;

	assert_non_null(talk.ring);
	prng_init(&rng, 0x7ead5);
	talk.seed = rng.state;
	assert_int_equal(pthread_create(&producer, NULL, produce, &talk), 0);
	assert_int_equal(consume(&talk), 0);
	assert_int_equal(pthread_join(producer, NULL), 0);
	assert_true(ring_check(talk.ring));
	print_message("# full %llu times\n", (unsigned long long)talk.n_full);
	ring_free(talk.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_that_is_no_power_of_two_within_the_limits_is_refused),
		cmocka_unit_test(reservation_that_is_not_committed_is_given_up),
		cmocka_unit_test(record_is_the_same_until_it_is_popped),
		cmocka_unit_test(record_above_the_limit_is_refused_though_there_is_room),
		cmocka_unit_test(
			every_length_fits_an_empty_ring_at_every_place_and_fills_it_as_the_oracle_says),
		cmocka_unit_test(random_use_is_as_the_oracle_says),
		cmocka_unit_test(a_million_records_pass_between_two_threads_whole_and_in_order),
	};

	return cmocka_run_group_tests_name("base/ring", tests, NULL, NULL);
}
