/* SPDX-License-Identifier: Apache-2.0 */
/* A server asks for the client's certificate after the handshake; and what clients of all kinds make of that. */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/net/raw.h"

static struct raw raw;

static bool raw_is_open(struct rig *rig)
{
	return rig->server.opened && raw.open;
}

static bool has_answered(struct rig *rig)
{
	return rig->server.certs;
}

static bool server_has_data(struct rig *rig)
{
	return rig->server.len >= 5;
}

static bool raw_has_data(struct rig *rig)
{
	return raw.len >= 5;
}

/* A client that can be asked, with the certificate of its own (NULL: none). */
static void open_client(struct rig *rig, const struct testcert *cert)
{
	raw_connect(&raw, rig);
	SSL_set_post_handshake_auth(raw.ssl, 1);
	SSL_certs_clear(raw.ssl);
	if (cert) {
		assert_int_equal(SSL_use_certificate(raw.ssl, cert->cert), 1);
		assert_int_equal(SSL_use_PrivateKey(raw.ssl, cert->key), 1);
	}
	rig_run(rig, raw_is_open);
}

static void assert_shown(struct rig *rig, X509 *expected)
{
	uint8_t *der = NULL;
	int len = i2d_X509(expected, &der);

	assert_int_equal(rig->server.certs, 1);
	assert_int_equal(rig->server.cert_len, len);
	assert_memory_equal(rig->server.cert, der, len);
	OPENSSL_free(der);
}

static void certificate_of_any_issuer_is_shown(void **state)
{
	static const enum testcert_key keys[] = {TESTCERT_EC, TESTCERT_RSA, TESTCERT_ED25519};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct rig rig;
		struct testcert *cert = testcert_new(&(struct testcert_spec){.key = keys[i]});

		rig_setup(&rig);
		open_client(&rig, cert);
		assert_int_equal(stream_request_certificate(rig.server.stream), 0);
		rig_run(&rig, has_answered);
		assert_shown(&rig, cert->cert);
		raw_close(&raw);
		rig_teardown(&rig);
		testcert_free(cert);
	}
}

/* Whether it is good is not the stream's to say. */
static void expired_certificate_for_servers_is_shown_too(void **state)
{
	struct rig *rig = *state;
	struct testcert *cert = testcert_new(&(struct testcert_spec){
		.eku = "serverAuth", .not_before_s = -7200, .not_after_s = -3600});

	open_client(rig, cert);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	rig_run(rig, has_answered);
	assert_shown(rig, cert->cert);
	raw_close(&raw);
	testcert_free(cert);
}

static void client_without_a_certificate_says_so_and_goes_on(void **state)
{
	struct rig *rig = *state;

	open_client(rig, NULL);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	rig_run(rig, has_answered);
	assert_null(rig->server.cert);
	assert_int_equal(stream_send(rig->server.stream, "sorry", 5), 0);
	rig_run(rig, raw_has_data);
	assert_memory_equal(raw.data, "sorry", 5);
	raw_close(&raw);
}

static bool cut_off(struct rig *rig)
{
	return rig->server.ended;
}

/* The certificate is changed behind OpenSSL's back: it goes out with a public key that is not the client's. */
static void certificate_with_another_key_cuts_the_client_off(void **state)
{
	struct rig *rig = *state;
	struct testcert *cert = testcert_new(&(struct testcert_spec){.common_name = "mine"});
	struct testcert *other = testcert_new(&(struct testcert_spec){.common_name = "other"});

	open_client(rig, cert);
	assert_int_equal(X509_set_pubkey(cert->cert, other->key), 1);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	rig_run(rig, cut_off);
	assert_int_equal(rig->server.certs, 0);
	assert_int_equal(rig->server.why, STREAM_END_TLS);
	assert_string_equal(rig->server.text, "TLS failed: bad signature");
	raw_close(&raw);
	testcert_free(cert);
	testcert_free(other);
}

static void more_certificates_than_the_limit_cut_the_client_off(void **state)
{
	struct rig *rig = *state;
	struct testcert *cert = testcert_new(&(struct testcert_spec){0});

	open_client(rig, cert);
	for (int size = 0; size < STREAM_CERT_MAX; size += i2d_X509(cert->cert, NULL))
		assert_int_equal(SSL_add1_chain_cert(raw.ssl, cert->cert), 1);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	rig_run(rig, cut_off);
	assert_int_equal(rig->server.certs, 0);
	assert_int_equal(rig->server.why, STREAM_END_TLS);
	assert_string_equal(rig->server.text, "TLS failed: excessive message size");
	raw_close(&raw);
	testcert_free(cert);
}

static void data_on_its_way_is_told_first_and_data_behind_goes_on(void **state)
{
	struct rig *rig = *state;
	struct testcert *cert = testcert_new(&(struct testcert_spec){0});

	open_client(rig, cert);
	raw_send(&raw, "early", 5);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	rig_run(rig, has_answered);
	assert_int_equal(rig->server.len, 5);
	rig->server.len = 0;
	raw_send(&raw, "later", 5);
	rig_run(rig, server_has_data);
	assert_memory_equal(rig->server.data, "later", 5);
	assert_int_equal(rig->server.certs, 1);
	raw_close(&raw);
	testcert_free(cert);
}

static void client_that_offered_nothing_is_not_asked(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	rig_run(rig, raw_is_open);
	assert_int_equal(stream_request_certificate(rig->server.stream), -EOPNOTSUPP);
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(stream_send(rig->server.stream, "sorry", 5), 0);
	rig_run(rig, raw_has_data);
	raw_close(&raw);
}

static void tls12_client_is_not_asked(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	SSL_set_post_handshake_auth(raw.ssl, 1);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	rig_run(rig, raw_is_open);
	assert_int_equal(stream_request_certificate(rig->server.stream), -EPROTONOSUPPORT);
	assert_int_equal(stream_send(rig->server.stream, "sorry", 5), 0);
	rig_run(rig, raw_has_data);
	raw_close(&raw);
}

static void client_is_asked_once(void **state)
{
	struct rig *rig = *state;

	open_client(rig, NULL);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	assert_int_equal(stream_request_certificate(rig->server.stream), -EALREADY);
	rig_run(rig, has_answered);
	assert_int_equal(stream_request_certificate(rig->server.stream), -EALREADY);
	raw_close(&raw);
}

static void nobody_is_asked_before_open_or_after_the_end(void **state)
{
	struct rig *rig = *state;

	rig_connect(rig, "gateway.test");
	assert_int_equal(stream_request_certificate(rig->client.stream), -ENOTCONN);
	rig_run(rig, rig_both_open);
	stream_shutdown(rig->server.stream);
	assert_int_equal(stream_request_certificate(rig->server.stream), -EPIPE);
}

static void shut_down(struct end *e)
{
	stream_shutdown(e->stream);
}

static void free_stream(struct end *e)
{
	end_free(e);
	loop_stop(e->rig->loop);
}

static void owner_may_end_the_stream_when_told(void **state)
{
	struct rig *rig = *state;

	rig->server.on_certificate = shut_down;
	open_client(rig, NULL);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_LOCAL);
	raw_close(&raw);
}

static void owner_may_free_the_stream_when_told(void **state)
{
	struct rig *rig = *state;

	rig->server.on_certificate = free_stream;
	open_client(rig, NULL);
	assert_int_equal(stream_request_certificate(rig->server.stream), 0);
	rig_run(rig, has_answered);
	assert_null(rig->server.stream);
	raw_close(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_of_any_issuer_is_shown),
		on_rig(expired_certificate_for_servers_is_shown_too),
		on_rig(client_without_a_certificate_says_so_and_goes_on),
		on_rig(certificate_with_another_key_cuts_the_client_off),
		on_rig(more_certificates_than_the_limit_cut_the_client_off),
		on_rig(data_on_its_way_is_told_first_and_data_behind_goes_on),
		on_rig(client_that_offered_nothing_is_not_asked),
		on_rig(tls12_client_is_not_asked),
		on_rig(client_is_asked_once),
		on_rig(nobody_is_asked_before_open_or_after_the_end),
		on_rig(owner_may_end_the_stream_when_told),
		on_rig(owner_may_free_the_stream_when_told),
	};

	return cmocka_run_group_tests_name("net/ask", tests, NULL, NULL);
}
