/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane of these tests writes down what it is told, a line each. */
#include "sstp/control/push.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "sstp/control/api.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/msg_site.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

#define PROVIDERS(s, g) "/subscriptions/" s "/resourceGroups/" g "/providers"
#define DEFAULT		PROVIDERS("default", "default")
#define PLAN		DEFAULT "/Microsoft.Web/serverfarms/blue"
#define APP(name)	DEFAULT "/Microsoft.Web/sites/" name
#define APP_VNET(a, v)	APP(a) "/virtualNetworkConnections/" v
#define ROUTE(name)	PLAN "/virtualNetworkConnections/blue/routes/" name
#define VNET(name)	DEFAULT "/Microsoft.Network/virtualNetworks/" name
#define GATEWAY(name)	VNET(name) "/virtualNetworkGateways/gw"
#define SPACE(prefix)	"{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"" prefix "\"]}}}"
#define POOL(prefix)                                                              \
	"{\"properties\":{\"vpnClientConfiguration\":{\"vpnClientAddressPool\":{" \
	"\"addressPrefixes\":[\"" prefix "\"]}}}}"

enum {
	LINES_MAX = 16 << 10,
	MANY = 5000,	  /* connections */
	MANY_ROUTES = 50, /* of each plan */
	MANY_IN_PLAN = 5, /* apps */
};

struct plane {
	struct world *w;
	struct push *push;
	char lines[LINES_MAX];	/* since they were asked for last */
	char tables[LINES_MAX]; /* of VNets, likewise */
	size_t n_frames;
	size_t n_bytes;
	size_t room; /* frames that it takes before it is full */
	bool is_counting;
	bool shows_tables; /* where they stand among the lines */
	struct learned_routes learned[LEARNED_VIEWS];
};

/* ---- the data plane ---- */

static void say(struct plane *p, const char *text)
{
	size_t len = strlen(p->lines);

	snprintf(p->lines + len, sizeof(p->lines) - len, "%s%s", len ? "\n" : "", text);
}

static void say_connection(struct plane *p, const uint8_t *payload, size_t len)
{
	struct msg_connection m;
	char text[1024];
	char one[PREFIX_TEXT_MAX];
	json_t *json;

	assert_int_equal(msg_connection_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "CONNECTION %s %s", m.app, m.vnet);
	for (size_t i = 0; i < m.n_routes; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
			 prefix_format(&m.routes[i], one));
	for (size_t i = 0; i < MSG_DNS_MAX && m.dns_be[i]; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " dns %s",
			 inet_ntop(AF_INET, &m.dns_be[i], one, sizeof(one)));
	if (*m.refusal)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " refused: %.20s",
			 m.refusal);
	json = json_loads(m.description, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "appName")), m.app);
	json_decref(json);
	msg_connection_done(&m);
	say(p, text);
}

static void say_vnet(struct plane *p, const uint8_t *payload, size_t len)
{
	struct msg_site_vnet m;
	char text[256];

	assert_int_equal(msg_site_vnet_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "VNET %s %s %s %s %s%s%s", m.vnet.name, m.device,
		 m.vnet.spaces[0], m.vnet.pools[0], m.vnet.gateway, m.vnet.n_dns ? " dns " : "",
		 m.vnet.n_dns ? m.vnet.dns[0] : "");
	say(p, text);
}

static void say_leases(struct plane *p, const uint8_t *payload, size_t len)
{
	struct msg_leases m;
	char text[1024];
	char one[INET_ADDRSTRLEN];

	assert_int_equal(msg_leases_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "LEASES %s %zu", m.vnet, m.n_leases);
	for (size_t i = 0; i < m.n_leases && i < 3; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s %s",
			 inet_ntop(AF_INET, &m.leases[i].address_be, one, sizeof(one)),
			 m.leases[i].owner);
	msg_leases_done(&m);
	say(p, text);
}

static void say_name(struct plane *p, const char *what, const uint8_t *payload, size_t len)
{
	const char *name;
	char text[256];

	assert_int_equal(msg_name_decode(payload, len, &name), 0);
	snprintf(text, sizeof(text), "%s%s%s", what, *name ? " " : "", name);
	say(p, text);
}

/* "v" to be asked behind, "o" open, "p" closed, "n" nothing; of parts also which. */
static void say_table(struct plane *p, const uint8_t *payload, size_t len)
{
	struct msg_vnet_routes m;
	size_t used = strlen(p->tables);
	char one[PREFIX_TEXT_MAX];

	assert_int_equal(msg_vnet_routes_decode(payload, len, &m), 0);
	used += (size_t)snprintf(p->tables + used, sizeof(p->tables) - used, "%s%s",
				 used ? "\n" : "", m.vnet);
	if (m.part != MSG_PART_ONLY)
		used += (size_t)snprintf(p->tables + used, sizeof(p->tables) - used, " %d: %zu",
					 m.part, m.n_routes);
	for (size_t i = 0; i < m.n_routes && i < 10; i++)
		used += (size_t)snprintf(p->tables + used, sizeof(p->tables) - used, " %s %c",
					 prefix_format(&m.routes[i].prefix, one),
					 "vopn"[m.routes[i].verdict]);
	msg_vnet_routes_done(&m);
	if (p->shows_tables)
		say(p, "TABLE");
}

static void hear(struct plane *p, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	switch (kind) {
	case MSG_SITE_BEGIN: say_name(p, "BEGIN", payload, len); break;
	case MSG_SITE_END: say_name(p, "END", payload, len); break;
	case MSG_VNET: say_vnet(p, payload, len); break;
	case MSG_VNET_GONE: say_name(p, "VNET_GONE", payload, len); break;
	case MSG_LEASES: say_leases(p, payload, len); break;
	case MSG_CONNECTION: say_connection(p, payload, len); break;
	case MSG_CONNECTION_GONE: say_name(p, "GONE", payload, len); break;
	case MSG_VNET_ROUTES: say_table(p, payload, len); break;
	default: fail_msg("kind %d", (int)kind);
	}
}

static int take(void *arg, uint8_t *frame, size_t len)
{
	struct plane *p = arg;
	enum msg_kind kind;
	size_t payload;
	bool has_room = p->room > 0;

	if (has_room) {
		p->room--;
		p->n_frames++;
		p->n_bytes += len;
		assert_true(msg_head(frame, false, &kind, &payload));
		assert_int_equal(payload, len - MSG_HEAD_SIZE);
		if (!p->is_counting)
			hear(p, kind, frame + MSG_HEAD_SIZE, payload);
	}
	msg_frame_free(frame, len);
	return has_room ? 0 : -ENOBUFS;
}

/* Of every VNet the same. */
static struct learned_routes learned_now(void *arg, const char *vnet, enum learned_view view)
{
	return ((struct plane *)arg)->learned[view];
}

static struct plane *plane_new(void)
{
	struct plane *p = calloc(1, sizeof(*p));
	struct certs_error e;

	assert_non_null(p);
	p->w = world_new();
	p->room = SIZE_MAX;
	effective_set_learned(networks_effective(p->w->est.networks), learned_now, p);
	if (push_new(&(struct push_params){.model = p->w->model,
					   .networks = p->w->est.networks,
					   .send = take,
					   .arg = p},
		     &p->push, &e) < 0)
		fail_msg("%s", e.text);
	return p;
}

static void plane_free(struct plane *p)
{
	push_free(p->push);
	world_free(p->w);
	free(p);
}

static int run(struct plane *p)
{
	struct certs_error e;
	int r = push_run(p->push, &e);

	if (r < 0)
		fail_msg("%s", e.text);
	return r;
}

/* All that is to be told is this. */
static void hears(struct plane *p, const char *expected)
{
	*p->lines = '\0';
	assert_int_equal(run(p), 0);
	assert_string_equal(p->lines, expected);
	*p->lines = '\0';
	assert_int_equal(run(p), 0);
	assert_string_equal(p->lines, "");
}

static void start(struct plane *p, const char *expected)
{
	assert_int_equal(push_restart(p->push, NULL), 0);
	hears(p, expected);
}

/* All tables that are told are these. */
static void hears_tables(struct plane *p, const char *expected)
{
	*p->tables = '\0';
	assert_int_equal(run(p), 0);
	assert_string_equal(p->tables, expected);
	*p->tables = '\0';
	assert_int_equal(run(p), 0);
	assert_string_equal(p->tables, "");
}

/* ---- the operator ---- */

static void ask(struct plane *p, enum front_method method, const char *path, const char *body)
{
	struct front_request request = {
		.method = method, .path = path, .body = body, .body_len = strlen(body)};
	struct front_reply reply;

	api_answer(p->w->model, &request, MINT_NOW, &reply);
	if (reply.status != 200)
		fail_msg("%s: %d: %s", path, reply.status, reply.json);
	free(reply.json);
}

static void put(struct plane *p, const char *path, const char *body)
{
	ask(p, FRONT_PUT, path, body);
}

static void drop(struct plane *p, const char *path)
{
	ask(p, FRONT_DELETE, path, "");
}

static void put_route(struct plane *p, const char *path, const char *prefix)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"properties\":{\"startAddress\":\"%s\"}}", prefix);
	put(p, path, body);
}

#define SHOP_LINE "CONNECTION shop blue 10.1.0.0/16 dns 10.1.0.4"

/* ---- what is tested ---- */

static void data_plane_that_knows_nothing_is_told_all(void **state)
{
	struct plane *p = plane_new();

	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	put(p, VNET("empty"), SPACE("10.3.0.0/16")); /* nobody could come to it */
	world_connect(p->w, "shop", "blue");
	world_connect(p->w, "stock", "green");
	hears(p, ""); /* nobody listens yet */
	start(p, "BEGIN\n"
		 "VNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\n" SHOP_LINE
		 "\nCONNECTION stock green 10.2.0.0/16\n"
		 "END");
	start(p, "BEGIN\n"
		 "VNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\n" SHOP_LINE
		 "\nCONNECTION stock green 10.2.0.0/16\n"
		 "END");
	plane_free(p);
}

static void connection_comes_and_goes(void **state)
{
	struct plane *p = plane_new();

	start(p, "BEGIN\nEND");
	world_connect(p->w, "shop", "blue");
	hears(p, SHOP_LINE);
	drop(p, APP_VNET("shop", "blue"));
	hears(p, "GONE shop");
	put(p, APP_VNET("shop", "blue"), "{}");
	hears(p, SHOP_LINE);
	drop(p, APP("shop")); /* its connection goes with it */
	hears(p, "GONE shop");
	plane_free(p);
}

static void what_has_come_and_gone_meanwhile_is_no_news(void **state)
{
	struct plane *p = plane_new();

	start(p, "BEGIN\nEND");
	world_connect(p->w, "shop", "blue");
	drop(p, APP_VNET("shop", "blue"));
	hears(p, "");
	put(p, APP_VNET("shop", "blue"), "{}");
	hears(p, SHOP_LINE);
	drop(p, APP_VNET("shop", "blue"));
	put(p, APP_VNET("shop", "blue"), "{}");
	hears(p, "");
	plane_free(p);
}

static void app_of_another_network_is_gone_and_there_again(void **state)
{
	struct plane *p = plane_new();

	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	world_connect(p->w, "shop", "blue");
	start(p,
	      "BEGIN\nVNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\n" SHOP_LINE "\nEND");
	drop(p, APP_VNET("shop", "blue"));
	put(p, APP_VNET("shop", "green"), "{}");
	hears(p, "GONE shop\nCONNECTION shop green 10.2.0.0/16");
	plane_free(p);
}

/* The store gives an id that has become free to the next one who comes. */
static void another_app_with_the_id_of_one_that_is_gone(void **state)
{
	struct plane *p = plane_new();

	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	drop(p, APP("shop"));
	world_connect(p->w, "stock", "blue");
	hears(p, "GONE shop\nCONNECTION stock blue 10.1.0.0/16 dns 10.1.0.4");
	plane_free(p);
}

static void B34_route_reaches_all_apps_of_the_plan_and_no_other(void **state)
{
	struct plane *p = plane_new();

	put(p, DEFAULT "/Microsoft.Web/serverfarms/other", "{\"sku\":{\"tier\":\"Basic\"}}");
	put(p, APP("third"), "{\"properties\":{\"serverFarmId\":\"other\"}}");
	put(p, APP_VNET("third", "blue"), "{}");
	world_connect(p->w, "shop", "blue");
	world_connect(p->w, "stock", "blue");
	assert_int_equal(push_restart(p->push, NULL), 0);
	assert_int_equal(run(p), 0);
	put_route(p, ROUTE("r"), "192.0.2.0/24");
	hears(p, "CONNECTION shop blue 10.1.0.0/16 192.0.2.0/24 dns 10.1.0.4\n"
		 "CONNECTION stock blue 10.1.0.0/16 192.0.2.0/24 dns 10.1.0.4");
	put_route(p, ROUTE("r"), "192.0.2.0/25");
	hears(p, "CONNECTION shop blue 10.1.0.0/16 192.0.2.0/25 dns 10.1.0.4\n"
		 "CONNECTION stock blue 10.1.0.0/16 192.0.2.0/25 dns 10.1.0.4");
	drop(p, ROUTE("r"));
	hears(p, SHOP_LINE "\nCONNECTION stock blue 10.1.0.0/16 dns 10.1.0.4");
	plane_free(p);
}

static void change_that_concerns_no_tunnel_is_not_told(void **state)
{
	struct plane *p = plane_new();

	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	put(p, PLAN, "{\"sku\":{\"tier\":\"Premium\"}}");
	put(p, PLAN "/virtualNetworkConnections/blue/gateways/primary",
	    "{\"properties\":{\"vpnPackageUri\":\"https://example.com/p\"}}");
	hears(p, "");
	plane_free(p);
}

static void what_was_taken_back_is_not_told(void **state)
{
	struct plane *p = plane_new();
	struct front_request request = {.method = FRONT_PUT,
					.path = GATEWAY("blue"),
					.body = POOL("172.16.6.0/24"),
					.body_len = strlen(POOL("172.16.6.0/24"))};
	struct front_reply reply;

	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	api_answer(p->w->model, &request, MINT_NOW, &reply);
	assert_int_equal(reply.status, 409);
	free(reply.json);
	hears(p, "");
	plane_free(p);
}

static void B46_plan_that_is_scaled_down_is_refused_and_comes_back(void **state)
{
	struct plane *p = plane_new();

	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	put(p, PLAN, "{\"sku\":{\"tier\":\"Free\"}}");
	hears(p, SHOP_LINE " refused: VNET Integration is ");
	put(p, PLAN, "{\"sku\":{\"tier\":\"Basic\"}}");
	hears(p, SHOP_LINE);
	plane_free(p);
}

/* The plan of the world's apps is Linux. */
static void B8_strict_refuses_connections_that_there_are_and_lets_them_come_back(void **state)
{
	struct plane *p = plane_new();

	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	assert_int_equal(model_set_strict(p->w->model, true, NULL), 1);
	assert_int_equal(push_touch_all(p->push, NULL), 0);
	hears(p, SHOP_LINE " refused: Gateway-required VNE");
	assert_int_equal(model_set_strict(p->w->model, false, NULL), 1);
	assert_int_equal(push_touch_all(p->push, NULL), 0);
	hears(p, SHOP_LINE);
	assert_int_equal(push_touch_all(p->push, NULL), 0);
	hears(p, ""); /* nothing has changed */
	plane_free(p);
}

static void B31_dns_is_told_when_it_is_synced(void **state)
{
	struct plane *p = plane_new();

	world_connect(p->w, "shop", "blue");
	put(p, PLAN, "{\"sku\":{\"tier\":\"Basic\"},\"properties\":{\"autoSync\":false}}");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	world_set_dns(p->w, "10.1.0.9");
	hears(p, "");
	ask(p, FRONT_POST, PLAN "/virtualNetworkConnections/blue/sync", "");
	hears(p, "CONNECTION shop blue 10.1.0.0/16 dns 10.1.0.9");
	plane_free(p);
}

static void network_of_the_api_comes_changes_and_goes(void **state)
{
	struct plane *p = plane_new();

	start(p, "BEGIN\nEND");
	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	hears(p, "");
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	hears(p, "VNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8");
	put(p, VNET("green"),
	    "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.2.0.0/16\"]},"
	    "\"dhcpOptions\":{\"dnsServers\":[\"10.2.0.4\"]}}}");
	hears(p, "VNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8 dns 10.2.0.4");
	drop(p, GATEWAY("green"));
	hears(p, "VNET_GONE green");
	drop(p, VNET("green"));
	hears(p, "");
	plane_free(p);
}

/* A connection must not stand there without its network. */
/* Moved from one resource group to another in one site file, or while there was much to tell. */
static void network_takes_the_name_of_one_that_is_gone(void **state)
{
	struct plane *p = plane_new();

	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	put(p, VNET("other"), SPACE("10.3.0.0/16")); /* so that the id is not used again */
	start(p, "BEGIN\nVNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\nEND");
	drop(p, GATEWAY("green"));
	drop(p, VNET("green"));
	put(p, VNET("green"), SPACE("10.4.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	hears(p, "VNET green sstp104 10.4.0.0/16 172.16.6.0/24 192.0.0.8");
	drop(p, GATEWAY("green"));
	hears(p, "VNET_GONE green");
	plane_free(p);
}

static void network_is_told_before_its_connections_and_gone_behind_them(void **state)
{
	struct plane *p = plane_new();

	start(p, "BEGIN\nEND");
	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	world_connect(p->w, "shop", "green");
	hears(p, "VNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\n"
		 "CONNECTION shop green 10.2.0.0/16");
	drop(p, APP_VNET("shop", "green"));
	drop(p, VNET("green"));
	hears(p, "GONE shop\nVNET_GONE green");
	plane_free(p);
}

static void network_that_is_no_longer_in_gateway_yaml_refuses_its_apps(void **state)
{
	struct plane *p = plane_new();

	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	assert_int_equal(
		model_set_networks(p->w->model, &(struct msg_config){.dial = ""}, MINT_NOW, NULL),
		0);
	hears(p, SHOP_LINE " refused: Virtual network blue");
	world_set_dns(p->w, "10.1.0.4");
	hears(p, SHOP_LINE);
	plane_free(p);
}

static void write_leases(struct plane *p, const char *sql)
{
	struct certs_error e;

	if (store_run(p->w->model->store, sql, NULL, 0, &e) < 0)
		fail_msg("%s", e.text);
}

static void addresses_are_told_with_their_last_owners_the_oldest_first(void **state)
{
	struct plane *p = plane_new();

	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	write_leases(p, "INSERT INTO lease SELECT id, 0xac104d05, 'shop', 9 FROM vnet"
			" WHERE name = 'blue'");
	write_leases(p, "INSERT INTO lease SELECT id, 0xac104d06, 'stock', 7 FROM vnet"
			" WHERE name = 'blue'");
	write_leases(p, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			" WHERE i < 1500) INSERT INTO lease SELECT v.id, i, 'o' || i, 1700 - i"
			" FROM vnet v, n WHERE v.name = 'green'");
	start(p, "BEGIN\nVNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\n"
		 "LEASES blue 2 172.16.77.6 stock 172.16.77.5 shop\n"
		 "LEASES green 512 0.0.5.220 o1500 0.0.5.219 o1499 0.0.5.218 o1498\n"
		 "LEASES green 512 0.0.3.220 o988 0.0.3.219 o987 0.0.3.218 o986\n"
		 "LEASES green 476 0.0.1.220 o476 0.0.1.219 o475 0.0.1.218 o474\nEND");
	world_connect(p->w, "shop", "blue");
	hears(p, SHOP_LINE); /* only once */
	plane_free(p);
}

/* Wherever it was full, what comes afterwards is the rest. */
static void data_plane_that_is_full_is_told_the_rest_later(void **state)
{
	static const char expected[] =
		"BEGIN\nVNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\n"
		"LEASES blue 1 172.16.77.5 shop\n"
		"LEASES green 1 172.16.6.5 stock\n" SHOP_LINE
		"\nCONNECTION stock green 10.2.0.0/16\nEND";
	struct plane *p = plane_new();

	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	world_connect(p->w, "shop", "blue");
	world_connect(p->w, "stock", "green");
	write_leases(p, "INSERT INTO lease SELECT id, iif(name = 'blue', 0xac104d05, 0xac100605),"
			" iif(name = 'blue', 'shop', 'stock'), 9 FROM vnet");
	for (size_t room = 0; room < 9; room++) {
		*p->lines = '\0';
		assert_int_equal(push_restart(p->push, NULL), 0);
		p->room = room;
		assert_int_equal(run(p), 1);
		p->room = SIZE_MAX;
		assert_int_equal(run(p), 0);
		assert_string_equal(p->lines, expected);
	}
	plane_free(p);
}

/* ---- tables ---- */

static void sql(struct plane *p, const char *text)
{
	struct certs_error e;

	if (store_script(p->w->model->store, text, &e) < 0)
		fail_msg("%s", e.text);
}

/* One side of a peering between two VNets, with all that it takes. */
static void peer(struct plane *p, const char *vnet, const char *remote)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "INSERT INTO peering (vnet_id, name, remote_vnet, allow_forwarded, allow_transit,"
		 " use_remote) SELECT id, 'to-%s', '%s', 1, 1, 1 FROM vnet WHERE name = '%s'",
		 remote, remote, vnet);
	sql(p, text);
}

static void table_is_told_behind_its_network_and_before_connections(void **state)
{
	struct plane *p = plane_new();

	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	world_connect(p->w, "shop", "green");
	p->shows_tables = true;
	start(p, "BEGIN\nVNET green sstp102 10.2.0.0/16 172.16.6.0/24 192.0.0.8\nTABLE\nTABLE\n"
		 "CONNECTION shop green 10.2.0.0/16\nEND");
	assert_string_equal(p->tables, "blue 10.1.0.0/16 v\ngreen 10.2.0.0/16 v");
	plane_free(p);
}

static void table_changes_with_the_network_and_with_nothing_else(void **state)
{
	struct plane *p = plane_new();

	start(p, "BEGIN\nEND");
	put(p, VNET("green"), SPACE("10.2.0.0/16"));
	hears_tables(p, "");
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	hears_tables(p, "green 10.2.0.0/16 v");
	put(p, VNET("green"), SPACE("10.3.0.0/16"));
	hears_tables(p, "green 10.3.0.0/16 v");
	sql(p, "UPDATE gateway SET custom_routes = '[\"2001:db8::/32\"]' WHERE name = 'gw'");
	hears_tables(p, "green 10.3.0.0/16 v 2001:db8::/32 v");
	world_connect(p->w, "shop", "green");
	hears_tables(p, "");
	drop(p, APP_VNET("shop", "green"));
	drop(p, GATEWAY("green"));
	hears_tables(p, "");
	put(p, GATEWAY("green"), POOL("172.16.6.0/24"));
	hears_tables(p, "green 10.3.0.0/16 v");
	plane_free(p);
}

static void B22_peering_opens_and_closes_the_tables_of_all_it_leads_to(void **state)
{
	struct plane *p = plane_new();

	start(p, "BEGIN\nEND");
	*p->tables = '\0';
	put(p, VNET("spoke"), SPACE("10.2.0.0/16"));
	put(p, VNET("behind"), SPACE("10.3.0.0/16"));
	peer(p, "blue", "spoke");
	hears_tables(p, "blue 10.1.0.0/16 v 10.2.0.0/16 p");
	peer(p, "spoke", "blue");
	hears_tables(p, "blue 10.1.0.0/16 v 10.2.0.0/16 v");
	peer(p, "behind", "spoke");
	hears_tables(p, "blue 10.1.0.0/16 v 10.2.0.0/16 v 10.3.0.0/16 p");
	sql(p, "UPDATE peering SET use_remote = 0 WHERE name = 'to-blue'");
	hears_tables(p, "blue 10.1.0.0/16 v 10.2.0.0/16 p 10.3.0.0/16 p");
	put(p, VNET("behind"), SPACE("10.4.0.0/16"));
	hears_tables(p, "blue 10.1.0.0/16 v 10.2.0.0/16 p 10.4.0.0/16 p");
	sql(p, "UPDATE peering SET remote_vnet = 'nobody' WHERE name = 'to-spoke' AND vnet_id ="
	       " (SELECT id FROM vnet WHERE name = 'behind')");
	hears_tables(p, "blue 10.1.0.0/16 v 10.2.0.0/16 p");
	drop(p, VNET("spoke"));
	hears_tables(p, "blue 10.1.0.0/16 v");
	put(p, VNET("spoke"), SPACE("10.5.0.0/16"));
	hears_tables(p, "blue 10.1.0.0/16 v 10.5.0.0/16 p");
	sql(p, "DELETE FROM peering");
	hears_tables(p, "blue 10.1.0.0/16 v");
	plane_free(p);
}

static void peered_range_is_a_connections_own_only_where_peerings_are_propagated(void **state)
{
	struct plane *p = plane_new();

	put(p, VNET("spoke"), SPACE("10.2.0.0/16"));
	peer(p, "blue", "spoke");
	peer(p, "spoke", "blue");
	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	sql(p, "UPDATE gateway SET propagate_peerings = 1");
	hears(p, "CONNECTION shop blue 10.1.0.0/16 10.2.0.0/16 dns 10.1.0.4");
	sql(p, "UPDATE peering SET allow_access = 0 WHERE name = 'to-blue'");
	hears(p, SHOP_LINE);
	plane_free(p);
}

static struct learned_route learned(const char *text)
{
	struct learned_route r = {.metric = 32};

	assert_int_equal(prefix_parse(text, &r.dst), 0);
	return r;
}

static void learn(struct plane *p, const struct learned_route *list, size_t n,
		  enum learned_view view)
{
	uint64_t generation = p->learned[view].generation + 1;

	p->learned[view] =
		(struct learned_routes){.routes = list, .n = n, .generation = generation};
	assert_int_equal(push_learned(p->push, "blue", view, NULL), 0);
}

static bool is_described(struct plane *p, const char *prefix)
{
	struct network n;

	assert_int_equal(networks_find(p->w->est.networks, "shop", "blue", &n, NULL), 1);
	return strstr(n.description, prefix) != NULL;
}

static void B20_learned_ranges_are_told_to_the_table_and_to_workers_each_in_its_time(void **state)
{
	const struct learned_route list[] = {learned("10.9.0.0/16"), learned("192.0.2.0/24")};
	struct plane *p = plane_new();

	world_connect(p->w, "shop", "blue");
	start(p, "BEGIN\n" SHOP_LINE "\nEND");
	*p->tables = '\0';
	learn(p, list, 2, LEARNED_LOOKUP);
	learn(p, list, 2, LEARNED_WORKERS);
	hears_tables(p, "");
	assert_false(is_described(p, "10.9.0.0/16"));
	learn(p, NULL, 0, LEARNED_WORKERS);
	sql(p, "UPDATE gateway SET enable_bgp = 1, propagate_bgp = 1, bgp_filters ="
	       " '[{\"action\":\"permit\",\"prefix\":\"10.0.0.0/8\",\"le\":24}]'");
	hears_tables(p, "blue 10.1.0.0/16 v 10.9.0.0/16 o");
	assert_false(is_described(p, "10.9.0.0/16"));
	learn(p, list, 2, LEARNED_WORKERS);
	hears(p, SHOP_LINE); /* with another description; its own list is without them */
	assert_true(is_described(p, "10.9.0.0/16"));
	assert_false(is_described(p, "192.0.2.0/24"));
	learn(p, NULL, 0, LEARNED_LOOKUP);
	hears_tables(p, "blue 10.1.0.0/16 v");
	plane_free(p);
}

static void table_that_is_too_long_for_one_message_comes_in_parts(void **state)
{
	enum {
		N = 40000
	};
	struct learned_route *list = calloc(N, sizeof(*list));
	struct plane *p = plane_new();
	char expected[512];

	assert_non_null(list);
	for (unsigned i = 0; i < N; i++)
		list[i].dst = (struct prefix){
			.family = AF_INET, .len = 24, .addr = {20, (uint8_t)(i >> 8), (uint8_t)i}};
	start(p, "BEGIN\nEND");
	*p->tables = '\0';
	sql(p, "UPDATE gateway SET enable_bgp = 1, propagate_bgp = 1");
	learn(p, list, N, LEARNED_LOOKUP);
	assert_int_equal(run(p), 0);
	snprintf(expected, sizeof(expected), "blue 1: %d 10.1.0.0/16 v 20.0.0.0/24 o ",
		 MSG_VNET_ROUTES_MAX);
	assert_memory_equal(p->tables, expected, strlen(expected));
	snprintf(expected, sizeof(expected), "\nblue 2: %d 20.", MSG_VNET_ROUTES_MAX);
	assert_non_null(strstr(p->tables, expected));
	snprintf(expected, sizeof(expected), "\nblue 3: %d 20.", N + 1 - 2 * MSG_VNET_ROUTES_MAX);
	assert_non_null(strstr(p->tables, expected));
	plane_free(p);
	free(list);
}

/* ---- a big site ---- */

static void fill(struct plane *p)
{
	static const char *const sql[] = {
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :plans)"
		" INSERT INTO plan (id, subscription, resource_group, name)"
		" SELECT 1000 + i, 'default', 'default', 'plan' || i FROM n",
		"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < "
		":apps)"
		" INSERT INTO app (subscription, resource_group, name, plan_id)"
		" SELECT 'default', 'default', 'app' || i, 1001 + i / :in_plan FROM n",
		"INSERT INTO connection (app_id, vnet_id, synced) SELECT a.id, v.id,"
		" '{\"addressSpaces\":[\"10.1.0.0/16\"],\"dnsServers\":[\"10.1.0.4\"]}'"
		" FROM app a, vnet v WHERE v.name = 'blue'",
		"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < "
		":routes)"
		" INSERT INTO route (plan_id, vnet_id, name, start_address)"
		" SELECT p.id, v.id, 'r' || i, '192.168.' || (2 * i) || '.0/24'"
		" FROM plan p, vnet v, n WHERE v.name = 'blue'",
	};
	const struct store_value values[] = {
		{.name = ":plans", .number = MANY / MANY_IN_PLAN, .is_number = true},
		{.name = ":apps", .number = MANY, .is_number = true},
		{.name = ":in_plan", .number = MANY_IN_PLAN, .is_number = true},
		{.name = ":routes", .number = MANY_ROUTES, .is_number = true},
	};
	struct certs_error e;

	assert_int_equal(store_begin(p->w->model->store, NULL), 0);
	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		if (store_run(p->w->model->store, sql[i], values, 4, &e) < 0)
			fail_msg("%s", e.text);
	assert_int_equal(store_commit(p->w->model->store, NULL), 0);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* How long it takes is printed, and asserted by nobody: the benchmark looks at that. */
static void many_connections_are_told_once_and_a_change_to_those_that_it_concerns(void **state)
{
	struct plane *p = plane_new();
	double begun;

	fill(p);
	p->is_counting = true;
	assert_int_equal(push_restart(p->push, NULL), 0);
	begun = now_ms();
	while (run(p))
		;
	printf("# all %d connections: %.0f ms, %zu frames, %zu KB\n", MANY, now_ms() - begun,
	       p->n_frames, p->n_bytes >> 10);
	assert_int_equal(p->n_frames, MANY + 3); /* with the VNet's table */
	p->n_frames = 0;
	p->is_counting = false;
	begun = now_ms();
	put_route(p,
		  DEFAULT "/Microsoft.Web/serverfarms/plan7/virtualNetworkConnections/blue/routes/"
			  "r7",
		  "192.168.200.0/23");
	printf("# one route is changed: %.1f ms\n", now_ms() - begun);
	begun = now_ms();
	assert_int_equal(run(p), 0);
	printf("# and told: %.1f ms\n", now_ms() - begun);
	assert_int_equal(p->n_frames, MANY_IN_PLAN);
	assert_non_null(strstr(p->lines, "CONNECTION app30 blue 10.1.0.0/16 192.168.0.0/24 "));
	plane_free(p);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(data_plane_that_knows_nothing_is_told_all),
		TEST(connection_comes_and_goes),
		TEST(what_has_come_and_gone_meanwhile_is_no_news),
		TEST(app_of_another_network_is_gone_and_there_again),
		TEST(another_app_with_the_id_of_one_that_is_gone),
		TEST(B34_route_reaches_all_apps_of_the_plan_and_no_other),
		TEST(change_that_concerns_no_tunnel_is_not_told),
		TEST(what_was_taken_back_is_not_told),
		TEST(B8_strict_refuses_connections_that_there_are_and_lets_them_come_back),
		TEST(B46_plan_that_is_scaled_down_is_refused_and_comes_back),
		TEST(B31_dns_is_told_when_it_is_synced),
		TEST(network_of_the_api_comes_changes_and_goes),
		TEST(network_takes_the_name_of_one_that_is_gone),
		TEST(network_is_told_before_its_connections_and_gone_behind_them),
		TEST(network_that_is_no_longer_in_gateway_yaml_refuses_its_apps),
		TEST(addresses_are_told_with_their_last_owners_the_oldest_first),
		TEST(data_plane_that_is_full_is_told_the_rest_later),
		TEST(table_is_told_behind_its_network_and_before_connections),
		TEST(table_changes_with_the_network_and_with_nothing_else),
		TEST(B22_peering_opens_and_closes_the_tables_of_all_it_leads_to),
		TEST(peered_range_is_a_connections_own_only_where_peerings_are_propagated),
		TEST(B20_learned_ranges_are_told_to_the_table_and_to_workers_each_in_its_time),
		TEST(table_that_is_too_long_for_one_message_comes_in_parts),
		TEST(many_connections_are_told_once_and_a_change_to_those_that_it_concerns),
	};

	return cmocka_run_group_tests_name("control/push", tests, NULL, scene_tear_down);
}
