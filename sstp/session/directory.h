/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DIRECTORY_H
#define SSTP_SESSION_DIRECTORY_H
/* The local users: immutable once built, replaced as a whole by a reload. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/link.h"

struct directory;

/* Returns owned; NULL without memory. */
struct directory *directory_new(size_t max_users);
/* Takes NULL; wipes the hashes. */
void directory_free(struct directory *d);

/* Copies all. 0; -EEXIST: the name is there; -ENOSPC: more than max_users; -ENOMEM. */
int directory_add(struct directory *d, const char *name, const uint8_t nt_hash[LINK_NT_HASH_SIZE],
		  const char *vnet);

/*
 * Finds a name as a client sends it, compared by bytes: the whole name, else what follows the last backslash
 * (DOMAIN\user). ret_vnet is borrowed while d lives. False: unknown.
 */
bool directory_find(const struct directory *d, const char *name, struct link_user *ret_user,
		    const char **ret_vnet);

#endif
