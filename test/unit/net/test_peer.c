/* SPDX-License-Identifier: Apache-2.0 */
/* Our streams against OpenSSL as it comes, and against peers that do not speak TLS at all. */
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/net/tls_internal.h"
#include "test/support/cmocka.h"
#include "test/unit/net/raw.h"

static struct raw raw;

static bool raw_is_open(struct rig *rig)
{
	return rig->server.opened && raw.open;
}

static bool raw_is_closed(struct rig *rig)
{
	return raw.closed;
}

static void raw_open(struct rig *rig)
{
	raw_connect(&raw, rig);
	rig_run(rig, raw_is_open);
}

/* Opens with this ALPN offer; returns what was selected ("" when nothing). */
static const char *alpn_selected(struct rig *rig, const char *offer)
{
	static char selected[32];
	const unsigned char *proto;
	unsigned int len;

	raw_connect(&raw, rig);
	SSL_set_alpn_protos(raw.ssl, (const unsigned char *)offer, (unsigned)strlen(offer));
	rig_run(rig, raw_is_open);
	SSL_get0_alpn_selected(raw.ssl, &proto, &len);
	snprintf(selected, sizeof(selected), "%.*s", (int)len, len ? (const char *)proto : "");
	raw_close(&raw);
	return selected;
}

static void alpn_http11_is_selected_when_offered(void **state)
{
	assert_string_equal(alpn_selected(*state, "\x02h2\x08http/1.1"), "http/1.1");
}

static void alpn_h2_alone_goes_on_without_alpn(void **state)
{
	assert_string_equal(alpn_selected(*state, "\x02h2"), "");
}

static void no_alpn_goes_on_without_alpn(void **state)
{
	assert_string_equal(alpn_selected(*state, ""), "");
}

static void client_without_sni_gets_the_default_certificate(void **state)
{
	struct rig *rig = *state;

	raw_open(rig);
	assert_null(SSL_get_servername(raw.ssl, TLSEXT_NAMETYPE_host_name));
	assert_int_equal(X509_cmp(SSL_get0_peer_certificate(raw.ssl), rig_server_cert()->cert), 0);
	raw_close(&raw);
}

static void unknown_sni_gets_the_default_certificate(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	SSL_set_tlsext_host_name(raw.ssl, "elsewhere.test");
	rig_run(rig, raw_is_open);
	assert_int_equal(X509_cmp(SSL_get0_peer_certificate(raw.ssl), rig_server_cert()->cert), 0);
	raw_close(&raw);
}

static void tls12_client_opens_with_ecdsa(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	rig_run(rig, raw_is_open);
	assert_string_equal(stream_tls_name(rig->server.stream),
			    "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
	raw_close(&raw);
}

static void tls12_client_opens_with_rsa_and_the_digest_is_that_of_the_leaf(void **state)
{
	struct rig *rig = *state;
	struct testcert *cert = testcert_new(&(struct testcert_spec){
		.san = "DNS:gateway.test", .key = TESTCERT_RSA, .issuer = rig_root()});
	uint8_t sha1[20], sha256[32], expect[32];

	rig_present(rig, cert);
	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	rig_run(rig, raw_is_open);
	assert_string_equal(stream_tls_name(rig->server.stream),
			    "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256");
	assert_int_equal(stream_cert_digests(rig->server.stream, sha1, sha256), 0);
	X509_digest(SSL_get0_peer_certificate(raw.ssl), EVP_sha256(), expect, NULL);
	assert_memory_equal(sha256, expect, sizeof(expect));
	X509_digest(SSL_get0_peer_certificate(raw.ssl), EVP_sha1(), expect, NULL);
	assert_memory_equal(sha1, expect, sizeof(sha1));
	raw_close(&raw);
	testcert_free(cert);
}

static void server_prefers_aes128_over_what_the_client_prefers(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	SSL_set_ciphersuites(raw.ssl, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:"
				      "TLS_AES_128_GCM_SHA256");
	rig_run(rig, raw_is_open);
	assert_string_equal(stream_tls_name(rig->server.stream), "TLSv1.3 TLS_AES_128_GCM_SHA256");
	raw_close(&raw);
}

/* The server ends with STREAM_END_TLS; returns its words. */
static const char *tls_failure(struct rig *rig)
{
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_TLS);
	return rig->server.text;
}

static void tls11_client_is_refused(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	SSL_set_security_level(raw.ssl, 0);
	SSL_set_min_proto_version(raw.ssl, TLS1_1_VERSION);
	SSL_set_max_proto_version(raw.ssl, TLS1_1_VERSION);
	assert_string_equal(tls_failure(rig), "TLS failed: unsupported protocol");
	rig_run(rig, raw_is_closed);
	assert_false(raw.open);
	raw_close(&raw);
}

static void cbc_client_is_refused(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	SSL_set_cipher_list(raw.ssl, "ECDHE-ECDSA-AES128-SHA");
	assert_string_equal(tls_failure(rig), "TLS failed: no shared cipher");
	raw_close(&raw);
}

static bool server_has_1000(struct rig *rig)
{
	return rig->server.len == 1000;
}

static bool raw_has_1000(struct rig *rig)
{
	return raw.len == 1000;
}

static void no_ticket_is_given_and_no_session_can_be_resumed(void **state)
{
	struct rig *rig = *state;
	static const uint8_t data[1000];
	SSL_SESSION *session;

	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	rig_run(rig, raw_is_open);
	/* a ticket would stand before the data */
	assert_int_equal(stream_send(rig->server.stream, data, sizeof(data)), 0);
	rig_run(rig, raw_has_1000);
	assert_int_equal(raw.tickets, 0);
	session = SSL_get1_session(raw.ssl);
	assert_false(SSL_SESSION_has_ticket(session));
	/* closed in order, or OpenSSL would forget the session by itself */
	SSL_shutdown(raw.ssl);
	rig_run(rig, rig_server_ended);
	raw_close(&raw);
	end_free(&rig->server);

	rig->server.opened = 0;
	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	SSL_set_session(raw.ssl, session);
	rig_run(rig, raw_is_open);
	assert_int_equal(SSL_session_reused(raw.ssl), 0);
	SSL_SESSION_free(session);
	raw_close(&raw);
}

static void tls13_gives_no_ticket(void **state)
{
	struct rig *rig = *state;
	static const uint8_t data[1000];

	raw_open(rig);
	assert_int_equal(stream_send(rig->server.stream, data, sizeof(data)), 0);
	rig_run(rig, raw_has_1000);
	assert_int_equal(raw.tickets, 0);
	raw_close(&raw);
}

static void key_update_of_the_peer_is_followed_and_answered(void **state)
{
	struct rig *rig = *state;
	uint8_t data[1000];

	memset(data, 'k', sizeof(data));
	raw_open(rig);
	raw_send(&raw, data, 400);
	assert_int_equal(SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	raw_send(&raw, data + 400, 600);
	rig_run(rig, server_has_1000);
	assert_memory_equal(rig->server.data, data, sizeof(data));
	assert_int_equal(raw.key_updates, 0);
	/* our own key changes with the next thing that we say */
	assert_int_equal(stream_send(rig->server.stream, data, sizeof(data)), 0);
	rig_run(rig, raw_has_1000);
	assert_memory_equal(raw.data, data, sizeof(data));
	assert_int_equal(raw.key_updates, 1);
	raw_close(&raw);
}

static void key_is_changed_before_the_record_limit(void **state)
{
	struct rig *rig = *state;
	uint8_t data[1000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	rig->server_tls->key_records = 100;
	raw_open(rig);
	for (size_t i = 0; i < sizeof(data); i += 2)
		assert_int_equal(stream_send(rig->server.stream, data + i, 2), 0);
	rig_run(rig, raw_has_1000);
	assert_memory_equal(raw.data, data, sizeof(data));
	/* 500 records: the fifth hundred needs a fifth key */
	assert_int_equal(raw.key_updates, 4);
	raw_close(&raw);
}

static void tls12_has_no_key_to_change(void **state)
{
	struct rig *rig = *state;
	static const uint8_t data[1000];

	rig->server_tls->key_records = 1;
	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	rig_run(rig, raw_is_open);
	for (size_t i = 0; i < sizeof(data); i += 100)
		assert_int_equal(stream_send(rig->server.stream, data, 100), 0);
	rig_run(rig, raw_has_1000);
	raw_close(&raw);
}

static void renegotiation_by_the_client_is_refused(void **state)
{
	struct rig *rig = *state;

	raw_connect(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	rig_run(rig, raw_is_open);
	assert_int_equal(SSL_renegotiate(raw.ssl), 1);
	SSL_do_handshake(raw.ssl);
	rig_run(rig, raw_is_closed);
	assert_int_equal(raw.error, SSL_ERROR_SSL);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	raw_close(&raw);
}

static bool client_and_raw_are_open(struct rig *rig)
{
	return rig->client.opened && raw.open;
}

static void renegotiation_by_the_server_is_refused(void **state)
{
	struct rig *rig = *state;

	raw_accept(&raw, rig);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	rig_run(rig, client_and_raw_are_open);
	assert_string_equal(stream_tls_name(rig->client.stream),
			    "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
	assert_int_equal(SSL_renegotiate(raw.ssl), 1);
	SSL_do_handshake(raw.ssl);
	rig_run(rig, raw_is_closed);
	assert_int_equal(raw.error, SSL_ERROR_SSL);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	raw_close(&raw);
}

/* The server's record of a peer that sends these bytes and then FIN, without TLS. */
static void send_plain(struct rig *rig, const void *bytes, size_t len)
{
	int fd = raw_tcp(rig);

	assert_int_equal(write(fd, bytes, len), len);
	shutdown(fd, SHUT_WR);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.opened, 0);
	assert_int_equal(rig->server.data_calls, 0);
	close(fd);
}

/* Of a record that he cannot read. */
static void fatal_alert_of_the_peer_is_no_clean_end(void **state)
{
	struct rig *rig = *state;
	uint8_t record[] = {23, 3, 3, 0, 32, [36] = 0};

	raw_open(rig);
	raw_stop_reading(&raw);
	SSL_set0_rbio(raw.ssl, BIO_new_mem_buf(record, sizeof(record)));
	assert_int_equal(SSL_read(raw.ssl, &(uint8_t){0}, 1), -1);
	assert_non_null(strstr(tls_failure(rig), "bad record mac"));
	raw_close(&raw);
}

static void garbage_instead_of_tls_ends_with_a_tls_failure(void **state)
{
	struct rig *rig = *state;

	send_plain(rig, "\xff\x00\xde\xad\xbe\xef\x00\x00\x00\x00\x00\x00", 12);
	assert_int_equal(rig->server.why, STREAM_END_TLS);
	assert_string_equal(rig->server.text, "TLS failed: wrong version number");
}

static void http_without_tls_is_called_that(void **state)
{
	struct rig *rig = *state;
	static const char request[] = "GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n";

	send_plain(rig, request, sizeof(request) - 1);
	assert_int_equal(rig->server.why, STREAM_END_TLS);
	assert_string_equal(rig->server.text, "the peer speaks HTTP without TLS");
}

static void fin_in_the_handshake_is_the_peers_end(void **state)
{
	struct rig *rig = *state;

	/* the beginning of a ClientHello */
	send_plain(rig, "\x16\x03\x01\x02\x00\x01\x00", 7);
	assert_int_equal(rig->server.why, STREAM_END_PEER);
	assert_string_equal(rig->server.text, "closed by the peer during the TLS handshake");
}

static void fin_inside_a_record_is_the_peers_end(void **state)
{
	struct rig *rig = *state;

	raw_open(rig);
	assert_int_equal(write(raw.fd, "\x17\x03\x03\x00\x40half", 9), 9);
	shutdown(raw.fd, SHUT_WR);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_PEER);
	assert_string_equal(rig->server.text, "closed by the peer without close_notify");
	assert_int_equal(rig->server.data_calls, 0);
	raw_close(&raw);
}

static void broken_record_ends_the_stream_after_what_stood_before_it(void **state)
{
	struct rig *rig = *state;
	static const char record[] = "\x17\x03\x03\x00\x20this was not made with the key...";

	raw_open(rig);
	raw_send(&raw, "good", 4);
	assert_int_equal(write(raw.fd, record, 5 + 32), 5 + 32);
	assert_string_equal(tls_failure(rig), "TLS failed: decryption failed or bad record mac");
	assert_int_equal(rig->server.len, 4);
	assert_memory_equal(rig->server.data, "good", 4);
	rig_run(rig, raw_is_closed);
	assert_int_equal(raw.error, SSL_ERROR_SSL);
	raw_close(&raw);
}

static bool server_has_4(struct rig *rig)
{
	return rig->server.len == 4;
}

/* OpenSSL's queue of errors is the thread's: what others have left there is no failure of this peer's... */
static void half_a_record_is_waited_for_whatever_error_others_have_left(void **state)
{
	struct rig *rig = *state;

	raw_open(rig);
	raw_send(&raw, "good", 4);
	assert_int_equal(write(raw.fd, "\x17\x03\x03\x00\x40half", 9), 9);
	ERR_raise(ERR_LIB_USER, 1);
	rig_run(rig, server_has_4);
	assert_int_equal(rig->server.ended, 0);
	raw_close(&raw);
}

static void farewell_is_one_whatever_error_others_have_left(void **state)
{
	struct rig *rig = *state;

	raw_open(rig);
	SSL_shutdown(raw.ssl);
	ERR_raise(ERR_LIB_USER, 1);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_PEER);
	raw_close(&raw);
}

/* ...nor what is said of one. */
static void failure_is_told_whatever_error_others_have_left(void **state)
{
	struct rig *rig = *state;

	raw_open(rig);
	assert_int_equal(write(raw.fd, "\x17\x03\x03\x00\x04 bad", 9), 9);
	ERR_raise(ERR_LIB_USER, 1);
	assert_string_not_equal(tls_failure(rig), "TLS failed: unknown reason");
	assert_int_equal(ERR_peek_error(), 0);
	raw_close(&raw);
}

static void reset_is_called_lost(void **state)
{
	struct rig *rig = *state;

	raw_open(rig);
	/* takes the connection back: a reset without closing the descriptor */
	assert_int_equal(connect(raw.fd, &(struct sockaddr){.sa_family = AF_UNSPEC},
				 sizeof(struct sockaddr)),
			 0);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_RESET);
	assert_string_equal(rig->server.text, "connection lost: Connection reset by peer");
	raw_close(&raw);
}

static void close_notify_without_fin_is_the_peers_end(void **state)
{
	struct rig *rig = *state;

	raw_open(rig);
	raw_send(&raw, "last words", 10);
	SSL_shutdown(raw.ssl);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_PEER);
	assert_string_equal(rig->server.text, "closed by the peer");
	assert_int_equal(rig->server.len, 10);
	/* and it was answered with ours */
	rig_run(rig, raw_is_closed);
	assert_int_equal(raw.error, SSL_ERROR_ZERO_RETURN);
	raw_close(&raw);
}

/* TLS records of the raw client, to be sent by the byte. */
static struct {
	BIO *out;
	int fd;
} drip;

/* Every pass brings one byte: each recv of the server gets about that. */
static bool dripped_1000(struct rig *rig)
{
	uint8_t byte;

	if (BIO_read(drip.out, &byte, 1) == 1)
		assert_int_equal(write(drip.fd, &byte, 1), 1);
	return rig->server.len == 1000;
}

static void record_that_arrives_byte_by_byte_is_read(void **state)
{
	struct rig *rig = *state;
	uint8_t data[1000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13);
	raw_open(rig);
	drip.out = BIO_new(BIO_s_mem());
	drip.fd = raw.fd;
	SSL_set0_wbio(raw.ssl, drip.out);
	raw_send(&raw, data, 300);
	raw_send(&raw, data + 300, 700);
	assert_false(dripped_1000(rig));
	rig_run(rig, dripped_1000);
	assert_memory_equal(rig->server.data, data, sizeof(data));
	assert_int_equal(rig->server.data_calls, 2);
	raw_close(&raw);
}

enum {
	BULK = 5 << 20
};

static void send_bulk(struct end *e)
{
	uint8_t chunk[10007];

	while (e->sent < BULK) {
		size_t len = BULK - e->sent < sizeof(chunk) ? BULK - e->sent : sizeof(chunk);

		for (size_t i = 0; i < len; i++)
			chunk[i] = (uint8_t)((e->sent + i) * 2654435761u >> 11);
		if (stream_send(e->stream, chunk, len) < 0)
			break;
		e->sent += len;
	}
}

static bool server_is_blocked(struct rig *rig)
{
	return stream_is_blocked(rig->server.stream);
}

static bool server_heard_five(struct rig *rig)
{
	return rig->server.len == 5;
}

static bool raw_has_bulk(struct rig *rig)
{
	return raw.len == BULK;
}

static void peer_that_stops_reading_blocks_without_losing_a_byte(void **state)
{
	struct rig *rig = *state;
	size_t wrong = 0;
	size_t backlog;

	rig->server.on_writable = send_bulk;
	raw_open(rig);
	raw_stop_reading(&raw);
	send_bulk(&rig->server);
	backlog = stream_backlog(rig->server.stream);
	assert_true(server_is_blocked(rig));
	assert_in_range(backlog, 1, STREAM_GATHER_MAX + SSL3_RT_MAX_ENCRYPTED_LENGTH);
	assert_int_equal(stream_send(rig->server.stream, "x", 1), -EAGAIN);
	assert_int_equal(stream_backlog(rig->server.stream), backlog);
	/* what the peer says is still heard, and a key update in it is answered later */
	SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED);
	raw_send(&raw, "hello", 5);
	rig_run(rig, server_heard_five);
	raw_read_on(&raw);
	rig_run(rig, raw_has_bulk);
	for (size_t i = 0; i < BULK; i++)
		wrong += raw.data[i] != (uint8_t)(i * 2654435761u >> 11);
	assert_int_equal(wrong, 0);
	assert_int_equal(rig->server.sent, BULK);
	assert_true(rig->server.writable > 0);
	raw_close(&raw);
}

/* An owner that asks first has its packets in the record already, and nowhere else. */
static void stream_that_is_not_blocked_takes_a_record(void **state)
{
	static const uint8_t record[SSL3_RT_MAX_PLAIN_LENGTH];
	struct rig *rig = *state;
	size_t backlog;

	raw_open(rig);
	raw_stop_reading(&raw);
	while (!server_is_blocked(rig))
		assert_int_equal(stream_send(rig->server.stream, record, sizeof(record)), 0);
	backlog = stream_backlog(rig->server.stream);
	assert_int_equal(stream_send(rig->server.stream, record, sizeof(record)), -EAGAIN);
	assert_int_equal(stream_backlog(rig->server.stream), backlog);
	raw_close(&raw);
}

static void shutdown_while_blocked_says_everything_first(void **state)
{
	struct rig *rig = *state;
	size_t sent;

	raw_open(rig);
	raw_stop_reading(&raw);
	send_bulk(&rig->server);
	sent = rig->server.sent;
	stream_shutdown(rig->server.stream);
	raw_read_on(&raw);
	rig_run(rig, raw_is_closed);
	assert_int_equal(raw.len, sent);
	assert_int_equal(raw.error, SSL_ERROR_ZERO_RETURN);
	assert_int_equal(rig->server.writable, 0);
	raw_close(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_rig(alpn_http11_is_selected_when_offered),
		on_rig(alpn_h2_alone_goes_on_without_alpn),
		on_rig(no_alpn_goes_on_without_alpn),
		on_rig(client_without_sni_gets_the_default_certificate),
		on_rig(unknown_sni_gets_the_default_certificate),
		on_rig(tls12_client_opens_with_ecdsa),
		on_rig(tls12_client_opens_with_rsa_and_the_digest_is_that_of_the_leaf),
		on_rig(server_prefers_aes128_over_what_the_client_prefers),
		on_rig(tls11_client_is_refused),
		on_rig(cbc_client_is_refused),
		on_rig(no_ticket_is_given_and_no_session_can_be_resumed),
		on_rig(tls13_gives_no_ticket),
		on_rig(key_update_of_the_peer_is_followed_and_answered),
		on_rig(key_is_changed_before_the_record_limit),
		on_rig(tls12_has_no_key_to_change),
		on_rig(renegotiation_by_the_client_is_refused),
		on_rig(renegotiation_by_the_server_is_refused),
		on_rig(fatal_alert_of_the_peer_is_no_clean_end),
		on_rig(garbage_instead_of_tls_ends_with_a_tls_failure),
		on_rig(http_without_tls_is_called_that),
		on_rig(fin_in_the_handshake_is_the_peers_end),
		on_rig(fin_inside_a_record_is_the_peers_end),
		on_rig(broken_record_ends_the_stream_after_what_stood_before_it),
		on_rig(half_a_record_is_waited_for_whatever_error_others_have_left),
		on_rig(farewell_is_one_whatever_error_others_have_left),
		on_rig(failure_is_told_whatever_error_others_have_left),
		on_rig(reset_is_called_lost),
		on_rig(close_notify_without_fin_is_the_peers_end),
		on_rig(record_that_arrives_byte_by_byte_is_read),
		on_rig(peer_that_stops_reading_blocks_without_losing_a_byte),
		on_rig(stream_that_is_not_blocked_takes_a_record),
		on_rig(shutdown_while_blocked_says_everything_first),
	};

	return cmocka_run_group_tests_name("net/peer", tests, NULL, NULL);
}
