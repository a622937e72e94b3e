/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_AUTHORITY_STATE_H
#define CERTS_AUTHORITY_STATE_H
/*
 * All that an authority knows, as one value. A change is made on a copy: the copy is written to the
 * disk, and only then takes the place of the old one. Copies share certificates, keys and texts by
 * counting, so one costs about 600 bytes for each client certificate and no parsing.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/authority.h"
#include "certs/hostname.h"
#include "certs/issue.h"

enum {
	STATE_HASH_SIZE = 32,
	STATE_TOKEN_KEPT_S = 30 * 86400, /* after it was used or expired */
	STATE_CERT_KEPT_S = 90 * 86400,	 /* after it expired */
	STATE_CLOCK_STEP_S = 7 * 86400,
};

/* certBlob of a certificate, counted; one thread. */
struct state_blob;
/* Returns owned, or NULL. */
struct state_blob *state_blob_new(const X509 *cert);
struct state_blob *state_blob_of(const char *text);
struct state_blob *state_blob_ref(struct state_blob *b);
/* Takes NULL. */
void state_blob_unref(struct state_blob *b);
/* Returns borrowed until the last unref. */
const char *state_blob_text(const struct state_blob *b);

struct state_root {
	char name[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX]; /* "": one of our own */
	struct cert_facts facts;
	X509 *cert;
	EVP_PKEY *key; /* NULL: an external one */
	struct state_blob *blob;
};

struct state_cert {
	char app[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
	char thumbprint[CERT_THUMBPRINT_MAX];
	char serial[CERT_SERIAL_MAX];
	char root[CERT_THUMBPRINT_MAX];
	char renews[CERT_THUMBPRINT_MAX]; /* "" */
	/* the newest that this one asked for; ""; state_add_cert() fills it, it is not written */
	char renewed_by[CERT_THUMBPRINT_MAX];
	/*
	 * the oldest that it comes from by renewals, itself or forgotten; state_add_cert() fills ""
	 */
	char lineage[CERT_THUMBPRINT_MAX];
	char token[AUTHORITY_TOKEN_ID_MAX]; /* "" */
	char key[CERT_KEY_TEXT_MAX];	    /* as in cert_facts */
	uint8_t key_hash[STATE_HASH_SIZE];  /* SHA-256 of its public key */
	int64_t not_before;
	int64_t not_after;
	int64_t issued;
	int64_t revoked; /* 0: not */
	struct state_blob *blob;
};

struct state_token {
	uint8_t hash[TOKEN_HASH_SIZE];
	char app[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
	char thumbprint[CERT_THUMBPRINT_MAX]; /* "" until it is used */
	int64_t created;
	int64_t expires;
	int64_t used; /* 0: never */
};

/* A thumbprint of somebody else's certificate. */
struct state_revoked {
	char thumbprint[CERT_THUMBPRINT_MAX];
	int64_t at;
};

/* The gateway's own certificate; cert is NULL until there is one. */
struct state_server {
	char root[CERT_THUMBPRINT_MAX];
	char names[ISSUE_NAMES_MAX][HOSTNAME_MAX];
	size_t n_names;
	struct cert_facts facts;
	X509 *cert;
	EVP_PKEY *key;
	struct state_blob *blob;
};

struct state {
	struct state_root roots[AUTHORITY_ROOTS_MAX]; /* the oldest first */
	size_t n_roots;
	struct state_server server;
	struct state_cert *certs; /* in the order they were issued */
	size_t n_certs;
	/* by thumbprint: 1 + the index of a certificate, or 0; as many as a power of two */
	uint32_t *slots;
	size_t n_slots;
	struct state_token *tokens; /* in the order they were made */
	size_t n_tokens;
	struct state_revoked *revoked;
	size_t n_revoked;
	int64_t clock; /* what is over is forgotten by this one; 0: not known yet */
};

/*
 * Empty, with room for so many records. Returns owned, or NULL.
 */
struct state *state_new(size_t certs, size_t tokens, size_t revoked);

/*
 * A copy without what is over, with room for one more record of each kind. Returns owned, or NULL.
 *
 * What is over is so by the state's own clock. It follows `now`, but by no more than
 * STATE_CLOCK_STEP_S with each copy: a machine's clock that stands years ahead for a while makes
 * certificates look long expired, and what was forgotten then would not come back with the right
 * time. Where nothing was changed for months it is late, and things are kept for longer.
 */
struct state *state_copy(const struct state *s, int64_t now);

/* Takes NULL. */
void state_free(struct state *s);

/*
 * Fills what follows from cert: facts, blob. Takes cert and key (NULL: external) also on failure.
 * -EBADMSG, -ENOMEM.
 */
int state_root_set(struct state_root *r, X509 *cert, EVP_PKEY *key, struct certs_error *ret_error);
int state_server_set(struct state_server *r, X509 *cert, EVP_PKEY *key,
		     struct certs_error *ret_error);
/* Borrows cert. */
int state_cert_set(struct state_cert *c, const X509 *cert, struct certs_error *ret_error);

/* Room for them was made by state_copy(); takes what the record owns. */
void state_add_root(struct state *s, const struct state_root *r);
void state_add_cert(struct state *s, const struct state_cert *c);
void state_add_token(struct state *s, const struct state_token *t);
void state_add_revoked(struct state *s, const struct state_revoked *r);
void state_remove_root(struct state *s, size_t index);
/* Those behind it move up: pointers into the table are stale. */
void state_remove_cert(struct state *s, size_t index);
void state_remove_token(struct state *s, size_t index);
void state_server_done(struct state_server *r);
/* What state_*_set() filled in, when the record is not added. */
void state_root_done(struct state_root *r);
void state_cert_done(struct state_cert *c);

/*
 * Each returns borrowed from s, or NULL. Thumbprints as cert_thumbprint() prints them. Finding a
 * certificate costs the same however many there are.
 */
const struct state_root *state_find_root(const struct state *s, const char *thumbprint);
struct state_cert *state_find_cert(const struct state *s, const char *thumbprint);
struct state_token *state_find_token(const struct state *s, const uint8_t hash[TOKEN_HASH_SIZE]);
/* The newest of our own that is in force; else the newest of our own; else NULL. */
const struct state_root *state_issuing_root(const struct state *s, int64_t now);
/* The oldest of our own that is CERT_VALID; else the newest that is in force; else NULL. */
const struct state_root *state_serving_root(const struct state *s, int64_t now);

enum cert_status state_cert_status(const struct state *s, const struct state_cert *c, int64_t now);
/* In force, not revoked, and its root is trusted. */
bool state_cert_is_live(const struct state *s, const struct state_cert *c, int64_t now);
enum authority_token_state state_token_state(const struct state_token *t, int64_t now);
/* 12 hex digits of the hash. Returns ret_id. */
const char *state_token_id(const struct state_token *t, char ret_id[AUTHORITY_TOKEN_ID_MAX]);

/*
 * SHA-256 of a public key's SubjectPublicKeyInfo, its point uncompressed, whatever it came in: the
 * same key has the same hash. -ENOMEM.
 */
int state_key_hash(const EVP_PKEY *key, uint8_t ret_hash[STATE_HASH_SIZE]);

#endif
