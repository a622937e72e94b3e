/* SPDX-License-Identifier: Apache-2.0 */
/* EAP with MS-CHAPv2 in it, server and client, with honest and other peers. */
#include "sstp/ppp/eap.h"

#include <stdio.h>
#include <string.h>

#include "sstp/ppp/chap.h"
#include "test/support/alloc_limit.h"
#include "test/support/hex.h"
#include "test/unit/ppp/rig.h"

#define EAP	"ff03c227"
#define WHO	EAP "0101000501"
#define IM_USER EAP "020100090155736572" /* Response/Identity "User", id 1 */
#define CHALLENGE(id)                \
	EAP "01" id "001c1a01020017" \
	    "10" RIG_CHALLENGE "6777"

/* RFC 2759's exchange, identifier of MS-CHAPv2 02 */
#define RESPONSE(id)	    EAP "02" id "003f1a0202003a" RIG_VALUE "55736572"
#define SUCCESS_REQUEST(id) EAP "01" id "00381a03020033" RIG_PROOF
#define FAILURE_REQUEST(id) EAP "01" id "003f1a0402003a" RIG_REFUSAL
#define CONFIRM(id)	    EAP "02" id "00061a03"
#define CONFIRM_FAILURE(id) EAP "02" id "00061a04"
#define SUCCESS(id)	    EAP "03" id "0004"
#define FAILURE(id)	    EAP "04" id "0004"
#define TERMINATE(id)	    "ff03c02105" id "0004"

/* Every test ends with it: what is not freed then is a leak. */
static void done(struct rig *r)
{
	rig_skip(r);
	link_done(&r->link);
}

/* The end of a link that was refused: nothing is left of EAP, and nobody came in. */
static void assert_refused(struct rig *r, const char *reason)
{
	assert_string_equal(link_reason(&r->link), reason);
	rig_expect_no_key(r);
	assert_null(r->link.auth.eap);
	rig_expect_start(r, "ff03c02105");
	rig_expect_silence(r);
	done(r);
}

/* server */

static void start_server(struct rig *r)
{
	rig_init(r, LINK_SERVER, LINK_AUTH_EAP_MSCHAPV2, RIG_MAGIC RIG_CHALLENGE);
	rig_up(r);
	rig_feed(r, "ff03c0210101000a0506" RIG_PEER_MAGIC);
	rig_skip(r);
	assert_int_equal(rig_ack(r, "ff03c02101010012010405dc0304c2270506" RIG_MAGIC), 0);
	rig_expect(r, WHO);
	/* so that the packets inside have another identifier than those outside */
	r->link.auth.id = 2;
}

static void start_challenge(struct rig *r)
{
	start_server(r);
	assert_int_equal(rig_feed(r, IM_USER), 0);
	rig_expect(r, CHALLENGE("02"));
	rig_expect_silence(r);
}

static void start_lookup(struct rig *r)
{
	start_challenge(r);
	assert_int_equal(rig_feed(r, RESPONSE("02")), LINK_EV_USER);
	rig_expect_silence(r);
}

static void start_success(struct rig *r)
{
	start_lookup(r);
	assert_int_equal(rig_user(r, RIG_PASSWORD), 0);
	rig_expect(r, SUCCESS_REQUEST("03"));
	rig_expect_silence(r);
}

static void P64_server_conversation_is_byte_for_byte_that_of_the_specifications(void **state)
{
	struct rig r;

	start_server(&r);
	r.link.auth.eap->id = 4;
	r.link.auth.id = 0x2a;
	assert_int_equal(rig_feed(&r, EAP "02040019"
					  "0175736572406578616d706c652e6e6574"
					  "00000000"),
			 0);
	rig_expect(&r, EAP "0105001c1a012a0017105b5d7c7d7b3f2f3e3c2c6021322626286777");
	assert_int_equal(rig_feed(&r, EAP "0205003f1a022a003a" RIG_VALUE "55736572"), LINK_EV_USER);
	assert_string_equal(link_user_name(&r.link), "User");
	assert_int_equal(link_auth_method(&r.link), LINK_AUTH_EAP_MSCHAPV2);
	rig_expect_silence(&r);
	assert_int_equal(rig_user(&r, RIG_PASSWORD), 0);
	rig_expect(&r, EAP "010600381a032a0033" RIG_PROOF);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, EAP "020600061a03"), LINK_EV_AUTH_OK);
	rig_expect(&r, EAP "03060004");
	rig_expect_silence(&r);
	rig_expect_key(&r);
	assert_null(r.link.auth.eap);
	done(&r);
}

static void P81_success_and_failure_have_the_identifier_of_the_last_request(void **state)
{
	struct rig r;

	start_success(&r);
	assert_int_equal(rig_feed(&r, CONFIRM("03")), LINK_EV_AUTH_OK);
	rig_expect(&r, SUCCESS("03"));
	done(&r);
	start_challenge(&r);
	assert_int_equal(rig_feed(&r, EAP "0202000603"
					  "00"),
			 LINK_EV_AUTH_FAILED);
	rig_expect(&r, FAILURE("02"));
	done(&r);
}

static void server_goes_on_to_ipcp_and_the_key_is_wiped_with_it(void **state)
{
	struct rig r;

	start_success(&r);
	rig_feed(&r, CONFIRM("03"));
	rig_skip(&r);
	rig_address(&r, "10.0.0.1", "10.0.0.5", NULL, NULL);
	rig_skip(&r);
	rig_feed(&r, "ff0380210101000a03060a000005");
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, "ff0380210201000a03060a000001"), LINK_EV_UP);
	rig_expect_no_key(&r);
	/* and EAP is over: whatever comes of it now */
	assert_int_equal(rig_feed(&r, CONFIRM("03")), 0);
	assert_int_equal(rig_feed(&r, IM_USER), 0);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
	done(&r);
}

static void request_is_repeated_with_the_same_identifier_ten_times_3_s_apart(void **state)
{
	struct rig r;

	start_server(&r);
	rig_wait(&r, 2999);
	rig_expect_silence(&r);
	rig_wait(&r, 1);
	rig_expect(&r, WHO);
	rig_feed(&r, IM_USER);
	rig_expect(&r, CHALLENGE("02"));
	for (int i = 1; i < 9; i++) {
		assert_int_equal(rig_wait(&r, 3000), 0);
		rig_expect(&r, CHALLENGE("02"));
		rig_expect_silence(&r);
	}
	assert_int_equal(rig_wait(&r, 3000), 0); /* 30 s in all: late is not refused */
	assert_refused(&r, "authentication took too long");
}

static void peer_that_never_answers_is_given_up_without_being_refused(void **state)
{
	struct rig r;

	start_server(&r);
	r.link.phase_deadline = CLOCK_NEVER;
	for (int i = 1; i < AUTH_MAX_TRIES; i++) {
		rig_wait(&r, 3000);
		rig_expect(&r, WHO);
	}
	assert_int_equal(rig_wait(&r, 3000), 0);
	assert_refused(&r, "the peer does not answer");
}

static void response_with_another_identifier_or_type_is_dropped(void **state)
{
	static const char *const packets[] = {
		EAP "020200090155736572", /* the identity of the next request */
		EAP "020000090155736572", EAP "0201000501ff", EAP "02010004", /* no type */
		EAP "02010005ff",   /* a type that nobody asked for */
		EAP "0201000502",   /* Notification */
		EAP "020100061a03", /* of the method that comes next */
	};
	struct rig r;

	start_server(&r);
	assert_int_equal(rig_feed(&r, packets[0]), 0);
	assert_int_equal(rig_feed(&r, packets[1]), 0);
	for (size_t i = 3; i < sizeof(packets) / sizeof(packets[0]); i++)
		assert_int_equal(rig_feed(&r, packets[i]), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, packets[2]), 0); /* an empty name is one; padding is none */
	rig_expect(&r, CHALLENGE("02"));
	assert_string_equal(link_user_name(&r.link), "");
	assert_int_equal(rig_feed(&r, IM_USER), 0);
	assert_int_equal(rig_feed(&r, EAP "020200090155736572"), 0);
	assert_int_equal(rig_feed(&r, RESPONSE("01")), 0);
	assert_int_equal(rig_feed(&r, RESPONSE("03")), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, RESPONSE("02")), LINK_EV_USER);
	done(&r);
}

static void X07_server_ignores_what_only_a_server_says(void **state)
{
	static const char *const packets[] = {
		WHO,	       CHALLENGE("02"), SUCCESS_REQUEST("02"),
		SUCCESS("02"), FAILURE("02"),	EAP "05020004", /* and what nobody says */
	};
	struct rig r;

	start_challenge(&r);
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		assert_int_equal(rig_feed(&r, packets[i]), 0);
		rig_expect_silence(&r);
	}
	assert_int_equal(rig_feed(&r, RESPONSE("02")), LINK_EV_USER);
	done(&r);
}

static void X07_eap_that_was_not_agreed_on_is_ignored(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, IM_USER), 0);
	rig_expect_silence(&r);
	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, WHO), 0);
	assert_int_equal(rig_feed(&r, SUCCESS("00")), 0);
	rig_expect_silence(&r);
	/* and the other way round */
	start_server(&r);
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_expect_silence(&r);
	done(&r);
}

static void identity_is_the_name_until_the_method_has_another(void **state)
{
	struct rig r;

	start_server(&r);
	rig_feed(&r, EAP "02010008016e6f62");
	assert_string_equal(link_user_name(&r.link), "nob");
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, RESPONSE("02")), LINK_EV_USER);
	assert_string_equal(link_user_name(&r.link), "User");
	done(&r);
}

static void identity_that_can_be_no_name_is_none(void **state)
{
	static uint8_t frame[4096] = {0xff, 3, 0xc2, 0x27, EAP_RESPONSE, 1, 0x01, 0x06, 1};
	struct rig r;

	start_server(&r);
	memset(frame + 9, 'n', 257);
	assert_int_equal(rig_feed_bytes(&r, frame, 4 + 0x106), 0);
	assert_string_equal(link_user_name(&r.link), "");
	rig_expect(&r, CHALLENGE("02"));
	done(&r);
	start_server(&r);
	assert_int_equal(rig_feed(&r, EAP "020100080161"
					  "0062"),
			 0);
	assert_string_equal(link_user_name(&r.link), "");
	rig_expect(&r, CHALLENGE("02"));
	done(&r);
}

/* The packets that a refused client gets do not tell which of the three it was. */
static void refuse_and_expect_691(const struct link_user *user, const char *reason)
{
	struct rig r;

	start_lookup(&r);
	assert_int_equal(link_on_user(&r.link, r.now, user, &r.out), LINK_EV_AUTH_FAILED);
	assert_string_equal(link_reason(&r.link), reason);
	rig_expect_no_key(&r);
	rig_expect(&r, FAILURE_REQUEST("03"));
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, CONFIRM_FAILURE("03")), 0);
	rig_expect(&r, FAILURE("03"));
	rig_expect(&r, TERMINATE("02"));
	rig_expect_silence(&r);
	assert_null(r.link.auth.eap);
	assert_int_equal(rig_feed(&r, "ff03c02106020004"), LINK_EV_FINISHED);
	assert_string_equal(link_reason(&r.link), reason);
	done(&r);
}

static void X33_refusals_of_a_name_or_password_differ_in_nothing_but_the_reason(void **state)
{
	static const struct link_user other = {.nt_hash = "another password", .has_password = true};
	static const struct link_user certified;

	refuse_and_expect_691(&other, "wrong password");
	refuse_and_expect_691(&certified, "the user comes in by certificate only");
	refuse_and_expect_691(NULL, "no such user");
}

static void refusal_that_nobody_confirms_ends_after_3_s(void **state)
{
	struct rig r;

	start_lookup(&r);
	assert_int_equal(rig_user(&r, NULL), LINK_EV_AUTH_FAILED);
	rig_expect(&r, FAILURE_REQUEST("03"));
	assert_int_equal(rig_wait(&r, 2999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0);
	rig_expect(&r, FAILURE("03"));
	assert_refused(&r, "no such user");
}

static void refused_peer_does_not_come_in_by_what_it_says_next(void **state)
{
	static const char *const packets[] = {
		CONFIRM("03"),	    /* not a word of ours */
		RESPONSE("03"),	    /* one more attempt */
		EAP "02030006031a", /* Nak */
		"ff03c02101070004", /* LCP anew */
		"ff03c02105070004", /* LCP terminates */
	};

	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct rig r;

		start_lookup(&r);
		assert_int_equal(rig_user(&r, NULL), LINK_EV_AUTH_FAILED);
		rig_skip(&r);
		assert_int_equal(rig_feed(&r, packets[i]) & ~(unsigned)LINK_EV_PEER_TERMINATED, 0);
		rig_skip(&r);
		assert_null(r.link.auth.eap);
		assert_int_equal(r.link.phase, LINK_PHASE_TERMINATE);
		assert_string_equal(link_reason(&r.link), "no such user");
		done(&r);
	}
}

static void confirmation_of_another_kind_is_dropped_and_a_refusal_is_one(void **state)
{
	struct rig r;

	start_success(&r);
	assert_int_equal(rig_feed(&r, EAP "020300061a02"), 0);
	assert_int_equal(rig_feed(&r, EAP "020300051a"), 0);
	assert_int_equal(rig_feed(&r, RESPONSE("03")), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, CONFIRM_FAILURE("03")), LINK_EV_AUTH_FAILED);
	rig_expect(&r, FAILURE("03"));
	assert_refused(&r, "the peer does not believe that we know its password");
}

static void nak_of_the_identity_is_refused(void **state)
{
	struct rig r;

	start_server(&r);
	assert_int_equal(rig_feed(&r, EAP "02010006031a"), LINK_EV_AUTH_FAILED);
	rig_expect(&r, FAILURE("01"));
	assert_refused(&r, "the peer does not say who it is");
}

static void nak_for_a_method_that_is_not_allowed_is_refused(void **state)
{
	/* EAP-MD5; EAP-TLS; none; the one it refuses; nothing at all */
	static const char *const naks[] = {
		EAP "020200060304", EAP "02020006030d", EAP "020200060300",
		EAP "02020006031a", EAP "0202000503",
	};

	for (size_t i = 0; i < sizeof(naks) / sizeof(naks[0]); i++) {
		struct rig r;

		start_challenge(&r);
		assert_int_equal(rig_feed(&r, naks[i]), LINK_EV_AUTH_FAILED);
		rig_expect(&r, FAILURE("02"));
		assert_refused(&r, "the peer takes none of the EAP methods allowed");
	}
}

static void nak_in_the_middle_of_a_method_is_refused(void **state)
{
	struct rig r;

	start_success(&r);
	assert_int_equal(rig_feed(&r, EAP "02030006030d"), LINK_EV_AUTH_FAILED);
	rig_expect(&r, FAILURE("03"));
	assert_refused(&r, "the peer breaks the EAP method off");
}

static void P83_user_directory_that_does_not_answer_becomes_a_failure(void **state)
{
	struct rig r;

	start_lookup(&r);
	assert_int_equal(rig_wait(&r, 9999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0); /* not the peer's fault */
	rig_expect(&r, FAILURE("02"));
	assert_refused(&r, "the user directory did not answer");
	start_lookup(&r);
	rig_wait(&r, 10000);
	rig_skip(&r);
	assert_int_equal(rig_user(&r, RIG_PASSWORD), 0);
	rig_expect_silence(&r);
	done(&r);
}

static void nothing_is_answered_while_the_user_is_looked_up(void **state)
{
	struct rig r;

	start_lookup(&r);
	assert_int_equal(rig_feed(&r, RESPONSE("02")), 0);
	assert_int_equal(rig_feed(&r, EAP "02020006030d"), 0);
	assert_int_equal(rig_feed(&r, CONFIRM("02")), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_user(&r, RIG_PASSWORD), 0);
	rig_expect(&r, SUCCESS_REQUEST("03"));
	done(&r);
}

/* MS-CHAPv2 packet in EAP: its own Length, value size, then a name; EAP's Length is right */
static unsigned feed_response(struct rig *r, size_t ms_len, uint8_t value_size, size_t value,
			      size_t name)
{
	char head[64];

	snprintf(head, sizeof(head), EAP "020200001a0202%04zx", ms_len);
	return rig_feed_named(r, head, value_size, value, name);
}

static void X06_names_from_0_to_256_bytes_are_taken_longer_ones_fail(void **state)
{
	static const size_t good[] = {0, 1, 255, 256};
	static const size_t bad[] = {257, 1400};
	struct rig r;

	for (size_t i = 0; i < 4; i++) {
		start_challenge(&r);
		assert_int_equal(feed_response(&r, 54 + good[i], 49, 49, good[i]), LINK_EV_USER);
		assert_int_equal(strlen(link_user_name(&r.link)), good[i]);
		done(&r);
	}
	for (size_t i = 0; i < 2; i++) {
		start_challenge(&r);
		assert_int_equal(feed_response(&r, 54 + bad[i], 49, 49, bad[i]),
				 LINK_EV_AUTH_FAILED);
		rig_expect(&r, FAILURE_REQUEST("03"));
		assert_string_equal(link_user_name(&r.link), "User"); /* the identity */
		assert_int_equal(strncmp(link_reason(&r.link), "malformed user name: \"nnn", 25),
				 0);
		done(&r);
	}
}

static void X06_lengths_that_are_not_so_are_dropped(void **state)
{
	static const uint8_t sizes[] = {0, 48, 50, 255};
	struct rig r;

	start_challenge(&r);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(feed_response(&r, 58, sizes[i], 49, 4), 0);
		assert_int_equal(feed_response(&r, 9U + sizes[i], sizes[i], sizes[i], 4), 0);
	}
	assert_int_equal(feed_response(&r, 53, 49, 48, 0), 0);
	assert_int_equal(feed_response(&r, 59, 49, 49, 4), 0); /* more than there is */
	assert_int_equal(feed_response(&r, 3, 49, 49, 4), 0);
	assert_int_equal(feed_response(&r, 53, 49, 49, 4), 0);
	assert_int_equal(feed_response(&r, 65535, 49, 49, 4), 0);
	for (int len = 5; len < 9; len++) {
		char hex[64];

		snprintf(hex, sizeof(hex), EAP "0202%04x1a020200", len);
		assert_int_equal(rig_feed(&r, hex), 0);
	}
	rig_expect_silence(&r);
	assert_int_equal(feed_response(&r, 58, 49, 49, 4), LINK_EV_USER);
	done(&r);
}

static void X10_name_with_a_zero_byte_fails_without_a_lookup(void **state)
{
	struct rig r;

	start_challenge(&r);
	assert_int_equal(rig_feed(&r, EAP "0202003f1a0202003a" RIG_VALUE "55730072"),
			 LINK_EV_AUTH_FAILED);
	rig_expect(&r, FAILURE_REQUEST("03"));
	assert_string_equal(link_reason(&r.link), "malformed user name: \"Us\\x00r\"");
	rig_feed(&r, CONFIRM_FAILURE("03"));
	rig_expect(&r, FAILURE("03"));
	assert_refused(&r, "malformed user name: \"Us\\x00r\"");
}

static void response_to_another_challenge_inside_is_dropped(void **state)
{
	struct rig r;

	start_challenge(&r);
	assert_int_equal(rig_feed(&r, EAP "0202003f1a0203003a" RIG_VALUE "55736572"), 0);
	assert_int_equal(rig_feed(&r, EAP "0202003f1a0102003a" RIG_VALUE "55736572"), 0);
	rig_expect_silence(&r);
	/* and the repetition is still the challenge */
	rig_wait(&r, 3000);
	rig_expect(&r, CHALLENGE("02"));
	done(&r);
}

/* client */

static void start_client(struct rig *r)
{
	/* its peer challenge is that of RFC 2759 */
	rig_init(r, LINK_CLIENT, LINK_AUTH_EAP_MSCHAPV2,
		 RIG_MAGIC "21402324255e262a28295f2b3a337c7e");
	rig_up(r);
	rig_skip(r);
	assert_int_equal(rig_feed(r, "ff03c02101010012010405dc0304c2270506" RIG_PEER_MAGIC), 0);
	rig_skip(r);
	assert_int_equal(rig_feed(r, "ff03c0210201000e010405dc0506" RIG_MAGIC), 0);
	rig_expect_silence(r);
	assert_int_equal(link_auth_method(&r->link), 0);
}

static void start_response(struct rig *r)
{
	start_client(r);
	assert_int_equal(rig_feed(r, WHO), 0);
	rig_expect(r, IM_USER);
	assert_int_equal(rig_feed(r, CHALLENGE("02")), 0);
	rig_expect(r, RESPONSE("02"));
	rig_expect_silence(r);
}

static void start_proven(struct rig *r)
{
	start_response(r);
	assert_int_equal(rig_feed(r, SUCCESS_REQUEST("03")), 0);
	rig_expect(r, CONFIRM("03"));
	rig_expect_silence(r);
}

static void client_conversation_is_byte_for_byte_that_of_the_specifications(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, EAP "0101000501");
	rig_expect(&r, IM_USER);
	rig_feed(&r, EAP "0105001c1a012a0017105b5d7c7d7b3f2f3e3c2c6021322626286777");
	rig_expect(&r, EAP "0205003f1a022a003a" RIG_VALUE "55736572");
	assert_int_equal(link_auth_method(&r.link), LINK_AUTH_EAP_MSCHAPV2);
	assert_int_equal(rig_feed(&r, EAP "010600381a032a0033" RIG_PROOF), 0);
	rig_expect(&r, EAP "020600061a03");
	assert_int_equal(rig_feed(&r, EAP "03060004"), LINK_EV_AUTH_OK);
	rig_expect_key(&r);
	assert_string_equal(link_user_name(&r.link), "User");
	assert_null(r.link.auth.eap);
	rig_wait(&r, 0);
	rig_expect_start(&r, "ff0380210101");
	done(&r);
}

static void repeated_request_gets_the_same_response_and_no_other(void **state)
{
	struct rig r;

	start_client(&r);
	for (int i = 0; i < 3; i++) {
		rig_feed(&r, WHO);
		rig_expect(&r, IM_USER);
	}
	rig_feed(&r, CHALLENGE("02"));
	rig_expect(&r, RESPONSE("02"));
	rig_feed(&r, CHALLENGE("02"));
	rig_expect(&r, RESPONSE("02"));
	/* whatever stands in it: the identifier says that it was answered */
	rig_feed(&r, SUCCESS_REQUEST("02"));
	rig_expect(&r, RESPONSE("02"));
	rig_feed(&r, SUCCESS_REQUEST("03"));
	rig_expect(&r, CONFIRM("03"));
	rig_feed(&r, SUCCESS_REQUEST("03"));
	rig_expect(&r, CONFIRM("03"));
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, SUCCESS("03")), LINK_EV_AUTH_OK);
	done(&r);
}

static void P79_same_challenge_in_a_new_request_gets_the_same_response(void **state)
{
	struct rig r;

	start_response(&r);
	rig_feed(&r, CHALLENGE("07"));
	rig_expect(&r, RESPONSE("07"));
	rig_feed(&r, EAP "0108001c1a0102001710"
			 "00112233445566778899aabbccddeeff"
			 "6777");
	rig_expect_start(&r, EAP "0208003f1a0202003a31deadbeef");
	/* and the old one's proof is worth nothing */
	assert_int_equal(rig_feed(&r, SUCCESS_REQUEST("09")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, "the server does not know our password");
}

static void challenges_without_end_are_refused(void **state)
{
	char challenge[128];
	struct rig r;

	start_client(&r);
	for (int id = 1; id <= AUTH_MAX_TRIES + 1; id++) {
		snprintf(challenge, sizeof(challenge),
			 EAP "01%02x001c1a0102001710" RIG_CHALLENGE "6777", id);
		rig_skip(&r);
		assert_int_equal(rig_feed(&r, challenge),
				 id > AUTH_MAX_TRIES ? LINK_EV_AUTH_FAILED : 0);
	}
	assert_refused(&r, "the server challenges us again and again");
}

static void X36_challenge_equal_to_our_own_is_refused(void **state)
{
	struct rig r;

	start_response(&r);
	assert_int_equal(
		rig_feed(&r, EAP "0103001c1a010200171021402324255e262a28295f2b3a337c7e6777"),
		LINK_EV_AUTH_FAILED);
	assert_refused(&r, "the server sent our own challenge back");
}

static void X07_client_ignores_what_only_a_client_says(void **state)
{
	static const char *const packets[] = {
		IM_USER, RESPONSE("02"), CONFIRM("02"), EAP "02020006031a", EAP "01030006031a",
	};
	struct rig r;

	start_response(&r);
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		assert_int_equal(rig_feed(&r, packets[i]), 0);
		rig_expect_silence(&r);
	}
	done(&r);
}

static void results_without_a_request_are_ignored(void **state)
{
	struct rig r;

	start_client(&r);
	assert_int_equal(rig_feed(&r, SUCCESS("00")), 0);
	assert_int_equal(rig_feed(&r, FAILURE("00")), 0);
	assert_int_equal(rig_feed(&r, FAILURE("01")), 0);
	rig_expect_silence(&r);
	assert_int_equal(r.link.phase, LINK_PHASE_AUTHENTICATE);
	done(&r);
}

static void P81_success_with_another_identifier_than_the_last_request_is_dropped(void **state)
{
	struct rig r;

	start_proven(&r);
	assert_int_equal(rig_feed(&r, SUCCESS("02")), 0);
	assert_int_equal(rig_feed(&r, SUCCESS("04")), 0);
	assert_int_equal(rig_feed(&r, FAILURE("04")), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, SUCCESS("03")), LINK_EV_AUTH_OK);
	done(&r);
}

static void X39_success_before_the_server_has_proved_itself_is_refused(void **state)
{
	static const char early[] = "the server says Success before it has proved itself";
	struct rig r;

	start_client(&r);
	rig_feed(&r, WHO);
	rig_expect(&r, IM_USER);
	assert_int_equal(rig_feed(&r, SUCCESS("01")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, early);
	start_response(&r);
	assert_int_equal(rig_feed(&r, SUCCESS("02")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, early);
}

static void failure_is_believed_at_any_time(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, WHO);
	rig_expect(&r, IM_USER);
	assert_int_equal(rig_feed(&r, FAILURE("01")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, "the server refuses us");
	start_response(&r);
	assert_int_equal(rig_feed(&r, FAILURE("02")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, "the server refuses us");
	start_proven(&r);
	assert_int_equal(rig_feed(&r, FAILURE("03")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, "the server refuses us");
}

static void X42_wrong_or_no_proof_is_a_failure_that_is_not_confirmed(void **state)
{
	static const char *const packets[] = {
		/* the last digit; no S=; nothing */
		EAP "010300331a0302002e533d343037413535383931313546443044363230394635313046"
		    "45394330343536363933324344413537",
		EAP "010300121a0302000d4d3d68656c6c6f2121",
		EAP "010300091a03020004",
	};

	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct rig r;

		start_response(&r);
		assert_int_equal(rig_feed(&r, packets[i]), LINK_EV_AUTH_FAILED);
		assert_refused(&r, "the server does not know our password");
	}
}

static void servers_refusal_is_confirmed_and_its_text_is_kept_escaped(void **state)
{
	struct rig r;

	start_response(&r);
	/* of another exchange: not ours */
	assert_int_equal(rig_feed(&r, EAP "010300131a0403000e453d3639310a22523d31"), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, EAP "010300131a0402000e453d3639310a22523d31"),
			 LINK_EV_AUTH_FAILED);
	rig_expect(&r, CONFIRM_FAILURE("03"));
	assert_refused(&r, "the server refuses our name or password: \"E=691\\x0a\\x22R=1\"");
}

static void notification_is_answered_at_any_time(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, EAP "0109000a0268656c6c6f");
	rig_expect(&r, EAP "0209000502");
	rig_feed(&r, WHO);
	rig_expect(&r, IM_USER);
	rig_feed(&r, CHALLENGE("02"));
	rig_expect(&r, RESPONSE("02"));
	rig_feed(&r, EAP "010a000502");
	rig_expect(&r, EAP "020a000502");
	rig_feed(&r, SUCCESS_REQUEST("03"));
	rig_expect(&r, CONFIRM("03"));
	rig_feed(&r, EAP "010b000502");
	rig_expect(&r, EAP "020b000502");
	rig_expect_silence(&r);
	/* it was the last request */
	assert_int_equal(rig_feed(&r, SUCCESS("0b")), LINK_EV_AUTH_OK);
	done(&r);
}

static void other_methods_are_refused_by_nak_twice_and_then_for_good(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, WHO);
	rig_expect(&r, IM_USER);
	rig_feed(&r, EAP "0102000b0405aabbccddee"); /* EAP-MD5 */
	rig_expect(&r, EAP "02020006031a");
	rig_feed(&r, EAP "0102000b0405aabbccddee");
	rig_expect(&r, EAP "02020006031a"); /* the same one */
	rig_feed(&r, EAP "010300060d20");   /* EAP-TLS */
	rig_expect(&r, EAP "02030006031a");
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, EAP "010400061920"), LINK_EV_AUTH_FAILED); /* PEAP */
	assert_refused(&r, "the server offers none of the EAP methods allowed");
}

static void failure_on_our_nak_has_a_reason_of_its_own(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, EAP "010300060d20");
	rig_expect(&r, EAP "02030006031a");
	assert_int_equal(rig_feed(&r, FAILURE("03")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, "the server offers none of the EAP methods allowed");
}

static void server_that_follows_our_nak_is_answered(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, EAP "010100060d20");
	rig_expect(&r, EAP "02010006031a");
	rig_feed(&r, CHALLENGE("02"));
	rig_expect(&r, RESPONSE("02"));
	done(&r);
}

static void client_that_has_begun_a_method_takes_no_other_and_says_no_name(void **state)
{
	struct rig r;

	start_response(&r);
	rig_feed(&r, EAP "010300060d20");
	rig_feed(&r, EAP "0103000501");
	rig_feed(&r, EAP "01030004");
	rig_expect_silence(&r);
	rig_feed(&r, SUCCESS_REQUEST("03"));
	rig_expect(&r, CONFIRM("03"));
	/* done: nothing but the result */
	rig_feed(&r, CHALLENGE("04"));
	rig_feed(&r, EAP "0104000501");
	rig_feed(&r, EAP "010400060d20");
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, SUCCESS("03")), LINK_EV_AUTH_OK);
	done(&r);
}

static void client_does_not_wait_for_a_result_longer_than_30_s(void **state)
{
	struct rig r;

	start_proven(&r);
	assert_int_equal(rig_wait(&r, 29999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0);
	assert_refused(&r, "authentication took too long");
}

static void password_that_is_not_utf8_fails_before_it_is_used(void **state)
{
	struct rig r;

	start_client(&r);
	r.link.auth.has_hash = false;
	assert_int_equal(rig_feed(&r, CHALLENGE("02")), LINK_EV_AUTH_FAILED);
	assert_refused(&r, "our password is not valid UTF-8");
}

static void client_without_a_password_offers_no_method_that_needs_one(void **state)
{
	struct rig r;

	rig_init(&r, LINK_CLIENT, LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP,
		 RIG_MAGIC);
	link_init(&r.link, &(struct link_params){
				   .role = LINK_CLIENT,
				   .auth = LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2 |
					   LINK_AUTH_PAP | LINK_AUTH_EAP_TLS,
				   .mru = 1500,
				   .name = "User",
				   .random = &r.source,
			   });
	rig_up(&r);
	rig_skip(&r);
	rig_feed(&r, "ff03c021010100080304c227");
	rig_expect(&r, "ff03c021040100080304c227");
	rig_feed(&r, "ff03c021010200080304c023");
	rig_expect(&r, "ff03c021040200080304c023");
	done(&r);
}

/* both */

static void X09_conversation_is_freed_whatever_ends_it(void **state)
{
	struct rig r;

	start_challenge(&r);
	assert_non_null(r.link.auth.eap);
	/* LCP anew */
	rig_feed(&r, "ff03c0210107000a0506" RIG_PEER_MAGIC "00");
	rig_skip(&r);
	rig_feed(&r, "ff03c0210108000a050699999999");
	rig_skip(&r);
	assert_null(r.link.auth.eap);
	done(&r);
	start_challenge(&r);
	rig_feed(&r, "ff03c02105070004");
	assert_null(r.link.auth.eap);
	done(&r);
	start_challenge(&r);
	link_down(&r.link);
	assert_null(r.link.auth.eap);
	done(&r);
	start_challenge(&r);
	rig_close(&r, NULL);
	assert_null(r.link.auth.eap);
	done(&r);
	start_challenge(&r);
	rig_feed(&r, "ff03c0210809000ac22701020004");
	assert_null(r.link.auth.eap);
	rig_skip(&r);
	assert_string_equal(link_reason(&r.link), "the peer rejects the authentication protocol");
	done(&r);
	start_challenge(&r);
	done(&r);
	assert_null(r.link.auth.eap);
}

static void no_memory_for_eap_ends_the_link_and_refuses_nobody(void **state)
{
	struct rig r;

	rig_init(&r, LINK_SERVER, LINK_AUTH_EAP_MSCHAPV2, RIG_MAGIC RIG_CHALLENGE);
	rig_up(&r);
	rig_feed(&r, "ff03c0210101000a0506" RIG_PEER_MAGIC);
	rig_skip(&r);
	rig_expect_silence(&r);
	outbox_clear(&r.out);
	r.read = 0;
	alloc_limit(0);
	assert_int_equal(
		link_input(&r.link, r.now,
			   (const uint8_t *)"\xff\x03\xc0\x21\x02\x01\x00\x12\x01\x04\x05\xdc"
					    "\x03\x04\xc2\x27\x05\x06\xde\xad\xbe\xef",
			   22, &r.out),
		0);
	alloc_limit(-1);
	assert_refused(&r, "no memory for EAP");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			P64_server_conversation_is_byte_for_byte_that_of_the_specifications),
		cmocka_unit_test(P81_success_and_failure_have_the_identifier_of_the_last_request),
		cmocka_unit_test(server_goes_on_to_ipcp_and_the_key_is_wiped_with_it),
		cmocka_unit_test(request_is_repeated_with_the_same_identifier_ten_times_3_s_apart),
		cmocka_unit_test(peer_that_never_answers_is_given_up_without_being_refused),
		cmocka_unit_test(response_with_another_identifier_or_type_is_dropped),
		cmocka_unit_test(X07_server_ignores_what_only_a_server_says),
		cmocka_unit_test(X07_eap_that_was_not_agreed_on_is_ignored),
		cmocka_unit_test(identity_is_the_name_until_the_method_has_another),
		cmocka_unit_test(identity_that_can_be_no_name_is_none),
		cmocka_unit_test(
			X33_refusals_of_a_name_or_password_differ_in_nothing_but_the_reason),
		cmocka_unit_test(refusal_that_nobody_confirms_ends_after_3_s),
		cmocka_unit_test(refused_peer_does_not_come_in_by_what_it_says_next),
		cmocka_unit_test(confirmation_of_another_kind_is_dropped_and_a_refusal_is_one),
		cmocka_unit_test(nak_of_the_identity_is_refused),
		cmocka_unit_test(nak_for_a_method_that_is_not_allowed_is_refused),
		cmocka_unit_test(nak_in_the_middle_of_a_method_is_refused),
		cmocka_unit_test(P83_user_directory_that_does_not_answer_becomes_a_failure),
		cmocka_unit_test(nothing_is_answered_while_the_user_is_looked_up),
		cmocka_unit_test(X06_names_from_0_to_256_bytes_are_taken_longer_ones_fail),
		cmocka_unit_test(X06_lengths_that_are_not_so_are_dropped),
		cmocka_unit_test(X10_name_with_a_zero_byte_fails_without_a_lookup),
		cmocka_unit_test(response_to_another_challenge_inside_is_dropped),
		cmocka_unit_test(client_conversation_is_byte_for_byte_that_of_the_specifications),
		cmocka_unit_test(repeated_request_gets_the_same_response_and_no_other),
		cmocka_unit_test(P79_same_challenge_in_a_new_request_gets_the_same_response),
		cmocka_unit_test(challenges_without_end_are_refused),
		cmocka_unit_test(X36_challenge_equal_to_our_own_is_refused),
		cmocka_unit_test(X07_client_ignores_what_only_a_client_says),
		cmocka_unit_test(results_without_a_request_are_ignored),
		cmocka_unit_test(
			P81_success_with_another_identifier_than_the_last_request_is_dropped),
		cmocka_unit_test(X39_success_before_the_server_has_proved_itself_is_refused),
		cmocka_unit_test(failure_is_believed_at_any_time),
		cmocka_unit_test(X42_wrong_or_no_proof_is_a_failure_that_is_not_confirmed),
		cmocka_unit_test(servers_refusal_is_confirmed_and_its_text_is_kept_escaped),
		cmocka_unit_test(notification_is_answered_at_any_time),
		cmocka_unit_test(other_methods_are_refused_by_nak_twice_and_then_for_good),
		cmocka_unit_test(failure_on_our_nak_has_a_reason_of_its_own),
		cmocka_unit_test(server_that_follows_our_nak_is_answered),
		cmocka_unit_test(client_that_has_begun_a_method_takes_no_other_and_says_no_name),
		cmocka_unit_test(client_does_not_wait_for_a_result_longer_than_30_s),
		cmocka_unit_test(password_that_is_not_utf8_fails_before_it_is_used),
		cmocka_unit_test(client_without_a_password_offers_no_method_that_needs_one),
		cmocka_unit_test(X09_conversation_is_freed_whatever_ends_it),
		cmocka_unit_test(no_memory_for_eap_ends_the_link_and_refuses_nobody),
	};

	return cmocka_run_group_tests_name("ppp/eap", tests, NULL, NULL);
}
