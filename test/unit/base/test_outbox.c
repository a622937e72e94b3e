/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/outbox.h"

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static void add(struct outbox *o, const void *msg, size_t len)
{
	struct wire_writer w = outbox_begin(o);

	wire_put(&w, msg, len);
	outbox_end(o, &w);
}

static void messages_come_out_whole_and_in_order(void **state)
{
	uint8_t buf[256];
	struct outbox o = outbox(buf, sizeof(buf));
	size_t pos = 0;
	uint8_t *msg;
	size_t len;

	add(&o, "first", 5);
	add(&o, "", 0);
	add(&o, "third!", 6);
	assert_true(outbox_next(&o, &pos, &msg, &len));
	assert_int_equal(len, 5);
	assert_memory_equal(msg, "first", 5);
	assert_true(outbox_next(&o, &pos, &msg, &len));
	assert_int_equal(len, 0);
	assert_true(outbox_next(&o, &pos, &msg, &len));
	assert_int_equal(len, 6);
	assert_memory_equal(msg, "third!", 6);
	assert_false(outbox_next(&o, &pos, &msg, &len));
}

static void headroom_belongs_to_its_message(void **state)
{
	uint8_t buf[256];
	struct outbox o = outbox(buf, sizeof(buf));
	size_t pos = 0;
	uint8_t *msg;
	size_t len;

	add(&o, "first", 5);
	add(&o, "second", 6);
	while (outbox_next(&o, &pos, &msg, &len))
		memset(msg - OUTBOX_HEADROOM, 0xee, OUTBOX_HEADROOM);
	pos = 0;
	outbox_next(&o, &pos, &msg, &len);
	assert_memory_equal(msg, "first", 5);
	outbox_next(&o, &pos, &msg, &len);
	assert_int_equal(len, 6);
	assert_memory_equal(msg, "second", 6);
}

static void message_that_does_not_fit_is_left_out_and_counted(void **state)
{
	uint8_t buf[64];
	struct outbox o = outbox(buf, sizeof(buf));
	uint8_t big[64] = {0};
	size_t pos = 0;
	uint8_t *msg;
	size_t len;

	add(&o, big, sizeof(big));
	assert_int_equal(o.dropped, 1);
	assert_int_equal(o.used, 0);
	add(&o, "ok", 2);
	assert_int_equal(o.dropped, 1);
	assert_true(outbox_next(&o, &pos, &msg, &len));
	assert_memory_equal(msg, "ok", 2);
}

static void outbox_without_room_for_a_header_drops(void **state)
{
	uint8_t buf[11];
	struct outbox o = outbox(buf, sizeof(buf));

	add(&o, "", 0);
	assert_int_equal(o.dropped, 1);
}

static void cleared_outbox_is_empty(void **state)
{
	uint8_t buf[64];
	struct outbox o = outbox(buf, sizeof(buf));
	size_t pos = 0;
	uint8_t *msg;
	size_t len;

	add(&o, "a", 1);
	add(&o, (uint8_t[64]){0}, 64);
	outbox_clear(&o);
	assert_int_equal(o.dropped, 0);
	assert_false(outbox_next(&o, &pos, &msg, &len));
}

/* Random messages into a small box: what fitted by the arithmetic comes out, byte for byte. */
static void keeps_exactly_what_fits(void **state)
{
	struct prng rng;

	prng_init(&rng, 77);
	for (int run = 0; run < 500; run++) {
		uint8_t buf[512];
		struct outbox o = outbox(buf, prng_below(&rng, sizeof(buf) + 1));
		size_t lens[64];
		size_t used = 0;
		unsigned kept = 0;
		unsigned dropped = 0;
		size_t pos = 0;
		uint8_t *msg;
		size_t len;

		for (int i = 0; i < 40; i++) {
			uint8_t data[100];
			size_t n = prng_below(&rng, sizeof(data));

			memset(data, (int)kept, sizeof(data));
			add(&o, data, n);
			if (used + 4 + OUTBOX_HEADROOM + n <= o.cap) {
				used += 4 + OUTBOX_HEADROOM + n;
				lens[kept++] = n;
			} else {
				dropped++;
			}
		}
		assert_int_equal(o.dropped, dropped);
		for (unsigned i = 0; i < kept; i++) {
			assert_true(outbox_next(&o, &pos, &msg, &len));
			assert_int_equal(len, lens[i]);
			for (size_t k = 0; k < len; k++)
				assert_int_equal(msg[k], i);
		}
		assert_false(outbox_next(&o, &pos, &msg, &len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_out_whole_and_in_order),
		cmocka_unit_test(headroom_belongs_to_its_message),
		cmocka_unit_test(message_that_does_not_fit_is_left_out_and_counted),
		cmocka_unit_test(outbox_without_room_for_a_header_drops),
		cmocka_unit_test(cleared_outbox_is_empty),
		cmocka_unit_test(keeps_exactly_what_fits),
	};

	return cmocka_run_group_tests_name("base/outbox", tests, NULL, NULL);
}
