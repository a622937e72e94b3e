/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sstp/session/drop.h"
#include "test/support/cmocka.h"

static void every_reason_has_a_name_of_its_own(void **state)
{
	for (unsigned i = 0; i < DROP_REASONS; i++) {
		assert_non_null(drop_reason_name(i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(drop_reason_name(i), drop_reason_name(j));
	}
}

static void only_reasons_that_happened_are_printed(void **state)
{
	struct traffic t = {.rx_packets = 1, .rx_bytes = 84, .tx_packets = 2, .tx_bytes = 168};
	char text[384];

	assert_string_equal(traffic_format(&t, text, sizeof(text)),
			    "rx 1 packets 84 bytes, tx 2 packets 168 bytes");
	t.drops[DROP_SOURCE] = 3;
	t.drops[DROP_NO_ROUTE] = 4;
	assert_string_equal(
		traffic_format(&t, text, sizeof(text)),
		"rx 1 packets 84 bytes, tx 2 packets 168 bytes, dropped: source 3 no_route 4");
	t.answered = 2;
	t.unanswered = 1;
	assert_string_equal(
		traffic_format(&t, text, sizeof(text)),
		"rx 1 packets 84 bytes, tx 2 packets 168 bytes, dropped: source 3 no_route 4"
		", told why 2 not told 1");
}

static void marks_are_printed_when_there_are_any(void **state)
{
	struct traffic t = {.tx_packets = 2, .tx_bytes = 168, .tx_marked = 1};
	char text[384];

	assert_string_equal(traffic_format(&t, text, sizeof(text)),
			    "rx 0 packets 0 bytes, tx 2 packets 168 bytes, marked 1");
}

static void text_with_every_counter_at_its_largest_is_cut_to_fit(void **state)
{
	struct traffic t;
	char text[384];

	memset(&t, 0xff, sizeof(t));
	traffic_format(&t, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text));
}

static void sums_add_every_counter(void **state)
{
	struct traffic sum = {0},
		       t = {.rx_packets = 1, .rx_bytes = 2, .tx_packets = 3, .tx_bytes = 4};

	t.tx_marked = 6;
	t.drops[DROP_DEVICE] = 5;
	t.answered = 7;
	t.unanswered = 8;
	traffic_add(&sum, &t);
	traffic_add(&sum, &t);
	assert_int_equal(sum.rx_packets, 2);
	assert_int_equal(sum.rx_bytes, 4);
	assert_int_equal(sum.tx_packets, 6);
	assert_int_equal(sum.tx_bytes, 8);
	assert_int_equal(sum.tx_marked, 12);
	assert_int_equal(sum.drops[DROP_DEVICE], 10);
	assert_int_equal(sum.answered, 14);
	assert_int_equal(sum.unanswered, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_of_its_own),
		cmocka_unit_test(only_reasons_that_happened_are_printed),
		cmocka_unit_test(marks_are_printed_when_there_are_any),
		cmocka_unit_test(text_with_every_counter_at_its_largest_is_cut_to_fit),
		cmocka_unit_test(sums_add_every_counter),
	};

	return cmocka_run_group_tests_name("session/drop", tests, NULL, NULL);
}
