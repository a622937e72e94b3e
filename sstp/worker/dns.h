/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_DNS_H
#define SSTP_WORKER_DNS_H
/*
 * The VNet's DNS servers and search domains for the app: a resolv.conf of its own, which app.c mounts over the app's.
 *
 * A server that does not answer costs 3 seconds, then the next one is asked: DNS_OPTIONS. A lone server is asked twice.
 *
 * For a named network namespace it is /etc/netns/NAME/resolv.conf, where `ip netns exec` looks too;
 * what stood there before comes back at the end, also at that of the next worker when this one is
 * killed. Otherwise it lies below /run. Rewritten in place, never renamed, so that a mount of it
 * sees the change.
 */
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "sstp/worker/description.h"

enum {
	DNS_SERVERS_MAX = 3, /* as many as resolv.conf(5) knows */
};

struct dns;

/* What the app is to ask. */
struct dns_names {
	struct prefix servers[DNS_SERVERS_MAX]; /* host prefixes */
	size_t n_servers;
	const char (*domains)[DESCRIPTION_DOMAIN_MAX]; /* borrowed */
	size_t n_domains;
};

/*
 * netns: a namespace's name as in /run/netns, its path, or NULL. 0 with an owned object, or -errno.
 */
int dns_new(const char *netns, struct dns **ret_dns);

/* Puts back what was there. Takes NULL. */
void dns_free(struct dns *d);

/*
 * From the next dns_set() on there is a file also without servers, which says what the app would see
 * without us by then: servers that come later are seen by an app that has it mounted.
 */
void dns_keep(struct dns *d);

/*
 * Writes them. Without a server: what was there before us; a file that was never written stays as it is. Who reads the file
 * meanwhile sees the old or the new one. 0 or -errno.
 */
int dns_set(struct dns *d, const struct dns_names *names);

/* The file to mount over the app's resolv.conf; NULL while there is none of ours. Borrowed. */
const char *dns_path(const struct dns *d);

#endif
