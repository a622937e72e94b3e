/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/twin.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/mint.h"

enum {
	THREADS = 4,
	ROUNDS = 200,
};

static struct minted root, other_root;

static int set_up(void **state)
{
	root = mint_root("root");
	other_root = mint_root("other root");
	return 0;
}

static int tear_down(void **state)
{
	minted_done(&root);
	minted_done(&other_root);
	return 0;
}

static struct trust *trust_in(const struct minted *r, const char *vnet, const char *revoked)
{
	struct trust_root from = {.name = "first", .vnet = vnet, .pem = mint_pem(r)};
	struct certs_error error;
	struct trust *t = NULL;

	if (trust_new(&from, 1, &revoked, revoked ? 1 : 0, &t, &error) != 0)
		fail_msg("%s", error.text);
	free((char *)from.pem);
	return t;
}

/* The chain: up to two certificates from the peer beside its own. */
static void assert_judged(const struct trust *t, X509 *leaf, X509 *a, X509 *b, int64_t now,
			  enum trust_reason reason, const char *sentence)
{
	struct stack_st_X509 *chain = sk_X509_new_null();
	struct trust_verdict verdict;

	if (a)
		sk_X509_push(chain, a);
	if (b)
		sk_X509_push(chain, b);
	memset(&verdict, 0xa5, sizeof(verdict));
	trust_judge(t, leaf, chain, now, &verdict);
	assert_string_equal(verdict.sentence, sentence);
	assert_string_equal(trust_reason_text(verdict.reason), trust_reason_text(reason));
	if (reason != TRUST_OK)
		assert_string_equal(verdict.name, "");
	assert_int_equal(ERR_peek_error(), 0);
	sk_X509_free(chain);
}

static void a_client_below_a_trusted_root_is_named(void **state)
{
	struct trust *t = trust_in(&root, "production", NULL);
	struct minted m = mint_client(&root, "shop");
	struct trust_verdict v;
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(trust_judge(t, m.cert, NULL, MINT_NOW, &v), TRUST_OK);
	assert_int_equal(cert_thumbprint(m.cert, thumbprint), 0);
	assert_string_equal(v.sentence, "");
	assert_string_equal(v.name, "shop");
	assert_string_equal(v.thumbprint, thumbprint);
	assert_string_equal(v.root, "first");
	assert_string_equal(v.vnet, "production");
	minted_done(&m);
	trust_unref(t);
}

static void wrong_root_is_refused(void **state)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted m = mint_client(&other_root, "shop");
	struct mint self = {.cn = "shop", .eku = "clientAuth"};
	struct minted alone = mint(&self);

	assert_judged(t, m.cert, NULL, NULL, MINT_NOW, TRUST_WRONG_ROOT,
		      "it leads to none of the 1 trusted roots (unable to get local issuer "
		      "certificate): CN=shop, issued by CN=other root");
	assert_judged(t, m.cert, other_root.cert, NULL, MINT_NOW, TRUST_WRONG_ROOT,
		      "it leads to none of the 1 trusted roots (self-signed certificate in "
		      "certificate chain): CN=other root, issued by CN=other root");
	assert_judged(t, alone.cert, NULL, NULL, MINT_NOW, TRUST_WRONG_ROOT,
		      "it leads to none of the 1 trusted roots (self-signed certificate): "
		      "CN=shop, issued by CN=shop");
	minted_done(&alone);
	minted_done(&m);
	trust_unref(t);
}

/* Name and key identifier of the root, signed by somebody else. */
static void a_forged_signature_is_a_wrong_root(void **state)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted forger = {root.cert, other_root.key};
	struct minted m = mint_client(&forger, "shop");

	assert_judged(t, m.cert, NULL, NULL, MINT_NOW, TRUST_WRONG_ROOT,
		      "it leads to none of the 1 trusted roots (certificate signature failure): "
		      "CN=shop, issued by CN=root");
	minted_done(&m);
	trust_unref(t);
}

static void without_a_root_everybody_is_refused(void **state)
{
	struct minted m = mint_client(&root, "shop");
	struct trust_verdict v;
	struct trust *t;

	assert_int_equal(trust_new(NULL, 0, NULL, 0, &t, NULL), 0);
	assert_int_equal(trust_judge(t, m.cert, NULL, MINT_NOW, &v), TRUST_WRONG_ROOT);
	minted_done(&m);
	trust_unref(t);
}

static void first_and_last_second_of_a_life_are_inside(void **state)
{
	struct mint spec = {.cn = "shop",
			    .eku = "clientAuth",
			    .issuer = &root,
			    .from = MINT_NOW,
			    .to = MINT_NOW + 1000};
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted m = mint(&spec);

	assert_judged(t, m.cert, NULL, NULL, MINT_NOW - 1, TRUST_NOT_YET_VALID,
		      "not valid before 2026-11-23T12:00:00Z, and it is 2026-11-23T11:59:59Z: "
		      "CN=shop");
	assert_judged(t, m.cert, NULL, NULL, MINT_NOW, TRUST_OK, "");
	assert_judged(t, m.cert, NULL, NULL, MINT_NOW + 1000, TRUST_OK, "");
	assert_judged(t, m.cert, NULL, NULL, MINT_NOW + 1001, TRUST_EXPIRED,
		      "expired on 2026-11-23T12:16:40Z, and it is 2026-11-23T12:16:41Z: CN=shop");
	minted_done(&m);
	trust_unref(t);
}

static void an_expired_root_is_expired(void **state)
{
	struct mint spec = {
		.cn = "old root", .constraints = "critical,CA:TRUE", .to = MINT_NOW + 10};
	struct minted old = mint(&spec), m = mint_client(&old, "shop");
	struct trust *t = trust_in(&old, NULL, NULL);

	assert_judged(t, m.cert, NULL, NULL, MINT_NOW + 10, TRUST_OK, "");
	assert_judged(t, m.cert, NULL, NULL, MINT_NOW + 11, TRUST_EXPIRED,
		      "expired on 2026-11-23T12:00:10Z, and it is 2026-11-23T12:00:11Z: "
		      "CN=old root");
	minted_done(&m);
	minted_done(&old);
	trust_unref(t);
}

static void assert_client(const struct mint *spec, enum trust_reason reason, const char *sentence)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted m = mint(spec);

	assert_judged(t, m.cert, NULL, NULL, MINT_NOW, reason, sentence);
	minted_done(&m);
	trust_unref(t);
}

static void clientauth_has_to_be_said(void **state)
{
	assert_client(&(struct mint){.cn = "shop", .issuer = &root}, TRUST_NO_CLIENT_AUTH,
		      "it has no extended key usage clientAuth: CN=shop");
	assert_client(&(struct mint){.cn = "shop", .issuer = &root, .eku = "serverAuth"},
		      TRUST_NO_CLIENT_AUTH,
		      "the key usages of the certificate do not allow a client: CN=shop");
	assert_client(&(struct mint){.cn = "shop",
				     .issuer = &root,
				     .eku = "anyExtendedKeyUsage,emailProtection"},
		      TRUST_NO_CLIENT_AUTH,
		      "the key usages of the certificate do not allow a client: CN=shop");
	assert_client(&(struct mint){.cn = "shop",
				     .issuer = &root,
				     .eku = "clientAuth",
				     .usage = "critical,keyEncipherment"},
		      TRUST_NO_CLIENT_AUTH,
		      "the key usages of the certificate do not allow a client: CN=shop");
	assert_client(&(struct mint){.cn = "shop",
				     .issuer = &root,
				     .eku = "serverAuth,clientAuth",
				     .usage = "critical,digitalSignature"},
		      TRUST_OK, "");
}

static void weak_keys_are_refused(void **state)
{
	assert_client(
		&(struct mint){
			.cn = "shop", .issuer = &root, .eku = "clientAuth", .key = MINT_RSA_1024},
		TRUST_WEAK_KEY, "its key is too short (RSA 1024): CN=shop");
	assert_client(
		&(struct mint){.cn = "shop", .issuer = &root, .eku = "clientAuth", .md = "SHA1"},
		TRUST_WEAK_KEY, "it is signed with a weak digest (EC P-256): CN=shop");
	assert_client(
		&(struct mint){
			.cn = "shop", .issuer = &root, .eku = "clientAuth", .key = MINT_ED25519},
		TRUST_OK, "");
}

static void a_name_that_cannot_be_used_is_refused(void **state)
{
	assert_client(&(struct mint){.cn = "*", .issuer = &root, .eku = "clientAuth"},
		      TRUST_UNUSABLE_NAME, "its common name holds a wildcard: CN=*");
	assert_client(
		&(struct mint){
			.cn = "shop\0.evil", .cn_len = 10, .issuer = &root, .eku = "clientAuth"},
		TRUST_UNUSABLE_NAME, "its common name holds a NUL: CN=shop\\00.evil");
}

static void what_is_no_client_certificate_is_malformed(void **state)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted m = mint_client(&root, "shop"), broken = mint_client(&root, "broken");
	struct stack_st_X509 *many = sk_X509_new_null();
	struct trust_verdict v;

	assert_judged(t, NULL, NULL, NULL, MINT_NOW, TRUST_MALFORMED,
		      "the client has shown no certificate");
	assert_judged(t, root.cert, NULL, NULL, MINT_NOW, TRUST_MALFORMED,
		      "the certificate of an authority is no client's: CN=root");
	for (int i = 0; i < TRUST_CHAIN_MAX + 1; i++)
		sk_X509_push(many, m.cert);
	assert_int_equal(trust_judge(t, m.cert, many, MINT_NOW, &v), TRUST_OK);
	sk_X509_push(many, m.cert);
	assert_int_equal(trust_judge(t, m.cert, many, MINT_NOW, &v), TRUST_MALFORMED);
	assert_string_equal(v.sentence, "the client has shown 10 certificates");
	assert_string_equal(v.thumbprint, "");
	ASN1_STRING_set(X509_getm_notAfter(broken.cert), "991332000000Z", -1);
	assert_judged(t, broken.cert, NULL, NULL, MINT_NOW, TRUST_MALFORMED,
		      "the client's certificate cannot be used: a date of the certificate is none");
	sk_X509_free(many);
	minted_done(&broken);
	minted_done(&m);
	trust_unref(t);
}

/* Issuers between: spec.constraints of each is what the test says. */
static struct minted mint_between(const struct minted *issuer, const char *cn)
{
	struct mint spec = {.cn = cn,
			    .constraints = "critical,CA:TRUE",
			    .usage = "critical,keyCertSign",
			    .issuer = issuer};

	return mint(&spec);
}

static void issuers_between_come_from_the_peer(void **state)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted a = mint_between(&root, "a"), b = mint_between(&a, "b");
	struct minted m = mint_client(&b, "shop");

	assert_judged(t, m.cert, b.cert, a.cert, MINT_NOW, TRUST_OK, "");
	assert_judged(t, m.cert, a.cert, b.cert, MINT_NOW, TRUST_OK, "");
	assert_judged(t, m.cert, b.cert, NULL, MINT_NOW, TRUST_WRONG_ROOT,
		      "it leads to none of the 1 trusted roots (unable to get local issuer "
		      "certificate): CN=b, issued by CN=a");
	minted_done(&m);
	minted_done(&b);
	minted_done(&a);
	trust_unref(t);
}

static void a_chain_that_is_too_long_is_a_wrong_root(void **state)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted links[TRUST_DEPTH_MAX + 1], good, bad;
	struct stack_st_X509 *chain = sk_X509_new_null();
	struct trust_verdict v;

	for (int i = 0; i <= TRUST_DEPTH_MAX; i++) {
		links[i] = mint_between(i ? &links[i - 1] : &root, "link");
		sk_X509_push(chain, links[i].cert);
	}
	good = mint_client(&links[TRUST_DEPTH_MAX - 1], "shop");
	bad = mint_client(&links[TRUST_DEPTH_MAX], "shop");
	assert_int_equal(trust_judge(t, good.cert, chain, MINT_NOW, &v), TRUST_OK);
	assert_int_equal(trust_judge(t, bad.cert, chain, MINT_NOW, &v), TRUST_WRONG_ROOT);
	sk_X509_free(chain);
	for (int i = 0; i <= TRUST_DEPTH_MAX; i++)
		minted_done(&links[i]);
	minted_done(&good);
	minted_done(&bad);
	trust_unref(t);
}

static void assert_weak_between(const struct mint *spec)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted between = mint(spec), m = mint_client(&between, "shop");
	struct stack_st_X509 *chain = sk_X509_new_null();
	struct trust_verdict v;

	sk_X509_push(chain, between.cert);
	trust_judge(t, m.cert, chain, MINT_NOW, &v);
	assert_string_equal(trust_reason_text(v.reason), "weak key");
	sk_X509_free(chain);
	minted_done(&m);
	minted_done(&between);
	trust_unref(t);
}

static void weak_issuers_between_are_refused(void **state)
{
	assert_weak_between(&(struct mint){.cn = "a",
					   .constraints = "critical,CA:TRUE",
					   .issuer = &root,
					   .key = MINT_RSA_1024});
	assert_weak_between(&(struct mint){
		.cn = "a", .constraints = "critical,CA:TRUE", .issuer = &root, .md = "SHA1"});
}

static void a_client_cannot_issue(void **state)
{
	struct trust *t = trust_in(&root, NULL, NULL);
	struct minted m = mint_client(&root, "shop"), child = mint_client(&m, "evil");

	assert_judged(t, child.cert, m.cert, NULL, MINT_NOW, TRUST_WRONG_ROOT,
		      "it leads to none of the 1 trusted roots (invalid CA certificate): CN=shop, "
		      "issued by CN=root");
	minted_done(&child);
	minted_done(&m);
	trust_unref(t);
}

static void revoked_thumbprints_are_refused(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX], sentence[256];
	struct minted m = mint_client(&root, "shop"), neighbour = mint_client(&root, "neighbour");
	struct trust *t;

	assert_int_equal(cert_thumbprint(m.cert, thumbprint), 0);
	t = trust_in(&root, NULL, thumbprint);
	snprintf(sentence, sizeof(sentence), "the certificate is revoked: thumbprint %s, CN=shop",
		 thumbprint);
	assert_judged(t, m.cert, NULL, NULL, MINT_NOW, TRUST_REVOKED, sentence);
	assert_judged(t, neighbour.cert, NULL, NULL, MINT_NOW, TRUST_OK, "");
	assert_true(trust_is_revoked(t, thumbprint));
	assert_int_equal(cert_thumbprint(neighbour.cert, thumbprint), 0);
	assert_false(trust_is_revoked(t, thumbprint));
	minted_done(&m);
	minted_done(&neighbour);
	trust_unref(t);
}

/* The holder of a revoked certificate turns its signature: another thumbprint, just as valid. */
static void the_twin_of_a_revoked_certificate_is_revoked(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct minted m = mint_client(&root, "shop");
	struct trust_verdict v;
	struct trust *t;
	X509 *twin;

	assert_int_equal(cert_thumbprint(m.cert, thumbprint), 0);
	assert_int_equal(twin_of(m.cert, root.key, &twin), 0);
	t = trust_in(&root, NULL, NULL);
	assert_int_equal(trust_judge(t, twin, NULL, MINT_NOW, &v), TRUST_OK);
	assert_string_not_equal(v.thumbprint, thumbprint);
	trust_unref(t);
	t = trust_in(&root, NULL, thumbprint);
	assert_int_equal(trust_judge(t, twin, NULL, MINT_NOW, &v), TRUST_REVOKED);
	trust_unref(t);
	X509_free(twin);
	minted_done(&m);
}

static void a_revoked_issuer_cuts_its_clients(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct minted a = mint_between(&root, "a"), m = mint_client(&a, "shop");
	struct stack_st_X509 *chain = sk_X509_new_null();
	struct trust_verdict v;
	struct trust *t;

	sk_X509_push(chain, a.cert);
	assert_int_equal(cert_thumbprint(a.cert, thumbprint), 0);
	t = trust_in(&root, NULL, thumbprint);
	assert_int_equal(trust_judge(t, m.cert, chain, MINT_NOW, &v), TRUST_REVOKED);
	trust_unref(t);
	sk_X509_free(chain);
	minted_done(&m);
	minted_done(&a);
}

/* ---- judged again, without the certificates */

/* What a trust in root, for VNet "red", says of "shop" below it, through a (NULL: directly). */
static struct trust_footing footing_of(const struct minted *m, const struct minted *a)
{
	struct trust *t = trust_in(&root, "red", NULL);
	struct stack_st_X509 *chain = sk_X509_new_null();
	struct trust_verdict v;

	if (a)
		sk_X509_push(chain, a->cert);
	assert_int_equal(trust_judge(t, m->cert, chain, MINT_NOW, &v), TRUST_OK);
	sk_X509_free(chain);
	trust_unref(t);
	return v.footing;
}

static enum trust_reason again(const struct trust_footing *f, const struct minted *r,
			       const char *vnet, const char *revoked, int64_t now)
{
	struct trust *t = trust_in(r, vnet, revoked);
	enum trust_reason reason = trust_judge_again(t, f, now);

	trust_unref(t);
	return reason;
}

static void what_was_good_is_good_again_while_its_root_counts(void **state)
{
	struct minted m = mint_client(&root, "shop"), other = mint_root("other");
	struct trust_footing f = footing_of(&m, NULL);
	struct trust *none;

	assert_int_equal(again(&f, &root, "red", NULL, MINT_NOW), TRUST_OK);
	assert_int_equal(again(&f, &root, "blue", NULL, MINT_NOW), TRUST_WRONG_ROOT);
	assert_int_equal(again(&f, &root, NULL, NULL, MINT_NOW), TRUST_WRONG_ROOT);
	assert_int_equal(again(&f, &other, "red", NULL, MINT_NOW), TRUST_WRONG_ROOT);
	assert_int_equal(trust_new(NULL, 0, NULL, 0, &none, NULL), 0);
	assert_int_equal(trust_judge_again(none, &f, MINT_NOW), TRUST_WRONG_ROOT);
	trust_unref(none);
	minted_done(&m);
	minted_done(&other);
}

static void thumbprint_of(const X509 *cert, char ret[CERT_THUMBPRINT_MAX])
{
	assert_int_equal(cert_thumbprint(cert, ret), 0);
}

/* Its own, its issuer's, and the other one that each of them has. */
static void any_revoked_thumbprint_of_the_chain_ends_it(void **state)
{
	struct minted a = mint_between(&root, "a"), m = mint_client(&a, "shop");
	struct minted neighbour = mint_client(&a, "neighbour");
	struct trust_footing f = footing_of(&m, &a);
	char thumbprints[4][CERT_THUMBPRINT_MAX], other[CERT_THUMBPRINT_MAX];
	X509 *twins[2];

	assert_int_equal(twin_of(m.cert, a.key, &twins[0]), 0);
	assert_int_equal(twin_of(a.cert, root.key, &twins[1]), 0);
	thumbprint_of(m.cert, thumbprints[0]);
	thumbprint_of(twins[0], thumbprints[1]);
	thumbprint_of(a.cert, thumbprints[2]);
	thumbprint_of(twins[1], thumbprints[3]);
	thumbprint_of(neighbour.cert, other);
	assert_int_equal(f.n, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(again(&f, &root, "red", thumbprints[i], MINT_NOW), TRUST_REVOKED);
	assert_int_equal(again(&f, &root, "red", other, MINT_NOW), TRUST_OK);
	X509_free(twins[0]);
	X509_free(twins[1]);
	minted_done(&neighbour);
	minted_done(&m);
	minted_done(&a);
}

/* That of an issuer too, if it is over first. */
static void it_ends_with_the_last_second_of_the_first_to_expire(void **state)
{
	struct mint between = {.cn = "a",
			       .constraints = "critical,CA:TRUE",
			       .usage = "critical,keyCertSign",
			       .to = MINT_NOW + 100,
			       .issuer = &root};
	struct minted a = mint(&between), m = mint_client(&a, "shop");
	struct trust_footing f = footing_of(&m, &a);

	assert_int_equal(f.not_after, MINT_NOW + 100);
	assert_int_equal(again(&f, &root, "red", NULL, MINT_NOW + 100), TRUST_OK);
	assert_int_equal(again(&f, &root, "red", NULL, MINT_NOW + 101), TRUST_EXPIRED);
	minted_done(&m);
	minted_done(&a);
}

static void refused_certificate_has_no_footing(void **state)
{
	static const struct trust_footing none;
	struct minted m = mint_client(&root, "*.shop");
	struct trust *t = trust_in(&root, NULL, NULL);
	struct trust_verdict v;

	assert_int_equal(trust_judge(t, m.cert, NULL, MINT_NOW, &v), TRUST_UNUSABLE_NAME);
	assert_memory_equal(&v.footing, &none, sizeof(none));
	trust_unref(t);
	minted_done(&m);
}

static void thumbprints_are_found_among_many(void **state)
{
	char texts[1000][CERT_THUMBPRINT_MAX];
	const char *revoked[1000];
	struct trust *t;

	for (unsigned i = 0; i < 1000; i++) {
		/* odd multiples are a permutation: in no order, each once */
		snprintf(texts[i], sizeof(texts[i]), "%08x%032x", i * 2654435761u, 0u);
		revoked[i] = texts[i];
	}
	assert_int_equal(trust_new(NULL, 0, revoked, 1000, &t, NULL), 0);
	for (unsigned i = 0; i < 1000; i++) {
		char thumbprint[CERT_THUMBPRINT_MAX];

		assert_int_equal(cert_thumbprint_parse(texts[i], thumbprint), 0);
		assert_true(trust_is_revoked(t, thumbprint));
		thumbprint[39] = '1';
		assert_false(trust_is_revoked(t, thumbprint));
	}
	trust_unref(t);
}

static void assert_no_trust(const struct trust_root *roots, size_t n, const char *sentence)
{
	struct certs_error error;
	struct trust *t = NULL;

	assert_int_equal(trust_new(roots, n, NULL, 0, &t, &error), -EINVAL);
	assert_string_equal(error.text, sentence);
	assert_null(t);
	assert_int_equal(ERR_peek_error(), 0);
}

static void what_cannot_be_a_root_is_refused(void **state)
{
	struct minted client = mint_client(&root, "shop"), between = mint_between(&root, "a");
	struct mint short_key = {.cn = "x", .constraints = "CA:TRUE", .key = MINT_RSA_1024};
	struct minted weak = mint(&short_key);
	char *pem = mint_pem(&root), *other = mint_pem(&other_root),
	     *client_pem = mint_pem(&client);
	char *between_pem = mint_pem(&between), *weak_pem = mint_pem(&weak);

	assert_no_trust((struct trust_root[]){{"a b", NULL, pem}}, 1,
			"'a b' is no name for a root: 1 to 64 letters, digits, '-', '_' and '.'");
	assert_no_trust((struct trust_root[]){{"a", "b c", pem}}, 1,
			"'b c' is no name for a VNet: 1 to 64 letters, digits, '-', '_' and '.'");
	assert_no_trust((struct trust_root[]){{"a", NULL, "junk"}}, 1,
			"a: there is no certificate in PEM");
	assert_no_trust((struct trust_root[]){{"a", NULL, client_pem}}, 1,
			"a: it cannot be a root: its basic constraints do not say CA:TRUE");
	assert_no_trust((struct trust_root[]){{"a", NULL, between_pem}}, 1,
			"a: it is not a root: it is not signed by itself");
	assert_no_trust((struct trust_root[]){{"a", NULL, weak_pem}}, 1,
			"a: it cannot be a root: its key is too short");
	assert_no_trust((struct trust_root[]){{"a", NULL, pem}, {"A", NULL, other}}, 2,
			"there are two roots called A");
	assert_no_trust((struct trust_root[]){{"a", NULL, pem}, {"b", NULL, pem}}, 2,
			"the roots a and b are the same");
	free(pem);
	free(other);
	free(client_pem);
	free(between_pem);
	free(weak_pem);
	minted_done(&weak);
	minted_done(&between);
	minted_done(&client);
}

static void anchor_may_be_any_certificate_with_a_key_that_is_not_weak(void **state)
{
	struct minted client = mint_client(&root, "shop"), between = mint_between(&root, "a");
	struct minted weak = mint(&(struct mint){.cn = "x", .key = MINT_RSA_1024});
	struct certs_error e = {""};

	assert_int_equal(trust_check_anchor(root.cert, &e), 0);
	assert_int_equal(trust_check_anchor(between.cert, &e), 0);
	assert_int_equal(trust_check_anchor(client.cert, &e), 0);
	assert_int_equal(trust_check_anchor(weak.cert, &e), -EINVAL);
	assert_string_equal(e.text, "it cannot be trusted: its key is too short");
	minted_done(&weak);
	minted_done(&between);
	minted_done(&client);
}

static void limits_hold(void **state)
{
	struct trust_root roots[TRUST_ROOTS_MAX + 1];
	char texts[TRUST_ROOTS_MAX + 1][8];
	const char *junk = "xyz";
	struct certs_error error;
	struct trust *t = NULL;

	for (size_t i = 0; i <= TRUST_ROOTS_MAX; i++) {
		struct minted m = mint_root("root");

		snprintf(texts[i], sizeof(texts[i]), "r%zu", i);
		roots[i] = (struct trust_root){.name = texts[i], .pem = mint_pem(&m)};
		minted_done(&m);
	}
	assert_int_equal(trust_new(roots, TRUST_ROOTS_MAX, NULL, 0, &t, NULL), 0);
	trust_unref(t);
	t = NULL;
	assert_int_equal(trust_new(roots, TRUST_ROOTS_MAX + 1, NULL, 0, &t, &error), -E2BIG);
	assert_string_equal(error.text, "at most 20 roots and 65536 revoked thumbprints");
	assert_int_equal(trust_new(NULL, 0, &junk, TRUST_REVOKED_MAX + 1, &t, NULL), -E2BIG);
	assert_int_equal(trust_new(NULL, 0, &junk, 1, &t, &error), -EINVAL);
	assert_string_equal(error.text, "'xyz' is no thumbprint: it has 40 hex digits");
	assert_null(t);
	for (size_t i = 0; i <= TRUST_ROOTS_MAX; i++)
		free((char *)roots[i].pem);
}

/* Roots of one name, as after a rotation that kept it: the key identifier tells them apart. */
static void two_roots_of_one_name_both_count(void **state)
{
	struct minted a = mint_root("same"), b = mint_root("same");
	struct minted under_a = mint_client(&a, "x"), under_b = mint_client(&b, "y");
	struct trust_root roots[] = {{"old", NULL, mint_pem(&a)}, {"new", "v", mint_pem(&b)}};
	struct trust_verdict v;
	struct trust *t;

	assert_int_equal(trust_new(roots, 2, NULL, 0, &t, NULL), 0);
	assert_int_equal(trust_judge(t, under_a.cert, NULL, MINT_NOW, &v), TRUST_OK);
	assert_string_equal(v.root, "old");
	assert_string_equal(v.vnet, "");
	assert_int_equal(trust_judge(t, under_b.cert, NULL, MINT_NOW, &v), TRUST_OK);
	assert_string_equal(v.root, "new");
	assert_string_equal(v.vnet, "v");
	trust_unref(t);
	free((char *)roots[0].pem);
	free((char *)roots[1].pem);
	minted_done(&under_a);
	minted_done(&under_b);
	minted_done(&a);
	minted_done(&b);
}

struct thread_work {
	struct trust *trust; /* a reference of its own */
	X509 *leaf;	     /* shared by all */
	atomic_uint *accepted;
};

static void *judge_often(void *arg)
{
	struct thread_work *work = arg;
	struct trust_verdict v;

	for (int i = 0; i < ROUNDS; i++) {
		struct trust *mine = trust_ref(work->trust);

		if (trust_judge(mine, work->leaf, NULL, MINT_NOW, &v) == TRUST_OK)
			atomic_fetch_add(work->accepted, 1);
		trust_unref(mine);
	}
	trust_unref(work->trust);
	return NULL;
}

static void several_threads_judge_by_one_trust(void **state)
{
	struct trust *t = trust_in(&root, NULL, "00112233445566778899AABBCCDDEEFF00112233");
	struct minted m = mint_client(&root, "shop");
	struct thread_work work[THREADS];
	pthread_t threads[THREADS];
	atomic_uint accepted = 0;

	for (int i = 0; i < THREADS; i++) {
		work[i] = (struct thread_work){trust_ref(t), m.cert, &accepted};
		assert_int_equal(pthread_create(&threads[i], NULL, judge_often, &work[i]), 0);
	}
	trust_unref(t);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(accepted, THREADS * ROUNDS);
	minted_done(&m);
}

static void reasons_have_texts(void **state)
{
	assert_string_equal(trust_reason_text(TRUST_OK), "ok");
	for (int i = 0; i < TRUST_REASON_COUNT; i++) {
		for (int k = 0; k < i; k++)
			assert_string_not_equal(trust_reason_text((enum trust_reason)i),
						trust_reason_text((enum trust_reason)k));
	}
}

static void nothing_is_no_reference(void **state)
{
	trust_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_below_a_trusted_root_is_named),
		cmocka_unit_test(wrong_root_is_refused),
		cmocka_unit_test(a_forged_signature_is_a_wrong_root),
		cmocka_unit_test(without_a_root_everybody_is_refused),
		cmocka_unit_test(first_and_last_second_of_a_life_are_inside),
		cmocka_unit_test(an_expired_root_is_expired),
		cmocka_unit_test(clientauth_has_to_be_said),
		cmocka_unit_test(weak_keys_are_refused),
		cmocka_unit_test(a_name_that_cannot_be_used_is_refused),
		cmocka_unit_test(what_is_no_client_certificate_is_malformed),
		cmocka_unit_test(issuers_between_come_from_the_peer),
		cmocka_unit_test(a_chain_that_is_too_long_is_a_wrong_root),
		cmocka_unit_test(weak_issuers_between_are_refused),
		cmocka_unit_test(a_client_cannot_issue),
		cmocka_unit_test(revoked_thumbprints_are_refused),
		cmocka_unit_test(the_twin_of_a_revoked_certificate_is_revoked),
		cmocka_unit_test(a_revoked_issuer_cuts_its_clients),
		cmocka_unit_test(what_was_good_is_good_again_while_its_root_counts),
		cmocka_unit_test(any_revoked_thumbprint_of_the_chain_ends_it),
		cmocka_unit_test(it_ends_with_the_last_second_of_the_first_to_expire),
		cmocka_unit_test(refused_certificate_has_no_footing),
		cmocka_unit_test(thumbprints_are_found_among_many),
		cmocka_unit_test(what_cannot_be_a_root_is_refused),
		cmocka_unit_test(anchor_may_be_any_certificate_with_a_key_that_is_not_weak),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(two_roots_of_one_name_both_count),
		cmocka_unit_test(several_threads_judge_by_one_trust),
		cmocka_unit_test(reasons_have_texts),
		cmocka_unit_test(nothing_is_no_reference),
	};

	return cmocka_run_group_tests_name("trust", tests, set_up, tear_down);
}
