/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_CREDENTIALS_H
#define SSTP_WORKER_CREDENTIALS_H
/* What a session shows to the gateway, and what it believes of it. */
#include "sstp/net/tls.h"
#include "sstp/ppp/eap_tls.h"
#include "sstp/worker/config.h"

struct credentials {
	struct tls_ctx *tls;	     /* owned */
	struct eap_tls_ctx *eap_tls; /* owned; NULL: by user and password */
	/* the user, or whom the profile's certificate stands for: what EAP is told */
	char name[NAME_MAX_BYTES + 1];
	unsigned auth; /* enum link_auth bits */
};

/*
 * A user who is configured comes in by his password, and the profile's certificate is not shown; its roots count all the
 * same. From what is configured; p is its profile, or a renewed one. 0, or -errno with a sentence. */
int credentials_new(const struct worker_config *config, const struct profile *p,
		    struct credentials *ret_credentials, char ret_error[TLS_ERROR_MAX]);

/* Drops its references, and zeroes it. Takes a zeroed one. */
void credentials_done(struct credentials *c);

#endif
