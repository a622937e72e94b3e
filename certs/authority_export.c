/* SPDX-License-Identifier: Apache-2.0 */
/* What the data plane gets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certs/authority_internal.h"
#include "certs/encoding.h"

static int export_roots(const struct state *s, struct authority_export *e)
{
	for (size_t i = 0; i < s->n_roots; i++) {
		struct authority_export_root *r = &e->roots[i];

		if (encoding_to_pem(s->roots[i].cert, &r->pem) != 0)
			return -ENOMEM;
		e->n_roots++;
		memcpy(r->name, s->roots[i].name, sizeof(r->name));
		memcpy(r->vnet, s->roots[i].vnet, sizeof(r->vnet));
	}
	return 0;
}

static void add_revoked(struct authority_export *e, const char *thumbprint)
{
	memcpy(e->revoked[e->n_revoked++], thumbprint, CERT_THUMBPRINT_MAX);
}

static void add_client(struct authority_export *e, const struct state_cert *c)
{
	struct authority_export_client *client = &e->clients[e->n_clients++];
	struct authority_export_app *app = &e->apps[e->n_apps++];

	memcpy(client->thumbprint, c->thumbprint, sizeof(client->thumbprint));
	memcpy(client->app, c->app, sizeof(client->app));
	memcpy(client->vnet, c->vnet, sizeof(client->vnet));
	memcpy(client->lineage, c->lineage, sizeof(client->lineage));
	memcpy(client->renews, c->renews, sizeof(client->renews));
	memcpy(app->app, c->app, sizeof(app->app));
	memcpy(app->vnet, c->vnet, sizeof(app->vnet));
}

static int compare_revoked(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int compare_clients(const void *a, const void *b)
{
	const struct authority_export_client *x = a, *y = b;

	return strcmp(x->thumbprint, y->thumbprint);
}

static int compare_apps(const void *a, const void *b)
{
	const struct authority_export_app *x = a, *y = b;

	return strcasecmp(x->app, y->app);
}

/* Several certificates of one app are one app; they are sorted already. */
static void merge_apps(struct authority_export *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n_apps; i++) {
		if (n == 0 || !name_equal(e->apps[n - 1].app, e->apps[i].app))
			e->apps[n++] = e->apps[i];
	}
	e->n_apps = n;
}

static void fill(const struct state *s, int64_t now, struct authority_export *e)
{
	for (size_t i = 0; i < s->n_certs; i++) {
		if (s->certs[i].revoked)
			add_revoked(e, s->certs[i].thumbprint);
		else if (state_cert_is_live(s, &s->certs[i], now))
			add_client(e, &s->certs[i]);
	}
	for (size_t i = 0; i < s->n_revoked; i++)
		add_revoked(e, s->revoked[i].thumbprint);
	qsort(e->revoked, e->n_revoked, sizeof(e->revoked[0]), compare_revoked);
	qsort(e->clients, e->n_clients, sizeof(e->clients[0]), compare_clients);
	qsort(e->apps, e->n_apps, sizeof(e->apps[0]), compare_apps);
	merge_apps(e);
}

int authority_export(const struct authority *a, int64_t now, struct authority_export *ret_export)
{
	const struct state *s = a->state;
	/* one more: an empty table is no failure */
	struct authority_export e = {
		.roots = calloc(s->n_roots + 1, sizeof(e.roots[0])),
		.revoked = calloc(s->n_certs + s->n_revoked + 1, sizeof(e.revoked[0])),
		.clients = calloc(s->n_certs + 1, sizeof(e.clients[0])),
		.apps = calloc(s->n_certs + 1, sizeof(e.apps[0])),
	};

	if (!e.roots || !e.revoked || !e.clients || !e.apps || export_roots(s, &e) != 0) {
		authority_export_done(&e);
		return -ENOMEM;
	}
	fill(s, now, &e);
	*ret_export = e;
	return 0;
}

void authority_export_done(struct authority_export *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n_roots; i++)
		free(e->roots[i].pem);
	free(e->roots);
	free(e->revoked);
	free(e->clients);
	free(e->apps);
	*e = (struct authority_export){.roots = NULL};
}

const struct authority_export_client *authority_export_find(const struct authority_export *e,
							    const char *thumbprint)
{
	struct authority_export_client wanted;

	snprintf(wanted.thumbprint, sizeof(wanted.thumbprint), "%s", thumbprint);
	/* an empty table has no address, which bsearch() may not be given */
	return e->n_clients
		       ? bsearch(&wanted, e->clients, e->n_clients, sizeof(wanted), compare_clients)
		       : NULL;
}

int authority_export_trust(const struct authority_export *e, struct trust **ret_trust,
			   struct certs_error *ret_error)
{
	const char **revoked = calloc(e->n_revoked + 1, sizeof(revoked[0]));
	struct trust_root roots[AUTHORITY_ROOTS_MAX];
	int err;

	if (!revoked)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < e->n_roots; i++)
		roots[i] = (struct trust_root){e->roots[i].name, e->roots[i].vnet, e->roots[i].pem};
	for (size_t i = 0; i < e->n_revoked; i++)
		revoked[i] = e->revoked[i];
	err = trust_new(roots, e->n_roots, revoked, e->n_revoked, ret_trust, ret_error);
	free(revoked);
	return err;
}
