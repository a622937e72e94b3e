/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstp-worker: brings the tunnel up, runs the app in it, and ends as the app does.
 *
 *   SIGTERM, SIGINT and others   passed on to the app; without an app: goodbye and end; once more: end at once
 *   SIGUSR2                      with a profile: its certificate is renewed now; else passed on
 *   SIGCHLD                      the app has ended: goodbye, then end with its exit status
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/worker/agent.h"
#include "sstp/worker/command.h"
#include "sstp/worker/exec.h"
#include "tun/ipv6_conf.h"
#include "tun/netns.h"

/* ---- signals ---- */

/* As the first process of a container the worker inherits orphans too: they are reaped with the app. */
static void on_child(void *arg, int signo)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		agent_on_child(arg, pid, status);
}

/* The terminal has told the app itself already. */
static bool is_from_terminal(int signo)
{
	return (signo == SIGINT || signo == SIGQUIT) && isatty(STDIN_FILENO) &&
	       tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static bool is_to_end(int signo)
{
	return signo == SIGTERM || signo == SIGINT || signo == SIGQUIT || signo == SIGHUP;
}

/* An app that is about to be started again is not, when it was told to end meanwhile. */
static void pass_on(struct agent *a, int signo)
{
	if (is_to_end(signo))
		a->app_restarts = false;
	if (!is_from_terminal(signo))
		kill(a->app, signo);
}

static void on_signal(void *arg, int signo)
{
	struct agent *a = arg;

	if (a->ending && is_to_end(signo)) {
		agent_end_at_once(a);
	} else if (signo == SIGUSR2 && a->renewal) {
		renewal_ask(a->renewal);
	} else if (a->app) {
		pass_on(a, signo);
	} else if (is_to_end(signo)) {
		log_info("%s: disconnecting", strsignal(signo));
		agent_end(a, a->config->app ? WORKER_EXIT_SIGNAL + signo : EXIT_SUCCESS,
			  "the worker was stopped");
	}
}

static int64_t wall_clock(void *arg)
{
	return time(NULL);
}

/* ---- set-up ---- */

/* Where the machine has IPv6 switched off for new devices it is on in here, for whoever's VNet has it. */
static int own_namespace(void)
{
	int fd = netns_create();

	if (fd >= 0)
		ipv6_conf_set(fd, "all", "disable_ipv6", "0");
	return fd;
}

static int open_namespace(struct agent *a)
{
	const struct worker_config *c = a->config;
	int fd = -1;

	if (c->netns_mode == WORKER_NETNS_NAMED)
		fd = netns_open(c->netns);
	else if (c->netns_mode == WORKER_NETNS_OWN)
		fd = own_namespace();
	a->netns_fd = fd < 0 ? -1 : fd;
	if (fd >= 0 || c->netns_mode == WORKER_NETNS_CURRENT)
		return 0;
	if (c->netns_mode == WORKER_NETNS_NAMED)
		log_error("network namespace '%s': %s; see: ip netns list", c->netns,
			  strerror(-fd));
	else
		log_error("cannot make a network namespace: %s%s", strerror(-fd),
			  fd == -EPERM ? " (needs CAP_SYS_ADMIN: run as root)" : "");
	return fd;
}

static int make_network(struct agent *a)
{
	const struct worker_config *c = a->config;
	struct network_params params = {
		.netns_fd = a->netns_fd,
		.tun_name = c->tun,
		.mtu = c->mtu,
		.offload = c->offload,
		.routes = c->routes,
		.nroutes = c->n_routes,
	};
	char error[256];
	int r = network_new(&params, &a->network, error);

	if (r < 0) {
		log_error("%s", error);
		return r;
	}
	r = dns_new(c->netns_mode == WORKER_NETNS_NAMED ? c->netns : NULL, &a->dns);
	if (r < 0)
		log_warning("no resolv.conf for the app: %s", strerror(-r));
	else if (c->profile_path)
		dns_keep(a->dns); /* servers may be told later */
	return 0;
}

/* Those who hear of what happens; what the gateway has told so far is the profile's. */
static int make_telling(struct agent *a)
{
	struct worker_config *c = a->config;
	struct description *d = &c->profile.enrolment.description;

	a->told = *d;
	memset(d, 0, sizeof(*d));
	memcpy(a->servers, a->told.dns, sizeof(a->servers));
	a->n_servers = a->told.n_dns;
	if (c->on_event)
		a->hook = hook_new(a->loop, c->on_event);
	if (c->profile_path)
		a->keeper = keeper_new(c->profile_path);
	agent_tell_init(a);
	return (c->on_event && !a->hook) || (c->profile_path && !a->keeper) ? -ENOMEM : 0;
}

static int make_renewal(struct agent *a)
{
	const struct worker_config *c = a->config;
	struct cert_facts facts;
	struct renewal_params params = {
		.path = c->profile_path,
		.thumbprint = facts.thumbprint,
		.random = &random_system,
		.wall = wall_clock,
		.start = renewal_start_process,
		.on_renewed = agent_on_renewed,
		.arg = a,
	};

	if (!c->profile_path)
		return 0;
	if (profile_certificate(&c->profile, &facts) < 0)
		return -EINVAL;
	params.not_before = facts.not_before;
	params.not_after = facts.not_after;
	a->renewal = renewal_new(a->loop, &params);
	return a->renewal ? 0 : -ENOMEM;
}

static int make_tunnel(struct agent *a)
{
	const struct worker_config *c = a->config;
	struct tunnel_params params = {
		.ops = &agent_tunnel_ops,
		.arg = a,
		.host = c->gateway_host,
		.port = c->gateway_port,
		.credentials = &a->credentials,
		.password = c->user ? &c->password : NULL,
		.mtu = c->mtu,
		.congestion = c->congestion,
		.connect_timeout = c->connect_timeout_s * CLOCK_NS_PER_S,
		.network = a->network,
	};

	a->tunnel = tunnel_new(a->loop, &params);
	a->kill_timer = loop_timer_new(a->loop, agent_on_kill_timer, a);
	a->goodbye_timer = loop_timer_new(a->loop, agent_on_goodbye_timer, a);
	a->release_timer = loop_timer_new(a->loop, agent_on_release_timer, a);
	a->start_timer = loop_timer_new(a->loop, agent_on_start_timer, a);
	return a->tunnel && a->kill_timer && a->goodbye_timer && a->release_timer && a->start_timer
		       ? 0
		       : -ENOMEM;
}

static int watch_signals(struct agent *a)
{
	static const int passed_on[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
					SIGUSR1, SIGUSR2, SIGWINCH};
	int r = loop_on_signal(a->loop, SIGCHLD, on_child, a);

	for (size_t i = 0; r == 0 && i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		r = loop_on_signal(a->loop, passed_on[i], on_signal, a);
	return r;
}

static int set_up(struct agent *a)
{
	char error[TLS_ERROR_MAX];
	int r = credentials_new(a->config, &a->config->profile, &a->credentials, error);

	if (r < 0) {
		log_error("%s", error);
		return r;
	}
	a->loop = loop_new();
	if (!a->loop)
		return -ENOMEM;
	r = open_namespace(a);
	if (r == 0)
		r = make_network(a);
	if (r == 0)
		r = make_telling(a);
	if (r == 0)
		r = make_tunnel(a);
	if (r == 0)
		r = make_renewal(a);
	if (r == 0)
		r = watch_signals(a);
	return r;
}

static void tear_down(struct agent *a)
{
	renewal_free(a->renewal);
	tunnel_free(a->tunnel);
	loop_timer_free(a->kill_timer);
	loop_timer_free(a->goodbye_timer);
	loop_timer_free(a->release_timer);
	loop_timer_free(a->start_timer);
	hook_free(a->hook);
	keeper_free(a->keeper);
	agent_tell_done(a);
	dns_free(a->dns);
	network_free(a->network);
	agent_forget_news(a);
	if (a->netns_fd >= 0)
		close(a->netns_fd);
	loop_free(a->loop);
	credentials_done(&a->credentials);
	description_done(&a->told);
	worker_config_free(a->config);
}

int main(int argc, char **argv)
{
	struct agent a = {.netns_fd = -1, .exit_status = WORKER_EXIT_INTERNAL};
	struct conf_error error;
	int exit_status;
	int r;

	prctl(PR_SET_DUMPABLE, 0);
	log_open("sstp-worker", LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	if (command_is_one(argc, argv))
		return command_run(argc, argv, time(NULL));
	if (exec_is_meant(argc, argv))
		return exec_run(argc, argv);
	r = worker_config_parse(argc, argv, &a.config, &error, &exit_status);

	if (r != 0) {
		if (r < 0)
			fprintf(stderr, "sstp-worker: %s\n", error.text);
		return exit_status;
	}
	log_open("sstp-worker", a.config->log.target, a.config->log.level);
	if (a.config->n_routes == 0)
		log_warning(
			"no --route is given: nothing but the tunnel's own address goes into it");
	signal(SIGPIPE, SIG_IGN);
	if (set_up(&a) == 0)
		loop_run(a.loop);
	exit_status = a.exit_status;
	tear_down(&a);
	return exit_status;
}
