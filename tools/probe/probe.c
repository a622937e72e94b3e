/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/probe/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "certs/encoding.h"
#include "sstp/base/random.h"
#include "sstp/net/tls_probe.h"
#include "tools/common/lookup.h"
#include "tools/probe/fetch.h"
#include "tools/probe/talk.h"
#include "tools/tcpping/attempt.h"

#define NS_PER_S INT64_C(1000000000)

enum {
	CONNECT_S = 5,
	TLS_S = 5,  /* of each handshake */
	TALK_S = 8, /* TLS, HTTP, SSTP and LCP together */
	ISSUERS_MAX = 3,
	GUID_SIZE = 16,
	GUID_TEXT_MAX = 40,
};

struct run {
	const struct probe_params *params;
	struct report *report;
	struct sockaddr_storage address;
	struct tls_probe *tls;	/* owned */
	STACK_OF(X509) * chain; /* owned: what was sent, and what was fetched */
};

static int64_t until_ns(int seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (t.tv_sec + seconds) * NS_PER_S + t.tv_nsec;
}

/* ---- name and TCP ---- */

static bool resolve(struct run *r)
{
	const struct lookup_params params = {.name = r->params->host, .family = AF_UNSPEC};
	char text[LOOKUP_SERVER_MAX];
	static struct lookup l;

	if (lookup_run(&params, &l) < 0)
		l.outcome = LOOKUP_FAILED;
	if (!l.n_addresses) {
		report_add(r->report, "lookup", WINDOWS_BAD, WINDOWS_RAS_NO_NAME, NULL,
			   "enter the name in the DNS that clients use, or correct it",
			   l.server ? "%s: there is no such name, or it has no address"
				    : "%s: no name server answers",
			   r->params->host);
		return false;
	}
	r->address = l.addresses[0];
	if (r->address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&r->address)->sin6_port = htons(r->params->port);
	else
		((struct sockaddr_in *)&r->address)->sin_port = htons(r->params->port);
	report_add(r->report, "lookup", WINDOWS_GOOD, 0, NULL, NULL, "%s is %s%s", r->params->host,
		   lookup_address_text(&r->address, text),
		   l.n_addresses > 1 ? ", the first of several" : "");
	return true;
}

static bool reach(struct run *r)
{
	struct attempt a;
	int ms;

	attempt_run(&r->address, CONNECT_S * NS_PER_S, &a);
	ms = (int)(a.ns / 1000000);
	switch (a.outcome) {
	case ATTEMPT_SUCCESS:
		report_add(r->report, "tcp", WINDOWS_GOOD, 0, NULL, NULL,
			   "port %u is open, after %d ms", r->params->port, ms);
		return true;
	case ATTEMPT_TIMEOUT:
		report_add(r->report, "tcp", WINDOWS_BAD, WINDOWS_E_TIMEOUT, NULL,
			   "open the port in the firewalls on the way, and see that the host is up",
			   "port %u: silence for %d s", r->params->port, CONNECT_S);
		return false;
	case ATTEMPT_REFUSED:
		report_add(r->report, "tcp", WINDOWS_BAD, WINDOWS_E_REFUSED, NULL,
			   "start the server, or correct the port: Windows dials 443 unless it is "
			   "given with the name",
			   "port %u: the host refuses, nothing listens", r->params->port);
		return false;
	default:
		report_add(r->report, "tcp", WINDOWS_BAD, WINDOWS_E_UNREACHABLE, NULL,
			   "mend the route to the server", "port %u: %s%s%s", r->params->port,
			   a.error ? strerror(a.error) : "not reached", a.has_icmp ? ", says " : "",
			   a.has_icmp ? a.icmp_from : "");
		return false;
	}
}

/* ---- TLS ---- */

/* seconds: for all that is done with it. */
static enum tls_probe_outcome open_tls(struct run *r, enum tls_probe_profile profile, int seconds,
				       struct tls_probe **ret_probe, char text[TLS_PROBE_TEXT_MAX])
{
	socklen_t len = r->address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							 : sizeof(struct sockaddr_in);
	const struct timeval wait = {.tv_sec = CONNECT_S};
	const char *name = r->params->name;
	int fd = socket(r->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(text, TLS_PROBE_TEXT_MAX, "no second connection");
	if (fd < 0)
		return TLS_PROBE_FAILED;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&r->address, len) < 0) {
		close(fd);
		return TLS_PROBE_CLOSED;
	}
	return tls_probe_open(fd, hostname_kind(name) == HOSTNAME_DNS ? name : NULL, profile,
			      until_ns(seconds), ret_probe, text);
}

/* Whether the server speaks what Windows has switched off. */
static bool is_old(struct run *r)
{
	char text[TLS_PROBE_TEXT_MAX];
	struct tls_probe *old = NULL;
	bool is_so = open_tls(r, TLS_PROBE_OLD, TLS_S, &old, text) == TLS_PROBE_OPEN;

	tls_probe_free(old);
	return is_so;
}

static void tell_nothing_common(struct run *r, const char *text)
{
	if (is_old(r))
		report_add(r->report, "tls", WINDOWS_BAD, WINDOWS_E_TLS_ALGORITHM, NULL,
			   "switch TLS 1.2 on at the server",
			   "the server has no more than TLS 1.0 or 1.1, which Windows 10 and 11 do "
			   "not "
			   "offer any more");
	else
		report_add(r->report, "tls", WINDOWS_BAD, WINDOWS_E_TLS_ALGORITHM, NULL,
			   "allow TLS 1.2 with ECDHE and AES-GCM at the server; some builds of "
			   "Windows "
			   "report 0x80090326 instead",
			   "no version or cipher suite in common with Windows: %s", text);
}

static void tell_no_tls(struct run *r, enum tls_probe_outcome outcome, const char *text)
{
	switch (outcome) {
	case TLS_PROBE_NOTHING_COMMON: tell_nothing_common(r, text); break;
	case TLS_PROBE_NOT_TLS:
		report_add(r->report, "tls", WINDOWS_BAD, WINDOWS_E_TLS_TOKEN, NULL,
			   "put TLS on this port, or dial the port that has it",
			   "what listens does not speak TLS (plain HTTP?): %s", text);
		break;
	case TLS_PROBE_CLOSED:
		/* some servers hang up without an alert */
		if (is_old(r))
			tell_nothing_common(r, text);
		else
			report_add(r->report, "tls", WINDOWS_BAD, WINDOWS_E_RESET, NULL,
				   "look into the server's log: it hangs up in the handshake, or "
				   "something on the way does",
				   "the connection was closed in the handshake");
		break;
	case TLS_PROBE_TIMED_OUT:
		report_add(
			r->report, "tls", WINDOWS_BAD, WINDOWS_E_TIMEOUT, NULL,
			"see what listens on this port; a path with a smaller MTU that drops large "
			"packets looks the same",
			"no answer to TLS within %d s", TLS_S);
		break;
	default:
		report_add(r->report, "tls", WINDOWS_BAD, WINDOWS_E_TLS_MESSAGE, NULL,
			   "look into the server's log", "the handshake failed: %s", text);
	}
}

static bool shake_hands(struct run *r)
{
	char text[TLS_PROBE_TEXT_MAX];
	struct tls_probe *other = NULL;
	enum tls_probe_outcome outcome = open_tls(r, TLS_PROBE_WINDOWS_11, TLS_S, &r->tls, text);

	if (outcome != TLS_PROBE_OPEN) {
		tell_no_tls(r, outcome, text);
		return false;
	}
	report_add(r->report, "tls", WINDOWS_GOOD, 0, NULL, NULL, "Windows 11: %s with %s",
		   tls_probe_version(r->tls), tls_probe_cipher(r->tls));
	if (open_tls(r, TLS_PROBE_WINDOWS_10, TLS_S, &other, text) == TLS_PROBE_OPEN)
		report_add(r->report, "tls", WINDOWS_GOOD, 0, NULL, NULL, "Windows 10: %s with %s",
			   tls_probe_version(other), tls_probe_cipher(other));
	else
		report_add(r->report, "tls", WINDOWS_NOTE, WINDOWS_E_TLS_ALGORITHM, NULL,
			   "allow TLS 1.2 at the server",
			   "Windows 10 and RouterOS do not connect, they have no TLS 1.3: %s",
			   text);
	tls_probe_free(other);
	return true;
}

/* ---- the certificate ---- */

/* The certificate above the last one, from where that says: as Windows does it. False: there is none to be had. */
static bool fetch_issuer(struct run *r)
{
	X509 *last = sk_X509_value(r->chain, sk_X509_num(r->chain) - 1), *issuer = NULL;
	struct windows_urls urls;
	struct fetched f;

	windows_issuer_urls(last, &urls);
	for (size_t i = 0; i < urls.n && !issuer; i++) {
		if (fetch_get(urls.urls[i], &f) == 0 && f.status == 200 &&
		    encoding_from_der(f.bytes, f.len, &issuer, NULL) == 0)
			report_add(
				r->report, "chain", WINDOWS_NOTE, 0, NULL,
				"let the server send it: clients that do not fetch it refuse "
				"the chain",
				"an intermediate certificate is not sent, and was fetched from %s",
				urls.urls[i]);
		fetch_done(&f);
	}
	if (issuer && sk_X509_push(r->chain, issuer) > 0)
		return true;
	X509_free(issuer);
	return false;
}

static void judge(struct run *r, struct windows_finding *findings)
{
	const struct windows_facts facts = {.chain = r->chain,
					    .name = r->params->name,
					    .now = time(NULL),
					    .roots = r->params->roots};

	windows_judge(&facts, findings);
	for (int i = 0; i < ISSUERS_MAX && findings[WINDOWS_CHAIN].code == WINDOWS_E_CHAINING &&
			fetch_issuer(r);
	     i++)
		windows_judge(&facts, findings);
}

/* The certificate that signed this one, if it was sent or fetched. */
static X509 *issuer_of(const struct run *r, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(r->chain); i++)
		if (X509_check_issued(sk_X509_value(r->chain, i), cert) == X509_V_OK)
			return sk_X509_value(r->chain, i);
	return NULL;
}

/* ---- revocation ---- */

static void judge_crl(struct run *r, X509 *cert, const char *url, struct windows_finding *f)
{
	struct fetched got;
	int err = fetch_get(url, &got);

	if (err == 0 && got.status == 200) {
		windows_judge_crl(cert, issuer_of(r, cert), url, got.bytes, got.len, time(NULL), f);
	} else {
		*f = (struct windows_finding){.verdict = WINDOWS_BAD,
					      .code = WINDOWS_E_REVOCATION_OFFLINE,
					      .advice = "publish the list where clients reach it "
							"without the tunnel, or issue "
							"the certificate without this address"};
		snprintf(f->text, sizeof(f->text), "%.300s cannot be fetched: %.100s", url,
			 err < 0 ? got.text : "HTTP has another status than 200");
	}
	fetch_done(&got);
}

static bool is_revoked(const struct windows_finding *f)
{
	return f->code == WINDOWS_E_REVOKED;
}

/* One address that is good is enough, for Windows too: a bad one is a note then. */
static void check_revocation(struct run *r, X509 *cert)
{
	struct windows_finding found[WINDOWS_URLS_MAX];
	struct windows_urls crl, ocsp;
	struct fetched got;
	bool is_good = false;

	windows_crl_urls(cert, &crl);
	windows_ocsp_urls(cert, &ocsp);
	for (size_t i = 0; i < crl.n; i++) {
		judge_crl(r, cert, crl.urls[i], &found[i]);
		is_good |= found[i].verdict == WINDOWS_GOOD;
	}
	for (size_t i = 0; i < ocsp.n; i++) {
		bool answers = fetch_get(ocsp.urls[i], &got) == 0;

		report_add(r->report, "revocation", answers ? WINDOWS_GOOD : WINDOWS_NOTE, 0, NULL,
			   answers ? NULL : "see that clients reach it without the tunnel",
			   answers ? "the OCSP server %s is reached (its answer is not asked for)%s"
				   : "the OCSP server %s is not reached: %s",
			   ocsp.urls[i], answers ? "" : got.text);
		fetch_done(&got);
		is_good |= answers;
	}
	for (size_t i = 0; i < crl.n; i++) {
		if (is_good && !is_revoked(&found[i]) && found[i].verdict == WINDOWS_BAD)
			found[i].verdict = WINDOWS_NOTE;
		report_finding(r->report, "revocation", &found[i]);
	}
	if (ocsp.n && !crl.n && !is_good)
		report_add(r->report, "revocation", WINDOWS_BAD, WINDOWS_E_REVOCATION_OFFLINE, NULL,
			   "see that clients reach one without the tunnel",
			   "no OCSP server of the certificate is reached");
}

/* All but roots, which Windows leaves out. */
static void check_all_revocation(struct run *r)
{
	for (int i = 0; i < sk_X509_num(r->chain); i++) {
		X509 *cert = sk_X509_value(r->chain, i);

		if (X509_self_signed(cert, 0) != 1)
			check_revocation(r, cert);
	}
}

static void check_certificate(struct run *r)
{
	STACK_OF(X509) *sent = tls_probe_chain(r->tls);
	struct windows_finding findings[WINDOWS_CHECKS];

	r->chain = sent ? X509_chain_up_ref(sent) : NULL;
	if (!r->chain) {
		report_add(r->report, "chain", WINDOWS_BAD, WINDOWS_E_TLS_MESSAGE, NULL,
			   "load a certificate into the server", "the server sent no certificate");
		return;
	}
	judge(r, findings);
	for (int i = 0; i < WINDOWS_CHECKS; i++)
		report_finding(r->report, windows_check_name(i), &findings[i]);
	check_all_revocation(r);
}

/* ---- HTTP, SSTP, LCP ---- */

static void make_guid(char text[GUID_TEXT_MAX])
{
	uint8_t b[GUID_SIZE];

	random_fill(&random_system, b, sizeof(b));
	snprintf(text, GUID_TEXT_MAX,
		 "{%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X}", b[0],
		 b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
		 b[14], b[15]);
}

/* 0: it came to an end of its own; else why not: -ETIMEDOUT, -EPIPE. */
static int converse(struct run *r, struct talk *t)
{
	uint8_t out[TALK_OUT_MAX];
	struct wire_writer w = wire_writer(out, sizeof(out));
	char guid[GUID_TEXT_MAX];
	size_t size;
	uint8_t *at;
	int n;

	make_guid(guid);
	n = talk_start(t, r->params->name, guid, &w);
	while (n >= 0) {
		if (wire_len(&w) && tls_probe_write(r->tls, out, wire_len(&w)) < 0)
			return t->end == TALK_GOES_ON ? -EPIPE : 0;
		if (t->end != TALK_GOES_ON)
			return 0;
		at = talk_space(t, &size);
		n = tls_probe_read(r->tls, at, size);
		if (n == 0)
			return -EPIPE;
		w = wire_writer(out, sizeof(out));
		if (n > 0)
			talk_received(t, (size_t)n, &w);
	}
	return n;
}

static void tell_silence(struct run *r, const char *check, int err)
{
	static const char advice[] =
		"see that an SSTP server stands behind this port, and look into its log";

	if (err == -EPIPE)
		report_add(r->report, check, WINDOWS_BAD, WINDOWS_E_RESET, NULL, advice,
			   "the server hung up");
	else
		report_add(r->report, check, WINDOWS_BAD, WINDOWS_E_TIMEOUT, NULL, advice,
			   "no answer within %d s", TALK_S);
}

static bool tell_http(struct run *r, const struct talk *t, int err)
{
	static const char advice[] =
		"see that an SSTP server stands behind this port, not a web server or a proxy that "
		"does not know SSTP_DUPLEX_POST";

	if (t->end == TALK_HTTP_REFUSED)
		report_add(r->report, "http", WINDOWS_BAD, 0,
			   "event 4 of RasSstp: the server refused the request", advice,
			   "HTTP status %d to SSTP's request", t->http_status);
	else if (t->end == TALK_NO_HTTP)
		report_add(r->report, "http", WINDOWS_BAD, 0,
			   "event 3 of RasSstp: the version of HTTP is missing or wrong", advice,
			   "the reply is not HTTP/1.1");
	else if (!t->has_http)
		tell_silence(r, "http", err);
	else
		report_add(r->report, "http", WINDOWS_GOOD, 0, NULL, NULL,
			   "the server takes SSTP's request");
	return t->has_http;
}

static bool tell_sstp(struct run *r, const struct talk *t, int err)
{
	static const char advice[] = "look into the server's log";

	if (t->end == TALK_NAK || (t->end == TALK_ABORTED && !t->is_connected))
		report_add(r->report, "sstp", WINDOWS_BAD, WINDOWS_E_ABORTED, NULL, advice,
			   "the call is refused, status %u", t->status);
	else if (t->end == TALK_NO_SSTP && !t->is_connected)
		report_add(r->report, "sstp", WINDOWS_BAD, WINDOWS_E_ABORTED, NULL, advice,
			   "what follows HTTP is not SSTP");
	else if (t->end == TALK_NO_BINDING || (t->is_connected && !(t->hashes & 3)))
		report_add(r->report, "sstp", WINDOWS_BAD, WINDOWS_E_ABORTED, NULL, advice,
			   "the server offers no hash for the crypto binding that a client knows");
	else if (!t->is_connected)
		tell_silence(r, "sstp", err);
	else
		report_add(r->report, "sstp", t->has_nonce ? WINDOWS_GOOD : WINDOWS_NOTE, 0, NULL,
			   t->has_nonce ? NULL : "renew the server's software",
			   "crypto binding with%s%s%s",
			   t->hashes & SSTP_HASH_SHA256 ? " SHA-256" : "",
			   t->hashes & SSTP_HASH_SHA1 ? " SHA-1" : "",
			   t->has_nonce ? "" : ", and a nonce of zeros, which protects nobody");
	return t->is_connected && (t->hashes & 3);
}

static void tell_methods(struct run *r, const struct talk *t)
{
	if (t->methods & (TALK_EAP | TALK_MSCHAPV2))
		report_add(r->report, "ppp", WINDOWS_GOOD, 0, NULL, NULL, "authentication by%s%s%s",
			   t->methods & TALK_EAP
				   ? " EAP (whether MS-CHAPv2 or TLS shows with a name only)"
				   : "",
			   t->methods & TALK_MSCHAPV2 ? " MS-CHAPv2" : "",
			   t->methods & TALK_PAP ? " PAP" : "");
	else
		report_add(
			r->report, "ppp", WINDOWS_BAD, WINDOWS_RAS_PROTOCOL, NULL,
			"allow MS-CHAPv2 or EAP at the server",
			"authentication by %s alone, which a connection of Windows does not allow "
			"by itself",
			t->methods & TALK_PAP ? "PAP" : "a method that is not known");
	if ((t->methods & TALK_MSCHAPV2) && !(t->methods & TALK_EAP))
		report_add(
			r->report, "ppp", WINDOWS_NOTE, WINDOWS_RAS_PROTOCOL, NULL,
			"set the connection to MS-CHAPv2 on the client, or allow EAP at the server",
			"no EAP: a connection that is left at \"EAP\" does not connect");
}

static void tell_ppp(struct run *r, const struct talk *t, int err)
{
	if (t->is_open)
		report_add(r->report, "ppp", WINDOWS_BAD, WINDOWS_RAS_PROTOCOL, NULL,
			   "let the server authenticate its clients",
			   "the server asks for no authentication");
	else if (t->methods || t->has_asked)
		tell_methods(r, t);
	else if (t->end == TALK_GOES_ON)
		tell_silence(r, "ppp", err);
	else
		report_add(
			r->report, "ppp", WINDOWS_BAD, WINDOWS_RAS_PPP, NULL,
			"look into the server's log",
			"the server ended the call before it asked for authentication, status %u",
			t->status);
}

static void talk_sstp(struct run *r)
{
	static struct talk t;
	int err;

	err = converse(r, &t);
	if (tell_http(r, &t, err) && tell_sstp(r, &t, err))
		tell_ppp(r, &t, err);
}

/* Over a connection of its own: what was fetched may have taken longer than the server waits on the first. */
static void talk_anew(struct run *r)
{
	char text[TLS_PROBE_TEXT_MAX];
	enum tls_probe_outcome outcome;

	tls_probe_free(r->tls);
	r->tls = NULL;
	outcome = open_tls(r, TLS_PROBE_WINDOWS_11, TALK_S, &r->tls, text);
	if (outcome == TLS_PROBE_OPEN)
		talk_sstp(r);
	else
		tell_no_tls(r, outcome, text);
}

void probe_run(const struct probe_params *params, struct report *ret_report)
{
	struct run r = {.params = params, .report = ret_report};

	memset(ret_report, 0, sizeof(*ret_report));
	if (resolve(&r) && reach(&r) && shake_hands(&r)) {
		check_certificate(&r);
		talk_anew(&r);
	}
	sk_X509_pop_free(r.chain, X509_free);
	tls_probe_free(r.tls);
}
