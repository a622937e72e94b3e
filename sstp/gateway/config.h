/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CONFIG_H
#define SSTP_GATEWAY_CONFIG_H
/*
 * What gateway.yaml says, checked and resolved: defaults filled in, paths as seen from the working
 * folder, prefixes and addresses parsed, references followed. Immutable once loaded: a reload loads
 * a new one and swaps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "routing/prefix.h"
#include "sstp/base/conf.h"
#include "sstp/base/conf_log.h"
#include "sstp/base/conf_switches.h"
#include "sstp/base/secret.h"

enum {
	GATEWAY_DNS_MAX = 2,	 /* of each family: what IPCP can carry, RFC 1877 */
	GATEWAY_DOMAINS_MAX = 6, /* search domains of a VNet */
	GATEWAY_POOL6_BITS_MAX = 56,
	GATEWAY_MTU6_MIN = 1280, /* RFC 8200 section 5 */
	GATEWAY_NT_HASH_SIZE = 16,
	GATEWAY_THREADS_MAX = 64,
	GATEWAY_ANY_VNET = -1,
	GATEWAY_MTU_DEFAULT = 1400, /* of a VNet */
	GATEWAY_ATTACH_MAX = 1000,  /* namespaces */
	GATEWAY_NAMES_MAX = 32,
	GATEWAY_ACCEPT_BURST_S = 2, /* the burst of accept_rate_per_address, in seconds of it */
};

struct gateway_auth {
	bool mschapv2;
	bool eap_mschapv2;
	bool eap_tls;
	bool eap_tls_pppd249; /* takes the key of pppd before 2.5 as well */
	bool pap;
};

/* 0 is no limit. */
struct gateway_limits {
	uint32_t sessions;
	uint32_t half_open; /* connections that have not authenticated yet */
	uint32_t half_open_per_address;
	uint32_t accept_rate_per_address;   /* per second */
	uint32_t auth_failures_per_address; /* per minute */
};

/* The operator's API over TCP; who shows a certificate below client_ca, or a token of the file, may come in. */
struct gateway_api {
	char *listen; /* "ADDR:PORT"; NULL: there is none, and nothing else is set */
	char *certificate;
	char *key;
	char *client_ca; /* one of the two at least */
	char *token_file;
};

struct gateway_vnet {
	char *name;
	struct prefix *address_spaces; /* of both families, at least one, not overlapping */
	size_t n_address_spaces;
	/*
	 * Private IPv4, at least one, together at most POOL_MAX addresses; and at most one of IPv6, of GATEWAY_POOL6_BITS_MAX bits
	 * at most, with a /64 for each of them
	 */
	struct prefix *pools;
	size_t n_pools;
	uint32_t dns_be[GATEWAY_DNS_MAX]; /* network byte order, 0: none */
	uint8_t dns6[GATEWAY_DNS_MAX][16];
	size_t n_dns6;
	char *domains[GATEWAY_DOMAINS_MAX]; /* to search names in, in this order */
	size_t n_domains;
	uint32_t gateway_be; /* our end of every tunnel, network byte order */
	char *tun;	     /* device name */
	char *netns;	     /* as netns_open() takes it; NULL: the present one */
	uint16_t mtu;
	bool client_to_client;
};

/* PEM files; look like one, TLS has not judged them yet. */
struct gateway_certificate {
	char *certificate;
	char *key;
	int vnet; /* index: only its users may come by this certificate's names; or GATEWAY_ANY_VNET */
};

/*
 * One of three: has_nt_hash; a password that is not empty (UTF-8); neither: locked, cannot log in.
 */
struct gateway_user {
	char *name;
	size_t vnet; /* index */
	bool has_nt_hash;
	uint8_t nt_hash[GATEWAY_NT_HASH_SIZE];
	struct secret password;
};

struct gateway_config {
	char *path;    /* the file */
	char **listen; /* "ADDR:PORT", at least one */
	size_t n_listen;
	/* the first is the default; none: the gateway's own authority makes one for names */
	struct gateway_certificate *certificates;
	size_t n_certificates;
	char **names; /* what clients dial, each another one; there are some without certificates */
	size_t n_names;
	bool has_control; /* names or state is given: the control process runs */
	char *state;	  /* its folder */
	char *control_socket;
	char *bird_socket; /* of the routing daemon; "{vnet}" in it stands for a VNet's name */
	bool is_strict;	   /* refuses Linux apps and containers, as the original */
	/* Where VNets of the API may be attached, beside where the gateway is: names, as netns_open() takes them. */
	char **attach_namespaces;
	size_t n_attach_namespaces;
	bool attaches_anywhere; /* then there are none */
	struct gateway_api api;
	struct conf_log log;
	struct gateway_auth auth;
	struct gateway_limits limits;
	unsigned threads; /* 1..GATEWAY_THREADS_MAX; 0: one for each CPU that the process may use */
	enum conf_congestion congestion;
	unsigned offload;	    /* wanted, of enum tun_offload */
	struct gateway_vnet *vnets; /* at least one */
	size_t n_vnets;
	struct gateway_user *users; /* sorted by name */
	size_t n_users;
};

/*
 * Loads and checks. Returns 0 with an owned config; otherwise -errno as conf_load(), ret_error
 * filled. Logs a warning when a file with secrets can be read by every user of the machine.
 */
int gateway_config_load(const char *path, struct gateway_config **ret_config,
			struct conf_error *ret_error);

/*
 * The same of a text. Without looks_at_files, for a process that opens none and gets them from one that has looked:
 * whether certificates and keys are there is not asked, and nothing is warned of.
 */
int gateway_config_parse(const struct conf_text *text, bool looks_at_files,
			 struct gateway_config **ret_config, struct conf_error *ret_error);

/* Wipes the secrets. Takes NULL. */
void gateway_config_free(struct gateway_config *config);

/* Returns borrowed, or NULL. */
const struct gateway_user *gateway_config_user(const struct gateway_config *config,
					       const char *name);

/*
 * Prints what is in effect, defaults included, as YAML that loads again and prints the same.
 * Secrets are never printed: every user's stands as `nt_hash: "*"`, which loads as a locked user.
 */
void gateway_config_print(FILE *f, const struct gateway_config *config);

/*
 * What a reload cannot apply: listen addresses; threads; offload; state,
 * control_socket, bird_socket, and whether there is a control process; a VNet's tun, netns, pools,
 * gateway_address and mtu; its removal. Returns NULL, or a sentence in buf. VNets are the same when
 * they have the same name.
 */
const char *gateway_config_needs_restart(const struct gateway_config *old_config,
					 const struct gateway_config *new_config,
					 char buf[CONF_ERROR_MAX]);

#endif
