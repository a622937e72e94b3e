/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/cert.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

/* The digest of the DER by hand, as upper-case hex. */
static void digest_text(X509 *cert, const EVP_MD *md, char *ret_text)
{
	unsigned char *der = NULL;
	unsigned char hash[EVP_MAX_MD_SIZE];
	int len = i2d_X509(cert, &der);
	unsigned n = 0;

	EVP_Digest(der, (size_t)len, hash, &n, md, NULL);
	for (unsigned i = 0; i < n; i++)
		sprintf(ret_text + 2 * i, "%02X", hash[i]);
	OPENSSL_free(der);
}

static void facts_are_those_of_the_certificate(void **state)
{
	struct mint spec = {.cn = "shop", .eku = "clientAuth", .key = MINT_P384};
	struct minted m = mint(&spec);
	char expected[EVP_MAX_MD_SIZE * 2 + 1];
	struct cert_facts f;

	X509_NAME_add_entry_by_txt(X509_get_subject_name(m.cert), "O", MBSTRING_UTF8,
				   (const unsigned char *)"Caf\xc3\xa9, Inc\n", -1, -1, 0);
	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), 0x0abcde);
	X509_sign(m.cert, m.key, EVP_sha256());
	assert_int_equal(cert_facts(m.cert, &f, NULL), 0);
	digest_text(m.cert, EVP_sha1(), expected);
	assert_string_equal(f.thumbprint, expected);
	digest_text(m.cert, EVP_sha256(), expected);
	assert_string_equal(f.fingerprint, expected);
	assert_string_equal(f.serial, "0ABCDE");
	assert_string_equal(f.subject, "CN=shop, O=Caf\\C3\\A9\\, Inc\\0A");
	assert_string_equal(f.issuer, "CN=shop");
	assert_string_equal(f.key, "EC P-384");
	assert_int_equal(f.not_before, MINT_NOW - 3600);
	assert_false(f.is_ca);
	minted_done(&m);
}

static void dates_behind_2049_are_read(void **state)
{
	struct mint spec = {.cn = "root",
			    .constraints = "critical,CA:TRUE",
			    .from = mint_time(2049, 12, 31, 23, 59, 59),
			    .to = mint_time(2150, 2, 28, 1, 2, 3)};
	struct minted m = mint(&spec);
	struct cert_facts f;

	assert_int_equal(cert_facts(m.cert, &f, NULL), 0);
	assert_int_equal(f.not_before, spec.from);
	assert_int_equal(f.not_after, spec.to);
	assert_true(f.is_ca);
	minted_done(&m);
}

static void a_serial_that_is_too_long_is_refused(void **state)
{
	struct mint spec = {.cn = "shop"};
	struct minted m = mint(&spec);
	struct certs_error error;
	struct cert_facts f;
	BIGNUM *number = NULL;

	BN_hex2bn(&number, "FF00112233445566778899AABBCCDDEEFF001122");
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(m.cert));
	assert_int_equal(cert_facts(m.cert, &f, NULL), 0);
	assert_string_equal(f.serial, "FF00112233445566778899AABBCCDDEEFF001122");
	BN_lshift(number, number, 8);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(m.cert));
	assert_int_equal(cert_facts(m.cert, &f, &error), -EBADMSG);
	assert_string_equal(error.text, "the serial number is longer than 20 bytes");
	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), -2);
	assert_int_equal(cert_facts(m.cert, &f, NULL), 0);
	assert_string_equal(f.serial, "-02");
	BN_free(number);
	minted_done(&m);
}

static void a_subject_that_is_too_long_is_cut(void **state)
{
	struct minted m = mint_root("root");
	struct cert_facts f;

	for (int i = 0; i < 40; i++)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(m.cert), "OU", MBSTRING_UTF8,
					   (const unsigned char *)"a department of some name", -1,
					   -1, 0);
	X509_sign(m.cert, m.key, EVP_sha256());
	assert_int_equal(cert_facts(m.cert, &f, NULL), 0);
	assert_int_equal(strlen(f.subject), CERT_SUBJECT_MAX - 1);
	minted_done(&m);
}

static void a_date_that_is_none_is_refused(void **state)
{
	struct minted m = mint_root("root");
	int64_t from = 1, to = 2;
	struct cert_facts f;

	ASN1_STRING_set(X509_getm_notAfter(m.cert), "991332000000Z", -1);
	assert_int_equal(cert_lifetime(m.cert, &from, &to), -EBADMSG);
	assert_int_equal(cert_facts(m.cert, &f, NULL), -EBADMSG);
	assert_int_equal(from, 1);
	assert_int_equal(to, 2);
	assert_int_equal(ERR_peek_error(), 0);
	minted_done(&m);
}

static void assert_thumbprint(const char *text)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(cert_thumbprint_parse(text, thumbprint), 0);
	assert_string_equal(thumbprint, "00112233445566778899AABBCCDDEEFF00112233");
}

static void a_thumbprint_is_taken_as_people_paste_it(void **state)
{
	assert_thumbprint("00112233445566778899AABBCCDDEEFF00112233");
	assert_thumbprint("00112233445566778899aabbccddeeff00112233");
	assert_thumbprint("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33");
	assert_thumbprint(" 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 00 11\t22 33 ");
	assert_thumbprint("\xe2\x80\x8e"
			  "00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 00 11 22 33");
}

static void what_is_no_thumbprint_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"00112233445566778899AABBCCDDEEFF0011223",
		"00112233445566778899AABBCCDDEEFF001122333",
		"00112233445566778899AABBCCDDEEFF0011223G",
		"0x112233445566778899AABBCCDDEEFF00112233",
		"00112233445566778899AABBCCDDEEFF00112233\n",
		"00112233445566778899AABBCCDDEEFF00112233\xe2\x80\x8e",
	};
	char thumbprint[CERT_THUMBPRINT_MAX] = "before";

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (cert_thumbprint_parse(bad[i], thumbprint) != -EINVAL)
			fail_msg("not refused: %s", bad[i]);
	}
	assert_string_equal(thumbprint, "before");
}

static void a_fingerprint_reads_back(void **state)
{
	struct minted m = mint_root("root");
	uint8_t fingerprint[CERT_FINGERPRINT_SIZE], back[CERT_FINGERPRINT_SIZE];
	char text[CERT_FINGERPRINT_MAX];
	struct cert_facts f;

	assert_int_equal(cert_fingerprint(m.cert, fingerprint), 0);
	cert_fingerprint_text(fingerprint, text);
	assert_int_equal(cert_facts(m.cert, &f, NULL), 0);
	assert_string_equal(text, f.fingerprint);
	assert_int_equal(cert_fingerprint_parse(text, back), 0);
	assert_memory_equal(back, fingerprint, sizeof(back));
	text[0] = 'x';
	assert_int_equal(cert_fingerprint_parse(text, back), -EINVAL);
	minted_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_those_of_the_certificate),
		cmocka_unit_test(dates_behind_2049_are_read),
		cmocka_unit_test(a_serial_that_is_too_long_is_refused),
		cmocka_unit_test(a_subject_that_is_too_long_is_cut),
		cmocka_unit_test(a_date_that_is_none_is_refused),
		cmocka_unit_test(a_thumbprint_is_taken_as_people_paste_it),
		cmocka_unit_test(what_is_no_thumbprint_is_refused),
		cmocka_unit_test(a_fingerprint_reads_back),
	};

	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
