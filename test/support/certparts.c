/* SPDX-License-Identifier: Apache-2.0 */
#include "test/support/certparts.h"

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

void certparts_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "a test's certificate: cannot %s\n", what);
	abort();
}

void certparts_add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	certparts_must(extension && X509_add_ext(cert, extension, -1), value);
	X509_EXTENSION_free(extension);
}

void certparts_set_serial(X509 *cert)
{
	unsigned char bytes[8];
	BIGNUM *number;

	certparts_must(RAND_bytes(bytes, sizeof(bytes)) == 1, "get random bytes");
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 1);
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	certparts_must(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)),
		       "set the serial");
	BN_free(number);
}
