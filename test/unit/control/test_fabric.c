/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are written as the model does: the rules of what may be written are tested elsewhere. */
#include "sstp/control/fabric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/control/model_internal.h"
#include "test/support/cmocka.h"

struct site {
	struct model *model;
	struct fabric *fabric;
};

static void sql(struct site *s, const char *text)
{
	struct certs_error e;

	if (store_script(s->model->store, text, &e) < 0)
		fail_msg("%s: %s", text, e.text);
}

static void vnet(struct site *s, const char *name, const char *space)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "INSERT INTO vnet (subscription, resource_group, name, spaces)"
		 " VALUES ('default', 'default', '%s', '[\"%s\"]')",
		 name, space);
	sql(s, text);
}

/* flags: access, forwarded, transit, remote, each '1' or '0'. */
static void peer(struct site *s, const char *vnet, const char *remote, const char *flags)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "INSERT OR REPLACE INTO peering (vnet_id, name, remote_vnet, allow_access,"
		 " allow_forwarded, allow_transit, use_remote) SELECT id, '%s-%s', '%s', %c, %c,"
		 " %c, %c FROM vnet WHERE name = '%s'",
		 vnet, remote, remote, flags[0], flags[1], flags[2], flags[3], vnet);
	sql(s, text);
}

static struct site *site_new(void)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(model_open(":memory:", &s->model, NULL), 0);
	assert_int_equal(fabric_new(s->model, &s->fabric, NULL), 0);
	vnet(s, "hub", "10.1.0.0/16");
	vnet(s, "spoke", "10.2.0.0/16");
	return s;
}

static void site_free(struct site *s)
{
	fabric_free(s->fabric);
	model_close(s->model);
	free(s);
}

static const struct fabric_vnet *find(struct site *s, const char *name)
{
	const struct fabric_vnet *v;

	assert_int_equal(fabric_refresh(s->fabric, NULL), 0);
	v = fabric_find_name(s->fabric, name);
	assert_non_null(v);
	return v;
}

/* "spoke 1 behind 2 via spoke": each one with its hops, in order. */
static void peers_are(struct site *s, const char *hub, const char *expected)
{
	struct fabric_peer *peers;
	char text[512] = "";
	size_t n;

	assert_int_equal(fabric_peers(s->fabric, find(s, hub), &peers, &n), 0);
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s %u%s%s", used ? ", " : "",
			 peers[i].vnet->name, peers[i].hops, peers[i].via ? " via " : "",
			 peers[i].via ? peers[i].via->name : "");
	}
	free(peers);
	assert_string_equal(text, expected);
}

static void why_is(struct site *s, const char *hub, const char *spoke, unsigned missing,
		   const char *expected)
{
	const struct fabric_vnet *v = find(s, hub);
	char why[FABRIC_WHY_MAX];
	struct fabric_peer *peers;
	size_t n;

	assert_int_equal(fabric_peers(s->fabric, v, &peers, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(peers[i].vnet->name, spoke) != 0)
			continue;
		assert_int_equal(peers[i].missing, missing);
		assert_string_equal(fabric_why(v, &peers[i], why), expected);
		free(peers);
		return;
	}
	fail_msg("%s is no peer of %s", spoke, hub);
}

static void B22_gate_is_open_when_every_flag_is_set_on_both_sides(void **state)
{
	struct site *s = site_new();

	peer(s, "hub", "spoke", "1110");
	peer(s, "spoke", "hub", "1101");
	why_is(s, "hub", "spoke", 0, "");
	/* the other way round neither side is what it must be */
	why_is(s, "spoke", "hub", FABRIC_HUB_TRANSIT | FABRIC_SPOKE_REMOTE,
	       "allowGatewayTransit is not set on peering spoke-hub of virtual network spoke."
	       " useRemoteGateways is not set on peering hub-spoke of virtual network hub.");
	site_free(s);
}

static void B23_each_flag_that_is_missing_closes_it_and_is_named_with_its_side(void **state)
{
	static const struct {
		const char *hub, *spoke;
		unsigned missing;
		const char *why;
	} cases[] = {
		/* clang-format off */
		{"0110", "1101", FABRIC_HUB_ACCESS,
		 "allowVirtualNetworkAccess is not set on peering hub-spoke of virtual network hub."},
		{"1010", "1101", FABRIC_HUB_FORWARDED,
		 "allowForwardedTraffic is not set on peering hub-spoke of virtual network hub."},
		{"1100", "1101", FABRIC_HUB_TRANSIT,
		 "allowGatewayTransit is not set on peering hub-spoke of virtual network hub."},
		{"1110", "0101", FABRIC_SPOKE_ACCESS,
		 "allowVirtualNetworkAccess is not set on peering spoke-hub of virtual network spoke."},
		{"1110", "1001", FABRIC_SPOKE_FORWARDED,
		 "allowForwardedTraffic is not set on peering spoke-hub of virtual network spoke."},
		{"1110", "1110", FABRIC_SPOKE_REMOTE,
		 "useRemoteGateways is not set on peering spoke-hub of virtual network spoke."},
		/* clang-format on */
	};
	struct site *s = site_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		peer(s, "hub", "spoke", cases[i].hub);
		peer(s, "spoke", "hub", cases[i].spoke);
		why_is(s, "hub", "spoke", cases[i].missing, cases[i].why);
	}
	site_free(s);
}

static void B23_one_side_alone_is_closed_and_says_which_is_missing(void **state)
{
	struct site *s = site_new();

	peer(s, "hub", "spoke", "1111");
	why_is(s, "hub", "spoke", FABRIC_SPOKE_PEERING,
	       "Virtual network spoke has no peering to hub.");
	sql(s, "DELETE FROM peering");
	peer(s, "spoke", "hub", "1001");
	why_is(s, "hub", "spoke", FABRIC_HUB_PEERING | FABRIC_SPOKE_FORWARDED,
	       "Virtual network hub has no peering to spoke."
	       " allowForwardedTraffic is not set on peering spoke-hub of virtual network spoke.");
	site_free(s);
}

static void B24_peering_is_not_transitive(void **state)
{
	struct site *s = site_new();

	vnet(s, "behind", "10.3.0.0/16");
	vnet(s, "farther", "10.4.0.0/16");
	vnet(s, "stranger", "10.5.0.0/16");
	peer(s, "hub", "spoke", "1110");
	peer(s, "spoke", "hub", "1101");
	peer(s, "spoke", "behind", "1111");
	peer(s, "behind", "spoke", "1111");
	peer(s, "farther", "behind", "1111"); /* its side alone */
	peers_are(s, "hub", "spoke 1, behind 2 via spoke, farther 3 via behind");
	why_is(s, "hub", "behind", 0,
	       "Peering is not transitive: virtual network behind is 2 hops away from hub, behind "
	       "spoke.");
	peer(s, "hub", "behind", "1110");
	peers_are(s, "hub", "spoke 1, behind 1, farther 2 via behind");
	peers_are(s, "stranger", "");
	site_free(s);
}

static void other_side_is_found_by_its_name_or_its_id_and_only_by_the_right_one(void **state)
{
	struct site *s = site_new();

	peer(s, "hub", "SPOKE", "1110");
	peers_are(s, "hub", "spoke 1");
	sql(s, "UPDATE peering SET remote_vnet = '/subscriptions/default/resourceGroups/default"
	       "/providers/Microsoft.Network/virtualNetworks/spoke'");
	peers_are(s, "hub", "spoke 1");
	sql(s, "UPDATE peering SET remote_vnet = '/subscriptions/other/resourceGroups/default"
	       "/providers/Microsoft.Network/virtualNetworks/spoke'");
	peers_are(s, "hub", "");
	peer(s, "hub", "nobody", "1110");
	peers_are(s, "hub", "");
	peer(s, "hub", "hub", "1110");
	peers_are(s, "hub", "");
	site_free(s);
}

static void it_is_read_again_when_a_table_has_changed_and_only_then(void **state)
{
	static const char *const changes[] = {
		"UPDATE vnet SET version = version + 1 WHERE name = 'hub'",
		"INSERT INTO gateway (vnet_id, name, gateway_type) SELECT id, 'gw', 'Vpn' FROM vnet"
		" WHERE name = 'hub'",
		"UPDATE gateway SET sku = 'Basic'",
		"INSERT INTO peering (vnet_id, name, remote_vnet) SELECT id, 'p', 'spoke' FROM vnet"
		" WHERE name = 'hub'",
		"UPDATE peering SET allow_transit = 1",
		"DELETE FROM peering",
		"DELETE FROM gateway",
		"DELETE FROM vnet WHERE name = 'spoke'",
	};
	struct site *s = site_new();
	uint64_t before;

	find(s, "hub");
	before = fabric_generation(s->fabric);
	find(s, "hub");
	sql(s, "INSERT INTO plan (subscription, resource_group, name) VALUES ('d', 'd', 'p')");
	find(s, "hub");
	assert_int_equal(fabric_generation(s->fabric), before);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		sql(s, changes[i]);
		find(s, "hub");
		assert_int_not_equal(fabric_generation(s->fabric), before);
		before = fabric_generation(s->fabric);
	}
	site_free(s);
}

/* As a large site is applied: over a second connection to the store, which has to be a file. */
static void what_another_connection_has_changed_is_read(void **state)
{
	char folder[] = "/tmp/fabric-XXXXXX";
	char path[64];
	struct site s = {0};
	struct model *lent;
	uint64_t before;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/model.sqlite", folder);
	assert_int_equal(model_open(path, &s.model, NULL), 0);
	assert_int_equal(fabric_new(s.model, &s.fabric, NULL), 0);
	vnet(&s, "hub", "10.1.0.0/16");
	find(&s, "hub");
	before = fabric_generation(s.fabric);
	assert_int_equal(model_lend(s.model, &lent, NULL), 0);
	assert_int_equal(store_script(lent->store, "UPDATE vnet SET name = 'other'", NULL), 0);
	assert_int_equal(model_take_back(s.model, lent, NULL), 0);
	find(&s, "other");
	assert_int_not_equal(fabric_generation(s.fabric), before);
	fabric_free(s.fabric);
	model_close(s.model);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

/* The VNet is there from the second look on: as if it had been committed behind the first. */
static char *is_committed(const char *const *args)
{
	static bool is_later;
	char *text = strdup(is_later ? "1" : "0");

	is_later = true;
	return text;
}

static void what_another_connection_commits_between_two_questions_is_there_next_time(void **state)
{
	struct site *s = site_new();

	peer(s, "spoke", "hub", "1111");
	assert_int_equal(store_function(s->model->store, "is_committed", 1, is_committed, NULL), 0);
	sql(s, "CREATE TEMP VIEW vnet AS SELECT * FROM main.vnet"
	       " WHERE name <> 'spoke' OR is_committed(name)");
	peers_are(s, "hub", "");
	sql(s, "UPDATE peering SET allow_access = 0");
	peers_are(s, "hub", "spoke 1");
	site_free(s);
}

static void network_is_as_the_model_has_it(void **state)
{
	struct site *s = site_new();
	const struct fabric_vnet *v;
	char text[PREFIX_TEXT_MAX];
	size_t n;

	sql(s, "UPDATE vnet SET attach_netns = 'vpn', dns = '[\"10.1.0.4\",\"fd00::4\"]'"
	       " WHERE name = 'hub'");
	sql(s,
	    "INSERT INTO gateway (vnet_id, name, gateway_type, pools, custom_routes,"
	    " on_premises, enable_bgp, propagate_bgp, propagate_peerings) SELECT id, 'gw', 'Vpn',"
	    " '[\"172.16.0.0/24\"]', '[\"192.0.2.0/24\",\"2001:db8::/32\"]',"
	    " '[\"192.168.7.0/24\"]', 0, 1, 1 FROM vnet WHERE name = 'hub'");
	sql(s, "UPDATE vnet SET source = 'gone' WHERE name = 'spoke'");
	v = find(s, "HUB");
	assert_ptr_equal(fabric_find(s->fabric, v->id), v);
	assert_null(fabric_find_name(s->fabric, "spoke"));
	assert_null(fabric_find(s->fabric, v->id + 1));
	assert_ptr_equal(fabric_vnets(s->fabric, &n), v);
	assert_int_equal(n, 1);
	assert_string_equal(v->gateway, "gw");
	assert_string_equal(v->netns, "vpn");
	assert_int_equal(v->n_dns, 2);
	assert_string_equal(v->dns[1], "fd00::4");
	assert_int_equal(v->custom.n, 2);
	assert_string_equal(prefix_format(&v->custom.list[1], text), "2001:db8::/32");
	assert_string_equal(prefix_format(&v->pools.list[0], text), "172.16.0.0/24");
	assert_string_equal(prefix_format(&v->on_premises.list[0], text), "192.168.7.0/24");
	assert_false(v->propagates_bgp); /* there is none */
	assert_true(v->propagates_peerings);
	site_free(s);
}

static void permits(const struct fabric_vnet *v, const char *text, bool expected)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	if (fabric_permits(v, &p) != expected)
		fail_msg("%s: %d", text, !expected);
}

static void first_filter_that_matches_counts_and_none_permits_nothing(void **state)
{
	struct site *s = site_new();
	const struct fabric_vnet *v = find(s, "hub");

	permits(v, "10.0.0.0/8", true); /* there are no filters */
	sql(s, "INSERT INTO gateway (vnet_id, name, gateway_type, bgp_filters) SELECT id, 'gw',"
	       " 'Vpn', '[{\"action\":\"deny\",\"prefix\":\"10.9.0.0/16\",\"ge\":16},"
	       "{\"action\":\"permit\",\"prefix\":\"10.0.0.0/8\",\"ge\":12,\"le\":24},"
	       "{\"action\":\"permit\",\"prefix\":\"192.168.0.0/16\",\"le\":20},"
	       "{\"action\":\"permit\",\"prefix\":\"2001:db8::/32\"}]' FROM vnet"
	       " WHERE name = 'hub'");
	v = find(s, "hub");
	permits(v, "10.9.0.0/16", false);
	permits(v, "10.9.1.0/24", false);
	permits(v, "10.9.1.1/32", false);
	permits(v, "10.0.0.0/8", false);
	permits(v, "10.0.0.0/12", true);
	permits(v, "10.8.8.0/24", true);
	permits(v, "10.8.8.0/25", false);
	permits(v, "192.168.0.0/16", true);
	permits(v, "192.168.16.0/20", true);
	permits(v, "192.168.16.0/21", false);
	permits(v, "2001:db8::/32", true); /* this one, and no other */
	permits(v, "2001:db8::/33", false);
	permits(v, "172.16.0.0/12", false);
	site_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(B22_gate_is_open_when_every_flag_is_set_on_both_sides),
		cmocka_unit_test(
			B23_each_flag_that_is_missing_closes_it_and_is_named_with_its_side),
		cmocka_unit_test(B23_one_side_alone_is_closed_and_says_which_is_missing),
		cmocka_unit_test(B24_peering_is_not_transitive),
		cmocka_unit_test(
			other_side_is_found_by_its_name_or_its_id_and_only_by_the_right_one),
		cmocka_unit_test(it_is_read_again_when_a_table_has_changed_and_only_then),
		cmocka_unit_test(what_another_connection_has_changed_is_read),
		cmocka_unit_test(
			what_another_connection_commits_between_two_questions_is_there_next_time),
		cmocka_unit_test(network_is_as_the_model_has_it),
		cmocka_unit_test(first_filter_that_matches_counts_and_none_permits_nothing),
	};

	return cmocka_run_group_tests_name("control/fabric", tests, NULL, NULL);
}
