/* SPDX-License-Identifier: Apache-2.0 */
/* The values of TRACE and TRACED as bytes. */
#include <errno.h>
#include <string.h>

#include "sstp/ppp/vendor_trace.h"
#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/support/prng.h"

#define TRACE4             \
	"00000007cafe0001" \
	"0050ee49"         \
	"04"               \
	"0a140002"
#define TRACE6             \
	"00000008cafe0002" \
	"0000ee4a"         \
	"06"               \
	"fd000000000000000000000000000002"
#define HEAD       \
	"00000007" \
	"01"       \
	"02"       \
	"0000"     \
	"000003e8" \
	"000000fe" \
	"00000002" \
	"00000001"
#define TRACED4           \
	HEAD "00"         \
	     "040ae50001" \
	     "0573737470" \
	     "30"         \
	     "00"
#define TRACED_DROP       \
	HEAD "040ae50001" \
	     "00"         \
	     "00"         \
	     "06736f75726365"

static uint8_t bytes[512];

static int decode_trace(const char *hex, struct vendor_trace *ret)
{
	return vendor_trace_decode(bytes, hex_decode(hex, bytes, sizeof(bytes)), ret);
}

static int decode_traced(const char *hex, struct vendor_traced *ret)
{
	return vendor_traced_decode(bytes, hex_decode(hex, bytes, sizeof(bytes)), ret);
}

static void question_is_taken_apart(void **state)
{
	struct vendor_trace t;

	assert_int_equal(decode_trace(TRACE4, &t), 0);
	assert_int_equal(t.id, 7);
	assert_int_equal(t.number, 0xcafe0001);
	assert_int_equal(t.port, 80);
	assert_int_equal(t.own, 61001);
	assert_int_equal(t.to.family, 4);
	assert_memory_equal(t.to.bytes, "\x0a\x14\x00\x02", 4);
	assert_int_equal(decode_trace(TRACE6, &t), 0);
	assert_int_equal(t.port, 0);
	assert_int_equal(t.to.family, 6);
	assert_int_equal(t.to.bytes[15], 2);
}

static void answer_is_taken_apart(void **state)
{
	struct vendor_traced t;

	assert_int_equal(decode_traced(TRACED4, &t), 0);
	assert_int_equal(t.id, 7);
	assert_int_equal(t.route, VENDOR_ROUTE_TUNNEL);
	assert_int_equal(t.outcome, VENDOR_OUTCOME_OPEN);
	assert_int_equal(t.took_us, 1000);
	assert_int_equal(t.table, 254);
	assert_int_equal(t.sent, 2);
	assert_int_equal(t.received, 1);
	assert_int_equal(t.via.family, 0);
	assert_int_equal(t.source.family, 4);
	assert_string_equal(t.device, "sstp0");
	assert_string_equal(t.drop, "");
	assert_int_equal(decode_traced(TRACED_DROP, &t), 0);
	assert_int_equal(t.via.family, 4);
	assert_string_equal(t.device, "");
	assert_string_equal(t.drop, "source");
}

static void questions_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"00000007cafe0001",
		"00000007cafe00010050ee4900",	      /* no address */
		"00000007cafe00010050ee49050a140002", /* no such family */
		"00000007cafe00010050ee49040a1400",   /* cut short */
		"00000007cafe00010050ee49060a140002",
		TRACE4 "00",			      /* more */
		"00000007cafe000100500000040a140002", /* no port of its own */
	};
	struct vendor_trace t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode_trace(bad[i], &t), -EBADMSG);
}

static void answers_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		HEAD,
		HEAD "00000000"
		     "00", /* more */
		HEAD "00"
		     "00"
		     "00", /* less */
		HEAD "05"
		     "00000000"
		     "00", /* no such family */
		HEAD "00"
		     "00"
		     "10"
		     "30313233343536373839303132333435"
		     "00", /* a name that is too long */
		HEAD "00"
		     "00"
		     "03"
		     "612062"
		     "00", /* a blank in it */
		HEAD "00"
		     "00"
		     "03"
		     "610a62"
		     "00",
		HEAD "00"
		     "00"
		     "03"
		     "61ff62"
		     "00",
		HEAD "00"
		     "00"
		     "03"
		     "610062"
		     "00",
		HEAD "00"
		     "00"
		     "ff"
		     "00",
		"00000007"
		"00"
		"02"
		"0000"
		"000003e8"
		"000000fe"
		"00000002"
		"00000001"
		"00000000",
		"00000007"
		"06"
		"02"
		"0000"
		"000003e8"
		"000000fe"
		"00000002"
		"00000001"
		"00000000",
		"00000007"
		"01"
		"00"
		"0000"
		"000003e8"
		"000000fe"
		"00000002"
		"00000001"
		"00000000",
		"00000007"
		"01"
		"09"
		"0000"
		"000003e8"
		"000000fe"
		"00000002"
		"00000001"
		"00000000",
	};
	struct vendor_traced t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode_traced(bad[i], &t), -EBADMSG);
}

static void what_is_written_is_read(void **state)
{
	static const struct vendor_address address = {6, {0xfd, [15] = 9}};
	struct vendor_trace trace = {.id = 1, .number = 2, .port = 3, .own = 4, .to = address};
	struct vendor_traced traced = {
		.id = UINT32_MAX,
		.route = VENDOR_ROUTE_LAST,
		.outcome = VENDOR_OUTCOME_LAST,
		.error = 113,
		.took_us = 5,
		.table = 6,
		.sent = 7,
		.received = 8,
		.via = address,
		.source = address,
		.device = "a23456789012345",
		.drop = "a234567890123456789012345678901",
	};
	struct vendor_trace trace_again;
	struct vendor_traced traced_again;
	uint8_t buf[VENDOR_TRACE_MAX];
	size_t len = vendor_trace_put(&trace, buf);

	assert_int_equal(vendor_trace_decode(buf, len, &trace_again), 0);
	assert_int_equal(vendor_trace_put(&trace_again, bytes), len);
	assert_memory_equal(bytes, buf, len);
	len = vendor_traced_put(&traced, buf);
	assert_int_equal(len, 24 + 17 + 17 + 16 + 32);
	assert_int_equal(vendor_traced_decode(buf, len, &traced_again), 0);
	assert_int_equal(vendor_traced_put(&traced_again, bytes), len);
	assert_memory_equal(bytes, buf, len);
}

static void name_of_anything_may_go_on_the_wire(void **state)
{
	char buf[6];

	assert_string_equal(vendor_trace_name("sstp0", buf, sizeof(buf)), "sstp0");
	assert_string_equal(vendor_trace_name("a b\xff"
					      "cde",
					      buf, sizeof(buf)),
			    "a?b?c");
	assert_string_equal(vendor_trace_name("", buf, sizeof(buf)), "");
}

/* Whatever is accepted is written as it was. */
static void noise_is_refused_or_understood_whole(void **state)
{
	struct prng prng;
	struct vendor_traced t;
	uint8_t buf[VENDOR_TRACE_MAX];

	prng_init(&prng, 57);
	for (int i = 0; i < 20000; i++) {
		size_t len = hex_decode(i & 1 ? TRACED4 : TRACED_DROP, bytes, sizeof(bytes));

		bytes[prng_below(&prng, (uint32_t)len)] = (uint8_t)prng_below(&prng, 256);
		len -= prng_below(&prng, 8) == 0;
		if (vendor_traced_decode(bytes, len, &t) < 0)
			continue;
		assert_int_equal(vendor_traced_put(&t, buf), len);
		assert_memory_equal(buf, bytes, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_is_taken_apart),
		cmocka_unit_test(answer_is_taken_apart),
		cmocka_unit_test(questions_that_cannot_be_are_refused),
		cmocka_unit_test(answers_that_cannot_be_are_refused),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(name_of_anything_may_go_on_the_wire),
		cmocka_unit_test(noise_is_refused_or_understood_whole),
	};

	return cmocka_run_group_tests_name("ppp/vendor_trace", tests, NULL, NULL);
}
