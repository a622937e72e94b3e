/* SPDX-License-Identifier: Apache-2.0 */
/* A network is made up: who of those that are asked is answered. What is asked is the real list. */
#include "sstp/control/explain_cause.h"

#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"

enum {
	PORT = 443,
};

/* What the network lets through. */
struct network {
	bool host_is_down, is_told_down; /* nobody is there; a router says so */
	bool port_is_closed;
	unsigned routers; /* on the way */
	unsigned
		routers_back; /* of them, that know a way back to the pool; the host too, if all do */
	bool host_has_way_back;
	bool drops_port, drops_port_of_pool; /* the one that is asked, or echoes */
	bool drops_pool;
	unsigned allowed_sources; /* a bit for each source of the pool that drops_pool is not for */
	bool is_gateway_unknown;
	bool is_ipv6;
};

static struct msg_probed icmp(const struct network *w, uint8_t type, uint8_t code, uint8_t who)
{
	struct prefix from = {.family = AF_INET, .len = 32, .addr = {10, 9, 9, who}};

	if (w->is_ipv6)
		from = (struct prefix){.family = AF_INET6, .len = 128, .addr = {0xfd, [15] = who}};
	return (struct msg_probed){
		.outcome = MSG_OUTCOME_ICMP, .from = from, .type = type, .code = code};
}

static enum msg_outcome host_says(const struct network *w, uint16_t port)
{
	if (!port)
		return MSG_OUTCOME_ECHO;
	return port == PORT && !w->port_is_closed ? MSG_OUTCOME_OPEN : MSG_OUTCOME_CLOSED;
}

static bool is_dropped(const struct network *w, const struct explain_probe *p, uint16_t asked)
{
	bool is_pool = p->source != EXPLAIN_BY_GATEWAY;

	if (w->drops_port && p->port == asked)
		return true;
	if (is_pool && w->drops_port_of_pool && p->port == asked)
		return true;
	return is_pool && w->drops_pool && !(w->allowed_sources & 1U << p->source);
}

static struct msg_probed answer(const struct network *w, const struct explain_probe *p,
				uint16_t asked)
{
	bool is_pool = p->source != EXPLAIN_BY_GATEWAY;
	unsigned hops = p->ttl ? p->ttl - (unsigned)is_pool : UINT8_MAX;
	struct msg_probed silence = {.outcome = MSG_OUTCOME_SILENCE};

	if (hops <= w->routers)
		return is_pool && hops > w->routers_back
			       ? silence
			       : icmp(w, w->is_ipv6 ? 3 : 11, 0, (uint8_t)hops);
	if (w->host_is_down)
		return w->is_told_down ? icmp(w, w->is_ipv6 ? 1 : 3, w->is_ipv6 ? 3 : 1,
					      (uint8_t)w->routers)
				       : silence;
	if (is_dropped(w, p, asked) || (is_pool && !w->host_has_way_back))
		return silence;
	return (struct msg_probed){.outcome = (uint8_t)host_says(w, p->port)};
}

static struct explain_reason judge(const struct network *w, uint16_t port)
{
	static struct explain_probe probes[EXPLAIN_PROBES_MAX];
	size_t n = explain_ask_after_silence(port, probes);

	assert_in_range(n, 1, EXPLAIN_PROBES_MAX);
	for (size_t i = 0; i < n; i++) {
		probes[i].is_told =
			!(w->is_gateway_unknown && probes[i].source == EXPLAIN_BY_GATEWAY);
		probes[i].answer = answer(w, &probes[i], port);
	}
	return explain_find_cause(probes, n, port);
}

#define WELL .routers = 2, .routers_back = 2, .host_has_way_back = true

/* It lets all through by now. */
static void question_that_is_answered_the_second_time_says_no_more(void **state)
{
	const struct network well = {WELL}, closed = {WELL, .port_is_closed = true};

	assert_int_equal(judge(&well, PORT).cause, EXPLAIN_ANSWERED_LATER);
	assert_int_equal(judge(&well, 0).cause, EXPLAIN_ANSWERED_LATER);
	assert_int_equal(judge(&closed, PORT).again->answer.outcome, MSG_OUTCOME_CLOSED);
}

static void cause_is_what_was_planted(void **state)
{
	static const struct {
		struct network network;
		enum explain_cause of_port, of_echo;
	} cases[] = {
		{{WELL, .drops_port = true}, EXPLAIN_PORT_DROPPED, EXPLAIN_PORT_DROPPED},
		{{WELL, .drops_port_of_pool = true},
		 EXPLAIN_PORT_DROPPED_FOR_POOL,
		 EXPLAIN_PORT_DROPPED_FOR_POOL},
		{{WELL, .drops_pool = true}, EXPLAIN_POOL_DROPPED, EXPLAIN_POOL_DROPPED},
		{{WELL, .drops_pool = true, .is_ipv6 = true},
		 EXPLAIN_POOL_DROPPED,
		 EXPLAIN_POOL_DROPPED},
		{{WELL, .drops_pool = true, .allowed_sources = 1 << 3},
		 EXPLAIN_POOL_PARTLY_ALLOWED,
		 EXPLAIN_POOL_PARTLY_ALLOWED},
		{{WELL, .host_is_down = true}, EXPLAIN_NOBODY_ANSWERED, EXPLAIN_NOBODY_ANSWERED},
		{{WELL, .host_is_down = true, .is_told_down = true},
		 EXPLAIN_HOST_DOWN,
		 EXPLAIN_HOST_DOWN},
		{{WELL, .host_is_down = true, .is_told_down = true, .is_ipv6 = true},
		 EXPLAIN_HOST_DOWN,
		 EXPLAIN_HOST_DOWN},
		{{.routers = 2, .routers_back = 1}, EXPLAIN_NO_WAY_BACK, EXPLAIN_NO_WAY_BACK},
		{{.routers = 2}, EXPLAIN_NO_WAY_BACK, EXPLAIN_NO_WAY_BACK},
		{{.routers = 2, .is_ipv6 = true}, EXPLAIN_NO_WAY_BACK, EXPLAIN_NO_WAY_BACK},
		{{.routers = 0}, EXPLAIN_POOL_OR_WAY, EXPLAIN_POOL_OR_WAY},
		{{.port_is_closed = true}, EXPLAIN_POOL_OR_WAY, EXPLAIN_POOL_OR_WAY},
		{{.routers = 2, .is_gateway_unknown = true}, EXPLAIN_NO_CAUSE, EXPLAIN_NO_CAUSE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(judge(&cases[i].network, PORT).cause, cases[i].of_port);
		assert_int_equal(judge(&cases[i].network, 0).cause, cases[i].of_echo);
	}
}

static void who_has_answered_is_named(void **state)
{
	const struct network no_way = {.routers = 2, .routers_back = 1};
	const struct network partly = {WELL, .drops_pool = true,
				       .allowed_sources = 1 << 2 | 1 << 4};
	struct explain_reason r = judge(&no_way, PORT);

	assert_int_equal(r.hop->answer.from.addr[3], 1);
	assert_int_equal(r.lost->answer.from.addr[3], 2);
	assert_int_equal(r.gateway->answer.outcome, MSG_OUTCOME_OPEN);
	assert_null(r.host);
	r = judge(&partly, PORT);
	assert_int_equal(r.other->source, 2);
	assert_int_equal(r.others, MSG_PROBE_SOURCES);
	assert_int_equal(r.others_answered, 2);
}

static void nothing_that_was_told_is_no_cause(void **state)
{
	struct explain_probe probes[EXPLAIN_PROBES_MAX];
	size_t n = explain_ask_after_silence(PORT, probes);

	assert_int_equal(explain_find_cause(probes, n, PORT).cause, EXPLAIN_NO_CAUSE);
	assert_int_equal(explain_find_cause(NULL, 0, PORT).cause, EXPLAIN_NO_CAUSE);
	n = explain_ask_sizes(PORT, probes);
	assert_int_equal(explain_find_size(probes, n).cause, EXPLAIN_NO_CAUSE);
}

/* A way that packets of so many bytes pass, to a host that answers echoes, or only the port. */
static struct explain_reason measure(unsigned passes, bool has_echo, bool is_told)
{
	static struct explain_probe probes[EXPLAIN_PROBES_MAX];
	size_t n = explain_ask_sizes(PORT, probes);

	for (size_t i = 0; i < n; i++) {
		struct explain_probe *p = &probes[i];
		unsigned size = p->size == MSG_PROBE_FULL ? 1352 : p->size > 40 ? p->size : 40;

		p->is_told = true;
		p->answer.outcome = p->port ? MSG_OUTCOME_OPEN : MSG_OUTCOME_ECHO;
		if (!p->port && !has_echo)
			p->answer.outcome = MSG_OUTCOME_SILENCE;
		if (size > passes)
			p->answer.outcome = is_told ? MSG_OUTCOME_ICMP : MSG_OUTCOME_SILENCE;
		p->answer.size = (uint16_t)size;
	}
	return explain_find_size(probes, n);
}

static void long_packet_that_is_lost_once_is_no_black_hole(void **state)
{
	struct explain_probe probes[EXPLAIN_PROBES_MAX];
	size_t n = explain_ask_sizes(0, probes);

	for (size_t i = 0; i < n; i++) {
		probes[i].is_told = true;
		probes[i].answer.outcome = i ? MSG_OUTCOME_ECHO : MSG_OUTCOME_SILENCE;
		probes[i].answer.size = probes[i].size == MSG_PROBE_FULL ? 1352 : 576;
	}
	assert_int_equal(probes[0].size, MSG_PROBE_FULL);
	assert_int_equal(explain_find_size(probes, n).cause, EXPLAIN_NO_CAUSE);
	probes[n - 1].answer.outcome = MSG_OUTCOME_SILENCE;
	assert_int_equal(explain_find_size(probes, n).cause, EXPLAIN_MTU);
}

static void long_packets_that_are_lost_without_a_word_are_a_black_hole(void **state)
{
	struct explain_reason r = measure(1250, true, false);

	assert_int_equal(r.cause, EXPLAIN_MTU);
	assert_int_equal(r.passes, 1200);
	assert_int_equal(r.stuck, 1280);
	r = measure(1250, false, false);
	assert_int_equal(r.cause, EXPLAIN_MTU);
	assert_int_equal(r.passes, 0);
	assert_int_equal(r.stuck, 1352);
	assert_int_equal(measure(1400, true, false).cause, EXPLAIN_NO_CAUSE);
	assert_int_equal(measure(1400, false, false).cause, EXPLAIN_NO_CAUSE);
	assert_int_equal(measure(1250, true, true).cause, EXPLAIN_NO_CAUSE);
}

static void only_an_icmp_of_these_says_that_a_host_is_down(void **state)
{
	const struct network four = {0}, six = {.is_ipv6 = true};

	for (unsigned code = 0; code < 16; code++) {
		struct msg_probed m = icmp(&four, 3, (uint8_t)code, 1);

		assert_int_equal(explain_is_down(&m), code == 1 || code == 7);
		m = icmp(&six, 1, (uint8_t)code, 1);
		assert_int_equal(explain_is_down(&m), code == 3);
		m = icmp(&four, 11, (uint8_t)code, 1);
		assert_false(explain_is_down(&m));
	}
	assert_false(explain_is_down(&(struct msg_probed){.outcome = MSG_OUTCOME_SILENCE}));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_that_is_answered_the_second_time_says_no_more),
		cmocka_unit_test(cause_is_what_was_planted),
		cmocka_unit_test(who_has_answered_is_named),
		cmocka_unit_test(nothing_that_was_told_is_no_cause),
		cmocka_unit_test(long_packet_that_is_lost_once_is_no_black_hole),
		cmocka_unit_test(long_packets_that_are_lost_without_a_word_are_a_black_hole),
		cmocka_unit_test(only_an_icmp_of_these_says_that_a_host_is_down),
	};

	return cmocka_run_group_tests_name("control/explain_cause", tests, NULL, NULL);
}
