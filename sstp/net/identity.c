/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/identity.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/name_table.h"
#include "sstp/net/tls_error.h"

static const struct {
	int base_id;
	const char *name;
} kinds[] = {
	[IDENTITY_RSA] = {EVP_PKEY_RSA, "RSA"},
	[IDENTITY_RSA_PSS] = {EVP_PKEY_RSA_PSS, "RSA-PSS"},
	[IDENTITY_ECDSA] = {EVP_PKEY_EC, "ECDSA"},
	[IDENTITY_ED25519] = {EVP_PKEY_ED25519, "Ed25519"},
	[IDENTITY_ED448] = {EVP_PKEY_ED448, "Ed448"},
};

const char *identity_kind_name(enum identity_kind kind)
{
	return kinds[kind].name;
}

/* ---- PEM ---- */

/* The text, or what the file holds. Returns owned; NULL with ret_code and ret_error set. */
static BIO *open_pem(const char *text, const char *path, const char *what, int *ret_code,
		     char ret_error[TLS_ERROR_MAX])
{
	BIO *bio;

	if (!text)
		return tls_open_file(path, what, ret_code, ret_error);
	bio = BIO_new_mem_buf(text, -1);
	if (!bio)
		*ret_code = tls_fail_memory(ret_error);
	return bio;
}

/* Reads the certificates behind the first to the end of bio. False: one of them is broken. */
static bool read_chain(BIO *bio, STACK_OF(X509) * chain)
{
	unsigned long why;
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (!sk_X509_push(chain, cert)) {
			X509_free(cert);
			return false;
		}
	}
	why = ERR_peek_last_error();
	return ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
}

static int explain_certificate(const struct tls_pair *pair, char ret_error[TLS_ERROR_MAX])
{
	unsigned long why = ERR_get_error();
	const char *words = ERR_reason_error_string(why);

	if (ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE)
		return tls_fail(ret_error, -EINVAL,
				"%s: holds no certificate in PEM form "
				"(\"-----BEGIN CERTIFICATE-----\")",
				pair->cert_file);
	return tls_fail(ret_error, -EINVAL, "%s: this certificate cannot be used: %s",
			pair->cert_file, words ? words : "unknown reason");
}

static int load_certificate(const struct tls_pair *pair, struct identity *id,
			    char ret_error[TLS_ERROR_MAX])
{
	int code = 0;
	BIO *bio = open_pem(pair->cert_pem, pair->cert_file, "certificate", &code, ret_error);

	if (!bio)
		return code;
	ERR_clear_error();
	id->chain = sk_X509_new_null();
	id->cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	if (!id->chain)
		code = tls_fail_memory(ret_error);
	else if (!id->cert || !read_chain(bio, id->chain))
		code = explain_certificate(pair, ret_error);
	BIO_free(bio);
	ERR_clear_error();
	return code;
}

/* There is nobody to ask for a passphrase; notes that one was wanted. */
static int refuse_passphrase(char *buf, int size, int writing, void *arg)
{
	*(bool *)arg = true;
	return -1;
}

static int load_key(const struct tls_pair *pair, struct identity *id, char ret_error[TLS_ERROR_MAX])
{
	bool encrypted = false;
	int code = 0;
	BIO *bio = open_pem(pair->key_pem, pair->key_file, "private key", &code, ret_error);

	if (!bio)
		return code;
	id->key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &encrypted);
	BIO_free(bio);
	if (encrypted)
		code = tls_fail(ret_error, -EINVAL,
				"%s: the private key is encrypted: store it without a passphrase "
				"(openssl pkey -in FILE -out NEW)",
				pair->key_file);
	else if (!id->key)
		code = tls_fail(ret_error, -EINVAL,
				"%s: holds no private key in PEM form "
				"(\"-----BEGIN PRIVATE KEY-----\")",
				pair->key_file);
	else if (X509_check_private_key(id->cert, id->key) != 1)
		code = tls_fail(ret_error, -EINVAL,
				"%s: is not the private key of the first certificate in %s",
				pair->key_file, pair->cert_file);
	ERR_clear_error();
	return code;
}

static int find_kind(const struct tls_pair *pair, struct identity *id,
		     char ret_error[TLS_ERROR_MAX])
{
	int base_id = EVP_PKEY_get_base_id(id->key);

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].base_id != base_id)
			continue;
		id->kind = (enum identity_kind)i;
		return 0;
	}
	return tls_fail(
		ret_error, -EINVAL,
		"%s: TLS has no use for a key of this kind: RSA, ECDSA or Ed25519 is wanted",
		pair->key_file);
}

/* ---- names ---- */

/* Returns owned; NULL with *ret_fits false: nothing that a client could ask for, or true: out of memory. */
static char *host_text(const ASN1_STRING *name, bool *ret_fits)
{
	const char *data = (const char *)ASN1_STRING_get0_data(name);
	size_t len = (size_t)ASN1_STRING_length(name);
	size_t star = len > 2 && memcmp(data, "*.", 2) == 0 ? 2 : 0;
	char text[2 + NAME_BYTES] = "*.";

	*ret_fits = name_normalize(data + star, len - star, text + star);
	return *ret_fits ? strdup(text) : NULL;
}

static char *address_text(const ASN1_STRING *address, bool *ret_fits)
{
	const unsigned char *data = ASN1_STRING_get0_data(address);
	int len = ASN1_STRING_length(address);
	char text[3 + 2 * 16 + 1] = "ip:";

	*ret_fits = len == 4 || len == 16;
	if (!*ret_fits)
		return NULL;
	for (int i = 0; i < len; i++)
		snprintf(text + 3 + 2 * i, 3, "%02x", data[i]);
	return strdup(text);
}

/* False: out of memory. */
static bool add_name(struct identity *id, const GENERAL_NAME *name)
{
	bool fits = false;
	char *text = NULL;

	if (name->type == GEN_DNS)
		text = host_text(name->d.dNSName, &fits);
	else if (name->type == GEN_IPADD)
		text = address_text(name->d.iPAddress, &fits);
	if (text)
		id->names[id->n_names++] = text;
	return text || !fits;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(struct identity *id)
{
	size_t kept = 0;

	if (id->n_names)
		qsort(id->names, id->n_names, sizeof(*id->names), compare_names);
	for (size_t i = 0; i < id->n_names; i++) {
		if (kept && strcmp(id->names[kept - 1], id->names[i]) == 0)
			free(id->names[i]);
		else
			id->names[kept++] = id->names[i];
	}
	id->n_names = kept;
}

static bool read_names(struct identity *id)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(id->cert, NID_subject_alt_name, NULL, NULL);
	int n = list ? sk_GENERAL_NAME_num(list) : 0;
	bool ok;

	id->names = calloc((size_t)n + 1, sizeof(*id->names));
	ok = id->names != NULL;
	for (int i = 0; i < n && ok; i++)
		ok = add_name(id, sk_GENERAL_NAME_value(list, i));
	GENERAL_NAMES_free(list);
	if (ok)
		sort_names(id);
	return ok;
}

/* ---- life ---- */

int identity_load(const struct tls_pair *pair, struct identity *ret_identity,
		  char ret_error[TLS_ERROR_MAX])
{
	struct identity id = {.tag = pair->tag};
	int r = load_certificate(pair, &id, ret_error);

	if (r == 0)
		r = load_key(pair, &id, ret_error);
	if (r == 0)
		r = find_kind(pair, &id, ret_error);
	if (r == 0) {
		id.label = strdup(pair->cert_file);
		r = id.label && read_names(&id) ? 0 : tls_fail_memory(ret_error);
	}
	if (r < 0) {
		identity_done(&id);
		return r;
	}
	*ret_identity = id;
	return 0;
}

static bool copy_chain(const struct identity *from, struct identity *to)
{
	to->chain = sk_X509_deep_copy(from->chain, X509_dup, X509_free);
	return to->chain != NULL;
}

static bool copy_names(const struct identity *from, struct identity *to)
{
	to->names = calloc(from->n_names + 1, sizeof(*to->names));
	if (!to->names)
		return false;
	for (size_t i = 0; i < from->n_names; i++) {
		char *name = strdup(from->names[i]);

		if (!name)
			return false;
		to->names[to->n_names++] = name;
	}
	return true;
}

int identity_copy(const struct identity *from, struct identity *ret_identity)
{
	struct identity id = {.kind = from->kind, .tag = from->tag};

	id.label = strdup(from->label);
	id.cert = X509_dup(from->cert);
	id.key = EVP_PKEY_dup(from->key);
	if (!id.label || !id.cert || !id.key || !copy_chain(from, &id) || !copy_names(from, &id)) {
		identity_done(&id);
		return -ENOMEM;
	}
	*ret_identity = id;
	return 0;
}

void identity_done(struct identity *id)
{
	for (size_t i = 0; i < id->n_names; i++)
		free(id->names[i]);
	free(id->names);
	free(id->label);
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
	sk_X509_pop_free(id->chain, X509_free);
	*id = (struct identity){0};
}
