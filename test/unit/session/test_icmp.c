/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/icmp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/tun/packet.h"
#include "tun/csum.h"
#include "tun/ip.h"

enum {
	BIG = 2000,
};

static const uint8_t from4[] = {172, 16, 77, 1};
static const uint8_t from6[16] = {0xfe, 0x80, [15] = 2};

/* 10.0.0.5 -> 10.20.0.2, protocol and size as wished, its payload a pattern. */
static void make4(uint8_t *pkt, size_t len, uint8_t protocol)
{
	for (size_t i = 0; i < len; i++)
		pkt[i] = (uint8_t)i;
	memcpy(pkt, (uint8_t[]){0x45,
				0,
				(uint8_t)(len / 256),
				(uint8_t)len,
				0,
				1,
				0x40,
				0,
				64,
				protocol,
				0,
				0,
				10,
				0,
				0,
				5,
				10,
				20,
				0,
				2},
	       20);
}

/* fd00::5 -> fd00:20::2 */
static void make6(uint8_t *pkt, size_t len, uint8_t protocol)
{
	for (size_t i = 0; i < len; i++)
		pkt[i] = (uint8_t)i;
	memset(pkt, 0, 40);
	pkt[0] = 0x60;
	packet_set_be16(pkt + 4, (unsigned)len - 40);
	pkt[6] = protocol;
	pkt[7] = 64;
	pkt[8] = pkt[24] = 0xfd;
	pkt[26] = 0x20;
	pkt[23] = 5;
	pkt[39] = 2;
}

/* In memory of exactly its size. */
static size_t answer(enum icmp_reason reason, uint16_t mtu, const uint8_t *pkt, size_t len,
		     uint8_t ret_packet[ICMP_PACKET_MAX])
{
	uint8_t *copy = malloc(len + !len);
	size_t n;

	assert_non_null(copy);
	memcpy(copy, pkt, len);
	n = icmp_answer(reason, mtu, len && pkt[0] >> 4 == 6 ? from6 : from4, copy, len,
			ret_packet);
	assert_int_equal(n > 0, icmp_is_due(copy, len));
	free(copy);
	return n;
}

static bool is_answered(const uint8_t *pkt, size_t len)
{
	uint8_t packet[ICMP_PACKET_MAX];

	return answer(ICMP_NO_ROUTE, 0, pkt, len, packet) > 0;
}

/* ---- what is said */

static void reason_has_its_type_and_code_in_each_family(void **state)
{
	static const struct {
		enum icmp_reason reason;
		uint8_t type4, code4, type6, code6;
	} rows[] = {
		{ICMP_NO_ROUTE, 3, 0, 1, 0},
		{ICMP_NO_HOST, 3, 1, 1, 3},
		{ICMP_PROHIBITED, 3, 13, 1, 1},
		{ICMP_TOO_BIG, 3, 4, 2, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t mtu = rows[i].reason == ICMP_TOO_BIG ? 1400 : 0;
		uint8_t pkt[100], packet[ICMP_PACKET_MAX];

		make4(pkt, sizeof(pkt), IPPROTO_UDP);
		assert_int_equal(answer(rows[i].reason, 1400, pkt, sizeof(pkt), packet), 128);
		assert_int_equal(packet[20], rows[i].type4);
		assert_int_equal(packet[21], rows[i].code4);
		assert_int_equal(packet[26] << 8 | packet[27], mtu);
		make6(pkt, sizeof(pkt), IPPROTO_UDP);
		assert_int_equal(answer(rows[i].reason, 1400, pkt, sizeof(pkt), packet), 148);
		assert_int_equal(packet[40], rows[i].type6);
		assert_int_equal(packet[41], rows[i].code6);
		assert_int_equal(packet[46] << 8 | packet[47], mtu);
	}
}

static void answer_is_a_whole_packet_to_the_source_and_quotes_what_it_is_about(void **state)
{
	uint8_t pkt[100], packet[ICMP_PACKET_MAX];
	struct ip_info ip;
	struct ip6_info ip6;

	make4(pkt, sizeof(pkt), IPPROTO_TCP);
	assert_int_equal(answer(ICMP_NO_ROUTE, 0, pkt, sizeof(pkt), packet), 128);
	assert_int_equal(ip_parse(packet, 128, &ip), 0);
	assert_int_equal(ip.total_len, 128);
	assert_int_equal(ip.protocol, IPPROTO_ICMP);
	assert_memory_equal(packet + 12, from4, 4);
	assert_memory_equal(packet + 16, pkt + 12, 4);
	assert_int_equal(ip_checksum(packet, 20, 0), 0xffff);
	assert_int_equal(ip_checksum(packet + 20, 108, 0), 0xffff);
	assert_memory_equal(packet + 28, pkt, sizeof(pkt));
	make6(pkt, sizeof(pkt), IPPROTO_TCP);
	assert_int_equal(answer(ICMP_NO_ROUTE, 0, pkt, sizeof(pkt), packet), 148);
	assert_int_equal(ip6_parse(packet, 148, &ip6), 0);
	assert_int_equal(ip6.total_len, 148);
	assert_int_equal(ip6.protocol, IPPROTO_ICMPV6);
	assert_memory_equal(ip6.src, from6, 16);
	assert_memory_equal(ip6.dst, pkt + 8, 16);
	assert_int_equal(csum_fold(csum_add(csum_pseudo_v6(packet + 8, IPPROTO_ICMPV6, 108),
					    packet + 40, 108)),
			 0xffff);
	assert_memory_equal(packet + 48, pkt, sizeof(pkt));
}

static void long_packet_is_quoted_as_far_as_it_fits(void **state)
{
	uint8_t pkt[BIG], packet[ICMP_PACKET_MAX];

	make4(pkt, 548, IPPROTO_UDP);
	assert_int_equal(answer(ICMP_NO_ROUTE, 0, pkt, 548, packet), 576);
	make4(pkt, BIG, IPPROTO_UDP);
	assert_int_equal(answer(ICMP_NO_ROUTE, 0, pkt, BIG, packet), 576);
	assert_memory_equal(packet + 28, pkt, 548);
	make6(pkt, BIG, IPPROTO_UDP);
	assert_int_equal(answer(ICMP_NO_ROUTE, 0, pkt, BIG, packet), 1280);
	assert_memory_equal(packet + 48, pkt, 1232);
}

/* ---- what nobody is told about */

static void icmp_error_is_not_answered_and_a_question_is(void **state)
{
	static const uint8_t queries[] = {0, 8, 9, 10, 13, 14, 17, 18};
	uint8_t pkt[64];

	for (unsigned type = 0; type < 256; type++) {
		make4(pkt, sizeof(pkt), IPPROTO_ICMP);
		pkt[20] = (uint8_t)type;
		assert_int_equal(is_answered(pkt, sizeof(pkt)),
				 memchr(queries, (int)type, sizeof(queries)) != NULL);
		make6(pkt, sizeof(pkt), IPPROTO_ICMPV6);
		pkt[40] = (uint8_t)type;
		assert_int_equal(is_answered(pkt, sizeof(pkt)), type >= 128 && type != 137);
	}
	make4(pkt, 20, IPPROTO_ICMP); /* nobody knows what it was */
	assert_false(is_answered(pkt, 20));
	make6(pkt, 40, IPPROTO_ICMPV6);
	assert_false(is_answered(pkt, 40));
}

static void answer_is_never_answered(void **state)
{
	uint8_t pkt[100], packet[ICMP_PACKET_MAX];
	size_t n;

	for (int reason = 0; reason < ICMP_REASONS; reason++) {
		make4(pkt, sizeof(pkt), IPPROTO_UDP);
		n = answer((enum icmp_reason)reason, 1400, pkt, sizeof(pkt), packet);
		assert_false(is_answered(packet, n));
		make6(pkt, sizeof(pkt), IPPROTO_UDP);
		n = answer((enum icmp_reason)reason, 1400, pkt, sizeof(pkt), packet);
		assert_false(is_answered(packet, n));
	}
}

static void only_the_first_fragment_is_answered(void **state)
{
	uint8_t pkt[100];

	make4(pkt, sizeof(pkt), IPPROTO_UDP);
	pkt[6] = 0x20;
	assert_true(is_answered(pkt, sizeof(pkt)));
	pkt[7] = 1;
	assert_false(is_answered(pkt, sizeof(pkt)));
	make6(pkt, sizeof(pkt), 44);
	memcpy(pkt + 40, (uint8_t[]){IPPROTO_UDP, 0, 0, 1, 0, 0, 0, 7}, 8);
	assert_true(is_answered(pkt, sizeof(pkt)));
	pkt[43] = 9; /* eight bytes into it */
	assert_false(is_answered(pkt, sizeof(pkt)));
	pkt[43] = 1;
	pkt[40] = IPPROTO_ICMPV6;
	pkt[48] = 1; /* of an error */
	assert_false(is_answered(pkt, sizeof(pkt)));
	make6(pkt, 44, 44); /* a header that is cut */
	assert_false(is_answered(pkt, 44));
}

static void what_is_not_from_one_host_to_one_host_is_not_answered(void **state)
{
	static const char *const wrong4[] = {"0.0.0.0",	       "0.1.2.3",   "127.0.0.1",
					     "224.0.0.5",      "239.1.2.3", "240.0.0.1",
					     "255.255.255.255"};
	static const char *const wrong6[] = {"::", "::1", "ff02::1", "ff0e::2"};
	uint8_t pkt[100];

	for (size_t i = 0; i < sizeof(wrong4) / sizeof(wrong4[0]); i++) {
		make4(pkt, sizeof(pkt), IPPROTO_UDP);
		inet_pton(AF_INET, wrong4[i], pkt + 12);
		assert_false(is_answered(pkt, sizeof(pkt)));
		make4(pkt, sizeof(pkt), IPPROTO_UDP);
		inet_pton(AF_INET, wrong4[i], pkt + 16);
		assert_false(is_answered(pkt, sizeof(pkt)));
	}
	for (size_t i = 0; i < sizeof(wrong6) / sizeof(wrong6[0]); i++) {
		make6(pkt, sizeof(pkt), IPPROTO_UDP);
		inet_pton(AF_INET6, wrong6[i], pkt + 8);
		assert_false(is_answered(pkt, sizeof(pkt)));
		make6(pkt, sizeof(pkt), IPPROTO_UDP);
		inet_pton(AF_INET6, wrong6[i], pkt + 24);
		assert_false(is_answered(pkt, sizeof(pkt)));
	}
}

static void what_is_no_packet_is_not_answered(void **state)
{
	uint8_t pkt[100];

	make4(pkt, sizeof(pkt), IPPROTO_UDP);
	for (size_t n = 0; n < sizeof(pkt); n++)
		assert_false(is_answered(pkt, n));
	make6(pkt, sizeof(pkt), IPPROTO_UDP);
	for (size_t n = 0; n < sizeof(pkt); n++)
		assert_false(is_answered(pkt, n));
}

static void packet_with_any_bytes_changed_is_answered_or_not(void **state)
{
	struct prng prng;

	prng_init(&prng, 9);
	for (unsigned i = 0; i < 40000; i++) {
		uint8_t pkt[100], packet[ICMP_PACKET_MAX];
		size_t n;

		if (i % 2)
			make4(pkt, sizeof(pkt), i % 3 ? IPPROTO_UDP : IPPROTO_ICMP);
		else
			make6(pkt, sizeof(pkt), i % 3 ? 44 : IPPROTO_ICMPV6);
		for (unsigned k = 0; k < 3; k++)
			pkt[prng_below(&prng, sizeof(pkt))] = (uint8_t)prng_below(&prng, 256);
		n = answer(ICMP_NO_HOST, 0, pkt, sizeof(pkt), packet);
		if (n)
			assert_false(is_answered(packet, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reason_has_its_type_and_code_in_each_family),
		cmocka_unit_test(
			answer_is_a_whole_packet_to_the_source_and_quotes_what_it_is_about),
		cmocka_unit_test(long_packet_is_quoted_as_far_as_it_fits),
		cmocka_unit_test(icmp_error_is_not_answered_and_a_question_is),
		cmocka_unit_test(answer_is_never_answered),
		cmocka_unit_test(only_the_first_fragment_is_answered),
		cmocka_unit_test(what_is_not_from_one_host_to_one_host_is_not_answered),
		cmocka_unit_test(what_is_no_packet_is_not_answered),
		cmocka_unit_test(packet_with_any_bytes_changed_is_answered_or_not),
	};

	return cmocka_run_group_tests_name("session/icmp", tests, NULL, NULL);
}
