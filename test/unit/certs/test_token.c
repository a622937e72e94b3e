/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/token.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "certs/base64.h"
#include "test/support/cmocka.h"

static struct token example(const char *gateway)
{
	struct token t = {.expires = 1795435200};

	snprintf(t.gateway, sizeof(t.gateway), "%s", gateway);
	for (unsigned i = 0; i < 32; i++) {
		t.root[i] = (uint8_t)i;
		t.secret[i] = (uint8_t)(0xff - i);
	}
	return t;
}

static void assert_reads_back(const struct token *t)
{
	char text[TOKEN_TEXT_MAX], again[TOKEN_TEXT_MAX];
	struct token back;

	assert_int_equal(token_encode(t, text, NULL), 0);
	assert_int_equal(token_decode(text, strlen(text), &back, NULL), 0);
	assert_string_equal(back.gateway, t->gateway);
	assert_memory_equal(back.root, t->root, sizeof(t->root));
	assert_memory_equal(back.secret, t->secret, sizeof(t->secret));
	assert_int_equal(back.expires, t->expires);
	assert_int_equal(token_encode(&back, again, NULL), 0);
	assert_string_equal(again, text);
}

static void a_token_reads_back(void **state)
{
	struct token t = example("gateway.example");

	assert_reads_back(&t);
	t = example("[2001:db8::1]:8443");
	assert_reads_back(&t);
	t.expires = 0;
	assert_reads_back(&t);
	t.expires = INT64_MAX;
	assert_reads_back(&t);
}

/* The format is what other versions of the program will read. */
static void the_text_is_what_the_header_says(void **state)
{
	struct token t = example("gw");
	char text[TOKEN_TEXT_MAX], expected[TOKEN_TEXT_MAX] = "sstp1.";
	uint8_t image[6 + 1 + 2 + 32 + 32 + 8 + 4] = "sstp1.\x02gw", hash[32];

	memcpy(image + 9, t.root, 32);
	memcpy(image + 41, t.secret, 32);
	memcpy(image + 73, "\0\0\0\0\x6b\x04\x2a\xc0", 8);
	SHA256(image, 81, hash);
	memcpy(image + 81, hash, 4);
	base64_encode(BASE64_URL, image + 6, sizeof(image) - 6, expected + 6);
	assert_int_equal(token_encode(&t, text, NULL), 0);
	assert_string_equal(text, expected);
}

static void the_longest_token_fits(void **state)
{
	struct token t = example("");
	char text[TOKEN_TEXT_MAX];
	size_t i;

	for (i = 0; i < 253; i++)
		t.gateway[i] = i % 2 ? '.' : 'a';
	assert_reads_back(&t);
	memcpy(t.gateway + 249, ":65535", 7);
	assert_int_equal(strlen(t.gateway), 255);
	assert_reads_back(&t);
	assert_int_equal(token_encode(&t, text, NULL), 0);
	assert_int_equal(strlen(text), TOKEN_TEXT_MAX - 1);
}

static void what_nobody_can_dial_is_not_written(void **state)
{
	static const char *const bad[] = {"", "a b", "a:0", "2001:db8::1", "https://a"};
	char text[TOKEN_TEXT_MAX] = "before";
	struct certs_error error;
	struct token t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t = example(bad[i]);
		assert_int_equal(token_encode(&t, text, &error), -EINVAL);
	}
	assert_string_equal(error.text, "'https://a' is not what a worker can dial: write NAME or "
					"NAME:PORT, an IPv6 address in brackets");
	t = example("a");
	t.expires = -1;
	assert_int_equal(token_encode(&t, text, NULL), -EINVAL);
	assert_string_equal(text, "before");
}

static void blanks_around_a_token_are_skipped(void **state)
{
	struct token t = example("gateway.example"), back;
	char text[TOKEN_TEXT_MAX], padded[TOKEN_TEXT_MAX + 8];

	assert_int_equal(token_encode(&t, text, NULL), 0);
	snprintf(padded, sizeof(padded), " \t%s\r\n", text);
	assert_int_equal(token_decode(padded, strlen(padded), &back, NULL), 0);
	assert_string_equal(back.gateway, "gateway.example");
}

static void assert_refused(const char *text, size_t len, int code, const char *sentence)
{
	struct token t = {.gateway = "before"};
	struct certs_error error;

	assert_int_equal(token_decode(text, len, &t, &error), code);
	assert_string_equal(error.text, sentence);
	assert_string_equal(t.gateway, "before");
}

#define WRONG "the token is not complete, or a character of it is wrong"

static void every_wrong_character_is_noticed(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct token t = example("gateway.example"), back;
	char text[TOKEN_TEXT_MAX];

	assert_int_equal(token_encode(&t, text, NULL), 0);
	for (size_t i = 6; text[i]; i++) {
		char right = text[i];

		for (const char *c = alphabet; *c; c++) {
			text[i] = *c;
			if (*c != right)
				assert_int_equal(token_decode(text, strlen(text), &back, NULL),
						 -EBADMSG);
		}
		text[i] = right;
	}
}

static void swapped_and_lost_characters_are_noticed(void **state)
{
	struct token t = example("gateway.example"), back;
	char text[TOKEN_TEXT_MAX];
	size_t len;

	assert_int_equal(token_encode(&t, text, NULL), 0);
	len = strlen(text);
	for (size_t i = 6; i < len; i++)
		assert_refused(text, i, -EBADMSG, WRONG);
	for (size_t i = 6; i + 1 < len; i++) {
		char c = text[i];

		text[i] = text[i + 1];
		text[i + 1] = c;
		if (text[i] != text[i + 1])
			assert_int_equal(token_decode(text, len, &back, NULL), -EBADMSG);
		text[i + 1] = text[i];
		text[i] = c;
	}
}

static void other_texts_are_told_apart(void **state)
{
	char text[TOKEN_TEXT_MAX + 1];

	assert_refused("", 0, -EBADMSG, "this is no token: one begins with sstp1.");
	assert_refused("hello, world", 12, -EBADMSG, "this is no token: one begins with sstp1.");
	assert_refused("sstp2.AAAA", 10, -EPROTONOSUPPORT,
		       "the token is of another version than this program: it has to begin with "
		       "sstp1.");
	assert_refused("sstp1.", 6, -EBADMSG, WRONG);
	assert_refused("sstp1.=", 7, -EBADMSG, WRONG);
	memset(text, 'A', sizeof(text));
	assert_refused(text, TOKEN_TEXT_MAX, -EMSGSIZE, "a token has at most 449 characters");
}

/* A right checksum over wrong content: somebody wrote it on purpose. */
static void assert_forged(const uint8_t *payload, size_t len)
{
	char text[TOKEN_TEXT_MAX] = "sstp1.";
	uint8_t image[400] = "sstp1.", hash[32];

	memcpy(image + 6, payload, len);
	SHA256(image, 6 + len, hash);
	memcpy(image + 6 + len, hash, 4);
	base64_encode(BASE64_URL, image + 6, len + 4, text + 6);
	assert_refused(text, strlen(text), -EBADMSG, "the token names no gateway");
}

static void a_forged_gateway_is_refused(void **state)
{
	uint8_t payload[1 + 3 + 72] = {0};

	payload[0] = 3;
	memcpy(payload + 1, "a\0b", 3);
	assert_forged(payload, sizeof(payload));
	memcpy(payload + 1, "a b", 3);
	assert_forged(payload, sizeof(payload));
	memcpy(payload + 1, "a.b", 3);
	payload[1 + 3 + 64] = 0x80; /* expires before 1970 */
	assert_forged(payload, sizeof(payload));
	payload[0] = 0;
	memset(payload + 1, 0, 72);
	assert_forged(payload, 73);
}

static void a_secret_is_shown_as_base64url_and_only_its_hash_is_kept(void **state)
{
	uint8_t a[TOKEN_SECRET_SIZE], b[TOKEN_SECRET_SIZE], hash[TOKEN_HASH_SIZE], expected[32];
	char text[TOKEN_SECRET_TEXT_MAX];
	size_t len;

	assert_int_equal(token_secret_new(a), 0);
	assert_int_equal(token_secret_new(b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	token_secret_encode(a, text);
	assert_int_equal(strlen(text), TOKEN_SECRET_TEXT_MAX - 1);
	assert_int_equal(base64_decode(BASE64_URL, text, strlen(text), b, sizeof(b), &len), 0);
	assert_int_equal(len, sizeof(a));
	assert_memory_equal(a, b, sizeof(a));
	token_hash(a, hash);
	SHA256(a, sizeof(a), expected);
	assert_memory_equal(hash, expected, sizeof(hash));
}

static void a_wiped_token_holds_nothing(void **state)
{
	struct token t = example("gateway.example"), empty;

	memset(&empty, 0, sizeof(empty));
	token_wipe(&t);
	assert_memory_equal(&t, &empty, sizeof(t));
	token_wipe(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_reads_back),
		cmocka_unit_test(the_text_is_what_the_header_says),
		cmocka_unit_test(the_longest_token_fits),
		cmocka_unit_test(what_nobody_can_dial_is_not_written),
		cmocka_unit_test(blanks_around_a_token_are_skipped),
		cmocka_unit_test(every_wrong_character_is_noticed),
		cmocka_unit_test(swapped_and_lost_characters_are_noticed),
		cmocka_unit_test(other_texts_are_told_apart),
		cmocka_unit_test(a_forged_gateway_is_refused),
		cmocka_unit_test(a_secret_is_shown_as_base64url_and_only_its_hash_is_kept),
		cmocka_unit_test(a_wiped_token_holds_nothing),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
