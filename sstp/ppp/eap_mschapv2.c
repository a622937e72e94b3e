/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2): type 26, whose data are the packets of
 * MS-CHAPv2 (chap_exchange.h). Two more than there: the peer confirms the server's Success or
 * Failure by its bare code.
 *
 * The keys are those of MS-CHAPv2, and so is the HLAK.
 */
#include <errno.h>

#include "sstp/ppp/chap_exchange.h"
#include "sstp/ppp/eap.h"

enum {
	LENGTH_AT = 2, /* of the packet inside, behind its code and identifier */
};

/* What the server waits for. */
enum {
	STEP_RESPONSE,
	STEP_CONFIRM, /* of our Success */
	STEP_REFUSED, /* of our Failure */
};

static void put_packet(const struct auth *a, enum chap_code code, struct wire_writer *w)
{
	wire_put_u8(w, (uint8_t)code);
	wire_put_u8(w, a->id);
	wire_put_be16(w, 0);
	chap_put(a, code, w);
	wire_patch_be16(w, LENGTH_AT, (uint16_t)wire_len(w));
}

static bool begin(struct auth *a)
{
	if (a->params.server)
		chap_new_challenge(a);
	return true;
}

static void propose(struct auth *a, struct wire_writer *w)
{
	put_packet(a, CHAP_CHALLENGE, w);
}

/* server */

static enum eap_verdict refuse(struct auth *a, struct wire_writer *w)
{
	put_packet(a, CHAP_FAILURE, w);
	a->eap->step = STEP_REFUSED;
	return EAP_FAILED;
}

static enum eap_verdict on_response(struct auth *a, const struct ppp_packet *p,
				    struct wire_writer *w)
{
	switch (chap_take_response(a, p)) {
	case 0: return EAP_ASK;
	case -EBADMSG: return EAP_DROP;
	default: return refuse(a, w);
	}
}

/* Behind our Failure any answer will do. */
static enum eap_verdict on_confirm(struct auth *a, uint8_t code)
{
	if (a->eap->step == STEP_REFUSED)
		return EAP_FAILED;
	if (code == CHAP_SUCCESS)
		return EAP_DONE;
	if (code != CHAP_FAILURE)
		return EAP_DROP;
	reason_set(&a->reason, "the peer does not believe that we know its password", NULL, 0);
	return EAP_FAILED;
}

static enum eap_verdict on_user(struct auth *a, const struct link_user *user, struct wire_writer *w)
{
	bool proved = chap_verify(a, auth_hash_of(user));
	const char *why_not = auth_why_not(user, proved);

	if (why_not) {
		reason_set(&a->reason, why_not, NULL, 0);
		return refuse(a, w);
	}
	put_packet(a, CHAP_SUCCESS, w);
	a->eap->step = STEP_CONFIRM;
	return EAP_MORE;
}

/* client */

static enum eap_verdict client_input(struct auth *a, const struct ppp_packet *p,
				     struct wire_writer *w)
{
	switch (chap_client_input(a, p)) {
	case CHAP_DROP: return EAP_DROP;
	case CHAP_ANSWER: put_packet(a, CHAP_RESPONSE, w); return EAP_MORE;
	case CHAP_PROVEN: wire_put_u8(w, CHAP_SUCCESS); return EAP_DONE;
	case CHAP_REFUSE: break;
	}
	if (p->code == CHAP_FAILURE)
		wire_put_u8(w, CHAP_FAILURE);
	return EAP_FAILED;
}

/* A whole packet of MS-CHAPv2, or the bare code that confirms the server's last one. */
static enum eap_verdict input(struct auth *a, const uint8_t *data, size_t len,
			      struct wire_writer *w)
{
	struct wire_reader r = wire_reader(data, len);
	struct ppp_packet p;

	if (a->params.server && a->eap->step != STEP_RESPONSE)
		return on_confirm(a, wire_u8(&r));
	if (frame_decode_packet(&(struct ppp_frame){.info = data, .len = len}, &p))
		return EAP_DROP;
	return a->params.server ? on_response(a, &p, w) : client_input(a, &p, w);
}

static void end(struct auth *a)
{
}

const struct eap_method eap_mschapv2_method = {
	.type = EAP_TYPE_MSCHAPV2,
	.bit = LINK_AUTH_EAP_MSCHAPV2,
	.begin = begin,
	.propose = propose,
	.input = input,
	.on_user = on_user,
	.end = end,
};
