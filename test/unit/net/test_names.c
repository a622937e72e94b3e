/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate a client is shown, and what the server then knows of the connection. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sstp/net/tls_internal.h"
#include "test/support/cmocka.h"
#include "test/unit/net/rig.h"

enum {
	DIGEST = 32,
	SITES = 5,
};

/* In the order in which the server has them. The first is RSA, and what clients of addresses get. */
static const struct {
	const char *san;
	enum testcert_key key;
	int tag;
} sites[SITES] = {
	{"DNS:gateway.test,IP:127.0.0.1", TESTCERT_RSA, TLS_NO_TAG},
	{"DNS:gateway.test,IP:127.0.0.1", TESTCERT_EC, TLS_NO_TAG},
	{"DNS:*.lab.test", TESTCERT_RSA, 0},
	{"DNS:gw.lab.test", TESTCERT_EC, 1},
	{"DNS:edward.test", TESTCERT_ED25519, 2},
};

static struct testcert *certs[SITES];
static struct tls_pair pairs[SITES];
static const char *root_file;

static struct tls_pair write_pair(const struct testcert *c, const char *name, int tag)
{
	struct tls_pair pair = {.tag = tag};
	char file[64];

	snprintf(file, sizeof(file), "%s.pem", name);
	pair.cert_file = testcert_path(file);
	snprintf(file, sizeof(file), "%s.key", name);
	pair.key_file = testcert_path(file);
	testcert_write_chain(c, pair.cert_file);
	testcert_write_key(c, pair.key_file);
	return pair;
}

static struct testcert *make_cert(const char *san, enum testcert_key key)
{
	return testcert_new(&(struct testcert_spec){.common_name = "site",
						    .san = san,
						    .eku = "serverAuth",
						    .key = key,
						    .issuer = rig_root()});
}

static int make_pairs(void **state)
{
	char name[16];

	for (int i = 0; i < SITES; i++) {
		snprintf(name, sizeof(name), "site%d", i);
		certs[i] = make_cert(sites[i].san, sites[i].key);
		pairs[i] = write_pair(certs[i], name, sites[i].tag);
	}
	root_file = testcert_path("names-root.pem");
	testcert_write_cert(rig_root(), root_file);
	return 0;
}

static int free_pairs(void **state)
{
	for (int i = 0; i < SITES; i++)
		testcert_free(certs[i]);
	return 0;
}

static struct tls_ctx *server_of(const struct tls_pair *list, size_t n)
{
	struct tls_ctx *ctx = NULL;
	char error[TLS_ERROR_MAX] = "";

	assert_int_equal(tls_ctx_new_server_of(list, n, &ctx, error), 0);
	assert_string_equal(error, "");
	return ctx;
}

static struct tls_ctx *client(void)
{
	struct tls_ctx *ctx = NULL;
	char error[TLS_ERROR_MAX];

	assert_int_equal(tls_ctx_new_client(root_file, &ctx, error), 0);
	/* what is asked for is not always what is shown here */
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_NONE, NULL);
	return ctx;
}

/* How a handshake in memory ended, and which certificate both sides took it to be about. */
struct result {
	bool is_open;
	int site; /* -1: none of ours */
	int tag;
	char name[64]; /* that the server heard */
};

static int site_of(const X509 *cert)
{
	for (int i = 0; cert && i < SITES; i++)
		if (X509_cmp(cert, certs[i]->cert) == 0)
			return i;
	return -1;
}

/* name NULL: the client sends none. */
static struct result shake(struct tls_ctx *client_ctx, struct tls_ctx *server_ctx, const char *name)
{
	SSL *near_end = tls_session_new_client(client_ctx, name ? name : "127.0.0.1");
	SSL *far_end = tls_session_new_server(server_ctx);
	struct result result = {.site = -1};
	int c = SSL_ERROR_WANT_READ, s = SSL_ERROR_WANT_READ;
	char refused[TLS_ERROR_MAX];
	BIO *near = NULL, *far = NULL;

	assert_int_equal(BIO_new_bio_pair(&near, 0, &far, 0), 1);
	SSL_set_bio(near_end, near, near);
	SSL_set_bio(far_end, far, far);
	for (int i = 0; i < 10 && (c == SSL_ERROR_WANT_READ || s == SSL_ERROR_WANT_READ); i++) {
		c = tls_handshake(near_end, refused);
		s = tls_handshake(far_end, refused);
	}
	result.is_open = c == SSL_ERROR_NONE && s == SSL_ERROR_NONE;
	if (result.is_open) {
		result.site = site_of(SSL_get0_peer_certificate(near_end));
		assert_int_equal(site_of(SSL_get_certificate(far_end)), result.site);
	}
	result.tag = tls_session_tag(far_end);
	if (tls_session_name(far_end))
		snprintf(result.name, sizeof(result.name), "%s", tls_session_name(far_end));
	assert_int_equal(tls_session_tag(near_end), TLS_NO_TAG);
	SSL_free(near_end);
	SSL_free(far_end);
	return result;
}

static void shows(struct tls_ctx *c, struct tls_ctx *s, const char *name, int site)
{
	struct result result = shake(c, s, name);

	assert_true(result.is_open);
	assert_int_equal(result.site, site);
	assert_int_equal(result.tag, sites[site].tag);
}

static void name_picks_the_certificate_exactly_or_by_wildcard_in_any_case(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES), *c = client();

	shows(c, s, "gw.lab.test", 3);
	shows(c, s, "GW.Lab.TEST", 3);
	shows(c, s, "other.lab.test", 2);
	shows(c, s, "edward.test", 4);
	tls_ctx_unref(c);
	tls_ctx_unref(s);
}

static void without_a_name_or_with_an_unknown_one_the_first_is_shown(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES), *c = client();

	SSL_CTX_set1_sigalgs_list(c->ssl, "RSA-PSS+SHA256");
	shows(c, s, NULL, 0);
	shows(c, s, "unknown.test", 0);
	shows(c, s, "a.b.lab.test", 0);
	tls_ctx_unref(c);
	tls_ctx_unref(s);
}

static void first_one_that_is_bound_gives_its_tag_to_clients_without_a_name(void **state)
{
	struct tls_ctx *s = server_of(&pairs[2], 2), *c = client();

	shows(c, s, NULL, 2);
	shows(c, s, "gw.lab.test", 3);
	tls_ctx_unref(c);
	tls_ctx_unref(s);
}

static void signature_algorithms_choose_between_rsa_and_ecdsa(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct tls_ctx *s = server_of(pairs, SITES);

	for (int i = 0; i < 2; i++) {
		struct tls_ctx *c = client();

		SSL_CTX_set_min_proto_version(c->ssl, versions[i]);
		SSL_CTX_set_max_proto_version(c->ssl, versions[i]);
		SSL_CTX_set1_sigalgs_list(c->ssl, "RSA-PSS+SHA256");
		shows(c, s, "gateway.test", 0);
		shows(c, s, NULL, 0);
		SSL_CTX_set1_sigalgs_list(c->ssl, "ECDSA+SHA256");
		shows(c, s, "gateway.test", 1);
		shows(c, s, NULL, 1);
		tls_ctx_unref(c);
	}
	tls_ctx_unref(s);
}

static void client_that_knows_no_kind_of_the_names_keys_is_refused(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES), *c = client();

	SSL_CTX_set1_sigalgs_list(c->ssl, "RSA-PSS+SHA256");
	assert_false(shake(c, s, "gw.lab.test").is_open);
	tls_ctx_unref(c);
	tls_ctx_unref(s);
}

/* AES-128-GCM, http/1.1, and no session to resume, whichever certificate it is. */
static void settings_do_not_depend_on_the_name(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES), *c = client();
	static const char *const names[] = {"gateway.test", "gw.lab.test", "unknown.test"};

	assert_int_equal(SSL_CTX_set_alpn_protos(c->ssl, (const uint8_t *)"\2h2\10http/1.1", 12),
			 0);
	for (int i = 0; i < 3; i++) {
		SSL *near_end = tls_session_new_client(c, names[i]);
		SSL *far_end = tls_session_new_server(s);
		const unsigned char *alpn;
		char refused[TLS_ERROR_MAX];
		unsigned len;
		BIO *near, *far;

		assert_int_equal(BIO_new_bio_pair(&near, 0, &far, 0), 1);
		SSL_set_bio(near_end, near, near);
		SSL_set_bio(far_end, far, far);
		for (int k = 0; k < 4; k++) {
			tls_handshake(near_end, refused);
			tls_handshake(far_end, refused);
		}
		assert_true(SSL_is_init_finished(far_end));
		assert_string_equal(SSL_get_cipher_name(far_end), "TLS_AES_128_GCM_SHA256");
		SSL_get0_alpn_selected(far_end, &alpn, &len);
		assert_int_equal(len, 8);
		assert_memory_equal(alpn, "http/1.1", 8);
		assert_int_equal(SSL_get_num_tickets(far_end), 0);
		SSL_free(near_end);
		SSL_free(far_end);
	}
	tls_ctx_unref(c);
	tls_ctx_unref(s);
}

static void copy_shows_the_same_when_the_original_is_gone(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES), *c = client(), *copy;

	assert_int_equal(tls_ctx_copy(s, &copy), 0);
	tls_ctx_unref(s);
	shows(c, copy, "gw.lab.test", 3);
	shows(c, copy, "other.lab.test", 2);
	shows(c, copy, "edward.test", 4);
	SSL_CTX_set1_sigalgs_list(c->ssl, "ECDSA+SHA256");
	shows(c, copy, NULL, 1);
	tls_ctx_unref(copy);
	tls_ctx_unref(c);
}

static void mapped_tags_are_those_of_later_connections_and_copies(void **state)
{
	static const int map[] = {10, 11};
	struct tls_ctx *s = server_of(pairs, SITES), *c = client(), *copy;

	tls_ctx_map_tags(s, map, 2);
	assert_int_equal(tls_ctx_copy(s, &copy), 0);
	for (int i = 0; i < 2; i++) {
		struct tls_ctx *ctx = i ? copy : s;

		assert_int_equal(shake(c, ctx, "other.lab.test").tag, 10);
		assert_int_equal(shake(c, ctx, "gw.lab.test").tag, 11);
		/* no more than two are in the map */
		assert_int_equal(shake(c, ctx, "edward.test").tag, 2);
		assert_int_equal(shake(c, ctx, NULL).tag, TLS_NO_TAG);
	}
	tls_ctx_unref(copy);
	tls_ctx_unref(s);
	tls_ctx_unref(c);
}

static void warnings_are_of_the_pair_that_is_asked_for(void **state)
{
	struct testcert *old = testcert_new(&(struct testcert_spec){
		.san = "DNS:old.test", .not_before_s = -7200, .not_after_s = -3600});
	struct testcert *near = testcert_new(
		&(struct testcert_spec){.san = "DNS:near.test", .not_after_s = 36 * 3600});
	struct tls_pair list[] = {write_pair(near, "near", 0), write_pair(old, "old", 0)};
	struct tls_ctx *s = server_of(list, 2);
	char text[TLS_ERROR_MAX] = "";

	assert_string_equal(tls_ctx_warning(s, 0, text), "the certificate expires in 1 days");
	assert_string_equal(tls_ctx_warning(s, 1, text),
			    "the certificate has expired: clients will refuse it");
	assert_null(tls_ctx_warning(s, 2, text));
	tls_ctx_unref(s);
	testcert_free(old);
	testcert_free(near);
}

/* ---- what another protocol shows ---- */

/* An offer is these sites' certificates (second -1: it is one), with their keys. */
static void offers(const struct tls_ctx *ctx, size_t offer, int first, int second)
{
	struct tls_shown shown[TLS_SHOWN_MAX];
	size_t n = tls_ctx_shown(ctx, offer, shown);

	assert_int_equal(n, second < 0 ? 1 : 2);
	assert_int_equal(site_of(shown[0].cert), first);
	assert_int_equal(site_of(shown[n - 1].cert), second < 0 ? first : second);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(X509_check_private_key(shown[i].cert, shown[i].key), 1);
		assert_int_equal(sk_X509_num(shown[i].chain), 0);
	}
}

static void offer_has_a_certificate_of_each_kind_also_in_a_copy(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES), *copy;
	struct tls_shown shown[TLS_SHOWN_MAX];

	offers(s, 0, 0, 1);
	assert_int_equal(tls_ctx_copy(s, &copy), 0);
	tls_ctx_unref(s);
	assert_int_equal(tls_ctx_offers(copy), 4);
	offers(copy, 0, 0, 1);
	offers(copy, 1, 2, -1); /* in the order of the names */
	offers(copy, 2, 4, -1);
	offers(copy, 3, 3, -1);
	assert_int_equal(tls_ctx_shown(copy, 4, shown), 0);
	tls_ctx_unref(copy);
}

static void offer_of_a_name_is_what_tls_shows_for_it(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES);

	offers(s, tls_ctx_offer_of(s, "gateway.test"), 0, 1);
	offers(s, tls_ctx_offer_of(s, "GW.lab.test"), 3, -1);
	offers(s, tls_ctx_offer_of(s, "other.lab.test"), 2, -1);
	assert_int_equal(tls_ctx_offer_of(s, "gateway.test"), 0);
	assert_int_equal(tls_ctx_offer_of(s, "unknown.test"), 0);
	assert_int_equal(tls_ctx_offer_of(s, NULL), 0);
	tls_ctx_unref(s);
}

static void server_hears_the_name_as_it_was_sent(void **state)
{
	struct tls_ctx *s = server_of(pairs, SITES), *c = client();

	assert_string_equal(shake(c, s, "GW.Lab.TEST").name, "GW.Lab.TEST");
	assert_string_equal(shake(c, s, "unknown.test").name, "unknown.test");
	assert_string_equal(shake(c, s, NULL).name, "");
	SSL_CTX_set_max_proto_version(c->ssl, TLS1_2_VERSION);
	assert_string_equal(shake(c, s, "unknown.test").name, "unknown.test");
	tls_ctx_unref(c);
	tls_ctx_unref(s);
}

static void offer_comes_with_its_intermediates(void **state)
{
	struct testcert *middle =
		testcert_new(&(struct testcert_spec){.is_ca = true, .issuer = rig_root()});
	struct testcert *leaf =
		testcert_new(&(struct testcert_spec){.san = "DNS:deep.test", .issuer = middle});
	struct tls_pair pair = write_pair(leaf, "deep", TLS_NO_TAG);
	struct tls_ctx *s = server_of(&pair, 1);
	struct tls_shown shown[TLS_SHOWN_MAX];

	assert_int_equal(tls_ctx_shown(s, 0, shown), 1);
	assert_int_equal(sk_X509_num(shown[0].chain), 1);
	assert_int_equal(X509_cmp(sk_X509_value(shown[0].chain, 0), middle->cert), 0);
	tls_ctx_unref(s);
	testcert_free(leaf);
	testcert_free(middle);
}

/* ---- what is refused ---- */

static void refuses(const struct tls_pair *list, size_t n, const char *fmt, const char *first,
		    const char *second)
{
	struct tls_ctx *ctx = NULL;
	char expected[TLS_ERROR_MAX], error[TLS_ERROR_MAX] = "";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(expected, sizeof(expected), fmt, first, second);
#pragma GCC diagnostic pop
	assert_int_equal(tls_ctx_new_server_of(list, n, &ctx, error), -EINVAL);
	assert_string_equal(error, expected);
	assert_null(ctx);
}

static void key_of_another_pair_is_refused_with_both_files(void **state)
{
	struct tls_pair list[] = {pairs[0], pairs[2]};

	list[1].key_file = pairs[0].key_file;
	refuses(list, 2, "%s: is not the private key of the first certificate in %s",
		pairs[0].key_file, pairs[2].cert_file);
}

static void second_pair_with_the_same_names_and_kind_of_key_is_refused(void **state)
{
	struct testcert *again = make_cert("DNS:gw.lab.test", TESTCERT_EC);
	struct tls_pair list[] = {pairs[0], pairs[3], write_pair(again, "again", 1)};

	refuses(list, 3,
		"%s: would never be shown: %s answers to its names, with a key of the same kind "
		"(ECDSA)",
		list[2].cert_file, pairs[3].cert_file);
	testcert_free(again);
}

static void one_name_for_two_vnets_is_refused(void **state)
{
	struct testcert *rival = make_cert("DNS:gw.lab.test", TESTCERT_RSA);
	struct tls_pair list[] = {pairs[0], pairs[3], write_pair(rival, "rival", 0)};

	refuses(list, 3, "%s: is for gw.lab.test, and so is %s: one name cannot lead to two VNets",
		list[2].cert_file, pairs[3].cert_file);
	testcert_free(rival);
}

static void pair_without_a_name_is_refused_behind_the_first(void **state)
{
	struct testcert *mute = make_cert(NULL, TESTCERT_EC);
	struct tls_pair list[] = {write_pair(mute, "mute", TLS_NO_TAG), pairs[0],
				  write_pair(mute, "mute", TLS_NO_TAG)};
	struct tls_ctx *s = server_of(list, 2);

	tls_ctx_unref(s);
	refuses(list, 3,
		"%s: no client could ask for it: it has no DNS name among its subject alternative "
		"names, which only the first certificate may lack",
		list[2].cert_file, "");
	testcert_free(mute);
}

static void key_that_signs_nothing_is_refused(void **state)
{
	struct testcert *odd = make_cert("DNS:odd.test", TESTCERT_X25519);
	struct tls_pair list[] = {write_pair(odd, "odd", TLS_NO_TAG)};

	refuses(list, 1,
		"%s: TLS has no use for a key of this kind: RSA, ECDSA or Ed25519 is wanted",
		list[0].key_file, "");
	testcert_free(odd);
}

/* ---- streams ---- */

/* Both ends agree on which certificate it is, and the server on the tag. */
static void stream_has(struct rig *rig, int site)
{
	uint8_t expected[DIGEST], sha256[DIGEST], sha1[20], expected_sha1[20];

	assert_int_equal(X509_digest(certs[site]->cert, EVP_sha256(), expected, NULL), 1);
	assert_int_equal(X509_digest(certs[site]->cert, EVP_sha1(), expected_sha1, NULL), 1);
	assert_int_equal(stream_cert_digests(rig->server.stream, sha1, sha256), 0);
	assert_memory_equal(sha256, expected, DIGEST);
	assert_memory_equal(sha1, expected_sha1, 20);
	assert_int_equal(stream_cert_digests(rig->client.stream, sha1, sha256), 0);
	assert_memory_equal(sha256, expected, DIGEST);
	assert_int_equal(stream_server_tag(rig->server.stream), sites[site].tag);
	assert_int_equal(stream_server_tag(rig->client.stream), TLS_NO_TAG);
}

static void reconnect(struct rig *rig, const char *name)
{
	end_free(&rig->server);
	end_free(&rig->client);
	rig->server.opened = rig->client.opened = 0;
	rig_connect(rig, name);
	rig_run(rig, rig_both_open);
}

static void each_stream_has_the_digests_and_the_tag_of_its_own_certificate(void **state)
{
	struct rig *rig = *state;

	tls_ctx_unref(rig->server_tls);
	rig->server_tls = server_of(pairs, SITES);
	reconnect(rig, "gw.lab.test");
	stream_has(rig, 3);
	reconnect(rig, "www.lab.test");
	stream_has(rig, 2);
	SSL_CTX_set1_sigalgs_list(rig->client_tls->ssl, "ECDSA+SHA256");
	reconnect(rig, "gateway.test");
	stream_has(rig, 1);
	SSL_CTX_set1_sigalgs_list(rig->client_tls->ssl, "RSA-PSS+SHA256");
	reconnect(rig, "127.0.0.1");
	stream_has(rig, 0);
}

static bool is_accepted(struct rig *rig)
{
	return rig->server.stream;
}

static void handshake_in_progress_ends_with_the_certificates_it_began_with(void **state)
{
	struct testcert *newer = make_cert("DNS:gw.lab.test", TESTCERT_EC);
	struct tls_pair list[] = {pairs[0], write_pair(newer, "newer", 4)};
	struct rig *rig = *state;

	tls_ctx_unref(rig->server_tls);
	rig->server_tls = server_of(pairs, SITES);
	rig_connect(rig, "gw.lab.test");
	rig_run(rig, is_accepted);
	assert_int_equal(rig->server.opened, 0);
	/* the swap: nobody but the stream has the old one any more */
	tls_ctx_unref(rig->server_tls);
	rig->server_tls = server_of(list, 2);
	rig_run(rig, rig_both_open);
	stream_has(rig, 3);
	reconnect(rig, "gw.lab.test");
	assert_int_equal(stream_server_tag(rig->server.stream), 4);
	assert_string_equal(stream_server_name(rig->server.stream), "gw.lab.test");
	testcert_free(newer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_picks_the_certificate_exactly_or_by_wildcard_in_any_case),
		cmocka_unit_test(without_a_name_or_with_an_unknown_one_the_first_is_shown),
		cmocka_unit_test(first_one_that_is_bound_gives_its_tag_to_clients_without_a_name),
		cmocka_unit_test(signature_algorithms_choose_between_rsa_and_ecdsa),
		cmocka_unit_test(client_that_knows_no_kind_of_the_names_keys_is_refused),
		cmocka_unit_test(settings_do_not_depend_on_the_name),
		cmocka_unit_test(copy_shows_the_same_when_the_original_is_gone),
		cmocka_unit_test(mapped_tags_are_those_of_later_connections_and_copies),
		cmocka_unit_test(warnings_are_of_the_pair_that_is_asked_for),
		cmocka_unit_test(offer_has_a_certificate_of_each_kind_also_in_a_copy),
		cmocka_unit_test(offer_of_a_name_is_what_tls_shows_for_it),
		cmocka_unit_test(server_hears_the_name_as_it_was_sent),
		cmocka_unit_test(offer_comes_with_its_intermediates),
		cmocka_unit_test(key_of_another_pair_is_refused_with_both_files),
		cmocka_unit_test(second_pair_with_the_same_names_and_kind_of_key_is_refused),
		cmocka_unit_test(one_name_for_two_vnets_is_refused),
		cmocka_unit_test(pair_without_a_name_is_refused_behind_the_first),
		cmocka_unit_test(key_that_signs_nothing_is_refused),
		on_rig(each_stream_has_the_digests_and_the_tag_of_its_own_certificate),
		on_rig(handshake_in_progress_ends_with_the_certificates_it_began_with),
	};

	return cmocka_run_group_tests_name("net/names", tests, make_pairs, free_pairs);
}
