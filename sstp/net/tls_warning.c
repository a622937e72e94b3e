/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that work here and fail at the client: said at the start, not found out from support calls. */
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

#include "sstp/net/tls_internal.h"
#include "sstp/net/tls_server.h"

enum {
	NEAR_END_DAYS = 30
};

static bool has_alternative_name(X509 *cert)
{
	return X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0;
}

const char *tls_ctx_warning(const struct tls_ctx *ctx, size_t pair, char buf[TLS_ERROR_MAX])
{
	X509 *cert = ctx->server ? tls_server_certificate(ctx->server, pair) : NULL;
	int days, seconds;

	if (!cert)
		return NULL;
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		snprintf(buf, TLS_ERROR_MAX,
			 "the certificate is not valid yet: clients will refuse it");
	else if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) || days < 0 ||
		 seconds < 0)
		snprintf(buf, TLS_ERROR_MAX, "the certificate has expired: clients will refuse it");
	else if (!has_alternative_name(cert))
		snprintf(buf, TLS_ERROR_MAX,
			 "the certificate has no subject alternative name: most clients will "
			 "refuse it");
	else if (days < NEAR_END_DAYS)
		snprintf(buf, TLS_ERROR_MAX, "the certificate expires in %d days", days);
	else
		return NULL;
	return buf;
}
