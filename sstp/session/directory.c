/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/directory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/secret.h"

/* Open addressing over twice the users, FNV-1a by name; nothing is ever removed. */
struct entry {
	char *name;
	char *vnet;
	uint8_t nt_hash[LINK_NT_HASH_SIZE];
};

struct directory {
	atomic_uint refs;
	size_t users;
	size_t max_users;
	size_t slots; /* a power of two */
	struct entry entries[];
};

struct directory *directory_new(size_t max_users)
{
	struct directory *d;
	size_t slots = 4;

	while (slots < max_users * 2)
		slots *= 2;
	d = calloc(1, sizeof(*d) + slots * sizeof(d->entries[0]));
	if (!d)
		return NULL;
	atomic_init(&d->refs, 1);
	d->max_users = max_users;
	d->slots = slots;
	return d;
}

struct directory *directory_ref(struct directory *d)
{
	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

void directory_unref(struct directory *d)
{
	if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < d->slots; i++) {
		free(d->entries[i].name);
		free(d->entries[i].vnet);
		secret_wipe_bytes(d->entries[i].nt_hash, LINK_NT_HASH_SIZE);
	}
	free(d);
}

/* The entry that holds name, or the empty one where it belongs. */
static size_t slot_of(const struct directory *d, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	i = (hash ^ hash >> 32) & (d->slots - 1);
	while (d->entries[i].name && strcmp(d->entries[i].name, name) != 0)
		i = (i + 1) & (d->slots - 1);
	return i;
}

int directory_add(struct directory *d, const char *name, const uint8_t nt_hash[LINK_NT_HASH_SIZE],
		  const char *vnet)
{
	struct entry *e = &d->entries[slot_of(d, name)];

	if (e->name)
		return -EEXIST;
	if (d->users == d->max_users)
		return -ENOSPC;
	e->vnet = strdup(vnet);
	e->name = e->vnet ? strdup(name) : NULL;
	if (!e->name) {
		free(e->vnet);
		e->vnet = NULL;
		return -ENOMEM;
	}
	memcpy(e->nt_hash, nt_hash, LINK_NT_HASH_SIZE);
	d->users++;
	return 0;
}

bool directory_find(const struct directory *d, const char *name, struct link_user *ret_user,
		    const char **ret_name, const char **ret_vnet)
{
	const char *domain_end = strrchr(name, '\\');
	const struct entry *e = &d->entries[slot_of(d, name)];

	if (!e->name && domain_end)
		e = &d->entries[slot_of(d, domain_end + 1)];
	if (!e->name)
		return false;
	memcpy(ret_user->nt_hash, e->nt_hash, LINK_NT_HASH_SIZE);
	ret_user->has_password = true;
	*ret_name = e->name;
	*ret_vnet = e->vnet;
	return true;
}
