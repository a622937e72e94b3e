/* SPDX-License-Identifier: Apache-2.0 */
/* The test is the parent: it writes down what is announced. Timers fire when they are waited for. */
#include "sstp/control/bgp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/sealed.h"
#include "sstp/control/prefix_list.h"
#include "sstp/control/store.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"
#include "tun/netns.h"
#include "tun/rtnl_learn.h"

enum {
	LINES_MAX = 16 << 10,
	PATIENCE_S = 20, /* only a failing test waits that long */
};

/* What the clock is ahead, by what timers wait for. */
static uint64_t lead_ns;

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);
void __real_loop_timer_set(struct loop_timer *timer, uint64_t when);
void __wrap_loop_timer_set(struct loop_timer *timer, uint64_t when);

uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) + lead_ns;
}

void __wrap_loop_timer_set(struct loop_timer *timer, uint64_t when)
{
	uint64_t now = clock_now() + lead_ns;

	if (when != CLOCK_NEVER && when > now)
		lead_ns += when - now;
	__real_loop_timer_set(timer, when == CLOCK_NEVER ? when : when - lead_ns);
}

struct bench {
	struct world *w;
	struct loop *loop;
	struct loop_timer *guard;
	struct bgp *bgp;
	int netns;
	char lines[LINES_MAX]; /* since they were asked for last */
	unsigned wait_for;     /* announcements */
	int ask_error;
	int refusal; /* what announcements are answered with */
	bool waits_for_learned;
	char answer_to[64];
};

static void say(struct bench *b, const char *text)
{
	snprintf(b->lines + strlen(b->lines), sizeof(b->lines) - strlen(b->lines), "%s", text);
}

static void write_down(struct bench *b, const struct parent_announce *m, int fd)
{
	struct prefix *list;
	uint8_t *bytes;
	size_t len, n;
	char text[256], one[PREFIX_TEXT_MAX];

	assert_int_equal(sealed_read(fd, 1 << 20, &bytes, &len), 0);
	assert_int_equal(prefix_list_decode(bytes, len, PARENT_ANNOUNCE_MAX, &list, &n), 0);
	snprintf(text, sizeof(text), "%s%s@%s/%u:", *b->lines ? "\n" : "", m->vnet, m->netns,
		 m->table);
	say(b, text);
	for (size_t i = 0; i < n && i < 20; i++) {
		say(b, " ");
		say(b, prefix_format(&list[i], one));
	}
	free(list);
	free(bytes);
}

static int ask(void *arg, const struct parent_msg *m, const int *fds)
{
	struct bench *b = arg;

	if (m->kind == PARENT_LEARN) {
		snprintf(b->answer_to, sizeof(b->answer_to), "%s", m->learn.vnet);
		return 0;
	}
	assert_int_equal(m->kind, PARENT_ANNOUNCE);
	write_down(b, &m->announce, *fds);
	if (--b->wait_for == 0)
		loop_stop(b->loop);
	return b->ask_error;
}

static void on_learned(void *arg, const char *vnet, enum learned_view view)
{
	struct bench *b = arg;

	if (b->waits_for_learned && view == LEARNED_LOOKUP)
		loop_stop(b->loop);
}

static void on_guard(void *arg)
{
	fail_msg("nothing has come for %d s", PATIENCE_S);
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
	lead_ns = 0;
	assert_int_equal(scene_set_up(state), 0);
	b->w = world_new();
	b->loop = loop_new();
	b->netns = -1;
	b->guard = loop_timer_new(b->loop, on_guard, NULL);
	b->bgp = bgp_new(&(struct bgp_params){.loop = b->loop,
					      .model = b->w->model,
					      .ask = ask,
					      .on_learned = on_learned,
					      .arg = b});
	assert_non_null(b->bgp);
	sql(b, "INSERT INTO vnet (id, subscription, resource_group, name, source, spaces, "
	       "attach_netns)"
	       " VALUES (7, 'default', 'default', 'lab', 'api', '[\"10.20.0.0/16\"]', 'red');"
	       "INSERT INTO gateway (vnet_id, name, gateway_type, pools, enable_bgp)"
	       " VALUES (7, 'gw', 'Vpn', '[\"172.16.0.0/24\", \"fd16::/56\"]', 1);"
	       "INSERT INTO gateway_state VALUES ('lab', '', 0);");
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	bgp_free(b->bgp);
	loop_timer_free(b->guard);
	loop_free(b->loop);
	world_free(b->w);
	if (b->netns >= 0)
		close(b->netns);
	free(b);
	return 0;
}

/* Until so many announcements have come: those, a line each. */
static const char *announced(struct bench *b, unsigned n)
{
	static char lines[LINES_MAX];

	b->wait_for = n;
	__real_loop_timer_set(b->guard, clock_now() + PATIENCE_S * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(b->loop), 0);
	__real_loop_timer_set(b->guard, CLOCK_NEVER);
	strcpy(lines, b->lines);
	*b->lines = '\0';
	return lines;
}

static const char *touched(struct bench *b)
{
	bgp_touch(b->bgp);
	return announced(b, 1);
}

#define ALL "lab@red/8407: 10.20.0.0/16 172.16.0.0/24 fd16::/56"

static void spaces_and_pools_of_a_gateway_that_is_up_are_announced(void **state)
{
	struct bench *b = *state;
	struct bgp_state s;

	assert_int_equal(bgp_state(b->bgp, "lab", &s), -ENOENT);
	assert_string_equal(touched(b), ALL);
	assert_int_equal(bgp_state(b->bgp, "lab", &s), 0);
	assert_int_equal(s.table, 254);
	assert_int_equal(s.announce_table, 8407);
	assert_int_equal(s.n_announced, 3);
	assert_string_equal(s.refusal, "");
}

/* What is announced next tells whether there was something in between. */
static void what_is_the_same_is_not_told_again(void **state)
{
	struct bench *b = *state;

	touched(b);
	bgp_touch(b->bgp);
	sql(b, "UPDATE gateway SET asn = 65001");
	bgp_touch(b->bgp);
	sql(b, "UPDATE vnet SET spaces = '[\"10.21.0.0/16\"]'");
	assert_string_equal(touched(b), "lab@red/8407: 10.21.0.0/16 172.16.0.0/24 fd16::/56");
}

static void custom_routes_are_announced_but_not_halves_of_everything(void **state)
{
	struct bench *b = *state;

	sql(b, "UPDATE gateway SET custom_routes ="
	       " '[\"0.0.0.0/1\", \"128.0.0.0/1\", \"192.0.2.0/24\", \"0.0.0.0/0\"]'");
	assert_string_equal(touched(b),
			    "lab@red/8407: 10.20.0.0/16 172.16.0.0/24 192.0.2.0/24 fd16::/56");
}

static int shell_here(void *arg)
{
	return system(arg);
}

/* The parent gives a socket in a namespace with these routes. */
static void learn(struct bench *b, const char *commands)
{
	struct parent_msg m = {.kind = PARENT_LEARN_SOCKET, .learn_socket = {.vnet = b->answer_to}};
	struct msgsock_fds fds = {.n = 1};

	b->netns = netns_create();
	assert_int_equal(netns_call(b->netns, shell_here, (char *)commands), 0);
	fds.fd[0] = rtnl_learn_open(b->netns);
	assert_true(fds.fd[0] >= 0);
	b->waits_for_learned = true;
	bgp_on_parent(b->bgp, &m, &fds);
	msgsock_close_fds(&fds);
	announced(b, 0);
	b->waits_for_learned = false;
}

static void what_on_premises_has_is_not_announced_back(void **state)
{
	struct bench *b = *state;

	sql(b, "UPDATE gateway SET custom_routes ="
	       " '[\"10.50.0.0/16\", \"10.60.0.0/16\", \"10.70.0.0/16\", \"192.0.2.0/24\"]'");
	touched(b);
	learn(b, "ip link set lo up && ip route add 10.50.0.0/16 dev lo proto bird &&"
		 " ip route add 10.60.7.0/24 dev lo proto bird && ip route add 10.70.0.0/15 dev lo"
		 " proto bird && ip route add 172.16.0.0/12 dev lo proto bird");
	assert_string_equal(announced(b, 1),
			    "lab@red/8407: 10.20.0.0/16 172.16.0.0/24 192.0.2.0/24 fd16::/56");
	assert_int_equal(learned_of(bgp_learned(b->bgp), "lab", LEARNED_LOOKUP).n, 4);
}

#define SESSION(number, address, ended)                                                           \
	"INSERT INTO session (boot, number, app, plan, vnet, user, address, source, correlation," \
	" thumbprint, since, ended) VALUES (1, " #number ", 'a', 'p', 'lab', 'u', " address       \
	", '', '', '', 0, " ended ");"

static void sessions_are_announced_only_when_asked_for(void **state)
{
	struct bench *b = *state;

	sql(b, SESSION(1, "2886729733", "NULL") SESSION(2, "2886729734", "5"));
	assert_string_equal(touched(b), ALL);
	sql(b, "UPDATE gateway SET announce_hosts = 1");
	assert_string_equal(touched(b),
			    "lab@red/8407: 10.20.0.0/16 172.16.0.0/24 172.16.0.5/32 fd16::/56");
}

static void nothing_is_announced_when_the_device_has_failed(void **state)
{
	struct bench *b = *state;

	touched(b);
	sql(b, "UPDATE gateway_state SET why = 'its TUN device is gone'");
	assert_string_equal(touched(b), "lab@red/8407:");
	sql(b, "UPDATE gateway_state SET why = ''");
	assert_string_equal(touched(b), ALL);
}

static void what_is_not_known_is_withdrawn_after_a_while_only(void **state)
{
	struct bench *b = *state;
	uint64_t since;

	touched(b);
	sql(b, "DELETE FROM gateway_state");
	since = clock_now() + lead_ns;
	assert_string_equal(touched(b), "lab@red/8407:");
	assert_true(clock_now() + lead_ns >= since + BGP_GRACE);
}

static void data_plane_that_comes_back_soon_withdraws_nothing(void **state)
{
	struct bench *b = *state;

	touched(b);
	sql(b, "DELETE FROM gateway_state");
	bgp_touch(b->bgp);
	sql(b, "INSERT INTO gateway_state VALUES ('lab', '', 0);"
	       "UPDATE gateway SET custom_routes = '[\"192.0.2.0/24\"]'");
	assert_string_equal(touched(b),
			    "lab@red/8407: 10.20.0.0/16 172.16.0.0/24 192.0.2.0/24 fd16::/56");
}

static void bgp_that_is_switched_off_withdraws_all(void **state)
{
	struct bench *b = *state;
	struct bgp_state s;

	touched(b);
	sql(b, "UPDATE gateway SET enable_bgp = 0 WHERE vnet_id = 7");
	assert_string_equal(touched(b), "lab@red/8407:");
	assert_int_equal(bgp_state(b->bgp, "lab", &s), -ENOENT);
	sql(b, "UPDATE gateway SET enable_bgp = 1 WHERE vnet_id = 7");
	assert_string_equal(touched(b), ALL);
	sql(b, "DELETE FROM vnet WHERE id = 7");
	assert_string_equal(touched(b), "lab@red/8407:");
}

static void other_table_is_told(void **state)
{
	struct bench *b = *state;

	touched(b);
	sql(b, "UPDATE gateway SET announce_table = 84");
	assert_string_equal(touched(b), "lab@red/84: 10.20.0.0/16 172.16.0.0/24 fd16::/56");
	sql(b, "UPDATE vnet SET attach_netns = 'blue'");
	assert_string_equal(touched(b), "lab@blue/84: 10.20.0.0/16 172.16.0.0/24 fd16::/56");
}

static void refusal_is_shown_and_asked_about_again(void **state)
{
	struct bench *b = *state;
	struct parent_msg m = {
		.kind = PARENT_ANNOUNCED,
		.announced = {.vnet = "lab", .error = -EBUSY, .text = "a rule asks it"}};
	struct bgp_state s;
	uint64_t since;

	touched(b);
	since = clock_now() + lead_ns;
	bgp_on_parent(b->bgp, &m, &(struct msgsock_fds){0});
	bgp_state(b->bgp, "lab", &s);
	assert_string_equal(s.refusal, "a rule asks it");
	assert_string_equal(announced(b, 1), ALL);
	assert_in_range(clock_now() + lead_ns - since, CLOCK_NS_PER_S, 2 * BGP_RETRY);
	m.announced.error = 0;
	m.announced.text = "";
	bgp_on_parent(b->bgp, &m, &(struct msgsock_fds){0});
	bgp_state(b->bgp, "lab", &s);
	assert_string_equal(s.refusal, "");
}

static void parent_that_does_not_read_is_told_later(void **state)
{
	struct bench *b = *state;

	b->ask_error = -EAGAIN;
	touched(b);
	b->ask_error = 0;
	assert_string_equal(announced(b, 1), ALL);
}

#define BGP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BGP_TEST(spaces_and_pools_of_a_gateway_that_is_up_are_announced),
		BGP_TEST(what_is_the_same_is_not_told_again),
		BGP_TEST(custom_routes_are_announced_but_not_halves_of_everything),
		BGP_TEST(what_on_premises_has_is_not_announced_back),
		BGP_TEST(sessions_are_announced_only_when_asked_for),
		BGP_TEST(nothing_is_announced_when_the_device_has_failed),
		BGP_TEST(what_is_not_known_is_withdrawn_after_a_while_only),
		BGP_TEST(data_plane_that_comes_back_soon_withdraws_nothing),
		BGP_TEST(bgp_that_is_switched_off_withdraws_all),
		BGP_TEST(other_table_is_told),
		BGP_TEST(refusal_is_shown_and_asked_about_again),
		BGP_TEST(parent_that_does_not_read_is_told_later),
	};

	return cmocka_run_group_tests_name("control/bgp", tests, NULL, scene_tear_down);
}
