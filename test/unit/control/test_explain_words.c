/* SPDX-License-Identifier: Apache-2.0 */
/* What was found is put together by hand; names, routes and peerings in words are tested in golden/cli. */
#include "sstp/control/explain_words.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/control/model_internal.h"
#include "test/support/cmocka.h"

struct site {
	struct model *model;
	struct effective *effective;
	struct effective_shown shown;
	struct explain_facts facts; /* of something that is reached */
	json_t *said;
};

static const char synced[] = "{\"addressSpaces\":[\"10.1.0.0/16\"]}";

static struct site *site_new(void)
{
	const struct effective_query q = {.plan = 1, .vnet = 1, .synced = synced};
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(model_open(":memory:", &s->model, NULL), 0);
	assert_int_equal(effective_new(s->model, &s->effective, NULL), 0);
	assert_int_equal(
		store_script(s->model->store,
			     "INSERT INTO vnet (id, subscription, resource_group, name, spaces)"
			     " VALUES (1, 'd', 'd', 'hub', '[\"10.1.0.0/16\"]');"
			     "INSERT INTO gateway (vnet_id, name, gateway_type, pools)"
			     " VALUES (1, 'gw', 'Vpn', '[\"172.16.0.0/24\",\"fd00::/56\"]')",
			     NULL),
		0);
	assert_int_equal(effective_show(s->effective, 1, &q, &s->shown, NULL), 1);
	s->facts = (struct explain_facts){
		.app = "shop",
		.vnet = "hub",
		.target = "10.1.0.9:443",
		.host = "10.1.0.9",
		.has_address = true,
		.address = {AF_INET, 32, {10, 1, 0, 9}},
		.port = 443,
		.refusal = "",
		.n_sessions = 1,
		.shown = &s->shown,
		.has_kernel = true,
		.kernel = {.kind = RTNL_GOT_FORWARDED, .device = "eth1", .table = 254},
		.device = "sstp0",
		.pools = &s->shown.gate->vnet->pools,
		.was_probed = true,
		.probed = {.outcome = MSG_OUTCOME_OPEN, .drop = "", .round_trip_us = 700},
	};
	return s;
}

static void site_free(struct site *s)
{
	json_decref(s->said);
	effective_shown_done(&s->shown);
	effective_free(s->effective);
	model_close(s->model);
	free(s);
}

static void verdict_is(struct site *s, const char *expected)
{
	char *text = explain_json(&s->facts);

	json_decref(s->said);
	s->said = json_loads(text, 0, NULL);
	free(text);
	assert_string_equal(json_string_value(json_object_get(s->said, "verdict")), expected);
}

/* Of what was said last. */
static void step_is(struct site *s, const char *name, const char *result, const char *finding)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(s->said, "steps"), i, step)
	{
		if (strcmp(json_string_value(json_object_get(step, "step")), name) != 0)
			continue;
		assert_string_equal(json_string_value(json_object_get(step, "finding")), finding);
		assert_string_equal(json_string_value(json_object_get(step, "result")), result);
		return;
	}
	fail_msg("nothing is said of %s", name);
}

static void all_is_well_when_the_probe_says_so(void **state)
{
	struct site *s = site_new();

	verdict_is(s, "Reachable");
	step_is(s, "gatewayRoute", "ok",
		"The gateway's kernel sends 10.1.0.9 out of eth1 (table 254).");
	step_is(s, "probe", "ok", "Port 443 of 10.1.0.9 is open: it answers in 0.7 ms.");
	s->facts.was_probed = false;
	verdict_is(s, "Allowed");
	s->facts.n_sessions = 0;
	verdict_is(s, "NotConnected");
	s->facts.refusal = "There is no gateway.";
	verdict_is(s, "Disabled");
	site_free(s);
}

static void kernel_without_a_way_is_named(void **state)
{
	struct site *s = site_new();

	s->facts.was_probed = false;
	s->facts.kernel_error = -ENETUNREACH;
	verdict_is(s, "GatewayHasNoRoute");
	step_is(s, "gatewayRoute", "failed",
		"The gateway's kernel has no route to 10.1.0.9: Network is unreachable.");
	s->facts.kernel_error = 0;
	s->facts.kernel.kind = RTNL_GOT_UNREACHABLE;
	verdict_is(s, "GatewayHasNoRoute");
	s->facts.kernel.kind = RTNL_GOT_LOCAL;
	verdict_is(s, "Gateway");
	s->facts.kernel.kind = RTNL_GOT_FORWARDED;
	strcpy(s->facts.kernel.device, "sstp0");
	verdict_is(s, "Allowed");
	step_is(s, "gatewayRoute", "warning",
		"The gateway's kernel sends 10.1.0.9 back into the tunnel device sstp0.");
	s->facts.has_kernel = false;
	s->facts.kernel_error = -ETIMEDOUT;
	verdict_is(s, "Allowed");
	step_is(s, "gatewayRoute", "unknown",
		"The gateway's kernel could not be asked: Connection timed out.");
	site_free(s);
}

static void B19_silence_is_a_way_back_that_is_missing(void **state)
{
	const struct prefix announced = {AF_INET, 12, {172, 16}};
	struct site *s = site_new();

	s->facts.probed.outcome = MSG_OUTCOME_SILENCE;
	verdict_is(s, "NoReply");
	step_is(s, "returnRoute", "warning",
		"The pool 172.16.0.0/24 is not announced (enableBgp is off): the far side needs a "
		"route "
		"to it by this gateway.");
	step_is(s, "probe", "failed",
		"A SYN to 10.1.0.9 was forwarded, and nothing came back: no return path suspected, "
		"or a "
		"firewall drops it.");
	s->facts.has_bgp = true;
	s->facts.announce_table = 8401;
	s->facts.announced = &announced;
	s->facts.n_announced = 1;
	verdict_is(s, "NoReply");
	step_is(s, "returnRoute", "ok",
		"The pool 172.16.0.0/24 is announced: who learns from kernel table 8401 of the "
		"gateway "
		"has the way back.");
	site_free(s);
}

static void B52_what_the_network_says_is_told_apart(void **state)
{
	static const struct {
		enum msg_outcome outcome;
		const char *verdict;
	} cases[] = {
		{MSG_OUTCOME_ECHO, "Reachable"},     {MSG_OUTCOME_OPEN, "Reachable"},
		{MSG_OUTCOME_CLOSED, "PortClosed"},  {MSG_OUTCOME_ICMP, "Unreachable"},
		{MSG_OUTCOME_REFUSED, "Dropped"},    {MSG_OUTCOME_SILENCE, "NoReply"},
		{MSG_OUTCOME_NO_SESSION, "Allowed"}, {MSG_OUTCOME_BUSY, "Allowed"},
	};
	struct site *s = site_new();

	s->facts.probed.from = (struct prefix){AF_INET, 32, {10, 1, 0, 1}};
	s->facts.probed.drop = "peering";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s->facts.probed.outcome = (uint8_t)cases[i].outcome;
		verdict_is(s, cases[i].verdict);
	}
	site_free(s);
}

static void name_that_no_server_knows_is_the_end(void **state)
{
	struct site *s = site_new();

	s->facts.host = "db.corp";
	s->facts.is_name = true;
	s->facts.has_address = false;
	verdict_is(s, "NameNotResolved");
	step_is(s, "name", "failed", "Virtual network hub has no name server.");
	s->facts.n_servers = 1;
	s->facts.servers[0] = (struct explain_server){.address = {AF_INET, 32, {10, 1, 0, 4}},
						      .answer = {.outcome = DNS_SILENCE}};
	verdict_is(s, "NameNotResolved");
	step_is(s, "name", "failed", "Name server 10.1.0.4: no answer in 3 s.");
	assert_true(json_is_null(json_object_get(s->said, "address")));
	site_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well_when_the_probe_says_so),
		cmocka_unit_test(kernel_without_a_way_is_named),
		cmocka_unit_test(B19_silence_is_a_way_back_that_is_missing),
		cmocka_unit_test(B52_what_the_network_says_is_told_apart),
		cmocka_unit_test(name_that_no_server_knows_is_the_end),
	};

	return cmocka_run_group_tests_name("control/explain_words", tests, NULL, NULL);
}
