/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an inner packet. A mark changes the two bits of ECN and IPv4's checksum, which stays as right or wrong as it
 * was, and nothing else; and it does not move a packet to another flow.
 */
#include <stdlib.h>
#include <string.h>

#include "sstp/session/flow.h"
#include "tun/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Sums that differ by a multiple of 0xffff are equal: 0 is -0. */
static bool is_sum_kept(const uint8_t *before, const uint8_t *after)
{
	size_t len = (size_t)(before[0] & 0xf) * 4;

	return ip_checksum(before, len, 0) % 0xffff == ip_checksum(after, len, 0) % 0xffff;
}

static void check_mark(const uint8_t *before, uint8_t *after, size_t size)
{
	bool is_ipv4 = before[0] >> 4 == 4;
	size_t ecn_shift = is_ipv4 ? 0 : 4;

	must((after[1] >> ecn_shift & 3) == 3);
	if (is_ipv4 && size >= (size_t)(before[0] & 0xf) * 4)
		must(is_sum_kept(before, after));
	after[1] = before[1];
	if (is_ipv4)
		memcpy(after + 10, before + 10, 2);
	must(memcmp(before, after, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* in memory of its own size, so that a read past the packet is seen */
	uint8_t *copy = calloc(size ? size : 1, 1);
	uint32_t hash;

	must(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	hash = flow_hash(copy, size);
	if (flow_mark(copy, size)) {
		must(flow_hash(copy, size) == hash);
		check_mark(data, copy, size);
	} else {
		must(size == 0 || memcmp(data, copy, size) == 0);
	}
	free(copy);
	return 0;
}
