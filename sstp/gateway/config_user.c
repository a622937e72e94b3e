/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/gateway/config_load.h"

enum {
	QUOTED_MAX = 80
};

/* -1: not a hex digit. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hash(const char *text, uint8_t ret_hash[GATEWAY_NT_HASH_SIZE])
{
	if (strlen(text) != 2 * GATEWAY_NT_HASH_SIZE)
		return false;
	for (size_t i = 0; i < GATEWAY_NT_HASH_SIZE; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_hash[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* "*" is what gateway_config_print() puts in a secret's place. */
static int load_hash(struct load *l, const char *text, struct gateway_user *u)
{
	if (!strcmp(text, "*"))
		return 0;
	if (!parse_hash(text, u->nt_hash))
		return load_fail(l, "must be 32 hex digits, or \"*\" for a locked user");
	u->has_nt_hash = true;
	return 0;
}

static int load_credentials(struct load *l, const struct gateway_raw_user *raw,
			    struct gateway_user *u, size_t i)
{
	if (!raw->nt_hash == !raw->password) {
		load_at(l, "users[%zu]", i);
		return load_fail(l, "must have exactly one of: nt_hash, password");
	}
	load_at(l, "users[%zu].nt_hash", i);
	if (raw->nt_hash)
		return load_hash(l, raw->nt_hash, u);
	/* the schema has seen to its length */
	return secret_set(&u->password, raw->password, strlen(raw->password));
}

static bool has_control(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return true;
	return false;
}

/* i: its place in the file. */
static int load_user(struct load *l, const struct gateway_raw_user *raw, size_t i,
		     struct gateway_user *u)
{
	int r;

	load_at(l, "users[%zu].name", i);
	if (has_control(raw->name))
		return load_fail(l, "must not hold control characters");
	r = load_text(l, raw->name, &u->name);
	load_at(l, "users[%zu].vnet", i);
	if (!r)
		r = load_vnet_named(l, raw->vnet, &u->vnet);
	return r ? r : load_credentials(l, raw, u, i);
}

/* By name, and those of one name as they stand in the file. */
static int compare_raw(const void *a, const void *b)
{
	const struct gateway_raw_user *const *x = a;
	const struct gateway_raw_user *const *y = b;
	int r = strcmp((*x)->name, (*y)->name);

	return r ? r : (*x > *y) - (*x < *y);
}

static int load_sorted(struct load *l, const struct gateway_raw_user **order, size_t n)
{
	char buf[QUOTED_MAX];
	int r = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = &l->raw->users[i];
	qsort(order, n, sizeof(*order), compare_raw);
	for (size_t i = 0; i < n && !r; i++) {
		const char *name = order[i]->name;
		size_t place = (size_t)(order[i] - l->raw->users);

		load_at(l, "users[%zu].name", place);
		if (i && !strcmp(order[i - 1]->name, name))
			return load_fail(l, "'%s' is there twice",
					 log_escape(buf, sizeof(buf), name, strlen(name)));
		r = load_user(l, order[i], place, &l->config->users[i]);
	}
	return r;
}

/* Pointers are sorted, not the users: sorting would leave copies of secrets behind. */
int load_users(struct load *l)
{
	size_t n = l->raw->users_count;
	const struct gateway_raw_user **order;
	int r;

	if (!n)
		return 0;
	l->config->users = calloc(n, sizeof(*l->config->users));
	order = calloc(n, sizeof(*order));
	if (l->config->users && order) {
		l->config->n_users = n;
		r = load_sorted(l, order, n);
	} else {
		r = load_no_memory(l);
	}
	free(order);
	return r;
}

void user_done(struct gateway_user *u)
{
	free(u->name);
	secret_wipe(&u->password);
	secret_wipe_bytes(u->nt_hash, sizeof(u->nt_hash));
}

static int compare_name(const void *name, const void *user)
{
	return strcmp(name, ((const struct gateway_user *)user)->name);
}

const struct gateway_user *gateway_config_user(const struct gateway_config *config,
					       const char *name)
{
	if (!config->n_users)
		return NULL;
	return bsearch(name, config->users, config->n_users, sizeof(*config->users), compare_name);
}
