/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key material by the specifications, computed here from the secrets of the handshake without
 * the exporter of OpenSSL, and what a conversation gives.
 */
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "sstp/ppp/eap_tls_internal.h"
#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/unit/ppp/eap_tls_rig.h"

enum {
	MATERIAL_SIZE = 128,
	RANDOM_SIZE = 32,
	MASTER_SIZE = 48,
};

/* What the keys are made of. */
struct secrets {
	char digest[16];
	uint8_t master[EVP_MAX_MD_SIZE]; /* TLS 1.2: master secret; 1.3: exporter master secret */
	size_t master_len;
	uint8_t randoms[2 * RANDOM_SIZE]; /* TLS 1.2: client's, server's */
};

static void derive(const char *name, OSSL_PARAM *params, uint8_t *ret_bytes, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	assert_int_equal(EVP_KDF_derive(ctx, ret_bytes, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* RFC 5216 section 2.3: the PRF over both randoms. */
static void material_tls12(struct secrets *s, uint8_t ret_material[MATERIAL_SIZE])
{
	char label[] = "client EAP encryption";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, s->digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, s->master, s->master_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, strlen(label)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, s->randoms,
						  sizeof(s->randoms)),
		OSSL_PARAM_END,
	};

	derive("TLS1-PRF", params, ret_material, MATERIAL_SIZE);
}

/* RFC 8446 section 7.1. */
static void hkdf_expand_label(struct secrets *s, const uint8_t *key, size_t key_len,
			      const char *label, const uint8_t *context, size_t context_len,
			      uint8_t *ret_bytes, size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	uint8_t info[512], key_copy[EVP_MAX_MD_SIZE];
	struct wire_writer w = wire_writer(info, sizeof(info));

	wire_put_be16(&w, (uint16_t)len);
	wire_put_u8(&w, (uint8_t)(strlen("tls13 ") + strlen(label)));
	wire_put(&w, "tls13 ", strlen("tls13 "));
	wire_put(&w, label, strlen(label));
	wire_put_u8(&w, (uint8_t)context_len);
	wire_put(&w, context, context_len);
	memcpy(key_copy, key, key_len);
	derive("HKDF",
	       (OSSL_PARAM[]){
		       OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		       OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, s->digest, 0),
		       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key_copy, key_len),
		       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, wire_len(&w)),
		       OSSL_PARAM_END,
	       },
	       ret_bytes, len);
}

static size_t hash(const struct secrets *s, const void *data, size_t len,
		   uint8_t ret_digest[EVP_MAX_MD_SIZE])
{
	unsigned n;

	assert_int_equal(
		EVP_Digest(data, len, ret_digest, &n, EVP_get_digestbyname(s->digest), NULL), 1);
	return n;
}

/* RFC 9190 section 2.3 with RFC 8446 section 7.5: the context is the EAP type. */
static void material_tls13(struct secrets *s, uint8_t ret_material[MATERIAL_SIZE])
{
	uint8_t digest[EVP_MAX_MD_SIZE], secret[EVP_MAX_MD_SIZE];
	size_t n = hash(s, "", 0, digest);

	hkdf_expand_label(s, s->master, s->master_len, "EXPORTER_EAP_TLS_Key_Material", digest, n,
			  secret, n);
	hash(s, "\x0d", 1, digest);
	hkdf_expand_label(s, secret, n, "exporter", digest, n, ret_material, MATERIAL_SIZE);
}

struct vector {
	const char *digest, *master, *randoms, *material;
};

static void check_vector(const struct vector *v,
			 void (*material_of)(struct secrets *s, uint8_t *ret_material))
{
	uint8_t expected[MATERIAL_SIZE], material[MATERIAL_SIZE];
	struct secrets s = {0};

	snprintf(s.digest, sizeof(s.digest), "%s", v->digest);
	s.master_len = hex_decode(v->master, s.master, sizeof(s.master));
	hex_decode(v->randoms, s.randoms, sizeof(s.randoms));
	assert_int_equal(hex_decode(v->material, expected, sizeof(expected)), MATERIAL_SIZE);
	material_of(&s, material);
	assert_memory_equal(material, expected, sizeof(expected));
}

static void tls12_vectors_reproduce(void **state)
{
	static const struct vector vectors[] = {
		{"SHA256",
		 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
		 "202122232425262728292a2b2c2d2e2f",
		 "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
		 "505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f",
		 "fad6a4dc167dc3127da1e8f808bb78c71a3c961dfc1b957e000d21b99cb68547"
		 "ba40217096789e1aca33274ae840b71842462009477138d7bc3d0d522f34d2bb"
		 "33aad8346ed01d9677a8fa27a9e88d9f16de095d394ad3162e9ef22a98581539"
		 "3a68c894be2d5c6c5bdc4b892e1fc72bb32887a663bdfecc2126b2720dfeafd6"},
		{"SHA384",
		 "0101af7274a5166e08fd6c8f53eb2220387237b7389674b39e27beb69580fa52"
		 "f5d63b778612c161191e62285835fbcb",
		 "e8026aacd4839a15cd3f486983a314932f9accf4fce2b7bb9c7ebb5488604195"
		 "0119bc9fe6ad729204774bf95a2192b76a250c3fa1f6f23dec952dab148148a4",
		 "b2f6519f69dbc137a84ceaa212e3b31a8153bae80a01ac4f4657100e83db56b4"
		 "f913fac91fbc0b8b92a7ab3d4d6a9d73d34f59388d1ec78a106fd0c6f443e6f7"
		 "213f018886fb93da877e54948442d44e90fb3e042f425ba44c964e5038194baa"
		 "487180502f31f10f266bd7a195bd25855d17ea506b19c823d4b7944ada19f007"},
	};

	for (size_t i = 0; i < 2; i++)
		check_vector(&vectors[i], material_tls12);
}

static void tls13_vectors_reproduce(void **state)
{
	static const struct vector vectors[] = {
		{"SHA256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "",
		 "59d2d0b3d955aa780569424b38d1db357da6f822c0239c14bc0b81ca9c67f715"
		 "a4b98ba605a3e957b94282d7d45cd75e182e729098e303fd04f379479bb6d181"
		 "382c53be203ce7f84c5b2b347a20bc0f2c24633f032f8048db730171f807c79a"
		 "04bbd6cfcb44dc268fb805147eff05d32d3968e71c4914b09bde3cc2b850ad84"},
		{"SHA384",
		 "60c53abe0510093f4ef730f02d1aa248cfdd2ae3bde8592e11bf7af58c05373e"
		 "eea6dba76bb6e63d11016c6179581c10",
		 "",
		 "2679089826d910b8e42f67bc8dc5f3be575a16f46f893975a9068772a6c3e3b4"
		 "b85c1614b6954aa50de996fffd79ed9f49661bc480a7e7bf15afcb79880ab65b"
		 "d329b4339d49673862ecb4d39ae1dd0b875f1088f98a93ac7001f6c29e3d96ee"
		 "fcabfdba844b5f835a875cecfca5d0b73e0ff45b5e8f5a3599708033e52aa259"},
	};

	for (size_t i = 0; i < 2; i++)
		check_vector(&vectors[i], material_tls13);
}

static struct secrets seen;

/* TLS 1.2: the server's secrets when its handshake is complete. */
static void see_tls12(const SSL *ssl, int where, int ret)
{
	if (!(where & SSL_CB_HANDSHAKE_DONE))
		return;
	seen.master_len =
		SSL_SESSION_get_master_key(SSL_get_session(ssl), seen.master, MASTER_SIZE);
	SSL_get_client_random(ssl, seen.randoms, RANDOM_SIZE);
	SSL_get_server_random(ssl, seen.randoms + RANDOM_SIZE, RANDOM_SIZE);
	snprintf(seen.digest, sizeof(seen.digest), "%s",
		 EVP_MD_get0_name(SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl))));
}

static void see_tls13(const SSL *ssl, const char *line)
{
	static const char name[] = "EXPORTER_SECRET ";

	if (strncmp(line, name, strlen(name)) != 0)
		return;
	line = strchr(line + strlen(name), ' ') + 1;
	seen.master_len = hex_decode(line, seen.master, sizeof(seen.master));
	snprintf(seen.digest, sizeof(seen.digest), "%s",
		 EVP_MD_get0_name(SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl))));
}

/* A handshake with this cipher; what both ends got is made of the secrets that were seen. */
static void check_handshake(int version, const char *cipher,
			    void (*material_of)(struct secrets *s, uint8_t *ret_material))
{
	uint8_t material[MATERIAL_SIZE];
	struct eap_tls_rig r;

	memset(&seen, 0, sizeof(seen));
	eap_tls_rig_init(&r, &(struct eap_tls_rig_spec){.version = version});
	if (version == TLS1_3_VERSION)
		assert_int_equal(SSL_CTX_set_ciphersuites(r.client_ctx->ssl, cipher), 1);
	else
		assert_int_equal(SSL_CTX_set_cipher_list(r.client_ctx->ssl, cipher), 1);
	SSL_CTX_set_info_callback(r.server_ctx->ssl, version == TLS1_2_VERSION ? see_tls12 : NULL);
	SSL_CTX_set_keylog_callback(r.server_ctx->ssl,
				    version == TLS1_3_VERSION ? see_tls13 : NULL);
	eap_tls_free(r.server);
	eap_tls_free(r.client);
	r.server = eap_tls_new(r.server_ctx, r.fragment_max);
	r.client = eap_tls_new(r.client_ctx, r.fragment_max);
	eap_tls_rig_run(&r);
	assert_int_equal(r.server_result, EAP_TLS_DONE);
	material_of(&seen, material);
	assert_memory_equal(eap_tls_msk(r.server), material, EAP_TLS_MSK_SIZE);
	assert_memory_equal(eap_tls_msk(r.client), material, EAP_TLS_MSK_SIZE);
	eap_tls_rig_done(&r);
}

static void tls12_key_is_that_of_rfc_5216(void **state)
{
	check_handshake(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", material_tls12);
	check_handshake(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", material_tls12);
}

static void tls13_key_is_that_of_rfc_9190(void **state)
{
	check_handshake(TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", material_tls13);
	check_handshake(TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", material_tls13);
	check_handshake(TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", material_tls13);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls12_vectors_reproduce),
		cmocka_unit_test(tls13_vectors_reproduce),
		cmocka_unit_test(tls12_key_is_that_of_rfc_5216),
		cmocka_unit_test(tls13_key_is_that_of_rfc_9190),
	};

	return cmocka_run_group_tests(tests, eap_tls_rig_setup, eap_tls_rig_teardown);
}
