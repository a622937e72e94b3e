/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/flow.h"

#include <netinet/in.h>
#include <string.h>

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	ECN_CE = 3,
};

static unsigned version(const uint8_t *pkt, size_t len)
{
	unsigned v = len ? pkt[0] >> 4 : 0;

	if (v == 4 && len >= IPV4_HEADER && (pkt[0] & 0xf) >= IPV4_HEADER / 4)
		return 4;
	return v == 6 && len >= IPV6_HEADER ? 6 : 0;
}

/* Multiply and fold: every bit of the word reaches the low bits. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t mix_bytes(uint64_t hash, const uint8_t *at, size_t len)
{
	for (; len; at += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		hash = mix(hash, word);
	}
	return hash;
}

/* Both ports as one number; 0: there are none. */
static uint32_t ports(uint8_t protocol, const uint8_t *pkt, size_t at, size_t len)
{
	uint32_t both;

	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || len < at + sizeof(both))
		return 0;
	memcpy(&both, pkt + at, sizeof(both));
	return both;
}

static uint64_t hash4(const uint8_t *pkt, size_t len)
{
	bool is_fragment = (pkt[6] & 0x3f) || pkt[7];
	size_t header = (size_t)(pkt[0] & 0xf) * 4;
	uint8_t protocol = pkt[9];
	uint32_t both = is_fragment ? 0 : ports(protocol, pkt, header, len);

	return mix_bytes(mix(4, (uint64_t)both << 8 | protocol), pkt + 12, 8);
}

/* Extension headers are taken for the flow's protocol: such packets go by their addresses. */
static uint64_t hash6(const uint8_t *pkt, size_t len)
{
	uint8_t protocol = pkt[6];
	uint32_t both = ports(protocol, pkt, IPV6_HEADER, len);

	return mix_bytes(mix(6, (uint64_t)both << 8 | protocol), pkt + 8, 32);
}

uint32_t flow_hash(const uint8_t *pkt, size_t len)
{
	switch (version(pkt, len)) {
	case 4: return (uint32_t)hash4(pkt, len);
	case 6: return (uint32_t)hash6(pkt, len);
	default: return 0;
	}
}

/* One more in the low bits of the first word is one less in its complement's sum (RFC 1624). */
static void mark4(uint8_t *pkt, uint8_t ecn)
{
	uint32_t sum = (uint32_t)(pkt[10] << 8 | pkt[11]) + 0xffff - (uint32_t)(ECN_CE - ecn);

	sum = (sum & 0xffff) + (sum >> 16);
	pkt[1] |= ECN_CE;
	pkt[10] = (uint8_t)(sum >> 8);
	pkt[11] = (uint8_t)sum;
}

bool flow_mark(uint8_t *pkt, size_t len)
{
	unsigned v = version(pkt, len);
	uint8_t ecn = v == 4 ? pkt[1] & ECN_CE : v == 6 ? pkt[1] >> 4 & ECN_CE : 0;

	if (ecn == 0)
		return false;
	if (v == 4 && ecn != ECN_CE)
		mark4(pkt, ecn);
	else if (v == 6)
		pkt[1] |= ECN_CE << 4;
	return true;
}
