/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/candidates.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "test/support/cmocka.h"

enum {
	MANY = CANDIDATES_MAX + 4
};

/* An answer with the ports from first on, n of them; free() it. */
static struct addrinfo *answer(unsigned first, unsigned n)
{
	struct entry {
		struct addrinfo info;
		struct sockaddr_in addr;
	} *entries = calloc(n, sizeof(*entries));

	assert_non_null(entries);
	for (unsigned i = 0; i < n; i++) {
		entries[i].addr.sin_family = AF_INET;
		entries[i].addr.sin_port = htons((uint16_t)(first + i));
		entries[i].info.ai_addr = (struct sockaddr *)&entries[i].addr;
		entries[i].info.ai_addrlen = sizeof(entries[i].addr);
		entries[i].info.ai_next = i + 1 < n ? &entries[i + 1].info : NULL;
	}
	return &entries[0].info;
}

static void learn(struct candidates *c, unsigned first, unsigned n)
{
	struct addrinfo *list = answer(first, n);

	candidates_set(c, list);
	free(list);
}

static int next_port(struct candidates *c)
{
	const struct candidate *one = candidates_next(c);

	if (!one)
		return -1;
	assert_int_equal(one->len, sizeof(struct sockaddr_in));
	return ntohs(((const struct sockaddr_in *)&one->addr)->sin_port);
}

static void nothing_is_known_at_first(void **state)
{
	struct candidates c = {0};

	assert_int_equal(next_port(&c), -1);
}

static void addresses_outlive_the_answer_and_come_in_turn(void **state)
{
	struct candidates c = {0};

	learn(&c, 100, 2);
	assert_int_equal(next_port(&c), 100);
	assert_int_equal(next_port(&c), 101);
	assert_int_equal(next_port(&c), 100);
}

static void same_answer_at_every_attempt_still_gives_another_address(void **state)
{
	struct candidates c = {0};

	learn(&c, 100, 2);
	assert_int_equal(next_port(&c), 100);
	learn(&c, 100, 2);
	assert_int_equal(next_port(&c), 101);
}

static void new_answer_replaces_the_old_one(void **state)
{
	struct candidates c = {0};

	learn(&c, 100, 3);
	learn(&c, 200, 1);
	assert_int_equal(next_port(&c), 200);
	assert_int_equal(next_port(&c), 200);
}

static void what_is_too_much_is_left_out(void **state)
{
	struct candidates c = {0};

	learn(&c, 100, MANY);
	for (int i = 0; i < CANDIDATES_MAX; i++)
		assert_int_equal(next_port(&c), 100 + i);
	assert_int_equal(next_port(&c), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(addresses_outlive_the_answer_and_come_in_turn),
		cmocka_unit_test(same_answer_at_every_attempt_still_gives_another_address),
		cmocka_unit_test(new_answer_replaces_the_old_one),
		cmocka_unit_test(what_is_too_much_is_left_out),
	};

	return cmocka_run_group_tests_name("worker/candidates", tests, NULL, NULL);
}
