/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdbool.h>

#include "sstp/base/conf_file.h"
#include "sstp/gateway/config.h"

static void print_text(FILE *f, const char *key, const char *text)
{
	fprintf(f, "%s: ", key);
	conf_print_text(f, text);
	fputc('\n', f);
}

static void print_bool(FILE *f, const char *key, bool value)
{
	fprintf(f, "%s: %s\n", key, value ? "true" : "false");
}

static void print_limits(FILE *f, const struct gateway_limits *limits)
{
	fputs("limits:\n", f);
	fprintf(f, "  sessions: %u\n", limits->sessions);
	fprintf(f, "  half_open: %u\n", limits->half_open);
	fprintf(f, "  half_open_per_address: %u\n", limits->half_open_per_address);
	fprintf(f, "  accept_rate_per_address: %u\n", limits->accept_rate_per_address);
	fprintf(f, "  auth_failures_per_address: %u\n", limits->auth_failures_per_address);
}

static void print_threads(FILE *f, unsigned threads)
{
	if (threads)
		fprintf(f, "threads: %u\n", threads);
	else
		fputs("threads: auto\n", f);
}

static void print_prefixes(FILE *f, const char *key, const struct prefix *list, size_t n)
{
	char buf[PREFIX_TEXT_MAX];

	fprintf(f, "    %s:\n", key);
	for (size_t i = 0; i < n; i++)
		fprintf(f, list[i].family == AF_INET6 ? "      - \"%s\"\n" : "      - %s\n",
			prefix_format(&list[i], buf));
}

static const char *address_text(uint32_t addr_be, char buf[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &addr_be, buf, INET_ADDRSTRLEN);
}

static void print_dns(FILE *f, const struct gateway_vnet *v)
{
	char buf[INET6_ADDRSTRLEN];
	const char *between = "";

	fputs("    dns_servers: [", f);
	for (size_t i = 0; i < GATEWAY_DNS_MAX && v->dns_be[i]; i++, between = ", ")
		fprintf(f, "%s%s", between, address_text(v->dns_be[i], buf));
	for (size_t i = 0; i < v->n_dns6; i++, between = ", ")
		fprintf(f, "%s\"%s\"", between, inet_ntop(AF_INET6, v->dns6[i], buf, sizeof(buf)));
	fputs("]\n", f);
}

static void print_domains(FILE *f, const struct gateway_vnet *v)
{
	for (size_t i = 0; i < v->n_domains; i++)
		fprintf(f, "%s\"%s\"", i ? ", " : "    search_domains: [", v->domains[i]);
	fputs(v->n_domains ? "]\n" : "", f);
}

static void print_vnet(FILE *f, const struct gateway_vnet *v)
{
	char buf[INET_ADDRSTRLEN];

	print_text(f, "  - name", v->name);
	print_prefixes(f, "address_spaces", v->address_spaces, v->n_address_spaces);
	print_prefixes(f, "pools", v->pools, v->n_pools);
	print_dns(f, v);
	print_domains(f, v);
	fprintf(f, "    gateway_address: %s\n", address_text(v->gateway_be, buf));
	print_text(f, "    tun", v->tun);
	if (v->netns)
		print_text(f, "    netns", v->netns);
	fprintf(f, "    mtu: %u\n", v->mtu);
	print_bool(f, "    client_to_client", v->client_to_client);
}

static void print_certificate(FILE *f, const struct gateway_config *config,
			      const struct gateway_certificate *c)
{
	print_text(f, "  - certificate", c->certificate);
	print_text(f, "    key", c->key);
	if (c->vnet != GATEWAY_ANY_VNET)
		print_text(f, "    vnet", config->vnets[c->vnet].name);
}

/* The default stands by itself, unless it says more than that form can. */
static void print_certificates(FILE *f, const struct gateway_config *config)
{
	const struct gateway_certificate *first = &config->certificates[0];
	size_t i = config->n_certificates && first->vnet == GATEWAY_ANY_VNET;

	if (i) {
		print_text(f, "certificate", first->certificate);
		print_text(f, "key", first->key);
	}
	if (i < config->n_certificates)
		fputs("certificates:\n", f);
	for (; i < config->n_certificates; i++)
		print_certificate(f, config, &config->certificates[i]);
}

static void print_api(FILE *f, const struct gateway_api *api)
{
	if (!api->listen)
		return;
	fprintf(f, "api:\n  listen: \"%s\"\n", api->listen);
	print_text(f, "  certificate", api->certificate);
	print_text(f, "  key", api->key);
	if (api->client_ca)
		print_text(f, "  client_ca", api->client_ca);
	if (api->token_file)
		print_text(f, "  token_file", api->token_file);
}

static void print_namespaces(FILE *f, const struct gateway_config *config)
{
	const char *comma = "";

	fputs("attach_namespaces: [", f);
	if (config->attaches_anywhere)
		fputs("any", f);
	for (size_t i = 0; i < config->n_attach_namespaces; i++) {
		fputs(comma, f);
		conf_print_text(f, config->attach_namespaces[i]);
		comma = ", ";
	}
	fputs("]\n", f);
}

/* Without a control process its keys stand for nothing, and one of them would start it. */
static void print_control(FILE *f, const struct gateway_config *config)
{
	if (!config->has_control)
		return;
	if (config->n_names)
		fputs("names:\n", f);
	for (size_t i = 0; i < config->n_names; i++) {
		fputs("  - ", f);
		conf_print_text(f, config->names[i]);
		fputc('\n', f);
	}
	print_text(f, "state", config->state);
	print_text(f, "control_socket", config->control_socket);
	print_text(f, "bird_socket", config->bird_socket);
	print_bool(f, "strict", config->is_strict);
	print_namespaces(f, config);
	print_api(f, &config->api);
}

static void print_users(FILE *f, const struct gateway_config *config)
{
	if (!config->n_users)
		return;
	fputs("users: # secrets are not shown; \"*\" stands for them, and loads as a locked user\n",
	      f);
	for (size_t i = 0; i < config->n_users; i++) {
		print_text(f, "  - name", config->users[i].name);
		fputs("    nt_hash: \"*\"\n", f);
		print_text(f, "    vnet", config->vnets[config->users[i].vnet].name);
	}
}

void gateway_config_print(FILE *f, const struct gateway_config *config)
{
	fputs("listen:\n", f);
	for (size_t i = 0; i < config->n_listen; i++)
		fprintf(f, "  - \"%s\"\n", config->listen[i]);
	print_certificates(f, config);
	print_control(f, config);
	conf_log_print(f, &config->log);
	fputs("auth:\n", f);
	print_bool(f, "  mschapv2", config->auth.mschapv2);
	print_bool(f, "  eap_mschapv2", config->auth.eap_mschapv2);
	print_bool(f, "  eap_tls", config->auth.eap_tls);
	print_bool(f, "  eap_tls_pppd249", config->auth.eap_tls_pppd249);
	print_bool(f, "  pap", config->auth.pap);
	print_limits(f, &config->limits);
	print_threads(f, config->threads);
	conf_congestion_print(f, config->congestion);
	conf_offload_print(f, config->offload);
	fputs("vnets:\n", f);
	for (size_t i = 0; i < config->n_vnets; i++)
		print_vnet(f, &config->vnets[i]);
	print_users(f, config);
}
