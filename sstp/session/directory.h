/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DIRECTORY_H
#define SSTP_SESSION_DIRECTORY_H
/* The local users: immutable once built, shared by all threads and counted, replaced as a whole by a reload. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/link.h"

struct directory;

/* Returns owned, with one reference; NULL without memory. */
struct directory *directory_new(size_t max_users);
/* Any thread. Returns d with one more reference. */
struct directory *directory_ref(struct directory *d);
/* Any thread. Drops a reference; the last one wipes the hashes. Takes NULL. */
void directory_unref(struct directory *d);

/* Copies all. 0; -EEXIST: the name is there; -ENOSPC: more than max_users; -ENOMEM. */
int directory_add(struct directory *d, const char *name, const uint8_t nt_hash[LINK_NT_HASH_SIZE],
		  const char *vnet);

/*
 * Finds a name as a client sends it, compared by bytes: the whole name, else what follows the last backslash
 * (DOMAIN\user). ret_name is the user's own name, whatever the client put in front of it; both texts are borrowed while
 * d lives. False: unknown.
 */
bool directory_find(const struct directory *d, const char *name, struct link_user *ret_user,
		    const char **ret_name, const char **ret_vnet);

#endif
