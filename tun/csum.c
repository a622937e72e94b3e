/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both halves of every 64-bit word are added into 64-bit lanes, which cannot overflow before 2^34
 * bytes. So no addition carries into another, and the compiler's vector types do four words at a
 * time: an add-with-carry chain would be bound by its latency, at 8 bytes a cycle. The low halves
 * are not cut out of their words: they are what the sum of the words has more than that of the high
 * halves, modulo 2^64, however often the former overflows.
 *
 * The loop is compiled twice on x86-64, with and without AVX2; which one is right is read from the
 * flags that libgcc keeps about the processor. An ifunc would save that test, but runs before the
 * sanitizers are ready.
 */
#include "tun/csum.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

enum {
	LANES = 4,
	BLOCK = 64, /* bytes of one turn: two vectors */
};

typedef uint64_t vector __attribute__((vector_size(LANES * sizeof(uint64_t))));

#define LOW_HALF UINT64_C(0xffffffff)

/* Two vectors by name: in an array gcc would keep them in memory. */
static inline __attribute__((always_inline)) uint64_t sum_blocks(uint8_t *dst, const uint8_t *src,
								 size_t blocks, bool copies)
{
	vector words_a = {0}, words_b = {0}, high_a = {0}, high_b = {0}, sum, a, b;

	for (; blocks > 0; blocks--, src += BLOCK) {
		memcpy(&a, src, sizeof(a));
		memcpy(&b, src + sizeof(a), sizeof(b));
		if (copies) {
			memcpy(dst, &a, sizeof(a));
			memcpy(dst + sizeof(a), &b, sizeof(b));
			dst += BLOCK;
		}
		words_a += a;
		high_a += a >> 32;
		words_b += b;
		high_b += b >> 32;
	}
	high_a += high_b;
	sum = words_a + words_b - (high_a << 32) + high_a;
	return sum[0] + sum[1] + sum[2] + sum[3];
}

#ifdef __x86_64__
static __attribute__((target("avx2"))) uint64_t add_blocks_avx2(const uint8_t *src, size_t blocks)
{
	return sum_blocks(NULL, src, blocks, false);
}

static __attribute__((target("avx2"))) uint64_t copy_blocks_avx2(uint8_t *dst, const uint8_t *src,
								 size_t blocks)
{
	return sum_blocks(dst, src, blocks, true);
}
#endif

static uint64_t add_blocks(const uint8_t *src, size_t blocks)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return add_blocks_avx2(src, blocks);
#endif
	return sum_blocks(NULL, src, blocks, false);
}

static uint64_t copy_blocks(uint8_t *dst, const uint8_t *src, size_t blocks)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return copy_blocks_avx2(dst, src, blocks);
#endif
	return sum_blocks(dst, src, blocks, true);
}

/* What is left behind the blocks. */
static inline uint64_t add_rest(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += (word & LOW_HALF) + (word >> 32);
	}
	if (len & 4) {
		uint32_t half;

		memcpy(&half, p, sizeof(half));
		sum += half;
		p += sizeof(half);
	}
	if (len & 2) {
		uint16_t quarter;

		memcpy(&quarter, p, sizeof(quarter));
		sum += quarter;
		p += sizeof(quarter);
	}
	return len & 1 ? sum + csum_be16((uint16_t)(p[0] << 8)) : sum;
}

uint64_t csum_add(uint64_t sum, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t blocks = len / BLOCK;

	if (blocks)
		sum += add_blocks(p, blocks);
	return add_rest(sum, p + blocks * BLOCK, len % BLOCK);
}

uint64_t csum_copy(uint64_t sum, void *dst, const void *src, size_t len)
{
	const uint8_t *from = src;
	uint8_t *to = dst;
	size_t done = len / BLOCK * BLOCK;

	if (done)
		sum += copy_blocks(to, from, len / BLOCK);
	if (len > done)
		memcpy(to + done, from + done, len - done);
	return add_rest(sum, from + done, len - done);
}

static uint64_t pseudo(const uint8_t *addresses, size_t size, uint8_t protocol, uint32_t len)
{
	uint64_t sum = csum_be16(protocol) + htonl(len);

	return add_rest(sum, addresses, size);
}

uint64_t csum_pseudo_v4(const uint8_t *addresses, uint8_t protocol, uint32_t len)
{
	return pseudo(addresses, 8, protocol, len);
}

uint64_t csum_pseudo_v6(const uint8_t *addresses, uint8_t protocol, uint32_t len)
{
	return pseudo(addresses, 32, protocol, len);
}

static void put(uint8_t *at, uint16_t folded)
{
	memcpy(at, &folded, sizeof(folded));
}

void csum_put(uint8_t *at, uint64_t sum)
{
	put(at, (uint16_t)~csum_fold(sum));
}

void csum_put_udp(uint8_t *at, uint64_t sum)
{
	uint16_t folded = (uint16_t)~csum_fold(sum);

	put(at, folded ? folded : 0xffff);
}

void csum_put_partial(uint8_t *at, uint64_t sum)
{
	put(at, csum_fold(sum));
}
