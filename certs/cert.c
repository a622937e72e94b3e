/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/cert.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certs/key.h"

enum {
	SHA1_SIZE = 20,
	SERIAL_SIZE_MAX = 20,
};

/* ret_text has room for 2 * len + 1. */
static void to_hex(const uint8_t *bytes, size_t len, char *ret_text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_text[2 * len] = '\0';
}

static int digest(const X509 *cert, const EVP_MD *md, uint8_t *ret_digest)
{
	int ok;

	ERR_set_mark();
	ok = X509_digest(cert, md, ret_digest, NULL);
	ERR_pop_to_mark();
	return ok == 1 ? 0 : -ENOMEM;
}

int cert_thumbprint(const X509 *cert, char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	uint8_t sha1[SHA1_SIZE];
	int err = digest(cert, EVP_sha1(), sha1);

	if (!err)
		to_hex(sha1, sizeof(sha1), ret_thumbprint);
	return err;
}

int cert_fingerprint(const X509 *cert, uint8_t ret_fingerprint[CERT_FINGERPRINT_SIZE])
{
	uint8_t sha256[CERT_FINGERPRINT_SIZE];
	int err = digest(cert, EVP_sha256(), sha256);

	if (!err)
		memcpy(ret_fingerprint, sha256, sizeof(sha256));
	return err;
}

const char *cert_fingerprint_text(const uint8_t fingerprint[CERT_FINGERPRINT_SIZE],
				  char ret_text[CERT_FINGERPRINT_MAX])
{
	to_hex(fingerprint, CERT_FINGERPRINT_SIZE, ret_text);
	return ret_text;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret_seconds)
{
	struct tm tm = {0};

	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret_seconds = timegm(&tm);
	return true;
}

int cert_lifetime(const X509 *cert, int64_t *ret_not_before, int64_t *ret_not_after)
{
	int64_t not_before, not_after;
	bool ok;

	ERR_set_mark();
	ok = read_time(X509_get0_notBefore(cert), &not_before) &&
	     read_time(X509_get0_notAfter(cert), &not_after);
	ERR_pop_to_mark();
	if (!ok)
		return -EBADMSG;
	*ret_not_before = not_before;
	*ret_not_after = not_after;
	return 0;
}

static bool serial_text(const X509 *cert, char ret_text[CERT_SERIAL_MAX])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	size_t len = (size_t)ASN1_STRING_length(serial);
	bool is_negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;

	if (len > SERIAL_SIZE_MAX)
		return false;
	ret_text[0] = '-';
	to_hex(ASN1_STRING_get0_data(serial), len, ret_text + is_negative);
	return true;
}

/* The separators of RFC 2253, but in the order of the certificate. */
static bool name_text(const X509_NAME *name, char ret_text[CERT_SUBJECT_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio && X509_NAME_print_ex(bio, name, 0,
					    ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC |
						    XN_FLAG_FN_SN) >= 0;
	char *data;
	long len;

	if (ok) {
		len = BIO_get_mem_data(bio, &data);
		snprintf(ret_text, CERT_SUBJECT_MAX, "%.*s", (int)len, len ? data : "");
	}
	BIO_free(bio);
	return ok;
}

static void describe_key(const X509 *cert, char ret_text[CERT_KEY_TEXT_MAX])
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key)
		key_text(key, ret_text, CERT_KEY_TEXT_MAX);
	else
		snprintf(ret_text, CERT_KEY_TEXT_MAX, "unknown");
}

static int fill(const X509 *cert, struct cert_facts *f, struct certs_error *ret_error)
{
	uint8_t fingerprint[CERT_FINGERPRINT_SIZE];

	if (!serial_text(cert, f->serial))
		return certs_fail(ret_error, -EBADMSG, "the serial number is longer than %d bytes",
				  SERIAL_SIZE_MAX);
	if (cert_lifetime(cert, &f->not_before, &f->not_after) != 0)
		return certs_fail(ret_error, -EBADMSG, "a date of the certificate is none");
	if (cert_thumbprint(cert, f->thumbprint) != 0 || cert_fingerprint(cert, fingerprint) != 0 ||
	    !name_text(X509_get_subject_name(cert), f->subject) ||
	    !name_text(X509_get_issuer_name(cert), f->issuer))
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	cert_fingerprint_text(fingerprint, f->fingerprint);
	describe_key(cert, f->key);
	f->is_ca = (X509_get_extension_flags((X509 *)cert) & EXFLAG_CA) != 0;
	return 0;
}

int cert_facts(const X509 *cert, struct cert_facts *ret_facts, struct certs_error *ret_error)
{
	struct cert_facts facts = {0};
	int err;

	ERR_set_mark();
	err = fill(cert, &facts, ret_error);
	ERR_pop_to_mark();
	if (!err)
		*ret_facts = facts;
	return err;
}

static const char *skip_mark(const char *text)
{
	static const char left_to_right_mark[] = "\xe2\x80\x8e";
	size_t len = sizeof(left_to_right_mark) - 1;

	return strncmp(text, left_to_right_mark, len) == 0 ? text + len : text;
}

/* Exactly n hex digits, in upper case, from what people paste; ret_digits gets a NUL. */
static bool collect_digits(const char *text, size_t n, char *ret_digits)
{
	size_t found = 0;

	for (text = skip_mark(text); *text; text++) {
		if (*text == ' ' || *text == '\t' || *text == ':')
			continue;
		if (!isxdigit((unsigned char)*text) || found == n)
			return false;
		ret_digits[found++] = (char)toupper((unsigned char)*text);
	}
	ret_digits[found] = '\0';
	return found == n;
}

int cert_thumbprint_parse(const char *text, char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	char digits[CERT_THUMBPRINT_MAX];

	if (!collect_digits(text, CERT_THUMBPRINT_MAX - 1, digits))
		return -EINVAL;
	memcpy(ret_thumbprint, digits, sizeof(digits));
	return 0;
}

static uint8_t digit_value(char digit)
{
	return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'A' + 10);
}

int cert_fingerprint_parse(const char *text, uint8_t ret_fingerprint[CERT_FINGERPRINT_SIZE])
{
	char digits[CERT_FINGERPRINT_MAX];

	if (!collect_digits(text, CERT_FINGERPRINT_MAX - 1, digits))
		return -EINVAL;
	for (size_t i = 0; i < CERT_FINGERPRINT_SIZE; i++)
		ret_fingerprint[i] =
			(uint8_t)(digit_value(digits[2 * i]) << 4 | digit_value(digits[2 * i + 1]));
	return 0;
}
