/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf_switches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

static bool on = true, off = false;

static void nothing_given_is_auto_and_all_on(void **state)
{
	const struct conf_offload_raw none = {0};

	assert_int_equal(conf_congestion_resolve(NULL), CONF_CONGESTION_AUTO);
	assert_int_equal(conf_offload_resolve(&none, &none), CONF_OFFLOAD_ALL);
}

static void congestion_given_is_taken(void **state)
{
	const int32_t cubic = CONF_CONGESTION_CUBIC, bbr = CONF_CONGESTION_BBR;

	assert_int_equal(conf_congestion_resolve(&cubic), CONF_CONGESTION_CUBIC);
	assert_int_equal(conf_congestion_resolve(&bbr), CONF_CONGESTION_BBR);
}

/* Every way in which two sources can give a switch, for each of them. */
static void first_source_that_gives_a_switch_wins(void **state)
{
	bool *const ways[] = {NULL, &on, &off};

	for (unsigned i = 0; i < CONF_OFFLOADS; i++)
		for (unsigned n = 0; n < 9; n++) {
			struct conf_offload_raw over = {0}, under = {0};
			bool *wins = ways[n / 3] ? ways[n / 3] : ways[n % 3];

			over.wanted[i] = ways[n / 3];
			under.wanted[i] = ways[n % 3];
			assert_int_equal(conf_offload_resolve(&over, &under),
					 wins == &off ? CONF_OFFLOAD_ALL & ~(1 << i)
						      : CONF_OFFLOAD_ALL);
		}
}

static unsigned taken_off(const char *text)
{
	const struct conf_offload_raw none = {0};
	struct conf_offload_raw raw = {0};
	struct conf_error error = {""};

	conf_offload_take_off("--no", text, &off, &raw, &error);
	assert_string_equal(error.text, "");
	return CONF_OFFLOAD_ALL & ~conf_offload_resolve(&raw, &none);
}

static void named_switches_are_off(void **state)
{
	assert_int_equal(taken_off("tcp-read"), CONF_OFFLOAD_TCP_READ);
	assert_int_equal(taken_off("udp-read"), CONF_OFFLOAD_UDP_READ);
	assert_int_equal(taken_off("tcp-merge"), CONF_OFFLOAD_TCP_MERGE);
	assert_int_equal(taken_off("udp-merge"), CONF_OFFLOAD_UDP_MERGE);
	assert_int_equal(taken_off("io-uring"), CONF_OFFLOAD_IO_URING);
	assert_int_equal(taken_off("udp-merge,tcp-read"),
			 CONF_OFFLOAD_UDP_MERGE | CONF_OFFLOAD_TCP_READ);
	assert_int_equal(taken_off("udp-read,udp-read"), CONF_OFFLOAD_UDP_READ);
	assert_int_equal(taken_off("all"), CONF_OFFLOAD_ALL);
	assert_int_equal(taken_off("tcp-read,all"), CONF_OFFLOAD_ALL);
}

static void wrong_names_are_told_and_change_nothing(void **state)
{
	static const struct {
		const char *text, *shown;
	} wrong[] = {
		{"", ""},
		{"tcp_read", "tcp_read"},
		{"tcp-read,", ""},
		{",tcp-read", ""},
		{"tcp-rea", "tcp-rea"},
		{"tcp-readx", "tcp-readx"},
		{"tcp-read all", "tcp-read all"},
		{"udp-read,none,tcp-read", "none"},
	};
	struct conf_offload_raw raw = {.wanted = {NULL, &on, NULL, NULL}};
	struct conf_error error;
	char text[CONF_ERROR_MAX];

	for (size_t i = 0; i < CYAML_ARRAY_LEN(wrong); i++) {
		assert_int_equal(conf_offload_take_off("--no", wrong[i].text, &off, &raw, &error),
				 -EINVAL);
		snprintf(text, sizeof(text),
			 "--no must be 'all', or of tcp-read, udp-read, tcp-merge, udp-merge, "
			 "io-uring, with commas between; not '%s'",
			 wrong[i].shown);
		assert_string_equal(error.text, text);
		assert_null(raw.wanted[0]);
		assert_ptr_equal(raw.wanted[1], &on);
	}
}

static void first_difference_has_its_name(void **state)
{
	assert_null(conf_offload_difference(0, 0));
	assert_null(conf_offload_difference(CONF_OFFLOAD_ALL, CONF_OFFLOAD_ALL));
	assert_string_equal(conf_offload_difference(CONF_OFFLOAD_TCP_READ, 0), "tcp_read");
	assert_string_equal(conf_offload_difference(0, CONF_OFFLOAD_UDP_READ), "udp_read");
	assert_string_equal(conf_offload_difference(0, CONF_OFFLOAD_TCP_MERGE), "tcp_merge");
	assert_string_equal(conf_offload_difference(CONF_OFFLOAD_UDP_MERGE, 0), "udp_merge");
	assert_string_equal(conf_offload_difference(0, CONF_OFFLOAD_IO_URING), "io_uring");
	assert_string_equal(conf_offload_difference(CONF_OFFLOAD_ALL, CONF_OFFLOAD_TCP_READ),
			    "udp_read");
}

static void what_is_printed_is_yaml(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	conf_congestion_print(f, CONF_CONGESTION_AUTO);
	conf_congestion_print(f, CONF_CONGESTION_CUBIC);
	conf_congestion_print(f, CONF_CONGESTION_BBR);
	conf_offload_print(f, CONF_OFFLOAD_UDP_READ | CONF_OFFLOAD_TCP_MERGE);
	fclose(f);
	assert_string_equal(text, "congestion: auto\ncongestion: cubic\ncongestion: bbr\n"
				  "offload:\n  tcp_read: false\n  udp_read: true\n"
				  "  tcp_merge: true\n  udp_merge: false\n  io_uring: false\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_is_auto_and_all_on),
		cmocka_unit_test(congestion_given_is_taken),
		cmocka_unit_test(first_source_that_gives_a_switch_wins),
		cmocka_unit_test(named_switches_are_off),
		cmocka_unit_test(wrong_names_are_told_and_change_nothing),
		cmocka_unit_test(first_difference_has_its_name),
		cmocka_unit_test(what_is_printed_is_yaml),
	};

	return cmocka_run_group_tests_name("base/conf_switches", tests, NULL, NULL);
}
