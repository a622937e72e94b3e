/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/top_page.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

/* One of "blue", and what it has counted. */
static json_t *metrics(int up, int from, int to, int no_route, int source)
{
	return json_pack("{s:[{s:s,s:{},s:i}, {s:s,s:{s:s},s:i}, {s:s,s:{s:s,s:s},s:i},"
			 " {s:s,s:{s:s,s:s},s:i}, {s:s,s:{s:s,s:s},s:i}, {s:s,s:{s:s,s:s},s:i}]}",
			 "value", "name", "sstp_up", "labels", "value", up, "name", "sstp_sessions",
			 "labels", "vnet", "blue", "value", 2, "name", "sstp_bytes_total", "labels",
			 "vnet", "blue", "direction", "from_clients", "value", from, "name",
			 "sstp_bytes_total", "labels", "vnet", "blue", "direction", "to_clients",
			 "value", to, "name", "sstp_drops_total", "labels", "vnet", "blue",
			 "reason", "no_route", "value", no_route, "name", "sstp_drops_total",
			 "labels", "vnet", "blue", "reason", "source", "value", source);
}

static json_t *session(const char *id, int in, int out, int age)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i}", "vpnConnectionId", id, "app", id,
			 "vnet", "blue", "privateIpAddress", "172.16.77.7", "vpnConnectionDuration",
			 age, "ingressBytesTransferred", in, "egressBytesTransferred", out);
}

/* Takes the rows. */
static json_t *sessions(json_t *a, json_t *b)
{
	return json_pack("{s:[o,o]}", "value", a, b);
}

/* Two looks, 2 s apart: "slow" is older and has moved more, "fast" moves more now. */
static struct scene {
	struct top_look before, now;
} s;

static int set_up(void **state)
{
	s.before =
		(struct top_look){10, metrics(1, 1000, 0, 5, 1),
				  sessions(session("slow", 5000, 0, 90), session("fast", 0, 0, 5))};
	s.now = (struct top_look){
		12, metrics(1, 3000, 400, 6, 9),
		sessions(session("slow", 5100, 0, 92), session("fast", 1000, 200, 7))};
	return 0;
}

static int tear_down(void **state)
{
	json_decref((json_t *)s.before.metrics);
	json_decref((json_t *)s.before.sessions);
	json_decref((json_t *)s.now.metrics);
	json_decref((json_t *)s.now.sessions);
	return 0;
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void rates_are_what_has_moved_per_second(void **state)
{
	json_t *page = top_page_make(&s.before, &s.now, TOP_BY_RATE, 10);
	const json_t *totals = json_object_get(page, "totals");
	const json_t *vnet = json_array_get(json_object_get(page, "vnets"), 0);
	const json_t *first = json_array_get(json_object_get(page, "sessions"), 0);

	assert_string_equal(json_string_value(json_object_get(page, "dataPlane")), "up");
	assert_int_equal(number(totals, "sessions"), 2);
	assert_int_equal(number(totals, "ingressBytesPerSecond"), 1000);
	assert_int_equal(number(totals, "egressBytesPerSecond"), 200);
	assert_int_equal(number(vnet, "dropsPerSecond"), 5); /* 4.5 */
	assert_string_equal(json_string_value(json_object_get(vnet, "mostDropped")), "source");
	assert_string_equal(json_string_value(json_object_get(first, "app")), "fast");
	assert_int_equal(number(first, "ingressBytesPerSecond"), 500);
	assert_int_equal(number(first, "egressBytesPerSecond"), 100);
	assert_int_equal(top_page_vnets(&s.now), 1);
	json_decref(page);
}

/* Sessions by one order, and no more than are asked for. */
static void first_is(enum top_sort sort, const char *app)
{
	json_t *page = top_page_make(&s.before, &s.now, sort, 1);
	const json_t *list = json_object_get(page, "sessions");

	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "app")),
			    app);
	json_decref(page);
}

static void sessions_are_sorted_by_rate_total_or_age(void **state)
{
	first_is(TOP_BY_RATE, "fast");
	first_is(TOP_BY_TOTAL, "slow");
	first_is(TOP_BY_AGE, "slow");
}

static void counter_that_has_begun_anew_counts_from_nothing(void **state)
{
	json_t *page;

	json_decref((json_t *)s.now.metrics);
	s.now.metrics = metrics(1, 600, 0, 0, 0);
	page = top_page_make(&s.before, &s.now, TOP_BY_RATE, 10);
	assert_int_equal(number(json_object_get(page, "totals"), "ingressBytesPerSecond"), 300);
	json_decref(page);
}

static void first_look_has_no_rates(void **state)
{
	const struct top_look none = {.at_s = 12};
	json_t *page = top_page_make(&none, &s.now, TOP_BY_RATE, 10);

	assert_int_equal(number(json_object_get(page, "totals"), "ingressBytesPerSecond"), 0);
	assert_int_equal(json_array_size(json_object_get(page, "sessions")), 2);
	json_decref(page);
}

static void data_plane_that_is_down_is_said(void **state)
{
	json_t *page;

	json_decref((json_t *)s.now.metrics);
	s.now.metrics = metrics(0, 0, 0, 0, 0);
	page = top_page_make(&s.before, &s.now, TOP_BY_RATE, 10);
	assert_string_equal(json_string_value(json_object_get(page, "dataPlane")), "down");
	json_decref(page);
}

/* Owned. */
static char *printed(size_t columns)
{
	json_t *page = top_page_make(&s.before, &s.now, TOP_BY_RATE, 10);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	top_page_print(f, page, TOP_BY_RATE, columns);
	fclose(f);
	json_decref(page);
	return text;
}

static void page_is_shown_as_tables(void **state)
{
	char *text = printed(0);

	assert_non_null(strstr(text, "Sessions: 2   not logged in: 0   "));
	assert_non_null(strstr(text, "data plane: up\n"));
	assert_non_null(strstr(text, "\nVNET  SESSIONS  POOL  IN/S"));
	assert_non_null(strstr(text, "\nblue  2         0/0   1000 B  200 B  5        source\n"));
	assert_non_null(strstr(text, "\nSessions by rate:\nAPP   VNET  ADDRESS"));
	free(text);
}

static void lines_are_no_longer_than_the_terminal(void **state)
{
	char *text = printed(40);

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 0, 40);
	free(text);
	text = printed(80);
	assert_non_null(strstr(text, "source\n"));
	free(text);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(rates_are_what_has_moved_per_second),
		in_scene(sessions_are_sorted_by_rate_total_or_age),
		in_scene(counter_that_has_begun_anew_counts_from_nothing),
		in_scene(first_look_has_no_rates),
		in_scene(data_plane_that_is_down_is_said),
		in_scene(page_is_shown_as_tables),
		in_scene(lines_are_no_longer_than_the_terminal),
	};

	return cmocka_run_group_tests_name("sstpctl/top_page", tests, NULL, NULL);
}
