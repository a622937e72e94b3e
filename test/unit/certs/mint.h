/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_CERTS_MINT_H
#define TEST_UNIT_CERTS_MINT_H
/*
 * Certificates that certs/ would never make, on a clock that the test names. Every failure in here
 * ends the test program.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2026-11-23T12:00:00Z: the present in these tests. */
#define MINT_NOW INT64_C(1795435200)

enum mint_key {
	MINT_P256,
	MINT_P384,
	MINT_P521,
	MINT_SECP256K1,
	MINT_RSA_1024,
	MINT_RSA_2048,
	MINT_RSA_4096,
	MINT_ED25519,
};

/* What is left out is usual: P-256, SHA-256, self-signed, from MINT_NOW - 1 h for 10 years. */
struct mint {
	const char *cn;
	size_t cn_len; /* 0: up to the NUL */
	/* the following as in openssl.cnf; NULL: no such extension */
	const char *constraints;
	const char *usage;
	const char *eku;
	const char *san;
	enum mint_key key;
	const char *md;
	int64_t from;
	int64_t to;
	const struct minted *issuer;
};

struct minted {
	X509 *cert;
	EVP_PKEY *key;
};

EVP_PKEY *mint_key(enum mint_key kind);
struct minted mint(const struct mint *spec);
/* A root and a client below issuer that trust_judge() accepts, by these names. */
struct minted mint_root(const char *cn);
struct minted mint_client(const struct minted *issuer, const char *cn);
void minted_done(struct minted *m);

/* Owned, NUL-terminated. */
char *mint_pem(const struct minted *m);

/* UTC, month 1..12. */
int64_t mint_time(int year, int month, int day, int hour, int minute, int second);

/* "YYYYMMDDHHMMSS" of a certificate's field, compared as text. */
void mint_assert_dates(const X509 *cert, int64_t from, int64_t to);

#endif
