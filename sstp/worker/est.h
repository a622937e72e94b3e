/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_EST_H
#define SSTP_WORKER_EST_H
/*
 * One request of Enrolment over Secure Transport (RFC 7030) to a gateway, and a look at the
 * certificates that it shows. The wall around libcurl: HTTPS only, HTTP/1.1, no proxy, no redirect,
 * no cookie, nothing read from the environment or the system's roots.
 *
 * Every call blocks, at most EST_TIMEOUT_S: for a command line, or a thread of its own.
 */
#include <openssl/x509.h>
#include <stddef.h>

#include "certs/error.h"

enum {
	EST_TIMEOUT_S = 30,	 /* connecting, the handshake and the reply together */
	EST_REPLY_MAX = 1 << 20, /* bytes */
	EST_TYPE_MAX = 256,
};

struct est_peer {
	const char *gateway;   /* host[:port], as hostname_split() takes it */
	const char *roots_pem; /* what its certificate must lead to, and be for its name */
	const char *cert_pem;  /* our certificate, for TLS 1.3; NULL: none, TLS 1.2 will do */
	const char *key_pem;
};

struct est_request {
	const char *path;   /* behind /.well-known/est/ */
	const char *bearer; /* for Authorization: a secret; NULL: none */
	const char *accept; /* NULL: anything */
	const char *body;   /* base64 of a PKCS#10 request; NULL: GET */
};

/* Owned: est_reply_done(). */
struct est_reply {
	char type[EST_TYPE_MAX]; /* Content-Type; "": none */
	char *body;		 /* NUL-terminated */
	size_t len;
};

/*
 * 0 with a reply of status 200. With a sentence that says what to do:
 *   -EHOSTUNREACH  no connection: no such name, no answer, refused, cut
 *   -EKEYREJECTED  the gateway's certificate is not to be trusted, or not for this name
 *   -EACCES        the gateway refuses: 401, 403; its own words stand in the sentence
 *   -EAGAIN        later: 202, 429, 503
 *   -EPROTO        another status, a reply that is too long: no EST server
 *   -ENOMEM
 */
int est_call(const struct est_peer *peer, const struct est_request *request,
	     struct est_reply *ret_reply, struct certs_error *ret_error);

/* Takes NULL. */
void est_reply_done(struct est_reply *reply);

/*
 * The certificates that the gateway shows, its own first; nothing is verified, nothing asked. Owned
 * (sk_X509_pop_free). -EHOSTUNREACH, -EPROTO (no TLS there), -ENOMEM.
 */
int est_chain(const char *gateway, struct stack_st_X509 **ret_chain, struct certs_error *ret_error);

/* GET /cacerts without verifying who answers: for a root that is known by its fingerprint. */
int est_cacerts_of_stranger(const char *gateway, struct est_reply *ret_reply,
			    struct certs_error *ret_error);

#endif
