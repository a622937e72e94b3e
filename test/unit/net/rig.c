/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/net/rig.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"

static void on_open(void *arg)
{
	struct end *e = arg;

	e->opened++;
	if (e->on_open)
		e->on_open(e);
}

static ssize_t on_data(void *arg, uint8_t *buf, size_t len)
{
	struct end *e = arg;

	e->data_calls++;
	if (e->on_data)
		return e->on_data(e, buf, len);
	e->data = realloc(e->data, e->len + len);
	assert_non_null(e->data);
	memcpy(e->data + e->len, buf, len);
	e->len += len;
	return (ssize_t)len;
}

static void on_writable(void *arg)
{
	struct end *e = arg;

	e->writable++;
	if (e->on_writable)
		e->on_writable(e);
}

static void on_certificate(void *arg, const uint8_t *der, size_t len)
{
	struct end *e = arg;

	e->certs++;
	free(e->cert);
	e->cert = NULL;
	e->cert_len = len;
	if (der) {
		e->cert = malloc(len);
		assert_non_null(e->cert);
		memcpy(e->cert, der, len);
	}
	if (e->on_certificate)
		e->on_certificate(e);
}

static void on_end(void *arg, enum stream_end why, const char *text)
{
	struct end *e = arg;

	e->ended++;
	e->why = why;
	snprintf(e->text, sizeof(e->text), "%s", text);
	if (e->on_end)
		e->on_end(e);
}

const struct stream_ops rig_ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_writable = on_writable,
	.on_certificate = on_certificate,
	.on_end = on_end,
};

void end_free(struct end *e)
{
	stream_free(e->stream);
	e->stream = NULL;
}

static void accepted(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct rig *rig = arg;

	if (rig->raw_server) {
		rig->accepted_fd = fd;
		return;
	}
	assert_null(rig->server.stream);
	rig->server.stream =
		stream_accept(rig->scratch, fd, rig->server_tls, &rig_ops, &rig->server);
	assert_non_null(rig->server.stream);
}

static void check_until(void *arg)
{
	struct rig *rig = arg;

	if (rig->until && rig->until(rig))
		loop_stop(rig->loop);
}

static void watchdog_expired(void *arg)
{
	fail_msg("nothing happened for five seconds");
}

const struct testcert *rig_root(void)
{
	static struct testcert *root;

	if (!root)
		root = testcert_new(&(struct testcert_spec){.common_name = "root", .is_ca = true});
	return root;
}

const struct testcert *rig_server_cert(void)
{
	static struct testcert *cert;

	if (!cert)
		cert = testcert_new(&(struct testcert_spec){.common_name = "gateway.test",
							    .san = "DNS:gateway.test,IP:127.0.0.1",
							    .eku = "serverAuth",
							    .issuer = rig_root()});
	return cert;
}

static void make_contexts(struct rig *rig)
{
	static const char *cert;
	static const char *key;
	static const char *root;
	char error[TLS_ERROR_MAX];

	if (!cert) {
		cert = testcert_path("rig-cert.pem");
		key = testcert_path("rig-key.pem");
		root = testcert_path("rig-root.pem");
		testcert_write_chain(rig_server_cert(), cert);
		testcert_write_key(rig_server_cert(), key);
		testcert_write_cert(rig_root(), root);
	}
	assert_int_equal(tls_ctx_new_server(cert, key, &rig->server_tls, error), 0);
	assert_int_equal(tls_ctx_new_client(root, &rig->client_tls, error), 0);
}

static void listen_on_loopback(struct rig *rig)
{
	struct sockaddr_storage addr;
	socklen_t len;

	assert_int_equal(address_parse("127.0.0.1:0", 0, &addr, &len), 0);
	rig->listener = listener_new(rig->loop, (struct sockaddr *)&addr, len, accepted, rig);
	assert_non_null(rig->listener);
	assert_int_equal(listener_address(rig->listener, &rig->addr), 0);
}

void rig_setup(struct rig *rig)
{
	*rig = (struct rig){.accepted_fd = -1};
	rig->server.rig = rig;
	rig->client.rig = rig;
	rig->loop = loop_new();
	assert_non_null(rig->loop);
	rig->scratch = stream_scratch_new(rig->loop);
	assert_non_null(rig->scratch);
	rig->watchdog = loop_timer_new(rig->loop, watchdog_expired, rig);
	assert_non_null(rig->watchdog);
	assert_int_equal(loop_on_pass_end(rig->loop, check_until, rig), 0);
	make_contexts(rig);
	listen_on_loopback(rig);
}

void rig_teardown(struct rig *rig)
{
	end_free(&rig->server);
	end_free(&rig->client);
	listener_free(rig->listener);
	loop_timer_free(rig->watchdog);
	stream_scratch_free(rig->scratch);
	loop_free(rig->loop);
	tls_ctx_unref(rig->server_tls);
	tls_ctx_unref(rig->client_tls);
	free(rig->server.data);
	free(rig->client.data);
	free(rig->server.cert);
	free(rig->client.cert);
	if (rig->accepted_fd >= 0)
		close(rig->accepted_fd);
}

void rig_present(struct rig *rig, const struct testcert *cert)
{
	const char *chain = testcert_path("presented.pem");
	const char *key = testcert_path("presented-key.pem");
	char error[TLS_ERROR_MAX];

	testcert_write_chain(cert, chain);
	testcert_write_key(cert, key);
	tls_ctx_unref(rig->server_tls);
	assert_int_equal(tls_ctx_new_server(chain, key, &rig->server_tls, error), 0);
}

int rig_test_setup(void **state)
{
	static struct rig rig;

	rig_setup(&rig);
	*state = &rig;
	return 0;
}

int rig_test_teardown(void **state)
{
	rig_teardown(*state);
	return 0;
}

void rig_connect(struct rig *rig, const char *server_name)
{
	rig->client.stream = stream_connect(rig->scratch, (struct sockaddr *)&rig->addr,
					    sizeof(struct sockaddr_in), server_name,
					    rig->client_tls, &rig_ops, &rig->client);
	assert_non_null(rig->client.stream);
}

void rig_run(struct rig *rig, bool (*until)(struct rig *rig))
{
	rig->until = until;
	loop_timer_set(rig->watchdog, clock_now() + 5 * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(rig->loop), 0);
	loop_timer_set(rig->watchdog, CLOCK_NEVER);
	rig->until = NULL;
}

bool rig_both_open(struct rig *rig)
{
	return rig->server.opened && rig->client.opened;
}

bool rig_both_ended(struct rig *rig)
{
	return rig->server.ended && rig->client.ended;
}

bool rig_server_ended(struct rig *rig)
{
	return rig->server.ended;
}

bool rig_client_ended(struct rig *rig)
{
	return rig->client.ended;
}

void rig_open(struct rig *rig)
{
	rig_connect(rig, "gateway.test");
	rig_run(rig, rig_both_open);
}
