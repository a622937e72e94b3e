/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/packet.h"

#include <errno.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"

#define NONCE_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static int packet_len(const char *hex)
{
	uint8_t buf[64];
	size_t len = hex_decode(hex, buf, sizeof(buf));

	return sstp_packet_len(buf, len);
}

static void assert_written(const struct wire_writer *w, const char *hex)
{
	uint8_t expected[2048];
	size_t len = hex_decode(hex, expected, sizeof(expected));

	assert_false(w->failed);
	assert_int_equal(wire_len(w), len);
	assert_memory_equal(w->start, expected, len);
}

static void length_is_known_with_four_bytes_and_not_before(void **state)
{
	assert_int_equal(packet_len(""), 0);
	assert_int_equal(packet_len("10"), 0);
	assert_int_equal(packet_len("1001"), 0);
	assert_int_equal(packet_len("100100"), 0);
	assert_int_equal(packet_len("1001000e"), 14);
}

static void every_length_of_a_data_packet_is_delineated_or_refused(void **state)
{
	for (unsigned length = 0; length <= SSTP_PACKET_MAX; length++) {
		uint8_t data[] = {0x10, 0x00, (uint8_t)(length >> 8), (uint8_t)length};
		uint8_t control[] = {0x10, 0x01, (uint8_t)(length >> 8), (uint8_t)length};

		assert_int_equal(sstp_packet_len(data, 4), length < 4 ? -EPROTO : (int)length);
		assert_int_equal(sstp_packet_len(control, 4), length < 8 ? -EPROTO : (int)length);
	}
}

static void every_version_but_one_is_refused(void **state)
{
	for (unsigned version = 0; version <= UINT8_MAX; version++) {
		uint8_t buf[] = {(uint8_t)version, 0x00, 0x00, 0x08};

		assert_int_equal(sstp_packet_len(buf, 4), version == 0x10 ? 8 : -EPROTO);
	}
}

static void reserved_bits_of_the_header_are_masked(void **state)
{
	uint8_t data[] = {0x10, 0xfe, 0xf0, 0x0e};
	uint8_t control[] = {0x10, 0xff, 0xf0, 0x0e};

	assert_int_equal(sstp_packet_len(data, 4), 14);
	assert_int_equal(sstp_packet_len(control, 4), 14);
	assert_int_equal(sstp_packet_is_control(data), 0);
	assert_int_equal(sstp_packet_is_control(control), 1);
}

static void data_header_counts_itself(void **state)
{
	uint8_t buf[4];

	sstp_put_data_header(buf, 4091);
	assert_memory_equal(buf, ((uint8_t[]){0x10, 0x00, 0x0f, 0xff}), 4);
}

static struct sstp_control decode(const char *hex, uint8_t *buf, size_t cap)
{
	size_t len = hex_decode(hex, buf, cap);
	struct sstp_control msg;

	assert_int_equal(sstp_decode_control(buf, len, &msg), 0);
	return msg;
}

static void less_than_a_control_header_is_not_decoded(void **state)
{
	uint8_t buf[] = {0x10, 0x01, 0x00, 0x08, 0x00, 0x08, 0x00};
	struct sstp_control msg = {.type = 0x4711};

	assert_int_equal(sstp_decode_control(buf, sizeof(buf), &msg), -EPROTO);
	assert_int_equal(msg.type, 0x4711);
}

static void attributes_are_walked_in_order(void **state)
{
	uint8_t buf[64];
	struct sstp_control msg = decode("10010013 0001 0002 00010006 0001 ff77f005 ab", buf, 64);
	struct sstp_attr attr;

	assert_int_equal(msg.type, SSTP_MSG_CALL_CONNECT_REQUEST);
	assert_int_equal(msg.nattrs, 2);
	assert_false(msg.malformed);
	assert_true(sstp_next_attr(&msg.attrs, &attr));
	assert_int_equal(attr.id, 1);
	assert_int_equal(attr.value_len, 2);
	assert_memory_equal(attr.value, ((uint8_t[]){0, 1}), 2);
	assert_true(sstp_next_attr(&msg.attrs, &attr));
	assert_int_equal(attr.id, 0x77);
	assert_int_equal(attr.value_len, 1);
	assert_int_equal(attr.value[0], 0xab);
	assert_false(sstp_next_attr(&msg.attrs, &attr));
}

static void attributes_that_do_not_fill_the_packet_are_malformed(void **state)
{
	static const char *const packets[] = {
		"1001000c 0001 0001 00010000",		   /* length 0 */
		"1001000c 0001 0001 00010003",		   /* length 3 */
		"1001000e 0001 0001 00010007 0001",	   /* one byte past the end */
		"1001000e 0001 0001 00010fff 0001",	   /* far past the end */
		"1001000e 0001 0000 00010006 0001",	   /* more than counted */
		"1001000e 0001 0002 00010006 0001",	   /* fewer than counted */
		"1001000e 0001 ffff 00010006 0001",	   /* count of 65535 */
		"1001000f 0001 0001 00010006 0001 00",	   /* a byte behind the last */
		"10010011 0001 0001 00010006 0001 000200", /* a cut attribute header */
		"10010008 0001 0001",			   /* counted, and none there */
	};

	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++) {
		uint8_t buf[64];
		struct sstp_control msg = decode(packets[i], buf, sizeof(buf));
		struct sstp_attr attr;

		assert_true(msg.malformed);
		assert_int_equal(msg.type, SSTP_MSG_CALL_CONNECT_REQUEST);
		assert_false(sstp_next_attr(&msg.attrs, &attr));
	}
}

static void as_many_empty_attributes_as_a_packet_holds_are_walked(void **state)
{
	uint8_t buf[SSTP_PACKET_MAX] = {0};
	struct wire_writer w = wire_writer(buf, sizeof(buf));
	struct sstp_control msg;
	const unsigned n = (SSTP_PACKET_MAX - 8) / 4;

	wire_put_be16(&w, 0x1001);
	wire_put_be16(&w, (uint16_t)(8 + 4 * n));
	wire_put_be16(&w, SSTP_MSG_ECHO_REQUEST);
	wire_put_be16(&w, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		wire_put_be32(&w, 0x00090004);
	assert_int_equal(sstp_decode_control(buf, wire_len(&w), &msg), 0);
	assert_false(msg.malformed);
	assert_int_equal(msg.nattrs, 1021);
}

static void the_only_attribute_is_of_that_id_and_length_or_none(void **state)
{
	uint8_t buf[64];
	struct sstp_control one = decode("1001000e 0001 0001 00010006 0001", buf, sizeof(buf));
	struct sstp_attr attr = {0};

	assert_false(sstp_only_attr(&one, SSTP_ATTRIB_STATUS_INFO, 6, &attr));
	assert_false(sstp_only_attr(&one, SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID, 5, &attr));
	assert_int_equal(attr.value_len, 0);
	assert_true(sstp_only_attr(&one, SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID, 6, &attr));
	assert_int_equal(attr.value_len, 2);
	one = decode("10010014 0001 0002 00010006 0001 00010006 0001", buf, sizeof(buf));
	assert_false(sstp_only_attr(&one, SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID, 6, &attr));
	one = decode("10010008 0001 0000", buf, sizeof(buf));
	assert_false(sstp_only_attr(&one, SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID, 6, &attr));
}

static void first_status_info_that_can_be_read_is_the_status(void **state)
{
	uint8_t buf[128];
	struct sstp_control msg =
		decode("10010022 0003 0003 00020008 00000001 0002000e ff ff ff 01 00000004 0002 "
		       "00090004",
		       buf, sizeof(buf));
	struct sstp_status_info info = sstp_first_status(&msg);

	assert_int_equal(info.attribute, 1);
	assert_int_equal(info.status, SSTP_STATUS_VALUE_NOT_SUPPORTED);
	assert_int_equal(info.value_len, 2);
	assert_memory_equal(info.value, ((uint8_t[]){0, 2}), 2);
}

static void message_without_a_status_info_says_nothing(void **state)
{
	uint8_t buf[128];
	struct sstp_control bare = decode("1001000800050000", buf, sizeof(buf));

	assert_int_equal(sstp_first_status(&bare).attribute, 0);
	assert_int_equal(sstp_first_status(&bare).status, 0);
}

static void status_info_holds_eight_to_seventytwo_bytes(void **state)
{
	static const uint8_t value[73] = {0, 0, 0, 3, 0, 0, 0, 4};
	struct sstp_attr attr = {.id = SSTP_ATTRIB_STATUS_INFO, .value = value};
	struct sstp_status_info info;

	for (attr.value_len = 0; attr.value_len <= sizeof(value); attr.value_len++)
		assert_int_equal(sstp_read_status_info(&attr, &info),
				 attr.value_len >= 8 && attr.value_len <= 72);
}

static void messages_are_the_specifications_bytes(void **state)
{
	static const struct {
		void (*put)(struct wire_writer *w);
		const char *hex;
	} messages[] = {
		{sstp_put_call_connect_request, "1001000e00010001000100060001"},
		{sstp_put_call_disconnect, "10010014000600010002000c0000000000000000"},
		{sstp_put_call_disconnect_ack, "1001000800070000"},
		{sstp_put_echo_request, "1001000800080000"},
		{sstp_put_echo_response, "1001000800090000"},
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		uint8_t buf[64];
		struct wire_writer w = wire_writer(buf, sizeof(buf));

		messages[i].put(&w);
		assert_written(&w, messages[i].hex);
	}
}

static void ack_carries_mask_and_nonce(void **state)
{
	uint8_t nonce[SSTP_NONCE_SIZE];
	uint8_t buf[64];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	hex_decode(NONCE_HEX, nonce, sizeof(nonce));
	sstp_put_call_connect_ack(&w, SSTP_HASH_SHA256, nonce);
	assert_written(&w, "10010030000200010004002800000002" NONCE_HEX);
	w = wire_writer(buf, sizeof(buf));
	sstp_put_call_connect_ack(&w, SSTP_HASH_SHA1 | SSTP_HASH_SHA256, nonce);
	assert_written(&w, "10010030000200010004002800000003" NONCE_HEX);
}

static void abort_carries_one_status_info_of_twelve_bytes(void **state)
{
	static const struct {
		uint8_t attribute;
		uint32_t status;
		const char *hex;
	} aborts[] = {
		{2, 5, "10010014000500010002000c0000000200000005"},
		{2, 6, "10010014000500010002000c0000000200000006"},
		{2, 7, "10010014000500010002000c0000000200000007"},
		{2, 8, "10010014000500010002000c0000000200000008"},
		{2, 9, "10010014000500010002000c0000000200000009"},
		{3, 4, "10010014000500010002000c0000000300000004"},
		{4, 4, "10010014000500010002000c0000000400000004"},
	};

	for (size_t i = 0; i < sizeof(aborts) / sizeof(*aborts); i++) {
		uint8_t buf[64];
		struct wire_writer w = wire_writer(buf, sizeof(buf));

		sstp_put_call_abort(&w, aborts[i].attribute, aborts[i].status);
		assert_written(&w, aborts[i].hex);
	}
}

static void nak_length_includes_the_echoed_value(void **state)
{
	struct sstp_status_info info = {1, SSTP_STATUS_VALUE_NOT_SUPPORTED, 2, (uint8_t[]){0, 2}};
	uint8_t buf[64];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	sstp_put_call_connect_nak(&w, &info, 1);
	assert_written(&w, "10010016000300010002000e00000001000000040002");
}

static void nak_without_values_is_twelve_bytes_per_attribute(void **state)
{
	struct sstp_status_info infos[] = {
		{.attribute = 2, .status = SSTP_STATUS_REQUIRED_ATTRIBUTE_MISSING},
		{.attribute = 1, .status = SSTP_STATUS_REQUIRED_ATTRIBUTE_MISSING},
	};
	uint8_t buf[64];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	sstp_put_call_connect_nak(&w, &infos[0], 1);
	assert_written(&w, "10010014000300010002000c000000020000000a");
	w = wire_writer(buf, sizeof(buf));
	sstp_put_call_connect_nak(&w, &infos[1], 1);
	assert_written(&w, "10010014000300010002000c000000010000000a");
	w = wire_writer(buf, sizeof(buf));
	sstp_put_call_connect_nak(&w, infos, 2);
	assert_written(&w, "1001002000030002 0002000c000000020000000a 0002000c000000010000000a");
}

static void largest_nak_is_well_formed_and_its_values_are_cut(void **state)
{
	static const uint8_t value[100] = {0x5a};
	struct sstp_status_info infos[SSTP_NAK_MAX];
	uint8_t buf[SSTP_PACKET_MAX];
	struct wire_writer w = wire_writer(buf, sizeof(buf));
	struct sstp_control msg;

	for (int i = 0; i < SSTP_NAK_MAX; i++)
		infos[i] = (struct sstp_status_info){1, 4, sizeof(value), value};
	sstp_put_call_connect_nak(&w, infos, SSTP_NAK_MAX);
	assert_int_equal(wire_len(&w), 8 + 16 * 76);
	assert_int_equal(sstp_packet_len(buf, 4), 8 + 16 * 76);
	assert_int_equal(sstp_decode_control(buf, wire_len(&w), &msg), 0);
	assert_false(msg.malformed);
	assert_int_equal(sstp_first_status(&msg).value_len, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length_is_known_with_four_bytes_and_not_before),
		cmocka_unit_test(every_length_of_a_data_packet_is_delineated_or_refused),
		cmocka_unit_test(every_version_but_one_is_refused),
		cmocka_unit_test(reserved_bits_of_the_header_are_masked),
		cmocka_unit_test(data_header_counts_itself),
		cmocka_unit_test(less_than_a_control_header_is_not_decoded),
		cmocka_unit_test(attributes_are_walked_in_order),
		cmocka_unit_test(attributes_that_do_not_fill_the_packet_are_malformed),
		cmocka_unit_test(as_many_empty_attributes_as_a_packet_holds_are_walked),
		cmocka_unit_test(the_only_attribute_is_of_that_id_and_length_or_none),
		cmocka_unit_test(first_status_info_that_can_be_read_is_the_status),
		cmocka_unit_test(message_without_a_status_info_says_nothing),
		cmocka_unit_test(status_info_holds_eight_to_seventytwo_bytes),
		cmocka_unit_test(messages_are_the_specifications_bytes),
		cmocka_unit_test(ack_carries_mask_and_nonce),
		cmocka_unit_test(abort_carries_one_status_info_of_twelve_bytes),
		cmocka_unit_test(nak_length_includes_the_echoed_value),
		cmocka_unit_test(nak_without_values_is_twelve_bytes_per_attribute),
		cmocka_unit_test(largest_nak_is_well_formed_and_its_values_are_cut),
	};

	return cmocka_run_group_tests_name("proto/packet", tests, NULL, NULL);
}
