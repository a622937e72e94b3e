/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients' certificates in the handshake. A certificate that is not good does not end the handshake: who
 * asks wants to answer such a client in its own protocol. The verdict is what OpenSSL keeps beside the
 * certificate, SSL_get_verify_result().
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "sstp/net/tls_error.h"
#include "sstp/net/tls_internal.h"

enum {
	CERT_LIST_MAX = 16 * 1024 /* bytes of a client's certificates, all of them */
};

static int judge_client(X509_STORE_CTX *x509, void *arg)
{
	X509_verify_cert(x509); /* sets the error, which outlives this */
	ERR_clear_error();
	return 1;
}

int tls_ctx_ask_clients(struct tls_ctx *ctx, const char *ca_file, char ret_error[TLS_ERROR_MAX])
{
	int code = 0;
	BIO *bio = tls_open_file(ca_file, "CA certificates", &code, ret_error);
	STACK_OF(X509_NAME) * names;

	if (!bio)
		return code;
	BIO_free(bio);
	names = SSL_load_client_CA_file(ca_file);
	if (!names || SSL_CTX_load_verify_file(ctx->ssl, ca_file) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		ERR_clear_error();
		return tls_fail(ret_error, -EINVAL,
				"%s: holds no CA certificate in PEM form "
				"(\"-----BEGIN CERTIFICATE-----\")",
				ca_file);
	}
	SSL_CTX_set_client_CA_list(ctx->ssl, names);
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx->ssl, judge_client, NULL);
	SSL_CTX_set_max_cert_list(ctx->ssl, CERT_LIST_MAX);
	return 0;
}

static void print_subject(const X509 *cert, char *buf, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, buf, (int)size - 1);
	buf[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
	ERR_clear_error();
}

int tls_session_client(const SSL *ssl, char *ret_text, size_t size)
{
	const X509 *cert = SSL_get0_peer_certificate(ssl);
	long result = SSL_get_verify_result(ssl);

	if (!SSL_is_server(ssl) || !cert || !(SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER))
		return -ENOENT;
	if (result == X509_V_OK) {
		print_subject(cert, ret_text, size);
		return 0;
	}
	snprintf(ret_text, size, "its certificate is not good: %s",
		 X509_verify_cert_error_string(result));
	return -EACCES;
}
