/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tcpping/target.h"

#include <errno.h>
#include <string.h>

#include "test/support/cmocka.h"

static void host_and_port_stand_as_people_write_them(void **state)
{
	static const struct {
		const char *text, *port, *host;
		uint16_t number;
	} cases[] = {
		{"db.corp.test", NULL, "db.corp.test", 80},
		{"db.corp.test:1433", NULL, "db.corp.test", 1433},
		{"db.corp.test", "1433", "db.corp.test", 1433},
		{"10.1.2.4:1", NULL, "10.1.2.4", 1},
		{"10.1.2.4", "65535", "10.1.2.4", 65535},
		{"fd20::2", NULL, "fd20::2", 80},
		{"fd20::2", "443", "fd20::2", 443},
		{"[fd20::2]", NULL, "fd20::2", 80},
		{"[fd20::2]:443", NULL, "fd20::2", 443},
		{"[fd20::2]", "443", "fd20::2", 443},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target t;
		const char *why;

		assert_int_equal(target_parse(cases[i].text, cases[i].port, &t, &why), 0);
		assert_null(why);
		assert_string_equal(t.host, cases[i].host);
		assert_int_equal(t.port, cases[i].number);
	}
}

static void anything_else_is_refused_and_touches_nothing(void **state)
{
	static const struct {
		const char *text, *port, *why;
	} cases[] = {
		{"", NULL, "HOST must be"},
		{":80", NULL, "HOST must be"},
		{"[]:80", NULL, "HOST must be"},
		{"a:", NULL, "PORT must be"},
		{"a:0", NULL, "PORT must be"},
		{"a:65536", NULL, "PORT must be"},
		{"a:99999999999", NULL, "PORT must be"},
		{"a:-1", NULL, "PORT must be"},
		{"a:+1", NULL, "PORT must be"},
		{"a:8 0", NULL, "PORT must be"},
		{"a", "http", "PORT must be"},
		{"a", "", "PORT must be"},
		{"a:80", "80", "twice"},
		{"[::1]:80", "80", "twice"},
		{"[::1]:", NULL, "PORT must be"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target t = {.port = 7};
		const char *why;

		assert_int_equal(target_parse(cases[i].text, cases[i].port, &t, &why), -EINVAL);
		assert_non_null(strstr(why, cases[i].why));
		assert_int_equal(t.port, 7);
	}
}

static void host_has_room_for_255_bytes(void **state)
{
	char text[TARGET_HOST_MAX + 1];
	struct target t;
	const char *why;

	memset(text, 'a', sizeof(text));
	text[TARGET_HOST_MAX] = '\0';
	assert_int_equal(target_parse(text, NULL, &t, &why), -EINVAL);
	assert_int_equal(target_parse(text + 1, NULL, &t, &why), 0);
	assert_int_equal(strlen(t.host), TARGET_HOST_MAX - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_and_port_stand_as_people_write_them),
		cmocka_unit_test(anything_else_is_refused_and_touches_nothing),
		cmocka_unit_test(host_has_room_for_255_bytes),
	};

	return cmocka_run_group_tests_name("tcpping/target", tests, NULL, NULL);
}
