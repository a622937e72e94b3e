/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_PROBE_PROBE_H
#define TOOLS_PROBE_PROBE_H
/*
 * A server from the outside, layer by layer, as a Windows client goes through it: name, TCP, TLS, certificate, where
 * revoked certificates are told, HTTP, SSTP, LCP. A layer that cannot be opened ends it; a certificate that is bad does
 * not, so that all faults are found at once.
 */
#include <openssl/x509.h>
#include <stdint.h>

#include "certs/hostname.h"
#include "tools/probe/report.h"

struct probe_params {
	char host[HOSTNAME_MAX]; /* where to connect */
	uint16_t port;
	const char *name;  /* what the client dials, for SNI, Host and the certificate */
	X509_STORE *roots; /* borrowed */
};

/* Blocks, for no more than about a minute. */
void probe_run(const struct probe_params *params, struct report *ret_report);

#endif
