/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge when memory runs out, in libcrypto or here: whoever is to be refused is never let in, and
 * nothing leaks. Each allocation of a judgement fails once, then each and all behind it.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "certs/trust.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

enum {
	ALLOCATIONS_MAX = 20000,
};

static int left = -1; /* allocations until one fails; negative: none does */
static bool for_good; /* all behind it fail too */

static bool fails(void)
{
	if (left < 0)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	if (!for_good)
		left = -1;
	return true;
}

static void *failing_malloc(size_t size, const char *file, int line)
{
	return fails() ? NULL : malloc(size);
}

static void *failing_realloc(void *old, size_t size, const char *file, int line)
{
	return fails() ? NULL : realloc(old, size);
}

static void plain_free(void *p, const char *file, int line)
{
	free(p);
}

struct defendant {
	const struct trust *trust;
	X509 *cert;
	int64_t now;
	enum trust_reason reason; /* when there is memory */
};

/* True when the judgement needed fewer allocations than that. */
static bool judge_with(const struct defendant *d, int allocations)
{
	struct trust_verdict v;
	enum trust_reason reason;
	bool is_through;

	left = allocations;
	reason = trust_judge(d->trust, d->cert, NULL, d->now, &v);
	is_through = left > 0;
	left = -1;
	if (reason != d->reason && reason == TRUST_OK)
		fail_msg("let in, after %d allocations, who is: %s", allocations,
			 trust_reason_text(d->reason));
	if (is_through)
		assert_int_equal(reason, d->reason);
	ERR_clear_error(); /* libcrypto itself could not even note its error */
	return is_through;
}

static void sweep(const struct defendant *d)
{
	int n = 0;

	for_good = false;
	while (!judge_with(d, n))
		assert_true(++n < ALLOCATIONS_MAX);
	assert_true(n > 10);
	for_good = true;
	for (int k = 0; k < n; k++)
		judge_with(d, k);
}

static struct trust *trust_in(const struct minted *root, const X509 *revoked)
{
	struct trust_root from = {.name = "root", .pem = mint_pem(root)};
	char thumbprint[CERT_THUMBPRINT_MAX];
	const char *texts[] = {thumbprint};
	struct trust *t = NULL;

	assert_int_equal(cert_thumbprint(revoked, thumbprint), 0);
	assert_int_equal(trust_new(&from, 1, texts, 1, &t, NULL), 0);
	free((char *)from.pem);
	return t;
}

static void without_memory_nobody_is_let_in_who_is_to_be_refused(void **state)
{
	struct minted root = mint_root("root"), stranger = mint_root("stranger");
	struct mint server_spec = {.cn = "shop", .eku = "serverAuth", .issuer = &root};
	struct minted good = mint_client(&root, "shop"), revoked = mint_client(&root, "gone");
	struct minted foreign = mint_client(&stranger, "shop"), server = mint(&server_spec);
	struct minted star = mint_client(&root, "*");
	struct trust *t = trust_in(&root, revoked.cert);
	const struct defendant defendants[] = {
		{t, good.cert, MINT_NOW, TRUST_OK},
		{t, foreign.cert, MINT_NOW, TRUST_WRONG_ROOT},
		{t, good.cert, MINT_NOW - 86400, TRUST_NOT_YET_VALID},
		{t, good.cert, MINT_NOW + INT64_C(86400) * 3651, TRUST_EXPIRED},
		{t, revoked.cert, MINT_NOW, TRUST_REVOKED},
		{t, server.cert, MINT_NOW, TRUST_NO_CLIENT_AUTH},
		{t, star.cert, MINT_NOW, TRUST_UNUSABLE_NAME},
	};

	for (size_t i = 0; i < sizeof(defendants) / sizeof(defendants[0]); i++)
		sweep(&defendants[i]);
	trust_unref(t);
	minted_done(&star);
	minted_done(&server);
	minted_done(&foreign);
	minted_done(&revoked);
	minted_done(&good);
	minted_done(&stranger);
	minted_done(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_nobody_is_let_in_who_is_to_be_refused),
	};

	if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free) != 1)
		return 1; /* libcrypto has allocated already */
	return cmocka_run_group_tests_name("trust_memory", tests, NULL, NULL);
}
