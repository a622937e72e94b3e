/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_CONFIG_SCHEMA_H
#define SSTP_WORKER_CONFIG_SCHEMA_H
/*
 * The settings as given, in worker.yaml or on the command line: texts still, NULL where not given.
 * Private to config.
 */
#include "sstp/base/conf_log.h"
#include "sstp/base/conf_switches.h"

enum {
	WORKER_MTU_MIN = 576,
	WORKER_MTU_MAX = 4083,
	WORKER_TIMEOUT_MAX_S = 86400,
};

struct worker_raw_auth {
	bool *pap;
	bool *eap_mschapv2;
};

struct worker_raw {
	char *profile;
	char *gateway;
	char *user;
	char *password_file;
	char *password;
	char *ca;
	char *vnet_name;
	char *netns;
	bool *own_netns;
	bool *current_netns;
	char **routes;
	uint32_t routes_count;
	char *dns_server;
	char *dns_alt_server;
	int32_t *restart_app;
	char *on_event;
	struct worker_raw_auth auth;
	bool *renew_by_reconnect;
	char *tun;
	uint32_t *mtu;
	uint32_t *connect_timeout;
	int32_t *congestion;
	struct conf_offload_raw offload;
	struct conf_log_raw log;
};

extern const cyaml_schema_value_t worker_schema;
extern const cyaml_strval_t worker_restarts[3];

#endif
