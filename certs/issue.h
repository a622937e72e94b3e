/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_ISSUE_H
#define CERTS_ISSUE_H
/*
 * Making certificates. Three kinds, all version 3, signed by ECDSA with SHA-256 (by RSA with
 * SHA-256 where the issuer's key is one), with subject and authority key identifiers:
 *
 *   root    P-256 key, 20 calendar years. Critical basicConstraints CA:TRUE, pathlen:0; critical
 *           keyUsage keyCertSign, cRLSign.
 *   server  a P-256 key of its own, 2 calendar years, cut to the root's end. Critical
 *           basicConstraints CA:FALSE; critical keyUsage digitalSignature (and keyEncipherment for
 *           an RSA key); EKU serverAuth; SAN: its DNS names and addresses.
 *   client  the request's key, 8 calendar years to the second. Critical basicConstraints CA:FALSE;
 *           critical keyUsage digitalSignature; EKU clientAuth; SAN: otherName UPN = common name.
 *
 * Two years for a server's: the gateway renews it by itself, nobody has to touch a worker for it,
 * and Apple's clients refuse more than 825 days. A root and a server's certificate begin an hour
 * before `now`, because workers judge them by their own clocks; a client's begins at `now`: the
 * gateway that made it judges it, by the same clock.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"

enum {
	ISSUE_ROOT_MONTHS = 20 * 12,
	ISSUE_SERVER_MONTHS = 2 * 12,
	ISSUE_CLIENT_MONTHS = 8 * 12,
	ISSUE_BACKDATE_S = 3600,
	ISSUE_NAMES_MAX = 32,	/* of a server */
	ISSUE_SERIAL_SIZE = 20, /* bytes */
};

/* Borrowed for the calls below. */
struct issuer {
	X509 *cert;
	EVP_PKEY *key;
};

/*
 * A new serial: 158 random bits, positive, exactly 20 bytes. The caller sees to it that it was
 * never used before, which takes a list of those issued. 0, or -EIO.
 */
int issue_serial(uint8_t ret_serial[ISSUE_SERIAL_SIZE]);

/*
 * Self-signed; subject CN=common_name (1..64 bytes; each root of a gateway has another one, so that
 * a peer can tell them apart). key: its own. Returns 0 with an owned certificate; -EINVAL, -ENOMEM,
 * -EIO (libcrypto refuses, and the sentence says why), with a sentence; the latter two from all.
 */
int issue_root(const char *common_name, EVP_PKEY *key, const uint8_t serial[ISSUE_SERIAL_SIZE],
	       int64_t now, X509 **ret_cert, struct certs_error *ret_error);

/*
 * For a gateway that is dialled by these names, DNS names and addresses, 1..ISSUE_NAMES_MAX; the
 * first of them that fits is also the common name, which Windows shows. key: the server's,
 * key_check()ed here. -EINVAL: a name that is neither, the same name twice; -EKEYREJECTED;
 * -EKEYEXPIRED: the root is not in force at now.
 */
int issue_server(const struct issuer *issuer, const char *const *names, size_t n_names,
		 const EVP_PKEY *key, const uint8_t serial[ISSUE_SERIAL_SIZE], int64_t now,
		 X509 **ret_cert, struct certs_error *ret_error);

/*
 * For the app called `name` (name_is_label()), with the public key of its request, key_check()ed
 * here. -EINVAL; -EKEYREJECTED; -EKEYEXPIRED: the root does not outlive the certificate: rotate the
 * root first.
 */
int issue_client(const struct issuer *issuer, const char *name, const EVP_PKEY *key,
		 const uint8_t serial[ISSUE_SERIAL_SIZE], int64_t now, X509 **ret_cert,
		 struct certs_error *ret_error);

#endif
