/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

static struct access *access_of(struct authority *a)
{
	struct authority_export e;
	struct access *access = NULL;

	assert_int_equal(authority_export(a, MINT_NOW, &e), 0);
	assert_int_equal(access_new(&e, &access, NULL), 0);
	assert_null(e.clients); /* taken */
	return access;
}

static void own_client_is_whom_its_record_names(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct trust_verdict verdict = {.reason = TRUST_OK, .name = "somebody"};
	struct access_client client;
	struct access *access;

	scene_issue(a, "shop", "blue", MINT_NOW, verdict.thumbprint);
	access = access_of(a);
	assert_true(access_find(access, &verdict, &client));
	assert_string_equal(client.app, "shop");
	assert_string_equal(client.vnet, "blue");
	verdict.thumbprint[0] = verdict.thumbprint[0] == '0' ? '1' : '0';
	assert_false(access_find(access, &verdict, &client));
	access_unref(access);
	authority_close(a);
}

static void renewed_certificate_is_of_its_first_ones_lineage(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX];
	struct access *access;

	scene_issue(a, "shop", "blue", MINT_NOW, first);
	scene_renew(a, first, MINT_NOW, second);
	access = access_of(a);
	assert_string_equal(access_lineage(access, first), first);
	assert_string_equal(access_lineage(access, second), first);
	second[0] = second[0] == '0' ? '1' : '0';
	assert_null(access_lineage(access, second));
	access_unref(access);
	authority_close(a);
}

static void certificate_comes_from_what_it_renews_and_never_the_other_way(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX];
	char third[CERT_THUMBPRINT_MAX], sibling[CERT_THUMBPRINT_MAX];
	struct access *access;

	scene_issue(a, "shop", "blue", MINT_NOW, first);
	scene_renew(a, first, MINT_NOW, second);
	scene_renew(a, second, MINT_NOW, third);
	scene_renew(a, first, MINT_NOW, sibling);
	access = access_of(a);
	assert_true(access_comes_from(access, first, first));
	assert_true(access_comes_from(access, second, first));
	assert_true(access_comes_from(access, third, first));
	assert_true(access_comes_from(access, third, second));
	assert_false(access_comes_from(access, first, second));
	assert_false(access_comes_from(access, second, third));
	assert_false(access_comes_from(access, sibling, second));
	assert_false(access_comes_from(access, third, sibling));
	assert_false(access_comes_from(access, first, ""));
	assert_false(access_comes_from(access, "", ""));
	access_unref(access);
	authority_close(a);
}

static void client_of_an_external_root_is_whom_it_names_in_that_roots_vnet(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct minted root = mint_root("elsewhere");
	struct minted client_cert = mint_client(&root, "till-7");
	char *pem = mint_pem(&root);
	struct trust_verdict verdict;
	struct access_client client;
	struct access *access;

	assert_int_equal(authority_import(a, "hq", "red", pem, strlen(pem), MINT_NOW, NULL), 0);
	access = access_of(a);
	assert_int_equal(
		trust_judge(access_trust(access), client_cert.cert, NULL, MINT_NOW, &verdict),
		TRUST_OK);
	assert_true(access_find(access, &verdict, &client));
	assert_string_equal(client.app, "till-7");
	assert_string_equal(client.vnet, "red");
	verdict.reason = TRUST_EXPIRED;
	assert_false(access_find(access, &verdict, &client));
	access_unref(access);
	free(pem);
	minted_done(&client_cert);
	minted_done(&root);
	authority_close(a);
}

static void revoked_thumbprint_is_known_until_the_last_reference_goes(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct access *before;
	struct access *access;

	scene_issue(a, "shop", "blue", MINT_NOW, thumbprint);
	before = access_of(a);
	assert_int_equal(authority_revoke(a, thumbprint, 0, MINT_NOW, NULL), 1);
	access = access_ref(access_of(a));
	authority_close(a);
	access_unref(access);
	assert_true(trust_is_revoked(access_trust(access), thumbprint));
	assert_false(trust_is_revoked(access_trust(before), thumbprint));
	access_unref(access);
	access_unref(before);
	access_unref(NULL);
}

static void export_with_a_root_that_is_none_is_refused_and_stays_its_owners(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct authority_export e;
	struct access *access = NULL;
	struct certs_error error;

	assert_int_equal(authority_export(a, MINT_NOW, &e), 0);
	e.roots[0].pem[40] ^= 1;
	assert_int_equal(access_new(&e, &access, &error), -EINVAL);
	assert_null(access);
	assert_int_equal(e.n_roots, 1);
	authority_export_done(&e);
	authority_close(a);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(own_client_is_whom_its_record_names),
		TEST(renewed_certificate_is_of_its_first_ones_lineage),
		TEST(certificate_comes_from_what_it_renews_and_never_the_other_way),
		TEST(client_of_an_external_root_is_whom_it_names_in_that_roots_vnet),
		TEST(revoked_thumbprint_is_known_until_the_last_reference_goes),
		TEST(export_with_a_root_that_is_none_is_refused_and_stays_its_owners),
	};

	return cmocka_run_group_tests_name("session/access", tests, NULL, scene_tear_down);
}
