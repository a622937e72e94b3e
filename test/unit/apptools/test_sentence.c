/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the original's output look for the words at the head of sentence.h. */
#include "tools/tcpping/sentence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "test/support/cmocka.h"

#define MS(n) ((n)*INT64_C(1000000))

static void says(const struct attempt *a, const char *target, const char *expected)
{
	char buf[SENTENCE_MAX];

	assert_string_equal(sentence_of(a, target, MS(21000), buf), expected);
}

static void success_has_whole_milliseconds_or_less_than_one(void **state)
{
	struct attempt a = {.outcome = ATTEMPT_SUCCESS, .ns = MS(172) + 999999};

	says(&a, "10.1.2.4:30000", "Connected to 10.1.2.4:30000, time taken: 172ms");
	a.ns = MS(1);
	says(&a, "10.1.2.4:30000", "Connected to 10.1.2.4:30000, time taken: 1ms");
	a.ns = MS(1) - 1;
	says(&a, "[fd20::2]:80", "Connected to [fd20::2]:80, time taken: <1ms");
}

static void B53_outcomes_have_different_sentences(void **state)
{
	static const struct {
		struct attempt a;
		const char *target, *text;
	} cases[] = {
		{{.outcome = ATTEMPT_TIMEOUT},
		 "10.1.2.4:80",
		 "Connection timed out: no answer from 10.1.2.4:80 within 21s"},
		{{.outcome = ATTEMPT_REFUSED, .error = ECONNREFUSED},
		 "10.1.2.4:80",
		 "Connection attempt failed: Connection refused by 10.1.2.4:80"},
		{{.outcome = ATTEMPT_REFUSED,
		  .error = ECONNREFUSED,
		  .has_icmp = true,
		  .icmp_type = 3,
		  .icmp_code = 3,
		  .icmp_from = "10.1.0.1"},
		 "10.1.2.4:80",
		 "Connection attempt failed: Connection refused by 10.1.2.4:80 (ICMP port "
		 "unreachable from 10.1.0.1)"},
		{{.outcome = ATTEMPT_UNREACHABLE,
		  .error = EHOSTUNREACH,
		  .has_icmp = true,
		  .icmp_type = 1,
		  .icmp_code = 3,
		  .icmp_from = "fd20::1"},
		 "[fd20::2]:80",
		 "Connection attempt failed: Host unreachable: [fd20::2]:80 (ICMP address "
		 "unreachable from fd20::1)"},
		{{.outcome = ATTEMPT_UNREACHABLE, .error = ENETUNREACH, .is_from_here = true},
		 "10.1.2.4:80",
		 "Connection attempt failed: Host unreachable: 10.1.2.4:80 (there is no route to "
		 "it here)"},
		{{.outcome = ATTEMPT_UNREACHABLE, .error = EHOSTUNREACH, .ns = MS(3000)},
		 "10.1.2.4:80",
		 "Connection attempt failed: Host unreachable: 10.1.2.4:80"},
		{{.outcome = ATTEMPT_BLOCKED, .error = EHOSTUNREACH},
		 "10.1.2.4:80",
		 "Connection attempt failed: An attempt was made to access a socket in a way "
		 "forbidden by its access permissions: 10.1.2.4:80 (the route is closed, as "
		 "without a tunnel)"},
		{{.outcome = ATTEMPT_BLOCKED, .error = EPERM},
		 "10.1.2.4:80",
		 "Connection attempt failed: An attempt was made to access a socket in a way "
		 "forbidden by its access permissions: 10.1.2.4:80 (a packet filter here)"},
		{{.outcome = ATTEMPT_ERROR, .error = EMFILE},
		 "10.1.2.4:80",
		 "Connection attempt failed: 10.1.2.4:80: Too many open files"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		says(&cases[i].a, cases[i].target, cases[i].text);
}

static void name_that_is_none_is_told_from_servers_that_are_dead(void **state)
{
	struct lookup l = {.outcome = LOOKUP_NO_SUCH_NAME, .n_tries = 2};
	char buf[SENTENCE_MAX];

	strcpy(l.tries[0].server, "10.1.0.4");
	strcpy(l.tries[1].server, "10.1.0.5");
	l.tries[0].outcome = LOOKUP_TIMED_OUT;
	l.tries[1].outcome = LOOKUP_REFUSED;
	assert_string_equal(sentence_of_lookup(&l, "db", buf),
			    "Connection attempt failed: No name server answers for db: 10.1.0.4 "
			    "timed out, 10.1.0.5 refuses to answer");
	l.server = l.tries[1].server;
	assert_string_equal(sentence_of_lookup(&l, "db", buf),
			    "Connection attempt failed: No such host is known: db");
}

static void tally_has_the_original_s_form(void **state)
{
	static const struct {
		struct tally t;
		const char *text;
	} cases[] = {
		{{4, 4, MS(196)},
		 "Complete: 4/4 successful attempts (100%). Average success time: 49ms"},
		{{4, 4, MS(31)},
		 "Complete: 4/4 successful attempts (100%). Average success time: 7.75ms"},
		{{3, 2, MS(1)},
		 "Complete: 2/3 successful attempts (66%). Average success time: 0.5ms"},
		{{4, 0, 0}, "Complete: 0/4 successful attempts (0%). Average success time: 0ms"},
		{{0, 0, 0}, "Complete: 0/0 successful attempts (0%). Average success time: 0ms"},
		{{1, 1, MS(100)},
		 "Complete: 1/1 successful attempts (100%). Average success time: 100ms"},
	};
	char buf[SENTENCE_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(sentence_of_tally(&cases[i].t, buf), cases[i].text);
	assert_true(tally_average_ms(&cases[1].t) == 7.75);
	assert_string_equal(sentence_ms(21.0, buf), "21");
	assert_string_equal(sentence_ms(0.004, buf), "0");
}

static void target_of_IPv6_stands_in_brackets(void **state)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010204)};
	struct sockaddr_storage address = {0};
	char buf[SENTENCE_TARGET_MAX];

	memcpy(&address, &v6, sizeof(v6));
	assert_string_equal(sentence_target(&address, 443, buf), "[::1]:443");
	memcpy(&address, &v4, sizeof(v4));
	assert_string_equal(sentence_target(&address, 80, buf), "10.1.2.4:80");
}

static void icmp_message_has_its_name_or_its_numbers(void **state)
{
	char buf[32];

	assert_string_equal(sentence_icmp(false, 3, 13, buf), "administratively prohibited");
	assert_string_equal(sentence_icmp(true, 1, 1, buf), "administratively prohibited");
	assert_string_equal(sentence_icmp(false, 3, 255, buf), "type 3, code 255");
	assert_string_equal(sentence_icmp(true, 3, 1, buf), "type 3, code 1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_has_whole_milliseconds_or_less_than_one),
		cmocka_unit_test(B53_outcomes_have_different_sentences),
		cmocka_unit_test(name_that_is_none_is_told_from_servers_that_are_dead),
		cmocka_unit_test(tally_has_the_original_s_form),
		cmocka_unit_test(target_of_IPv6_stands_in_brackets),
		cmocka_unit_test(icmp_message_has_its_name_or_its_numbers),
	};

	return cmocka_run_group_tests_name("tcpping/sentence", tests, NULL, NULL);
}
