/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_TRUST_H
#define CERTS_TRUST_H
/*
 * The judge of client certificates: which roots count, which thumbprints are revoked. Immutable
 * once made, counted, and used by several threads at a time; a change makes a new one, and swaps.
 *
 * The first of these that is true is the reason: malformed; weak key; wrong root (which includes:
 * signature wrong, chain too long); no clientAuth; not yet valid or expired, of the certificate or
 * of one above it; revoked, the certificate or one between it and the root; unusable name.
 *
 * A thumbprint covers the signature too, and anyone can turn an ECDSA signature into another one
 * that is as good (twin.h). So both thumbprints of a certificate are looked up among the revoked
 * ones.
 */
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/cert.h"
#include "certs/error.h"
#include "certs/name.h"

enum {
	TRUST_ROOTS_MAX = 20,
	TRUST_REVOKED_MAX = 65536,
	TRUST_CHAIN_MAX = 8, /* certificates from the peer beside its own */
	TRUST_DEPTH_MAX = 3, /* of them between its own and the root */
	TRUST_SENTENCE_MAX = CERTS_ERROR_MAX,
	TRUST_FOOTING_MAX = 2 * (TRUST_DEPTH_MAX + 1),
	TRUST_DIGEST_SIZE = 20, /* bytes of a thumbprint that is no text */
};

enum trust_reason {
	TRUST_OK,
	TRUST_MALFORMED, /* also: none at all, a CA's certificate, more than TRUST_CHAIN_MAX */
	/* RSA below 2048 or above 8192 bits, EC below 224, another kind; signed by SHA-1 or MD5 */
	TRUST_WEAK_KEY,
	TRUST_WRONG_ROOT,
	/* without an extended key usage that names clientAuth; anyExtendedKeyUsage is not it */
	TRUST_NO_CLIENT_AUTH,
	TRUST_NOT_YET_VALID,
	TRUST_EXPIRED,
	TRUST_REVOKED,
	TRUST_UNUSABLE_NAME,
	TRUST_OUT_OF_MEMORY, /* nothing is said about the certificate */
	TRUST_REASON_COUNT,
};

/* Borrowed for trust_new(). */
struct trust_root {
	const char *name; /* name_is_label(), each another one */
	/* name_is_label(): the VNet of everybody below it; NULL or "": not bound to one */
	const char *vnet;
	/* one certificate, NUL-terminated: CA:TRUE, self-signed, a key that is not weak */
	const char *pem;
};

/* What a good verdict stands on: enough to judge again, and nothing to own, so that it may be kept as bytes. */
struct trust_footing {
	int64_t not_after; /* of the first in the chain to expire, the root included; s since 1970, UTC */
	char root[CERT_THUMBPRINT_MAX];
	char vnet[NAME_LABEL_MAX]; /* the root's; "" when it is not bound to one */
	uint32_t n;
	/* the thumbprints of the certificate and those between it and the root, and of their twins */
	uint8_t digests[TRUST_FOOTING_MAX][TRUST_DIGEST_SIZE];
};

struct trust_verdict {
	enum trust_reason reason;
	/* for the log: what is wrong, with names and dates; "" for TRUST_OK */
	char sentence[TRUST_SENTENCE_MAX];
	/* of the certificate, also of a refused one; "" when malformed */
	char thumbprint[CERT_THUMBPRINT_MAX];
	/* the rest only with TRUST_OK, else "" */
	char name[NAME_MAX_BYTES];
	char root[NAME_LABEL_MAX]; /* the root's name in trust_root */
	char vnet[NAME_LABEL_MAX]; /* the root's VNet; "" when it is not bound to one */
	struct trust_footing footing;
};

struct trust;

/*
 * 0 when cert can be a root: CA:TRUE, signed by itself, with a key that is not weak; its dates do
 * not count. Else -EINVAL with a sentence.
 */
int trust_check_root(const X509 *cert, struct certs_error *ret_error);

/*
 * 0 when cert can end a gateway's chain for somebody who has chosen it by its fingerprint
 * (anchors.h): any certificate with a key that is not weak. Else -EINVAL with a sentence.
 */
int trust_check_anchor(const X509 *cert, struct certs_error *ret_error);

/*
 * 0..TRUST_ROOTS_MAX roots (with none, everybody is refused), and thumbprints in any form that
 * cert_thumbprint_parse() takes. An expired root is taken; it refuses by itself. Returns 0 with an
 * owned trust; with a sentence -EINVAL (a name, a certificate that is no root, the same root or
 * name twice, a thumbprint), -E2BIG, -ENOMEM.
 */
int trust_new(const struct trust_root *roots, size_t n_roots, const char *const *revoked,
	      size_t n_revoked, struct trust **ret_trust, struct certs_error *ret_error);

/* Returns t with one more reference. Any thread. */
struct trust *trust_ref(struct trust *t);

/* Drops a reference; the last one frees. Takes NULL. Any thread. */
void trust_unref(struct trust *t);

/*
 * Judges leaf (NULL: the peer has none), with the other certificates that the peer sent (NULL or
 * any order; leaf may be among them). Borrows both; now in seconds since 1970, UTC. Fills all of
 * ret_verdict and returns its reason. Costs one or two signature checks: about 0.3 ms; allocates,
 * takes OpenSSL's locks: for handshakes, not for packets.
 */
enum trust_reason trust_judge(const struct trust *t, X509 *leaf, struct stack_st_X509 *chain,
			      int64_t now, struct trust_verdict *ret_verdict);

/*
 * Judges a certificate anew that t, or one before it, took once, for sessions that are up: TRUST_OK; TRUST_WRONG_ROOT: its
 * root is there no more, or bound to another VNet; TRUST_EXPIRED; TRUST_REVOKED. now as above. Costs a few searches.
 */
enum trust_reason trust_judge_again(const struct trust *t, const struct trust_footing *f,
				    int64_t now);

/* thumbprint as cert_thumbprint() prints it. */
bool trust_is_revoked(const struct trust *t, const char *thumbprint);

/* "wrong root", "expired", ...: a literal, for logs and counters. */
const char *trust_reason_text(enum trust_reason reason);

#endif
