/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sstp/base/log.h"

_Static_assert((int)GATEWAY_ANY_VNET == (int)TLS_NO_TAG, "a certificate's VNet is its pair's tag");

/* By this name errors and warnings call it. */
static const char own_name[] = "the gateway's own certificate";

void certificates_warn(const struct gateway_config *config, const struct tls_ctx *tls)
{
	char text[TLS_ERROR_MAX];

	for (size_t i = 0; i < config->n_certificates; i++)
		if (tls_ctx_warning(tls, i, text))
			log_warning("%s: %s", config->certificates[i].certificate, text);
}

static int load_own(const struct control_certificate *own, struct tls_ctx **ret_tls,
		    char ret_error[TLS_ERROR_MAX])
{
	struct tls_pair pair = {
		.cert_file = own_name,
		.key_file = "its key",
		.cert_pem = own->chain_pem,
		.key_pem = own->key_pem,
		.tag = TLS_NO_TAG,
	};

	return tls_ctx_new_server_of(&pair, 1, ret_tls, ret_error);
}

static int load_files(const struct gateway_config *config, struct tls_ctx **ret_tls,
		      char ret_error[TLS_ERROR_MAX])
{
	struct tls_pair *pairs = calloc(config->n_certificates, sizeof(*pairs));
	int r;

	if (!pairs) {
		snprintf(ret_error, TLS_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < config->n_certificates; i++) {
		const struct gateway_certificate *c = &config->certificates[i];

		pairs[i] = (struct tls_pair){
			.cert_file = c->certificate, .key_file = c->key, .tag = c->vnet};
	}
	r = tls_ctx_new_server_of(pairs, config->n_certificates, ret_tls, ret_error);
	free(pairs);
	return r;
}

int certificates_load(const struct gateway_config *config, const struct control_certificate *own,
		      struct tls_ctx **ret_tls, char ret_error[TLS_ERROR_MAX])
{
	if (config->n_certificates)
		return load_files(config, ret_tls, ret_error);
	return load_own(own, ret_tls, ret_error);
}

const char **certificates_files(const struct gateway_config *config)
{
	const char **files = calloc(2 * config->n_certificates + 1, sizeof(*files));

	for (size_t i = 0; files && i < config->n_certificates; i++) {
		files[2 * i] = config->certificates[i].certificate;
		files[2 * i + 1] = config->certificates[i].key;
	}
	return files;
}
