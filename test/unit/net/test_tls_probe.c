/* SPDX-License-Identifier: Apache-2.0 */
/* Against a server of OpenSSL's in a thread, at the other end of a pair of sockets. */
#include "sstp/net/tls_probe.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"

#define MS INT64_C(1000000)

struct server {
	int fd;
	int min, max;	     /* versions */
	const char *suites;  /* NULL: OpenSSL's */
	const char *instead; /* of TLS; NULL: TLS */
	bool is_mute;	     /* and stays so until the client has gone */
	struct testcert *leaf;
	char name[64]; /* SNI that came */
};

static void shake_hands(struct server *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char buf[16];
	SSL *ssl;
	int n;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, s->min);
	SSL_CTX_set_max_proto_version(ctx, s->max);
	if (s->suites)
		SSL_CTX_set_cipher_list(ctx, s->suites);
	SSL_CTX_use_certificate(ctx, s->leaf->cert);
	SSL_CTX_use_PrivateKey(ctx, s->leaf->key);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, s->fd);
	if (SSL_accept(ssl) == 1) {
		const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

		snprintf(s->name, sizeof(s->name), "%s", name ? name : "");
		n = SSL_read(ssl, buf, sizeof(buf));
		if (n > 0)
			SSL_write(ssl, buf, n);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	char hello[4096];

	if (s->is_mute)
		while (read(s->fd, hello, sizeof(hello)) > 0)
			;
	else if (s->instead) /* what is left unread would be a reset */
		(void)!(read(s->fd, hello, sizeof(hello)) > 0 &&
			write(s->fd, s->instead, strlen(s->instead)));
	else
		shake_hands(s);
	close(s->fd);
	return NULL;
}

static int64_t in(int64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (1000 * MS) + t.tv_nsec + ns;
}

/* Opens, and with TLS_PROBE_OPEN sends a word that the server returns and closes behind. */
static enum tls_probe_outcome talk(struct server *s, const char *name,
				   enum tls_probe_profile profile, const char *version,
				   int64_t wait_ns)
{
	char text[TLS_PROBE_TEXT_MAX], buf[16];
	enum tls_probe_outcome outcome;
	struct tls_probe *p = NULL;
	pthread_t thread;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	s->leaf = testcert_new(&(struct testcert_spec){.common_name = "gw.test"});
	s->fd = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
	outcome = tls_probe_open(fds[1], name, profile, in(wait_ns), &p, text);
	if (outcome == TLS_PROBE_OPEN) {
		assert_string_equal(tls_probe_version(p), version);
		assert_true(strlen(tls_probe_cipher(p)) > 10);
		assert_int_equal(sk_X509_num(tls_probe_chain(p)), 1);
		assert_int_equal(X509_cmp(sk_X509_value(tls_probe_chain(p), 0), s->leaf->cert), 0);
		assert_int_equal(tls_probe_write(p, "word", 4), 0);
		assert_int_equal(tls_probe_read(p, buf, sizeof(buf)), 4);
		assert_memory_equal(buf, "word", 4);
		assert_int_equal(tls_probe_read(p, buf, sizeof(buf)), 0);
	} else {
		assert_null(p);
		assert_true(strlen(text) > 0);
	}
	tls_probe_free(p);
	pthread_join(thread, NULL);
	testcert_free(s->leaf);
	return outcome;
}

static void windows_11_takes_the_newest_version(void **state)
{
	struct server s = {.min = TLS1_2_VERSION, .max = TLS1_3_VERSION};

	assert_int_equal(talk(&s, "gw.test", TLS_PROBE_WINDOWS_11, "TLSv1.3", 5000 * MS),
			 TLS_PROBE_OPEN);
	assert_string_equal(s.name, "gw.test");
	assert_int_equal(talk(&s, NULL, TLS_PROBE_WINDOWS_10, "TLSv1.2", 5000 * MS),
			 TLS_PROBE_OPEN);
	assert_string_equal(s.name, "");
}

static void versions_and_suites_have_to_meet(void **state)
{
	struct server old = {.min = TLS1_VERSION, .max = TLS1_VERSION};
	struct server new = {.min = TLS1_3_VERSION, .max = TLS1_3_VERSION};
	struct server odd = {.min = TLS1_2_VERSION,
			     .max = TLS1_2_VERSION,
			     .suites = "ECDHE-ECDSA-CHACHA20-POLY1305"};

	assert_int_equal(talk(&old, NULL, TLS_PROBE_WINDOWS_11, NULL, 5000 * MS),
			 TLS_PROBE_NOTHING_COMMON);
	assert_int_equal(talk(&old, NULL, TLS_PROBE_OLD, "TLSv1", 5000 * MS), TLS_PROBE_OPEN);
	assert_int_equal(talk(&new, NULL, TLS_PROBE_WINDOWS_10, NULL, 5000 * MS),
			 TLS_PROBE_NOTHING_COMMON);
	assert_int_equal(talk(&odd, NULL, TLS_PROBE_WINDOWS_11, NULL, 5000 * MS),
			 TLS_PROBE_NOTHING_COMMON);
}

static void what_is_no_tls_is_told_apart(void **state)
{
	struct server plain = {.instead = "HTTP/1.1 400 Bad Request\r\n\r\n"};
	struct server ssh = {.instead = "SSH-2.0-OpenSSH_9.2\r\n"};
	struct server gone = {.instead = ""};
	struct server mute = {.is_mute = true};

	assert_int_equal(talk(&plain, NULL, TLS_PROBE_WINDOWS_11, NULL, 5000 * MS),
			 TLS_PROBE_NOT_TLS);
	assert_int_equal(talk(&ssh, NULL, TLS_PROBE_WINDOWS_11, NULL, 5000 * MS),
			 TLS_PROBE_NOT_TLS);
	assert_int_equal(talk(&gone, NULL, TLS_PROBE_WINDOWS_11, NULL, 5000 * MS),
			 TLS_PROBE_CLOSED);
	assert_int_equal(talk(&mute, NULL, TLS_PROBE_WINDOWS_11, NULL, 20 * MS),
			 TLS_PROBE_TIMED_OUT);
}

static void nothing_can_be_freed(void **state)
{
	tls_probe_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_11_takes_the_newest_version),
		cmocka_unit_test(versions_and_suites_have_to_meet),
		cmocka_unit_test(what_is_no_tls_is_told_apart),
		cmocka_unit_test(nothing_can_be_freed),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("net/tls_probe", tests, NULL, NULL);
}
