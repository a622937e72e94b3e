/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "sstp/ppp/mschapv2.h"
#include "sstp/ppp/nthash.h"
#include "test/support/cmocka.h"
#include "test/support/hex.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	uint8_t expected[64];

	assert_int_equal(len, hex_decode(hex, expected, sizeof(expected)));
	assert_memory_equal(bytes, expected, len);
}

static struct mschapv2_exchange rfc_exchange(const char *name)
{
	struct mschapv2_exchange x = {.name = name, .name_len = strlen(name)};

	hex_decode("5b5d7c7d7b3f2f3e3c2c602132262628", x.authenticator_challenge, 16);
	hex_decode("21402324255e262a28295f2b3a337c7e", x.peer_challenge, 16);
	return x;
}

static void hash(const char *password, uint8_t ret_hash[NTHASH_SIZE])
{
	assert_int_equal(nt_hash(password, strlen(password), ret_hash), 0);
}

static void rfc_2759_password_hashes(void **state)
{
	uint8_t h[NTHASH_SIZE], hh[NTHASH_SIZE];

	hash("clientPass", h);
	assert_hex(h, 16, "44ebba8d5312b8d611474411f56989ae");
	nthash_hash(h, hh);
	assert_hex(hh, 16, "41c00c584bd2d91c4017a2a12fa59f3f");
	hash("MyPw", h);
	assert_hex(h, 16, "fc156af7edcd6c0edde3337d427f4eac");
}

static void rfc_2759_challenge_hash_and_responses(void **state)
{
	struct mschapv2_exchange x = rfc_exchange("User");
	uint8_t h[NTHASH_SIZE], challenge[8], response[24], proof[20];

	hash("clientPass", h);
	mschapv2_challenge_hash(&x, challenge);
	assert_hex(challenge, 8, "d02e4386bce91226");
	mschapv2_nt_response(&x, h, response);
	assert_hex(response, 24, "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df");
	mschapv2_proof(&x, h, response, proof);
	assert_hex(proof, 20, "407a5589115fd0d6209f510fe9c04566932cda56");
}

static void rfc_3079_start_keys_are_the_hlak_of_both_sides(void **state)
{
	uint8_t h[NTHASH_SIZE], response[24], hlak[32];

	hash("clientPass", h);
	hex_decode("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df", response, 24);
	mschapv2_hlak(h, response, hlak);
	assert_hex(hlak, 32,
		   "d5f0e9521e3ea9589645e86051c82226"
		   "8b7cdc149b993a1ba118cb153f56dccb");
}

static void domain_before_the_last_backslash_is_not_hashed(void **state)
{
	static const char *const names[] = {"DOM\\User", "A\\B\\User", "\\User"};
	uint8_t challenge[8];

	for (size_t i = 0; i < 3; i++) {
		struct mschapv2_exchange x = rfc_exchange(names[i]);

		mschapv2_challenge_hash(&x, challenge);
		assert_hex(challenge, 8, "d02e4386bce91226");
	}
}

static void realm_behind_the_name_is_hashed(void **state)
{
	struct mschapv2_exchange x = rfc_exchange("User@DOM");
	uint8_t plain[8], challenge[8];

	hex_decode("d02e4386bce91226", plain, 8);
	mschapv2_challenge_hash(&x, challenge);
	assert_memory_not_equal(challenge, plain, 8);
}

static void longest_name_is_hashed_whole(void **state)
{
	char name[LINK_NAME_MAX + 1];
	struct mschapv2_exchange x;
	uint8_t a[8], b[8];

	memset(name, 'n', LINK_NAME_MAX);
	name[LINK_NAME_MAX] = '\0';
	x = rfc_exchange(name);
	mschapv2_challenge_hash(&x, a);
	name[LINK_NAME_MAX - 1] = 'm';
	mschapv2_challenge_hash(&x, b);
	assert_memory_not_equal(a, b, 8);
}

/* Expected: iconv -t utf-16le, then openssl dgst -md4. */
static void characters_outside_ascii_become_utf16(void **state)
{
	uint8_t h[NTHASH_SIZE];

	hash("", h);
	assert_hex(h, 16, "31d6cfe0d16ae931b73c59d7e0c089c0");
	hash("p\xc3\xa4ss\xe2\x82\xac", h);
	assert_hex(h, 16, "452468b2e855e49f1169698e4c086623");
	hash("\xf0\x9f\x94\x91", h);
	assert_hex(h, 16, "5f7b3ff474e4237afd6a078f3c4d8632");
}

static void invalid_utf8_is_refused_and_leaves_the_result_alone(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"a\xc3",
		"\xc3(",
		"\xc0\xaf",
		"\xe0\x80\xaf",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80",
		"\xff",
		"\xe2\x82",
	};
	uint8_t h[NTHASH_SIZE] = {0x5a};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(nt_hash(bad[i], strlen(bad[i]), h), -EILSEQ);
	assert_int_equal(h[0], 0x5a);
}

static void X10_a_zero_byte_in_a_password_counts(void **state)
{
	uint8_t plain[NTHASH_SIZE], longer[NTHASH_SIZE];

	assert_int_equal(nt_hash("test", 4, plain), 0);
	assert_int_equal(nt_hash("test\0x", 6, longer), 0);
	assert_memory_not_equal(plain, longer, NTHASH_SIZE);
}

/* RFC 2759 section 9.3: the keys with parity are those of DES; the block is the challenge hash. */
static void des_of_the_first_seven_bytes_is_the_first_third_of_the_response(void **state)
{
	uint8_t key[8], clear[8], cypher[8];

	hex_decode("44ebba8d5312b8", key, 7);
	hex_decode("d02e4386bce91226", clear, 8);
	nthash_des(key, clear, cypher);
	assert_hex(cypher, 8, "82309ecd8d708b5e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_2759_password_hashes),
		cmocka_unit_test(rfc_2759_challenge_hash_and_responses),
		cmocka_unit_test(rfc_3079_start_keys_are_the_hlak_of_both_sides),
		cmocka_unit_test(domain_before_the_last_backslash_is_not_hashed),
		cmocka_unit_test(realm_behind_the_name_is_hashed),
		cmocka_unit_test(longest_name_is_hashed_whole),
		cmocka_unit_test(characters_outside_ascii_become_utf16),
		cmocka_unit_test(invalid_utf8_is_refused_and_leaves_the_result_alone),
		cmocka_unit_test(X10_a_zero_byte_in_a_password_counts),
		cmocka_unit_test(des_of_the_first_seven_bytes_is_the_first_third_of_the_response),
	};

	return cmocka_run_group_tests_name("ppp/mschapv2", tests, NULL, NULL);
}
