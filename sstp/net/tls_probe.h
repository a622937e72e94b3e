/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_TLS_PROBE_H
#define SSTP_NET_TLS_PROBE_H
/*
 * One TLS connection as a client of Windows opens it, to find out what the server is like: blocking, and verifying nothing,
 * since the certificate is what is to be judged. Never for anything that is secret.
 */
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

/* What the client offers. */
enum tls_probe_profile {
	TLS_PROBE_WINDOWS_11, /* TLS 1.2 and 1.3, with the suites that it has switched on */
	TLS_PROBE_WINDOWS_10, /* TLS 1.2 */
	TLS_PROBE_OLD,	      /* TLS 1.0 and 1.1, which both have switched off */
};

enum tls_probe_outcome {
	TLS_PROBE_OPEN,
	TLS_PROBE_NOTHING_COMMON, /* the server says that version or algorithms do not suit it */
	TLS_PROBE_NOT_TLS,	  /* what came is no TLS: plain HTTP, for one */
	TLS_PROBE_CLOSED,	  /* the server hung up */
	TLS_PROBE_TIMED_OUT,
	TLS_PROBE_FAILED, /* otherwise */
};

enum {
	TLS_PROBE_TEXT_MAX = 128
};

struct tls_probe;

/*
 * Opens TLS over fd, a connected socket, which it takes (also when it fails) and makes non-blocking. name: for SNI, NULL:
 * none, as with an address. until_ns: of CLOCK_MONOTONIC, for all that is done with it. Fills *ret_probe, owned, with TLS_PROBE_OPEN; else
 * ret_text says in OpenSSL's words what was wrong.
 */
enum tls_probe_outcome tls_probe_open(int fd, const char *name, enum tls_probe_profile profile,
				      int64_t until_ns, struct tls_probe **ret_probe,
				      char ret_text[TLS_PROBE_TEXT_MAX]);

/* Closes. Takes NULL. */
void tls_probe_free(struct tls_probe *p);

/* "TLSv1.3", and the suite's name; borrowed until it is freed. */
const char *tls_probe_version(const struct tls_probe *p);
const char *tls_probe_cipher(const struct tls_probe *p);

/* What the server sent, its own certificate first; borrowed until it is freed; NULL: none. */
STACK_OF(X509) * tls_probe_chain(const struct tls_probe *p);

/* All of it. 0; -ETIMEDOUT, -EPIPE. */
int tls_probe_write(struct tls_probe *p, const void *data, size_t len);

/* What there is, at least a byte: how many; 0: the server has closed; -ETIMEDOUT. */
int tls_probe_read(struct tls_probe *p, void *buf, size_t size);

#endif
