/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACCESS: roots, revoked thumbprints, clients, apps, each with its number in front. Lists are sorted
 * where authority.h says so, because readers search them; one that is not is refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority.h"
#include "sstp/control/msg_wire.h"

enum {
	ROOT_PEM_MAX = 32 << 10
};

/* ---- writing ---- */

static void put_clients(struct msg_frame *f, const struct authority_export *e)
{
	wire_put_be16(&f->w, (uint16_t)e->n_clients);
	for (size_t i = 0; i < e->n_clients; i++) {
		msg_put_text(f, e->clients[i].thumbprint, CERT_THUMBPRINT_MAX - 1);
		msg_put_text(f, e->clients[i].app, NAME_LABEL_MAX - 1);
		msg_put_text(f, e->clients[i].vnet, NAME_LABEL_MAX - 1);
		msg_put_text(f, e->clients[i].lineage, CERT_THUMBPRINT_MAX - 1);
		msg_put_text(f, e->clients[i].renews, CERT_THUMBPRINT_MAX - 1);
	}
	wire_put_be16(&f->w, (uint16_t)e->n_apps);
	for (size_t i = 0; i < e->n_apps; i++) {
		msg_put_text(f, e->apps[i].app, NAME_LABEL_MAX - 1);
		msg_put_text(f, e->apps[i].vnet, NAME_LABEL_MAX - 1);
	}
}

int msg_access_encode(const struct authority_export *e, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (e->n_roots > AUTHORITY_ROOTS_MAX || e->n_revoked > TRUST_REVOKED_MAX - 1 ||
	    e->n_clients > AUTHORITY_CERTS_MAX || e->n_apps > AUTHORITY_CERTS_MAX)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_ACCESS) < 0)
		return -ENOMEM;
	wire_put_be16(&f.w, (uint16_t)e->n_roots);
	for (size_t i = 0; i < e->n_roots; i++) {
		msg_put_text(&f, e->roots[i].name, NAME_LABEL_MAX - 1);
		msg_put_text(&f, e->roots[i].vnet, NAME_LABEL_MAX - 1);
		msg_put_text(&f, e->roots[i].pem, ROOT_PEM_MAX);
	}
	wire_put_be16(&f.w, (uint16_t)e->n_revoked);
	for (size_t i = 0; i < e->n_revoked; i++)
		msg_put_text(&f, e->revoked[i], CERT_THUMBPRINT_MAX - 1);
	put_clients(&f, e);
	return msg_frame_end(&f, ret_frame, ret_len);
}

/* ---- reading ---- */

/* Into to, which has size bytes. */
static void get_into(struct wire_reader *r, char *to, size_t size)
{
	const char *text = msg_get_line(r, size - 1);

	if (wire_ok(r))
		strcpy(to, text);
}

/* As cert_thumbprint() prints it. */
static bool is_thumbprint(const char *text)
{
	return strspn(text, "0123456789ABCDEF") == CERT_THUMBPRINT_MAX - 1;
}

/* One above the one before it (NULL: the first). */
static void get_thumbprint(struct wire_reader *r, char to[CERT_THUMBPRINT_MAX], const char *before)
{
	get_into(r, to, CERT_THUMBPRINT_MAX);
	if (wire_ok(r) && (!is_thumbprint(to) || (before && strcmp(before, to) >= 0)))
		r->failed = true;
}

/* "" too. */
static void get_thumbprint_or_none(struct wire_reader *r, char to[CERT_THUMBPRINT_MAX])
{
	get_into(r, to, CERT_THUMBPRINT_MAX);
	if (wire_ok(r) && *to && !is_thumbprint(to))
		r->failed = true;
}

/* The number of what follows, and room for it in zeros. Owned; NULL: none of them, or no memory. */
static void *get_list(struct wire_reader *r, size_t max, size_t size, size_t *ret_n,
		      bool *no_memory)
{
	size_t n = msg_get_count(r, max);
	void *list = n ? calloc(n, size) : NULL;

	if (n && !list)
		*no_memory = true;
	*ret_n = list ? n : 0;
	return list;
}

static void get_roots(struct wire_reader *r, struct authority_export *e, bool *no_memory)
{
	e->roots = get_list(r, AUTHORITY_ROOTS_MAX, sizeof(*e->roots), &e->n_roots, no_memory);
	for (size_t i = 0; i < e->n_roots && wire_ok(r); i++) {
		const char *pem;

		get_into(r, e->roots[i].name, sizeof(e->roots[i].name));
		get_into(r, e->roots[i].vnet, sizeof(e->roots[i].vnet));
		pem = msg_get_text(r, ROOT_PEM_MAX);
		e->roots[i].pem = pem ? strdup(pem) : NULL;
		*no_memory |= pem && !e->roots[i].pem;
	}
}

static void get_revoked(struct wire_reader *r, struct authority_export *e, bool *no_memory)
{
	e->revoked =
		get_list(r, TRUST_REVOKED_MAX - 1, sizeof(*e->revoked), &e->n_revoked, no_memory);
	for (size_t i = 0; i < e->n_revoked && wire_ok(r); i++)
		get_thumbprint(r, e->revoked[i], i ? e->revoked[i - 1] : NULL);
}

static void get_clients(struct wire_reader *r, struct authority_export *e, bool *no_memory)
{
	e->clients =
		get_list(r, AUTHORITY_CERTS_MAX, sizeof(*e->clients), &e->n_clients, no_memory);
	for (size_t i = 0; i < e->n_clients && wire_ok(r); i++) {
		struct authority_export_client *c = &e->clients[i];

		get_thumbprint(r, c->thumbprint, i ? c[-1].thumbprint : NULL);
		get_into(r, c->app, sizeof(c->app));
		get_into(r, c->vnet, sizeof(c->vnet));
		get_thumbprint(r, c->lineage, NULL);
		get_thumbprint_or_none(r, c->renews);
	}
	e->apps = get_list(r, AUTHORITY_CERTS_MAX, sizeof(*e->apps), &e->n_apps, no_memory);
	for (size_t i = 0; i < e->n_apps && wire_ok(r); i++) {
		get_into(r, e->apps[i].app, sizeof(e->apps[i].app));
		get_into(r, e->apps[i].vnet, sizeof(e->apps[i].vnet));
	}
}

int msg_access_decode(const uint8_t *payload, size_t len, struct authority_export *ret_export)
{
	struct wire_reader r = wire_reader(payload, len);
	struct authority_export e = {0};
	bool no_memory = false;

	get_roots(&r, &e, &no_memory);
	get_revoked(&r, &e, &no_memory);
	get_clients(&r, &e, &no_memory);
	if (!no_memory && wire_done(&r)) {
		*ret_export = e;
		return 0;
	}
	authority_export_done(&e);
	return no_memory ? -ENOMEM : -EBADMSG;
}
