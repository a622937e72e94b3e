/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_AUTHORITY_H
#define CERTS_AUTHORITY_H
/*
 * The certificate authority of one gateway, in a state folder (vault.h): "authority.json" with all
 * facts, and a file per private key. Every change is on the disk when its function returns 0; when
 * it returns an error, memory stands as before, and the disk too (vault_write() names the one
 * exception). One process, one thread; private keys of roots never leave this module.
 *
 * Roots. The first is made with the folder. Several are trusted at a time:
 * - the *issuing* root, the newest of our own that is in force, signs client certificates;
 * - the *serving* root, the oldest of our own that is not near expiry, signs the gateway's own
 *   certificate: whoever knows only the old root still finds it, and learns the new one by
 *   /cacerts. When the old one is dropped, the next one serves. A token pins the serving root;
 * - *external* roots were imported: their clients belong to the VNet named with it. We have no key
 *   for them.
 *
 * An app belongs to one VNet: while it has a live certificate or an open token there, the other
 * VNet is refused.
 *
 * Limits: AUTHORITY_*_MAX below. What is over is forgotten, by a clock that goes no faster than a
 * week for each change, so that a wrong one does no harm: tokens 30 days after they were used or
 * expired, client certificates 90 days after they expired, together with their revocation. A full
 * table refuses with -ENOSPC; of client certificates it forgets the oldest first that is revoked,
 * or has expired. What is forgotten does not come in: nobody knows it any more.
 *
 * A lineage, what comes from one enrolment by renewals, has at most AUTHORITY_LINEAGE_MAX
 * certificates: one more takes the place of its oldest, but never of the one that asks, and never
 * of one that is younger than AUTHORITY_LINEAGE_KEPT_S. So a worker whose reply was lost asks again
 * with what it has, and who asks again and again waits: 15 or 16 renewals within 20 minutes.
 *
 * Cost, measured on one core at 9,000 certificates: a change writes the whole of authority.json,
 * 1.1 KB and 20 us for each certificate, so 10 MB and 0.2 s; opening reads it, 0.25 s; showing all
 * of them takes 22 ms, an export 4 ms. Finding one does not depend on how many there are.
 */
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/cert.h"
#include "certs/error.h"
#include "certs/name.h"
#include "certs/status.h"
#include "certs/token.h"
#include "certs/trust.h"

enum {
	AUTHORITY_ROOTS_MAX = TRUST_ROOTS_MAX,
	AUTHORITY_CERTS_MAX = 10000,
	AUTHORITY_CERTS_RESERVED = 1000, /* of them: only for renewals */
	AUTHORITY_LINEAGE_MAX = 16,
	AUTHORITY_LINEAGE_KEPT_S = 20 * 60,
	AUTHORITY_TOKENS_MAX = 10000,
	AUTHORITY_ROOT_MONTHS_MIN = 8 * 12 + 6, /* of a root that issues */
	/* thumbprints of external roots' clients; our own are counted as certificates */
	AUTHORITY_REVOKED_MAX = 10000,
	AUTHORITY_TOKEN_ID_MAX = 13, /* 12 hex digits of the secret's hash, and a NUL */
	AUTHORITY_TOKEN_S_MIN = 60,
	AUTHORITY_TOKEN_S_MAX = 30 * 86400,
};

struct authority;
struct vault_hook;

/*
 * Opens the state folder, and makes it with a first root when there is none. With a sentence: what
 * vault_open() and vault_read() return; -EBADMSG: the file was changed by hand or by a newer
 * version, a key is missing or another one's. Nothing is written then.
 */
int authority_open(const char *folder, int64_t now, struct authority **ret_authority,
		   struct certs_error *ret_error);

/* Takes NULL. Wipes the keys. */
void authority_close(struct authority *a);

/* For tests: see vault.h. */
void authority_set_hook(struct authority *a, const struct vault_hook *hook);

/* ---- the gateway's own certificate ---- */

/* Owned: authority_server_done(). */
struct authority_server {
	/* the certificate, and the serving root behind it: a token's pin is looked for there */
	char *chain_pem;
	char *key_pem; /* a secret */
	char thumbprint[CERT_THUMBPRINT_MAX];
	int64_t not_after;
	bool is_new; /* made by this call */
};

/*
 * The certificate of a gateway that is dialled by these names. The one there is, when it is for
 * these names (in any order), by the serving root, and not near its end (CERT_VALID, or 6 months
 * left; one cut short by its root counts until it expires); else a new one with a new key. -EINVAL:
 * a name; -EKEYEXPIRED: no root of our own is in force.
 */
int authority_server(struct authority *a, const char *const *names, size_t n_names, int64_t now,
		     struct authority_server *ret_server, struct certs_error *ret_error);

/* The one there is, for showing: its facts, its status, and the name of its root. -ENOENT. */
struct authority_server_info {
	struct cert_facts facts;
	enum cert_status status;   /* out of sync when its root is not the serving one any more */
	char root[NAME_LABEL_MAX]; /* "" when that was dropped */
};
int authority_server_show(const struct authority *a, int64_t now,
			  struct authority_server_info *ret_info);

/* Wipes. Takes NULL and a zeroed one. */
void authority_server_done(struct authority_server *server);

/* ---- tokens ---- */

enum authority_token_state {
	AUTHORITY_TOKEN_OPEN,
	AUTHORITY_TOKEN_USED,
	AUTHORITY_TOKEN_EXPIRED,
};

struct authority_token_info {
	char id[AUTHORITY_TOKEN_ID_MAX];
	char app[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
	int64_t created;
	int64_t expires;		      /* the last second at which it can be used */
	int64_t used;			      /* 0: never */
	char thumbprint[CERT_THUMBPRINT_MAX]; /* of the certificate it was used for; "" */
	enum authority_token_state state;
};

struct authority_token_request {
	const char *app;     /* name_is_label() */
	const char *vnet;    /* name_is_label() */
	const char *gateway; /* host[:port] that the worker dials */
	/* SHA-256 of what it pins, 32 bytes, an anchor (anchors.h); NULL: the serving root */
	const uint8_t *pin;
	int64_t lifetime_s; /* AUTHORITY_TOKEN_S_MIN..MAX */
};

/*
 * Makes a token; its text is a secret, and is nowhere else afterwards. -EINVAL: a name, the
 * gateway, the lifetime; -EEXIST: the app belongs to another VNet; -ENOSPC.
 */
int authority_token_add(struct authority *a, const struct authority_token_request *request,
			int64_t now, char ret_text[TOKEN_TEXT_MAX], struct certs_error *ret_error);

/* Takes back an open token by its id. -ENOENT; -EALREADY when it was used. */
int authority_token_drop(struct authority *a, const char *id, int64_t now,
			 struct certs_error *ret_error);

/* Index 0..count-1 in the order they were made; an index is good until the next change. */
size_t authority_token_count(const struct authority *a);
void authority_token_at(const struct authority *a, size_t index, int64_t now,
			struct authority_token_info *ret_info);

/* ---- client certificates ---- */

struct authority_cert_info {
	char app[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
	struct cert_facts facts; /* issuer is "" when its root was dropped */
	enum cert_status status;
	int64_t issued;
	int64_t revoked;		      /* when; 0: not */
	char token[AUTHORITY_TOKEN_ID_MAX];   /* that it was enrolled with; "" */
	char renews[CERT_THUMBPRINT_MAX];     /* the certificate that asked for this one; "" */
	char renewed_by[CERT_THUMBPRINT_MAX]; /* the newest one that this one asked for; "" */
	/* by which root of ours; "" when that was dropped: then it is cut, status out of sync */
	char root[NAME_LABEL_MAX];
};

/*
 * Redeems a token and issues the certificate, in one change: a request that is refused leaves the
 * token open. A token is used once; a second use is refused also with the same key, because the
 * first reply may have gone to somebody else: revoke what was issued (the sentence names it) and
 * make another token. csr_key: the public key of a request, csr_from_*(); borrowed. Returns 0 with
 * an owned certificate. With a sentence: -ENOENT: unknown token; -EALREADY: used; -ETIME: expired;
 * -EEXIST: the app belongs to another VNet by now; and as authority_issue().
 */
int authority_enrol(struct authority *a, const uint8_t secret[TOKEN_SECRET_SIZE],
		    const EVP_PKEY *csr_key, int64_t now, X509 **ret_cert,
		    struct certs_error *ret_error);

/*
 * The token's facts before a request is looked at: 0 when it is open, else as authority_enrol().
 * Changes nothing.
 */
int authority_token_check(const struct authority *a, const uint8_t secret[TOKEN_SECRET_SIZE],
			  int64_t now, struct authority_token_info *ret_info,
			  struct certs_error *ret_error);

/*
 * Issues to an app without a token, for an operator. -EINVAL: a name; -EKEYREJECTED: the key, also
 * one that a revoked certificate has; -EEXIST: another VNet; -EKEYEXPIRED: the issuing root has
 * less than 8 years left, rotate it; -ENOSPC.
 */
int authority_issue(struct authority *a, const char *app, const char *vnet, const EVP_PKEY *csr_key,
		    int64_t now, X509 **ret_cert, struct certs_error *ret_error);

/*
 * Issues to the app that holds the certificate with this thumbprint, and has shown so. The old one
 * stays good, so that a second session can be made before the first is closed. -EINVAL: no
 * thumbprint; -ENOENT: not one of ours; -EKEYREVOKED; -EKEYEXPIRED: it, or its root was dropped;
 * -EAGAIN: its lineage has too many that are too young, AUTHORITY_LINEAGE_KEPT_S later has not;
 * and as authority_issue().
 */
int authority_renew(struct authority *a, const char *thumbprint, const EVP_PKEY *csr_key,
		    int64_t now, X509 **ret_cert, struct certs_error *ret_error);

enum authority_revoke_flags {
	/* also one that we did not issue: a client of an external root */
	AUTHORITY_REVOKE_FOREIGN = 1,
};

/*
 * Revokes by thumbprint, in any form that cert_thumbprint_parse() takes, the whole lineage: what it
 * was renewed from, and what was renewed from any of these. Each of them could ask for the next
 * one, so leaving one would leave the app in. Returns how many certificates were live until now;
 * with a sentence -EINVAL: no thumbprint, or a root's (drop it instead); -ENOENT: not one of ours,
 * and not FOREIGN; -EALREADY: nothing that was not revoked before; -ENOSPC.
 */
int authority_revoke(struct authority *a, const char *thumbprint, unsigned flags, int64_t now,
		     struct certs_error *ret_error);

/*
 * Revokes all certificates of an app. An open token of it stays open. As authority_revoke();
 * -ENOENT: it has none.
 */
int authority_revoke_app(struct authority *a, const char *app, int64_t now,
			 struct certs_error *ret_error);

/* Index 0..count-1 in the order they were issued; an index is good until the next change. */
size_t authority_cert_count(const struct authority *a);
void authority_cert_at(const struct authority *a, size_t index, int64_t now,
		       struct authority_cert_info *ret_info);
/* How many live ones an app has; it has several after renewals, or with several workers. */
size_t authority_cert_live(const struct authority *a, const char *app, int64_t now);
/* The index of a thumbprint, in any form; -EINVAL, -ENOENT. */
int authority_cert_find(const struct authority *a, const char *thumbprint);
/*
 * The certificate itself: returns borrowed until the next change, base64 of the DER on one line
 * (certBlob).
 */
const char *authority_cert_blob(const struct authority *a, size_t index);

/* ---- roots ---- */

struct authority_root_info {
	char name[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX]; /* of an external one; "" */
	struct cert_facts facts;
	enum cert_status status;
	bool is_own;
	bool is_issuing;
	bool is_serving;
	/* about the last moment at which it can sign a certificate of 8 years; 0: not our own */
	int64_t issues_until;
	size_t live; /* client certificates of ours below it that are live; what dropping it cuts */
};

/* Index 0..count-1, the oldest first. */
size_t authority_root_count(const struct authority *a);
void authority_root_at(const struct authority *a, size_t index, int64_t now,
		       struct authority_root_info *ret_info);
/* Returns borrowed until the next change. */
const char *authority_root_blob(const struct authority *a, size_t index);

/* The root that a token made now would pin, the serving one. -EKEYEXPIRED. */
int authority_pin(const struct authority *a, int64_t now,
		  uint8_t ret_fingerprint[CERT_FINGERPRINT_SIZE], struct certs_error *ret_error);

/* All own roots as EST's /cacerts gives them: owned (sk_X509_pop_free). -ENOMEM. */
int authority_cacerts(const struct authority *a, struct stack_st_X509 **ret_certs);

/* A new issuing root beside those there are. Fills its thumbprint. -ENOSPC. */
int authority_rotate(struct authority *a, int64_t now, char ret_thumbprint[CERT_THUMBPRINT_MAX],
		     struct certs_error *ret_error);

/*
 * As authority_rotate() when it is time: the issuing root has less than AUTHORITY_ROOT_MONTHS_MIN
 * left, so that it would soon sign no more, or none of our own is in force, because the clock was
 * wrong when it was made or is now. 1: made; 0: not needed, and nothing is filled; as
 * authority_rotate(). To be called before the others below at each start, and each day or so.
 */
int authority_keep_root(struct authority *a, int64_t now, char ret_thumbprint[CERT_THUMBPRINT_MAX],
			struct certs_error *ret_error);

/*
 * Trusts an external root: name (name_is_label(), not in use), the VNet of its clients, one
 * certificate in PEM, CA:TRUE and self-signed, in force or not. -EINVAL; -EEXIST: the name or the
 * certificate is there already; -ENOSPC.
 */
int authority_import(struct authority *a, const char *name, const char *vnet, const char *pem,
		     size_t len, int64_t now, struct certs_error *ret_error);

/*
 * Trusts a root no longer; its key goes too. Returns how many live client certificates that cuts
 * (of an external root nobody knows: 0). -EINVAL: no thumbprint; -ENOENT; -EBUSY: the issuing root:
 * rotate first.
 */
int authority_drop_root(struct authority *a, const char *thumbprint, int64_t now,
			struct certs_error *ret_error);

/* ---- what the data plane gets: no secret in it ---- */

struct authority_export_root {
	char name[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX]; /* of an external one; "" for our own */
	char *pem;
};

struct authority_export_client {
	char thumbprint[CERT_THUMBPRINT_MAX];
	char app[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
	/*
	 * The thumbprint of the oldest certificate that this one comes from by renewals, its own
	 * when it was not renewed from any: what two have in common that are one worker's, before
	 * and after.
	 */
	char lineage[CERT_THUMBPRINT_MAX];
	char renews[CERT_THUMBPRINT_MAX]; /* the certificate that asked for this one; "" */
};

struct authority_export_app {
	char app[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
};

/* Owned: authority_export_done(). */
struct authority_export {
	struct authority_export_root *roots;
	size_t n_roots;
	char (*revoked)[CERT_THUMBPRINT_MAX]; /* sorted */
	size_t n_revoked;
	struct authority_export_client *clients; /* live ones of ours, sorted by thumbprint */
	size_t n_clients;
	struct authority_export_app *apps; /* with a live certificate, sorted by name */
	size_t n_apps;
};

/* -ENOMEM. */
int authority_export(const struct authority *a, int64_t now, struct authority_export *ret_export);
/* Takes NULL and a zeroed one. */
void authority_export_done(struct authority_export *e);
/* The entry of a thumbprint as cert_thumbprint() prints it; returns borrowed from e, or NULL. */
const struct authority_export_client *authority_export_find(const struct authority_export *e,
							    const char *thumbprint);
/* The judge that this export stands for, owned. As trust_new(). */
int authority_export_trust(const struct authority_export *e, struct trust **ret_trust,
			   struct certs_error *ret_error);

#endif
