/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/ppp/eap_tls_rig.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/ppp/eap_tls_internal.h"
#include "test/support/cmocka.h"

enum {
	CERTS_MAX = 64,
	KINDS = 2, /* EC, RSA */
};

const struct testcert *rig_root;
const struct testcert *rig_other_root;
static const struct testcert *servers[KINDS], *clients[KINDS];
static struct testcert *certs[CERTS_MAX];
static size_t n_certs;

const struct testcert *eap_tls_rig_cert(const struct testcert_spec *spec)
{
	struct testcert_spec full = *spec;

	assert_true(n_certs < CERTS_MAX);
	if (!full.issuer && !full.is_ca)
		full.issuer = rig_root;
	return certs[n_certs++] = testcert_new(&full);
}

int eap_tls_rig_setup(void **state)
{
	static const enum testcert_key keys[KINDS] = {TESTCERT_EC, TESTCERT_RSA};

	rig_root = eap_tls_rig_cert(&(struct testcert_spec){.common_name = "root", .is_ca = true});
	rig_other_root =
		eap_tls_rig_cert(&(struct testcert_spec){.common_name = "other", .is_ca = true});
	for (int i = 0; i < KINDS; i++) {
		servers[i] = eap_tls_rig_cert(&(struct testcert_spec){
			.key = keys[i], .san = "DNS:gateway.test", .eku = "serverAuth"});
		clients[i] = eap_tls_rig_cert(&(struct testcert_spec){
			.key = keys[i], .common_name = "worker 7", .eku = "clientAuth"});
	}
	return 0;
}

int eap_tls_rig_teardown(void **state)
{
	while (n_certs > 0)
		testcert_free(certs[--n_certs]);
	return 0;
}

static bool refuse(struct eap_tls_verdict *verdict, uint8_t alert, const char *sentence)
{
	verdict->alert = alert;
	snprintf(verdict->sentence, sizeof(verdict->sentence), "%s", sentence);
	return false;
}

static bool set_thumbprint(const X509 *leaf, char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	if (X509_digest(leaf, EVP_sha1(), digest, &len) != 1)
		return false;
	for (unsigned i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02X", digest[i]);
	return true;
}

static int verify(X509 *leaf, STACK_OF(X509) * chain, const struct testcert *root)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error = X509_V_ERR_OUT_OF_MEM;

	if (store && ctx && X509_STORE_add_cert(store, root->cert) == 1 &&
	    X509_STORE_CTX_init(ctx, store, leaf, chain) == 1) {
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
		X509_verify_cert(ctx);
		error = X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return error;
}

bool eap_tls_rig_judge(void *arg, X509 *leaf, STACK_OF(X509) * chain,
		       struct eap_tls_verdict *ret_verdict)
{
	struct eap_tls_rig_judge *judge = arg;

	judge->calls++;
	judge->chain_len = sk_X509_num(chain);
	if (!set_thumbprint(leaf, ret_verdict->thumbprint))
		return refuse(ret_verdict, SSL_AD_INTERNAL_ERROR, "out of memory");
	switch (verify(leaf, chain, judge->root)) {
	case X509_V_OK: break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return refuse(ret_verdict, SSL_AD_CERTIFICATE_EXPIRED, "certificate has expired");
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return refuse(ret_verdict, SSL_AD_BAD_CERTIFICATE, "certificate is not yet valid");
	case X509_V_ERR_INVALID_PURPOSE:
		return refuse(ret_verdict, SSL_AD_UNSUPPORTED_CERTIFICATE, "no clientAuth");
	default: return refuse(ret_verdict, SSL_AD_UNKNOWN_CA, "certificate is of no known root");
	}
	if (judge->revoked && X509_cmp(leaf, judge->revoked->cert) == 0)
		return refuse(ret_verdict, SSL_AD_CERTIFICATE_REVOKED, "certificate is revoked");
	X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, ret_verdict->name,
				  sizeof(ret_verdict->name));
	memset(ret_verdict->memo, 'm', sizeof(ret_verdict->memo));
	return true;
}

static void set_version(struct eap_tls_ctx *ctx, int version)
{
	if (!version)
		return;
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx->ssl, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx->ssl, version), 1);
}

struct eap_tls_ctx *eap_tls_rig_server_ctx(const struct eap_tls_rig_spec *spec,
					   struct eap_tls_rig_judge *judge)
{
	const struct testcert *own = spec->server ? spec->server : servers[spec->is_rsa];
	const struct testcert *too = spec->server_too ? spec->server_too : own;
	struct eap_tls_pair pairs[] = {{own->cert, own->key, testcert_chain(own)},
				       {too->cert, too->key, testcert_chain(too)}};
	char *authorities = spec->authority ? testcert_cert_pem(spec->authority) : NULL;
	struct eap_tls_server params = {
		.pairs = pairs,
		.n_pairs = spec->server_too ? 2 : 1,
		.authorities = authorities,
		.judge = spec->judge ? spec->judge : eap_tls_rig_judge,
		.arg = spec->judge ? spec->arg : judge,
	};
	char error[EAP_TLS_REASON_MAX] = "";
	struct eap_tls_ctx *ctx;

	judge->root = rig_root;
	if (eap_tls_ctx_new_server(&params, &ctx, error) != 0)
		fail_msg("%s", error);
	set_version(ctx, spec->version);
	for (int i = 0; i < 2; i++)
		sk_X509_pop_free(pairs[i].chain, X509_free);
	free(authorities);
	return ctx;
}

struct eap_tls_ctx *eap_tls_rig_client_ctx(const struct eap_tls_rig_spec *spec)
{
	const struct testcert *own = spec->client ? spec->client : clients[spec->is_rsa];
	char *chain = testcert_chain_pem(own), *key = testcert_key_pem(own);
	char *roots = testcert_cert_pem(spec->trusted ? spec->trusted : rig_root);
	struct eap_tls_client params = {
		.identity = {chain, key},
		.roots = roots,
		.server_name = spec->server_name ? spec->server_name : "gateway.test",
	};
	char error[EAP_TLS_REASON_MAX] = "";
	struct eap_tls_ctx *ctx;

	if (eap_tls_ctx_new_client(&params, &ctx, error) != 0)
		fail_msg("%s", error);
	set_version(ctx, spec->version);
	free(chain);
	free(key);
	free(roots);
	return ctx;
}

void eap_tls_rig_init(struct eap_tls_rig *r, const struct eap_tls_rig_spec *spec)
{
	memset(r, 0, sizeof(*r));
	r->fragment_max = spec->fragment_max ? spec->fragment_max : EAP_TLS_FRAGMENT_MAX;
	r->server_ctx = eap_tls_rig_server_ctx(spec, &r->judge);
	r->client_ctx = eap_tls_rig_client_ctx(spec);
	r->server = eap_tls_new(r->server_ctx, r->fragment_max);
	r->client = eap_tls_new(r->client_ctx, r->fragment_max);
	assert_non_null(r->server);
	assert_non_null(r->client);
}

void eap_tls_rig_done(struct eap_tls_rig *r)
{
	/* conversations keep their context */
	eap_tls_ctx_unref(r->server_ctx);
	eap_tls_ctx_unref(r->client_ctx);
	eap_tls_free(r->server);
	eap_tls_free(r->client);
}

enum eap_tls_result eap_tls_rig_input(struct eap_tls_rig *r, struct eap_tls *t)
{
	/* exactly as large as it is, so that ASan sees the first byte past it */
	uint8_t *packet = malloc(r->len ? r->len : 1);
	enum eap_tls_result result;
	size_t len = r->len;

	assert_non_null(packet);
	memcpy(packet, r->packet, len);
	result = eap_tls_input(t, packet, len, r->packet, r->fragment_max, &r->len);
	assert_in_range(r->len, 0, r->fragment_max);
	free(packet);
	return result;
}

static bool made_packet(struct eap_tls_rig *r, bool from_server)
{
	if (r->len == 0)
		return false;
	r->packets++;
	if (r->on_packet)
		r->on_packet(r, from_server);
	return true;
}

bool eap_tls_rig_step(struct eap_tls_rig *r)
{
	if (r->packets == 0) {
		eap_tls_begin(r->server, r->packet, sizeof(r->packet), &r->len);
		return made_packet(r, true);
	}
	if (r->packets % 2 == 1) {
		r->client_result = eap_tls_rig_input(r, r->client);
		return made_packet(r, false);
	}
	r->server_result = eap_tls_rig_input(r, r->server);
	assert_int_equal(r->len > 0, r->server_result == EAP_TLS_MORE);
	return made_packet(r, true);
}

void eap_tls_rig_run(struct eap_tls_rig *r)
{
	while (eap_tls_rig_step(r))
		;
}

void eap_tls_rig_run_until(struct eap_tls_rig *r, unsigned packets)
{
	while (r->packets < packets)
		assert_true(eap_tls_rig_step(r));
}

void eap_tls_rig_put(struct eap_tls_rig *r, const void *bytes, size_t len)
{
	assert_in_range(len, 0, sizeof(r->packet));
	memcpy(r->packet, bytes, len);
	r->len = len;
}
