/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_AUTHORITY_INTERNAL_H
#define CERTS_AUTHORITY_INTERNAL_H
/*
 * What the parts of an authority share. A change:
 *
 *   struct state *next = authority_begin(a, now, ret_error);   a copy, or NULL: -ENOMEM
 *   ...                                                         work on it
 *   return authority_commit(a, next, ret_error);                writes it, and takes it or frees it
 *
 * Private keys. A new one is written before the state that names it, an old one removed after the
 * state that no longer does: whatever fails in between leaves at worst a file that nobody names,
 * which the next authority_open() removes. When a commit fails, its new keys stay for that reason:
 * the state on the disk may be the new one.
 */
#include "certs/authority.h"
#include "certs/authority_state.h"
#include "certs/vault.h"

#define AUTHORITY_ROOT	 "root"
#define AUTHORITY_SERVER "server"

struct authority {
	struct vault *vault;
	struct state *state;
};

struct state *authority_begin(const struct authority *a, int64_t now,
			      struct certs_error *ret_error);
/* Takes next. */
int authority_commit(struct authority *a, struct state *next, struct certs_error *ret_error);
/*
 * The end of a change that has issued cert, unless err is set: then the change is given up. Takes
 * next (NULL too) and cert. Returns err, or what became of it; ret_cert: owned.
 */
int authority_commit_cert(struct authority *a, struct state *next, int err, X509 *cert,
			  X509 **ret_cert, struct certs_error *ret_error);

/* The file of the private key of cert, kind AUTHORITY_ROOT or AUTHORITY_SERVER. */
int authority_write_key(struct authority *a, const char *kind, const X509 *cert,
			const EVP_PKEY *key, struct certs_error *ret_error);
/* Best effort: what stays, the next authority_open() removes. */
void authority_remove_key(struct authority *a, const char *kind, const char *thumbprint);

/* A serial that no certificate in s has. */
int authority_serial(const struct state *s, uint8_t ret_serial[ISSUE_SERIAL_SIZE],
		     struct certs_error *ret_error);

/*
 * A root of our own with a new key, written; to be added to a state. -ENOMEM, -EIO, as
 * vault_write().
 */
int authority_new_root(struct authority *a, const struct state *s, int64_t now,
		       struct state_root *ret_root, struct certs_error *ret_error);

/* -EKEYEXPIRED: none of our own is in force, and why. */
int authority_no_root(const struct state *s, int64_t now, struct certs_error *ret_error);

/* -EINVAL unless name_is_label(); what: "app", "VNet", "root". */
int authority_check_label(const char *what, const char *name, struct certs_error *ret_error);

/* -EEXIST when the app has a live certificate or an open token in another VNet. */
int authority_check_vnet(const struct state *s, const char *app, const char *vnet, int64_t now,
			 struct certs_error *ret_error);

/*
 * Issues by the issuing root, and adds the record to s, whose app, vnet, token and renews are in
 * `about`. Returns 0 with an owned certificate.
 */
int authority_issue_into(struct state *s, const struct state_cert *about, const EVP_PKEY *key,
			 int64_t now, X509 **ret_cert, struct certs_error *ret_error);

#endif
