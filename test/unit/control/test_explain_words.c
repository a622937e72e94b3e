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
		.down = "",
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
static void message_is(struct site *s, const char *expected)
{
	assert_string_equal(json_string_value(json_object_get(s->said, "message")), expected);
}

/* Likewise. */
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

/* Of what was said last; the last one of that name. */
static void last_step_is(struct site *s, const char *name, const char *result, const char *finding)
{
	const json_t *step, *last = NULL;
	size_t i;

	json_array_foreach(json_object_get(s->said, "steps"), i, step)
	{
		if (strcmp(json_string_value(json_object_get(step, "step")), name) == 0)
			last = step;
	}
	assert_string_equal(json_string_value(json_object_get(last, "finding")), finding);
	assert_string_equal(json_string_value(json_object_get(last, "result")), result);
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

static void gateway_that_is_down_is_the_reason_whatever_else_is_well(void **state)
{
	struct site *s = site_new();

	s->facts.down = "vnet hub: no network namespace 'blue'";
	verdict_is(s, "GatewayDown");
	step_is(s, "gateway", "failed",
		"The gateway of virtual network hub is down: vnet hub: no network namespace "
		"'blue'.");
	s->facts.was_probed = false;
	s->facts.app = NULL;
	verdict_is(s, "GatewayDown");
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

static void neighbours_and_their_path_are_named_when_bird_says_them(void **state)
{
	static const struct prefix announced = {AF_INET, 24, {172, 16}};
	struct explain_bgp bird = {.has_route = true,
				   .dst = {AF_INET, 16, {10, 1}},
				   .as_path = "65010 65011",
				   .from = "192.0.2.2 (AS 65010)"};
	struct site *s = site_new();

	s->facts.has_bgp = true;
	s->facts.announced = &announced;
	s->facts.n_announced = 1;
	s->facts.bird = &bird;
	verdict_is(s, "Reachable");
	last_step_is(s, "route", "info",
		     "BGP learns 10.1.0.0/16 from neighbour 192.0.2.2 (AS 65010), AS path 65010 "
		     "65011.");
	last_step_is(s, "returnRoute", "warning", "BIRD tells no neighbour of 172.16.0.0/24.");
	snprintf(bird.told, sizeof(bird.told), "192.0.2.2 (AS 65010)");
	verdict_is(s, "Reachable");
	last_step_is(s, "returnRoute", "ok",
		     "Neighbours that BIRD tells of 172.16.0.0/24: 192.0.2.2 (AS 65010).");
	snprintf(bird.why, sizeof(bird.why), "BIRD is away");
	verdict_is(s, "Reachable");
	last_step_is(s, "route", "unknown", "Neighbours and AS paths are not known: BIRD is away.");
	site_free(s);
}

static void B19_silence_is_a_way_back_that_is_missing(void **state)
{
	const struct prefix announced = {AF_INET, 12, {172, 16}};
	struct explain_bgp bird = {.told = ""};
	struct site *s = site_new();

	s->facts.probed.outcome = MSG_OUTCOME_SILENCE;
	s->facts.probed.source = (struct prefix){AF_INET, 32, {172, 16, 0, 5}};
	verdict_is(s, "NoReturnPathSuspected");
	message_is(s, "No return path suspected: a SYN to 10.1.0.9 was forwarded, and nothing came "
		      "back. The far side needs a route to the pool 172.16.0.0/24 by this gateway. "
		      "Where it has one, a firewall drops it, or the host is down.");
	step_is(s, "returnRoute", "warning",
		"The pool 172.16.0.0/24 is not announced (enableBgp is off): the far side needs a "
		"route to it by this gateway.");
	step_is(s, "probe", "failed",
		"A SYN to 10.1.0.9 was forwarded, and nothing came back: no return path "
		"suspected.");
	s->facts.has_bgp = true;
	s->facts.announce_table = 8401;
	s->facts.announced = &announced;
	s->facts.n_announced = 1;
	s->facts.port = 0;
	verdict_is(s, "NoReply");
	message_is(s, "A ping to 10.1.0.9 was forwarded, and nothing came back, although the pool "
		      "is announced: a firewall there drops it, the host is down, or the far side "
		      "does not take what is announced.");
	step_is(s, "returnRoute", "ok",
		"The pool 172.16.0.0/24 is announced: who learns from kernel table 8401 of the "
		"gateway has the way back.");
	step_is(s, "probe", "failed", "A ping to 10.1.0.9 was forwarded, and nothing came back.");
	s->facts.bird = &bird;
	verdict_is(s, "NoReturnPathSuspected");
	strcpy(bird.told, "192.0.2.2 (AS 65010)");
	verdict_is(s, "NoReply");
	strcpy(bird.told, "");
	strcpy(bird.why, "BIRD is away");
	verdict_is(s, "NoReply");
	site_free(s);
}

/* The pool of the other family is not the one that the question came from. */
static void B19_pool_that_is_missing_is_the_session_s_own(void **state)
{
	const struct prefix announced = {AF_INET, 24, {172, 16, 0}};
	struct site *s = site_new();

	s->facts.probed.outcome = MSG_OUTCOME_SILENCE;
	s->facts.probed.source = (struct prefix){AF_INET, 32, {172, 16, 0, 5}};
	s->facts.announced = &announced;
	s->facts.n_announced = 1;
	verdict_is(s, "NoReply");
	s->facts.address = (struct prefix){AF_INET6, 128, {0xfd, 1, [15] = 9}};
	s->facts.probed.source = (struct prefix){AF_INET6, 128, {0xfd, [15] = 1}};
	verdict_is(s, "NotRouted");
	step_is(s, "probe", "failed",
		"A SYN to fd01::9 was forwarded, and nothing came back: no return path suspected.");
	site_free(s);
}

static void B52_what_the_network_says_is_told_apart(void **state)
{
	static const struct {
		enum msg_outcome outcome;
		const char *verdict, *message;
	} cases[] = {
		{MSG_OUTCOME_ECHO, "Reachable", "10.1.0.9 is reachable: it answers a ping."},
		{MSG_OUTCOME_OPEN, "Reachable", "Port 443 of 10.1.0.9 is open."},
		{MSG_OUTCOME_CLOSED, "PortClosed",
		 "Port 443 is refused by the host: 10.1.0.9 itself is reached."},
		{MSG_OUTCOME_REFUSED, "Dropped", "The gateway drops it: peering."},
	};
	struct site *s = site_new();

	s->facts.probed.drop = "peering";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s->facts.probed.outcome = (uint8_t)cases[i].outcome;
		verdict_is(s, cases[i].verdict);
		message_is(s, cases[i].message);
	}
	site_free(s);
}

static void router_that_turns_it_away_is_named_with_its_reason(void **state)
{
	struct site *s = site_new();

	s->facts.probed.outcome = MSG_OUTCOME_ICMP;
	s->facts.probed.from = (struct prefix){AF_INET, 32, {10, 1, 0, 1}};
	s->facts.probed.type = 3;
	s->facts.probed.code = 13;
	verdict_is(s, "Unreachable");
	message_is(s, "10.1.0.9 cannot be reached. Router 10.1.0.1 says: administratively "
		      "prohibited (ICMP type 3, code 13).");
	step_is(s, "probe", "failed",
		"Router 10.1.0.1 says: administratively prohibited (ICMP type 3, code 13).");
	s->facts.probed.from.addr[3] = 9;
	s->facts.probed.code = 3;
	verdict_is(s, "Unreachable");
	message_is(s, "10.1.0.9 cannot be reached. 10.1.0.9 says: port unreachable (ICMP type 3, "
		      "code 3).");
	s->facts.probed.from = (struct prefix){AF_INET6, 128, {0xfd, [15] = 1}};
	s->facts.probed.type = 1;
	verdict_is(s, "HostDown");
	step_is(s, "probe", "failed",
		"Router fd00::1 says: address unreachable (ICMP type 1, code 3).");
	s->facts.probed.type = 99;
	verdict_is(s, "Unreachable");
	step_is(s, "probe", "failed", "Router fd00::1 says: not delivered (ICMP type 99, code 3).");
	site_free(s);
}

static void verdict_without_a_probe_says_so(void **state)
{
	static const char allowed[] = "Nothing speaks against it here: 10.1.0.9 is routed and "
				      "allowed; the verdict is without a probe.";
	struct site *s = site_new();

	s->facts.probed.outcome = MSG_OUTCOME_BUSY;
	verdict_is(s, "Allowed");
	message_is(s, allowed);
	step_is(s, "probe", "unknown",
		"Too much is being probed just now: the verdict is without a probe.");
	s->facts.probed.outcome = MSG_OUTCOME_NO_SESSION;
	verdict_is(s, "Allowed");
	message_is(s, allowed);
	step_is(s, "probe", "unknown",
		"No session is up to probe from: the verdict is without a probe.");
	s->facts.n_sessions = 0;
	verdict_is(s, "NotConnected");
	message_is(s, "Nothing speaks against it, but no session of app shop is up, and the "
		      "verdict is without a probe: start its worker.");
	s->facts.was_probed = false;
	verdict_is(s, "NotConnected");
	step_is(s, "probe", "unknown",
		"The data plane does not say what a probe meets: the verdict is without a probe.");
	s->facts.app = NULL;
	verdict_is(s, "Allowed");
	step_is(s, "probe", "info",
		"There is no app whose session could be probed from: the verdict is without a "
		"probe.");
	site_free(s);
}

/* To a VNet with these that is peered with hub, from hub's side alone. */
static void peer_with_spoke(struct site *s)
{
	assert_int_equal(
		store_script(s->model->store,
			     "INSERT INTO vnet (id, subscription, resource_group, name, spaces)"
			     " VALUES (2, 'd', 'd', 'spoke', '[\"10.40.0.0/16\"]');"
			     "INSERT INTO peering (vnet_id, name, remote_vnet, allow_access,"
			     "  allow_forwarded, allow_transit) VALUES (1, 'a', 'spoke', 1, 1, 0),"
			     "  (2, 'b', 'hub', 1, 1, 0);"
			     "UPDATE peering SET use_remote = 1 WHERE vnet_id = 2",
			     NULL),
		0);
}

/* Again, as the model is now: an app's, whose plan has synced, or a client's of the VNet. */
static void show_again(struct site *s, const char *app)
{
	const struct effective_query q = {.plan = 1, .vnet = 1, .synced = synced};

	effective_shown_done(&s->shown);
	assert_int_equal(effective_show(s->effective, 1, app ? &q : NULL, &s->shown, NULL), 1);
	s->facts.app = app;
	s->facts.pools = &s->shown.gate->vnet->pools;
}

static void B23_closed_peering_is_a_client_s_verdict_too(void **state)
{
	struct site *s = site_new();

	peer_with_spoke(s);
	show_again(s, NULL);
	s->facts.was_probed = false;
	s->facts.address = (struct prefix){AF_INET, 32, {10, 40, 0, 2}};
	verdict_is(s, "PeeringClosed");
	message_is(s, "The peering with virtual network spoke is closed: allowGatewayTransit is "
		      "not set on peering a of virtual network hub.");
	s->facts.address = (struct prefix){AF_INET, 32, {10, 41, 0, 2}};
	verdict_is(s, "NotRouted");
	s->facts.address = (struct prefix){AF_INET, 32, {10, 40, 0, 2}};
	assert_int_equal(store_script(s->model->store,
				      "UPDATE peering SET allow_transit = 1 WHERE vnet_id = 1",
				      NULL),
			 0);
	show_again(s, NULL);
	verdict_is(s, "Allowed");
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
	verdict_is(s, "NameServerDead");
	step_is(s, "name", "failed", "Name server 10.1.0.4: no answer in 3 s.");
	assert_true(json_is_null(json_object_get(s->said, "address")));
	site_free(s);
}

static struct explain_server server_that_says(uint8_t net, uint8_t host, enum dns_outcome outcome)
{
	return (struct explain_server){
		.address = {AF_INET, 32, {10, net, 0, host}},
		.answer = {.outcome = outcome, .addresses = {{AF_INET, 32, {10, 1, 0, 9}}}, .n = 1},
	};
}

static void name_server_behind_a_closed_peering_knows_nothing_for_the_app(void **state)
{
	struct site *s = site_new();

	peer_with_spoke(s);
	show_again(s, "shop");
	s->facts.host = "db.corp";
	s->facts.is_name = true;
	s->facts.n_servers = 1;
	s->facts.servers[0] = server_that_says(40, 2, DNS_FOUND);
	verdict_is(s, "NameServerNotReached");
	message_is(s,
		   "db.corp is not resolved in virtual network hub: name server 10.40.0.2 is not "
		   "reached: allowGatewayTransit is not set on peering a of virtual network hub.");
	step_is(s, "name", "failed",
		"Name server 10.40.0.2: no question of the app gets there: allowGatewayTransit is "
		"not set on peering a of virtual network hub. Asked by the gateway itself: db.corp "
		"is 10.1.0.9.");
	step_is(s, "probe", "ok", "Port 443 of 10.1.0.9 is open: it answers in 0.7 ms.");
	s->facts.servers[0] = server_that_says(77, 2, DNS_FOUND);
	verdict_is(s, "NameServerNotReached");
	message_is(s,
		   "db.corp is not resolved in virtual network hub: name server 10.77.0.2 is not "
		   "reached: No route of the connection has it.");
	s->facts.servers[0] = server_that_says(1, 2, DNS_FOUND);
	verdict_is(s, "Reachable");
	step_is(s, "name", "ok", "Name server 10.1.0.2: db.corp is 10.1.0.9.");
	site_free(s);
}

/* The second one is reached. */
static void name_is_what_the_first_server_says_that_is_reached(void **state)
{
	static const struct {
		enum dns_outcome outcome;
		const char *verdict;
	} cases[] = {
		{DNS_FOUND, "Reachable"},
		{DNS_NO_NAME, "NameNotResolved"},
		{DNS_NO_ADDRESS, "NameNotResolved"},
		{DNS_SILENCE, "NameServerNotReached"},
		{DNS_REFUSED, "NameServerNotReached"},
	};
	struct site *s = site_new();

	s->facts.host = "db.corp";
	s->facts.is_name = true;
	s->facts.n_servers = 2;
	s->facts.servers[0] = server_that_says(77, 2, DNS_FOUND);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s->facts.servers[1] = server_that_says(1, 2, cases[i].outcome);
		assert_int_equal(explain_is_answer(&s->facts.servers[1]),
				 cases[i].outcome <= DNS_NO_ADDRESS);
		verdict_is(s, cases[i].verdict);
	}
	s->facts.servers[1] = server_that_says(1, 2, DNS_FOUND);
	s->facts.servers[1].error = -EHOSTUNREACH;
	assert_false(explain_is_answer(&s->facts.servers[1]));
	verdict_is(s, "NameServerNotReached");
	site_free(s);
}

/* ---- what follow-ups say ---- */

static struct explain_probe told(uint8_t source, uint16_t port, uint8_t ttl,
				 enum msg_outcome outcome)
{
	struct explain_probe p = {.source = source, .port = port, .ttl = ttl, .is_told = true};

	p.answer.outcome = (uint8_t)outcome;
	p.answer.source = (struct prefix){AF_INET, 32, {172, 16, 0, source ? source : 5}};
	if (source == EXPLAIN_BY_GATEWAY)
		p.answer.source = (struct prefix){AF_INET, 32, {10, 1, 0, 1}};
	p.answer.from = (struct prefix){.family = AF_INET};
	if (outcome == MSG_OUTCOME_ICMP) {
		p.answer.from = (struct prefix){AF_INET, 32, {10, 1, 0, 3}};
		p.answer.type = ttl ? 11 : 3;
		p.answer.code = !ttl;
	}
	return p;
}

static struct site *silent_site(const struct explain_probe *probes, size_t n)
{
	struct site *s = site_new();

	s->facts.probed.outcome = MSG_OUTCOME_SILENCE;
	s->facts.probed.source = (struct prefix){AF_INET, 32, {172, 16, 0, 5}};
	s->facts.probes = probes;
	s->facts.n_probes = n;
	return s;
}

static size_t n_causes(const struct site *s)
{
	return json_array_size(json_object_get(s->said, "causes"));
}

static void B55_gateway_itself_tells_vm_from_app(void **state)
{
	struct explain_probe probes[] = {
		told(EXPLAIN_BY_GATEWAY, 443, 0, MSG_OUTCOME_OPEN),
		told(0, 0, 0, MSG_OUTCOME_ECHO),
	};
	struct site *s = silent_site(probes, 2);

	verdict_is(s, "FirewallDropsPool");
	message_is(s, "A firewall keeps the pool from port 443 of 10.1.0.9: the gateway itself "
		      "(10.1.0.1) is answered there, and the host answers the app otherwise. Allow "
		      "TCP port 443 from the pool 172.16.0.0/24.");
	step_is(s, "gatewayProbe", "ok",
		"The gateway itself (10.1.0.1) reaches port 443 of 10.1.0.9: it is open.");
	step_is(s, "hostProbe", "ok", "10.1.0.9 answers a ping of the app's.");
	assert_int_equal(n_causes(s), 1);
	probes[0].answer.outcome = MSG_OUTCOME_SILENCE;
	verdict_is(s, "FirewallDropsPort");
	step_is(s, "gatewayProbe", "failed",
		"The gateway itself (10.1.0.1) gets no answer from 10.1.0.9 either.");
	s->facts.n_probes = 1;
	verdict_is(s, "HostDown");
	message_is(s,
		   "10.1.0.9 answers nobody, the gateway itself (10.1.0.1) neither: the host is "
		   "down, or a firewall there drops everybody. Start it; then allow TCP port 443 "
		   "from the pool 172.16.0.0/24.");
	assert_int_equal(n_causes(s), 3);
	site_free(s);
}

static void B56_causes_are_listed_the_likelier_first(void **state)
{
	struct explain_probe probes[] = {
		told(EXPLAIN_BY_GATEWAY, 443, 0, MSG_OUTCOME_OPEN),
		told(EXPLAIN_BY_GATEWAY, 0, 1, MSG_OUTCOME_ICMP),
		told(0, 443, 2, MSG_OUTCOME_ICMP),
	};
	struct site *s = silent_site(probes, 3);

	verdict_is(s, "FirewallDropsPool");
	message_is(s, "A firewall drops the pool at 10.1.0.9: the gateway itself (10.1.0.1) is "
		      "answered, the app is not, though router 10.1.0.3 before it answers the app. "
		      "Allow TCP port 443 from the pool 172.16.0.0/24.");
	assert_int_equal(n_causes(s), 3);
	s->facts.n_probes = 2;
	verdict_is(s, "NoReturnPath");
	message_is(s,
		   "No return path: router 10.1.0.3 answers the gateway itself, and not the app. "
		   "It has no route to the pool 172.16.0.0/24 by this gateway: add one there.");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(s->said, "causes"), 0)),
		"The network of 10.1.0.9 has no route for the pool: add one for 172.16.0.0/24 by "
		"this gateway (a route table of its subnet, the router on-premises), or announce "
		"it "
		"by BGP.");
	s->facts.n_probes = 1;
	verdict_is(s, "NoReturnPathSuspected");
	assert_int_equal(n_causes(s), 4);
	site_free(s);
}

static void B54_part_of_the_pool_that_is_allowed_is_told_with_all_of_it(void **state)
{
	struct explain_probe probes[] = {
		told(1, 443, 0, MSG_OUTCOME_OPEN),
		told(2, 443, 0, MSG_OUTCOME_SILENCE),
		told(EXPLAIN_BY_GATEWAY, 443, 0, MSG_OUTCOME_ICMP),
	};
	struct site *s = silent_site(probes, 3);

	verdict_is(s, "FirewallAllowsPartOfPool");
	message_is(s, "A firewall allows only a part of the pool to port 443 of 10.1.0.9: "
		      "172.16.0.1 of the same pool is answered, the app's 172.16.0.5 is not. Allow "
		      "all of 172.16.0.0/24: an app's address can change within it.");
	probes[0].answer.outcome = MSG_OUTCOME_SILENCE;
	verdict_is(s, "HostDown");
	message_is(s, "10.1.0.9 is down, or there is no such host: router 10.1.0.3 says host "
		      "unreachable. Start it, or see that the address is right.");
	site_free(s);
}

static void long_packets_that_are_lost_are_the_verdict_of_an_open_port(void **state)
{
	struct explain_probe probes[] = {
		told(0, 0, 0, MSG_OUTCOME_ECHO),
		told(0, 0, 0, MSG_OUTCOME_SILENCE),
	};
	struct site *s = site_new();

	probes[0].answer.size = 1200;
	probes[1].size = MSG_PROBE_FULL;
	probes[1].answer.size = 1352;
	s->facts.probes = probes;
	s->facts.n_probes = 2;
	verdict_is(s, "MtuBlackHole");
	step_is(s, "sizes", "failed",
		"A packet of 1352 bytes is lost, and nobody says that it is too big; shorter ones "
		"are answered.");
	probes[1].answer.outcome = MSG_OUTCOME_ECHO;
	verdict_is(s, "Reachable");
	site_free(s);
}

/* It has sessions no more. */
static void certificate_that_is_revoked_or_expired_is_the_verdict(void **state)
{
	struct site *s = site_new();

	s->facts.was_probed = false;
	s->facts.n_sessions = 0;
	s->facts.certificate = "revoked";
	verdict_is(s, "CertificateRevoked");
	step_is(s, "certificate", "failed", "The certificate of app shop is revoked.");
	s->facts.certificate = "expired";
	verdict_is(s, "CertificateExpired");
	s->facts.certificate = "valid";
	verdict_is(s, "NotConnected");
	site_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well_when_the_probe_says_so),
		cmocka_unit_test(gateway_that_is_down_is_the_reason_whatever_else_is_well),
		cmocka_unit_test(kernel_without_a_way_is_named),
		cmocka_unit_test(neighbours_and_their_path_are_named_when_bird_says_them),
		cmocka_unit_test(B19_silence_is_a_way_back_that_is_missing),
		cmocka_unit_test(B19_pool_that_is_missing_is_the_session_s_own),
		cmocka_unit_test(B52_what_the_network_says_is_told_apart),
		cmocka_unit_test(router_that_turns_it_away_is_named_with_its_reason),
		cmocka_unit_test(verdict_without_a_probe_says_so),
		cmocka_unit_test(B55_gateway_itself_tells_vm_from_app),
		cmocka_unit_test(B56_causes_are_listed_the_likelier_first),
		cmocka_unit_test(B54_part_of_the_pool_that_is_allowed_is_told_with_all_of_it),
		cmocka_unit_test(long_packets_that_are_lost_are_the_verdict_of_an_open_port),
		cmocka_unit_test(certificate_that_is_revoked_or_expired_is_the_verdict),
		cmocka_unit_test(B23_closed_peering_is_a_client_s_verdict_too),
		cmocka_unit_test(name_that_no_server_knows_is_the_end),
		cmocka_unit_test(name_server_behind_a_closed_peering_knows_nothing_for_the_app),
		cmocka_unit_test(name_is_what_the_first_server_says_that_is_reached),
	};

	return cmocka_run_group_tests_name("control/explain_words", tests, NULL, NULL);
}
