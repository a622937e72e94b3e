/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration's certificates to a context and to paths. What a context does with them is net's to test. */
#include "sstp/gateway/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"

static struct gateway_certificate certificates[2];

static const struct gateway_config config = {.certificates = certificates, .n_certificates = 2};

static void write_pair(struct gateway_certificate *c, const char *san, const char *cert_name,
		       const char *key_name)
{
	struct testcert *cert = testcert_new(&(struct testcert_spec){.san = san});

	c->certificate = (char *)testcert_path(cert_name);
	c->key = (char *)testcert_path(key_name);
	testcert_write_chain(cert, c->certificate);
	testcert_write_key(cert, c->key);
	testcert_free(cert);
}

static int make_files(void **state)
{
	write_pair(&certificates[0], "DNS:a.test", "a.pem", "a.key");
	write_pair(&certificates[1], "DNS:b.test", "b.pem", "b.key");
	return 0;
}

/* From the files, over what another process gets of them. */
static int load(struct tls_ctx **ret_tls, char error[TLS_ERROR_MAX])
{
	struct pem_files read, files;
	uint8_t *bytes;
	size_t len;
	int r;

	assert_int_equal(certificates_read(&config, &read), 0);
	assert_int_equal(pem_files_encode(&read, &bytes, &len), 0);
	assert_int_equal(pem_files_decode(bytes, len, &files), 0);
	pem_files_wipe(bytes, len);
	pem_files_done(&read);
	r = certificates_load(&config, &files, NULL, ret_tls, error);
	pem_files_done(&files);
	return r;
}

static void all_of_them_are_loaded(void **state)
{
	struct tls_ctx *tls = NULL;
	char error[TLS_ERROR_MAX], text[TLS_ERROR_MAX];

	certificates[0].vnet = GATEWAY_ANY_VNET;
	certificates[1].vnet = 0;
	assert_int_equal(load(&tls, error), 0);
	/* a day is left of each; a third one there is not */
	assert_non_null(tls_ctx_warning(tls, 0, text));
	assert_non_null(tls_ctx_warning(tls, 1, text));
	assert_null(tls_ctx_warning(tls, 2, text));
	tls_ctx_unref(tls);
}

static void one_that_cannot_be_used_spoils_all_and_is_named(void **state)
{
	struct tls_ctx *tls = NULL;
	char error[TLS_ERROR_MAX], expected[TLS_ERROR_MAX];
	char *key = certificates[1].key;

	certificates[1].key = certificates[0].key;
	assert_int_equal(load(&tls, error), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s: is not the private key of the first certificate in %s", certificates[0].key,
		 certificates[1].certificate);
	assert_string_equal(error, expected);
	assert_null(tls);
	certificates[1].key = key;
}

static void one_that_cannot_be_read_is_named(void **state)
{
	struct tls_ctx *tls = NULL;
	char error[TLS_ERROR_MAX];
	char *key = certificates[1].key;

	certificates[1].key = (char *)"/nonexistent/b.key";
	assert_int_equal(load(&tls, error), -ENOENT);
	assert_string_equal(error, "/nonexistent/b.key: cannot read the private key: "
				   "No such file or directory");
	certificates[1].key = key;
}

static void files_of_another_configuration_are_refused(void **state)
{
	struct pem_files none = {0};
	struct tls_ctx *tls = NULL;
	char error[TLS_ERROR_MAX];

	assert_int_equal(certificates_load(&config, &none, NULL, &tls, error), -EINVAL);
	assert_string_equal(error, "the certificates are not those of the configuration");
}

static void every_file_is_listed(void **state)
{
	const char **files = certificates_files(&config);

	for (int i = 0; i < 2; i++) {
		assert_string_equal(files[2 * i], certificates[i].certificate);
		assert_string_equal(files[2 * i + 1], certificates[i].key);
	}
	free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_them_are_loaded),
		cmocka_unit_test(one_that_cannot_be_used_spoils_all_and_is_named),
		cmocka_unit_test(one_that_cannot_be_read_is_named),
		cmocka_unit_test(files_of_another_configuration_are_refused),
		cmocka_unit_test(every_file_is_listed),
	};

	return cmocka_run_group_tests_name("gateway/certificates", tests, make_files, NULL);
}
