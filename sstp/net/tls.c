/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/tls_internal.h"
#include "sstp/net/verify.h"

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

static int fail(char error[TLS_ERROR_MAX], int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char error[TLS_ERROR_MAX], int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, TLS_ERROR_MAX, fmt, ap);
	va_end(ap);
	return code;
}

static int fail_memory(char error[TLS_ERROR_MAX])
{
	return fail(error, -ENOMEM, "out of memory for TLS");
}

const char *tls_failure_text(char text[TLS_ERROR_MAX])
{
	unsigned long code = ERR_get_error();
	int reason = ERR_GET_REASON(code);
	const char *words = ERR_reason_error_string(code);

	ERR_clear_error();
	if (code && ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		snprintf(text, TLS_ERROR_MAX, "the peer refused TLS: alert \"%s\"",
			 SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else if (code && ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_HTTP_REQUEST)
		snprintf(text, TLS_ERROR_MAX, "the peer speaks HTTP without TLS");
	else
		snprintf(text, TLS_ERROR_MAX, "TLS failed: %s", words ? words : "unknown reason");
	return text;
}

static int select_alpn(SSL *ssl, const unsigned char **ret_proto, unsigned char *ret_len,
		       const unsigned char *offered, unsigned int offered_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *proto;

	if (SSL_select_next_proto(&proto, ret_len, ours, sizeof(ours) - 1, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret_proto = proto;
	return SSL_TLSEXT_ERR_OK;
}

static struct tls_ctx *ctx_new(const SSL_METHOD *method)
{
	struct tls_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	atomic_init(&ctx->refs, 1);
	ctx->key_records = KEY_RECORDS;
	ctx->ssl = SSL_CTX_new(method);
	if (!ctx->ssl || !SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx->ssl, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(ctx->ssl, ciphers_tls13) ||
	    !SSL_CTX_set_cipher_list(ctx->ssl, ciphers_tls12) ||
	    !SSL_CTX_set_num_tickets(ctx->ssl, 0)) {
		tls_ctx_unref(ctx);
		return NULL;
	}
	SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					      SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
	/* partial writes stay off: the write BIO takes everything, so one SSL_write() is whole records */
	SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

/* Returns owned; NULL with ret_code and ret_error set. */
static BIO *open_file(const char *path, const char *what, int *ret_code,
		      char ret_error[TLS_ERROR_MAX])
{
	FILE *f = fopen(path, "re");
	BIO *bio;

	if (!f) {
		int code = errno == ENOENT || errno == EACCES ? -errno : -EINVAL;

		*ret_code = fail(ret_error, code, "%s: cannot read the %s: %s", path, what,
				 strerror(errno));
		return NULL;
	}
	bio = BIO_new_fp(f, BIO_CLOSE);
	if (!bio) {
		fclose(f);
		*ret_code = fail_memory(ret_error);
	}
	return bio;
}

static int load_chain(SSL_CTX *ssl, const char *path, char ret_error[TLS_ERROR_MAX])
{
	int code = 0;
	unsigned long why;
	BIO *bio = open_file(path, "certificate", &code, ret_error);

	if (!bio)
		return code;
	BIO_free(bio);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ssl, path) == 1)
		return 0;
	why = ERR_get_error();
	ERR_clear_error();
	if (ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE)
		return fail(
			ret_error, -EINVAL,
			"%s: holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")",
			path);
	return fail(ret_error, -EINVAL, "%s: this certificate cannot be used: %s", path,
		    ERR_reason_error_string(why) ? ERR_reason_error_string(why) : "unknown reason");
}

/* There is nobody to ask for a passphrase; notes that one was wanted. */
static int refuse_passphrase(char *buf, int size, int writing, void *arg)
{
	*(bool *)arg = true;
	return -1;
}

static int load_key(SSL_CTX *ssl, const char *path, const char *cert_path,
		    char ret_error[TLS_ERROR_MAX])
{
	bool encrypted = false;
	int code = 0;
	BIO *bio = open_file(path, "private key", &code, ret_error);
	EVP_PKEY *key;

	if (!bio)
		return code;
	key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &encrypted);
	BIO_free(bio);
	if (encrypted)
		code = fail(ret_error, -EINVAL,
			    "%s: the private key is encrypted: store it without a passphrase "
			    "(openssl pkey -in FILE -out NEW)",
			    path);
	else if (!key)
		code = fail(
			ret_error, -EINVAL,
			"%s: holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")",
			path);
	else if (X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) != 1)
		code = fail(ret_error, -EINVAL,
			    "%s: is not the private key of the first certificate in %s", path,
			    cert_path);
	else if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
		code = fail(ret_error, -EINVAL, "%s: this private key cannot be used", path);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return code;
}

static struct tls_ctx *server_ctx_new(void)
{
	struct tls_ctx *ctx = ctx_new(TLS_server_method());

	if (ctx)
		SSL_CTX_set_alpn_select_cb(ctx->ssl, select_alpn, NULL);
	return ctx;
}

int tls_ctx_new_server(const char *cert_file, const char *key_file, struct tls_ctx **ret_ctx,
		       char ret_error[TLS_ERROR_MAX])
{
	struct tls_ctx *ctx = server_ctx_new();
	int code;

	if (!ctx)
		return fail_memory(ret_error);
	code = load_chain(ctx->ssl, cert_file, ret_error);
	if (code == 0)
		code = load_key(ctx->ssl, key_file, cert_file, ret_error);
	if (code < 0) {
		tls_ctx_unref(ctx);
		return code;
	}
	*ret_ctx = ctx;
	return 0;
}

static bool copy_chain(SSL_CTX *from, SSL_CTX *to)
{
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(from, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = X509_dup(sk_X509_value(chain, i));

		if (!cert || SSL_CTX_add0_chain_cert(to, cert) != 1) {
			X509_free(cert);
			return false;
		}
	}
	return true;
}

/* Copied, because use_certificate() and use_PrivateKey() count: each handshake would write to the other's count. */
static bool copy_identity(SSL_CTX *from, SSL_CTX *to)
{
	X509 *cert = X509_dup(SSL_CTX_get0_certificate(from));
	EVP_PKEY *key = EVP_PKEY_dup(SSL_CTX_get0_privatekey(from));
	bool is_done = cert && key && SSL_CTX_use_certificate(to, cert) == 1 &&
		       SSL_CTX_use_PrivateKey(to, key) == 1 && copy_chain(from, to);

	X509_free(cert);
	EVP_PKEY_free(key);
	return is_done;
}

int tls_ctx_copy(const struct tls_ctx *ctx, struct tls_ctx **ret_ctx)
{
	struct tls_ctx *copy;

	if (!SSL_CTX_get0_privatekey(ctx->ssl))
		return -EINVAL;
	copy = server_ctx_new();
	if (!copy || !copy_identity(ctx->ssl, copy->ssl)) {
		tls_ctx_unref(copy);
		ERR_clear_error();
		return -ENOMEM;
	}
	copy->key_records = ctx->key_records;
	*ret_ctx = copy;
	return 0;
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
		return SSL_CTX_set_default_verify_paths(ssl) == 1 ? 0 : fail_memory(ret_error);
	bio = open_file(path, "CA certificates", &code, ret_error);
	if (!bio)
		return code;
	BIO_free(bio);
	if (SSL_CTX_load_verify_file(ssl, path) != 1)
		code = fail(ret_error, -EINVAL,
			    "%s: holds no CA certificate in PEM form "
			    "(\"-----BEGIN CERTIFICATE-----\")",
			    path);
	ERR_clear_error();
	return code;
}

int tls_ctx_new_client(const char *ca_file, struct tls_ctx **ret_ctx, char ret_error[TLS_ERROR_MAX])
{
	struct tls_ctx *ctx = ctx_new(TLS_client_method());
	int code;

	if (!ctx)
		return fail_memory(ret_error);
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, judge_server);
	code = load_roots(ctx->ssl, ca_file, ret_error);
	if (code < 0) {
		tls_ctx_unref(ctx);
		return code;
	}
	*ret_ctx = ctx;
	return 0;
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
