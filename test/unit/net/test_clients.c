/* SPDX-License-Identifier: Apache-2.0 */
/* A server asks for the client's certificate in the handshake, and says whose it is or what is wrong with it. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/net/raw.h"

static struct raw raw;

static bool raw_is_open(struct rig *rig)
{
	return rig->server.opened && raw.open;
}

static void ask_clients(struct rig *rig, const struct testcert *ca)
{
	const char *path = testcert_path("clients.pem");
	char error[TLS_ERROR_MAX] = "";

	testcert_write_cert(ca, path);
	assert_int_equal(tls_ctx_ask_clients(rig->server_tls, path, error), 0);
	assert_string_equal(error, "");
}

/* With the certificate of its own (NULL: none); what the server is told of it. */
static int client_of(struct rig *rig, const struct testcert *cert, int version,
		     char ret_text[STREAM_CLIENT_MAX])
{
	int r;

	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, version);
	SSL_certs_clear(raw.ssl);
	if (cert) {
		assert_int_equal(SSL_use_certificate(raw.ssl, cert->cert), 1);
		assert_int_equal(SSL_use_PrivateKey(raw.ssl, cert->key), 1);
	}
	strcpy(ret_text, "untouched");
	rig_run(rig, raw_is_open);
	r = stream_client(rig->server.stream, ret_text);
	raw_close(&raw);
	return r;
}

static void subject_of_a_good_certificate_is_told(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct testcert *ca = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct testcert *cert =
		testcert_new(&(struct testcert_spec){.common_name = "operator\n1", .issuer = ca});

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct rig rig;
		char text[STREAM_CLIENT_MAX];

		rig_setup(&rig);
		ask_clients(&rig, ca);
		assert_int_equal(client_of(&rig, cert, versions[i], text), 0);
		assert_string_equal(text, "CN=operator\\0A1");
		rig_teardown(&rig);
	}
	testcert_free(cert);
	testcert_free(ca);
}

static void certificate_of_another_issuer_or_time_is_connected_and_told(void **state)
{
	struct testcert *ca = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct testcert *old = testcert_new(
		&(struct testcert_spec){.issuer = ca, .not_before_s = -7200, .not_after_s = -3600});
	struct testcert *own = testcert_new(&(struct testcert_spec){.common_name = "test"});
	struct testcert *server =
		testcert_new(&(struct testcert_spec){.issuer = ca, .eku = "serverAuth"});
	const struct {
		const struct testcert *cert;
		const char *text;
	} cases[] = {
		{old, "its certificate is not good: certificate has expired"},
		{own, "its certificate is not good: self-signed certificate"},
		{server, "its certificate is not good: unsuitable certificate purpose"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rig rig;
		char text[STREAM_CLIENT_MAX];

		rig_setup(&rig);
		ask_clients(&rig, ca);
		assert_int_equal(client_of(&rig, cases[i].cert, TLS1_3_VERSION, text), -EACCES);
		assert_string_equal(text, cases[i].text);
		rig_teardown(&rig);
	}
	testcert_free(server);
	testcert_free(own);
	testcert_free(old);
	testcert_free(ca);
}

static void client_without_certificate_is_connected_and_told(void **state)
{
	struct testcert *ca = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct rig *rig = *state;
	char text[STREAM_CLIENT_MAX];

	ask_clients(rig, ca);
	assert_int_equal(client_of(rig, NULL, TLS1_3_VERSION, text), -ENOENT);
	assert_string_equal(text, "untouched");
	testcert_free(ca);
}

static void server_that_does_not_ask_knows_no_client(void **state)
{
	struct rig *rig = *state;
	char text[STREAM_CLIENT_MAX];

	rig_open(rig);
	assert_int_equal(stream_client(rig->server.stream, text), -ENOENT);
	assert_int_equal(stream_client(rig->client.stream, text), -ENOENT);
}

static void file_without_ca_certificates_is_refused_by_its_name(void **state)
{
	struct rig *rig = *state;
	char error[TLS_ERROR_MAX];
	const char *path = testcert_path("key.pem");

	testcert_write_key(rig_root(), path);
	assert_int_equal(tls_ctx_ask_clients(rig->server_tls, path, error), -EINVAL);
	assert_non_null(strstr(error, "key.pem: holds no CA certificate"));
	assert_int_equal(tls_ctx_ask_clients(rig->server_tls, testcert_path("none.pem"), error),
			 -ENOENT);
	assert_non_null(strstr(error, "none.pem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subject_of_a_good_certificate_is_told),
		cmocka_unit_test(certificate_of_another_issuer_or_time_is_connected_and_told),
		on_rig(client_without_certificate_is_connected_and_told),
		on_rig(server_that_does_not_ask_knows_no_client),
		on_rig(file_without_ca_certificates_is_refused_by_its_name),
	};

	return cmocka_run_group_tests_name("net/clients", tests, NULL, NULL);
}
