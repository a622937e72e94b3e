/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that do not keep to the protocol: every state and every packet, every limit, garbage. */
#include <stdio.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/ppp/eap_tls_plain.h"

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static enum eap_tls_result give(struct eap_tls_rig *r, struct eap_tls *t, const void *bytes,
				size_t len)
{
	eap_tls_rig_put(r, bytes, len);
	return eap_tls_rig_input(r, t);
}

static void assert_failed(struct eap_tls_rig *r, struct eap_tls *t, const void *bytes, size_t len,
			  const char *reason)
{
	assert_int_equal(give(r, t, bytes, len), EAP_TLS_FAILED);
	assert_int_equal(r->len, 0);
	assert_string_equal(eap_tls_reason(t), reason);
	assert_null(eap_tls_msk(t));
}

/* Where a conversation of TLS 1.3 stands after that many packets. Fragments: of 200 bytes. */
struct place {
	bool is_server;
	bool fragments;
	unsigned packets;
	/* Why a Start, an empty packet, or one byte of TLS ends it there; NULL: it goes on. */
	const char *start, *empty, *data;
};

static const char no_message[] = "no message where one is due";
static const char no_ack[] = "no acknowledgement of a fragment";
static const char behind[] = "a packet behind the end";
static const char incomplete[] = "a message that does not end with a TLS record";

/* Restates RFC 5216 section 2.1. */
static const struct place places[] = {
	{false, false, 0, NULL, "data before the start", "data before the start"},
	{false, false, 2, no_message, no_message, incomplete}, /* hello sent */
	{false, true, 2, no_ack, NULL, no_ack},		       /* its first fragment */
	{false, false, 4, no_message, no_message, incomplete}, /* Finished sent */
	{false, false, 6, behind, behind, behind},
	{true, false, 1, no_message, no_message, incomplete}, /* Start sent */
	{true, false, 3, no_message, no_message, incomplete}, /* flight sent */
	{true, true, 5, no_ack, NULL, no_ack},		      /* its first fragment */
	{true, false, 5, "a second start", NULL, incomplete}, /* 0x00 sent */
	{true, false, 7, behind, behind, behind},
};

static void check_place(const struct place *place, const char *bytes, size_t len,
			const char *expected)
{
	char reason[EAP_TLS_REASON_MAX];
	struct eap_tls *t;
	struct eap_tls_rig r;

	eap_tls_rig_init(&r,
			 &(struct eap_tls_rig_spec){.version = TLS1_3_VERSION,
						    .fragment_max = place->fragments ? 200 : 0});
	while (r.packets < place->packets && eap_tls_rig_step(&r))
		;
	t = place->is_server ? r.server : r.client;
	if (expected) {
		snprintf(reason, sizeof(reason), "the %s's EAP-TLS: %s",
			 place->is_server ? "client" : "server", expected);
		assert_failed(&r, t, bytes, len, reason);
		/* and nothing brings it back */
		assert_failed(&r, t, "\0", 1, reason);
		assert_failed(&r, t, "\x20", 1, reason);
		assert_failed(&r, t, "", 0, reason);
		assert_failed(&r, t, "\0\x16\x03\x01", 4, reason);
	} else {
		assert_int_not_equal(give(&r, t, bytes, len), EAP_TLS_FAILED);
		assert_string_equal(eap_tls_reason(t), "");
	}
	eap_tls_rig_done(&r);
}

static void every_packet_in_every_state(void **state)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		check_place(&places[i], "\x20", 1, places[i].start);
		check_place(&places[i], "\0", 1, places[i].empty);
		check_place(&places[i], "\x80\0\0\0\0", 5, places[i].empty);
		check_place(&places[i], "\0\x16", 2, places[i].data);
	}
}

static void malformed_packets_end_it_in_every_state(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} packets[] = {{"", 0}, {"\x80\0\0", 3}, {"\x40", 1}, {"\x20\x16", 2}};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (size_t k = 0; k < sizeof(packets) / sizeof(packets[0]); k++)
			check_place(&places[i], packets[k].bytes, packets[k].len,
				    "a malformed packet");
}

static void check_codec_fault(const char *bytes, size_t len, const char *reason)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run_until(&r, 1);
	assert_failed(&r, r.server, bytes, len, reason);
	eap_tls_rig_done(&r);
}

static void lengths_that_lie_end_it(void **state)
{
	check_codec_fault("\xc0\xff\xff\xff\xff\x16", 6,
			  "the client's EAP-TLS: a message is longer than 32 KiB");
	check_codec_fault("\x80\0\0\x80\x01\x16", 6,
			  "the client's EAP-TLS: a message is longer than 32 KiB");
	check_codec_fault("\x80\0\0\0\x01\x16\x03", 7,
			  "the client's EAP-TLS: a message is longer than it declares");
	check_codec_fault("\x80\0\0\0\x03\x16\x03", 7,
			  "the client's EAP-TLS: a message is shorter than it declares");
	check_codec_fault("\x80\0\0\0\x03", 5,
			  "the client's EAP-TLS: a message is shorter than it declares");
	check_codec_fault("\x40\x16", 2,
			  "the client's EAP-TLS: a fragmented message does not declare its length");
}

static void another_length_on_a_later_fragment_ends_it(void **state)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run_until(&r, 1);
	assert_int_equal(give(&r, r.server, "\xc0\0\0\0\x05\x16", 6), EAP_TLS_MORE);
	assert_int_equal(r.len, 1);
	assert_int_equal(r.packet[0], 0);
	assert_failed(&r, r.server, "\xc0\0\0\0\x06\x16", 6,
		      "the client's EAP-TLS: the fragments of a message declare different lengths");
	eap_tls_rig_done(&r);
}

/* An empty packet is no fragment. */
static void an_empty_packet_between_fragments_ends_it(void **state)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run_until(&r, 1);
	assert_int_equal(give(&r, r.server, "\xc0\0\0\0\x05\x16", 6), EAP_TLS_MORE);
	assert_failed(&r, r.server, "\0", 1, "the client's EAP-TLS: no message where one is due");
	eap_tls_rig_done(&r);
}

static void the_65th_packet_ends_it(void **state)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run_until(&r, 1);
	for (int i = 0; i < EAP_TLS_ROUNDS_MAX; i++)
		assert_int_equal(give(&r, r.server, "\xc0\0\0\x10\0\x16", 6), EAP_TLS_MORE);
	assert_failed(&r, r.server, "\0\x16", 2, "the client's EAP-TLS: more than 64 round trips");
	eap_tls_rig_done(&r);
}

/* A server that gives tickets for ever. */
static void a_server_that_never_ends_is_left(void **state)
{
	struct plain p;

	plain_server_init(&p, TLS1_3_VERSION,
			  eap_tls_rig_cert(&(struct testcert_spec){.san = "DNS:gateway.test"}), 0);
	plain_until_finished(&p);
	for (int i = 2; i < EAP_TLS_ROUNDS_MAX; i++) {
		assert_int_equal(SSL_new_session_ticket(p.ssl), 1);
		plain_handshake(&p);
		assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_MORE);
	}
	SSL_new_session_ticket(p.ssl);
	plain_handshake(&p);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_FAILED);
	assert_string_equal(eap_tls_reason(p.r.client),
			    "the server's EAP-TLS: more than 64 round trips");
	plain_done(&p);
}

static void what_is_no_tls_is_refused_with_an_alert_if_any(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *reason;
	} garbage[] = {
		{"\0GET / HTTP/1.1\r\n\r\n", 19, "TLS with the client failed: http request"},
		{"\0\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10\0\0\x05\0\0\x04\0\0\x03", 21,
		 "the client's EAP-TLS: a message that does not end with a TLS record"},
		{"\0\x16\x03\x01\0\x05\x01\0\0\x64\x03", 11,
		 "the client's EAP-TLS: a message that is not complete"},
		{"\0\x17\x03\x03\0\x05hello", 11, "TLS with the client failed: unexpected message"},
		{"\0\x15\x03\x03\0\x02\x02\x28", 8,
		 "TLS with the client failed: unexpected message"},
		{"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
		 "TLS with the client failed: wrong version number"},
	};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct eap_tls_rig r;

		eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
		eap_tls_rig_run_until(&r, 1);
		if (give(&r, r.server, garbage[i].bytes, garbage[i].len) == EAP_TLS_MORE)
			assert_int_equal(r.packet[1], 0x15);
		assert_failed(&r, r.server, "\0", 1, garbage[i].reason);
		eap_tls_rig_done(&r);
	}
}

static void the_client_refuses_what_is_no_tls(void **state)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run_until(&r, 2);
	assert_int_equal(give(&r, r.client, "\0HTTP/1.1 200 OK\r\n\r\n", 20), EAP_TLS_FAILED);
	assert_in_range(r.len, 1, 64);
	assert_memory_equal(eap_tls_reason(r.client), "TLS with the server failed: ", 28);
	eap_tls_rig_done(&r);
}

/* What becomes of the packet with this number. */
struct tamper {
	unsigned packet;
	size_t keep;   /* cut to */
	size_t flip;   /* bit */
	size_t append; /* zero bytes */
	size_t len;    /* of the packet before: out */
};

static void tamper(struct eap_tls_rig *r, bool from_server)
{
	struct tamper *what = r->arg;

	if (r->packets != what->packet)
		return;
	what->len = r->len;
	if (what->keep && what->keep < r->len)
		r->len = what->keep;
	if (what->flip)
		r->packet[what->flip / 8 % r->len] ^= (uint8_t)(1 << what->flip % 8);
	memset(r->packet + r->len, 0, what->append);
	r->len += what->append;
}

/* Returns whether both came to their end; then with the same key. */
static bool run_tampered(int version, struct tamper *what)
{
	struct eap_tls_rig r;
	bool both_done;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){.version = version});
	r.on_packet = tamper;
	r.arg = what;
	eap_tls_rig_run(&r);
	both_done = r.server_result == EAP_TLS_DONE && r.client_result == EAP_TLS_DONE;
	if (both_done)
		assert_memory_equal(eap_tls_msk(r.server), eap_tls_msk(r.client), EAP_TLS_MSK_SIZE);
	else if (r.client_result != EAP_TLS_MORE) /* waits, and has no key */
		assert_true(eap_tls_reason(r.server)[0] || eap_tls_reason(r.client)[0]);
	assert_int_equal(eap_tls_msk(r.client) != NULL, r.client_result == EAP_TLS_DONE);
	eap_tls_rig_done(&r);
	return both_done;
}

/* Packets 2 to 5 are hello, flight, flight, and the server's last: cut at every place. */
static void a_message_cut_short_never_ends_well(void **state)
{
	for (int version = 0; version < 2; version++)
		for (unsigned packet = 2; packet <= 5; packet++) {
			struct tamper what = {.packet = packet, .keep = 1, .len = 2};

			while (what.keep < what.len) {
				assert_false(run_tampered(versions[version], &what));
				what.keep += 1 + what.keep / 8;
			}
		}
}

static void a_message_with_something_behind_it_never_ends_well(void **state)
{
	for (int version = 0; version < 2; version++)
		for (unsigned packet = 2; packet <= 5; packet++)
			for (size_t n = 1; n < 8; n++) {
				struct tamper what = {.packet = packet, .append = n};

				if (run_tampered(versions[version], &what))
					fail_msg("version %d, packet %u, %zu bytes", version,
						 packet, n);
			}
}

static void a_changed_bit_never_leads_to_two_keys(void **state)
{
	unsigned survived = 0;
	struct prng rng;

	prng_init(&rng, 5216);
	for (int i = 0; i < 300; i++) {
		struct tamper what = {.packet = 2 + prng_below(&rng, 4),
				      .flip = 8 + prng_below(&rng, 8 * 1000)};

		survived += run_tampered(versions[i % 2], &what);
	}
	/* records' own version numbers in what is not encrypted, and reserved flags */
	assert_in_range(survived, 0, 30);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_in_every_state),
		cmocka_unit_test(malformed_packets_end_it_in_every_state),
		cmocka_unit_test(lengths_that_lie_end_it),
		cmocka_unit_test(another_length_on_a_later_fragment_ends_it),
		cmocka_unit_test(an_empty_packet_between_fragments_ends_it),
		cmocka_unit_test(the_65th_packet_ends_it),
		cmocka_unit_test(a_server_that_never_ends_is_left),
		cmocka_unit_test(what_is_no_tls_is_refused_with_an_alert_if_any),
		cmocka_unit_test(the_client_refuses_what_is_no_tls),
		cmocka_unit_test(a_message_cut_short_never_ends_well),
		cmocka_unit_test(a_message_with_something_behind_it_never_ends_well),
		cmocka_unit_test(a_changed_bit_never_leads_to_two_keys),
	};

	return cmocka_run_group_tests(tests, eap_tls_rig_setup, eap_tls_rig_teardown);
}
