/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that are refused, by either end, and what both are told. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/ppp/eap_tls_plain.h"

enum {
	DAY = 86400,
};

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void assert_begins(const char *text, const char *with)
{
	if (strncmp(text, with, strlen(with)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", text, with);
}

static const struct testcert *client_cert(void)
{
	return eap_tls_rig_cert(
		&(struct testcert_spec){.common_name = "worker 7", .eku = "clientAuth"});
}

static void assert_no_keys(const struct eap_tls_rig *r)
{
	assert_null(eap_tls_msk(r->server));
	assert_null(eap_tls_msk(r->client));
	assert_null(eap_tls_client_name(r->server));
}

/* The server refuses the client: it sends its alert, hears the answer, and then gives up. */
static void check_client_refused(const struct eap_tls_rig_spec *spec, const char *reason,
				 const char *alert)
{
	char told[EAP_TLS_REASON_MAX];
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, spec);
	eap_tls_rig_run_until(&r, 5);
	assert_int_equal(r.server_result, EAP_TLS_MORE);
	assert_begins(eap_tls_reason(r.server), reason);
	assert_int_equal(strlen(eap_tls_thumbprint(r.server)), 40);
	assert_true(eap_tls_rig_step(&r));
	assert_int_equal(r.client_result, EAP_TLS_FAILED);
	assert_int_equal(r.len, 1);
	assert_int_equal(r.packet[0], 0);
	snprintf(told, sizeof(told), "the server sent TLS alert: %s", alert);
	assert_string_equal(eap_tls_reason(r.client), told);
	assert_false(eap_tls_has_refused_peer(r.client));
	assert_true(eap_tls_has_refused_peer(r.server));
	assert_false(eap_tls_rig_step(&r));
	assert_int_equal(r.server_result, EAP_TLS_FAILED);
	assert_begins(eap_tls_reason(r.server), reason);
	assert_no_keys(&r);
	eap_tls_rig_done(&r);
}

/* Both versions. */
static void check_client(struct eap_tls_rig_spec spec, const char *reason, const char *alert)
{
	for (int i = 0; i < 2; i++) {
		spec.version = versions[i];
		check_client_refused(&spec, reason, alert);
	}
}

static void client_of_another_root_is_refused(void **state)
{
	const struct testcert *cert = eap_tls_rig_cert(&(struct testcert_spec){
		.common_name = "worker 7", .eku = "clientAuth", .issuer = rig_other_root});

	check_client((struct eap_tls_rig_spec){.client = cert}, "certificate is of no known root",
		     "unknown CA");
}

static void expired_client_is_refused(void **state)
{
	const struct testcert *cert = eap_tls_rig_cert(&(struct testcert_spec){
		.eku = "clientAuth", .not_before_s = -2 * DAY, .not_after_s = -DAY});

	check_client((struct eap_tls_rig_spec){.client = cert}, "certificate has expired",
		     "certificate expired");
}

static void client_that_is_not_yet_valid_is_refused(void **state)
{
	const struct testcert *cert = eap_tls_rig_cert(&(struct testcert_spec){
		.eku = "clientAuth", .not_before_s = DAY, .not_after_s = 2 * DAY});

	check_client((struct eap_tls_rig_spec){.client = cert}, "certificate is not yet valid",
		     "bad certificate");
}

static void client_without_client_auth_is_refused(void **state)
{
	const struct testcert *cert =
		eap_tls_rig_cert(&(struct testcert_spec){.eku = "serverAuth"});

	check_client((struct eap_tls_rig_spec){.client = cert}, "no clientAuth",
		     "unsupported certificate");
}

static void revoked_client_is_refused(void **state)
{
	const struct testcert *cert = client_cert();

	for (int i = 0; i < 2; i++) {
		struct eap_tls_rig r;

		eap_tls_rig_init(
			&r, &(struct eap_tls_rig_spec){.version = versions[i], .client = cert});
		r.judge.revoked = cert;
		eap_tls_rig_run(&r);
		assert_int_equal(r.server_result, EAP_TLS_FAILED);
		assert_string_equal(eap_tls_reason(r.server), "certificate is revoked");
		assert_string_equal(eap_tls_reason(r.client),
				    "the server sent TLS alert: certificate revoked");
		assert_no_keys(&r);
		eap_tls_rig_done(&r);
	}
}

/* What a judge of one answer says. */
struct answer {
	bool accept;
	uint8_t alert;
	const char *sentence;
};

static bool judge_as_told(void *arg, X509 *leaf, STACK_OF(X509) * chain,
			  struct eap_tls_verdict *ret_verdict)
{
	const struct answer *answer = arg;

	assert_string_equal(ret_verdict->name, "");
	assert_string_equal(ret_verdict->thumbprint, "");
	assert_string_equal(ret_verdict->sentence, "");
	assert_int_equal(ret_verdict->alert, 0);
	memset(ret_verdict->thumbprint, 'A', 40);
	ret_verdict->alert = answer->alert;
	snprintf(ret_verdict->sentence, sizeof(ret_verdict->sentence), "%s", answer->sentence);
	return answer->accept;
}

static void the_judge_chooses_the_alert(void **state)
{
	static const struct {
		uint8_t alert;
		const char *name;
	} alerts[] = {
		{42, "bad certificate"},     {43, "unsupported certificate"},
		{44, "certificate revoked"}, {45, "certificate expired"},
		{46, "certificate unknown"}, {48, "unknown CA"},
		{80, "internal error"},	     {0, "certificate unknown"},
		{49, "certificate unknown"}, {255, "certificate unknown"},
	};

	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		struct answer answer = {.alert = alerts[i].alert, .sentence = "because"};

		check_client((struct eap_tls_rig_spec){.judge = judge_as_told, .arg = &answer},
			     "because", alerts[i].name);
	}
}

static void a_judge_without_words_is_given_some(void **state)
{
	struct answer answer = {.alert = 44, .sentence = ""};

	check_client((struct eap_tls_rig_spec){.judge = judge_as_told, .arg = &answer},
		     "certificate refused", "certificate revoked");
}

static void an_accepted_certificate_must_name_somebody(void **state)
{
	struct answer answer = {.accept = true, .sentence = ""};

	check_client((struct eap_tls_rig_spec){.judge = judge_as_told, .arg = &answer},
		     "certificate refused: it names nobody", "certificate unknown");
}

static void client_without_a_certificate_is_refused(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct plain p;

		plain_client_init(&p, versions[i], NULL);
		plain_until_server_finished(&p);
		assert_string_equal(eap_tls_reason(p.r.server), "the client sent no certificate");
		assert_int_equal(plain_handshake(&p) == 1, versions[i] == TLS1_3_VERSION);
		assert_int_equal(eap_tls_rig_input(&p.r, p.r.server), EAP_TLS_FAILED);
		assert_int_equal(p.r.len, 0);
		assert_string_equal(eap_tls_reason(p.r.server), "the client sent no certificate");
		assert_int_equal(p.r.judge.calls, 0);
		assert_no_keys(&p.r);
		plain_done(&p);
	}
}

/* A key whose public half is of one certificate and its private half of another. Returns owned. */
static EVP_PKEY *mixed_key(const struct testcert *public, const struct testcert *private)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params;
	unsigned char *point = NULL;
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *number = NULL;
	EVP_PKEY *key = NULL;
	size_t len;

	len = EVP_PKEY_get1_encoded_public_key(public->key, &point);
	assert_int_equal(EVP_PKEY_get_bn_param(private->key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, len);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, number);
	params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	OPENSSL_free(point);
	BN_free(number);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Somebody else's certificate: the signature shows it, after the judge was content. */
static void client_without_the_key_is_refused(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct testcert thief = *client_cert();
		struct plain p;

		thief.key = mixed_key(&thief, client_cert());
		plain_client_init(&p, versions[i], &thief);
		plain_until_server_finished(&p);
		assert_int_equal(p.r.judge.calls, 1);
		assert_string_equal(eap_tls_reason(p.r.server),
				    "TLS with the client failed: bad signature");
		assert_int_equal(eap_tls_rig_input(&p.r, p.r.server), EAP_TLS_FAILED);
		assert_no_keys(&p.r);
		plain_done(&p);
		EVP_PKEY_free(thief.key);
	}
}

/* Any answer to the alert ends it: also the beginning of a new handshake. */
static void every_answer_to_the_alert_ends_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} answers[] = {{"", 0}, {"\0", 1}, {"\x20", 1}, {"\0\x16\x03\x01", 4}, {"\x40", 1}};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct answer answer = {.alert = 44, .sentence = "because"};
		struct eap_tls_rig r;

		eap_tls_rig_init(
			&r, &(struct eap_tls_rig_spec){.judge = judge_as_told, .arg = &answer});
		eap_tls_rig_run_until(&r, 5);
		eap_tls_rig_put(&r, answers[i].bytes, answers[i].len);
		assert_int_equal(eap_tls_rig_input(&r, r.server), EAP_TLS_FAILED);
		assert_int_equal(r.len, 0);
		assert_string_equal(eap_tls_reason(r.server), "because");
		eap_tls_rig_done(&r);
	}
}

/* The client refuses the server: its alert is its answer, the server has nothing to add. */
static void check_server(struct eap_tls_rig_spec spec, const char *reason, const char *alert)
{
	char told[EAP_TLS_REASON_MAX];

	snprintf(told, sizeof(told), "the client sent TLS alert: %s", alert);
	for (int i = 0; i < 2; i++) {
		struct eap_tls_rig r;

		spec.version = versions[i];
		eap_tls_rig_init(&r, &spec);
		eap_tls_rig_run_until(&r, 4);
		assert_int_equal(r.client_result, EAP_TLS_FAILED);
		assert_in_range(r.len, 2, 64);
		assert_begins(eap_tls_reason(r.client), reason);
		assert_false(eap_tls_rig_step(&r));
		assert_int_equal(r.server_result, EAP_TLS_FAILED);
		assert_string_equal(eap_tls_reason(r.server), told);
		assert_true(eap_tls_has_refused_peer(r.client));
		assert_false(eap_tls_has_refused_peer(r.server));
		assert_int_equal(r.judge.calls, 0);
		assert_no_keys(&r);
		eap_tls_rig_done(&r);
	}
}

static const struct testcert *server_cert(const char *san, const char *eku)
{
	return eap_tls_rig_cert(
		&(struct testcert_spec){.common_name = "gateway.test", .san = san, .eku = eku});
}

static void server_of_another_root_is_refused(void **state)
{
	check_server((struct eap_tls_rig_spec){.trusted = rig_other_root},
		     "the server: certificate is not trusted: no known root issued CN=test (issuer "
		     "CN=root)",
		     "unknown CA");
}

static void expired_server_is_refused(void **state)
{
	const struct testcert *cert = eap_tls_rig_cert(&(struct testcert_spec){
		.san = "DNS:gateway.test", .not_before_s = -2 * DAY, .not_after_s = -DAY});

	check_server((struct eap_tls_rig_spec){.server = cert},
		     "the server: certificate has expired, it was valid until ",
		     "certificate expired");
}

static void server_that_is_not_yet_valid_is_refused(void **state)
{
	const struct testcert *cert = eap_tls_rig_cert(&(struct testcert_spec){
		.san = "DNS:gateway.test", .not_before_s = DAY, .not_after_s = 2 * DAY});

	check_server((struct eap_tls_rig_spec){.server = cert},
		     "the server: certificate is not yet valid", "bad certificate");
}

static void server_of_another_name_is_refused(void **state)
{
	check_server((struct eap_tls_rig_spec){.server_name = "other.test"},
		     "the server: hostname mismatch: certificate is for DNS:gateway.test",
		     "bad certificate");
	check_server((struct eap_tls_rig_spec){.server_name = "192.0.2.1"},
		     "the server: IP address mismatch: certificate is for DNS:gateway.test",
		     "bad certificate");
}

static void the_common_name_is_no_name(void **state)
{
	check_server((struct eap_tls_rig_spec){.server = server_cert(NULL, "serverAuth")},
		     "the server: hostname mismatch: certificate is for no name",
		     "bad certificate");
}

/* Another client of the same root, say. */
static void server_without_server_auth_is_refused(void **state)
{
	check_server(
		(struct eap_tls_rig_spec){.server = server_cert("DNS:gateway.test", "clientAuth")},
		"the server: certificate is not for a server (no serverAuth)",
		"unsupported certificate");
}

static void assert_accepted(const struct eap_tls_rig_spec *spec)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, spec);
	eap_tls_rig_run(&r);
	assert_string_equal(eap_tls_reason(r.client), "");
	assert_int_equal(r.client_result, EAP_TLS_DONE);
	assert_int_equal(r.server_result, EAP_TLS_DONE);
	eap_tls_rig_done(&r);
}

static void server_for_any_purpose_is_accepted(void **state)
{
	assert_accepted(&(struct eap_tls_rig_spec){
		.server = server_cert("DNS:gateway.test", "anyExtendedKeyUsage")});
	assert_accepted(
		&(struct eap_tls_rig_spec){.server = server_cert("DNS:gateway.test", NULL)});
}

static void server_is_known_by_its_address_too(void **state)
{
	assert_accepted(&(struct eap_tls_rig_spec){
		.server = server_cert("IP:192.0.2.1,IP:2001:db8::1", NULL),
		.server_name = "192.0.2.1"});
	assert_accepted(&(struct eap_tls_rig_spec){
		.server = server_cert("IP:192.0.2.1,IP:2001:db8::1", NULL),
		.server_name = "2001:db8::1"});
}

static void issuers_between_are_sent_and_judged(void **state)
{
	const struct testcert *middle = eap_tls_rig_cert(&(struct testcert_spec){
		.common_name = "middle", .is_ca = true, .issuer = rig_root});
	struct eap_tls_rig_spec spec = {
		.client = eap_tls_rig_cert(
			&(struct testcert_spec){.common_name = "worker 8", .issuer = middle}),
		.server = eap_tls_rig_cert(
			&(struct testcert_spec){.san = "DNS:gateway.test", .issuer = middle}),
	};
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &spec);
	eap_tls_rig_run(&r);
	assert_int_equal(r.server_result, EAP_TLS_DONE);
	assert_string_equal(eap_tls_client_name(r.server), "worker 8");
	assert_int_equal(r.judge.chain_len, 2);
	eap_tls_rig_done(&r);
}

static void chain_may_end_in_any_certificate_that_the_client_trusts(void **state)
{
	const struct testcert *middle = eap_tls_rig_cert(&(struct testcert_spec){
		.common_name = "middle", .is_ca = true, .issuer = rig_root});
	const struct testcert *server = eap_tls_rig_cert(
		&(struct testcert_spec){.san = "DNS:gateway.test", .issuer = middle});

	assert_accepted(&(struct eap_tls_rig_spec){.server = server, .trusted = middle});
	assert_accepted(&(struct eap_tls_rig_spec){.server = server, .trusted = server});
}

/* The names of authorities that the server sends. */
static int authorities_of(const struct testcert *authority, int version)
{
	struct eap_tls_rig_spec spec = {.authority = authority, .version = version};
	const STACK_OF(X509_NAME) * names;
	struct plain p;
	int n;

	plain_client_init(&p, version, client_cert());
	eap_tls_ctx_unref(p.r.server_ctx);
	eap_tls_free(p.r.server);
	p.r.server_ctx = eap_tls_rig_server_ctx(&spec, &p.r.judge);
	p.r.server = eap_tls_new(p.r.server_ctx, p.r.fragment_max);
	plain_until_server_finished(&p);
	names = SSL_get0_peer_CA_list(p.ssl);
	n = sk_X509_NAME_num(names);
	if (n > 0)
		assert_int_equal(X509_NAME_cmp(sk_X509_NAME_value(names, 0),
					       X509_get_subject_name(authority->cert)),
				 0);
	plain_done(&p);
	return n > 0 ? n : 0;
}

static void the_client_is_told_which_authorities_count(void **state)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(authorities_of(rig_root, versions[i]), 1);
		assert_int_equal(authorities_of(NULL, versions[i]), 0);
	}
}

static void versions_that_do_not_meet_are_refused(void **state)
{
	struct eap_tls_rig r, other;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){.version = TLS1_3_VERSION});
	eap_tls_rig_init(&other, &(struct eap_tls_rig_spec){.version = TLS1_2_VERSION});
	eap_tls_free(r.client);
	r.client = eap_tls_new(other.client_ctx, r.fragment_max);
	eap_tls_rig_run(&r);
	assert_int_equal(r.server_result, EAP_TLS_FAILED);
	assert_int_equal(r.client_result, EAP_TLS_FAILED);
	assert_string_equal(eap_tls_reason(r.server),
			    "TLS with the client failed: unsupported protocol");
	assert_string_equal(eap_tls_reason(r.client),
			    "the server sent TLS alert: protocol version");
	eap_tls_rig_done(&r);
	eap_tls_rig_done(&other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_of_another_root_is_refused),
		cmocka_unit_test(expired_client_is_refused),
		cmocka_unit_test(client_that_is_not_yet_valid_is_refused),
		cmocka_unit_test(client_without_client_auth_is_refused),
		cmocka_unit_test(revoked_client_is_refused),
		cmocka_unit_test(the_judge_chooses_the_alert),
		cmocka_unit_test(a_judge_without_words_is_given_some),
		cmocka_unit_test(an_accepted_certificate_must_name_somebody),
		cmocka_unit_test(client_without_a_certificate_is_refused),
		cmocka_unit_test(client_without_the_key_is_refused),
		cmocka_unit_test(every_answer_to_the_alert_ends_it),
		cmocka_unit_test(server_of_another_root_is_refused),
		cmocka_unit_test(expired_server_is_refused),
		cmocka_unit_test(server_that_is_not_yet_valid_is_refused),
		cmocka_unit_test(server_of_another_name_is_refused),
		cmocka_unit_test(the_common_name_is_no_name),
		cmocka_unit_test(server_without_server_auth_is_refused),
		cmocka_unit_test(server_for_any_purpose_is_accepted),
		cmocka_unit_test(server_is_known_by_its_address_too),
		cmocka_unit_test(issuers_between_are_sent_and_judged),
		cmocka_unit_test(chain_may_end_in_any_certificate_that_the_client_trusts),
		cmocka_unit_test(the_client_is_told_which_authorities_count),
		cmocka_unit_test(versions_that_do_not_meet_are_refused),
	};

	return cmocka_run_group_tests(tests, eap_tls_rig_setup, eap_tls_rig_teardown);
}
