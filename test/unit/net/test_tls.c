/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator reads when the files for TLS are not right. */
#include <errno.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "sstp/net/tls_internal.h"
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
	assert_int_equal(tls_ctx_warning(ctx, 0, warning) != NULL, expected != NULL);
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

enum {
	DIGEST = 32,
	HANDSHAKES = 30,
};

/* A server's certificate behind an intermediate, with what a client needs to verify it. */
struct site {
	struct testcert *root, *middle, *leaf;
	struct tls_ctx *server, *client;
};

static void site_open(struct site *site, enum testcert_key key, long not_after_s)
{
	const char *chain = testcert_path("site.pem"), *key_file = testcert_path("site-key.pem");
	const char *root = testcert_path("site-root.pem");
	char error[TLS_ERROR_MAX];

	site->root = testcert_new(&(struct testcert_spec){.common_name = "root", .is_ca = true});
	site->middle = testcert_new(&(struct testcert_spec){
		.common_name = "middle", .is_ca = true, .issuer = site->root});
	site->leaf = testcert_new(&(struct testcert_spec){.common_name = "leaf",
							  .san = "DNS:gateway.test",
							  .eku = "serverAuth",
							  .key = key,
							  .not_before_s = -3600,
							  .not_after_s = not_after_s,
							  .issuer = site->middle});
	testcert_write_chain(site->leaf, chain);
	testcert_write_key(site->leaf, key_file);
	testcert_write_cert(site->root, root);
	assert_int_equal(tls_ctx_new_server(chain, key_file, &site->server, error), 0);
	assert_int_equal(tls_ctx_new_client(root, &site->client, error), 0);
}

static void site_close(struct site *site)
{
	tls_ctx_unref(site->server);
	tls_ctx_unref(site->client);
	testcert_free(site->leaf);
	testcert_free(site->middle);
	testcert_free(site->root);
}

/* What the client verified and the server believes to have shown. */
static bool shown_on_both_sides(SSL *client, SSL *server, uint8_t ret_sha256[DIGEST])
{
	uint8_t other[DIGEST];

	return X509_digest(SSL_get0_peer_certificate(client), EVP_sha256(), ret_sha256, NULL) &&
	       X509_digest(SSL_get_certificate(server), EVP_sha256(), other, NULL) &&
	       memcmp(ret_sha256, other, DIGEST) == 0;
}

/* A handshake in memory. No assertions: threads call this. */
static bool handshake(struct tls_ctx *client_ctx, struct tls_ctx *server_ctx,
		      uint8_t ret_sha256[DIGEST])
{
	SSL *client = tls_session_new_client(client_ctx, "gateway.test");
	SSL *server = tls_session_new_server(server_ctx);
	char refused[TLS_ERROR_MAX];
	BIO *near = NULL, *far = NULL;
	bool is_shown = false;
	int c = SSL_ERROR_WANT_READ, s = SSL_ERROR_WANT_READ;

	if (client && server && BIO_new_bio_pair(&near, 0, &far, 0)) {
		SSL_set_bio(client, near, near);
		SSL_set_bio(server, far, far);
		for (int i = 0; i < 10 && (c || s); i++) {
			c = tls_handshake(client, refused);
			s = tls_handshake(server, refused);
		}
		is_shown = !c && !s && shown_on_both_sides(client, server, ret_sha256);
	}
	SSL_free(client);
	SSL_free(server);
	return is_shown;
}

/* The copy takes the original's place. */
static void replace_by_copy(struct site *site)
{
	struct tls_ctx *copy = NULL;

	assert_int_equal(tls_ctx_copy(site->server, &copy), 0);
	tls_ctx_unref(site->server);
	site->server = copy;
}

static void roots_as_text_do_what_a_file_of_them_does(void **state)
{
	struct site site;
	uint8_t shown[DIGEST];
	char error[TLS_ERROR_MAX], *root;
	struct tls_ctx *ctx = NULL;

	site_open(&site, TESTCERT_EC, 86400);
	root = testcert_cert_pem(site.root);
	assert_int_equal(tls_ctx_new_client_of(root, &ctx, error), 0);
	assert_true(handshake(ctx, site.server, shown));
	tls_ctx_unref(ctx);
	ctx = NULL;
	assert_int_equal(tls_ctx_new_client_of("no PEM", &ctx, error), -EINVAL);
	assert_string_equal(error, "the roots hold no CA certificate in PEM form");
	assert_null(ctx);
	free(root);
	site_close(&site);
}

static void chain_may_end_in_any_certificate_that_is_given_as_a_root(void **state)
{
	struct site site;
	uint8_t shown[DIGEST];
	char error[TLS_ERROR_MAX];

	site_open(&site, TESTCERT_RSA, 86400);
	for (int i = 0; i < 3; i++) {
		struct testcert *stranger = testcert_new(
			&(struct testcert_spec){.common_name = "middle", .is_ca = true});
		const struct testcert *ends[] = {site.middle, site.leaf, stranger};
		char *pem = testcert_cert_pem(ends[i]);
		struct tls_ctx *ctx = NULL;

		assert_int_equal(tls_ctx_new_client_of(pem, &ctx, error), 0);
		assert_int_equal(handshake(ctx, site.server, shown), ends[i] != stranger);
		tls_ctx_unref(ctx);
		free(pem);
		testcert_free(stranger);
	}
	site_close(&site);
}

static void copy_shows_the_same_certificate_and_chain_when_the_original_is_gone(void **state)
{
	static const enum testcert_key keys[] = {TESTCERT_EC, TESTCERT_RSA};
	uint8_t expected[DIGEST], shown[DIGEST];

	for (int i = 0; i < 2; i++) {
		struct site site;

		site_open(&site, keys[i], 86400);
		assert_int_equal(X509_digest(site.leaf->cert, EVP_sha256(), expected, NULL), 1);
		replace_by_copy(&site);
		/* and of the copy there can be another */
		replace_by_copy(&site);
		memset(shown, 0, sizeof(shown));
		assert_true(handshake(site.client, site.server, shown));
		assert_memory_equal(shown, expected, DIGEST);
		site_close(&site);
	}
}

static void copy_is_warned_of_as_the_original_is(void **state)
{
	static const long not_after_s[] = {10 * 86400 + 3600, -60, 365 * 86400};

	for (int i = 0; i < 3; i++) {
		char of_original[TLS_ERROR_MAX] = "none", of_copy[TLS_ERROR_MAX] = "none";
		struct site site;

		site_open(&site, TESTCERT_EC, not_after_s[i]);
		tls_ctx_warning(site.server, 0, of_original);
		replace_by_copy(&site);
		tls_ctx_warning(site.server, 0, of_copy);
		assert_string_equal(of_copy, of_original);
		site_close(&site);
	}
}

static void copy_has_the_settings_of_the_original_and_shares_no_object_with_it(void **state)
{
	STACK_OF(X509) *chain = NULL, *chain_of_copy = NULL;
	struct tls_ctx *copy = NULL;
	struct site site;
	SSL_CTX *a, *b;

	site_open(&site, TESTCERT_EC, 86400);
	site.server->key_records = 4711;
	assert_int_equal(tls_ctx_copy(site.server, &copy), 0);
	a = site.server->ssl;
	b = copy->ssl;
	assert_int_equal(copy->key_records, 4711);
	assert_int_equal(SSL_CTX_get_options(b), SSL_CTX_get_options(a));
	assert_int_equal(SSL_CTX_get_mode(b), SSL_CTX_get_mode(a));
	assert_int_equal(SSL_CTX_get_session_cache_mode(b), SSL_CTX_get_session_cache_mode(a));
	assert_int_equal(SSL_CTX_get_num_tickets(b), SSL_CTX_get_num_tickets(a));
	SSL_CTX_get0_chain_certs(a, &chain);
	SSL_CTX_get0_chain_certs(b, &chain_of_copy);
	assert_int_equal(sk_X509_num(chain), 1);
	assert_int_equal(sk_X509_num(chain_of_copy), 1);
	assert_ptr_not_equal(sk_X509_value(chain_of_copy, 0), sk_X509_value(chain, 0));
	assert_int_equal(X509_cmp(sk_X509_value(chain_of_copy, 0), sk_X509_value(chain, 0)), 0);
	assert_ptr_not_equal(SSL_CTX_get0_certificate(b), SSL_CTX_get0_certificate(a));
	assert_ptr_not_equal(SSL_CTX_get0_privatekey(b), SSL_CTX_get0_privatekey(a));
	tls_ctx_unref(copy);
	site_close(&site);
}

static void client_context_cannot_be_copied(void **state)
{
	struct tls_ctx *copy = NULL;
	struct site site;

	site_open(&site, TESTCERT_EC, 86400);
	assert_int_equal(tls_ctx_copy(site.client, &copy), -EINVAL);
	assert_null(copy);
	site_close(&site);
}

struct worker {
	pthread_t thread;
	struct tls_ctx *server, *client; /* its own */
	uint8_t expected[DIGEST];
	unsigned n_right;
};

static void *shake_hands(void *arg)
{
	struct worker *w = arg;
	uint8_t shown[DIGEST];

	for (int i = 0; i < HANDSHAKES; i++)
		w->n_right += handshake(w->client, w->server, shown) &&
			      memcmp(shown, w->expected, DIGEST) == 0;
	return NULL;
}

static void threads_with_a_copy_each_shake_hands_at_once(void **state)
{
	struct worker workers[2] = {0};
	struct site site;
	struct tls_ctx *copy;

	site_open(&site, TESTCERT_EC, 86400);
	for (int i = 0; i < 2; i++) {
		struct worker *w = &workers[i];
		char error[TLS_ERROR_MAX];

		assert_int_equal(tls_ctx_copy(site.server, &copy), 0);
		w->server = copy;
		assert_int_equal(
			tls_ctx_new_client(testcert_path("site-root.pem"), &w->client, error), 0);
		assert_int_equal(X509_digest(site.leaf->cert, EVP_sha256(), w->expected, NULL), 1);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, shake_hands, &workers[i]),
				 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_int_equal(workers[i].n_right, HANDSHAKES);
		tls_ctx_unref(workers[i].server);
		tls_ctx_unref(workers[i].client);
	}
	site_close(&site);
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
		cmocka_unit_test(roots_as_text_do_what_a_file_of_them_does),
		cmocka_unit_test(chain_may_end_in_any_certificate_that_is_given_as_a_root),
		cmocka_unit_test(
			copy_shows_the_same_certificate_and_chain_when_the_original_is_gone),
		cmocka_unit_test(copy_is_warned_of_as_the_original_is),
		cmocka_unit_test(
			copy_has_the_settings_of_the_original_and_shares_no_object_with_it),
		cmocka_unit_test(client_context_cannot_be_copied),
		cmocka_unit_test(threads_with_a_copy_each_shake_hands_at_once),
	};

	return cmocka_run_group_tests_name("net/tls", tests, make_files, NULL);
}
