/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's API over TCP. What the files say is judged when it is opened (api.c). */
#include <stdlib.h>

#include "sstp/base/conf_file.h"
#include "sstp/gateway/config_load.h"

static int load_file(struct load *l, const char *key, const char *file, const char *label,
		     char **ret_path)
{
	load_at(l, "api.%s", key);
	if (!file)
		return 0;
	if (label)
		return load_pem(l, file, label, ret_path);
	*ret_path = conf_file_resolve(l->path, file);
	return *ret_path ? 0 : load_no_memory(l);
}

int load_api(struct load *l)
{
	const struct gateway_raw_api *raw = l->raw->api;
	struct gateway_api *api = &l->config->api;
	int r;

	if (!raw)
		return 0;
	load_at(l, "api");
	if (!l->config->has_control)
		return load_fail(l, "is of no use without 'names' or 'state': nothing would answer "
				    "there");
	if (!raw->client_ca && !raw->token_file)
		return load_fail(l, "needs 'client_ca' or 'token_file': nobody could come in");
	load_at(l, "api.listen");
	r = load_check_endpoint(l, raw->listen);
	if (!r)
		r = load_text(l, raw->listen, &api->listen);
	if (!r)
		r = load_file(l, "certificate", raw->certificate, "CERTIFICATE", &api->certificate);
	if (!r)
		r = load_file(l, "key", raw->key, "PRIVATE KEY", &api->key);
	if (!r)
		r = load_file(l, "client_ca", raw->client_ca, "CERTIFICATE", &api->client_ca);
	return r ? r : load_file(l, "token_file", raw->token_file, NULL, &api->token_file);
}

void api_done(struct gateway_api *api)
{
	free(api->listen);
	free(api->certificate);
	free(api->key);
	free(api->client_ca);
	free(api->token_file);
}
