/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accepts serve ADDRESS PORT CERTIFICATE KEY
 * accepts dial ADDRESS PORT CA COUNT
 *
 * The yardstick for the set-up of sessions: TLS handshakes and nothing else. The server accepts, shakes hands and
 * closes when the other side does; the dialler keeps 64 connections on their way, closes each as soon as its handshake
 * is through, and ends after COUNT of them: status 0 when all succeeded. One thread at each end, no resumption.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	IN_FLIGHT = 64, /* as many as the dialler of the sessions keeps */
	EVENTS = 64,
	DIAL_TIMEOUT_MS = 20000,
};

struct end {
	int epoll, listener;
	struct sockaddr_in address;
	SSL_CTX *ctx;
	unsigned count, started, done, failed;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "accepts: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(struct end *e, int fd, uint32_t events, void *what)
{
	struct epoll_event ev = {.events = events, .data.ptr = what};

	must(epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
}

static void conn_new(struct end *e, int fd)
{
	SSL *ssl = SSL_new(e->ctx);

	must(ssl && SSL_set_fd(ssl, fd), "SSL");
	if (e->listener < 0)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	watch(e, fd, EPOLLIN | EPOLLOUT | EPOLLET, ssl);
}

static void conn_free(SSL *ssl)
{
	close(SSL_get_fd(ssl));
	SSL_free(ssl);
}

/* ---- the side that accepts */

static void accept_all(struct end *e)
{
	int fd;

	while ((fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		conn_new(e, fd);
}

static void serve_conn(SSL *ssl)
{
	char rest[64];
	int n = SSL_is_init_finished(ssl) ? 1 : SSL_do_handshake(ssl);

	if (n == 1)
		n = SSL_read(ssl, rest, sizeof(rest));
	if (n <= 0 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ &&
	    SSL_get_error(ssl, n) != SSL_ERROR_WANT_WRITE)
		conn_free(ssl);
}

static _Noreturn void serve(struct end *e)
{
	struct epoll_event events[EVENTS];

	watch(e, e->listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_wait(e->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				serve_conn(events[i].data.ptr);
			else
				accept_all(e);
		}
	}
}

/* ---- the side that dials */

static void dial_some(struct end *e)
{
	while (e->started < e->count && e->started - e->done < IN_FLIGHT) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		must(fd >= 0, "socket");
		if (connect(fd, (struct sockaddr *)&e->address, sizeof(e->address)) < 0)
			must(errno == EINPROGRESS, "connect");
		conn_new(e, fd);
		e->started++;
	}
}

static void dial_conn(struct end *e, SSL *ssl)
{
	int n = SSL_do_handshake(ssl);

	if (n != 1 && (SSL_get_error(ssl, n) == SSL_ERROR_WANT_READ ||
		       SSL_get_error(ssl, n) == SSL_ERROR_WANT_WRITE))
		return;
	e->failed += n != 1;
	if (n == 1)
		SSL_shutdown(ssl);
	e->done++;
	conn_free(ssl);
}

static int dial(struct end *e)
{
	struct epoll_event events[EVENTS];
	int n = 1;

	for (dial_some(e); e->done < e->count && n > 0; dial_some(e)) {
		n = epoll_wait(e->epoll, events, EVENTS, DIAL_TIMEOUT_MS);
		for (int i = 0; i < n; i++)
			dial_conn(e, events[i].data.ptr);
	}
	printf("handshakes %u failed %u\n", e->done, e->failed);
	return e->done == e->count && e->failed == 0 ? 0 : 1;
}

/* ---- */

static void init(struct end *e, bool serving, char **argv)
{
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	e->address.sin_family = AF_INET;
	e->address.sin_port = htons((uint16_t)atoi(argv[3]));
	must(inet_pton(AF_INET, argv[2], &e->address.sin_addr) == 1, argv[2]);
	e->ctx = SSL_CTX_new(serving ? TLS_server_method() : TLS_client_method());
	must(e->ctx && SSL_CTX_set_min_proto_version(e->ctx, TLS1_3_VERSION), "TLS 1.3");
	SSL_CTX_set_num_tickets(e->ctx, 0);
	SSL_CTX_set_session_cache_mode(e->ctx, SSL_SESS_CACHE_OFF);
}

static void init_server(struct end *e, char **argv)
{
	int one = 1;

	must(SSL_CTX_use_certificate_chain_file(e->ctx, argv[4]) == 1, argv[4]);
	must(SSL_CTX_use_PrivateKey_file(e->ctx, argv[5], SSL_FILETYPE_PEM) == 1, argv[5]);
	e->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(e->listener >= 0, "socket");
	setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(e->listener, (struct sockaddr *)&e->address, sizeof(e->address)) == 0 &&
		     listen(e->listener, SOMAXCONN) == 0,
	     "listen");
}

static void init_dialler(struct end *e, char **argv)
{
	e->listener = -1;
	must(SSL_CTX_load_verify_locations(e->ctx, argv[4], NULL) == 1, argv[4]);
	SSL_CTX_set_verify(e->ctx, SSL_VERIFY_PEER, NULL);
	e->count = (unsigned)atoi(argv[5]);
}

int main(int argc, char **argv)
{
	bool serving = argc == 6 && strcmp(argv[1], "serve") == 0;
	struct end e = {0};

	if (!serving && (argc != 6 || strcmp(argv[1], "dial"))) {
		fprintf(stderr, "usage: accepts serve ADDRESS PORT CERTIFICATE KEY\n"
				"       accepts dial ADDRESS PORT CA COUNT\n");
		return 2;
	}
	init(&e, serving, argv);
	if (serving) {
		init_server(&e, argv);
		serve(&e);
	}
	init_dialler(&e, argv);
	return dial(&e);
}
