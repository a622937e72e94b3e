/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP-TLS (eap_tls.h) as a method of EAP. The server takes the user from the client's certificate,
 * whatever the identity was: the directory only says whether there is one of that name.
 */
#include <stdio.h>

#include "sstp/ppp/eap.h"
#include "sstp/ppp/eap_tls.h"

static bool begin(struct auth *a)
{
	a->tls = (struct auth_tls){.thumbprint = ""};
	a->eap->own = eap_tls_new(a->params.eap_tls, eap_room(a));
	return a->eap->own;
}

static void end(struct auth *a)
{
	eap_tls_free(a->eap->own);
	a->eap->own = NULL;
}

static void propose(struct auth *a, struct wire_writer *w)
{
	size_t len;

	eap_tls_begin(a->eap->own, w->pos, (size_t)(w->end - w->pos), &len);
	wire_reserve(w, len);
}

static enum eap_verdict fail(struct auth *a)
{
	a->tls.refused_peer = eap_tls_has_refused_peer(a->eap->own);
	reason_set(&a->reason, eap_tls_reason(a->eap->own), NULL, 0);
	return EAP_FAILED;
}

/* The keys are there, and the server knows whose they are. */
static enum eap_verdict finish(struct auth *a)
{
	const struct eap_tls *t = a->eap->own;
	const char *name;

	memcpy(a->hlak, eap_tls_msk(t), LINK_HLAK_SIZE);
	if (!a->params.server)
		return EAP_DONE;
	eap_tls_hlak_pppd249(t, a->tls.hlak_compat);
	memcpy(a->tls.memo, eap_tls_memo(t), sizeof(a->tls.memo));
	a->tls.has_memo = true;
	name = eap_tls_client_name(t);
	auth_set_user(a, (const uint8_t *)name, strlen(name));
	return EAP_ASK;
}

static enum eap_verdict input(struct auth *a, const uint8_t *data, size_t len,
			      struct wire_writer *w)
{
	struct eap_tls *t = a->eap->own;
	enum eap_tls_result result;
	size_t written;

	result = eap_tls_input(t, data, len, w->pos, (size_t)(w->end - w->pos), &written);
	wire_reserve(w, written);
	snprintf(a->tls.thumbprint, sizeof(a->tls.thumbprint), "%s", eap_tls_thumbprint(t));
	if (result == EAP_TLS_DONE)
		return finish(a);
	/* there is more to say, but what it says is an alert */
	if (result == EAP_TLS_FAILED || *eap_tls_reason(t))
		return fail(a);
	return EAP_MORE;
}

static enum eap_verdict on_user(struct auth *a, const struct link_user *user, struct wire_writer *w)
{
	if (user)
		return EAP_DONE;
	reason_set(&a->reason, "there is no user of the certificate's name", a->user, a->user_len);
	return EAP_FAILED;
}

const struct eap_method eap_tls_method = {
	.type = EAP_TYPE_TLS,
	.bit = LINK_AUTH_EAP_TLS,
	.begin = begin,
	.propose = propose,
	.input = input,
	.on_user = on_user,
	.end = end,
};
