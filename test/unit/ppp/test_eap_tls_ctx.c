/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/ppp/eap_tls_rig.h"

/* Texts of one certificate and its key, of a root, and what is broken. */
static struct {
	char *chain, *key, *other_key, *root, *broken;
} pem;

static char *concat(const char *a, const char *b)
{
	char *text = malloc(strlen(a) + strlen(b) + 1);

	assert_non_null(text);
	strcpy(text, a);
	return strcat(text, b);
}

static int setup(void **state)
{
	const struct testcert *own, *other;

	eap_tls_rig_setup(state);
	own = eap_tls_rig_cert(&(struct testcert_spec){.san = "DNS:gateway.test"});
	other = eap_tls_rig_cert(&(struct testcert_spec){.common_name = "other"});
	pem.chain = testcert_chain_pem(own);
	pem.key = testcert_key_pem(own);
	pem.other_key = testcert_key_pem(other);
	pem.root = testcert_cert_pem(rig_root);
	pem.broken = testcert_chain_pem(own);
	memset(pem.broken + 100, 'A', 20);
	return 0;
}

static int teardown(void **state)
{
	free(pem.chain);
	free(pem.key);
	free(pem.other_key);
	free(pem.root);
	free(pem.broken);
	return eap_tls_rig_teardown(state);
}

static bool never(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct eap_tls_verdict *ret)
{
	return false;
}

/* A client of this chain and key is refused with these words. */
static void refuse_identity(const char *chain, const char *key, const char *words)
{
	struct eap_tls_client params = {
		.identity = {chain, key}, .roots = pem.root, .server_name = "gateway.test"};
	struct eap_tls_ctx *ctx = NULL;
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(eap_tls_ctx_new_client(&params, &ctx, error), -EINVAL);
	assert_null(ctx);
	assert_string_equal(error, words);
}

static void what_is_no_certificate_is_refused(void **state)
{
	static const char none[] =
		"there is no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")";

	refuse_identity(NULL, pem.key, none);
	refuse_identity("", pem.key, none);
	refuse_identity("gateway.pem", pem.key, none);
	refuse_identity(pem.key, pem.key, none);
}

static void a_broken_certificate_is_counted(void **state)
{
	char *chain = concat(pem.root, pem.broken);
	struct eap_tls_client params = {
		.identity = {chain, pem.key}, .roots = pem.root, .server_name = "gateway.test"};
	struct eap_tls_ctx *ctx = NULL;
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(eap_tls_ctx_new_client(&params, &ctx, error), -EINVAL);
	assert_memory_equal(error, "certificate 2 cannot be used: ", 30);
	params.identity.chain = pem.broken;
	assert_int_equal(eap_tls_ctx_new_client(&params, &ctx, error), -EINVAL);
	assert_memory_equal(error, "certificate 1 cannot be used: ", 30);
	assert_null(ctx);
	free(chain);
}

static void what_is_not_its_key_is_refused(void **state)
{
	static const char none[] =
		"there is no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")";

	refuse_identity(pem.chain, NULL, none);
	refuse_identity(pem.chain, pem.chain, none);
	refuse_identity(pem.chain, pem.other_key,
			"the private key is not that of the first certificate");
}

static void an_encrypted_key_is_refused(void **state)
{
	const struct testcert *own = eap_tls_rig_cert(&(struct testcert_spec){0});
	BIO *bio = BIO_new(BIO_s_mem());
	char *chain = testcert_chain_pem(own), *key = NULL;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, own->key, EVP_aes_128_cbc(),
						  (const unsigned char *)"word", 4, NULL, NULL),
			 1);
	BIO_write(bio, "", 1);
	BIO_get_mem_data(bio, &key);
	refuse_identity(chain, key, "the private key is encrypted");
	BIO_free(bio);
	free(chain);
}

/* A file that has both is given twice. */
static void chain_and_key_may_be_one_text(void **state)
{
	char *both = concat(pem.key, pem.chain);
	struct eap_tls_client params = {
		.identity = {both, both}, .roots = pem.root, .server_name = "gateway.test"};
	struct eap_tls_ctx *ctx = NULL;
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(eap_tls_ctx_new_client(&params, &ctx, error), 0);
	eap_tls_ctx_unref(ctx);
	free(both);
}

/* A server of these n pairs is refused with these words. */
static void refuse_pairs(const struct eap_tls_pair *pairs, size_t n, const char *words)
{
	struct eap_tls_server params = {.pairs = pairs, .n_pairs = n, .judge = never};
	struct eap_tls_ctx *ctx = NULL;
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(eap_tls_ctx_new_server(&params, &ctx, error), -EINVAL);
	assert_null(ctx);
	assert_string_equal(error, words);
}

static void a_server_needs_a_certificate_for_each_key_and_one_of_a_kind(void **state)
{
	const struct testcert *a = eap_tls_rig_cert(&(struct testcert_spec){0});
	const struct testcert *b = eap_tls_rig_cert(&(struct testcert_spec){0});
	const struct eap_tls_pair foreign[] = {{a->cert, b->key, NULL}};
	const struct eap_tls_pair alike[] = {{a->cert, a->key, NULL}, {b->cert, b->key, NULL}};

	refuse_pairs(NULL, 0, "there is no certificate to show");
	refuse_pairs(foreign, 1, "certificate 1 cannot be used: private key mismatch");
	refuse_pairs(alike, 2, "certificate 2 cannot be used: not replacing certificate");
}

static void broken_authorities_are_refused(void **state)
{
	const struct testcert *own = eap_tls_rig_cert(&(struct testcert_spec){0});
	const struct eap_tls_pair pair = {own->cert, own->key, NULL};
	struct eap_tls_server params = {
		.pairs = &pair, .n_pairs = 1, .judge = never, .authorities = "root.pem"};
	struct eap_tls_ctx *ctx = NULL;
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(eap_tls_ctx_new_server(&params, &ctx, error), -EINVAL);
	assert_string_equal(error, "there is no authority's certificate in PEM form (\"-----BEGIN "
				   "CERTIFICATE-----\")");
	params.authorities = "";
	assert_int_equal(eap_tls_ctx_new_server(&params, &ctx, error), 0);
	eap_tls_ctx_unref(ctx);
}

static void refuse_client(const char *roots, const char *server_name, const char *words)
{
	struct eap_tls_client params = {
		.identity = {pem.chain, pem.key}, .roots = roots, .server_name = server_name};
	struct eap_tls_ctx *ctx = NULL;
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(eap_tls_ctx_new_client(&params, &ctx, error), -EINVAL);
	assert_null(ctx);
	assert_string_equal(error, words);
}

static void a_client_needs_roots_and_a_name(void **state)
{
	static const char none[] =
		"there is no root certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")";

	refuse_client(NULL, "gateway.test", none);
	refuse_client("", "gateway.test", none);
	refuse_client(pem.root, NULL, "there is no name to check the server by");
	refuse_client(pem.root, "", "there is no name to check the server by");
}

static void a_client_needs_a_certificate(void **state)
{
	struct eap_tls_client params = {.roots = pem.root, .server_name = "gateway.test"};
	struct eap_tls_ctx *ctx = NULL;
	char error[EAP_TLS_REASON_MAX];

	assert_int_equal(eap_tls_ctx_new_client(&params, &ctx, error), -EINVAL);
	assert_string_equal(
		error, "there is no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
}

static void a_context_lives_as_long_as_its_last_reference(void **state)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	assert_ptr_equal(eap_tls_ctx_ref(r.server_ctx), r.server_ctx);
	eap_tls_ctx_unref(r.server_ctx);
	/* the owner reloads: the conversation goes on with what it began with */
	eap_tls_ctx_unref(r.server_ctx);
	eap_tls_ctx_unref(r.client_ctx);
	eap_tls_rig_run(&r);
	assert_int_equal(r.server_result, EAP_TLS_DONE);
	assert_int_equal(r.client_result, EAP_TLS_DONE);
	eap_tls_free(r.server);
	eap_tls_free(r.client);
	eap_tls_ctx_unref(NULL);
	eap_tls_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_certificate_is_refused),
		cmocka_unit_test(a_broken_certificate_is_counted),
		cmocka_unit_test(what_is_not_its_key_is_refused),
		cmocka_unit_test(an_encrypted_key_is_refused),
		cmocka_unit_test(chain_and_key_may_be_one_text),
		cmocka_unit_test(a_server_needs_a_certificate_for_each_key_and_one_of_a_kind),
		cmocka_unit_test(broken_authorities_are_refused),
		cmocka_unit_test(a_client_needs_roots_and_a_name),
		cmocka_unit_test(a_client_needs_a_certificate),
		cmocka_unit_test(a_context_lives_as_long_as_its_last_reference),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
