/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/windows.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certs/calendar.h"
#include "certs/cert.h"
#include "certs/hostname.h"
#include "certs/key.h"

enum {
	RSA_BITS_REFUSED_BELOW = 1024,
	RSA_BITS_GOOD = 2048,
	NAMES_TEXT_MAX = 256,
	RAS_NUMBER_MAX = 10000,
};

static const char *const check_names[WINDOWS_CHECKS] = {
	[WINDOWS_CHAIN] = "chain", [WINDOWS_TIME] = "time", [WINDOWS_NAME] = "name",
	[WINDOWS_USAGE] = "usage", [WINDOWS_KEY] = "key",   [WINDOWS_REVOCATION] = "revocation",
};

static const struct {
	uint32_t code;
	const char *text;
} codes[] = {
	{WINDOWS_E_EXPIRED, "A required certificate is not within its validity period"},
	{WINDOWS_E_UNTRUSTED_ROOT,
	 "The certificate chain ends in a root that the client does not trust"},
	{WINDOWS_E_CHAINING, "No certificate chain to a trusted root can be built"},
	{WINDOWS_E_NAME, "The certificate's CN name does not match the passed value"},
	{WINDOWS_E_USAGE, "The certificate is not valid for the requested usage"},
	{WINDOWS_E_SIGNATURE, "The signature of the certificate cannot be verified"},
	{WINDOWS_E_REVOKED, "The certificate is revoked"},
	{WINDOWS_E_NO_REVOCATION_CHECK, "The revocation function was unable to check revocation"},
	{WINDOWS_E_REVOCATION_OFFLINE, "The revocation function was unable to check revocation "
				       "because the revocation server was offline"},
	{WINDOWS_E_TLS_TOKEN, "The token supplied to the function is invalid"},
	{WINDOWS_E_TLS_MESSAGE, "The message received was unexpected or badly formatted"},
	{WINDOWS_E_TLS_ALGORITHM, "Client and server do not possess a common algorithm"},
	{WINDOWS_E_RESET, "An existing connection was forcibly closed by the remote host"},
	{WINDOWS_E_TIMEOUT, "A connection attempt failed because the other party did not respond"},
	{WINDOWS_E_REFUSED, "The target machine actively refused the connection"},
	{WINDOWS_E_UNREACHABLE, "A socket operation was attempted to an unreachable host"},
	{WINDOWS_E_ABORTED, "The network connection was aborted by the local system"},
	{WINDOWS_RAS_NO_NAME, "The name of the remote access server did not resolve"},
	{WINDOWS_RAS_PPP, "The PPP link control protocol was terminated"},
	{WINDOWS_RAS_PROTOCOL,
	 "The server's authentication protocol does not match the settings of the connection"},
};

const char *windows_code_text(uint32_t code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].text;
	return "";
}

const char *windows_code_name(uint32_t code, char ret_text[16])
{
	snprintf(ret_text, 16, code < RAS_NUMBER_MAX ? "%u" : "0x%08X", code);
	return ret_text;
}

const char *windows_check_name(enum windows_check check)
{
	return check_names[check];
}

__attribute__((format(printf, 5, 6))) static void find(struct windows_finding *f,
						       enum windows_verdict verdict, uint32_t code,
						       const char *advice, const char *fmt, ...)
{
	va_list ap;

	f->verdict = verdict;
	f->code = code;
	f->advice = advice;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static const char *subject_of(const X509 *cert, char text[CERT_SUBJECT_MAX])
{
	struct cert_facts facts;

	snprintf(text, CERT_SUBJECT_MAX, "%s",
		 cert_facts(cert, &facts, NULL) == 0 ? facts.subject : "(unreadable)");
	return text;
}

static const char *issuer_of(const X509 *cert, char text[CERT_SUBJECT_MAX])
{
	struct cert_facts facts;

	snprintf(text, CERT_SUBJECT_MAX, "%s",
		 cert_facts(cert, &facts, NULL) == 0 ? facts.issuer : "(unreadable)");
	return text;
}

/* ---- chain ---- */

static bool is_self_signed(X509 *cert)
{
	return X509_self_signed(cert, 0) == 1;
}

static void judge_chain_error(int error, X509 *at, struct windows_finding *f)
{
	char name[CERT_SUBJECT_MAX];

	switch (error) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		find(f, WINDOWS_BAD, WINDOWS_E_UNTRUSTED_ROOT,
		     "install that certificate on the client, in the local computer's \"Trusted "
		     "Root "
		     "Certification Authorities\" (not the user's), or use one of a public "
		     "authority",
		     "ends in %.300s, which is not among the trusted roots here",
		     subject_of(at, name));
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		find(f, WINDOWS_BAD, WINDOWS_E_CHAINING,
		     "send the intermediate certificates from the server; where the issuer is a "
		     "private root, "
		     "install it in the client's local computer store",
		     "the issuer %.300s is neither sent nor among the trusted roots here",
		     issuer_of(at, name));
		break;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		find(f, WINDOWS_BAD, WINDOWS_E_SIGNATURE, "issue it anew",
		     "the signature of %.300s is wrong", subject_of(at, name));
		break;
	default:
		find(f, WINDOWS_BAD, WINDOWS_E_CHAINING, "correct the chain that the server sends",
		     "%.300s: %s", subject_of(at, name), X509_verify_cert_error_string(error));
	}
}

/* Times and usage are judged apart. */
static void judge_chain(const struct windows_facts *facts, struct windows_finding *f)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(facts->chain, 0), *at;
	char name[CERT_SUBJECT_MAX];

	if (!ctx || X509_STORE_CTX_init(ctx, facts->roots, leaf, facts->chain) != 1) {
		find(f, WINDOWS_NOTE, 0, NULL, "not judged: out of memory");
	} else {
		X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx),
					    X509_V_FLAG_NO_CHECK_TIME);
		X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx), 0);
		if (X509_verify_cert(ctx) == 1) {
			STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(ctx);

			find(f, WINDOWS_GOOD, 0, NULL, "ends in the trusted root %.300s",
			     subject_of(sk_X509_value(built, sk_X509_num(built) - 1), name));
		} else {
			at = X509_STORE_CTX_get_current_cert(ctx);
			judge_chain_error(X509_STORE_CTX_get_error(ctx), at ? at : leaf, f);
		}
	}
	X509_STORE_CTX_free(ctx);
}

/* ---- time ---- */

/* False: f says why. */
static bool is_in_time(X509 *cert, int64_t now, struct windows_finding *f)
{
	char name[CERT_SUBJECT_MAX], when[CALENDAR_TEXT_MAX];
	int64_t from, until;

	if (cert_lifetime(cert, &from, &until) < 0)
		find(f, WINDOWS_BAD, WINDOWS_E_EXPIRED, "issue it anew",
		     "%.300s has dates that cannot be read", subject_of(cert, name));
	else if (now < from)
		find(f, WINDOWS_BAD, WINDOWS_E_EXPIRED,
		     "correct the clock of the one that issued it, or of this machine, or wait",
		     "%.300s is valid from %s on only", subject_of(cert, name),
		     calendar_text(from, when));
	else if (now > until)
		find(f, WINDOWS_BAD, WINDOWS_E_EXPIRED, "renew it and load it into the server",
		     "%.300s expired at %s", subject_of(cert, name), calendar_text(until, when));
	else
		return true;
	return false;
}

static void judge_time(const struct windows_facts *facts, struct windows_finding *f)
{
	char when[CALENDAR_TEXT_MAX];
	int64_t from, until;

	for (int i = 0; i < sk_X509_num(facts->chain); i++)
		if (!is_in_time(sk_X509_value(facts->chain, i), facts->now, f))
			return;
	cert_lifetime(sk_X509_value(facts->chain, 0), &from, &until);
	find(f, WINDOWS_GOOD, 0, NULL, "valid until %s", calendar_text(until, when));
}

/* ---- name ---- */

static void append(char *text, size_t size, const char *word, size_t len)
{
	size_t used = strlen(text);

	if (used + len + 3 >= size)
		return;
	if (used)
		used += (size_t)sprintf(text + used, ", ");
	for (size_t i = 0; i < len; i++)
		text[used + i] = (char)(word[i] > ' ' && word[i] < 0x7f ? word[i] : '?');
	text[used + len] = '\0';
}

static void append_address(char *text, size_t size, const ASN1_OCTET_STRING *raw)
{
	int len = ASN1_STRING_length(raw);
	char address[INET6_ADDRSTRLEN];

	if ((len == 4 || len == 16) &&
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(raw), address,
		      sizeof(address)))
		append(text, size, address, strlen(address));
}

/* What subjectAltName has; false: no name and no address. */
static bool list_names(const X509 *cert, char text[NAMES_TEXT_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	text[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			append(text, NAMES_TEXT_MAX,
			       (const char *)ASN1_STRING_get0_data(n->d.dNSName),
			       (size_t)ASN1_STRING_length(n->d.dNSName));
		else if (n->type == GEN_IPADD)
			append_address(text, NAMES_TEXT_MAX, n->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
	return text[0] != '\0';
}

static bool is_named(X509 *cert, const char *name)
{
	if (hostname_kind(name) != HOSTNAME_DNS && X509_check_ip_asc(cert, name, 0) == 1)
		return true;
	return X509_check_host(cert, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

static void judge_name(const struct windows_facts *facts, struct windows_finding *f)
{
	X509 *leaf = sk_X509_value(facts->chain, 0);
	char names[NAMES_TEXT_MAX], subject[CERT_SUBJECT_MAX];
	bool has_names = list_names(leaf, names);

	if (!is_named(leaf, facts->name))
		find(f, WINDOWS_BAD, WINDOWS_E_NAME,
		     "dial a name that the certificate has, or issue one with this name in its "
		     "subjectAltName",
		     "is for %.300s, not for %.150s", has_names ? names : subject_of(leaf, subject),
		     facts->name);
	else if (!has_names)
		find(f, WINDOWS_NOTE, 0, "put the name into subjectAltName as well",
		     "%.150s stands in the common name only: other clients want it in "
		     "subjectAltName",
		     facts->name);
	else
		find(f, WINDOWS_GOOD, 0, NULL, "%.150s is in subjectAltName", facts->name);
}

/* ---- usage ---- */

static void judge_usage(const struct windows_facts *facts, struct windows_finding *f)
{
	X509 *leaf = sk_X509_value(facts->chain, 0);
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	bool is_for_servers = false;

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i));

		is_for_servers |= nid == NID_server_auth || nid == NID_anyExtendedKeyUsage;
	}
	if (!usages)
		find(f, WINDOWS_NOTE, 0,
		     "issue it with extendedKeyUsage serverAuth, which MS-SSTP 3.2.4.1 asks for",
		     "names no extended key usage, which Windows takes for every usage");
	else if (is_for_servers)
		find(f, WINDOWS_GOOD, 0, NULL, "is for server authentication");
	else
		find(f, WINDOWS_BAD, WINDOWS_E_USAGE,
		     "issue it with extendedKeyUsage serverAuth (1.3.6.1.5.5.7.3.1)",
		     "has extended key usages, and none is server authentication");
	EXTENDED_KEY_USAGE_free(usages);
}

/* ---- key ---- */

static bool is_weak_digest(const X509 *cert)
{
	int digest = NID_undef;

	X509_get_signature_info((X509 *)cert, &digest, NULL, NULL, NULL);
	return digest == NID_sha1 || digest == NID_md5;
}

static void judge_key(const struct windows_facts *facts, struct windows_finding *f)
{
	X509 *leaf = sk_X509_value(facts->chain, 0);
	const EVP_PKEY *key = X509_get0_pubkey(leaf);
	char text[CERT_KEY_TEXT_MAX];
	bool is_rsa = key && EVP_PKEY_is_a(key, "RSA");

	if (!key || (!is_rsa && !EVP_PKEY_is_a(key, "EC")))
		find(f, WINDOWS_BAD, WINDOWS_E_TLS_ALGORITHM,
		     "use RSA of 2048 bits or more, or ECDSA on P-256 or P-384",
		     "%s is no kind of key that Windows takes for TLS",
		     key ? key_text(key, text, sizeof(text)) : "what it holds");
	else if (is_rsa && EVP_PKEY_get_bits(key) < RSA_BITS_REFUSED_BELOW)
		find(f, WINDOWS_BAD, WINDOWS_E_SIGNATURE, "use RSA of 2048 bits or more",
		     "%s: Windows takes none below 1024 bits", key_text(key, text, sizeof(text)));
	else if (is_rsa && EVP_PKEY_get_bits(key) < RSA_BITS_GOOD)
		find(f, WINDOWS_NOTE, 0, "use RSA of 2048 bits or more",
		     "%s is weak, and refused by newer clients", key_text(key, text, sizeof(text)));
	else if (is_weak_digest(leaf))
		find(f, WINDOWS_NOTE, 0, "have it signed with SHA-256",
		     "is signed with SHA-1 or MD5, which newer clients refuse");
	else
		find(f, WINDOWS_GOOD, 0, NULL, "%s%s", key_text(key, text, sizeof(text)),
		     is_rsa ? "" : " (RouterOS and old sstpc want RSA)");
}

/* ---- revocation ---- */

static void add_url(const GENERAL_NAME *name, struct windows_urls *urls)
{
	const char *text;
	size_t len;

	if (name->type != GEN_URI || urls->n == WINDOWS_URLS_MAX)
		return;
	text = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
	len = (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return;
	if (len && len < WINDOWS_URL_MAX) {
		memcpy(urls->urls[urls->n], text, len);
		urls->urls[urls->n++][len] = '\0';
	}
}

void windows_crl_urls(const X509 *cert, struct windows_urls *ret_urls)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);

	ret_urls->n = 0;
	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT_NAME *at = sk_DIST_POINT_value(points, i)->distpoint;

		for (int j = 0; at && at->type == 0 && j < sk_GENERAL_NAME_num(at->name.fullname);
		     j++)
			add_url(sk_GENERAL_NAME_value(at->name.fullname, j), ret_urls);
	}
	CRL_DIST_POINTS_free(points);
}

static void access_urls(const X509 *cert, int method, struct windows_urls *urls)
{
	AUTHORITY_INFO_ACCESS *all = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);

	urls->n = 0;
	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(all); i++) {
		const ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(all, i);

		if (OBJ_obj2nid(a->method) == method)
			add_url(a->location, urls);
	}
	AUTHORITY_INFO_ACCESS_free(all);
}

void windows_ocsp_urls(const X509 *cert, struct windows_urls *ret_urls)
{
	access_urls(cert, NID_ad_OCSP, ret_urls);
}

void windows_issuer_urls(const X509 *cert, struct windows_urls *ret_urls)
{
	access_urls(cert, NID_ad_ca_issuers, ret_urls);
}

static void judge_revocation(const struct windows_facts *facts, struct windows_finding *f)
{
	X509 *leaf = sk_X509_value(facts->chain, 0);
	struct windows_urls crl, ocsp;

	windows_crl_urls(leaf, &crl);
	windows_ocsp_urls(leaf, &ocsp);
	if (is_self_signed(leaf))
		find(f, WINDOWS_GOOD, 0, NULL, "is its own root, which Windows does not check");
	else if (crl.n == 0 && ocsp.n == 0)
		find(f, WINDOWS_NOTE, WINDOWS_E_NO_REVOCATION_CHECK,
		     "should a client report it: issue the certificate with a CRL address that "
		     "clients reach "
		     "without the tunnel, or set "
		     "HKLM\\SYSTEM\\CurrentControlSet\\Services\\SstpSvc\\Parameters "
		     "NoCertRevocationCheck=1 there",
		     "names no CRL and no OCSP address: SSTP servers with such certificates are in "
		     "use with "
		     "Windows, but other programs of Windows refuse them");
	else
		find(f, WINDOWS_GOOD, 0, NULL, "names %zu CRL and %zu OCSP address%s", crl.n,
		     ocsp.n, crl.n + ocsp.n == 1 ? "" : "es");
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm tm = {0};

	return time && ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : INT64_MAX;
}

static void judge_list(X509_CRL *crl, const X509 *cert, const X509 *issuer, const char *url,
		       int64_t now, struct windows_finding *f)
{
	int64_t until = seconds_of(X509_CRL_get0_nextUpdate(crl));
	char when[CALENDAR_TEXT_MAX];
	X509_REVOKED *entry;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) != 0 ||
	    (issuer && X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1))
		find(f, WINDOWS_BAD, WINDOWS_E_REVOCATION_OFFLINE,
		     "publish the list of the authority that issued the certificate",
		     "%.300s is a list of another issuer, or badly signed", url);
	else if (X509_CRL_get0_by_cert(crl, &entry, (X509 *)cert) == 1)
		find(f, WINDOWS_BAD, WINDOWS_E_REVOKED, "issue a new certificate",
		     "%.300s says that it is revoked", url);
	else if (until < now)
		find(f, WINDOWS_BAD, WINDOWS_E_REVOCATION_OFFLINE, "publish a new list",
		     "%.300s has a list that expired at %s", url, calendar_text(until, when));
	else
		find(f, WINDOWS_GOOD, 0, NULL, "%.300s has a list that is in force, without it",
		     url);
}

void windows_judge_crl(const X509 *cert, const X509 *issuer, const char *url, const uint8_t *der,
		       size_t len, int64_t now, struct windows_finding *ret_finding)
{
	X509_CRL *crl = NULL;

	ERR_set_mark();
	if (len <= LONG_MAX)
		crl = d2i_X509_CRL(NULL, &der, (long)len);
	if (crl)
		judge_list(crl, cert, issuer, url, now, ret_finding);
	else
		find(ret_finding, WINDOWS_BAD, WINDOWS_E_REVOCATION_OFFLINE,
		     "publish the list there, in DER", "%.300s gives no list in DER", url);
	X509_CRL_free(crl);
	ERR_pop_to_mark();
}

void windows_judge(const struct windows_facts *facts, struct windows_finding *ret_findings)
{
	ERR_set_mark();
	judge_chain(facts, &ret_findings[WINDOWS_CHAIN]);
	judge_time(facts, &ret_findings[WINDOWS_TIME]);
	judge_name(facts, &ret_findings[WINDOWS_NAME]);
	judge_usage(facts, &ret_findings[WINDOWS_USAGE]);
	judge_key(facts, &ret_findings[WINDOWS_KEY]);
	judge_revocation(facts, &ret_findings[WINDOWS_REVOCATION]);
	ERR_pop_to_mark();
}
