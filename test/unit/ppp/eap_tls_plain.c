/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/ppp/eap_tls_plain.h"

#include <string.h>

#include "test/support/cmocka.h"

static void init(struct plain *p, int version, const SSL_METHOD *method,
		 const struct testcert *cert)
{
	eap_tls_rig_init(&p->r, &(struct eap_tls_rig_spec){.version = version});
	p->ctx = SSL_CTX_new(method);
	assert_non_null(p->ctx);
	assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, version), 1);
	if (cert) {
		assert_int_equal(SSL_CTX_use_certificate(p->ctx, cert->cert), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(p->ctx, cert->key), 1);
	}
}

static void connect(struct plain *p)
{
	p->ssl = SSL_new(p->ctx);
	assert_non_null(p->ssl);
	SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

void plain_server_init(struct plain *p, int version, const struct testcert *cert, size_t tickets)
{
	init(p, version, TLS_server_method(), cert);
	SSL_CTX_set_num_tickets(p->ctx, tickets);
	connect(p);
	SSL_set_accept_state(p->ssl);
	eap_tls_rig_put(&p->r, "\x20", 1);
}

void plain_client_init(struct plain *p, int version, const struct testcert *cert)
{
	init(p, version, TLS_client_method(), cert);
	connect(p);
	SSL_set_connect_state(p->ssl);
}

void plain_done(struct plain *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	eap_tls_rig_done(&p->r);
}

SSL *plain_take(struct plain *p)
{
	int len = (int)p->r.len - 1;

	assert_int_equal(p->r.packet[0] & 0x40, 0);
	if (len > 0)
		assert_int_equal(BIO_write(SSL_get_rbio(p->ssl), p->r.packet + 1, len), len);
	return p->ssl;
}

void plain_flush(struct plain *p)
{
	int n = BIO_read(SSL_get_wbio(p->ssl), p->r.packet + 1, sizeof(p->r.packet) - 1);

	p->r.packet[0] = 0;
	p->r.len = n > 0 ? (size_t)n + 1 : 1;
}

int plain_handshake(struct plain *p)
{
	int result = SSL_do_handshake(plain_take(p));

	plain_flush(p);
	return result;
}

void plain_write(struct plain *p, const char *data, int len)
{
	size_t before = p->r.len;
	uint8_t saved[4096];

	assert_in_range(before, 1, sizeof(saved));
	memcpy(saved, p->r.packet, before);
	assert_int_equal(SSL_write(p->ssl, data, len), len);
	plain_flush(p);
	memmove(p->r.packet + before, p->r.packet + 1, p->r.len - 1);
	memcpy(p->r.packet, saved, before);
	p->r.len += before - 1;
}

void plain_until_finished(struct plain *p)
{
	for (int finished = 0; finished < 2; finished++) {
		assert_int_equal(eap_tls_rig_input(&p->r, p->r.client), EAP_TLS_MORE);
		assert_int_equal(plain_handshake(p), finished ? 1 : -1);
	}
}

void plain_until_server_finished(struct plain *p)
{
	eap_tls_rig_step(&p->r);
	for (int i = 0; i < 2; i++) {
		plain_handshake(p);
		assert_int_equal(eap_tls_rig_input(&p->r, p->r.server), EAP_TLS_MORE);
	}
}
