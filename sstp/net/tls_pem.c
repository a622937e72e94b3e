/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/secret.h"
#include "sstp/net/tls_internal.h"
#include "sstp/net/tls_server.h"

/* What has been written to bio, as an owned text; NULL without memory. Frees bio, and wipes what was in it. */
static char *take_text(BIO *bio, bool is_written)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *text = is_written ? strndup(data, (size_t)len) : NULL;

	if (len > 0)
		secret_wipe_bytes(data, (size_t)len);
	BIO_free(bio);
	return text;
}

static char *chain_text(X509 *cert, const STACK_OF(X509) * chain)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool is_written;

	if (!bio)
		return NULL;
	is_written = PEM_write_bio_X509(bio, cert) == 1;
	for (int i = 0; is_written && i < sk_X509_num(chain); i++)
		is_written = PEM_write_bio_X509(bio, sk_X509_value(chain, i)) == 1;
	return take_text(bio, is_written);
}

static char *key_text(SSL_CTX *ssl)
{
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *key = SSL_CTX_get0_privatekey(ssl);

	if (!bio)
		return NULL;
	return take_text(bio, PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
}

int tls_ctx_pem(const struct tls_ctx *ctx, size_t offer, struct tls_pem *ret_pem)
{
	SSL_CTX *ssl = ctx->server ? tls_server_ssl(ctx->server, offer) : NULL;
	STACK_OF(X509) *chain = NULL;

	if (!ssl)
		return -EINVAL;
	SSL_CTX_get0_chain_certs(ssl, &chain);
	*ret_pem = (struct tls_pem){
		.chain = chain_text(SSL_CTX_get0_certificate(ssl), chain),
		.key = key_text(ssl),
	};
	if (ret_pem->chain && ret_pem->key)
		return 0;
	tls_pem_done(ret_pem);
	return -ENOMEM;
}

int tls_ctx_chain(const struct tls_ctx *ctx, size_t pair, char **ret_pem)
{
	X509 *cert = ctx->server ? tls_server_certificate(ctx->server, pair) : NULL;
	char *pem;

	if (!cert)
		return -ENOENT;
	pem = chain_text(cert, tls_server_chain(ctx->server, pair));
	if (!pem)
		return -ENOMEM;
	*ret_pem = pem;
	return 0;
}

void tls_pem_done(struct tls_pem *pem)
{
	if (pem->key)
		secret_wipe_bytes(pem->key, strlen(pem->key));
	free(pem->key);
	free(pem->chain);
	*pem = (struct tls_pem){0};
}
