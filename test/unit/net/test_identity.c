/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says of itself once it is loaded, from files and from memory. What is refused is in test_tls.c. */
#include "sstp/net/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"

enum {
	PEM_MAX = 16384
};

static struct identity load(const struct testcert *c, int tag)
{
	struct tls_pair pair = {.cert_file = testcert_path("id.pem"),
				.key_file = testcert_path("id.key"),
				.tag = tag};
	struct identity id = {0};
	char error[TLS_ERROR_MAX] = "";

	testcert_write_chain(c, pair.cert_file);
	testcert_write_key(c, pair.key_file);
	assert_int_equal(identity_load(&pair, &id, error), 0);
	assert_string_equal(error, "");
	assert_string_equal(id.label, pair.cert_file);
	return id;
}

/* The names joined by blanks. */
static void has_names(const char *san, const char *expected)
{
	struct testcert *c = testcert_new(&(struct testcert_spec){.san = san});
	struct identity id = load(c, 0);
	char text[512] = "";

	for (size_t i = 0; i < id.n_names; i++) {
		strcat(text, i ? " " : "");
		strcat(text, id.names[i]);
	}
	assert_string_equal(text, expected);
	identity_done(&id);
	testcert_free(c);
}

static void names_are_sorted_in_lower_case_and_once(void **state)
{
	has_names("DNS:b.test,DNS:A.test,DNS:a.TEST", "a.test b.test");
	has_names("DNS:*.Lab.test,DNS:xn--bcher-kva.test", "*.lab.test xn--bcher-kva.test");
	has_names("DNS:gw.test,IP:192.0.2.1,IP:2001:db8::1",
		  "gw.test ip:20010db8000000000000000000000001 ip:c0000201");
	has_names(NULL, "");
}

static void names_that_nobody_can_ask_for_are_left_out(void **state)
{
	has_names("DNS:a.test,DNS:a*.test,DNS:*,DNS:*.*.test,DNS:two words,"
		  "email:x@a.test,URI:https://b.test/,DNS:c.test",
		  "a.test c.test");
}

static void kind_is_that_of_the_key(void **state)
{
	static const struct {
		enum testcert_key key;
		enum identity_kind kind;
		const char *name;
	} cases[] = {
		{TESTCERT_RSA, IDENTITY_RSA, "RSA"},
		{TESTCERT_EC, IDENTITY_ECDSA, "ECDSA"},
		{TESTCERT_ED25519, IDENTITY_ED25519, "Ed25519"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct testcert *c =
			testcert_new(&(struct testcert_spec){.key = cases[i].key, .san = "DNS:a"});
		struct identity id = load(c, 0);

		assert_int_equal(id.kind, cases[i].kind);
		assert_string_equal(identity_kind_name(id.kind), cases[i].name);
		identity_done(&id);
		testcert_free(c);
	}
}

static char *contents(const char *path)
{
	char *text = calloc(1, PEM_MAX);
	FILE *f = fopen(path, "re");

	assert_non_null(text);
	assert_non_null(f);
	assert_in_range(fread(text, 1, PEM_MAX - 1, f), 1, PEM_MAX - 2);
	fclose(f);
	return text;
}

static void pem_in_memory_needs_no_file(void **state)
{
	struct testcert *c = testcert_new(&(struct testcert_spec){.san = "DNS:a.test"});
	const char *cert_path = testcert_path("memory.pem"),
		   *key_path = testcert_path("memory.key");
	struct tls_pair pair = {.cert_file = "made here", .key_file = "its key", .tag = 7};
	char *cert, *key;
	struct identity id;
	char error[TLS_ERROR_MAX] = "";

	testcert_write_chain(c, cert_path);
	testcert_write_key(c, key_path);
	pair.cert_pem = cert = contents(cert_path);
	pair.key_pem = key = contents(key_path);
	assert_int_equal(identity_load(&pair, &id, error), 0);
	assert_string_equal(id.label, "made here");
	assert_int_equal(id.tag, 7);
	assert_int_equal(X509_cmp(id.cert, c->cert), 0);
	identity_done(&id);
	pair.key_pem = "nonsense";
	assert_int_equal(identity_load(&pair, &id, error), -EINVAL);
	assert_string_equal(error, "its key: holds no private key in PEM form "
				   "(\"-----BEGIN PRIVATE KEY-----\")");
	free(cert);
	free(key);
	testcert_free(c);
}

static void copy_says_the_same_and_shares_nothing(void **state)
{
	struct testcert *root =
		testcert_new(&(struct testcert_spec){.common_name = "root", .is_ca = true});
	struct testcert *middle = testcert_new(
		&(struct testcert_spec){.common_name = "middle", .is_ca = true, .issuer = root});
	struct testcert *leaf = testcert_new(
		&(struct testcert_spec){.san = "DNS:b.test,DNS:a.test", .issuer = middle});
	struct identity id = load(leaf, 3), copy;

	assert_int_equal(identity_copy(&id, &copy), 0);
	assert_ptr_not_equal(copy.cert, id.cert);
	assert_ptr_not_equal(copy.key, id.key);
	assert_ptr_not_equal(copy.label, id.label);
	identity_done(&id);
	assert_int_equal(X509_cmp(copy.cert, leaf->cert), 0);
	assert_int_equal(EVP_PKEY_eq(copy.key, leaf->key), 1);
	assert_int_equal(sk_X509_num(copy.chain), 1);
	assert_int_equal(X509_cmp(sk_X509_value(copy.chain, 0), middle->cert), 0);
	assert_int_equal(copy.kind, IDENTITY_ECDSA);
	assert_int_equal(copy.tag, 3);
	assert_int_equal(copy.n_names, 2);
	assert_string_equal(copy.names[1], "b.test");
	identity_done(&copy);
	/* and one that is empty has nothing to lose */
	identity_done(&copy);
	testcert_free(leaf);
	testcert_free(middle);
	testcert_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_sorted_in_lower_case_and_once),
		cmocka_unit_test(names_that_nobody_can_ask_for_are_left_out),
		cmocka_unit_test(kind_is_that_of_the_key),
		cmocka_unit_test(pem_in_memory_needs_no_file),
		cmocka_unit_test(copy_says_the_same_and_shares_nothing),
	};

	return cmocka_run_group_tests_name("net/identity", tests, NULL, NULL);
}
