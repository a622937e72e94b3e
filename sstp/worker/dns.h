/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_DNS_H
#define SSTP_WORKER_DNS_H
/*
 * The VNet's DNS servers for the app: a resolv.conf of its own, which app.c mounts over the app's.
 *
 * For a named network namespace it is /etc/netns/NAME/resolv.conf, where `ip netns exec` looks too;
 * what stood there before comes back at the end, also at that of the next worker when this one is
 * killed. Otherwise it lies below /run. Rewritten in place, never renamed, so that a mount of it
 * sees the change.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	DNS_SERVERS_MAX = 3, /* as many as resolv.conf(5) knows */
};

struct dns;

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
 * Writes the servers (network byte order), up to DNS_SERVERS_MAX. None at all: what was there before
 * us; a file that was never written stays as it is. 0 or -errno.
 */
int dns_set(struct dns *d, const uint32_t *servers_be, size_t n);

/* The file to mount over the app's resolv.conf; NULL while there is none of ours. Borrowed. */
const char *dns_path(const struct dns *d);

#endif
