/* SPDX-License-Identifier: Apache-2.0 */
/* The system's roots are a file of the test's own: SSL_CERT_FILE names it. */
#include "certs/anchors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"
#include "test/unit/certs/mint.h"

static struct minted root, r10, r11, stranger;

static struct minted mint_authority(const char *cn, const struct minted *issuer)
{
	return mint(&(struct mint){.cn = cn,
				   .constraints = "critical,CA:TRUE",
				   .usage = "critical,keyCertSign,cRLSign",
				   .issuer = issuer});
}

static struct minted mint_server(const char *san, enum mint_key key, const struct minted *issuer)
{
	return mint(&(struct mint){
		.cn = "gateway", .san = san, .eku = "serverAuth", .key = key, .issuer = issuer});
}

static int make_authorities(void **state)
{
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	root = mint_authority("root", NULL);
	r10 = mint_authority("r10", &root);
	r11 = mint_authority("r11", &root);
	stranger = mint_authority("stranger", NULL);
	return 0;
}

static int free_authorities(void **state)
{
	minted_done(&root);
	minted_done(&r10);
	minted_done(&r11);
	minted_done(&stranger);
	return 0;
}

/* Up to three certificates in one text, owned. */
static char *chain_of(const struct minted *a, const struct minted *b, const struct minted *c)
{
	const struct minted *all[] = {a, b, c};
	char *text = calloc(1, 16384);

	assert_non_null(text);
	for (int i = 0; i < 3 && all[i]; i++) {
		char *pem = mint_pem(all[i]);

		strcat(text, pem);
		free(pem);
	}
	return text;
}

/* Takes the texts. */
static struct anchors *anchors_of(char *a, char *b)
{
	const char *const chains[] = {a, b};
	struct anchors *anchors = NULL;
	struct certs_error e = {""};

	if (anchors_new(chains, b ? 2 : 1, &anchors, &e) != 0)
		fail_msg("%s", e.text);
	free(a);
	free(b);
	return anchors;
}

static void pins(const struct anchors *a, const char *host, const struct minted *expected,
		 bool is_leaf)
{
	uint8_t fingerprint[CERT_FINGERPRINT_SIZE];
	struct anchors_pin pin;
	struct certs_error e = {""};

	if (anchors_pin(a, host, &pin, &e) != 0)
		fail_msg("%s: %s", host, e.text);
	assert_int_equal(cert_fingerprint(expected->cert, fingerprint), 0);
	assert_memory_equal(pin.fingerprint, fingerprint, sizeof(fingerprint));
	assert_int_equal(pin.is_leaf, is_leaf);
}

static void refuses(const struct anchors *a, const char *host)
{
	struct anchors_pin pin = {.is_leaf = true};
	struct certs_error e = {""};

	assert_int_equal(anchors_pin(a, host, &pin, &e), -EKEYREJECTED);
	assert_non_null(strstr(e.text, host));
	assert_true(pin.is_leaf);
}

static void root_in_the_file_is_the_anchor_in_whatever_order(void **state)
{
	struct minted leaf = mint_server("DNS:gw.test", MINT_RSA_2048, &r10);
	struct anchors *a = anchors_of(chain_of(&leaf, &r10, &root), NULL);
	struct anchors *b = anchors_of(chain_of(&leaf, &root, &r10), NULL);

	pins(a, "gw.test", &root, false);
	pins(b, "GW.test", &root, false);
	anchors_free(b);
	anchors_free(a);
	minted_done(&leaf);
}

static void intermediate_is_the_anchor_where_the_file_ends_with_it(void **state)
{
	struct minted leaf = mint_server("DNS:gw.test,IP:192.0.2.1", MINT_P256, &r10);
	struct anchors *a = anchors_of(chain_of(&leaf, &r10, NULL), NULL);
	struct anchors *b = anchors_of(chain_of(&leaf, &stranger, NULL), NULL);

	pins(a, "gw.test", &r10, false);
	pins(a, "192.0.2.1", &r10, false);
	pins(b, "gw.test", &leaf, true); /* what did not issue it does not count */
	assert_ptr_not_equal(anchors_at(a, 0), NULL);
	assert_null(anchors_at(a, 1));
	anchors_free(b);
	anchors_free(a);
	minted_done(&leaf);
}

static void root_that_the_system_trusts_goes_before_what_is_in_the_file(void **state)
{
	const char *path = testcert_path("system.pem");
	struct minted first = mint_server("DNS:gw.test", MINT_P256, &r10);
	struct minted next = mint_server("DNS:gw.test", MINT_P256, &r11);
	struct minted foreign = mint_server("DNS:gw.test", MINT_P256, &stranger);
	char *pem = mint_pem(&root);
	FILE *f = fopen(path, "w");
	struct anchors *a, *b, *c;

	assert_non_null(f);
	fputs(pem, f);
	fclose(f);
	setenv("SSL_CERT_FILE", path, 1);
	a = anchors_of(chain_of(&first, &r10, NULL), NULL);
	b = anchors_of(chain_of(&next, &r11, NULL), NULL);
	c = anchors_of(chain_of(&foreign, NULL, NULL), NULL);
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	pins(a, "gw.test", &root, false);
	pins(b, "gw.test", &root, false);
	pins(c, "gw.test", &foreign, true);
	anchors_free(c);
	anchors_free(b);
	anchors_free(a);
	free(pem);
	minted_done(&foreign);
	minted_done(&next);
	minted_done(&first);
}

static void expired_certificate_has_its_anchor_all_the_same(void **state)
{
	struct minted leaf = mint(&(struct mint){.cn = "gateway",
						 .san = "DNS:gw.test",
						 .from = MINT_NOW - 7200,
						 .to = MINT_NOW - 3600,
						 .issuer = &r10});
	struct anchors *a = anchors_of(chain_of(&leaf, &r10, NULL), NULL);

	pins(a, "gw.test", &r10, false);
	anchors_free(a);
	minted_done(&leaf);
}

static void certificate_signed_by_itself_is_its_own_anchor(void **state)
{
	struct minted leaf = mint_server("DNS:gw.test", MINT_P256, NULL);
	struct anchors *a = anchors_of(chain_of(&leaf, NULL, NULL), NULL);

	pins(a, "gw.test", &leaf, true);
	anchors_free(a);
	minted_done(&leaf);
}

static void two_that_have_issued_each_other_end(void **state)
{
	struct minted x = mint_authority("x", NULL), y = mint_authority("y", &x);
	struct minted x_by_y = mint_authority("x", &y);
	struct minted leaf = mint_server("DNS:gw.test", MINT_P256, &y);
	struct anchors *a = anchors_of(chain_of(&leaf, &y, &x_by_y), NULL);
	struct anchors_pin pin;

	assert_int_equal(anchors_pin(a, "gw.test", &pin, NULL), 0);
	assert_false(pin.is_leaf);
	anchors_free(a);
	minted_done(&leaf);
	minted_done(&x_by_y);
	minted_done(&y);
	minted_done(&x);
}

static void name_finds_its_own_then_a_wildcard_s(void **state)
{
	struct minted wild = mint_server("DNS:*.one.test,IP:192.0.2.1", MINT_P256, &r10);
	struct minted exact = mint_server("DNS:gw.one.test,IP:192.0.2.2", MINT_P256, &r11);
	struct anchors *a = anchors_of(chain_of(&wild, &r10, NULL), chain_of(&exact, &r11, NULL));

	pins(a, "gw.one.test", &r11, false);
	pins(a, "other.one.test", &r10, false);
	pins(a, "192.0.2.1", &r10, false);
	refuses(a, "192.0.2.2"); /* nobody who dials an address is shown the second one */
	refuses(a, "one.test");
	refuses(a, "gateway"); /* the common name counts for nothing */
	anchors_free(a);
	minted_done(&exact);
	minted_done(&wild);
}

static void of_rsa_and_ecdsa_the_second_is_for_workers(void **state)
{
	static const char names[] = "DNS:gw.test,IP:192.0.2.1";
	struct minted rsa = mint_server(names, MINT_RSA_2048, &r10);
	struct minted ec = mint_server(names, MINT_P256, &r11);
	struct anchors *a = anchors_of(chain_of(&rsa, &r10, NULL), chain_of(&ec, &r11, NULL));
	struct anchors *b = anchors_of(chain_of(&ec, &r11, NULL), chain_of(&rsa, &r10, NULL));

	pins(a, "gw.test", &r11, false);
	pins(a, "192.0.2.1", &r11, false);
	pins(b, "gw.test", &r11, false);
	pins(b, "192.0.2.1", &r11, false);
	assert_int_equal(X509_cmp(anchors_at(a, 0), r10.cert), 0);
	assert_int_equal(X509_cmp(anchors_at(a, 1), r11.cert), 0);
	assert_null(anchors_at(a, 2));
	anchors_free(b);
	anchors_free(a);
	minted_done(&ec);
	minted_done(&rsa);
}

static void one_anchor_of_two_chains_is_there_once(void **state)
{
	struct minted one = mint_server("DNS:one.test", MINT_P256, &r10);
	struct minted two = mint_server("DNS:two.test", MINT_P256, &r10);
	struct anchors *a = anchors_of(chain_of(&one, &r10, NULL), chain_of(&two, &r10, NULL));

	assert_int_equal(X509_cmp(anchors_at(a, 0), r10.cert), 0);
	assert_null(anchors_at(a, 1));
	anchors_free(a);
	minted_done(&two);
	minted_done(&one);
}

static void what_is_no_chain_is_refused(void **state)
{
	const char *const junk[] = {"junk"};
	struct anchors *a = NULL;
	struct certs_error e = {""};

	assert_int_equal(anchors_new(junk, 1, &a, &e), -EINVAL);
	assert_string_equal(e.text, "there is no certificate in PEM");
	assert_int_equal(anchors_new(junk, 0, &a, &e), -EINVAL);
	assert_null(a);
	anchors_free(a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_in_the_file_is_the_anchor_in_whatever_order),
		cmocka_unit_test(intermediate_is_the_anchor_where_the_file_ends_with_it),
		cmocka_unit_test(root_that_the_system_trusts_goes_before_what_is_in_the_file),
		cmocka_unit_test(expired_certificate_has_its_anchor_all_the_same),
		cmocka_unit_test(certificate_signed_by_itself_is_its_own_anchor),
		cmocka_unit_test(two_that_have_issued_each_other_end),
		cmocka_unit_test(name_finds_its_own_then_a_wildcard_s),
		cmocka_unit_test(of_rsa_and_ecdsa_the_second_is_for_workers),
		cmocka_unit_test(one_anchor_of_two_chains_is_there_once),
		cmocka_unit_test(what_is_no_chain_is_refused),
	};

	return cmocka_run_group_tests_name("certs/anchors", tests, make_authorities,
					   free_authorities);
}
