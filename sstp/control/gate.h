/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_GATE_H
#define SSTP_CONTROL_GATE_H
/*
 * The operator's API over TCP: TLS, and a gate behind it. Whoever shows a client certificate below the
 * CA, or a token in the head of his first request, is passed on to the unix socket (front.h). A certificate
 * is the whole connection's; a token is each request's own (gate_client()): somebody else's requests may come
 * on the same connection, through a proxy. Anybody else is answered 401 when he shows neither and 403 when what he
 * shows is not right, without a body, and is cut off: until then no byte of his has come to a parser of
 * HTTP or JSON.
 *
 * Limits: GATE_CONNECTIONS_MAX at a time, of them GATE_PER_ADDRESS_MAX of one address, one more is
 * closed at once; who is not through after GATE_DEADLINE_S is cut off; GATE_HEAD_MAX bytes of head
 * before it; of an address, GATE_STRANGERS_BURST connections that did not get through, then
 * GATE_STRANGERS_PER_S: more are closed before TLS; of an address, over all of its connections,
 * GATE_REQUESTS_BURST requests at once, then GATE_REQUESTS_PER_S: more are answered 429 with Retry-After, the
 * connection stays; GATE_BACKLOG_MAX bytes that the front has not read yet. Behind the gate front.h's limits count.
 */
#include <stddef.h>
#include <sys/socket.h>

#include "certs/error.h"
#include "sstp/control/bearer.h"
#include "sstp/net/loop.h"
#include "sstp/net/stream.h"

enum {
	GATE_CONNECTIONS_MAX = 128,
	GATE_PER_ADDRESS_MAX = 32,
	GATE_DEADLINE_S = 10,
	GATE_HEAD_MAX = 8 * 1024,
	GATE_STRANGERS_BURST = 500,
	GATE_STRANGERS_PER_S = 50,
	GATE_REQUESTS_BURST = 500,
	GATE_REQUESTS_PER_S = 100,
	GATE_BACKLOG_MAX = 17 << 20, /* a body of the largest size, with its head */
};

struct gate;

/* What lets in; one of the two at least: tls asks clients for certificates, or bearer is not NULL. */
struct gate_keys {
	struct tls_ctx *tls;   /* of a server; gate_new() and gate_set_keys() take it */
	struct bearer *bearer; /* taken likewise; NULL: tokens are wrong */
};

struct gate_params {
	struct sockaddr_storage address; /* to listen on */
	socklen_t address_len;
	const char *socket; /* of the front; borrowed for the gate's life */
};

/*
 * scratch: the loop's. Takes what keys holds, also on failure. 0 with an owned gate; -errno of the
 * listener with a sentence, -ENOMEM.
 */
int gate_new(struct loop *loop, struct stream_scratch *scratch, const struct gate_params *params,
	     const struct gate_keys *keys, struct gate **ret_gate, struct certs_error *ret_error);

/* Cuts all connections: they were let in by the old ones. */
void gate_set_keys(struct gate *g, const struct gate_keys *keys);

/* The bound address, with the port that the kernel chose for port 0. 0 or -errno. */
int gate_address(const struct gate *g, struct sockaddr_storage *ret_address);

/*
 * Who asks on a connection that the front has accepted from this process itself: address is the peer's,
 * authorization the header of the request, or NULL. 0 with "token" or "certificate SUBJECT", and the address
 * behind it: borrowed for as long as it is connected. 429: too many requests; 401: he shows nothing; 403: what is not
 * right, or it is nobody's connection. Each call is a request.
 */
int gate_client(const struct gate *g, const struct sockaddr *address, socklen_t len,
		const char *authorization, const char **ret_who);

/* Cuts all connections. Takes NULL. */
void gate_free(struct gate *g);

#endif
