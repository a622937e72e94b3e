/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* 0 when it was read. */
static int look_at(const char *path, const char *what, const struct pem_file *f,
		   char ret_error[TLS_ERROR_MAX])
{
	if (f->text)
		return 0;
	snprintf(ret_error, TLS_ERROR_MAX, "%s: cannot read the %s: %s", path, what,
		 strerror(-f->error));
	return f->error == -ENOENT || f->error == -EACCES ? f->error : -EINVAL;
}

static int load_listed(const struct gateway_config *config, const struct pem_files *files,
		       struct tls_pair *pairs, char ret_error[TLS_ERROR_MAX])
{
	int r = 0;

	for (size_t i = 0; i < config->n_certificates && r == 0; i++) {
		const struct gateway_certificate *c = &config->certificates[i];
		const struct pem_file *f = &files->files[2 * i];

		r = look_at(c->certificate, "certificate", &f[0], ret_error);
		if (r == 0)
			r = look_at(c->key, "private key", &f[1], ret_error);
		pairs[i] = (struct tls_pair){.cert_file = c->certificate,
					     .key_file = c->key,
					     .cert_pem = f[0].text,
					     .key_pem = f[1].text,
					     .tag = c->vnet};
	}
	return r;
}

static int load_files(const struct gateway_config *config, const struct pem_files *files,
		      struct tls_ctx **ret_tls, char ret_error[TLS_ERROR_MAX])
{
	struct tls_pair *pairs = calloc(config->n_certificates, sizeof(*pairs));
	int r;

	snprintf(ret_error, TLS_ERROR_MAX, "out of memory");
	if (!pairs)
		return -ENOMEM;
	snprintf(ret_error, TLS_ERROR_MAX, "the certificates are not those of the configuration");
	r = files->n == 2 * config->n_certificates ? 0 : -EINVAL;
	if (r == 0)
		r = load_listed(config, files, pairs, ret_error);
	if (r == 0)
		r = tls_ctx_new_server_of(pairs, config->n_certificates, ret_tls, ret_error);
	free(pairs);
	return r;
}

int certificates_load(const struct gateway_config *config, const struct pem_files *files,
		      const struct control_certificate *own, struct tls_ctx **ret_tls,
		      char ret_error[TLS_ERROR_MAX])
{
	if (config->n_certificates)
		return load_files(config, files, ret_tls, ret_error);
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

int certificates_read(const struct gateway_config *config, struct pem_files *ret_files)
{
	const char **paths = certificates_files(config);
	int r = paths ? pem_files_read(paths, 2 * config->n_certificates, ret_files) : -ENOMEM;

	free(paths);
	return r;
}
