/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment tokens: made, shown, taken back, redeemed. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "certs/authority_internal.h"
#include "certs/calendar.h"

static int check_request(const struct state *s, const struct authority_token_request *r,
			 int64_t now, struct certs_error *ret_error)
{
	int err = authority_check_label("app", r->app, ret_error);

	if (!err)
		err = authority_check_label("VNet", r->vnet, ret_error);
	if (err)
		return err;
	if (!hostname_split(r->gateway, NULL, NULL))
		return certs_fail(ret_error, -EINVAL,
				  "'%s' is not what a worker can dial: write NAME or NAME:PORT, an "
				  "IPv6 address in brackets",
				  r->gateway);
	if (r->lifetime_s < AUTHORITY_TOKEN_S_MIN || r->lifetime_s > AUTHORITY_TOKEN_S_MAX)
		return certs_fail(ret_error, -EINVAL,
				  "a token lives %d seconds to %d days, not %lld seconds",
				  AUTHORITY_TOKEN_S_MIN, AUTHORITY_TOKEN_S_MAX / 86400,
				  (long long)r->lifetime_s);
	return authority_check_vnet(s, r->app, r->vnet, now, ret_error);
}

static int fill_token(const struct authority *a, const struct authority_token_request *r,
		      int64_t now, struct token *ret_token, struct certs_error *ret_error)
{
	int err = 0;

	snprintf(ret_token->gateway, sizeof(ret_token->gateway), "%s", r->gateway);
	ret_token->expires = now + r->lifetime_s;
	if (r->pin)
		memcpy(ret_token->root, r->pin, sizeof(ret_token->root));
	else
		err = authority_pin(a, now, ret_token->root, ret_error);
	if (!err && token_secret_new(ret_token->secret) != 0)
		err = certs_fail(ret_error, -EIO, "no token can be made: no random numbers");
	return err;
}

static struct state_token record_of(const struct token *t, const struct authority_token_request *r,
				    int64_t now)
{
	struct state_token record = {.created = now, .expires = t->expires};

	token_hash(t->secret, record.hash);
	snprintf(record.app, sizeof(record.app), "%s", r->app);
	snprintf(record.vnet, sizeof(record.vnet), "%s", r->vnet);
	return record;
}

static int store(struct authority *a, const struct state_token *record, int64_t now,
		 struct certs_error *ret_error)
{
	struct state *next = authority_begin(a, now, ret_error);

	if (!next)
		return -ENOMEM;
	if (next->n_tokens >= AUTHORITY_TOKENS_MAX) {
		state_free(next);
		return certs_fail(ret_error, -ENOSPC,
				  "there are %d tokens, and no room for another",
				  AUTHORITY_TOKENS_MAX);
	}
	state_add_token(next, record);
	return authority_commit(a, next, ret_error);
}

int authority_token_add(struct authority *a, const struct authority_token_request *request,
			int64_t now, char ret_text[TOKEN_TEXT_MAX], struct certs_error *ret_error)
{
	char text[TOKEN_TEXT_MAX];
	struct token token = {.expires = 0};
	struct state_token record;
	int err = check_request(a->state, request, now, ret_error);

	if (!err)
		err = fill_token(a, request, now, &token, ret_error);
	if (!err)
		err = token_encode(&token, text, ret_error);
	if (!err) {
		record = record_of(&token, request, now);
		err = store(a, &record, now, ret_error);
	}
	if (!err)
		memcpy(ret_text, text, sizeof(text));
	OPENSSL_cleanse(text, sizeof(text));
	token_wipe(&token);
	return err;
}

/* ---- showing, taking back ---- */

static int find_id(const struct state *s, const char *id)
{
	char found[AUTHORITY_TOKEN_ID_MAX];

	for (size_t i = 0; i < s->n_tokens; i++) {
		if (strcmp(state_token_id(&s->tokens[i], found), id) == 0)
			return (int)i;
	}
	return -ENOENT;
}

int authority_token_drop(struct authority *a, const char *id, int64_t now,
			 struct certs_error *ret_error)
{
	struct state *next = authority_begin(a, now, ret_error);
	int index, err = 0;

	if (!next)
		return -ENOMEM;
	index = find_id(next, id);
	if (index < 0)
		err = certs_fail(ret_error, -ENOENT, "there is no token %s", id);
	else if (next->tokens[index].used)
		err = certs_fail(ret_error, -EALREADY,
				 "the token %s was used: revoke the certificate %s instead", id,
				 next->tokens[index].thumbprint);
	if (err) {
		state_free(next);
		return err;
	}
	state_remove_token(next, (size_t)index);
	return authority_commit(a, next, ret_error);
}

size_t authority_token_count(const struct authority *a)
{
	return a->state->n_tokens;
}

static void describe(const struct state_token *t, int64_t now,
		     struct authority_token_info *ret_info)
{
	*ret_info = (struct authority_token_info){
		.created = t->created,
		.expires = t->expires,
		.used = t->used,
		.state = state_token_state(t, now),
	};
	state_token_id(t, ret_info->id);
	memcpy(ret_info->app, t->app, sizeof(t->app));
	memcpy(ret_info->vnet, t->vnet, sizeof(t->vnet));
	memcpy(ret_info->thumbprint, t->thumbprint, sizeof(t->thumbprint));
}

void authority_token_at(const struct authority *a, size_t index, int64_t now,
			struct authority_token_info *ret_info)
{
	describe(&a->state->tokens[index], now, ret_info);
}

/* ---- redeeming ---- */

/* The token of a secret when it is open. */
static int find_open(const struct state *s, const uint8_t secret[TOKEN_SECRET_SIZE], int64_t now,
		     struct state_token **ret_token, struct certs_error *ret_error)
{
	char id[AUTHORITY_TOKEN_ID_MAX], date[CALENDAR_TEXT_MAX];
	uint8_t hash[TOKEN_HASH_SIZE];
	struct state_token *t;

	token_hash(secret, hash);
	t = state_find_token(s, hash);
	if (!t)
		return certs_fail(ret_error, -ENOENT, "the token is unknown here");
	state_token_id(t, id);
	switch (state_token_state(t, now)) {
	case AUTHORITY_TOKEN_USED:
		return certs_fail(ret_error, -EALREADY,
				  "the token %s of app %s was used on %s, for the certificate %s: "
				  "if that was somebody else, revoke it; then make a new token",
				  id, t->app, calendar_text(t->used, date), t->thumbprint);
	case AUTHORITY_TOKEN_EXPIRED:
		return certs_fail(ret_error, -ETIME, "the token %s of app %s expired on %s", id,
				  t->app, calendar_text(t->expires, date));
	case AUTHORITY_TOKEN_OPEN: break;
	}
	*ret_token = t;
	return 0;
}

int authority_token_check(const struct authority *a, const uint8_t secret[TOKEN_SECRET_SIZE],
			  int64_t now, struct authority_token_info *ret_info,
			  struct certs_error *ret_error)
{
	struct state_token *t;
	int err = find_open(a->state, secret, now, &t, ret_error);

	if (!err)
		describe(t, now, ret_info);
	return err;
}

/* Works on a copy of the state; the token in it is marked only when a certificate was issued. */
static int redeem(struct state *next, const uint8_t secret[TOKEN_SECRET_SIZE],
		  const EVP_PKEY *csr_key, int64_t now, X509 **ret_cert,
		  struct certs_error *ret_error)
{
	struct state_cert about = {.issued = now};
	struct state_token *t;
	int err = find_open(next, secret, now, &t, ret_error);

	if (err)
		return err;
	memcpy(about.app, t->app, sizeof(about.app));
	memcpy(about.vnet, t->vnet, sizeof(about.vnet));
	state_token_id(t, about.token);
	t->used = now; /* so that it does not count as open while the app's VNet is checked */
	err = authority_issue_into(next, &about, csr_key, now, ret_cert, ret_error);
	if (!err)
		memcpy(t->thumbprint, next->certs[next->n_certs - 1].thumbprint,
		       sizeof(t->thumbprint));
	return err;
}

int authority_enrol(struct authority *a, const uint8_t secret[TOKEN_SECRET_SIZE],
		    const EVP_PKEY *csr_key, int64_t now, X509 **ret_cert,
		    struct certs_error *ret_error)
{
	struct state *next = authority_begin(a, now, ret_error);
	X509 *cert = NULL;
	int err = next ? redeem(next, secret, csr_key, now, &cert, ret_error) : -ENOMEM;

	return authority_commit_cert(a, next, err, cert, ret_cert, ret_error);
}
