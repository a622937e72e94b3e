/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/verify.h"
#include "sstp/ppp/eap_tls_internal.h"

/* Forward secrecy only, no CBC; what Windows and pppd offer contains some of them. */
static const char ciphers_tls13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char ciphers_tls12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/* OpenSSL picks the alert by the error of the verification, so the alert is asked for by one. */
static const struct {
	uint8_t alert;
	int error;
} errors_by_alert[] = {
	{SSL_AD_BAD_CERTIFICATE, X509_V_ERR_CERT_REJECTED},
	{SSL_AD_UNSUPPORTED_CERTIFICATE, X509_V_ERR_INVALID_PURPOSE},
	{SSL_AD_CERTIFICATE_REVOKED, X509_V_ERR_CERT_REVOKED},
	{SSL_AD_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED},
	{SSL_AD_CERTIFICATE_UNKNOWN, X509_V_ERR_PERMITTED_VIOLATION},
	{SSL_AD_UNKNOWN_CA, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
	{SSL_AD_INTERNAL_ERROR, X509_V_ERR_OUT_OF_MEM},
};

static int fail(char error[EAP_TLS_REASON_MAX], int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char error[EAP_TLS_REASON_MAX], int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, EAP_TLS_REASON_MAX, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return code;
}

static int fail_memory(char error[EAP_TLS_REASON_MAX])
{
	return fail(error, -ENOMEM, "out of memory for TLS");
}

static struct eap_tls_ctx *ctx_new(const SSL_METHOD *method)
{
	struct eap_tls_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	atomic_init(&ctx->refs, 1);
	ctx->ssl = SSL_CTX_new(method);
	if (!ctx->ssl || !SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx->ssl, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(ctx->ssl, ciphers_tls13) ||
	    !SSL_CTX_set_cipher_list(ctx->ssl, ciphers_tls12) ||
	    !SSL_CTX_set_num_tickets(ctx->ssl, 0)) {
		eap_tls_ctx_unref(ctx);
		return NULL;
	}
	SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					      SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(ctx->ssl, EAP_TLS_MESSAGE_MAX);
	return ctx;
}

/*
 * Hands every certificate of a PEM text to add(), which takes it. Returns how many; -EINVAL when
 * one is broken or add() refuses it, with why in ret_error.
 */
static int each_certificate(const char *text, const char *what, int (*add)(SSL_CTX *, X509 *, int),
			    SSL_CTX *ssl, char ret_error[EAP_TLS_REASON_MAX])
{
	BIO *bio = BIO_new_mem_buf(text ? text : "", -1);
	const char *words = NULL;
	X509 *cert;
	int n = 0;

	if (!bio)
		return fail_memory(ret_error);
	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) && add(ssl, cert, n))
		n++;
	if (cert || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		words = ERR_reason_error_string(ERR_peek_error());
		n = fail(ret_error, -EINVAL, "%s %d cannot be used: %s", what, n + 1,
			 words ? words : "unknown reason");
	} else if (n == 0) {
		n = fail(ret_error, -EINVAL,
			 "there is no %s in PEM form (\"-----BEGIN CERTIFICATE-----\")", what);
	}
	ERR_clear_error();
	BIO_free(bio);
	return n;
}

/* The first one is our own, the others its issuers. Takes cert. */
static int add_own(SSL_CTX *ssl, X509 *cert, int index)
{
	int ok = index ? SSL_CTX_add1_chain_cert(ssl, cert) : SSL_CTX_use_certificate(ssl, cert);

	X509_free(cert);
	return ok == 1;
}

/* Takes cert. */
static int add_root(SSL_CTX *ssl, X509 *cert, int index)
{
	int ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), cert);

	X509_free(cert);
	return ok == 1;
}

/* Takes cert. */
static int add_authority(SSL_CTX *ssl, X509 *cert, int index)
{
	int ok = SSL_CTX_add_client_CA(ssl, cert);

	X509_free(cert);
	return ok == 1;
}

/* There is nobody to ask for a passphrase; notes that one was wanted. */
static int refuse_passphrase(char *buf, int size, int writing, void *arg)
{
	*(bool *)arg = true;
	return -1;
}

static int load_key(SSL_CTX *ssl, const char *text, char ret_error[EAP_TLS_REASON_MAX])
{
	bool encrypted = false;
	BIO *bio = BIO_new_mem_buf(text ? text : "", -1);
	EVP_PKEY *key;
	int code = 0;

	if (!bio)
		return fail_memory(ret_error);
	key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &encrypted);
	BIO_free(bio);
	if (encrypted)
		code = fail(ret_error, -EINVAL, "the private key is encrypted");
	else if (!key)
		code = fail(
			ret_error, -EINVAL,
			"there is no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
	else if (X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) != 1)
		code = fail(ret_error, -EINVAL,
			    "the private key is not that of the first certificate");
	else if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
		code = fail(ret_error, -EINVAL, "the private key cannot be used");
	EVP_PKEY_free(key);
	return code;
}

static int load_identity(SSL_CTX *ssl, const struct eap_tls_identity *identity,
			 char ret_error[EAP_TLS_REASON_MAX])
{
	int n = each_certificate(identity->chain, "certificate", add_own, ssl, ret_error);

	return n < 0 ? n : load_key(ssl, identity->key, ret_error);
}

static int error_of(uint8_t alert)
{
	for (size_t i = 0; i < sizeof(errors_by_alert) / sizeof(errors_by_alert[0]); i++)
		if (errors_by_alert[i].alert == alert)
			return errors_by_alert[i].error;
	return error_of(SSL_AD_CERTIFICATE_UNKNOWN);
}

static struct eap_tls_verdict *verdict_of(X509_STORE_CTX *x509)
{
	return SSL_get_app_data(
		X509_STORE_CTX_get_ex_data(x509, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/* Instead of OpenSSL's own verification. */
static int judge_client(X509_STORE_CTX *x509, void *arg)
{
	const struct eap_tls_ctx *ctx = arg;
	struct eap_tls_verdict *verdict = verdict_of(x509);
	bool accepted = ctx->judge(ctx->arg, X509_STORE_CTX_get0_cert(x509),
				   X509_STORE_CTX_get0_untrusted(x509), verdict);

	if (accepted && verdict->name[0]) {
		X509_STORE_CTX_set_error(x509, X509_V_OK);
		return 1;
	}
	if (accepted || !verdict->sentence[0])
		snprintf(verdict->sentence, sizeof(verdict->sentence),
			 accepted ? "certificate refused: it names nobody" : "certificate refused");
	X509_STORE_CTX_set_error(x509, error_of(verdict->alert));
	return 0;
}

/* Behind each step of OpenSSL's verification. Keeps the first reason: the others follow from it. */
static int judge_server(int ok, X509_STORE_CTX *x509)
{
	struct eap_tls_verdict *verdict = verdict_of(x509);

	if (ok)
		return 1;
	if (verify_is_any_purpose(x509)) {
		X509_STORE_CTX_set_error(x509, X509_V_OK);
		return 1;
	}
	if (!verdict->sentence[0])
		verify_explain(x509, verdict->sentence, sizeof(verdict->sentence));
	return 0;
}

static int use_pairs(SSL_CTX *ssl, const struct eap_tls_server *params,
		     char ret_error[EAP_TLS_REASON_MAX])
{
	ERR_clear_error();
	for (size_t i = 0; i < params->n_pairs; i++) {
		const struct eap_tls_pair *pair = &params->pairs[i];
		const char *words;

		if (SSL_CTX_use_cert_and_key(ssl, pair->cert, pair->key, pair->chain, 0) == 1)
			continue;
		words = ERR_reason_error_string(ERR_peek_error());
		return fail(ret_error, -EINVAL, "certificate %zu cannot be used: %s", i + 1,
			    words ? words : "unknown reason");
	}
	return params->n_pairs ? 0 : fail(ret_error, -EINVAL, "there is no certificate to show");
}

static int set_up_server(struct eap_tls_ctx *ctx, const struct eap_tls_server *params,
			 char ret_error[EAP_TLS_REASON_MAX])
{
	int n = use_pairs(ctx->ssl, params, ret_error);

	if (n < 0)
		return n;
	ctx->is_server = true;
	ctx->judge = params->judge;
	ctx->arg = params->arg;
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx->ssl, judge_client, ctx);
	if (!params->authorities || !params->authorities[0])
		return 0;
	n = each_certificate(params->authorities, "authority's certificate", add_authority,
			     ctx->ssl, ret_error);
	return n < 0 ? n : 0;
}

int eap_tls_ctx_new_server(const struct eap_tls_server *params, struct eap_tls_ctx **ret_ctx,
			   char ret_error[EAP_TLS_REASON_MAX])
{
	struct eap_tls_ctx *ctx = ctx_new(TLS_server_method());
	int code = ctx ? set_up_server(ctx, params, ret_error) : fail_memory(ret_error);

	if (code < 0)
		eap_tls_ctx_unref(ctx);
	else
		*ret_ctx = ctx;
	return code;
}

/* An empty name would switch the comparison off. */
static int expect_name(SSL_CTX *ssl, const char *name, char ret_error[EAP_TLS_REASON_MAX])
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);

	if (!name || !name[0])
		return fail(ret_error, -EINVAL, "there is no name to check the server by");
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) ||
	    X509_VERIFY_PARAM_set1_host(param, name, 0))
		return 0;
	return fail_memory(ret_error);
}

static int set_up_client(struct eap_tls_ctx *ctx, const struct eap_tls_client *params,
			 char ret_error[EAP_TLS_REASON_MAX])
{
	int n = load_identity(ctx->ssl, &params->identity, ret_error);

	if (n >= 0)
		n = each_certificate(params->roots, "root certificate", add_root, ctx->ssl,
				     ret_error);
	if (n >= 0)
		n = expect_name(ctx->ssl, params->server_name, ret_error);
	if (n < 0)
		return n;
	X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx->ssl), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, judge_server);
	return 0;
}

int eap_tls_ctx_new_client(const struct eap_tls_client *params, struct eap_tls_ctx **ret_ctx,
			   char ret_error[EAP_TLS_REASON_MAX])
{
	struct eap_tls_ctx *ctx = ctx_new(TLS_client_method());
	int code = ctx ? set_up_client(ctx, params, ret_error) : fail_memory(ret_error);

	if (code < 0)
		eap_tls_ctx_unref(ctx);
	else
		*ret_ctx = ctx;
	return code;
}

struct eap_tls_ctx *eap_tls_ctx_ref(struct eap_tls_ctx *ctx)
{
	atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
	return ctx;
}

void eap_tls_ctx_unref(struct eap_tls_ctx *ctx)
{
	if (!ctx || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(ctx->ssl);
	free(ctx);
}

/* Takes nothing over from a half-built session: SSL_free() frees what was put in. */
static bool give_buffers(SSL *ssl)
{
	BIO *in = BIO_new(BIO_s_mem());
	BIO *out = BIO_new(BIO_s_mem());

	if (!in || !out) {
		BIO_free(in);
		BIO_free(out);
		return false;
	}
	SSL_set_bio(ssl, in, out);
	return true;
}

SSL *eap_tls_session_new(const struct eap_tls_ctx *ctx, struct eap_tls_verdict *verdict)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (!ssl || !give_buffers(ssl)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_app_data(ssl, verdict);
	if (ctx->is_server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}
