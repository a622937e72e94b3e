/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_DESCRIPTION_H
#define SSTP_WORKER_DESCRIPTION_H
/*
 * The network description that comes with a certificate, and in band whenever it changes: what a
 * worker has to know of its connection. JSON:
 *
 *   {"vnetName": "lab", "appName": "shop", "addressSpaces": ["10.20.0.0/16"],
 *    "routes": ["10.20.0.0/16", "fd20::/48"], "dnsServers": ["10.20.0.4", "fd20::4"],
 *    "searchDomains": ["corp.example.com"], "pointToSiteAddressSpaces": ["172.16.77.0/24"],
 *    "digest": "5f0c..."}
 *
 * vnetName and addressSpaces must be there; each has the type above, no key stands twice. "routes"
 * is all that goes into the tunnel; of a gateway that does not tell, it is the address spaces.
 * "pointToSiteAddressSpaces" is where the app's address comes from, for those who have to let it in. Prefixes and
 * servers are IPv4 or IPv6. Other keys are left alone, so that an older worker understands a newer gateway.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"
#include "certs/name.h"
#include "routing/prefix.h"

enum {
	DESCRIPTION_JSON_MAX = 128 * 1024, /* bytes */
	DESCRIPTION_ROUTES_MAX = 4096,
	DESCRIPTION_DNS_MAX = 8,
	DESCRIPTION_POOLS_MAX = 16,
	DESCRIPTION_DOMAINS_MAX = 6,  /* as many as every resolver takes, see resolv.conf(5) */
	DESCRIPTION_DOMAIN_MAX = 254, /* with NUL */
	DESCRIPTION_DIGEST_MAX = 129, /* with NUL: printable ASCII without blanks */
};

/* Zero-initialised: nothing is known. */
struct description {
	char vnet[NAME_LABEL_MAX];
	char app[NAME_LABEL_MAX]; /* "": not told */
	struct prefix *routes;	  /* owned; no two the same, in the gateway's order */
	size_t n_routes;
	struct prefix dns[DESCRIPTION_DNS_MAX]; /* host prefixes, to be asked in this order */
	size_t n_dns;
	char domains[DESCRIPTION_DOMAINS_MAX]
		    [DESCRIPTION_DOMAIN_MAX]; /* to be searched in this order */
	size_t n_domains;
	struct prefix pools[DESCRIPTION_POOLS_MAX]; /* none: not told */
	size_t n_pools;
	char digest[DESCRIPTION_DIGEST_MAX]; /* changes when the description does; "": not told */
};

/*
 * Reads JSON from a gateway. 0 with an owned description; with a sentence -EMSGSIZE, -EBADMSG (no
 * JSON, a value that cannot be, too many of them), -ENOMEM.
 */
int description_parse(const char *json, size_t len, struct description *ret_description,
		      struct certs_error *ret_error);

/*
 * The same to a worker: routes in any order. Where both have a digest that alone counts: the gateway
 * changes it with anything.
 */
bool description_equal(const struct description *a, const struct description *b);

/* A domain that can stand in resolv.conf(5): labels of letters, digits, '-' and '_' with dots between. */
bool description_is_domain(const char *text);

/* An address of either family as a host prefix. -EINVAL. */
int description_server(const char *text, struct prefix *ret_server);

/* Drops those of n routes that stand there already, and keeps the order. *ret_n: how many are left. 0 or -ENOMEM. */
int description_unique(struct prefix *routes, size_t n, size_t *ret_n);

/* 0 with an owned copy; -ENOMEM. */
int description_copy(const struct description *d, struct description *ret_copy);

/* Frees what it owns, and zeroes it. Takes NULL. */
void description_done(struct description *d);

#endif
