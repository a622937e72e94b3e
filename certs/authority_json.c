/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority_json.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdbool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "certs/encoding.h"
#include "certs/trust.h"

/* Where a record stands, for sentences: "certificates[7]". */
enum {
	PLACE_MAX = 40
};

/* ---- writing ---- */

static json_t *encode_root(const struct state_root *r)
{
	return json_pack("{s:s, s:b, s:s, s:s}", "name", r->name, "own", r->key != NULL, "vnet",
			 r->vnet, "certificate", state_blob_text(r->blob));
}

static json_t *encode_names(const struct state_server *r)
{
	json_t *names = json_array();

	for (size_t i = 0; names && i < r->n_names; i++) {
		if (json_array_append_new(names, json_string(r->names[i])) != 0) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

static json_t *encode_server(const struct state_server *r)
{
	if (!r->cert)
		return json_null();
	return json_pack("{s:s, s:s, s:o}", "certificate", state_blob_text(r->blob), "root",
			 r->root, "names", encode_names(r));
}

static json_t *encode_cert(const struct state_cert *c)
{
	char key_hash[BASE64_TEXT_MAX(STATE_HASH_SIZE)];

	base64_encode(BASE64_URL, c->key_hash, sizeof(c->key_hash), key_hash);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s}",
		"app", c->app, "vnet", c->vnet, "thumbprint", c->thumbprint, "serial", c->serial,
		"key", c->key, "keyHash", key_hash, "notBefore", (json_int_t)c->not_before,
		"notAfter", (json_int_t)c->not_after, "issued", (json_int_t)c->issued, "revoked",
		(json_int_t)c->revoked, "root", c->root, "renews", c->renews, "lineage", c->lineage,
		"token", c->token, "certificate", state_blob_text(c->blob));
}

static json_t *encode_token(const struct state_token *t)
{
	char hash[BASE64_TEXT_MAX(TOKEN_HASH_SIZE)];

	base64_encode(BASE64_URL, t->hash, sizeof(t->hash), hash);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "hash", hash, "app", t->app, "vnet",
			 t->vnet, "created", (json_int_t)t->created, "expires",
			 (json_int_t)t->expires, "used", (json_int_t)t->used, "thumbprint",
			 t->thumbprint);
}

static json_t *encode_revoked(const struct state_revoked *r)
{
	return json_pack("{s:s, s:I}", "thumbprint", r->thumbprint, "at", (json_int_t)r->at);
}

/* Takes entry; false when one of the two is NULL, or memory is out. */
static bool append(json_t *array, json_t *entry)
{
	return json_array_append_new(array, entry) == 0;
}

static bool encode_tables(const struct state *s, json_t *roots, json_t *certs, json_t *tokens,
			  json_t *revoked)
{
	bool ok = true;

	for (size_t i = 0; ok && i < s->n_roots; i++)
		ok = append(roots, encode_root(&s->roots[i]));
	for (size_t i = 0; ok && i < s->n_certs; i++)
		ok = append(certs, encode_cert(&s->certs[i]));
	for (size_t i = 0; ok && i < s->n_tokens; i++)
		ok = append(tokens, encode_token(&s->tokens[i]));
	for (size_t i = 0; ok && i < s->n_revoked; i++)
		ok = append(revoked, encode_revoked(&s->revoked[i]));
	return ok;
}

int authority_json_encode(const struct state *s, char **ret_text, size_t *ret_len)
{
	json_t *roots = json_array(), *certs = json_array();
	json_t *tokens = json_array(), *revoked = json_array();
	bool ok = encode_tables(s, roots, certs, tokens, revoked);
	/* takes the arrays, also when it fails */
	json_t *document = json_pack("{s:i, s:I, s:o, s:o, s:o, s:o, s:o}", "schema",
				     AUTHORITY_JSON_SCHEMA, "clock", (json_int_t)s->clock, "roots",
				     roots, "server", encode_server(&s->server), "tokens", tokens,
				     "certificates", certs, "revoked", revoked);
	char *text = document && ok ? json_dumps(document, JSON_INDENT(1)) : NULL;

	json_decref(document);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	*ret_len = strlen(text);
	return 0;
}

/* ---- reading ---- */

struct reader {
	const struct authority_keys *keys;
	struct state *state;
	struct certs_error *error;
	char place[PLACE_MAX];
};

static int wrong(const struct reader *r, const char *what)
{
	return certs_fail(r->error, -EBADMSG, "%s: %s", r->place, what);
}

/* Copies a text that is there into an array of size bytes; an empty one where it may be. */
static bool copy_label(const char *text, bool may_be_empty, char ret_label[NAME_LABEL_MAX])
{
	if (!name_is_label(text) && !(may_be_empty && *text == '\0'))
		return false;
	snprintf(ret_label, NAME_LABEL_MAX, "%s", text);
	return true;
}

static bool copy_thumbprint(const char *text, bool may_be_empty, char *ret_thumbprint)
{
	ret_thumbprint[0] = '\0';
	return (may_be_empty && *text == '\0') || cert_thumbprint_parse(text, ret_thumbprint) == 0;
}

static int read_cert(const struct reader *r, const char *blob, X509 **ret_cert)
{
	int err = encoding_from_blob(blob, ret_cert, r->error);

	return err ? certs_fail_in(r->error, err == -ENOMEM ? err : -EBADMSG, r->place) : 0;
}

static int get_key(const struct reader *r, const char *kind, const X509 *cert, EVP_PKEY **ret_key)
{
	int err = r->keys->get(r->keys->arg, kind, cert, ret_key, r->error);

	return err ? certs_fail_in(r->error, err, r->place) : 0;
}

static int check_root(const struct reader *r, const X509 *cert)
{
	int err = trust_check_root(cert, r->error);

	return err ? certs_fail_in(r->error, -EBADMSG, r->place) : 0;
}

static int decode_root(struct reader *r, json_t *entry)
{
	struct state_root root = {0};
	const char *name, *vnet, *blob;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	json_error_t error;
	int own, err;

	if (json_unpack_ex(entry, &error, 0, "{s:s, s:b, s:s, s:s !}", "name", &name, "own", &own,
			   "vnet", &vnet, "certificate", &blob) != 0)
		return wrong(r, error.text);
	if (!copy_label(name, false, root.name) || !copy_label(vnet, own, root.vnet))
		return wrong(r, "a name is none");
	if (r->state->n_roots == AUTHORITY_ROOTS_MAX)
		return wrong(r, "too many roots");
	err = read_cert(r, blob, &cert);
	if (!err)
		err = check_root(r, cert);
	if (!err && own)
		err = get_key(r, "root", cert, &key);
	if (err) {
		X509_free(cert);
		return err;
	}
	err = state_root_set(&root, cert, key, r->error);
	if (err)
		state_root_done(&root);
	else
		state_add_root(r->state, &root);
	return err;
}

static int decode_names(struct reader *r, json_t *names, struct state_server *ret_server)
{
	size_t i;
	json_t *entry;

	if (json_array_size(names) < 1 || json_array_size(names) > ISSUE_NAMES_MAX)
		return wrong(r, "the number of names is wrong");
	json_array_foreach(names, i, entry)
	{
		const char *name = json_string_value(entry);

		if (!name || hostname_kind(name) == HOSTNAME_INVALID)
			return wrong(r, "a name is none");
		snprintf(ret_server->names[i], HOSTNAME_MAX, "%s", name);
	}
	ret_server->n_names = i;
	return 0;
}

static int fill_server(struct reader *r, const char *blob, struct state_server *server)
{
	EVP_PKEY *key = NULL;
	X509 *cert;
	int err = read_cert(r, blob, &cert);

	if (err)
		return err;
	err = get_key(r, "server", cert, &key);
	if (err) {
		X509_free(cert);
		return err;
	}
	return state_server_set(server, cert, key, r->error);
}

static int decode_server(struct reader *r, json_t *entry)
{
	struct state_server *server = &r->state->server;
	const char *blob, *root;
	json_error_t error;
	json_t *names;
	int err;

	snprintf(r->place, sizeof(r->place), "server");
	if (json_is_null(entry))
		return 0;
	if (json_unpack_ex(entry, &error, 0, "{s:s, s:s, s:o !}", "certificate", &blob, "root",
			   &root, "names", &names) != 0)
		return wrong(r, error.text);
	if (!json_is_array(names) || !copy_thumbprint(root, false, server->root))
		return wrong(r, "the names are no list, or the root is no thumbprint");
	err = decode_names(r, names, server);
	return err ? err : fill_server(r, blob, server);
}

static bool copy_hash(const char *text, uint8_t ret_hash[STATE_HASH_SIZE])
{
	size_t n;

	return base64_decode(BASE64_URL, text, strlen(text), ret_hash, STATE_HASH_SIZE, &n) == 0 &&
	       n == STATE_HASH_SIZE;
}

static bool copy_text(const char *text, size_t size, char *ret_text)
{
	return snprintf(ret_text, size, "%s", text) < (int)size;
}

/*
 * Parsing a certificate costs libcrypto half a millisecond, most of it for the key. There can be
 * thousands, so only the thumbprint is compared with what is there, which needs no parsing.
 */
static bool is_thumbprint_of(const char *blob, const char *thumbprint)
{
	uint8_t der[ENCODING_DER_MAX], sha1[SHA_DIGEST_LENGTH];
	char text[2 * SHA_DIGEST_LENGTH + 1];
	size_t n;

	if (base64_decode(BASE64_LINE, blob, strlen(blob), der, sizeof(der), &n) != 0)
		return false;
	SHA1(der, n, sha1);
	for (size_t i = 0; i < sizeof(sha1); i++)
		sprintf(text + 2 * i, "%02X", sha1[i]);
	return strcmp(text, thumbprint) == 0;
}

/* The texts of a certificate's record; borrowed from the document. */
struct cert_texts {
	const char *app, *vnet, *thumbprint, *serial, *key, *key_hash;
	const char *root, *renews, *lineage, *token, *blob;
};

static bool copy_texts(const struct cert_texts *t, struct state_cert *c)
{
	return copy_label(t->app, false, c->app) && copy_label(t->vnet, false, c->vnet) &&
	       copy_thumbprint(t->thumbprint, false, c->thumbprint) &&
	       copy_thumbprint(t->root, false, c->root) &&
	       copy_thumbprint(t->renews, true, c->renews) &&
	       copy_thumbprint(t->lineage, true, c->lineage) &&
	       copy_text(t->serial, sizeof(c->serial), c->serial) &&
	       copy_text(t->key, sizeof(c->key), c->key) && copy_hash(t->key_hash, c->key_hash) &&
	       copy_text(t->token, sizeof(c->token), c->token);
}

static int decode_cert(struct reader *r, json_t *entry)
{
	json_int_t not_before, not_after, issued, revoked;
	struct state_cert c = {0};
	struct cert_texts t = {.lineage = ""}; /* of schema 1: not there */
	json_error_t error;

	if (json_unpack_ex(
		    entry, &error, 0,
		    "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s?s, s:s, s:s !}",
		    "app", &t.app, "vnet", &t.vnet, "thumbprint", &t.thumbprint, "serial",
		    &t.serial, "key", &t.key, "keyHash", &t.key_hash, "notBefore", &not_before,
		    "notAfter", &not_after, "issued", &issued, "revoked", &revoked, "root", &t.root,
		    "renews", &t.renews, "lineage", &t.lineage, "token", &t.token, "certificate",
		    &t.blob) != 0)
		return wrong(r, error.text);
	if (!copy_texts(&t, &c))
		return wrong(r, "a name, a thumbprint or another text is none");
	if (!is_thumbprint_of(t.blob, c.thumbprint))
		return wrong(r, "the thumbprint is not the certificate's");
	c.not_before = not_before;
	c.not_after = not_after;
	c.issued = issued;
	c.revoked = revoked;
	c.blob = state_blob_of(t.blob);
	if (!c.blob)
		return certs_fail(r->error, -ENOMEM, "out of memory");
	state_add_cert(r->state, &c);
	return 0;
}

static int decode_token(struct reader *r, json_t *entry)
{
	const char *hash, *app, *vnet, *thumbprint;
	json_int_t created, expires, used;
	struct state_token t = {0};
	json_error_t error;

	if (json_unpack_ex(entry, &error, 0, "{s:s, s:s, s:s, s:I, s:I, s:I, s:s !}", "hash", &hash,
			   "app", &app, "vnet", &vnet, "created", &created, "expires", &expires,
			   "used", &used, "thumbprint", &thumbprint) != 0)
		return wrong(r, error.text);
	if (!copy_hash(hash, t.hash) || !copy_label(app, false, t.app) ||
	    !copy_label(vnet, false, t.vnet) || !copy_thumbprint(thumbprint, true, t.thumbprint))
		return wrong(r, "a hash, a name or a thumbprint is none");
	t.created = created;
	t.expires = expires;
	t.used = used;
	state_add_token(r->state, &t);
	return 0;
}

static int decode_revoked(struct reader *r, json_t *entry)
{
	struct state_revoked v = {0};
	const char *thumbprint;
	json_error_t error;
	json_int_t at;

	if (json_unpack_ex(entry, &error, 0, "{s:s, s:I !}", "thumbprint", &thumbprint, "at",
			   &at) != 0)
		return wrong(r, error.text);
	if (!copy_thumbprint(thumbprint, false, v.thumbprint))
		return wrong(r, "the thumbprint is none");
	v.at = at;
	state_add_revoked(r->state, &v);
	return 0;
}

static int decode_table(struct reader *r, const char *name, json_t *table,
			int (*decode)(struct reader *r, json_t *entry))
{
	json_t *entry;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < json_array_size(table); i++) {
		entry = json_array_get(table, i);
		snprintf(r->place, sizeof(r->place), "%s[%zu]", name, i);
		err = decode(r, entry);
	}
	return err;
}

/* The tables of a document; borrowed from it. */
struct document {
	json_t *roots;
	json_t *server;
	json_t *tokens;
	json_t *certs;
	json_t *revoked;
	json_int_t clock; /* of schema 1: 0 */
};

/* As the very first start leaves it for a moment. */
static bool is_empty(const struct state *s)
{
	return s->n_roots + s->n_certs + s->n_tokens + s->n_revoked == 0 && !s->server.cert;
}

static int decode_document(struct reader *r, const struct document *d)
{
	int err = decode_table(r, "roots", d->roots, decode_root);

	if (!err)
		err = decode_server(r, d->server);
	if (!err)
		err = decode_table(r, "tokens", d->tokens, decode_token);
	if (!err)
		err = decode_table(r, "certificates", d->certs, decode_cert);
	if (!err)
		err = decode_table(r, "revoked", d->revoked, decode_revoked);
	if (!err && !state_issuing_root(r->state, 0) && !is_empty(r->state))
		err = certs_fail(r->error, -EBADMSG, "roots: none of them is our own");
	return err;
}

static int read_document(struct reader *r, json_t *root, struct document *ret_document)
{
	struct document d = {0};
	json_error_t error;
	int schema;

	snprintf(r->place, sizeof(r->place), "schema");
	if (json_unpack_ex(root, &error, 0, "{s:i}", "schema", &schema) != 0)
		return wrong(r, error.text);
	if (schema < AUTHORITY_JSON_SCHEMA_OLDEST || schema > AUTHORITY_JSON_SCHEMA)
		return certs_fail(r->error, -EBADMSG,
				  "schema: it is %d, and this program knows %d: it was written by "
				  "another version",
				  schema, AUTHORITY_JSON_SCHEMA);
	snprintf(r->place, sizeof(r->place), "document");
	if (json_unpack_ex(root, &error, 0, "{s:i, s?I, s:o, s:o, s:o, s:o, s:o !}", "schema",
			   &schema, "clock", &d.clock, "roots", &d.roots, "server", &d.server,
			   "tokens", &d.tokens, "certificates", &d.certs, "revoked",
			   &d.revoked) != 0)
		return wrong(r, error.text);
	if (!json_is_array(d.roots) || !json_is_array(d.tokens) || !json_is_array(d.certs) ||
	    !json_is_array(d.revoked))
		return wrong(r, "a table is no list");
	if (json_array_size(d.certs) > AUTHORITY_CERTS_MAX ||
	    json_array_size(d.tokens) > AUTHORITY_TOKENS_MAX ||
	    json_array_size(d.revoked) > AUTHORITY_REVOKED_MAX)
		return wrong(r, "a table is too long");
	*ret_document = d;
	return 0;
}

static int decode(struct reader *r, json_t *root)
{
	struct document d = {0};
	int err = read_document(r, root, &d);

	if (err)
		return err;
	r->state = state_new(json_array_size(d.certs), json_array_size(d.tokens),
			     json_array_size(d.revoked));
	if (!r->state)
		return certs_fail(r->error, -ENOMEM, "out of memory");
	r->state->clock = d.clock;
	return decode_document(r, &d);
}

int authority_json_decode(const char *text, size_t len, const struct authority_keys *keys,
			  struct state **ret_state, struct certs_error *ret_error)
{
	struct reader r = {.keys = keys, .error = ret_error};
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int err;

	if (!root)
		return certs_fail(ret_error, -EBADMSG, "line %d: %s", error.line, error.text);
	err = decode(&r, root);
	json_decref(root);
	if (err)
		state_free(r.state);
	else
		*ret_state = r.state;
	return err;
}
