/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model is told by others than the operator, and what holds for all kinds. Each refusal and
 * what is taken beside it is in test/golden/api.
 */
#include "sstp/control/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/control/api.h"
#include "sstp/control/kinds.h"
#include "sstp/control/sessions.h"
#include "sstp/control/store_schema.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

#define DEFAULT	    "/subscriptions/default/resourceGroups/default/providers"
#define PLAN	    DEFAULT "/Microsoft.Web/serverfarms/blue"
#define SHOP	    DEFAULT "/Microsoft.Web/sites/shop"
#define SHOP_BLUE   SHOP "/virtualNetworkConnections/blue"
#define PLAN_BLUE   PLAN "/virtualNetworkConnections/blue"
#define PLAN_ROUTE  PLAN_BLUE "/routes/r"
#define VNET(name)  DEFAULT "/Microsoft.Network/virtualNetworks/" name
#define GREEN_SPACE "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.2.0.0/16\"]}}}"
#define GREEN_POOL                                                                \
	"{\"properties\":{\"vpnClientConfiguration\":{\"vpnClientAddressPool\":{" \
	"\"addressPrefixes\":[\"172.16.6.0/24\"]}}}}"

/* Owned. */
static json_t *ask(struct model *m, enum front_method method, const char *path, const char *body,
		   int status)
{
	struct front_request request = {
		.method = method, .path = path, .body = body, .body_len = strlen(body)};
	struct front_reply reply;
	json_t *json;

	api_answer(m, &request, MINT_NOW, &reply);
	if (reply.status != status)
		fail_msg("%s: %d instead of %d: %s", path, reply.status, status, reply.json);
	json = json_loads(reply.json, 0, NULL);
	assert_non_null(json);
	free(reply.json);
	return json;
}

static void does(struct model *m, enum front_method method, const char *path, const char *body,
		 int status)
{
	json_decref(ask(m, method, path, body, status));
}

/* Of a resource's properties, as JSON; good until the next call. */
static const char *property(struct model *m, const char *path, const char *key)
{
	static char text[512];
	json_t *json = ask(m, FRONT_GET, path, "", 200);
	char *dump = json_dumps(json_object_get(json_object_get(json, "properties"), key),
				JSON_ENCODE_ANY | JSON_COMPACT);

	snprintf(text, sizeof(text), "%s", dump ? dump : "(none)");
	free(dump);
	json_decref(json);
	return text;
}

static int count_calls(void *arg)
{
	return ++*(int *)arg > 0 ? 0 : -1;
}

static int fail_with(void *arg)
{
	return *(int *)arg;
}

static int admit(struct model *m, const char *app, const char *vnet, struct certs_error *e)
{
	int calls = 0;
	int r = model_admit(m, app, vnet, MINT_NOW, count_calls, &calls, e);

	assert_int_equal(calls, r == 0);
	return r;
}

/* Column 0 of its first row; good until the next call. */
static const char *first(struct model *m, const char *sql)
{
	static char text[256];
	struct store_query *q;
	struct certs_error e;

	if (store_query(model_store(m), sql, NULL, 0, &q, &e) < 0)
		fail_msg("%s", e.text);
	snprintf(text, sizeof(text), "%s",
		 store_query_next(q, &e) > 0 ? store_query_text(q, 0) : "(none)");
	store_query_end(q);
	return text;
}

/* The VNet "green" by the API, with a gateway. */
static void make_green(struct model *m)
{
	does(m, FRONT_PUT, VNET("green"), GREEN_SPACE, 200);
	does(m, FRONT_PUT, VNET("green") "/virtualNetworkGateways/gw", GREEN_POOL, 200);
}

/* ---- a token ---- */

static void token_on_a_fresh_gateway_makes_plan_app_and_connection(void **state)
{
	struct world *w = world_new();

	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	assert_string_equal(property(w->model, PLAN, "reserved"), "true");
	assert_string_equal(property(w->model, PLAN, "numberOfSites"), "1");
	assert_string_equal(property(w->model, SHOP_BLUE, "state"), "\"Enabled\"");
	assert_int_equal(admit(w->model, "shop", "BLUE", NULL), 0);
	assert_int_equal(admit(w->model, "cart", "blue", NULL), 0);
	assert_string_equal(property(w->model, PLAN, "vnetConnectionsUsed"), "1");
	world_free(w);
}

/* More than a plan may connect to (B3). */
static void tokens_of_a_fresh_gateway_are_good_for_each_of_its_networks(void **state)
{
	struct world *w = world_new();
	char names[6][8], pools[6][24];
	struct msg_vnet vnets[6] = {{0}};
	const struct msg_config config = {.vnets = vnets, .n_vnets = 6};

	for (int i = 0; i < 6; i++) {
		snprintf(names[i], sizeof(names[i]), "net%d", i);
		snprintf(pools[i], sizeof(pools[i]), "172.16.%d.0/24", i);
		vnets[i] = (struct msg_vnet){.name = names[i], .pools = {pools[i]}, .n_pools = 1};
	}
	assert_int_equal(model_set_networks(w->model, &config, MINT_NOW, NULL), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(admit(w->model, names[i], names[i], NULL), 0);
	world_free(w);
}

static void token_that_is_refused_leaves_nothing(void **state)
{
	struct world *w = world_new();
	struct certs_error e;
	int error = -ENOSPC;

	assert_int_equal(admit(w->model, "shop", "nowhere", &e), -ENOENT);
	assert_string_equal(e.text, "Virtual network does not exist.");
	assert_int_equal(model_admit(w->model, "shop", "blue", MINT_NOW, fail_with, &error, &e),
			 -ENOSPC);
	does(w->model, FRONT_GET, PLAN, "", 404);
	does(w->model, FRONT_GET, SHOP, "", 404);
	world_free(w);
}

static void B2_token_for_another_vnet_is_refused(void **state)
{
	struct world *w = world_new();
	struct certs_error e;

	make_green(w->model);
	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	assert_int_equal(admit(w->model, "shop", "green", &e), -EEXIST);
	assert_non_null(strstr(e.text, "Currently connected to VNET blue"));
	does(w->model, FRONT_DELETE, SHOP_BLUE, "", 200);
	assert_int_equal(admit(w->model, "shop", "green", NULL), 0);
	world_free(w);
}

static void token_for_an_app_elsewhere_takes_it_as_it_is(void **state)
{
	static const char plan[] =
		"/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Web/serverfarms/plan1";
	static const char app[] =
		"/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Web/sites/shop";
	struct world *w = world_new();
	struct certs_error e;

	does(w->model, FRONT_PUT, plan, "{\"sku\":{\"tier\":\"Free\"}}", 200);
	does(w->model, FRONT_PUT, app, "{\"properties\":{\"serverFarmId\":\"plan1\"}}", 200);
	assert_int_equal(admit(w->model, "shop", "blue", &e), -EEXIST);
	assert_non_null(strstr(e.text, "Free tier"));
	does(w->model, FRONT_PUT, plan, "{\"sku\":{\"tier\":\"Basic\"}}", 200);
	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	does(w->model, FRONT_GET, PLAN, "", 404);
	world_free(w);
}

static void token_on_a_strict_gateway_makes_a_windows_plan(void **state)
{
	struct world *w = world_new();

	assert_int_equal(model_set_strict(w->model, true, NULL), 1);
	assert_int_equal(model_set_strict(w->model, true, NULL), 0);
	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	assert_string_equal(property(w->model, PLAN, "reserved"), "false");
	world_free(w);
}

/* ---- certificates ---- */

static void take_certificates(struct world *w)
{
	struct certs_error e;

	if (model_set_certificates(w->model, w->est.authority, MINT_NOW, &e) < 0)
		fail_msg("%s", e.text);
}

static void B41_first_certificate_is_no_difference(void **state)
{
	struct world *w = world_new();
	char thumbprint[CERT_THUMBPRINT_MAX];
	char quoted[CERT_THUMBPRINT_MAX + 2];

	does(w->model, FRONT_PUT, PLAN,
	     "{\"sku\":{\"tier\":\"Basic\"},\"properties\":{\"autoSync\":false}}", 200);
	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	assert_string_equal(property(w->model, SHOP_BLUE, "certThumbprint"), "null");
	assert_string_equal(property(w->model, SHOP_BLUE, "certificateStatus"), "\"None\"");
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, thumbprint);
	take_certificates(w);
	snprintf(quoted, sizeof(quoted), "\"%s\"", thumbprint);
	assert_string_equal(property(w->model, SHOP_BLUE, "certThumbprint"), quoted);
	assert_string_equal(property(w->model, SHOP_BLUE, "certificateStatus"), "\"valid\"");
	assert_string_equal(property(w->model, SHOP_BLUE, "resyncRequired"), "false");
	world_free(w);
}

static void B42_renewed_certificate_is_a_difference_until_sync(void **state)
{
	struct world *w = world_new();
	char thumbprint[CERT_THUMBPRINT_MAX];
	char renewed[CERT_THUMBPRINT_MAX];

	does(w->model, FRONT_PUT, PLAN,
	     "{\"sku\":{\"tier\":\"Basic\"},\"properties\":{\"autoSync\":false}}", 200);
	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, thumbprint);
	take_certificates(w);
	scene_renew(w->est.authority, thumbprint, MINT_NOW, renewed);
	take_certificates(w);
	assert_string_equal(property(w->model, SHOP_BLUE, "certificateStatus"), "\"OutOfSync\"");
	assert_string_equal(property(w->model, SHOP_BLUE, "resyncRequired"), "true");
	assert_string_equal(property(w->model, PLAN_BLUE, "certificateStatus"), "\"OutOfSync\"");
	does(w->model, FRONT_POST, PLAN_BLUE "/sync", "", 200);
	assert_string_equal(property(w->model, SHOP_BLUE, "certificateStatus"), "\"valid\"");
	assert_string_equal(property(w->model, PLAN_BLUE, "resyncRequired"), "false");
	world_free(w);
}

static void renewed_certificate_is_synced_at_once_by_auto_sync(void **state)
{
	struct world *w = world_new();
	char thumbprint[CERT_THUMBPRINT_MAX];
	char renewed[CERT_THUMBPRINT_MAX];

	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, thumbprint);
	take_certificates(w);
	scene_renew(w->est.authority, thumbprint, MINT_NOW, renewed);
	take_certificates(w);
	assert_string_equal(property(w->model, SHOP_BLUE, "resyncRequired"), "false");
	world_free(w);
}

/* Of the plan after a change of it: one more than the change before. */
static long changed_etag(struct model *m)
{
	json_t *json = ask(m, FRONT_PATCH, PLAN, "{}", 200);
	long etag = strtol(json_string_value(json_object_get(json, "etag")) + 1, NULL, 10);

	json_decref(json);
	return etag;
}

static void certificates_that_are_no_news_write_nothing(void **state)
{
	struct world *w = world_new();
	char thumbprint[CERT_THUMBPRINT_MAX];
	long etag;

	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	etag = changed_etag(w->model);
	take_certificates(w);
	assert_int_equal(changed_etag(w->model), etag + 1);
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, thumbprint);
	take_certificates(w);
	take_certificates(w);
	assert_int_equal(changed_etag(w->model), etag + 3);
	world_free(w);
}

/* ---- gateway.yaml ---- */

static void B31_new_dns_of_gateway_yaml_shows_as_drift_or_is_synced(void **state)
{
	struct world *w = world_new();

	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	does(w->model, FRONT_PATCH, PLAN, "{\"properties\":{\"autoSync\":false}}", 200);
	world_set_dns(w, "10.1.0.9");
	assert_string_equal(property(w->model, SHOP_BLUE, "dnsServers"), "\"10.1.0.4\"");
	assert_string_equal(property(w->model, SHOP_BLUE, "resyncRequired"), "true");
	does(w->model, FRONT_PATCH, PLAN, "{\"properties\":{\"autoSync\":true}}", 200);
	assert_string_equal(property(w->model, SHOP_BLUE, "dnsServers"), "\"10.1.0.9\"");
	world_set_dns(w, "10.1.0.8");
	assert_string_equal(property(w->model, SHOP_BLUE, "dnsServers"), "\"10.1.0.8\"");
	world_free(w);
}

/* What was the API's before has nothing left of it. */
static void network_that_gateway_yaml_takes_over_is_as_that_says(void **state)
{
	const struct msg_vnet vnet = {.name = "green",
				      .spaces = {"10.2.0.0/16"},
				      .n_spaces = 1,
				      .pools = {"172.16.6.0/24"},
				      .n_pools = 1,
				      .domains = {"corp.example.com", "example.com"},
				      .n_domains = 2,
				      .gateway = "192.0.0.8",
				      .netns = "y"};
	const struct msg_config config = {.vnets = (struct msg_vnet *)&vnet, .n_vnets = 1};
	struct world *w = world_new();
	struct certs_error e;

	does(w->model, FRONT_PUT, VNET("green"),
	     "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.3.0.0/16\"]},"
	     "\"attach\":{\"networkNamespace\":\"x\"}}}",
	     200);
	does(w->model, FRONT_PUT, VNET("green") "/virtualNetworkGateways/primary",
	     "{\"properties\":{\"enableBgp\":true,\"bgpSettings\":{\"asn\":65010,\"announceTable\":"
	     "9},"
	     "\"propagateBgp\":true,\"propagatePeerings\":true,\"advertiseHostRoutes\":true,"
	     "\"bgpFilters\":[{\"action\":\"deny\",\"prefix\":\"10.0.0.0/8\"}]}}",
	     200);
	assert_int_equal(model_set_networks(w->model, &config, MINT_NOW, &e), 0);
	assert_string_equal(property(w->model, VNET("green"), "dhcpOptions"),
			    "{\"dnsServers\":[],\"searchDomains\":[\"corp.example.com\","
			    "\"example.com\"]}");
	assert_string_equal(property(w->model, VNET("green"), "attach"),
			    "{\"networkNamespace\":\"y\"}");
	assert_string_equal(
		first(w->model,
		      "SELECT printf('%d %d %d %d %s %d %d %d', enable_bgp, asn, bgp_table,"
		      " announce_table, bgp_filters, propagate_bgp, propagate_peerings,"
		      " announce_hosts) FROM gateway g JOIN vnet v ON v.id = g.vnet_id"
		      " WHERE v.name = 'green'"),
		"0 65515 254 0 [] 0 0 0");
	world_free(w);
}

/* It is told what there is: nothing else has changed. */
static void network_of_gateway_yaml_that_moves_to_another_namespace_is_noticed(void **state)
{
	struct msg_vnet vnet = {.name = "red",
				.spaces = {"10.2.0.0/16"},
				.n_spaces = 1,
				.pools = {"172.16.6.0/24"},
				.n_pools = 1,
				.gateway = "192.0.0.8"};
	const struct msg_config config = {.vnets = &vnet, .n_vnets = 1};
	struct world *w = world_new();

	assert_int_equal(model_set_networks(w->model, &config, MINT_NOW, NULL), 0);
	assert_string_equal(property(w->model, VNET("red"), "attach"),
			    "{\"networkNamespace\":null}");
	vnet.netns = "/run/odd";
	assert_int_equal(model_set_networks(w->model, &config, MINT_NOW, NULL), 0);
	assert_string_equal(property(w->model, VNET("red"), "attach"),
			    "{\"networkNamespace\":\"/run/odd\"}");
	world_free(w);
}

static void pool_that_gateway_yaml_has_in_the_same_namespace_is_refused(void **state)
{
	static const char pools[] =
		"{\"properties\":{\"vpnClientConfiguration\":{"
		"\"vpnClientAddressPool\":{\"addressPrefixes\":[\"172.16.6.128/25\"]}}}}";
	struct msg_vnet vnet = {.name = "red",
				.spaces = {"10.2.0.0/16"},
				.n_spaces = 1,
				.pools = {"172.16.6.0/24"},
				.n_pools = 1,
				.gateway = "192.0.0.8",
				.netns = "x"};
	const struct msg_config config = {.vnets = &vnet, .n_vnets = 1};
	struct world *w = world_new();

	assert_int_equal(model_set_networks(w->model, &config, MINT_NOW, NULL), 0);
	does(w->model, FRONT_PUT, VNET("green"),
	     "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.3.0.0/16\"]},"
	     "\"attach\":{\"networkNamespace\":\"x\"}}}",
	     200);
	does(w->model, FRONT_PUT, VNET("green") "/virtualNetworkGateways/primary", pools, 409);
	vnet.netns = "y";
	assert_int_equal(model_set_networks(w->model, &config, MINT_NOW, NULL), 0);
	does(w->model, FRONT_PUT, VNET("green") "/virtualNetworkGateways/primary", pools, 200);
	world_free(w);
}

static void B14_gateway_must_be_up_for_an_app_to_be_connected(void **state)
{
	struct world *w = world_new();
	struct sessions *s = sessions_new(w->model);
	struct certs_error e;

	assert_int_equal(admit(w->model, "stock", "blue", NULL), 0);
	assert_int_equal(sessions_set_state(s, "blue", "its device is gone", MINT_NOW, NULL), 0);
	assert_int_equal(admit(w->model, "shop", "blue", &e), -EEXIST);
	assert_string_equal(e.text, "The gateway of virtual network blue is not up: its device is "
				    "gone. Connect again when it is.");
	does(w->model, FRONT_GET, SHOP, "", 404);
	assert_int_equal(admit(w->model, "stock", "blue", NULL), 0); /* it is connected already */
	assert_int_equal(sessions_set_state(s, "blue", "", MINT_NOW, NULL), 0);
	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	sessions_free(s);
	world_free(w);
}

static void gateway_s_status_is_what_the_data_plane_says(void **state)
{
	struct world *w = world_new();
	struct sessions *s = sessions_new(w->model);

	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	assert_string_equal(property(w->model, SHOP_BLUE, "gatewayStatus"), "\"NotConnected\"");
	assert_string_equal(property(w->model, SHOP_BLUE, "gatewayReason"), "null");
	assert_int_equal(sessions_set_state(s, "blue", "", MINT_NOW, NULL), 0);
	assert_string_equal(property(w->model, SHOP_BLUE, "gatewayStatus"), "\"Up\"");
	assert_int_equal(sessions_set_state(s, "blue", "its device is gone", MINT_NOW, NULL), 0);
	assert_string_equal(property(w->model, SHOP_BLUE, "gatewayStatus"), "\"NotConnected\"");
	assert_string_equal(property(w->model, SHOP_BLUE, "gatewayReason"),
			    "\"its device is gone\"");
	assert_int_equal(sessions_set_state(s, "blue", "", MINT_NOW, NULL), 0);
	assert_int_equal(sessions_lost(s, MINT_NOW, NULL), 0);
	assert_string_equal(property(w->model, SHOP_BLUE, "gatewayStatus"), "\"NotConnected\"");
	sessions_free(s);
	world_free(w);
}

static void networks_that_are_the_same_keep_their_etag(void **state)
{
	struct world *w = world_new();
	json_t *before = ask(w->model, FRONT_GET, VNET("blue"), "", 200);
	json_t *after;

	world_set_dns(w, "10.1.0.4");
	after = ask(w->model, FRONT_GET, VNET("blue"), "", 200);
	assert_true(json_equal(before, after));
	json_decref(after);
	world_set_dns(w, "10.1.0.5");
	after = ask(w->model, FRONT_GET, VNET("blue"), "", 200);
	assert_false(json_equal(json_object_get(before, "etag"), json_object_get(after, "etag")));
	json_decref(before);
	json_decref(after);
	world_free(w);
}

/* ---- all kinds ---- */

static void what_get_gave_can_be_put_back(void **state)
{
	static const char *const paths[] = {PLAN, SHOP, SHOP_BLUE, VNET("green"),
					    VNET("green") "/virtualNetworkGateways/gw"};
	struct world *w = world_new();
	json_t *list;
	char *text;

	make_green(w->model);
	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		json_t *before = ask(w->model, FRONT_GET, paths[i], "", 200);
		json_t *after;

		text = json_dumps(before, 0);
		after = ask(w->model, FRONT_PUT, paths[i], text, 200);
		json_object_del(before, "etag");
		json_object_del(after, "etag");
		assert_true(json_equal(before, after));
		free(text);
		json_decref(before);
		json_decref(after);
	}
	does(w->model, FRONT_PUT, PLAN_ROUTE, "{\"properties\":{\"startAddress\":\"10.0.0.0/8\"}}",
	     200);
	list = ask(w->model, FRONT_GET, PLAN_ROUTE, "", 200);
	text = json_dumps(json_array_get(list, 0), 0);
	does(w->model, FRONT_PUT, PLAN_ROUTE, text, 200);
	free(text);
	json_decref(list);
	world_free(w);
}

static void model_on_disk_is_there_again(void **state)
{
	char path[512];
	struct model *m;
	struct certs_error e;

	snprintf(path, sizeof(path), "%s.sqlite", scene_folder());
	for (int i = 0; i < 3; i++) {
		if (model_open(path, &m, &e) < 0)
			fail_msg("%s", e.text);
		if (i == 0)
			make_green(m);
		if (i == 1)
			assert_int_equal(admit(m, "shop", "green", NULL), 0);
		if (i == 2)
			assert_string_equal(property(m, VNET("green"), "apps"), "[\"shop\"]");
		model_close(m);
	}
	assert_int_equal(model_open("/nonexistent/m", &m, &e), -ENOENT);
	model_close(NULL);
}

static void stores_of_older_versions_are_brought_up_to_date(void **state)
{
	struct store_schema older = store_schema_model;
	struct store *store;
	struct model *m;
	struct certs_error e;
	char path[512];

	for (older.n_steps = 1; older.n_steps < store_schema_model.n_steps; older.n_steps++) {
		snprintf(path, sizeof(path), "%s.%d", scene_folder(), older.n_steps);
		if (store_open(path, &older, &store, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(
			store_script(
				store,
				"INSERT INTO vnet (id, subscription, resource_group, name)"
				" VALUES (1, 's', 'g', 'v');"
				"INSERT INTO gateway (vnet_id, name, gateway_type)"
				" VALUES (1, 'gw', 'Vpn');"
				"INSERT INTO plan (id, subscription, resource_group, name)"
				" VALUES (1, 's', 'g', 'p');"
				"INSERT INTO app (id, subscription, resource_group, name,"
				" plan_id) VALUES (1, 's', 'g', 'a', 1);"
				"INSERT INTO connection (app_id, vnet_id, synced) VALUES (1, 1,"
				" '{\"certThumbprint\":null,\"dnsServers\":[],"
				"\"addressSpaces\":[],\"customRoutes\":[]}');",
				NULL),
			0);
		store_close(store);
		if (model_open(path, &m, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(first(m,
					  "SELECT tunnel_address || ' ' || attach_netns || ' ' ||"
					  " search_domains || ' ' || resource_id FROM vnet"),
				    "192.0.0.8  [] /subscriptions/s/resourceGroups/g/providers/"
				    "Microsoft.Network/virtualNetworks/v");
		assert_string_equal(
			first(m, "SELECT printf('%d %d %d %d %s %d %d %d', enable_bgp, asn, "
				 "bgp_table, announce_table, bgp_filters, propagate_bgp, "
				 "propagate_peerings, announce_hosts) FROM gateway"),
			"0 65515 254 0 [] 0 0 0");
		assert_string_equal(first(m, "SELECT count(*) FROM peering"), "0");
		assert_string_equal(first(m, "SELECT synced = now FROM connection_now"), "1");
		model_close(m);
	}
}

static void peering_s_other_side_is_known_by_the_end_of_its_id(void **state)
{
	struct world *w = world_new();

	assert_int_equal(store_script(model_store(w->model),
				      "INSERT INTO peering (vnet_id, name, remote_vnet) SELECT id,"
				      " 'a', '/subscriptions/s/virtualNetworks/Hub' FROM vnet;"
				      "INSERT INTO peering (vnet_id, name, remote_vnet) SELECT id,"
				      " 'b', 'spoke' FROM vnet;",
				      NULL),
			 0);
	assert_string_equal(first(w->model,
				  "SELECT group_concat(name || '=' || remote) FROM (SELECT * FROM"
				  " peering WHERE remote IN ('hub', 'SPOKE') ORDER BY name)"),
			    "a=Hub,b=spoke");
	assert_int_equal(store_script(model_store(w->model),
				      "INSERT INTO peering (vnet_id, name, remote_vnet) SELECT id,"
				      " 'c', 'HUB' FROM vnet;",
				      NULL),
			 -EEXIST);
	world_free(w);
}

/* ---- peerings ---- */

#define WITH(remote) "{\"properties\":{\"remoteVirtualNetwork\":{\"id\":\"" remote "\"}}}"

/* Its other side waits, and is connected again when the configuration names the network again. */
static void network_that_leaves_gateway_yaml_disconnects_its_peerings(void **state)
{
	static const char to_blue[] = VNET("green") "/virtualNetworkPeerings/to-blue";
	static const char to_green[] = VNET("blue") "/virtualNetworkPeerings/to-green";
	const struct msg_config none = {.dial = ""};
	struct world *w = world_new();
	struct certs_error e;

	assert_int_equal(admit(w->model, "shop", "blue", NULL), 0); /* so that it stays, as gone */
	make_green(w->model);
	does(w->model, FRONT_PUT, to_blue, WITH("blue"), 200);
	does(w->model, FRONT_PUT, to_green, WITH("green"), 200);
	assert_string_equal(property(w->model, to_blue, "peeringState"), "\"Connected\"");
	assert_int_equal(model_set_networks(w->model, &none, MINT_NOW, &e), 0);
	assert_string_equal(property(w->model, to_blue, "peeringState"), "\"Disconnected\"");
	does(w->model, FRONT_PUT, to_green, WITH("green"), 404);
	world_set_dns(w, "10.1.0.4");
	assert_string_equal(property(w->model, to_blue, "peeringState"), "\"Connected\"");
	world_free(w);
}

/* A side that names the other one by its id waits for no other of that name. */
static void peering_with_a_network_elsewhere_waits_for_that_one(void **state)
{
	static const char to_far[] = VNET("green") "/virtualNetworkPeerings/to-far";
	struct world *w = world_new();

	make_green(w->model);
	does(w->model, FRONT_PUT, to_far,
	     WITH("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/"
		  "far"),
	     200);
	does(w->model, FRONT_PUT, VNET("far"),
	     "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.3.0.0/16\"]}}}", 200);
	does(w->model, FRONT_PUT, VNET("far") "/virtualNetworkPeerings/p", WITH("green"), 200);
	assert_string_equal(property(w->model, to_far, "peeringState"), "\"Initiated\"");
	assert_string_equal(property(w->model, to_far, "remoteAddressSpace"),
			    "{\"addressPrefixes\":[]}");
	assert_string_equal(
		property(w->model, VNET("far") "/virtualNetworkPeerings/p", "peeringState"),
		"\"Initiated\"");
	world_free(w);
}

static void network_has_500_peerings_at_most(void **state)
{
	struct world *w = world_new();

	make_green(w->model);
	assert_int_equal(
		store_script(model_store(w->model),
			     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			     " WHERE i < 500) INSERT INTO peering (vnet_id, name,"
			     " remote_vnet) SELECT v.id, 'p' || i, 'v' || i FROM n, vnet v"
			     " WHERE v.name = 'green'",
			     NULL),
		0);
	does(w->model, FRONT_PATCH, VNET("green") "/virtualNetworkPeerings/p1",
	     "{\"properties\":{\"allowForwardedTraffic\":true}}", 200);
	does(w->model, FRONT_PUT, VNET("green") "/virtualNetworkPeerings/one-more", WITH("spoke"),
	     409);
	world_free(w);
}

static void if_none_match_makes_only_what_is_not_there(void **state)
{
	static const char body[] = "{\"sku\":{\"tier\":\"Basic\"}}";
	const struct front_request request = {.method = FRONT_PUT,
					      .path = DEFAULT "/Microsoft.Web/serverfarms/new",
					      .body = body,
					      .body_len = sizeof(body) - 1,
					      .if_none_match = "*"};
	struct world *w = world_new();
	struct front_reply reply;

	api_answer(w->model, &request, MINT_NOW, &reply);
	assert_int_equal(reply.status, 200);
	free(reply.json);
	api_answer(w->model, &request, MINT_NOW, &reply);
	assert_int_equal(reply.status, 412);
	assert_non_null(strstr(reply.json, "it is there already"));
	free(reply.json);
	world_free(w);
}

/* What a statement does as SQLite plans it: no whole table of the model's under one of these names. */
static void assert_looks_up(struct model *m, const char *sql, const char *names)
{
	static char texts[64][16 * 1024]; /* statements are kept by where their text is */
	static size_t n;
	char *text = texts[n++];
	struct store_query *q;
	struct certs_error e;

	assert_true(n <= sizeof(texts) / sizeof(texts[0]));
	snprintf(text, sizeof(texts[0]), "EXPLAIN QUERY PLAN %s", sql);
	assert_int_equal(store_query(model_store(m), text, NULL, 0, &q, &e), 0);
	while (store_query_next(q, &e) > 0) {
		const char *step = store_query_text(q, 3);

		if (strncmp(step, "SCAN ", 5) == 0 && strchr(names, step[5]) &&
		    (!step[6] || step[6] == ' '))
			fail_msg("%s", step);
	}
	store_query_end(q);
}

static void networks_of_a_plan_are_found_without_those_of_all_plans(void **state)
{
	struct world *w = world_new();

	assert_looks_up(w->model, kind_plan_network_list, "acgov");
	assert_looks_up(w->model, kind_plan_network.get, "acgov");
	world_free(w);
}

static void rules_of_peerings_look_at_those_of_the_network_only(void **state)
{
	static const struct resource_rule *const lists[] = {
		rules_peering_before_write, rules_peering_after_write, rules_vnet_after_write,
		rules_gateway_after_write};
	struct world *w = world_new();

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct resource_rule *rule = lists[i]; rule->sql; rule++)
			assert_looks_up(w->model, rule->sql, "prv");
	world_free(w);
}

/* As many as the gateway holds, with names as long as they may be. */
static void network_with_all_routes_there_can_be_is_shown(void **state)
{
	struct world *w = world_new();
	struct certs_error e;

	world_connect(w, "shop", "blue");
	assert_int_equal(store_run(model_store(w->model),
				   "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
				   " WHERE i < 99999) INSERT INTO route (plan_id, vnet_id, name,"
				   " start_address, end_address) SELECT p.id, v.id,"
				   " printf('%064d', i), '203.100.200.100', '203.100.200.101'"
				   " FROM n, plan p, vnet v WHERE v.name = 'blue'",
				   NULL, 0, &e),
			 100000);
	does(w->model, FRONT_GET, PLAN_BLUE, "", 200);
	does(w->model, FRONT_GET, SHOP_BLUE, "", 200);
	does(w->model, FRONT_GET, PLAN_BLUE "/routes", "", 200);
	world_free(w);
}

static void only_paths_of_the_api_are_its_own(void **state)
{
	assert_true(api_has_path("/subscriptions"));
	assert_true(api_has_path("/Subscriptions/s1/x"));
	assert_false(api_has_path("/subscriptionsx"));
	assert_false(api_has_path("/v1/tokens"));
	assert_false(api_has_path(""));
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(token_on_a_fresh_gateway_makes_plan_app_and_connection),
		TEST(tokens_of_a_fresh_gateway_are_good_for_each_of_its_networks),
		TEST(token_that_is_refused_leaves_nothing),
		TEST(B2_token_for_another_vnet_is_refused),
		TEST(token_for_an_app_elsewhere_takes_it_as_it_is),
		TEST(token_on_a_strict_gateway_makes_a_windows_plan),
		TEST(B41_first_certificate_is_no_difference),
		TEST(B42_renewed_certificate_is_a_difference_until_sync),
		TEST(renewed_certificate_is_synced_at_once_by_auto_sync),
		TEST(certificates_that_are_no_news_write_nothing),
		TEST(B31_new_dns_of_gateway_yaml_shows_as_drift_or_is_synced),
		TEST(network_that_gateway_yaml_takes_over_is_as_that_says),
		TEST(network_of_gateway_yaml_that_moves_to_another_namespace_is_noticed),
		TEST(pool_that_gateway_yaml_has_in_the_same_namespace_is_refused),
		TEST(B14_gateway_must_be_up_for_an_app_to_be_connected),
		TEST(gateway_s_status_is_what_the_data_plane_says),
		TEST(networks_that_are_the_same_keep_their_etag),
		TEST(what_get_gave_can_be_put_back),
		TEST(model_on_disk_is_there_again),
		TEST(stores_of_older_versions_are_brought_up_to_date),
		TEST(peering_s_other_side_is_known_by_the_end_of_its_id),
		TEST(network_that_leaves_gateway_yaml_disconnects_its_peerings),
		TEST(peering_with_a_network_elsewhere_waits_for_that_one),
		TEST(network_has_500_peerings_at_most),
		TEST(if_none_match_makes_only_what_is_not_there),
		TEST(networks_of_a_plan_are_found_without_those_of_all_plans),
		TEST(rules_of_peerings_look_at_those_of_the_network_only),
		TEST(network_with_all_routes_there_can_be_is_shown),
		TEST(only_paths_of_the_api_are_its_own),
	};

	return cmocka_run_group_tests_name("control/model", tests, NULL, scene_tear_down);
}
