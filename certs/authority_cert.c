/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates: issued, renewed, revoked, shown. */
#include <errno.h>
#include <openssl/sha.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority_internal.h"
#include "certs/base64.h"

#include "certs/calendar.h"
#include "certs/encoding.h"

int authority_check_label(const char *what, const char *name, struct certs_error *ret_error)
{
	if (name_is_label(name))
		return 0;
	return certs_fail(ret_error, -EINVAL,
			  "'%s' is no name for %s %s: 1 to %d letters, digits, '-', '_' and '.'",
			  name, strcmp(what, "app") == 0 ? "an" : "a", what, NAME_LABEL_MAX - 1);
}

static int belongs_elsewhere(const char *app, const char *vnet, const char *why, const char *id,
			     struct certs_error *ret_error)
{
	return certs_fail(ret_error, -EEXIST, "app %s belongs to VNet %s, by %s %s", app, vnet, why,
			  id);
}

int authority_check_vnet(const struct state *s, const char *app, const char *vnet, int64_t now,
			 struct certs_error *ret_error)
{
	char id[AUTHORITY_TOKEN_ID_MAX];

	for (size_t i = 0; i < s->n_certs; i++) {
		const struct state_cert *c = &s->certs[i];

		if (name_equal(c->app, app) && !name_equal(c->vnet, vnet) &&
		    state_cert_is_live(s, c, now))
			return belongs_elsewhere(app, c->vnet, "the certificate", c->thumbprint,
						 ret_error);
	}
	for (size_t i = 0; i < s->n_tokens; i++) {
		const struct state_token *t = &s->tokens[i];

		if (name_equal(t->app, app) && !name_equal(t->vnet, vnet) &&
		    state_token_state(t, now) == AUTHORITY_TOKEN_OPEN)
			return belongs_elsewhere(app, t->vnet, "the token", state_token_id(t, id),
						 ret_error);
	}
	return 0;
}

/* ---- issuing ---- */

/* Who had a certificate revoked may have lost its key: that key gets no other one. */
static int check_key(const struct state *s, const EVP_PKEY *key, struct certs_error *ret_error)
{
	uint8_t hash[STATE_HASH_SIZE];

	if (state_key_hash(key, hash) != 0)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < s->n_certs; i++) {
		const struct state_cert *c = &s->certs[i];

		if (c->revoked && memcmp(c->key_hash, hash, sizeof(hash)) == 0)
			return certs_fail(ret_error, -EKEYREJECTED,
					  "the key is that of the revoked certificate %s: a new "
					  "one is needed",
					  c->thumbprint);
	}
	return 0;
}

/* ---- room ---- */

/* A clock that was put back says nothing about when. */
static bool is_recent(const struct state_cert *c, int64_t now)
{
	return c->issued <= now && now - c->issued < AUTHORITY_LINEAGE_KEPT_S;
}

/* The oldest of a lineage but the one that asks; NULL when there is no other. */
static const struct state_cert *oldest_beside(const struct state *s, const struct state_cert *asks,
					      size_t *ret_n)
{
	const struct state_cert *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n_certs; i++) {
		const struct state_cert *c = &s->certs[i];

		if (strcmp(c->lineage, asks->lineage) != 0)
			continue;
		n++;
		if (!found && c != asks)
			found = c;
	}
	*ret_n = n;
	return found;
}

static void forget(struct state *s, const struct state_cert *c)
{
	state_remove_cert(s, (size_t)(c - s->certs));
}

/* What comes in no more, however the clock stands; else what has expired. */
static bool forget_dead(struct state *s, int64_t now)
{
	const struct state_cert *expired = NULL;

	for (size_t i = 0; i < s->n_certs; i++) {
		const struct state_cert *c = &s->certs[i];

		if (c->revoked || !state_find_root(s, c->root)) {
			forget(s, c);
			return true;
		}
		if (!expired && now > c->not_after)
			expired = c;
	}
	if (expired)
		forget(s, expired);
	return expired != NULL;
}

/* A lineage that is full gives up its oldest, unless that may be in somebody's hands just now. */
static int make_room_in_lineage(struct state *s, const struct state_cert *asks, bool is_full,
				int64_t now, struct certs_error *ret_error)
{
	size_t n;
	const struct state_cert *oldest = oldest_beside(s, asks, &n);

	if (!oldest || (n < AUTHORITY_LINEAGE_MAX && !is_full))
		return 0;
	if (is_recent(oldest, now))
		return certs_fail(ret_error, -EAGAIN,
				  "app %s has got new certificates just now: wait %d seconds",
				  asks->app,
				  (int)(oldest->issued + AUTHORITY_LINEAGE_KEPT_S - now));
	forget(s, oldest);
	return 0;
}

/* The last places are kept for renewals: who is in already stays in. */
static int make_room(struct state *s, const struct state_cert *about, int64_t now,
		     struct certs_error *ret_error)
{
	size_t max = AUTHORITY_CERTS_MAX - (*about->renews ? 0 : AUTHORITY_CERTS_RESERVED);
	const struct state_cert *asks;
	int err = 0;

	while (s->n_certs >= max && forget_dead(s, now))
		;
	asks = state_find_cert(s, about->renews);
	if (asks)
		err = make_room_in_lineage(s, asks, s->n_certs >= max, now, ret_error);

	if (err || s->n_certs < max)
		return err;
	return certs_fail(ret_error, -ENOSPC,
			  "there are %zu client certificates, and no room for another", s->n_certs);
}

/* ---- signing ---- */

static int sign(const struct state *s, const char *app, const EVP_PKEY *key, int64_t now,
		X509 **ret_cert, struct certs_error *ret_error)
{
	const struct state_root *root = state_issuing_root(s, now);
	struct issuer issuer = {root->cert, root->key};
	uint8_t serial[ISSUE_SERIAL_SIZE];
	int err = authority_serial(s, serial, ret_error);

	return err ? err : issue_client(&issuer, app, key, serial, now, ret_cert, ret_error);
}

int authority_issue_into(struct state *s, const struct state_cert *about, const EVP_PKEY *key,
			 int64_t now, X509 **ret_cert, struct certs_error *ret_error)
{
	struct state_cert record = *about;
	X509 *cert = NULL;
	int err = authority_check_vnet(s, about->app, about->vnet, now, ret_error);

	if (!err)
		err = check_key(s, key, ret_error);
	if (!err)
		err = make_room(s, about, now, ret_error);
	if (!err)
		err = sign(s, about->app, key, now, &cert, ret_error);
	if (!err)
		err = state_cert_set(&record, cert, ret_error);
	if (err) {
		X509_free(cert);
		return err;
	}
	memcpy(record.root, state_issuing_root(s, now)->facts.thumbprint, sizeof(record.root));
	state_add_cert(s, &record);
	*ret_cert = cert;
	return 0;
}

int authority_commit_cert(struct authority *a, struct state *next, int err, X509 *cert,
			  X509 **ret_cert, struct certs_error *ret_error)
{
	if (err)
		state_free(next);
	else
		err = authority_commit(a, next, ret_error);
	if (err)
		X509_free(cert);
	else
		*ret_cert = cert;
	return err;
}

static int issue(struct authority *a, const struct state_cert *about, const EVP_PKEY *key,
		 int64_t now, X509 **ret_cert, struct certs_error *ret_error)
{
	struct state *next = authority_begin(a, now, ret_error);
	X509 *cert = NULL;
	int err = next ? authority_issue_into(next, about, key, now, &cert, ret_error) : -ENOMEM;

	return authority_commit_cert(a, next, err, cert, ret_cert, ret_error);
}

int authority_issue(struct authority *a, const char *app, const char *vnet, const EVP_PKEY *csr_key,
		    int64_t now, X509 **ret_cert, struct certs_error *ret_error)
{
	struct state_cert about = {.issued = now};
	int err = authority_check_label("app", app, ret_error);

	if (!err)
		err = authority_check_label("VNet", vnet, ret_error);
	if (err)
		return err;
	snprintf(about.app, sizeof(about.app), "%s", app);
	snprintf(about.vnet, sizeof(about.vnet), "%s", vnet);
	return issue(a, &about, csr_key, now, ret_cert, ret_error);
}

static int parse_thumbprint(const char *text, char ret_thumbprint[CERT_THUMBPRINT_MAX],
			    struct certs_error *ret_error)
{
	if (cert_thumbprint_parse(text, ret_thumbprint) == 0)
		return 0;
	return certs_fail(ret_error, -EINVAL, "'%s' is no thumbprint: it has 40 hex digits", text);
}

static int check_renewable(const struct state *s, const struct state_cert *c, int64_t now,
			   struct certs_error *ret_error)
{
	char date[CALENDAR_TEXT_MAX];

	switch (state_cert_status(s, c, now)) {
	case CERT_REVOKED:
		return certs_fail(ret_error, -EKEYREVOKED,
				  "the certificate %s of app %s was revoked on %s", c->thumbprint,
				  c->app, calendar_text(c->revoked, date));
	case CERT_EXPIRED:
		return certs_fail(ret_error, -EKEYEXPIRED,
				  "the certificate %s of app %s expired on %s: enrol it anew",
				  c->thumbprint, c->app, calendar_text(c->not_after, date));
	case CERT_OUT_OF_SYNC:
		return certs_fail(ret_error, -EKEYEXPIRED,
				  "the root of the certificate %s of app %s is trusted no longer: "
				  "enrol it anew",
				  c->thumbprint, c->app);
	default: return 0;
	}
}

int authority_renew(struct authority *a, const char *thumbprint, const EVP_PKEY *csr_key,
		    int64_t now, X509 **ret_cert, struct certs_error *ret_error)
{
	char wanted[CERT_THUMBPRINT_MAX];
	struct state_cert about = {.issued = now};
	const struct state_cert *c;
	int err = parse_thumbprint(thumbprint, wanted, ret_error);

	if (err)
		return err;
	c = state_find_cert(a->state, wanted);
	if (!c)
		return certs_fail(ret_error, -ENOENT, "the certificate %s is not one of ours",
				  wanted);
	err = check_renewable(a->state, c, now, ret_error);
	if (err)
		return err;
	memcpy(about.app, c->app, sizeof(about.app));
	memcpy(about.vnet, c->vnet, sizeof(about.vnet));
	memcpy(about.renews, wanted, sizeof(about.renews));
	return issue(a, &about, csr_key, now, ret_cert, ret_error);
}

/* ---- revoking ---- */

/* What is to be revoked: a lineage, or all of an app. The other one is NULL. */
struct target {
	const char *lineage;
	const char *app;
};

static bool is_meant(const struct state_cert *c, const struct target *t)
{
	return t->lineage ? strcmp(c->lineage, t->lineage) == 0 : name_equal(c->app, t->app);
}

/*
 * How many were live; -ENOENT when none is meant, -EALREADY when all of them were revoked before.
 */
static int revoke_all(struct state *s, const struct target *t, int64_t now)
{
	int live = 0, err = -ENOENT;

	for (size_t i = 0; i < s->n_certs; i++) {
		struct state_cert *c = &s->certs[i];

		if (!is_meant(c, t))
			continue;
		if (err != 0)
			err = c->revoked ? -EALREADY : 0;
		if (c->revoked)
			continue;
		live += state_cert_is_live(s, c, now);
		c->revoked = now;
	}
	return err ? err : live;
}

static int revoke_own(struct state *s, const struct state_cert *c, int64_t now,
		      struct certs_error *ret_error)
{
	struct target lineage = {.lineage = c->lineage};
	int live = revoke_all(s, &lineage, now);

	if (live < 0)
		return certs_fail(ret_error, live, "the certificate %s is revoked already",
				  c->thumbprint);
	return live;
}

static int revoke_foreign(struct state *s, const char *thumbprint, int64_t now,
			  struct certs_error *ret_error)
{
	struct state_revoked record = {.at = now};

	for (size_t i = 0; i < s->n_revoked; i++) {
		if (strcmp(s->revoked[i].thumbprint, thumbprint) == 0)
			return certs_fail(ret_error, -EALREADY,
					  "the thumbprint %s is revoked already", thumbprint);
	}
	if (s->n_revoked >= AUTHORITY_REVOKED_MAX)
		return certs_fail(ret_error, -ENOSPC,
				  "%d thumbprints are revoked, and there is no room for another",
				  AUTHORITY_REVOKED_MAX);
	memcpy(record.thumbprint, thumbprint, CERT_THUMBPRINT_MAX);
	state_add_revoked(s, &record);
	return 0;
}

static int revoke(struct state *s, const char *thumbprint, unsigned flags, int64_t now,
		  struct certs_error *ret_error)
{
	const struct state_cert *c = state_find_cert(s, thumbprint);

	if (c)
		return revoke_own(s, c, now, ret_error);
	if (state_find_root(s, thumbprint))
		return certs_fail(ret_error, -EINVAL,
				  "%s is a root: drop it, which cuts all below it", thumbprint);
	if (flags & AUTHORITY_REVOKE_FOREIGN)
		return revoke_foreign(s, thumbprint, now, ret_error);
	return certs_fail(ret_error, -ENOENT, "the certificate %s is not one of ours", thumbprint);
}

/* Takes next. live: what revoking returned. */
static int commit_revoked(struct authority *a, struct state *next, int live,
			  struct certs_error *ret_error)
{
	int err;

	if (live < 0) {
		state_free(next);
		return live;
	}
	err = authority_commit(a, next, ret_error);
	return err ? err : live;
}

int authority_revoke(struct authority *a, const char *thumbprint, unsigned flags, int64_t now,
		     struct certs_error *ret_error)
{
	char wanted[CERT_THUMBPRINT_MAX];
	struct state *next;
	int err = parse_thumbprint(thumbprint, wanted, ret_error);

	if (err)
		return err;
	next = authority_begin(a, now, ret_error);
	if (!next)
		return -ENOMEM;
	return commit_revoked(a, next, revoke(next, wanted, flags, now, ret_error), ret_error);
}

static int revoke_app(struct state *s, const char *app, int64_t now, struct certs_error *ret_error)
{
	struct target all = {.app = app};
	int live = revoke_all(s, &all, now);

	if (live == -ENOENT)
		return certs_fail(ret_error, live, "there is no certificate of app %s", app);
	if (live < 0)
		return certs_fail(ret_error, live, "all certificates of app %s are revoked already",
				  app);
	return live;
}

int authority_revoke_app(struct authority *a, const char *app, int64_t now,
			 struct certs_error *ret_error)
{
	struct state *next;
	int err = authority_check_label("app", app, ret_error);

	if (err)
		return err;
	next = authority_begin(a, now, ret_error);
	if (!next)
		return -ENOMEM;
	return commit_revoked(a, next, revoke_app(next, app, now, ret_error), ret_error);
}

/* ---- showing ---- */

size_t authority_cert_count(const struct authority *a)
{
	return a->state->n_certs;
}

/*
 * Without parsing the certificate: a list of thousands is shown by this. The subject is what
 * issue_client() made of the app's name.
 */
static void fill_facts(const struct state_cert *c, const struct state_root *root,
		       struct cert_facts *ret_facts)
{
	uint8_t der[ENCODING_DER_MAX], sha256[CERT_FINGERPRINT_SIZE];
	const char *blob = state_blob_text(c->blob);
	size_t n;

	*ret_facts = (struct cert_facts){.not_before = c->not_before, .not_after = c->not_after};
	memcpy(ret_facts->thumbprint, c->thumbprint, sizeof(c->thumbprint));
	memcpy(ret_facts->serial, c->serial, sizeof(c->serial));
	memcpy(ret_facts->key, c->key, sizeof(c->key));
	snprintf(ret_facts->subject, sizeof(ret_facts->subject), "CN=%s", c->app);
	if (root)
		memcpy(ret_facts->issuer, root->facts.subject, sizeof(ret_facts->issuer));
	if (base64_decode(BASE64_LINE, blob, strlen(blob), der, sizeof(der), &n) != 0)
		return; /* never: it was written or checked by this module */
	SHA256(der, n, sha256);
	cert_fingerprint_text(sha256, ret_facts->fingerprint);
}

void authority_cert_at(const struct authority *a, size_t index, int64_t now,
		       struct authority_cert_info *ret_info)
{
	const struct state_cert *c = &a->state->certs[index];
	const struct state_root *root = state_find_root(a->state, c->root);

	*ret_info = (struct authority_cert_info){
		.status = state_cert_status(a->state, c, now),

		.issued = c->issued,
		.revoked = c->revoked,
	};
	fill_facts(c, root, &ret_info->facts);

	memcpy(ret_info->app, c->app, sizeof(c->app));
	memcpy(ret_info->vnet, c->vnet, sizeof(c->vnet));
	memcpy(ret_info->token, c->token, sizeof(c->token));
	memcpy(ret_info->renews, c->renews, sizeof(c->renews));
	memcpy(ret_info->renewed_by, c->renewed_by, sizeof(c->renewed_by));
	if (root)
		memcpy(ret_info->root, root->name, sizeof(root->name));
}

size_t authority_cert_live(const struct authority *a, const char *app, int64_t now)
{
	size_t live = 0;

	for (size_t i = 0; i < a->state->n_certs; i++)
		live += name_equal(a->state->certs[i].app, app) &&
			state_cert_is_live(a->state, &a->state->certs[i], now);
	return live;
}

int authority_cert_find(const struct authority *a, const char *thumbprint)
{
	char wanted[CERT_THUMBPRINT_MAX];
	const struct state_cert *c;

	if (cert_thumbprint_parse(thumbprint, wanted) != 0)
		return -EINVAL;
	c = state_find_cert(a->state, wanted);
	return c ? (int)(c - a->state->certs) : -ENOENT;
}

const char *authority_cert_blob(const struct authority *a, size_t index)
{
	return state_blob_text(a->state->certs[index].blob);
}
