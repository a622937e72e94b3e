/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_TESTCERT_H
#define TEST_SUPPORT_TESTCERT_H
/*
 * Keys and certificates made while the test runs: nothing expires in the repository, and a test says itself what is
 * wrong with its certificate. Every failure in here ends the test program.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

enum testcert_key {
	TESTCERT_EC,  /* P-256 */
	TESTCERT_RSA, /* 2048 bits */
	TESTCERT_ED25519,
	TESTCERT_X25519, /* signs nothing: needs an issuer */
};

/* What is left out is usual: EC key, no name, self-signed, valid from an hour ago for a day. */
struct testcert_spec {
	const char *common_name; /* NULL: "test" */
	const char *san; /* as in openssl.cnf: "DNS:gateway.test,IP:127.0.0.1"; NULL: none */
	const char *eku; /* as in openssl.cnf: "serverAuth"; NULL: no extension */
	bool is_ca;
	enum testcert_key key;
	long not_before_s; /* relative to now; both 0: -3600 and 86400 */
	long not_after_s;
	const struct testcert *issuer; /* NULL: itself */
};

struct testcert {
	X509 *cert;
	EVP_PKEY *key;
	const struct testcert *issuer; /* borrowed; NULL: itself */
};

/* Returns owned. */
struct testcert *testcert_new(const struct testcert_spec *spec);

/* Takes NULL. */
void testcert_free(struct testcert *c);

/*
 * The path of file `name` in the test's own folder, which goes when the test program ends, with all
 * that is in it, and the string too.
 */
const char *testcert_path(const char *name);

/* Writes the certificate, and its issuers but the root, as PEM; or its key, without a passphrase. */
void testcert_write_chain(const struct testcert *c, const char *path);
void testcert_write_key(const struct testcert *c, const char *path);

/* Writes only the certificate itself: a root file. */
void testcert_write_cert(const struct testcert *c, const char *path);

/* Its issuers but the root. Returns owned; the certificates are counted. */
STACK_OF(X509) * testcert_chain(const struct testcert *c);

/* The same as text. Returns owned. */
char *testcert_chain_pem(const struct testcert *c);
char *testcert_key_pem(const struct testcert *c);
char *testcert_cert_pem(const struct testcert *c);

#endif
