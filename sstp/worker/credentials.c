/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/credentials.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "certs/encoding.h"
#include "certs/name.h"

static bool has_certificate(const struct profile *p)
{
	return p->enrolment.cert_pem != NULL;
}

/*
 * A user is asked for by name, so he is whom the gateway is told. Were the certificate allowed beside him, it would be the
 * gateway's choice of methods that decides which of two identities, and of two addresses, the app gets.
 */
static bool is_by_certificate(const struct worker_config *config, const struct profile *p)
{
	return !config->user && has_certificate(p);
}

static int make_tls(const struct worker_config *config, const struct profile *p,
		    struct tls_ctx **ret_tls, char ret_error[TLS_ERROR_MAX])
{
	if (!config->ca && has_certificate(p))
		return tls_ctx_new_client_of(p->enrolment.roots_pem, ret_tls, ret_error);
	return tls_ctx_new_client(config->ca, ret_tls, ret_error);
}

static int make_eap_tls(const struct worker_config *config, const struct profile *p,
			struct eap_tls_ctx **ret_eap_tls, char ret_error[TLS_ERROR_MAX])
{
	const struct eap_tls_client params = {
		.identity = {.chain = p->enrolment.cert_pem, .key = p->enrolment.key_pem},
		.roots = p->enrolment.roots_pem,
		.server_name = config->gateway_host,
	};
	char error[EAP_TLS_REASON_MAX];
	int r = eap_tls_ctx_new_client(&params, ret_eap_tls, error);

	if (r < 0)
		snprintf(ret_error, TLS_ERROR_MAX, "%.*s", TLS_ERROR_MAX - 1, error);
	return r;
}

static int take_name(const struct profile *p, char ret_name[NAME_MAX_BYTES])
{
	struct stack_st_X509 *chain = NULL;
	const char *pem = p->enrolment.cert_pem;
	int r = encoding_chain_from_pem(pem, strlen(pem), &chain, NULL);

	if (r == 0)
		r = name_of_client(sk_X509_value(chain, 0), ret_name, NULL);
	sk_X509_pop_free(chain, X509_free);
	return r;
}

static unsigned allowed(const struct worker_config *config, const struct profile *p)
{
	if (is_by_certificate(config, p))
		return LINK_AUTH_EAP_TLS;
	return LINK_AUTH_MSCHAPV2 | (config->pap ? LINK_AUTH_PAP : 0u) |
	       (config->eap_mschapv2 ? LINK_AUTH_EAP_MSCHAPV2 : 0u);
}

int credentials_new(const struct worker_config *config, const struct profile *p,
		    struct credentials *ret_credentials, char ret_error[TLS_ERROR_MAX])
{
	struct credentials c = {.auth = allowed(config, p)};
	int r = make_tls(config, p, &c.tls, ret_error);

	if (r == 0 && is_by_certificate(config, p))
		r = make_eap_tls(config, p, &c.eap_tls, ret_error);
	if (r == 0 && config->user) {
		snprintf(c.name, sizeof(c.name), "%s", config->user);
	} else if (r == 0 && take_name(p, c.name) < 0) {
		snprintf(ret_error, TLS_ERROR_MAX, "the profile's certificate has no usable name");
		r = -EINVAL;
	}
	if (r < 0)
		credentials_done(&c);
	else
		*ret_credentials = c;
	return r;
}

void credentials_done(struct credentials *c)
{
	tls_ctx_unref(c->tls);
	eap_tls_ctx_unref(c->eap_tls);
	memset(c, 0, sizeof(*c));
}
