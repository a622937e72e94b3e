/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

#include "sstp/net/tls_internal.h"
#include "sstp/net/tls_server.h"

/* What has been written to bio, as an owned text; NULL without memory. Frees bio. */
static char *take_text(BIO *bio, bool is_written)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *text = is_written ? strndup(data, (size_t)len) : NULL;

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
