/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each set of certificates that a name can lead to (name_table.h) has an SSL_CTX of its own. A connection begins with the
 * default's and is moved by the callback that OpenSSL calls once it has read the client's extensions, before a certificate
 * is chosen; so the choice among RSA and ECDSA is OpenSSL's, and which SSL_CTX a connection has says which set it was
 * shown. Certificates looked up per connection instead (SSL_use_certificate() in the callback) would save the 15 KB of
 * an SSL_CTX per set, but would check key and chain again in every handshake.
 */
#include "sstp/net/tls_server.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "sstp/net/identity.h"
#include "sstp/net/name_table.h"
#include "sstp/net/tls_error.h"
#include "sstp/net/tls_internal.h"

/* What the clients of a name are shown. */
struct offer {
	SSL_CTX *ssl; /* owned */
	int tag;
};

struct tls_server {
	struct identity *identities;
	size_t n_identities;
	struct name_table *names;
	struct offer *offers; /* by the table's set; 0: default */
	size_t n_offers;
};

/* ---- in the handshake ---- */

static int select_alpn(SSL *ssl, const unsigned char **ret_proto, unsigned char *ret_len,
		       const unsigned char *offered, unsigned int offered_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *proto;

	if (SSL_select_next_proto(&proto, ret_len, ours, sizeof(ours) - 1, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret_proto = proto;
	return SSL_TLSEXT_ERR_OK;
}

/* A name that nobody has is no error: clients dial what they like, and judge the certificate themselves. */
static int choose_offer(SSL *ssl, int *alert, void *arg)
{
	const struct tls_server *server = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct offer *offer = &server->offers[name_table_find(server->names, name)];

	if (!SSL_set_SSL_CTX(ssl, offer->ssl)) {
		*alert = SSL_AD_INTERNAL_ERROR;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	return offer == server->offers ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

/*
 * A client is asked for its certificate only by stream_request_certificate(). That it holds the key is proved by its
 * signature, which OpenSSL verifies; whether the certificate is good is for the stream's owner to say.
 */
static int accept_any_client(X509_STORE_CTX *x509, void *arg)
{
	X509_STORE_CTX_set_error(x509, X509_V_OK);
	return 1;
}

int tls_session_tag(const SSL *ssl)
{
	const struct offer *offer = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	return offer ? offer->tag : TLS_NO_TAG;
}

const char *tls_session_name(const SSL *ssl)
{
	return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
}

/* ---- from certificates to offers ---- */

static int explain_identity(const struct identity *id, char ret_error[TLS_ERROR_MAX])
{
	const char *words = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return tls_fail(ret_error, -EINVAL, "%s: this certificate cannot be used: %s", id->label,
			words ? words : "unknown reason");
}

static int add_identity(SSL_CTX *ssl, const struct identity *id, char ret_error[TLS_ERROR_MAX])
{
	ERR_clear_error();
	if (SSL_CTX_use_cert_and_key(ssl, id->cert, id->key, id->chain, 1) != 1)
		return explain_identity(id, ret_error);
	return 0;
}

static SSL_CTX *server_ssl_ctx_new(struct tls_server *server, struct offer *offer)
{
	SSL_CTX *ssl = tls_ssl_ctx_new(TLS_server_method());

	if (!ssl)
		return NULL;
	SSL_CTX_set_alpn_select_cb(ssl, select_alpn, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, choose_offer);
	SSL_CTX_set_tlsext_servername_arg(ssl, server);
	SSL_CTX_set_app_data(ssl, offer);
	SSL_CTX_set_cert_verify_callback(ssl, accept_any_client, NULL);
	return ssl;
}

static int make_offer(struct tls_server *server, size_t set, char ret_error[TLS_ERROR_MAX])
{
	const struct name_set *owners = name_table_set(server->names, set);
	struct offer *offer = &server->offers[set];
	int r = 0;

	offer->ssl = server_ssl_ctx_new(server, offer);
	if (!offer->ssl)
		return tls_fail_memory(ret_error);
	for (int kind = 0; kind < NAME_KINDS && r == 0; kind++) {
		const struct identity *id;

		if (owners->owner[kind] < 0)
			continue;
		id = &server->identities[owners->owner[kind]];
		offer->tag = id->tag;
		r = add_identity(offer->ssl, id, ret_error);
	}
	return r;
}

static int make_offers(struct tls_server *server, char ret_error[TLS_ERROR_MAX])
{
	size_t n = name_table_sets(server->names);
	int r = 0;

	server->offers = calloc(n, sizeof(*server->offers));
	if (!server->offers)
		return tls_fail_memory(ret_error);
	server->n_offers = n;
	for (size_t i = 0; i < n && r == 0; i++)
		r = make_offer(server, i, ret_error);
	return r;
}

static int explain_conflict(const struct tls_server *server, const struct name_conflict *conflict,
			    char ret_error[TLS_ERROR_MAX])
{
	const struct identity *id = &server->identities[conflict->owner];
	const struct identity *other = &server->identities[conflict->other];

	switch (conflict->why) {
	case NAME_TWO_TAGS:
		return tls_fail(ret_error, -EINVAL,
				"%s: is for %s, and so is %s: one name cannot lead to two VNets",
				id->label, conflict->name, other->label);
	case NAME_UNUSED:
		return tls_fail(ret_error, -EINVAL,
				"%s: would never be shown: %s answers to its names, with a key of "
				"the same kind (%s)",
				id->label, other->label, identity_kind_name(id->kind));
	default:
		return tls_fail(ret_error, -EINVAL,
				"%s: no client could ask for it: it has no DNS name among its "
				"subject alternative names, which only the first certificate may "
				"lack",
				id->label);
	}
}

static int make_names(struct tls_server *server, char ret_error[TLS_ERROR_MAX])
{
	struct name_owner *owners = calloc(server->n_identities, sizeof(*owners));
	struct name_conflict conflict;
	int r;

	if (!owners)
		return tls_fail_memory(ret_error);
	for (size_t i = 0; i < server->n_identities; i++) {
		const struct identity *id = &server->identities[i];

		owners[i] = (struct name_owner){(const char *const *)id->names, id->n_names,
						id->kind, id->tag};
	}
	r = name_table_new(owners, server->n_identities, &server->names, &conflict);
	free(owners);
	if (r == -EINVAL)
		return explain_conflict(server, &conflict, ret_error);
	return r < 0 ? tls_fail_memory(ret_error) : 0;
}

/* ---- life ---- */

/* With room for n identities, and none. */
static struct tls_server *server_alloc(size_t n)
{
	struct tls_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->identities = calloc(n, sizeof(*server->identities));
	if (server->identities)
		return server;
	free(server);
	return NULL;
}

void tls_server_free(struct tls_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < server->n_offers; i++)
		SSL_CTX_free(server->offers[i].ssl);
	free(server->offers);
	name_table_free(server->names);
	for (size_t i = 0; i < server->n_identities; i++)
		identity_done(&server->identities[i]);
	free(server->identities);
	free(server);
}

X509 *tls_server_certificate(const struct tls_server *server, size_t i)
{
	return i < server->n_identities ? server->identities[i].cert : NULL;
}

size_t tls_ctx_offers(const struct tls_ctx *ctx)
{
	return ctx->server ? ctx->server->n_offers : 0;
}

size_t tls_ctx_offer_of(const struct tls_ctx *ctx, const char *name)
{
	return name_table_find(ctx->server->names, name);
}

static_assert((int)TLS_SHOWN_MAX == (int)NAME_KINDS, "one certificate for each kind of key");

size_t tls_ctx_shown(const struct tls_ctx *ctx, size_t offer,
		     struct tls_shown ret_shown[TLS_SHOWN_MAX])
{
	const struct tls_server *server = ctx->server;
	size_t n = 0;

	for (int kind = 0; offer < tls_ctx_offers(ctx) && kind < NAME_KINDS; kind++) {
		int owner = name_table_set(server->names, offer)->owner[kind];
		const struct identity *id = owner < 0 ? NULL : &server->identities[owner];

		if (id)
			ret_shown[n++] = (struct tls_shown){id->cert, id->key, id->chain};
	}
	return n;
}

STACK_OF(X509) * tls_server_chain(const struct tls_server *server, size_t i)
{
	return i < server->n_identities ? server->identities[i].chain : NULL;
}

/* The identities are there: makes all else. Takes server, also on failure. */
static int finish(struct tls_server *server, struct tls_ctx **ret_ctx,
		  char ret_error[TLS_ERROR_MAX])
{
	struct tls_ctx *ctx = tls_ctx_alloc();
	int r = ctx ? make_names(server, ret_error) : tls_fail_memory(ret_error);

	if (r == 0)
		r = make_offers(server, ret_error);
	if (r < 0) {
		tls_ctx_unref(ctx);
		tls_server_free(server);
		return r;
	}
	ctx->server = server;
	ctx->ssl = server->offers[0].ssl;
	SSL_CTX_up_ref(ctx->ssl);
	*ret_ctx = ctx;
	return 0;
}

int tls_ctx_new_server_of(const struct tls_pair *pairs, size_t n, struct tls_ctx **ret_ctx,
			  char ret_error[TLS_ERROR_MAX])
{
	struct tls_server *server = server_alloc(n);

	if (!server)
		return tls_fail_memory(ret_error);
	for (size_t i = 0; i < n; i++) {
		int r = identity_load(&pairs[i], &server->identities[i], ret_error);

		if (r < 0) {
			tls_server_free(server);
			return r;
		}
		server->n_identities++;
	}
	return finish(server, ret_ctx, ret_error);
}

int tls_ctx_new_server(const char *cert_file, const char *key_file, struct tls_ctx **ret_ctx,
		       char ret_error[TLS_ERROR_MAX])
{
	struct tls_pair pair = {.cert_file = cert_file, .key_file = key_file, .tag = TLS_NO_TAG};

	return tls_ctx_new_server_of(&pair, 1, ret_ctx, ret_error);
}

int tls_ctx_copy(const struct tls_ctx *ctx, struct tls_ctx **ret_ctx)
{
	const struct tls_server *from = ctx->server;
	struct tls_server *server;
	char error[TLS_ERROR_MAX];
	struct tls_ctx *copy;

	if (!from)
		return -EINVAL;
	server = server_alloc(from->n_identities);
	if (!server)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_identities; i++) {
		if (identity_copy(&from->identities[i], &server->identities[i]) < 0) {
			tls_server_free(server);
			ERR_clear_error();
			return -ENOMEM;
		}
		server->n_identities++;
	}
	/* what was good once fails only for want of memory */
	if (finish(server, &copy, error) < 0)
		return -ENOMEM;
	copy->key_records = ctx->key_records;
	*ret_ctx = copy;
	return 0;
}

static int mapped(int tag, const int *map, size_t n)
{
	return tag >= 0 && (size_t)tag < n ? map[tag] : tag;
}

void tls_ctx_map_tags(struct tls_ctx *ctx, const int *map, size_t n)
{
	struct tls_server *server = ctx->server;

	for (size_t i = 0; i < server->n_identities; i++)
		server->identities[i].tag = mapped(server->identities[i].tag, map, n);
	for (size_t i = 0; i < server->n_offers; i++)
		server->offers[i].tag = mapped(server->offers[i].tag, map, n);
}
