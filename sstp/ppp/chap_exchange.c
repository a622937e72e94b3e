/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/chap_exchange.h"

#include <errno.h>
#include <string.h>

enum {
	RESERVED_SIZE = 8,
};

int chap_decode_value(const struct ppp_packet *p, uint8_t value_size, struct chap_value *ret_value)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint8_t size = wire_u8(&r);
	const uint8_t *value = wire_bytes(&r, size);
	size_t left = wire_left(&r);

	if (!wire_ok(&r) || size != value_size)
		return -EBADMSG;
	*ret_value = (struct chap_value){value, wire_bytes(&r, left), left};
	return 0;
}

/* Either case; -1: not a hex digit. */
static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int chap_decode_proof(const struct ppp_packet *p, uint8_t ret_proof[MSCHAPV2_PROOF_SIZE])
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint8_t proof[MSCHAPV2_PROOF_SIZE];

	if ((wire_u8(&r) | 0x20) != 's' || wire_u8(&r) != '=')
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(proof); i++) {
		int high = hex_value(wire_u8(&r));
		int low = hex_value(wire_u8(&r));

		if (high < 0 || low < 0)
			return -EBADMSG;
		proof[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret_proof, proof, sizeof(proof));
	return 0;
}

static struct mschapv2_exchange exchange(const struct auth *a)
{
	struct mschapv2_exchange x = {.name = a->user, .name_len = a->user_len};

	memcpy(x.authenticator_challenge, a->challenge, sizeof(a->challenge));
	memcpy(x.peer_challenge, a->peer_challenge, sizeof(a->peer_challenge));
	return x;
}

/* our packets */

static void put_hex(struct wire_writer *w, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		wire_put_u8(w, (uint8_t)digits[bytes[i] >> 4]);
		wire_put_u8(w, (uint8_t)digits[bytes[i] & 15]);
	}
}

static void put_text(struct wire_writer *w, const char *text)
{
	wire_put(w, text, strlen(text));
}

static void put_challenge(const struct auth *a, struct wire_writer *w)
{
	wire_put_u8(w, MSCHAPV2_CHALLENGE_SIZE);
	wire_put(w, a->challenge, sizeof(a->challenge));
	wire_put(w, a->params.name, strnlen(a->params.name, LINK_NAME_MAX));
}

static void put_response(const struct auth *a, struct wire_writer *w)
{
	wire_put_u8(w, CHAP_RESPONSE_SIZE);
	wire_put(w, a->peer_challenge, sizeof(a->peer_challenge));
	wire_put_zero(w, RESERVED_SIZE);
	wire_put(w, a->nt_response, sizeof(a->nt_response));
	wire_put_u8(w, 0);
	wire_put(w, a->user, a->user_len);
}

static void put_success(const struct auth *a, struct wire_writer *w)
{
	put_text(w, "S=");
	put_hex(w, a->proof, sizeof(a->proof));
	put_text(w, " M=OK");
}

/* 691: wrong name or password. R=0: no second attempt on this connection. */
static void put_failure(const struct auth *a, struct wire_writer *w)
{
	put_text(w, "E=691 R=0 C=");
	put_hex(w, a->challenge, sizeof(a->challenge));
	put_text(w, " V=3 M=Bad");
}

void chap_put(const struct auth *a, enum chap_code code, struct wire_writer *w)
{
	switch (code) {
	case CHAP_CHALLENGE: put_challenge(a, w); break;
	case CHAP_RESPONSE: put_response(a, w); break;
	case CHAP_SUCCESS: put_success(a, w); break;
	case CHAP_FAILURE: put_failure(a, w); break;
	}
}

/* server */

void chap_new_challenge(struct auth *a)
{
	random_fill(a->params.random, a->challenge, sizeof(a->challenge));
}

/* The value of a Response without what carries no meaning: reserved bytes and flags. */
static void read_response(const struct chap_value *v,
			  uint8_t ret_challenge[MSCHAPV2_CHALLENGE_SIZE],
			  uint8_t ret_response[MSCHAPV2_RESPONSE_SIZE])
{
	struct wire_reader r = wire_reader(v->value, CHAP_RESPONSE_SIZE);

	memcpy(ret_challenge, wire_bytes(&r, MSCHAPV2_CHALLENGE_SIZE), MSCHAPV2_CHALLENGE_SIZE);
	wire_bytes(&r, RESERVED_SIZE);
	memcpy(ret_response, wire_bytes(&r, MSCHAPV2_RESPONSE_SIZE), MSCHAPV2_RESPONSE_SIZE);
}

static int decode_response(const struct auth *a, const struct ppp_packet *p,
			   struct chap_value *ret_value)
{
	if (p->code != CHAP_RESPONSE || p->id != a->id)
		return -EBADMSG;
	return chap_decode_value(p, CHAP_RESPONSE_SIZE, ret_value);
}

int chap_take_response(struct auth *a, const struct ppp_packet *p)
{
	struct chap_value v;

	if (decode_response(a, p, &v))
		return -EBADMSG;
	read_response(&v, a->peer_challenge, a->nt_response);
	if (auth_set_user(a, v.name, v.name_len))
		return 0;
	reason_set(&a->reason, "malformed user name", v.name, v.name_len);
	return -EPROTO;
}

bool chap_is_same_response(const struct auth *a, const struct ppp_packet *p)
{
	uint8_t challenge[MSCHAPV2_CHALLENGE_SIZE];
	uint8_t response[MSCHAPV2_RESPONSE_SIZE];
	struct chap_value v;

	if (decode_response(a, p, &v))
		return false;
	read_response(&v, challenge, response);
	return auth_is_user(a, v.name, v.name_len) &&
	       secret_equal_bytes(challenge, a->peer_challenge, sizeof(challenge)) &&
	       secret_equal_bytes(response, a->nt_response, sizeof(response));
}

bool chap_verify(struct auth *a, const uint8_t nt_hash[LINK_NT_HASH_SIZE])
{
	struct mschapv2_exchange x = exchange(a);
	uint8_t expected[MSCHAPV2_RESPONSE_SIZE];

	mschapv2_nt_response(&x, nt_hash, expected);
	mschapv2_proof(&x, nt_hash, a->nt_response, a->proof);
	mschapv2_hlak(nt_hash, a->nt_response, a->hlak);
	return secret_equal_bytes(expected, a->nt_response, sizeof(expected));
}

/* client */

static enum chap_verdict refuse(struct auth *a, const char *sentence)
{
	reason_set(&a->reason, sentence, NULL, 0);
	return CHAP_REFUSE;
}

static void make_response(struct auth *a, const struct chap_value *v)
{
	struct mschapv2_exchange x;

	memcpy(a->challenge, v->value, sizeof(a->challenge));
	random_fill(a->params.random, a->peer_challenge, sizeof(a->peer_challenge));
	x = exchange(a);
	mschapv2_nt_response(&x, a->nt_hash, a->nt_response);
	mschapv2_proof(&x, a->nt_hash, a->nt_response, a->proof);
}

/*
 * The same challenge again gets the same response; servers that repeat themselves use a fixed
 * identifier.
 */
static enum chap_verdict on_challenge(struct auth *a, const struct ppp_packet *p)
{
	struct chap_value v;
	bool repeated;

	if (chap_decode_value(p, MSCHAPV2_CHALLENGE_SIZE, &v))
		return CHAP_DROP;
	if (!a->has_hash)
		return refuse(a, "our password is not valid UTF-8");
	if (a->state == AUTH_SENT &&
	    secret_equal_bytes(v.value, a->peer_challenge, MSCHAPV2_CHALLENGE_SIZE))
		return refuse(a, "the server sent our own challenge back");
	repeated = a->state == AUTH_SENT && p->id == a->id &&
		   secret_equal_bytes(v.value, a->challenge, sizeof(a->challenge));
	if (++a->tries > AUTH_MAX_TRIES)
		return refuse(a, "the server challenges us again and again");
	if (!repeated)
		make_response(a, &v);
	a->id = p->id;
	/* and no timer: the server repeats its challenge, not we our response */
	a->state = AUTH_SENT;
	return CHAP_ANSWER;
}

static enum chap_verdict on_success(struct auth *a, const struct ppp_packet *p)
{
	uint8_t proof[MSCHAPV2_PROOF_SIZE];

	if (chap_decode_proof(p, proof) || !secret_equal_bytes(proof, a->proof, sizeof(proof)))
		return refuse(a, "the server does not know our password");
	mschapv2_hlak(a->nt_hash, a->nt_response, a->hlak);
	return CHAP_PROVEN;
}

static enum chap_verdict on_failure(struct auth *a, const struct ppp_packet *p)
{
	reason_set(&a->reason, "the server refuses our name or password", p->data, p->len);
	return CHAP_REFUSE;
}

enum chap_verdict chap_client_input(struct auth *a, const struct ppp_packet *p)
{
	bool expects_result = a->state == AUTH_SENT && p->id == a->id;

	if (p->code == CHAP_CHALLENGE && (a->state == AUTH_IDLE || a->state == AUTH_SENT))
		return on_challenge(a, p);
	if (p->code == CHAP_SUCCESS && expects_result)
		return on_success(a, p);
	if (p->code == CHAP_FAILURE && expects_result)
		return on_failure(a, p);
	return CHAP_DROP;
}
