/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/issue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#include "certs/calendar.h"
#include "certs/cert.h"
#include "certs/hostname.h"
#include "certs/key.h"
#include "certs/name.h"

/* What one certificate is to be. All borrowed. */
struct plan {
	const struct issuer *issuer;
	const char *common_name; /* NULL: the subject is empty */
	const EVP_PKEY *key;
	const uint8_t *serial;
	int64_t not_before;
	int64_t not_after;
	const char *constraints;
	const char *usage;
	const char *extended_usage;  /* NULL: none */
	GENERAL_NAMES *alternatives; /* NULL: none */
};

int issue_serial(uint8_t ret_serial[ISSUE_SERIAL_SIZE])
{
	if (RAND_bytes(ret_serial, ISSUE_SERIAL_SIZE) != 1)
		return -EIO;
	ret_serial[0] = (uint8_t)((ret_serial[0] & 0x7f) | 0x40);
	return 0;
}

static bool set_serial(X509 *cert, const uint8_t *serial)
{
	BIGNUM *number = BN_bin2bn(serial, ISSUE_SERIAL_SIZE, NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));

	BN_free(number);
	return ok;
}

static bool add_common_name(X509 *cert, const char *name)
{
	return !name || X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName,
						   MBSTRING_UTF8, (const unsigned char *)name, -1,
						   -1, 0) == 1;
}

/* value in the words of openssl.cnf; only ours come here, never a name from outside. */
static bool add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *extension = value ? X509V3_EXT_conf_nid(NULL, ctx, nid, value) : NULL;
	bool ok = !value || (extension && X509_add_ext(cert, extension, -1) == 1);

	X509_EXTENSION_free(extension);
	return ok;
}

static bool add_extensions(X509 *cert, const struct plan *plan)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, plan->issuer->cert ? plan->issuer->cert : cert, cert, NULL, NULL, 0);
	return add_extension(cert, &ctx, NID_basic_constraints, plan->constraints) &&
	       add_extension(cert, &ctx, NID_key_usage, plan->usage) &&
	       add_extension(cert, &ctx, NID_ext_key_usage, plan->extended_usage) &&
	       add_extension(cert, &ctx, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, &ctx, NID_authority_key_identifier, "keyid:always") &&
	       (!plan->alternatives ||
		/* critical where the subject is empty: RFC 5280 4.2.1.6 */
		X509_add1_ext_i2d(cert, NID_subject_alt_name, plan->alternatives,
				  !plan->common_name, 0) == 1);
}

static bool fill(X509 *cert, const struct plan *plan)
{
	X509 *issuer = plan->issuer->cert ? plan->issuer->cert : cert;

	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert, plan->serial) &&
	       ASN1_TIME_set(X509_getm_notBefore(cert), plan->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), plan->not_after) &&
	       add_common_name(cert, plan->common_name) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	       X509_set_pubkey(cert, (EVP_PKEY *)plan->key) == 1 && add_extensions(cert, plan) &&
	       X509_sign(cert, plan->issuer->key, EVP_sha256()) > 0;
}

/* It says itself what is wrong; when it does not, it had no memory. */
static int fail_by_libcrypto(struct certs_error *ret_error)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(code);
	bool is_memory = !why || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;

	return certs_fail(ret_error, is_memory ? -ENOMEM : -EIO,
			  "the certificate cannot be made: %s", is_memory ? "out of memory" : why);
}

static int make(const struct plan *plan, X509 **ret_cert, struct certs_error *ret_error)
{
	X509 *cert;
	bool ok;
	int err;

	ERR_set_mark();
	cert = X509_new();
	ok = cert && fill(cert, plan);
	err = ok ? 0 : fail_by_libcrypto(ret_error);
	ERR_pop_to_mark();
	if (!ok) {
		X509_free(cert);
		return err;
	}
	*ret_cert = cert;
	return 0;
}

int issue_root(const char *common_name, EVP_PKEY *key, const uint8_t serial[ISSUE_SERIAL_SIZE],
	       int64_t now, X509 **ret_cert, struct certs_error *ret_error)
{
	struct issuer self = {.key = key};
	int64_t from = now - ISSUE_BACKDATE_S;
	struct plan plan = {
		.issuer = &self,
		.common_name = common_name,
		.key = key,
		.serial = serial,
		.not_before = from,
		.not_after = calendar_add_months(from, ISSUE_ROOT_MONTHS),
		.constraints = "critical,CA:TRUE,pathlen:0",
		.usage = "critical,keyCertSign,cRLSign",
	};

	if (common_name[0] == '\0' || strlen(common_name) > ub_common_name)
		return certs_fail(ret_error, -EINVAL, "the name of a root has 1 to %d bytes",
				  ub_common_name);
	return make(&plan, ret_cert, ret_error);
}

static bool push(GENERAL_NAMES *names, GENERAL_NAME *name)
{
	if (name && sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

/* Takes value. */
static bool push_value(GENERAL_NAMES *names, int type, ASN1_STRING *value, const void *bytes,
		       size_t len)
{
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!name || !value || ASN1_STRING_set(value, bytes, (int)len) != 1) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, value);
	return push(names, name);
}

static bool push_host(GENERAL_NAMES *names, const char *host)
{
	uint8_t address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1)
		return push_value(names, GEN_IPADD, ASN1_OCTET_STRING_new(), address,
				  sizeof(struct in_addr));
	if (inet_pton(AF_INET6, host, address) == 1)
		return push_value(names, GEN_IPADD, ASN1_OCTET_STRING_new(), address,
				  sizeof(struct in6_addr));
	return push_value(names, GEN_DNS, ASN1_IA5STRING_new(), host, strlen(host));
}

static bool push_upn(GENERAL_NAMES *names, const char *text)
{
	ASN1_UTF8STRING *string = ASN1_UTF8STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_TYPE *value = ASN1_TYPE_new();

	if (!string || !name || !value || ASN1_STRING_set(string, text, -1) != 1)
		goto fail;
	ASN1_TYPE_set(value, V_ASN1_UTF8STRING, string);
	string = NULL;
	if (GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_ms_upn), value) != 1)
		goto fail;
	return push(names, name);
fail:
	ASN1_UTF8STRING_free(string);
	GENERAL_NAME_free(name);
	ASN1_TYPE_free(value);
	return false;
}

static int check_names(const char *const *names, size_t n, struct certs_error *ret_error)
{
	if (n < 1 || n > ISSUE_NAMES_MAX)
		return certs_fail(ret_error, -EINVAL,
				  "a gateway has 1 to %d names, and here are %zu", ISSUE_NAMES_MAX,
				  n);
	for (size_t i = 0; i < n; i++) {
		if (hostname_kind(names[i]) == HOSTNAME_INVALID)
			return certs_fail(ret_error, -EINVAL,
					  "'%s' is neither a DNS name nor an address", names[i]);
		for (size_t k = 0; k < i; k++) {
			if (hostname_equal(names[i], names[k]))
				return certs_fail(ret_error, -EINVAL, "'%s' stands twice",
						  names[i]);
		}
	}
	return 0;
}

static GENERAL_NAMES *host_names(const char *const *names, size_t n)
{
	GENERAL_NAMES *alternatives = sk_GENERAL_NAME_new_null();
	bool ok = alternatives;

	for (size_t i = 0; ok && i < n; i++)
		ok = push_host(alternatives, names[i]);
	if (ok)
		return alternatives;
	GENERAL_NAMES_free(alternatives);
	return NULL;
}

static const char *first_that_fits(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(names[i]) <= ub_common_name)
			return names[i];
	}
	return NULL;
}

/* The issuer is in force from `from` to `to`, or the sentence says which it is not. */
static int check_in_force(const struct issuer *issuer, int64_t from, int64_t to,
			  struct certs_error *ret_error)
{
	char text[CALENDAR_TEXT_MAX];
	int64_t not_before, not_after;

	if (cert_lifetime(issuer->cert, &not_before, &not_after) != 0)
		return certs_fail(ret_error, -EKEYEXPIRED, "the root's dates cannot be read");
	if (from < not_before)
		return certs_fail(ret_error, -EKEYEXPIRED, "the root is not in force before %s",
				  calendar_text(not_before, text));
	if (to > not_after)
		return certs_fail(ret_error, -EKEYEXPIRED,
				  "the root ends on %s, before the certificate would: make a new "
				  "root first",
				  calendar_text(not_after, text));
	return 0;
}

static void set_server_lifetime(struct plan *plan, int64_t now)
{
	int64_t not_before = now, not_after = now;

	cert_lifetime(plan->issuer->cert, &not_before, &not_after);
	plan->not_before = now - ISSUE_BACKDATE_S;
	if (plan->not_before < not_before)
		plan->not_before = not_before;
	plan->not_after = calendar_add_months(plan->not_before, ISSUE_SERVER_MONTHS);
	if (plan->not_after > not_after)
		plan->not_after = not_after;
}

int issue_server(const struct issuer *issuer, const char *const *names, size_t n_names,
		 const EVP_PKEY *key, const uint8_t serial[ISSUE_SERIAL_SIZE], int64_t now,
		 X509 **ret_cert, struct certs_error *ret_error)
{
	struct plan plan = {
		.issuer = issuer,
		.key = key,
		.serial = serial,
		.constraints = "critical,CA:FALSE",
		.usage = EVP_PKEY_is_a(key, "RSA") ? "critical,digitalSignature,keyEncipherment"
						   : "critical,digitalSignature",
		.extended_usage = "serverAuth",
	};
	int err = check_names(names, n_names, ret_error);

	if (!err)
		err = key_check(key, ret_error);
	if (!err)
		err = check_in_force(issuer, now, now, ret_error);
	if (err)
		return err;
	set_server_lifetime(&plan, now);
	plan.common_name = first_that_fits(names, n_names);
	plan.alternatives = host_names(names, n_names);
	err = plan.alternatives ? make(&plan, ret_cert, ret_error)
				: certs_fail(ret_error, -ENOMEM, "out of memory");
	GENERAL_NAMES_free(plan.alternatives);
	return err;
}

static GENERAL_NAMES *client_names(const char *name)
{
	GENERAL_NAMES *alternatives = sk_GENERAL_NAME_new_null();

	if (alternatives && push_upn(alternatives, name))
		return alternatives;
	GENERAL_NAMES_free(alternatives);
	return NULL;
}

int issue_client(const struct issuer *issuer, const char *name, const EVP_PKEY *key,
		 const uint8_t serial[ISSUE_SERIAL_SIZE], int64_t now, X509 **ret_cert,
		 struct certs_error *ret_error)
{
	struct plan plan = {
		.issuer = issuer,
		.common_name = name,
		.key = key,
		.serial = serial,
		.not_before = now,
		.not_after = calendar_add_months(now, ISSUE_CLIENT_MONTHS),
		.constraints = "critical,CA:FALSE",
		.usage = "critical,digitalSignature",
		.extended_usage = "clientAuth",
	};
	int err;

	if (!name_is_label(name))
		return certs_fail(ret_error, -EINVAL, "'%s' is no name for an app", name);
	err = key_check(key, ret_error);
	if (!err)
		err = check_in_force(issuer, plan.not_before, plan.not_after, ret_error);
	if (err)
		return err;
	plan.alternatives = client_names(name);
	err = plan.alternatives ? make(&plan, ret_cert, ret_error)
				: certs_fail(ret_error, -ENOMEM, "out of memory");
	GENERAL_NAMES_free(plan.alternatives);
	return err;
}
