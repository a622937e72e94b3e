/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sstp/ppp/frame.h"
#include "sstp/ppp/option.h"
#include "test/support/cmocka.h"
#include "test/support/hex.h"

static int decode(const char *hex, struct ppp_frame *ret_frame)
{
	static uint8_t bytes[64];

	return frame_decode(bytes, hex_decode(hex, bytes, sizeof(bytes)), ret_frame);
}

static int decode_packet(const char *hex, struct ppp_packet *ret_packet)
{
	struct ppp_frame f;

	assert_int_equal(decode(hex, &f), 0);
	return frame_decode_packet(&f, ret_packet);
}

static void P67_address_protocol_or_both_may_be_compressed(void **state)
{
	static const char *const frames[] = {"ff030021", "ff0321", "0021", "21"};
	struct ppp_frame f;

	for (size_t i = 0; i < 4; i++) {
		char hex[32];

		snprintf(hex, sizeof(hex), "%s45aa", frames[i]);
		assert_int_equal(decode(hex, &f), 0);
		assert_int_equal(f.protocol, PPP_IPV4);
		assert_int_equal(f.len, 2);
		assert_int_equal(f.info[0], 0x45);
		assert_int_equal(f.at, strlen(frames[i]) / 2);
	}
}

static void X16_frames_without_a_whole_protocol_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "ff", "ff03", "ff0300", "00", "c0", "ff02c021", "c020", "ff03c022",
	};
	struct ppp_frame f;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode(bad[i], &f), -EBADMSG);
}

static void frame_without_information_is_empty(void **state)
{
	struct ppp_frame f;

	assert_int_equal(decode("ff03c021", &f), 0);
	assert_int_equal(f.protocol, PPP_LCP);
	assert_int_equal(f.len, 0);
}

static void padding_behind_a_packet_is_left_out(void **state)
{
	struct ppp_packet p;

	assert_int_equal(decode_packet("ff03c021 09 07 0008 345f64ca 0000", &p), 0);
	assert_int_equal(p.code, 9);
	assert_int_equal(p.id, 7);
	assert_int_equal(p.len, 4);
	assert_int_equal(p.data[3], 0xca);
}

static void X04_packet_length_beyond_the_frame_or_below_the_header_is_refused(void **state)
{
	static const char *const bad[] = {
		"ff03c021",
		"ff03c0210101",
		"ff03c021010100",
		"ff03c02101010000",
		"ff03c02101010003",
		"ff03c02101010005",
		"ff03c021010100ff01040578",
		"ff03c0210101ffff01040578",
	};
	struct ppp_packet p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode_packet(bad[i], &p), -EBADMSG);
}

static void P54_packets_are_sent_with_a_whole_header_and_their_length(void **state)
{
	uint8_t buf[256], expected[16];
	struct outbox out = outbox(buf, sizeof(buf));
	struct wire_writer w = frame_begin(&out, PPP_LCP, 9, 7);
	uint8_t *msg;
	size_t len, pos = 0;

	wire_put_be32(&w, 0x345f64ca);
	frame_end(&out, &w);
	assert_true(outbox_next(&out, &pos, &msg, &len));
	assert_int_equal(len, hex_decode("ff03c02109070008345f64ca", expected, sizeof(expected)));
	assert_memory_equal(msg, expected, len);
}

static void a_copy_is_cut_to_the_mru(void **state)
{
	uint8_t buf[256], data[100] = {0};
	struct outbox out = outbox(buf, sizeof(buf));
	struct wire_writer w = frame_begin(&out, PPP_LCP, 10, 1);

	frame_put_cut(&w, data, 20, 64);
	assert_int_equal(wire_len(&w), 8 + 20);
	frame_put_cut(&w, data, sizeof(data), 64);
	assert_int_equal(wire_len(&w), PPP_FRAME_HEADER + 64);
	frame_put_cut(&w, data, sizeof(data), 64);
	assert_int_equal(wire_len(&w), PPP_FRAME_HEADER + 64);
}

static void options_are_walked_in_order(void **state)
{
	struct wire_reader r = wire_reader((uint8_t[]){1, 4, 0x05, 0x78, 7, 2}, 6);
	struct option o;

	assert_true(option_next(&r, &o));
	assert_int_equal(o.type, 1);
	assert_int_equal(o.len, 2);
	assert_int_equal(o.data[1], 0x78);
	assert_true(option_next(&r, &o));
	assert_int_equal(o.type, 7);
	assert_int_equal(o.len, 0);
	assert_false(option_next(&r, &o));
	assert_true(wire_done(&r));
}

static void X03_an_option_of_length_0_or_1_or_past_the_end_spoils_the_list(void **state)
{
	static const char *const bad[] = {"0100", "0101", "01", "0103aa0100", "0105ffff", "02ff00"};
	struct wire_reader r;
	struct option o;
	uint8_t list[8];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(option_check(list, hex_decode(bad[i], list, sizeof(list))),
				 -EBADMSG);
	r = wire_reader(list, hex_decode("0105ffff", list, sizeof(list)));
	assert_false(option_next(&r, &o));
	assert_false(wire_ok(&r));
	assert_int_equal(option_check(list, 0), 0);
	assert_int_equal(option_check(list, hex_decode("010405dc0702", list, sizeof(list))), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(P67_address_protocol_or_both_may_be_compressed),
		cmocka_unit_test(X16_frames_without_a_whole_protocol_are_refused),
		cmocka_unit_test(frame_without_information_is_empty),
		cmocka_unit_test(padding_behind_a_packet_is_left_out),
		cmocka_unit_test(X04_packet_length_beyond_the_frame_or_below_the_header_is_refused),
		cmocka_unit_test(P54_packets_are_sent_with_a_whole_header_and_their_length),
		cmocka_unit_test(a_copy_is_cut_to_the_mru),
		cmocka_unit_test(options_are_walked_in_order),
		cmocka_unit_test(X03_an_option_of_length_0_or_1_or_past_the_end_spoils_the_list),
	};

	return cmocka_run_group_tests_name("ppp/frame", tests, NULL, NULL);
}
