/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/nd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "tun/csum.h"

#define ROUTER	"fe800000000000000000000000000002"
#define HOST	"fe800000000000000000000000000001"
#define NODES	"ff020000000000000000000000000001"
#define ROUTERS "ff020000000000000000000000000002"

static const uint8_t router_id[ND_ID_SIZE] = {[7] = 2};
static const uint8_t host_id[ND_ID_SIZE] = {[7] = 1};

/* What is right about a packet but its checksum is in hex; in memory of its own size. Returns owned. */
static uint8_t *packet(const char *hex, size_t *ret_len)
{
	uint8_t buf[512];
	size_t len = hex_decode(hex, buf, sizeof(buf));
	uint8_t *pkt = malloc(len);

	assert_non_null(pkt);
	buf[4] = 0;
	buf[5] = (uint8_t)(len - 40);
	buf[42] = buf[43] = 0;
	csum_put(buf + 42,
		 csum_add(csum_pseudo_v6(buf + 8, 58, (uint32_t)(len - 40)), buf + 40, len - 40));
	memcpy(pkt, buf, len);
	*ret_len = len;
	return pkt;
}

static bool is_solicitation(const char *hex)
{
	size_t len;
	uint8_t *pkt = packet(hex, &len);
	bool is_one = nd_is_solicitation(pkt, len);

	free(pkt);
	return is_one;
}

/* The specification's packet, byte by byte (RFC 4861 section 4.2, 4.6; RFC 4191 2.3; RFC 8106 5.1). */
static void advertisement_is_that_of_the_specification(void **state)
{
	struct nd_advert a = {
		.id = {[7] = 2}, .prefix = {0xfd, 0, 0, 1, 0, 2, 0, 3}, .mtu = 1400, .n_dns = 1};
	uint8_t pkt[ND_PACKET_MAX];
	size_t len, want;
	uint8_t *expected;

	assert_int_equal(prefix_parse("2001:db8::/32", &a.routes[0]), 0);
	assert_int_equal(prefix_parse("fd00:0:0:1::/64", &a.routes[1]), 0);
	a.n_routes = 2;
	inet_pton(AF_INET6, "fd00::53", a.dns[0]);
	expected = packet("60000000 0000 3a ff" ROUTER NODES "86000000 40000000 00000000 00000000"
			  "03044040 ffffffff ffffffff 00000000 fd000001000200030000000000000000"
			  "05010000 00000578"
			  "18022000 00000708 20010db800000000"
			  "18024000 00000708 fd00000000000001"
			  "19030000 00000708 fd000000000000000000000000000053",
			  &want);
	len = nd_put_advert(&a, pkt);
	assert_int_equal(len, want);
	assert_memory_equal(pkt, expected, len);
	free(expected);
}

static void advertisement_of_a_way_to_everywhere_says_so(void **state)
{
	struct nd_advert a = {.mtu = 1280, .is_default = true, .n_routes = 2};
	uint8_t pkt[ND_PACKET_MAX];

	assert_int_equal(prefix_parse("::/0", &a.routes[0]), 0);
	assert_int_equal(prefix_parse("2001:db8::1", &a.routes[1]), 0);
	assert_int_equal(nd_put_advert(&a, pkt), 40 + 16 + 32 + 8 + 8 + 24);
	assert_memory_equal(pkt + 46, "\x07\x08", 2);
	assert_memory_equal(pkt + 96, "\x18\x01\0\0\0\0\x07\x08\x18\x03\x80\0", 12);
}

static void largest_advertisement_fits(void **state)
{
	struct nd_advert a = {.mtu = 1400, .n_routes = ND_ROUTES_MAX, .n_dns = ND_DNS_MAX};
	uint8_t pkt[ND_PACKET_MAX], prefix[ND_PREFIX_SIZE];

	memset(a.prefix, 0x20, sizeof(a.prefix));
	for (size_t i = 0; i < ND_ROUTES_MAX; i++)
		a.routes[i] = (struct prefix){.family = AF_INET6, .len = 128};
	assert_int_equal(nd_put_advert(&a, pkt), 40 + 16 + 32 + 8 + 24 * ND_ROUTES_MAX + 40);
	assert_int_equal(nd_take_prefix(pkt, nd_put_advert(&a, pkt), prefix), 0);
	assert_memory_equal(prefix, a.prefix, sizeof(prefix));
}

static void what_we_ask_is_answered(void **state)
{
	uint8_t pkt[ND_PACKET_MAX];
	size_t len = nd_put_solicitation(host_id, pkt), want;
	uint8_t *expected = packet("60000000 0000 3a ff" HOST ROUTERS "85000000 00000000", &want);

	assert_int_equal(len, want);
	assert_memory_equal(pkt, expected, len);
	assert_true(nd_is_solicitation(pkt, len));
	free(expected);
}

#define SOLICIT(next, hops, type, code, options) \
	"60000000 0000" next hops HOST ROUTERS type code "0000 00000000" options

static void only_whole_solicitations_from_this_link_are_answered(void **state)
{
	uint8_t *pkt;
	size_t len;

	assert_true(is_solicitation(SOLICIT("3a", "ff", "85", "00", "")));
	assert_true(is_solicitation(SOLICIT("3a", "ff", "85", "00", "0101020304050607")));
	assert_false(
		is_solicitation(SOLICIT("3a", "fe", "85", "00", ""))); /* came through a router */
	assert_false(is_solicitation(SOLICIT("3a", "ff", "86", "00", ""))); /* says it is one */
	assert_false(is_solicitation(SOLICIT("3a", "ff", "87", "00", "")));
	assert_false(is_solicitation(SOLICIT("3a", "ff", "85", "01", "")));
	assert_false(is_solicitation(SOLICIT("11", "ff", "85", "00", "")));
	assert_false(is_solicitation(SOLICIT("3a", "ff", "85", "00", "0100020304050607")));
	assert_false(is_solicitation(SOLICIT("3a", "ff", "85", "00", "0102020304050607")));
	assert_false(is_solicitation(SOLICIT("3a", "ff", "85", "00", "01")));
	assert_false(is_solicitation("60000000 0000 3a ff" HOST ROUTERS "85000000 000000"));
	pkt = packet(SOLICIT("3a", "ff", "85", "00", ""), &len);
	pkt[43] ^= 1;
	assert_false(nd_is_solicitation(pkt, len));
	pkt[43] ^= 1;
	assert_false(nd_is_solicitation(pkt, len - 1));
	pkt[0] = 0x45;
	assert_false(nd_is_solicitation(pkt, len));
	free(pkt);
}

#define ADVERT(from, options) \
	"60000000 0000 3a ff" from NODES "86000000 40000000 00000000 00000000" options
#define PREFIX(bits, flags, valid, network) \
	"0304" bits flags valid "ffffffff 00000000" network "0000000000000000"
#define GOOD PREFIX("40", "40", "00000001", "20010db800000007")

static void client_takes_a_64_with_lasting_addresses(void **state)
{
	static const struct {
		const char *packet;
		int result;
	} rows[] = {
		{ADVERT(ROUTER, GOOD), 0},
		{ADVERT(ROUTER, "0101020304050607" GOOD), 0},
		{ADVERT(ROUTER, PREFIX("40", "c0", "ffffffff", "20010db800000007")), 0},
		{ADVERT(ROUTER, PREFIX("40", "80", "ffffffff", "20010db800000009") GOOD), 0},
		{ADVERT(ROUTER, ""), -ENOMSG},
		{ADVERT(ROUTER, PREFIX("40", "80", "ffffffff", "20010db800000007")), -ENOMSG},
		{ADVERT(ROUTER, PREFIX("30", "40", "ffffffff", "20010db800000007")), -ENOMSG},
		{ADVERT(ROUTER, PREFIX("40", "40", "00000000", "20010db800000007")), -ENOMSG},
		{ADVERT(ROUTER, PREFIX("40", "40", "ffffffff", "fe80000000000000")), -ENOMSG},
		{ADVERT(ROUTER, PREFIX("40", "40", "ffffffff", "ff02000000000000")), -ENOMSG},
		{ADVERT(ROUTER, "0301404000000001"), -ENOMSG}, /* cut short */
		{ADVERT("20010db8000000000000000000000002", GOOD), -ENOMSG},
		{ADVERT(ROUTER, GOOD "0500"), -EBADMSG},
		{ADVERT(ROUTER, GOOD "0502000000000578"), -EBADMSG},
		{"60000000 0000 3a ff" ROUTER NODES "86000000 40000000", -ENOMSG},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t prefix[ND_PREFIX_SIZE] = {77};
		size_t len;
		uint8_t *pkt = packet(rows[i].packet, &len);

		assert_int_equal(nd_take_prefix(pkt, len, prefix), rows[i].result);
		if (rows[i].result == 0)
			assert_memory_equal(prefix, "\x20\x01\x0d\xb8\0\0\0\7", sizeof(prefix));
		else
			assert_int_equal(prefix[0], 77);
		free(pkt);
	}
}

static void what_a_gateway_says_a_client_takes(void **state)
{
	struct nd_advert a = {.prefix = {0xfd, 1, 2, 3, 4, 5, 6, 7}, .mtu = 1400};
	uint8_t pkt[ND_PACKET_MAX], prefix[ND_PREFIX_SIZE];

	memcpy(a.id, router_id, sizeof(a.id));
	assert_int_equal(nd_take_prefix(pkt, nd_put_advert(&a, pkt), prefix), 0);
	assert_memory_equal(prefix, a.prefix, sizeof(prefix));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(advertisement_is_that_of_the_specification),
		cmocka_unit_test(advertisement_of_a_way_to_everywhere_says_so),
		cmocka_unit_test(largest_advertisement_fits),
		cmocka_unit_test(what_we_ask_is_answered),
		cmocka_unit_test(only_whole_solicitations_from_this_link_are_answered),
		cmocka_unit_test(client_takes_a_64_with_lasting_addresses),
		cmocka_unit_test(what_a_gateway_says_a_client_takes),
	};

	return cmocka_run_group_tests_name("session/nd", tests, NULL, NULL);
}
