/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

static const uint8_t secret[MSG_SECRET_SIZE] = "the secret of a token, 32 bytes";
static const uint8_t der[] = {0x30, 0x82, 0x00, 0x01};

static const struct msg_vnet blue = {
	.name = "blue",
	.spaces = {"10.1.0.0/16", "10.2.0.0/16"},
	.n_spaces = 2,
	.pools = {"172.16.0.0/24"},
	.n_pools = 1,
	.dns = {"10.1.0.4"},
	.n_dns = 1,
	.gateway = "192.0.0.8",
	.netns = "/run/netns/red",
};

static const struct msg_est_request enrol = {
	.id = UINT64_C(0x0123456789abcdef),
	.kind = MSG_EST_SIMPLEENROLL,
	.peer = "2001:db8::7",
	.secret = secret,
	.cert = der,
	.cert_len = sizeof(der),
	.wants_network = true,
	.body = (const uint8_t *)"MIIB",
	.body_len = 4,
};

static const struct msg_est_reply refusal = {
	.id = 7,
	.status = 401,
	.content_type = "text/plain",
	.encoding = "",
	.body = (const uint8_t *)"the token was used",
	.body_len = 18,
	.retry_after_s = 60,
	.reason = "used",
};

static const struct msg_server_certificate pair = {
	.names = {"vpn.example.com", "192.0.2.1"},
	.n_names = 2,
	.chain_pem = "-----BEGIN CERTIFICATE-----\n",
	.key_pem = "-----BEGIN PRIVATE KEY-----\n",
};

#define THUMBPRINT(digit) #digit "23456789ABCDEF0123456789ABCDEF012345678"

static char revoked[][CERT_THUMBPRINT_MAX] = {THUMBPRINT(7)};
static struct authority_export_root roots[] = {{"r1", "", (char *)"-----BEGIN CERTIFICATE-----\n"},
					       {"hq", "red", (char *)"-----BEGIN"}};
static struct authority_export_client clients[] = {
	{THUMBPRINT(1), "shop", "blue", THUMBPRINT(1), ""},
	{THUMBPRINT(2), "stock", "red", THUMBPRINT(0), THUMBPRINT(3)},
};
static struct authority_export_app apps[] = {{"shop", "blue"}, {"stock", "red"}};

static const struct authority_export access_export = {
	.roots = roots,
	.n_roots = 2,
	.revoked = revoked,
	.n_revoked = 1,
	.clients = clients,
	.n_clients = 2,
	.apps = apps,
	.n_apps = 2,
};

/* ---- there and back ---- */

static void config_comes_back_as_it_was(void **state)
{
	struct msg_vnet vnets[] = {blue, {.name = "red", .gateway = ""}};
	struct msg_config m = {.names = {"vpn.example.com"},
			       .n_names = 1,
			       .dial = "vpn.example.com:4443",
			       .is_strict = true,
			       .vnets = vnets,
			       .n_vnets = 2,
			       .chains = {"-----BEGIN CERTIFICATE-----\n", "another"},
			       .n_chains = 2};
	struct msg_config got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_config_encode(&m, &frame, &len), 0);
	assert_int_equal(msg_config_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got), 0);
	assert_int_equal(got.n_names, 1);
	assert_string_equal(got.names[0], "vpn.example.com");
	assert_string_equal(got.dial, "vpn.example.com:4443");
	assert_true(got.is_strict);
	assert_int_equal(got.n_vnets, 2);
	assert_string_equal(got.vnets[0].name, "blue");
	assert_int_equal(got.vnets[0].n_spaces, 2);
	assert_string_equal(got.vnets[0].spaces[1], "10.2.0.0/16");
	assert_string_equal(got.vnets[0].pools[0], "172.16.0.0/24");
	assert_string_equal(got.vnets[0].dns[0], "10.1.0.4");
	assert_string_equal(got.vnets[0].gateway, "192.0.0.8");
	assert_string_equal(got.vnets[0].netns, "/run/netns/red");
	assert_int_equal(got.vnets[1].n_dns, 0);
	assert_string_equal(got.vnets[1].netns, "");
	assert_int_equal(got.n_chains, 2);
	assert_string_equal(got.chains[0], "-----BEGIN CERTIFICATE-----\n");
	assert_string_equal(got.chains[1], "another");
	msg_config_done(&got);
	msg_frame_free(frame, len);
}

static void est_request_comes_back_as_it_was(void **state)
{
	struct msg_est_request got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_est_request_encode(&enrol, &frame, &len), 0);
	assert_int_equal(msg_est_request_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 0);
	assert_true(got.id == enrol.id);
	assert_int_equal(got.kind, MSG_EST_SIMPLEENROLL);
	assert_string_equal(got.peer, "2001:db8::7");
	assert_memory_equal(got.secret, secret, MSG_SECRET_SIZE);
	assert_int_equal(got.cert_len, sizeof(der));
	assert_memory_equal(got.cert, der, sizeof(der));
	assert_true(got.wants_network);
	assert_int_equal(got.body_len, 4);
	assert_memory_equal(got.body, "MIIB", 4);
	msg_frame_free(frame, len);
}

static void est_request_without_token_certificate_and_body_has_none(void **state)
{
	struct msg_est_request m = {.kind = MSG_EST_CACERTS, .peer = "192.0.2.9"};
	struct msg_est_request got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_est_request_encode(&m, &frame, &len), 0);
	assert_int_equal(msg_est_request_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 0);
	assert_null(got.secret);
	assert_null(got.cert);
	assert_int_equal(got.body_len, 0);
	msg_frame_free(frame, len);
}

static void est_reply_comes_back_as_it_was(void **state)
{
	struct msg_est_reply got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_est_reply_encode(&refusal, &frame, &len), 0);
	assert_int_equal(msg_est_reply_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got), 0);
	assert_true(got.id == 7);
	assert_int_equal(got.status, 401);
	assert_string_equal(got.content_type, "text/plain");
	assert_string_equal(got.encoding, "");
	assert_int_equal(got.body_len, 18);
	assert_memory_equal(got.body, "the token was used", 18);
	assert_int_equal(got.retry_after_s, 60);
	assert_string_equal(got.reason, "used");
	msg_frame_free(frame, len);
}

static void server_certificate_comes_back_as_it_was(void **state)
{
	struct msg_server_certificate got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_server_certificate_encode(&pair, &frame, &len), 0);
	assert_int_equal(
		msg_server_certificate_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got), 0);
	assert_int_equal(got.n_names, 2);
	assert_string_equal(got.names[1], "192.0.2.1");
	assert_string_equal(got.chain_pem, pair.chain_pem);
	assert_string_equal(got.key_pem, pair.key_pem);
	msg_frame_free(frame, len);
}

static void access_comes_back_as_it_was(void **state)
{
	struct authority_export got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_access_encode(&access_export, &frame, &len), 0);
	assert_int_equal(msg_access_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got), 0);
	assert_int_equal(got.n_roots, 2);
	assert_string_equal(got.roots[1].name, "hq");
	assert_string_equal(got.roots[1].vnet, "red");
	assert_string_equal(got.roots[0].pem, roots[0].pem);
	assert_int_equal(got.n_revoked, 1);
	assert_string_equal(got.revoked[0], revoked[0]);
	assert_int_equal(got.n_clients, 2);
	assert_string_equal(authority_export_find(&got, clients[1].thumbprint)->app, "stock");
	assert_string_equal(authority_export_find(&got, clients[1].thumbprint)->lineage,
			    clients[1].lineage);
	assert_string_equal(got.clients[0].renews, "");
	assert_string_equal(got.clients[1].renews, clients[1].renews);
	assert_int_equal(got.n_apps, 2);
	assert_string_equal(got.apps[0].vnet, "blue");
	authority_export_done(&got);
	msg_frame_free(frame, len);
}

static void failure_comes_back_cut_to_its_limit_and_as_one_line(void **state)
{
	static char longest[MSG_REASON_MAX + 2];
	const char *got;
	uint8_t *frame;
	size_t len;

	memset(longest, 'a', sizeof(longest) - 1);
	assert_int_equal(msg_failed_encode(longest, &frame, &len), 0);
	assert_int_equal(msg_failed_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got), 0);
	assert_int_equal(strlen(got), MSG_REASON_MAX);
	assert_int_equal(msg_failed_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE - 1, &got),
			 -EBADMSG);
	frame[MSG_HEAD_SIZE + 4] = '\n';
	assert_int_equal(msg_failed_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 -EBADMSG);
	msg_frame_free(frame, len);
}

static void access_whose_lists_are_not_sorted_is_refused(void **state)
{
	struct authority_export_client turned[] = {clients[1], clients[0]};
	struct authority_export e = access_export;
	struct authority_export got;
	uint8_t *frame;
	size_t len;

	e.clients = turned;
	assert_int_equal(msg_access_encode(&e, &frame, &len), 0);
	assert_int_equal(msg_access_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 -EBADMSG);
	msg_frame_free(frame, len);
	e = (struct authority_export){.n_roots = AUTHORITY_ROOTS_MAX + 1};
	assert_int_equal(msg_access_encode(&e, &frame, &len), -EMSGSIZE);
}

static void assert_access_refused(const struct authority_export *e)
{
	struct authority_export got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_access_encode(e, &frame, &len), 0);
	assert_int_equal(msg_access_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 -EBADMSG);
	msg_frame_free(frame, len);
}

static void access_that_names_a_certificate_twice_is_refused(void **state)
{
	struct authority_export_client twins[] = {clients[0], clients[0]};
	char same[][CERT_THUMBPRINT_MAX] = {THUMBPRINT(7), THUMBPRINT(7)};
	struct authority_export e = access_export;

	e.clients = twins;
	assert_access_refused(&e);
	e = access_export;
	e.revoked = same;
	e.n_revoked = 2;
	assert_access_refused(&e);
}

/* In every text of a message: what is behind it would be read by nobody. */
static void text_with_a_nul_inside_is_refused(void **state)
{
	struct msg_server_certificate got;
	uint8_t *frame, *nul;
	size_t len;

	assert_int_equal(msg_server_certificate_encode(&pair, &frame, &len), 0);
	nul = memmem(frame, len, "example", 7);
	assert_non_null(nul);
	*nul = '\0';
	assert_int_equal(
		msg_server_certificate_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
		-EBADMSG);
	msg_frame_free(frame, len);
}

static void access_with_a_lineage_that_is_no_thumbprint_is_refused(void **state)
{
	struct authority_export_client wrong[] = {
		{THUMBPRINT(1), "shop", "blue", "blue", ""},
		{THUMBPRINT(1), "shop", "blue", "", ""},
		{THUMBPRINT(1), "shop", "blue", THUMBPRINT(1), "blue"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct authority_export e = {.clients = &wrong[i], .n_clients = 1};
		struct authority_export got;
		uint8_t *frame;
		size_t len;

		assert_int_equal(msg_access_encode(&e, &frame, &len), 0);
		assert_int_equal(
			msg_access_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			-EBADMSG);
		msg_frame_free(frame, len);
	}
}

/* ---- heads ---- */

static void head_is_taken_in_its_own_direction_and_within_its_limit(void **state)
{
	static const struct {
		uint8_t kind;
		bool to_control;
	} kinds[] = {
		{MSG_CONFIG, true},  {MSG_EST_REQUEST, true}, {MSG_SERVER_CERTIFICATE, false},
		{MSG_ACCESS, false}, {MSG_EST_REPLY, false},  {MSG_FAILED, false},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t max = msg_limit(kinds[i].kind);
		uint8_t head[MSG_HEAD_SIZE] = {(uint8_t)(max >> 24), (uint8_t)(max >> 16),
					       (uint8_t)(max >> 8), (uint8_t)max, kinds[i].kind};
		enum msg_kind kind = 0;
		size_t len = 0;

		assert_in_range(max, 1, MSG_MAX);
		assert_true(msg_head(head, kinds[i].to_control, &kind, &len));
		assert_int_equal(kind, kinds[i].kind);
		assert_int_equal(len, max);
		assert_false(msg_head(head, !kinds[i].to_control, &kind, &len));
		head[3]++; /* every limit ends in zeros */
		assert_false(msg_head(head, kinds[i].to_control, &kind, &len));
	}
}

static void unknown_kinds_are_refused(void **state)
{
	enum msg_kind kind;
	size_t len;

	for (unsigned i = 0; i < 256; i++) {
		uint8_t head[MSG_HEAD_SIZE] = {0, 0, 0, 0, (uint8_t)i};

		if (msg_limit(i))
			continue;
		assert_false(msg_head(head, true, &kind, &len));
		assert_false(msg_head(head, false, &kind, &len));
	}
}

/* ---- limits ---- */

static void what_is_over_its_limit_is_not_encoded(void **state)
{
	static uint8_t big[MSG_EST_BODY_MAX + 1];
	static char name[MSG_NAME_MAX + 2];
	struct msg_est_request m = enrol;
	struct msg_config config = {.n_names = MSG_NAMES_MAX + 1, .dial = ""};
	uint8_t *frame;
	size_t len;

	m.body = big;
	m.body_len = sizeof(big);
	assert_int_equal(msg_est_request_encode(&m, &frame, &len), -EMSGSIZE);
	m.body_len--;
	assert_int_equal(msg_est_request_encode(&m, &frame, &len), 0);
	msg_frame_free(frame, len);
	memset(name, 'a', MSG_NAME_MAX + 1);
	m.peer = name;
	assert_int_equal(msg_est_request_encode(&m, &frame, &len), -EMSGSIZE);
	m.peer = NULL;
	assert_int_equal(msg_est_request_encode(&m, &frame, &len), -EINVAL);
	assert_int_equal(msg_config_encode(&config, &frame, &len), -EMSGSIZE);
	config = (struct msg_config){.n_vnets = MSG_VNETS_MAX + 1};
	assert_int_equal(msg_config_encode(&config, &frame, &len), -EMSGSIZE);
}

/* ---- what no honest peer sends ---- */

/* 1 when a payload of this kind, in memory of exactly its size, is taken. */
static int decode(uint8_t kind, const uint8_t *payload, size_t len)
{
	uint8_t *copy = malloc(len + !len);
	struct msg_config config;
	struct msg_est_request request;
	struct msg_est_reply reply;
	struct msg_server_certificate certificate;
	struct authority_export access;
	int r = -1;

	assert_non_null(copy);
	memcpy(copy, payload, len);
	switch (kind) {
	case MSG_CONFIG:
		r = msg_config_decode(copy, len, &config);
		if (r == 0)
			msg_config_done(&config);
		break;
	case MSG_EST_REQUEST: r = msg_est_request_decode(copy, len, &request); break;
	case MSG_EST_REPLY: r = msg_est_reply_decode(copy, len, &reply); break;
	case MSG_SERVER_CERTIFICATE:
		r = msg_server_certificate_decode(copy, len, &certificate);
		break;
	case MSG_ACCESS:
		r = msg_access_decode(copy, len, &access);
		if (r == 0)
			authority_export_done(&access);
		break;
	default: fail();
	}
	free(copy);
	assert_true(r == 0 || r == -EBADMSG);
	return r == 0;
}

static size_t encode(uint8_t kind, uint8_t **ret_frame)
{
	struct msg_vnet vnet = blue;
	struct msg_config config = {.names = {"vpn.example.com"},
				    .n_names = 1,
				    .dial = "vpn.example.com:4443",
				    .vnets = &vnet,
				    .n_vnets = 1};
	size_t len = 0;
	int r = -1;

	switch (kind) {
	case MSG_CONFIG: r = msg_config_encode(&config, ret_frame, &len); break;
	case MSG_EST_REQUEST: r = msg_est_request_encode(&enrol, ret_frame, &len); break;
	case MSG_EST_REPLY: r = msg_est_reply_encode(&refusal, ret_frame, &len); break;
	case MSG_SERVER_CERTIFICATE:
		r = msg_server_certificate_encode(&pair, ret_frame, &len);
		break;
	case MSG_ACCESS: r = msg_access_encode(&access_export, ret_frame, &len); break;
	default: fail();
	}
	assert_int_equal(r, 0);
	return len;
}

static const uint8_t all_kinds[] = {MSG_CONFIG, MSG_EST_REQUEST, MSG_EST_REPLY,
				    MSG_SERVER_CERTIFICATE, MSG_ACCESS};

static void payload_that_is_cut_or_has_more_behind_it_is_refused(void **state)
{
	for (size_t k = 0; k < sizeof(all_kinds); k++) {
		uint8_t *frame;
		size_t len = encode(all_kinds[k], &frame);
		uint8_t more[4096] = {0};

		assert_in_range(len, MSG_HEAD_SIZE, sizeof(more) - 1);
		memcpy(more, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE);
		assert_int_equal(decode(all_kinds[k], more, len - MSG_HEAD_SIZE), 1);
		assert_int_equal(decode(all_kinds[k], more, len - MSG_HEAD_SIZE + 1), 0);
		for (size_t n = 0; n < len - MSG_HEAD_SIZE; n++)
			assert_int_equal(decode(all_kinds[k], more, n), 0);
		msg_frame_free(frame, len);
	}
}

static void payload_with_any_bytes_changed_is_taken_or_refused(void **state)
{
	struct prng prng;

	prng_init(&prng, 4);

	for (size_t k = 0; k < sizeof(all_kinds); k++) {
		uint8_t *frame;
		size_t len = encode(all_kinds[k], &frame);

		for (unsigned i = 0; i < 20000; i++) {
			uint8_t copy[4096];
			size_t at = prng_below(&prng, (uint32_t)(len - MSG_HEAD_SIZE));

			memcpy(copy, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE);
			copy[at] = (uint8_t)prng_below(&prng, 256);
			decode(all_kinds[k], copy, len - MSG_HEAD_SIZE);
		}
		msg_frame_free(frame, len);
	}
}

static void header_line_that_would_make_two_is_refused(void **state)
{
	struct msg_est_reply m = refusal;
	struct msg_est_reply got;
	uint8_t *frame;
	size_t len;

	m.content_type = "text/plain\r\nX: y";
	assert_int_equal(msg_est_reply_encode(&m, &frame, &len), 0);
	assert_int_equal(msg_est_reply_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 -EBADMSG);
	msg_frame_free(frame, len);
	m = refusal;
	m.status = 99;
	assert_int_equal(msg_est_reply_encode(&m, &frame, &len), 0);
	assert_int_equal(msg_est_reply_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 -EBADMSG);
	msg_frame_free(frame, len);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_comes_back_as_it_was),
		cmocka_unit_test(est_request_comes_back_as_it_was),
		cmocka_unit_test(est_request_without_token_certificate_and_body_has_none),
		cmocka_unit_test(est_reply_comes_back_as_it_was),
		cmocka_unit_test(server_certificate_comes_back_as_it_was),
		cmocka_unit_test(access_comes_back_as_it_was),
		cmocka_unit_test(failure_comes_back_cut_to_its_limit_and_as_one_line),
		cmocka_unit_test(access_whose_lists_are_not_sorted_is_refused),
		cmocka_unit_test(access_that_names_a_certificate_twice_is_refused),
		cmocka_unit_test(text_with_a_nul_inside_is_refused),
		cmocka_unit_test(access_with_a_lineage_that_is_no_thumbprint_is_refused),
		cmocka_unit_test(head_is_taken_in_its_own_direction_and_within_its_limit),
		cmocka_unit_test(unknown_kinds_are_refused),
		cmocka_unit_test(what_is_over_its_limit_is_not_encoded),
		cmocka_unit_test(payload_that_is_cut_or_has_more_behind_it_is_refused),
		cmocka_unit_test(payload_with_any_bytes_changed_is_taken_or_refused),
		cmocka_unit_test(header_line_that_would_make_two_is_refused),
	};

	return cmocka_run_group_tests_name("control/msg", tests, NULL, NULL);
}
