/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CONFIG_SCHEMA_H
#define SSTP_GATEWAY_CONFIG_SCHEMA_H
/*
 * gateway.yaml as libcyaml decodes it: texts still, NULL where a key is absent. Private to config.
 */
#include "sstp/base/conf_log.h"
#include "sstp/base/conf_switches.h"

struct gateway_raw_auth {
	bool *mschapv2;
	bool *eap_mschapv2;
	bool *eap_tls;
	bool *eap_tls_pppd249;
	bool *pap;
};

struct gateway_raw_limits {
	uint32_t *sessions;
	uint32_t *half_open;
	uint32_t *half_open_per_address;
	uint32_t *accept_rate_per_address;
	uint32_t *auth_failures_per_address;
};

struct gateway_raw_api {
	char *listen;
	char *certificate;
	char *key;
	char *client_ca;
	char *token_file;
};

struct gateway_raw_vnet {
	char *name;
	char **address_spaces;
	uint32_t address_spaces_count;
	char **pools;
	uint32_t pools_count;
	char **dns_servers;
	uint32_t dns_servers_count;
	char **search_domains;
	uint32_t search_domains_count;
	char *gateway_address;
	char *tun;
	char *netns;
	uint32_t *mtu;
	bool *client_to_client;
};

struct gateway_raw_certificate {
	char *certificate;
	char *key;
	char *vnet;
};

struct gateway_raw_user {
	char *name;
	char *nt_hash;
	char *password;
	char *vnet;
};

struct gateway_raw {
	char **listen;
	uint32_t listen_count;
	char *certificate;
	char *key;
	struct gateway_raw_certificate *certificates;
	uint32_t certificates_count;
	char **names;
	uint32_t names_count;
	char *state;
	char *control_socket;
	char *bird_socket;
	bool *strict;
	char **attach_namespaces;
	uint32_t attach_namespaces_count;
	struct gateway_raw_api *api;
	struct conf_log_raw log;
	struct gateway_raw_auth auth;
	struct gateway_raw_limits limits;
	char *threads;
	int32_t *congestion;
	struct conf_offload_raw offload;
	struct gateway_raw_vnet *vnets;
	uint32_t vnets_count;
	struct gateway_raw_user *users;
	uint32_t users_count;
};

extern const cyaml_schema_value_t gateway_schema;

#endif
