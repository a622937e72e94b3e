/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/encoding.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/key.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

static void der_reads_back(void **state)
{
	struct minted m = mint_root("root");
	X509 *back;
	uint8_t *der;
	size_t len;

	assert_int_equal(encoding_to_der(m.cert, &der, &len), 0);
	assert_int_equal(encoding_from_der(der, len, &back, NULL), 0);
	assert_int_equal(X509_cmp(m.cert, back), 0);
	X509_free(back);
	free(der);
	minted_done(&m);
}

static void assert_no_der(const void *der, size_t len, int code, const char *sentence)
{
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(encoding_from_der(der, len, &cert, &error), code);
	assert_string_equal(error.text, sentence);
	assert_null(cert);
	assert_int_equal(ERR_peek_error(), 0);
}

static void der_is_read_whole_or_not_at_all(void **state)
{
	struct minted m = mint_root("root");
	uint8_t buf[ENCODING_DER_MAX + 1] = {0};
	uint8_t *der;
	size_t len;

	assert_int_equal(encoding_to_der(m.cert, &der, &len), 0);
	memcpy(buf, der, len);
	assert_no_der(buf, len + 2, -EBADMSG, "2 bytes follow the certificate");
	assert_no_der(buf, len - 1, -EBADMSG, "this is no certificate (X.509 in DER)");
	assert_no_der(buf, 0, -EBADMSG, "this is no certificate (X.509 in DER)");
	assert_no_der(buf, sizeof(buf), -EMSGSIZE,
		      "the certificate has 16385 bytes: at most 16384 are read");
	free(der);
	minted_done(&m);
}

static void a_blob_is_one_line_of_base64(void **state)
{
	struct minted m = mint_root("root");
	struct certs_error error;
	char *blob;
	X509 *back;

	assert_int_equal(encoding_to_blob(m.cert, &blob), 0);
	assert_null(strpbrk(blob, " \r\n-"));
	assert_int_equal(encoding_from_blob(blob, &back, NULL), 0);
	assert_int_equal(X509_cmp(m.cert, back), 0);
	blob[8] = '\n';
	X509_free(back);
	back = NULL;
	assert_int_equal(encoding_from_blob(blob, &back, &error), -EBADMSG);
	assert_string_equal(error.text,
			    "the certificate is not base64 on one line, without CR, LF and blanks");
	assert_null(back);
	free(blob);
	minted_done(&m);
}

static void a_blob_that_is_too_long_is_refused(void **state)
{
	size_t n = (ENCODING_DER_MAX + 3) / 3 * 4;
	char *blob = malloc(n + 1);
	X509 *cert = NULL;

	memset(blob, 'A', n);
	blob[n] = '\0';
	assert_int_equal(encoding_from_blob(blob, &cert, NULL), -EMSGSIZE);
	assert_null(cert);
	free(blob);
}

/* root and client in one PEM text, with remarks around them; owned */
static char *two_with_remarks(const struct minted *a, const struct minted *b)
{
	char *first = mint_pem(a), *second = mint_pem(b), *text = NULL;

	assert_true(asprintf(&text, "# first\n%ssome words\n\n%send\n", first, second) > 0);
	free(first);
	free(second);
	return text;
}

static void pem_keeps_the_order_of_the_text(void **state)
{
	struct minted root = mint_root("root");
	struct minted client = mint_client(&root, "shop");
	char *text = two_with_remarks(&client, &root), *again;
	struct stack_st_X509 *chain;
	struct certs_error error;
	X509 *cert = NULL;

	assert_int_equal(encoding_chain_from_pem(text, strlen(text), &chain, NULL), 0);
	assert_int_equal(sk_X509_num(chain), 2);
	assert_int_equal(X509_cmp(sk_X509_value(chain, 0), client.cert), 0);
	assert_int_equal(X509_cmp(sk_X509_value(chain, 1), root.cert), 0);
	assert_int_equal(encoding_from_pem(text, strlen(text), &cert, &error), -EBADMSG);
	assert_string_equal(error.text, "2 certificates where one is wanted");
	free(text);

	assert_int_equal(encoding_chain_to_pem(chain, &text), 0);
	sk_X509_pop_free(chain, X509_free);
	assert_int_equal(encoding_chain_from_pem(text, strlen(text), &chain, NULL), 0);
	assert_int_equal(encoding_chain_to_pem(chain, &again), 0);
	assert_string_equal(again, text);
	sk_X509_pop_free(chain, X509_free);
	free(again);
	free(text);
	minted_done(&client);
	minted_done(&root);
}

static void one_certificate_reads_back(void **state)
{
	struct minted m = mint_root("root");
	X509 *back;
	char *pem;

	assert_int_equal(encoding_to_pem(m.cert, &pem), 0);
	assert_int_equal(encoding_from_pem(pem, strlen(pem), &back, NULL), 0);
	assert_int_equal(X509_cmp(m.cert, back), 0);
	X509_free(back);
	free(pem);
	minted_done(&m);
}

static void assert_no_pem(const char *pem, size_t len, int code, const char *sentence)
{
	struct stack_st_X509 *chain = NULL;
	struct certs_error error;

	assert_int_equal(encoding_chain_from_pem(pem, len, &chain, &error), code);
	assert_string_equal(error.text, sentence);
	assert_null(chain);
	assert_int_equal(ERR_peek_error(), 0);
}

static void what_is_not_a_certificate_is_named(void **state)
{
	struct minted m = mint_root("root");
	char *pem = mint_pem(&m), *key, *text = NULL;

	assert_no_pem("", 0, -EBADMSG, "there is no certificate in PEM");
	assert_no_pem("hello\n", 6, -EBADMSG, "there is no certificate in PEM");
	assert_no_pem(pem, strlen(pem) / 2, -EBADMSG, "a PEM block is damaged or not complete");
	assert_int_equal(key_to_pem(m.key, &key), 0);
	assert_true(asprintf(&text, "%s%s", pem, key) > 0);
	assert_no_pem(text, strlen(text), -EBADMSG,
		      "there is a private key among the certificates: it does not belong here");
	free(text);
	assert_true(asprintf(&text, "%s-----BEGIN X-----\nAAAA\n-----END X-----\n", pem) > 0);
	assert_no_pem(text, strlen(text), -EBADMSG,
		      "a PEM block is X: only certificates belong here");
	free(text);
	key_pem_free(key);
	free(pem);
	minted_done(&m);
}

static void limits_hold(void **state)
{
	struct minted m = mint_root("root");
	char *pem = mint_pem(&m), *text = malloc(ENCODING_PEM_MAX + 1);
	struct stack_st_X509 *chain;
	size_t n = strlen(pem), i;

	for (i = 0; i <= ENCODING_CHAIN_MAX; i++)
		memcpy(text + i * n, pem, n);
	assert_no_pem(text, i * n, -EMSGSIZE, "more than 32 certificates");
	assert_int_equal(encoding_chain_from_pem(text, (i - 1) * n, &chain, NULL), 0);
	sk_X509_pop_free(chain, X509_free);
	memset(text, '\n', ENCODING_PEM_MAX + 1);
	assert_no_pem(text, ENCODING_PEM_MAX + 1, -EMSGSIZE,
		      "the PEM text is larger than 262144 bytes");
	free(text);
	free(pem);
	minted_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(der_reads_back),
		cmocka_unit_test(der_is_read_whole_or_not_at_all),
		cmocka_unit_test(a_blob_is_one_line_of_base64),
		cmocka_unit_test(a_blob_that_is_too_long_is_refused),
		cmocka_unit_test(pem_keeps_the_order_of_the_text),
		cmocka_unit_test(one_certificate_reads_back),
		cmocka_unit_test(what_is_not_a_certificate_is_named),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
