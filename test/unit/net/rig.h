/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_NET_RIG_H
#define TEST_UNIT_NET_RIG_H
/*
 * Two streams, server and client, in one loop over loopback. Each end writes down what it was told, and a test may
 * put functions of its own into the callbacks. Every wait has a watchdog; nothing sleeps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sstp/net/listen.h"
#include "sstp/net/loop.h"
#include "sstp/net/stream.h"
#include "sstp/net/tls.h"
#include "test/support/testcert.h"

struct rig;

#define on_rig(test) cmocka_unit_test_setup_teardown(test, rig_test_setup, rig_test_teardown)

struct end {
	struct rig *rig;
	struct stream *stream; /* NULL: not there yet, or freed */
	unsigned opened;
	unsigned data_calls;
	unsigned writable;
	unsigned ended;
	enum stream_end why;
	char text[512];
	unsigned certs; /* answers to stream_request_certificate() */
	uint8_t *cert;	/* the last one's DER; NULL: the client had none */
	size_t cert_len;
	uint8_t *data;
	size_t len;
	size_t sent; /* the test's own count */
	/* the test's own; NULL: only written down */
	void (*on_open)(struct end *e);
	ssize_t (*on_data)(struct end *e, uint8_t *buf, size_t len);
	void (*on_writable)(struct end *e);
	void (*on_certificate)(struct end *e);
	void (*on_end)(struct end *e);
};

struct rig {
	struct loop *loop;
	struct stream_scratch *scratch;
	struct listener *listener;
	struct loop_timer *watchdog;
	struct sockaddr_storage addr;
	struct tls_ctx *server_tls;
	struct tls_ctx *client_tls;
	struct end server;
	struct end client;
	bool raw_server; /* leave accepted sockets to the test: */
	int accepted_fd; /* -1: none */
	bool (*until)(struct rig *rig);
};

/* A server with a certificate for gateway.test and 127.0.0.1 from a root that the client knows. */
void rig_setup(struct rig *rig);
void rig_teardown(struct rig *rig);

/* The same as CMocka wants them; *state is the rig. */
int rig_test_setup(void **state);
int rig_test_teardown(void **state);

/* The certificates behind rig_setup(), made once per program. */
const struct testcert *rig_root(void);
const struct testcert *rig_server_cert(void);

/* The server presents this one (borrowed) from now on. */
void rig_present(struct rig *rig, const struct testcert *cert);

/* Starts the client towards the listener. */
void rig_connect(struct rig *rig, const char *server_name);

/* Runs passes until the condition holds at the end of one; fails the test after five seconds. */
void rig_run(struct rig *rig, bool (*until)(struct rig *rig));

/* Conditions. */
bool rig_both_open(struct rig *rig);
bool rig_both_ended(struct rig *rig);
bool rig_server_ended(struct rig *rig);
bool rig_client_ended(struct rig *rig);

/* Both connected and open. */
void rig_open(struct rig *rig);

/* The callbacks that write into a struct end. */
extern const struct stream_ops rig_ops;

void end_free(struct end *e);

#endif
