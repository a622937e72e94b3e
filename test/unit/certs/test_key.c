/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

static void assert_refused(EVP_PKEY *key, const char *sentence)
{
	struct certs_error error;

	assert_int_equal(key_check(key, &error), -EKEYREJECTED);
	assert_string_equal(error.text, sentence);
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(key);
}

static void assert_allowed(EVP_PKEY *key, const char *text)
{
	struct certs_error error = {""};
	char found[32];

	key_check(key, &error);
	assert_string_equal(error.text, "");
	assert_int_equal(key_check(key, NULL), 0);
	assert_string_equal(key_text(key, found, sizeof(found)), text);
	EVP_PKEY_free(key);
}

static void strong_kinds_are_allowed(void **state)
{
	assert_allowed(mint_key(MINT_P256), "EC P-256");
	assert_allowed(mint_key(MINT_P384), "EC P-384");
	assert_allowed(mint_key(MINT_RSA_2048), "RSA 2048");
	assert_allowed(mint_key(MINT_RSA_4096), "RSA 4096");
}

static void other_kinds_are_refused(void **state)
{
	assert_refused(mint_key(MINT_P521),
		       "the key is on the curve P-521: allowed are P-256 and P-384");
	assert_refused(mint_key(MINT_SECP256K1),
		       "the key is on the curve of another kind: allowed are P-256 and P-384");
	assert_refused(mint_key(MINT_RSA_1024),
		       "the RSA key has 1024 bits: allowed are 2048 to 4096");
	assert_refused(mint_key(MINT_ED25519), "the key is Ed25519: allowed are EC on P-256 or "
					       "P-384, and RSA");
}

/* A public RSA key of these numbers. */
static EVP_PKEY *rsa_key(const BIGNUM *n, unsigned long exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	BN_set_word(e, exponent);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
	return key;
}

static void odd_rsa_numbers_are_refused(void **state)
{
	EVP_PKEY *good = mint_key(MINT_RSA_2048);
	BIGNUM *n = NULL;

	EVP_PKEY_get_bn_param(good, OSSL_PKEY_PARAM_RSA_N, &n);
	assert_allowed(rsa_key(n, 65537), "RSA 2048");
	assert_refused(rsa_key(n, 3), "the RSA exponent is not an odd number from 65537 to 2^32");
	assert_refused(rsa_key(n, 65538),
		       "the RSA exponent is not an odd number from 65537 to 2^32");
	assert_refused(rsa_key(n, (1ul << 32) + 1),
		       "the RSA exponent is not an odd number from 65537 to 2^32");
	BN_clear_bit(n, 0);
	assert_refused(rsa_key(n, 65537), "the RSA modulus is even");
	BN_free(n);
	EVP_PKEY_free(good);
}

/* The same curve, with its parameters written out. */
static void a_described_curve_is_refused(void **state)
{
	EVP_PKEY *key = mint_key(MINT_P256), *back;
	unsigned char *der = NULL;
	const unsigned char *pos;
	int len;

	EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
				       OSSL_PKEY_EC_ENCODING_EXPLICIT);
	len = i2d_PUBKEY(key, &der);
	assert_true(len > 200);
	pos = der;
	back = d2i_PUBKEY(NULL, &pos, len);
	assert_non_null(back);
	assert_refused(back, "the key describes its curve: it has to name it");
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static void a_new_key_is_allowed_and_another_each_time(void **state)
{
	EVP_PKEY *a, *b;

	assert_int_equal(key_new(&a, NULL), 0);
	assert_int_equal(key_new(&b, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(a, b), 0);
	assert_allowed(a, "EC P-256");
	EVP_PKEY_free(b);
}

static void pem_reads_back(void **state)
{
	EVP_PKEY *key = mint_key(MINT_P256), *back;
	char *pem;

	assert_int_equal(key_to_pem(key, &pem), 0);
	assert_non_null(strstr(pem, "-----BEGIN PRIVATE KEY-----\n"));
	assert_int_equal(key_from_pem(pem, strlen(pem), &back, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(key, back), 1);
	key_pem_free(pem);
	key_pem_free(NULL);
	EVP_PKEY_free(back);
	EVP_PKEY_free(key);
}

static void assert_no_pem(const char *pem, int code, const char *sentence)
{
	struct certs_error error;
	EVP_PKEY *key = NULL;

	assert_int_equal(key_from_pem(pem, strlen(pem), &key, &error), code);
	assert_string_equal(error.text, sentence);
	assert_null(key);
	assert_int_equal(ERR_peek_error(), 0);
}

static char *encrypted_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)len);
	BIO_free(bio);
	return pem;
}

static void what_is_no_plain_key_is_refused(void **state)
{
	EVP_PKEY *key = mint_key(MINT_P256);
	char *pem, *twice = NULL, *huge;

	assert_no_pem("", -EBADMSG, "no private key in PEM");
	assert_int_equal(key_to_pem(key, &pem), 0);
	assert_true(asprintf(&twice, "%s%s", pem, pem) > 0);
	assert_no_pem(twice, -EBADMSG, "something follows the private key");
	free(twice);
	key_pem_free(pem);
	pem = encrypted_pem(key);
	assert_no_pem(pem, -EBADMSG, "the private key is encrypted");
	free(pem);
	huge = calloc(1, KEY_PEM_MAX + 2);
	memset(huge, '\n', KEY_PEM_MAX + 1);
	assert_no_pem(huge, -EMSGSIZE, "a private key is at most 16384 bytes");
	free(huge);
	EVP_PKEY_free(key);
}

/* It is read as a key: it stands for no point, and everybody has its private part. */
static void the_point_at_infinity_is_refused(void **state)
{
	/* id-ecPublicKey on prime256v1, and a point of one zero byte: RFC 5480 2, SEC 1 2.3.3 */
	static const uint8_t der[] = {0x30, 0x19, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x02, 0x00, 0x00};
	const unsigned char *pos = der;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &pos, sizeof(der));
	struct certs_error error;

	assert_non_null(key);
	assert_int_equal(key_check(key, &error), -EKEYREJECTED);
	assert_string_equal(error.text, "the key is no point of its curve");
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_point_at_infinity_is_refused),
		cmocka_unit_test(strong_kinds_are_allowed),
		cmocka_unit_test(other_kinds_are_refused),
		cmocka_unit_test(odd_rsa_numbers_are_refused),
		cmocka_unit_test(a_described_curve_is_refused),
		cmocka_unit_test(a_new_key_is_allowed_and_another_each_time),
		cmocka_unit_test(pem_reads_back),
		cmocka_unit_test(what_is_no_plain_key_is_refused),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
