/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server and a client of EAP-TLS whose packets the input changes on their way. The first byte:
 * bit 0 TLS 1.3, bit 1 fragments of 200 bytes, bit 2 the judge refuses. Then an operation for each
 * packet; when the input ends the others pass as they are.
 *
 *   0x80 position(2) mask(1)   changes bits
 *   0x81 length(2)             cuts it
 *   0x82 length(2) bytes       another packet instead
 *   0x83 length(1) bytes       adds to it
 *   else                       passes
 *
 * Randomness and certificates are the same in every run, so an input always takes the same way.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* of RAND_METHOD: nothing else is as simple */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sstp/base/wire.h"
#include "sstp/ppp/eap_tls_internal.h"
#include "test/support/prng.h"
#include "test/support/testcert.h"

enum {
	PACKET_MAX = 65536,
	STEPS_MAX = 2 * EAP_TLS_ROUNDS_MAX + 8,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct prng rng;

static int random_bytes(unsigned char *buf, int len)
{
	for (int i = 0; i < len; i++)
		buf[i] = (unsigned char)prng_next(&rng);
	return 1;
}

static int random_status(void)
{
	return 1;
}

static bool refuses;

static bool judge(void *arg, X509 *leaf, STACK_OF(X509) * chain,
		  struct eap_tls_verdict *ret_verdict)
{
	snprintf(ret_verdict->name, sizeof(ret_verdict->name), "worker 7");
	ret_verdict->alert = SSL_AD_CERTIFICATE_REVOKED;
	return !refuses;
}

/* Of TLS 1.2 and 1.3. */
static struct eap_tls_ctx *server_ctxs[2], *client_ctxs[2];

static void make_contexts(const struct testcert *root, const struct testcert *server,
			  const struct testcert *client, int is_tls13)
{
	int version = is_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
	const struct eap_tls_pair pair = {server->cert, server->key, NULL};
	struct eap_tls_server s = {.pairs = &pair, .n_pairs = 1, .judge = judge};
	struct eap_tls_client c = {
		.identity = {testcert_chain_pem(client), testcert_key_pem(client)},
		.roots = testcert_cert_pem(root),
		.server_name = "gateway.test",
	};
	char error[EAP_TLS_REASON_MAX];

	must(eap_tls_ctx_new_server(&s, &server_ctxs[is_tls13], error) == 0);
	must(eap_tls_ctx_new_client(&c, &client_ctxs[is_tls13], error) == 0);
	must(SSL_CTX_set_min_proto_version(server_ctxs[is_tls13]->ssl, version) == 1);
	must(SSL_CTX_set_max_proto_version(server_ctxs[is_tls13]->ssl, version) == 1);
	free((char *)c.identity.chain);
	free((char *)c.identity.key);
	free((char *)c.roots);
}

/* Valid for the same time whenever it is made: from 2020 to 2049. */
static struct testcert *new_cert(struct testcert_spec spec)
{
	long now = (long)time(NULL);

	spec.not_before_s = 1600000000 - now;
	spec.not_after_s = 2500000000 - now;
	return testcert_new(&spec);
}

static void set_up(void)
{
	static const RAND_METHOD method = {
		.bytes = random_bytes, .pseudorand = random_bytes, .status = random_status};
	struct testcert *root, *server, *client;

	rng.state = 1;
	must(RAND_set_rand_method(&method) == 1);
	root = new_cert((struct testcert_spec){.is_ca = true});
	server = new_cert((struct testcert_spec){.issuer = root, .san = "DNS:gateway.test"});
	client = new_cert((struct testcert_spec){.issuer = root, .eku = "clientAuth"});
	for (int i = 0; i < 2; i++)
		make_contexts(root, server, client, i);
	testcert_free(client);
	testcert_free(server);
	testcert_free(root);
}

struct transit {
	uint8_t bytes[PACKET_MAX];
	size_t len;
	size_t fragment_max;
};

static void replace(struct transit *packet, struct wire_reader *r, size_t at, size_t len)
{
	const uint8_t *bytes;

	if (len > wire_left(r))
		len = wire_left(r);
	if (len > sizeof(packet->bytes) - at)
		len = sizeof(packet->bytes) - at;
	bytes = wire_bytes(r, len);
	if (len)
		memcpy(packet->bytes + at, bytes, len);
	packet->len = at + len;
}

static void change(struct transit *packet, struct wire_reader *r)
{
	size_t n;

	switch (wire_u8(r)) {
	case 0x80:
		n = wire_be16(r);
		if (packet->len)
			packet->bytes[n % packet->len] ^= wire_u8(r);
		break;
	case 0x81:
		n = wire_be16(r);
		packet->len = n < packet->len ? n : packet->len;
		break;
	case 0x82: replace(packet, r, 0, wire_be16(r)); break;
	case 0x83: replace(packet, r, packet->len, wire_u8(r)); break;
	default: break;
	}
}

static void check_reason(const struct eap_tls *t)
{
	const char *reason = eap_tls_reason(t);

	must(strlen(reason) < EAP_TLS_REASON_MAX);
	for (; *reason; reason++)
		must(*reason >= ' ' && *reason <= '~');
}

static enum eap_tls_result give(struct eap_tls *t, struct transit *packet)
{
	uint8_t *input = malloc(packet->len ? packet->len : 1);
	enum eap_tls_result result;

	must(input);
	if (packet->len)
		memcpy(input, packet->bytes, packet->len);
	result = eap_tls_input(t, input, packet->len, packet->bytes, packet->fragment_max,
			       &packet->len);
	free(input);
	must(packet->len <= packet->fragment_max);
	must((eap_tls_msk(t) != NULL) == (result == EAP_TLS_DONE));
	must(result != EAP_TLS_FAILED || eap_tls_reason(t)[0]);
	must(result != EAP_TLS_MORE || packet->len > 0);
	check_reason(t);
	return result;
}

static void converse(struct eap_tls *server, struct eap_tls *client, struct transit *packet,
		     struct wire_reader *r)
{
	enum eap_tls_result of_client = EAP_TLS_MORE, of_server = EAP_TLS_MORE;
	unsigned steps = 0;

	eap_tls_begin(server, packet->bytes, sizeof(packet->bytes), &packet->len);
	while (of_server == EAP_TLS_MORE) {
		must(++steps < STEPS_MAX);
		change(packet, r);
		of_client = give(client, packet);
		if (of_client == EAP_TLS_FAILED && packet->len == 0)
			break;
		change(packet, r);
		of_server = give(server, packet);
	}
	must(of_server != EAP_TLS_DONE || !refuses);
	if (of_server == EAP_TLS_DONE && of_client == EAP_TLS_DONE)
		must(memcmp(eap_tls_msk(server), eap_tls_msk(client), EAP_TLS_MSK_SIZE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct transit packet;
	struct wire_reader r = wire_reader(data, size);
	uint8_t config = wire_u8(&r);
	struct eap_tls *server, *client;

	if (!server_ctxs[0])
		set_up();
	rng.state = 1;
	refuses = config & 4;
	packet.fragment_max = config & 2 ? 200 : EAP_TLS_FRAGMENT_MAX;
	server = eap_tls_new(server_ctxs[config & 1], packet.fragment_max);
	client = eap_tls_new(client_ctxs[config & 1], packet.fragment_max);
	must(server && client);
	converse(server, client, &packet, &r);
	eap_tls_free(server);
	eap_tls_free(client);
	return 0;
}
