/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/base64.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static void assert_encodes(enum base64_kind kind, const char *bytes, const char *expected)
{
	char text[64];
	uint8_t back[64];
	size_t len;

	assert_int_equal(base64_encode(kind, bytes, strlen(bytes), text), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(base64_decode(kind, text, strlen(text), back, sizeof(back), &len), 0);
	assert_int_equal(len, strlen(bytes));
	assert_memory_equal(back, bytes, len);
}

static void vectors_of_rfc_4648_hold(void **state)
{
	assert_encodes(BASE64_LINE, "", "");
	assert_encodes(BASE64_LINE, "f", "Zg==");
	assert_encodes(BASE64_LINE, "fo", "Zm8=");
	assert_encodes(BASE64_LINE, "foo", "Zm9v");
	assert_encodes(BASE64_LINE, "foob", "Zm9vYg==");
	assert_encodes(BASE64_LINE, "fooba", "Zm9vYmE=");
	assert_encodes(BASE64_LINE, "foobar", "Zm9vYmFy");
	assert_encodes(BASE64_LINE, "\xfb\xff", "+/8=");
	assert_encodes(BASE64_URL, "\xfb\xff", "-_8");
	assert_encodes(BASE64_URL, "f", "Zg");
}

static void assert_refused(enum base64_kind kind, const char *text)
{
	uint8_t bytes[64];
	size_t len = 77;

	if (base64_decode(kind, text, strlen(text), bytes, sizeof(bytes), &len) != -EBADMSG)
		fail_msg("not refused: %s", text);
	assert_int_equal(len, 77);
}

static void only_one_text_stands_for_a_byte_string(void **state)
{
	static const char *const bad[] = {
		"Z",	    "Zg",	"Zg=",	  "Zg===", "Zh==",    "Zm8",
		"Zm9=",	    "Zm8=Zm8=", "=Zg=",	  "====",  "Zg=g",    "Zm9v=",
		"Zm9v====", "Zm 8=",	"Zm\n8=", "-_8=",  "Zm8\x80", "Zg==\n",
	};
	static const char *const bad_url[] = {"Zg==", "Z", "Zh", "+/8", "Zm8 ", "Zm9v="};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(BASE64_LINE, bad[i]);
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		assert_refused(BASE64_URL, bad_url[i]);
	assert_refused(BASE64_PLAIN, "Zm9v\fZm9v");
}

static void line_breaks_are_skipped_where_they_are_allowed(void **state)
{
	const char *text = " Zm9v\r\nYm\tFy\n";
	uint8_t bytes[6];
	size_t len;

	assert_int_equal(
		base64_decode(BASE64_PLAIN, text, strlen(text), bytes, sizeof(bytes), &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(bytes, "foobar", 6);
}

static void what_does_not_fit_is_refused(void **state)
{
	uint8_t bytes[6];
	size_t len;

	assert_int_equal(base64_decode(BASE64_LINE, "Zm9vYmFy", 8, bytes, 5, &len), -EMSGSIZE);
	assert_int_equal(base64_decode(BASE64_LINE, "", 0, bytes, 0, &len), 0);
	assert_int_equal(len, 0);
}

static void random_bytes_agree_with_libcrypto(void **state)
{
	struct prng p;

	prng_init(&p, 4648);
	for (int i = 0; i < 20000; i++) {
		char text[BASE64_TEXT_MAX(100)], expected[BASE64_TEXT_MAX(100)];
		size_t len = prng_below(&p, 101), back_len;
		uint8_t bytes[100], back[100];

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)prng_next(&p);
		base64_encode(BASE64_LINE, bytes, len, text);
		EVP_EncodeBlock((unsigned char *)expected, bytes, (int)len);
		assert_string_equal(text, expected);
		assert_int_equal(base64_decode(BASE64_LINE, text, strlen(text), back, sizeof(back),
					       &back_len),
				 0);
		assert_int_equal(back_len, len);
		assert_memory_equal(back, bytes, len);
	}
}

static void what_is_decoded_encodes_to_the_same_text(void **state)
{
	static const char alphabet[] = "ABab01+/=-_ ";
	struct prng p;
	int decoded = 0;

	prng_init(&p, 64);
	for (int i = 0; i < 200000; i++) {
		char text[13] = "", again[BASE64_TEXT_MAX(12)];
		size_t n = prng_below(&p, 9), len;
		uint8_t bytes[12];

		for (size_t k = 0; k < n; k++)
			text[k] = alphabet[prng_below(&p, sizeof(alphabet) - 1)];
		if (base64_decode(BASE64_LINE, text, n, bytes, sizeof(bytes), &len) != 0)
			continue;
		decoded++;
		base64_encode(BASE64_LINE, bytes, len, again);
		assert_string_equal(again, text);
	}
	assert_true(decoded > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_rfc_4648_hold),
		cmocka_unit_test(only_one_text_stands_for_a_byte_string),
		cmocka_unit_test(line_breaks_are_skipped_where_they_are_allowed),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(random_bytes_agree_with_libcrypto),
		cmocka_unit_test(what_is_decoded_encodes_to_the_same_text),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
