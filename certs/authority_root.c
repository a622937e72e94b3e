/* SPDX-License-Identifier: Apache-2.0 */
/* Roots: of our own, and external ones. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certs/authority_internal.h"
#include "certs/calendar.h"
#include "certs/encoding.h"
#include "certs/key.h"

/* "root-4F3A9C21", after the serial's first four bytes. */
static void name_root(const uint8_t serial[ISSUE_SERIAL_SIZE], char ret_name[NAME_LABEL_MAX])
{
	snprintf(ret_name, NAME_LABEL_MAX, "root-%02X%02X%02X%02X", serial[0], serial[1], serial[2],
		 serial[3]);
}

static int make_root(const struct state *s, EVP_PKEY *key, int64_t now, char *ret_name,
		     X509 **ret_cert, struct certs_error *ret_error)
{
	uint8_t serial[ISSUE_SERIAL_SIZE];
	char common_name[NAME_LABEL_MAX + 16];
	int err = authority_serial(s, serial, ret_error);

	if (err)
		return err;
	name_root(serial, ret_name);
	snprintf(common_name, sizeof(common_name), "sstp-gateway %s", ret_name);
	return issue_root(common_name, key, serial, now, ret_cert, ret_error);
}

int authority_new_root(struct authority *a, const struct state *s, int64_t now,
		       struct state_root *ret_root, struct certs_error *ret_error)
{
	struct state_root root = {0};
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int err = key_new(&key, ret_error);

	if (!err)
		err = make_root(s, key, now, root.name, &cert, ret_error);
	if (!err)
		err = authority_write_key(a, AUTHORITY_ROOT, cert, key, ret_error);
	if (err) {
		X509_free(cert);
		EVP_PKEY_free(key);
		return err;
	}
	err = state_root_set(&root, cert, key, ret_error);
	if (err)
		state_root_done(&root);
	else
		*ret_root = root;
	return err;
}

static int check_room(const struct state *s, struct certs_error *ret_error)
{
	if (s->n_roots < AUTHORITY_ROOTS_MAX)
		return 0;
	return certs_fail(ret_error, -ENOSPC,
			  "there are %d roots, and no room for another: drop one",
			  AUTHORITY_ROOTS_MAX);
}

int authority_rotate(struct authority *a, int64_t now, char ret_thumbprint[CERT_THUMBPRINT_MAX],
		     struct certs_error *ret_error)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct state_root root;
	struct state *next;
	int err = check_room(a->state, ret_error);

	if (err)
		return err;
	next = authority_begin(a, now, ret_error);
	if (!next)
		return -ENOMEM;
	err = authority_new_root(a, next, now, &root, ret_error);
	if (err) {
		state_free(next);
		return err;
	}
	memcpy(thumbprint, root.facts.thumbprint, sizeof(thumbprint));
	state_add_root(next, &root);
	err = authority_commit(a, next, ret_error);
	if (!err)
		memcpy(ret_thumbprint, thumbprint, sizeof(thumbprint));
	return err;
}

/* True while what it signs ends before it does, for months to come. */
static bool is_good_for_long(const struct state_root *root, int64_t now)
{
	return root && now >= root->facts.not_before &&
	       calendar_add_months(now, AUTHORITY_ROOT_MONTHS_MIN) <= root->facts.not_after;
}

int authority_keep_root(struct authority *a, int64_t now, char ret_thumbprint[CERT_THUMBPRINT_MAX],
			struct certs_error *ret_error)
{
	int err;

	if (is_good_for_long(state_issuing_root(a->state, now), now))
		return 0;
	err = authority_rotate(a, now, ret_thumbprint, ret_error);
	return err ? err : 1;
}

int authority_no_root(const struct state *s, int64_t now, struct certs_error *ret_error)
{
	const struct state_root *root = state_issuing_root(s, now);
	char then[CALENDAR_TEXT_MAX], clock[CALENDAR_TEXT_MAX];
	bool is_early = now < root->facts.not_before;

	return certs_fail(
		ret_error, -EKEYEXPIRED,
		"the root %s %s %s, and the clock says %s: set the clock, or make a new root",
		root->name, is_early ? "begins on" : "ended on",
		calendar_text(is_early ? root->facts.not_before : root->facts.not_after, then),
		calendar_text(now, clock));
}

/* ---- external roots ---- */

static int check_is_new(const struct state *s, const struct state_root *r,
			struct certs_error *ret_error)
{
	for (size_t i = 0; i < s->n_roots; i++) {
		if (name_equal(s->roots[i].name, r->name))
			return certs_fail(ret_error, -EEXIST, "there is a root called %s already",
					  s->roots[i].name);
		if (strcmp(s->roots[i].facts.fingerprint, r->facts.fingerprint) == 0)
			return certs_fail(ret_error, -EEXIST,
					  "this root is there already, and is called %s",
					  s->roots[i].name);
	}
	return 0;
}

static int read_external(const char *name, const char *vnet, const char *pem, size_t len,
			 struct state_root *ret_root, struct certs_error *ret_error)
{
	X509 *cert = NULL;
	int err = authority_check_label("root", name, ret_error);

	if (!err)
		err = authority_check_label("VNet", vnet, ret_error);
	if (err)
		return err;
	err = encoding_from_pem(pem, len, &cert, ret_error);
	if (!err)
		err = trust_check_root(cert, ret_error);
	if (err) {
		X509_free(cert);
		return err == -ENOMEM ? err : -EINVAL;
	}
	snprintf(ret_root->name, sizeof(ret_root->name), "%s", name);
	snprintf(ret_root->vnet, sizeof(ret_root->vnet), "%s", vnet);
	return state_root_set(ret_root, cert, NULL, ret_error);
}

/* Takes root. */
static int add_external(struct authority *a, struct state_root *root, int64_t now,
			struct certs_error *ret_error)
{
	struct state *next = NULL;
	int err = check_is_new(a->state, root, ret_error);

	if (!err)
		err = check_room(a->state, ret_error);
	if (!err) {
		next = authority_begin(a, now, ret_error);
		err = next ? 0 : -ENOMEM;
	}
	if (err) {
		state_root_done(root);
		return err;
	}
	state_add_root(next, root);
	return authority_commit(a, next, ret_error);
}

int authority_import(struct authority *a, const char *name, const char *vnet, const char *pem,
		     size_t len, int64_t now, struct certs_error *ret_error)
{
	struct state_root root = {0};
	int err = read_external(name, vnet, pem, len, &root, ret_error);

	if (err) {
		state_root_done(&root);
		return err;
	}
	return add_external(a, &root, now, ret_error);
}

/* ---- dropping ---- */

static size_t count_live(const struct state *s, const char *root, int64_t now)
{
	size_t live = 0;

	for (size_t i = 0; i < s->n_certs; i++)
		live += strcmp(s->certs[i].root, root) == 0 &&
			state_cert_is_live(s, &s->certs[i], now);
	return live;
}

static int drop(struct authority *a, const struct state_root *root, int64_t now,
		struct certs_error *ret_error)
{
	size_t index = (size_t)(root - a->state->roots);
	size_t cut = count_live(a->state, root->facts.thumbprint, now);
	bool is_own = root->key;
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct state *next = authority_begin(a, now, ret_error);
	int err;

	if (!next)
		return -ENOMEM;
	memcpy(thumbprint, root->facts.thumbprint, sizeof(thumbprint));
	state_remove_root(next, index);
	err = authority_commit(a, next, ret_error); /* root is gone */
	if (err)
		return err;
	if (is_own)
		authority_remove_key(a, AUTHORITY_ROOT, thumbprint);
	return (int)cut;
}

int authority_drop_root(struct authority *a, const char *thumbprint, int64_t now,
			struct certs_error *ret_error)
{
	char wanted[CERT_THUMBPRINT_MAX];
	const struct state_root *root;

	if (cert_thumbprint_parse(thumbprint, wanted) != 0)
		return certs_fail(ret_error, -EINVAL, "'%s' is no thumbprint: it has 40 hex digits",
				  thumbprint);
	root = state_find_root(a->state, wanted);
	if (!root)
		return certs_fail(ret_error, -ENOENT, "there is no root with the thumbprint %s",
				  wanted);
	if (root == state_issuing_root(a->state, now))
		return certs_fail(ret_error, -EBUSY,
				  "%s is the root that issues: make a new one first", root->name);
	return drop(a, root, now, ret_error);
}

/* ---- showing ---- */

size_t authority_root_count(const struct authority *a)
{
	return a->state->n_roots;
}

void authority_root_at(const struct authority *a, size_t index, int64_t now,
		       struct authority_root_info *ret_info)
{
	const struct state_root *r = &a->state->roots[index];
	struct status_facts facts = {.not_before = r->facts.not_before,
				     .not_after = r->facts.not_after};

	*ret_info = (struct authority_root_info){
		.facts = r->facts,
		.status = status_at(&facts, now),
		.is_own = r->key,
		.is_issuing = r == state_issuing_root(a->state, now),
		.issues_until =
			r->key ? calendar_add_months(r->facts.not_after, -ISSUE_CLIENT_MONTHS) : 0,
		.is_serving = r == state_serving_root(a->state, now),
		.live = count_live(a->state, r->facts.thumbprint, now),
	};
	memcpy(ret_info->name, r->name, sizeof(r->name));
	memcpy(ret_info->vnet, r->vnet, sizeof(r->vnet));
}

const char *authority_root_blob(const struct authority *a, size_t index)
{
	return state_blob_text(a->state->roots[index].blob);
}

int authority_pin(const struct authority *a, int64_t now,
		  uint8_t ret_fingerprint[CERT_FINGERPRINT_SIZE], struct certs_error *ret_error)
{
	const struct state_root *root = state_serving_root(a->state, now);

	if (!root)
		return authority_no_root(a->state, now, ret_error);
	return cert_fingerprint_parse(root->facts.fingerprint, ret_fingerprint);
}

static int push(struct stack_st_X509 *certs, X509 *cert)
{
	if (sk_X509_push(certs, cert) <= 0)
		return -ENOMEM;
	X509_up_ref(cert);
	return 0;
}

int authority_cacerts(const struct authority *a, struct stack_st_X509 **ret_certs)
{
	struct stack_st_X509 *certs = sk_X509_new_null();
	int err = certs ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < a->state->n_roots; i++) {
		if (a->state->roots[i].key)
			err = push(certs, a->state->roots[i].cert);
	}
	if (err)
		sk_X509_pop_free(certs, X509_free);
	else
		*ret_certs = certs;
	return err;
}
