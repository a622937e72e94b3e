/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/csr.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "certs/key.h"
#include "certs/pem.h"

static bool is_signature_allowed(const X509_REQ *request)
{
	static const int allowed[] = {
		NID_ecdsa_with_SHA256,	     NID_ecdsa_with_SHA384,
		NID_ecdsa_with_SHA512,	     NID_sha256WithRSAEncryption,
		NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption,
	};
	int nid = X509_REQ_get_signature_nid(request);

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (nid == allowed[i])
			return true;
	}
	return false;
}

/* The key is judged before it is used: a strange one can make the verification dear. */
static int check(X509_REQ *request, struct certs_error *ret_error)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);
	int err;

	if (!key)
		return certs_fail(ret_error, -EKEYREJECTED,
				  "the request's public key cannot be read");
	err = key_check(key, ret_error);
	if (err)
		return err;
	if (!is_signature_allowed(request))
		return certs_fail(ret_error, -EKEYREJECTED,
				  "the request is signed by another algorithm than ECDSA or RSA "
				  "with SHA-256, SHA-384 or SHA-512");
	if (X509_REQ_verify(request, key) != 1)
		return certs_fail(ret_error, -EPROTO,
				  "the request is not signed by its own key: no proof that its "
				  "sender has the private key");
	return 0;
}

static int take_key(X509_REQ *request, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	int err = check(request, ret_error);

	if (!err)
		*ret_key = X509_REQ_get_pubkey(request);
	return err;
}

static int parse(const unsigned char *der, size_t len, EVP_PKEY **ret_key,
		 struct certs_error *ret_error)
{
	const unsigned char *pos = der;
	X509_REQ *request = d2i_X509_REQ(NULL, &pos, (long)len);
	int err;

	if (!request)
		err = certs_fail(ret_error, -EBADMSG,
				 "this is no certificate request (PKCS#10 in DER)");
	else if (pos != der + len)
		err = certs_fail(ret_error, -EBADMSG, "%zu bytes follow the certificate request",
				 (size_t)(der + len - pos));
	else
		err = take_key(request, ret_key, ret_error);
	X509_REQ_free(request);
	return err;
}

static int too_large(struct certs_error *ret_error)
{
	return certs_fail(ret_error, -EMSGSIZE,
			  "the certificate request is larger than %d bytes, or %d characters",
			  CSR_DER_MAX, CSR_TEXT_MAX);
}

int csr_from_der(const void *der, size_t len, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	int err;

	if (len > CSR_DER_MAX)
		return too_large(ret_error);
	ERR_set_mark();
	err = parse(der, len, ret_key, ret_error);
	ERR_pop_to_mark();
	return err;
}

int csr_from_base64(const char *text, size_t len, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	uint8_t der[CSR_DER_MAX];
	size_t der_len;
	int err;

	if (len > CSR_TEXT_MAX)
		return too_large(ret_error);
	err = base64_decode(BASE64_PLAIN, text, len, der, sizeof(der), &der_len);
	if (err == -EMSGSIZE)
		return too_large(ret_error);
	if (err)
		return certs_fail(ret_error, err, "the certificate request is not base64");
	return csr_from_der(der, der_len, ret_key, ret_error);
}

static bool is_request_block(const char *name)
{
	return strcmp(name, PEM_STRING_X509_REQ) == 0 || strcmp(name, PEM_STRING_X509_REQ_OLD) == 0;
}

static int read_block(const struct pem_block *b, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	if (!is_request_block(b->name))
		return certs_fail(ret_error, -EBADMSG,
				  "the PEM block is %s, not a certificate request", b->name);
	return csr_from_der(b->data, (size_t)b->len, ret_key, ret_error);
}

static int read_pem(BIO *bio, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	struct pem_block first = {0}, second = {0};
	int err;

	if (pem_read(bio, &first) != 1)
		err = certs_fail(ret_error, -EBADMSG, "there is no certificate request in PEM");
	else if (pem_read(bio, &second) != 0)
		err = certs_fail(ret_error, -EBADMSG, "something follows the certificate request");
	else
		err = read_block(&first, ret_key, ret_error);
	pem_done(&first);
	pem_done(&second);
	return err;
}

int csr_from_pem(const char *pem, size_t len, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	BIO *bio;
	int err;

	if (len > CSR_TEXT_MAX)
		return too_large(ret_error);
	bio = BIO_new_mem_buf(pem, (int)len);
	if (!bio)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	err = read_pem(bio, ret_key, ret_error);
	BIO_free(bio);
	return err;
}

static bool fill(X509_REQ *request, EVP_PKEY *key, const char *name)
{
	X509_NAME *subject = X509_REQ_get_subject_name(request);

	return X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0) == 1 &&
	       X509_REQ_set_pubkey(request, key) == 1 &&
	       X509_REQ_sign(request, key, EVP_sha256()) > 0;
}

static int to_der(const X509_REQ *request, uint8_t **ret_der, size_t *ret_len)
{
	int len = i2d_X509_REQ(request, NULL);
	unsigned char *pos;
	uint8_t *der = len > 0 ? malloc((size_t)len) : NULL;

	if (!der)
		return -ENOMEM;
	pos = der;
	i2d_X509_REQ(request, &pos);
	*ret_der = der;
	*ret_len = (size_t)len;
	return 0;
}

int csr_new(EVP_PKEY *key, const char *name, uint8_t **ret_der, size_t *ret_len,
	    struct certs_error *ret_error)
{
	X509_REQ *request;
	bool ok;
	int err;

	if (name[0] == '\0' || strlen(name) > ub_common_name)
		return certs_fail(ret_error, -EINVAL, "a common name has 1 to %d bytes",
				  ub_common_name);
	ERR_set_mark();
	request = X509_REQ_new();
	ok = request && fill(request, key, name);
	ERR_pop_to_mark();
	err = ok ? to_der(request, ret_der, ret_len) : -EIO;
	X509_REQ_free(request);
	return err ? certs_fail(ret_error, err, "the certificate request cannot be made") : 0;
}
