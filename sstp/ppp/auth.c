/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/auth.h"

#include <string.h>

#include "sstp/ppp/chap.h"
#include "sstp/ppp/eap.h"
#include "sstp/ppp/nthash.h"
#include "sstp/ppp/pap.h"

static const struct auth_method *const rows[] = {&eap_method, &chap_method, &pap_method};

static void set_own_name(struct auth *a)
{
	a->user_len = (uint16_t)strnlen(a->params.name, LINK_NAME_MAX);
	memcpy(a->user, a->params.name, a->user_len);
}

void auth_init(struct auth *a, const struct auth_params *params)
{
	*a = (struct auth){.params = *params, .deadline = CLOCK_NEVER};
	if (params->server)
		return;
	set_own_name(a);
	a->has_hash = params->password && nt_hash((const char *)params->password->data,
						  params->password->len, a->nt_hash) == 0;
}

static void wipe_hlak(struct auth *a)
{
	secret_wipe_bytes(a->hlak, sizeof(a->hlak));
	if (a->agreed == LINK_AUTH_EAP_TLS)
		secret_wipe_bytes(a->tls.hlak_compat, sizeof(a->tls.hlak_compat));
}

void auth_leave(struct auth *a)
{
	eap_free(a);
	a->deadline = CLOCK_NEVER;
	if (a->state < AUTH_ACCEPTED) {
		a->state = AUTH_IDLE;
		wipe_hlak(a);
	}
}

void auth_done(struct auth *a)
{
	eap_free(a);
	secret_wipe_bytes(a, sizeof(*a));
	a->deadline = CLOCK_NEVER;
}

unsigned auth_start(struct auth *a, unsigned methods, uint16_t peer_mru, uint64_t now,
		    struct outbox *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i]->bits & methods)
			a->method = rows[i];
	}
	a->state = AUTH_IDLE;
	a->allowed = methods;
	a->agreed = methods & LINK_AUTH_EAP ? 0 : methods;
	a->peer_mru = peer_mru;
	a->tries = 0;
	a->id++;
	return a->method->start(a, now, out);
}

void auth_stop(struct auth *a)
{
	auth_leave(a);
	a->state = AUTH_IDLE;
	a->method = NULL;
	a->agreed = 0;
}

unsigned auth_input(struct auth *a, uint64_t now, uint16_t protocol, const struct ppp_packet *p,
		    struct outbox *out)
{
	if (!a->method || a->method->protocol != protocol)
		return 0;
	return a->method->input(a, now, p, out);
}

unsigned auth_on_user(struct auth *a, uint64_t now, const struct link_user *user,
		      struct outbox *out)
{
	return a->state == AUTH_LOOKUP ? a->method->on_user(a, now, user, out) : 0;
}

void auth_wipe_key(struct auth *a)
{
	wipe_hlak(a);
	/* the server compares a repeated PAP request with it */
	if (!a->params.server)
		secret_wipe_bytes(a->nt_hash, sizeof(a->nt_hash));
}

unsigned auth_on_timer(struct auth *a, uint64_t now, struct outbox *out)
{
	return now < a->deadline ? 0 : a->method->on_timer(a, now, out);
}

bool auth_set_user(struct auth *a, const uint8_t *name, size_t len)
{
	if (len > LINK_NAME_MAX || memchr(name, '\0', len))
		return false;
	memcpy(a->user, name, len);
	a->user[len] = '\0';
	a->user_len = (uint16_t)len;
	return true;
}

bool auth_is_user(const struct auth *a, const uint8_t *name, size_t len)
{
	return len == a->user_len && memcmp(name, a->user, len) == 0;
}

unsigned auth_ask(struct auth *a, uint64_t now)
{
	a->state = AUTH_LOOKUP;
	a->deadline = now + AUTH_LOOKUP_NS;
	return AUTH_ASK_USER;
}

unsigned auth_accept(struct auth *a)
{
	a->state = AUTH_ACCEPTED;
	a->deadline = CLOCK_NEVER;
	return AUTH_OK;
}

unsigned auth_refuse(struct auth *a, const char *sentence, const void *peer_text, size_t len)
{
	reason_set(&a->reason, sentence, peer_text, len);
	return auth_refused(a);
}

unsigned auth_refused(struct auth *a)
{
	a->state = AUTH_REFUSED;
	a->deadline = CLOCK_NEVER;
	wipe_hlak(a);
	return AUTH_FAILED | AUTH_OVER;
}

void auth_sent(struct auth *a, uint64_t now)
{
	a->state = AUTH_SENT;
	a->tries = 1;
	a->deadline = now + AUTH_RESEND_NS;
}

const char *auth_why_not(const struct link_user *user, bool proved)
{
	if (!user)
		return "no such user";
	if (!user->has_password)
		return "the user comes in by certificate only";
	return proved ? NULL : "wrong password";
}

const uint8_t *auth_hash_of(const struct link_user *user)
{
	static const uint8_t nobody[LINK_NT_HASH_SIZE];

	return user && user->has_password ? user->nt_hash : nobody;
}

static unsigned decide(struct auth *a, const char *refused_because, struct outbox *out)
{
	unsigned result =
		refused_because ? auth_refuse(a, refused_because, NULL, 0) : auth_accept(a);

	a->method->answer(a, out);
	return result;
}

unsigned auth_judge_password(struct auth *a, uint64_t now, const struct link_user *user,
			     struct outbox *out)
{
	bool proved = a->method->verify(a, auth_hash_of(user));

	return decide(a, auth_why_not(user, proved), out);
}

unsigned auth_repeat(struct auth *a, uint64_t now, struct outbox *out)
{
	if (a->state == AUTH_LOOKUP) {
		decide(a, "the user directory did not answer", out);
		return AUTH_OVER;
	}
	if (a->tries == AUTH_MAX_TRIES) {
		auth_refuse(a, "the peer does not answer", NULL, 0);
		return AUTH_OVER;
	}
	a->method->resend(a, out);
	a->tries++;
	a->deadline = now + AUTH_RESEND_NS;
	return 0;
}
