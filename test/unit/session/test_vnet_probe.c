/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/net/loop.h"
#include "test/support/cmocka.h"
#include "test/unit/tun/packet.h"

/* What the desk's owner has heard. */
struct scene {
	struct loop *loop;
	struct loop_timer *watchdog;
	struct probe_desk *desk;
	struct vnet_probes probes;
	unsigned wanted; /* results, before the loop ends */
	unsigned heard;
	struct probe_result last;
	uint64_t ids[2 * VNET_PROBES_MAX];
};

static void on_result(void *arg, const struct probe_result *r)
{
	struct scene *s = arg;

	if (s->heard < 2 * VNET_PROBES_MAX)
		s->ids[s->heard] = r->id;
	s->heard++;
	s->last = *r;
	if (s->heard == s->wanted)
		loop_stop(s->loop);
}

static void on_watchdog(void *arg)
{
	fail_msg("nothing happened for five seconds");
}

static int set_up(void **state)
{
	static struct scene scene;
	struct scene *s = &scene;

	memset(s, 0, sizeof(*s));
	*state = s;
	s->loop = loop_new();
	assert_non_null(s->loop);
	s->watchdog = loop_timer_new(s->loop, on_watchdog, s);
	s->desk = probe_desk_new(s->loop);
	assert_non_null(s->desk);
	probe_desk_set_owner(s->desk, on_result, s);
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	vnet_probes_done(&s->probes);
	probe_desk_free(s->desk);
	loop_timer_free(s->watchdog);
	loop_free(s->loop);
	return 0;
}

static void hear(struct scene *s, unsigned n)
{
	s->wanted = s->heard + n;
	loop_timer_set(s->watchdog, clock_now() + 5 * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->heard, s->wanted);
}

static struct probe_request request(const char *destination, uint16_t port)
{
	struct probe_request r = {.app = "", .vnet = "", .port = port};

	assert_int_equal(prefix_parse(destination, &r.destination), 0);
	return r;
}

static struct probe add(struct scene *s, uint64_t id, const char *destination, uint16_t port)
{
	struct probe_request r = request(destination, port);
	struct probe p;

	assert_true(vnet_probes_make(&r, inet_addr("172.16.77.9"), NULL, 1400, &p));
	assert_int_equal(vnet_probes_reserve(&s->probes, s->loop, s->desk), 0);
	vnet_probes_add(&s->probes, id, &p, 40);
	return p;
}

/* ---- */

static void question_comes_from_the_sessions_address_of_its_family(void **state)
{
	static const uint8_t prefix6[8] = {0xfd, 0, 0, 0x77, 0, 0, 0, 9};
	struct probe_request four = request("10.20.0.2", 443), six = request("fd00:20::2", 0);
	struct probe p, q;
	char text[INET6_ADDRSTRLEN];

	assert_true(vnet_probes_make(&four, inet_addr("172.16.77.9"), prefix6, 1400, &p));
	assert_string_equal(inet_ntop(AF_INET, p.src, text, sizeof(text)), "172.16.77.9");
	assert_string_equal(inet_ntop(AF_INET, p.dst, text, sizeof(text)), "10.20.0.2");
	assert_int_equal(p.port, 443);
	assert_true(vnet_probes_make(&four, inet_addr("172.16.77.9"), prefix6, 1400, &q));
	assert_true(p.number != q.number || p.own != q.own); /* nobody foresees them */
	assert_true(vnet_probes_make(&six, inet_addr("172.16.77.9"), prefix6, 1400, &p));
	assert_string_equal(inet_ntop(AF_INET6, p.src, text, sizeof(text)), "fd00:77:0:9::1");
	assert_false(vnet_probes_make(&six, inet_addr("172.16.77.9"), NULL, 1400, &p));
}

/* The question itself, turned round, and with what a listener adds. */
static size_t syn_ack(const struct probe *p, uint8_t pkt[PROBE_PACKET_MAX])
{
	size_t len = probe_put(p, pkt);

	memcpy(pkt + 12, p->dst, 4);
	memcpy(pkt + 16, p->src, 4);
	packet_set_be16(pkt + 20, p->port);
	packet_set_be16(pkt + 22, p->own);
	packet_set_be16(pkt + 28, (p->number + 1) >> 16);
	packet_set_be16(pkt + 30, (uint16_t)(p->number + 1));
	pkt[33] = PACKET_SYN | PACKET_ACK;
	return len;
}

static void answer_is_told_once_and_reset(void **state)
{
	struct scene *s = *state;
	struct probe p = add(s, 7, "10.20.0.2", 443), other = add(s, 8, "10.20.0.3", 443);
	uint8_t pkt[PROBE_PACKET_MAX], reset[PROBE_PACKET_MAX];
	size_t len = syn_ack(&p, pkt), n = 0;

	assert_true(vnet_probes_take(&s->probes, pkt, len, reset, &n));
	assert_int_equal(n, 40);
	assert_true(packet_is_valid(reset, n));
	assert_false(vnet_probes_take(&s->probes, pkt, len, reset, &n));
	assert_int_equal(s->probes.n, 1);
	hear(s, 1);
	assert_int_equal(s->last.id, 7);
	assert_int_equal(s->last.answer.outcome, PROBE_OPEN);
	assert_int_equal(s->last.size, 40);
	assert_memory_equal(s->last.probe.src, p.src, 4);
	assert_true(memcmp(s->last.probe.dst, other.dst, 4) != 0);
}

static void question_is_as_long_as_the_sessions_packets_get_at_most(void **state)
{
	struct probe_request r = request("10.20.0.2", 443);
	struct probe p;

	r.ttl = 3;
	assert_true(vnet_probes_make(&r, inet_addr("172.16.77.9"), NULL, 1352, &p));
	assert_int_equal(p.size, 0);
	assert_int_equal(p.ttl, 3);
	r.size = 1000;
	assert_true(vnet_probes_make(&r, inet_addr("172.16.77.9"), NULL, 1352, &p));
	assert_int_equal(p.size, 1000);
	r.size = UINT16_MAX;
	assert_true(vnet_probes_make(&r, inet_addr("172.16.77.9"), NULL, 1352, &p));
	assert_int_equal(p.size, 1352);
}

static void other_sources_are_spread_over_the_pool(void **state)
{
	static const uint32_t of_256[] = {1, 85, 169, 254}, of_8[] = {1, 2, 4, 6};

	for (unsigned n = 1; n <= VNET_PROBE_SOURCES; n++) {
		assert_int_equal(vnet_probes_source(256, n), of_256[n - 1]);
		assert_int_equal(vnet_probes_source(8, n), of_8[n - 1]);
		assert_int_equal(vnet_probes_source(2, n), 0);
		assert_int_equal(vnet_probes_source(1, n), 0);
		assert_true(vnet_probes_source(1 << 20, n) < 1 << 20);
	}
}

static void silence_is_told_when_patience_is_over(void **state)
{
	struct scene *s = *state;

	add(s, 1, "10.20.0.2", 443);
	s->probes.open[0].began -= VNET_PROBE_PATIENCE;
	add(s, 2, "10.20.0.3", 443); /* the timer is set anew, for the first of them */
	hear(s, 1);
	assert_int_equal(s->last.id, 1);
	assert_int_equal(s->last.answer.outcome, PROBE_SILENCE);
	assert_int_equal(s->last.round_trip_us, 0);
	assert_int_equal(s->probes.n, 1);
}

static void so_many_are_open_at_a_time_and_no_more(void **state)
{
	struct scene *s = *state;

	for (unsigned i = 0; i < VNET_PROBES_MAX; i++)
		add(s, i, "10.20.0.2", 443);
	assert_int_equal(vnet_probes_reserve(&s->probes, s->loop, s->desk), -EBUSY);
	vnet_probes_done(&s->probes);
	assert_int_equal(s->probes.n, 0);
	hear(s, VNET_PROBES_MAX); /* all of them: silence */
	assert_int_equal(s->last.answer.outcome, PROBE_SILENCE);
	assert_int_equal(vnet_probes_reserve(&s->probes, s->loop, s->desk), 0);
}

static void what_nobody_wants_to_hear_is_forgotten(void **state)
{
	struct scene *s = *state;

	probe_desk_set_owner(s->desk, NULL, NULL);
	add(s, 1, "10.20.0.2", 0);
	vnet_probes_done(&s->probes);
	probe_desk_set_owner(s->desk, on_result, s);
	add(s, 2, "10.20.0.2", 0);
	vnet_probes_done(&s->probes);
	hear(s, 2); /* whoever owns it when the loop comes by */
	assert_int_equal(s->ids[1], 2);
}

static void full_desk_loses_what_is_more(void **state)
{
	struct scene *s = *state;
	struct probe_result r = {.drop = ""};

	for (unsigned i = 0; i < PROBE_DESK_MAX + 10; i++)
		probe_desk_tell(s->desk, &r);
	hear(s, PROBE_DESK_MAX);
	probe_desk_tell(s->desk, &r);
	hear(s, 1);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(question_comes_from_the_sessions_address_of_its_family),
		in_scene(answer_is_told_once_and_reset),
		in_scene(question_is_as_long_as_the_sessions_packets_get_at_most),
		in_scene(other_sources_are_spread_over_the_pool),
		in_scene(silence_is_told_when_patience_is_over),
		in_scene(so_many_are_open_at_a_time_and_no_more),
		in_scene(what_nobody_wants_to_hear_is_forgotten),
		in_scene(full_desk_loses_what_is_more),
	};

	return cmocka_run_group_tests_name("session/vnet_probe", tests, NULL, NULL);
}
