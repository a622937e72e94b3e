/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every length is compared with what is there before it is used, and all offsets count from the
 * start of a region whose size is known (packet, TCP header). Nothing here believes a later field
 * before an earlier one was checked.
 */
#include "tun/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	IPV4_HEADER_MIN = 20,
	IPV4_FRAGMENT_OFFSET_MASK = 0x1fff,
	IPV4_MTU_MIN = 68, /* RFC 791: every link carries it */
	PROTOCOL_TCP = 6,
	TCP_HEADER_MIN = 20,
	TCP_CHECKSUM_AT = 16,
	TCP_FLAG_SYN = 0x02,
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_MSS_LEN = 4,
	HEADERS_WITHOUT_OPTIONS = IPV4_HEADER_MIN + TCP_HEADER_MIN,
	IPV6_HEADER = 40,
	IPV6_MTU_MIN = 1280, /* RFC 8200 section 5 */
	IPV6_HOP_BY_HOP = 0,
	IPV6_DESTINATION = 60,
};

static uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/*
 * Sums in the machine's byte order, four bytes at a time, and swaps once at the end: the sum of
 * swapped words is the swapped sum (RFC 1071 section 2B).
 */
uint16_t ip_checksum(const void *buf, size_t len, uint32_t sum)
{
	const uint8_t *p = buf;
	uint64_t words = 0;
	size_t at = 0;
	uint32_t word;

	for (; len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, p + at, sizeof(word));
		words += word;
	}
	/* what is left, with zeros behind: the position inside the four bytes stays even or odd */
	word = 0;
	if (len > at)
		memcpy(&word, p + at, len - at);
	words += word;
	return fold((uint64_t)ntohs(fold(words)) + sum);
}

int ip_parse(const uint8_t *pkt, size_t len, struct ip_info *ret_info)
{
	struct ip_info info = {.version = 4};

	if (len < 1)
		return -EBADMSG;
	if (pkt[0] >> 4 == 6)
		return -EAFNOSUPPORT;
	if (pkt[0] >> 4 != 4 || len < IPV4_HEADER_MIN)
		return -EBADMSG;
	info.header_len = (uint16_t)((pkt[0] & 15) * 4);
	info.total_len = get_be16(pkt + 2);
	if (info.header_len < IPV4_HEADER_MIN || info.total_len < info.header_len ||
	    info.total_len > len)
		return -EBADMSG;
	info.protocol = pkt[9];
	memcpy(&info.src_be, pkt + 12, sizeof(info.src_be));
	memcpy(&info.dst_be, pkt + 16, sizeof(info.dst_be));
	*ret_info = info;
	return 0;
}

/* Steps over one extension header. False: there is none, or it does not fit. */
static bool skip_extension(const uint8_t *pkt, struct ip6_info *info)
{
	const uint8_t *extension = pkt + info->l4_at;
	size_t left = (size_t)info->total_len - info->l4_at;
	size_t len;

	if (info->protocol != IPV6_HOP_BY_HOP && info->protocol != IPV6_DESTINATION)
		return false;
	if (left < 2)
		return false;
	len = ((size_t)extension[1] + 1) * 8;
	if (len > left)
		return false;
	info->protocol = extension[0];
	info->l4_at = (uint16_t)(info->l4_at + len);
	return true;
}

int ip6_parse(const uint8_t *pkt, size_t len, struct ip6_info *ret_info)
{
	struct ip6_info info = {.l4_at = IPV6_HEADER, .src = pkt + 8, .dst = pkt + 24};
	size_t total;

	if (len < IPV6_HEADER || pkt[0] >> 4 != 6)
		return -EBADMSG;
	total = (size_t)IPV6_HEADER + get_be16(pkt + 4);
	if (total > len || total > UINT16_MAX)
		return -EBADMSG;
	info.total_len = (uint16_t)total;
	info.protocol = pkt[6];
	for (int i = 0; i < IP6_EXTENSIONS_MAX && skip_extension(pkt, &info); i++)
		;
	*ret_info = info;
	return 0;
}

/* Length of the TCP header with its options; 0: not the start of a whole SYN's header. */
static size_t syn_header_len(const uint8_t *tcp, size_t segment_len)
{
	size_t len;

	if (segment_len < TCP_HEADER_MIN || !(tcp[13] & TCP_FLAG_SYN))
		return 0;
	len = (size_t)(tcp[12] >> 4) * 4;
	return len >= TCP_HEADER_MIN && len <= segment_len ? len : 0;
}

/* Offset behind the option at `at` (< end), or 0 when it is malformed. */
static size_t option_end(const uint8_t *tcp, size_t at, size_t end)
{
	size_t len;

	if (tcp[at] == TCP_OPTION_END)
		return end;
	if (tcp[at] == TCP_OPTION_NOP)
		return at + 1;
	if (end - at < 2)
		return 0;
	len = tcp[at + 1];
	if (len < 2 || len > end - at)
		return 0;
	if (tcp[at] == TCP_OPTION_MSS && len != TCP_OPTION_MSS_LEN)
		return 0;
	return at + len;
}

static bool options_well_formed(const uint8_t *tcp, size_t end)
{
	size_t at = TCP_HEADER_MIN;

	while (at < end) {
		at = option_end(tcp, at, end);
		if (at == 0)
			return false;
	}
	return true;
}

/*
 * HC' = ~(~HC + ~m + m'), RFC 1624 section 3. A value at an odd offset counts with its bytes
 * swapped.
 */
static void patch_be16(uint8_t *tcp, size_t at, uint16_t value)
{
	uint16_t before = get_be16(tcp + at);
	uint16_t after = value;
	uint32_t sum = (uint16_t)~get_be16(tcp + TCP_CHECKSUM_AT);

	if (at % 2) {
		before = __builtin_bswap16(before);
		after = __builtin_bswap16(after);
	}
	sum += (uint16_t)~before;
	sum += after;
	put_be16(tcp + at, value);
	put_be16(tcp + TCP_CHECKSUM_AT, (uint16_t)~fold(sum));
}

/* A receiver may believe the first MSS option or the last: every one is lowered. */
static int clamp(uint8_t *tcp, size_t segment_len, uint16_t mss)
{
	size_t end = syn_header_len(tcp, segment_len);
	int changed = 0;

	if (!options_well_formed(tcp, end))
		return 0;
	for (size_t at = TCP_HEADER_MIN; at < end; at = option_end(tcp, at, end)) {
		if (tcp[at] != TCP_OPTION_MSS || get_be16(tcp + at + 2) <= mss)
			continue;
		patch_be16(tcp, at + 2, mss);
		changed = 1;
	}
	return changed;
}

int ip_clamp_mss(uint8_t *pkt, const struct ip_info *info, uint16_t mtu)
{
	if (info->protocol != PROTOCOL_TCP || get_be16(pkt + 6) & IPV4_FRAGMENT_OFFSET_MASK ||
	    mtu < IPV4_MTU_MIN)
		return 0;
	return clamp(pkt + info->header_len, (size_t)info->total_len - info->header_len,
		     (uint16_t)(mtu - HEADERS_WITHOUT_OPTIONS));
}

int ip6_clamp_mss(uint8_t *pkt, const struct ip6_info *info, uint16_t mtu)
{
	if (info->protocol != PROTOCOL_TCP || mtu < IPV6_MTU_MIN)
		return 0;
	return clamp(pkt + info->l4_at, (size_t)info->total_len - info->l4_at,
		     (uint16_t)(mtu - IPV6_HEADER - TCP_HEADER_MIN));
}
