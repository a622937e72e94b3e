/* SPDX-License-Identifier: Apache-2.0 */
#include "test/support/testcert.h"

#include <ftw.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/certparts.h"

static EVP_PKEY *new_key(enum testcert_key kind)
{
	EVP_PKEY *key = NULL;

	switch (kind) {
	case TESTCERT_EC: key = EVP_EC_gen("P-256"); break;
	case TESTCERT_RSA: key = EVP_RSA_gen(2048); break;
	case TESTCERT_ED25519: key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); break;
	case TESTCERT_X25519: key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"); break;
	}
	certparts_must(key, "make a key");
	return key;
}

/* Ed25519 has its digest in itself. */
static const EVP_MD *digest_of(const EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}

static void set_validity(X509 *cert, const struct testcert_spec *spec)
{
	bool usual = spec->not_before_s == 0 && spec->not_after_s == 0;

	certparts_must(
		X509_gmtime_adj(X509_getm_notBefore(cert), usual ? -3600 : spec->not_before_s) &&
			X509_gmtime_adj(X509_getm_notAfter(cert),
					usual ? 86400 : spec->not_after_s),
		"set the validity");
}

static void set_subject(X509 *cert, const char *common_name)
{
	certparts_must(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
						  (const unsigned char *)common_name, -1, -1,
						  0) == 1,
		       "set the subject");
}

struct testcert *testcert_new(const struct testcert_spec *spec)
{
	struct testcert *c = calloc(1, sizeof(*c));
	const struct testcert *issuer = spec->issuer ? spec->issuer : c;

	certparts_must(c, "allocate");
	c->issuer = spec->issuer;
	c->key = new_key(spec->key);
	c->cert = X509_new();
	certparts_must(c->cert && X509_set_version(c->cert, X509_VERSION_3), "make a certificate");
	certparts_set_serial(c->cert);
	set_validity(c->cert, spec);
	set_subject(c->cert, spec->common_name ? spec->common_name : "test");
	certparts_must(X509_set_issuer_name(c->cert, X509_get_subject_name(issuer->cert)) == 1 &&
			       X509_set_pubkey(c->cert, c->key) == 1,
		       "set issuer and key");
	certparts_add_extension(c->cert, issuer->cert, NID_basic_constraints,
				spec->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	certparts_add_extension(c->cert, issuer->cert, NID_key_usage,
				spec->is_ca ? "critical,keyCertSign,cRLSign"
					    : "critical,digitalSignature,keyEncipherment");
	certparts_add_extension(c->cert, issuer->cert, NID_subject_key_identifier, "hash");
	certparts_add_extension(c->cert, issuer->cert, NID_authority_key_identifier, "keyid");
	certparts_add_extension(c->cert, issuer->cert, NID_ext_key_usage, spec->eku);
	certparts_add_extension(c->cert, issuer->cert, NID_subject_alt_name, spec->san);
	certparts_must(X509_sign(c->cert, issuer->key, digest_of(issuer->key)) > 0, "sign");
	return c;
}

void testcert_free(struct testcert *c)
{
	if (!c)
		return;
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
	free(c);
}

static char folder[] = "/tmp/testcert-XXXXXX";
static char *paths[256];
static size_t n_paths;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; i < n_paths; i++)
		free(paths[i]);
}

const char *testcert_path(const char *name)
{
	char *path;

	if (n_paths == 0) {
		certparts_must(mkdtemp(folder), "make a folder");
		atexit(remove_folder);
	}
	certparts_must(n_paths < sizeof(paths) / sizeof(paths[0]), "name so many files");
	certparts_must(asprintf(&path, "%s/%s", folder, name) > 0, "name a file");
	paths[n_paths++] = path;
	return path;
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "we");

	certparts_must(f, path);
	return f;
}

void testcert_write_cert(const struct testcert *c, const char *path)
{
	FILE *f = create(path);

	certparts_must(PEM_write_X509(f, c->cert) && fclose(f) == 0, path);
}

void testcert_write_chain(const struct testcert *c, const char *path)
{
	FILE *f = create(path);

	certparts_must(PEM_write_X509(f, c->cert), path);
	for (c = c->issuer; c && c->issuer; c = c->issuer)
		certparts_must(PEM_write_X509(f, c->cert), path);
	certparts_must(fclose(f) == 0, path);
}

void testcert_write_key(const struct testcert *c, const char *path)
{
	FILE *f = create(path);

	certparts_must(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL) && fclose(f) == 0,
		       path);
}

static BIO *new_text(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	certparts_must(bio, "allocate");
	return bio;
}

/* Takes bio. */
static char *text_of(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)len);

	certparts_must(text, "allocate");
	BIO_free(bio);
	return text;
}

STACK_OF(X509) * testcert_chain(const struct testcert *c)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	certparts_must(chain, "allocate");
	for (c = c->issuer; c && c->issuer; c = c->issuer)
		certparts_must(X509_up_ref(c->cert) && sk_X509_push(chain, c->cert),
			       "add an issuer");
	return chain;
}

char *testcert_chain_pem(const struct testcert *c)
{
	BIO *bio = new_text();

	certparts_must(PEM_write_bio_X509(bio, c->cert), "write a certificate");
	for (c = c->issuer; c && c->issuer; c = c->issuer)
		certparts_must(PEM_write_bio_X509(bio, c->cert), "write an issuer");
	return text_of(bio);
}

char *testcert_key_pem(const struct testcert *c)
{
	BIO *bio = new_text();

	certparts_must(PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL),
		       "write a key");
	return text_of(bio);
}

char *testcert_cert_pem(const struct testcert *c)
{
	BIO *bio = new_text();

	certparts_must(PEM_write_bio_X509(bio, c->cert), "write a certificate");
	return text_of(bio);
}
