/* SPDX-License-Identifier: Apache-2.0 */
/* Sets are written as "PREFIX SOURCE verdict", a line for each rule, in their order. */
#include "sstp/control/effective.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "sstp/control/effective_view.h"
#include "sstp/control/model_internal.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	LINES_MAX = 4096,
	LEARN_MAX = 100000,
};

struct site {
	struct model *model;
	struct effective *effective;
	struct learned_routes learned[LEARNED_VIEWS];
};

static void sql(struct site *s, const char *text)
{
	struct certs_error e;

	if (store_script(s->model->store, text, &e) < 0)
		fail_msg("%s: %s", text, e.text);
}

static struct learned_routes learned_now(void *arg, const char *vnet, enum learned_view view)
{
	struct site *s = arg;

	return strcmp(vnet, "hub") == 0 ? s->learned[view] : (struct learned_routes){.n = 0};
}

/* hub (1) with a gateway, spoke (2) peered with it, behind (3) peered with spoke. */
static struct site *site_new(void)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(model_open(":memory:", &s->model, NULL), 0);
	assert_int_equal(effective_new(s->model, &s->effective, NULL), 0);
	effective_set_learned(s->effective, learned_now, s);
	sql(s,
	    "INSERT INTO vnet (id, subscription, resource_group, name, spaces) VALUES"
	    " (1, 'd', 'd', 'hub', '[\"10.1.0.0/16\",\"fd01::/48\"]'),"
	    " (2, 'd', 'd', 'spoke', '[\"10.2.0.0/16\",\"fd02::/48\"]'),"
	    " (3, 'd', 'd', 'behind', '[\"10.3.0.0/16\"]');"
	    "INSERT INTO gateway (vnet_id, name, gateway_type, pools, custom_routes, on_premises,"
	    " enable_bgp) VALUES (1, 'gw', 'Vpn', '[\"172.16.0.0/24\"]',"
	    " '[\"192.0.2.0/24\",\"2001:db8::/32\"]', '[\"10.2.200.0/24\",\"192.168.7.0/24\"]',"
	    " 1);"
	    "INSERT INTO peering (vnet_id, name, remote_vnet, allow_forwarded, allow_transit,"
	    " use_remote) VALUES (1, 'a', 'spoke', 1, 1, 0), (2, 'b', 'hub', 1, 0, 1),"
	    " (2, 'c', 'behind', 1, 1, 0);"
	    "INSERT INTO plan (id, subscription, resource_group, name) VALUES (1, 'd', 'd', 'p');"
	    "INSERT INTO route (plan_id, vnet_id, name, start_address, end_address) VALUES"
	    " (1, 1, 'office', '198.51.100.5', '198.51.100.6'), (1, 1, 'spoke', '10.2.0.0/16', ''),"
	    " (1, 1, 'six', 'fd02::', 'fd02:0:0:1:ffff:ffff:ffff:ffff'),"
	    " (1, 2, 'other', '203.0.113.0/24', '')");
	return s;
}

static void site_free(struct site *s)
{
	effective_free(s->effective);
	model_close(s->model);
	free(s);
}

static const struct effective_vnet *vnet(struct site *s, int64_t id)
{
	const struct effective_vnet *v;

	assert_int_equal(effective_vnet(s->effective, id, &v, NULL), 1);
	return v;
}

static void write_set(const struct ruleset *set, char text[LINES_MAX])
{
	static const char *const sources[] = {"INHERITED", "STATIC", "CUSTOM",	 "ON_PREMISES",
					      "BGP",	   "PEERED", "TWO_HOPS", "DEFAULT"};
	static const char *const verdicts[] = {"routes", "passes", "closes", "shows"};
	size_t n;
	const struct ruleset_rule *r = ruleset_rules(set, &n);
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < n; i++) {
		char one[PREFIX_TEXT_MAX];

		used += (size_t)snprintf(text + used, LINES_MAX - used, "%s%s %s %s",
					 used ? "\n" : "", prefix_format(&r[i].prefix, one),
					 sources[r[i].source], verdicts[r[i].verdict]);
	}
}

static void set_is(const struct ruleset *set, const char *expected)
{
	char text[LINES_MAX];

	write_set(set, text);
	assert_string_equal(text, expected);
}

static void table_is(struct site *s, const char *expected)
{
	struct msg_route *list;
	char text[LINES_MAX] = "";
	char one[PREFIX_TEXT_MAX];
	size_t used = 0;
	size_t n;

	assert_int_equal(effective_table(vnet(s, 1), &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %c",
					 used ? "\n" : "", prefix_format(&list[i].prefix, one),
					 "vopn"[list[i].verdict]);
	free(list);
	assert_string_equal(text, expected);
}

static struct learned_route learned(const char *text)
{
	struct learned_route r = {.metric = 32};

	assert_int_equal(prefix_parse(text, &r.dst), 0);
	return r;
}

static void learn(struct site *s, const struct learned_route *list, size_t n)
{
	for (size_t i = 0; i < LEARNED_VIEWS; i++)
		s->learned[i] = (struct learned_routes){
			.routes = list, .n = n, .generation = s->learned[i].generation + 1};
}

static const char synced[] = "{\"addressSpaces\":[\"10.1.0.0/16\"],"
			     "\"customRoutes\":[\"192.0.2.0/25\"],\"dnsServers\":[]}";

static struct effective_connection connection(struct site *s, bool has_defaults)
{
	const struct effective_query q = {
		.plan = 1, .vnet = 1, .has_defaults = has_defaults, .synced = synced};
	struct effective_connection c;

	assert_true(effective_connection(s->effective, &q, &c, NULL) >= 0);
	return c;
}

/* ---- VNets ---- */

static void networks_set_has_all_that_is_said_of_it(void **state)
{
	struct site *s = site_new();

	set_is(vnet(s, 1)->set, "10.1.0.0/16 INHERITED routes\n"
				"10.2.0.0/16 PEERED routes\n"
				"10.2.200.0/24 ON_PREMISES passes\n"
				"10.3.0.0/16 TWO_HOPS closes\n"
				"192.0.2.0/24 CUSTOM routes\n"
				"192.168.7.0/24 ON_PREMISES passes\n"
				"2001:db8::/32 CUSTOM routes\n"
				"fd01::/48 INHERITED routes\n"
				"fd02::/48 PEERED routes");
	table_is(s, "10.1.0.0/16 v\n10.2.0.0/16 v\n10.3.0.0/16 p\n192.0.2.0/24 v\n"
		    "2001:db8::/32 v\nfd01::/48 v\nfd02::/48 v");
	site_free(s);
}

static void B23_closed_peering_is_closed_but_for_what_is_on_premises(void **state)
{
	struct site *s = site_new();

	sql(s, "UPDATE peering SET allow_transit = 0 WHERE name = 'a'");
	table_is(s, "10.1.0.0/16 v\n10.2.0.0/16 p\n10.2.200.0/24 n\n10.3.0.0/16 p\n"
		    "192.0.2.0/24 v\n2001:db8::/32 v\nfd01::/48 v\nfd02::/48 p");
	sql(s, "UPDATE gateway SET custom_routes = '[\"10.2.0.0/16\",\"10.2.200.0/24\"]'");
	table_is(s, "10.1.0.0/16 v\n10.2.0.0/16 p\n10.2.200.0/24 v\n10.3.0.0/16 p\n"
		    "fd01::/48 v\nfd02::/48 p");
	site_free(s);
}

static void B20_what_is_learned_counts_when_it_is_propagated_and_passes_the_filters(void **state)
{
	const struct learned_route list[] = {learned("10.0.0.0/8"), learned("10.9.0.0/16"),
					     learned("192.0.2.128/25"), learned("fd09::/48")};
	struct site *s = site_new();

	learn(s, list, 4);
	table_is(s, "10.1.0.0/16 v\n10.2.0.0/16 v\n10.3.0.0/16 p\n192.0.2.0/24 v\n"
		    "2001:db8::/32 v\nfd01::/48 v\nfd02::/48 v");
	assert_int_equal(vnet(s, 1)->n_told, 0);
	sql(s, "UPDATE gateway SET propagate_bgp = 1, bgp_filters ="
	       " '[{\"action\":\"deny\",\"prefix\":\"fd09::/48\"},"
	       "{\"action\":\"permit\",\"prefix\":\"0.0.0.0/0\",\"ge\":1}]'");
	/* what is one's own is asked behind; what the operator routes within is everybody's already */
	table_is(s, "10.0.0.0/8 o\n10.1.0.0/16 v\n10.2.0.0/16 v\n10.3.0.0/16 p\n192.0.2.0/24 v\n"
		    "192.0.2.128/25 o\n2001:db8::/32 v\nfd01::/48 v\nfd02::/48 v");
	assert_int_equal(vnet(s, 1)->n_told, 3);
	sql(s, "UPDATE gateway SET enable_bgp = 0");
	assert_int_equal(vnet(s, 1)->n_told, 0);
	site_free(s);
}

static void set_is_kept_until_something_of_it_changes(void **state)
{
	const struct learned_route list[] = {learned("10.9.0.0/16")};
	struct site *s = site_new();
	const struct ruleset *before = vnet(s, 1)->set;
	uint64_t generation = vnet(s, 1)->generation;

	assert_ptr_equal(vnet(s, 1)->set, before);
	assert_int_equal(vnet(s, 1)->generation, generation);
	s->learned[LEARNED_LOOKUP] =
		(struct learned_routes){.routes = list, .n = 1, .generation = 1};
	vnet(s, 1); /* connections have nothing to do with that view */
	assert_int_equal(vnet(s, 1)->generation, generation);
	s->learned[LEARNED_WORKERS] = s->learned[LEARNED_LOOKUP];
	assert_int_not_equal(vnet(s, 1)->generation, generation);
	generation = vnet(s, 1)->generation;
	sql(s, "UPDATE peering SET allow_transit = 0 WHERE name = 'a'");
	assert_int_not_equal(vnet(s, 1)->generation, generation);
	site_free(s);
}

static void what_is_no_network_has_no_set(void **state)
{
	struct site *s = site_new();
	const struct effective_vnet *v;
	struct effective_shown shown;

	assert_int_equal(effective_vnet(s->effective, 7, &v, NULL), 0);
	assert_int_equal(effective_show(s->effective, 7, NULL, &shown, NULL), 0);
	site_free(s);
}

/* ---- connections ---- */

static void connection_has_what_it_was_synced_to_and_what_the_plan_says_now(void **state)
{
	struct site *s = site_new();
	struct effective_connection c = connection(s, true);

	set_is(c.set, "10.0.0.0/8 DEFAULT routes\n"
		      "10.1.0.0/16 INHERITED routes\n"
		      "10.2.0.0/16 STATIC routes\n"
		      "10.2.0.0/16 PEERED shows\n"
		      "10.3.0.0/16 TWO_HOPS shows\n"
		      "172.16.0.0/12 DEFAULT routes\n"
		      "192.0.2.0/25 CUSTOM routes\n"
		      "192.168.0.0/16 DEFAULT routes\n"
		      "198.51.100.5/32 STATIC routes\n"
		      "198.51.100.6/32 STATIC routes\n"
		      "fd02::/48 PEERED shows\n"
		      "fd02::/63 STATIC routes");
	effective_connection_done(&c);
	c = connection(s, false);
	assert_int_equal(
		ruleset_outcome(c.set, ruleset_lookup(c.set, AF_INET, (uint8_t[]){172, 16, 0, 1})),
		RULESET_UNROUTED);
	effective_connection_done(&c);
	effective_connection_done(&c);
	site_free(s);
}

static void static_route_is_known_by_its_name(void **state)
{
	struct site *s = site_new();
	struct effective_connection c = connection(s, false);
	size_t n;
	const struct ruleset_rule *r = ruleset_rules(c.set, &n);
	bool found = false;

	for (size_t i = 0; i < n; i++)
		if (r[i].source == RULESET_STATIC && r[i].prefix.len == 63) {
			assert_string_equal(c.names[r[i].origin], "six");
			found = true;
		}
	assert_true(found);
	effective_connection_done(&c);
	site_free(s);
}

static void B25_peered_range_is_routed_only_where_it_is_propagated_and_open(void **state)
{
	struct site *s = site_new();
	struct effective_connection c;
	static const uint8_t in_spoke[16] = {0xfd, 0x02, [5] = 7};

	sql(s, "UPDATE gateway SET propagate_peerings = 1");
	c = connection(s, false);
	assert_int_equal(ruleset_outcome(c.set, ruleset_lookup(c.set, AF_INET6, in_spoke)),
			 RULESET_UNROUTED); /* fd02:0:7:: is outside of the space */
	assert_int_equal(ruleset_outcome(c.set, ruleset_lookup(c.set, AF_INET6,
							       (uint8_t[16]){0xfd, 2, [15] = 1})),
			 RULESET_ROUTED);
	assert_int_equal(ruleset_outcome(c.set, ruleset_lookup(c.set, AF_INET6,
							       (uint8_t[16]){0xfd, 2, [6] = 7})),
			 RULESET_ROUTED); /* by the peering alone */
	effective_connection_done(&c);
	sql(s, "UPDATE peering SET use_remote = 0");
	c = connection(s, false);
	assert_int_equal(ruleset_outcome(c.set, ruleset_lookup(c.set, AF_INET6,
							       (uint8_t[16]){0xfd, 2, [6] = 7})),
			 RULESET_UNROUTED);
	effective_connection_done(&c);
	site_free(s);
}

static void connection_of_a_network_that_is_gone_keeps_what_it_was_synced_to(void **state)
{
	struct site *s = site_new();
	struct effective_connection c;

	sql(s, "UPDATE vnet SET source = 'gone' WHERE name = 'hub'");
	c = connection(s, false);
	assert_null(c.gate);
	assert_int_equal(
		ruleset_outcome(c.set, ruleset_lookup(c.set, AF_INET, (uint8_t[]){10, 1, 0, 1})),
		RULESET_ROUTED);
	effective_connection_done(&c);
	site_free(s);
}

static struct learned_route *many(size_t n)
{
	struct learned_route *list = calloc(n, sizeof(*list));

	assert_non_null(list);
	for (size_t i = 0; i < n; i++)
		list[i].dst = (struct prefix){
			.family = AF_INET,
			.len = 24,
			.addr = {(uint8_t)(20 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i}};
	return list;
}

static size_t count_source(const struct ruleset *set, enum ruleset_source source,
			   enum ruleset_verdict verdict)
{
	size_t n;
	const struct ruleset_rule *r = ruleset_rules(set, &n);
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += r[i].source == source && r[i].verdict == verdict;
	return found;
}

static void of_more_learned_prefixes_than_workers_take_none_is_told(void **state)
{
	struct learned_route *list = many(EFFECTIVE_TOLD_MAX + 1);
	struct site *s = site_new();
	struct effective_connection c;

	sql(s, "UPDATE gateway SET propagate_bgp = 1");
	learn(s, list, EFFECTIVE_TOLD_MAX);
	c = connection(s, false);
	assert_int_equal(count_source(c.set, RULESET_BGP, RULESET_ROUTE), EFFECTIVE_TOLD_MAX);
	effective_connection_done(&c);
	learn(s, list, EFFECTIVE_TOLD_MAX + 1);
	c = connection(s, false);
	assert_int_equal(count_source(c.set, RULESET_BGP, RULESET_ROUTE), 0);
	assert_int_equal(c.gate->n_permitted, EFFECTIVE_TOLD_MAX + 1);
	effective_connection_done(&c);
	/* the gateway takes them all */
	assert_int_equal(count_source(vnet(s, 1)->set, RULESET_BGP, RULESET_ROUTE),
			 EFFECTIVE_TOLD_MAX + 1);
	site_free(s);
	free(list);
}

static void connection_with_too_many_routes_says_so(void **state)
{
	struct site *s = site_new();
	struct effective_connection c;

	sql(s, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
	       " INSERT INTO route (plan_id, vnet_id, name, start_address, end_address)"
	       " SELECT 1, 1, 'r' || i, '0.0.0.1', '255.255.255.254' FROM n");
	c = connection(s, false);
	assert_true(c.has_too_many);
	effective_connection_done(&c);
	site_free(s);
}

/* ---- views ---- */

static void everything_learned_is_shown_whether_it_counts_or_not(void **state)
{
	const struct learned_route list[] = {learned("10.9.0.0/16"), learned("10.2.0.0/16")};
	const struct effective_query q = {.plan = 1, .vnet = 1, .synced = synced};
	struct site *s = site_new();
	struct effective_shown shown;

	learn(s, list, 2);
	assert_int_equal(effective_show(s->effective, 1, NULL, &shown, NULL), 1);
	assert_int_equal(count_source(shown.connection.set, RULESET_BGP, RULESET_SHOW), 2);
	assert_int_equal(count_source(shown.connection.set, RULESET_STATIC, RULESET_ROUTE), 0);
	effective_shown_done(&shown);
	assert_int_equal(effective_show(s->effective, 1, &q, &shown, NULL), 1);
	assert_int_equal(count_source(shown.connection.set, RULESET_BGP, RULESET_SHOW), 2);
	assert_int_equal(count_source(shown.connection.set, RULESET_STATIC, RULESET_ROUTE), 4);
	effective_shown_done(&shown);
	sql(s, "UPDATE gateway SET propagate_bgp = 1");
	assert_int_equal(effective_show(s->effective, 1, &q, &shown, NULL), 1);
	assert_int_equal(count_source(shown.connection.set, RULESET_BGP, RULESET_ROUTE), 2);
	effective_shown_done(&shown);
	site_free(s);
}

static void entry_is(const json_t *json, const char *prefix, const char *source, const char *origin,
		     bool is_routed, const char *verdict, const char *next_hop, const char *why)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(json, "value"), i, e)
	{
		if (strcmp(json_string_value(json_object_get(e, "prefix")), prefix) != 0 ||
		    strcmp(json_string_value(json_object_get(e, "source")), source) != 0)
			continue;
		assert_string_equal(json_string_value(json_object_get(e, "why")), why);
		assert_string_equal(json_string_value(json_object_get(e, "origin")), origin);
		assert_int_equal(json_is_true(json_object_get(e, "routed")), is_routed);
		assert_string_equal(json_string_value(json_object_get(e, "verdict")), verdict);
		if (next_hop)
			assert_string_equal(json_string_value(json_object_get(e, "nextHop")),
					    next_hop);
		else
			assert_true(json_is_null(json_object_get(e, "nextHop")));
		return;
	}
	fail_msg("%s of %s is not among them", prefix, source);
}

static json_t *view(struct site *s, const struct effective_query *query, enum ruleset_source source,
		    size_t limit)
{
	struct effective_shown shown;
	char *text;
	json_t *json;

	assert_int_equal(effective_show(s->effective, 1, query, &shown, NULL), 1);
	text = effective_json(&shown, source, limit);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	free(text);
	effective_shown_done(&shown);
	return json;
}

static void entry_says_by_whose_word_and_what_came_of_it(void **state)
{
	struct learned_route list[] = {learned("10.3.0.0/16"), learned("10.9.0.0/16"),
				       learned("192.0.2.0/24")};
	const struct effective_query q = {.plan = 1, .vnet = 1, .synced = synced};
	struct site *s = site_new();
	json_t *json;

	for (size_t i = 0; i < 3; i++) {
		list[i].protocol = 12;
		list[i].via_family = AF_INET;
		memcpy(list[i].via, (uint8_t[]){10, 1, 0, 9}, 4);
	}
	learn(s, list, 3);
	json = view(s, NULL, RULESET_SOURCES, 100);
	entry_is(json, "10.1.0.0/16", "INHERITED", "hub", true, "Routed", NULL,
		 "Address space of virtual network hub.");
	entry_is(
		json, "10.2.0.0/16", "PEERED", "spoke", true, "Routed", NULL,
		"Peered: every flag is set on peering a of virtual network hub and on b of spoke.");
	entry_is(
		json, "10.3.0.0/16", "TWO_HOPS", "behind behind spoke", false, "Closed", NULL,
		"Peering is not transitive: virtual network behind is 2 hops away from hub, behind "
		"spoke.");
	entry_is(json, "10.9.0.0/16", "BGP", "bird", false, "NotRouted", "10.1.0.9",
		 "Learned, but shown only: propagateBgp is off, and no custom route covers it.");
	json_decref(json);
	sql(s, "UPDATE gateway SET propagate_bgp = 1, bgp_filters ="
	       " '[{\"action\":\"permit\",\"prefix\":\"10.0.0.0/8\",\"le\":16},"
	       "{\"action\":\"permit\",\"prefix\":\"192.0.2.0/24\"}]'");
	json = view(s, &q, RULESET_BGP, 2);
	assert_int_equal(json_array_size(json_object_get(json, "value")), 2);
	assert_int_equal(json_integer_value(json_object_get(json, "total")), 3);
	/* learned it is nearer than what lies two hops away */
	entry_is(json, "10.3.0.0/16", "BGP", "bird", true, "Routed", "10.1.0.9",
		 "Learned, and propagated.");
	json_decref(json);
	sql(s, "UPDATE gateway SET bgp_filters = '[{\"action\":\"permit\",\"prefix\":"
	       "\"10.9.0.0/16\"}]'");
	json = view(s, &q, RULESET_BGP, 100);
	entry_is(json, "10.3.0.0/16", "BGP", "bird", false, "Closed", "10.1.0.9",
		 "Learned, but bgpFilters does not permit it.");
	json_decref(json);
	site_free(s);
}

static void sources_are_known_by_their_names(void **state)
{
	for (unsigned i = 0; i < RULESET_SOURCES; i++)
		assert_int_equal(effective_source_of(effective_source(i)), i);
	assert_int_equal(effective_source_of("two_hops"), RULESET_TWO_HOPS);
	assert_int_equal(effective_source_of("hops"), RULESET_SOURCES);
	assert_string_equal(effective_fate_text(EFFECTIVE_CLOSED), "Closed");
}

/* ---- against an oracle, and how long it takes ---- */

/* What the header says, for one address: the longest gate there is, then whether anything routes it. */
static enum msg_verdict oracle(const struct ruleset *set, uint8_t family, const uint8_t *addr)
{
	size_t n;
	const struct ruleset_rule *r = ruleset_rules(set, &n);
	const struct ruleset_rule *gate = NULL;
	bool is_routed = false;

	for (size_t i = 0; i < n; i++) {
		if (r[i].prefix.family != family || !prefix_contains(&r[i].prefix, addr))
			continue;
		is_routed |= r[i].verdict == RULESET_ROUTE;
		if ((RULESET_GATES >> r[i].source & 1) && r[i].verdict != RULESET_SHOW &&
		    (!gate || r[i].prefix.len > gate->prefix.len))
			gate = &r[i]; /* of equal ones the better comes first */
	}
	if (gate && gate->verdict == RULESET_CLOSE)
		return MSG_VERDICT_PEERING;
	if (!is_routed)
		return MSG_VERDICT_NONE;
	return gate && gate->source == RULESET_BGP ? MSG_VERDICT_OPEN : MSG_VERDICT_VNET;
}

/* As the data plane does: the longest prefix of the table. */
static enum msg_verdict looked_up(const struct msg_route *list, size_t n, uint8_t family,
				  const uint8_t *addr)
{
	const struct msg_route *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (list[i].prefix.family == family && prefix_contains(&list[i].prefix, addr) &&
		    (!best || list[i].prefix.len > best->prefix.len))
			best = &list[i];
	return best ? best->verdict : MSG_VERDICT_NONE;
}

static void random_list(struct prng *p, char text[512])
{
	unsigned n = prng_below(p, 4);
	size_t used = (size_t)snprintf(text, 512, "[");

	for (unsigned i = 0; i < n; i++) {
		unsigned len = 24 + prng_below(p, 9);
		unsigned low = prng_below(p, 256) & (0xff00 >> (len - 24)) & 0xff;

		used += (size_t)snprintf(text + used, 512 - used, "%s\"10.0.0.%u/%u\"",
					 i ? "," : "", low, len);
	}
	snprintf(text + used, 512 - used, "]");
}

static void random_site(struct site *s, struct prng *p, struct learned_route *list)
{
	size_t n = prng_below(p, 8);
	char a[512], b[512], c[512];
	char text[4096];

	for (size_t i = 0; i < n; i++) {
		unsigned len = 24 + prng_below(p, 9);

		list[i].dst = (struct prefix){
			.family = AF_INET,
			.len = (uint8_t)len,
			.addr = {10, 0, 0, (uint8_t)(prng_below(p, 256) & (0xff00 >> (len - 24)))}};
	}
	learn(s, list, n);
	random_list(p, a);
	random_list(p, b);
	random_list(p, c);
	snprintf(
		text, sizeof(text),
		"UPDATE vnet SET spaces = '%s' WHERE id = 1; UPDATE vnet SET spaces = '%s' WHERE id"
		" = 2; UPDATE vnet SET spaces = '%s' WHERE id = 3;",
		a, b, c);
	sql(s, text);
	random_list(p, a);
	random_list(p, b);
	snprintf(text, sizeof(text),
		 "UPDATE gateway SET custom_routes = '%s', on_premises = '%s', propagate_bgp = %u;"
		 "UPDATE peering SET allow_transit = %u WHERE name = 'a'",
		 a, b, prng_below(p, 2), prng_below(p, 2));
	sql(s, text);
}

static void random_tables_answer_as_the_oracle_does(void **state)
{
	struct site *s = site_new();
	struct learned_route list[8];
	struct prng p;

	prng_init(&p, 64);
	for (unsigned round = 0; round < 500; round++) {
		struct msg_route *table;
		size_t n;

		random_site(s, &p, list);
		assert_int_equal(effective_table(vnet(s, 1), &table, &n), 0);
		for (unsigned i = 0; i < 256; i++) {
			const uint8_t addr[16] = {10, 0, 0, (uint8_t)i};

			assert_int_equal(looked_up(table, n, AF_INET, addr),
					 oracle(vnet(s, 1)->set, AF_INET, addr));
		}
		free(table);
	}
	site_free(s);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* How long it takes is printed, and asserted by nobody: the benchmark looks at that. */
static void hundred_thousand_learned_prefixes_are_one_table(void **state)
{
	struct learned_route *list = many(LEARN_MAX);
	struct site *s = site_new();
	struct msg_route *table;
	double begun;
	size_t n;

	sql(s, "UPDATE gateway SET propagate_bgp = 1");
	learn(s, list, LEARN_MAX);
	begun = now_ms();
	assert_int_equal(effective_table(vnet(s, 1), &table, &n), 0);
	print_message("# %d learned prefixes: %.0f ms\n", LEARN_MAX, now_ms() - begun);
	assert_int_equal(n, LEARN_MAX + 7);
	free(table);
	site_free(s);
	free(list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_set_has_all_that_is_said_of_it),
		cmocka_unit_test(B23_closed_peering_is_closed_but_for_what_is_on_premises),
		cmocka_unit_test(
			B20_what_is_learned_counts_when_it_is_propagated_and_passes_the_filters),
		cmocka_unit_test(set_is_kept_until_something_of_it_changes),
		cmocka_unit_test(what_is_no_network_has_no_set),
		cmocka_unit_test(connection_has_what_it_was_synced_to_and_what_the_plan_says_now),
		cmocka_unit_test(static_route_is_known_by_its_name),
		cmocka_unit_test(B25_peered_range_is_routed_only_where_it_is_propagated_and_open),
		cmocka_unit_test(connection_of_a_network_that_is_gone_keeps_what_it_was_synced_to),
		cmocka_unit_test(of_more_learned_prefixes_than_workers_take_none_is_told),
		cmocka_unit_test(connection_with_too_many_routes_says_so),
		cmocka_unit_test(everything_learned_is_shown_whether_it_counts_or_not),
		cmocka_unit_test(entry_says_by_whose_word_and_what_came_of_it),
		cmocka_unit_test(sources_are_known_by_their_names),
		cmocka_unit_test(random_tables_answer_as_the_oracle_does),
		cmocka_unit_test(hundred_thousand_learned_prefixes_are_one_table),
	};

	return cmocka_run_group_tests_name("control/effective", tests, NULL, NULL);
}
