/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/encoding.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "certs/pem.h"

static int out_of_memory(struct certs_error *ret_error)
{
	return certs_fail(ret_error, -ENOMEM, "out of memory");
}

int encoding_from_der(const void *der, size_t len, X509 **ret_cert, struct certs_error *ret_error)
{
	const unsigned char *pos = der;
	const unsigned char *end = pos + len;
	X509 *cert;

	if (len > ENCODING_DER_MAX)
		return certs_fail(ret_error, -EMSGSIZE,
				  "the certificate has %zu bytes: at most %d are read", len,
				  ENCODING_DER_MAX);
	ERR_set_mark();
	cert = d2i_X509(NULL, &pos, (long)len);
	ERR_pop_to_mark();
	if (!cert)
		return certs_fail(ret_error, -EBADMSG, "this is no certificate (X.509 in DER)");
	if (pos != end) {
		X509_free(cert);
		return certs_fail(ret_error, -EBADMSG, "%zu bytes follow the certificate",
				  (size_t)(end - pos));
	}
	*ret_cert = cert;
	return 0;
}

int encoding_to_der(const X509 *cert, uint8_t **ret_der, size_t *ret_len)
{
	unsigned char *pos;
	uint8_t *der;
	int len;

	ERR_set_mark();
	len = i2d_X509(cert, NULL);
	ERR_pop_to_mark();
	der = len > 0 ? malloc((size_t)len) : NULL;
	if (!der)
		return -ENOMEM;
	pos = der;
	i2d_X509(cert, &pos);
	*ret_der = der;
	*ret_len = (size_t)len;
	return 0;
}

int encoding_from_blob(const char *blob, X509 **ret_cert, struct certs_error *ret_error)
{
	size_t chars = strlen(blob);
	uint8_t *der;
	size_t len;
	int err;

	if (chars >= BASE64_TEXT_MAX(ENCODING_DER_MAX))
		return certs_fail(ret_error, -EMSGSIZE,
				  "the certificate has %zu characters: at most %d bytes are read",
				  chars, ENCODING_DER_MAX);
	der = malloc(ENCODING_DER_MAX);
	if (!der)
		return out_of_memory(ret_error);
	err = base64_decode(BASE64_LINE, blob, chars, der, ENCODING_DER_MAX, &len);
	if (err == -EMSGSIZE)
		certs_fail(ret_error, err, "the certificate is larger than %d bytes",
			   ENCODING_DER_MAX);
	else if (err)
		certs_fail(ret_error, err,
			   "the certificate is not base64 on one line, without CR, LF and blanks");
	else
		err = encoding_from_der(der, len, ret_cert, ret_error);
	free(der);
	return err;
}

int encoding_to_blob(const X509 *cert, char **ret_blob)
{
	uint8_t *der;
	size_t len;
	int err = encoding_to_der(cert, &der, &len);

	if (err)
		return err;
	*ret_blob = malloc(BASE64_TEXT_MAX(len));
	if (*ret_blob)
		base64_encode(BASE64_LINE, der, len, *ret_blob);
	free(der);
	return *ret_blob ? 0 : -ENOMEM;
}

static int block_to_cert(const struct pem_block *b, X509 **ret_cert, struct certs_error *ret_error)
{
	if (strstr(b->name, "PRIVATE KEY"))
		return certs_fail(
			ret_error, -EBADMSG,
			"there is a private key among the certificates: it does not belong here");
	if (strcmp(b->name, PEM_STRING_X509) != 0 && strcmp(b->name, PEM_STRING_X509_OLD) != 0)
		return certs_fail(ret_error, -EBADMSG,
				  "a PEM block is %s: only certificates belong here", b->name);
	return encoding_from_der(b->data, (size_t)b->len, ret_cert, ret_error);
}

static int add_block(const struct pem_block *b, struct stack_st_X509 *chain,
		     struct certs_error *ret_error)
{
	X509 *cert;
	int err = block_to_cert(b, &cert, ret_error);

	if (err)
		return err;
	if (sk_X509_num(chain) == ENCODING_CHAIN_MAX)
		err = certs_fail(ret_error, -EMSGSIZE, "more than %d certificates",
				 ENCODING_CHAIN_MAX);
	else if (sk_X509_push(chain, cert) <= 0)
		err = out_of_memory(ret_error);
	if (err)
		X509_free(cert);
	return err;
}

static int read_chain(BIO *bio, struct stack_st_X509 *chain, struct certs_error *ret_error)
{
	struct pem_block b;
	int more, err = 0;

	while (!err && (more = pem_read(bio, &b)) != 0) {
		if (more < 0)
			return certs_fail(ret_error, more,
					  "a PEM block is damaged or not complete");
		err = add_block(&b, chain, ret_error);
		pem_done(&b);
	}
	if (!err && sk_X509_num(chain) == 0)
		err = certs_fail(ret_error, -EBADMSG, "there is no certificate in PEM");
	return err;
}

int encoding_chain_from_pem(const char *pem, size_t len, struct stack_st_X509 **ret_chain,
			    struct certs_error *ret_error)
{
	struct stack_st_X509 *chain;
	BIO *bio;
	int err;

	if (len > ENCODING_PEM_MAX)
		return certs_fail(ret_error, -EMSGSIZE, "the PEM text is larger than %d bytes",
				  ENCODING_PEM_MAX);
	chain = sk_X509_new_null();
	bio = BIO_new_mem_buf(pem, (int)len);
	ERR_set_mark();
	err = chain && bio ? read_chain(bio, chain, ret_error) : out_of_memory(ret_error);
	ERR_pop_to_mark();
	BIO_free(bio);
	if (err)
		sk_X509_pop_free(chain, X509_free);
	else
		*ret_chain = chain;
	return err;
}

int encoding_from_pem(const char *pem, size_t len, X509 **ret_cert, struct certs_error *ret_error)
{
	struct stack_st_X509 *chain;
	int err = encoding_chain_from_pem(pem, len, &chain, ret_error);

	if (err)
		return err;
	if (sk_X509_num(chain) == 1)
		*ret_cert = sk_X509_pop(chain);
	else
		err = certs_fail(ret_error, -EBADMSG, "%d certificates where one is wanted",
				 sk_X509_num(chain));
	sk_X509_pop_free(chain, X509_free);
	return err;
}

static char *take_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return strndup(data, (size_t)len);
}

int encoding_chain_to_pem(const struct stack_st_X509 *chain, char **ret_pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio;
	char *pem;

	ERR_set_mark();
	for (int i = 0; ok && i < sk_X509_num(chain); i++)
		ok = PEM_write_bio_X509(bio, sk_X509_value(chain, i)) == 1;
	ERR_pop_to_mark();
	pem = ok ? take_text(bio) : NULL;
	BIO_free(bio);
	if (!pem)
		return -ENOMEM;
	*ret_pem = pem;
	return 0;
}

int encoding_to_pem(const X509 *cert, char **ret_pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;

	ERR_set_mark();
	if (bio && PEM_write_bio_X509(bio, (X509 *)cert) == 1)
		pem = take_text(bio);
	ERR_pop_to_mark();
	BIO_free(bio);
	if (!pem)
		return -ENOMEM;
	*ret_pem = pem;
	return 0;
}
