/* SPDX-License-Identifier: Apache-2.0 */
/* A thread of the test is BIRD: one connection for each question, whose answer it knows. */
#include "sstp/control/api_bgp.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sstp/control/store.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"
#include "tun/netns.h"
#include "tun/rtnl_learn.h"

#define GATEWAY                                                                      \
	"/subscriptions/default/resourceGroups/default/providers/Microsoft.Network/" \
	"virtualNetworks/lab/virtualNetworkGateways/gw"

struct bench {
	struct world *w;
	struct loop *loop;
	struct bgp *bgp;
	int netns;
	char answer_to[64];
	/* BIRD */
	char folder[64];
	char path[96];
	int listener;
	pthread_t thread;
	bool is_serving;
	json_t *json; /* the last answer */
	int status;
};

/* ---- BIRD ---- */

static const char protocols[] =
	"1002-onprem1    BGP        ---        up     2026-11-20    Established   \n"
	"1006-  BGP state:          Established\n"
	"     Neighbor address: 192.0.2.2\n"
	"     Neighbor AS:      65010\n"
	"     Local AS:         65515\n"
	"     Source address:   192.0.2.1\n"
	"     Routes:         2 imported, 1 exported, 2 preferred\n"
	"1002-onprem2    BGP        ---        down   2026-11-20    \n"
	"1006-  BGP state:          Down\n"
	"     Neighbor address: 192.0.2.6\n"
	"     Neighbor AS:      65515\n"
	"     Local AS:         65515\n"
	"     Last error:       Socket: Connection refused\n"
	"0000 \n";

static const char learned[] = "1007-Table master4:\n"
			      " 10.50.0.0/16         unicast [onprem1 1] * (100) [AS65011i]\n"
			      "1012-\tBGP.origin: IGP\n"
			      " \tBGP.as_path: 65010 65011\n"
			      " \tBGP.local_pref: 100\n"
			      "0000 \n";

static const char exported[] = "1007-Table master4:\n"
			       " 172.16.0.0/24        blackhole [sstp_kernel4 1] * (10)\n"
			       "1008-\tType: inherit univ\n"
			       "0000 \n";

static const char *answer_of(const char *command)
{
	if (strncmp(command, "restrict", 8) == 0)
		return "0016 Access restricted\n";
	if (strncmp(command, "show protocols all", 18) == 0)
		return protocols;
	if (strncmp(command, "show route table all where", 26) == 0)
		return learned;
	if (strncmp(command, "show route export 'onprem1' all", 31) == 0)
		return exported;
	return "9001 syntax error\n";
}

static void talk(int fd)
{
	static const char greeting[] = "0001 BIRD 2.0.12 ready.\n";
	char command[256];
	ssize_t n = write(fd, greeting, strlen(greeting));

	while (n > 0 && (n = read(fd, command, sizeof(command) - 1)) > 0) {
		command[n] = '\0';
		n = write(fd, answer_of(command), strlen(answer_of(command)));
	}
	close(fd);
}

static void *serve(void *arg)
{
	struct bench *b = arg;
	int fd;

	while ((fd = accept(b->listener, NULL, NULL)) >= 0)
		talk(fd);
	return NULL;
}

static void start_bird(struct bench *b)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", b->path);
	b->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(b->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(b->listener, 4), 0);
	assert_int_equal(pthread_create(&b->thread, NULL, serve, b), 0);
	b->is_serving = true;
}

/* ---- the gateway ---- */

static int ask_parent(void *arg, const struct parent_msg *m, const int *fds)
{
	struct bench *b = arg;

	if (m->kind != PARENT_LEARN)
		return 0;
	snprintf(b->answer_to, sizeof(b->answer_to), "%s", m->learn.vnet);
	loop_stop(b->loop);
	return 0;
}

static void on_learned(void *arg, const char *vnet, enum learned_view view)
{
	struct bench *b = arg;

	loop_stop(b->loop);
}

static void sql(struct bench *b, const char *text)
{
	struct certs_error e;

	if (store_script(model_store(b->w->model), text, &e) < 0)
		fail_msg("%s: %s", text, e.text);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(scene_set_up(state), 0);
	b->w = world_new();
	b->loop = loop_new();
	b->netns = netns_create();
	assert_true(b->netns >= 0);
	snprintf(b->folder, sizeof(b->folder), "/tmp/api-bgp-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->path, sizeof(b->path), "%s/lab.ctl", b->folder);
	b->bgp = bgp_new(&(struct bgp_params){.loop = b->loop,
					      .model = b->w->model,
					      .ask = ask_parent,
					      .on_learned = on_learned,
					      .arg = b});
	sql(b, "INSERT INTO vnet (id, subscription, resource_group, name, source, spaces)"
	       " VALUES (7, 'default', 'default', 'lab', 'api', '[\"10.20.0.0/16\"]');"
	       "INSERT INTO gateway (vnet_id, name, gateway_type, pools, enable_bgp)"
	       " VALUES (7, 'gw', 'Vpn', '[\"172.16.0.0/24\"]', 1);");
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	if (b->is_serving) {
		shutdown(b->listener, SHUT_RDWR);
		pthread_join(b->thread, NULL);
		close(b->listener);
		unlink(b->path);
	}
	rmdir(b->folder);
	json_decref(b->json);
	bgp_free(b->bgp);
	loop_free(b->loop);
	close(b->netns);
	world_free(b->w);
	free(b);
	return 0;
}

static int shell_here(void *arg)
{
	return system(arg);
}

/* What BIRD has put into the kernel. */
static const char routes[] = "ip link set lo up; ip addr add 192.0.2.1/24 dev lo;"
			     "ip route add 10.50.0.0/16 via 192.0.2.2 proto bird;"
			     "ip route add 10.51.0.0/16 via 192.0.2.2 proto bgp;"
			     "ip route add 10.20.9.0/24 via 192.0.2.2 proto bird";

static void learn(struct bench *b)
{
	struct parent_msg m = {.kind = PARENT_LEARN_SOCKET, .learn_socket = {.vnet = b->answer_to}};
	struct msgsock_fds fds = {.n = 1};

	bgp_touch(b->bgp);
	assert_int_equal(loop_run(b->loop), 0);
	assert_int_equal(netns_call(b->netns, shell_here, (char *)routes), 0);
	fds.fd[0] = rtnl_learn_open(b->netns);
	bgp_on_parent(b->bgp, &m, &fds);
	assert_int_equal(loop_run(b->loop), 0);
}

static void request(struct bench *b, enum front_method method, const char *path, const char *query)
{
	char pattern[128];
	struct api_bgp_world w = {.model = b->w->model, .bgp = b->bgp, .socket = pattern};
	struct front_request r = {.method = method, .path = path, .query = query, .body = ""};
	struct front_reply reply = {.status = 0};

	snprintf(pattern, sizeof(pattern), "%s/{vnet}.ctl", b->folder);
	assert_true(api_bgp_has_path(path));
	api_bgp_answer(&w, &r, &reply);
	json_decref(b->json);
	b->json = json_loads(reply.json, 0, NULL);
	assert_non_null(b->json);
	free(reply.json);
	b->status = reply.status;
}

/* One object of "value", sorted by key. */
static void assert_value(const struct bench *b, size_t i, const char *expected)
{
	char *text = json_dumps(json_array_get(json_object_get(b->json, "value"), i),
				JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(text ? text : "", expected);
	free(text);
}

static const char *message(const struct bench *b)
{
	return json_string_value(json_object_get(json_object_get(b->json, "error"), "message"));
}

/* ---- cases ---- */

static void neighbours_have_the_original_s_states(void **state)
{
	struct bench *b = *state;

	start_bird(b);
	request(b, FRONT_POST, GATEWAY "/getBgpPeerStatus", NULL);
	assert_int_equal(b->status, 200);
	assert_value(b, 0,
		     "{\"asn\":65010,\"connectedDuration\":null,\"lastError\":null,"
		     "\"localAddress\":\"192.0.2.1\","
		     "\"messagesReceived\":null,\"messagesSent\":null,\"name\":\"onprem1\","
		     "\"neighbor\":\"192.0.2.2\",\"routesAdvertised\":1,\"routesReceived\":2,"
		     "\"state\":\"Connected\"}");
	assert_value(b, 1,
		     "{\"asn\":65515,\"connectedDuration\":null,\"lastError\":\"Socket: Connection "
		     "refused\","
		     "\"localAddress\":null,\"messagesReceived\":null,\"messagesSent\":null,"
		     "\"name\":\"onprem2\",\"neighbor\":\"192.0.2.6\",\"routesAdvertised\":0,"
		     "\"routesReceived\":0,\"state\":\"Stopped\"}");
}

static void learned_routes_have_neighbour_and_path_where_bird_knows_them(void **state)
{
	struct bench *b = *state;

	learn(b);
	start_bird(b);
	request(b, FRONT_POST, GATEWAY "/getLearnedRoutes", NULL);
	assert_int_equal(b->status, 200);
	assert_value(b, 0,
		     "{\"asPath\":\"65010-65011\",\"localAddress\":\"192.0.2.1\",\"network\":\"10."
		     "50.0.0/16\","
		     "\"nextHop\":\"192.0.2.2\",\"origin\":\"EBgp\",\"protocol\":\"bird\","
		     "\"sourcePeer\":\"192.0.2.2\",\"weight\":100}");
	assert_value(b, 1,
		     "{\"asPath\":null,\"localAddress\":null,\"network\":\"10.51.0.0/16\","
		     "\"nextHop\":\"192.0.2.2\",\"origin\":\"Unknown\",\"protocol\":\"bgp\","
		     "\"sourcePeer\":null,\"weight\":null}");
	assert_int_equal(json_integer_value(json_object_get(b->json, "total")), 2);
	assert_int_equal(json_integer_value(json_object_get(b->json, "neverLearned")), 1);
	assert_true(json_is_null(json_object_get(b->json, "message")));
	request(b, FRONT_POST, GATEWAY "/getLearnedRoutes", "limit=1");
	assert_int_equal(json_array_size(json_object_get(b->json, "value")), 1);
	assert_int_equal(json_integer_value(json_object_get(b->json, "total")), 2);
}

static void what_is_learned_is_shown_without_bird_too(void **state)
{
	struct bench *b = *state;

	learn(b);
	request(b, FRONT_POST, GATEWAY "/getLearnedRoutes", NULL);
	assert_int_equal(b->status, 200);
	assert_int_equal(json_array_size(json_object_get(b->json, "value")), 2);
	assert_non_null(strstr(json_string_value(json_object_get(b->json, "message")),
			       "BIRD cannot be asked at "));
	request(b, FRONT_POST, GATEWAY "/getBgpPeerStatus", NULL);
	assert_int_equal(b->status, 502);
	request(b, FRONT_POST, GATEWAY "/getAdvertisedRoutes", NULL);
	assert_int_equal(b->status, 502);
}

static void advertised_routes_are_those_of_one_neighbour_or_of_all(void **state)
{
	struct bench *b = *state;

	start_bird(b);
	for (int i = 0; i < 2; i++) {
		request(b, FRONT_POST, GATEWAY "/getAdvertisedRoutes", i ? "peer=192.0.2.2" : NULL);
		assert_int_equal(b->status, 200);
		assert_int_equal(json_integer_value(json_object_get(b->json, "total")), 1);
		assert_value(
			b, 0,
			"{\"asPath\":\"65515\",\"localAddress\":\"192.0.2.1\","
			"\"network\":\"172.16.0.0/24\",\"nextHop\":\"192.0.2.1\","
			"\"origin\":\"Network\",\"sourcePeer\":\"192.0.2.2\",\"weight\":null}");
	}
	request(b, FRONT_POST, GATEWAY "/getAdvertisedRoutes", "peer=192.0.2.9");
	assert_int_equal(b->status, 404);
}

static void configuration_is_bird_s_with_the_neighbour_that_is_asked_for(void **state)
{
	struct bench *b = *state;
	const char *text;

	request(b, FRONT_GET, GATEWAY "/bgpConfiguration", "neighbor=192.0.2.2&as=65010");
	assert_int_equal(b->status, 200);
	text = json_string_value(json_object_get(b->json, "text"));
	assert_non_null(strstr(text, "neighbor 192.0.2.2 as 65010;"));
	assert_non_null(strstr(text, "kernel table 8407;"));
	assert_non_null(strstr(text, "/lab.ctl\n"));
}

static void what_is_asked_wrongly_is_refused(void **state)
{
	struct bench *b = *state;

	request(b, FRONT_GET, GATEWAY "/bgpConfiguration", "neighbor=192.0.2.2");
	assert_int_equal(b->status, 400);
	assert_string_equal(message(b), "'neighbor' and 'as' go together");
	request(b, FRONT_GET, GATEWAY "/bgpConfiguration", "neighbor=there&as=1");
	assert_string_equal(message(b), "'neighbor' must be an address");
	request(b, FRONT_GET, GATEWAY "/bgpConfiguration", "neighbor=192.0.2.2&as=-1");
	assert_string_equal(message(b), "'as' must be a number from 1 to 4294967295");
	request(b, FRONT_POST, GATEWAY "/getLearnedRoutes", "limit=0");
	assert_int_equal(b->status, 400);
	request(b, FRONT_GET, GATEWAY "/getLearnedRoutes", NULL);
	assert_int_equal(b->status, 405);
	request(b, FRONT_POST, GATEWAY "x/getLearnedRoutes", NULL);
	assert_int_equal(b->status, 404);
	sql(b, "UPDATE gateway SET enable_bgp = 0");
	request(b, FRONT_POST, GATEWAY "/getLearnedRoutes", NULL);
	assert_int_equal(b->status, 409);
	request(b, FRONT_GET, GATEWAY "/bgpConfiguration", NULL);
	assert_int_equal(b->status, 200);
}

#define API_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(neighbours_have_the_original_s_states),
		API_TEST(learned_routes_have_neighbour_and_path_where_bird_knows_them),
		API_TEST(what_is_learned_is_shown_without_bird_too),
		API_TEST(advertised_routes_are_those_of_one_neighbour_or_of_all),
		API_TEST(configuration_is_bird_s_with_the_neighbour_that_is_asked_for),
		API_TEST(what_is_asked_wrongly_is_refused),
	};

	return cmocka_run_group_tests_name("control/api_bgp", tests, NULL, scene_tear_down);
}
