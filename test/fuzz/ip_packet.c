/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip_parse() and ip_clamp_mss(), and those of IPv6, on any packet: two bytes of MTU, then the packet. What parses has
 * lengths that nest; a clamp that reports nothing changed nothing; one that reports a change keeps
 * the checksum's verdict, lengthens nothing and is not needed twice.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tun/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Sum of the segment modulo 65535, where 0 and 0xffff are the same. */
static unsigned segment_sum(const uint8_t *pkt, const struct ip_info *info)
{
	return ip_checksum(pkt + info->header_len, (size_t)info->total_len - info->header_len, 0) %
	       0xffff;
}

static void check_clamp(uint8_t *pkt, const uint8_t *before, size_t len, uint16_t mtu,
			const struct ip_info *info)
{
	if (ip_clamp_mss(pkt, info, mtu) == 0) {
		check(memcmp(pkt, before, len) == 0);
		return;
	}
	check(memcmp(pkt, before, (size_t)info->header_len + 16) == 0);
	check(segment_sum(pkt, info) == segment_sum(before, info));
	check(ip_clamp_mss(pkt, info, mtu) == 0);
}

static unsigned segment6_sum(const uint8_t *pkt, const struct ip6_info *info)
{
	return ip_checksum(pkt + info->l4_at, (size_t)info->total_len - info->l4_at, 0) % 0xffff;
}

static void check_ip6(uint8_t *pkt, const uint8_t *before, size_t len, uint16_t mtu)
{
	struct ip6_info info;
	int error = ip6_parse(pkt, len, &info);

	check(error == 0 || error == -EBADMSG);
	if (error < 0)
		return;
	check(info.src == pkt + 8 && info.dst == pkt + 24 && info.l4_at >= 40);
	check(info.l4_at <= info.total_len && info.total_len <= len);
	if (ip6_clamp_mss(pkt, &info, mtu) == 0) {
		check(memcmp(pkt, before, len) == 0);
		return;
	}
	check(memcmp(pkt, before, (size_t)info.l4_at + 16) == 0);
	check(segment6_sum(pkt, &info) == segment6_sum(before, &info));
	check(ip6_clamp_mss(pkt, &info, mtu) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip_info info;
	uint16_t mtu;
	uint8_t *pkt;
	int error;

	if (size < sizeof(mtu))
		return 0;
	mtu = (uint16_t)(data[0] << 8 | data[1]);
	data += sizeof(mtu);
	size -= sizeof(mtu);
	/* exactly as large as the packet, so that ASan sees the first byte past it */
	pkt = malloc(size ? size : 1);
	check(pkt != NULL);
	if (size)
		memcpy(pkt, data, size);
	check_ip6(pkt, data, size, mtu);
	error = ip_parse(pkt, size, &info);
	check(error == 0 || error == -EBADMSG || error == -EAFNOSUPPORT);
	if (error == 0) {
		check(info.version == 4 && info.header_len >= 20);
		check(info.header_len <= info.total_len && info.total_len <= size);
		check_clamp(pkt, data, size, mtu, &info);
	}
	free(pkt);
	return 0;
}
