/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "sstp/base/log.h"
#include "sstp/worker/agent.h"

/* An app that ignores SIGTERM is killed after this, when it must end. */
#define APP_GRACE (10 * CLOCK_NS_PER_S)

/* A gateway that does not answer the goodbye, and a hook, do not keep the exit status back for longer. */
#define GOODBYE_TIME (3 * CLOCK_NS_PER_S)

/* ---- the end: the app has ended, the tunnel has said goodbye, the hook was told ---- */

void agent_maybe_stop(struct agent *a)
{
	if (a->ending && a->tunnel_ended && !a->app && (a->hook_given_up || hook_is_idle(a->hook)))
		loop_stop(a->loop);
}

static void tell_to_end(struct agent *a)
{
	kill(a->app, SIGTERM);
	loop_timer_set(a->kill_timer, loop_now(a->loop) + APP_GRACE);
}

void agent_end(struct agent *a, int exit_status, const char *reason)
{
	if (a->ending)
		return;
	a->ending = true;
	a->exit_status = exit_status;
	if (a->app) {
		log_info("stopping the app: %s", reason);
		tell_to_end(a);
	}
	loop_timer_set(a->goodbye_timer, loop_now(a->loop) + GOODBYE_TIME);
	if (!a->tunnel_ended)
		tunnel_stop(a->tunnel, reason);
	agent_maybe_stop(a);
}

/* What is left of the tunnel is cut at the end. */
void agent_on_goodbye_timer(void *arg)
{
	struct agent *a = arg;

	a->tunnel_ended = true;
	a->hook_given_up = true;
	agent_maybe_stop(a);
}

void agent_end_at_once(struct agent *a)
{
	if (a->app)
		kill(a->app, SIGKILL);
	agent_on_goodbye_timer(a);
}

void agent_on_kill_timer(void *arg)
{
	struct agent *a = arg;

	if (a->app)
		kill(a->app, SIGKILL);
}

/* ---- the app ---- */

static int exit_of_start(int error)
{
	switch (error) {
	case -ENOENT: return WORKER_EXIT_NOT_FOUND;
	case -ECHILD: return WORKER_EXIT_INTERNAL;
	default: return WORKER_EXIT_CANNOT_EXEC;
	}
}

/* What stands in WEBSITE_DNS_SERVER: all but the alternative. NULL: nothing. */
static const char *format_dns(const struct agent *a, char *buf, size_t size)
{
	const struct worker_config *c = a->config;
	const struct prefix *servers = c->n_dns ? c->dns : a->servers;
	size_t n = c->n_dns ? c->n_dns : a->n_servers, len = 0;
	char one[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? "," : "",
					prefix_format_address(&servers[i], one));
	return len ? buf : NULL;
}

static const char *format_alternative(const struct agent *a, char buf[PREFIX_TEXT_MAX])
{
	const struct prefix *server = &a->config->dns_alt;

	return server->family ? prefix_format_address(server, buf) : NULL;
}

/* Where its address comes from, for those who are to let it in. NULL: not told. */
static const char *format_pool(const struct agent *a, char *buf, size_t size)
{
	char one[PREFIX_TEXT_MAX];
	size_t len = 0;

	for (size_t i = 0; i < a->told.n_pools; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? "," : "",
					prefix_format(&a->told.pools[i], one));
	return len ? buf : NULL;
}

struct app_params agent_app_params(const struct agent *a, struct agent_app_texts *texts)
{
	return (struct app_params){
		.argv = a->config->app,
		.netns_fd = a->netns_fd,
		.resolv_conf = a->dns ? dns_path(a->dns) : NULL,
		.private_ip = a->facts.address,
		.private_ipv6 = a->has_address6 ? a->facts.address6 : NULL,
		.private_pool = format_pool(a, texts->pool, sizeof(texts->pool)),
		.dns_server = format_dns(a, texts->dns, sizeof(texts->dns)),
		.dns_alt_server = format_alternative(a, texts->dns_alt),
		.vnet_name = agent_vnet(a),
	};
}

void agent_start_app(struct agent *a)
{
	struct agent_app_texts texts;
	struct app_params params = agent_app_params(a, &texts);
	char error[256];
	int r = app_start(&params, &a->app, error);

	strcpy(a->app_address, a->facts.address);
	strcpy(a->app_address6, a->has_address6 ? a->facts.address6 : "");
	agent_show(a);
	if (r == 0)
		return;
	log_error("%s", error);
	agent_end(a, exit_of_start(r), "the app cannot be started");
}

void agent_on_start_timer(void *arg)
{
	struct agent *a = arg;

	loop_timer_set(a->start_timer, CLOCK_NEVER);
	if (a->config->app && !a->app && !a->ending && a->status.state == STATUS_UP)
		agent_start_app(a);
}

void agent_restart_app(struct agent *a, const char *why)
{
	if (!a->app || a->app_restarts || a->ending)
		return;
	log_info("the app is started again: %s", why);
	a->app_restarts = true;
	tell_to_end(a);
}

static void log_app_end(int status)
{
	if (WIFSIGNALED(status))
		log_info("the app was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		log_info("the app has ended with status %d", WEXITSTATUS(status));
}

static void on_app_end(struct agent *a, int status)
{
	bool again = a->app_restarts && !a->ending;

	a->app = 0;
	a->app_restarts = false;
	loop_timer_set(a->kill_timer, CLOCK_NEVER);
	log_app_end(status);
	agent_show(a);
	if (!again)
		agent_end(a, app_exit_status(status), "the app has ended");
	else if (a->status.state == STATUS_UP) /* otherwise with the next tunnel */
		agent_start_app(a);
	agent_maybe_stop(a);
}

void agent_on_child(struct agent *a, pid_t pid, int wait_status)
{
	renewal_on_child(a->renewal, pid, wait_status);
	keeper_on_child(a->keeper, pid, wait_status);
	hook_on_child(a->hook, pid, wait_status);
	if (a->app && pid == a->app)
		on_app_end(a, wait_status);
	agent_maybe_stop(a);
}
