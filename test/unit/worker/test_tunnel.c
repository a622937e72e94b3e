/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's tunnel by certificate, and how a second session takes over. */
#include <arpa/inet.h>
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

static void add_loopback_address(const char *address)
{
	struct rtnl *r = NULL;

	assert_int_equal(rtnl_open(-1, &r), 0);
	assert_int_equal(rtnl_address_add(r, if_nametoindex("lo"), inet_addr(address)), 0);
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
	assert_string_equal(rig->events, "up 172.16.77.2");
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
	assert_string_equal(rig->events, "up 172.16.77.2");
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
		cmocka_unit_test(stopping_while_there_are_two_ends_once),
		cmocka_unit_test(freeing_while_the_second_is_dialled_cuts_both),
		/* last: the address stays */
		cmocka_unit_test(packet_for_another_address_does_not_come_in),
	};

	return cmocka_run_group_tests(tests, gateway_rig_namespace, NULL);
}
