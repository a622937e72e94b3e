/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sstp/base/conf_file.h"
#include "sstp/worker/config.h"
#include "sstp/worker/config_schema.h"

static void print_text(FILE *f, const char *key, const char *text)
{
	if (!text)
		return;
	fprintf(f, "%s: ", key);
	conf_print_text(f, text);
	fputc('\n', f);
}

static void print_netns(FILE *f, const struct worker_config *config)
{
	switch (config->netns_mode) {
	case WORKER_NETNS_OWN: fputs("own_netns: true\n", f); break;
	case WORKER_NETNS_CURRENT: fputs("current_netns: true\n", f); break;
	case WORKER_NETNS_NAMED: print_text(f, "netns", config->netns); break;
	}
}

static void print_routes(FILE *f, const struct worker_config *config)
{
	char buf[PREFIX_TEXT_MAX];

	fprintf(f, "routes:%s\n", config->n_routes ? "" : " []");
	for (size_t i = 0; i < config->n_routes; i++)
		fprintf(f, "  - %s\n", prefix_format(&config->routes[i], buf));
}

static void print_dns(FILE *f, const struct worker_config *config)
{
	char buf[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < config->n_dns; i++)
		fprintf(f, "%s%s%s", i ? "," : "dns_server: \"",
			prefix_format_address(&config->dns[i], buf),
			i + 1 < config->n_dns ? "" : "\"\n");
	if (config->dns_alt.family)
		fprintf(f, "dns_alt_server: \"%s\"\n",
			prefix_format_address(&config->dns_alt, buf));
}

void worker_config_print(FILE *f, const struct worker_config *config)
{
	bool is_ipv6 = strchr(config->gateway_host, ':') != NULL;

	print_text(f, "profile", config->profile_path);
	fprintf(f, "gateway: \"%s%s%s:%u\"\n", is_ipv6 ? "[" : "", config->gateway_host,
		is_ipv6 ? "]" : "", config->gateway_port);
	print_text(f, "user", config->user);
	print_text(f, "password_file", config->password_file);
	if (config->user && !config->password_file)
		fputs("password: \"*\" # not shown\n", f);
	print_text(f, "ca", config->ca);
	print_text(f, "vnet_name", config->vnet_name);
	print_netns(f, config);
	print_routes(f, config);
	print_dns(f, config);
	fprintf(f, "restart_app: %s\n", worker_restarts[config->restart_app].str);
	print_text(f, "on_event", config->on_event);
	fprintf(f, "auth:\n  pap: %s\n  eap_mschapv2: %s\n", config->pap ? "true" : "false",
		config->eap_mschapv2 ? "true" : "false");
	fprintf(f, "renew_by_reconnect: %s\n", config->renew_by_reconnect ? "true" : "false");
	print_text(f, "tun", config->tun);
	fprintf(f, "mtu: %u\n", config->mtu);
	fprintf(f, "connect_timeout: %u\n", config->connect_timeout_s);
	conf_congestion_print(f, config->congestion);
	conf_offload_print(f, config->offload);
	conf_log_print(f, &config->log);
}
