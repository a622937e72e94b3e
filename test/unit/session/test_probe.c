/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/probe.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/session/icmp.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/tun/packet.h"

enum {
	TCP_FLAGS = 13,
};

static struct probe question(int family, uint16_t port)
{
	struct probe p = {
		.family = (uint8_t)family, .port = port, .own = 61234, .number = 0xdeadbeef};

	inet_pton(family, family == AF_INET ? "172.16.77.9" : "fd00:77::1", p.src);
	inet_pton(family, family == AF_INET ? "10.20.0.2" : "fd00:20::2", p.dst);
	return p;
}

static size_t header_of(const struct probe *p)
{
	return p->family == AF_INET ? 20 : 40;
}

/* The question's packet with addresses and ports the other way round, as an answer begins. */
static size_t turned(const struct probe *p, uint8_t pkt[PROBE_PACKET_MAX])
{
	size_t len = probe_put(p, pkt), size = p->family == AF_INET ? 4 : 16;
	size_t at = p->family == AF_INET ? 12 : 8;
	uint8_t *l4 = pkt + header_of(p);

	memcpy(pkt + at, p->dst, size);
	memcpy(pkt + at + size, p->src, size);
	if (p->port) {
		packet_set_be16(l4, p->port);
		packet_set_be16(l4 + 2, p->own);
		packet_set_be16(l4 + 8, (p->number + 1) >> 16);
		packet_set_be16(l4 + 10, (uint16_t)(p->number + 1));
	} else {
		l4[0] = p->family == AF_INET ? 0 : 129;
	}
	return len;
}

/* In memory of exactly its size. */
static bool take(const struct probe *p, const uint8_t *pkt, size_t len, struct probe_answer *ret)
{
	uint8_t *copy = malloc(len + !len);
	bool taken;

	assert_non_null(copy);
	memcpy(copy, pkt, len);
	taken = probe_take(p, copy, len, ret);
	free(copy);
	return taken;
}

static const int families[] = {AF_INET, AF_INET6};

/* ---- */

static void question_and_reset_are_whole_packets(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct probe p = question(families[i], 443);
		uint8_t pkt[PROBE_PACKET_MAX];
		size_t len = probe_put(&p, pkt);

		assert_int_equal(len, header_of(&p) + 20);
		assert_true(packet_is_valid(pkt, len));
		assert_int_equal(pkt[header_of(&p) + TCP_FLAGS], PACKET_SYN);
		assert_memory_equal(pkt + header_of(&p) + 4, "\xde\xad\xbe\xef", 4);
		len = probe_put_reset(&p, pkt);
		assert_true(packet_is_valid(pkt, len));
		assert_int_equal(pkt[header_of(&p) + TCP_FLAGS], PACKET_RST);
		assert_memory_equal(pkt + header_of(&p) + 4, "\xde\xad\xbe\xf0", 4);
		p = question(families[i], 0);
		len = probe_put(&p, pkt);
		assert_int_equal(len, header_of(&p) + 16);
		assert_int_equal(pkt[header_of(&p)], i == 0 ? 8 : 128);
		assert_true(icmp_is_due(pkt, len)); /* a question, then */
	}
}

/* Not fragmented: what does not pass is said, or lost. */
static void question_is_padded_and_goes_so_many_hops(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct probe p = question(families[i % 2], i < 2 ? 443 : 0);
		uint8_t pkt[PROBE_PACKET_MAX];
		size_t hops = p.family == AF_INET ? 8 : 7;
		struct probe_answer a;
		size_t least = probe_put(&p, pkt), len;

		assert_int_equal(pkt[hops], 64);
		p.ttl = 3;
		p.size = 1352;
		len = probe_put(&p, pkt);
		assert_int_equal(len, 1352);
		assert_int_equal(pkt[hops], 3);
		assert_true(p.port ? packet_is_valid(pkt, len) : icmp_is_due(pkt, len));
		assert_true(p.family == AF_INET6 || pkt[6] & 0x40);
		len = turned(&p, pkt);
		pkt[header_of(&p) + TCP_FLAGS] |= p.port ? PACKET_SYN | PACKET_ACK : 0;
		assert_true(take(&p, pkt, len, &a));
		p.size = (uint16_t)(least - 1);
		assert_int_equal(probe_put(&p, pkt), least);
		p.size = UINT16_MAX;
		assert_int_equal(probe_put(&p, pkt), PROBE_PACKET_MAX);
	}
}

/* A router that the hops of the question end at. */
static void router_where_the_hops_end_is_an_answer(void **state)
{
	static const uint8_t router[16] = {10, 20, 0, 1};

	for (size_t i = 0; i < 2; i++) {
		struct probe p = question(families[i], 443);
		uint8_t pkt[PROBE_PACKET_MAX], error[ICMP_PACKET_MAX];
		size_t len = (p.ttl = 2, probe_put(&p, pkt));
		size_t n = icmp_answer(ICMP_NO_HOST, 0, router, pkt, len, error);
		struct probe_answer a;

		error[header_of(&p)] = p.family == AF_INET ? 11 : 3;
		error[header_of(&p) + 1] = 0;
		assert_true(take(&p, error, n, &a));
		assert_int_equal(a.outcome, PROBE_ICMP);
		assert_int_equal(a.type, p.family == AF_INET ? 11 : 3);
		assert_memory_equal(a.from, router, p.family == AF_INET ? 4 : 16);
	}
}

static void answer_is_known_by_its_numbers(void **state)
{
	static const struct {
		uint8_t flags;
		bool taken;
		enum probe_outcome outcome;
	} rows[] = {
		{PACKET_SYN | PACKET_ACK, true, PROBE_OPEN},
		{PACKET_RST | PACKET_ACK, true, PROBE_CLOSED},
		{PACKET_ACK, false, PROBE_ECHO},
		{PACKET_SYN, false, PROBE_ECHO},
		{PACKET_RST, false, PROBE_ECHO},
	};

	for (size_t i = 0; i < 2; i++) {
		struct probe p = question(families[i], 443);
		struct probe_answer a;
		uint8_t pkt[PROBE_PACKET_MAX];
		size_t len = turned(&p, pkt);

		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			pkt[header_of(&p) + TCP_FLAGS] = rows[k].flags;
			assert_int_equal(take(&p, pkt, len, &a), rows[k].taken);
			if (!rows[k].taken)
				continue;
			assert_int_equal(a.outcome, rows[k].outcome);
			assert_memory_equal(a.from, p.dst, sizeof(a.from));
		}
		p = question(families[i], 0);
		len = turned(&p, pkt);
		assert_true(take(&p, pkt, len, &a));
		assert_int_equal(a.outcome, PROBE_ECHO);
	}
}

/* It is the session's own. */
static void packet_that_differs_anywhere_that_counts_is_left_alone(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct probe p = question(families[i % 2], i < 2 ? 443 : 0);
		size_t addresses = p.family == AF_INET ? 12 : 8;
		uint8_t pkt[PROBE_PACKET_MAX];
		struct probe_answer a;
		size_t len = turned(&p, pkt);
		size_t l4 = header_of(&p);

		pkt[l4 + TCP_FLAGS] = p.port ? PACKET_SYN | PACKET_ACK : pkt[l4 + TCP_FLAGS];
		assert_true(take(&p, pkt, len, &a));
		for (size_t at = addresses; at < l4 + 12; at++) {
			bool counts = at < l4 || (p.port ? at < l4 + 4 || at >= l4 + 8
							 : at == l4 || at >= l4 + 4);

			pkt[at] ^= 0x40;
			assert_int_equal(take(&p, pkt, len, &a), !counts);
			pkt[at] ^= 0x40;
		}
		for (size_t n = 0; n < len; n++)
			assert_false(take(&p, pkt, n, &a));
	}
}

/* What a router says, made of the question by the gateway's own means. */
static void icmp_error_that_quotes_the_question_is_an_answer(void **state)
{
	static const uint8_t router[16] = {10, 20, 0, 1};

	for (size_t i = 0; i < 4; i++) {
		struct probe p = question(families[i % 2], i < 2 ? 443 : 0), other = p;
		uint8_t pkt[PROBE_PACKET_MAX], error[ICMP_PACKET_MAX];
		size_t len = probe_put(&p, pkt);
		size_t n = icmp_answer(ICMP_PROHIBITED, 0, router, pkt, len, error);
		size_t l4 = header_of(&p);
		struct probe_answer a;

		assert_true(take(&p, error, n, &a));
		assert_int_equal(a.outcome, PROBE_ICMP);
		assert_int_equal(a.type, p.family == AF_INET ? 3 : 1);
		assert_int_equal(a.code, p.family == AF_INET ? 13 : 1);
		assert_memory_equal(a.from, router, p.family == AF_INET ? 4 : 16);
		other.number++;
		assert_false(take(&other, error, n, &a));
		other = p;
		other.own++;
		assert_false(take(&other, error, n, &a));
		other = p;
		other.dst[3] ^= 1;
		assert_false(take(&other, error, n, &a));
		error[l4] = p.family == AF_INET ? 5 : 137; /* a redirect */
		assert_false(take(&p, error, n, &a));
	}
}

/* RFC 792: routers quote the header and eight bytes. */
static void eight_bytes_of_the_question_are_enough(void **state)
{
	static const uint8_t router[16] = {10, 20, 0, 1};
	struct probe p = question(AF_INET, 443);
	uint8_t pkt[PROBE_PACKET_MAX], error[ICMP_PACKET_MAX];
	size_t n = icmp_answer(ICMP_NO_HOST, 0, router, pkt, probe_put(&p, pkt), error);
	struct probe_answer a;

	n -= 12;
	packet_set_be16(error + 2, (unsigned)n);
	assert_int_equal(n, 20 + 8 + 20 + 8);
	assert_true(take(&p, error, n, &a));
	packet_set_be16(error + 2, (unsigned)n - 1);
	assert_false(take(&p, error, n - 1, &a));
}

static void any_bytes_are_taken_or_not(void **state)
{
	static const uint8_t router[16] = {10, 20, 0, 1};
	struct prng prng;

	prng_init(&prng, 11);
	for (unsigned i = 0; i < 40000; i++) {
		struct probe p = question(families[i % 2], i % 4 < 2 ? 443 : 0);
		uint8_t pkt[PROBE_PACKET_MAX], error[ICMP_PACKET_MAX];
		size_t len = turned(&p, pkt), n;
		struct probe_answer a;

		for (unsigned k = 0; k < 2; k++)
			pkt[prng_below(&prng, (uint32_t)len)] = (uint8_t)prng_below(&prng, 256);
		take(&p, pkt, len, &a);
		n = icmp_answer(ICMP_NO_ROUTE, 0, router, pkt, probe_put(&p, pkt), error);
		for (unsigned k = 0; k < 2; k++)
			error[prng_below(&prng, (uint32_t)n)] = (uint8_t)prng_below(&prng, 256);
		take(&p, error, n, &a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_and_reset_are_whole_packets),
		cmocka_unit_test(question_is_padded_and_goes_so_many_hops),
		cmocka_unit_test(router_where_the_hops_end_is_an_answer),
		cmocka_unit_test(answer_is_known_by_its_numbers),
		cmocka_unit_test(packet_that_differs_anywhere_that_counts_is_left_alone),
		cmocka_unit_test(icmp_error_that_quotes_the_question_is_an_answer),
		cmocka_unit_test(eight_bytes_of_the_question_are_enough),
		cmocka_unit_test(any_bytes_are_taken_or_not),
	};

	return cmocka_run_group_tests_name("session/probe", tests, NULL, NULL);
}
