/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's tunnel by certificate, and how a second session takes over. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/worker/gateway_rig.h"
#include "tun/rtnl.h"

static bool is_up(struct gateway_rig *rig)
{
	return strstr(rig->events, "up ") != NULL;
}

static bool has_traffic(struct gateway_rig *rig)
{
	return rig->received >= 20;
}

static bool second_is_done(struct gateway_rig *rig)
{
	return strstr(rig->events, "replaced") != NULL;
}

static bool first_has_ended(struct gateway_rig *rig)
{
	return rig->sessions[0].ended;
}

static bool second_has_traffic(struct gateway_rig *rig)
{
	return rig->sessions[1].packets >= 20;
}

/* The app has stopped, and what it has sent is back. */
static bool all_is_back(struct gateway_rig *rig)
{
	rig->app_sends = false;
	return rig->received >= rig->sent;
}

static bool has_ended(struct gateway_rig *rig)
{
	return rig->tunnel_ended;
}

static struct gateway_rig *with_traffic(void)
{
	struct gateway_rig *rig = gateway_rig_new();

	gateway_rig_run(rig, is_up);
	gateway_rig_start_app(rig);
	gateway_rig_run(rig, has_traffic);
	return rig;
}

static void B16_session_by_certificate_carries_packets(void **state)
{
	struct gateway_rig *rig = with_traffic();

	assert_string_equal(rig->events, "up 172.16.77.2");
	assert_int_equal(rig->n_sessions, 1);
	gateway_rig_free(rig);
}

static bool has_ipv6(struct gateway_rig *rig)
{
	return strstr(rig->events, "6 fd00:77:0:2::1") != NULL;
}

static void find_address(void *arg, const struct rtnl_address *address)
{
	char text[PREFIX_TEXT_MAX];

	if (address->ifindex == if_nametoindex("rig0") &&
	    strcmp(prefix_format_address(&address->local, text), "fd00:77:0:2::1") == 0)
		*(bool *)arg = true;
}

static bool is_on_the_device(void)
{
	struct rtnl *r = NULL;
	bool found = false;

	assert_int_equal(rtnl_open(-1, &r), 0);
	assert_int_equal(rtnl_address_list(r, find_address, &found), 0);
	rtnl_close(r);
	return found;
}

static void ipv6_address_is_told_in_band_and_set(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	rig->assign6 = "fd00:77:0:2::";
	gateway_rig_run(rig, has_ipv6);
	assert_string_equal(rig->events, "up 172.16.77.2, 6 fd00:77:0:2::1");
	assert_true(is_on_the_device());
	gateway_rig_free(rig);
}

/* Any SSTP server may; one of ours says more about it, a moment later, and that counts. */
static void ipv6_address_by_advertisement_gives_way_to_the_one_in_band(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	rig->assign6 = "fd00:77:0:2::";
	rig->advertise6 = "2001:db8:0:9::";
	gateway_rig_run(rig, has_ipv6);
	assert_string_equal(rig->events, "up 172.16.77.2, 6 2001:db8:0:9::1, 6 fd00:77:0:2::1");
	assert_true(is_on_the_device());
	assert_int_equal(rig->solicited, 1);
	gateway_rig_free(rig);
}

static bool has_ipv6_again(struct gateway_rig *rig)
{
	const char *second = strstr(rig->events, "replaced");

	return second && strstr(second, "6 fd00:77:0:2::1");
}

static void B45_second_session_takes_the_ipv6_address_over_before_it_is_told(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	rig->assign6 = "fd00:77:0:2::";
	gateway_rig_run(rig, has_ipv6);
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, has_ipv6_again);
	assert_true(rig->had_ipv6);
	assert_string_equal(rig->events, "up 172.16.77.2, 6 fd00:77:0:2::1, up 172.16.77.2, "
					 "replaced, 6 fd00:77:0:2::1");
	gateway_rig_free(rig);
}

/* It may have nothing to do with the one before. */
static void ipv6_address_is_not_taken_over_with_another_ipv4_address(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	rig->assign6 = "fd00:77:0:3::";
	gateway_rig_run(rig, is_up);
	rig->assign = "172.16.77.9";
	rig->assign6 = NULL;
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, second_is_done);
	assert_false(rig->had_ipv6);
	gateway_rig_free(rig);
}

static void add_loopback_address(const char *address)
{
	struct prefix p = prefix_host4(inet_addr(address));
	struct rtnl *r = NULL;

	assert_int_equal(rtnl_open(-1, &r), 0);
	assert_int_equal(rtnl_address_add(r, if_nametoindex("lo"), &p), 0);
	rtnl_close(r);
}

/* The kernel would take it: the address is one of the namespace's. */
static void packet_for_another_address_does_not_come_in(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	add_loopback_address("172.16.77.3");
	rig->astray = true;
	gateway_rig_run(rig, is_up);
	gateway_rig_start_app(rig);
	gateway_rig_run(rig, has_traffic);
	gateway_rig_run(rig, all_is_back);
	assert_int_equal(rig->received, rig->sent);
	gateway_rig_free(rig);
}

static void B16_refused_certificate_is_final_and_says_why(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	rig->refuse = true;
	gateway_rig_run(rig, has_ended);
	assert_string_equal(rig->events, "end");
	assert_int_equal(rig->end, SESSION_END_AUTH);
	if (!strstr(rig->reason, "revoked"))
		fail_msg("'%s' does not say it", rig->reason);
	assert_int_equal(rig->n_sessions, 1);
	gateway_rig_run(rig, first_has_ended);
	assert_int_equal(rig->sessions[0].ended_by, SESSION_BY_US);
	gateway_rig_free(rig);
}

static void gateway_s_certificate_refused_in_eap_ends_like_one_refused_in_tls(void **state)
{
	struct testcert *stranger = testcert_new(&(struct testcert_spec){.san = "IP:127.0.0.1"});
	struct gateway_rig *rig = gateway_rig_new();

	gateway_rig_show_in_eap(rig, stranger);
	gateway_rig_run(rig, has_ended);
	assert_string_equal(rig->events, "end");
	assert_int_equal(rig->end, SESSION_END_CERTIFICATE);
	if (!strstr(rig->reason, "not trusted"))
		fail_msg("'%s' does not say it", rig->reason);
	assert_int_equal(rig->n_sessions, 1);
	gateway_rig_free(rig);
	testcert_free(stranger);
}

static void B45_second_session_takes_the_address_over_without_a_loss(void **state)
{
	struct gateway_rig *rig = with_traffic();

	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, second_is_done);
	gateway_rig_run(rig, first_has_ended);
	gateway_rig_run(rig, second_has_traffic);
	gateway_rig_run(rig, all_is_back);
	assert_string_equal(rig->events, "up 172.16.77.2, up 172.16.77.2, replaced");
	assert_int_equal(rig->n_sessions, 2);
	assert_int_equal(rig->replaces_be[0], 0);
	assert_int_equal(rig->replaces_be[1], inet_addr("172.16.77.2"));
	assert_int_equal(rig->received, rig->sent);
	gateway_rig_free(rig);
}

/* Three looks at the old session fall into this time. */
static void old_session_stays_while_something_comes_through_it(void **state)
{
	struct gateway_rig *rig = with_traffic();

	rig->changes_over_after = 700 * CLOCK_NS_PER_MS;
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, first_has_ended);
	assert_true(rig->first_ended_at - rig->second_up_at >= rig->changes_over_after);
	gateway_rig_run(rig, all_is_back);
	assert_int_equal(rig->received, rig->sent);
	gateway_rig_free(rig);
}

static void gateway_that_goes_on_sending_to_the_old_session_does_not_keep_it(void **state)
{
	struct gateway_rig *rig = with_traffic();

	rig->changes_over_after = UINT64_MAX;
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, first_has_ended);
	assert_string_equal(rig->events, "up 172.16.77.2, up 172.16.77.2, replaced");
	gateway_rig_free(rig);
}

static void second_session_with_another_address_moves_the_device_s(void **state)
{
	struct gateway_rig *rig = with_traffic();

	rig->assign = "172.16.77.3";
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, first_has_ended);
	gateway_rig_run(rig, second_has_traffic);
	assert_string_equal(rig->events, "up 172.16.77.2, up 172.16.77.3, replaced");
	gateway_rig_free(rig);
}

static void second_session_that_is_refused_leaves_the_first(void **state)
{
	struct gateway_rig *rig = with_traffic();
	unsigned before;

	rig->refuse = true;
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, second_is_done);
	before = rig->received;
	rig->received = 0;
	rig->sent -= before;
	gateway_rig_run(rig, has_traffic);
	assert_string_equal(rig->events, "up 172.16.77.2, not replaced");
	assert_false(rig->sessions[0].ended);
	gateway_rig_free(rig);
}

static void gateway_that_ends_the_first_session_itself_costs_no_down(void **state)
{
	struct gateway_rig *rig = with_traffic();

	rig->end_first_on_second = true;
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, second_has_traffic);
	assert_null(strstr(rig->events, "down"));
	assert_non_null(strstr(rig->events, "up 172.16.77.2, up 172.16.77.2"));
	gateway_rig_free(rig);
}

static bool third_is_up(struct gateway_rig *rig)
{
	return rig->sessions[2].up && rig->sessions[1].ended;
}

static void replacing_again_meanwhile_is_done_once_more(void **state)
{
	struct gateway_rig *rig = with_traffic();

	tunnel_replace(rig->tunnel);
	tunnel_replace(rig->tunnel);
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, third_is_up);
	assert_int_equal(rig->n_sessions, 3);
	assert_string_equal(rig->events, "up 172.16.77.2, up 172.16.77.2, replaced, "
					 "up 172.16.77.2, replaced");
	gateway_rig_free(rig);
}

static void replacing_before_the_tunnel_is_up_changes_the_first_session_only(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, is_up);
	assert_int_equal(rig->n_sessions, 1);
	gateway_rig_free(rig);
}

static bool is_dialling(struct gateway_rig *rig)
{
	return rig->n_sessions == 1;
}

static void replacing_while_the_first_is_dialled_is_done_when_it_is_up(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	gateway_rig_run(rig, is_dialling);
	assert_string_equal(rig->events, "");
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, second_is_done);
	gateway_rig_run(rig, first_has_ended);
	assert_string_equal(rig->events, "up 172.16.77.2, up 172.16.77.2, replaced");
	assert_int_equal(rig->n_sessions, 2);
	gateway_rig_free(rig);
}

static void replacing_while_a_dial_fails_is_done_by_the_next_dial(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	rig->drop_first = true;
	gateway_rig_run(rig, is_dialling);
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, is_up);
	gateway_rig_start_app(rig);
	gateway_rig_run(rig, has_traffic);
	assert_string_equal(rig->events, "waits, up 172.16.77.2");
	assert_int_equal(rig->n_sessions, 2);
	gateway_rig_free(rig);
}

static void refusal_of_what_was_renewed_meanwhile_is_not_final(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	rig->refuse = true;
	gateway_rig_run(rig, is_dialling);
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, first_has_ended);
	rig->refuse = false;
	gateway_rig_run(rig, is_up);
	assert_string_equal(rig->events, "waits, up 172.16.77.2");
	assert_int_equal(rig->n_sessions, 2);
	gateway_rig_free(rig);
}

static void reconnecting_while_the_first_is_dialled_dials_again(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	gateway_rig_run(rig, is_dialling);
	tunnel_reconnect(rig->tunnel);
	gateway_rig_run(rig, is_up);
	assert_string_equal(rig->events, "up 172.16.77.2");
	assert_int_equal(rig->n_sessions, 2);
	gateway_rig_free(rig);
}

static void reconnecting_hangs_up_first_and_asks_for_its_former_address(void **state)
{
	struct gateway_rig *rig = with_traffic();

	tunnel_reconnect(rig->tunnel);
	gateway_rig_run(rig, second_has_traffic);
	assert_string_equal(rig->events, "up 172.16.77.2, down, up 172.16.77.2");
	assert_true(rig->sessions[0].ended);
	/* the gateway may not know yet that the first one has gone */
	assert_int_equal(rig->replaces_be[0], 0);
	assert_int_equal(rig->replaces_be[1], inet_addr("172.16.77.2"));
	gateway_rig_free(rig);
}

/* ---- what the gateway tells in band ---- */

static bool is_described(struct gateway_rig *rig)
{
	return rig->descriptions > 0;
}

static bool is_described_twice(struct gateway_rig *rig)
{
	return rig->descriptions > 1;
}

static bool is_up_again(struct gateway_rig *rig)
{
	return strstr(rig->events, "down, up ") != NULL;
}

static bool is_waiting(struct gateway_rig *rig)
{
	return strstr(rig->events, "waits") != NULL;
}

static int describe(struct gateway_rig *rig, unsigned session, const char *text)
{
	return session_describe(rig->sessions[session].session, text, strlen(text));
}

/* Without IPv6; of a TLS handshake, at least, everybody knows that it takes its time. */
static void session_passes_all_stages_in_their_order(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();
	const struct stages *server, *client;

	gateway_rig_run(rig, is_up);
	session_describe(rig->sessions[0].session, "{}", 2);
	gateway_rig_run(rig, is_described);
	server = session_stages(rig->sessions[0].session);
	client = session_stages(rig->tunnel->current->session);
	for (unsigned i = STAGE_TCP; i <= STAGE_IPCP; i++) {
		assert_true(stages_has_passed(server, i));
		assert_int_equal(stages_has_passed(client, i), i != STAGE_TCP);
		assert_true(stages_at_us(server, i) >= stages_at_us(server, i ? i - 1 : i));
	}
	assert_false(stages_has_passed(server, STAGE_IP6CP));
	assert_true(stages_has_passed(server, STAGE_SUBSCRIBED));
	assert_true(stages_took_us(server, STAGE_TLS) > 0);
	assert_true(session_began_at(rig->sessions[0].session) <= loop_now(rig->loop));
	assert_memory_equal(session_tls_name(rig->sessions[0].session), "TLSv1.", 6);
	assert_string_equal(session_auth_name(rig->sessions[0].session), "EAP-TLS");
	assert_string_equal(session_dialled(rig->sessions[0].session), "");
	session_disconnect(rig->tunnel->current->session, "enough");
	gateway_rig_run(rig, first_has_ended);
	assert_int_equal(rig->sessions[0].ended_by, SESSION_BY_PEER);
	gateway_rig_free(rig);
}

static void description_reaches_the_worker_and_again_when_it_changes(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	gateway_rig_run(rig, is_up);
	assert_int_equal(describe(rig, 0, "{\"one\": 1}"), 0);
	gateway_rig_run(rig, is_described);
	assert_string_equal(rig->description, "{\"one\": 1}");
	assert_int_equal(describe(rig, 0, "{\"one\": 1}"), 0);
	assert_int_equal(describe(rig, 0, "{\"two\": 2}"), 0);
	gateway_rig_run(rig, is_described_twice);
	assert_string_equal(rig->description, "{\"two\": 2}");
	assert_string_equal(rig->events, "up 172.16.77.2");
	gateway_rig_free(rig);
}

/* Told before anybody has subscribed, and longer than all that waits of other control packets may be. */
static void longest_description_arrives_beside_traffic(void **state)
{
	static char text[VENDOR_TEXT_MAX + 2];
	struct gateway_rig *rig = gateway_rig_new();

	for (size_t i = 0; i < VENDOR_TEXT_MAX; i++)
		text[i] = (char)('a' + i % 23);
	gateway_rig_run(rig, is_dialling);
	assert_int_equal(describe(rig, 0, text), 0);
	gateway_rig_run(rig, is_up);
	gateway_rig_start_app(rig);
	gateway_rig_run(rig, is_described);
	assert_int_equal(strcmp(rig->description, text), 0);
	assert_int_equal(session_describe(rig->sessions[0].session, text, VENDOR_TEXT_MAX + 1),
			 -EMSGSIZE);
	assert_int_equal(describe(rig, 0, text + 1), 0);
	assert_int_equal(describe(rig, 0, text + 2), 0);
	gateway_rig_run(rig, is_described_twice);
	assert_int_equal(strcmp(rig->description, text + 2), 0);
	gateway_rig_run(rig, all_is_back);
	assert_int_equal(rig->received, rig->sent);
	gateway_rig_free(rig);
}

static void session_that_takes_over_brings_its_own_description(void **state)
{
	struct gateway_rig *rig = with_traffic();

	assert_int_equal(describe(rig, 0, "first"), 0);
	gateway_rig_run(rig, is_described);
	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, second_is_done);
	assert_int_equal(describe(rig, 0, "of the old one"), 0);
	assert_int_equal(describe(rig, 1, "second"), 0);
	gateway_rig_run(rig, is_described_twice);
	assert_string_equal(rig->description, "second");
	gateway_rig_free(rig);
}

static bool is_traced(struct gateway_rig *rig)
{
	return rig->traces > 0;
}

/* What is described has subscribed. */
static void run_until_described(struct gateway_rig *rig)
{
	gateway_rig_run(rig, is_up);
	assert_int_equal(describe(rig, 0, "{}"), 0);
	gateway_rig_run(rig, is_described);
}

static void ask_for_probe(struct gateway_rig *rig, uint32_t id, const char *address)
{
	struct vendor_trace q = {.id = id, .port = 80, .own = 61001, .to.family = 4};
	uint32_t to = inet_addr(address);

	memcpy(q.to.bytes, &to, sizeof(to));
	rig->traces = 0;
	assert_int_equal(session_trace(rig->sessions[0].session, &q), 0);
}

static void probe_that_the_gateway_asks_for_is_answered(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();
	const struct vendor_trace early = {.id = 1, .own = 61001, .to.family = 4};

	gateway_rig_run(rig, is_dialling);
	assert_int_equal(session_trace(rig->sessions[0].session, &early), -ENOTCONN);
	run_until_described(rig);
	ask_for_probe(rig, 7, "203.0.113.1");
	gateway_rig_run(rig, is_traced);
	assert_int_equal(rig->traced.id, 7);
	assert_int_equal(rig->traced.route, VENDOR_ROUTE_NONE);
	assert_int_equal(rig->traced.outcome, VENDOR_OUTCOME_UNSENT);
	ask_for_probe(rig, 8, "127.0.0.1");
	gateway_rig_run(rig, is_traced);
	assert_int_equal(rig->traced.route, VENDOR_ROUTE_LOCAL);
	gateway_rig_free(rig);
}

/* The first one is not answered any more, for the gateway waits for the last one only. */
static void second_probe_meanwhile_is_refused(void **state)
{
	struct gateway_rig *rig = gateway_rig_new();

	run_until_described(rig);
	ask_for_probe(rig, 7, "10.20.0.9");
	ask_for_probe(rig, 8, "10.20.0.9");
	gateway_rig_run(rig, is_traced);
	assert_int_equal(rig->traced.id, 8);
	assert_int_equal(rig->traced.outcome, VENDOR_OUTCOME_BUSY);
	gateway_rig_free(rig);
}

static void close_by_the_operator_is_final(void **state)
{
	struct gateway_rig *rig = with_traffic();

	session_close_connection(rig->sessions[0].session, SESSION_CLOSE_DISCONNECTED,
				 "the operator has disconnected app \"shop\"");
	gateway_rig_run(rig, has_ended);
	assert_int_equal(rig->end, SESSION_END_DISCONNECTED);
	assert_string_equal(rig->events, "up 172.16.77.2, down, end");
	assert_non_null(strstr(rig->reason, "the operator has disconnected app"));
	gateway_rig_free(rig);
}

static void device_can_go_before_the_tunnel_that_has_ended(void **state)
{
	struct gateway_rig *rig = with_traffic();

	session_close_connection(rig->sessions[0].session, SESSION_CLOSE_DISCONNECTED, "bye");
	gateway_rig_run(rig, has_ended);
	tunnel_release(rig->tunnel);
	network_free(rig->network);
	rig->network = NULL;
	assert_int_equal(if_nametoindex("rig0"), 0);
	gateway_rig_free(rig);
}

static void close_to_restart_dials_again_at_once(void **state)
{
	struct gateway_rig *rig = with_traffic();
	uint64_t began = loop_now(rig->loop);

	session_close_connection(rig->sessions[0].session, SESSION_CLOSE_RESTART, "sync");
	gateway_rig_run(rig, is_up_again);
	assert_string_equal(rig->events, "up 172.16.77.2, down, up 172.16.77.2");
	assert_int_equal(rig->end, SESSION_END_RESTART);
	/* the first wait is at least half a second */
	assert_in_range(loop_now(rig->loop) - began, 0, 400 * CLOCK_NS_PER_MS);
	gateway_rig_free(rig);
}

static void close_to_restart_a_second_time_waits(void **state)
{
	struct gateway_rig *rig = with_traffic();

	session_close_connection(rig->sessions[0].session, SESSION_CLOSE_RESTART, "sync");
	gateway_rig_run(rig, is_up_again);
	assert_int_equal(describe(rig, 1, "it has subscribed"), 0);
	gateway_rig_run(rig, is_described);
	session_close_connection(rig->sessions[1].session, SESSION_CLOSE_RESTART, "and again");
	gateway_rig_run(rig, is_waiting);
	assert_string_equal(rig->events, "up 172.16.77.2, down, up 172.16.77.2, down, waits");
	assert_in_range(rig->waits, CLOCK_NS_PER_S / 2, CLOCK_NS_PER_S);
	assert_int_equal(rig->end, SESSION_END_RESTART);
	gateway_rig_free(rig);
}

static void close_by_the_operator_is_final_while_a_second_session_is_made(void **state)
{
	struct gateway_rig *rig = with_traffic();

	tunnel_replace(rig->tunnel);
	session_close_connection(rig->sessions[0].session, SESSION_CLOSE_DISCONNECTED, "bye");
	gateway_rig_run(rig, has_ended);
	assert_int_equal(rig->end, SESSION_END_DISCONNECTED);
	assert_string_equal(rig->events, "up 172.16.77.2, down, end");
	gateway_rig_free(rig);
}

static void close_to_restart_is_one_while_a_second_session_is_made(void **state)
{
	struct gateway_rig *rig = with_traffic();

	tunnel_replace(rig->tunnel);
	session_close_connection(rig->sessions[0].session, SESSION_CLOSE_RESTART, "sync");
	gateway_rig_run(rig, is_up_again);
	assert_string_equal(rig->events, "up 172.16.77.2, down, up 172.16.77.2");
	assert_int_equal(rig->end, SESSION_END_RESTART);
	gateway_rig_free(rig);
}

static void close_of_what_is_disabled_waits_a_minute(void **state)
{
	struct gateway_rig *rig = with_traffic();

	session_close_connection(rig->sessions[0].session, SESSION_CLOSE_DISABLED,
				 "the plan's tier is not allowed");
	gateway_rig_run(rig, is_waiting);
	assert_string_equal(rig->events, "up 172.16.77.2, down, waits");
	assert_in_range(rig->waits, 60 * CLOCK_NS_PER_S, 61 * CLOCK_NS_PER_S);
	assert_int_equal(rig->end, SESSION_END_DISABLED);
	gateway_rig_free(rig);
}

static void session_that_is_only_disconnected_is_dialled_after_a_second(void **state)
{
	struct gateway_rig *rig = with_traffic();

	session_disconnect(rig->sessions[0].session, "the gateway stops");
	gateway_rig_run(rig, is_waiting);
	assert_in_range(rig->waits, CLOCK_NS_PER_S / 2, CLOCK_NS_PER_S);
	gateway_rig_free(rig);
}

static void stopping_while_there_are_two_ends_once(void **state)
{
	struct gateway_rig *rig = with_traffic();

	tunnel_replace(rig->tunnel);
	gateway_rig_run(rig, second_is_done);
	tunnel_stop(rig->tunnel, "enough");
	gateway_rig_run(rig, has_ended);
	assert_int_equal(rig->end, SESSION_END_NORMAL);
	assert_string_equal(rig->events, "up 172.16.77.2, up 172.16.77.2, replaced, down, end");
	gateway_rig_free(rig);
}

static void freeing_while_the_second_is_dialled_cuts_both(void **state)
{
	struct gateway_rig *rig = with_traffic();

	tunnel_replace(rig->tunnel);
	gateway_rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(B16_session_by_certificate_carries_packets),
		cmocka_unit_test(session_passes_all_stages_in_their_order),
		cmocka_unit_test(B16_refused_certificate_is_final_and_says_why),
		cmocka_unit_test(gateway_s_certificate_refused_in_eap_ends_like_one_refused_in_tls),
		cmocka_unit_test(B45_second_session_takes_the_address_over_without_a_loss),
		cmocka_unit_test(old_session_stays_while_something_comes_through_it),
		cmocka_unit_test(gateway_that_goes_on_sending_to_the_old_session_does_not_keep_it),
		cmocka_unit_test(second_session_with_another_address_moves_the_device_s),
		cmocka_unit_test(second_session_that_is_refused_leaves_the_first),
		cmocka_unit_test(gateway_that_ends_the_first_session_itself_costs_no_down),
		cmocka_unit_test(replacing_again_meanwhile_is_done_once_more),
		cmocka_unit_test(replacing_before_the_tunnel_is_up_changes_the_first_session_only),
		cmocka_unit_test(replacing_while_the_first_is_dialled_is_done_when_it_is_up),
		cmocka_unit_test(replacing_while_a_dial_fails_is_done_by_the_next_dial),
		cmocka_unit_test(refusal_of_what_was_renewed_meanwhile_is_not_final),
		cmocka_unit_test(reconnecting_while_the_first_is_dialled_dials_again),
		cmocka_unit_test(reconnecting_hangs_up_first_and_asks_for_its_former_address),
		cmocka_unit_test(description_reaches_the_worker_and_again_when_it_changes),
		cmocka_unit_test(longest_description_arrives_beside_traffic),
		cmocka_unit_test(session_that_takes_over_brings_its_own_description),
		cmocka_unit_test(close_by_the_operator_is_final),
		cmocka_unit_test(device_can_go_before_the_tunnel_that_has_ended),
		cmocka_unit_test(close_to_restart_dials_again_at_once),
		cmocka_unit_test(close_to_restart_a_second_time_waits),
		cmocka_unit_test(close_by_the_operator_is_final_while_a_second_session_is_made),
		cmocka_unit_test(close_to_restart_is_one_while_a_second_session_is_made),
		cmocka_unit_test(close_of_what_is_disabled_waits_a_minute),
		cmocka_unit_test(session_that_is_only_disconnected_is_dialled_after_a_second),
		cmocka_unit_test(stopping_while_there_are_two_ends_once),
		cmocka_unit_test(freeing_while_the_second_is_dialled_cuts_both),
		/* last: the address stays */
		cmocka_unit_test(packet_for_another_address_does_not_come_in),
		cmocka_unit_test(probe_that_the_gateway_asks_for_is_answered),
		cmocka_unit_test(second_probe_meanwhile_is_refused),
		cmocka_unit_test(ipv6_address_is_told_in_band_and_set),
		cmocka_unit_test(ipv6_address_by_advertisement_gives_way_to_the_one_in_band),
		cmocka_unit_test(B45_second_session_takes_the_ipv6_address_over_before_it_is_told),
		cmocka_unit_test(ipv6_address_is_not_taken_over_with_another_ipv4_address),
	};

	return cmocka_run_group_tests(tests, gateway_rig_namespace, NULL);
}
