/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worker does of what the tunnel reports: the facts are handed in as the tunnel hands them, and everything that
 * is done of them is taken down instead. No process is made, no packet sent, no timer waited for.
 */
#include "sstp/worker/agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/worker/app.h"
#include "test/support/cmocka.h"

enum {
	APP = 4711, /* the first; each that is started has the next number */
	EXITED_7 = 7 << 8,
};

int __wrap_app_start(const struct app_params *params, pid_t *ret_pid, char ret_error[256]);
int __wrap_kill(pid_t pid, int signo);
void __wrap_loop_stop(struct loop *loop);
void __wrap_tunnel_stop(struct tunnel *t, const char *reason);
void __wrap_tunnel_release(struct tunnel *t);
void __wrap_network_free(struct network *n);
const struct prefix *__wrap_network_routes(const struct network *n, size_t *ret_nroutes);
int __wrap_network_change_routes(struct network *n, struct loop *loop, const struct prefix *routes,
				 size_t nroutes,
				 void (*changed)(void *arg, int error, const char *why), void *arg);
int __wrap_hook_fire(struct hook *h, const char *event, const struct hook_variable *variables,
		     size_t n);
bool __wrap_hook_is_idle(const struct hook *h);
int __wrap_keeper_store(struct keeper *k, const char *text, size_t len);
int __wrap_status_write(const struct status *s);
void __wrap_status_remove(void);

static char done[1024]; /* what was done, in words */
static pid_t last_app;
static int app_refuses, routes_refused, change_refused;
static void (*on_changed)(void *arg, int error, const char *why);
static struct agent agent;
static bool hook_is_busy;
static struct prefix routes[4];
static size_t n_routes;

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	size_t len = strlen(done);
	va_list ap;

	if (len)
		len += (size_t)snprintf(done + len, sizeof(done) - len, ", ");
	va_start(ap, fmt);
	vsnprintf(done + len, sizeof(done) - len, fmt, ap);
	va_end(ap);
}

int __wrap_app_start(const struct app_params *p, pid_t *ret_pid, char ret_error[256])
{
	if (app_refuses) {
		strcpy(ret_error, "refused");
		return app_refuses;
	}
	*ret_pid = last_app = last_app ? last_app + 1 : APP;
	note("app of %s%s%s|%s|%s", p->private_ip, p->private_ipv6 ? " " : "",
	     p->private_ipv6 ? p->private_ipv6 : "", p->dns_server ? p->dns_server : "-",
	     p->vnet_name ? p->vnet_name : "-");
	return 0;
}

int __wrap_kill(pid_t pid, int signo)
{
	assert_int_equal(pid, last_app);
	note(signo == SIGTERM ? "term" : "kill");
	return 0;
}

void __wrap_loop_stop(struct loop *loop)
{
	if (!strstr(done, "over")) /* once is enough */
		note("over");
}

void __wrap_tunnel_stop(struct tunnel *t, const char *reason)
{
	note("hang up");
}

void __wrap_tunnel_release(struct tunnel *t)
{
	note("let go");
}

void __wrap_network_free(struct network *n)
{
	note("no network");
}

const struct prefix *__wrap_network_routes(const struct network *n, size_t *ret_nroutes)
{
	*ret_nroutes = n_routes;
	return routes;
}

int __wrap_network_change_routes(struct network *n, struct loop *loop,
				 const struct prefix *new_routes, size_t nroutes,
				 void (*changed)(void *arg, int error, const char *why), void *arg)
{
	assert_null(on_changed);
	if (change_refused)
		return change_refused;
	assert_in_range(nroutes, 0, 4);
	if (!routes_refused) {
		memcpy(routes, new_routes, nroutes * sizeof(*routes));
		n_routes = nroutes;
		note("%zu routes", nroutes);
	}
	on_changed = changed;
	return 0;
}

/* The thread that changes routes is done, if there is one. */
static void thread_ends(void)
{
	void (*changed)(void *arg, int error, const char *why) = on_changed;

	on_changed = NULL;
	if (changed)
		changed(&agent, routes_refused, "they overlap another worker's");
}

int __wrap_hook_fire(struct hook *h, const char *event, const struct hook_variable *variables,
		     size_t n)
{
	note("<%s>", event);
	return 0;
}

bool __wrap_hook_is_idle(const struct hook *h)
{
	return !hook_is_busy;
}

int __wrap_keeper_store(struct keeper *k, const char *text, size_t len)
{
	note("keep");
	return 0;
}

int __wrap_status_write(const struct status *s)
{
	return 0;
}

void __wrap_status_remove(void)
{
}

/* ---- the scene ---- */

static char *const argv[] = {(char *)"app", NULL};
static struct worker_config config;

static int set_up(void **state)
{
	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	done[0] = '\0';
	last_app = 0;
	app_refuses = routes_refused = change_refused = 0;
	on_changed = NULL;
	hook_is_busy = false;
	n_routes = 0;
	config = (struct worker_config){.gateway_host = (char *)"gateway.example",
					.gateway_port = 443,
					.tun = (char *)"vnet0",
					.app = (char **)argv};
	agent = (struct agent){.config = &config, .netns_fd = -1, .exit_status = -1};
	agent.loop = loop_new();
	agent.network = (void *)routes; /* of which nothing but its address is known */
	agent.kill_timer = loop_timer_new(agent.loop, agent_on_kill_timer, &agent);
	agent.goodbye_timer = loop_timer_new(agent.loop, agent_on_goodbye_timer, &agent);
	agent.release_timer = loop_timer_new(agent.loop, agent_on_release_timer, &agent);
	agent.start_timer = loop_timer_new(agent.loop, agent_on_start_timer, &agent);
	agent_tell_init(&agent);
	*state = &agent;
	return 0;
}

static int tear_down(void **state)
{
	agent_tell_done(&agent);
	loop_timer_free(agent.kill_timer);
	loop_timer_free(agent.goodbye_timer);
	loop_timer_free(agent.release_timer);
	loop_timer_free(agent.start_timer);
	agent_forget_news(&agent);
	loop_free(agent.loop);
	description_done(&agent.told);
	return 0;
}

static void up(const char *address)
{
	struct link_address a = {.dns = {inet_addr("10.20.0.4")}};

	inet_pton(AF_INET, address, &a.local);
	agent_tunnel_ops.on_up(&agent, &a);
}

static void down(enum session_end why)
{
	agent_tunnel_ops.on_down(&agent);
	agent_tunnel_ops.on_retry(&agent, why, "lost", CLOCK_NS_PER_S);
}

static void end_of_tunnel(enum session_end why)
{
	agent_tunnel_ops.on_down(&agent);
	agent_tunnel_ops.on_end(&agent, why, "the gateway says so");
}

static void begin_to_describe(const char *json)
{
	agent_tunnel_ops.on_description(&agent, json, strlen(json));
}

static void describe(const char *json)
{
	begin_to_describe(json);
	thread_ends();
}

static void address6(const char *text)
{
	struct in6_addr address;

	if (text)
		assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	agent_tunnel_ops.on_address6(&agent, text ? address.s6_addr : NULL);
}

static void app_ends(int wait_status)
{
	agent_on_child(&agent, last_app, wait_status);
}

/* All since the last time. */
static void expect(const char *words)
{
	assert_string_equal(done, words);
	done[0] = '\0';
}

#define ONE_ROUTE  "{\"vnetName\": \"lab\", \"addressSpaces\": [\"10.20.0.0/16\"]}"
#define TWO_ROUTES "{\"vnetName\": \"lab\", \"addressSpaces\": [\"10.20.0.0/16\", \"10.9.0.0/24\"]}"

/* ---- the tests ---- */

static void app_starts_with_what_the_tunnel_has_brought(void **state)
{
	up("172.16.77.2");
	expect("<up>, app of 172.16.77.2|10.20.0.4|-");
	assert_int_equal(agent.status.state, STATUS_UP);
}

static void description_is_set_kept_and_told_once(void **state)
{
	up("172.16.77.2");
	expect("<up>, app of 172.16.77.2|10.20.0.4|-");
	describe(ONE_ROUTE);
	expect("1 routes, keep, <network-changed>");
	describe(ONE_ROUTE);
	expect("");
	describe(TWO_ROUTES);
	expect("2 routes, keep, <network-changed>");
	assert_string_equal(agent.facts.routes, "10.20.0.0/16,10.9.0.0/24");
	assert_string_equal(agent.facts_before.routes, "10.20.0.0/16");
	assert_string_equal(agent_vnet(&agent), "lab");
}

static void description_that_is_malformed_changes_nothing(void **state)
{
	up("172.16.77.2");
	describe(ONE_ROUTE);
	done[0] = '\0';
	describe("");
	describe("{\"vnetName\": \"$(reboot)\", \"addressSpaces\": []}");
	expect("");
	assert_string_equal(agent_vnet(&agent), "lab");
	assert_false(agent.told.n_routes == 0);
}

/* So that it is tried again when it comes again. */
static void description_that_the_kernel_refuses_was_not_told(void **state)
{
	up("172.16.77.2");
	describe(ONE_ROUTE);
	done[0] = '\0';
	routes_refused = -EEXIST;
	describe(TWO_ROUTES);
	expect("");
	assert_string_equal(agent.status.last_error, "they overlap another worker's");
	routes_refused = 0;
	describe(TWO_ROUTES);
	expect("2 routes, keep, <network-changed>");
}

static void change_that_cannot_begin_changes_nothing(void **state)
{
	up("172.16.77.2");
	done[0] = '\0';
	change_refused = -ENOMEM;
	describe(ONE_ROUTE);
	expect("");
	assert_string_equal(agent.status.last_error, strerror(ENOMEM));
	change_refused = 0;
	describe(ONE_ROUTE);
	expect("1 routes, keep, <network-changed>");
}

#define NO_ROUTES "{\"vnetName\": \"lab\", \"addressSpaces\": []}"

/* The order stays; what was overtaken is left out. */
static void of_what_is_told_while_routes_change_the_last_counts(void **state)
{
	up("172.16.77.2");
	done[0] = '\0';
	begin_to_describe(ONE_ROUTE);
	expect("1 routes");
	begin_to_describe(TWO_ROUTES);
	begin_to_describe(NO_ROUTES);
	begin_to_describe(NO_ROUTES);
	begin_to_describe(TWO_ROUTES);
	expect("");
	thread_ends();
	expect("keep, <network-changed>, 2 routes");
	begin_to_describe(TWO_ROUTES);
	expect("");
	thread_ends();
	expect("keep, <network-changed>");
	assert_string_equal(agent.facts.routes, "10.20.0.0/16,10.9.0.0/24");
	thread_ends();
	expect("");
}

static void refused_change_does_not_keep_the_next_one(void **state)
{
	up("172.16.77.2");
	begin_to_describe(ONE_ROUTE);
	begin_to_describe(TWO_ROUTES);
	done[0] = '\0';
	routes_refused = -EEXIST;
	thread_ends();
	expect("");
	routes_refused = 0;
	thread_ends();
	expect("keep, <network-changed>");
}

static void disconnected_app_hears_no_more_of_a_change(void **state)
{
	up("172.16.77.2");
	begin_to_describe(ONE_ROUTE);
	begin_to_describe(TWO_ROUTES);
	end_of_tunnel(SESSION_END_DISCONNECTED);
	done[0] = '\0';
	agent_on_release_timer(&agent); /* which waits for the thread */
	expect("let go, no network");
	assert_false(agent.changing.is_there || agent.waiting.is_there);
}

/* ---- IPv6 ---- */

#define IPV6_ROUTE "{\"vnetName\": \"lab\", \"addressSpaces\": [\"10.20.0.0/16\", \"fd20::/48\"]}"

static void app_of_a_vnet_with_ipv6_starts_with_both_addresses(void **state)
{
	describe(IPV6_ROUTE);
	done[0] = '\0';
	up("172.16.77.2");
	expect("<up>");
	assert_null(agent.status.address6);
	address6("fd77:0:0:5::1");
	expect("app of 172.16.77.2 fd77:0:0:5::1|10.20.0.4|lab");
	assert_string_equal(agent.status.address6, "fd77:0:0:5::1");
	agent_on_start_timer(&agent);
	expect("");
}

static void app_does_not_wait_for_ever_for_an_ipv6_address(void **state)
{
	describe(IPV6_ROUTE);
	done[0] = '\0';
	up("172.16.77.2");
	agent_on_start_timer(&agent);
	expect("<up>, app of 172.16.77.2|10.20.0.4|lab");
	address6("fd77:0:0:5::1");
	expect("");
	assert_string_equal(agent.facts.address6, "fd77:0:0:5::1");
}

static void app_does_not_start_when_the_tunnel_went_down_while_it_waited(void **state)
{
	describe(IPV6_ROUTE);
	up("172.16.77.2");
	down(SESSION_END_LOST);
	done[0] = '\0';
	agent_on_start_timer(&agent);
	expect("");
	up("172.16.77.2");
	address6("fd77:0:0:5::1");
	expect("<up>, app of 172.16.77.2 fd77:0:0:5::1|10.20.0.4|lab");
}

static void other_ipv6_address_is_told_as_another_ipv4_address_is(void **state)
{
	config.restart_app = WORKER_RESTART_ON_ADDRESS_CHANGE;
	describe(IPV6_ROUTE);
	up("172.16.77.2");
	address6("fd77:0:0:5::1");
	done[0] = '\0';
	address6("fd77:0:0:6::1");
	expect("<address-changed>, <restart-required>, term");
	assert_string_equal(agent.facts.address6, "fd77:0:0:6::1");
	assert_string_equal(agent.facts_before.address6, "fd77:0:0:5::1");
	app_ends(SIGTERM);
	expect("app of 172.16.77.2 fd77:0:0:6::1|10.20.0.4|lab");
	address6(NULL);
	expect("<address-changed>");
	assert_null(agent.status.address6);
}

static void same_ipv6_address_with_the_next_tunnel_is_no_event(void **state)
{
	describe(IPV6_ROUTE);
	up("172.16.77.2");
	address6("fd77:0:0:5::1");
	down(SESSION_END_LOST);
	done[0] = '\0';
	up("172.16.77.2");
	assert_null(agent.status.address6);
	address6("fd77:0:0:5::1");
	expect("<up>");
	assert_string_equal(agent.status.address6, "fd77:0:0:5::1");
}

/* ---- name servers ---- */

#define FOUR_SERVERS                                                                      \
	"{\"vnetName\": \"lab\", \"addressSpaces\": [], \"dnsServers\": [\"10.20.0.4\", " \
	"\"fd20::4\", "                                                                   \
	"\"10.20.0.5\", \"10.20.0.6\"], \"searchDomains\": [\"corp.example.com\", "       \
	"\"example.com\"]}"

static const char *servers_of_file(void)
{
	static char text[DNS_SERVERS_MAX * PREFIX_TEXT_MAX];
	struct prefix servers[DNS_SERVERS_MAX];
	size_t n = agent_dns_of_file(&agent, servers), len = 0;
	char one[PREFIX_TEXT_MAX];

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
					prefix_format_address(&servers[i], one));
	return text;
}

static void all_servers_are_told_and_the_first_three_asked(void **state)
{
	describe(FOUR_SERVERS);
	done[0] = '\0';
	up("172.16.77.2");
	expect("<up>, app of 172.16.77.2|10.20.0.4,fd20::4,10.20.0.5,10.20.0.6|lab");
	assert_string_equal(agent.facts.dns, "10.20.0.4,fd20::4,10.20.0.5,10.20.0.6");
	assert_string_equal(agent.facts.domains, "corp.example.com,example.com");
	assert_string_equal(servers_of_file(), "10.20.0.4 fd20::4 10.20.0.5");
	assert_int_equal(agent.status.n_domains, 2);
}

static void alternative_is_asked_last_and_always(void **state)
{
	config.dns_alt = prefix_host4(inet_addr("192.0.2.53"));
	up("172.16.77.2");
	assert_string_equal(servers_of_file(), "10.20.0.4 192.0.2.53");
	describe(FOUR_SERVERS);
	assert_string_equal(servers_of_file(), "10.20.0.4 fd20::4 192.0.2.53");
	assert_string_equal(agent.facts.dns, "10.20.0.4,fd20::4,10.20.0.5,10.20.0.6,192.0.2.53");
}

static void alternative_that_is_one_of_the_vnets_own_is_asked_once(void **state)
{
	config.dns_alt = prefix_host4(inet_addr("10.20.0.4"));
	up("172.16.77.2");
	assert_string_equal(servers_of_file(), "10.20.0.4");
	describe(FOUR_SERVERS);
	assert_string_equal(servers_of_file(), "10.20.0.4 fd20::4 10.20.0.5");
	assert_string_equal(agent.facts.dns, "10.20.0.4,fd20::4,10.20.0.5,10.20.0.6");
	config.dns_alt = prefix_host4(inet_addr("10.20.0.6"));
	assert_string_equal(servers_of_file(), "10.20.0.4 fd20::4 10.20.0.6");
}

/* PPP has room for two of IPv4. */
static void servers_of_ppp_count_unless_they_are_among_those_told(void **state)
{
	describe(FOUR_SERVERS);
	up("172.16.77.2"); /* with 10.20.0.4 */
	assert_string_equal(servers_of_file(), "10.20.0.4 fd20::4 10.20.0.5");
	down(SESSION_END_LOST);
	describe("{\"vnetName\": \"lab\", \"addressSpaces\": [], \"dnsServers\": [\"10.20.0.9\"]}");
	assert_string_equal(servers_of_file(), "10.20.0.9");
	up("172.16.77.2");
	assert_string_equal(servers_of_file(), "10.20.0.4");
}

static void routes_and_servers_of_the_user_stay(void **state)
{
	config.own_routes = true;
	config.n_dns = 1;
	config.dns[0] = prefix_host4(inet_addr("192.0.2.53"));
	up("172.16.77.2");
	expect("<up>, app of 172.16.77.2|192.0.2.53|-");
	describe(TWO_ROUTES);
	expect("keep, <network-changed>");
	assert_string_equal(agent.facts.dns, "192.0.2.53");
}

/* Each fact, under each policy. */
static void app_is_started_again_as_the_policy_says(void **state)
{
	static const struct {
		enum worker_restart when;
		const char *moved, *same, *changed, *asked;
	} rows[] = {
		/* clang-format off */
		{WORKER_RESTART_NEVER,
		 "<up>, <address-changed>, <restart-required>",
		 "<up>", "1 routes, keep, <network-changed>", "<up>, <restart-required>"},
		{WORKER_RESTART_ON_ADDRESS_CHANGE,
		 "<up>, <address-changed>, <restart-required>, term",
		 "<up>", "1 routes, keep, <network-changed>", "<up>, <restart-required>"},
		{WORKER_RESTART_ALWAYS,
		 "<up>, <address-changed>, <restart-required>, term",
		 "<up>, term", "1 routes, keep, <network-changed>, term",
		 "<up>, <restart-required>, term"},
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int fact = 0; fact < 4; fact++) {
			tear_down(state);
			set_up(state);
			config.restart_app = rows[i].when;
			up("172.16.77.2");
			if (fact != 2)
				down(fact == 3 ? SESSION_END_RESTART : SESSION_END_LOST);
			done[0] = '\0';
			if (fact == 2)
				describe(ONE_ROUTE);
			else
				up(fact == 0 ? "172.16.77.9" : "172.16.77.2");
			expect(fact == 0   ? rows[i].moved
			       : fact == 1 ? rows[i].same
			       : fact == 2 ? rows[i].changed
					   : rows[i].asked);
		}
	}
}

static void app_is_told_to_end_once_and_starts_with_the_new_address(void **state)
{
	config.restart_app = WORKER_RESTART_ALWAYS;
	up("172.16.77.2");
	down(SESSION_END_LOST);
	up("172.16.77.3");
	describe(ONE_ROUTE);
	done[0] = '\0';
	agent_on_kill_timer(&agent);
	app_ends(SIGKILL);
	expect("kill, app of 172.16.77.3|-|lab");
	agent_on_kill_timer(&agent); /* late: it is the new one's business no more */
	assert_int_equal(agent.exit_status, -1);
}

static void app_that_ends_while_the_tunnel_is_down_starts_with_the_next_one(void **state)
{
	config.restart_app = WORKER_RESTART_ALWAYS;
	up("172.16.77.2");
	describe(ONE_ROUTE);
	down(SESSION_END_LOST);
	done[0] = '\0';
	app_ends(EXITED_7);
	expect("");
	up("172.16.77.2");
	expect("<up>, app of 172.16.77.2|10.20.0.4|lab");
}

static void app_that_ends_by_itself_ends_the_worker_with_its_status(void **state)
{
	config.restart_app = WORKER_RESTART_ALWAYS;
	up("172.16.77.2");
	done[0] = '\0';
	app_ends(EXITED_7);
	expect("hang up");
	agent_tunnel_ops.on_end(&agent, SESSION_END_NORMAL, "the app has ended");
	expect("over");
	assert_int_equal(agent.exit_status, 7);
}

static void app_that_cannot_be_started_ends_the_worker(void **state)
{
	app_refuses = -ENOENT;
	up("172.16.77.2");
	expect("<up>, hang up");
	assert_int_equal(agent.exit_status, WORKER_EXIT_NOT_FOUND);
}

static void end_of_another_child_is_none_of_the_app_s(void **state)
{
	up("172.16.77.2");
	done[0] = '\0';
	agent_on_child(&agent, last_app + 1, EXITED_7);
	agent_on_child(&agent, 0, EXITED_7);
	expect("");
}

static void disconnected_app_that_nobody_restarts_goes_on_without_the_network(void **state)
{
	up("172.16.77.2");
	describe(ONE_ROUTE);
	done[0] = '\0';
	end_of_tunnel(SESSION_END_DISCONNECTED);
	expect("<down>, <disconnected>, <restart-required>");
	assert_int_equal(agent.status.state, STATUS_DISCONNECTED);
	agent_on_release_timer(&agent);
	expect("let go, no network");
	assert_null(agent.network);
	app_ends(EXITED_7);
	expect("over");
	assert_int_equal(agent.exit_status, 7);
}

static void disconnected_app_that_may_be_restarted_ends_with_its_worker(void **state)
{
	config.restart_app = WORKER_RESTART_ON_ADDRESS_CHANGE;
	up("172.16.77.2");
	done[0] = '\0';
	end_of_tunnel(SESSION_END_DISCONNECTED);
	expect("<down>, <disconnected>, <restart-required>, term");
	app_ends(SIGTERM);
	expect("over");
	assert_int_equal(agent.exit_status, WORKER_EXIT_DISCONNECTED);
}

static void app_that_was_to_start_again_does_not_when_it_is_disconnected_meanwhile(void **state)
{
	config.restart_app = WORKER_RESTART_ALWAYS;
	up("172.16.77.2");
	describe(ONE_ROUTE);
	end_of_tunnel(SESSION_END_DISCONNECTED);
	done[0] = '\0';
	app_ends(SIGTERM);
	expect("over");
	assert_int_equal(agent.exit_status, WORKER_EXIT_DISCONNECTED);
}

static void refused_credentials_end_all_with_the_exit_status_of_that(void **state)
{
	up("172.16.77.2");
	done[0] = '\0';
	end_of_tunnel(SESSION_END_AUTH);
	expect("<down>, term");
	agent_end(&agent, 0, "twice");
	app_ends(SIGTERM);
	expect("over");
	assert_int_equal(agent.exit_status, WORKER_EXIT_AUTH);
}

static void down_is_told_once_until_it_is_up_again(void **state)
{
	up("172.16.77.2");
	done[0] = '\0';
	down(SESSION_END_LOST);
	agent_tunnel_ops.on_retry(&agent, SESSION_END_CONNECT, "refused", CLOCK_NS_PER_S);
	agent_tunnel_ops.on_retry(&agent, SESSION_END_DISABLED, "disabled", CLOCK_NS_PER_S);
	expect("<down>");
	assert_int_equal(agent.status.state, STATUS_DISABLED);
	up("172.16.77.2");
	expect("<up>");
}

static void second_session_at_the_same_address_is_no_event(void **state)
{
	config.restart_app = WORKER_RESTART_ALWAYS;
	up("172.16.77.2");
	done[0] = '\0';
	up("172.16.77.2");
	expect("");
}

static void hook_that_hangs_keeps_the_end_back_for_the_time_of_the_goodbye(void **state)
{
	up("172.16.77.2");
	hook_is_busy = true;
	done[0] = '\0';
	app_ends(EXITED_7);
	agent_tunnel_ops.on_end(&agent, SESSION_END_NORMAL, "the app has ended");
	expect("hang up");
	agent_on_goodbye_timer(&agent);
	expect("over");
}

static void end_at_once_waits_for_nothing_but_the_app(void **state)
{
	up("172.16.77.2");
	agent_end(&agent, 143, "a signal");
	done[0] = '\0';
	agent_end_at_once(&agent);
	expect("kill");
	app_ends(SIGKILL);
	expect("over");
	assert_int_equal(agent.exit_status, 143);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(app_starts_with_what_the_tunnel_has_brought),
		TEST(description_is_set_kept_and_told_once),
		TEST(description_that_is_malformed_changes_nothing),
		TEST(description_that_the_kernel_refuses_was_not_told),
		TEST(change_that_cannot_begin_changes_nothing),
		TEST(of_what_is_told_while_routes_change_the_last_counts),
		TEST(refused_change_does_not_keep_the_next_one),
		TEST(disconnected_app_hears_no_more_of_a_change),
		TEST(app_of_a_vnet_with_ipv6_starts_with_both_addresses),
		TEST(app_does_not_wait_for_ever_for_an_ipv6_address),
		TEST(app_does_not_start_when_the_tunnel_went_down_while_it_waited),
		TEST(other_ipv6_address_is_told_as_another_ipv4_address_is),
		TEST(same_ipv6_address_with_the_next_tunnel_is_no_event),
		TEST(all_servers_are_told_and_the_first_three_asked),
		TEST(alternative_is_asked_last_and_always),
		TEST(alternative_that_is_one_of_the_vnets_own_is_asked_once),
		TEST(servers_of_ppp_count_unless_they_are_among_those_told),
		TEST(routes_and_servers_of_the_user_stay),
		TEST(app_is_started_again_as_the_policy_says),
		TEST(app_is_told_to_end_once_and_starts_with_the_new_address),
		TEST(app_that_ends_while_the_tunnel_is_down_starts_with_the_next_one),
		TEST(app_that_ends_by_itself_ends_the_worker_with_its_status),
		TEST(app_that_cannot_be_started_ends_the_worker),
		TEST(end_of_another_child_is_none_of_the_app_s),
		TEST(disconnected_app_that_nobody_restarts_goes_on_without_the_network),
		TEST(disconnected_app_that_may_be_restarted_ends_with_its_worker),
		TEST(app_that_was_to_start_again_does_not_when_it_is_disconnected_meanwhile),
		TEST(refused_credentials_end_all_with_the_exit_status_of_that),
		TEST(down_is_told_once_until_it_is_up_again),
		TEST(second_session_at_the_same_address_is_no_event),
		TEST(hook_that_hangs_keeps_the_end_back_for_the_time_of_the_goodbye),
		TEST(end_at_once_waits_for_nothing_but_the_app),
	};

	return cmocka_run_group_tests_name("worker/agent", tests, NULL, NULL);
}
