/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/verify.h"
#include "sstp/net/tls_error.h"
#include "sstp/net/tls_internal.h"
#include "sstp/net/tls_server.h"

/* AES-128-GCM first: a tunnel's traffic costs a fifth more with AES-256. Forward secrecy only, no CBC. */
static const char ciphers_tls13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char ciphers_tls12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

enum {
	/* RFC 8446 section 5.5 allows 2^24.5 full records under one AES-GCM key */
	KEY_RECORDS = 1 << 24,
};

static const char *failure_text(unsigned long code, char text[TLS_ERROR_MAX])
{
	int reason = ERR_GET_REASON(code);
	const char *words = ERR_reason_error_string(code);

	ERR_clear_error();
	if (code && ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		snprintf(text, TLS_ERROR_MAX, TLS_PEER_REFUSED ": alert \"%s\"",
			 SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else if (code && ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_HTTP_REQUEST)
		snprintf(text, TLS_ERROR_MAX, "the peer speaks HTTP without TLS");
	else
		snprintf(text, TLS_ERROR_MAX, "TLS failed: %s", words ? words : "unknown reason");
	return text;
}

const char *tls_failure_text(char text[TLS_ERROR_MAX])
{
	return failure_text(ERR_peek_error(), text);
}

const char *tls_newest_failure_text(char text[TLS_ERROR_MAX])
{
	return failure_text(ERR_peek_last_error(), text);
}

SSL_CTX *tls_ssl_ctx_new(const SSL_METHOD *method)
{
	SSL_CTX *ssl = SSL_CTX_new(method);

	if (!ssl || !SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(ssl, ciphers_tls13) ||
	    !SSL_CTX_set_cipher_list(ssl, ciphers_tls12) || !SSL_CTX_set_num_tickets(ssl, 0)) {
		SSL_CTX_free(ssl);
		return NULL;
	}
	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	/* partial writes stay off: the write BIO takes everything, so one SSL_write() is whole records */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ssl;
}

struct tls_ctx *tls_ctx_alloc(void)
{
	struct tls_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	atomic_init(&ctx->refs, 1);
	ctx->key_records = KEY_RECORDS;
	return ctx;
}

/* Keeps the first reason only: what follows it are its consequences. */
static int judge_server(int ok, X509_STORE_CTX *x509)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x509, SSL_get_ex_data_X509_STORE_CTX_idx());
	char *refused = SSL_get_app_data(ssl);

	if (ok)
		return 1;
	if (verify_is_any_purpose(x509)) {
		X509_STORE_CTX_set_error(x509, X509_V_OK);
		return 1;
	}
	if (refused && !*refused)
		verify_explain(x509, refused, TLS_ERROR_MAX);
	return 0;
}

static int load_roots(SSL_CTX *ssl, const char *path, char ret_error[TLS_ERROR_MAX])
{
	int code = 0;
	BIO *bio;

	if (!path)
		return SSL_CTX_set_default_verify_paths(ssl) == 1 ? 0 : tls_fail_memory(ret_error);
	bio = tls_open_file(path, "CA certificates", &code, ret_error);
	if (!bio)
		return code;
	BIO_free(bio);
	if (SSL_CTX_load_verify_file(ssl, path) != 1)
		code = tls_fail(ret_error, -EINVAL,
				"%s: holds no CA certificate in PEM form "
				"(\"-----BEGIN CERTIFICATE-----\")",
				path);
	ERR_clear_error();
	return code;
}

static int add_roots(SSL_CTX *ssl, const char *pem, char ret_error[TLS_ERROR_MAX])
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = NULL;
	int n = 0;

	for (; bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)); X509_free(cert))
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), cert);
	BIO_free(bio);
	ERR_clear_error();
	X509_STORE_set_flags(SSL_CTX_get_cert_store(ssl), X509_V_FLAG_PARTIAL_CHAIN);
	return n ? 0 : tls_fail(ret_error, -EINVAL, "the roots hold no CA certificate in PEM form");
}

static int new_client(int (*load)(SSL_CTX *ssl, const char *from, char ret_error[TLS_ERROR_MAX]),
		      const char *from, struct tls_ctx **ret_ctx, char ret_error[TLS_ERROR_MAX])
{
	struct tls_ctx *ctx = tls_ctx_alloc();
	int code;

	if (ctx)
		ctx->ssl = tls_ssl_ctx_new(TLS_client_method());
	if (!ctx || !ctx->ssl) {
		tls_ctx_unref(ctx);
		return tls_fail_memory(ret_error);
	}
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, judge_server);
	code = load(ctx->ssl, from, ret_error);
	if (code < 0) {
		tls_ctx_unref(ctx);
		return code;
	}
	*ret_ctx = ctx;
	return 0;
}

int tls_ctx_new_client(const char *ca_file, struct tls_ctx **ret_ctx, char ret_error[TLS_ERROR_MAX])
{
	return new_client(load_roots, ca_file, ret_ctx, ret_error);
}

int tls_ctx_new_client_of(const char *roots_pem, struct tls_ctx **ret_ctx,
			  char ret_error[TLS_ERROR_MAX])
{
	return new_client(add_roots, roots_pem, ret_ctx, ret_error);
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx)
{
	atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
	return ctx;
}

void tls_ctx_unref(struct tls_ctx *ctx)
{
	if (!ctx || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(ctx->ssl);
	tls_server_free(ctx->server);
	free(ctx);
}

SSL *tls_session_new_server(struct tls_ctx *ctx)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}

/* The name must be in the subject alternative names; the common name counts for nothing. */
static bool expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
		return true;
	return X509_VERIFY_PARAM_set1_host(param, name, 0) && SSL_set_tlsext_host_name(ssl, name);
}

SSL *tls_session_new_client(struct tls_ctx *ctx, const char *server_name)
{
	SSL *ssl = SSL_new(ctx->ssl);

	if (!ssl)
		return NULL;
	SSL_set_connect_state(ssl);
	if (!expect_name(ssl, server_name)) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

int tls_handshake(SSL *ssl, char ret_refused[TLS_ERROR_MAX])
{
	int result;

	*ret_refused = '\0';
	SSL_set_app_data(ssl, ret_refused);
	ERR_clear_error();
	result = SSL_get_error(ssl, SSL_do_handshake(ssl));
	SSL_set_app_data(ssl, NULL);
	return result;
}
