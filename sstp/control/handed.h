/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_HANDED_H
#define SSTP_CONTROL_HANDED_H
/*
 * What each app was handed last: the digest of its network, and of the set of roots. Compared with
 * those of now it says whether the app is out of sync. In a vault (certs/vault.h) of its own,
 * "handed.json"; what is lost with it is only that: an app of which nothing is known shows as in sync
 * until it is handed something again.
 *
 * Limit: HANDED_MAX apps; when full, the one handed to longest ago is forgotten.
 */
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"
#include "certs/name.h"
#include "sstp/control/network.h"

enum {
	HANDED_MAX = 10000
};

struct handed_entry {
	char app[NAME_LABEL_MAX];
	char network[NETWORK_DIGEST_MAX];
	char roots[NETWORK_DIGEST_MAX];
	int64_t at; /* seconds since 1970 */
};

struct handed;

/*
 * Makes the folder when it is missing. As vault_open(). A file that cannot be read is logged, and the list
 * is empty.
 */
int handed_open(const char *folder, struct handed **ret_handed, struct certs_error *ret_error);
/* Takes NULL. */
void handed_close(struct handed *h);

/* Remembers, in memory in any case but -ENOMEM; else as vault_write(). */
int handed_set(struct handed *h, const struct handed_entry *entry, struct certs_error *ret_error);

/* Returns borrowed until the next change; NULL: it never was. */
const struct handed_entry *handed_find(const struct handed *h, const char *app);

#endif
