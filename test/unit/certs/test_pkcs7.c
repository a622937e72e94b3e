/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/pkcs7.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

static struct minted root, client;

static int set_up(void **state)
{
	root = mint_root("root");
	client = mint_client(&root, "shop");
	return 0;
}

static int tear_down(void **state)
{
	minted_done(&root);
	minted_done(&client);
	return 0;
}

static struct stack_st_X509 *both(void)
{
	struct stack_st_X509 *certs = sk_X509_new_null();

	sk_X509_push(certs, client.cert);
	sk_X509_push(certs, root.cert);
	return certs;
}

static void certificates_read_back_in_their_order(void **state)
{
	struct stack_st_X509 *certs = both(), *back;
	uint8_t *der;
	size_t len;

	assert_int_equal(pkcs7_build(certs, &der, &len), 0);
	assert_int_equal(pkcs7_parse(der, len, &back, NULL), 0);
	assert_int_equal(sk_X509_num(back), 2);
	assert_int_equal(X509_cmp(sk_X509_value(back, 0), client.cert), 0);
	assert_int_equal(X509_cmp(sk_X509_value(back, 1), root.cert), 0);
	sk_X509_pop_free(back, X509_free);
	sk_X509_free(certs);
	free(der);
}

static void base64_comes_in_lines_of_64(void **state)
{
	struct stack_st_X509 *certs = both(), *back;
	char *text, *line;

	assert_int_equal(pkcs7_build_base64(certs, &text), 0);
	assert_int_equal(pkcs7_parse_base64(text, strlen(text), &back, NULL), 0);
	assert_int_equal(sk_X509_num(back), 2);
	sk_X509_pop_free(back, X509_free);
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (line = text; strlen(line) > 65; line += 65)
		assert_int_equal(line[64], '\n');
	assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
	sk_X509_free(certs);
	free(text);
}

/* What openssl pkcs7 -print_certs makes of it. */
static void openssl_prints_its_certificates(void **state)
{
	char path[] = "/tmp/certs-pkcs7-XXXXXX", command[160], out[256] = "";
	struct stack_st_X509 *certs = both();
	int fd = mkstemp(path);
	uint8_t *der;
	size_t len;
	FILE *f;

	assert_true(fd >= 0);
	assert_int_equal(pkcs7_build(certs, &der, &len), 0);
	f = fdopen(fd, "w");
	assert_int_equal(fwrite(der, 1, len, f), len);
	fclose(f);
	snprintf(command, sizeof(command),
		 "openssl pkcs7 -inform DER -in %s -print_certs -noout | grep subject", path);
	f = popen(command, "r");
	assert_non_null(f);
	out[fread(out, 1, sizeof(out) - 1, f)] = '\0';
	assert_int_equal(pclose(f), 0);
	assert_string_equal(out, "subject=CN = shop\nsubject=CN = root\n");
	remove(path);
	sk_X509_free(certs);
	free(der);
}

static void assert_refused(const void *der, size_t len, int code, const char *sentence)
{
	struct stack_st_X509 *certs = NULL;
	struct certs_error error;

	assert_int_equal(pkcs7_parse(der, len, &certs, &error), code);
	assert_string_equal(error.text, sentence);
	assert_null(certs);
	assert_int_equal(ERR_peek_error(), 0);
}

static void refuse_message(PKCS7 *p7, const char *sentence)
{
	unsigned char *der = NULL;
	int len = i2d_PKCS7(p7, &der);

	assert_true(len > 0);
	assert_refused(der, (size_t)len, -EBADMSG, sentence);
	OPENSSL_free(der);
	PKCS7_free(p7);
}

static PKCS7 *certs_only(void)
{
	PKCS7 *p7 = PKCS7_new();

	PKCS7_set_type(p7, NID_pkcs7_signed);
	PKCS7_content_new(p7, NID_pkcs7_data);
	PKCS7_set_detached(p7, 1);
	return p7;
}

static void other_messages_are_refused(void **state)
{
	const char data[] = "hello";
	BIO *bio = BIO_new_mem_buf(data, 5);
	PKCS7 *p7 = PKCS7_new();

	PKCS7_set_type(p7, NID_pkcs7_data);
	refuse_message(p7, "the PKCS#7 message is not of the kind that holds certificates");
	p7 = PKCS7_sign(root.cert, root.key, NULL, bio, PKCS7_DETACHED);
	refuse_message(p7, "the PKCS#7 message is signed: only certificates are expected");
	p7 = certs_only();
	PKCS7_set_detached(p7, 0);
	PKCS7_content_new(p7, NID_pkcs7_data);
	ASN1_OCTET_STRING_set(p7->d.sign->contents->d.data, (const unsigned char *)data, 5);
	PKCS7_add_certificate(p7, root.cert);
	refuse_message(p7, "the PKCS#7 message has a content: only certificates are expected");
	refuse_message(certs_only(),
		       "the PKCS#7 message holds 0 certificates: expected are 1 to 32");
	p7 = certs_only();
	for (int i = 0; i <= PKCS7_CERTS_MAX; i++)
		PKCS7_add_certificate(p7, root.cert);
	refuse_message(p7, "the PKCS#7 message holds 33 certificates: expected are 1 to 32");
	BIO_free(bio);
}

static void a_message_is_read_whole_or_not_at_all(void **state)
{
	struct stack_st_X509 *certs = both(), *back = NULL;
	uint8_t *der, *longer;
	size_t len;

	assert_int_equal(pkcs7_build(certs, &der, &len), 0);
	for (size_t n = 0; n < len; n++)
		assert_refused(der, n, -EBADMSG, "this is no PKCS#7 message in DER");
	longer = calloc(1, PKCS7_DER_MAX + 1);
	memcpy(longer, der, len);
	assert_refused(longer, len + 3, -EBADMSG, "3 bytes follow the PKCS#7 message");
	assert_refused(longer, PKCS7_DER_MAX + 1, -EMSGSIZE,
		       "the PKCS#7 message is larger than 262144 bytes");
	assert_int_equal(pkcs7_parse_base64("%", 1, &back, NULL), -EBADMSG);
	assert_int_equal(pkcs7_parse_base64("", 0, &back, NULL), -EBADMSG);
	assert_int_equal(pkcs7_parse_base64("", PKCS7_TEXT_MAX + 1, &back, NULL), -EMSGSIZE);
	assert_null(back);
	free(longer);
	free(der);
	sk_X509_free(certs);
}

static void nothing_and_too_much_is_not_built(void **state)
{
	struct stack_st_X509 *certs = sk_X509_new_null();
	char *text = NULL;
	uint8_t *der;
	size_t len;

	assert_int_equal(pkcs7_build(certs, &der, &len), -EINVAL);
	for (int i = 0; i <= PKCS7_CERTS_MAX; i++)
		sk_X509_push(certs, root.cert);
	assert_int_equal(pkcs7_build(certs, &der, &len), -EINVAL);
	assert_int_equal(pkcs7_build_base64(certs, &text), -EINVAL);
	assert_null(text);
	sk_X509_free(certs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_read_back_in_their_order),
		cmocka_unit_test(base64_comes_in_lines_of_64),
		cmocka_unit_test(openssl_prints_its_certificates),
		cmocka_unit_test(other_messages_are_refused),
		cmocka_unit_test(a_message_is_read_whole_or_not_at_all),
		cmocka_unit_test(nothing_and_too_much_is_not_built),
	};

	return cmocka_run_group_tests_name("pkcs7", tests, set_up, tear_down);
}
