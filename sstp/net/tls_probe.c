/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/tls_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	NS_PER_MS = 1000000,
	MS_PER_S = 1000,
};

/* Schannel's suites of TLS 1.2 in its order; weak keys and signatures are judged elsewhere, so all are let through. */
static const char suites[] =
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
	"ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:"
	"ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:"
	"ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-"
	"SHA:"
	"ECDHE-RSA-AES128-SHA:AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:"
	"AES256-SHA:AES128-SHA:@SECLEVEL=0";
static const char suites13[] = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";

static const struct {
	int min, max;
} versions[] = {
	[TLS_PROBE_WINDOWS_11] = {TLS1_2_VERSION, TLS1_3_VERSION},
	[TLS_PROBE_WINDOWS_10] = {TLS1_2_VERSION, TLS1_2_VERSION},
	[TLS_PROBE_OLD] = {TLS1_VERSION, TLS1_1_VERSION},
};

struct tls_probe {
	int fd;
	int64_t until_ns;
	SSL_CTX *ctx;
	SSL *ssl;
	bool has_timed_out;
};

static int64_t left_ms(const struct tls_probe *p)
{
	struct timespec t;
	int64_t now_ms;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now_ms = (int64_t)t.tv_sec * MS_PER_S + t.tv_nsec / NS_PER_MS;
	return p->until_ns / NS_PER_MS - now_ms;
}

/* After an SSL call that gave rc: true when it can be tried again. */
static bool wait_for_more(struct tls_probe *p, int rc)
{
	int error = SSL_get_error(p->ssl, rc);
	struct pollfd fd = {.fd = p->fd,
			    .events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};
	int64_t left = left_ms(p);

	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		return false;
	p->has_timed_out = left <= 0 || poll(&fd, 1, (int)left) == 0;
	return !p->has_timed_out;
}

static bool set_up(struct tls_probe *p, const char *name, enum tls_probe_profile profile)
{
	p->ctx = SSL_CTX_new(TLS_client_method());
	if (!p->ctx || !SSL_CTX_set_min_proto_version(p->ctx, versions[profile].min) ||
	    !SSL_CTX_set_max_proto_version(p->ctx, versions[profile].max) ||
	    !SSL_CTX_set_cipher_list(p->ctx, suites) || !SSL_CTX_set_ciphersuites(p->ctx, suites13))
		return false;
	SSL_CTX_set_options(p->ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_NONE, NULL);
	p->ssl = SSL_new(p->ctx);
	return p->ssl && SSL_set1_groups_list(p->ssl, "X25519:P-256:P-384") == 1 &&
	       SSL_set_fd(p->ssl, p->fd) == 1 &&
	       (!name || SSL_set_tlsext_host_name(p->ssl, name) == 1) &&
	       fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0;
}

static enum tls_probe_outcome outcome_of(unsigned long code)
{
	if (code == 0 || ERR_GET_LIB(code) == ERR_LIB_SYS)
		return TLS_PROBE_CLOSED;
	if (ERR_GET_LIB(code) != ERR_LIB_SSL)
		return TLS_PROBE_FAILED;
	switch (ERR_GET_REASON(code)) {
	case SSL_R_UNEXPECTED_EOF_WHILE_READING: return TLS_PROBE_CLOSED;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_RECORD_LENGTH_MISMATCH: return TLS_PROBE_NOT_TLS;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_WRONG_CIPHER_RETURNED:
	case SSL_R_NO_SUITABLE_KEY_SHARE: return TLS_PROBE_NOTHING_COMMON;
	default: return TLS_PROBE_FAILED;
	}
}

static enum tls_probe_outcome handshake(struct tls_probe *p, char ret_text[TLS_PROBE_TEXT_MAX])
{
	const char *words;
	unsigned long code;
	int rc;

	do {
		ERR_clear_error();
		rc = SSL_connect(p->ssl);
	} while (rc != 1 && wait_for_more(p, rc));
	if (rc == 1)
		return TLS_PROBE_OPEN;
	code = ERR_peek_error();
	words = ERR_reason_error_string(code);
	snprintf(ret_text, TLS_PROBE_TEXT_MAX, "%s",
		 p->has_timed_out ? "no answer in time"
		 : words	  ? words
				  : "the connection was closed");
	ERR_clear_error();
	return p->has_timed_out ? TLS_PROBE_TIMED_OUT : outcome_of(code);
}

enum tls_probe_outcome tls_probe_open(int fd, const char *name, enum tls_probe_profile profile,
				      int64_t until_ns, struct tls_probe **ret_probe,
				      char ret_text[TLS_PROBE_TEXT_MAX])
{
	struct tls_probe *p = calloc(1, sizeof(*p));
	enum tls_probe_outcome outcome = TLS_PROBE_FAILED;

	if (!p) {
		close(fd);
		snprintf(ret_text, TLS_PROBE_TEXT_MAX, "out of memory");
		return TLS_PROBE_FAILED;
	}
	p->fd = fd;
	p->until_ns = until_ns;
	if (set_up(p, name, profile))
		outcome = handshake(p, ret_text);
	else
		snprintf(ret_text, TLS_PROBE_TEXT_MAX, "TLS cannot be set up here");
	if (outcome == TLS_PROBE_OPEN)
		*ret_probe = p;
	else
		tls_probe_free(p);
	return outcome;
}

void tls_probe_free(struct tls_probe *p)
{
	if (!p)
		return;
	if (p->ssl && SSL_is_init_finished(p->ssl))
		SSL_shutdown(p->ssl);
	ERR_clear_error();
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	close(p->fd);
	free(p);
}

const char *tls_probe_version(const struct tls_probe *p)
{
	return SSL_get_version(p->ssl);
}

const char *tls_probe_cipher(const struct tls_probe *p)
{
	return SSL_get_cipher_name(p->ssl);
}

STACK_OF(X509) * tls_probe_chain(const struct tls_probe *p)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(p->ssl);

	return sk_X509_num(chain) > 0 ? chain : NULL;
}

int tls_probe_write(struct tls_probe *p, const void *data, size_t len)
{
	size_t written;
	int rc;

	do {
		ERR_clear_error();
		rc = SSL_write_ex(p->ssl, data, len, &written);
	} while (rc != 1 && wait_for_more(p, rc));
	ERR_clear_error();
	if (rc == 1)
		return 0;
	return p->has_timed_out ? -ETIMEDOUT : -EPIPE;
}

int tls_probe_read(struct tls_probe *p, void *buf, size_t size)
{
	size_t n = 0;
	int rc;

	do {
		ERR_clear_error();
		rc = SSL_read_ex(p->ssl, buf, size, &n);
	} while (rc != 1 && wait_for_more(p, rc));
	ERR_clear_error();
	if (rc == 1)
		return (int)n;
	return p->has_timed_out ? -ETIMEDOUT : 0;
}
