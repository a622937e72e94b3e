/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CERTIFICATES_H
#define SSTP_GATEWAY_CERTIFICATES_H
/* The certificates of a configuration: as a TLS context, and as files to watch. */
#include "sstp/gateway/config.h"
#include "sstp/gateway/control.h"
#include "sstp/gateway/pem_files.h"
#include "sstp/net/tls.h"

/*
 * Makes a context of what is in the files, as certificates_read() has read them; or when there are none takes own, the
 * one that the gateway's authority made. A pair's tag is the index of its VNet, or TLS_NO_TAG. 0 with an owned context,
 * or as tls_ctx_new_server_of().
 */
int certificates_load(const struct gateway_config *config, const struct pem_files *files,
		      const struct control_certificate *own, struct tls_ctx **ret_tls,
		      char ret_error[TLS_ERROR_MAX]);

/* Logs a warning for each of the configuration's own that is odd; tls: as loaded. */
void certificates_warn(const struct gateway_config *config, const struct tls_ctx *tls);

/*
 * The paths of certificates and keys, n_certificates times 2. Returns an owned array of borrowed texts; NULL without
 * memory.
 */
const char **certificates_files(const struct gateway_config *config);

/* What is in them. 0 with what is owned, or -ENOMEM. */
int certificates_read(const struct gateway_config *config, struct pem_files *ret_files);

#endif
