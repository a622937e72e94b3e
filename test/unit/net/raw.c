/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/net/raw.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

int raw_tcp(struct rig *rig)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&rig->addr, sizeof(struct sockaddr_in)), 0);
	return fd;
}

static void note_message(int sent, int version, int type, const void *buf, size_t len, SSL *ssl,
			 void *arg)
{
	struct raw *raw = arg;

	if (sent || type != SSL3_RT_HANDSHAKE || len == 0)
		return;
	raw->key_updates += *(const uint8_t *)buf == SSL3_MT_KEY_UPDATE;
	raw->tickets += *(const uint8_t *)buf == SSL3_MT_NEWSESSION_TICKET;
}

static void finish(struct raw *raw, int error)
{
	raw->closed = true;
	raw->error = error;
	loop_io_watch(raw->io, 0);
}

static void read_all(struct raw *raw)
{
	uint8_t buf[16384];
	int n;

	while ((n = SSL_read(raw->ssl, buf, sizeof(buf))) > 0) {
		if (raw->len + (size_t)n > raw->cap) {
			raw->cap = 2 * (raw->cap + sizeof(buf));
			raw->data = realloc(raw->data, raw->cap);
			assert_non_null(raw->data);
		}
		memcpy(raw->data + raw->len, buf, (size_t)n);
		raw->len += (size_t)n;
	}
	n = SSL_get_error(raw->ssl, n);
	if (n != SSL_ERROR_WANT_READ)
		finish(raw, n);
}

static void ready(void *arg, unsigned bits)
{
	struct raw *raw = arg;
	int n;

	ERR_clear_error();
	if (!raw->open) {
		n = SSL_get_error(raw->ssl, SSL_do_handshake(raw->ssl));
		raw->open = n == SSL_ERROR_NONE;
		loop_io_watch(raw->io, LOOP_READ);
		if (!raw->open && n != SSL_ERROR_WANT_READ)
			finish(raw, n);
	}
	if (raw->open)
		read_all(raw);
}

/* TLS on fd (taken), in the role of the method. */
static void start(struct raw *raw, struct rig *rig, int fd, const SSL_METHOD *method)
{
	*raw = (struct raw){.rig = rig, .fd = fd};
	fcntl(raw->fd, F_SETFL, O_NONBLOCK);
	raw->ctx = SSL_CTX_new(method);
	assert_non_null(raw->ctx);
	SSL_CTX_use_certificate(raw->ctx, rig_server_cert()->cert);
	SSL_CTX_use_PrivateKey(raw->ctx, rig_server_cert()->key);
	raw->ssl = SSL_new(raw->ctx);
	assert_non_null(raw->ssl);
	SSL_set_fd(raw->ssl, raw->fd);
	SSL_set_msg_callback(raw->ssl, note_message);
	SSL_set_msg_callback_arg(raw->ssl, raw);
	raw->io = loop_io_new(rig->loop, raw->fd, LOOP_WRITE, ready, raw);
	assert_non_null(raw->io);
}

void raw_connect(struct raw *raw, struct rig *rig)
{
	start(raw, rig, raw_tcp(rig), TLS_client_method());
	SSL_set_connect_state(raw->ssl);
}

static bool is_accepted(struct rig *rig)
{
	return rig->accepted_fd >= 0;
}

void raw_accept(struct raw *raw, struct rig *rig)
{
	rig->raw_server = true;
	rig_connect(rig, "gateway.test");
	rig_run(rig, is_accepted);
	start(raw, rig, rig->accepted_fd, TLS_server_method());
	rig->accepted_fd = -1;
	SSL_set_accept_state(raw->ssl);
}

void raw_send(struct raw *raw, const void *data, size_t len)
{
	assert_int_equal(SSL_write(raw->ssl, data, (int)len), (int)len);
}

void raw_stop_reading(struct raw *raw)
{
	loop_io_watch(raw->io, 0);
}

void raw_read_on(struct raw *raw)
{
	loop_io_watch(raw->io, LOOP_READ);
}

void raw_close(struct raw *raw)
{
	loop_io_free(raw->io);
	SSL_free(raw->ssl);
	SSL_CTX_free(raw->ctx);
	close(raw->fd);
	free(raw->data);
}
