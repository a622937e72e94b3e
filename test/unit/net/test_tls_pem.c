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
	struct tls_shown shown[TLS_SHOWN_MAX];
	char *pem = NULL;
	char error[TLS_ERROR_MAX];
	struct tls_ctx *ctx;

	assert_int_equal(tls_ctx_new_client_of(roots, &ctx, error), 0);
	assert_int_equal(tls_ctx_shown(ctx, 0, shown), 0);
	assert_int_equal(tls_ctx_offers(ctx), 0);
	assert_int_equal(tls_ctx_chain(ctx, 0, &pem), -ENOENT);
	assert_null(pem);
	tls_ctx_unref(ctx);
	free(roots);
	testcert_free(root);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_of_each_pair_is_told),
		cmocka_unit_test(client_context_has_none),
	};

	return cmocka_run_group_tests_name("net/tls_pem", tests, NULL, NULL);
}
