/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sources of the same shape, the command line and the file. Each setting is picked from the
 * first that gives it, and what is wrong with it is told in that source's own terms: "--route ..."
 * or "worker.yaml:7: 'routes[2]' ...".
 */
#include "sstp/worker/config_load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/conf_file.h"
#include "sstp/worker/endpoint.h"
#include "sstp/worker/password.h"
#include "tun/tun.h"

_Static_assert((unsigned)CONF_OFFLOAD_TCP_READ == TUN_OFFLOAD_TSO_READ &&
		       (unsigned)CONF_OFFLOAD_UDP_READ == TUN_OFFLOAD_USO_READ &&
		       (unsigned)CONF_OFFLOAD_TCP_MERGE == TUN_OFFLOAD_TCP_MERGE &&
		       (unsigned)CONF_OFFLOAD_UDP_MERGE == TUN_OFFLOAD_UDP_MERGE &&
		       (unsigned)CONF_OFFLOAD_IO_URING == TUN_OFFLOAD_IO_URING,
	       "the settings' switches are the device's");

enum {
	DEFAULT_PORT = 443,
	DEFAULT_MTU = 1400,
	QUOTED_MAX = 80,
	WHERE_MAX = 64,
};

struct load {
	const char *path; /* of the file, or NULL */
	const struct worker_raw *cli;
	const struct worker_raw *file;
	struct worker_config *config;
	struct conf_error *error;
	/* the setting in hand */
	const char *option;    /* "--gateway" */
	char where[WHERE_MAX]; /* "gateway" */
	bool from_cli;
};

static void at(struct load *l, bool from_cli, const char *option, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void at(struct load *l, bool from_cli, const char *option, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->where, sizeof(l->where), fmt, ap);
	va_end(ap);
	l->option = option;
	l->from_cli = from_cli;
}

static int fail(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct load *l, const char *fmt, ...)
{
	char text[CONF_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (l->from_cli)
		return conf_fail_plain(l->error, "%s %s", l->option, text);
	return conf_fail(l->error, l->path, l->where, "'%s' %s", l->where, text);
}

static int fail_value(struct load *l, const char *what, const char *value)
{
	char buf[QUOTED_MAX];

	return fail(l, "%s, not '%s'", what, log_escape(buf, sizeof(buf), value, strlen(value)));
}

static int no_memory(struct load *l)
{
	conf_fail_plain(l->error, "out of memory");
	return -ENOMEM;
}

/* Takes a setting in hand: the text that counts, or NULL; need() and fail() will speak of it. */
static const char *pick(struct load *l, const char *cli, const char *file, const char *option,
			const char *where)
{
	at(l, cli != NULL, option, "%s", where);
	return cli ? cli : file;
}

static int need(struct load *l, const char *text)
{
	if (text)
		return 0;
	return conf_fail_plain(l->error, "no %s is given: use %s, or '%s' in a --config file",
			       l->option + 2, l->option, l->where);
}

static int copy(struct load *l, const char *text, char **ret_text)
{
	*ret_text = strdup(text);
	return *ret_text ? 0 : no_memory(l);
}

static bool is_word(const char *text)
{
	return !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._-")] &&
	       strcmp(text, ".") && strcmp(text, "..");
}

/* A name stands in the folder of profiles, a path in the working folder, or beside the file. */
static int find_profile(struct load *l, const char *name)
{
	char path[PROFILE_PATH_MAX];
	struct certs_error e;

	if (profile_path(name, path, &e) < 0)
		return fail(l, "cannot be used: %s", e.text);
	if (l->from_cli || !strchr(name, '/'))
		return copy(l, path, &l->config->profile_path);
	l->config->profile_path = conf_file_resolve(l->path, path);
	return l->config->profile_path ? 0 : no_memory(l);
}

static int load_profile(struct load *l)
{
	const char *name = pick(l, l->cli->profile, l->file->profile, "--profile", "profile");
	struct certs_error e;
	int r = name ? find_profile(l, name) : 0;

	if (r || !name)
		return r;
	r = profile_load(l->config->profile_path, &l->config->profile, &e);
	if (r == -ENOENT)
		return fail(l, "cannot be used: %s. A profile is made by sstp-worker enrol",
			    e.text);
	return r < 0 ? fail(l, "cannot be used: %s", e.text) : 0;
}

static bool has_profile(const struct load *l)
{
	return l->config->profile_path != NULL;
}

static int load_gateway(struct load *l)
{
	const char *text = pick(l, l->cli->gateway, l->file->gateway, "--gateway", "gateway");
	char *buf;
	char *host;
	int r;

	if (!text && has_profile(l))
		text = l->config->profile.gateway;
	if (!text)
		return conf_fail_plain(l->error,
				       "no gateway is given: use --profile, --gateway, or "
				       "'gateway' in a --config file");
	buf = strdup(text);
	if (!buf)
		return no_memory(l);
	l->config->gateway_port = DEFAULT_PORT;
	if (endpoint_split(buf, &host, &l->config->gateway_port))
		r = copy(l, host, &l->config->gateway_host);
	else
		r = fail_value(l, "must be HOST or HOST:PORT, such as vpn.example.com:443", text);
	free(buf);
	return r;
}

static bool has_control(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return true;
	return false;
}

static int load_user(struct load *l)
{
	const char *text = pick(l, l->cli->user, l->file->user, "--user", "user");
	int r = 0;

	if (!text && has_profile(l))
		return 0;
	r = need(l, text);
	if (!r && (strlen(text) > PASSWORD_MAX || has_control(text)))
		r = fail(l, "must be 1..256 bytes long, without control characters");
	return r ? r : copy(l, text, &l->config->user);
}

/* A file named on the command line is in the working folder, one named in the file beside that. */
static int resolve(struct load *l, const char *file, char **ret_path)
{
	*ret_path = l->from_cli ? strdup(file) : conf_file_resolve(l->path, file);
	return *ret_path ? 0 : no_memory(l);
}

static int load_password_file(struct load *l, const char *file)
{
	char buf[PASSWORD_PROBLEM_MAX];
	const char *problem;
	int r = resolve(l, file, &l->config->password_file);

	if (r)
		return r;
	problem = password_read(l->config->password_file, &l->config->password, buf);
	return problem ? fail(l, "%s %s", l->config->password_file, problem) : 0;
}

static int load_password(struct load *l)
{
	const char *file = pick(l, l->cli->password_file, l->file->password_file, "--password-file",
				"password_file");

	if (!l->cli->password_file && file && l->file->password)
		return fail(l, "and 'password' cannot both be given");
	if (file)
		return load_password_file(l, file);
	if (!l->file->password)
		return l->config->user ? need(l, NULL) : 0;
	return secret_set(&l->config->password, l->file->password, strlen(l->file->password));
}

static int load_ca(struct load *l)
{
	const char *file = pick(l, l->cli->ca, l->file->ca, "--ca", "ca");
	char buf[CONF_PROBLEM_MAX];
	const char *problem;
	int r = file ? resolve(l, file, &l->config->ca) : 0;

	if (r || !file)
		return r;
	problem = conf_file_pem_problem(l->config->ca, "CERTIFICATE", buf);
	return problem ? fail(l, "%s %s", l->config->ca, problem) : 0;
}

static int load_word(struct load *l, const char *text, size_t max, char **ret_text)
{
	if (!text)
		return 0;
	if (strlen(text) > max || !is_word(text))
		return fail(l, "must be 1..%zu letters, digits, '.', '_' and '-'", max);
	return copy(l, text, ret_text);
}

static bool is_set(const bool *flag)
{
	return flag && *flag;
}

/* The source that chooses a namespace; NULL: neither. */
static const struct worker_raw *netns_source(const struct load *l)
{
	const struct worker_raw *sources[] = {l->cli, l->file};

	for (size_t i = 0; i < 2; i++)
		if (sources[i]->netns || is_set(sources[i]->own_netns) ||
		    is_set(sources[i]->current_netns))
			return sources[i];
	return NULL;
}

static int fail_netns(struct load *l, const struct worker_raw *s)
{
	if (l->from_cli)
		return conf_fail_plain(l->error, "only one of --netns, --own-netns and "
						 "--current-netns can be given");
	return conf_fail(l->error, l->path, s->netns ? "netns" : "own_netns",
			 "only one of 'netns', 'own_netns' and 'current_netns' can be given");
}

static int load_netns(struct load *l)
{
	const struct worker_raw *s = netns_source(l);

	if (!s)
		return 0;
	at(l, s == l->cli, "--netns", "netns");
	if (!!s->netns + is_set(s->own_netns) + is_set(s->current_netns) > 1)
		return fail_netns(l, s);
	if (is_set(s->current_netns))
		l->config->netns_mode = WORKER_NETNS_CURRENT;
	if (!s->netns)
		return 0;
	l->config->netns_mode = WORKER_NETNS_NAMED;
	if (*s->netns == '/')
		return copy(l, s->netns, &l->config->netns);
	return load_word(l, s->netns, 255, &l->config->netns);
}

static int load_route(struct load *l, const char *text, struct prefix *ret_prefix)
{
	char buf[PREFIX_TEXT_MAX];
	int r;

	r = prefix_parse(text, ret_prefix);
	if (r == -EDOM)
		return fail(l, "has bits set behind its length: write %s",
			    prefix_format(ret_prefix, buf));
	return r ? fail_value(l, "must be a prefix, such as 10.1.0.0/16", text) : 0;
}

static int take_routes_of_profile(struct load *l)
{
	const struct description *d = &l->config->profile.enrolment.description;
	struct prefix *routes = calloc(d->n_routes + 1, sizeof(*routes));

	if (!routes)
		return no_memory(l);
	for (size_t i = 0; i < d->n_routes; i++)
		routes[i] = d->routes[i];
	free(l->config->routes);
	l->config->routes = routes;
	l->config->n_routes = d->n_routes;
	return 0;
}

static int load_routes(struct load *l)
{
	const struct worker_raw *s = l->cli->routes_count ? l->cli : l->file;
	struct prefix *routes = calloc(s->routes_count + 1, sizeof(*routes));
	int r = 0;

	if (!routes)
		return no_memory(l);
	l->config->routes = routes;
	if (has_profile(l) && !l->cli->routes_count && !l->file->routes)
		return take_routes_of_profile(l);
	l->config->own_routes = s->routes_count > 0 || s->routes;
	l->config->n_routes = s->routes_count;
	for (size_t i = 0; i < s->routes_count && !r; i++) {
		at(l, s == l->cli, "--route", "routes[%zu]", i);
		r = load_route(l, s->routes[i], &routes[i]);
		for (size_t j = 0; j < i && !r; j++)
			if (prefix_equal(&routes[i], &routes[j]))
				r = fail(l, "%s is there twice", s->routes[i]);
	}
	return r;
}

static int load_tun(struct load *l)
{
	const char *text = pick(l, l->cli->tun, l->file->tun, "--tun", "tun");

	return load_word(l, text ? text : "vnet0", 15, &l->config->tun);
}

static int load_vnet_name(struct load *l)
{
	const char *text =
		pick(l, l->cli->vnet_name, l->file->vnet_name, "--vnet-name", "vnet_name");

	l->config->own_vnet_name = text != NULL;
	if (!text && l->config->profile.enrolment.description.vnet[0])
		text = l->config->profile.enrolment.description.vnet;
	return load_word(l, text, 64, &l->config->vnet_name);
}

/*
 * Beside the two sources the original's variable, as an app's setting. Where WEBSITE_PRIVATE_IP is set we
 * are started by another worker's app: what stands there is that one's network's.
 */
static const char *pick_dns(struct load *l, const char *cli, const char *file, const char *option,
			    const char *where, const char *variable)
{
	const char *text = pick(l, cli, file, option, where);

	if (text || getenv("WEBSITE_PRIVATE_IP") || !getenv(variable) || !*getenv(variable))
		return text;
	at(l, true, variable, "%s", where);
	return getenv(variable);
}

static int load_dns_servers(struct load *l)
{
	const char *text = pick_dns(l, l->cli->dns_server, l->file->dns_server, "--dns-server",
				    "dns_server", "WEBSITE_DNS_SERVER");
	char one[PREFIX_TEXT_MAX];

	for (; text; text = strchr(text, ',') ? strchr(text, ',') + 1 : NULL) {
		if (l->config->n_dns == WORKER_DNS_MAX)
			return fail(l, "holds more than two addresses");
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(text, ","), text);
		if (description_server(one, &l->config->dns[l->config->n_dns++]) < 0)
			return fail_value(l,
					  "must be one or two addresses, such as "
					  "10.20.0.4,10.20.0.5",
					  text);
	}
	return 0;
}

static int load_dns(struct load *l)
{
	int r = load_dns_servers(l);
	const char *text;

	if (r)
		return r;
	text = pick_dns(l, l->cli->dns_alt_server, l->file->dns_alt_server, "--dns-alt-server",
			"dns_alt_server", "WEBSITE_DNS_ALT_SERVER");
	if (text && description_server(text, &l->config->dns_alt) < 0)
		return fail_value(l, "must be an address", text);
	return 0;
}

static int load_event(struct load *l)
{
	const char *text = pick(l, l->cli->on_event, l->file->on_event, "--on-event", "on_event");

	return text ? copy(l, text, &l->config->on_event) : 0;
}

static void load_scalars(struct load *l)
{
	const struct worker_raw *cli = l->cli;
	const struct worker_raw *file = l->file;
	const struct conf_log_raw log = {
		.level = cli->log.level ? cli->log.level : file->log.level,
		.target = cli->log.target ? cli->log.target : file->log.target,
	};
	const uint32_t *mtu = cli->mtu ? cli->mtu : file->mtu;
	const uint32_t *timeout =
		cli->connect_timeout ? cli->connect_timeout : file->connect_timeout;

	l->config->mtu = mtu ? (uint16_t)*mtu : DEFAULT_MTU;
	l->config->connect_timeout_s = timeout ? *timeout : 0;
	l->config->congestion =
		conf_congestion_resolve(cli->congestion ? cli->congestion : file->congestion);
	l->config->offload = conf_offload_resolve(&cli->offload, &file->offload);
	l->config->pap = is_set(cli->auth.pap) || is_set(file->auth.pap);
	l->config->eap_mschapv2 = cli->auth.eap_mschapv2
					  ? *cli->auth.eap_mschapv2
					  : !file->auth.eap_mschapv2 || *file->auth.eap_mschapv2;
	if (cli->restart_app || file->restart_app)
		l->config->restart_app = (enum worker_restart)(
			cli->restart_app ? *cli->restart_app : *file->restart_app);
	l->config->renew_by_reconnect =
		is_set(cli->renew_by_reconnect) || is_set(file->renew_by_reconnect);
	l->config->log = conf_log_resolve(&log);
}

int worker_load(const char *path, const struct worker_raw *cli, const struct worker_raw *file,
		struct worker_config *config, struct conf_error *ret_error)
{
	static int (*const steps[])(struct load * l) = {
		load_profile, load_gateway, load_user, load_password, load_ca,	  load_vnet_name,
		load_netns,   load_routes,  load_tun,  load_dns,      load_event,
	};
	struct load l = {
		.path = path, .cli = cli, .file = file, .config = config, .error = ret_error};
	int r = 0;

	load_scalars(&l);
	for (size_t i = 0; i < CYAML_ARRAY_LEN(steps) && !r; i++)
		r = steps[i](&l);
	return r;
}
