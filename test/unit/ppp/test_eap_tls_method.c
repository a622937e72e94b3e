/* SPDX-License-Identifier: Apache-2.0 */
/* EAP-TLS between two links: who comes in, who does not, and what both logs say then. */
#include <stdio.h>
#include <string.h>

#include "sstp/ppp/eap.h"
#include "sstp/ppp/link.h"
#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/unit/ppp/eap_tls_rig.h"

enum {
	DAY = 86400,
	FRAME_MAX = 1500,
	QUEUE_MAX = 64,
};

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
static const char no_hlak[LINK_HLAK_SIZE];

struct frame {
	bool to_server;
	size_t len;
	uint8_t bytes[FRAME_MAX];
};

/* What differs from a server and a client that both want EAP-TLS and nothing else. */
struct setup {
	struct eap_tls_rig_spec tls;
	unsigned server_auth, client_auth; /* 0: LINK_AUTH_EAP_TLS */
	uint16_t server_mru, client_mru;   /* 0: 1500 */
	bool is_unknown;		   /* the certificate's name, to the directory */
	bool has_password;		   /* the client, "clientPass" of user "User" */
};

/* Two links, and a wire that loses nothing. */
struct pair {
	const struct setup *setup;
	struct link server, client;
	struct eap_tls_ctx *server_ctx, *client_ctx;
	struct eap_tls_rig_judge judge;
	struct secret password;
	uint64_t now;
	unsigned server_seen, client_seen; /* events so far */
	uint8_t server_hlak[LINK_HLAK_SIZE], client_hlak[LINK_HLAK_SIZE];
	char asked[LINK_NAME_MAX + 1]; /* the directory, about whom */
	size_t largest[2];	       /* EAP packet to the client, to the server */
	uint8_t buf[OUTBOX_SIZE];
	struct outbox out;
	struct frame queue[QUEUE_MAX];
	size_t queued;
};

static void init_link(struct pair *p, bool is_server)
{
	const struct setup *s = p->setup;
	unsigned auth = is_server ? s->server_auth : s->client_auth;
	uint16_t mru = is_server ? s->server_mru : s->client_mru;

	secret_set(&p->password, "clientPass", 10);
	link_init(is_server ? &p->server : &p->client,
		  &(struct link_params){
			  .role = is_server ? LINK_SERVER : LINK_CLIENT,
			  .auth = auth ? auth : LINK_AUTH_EAP_TLS,
			  .mru = mru ? mru : 1500,
			  .name = is_server ? "gw" : "User",
			  .password = !is_server && s->has_password ? &p->password : NULL,
			  .random = &random_system,
			  .eap_tls = is_server ? p->server_ctx : p->client_ctx,
		  });
}

static void take_frames(struct pair *p, bool from_server)
{
	size_t pos = 0, len;
	uint8_t *msg;

	while (outbox_next(&p->out, &pos, &msg, &len)) {
		assert_in_range(len, 8, FRAME_MAX);
		assert_in_range(p->queued, 0, QUEUE_MAX - 1);
		p->queue[p->queued].to_server = !from_server;
		p->queue[p->queued].len = len;
		memcpy(p->queue[p->queued++].bytes, msg, len);
		if (msg[2] == 0xc2 && msg[3] == 0x27 && len - 4 > p->largest[!from_server])
			p->largest[!from_server] = len - 4;
	}
	outbox_clear(&p->out);
}

static unsigned answer_user(struct pair *p)
{
	struct link_user user = {.has_password = false};

	snprintf(p->asked, sizeof(p->asked), "%s", link_user_name(&p->server));
	if (link_auth_method(&p->server) == LINK_AUTH_EAP_MSCHAPV2) {
		user.has_password = true;
		hex_decode("44ebba8d5312b8d611474411f56989ae", user.nt_hash, sizeof(user.nt_hash));
	}
	return link_on_user(&p->server, p->now, p->setup->is_unknown ? NULL : &user, &p->out);
}

static void after_step(struct pair *p, bool was_server, unsigned events)
{
	unsigned *seen = was_server ? &p->server_seen : &p->client_seen;

	if (events & LINK_EV_USER)
		events |= answer_user(p);
	if (events & LINK_EV_AUTH_OK)
		memcpy(was_server ? p->server_hlak : p->client_hlak,
		       link_hlak(was_server ? &p->server : &p->client), LINK_HLAK_SIZE);
	assert_int_equal(*seen & events & LINK_EV_AUTH_FAILED, 0);
	*seen |= events;
	take_frames(p, was_server);
}

static void pair_init(struct pair *p, const struct setup *setup)
{
	memset(p, 0, sizeof(*p));
	p->setup = setup;
	p->now = CLOCK_NS_PER_S;
	p->out = outbox(p->buf, sizeof(p->buf));
	p->server_ctx = eap_tls_rig_server_ctx(&setup->tls, &p->judge);
	p->client_ctx = eap_tls_rig_client_ctx(&setup->tls);
	init_link(p, true);
	init_link(p, false);
	after_step(p, true, link_up(&p->server, p->now, &p->out));
	after_step(p, false, link_up(&p->client, p->now, &p->out));
}

static void pair_done(struct pair *p)
{
	link_done(&p->server);
	link_done(&p->client);
	eap_tls_ctx_unref(p->server_ctx);
	eap_tls_ctx_unref(p->client_ctx);
}

static void feed(struct pair *p, bool to_server, const uint8_t *bytes, size_t len)
{
	struct link *l = to_server ? &p->server : &p->client;
	/* exactly as large as the frame, so that ASan sees the first byte past it */
	uint8_t *copy = test_malloc(len);

	memcpy(copy, bytes, len);
	after_step(p, to_server, link_input(l, p->now, copy, len, &p->out));
	test_free(copy);
}

static void feed_hex(struct pair *p, bool to_server, const char *hex)
{
	uint8_t frame[FRAME_MAX];

	feed(p, to_server, frame, hex_decode(hex, frame, sizeof(frame)));
}

static bool is_eap(const struct frame *f, uint8_t code, uint8_t type)
{
	return f->bytes[2] == 0xc2 && f->bytes[3] == 0x27 && f->bytes[4] == code &&
	       (!type || (f->len > 8 && f->bytes[8] == type));
}

/* Delivers what is on the wire until there is nothing, or the next is EAP of that code and type. */
static struct frame *run_until(struct pair *p, uint8_t code, uint8_t type)
{
	while (p->queued) {
		struct frame f = p->queue[0];

		if (is_eap(&f, code, type))
			return &p->queue[0];
		memmove(&p->queue[0], &p->queue[1], --p->queued * sizeof(f));
		feed(p, f.to_server, f.bytes, f.len);
	}
	return NULL;
}

static void run(struct pair *p)
{
	run_until(p, 0, 0);
}

static void assert_nobody_came_in(const struct pair *p)
{
	assert_int_equal((p->server_seen | p->client_seen) & (LINK_EV_AUTH_OK | LINK_EV_UP), 0);
	assert_memory_equal(link_hlak(&p->server), no_hlak, LINK_HLAK_SIZE);
	assert_memory_equal(link_hlak(&p->client), no_hlak, LINK_HLAK_SIZE);
	assert_null(p->server.auth.eap);
	assert_null(p->client.auth.eap);
}

static void assert_begins(const char *text, const char *with)
{
	if (strncmp(text, with, strlen(with)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", text, with);
}

/* Both are refused, and their logs say so. */
static void check_refused(const struct setup *setup, const char *server, const char *client)
{
	struct pair p;

	pair_init(&p, setup);
	run(&p);
	assert_begins(link_reason(&p.server), server);
	assert_begins(link_reason(&p.client), client);
	assert_true(p.server_seen & p.client_seen & LINK_EV_AUTH_FAILED);
	assert_true(p.server_seen & p.client_seen & LINK_EV_FINISHED);
	assert_int_equal(link_has_refused_server(&p.client),
			 strncmp(client, "the server: ", strlen("the server: ")) == 0);
	assert_false(link_has_refused_server(&p.server));
	assert_nobody_came_in(&p);
	pair_done(&p);
}

static void certificate_lets_a_user_in_who_has_no_password(void **state)
{
	for (int i = 0; i < 2; i++) {
		const struct setup setup = {.tls = {.version = versions[i]}};
		struct pair p;

		pair_init(&p, &setup);
		run(&p);
		assert_true(p.server_seen & p.client_seen & LINK_EV_AUTH_OK);
		assert_string_equal(p.asked, "worker 7");
		assert_string_equal(link_user_name(&p.server), "worker 7");
		assert_string_equal(link_user_name(&p.client), "User");
		assert_int_equal(link_auth_method(&p.server), LINK_AUTH_EAP_TLS);
		assert_int_equal(link_auth_method(&p.client), LINK_AUTH_EAP_TLS);
		assert_memory_equal(p.server_hlak, p.client_hlak, LINK_HLAK_SIZE);
		assert_memory_not_equal(p.server_hlak, no_hlak, LINK_HLAK_SIZE);
		assert_int_equal(strlen(link_peer_thumbprint(&p.server)), 40);
		assert_string_equal(link_peer_thumbprint(&p.client), "");
		assert_null(p.server.auth.eap);
		assert_null(p.client.auth.eap);
		assert_int_equal(p.judge.calls, 1);
		pair_done(&p);
	}
}

/* P45: the first half is the same, and only a server has it */
static void P45_key_of_old_pppd_is_there_for_the_server_until_the_link_is_up(void **state)
{
	static const struct setup setup = {.tls = {.version = TLS1_2_VERSION}};
	static const struct link_address address = {.local = 0x0100000a, .peer = 0x0500000a};
	struct pair p;

	pair_init(&p, &setup);
	assert_null(link_hlak_compat(&p.server));
	assert_null(link_peer_memo(&p.server));
	run(&p);
	assert_memory_equal(link_hlak_compat(&p.server), p.server_hlak, LINK_HLAK_SIZE / 2);
	assert_memory_not_equal(link_hlak_compat(&p.server), p.server_hlak, LINK_HLAK_SIZE);
	assert_null(link_hlak_compat(&p.client));
	after_step(&p, true, link_on_address(&p.server, p.now, &address, &p.out));
	after_step(&p, false, link_on_timer(&p.client, p.now, &p.out));
	run(&p);
	assert_true(link_is_up(&p.server) && link_is_up(&p.client));
	assert_memory_equal(link_hlak_compat(&p.server), no_hlak, LINK_HLAK_SIZE);
	assert_memory_equal(link_hlak(&p.server), no_hlak, LINK_HLAK_SIZE);
	assert_int_equal(strlen(link_peer_thumbprint(&p.server)), 40);
	assert_int_equal(link_peer_memo(&p.server)[0], 'm');
	assert_int_equal(link_peer_memo(&p.server)[LINK_MEMO_SIZE - 1], 'm');
	assert_null(link_peer_memo(&p.client));
	pair_done(&p);
}

static void other_methods_have_neither_thumbprint_nor_second_key(void **state)
{
	static const struct setup setup = {
		.server_auth = LINK_AUTH_EAP_MSCHAPV2,
		.client_auth = LINK_AUTH_EAP_MSCHAPV2,
		.has_password = true,
	};
	struct pair p;

	pair_init(&p, &setup);
	run(&p);
	assert_true(p.server_seen & p.client_seen & LINK_EV_AUTH_OK);
	assert_null(link_hlak_compat(&p.server));
	assert_string_equal(link_peer_thumbprint(&p.server), "");
	assert_null(link_peer_memo(&p.server));
	pair_done(&p);
}

static const struct testcert *client_cert(struct testcert_spec spec)
{
	spec.common_name = "worker 7";
	spec.eku = spec.eku ? spec.eku : "clientAuth";
	return eap_tls_rig_cert(&spec);
}

static void each_refused_certificate_has_its_reason_on_both_sides(void **state)
{
	const struct {
		struct testcert_spec spec;
		const char *server, *client;
	} bad[] = {
		{{.issuer = rig_other_root}, "certificate is of no known root", "unknown CA"},
		{{.not_before_s = -2 * DAY, .not_after_s = -DAY},
		 "certificate has expired",
		 "certificate expired"},
		{{.not_before_s = DAY, .not_after_s = 2 * DAY},
		 "certificate is not yet valid",
		 "bad certificate"},
		{{.eku = "serverAuth"}, "no clientAuth", "unsupported certificate"},
	};

	for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
		struct setup setup = {.tls = {.version = versions[i % 2]}};
		char told[EAP_TLS_REASON_MAX];

		setup.tls.client = client_cert(bad[i / 2].spec);
		snprintf(told, sizeof(told), "the server sent TLS alert: %s", bad[i / 2].client);
		check_refused(&setup, bad[i / 2].server, told);
	}
}

static void revoked_certificate_is_reported_before_the_peer_has_heard_of_it(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct setup setup = {.tls = {.version = versions[i]}};
		struct frame *alert;
		struct pair p;

		setup.tls.client = client_cert((struct testcert_spec){.is_ca = false});
		pair_init(&p, &setup);
		p.judge.revoked = setup.tls.client;
		while (!(p.server_seen & LINK_EV_AUTH_FAILED)) {
			struct frame f = p.queue[0];

			memmove(&p.queue[0], &p.queue[1], --p.queued * sizeof(f));
			feed(&p, f.to_server, f.bytes, f.len);
		}
		assert_string_equal(link_reason(&p.server), "certificate is revoked");
		assert_int_equal(strlen(link_peer_thumbprint(&p.server)), 40);
		assert_null(link_peer_memo(&p.server));
		alert = run_until(&p, EAP_REQUEST, EAP_TYPE_TLS);
		assert_false(alert->to_server);
		run(&p);
		assert_string_equal(link_reason(&p.client),
				    "the server sent TLS alert: certificate revoked");
		assert_nobody_came_in(&p);
		pair_done(&p);
	}
}

static void certificate_whose_name_is_of_no_user_is_refused(void **state)
{
	for (int i = 0; i < 2; i++) {
		const struct setup setup = {.tls = {.version = versions[i]}, .is_unknown = true};

		check_refused(&setup, "there is no user of the certificate's name: \"worker 7\"",
			      "the server refuses us");
	}
}

static void X39_client_refuses_a_server_it_does_not_know(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct setup setup = {.tls = {.version = versions[i]}};

		setup.tls.trusted = rig_other_root;
		check_refused(&setup, "the client sent TLS alert: unknown CA", "the server: ");
		setup.tls.trusted = NULL;
		setup.tls.server_name = "other.test";
		check_refused(&setup, "the client sent TLS alert: ", "the server: ");
	}
}

static void X39_P78_success_before_the_handshake_is_done_is_refused(void **state)
{
	/* behind the Start; behind each request of the handshake, up to the last */
	for (int i = 0; i < 2; i++) {
		const struct setup setup = {.tls = {.version = versions[i]}};

		for (int requests = 1; requests < 4; requests++) {
			uint8_t success[] = {0xff, 3, 0xc2, 0x27, EAP_SUCCESS, 0, 0, 4};
			struct pair p;

			pair_init(&p, &setup);
			for (int n = 0; n < requests; n++) {
				struct frame f = *run_until(&p, EAP_REQUEST, EAP_TYPE_TLS);

				p.queued = 0;
				success[5] = f.bytes[5];
				feed(&p, false, f.bytes, f.len);
			}
			if (p.client.auth.eap->state == EAP_PROVEN) {
				pair_done(&p);
				break;
			}
			p.queued = 0;
			feed(&p, false, success, sizeof(success));
			assert_int_equal(p.client_seen, LINK_EV_AUTH_FAILED);
			assert_string_equal(link_reason(&p.client),
					    "the server says Success before it has proved itself");
			assert_null(p.client.auth.eap);
			pair_done(&p);
		}
	}
}

static void P64_nak_moves_to_the_other_method_that_is_allowed(void **state)
{
	static const struct setup setup = {
		.server_auth = LINK_AUTH_EAP_TLS | LINK_AUTH_EAP_MSCHAPV2,
		.client_auth = LINK_AUTH_EAP_MSCHAPV2,
		.has_password = true,
	};
	static const struct setup other_way = {
		.server_auth = LINK_AUTH_EAP_TLS | LINK_AUTH_EAP_MSCHAPV2,
		.client_auth = LINK_AUTH_EAP_TLS | LINK_AUTH_EAP_MSCHAPV2,
		.has_password = true,
	};
	struct pair p;

	pair_init(&p, &setup);
	run(&p);
	assert_true(p.server_seen & p.client_seen & LINK_EV_AUTH_OK);
	assert_int_equal(link_auth_method(&p.server), LINK_AUTH_EAP_MSCHAPV2);
	assert_memory_equal(p.server_hlak, p.client_hlak, LINK_HLAK_SIZE);
	pair_done(&p);
	/* EAP-TLS goes first where both can */
	pair_init(&p, &other_way);
	run(&p);
	assert_true(p.server_seen & p.client_seen & LINK_EV_AUTH_OK);
	assert_int_equal(link_auth_method(&p.server), LINK_AUTH_EAP_TLS);
	pair_done(&p);
}

static void server_of_another_method_is_told_by_nak_and_both_know_why_it_ended(void **state)
{
	static const struct setup setup = {
		.server_auth = LINK_AUTH_EAP_MSCHAPV2,
		.client_auth = LINK_AUTH_EAP_TLS,
	};

	check_refused(&setup, "the peer takes none of the EAP methods allowed",
		      "the server offers none of the EAP methods allowed");
}

static void second_nak_is_refused(void **state)
{
	static const struct setup setup = {
		.server_auth = LINK_AUTH_EAP_TLS | LINK_AUTH_EAP_MSCHAPV2,
	};
	struct pair p;

	pair_init(&p, &setup);
	assert_non_null(run_until(&p, EAP_REQUEST, EAP_TYPE_TLS));
	p.queued = 0;
	feed_hex(&p, true, "ff03c2270202000703041a"); /* MD5, or else MS-CHAPv2 */
	assert_true(is_eap(&p.queue[0], EAP_REQUEST, EAP_TYPE_MSCHAPV2));
	p.queued = 0;
	feed_hex(&p, true, "ff03c22702030006030d"); /* EAP-TLS after all */
	assert_true(is_eap(&p.queue[0], EAP_FAILURE, 0));
	assert_int_equal(p.server_seen, LINK_EV_AUTH_FAILED);
	assert_string_equal(link_reason(&p.server),
			    "the peer takes none of the EAP methods allowed");
	pair_done(&p);
}

static void packets_are_no_larger_than_the_other_ends_mru_and_1400(void **state)
{
	static const struct {
		uint16_t server_mru, client_mru;
	} mrus[] = {{1500, 1500}, {576, 1500}, {1500, 700}, {4091, 4091}};

	/* two certificates each way: more than a packet of the largest size */
	struct testcert_spec spec = {.common_name = "between", .key = TESTCERT_RSA};
	struct setup setup = {.tls.is_rsa = true};

	spec.is_ca = true;
	spec.issuer = rig_root;
	spec.issuer = eap_tls_rig_cert(&spec);
	spec.is_ca = false;
	spec.san = "DNS:gateway.test";
	setup.tls.client = setup.tls.server = eap_tls_rig_cert(&spec);
	for (size_t i = 0; i < sizeof(mrus) / sizeof(mrus[0]); i++) {
		struct pair p;

		setup.server_mru = mrus[i].server_mru;
		setup.client_mru = mrus[i].client_mru;
		pair_init(&p, &setup);
		run(&p);
		assert_true(p.server_seen & p.client_seen & LINK_EV_AUTH_OK);
		assert_int_equal(p.largest[true], mrus[i].server_mru < 1400 ? 576 : 1400);
		assert_int_equal(p.largest[false], mrus[i].client_mru < 1400 ? 700 : 1400);
		pair_done(&p);
	}
}

static void assert_same_frame(const struct frame *a, const struct frame *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->bytes, b->bytes, a->len);
}

static void lost_request_and_lost_response_are_sent_again_byte_for_byte(void **state)
{
	static const struct setup setup = {.tls = {.version = TLS1_3_VERSION}};
	struct frame request, response;
	struct pair p;

	pair_init(&p, &setup);
	request = *run_until(&p, EAP_RESPONSE, EAP_TYPE_TLS); /* the ClientHello */
	p.queued = 0;
	feed(&p, true, request.bytes, request.len);
	assert_int_equal(p.queued, 1);
	request = p.queue[0];
	p.queued = 0;
	p.now += 3 * CLOCK_NS_PER_S;
	after_step(&p, true, link_on_timer(&p.server, p.now, &p.out));
	assert_int_equal(p.queued, 1);
	assert_same_frame(&p.queue[0], &request);
	p.queued = 0;
	feed(&p, false, request.bytes, request.len);
	assert_int_equal(p.queued, 1);
	response = p.queue[0];
	p.queued = 0;
	feed(&p, false, request.bytes, request.len);
	assert_int_equal(p.queued, 1);
	assert_same_frame(&p.queue[0], &response);
	run(&p);
	assert_true(p.server_seen & p.client_seen & LINK_EV_AUTH_OK);
	pair_done(&p);
}

/*
 * X08: a length that nobody means, and data in front of which the server would have to wait for
 * ever
 */
static void X08_declared_length_of_4_gib_is_refused(void **state)
{
	static const struct setup setup = {.server_mru = 0};
	struct pair p;

	pair_init(&p, &setup);
	run_until(&p, EAP_REQUEST, EAP_TYPE_TLS);
	p.queued = 0;
	feed_hex(&p, true, "ff03c2270202000e0dc0ffffffff1603010200");
	feed_hex(&p, true, "ff03c2270202000f0dc0ffffffff1603010200");
	assert_int_equal(p.server_seen, LINK_EV_AUTH_FAILED);
	assert_true(is_eap(&p.queue[0], EAP_FAILURE, 0));
	assert_begins(link_reason(&p.server), "the client's EAP-TLS: ");
	assert_null(p.server.auth.eap);
	pair_done(&p);
}

/*
 * With a ClientHello's first fragment the server has a TLS connection, without it a conversation.
 */
static void abort_start(struct pair *p, bool with_data, int how)
{
	init_link(p, true);
	p->queued = 0;
	p->server_seen = 0;
	link_up(&p->server, p->now, &p->out);
	feed_hex(p, true, "ff03c02101010004");
	p->queue[0].bytes[4] = CP_CONF_ACK;
	feed(p, true, p->queue[0].bytes, p->queue[0].len);
	feed_hex(p, true, "ff03c227020100090155736572");
	if (with_data)
		feed_hex(p, true, "ff03c2270202000f0dc0000002051603010200");
	assert_non_null(p->server.auth.eap);
	p->queued = 0;
	switch (how) {
	case 0: break;
	case 1:
		feed_hex(p, true,
			 "ff03c021010200080104"
			 "0400");
		break;
	case 2: link_down(&p->server); break;
	case 3: feed_hex(p, true, "ff03c02105020004"); break;
	case 4:
		feed_hex(p, true, with_data ? "ff03c227020300060d00" : "ff03c227020200060d00");
		break;
	}
	if (how)
		assert_null(p->server.auth.eap);
	link_done(&p->server);
}

/* What is not freed here is a leak that the address sanitizer sees. */
static void X09_ten_thousand_aborted_starts_leave_nothing(void **state)
{
	static const struct setup setup = {.server_mru = 0};
	struct pair p;

	pair_init(&p, &setup);
	link_done(&p.server);
	for (int i = 0; i < 10000; i++)
		abort_start(&p, i % 2, i % 5);
	pair_done(&p);
}

static void no_memory_for_the_method_ends_the_link_and_refuses_nobody(void **state)
{
	static const struct setup setup = {.server_mru = 0};
	uint8_t identity[] = {0xff, 3, 0xc2, 0x27, 2, 1, 0, 5, 1};
	uint8_t start[] = {0xff, 3, 0xc2, 0x27, 1, 2, 0, 6, 13, 0x20};
	struct pair p;
	unsigned events;

	pair_init(&p, &setup);
	run_until(&p, EAP_RESPONSE, EAP_TYPE_IDENTITY);
	p.queued = 0;
	alloc_limit(0);
	events = link_input(&p.server, p.now, identity, sizeof(identity), &p.out);
	alloc_limit(-1);
	after_step(&p, true, events);
	assert_true(is_eap(&p.queue[0], EAP_FAILURE, 0));
	assert_int_equal(p.server_seen, 0);
	assert_string_equal(link_reason(&p.server), "no memory for EAP");
	p.queued = 0;
	alloc_limit(0);
	events = link_input(&p.client, p.now, start, sizeof(start), &p.out);
	alloc_limit(-1);
	after_step(&p, false, events);
	assert_int_equal(p.client_seen, 0);
	assert_string_equal(link_reason(&p.client), "no memory for EAP");
	assert_nobody_came_in(&p);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_lets_a_user_in_who_has_no_password),
		cmocka_unit_test(P45_key_of_old_pppd_is_there_for_the_server_until_the_link_is_up),
		cmocka_unit_test(other_methods_have_neither_thumbprint_nor_second_key),
		cmocka_unit_test(each_refused_certificate_has_its_reason_on_both_sides),
		cmocka_unit_test(revoked_certificate_is_reported_before_the_peer_has_heard_of_it),
		cmocka_unit_test(certificate_whose_name_is_of_no_user_is_refused),
		cmocka_unit_test(X39_client_refuses_a_server_it_does_not_know),
		cmocka_unit_test(X39_P78_success_before_the_handshake_is_done_is_refused),
		cmocka_unit_test(P64_nak_moves_to_the_other_method_that_is_allowed),
		cmocka_unit_test(
			server_of_another_method_is_told_by_nak_and_both_know_why_it_ended),
		cmocka_unit_test(second_nak_is_refused),
		cmocka_unit_test(packets_are_no_larger_than_the_other_ends_mru_and_1400),
		cmocka_unit_test(lost_request_and_lost_response_are_sent_again_byte_for_byte),
		cmocka_unit_test(X08_declared_length_of_4_gib_is_refused),
		cmocka_unit_test(X09_ten_thousand_aborted_starts_leave_nothing),
		cmocka_unit_test(no_memory_for_the_method_ends_the_link_and_refuses_nobody),
	};

	return cmocka_run_group_tests_name("ppp/eap_tls_method", tests, eap_tls_rig_setup,
					   eap_tls_rig_teardown);
}
