/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/config_schema.h"

#include <limits.h>

#include "sstp/gateway/config.h"

enum {
	OPTIONAL = CYAML_FLAG_OPTIONAL,
	REQUIRED = CYAML_FLAG_DEFAULT,
	LIST = CYAML_FLAG_POINTER,
	LIMIT_MAX = 1 << 20,
	TUN_NAME_MAX = 15, /* IFNAMSIZ without its zero */
	NAME_MAX_BYTES = 64,
	USER_MAX_BYTES = 256, /* of a name or password on the wire */
	NT_HASH_DIGITS = 32,
	CERTIFICATES_MAX = 256,
	SOCKET_PATH_MAX = 107, /* of a unix socket, without its zero */
};

static const cyaml_schema_value_t text = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 255)};

static const cyaml_schema_field_t auth_fields[] = {
	CONF_FIELD_BOOL("mschapv2", OPTIONAL, struct gateway_raw_auth, mschapv2),
	CONF_FIELD_BOOL("eap_mschapv2", OPTIONAL, struct gateway_raw_auth, eap_mschapv2),
	CONF_FIELD_BOOL("eap_tls", OPTIONAL, struct gateway_raw_auth, eap_tls),
	CONF_FIELD_BOOL("eap_tls_pppd249", OPTIONAL, struct gateway_raw_auth, eap_tls_pppd249),
	CONF_FIELD_BOOL("pap", OPTIONAL, struct gateway_raw_auth, pap),
	CYAML_FIELD_END,
};

#define LIMIT(_name) \
	CONF_FIELD_UINT(#_name, OPTIONAL, struct gateway_raw_limits, _name, 0, LIMIT_MAX)

static const cyaml_schema_field_t limits_fields[] = {
	LIMIT(sessions),
	LIMIT(half_open),
	LIMIT(half_open_per_address),
	LIMIT(accept_rate_per_address),
	LIMIT(auth_failures_per_address),
	CYAML_FIELD_END,
};

#define API_TEXT(_name, _flags, _max) \
	CYAML_FIELD_STRING_PTR(#_name, _flags, struct gateway_raw_api, _name, 1, _max)

static const cyaml_schema_field_t api_fields[] = {
	API_TEXT(listen, REQUIRED, 255),
	API_TEXT(certificate, REQUIRED, PATH_MAX - 1),
	API_TEXT(key, REQUIRED, PATH_MAX - 1),
	API_TEXT(client_ca, OPTIONAL, PATH_MAX - 1),
	API_TEXT(token_file, OPTIONAL, PATH_MAX - 1),
	CYAML_FIELD_END,
};

#define VNET_TEXT(_name, _flags, _max) \
	CYAML_FIELD_STRING_PTR(#_name, _flags, struct gateway_raw_vnet, _name, 1, _max)
#define VNET_LIST(_name, _flags, _min, _max)                                                       \
	CYAML_FIELD_SEQUENCE(#_name, LIST | (_flags), struct gateway_raw_vnet, _name, &text, _min, \
			     _max)

static const cyaml_schema_field_t vnet_fields[] = {
	VNET_TEXT(name, REQUIRED, NAME_MAX_BYTES),
	VNET_LIST(address_spaces, REQUIRED, 1, 1024),
	VNET_LIST(pools, REQUIRED, 1, 16),
	VNET_LIST(dns_servers, OPTIONAL, 0, 2 * GATEWAY_DNS_MAX),
	VNET_LIST(search_domains, OPTIONAL, 0, GATEWAY_DOMAINS_MAX),
	VNET_TEXT(gateway_address, OPTIONAL, 255),
	VNET_TEXT(tun, OPTIONAL, TUN_NAME_MAX),
	VNET_TEXT(netns, OPTIONAL, 255),
	CONF_FIELD_UINT("mtu", OPTIONAL, struct gateway_raw_vnet, mtu, 576, 4083),
	CONF_FIELD_BOOL("client_to_client", OPTIONAL, struct gateway_raw_vnet, client_to_client),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t vnet = {
	CYAML_VALUE_MAPPING(REQUIRED, struct gateway_raw_vnet, vnet_fields)};

#define CERTIFICATE_TEXT(_name, _flags, _max) \
	CYAML_FIELD_STRING_PTR(#_name, _flags, struct gateway_raw_certificate, _name, 1, _max)

static const cyaml_schema_field_t certificate_fields[] = {
	CERTIFICATE_TEXT(certificate, REQUIRED, PATH_MAX - 1),
	CERTIFICATE_TEXT(key, REQUIRED, PATH_MAX - 1),
	CERTIFICATE_TEXT(vnet, OPTIONAL, NAME_MAX_BYTES),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t certificate = {
	CYAML_VALUE_MAPPING(REQUIRED, struct gateway_raw_certificate, certificate_fields)};

#define USER_TEXT(_name, _flags, _min, _max) \
	CYAML_FIELD_STRING_PTR(#_name, _flags, struct gateway_raw_user, _name, _min, _max)

static const cyaml_schema_field_t user_fields[] = {
	USER_TEXT(name, REQUIRED, 1, USER_MAX_BYTES),
	USER_TEXT(nt_hash, OPTIONAL, 1, NT_HASH_DIGITS),
	USER_TEXT(password, OPTIONAL, 1, USER_MAX_BYTES),
	USER_TEXT(vnet, REQUIRED, 1, NAME_MAX_BYTES),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t user = {
	CYAML_VALUE_MAPPING(REQUIRED, struct gateway_raw_user, user_fields)};

static const cyaml_schema_field_t fields[] = {
	CYAML_FIELD_SEQUENCE("listen", LIST | OPTIONAL, struct gateway_raw, listen, &text, 1, 16),
	CYAML_FIELD_STRING_PTR("certificate", OPTIONAL, struct gateway_raw, certificate, 1,
			       PATH_MAX - 1),
	CYAML_FIELD_STRING_PTR("key", OPTIONAL, struct gateway_raw, key, 1, PATH_MAX - 1),
	CYAML_FIELD_SEQUENCE("certificates", LIST | OPTIONAL, struct gateway_raw, certificates,
			     &certificate, 1, CERTIFICATES_MAX),
	CYAML_FIELD_SEQUENCE("names", LIST | OPTIONAL, struct gateway_raw, names, &text, 1,
			     GATEWAY_NAMES_MAX),
	CYAML_FIELD_STRING_PTR("state", OPTIONAL, struct gateway_raw, state, 1, PATH_MAX - 16),
	CYAML_FIELD_STRING_PTR("control_socket", OPTIONAL, struct gateway_raw, control_socket, 1,
			       SOCKET_PATH_MAX),
	CYAML_FIELD_STRING_PTR("bird_socket", OPTIONAL, struct gateway_raw, bird_socket, 1,
			       SOCKET_PATH_MAX),
	CONF_FIELD_BOOL("strict", OPTIONAL, struct gateway_raw, strict),
	CYAML_FIELD_SEQUENCE("attach_namespaces", LIST | OPTIONAL, struct gateway_raw,
			     attach_namespaces, &text, 0, GATEWAY_ATTACH_MAX),
	CYAML_FIELD_MAPPING_PTR("api", OPTIONAL, struct gateway_raw, api, api_fields),
	CYAML_FIELD_MAPPING("log", OPTIONAL, struct gateway_raw, log, conf_log_fields),
	CYAML_FIELD_MAPPING("auth", OPTIONAL, struct gateway_raw, auth, auth_fields),
	CYAML_FIELD_MAPPING("limits", OPTIONAL, struct gateway_raw, limits, limits_fields),
	CYAML_FIELD_STRING_PTR("threads", OPTIONAL, struct gateway_raw, threads, 1, 255),
	CONF_FIELD_ENUM("congestion", OPTIONAL, struct gateway_raw, congestion, conf_congestions),
	CYAML_FIELD_MAPPING("offload", OPTIONAL, struct gateway_raw, offload, conf_offload_fields),
	CYAML_FIELD_SEQUENCE("vnets", LIST, struct gateway_raw, vnets, &vnet, 1, 64),
	CYAML_FIELD_SEQUENCE("users", LIST | OPTIONAL, struct gateway_raw, users, &user, 0, 65536),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t gateway_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct gateway_raw, fields)};
