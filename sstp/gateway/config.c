/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/conf_file.h"
#include "sstp/base/conf_option.h"
#include "sstp/gateway/config_load.h"
#include "tun/tun.h"

_Static_assert((unsigned)CONF_OFFLOAD_TCP_READ == TUN_OFFLOAD_TSO_READ &&
		       (unsigned)CONF_OFFLOAD_UDP_READ == TUN_OFFLOAD_USO_READ &&
		       (unsigned)CONF_OFFLOAD_TCP_MERGE == TUN_OFFLOAD_TCP_MERGE &&
		       (unsigned)CONF_OFFLOAD_UDP_MERGE == TUN_OFFLOAD_UDP_MERGE &&
		       (unsigned)CONF_OFFLOAD_IO_URING == TUN_OFFLOAD_IO_URING,
	       "the file's switches are the device's");

static const char *const default_listen[] = {"0.0.0.0:443", "[::]:443"};

static const struct gateway_limits default_limits = {
	.sessions = 4096,
	.half_open = 512,
	.half_open_per_address = 64,
	.accept_rate_per_address = 50,
	.auth_failures_per_address = 10,
};

void load_at(struct load *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->where, sizeof(l->where), fmt, ap);
	va_end(ap);
}

int load_fail_at(struct load *l, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = conf_vfail_text(l->error, l->text, l->where, fmt, ap);
	va_end(ap);
	return r;
}

int load_fail(struct load *l, const char *fmt, ...)
{
	char text[CONF_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return load_fail_at(l, "'%s' %s", l->where, text);
}

int load_no_memory(struct load *l)
{
	conf_fail_plain(l->error, "%s: out of memory", l->path);
	return -ENOMEM;
}

int load_text(struct load *l, const char *text, char **ret_text)
{
	char *copy = strdup(text);

	if (!copy)
		return load_no_memory(l);
	*ret_text = copy;
	return 0;
}

static bool is_port(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= 5 && strspn(text, "0123456789") == len && *text != '0' &&
	       atoi(text) <= 65535;
}

/* "192.0.2.1:443" or "[2001:db8::1]:443". */
static bool is_endpoint(const char *text)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool is_v6 = *text == '[';

	if (!len || !is_port(colon + 1) || len >= sizeof(host))
		return false;
	if (is_v6 && text[len - 1] != ']')
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(is_v6 ? len - 2 : len), text + is_v6);
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, host, &addr) == 1;
}

int load_check_endpoint(struct load *l, const char *text)
{
	char buf[64];

	if (is_endpoint(text))
		return 0;
	return load_fail(l, "must be ADDRESS:PORT, such as 0.0.0.0:443 or [::]:443, not '%s'",
			 log_escape(buf, sizeof(buf), text, strlen(text)));
}

static int load_endpoint(struct load *l, const char *text, size_t i)
{
	int r;

	load_at(l, "listen[%zu]", i);
	r = load_check_endpoint(l, text);
	if (r)
		return r;
	for (size_t j = 0; j < i; j++)
		if (!strcmp(l->config->listen[j], text))
			return load_fail(l, "is the same as 'listen[%zu]'", j);
	r = load_text(l, text, &l->config->listen[i]);
	l->config->n_listen += r == 0;
	return r;
}

static int load_listen(struct load *l)
{
	const char *const *texts = (const char *const *)l->raw->listen;
	size_t n = l->raw->listen_count;
	int r = 0;

	if (!texts) {
		texts = default_listen;
		n = CYAML_ARRAY_LEN(default_listen);
	}
	l->config->listen = calloc(n, sizeof(*l->config->listen));
	if (!l->config->listen)
		return load_no_memory(l);
	for (size_t i = 0; i < n && !r; i++)
		r = load_endpoint(l, texts[i], i);
	return r;
}

static int load_auth(struct load *l)
{
	const struct gateway_raw_auth *raw = &l->raw->auth;
	struct gateway_auth *auth = &l->config->auth;

	auth->mschapv2 = raw->mschapv2 ? *raw->mschapv2 : true;
	auth->eap_mschapv2 = raw->eap_mschapv2 ? *raw->eap_mschapv2 : true;
	auth->eap_tls = raw->eap_tls ? *raw->eap_tls : true;
	auth->eap_tls_pppd249 = raw->eap_tls_pppd249 ? *raw->eap_tls_pppd249 : false;
	auth->pap = raw->pap ? *raw->pap : false;
	load_at(l, "auth");
	if (auth->mschapv2 || auth->eap_mschapv2 || auth->eap_tls || auth->pap)
		return 0;
	return load_fail(l, "must allow at least one of: mschapv2, eap_mschapv2, eap_tls, pap");
}

static void override(uint32_t *value, const uint32_t *given)
{
	if (given)
		*value = *given;
}

static void load_limits(struct load *l)
{
	const struct gateway_raw_limits *raw = &l->raw->limits;
	struct gateway_limits *limits = &l->config->limits;

	*limits = default_limits;
	override(&limits->sessions, raw->sessions);
	override(&limits->half_open, raw->half_open);
	override(&limits->half_open_per_address, raw->half_open_per_address);
	override(&limits->accept_rate_per_address, raw->accept_rate_per_address);
	override(&limits->auth_failures_per_address, raw->auth_failures_per_address);
}

static int load_threads(struct load *l)
{
	const char *text = l->raw->threads;
	uint64_t n = 0;
	char buf[64];

	load_at(l, "threads");
	if (text && strcmp(text, "auto") &&
	    (!conf_is_number(text, &n) || n < 1 || n > GATEWAY_THREADS_MAX))
		return load_fail(l, "must be auto or a whole number 1..%d, not '%s'",
				 GATEWAY_THREADS_MAX,
				 log_escape(buf, sizeof(buf), text, strlen(text)));
	l->config->threads = (unsigned)n;
	return 0;
}

static int load_sections(struct load *l)
{
	static const struct conf_offload_raw no_options;
	int r = load_text(l, l->path, &l->config->path);

	l->config->log = conf_log_resolve(&l->raw->log);
	l->config->congestion = conf_congestion_resolve(l->raw->congestion);
	l->config->offload = conf_offload_resolve(&no_options, &l->raw->offload);
	load_limits(l);
	if (!r)
		r = load_threads(l);
	if (!r)
		r = load_listen(l);
	if (!r)
		r = load_auth(l);
	if (!r)
		r = load_vnets(l);
	if (!r)
		r = load_certificates(l);
	if (!r)
		r = load_control(l);
	if (!r)
		r = load_api(l);
	if (!r)
		r = load_users(l);
	return r;
}

/* path: NULL: there is none. */
static void warn_exposed_file(const char *path, const char *what)
{
	if (path && conf_file_is_exposed(path))
		log_warning("%s %s and every user can read it: chmod o-r", path, what);
}

static void warn_exposed(const struct gateway_config *config)
{
	bool has_secrets = false;

	for (size_t i = 0; i < config->n_users; i++)
		has_secrets |= config->users[i].has_nt_hash || config->users[i].password.len;
	if (has_secrets && conf_file_is_exposed(config->path))
		log_warning("%s holds passwords and every user can read it: chmod o-r",
			    config->path);
	for (size_t i = 0; i < config->n_certificates; i++)
		warn_exposed_file(config->certificates[i].key, "is a private key");
	warn_exposed_file(config->api.key, "is a private key");
	warn_exposed_file(config->api.token_file, "holds the API's tokens");
}

static void wipe_text(char *text)
{
	if (text)
		secret_wipe_bytes(text, strlen(text));
}

static void raw_free(struct gateway_raw *raw)
{
	for (size_t i = 0; i < raw->users_count; i++) {
		wipe_text(raw->users[i].password);
		wipe_text(raw->users[i].nt_hash);
	}
	conf_free(&gateway_schema, raw);
}

int gateway_config_parse(const struct conf_text *text, bool looks_at_files,
			 struct gateway_config **ret_config, struct conf_error *ret_error)
{
	struct load l = {.path = text->path,
			 .text = text,
			 .looks_at_files = looks_at_files,
			 .error = ret_error};
	void *raw;
	int r = conf_load_text(text, &gateway_schema, &raw, ret_error);

	if (r)
		return r;
	l.raw = raw;
	l.config = calloc(1, sizeof(*l.config));
	r = l.config ? load_sections(&l) : load_no_memory(&l);
	raw_free(raw);
	if (r) {
		gateway_config_free(l.config);
		return r;
	}
	if (looks_at_files)
		warn_exposed(l.config);
	*ret_config = l.config;
	return 0;
}

int gateway_config_load(const char *path, struct gateway_config **ret_config,
			struct conf_error *ret_error)
{
	return gateway_config_parse(&(struct conf_text){.path = path}, true, ret_config, ret_error);
}

void gateway_config_free(struct gateway_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_users; i++)
		user_done(&config->users[i]);
	for (size_t i = 0; i < config->n_vnets; i++)
		vnet_done(&config->vnets[i]);
	for (size_t i = 0; i < config->n_listen; i++)
		free(config->listen[i]);
	for (size_t i = 0; i < config->n_certificates; i++)
		certificate_done(&config->certificates[i]);
	control_done(config);
	api_done(&config->api);
	free(config->users);
	free(config->vnets);
	free(config->listen);
	free(config->certificates);
	free(config->path);
	free(config);
}
