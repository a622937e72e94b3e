/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/auth.h"

#include <string.h>

#include "sstp/ppp/chap.h"
#include "sstp/ppp/nthash.h"
#include "sstp/ppp/pap.h"

static const struct auth_method *const methods[] = {&chap_method, &pap_method};

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
	a->has_hash = nt_hash((const char *)params->password->data, params->password->len,
			      a->nt_hash) == 0;
}

void auth_done(struct auth *a)
{
	secret_wipe_bytes(a, sizeof(*a));
	a->deadline = CLOCK_NEVER;
}

unsigned auth_start(struct auth *a, unsigned method, uint64_t now, struct outbox *out)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i]->bit == method)
			a->method = methods[i];
	}
	a->state = AUTH_IDLE;
	a->tries = 0;
	a->id++;
	return a->method->start(a, now, out);
}

void auth_stop(struct auth *a)
{
	a->state = AUTH_IDLE;
	a->method = NULL;
	a->deadline = CLOCK_NEVER;
}

unsigned auth_input(struct auth *a, uint64_t now, uint16_t protocol, const struct ppp_packet *p,
		    struct outbox *out)
{
	if (!a->method || a->method->protocol != protocol)
		return 0;
	return a->method->input(a, now, p, out);
}

static unsigned decide(struct auth *a, const char *refused_because, struct outbox *out)
{
	unsigned result =
		refused_because ? auth_refuse(a, refused_because, NULL, 0) : auth_accept(a);

	a->method->answer(a, out);
	return result;
}

unsigned auth_on_user(struct auth *a, const uint8_t *nt_hash, struct outbox *out)
{
	static const uint8_t nobody[LINK_NT_HASH_SIZE];
	bool right;

	if (a->state != AUTH_LOOKUP)
		return 0;
	right = a->method->verify(a, nt_hash ? nt_hash : nobody);
	if (!nt_hash)
		return decide(a, "no such user", out);
	return decide(a, right ? NULL : "wrong password", out);
}

void auth_wipe_key(struct auth *a)
{
	secret_wipe_bytes(a->hlak, sizeof(a->hlak));
	/* the server compares a repeated PAP request with it */
	if (!a->params.server)
		secret_wipe_bytes(a->nt_hash, sizeof(a->nt_hash));
}

unsigned auth_on_timer(struct auth *a, uint64_t now, struct outbox *out)
{
	if (now < a->deadline)
		return 0;
	if (a->state == AUTH_LOOKUP) {
		decide(a, "the user directory did not answer", out);
		return AUTH_GAVE_UP;
	}
	if (a->tries == AUTH_MAX_TRIES) {
		auth_refuse(a, "the peer does not answer", NULL, 0);
		return AUTH_GAVE_UP;
	}
	a->method->resend(a, out);
	a->tries++;
	a->deadline = now + AUTH_RESEND_NS;
	return 0;
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
	a->state = AUTH_REFUSED;
	a->deadline = CLOCK_NEVER;
	secret_wipe_bytes(a->hlak, sizeof(a->hlak));
	reason_set(&a->reason, sentence, peer_text, len);
	return AUTH_FAILED;
}

void auth_sent(struct auth *a, uint64_t now)
{
	a->state = AUTH_SENT;
	a->tries = 1;
	a->deadline = now + AUTH_RESEND_NS;
}
