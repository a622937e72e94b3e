/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/certs/mint.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/support/certparts.h"
#include "test/support/cmocka.h"

enum {
	TEN_YEARS_S = 10 * 365 * 86400,
};

EVP_PKEY *mint_key(enum mint_key kind)
{
	EVP_PKEY *key = NULL;

	switch (kind) {
	case MINT_P256: key = EVP_EC_gen("P-256"); break;
	case MINT_P384: key = EVP_EC_gen("P-384"); break;
	case MINT_P521: key = EVP_EC_gen("P-521"); break;
	case MINT_SECP256K1: key = EVP_EC_gen("secp256k1"); break;
	case MINT_RSA_1024: key = EVP_RSA_gen(1024); break;
	case MINT_RSA_2048: key = EVP_RSA_gen(2048); break;
	case MINT_RSA_4096: key = EVP_RSA_gen(4096); break;
	case MINT_ED25519: key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); break;
	}
	certparts_must(key, "make a key");
	return key;
}

static void set_subject(X509 *cert, const struct mint *spec)
{
	int len = spec->cn_len ? (int)spec->cn_len : -1;

	if (spec->cn)
		certparts_must(X509_NAME_add_entry_by_NID(
				       X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
				       (const unsigned char *)spec->cn, len, -1, 0) == 1,
			       "set the subject");
}

struct minted mint(const struct mint *spec)
{
	int64_t from = spec->from ? spec->from : MINT_NOW - 3600;
	int64_t to = spec->to ? spec->to : from + TEN_YEARS_S;
	const EVP_MD *md = EVP_get_digestbyname(spec->md ? spec->md : "SHA256");
	struct minted m = {X509_new(), mint_key(spec->key)};
	struct minted issuer = spec->issuer ? *spec->issuer : m;

	certparts_must(m.cert && X509_set_version(m.cert, X509_VERSION_3) == 1,
		       "make a certificate");
	certparts_set_serial(m.cert);
	set_subject(m.cert, spec);
	certparts_must(ASN1_TIME_set(X509_getm_notBefore(m.cert), from) &&
			       ASN1_TIME_set(X509_getm_notAfter(m.cert), to) &&
			       X509_set_issuer_name(m.cert, X509_get_subject_name(issuer.cert)) ==
				       1 &&
			       X509_set_pubkey(m.cert, m.key) == 1,
		       "fill a certificate");
	certparts_add_extension(m.cert, issuer.cert, NID_basic_constraints, spec->constraints);
	certparts_add_extension(m.cert, issuer.cert, NID_key_usage, spec->usage);
	certparts_add_extension(m.cert, issuer.cert, NID_ext_key_usage, spec->eku);
	certparts_add_extension(m.cert, issuer.cert, NID_subject_key_identifier, "hash");
	certparts_add_extension(m.cert, issuer.cert, NID_authority_key_identifier, "keyid");
	certparts_add_extension(m.cert, issuer.cert, NID_subject_alt_name, spec->san);
	certparts_must(
		X509_sign(m.cert, issuer.key, EVP_PKEY_is_a(issuer.key, "ED25519") ? NULL : md) > 0,
		"sign");
	return m;
}

struct minted mint_root(const char *cn)
{
	struct mint spec = {.cn = cn,
			    .constraints = "critical,CA:TRUE",
			    .usage = "critical,keyCertSign,cRLSign"};

	return mint(&spec);
}

struct minted mint_client(const struct minted *issuer, const char *cn)
{
	struct mint spec = {.cn = cn, .eku = "clientAuth", .issuer = issuer};

	return mint(&spec);
}

void minted_done(struct minted *m)
{
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
}

char *mint_pem(const struct minted *m)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	certparts_must(bio && PEM_write_bio_X509(bio, m->cert) == 1, "write PEM");
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)len);
	certparts_must(pem, "allocate");
	BIO_free(bio);
	return pem;
}

int64_t mint_time(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = {.tm_year = year - 1900,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = minute,
			.tm_sec = second};

	return timegm(&tm);
}

static void assert_date(const ASN1_TIME *time, int64_t expected)
{
	ASN1_GENERALIZEDTIME *found = ASN1_TIME_to_generalizedtime(time, NULL);
	ASN1_GENERALIZEDTIME *wanted = ASN1_GENERALIZEDTIME_set(NULL, expected);

	assert_string_equal((const char *)ASN1_STRING_get0_data(found),
			    (const char *)ASN1_STRING_get0_data(wanted));
	ASN1_GENERALIZEDTIME_free(found);
	ASN1_GENERALIZEDTIME_free(wanted);
}

void mint_assert_dates(const X509 *cert, int64_t from, int64_t to)
{
	assert_date(X509_get0_notBefore(cert), from);
	assert_date(X509_get0_notAfter(cert), to);
}
