/* SPDX-License-Identifier: Apache-2.0 */
/* Time lines, and beside them a list that is searched from end to end. */
#include "sstp/control/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	SESSIONS = 12,
	STRANGERS = 4,
	ROUNDS = 60000,
	IDS = 40,
};

static const struct timelines_limits small = {SESSIONS, STRANGERS};

static struct msg_timeline told(uint64_t id, bool is_known, bool has_ended)
{
	struct msg_timeline m = {
		.boot = 0x1234,
		.id = id,
		.began_us = 1000,
		.lasted_us = 500,
		.has_ended = has_ended,
		.ended_by = has_ended ? MSG_SIDE_CLIENT : 0,
		.address_be = has_ended ? 0 : 9,
		.app = "shop",
		.vnet = "blue",
		.user = "shop@blue",
		.source = "192.0.2.9:1",
		.dialled = "gw",
		.tls = "TLSv1.3",
		.correlation = "{AB-12}",
		.auth = "PAP",
		.thumbprint = "",
		.reason = has_ended ? "goodbye" : "",
	};

	for (unsigned i = 0; i < MSG_STAGES; i++)
		m.stages_us[i] = i <= MSG_STAGE_LCP || is_known ? 10 * i : MSG_STAGE_NEVER;
	return m;
}

static void take(struct timelines *t, uint64_t id, bool is_known, bool has_ended)
{
	struct msg_timeline m = told(id, is_known, has_ended);

	assert_int_equal(timelines_take(t, &m), 0);
	timelines_check(t);
}

static const struct timeline *find(const struct timelines *t, uint64_t id)
{
	const struct timelines_key all = {0};
	const struct timeline *e = NULL;

	while ((e = timelines_next(t, &all, e)))
		if (e->told.id == id)
			return e;
	return NULL;
}

static void last_telling_counts_and_an_end_is_final(void **state)
{
	struct timelines *t = timelines_new(&small);
	const struct timeline *e;

	take(t, 7, true, false);
	take(t, 7, true, true);
	take(t, 7, true, false);
	assert_int_equal(timelines_count(t), 1);
	e = find(t, 7);
	assert_true(e->told.has_ended);
	assert_string_equal(e->told.reason, "goodbye");
	assert_int_equal(e->told.address_be,
			 9); /* it had one, though it was given back before it ended */
	assert_true(timeline_has_passed(e, MSG_STAGE_IPCP));
	timelines_free(t);
}

static void strangers_push_out_no_more_than_their_limit(void **state)
{
	struct timelines *t = timelines_new(&small);

	for (uint64_t id = 1; id <= 3; id++)
		take(t, id, true, false);
	for (uint64_t id = 100; id < 200; id++)
		take(t, id, false, true);
	assert_int_equal(timelines_count(t), 3 + STRANGERS);
	assert_non_null(find(t, 1));
	assert_null(find(t, 195));
	assert_non_null(find(t, 196));
	timelines_free(t);
}

static void who_is_up_stays_for_longer_than_who_has_ended(void **state)
{
	struct timelines *t = timelines_new(&small);

	take(t, 1, true, false);
	take(t, 2, false, true);
	for (uint64_t id = 10; id < 10 + SESSIONS; id++)
		take(t, id, true, true);
	assert_int_equal(timelines_count(t), SESSIONS);
	assert_non_null(find(t, 1));
	assert_non_null(find(t, 2));
	assert_null(find(t, 11));
	for (uint64_t id = 50; id < 50 + SESSIONS; id++)
		take(t, id, true, false);
	assert_int_equal(timelines_count(t), SESSIONS);
	assert_null(find(t, 1));
	timelines_free(t);
}

static void untold_are_added_up(void **state)
{
	struct timelines *t = timelines_new(&small);
	struct msg_timeline m = told(1, false, true);

	m.untold = UINT32_MAX;
	assert_int_equal(timelines_take(t, &m), 0);
	m.id = 2;
	assert_int_equal(timelines_take(t, &m), 0);
	assert_true(timelines_untold(t) == UINT64_C(2) * UINT32_MAX);
	timelines_free(t);
}

static void who_is_not_told_again_was_lost(void **state)
{
	struct timelines *t = timelines_new(&small);

	take(t, 1, true, false);
	take(t, 2, true, false);
	take(t, 3, true, true);
	timelines_begin(t);
	take(t, 2, true, false);
	take(t, 4, true, false);
	timelines_end(t, 61000);
	timelines_check(t);
	assert_string_equal(find(t, 1)->told.reason, "it was lost: the gateway has started anew");
	assert_int_equal(find(t, 1)->told.ended_by, MSG_SIDE_GATEWAY);
	assert_int_equal(find(t, 1)->told.lasted_us, 60000);
	assert_false(find(t, 2)->told.has_ended);
	assert_string_equal(find(t, 3)->told.reason, "goodbye");
	assert_false(find(t, 4)->told.has_ended);
	timelines_free(t);
}

static size_t count(const struct timelines *t, const struct timelines_key *key)
{
	const struct timeline *e = NULL;
	size_t n = 0;

	while ((e = timelines_next(t, key, e)))
		n++;
	return n;
}

static void session_is_found_by_id_number_correlation_and_app(void **state)
{
	static const struct {
		struct timelines_key key;
		size_t n;
	} asked[] = {
		{{.session = "SSTP_0000000000001234-7"}, 1},
		{{.session = "sstp_0000000000001234-7"}, 1},
		{{.session = "7"}, 1},
		{{.session = "77"}, 0},
		{{.session = ""}, 0},
		{{.correlation = "{AB-12}"}, 2},
		{{.correlation = "ab-12"}, 2},
		{{.correlation = "{ab-12"}, 2},
		{{.correlation = "AB-1"}, 0},
		{{.correlation = "{}"}, 0},
		{{.correlation = ""}, 0},
		{{.app = "SHOP"}, 2},
		{{.app = "sho"}, 0},
		{{.app = "shop", .session = "8"}, 1},
		{{.session = NULL}, 2},
	};
	struct timelines *t = timelines_new(&small);
	char id[TIMELINE_ID_MAX];

	take(t, 7, true, false);
	take(t, 8, true, false);
	assert_string_equal(timeline_id(find(t, 7), id), "SSTP_0000000000001234-7");
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (count(t, &asked[i].key) != asked[i].n)
			fail_msg("question %zu: %zu", i, count(t, &asked[i].key));
	timelines_free(t);
}

static void notes_are_for_who_is_up_and_meant(void **state)
{
	struct timelines *t = timelines_new(&small);
	struct msg_timeline m = told(3, true, false);

	take(t, 1, true, false);
	take(t, 2, true, true);
	m.app = "till";
	assert_int_equal(timelines_take(t, &m), 0);
	assert_int_equal(timelines_note(t, &(struct timelines_whose){0}, 5, "a", "x"), 2);
	assert_int_equal(timelines_note(t, &(struct timelines_whose){.app = "Till"}, 6, "b", "y"),
			 1);
	assert_int_equal(
		timelines_note(t, &(struct timelines_whose){.id = 1, .vnet = "blue"}, 7, "c", "z"),
		1);
	assert_int_equal(timelines_note(t, &(struct timelines_whose){.vnet = "green"}, 7, "c", "z"),
			 0);
	assert_int_equal(timelines_note(t, &(struct timelines_whose){.id = 2}, 7, "c", "z"), 0);
	take(t, 1, true, true); /* and they stay */
	assert_int_equal(find(t, 1)->n_notes, 2);
	assert_string_equal(find(t, 1)->notes->next->event, "c");
	assert_string_equal(find(t, 1)->notes->next->detail, "z");
	assert_int_equal(find(t, 1)->notes->next->at_us, 7);
	assert_int_equal(find(t, 3)->n_notes, 2);
	timelines_free(t);
}

static void of_too_many_notes_the_oldest_are_forgotten(void **state)
{
	struct timelines *t = timelines_new(&small);
	char detail[TIMELINE_DETAIL_MAX + 20];

	take(t, 1, true, false);
	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	for (int i = 0; i < TIMELINE_NOTES_MAX + 5; i++)
		timelines_note(t, &(struct timelines_whose){0}, i, "probe", detail);
	timelines_check(t);
	assert_int_equal(find(t, 1)->n_notes, TIMELINE_NOTES_MAX);
	assert_int_equal(find(t, 1)->forgotten, 5);
	assert_int_equal(find(t, 1)->notes->at_us, 5);
	assert_int_equal(strlen(find(t, 1)->notes->detail), TIMELINE_DETAIL_MAX);
	timelines_free(t);
}

/* ---- against a list */

struct slow {
	uint64_t id, ended_at; /* ended_at: in the order of ends */
	bool is_known, has_ended, is_listed;
	unsigned notes;
};

struct oracle {
	struct slow list[SESSIONS + 1]; /* in the order of their first telling */
	size_t n;
	uint64_t ends;
};

static void forget(struct oracle *o, size_t i)
{
	memmove(&o->list[i], &o->list[i + 1], (o->n - i - 1) * sizeof(o->list[0]));
	o->n--;
}

/* The one that has ended first, of strangers or of the others; n: none. */
static size_t first_ended(const struct oracle *o, bool is_known)
{
	size_t best = o->n;

	for (size_t i = 0; i < o->n; i++)
		if (o->list[i].has_ended && o->list[i].is_known == is_known &&
		    (best == o->n || o->list[i].ended_at < o->list[best].ended_at))
			best = i;
	return best;
}

static size_t first_live(const struct oracle *o)
{
	size_t i = 0;

	while (i < o->n && o->list[i].has_ended)
		i++;
	return i;
}

static void keep_limits(struct oracle *o)
{
	size_t strangers = 0, victim;

	for (size_t i = 0; i < o->n; i++)
		strangers += o->list[i].has_ended && !o->list[i].is_known;
	if (strangers > STRANGERS)
		forget(o, first_ended(o, false));
	if (o->n <= SESSIONS)
		return;
	victim = first_ended(o, true);
	if (victim == o->n)
		victim = first_ended(o, false);
	if (victim == o->n)
		victim = first_live(o);
	forget(o, victim);
}

/* is_known: of one that is up, always. */
static void slow_take(struct oracle *o, uint64_t id, bool is_known, bool has_ended)
{
	size_t i = 0;

	while (i < o->n && o->list[i].id != id)
		i++;
	if (i < o->n && o->list[i].has_ended)
		return;
	if (i == o->n)
		o->list[o->n++] = (struct slow){.id = id};
	o->list[i].is_listed = true;
	o->list[i].is_known = is_known;
	o->list[i].has_ended = has_ended;
	o->list[i].ended_at = has_ended ? ++o->ends : 0;
	keep_limits(o);
}

static void slow_end(struct oracle *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->list[i].has_ended && !o->list[i].is_listed) {
			o->list[i].has_ended = true;
			o->list[i].ended_at = ++o->ends;
		}
	keep_limits(o);
}

static void compare(const struct timelines *t, const struct oracle *o)
{
	const struct timelines_key all = {0};
	const struct timeline *e = NULL;

	timelines_check(t);
	assert_int_equal(timelines_count(t), o->n);
	for (size_t i = o->n; i-- > 0;) {
		e = timelines_next(t, &all, e);
		assert_non_null(e);
		assert_true(e->told.id == o->list[i].id);
		assert_int_equal(e->told.has_ended, o->list[i].has_ended);
		assert_int_equal(e->n_notes + e->forgotten, o->list[i].notes);
	}
	assert_null(timelines_next(t, &all, e));
}

static void slow_note(struct oracle *o, uint64_t id)
{
	for (size_t i = 0; i < o->n; i++)
		o->list[i].notes += !o->list[i].has_ended && (!id || o->list[i].id == id);
}

static void begin_list(struct timelines *t, struct oracle *o)
{
	timelines_begin(t);
	for (size_t i = 0; i < o->n; i++)
		o->list[i].is_listed = false;
}

/* In the order of first tellings, which that of the queue is not when sessions were told of again. */
static void list_is_the_same_as_a_slow_one(void **state)
{
	struct timelines *t = timelines_new(&small);
	struct oracle o = {.n = 0};
	struct prng p;

	prng_init(&p, 0x11fe);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t id = 1 + prng_below(&p, IDS) + i / 50;
		bool has_ended = prng_below(&p, 2);
		bool is_known = !has_ended || prng_below(&p, 2);
		struct msg_timeline m = told(id, is_known, has_ended);

		switch (prng_below(&p, 12)) {
		case 0: begin_list(t, &o); break;
		case 1:
			timelines_end(t, 5000);
			slow_end(&o);
			break;
		case 2:
			id = prng_below(&p, 2) ? id : 0;
			timelines_note(t, &(struct timelines_whose){.id = id}, i, "probe", "");
			slow_note(&o, id);
			break;
		default:
			assert_int_equal(timelines_take(t, &m), 0);
			slow_take(&o, id, is_known, has_ended);
		}
		compare(t, &o);
	}
	timelines_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_telling_counts_and_an_end_is_final),
		cmocka_unit_test(strangers_push_out_no_more_than_their_limit),
		cmocka_unit_test(who_is_up_stays_for_longer_than_who_has_ended),
		cmocka_unit_test(untold_are_added_up),
		cmocka_unit_test(who_is_not_told_again_was_lost),
		cmocka_unit_test(session_is_found_by_id_number_correlation_and_app),
		cmocka_unit_test(notes_are_for_who_is_up_and_meant),
		cmocka_unit_test(of_too_many_notes_the_oldest_are_forgotten),
		cmocka_unit_test(list_is_the_same_as_a_slow_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
