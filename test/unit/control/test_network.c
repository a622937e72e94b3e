/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/network.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/api.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

#define DEFAULT	    "/subscriptions/default/resourceGroups/default/providers"
#define PLAN	    DEFAULT "/Microsoft.Web/serverfarms/blue"
#define SHOP	    DEFAULT "/Microsoft.Web/sites/shop"
#define ROUTE(name) PLAN "/virtualNetworkConnections/blue/routes/" name

static void put(struct world *w, const char *path, const char *body)
{
	struct front_request request = {
		.method = FRONT_PUT, .path = path, .body = body, .body_len = strlen(body)};
	struct front_reply reply;

	api_answer(w->model, &request, MINT_NOW, &reply);
	if (reply.status != 200)
		fail_msg("%s: %d: %s", path, reply.status, reply.json);
	free(reply.json);
}

static void put_route(struct world *w, const char *path, const char *start, const char *end)
{
	char body[256];

	snprintf(body, sizeof(body),
		 "{\"properties\":{\"startAddress\":\"%s\",\"endAddress\":\"%s\"}}", start, end);
	put(w, path, body);
}

static struct network find(struct world *w, const char *app, const char *vnet)
{
	struct network n;

	assert_int_equal(networks_find(w->est.networks, app, vnet, &n, NULL), 1);
	return n;
}

static void lookup_is(struct world *w, const char *expected)
{
	struct network n = find(w, "shop", "blue");
	char text[1024] = "";
	char one[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n.n_routes; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 prefix_format(&n.routes[i], one));
	assert_string_equal(text, expected);
}

/* Without the app and the digest behind it. */
static void description_is(struct world *w, const char *expected)
{
	struct network n = find(w, "shop", "blue");
	char end[1024];

	snprintf(end, sizeof(end), "%s,\"appName\":\"shop\",\"digest\":\"%s\"}", expected,
		 n.digest);
	assert_string_equal(n.description, end);
	assert_int_equal(strlen(n.digest), NETWORK_DIGEST_MAX - 1);
}

static void B41_description_says_what_the_connection_is(void **state)
{
	struct world *w = world_new();

	world_connect(w, "shop", "blue");
	description_is(w, "{\"vnetName\":\"blue\",\"addressSpaces\":[\"10.1.0.0/16\"],"
			  "\"routes\":[\"10.1.0.0/16\"],\"dnsServers\":[\"10.1.0.4\"],"
			  "\"searchDomains\":[],"
			  "\"pointToSiteAddressSpaces\":[\"172.16.77.0/24\"],"
			  "\"gateway\":\"192.0.0.8\"");
	assert_string_equal(find(w, "shop", "blue").refusal, "");
	assert_int_equal(find(w, "shop", "blue").dns_be[0], htobe32(0x0a010004));
	assert_int_equal(find(w, "shop", "blue").dns_be[1], 0);
	world_free(w);
}

static void all_that_goes_into_the_tunnel_is_told_and_looked_up_by_the_fewest(void **state)
{
	struct world *w = world_new();

	world_connect(w, "shop", "blue");
	put_route(w, ROUTE("lower"), "10.1.2.0", "10.2.255.255");
	put_route(w, ROUTE("office"), "192.0.2.7", "192.0.2.8");
	put_route(w, ROUTE("again"), "10.1.0.0/16", "");
	lookup_is(w, "10.1.0.0/16 10.2.0.0/16 192.0.2.7/32 192.0.2.8/32");
	description_is(w, "{\"vnetName\":\"blue\",\"addressSpaces\":[\"10.1.0.0/16\"],\"routes\":["
			  "\"10.1.0.0/16\",\"10.1.2.0/23\",\"10.1.4.0/22\",\"10.1.8.0/21\","
			  "\"10.1.16.0/20\",\"10.1.32.0/19\",\"10.1.64.0/18\",\"10.1.128.0/17\","
			  "\"10.2.0.0/16\",\"192.0.2.7/32\",\"192.0.2.8/32\"],"
			  "\"dnsServers\":[\"10.1.0.4\"],\"searchDomains\":[],"
			  "\"pointToSiteAddressSpaces\":[\"172.16.77.0/24\"],"
			  "\"gateway\":\"192.0.0.8\"");
	world_free(w);
}

static void private_ranges_are_routes_of_an_app_that_wants_them(void **state)
{
	struct world *w = world_new();

	world_connect(w, "shop", "blue");
	put(w, SHOP,
	    "{\"properties\":{\"serverFarmId\":\"blue\",\"vnetDefaultRoutesEnabled\":true}}");
	lookup_is(w, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16");
	world_connect(w, "stock", "blue"); /* of the same plan */
	assert_int_equal(find(w, "stock", "blue").n_routes, 1);
	lookup_is(w, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16");
	world_free(w);
}

static void digest_changes_with_the_network_and_with_nothing_else(void **state)
{
	struct world *w = world_new();
	char before[NETWORK_DIGEST_MAX];

	world_connect(w, "shop", "blue");
	world_connect(w, "stock", "blue");
	strcpy(before, world_digest(w, "SHOP", "BLUE"));
	assert_string_not_equal(world_digest(w, "stock", "blue"), before);
	put(w, PLAN, "{\"sku\":{\"tier\":\"Premium\"}}"); /* is not the worker's business */
	assert_string_equal(world_digest(w, "shop", "blue"), before);
	world_set_dns(w, "10.1.0.5");
	assert_string_not_equal(world_digest(w, "shop", "blue"), before);
	world_set_dns(w, "10.1.0.4");
	assert_string_equal(world_digest(w, "shop", "blue"), before);
	put_route(w, ROUTE("r"), "192.0.2.0/24", "");
	assert_string_not_equal(world_digest(w, "shop", "blue"), before);
	world_free(w);
}

static void B31_change_of_dns_is_told_with_the_sync(void **state)
{
	struct world *w = world_new();
	char before[NETWORK_DIGEST_MAX];

	world_connect(w, "shop", "blue");
	put(w, PLAN, "{\"sku\":{\"tier\":\"Basic\"},\"properties\":{\"autoSync\":false}}");
	strcpy(before, world_digest(w, "shop", "blue"));
	world_set_dns(w, "10.1.0.5");
	assert_string_equal(world_digest(w, "shop", "blue"), before);
	put(w, PLAN, "{\"sku\":{\"tier\":\"Basic\"},\"properties\":{\"autoSync\":true}}");
	assert_string_not_equal(world_digest(w, "shop", "blue"), before);
	world_free(w);
}

static void B46_connection_of_a_plan_that_was_scaled_down_is_refused(void **state)
{
	struct world *w = world_new();
	struct msg_config none = {.dial = ""};

	world_connect(w, "shop", "blue");
	put(w, PLAN, "{\"sku\":{\"tier\":\"Free\"}}");
	assert_non_null(strstr(find(w, "shop", "blue").refusal, "in the Free tier"));
	put(w, PLAN, "{\"sku\":{\"tier\":\"Basic\"}}");
	assert_string_equal(find(w, "shop", "blue").refusal, "");
	assert_int_equal(model_set_networks(w->model, &none, MINT_NOW, NULL), 0);
	assert_string_equal(find(w, "shop", "blue").refusal,
			    "Virtual network blue is not in gateway.yaml any more.");
	world_free(w);
}

/* Each of the ranges is 62 prefixes, none of them another one's half. */
static void connection_with_more_routes_than_a_tunnel_takes_is_refused(void **state)
{
	struct world *w = world_new();
	struct network n;
	char path[256], start[32], end[32];

	world_connect(w, "shop", "blue");
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), ROUTE("r%d"), i);
		snprintf(start, sizeof(start), "%d.0.0.1", 2 * i + 11);
		snprintf(end, sizeof(end), "%d.255.255.254", 2 * i + 11);
		put_route(w, path, start, end);
	}
	n = find(w, "shop", "blue");
	assert_non_null(strstr(n.refusal, "more than 4096 prefixes"));
	assert_int_equal(n.n_routes, 0);
	assert_non_null(strstr(n.description, "\"routes\":[]"));
	world_free(w);
}

static void what_is_not_connected_has_no_network(void **state)
{
	struct world *w = world_new();
	struct network n;

	assert_int_equal(networks_find(w->est.networks, "shop", "blue", &n, NULL), 0);
	world_connect(w, "shop", "blue");
	assert_int_equal(networks_find(w->est.networks, "shop", "green", &n, NULL), 0);
	assert_int_equal(networks_read(w->est.networks, 77, &n, NULL), 0);
	assert_int_equal(networks_has_vnet(w->est.networks, "BLUE", NULL), 1);
	assert_int_equal(networks_has_vnet(w->est.networks, "green", NULL), 0);
	networks_free(NULL);
	world_free(w);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(B41_description_says_what_the_connection_is),
		TEST(all_that_goes_into_the_tunnel_is_told_and_looked_up_by_the_fewest),
		TEST(private_ranges_are_routes_of_an_app_that_wants_them),
		TEST(digest_changes_with_the_network_and_with_nothing_else),
		TEST(B31_change_of_dns_is_told_with_the_sync),
		TEST(B46_connection_of_a_plan_that_was_scaled_down_is_refused),
		TEST(connection_with_more_routes_than_a_tunnel_takes_is_refused),
		TEST(what_is_not_connected_has_no_network),
	};

	return cmocka_run_group_tests_name("control/network", tests, NULL, scene_tear_down);
}
