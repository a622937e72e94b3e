/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <string.h>

#include "sstp/session/flow.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "tun/ip.h"

enum {
	LEN4 = 28,
	LEN6 = 48,
	MORE_FRAGMENTS = 0x20,
	DONT_FRAGMENT = 0x40,
};

/* An IPv4 packet with its ports; the checksum is right. */
struct packet4 {
	uint8_t b[LEN4];
};

static void fix_checksum(struct packet4 *p)
{
	uint16_t sum;

	p->b[10] = p->b[11] = 0;
	sum = (uint16_t)~ip_checksum(p->b, 20, 0);
	p->b[10] = (uint8_t)(sum >> 8);
	p->b[11] = (uint8_t)sum;
}

static struct packet4 udp4(uint8_t src, uint8_t dst, uint8_t sport, uint8_t dport)
{
	struct packet4 p = {{0x45, 0,	0,  LEN4, 0, 0,	  0, 0,	    64, IPPROTO_UDP, 0, 0, 10, 0,
			     0,	   src, 10, 0,	  1, dst, 0, sport, 0,	dport,	     0, 8, 0,  0}};

	fix_checksum(&p);
	return p;
}

static uint32_t hash(struct packet4 p)
{
	return flow_hash(p.b, sizeof(p.b));
}

static void flow_is_addresses_protocol_and_ports_and_nothing_else(void **state)
{
	struct packet4 one = udp4(1, 2, 3, 4), other = one;

	other.b[1] = 0xb8;
	other.b[4] = 77;
	other.b[8] = 3;
	other.b[6] = DONT_FRAGMENT;
	other.b[27] = 9;
	assert_int_equal(hash(other), hash(one));
	assert_int_not_equal(hash(udp4(9, 2, 3, 4)), hash(one));
	assert_int_not_equal(hash(udp4(1, 9, 3, 4)), hash(one));
	assert_int_not_equal(hash(udp4(1, 2, 9, 4)), hash(one));
	assert_int_not_equal(hash(udp4(1, 2, 3, 9)), hash(one));
	assert_int_not_equal(hash(udp4(2, 1, 4, 3)), hash(one));
	other = one;
	other.b[9] = IPPROTO_TCP;
	assert_int_not_equal(hash(other), hash(one));
}

static void ports_stand_behind_the_options(void **state)
{
	uint8_t pkt[32] = {0x46, 0, 0, 32, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 0, 0, 1, 10};
	uint32_t before = flow_hash(pkt, sizeof(pkt));

	pkt[20] = 1; /* an option's */
	assert_int_equal(flow_hash(pkt, sizeof(pkt)), before);
	pkt[25] = 1;
	assert_int_not_equal(flow_hash(pkt, sizeof(pkt)), before);
}

static void fragments_of_a_datagram_are_one_flow(void **state)
{
	struct packet4 first = udp4(1, 2, 3, 4), rest = udp4(1, 2, 77, 78), echo = udp4(1, 2, 3, 4);

	first.b[6] = MORE_FRAGMENTS;
	rest.b[7] = 185;
	assert_int_equal(hash(first), hash(rest));
	rest.b[7] = 0;
	rest.b[6] = 1;
	assert_int_equal(hash(first), hash(rest));
	/* an echo has no ports */
	echo.b[9] = rest.b[9] = IPPROTO_ICMP;
	assert_int_equal(hash(echo), hash(rest));
}

static void ipv6_flow_is_addresses_next_header_and_ports(void **state)
{
	uint8_t pkt[LEN6] = {0x60, 0, 0, 0, 0, 8, IPPROTO_TCP, 64};
	uint32_t before = flow_hash(pkt, sizeof(pkt));
	/* label and hop limit; next header, either address' end, a port */
	static const size_t no_matter[] = {1, 2, 3, 7, 44}, matter[] = {6, 8, 23, 24, 39, 40, 43};

	for (size_t i = 0; i < sizeof(no_matter) / sizeof(no_matter[0]); i++) {
		pkt[no_matter[i]] ^= 0x11;
		assert_int_equal(flow_hash(pkt, sizeof(pkt)), before);
	}
	for (size_t i = 0; i < sizeof(matter) / sizeof(matter[0]); i++) {
		pkt[matter[i]] ^= 0x11;
		assert_int_not_equal(flow_hash(pkt, sizeof(pkt)), before);
		pkt[matter[i]] ^= 0x11;
	}
}

static void flows_spread_over_all_queues(void **state)
{
	unsigned in[64] = {0};

	/* as clients choose them: one address, one server, ports in a row */
	for (unsigned i = 0; i < 6400; i++)
		in[hash(udp4(1, (uint8_t)(i / 256), 80, (uint8_t)i)) % 64]++;
	for (unsigned i = 0; i < 64; i++)
		assert_in_range(in[i], 50, 150);
}

static void mark_is_set_and_the_checksum_stays_right(void **state)
{
	struct prng prng;

	prng_init(&prng, 3168);
	for (unsigned i = 0; i < 100000; i++) {
		struct packet4 p = udp4((uint8_t)prng_next(&prng), (uint8_t)prng_next(&prng), 1, 2);
		uint8_t ecn = (uint8_t)(1 + prng_below(&prng, 3));

		p.b[1] = (uint8_t)(prng_below(&prng, 64) << 2 | ecn);
		p.b[4] = (uint8_t)prng_next(&prng);
		p.b[5] = (uint8_t)prng_next(&prng);
		fix_checksum(&p);
		assert_true(flow_mark(p.b, sizeof(p.b)));
		assert_int_equal(p.b[1] & 3, 3);
		assert_int_equal(ip_checksum(p.b, 20, 0), 0xffff);
	}
}

static void mark_changes_nothing_but_the_two_bits_of_ipv6(void **state)
{
	uint8_t pkt[LEN6] = {0x6a, 0xa5, 0xff}, before[LEN6];

	memcpy(before, pkt, sizeof(pkt));
	assert_true(flow_mark(pkt, sizeof(pkt)));
	assert_int_equal(pkt[1], 0xb5);
	pkt[1] = before[1];
	assert_memory_equal(pkt, before, sizeof(pkt));
}

static void packet_whose_sender_does_not_do_ecn_is_not_marked(void **state)
{
	struct packet4 p = udp4(1, 2, 3, 4);
	uint8_t six[LEN6] = {0x60, 0x0f};

	p.b[1] = 0xfc;
	assert_false(flow_mark(p.b, sizeof(p.b)));
	assert_int_equal(p.b[1], 0xfc);
	assert_false(flow_mark(six, sizeof(six)));
	assert_int_equal(six[1], 0x0f);
}

static void what_is_cut_off_or_no_ip_packet_is_one_flow_without_marks(void **state)
{
	struct packet4 p = udp4(1, 2, 3, 4);
	uint8_t six[LEN6] = {0x60, 0x30};

	p.b[1] = 3;
	assert_false(flow_mark(p.b, 19));
	assert_int_equal(flow_hash(p.b, 19), 0);
	assert_int_equal(flow_hash(p.b, 0), 0);
	assert_false(flow_mark(six, 39));
	assert_int_equal(flow_hash(six, 39), 0);
	/* a header whose ports are cut off, or which says that it is shorter than it can be */
	assert_int_not_equal(flow_hash(p.b, 23), flow_hash(p.b, 24));
	p.b[0] = 0x44;
	assert_int_equal(flow_hash(p.b, LEN4), 0);
	assert_false(flow_mark(p.b, LEN4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_is_addresses_protocol_and_ports_and_nothing_else),
		cmocka_unit_test(ports_stand_behind_the_options),
		cmocka_unit_test(fragments_of_a_datagram_are_one_flow),
		cmocka_unit_test(ipv6_flow_is_addresses_next_header_and_ports),
		cmocka_unit_test(flows_spread_over_all_queues),
		cmocka_unit_test(mark_is_set_and_the_checksum_stays_right),
		cmocka_unit_test(mark_changes_nothing_but_the_two_bits_of_ipv6),
		cmocka_unit_test(packet_whose_sender_does_not_do_ecn_is_not_marked),
		cmocka_unit_test(what_is_cut_off_or_no_ip_packet_is_one_flow_without_marks),
	};

	return cmocka_run_group_tests_name("session/flow", tests, NULL, NULL);
}
