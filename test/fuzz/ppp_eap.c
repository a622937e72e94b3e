/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP alone, with MS-CHAPv2 only or with EAP-TLS beside it. The keys are not known to the fuzzer either, so neither role
 * may ever accept, but a client by the one proof that the corpus has.
 */
#include "sstp/ppp/eap.h"
#include "sstp/ppp/eap_tls.h"
#include "test/fuzz/ppp_auth_run.h"
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
	const struct eap_tls_pair pair = {cert->cert, cert->key, NULL};
	char error[EAP_TLS_REASON_MAX];
	struct eap_tls_ctx *ctx = NULL;

	if (server)
		eap_tls_ctx_new_server(
			&(struct eap_tls_server){.pairs = &pair, .n_pairs = 1, .judge = refuse},
			&ctx, error);
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
	static const struct auth_run run = {
		.methods = {LINK_AUTH_EAP_MSCHAPV2, LINK_AUTH_EAP},
		.ctx_of = ctx_of,
		.check = check,
	};

	auth_run(&run, data, size);
	return 0;
}
