/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/chap.h"

#include <errno.h>

static void send_packet(const struct auth *a, enum chap_code code, struct outbox *out)
{
	struct wire_writer w = frame_begin(out, PPP_CHAP, code, a->id);

	chap_put(a, code, &w);
	frame_end(out, &w);
}

static void send_challenge(const struct auth *a, struct outbox *out)
{
	send_packet(a, CHAP_CHALLENGE, out);
}

static void send_answer(const struct auth *a, struct outbox *out)
{
	send_packet(a, a->state == AUTH_ACCEPTED ? CHAP_SUCCESS : CHAP_FAILURE, out);
}

static unsigned first_response(struct auth *a, uint64_t now, const struct ppp_packet *p,
			       struct outbox *out)
{
	unsigned result;

	switch (chap_take_response(a, p)) {
	case 0: return auth_ask(a, now);
	case -EBADMSG: return 0;
	}
	result = auth_refused(a);
	send_answer(a, out);
	return result;
}

static unsigned server_input(struct auth *a, uint64_t now, const struct ppp_packet *p,
			     struct outbox *out)
{
	if (a->state == AUTH_SENT)
		return first_response(a, now, p, out);
	if (a->state != AUTH_LOOKUP && chap_is_same_response(a, p))
		send_answer(a, out);
	return 0;
}

static unsigned client_input(struct auth *a, const struct ppp_packet *p, struct outbox *out)
{
	switch (chap_client_input(a, p)) {
	case CHAP_DROP: break;
	case CHAP_ANSWER: send_packet(a, CHAP_RESPONSE, out); break;
	case CHAP_PROVEN: return auth_accept(a);
	case CHAP_REFUSE: return auth_refused(a);
	}
	return 0;
}

static unsigned start(struct auth *a, uint64_t now, struct outbox *out)
{
	if (!a->params.server)
		return 0;
	chap_new_challenge(a);
	send_challenge(a, out);
	auth_sent(a, now);
	return 0;
}

static unsigned input(struct auth *a, uint64_t now, const struct ppp_packet *p, struct outbox *out)
{
	return a->params.server ? server_input(a, now, p, out) : client_input(a, p, out);
}

const struct auth_method chap_method = {
	.bits = LINK_AUTH_MSCHAPV2,
	.protocol = PPP_CHAP,
	.start = start,
	.input = input,
	.on_user = auth_judge_password,
	.on_timer = auth_repeat,
	.verify = chap_verify,
	.answer = send_answer,
	.resend = send_challenge,
};
