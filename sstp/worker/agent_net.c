/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tunnel reports, and what comes of it for the app:
 *
 *	up		address, name servers; the app starts, or starts again where that is wished
 *	description	routes, make before break; name servers in place; the profile
 *	down		what is for the VNet is refused until it is up again
 *	disconnected	by the operator: nothing of the VNet is left, the app is to start again without it
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/base/log.h"
#include "sstp/worker/agent.h"

/* ---- what the app's network is ---- */

/* The alternative counts beside others only, as the original has it. */
size_t agent_dns(const struct agent *a, uint32_t ret_servers_be[DNS_SERVERS_MAX])
{
	const struct worker_config *c = a->config;
	const uint32_t *servers_be = c->n_dns ? c->dns_be : a->dns_be;
	size_t n = c->n_dns ? c->n_dns : a->n_dns;

	if (a->status.state == STATUS_DISCONNECTED)
		return 0;
	memcpy(ret_servers_be, servers_be, n * sizeof(*servers_be));
	if (n && c->dns_alt_be)
		ret_servers_be[n++] = c->dns_alt_be;
	return n;
}

const char *agent_vnet(const struct agent *a)
{
	if (a->config->own_vnet_name || !a->told.vnet[0])
		return a->config->vnet_name;
	return a->told.vnet;
}

static void write_dns(struct agent *a)
{
	uint32_t servers_be[DNS_SERVERS_MAX];
	size_t n = agent_dns(a, servers_be);
	int r = a->dns ? dns_set(a->dns, servers_be, n) : 0;

	if (r < 0)
		log_warning("cannot write the app's resolv.conf: %s", strerror(-r));
}

/* What PPP brings counts; without it, what the gateway told otherwise stays. */
static void take_dns_of_ppp(struct agent *a, const uint32_t dns_be[2])
{
	size_t n = 0;

	if (!dns_be[0] && !dns_be[1])
		return;
	for (size_t i = 0; i < 2; i++)
		if (dns_be[i])
			a->dns_be[n++] = dns_be[i];
	a->n_dns = n;
}

/* ---- up ---- */

static void on_address_changed(struct agent *a)
{
	log_warning("the address has changed from %s%s", a->facts_before.address,
		    a->app ? ": the app still sees the old one in WEBSITE_PRIVATE_IP" : "");
	agent_fire(a, "address-changed", NULL);
}

static void maybe_restart(struct agent *a, bool is_new_tunnel)
{
	enum worker_restart when = a->config->restart_app;
	bool has_moved = a->app && strcmp(a->app_address, a->facts.address) != 0;

	if (has_moved || a->restart_asked)
		agent_fire(a, "restart-required",
			   has_moved ? "the address has changed" : "the gateway asks for it");
	a->restart_asked = false;
	if (has_moved && when != WORKER_RESTART_NEVER)
		agent_restart_app(a, "the address has changed");
	else if (is_new_tunnel && when == WORKER_RESTART_ALWAYS)
		agent_restart_app(a, "the tunnel is a new one");
}

static void on_up(void *arg, const struct link_address *address)
{
	struct agent *a = arg;
	bool is_new_tunnel = a->was_down || !a->was_up;
	bool has_moved;

	take_dns_of_ppp(a, address->dns);
	agent_take_facts(a);
	inet_ntop(AF_INET, &address->local, a->facts.address, sizeof(a->facts.address));
	has_moved = a->was_up && strcmp(a->facts.address, a->facts_before.address) != 0;
	write_dns(a);
	renewal_set_up(a->renewal, true);
	a->was_up = true;
	a->was_down = a->down_told = false;
	agent_set_state(a, STATUS_UP);
	log_info("connected: WEBSITE_PRIVATE_IP=%s", a->facts.address);
	if (is_new_tunnel)
		agent_fire(a, "up", NULL);
	if (has_moved)
		on_address_changed(a);
	maybe_restart(a, is_new_tunnel);
	if (a->config->app && !a->app && !a->ending)
		agent_start_app(a);
}

/* ---- the description ---- */

static int set_routes(struct agent *a, const struct description *d)
{
	char error[256];
	int r;

	if (a->config->own_routes || !a->network)
		return 0;
	r = network_set_routes(a->network, d->routes, d->n_routes, error);
	if (r < 0) {
		log_error("the virtual network's new routes cannot be set, the old ones stay: %s",
			  error);
		agent_set_error(a, error);
		agent_show(a);
	}
	return r;
}

static void keep(struct agent *a, const char *json, size_t len)
{
	int r = json ? keeper_store(a->keeper, json, len) : 0;

	if (r < 0)
		log_warning("the network description is not written into the profile: %s",
			    strerror(-r));
}

static void on_network_changed(struct agent *a)
{
	log_info("the virtual network has changed: %zu routes; name servers: %s", a->told.n_routes,
		 a->facts.dns && *a->facts.dns ? a->facts.dns : "none");
	agent_fire(a, "network-changed", NULL);
	if (a->config->restart_app == WORKER_RESTART_ALWAYS)
		agent_restart_app(a, "the virtual network has changed");
}

void agent_describe(struct agent *a, struct description *d, const char *json, size_t len)
{
	if (description_equal(&a->told, d) || set_routes(a, d) < 0) {
		description_done(d);
		return;
	}
	description_done(&a->told);
	a->told = *d;
	memset(d, 0, sizeof(*d));
	memcpy(a->dns_be, a->told.dns_be, sizeof(a->dns_be));
	a->n_dns = a->told.n_dns;
	write_dns(a);
	keep(a, json, len);
	agent_take_facts(a);
	agent_show(a);
	on_network_changed(a);
}

static void on_description(void *arg, const char *text, size_t len)
{
	struct description d = {.n_routes = 0};
	struct agent *a = arg;
	struct certs_error e;

	if (description_parse(text, len, &d, &e) < 0) {
		log_warning("%s", e.text);
		return;
	}
	a->told_in_band = true;
	agent_describe(a, &d, text, len);
}

/* The sessions there are have counted the contexts; the name stays where it is. */
void agent_on_renewed(void *arg, const struct profile *p)
{
	struct agent *a = arg;
	struct credentials renewed;
	struct description d;
	char error[TLS_ERROR_MAX];

	if (credentials_new(a->config, p, &renewed, error) < 0) {
		log_error("the new certificate cannot be used: %s", error);
		return;
	}
	if (!a->told_in_band && description_copy(&p->enrolment.description, &d) == 0)
		agent_describe(a, &d, NULL, 0);
	credentials_done(&a->credentials);
	a->credentials = renewed;
	if (a->tunnel_ended)
		return;
	if (a->config->renew_by_reconnect)
		tunnel_reconnect(a->tunnel);
	else
		tunnel_replace(a->tunnel);
}

/* ---- down ---- */

static void on_down(void *arg)
{
	struct agent *a = arg;

	renewal_set_up(a->renewal, false);
	a->was_down = true;
	if (a->ending)
		return;
	agent_set_state(a, STATUS_DOWN);
	log_warning("the tunnel is down: traffic for the virtual network is refused meanwhile");
}

/* Once for each time that it was up. */
static void tell_down(struct agent *a, const char *reason)
{
	if (!a->was_down || a->down_told)
		return;
	a->down_told = true;
	agent_take_facts(a);
	agent_fire(a, "down", reason);
}

static void on_retry(void *arg, enum session_end why, const char *reason, uint64_t wait)
{
	struct agent *a = arg;

	agent_set_error(a, reason);
	a->status.retry_at = time(NULL) + (int64_t)(wait / CLOCK_NS_PER_S);
	a->restart_asked |= why == SESSION_END_RESTART;
	if (why == SESSION_END_DISABLED)
		agent_set_state(a, STATUS_DISABLED);
	else
		agent_show(a);
	tell_down(a, reason);
}

static int exit_of(enum session_end why)
{
	switch (why) {
	case SESSION_END_AUTH: return WORKER_EXIT_AUTH;
	case SESSION_END_CERTIFICATE: return WORKER_EXIT_CERTIFICATE;
	case SESSION_END_CONNECT: return WORKER_EXIT_UNREACHED;
	case SESSION_END_DISCONNECTED: return WORKER_EXIT_DISCONNECTED;
	default: return WORKER_EXIT_INTERNAL;
	}
}

/* A refusal for good, of a worker that has nothing but its certificate. */
static void advise(const struct agent *a, enum session_end why)
{
	const struct worker_config *c = a->config;

	if (c->profile_path && !c->user && !c->ca &&
	    (why == SESSION_END_AUTH || why == SESSION_END_CERTIFICATE))
		log_error("if that does not heal, enrol again with a new token of the gateway's "
			  "operator: sstp-worker enrol TOKEN --profile %s --force",
			  c->profile_path);
}

/* Not within the tunnel's own callback. */
void agent_on_release_timer(void *arg)
{
	struct agent *a = arg;

	tunnel_release(a->tunnel);
	network_free(a->network);
	a->network = NULL;
	agent_show(a);
}

/* An app that nobody may start again goes on without the VNet; any other ends with the worker. */
static void on_disconnected(struct agent *a, const char *reason)
{
	agent_set_state(a, STATUS_DISCONNECTED);
	write_dns(a);
	agent_fire(a, "disconnected", reason);
	agent_fire(a, "restart-required", reason);
	if (a->app && a->config->restart_app == WORKER_RESTART_NEVER) {
		log_warning("the app goes on without the virtual network: when it is connected "
			    "again, start the worker again");
		loop_timer_set(a->release_timer, loop_now(a->loop));
	} else {
		agent_end(a, WORKER_EXIT_DISCONNECTED, reason);
	}
}

static void on_tunnel_end(void *arg, enum session_end why, const char *reason)
{
	struct agent *a = arg;

	a->tunnel_ended = true;
	tell_down(a, reason);
	if (!a->ending) {
		log_error("%s", reason);
		agent_set_error(a, reason);
		advise(a, why);
	}
	if (why == SESSION_END_DISCONNECTED && !a->ending)
		on_disconnected(a, reason);
	else
		agent_end(a, exit_of(why), reason);
	agent_maybe_stop(a);
}

static void on_replaced(void *arg, bool ok, const char *reason)
{
	if (ok)
		log_info("the new certificate is in use");
	else
		log_warning("no session with the new certificate: %s; the old session stays",
			    reason);
}

const struct tunnel_ops agent_tunnel_ops = {
	.on_replaced = on_replaced,
	.on_description = on_description,
	.on_up = on_up,
	.on_down = on_down,
	.on_retry = on_retry,
	.on_end = on_tunnel_end,
};
