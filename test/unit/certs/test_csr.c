/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/csr.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

/* A request as strangers write them. */
struct request {
	enum mint_key key;
	const char *md;
	bool forge; /* signed by another key of the same kind */
};

struct der {
	uint8_t *bytes;
	size_t len;
	EVP_PKEY *key;
};

static struct der request(const struct request *r)
{
	X509_REQ *csr = X509_REQ_new();
	struct der d = {.key = mint_key(r->key)};
	EVP_PKEY *signer = r->forge ? mint_key(r->key) : d.key;
	const EVP_MD *md = EVP_get_digestbyname(r->md ? r->md : "SHA256");

	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(csr), "CN", MBSTRING_UTF8,
				   (const unsigned char *)"anything", -1, -1, 0);
	X509_REQ_set_pubkey(csr, d.key);
	assert_true(X509_REQ_sign(csr, signer, r->key == MINT_ED25519 ? NULL : md) > 0);
	d.len = (size_t)i2d_X509_REQ(csr, &d.bytes);
	X509_REQ_free(csr);
	if (r->forge)
		EVP_PKEY_free(signer);
	return d;
}

static void der_done(struct der *d)
{
	OPENSSL_free(d->bytes);
	EVP_PKEY_free(d->key);
}

static void assert_accepted(const struct request *r)
{
	struct der d = request(r);
	struct certs_error error;
	EVP_PKEY *key;

	if (csr_from_der(d.bytes, d.len, &key, &error) != 0)
		fail_msg("refused: %s", error.text);
	assert_int_equal(EVP_PKEY_eq(key, d.key), 1);
	EVP_PKEY_free(key);
	der_done(&d);
}

static void only_the_public_key_is_taken(void **state)
{
	assert_accepted(&(struct request){.key = MINT_P256});
	assert_accepted(&(struct request){.key = MINT_P384, .md = "SHA384"});
	assert_accepted(&(struct request){.key = MINT_P256, .md = "SHA512"});
	assert_accepted(&(struct request){.key = MINT_RSA_2048});
	assert_accepted(&(struct request){.key = MINT_RSA_4096, .md = "SHA512"});
}

static void assert_no_request(const void *der, size_t len, int code, const char *sentence)
{
	struct certs_error error;
	EVP_PKEY *key = NULL;

	assert_int_equal(csr_from_der(der, len, &key, &error), code);
	assert_string_equal(error.text, sentence);
	assert_null(key);
	assert_int_equal(ERR_peek_error(), 0);
}

static void assert_refused(const struct request *r, int code, const char *sentence)
{
	struct der d = request(r);

	assert_no_request(d.bytes, d.len, code, sentence);
	der_done(&d);
}

static void keys_that_are_weak_or_strange_are_refused(void **state)
{
	assert_refused(&(struct request){.key = MINT_RSA_1024}, -EKEYREJECTED,
		       "the RSA key has 1024 bits: allowed are 2048 to 4096");
	assert_refused(&(struct request){.key = MINT_P521}, -EKEYREJECTED,
		       "the key is on the curve P-521: allowed are P-256 and P-384");
	assert_refused(&(struct request){.key = MINT_SECP256K1}, -EKEYREJECTED,
		       "the key is on the curve of another kind: allowed are P-256 and P-384");
	assert_refused(&(struct request){.key = MINT_ED25519}, -EKEYREJECTED,
		       "the key is Ed25519: allowed are EC on P-256 or P-384, and RSA");
}

static void a_weak_digest_is_refused(void **state)
{
	const char *sentence = "the request is signed by another algorithm than ECDSA or RSA "
			       "with SHA-256, SHA-384 or SHA-512";

	assert_refused(&(struct request){.key = MINT_P256, .md = "SHA1"}, -EKEYREJECTED, sentence);
	assert_refused(&(struct request){.key = MINT_RSA_2048, .md = "MD5"}, -EKEYREJECTED,
		       sentence);
}

static void who_has_not_the_private_key_is_refused(void **state)
{
	const char *sentence = "the request is not signed by its own key: no proof that its sender "
			       "has the private key";

	assert_refused(&(struct request){.key = MINT_P256, .forge = true}, -EPROTO, sentence);
	assert_refused(&(struct request){.key = MINT_RSA_2048, .forge = true}, -EPROTO, sentence);
}

/* Each bit of a request flipped: it is refused, and nothing worse. */
static void every_flipped_bit_is_noticed(void **state)
{
	struct der d = request(&(struct request){.key = MINT_P256});
	EVP_PKEY *key = NULL;

	for (size_t bit = 0; bit < d.len * 8; bit++) {
		d.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (csr_from_der(d.bytes, d.len, &key, NULL) == 0)
			fail_msg("bit %zu of byte %zu is not noticed", bit % 8, bit / 8);
		d.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_null(key);
	der_done(&d);
}

static void a_request_is_read_whole_or_not_at_all(void **state)
{
	struct der d = request(&(struct request){.key = MINT_P256});
	uint8_t buf[CSR_DER_MAX + 1] = {0};

	memcpy(buf, d.bytes, d.len);
	assert_no_request(buf, d.len + 1, -EBADMSG, "1 bytes follow the certificate request");
	assert_no_request(buf, sizeof(buf), -EMSGSIZE,
			  "the certificate request is larger than 4096 bytes, or 8192 characters");
	for (size_t n = 0; n < d.len; n++)
		assert_no_request(buf, n, -EBADMSG,
				  "this is no certificate request (PKCS#10 in DER)");
	der_done(&d);
}

static void base64_of_est_is_read_with_its_line_breaks(void **state)
{
	struct der d = request(&(struct request){.key = MINT_P256});
	char text[BASE64_TEXT_MAX(2048)], lines[4096], huge[CSR_TEXT_MAX + 1];
	EVP_PKEY *key;
	size_t n = base64_encode(BASE64_LINE, d.bytes, d.len, text);

	snprintf(lines, sizeof(lines), "%.64s\r\n%.64s\r\n%s\r\n", text, text + 64, text + 128);
	assert_int_equal(csr_from_base64(text, n, &key, NULL), 0);
	EVP_PKEY_free(key);
	assert_int_equal(csr_from_base64(lines, strlen(lines), &key, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(key, d.key), 1);
	EVP_PKEY_free(key);
	memset(huge, 'A', sizeof(huge));
	assert_int_equal(csr_from_base64(huge, sizeof(huge), &key, NULL), -EMSGSIZE);
	assert_int_equal(csr_from_base64(huge, CSR_TEXT_MAX, &key, NULL), -EMSGSIZE);
	assert_int_equal(csr_from_base64("....", 4, &key, NULL), -EBADMSG);
	assert_int_equal(csr_from_base64("", 0, &key, NULL), -EBADMSG);
	der_done(&d);
}

static char *pem_of(const struct der *d, const char *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	PEM_write_bio(bio, name, "", d->bytes, (long)d->len);
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)len);
	BIO_free(bio);
	return pem;
}

static int read_pem(const char *pem, struct certs_error *ret_error)
{
	EVP_PKEY *key = NULL;
	int err = csr_from_pem(pem, strlen(pem), &key, ret_error);

	EVP_PKEY_free(key);
	return err;
}

static void pem_of_openssl_is_read(void **state)
{
	struct der d = request(&(struct request){.key = MINT_P256});
	char *pem = pem_of(&d, "CERTIFICATE REQUEST"), *twice = NULL;
	char *old = pem_of(&d, "NEW CERTIFICATE REQUEST"), *other = pem_of(&d, "CERTIFICATE");
	struct certs_error error;

	assert_int_equal(read_pem(pem, NULL), 0);
	assert_int_equal(read_pem(old, NULL), 0);
	assert_int_equal(read_pem(other, &error), -EBADMSG);
	assert_string_equal(error.text, "the PEM block is CERTIFICATE, not a certificate request");
	assert_int_equal(read_pem("x", &error), -EBADMSG);
	assert_string_equal(error.text, "there is no certificate request in PEM");
	assert_true(asprintf(&twice, "%s%s", pem, pem) > 0);
	assert_int_equal(read_pem(twice, &error), -EBADMSG);
	assert_string_equal(error.text, "something follows the certificate request");
	free(twice);
	free(pem);
	free(old);
	free(other);
	der_done(&d);
}

static void our_own_request_is_accepted(void **state)
{
	EVP_PKEY *key = mint_key(MINT_P256), *back;
	struct certs_error error;
	char name[66];
	uint8_t *der;
	size_t len;

	assert_int_equal(csr_new(key, "worker", &der, &len, NULL), 0);
	assert_int_equal(csr_from_der(der, len, &back, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(key, back), 1);
	EVP_PKEY_free(back);
	free(der);
	memset(name, 'a', sizeof(name));
	name[65] = '\0';
	assert_int_equal(csr_new(key, name, &der, &len, &error), -EINVAL);
	assert_string_equal(error.text, "a common name has 1 to 64 bytes");
	assert_int_equal(csr_new(key, "", &der, &len, NULL), -EINVAL);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_public_key_is_taken),
		cmocka_unit_test(keys_that_are_weak_or_strange_are_refused),
		cmocka_unit_test(a_weak_digest_is_refused),
		cmocka_unit_test(who_has_not_the_private_key_is_refused),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(a_request_is_read_whole_or_not_at_all),
		cmocka_unit_test(base64_of_est_is_read_with_its_line_breaks),
		cmocka_unit_test(pem_of_openssl_is_read),
		cmocka_unit_test(our_own_request_is_accepted),
	};

	return cmocka_run_group_tests_name("csr", tests, NULL, NULL);
}
