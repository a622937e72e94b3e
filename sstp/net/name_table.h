/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_NAME_TABLE_H
#define SSTP_NET_NAME_TABLE_H
/*
 * Which certificates answer to which name: a table made once from what the certificates say of themselves.
 *
 * A name leads to a set: at most one certificate for each kind of key, from which the client's signature algorithms
 * choose. Of several certificates with the same name and kind the first one given answers. Set 0 is the default, for
 * clients that send no name or one that nobody has: the first certificate, and with it those of other kinds that have
 * exactly its names.
 *
 * Names are DNS names in lower case, A-labels as they are; "*.rest" stands for one label before ".rest", an exact name
 * goes first. A name that begins with "ip:" is an address: it is never asked for, and only counts when names are
 * compared. All names of a set have one tag.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	NAME_KINDS = 5,	  /* of keys; 0 to NAME_KINDS - 1 */
	NAME_BYTES = 256, /* of a host's name with its zero, RFC 1035 section 2.3.4 */
};

/* What a certificate says. Names are borrowed while the table lives: sorted, without repetition. */
struct name_owner {
	const char *const *names;
	size_t n_names;
	unsigned kind;
	int tag;
};

/* By kind: the owner's index, or -1. */
struct name_set {
	int owner[NAME_KINDS];
};

/* Why there is no table. */
struct name_conflict {
	enum {
		NAME_TWO_TAGS, /* `owner` and the earlier `other` have `name`, and different tags */
		NAME_UNUSED,   /* `other` answers to every name of `owner`, or like it */
		NAME_NONE,     /* `owner` is not the first and has no DNS name */
	} why;
	size_t owner;
	size_t other;
	const char *name; /* borrowed as in name_owner */
};

struct name_table;

/*
 * Of n owners, at least one. Returns 0 with an owned table; -ENOMEM; -EINVAL with ret_conflict: a certificate that
 * would never be shown, or a name of two tags.
 */
int name_table_new(const struct name_owner *owners, size_t n, struct name_table **ret_table,
		   struct name_conflict *ret_conflict);

/* Takes NULL. */
void name_table_free(struct name_table *t);

size_t name_table_sets(const struct name_table *t);
const struct name_set *name_table_set(const struct name_table *t, size_t set);

/*
 * The len bytes of a host's name in lower case; false when they are none: too long, empty, or with anything but letters,
 * digits, '-', '_' and '.'.
 */
bool name_normalize(const char *name, size_t len, char ret_name[NAME_BYTES]);

/* The set for a name as a client sends it, any case; 0 for NULL and for what is not in the table. No allocation. */
size_t name_table_find(const struct name_table *t, const char *name);

#endif
