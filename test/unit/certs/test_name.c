/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/name.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

/* One half of the client's certificate is usual; the other the test writes. */
static void assert_name(const struct mint *spec, const char *expected)
{
	struct minted m = mint(spec);
	char name[NAME_MAX_BYTES] = "";
	struct certs_error error;

	if (name_of_client(m.cert, name, &error) != 0)
		fail_msg("refused: %s", error.text);
	assert_string_equal(name, expected);
	minted_done(&m);
}

static void assert_no_name(const struct mint *spec, const char *sentence)
{
	struct minted m = mint(spec);
	char name[NAME_MAX_BYTES] = "before";
	struct certs_error error;

	assert_int_equal(name_of_client(m.cert, name, &error), -EBADMSG);
	assert_string_equal(error.text, sentence);
	assert_string_equal(name, "before");
	assert_int_equal(ERR_peek_error(), 0);
	minted_done(&m);
}

static void upn_comes_before_mail_and_mail_before_common_name(void **state)
{
	assert_name(&(struct mint){.cn = "common"}, "common");
	assert_name(&(struct mint){.cn = "common", .san = "DNS:host,URI:urn:x"}, "common");
	assert_name(&(struct mint){.cn = "common", .san = "email:a@b.example"}, "a@b.example");
	assert_name(&(struct mint){.cn = "common",
				   .san = "email:a@b.example,otherName:msUPN;UTF8:u@b.example"},
		    "u@b.example");
	assert_name(&(struct mint){.cn = "gr\xc3\xbc\xc3\x9f"}, "gr\xc3\xbc\xc3\x9f");
}

static void the_last_common_name_counts(void **state)
{
	struct minted m = mint_root("first");
	char name[NAME_MAX_BYTES];

	X509_NAME_add_entry_by_txt(X509_get_subject_name(m.cert), "CN", MBSTRING_UTF8,
				   (const unsigned char *)"second", -1, -1, 0);
	assert_int_equal(name_of_client(m.cert, name, NULL), 0);
	assert_string_equal(name, "second");
	minted_done(&m);
}

static void what_cannot_be_a_name_is_refused(void **state)
{
	assert_no_name(&(struct mint){.cn = NULL},
		       "it has neither a UPN, nor an rfc822Name, nor a common name");
	assert_no_name(&(struct mint){.cn = "shop\0.evil", .cn_len = 10},
		       "its common name holds a NUL");
	assert_no_name(&(struct mint){.cn = "*"}, "its common name holds a wildcard");
	assert_no_name(&(struct mint){.cn = "*.example"}, "its common name holds a wildcard");
	assert_no_name(&(struct mint){.cn = "a\nb"}, "its common name holds a control character");
	assert_no_name(&(struct mint){.cn = "a\x7f"}, "its common name holds a control character");
	assert_no_name(&(struct mint){.cn = "a\xc2\x85"},
		       "its common name holds a control character");
	assert_no_name(&(struct mint){.cn = " a"}, "its common name begins or ends with a blank");
	assert_no_name(&(struct mint){.cn = "a "}, "its common name begins or ends with a blank");
	assert_no_name(&(struct mint){.cn = "common", .san = "otherName:msUPN;UTF8:*"},
		       "its UPN holds a wildcard");
	assert_no_name(&(struct mint){.cn = "common", .san = "otherName:msUPN;UTF8:"},
		       "its UPN is empty");
}

static void a_bad_upn_does_not_make_the_common_name_count(void **state)
{
	assert_no_name(&(struct mint){.cn = "common", .san = "otherName:msUPN;IA5:u"},
		       "its UPN is not UTF-8");
	assert_no_name(&(struct mint){.cn = "common",
				      .san = "otherName:msUPN;UTF8:a,otherName:msUPN;UTF8:b"},
		       "it has 2 names of the kind UPN");
	assert_no_name(&(struct mint){.cn = "common", .san = "email:a@x,email:b@x"},
		       "it has 2 names of the kind rfc822Name");
}

/* A SAN with one rfc822Name of these bytes. */
static void assert_mail(const char *bytes, size_t len, const char *sentence)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	struct minted m = mint_root("root");
	char found[NAME_MAX_BYTES] = "before";
	struct certs_error error = {""};

	ASN1_STRING_set(text, bytes, (int)len);
	GENERAL_NAME_set0_value(name, GEN_EMAIL, text);
	sk_GENERAL_NAME_push(names, name);
	X509_add1_ext_i2d(m.cert, NID_subject_alt_name, names, 0, 0);
	assert_int_equal(name_of_client(m.cert, found, &error), *sentence ? -EBADMSG : 0);
	assert_string_equal(error.text, sentence);
	if (*sentence)
		assert_string_equal(found, "before");
	else
		assert_memory_equal(found, bytes, len);
	GENERAL_NAMES_free(names);
	minted_done(&m);
}

static void bytes_of_a_mail_name_are_checked(void **state)
{
	char longest[256];

	memset(longest, 'm', sizeof(longest));
	assert_mail(longest, 255, "");
	assert_mail(longest, 256, "its rfc822Name is longer than 255 bytes");
	assert_mail("a@b\0c", 5, "its rfc822Name holds a NUL");
	assert_mail("a@b\0", 4, "its rfc822Name holds a NUL");
	assert_mail("a\xff@b", 4, "its rfc822Name is not UTF-8");
	assert_mail("a@b\xc3", 4, "its rfc822Name is not UTF-8");
	assert_mail("\xc0\x80", 2, "its rfc822Name is not UTF-8");
}

static void a_broken_alternative_name_is_refused(void **state)
{
	struct minted m = mint_root("root");
	ASN1_OCTET_STRING *junk = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;
	char name[NAME_MAX_BYTES];
	struct certs_error error;

	ASN1_OCTET_STRING_set(junk, (const unsigned char *)"\x30\x05\x01", 3);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, junk);
	X509_add_ext(m.cert, extension, -1);
	assert_int_equal(name_of_client(m.cert, name, &error), -EBADMSG);
	assert_string_equal(error.text, "its subject alternative name cannot be read");
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(junk);
	minted_done(&m);
}

static void a_label_is_short_and_plain(void **state)
{
	static const char *const bad[] = {"",	 " ",	"a b", "-a",	   ".a", "_a",
					  "a/b", "a@b", "a*",  "\xc3\xa4", "a\n"};
	char longest[NAME_LABEL_MAX + 1];

	assert_true(name_is_label("a"));
	assert_true(name_is_label("Shop-1_a.example"));
	assert_true(name_is_label("9"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(name_is_label(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	assert_true(name_is_label(longest));
	longest[64] = 'a';
	longest[65] = '\0';
	assert_false(name_is_label(longest));
}

static void case_does_not_tell_names_apart(void **state)
{
	assert_true(name_equal("Shop", "sHOP"));
	assert_false(name_equal("shop", "shop2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upn_comes_before_mail_and_mail_before_common_name),
		cmocka_unit_test(the_last_common_name_counts),
		cmocka_unit_test(what_cannot_be_a_name_is_refused),
		cmocka_unit_test(a_bad_upn_does_not_make_the_common_name_count),
		cmocka_unit_test(bytes_of_a_mail_name_are_checked),
		cmocka_unit_test(a_broken_alternative_name_is_refused),
		cmocka_unit_test(a_label_is_short_and_plain),
		cmocka_unit_test(case_does_not_tell_names_apart),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
