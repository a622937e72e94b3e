/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/anchors.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "certs/encoding.h"
#include "certs/hostname.h"

enum {
	HOST_FLAGS = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
};

/* A chain that is shown: only its ends count. Both counted. */
struct shown {
	X509 *leaf;
	X509 *anchor;
};

struct anchors {
	struct shown *shown;
	size_t n_shown;
	X509 **distinct; /* anchors, borrowed from shown */
	size_t n_distinct;
};

/* ---- the highest of a chain ---- */

static X509 *issuer_of(X509 *cert, const struct stack_st_X509 *chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *other = sk_X509_value(chain, i);

		if (other != cert && X509_check_issued(other, cert) == X509_V_OK)
			return other;
	}
	return NULL;
}

/* A chain in which two have issued each other ends as well. */
static X509 *top_of(const struct stack_st_X509 *chain)
{
	X509 *top = sk_X509_value(chain, 0);
	X509 *next = top;

	for (int i = 0; next && i < sk_X509_num(chain); i++) {
		top = next;
		next = X509_self_signed(top, 0) == 1 ? NULL : issuer_of(top, chain);
	}
	return top;
}

/* The root that this system trusts, one more reference; NULL: the chain leads to none. */
static X509 *system_root(X509_STORE *system, struct stack_st_X509 *chain)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct stack_st_X509 *verified;
	X509 *root = NULL;

	if (ctx && X509_STORE_CTX_init(ctx, system, sk_X509_value(chain, 0), chain) == 1) {
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
		if (X509_verify_cert(ctx) == 1) {
			verified = X509_STORE_CTX_get0_chain(ctx);
			root = sk_X509_value(verified, sk_X509_num(verified) - 1);
			X509_up_ref(root);
		}
	}
	X509_STORE_CTX_free(ctx);
	return root;
}

/* ---- all of them ---- */

static int add_chain(struct anchors *a, X509_STORE *system, const char *pem, struct certs_error *e)
{
	struct shown *s = &a->shown[a->n_shown];
	struct stack_st_X509 *chain;
	int err = encoding_chain_from_pem(pem, strlen(pem), &chain, e);

	if (err)
		return err == -ENOMEM ? err : -EINVAL;
	s->leaf = sk_X509_value(chain, 0);
	X509_up_ref(s->leaf);
	s->anchor = system_root(system, chain);
	if (!s->anchor) {
		s->anchor = top_of(chain);
		X509_up_ref(s->anchor);
	}
	a->n_shown++;
	sk_X509_pop_free(chain, X509_free);
	return 0;
}

static void gather(struct anchors *a)
{
	for (size_t i = 0; i < a->n_shown; i++) {
		X509 *anchor = a->shown[i].anchor;
		size_t k = 0;

		while (k < a->n_distinct && X509_cmp(a->distinct[k], anchor) != 0)
			k++;
		if (k == a->n_distinct)
			a->distinct[a->n_distinct++] = anchor;
	}
}

static struct anchors *alloc(size_t n)
{
	struct anchors *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->shown = calloc(n, sizeof(*a->shown));
	a->distinct = calloc(n, sizeof(X509 *));
	if (a->shown && a->distinct)
		return a;
	anchors_free(a);
	return NULL;
}

static int fill(struct anchors *a, const char *const *chains_pem, size_t n, struct certs_error *e)
{
	X509_STORE *system = X509_STORE_new();
	int err = system ? 0 : certs_fail(e, -ENOMEM, "out of memory");

	ERR_set_mark();
	if (!err)
		X509_STORE_set_default_paths(system); /* none there: no chain leads to one */
	for (size_t i = 0; i < n && !err; i++)
		err = add_chain(a, system, chains_pem[i], e);
	gather(a);
	X509_STORE_free(system);
	ERR_pop_to_mark();
	return err;
}

int anchors_new(const char *const *chains_pem, size_t n, struct anchors **ret_anchors,
		struct certs_error *ret_error)
{
	struct anchors *a;
	int err;

	if (!n)
		return certs_fail(ret_error, -EINVAL, "there is no certificate");
	a = alloc(n);
	err = a ? fill(a, chains_pem, n, ret_error)
		: certs_fail(ret_error, -ENOMEM, "out of memory");
	if (err)
		anchors_free(a);
	else
		*ret_anchors = a;
	return err;
}

void anchors_free(struct anchors *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_shown; i++) {
		X509_free(a->shown[i].leaf);
		X509_free(a->shown[i].anchor);
	}
	free(a->shown);
	free(a->distinct);
	free(a);
}

X509 *anchors_at(const struct anchors *a, size_t i)
{
	return i < a->n_distinct ? a->distinct[i] : NULL;
}

/* ---- which one ---- */

static bool is_for(X509 *cert, const char *host, unsigned flags)
{
	if (hostname_kind(host) == HOSTNAME_DNS)
		return X509_check_host(cert, host, 0, HOST_FLAGS | flags, NULL) == 1;
	return X509_check_ip_asc(cert, host, 0) == 1;
}

static bool is_ec(X509 *cert)
{
	return EVP_PKEY_is_a(X509_get0_pubkey(cert), "EC");
}

static bool has_same_names(X509 *a, X509 *b)
{
	int i = X509_get_ext_by_NID(a, NID_subject_alt_name, -1);
	int k = X509_get_ext_by_NID(b, NID_subject_alt_name, -1);

	return i >= 0 && k >= 0 &&
	       ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(a, i)),
				     X509_EXTENSION_get_data(X509_get_ext(b, k))) == 0;
}

/* Of an RSA and an ECDSA certificate for the same name our workers get the second. */
static bool is_better(const struct shown *s, const struct shown *than)
{
	return !than || (!is_ec(than->leaf) && is_ec(s->leaf));
}

static const struct shown *find_name(const struct anchors *a, const char *host, unsigned flags)
{
	const struct shown *found = NULL;

	for (size_t i = 0; i < a->n_shown; i++)
		if (is_for(a->shown[i].leaf, host, flags) && is_better(&a->shown[i], found))
			found = &a->shown[i];
	return found;
}

/* Nobody is told which address was dialled: the first certificate is shown, or a twin of it. */
static const struct shown *find_address(const struct anchors *a, const char *host)
{
	const struct shown *first = &a->shown[0], *found = first;

	for (size_t i = 1; i < a->n_shown; i++)
		if (has_same_names(first->leaf, a->shown[i].leaf) && is_better(&a->shown[i], found))
			found = &a->shown[i];
	return is_for(first->leaf, host, 0) ? found : NULL;
}

/* As a server chooses by SNI: the name itself, then wildcards. */
static const struct shown *shown_to(const struct anchors *a, const char *host)
{
	const struct shown *s;

	if (hostname_kind(host) != HOSTNAME_DNS)
		return find_address(a, host);
	s = find_name(a, host, X509_CHECK_FLAG_NO_WILDCARDS);
	return s ? s : find_name(a, host, 0);
}

int anchors_pin(const struct anchors *a, const char *host, struct anchors_pin *ret_pin,
		struct certs_error *ret_error)
{
	const struct shown *s = shown_to(a, host);
	struct anchors_pin pin;

	if (!s)
		return certs_fail(
			ret_error, -EKEYREJECTED,
			"no certificate of this gateway is for '%s', so no worker would take "
			"it: name what stands among a certificate's subject alternative "
			"names, or get one for this name",
			host);
	if (cert_fingerprint(s->anchor, pin.fingerprint) != 0)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	pin.is_leaf = X509_cmp(s->leaf, s->anchor) == 0;
	*ret_pin = pin;
	return 0;
}
