/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/access.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct access {
	atomic_uint refs;
	struct authority_export export;
	struct trust *trust;
	char *roots_pem;
};

/* Returns owned; NULL without memory. */
static char *join_roots(const struct authority_export *e)
{
	size_t size = 1, used = 0;
	char *text;

	for (size_t i = 0; i < e->n_roots; i++)
		size += strlen(e->roots[i].pem) + 1;
	text = calloc(1, size);
	for (size_t i = 0; text && i < e->n_roots; i++)
		used += (size_t)snprintf(text + used, size - used, "%s\n", e->roots[i].pem);
	return text;
}

int access_new(struct authority_export *e, struct access **ret_access,
	       struct certs_error *ret_error)
{
	struct access *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	r = authority_export_trust(e, &a->trust, ret_error);
	if (r == 0) {
		a->roots_pem = join_roots(e);
		if (!a->roots_pem)
			r = certs_fail(ret_error, -ENOMEM, "out of memory");
	}
	if (r < 0) {
		trust_unref(a->trust);
		free(a);
		return r;
	}
	atomic_init(&a->refs, 1);
	a->export = *e;
	*e = (struct authority_export){0};
	*ret_access = a;
	return 0;
}

struct access *access_ref(struct access *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

void access_unref(struct access *a)
{
	if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
		return;
	trust_unref(a->trust);
	authority_export_done(&a->export);
	free(a->roots_pem);
	free(a);
}

const struct trust *access_trust(const struct access *a)
{
	return a->trust;
}

bool access_find(const struct access *a, const struct trust_verdict *verdict,
		 struct access_client *ret_client)
{
	const struct authority_export_client *c =
		authority_export_find(&a->export, verdict->thumbprint);

	if (verdict->reason != TRUST_OK || (!c && !*verdict->vnet))
		return false;
	snprintf(ret_client->app, sizeof(ret_client->app), "%s", c ? c->app : verdict->name);
	snprintf(ret_client->vnet, sizeof(ret_client->vnet), "%s", c ? c->vnet : verdict->vnet);
	return true;
}

bool access_knows(const struct access *a, const char *thumbprint)
{
	return authority_export_find(&a->export, thumbprint) != NULL;
}

const char *access_lineage(const struct access *a, const char *thumbprint)
{
	const struct authority_export_client *c = authority_export_find(&a->export, thumbprint);

	return c ? c->lineage : NULL;
}

bool access_comes_from(const struct access *a, const char *thumbprint, const char *older)
{
	const struct authority_export_client *c = authority_export_find(&a->export, thumbprint);

	/* a circle cannot be longer than all of them */
	for (size_t i = 0; c && i < a->export.n_clients; i++) {
		if (strcmp(c->thumbprint, older) == 0)
			return true;
		c = authority_export_find(&a->export, c->renews);
	}
	return false;
}

const char *access_roots_pem(const struct access *a)
{
	return a->roots_pem;
}
