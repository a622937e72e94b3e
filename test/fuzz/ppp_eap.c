/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP alone. The first byte: bit 0 client, bit 1 EAP-TLS is allowed beside MS-CHAPv2. The "frames"
 * are EAP packets. The password and the keys are not known to the fuzzer, so neither role may ever
 * accept, but a client by the one proof that the corpus has.
 */
#include "sstp/ppp/eap.h"
#include "sstp/ppp/eap_tls.h"
#include "test/fuzz/ppp_records.h"
#include "test/support/testcert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool refuse(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct eap_tls_verdict *verdict)
{
	return false;
}

static struct eap_tls_ctx *new_ctx(bool server)
{
	struct testcert *cert = testcert_new(&(struct testcert_spec){.san = "DNS:gateway.test"});
	char *pem = testcert_cert_pem(cert), *key = testcert_key_pem(cert);
	const struct eap_tls_identity identity = {pem, key};
	char error[EAP_TLS_REASON_MAX];
	struct eap_tls_ctx *ctx = NULL;

	if (server)
		eap_tls_ctx_new_server(&(struct eap_tls_server){identity, NULL, refuse, NULL}, &ctx,
				       error);
	else
		eap_tls_ctx_new_client(&(struct eap_tls_client){identity, pem, "gateway.test"},
				       &ctx, error);
	if (!ctx)
		abort();
	free(pem);
	free(key);
	testcert_free(cert);
	return ctx;
}

/* Made once in the life of the process. */
static struct eap_tls_ctx *ctx_of(bool server)
{
	static struct eap_tls_ctx *ctx[2];

	if (!ctx[server])
		ctx[server] = new_ctx(server);
	return ctx[server];
}

static unsigned feed(struct auth *a, uint64_t now, const struct record *record, struct outbox *out)
{
	struct ppp_frame f = {PPP_EAP, record->frame, record->len};
	struct ppp_packet p;

	if (!record->frame)
		return auth_on_timer(a, now, out);
	if (frame_decode_packet(&f, &p))
		return 0;
	return auth_input(a, now, f.protocol, &p, out);
}

/* What must hold after each step; seen: all results so far. */
static void check(const struct auth *a, unsigned result, unsigned seen, const struct outbox *out)
{
	bool over = a->state == AUTH_ACCEPTED || a->state == AUTH_REFUSED;

	if (a->params.server && result & AUTH_OK)
		abort();
	if (over != !a->eap || over != !!((result | seen) & (AUTH_OK | AUTH_OVER)))
		abort();
	if (seen & (AUTH_OK | AUTH_OVER) && (result || out->used || a->deadline != CLOCK_NEVER))
		abort(); /* it is over, and again it says something */
	if (seen & AUTH_FAILED && result & (AUTH_FAILED | AUTH_OK | AUTH_ASK_USER))
		abort();
	if (!!((result | seen) & (AUTH_FAILED | AUTH_OVER)) != !!a->reason.text[0])
		abort();
	if (strlen(a->user) != a->user_len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct link_user user = {.nt_hash = "no one's hash..", .has_password = true};
	static const struct secret password = {.len = 10, .data = "clientPass"};
	static uint8_t buf[OUTBOX_SIZE];
	struct wire_reader r = wire_reader(data, size);
	struct outbox out = outbox(buf, sizeof(buf));
	size_t pos = 0;
	struct random_source random = {.fill = record_fill, .arg = &pos};
	uint8_t config = wire_u8(&r);
	bool server = !(config & 1);
	struct record record;
	unsigned result, seen;
	uint64_t now = 0;
	struct auth a;

	auth_init(&a, &(struct auth_params){
			      .server = server,
			      .name = server ? "gw" : "User",
			      .password = server ? NULL : &password,
			      .random = &random,
			      .eap_tls = ctx_of(server),
		      });
	seen = auth_start(&a, config & 2 ? LINK_AUTH_EAP : LINK_AUTH_EAP_MSCHAPV2, 1500, now, &out);
	record_check_output(&out);
	while (record_next(&r, &record)) {
		now += record.ns;
		result = feed(&a, now, &record, &out);
		free(record.frame);
		if (result & AUTH_ASK_USER)
			result |= auth_on_user(&a, now, &user, &out);
		check(&a, result, seen, &out);
		seen |= result;
		record_check_output(&out);
	}
	auth_done(&a);
	return 0;
}
