/* SPDX-License-Identifier: Apache-2.0 */
/* The door's judge by a real authority's trust, at MINT_NOW: the linker gives time() to this test. */
#include "sstp/session/door.h"

#include <errno.h>
#include <openssl/ssl3.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs/twin.h"
#include "sstp/net/tls.h"
#include "sstp/ppp/eap_tls_internal.h"
#include "test/support/cmocka.h"
#include "test/support/testcert.h"
#include "test/unit/certs/scene.h"

enum {
	YEAR_S = 365 * 86400,
	SITES = 3,
};

time_t __wrap_time(time_t *ret);
time_t __wrap_time(time_t *ret)
{
	if (ret)
		*ret = MINT_NOW;
	return MINT_NOW;
}

/* A gateway: its authority, an external root for VNet "red", its TLS context and the door. */
struct house {
	struct authority *authority;
	struct minted hq;
	struct tls_ctx *tls;
	struct access *access;
	struct door door;
};

static struct house house;

/* What may come in by now is in house.access. */
static void renew_access(void)
{
	struct authority_export e;

	access_unref(house.access);
	assert_int_equal(authority_export(house.authority, MINT_NOW, &e), 0);
	assert_int_equal(access_new(&e, &house.access, NULL), 0);
}

/* And the door goes by it. */
static void reopen(void)
{
	char error[EAP_TLS_REASON_MAX] = "";

	renew_access();
	if (door_open(&house.door, house.access, house.tls, error) != 0)
		fail_msg("%s", error);
	assert_ptr_equal(house.door.access, house.access);
}

/* Two certificates: gateway.test, the default, and lab.test. */
static const struct testcert_spec sites[SITES] = {
	{.san = "DNS:gateway.test"},
	{.san = "DNS:gateway.test", .key = TESTCERT_RSA},
	{.san = "DNS:lab.test"},
};

static void make_tls_of(const struct testcert_spec specs[SITES])
{
	struct tls_pair pairs[SITES];
	char error[TLS_ERROR_MAX] = "";

	for (int i = 0; i < SITES; i++) {
		struct testcert *c = testcert_new(&specs[i]);

		pairs[i] = (struct tls_pair){.cert_file = "server",
					     .key_file = "server",
					     .cert_pem = testcert_chain_pem(c),
					     .key_pem = testcert_key_pem(c),
					     .tag = TLS_NO_TAG};
		testcert_free(c);
	}
	if (tls_ctx_new_server_of(pairs, SITES, &house.tls, error) != 0)
		fail_msg("%s", error);
	for (int i = 0; i < SITES; i++) {
		free((char *)pairs[i].cert_pem);
		free((char *)pairs[i].key_pem);
	}
}

static void make_tls(void)
{
	make_tls_of(sites);
}

static int set_up(void **state)
{
	char *pem;

	scene_set_up(state);
	house = (struct house){.authority = scene_open(MINT_NOW), .hq = mint_root("elsewhere")};
	pem = mint_pem(&house.hq);
	assert_int_equal(
		authority_import(house.authority, "hq", "red", pem, strlen(pem), MINT_NOW, NULL),
		0);
	free(pem);
	make_tls();
	reopen();
	return 0;
}

static int tear_down(void **state)
{
	door_close(&house.door);
	access_unref(house.access);
	tls_ctx_unref(house.tls);
	minted_done(&house.hq);
	authority_close(house.authority);
	return 0;
}

static bool judge(X509 *leaf, struct eap_tls_verdict *ret)
{
	const struct eap_tls_ctx *ctx = door_eap_tls(&house.door, NULL);

	*ret = (struct eap_tls_verdict){0};
	return ctx->judge(ctx->arg, leaf, NULL, ret);
}

/* The judge refuses leaf, with this alert and these words first. Takes leaf. */
static void refuses(struct minted leaf, int alert, const char *words)
{
	struct eap_tls_verdict v;
	char head[EAP_TLS_SENTENCE_MAX];

	assert_false(judge(leaf.cert, &v));
	snprintf(head, sizeof(head), "%.*s", (int)strlen(words), v.sentence);
	assert_string_equal(head, words);
	assert_int_equal(v.alert, alert);
	assert_string_equal(v.name, "");
	minted_done(&leaf);
}

static X509 *issue(const char *app, const char *vnet)
{
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert = NULL;

	assert_int_equal(authority_issue(house.authority, app, vnet, key, MINT_NOW, &cert, NULL),
			 0);
	EVP_PKEY_free(key);
	return cert;
}

static void thumbprint_of(const X509 *cert, char ret[CERT_THUMBPRINT_MAX])
{
	assert_int_equal(cert_thumbprint(cert, ret), 0);
}

/* ---- the judge ---- */

static void own_client_is_called_by_app_and_vnet(void **state)
{
	X509 *cert = issue("shop", "blue");
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct eap_tls_verdict v;

	reopen();
	thumbprint_of(cert, thumbprint);
	assert_true(judge(cert, &v));
	assert_string_equal(v.name, "shop@blue");
	assert_string_equal(v.thumbprint, thumbprint);
	assert_string_equal(v.sentence, "");
	X509_free(cert);
}

static void external_client_is_called_by_its_roots_vnet(void **state)
{
	struct mint spec = {.cn = "x",
			    .eku = "clientAuth",
			    .san = "email:bob@corp.example",
			    .issuer = &house.hq};
	struct minted plain = mint_client(&house.hq, "till-7"), mail = mint(&spec);
	struct eap_tls_verdict v;

	assert_true(judge(plain.cert, &v));
	assert_string_equal(v.name, "till-7@red");
	assert_true(judge(mail.cert, &v));
	assert_string_equal(v.name, "bob@corp.example@red");
	minted_done(&plain);
	minted_done(&mail);
}

static void no_certificate_is_malformed(void **state)
{
	refuses((struct minted){0}, SSL3_AD_BAD_CERTIFICATE,
		"malformed: the client has shown no certificate");
}

static void short_key_is_weak(void **state)
{
	struct mint spec = {
		.cn = "a", .eku = "clientAuth", .key = MINT_RSA_1024, .issuer = &house.hq};

	refuses(mint(&spec), SSL3_AD_BAD_CERTIFICATE, "weak key: its key is too short");
}

static void strangers_root_is_wrong(void **state)
{
	struct minted stranger = mint_root("stranger");

	refuses(mint_client(&stranger, "shop"), TLS1_AD_UNKNOWN_CA,
		"wrong root: it leads to none of the 2 trusted roots");
	minted_done(&stranger);
}

static void servers_certificate_is_no_clients(void **state)
{
	struct mint spec = {.cn = "a", .eku = "serverAuth", .issuer = &house.hq};

	refuses(mint(&spec), SSL3_AD_UNSUPPORTED_CERTIFICATE, "no clientAuth: ");
}

static void time_counts_at_both_ends(void **state)
{
	struct mint early = {
		.cn = "a", .eku = "clientAuth", .from = MINT_NOW + 1, .issuer = &house.hq};
	struct mint late = {.cn = "a",
			    .eku = "clientAuth",
			    .from = MINT_NOW - YEAR_S,
			    .to = MINT_NOW - 1,
			    .issuer = &house.hq};

	refuses(mint(&early), SSL3_AD_CERTIFICATE_EXPIRED,
		"not yet valid: not valid before 2026-11-23");
	refuses(mint(&late), SSL3_AD_CERTIFICATE_EXPIRED, "expired: expired on 2026-11-23");
}

static void revoked_certificate_is_refused_with_its_thumbprint(void **state)
{
	X509 *cert = issue("shop", "blue");
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct eap_tls_verdict v;

	thumbprint_of(cert, thumbprint);
	assert_int_equal(authority_revoke(house.authority, thumbprint, 0, MINT_NOW, NULL), 1);
	reopen();
	assert_false(judge(cert, &v));
	assert_string_equal(v.thumbprint, thumbprint);
	refuses((struct minted){.cert = cert}, SSL3_AD_CERTIFICATE_REVOKED,
		"revoked: the certificate is revoked: thumbprint ");
}

static void name_that_cannot_be_one_is_refused(void **state)
{
	refuses(mint_client(&house.hq, "*.shop"), SSL3_AD_CERTIFICATE_UNKNOWN,
		"unusable name: its common name holds a wildcard");
}

/* 250 bytes are a name for a certificate, but with "@" and the VNet's there are more than a user's may have. */
static void name_too_long_for_ppp_is_refused(void **state)
{
	char vnet[NAME_LABEL_MAX] = "", san[300] = "email:";
	struct minted root = mint_root("far away");
	struct mint spec = {.cn = "a", .eku = "clientAuth", .san = san, .issuer = &root};
	char *pem = mint_pem(&root);

	memset(vnet, 'v', sizeof(vnet) - 1);
	memset(san + strlen(san), 'n', 240);
	strcat(san, "@a.example");
	assert_int_equal(
		authority_import(house.authority, "far", vnet, pem, strlen(pem), MINT_NOW, NULL),
		0);
	reopen();
	refuses(mint(&spec), SSL3_AD_CERTIFICATE_UNKNOWN, "unusable name: it is too long");
	free(pem);
	minted_done(&root);
}

/* Our root signed it, but nobody has a record of it: the access is older. */
static void certificate_without_a_record_is_of_an_unknown_name(void **state)
{
	refuses((struct minted){.cert = issue("shop", "blue")}, SSL3_AD_CERTIFICATE_UNKNOWN,
		"name unknown: shop");
}

/* What came from a stranger's certificate may be long: the verdict is cut, not overrun. */
static void long_subject_is_cut(void **state)
{
	char cn[65] = "";
	struct minted stranger, leaf;
	struct eap_tls_verdict v;

	memset(cn, 'x', sizeof(cn) - 1);
	stranger = mint_root(cn);
	leaf = mint_client(&stranger, cn);
	assert_false(judge(leaf.cert, &v));
	assert_int_equal(strlen(v.sentence), strlen("wrong root: ") + 180);
	minted_done(&leaf);
	minted_done(&stranger);
}

/* ---- the door ---- */

static void door_without_access_is_closed(void **state)
{
	char error[EAP_TLS_REASON_MAX] = "";

	assert_non_null(door_eap_tls(&house.door, NULL));
	assert_int_equal(door_open(&house.door, NULL, house.tls, error), 0);
	assert_null(house.door.access);
	assert_null(door_eap_tls(&house.door, NULL));
	assert_string_equal(error, "");
	door_close(&house.door); /* twice */
}

/* One is made where what clients are shown is another: each certificate that is issued changes the access. */
static void context_stays_while_only_clients_change(void **state)
{
	struct eap_tls_ctx *first = house.door.eap_tls[0];
	X509 *cert = issue("shop", "blue");
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct eap_tls_verdict v;

	thumbprint_of(cert, thumbprint);
	assert_false(judge(cert, &v));
	reopen();
	assert_true(judge(cert, &v));
	assert_int_equal(authority_revoke(house.authority, thumbprint, 0, MINT_NOW, NULL), 1);
	reopen();
	assert_false(judge(cert, &v));
	assert_ptr_equal(house.door.eap_tls[0], first);
	X509_free(cert);
}

static void other_roots_and_another_certificate_make_a_new_context(void **state)
{
	struct eap_tls_ctx *first = eap_tls_ctx_ref(house.door.eap_tls[0]), *second;
	struct minted root = mint_root("beyond");
	char *pem = mint_pem(&root);

	assert_int_equal(
		authority_import(house.authority, "far", "red", pem, strlen(pem), MINT_NOW, NULL),
		0);
	reopen();
	assert_ptr_not_equal(house.door.eap_tls[0], first);
	second = eap_tls_ctx_ref(house.door.eap_tls[0]);
	tls_ctx_unref(house.tls);
	make_tls();
	reopen();
	assert_ptr_not_equal(house.door.eap_tls[0], second);
	eap_tls_ctx_unref(first);
	eap_tls_ctx_unref(second);
	minted_done(&root);
	free(pem);
}

static void shows(const char *dialled, const char *name)
{
	const struct eap_tls_ctx *ctx = door_eap_tls(&house.door, dialled);
	X509 *cert = SSL_CTX_get0_certificate(ctx->ssl);

	assert_int_equal(X509_check_host(cert, name, 0, 0, NULL), 1);
}

/* A client whose handshake began by the last certificates comes to the door that has the next ones. */
static void name_counts_and_not_the_place_that_it_had_before_a_reload(void **state)
{
	static const struct testcert_spec others[SITES] = {
		{.san = "DNS:gateway.test"}, {.san = "DNS:first.test"}, {.san = "DNS:lab.test"}};
	size_t before = tls_ctx_offer_of(house.tls, "lab.test");

	tls_ctx_unref(house.tls);
	make_tls_of(others);
	reopen();
	assert_int_not_equal(tls_ctx_offer_of(house.tls, "lab.test"), before);
	shows("lab.test", "lab.test");
	shows("first.test", "first.test");
}

static void each_offer_has_certificates_of_all_kinds_that_there_are(void **state)
{
	SSL_CTX *both = door_eap_tls(&house.door, NULL)->ssl,
		*one = door_eap_tls(&house.door, "lab.test")->ssl;

	/* OpenSSL has RSA first */
	assert_int_equal(SSL_CTX_set_current_cert(both, SSL_CERT_SET_FIRST), 1);
	assert_int_equal(EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(both)), EVP_PKEY_RSA);
	assert_int_equal(SSL_CTX_set_current_cert(both, SSL_CERT_SET_NEXT), 1);
	assert_int_equal(EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(both)), EVP_PKEY_EC);
	assert_int_equal(SSL_CTX_set_current_cert(both, SSL_CERT_SET_NEXT), 0);
	assert_int_equal(SSL_CTX_set_current_cert(one, SSL_CERT_SET_FIRST), 1);
	assert_int_equal(SSL_CTX_set_current_cert(one, SSL_CERT_SET_NEXT), 0);
}

static void each_offer_has_the_certificate_of_its_name(void **state)
{
	for (int i = 0; i < 2; i++) { /* made, and found */
		shows(NULL, "gateway.test");
		shows("gateway.test", "gateway.test");
		shows("unknown.test", "gateway.test");
		shows("Lab.Test", "lab.test");
	}
	assert_ptr_equal(door_eap_tls(&house.door, "lab.test")->judge,
			 door_eap_tls(&house.door, NULL)->judge);
	assert_ptr_equal(door_eap_tls(&house.door, "lab.test")->arg, &house.door);
}

/* One that no context can be made of: it has no certificate to show. Owned. */
static struct tls_ctx *useless_tls(void)
{
	struct tls_ctx *client;
	char error[TLS_ERROR_MAX];
	char *pem = mint_pem(&house.hq);

	assert_int_equal(tls_ctx_new_client_of(pem, &client, error), 0);
	free(pem);
	return client;
}

static void fails_to_open_with(struct access *access, struct tls_ctx *tls)
{
	char error[EAP_TLS_REASON_MAX] = "";

	assert_int_equal(door_open(&house.door, access, tls, error), -EINVAL);
	assert_string_equal(error, "there is no certificate to show");
}

static void door_with_nothing_to_show_stays_closed_with_a_sentence(void **state)
{
	struct tls_ctx *client = useless_tls();

	door_close(&house.door);
	fails_to_open_with(house.access, client);
	assert_null(house.door.eap_tls);
	reopen();
	assert_non_null(house.door.eap_tls);
	tls_ctx_unref(client);
}

/* What cannot be shown changes nothing of what is; but who is revoked meanwhile stays outside, and the next one is tried. */
static void old_context_stays_when_there_can_be_no_new_one(void **state)
{
	struct eap_tls_ctx *first = eap_tls_ctx_ref(house.door.eap_tls[0]);
	X509 *shop = issue("shop", "blue"), *till = issue("till", "blue");
	struct tls_ctx *client = useless_tls();
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct eap_tls_verdict v;

	thumbprint_of(shop, thumbprint);
	assert_int_equal(authority_revoke(house.authority, thumbprint, 0, MINT_NOW, NULL), 1);
	renew_access();
	fails_to_open_with(house.access, client);
	assert_ptr_equal(house.door.eap_tls[0], first);
	assert_ptr_equal(house.door.access, house.access);
	assert_false(judge(shop, &v));
	assert_true(judge(till, &v));
	fails_to_open_with(house.access, client);
	reopen();
	assert_ptr_equal(house.door.eap_tls[0], first);
	eap_tls_ctx_unref(first);
	tls_ctx_unref(client);
	X509_free(shop);
	X509_free(till);
}

/* A handshake that began before keeps the context, and its judge is asked afterwards. */
static void handshake_that_outlives_the_access_is_refused(void **state)
{
	struct minted client = mint_client(&house.hq, "till-7");
	struct eap_tls_ctx *kept = eap_tls_ctx_ref(house.door.eap_tls[0]);
	struct eap_tls_verdict v = {0};
	char error[EAP_TLS_REASON_MAX] = "";

	assert_int_equal(door_open(&house.door, NULL, house.tls, error), 0);
	assert_false(kept->judge(kept->arg, client.cert, NULL, &v));
	assert_int_equal(v.alert, SSL3_AD_CERTIFICATE_UNKNOWN);
	assert_string_equal(v.sentence, "nobody has a certificate here");
	eap_tls_ctx_unref(kept);
	minted_done(&client);
}

static void vnet_is_what_stands_behind_the_last_at_sign(void **state)
{
	char vnet[NAME_LABEL_MAX] = "unset";
	char name[NAME_LABEL_MAX + 8] = "a@";

	assert_true(door_vnet("shop@blue", vnet));
	assert_string_equal(vnet, "blue");
	assert_true(door_vnet("bob@corp.example@red", vnet));
	assert_string_equal(vnet, "red");
	assert_false(door_vnet("alice", vnet));
	memset(name + 2, 'v', NAME_LABEL_MAX - 1);
	assert_true(door_vnet(name, vnet));
	assert_int_equal(strlen(vnet), NAME_LABEL_MAX - 1);
	name[2 + NAME_LABEL_MAX - 1] = 'v';
	assert_false(door_vnet(name, vnet));
}

/* ---- sessions that are up ---- */

/* Somebody who is in. */
struct guest {
	char thumbprint[EAP_TLS_THUMBPRINT_MAX + 1];
	uint8_t memo[LINK_MEMO_SIZE];
};

/* Takes leaf, which the door takes too. */
static struct guest let_in(struct minted leaf)
{
	struct eap_tls_verdict v;
	struct guest g;

	assert_true(judge(leaf.cert, &v));
	memcpy(g.thumbprint, v.thumbprint, sizeof(g.thumbprint));
	memcpy(g.memo, v.memo, sizeof(g.memo));
	minted_done(&leaf);
	return g;
}

static const char *judge_again(const struct guest *g, int64_t now)
{
	return door_judge_again(&house.door, g->memo, g->thumbprint, now);
}

static struct guest let_in_own(void)
{
	X509 *cert = issue("shop", "blue");

	reopen();
	return let_in((struct minted){.cert = cert});
}

static void live_certificates_stay(void **state)
{
	struct guest own = let_in_own(), external = let_in(mint_client(&house.hq, "till-7"));

	reopen();
	assert_null(judge_again(&own, MINT_NOW));
	assert_null(judge_again(&external, MINT_NOW));
}

static void nobody_stays_where_nobody_has_a_certificate(void **state)
{
	struct guest own = let_in_own();
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(door_open(&house.door, NULL, house.tls, error), 0);
	assert_string_equal(judge_again(&own, MINT_NOW), "nobody has a certificate here any more");
}

static const char was_revoked[] = "the client's certificate, or an issuer's, was revoked";

static void revoked_certificates_go(void **state)
{
	struct guest own = let_in_own(), external = let_in(mint_client(&house.hq, "till-7"));

	assert_int_equal(authority_revoke(house.authority, own.thumbprint, 0, MINT_NOW, NULL), 1);
	reopen();
	assert_string_equal(judge_again(&own, MINT_NOW), was_revoked);
	assert_null(judge_again(&external, MINT_NOW));
	assert_int_equal(authority_revoke(house.authority, external.thumbprint,
					  AUTHORITY_REVOKE_FOREIGN, MINT_NOW, NULL),
			 0);
	reopen();
	assert_string_equal(judge_again(&external, MINT_NOW), was_revoked);
}

/* Who came in by the other form of a certificate goes with it. */
static void twin_of_a_revoked_certificate_goes(void **state)
{
	struct minted client = mint_client(&house.hq, "till-7");
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct guest g;
	X509 *twin;

	thumbprint_of(client.cert, thumbprint);
	assert_int_equal(twin_of(client.cert, house.hq.key, &twin), 0);
	g = let_in((struct minted){.cert = twin});
	assert_string_not_equal(g.thumbprint, thumbprint);
	assert_int_equal(authority_revoke(house.authority, thumbprint, AUTHORITY_REVOKE_FOREIGN,
					  MINT_NOW, NULL),
			 0);
	reopen();
	assert_string_equal(judge_again(&g, MINT_NOW), was_revoked);
	minted_done(&client);
}

static const char root_dropped[] = "the root of the client's certificate was dropped";

static void clients_of_a_dropped_external_root_go(void **state)
{
	struct guest own = let_in_own(), external = let_in(mint_client(&house.hq, "till-7"));
	char thumbprint[CERT_THUMBPRINT_MAX];

	thumbprint_of(house.hq.cert, thumbprint);
	assert_in_range(authority_drop_root(house.authority, thumbprint, MINT_NOW, NULL), 0, 1);
	reopen();
	assert_string_equal(judge_again(&external, MINT_NOW), root_dropped);
	assert_null(judge_again(&own, MINT_NOW));
}

static void clients_of_a_dropped_own_root_go(void **state)
{
	struct guest own = let_in_own();
	char other[CERT_THUMBPRINT_MAX];
	struct authority_root_info root;

	authority_root_at(house.authority, 0, MINT_NOW, &root);
	assert_true(root.is_own);
	assert_int_equal(authority_rotate(house.authority, MINT_NOW, other, NULL), 0);
	assert_int_equal(
		authority_drop_root(house.authority, root.facts.thumbprint, MINT_NOW, NULL), 1);
	reopen();
	assert_string_equal(judge_again(&own, MINT_NOW), root_dropped);
}

static void certificates_go_when_they_expire(void **state)
{
	struct mint spec = {
		.cn = "till-7", .eku = "clientAuth", .to = MINT_NOW + 60, .issuer = &house.hq};
	struct guest g = let_in(mint(&spec));

	assert_int_equal(door_not_after(g.memo), MINT_NOW + 60);
	assert_null(judge_again(&g, MINT_NOW + 60));
	assert_string_equal(judge_again(&g, MINT_NOW + 61),
			    "the client's certificate, or an issuer's, has expired");
}

/* As after a restore of an authority that is older than the certificate. */
static void own_certificate_without_a_record_goes(void **state)
{
	struct access *before = access_ref(house.access);
	struct guest own = let_in_own();
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(door_open(&house.door, before, house.tls, error), 0);
	assert_string_equal(judge_again(&own, MINT_NOW),
			    "the client's certificate has no record any more");
	access_unref(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(own_client_is_called_by_app_and_vnet),
		TEST(external_client_is_called_by_its_roots_vnet),
		TEST(no_certificate_is_malformed),
		TEST(short_key_is_weak),
		TEST(strangers_root_is_wrong),
		TEST(servers_certificate_is_no_clients),
		TEST(time_counts_at_both_ends),
		TEST(revoked_certificate_is_refused_with_its_thumbprint),
		TEST(name_that_cannot_be_one_is_refused),
		TEST(name_too_long_for_ppp_is_refused),
		TEST(certificate_without_a_record_is_of_an_unknown_name),
		TEST(long_subject_is_cut),
		TEST(door_without_access_is_closed),
		TEST(context_stays_while_only_clients_change),
		TEST(other_roots_and_another_certificate_make_a_new_context),
		TEST(each_offer_has_the_certificate_of_its_name),
		TEST(name_counts_and_not_the_place_that_it_had_before_a_reload),
		TEST(each_offer_has_certificates_of_all_kinds_that_there_are),
		TEST(door_with_nothing_to_show_stays_closed_with_a_sentence),
		TEST(old_context_stays_when_there_can_be_no_new_one),
		TEST(handshake_that_outlives_the_access_is_refused),
		TEST(vnet_is_what_stands_behind_the_last_at_sign),
		TEST(live_certificates_stay),
		TEST(nobody_stays_where_nobody_has_a_certificate),
		TEST(revoked_certificates_go),
		TEST(twin_of_a_revoked_certificate_goes),
		TEST(clients_of_a_dropped_external_root_go),
		TEST(clients_of_a_dropped_own_root_go),
		TEST(certificates_go_when_they_expire),
		TEST(own_certificate_without_a_record_goes),
	};

	return cmocka_run_group_tests_name("session/door", tests, NULL, scene_tear_down);
}
