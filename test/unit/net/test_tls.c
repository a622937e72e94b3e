/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator reads when the files for TLS are not right. */
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "sstp/net/tls.h"
#include "test/support/cmocka.h"
#include "test/support/testcert.h"

static struct {
	const char *cert, *key, *other_key, *rsa_key, *locked_key, *prose, *nowhere;
} files;

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static void write_locked_key(const char *path, EVP_PKEY *key)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(
		PEM_write_PKCS8PrivateKey(f, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
	fclose(f);
}

static int make_files(void **state)
{
	struct testcert *cert = testcert_new(&(struct testcert_spec){.san = "DNS:gateway.test"});
	struct testcert *other = testcert_new(&(struct testcert_spec){0});
	struct testcert *rsa = testcert_new(&(struct testcert_spec){.key = TESTCERT_RSA});

	files.cert = testcert_path("cert.pem");
	files.key = testcert_path("key.pem");
	files.other_key = testcert_path("other-key.pem");
	files.rsa_key = testcert_path("rsa-key.pem");
	files.locked_key = testcert_path("locked-key.pem");
	files.prose = testcert_path("prose.pem");
	files.nowhere = "/nonexistent/cert.pem";
	testcert_write_chain(cert, files.cert);
	testcert_write_key(cert, files.key);
	testcert_write_key(other, files.other_key);
	testcert_write_key(rsa, files.rsa_key);
	write_locked_key(files.locked_key, cert->key);
	write_text(files.prose, "This is not a certificate.\n");
	testcert_free(cert);
	testcert_free(other);
	testcert_free(rsa);
	return 0;
}

/* tls_ctx_new_server() fails with code, and says "FILE: text". */
static void server_refuses(const char *cert, const char *key, int code, const char *file,
			   const char *text)
{
	struct tls_ctx *ctx = NULL;
	char error[TLS_ERROR_MAX];
	char expect[TLS_ERROR_MAX];

	snprintf(expect, sizeof(expect), "%s: %s", file, text);
	assert_int_equal(tls_ctx_new_server(cert, key, &ctx, error), code);
	assert_string_equal(error, expect);
	assert_null(ctx);
}

static void right_files_make_a_counted_context(void **state)
{
	struct tls_ctx *ctx = NULL;
	char error[TLS_ERROR_MAX];

	assert_int_equal(tls_ctx_new_server(files.cert, files.key, &ctx, error), 0);
	assert_ptr_equal(tls_ctx_ref(ctx), ctx);
	tls_ctx_unref(ctx);
	tls_ctx_unref(ctx);
	tls_ctx_unref(NULL);
}

static void missing_files_are_named(void **state)
{
	server_refuses(files.nowhere, files.key, -ENOENT, files.nowhere,
		       "cannot read the certificate: No such file or directory");
	server_refuses(files.cert, files.nowhere, -ENOENT, files.nowhere,
		       "cannot read the private key: No such file or directory");
}

static void folder_instead_of_a_file_is_refused(void **state)
{
	server_refuses("/", files.key, -EINVAL, "/",
		       "holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
}

static void files_that_are_not_pem_are_called_that(void **state)
{
	server_refuses(files.prose, files.key, -EINVAL, files.prose,
		       "holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
	server_refuses(files.key, files.key, -EINVAL, files.key,
		       "holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
	server_refuses(files.cert, files.prose, -EINVAL, files.prose,
		       "holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
	server_refuses(files.cert, files.cert, -EINVAL, files.cert,
		       "holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
}

static void key_of_another_certificate_is_refused_whatever_its_kind(void **state)
{
	char text[TLS_ERROR_MAX];

	snprintf(text, sizeof(text), "is not the private key of the first certificate in %s",
		 files.cert);
	server_refuses(files.cert, files.other_key, -EINVAL, files.other_key, text);
	server_refuses(files.cert, files.rsa_key, -EINVAL, files.rsa_key, text);
}

static void encrypted_key_is_refused_with_the_way_out(void **state)
{
	server_refuses(files.cert, files.locked_key, -EINVAL, files.locked_key,
		       "the private key is encrypted: store it without a passphrase "
		       "(openssl pkey -in FILE -out NEW)");
}

static void client_context_takes_roots_of_a_file_or_of_the_system(void **state)
{
	struct tls_ctx *ctx = NULL;
	char error[TLS_ERROR_MAX];

	assert_int_equal(tls_ctx_new_client(files.cert, &ctx, error), 0);
	tls_ctx_unref(ctx);
	assert_int_equal(tls_ctx_new_client(NULL, &ctx, error), 0);
	tls_ctx_unref(ctx);
}

static void client_refuses(const char *file, int code, const char *text)
{
	struct tls_ctx *ctx = NULL;
	char error[TLS_ERROR_MAX];
	char expect[TLS_ERROR_MAX];

	snprintf(expect, sizeof(expect), "%s: %s", file, text);
	assert_int_equal(tls_ctx_new_client(file, &ctx, error), code);
	assert_string_equal(error, expect);
	assert_null(ctx);
}

static void client_without_usable_roots_is_refused(void **state)
{
	client_refuses(files.nowhere, -ENOENT,
		       "cannot read the CA certificates: No such file or directory");
	client_refuses(files.prose, -EINVAL,
		       "holds no CA certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
}

static void server_warns(const struct testcert_spec *spec, const char *expected)
{
	struct testcert *c = testcert_new(spec);
	const char *cert = testcert_path("odd.pem"), *key = testcert_path("odd-key.pem");
	char error[TLS_ERROR_MAX], warning[TLS_ERROR_MAX] = "";
	struct tls_ctx *ctx;

	testcert_write_chain(c, cert);
	testcert_write_key(c, key);
	assert_int_equal(tls_ctx_new_server(cert, key, &ctx, error), 0);
	assert_int_equal(tls_ctx_warning(ctx, warning) != NULL, expected != NULL);
	if (expected)
		assert_string_equal(warning, expected);
	tls_ctx_unref(ctx);
	testcert_free(c);
}

static void odd_certificate_is_used_with_a_warning(void **state)
{
	enum {
		DAY = 86400
	};

	server_warns(&(struct testcert_spec){.san = "DNS:g.test",
					     .not_before_s = -DAY,
					     .not_after_s = 365 * DAY},
		     NULL);
	server_warns(&(struct testcert_spec){.san = "DNS:g.test",
					     .not_before_s = -2 * DAY,
					     .not_after_s = -DAY},
		     "the certificate has expired: clients will refuse it");
	server_warns(&(struct testcert_spec){.san = "DNS:g.test",
					     .not_before_s = DAY,
					     .not_after_s = 2 * DAY},
		     "the certificate is not valid yet: clients will refuse it");
	server_warns(
		&(struct testcert_spec){.not_before_s = -DAY, .not_after_s = 365 * DAY},
		"the certificate has no subject alternative name: most clients will refuse it");
	server_warns(&(struct testcert_spec){.san = "DNS:g.test",
					     .not_before_s = -DAY,
					     .not_after_s = 10 * DAY + 3600},
		     "the certificate expires in 10 days");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_certificate_is_used_with_a_warning),
		cmocka_unit_test(right_files_make_a_counted_context),
		cmocka_unit_test(missing_files_are_named),
		cmocka_unit_test(folder_instead_of_a_file_is_refused),
		cmocka_unit_test(files_that_are_not_pem_are_called_that),
		cmocka_unit_test(key_of_another_certificate_is_refused_whatever_its_kind),
		cmocka_unit_test(encrypted_key_is_refused_with_the_way_out),
		cmocka_unit_test(client_context_takes_roots_of_a_file_or_of_the_system),
		cmocka_unit_test(client_without_usable_roots_is_refused),
	};

	return cmocka_run_group_tests_name("net/tls", tests, make_files, NULL);
}
