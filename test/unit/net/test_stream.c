/* SPDX-License-Identifier: Apache-2.0 */
/* The packet path between two of our own streams. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/net/rig.h"

enum {
	MEGABYTE = 1 << 20,
	BULK = 6 * MEGABYTE,
};

/* What byte i of a long transfer is: no period that a buffer's size could hide. */
static uint8_t byte_at(size_t i)
{
	return (uint8_t)((i * 2654435761u) >> 13 ^ i);
}

static void both_ends_open_with_tls13_and_aes128(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	assert_string_equal(stream_tls_name(rig->server.stream), "TLSv1.3 TLS_AES_128_GCM_SHA256");
	assert_string_equal(stream_tls_name(rig->client.stream), "TLSv1.3 TLS_AES_128_GCM_SHA256");
	assert_int_equal(rig->server.opened, 1);
	assert_int_equal(rig->client.opened, 1);
}

static void both_ends_know_each_others_address(void **state)
{
	struct rig *rig = *state;
	char text[ADDRESS_TEXT_MAX];
	char listening[ADDRESS_TEXT_MAX];

	rig_open(rig);
	assert_string_equal(address_format(stream_peer(rig->client.stream), text),
			    address_format(&rig->addr, listening));
	assert_memory_equal(address_format(stream_peer(rig->server.stream), text),
			    "127.0.0.1:", 10);
}

static void both_ends_know_the_digests_of_the_presented_leaf(void **state)
{
	struct rig *rig = *state;
	const struct end *ends[] = {&rig->server, &rig->client};
	uint8_t expect1[20], expect256[32];

	rig_open(rig);
	X509_digest(rig_server_cert()->cert, EVP_sha1(), expect1, NULL);
	X509_digest(rig_server_cert()->cert, EVP_sha256(), expect256, NULL);
	for (int i = 0; i < 2; i++) {
		uint8_t sha1[20] = {0}, sha256[32] = {0};

		assert_int_equal(stream_cert_digests(ends[i]->stream, sha1, sha256), 0);
		assert_memory_equal(sha1, expect1, sizeof(sha1));
		assert_memory_equal(sha256, expect256, sizeof(sha256));
	}
}

/* A reload in between changes what the next connection gets. */
static void P49_digest_is_that_of_the_connection_and_not_of_the_newest_certificate(void **state)
{
	struct rig *rig = *state;
	const struct testcert_spec spec = {.issuer = rig_root(), .san = "DNS:gateway.test"};
	struct testcert *newer = testcert_new(&spec);
	uint8_t expect1[20], expect256[32], sha1[20], sha256[32];

	X509_digest(rig_server_cert()->cert, EVP_sha1(), expect1, NULL);
	X509_digest(rig_server_cert()->cert, EVP_sha256(), expect256, NULL);
	rig_open(rig);
	rig_present(rig, newer);
	testcert_free(newer);
	assert_int_equal(stream_cert_digests(rig->server.stream, sha1, sha256), 0);
	assert_memory_equal(sha1, expect1, sizeof(sha1));
	assert_memory_equal(sha256, expect256, sizeof(sha256));
}

static void before_open_there_is_no_digest_and_nothing_can_be_sent(void **state)
{
	struct rig *rig = *state;
	uint8_t sha1[20], sha256[32];

	rig_connect(rig, "gateway.test");
	assert_int_equal(stream_cert_digests(rig->client.stream, sha1, sha256), -ENOENT);
	assert_int_equal(stream_send(rig->client.stream, "x", 1), -ENOTCONN);
	assert_string_equal(stream_tls_name(rig->client.stream), "");
}

static void empty_send_is_nothing_and_too_long_a_send_is_refused(void **state)
{
	struct rig *rig = *state;
	static const uint8_t big[STREAM_SEND_MAX + 1];

	rig_open(rig);
	assert_int_equal(stream_send(rig->client.stream, big, 0), 0);
	assert_int_equal(stream_backlog(rig->client.stream), 0);
	assert_int_equal(stream_send(rig->client.stream, big, sizeof(big)), -EMSGSIZE);
	assert_int_equal(stream_backlog(rig->client.stream), 0);
}

static bool is_accepted(struct rig *rig)
{
	return rig->accepted_fd >= 0;
}

/* The kernel counts the minute: a peer that is not there, or whose window stays shut. */
static void X26_peer_may_take_nothing_for_a_minute(void **state)
{
	struct rig *rig = *state;
	unsigned timeout_ms = 0;
	socklen_t len = sizeof(timeout_ms);
	int fd;

	rig->raw_server = true;
	rig_connect(rig, "gateway.test");
	rig_run(rig, is_accepted);
	fd = rig->accepted_fd;
	rig->accepted_fd = -1;
	rig->server.stream =
		stream_accept(rig->scratch, fd, rig->server_tls, &rig_ops, &rig->server);
	assert_non_null(rig->server.stream);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &len), 0);
	assert_int_equal(timeout_ms, 60000);
}

/* What the socket of a stream that is accepted now uses. */
static void accept_and_expect_congestion(struct rig *rig, const char *wanted)
{
	char name[16] = "";
	socklen_t len = sizeof(name);
	int fd;

	rig_connect(rig, "gateway.test");
	rig_run(rig, is_accepted);
	fd = rig->accepted_fd;
	rig->accepted_fd = -1;
	rig->server.stream =
		stream_accept(rig->scratch, fd, rig->server_tls, &rig_ops, &rig->server);
	assert_non_null(rig->server.stream);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_string_equal(name, wanted);
	end_free(&rig->client);
	end_free(&rig->server);
}

static void congestion_control_is_the_one_that_was_set_or_is_refused_with_a_reason(void **state)
{
	struct rig *rig = *state;
	int bbr = stream_scratch_set_congestion(rig->scratch, STREAM_CONGESTION_BBR);

	rig->raw_server = true;
	/* a machine may be without it; then it is as if nothing had been said */
	if (bbr < 0)
		assert_int_equal(bbr, -ENOENT);
	accept_and_expect_congestion(rig, bbr < 0 ? "cubic" : "bbr");
	assert_int_equal(stream_scratch_set_congestion(rig->scratch, STREAM_CONGESTION_CUBIC), 0);
	accept_and_expect_congestion(rig, "cubic");
	assert_int_equal(stream_scratch_set_congestion(rig->scratch, STREAM_CONGESTION_AUTO), 0);
	accept_and_expect_congestion(rig, "cubic");
}

static void path_that_nothing_is_known_of_takes_the_largest_records(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	assert_int_equal(stream_record_max(rig->client.stream), 16384);
}

static bool server_has_100(struct rig *rig)
{
	return rig->server.len == 100;
}

static bool server_has_1000(struct rig *rig)
{
	return rig->server.len == 1000;
}

static void ten_messages_in_one_record_arrive_without_further_traffic(void **state)
{
	struct rig *rig = *state;
	uint8_t messages[100];

	rig_open(rig);
	for (size_t i = 0; i < sizeof(messages); i++)
		messages[i] = byte_at(i);
	assert_int_equal(stream_send(rig->client.stream, messages, sizeof(messages)), 0);
	rig_run(rig, server_has_100);
	assert_memory_equal(rig->server.data, messages, sizeof(messages));
	assert_int_equal(rig->server.data_calls, 1);
}

/* OpenSSL's queue of errors, which says what was wrong, is the thread's and not the connection's. */
static void error_that_somebody_left_behind_is_not_the_streams(void **state)
{
	struct rig *rig = *state;
	uint8_t messages[100] = {0};

	rig_open(rig);
	ERR_raise(ERR_LIB_USER, 1);
	assert_int_equal(stream_send(rig->client.stream, messages, sizeof(messages)), 0);
	rig_run(rig, server_has_100);
	assert_int_equal(rig->server.ended, 0);
	ERR_clear_error();
}

static void records_of_one_pass_leave_together_and_arrive_in_one_run(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(stream_send(rig->client.stream, &(uint8_t){byte_at(i)}, 1), 0);
	/* 1 byte, its type, the tag and the record's header: TLS 1.3 adds 22 */
	assert_int_equal(stream_backlog(rig->client.stream), 1000 * 23);
	rig_run(rig, server_has_1000);
	assert_int_equal(rig->server.data_calls, 1);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(rig->server.data[i], byte_at(i));
}

/* Uses whole messages of 7 bytes only, checks that what was left stands in front the next time. */
static ssize_t take_sevens(struct end *e, uint8_t *buf, size_t len)
{
	size_t used = len - len % 7;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(buf[i], byte_at(e->len + i));
	e->len += used;
	return (ssize_t)used;
}

static void send_next_byte(struct end *e)
{
	stream_send(e->stream, &(uint8_t){byte_at(e->sent++)}, 1);
	stream_flush(e->stream);
}

static bool server_has_sevens(struct rig *rig)
{
	/* one byte per pass, so that every length of the rest occurs */
	if (rig->client.sent < 98)
		send_next_byte(&rig->client);
	return rig->server.len == 98;
}

static void unused_bytes_stand_in_front_of_the_next_run(void **state)
{
	struct rig *rig = *state;

	rig->server.on_data = take_sevens;
	rig_open(rig);
	send_next_byte(&rig->client);
	rig_run(rig, server_has_sevens);
	assert_int_equal(rig->server.len, 98);
	assert_true(rig->server.data_calls > 14);
}

static ssize_t take_nothing(struct end *e, uint8_t *buf, size_t len)
{
	e->len = len;
	return 0;
}

static bool server_was_shown_all_that_may_be_kept(struct rig *rig)
{
	return rig->server.len == STREAM_KEEP_MAX;
}

static void more_unused_bytes_than_may_be_kept_end_the_stream(void **state)
{
	struct rig *rig = *state;
	static const uint8_t zeros[STREAM_KEEP_MAX];

	rig->server.on_data = take_nothing;
	rig_open(rig);
	assert_int_equal(stream_send(rig->client.stream, zeros, sizeof(zeros)), 0);
	rig_run(rig, server_was_shown_all_that_may_be_kept);
	assert_int_equal(rig->server.ended, 0);
	assert_int_equal(stream_send(rig->client.stream, zeros, 1), 0);
	rig_run(rig, rig_both_ended);
	assert_int_equal(rig->server.why, STREAM_END_LOCAL);
	assert_string_equal(rig->server.text, "8193 bytes left unused, more than may be kept");
}

/* Sends until blocked or all is sent; the chunks have all kinds of length. */
static void send_bulk(struct end *e)
{
	uint8_t chunk[40000];

	while (e->sent < BULK) {
		size_t len = 1 + e->sent * 7919 % sizeof(chunk);

		len = len < BULK - e->sent ? len : BULK - e->sent;
		for (size_t i = 0; i < len; i++)
			chunk[i] = byte_at(e->sent + i);
		if (stream_send(e->stream, chunk, len) < 0)
			break;
		e->sent += len;
	}
	assert_in_range(stream_backlog(e->stream), 0, STREAM_GATHER_MAX);
}

static ssize_t check_bulk(struct end *e, uint8_t *buf, size_t len)
{
	size_t wrong = 0;

	for (size_t i = 0; i < len; i++)
		wrong += buf[i] != byte_at(e->len + i);
	assert_int_equal(wrong, 0);
	e->len += len;
	return (ssize_t)len;
}

static bool bulk_has_arrived(struct rig *rig)
{
	return rig->server.len == BULK && rig->client.len == BULK;
}

static void megabytes_both_ways_arrive_in_order_and_whole(void **state)
{
	struct rig *rig = *state;

	rig->server.on_data = rig->client.on_data = check_bulk;
	rig->server.on_writable = rig->client.on_writable = send_bulk;
	rig_open(rig);
	send_bulk(&rig->server);
	send_bulk(&rig->client);
	assert_true(stream_is_blocked(rig->server.stream));
	assert_true(rig->server.sent < BULK);
	rig_run(rig, bulk_has_arrived);
	assert_true(rig->server.writable > 0);
	assert_int_equal(stream_backlog(rig->server.stream), 0);
	assert_int_equal(stream_backlog(rig->client.stream), 0);
}

static void refused_connect_is_told_by_on_end(void **state)
{
	struct rig *rig = *state;

	listener_free(rig->listener);
	rig->listener = NULL;
	rig_connect(rig, "gateway.test");
	assert_int_equal(rig->client.ended, 0);
	rig_run(rig, rig_client_ended);
	assert_int_equal(rig->client.why, STREAM_END_CONNECT);
	assert_string_equal(rig->client.text, "cannot connect: Connection refused");
	assert_int_equal(rig->client.ended, 1);
}

static void connect_that_fails_at_once_is_told_by_on_end_too(void **state)
{
	struct rig *rig = *state;
	struct sockaddr_in broadcast = {
		.sin_family = AF_INET, .sin_port = htons(443), .sin_addr.s_addr = INADDR_BROADCAST};

	rig->client.stream =
		stream_connect(rig->scratch, (struct sockaddr *)&broadcast, sizeof(broadcast),
			       "gateway.test", rig->client_tls, &rig_ops, &rig->client);
	assert_non_null(rig->client.stream);
	assert_int_equal(rig->client.ended, 0);
	rig_run(rig, rig_client_ended);
	assert_int_equal(rig->client.why, STREAM_END_CONNECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_rig(both_ends_open_with_tls13_and_aes128),
		on_rig(both_ends_know_each_others_address),
		on_rig(both_ends_know_the_digests_of_the_presented_leaf),
		on_rig(P49_digest_is_that_of_the_connection_and_not_of_the_newest_certificate),
		on_rig(before_open_there_is_no_digest_and_nothing_can_be_sent),
		on_rig(X26_peer_may_take_nothing_for_a_minute),
		on_rig(congestion_control_is_the_one_that_was_set_or_is_refused_with_a_reason),
		on_rig(path_that_nothing_is_known_of_takes_the_largest_records),
		on_rig(empty_send_is_nothing_and_too_long_a_send_is_refused),
		on_rig(ten_messages_in_one_record_arrive_without_further_traffic),
		on_rig(error_that_somebody_left_behind_is_not_the_streams),
		on_rig(records_of_one_pass_leave_together_and_arrive_in_one_run),
		on_rig(unused_bytes_stand_in_front_of_the_next_run),
		on_rig(more_unused_bytes_than_may_be_kept_end_the_stream),
		on_rig(megabytes_both_ways_arrive_in_order_and_whole),
		on_rig(refused_connect_is_told_by_on_end),
		on_rig(connect_that_fails_at_once_is_told_by_on_end_too),
	};

	return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
