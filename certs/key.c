/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certs/pem.h"

enum {
	RSA_EXPONENT_BITS_MAX = 32,
	RSA_EXPONENT_MIN = 65537,
	GROUP_NAME_MAX = 64,
};

static const struct curve {
	const char *name; /* OpenSSL's */
	const char *text; /* NIST's */
	bool is_allowed;
} curves[] = {
	{"prime256v1", "P-256", true},
	{"secp384r1", "P-384", true},
	{"secp521r1", "P-521", false},
	{"secp224r1", "P-224", false},
};

int key_new(EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	EVP_PKEY *key;

	ERR_set_mark();
	key = EVP_EC_gen("P-256");
	ERR_pop_to_mark();
	if (!key)
		return certs_fail(ret_error, -EIO, "no key can be made: no random numbers");
	*ret_key = key;
	return 0;
}

static const struct curve *find_curve(const EVP_PKEY *key)
{
	char group[GROUP_NAME_MAX];
	size_t len;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcasecmp(group, curves[i].name) == 0 || strcmp(group, curves[i].text) == 0)
			return &curves[i];
	}
	return NULL;
}

/* The curve is named, not described: a description can be one that only looks like the curve. */
static bool is_curve_by_name(const EVP_PKEY *key)
{
	int is_explicit = 1;

	return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				      &is_explicit) == 1 &&
	       !is_explicit;
}

/* On these curves (cofactor 1) the quick check says all: on the curve, and not at infinity. */
static bool is_point_on_curve(const EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new((EVP_PKEY *)key, NULL);
	bool ok = ctx && EVP_PKEY_public_check_quick(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int check_ec(const EVP_PKEY *key, struct certs_error *ret_error)
{
	const struct curve *curve = find_curve(key);

	if (!curve || !curve->is_allowed)
		return certs_fail(ret_error, -EKEYREJECTED,
				  "the key is on the curve %s: allowed are P-256 and P-384",
				  curve ? curve->text : "of another kind");
	if (!is_curve_by_name(key))
		return certs_fail(ret_error, -EKEYREJECTED,
				  "the key describes its curve: it has to name it");
	if (!is_point_on_curve(key))
		return certs_fail(ret_error, -EKEYREJECTED, "the key is no point of its curve");
	return 0;
}

static int check_rsa_numbers(const BIGNUM *n, const BIGNUM *e, struct certs_error *ret_error)
{
	if (!BN_is_odd(n))
		return certs_fail(ret_error, -EKEYREJECTED, "the RSA modulus is even");
	if (!BN_is_odd(e) || BN_num_bits(e) > RSA_EXPONENT_BITS_MAX ||
	    BN_get_word(e) < RSA_EXPONENT_MIN)
		return certs_fail(ret_error, -EKEYREJECTED,
				  "the RSA exponent is not an odd number from %d to 2^%d",
				  RSA_EXPONENT_MIN, RSA_EXPONENT_BITS_MAX);
	return 0;
}

static int check_rsa(const EVP_PKEY *key, struct certs_error *ret_error)
{
	int bits = EVP_PKEY_get_bits(key);
	BIGNUM *n = NULL, *e = NULL;
	int err;

	if (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX)
		return certs_fail(ret_error, -EKEYREJECTED,
				  "the RSA key has %d bits: allowed are %d to %d", bits,
				  KEY_RSA_BITS_MIN, KEY_RSA_BITS_MAX);
	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1)
		err = check_rsa_numbers(n, e, ret_error);
	else
		err = certs_fail(ret_error, -EKEYREJECTED, "the RSA key cannot be read");
	BN_free(n);
	BN_free(e);
	return err;
}

int key_check(const EVP_PKEY *key, struct certs_error *ret_error)
{
	char text[32];
	int err;

	ERR_set_mark();
	if (EVP_PKEY_is_a(key, "EC"))
		err = check_ec(key, ret_error);
	else if (EVP_PKEY_is_a(key, "RSA"))
		err = check_rsa(key, ret_error);
	else
		err = certs_fail(ret_error, -EKEYREJECTED,
				 "the key is %s: allowed are EC on P-256 or P-384, and RSA",
				 key_text(key, text, sizeof(text)));
	ERR_pop_to_mark();
	return err;
}

const char *key_text(const EVP_PKEY *key, char *ret_text, size_t size)
{
	const char *type = EVP_PKEY_get0_type_name(key);
	const struct curve *curve;

	ERR_set_mark();
	curve = EVP_PKEY_is_a(key, "EC") ? find_curve(key) : NULL;
	ERR_pop_to_mark();
	if (curve)
		snprintf(ret_text, size, "EC %s", curve->text);
	else if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		snprintf(ret_text, size, "Ed%s", type + 2);
	else
		snprintf(ret_text, size, "%s %d", type ? type : "unknown", EVP_PKEY_get_bits(key));
	return ret_text;
}

int key_to_pem(const EVP_PKEY *key, char **ret_pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	char *data;
	long len;

	ERR_set_mark();
	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		len = BIO_get_mem_data(bio, &data);
		pem = strndup(data, (size_t)len);
	}
	ERR_pop_to_mark();
	BIO_free(bio); /* wipes what it held */
	if (!pem)
		return -ENOMEM;
	*ret_pem = pem;
	return 0;
}

static int no_passphrase(char *buf, int size, int for_writing, void *arg)
{
	*(bool *)arg = true;
	return -1;
}

/* Whatever it is, it does not belong there. */
static bool has_more(BIO *bio)
{
	struct pem_block b = {0};
	bool found = pem_read(bio, &b) != 0;

	pem_done(&b);
	return found;
}

static int read_key(BIO *bio, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	bool is_encrypted = false;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &is_encrypted);

	if (!key && is_encrypted)
		return certs_fail(ret_error, -EBADMSG, "the private key is encrypted");
	if (!key)
		return certs_fail(ret_error, -EBADMSG, "no private key in PEM");
	if (has_more(bio)) {
		EVP_PKEY_free(key);
		return certs_fail(ret_error, -EBADMSG, "something follows the private key");
	}
	*ret_key = key;
	return 0;
}

int key_from_pem(const char *pem, size_t len, EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	BIO *bio;
	int err;

	if (len > KEY_PEM_MAX)
		return certs_fail(ret_error, -EMSGSIZE, "a private key is at most %d bytes",
				  KEY_PEM_MAX);
	bio = BIO_new_mem_buf(pem, (int)len);
	if (!bio)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	ERR_set_mark();
	err = read_key(bio, ret_key, ret_error);
	ERR_pop_to_mark();
	BIO_free(bio);
	return err;
}

void key_pem_free(char *pem)
{
	if (pem)
		OPENSSL_cleanse(pem, strlen(pem));
	free(pem);
}
