/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte for the reason, and then any packet of either family. An answer goes to the packet's source, has no more than its
 * family's bytes, quotes the packet from its first byte on, and is never answered itself.
 */
#include <stdlib.h>
#include <string.h>

#include "sstp/session/icmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const uint8_t *pkt, size_t len, const uint8_t *answer, size_t n)
{
	bool is_ipv6 = pkt[0] >> 4 == 6;
	size_t header = is_ipv6 ? 40 : 20;

	must(n >= header + 8 + header && n <= (is_ipv6 ? ICMP_PACKET_MAX : 576));
	must(n - header - 8 <= len);
	must(memcmp(answer + header + 8, pkt, n - header - 8) == 0);
	if (is_ipv6)
		must(memcmp(answer + 24, pkt + 8, 16) == 0);
	else
		must(memcmp(answer + 16, pkt + 12, 4) == 0);
	must(!icmp_is_due(answer, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t from[16] = {0xfe, 0x80, [15] = 2};
	uint8_t answer[ICMP_PACKET_MAX];
	uint8_t *copy;
	size_t n;

	if (size < 1)
		return 0;
	/* in memory of its own size, so that a read past the packet is seen */
	size--;
	copy = malloc(size ? size : 1);
	must(copy != NULL);
	memcpy(copy, data + 1, size);
	n = icmp_answer((enum icmp_reason)(data[0] % ICMP_REASONS), 1400, from, copy, size, answer);
	must((n > 0) == icmp_is_due(copy, size));
	if (n)
		check(copy, size, answer, n);
	free(copy);
	return 0;
}
