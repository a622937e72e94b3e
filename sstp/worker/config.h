/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_CONFIG_H
#define SSTP_WORKER_CONFIG_H
/*
 * What the worker is to do, from its command line and, with --config, a YAML file with the same
 * names. The command line wins, key by key. Everything is checked and resolved.
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
#include "sstp/worker/profile.h"

enum {
	WORKER_ROUTES_MAX = 1024, /* given by the user */
	WORKER_DNS_MAX = 2, /* likewise; with the alternative as many as resolv.conf(5) knows */
	WORKER_EVENT_MAX = 4096, /* bytes of the command */
};

/* Besides APP's own code, and 128 + N when signal N killed it. */
enum worker_exit {
	WORKER_EXIT_USAGE = 2,	/* command line or configuration */
	WORKER_EXIT_AUTH = 120, /* the gateway refused user, password, certificate or token */
	/* we refused the gateway's certificate, or the one that it issued */
	WORKER_EXIT_CERTIFICATE = 121,
	WORKER_EXIT_UNREACHED = 122, /* no tunnel within connect_timeout; no answer to a request */
	WORKER_EXIT_DISCONNECTED = 123, /* the gateway's operator has disconnected the app */
	WORKER_EXIT_INTERNAL = 125,
	WORKER_EXIT_CANNOT_EXEC = 126,
	WORKER_EXIT_NOT_FOUND = 127,
	WORKER_EXIT_SIGNAL = 128,
};

enum worker_netns {
	WORKER_NETNS_OWN,     /* a new one for the app */
	WORKER_NETNS_CURRENT, /* the one we were started in */
	WORKER_NETNS_NAMED,   /* `netns` */
};

/* When the app is started again, which has its address and its network from its start. */
enum worker_restart {
	WORKER_RESTART_NEVER,
	WORKER_RESTART_ON_ADDRESS_CHANGE,
	WORKER_RESTART_ALWAYS, /* with each new tunnel, and each change of the network */
};

struct worker_config {
	char *profile_path;	/* NULL: none */
	struct profile profile; /* zeros without one */
	char *gateway_host;	/* name, IPv4, or IPv6 without brackets */
	uint16_t gateway_port;
	char *user;		/* NULL: by the profile's certificate */
	struct secret password; /* UTF-8, 1..256 bytes; empty without a user */
	char *password_file;	/* where it came from, or NULL */
	char *ca;		/* PEM file, or NULL: the profile's roots, or the system's */
	char *vnet_name;	/* for WEBSITE_VNETNAME, or NULL */
	bool own_vnet_name;	/* given by the user: what the gateway tells does not count */
	enum worker_netns netns_mode;
	char *netns;	       /* as netns_open() takes it; NULL unless WORKER_NETNS_NAMED */
	struct prefix *routes; /* no two the same */
	size_t n_routes;
	bool own_routes; /* likewise */
	struct prefix
		dns[WORKER_DNS_MAX]; /* likewise, host prefixes; none: what the gateway tells */
	size_t n_dns;
	struct prefix dns_alt; /* asked after all others; zeros: none */
	enum worker_restart restart_app;
	char *on_event; /* a shell's command, or NULL */
	bool pap;	/* allowed besides MS-CHAPv2 */
	bool eap_mschapv2;
	bool renew_by_reconnect; /* not make-before-break */
	char *tun;
	uint16_t mtu;
	uint32_t connect_timeout_s; /* 0: keep trying for ever */
	enum conf_congestion congestion;
	unsigned offload; /* wanted, of enum tun_offload */
	struct conf_log log;
	/* NULL-terminated, borrowed from argv; NULL: no app (never with WORKER_NETNS_OWN) */
	char **app;
};

/*
 * Returns 0 with an owned config. 1: --help, --version or --check is done and printed. Otherwise
 * -errno, ret_error filled. Unless it is 0, the process is to end with *ret_exit.
 */
int worker_config_parse(int argc, char **argv, struct worker_config **ret_config,
			struct conf_error *ret_error, int *ret_exit);

/* Wipes the password. Takes NULL. */
void worker_config_free(struct worker_config *config);

/*
 * Prints what is in effect, defaults included, as YAML that loads again and prints the same: all
 * but the app, and a password that did not come from a file is "*".
 */
void worker_config_print(FILE *f, const struct worker_config *config);

#endif
