/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/worker/agent.h"

static int64_t wall(void)
{
	return time(NULL);
}

/* ---- facts ---- */

static void facts_done(struct agent_facts *f)
{
	free(f->routes);
	free(f->dns);
	free(f->domains);
	memset(f, 0, sizeof(*f));
}

/* Owned; NULL without memory, as if there were none. */
static char *routes_text(const struct prefix *routes, size_t n)
{
	char *text = NULL, one[PREFIX_TEXT_MAX];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? "," : "", prefix_format(&routes[i], one));
	fclose(f);
	return text;
}

static char *dns_text(const struct prefix *servers, size_t n)
{
	char text[AGENT_DNS_MAX * PREFIX_TEXT_MAX] = "", one[PREFIX_TEXT_MAX];
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? "," : "",
					prefix_format_address(&servers[i], one));
	return strdup(text);
}

static char *domains_text(const struct description *d)
{
	char text[DESCRIPTION_DOMAINS_MAX * DESCRIPTION_DOMAIN_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < d->n_domains; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? "," : "",
					d->domains[i]);
	return strdup(text);
}

void agent_take_facts(struct agent *a)
{
	struct prefix servers[AGENT_DNS_MAX];
	size_t n_dns = agent_dns(a, servers), n_routes = 0;
	const struct prefix *routes = a->network ? network_routes(a->network, &n_routes) : NULL;
	const char *vnet = agent_vnet(a);
	struct agent_facts now = {.routes = routes_text(routes, n_routes),
				  .dns = dns_text(servers, n_dns),
				  .domains = domains_text(&a->told)};

	strcpy(now.address, a->facts.address);
	strcpy(now.address6, a->facts.address6);
	snprintf(now.vnet, sizeof(now.vnet), "%s", vnet ? vnet : "");
	facts_done(&a->facts_before);
	a->facts_before = a->facts;
	a->facts = now;
}

void agent_fire(struct agent *a, const char *event, const char *reason)
{
	const struct agent_facts *now = &a->facts, *before = &a->facts_before;
	char pid[16] = "";
	const struct hook_variable variables[] = {
		{"SSTP_REASON", reason},	  {"SSTP_NAME", a->name},
		{"SSTP_GATEWAY", a->gateway},	  {"SSTP_APP_PID", pid},
		{"SSTP_ADDRESS", now->address},	  {"SSTP_OLD_ADDRESS", before->address},
		{"SSTP_ADDRESS6", now->address6}, {"SSTP_OLD_ADDRESS6", before->address6},
		{"SSTP_VNET", now->vnet},	  {"SSTP_OLD_VNET", before->vnet},
		{"SSTP_ROUTES", now->routes},	  {"SSTP_OLD_ROUTES", before->routes},
		{"SSTP_DNS", now->dns},		  {"SSTP_OLD_DNS", before->dns},
		{"SSTP_DOMAINS", now->domains},	  {"SSTP_OLD_DOMAINS", before->domains},
	};

	if (a->app)
		snprintf(pid, sizeof(pid), "%d", (int)a->app);
	log_info("event: %s", event);
	hook_fire(a->hook, event, variables, sizeof(variables) / sizeof(variables[0]));
}

/* ---- the status ---- */

static void set_name(struct agent *a)
{
	const char *path = a->config->profile_path;
	const char *base = path && strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	if (!base) {
		profile_default_name(a->config->gateway_port == 443 ? a->config->gateway_host
								    : a->gateway,
				     a->name);
		return;
	}
	snprintf(a->name, sizeof(a->name), "%s", base);
	if (strlen(a->name) > 5 && !strcmp(a->name + strlen(a->name) - 5, ".yaml"))
		a->name[strlen(a->name) - 5] = '\0';
}

/* Whoever may look into this process can enter it there, whether it has a name or none. */
static void set_netns_path(struct agent *a)
{
	if (a->netns_fd >= 0)
		snprintf(a->netns_path, sizeof(a->netns_path), "/proc/%d/fd/%d", (int)getpid(),
			 a->netns_fd);
	else
		snprintf(a->netns_path, sizeof(a->netns_path), "/proc/%d/ns/net", (int)getpid());
}

void agent_tell_init(struct agent *a)
{
	const struct worker_config *c = a->config;

	snprintf(a->gateway, sizeof(a->gateway), strchr(c->gateway_host, ':') ? "[%s]:%u" : "%s:%u",
		 c->gateway_host, c->gateway_port);
	set_name(a);
	set_netns_path(a);
	a->status = (struct status){
		.name = a->name, .gateway = a->gateway, .tun = c->tun, .netns = a->netns_path};
	agent_take_facts(a);
	agent_set_state(a, STATUS_CONNECTING);
}

void agent_tell_done(struct agent *a)
{
	facts_done(&a->facts);
	facts_done(&a->facts_before);
	status_remove();
}

void agent_set_state(struct agent *a, enum status_state state)
{
	if (a->status.state != state || !a->status.since)
		a->status.since = wall();
	a->status.state = state;
	if (state == STATUS_UP)
		a->status.retry_at = 0;
	agent_show(a);
}

void agent_set_error(struct agent *a, const char *error)
{
	snprintf(a->last_error, sizeof(a->last_error), "%s", error);
	a->status.last_error = a->last_error;
	a->status.last_error_at = wall();
}

/* What an app that starts now has; nothing before the first tunnel, and when the operator has taken it away. */
static void show_environment(const struct agent *a, struct status *s, struct agent_app_texts *texts)
{
	const struct app_params p = agent_app_params(a, texts);

	memset(s->environment, 0, sizeof(s->environment));
	if (a->facts.address[0] && s->state != STATUS_DISCONNECTED)
		app_variables(&p, s->environment);
	s->resolv_conf = p.resolv_conf;
}

void agent_show(struct agent *a)
{
	struct prefix servers[AGENT_DNS_MAX];
	struct agent_app_texts texts;
	struct status *s = &a->status;
	int r;

	s->address = s->state == STATUS_UP ? a->facts.address : NULL;
	s->address6 = s->address && a->has_address6 ? a->facts.address6 : NULL;
	s->vnet = agent_vnet(a);
	s->app_name = a->told.app[0] ? a->told.app : NULL;
	s->app = a->app;
	s->n_routes = 0;
	s->routes = a->network ? network_routes(a->network, &s->n_routes) : NULL;
	s->dns = servers;
	s->n_dns = agent_dns(a, servers);
	s->domains = a->told.domains;
	s->n_domains = s->n_dns ? a->told.n_domains : 0;
	show_environment(a, s, &texts);
	r = status_write(s);
	memset(s->environment, 0, sizeof(s->environment)); /* of this frame's texts */
	if (r < 0 && !a->status_failed)
		log_warning("cannot write the status for sstp-worker status: %s", strerror(-r));
	a->status_failed = r < 0;
}
