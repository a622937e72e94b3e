/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/hostname.h"

#include <string.h>

#include "test/support/cmocka.h"

static void names_and_addresses_are_told_apart(void **state)
{
	assert_int_equal(hostname_kind("gateway.example"), HOSTNAME_DNS);
	assert_int_equal(hostname_kind("gateway"), HOSTNAME_DNS);
	assert_int_equal(hostname_kind("a-b_c.1.example9"), HOSTNAME_DNS);
	assert_int_equal(hostname_kind("192.0.2.1"), HOSTNAME_IPV4);
	assert_int_equal(hostname_kind("2001:db8::1"), HOSTNAME_IPV6);
	assert_int_equal(hostname_kind("::"), HOSTNAME_IPV6);
}

static void what_is_neither_is_invalid(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"a.",
		".a",
		"a..b",
		"-a",
		"a-",
		"a.-b",
		"*",
		"*.example",
		"a b",
		"a/b",
		"a:1",
		"a@b",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"01.2.3.4",
		"1234",
		"[::1]",
		"fe80::1%lo",
		"::1::",
		"ex\xc3\xa4mple",
		"a\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (hostname_kind(bad[i]) != HOSTNAME_INVALID)
			fail_msg("not refused: %s", bad[i]);
	}
}

static void a_name_has_at_most_253_bytes(void **state)
{
	char name[256];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 ? '.' : 'a';
	name[253] = '\0';
	assert_int_equal(hostname_kind(name), HOSTNAME_DNS);
	name[253] = '.';
	name[255] = '\0';
	assert_int_equal(hostname_kind(name), HOSTNAME_INVALID);
}

static void the_same_name_in_other_letters_is_equal(void **state)
{
	assert_true(hostname_equal("Gateway.Example", "gateway.example"));
	assert_true(hostname_equal("2001:DB8:0::1", "2001:db8::1"));
	assert_true(hostname_equal("192.0.2.1", "192.0.2.1"));
	assert_false(hostname_equal("192.0.2.1", "192.0.2.2"));
	assert_false(hostname_equal("::ffff:192.0.2.1", "192.0.2.1"));
	assert_false(hostname_equal("a", "b"));
	assert_false(hostname_equal("", ""));
}

static void assert_splits(const char *text, const char *host, unsigned port)
{
	char found[HOSTNAME_MAX] = "";
	uint16_t found_port = 0;

	assert_true(hostname_split(text, found, &found_port));
	assert_string_equal(found, host);
	assert_int_equal(found_port, port);
	assert_true(hostname_split(text, NULL, NULL));
}

static void host_and_port_are_split_as_in_a_url(void **state)
{
	assert_splits("gateway.example", "gateway.example", 443);
	assert_splits("gateway.example:8443", "gateway.example", 8443);
	assert_splits("192.0.2.1:1", "192.0.2.1", 1);
	assert_splits("[2001:db8::1]", "2001:db8::1", 443);
	assert_splits("[2001:db8::1]:65535", "2001:db8::1", 65535);
}

static void what_a_url_would_not_have_is_not_split(void **state)
{
	static const char *const bad[] = {
		"",
		":443",
		"a:",
		"a:0",
		"a:65536",
		"a:0443",
		"a:443x",
		"a:-1",
		"a:+1",
		"a: 1",
		"a:99999999999999999999",
		"2001:db8::1",
		"[2001:db8::1",
		"[2001:db8::1]x",
		"[2001:db8::1]:",
		"[a]",
		"[]",
		"[192.0.2.1]",
		"a:1:2",
		"https://a",
		"a/b",
	};
	char host[HOSTNAME_MAX] = "before";
	uint16_t port = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (hostname_split(bad[i], host, &port))
			fail_msg("not refused: %s", bad[i]);
	}
	assert_string_equal(host, "before");
	assert_int_equal(port, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_addresses_are_told_apart),
		cmocka_unit_test(what_is_neither_is_invalid),
		cmocka_unit_test(a_name_has_at_most_253_bytes),
		cmocka_unit_test(the_same_name_in_other_letters_is_equal),
		cmocka_unit_test(host_and_port_are_split_as_in_a_url),
		cmocka_unit_test(what_a_url_would_not_have_is_not_split),
	};

	return cmocka_run_group_tests_name("hostname", tests, NULL, NULL);
}
