/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_ACCESS_H
#define SSTP_SESSION_ACCESS_H
/*
 * Who may come in by a certificate, as the control process told it last: immutable once made, shared
 * by all threads and counted, replaced as a whole by every change.
 */
#include <stdbool.h>

#include "certs/authority.h"

struct access;

/* Whom a certificate stands for. */
struct access_client {
	char app[NAME_MAX_BYTES];
	char vnet[NAME_LABEL_MAX];
};

/*
 * Takes e when it succeeds, and zeroes it. 0 with an owned access, one reference; or with a sentence
 * as trust_new().
 */
int access_new(struct authority_export *e, struct access **ret_access,
	       struct certs_error *ret_error);
/* Any thread. Returns a with one more reference. */
struct access *access_ref(struct access *a);
/* Any thread. Drops a reference; the last one frees. Takes NULL. */
void access_unref(struct access *a);

/* The judge of certificates; returns borrowed while a lives. */
const struct trust *access_trust(const struct access *a);

/*
 * Whom the certificate of a verdict stands for that this judge passed. One of ours is an app's: what
 * its record says counts, not what the certificate says. One below an external root is whom it
 * names, in that root's VNet. False: nobody, the certificate has no record (any more).
 */
bool access_find(const struct access *a, const struct trust_verdict *verdict,
		 struct access_client *ret_client);

/* Has one of ours this thumbprint, as cert_thumbprint() prints it? One that was dropped or has run out has no record. */
bool access_knows(const struct access *a, const char *thumbprint);

/*
 * What all certificates have in common that come from one by renewals (authority_export_client); returns borrowed while a
 * lives, NULL: not one of ours, or without a record.
 */
const char *access_lineage(const struct access *a, const char *thumbprint);

/*
 * Is it this certificate of ours, or was it renewed from it, directly or through others that are alive too? By
 * thumbprints; false: one of them has no record.
 */
bool access_comes_from(const struct access *a, const char *thumbprint, const char *older);

/* The roots, PEM one behind the other; returns borrowed while a lives. */
const char *access_roots_pem(const struct access *a);

#endif
