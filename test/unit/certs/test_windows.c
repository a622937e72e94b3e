/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/windows.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "test/support/certparts.h"
#include "test/support/cmocka.h"
#include "test/support/testcert.h"

#define URL "http://crl.test/ca.crl"

static struct testcert *authority(void)
{
	return testcert_new(&(struct testcert_spec){.common_name = "root", .is_ca = true});
}

/* trusted: NULL: none. */
static void judge_with(struct testcert *leaf, struct testcert *between, struct testcert *trusted,
		       const char *name, struct windows_finding *found)
{
	X509_STORE *roots = X509_STORE_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	const struct windows_facts facts = {
		.chain = chain, .name = name, .now = time(NULL), .roots = roots};

	sk_X509_push(chain, leaf->cert);
	if (between)
		sk_X509_push(chain, between->cert);
	if (trusted)
		X509_STORE_add_cert(roots, trusted->cert);
	memset(found, 0xff, sizeof(*found) * WINDOWS_CHECKS);
	windows_judge(&facts, found);
	sk_X509_free(chain);
	X509_STORE_free(roots);
}

/* A leaf of this kind below a root that is trusted. */
static void judge(struct testcert_spec spec, const char *name, struct windows_finding *found)
{
	struct testcert *ca = authority();
	struct testcert *leaf;

	spec.issuer = ca;
	leaf = testcert_new(&spec);
	judge_with(leaf, NULL, ca, name, found);
	testcert_free(leaf);
	testcert_free(ca);
}

static void check(const struct windows_finding *f, enum windows_verdict verdict, uint32_t code,
		  const char *text)
{
	if (!strstr(f->text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, f->text);
	assert_int_equal(f->verdict, verdict);
	assert_int_equal(f->code, code);
	assert_true((f->advice != NULL) == (verdict != WINDOWS_GOOD));
}

static void good_certificate_is_good_in_all_but_revocation(void **state)
{
	struct windows_finding f[WINDOWS_CHECKS];

	judge((struct testcert_spec){.san = "DNS:gw.test", .eku = "serverAuth"}, "gw.test", f);
	check(&f[WINDOWS_CHAIN], WINDOWS_GOOD, 0, "ends in the trusted root CN=root");
	check(&f[WINDOWS_TIME], WINDOWS_GOOD, 0, "valid until 2");
	check(&f[WINDOWS_NAME], WINDOWS_GOOD, 0, "gw.test is in subjectAltName");
	check(&f[WINDOWS_USAGE], WINDOWS_GOOD, 0, "server authentication");
	check(&f[WINDOWS_KEY], WINDOWS_GOOD, 0, "EC P-256");
	check(&f[WINDOWS_REVOCATION], WINDOWS_NOTE, WINDOWS_E_NO_REVOCATION_CHECK, "names no CRL");
}

static void time_is_judged_of_every_certificate(void **state)
{
	struct windows_finding f[WINDOWS_CHECKS];
	struct testcert *ca = authority(), *between, *leaf;

	judge((struct testcert_spec){.not_before_s = -7200, .not_after_s = -60}, "test", f);
	check(&f[WINDOWS_TIME], WINDOWS_BAD, WINDOWS_E_EXPIRED, "CN=test expired at 2");
	check(&f[WINDOWS_CHAIN], WINDOWS_GOOD, 0, "trusted root");
	judge((struct testcert_spec){.not_before_s = 60, .not_after_s = 7200}, "test", f);
	check(&f[WINDOWS_TIME], WINDOWS_BAD, WINDOWS_E_EXPIRED, "is valid from 2");

	between = testcert_new(&(struct testcert_spec){.common_name = "between",
						       .is_ca = true,
						       .issuer = ca,
						       .not_before_s = -7200,
						       .not_after_s = -60});
	leaf = testcert_new(&(struct testcert_spec){.issuer = between});
	judge_with(leaf, between, ca, "test", f);
	check(&f[WINDOWS_TIME], WINDOWS_BAD, WINDOWS_E_EXPIRED, "CN=between expired");
	testcert_free(leaf);
	testcert_free(between);
	testcert_free(ca);
}

static void names_are_matched_as_windows_does(void **state)
{
	static const struct {
		const char *common_name, *san, *dialled;
		enum windows_verdict verdict;
	} cases[] = {
		{"x", "DNS:gw.test", "GW.test", WINDOWS_GOOD},
		{"x", "DNS:*.a.test", "gw.a.test", WINDOWS_GOOD},
		{"x", "DNS:*.a.test", "b.gw.a.test", WINDOWS_BAD},
		{"x", "DNS:g*.a.test", "gw.a.test", WINDOWS_BAD},
		{"gw.test", "DNS:other.test", "gw.test", WINDOWS_BAD},
		{"gw.test", NULL, "gw.test", WINDOWS_NOTE},
		{"x", NULL, "gw.test", WINDOWS_BAD},
		{"x", "IP:192.0.2.1", "192.0.2.1", WINDOWS_GOOD},
		{"x", "IP:2001:db8::1", "2001:db8::1", WINDOWS_GOOD},
		{"x", "IP:192.0.2.1", "192.0.2.2", WINDOWS_BAD},
		{"192.0.2.1", NULL, "192.0.2.1", WINDOWS_NOTE},
	};
	struct windows_finding f[WINDOWS_CHECKS];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judge((struct testcert_spec){.common_name = cases[i].common_name,
					     .san = cases[i].san},
		      cases[i].dialled, f);
		if (f[WINDOWS_NAME].verdict != cases[i].verdict)
			fail_msg("case %zu: %d, \"%s\"", i, (int)f[WINDOWS_NAME].verdict,
				 f[WINDOWS_NAME].text);
		assert_int_equal(f[WINDOWS_NAME].code,
				 cases[i].verdict == WINDOWS_BAD ? WINDOWS_E_NAME : 0);
	}
	judge((struct testcert_spec){.san = "DNS:a.test,DNS:b.test,IP:192.0.2.1"}, "c.test", f);
	check(&f[WINDOWS_NAME], WINDOWS_BAD, WINDOWS_E_NAME,
	      "is for a.test, b.test, 192.0.2.1, not for");
}

static void usage_has_to_be_server_authentication(void **state)
{
	struct windows_finding f[WINDOWS_CHECKS];

	judge((struct testcert_spec){.eku = "clientAuth,emailProtection"}, "test", f);
	check(&f[WINDOWS_USAGE], WINDOWS_BAD, WINDOWS_E_USAGE, "none is server authentication");
	judge((struct testcert_spec){.eku = "clientAuth,anyExtendedKeyUsage"}, "test", f);
	check(&f[WINDOWS_USAGE], WINDOWS_GOOD, 0, "server authentication");
	judge((struct testcert_spec){0}, "test", f);
	check(&f[WINDOWS_USAGE], WINDOWS_NOTE, 0, "names no extended key usage");
}

static void key_has_to_be_one_of_schannel(void **state)
{
	struct windows_finding f[WINDOWS_CHECKS];

	judge((struct testcert_spec){.key = TESTCERT_RSA}, "test", f);
	check(&f[WINDOWS_KEY], WINDOWS_GOOD, 0, "RSA 2048");
	judge((struct testcert_spec){.key = TESTCERT_ED25519}, "test", f);
	check(&f[WINDOWS_KEY], WINDOWS_BAD, WINDOWS_E_TLS_ALGORITHM, "Ed25519 is no kind");
}

static void chain_ends_in_a_trusted_root_or_says_where_not(void **state)
{
	struct windows_finding f[WINDOWS_CHECKS];
	struct testcert *ca = authority();
	struct testcert *between = testcert_new(
		&(struct testcert_spec){.common_name = "between", .is_ca = true, .issuer = ca});
	struct testcert *leaf = testcert_new(&(struct testcert_spec){.issuer = between});
	struct testcert *alone = testcert_new(&(struct testcert_spec){.common_name = "alone"});

	judge_with(leaf, between, ca, "test", f);
	check(&f[WINDOWS_CHAIN], WINDOWS_GOOD, 0, "CN=root");
	judge_with(leaf, NULL, ca, "test", f);
	check(&f[WINDOWS_CHAIN], WINDOWS_BAD, WINDOWS_E_CHAINING, "the issuer CN=between");
	judge_with(leaf, between, NULL, "test", f);
	check(&f[WINDOWS_CHAIN], WINDOWS_BAD, WINDOWS_E_CHAINING, "the issuer CN=root");
	judge_with(between, ca, NULL, "test", f);
	check(&f[WINDOWS_CHAIN], WINDOWS_BAD, WINDOWS_E_UNTRUSTED_ROOT, "ends in CN=root");
	judge_with(alone, NULL, ca, "test", f);
	check(&f[WINDOWS_CHAIN], WINDOWS_BAD, WINDOWS_E_UNTRUSTED_ROOT, "ends in CN=alone");
	check(&f[WINDOWS_REVOCATION], WINDOWS_GOOD, 0, "its own root");
	testcert_free(alone);
	testcert_free(leaf);
	testcert_free(between);
	testcert_free(ca);
}

static void addresses_are_read_and_those_with_blanks_left_out(void **state)
{
	struct testcert *c = testcert_new(&(struct testcert_spec){0});
	struct windows_urls urls;

	certparts_add_extension(c->cert, c->cert, NID_crl_distribution_points,
				"URI:http://a.test/1,URI:ldap:///cn=x,URI:http://a b.test/");
	certparts_add_extension(
		c->cert, c->cert, NID_info_access,
		"OCSP;URI:http://ocsp.test/,caIssuers;URI:http://ca.test/c,OCSP;DNS:x.test");
	windows_crl_urls(c->cert, &urls);
	assert_int_equal(urls.n, 2);
	assert_string_equal(urls.urls[0], "http://a.test/1");
	assert_string_equal(urls.urls[1], "ldap:///cn=x");
	windows_ocsp_urls(c->cert, &urls);
	assert_int_equal(urls.n, 1);
	assert_string_equal(urls.urls[0], "http://ocsp.test/");
	windows_issuer_urls(c->cert, &urls);
	assert_int_equal(urls.n, 1);
	assert_string_equal(urls.urls[0], "http://ca.test/c");
	testcert_free(c);
}

/* A list of ca's that ends in so many seconds, with revoked on it (NULL: nobody). Returns owned DER. */
static unsigned char *make_list(const struct testcert *ca, long ends_s, X509 *revoked, int *ret_len)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *at = ASN1_TIME_adj(NULL, time(NULL), 0, -3600);
	unsigned char *der = NULL;

	certparts_must(crl && at &&
			       X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) &&
			       X509_CRL_set1_lastUpdate(crl, at) &&
			       ASN1_TIME_adj(at, time(NULL), 0, ends_s) &&
			       X509_CRL_set1_nextUpdate(crl, at),
		       "make a list");
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();

		certparts_must(entry &&
				       X509_REVOKED_set_serialNumber(
					       entry, X509_get_serialNumber(revoked)) &&
				       X509_REVOKED_set_revocationDate(entry, at) &&
				       X509_CRL_add0_revoked(crl, entry),
			       "revoke");
	}
	certparts_must(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0, "sign a list");
	*ret_len = i2d_X509_CRL(crl, &der);
	ASN1_TIME_free(at);
	X509_CRL_free(crl);
	return der;
}

static void check_list(const struct testcert *by, X509 *cert, const X509 *issuer, long ends_s,
		       X509 *revoked, enum windows_verdict verdict, uint32_t code)
{
	struct windows_finding f;
	int len;
	unsigned char *der = make_list(by, ends_s, revoked, &len);

	windows_judge_crl(cert, issuer, URL, der, (size_t)len, time(NULL), &f);
	check(&f, verdict, code, URL);
	OPENSSL_free(der);
}

static void list_is_of_the_issuer_in_force_and_without_the_certificate(void **state)
{
	struct testcert *ca = authority(), *other = authority();
	struct testcert *stranger =
		testcert_new(&(struct testcert_spec){.common_name = "s", .is_ca = true});
	struct testcert *leaf = testcert_new(&(struct testcert_spec){.issuer = ca});
	struct windows_finding f;

	check_list(ca, leaf->cert, ca->cert, 3600, NULL, WINDOWS_GOOD, 0);
	check_list(ca, leaf->cert, ca->cert, 3600, ca->cert, WINDOWS_GOOD, 0);
	check_list(ca, leaf->cert, NULL, 3600, leaf->cert, WINDOWS_BAD, WINDOWS_E_REVOKED);
	check_list(ca, leaf->cert, ca->cert, -60, NULL, WINDOWS_BAD, WINDOWS_E_REVOCATION_OFFLINE);
	check_list(stranger, leaf->cert, NULL, 3600, NULL, WINDOWS_BAD,
		   WINDOWS_E_REVOCATION_OFFLINE);
	check_list(other, leaf->cert, ca->cert, 3600, NULL, WINDOWS_BAD,
		   WINDOWS_E_REVOCATION_OFFLINE);
	windows_judge_crl(leaf->cert, NULL, URL, (const uint8_t *)"<html>", 6, time(NULL), &f);
	check(&f, WINDOWS_BAD, WINDOWS_E_REVOCATION_OFFLINE, "gives no list in DER");
	windows_judge_crl(leaf->cert, NULL, URL, NULL, 0, time(NULL), &f);
	check(&f, WINDOWS_BAD, WINDOWS_E_REVOCATION_OFFLINE, "gives no list in DER");
	testcert_free(leaf);
	testcert_free(stranger);
	testcert_free(other);
	testcert_free(ca);
}

static void codes_and_checks_have_names(void **state)
{
	char name[16];

	assert_string_equal(windows_code_name(WINDOWS_E_NAME, name), "0x800B010F");
	assert_string_equal(windows_code_name(WINDOWS_RAS_NO_NAME, name), "868");
	assert_non_null(strstr(windows_code_text(WINDOWS_E_REVOCATION_OFFLINE), "offline"));
	assert_string_equal(windows_code_text(1), "");
	assert_string_equal(windows_check_name(WINDOWS_CHAIN), "chain");
	assert_string_equal(windows_check_name(WINDOWS_REVOCATION), "revocation");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_certificate_is_good_in_all_but_revocation),
		cmocka_unit_test(time_is_judged_of_every_certificate),
		cmocka_unit_test(names_are_matched_as_windows_does),
		cmocka_unit_test(usage_has_to_be_server_authentication),
		cmocka_unit_test(key_has_to_be_one_of_schannel),
		cmocka_unit_test(chain_ends_in_a_trusted_root_or_says_where_not),
		cmocka_unit_test(addresses_are_read_and_those_with_blanks_left_out),
		cmocka_unit_test(list_is_of_the_issuer_in_force_and_without_the_certificate),
		cmocka_unit_test(codes_and_checks_have_names),
	};

	return cmocka_run_group_tests_name("certs/windows", tests, NULL, NULL);
}
