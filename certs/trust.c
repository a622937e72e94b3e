/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/trust.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/calendar.h"
#include "certs/encoding.h"
#include "certs/key.h"
#include "certs/name.h"
#include "certs/twin.h"

enum {
	SECURITY_BITS_MIN = 112,
	RSA_BITS_MAX = 8192,
	AUTH_LEVEL =
		2, /* OpenSSL's: at least 112 bits of security, so neither SHA-1 nor RSA 1024 */
};

struct root {
	char name[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
	char thumbprint[CERT_THUMBPRINT_MAX];
	X509 *cert;
};

struct trust {
	atomic_uint refs;
	X509_STORE *store;
	struct root roots[TRUST_ROOTS_MAX];
	size_t n_roots;
	char (*revoked)[CERT_THUMBPRINT_MAX]; /* sorted */
	size_t n_revoked;
};

/* One judgement on its way. */
struct judgement {
	const struct trust *trust;
	X509 *leaf;
	struct stack_st_X509 *others;
	int64_t now;
	struct cert_facts facts;
	X509_STORE_CTX *ctx;
	/* of the first certificate that is not in force: X509_V_OK when all are */
	int time_error;
	X509 *out_of_time;
	struct trust_verdict *verdict;
};

static const char *const reason_texts[TRUST_REASON_COUNT] = {
	[TRUST_OK] = "ok",
	[TRUST_MALFORMED] = "malformed",
	[TRUST_WEAK_KEY] = "weak key",
	[TRUST_WRONG_ROOT] = "wrong root",
	[TRUST_NO_CLIENT_AUTH] = "no clientAuth",
	[TRUST_NOT_YET_VALID] = "not yet valid",
	[TRUST_EXPIRED] = "expired",
	[TRUST_REVOKED] = "revoked",
	[TRUST_UNUSABLE_NAME] = "unusable name",
	[TRUST_OUT_OF_MEMORY] = "out of memory",
};

const char *trust_reason_text(enum trust_reason reason)
{
	return reason_texts[reason];
}

/* ---- making one ---- */

static int compare_thumbprints(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What is weak about a key or a signature, or NULL. */
static const char *weakness_of_key(const X509 *cert)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);
	bool is_rsa;

	if (!key)
		return "its public key cannot be read";
	is_rsa = EVP_PKEY_is_a(key, "RSA");
	if (!is_rsa && !EVP_PKEY_is_a(key, "EC") && !EVP_PKEY_is_a(key, "ED25519") &&
	    !EVP_PKEY_is_a(key, "ED448"))
		return "its key is neither RSA, nor EC, nor EdDSA";
	if (EVP_PKEY_get_security_bits(key) < SECURITY_BITS_MIN)
		return "its key is too short";
	return is_rsa && EVP_PKEY_get_bits(key) > RSA_BITS_MAX ? "its key is too long" : NULL;
}

static const char *weakness_of_signature(const X509 *cert)
{
	int security_bits;

	if (X509_get_signature_info((X509 *)cert, NULL, NULL, &security_bits, NULL) != 1)
		return "it is signed by an unknown algorithm";
	return security_bits < SECURITY_BITS_MIN ? "it is signed with a weak digest" : NULL;
}

static int check_root(X509 *cert, struct certs_error *ret_error)
{
	const char *weakness = weakness_of_key(cert);

	if (weakness)
		return certs_fail(ret_error, -EINVAL, "it cannot be a root: %s", weakness);
	if ((X509_get_extension_flags(cert) & (EXFLAG_CA | EXFLAG_INVALID)) != EXFLAG_CA)
		return certs_fail(ret_error, -EINVAL,
				  "it cannot be a root: its basic constraints do not say CA:TRUE");
	if (X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) != 0 ||
	    X509_verify(cert, X509_get0_pubkey(cert)) != 1)
		return certs_fail(ret_error, -EINVAL,
				  "it is not a root: it is not signed by itself");
	return 0;
}

int trust_check_root(const X509 *cert, struct certs_error *ret_error)
{
	int err;

	ERR_set_mark();
	err = check_root((X509 *)cert, ret_error);
	ERR_pop_to_mark();
	return err;
}

int trust_check_anchor(const X509 *cert, struct certs_error *ret_error)
{
	const char *weakness;

	ERR_set_mark();
	weakness = weakness_of_key(cert);
	ERR_pop_to_mark();
	return weakness ? certs_fail(ret_error, -EINVAL, "it cannot be trusted: %s", weakness) : 0;
}

static int check_label(const char *what, const char *name, struct certs_error *ret_error)
{
	if (name_is_label(name))
		return 0;
	return certs_fail(ret_error, -EINVAL,
			  "'%s' is no name for a %s: 1 to %d letters, digits, '-', '_' and '.'",
			  name, what, NAME_LABEL_MAX - 1);
}

static int check_is_new(const struct trust *t, const struct root *root,
			struct certs_error *ret_error)
{
	for (size_t i = 0; i < t->n_roots; i++) {
		if (name_equal(t->roots[i].name, root->name))
			return certs_fail(ret_error, -EINVAL, "there are two roots called %s",
					  root->name);
		if (X509_cmp(t->roots[i].cert, root->cert) == 0)
			return certs_fail(ret_error, -EINVAL, "the roots %s and %s are the same",
					  t->roots[i].name, root->name);
	}
	return 0;
}

/* The root in ret_root is freed by the caller, also after a failure. */
static int read_root(const struct trust *t, const struct trust_root *from, struct root *ret_root,
		     struct certs_error *ret_error)
{
	const char *vnet = from->vnet ? from->vnet : "";
	int err = check_label("root", from->name, ret_error);

	if (!err && *vnet)
		err = check_label("VNet", vnet, ret_error);
	if (err)
		return err;
	snprintf(ret_root->name, sizeof(ret_root->name), "%s", from->name);
	snprintf(ret_root->vnet, sizeof(ret_root->vnet), "%s", vnet);
	err = encoding_from_pem(from->pem, strlen(from->pem), &ret_root->cert, ret_error);
	if (!err)
		err = trust_check_root(ret_root->cert, ret_error);
	if (!err && cert_thumbprint(ret_root->cert, ret_root->thumbprint) != 0)
		err = certs_fail(ret_error, -ENOMEM, "out of memory");
	if (err == -EBADMSG || err == -EMSGSIZE)
		err = -EINVAL;
	return err ? certs_fail_in(ret_error, err, from->name)
		   : check_is_new(t, ret_root, ret_error);
}

static int add_root(struct trust *t, const struct trust_root *from, struct certs_error *ret_error)
{
	struct root root = {0};
	int err = read_root(t, from, &root, ret_error);

	if (!err && X509_STORE_add_cert(t->store, root.cert) != 1)
		err = certs_fail(ret_error, -ENOMEM, "out of memory");
	if (err)
		X509_free(root.cert);
	else
		t->roots[t->n_roots++] = root;
	return err;
}

static int add_revoked(struct trust *t, const char *const *revoked, size_t n,
		       struct certs_error *ret_error)
{
	if (n == 0)
		return 0;
	t->revoked = calloc(n, sizeof(t->revoked[0]));
	if (!t->revoked)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	for (t->n_revoked = 0; t->n_revoked < n; t->n_revoked++) {
		const char *text = revoked[t->n_revoked];

		if (cert_thumbprint_parse(text, t->revoked[t->n_revoked]) != 0)
			return certs_fail(ret_error, -EINVAL,
					  "'%s' is no thumbprint: it has 40 hex digits", text);
	}
	qsort(t->revoked, n, sizeof(t->revoked[0]), compare_thumbprints);
	return 0;
}

static void destroy(struct trust *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_roots; i++)
		X509_free(t->roots[i].cert);
	X509_STORE_free(t->store);
	free(t->revoked);
	free(t);
}

static int fill(struct trust *t, const struct trust_root *roots, size_t n_roots,
		struct certs_error *ret_error)
{
	int err = 0;

	t->store = X509_STORE_new();
	if (!t->store)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n_roots && !err; i++)
		err = add_root(t, &roots[i], ret_error);
	return err;
}

int trust_new(const struct trust_root *roots, size_t n_roots, const char *const *revoked,
	      size_t n_revoked, struct trust **ret_trust, struct certs_error *ret_error)
{
	struct trust *t;
	int err;

	if (n_roots > TRUST_ROOTS_MAX || n_revoked > TRUST_REVOKED_MAX)
		return certs_fail(ret_error, -E2BIG, "at most %d roots and %d revoked thumbprints",
				  TRUST_ROOTS_MAX, TRUST_REVOKED_MAX);
	t = calloc(1, sizeof(*t));
	if (!t)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	atomic_init(&t->refs, 1);
	ERR_set_mark();
	err = fill(t, roots, n_roots, ret_error);
	ERR_pop_to_mark();
	if (!err)
		err = add_revoked(t, revoked, n_revoked, ret_error);
	if (err)
		destroy(t);
	else
		*ret_trust = t;
	return err;
}

struct trust *trust_ref(struct trust *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void trust_unref(struct trust *t)
{
	/* what other threads did with it comes before it is freed */
	if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
		destroy(t);
}

bool trust_is_revoked(const struct trust *t, const char *thumbprint)
{
	return t->n_revoked > 0 && bsearch(thumbprint, t->revoked, t->n_revoked,
					   sizeof(t->revoked[0]), compare_thumbprints);
}

/* ---- judging ---- */

/* The reason comes first in a sentence: what is too long is a stranger's subject, and is cut. */
__attribute__((format(printf, 3, 4))) static enum trust_reason
refuse(struct judgement *j, enum trust_reason why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(j->verdict->sentence, sizeof(j->verdict->sentence), fmt, args);
	va_end(args);
	j->verdict->reason = why;
	return why;
}

static enum trust_reason judge_form(struct judgement *j)
{
	struct certs_error error;
	int err;

	if (!j->leaf)
		return refuse(j, TRUST_MALFORMED, "the client has shown no certificate");
	if (j->others && sk_X509_num(j->others) > TRUST_CHAIN_MAX + 1)
		return refuse(j, TRUST_MALFORMED, "the client has shown %d certificates",
			      sk_X509_num(j->others));
	err = cert_facts(j->leaf, &j->facts, &error);
	if (err)
		return refuse(j, err == -ENOMEM ? TRUST_OUT_OF_MEMORY : TRUST_MALFORMED,
			      "the client's certificate cannot be used: %s", error.text);
	memcpy(j->verdict->thumbprint, j->facts.thumbprint, sizeof(j->verdict->thumbprint));
	if (X509_get_extension_flags(j->leaf) & EXFLAG_INVALID)
		return refuse(j, TRUST_MALFORMED, "an extension cannot be read: %s",
			      j->facts.subject);
	if (j->facts.is_ca)
		return refuse(j, TRUST_MALFORMED,
			      "the certificate of an authority is no client's: %s",
			      j->facts.subject);
	return TRUST_OK;
}

static enum trust_reason judge_strength(struct judgement *j)
{
	const char *weakness = weakness_of_key(j->leaf);

	if (!weakness)
		weakness = weakness_of_signature(j->leaf);
	if (weakness)
		return refuse(j, TRUST_WEAK_KEY, "%s (%s): %s", weakness, j->facts.key,
			      j->facts.subject);
	return TRUST_OK;
}

/*
 * Time is judged after all else, so it is only noted here. The first and the last second belong to
 * the life of a certificate (RFC 5280 4.1.2.5); OpenSSL has the last one expired already.
 */
static int on_verify(int ok, X509_STORE_CTX *ctx)
{
	struct judgement *j = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	int64_t not_before, not_after;

	if (ok || (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID))
		return ok;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	if (error == X509_V_ERR_CERT_HAS_EXPIRED &&
	    cert_lifetime(X509_STORE_CTX_get_current_cert(ctx), &not_before, &not_after) == 0 &&
	    not_after == j->now)
		return 1;
	if (j->time_error == X509_V_OK) {
		j->time_error = error;
		j->out_of_time = X509_STORE_CTX_get_current_cert(ctx);
	}
	return 1;
}

static enum trust_reason reason_of(int error)
{
	switch (error) {
	case X509_V_ERR_OUT_OF_MEM:
	case X509_V_ERR_UNSPECIFIED: return TRUST_OUT_OF_MEMORY;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK: return TRUST_WEAK_KEY;
	case X509_V_ERR_INVALID_PURPOSE: return TRUST_NO_CLIENT_AUTH;
	case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
	case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
	case X509_V_ERR_INVALID_EXTENSION: return TRUST_MALFORMED;
	default: return TRUST_WRONG_ROOT;
	}
}

static enum trust_reason explain_chain(struct judgement *j)
{
	int error = X509_STORE_CTX_get_error(j->ctx);
	enum trust_reason reason = reason_of(error);
	const X509 *at = X509_STORE_CTX_get_current_cert(j->ctx);
	struct cert_facts facts;

	if (reason == TRUST_NO_CLIENT_AUTH)
		return refuse(j, reason, "the key usages of %s do not allow a client: %s",
			      X509_STORE_CTX_get_error_depth(j->ctx) > 0 ? "an issuer"
									 : "the certificate",
			      j->facts.subject);
	if (!at || cert_facts(at, &facts, NULL) != 0)
		facts = j->facts;
	return refuse(j, reason, "it leads to none of the %zu trusted roots (%s): %s, issued by %s",
		      j->trust->n_roots, X509_verify_cert_error_string(error), facts.subject,
		      facts.issuer);
}

static bool set_up(struct judgement *j)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(j->ctx, j->trust->store, j->leaf, j->others) != 1 ||
	    X509_STORE_CTX_set_app_data(j->ctx, j) != 1)
		return false;
	X509_STORE_CTX_set_verify_cb(j->ctx, on_verify);
	param = X509_STORE_CTX_get0_param(j->ctx);
	X509_VERIFY_PARAM_set_time(param, j->now);
	X509_VERIFY_PARAM_set_depth(param, TRUST_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	return X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) == 1;
}

static enum trust_reason judge_chain(struct judgement *j)
{
	if (!set_up(j))
		return refuse(j, TRUST_OUT_OF_MEMORY, "out of memory");
	return X509_verify_cert(j->ctx) == 1 ? TRUST_OK : explain_chain(j);
}

/* OpenSSL takes a certificate without the extension for one that may do everything. */
static enum trust_reason judge_purpose(struct judgement *j)
{
	uint32_t usage = X509_get_extended_key_usage(j->leaf);

	if (usage == UINT32_MAX || !(usage & XKU_SSL_CLIENT))
		return refuse(j, TRUST_NO_CLIENT_AUTH,
			      "it has no extended key usage clientAuth: %s", j->facts.subject);
	return TRUST_OK;
}

static enum trust_reason judge_time(struct judgement *j)
{
	bool is_expired = j->time_error == X509_V_ERR_CERT_HAS_EXPIRED;
	char limit[CALENDAR_TEXT_MAX], now[CALENDAR_TEXT_MAX];
	struct cert_facts facts;

	if (j->time_error == X509_V_OK)
		return TRUST_OK;
	if (cert_facts(j->out_of_time, &facts, NULL) != 0)
		facts = j->facts;
	return refuse(j, is_expired ? TRUST_EXPIRED : TRUST_NOT_YET_VALID,
		      "%s %s, and it is %s: %s", is_expired ? "expired on" : "not valid before",
		      calendar_text(is_expired ? facts.not_after : facts.not_before, limit),
		      calendar_text(j->now, now), facts.subject);
}

static int note_thumbprint(struct trust_footing *f, const X509 *cert)
{
	assert(f->n < TRUST_FOOTING_MAX); /* the chain's depth is limited */
	return X509_digest(cert, EVP_sha1(), f->digests[f->n++], NULL) == 1 ? 0 : -ENOMEM;
}

/* A certificate below the root, and its twin if it has one. 0 or -ENOMEM. */
static int note_certificate(struct trust_footing *f, const X509 *cert, const X509 *issuer)
{
	X509 *twin;
	int err = note_thumbprint(f, cert);

	if (err)
		return -ENOMEM;
	err = twin_of(cert, X509_get0_pubkey(issuer), &twin);
	if (err)
		return err == -ENOENT ? 0 : -ENOMEM;
	err = note_thumbprint(f, twin);
	X509_free(twin);
	return err ? -ENOMEM : 0;
}

static bool is_any_revoked(const struct trust *t, const struct trust_footing *f, uint32_t from)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	for (uint32_t i = from; i < f->n; i++) {
		OPENSSL_buf2hexstr_ex(thumbprint, sizeof(thumbprint), NULL, f->digests[i],
				      TRUST_DIGEST_SIZE, '\0');
		if (trust_is_revoked(t, thumbprint))
			return true;
	}
	return false;
}

static enum trust_reason judge_revocation(struct judgement *j)
{
	struct stack_st_X509 *chain = X509_STORE_CTX_get0_chain(j->ctx);
	struct trust_footing *f = &j->verdict->footing;

	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		uint32_t first = f->n;

		if (note_certificate(f, sk_X509_value(chain, i), sk_X509_value(chain, i + 1)) != 0)
			return refuse(j, TRUST_OUT_OF_MEMORY, "out of memory");
		if (is_any_revoked(j->trust, f, first))
			return refuse(j, TRUST_REVOKED,
				      "the certificate%s is revoked: thumbprint %s, %s",
				      i > 0 ? " of an issuer" : "", j->facts.thumbprint,
				      j->facts.subject);
	}
	return TRUST_OK;
}

static enum trust_reason judge_name(struct judgement *j)
{
	struct certs_error error;

	if (name_of_client(j->leaf, j->verdict->name, &error) != 0)
		return refuse(j, TRUST_UNUSABLE_NAME, "%s: %s", error.text, j->facts.subject);
	return TRUST_OK;
}

static enum trust_reason note_lifetimes(struct judgement *j)
{
	struct stack_st_X509 *chain = X509_STORE_CTX_get0_chain(j->ctx);
	struct trust_footing *f = &j->verdict->footing;
	int64_t not_before, not_after;

	f->not_after = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (cert_lifetime(sk_X509_value(chain, i), &not_before, &not_after) != 0)
			return refuse(j, TRUST_MALFORMED, "an issuer's dates cannot be read: %s",
				      j->facts.subject);
		if (not_after < f->not_after)
			f->not_after = not_after;
	}
	return TRUST_OK;
}

static void name_root(struct judgement *j)
{
	struct stack_st_X509 *chain = X509_STORE_CTX_get0_chain(j->ctx);
	const X509 *top = sk_X509_value(chain, sk_X509_num(chain) - 1);

	for (size_t i = 0; i < j->trust->n_roots; i++) {
		const struct root *root = &j->trust->roots[i];

		if (X509_cmp(root->cert, top) == 0) {
			memcpy(j->verdict->root, root->name, sizeof(root->name));
			memcpy(j->verdict->vnet, root->vnet, sizeof(root->vnet));
			memcpy(j->verdict->footing.root, root->thumbprint,
			       sizeof(root->thumbprint));
			memcpy(j->verdict->footing.vnet, root->vnet, sizeof(root->vnet));
		}
	}
}

static void judge(struct judgement *j)
{
	static enum trust_reason (*const steps[])(struct judgement *) = {
		judge_form, judge_strength,   judge_chain, judge_purpose,
		judge_time, judge_revocation, judge_name,  note_lifetimes,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i](j) != TRUST_OK) {
			j->verdict->footing = (struct trust_footing){0};
			return;
		}
	}
	name_root(j);
}

enum trust_reason trust_judge(const struct trust *t, X509 *leaf, struct stack_st_X509 *chain,
			      int64_t now, struct trust_verdict *ret_verdict)
{
	struct judgement j = {
		.trust = t,
		.leaf = leaf,
		.others = chain,
		.now = now,
		.verdict = ret_verdict,
	};

	*ret_verdict = (struct trust_verdict){.reason = TRUST_OK};
	ERR_set_mark();
	j.ctx = X509_STORE_CTX_new();
	if (j.ctx)
		judge(&j);
	else
		refuse(&j, TRUST_OUT_OF_MEMORY, "out of memory");
	X509_STORE_CTX_free(j.ctx);
	ERR_pop_to_mark();
	return ret_verdict->reason;
}

static bool has_root(const struct trust *t, const struct trust_footing *f)
{
	for (size_t i = 0; i < t->n_roots; i++)
		if (strcmp(t->roots[i].thumbprint, f->root) == 0)
			return strcmp(t->roots[i].vnet, f->vnet) == 0;
	return false;
}

enum trust_reason trust_judge_again(const struct trust *t, const struct trust_footing *f,
				    int64_t now)
{
	if (!has_root(t, f))
		return TRUST_WRONG_ROOT;
	if (now > f->not_after)
		return TRUST_EXPIRED;
	return is_any_revoked(t, f, 0) ? TRUST_REVOKED : TRUST_OK;
}
