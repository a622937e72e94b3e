/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/issue.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/cert.h"
#include "certs/key.h"
#include "certs/name.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

static const char *const names[] = {"gateway.example", "192.0.2.1", "2001:db8::1", "gw"};
static struct issuer root;

static X509 *new_root(EVP_PKEY *key, int64_t now)
{
	uint8_t serial[ISSUE_SERIAL_SIZE];
	X509 *cert = NULL;

	assert_int_equal(issue_serial(serial), 0);
	assert_int_equal(issue_root("test root 1", key, serial, now, &cert, NULL), 0);
	return cert;
}

static int set_up(void **state)
{
	assert_int_equal(key_new(&root.key, NULL), 0);
	root.cert = new_root(root.key, MINT_NOW);
	return 0;
}

static int tear_down(void **state)
{
	X509_free(root.cert);
	EVP_PKEY_free(root.key);
	return 0;
}

static X509 *new_server(EVP_PKEY *key, int64_t now)
{
	uint8_t serial[ISSUE_SERIAL_SIZE];
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(issue_serial(serial), 0);
	if (issue_server(&root, names, 4, key, serial, now, &cert, &error) != 0)
		fail_msg("%s", error.text);
	return cert;
}

static X509 *new_client(EVP_PKEY *key, int64_t now)
{
	uint8_t serial[ISSUE_SERIAL_SIZE];
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(issue_serial(serial), 0);
	if (issue_client(&root, "shop", key, serial, now, &cert, &error) != 0)
		fail_msg("%s", error.text);
	return cert;
}

/* The extension as openssl x509 -text prints it, with "critical " in front when it is. */
static void assert_extension(X509 *cert, int nid, const char *expected)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);
	X509_EXTENSION *extension = at >= 0 ? X509_get_ext(cert, at) : NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char text[512], *data;
	long len;

	if (!extension) {
		assert_string_equal(expected, "none");
		BIO_free(bio);
		return;
	}
	X509V3_EXT_print(bio, extension, 0, 0);
	len = BIO_get_mem_data(bio, &data);
	snprintf(text, sizeof(text), "%s%.*s",
		 X509_EXTENSION_get_critical(extension) ? "critical " : "", (int)len, data);
	assert_string_equal(text, expected);
	BIO_free(bio);
}

/* Its authority key identifier is the issuer's subject key identifier. */
static void assert_identifiers(X509 *cert, X509 *issuer)
{
	assert_non_null(X509_get0_subject_key_id(cert));
	assert_non_null(X509_get0_authority_key_id(cert));
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert),
					       X509_get0_subject_key_id(issuer)),
			 0);
}

static void a_root_may_sign_leaves_and_nothing_else(void **state)
{
	struct cert_facts f;

	assert_int_equal(cert_facts(root.cert, &f, NULL), 0);
	assert_string_equal(f.subject, "CN=test root 1");
	assert_string_equal(f.issuer, f.subject);
	assert_string_equal(f.key, "EC P-256");
	assert_extension(root.cert, NID_basic_constraints, "critical CA:TRUE, pathlen:0");
	assert_extension(root.cert, NID_key_usage, "critical Certificate Sign, CRL Sign");
	assert_extension(root.cert, NID_ext_key_usage, "none");
	assert_identifiers(root.cert, root.cert);
	mint_assert_dates(root.cert, MINT_NOW - 3600, mint_time(2046, 11, 23, 11, 0, 0));
}

static void a_server_has_its_names_and_serverauth(void **state)
{
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert = new_server(key, MINT_NOW);
	struct cert_facts f;

	assert_int_equal(cert_facts(cert, &f, NULL), 0);
	assert_string_equal(f.subject, "CN=gateway.example");
	assert_extension(cert, NID_basic_constraints, "critical CA:FALSE");
	assert_extension(cert, NID_key_usage, "critical Digital Signature");
	assert_extension(cert, NID_ext_key_usage, "TLS Web Server Authentication");
	assert_extension(
		cert, NID_subject_alt_name,
		"DNS:gateway.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, "
		"DNS:gw");
	assert_identifiers(cert, root.cert);
	mint_assert_dates(cert, MINT_NOW - 3600, mint_time(2028, 11, 23, 11, 0, 0));
	assert_int_equal(X509_check_host(cert, "gateway.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(cert, "2001:db8::1", 0), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void an_rsa_server_may_encipher_keys(void **state)
{
	EVP_PKEY *key = mint_key(MINT_RSA_2048);
	X509 *cert = new_server(key, MINT_NOW);

	assert_extension(cert, NID_key_usage, "critical Digital Signature, Key Encipherment");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void a_client_has_its_name_twice_and_clientauth(void **state)
{
	EVP_PKEY *key = mint_key(MINT_RSA_2048);
	X509 *cert = new_client(key, MINT_NOW);
	char name[NAME_MAX_BYTES];
	struct cert_facts f;

	assert_int_equal(cert_facts(cert, &f, NULL), 0);
	assert_string_equal(f.subject, "CN=shop");
	assert_string_equal(f.issuer, "CN=test root 1");
	assert_string_equal(f.key, "RSA 2048");
	assert_extension(cert, NID_basic_constraints, "critical CA:FALSE");
	assert_extension(cert, NID_key_usage, "critical Digital Signature");
	assert_extension(cert, NID_ext_key_usage, "TLS Web Client Authentication");
	assert_extension(cert, NID_subject_alt_name, "othername: UPN::shop");
	assert_identifiers(cert, root.cert);
	assert_int_equal(name_of_client(cert, name, NULL), 0);
	assert_string_equal(name, "shop");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void B43_client_certificate_lives_eight_years(void **state)
{
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert = new_client(key, MINT_NOW);

	mint_assert_dates(cert, mint_time(2026, 11, 23, 12, 0, 0),
			  mint_time(2034, 11, 23, 12, 0, 0));
	X509_free(cert);
	cert = new_client(key, mint_time(2028, 2, 29, 1, 2, 3));
	mint_assert_dates(cert, mint_time(2028, 2, 29, 1, 2, 3), mint_time(2036, 2, 29, 1, 2, 3));
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void eight_years_from_a_leap_day_can_end_on_the_28th(void **state)
{
	struct issuer later = {.key = root.key};
	uint8_t serial[ISSUE_SERIAL_SIZE] = {0x40, 1};
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert = NULL;

	later.cert = new_root(root.key, mint_time(2092, 1, 1, 0, 0, 0));
	assert_int_equal(issue_client(&later, "shop", key, serial, mint_time(2092, 2, 29, 1, 2, 3),
				      &cert, NULL),
			 0);
	mint_assert_dates(cert, mint_time(2092, 2, 29, 1, 2, 3), mint_time(2100, 2, 28, 1, 2, 3));
	X509_free(cert);
	X509_free(later.cert);
	EVP_PKEY_free(key);
}

static void nothing_outlives_its_root(void **state)
{
	int64_t end = mint_time(2046, 11, 23, 11, 0, 0), last = mint_time(2038, 11, 23, 11, 0, 0);
	uint8_t serial[ISSUE_SERIAL_SIZE] = {0x40, 1};
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert = new_client(key, last);

	mint_assert_dates(cert, last, end);
	X509_free(cert);
	cert = NULL;
	assert_int_equal(issue_client(&root, "shop", key, serial, last + 1, &cert, &error),
			 -EKEYEXPIRED);
	assert_string_equal(error.text, "the root ends on 2046-11-23T11:00:00Z, before the "
					"certificate would: make a new root first");
	assert_null(cert);
	cert = new_server(key, end - 86400);
	mint_assert_dates(cert, end - 86400 - 3600, end);
	X509_free(cert);
	cert = new_server(key, MINT_NOW - 3000);
	mint_assert_dates(cert, MINT_NOW - 3600, mint_time(2028, 11, 23, 11, 0, 0));
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void a_root_that_is_not_in_force_signs_nothing(void **state)
{
	int64_t end = mint_time(2046, 11, 23, 11, 0, 0);
	uint8_t serial[ISSUE_SERIAL_SIZE] = {0x40, 1};
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(issue_server(&root, names, 4, key, serial, MINT_NOW - 3601, &cert, &error),
			 -EKEYEXPIRED);
	assert_string_equal(error.text, "the root is not in force before 2026-11-23T11:00:00Z");
	assert_int_equal(issue_server(&root, names, 4, key, serial, end + 1, &cert, NULL),
			 -EKEYEXPIRED);
	assert_int_equal(issue_client(&root, "shop", key, serial, MINT_NOW - 3601, &cert, NULL),
			 -EKEYEXPIRED);
	assert_null(cert);
	EVP_PKEY_free(key);
}

static void assert_no_server(const char *const *hosts, size_t n, const char *sentence)
{
	uint8_t serial[ISSUE_SERIAL_SIZE] = {0x40, 1};
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(issue_server(&root, hosts, n, key, serial, MINT_NOW, &cert, &error),
			 -EINVAL);
	assert_string_equal(error.text, sentence);
	assert_null(cert);
	EVP_PKEY_free(key);
}

static void names_of_a_server_are_checked(void **state)
{
	const char *many[ISSUE_NAMES_MAX + 1];

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = "a";
	assert_no_server(NULL, 0, "a gateway has 1 to 32 names, and here are 0");
	assert_no_server(many, ISSUE_NAMES_MAX + 1, "a gateway has 1 to 32 names, and here are 33");
	assert_no_server((const char *const[]){"*.example"}, 1,
			 "'*.example' is neither a DNS name nor an address");
	assert_no_server((const char *const[]){"a,DNS:b"}, 1,
			 "'a,DNS:b' is neither a DNS name nor an address");
	assert_no_server((const char *const[]){"a.example", "A.example"}, 2,
			 "'A.example' stands twice");
}

static void a_server_with_only_long_names_has_an_empty_subject(void **state)
{
	static const char host[] =
		"a-name-that-is-longer.than-the-sixty-four-bytes-of-a-common-name.example";
	const char *hosts[] = {host, NULL};
	uint8_t serial[ISSUE_SERIAL_SIZE] = {0x40, 1};
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert;

	assert_int_equal(issue_server(&root, hosts, 1, key, serial, MINT_NOW, &cert, NULL), 0);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
	assert_extension(cert, NID_subject_alt_name,
			 "critical DNS:a-name-that-is-longer.than-the-sixty-four-bytes-of-a-common-"
			 "name.example");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void what_cannot_be_certified_is_refused(void **state)
{
	uint8_t serial[ISSUE_SERIAL_SIZE] = {0x40, 1};
	EVP_PKEY *weak = mint_key(MINT_RSA_1024), *key = mint_key(MINT_P256);
	struct certs_error error;
	char name[66] = "";
	X509 *cert = NULL;

	assert_int_equal(issue_client(&root, "shop", weak, serial, MINT_NOW, &cert, NULL),
			 -EKEYREJECTED);
	assert_int_equal(issue_server(&root, names, 4, weak, serial, MINT_NOW, &cert, NULL),
			 -EKEYREJECTED);
	assert_int_equal(issue_client(&root, "a shop", key, serial, MINT_NOW, &cert, &error),
			 -EINVAL);
	assert_string_equal(error.text, "'a shop' is no name for an app");
	assert_int_equal(issue_root("", key, serial, MINT_NOW, &cert, NULL), -EINVAL);
	memset(name, 'a', 65);
	assert_int_equal(issue_root(name, key, serial, MINT_NOW, &cert, &error), -EINVAL);
	assert_string_equal(error.text, "the name of a root has 1 to 64 bytes");
	assert_null(cert);
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(key);
}

static void serials_are_20_bytes_and_positive(void **state)
{
	uint8_t serials[100][ISSUE_SERIAL_SIZE];
	struct cert_facts f;

	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(issue_serial(serials[i]), 0);
		assert_in_range(serials[i][0], 0x40, 0x7f);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(serials[i], serials[k], ISSUE_SERIAL_SIZE);
	}
	assert_int_equal(cert_facts(root.cert, &f, NULL), 0);
	assert_int_equal(strlen(f.serial), 2 * ISSUE_SERIAL_SIZE);
}

static void write_pem(const char *folder, const char *name, X509 *cert)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
}

static void assert_openssl(const char *folder, const char *purpose, const char *name, bool accepts)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "cd %s && openssl verify -x509_strict -policy_check -check_ss_sig -purpose %s "
		 "-attime %lld -CAfile root.pem %s >out 2>&1",
		 folder, purpose, (long long)MINT_NOW, name);
	if ((system(command) == 0) != accepts) {
		snprintf(command, sizeof(command), "cat %s/out", folder);
		fail_msg("%s as %s%s", name, purpose, system(command) ? "" : " (see above)");
	}
}

static void openssl_verify_accepts_each_for_its_purpose_only(void **state)
{
	char folder[] = "/tmp/certs-issue-XXXXXX", command[64];
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *server = new_server(key, MINT_NOW), *client = new_client(key, MINT_NOW);

	assert_non_null(mkdtemp(folder));
	write_pem(folder, "root.pem", root.cert);
	write_pem(folder, "server.pem", server);
	write_pem(folder, "client.pem", client);
	assert_openssl(folder, "sslserver", "server.pem", true);
	assert_openssl(folder, "sslclient", "client.pem", true);
	assert_openssl(folder, "any", "root.pem", true);
	assert_openssl(folder, "sslserver", "client.pem", false);
	assert_openssl(folder, "sslclient", "server.pem", false);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	X509_free(server);
	X509_free(client);
	EVP_PKEY_free(key);
}

static void what_libcrypto_refuses_is_said_in_its_words(void **state)
{
	struct minted above = mint_root("root");
	EVP_PKEY *key = mint_key(MINT_P256);
	/* its signature takes no digest */
	struct issuer issuer = {above.cert, mint_key(MINT_ED25519)};
	uint8_t serial[ISSUE_SERIAL_SIZE];
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(issue_serial(serial), 0);
	assert_int_equal(issue_client(&issuer, "shop", key, serial, MINT_NOW, &cert, &error), -EIO);
	assert_non_null(strstr(error.text, "the certificate cannot be made: "));
	assert_null(strstr(error.text, "out of memory"));
	assert_null(cert);
	EVP_PKEY_free(issuer.key);
	EVP_PKEY_free(key);
	minted_done(&above);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_libcrypto_refuses_is_said_in_its_words),
		cmocka_unit_test(a_root_may_sign_leaves_and_nothing_else),
		cmocka_unit_test(a_server_has_its_names_and_serverauth),
		cmocka_unit_test(an_rsa_server_may_encipher_keys),
		cmocka_unit_test(a_client_has_its_name_twice_and_clientauth),
		cmocka_unit_test(B43_client_certificate_lives_eight_years),
		cmocka_unit_test(eight_years_from_a_leap_day_can_end_on_the_28th),
		cmocka_unit_test(nothing_outlives_its_root),
		cmocka_unit_test(a_root_that_is_not_in_force_signs_nothing),
		cmocka_unit_test(names_of_a_server_are_checked),
		cmocka_unit_test(a_server_with_only_long_names_has_an_empty_subject),
		cmocka_unit_test(what_cannot_be_certified_is_refused),
		cmocka_unit_test(serials_are_20_bytes_and_positive),
		cmocka_unit_test(openssl_verify_accepts_each_for_its_purpose_only),
	};

	return cmocka_run_group_tests_name("issue", tests, set_up, tear_down);
}
