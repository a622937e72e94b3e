/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/request.h"

#include "test/support/cmocka.h"
#include "test/support/hex.h"

struct complaint {
	uint8_t attribute;
	uint32_t status;
};

struct request_case {
	const char *attrs; /* behind the message type: the count, then the attributes */
	size_t n;
	struct complaint complaints[4];
};

static size_t check(const char *attrs, struct sstp_status_info *ret_bad)
{
	static uint8_t buf[SSTP_PACKET_MAX];
	struct sstp_control msg;
	size_t len = 6 + hex_decode(attrs, buf + 6, sizeof(buf) - 6);

	hex_decode("100100000001", buf, 6);
	assert_int_equal(sstp_decode_control(buf, len, &msg), 0);
	assert_false(msg.malformed);
	return request_check(&msg, ret_bad);
}

static void request_for_ppp_alone_is_acceptable(void **state)
{
	struct sstp_status_info bad[SSTP_NAK_MAX];

	assert_int_equal(check("0001 00010006 0001", bad), 0);
}

static void reserved_bits_of_an_attribute_are_no_obstacle(void **state)
{
	struct sstp_status_info bad[SSTP_NAK_MAX];

	assert_int_equal(check("0001 ff01f006 0001", bad), 0);
}

static void each_unacceptable_attribute_is_named_with_its_reason(void **state)
{
	static const struct request_case cases[] = {
		/* the protocol */
		{"0000", 1, {{2, 10}}},
		{"0001 00010006 0002", 1, {{1, 4}}},
		{"0001 00010006 0100", 1, {{1, 4}}},
		{"0001 00010004", 1, {{1, 3}}},
		{"0001 00010005 00", 1, {{1, 3}}},
		{"0001 00010007 000100", 1, {{1, 3}}},
		{"0002 00010006 0001 00010006 0001", 1, {{1, 1}}},
		{"0003 00010006 0001 00010006 0001 00010006 0002", 2, {{1, 1}, {1, 1}}},
		/* Status Info */
		{"0002 00010006 0001 0002000c 0000000000000000", 0, {{0}}},
		{"0002 00010006 0001 0002000c 0000000000000001", 1, {{2, 11}}},
		{"0002 00010006 0001 0002000c 0000000180000000", 1, {{2, 11}}},
		{"0002 00010006 0001 0002000b 00000000000000", 1, {{2, 3}}},
		{"0001 0002000c 0000000200000005", 2, {{2, 11}, {2, 10}}},
		/* attributes of other messages, and of none */
		{"0002 00000004 00010006 0001", 1, {{0, 2}}},
		{"0002 00030004 00010006 0001", 1, {{3, 2}}},
		{"0002 00040004 00010006 0001", 1, {{4, 2}}},
		{"0003 00050004 00ff0005 00 00010006 0001", 2, {{5, 2}, {255, 2}}},
		{"0003 00090004 00090004 00010006 0001", 2, {{9, 2}, {9, 1}}},
		/* all at once, in the order of the attributes */
		{"0004 00090004 00010006 0003 0002000c 0000000000000001 00010006 0001",
		 4,
		 {{9, 2}, {1, 4}, {2, 11}, {1, 1}}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sstp_status_info bad[SSTP_NAK_MAX];
		size_t n = check(cases[i].attrs, bad);

		assert_int_equal(n, cases[i].n);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(bad[k].attribute, cases[i].complaints[k].attribute);
			assert_int_equal(bad[k].status, cases[i].complaints[k].status);
		}
	}
}

static void only_a_value_not_supported_is_echoed(void **state)
{
	struct sstp_status_info bad[SSTP_NAK_MAX];

	assert_int_equal(check("0001 00010006 abcd", bad), 1);
	assert_int_equal(bad[0].value_len, 2);
	assert_memory_equal(bad[0].value, ((uint8_t[]){0xab, 0xcd}), 2);
	assert_int_equal(check("0001 00010007 abcdef", bad), 1);
	assert_int_equal(bad[0].value_len, 0);
	assert_int_equal(check("0000", bad), 1);
	assert_int_equal(bad[0].value_len, 0);
}

static void complaints_end_at_the_limit_of_a_nak(void **state)
{
	struct sstp_status_info bad[SSTP_NAK_MAX + 1] = {[SSTP_NAK_MAX].attribute = 0xee};
	uint8_t buf[SSTP_PACKET_MAX] = {0x10, 0x01, 0x0f, 0xfc, 0, 1, 0x03, 0xfd};
	struct wire_writer w = wire_writer(buf + 8, sizeof(buf) - 8);
	struct sstp_control msg;

	for (int i = 0; i < 1021; i++)
		wire_put_be32(&w, 0x00090004);
	assert_int_equal(sstp_decode_control(buf, 8 + wire_len(&w), &msg), 0);
	assert_false(msg.malformed);
	assert_int_equal(request_check(&msg, bad), SSTP_NAK_MAX);
	assert_int_equal(bad[SSTP_NAK_MAX].attribute, 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_for_ppp_alone_is_acceptable),
		cmocka_unit_test(reserved_bits_of_an_attribute_are_no_obstacle),
		cmocka_unit_test(each_unacceptable_attribute_is_named_with_its_reason),
		cmocka_unit_test(only_a_value_not_supported_is_echoed),
		cmocka_unit_test(complaints_end_at_the_limit_of_a_nak),
	};

	return cmocka_run_group_tests_name("proto/request", tests, NULL, NULL);
}
