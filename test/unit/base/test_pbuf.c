/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sstp/base/pbuf.h"
#include "test/support/cmocka.h"

static void pool_hands_out_no_more_than_its_limit(void **state)
{
	struct pbuf_pool pool;
	struct pbuf *a, *b;

	pbuf_pool_init(&pool, 2);
	a = pbuf_new(&pool);
	b = pbuf_new(&pool);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(pbuf_new(&pool));
	pbuf_free(&pool, a);
	assert_ptr_equal(pbuf_new(&pool), a);
	pbuf_free(&pool, a);
	pbuf_free(&pool, b);
	pbuf_free(&pool, NULL);
	assert_int_equal(pool.used, 0);
	pbuf_pool_done(&pool);
}

static void pool_keeps_few_free_buffers_after_a_storm(void **state)
{
	struct pbuf_pool pool;
	struct pbuf *all[4 * PBUF_KEEP];

	pbuf_pool_init(&pool, 4 * PBUF_KEEP);
	for (int i = 0; i < 4 * PBUF_KEEP; i++)
		all[i] = pbuf_new(&pool);
	for (int i = 0; i < 4 * PBUF_KEEP; i++)
		pbuf_free(&pool, all[i]);
	assert_int_equal(pool.used, 0);
	assert_int_equal(pool.nfree, PBUF_KEEP);
	pbuf_pool_done(&pool);
}

static void queue_keeps_order_and_refuses_what_does_not_fit(void **state)
{
	struct pbuf_pool pool;
	struct pbuf_queue q;
	struct pbuf *a, *b, *c;

	pbuf_pool_init(&pool, 3);
	pbuf_queue_init(&q, 3000);
	a = pbuf_new(&pool);
	b = pbuf_new(&pool);
	c = pbuf_new(&pool);
	a->len = 1800;
	b->len = 1200;
	c->len = 600;
	assert_true(pbuf_queue_push(&q, a));
	assert_true(pbuf_queue_push(&q, b));
	assert_false(pbuf_queue_push(&q, c));
	assert_ptr_equal(pbuf_queue_pop(&q), a);
	assert_true(pbuf_queue_push(&q, c));
	assert_ptr_equal(pbuf_queue_pop(&q), b);
	assert_ptr_equal(pbuf_queue_pop(&q), c);
	assert_null(pbuf_queue_pop(&q));
	assert_int_equal(q.bytes, 0);
	assert_true(pbuf_queue_push(&q, a));
	assert_true(pbuf_queue_push(&q, c));
	pbuf_queue_clear(&q, &pool);
	assert_null(q.head);
	pbuf_free(&pool, b);
	pbuf_pool_done(&pool);
}

/* Or one slow reader of empty packets would take the buffers of all the others. */
static void short_packets_fill_a_queue_as_if_they_were_longer(void **state)
{
	struct pbuf_pool pool;
	struct pbuf_queue q;
	struct pbuf *p;
	unsigned n = 0;

	pbuf_pool_init(&pool, 100);
	pbuf_queue_init(&q, 8 * PBUF_CHARGE_MIN);
	while ((p = pbuf_new(&pool))) {
		p->len = (uint16_t)(n % 2 ? PBUF_CHARGE_MIN : 1);
		if (!pbuf_queue_push(&q, p))
			break;
		n++;
	}
	assert_int_equal(n, 8);
	pbuf_free(&pool, p);
	pbuf_queue_clear(&q, &pool);
	assert_int_equal(q.bytes, 0);
	pbuf_pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_hands_out_no_more_than_its_limit),
		cmocka_unit_test(pool_keeps_few_free_buffers_after_a_storm),
		cmocka_unit_test(queue_keeps_order_and_refuses_what_does_not_fit),
		cmocka_unit_test(short_packets_fill_a_queue_as_if_they_were_longer),
	};

	return cmocka_run_group_tests_name("base/pbuf", tests, NULL, NULL);
}
