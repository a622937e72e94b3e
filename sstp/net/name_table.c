/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims (a name and who has it) are sorted by name and then by owner, so that all who share a name stand together and
 * the first given comes first. Each run becomes an entry, each different set of owners is kept once.
 */
#include "sstp/net/name_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct claim {
	const char *name;
	size_t owner;
};

struct entry {
	const char *name;
	size_t set;
};

struct name_table {
	size_t n_entries;
	size_t n_sets;
	struct entry *entries; /* sorted */
	struct name_set *sets;
};

/* While a table is made. */
struct build {
	const struct name_owner *owners;
	size_t n_owners;
	struct claim *claims;
	size_t n_claims;
	bool *is_used; /* by owner */
	struct name_table *table;
	struct name_conflict *conflict;
};

static int compare_entry(const void *name, const void *entry)
{
	return strcmp(name, ((const struct entry *)entry)->name);
}

static const struct entry *find_entry(const struct name_table *t, const char *name)
{
	if (!t->n_entries)
		return NULL;
	return bsearch(name, t->entries, t->n_entries, sizeof(*t->entries), compare_entry);
}

static bool is_address(const char *name)
{
	return strncmp(name, "ip:", 3) == 0;
}

static const struct name_set nobody = {{-1, -1, -1, -1, -1}};

/* Only where there is none yet: the first one given answers. */
static void join(struct build *b, struct name_set *set, size_t owner)
{
	int *place = &set->owner[b->owners[owner].kind];

	if (*place >= 0)
		return;
	*place = (int)owner;
	b->is_used[owner] = true;
}

static int refuse(struct build *b, int why, size_t owner, size_t other, const char *name)
{
	b->conflict->why = why;
	b->conflict->owner = owner;
	b->conflict->other = other;
	b->conflict->name = name;
	return -EINVAL;
}

/* ---- the default ---- */

static bool same_names(const struct name_owner *a, const struct name_owner *b)
{
	if (a->n_names != b->n_names)
		return false;
	for (size_t i = 0; i < a->n_names; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

static void add_default(struct build *b)
{
	struct name_set *set = &b->table->sets[b->table->n_sets++];

	*set = nobody;
	join(b, set, 0);
	for (size_t i = 1; i < b->n_owners; i++)
		if (b->owners[0].n_names && same_names(&b->owners[0], &b->owners[i]))
			join(b, set, i);
}

/* ---- names ---- */

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->owner > y->owner) - (x->owner < y->owner);
}

static void collect_claims(struct build *b)
{
	for (size_t i = 0; i < b->n_owners; i++)
		for (size_t k = 0; k < b->owners[i].n_names; k++)
			b->claims[b->n_claims++] = (struct claim){b->owners[i].names[k], i};
	if (b->n_claims)
		qsort(b->claims, b->n_claims, sizeof(*b->claims), compare_claims);
}

static size_t keep_set(struct name_table *t, const struct name_set *set)
{
	size_t i = 0;

	while (i < t->n_sets && memcmp(&t->sets[i], set, sizeof(*set)) != 0)
		i++;
	t->sets[i] = *set;
	if (i == t->n_sets)
		t->n_sets++;
	return i;
}

/* The claims from `first` to before `end` are of one name. */
static int add_name(struct build *b, size_t first, size_t end)
{
	const struct claim *claims = b->claims;
	const char *name = claims[first].name;
	struct name_set set = nobody;

	for (size_t i = first + 1; i < end; i++)
		if (b->owners[claims[i].owner].tag != b->owners[claims[first].owner].tag)
			return refuse(b, NAME_TWO_TAGS, claims[i].owner, claims[first].owner, name);
	if (is_address(name))
		return 0;
	for (size_t i = first; i < end; i++)
		join(b, &set, claims[i].owner);
	b->table->entries[b->table->n_entries++] = (struct entry){name, keep_set(b->table, &set)};
	return 0;
}

static int add_names(struct build *b)
{
	size_t end;
	int r = 0;

	for (size_t first = 0; first < b->n_claims && r == 0; first = end) {
		end = first + 1;
		while (end < b->n_claims && strcmp(b->claims[end].name, b->claims[first].name) == 0)
			end++;
		r = add_name(b, first, end);
	}
	return r;
}

/* ---- who is never shown ---- */

/* NULL: it has only addresses, or nothing. */
static const char *first_host(const struct name_owner *o)
{
	for (size_t k = 0; k < o->n_names; k++)
		if (!is_address(o->names[k]))
			return o->names[k];
	return NULL;
}

static int explain_unused(struct build *b, size_t owner)
{
	const struct name_owner *o = &b->owners[owner];
	const char *host = first_host(o);
	size_t set = host ? find_entry(b->table, host)->set : 0;
	bool is_default = o->n_names && same_names(&b->owners[0], o);

	if (!host && !is_default)
		return refuse(b, NAME_NONE, owner, 0, NULL);
	return refuse(b, NAME_UNUSED, owner, (size_t)b->table->sets[set].owner[o->kind], NULL);
}

static int find_unused(struct build *b)
{
	for (size_t i = 0; i < b->n_owners; i++)
		if (!b->is_used[i])
			return explain_unused(b, i);
	return 0;
}

/* ---- life ---- */

static int fill(struct build *b)
{
	int r;

	collect_claims(b);
	add_default(b);
	r = add_names(b);
	return r ? r : find_unused(b);
}

static size_t count_claims(const struct name_owner *owners, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += owners[i].n_names;
	return sum;
}

int name_table_new(const struct name_owner *owners, size_t n, struct name_table **ret_table,
		   struct name_conflict *ret_conflict)
{
	size_t max = count_claims(owners, n);
	struct build b = {.owners = owners, .n_owners = n, .conflict = ret_conflict};
	int r = -ENOMEM;

	b.claims = calloc(max + 1, sizeof(*b.claims));
	b.is_used = calloc(n, sizeof(*b.is_used));
	b.table = calloc(1, sizeof(*b.table));
	if (b.table) {
		b.table->entries = calloc(max + 1, sizeof(*b.table->entries));
		/* one more than can be needed: keep_set() writes before it counts */
		b.table->sets = calloc(max + 2, sizeof(*b.table->sets));
	}
	if (b.claims && b.is_used && b.table && b.table->entries && b.table->sets)
		r = fill(&b);
	free(b.claims);
	free(b.is_used);
	if (r < 0) {
		name_table_free(b.table);
		return r;
	}
	*ret_table = b.table;
	return 0;
}

void name_table_free(struct name_table *t)
{
	if (!t)
		return;
	free(t->entries);
	free(t->sets);
	free(t);
}

size_t name_table_sets(const struct name_table *t)
{
	return t->n_sets;
}

const struct name_set *name_table_set(const struct name_table *t, size_t set)
{
	return &t->sets[set];
}

/* ---- look-up ---- */

bool name_normalize(const char *name, size_t len, char ret_name[NAME_BYTES])
{
	if (len == 0 || len >= NAME_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
		    c != '.')
			return false;
		ret_name[i] = c;
	}
	ret_name[len] = '\0';
	return true;
}

static const struct entry *find_host(const struct name_table *t, char *name)
{
	const struct entry *e = find_entry(t, name);
	char *dot = strchr(name, '.');

	if (e || !dot || dot == name)
		return e;
	dot[-1] = '*';
	return find_entry(t, dot - 1);
}

size_t name_table_find(const struct name_table *t, const char *name)
{
	char host[NAME_BYTES];
	const struct entry *e;

	if (!name || !name_normalize(name, strlen(name), host))
		return 0;
	e = find_host(t, host);
	return e ? e->set : 0;
}
