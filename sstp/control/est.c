/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/est.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "certs/csr.h"
#include "certs/pkcs7.h"
#include "sstp/base/log.h"

/* Nothing that goes between its lines has "--" at the head of one: base64, and JSON on one line. */
#define BOUNDARY "sstp-gateway-est"

static const char pkcs7_type[] = "application/pkcs7-mime; smime-type=certs-only";

/* One applicant's request on its way. */
struct request {
	const struct est_world *w;
	const struct msg_est_request *m;
	int64_t now;
	uint64_t now_ns;
	struct est_answer *answer;
	char vnet[NAME_LABEL_MAX];
};

/* ---- refusals ---- */

/* What is said to the applicant is what stands in the log. */
static void refuse(struct request *q, unsigned status, const char *sentence)
{
	struct est_answer *a = q->answer;
	size_t size = CERTS_ERROR_MAX + 2;

	a->status = status;
	a->content_type = "text/plain";
	snprintf(a->reason, sizeof(a->reason), "%s", sentence);
	a->body = malloc(size);
	if (a->body)
		snprintf(a->body, size, "%s\n", sentence);
	if (status == 503)
		a->retry_after_s = EST_RETRY_S;
}

/* From what certs/ returned; token_errors: they are about a token that was shown. */
static unsigned status_of(int error)
{
	switch (error) {
	case -ENOENT: return 401;      /* a token, a certificate that is not ours */
	case -EALREADY:		       /* the token was used */
	case -ETIME:		       /* it has expired */
	case -EEXIST:		       /* the app is another VNet's by now */
	case -EKEYREVOKED: return 403; /* the certificate that asks for another one */
	case -EMSGSIZE:		       /* the request */
	case -EBADMSG:
	case -EINVAL:
	case -EPROTO:
	case -EKEYREJECTED: return 400;
	case -EAGAIN: return 429; /* it has renewed too often */
	default: return 503;
	}
}

/*
 * A secret that is none counts against the address, and is told to wait when there were too many. Who
 * shows one of ours, even one that was used or has expired, has guessed nothing: neither is he counted,
 * nor do the guesses of a neighbour behind the same address keep him out.
 */
static void refuse_token(struct request *q, int error, const struct certs_error *e)
{
	unsigned wait = attempts_wait(q->w->attempts, q->m->peer, q->now_ns);

	if (error != -ENOENT || !wait) {
		if (error == -ENOENT)
			attempts_failed(q->w->attempts, q->m->peer, q->now_ns);
		refuse(q, status_of(error), e->text);
		return;
	}
	refuse(q, 429, "too many attempts with a wrong token from this address; wait");
	q->answer->retry_after_s = wait;
}

/* ---- what is handed out ---- */

static bool digest_own(EVP_MD_CTX *ctx, const struct authority *a, int64_t now)
{
	bool good = true;

	for (size_t i = 0; good && i < authority_root_count(a); i++) {
		struct authority_root_info info;

		authority_root_at(a, i, now, &info);
		if (info.is_own)
			good = EVP_DigestUpdate(ctx, info.facts.fingerprint,
						strlen(info.facts.fingerprint)) == 1;
	}
	return good;
}

/* The next anchor to tell of; NULL behind the last. */
static X509 *anchor_at(const struct est_world *w, size_t i)
{
	return w->anchors && i < EST_ANCHORS_MAX ? anchors_at(w->anchors, i) : NULL;
}

static bool digest_anchors(EVP_MD_CTX *ctx, const struct est_world *w)
{
	uint8_t fingerprint[CERT_FINGERPRINT_SIZE];
	bool good = true;
	const X509 *cert;

	for (size_t i = 0; good && (cert = anchor_at(w, i)); i++)
		good = cert_fingerprint(cert, fingerprint) == 0 &&
		       EVP_DigestUpdate(ctx, fingerprint, sizeof(fingerprint)) == 1;
	return good;
}

int est_roots_digest(const struct est_world *w, int64_t now, char ret_digest[NETWORK_DIGEST_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char hash[32];
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    digest_own(ctx, w->authority, now) && digest_anchors(ctx, w) &&
		    EVP_DigestFinal_ex(ctx, hash, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	for (size_t i = 0; good && i < sizeof(hash); i++)
		snprintf(ret_digest + 2 * i, 3, "%02x", hash[i]);
	return good ? 0 : -ENOMEM;
}

/* That the app knows the present network, and that set of roots, is no reason to fail. */
static void remember(struct request *q)
{
	struct handed_entry entry = {.at = q->now};
	struct network network;
	struct certs_error e;

	if (networks_find(q->w->networks, q->answer->app, q->vnet, &network, &e) <= 0 ||
	    est_roots_digest(q->w, q->now, entry.roots) < 0)
		return;
	snprintf(entry.app, sizeof(entry.app), "%s", q->answer->app);
	snprintf(entry.network, sizeof(entry.network), "%s", network.digest);
	if (handed_set(q->w->handed, &entry, &e) < 0)
		log_warning("what app %s was told is not stored, after a restart it is compared "
			    "with what was stored before, or shows as in sync: %s",
			    entry.app, e.text);
}

/* Certificate and network in one body. NULL without memory, or when the app is not connected any more. */
static char *with_network(struct request *q, const char *pkcs7)
{
	struct network network;
	struct certs_error e;
	char *body = NULL;

	if (networks_find(q->w->networks, q->answer->app, q->vnet, &network, &e) > 0 &&
	    asprintf(&body,
		     "--" BOUNDARY "\r\nContent-Type: %s\r\n"
		     "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n"
		     "--" BOUNDARY "\r\nContent-Type: application/json\r\n\r\n%s\r\n"
		     "--" BOUNDARY "--\r\n",
		     pkcs7_type, pkcs7, network.description) < 0)
		body = NULL;
	return body;
}

static void give_certs(struct request *q, const char *type, char *pkcs7)
{
	q->answer->status = 200;
	q->answer->content_type = type;
	q->answer->is_base64 = true;
	q->answer->body = pkcs7;
}

/* The new certificate, and the network when it was asked for and there is one. */
static void give_cert(struct request *q, X509 *cert)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	char *pkcs7 = NULL;
	char *both = NULL;

	if (list && sk_X509_push(list, cert) > 0)
		pkcs7_build_base64(list, &pkcs7);
	sk_X509_free(list);
	if (!pkcs7) {
		refuse(q, 503, "the gateway is out of memory; the token was used, make another");
		return;
	}
	if (q->m->wants_network)
		both = with_network(q, pkcs7);
	give_certs(q, pkcs7_type, pkcs7);
	if (!both)
		return;
	free(pkcs7);
	q->answer->content_type = "multipart/mixed; boundary=" BOUNDARY;
	q->answer->is_base64 = false;
	q->answer->body = both;
	remember(q);
}

/* ---- the four operations ---- */

/* In front, in their order. */
static bool add_anchors(const struct est_world *w, STACK_OF(X509) * certs)
{
	X509 *cert;

	for (int i = 0; (cert = anchor_at(w, (size_t)i)); i++) {
		if (!X509_up_ref(cert))
			return false;
		if (!sk_X509_insert(certs, cert, i)) {
			X509_free(cert);
			return false;
		}
	}
	return true;
}

static void answer_cacerts(struct request *q)
{
	STACK_OF(X509) * certs;
	char *pkcs7 = NULL;

	if (authority_cacerts(q->w->authority, &certs) == 0) {
		if (add_anchors(q->w, certs))
			pkcs7_build_base64(certs, &pkcs7);
		sk_X509_pop_free(certs, X509_free);
	}
	if (pkcs7)
		give_certs(q, "application/pkcs7-mime", pkcs7);
	else
		refuse(q, 503, "the gateway is out of memory");
}

/* We want nothing special in a request (RFC 7030 4.5.2). */
static void answer_csrattrs(struct request *q)
{
	q->answer->status = 204;
}

static bool read_key(struct request *q, EVP_PKEY **ret_key)
{
	struct certs_error e;
	int r = csr_from_base64((const char *)q->m->body, q->m->body_len, ret_key, &e);

	if (r < 0)
		refuse(q, status_of(r), e.text);
	return r == 0;
}

/* Takes cert. */
static void issued(struct request *q, X509 *cert)
{
	cert_thumbprint(cert, q->answer->thumbprint);
	q->answer->has_changed = true;
	give_cert(q, cert);
	X509_free(cert);
}

static void enrol(struct request *q, const EVP_PKEY *key)
{
	struct certs_error e;
	X509 *cert;
	int r = authority_enrol(q->w->authority, q->m->secret, key, q->now, &cert, &e);

	if (r < 0)
		refuse(q, status_of(r), e.text);
	else
		issued(q, cert);
}

/* The token first: what a request says is of no interest from somebody without one. */
static void answer_enrol(struct request *q)
{
	struct authority_token_info token;
	struct certs_error e;
	EVP_PKEY *key;
	int r;

	if (!q->m->secret) {
		refuse(q, 401, "an enrolment token is needed: sstpctl token create makes one");
		return;
	}
	r = authority_token_check(q->w->authority, q->m->secret, q->now, &token, &e);
	if (r < 0) {
		refuse_token(q, r, &e);
		return;
	}
	snprintf(q->answer->app, sizeof(q->answer->app), "%s", token.app);
	snprintf(q->vnet, sizeof(q->vnet), "%s", token.vnet);
	if (!read_key(q, &key))
		return;
	enrol(q, key);
	EVP_PKEY_free(key);
}

/* Of bytes as they came: a stranger's DER is not parsed where the keys are. */
static bool thumbprint_of(const void *der, size_t len, char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n;

	if (EVP_Digest(der, len, hash, &n, EVP_sha1(), NULL) != 1)
		return false;
	for (size_t i = 0; i < n; i++)
		snprintf(ret_thumbprint + 2 * i, 3, "%02X", hash[i]);
	return true;
}

/* Ours to the byte: what has the thumbprint is compared with what we issued. */
static int find_own(struct request *q, struct certs_error *e)
{
	static const char foreign[] = "this certificate is not one of this gateway's: enrol with "
				      "a token";
	char *thumbprint = q->answer->thumbprint;
	char *text = malloc(BASE64_TEXT_MAX(q->m->cert_len));
	const char *blob = NULL;
	int i = -ENOENT;

	if (text && thumbprint_of(q->m->cert, q->m->cert_len, thumbprint)) {
		base64_encode(BASE64_LINE, q->m->cert, q->m->cert_len, text);
		i = authority_cert_find(q->w->authority, thumbprint);
		blob = i < 0 ? NULL : authority_cert_blob(q->w->authority, (size_t)i);
	}
	if (!blob || strcmp(blob, text) != 0)
		i = certs_fail(e, -ENOENT, "%s", foreign);
	free(text);
	return i;
}

static void renew(struct request *q, const char *thumbprint)
{
	struct certs_error e;
	EVP_PKEY *key;
	X509 *cert;
	int r;

	if (!read_key(q, &key))
		return;
	r = authority_renew(q->w->authority, thumbprint, key, q->now, &cert, &e);
	EVP_PKEY_free(key);
	if (r == -EKEYEXPIRED) /* also when our root is too old, which the sentence tells apart */
		refuse(q, 403, e.text);
	else if (r < 0)
		refuse(q, status_of(r), e.text);
	else
		issued(q, cert);
	if (r == -EAGAIN)
		q->answer->retry_after_s = AUTHORITY_LINEAGE_KEPT_S;
}

static void answer_reenrol(struct request *q)
{
	struct authority_cert_info info;
	struct certs_error e;
	int i;

	if (!q->m->cert) {
		refuse(q, 401, "the present certificate must be shown to get the next one");
		return;
	}
	i = find_own(q, &e);
	if (i < 0) {
		refuse(q, 403, e.text);
		return;
	}
	authority_cert_at(q->w->authority, (size_t)i, q->now, &info);
	snprintf(q->answer->app, sizeof(q->answer->app), "%s", info.app);
	snprintf(q->vnet, sizeof(q->vnet), "%s", info.vnet);
	renew(q, info.facts.thumbprint);
}

void est_answer(const struct est_world *w, const struct msg_est_request *request, int64_t now,
		uint64_t now_ns, struct est_answer *ret_answer)
{
	struct request q = {
		.w = w, .m = request, .now = now, .now_ns = now_ns, .answer = ret_answer};

	*ret_answer = (struct est_answer){.content_type = ""};
	switch (request->kind) {
	case MSG_EST_CACERTS: answer_cacerts(&q); break;
	case MSG_EST_SIMPLEENROLL: answer_enrol(&q); break;
	case MSG_EST_SIMPLEREENROLL: answer_reenrol(&q); break;
	case MSG_EST_CSRATTRS:
	case MSG_EST_KIND_COUNT: answer_csrattrs(&q); break;
	}
}

void est_answer_done(struct est_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}
