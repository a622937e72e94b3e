/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "sstp/ppp/eap_tls_internal.h"
#include "test/support/cmocka.h"
#include "test/unit/ppp/eap_tls_plain.h"

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
static const uint8_t no_key[EAP_TLS_MSK_SIZE];

static const struct testcert *server_cert(void)
{
	return eap_tls_rig_cert(&(struct testcert_spec){.san = "DNS:gateway.test"});
}

static const struct testcert *client_cert(void)
{
	return eap_tls_rig_cert(
		&(struct testcert_spec){.common_name = "worker 7", .eku = "clientAuth"});
}

static void assert_both_done(struct eap_tls_rig *r)
{
	assert_string_equal(eap_tls_reason(r->server), "");
	assert_string_equal(eap_tls_reason(r->client), "");
	assert_int_equal(r->server_result, EAP_TLS_DONE);
	assert_int_equal(r->client_result, EAP_TLS_DONE);
	assert_memory_equal(eap_tls_msk(r->server), eap_tls_msk(r->client), EAP_TLS_MSK_SIZE);
	assert_memory_not_equal(eap_tls_msk(r->server), no_key, EAP_TLS_MSK_SIZE);
	assert_string_equal(eap_tls_client_name(r->server), "worker 7");
	assert_int_equal(strlen(eap_tls_thumbprint(r->server)), 40);
	assert_string_equal(eap_tls_thumbprint(r->client), "");
	assert_int_equal(eap_tls_memo(r->server)[LINK_MEMO_SIZE - 1], 'm');
	assert_int_equal(r->judge.calls, 1);
}

static void assert_spec_works(const struct eap_tls_rig_spec *spec,
			      void (*on_packet)(struct eap_tls_rig *r, bool from_server))
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, spec);
	r.on_packet = on_packet;
	eap_tls_rig_run(&r);
	assert_both_done(&r);
	eap_tls_rig_done(&r);
}

/* An RSA and an ECDSA certificate beside each other, in either order, and a client of one kind. */
static void client_is_shown_the_certificate_of_the_kind_that_it_takes(void **state)
{
	const struct testcert *ec = server_cert();
	const struct testcert *rsa = eap_tls_rig_cert(
		&(struct testcert_spec){.san = "DNS:gateway.test", .key = TESTCERT_RSA});

	for (int i = 0; i < 8; i++) {
		bool is_rsa = i & 1, is_rsa_first = i & 2;
		struct eap_tls_rig r;

		eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){
					     .version = versions[i / 4],
					     .is_rsa = is_rsa,
					     .server = is_rsa_first ? rsa : ec,
					     .server_too = is_rsa_first ? ec : rsa,
				     });
		assert_int_equal(
			SSL_CTX_set1_sigalgs_list(r.client_ctx->ssl,
						  is_rsa ? "RSA-PSS+SHA256" : "ECDSA+SHA256"),
			1);
		eap_tls_rig_run(&r);
		assert_both_done(&r);
		eap_tls_rig_done(&r);
	}
}

static void both_ends_get_the_same_key(void **state)
{
	static const size_t sizes[] = {64, 65, 100, 253, 512, 1000, 1395, 1400};

	for (int version = 0; version < 2; version++)
		for (int rsa = 0; rsa < 2; rsa++)
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
				assert_spec_works(
					&(struct eap_tls_rig_spec){.version = versions[version],
								   .is_rsa = rsa,
								   .fragment_max = sizes[i]},
					NULL);
}

static void tls13_is_chosen_when_both_can(void **state)
{
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run_until(&r, 5);
	/* the 0x00 under TLS 1.3: one encrypted record of 1 + 1 + 16 bytes */
	assert_int_equal(r.len, 1 + 5 + 18);
	eap_tls_rig_run(&r);
	assert_both_done(&r);
	eap_tls_rig_done(&r);
}

static void two_conversations_of_a_context_have_two_keys(void **state)
{
	uint8_t first[EAP_TLS_MSK_SIZE];
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run(&r);
	assert_both_done(&r);
	memcpy(first, eap_tls_msk(r.server), sizeof(first));
	eap_tls_free(r.server);
	eap_tls_free(r.client);
	r.server = eap_tls_new(r.server_ctx, r.fragment_max);
	r.client = eap_tls_new(r.client_ctx, r.fragment_max);
	r.packets = r.judge.calls = 0;
	eap_tls_rig_run(&r);
	assert_both_done(&r);
	assert_memory_not_equal(eap_tls_msk(r.server), first, sizeof(first));
	eap_tls_rig_done(&r);
}

/* One that makes a flight of more than 1400 bytes. */
static const struct testcert *long_named_cert(void)
{
	char san[1200] = "DNS:gateway.test";

	for (size_t len = strlen(san); len < 1000; len += strlen(san + len))
		snprintf(san + len, sizeof(san) - len, ",DNS:another-%zu.gateway.test", len);
	return eap_tls_rig_cert(&(struct testcert_spec){.san = san, .key = TESTCERT_RSA});
}

static void fragment_size_is_held_within_its_range(void **state)
{
	static const size_t asked[] = {0, 63, 65535};
	static const size_t held[] = {64, 64, EAP_TLS_FRAGMENT_MAX};
	struct plain p;

	for (size_t i = 0; i < 3; i++) {
		plain_client_init(&p, TLS1_2_VERSION, client_cert());
		eap_tls_free(p.r.server);
		eap_tls_ctx_unref(p.r.server_ctx);
		p.r.server_ctx = eap_tls_rig_server_ctx(
			&(struct eap_tls_rig_spec){.server = long_named_cert()}, &p.r.judge);
		p.r.server = eap_tls_new(p.r.server_ctx, asked[i]);
		eap_tls_rig_step(&p.r);
		plain_handshake(&p);
		assert_int_equal(eap_tls_rig_input(&p.r, p.r.server), EAP_TLS_MORE);
		assert_int_equal(p.r.len, held[i]);
		plain_done(&p);
	}
}

/* The packet before, and in whose turn it was. */
struct last {
	bool had_more;
	unsigned fragments;
};

static void check_acknowledgement(struct eap_tls_rig *r, bool from_server)
{
	struct last *last = r->arg;

	if (last->had_more) {
		assert_int_equal(r->len, 1);
		assert_int_equal(r->packet[0], 0);
		last->fragments++;
	}
	last->had_more = r->packet[0] & 0x40;
}

static void every_fragment_but_the_last_is_acknowledged_by_an_empty_packet(void **state)
{
	struct last last = {0};
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){.fragment_max = 200});
	r.on_packet = check_acknowledgement;
	r.arg = &last;
	eap_tls_rig_run(&r);
	assert_both_done(&r);
	assert_in_range(last.fragments, 5, 20);
	eap_tls_rig_done(&r);
}

/* L on all packets that have data: what was left out is put in. */
static void add_length(struct eap_tls_rig *r, bool from_server)
{
	static uint32_t total;
	uint8_t flags = r->packet[0];

	if (r->len == 1)
		return;
	if (flags & 0x80)
		total = (uint32_t)(r->packet[3] << 8 | r->packet[4]);
	else if (!total)
		total = (uint32_t)r->len - 1;
	if (!(flags & 0x80)) {
		struct wire_writer w = wire_writer(r->packet, 5);

		memmove(r->packet + 5, r->packet + 1, r->len - 1);
		wire_put_u8(&w, flags | 0x80);
		wire_put_be32(&w, total);
		r->len += 4;
	}
	if (!(flags & 0x40))
		total = 0;
}

static void P77_length_on_all_packets_is_accepted(void **state)
{
	for (int version = 0; version < 2; version++) {
		assert_spec_works(&(struct eap_tls_rig_spec){.version = versions[version],
							     .fragment_max = 200},
				  add_length);
		assert_spec_works(&(struct eap_tls_rig_spec){.version = versions[version]},
				  add_length);
	}
}

static void set_reserved_flags(struct eap_tls_rig *r, bool from_server)
{
	r->packet[0] |= 0x1f;
}

static void reserved_flags_change_nothing(void **state)
{
	assert_spec_works(&(struct eap_tls_rig_spec){.fragment_max = 200}, set_reserved_flags);
}

static void no_key_and_no_name_before_the_end(void **state)
{
	for (int version = 0; version < 2; version++) {
		struct eap_tls_rig r;

		eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){.version = versions[version]});
		while (eap_tls_rig_step(&r)) {
			assert_int_equal(eap_tls_msk(r.client) != NULL, r.packets >= 6);
			assert_null(eap_tls_msk(r.server));
			assert_null(eap_tls_client_name(r.server));
		}
		assert_int_equal(r.packets, 6);
		assert_both_done(&r);
		eap_tls_rig_done(&r);
	}
}

static void P45_pppd_before_25_takes_half_of_each_half(void **state)
{
	uint8_t hlak[LINK_HLAK_SIZE];
	struct eap_tls_rig r;

	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run(&r);
	assert_both_done(&r);
	eap_tls_hlak_pppd249(r.server, hlak);
	assert_memory_equal(hlak, eap_tls_msk(r.server), 16);
	assert_memory_equal(hlak + 16, eap_tls_msk(r.server) + 32, 16);
	eap_tls_rig_done(&r);
}

static void a_packet_behind_the_end_takes_the_key_away(void **state)
{
	static const char *const packets[] = {"\x20", "\x00", "\x00x"};

	for (size_t i = 0; i < 3; i++) {
		struct eap_tls_rig r;

		eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){0});
		eap_tls_rig_run(&r);
		assert_both_done(&r);
		eap_tls_rig_put(&r, packets[i], i == 2 ? 2 : 1);
		assert_int_equal(eap_tls_rig_input(&r, r.client), EAP_TLS_FAILED);
		assert_int_equal(r.len, 0);
		assert_null(eap_tls_msk(r.client));
		assert_string_equal(eap_tls_reason(r.client),
				    "the server's EAP-TLS: a packet behind the end");
		eap_tls_rig_put(&r, packets[i], i == 2 ? 2 : 1);
		assert_int_equal(eap_tls_rig_input(&r, r.server), EAP_TLS_FAILED);
		assert_null(eap_tls_msk(r.server));
		assert_null(eap_tls_client_name(r.server));
		eap_tls_rig_done(&r);
	}
}

static void tickets_before_the_success_are_put_up_with(void **state)
{
	struct plain p;

	plain_server_init(&p, TLS1_3_VERSION, server_cert(), 2);
	plain_until_finished(&p);
	assert_in_range(p.r.len, 100, 2000);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_MORE);
	assert_int_equal(p.r.len, 1);
	assert_int_equal(p.r.packet[0], 0);
	assert_null(eap_tls_msk(p.r.client));
	plain_write(&p, "", 1);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_DONE);
	assert_int_equal(p.r.len, 1);
	plain_done(&p);
}

static void tickets_beside_the_success_are_put_up_with(void **state)
{
	struct plain p;

	plain_server_init(&p, TLS1_3_VERSION, server_cert(), 2);
	plain_until_finished(&p);
	plain_write(&p, "", 1);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_DONE);
	plain_done(&p);
}

static void success_that_is_not_one_zero_byte_is_refused(void **state)
{
	static const struct {
		const char *data;
		int len;
	} wrong[] = {{"\1", 1}, {"\0\0", 2}, {"0", 1}, {"\0welcome", 8}};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct plain p;

		plain_server_init(&p, TLS1_3_VERSION, server_cert(), 0);
		plain_until_finished(&p);
		plain_write(&p, wrong[i].data, wrong[i].len);
		assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_FAILED);
		assert_string_equal(eap_tls_reason(p.r.client),
				    "the server's EAP-TLS: application data that is not the single "
				    "byte 0x00");
		assert_null(eap_tls_msk(p.r.client));
		plain_done(&p);
	}
}

static void application_data_of_tls12_is_refused(void **state)
{
	struct plain p;

	plain_server_init(&p, TLS1_2_VERSION, server_cert(), 0);
	plain_until_finished(&p);
	plain_write(&p, "", 1);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_FAILED);
	assert_null(eap_tls_msk(p.r.client));
	plain_done(&p);
}

/* A server can write in TLS 1.3 before it has seen the client's certificate. */
static void success_before_our_certificate_is_refused(void **state)
{
	struct plain p;
	size_t n;

	plain_server_init(&p, TLS1_3_VERSION, server_cert(), 0);
	SSL_set_max_early_data(p.ssl, 1000);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_MORE);
	SSL_read_early_data(plain_take(&p), p.r.packet, 1, &n);
	assert_int_equal(SSL_write_early_data(p.ssl, "", 1, &n), 1);
	plain_flush(&p);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.client), EAP_TLS_FAILED);
	assert_string_equal(eap_tls_reason(p.r.client),
			    "the server's EAP-TLS: success before it saw our certificate");
	plain_done(&p);
}

static void data_behind_the_handshake_is_refused(void **state)
{
	for (int version = 0; version < 2; version++) {
		struct plain p;

		plain_client_init(&p, versions[version], client_cert());
		plain_until_server_finished(&p);
		assert_int_equal(plain_handshake(&p), 1);
		plain_write(&p, "GET /", 5);
		assert_int_equal(eap_tls_rig_input(&p.r, p.r.server), EAP_TLS_FAILED);
		assert_int_equal(p.r.len, 0);
		assert_string_equal(eap_tls_reason(p.r.server),
				    "the client's EAP-TLS: data behind the end of the handshake");
		plain_done(&p);
	}
}

static void data_beside_the_clients_finished_is_refused(void **state)
{
	struct plain p;

	plain_client_init(&p, TLS1_3_VERSION, client_cert());
	eap_tls_rig_step(&p.r);
	plain_handshake(&p);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.server), EAP_TLS_MORE);
	assert_int_equal(plain_handshake(&p), 1);
	plain_write(&p, "GET /", 5);
	assert_int_equal(eap_tls_rig_input(&p.r, p.r.server), EAP_TLS_FAILED);
	assert_string_equal(eap_tls_reason(p.r.server), "the client's EAP-TLS: application data");
	assert_null(eap_tls_msk(p.r.server));
	plain_done(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_get_the_same_key),
		cmocka_unit_test(client_is_shown_the_certificate_of_the_kind_that_it_takes),
		cmocka_unit_test(tls13_is_chosen_when_both_can),
		cmocka_unit_test(two_conversations_of_a_context_have_two_keys),
		cmocka_unit_test(fragment_size_is_held_within_its_range),
		cmocka_unit_test(every_fragment_but_the_last_is_acknowledged_by_an_empty_packet),
		cmocka_unit_test(P77_length_on_all_packets_is_accepted),
		cmocka_unit_test(reserved_flags_change_nothing),
		cmocka_unit_test(no_key_and_no_name_before_the_end),
		cmocka_unit_test(P45_pppd_before_25_takes_half_of_each_half),
		cmocka_unit_test(a_packet_behind_the_end_takes_the_key_away),
		cmocka_unit_test(tickets_before_the_success_are_put_up_with),
		cmocka_unit_test(tickets_beside_the_success_are_put_up_with),
		cmocka_unit_test(success_that_is_not_one_zero_byte_is_refused),
		cmocka_unit_test(application_data_of_tls12_is_refused),
		cmocka_unit_test(success_before_our_certificate_is_refused),
		cmocka_unit_test(data_behind_the_handshake_is_refused),
		cmocka_unit_test(data_beside_the_clients_finished_is_refused),
	};

	return cmocka_run_group_tests(tests, eap_tls_rig_setup, eap_tls_rig_teardown);
}
