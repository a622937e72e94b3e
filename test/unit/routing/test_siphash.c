/* SPDX-License-Identifier: Apache-2.0 */
/* Against the figures of the authors' paper and of OpenSSL's own SIPHASH. */
#include "routing/siphash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static uint64_t by_openssl(const uint8_t key[SIPHASH_KEY_SIZE], const uint8_t *data, size_t len)
{
	size_t size = 8, n = 0;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};
	uint8_t out[8];
	uint64_t hash = 0;

	assert_non_null(EVP_Q_mac(NULL, "SIPHASH", NULL, NULL, params, key, SIPHASH_KEY_SIZE, data,
				  len, out, sizeof(out), &n));
	assert_int_equal(n, sizeof(out));
	for (int i = 7; i >= 0; i--)
		hash = hash << 8 | out[i];
	return hash;
}

/* Appendix A: the key is 00 01 .. 0f, the text 00 01 .. 0e. */
static void vector_of_the_paper_holds(void **state)
{
	uint8_t bytes[16];

	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	assert_int_equal(siphash(bytes, bytes, 15), UINT64_C(0xa129ca6149be45e5));
	assert_int_equal(siphash(bytes, bytes, 0), UINT64_C(0x726fdb47dd0e0e31));
}

static void every_length_gives_what_openssl_gives(void **state)
{
	uint8_t key[SIPHASH_KEY_SIZE], data[300];
	struct prng rng;

	prng_init(&rng, 20261123);
	for (size_t len = 0; len <= sizeof(data); len++) {
		for (size_t i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)prng_below(&rng, 256);
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)prng_below(&rng, 256);
		assert_int_equal(siphash(key, data, len), by_openssl(key, data, len));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_of_the_paper_holds),
		cmocka_unit_test(every_length_gives_what_openssl_gives),
	};

	return cmocka_run_group_tests_name("routing/siphash", tests, NULL, NULL);
}
