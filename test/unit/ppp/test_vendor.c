/* SPDX-License-Identifier: Apache-2.0 */
/* In-band packets as bytes, and a description put together again. */
#include <errno.h>

#include "sstp/ppp/vendor.h"
#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/support/prng.h"

#define MAGIC "11223344"
#define OUI   "025347"

/* The packet's data in hex, behind code, identifier and length. */
static int decode(const char *hex, struct vendor_packet *ret)
{
	static uint8_t data[512];
	struct ppp_packet p = {.code = VENDOR_CODE, .id = 1, .data = data};

	p.len = hex_decode(hex, data, sizeof(data));
	return vendor_decode(&p, ret);
}

static void packets_are_taken_apart(void **state)
{
	struct vendor_packet v;

	assert_int_equal(decode(MAGIC OUI "01", &v), 0);
	assert_int_equal(v.kind, VENDOR_SUBSCRIBE);
	assert_int_equal(decode(MAGIC OUI "02"
					  "0000000a00000004"
					  "616263",
				&v),
			 0);
	assert_int_equal(v.kind, VENDOR_DESCRIPTION);
	assert_int_equal(v.total, 10);
	assert_int_equal(v.offset, 4);
	assert_int_equal(v.len, 3);
	assert_memory_equal(v.data, "abc", 3);
	assert_int_equal(decode(MAGIC OUI "03"
					  "02"
					  "6f6666",
				&v),
			 0);
	assert_int_equal(v.kind, VENDOR_CLOSE);
	assert_int_equal(v.code, 2);
	assert_int_equal(v.len, 3);
	assert_memory_equal(v.data, "off", 3);
}

static void what_a_later_version_adds_to_subscribe_is_left_alone(void **state)
{
	struct vendor_packet v;

	assert_int_equal(decode(MAGIC OUI "01cafe", &v), 0);
	assert_int_equal(v.kind, VENDOR_SUBSCRIBE);
}

static void packets_of_others_are_not_ours(void **state)
{
	static const char *const others[] = {"",
					     MAGIC,
					     MAGIC "0253",
					     MAGIC OUI,
					     MAGIC "02534801",
					     MAGIC "00034701",
					     MAGIC "12534701"};
	struct vendor_packet v;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(decode(others[i], &v), -ENOMSG);
}

static void packets_of_ours_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = {
		MAGIC OUI "00", /* kinds that there are not */
		MAGIC OUI "07",
		MAGIC OUI "04", /* cut short */
		MAGIC OUI "04000102030405060708090a0b0c0d0e",
		MAGIC OUI "ff",
		MAGIC OUI "02", /* cut short */
		MAGIC OUI "0200000001000000",
		MAGIC OUI "020000000200000000", /* a fragment of nothing */
		MAGIC OUI "020000000200000002",
		MAGIC OUI "020000000100000000" /* more than the total */
			  "6162",
		MAGIC OUI "020000000300000002"
			  "6162",
		MAGIC OUI "020000000000000000"
			  "61",
		MAGIC OUI "0200000002ffffffff" /* an offset that wraps around */
			  "6162",
		MAGIC OUI "020002000100000000" /* one byte more than may be */
			  "61",
		MAGIC OUI "02ffffffff00000000"
			  "61",
		MAGIC OUI "03",
	};
	struct vendor_packet v;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode(bad[i], &v), -EBADMSG);
}

static void text_of_a_close_has_a_limit(void **state)
{
	uint8_t data[9 + VENDOR_REASON_MAX + 1] = {1, 2, 3, 4, 2, 'S', 'G', 3, 1};
	struct ppp_packet p = {.data = data, .len = sizeof(data) - 1};
	struct vendor_packet v;

	assert_int_equal(vendor_decode(&p, &v), 0);
	assert_int_equal(v.len, VENDOR_REASON_MAX);
	p.len++;
	assert_int_equal(vendor_decode(&p, &v), -EBADMSG);
}

static void value_of_a_trace_has_a_limit(void **state)
{
	uint8_t data[8 + VENDOR_TRACE_MAX + 1] = {1, 2, 3, 4, 2, 'S', 'G', 5};
	struct ppp_packet p = {.data = data};
	struct vendor_packet v;

	for (data[7] = 5; data[7] <= 6; data[7]++) {
		p.len = sizeof(data) - 1;
		assert_int_equal(vendor_decode(&p, &v), 0);
		assert_int_equal(v.len, VENDOR_TRACE_MAX);
		p.len++;
		assert_int_equal(vendor_decode(&p, &v), -EBADMSG);
	}
}

static void what_is_written_is_read(void **state)
{
	static const struct vendor_packet packets[] = {
		{.kind = VENDOR_SUBSCRIBE},
		{.kind = VENDOR_DESCRIPTION,
		 .total = VENDOR_TEXT_MAX,
		 .offset = 1000,
		 .data = (const uint8_t *)"{}",
		 .len = 2},
		{.kind = VENDOR_DESCRIPTION},
		{.kind = VENDOR_CLOSE, .code = 3, .data = (const uint8_t *)"why", .len = 3},
		{.kind = VENDOR_CLOSE, .code = 1},
		{.kind = VENDOR_ADDRESS6, .data = (const uint8_t *)"0123456789abcdef", .len = 16},
		{.kind = VENDOR_TRACE, .data = (const uint8_t *)"abc", .len = 3},
		{.kind = VENDOR_TRACED, .data = (const uint8_t *)"abcd", .len = 4},
	};
	struct vendor_packet v;
	uint8_t buf[64];

	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct wire_writer w = wire_writer(buf, sizeof(buf));
		struct ppp_packet p = {.data = buf};

		vendor_put(&w, 0xdeadbeef, &packets[i]);
		assert_memory_equal(buf, "\xde\xad\xbe\xef\x02SG", 7);
		p.len = wire_len(&w);
		assert_int_equal(vendor_decode(&p, &v), 0);
		assert_int_equal(v.kind, packets[i].kind);
		assert_int_equal(v.total, packets[i].total);
		assert_int_equal(v.offset, packets[i].offset);
		assert_int_equal(v.code, packets[i].code);
		assert_int_equal(v.len, packets[i].len);
		if (v.len)
			assert_memory_equal(v.data, packets[i].data, v.len);
	}
}

/* ---- reassembly ---- */

static int add(struct vendor_text *t, uint32_t total, uint32_t offset, const char *text)
{
	return vendor_text_add(t, &(struct vendor_packet){.kind = VENDOR_DESCRIPTION,
							  .total = total,
							  .offset = offset,
							  .data = (const uint8_t *)text,
							  .len = strlen(text)});
}

static void fragments_become_the_text(void **state)
{
	struct vendor_text t = {0};

	assert_int_equal(add(&t, 6, 0, "ab"), 0);
	assert_int_equal(add(&t, 6, 2, "cde"), 0);
	assert_int_equal(add(&t, 6, 5, "f"), 1);
	assert_int_equal(t.total, 6);
	assert_memory_equal(t.bytes, "abcdef", 6);
	assert_int_equal(add(&t, 2, 0, "xy"), 1);
	assert_memory_equal(t.bytes, "xy", 2);
	assert_int_equal(add(&t, 0, 0, ""), 1);
	assert_int_equal(t.total, 0);
	vendor_text_done(&t);
}

static void new_text_takes_the_place_of_one_that_is_not_complete(void **state)
{
	struct vendor_text t = {0};

	assert_int_equal(add(&t, 6, 0, "ab"), 0);
	assert_int_equal(add(&t, 4, 0, "wx"), 0);
	assert_int_equal(add(&t, 4, 2, "yz"), 1);
	assert_memory_equal(t.bytes, "wxyz", 4);
	vendor_text_done(&t);
}

/* Each row: a fragment that does not follow on "ab" of 6 bytes. */
static void gaps_overlaps_and_other_totals_forget_what_there_was(void **state)
{
	static const struct {
		uint32_t total, offset;
		const char *text;
	} rows[] = {{6, 3, "def"}, {6, 1, "bcdef"}, {6, 1, "b"}, {7, 2, "cdefg"}, {2, 2, ""}};
	struct vendor_text t = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(add(&t, 6, 0, "ab"), 0);
		assert_int_equal(add(&t, rows[i].total, rows[i].offset, rows[i].text), -EBADMSG);
		assert_null(t.bytes);
		assert_int_equal(add(&t, 6, 2, "cdef"), -EBADMSG);
	}
	/* nothing was begun; it is complete already */
	assert_int_equal(add(&t, 6, 4, "ef"), -EBADMSG);
	assert_int_equal(add(&t, 2, 0, "ab"), 1);
	assert_int_equal(add(&t, 2, 2, ""), -EBADMSG);
	vendor_text_done(&t);
}

/* As a hostile gateway might: it never comes to an end, and holds no more than one text meanwhile. */
static void text_that_begins_for_ever_holds_one_buffer(void **state)
{
	struct vendor_text t = {0};

	for (int i = 0; i < 100000; i++)
		assert_int_equal(add(&t, VENDOR_TEXT_MAX, 0, "x"), 0);
	assert_int_equal(t.got, 1);
	vendor_text_done(&t);
	assert_null(t.bytes);
}

static void random_fragments_give_the_text_or_nothing(void **state)
{
	static uint8_t text[4096];
	struct vendor_text t = {0};
	unsigned complete = 0;
	struct prng prng;

	prng_init(&prng, 2153);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31 + i / 256);
	for (int run = 0; run < 20000; run++) {
		uint32_t total = prng_below(&prng, sizeof(text)) + 1, at = 0;
		bool spoilt = false;
		int r = 0;

		while (at < total && r == 0) {
			uint32_t n = prng_below(&prng, total - at) + 1;
			bool spoil = at > 0 && prng_below(&prng, 8) == 0;

			r = vendor_text_add(&t, &(struct vendor_packet){.kind = VENDOR_DESCRIPTION,
									.total = total,
									.offset = at - spoil,
									.data = text + at,
									.len = n});
			/* one byte back is offset 0 when only one was there: begun anew */
			spoilt |= spoil;
			at += n;
		}
		if (spoilt)
			assert_int_not_equal(r, 1);
		if (r != 1)
			continue;
		complete++;
		assert_int_equal(t.total, total);
		assert_memory_equal(t.bytes, text, total);
	}
	assert_in_range(complete, 1000, 19999);
	vendor_text_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_taken_apart),
		cmocka_unit_test(what_a_later_version_adds_to_subscribe_is_left_alone),
		cmocka_unit_test(packets_of_others_are_not_ours),
		cmocka_unit_test(packets_of_ours_that_cannot_be_are_refused),
		cmocka_unit_test(text_of_a_close_has_a_limit),
		cmocka_unit_test(value_of_a_trace_has_a_limit),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(fragments_become_the_text),
		cmocka_unit_test(new_text_takes_the_place_of_one_that_is_not_complete),
		cmocka_unit_test(gaps_overlaps_and_other_totals_forget_what_there_was),
		cmocka_unit_test(text_that_begins_for_ever_holds_one_buffer),
		cmocka_unit_test(random_fragments_give_the_text_or_nothing),
	};

	return cmocka_run_group_tests_name("ppp/vendor", tests, NULL, NULL);
}
