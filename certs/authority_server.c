/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's own certificate. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority_internal.h"
#include "certs/encoding.h"
#include "certs/hostname.h"
#include "certs/key.h"

static bool has_name(const struct state_server *server, const char *name)
{
	for (size_t i = 0; i < server->n_names; i++) {
		if (hostname_equal(server->names[i], name))
			return true;
	}
	return false;
}

/* No name stands twice in either list, so the same number of them is enough. */
static bool are_its_names(const struct state_server *server, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!has_name(server, names[i]))
			return false;
		for (size_t k = 0; k < i; k++) {
			if (hostname_equal(names[i], names[k]))
				return false;
		}
	}
	return n == server->n_names;
}

/* A new one would end no later where the root's end cut this one short. */
static bool is_fresh(const struct state_server *server, const struct state_root *root, int64_t now)
{
	struct status_facts facts = {.not_before = server->facts.not_before,
				     .not_after = server->facts.not_after};
	enum cert_status status = status_at(&facts, now);

	return status == CERT_VALID ||
	       (status == CERT_NEAR_EXPIRY && facts.not_after == root->facts.not_after);
}

static bool fits(const struct state_server *server, const struct state_root *root,
		 const char *const *names, size_t n, int64_t now)
{
	return server->cert && strcmp(server->root, root->facts.thumbprint) == 0 &&
	       is_fresh(server, root, now) && are_its_names(server, names, n);
}

static int issue(const struct state *s, const struct state_root *root, const char *const *names,
		 size_t n, const EVP_PKEY *key, int64_t now, X509 **ret_cert,
		 struct certs_error *ret_error)
{
	struct issuer issuer = {root->cert, root->key};
	uint8_t serial[ISSUE_SERIAL_SIZE];
	int err = authority_serial(s, serial, ret_error);

	if (err)
		return err;
	return issue_server(&issuer, names, n, key, serial, now, ret_cert, ret_error);
}

/* With its key on the disk. */
static int make(struct authority *a, const struct state_root *root, const char *const *names,
		size_t n, int64_t now, struct state_server *ret_server,
		struct certs_error *ret_error)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int err = key_new(&key, ret_error);

	if (!err)
		err = issue(a->state, root, names, n, key, now, &cert, ret_error);
	if (!err)
		err = authority_write_key(a, AUTHORITY_SERVER, cert, key, ret_error);
	if (err) {
		X509_free(cert);
		EVP_PKEY_free(key);
		return err;
	}
	memcpy(ret_server->root, root->facts.thumbprint, sizeof(ret_server->root));
	for (size_t i = 0; i < n; i++)
		snprintf(ret_server->names[i], HOSTNAME_MAX, "%s", names[i]);
	ret_server->n_names = n;
	return state_server_set(ret_server, cert, key, ret_error);
}

static int replace(struct authority *a, const struct state_root *root, const char *const *names,
		   size_t n, int64_t now, struct certs_error *ret_error)
{
	char old[CERT_THUMBPRINT_MAX] = "";
	struct state *next = authority_begin(a, now, ret_error);
	int err;

	if (!next)
		return -ENOMEM;
	if (next->server.cert)
		memcpy(old, next->server.facts.thumbprint, sizeof(old));
	state_server_done(&next->server);
	next->server = (struct state_server){.n_names = 0};
	err = make(a, root, names, n, now, &next->server, ret_error);
	if (err) {
		state_free(next);
		return err;
	}
	err = authority_commit(a, next, ret_error);
	if (!err && *old)
		authority_remove_key(a, AUTHORITY_SERVER, old);
	return err;
}

static int chain_pem(const struct state_server *server, const struct state_root *root,
		     char **ret_pem)
{
	struct stack_st_X509 *chain = sk_X509_new_null();
	int err = -ENOMEM;

	if (chain && sk_X509_push(chain, server->cert) > 0 && sk_X509_push(chain, root->cert) > 0)
		err = encoding_chain_to_pem(chain, ret_pem);
	sk_X509_free(chain);
	return err;
}

static int hand_out(const struct state_server *server, const struct state_root *root, bool is_new,
		    struct authority_server *ret_server, struct certs_error *ret_error)
{
	struct authority_server out = {.not_after = server->facts.not_after, .is_new = is_new};
	int err = chain_pem(server, root, &out.chain_pem);

	if (!err)
		err = key_to_pem(server->key, &out.key_pem);
	if (err) {
		authority_server_done(&out);
		return certs_fail(ret_error, err, "out of memory");
	}
	memcpy(out.thumbprint, server->facts.thumbprint, sizeof(out.thumbprint));
	*ret_server = out;
	return 0;
}

int authority_server(struct authority *a, const char *const *names, size_t n_names, int64_t now,
		     struct authority_server *ret_server, struct certs_error *ret_error)
{
	const struct state_root *root = state_serving_root(a->state, now);
	bool is_new;
	int err;

	if (!root)
		return authority_no_root(a->state, now, ret_error);
	is_new = !fits(&a->state->server, root, names, n_names, now);
	err = is_new ? replace(a, root, names, n_names, now, ret_error) : 0;
	if (err)
		return err;
	root = state_serving_root(a->state, now); /* the state may be another one by now */
	return hand_out(&a->state->server, root, is_new, ret_server, ret_error);
}

void authority_server_done(struct authority_server *server)
{
	if (!server)
		return;
	free(server->chain_pem);
	key_pem_free(server->key_pem);
	*server = (struct authority_server){.chain_pem = NULL};
}

int authority_server_show(const struct authority *a, int64_t now,
			  struct authority_server_info *ret_info)
{
	const struct state_server *server = &a->state->server;
	const struct state_root *serving = state_serving_root(a->state, now);
	const struct state_root *root = state_find_root(a->state, server->root);
	struct status_facts facts = {.not_before = server->facts.not_before,
				     .not_after = server->facts.not_after,
				     .is_out_of_sync = root != serving};

	if (!server->cert)
		return -ENOENT;
	*ret_info = (struct authority_server_info){
		.facts = server->facts,
		.status = status_at(&facts, now),
	};
	if (root)
		memcpy(ret_info->root, root->name, sizeof(root->name));
	return 0;
}
