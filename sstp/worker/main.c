/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstp-worker: brings the tunnel up, runs the app in it, and ends as the app does.
 *
 *   SIGTERM, SIGINT and others   passed on to the app; without an app: goodbye and end; once more: end at once
 *   SIGUSR2                      with a profile: its certificate is renewed now; else passed on
 *   SIGCHLD                      the app has ended: goodbye, then end with its exit status
 */
#include <arpa/inet.h>
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
#include "sstp/worker/app.h"
#include "sstp/worker/command.h"
#include "sstp/worker/config.h"
#include "sstp/worker/dns.h"
#include "sstp/worker/renewal.h"
#include "sstp/worker/tunnel.h"
#include "tun/netns.h"

/* An app that ignores SIGTERM is killed after this, when the worker itself must end. */
#define APP_GRACE (10 * CLOCK_NS_PER_S)

/* A gateway that does not answer the goodbye does not keep the exit status back for longer. */
#define GOODBYE_TIME (3 * CLOCK_NS_PER_S)

struct worker {
	struct worker_config *config;
	struct loop *loop;
	struct credentials credentials;
	struct network *network;
	struct tunnel *tunnel;
	struct dns *dns;
	struct renewal *renewal; /* NULL: no profile */
	struct loop_timer *kill_timer;
	struct loop_timer *goodbye_timer;
	int netns_fd;
	pid_t app;		       /* 0: not running */
	char address[INET_ADDRSTRLEN]; /* what the app was told */
	int exit_status;
	bool ending;
	bool tunnel_ended;
};

/* ---- the end: the app has ended and the tunnel has said goodbye ---- */

static void maybe_stop(struct worker *w)
{
	if (w->ending && w->tunnel_ended && !w->app)
		loop_stop(w->loop);
}

static void end(struct worker *w, int exit_status, const char *reason)
{
	if (w->ending)
		return;
	w->ending = true;
	w->exit_status = exit_status;
	if (w->app) {
		log_info("stopping the app: %s", reason);
		kill(w->app, SIGTERM);
		loop_timer_set(w->kill_timer, loop_now(w->loop) + APP_GRACE);
	}
	if (!w->tunnel_ended) {
		loop_timer_set(w->goodbye_timer, loop_now(w->loop) + GOODBYE_TIME);
		tunnel_stop(w->tunnel, reason);
	}
	maybe_stop(w);
}

/* What is left of the tunnel is cut in tear_down(). */
static void on_goodbye_timer(void *arg)
{
	struct worker *w = arg;

	w->tunnel_ended = true;
	maybe_stop(w);
}

static void end_at_once(struct worker *w)
{
	if (w->app)
		kill(w->app, SIGKILL);
	w->tunnel_ended = true;
	maybe_stop(w);
}

static void on_kill_timer(void *arg)
{
	struct worker *w = arg;

	if (w->app)
		kill(w->app, SIGKILL);
}

/* ---- the app ---- */

static const char *format_dns(const uint32_t dns_be[2], char *buf, size_t size)
{
	char one[INET_ADDRSTRLEN];
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < 2; i++)
		if (dns_be[i])
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? "," : "",
						inet_ntop(AF_INET, &dns_be[i], one, sizeof(one)));
	return len ? buf : NULL;
}

static int exit_of_start(int error)
{
	switch (error) {
	case -ENOENT: return WORKER_EXIT_NOT_FOUND;
	case -ECHILD: return WORKER_EXIT_INTERNAL;
	default: return WORKER_EXIT_CANNOT_EXEC;
	}
}

static void start_app(struct worker *w, const struct link_address *address)
{
	char dns[2 * INET_ADDRSTRLEN], error[256];
	struct app_params params = {
		.argv = w->config->app,
		.netns_fd = w->netns_fd,
		.resolv_conf = w->dns ? dns_path(w->dns) : NULL,
		.private_ip = w->address,
		.dns_server = format_dns(address->dns, dns, sizeof(dns)),
		.vnet_name = w->config->vnet_name,
	};
	int r = app_start(&params, &w->app, error);

	if (r == 0)
		return;
	log_error("%s", error);
	end(w, exit_of_start(r), "the app cannot be started");
}

static void log_app_end(int status)
{
	if (WIFSIGNALED(status))
		log_info("the app was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		log_info("the app has ended with status %d", WEXITSTATUS(status));
}

/* As the first process of a container the worker inherits orphans too: they are reaped with the app. */
static void on_child(void *arg, int signo)
{
	struct worker *w = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		renewal_on_child(w->renewal, pid, status);
		if (pid != w->app)
			continue;
		w->app = 0;
		log_app_end(status);
		end(w, app_exit_status(status), "the app has ended");
		maybe_stop(w);
	}
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

static void on_signal(void *arg, int signo)
{
	struct worker *w = arg;

	if (w->ending && is_to_end(signo)) {
		end_at_once(w);
	} else if (signo == SIGUSR2 && w->renewal) {
		renewal_ask(w->renewal);
	} else if (w->app) {
		if (!is_from_terminal(signo))
			kill(w->app, signo);
	} else if (is_to_end(signo)) {
		log_info("%s: disconnecting", strsignal(signo));
		end(w, w->config->app ? WORKER_EXIT_SIGNAL + signo : EXIT_SUCCESS,
		    "the worker was stopped");
	}
}

/* ---- the tunnel ---- */

static void set_dns(struct worker *w, const struct link_address *address)
{
	int r = w->dns ? dns_set(w->dns, address->dns, !!address->dns[0] + !!address->dns[1]) : 0;

	if (r < 0)
		log_warning("cannot write the app's resolv.conf: %s", strerror(-r));
}

/* What PPP brings counts; without it, what the gateway told when it enrolled us. */
static struct link_address with_dns(const struct worker *w, const struct link_address *address)
{
	const struct description *d = &w->config->profile.enrolment.description;
	struct link_address a = *address;

	for (size_t i = 0; i < d->n_dns && !address->dns[0] && !address->dns[1]; i++)
		a.dns[i] = d->dns_be[i];
	return a;
}

static void on_up(void *arg, const struct link_address *given)
{
	struct worker *w = arg;
	const struct link_address completed = with_dns(w, given), *address = &completed;
	char now[INET_ADDRSTRLEN];
	bool first = !w->address[0];

	inet_ntop(AF_INET, &address->local, now, sizeof(now));
	set_dns(w, address);
	renewal_set_up(w->renewal, true);
	log_info("connected: WEBSITE_PRIVATE_IP=%s", now);
	if (!first && strcmp(now, w->address) != 0)
		log_warning("the address has changed from %s: the app still sees the old one in "
			    "WEBSITE_PRIVATE_IP",
			    w->address);
	if (!first)
		return;
	memcpy(w->address, now, sizeof(now));
	if (w->config->app)
		start_app(w, address);
}

static void on_down(void *arg)
{
	struct worker *w = arg;

	renewal_set_up(w->renewal, false);
	if (!w->ending)
		log_warning(
			"the tunnel is down: traffic for the virtual network is refused meanwhile");
}

static int exit_of(enum session_end why)
{
	switch (why) {
	case SESSION_END_AUTH: return WORKER_EXIT_AUTH;
	case SESSION_END_CERTIFICATE: return WORKER_EXIT_CERTIFICATE;
	case SESSION_END_CONNECT: return WORKER_EXIT_UNREACHED;
	default: return WORKER_EXIT_INTERNAL;
	}
}

/* A refusal for good, of a worker that has nothing but its certificate. */
static void advise(const struct worker *w, enum session_end why)
{
	const struct worker_config *c = w->config;

	if (c->profile_path && !c->user && !c->ca &&
	    (why == SESSION_END_AUTH || why == SESSION_END_CERTIFICATE))
		log_error("if that does not heal, enrol again with a new token of the gateway's "
			  "operator: sstp-worker enrol TOKEN --profile %s --force",
			  c->profile_path);
}

static void on_tunnel_end(void *arg, enum session_end why, const char *reason)
{
	struct worker *w = arg;

	w->tunnel_ended = true;
	if (!w->ending) {
		log_error("%s", reason);
		advise(w, why);
	}
	end(w, exit_of(why), reason);
	maybe_stop(w);
}

static void on_replaced(void *arg, bool ok, const char *reason)
{
	if (ok)
		log_info("the new certificate is in use");
	else
		log_warning("no session with the new certificate: %s; the old session stays",
			    reason);
}

static const struct tunnel_ops tunnel_callbacks = {
	.on_replaced = on_replaced,
	.on_up = on_up,
	.on_down = on_down,
	.on_end = on_tunnel_end,
};

/* ---- the certificate ---- */

static int64_t wall_clock(void *arg)
{
	return time(NULL);
}

/* The sessions there are have counted the contexts; the name stays where it is. */
static void on_renewed(void *arg, const struct profile *p)
{
	struct worker *w = arg;
	const struct description *d = &w->config->profile.enrolment.description;
	struct credentials renewed;
	char error[TLS_ERROR_MAX];

	if (credentials_new(w->config, p, &renewed, error) < 0) {
		log_error("the new certificate cannot be used: %s", error);
		return;
	}
	if (strcmp(d->digest, p->enrolment.description.digest) != 0)
		log_warning(
			"the virtual network's description has changed: routes and name servers "
			"are those of the start until the worker is started again");
	credentials_done(&w->credentials);
	w->credentials = renewed;
	if (w->config->renew_by_reconnect)
		tunnel_reconnect(w->tunnel);
	else
		tunnel_replace(w->tunnel);
}

static int make_renewal(struct worker *w)
{
	const struct worker_config *c = w->config;
	struct cert_facts facts;
	struct renewal_params params = {
		.path = c->profile_path,
		.thumbprint = facts.thumbprint,
		.random = &random_system,
		.wall = wall_clock,
		.start = renewal_start_process,
		.on_renewed = on_renewed,
		.arg = w,
	};

	if (!c->profile_path)
		return 0;
	if (profile_certificate(&c->profile, &facts) < 0)
		return -EINVAL;
	params.not_before = facts.not_before;
	params.not_after = facts.not_after;
	w->renewal = renewal_new(w->loop, &params);
	return w->renewal ? 0 : -ENOMEM;
}

/* ---- set-up ---- */

static int open_namespace(struct worker *w)
{
	const struct worker_config *c = w->config;
	int fd = -1;

	if (c->netns_mode == WORKER_NETNS_NAMED)
		fd = netns_open(c->netns);
	else if (c->netns_mode == WORKER_NETNS_OWN)
		fd = netns_create();
	w->netns_fd = fd < 0 ? -1 : fd;
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

static int make_network(struct worker *w)
{
	const struct worker_config *c = w->config;
	struct network_params params = {
		.netns_fd = w->netns_fd,
		.tun_name = c->tun,
		.mtu = c->mtu,
		.offload = c->offload,
		.routes = c->routes,
		.nroutes = c->n_routes,
	};
	char error[256];
	int r = network_new(&params, &w->network, error);

	if (r < 0) {
		log_error("%s", error);
		return r;
	}
	r = dns_new(c->netns_mode == WORKER_NETNS_NAMED ? c->netns : NULL, &w->dns);
	if (r < 0)
		log_warning("no resolv.conf for the app: %s", strerror(-r));
	return 0;
}

static int make_tunnel(struct worker *w)
{
	const struct worker_config *c = w->config;
	struct tunnel_params params = {
		.ops = &tunnel_callbacks,
		.arg = w,
		.host = c->gateway_host,
		.port = c->gateway_port,
		.credentials = &w->credentials,
		.password = c->user ? &c->password : NULL,
		.mtu = c->mtu,
		.congestion = c->congestion,
		.connect_timeout = c->connect_timeout_s * CLOCK_NS_PER_S,
		.network = w->network,
	};

	w->tunnel = tunnel_new(w->loop, &params);
	w->kill_timer = loop_timer_new(w->loop, on_kill_timer, w);
	w->goodbye_timer = loop_timer_new(w->loop, on_goodbye_timer, w);
	return w->tunnel && w->kill_timer && w->goodbye_timer ? 0 : -ENOMEM;
}

static int watch_signals(struct worker *w)
{
	static const int passed_on[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
					SIGUSR1, SIGUSR2, SIGWINCH};
	int r = loop_on_signal(w->loop, SIGCHLD, on_child, w);

	for (size_t i = 0; r == 0 && i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		r = loop_on_signal(w->loop, passed_on[i], on_signal, w);
	return r;
}

static int set_up(struct worker *w)
{
	char error[TLS_ERROR_MAX];
	int r = credentials_new(w->config, &w->config->profile, &w->credentials, error);

	if (r < 0) {
		log_error("%s", error);
		return r;
	}
	w->loop = loop_new();
	if (!w->loop)
		return -ENOMEM;
	r = open_namespace(w);
	if (r == 0)
		r = make_network(w);
	if (r == 0)
		r = make_tunnel(w);
	if (r == 0)
		r = make_renewal(w);
	if (r == 0)
		r = watch_signals(w);
	return r;
}

static void tear_down(struct worker *w)
{
	renewal_free(w->renewal);
	tunnel_free(w->tunnel);
	loop_timer_free(w->kill_timer);
	loop_timer_free(w->goodbye_timer);
	dns_free(w->dns);
	network_free(w->network);
	if (w->netns_fd >= 0)
		close(w->netns_fd);
	loop_free(w->loop);
	credentials_done(&w->credentials);
	worker_config_free(w->config);
}

int main(int argc, char **argv)
{
	struct worker w = {.netns_fd = -1, .exit_status = WORKER_EXIT_INTERNAL};
	struct conf_error error;
	int exit_status;
	int r;

	prctl(PR_SET_DUMPABLE, 0);
	log_open("sstp-worker", LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	if (command_is_one(argc, argv))
		return command_run(argc, argv, time(NULL));
	r = worker_config_parse(argc, argv, &w.config, &error, &exit_status);

	if (r != 0) {
		if (r < 0)
			fprintf(stderr, "sstp-worker: %s\n", error.text);
		return exit_status;
	}
	log_open("sstp-worker", w.config->log.target, w.config->log.level);
	if (w.config->n_routes == 0)
		log_warning(
			"no --route is given: nothing but the tunnel's own address goes into it");
	signal(SIGPIPE, SIG_IGN);
	if (set_up(&w) == 0)
		loop_run(w.loop);
	exit_status = w.exit_status;
	tear_down(&w);
	return exit_status;
}
