/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/prefix_list.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	MANY = 500,
	ROUNDS = 2000,
};

static int decode(const char *bytes, size_t len, size_t max)
{
	struct prefix *list = NULL;
	size_t n = 0;
	int r = prefix_list_decode((const uint8_t *)bytes, len, max, &list, &n);

	free(list);
	return r;
}

static void lists_come_back_as_they_were(void **state)
{
	struct prefix list[MANY], *again;
	uint8_t *bytes;
	size_t len, n;
	struct prng p;

	prng_init(&p, 6003);
	for (size_t i = 0; i < MANY; i++) {
		bool is_v6 = prng_below(&p, 2);

		list[i] = (struct prefix){.family = is_v6 ? AF_INET6 : AF_INET,
					  .len = (uint8_t)(8 * prng_below(&p, is_v6 ? 17 : 5))};
		for (unsigned k = 0; k < list[i].len / 8u; k++)
			list[i].addr[k] = (uint8_t)prng_next(&p);
	}
	assert_int_equal(prefix_list_encode(list, MANY, &bytes, &len), 0);
	assert_int_equal(prefix_list_decode(bytes, len, MANY, &again, &n), 0);
	assert_int_equal(n, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_true(prefix_equal(&list[i], &again[i]));
	free(again);
	assert_int_equal(prefix_list_decode(bytes, len, MANY - 1, &again, &n), -E2BIG);
	free(bytes);
}

static void no_prefix_is_a_list_too(void **state)
{
	struct prefix *again;
	uint8_t *bytes;
	size_t len, n;

	assert_int_equal(prefix_list_encode(NULL, 0, &bytes, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(prefix_list_decode(bytes, len, 0, &again, &n), 0);
	assert_int_equal(n, 0);
	free(again);
	free(bytes);
}

static void what_is_no_prefix_is_refused(void **state)
{
	assert_int_equal(decode("\4\10\12\0\0\0", 6, 1), 0);
	assert_int_equal(decode("\4\10\12\0\0\0", 6, 0), -E2BIG);
	assert_int_equal(decode("\4\10\12\0\0", 5, 1), -EBADMSG);
	assert_int_equal(decode("\4\10\12\0\0\0\0", 7, 2), -EBADMSG);
	assert_int_equal(decode("\5\10\12\0\0\0", 6, 1), -EBADMSG);
	assert_int_equal(decode("\4\41\12\0\0\0", 6, 1), -EBADMSG);
	assert_int_equal(decode("\4\10\12\1\0\0", 6, 1), -EBADMSG); /* bits behind its length */
}

/* What is taken is written the same way again. */
static void bytes_at_random_do_no_harm(void **state)
{
	struct prng p;

	prng_init(&p, 6004);
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t bytes[64], *again;
		size_t len = prng_below(&p, sizeof(bytes) + 1), n, again_len;
		struct prefix *list;

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)(prng_below(&p, 2) ? prng_below(&p, 7) : prng_next(&p));
		if (prefix_list_decode(bytes, len, MANY, &list, &n) < 0)
			continue;
		assert_int_equal(prefix_list_encode(list, n, &again, &again_len), 0);
		assert_int_equal(again_len, len);
		assert_memory_equal(again, bytes, len);
		free(again);
		free(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_come_back_as_they_were),
		cmocka_unit_test(no_prefix_is_a_list_too),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(bytes_at_random_do_no_harm),
	};

	return cmocka_run_group_tests_name("control/prefix_list", tests, NULL, NULL);
}
