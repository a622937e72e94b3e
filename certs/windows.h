/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_WINDOWS_H
#define CERTS_WINDOWS_H
/*
 * A server's certificate as a Windows client judges it, with the code that Windows shows for what is wrong. Pure: no
 * network; what has to be fetched is named, and judged when it is there.
 *
 * Each check is judged by itself, so that all faults are told at once; Windows stops at one. What Windows itself is not
 * sure to refuse is a note and not a fault.
 */
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

enum windows_check {
	WINDOWS_CHAIN, /* up to a root that the client has */
	WINDOWS_TIME,  /* of every certificate that was sent */
	WINDOWS_NAME,  /* subjectAltName; the common name only where there is no name in that */
	WINDOWS_USAGE, /* serverAuth */
	WINDOWS_KEY,   /* kind, size, signature */
	WINDOWS_REVOCATION, /* where Windows can ask */
	WINDOWS_CHECKS,
};

enum windows_verdict {
	WINDOWS_GOOD,
	WINDOWS_NOTE, /* works, or may: worth knowing */
	WINDOWS_BAD,  /* Windows does not connect */
};

enum {
	WINDOWS_TEXT_MAX = 512,
	WINDOWS_URLS_MAX = 8,
	WINDOWS_URL_MAX = 512, /* longer ones are left out */
};

/* As Windows shows them: 0x800B0109 and the like; 0 with what is no fault. */
#define WINDOWS_E_EXPIRED	      UINT32_C(0x800B0101)
#define WINDOWS_E_UNTRUSTED_ROOT      UINT32_C(0x800B0109)
#define WINDOWS_E_CHAINING	      UINT32_C(0x800B010A)
#define WINDOWS_E_NAME		      UINT32_C(0x800B010F)
#define WINDOWS_E_USAGE		      UINT32_C(0x800B0110)
#define WINDOWS_E_SIGNATURE	      UINT32_C(0x80096004)
#define WINDOWS_E_REVOKED	      UINT32_C(0x80092010)
#define WINDOWS_E_NO_REVOCATION_CHECK UINT32_C(0x80092012)
#define WINDOWS_E_REVOCATION_OFFLINE  UINT32_C(0x80092013)
#define WINDOWS_E_TLS_TOKEN	      UINT32_C(0x80090308)
#define WINDOWS_E_TLS_MESSAGE	      UINT32_C(0x80090326)
#define WINDOWS_E_TLS_ALGORITHM	      UINT32_C(0x80090331)
#define WINDOWS_E_RESET		      UINT32_C(0x80072746)
#define WINDOWS_E_TIMEOUT	      UINT32_C(0x8007274C)
#define WINDOWS_E_REFUSED	      UINT32_C(0x8007274D)
#define WINDOWS_E_UNREACHABLE	      UINT32_C(0x80072751)
#define WINDOWS_E_ABORTED	      UINT32_C(0x800704D4)
/* Remote access has numbers of its own, shown as decimals. */
#define WINDOWS_RAS_NO_NAME  UINT32_C(868)
#define WINDOWS_RAS_PPP	     UINT32_C(734)
#define WINDOWS_RAS_PROTOCOL UINT32_C(919)

struct windows_finding {
	enum windows_verdict verdict;
	uint32_t code; /* with WINDOWS_BAD; with WINDOWS_NOTE: that may come; 0: none */
	char text[WINDOWS_TEXT_MAX]; /* what there is */
	const char *advice;	     /* what to do, static; NULL: nothing */
};

struct windows_facts {
	STACK_OF(X509) * chain; /* as the server sent it, its own first; at least that; borrowed */
	const char *name;	/* hostname_kind() is not HOSTNAME_INVALID: what the client dials */
	int64_t now;		/* seconds since 1970, UTC */
	X509_STORE *roots;	/* what the client trusts; borrowed, not changed */
};

/* Where the other party is told of: none of them is trusted to be a URL. */
struct windows_urls {
	char urls[WINDOWS_URLS_MAX][WINDOWS_URL_MAX]; /* printable ASCII without blanks */
	size_t n;
};

/* All checks; ret_findings has WINDOWS_CHECKS places, indexed by the check. */
void windows_judge(const struct windows_facts *facts, struct windows_finding *ret_findings);

/* Where lists of revoked certificates, OCSP answers, and the issuer's certificate are to be had. */
void windows_crl_urls(const X509 *cert, struct windows_urls *ret_urls);
void windows_ocsp_urls(const X509 *cert, struct windows_urls *ret_urls);
void windows_issuer_urls(const X509 *cert, struct windows_urls *ret_urls);

/*
 * A list (DER) that was fetched for cert from url: whether it is one of its issuer, in force at now, and does not name cert.
 * issuer: NULL when it is not known; the signature is not checked then.
 */
void windows_judge_crl(const X509 *cert, const X509 *issuer, const char *url, const uint8_t *der,
		       size_t len, int64_t now, struct windows_finding *ret_finding);

/* What Windows says of a code, in its own words shortened; "" for one that this file does not know. */
const char *windows_code_text(uint32_t code);

/* "0x800B0109", or "868" for a number of remote access. Returns ret_text, of 16 bytes. */
const char *windows_code_name(uint32_t code, char ret_text[16]);

/* "chain", "time", "name", "usage", "key", "revocation". */
const char *windows_check_name(enum windows_check check);

#endif
