/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/config_schema.h"

#include <limits.h>

#include "sstp/worker/config.h"

enum {
	OPTIONAL = CYAML_FLAG_OPTIONAL,
	LIST = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
};

static const cyaml_schema_value_t text = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 255)};

const cyaml_strval_t worker_restarts[3] = {
	{"never", WORKER_RESTART_NEVER},
	{"on-address-change", WORKER_RESTART_ON_ADDRESS_CHANGE},
	{"always", WORKER_RESTART_ALWAYS},
};

static const cyaml_schema_field_t auth_fields[] = {
	CONF_FIELD_BOOL("pap", OPTIONAL, struct worker_raw_auth, pap),
	CONF_FIELD_BOOL("eap_mschapv2", OPTIONAL, struct worker_raw_auth, eap_mschapv2),
	CYAML_FIELD_END,
};

#define TEXT(_name, _max) \
	CYAML_FIELD_STRING_PTR(#_name, OPTIONAL, struct worker_raw, _name, 1, _max)

static const cyaml_schema_field_t fields[] = {
	TEXT(profile, PATH_MAX - 1),
	TEXT(gateway, 300),
	TEXT(user, 256),
	TEXT(password_file, PATH_MAX - 1),
	TEXT(password, 256),
	TEXT(ca, PATH_MAX - 1),
	TEXT(vnet_name, 64),
	TEXT(netns, 255),
	CONF_FIELD_BOOL("own_netns", OPTIONAL, struct worker_raw, own_netns),
	CONF_FIELD_BOOL("current_netns", OPTIONAL, struct worker_raw, current_netns),
	CYAML_FIELD_SEQUENCE("routes", LIST, struct worker_raw, routes, &text, 0,
			     WORKER_ROUTES_MAX),
	TEXT(dns_server, 255),
	TEXT(dns_alt_server, 255),
	CONF_FIELD_ENUM("restart_app", OPTIONAL, struct worker_raw, restart_app, worker_restarts),
	TEXT(on_event, WORKER_EVENT_MAX),
	CYAML_FIELD_MAPPING("auth", OPTIONAL, struct worker_raw, auth, auth_fields),
	CONF_FIELD_BOOL("renew_by_reconnect", OPTIONAL, struct worker_raw, renew_by_reconnect),
	TEXT(tun, 15),
	CONF_FIELD_UINT("mtu", OPTIONAL, struct worker_raw, mtu, WORKER_MTU_MIN, WORKER_MTU_MAX),
	CONF_FIELD_UINT("connect_timeout", OPTIONAL, struct worker_raw, connect_timeout, 0,
			WORKER_TIMEOUT_MAX_S),
	CONF_FIELD_ENUM("congestion", OPTIONAL, struct worker_raw, congestion, conf_congestions),
	CYAML_FIELD_MAPPING("offload", OPTIONAL, struct worker_raw, offload, conf_offload_fields),
	CYAML_FIELD_MAPPING("log", OPTIONAL, struct worker_raw, log, conf_log_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t worker_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct worker_raw, fields)};
