/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "sstp/base/clock.h"
#include "sstp/session/sources.h"
#include "test/support/cmocka.h"

#define START (1000 * CLOCK_NS_PER_S)

static struct sockaddr_storage v4(const char *text)
{
	struct sockaddr_storage addr = {.ss_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, text, &((struct sockaddr_in *)&addr)->sin_addr), 1);
	return addr;
}

static struct sockaddr_storage v6(const char *text)
{
	struct sockaddr_storage addr = {.ss_family = AF_INET6};

	assert_int_equal(inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&addr)->sin6_addr), 1);
	return addr;
}

static void half_open_connections_are_counted_per_address(void **state)
{
	struct sources *s = sources_new(&(struct sources_limits){.half_open = 2});
	struct sockaddr_storage a = v4("192.0.2.1"), b = v4("192.0.2.2");
	struct source *first, *second, *other;

	assert_int_equal(sources_enter(s, &a, START, &first), SOURCE_OK);
	assert_int_equal(sources_enter(s, &a, START, &second), SOURCE_OK);
	assert_int_equal(sources_enter(s, &a, START, &other), SOURCE_TOO_MANY);
	assert_int_equal(sources_enter(s, &b, START, &other), SOURCE_OK);
	source_leave(first);
	assert_int_equal(sources_enter(s, &a, START, &first), SOURCE_OK);
	sources_free(s);
}

static void connections_per_second_have_a_burst_and_a_rate(void **state)
{
	struct sources *s = sources_new(&(struct sources_limits){.accepts_per_s = 10});
	struct sockaddr_storage a = v4("192.0.2.1");
	struct source *src;

	for (int i = 0; i < 20; i++)
		assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_OK);
	assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_TOO_FAST);
	assert_int_equal(sources_enter(s, &a, START + CLOCK_NS_PER_S / 10, &src), SOURCE_OK);
	assert_int_equal(sources_enter(s, &a, START + CLOCK_NS_PER_S / 10, &src), SOURCE_TOO_FAST);
	sources_free(s);
}

static void X22_failed_logins_ban_an_address_for_a_minute(void **state)
{
	struct sources *s = sources_new(&(struct sources_limits){.auth_failures_per_min = 3});
	struct sockaddr_storage a = v4("192.0.2.1"), b = v4("192.0.2.2");
	struct source *src;

	assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_OK);
	source_leave(src);
	for (int i = 0; i < 3; i++)
		sources_auth_failed(s, &a, START);
	assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_OK);
	source_leave(src);
	sources_auth_failed(s, &a, START);
	assert_int_equal(sources_enter(s, &a, START + 59 * CLOCK_NS_PER_S, &src), SOURCE_BANNED);
	assert_int_equal(sources_enter(s, &b, START, &src), SOURCE_OK);
	assert_int_equal(sources_enter(s, &a, START + 61 * CLOCK_NS_PER_S, &src), SOURCE_OK);
	sources_free(s);
}

/* Settings come again with every certificate that is issued: nobody may guess anew for that. */
static void X22_limits_that_come_again_or_change_forgive_no_failed_login(void **state)
{
	static const struct sources_limits limits[] = {
		{.auth_failures_per_min = 3},
		{.auth_failures_per_min = 3},
		{.auth_failures_per_min = 3, .half_open = 9},
	};
	struct sources *s = sources_new(&limits[0]);
	struct sockaddr_storage a = v4("192.0.2.1");
	struct source *src;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_OK);
		source_leave(src);
		sources_auth_failed(s, &a, START);
		sources_set_limits(s, &limits[i]);
	}
	sources_auth_failed(s, &a, START); /* one too many */
	sources_set_limits(s, &limits[0]);
	assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_BANNED);
	sources_free(s);
}

static void connections_of_this_second_stay_counted_when_limits_change(void **state)
{
	struct sources *s = sources_new(&(struct sources_limits){.accepts_per_s = 10});
	struct sockaddr_storage a = v4("192.0.2.1");
	struct source *src;

	for (int i = 0; i < 20; i++)
		assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_OK);
	sources_set_limits(s, &(struct sources_limits){.accepts_per_s = 10, .half_open = 99});
	assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_TOO_FAST);
	sources_set_limits(s, &(struct sources_limits){.accepts_per_s = 20});
	assert_int_equal(sources_enter(s, &a, START + CLOCK_NS_PER_S, &src), SOURCE_OK);
	sources_free(s);
}

static void ipv6_source_is_its_slash_64_and_mapped_ipv4_is_ipv4(void **state)
{
	struct sources *s = sources_new(&(struct sources_limits){.half_open = 1});
	struct sockaddr_storage a = v6("2001:db8::1"), neighbour = v6("2001:db8::ffff:1");
	struct sockaddr_storage other = v6("2001:db8:0:1::1"), mapped = v6("::ffff:192.0.2.1");
	struct sockaddr_storage plain = v4("192.0.2.1");
	struct source *src;

	assert_int_equal(sources_enter(s, &a, START, &src), SOURCE_OK);
	assert_int_equal(sources_enter(s, &neighbour, START, &src), SOURCE_TOO_MANY);
	assert_int_equal(sources_enter(s, &other, START, &src), SOURCE_OK);
	assert_int_equal(sources_enter(s, &mapped, START, &src), SOURCE_OK);
	assert_int_equal(sources_enter(s, &plain, START, &src), SOURCE_TOO_MANY);
	sources_free(s);
}

static void full_table_refuses_new_addresses_but_forgets_idle_ones(void **state)
{
	struct sources *s = sources_new(&(struct sources_limits){.half_open = 1});
	struct sockaddr_storage addr = v4("10.0.0.0");
	uint32_t refused = 0;
	struct source *src;

	for (uint32_t i = 0; i < 4 * SOURCES_MAX; i++) {
		((struct sockaddr_in *)&addr)->sin_addr.s_addr = htonl(0x0a000000 + i);
		if (sources_enter(s, &addr, START, &src) == SOURCE_TABLE_FULL)
			refused++;
		else
			source_leave(src);
	}
	assert_int_equal(refused, 0);
	for (uint32_t i = 0; i < 4 * SOURCES_MAX; i++) {
		((struct sockaddr_in *)&addr)->sin_addr.s_addr = htonl(0x0b000000 + i);
		refused += sources_enter(s, &addr, START, &src) == SOURCE_TABLE_FULL;
	}
	assert_in_range(refused, 3 * SOURCES_MAX, 3 * SOURCES_MAX + SOURCES_MAX / 2);
	sources_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_open_connections_are_counted_per_address),
		cmocka_unit_test(connections_per_second_have_a_burst_and_a_rate),
		cmocka_unit_test(X22_failed_logins_ban_an_address_for_a_minute),
		cmocka_unit_test(X22_limits_that_come_again_or_change_forgive_no_failed_login),
		cmocka_unit_test(connections_of_this_second_stay_counted_when_limits_change),
		cmocka_unit_test(ipv6_source_is_its_slash_64_and_mapped_ipv4_is_ipv4),
		cmocka_unit_test(full_table_refuses_new_addresses_but_forgets_idle_ones),
	};

	return cmocka_run_group_tests_name("session/sources", tests, NULL, NULL);
}
