/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certs/authority.h"
#include "certs/name.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

static struct authority *a;
static EVP_PKEY *key;

static int set_up(void **state)
{
	scene_set_up(state);
	a = scene_open(MINT_NOW);
	key = mint_key(MINT_P256);
	return 0;
}

static int tear_down(void **state)
{
	authority_close(a);
	EVP_PKEY_free(key);
	return 0;
}

static struct authority_token_request request(void)
{
	return (struct authority_token_request){.app = "shop",
						.vnet = "production",
						.gateway = "gateway.example:8443",
						.lifetime_s = 3600};
}

static void a_token_names_the_gateway_its_root_and_its_end(void **state)
{
	struct authority_token_request r = request();
	uint8_t pin[CERT_FINGERPRINT_SIZE];
	struct authority_token_info info;
	char text[TOKEN_TEXT_MAX];
	struct token t;

	assert_int_equal(authority_token_add(a, &r, MINT_NOW, text, NULL), 0);
	assert_int_equal(token_decode(text, strlen(text), &t, NULL), 0);
	assert_string_equal(t.gateway, "gateway.example:8443");
	assert_int_equal(t.expires, MINT_NOW + 3600);
	assert_int_equal(authority_pin(a, MINT_NOW, pin, NULL), 0);
	assert_memory_equal(t.root, pin, sizeof(pin));
	assert_int_equal(authority_token_count(a), 1);
	authority_token_at(a, 0, MINT_NOW, &info);
	assert_int_equal(strlen(info.id), 12);
	assert_string_equal(info.app, "shop");
	assert_string_equal(info.vnet, "production");
	assert_string_equal(info.thumbprint, "");
	assert_int_equal(info.created, MINT_NOW);
	assert_int_equal(info.state, AUTHORITY_TOKEN_OPEN);
	authority_token_at(a, 0, MINT_NOW + 3601, &info);
	assert_int_equal(info.state, AUTHORITY_TOKEN_EXPIRED);
}

static void an_operators_own_root_can_be_pinned(void **state)
{
	struct authority_token_request r = request();
	uint8_t pin[CERT_FINGERPRINT_SIZE];
	char text[TOKEN_TEXT_MAX];
	struct token t;

	memset(pin, 7, sizeof(pin));
	r.pin = pin;
	assert_int_equal(authority_token_add(a, &r, MINT_NOW, text, NULL), 0);
	assert_int_equal(token_decode(text, strlen(text), &t, NULL), 0);
	assert_memory_equal(t.root, pin, sizeof(pin));
}

static void assert_no_token(const struct authority_token_request *r, const char *sentence)
{
	char text[TOKEN_TEXT_MAX] = "before";
	struct certs_error error;

	assert_int_equal(authority_token_add(a, r, MINT_NOW, text, &error), -EINVAL);
	assert_string_equal(error.text, sentence);
	assert_string_equal(text, "before");
	assert_int_equal(authority_token_count(a), 0);
}

static void what_a_token_is_asked_for_is_checked(void **state)
{
	struct authority_token_request r = request();

	r.app = "a shop";
	assert_no_token(&r, "'a shop' is no name for an app: 1 to 64 letters, digits, '-', '_' and "
			    "'.'");
	r = request();
	r.vnet = "";
	assert_no_token(&r, "'' is no name for a VNet: 1 to 64 letters, digits, '-', '_' and '.'");
	r = request();
	r.gateway = "https://gateway.example";
	assert_no_token(&r, "'https://gateway.example' is not what a worker can dial: write NAME "
			    "or NAME:PORT, an IPv6 address in brackets");
	r = request();
	r.lifetime_s = 59;
	assert_no_token(&r, "a token lives 60 seconds to 30 days, not 59 seconds");
	r.lifetime_s = 30 * 86400 + 1;
	assert_no_token(&r, "a token lives 60 seconds to 30 days, not 2592001 seconds");
}

static void a_token_is_good_for_one_certificate(void **state)
{
	uint8_t secret[TOKEN_SECRET_SIZE];
	struct authority_token_info token;
	struct authority_cert_info info;
	char name[NAME_MAX_BYTES];
	struct certs_error error;
	char sentence[CERTS_ERROR_MAX];
	X509 *cert, *second = NULL;

	scene_token(a, "shop", "production", MINT_NOW, secret);
	assert_int_equal(authority_token_check(a, secret, MINT_NOW, &token, NULL), 0);
	assert_string_equal(token.app, "shop");
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW + 60, &cert, NULL), 0);
	assert_int_equal(name_of_client(cert, name, NULL), 0);
	assert_string_equal(name, "shop");
	assert_int_equal(X509_check_private_key(cert, key), 1);
	authority_cert_at(a, 0, MINT_NOW + 60, &info);
	assert_string_equal(info.app, "shop");
	assert_string_equal(info.vnet, "production");
	assert_string_equal(info.token, token.id);
	assert_int_equal(info.issued, MINT_NOW + 60);

	/* a second time, with the very same key: refused, and nothing is issued */
	snprintf(sentence, sizeof(sentence),
		 "the token %s of app shop was used on 2026-11-23T12:01:00Z, for the certificate "
		 "%s: if that was somebody else, revoke it; then make a new token",
		 token.id, info.facts.thumbprint);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW + 61, &second, &error),
			 -EALREADY);
	assert_string_equal(error.text, sentence);
	assert_int_equal(authority_token_check(a, secret, MINT_NOW, &token, &error), -EALREADY);
	assert_null(second);
	assert_int_equal(authority_cert_count(a), 1);
	a = scene_again(a, MINT_NOW + 62);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW + 62, &second, NULL), -EALREADY);
	authority_token_at(a, 0, MINT_NOW + 62, &token);
	assert_int_equal(token.state, AUTHORITY_TOKEN_USED);
	assert_int_equal(token.used, MINT_NOW + 60);
	assert_string_equal(token.thumbprint, info.facts.thumbprint);
	X509_free(cert);
}

static void the_last_second_of_a_token_counts(void **state)
{
	uint8_t secret[TOKEN_SECRET_SIZE];
	struct authority_token_info info;
	struct certs_error error;
	X509 *cert = NULL;

	scene_token(a, "shop", "production", MINT_NOW, secret);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW + 3601, &cert, &error), -ETIME);
	assert_non_null(strstr(error.text, " of app shop expired on 2026-11-23T13:00:00Z"));
	assert_null(cert);
	assert_int_equal(authority_token_check(a, secret, MINT_NOW + 3601, &info, NULL), -ETIME);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW + 3600, &cert, NULL), 0);
	X509_free(cert);
}

static void an_unknown_secret_is_refused(void **state)
{
	uint8_t secret[TOKEN_SECRET_SIZE];
	struct certs_error error;
	X509 *cert = NULL;

	scene_token(a, "shop", "production", MINT_NOW, secret);
	for (size_t bit = 0; bit < 8 * sizeof(secret); bit += 37) {
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(authority_enrol(a, secret, key, MINT_NOW, &cert, &error), -ENOENT);
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_string_equal(error.text, "the token is unknown here");
	assert_null(cert);
	assert_int_equal(authority_cert_count(a), 0);
}

static void a_refused_request_leaves_the_token_open(void **state)
{
	EVP_PKEY *weak = mint_key(MINT_RSA_1024);
	uint8_t secret[TOKEN_SECRET_SIZE];
	struct certs_error error;
	X509 *cert = NULL;

	scene_token(a, "shop", "production", MINT_NOW, secret);
	assert_int_equal(authority_enrol(a, secret, weak, MINT_NOW, &cert, &error), -EKEYREJECTED);
	assert_string_equal(error.text, "the RSA key has 1024 bits: allowed are 2048 to 4096");
	assert_null(cert);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW, &cert, NULL), 0);
	X509_free(cert);
	EVP_PKEY_free(weak);
}

static void an_app_belongs_to_one_vnet(void **state)
{
	struct authority_token_request r = request();
	uint8_t secret[TOKEN_SECRET_SIZE], other[TOKEN_SECRET_SIZE];
	char thumbprint[CERT_THUMBPRINT_MAX], text[TOKEN_TEXT_MAX], sentence[CERTS_ERROR_MAX];
	struct authority_token_info info;
	struct certs_error error;
	X509 *cert = NULL;

	scene_token(a, "shop", "production", MINT_NOW, secret);
	authority_token_at(a, 0, MINT_NOW, &info);
	r.app = "SHOP";
	r.vnet = "lab";
	snprintf(sentence, sizeof(sentence), "app SHOP belongs to VNet production, by the token %s",
		 info.id);
	assert_int_equal(authority_token_add(a, &r, MINT_NOW, text, &error), -EEXIST);
	assert_string_equal(error.text, sentence);
	/* once the token is over, the other VNet may have the app; then the first is refused */
	scene_token(a, "shop", "lab", MINT_NOW + 3601, other);
	assert_int_equal(authority_enrol(a, other, key, MINT_NOW + 3601, &cert, NULL), 0);
	assert_int_equal(cert_thumbprint(cert, thumbprint), 0);
	X509_free(cert);
	snprintf(sentence, sizeof(sentence), "app shop belongs to VNet lab, by the certificate %s",
		 thumbprint);
	r = request();
	assert_int_equal(authority_token_add(a, &r, MINT_NOW + 3602, text, &error), -EEXIST);
	assert_string_equal(error.text, sentence);
	cert = NULL;
	assert_int_equal(
		authority_issue(a, "shop", "production", key, MINT_NOW + 3602, &cert, NULL),
		-EEXIST);
	assert_null(cert);
	assert_int_equal(authority_revoke(a, thumbprint, 0, MINT_NOW + 3603, NULL), 1);
	assert_int_equal(authority_token_add(a, &r, MINT_NOW + 3604, text, NULL), 0);
}

static void an_open_token_can_be_taken_back(void **state)
{
	uint8_t secret[TOKEN_SECRET_SIZE], used[TOKEN_SECRET_SIZE];
	struct authority_token_info info;
	struct certs_error error;
	X509 *cert = NULL;

	scene_token(a, "shop", "production", MINT_NOW, secret);
	scene_token(a, "stock", "production", MINT_NOW, used);
	authority_token_at(a, 0, MINT_NOW, &info);
	assert_int_equal(authority_token_drop(a, info.id, MINT_NOW, NULL), 0);
	assert_int_equal(authority_token_drop(a, info.id, MINT_NOW, &error), -ENOENT);
	assert_int_equal(authority_token_count(a), 1);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW, &cert, NULL), -ENOENT);
	assert_int_equal(authority_enrol(a, used, key, MINT_NOW, &cert, NULL), 0);
	authority_token_at(a, 0, MINT_NOW, &info);
	assert_int_equal(authority_token_drop(a, info.id, MINT_NOW, &error), -EALREADY);
	assert_non_null(strstr(error.text, " was used: revoke the certificate "));
	X509_free(cert);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_names_the_gateway_its_root_and_its_end),
		TEST(an_operators_own_root_can_be_pinned),
		TEST(what_a_token_is_asked_for_is_checked),
		TEST(a_token_is_good_for_one_certificate),
		TEST(the_last_second_of_a_token_counts),
		TEST(an_unknown_secret_is_refused),
		TEST(a_refused_request_leaves_the_token_open),
		TEST(an_app_belongs_to_one_vnet),
		TEST(an_open_token_can_be_taken_back),
	};

	return cmocka_run_group_tests_name("authority_token", tests, NULL, scene_tear_down);
}
