/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/admission.h"

#include <arpa/inet.h>
#include <pthread.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "test/support/cmocka.h"

#define START (1000 * CLOCK_NS_PER_S)

enum {
	THREADS = 4,
	TURNS = 2000,
};

static struct sockaddr_storage peer(const char *text)
{
	struct sockaddr_storage addr = {.ss_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, text, &((struct sockaddr_in *)&addr)->sin_addr), 1);
	return addr;
}

static struct admission *with_limits(const struct admission_limits *limits)
{
	struct admission *a = admission_new();

	assert_non_null(a);
	admission_set_limits(a, limits);
	return a;
}

static void half_open_ends_with_the_log_in_or_with_the_connection(void **state)
{
	struct admission *a = with_limits(&(struct admission_limits){.half_open = 2});
	struct sockaddr_storage p = peer("192.0.2.1");
	struct admission_ticket first, second, third;

	assert_null(admission_enter(a, &p, START, &first));
	assert_null(admission_enter(a, &p, START, &second));
	assert_string_equal(admission_enter(a, &p, START, &third),
			    "the limit of connections that have not logged in is reached");
	admission_log_in(a, &first);
	assert_null(admission_enter(a, &p, START, &third));
	assert_int_equal(admission_counts(a).half_open, 2);
	admission_leave(a, &first);
	assert_int_equal(admission_counts(a).half_open, 2);
	admission_leave(a, &second);
	admission_leave(a, &third);
	assert_int_equal(admission_counts(a).half_open, 0);
	assert_int_equal(admission_counts(a).sessions, 0);
	admission_free(a);
}

static void sessions_count_until_they_leave(void **state)
{
	struct admission *a = with_limits(&(struct admission_limits){.sessions = 1});
	struct sockaddr_storage p = peer("192.0.2.1");
	struct admission_ticket first, second;

	assert_null(admission_enter(a, &p, START, &first));
	admission_log_in(a, &first);
	assert_string_equal(admission_enter(a, &p, START, &second), "the session limit is reached");
	admission_leave(a, &first);
	assert_null(admission_enter(a, &p, START, &second));
	admission_leave(a, &second);
	admission_free(a);
}

static void source_that_failed_to_log_in_is_refused(void **state)
{
	struct admission_limits limits = {.per_source = {.auth_failures_per_min = 1}};
	struct admission *a = with_limits(&limits);
	struct sockaddr_storage p = peer("192.0.2.1"), stranger = peer("192.0.2.2");
	struct admission_ticket ticket;

	for (int i = 0; i < 2; i++) {
		assert_null(admission_enter(a, &p, START, &ticket));
		admission_auth_failed(a, &p, START);
		admission_leave(a, &ticket);
	}
	assert_string_equal(admission_enter(a, &p, START, &ticket), "too many failed log-ins");
	assert_null(admission_enter(a, &stranger, START, &ticket));
	admission_leave(a, &ticket);
	admission_free(a);
}

static void ids_are_never_given_twice(void **state)
{
	struct admission *a = with_limits(&(struct admission_limits){0});
	struct sockaddr_storage p = peer("192.0.2.1");
	struct admission_ticket first, second;

	assert_null(admission_enter(a, &p, START, &first));
	admission_leave(a, &first);
	assert_null(admission_enter(a, &p, START, &second));
	admission_leave(a, &second);
	assert_int_equal(first.id, 1);
	assert_int_equal(second.id, 2);
	admission_free(a);
}

static void refusals_are_counted(void **state)
{
	struct admission *a = with_limits(&(struct admission_limits){0});
	struct sockaddr_storage p = peer("192.0.2.1");

	for (int i = 0; i < 100; i++)
		admission_refuse(a, &p, START, "out of memory");
	assert_int_equal(admission_counts(a).refused, 100);
	assert_int_equal(admission_counts(a).refused_by[ADMISSION_FAILED], 100);
	assert_int_equal(admission_counts(a).accepted, 0);
	admission_free(a);
}

/* Comes, and must not be let in, for this reason. */
static void is_refused(struct admission *a, const char *address, enum admission_refusal reason)
{
	uint64_t before = admission_counts(a).refused_by[reason];
	struct sockaddr_storage p = peer(address);
	struct admission_ticket ticket;
	const char *why = admission_enter(a, &p, START, &ticket);

	assert_non_null(why);
	admission_refuse(a, &p, START, why);
	assert_int_equal(admission_counts(a).refused_by[reason], before + 1);
	assert_int_equal(admission_counts(a).refused_by[ADMISSION_FAILED], 0);
}

static void each_refusal_is_counted_by_its_reason(void **state)
{
	struct admission *a = with_limits(&(struct admission_limits){
		.sessions = 3,
		.half_open = 2,
		.per_source = {.half_open = 1, .accepts_per_s = 1, .auth_failures_per_min = 1},
	});
	struct sockaddr_storage first = peer("192.0.2.1"), second = peer("192.0.2.2"),
				third = peer("192.0.2.3");
	struct admission_ticket tickets[3];

	assert_null(admission_enter(a, &first, START, &tickets[0]));
	is_refused(a, "192.0.2.1", ADMISSION_SOURCE_HALF_OPEN);
	assert_null(admission_enter(a, &second, START, &tickets[1]));
	admission_auth_failed(a, &second, START);
	admission_auth_failed(a, &second, START);
	admission_leave(a, &tickets[1]);
	is_refused(a, "192.0.2.2", ADMISSION_SOURCE_BANNED);
	assert_null(admission_enter(a, &third, START, &tickets[1]));
	is_refused(a, "192.0.2.4", ADMISSION_HALF_OPEN);
	admission_log_in(a, &tickets[0]);
	admission_log_in(a, &tickets[1]);
	assert_null(admission_enter(a, &third, START, &tickets[2]));
	is_refused(a, "192.0.2.5", ADMISSION_SESSIONS);
	for (int i = 0; i < 3; i++)
		admission_leave(a, &tickets[i]);
	is_refused(a, "192.0.2.3", ADMISSION_SOURCE_RATE);
	assert_int_equal(admission_counts(a).refused, 5);
	admission_free(a);
}

static void every_refusal_has_a_name_of_its_own(void **state)
{
	for (unsigned i = 0; i < ADMISSION_REFUSALS; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(admission_refusal_name((enum admission_refusal)i),
						admission_refusal_name((enum admission_refusal)k));
}

/* Threads read the clock for themselves: one may be a little behind. */
static void thread_whose_clock_is_behind_is_not_refused_for_it(void **state)
{
	struct admission *a = with_limits(&(struct admission_limits){0});
	struct sockaddr_storage p = peer("192.0.2.1");
	struct admission_ticket ticket;

	assert_null(admission_enter(a, &p, START, &ticket));
	admission_leave(a, &ticket);
	assert_null(admission_enter(a, &p, START - 1, &ticket));
	admission_leave(a, &ticket);
	admission_free(a);
}

static void *come_and_go(void *arg)
{
	struct admission *a = arg;
	struct sockaddr_storage p = peer("192.0.2.1");
	struct admission_ticket ticket;

	for (int i = 0; i < TURNS; i++) {
		assert_null(admission_enter(a, &p, START, &ticket));
		if (i % 2)
			admission_log_in(a, &ticket);
		admission_leave(a, &ticket);
	}
	return NULL;
}

static void threads_come_and_go_at_once(void **state)
{
	struct admission *a = with_limits(&(struct admission_limits){.half_open = THREADS});
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, a), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(admission_counts(a).accepted, THREADS * TURNS);
	assert_int_equal(admission_counts(a).sessions, 0);
	assert_int_equal(admission_counts(a).half_open, 0);
	admission_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_open_ends_with_the_log_in_or_with_the_connection),
		cmocka_unit_test(sessions_count_until_they_leave),
		cmocka_unit_test(source_that_failed_to_log_in_is_refused),
		cmocka_unit_test(ids_are_never_given_twice),
		cmocka_unit_test(refusals_are_counted),
		cmocka_unit_test(each_refusal_is_counted_by_its_reason),
		cmocka_unit_test(every_refusal_has_a_name_of_its_own),
		cmocka_unit_test(thread_whose_clock_is_behind_is_not_refused_for_it),
		cmocka_unit_test(threads_come_and_go_at_once),
	};

	log_open("test-session-admission", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("session/admission", tests, NULL, NULL);
}
