/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/pap.h"

#include <errno.h>

#include "sstp/ppp/nthash.h"

int pap_decode_request(const struct ppp_packet *p, struct pap_request *ret_request)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	struct pap_request request;

	request.name_len = wire_u8(&r);
	request.name = wire_bytes(&r, request.name_len);
	request.password_len = wire_u8(&r);
	request.password = wire_bytes(&r, request.password_len);
	if (!wire_ok(&r))
		return -EBADMSG;
	*ret_request = request;
	return 0;
}

static void send_request(const struct auth *a, struct outbox *out)
{
	const struct secret *password = a->params.password;
	struct wire_writer w = frame_begin(out, PPP_PAP, PAP_REQUEST, a->id);

	wire_put_u8(&w, (uint8_t)a->user_len);
	wire_put(&w, a->user, a->user_len);
	wire_put_u8(&w, (uint8_t)password->len);
	wire_put(&w, password->data, password->len);
	frame_end(out, &w);
}

/*
 * The byte for the length of the text is always there: some clients do not take an answer without
 * it.
 */
static void send_answer(const struct auth *a, struct outbox *out)
{
	uint8_t code = a->state == AUTH_ACCEPTED ? PAP_ACK : PAP_NAK;
	struct wire_writer w = frame_begin(out, PPP_PAP, code, a->id);

	wire_put_u8(&w, 0);
	frame_end(out, &w);
}

static unsigned start(struct auth *a, uint64_t now, struct outbox *out)
{
	if (a->params.server)
		return 0;
	if (a->user_len > UINT8_MAX || a->params.password->len > UINT8_MAX)
		return auth_refuse(a, "our name or password is too long for PAP", NULL, 0);
	send_request(a, out);
	auth_sent(a, now);
	return 0;
}

static bool hash_password(const struct pap_request *r, uint8_t ret_hash[LINK_NT_HASH_SIZE])
{
	memset(ret_hash, 0, LINK_NT_HASH_SIZE);
	return nt_hash((const char *)r->password, r->password_len, ret_hash) == 0;
}

static unsigned first_request(struct auth *a, uint64_t now, const struct pap_request *r,
			      struct outbox *out)
{
	unsigned result;

	a->has_hash = hash_password(r, a->nt_hash);
	if (auth_set_user(a, r->name, r->name_len))
		return auth_ask(a, now);
	result = auth_refuse(a, "malformed user name", r->name, r->name_len);
	send_answer(a, out);
	return result;
}

static bool is_same_request(const struct auth *a, const struct pap_request *r)
{
	uint8_t hash[LINK_NT_HASH_SIZE];
	bool same = hash_password(r, hash) == a->has_hash &&
		    secret_equal_bytes(hash, a->nt_hash, sizeof(hash)) &&
		    auth_is_user(a, r->name, r->name_len);

	secret_wipe_bytes(hash, sizeof(hash));
	return same;
}

/* A repeated request may have a new identifier; the answer carries that of the last one. */
static unsigned server_input(struct auth *a, uint64_t now, const struct ppp_packet *p,
			     struct outbox *out)
{
	struct pap_request r;

	if (p->code != PAP_REQUEST || pap_decode_request(p, &r))
		return 0;
	if (a->state == AUTH_IDLE) {
		a->id = p->id;
		return first_request(a, now, &r, out);
	}
	if (!is_same_request(a, &r))
		return 0;
	a->id = p->id;
	if (a->state != AUTH_LOOKUP)
		send_answer(a, out);
	return 0;
}

static unsigned client_input(struct auth *a, const struct ppp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	size_t len = wire_u8(&r);
	const uint8_t *text = wire_bytes(&r, len);

	if (a->state != AUTH_SENT || p->id != a->id)
		return 0;
	if (p->code == PAP_ACK)
		return auth_accept(a);
	if (p->code == PAP_NAK)
		return auth_refuse(a, "the server refuses our name or password", text,
				   text ? len : 0);
	return 0;
}

static unsigned input(struct auth *a, uint64_t now, const struct ppp_packet *p, struct outbox *out)
{
	return a->params.server ? server_input(a, now, p, out) : client_input(a, p);
}

/* The key that follows from PAP is 32 zero bytes: hlak as it was. */
static bool verify(struct auth *a, const uint8_t nt_hash[LINK_NT_HASH_SIZE])
{
	bool equal = secret_equal_bytes(a->nt_hash, nt_hash, LINK_NT_HASH_SIZE);

	return a->has_hash && equal;
}

const struct auth_method pap_method = {
	.bits = LINK_AUTH_PAP,
	.protocol = PPP_PAP,
	.start = start,
	.input = input,
	.on_user = auth_judge_password,
	.on_timer = auth_repeat,
	.verify = verify,
	.answer = send_answer,
	.resend = send_request,
};
