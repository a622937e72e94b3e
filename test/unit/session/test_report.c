/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/loop.h"
#include "test/support/cmocka.h"

/* Allocations until the one that fails; negative: none does. */
static int allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(p, size);
}

static struct scene {
	struct loop *loop;
	struct loop_task stop;
	struct report_desk *desk;
	unsigned ups, downs, lost;
	uint64_t ids[64]; /* in the order of telling; a session that has gone: its complement */
	unsigned n;
	char text[512]; /* of the last */
	struct report_counts counts;
	struct report_timeline timeline; /* the last; its texts are gone */
	unsigned timelines;
} s;

static void note(uint64_t id)
{
	if (s.n < sizeof(s.ids) / sizeof(s.ids[0]))
		s.ids[s.n++] = id;
}

static void on_up(void *arg, const struct report_session *r)
{
	s.ups++;
	note(r->id);
	s.counts = r->counts;
	snprintf(s.text, sizeof(s.text), "%s|%s|%s|%s|%s|%s|%s|%u|%ld", r->app, r->vnet, r->user,
		 r->owner, r->source, r->correlation, r->thumbprint, r->address_be, (long)r->since);
}

static void on_down(void *arg, uint64_t id, const char *reason, const struct report_counts *counts)
{
	s.downs++;
	note(~id);
	s.counts = *counts;
	snprintf(s.text, sizeof(s.text), "%s", reason);
}

static void on_lost(void *arg)
{
	s.lost++;
}

static void on_timeline(void *arg, const struct report_timeline *t)
{
	s.timelines++;
	note(t->id);
	s.timeline = *t;
	snprintf(s.text, sizeof(s.text), "%s|%s|%s|%s|%s|%s|%s|%s|%s|%s", t->app, t->vnet, t->user,
		 t->source, t->dialled, t->tls, t->correlation, t->auth, t->thumbprint, t->reason);
}

static const struct report_ops ops = {
	.on_up = on_up, .on_down = on_down, .on_timeline = on_timeline, .on_lost = on_lost};

static const struct report_timeline refused = {
	.id = 8,
	.began_us = INT64_C(1790000000123456),
	.lasted_us = 99,
	.has_ended = true,
	.is_enrolment = true,
	.ended_by = 2,
	.stages = {{1, 77}},
	.untold = 3,
	.address_be = 5,
	.app = "a",
	.vnet = "b",
	.user = "c",
	.source = "d",
	.dialled = "e",
	.tls = "f",
	.correlation = "g",
	.auth = "h",
	.thumbprint = "",
	.reason = "j",
};

static const struct report_session shop = {
	.id = 7,
	.since = 1790000000,
	.app = "shop",
	.vnet = "blue",
	.user = "shop@blue",
	.owner = "l0123",
	.address_be = 99,
	.source = "192.0.2.9:50123",
	.correlation = "{1}",
	.thumbprint = "0123",
	.counts = {1, 2, 3, 4},
};

static const struct report_counts counts = {5, 6, 7, 8};

static void stop(struct loop_task *task)
{
	loop_stop(s.loop);
}

static int set_up(void **state)
{
	s = (struct scene){.loop = loop_new(), .stop.run = stop};
	assert_non_null(s.loop);
	s.desk = report_new(s.loop);
	assert_non_null(s.desk);
	report_set_owner(s.desk, &ops, &s);
	return 0;
}

static int tear_down(void **state)
{
	report_free(s.desk);
	loop_free(s.loop);
	return 0;
}

/* All that was posted before has run then. */
static void run(void)
{
	loop_post(s.loop, &s.stop);
	assert_int_equal(loop_run(s.loop), 0);
}

static void up_with_id(uint64_t id)
{
	struct report_session r = shop;

	r.id = id;
	report_up(s.desk, &r);
}

static void session_is_told_as_it_came_and_went(void **state)
{
	report_up(s.desk, &shop);
	run();
	assert_string_equal(s.text,
			    "shop|blue|shop@blue|l0123|192.0.2.9:50123|{1}|0123|99|1790000000");
	assert_memory_equal(&s.counts, &shop.counts, sizeof(counts));
	report_down(s.desk, 7, "the client said goodbye", &counts);
	run();
	assert_string_equal(s.text, "the client said goodbye");
	assert_memory_equal(&s.counts, &counts, sizeof(counts));
	assert_int_equal(s.ids[0], 7);
	assert_true(s.ids[1] == ~UINT64_C(7));
}

static void time_line_is_told_with_all_that_it_has(void **state)
{
	report_timeline(s.desk, &refused);
	run();
	assert_int_equal(s.timelines, 1);
	assert_string_equal(s.text, "a|b|c|d|e|f|g|h||j");
	assert_true(s.timeline.id == 8 && s.timeline.began_us == refused.began_us);
	assert_true(s.timeline.lasted_us == 99 && s.timeline.has_ended && s.timeline.is_enrolment);
	assert_int_equal(s.timeline.ended_by, 2);
	assert_int_equal(s.timeline.untold, 3);
	assert_int_equal(s.timeline.address_be, 5);
	assert_memory_equal(&s.timeline.stages, &refused.stages, sizeof(refused.stages));
}

static void time_line_keeps_its_place_in_a_list(void **state)
{
	struct report_list list = {0};

	assert_int_equal(report_list_add(&list, &shop), 0);
	assert_int_equal(report_list_add_timeline(&list, &refused), 0);
	allocations_left = 0;
	assert_int_equal(report_list_add_timeline(&list, &refused), -ENOMEM);
	allocations_left = -1;
	report_list_tell(&list, &ops, &s);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.ids[0], 7);
	assert_int_equal(s.ids[1], 8);
}

static void order_is_kept(void **state)
{
	for (uint64_t i = 1; i <= 30; i++) {
		up_with_id(i);
		report_down(s.desk, i, "", &counts);
	}
	run();
	assert_int_equal(s.n, 60);
	for (uint64_t i = 1; i <= 30; i++) {
		assert_true(s.ids[2 * i - 2] == i);
		assert_true(s.ids[2 * i - 1] == ~i);
	}
}

static void nothing_is_kept_for_nobody(void **state)
{
	report_set_owner(s.desk, NULL, NULL);
	assert_false(report_is_open(s.desk));
	report_up(s.desk, &shop);
	report_timeline(s.desk, &refused);
	report_set_owner(s.desk, &ops, &s);
	assert_true(report_is_open(s.desk));
	run();
	assert_int_equal(s.ups + s.timelines, 0);
}

/* Told, but the owner has gone before he heard. */
static void what_waits_for_an_owner_that_goes_is_dropped(void **state)
{
	report_up(s.desk, &shop);
	report_set_owner(s.desk, NULL, NULL);
	run();
	assert_int_equal(s.ups, 0);
}

static void more_than_the_limit_are_lost_and_that_is_told_once(void **state)
{
	for (unsigned i = 0; i < REPORT_MAX + 3; i++)
		up_with_id(i);
	run();
	assert_int_equal(s.ups, REPORT_MAX);
	assert_int_equal(s.lost, 1);
	up_with_id(1);
	run();
	assert_int_equal(s.ups, REPORT_MAX + 1);
	assert_int_equal(s.lost, 1);
}

static void what_there_is_no_memory_for_is_lost(void **state)
{
	allocations_left = 0;
	report_up(s.desk, &shop);
	allocations_left = 0;
	report_down(s.desk, 7, "", &counts);
	allocations_left = -1;
	run();
	assert_int_equal(s.ups + s.downs, 0);
	assert_int_equal(s.lost, 1);
}

static void what_was_not_told_goes_with_the_desk(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		up_with_id(i);
	assert_int_equal(s.ups, 0); /* and a sanitizer sees what stays */
}

static void list_is_told_in_order_and_is_empty_then(void **state)
{
	struct report_list list = {0};
	struct report_session r = shop;

	for (r.id = 1; r.id <= 3; r.id++)
		assert_int_equal(report_list_add(&list, &r), 0);
	allocations_left = 0;
	assert_int_equal(report_list_add(&list, &r), -ENOMEM);
	allocations_left = -1;
	report_list_tell(&list, &ops, &s);
	report_list_tell(&list, &ops, &s);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.ids[2], 3);
	assert_int_equal(report_list_add(&list, &shop), 0);
	report_list_tell(&list, &ops, &s);
	assert_int_equal(s.ids[3], 7);
}

static void traffic_is_listed_however_much_there_is(void **state)
{
	struct report_traffic_list list = {0};

	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(
			report_traffic_add(&list, &(struct report_traffic){i, {.sent_packets = i}}),
			0);
	assert_int_equal(list.n, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(list.entries[i].id == i && list.entries[i].counts.sent_packets == i);
	while (list.n < list.size)
		assert_int_equal(report_traffic_add(&list, &(struct report_traffic){0}), 0);
	allocations_left = 0;
	assert_int_equal(report_traffic_add(&list, &(struct report_traffic){0}), -ENOMEM);
	allocations_left = -1;
	assert_int_equal(list.n, list.size);
	report_traffic_done(&list);
	assert_int_equal(list.n, 0);
}

/* ---- threads */

enum {
	EACH = 2000
};

static void *tell(void *arg)
{
	uint64_t base = *(uint64_t *)arg;

	for (uint64_t i = 0; i < EACH; i++) {
		up_with_id(base + i);
		report_down(s.desk, base + i, "", &counts);
	}
	return NULL;
}

static void threads_tell_at_the_same_time_and_nothing_is_lost(void **state)
{
	pthread_t threads[3];
	uint64_t bases[3] = {0, 1 << 20, 2 << 20};

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, tell, &bases[i]), 0);
	for (int i = 0; i < 3; i++) {
		run();
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	run();
	assert_int_equal(s.lost, 0);
	assert_int_equal(s.ups, 3 * EACH);
	assert_int_equal(s.downs, 3 * EACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(session_is_told_as_it_came_and_went),
		TEST(time_line_is_told_with_all_that_it_has),
		TEST(time_line_keeps_its_place_in_a_list),
		TEST(order_is_kept),
		TEST(nothing_is_kept_for_nobody),
		TEST(what_waits_for_an_owner_that_goes_is_dropped),
		TEST(more_than_the_limit_are_lost_and_that_is_told_once),
		TEST(what_there_is_no_memory_for_is_lost),
		TEST(what_was_not_told_goes_with_the_desk),
		TEST(list_is_told_in_order_and_is_empty_then),
		TEST(traffic_is_listed_however_much_there_is),
		TEST(threads_tell_at_the_same_time_and_nothing_is_lost),
	};

	return cmocka_run_group_tests_name("session/report", tests, NULL, NULL);
}
