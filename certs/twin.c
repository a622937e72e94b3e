/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/twin.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdbool.h>

enum {
	SIGNATURE_MAX = 160, /* bytes of DER: two numbers of 521 bits and their heads */
};

/* Replaces s by n - s. */
static bool turn(ECDSA_SIG *signature, const BIGNUM *order)
{
	BIGNUM *r = BN_dup(ECDSA_SIG_get0_r(signature));
	BIGNUM *s = BN_new();

	if (r && s && BN_sub(s, order, ECDSA_SIG_get0_s(signature)) == 1 &&
	    ECDSA_SIG_set0(signature, r, s) == 1)
		return true;
	BN_free(r);
	BN_free(s);
	return false;
}

static int encode(const ECDSA_SIG *signature, unsigned char ret_der[SIGNATURE_MAX])
{
	unsigned char *pos = ret_der;
	int len = i2d_ECDSA_SIG(signature, NULL);

	return len > 0 && len <= SIGNATURE_MAX ? i2d_ECDSA_SIG(signature, &pos) : -1;
}

static int turned_signature(const X509 *cert, const BIGNUM *order,
			    unsigned char ret_der[SIGNATURE_MAX])
{
	const ASN1_BIT_STRING *bits;
	const unsigned char *pos;
	ECDSA_SIG *signature;
	int len = -1;

	X509_get0_signature(&bits, NULL, cert);
	pos = ASN1_STRING_get0_data(bits);
	signature = d2i_ECDSA_SIG(NULL, &pos, ASN1_STRING_length(bits));
	if (signature && turn(signature, order))
		len = encode(signature, ret_der);
	ECDSA_SIG_free(signature);
	return len;
}

static int with_signature(const X509 *cert, const unsigned char *der, int len, X509 **ret_twin)
{
	const ASN1_BIT_STRING *bits;
	X509 *twin = X509_dup(cert);

	if (!twin)
		return -ENOMEM;
	/* the copy is ours, and libcrypto has no setter */
	X509_get0_signature(&bits, NULL, twin);
	if (ASN1_STRING_set((ASN1_BIT_STRING *)bits, der, len) != 1) {
		X509_free(twin);
		return -ENOMEM;
	}
	*ret_twin = twin;
	return 0;
}

static int make(const X509 *cert, const EVP_PKEY *issuer_key, X509 **ret_twin)
{
	unsigned char der[SIGNATURE_MAX];
	BIGNUM *order = NULL;
	int len;

	if (EVP_PKEY_get_bn_param(issuer_key, OSSL_PKEY_PARAM_EC_ORDER, &order) != 1)
		return -ENOMEM;
	len = turned_signature(cert, order, der);
	BN_free(order);
	return len > 0 ? with_signature(cert, der, len, ret_twin) : -EBADMSG;
}

int twin_of(const X509 *cert, const EVP_PKEY *issuer_key, X509 **ret_twin)
{
	int err;

	if (!EVP_PKEY_is_a(issuer_key, "EC"))
		return -ENOENT;
	ERR_set_mark();
	err = make(cert, issuer_key, ret_twin);
	ERR_pop_to_mark();
	return err;
}
