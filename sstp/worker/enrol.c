/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/enrol.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "certs/calendar.h"
#include "certs/cert.h"
#include "certs/csr.h"
#include "certs/encoding.h"
#include "certs/key.h"
#include "certs/name.h"
#include "certs/pkcs7.h"
#include "certs/trust.h"
#include "sstp/worker/est.h"
#include "sstp/worker/multipart.h"

enum {
	SKEW_MAX_S = 3600 /* our clock behind the gateway's */
};

static const char pkcs7_type[] = "application/pkcs7-mime";
static const char json_type[] = "application/json";

static int no_memory(struct certs_error *e)
{
	return certs_fail(e, -ENOMEM, "out of memory");
}

static int push_copy(struct stack_st_X509 *list, X509 *cert, struct certs_error *e)
{
	if (!X509_up_ref(cert))
		return no_memory(e);
	if (sk_X509_push(list, cert))
		return 0;
	X509_free(cert);
	return no_memory(e);
}

static bool holds(const struct stack_st_X509 *list, const X509 *cert)
{
	for (int i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), cert) == 0)
			return true;
	return false;
}

/* ---- the anchor ---- */

static X509 *find_pinned(const struct stack_st_X509 *certs, const uint8_t *pin)
{
	uint8_t fingerprint[CERT_FINGERPRINT_SIZE];

	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (cert_fingerprint(cert, fingerprint) == 0 &&
		    memcmp(fingerprint, pin, sizeof(fingerprint)) == 0)
			return X509_up_ref(cert) ? cert : NULL;
	}
	return NULL;
}

/*
 * Servers may leave their root out of the handshake (RFC 8446 4.4.2): then /cacerts has it. What a
 * stranger says there is no more than a place to look for the fingerprint.
 */
static X509 *find_in_cacerts(const char *gateway, const uint8_t *pin)
{
	struct stack_st_X509 *certs = NULL;
	struct est_reply reply = {0};
	X509 *found = NULL;

	if (est_cacerts_of_stranger(gateway, &reply, NULL) == 0 &&
	    pkcs7_parse_base64(reply.body, reply.len, &certs, NULL) == 0)
		found = find_pinned(certs, pin);
	sk_X509_pop_free(certs, X509_free);
	est_reply_done(&reply);
	return found;
}

static int learn_anchor(const struct token *token, X509 **ret_anchor, struct certs_error *e)
{
	struct stack_st_X509 *chain = NULL;
	char text[CERT_FINGERPRINT_MAX];
	X509 *anchor;
	int r = est_chain(token->gateway, &chain, e);

	if (r < 0)
		return r;
	anchor = find_pinned(chain, token->root);
	sk_X509_pop_free(chain, X509_free);
	if (!anchor)
		anchor = find_in_cacerts(token->gateway, token->root);
	if (!anchor)
		return certs_fail(
			e, -EKEYREJECTED,
			"%s is not the gateway that this token was made for: it has no certificate "
			"with the fingerprint %s. Nothing was sent. Somebody may be in "
			"between, or the gateway's certificate comes from another authority by "
			"now: "
			"ask for another token",
			token->gateway, cert_fingerprint_text(token->root, text));
	r = trust_check_anchor(anchor, e);
	if (r < 0)
		X509_free(anchor);
	else
		*ret_anchor = anchor;
	return r < 0 ? -EKEYREJECTED : 0;
}

/* Adds what can be an anchor and is not there yet; others are no reason to fail. */
static int add_anchors(struct stack_st_X509 *roots, const struct stack_st_X509 *certs,
		       struct certs_error *e)
{
	int r = 0;

	for (int i = 0; i < sk_X509_num(certs) && r == 0; i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (!holds(roots, cert) && sk_X509_num(roots) < ENCODING_CHAIN_MAX &&
		    trust_check_anchor(cert, NULL) == 0)
			r = push_copy(roots, cert, e);
	}
	return r;
}

static int fetch_cacerts(const struct est_peer *peer, struct stack_st_X509 **ret_certs,
			 struct certs_error *e)
{
	static const struct est_request request = {.path = "cacerts"};
	struct est_reply reply = {0};
	int r = est_call(peer, &request, &reply, e);

	if (r < 0)
		return r;
	r = pkcs7_parse_base64(reply.body, reply.len, ret_certs, e);
	est_reply_done(&reply);
	return r < 0 ? certs_fail_in(e, r == -ENOMEM ? r : -EBADMSG, "the gateway's roots") : 0;
}

/* ---- the request ---- */

static int make_request(EVP_PKEY *key, const char *name, char **ret_text, struct certs_error *e)
{
	uint8_t *der = NULL;
	size_t len;
	int r = csr_new(key, name, &der, &len, e);

	if (r < 0)
		return r;
	*ret_text = malloc(BASE64_TEXT_MAX(len));
	if (*ret_text)
		base64_encode(BASE64_LINE, der, len, *ret_text);
	free(der);
	return *ret_text ? 0 : no_memory(e);
}

/* ---- the reply ---- */

struct reply_parts {
	const char *certs;
	size_t certs_len;
	const char *json; /* NULL: none */
	size_t json_len;
};

static void take_part(struct reply_parts *p, const struct multipart_part *part)
{
	if (multipart_is_type(part->type, part->type_len, pkcs7_type)) {
		p->certs = part->body;
		p->certs_len = part->len;
	} else if (multipart_is_type(part->type, part->type_len, json_type)) {
		p->json = part->body;
		p->json_len = part->len;
	}
}

static int split(const struct est_reply *reply, struct reply_parts *ret, struct certs_error *e)
{
	struct multipart_part parts[MULTIPART_PARTS_MAX] = {
		{reply->type, strlen(reply->type), reply->body, reply->len}};
	int n = 1;

	*ret = (struct reply_parts){0};
	if (multipart_is_type(reply->type, strlen(reply->type), "multipart/mixed"))
		n = multipart_parse(reply->type, reply->body, reply->len, parts);
	for (int i = 0; i < n; i++)
		take_part(ret, &parts[i]);
	if (!ret->certs)
		return certs_fail(e, -EBADMSG, "the gateway's answer holds no certificate");
	return 0;
}

static X509 *find_for_key(const struct stack_st_X509 *certs, const EVP_PKEY *key)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		const EVP_PKEY *its = X509_get0_pubkey(sk_X509_value(certs, i));

		if (its && EVP_PKEY_eq(its, key) == 1)
			return sk_X509_value(certs, i);
	}
	return NULL;
}

/*
 * The roots as the judge takes them: each alone, with a name that only has to be another one. What is
 * none, an operator's intermediate, stands for the gateway and issues no client's certificate.
 */
static int make_judge(const struct stack_st_X509 *anchors, struct trust **ret_trust,
		      struct certs_error *e)
{
	struct trust_root list[TRUST_ROOTS_MAX];
	char *pems[TRUST_ROOTS_MAX] = {0};
	char names[TRUST_ROOTS_MAX][8];
	size_t n = 0;
	int r = 0;

	for (int i = 0; i < sk_X509_num(anchors) && n < TRUST_ROOTS_MAX && r == 0; i++) {
		const X509 *cert = sk_X509_value(anchors, i);

		if (trust_check_root(cert, NULL) < 0)
			continue;
		r = encoding_to_pem(cert, &pems[n]);
		snprintf(names[n], sizeof(names[n]), "root%zu", n);
		list[n] = (struct trust_root){.name = names[n], .pem = pems[n]};
		n++;
	}
	r = r < 0 ? no_memory(e) : trust_new(list, n, NULL, 0, ret_trust, e);
	for (size_t i = 0; i < n; i++)
		free(pems[i]);
	return r;
}

/*
 * The gateway's clock made the certificate. One that is a little ahead of ours is no reason to refuse
 * what a token was used up for.
 */
static int64_t forgive_skew(const X509 *leaf, int64_t now)
{
	int64_t from, until;

	if (cert_lifetime(leaf, &from, &until) < 0 || from <= now || from - now > SKEW_MAX_S)
		return now;
	return from;
}

static int judge(const struct stack_st_X509 *roots, X509 *leaf, struct stack_st_X509 *certs,
		 int64_t now, struct certs_error *e)
{
	struct trust_verdict verdict;
	struct trust *trust = NULL;
	int r = make_judge(roots, &trust, e);

	if (r < 0)
		return r;
	if (trust_judge(trust, leaf, certs, forgive_skew(leaf, now), &verdict) != TRUST_OK)
		r = certs_fail(
			e, -EBADMSG, "the certificate that the gateway issued cannot be used: %s%s",
			verdict.sentence,
			verdict.reason == TRUST_NOT_YET_VALID || verdict.reason == TRUST_EXPIRED
				? ". Is this machine's clock right?"
				: "");
	trust_unref(trust);
	return r;
}

/* The leaf first, then what is neither it nor a root. */
static int write_chain(X509 *leaf, const struct stack_st_X509 *certs,
		       const struct stack_st_X509 *roots, char **ret_pem, struct certs_error *e)
{
	struct stack_st_X509 *chain = sk_X509_new_null();
	int r = chain ? push_copy(chain, leaf, e) : no_memory(e);

	for (int i = 0; i < sk_X509_num(certs) && r == 0; i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (cert != leaf && !holds(roots, cert))
			r = push_copy(chain, cert, e);
	}
	if (r == 0 && encoding_chain_to_pem(chain, ret_pem) < 0)
		r = no_memory(e);
	sk_X509_pop_free(chain, X509_free);
	return r;
}

static int take_certificate(const struct reply_parts *parts, const EVP_PKEY *key,
			    const struct stack_st_X509 *roots, int64_t now, char **ret_pem,
			    struct certs_error *e)
{
	struct stack_st_X509 *certs = NULL;
	X509 *leaf = NULL;
	int r = pkcs7_parse_base64(parts->certs, parts->certs_len, &certs, e);

	if (r < 0)
		return certs_fail_in(e, r == -ENOMEM ? r : -EBADMSG, "the gateway's answer");
	leaf = find_for_key(certs, key);
	if (leaf)
		r = judge(roots, leaf, certs, now, e);
	else
		r = certs_fail(e, -EBADMSG, "the gateway issued a certificate for another key");
	if (r == 0)
		r = write_chain(leaf, certs, roots, ret_pem, e);
	sk_X509_pop_free(certs, X509_free);
	return r;
}

static int take_reply(const struct est_reply *reply, const EVP_PKEY *key,
		      const struct stack_st_X509 *roots, int64_t now, struct enrolment *out,
		      struct certs_error *e)
{
	struct reply_parts parts;
	int r = split(reply, &parts, e);

	if (r == 0)
		r = take_certificate(&parts, key, roots, now, &out->cert_pem, e);
	if (r == 0 && parts.json)
		r = description_parse(parts.json, parts.json_len, &out->description, e);
	if (r == 0 && key_to_pem(key, &out->key_pem) < 0)
		r = no_memory(e);
	if (r == 0 && encoding_chain_to_pem(roots, &out->roots_pem) < 0)
		r = no_memory(e);
	return r;
}

/* ---- both ways ---- */

static int exchange(const struct est_peer *peer, const char *path, const char *bearer,
		    const char *name, EVP_PKEY *key, const struct stack_st_X509 *roots, int64_t now,
		    struct enrolment *ret_enrolment, struct certs_error *e)
{
	struct est_request request = {.path = path,
				      .bearer = bearer,
				      .accept = "multipart/mixed, application/pkcs7-mime"};
	struct enrolment out = {0};
	struct est_reply reply = {0};
	char *body = NULL;
	int r = make_request(key, name, &body, e);

	request.body = body;
	if (r == 0)
		r = est_call(peer, &request, &reply, e);
	if (r == 0)
		r = take_reply(&reply, key, roots, now, &out, e);
	if (r == 0)
		*ret_enrolment = out;
	else
		enrolment_done(&out);
	est_reply_done(&reply);
	free(body);
	return r;
}

static int enrol_below(const struct token *token, X509 *root, EVP_PKEY *key, int64_t now,
		       struct enrolment *ret_enrolment, struct certs_error *e)
{
	struct stack_st_X509 *roots = sk_X509_new_null(), *cacerts = NULL;
	struct est_peer peer = {.gateway = token->gateway};
	char secret[TOKEN_SECRET_TEXT_MAX];
	char *pem = NULL;
	int r = roots ? push_copy(roots, root, e) : no_memory(e);

	if (r == 0 && encoding_to_pem(root, &pem) < 0)
		r = no_memory(e);
	peer.roots_pem = pem;
	if (r == 0)
		r = fetch_cacerts(&peer, &cacerts, e);
	if (r == 0)
		r = add_anchors(roots, cacerts, e);
	token_secret_encode(token->secret, secret);
	if (r == 0)
		r = exchange(&peer, "simpleenroll", secret, "sstp-worker", key, roots, now,
			     ret_enrolment, e);
	OPENSSL_cleanse(secret, sizeof(secret));
	free(pem);
	sk_X509_pop_free(cacerts, X509_free);
	sk_X509_pop_free(roots, X509_free);
	return r;
}

/* What to do about a refusal, behind what the gateway says. */
static int advise(struct certs_error *e, int r, const char *advice)
{
	struct certs_error said;

	if (r != -EACCES || !e)
		return r;
	said = *e;
	return certs_fail(e, r, "%.400s. %s", said.text, advice);
}

int enrol_by_token(const struct token *token, EVP_PKEY *key, int64_t now,
		   struct enrolment *ret_enrolment, struct certs_error *ret_error)
{
	char expires[CALENDAR_TEXT_MAX], clock[CALENDAR_TEXT_MAX];
	X509 *root = NULL;
	int r;

	if (now > token->expires)
		return certs_fail(
			ret_error, -ETIME,
			"the token expired at %s, and this machine's clock says %s: ask for "
			"another token, or set the clock",
			calendar_text(token->expires, expires), calendar_text(now, clock));
	r = learn_anchor(token, &root, ret_error);
	if (r == 0)
		r = enrol_below(token, root, key, now, ret_enrolment, ret_error);
	X509_free(root);
	return advise(ret_error, r, "A token works once: ask for another one");
}

/*
 * /cacerts is all that counts from now on, unless the gateway shows what that does not vouch for (another
 * product's EST, with a certificate from elsewhere): then what it is verified by today stays.
 */
static int renew_roots(const struct enrol_identity *present, struct stack_st_X509 *roots,
		       struct certs_error *e)
{
	static const struct est_request look = {.path = "cacerts"};
	struct est_peer peer = {.gateway = present->gateway, .roots_pem = present->roots_pem};
	struct stack_st_X509 *cacerts = NULL, *old = NULL;
	struct est_reply reply = {0};
	char *pem = NULL;
	int r = fetch_cacerts(&peer, &cacerts, e);

	if (r == 0)
		r = add_anchors(roots, cacerts, e);
	if (r == 0 && encoding_chain_to_pem(roots, &pem) < 0)
		r = no_memory(e);
	peer.roots_pem = pem;
	if (r == 0 && est_call(&peer, &look, &reply, NULL) == -EKEYREJECTED) {
		r = encoding_chain_from_pem(present->roots_pem, strlen(present->roots_pem), &old,
					    e);
		if (r == 0)
			r = add_anchors(roots, old, e);
	}
	est_reply_done(&reply);
	free(pem);
	sk_X509_pop_free(old, X509_free);
	sk_X509_pop_free(cacerts, X509_free);
	return r;
}

/* The request's subject is the present one's (RFC 7030 4.2.2), as far as a common name goes. */
static void present_name(const char *cert_pem, char ret_name[NAME_LABEL_MAX])
{
	char name[NAME_MAX_BYTES];
	struct stack_st_X509 *chain = NULL;

	strcpy(ret_name, "sstp-worker");
	if (encoding_chain_from_pem(cert_pem, strlen(cert_pem), &chain, NULL) == 0 &&
	    name_of_client(sk_X509_value(chain, 0), name, NULL) == 0 &&
	    strlen(name) < NAME_LABEL_MAX)
		strcpy(ret_name, name);
	sk_X509_pop_free(chain, X509_free);
}

int enrol_again(const struct enrol_identity *present, EVP_PKEY *key, int64_t now,
		struct enrolment *ret_enrolment, struct certs_error *ret_error)
{
	const struct est_peer peer = {
		.gateway = present->gateway,
		.roots_pem = present->roots_pem,
		.cert_pem = present->cert_pem,
		.key_pem = present->key_pem,
	};
	struct stack_st_X509 *roots = sk_X509_new_null();
	char name[NAME_LABEL_MAX];
	int r = roots ? renew_roots(present, roots, ret_error) : no_memory(ret_error);

	present_name(present->cert_pem, name);
	if (r == 0)
		r = exchange(&peer, "simplereenroll", NULL, name, key, roots, now, ret_enrolment,
			     ret_error);
	sk_X509_pop_free(roots, X509_free);
	return advise(ret_error, r, "With another token the worker can enrol anew");
}

void enrolment_done(struct enrolment *e)
{
	if (!e)
		return;
	key_pem_free(e->key_pem);
	free(e->cert_pem);
	free(e->roots_pem);
	description_done(&e->description);
	memset(e, 0, sizeof(*e));
}
