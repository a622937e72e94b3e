/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/wire.h"
#include "test/support/cmocka.h"

static void reads_big_endian_in_order(void **state)
{
	struct wire_reader r = wire_reader((uint8_t[]){1, 2, 3, 4, 5, 6, 7}, 7);

	assert_int_equal(wire_u8(&r), 1);
	assert_int_equal(wire_be16(&r), 0x0203);
	assert_int_equal(wire_be32(&r), 0x04050607);
	assert_true(wire_done(&r));
}

static void first_read_past_the_end_fails_all_later_ones(void **state)
{
	struct wire_reader r = wire_reader((uint8_t[]){1, 2, 3}, 3);

	assert_int_equal(wire_be32(&r), 0);
	assert_int_equal(wire_u8(&r), 0);
	assert_int_equal(wire_left(&r), 0);
	assert_false(wire_ok(&r));
}

static void sub_reader_of_too_much_is_failed(void **state)
{
	struct wire_reader r = wire_reader((uint8_t[]){1, 2, 3}, 3);
	struct wire_reader sub = wire_sub(&r, 4);

	assert_false(wire_ok(&sub));
	assert_false(wire_ok(&r));
	assert_null(wire_bytes(&sub, 0));
}

static void writer_never_passes_its_end(void **state)
{
	uint8_t buf[4] = {0, 0, 0, 0xee};
	struct wire_writer w = wire_writer(buf, 3);

	wire_put_be16(&w, 0x0102);
	wire_put_be16(&w, 0x0304);
	wire_put_u8(&w, 5);
	assert_true(w.failed);
	assert_int_equal(wire_len(&w), 2);
	assert_int_equal(buf[3], 0xee);
}

static void patch_outside_what_was_written_fails(void **state)
{
	uint8_t buf[4];
	struct wire_writer w = wire_writer(buf, 4);

	wire_put_be16(&w, 0);
	wire_patch_be16(&w, 0, 0x1234);
	assert_int_equal(buf[0], 0x12);
	wire_patch_be16(&w, 1, 0);
	assert_true(w.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_big_endian_in_order),
		cmocka_unit_test(first_read_past_the_end_fails_all_later_ones),
		cmocka_unit_test(sub_reader_of_too_much_is_failed),
		cmocka_unit_test(writer_never_passes_its_end),
		cmocka_unit_test(patch_outside_what_was_written_fails),
	};

	return cmocka_run_group_tests_name("base/wire", tests, NULL, NULL);
}
