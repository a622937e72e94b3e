/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a server context's pairs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/tls.h"
#include "test/support/cmocka.h"
#include "test/support/testcert.h"

/* A pair as text, for tls_ctx_new_server_of(). */
struct texts {
	char *chain;
	char *key;
};

static struct texts texts_of(const struct testcert *c)
{
	return (struct texts){testcert_chain_pem(c), testcert_key_pem(c)};
}

static void texts_done(struct texts *t)
{
	free(t->chain);
	free(t->key);
}

static struct tls_ctx *server_of(const struct texts *t, size_t n)
{
	struct tls_pair pairs[2];
	struct tls_ctx *ctx = NULL;
	char error[TLS_ERROR_MAX] = "";

	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct tls_pair){.cert_file = "pair",
					     .key_file = "pair",
					     .cert_pem = t[i].chain,
					     .key_pem = t[i].key,
					     .tag = TLS_NO_TAG};
	if (tls_ctx_new_server_of(pairs, n, &ctx, error) != 0)
		fail_msg("%s", error);
	return ctx;
}

/* An offer's texts are those of t, and good for another context. */
static void has_texts(const struct tls_ctx *ctx, size_t offer, const struct texts *t)
{
	struct texts copy;
	struct tls_pem pem;

	assert_int_equal(tls_ctx_pem(ctx, offer, &pem), 0);
	assert_string_equal(pem.chain, t->chain);
	assert_string_equal(pem.key, t->key);
	copy = (struct texts){pem.chain, pem.key};
	tls_ctx_unref(server_of(&copy, 1));
	tls_pem_done(&pem);
	assert_null(pem.chain);
	assert_null(pem.key);
	tls_pem_done(&pem);
}

static void chain_comes_with_its_intermediates(void **state)
{
	struct testcert *root = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct testcert *middle =
		testcert_new(&(struct testcert_spec){.is_ca = true, .issuer = root});
	struct testcert *leaf =
		testcert_new(&(struct testcert_spec){.san = "DNS:gateway.test", .issuer = middle});
	struct texts t = texts_of(leaf);
	struct tls_ctx *ctx = server_of(&t, 1);

	assert_non_null(strstr(strstr(t.chain, "BEGIN") + 1, "BEGIN")); /* two of them */
	has_texts(ctx, 0, &t);
	tls_ctx_unref(ctx);
	texts_done(&t);
	testcert_free(leaf);
	testcert_free(middle);
	testcert_free(root);
}

static void first_pair_is_the_default_one_also_of_a_copy(void **state)
{
	struct testcert *rsa = testcert_new(
		&(struct testcert_spec){.san = "DNS:gateway.test", .key = TESTCERT_RSA});
	struct testcert *lab = testcert_new(&(struct testcert_spec){.san = "DNS:lab.test"});
	struct texts t[2] = {texts_of(rsa), texts_of(lab)};
	struct tls_ctx *ctx = server_of(t, 2), *copy;

	has_texts(ctx, 0, &t[0]);
	assert_int_equal(tls_ctx_copy(ctx, &copy), 0);
	tls_ctx_unref(ctx);
	has_texts(copy, 0, &t[0]);
	has_texts(copy, tls_ctx_offers(copy) - 1, &t[1]);
	tls_ctx_unref(copy);
	texts_done(&t[0]);
	texts_done(&t[1]);
	testcert_free(rsa);
	testcert_free(lab);
}

static void chain_of_each_pair_is_told(void **state)
{
	struct testcert *root = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct testcert *middle =
		testcert_new(&(struct testcert_spec){.is_ca = true, .issuer = root});
	struct testcert *rsa = testcert_new(&(struct testcert_spec){
		.san = "DNS:gateway.test", .key = TESTCERT_RSA, .issuer = middle});
	struct testcert *lab = testcert_new(&(struct testcert_spec){.san = "DNS:lab.test"});
	struct texts t[2] = {texts_of(rsa), texts_of(lab)};
	struct tls_ctx *ctx = server_of(t, 2);
	char *pem = NULL;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(tls_ctx_chain(ctx, i, &pem), 0);
		assert_string_equal(pem, t[i].chain);
		free(pem);
		texts_done(&t[i]);
	}
	assert_int_equal(tls_ctx_chain(ctx, 2, &pem), -ENOENT);
	tls_ctx_unref(ctx);
	testcert_free(lab);
	testcert_free(rsa);
	testcert_free(middle);
	testcert_free(root);
}

static void client_context_has_none(void **state)
{
	struct testcert *root = testcert_new(&(struct testcert_spec){.is_ca = true});
	char *roots = testcert_cert_pem(root);
	struct tls_pem pem = {0};
	char error[TLS_ERROR_MAX];
	struct tls_ctx *ctx;

	assert_int_equal(tls_ctx_new_client_of(roots, &ctx, error), 0);
	assert_int_equal(tls_ctx_pem(ctx, 0, &pem), -EINVAL);
	assert_int_equal(tls_ctx_offers(ctx), 0);
	assert_null(pem.chain);
	assert_null(pem.key);
	assert_int_equal(tls_ctx_chain(ctx, 0, &pem.chain), -ENOENT);
	tls_ctx_unref(ctx);
	free(roots);
	testcert_free(root);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_comes_with_its_intermediates),
		cmocka_unit_test(first_pair_is_the_default_one_also_of_a_copy),
		cmocka_unit_test(chain_of_each_pair_is_told),
		cmocka_unit_test(client_context_has_none),
	};

	return cmocka_run_group_tests_name("net/tls_pem", tests, NULL, NULL);
}
