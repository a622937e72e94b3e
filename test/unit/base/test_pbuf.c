/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sstp/base/pbuf.h"
#include "test/support/cmocka.h"

enum {
	PLENTY = 1 << 20,
};

static void pool_hands_out_no_more_bytes_than_its_limit(void **state)
{
	struct pbuf_pool pool;
	struct pbuf *a, *b;

	pbuf_pool_init(&pool, PLENTY);
	a = pbuf_new(&pool, 100);
	pool.limit = 2 * pbuf_size(a);
	b = pbuf_new(&pool, 100);
	assert_non_null(b);
	assert_null(pbuf_new(&pool, 100));
	pbuf_free(&pool, a);
	/* room for a short one is none for a long one */
	assert_null(pbuf_new(&pool, PBUF_DATA_MAX));
	assert_ptr_equal(pbuf_new(&pool, 7), a);
	assert_int_equal(a->len, 7);
	pbuf_free(&pool, a);
	pbuf_free(&pool, b);
	pbuf_free(&pool, NULL);
	pbuf_pool_done(&pool);
}

static void packet_takes_the_memory_that_it_needs(void **state)
{
	/* length, and what is lost at most: an eighth of a packet of the usual MTU */
	static const size_t fits[][2] = {{0, 256}, {60, 196}, {1400, 175}, {1500, 187}, {4096, 64}};
	struct pbuf_pool pool;

	pbuf_pool_init(&pool, PLENTY);
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		struct pbuf *p = pbuf_new(&pool, fits[i][0]);

		assert_int_equal(p->len, fits[i][0]);
		memset(p->data, 0xff, p->len);
		assert_int_equal(pool.used, pbuf_size(p));
		assert_in_range(pbuf_size(p), fits[i][0] + 1, fits[i][0] + fits[i][1]);
		pbuf_free(&pool, p);
		assert_int_equal(pool.used, 0);
	}
	pbuf_pool_done(&pool);
}

static void pool_keeps_few_free_buffers_of_each_size_after_a_storm(void **state)
{
	static const size_t len[PBUF_SIZES] = {100, 1400, 4000};
	struct pbuf_pool pool;
	struct pbuf *all[4 * PBUF_KEEP];

	pbuf_pool_init(&pool, 4 * PLENTY);
	for (int size = 0; size < PBUF_SIZES; size++) {
		for (int i = 0; i < 4 * PBUF_KEEP; i++)
			all[i] = pbuf_new(&pool, len[size]);
		for (int i = 0; i < 4 * PBUF_KEEP; i++)
			pbuf_free(&pool, all[i]);
		assert_int_equal(pool.used, 0);
		assert_int_equal(pool.nfree[size], PBUF_KEEP);
	}
	pbuf_pool_trim(&pool);
	for (int size = 0; size < PBUF_SIZES; size++)
		assert_null(pool.free[size]);
	pbuf_pool_done(&pool);
}

static void queue_gives_back_in_order(void **state)
{
	struct pbuf_queue q = {0};
	struct pbuf_pool pool;
	struct pbuf *p[3];

	pbuf_pool_init(&pool, PLENTY);
	for (int i = 0; i < 3; i++)
		p[i] = pbuf_new(&pool, 10);
	pbuf_queue_push(&q, p[0]);
	pbuf_queue_push(&q, p[1]);
	assert_ptr_equal(pbuf_queue_pop(&q), p[0]);
	pbuf_queue_push(&q, p[2]);
	assert_ptr_equal(pbuf_queue_pop(&q), p[1]);
	assert_ptr_equal(pbuf_queue_pop(&q), p[2]);
	assert_null(pbuf_queue_pop(&q));
	/* it works as well after having been empty */
	pbuf_queue_push(&q, p[0]);
	assert_ptr_equal(q.head, p[0]);
	assert_ptr_equal(pbuf_queue_pop(&q), p[0]);
	assert_null(q.head);
	for (int i = 0; i < 3; i++)
		pbuf_free(&pool, p[i]);
	pbuf_pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_hands_out_no_more_bytes_than_its_limit),
		cmocka_unit_test(packet_takes_the_memory_that_it_needs),
		cmocka_unit_test(pool_keeps_few_free_buffers_of_each_size_after_a_storm),
		cmocka_unit_test(queue_gives_back_in_order),
	};

	return cmocka_run_group_tests_name("base/pbuf", tests, NULL, NULL);
}
