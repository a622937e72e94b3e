/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/fib_slot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"
#include "test/support/routes.h"

enum {
	READERS = 3,
	SLOTS = 8,
};

struct rig {
	struct qsbr *qsbr;
	struct fib_publisher *publisher;
	struct fib_slot slots[SLOTS];
};

static void rig_init(struct rig *r)
{
	assert_int_equal(qsbr_new(READERS, &r->qsbr), 0);
	assert_int_equal(fib_publisher_new(r->qsbr, &r->publisher), 0);
	for (size_t i = 0; i < SLOTS; i++)
		fib_slot_init(&r->slots[i]);
}

static void rig_done(struct rig *r)
{
	fib_publisher_free(r->publisher);
	qsbr_free(r->qsbr);
}

/* A table whose only answer, everywhere, is value. */
static struct trie *all_to(uint32_t value)
{
	struct prefix everything = {.family = AF_INET};
	struct trie *t = NULL;

	assert_int_equal(trie_new(&t), 0);
	assert_int_equal(trie_insert(t, &everything, value), 0);
	return t;
}

static int show(struct rig *r, size_t slot, uint32_t value)
{
	struct trie *t = all_to(value);
	int error = fib_publisher_set(r->publisher, &r->slots[slot], t);

	trie_free(t);
	return error;
}

static uint32_t answer(const struct rig *r, size_t slot)
{
	return fib_lookup4(fib_slot_get(&r->slots[slot]), htonl(0x0a000001));
}

static void a_slot_is_empty_until_it_is_set_and_after_it_is_cleared(void **state)
{
	struct rig r;

	rig_init(&r);
	assert_null(fib_slot_get(&r.slots[0]));
	assert_int_equal(show(&r, 0, 7), 0);
	assert_int_equal(answer(&r, 0), 7);
	fib_publisher_clear(r.publisher, &r.slots[0]);
	assert_null(fib_slot_get(&r.slots[0]));
	fib_publisher_clear(r.publisher, &r.slots[0]);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 1);
	assert_int_equal(fib_publisher_bytes(r.publisher), 0);
	rig_done(&r);
}

static void equal_tables_are_held_once(void **state)
{
	struct rig r;
	size_t bytes;

	rig_init(&r);
	assert_int_equal(show(&r, 0, 7), 0);
	bytes = fib_publisher_bytes(r.publisher);
	for (size_t i = 1; i < SLOTS; i++) {
		assert_int_equal(show(&r, i, 7), 0);
		assert_ptr_equal(fib_slot_get(&r.slots[i]), fib_slot_get(&r.slots[0]));
	}
	assert_int_equal(fib_publisher_count(r.publisher), 1);
	assert_int_equal(fib_publisher_bytes(r.publisher), bytes);
	for (size_t i = 0; i < SLOTS - 1; i++)
		assert_int_equal(show(&r, i, 8), 0);
	/* the last one still shows it */
	assert_int_equal(fib_publisher_reclaim(r.publisher), 0);
	assert_int_equal(answer(&r, SLOTS - 1), 7);
	assert_int_equal(show(&r, SLOTS - 1, 8), 0);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 1);
	assert_int_equal(fib_publisher_count(r.publisher), 1);
	rig_done(&r);
}

static void setting_what_is_shown_already_changes_nothing(void **state)
{
	struct rig r;
	const struct fib *before;

	rig_init(&r);
	assert_int_equal(show(&r, 0, 7), 0);
	before = fib_slot_get(&r.slots[0]);
	assert_int_equal(show(&r, 0, 7), 0);
	assert_ptr_equal(fib_slot_get(&r.slots[0]), before);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 0);
	rig_done(&r);
}

static void a_copied_slot_shows_the_same_table_and_keeps_it(void **state)
{
	struct rig r;

	rig_init(&r);
	assert_int_equal(show(&r, 0, 7), 0);
	assert_int_equal(show(&r, 1, 8), 0);
	fib_publisher_copy(r.publisher, &r.slots[1], &r.slots[0]);
	assert_ptr_equal(fib_slot_get(&r.slots[1]), fib_slot_get(&r.slots[0]));
	assert_int_equal(fib_publisher_reclaim(r.publisher), 1);
	fib_publisher_clear(r.publisher, &r.slots[0]);
	fib_publisher_copy(r.publisher, &r.slots[1], &r.slots[1]);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 0);
	assert_int_equal(answer(&r, 1), 7);
	fib_publisher_copy(r.publisher, &r.slots[1], &r.slots[0]);
	assert_null(fib_slot_get(&r.slots[1]));
	assert_int_equal(fib_publisher_reclaim(r.publisher), 1);
	rig_done(&r);
}

static void a_table_is_freed_only_when_every_reader_has_passed(void **state)
{
	struct rig r;

	rig_init(&r);
	qsbr_online(r.qsbr, 0);
	qsbr_online(r.qsbr, 1);
	assert_int_equal(show(&r, 0, 7), 0);
	assert_int_equal(show(&r, 0, 8), 0);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 0);
	qsbr_quiescent(r.qsbr, 0);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 0);
	/* one that wakes up later never saw it */
	qsbr_online(r.qsbr, 2);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 0);
	qsbr_quiescent(r.qsbr, 1);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 1);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 0);
	rig_done(&r);
}

static void sleeping_readers_hold_nothing_up(void **state)
{
	struct rig r;

	rig_init(&r);
	qsbr_online(r.qsbr, 1);
	assert_int_equal(show(&r, 0, 7), 0);
	assert_int_equal(show(&r, 0, 8), 0);
	qsbr_offline(r.qsbr, 1);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 1);
	rig_done(&r);
}

static void a_retired_table_that_returns_is_the_same_one(void **state)
{
	struct rig r;
	const struct fib *first;

	rig_init(&r);
	qsbr_online(r.qsbr, 0);
	assert_int_equal(show(&r, 0, 7), 0);
	first = fib_slot_get(&r.slots[0]);
	assert_int_equal(show(&r, 0, 8), 0);
	assert_int_equal(show(&r, 0, 7), 0);
	assert_ptr_equal(fib_slot_get(&r.slots[0]), first);
	qsbr_quiescent(r.qsbr, 0);
	assert_int_equal(fib_publisher_reclaim(r.publisher), 1);
	assert_int_equal(answer(&r, 0), 7);
	rig_done(&r);
}

static void thousands_of_tables_are_found_again(void **state)
{
	enum {
		TABLES = 2000
	};
	static struct fib_slot slots[2 * TABLES];
	struct rig r;

	rig_init(&r);
	for (size_t i = 0; i < 2 * TABLES; i++) {
		struct trie *t = all_to((uint32_t)(i % TABLES));

		fib_slot_init(&slots[i]);
		assert_int_equal(fib_publisher_set(r.publisher, &slots[i], t), 0);
		trie_free(t);
	}
	assert_int_equal(fib_publisher_count(r.publisher), TABLES);
	for (size_t i = 0; i < TABLES; i++)
		assert_ptr_equal(fib_slot_get(&slots[i]), fib_slot_get(&slots[TABLES + i]));
	rig_done(&r);
}

static void set_without_memory_leaves_the_slot_as_it_was(void **state)
{
	struct trie *t = all_to(8);
	struct rig r;
	int failures = 0;
	int error;

	rig_init(&r);
	assert_int_equal(show(&r, 0, 7), 0);
	do {
		alloc_limit(failures);
		error = fib_publisher_set(r.publisher, &r.slots[0], t);
		alloc_limit(-1);
		assert_int_equal(answer(&r, 0), error == 0 ? 8 : 7);
		failures++;
	} while (error == -ENOMEM);
	assert_int_equal(error, 0);
	assert_in_range(failures, 7, 20);
	assert_int_equal(fib_publisher_count(r.publisher), 2);
	trie_free(t);
	rig_done(&r);
}

/*
 * Readers look while a writer swaps. Each table answers its own number for all addresses, so an
 * answer that changes under one hand, or a table that was freed, shows; the latter under ASan and
 * TSan for certain.
 */
struct race {
	struct rig rig;
	_Atomic int stop;
	_Atomic uint32_t wrong;
	_Atomic uint32_t started;
};

struct race_reader {
	struct race *race;
	size_t number;
};

static void read_once(struct race *race, size_t slot)
{
	const struct fib *f = fib_slot_get(&race->rig.slots[slot]);
	uint32_t addrs[2] = {htonl(0x01020304), htonl(0xfefdfcfb)};
	uint32_t first = fib_lookup4(f, addrs[0]);
	uint32_t ids[2];

	fib_lookup4_bulk(f, addrs, 2, ids);
	if (first >= 1000 || ids[0] != first || ids[1] != first)
		atomic_fetch_add(&race->wrong, 1);
}

static void *run_reader(void *arg)
{
	struct race_reader *me = arg;
	struct race *race = me->race;
	struct qsbr *q = race->rig.qsbr;

	qsbr_online(q, me->number);
	atomic_fetch_add(&race->started, 1);
	for (uint32_t pass = 0; !atomic_load(&race->stop); pass++) {
		for (size_t slot = 0; slot < SLOTS; slot++)
			read_once(race, slot);
		if (pass % 16 == me->number) {
			qsbr_offline(q, me->number);
			qsbr_online(q, me->number);
		} else {
			qsbr_quiescent(q, me->number);
		}
	}
	qsbr_offline(q, me->number);
	return NULL;
}

/* At least `swaps`, and until a table was freed: a reader that the kernel lets wait holds them all. */
static size_t write_swaps(struct race *race, struct trie *const *tables, size_t n, int swaps)
{
	size_t freed = 0;
	struct prng prng;

	prng_init(&prng, 0x5a1b);
	for (int i = 0; i < swaps || freed == 0; i++) {
		struct fib_slot *slot = &race->rig.slots[prng_below(&prng, SLOTS)];
		const struct trie *t = tables[prng_below(&prng, (uint32_t)n)];

		assert_int_equal(fib_publisher_set(race->rig.publisher, slot, t), 0);
		freed += fib_publisher_reclaim(race->rig.publisher);
		if (i >= swaps)
			sched_yield();
	}
	return freed;
}

static void readers_see_whole_tables_while_a_writer_swaps(void **state)
{
	enum {
		TABLES = 40,
		SWAPS = 20000
	};
	struct race_reader readers[READERS];
	struct trie *tables[TABLES];
	pthread_t threads[READERS];
	struct race race = {0};

	rig_init(&race.rig);
	for (uint32_t i = 0; i < TABLES; i++)
		tables[i] = all_to(i);
	for (size_t i = 0; i < SLOTS; i++)
		assert_int_equal(show(&race.rig, i, 999), 0);
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct race_reader){&race, i};
		assert_int_equal(pthread_create(&threads[i], NULL, run_reader, &readers[i]), 0);
	}
	while (atomic_load(&race.started) < READERS)
		sched_yield();
	assert_int_not_equal(write_swaps(&race, tables, TABLES, SWAPS), 0);
	atomic_store(&race.stop, 1);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&race.wrong), 0);
	/* all readers sleep: whatever is not shown goes */
	fib_publisher_reclaim(race.rig.publisher);
	assert_in_range(fib_publisher_count(race.rig.publisher), 1, SLOTS);
	for (uint32_t i = 0; i < TABLES; i++)
		trie_free(tables[i]);
	rig_done(&race.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_is_empty_until_it_is_set_and_after_it_is_cleared),
		cmocka_unit_test(equal_tables_are_held_once),
		cmocka_unit_test(setting_what_is_shown_already_changes_nothing),
		cmocka_unit_test(a_copied_slot_shows_the_same_table_and_keeps_it),
		cmocka_unit_test(a_table_is_freed_only_when_every_reader_has_passed),
		cmocka_unit_test(sleeping_readers_hold_nothing_up),
		cmocka_unit_test(a_retired_table_that_returns_is_the_same_one),
		cmocka_unit_test(thousands_of_tables_are_found_again),
		cmocka_unit_test(set_without_memory_leaves_the_slot_as_it_was),
		cmocka_unit_test(readers_see_whole_tables_while_a_writer_swaps),
	};

	return cmocka_run_group_tests_name("routing/fib_slot", tests, NULL, NULL);
}
