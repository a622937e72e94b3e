/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/door.h"

#include <errno.h>
#include <openssl/ssl3.h>
#include <openssl/tls1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/net/tls.h"

/* The TLS alert that says most of it (RFC 8446 6.2). */
static uint8_t alert_for(enum trust_reason reason)
{
	switch (reason) {
	case TRUST_WRONG_ROOT: return TLS1_AD_UNKNOWN_CA;
	case TRUST_EXPIRED:
	case TRUST_NOT_YET_VALID: return SSL3_AD_CERTIFICATE_EXPIRED;
	case TRUST_REVOKED: return SSL3_AD_CERTIFICATE_REVOKED;
	case TRUST_NO_CLIENT_AUTH: return SSL3_AD_UNSUPPORTED_CERTIFICATE;
	case TRUST_OUT_OF_MEMORY: return TLS1_AD_INTERNAL_ERROR;
	case TRUST_UNUSABLE_NAME: return SSL3_AD_CERTIFICATE_UNKNOWN;
	default: return SSL3_AD_BAD_CERTIFICATE;
	}
}

static bool refuse(struct eap_tls_verdict *ret, uint8_t alert, const char *what, const char *why)
{
	ret->alert = alert;
	snprintf(ret->sentence, sizeof(ret->sentence), "%.30s%s%.180s", what, *why ? ": " : "",
		 why);
	return false;
}

_Static_assert(sizeof(struct trust_footing) <= LINK_MEMO_SIZE, "a verdict's footing is a memo");

static bool judge(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct eap_tls_verdict *ret)
{
	const struct door *d = arg;
	struct trust_verdict verdict;
	struct access_client client;
	enum trust_reason reason;

	if (!d->access) /* since the handshake began */
		return refuse(ret, SSL3_AD_CERTIFICATE_UNKNOWN, "nobody has a certificate here",
			      "");
	reason = trust_judge(access_trust(d->access), leaf, chain, time(NULL), &verdict);
	snprintf(ret->thumbprint, sizeof(ret->thumbprint), "%s", verdict.thumbprint);
	if (reason != TRUST_OK)
		return refuse(ret, alert_for(reason), trust_reason_text(reason), verdict.sentence);
	if (!access_find(d->access, &verdict, &client))
		return refuse(ret, SSL3_AD_CERTIFICATE_UNKNOWN, "name unknown", verdict.name);
	memcpy(ret->memo, &verdict.footing, sizeof(verdict.footing));
	if ((size_t)snprintf(ret->name, sizeof(ret->name), "%s@%s", client.app, client.vnet) <
	    sizeof(ret->name))
		return true;
	ret->name[0] = '\0';
	return refuse(ret, SSL3_AD_CERTIFICATE_UNKNOWN, "unusable name", "it is too long");
}

static int make_context(struct door *d, const struct tls_ctx *tls, size_t offer,
			struct eap_tls_ctx **ret_ctx, char ret_error[EAP_TLS_REASON_MAX])
{
	struct tls_shown shown[TLS_SHOWN_MAX];
	struct eap_tls_pair pairs[TLS_SHOWN_MAX];
	size_t n = tls_ctx_shown(tls, offer, shown);

	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct eap_tls_pair){shown[i].cert, shown[i].key, shown[i].chain};
	return eap_tls_ctx_new_server(
		&(struct eap_tls_server){
			.pairs = pairs,
			.n_pairs = n,
			.authorities = access_roots_pem(d->access),
			.judge = judge,
			.arg = d,
		},
		ret_ctx, ret_error);
}

/* Handshakes that run with one keep it. */
static void drop_contexts(struct door *d)
{
	size_t n = d->eap_tls ? tls_ctx_offers(d->tls) : 0;

	for (size_t i = 0; i < n; i++)
		eap_tls_ctx_unref(d->eap_tls[i]);
	free(d->eap_tls);
	tls_ctx_unref(d->tls);
	access_unref(d->shown);
	d->eap_tls = NULL;
	d->tls = NULL;
	d->shown = NULL;
}

/* NULL: nobody is let in. */
static void change_judgement(struct door *d, struct access *access)
{
	struct access *before = d->access;

	d->access = access ? access_ref(access) : NULL;
	access_unref(before);
}

void door_close(struct door *d)
{
	drop_contexts(d);
	change_judgement(d, NULL);
}

/* The contexts show the same as they would if they were made anew. */
static bool is_up_to_date(const struct door *d, const struct tls_ctx *tls)
{
	return d->eap_tls && d->tls == tls &&
	       strcmp(access_roots_pem(d->shown), access_roots_pem(d->access)) == 0;
}

int door_open(struct door *d, struct access *access, struct tls_ctx *tls,
	      char ret_error[EAP_TLS_REASON_MAX])
{
	struct eap_tls_ctx **contexts;
	int r = -ENOMEM;

	change_judgement(d, access);
	if (!access) {
		drop_contexts(d);
		return 0;
	}
	if (is_up_to_date(d, tls))
		return 0;
	contexts = calloc(tls_ctx_offers(tls) + 1, sizeof(*contexts));
	if (contexts)
		r = make_context(d, tls, 0, &contexts[0], ret_error);
	else
		snprintf(ret_error, EAP_TLS_REASON_MAX, "out of memory");
	if (r < 0) {
		free(contexts);
		return r;
	}
	drop_contexts(d);
	d->eap_tls = contexts;
	d->tls = tls_ctx_ref(tls);
	d->shown = access_ref(access);
	return 0;
}

struct eap_tls_ctx *door_eap_tls(struct door *d, const char *dialled)
{
	char error[EAP_TLS_REASON_MAX];
	size_t offer;

	if (!d->eap_tls)
		return NULL;
	offer = tls_ctx_offer_of(d->tls, dialled);
	if (d->eap_tls[offer] || make_context(d, d->tls, offer, &d->eap_tls[offer], error) == 0)
		return d->eap_tls[offer];
	return d->eap_tls[0];
}

bool door_vnet(const char *name, char ret_vnet[NAME_LABEL_MAX])
{
	const char *at = strrchr(name, '@');

	if (!at || strlen(at + 1) >= NAME_LABEL_MAX)
		return false;
	strcpy(ret_vnet, at + 1);
	return true;
}

static struct trust_footing footing_of(const uint8_t *memo)
{
	struct trust_footing f;

	memcpy(&f, memo, sizeof(f));
	return f;
}

bool door_app(const uint8_t *memo, const char *name, char ret_app[NAME_LABEL_MAX])
{
	const char *at = strrchr(name, '@');

	if (*footing_of(memo).vnet || !at || at - name >= NAME_LABEL_MAX)
		return false;
	snprintf(ret_app, NAME_LABEL_MAX, "%.*s", (int)(at - name), name);
	return true;
}

int64_t door_not_after(const uint8_t *memo)
{
	return footing_of(memo).not_after;
}

/* Those of ours are below a root that is bound to no VNet: they need a record. */
const char *door_judge_again(const struct door *d, const uint8_t *memo, const char *thumbprint,
			     int64_t now)
{
	struct trust_footing f = footing_of(memo);

	if (!d->access)
		return "nobody has a certificate here any more";
	switch (trust_judge_again(access_trust(d->access), &f, now)) {
	case TRUST_OK: break;
	case TRUST_EXPIRED: return "the client's certificate, or an issuer's, has expired";
	case TRUST_REVOKED: return "the client's certificate, or an issuer's, was revoked";
	default: return "the root of the client's certificate was dropped";
	}
	if (!*f.vnet && !access_knows(d->access, thumbprint))
		return "the client's certificate has no record any more";
	return NULL;
}
