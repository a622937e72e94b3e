/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/nameresolver/report.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

static char *text;
static size_t len;

static struct line_writer opened(void)
{
	return (struct line_writer){.f = open_memstream(&text, &len)};
}

static void written_is(FILE *f, const char *expected)
{
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

/* The first of two servers was silent. */
static struct lookup found(void)
{
	struct lookup l = {.n_addresses = 2, .n_aliases = 1, .n_tries = 2};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010002)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	memcpy(&l.addresses[0], &v4, sizeof(v4));
	memcpy(&l.addresses[1], &v6, sizeof(v6));
	strcpy(l.name, "db.corp.test");
	strcpy(l.aliases[0], "www.corp.test");
	l.tries[0] = (struct lookup_try){"10.1.0.4", LOOKUP_TIMED_OUT, 3001};
	l.tries[1] = (struct lookup_try){"10.1.0.5", LOOKUP_FOUND, 2};
	return l;
}

static void B50_answer_has_the_original_s_lines(void **state)
{
	struct line_writer w = opened();
	struct lookup l = found();

	l.server = l.tries[1].server;
	report_print(&w, &l, "www.corp.test");
	written_is(w.f, "Server: 10.1.0.5\n"
			"\n"
			"Non-authoritative answer:\n"
			"Name: db.corp.test\n"
			"Addresses:\n"
			"10.1.0.2\n"
			"::1\n"
			"Aliases:\n"
			"www.corp.test\n");
	w = opened();
	l.n_aliases = 0;
	l.server = ""; /* an address */
	report_print(&w, &l, "www.corp.test");
	written_is(w.f,
		   "Non-authoritative answer:\nName: db.corp.test\nAddresses:\n10.1.0.2\n::1\n");
}

static void name_that_is_none_is_told_from_silence(void **state)
{
	struct line_writer w = opened();
	struct lookup l = found();

	l.n_addresses = 0;
	report_print(&w, &l, "nope");
	written_is(w.f, "No name server answers for nope\n");
	w = opened();
	l.server = l.tries[1].server;
	report_print(&w, &l, "nope");
	written_is(w.f, "Server: 10.1.0.5\n\nNo such host is known: nope\n");
}

static void servers_that_did_not_answer_are_told(void **state)
{
	struct line_writer w = opened();
	struct lookup l = found();

	l.server = l.tries[1].server;
	report_print_trouble(w.f, &l);
	written_is(w.f, "10.1.0.4 timed out after 3001ms\n");
}

static void json_has_all_of_it(void **state)
{
	struct line_writer w = opened();
	struct lookup l = found();
	json_t *o;

	l.server = l.tries[1].server;
	report_print_json(w.f, &l, "www.corp.test");
	fclose(w.f);
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "status")), "success");
	assert_string_equal(json_string_value(json_object_get(o, "server")), "10.1.0.5");
	assert_int_equal(json_array_size(json_object_get(o, "addresses")), 2);
	assert_int_equal(json_array_size(json_object_get(o, "servers")), 2);
	json_decref(o);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(B50_answer_has_the_original_s_lines),
		cmocka_unit_test(name_that_is_none_is_told_from_silence),
		cmocka_unit_test(servers_that_did_not_answer_are_told),
		cmocka_unit_test(json_has_all_of_it),
	};

	return cmocka_run_group_tests_name("nameresolver/report", tests, NULL, NULL);
}
