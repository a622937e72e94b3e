/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_AUTHORITY_JSON_H
#define CERTS_AUTHORITY_JSON_H
/*
 * An authority's state as JSON, schema 2. No private key and no secret is in it: keys lie in files
 * of their own, of tokens there is the secret's hash. Reading is strict: an unknown or a missing
 * key is an error, so that an older program does not drop what a newer one wrote.
 */
#include "certs/authority_state.h"

enum {
	AUTHORITY_JSON_SCHEMA = 2,
	AUTHORITY_JSON_SCHEMA_OLDEST = 1, /* that is read: certificates without a lineage */
};

/* Returns owned text of ret_len bytes (free). -ENOMEM. */
int authority_json_encode(const struct state *s, char **ret_text, size_t *ret_len);

/*
 * Gives the private key of a certificate of ours: kind "root" or "server". The key is owned by the
 * caller of get. Its error goes to the caller of authority_json_decode().
 */
struct authority_keys {
	int (*get)(void *arg, const char *kind, const X509 *cert, EVP_PKEY **ret_key,
		   struct certs_error *ret_error);
	void *arg;
};

/*
 * -EBADMSG with the place and what is wrong there; -ENOMEM; or what keys->get returned.
 */
int authority_json_decode(const char *text, size_t len, const struct authority_keys *keys,
			  struct state **ret_state, struct certs_error *ret_error);

#endif
