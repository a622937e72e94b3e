/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "sstp/net/listen.h"
#include "test/support/cmocka.h"

static void every_form_parses_to_what_it_means(void **state)
{
	static const struct {
		const char *text;
		const char *means;
	} forms[] = {
		{"192.0.2.1:443", "192.0.2.1:443"},
		{"192.0.2.1", "192.0.2.1:8443"},
		{"[2001:db8::1]:443", "[2001:db8::1]:443"},
		{"[2001:db8::1]", "[2001:db8::1]:8443"},
		{"2001:db8::1", "[2001:db8::1]:8443"},
		{"443", "[::]:443"},
		{":443", "[::]:443"},
		{"[::]:0", "[::]:0"},
		{"0.0.0.0:65535", "0.0.0.0:65535"},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct sockaddr_storage addr;
		char text[ADDRESS_TEXT_MAX];
		socklen_t len = 0;

		assert_int_equal(address_parse(forms[i].text, 8443, &addr, &len), 0);
		assert_string_equal(address_format(&addr, text), forms[i].means);
		assert_int_equal(len, addr.ss_family == AF_INET ? sizeof(struct sockaddr_in)
								: sizeof(struct sockaddr_in6));
	}
}

static void what_is_no_address_is_refused_and_nothing_written(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		"[]",
		"[]:443",
		"[::1",
		"[::1]443",
		"[::1]:",
		"[192.0.2.1]:443",
		"192.0.2.1:",
		"192.0.2.1:65536",
		"192.0.2.1:100000",
		"192.0.2.1:-1",
		"192.0.2.1:+1",
		"192.0.2.1: 443",
		"192.0.2.1:443 ",
		"192.0.2.1:443:443",
		"192.0.2:443",
		"gateway.test:443",
		"2001:db8::1:99999",
		"65536",
		"[2001:0db8:0000:0000:0000:0000:0000:0001]:443000000000000000000000000",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct sockaddr_storage addr, before;
		socklen_t len = 77;

		memset(&addr, 0x5a, sizeof(addr));
		before = addr;
		assert_int_equal(address_parse(wrong[i], 443, &addr, &len), -EINVAL);
		assert_memory_equal(&addr, &before, sizeof(addr));
		assert_int_equal(len, 77);
	}
}

static const char *unmapped(const char *text)
{
	static char buf[ADDRESS_TEXT_MAX];
	struct sockaddr_storage addr;
	socklen_t len;

	assert_int_equal(address_parse(text, 0, &addr, &len), 0);
	address_unmap(&addr);
	return address_format(&addr, buf);
}

static void mapped_ipv4_becomes_plain_and_all_else_stays(void **state)
{
	assert_string_equal(unmapped("[::ffff:192.0.2.1]:4711"), "192.0.2.1:4711");
	assert_string_equal(unmapped("[2001:db8::1]:4711"), "[2001:db8::1]:4711");
	assert_string_equal(unmapped("192.0.2.1:4711"), "192.0.2.1:4711");
}

static void address_of_no_known_family_is_unknown(void **state)
{
	struct sockaddr_storage addr = {.ss_family = AF_UNIX};
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(&addr, text), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_parses_to_what_it_means),
		cmocka_unit_test(what_is_no_address_is_refused_and_nothing_written),
		cmocka_unit_test(mapped_ipv4_becomes_plain_and_all_else_stays),
		cmocka_unit_test(address_of_no_known_family_is_unknown),
	};

	return cmocka_run_group_tests_name("net/address", tests, NULL, NULL);
}
