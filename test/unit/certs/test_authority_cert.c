/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "certs/authority.h"
#include "certs/authority_state.h"
#include "certs/calendar.h"
#include "certs/encoding.h"
#include "certs/issue.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

enum {
	DAY = 86400,
};

static struct authority *a;

static int set_up(void **state)
{
	scene_set_up(state);
	a = scene_open(MINT_NOW);
	return 0;
}

static int tear_down(void **state)
{
	authority_close(a);
	return 0;
}

static void an_issued_certificate_is_shown_with_its_facts(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct authority_cert_info info;
	struct authority_root_info root;
	struct cert_facts facts;
	X509 *cert;
	int index;

	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	index = authority_cert_find(a, thumbprint);
	assert_int_equal(index, 0);
	authority_cert_at(a, 0, MINT_NOW, &info);
	authority_root_at(a, 0, MINT_NOW, &root);
	assert_string_equal(info.app, "shop");
	assert_string_equal(info.vnet, "production");
	assert_string_equal(info.facts.thumbprint, thumbprint);
	assert_string_equal(info.facts.subject, "CN=shop");
	assert_string_equal(info.facts.issuer, root.facts.subject);
	assert_string_equal(info.facts.key, "EC P-256");
	assert_string_equal(info.root, root.name);
	assert_string_equal(info.token, "");
	assert_int_equal(info.status, CERT_VALID);
	assert_int_equal(info.facts.not_after, mint_time(2034, 11, 23, 12, 0, 0));
	assert_int_equal(encoding_from_blob(authority_cert_blob(a, 0), &cert, NULL), 0);
	assert_int_equal(cert_facts(cert, &facts, NULL), 0);
	assert_memory_equal(&facts, &info.facts, sizeof(facts));
	X509_free(cert);
}

static void
B43_B44_a_clients_life_is_eight_years_and_the_last_six_months_are_near_its_end(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	scene_assert_status(a, thumbprint, MINT_NOW - 1, CERT_NOT_YET_VALID);
	scene_assert_status(a, thumbprint, MINT_NOW, CERT_VALID);
	scene_assert_status(a, thumbprint, mint_time(2034, 5, 22, 12, 0, 0), CERT_VALID);
	scene_assert_status(a, thumbprint, mint_time(2034, 5, 23, 12, 0, 0), CERT_VALID);
	scene_assert_status(a, thumbprint, mint_time(2034, 5, 23, 12, 0, 1), CERT_NEAR_EXPIRY);
	scene_assert_status(a, thumbprint, mint_time(2034, 5, 24, 12, 0, 0), CERT_NEAR_EXPIRY);
	scene_assert_status(a, thumbprint, mint_time(2034, 11, 23, 12, 0, 0), CERT_NEAR_EXPIRY);
	scene_assert_status(a, thumbprint, mint_time(2034, 11, 23, 12, 0, 1), CERT_EXPIRED);
}

static void assert_not_issued(const char *app, const char *vnet, enum mint_key kind, int code)
{
	EVP_PKEY *key = mint_key(kind);
	X509 *cert = NULL;

	assert_int_equal(authority_issue(a, app, vnet, key, MINT_NOW, &cert, NULL), code);
	assert_null(cert);
	assert_int_equal(authority_cert_count(a), 0);
	EVP_PKEY_free(key);
}

static void names_and_keys_are_checked(void **state)
{
	assert_not_issued("a shop", "production", MINT_P256, -EINVAL);
	assert_not_issued("shop", "a/b", MINT_P256, -EINVAL);
	assert_not_issued("shop", "production", MINT_P521, -EKEYREJECTED);
}

static void a_renewal_has_another_thumbprint_and_leaves_the_old_one_good(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX];
	int64_t later = mint_time(2034, 6, 1, 0, 0, 0);
	struct authority_cert_info info;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_renew(a, first, later, second);
	assert_string_not_equal(first, second);
	scene_assert_status(a, first, later, CERT_NEAR_EXPIRY);
	scene_assert_status(a, second, later, CERT_VALID);
	authority_cert_at(a, 1, later, &info);
	assert_string_equal(info.app, "shop");
	assert_string_equal(info.vnet, "production");
	assert_string_equal(info.renews, first);
	authority_cert_at(a, 0, later, &info);
	assert_string_equal(info.renewed_by, second);
	scene_renew(a, first, later, second);
	authority_cert_at(a, 0, later, &info);
	assert_string_equal(info.renewed_by, second);
}

static void assert_not_renewed(const char *thumbprint, int64_t now, int code, const char *sentence)
{
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(authority_renew(a, thumbprint, key, now, &cert, &error), code);
	if (!strstr(error.text, sentence))
		fail_msg("'%s' is not in '%s'", sentence, error.text);
	assert_null(cert);
	EVP_PKEY_free(key);
}

static void what_is_unknown_revoked_expired_or_cut_is_not_renewed(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], root[CERT_THUMBPRINT_MAX];
	struct authority_root_info info;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_issue(a, "stock", "production", MINT_NOW, second);
	assert_not_renewed("xyz", MINT_NOW, -EINVAL, "'xyz' is no thumbprint");
	assert_not_renewed("00112233445566778899AABBCCDDEEFF00112233", MINT_NOW, -ENOENT,
			   " is not one of ours");
	assert_not_renewed(first, mint_time(2034, 11, 23, 12, 0, 1), -EKEYEXPIRED,
			   " of app shop expired on 2034-11-23T12:00:00Z");
	assert_int_equal(authority_revoke(a, first, 0, MINT_NOW + 1, NULL), 1);
	assert_not_renewed(first, MINT_NOW + 2, -EKEYREVOKED,
			   " of app shop was revoked on 2026-11-23T12:00:01Z");
	authority_root_at(a, 0, MINT_NOW, &info);
	assert_int_equal(authority_rotate(a, MINT_NOW, root, NULL), 0);
	assert_int_equal(authority_drop_root(a, info.facts.thumbprint, MINT_NOW, NULL), 1);
	assert_not_renewed(second, MINT_NOW, -EKEYEXPIRED,
			   " of app stock is trusted no longer: enrol it anew");
	scene_assert_status(a, second, MINT_NOW, CERT_OUT_OF_SYNC);
}

/* How often it can be renewed at once. */
static int renew_often(const char *thumbprint, int64_t now, int tries)
{
	int renewed = 0;

	for (int i = 0; i < tries; i++) {
		EVP_PKEY *key = mint_key(MINT_P256);
		X509 *cert = NULL;

		renewed += authority_renew(a, thumbprint, key, now, &cert, NULL) == 0;
		X509_free(cert);
		EVP_PKEY_free(key);
	}
	return renewed;
}

static void a_lineage_has_so_many_certificates_and_waits_for_more(void **state)
{
	char first[CERT_THUMBPRINT_MAX];
	int64_t later = MINT_NOW + AUTHORITY_LINEAGE_KEPT_S;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	assert_int_equal(renew_often(first, MINT_NOW, 20), AUTHORITY_LINEAGE_MAX - 1);
	assert_int_equal(authority_cert_count(a), AUTHORITY_LINEAGE_MAX);
	assert_not_renewed(first, later - 1, -EAGAIN,
			   "app shop has got new certificates just now: wait 1 seconds");
	a = scene_again(a, MINT_NOW);
	assert_int_equal(renew_often(first, later, 20), AUTHORITY_LINEAGE_MAX - 1);
	assert_int_equal(authority_cert_count(a), AUTHORITY_LINEAGE_MAX);
	scene_assert_status(a, first, later, CERT_VALID);
}

/* The reply to each renewal is lost but the last one's, and that is still good. */
static void a_worker_that_loses_replies_is_never_locked_out(void **state)
{
	char first[CERT_THUMBPRINT_MAX], got[CERT_THUMBPRINT_MAX], next[CERT_THUMBPRINT_MAX];
	int64_t now = MINT_NOW;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	for (int i = 0; i < 10; i++) {
		scene_renew(a, first, now, got);
		now += AUTHORITY_LINEAGE_KEPT_S;
	}
	for (int i = 0; i < 10; i++) {
		scene_renew(a, got, now, next);
		scene_assert_status(a, got, now, CERT_VALID);
		memcpy(got, next, sizeof(got));
		now += AUTHORITY_LINEAGE_KEPT_S;
	}
	assert_int_equal(authority_cert_count(a), AUTHORITY_LINEAGE_MAX);
	assert_int_equal(authority_cert_find(a, first), -ENOENT);
}

static void a_clock_that_was_put_back_keeps_nobody_waiting(void **state)
{
	char first[CERT_THUMBPRINT_MAX];
	int64_t ahead = MINT_NOW + 30 * DAY;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	assert_int_equal(renew_often(first, ahead, 20), AUTHORITY_LINEAGE_MAX - 1);
	assert_int_equal(renew_often(first, MINT_NOW, 20), AUTHORITY_LINEAGE_MAX - 1);
}

/* "AB:CD ..." in lower case */
static void as_people_paste_it(const char *thumbprint, char *ret_text)
{
	for (size_t i = 0; thumbprint[i]; i++) {
		*ret_text++ = (char)tolower((unsigned char)thumbprint[i]);
		if (i % 2)
			*ret_text++ = i % 4 == 1 ? ':' : ' ';
	}
	*ret_text = '\0';
}

static void revoking_cuts_one_and_not_its_neighbours(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], text[64];
	struct certs_error error;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_issue(a, "shop", "production", MINT_NOW, second);
	as_people_paste_it(first, text);
	assert_int_equal(authority_revoke(a, text, 0, MINT_NOW, NULL), 1);
	scene_assert_status(a, first, MINT_NOW, CERT_REVOKED);
	scene_assert_status(a, second, MINT_NOW, CERT_VALID);
	assert_int_equal(authority_revoke(a, first, 0, MINT_NOW, &error), -EALREADY);
	assert_non_null(strstr(error.text, " is revoked already"));
}

static void revoking_what_has_expired_cuts_nobody(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	assert_int_equal(authority_revoke(a, thumbprint, 0, mint_time(2034, 12, 1, 0, 0, 0), NULL),
			 0);
}

/* first - second - third, and beside them another renewal of first, and a stranger */
static void revoking_any_of_a_lineage_revokes_all_of_it(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], third[CERT_THUMBPRINT_MAX];
	char beside[CERT_THUMBPRINT_MAX], stranger[CERT_THUMBPRINT_MAX];
	struct certs_error error;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_renew(a, first, MINT_NOW, second);
	scene_issue(a, "shop", "production", MINT_NOW, stranger);
	scene_renew(a, second, MINT_NOW, third);
	scene_renew(a, first, MINT_NOW, beside);
	a = scene_again(a, MINT_NOW);
	assert_int_equal(authority_revoke(a, third, 0, MINT_NOW, NULL), 4);
	scene_assert_status(a, first, MINT_NOW, CERT_REVOKED);
	scene_assert_status(a, second, MINT_NOW, CERT_REVOKED);
	scene_assert_status(a, beside, MINT_NOW, CERT_REVOKED);
	scene_assert_status(a, stranger, MINT_NOW, CERT_VALID);
	assert_not_renewed(first, MINT_NOW, -EKEYREVOKED, " was revoked on ");
	assert_int_equal(authority_revoke(a, first, 0, MINT_NOW, &error), -EALREADY);
	assert_non_null(strstr(error.text, " is revoked already"));
	assert_int_equal(authority_cert_live(a, "SHOP", MINT_NOW), 1);
	assert_int_equal(authority_cert_live(a, "stock", MINT_NOW), 0);
}

static void all_certificates_of_an_app_are_revoked_at_once(void **state)
{
	char shop[2][CERT_THUMBPRINT_MAX], stock[CERT_THUMBPRINT_MAX];
	struct certs_error error;

	scene_issue(a, "shop", "production", MINT_NOW, shop[0]);
	scene_issue(a, "Shop", "production", MINT_NOW, shop[1]);
	scene_issue(a, "stock", "production", MINT_NOW, stock);
	assert_int_equal(authority_revoke(a, shop[0], 0, MINT_NOW, NULL), 1);
	assert_int_equal(authority_revoke_app(a, "shop", MINT_NOW, NULL), 1);
	a = scene_again(a, MINT_NOW);
	scene_assert_status(a, shop[1], MINT_NOW, CERT_REVOKED);
	scene_assert_status(a, stock, MINT_NOW, CERT_VALID);
	assert_int_equal(authority_revoke_app(a, "shop", MINT_NOW, &error), -EALREADY);
	assert_string_equal(error.text, "all certificates of app shop are revoked already");
	assert_int_equal(authority_revoke_app(a, "shoe", MINT_NOW, &error), -ENOENT);
	assert_string_equal(error.text, "there is no certificate of app shoe");
	assert_int_equal(authority_revoke_app(a, "a shop", MINT_NOW, &error), -EINVAL);
}

static void a_key_that_was_revoked_gets_no_other_certificate(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert;

	assert_int_equal(authority_issue(a, "shop", "production", key, MINT_NOW, &cert, NULL), 0);
	assert_int_equal(cert_thumbprint(cert, thumbprint), 0);
	X509_free(cert);
	cert = NULL;
	assert_int_equal(authority_revoke(a, thumbprint, 0, MINT_NOW, NULL), 1);
	a = scene_again(a, MINT_NOW);
	assert_int_equal(authority_issue(a, "stock", "lab", key, MINT_NOW, &cert, &error),
			 -EKEYREJECTED);
	assert_non_null(strstr(error.text, "the key is that of the revoked certificate "));
	assert_null(cert);
	EVP_PKEY_free(key);
}

/* As it comes out of a request, with its point written so. */
static EVP_PKEY *in_form(const EVP_PKEY *key, const char *form)
{
	EVP_PKEY *copy = EVP_PKEY_dup((EVP_PKEY *)key), *got = NULL;
	unsigned char *der = NULL;
	const unsigned char *pos;
	int len;

	assert_int_equal(EVP_PKEY_set_utf8_string_param(copy, "point-format", form), 1);
	len = i2d_PUBKEY(copy, &der);
	assert_true(len > 0);
	pos = der;
	got = d2i_PUBKEY(NULL, &pos, len);
	assert_non_null(got);
	OPENSSL_free(der);
	EVP_PKEY_free(copy);
	return got;
}

static void a_revoked_key_is_known_in_each_form_of_its_point(void **state)
{
	static const char *const forms[] = {"uncompressed", "compressed", "hybrid"};
	EVP_PKEY *key = mint_key(MINT_P256);

	for (size_t i = 0; i < 9; i++) {
		EVP_PKEY *first = in_form(key, forms[i / 3]), *again = in_form(key, forms[i % 3]);
		uint8_t hash[2][STATE_HASH_SIZE];

		assert_int_equal(state_key_hash(first, hash[0]), 0);
		assert_int_equal(state_key_hash(again, hash[1]), 0);
		assert_memory_equal(hash[0], hash[1], STATE_HASH_SIZE);
		EVP_PKEY_free(first);
		EVP_PKEY_free(again);
	}
	EVP_PKEY_free(key);
}

static void a_revoked_key_gets_no_certificate_by_compressing_its_point(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	EVP_PKEY *key = mint_key(MINT_P256), *compressed = in_form(key, "compressed");
	X509 *cert;

	assert_int_equal(authority_issue(a, "shop", "production", key, MINT_NOW, &cert, NULL), 0);
	assert_int_equal(cert_thumbprint(cert, thumbprint), 0);
	X509_free(cert);
	assert_int_equal(authority_revoke(a, thumbprint, 0, MINT_NOW, NULL), 1);
	assert_int_equal(
		authority_issue(a, "shop", "production", compressed, MINT_NOW, &cert, NULL),
		-EKEYREJECTED);
	EVP_PKEY_free(compressed);
	EVP_PKEY_free(key);
}

static void only_what_is_named_so_is_revoked_for_others(void **state)
{
	const char *foreign = "00112233445566778899AABBCCDDEEFF00112233";
	struct authority_root_info root;
	struct certs_error error;

	authority_root_at(a, 0, MINT_NOW, &root);
	assert_int_equal(authority_revoke(a, "xyz", 0, MINT_NOW, &error), -EINVAL);
	assert_string_equal(error.text, "'xyz' is no thumbprint: it has 40 hex digits");
	assert_int_equal(authority_revoke(a, foreign, 0, MINT_NOW, &error), -ENOENT);
	assert_int_equal(authority_revoke(a, root.facts.thumbprint, AUTHORITY_REVOKE_FOREIGN,
					  MINT_NOW, &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, " is a root: drop it, which cuts all below it"));
	assert_int_equal(authority_revoke(a, foreign, AUTHORITY_REVOKE_FOREIGN, MINT_NOW, NULL), 0);
	assert_int_equal(authority_revoke(a, foreign, AUTHORITY_REVOKE_FOREIGN, MINT_NOW, &error),
			 -EALREADY);
}

static void serials_differ(void **state)
{
	char serials[20][CERT_SERIAL_MAX], thumbprint[CERT_THUMBPRINT_MAX];
	struct authority_cert_info info;

	for (size_t i = 0; i < 20; i++) {
		scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
		authority_cert_at(a, i, MINT_NOW, &info);
		assert_int_equal(strlen(info.facts.serial), 40);
		memcpy(serials[i], info.facts.serial, sizeof(serials[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(serials[i], serials[k]);
	}
}

/* issue_serial() is wrapped: this many times it is the one that was made last. */
static int repeats;

int __real_issue_serial(uint8_t ret_serial[ISSUE_SERIAL_SIZE]);
int __wrap_issue_serial(uint8_t ret_serial[ISSUE_SERIAL_SIZE]);

int __wrap_issue_serial(uint8_t ret_serial[ISSUE_SERIAL_SIZE])
{
	static uint8_t last[ISSUE_SERIAL_SIZE];

	if (repeats > 0)
		repeats--;
	else if (__real_issue_serial(last) != 0)
		return -EIO;
	memcpy(ret_serial, last, sizeof(last));
	return 0;
}

static void a_serial_that_is_in_use_is_not_taken_again(void **state)
{
	struct authority_cert_info info[2];
	char thumbprint[CERT_THUMBPRINT_MAX];
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert;

	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	repeats = 7;
	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	assert_int_equal(repeats, 0);
	authority_cert_at(a, 0, MINT_NOW, &info[0]);
	authority_cert_at(a, 1, MINT_NOW, &info[1]);
	assert_string_not_equal(info[0].facts.serial, info[1].facts.serial);
	repeats = 8;
	assert_int_equal(authority_issue(a, "shop", "production", key, MINT_NOW, &cert, NULL),
			 -EIO);
	repeats = 0;
	EVP_PKEY_free(key);
}

static void a_root_with_less_than_eight_years_left_has_to_be_rotated(void **state)
{
	int64_t last = mint_time(2038, 11, 23, 11, 0, 0);
	char thumbprint[CERT_THUMBPRINT_MAX], root[CERT_THUMBPRINT_MAX];
	EVP_PKEY *key = mint_key(MINT_P256);
	struct certs_error error;
	X509 *cert = NULL;

	scene_issue(a, "shop", "production", last, thumbprint);
	assert_int_equal(authority_issue(a, "shop", "production", key, last + 1, &cert, &error),
			 -EKEYEXPIRED);
	assert_non_null(strstr(error.text, "make a new root first"));
	assert_null(cert);
	assert_int_equal(authority_rotate(a, last + 1, root, NULL), 0);
	scene_issue(a, "shop", "production", last + 1, thumbprint);
	EVP_PKEY_free(key);
}

static void what_is_not_there_is_not_found(void **state)
{
	assert_int_equal(authority_cert_find(a, "xyz"), -EINVAL);
	assert_int_equal(authority_cert_find(a, "00112233445566778899AABBCCDDEEFF00112233"),
			 -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_issued_certificate_is_shown_with_its_facts),
		TEST(B43_B44_a_clients_life_is_eight_years_and_the_last_six_months_are_near_its_end),
		TEST(names_and_keys_are_checked),
		TEST(a_renewal_has_another_thumbprint_and_leaves_the_old_one_good),
		TEST(what_is_unknown_revoked_expired_or_cut_is_not_renewed),
		TEST(a_lineage_has_so_many_certificates_and_waits_for_more),
		TEST(a_worker_that_loses_replies_is_never_locked_out),
		TEST(a_clock_that_was_put_back_keeps_nobody_waiting),
		TEST(revoking_cuts_one_and_not_its_neighbours),
		TEST(revoking_what_has_expired_cuts_nobody),
		TEST(revoking_any_of_a_lineage_revokes_all_of_it),
		TEST(all_certificates_of_an_app_are_revoked_at_once),
		TEST(a_key_that_was_revoked_gets_no_other_certificate),
		TEST(a_revoked_key_is_known_in_each_form_of_its_point),
		TEST(a_revoked_key_gets_no_certificate_by_compressing_its_point),
		TEST(only_what_is_named_so_is_revoked_for_others),
		TEST(serials_differ),
		TEST(a_serial_that_is_in_use_is_not_taken_again),
		TEST(a_root_with_less_than_eight_years_left_has_to_be_rotated),
		TEST(what_is_not_there_is_not_found),
	};

	return cmocka_run_group_tests_name("authority_cert", tests, NULL, scene_tear_down);
}
