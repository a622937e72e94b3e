/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/csum.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "tun/ip.h"

enum {
	LEN_MAX = 2048,
	ALIGNMENTS = 64,
	GUARD = 0xa5,
};

/* 0 and 0xffff are the same sum. */
static unsigned modulo(uint16_t folded)
{
	return folded % 0xffff;
}

static unsigned slow(const uint8_t *p, size_t len)
{
	return modulo(ip_checksum(p, len, 0));
}

static unsigned fast(uint64_t sum)
{
	return modulo(ntohs(csum_fold(sum)));
}

static uint8_t *random_bytes(size_t len)
{
	struct prng prng = {.state = 1071};
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)prng_next(&prng);
	return bytes;
}

static void sum_is_the_slow_sum_at_every_length_and_alignment(void **state)
{
	uint8_t *bytes = random_bytes(LEN_MAX + ALIGNMENTS);

	for (size_t at = 0; at < ALIGNMENTS; at++)
		for (size_t len = 0; len <= LEN_MAX; len += at % 8 ? 13 : 1)
			if (fast(csum_add(0, bytes + at, len)) != slow(bytes + at, len))
				fail_msg("%zu bytes at %zu", len, at);
	free(bytes);
}

static void check_copy(const uint8_t *from, uint8_t *to, size_t len)
{
	uint64_t sum;

	memset(to, GUARD, len + 1);
	sum = csum_copy(0, to, from, len);
	if (fast(sum) != slow(from, len) || (len && memcmp(to, from, len) != 0))
		fail_msg("%zu bytes", len);
	assert_int_equal(to[len], GUARD);
}

static void copy_is_exact_at_every_length_and_alignment(void **state)
{
	uint8_t *bytes = random_bytes(LEN_MAX + ALIGNMENTS);
	uint8_t *to = malloc(LEN_MAX + ALIGNMENTS + 1);

	assert_non_null(to);
	for (size_t at = 0; at < ALIGNMENTS; at++)
		for (size_t len = 0; len <= LEN_MAX; len += at % 8 ? 13 : 1)
			check_copy(bytes + at, to + (at * 7) % ALIGNMENTS, len);
	free(to);
	free(bytes);
}

static void largest_packet_of_ones_does_not_overflow(void **state)
{
	size_t len = 65536 + 128;
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, 0xff, len);
	assert_int_equal(csum_fold(csum_add(UINT32_MAX, bytes, len)), 0xffff);
	free(bytes);
}

static void pieces_add_up_to_the_whole(void **state)
{
	uint8_t *bytes = random_bytes(LEN_MAX);

	for (size_t cut = 0; cut <= LEN_MAX; cut += 2) {
		uint64_t sum = csum_add(0, bytes, cut);

		assert_int_equal(fast(csum_add(sum, bytes + cut, LEN_MAX - cut)),
				 slow(bytes, LEN_MAX));
	}
	free(bytes);
}

static void pseudo_headers_are_those_of_the_rfc(void **state)
{
	uint8_t header[40] = {0};
	uint8_t *addresses = random_bytes(32);

	memcpy(header, addresses, 8);
	header[9] = IPPROTO_TCP;
	header[10] = 0x12;
	header[11] = 0x34;
	assert_int_equal(fast(csum_pseudo_v4(addresses, IPPROTO_TCP, 0x1234)), slow(header, 12));
	memcpy(header, addresses, 32);
	memcpy(header + 32, (uint8_t[]){0, 1, 0x02, 0x03, 0, 0, 0, IPPROTO_UDP}, 8);
	assert_int_equal(fast(csum_pseudo_v6(addresses, IPPROTO_UDP, 0x10203)), slow(header, 40));
	free(addresses);
}

static void stored_checksum_makes_the_sum_all_ones(void **state)
{
	uint8_t *bytes = random_bytes(LEN_MAX);

	memset(bytes + 16, 0, 2);
	csum_put(bytes + 16, csum_add(0, bytes, LEN_MAX));
	assert_int_equal(ip_checksum(bytes, LEN_MAX, 0), 0xffff);
	free(bytes);
}

static void partial_sum_is_stored_as_a_big_endian_number(void **state)
{
	uint8_t at[2];

	csum_put_partial(at, csum_be16(0x1234) + csum_be16(0x0101));
	assert_int_equal(at[0], 0x13);
	assert_int_equal(at[1], 0x35);
}

static void B08_udp_checksum_zero_is_sent_as_ffff(void **state)
{
	uint8_t at[2] = {0};

	csum_put_udp(at, csum_be16(0xffff));
	assert_memory_equal(at, "\xff\xff", 2);
	csum_put(at, csum_be16(0xffff));
	assert_memory_equal(at, "\0\0", 2);
	csum_put_udp(at, csum_be16(0xfffe));
	assert_memory_equal(at, "\0\1", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sum_is_the_slow_sum_at_every_length_and_alignment),
		cmocka_unit_test(copy_is_exact_at_every_length_and_alignment),
		cmocka_unit_test(largest_packet_of_ones_does_not_overflow),
		cmocka_unit_test(pieces_add_up_to_the_whole),
		cmocka_unit_test(pseudo_headers_are_those_of_the_rfc),
		cmocka_unit_test(stored_checksum_makes_the_sum_all_ones),
		cmocka_unit_test(partial_sum_is_stored_as_a_big_endian_number),
		cmocka_unit_test(B08_udp_checksum_zero_is_sent_as_ffff),
	};

	return cmocka_run_group_tests_name("tun/csum", tests, NULL, NULL);
}
