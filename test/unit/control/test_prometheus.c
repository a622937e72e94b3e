/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/prometheus.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

/* Owned. */
static char *page_of(enum prometheus_form form, const struct msg_sample *samples, size_t n)
{
	struct prometheus *p = prometheus_new(form);
	char *text;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		prometheus_add(p, &samples[i]);
	text = prometheus_end(p);
	assert_non_null(text);
	return text;
}

static void is_page(const struct msg_sample *samples, size_t n, const char *expected)
{
	char *text = page_of(PROMETHEUS_TEXT, samples, n);

	assert_string_equal(text, expected);
	free(text);
}

static void page_without_samples_is_empty(void **state)
{
	is_page(NULL, 0, "");
}

static void head_stands_once_above_the_samples_of_a_metric(void **state)
{
	static const struct msg_sample samples[] = {
		{.metric = METRIC_UP, .value = 1},
		{.metric = METRIC_SESSIONS, .labels = {"blue"}, .value = 2},
		{.metric = METRIC_SESSIONS, .labels = {"red"}, .value = UINT64_MAX},
	};

	is_page(samples, 3,
		"# HELP sstp_up Whether the data plane has answered: 1 or 0.\n"
		"# TYPE sstp_up gauge\n"
		"sstp_up 1\n"
		"# HELP sstp_sessions Sessions that are up.\n"
		"# TYPE sstp_sessions gauge\n"
		"sstp_sessions{vnet=\"blue\"} 2\n"
		"sstp_sessions{vnet=\"red\"} 18446744073709551615\n");
}

static void times_are_shown_in_seconds(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} rows[] = {{0, "0"},	      {1, "0.000001"}, {1500000, "1.5"},
		    {60000000, "60"}, {100000, "0.1"}, {UINT64_MAX, "18446744073709.551615"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct msg_sample s = {
			.metric = METRIC_CPU, .labels = {"data"}, .value = rows[i].us};
		char *text = page_of(PROMETHEUS_TEXT, &s, 1);

		assert_string_equal(strrchr(text, ' ') + 1 + strlen(rows[i].text), "\n");
		assert_memory_equal(strrchr(text, ' ') + 1, rows[i].text, strlen(rows[i].text));
		free(text);
	}
}

static void what_means_something_in_a_label_is_escaped(void **state)
{
	static const struct msg_sample s = {
		.metric = METRIC_SESSIONS, .labels = {"a\\b\"c\nd}"}, .value = 1};
	char *text = page_of(PROMETHEUS_TEXT, &s, 1);

	assert_non_null(strstr(text, "\nsstp_sessions{vnet=\"a\\\\b\\\"c\\nd}\"} 1\n"));
	free(text);
}

static void buckets_count_all_below_their_bound(void **state)
{
	static const struct msg_sample s = {
		.metric = METRIC_SETUP_STAGE,
		.labels = {"tls"},
		.times = {.counts = {1, 2, [TIMES_BOUNDS] = 4}, .sum_us = 2500000},
	};
	char *text = page_of(PROMETHEUS_TEXT, &s, 1);

	assert_non_null(strstr(text, "# TYPE sstp_setup_stage_seconds histogram\n"));
	assert_non_null(
		strstr(text, "_bucket{stage=\"tls\",le=\"0.000064\"} 1\n"
			     "sstp_setup_stage_seconds_bucket{stage=\"tls\",le=\"0.000128\"} 3\n"));
	assert_non_null(strstr(text,
			       "_bucket{stage=\"tls\",le=\"67.108864\"} 3\n"
			       "sstp_setup_stage_seconds_bucket{stage=\"tls\",le=\"+Inf\"} 7\n"
			       "sstp_setup_stage_seconds_sum{stage=\"tls\"} 2.5\n"
			       "sstp_setup_stage_seconds_count{stage=\"tls\"} 7\n"));
	free(text);
}

static void json_has_the_same_samples(void **state)
{
	static const struct msg_sample samples[] = {
		{.metric = METRIC_PLAN_BYTES, .labels = {"blue", "web", "to_clients"}, .value = 5},
		{.metric = METRIC_CPU, .labels = {"data"}, .value = 1500000},
		{.metric = METRIC_SETUP, .times = {.counts = {9}}},
	};
	char *text = page_of(PROMETHEUS_JSON, samples, 3);
	json_t *json = json_loads(text, 0, NULL);
	json_t *list = json_object_get(json, "value");
	const json_t *s = json_array_get(list, 0);

	assert_int_equal(json_array_size(list), 2 + TIMES_BUCKETS + 2);
	assert_string_equal(json_string_value(json_object_get(s, "name")), "sstp_plan_bytes_total");
	assert_int_equal(json_object_size(json_object_get(s, "labels")), 3);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(s, "labels"), "plan")), "web");
	assert_int_equal(json_integer_value(json_object_get(s, "value")), 5);
	s = json_array_get(list, 1);
	assert_true(json_real_value(json_object_get(s, "value")) == 1.5);
	s = json_array_get(list, 2);
	assert_string_equal(json_string_value(json_object_get(json_object_get(s, "labels"), "le")),
			    "0.000064");
	json_decref(json);
	free(text);
}

static bool is_a_letter(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

/* As Prometheus wants names to be; a counter says that it is one. */
static void every_metric_has_a_good_name_of_its_own(void **state)
{
	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric_info *info = metric_info((enum metric)i);
		const char *end = info->name + strlen(info->name);

		assert_memory_equal(info->name, "sstp_", 5);
		for (const char *p = info->name; *p; p++)
			assert_true(is_a_letter(*p));
		assert_int_equal(strcmp(end - 6, "_total") == 0, info->type == METRIC_COUNTER);
		assert_null(strchr(info->help, '\n'));
		assert_string_not_equal(metric_type_name(info->type), "");
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(info->name, metric_info((enum metric)k)->name);
		for (size_t k = 0; k < metric_labels((enum metric)i); k++)
			assert_string_not_equal(info->labels[k], "le");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_without_samples_is_empty),
		cmocka_unit_test(head_stands_once_above_the_samples_of_a_metric),
		cmocka_unit_test(times_are_shown_in_seconds),
		cmocka_unit_test(what_means_something_in_a_label_is_escaped),
		cmocka_unit_test(buckets_count_all_below_their_bound),
		cmocka_unit_test(json_has_the_same_samples),
		cmocka_unit_test(every_metric_has_a_good_name_of_its_own),
	};

	return cmocka_run_group_tests_name("control/prometheus", tests, NULL, NULL);
}
