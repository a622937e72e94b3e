/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/twin.h"

#include <errno.h>
#include <openssl/err.h>

#include "certs/cert.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

static struct minted signed_by(enum mint_key kind, struct minted *ret_root)
{
	struct mint spec = {.cn = "root", .constraints = "critical,CA:TRUE", .key = kind};

	*ret_root = mint(&spec);
	return mint_client(ret_root, "shop");
}

static void assert_twin_is_as_good(enum mint_key kind)
{
	char a[CERT_THUMBPRINT_MAX], b[CERT_THUMBPRINT_MAX];
	struct minted root, client = signed_by(kind, &root);
	X509 *twin, *back;

	assert_int_equal(twin_of(client.cert, root.key, &twin), 0);
	assert_int_equal(X509_verify(twin, root.key), 1);
	assert_int_equal(cert_thumbprint(client.cert, a), 0);
	assert_int_equal(cert_thumbprint(twin, b), 0);
	assert_string_not_equal(a, b);
	/* and the twin's twin is the certificate */
	assert_int_equal(twin_of(twin, root.key, &back), 0);
	assert_int_equal(cert_thumbprint(back, b), 0);
	assert_string_equal(a, b);
	X509_free(twin);
	X509_free(back);
	minted_done(&client);
	minted_done(&root);
}

static void an_ecdsa_signature_has_a_twin_that_verifies(void **state)
{
	assert_twin_is_as_good(MINT_P256);
	assert_twin_is_as_good(MINT_P384);
	assert_twin_is_as_good(MINT_P521);
}

static void other_signatures_have_none(void **state)
{
	struct minted root, client = signed_by(MINT_RSA_2048, &root);
	X509 *twin = NULL;

	assert_int_equal(twin_of(client.cert, root.key, &twin), -ENOENT);
	minted_done(&client);
	minted_done(&root);
	client = signed_by(MINT_ED25519, &root);
	assert_int_equal(twin_of(client.cert, root.key, &twin), -ENOENT);
	assert_null(twin);
	minted_done(&client);
	minted_done(&root);
}

static void a_signature_that_is_none_has_none(void **state)
{
	struct minted root, client = signed_by(MINT_P256, &root);
	const ASN1_BIT_STRING *bits;
	X509 *twin = NULL;

	X509_get0_signature(&bits, NULL, client.cert);
	ASN1_STRING_set((ASN1_BIT_STRING *)bits, "junk", 4);
	assert_int_equal(twin_of(client.cert, root.key, &twin), -EBADMSG);
	assert_null(twin);
	assert_int_equal(ERR_peek_error(), 0);
	minted_done(&client);
	minted_done(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ecdsa_signature_has_a_twin_that_verifies),
		cmocka_unit_test(other_signatures_have_none),
		cmocka_unit_test(a_signature_that_is_none_has_none),
	};

	return cmocka_run_group_tests_name("twin", tests, NULL, NULL);
}
