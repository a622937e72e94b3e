/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/verify.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "sstp/base/log.h"

enum {
	NAMES_MAX = 160, /* in a sentence; a certificate may hold many more */
};

bool verify_is_any_purpose(X509_STORE_CTX *ctx)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);

	return X509_STORE_CTX_get_error(ctx) == X509_V_ERR_INVALID_PURPOSE &&
	       X509_STORE_CTX_get_error_depth(ctx) == 0 &&
	       X509_get_extension_flags(cert) & EXFLAG_XKUSAGE &&
	       X509_get_extended_key_usage(cert) & XKU_ANYEKU &&
	       X509_get_key_usage(cert) &
		       (KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT);
}

/* What bio holds, escaped into dst: all of it came from the peer. Takes bio. */
static const char *escape_bio(BIO *bio, char *dst, size_t size)
{
	char *data = NULL;
	long len = bio ? BIO_get_mem_data(bio, &data) : 0;

	log_escape(dst, size, data, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
	return dst;
}

static const char *name_text(const X509_NAME *name, char *dst, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio)
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	return escape_bio(bio, dst, size);
}

static const char *time_text(const ASN1_TIME *when, char *dst, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio)
		ASN1_TIME_print(bio, when);
	return escape_bio(bio, dst, size);
}

static const char *subject_alt_names(const X509 *cert, char *dst, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	BIO *bio = BIO_new(BIO_s_mem());

	for (int i = 0; bio && i < sk_GENERAL_NAME_num(names); i++) {
		if (i)
			BIO_puts(bio, ", ");
		GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
	}
	GENERAL_NAMES_free(names);
	escape_bio(bio, dst, size);
	return *dst ? dst : "no name (it has no subject alternative name)";
}

static void explain_time(X509_STORE_CTX *ctx, const char *subject, char *text, size_t size)
{
	const X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	bool expired = X509_STORE_CTX_get_error(ctx) == X509_V_ERR_CERT_HAS_EXPIRED;
	char when[64];

	time_text(expired ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert), when,
		  sizeof(when));
	snprintf(text, size, "certificate %s %s: %s",
		 expired ? "has expired, it was valid until" : "is not yet valid, it begins on",
		 when, subject);
}

static void explain_issuer(X509_STORE_CTX *ctx, const char *subject, char *text, size_t size)
{
	const X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	char issuer[NAMES_MAX];

	name_text(X509_get_issuer_name(cert), issuer, sizeof(issuer));
	if (strcmp(subject, issuer) == 0)
		snprintf(text, size,
			 "certificate is not trusted: %s is self-signed and not a known root",
			 subject);
	else
		snprintf(text, size,
			 "certificate is not trusted: no known root issued %s (issuer %s)", subject,
			 issuer);
}

const char *verify_explain(X509_STORE_CTX *ctx, char *text, size_t size)
{
	const X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	char subject[NAMES_MAX] = "";
	char names[NAMES_MAX];

	if (cert)
		name_text(X509_get_subject_name(cert), subject, sizeof(subject));
	switch (cert ? error : X509_V_ERR_UNSPECIFIED) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID: explain_time(ctx, subject, text, size); break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		snprintf(text, size, "%s: certificate is for %s",
			 error == X509_V_ERR_HOSTNAME_MISMATCH ? "hostname mismatch"
							       : "IP address mismatch",
			 subject_alt_names(cert, names, sizeof(names)));
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: explain_issuer(ctx, subject, text, size); break;
	case X509_V_ERR_INVALID_PURPOSE:
		snprintf(text, size, "certificate is not for a server (no serverAuth): %s",
			 subject);
		break;
	default:
		snprintf(text, size, "certificate refused: %s: %s",
			 X509_verify_cert_error_string(error), subject);
	}
	return text;
}
