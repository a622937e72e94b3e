/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tunnel reports, and what comes of it for the app:
 *
 *	up		address, name servers; the app starts, or starts again where that is wished
 *	description	routes, make before break; name servers in place; the profile
 *	down		what is for the VNet is refused until it is up again
 *	disconnected	by the operator: nothing of the VNet is left, the app is to start again without it
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/base/log.h"
#include "sstp/worker/agent.h"

/* From one that a gateway brings after all the app learns by its restart policy. */
#define ADDRESS6_PATIENCE (1 * CLOCK_NS_PER_S)

/* ---- what the app's network is ---- */

static bool is_among(const struct prefix *servers, size_t n, const struct prefix *server)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_equal(&servers[i], server))
			return true;
	return false;
}

/* The alternative counts beside others only, as the original has it. */
size_t agent_dns(const struct agent *a, struct prefix ret_servers[AGENT_DNS_MAX])
{
	const struct worker_config *c = a->config;
	const struct prefix *servers = c->n_dns ? c->dns : a->servers;
	size_t n = c->n_dns ? c->n_dns : a->n_servers;

	if (a->status.state == STATUS_DISCONNECTED)
		return 0;
	memcpy(ret_servers, servers, n * sizeof(*servers));
	if (n && c->dns_alt.family && !is_among(servers, n, &c->dns_alt))
		ret_servers[n++] = c->dns_alt;
	return n;
}

size_t agent_dns_of_file(const struct agent *a, struct prefix ret_servers[DNS_SERVERS_MAX])
{
	struct prefix all[AGENT_DNS_MAX];
	size_t n = agent_dns(a, all), kept = n < DNS_SERVERS_MAX ? n : DNS_SERVERS_MAX;

	memcpy(ret_servers, all, kept * sizeof(*all));
	if (n > kept && a->config->dns_alt.family && !is_among(all, kept, &a->config->dns_alt))
		ret_servers[kept - 1] = a->config->dns_alt;
	return kept;
}

const char *agent_vnet(const struct agent *a)
{
	if (a->config->own_vnet_name || !a->told.vnet[0])
		return a->config->vnet_name;
	return a->told.vnet;
}

static void write_dns(struct agent *a)
{
	struct dns_names names = {.domains = a->told.domains, .n_domains = a->told.n_domains};
	int r;

	names.n_servers = agent_dns_of_file(a, names.servers);
	r = a->dns ? dns_set(a->dns, &names) : 0;

	if (r < 0)
		log_warning("cannot write the app's resolv.conf: %s", strerror(-r));
}

static void take_dns_as_told(struct agent *a)
{
	memcpy(a->servers, a->told.dns, sizeof(a->servers));
	a->n_servers = a->told.n_dns;
}

/* PPP has room for two IPv4 servers: they count unless they are among those that the gateway has told. */
static void take_dns_of_ppp(struct agent *a, const uint32_t dns_be[2])
{
	struct prefix servers[2];
	size_t n = 0;
	bool is_news = false;

	for (size_t i = 0; i < 2; i++)
		if (dns_be[i])
			servers[n++] = prefix_host4(dns_be[i]);
	for (size_t i = 0; i < n; i++)
		is_news |= !is_among(a->told.dns, a->told.n_dns, &servers[i]);
	if (is_news) {
		memcpy(a->servers, servers, n * sizeof(*servers));
		a->n_servers = n;
	} else if (n) {
		take_dns_as_told(a);
	}
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
	bool has_moved = a->app && (strcmp(a->app_address, a->facts.address) != 0 ||
				    (a->has_address6 && a->app_address6[0] &&
				     strcmp(a->app_address6, a->facts.address6) != 0));

	if (has_moved || a->restart_asked)
		agent_fire(a, "restart-required",
			   has_moved ? "the address has changed" : "the gateway asks for it");
	a->restart_asked = false;
	if (has_moved && when != WORKER_RESTART_NEVER)
		agent_restart_app(a, "the address has changed");
	else if (is_new_tunnel && when == WORKER_RESTART_ALWAYS)
		agent_restart_app(a, "the tunnel is a new one");
}

/* The VNet has IPv6: its address comes with the next packets, and belongs into the app's environment. */
static bool expects_address6(const struct agent *a)
{
	size_t n = 0;
	const struct prefix *routes = a->network ? network_routes(a->network, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		if (routes[i].family == AF_INET6)
			return true;
	return false;
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
	a->was_down = a->down_told = a->has_address6 = false;
	agent_set_state(a, STATUS_UP);
	log_info("connected: WEBSITE_PRIVATE_IP=%s", a->facts.address);
	if (is_new_tunnel)
		agent_fire(a, "up", NULL);
	if (has_moved)
		on_address_changed(a);
	maybe_restart(a, is_new_tunnel);
	if (!a->config->app || a->app || a->ending)
		return;
	if (expects_address6(a))
		loop_timer_set(a->start_timer, loop_now(a->loop) + ADDRESS6_PATIENCE);
	else
		agent_start_app(a);
}

/* Comes after the address of IPv4, and may change or go alone. */
static void on_address6(void *arg, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct agent *a = arg;
	bool has_moved;

	if (address)
		inet_ntop(AF_INET6, address, text, sizeof(text));
	has_moved = a->facts.address6[0] && strcmp(a->facts.address6, text) != 0;
	a->has_address6 = address != NULL;
	agent_take_facts(a);
	strcpy(a->facts.address6, text);
	agent_show(a);
	if (address)
		log_info("connected: WEBSITE_PRIVATE_IPV6=%s", text);
	if (has_moved)
		agent_fire(a, "address-changed", NULL);
	maybe_restart(a, false);
	agent_on_start_timer(a);
}

/* ---- the description ---- */

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

static void news_done(struct agent_news *n)
{
	description_done(&n->description);
	free(n->json);
	*n = (struct agent_news){.json = NULL};
}

/* Its routes are those of the app now. */
static void take_news(struct agent *a, struct agent_news *n)
{
	description_done(&a->told);
	a->told = n->description;
	memset(&n->description, 0, sizeof(n->description));
	take_dns_as_told(a);
	write_dns(a);
	keep(a, n->json, n->len);
	agent_take_facts(a);
	agent_show(a);
	on_network_changed(a);
}

static void refuse_news(struct agent *a, const char *why)
{
	log_error("the virtual network's new routes cannot be set, the old ones stay: %s", why);
	agent_set_error(a, why);
	agent_show(a);
}

static void begin_news(struct agent *a);

static void on_routes_changed(void *arg, int error, const char *why)
{
	struct agent *a = arg;

	if (error < 0)
		refuse_news(a, why);
	else
		take_news(a, &a->changing);
	news_done(&a->changing);
	begin_news(a);
}

/* What waits, when nothing else is under way. */
static void begin_news(struct agent *a)
{
	const struct description *d = &a->changing.description;
	int r;

	if (a->changing.is_there || !a->waiting.is_there)
		return;
	a->changing = a->waiting;
	a->waiting = (struct agent_news){.json = NULL};
	if (a->config->own_routes || !a->network) {
		on_routes_changed(a, 0, "");
		return;
	}
	r = network_change_routes(a->network, a->loop, d->routes, d->n_routes, on_routes_changed,
				  a);
	if (r < 0)
		on_routes_changed(a, r, strerror(-r));
}

/* What will have been told when all that is under way is done. */
static const struct description *last_told(const struct agent *a)
{
	if (a->waiting.is_there)
		return &a->waiting.description;
	return a->changing.is_there ? &a->changing.description : &a->told;
}

void agent_describe(struct agent *a, struct description *d, const char *json, size_t len)
{
	struct agent_news news = {.len = len, .is_there = true};

	if (description_equal(last_told(a), d)) {
		description_done(d);
		return;
	}
	news.description = *d;
	memset(d, 0, sizeof(*d));
	news.json = json ? strndup(json, len) : NULL; /* without memory it is not kept */
	news_done(&a->waiting);
	a->waiting = news;
	begin_news(a);
}

void agent_forget_news(struct agent *a)
{
	news_done(&a->changing);
	news_done(&a->waiting);
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
	loop_timer_set(a->start_timer, CLOCK_NEVER);
	a->was_down = true;
	a->has_address6 = false;
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
	agent_forget_news(a);
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
	.on_address6 = on_address6,
	.on_down = on_down,
	.on_retry = on_retry,
	.on_end = on_tunnel_end,
};
