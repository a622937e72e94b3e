/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "certs/pkcs7.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

enum {
	HOUR = 3600
};

static struct est_answer answer;

static const struct est_answer *ask_at(struct world *w, const struct msg_est_request *m,
				       int64_t now)
{
	est_answer_done(&answer);
	est_answer(&w->est, m, now, (uint64_t)now * CLOCK_NS_PER_S, &answer);
	return &answer;
}

/* NULL for body: a new request. */
static const struct est_answer *enrol(struct world *w, const uint8_t *secret, const char *body,
				      bool wants_network, int64_t now)
{
	char *csr = world_csr();
	struct msg_est_request m = {.kind = MSG_EST_SIMPLEENROLL,
				    .peer = "192.0.2.9",
				    .secret = secret,
				    .wants_network = wants_network,
				    .body = (const uint8_t *)(body ? body : csr)};

	m.body_len = strlen((const char *)m.body);
	ask_at(w, &m, now);
	free(csr);
	return &answer;
}

static const struct est_answer *renew(struct world *w, const uint8_t *cert, size_t len, int64_t now)
{
	char *csr = world_csr();
	struct msg_est_request m = {.kind = MSG_EST_SIMPLEREENROLL,
				    .peer = "192.0.2.9",
				    .cert = cert,
				    .cert_len = len,
				    .body = (const uint8_t *)csr,
				    .body_len = strlen(csr)};

	ask_at(w, &m, now);
	free(csr);
	return &answer;
}

/* The DER of the newest certificate; returns its length. */
static size_t newest(struct world *w, uint8_t *der, size_t cap)
{
	size_t i = authority_cert_count(w->est.authority) - 1;
	const char *blob = authority_cert_blob(w->est.authority, i);
	size_t len;

	assert_int_equal(base64_decode(BASE64_LINE, blob, strlen(blob), der, cap, &len), 0);
	return len;
}

static void assert_refused(const struct est_answer *a, unsigned status, const char *part)
{
	assert_int_equal(a->status, status);
	assert_string_equal(a->content_type, "text/plain");
	assert_false(a->has_changed);
	if (!strstr(a->reason, part))
		fail_msg("'%s' says nothing of '%s'", a->reason, part);
	assert_int_equal(strncmp(a->body, a->reason, strlen(a->reason)), 0);
}

/* ---- enrolment ---- */

static void token_gets_a_certificate_and_only_once(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];
	const struct est_answer *a;
	STACK_OF(X509) * certs;
	char thumbprint[CERT_THUMBPRINT_MAX];

	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	a = enrol(w, secret, NULL, false, MINT_NOW + 5);
	assert_int_equal(a->status, 200);
	assert_string_equal(a->content_type, "application/pkcs7-mime; smime-type=certs-only");
	assert_true(a->is_base64 && a->has_changed);
	assert_string_equal(a->app, "shop");
	assert_string_equal(a->reason, "");
	assert_int_equal(pkcs7_parse_base64(a->body, strlen(a->body), &certs, NULL), 0);
	assert_int_equal(sk_X509_num(certs), 1);
	cert_thumbprint(sk_X509_value(certs, 0), thumbprint);
	assert_string_equal(thumbprint, a->thumbprint);
	sk_X509_pop_free(certs, X509_free);
	assert_true(authority_cert_find(w->est.authority, thumbprint) == 0);
	assert_refused(enrol(w, secret, NULL, false, MINT_NOW + 6), 403, "used");
	world_free(w);
}

static void wrong_missing_and_expired_tokens_are_told_apart(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];
	uint8_t wrong[TOKEN_SECRET_SIZE] = {1};

	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	assert_refused(enrol(w, NULL, NULL, false, MINT_NOW), 401, "token is needed");
	assert_refused(enrol(w, wrong, NULL, false, MINT_NOW), 401, "token");
	assert_refused(enrol(w, secret, NULL, false, MINT_NOW + HOUR + 1), 403, "expired");
	assert_int_equal(authority_cert_count(w->est.authority), 0);
	world_free(w);
}

static void malformed_and_foreign_requests_leave_the_token_open(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];
	char *csr = world_csr();

	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	assert_refused(enrol(w, secret, "", false, MINT_NOW), 400, "");
	assert_refused(enrol(w, secret, "????", false, MINT_NOW), 400, "");
	csr[strlen(csr) - 8] = csr[strlen(csr) - 8] == 'A' ? 'B' : 'A'; /* in the signature */
	assert_refused(enrol(w, secret, csr, false, MINT_NOW), 400, "");
	free(csr);
	assert_int_equal(enrol(w, secret, NULL, false, MINT_NOW)->status, 200);
	world_free(w);
}

static void address_with_many_wrong_tokens_has_to_wait_but_not_with_a_right_one(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];
	uint8_t wrong[TOKEN_SECRET_SIZE] = {1};

	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	for (unsigned i = 0; i < ATTEMPTS_BURST; i++)
		assert_int_equal(enrol(w, wrong, NULL, false, MINT_NOW)->status, 401);
	assert_refused(enrol(w, wrong, NULL, false, MINT_NOW), 429, "wait");
	assert_int_equal(answer.retry_after_s, 6);
	assert_int_equal(enrol(w, secret, NULL, false, MINT_NOW)->status, 200);
	assert_refused(enrol(w, wrong, NULL, false, MINT_NOW), 429, "wait");
	assert_int_equal(enrol(w, wrong, NULL, false, MINT_NOW + 6)->status, 401);
	world_free(w);
}

static void token_of_ours_that_was_used_or_has_expired_is_no_guess(void **state)
{
	struct world *w = world_new();
	uint8_t used[TOKEN_SECRET_SIZE], late[TOKEN_SECRET_SIZE];
	uint8_t wrong[TOKEN_SECRET_SIZE] = {1};
	int64_t now = MINT_NOW + HOUR + 1;

	scene_token(w->est.authority, "shop", "blue", MINT_NOW, used);
	scene_token(w->est.authority, "stock", "blue", MINT_NOW, late);
	assert_int_equal(enrol(w, used, NULL, false, MINT_NOW)->status, 200);
	for (unsigned i = 0; i < ATTEMPTS_BURST; i++) {
		assert_refused(enrol(w, used, NULL, false, now), 403, "used");
		assert_refused(enrol(w, late, NULL, false, now), 403, "expired");
	}
	assert_int_equal(enrol(w, wrong, NULL, false, now)->status, 401);
	world_free(w);
}

static void B41_network_comes_with_the_certificate_when_it_is_asked_for(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];
	const struct handed_entry *handed;
	char roots[NETWORK_DIGEST_MAX];
	const struct est_answer *a;

	world_connect(w, "shop", "blue");
	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	a = enrol(w, secret, NULL, true, MINT_NOW);
	assert_int_equal(a->status, 200);
	assert_string_equal(a->content_type, "multipart/mixed; boundary=sstp-gateway-est");
	assert_false(a->is_base64);
	assert_non_null(strstr(a->body, "Content-Type: application/pkcs7-mime; "
					"smime-type=certs-only\r\n"));
	assert_non_null(strstr(a->body, "\r\nContent-Type: application/json\r\n\r\n{\"vnetName\":"
					"\"blue\",\"addressSpaces\":[\"10.1.0.0/16\"],"));
	assert_non_null(strstr(a->body, "\r\n--sstp-gateway-est--\r\n"));
	handed = handed_find(w->est.handed, "shop");
	assert_non_null(handed);
	assert_string_equal(handed->network, world_digest(w, "shop", "blue"));
	assert_true(handed->at == MINT_NOW);
	assert_int_equal(est_roots_digest(&w->est, MINT_NOW, roots), 0);
	assert_string_equal(handed->roots, roots);
	world_free(w);
}

static void app_that_did_not_ask_for_its_network_was_not_handed_it(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];

	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	assert_int_equal(enrol(w, secret, NULL, false, MINT_NOW)->status, 200);
	assert_null(handed_find(w->est.handed, "shop"));
	world_free(w);
}

/* ---- re-enrolment ---- */

static void certificate_gets_the_next_one_and_both_stay_good(void **state)
{
	struct world *w = world_new();
	char first[CERT_THUMBPRINT_MAX];
	uint8_t der[4096];
	size_t len;

	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, first);
	len = newest(w, der, sizeof(der));
	assert_int_equal(renew(w, der, len, MINT_NOW + 9)->status, 200);
	assert_true(answer.has_changed);
	assert_string_equal(answer.app, "shop");
	assert_string_not_equal(answer.thumbprint, first);
	scene_assert_status(w->est.authority, first, MINT_NOW + 9, CERT_VALID);
	scene_assert_status(w->est.authority, answer.thumbprint, MINT_NOW + 9, CERT_VALID);
	world_free(w);
}

/* The first extension of this kind, as its DER; returns its length. */
static int alternatives(const X509 *cert, const uint8_t **ret_der)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(X509_get_ext(cert, at));

	*ret_der = ASN1_STRING_get0_data(data);
	return ASN1_STRING_length(data);
}

/* RFC 7030 4.2.2; the request of world_csr() is for CN=whoever, and has no SubjectAltName. */
static void subject_of_a_renewal_is_the_present_one_whatever_the_request_says(void **state)
{
	struct world *w = world_new();
	char first[CERT_THUMBPRINT_MAX];
	uint8_t der[4096];
	const uint8_t *pos = der, *old_names, *new_names;
	STACK_OF(X509) * certs;
	X509 *old, *new;
	size_t len;
	int n;

	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, first);
	len = newest(w, der, sizeof(der));
	assert_int_equal(renew(w, der, len, MINT_NOW + 9)->status, 200);
	assert_int_equal(pkcs7_parse_base64(answer.body, strlen(answer.body), &certs, NULL), 0);
	old = d2i_X509(NULL, &pos, (long)len);
	new = sk_X509_value(certs, 0);
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(old), X509_get_subject_name(new)), 0);
	n = alternatives(old, &old_names);
	assert_int_equal(alternatives(new, &new_names), n);
	assert_memory_equal(old_names, new_names, (size_t)n);
	X509_free(old);
	sk_X509_pop_free(certs, X509_free);
	world_free(w);
}

static void certificate_that_asks_too_often_has_to_wait(void **state)
{
	struct world *w = world_new();
	char first[CERT_THUMBPRINT_MAX];
	uint8_t der[4096];
	size_t len;

	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, first);
	len = newest(w, der, sizeof(der));
	for (int i = 1; i < AUTHORITY_LINEAGE_MAX; i++)
		assert_int_equal(renew(w, der, len, MINT_NOW)->status, 200);
	assert_refused(renew(w, der, len, MINT_NOW), 429, "wait 1200 seconds");
	assert_int_equal(answer.retry_after_s, AUTHORITY_LINEAGE_KEPT_S);
	assert_int_equal(renew(w, der, len, MINT_NOW + AUTHORITY_LINEAGE_KEPT_S)->status, 200);
	world_free(w);
}

static void revoked_foreign_and_missing_certificates_get_nothing(void **state)
{
	struct world *w = world_new();
	struct minted root = mint_root("elsewhere");
	struct minted client = mint_client(&root, "shop");
	uint8_t *foreign = NULL;
	int foreign_len = i2d_X509(client.cert, &foreign);
	char first[CERT_THUMBPRINT_MAX];
	uint8_t der[4096];
	size_t len;

	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, first);
	len = newest(w, der, sizeof(der));
	assert_refused(renew(w, NULL, 0, MINT_NOW), 401, "certificate must be shown");
	assert_refused(renew(w, foreign, (size_t)foreign_len, MINT_NOW), 403, "not one of this");
	assert_refused(renew(w, der, len - 1, MINT_NOW), 403, "not one of this");
	assert_int_equal(authority_revoke(w->est.authority, first, 0, MINT_NOW, NULL), 1);
	assert_refused(renew(w, der, len, MINT_NOW), 403, "revoked");
	assert_string_equal(answer.thumbprint, first);
	assert_int_equal(authority_cert_count(w->est.authority), 1);
	OPENSSL_free(foreign);
	minted_done(&client);
	minted_done(&root);
	world_free(w);
}

/* SHA-1 of "abc", FIPS 180-4. */
static void shown_certificate_is_known_by_its_bytes_and_never_parsed(void **state)
{
	struct world *w = world_new();

	assert_refused(renew(w, (const uint8_t *)"abc", 3, MINT_NOW), 403, "not one of this");
	assert_string_equal(answer.thumbprint, "A9993E364706816ABA3E25717850C26C9CD0D89D");
	world_free(w);
}

/* ---- the rest ---- */

static void cacerts_are_all_own_roots(void **state)
{
	struct world *w = world_new();
	struct msg_est_request m = {.kind = MSG_EST_CACERTS, .peer = "192.0.2.9"};
	char root[CERT_THUMBPRINT_MAX];
	STACK_OF(X509) * certs;

	assert_int_equal(authority_rotate(w->est.authority, MINT_NOW, root, NULL), 0);
	assert_int_equal(ask_at(w, &m, MINT_NOW)->status, 200);
	assert_string_equal(answer.content_type, "application/pkcs7-mime");
	assert_int_equal(pkcs7_parse_base64(answer.body, strlen(answer.body), &certs, NULL), 0);
	assert_int_equal(sk_X509_num(certs), 2);
	sk_X509_pop_free(certs, X509_free);
	m.kind = MSG_EST_CSRATTRS;
	assert_int_equal(ask_at(w, &m, MINT_NOW)->status, 204);
	assert_null(answer.body);
	world_free(w);
}

static void cacerts_tell_of_the_operator_s_anchors_first(void **state)
{
	struct world *w = world_new();
	struct msg_est_request m = {.kind = MSG_EST_CACERTS, .peer = "192.0.2.9"};
	struct minted authority = mint_root("operator's");
	STACK_OF(X509) * certs;

	world_show(w, &authority);
	assert_int_equal(ask_at(w, &m, MINT_NOW)->status, 200);
	assert_int_equal(pkcs7_parse_base64(answer.body, strlen(answer.body), &certs, NULL), 0);
	assert_int_equal(sk_X509_num(certs), 2);
	assert_int_equal(X509_cmp(sk_X509_value(certs, 0), authority.cert), 0);
	sk_X509_pop_free(certs, X509_free);
	minted_done(&authority);
	world_free(w);
}

static void roots_digest_changes_with_the_anchor_and_not_with_the_certificate(void **state)
{
	struct world *w = world_new();
	struct minted authority = mint_root("operator's");
	char own[NETWORK_DIGEST_MAX], first[NETWORK_DIGEST_MAX], now[NETWORK_DIGEST_MAX];

	assert_int_equal(est_roots_digest(&w->est, MINT_NOW, own), 0);
	world_show(w, &authority);
	assert_int_equal(est_roots_digest(&w->est, MINT_NOW, first), 0);
	assert_string_not_equal(first, own);
	world_show(w, &authority);
	assert_int_equal(est_roots_digest(&w->est, MINT_NOW, now), 0);
	assert_string_equal(now, first);
	world_show(w, NULL);
	assert_int_equal(est_roots_digest(&w->est, MINT_NOW, now), 0);
	assert_string_not_equal(now, first);
	minted_done(&authority);
	world_free(w);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(token_gets_a_certificate_and_only_once),
		TEST(wrong_missing_and_expired_tokens_are_told_apart),
		TEST(malformed_and_foreign_requests_leave_the_token_open),
		TEST(address_with_many_wrong_tokens_has_to_wait_but_not_with_a_right_one),
		TEST(token_of_ours_that_was_used_or_has_expired_is_no_guess),
		TEST(B41_network_comes_with_the_certificate_when_it_is_asked_for),
		TEST(app_that_did_not_ask_for_its_network_was_not_handed_it),
		TEST(certificate_gets_the_next_one_and_both_stay_good),
		TEST(subject_of_a_renewal_is_the_present_one_whatever_the_request_says),
		TEST(certificate_that_asks_too_often_has_to_wait),
		TEST(revoked_foreign_and_missing_certificates_get_nothing),
		TEST(shown_certificate_is_known_by_its_bytes_and_never_parsed),
		TEST(cacerts_are_all_own_roots),
		TEST(cacerts_tell_of_the_operator_s_anchors_first),
		TEST(roots_digest_changes_with_the_anchor_and_not_with_the_certificate),
	};
	int failed = cmocka_run_group_tests_name("control/est", tests, NULL, scene_tear_down);

	est_answer_done(&answer);
	return failed;
}
