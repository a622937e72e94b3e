/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority_state.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/encoding.h"

struct state_blob {
	unsigned refs;
	char *text;
};

struct state_blob *state_blob_new(const X509 *cert)
{
	struct state_blob *b = calloc(1, sizeof(*b));

	if (!b || encoding_to_blob(cert, &b->text) != 0) {
		free(b);
		return NULL;
	}
	b->refs = 1;
	return b;
}

struct state_blob *state_blob_of(const char *text)
{
	struct state_blob *b = calloc(1, sizeof(*b));

	if (b)
		b->text = strdup(text);
	if (!b || !b->text) {
		free(b);
		return NULL;
	}
	b->refs = 1;
	return b;
}

struct state_blob *state_blob_ref(struct state_blob *b)
{
	b->refs++;
	return b;
}

void state_blob_unref(struct state_blob *b)
{
	if (!b || --b->refs > 0)
		return;
	free(b->text);
	free(b);
}

const char *state_blob_text(const struct state_blob *b)
{
	return b->text;
}

/* ---- the whole ---- */

/* Twice as many as there are certificates, so that a walk along them is short. */
static size_t count_slots(size_t certs)
{
	size_t n = 2;

	while (n < 2 * certs)
		n *= 2;
	return n;
}

struct state *state_new(size_t certs, size_t tokens, size_t revoked)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	/* one more: an empty table is no failure */
	s->certs = calloc(certs + 1, sizeof(s->certs[0]));
	s->n_slots = count_slots(certs + 1);
	s->slots = calloc(s->n_slots, sizeof(s->slots[0]));
	s->tokens = calloc(tokens + 1, sizeof(s->tokens[0]));
	s->revoked = calloc(revoked + 1, sizeof(s->revoked[0]));
	if (s->certs && s->slots && s->tokens && s->revoked)
		return s;
	state_free(s);
	return NULL;
}

static struct state_root copy_root(const struct state_root *r)
{
	struct state_root copy = *r;

	X509_up_ref(copy.cert);
	if (copy.key)
		EVP_PKEY_up_ref(copy.key);
	state_blob_ref(copy.blob);
	return copy;
}

static struct state_server copy_server(const struct state_server *r)
{
	struct state_server copy = *r;

	if (copy.cert) {
		X509_up_ref(copy.cert);
		EVP_PKEY_up_ref(copy.key);
		state_blob_ref(copy.blob);
	}
	return copy;
}

static int64_t newest_date(const struct state *s)
{
	int64_t newest = 0;

	for (size_t i = 0; i < s->n_certs; i++) {
		if (s->certs[i].issued > newest)
			newest = s->certs[i].issued;
	}
	for (size_t i = 0; i < s->n_tokens; i++) {
		if (s->tokens[i].created > newest)
			newest = s->tokens[i].created;
	}
	return newest;
}

/* Where there was no clock yet, what is known tells the time. */
static int64_t next_clock(const struct state *s, int64_t now)
{
	int64_t clock = s->clock ? s->clock : newest_date(s);

	return clock && now - clock > STATE_CLOCK_STEP_S ? clock + STATE_CLOCK_STEP_S : now;
}

static bool is_token_over(const struct state_token *t, int64_t now)
{
	int64_t end = t->used ? t->used : t->expires;

	return now > end + STATE_TOKEN_KEPT_S;
}

static bool is_cert_over(const struct state_cert *c, int64_t now)
{
	return now > c->not_after + STATE_CERT_KEPT_S;
}

static void copy_records(const struct state *s, struct state *copy)
{
	for (size_t i = 0; i < s->n_certs; i++) {
		if (is_cert_over(&s->certs[i], copy->clock))
			continue;
		state_blob_ref(s->certs[i].blob);
		state_add_cert(copy, &s->certs[i]);
	}
	for (size_t i = 0; i < s->n_tokens; i++) {
		if (!is_token_over(&s->tokens[i], copy->clock))
			state_add_token(copy, &s->tokens[i]);
	}
	for (size_t i = 0; i < s->n_revoked; i++)
		state_add_revoked(copy, &s->revoked[i]);
}

struct state *state_copy(const struct state *s, int64_t now)
{
	struct state *copy = state_new(s->n_certs, s->n_tokens, s->n_revoked);

	if (!copy)
		return NULL;
	for (size_t i = 0; i < s->n_roots; i++)
		copy->roots[copy->n_roots++] = copy_root(&s->roots[i]);
	copy->server = copy_server(&s->server);
	copy->clock = next_clock(s, now);
	copy_records(s, copy);
	return copy;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_roots; i++)
		state_root_done(&s->roots[i]);
	for (size_t i = 0; i < s->n_certs; i++)
		state_cert_done(&s->certs[i]);
	state_server_done(&s->server);
	free(s->certs);
	free(s->slots);
	free(s->tokens);
	free(s->revoked);
	free(s);
}

/* ---- records ---- */

void state_root_done(struct state_root *r)
{
	X509_free(r->cert);
	EVP_PKEY_free(r->key);
	state_blob_unref(r->blob);
}

void state_server_done(struct state_server *r)
{
	X509_free(r->cert);
	EVP_PKEY_free(r->key);
	state_blob_unref(r->blob);
}

void state_cert_done(struct state_cert *c)
{
	state_blob_unref(c->blob);
}

static int describe(const X509 *cert, struct cert_facts *ret_facts, struct state_blob **ret_blob,
		    struct certs_error *ret_error)
{
	int err = cert_facts(cert, ret_facts, ret_error);

	if (err)
		return err;
	*ret_blob = state_blob_new(cert);
	return *ret_blob ? 0 : certs_fail(ret_error, -ENOMEM, "out of memory");
}

int state_root_set(struct state_root *r, X509 *cert, EVP_PKEY *key, struct certs_error *ret_error)
{
	r->cert = cert;
	r->key = key;
	return describe(cert, &r->facts, &r->blob, ret_error);
}

int state_server_set(struct state_server *r, X509 *cert, EVP_PKEY *key,
		     struct certs_error *ret_error)
{
	r->cert = cert;
	r->key = key;
	return describe(cert, &r->facts, &r->blob, ret_error);
}

int state_cert_set(struct state_cert *c, const X509 *cert, struct certs_error *ret_error)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);
	struct cert_facts facts;
	int err = describe(cert, &facts, &c->blob, ret_error);

	if (err)
		return err;
	memcpy(c->thumbprint, facts.thumbprint, sizeof(c->thumbprint));
	memcpy(c->serial, facts.serial, sizeof(c->serial));
	memcpy(c->key, facts.key, sizeof(c->key));
	c->not_before = facts.not_before;
	c->not_after = facts.not_after;
	err = key ? state_key_hash(key, c->key_hash) : -EBADMSG;
	if (!err)
		return 0;
	state_cert_done(c);
	c->blob = NULL;
	return certs_fail(ret_error, err, "the certificate's public key cannot be read");
}

/* In the one form: a point can be written in three. Owned; NULL: out of memory. */
static EVP_PKEY *canonical_key(const EVP_PKEY *key)
{
	EVP_PKEY *copy = EVP_PKEY_dup((EVP_PKEY *)key);

	if (copy && EVP_PKEY_is_a(copy, "EC") &&
	    EVP_PKEY_set_utf8_string_param(copy, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
					   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) !=
		    1) {
		EVP_PKEY_free(copy);
		return NULL;
	}
	return copy;
}

int state_key_hash(const EVP_PKEY *key, uint8_t ret_hash[STATE_HASH_SIZE])
{
	unsigned char *der = NULL;
	EVP_PKEY *canonical;
	int len;

	ERR_set_mark();
	canonical = canonical_key(key);
	len = canonical ? i2d_PUBKEY(canonical, &der) : 0;
	EVP_PKEY_free(canonical);
	ERR_pop_to_mark();
	if (len <= 0)
		return -ENOMEM;
	SHA256(der, (size_t)len, ret_hash);
	OPENSSL_free(der);
	return 0;
}

void state_add_root(struct state *s, const struct state_root *r)
{
	s->roots[s->n_roots++] = *r;
}

/* Where a thumbprint stands, or would stand. A hash is random already: any part of it will do. */
static uint32_t *find_slot(const struct state *s, const char *thumbprint)
{
	char head[9];
	size_t i;

	snprintf(head, sizeof(head), "%.8s", thumbprint);
	i = strtoul(head, NULL, 16) & (s->n_slots - 1);
	while (s->slots[i] && strcmp(s->certs[s->slots[i] - 1].thumbprint, thumbprint) != 0)
		i = (i + 1) & (s->n_slots - 1);
	return &s->slots[i];
}

/* What it renews may be forgotten: then that is the oldest which is known. */
static const char *lineage_of(const struct state_cert *c, const struct state_cert *before)
{
	if (before)
		return before->lineage;
	return *c->renews ? c->renews : c->thumbprint;
}

void state_add_cert(struct state *s, const struct state_cert *c)
{
	struct state_cert *before = state_find_cert(s, c->renews);
	struct state_cert *added = &s->certs[s->n_certs];
	uint32_t *slot;

	*added = *c;
	added->renewed_by[0] = '\0';
	if (!*added->lineage)
		memcpy(added->lineage, lineage_of(c, before), sizeof(added->lineage));
	if (before)
		memcpy(before->renewed_by, c->thumbprint, sizeof(c->thumbprint));
	slot = find_slot(s, c->thumbprint);
	s->n_certs++;
	if (!*slot)
		*slot = (uint32_t)s->n_certs;
}

void state_add_token(struct state *s, const struct state_token *t)
{
	s->tokens[s->n_tokens++] = *t;
}

void state_add_revoked(struct state *s, const struct state_revoked *r)
{
	s->revoked[s->n_revoked++] = *r;
}

void state_remove_root(struct state *s, size_t index)
{
	state_root_done(&s->roots[index]);
	s->n_roots--;
	memmove(&s->roots[index], &s->roots[index + 1], (s->n_roots - index) * sizeof(s->roots[0]));
}

static void index_again(struct state *s)
{
	size_t n = s->n_certs;

	memset(s->slots, 0, s->n_slots * sizeof(s->slots[0]));
	s->n_certs = 0;
	while (s->n_certs < n)
		state_add_cert(s, &s->certs[s->n_certs]);
}

void state_remove_cert(struct state *s, size_t index)
{
	state_cert_done(&s->certs[index]);
	s->n_certs--;
	memmove(&s->certs[index], &s->certs[index + 1], (s->n_certs - index) * sizeof(s->certs[0]));
	index_again(s);
}

void state_remove_token(struct state *s, size_t index)
{
	s->n_tokens--;
	memmove(&s->tokens[index], &s->tokens[index + 1],
		(s->n_tokens - index) * sizeof(s->tokens[0]));
}

/* ---- finding ---- */

const struct state_root *state_find_root(const struct state *s, const char *thumbprint)
{
	for (size_t i = 0; i < s->n_roots; i++) {
		if (strcmp(s->roots[i].facts.thumbprint, thumbprint) == 0)
			return &s->roots[i];
	}
	return NULL;
}

struct state_cert *state_find_cert(const struct state *s, const char *thumbprint)
{
	uint32_t slot = *find_slot(s, thumbprint);

	return slot ? &s->certs[slot - 1] : NULL;
}

struct state_token *state_find_token(const struct state *s, const uint8_t hash[TOKEN_HASH_SIZE])
{
	for (size_t i = 0; i < s->n_tokens; i++) {
		if (memcmp(s->tokens[i].hash, hash, TOKEN_HASH_SIZE) == 0)
			return &s->tokens[i];
	}
	return NULL;
}

static enum cert_status root_status(const struct state_root *r, int64_t now)
{
	struct status_facts facts = {.not_before = r->facts.not_before,
				     .not_after = r->facts.not_after};

	return status_at(&facts, now);
}

const struct state_root *state_issuing_root(const struct state *s, int64_t now)
{
	const struct state_root *newest = NULL;

	for (size_t i = s->n_roots; i-- > 0;) {
		const struct state_root *r = &s->roots[i];

		if (r->key && status_is_live(root_status(r, now)))
			return r;
		if (r->key && !newest)
			newest = r;
	}
	return newest;
}

const struct state_root *state_serving_root(const struct state *s, int64_t now)
{
	const struct state_root *found = NULL;

	for (size_t i = 0; i < s->n_roots; i++) {
		const struct state_root *r = &s->roots[i];

		if (r->key && root_status(r, now) == CERT_VALID)
			return r;
		if (r->key && status_is_live(root_status(r, now)))
			found = r;
	}
	return found;
}

enum cert_status state_cert_status(const struct state *s, const struct state_cert *c, int64_t now)
{
	struct status_facts facts = {
		.not_before = c->not_before,
		.not_after = c->not_after,
		.is_revoked = c->revoked != 0,
		.is_out_of_sync = !state_find_root(s, c->root),
	};

	return status_at(&facts, now);
}

bool state_cert_is_live(const struct state *s, const struct state_cert *c, int64_t now)
{
	enum cert_status status = state_cert_status(s, c, now);

	return status == CERT_VALID || status == CERT_NEAR_EXPIRY;
}

enum authority_token_state state_token_state(const struct state_token *t, int64_t now)
{
	if (t->used)
		return AUTHORITY_TOKEN_USED;
	return now > t->expires ? AUTHORITY_TOKEN_EXPIRED : AUTHORITY_TOKEN_OPEN;
}

const char *state_token_id(const struct state_token *t, char ret_id[AUTHORITY_TOKEN_ID_MAX])
{
	for (size_t i = 0; i < (AUTHORITY_TOKEN_ID_MAX - 1) / 2; i++)
		sprintf(ret_id + 2 * i, "%02x", t->hash[i]);
	return ret_id;
}
