/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/api.h"

#include <errno.h>

#include "sstp/net/listen.h"
#include "sstp/net/tls.h"

static int open_tls(const struct gateway_api *config, struct tls_ctx **ret_tls,
		    struct certs_error *e)
{
	char error[TLS_ERROR_MAX];
	int r = tls_ctx_new_server(config->certificate, config->key, ret_tls, error);

	if (r == 0 && config->client_ca)
		r = tls_ctx_ask_clients(*ret_tls, config->client_ca, error);
	return r < 0 ? certs_fail(e, r, "api: %s", error) : 0;
}

int api_open(const struct gateway_config *config, struct tcp_front_settings *ret_settings,
	     struct certs_error *ret_error)
{
	struct tcp_front_settings settings = {0};
	int r;

	if (!config->api.listen) {
		*ret_settings = settings;
		return 0;
	}
	r = address_parse(config->api.listen, 0, &settings.address, &settings.address_len);
	if (r < 0)
		return certs_fail(ret_error, r, "api: '%s' is no address", config->api.listen);
	r = open_tls(&config->api, &settings.keys.tls, ret_error);
	if (r == 0 && config->api.token_file)
		r = bearer_load(config->api.token_file, &settings.keys.bearer, ret_error);
	if (r == 0)
		*ret_settings = settings;
	else
		tcp_front_settings_done(&settings);
	return r;
}
