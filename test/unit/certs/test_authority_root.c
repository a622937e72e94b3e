/* SPDX-License-Identifier: Apache-2.0 */
/* Roots side by side, external ones, the gateway's own certificate, and the export. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority.h"
#include "certs/encoding.h"
#include "certs/key.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

enum {
	DAY = 86400,
};

static const char *const names[] = {"gateway.example", "192.0.2.1", "2001:db8::1"};
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

static struct authority_root_info root_at(size_t index, int64_t now)
{
	struct authority_root_info info;

	authority_root_at(a, index, now, &info);
	return info;
}

/* The certificate itself, owned. */
static X509 *cert_of(const char *thumbprint)
{
	int index = authority_cert_find(a, thumbprint);
	X509 *cert;

	assert_true(index >= 0);
	assert_int_equal(encoding_from_blob(authority_cert_blob(a, (size_t)index), &cert, NULL), 0);
	return cert;
}

static struct trust *exported_trust(int64_t now)
{
	struct authority_export e;
	struct certs_error error;
	struct trust *t = NULL;

	assert_int_equal(authority_export(a, now, &e), 0);
	if (authority_export_trust(&e, &t, &error) != 0)
		fail_msg("%s", error.text);
	authority_export_done(&e);
	return t;
}

static enum trust_reason judged(const char *thumbprint, int64_t now)
{
	struct trust *t = exported_trust(now);
	X509 *cert = cert_of(thumbprint);
	struct trust_verdict v;

	trust_judge(t, cert, NULL, now, &v);
	X509_free(cert);
	trust_unref(t);
	return v.reason;
}

static void a_new_root_issues_and_the_old_one_stays_trusted(void **state)
{
	char old[CERT_THUMBPRINT_MAX], new[CERT_THUMBPRINT_MAX], root[CERT_THUMBPRINT_MAX];
	struct authority_cert_info info;

	scene_issue(a, "shop", "production", MINT_NOW, old);
	assert_int_equal(authority_rotate(a, MINT_NOW, root, NULL), 0);
	scene_issue(a, "shop", "production", MINT_NOW, new);
	assert_int_equal(authority_root_count(a), 2);
	assert_string_equal(root_at(1, MINT_NOW).facts.thumbprint, root);
	assert_true(root_at(1, MINT_NOW).is_issuing);
	assert_false(root_at(1, MINT_NOW).is_serving);
	assert_true(root_at(0, MINT_NOW).is_serving);
	assert_int_equal(root_at(0, MINT_NOW).live, 1);
	assert_int_equal(root_at(1, MINT_NOW).live, 1);
	authority_cert_at(a, 1, MINT_NOW, &info);
	assert_string_equal(info.root, root_at(1, MINT_NOW).name);
	assert_int_equal(judged(old, MINT_NOW), TRUST_OK);
	assert_int_equal(judged(new, MINT_NOW), TRUST_OK);
}

static void dropping_a_root_says_whom_it_cuts(void **state)
{
	char live[CERT_THUMBPRINT_MAX], revoked[CERT_THUMBPRINT_MAX], new[CERT_THUMBPRINT_MAX];
	char root[CERT_THUMBPRINT_MAX];
	char old_root[CERT_THUMBPRINT_MAX];
	struct certs_error error;

	memcpy(old_root, root_at(0, MINT_NOW).facts.thumbprint, sizeof(old_root));
	scene_issue(a, "shop", "production", MINT_NOW, live);
	scene_issue(a, "shop", "production", MINT_NOW, revoked);
	assert_int_equal(authority_revoke(a, revoked, 0, MINT_NOW, NULL), 1);
	assert_int_equal(authority_drop_root(a, old_root, MINT_NOW, &error), -EBUSY);
	assert_non_null(strstr(error.text, " is the root that issues: make a new one first"));
	assert_int_equal(authority_rotate(a, MINT_NOW, root, NULL), 0);
	scene_issue(a, "stock", "production", MINT_NOW, new);
	assert_int_equal(authority_drop_root(a, old_root, MINT_NOW, NULL), 1);
	assert_int_equal(authority_drop_root(a, old_root, MINT_NOW, &error), -ENOENT);
	assert_int_equal(authority_drop_root(a, "xyz", MINT_NOW, &error), -EINVAL);
	assert_int_equal(scene_count("root-"), 1);
	assert_int_equal(judged(live, MINT_NOW), TRUST_WRONG_ROOT);
	assert_int_equal(judged(new, MINT_NOW), TRUST_OK);
	scene_assert_status(a, live, MINT_NOW, CERT_OUT_OF_SYNC);
}

static void twenty_roots_are_enough(void **state)
{
	char root[CERT_THUMBPRINT_MAX] = "before";
	struct minted m = mint_root("external");
	char *pem = mint_pem(&m);
	struct certs_error error;

	for (int i = 1; i < AUTHORITY_ROOTS_MAX; i++)
		assert_int_equal(authority_rotate(a, MINT_NOW, root, NULL), 0);
	assert_int_equal(authority_rotate(a, MINT_NOW, root, &error), -ENOSPC);
	assert_string_equal(error.text, "there are 20 roots, and no room for another: drop one");
	assert_int_equal(authority_import(a, "lab", "lab", pem, strlen(pem), MINT_NOW, NULL),
			 -ENOSPC);
	a = scene_again(a, MINT_NOW);
	assert_int_equal(authority_root_count(a), AUTHORITY_ROOTS_MAX);
	free(pem);
	minted_done(&m);
}

/* ---- external roots ---- */

static int import(const char *name, const char *vnet, const struct minted *m,
		  struct certs_error *ret_error)
{
	char *pem = mint_pem(m);
	int err = authority_import(a, name, vnet, pem, strlen(pem), MINT_NOW, ret_error);

	free(pem);
	return err;
}

static void clients_of_an_external_root_belong_to_its_vnet(void **state)
{
	struct minted m = mint_root("external"), client = mint_client(&m, "partner");
	struct trust_verdict v;
	struct trust *t;
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(import("partners", "lab", &m, NULL), 0);
	a = scene_again(a, MINT_NOW);
	assert_false(root_at(1, MINT_NOW).is_own);
	assert_false(root_at(1, MINT_NOW).is_issuing);
	assert_string_equal(root_at(1, MINT_NOW).vnet, "lab");
	t = exported_trust(MINT_NOW);
	assert_int_equal(trust_judge(t, client.cert, NULL, MINT_NOW, &v), TRUST_OK);
	assert_string_equal(v.name, "partner");
	assert_string_equal(v.root, "partners");
	assert_string_equal(v.vnet, "lab");
	trust_unref(t);
	assert_int_equal(
		authority_revoke(a, v.thumbprint, AUTHORITY_REVOKE_FOREIGN, MINT_NOW, NULL), 0);
	a = scene_again(a, MINT_NOW);
	t = exported_trust(MINT_NOW);
	assert_int_equal(trust_judge(t, client.cert, NULL, MINT_NOW, &v), TRUST_REVOKED);
	trust_unref(t);
	assert_int_equal(cert_thumbprint(m.cert, thumbprint), 0);
	assert_int_equal(authority_drop_root(a, thumbprint, MINT_NOW, NULL), 0);
	assert_int_equal(authority_root_count(a), 1);
	minted_done(&client);
	minted_done(&m);
}

static void what_cannot_be_a_root_is_not_imported(void **state)
{
	struct minted m = mint_root("external"), client = mint_client(&m, "partner");
	struct minted other = mint_root("other");
	struct certs_error error;

	assert_int_equal(import("a b", "lab", &m, &error), -EINVAL);
	assert_string_equal(error.text, "'a b' is no name for a root: 1 to 64 letters, digits, "
					"'-', '_' and '.'");
	assert_int_equal(import("partners", "", &m, NULL), -EINVAL);
	assert_int_equal(import("partners", "lab", &client, &error), -EINVAL);
	assert_string_equal(error.text,
			    "it cannot be a root: its basic constraints do not say CA:TRUE");
	assert_int_equal(authority_import(a, "partners", "lab", "x", 1, MINT_NOW, &error), -EINVAL);
	assert_string_equal(error.text, "there is no certificate in PEM");
	assert_int_equal(import("partners", "lab", &m, NULL), 0);
	assert_int_equal(import("Partners", "lab", &other, &error), -EEXIST);
	assert_string_equal(error.text, "there is a root called partners already");
	assert_int_equal(import("others", "lab", &m, &error), -EEXIST);
	assert_string_equal(error.text, "this root is there already, and is called partners");
	assert_int_equal(import(root_at(0, MINT_NOW).name, "lab", &other, NULL), -EEXIST);
	assert_int_equal(authority_root_count(a), 2);
	minted_done(&other);
	minted_done(&client);
	minted_done(&m);
}

static void cacerts_are_our_own_roots(void **state)
{
	struct minted m = mint_root("external");
	char root[CERT_THUMBPRINT_MAX], found[CERT_THUMBPRINT_MAX];
	struct stack_st_X509 *certs;
	X509 *cert;

	assert_int_equal(import("partners", "lab", &m, NULL), 0);
	assert_int_equal(authority_rotate(a, MINT_NOW, root, NULL), 0);
	assert_int_equal(authority_cacerts(a, &certs), 0);
	assert_int_equal(sk_X509_num(certs), 2);
	assert_int_equal(cert_thumbprint(sk_X509_value(certs, 1), found), 0);
	assert_string_equal(found, root);
	assert_int_equal(encoding_from_blob(authority_root_blob(a, 0), &cert, NULL), 0);
	assert_int_equal(X509_cmp(cert, sk_X509_value(certs, 0)), 0);
	X509_free(cert);
	sk_X509_pop_free(certs, X509_free);
	minted_done(&m);
}

/* ---- the gateway's own certificate ---- */

static struct authority_server served(size_t n, int64_t now)
{
	struct authority_server server;
	struct certs_error error;

	if (authority_server(a, names, n, now, &server, &error) != 0)
		fail_msg("%s", error.text);
	return server;
}

/* Who asked before gets the same one. */
static void assert_served(size_t n, int64_t now, bool is_new, char thumbprint[CERT_THUMBPRINT_MAX])
{
	struct authority_server server = served(n, now);

	assert_int_equal(server.is_new, is_new);
	if (is_new)
		assert_string_not_equal(server.thumbprint, thumbprint);
	else
		assert_string_equal(server.thumbprint, thumbprint);
	memcpy(thumbprint, server.thumbprint, CERT_THUMBPRINT_MAX);
	authority_server_done(&server);
}

static void the_chain_ends_with_the_root_that_tokens_pin(void **state)
{
	struct authority_server server = served(3, MINT_NOW);
	uint8_t pin[CERT_FINGERPRINT_SIZE], found[CERT_FINGERPRINT_SIZE];
	struct stack_st_X509 *chain;
	EVP_PKEY *key;

	assert_int_equal(
		encoding_chain_from_pem(server.chain_pem, strlen(server.chain_pem), &chain, NULL),
		0);
	assert_int_equal(sk_X509_num(chain), 2);
	assert_int_equal(key_from_pem(server.key_pem, strlen(server.key_pem), &key, NULL), 0);
	assert_int_equal(X509_check_private_key(sk_X509_value(chain, 0), key), 1);
	assert_int_equal(
		X509_verify(sk_X509_value(chain, 0), X509_get0_pubkey(sk_X509_value(chain, 1))), 1);
	assert_int_equal(authority_pin(a, MINT_NOW, pin, NULL), 0);
	assert_int_equal(cert_fingerprint(sk_X509_value(chain, 1), found), 0);
	assert_memory_equal(pin, found, sizeof(pin));
	assert_int_equal(server.not_after, mint_time(2028, 11, 23, 11, 0, 0));
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	authority_server_done(&server);
}

static void a_server_certificate_is_made_anew_when_it_has_to_be(void **state)
{
	static const char *const turned[] = {"2001:DB8:0::1", "GATEWAY.example", "192.0.2.1"};
	char thumbprint[CERT_THUMBPRINT_MAX] = "";
	int64_t near = mint_time(2028, 5, 23, 11, 0, 1);
	struct authority_server server;

	assert_served(3, MINT_NOW, true, thumbprint);
	assert_served(3, MINT_NOW, false, thumbprint);
	a = scene_again(a, MINT_NOW);
	assert_served(3, near - 1, false, thumbprint);
	assert_int_equal(authority_server(a, turned, 3, near - 1, &server, NULL), 0);
	assert_string_equal(server.thumbprint, thumbprint);
	authority_server_done(&server);
	assert_served(3, near, true, thumbprint);
	assert_served(2, near, true, thumbprint);
	assert_served(3, near, true, thumbprint);
	assert_int_equal(scene_count("server-"), 1);
}

static void a_certificate_that_its_root_cut_short_is_kept(void **state)
{
	int64_t end = mint_time(2046, 11, 23, 11, 0, 0);
	char thumbprint[CERT_THUMBPRINT_MAX] = "";
	struct authority_server_info info;

	assert_served(1, end - 100 * DAY, true, thumbprint);
	assert_served(1, end - 50 * DAY, false, thumbprint);
	assert_int_equal(authority_server_show(a, end - 50 * DAY, &info), 0);
	assert_int_equal(info.facts.not_after, end);
	assert_int_equal(info.status, CERT_NEAR_EXPIRY);
	assert_served(1, end, false, thumbprint);
}

static void without_a_root_in_force_nothing_is_served(void **state)
{
	int64_t end = mint_time(2046, 11, 23, 11, 0, 0);
	uint8_t pin[CERT_FINGERPRINT_SIZE];
	struct authority_server server;
	struct certs_error error;

	assert_int_equal(authority_server(a, names, 1, end + 1, &server, &error), -EKEYEXPIRED);
	assert_non_null(strstr(error.text, " ended on 2046-11-23T11:00:00Z, and the clock says "
					   "2046-11-23T11:00:01Z: set the clock, or make a new"));
	assert_int_equal(authority_server(a, names, 1, 1000, &server, &error), -EKEYEXPIRED);
	assert_non_null(strstr(error.text, " begins on 2026-11-23T11:00:00Z, and the clock says "
					   "1970-01-01T00:16:40Z: "));
	assert_int_equal(authority_pin(a, end + 1, pin, NULL), -EKEYEXPIRED);
}

/* 1: it is made; 0: it was not needed */
static int kept(int64_t now)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct certs_error error;
	int r = authority_keep_root(a, now, thumbprint, &error);

	if (r < 0)
		fail_msg("%s", error.text);
	if (r > 0)
		assert_string_equal(root_at(authority_root_count(a) - 1, now).facts.thumbprint,
				    thumbprint);
	return r;
}

static void a_root_is_followed_by_another_before_it_can_issue_no_more(void **state)
{
	int64_t last = mint_time(2038, 5, 23, 11, 0, 0);
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(kept(MINT_NOW), 0);
	assert_int_equal(root_at(0, MINT_NOW).issues_until, mint_time(2038, 11, 23, 11, 0, 0));
	assert_int_equal(kept(last), 0);
	assert_int_equal(kept(last + 1), 1);
	assert_int_equal(kept(last + 1), 0);
	assert_int_equal(authority_root_count(a), 2);
	assert_true(root_at(0, last + 1).is_serving);
	assert_true(root_at(1, last + 1).is_issuing);
	scene_issue(a, "shop", "production", mint_time(2040, 1, 1, 0, 0, 0), thumbprint);
}

static void a_root_that_has_ended_is_followed_by_another(void **state)
{
	int64_t end = mint_time(2046, 11, 23, 11, 0, 0);
	char thumbprint[CERT_THUMBPRINT_MAX] = "";

	assert_int_equal(kept(end + 1), 1);
	assert_served(1, end + 1, true, thumbprint);
	scene_issue(a, "shop", "production", end + 1, thumbprint);
}

/* A machine without a clock of its own starts in 1970, each time. */
static void a_root_that_begins_later_is_helped_out_by_another_one(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX] = "";

	assert_int_equal(kept(1000), 1);
	assert_served(1, 1000, true, thumbprint);
	assert_true(root_at(1, 1000).is_issuing);
	assert_int_equal(kept(1001), 0);
	assert_int_equal(kept(MINT_NOW), 0);
	assert_true(root_at(0, MINT_NOW).is_issuing && root_at(0, MINT_NOW).is_serving);
	assert_served(1, MINT_NOW, true, thumbprint);
	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	a = scene_again(a, 1000);
	assert_int_equal(kept(1000), 0);
	assert_int_equal(kept(MINT_NOW), 0);
	assert_int_equal(authority_root_count(a), 2);
}

static void names_of_a_server_are_checked(void **state)
{
	const char *const bad[] = {"a b"}, *const twice[] = {"a.example", "a.example"};
	struct authority_server server;
	struct certs_error error;

	assert_int_equal(authority_server(a, bad, 1, MINT_NOW, &server, &error), -EINVAL);
	assert_string_equal(error.text, "'a b' is neither a DNS name nor an address");
	assert_int_equal(authority_server(a, twice, 2, MINT_NOW, &server, NULL), -EINVAL);
	assert_int_equal(authority_server(a, NULL, 0, MINT_NOW, &server, NULL), -EINVAL);
	assert_int_equal(authority_server_show(a, MINT_NOW, &(struct authority_server_info){0}),
			 -ENOENT);
}

/* Workers that know only the old root find it, until it is dropped: then the new one serves. */
static void the_old_root_serves_until_it_is_dropped(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX] = "", root[CERT_THUMBPRINT_MAX];
	char old_root[CERT_THUMBPRINT_MAX];
	struct authority_server_info info;

	memcpy(old_root, root_at(0, MINT_NOW).facts.thumbprint, sizeof(old_root));
	assert_served(1, MINT_NOW, true, thumbprint);
	assert_int_equal(authority_rotate(a, MINT_NOW, root, NULL), 0);
	assert_served(1, MINT_NOW, false, thumbprint);
	assert_int_equal(authority_drop_root(a, old_root, MINT_NOW, NULL), 0);
	assert_int_equal(authority_server_show(a, MINT_NOW, &info), 0);
	assert_int_equal(info.status, CERT_OUT_OF_SYNC);
	assert_string_equal(info.root, "");
	assert_served(1, MINT_NOW, true, thumbprint);
	assert_int_equal(authority_server_show(a, MINT_NOW, &info), 0);
	assert_int_equal(info.status, CERT_VALID);
	assert_string_equal(info.root, root_at(0, MINT_NOW).name);
}

static void an_old_root_near_its_end_serves_no_longer(void **state)
{
	int64_t near = mint_time(2046, 5, 23, 11, 0, 1);
	char thumbprint[CERT_THUMBPRINT_MAX] = "", root[CERT_THUMBPRINT_MAX];

	assert_served(1, near - 1, true, thumbprint);
	assert_int_equal(authority_rotate(a, near - 1, root, NULL), 0);
	assert_true(root_at(0, near - 1).is_serving);
	assert_true(root_at(1, near).is_serving);
	assert_served(1, near, true, thumbprint);
}

/* ---- the export ---- */

static void the_export_has_roots_revocations_clients_and_apps(void **state)
{
	char shop[2][CERT_THUMBPRINT_MAX], stock[CERT_THUMBPRINT_MAX], gone[CERT_THUMBPRINT_MAX];
	const char *foreign = "00112233445566778899AABBCCDDEEFF00112233";
	const struct authority_export_client *client;
	struct minted m = mint_root("external");
	struct authority_export e;

	assert_int_equal(import("partners", "lab", &m, NULL), 0);
	scene_issue(a, "shop", "production", MINT_NOW, shop[0]);
	scene_issue(a, "SHOP", "Production", MINT_NOW, shop[1]);
	scene_issue(a, "gone", "production", MINT_NOW, gone);
	scene_issue(a, "stock", "lab", MINT_NOW, stock);
	assert_int_equal(authority_revoke(a, gone, 0, MINT_NOW, NULL), 1);
	assert_int_equal(authority_revoke(a, foreign, AUTHORITY_REVOKE_FOREIGN, MINT_NOW, NULL), 0);
	assert_int_equal(authority_export(a, MINT_NOW, &e), 0);
	assert_int_equal(e.n_roots, 2);
	assert_string_equal(e.roots[0].vnet, "");
	assert_string_equal(e.roots[1].name, "partners");
	assert_string_equal(e.roots[1].vnet, "lab");
	assert_int_equal(e.n_revoked, 2);
	assert_true(strcmp(e.revoked[0], e.revoked[1]) < 0);
	assert_string_equal(e.revoked[0], strcmp(foreign, gone) < 0 ? foreign : gone);
	assert_int_equal(e.n_clients, 3);
	client = authority_export_find(&e, stock);
	assert_string_equal(client->app, "stock");
	assert_string_equal(client->vnet, "lab");
	assert_string_equal(authority_export_find(&e, shop[1])->app, "SHOP");
	assert_null(authority_export_find(&e, gone));
	assert_null(authority_export_find(&e, foreign));
	assert_int_equal(e.n_apps, 2);
	assert_true(strcasecmp(e.apps[0].app, "shop") == 0);
	assert_string_equal(e.apps[1].app, "stock");
	assert_string_equal(e.apps[1].vnet, "lab");
	authority_export_done(&e);
	minted_done(&m);
}

static void expect_lineage(int64_t now, const char *thumbprint, const char *lineage)
{
	struct authority_export e;

	assert_int_equal(authority_export(a, now, &e), 0);
	assert_string_equal(authority_export_find(&e, thumbprint)->lineage, lineage);
	authority_export_done(&e);
}

static void renewals_are_of_the_first_certificates_lineage(void **state)
{
	char first[CERT_THUMBPRINT_MAX], twin[CERT_THUMBPRINT_MAX], second[2][CERT_THUMBPRINT_MAX],
		third[CERT_THUMBPRINT_MAX];

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_issue(a, "shop", "production", MINT_NOW, twin);
	scene_renew(a, first, MINT_NOW, second[0]);
	scene_renew(a, first, MINT_NOW, second[1]);
	scene_renew(a, second[0], MINT_NOW, third);
	expect_lineage(MINT_NOW, first, first);
	expect_lineage(MINT_NOW, twin, twin);
	expect_lineage(MINT_NOW, second[0], first);
	expect_lineage(MINT_NOW, second[1], first);
	expect_lineage(MINT_NOW, third, first);
	a = scene_again(a, MINT_NOW);
	expect_lineage(MINT_NOW, third, first);
}

static void export_names_what_each_certificate_renews(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX];
	struct authority_export e;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_renew(a, first, MINT_NOW, second);
	assert_int_equal(authority_export(a, MINT_NOW, &e), 0);
	assert_string_equal(authority_export_find(&e, first)->renews, "");
	assert_string_equal(authority_export_find(&e, second)->renews, first);
	authority_export_done(&e);
}

static void lineage_outlives_the_record_of_its_first_certificate(void **state)
{
	const int64_t renewed = mint_time(2034, 6, 1, 0, 0, 0);
	const int64_t forgotten = mint_time(2035, 6, 1, 0, 0, 0);
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], third[CERT_THUMBPRINT_MAX];

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_renew(a, first, renewed, second);
	scene_change(a, forgotten, 1 + (int)((forgotten - MINT_NOW) / (7 * DAY)));
	assert_int_equal(authority_cert_find(a, first), -ENOENT);
	scene_renew(a, second, forgotten, third);
	expect_lineage(forgotten, second, first);
	expect_lineage(forgotten, third, first);
}

static void an_export_without_clients_finds_none(void **state)
{
	struct authority_export e = {.n_clients = 0};

	assert_null(authority_export_find(&e, "00112233445566778899AABBCCDDEEFF00112233"));
}

static void expired_clients_are_not_exported(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct authority_export e;

	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	assert_int_equal(authority_export(a, mint_time(2034, 11, 23, 12, 0, 1), &e), 0);
	assert_int_equal(e.n_clients, 0);
	assert_int_equal(e.n_apps, 0);
	authority_export_done(&e);
}

static void a_revoked_client_is_refused_and_its_neighbour_is_not(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX];

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_issue(a, "stock", "production", MINT_NOW, second);
	assert_int_equal(judged(first, MINT_NOW), TRUST_OK);
	assert_int_equal(authority_revoke(a, first, 0, MINT_NOW, NULL), 1);
	assert_int_equal(judged(first, MINT_NOW), TRUST_REVOKED);
	assert_int_equal(judged(second, MINT_NOW), TRUST_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_root_issues_and_the_old_one_stays_trusted),
		TEST(dropping_a_root_says_whom_it_cuts),
		TEST(twenty_roots_are_enough),
		TEST(clients_of_an_external_root_belong_to_its_vnet),
		TEST(what_cannot_be_a_root_is_not_imported),
		TEST(cacerts_are_our_own_roots),
		TEST(the_chain_ends_with_the_root_that_tokens_pin),
		TEST(a_server_certificate_is_made_anew_when_it_has_to_be),
		TEST(a_certificate_that_its_root_cut_short_is_kept),
		TEST(without_a_root_in_force_nothing_is_served),
		TEST(a_root_is_followed_by_another_before_it_can_issue_no_more),
		TEST(a_root_that_has_ended_is_followed_by_another),
		TEST(a_root_that_begins_later_is_helped_out_by_another_one),
		TEST(names_of_a_server_are_checked),
		TEST(the_old_root_serves_until_it_is_dropped),
		TEST(an_old_root_near_its_end_serves_no_longer),
		TEST(the_export_has_roots_revocations_clients_and_apps),
		TEST(renewals_are_of_the_first_certificates_lineage),
		TEST(export_names_what_each_certificate_renews),
		TEST(lineage_outlives_the_record_of_its_first_certificate),
		TEST(an_export_without_clients_finds_none),
		TEST(expired_clients_are_not_exported),
		TEST(a_revoked_client_is_refused_and_its_neighbour_is_not),
	};

	return cmocka_run_group_tests_name("authority_root", tests, NULL, scene_tear_down);
}
