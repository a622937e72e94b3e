/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority_internal.h"
#include "certs/authority_json.h"
#include "certs/encoding.h"
#include "certs/key.h"

#define STATE_FILE "authority.json"

enum {
	KEY_NAME_MAX = VAULT_NAME_MAX,
	SERIAL_TRIES = 8,
};

/* ---- changes ---- */

struct state *authority_begin(const struct authority *a, int64_t now, struct certs_error *ret_error)
{
	struct state *next = state_copy(a->state, now);

	if (!next)
		certs_fail(ret_error, -ENOMEM, "out of memory");
	return next;
}

static int write_state(struct authority *a, const struct state *s, struct certs_error *ret_error)
{
	size_t len;
	char *text;
	int err = authority_json_encode(s, &text, &len);

	if (err)
		return certs_fail(ret_error, err, "out of memory");
	err = vault_write(a->vault, STATE_FILE, text, len, ret_error);
	free(text);
	return err;
}

int authority_commit(struct authority *a, struct state *next, struct certs_error *ret_error)
{
	int err = write_state(a, next, ret_error);

	if (err) {
		state_free(next);
		return err;
	}
	state_free(a->state);
	a->state = next;
	return 0;
}

/* ---- keys ---- */

static void key_name(const char *kind, const char *thumbprint, char ret_name[KEY_NAME_MAX])
{
	snprintf(ret_name, KEY_NAME_MAX, "%s-%s.key", kind, thumbprint);
}

int authority_write_key(struct authority *a, const char *kind, const X509 *cert,
			const EVP_PKEY *key, struct certs_error *ret_error)
{
	char thumbprint[CERT_THUMBPRINT_MAX], name[KEY_NAME_MAX];
	int err = cert_thumbprint(cert, thumbprint);
	char *pem;

	if (!err)
		err = key_to_pem(key, &pem);
	if (err)
		return certs_fail(ret_error, err, "out of memory");
	key_name(kind, thumbprint, name);
	err = vault_write(a->vault, name, pem, strlen(pem), ret_error);
	key_pem_free(pem);
	return err;
}

void authority_remove_key(struct authority *a, const char *kind, const char *thumbprint)
{
	char name[KEY_NAME_MAX];

	key_name(kind, thumbprint, name);
	vault_remove(a->vault, name, NULL);
}

static int check_pair(const X509 *cert, EVP_PKEY *key, const char *name,
		      struct certs_error *ret_error)
{
	int ok;

	ERR_set_mark();
	ok = X509_check_private_key(cert, key);
	ERR_pop_to_mark();
	return ok == 1 ? 0
		       : certs_fail(ret_error, -EBADMSG, "%s is the key of another certificate",
				    name);
}

static int read_key(struct vault *v, const char *name, EVP_PKEY **ret_key,
		    struct certs_error *ret_error)
{
	size_t len;
	char *pem;
	int err = vault_read(v, name, &pem, &len, ret_error);

	if (err == -ENOENT)
		return certs_fail(ret_error, -EBADMSG, "its private key is missing: %s", name);
	if (err)
		return err;
	err = key_from_pem(pem, len, ret_key, ret_error);
	vault_data_free(pem, len);
	return err ? certs_fail_in(ret_error, -EBADMSG, name) : 0;
}

static int get_key(void *arg, const char *kind, const X509 *cert, EVP_PKEY **ret_key,
		   struct certs_error *ret_error)
{
	char thumbprint[CERT_THUMBPRINT_MAX], name[KEY_NAME_MAX];
	int err = cert_thumbprint(cert, thumbprint);
	EVP_PKEY *key;

	if (err)
		return certs_fail(ret_error, err, "out of memory");
	key_name(kind, thumbprint, name);
	err = read_key(arg, name, &key, ret_error);
	if (err)
		return err;
	err = check_pair(cert, key, name, ret_error);
	if (err)
		EVP_PKEY_free(key);
	else
		*ret_key = key;
	return err;
}

static bool is_named(const struct state *s, const char *file)
{
	char name[KEY_NAME_MAX];

	for (size_t i = 0; i < s->n_roots; i++) {
		key_name(AUTHORITY_ROOT, s->roots[i].facts.thumbprint, name);
		if (s->roots[i].key && strcmp(file, name) == 0)
			return true;
	}
	key_name(AUTHORITY_SERVER, s->server.facts.thumbprint, name);
	return s->server.cert && strcmp(file, name) == 0;
}

static bool is_key(const char *file)
{
	size_t n = strlen(file);

	return n > 4 && strcmp(file + n - 4, ".key") == 0;
}

static int remove_if_nobody_names_it(void *arg, const char *file)
{
	struct authority *a = arg;

	return is_key(file) && !is_named(a->state, file) ? vault_remove(a->vault, file, NULL) : 0;
}

/* ---- serials ---- */

static bool is_serial_used(const struct state *s, const char *serial)
{
	for (size_t i = 0; i < s->n_roots; i++) {
		if (strcmp(s->roots[i].facts.serial, serial) == 0)
			return true;
	}
	for (size_t i = 0; i < s->n_certs; i++) {
		if (strcmp(s->certs[i].serial, serial) == 0)
			return true;
	}
	return strcmp(s->server.facts.serial, serial) == 0;
}

int authority_serial(const struct state *s, uint8_t ret_serial[ISSUE_SERIAL_SIZE],
		     struct certs_error *ret_error)
{
	char text[2 * ISSUE_SERIAL_SIZE + 1];

	for (int tries = 0; tries < SERIAL_TRIES; tries++) {
		if (issue_serial(ret_serial) != 0)
			break;
		for (size_t i = 0; i < ISSUE_SERIAL_SIZE; i++)
			sprintf(text + 2 * i, "%02X", ret_serial[i]);
		if (!is_serial_used(s, text))
			return 0;
	}
	return certs_fail(ret_error, -EIO, "no serial number can be made: no random numbers");
}

/* ---- opening ---- */

static int read_state(struct authority *a, struct certs_error *ret_error)
{
	struct authority_keys keys = {.get = get_key, .arg = a->vault};
	size_t len;
	char *text;
	int err = vault_read(a->vault, STATE_FILE, &text, &len, ret_error);

	if (err)
		return err;
	err = authority_json_decode(text, len, &keys, &a->state, ret_error);
	vault_data_free(text, len);
	return err ? certs_fail_in(ret_error, err, STATE_FILE) : 0;
}

static int fail_if_key(void *arg, const char *file)
{
	return is_key(file) ? -EEXIST : 0;
}

/*
 * The first start writes an empty state, then a key, then the state with the root. So keys without
 * any state are what is left when the state was lost, and then a new root would cut everybody off.
 */
static int make_empty_state(struct authority *a, const char *folder, struct certs_error *ret_error)
{
	int err = vault_walk(a->vault, fail_if_key, NULL);

	if (err)
		return certs_fail(ret_error, -EBADMSG,
				  "%s holds keys, but no %s: put it back from a backup, or begin "
				  "anew in an empty folder",
				  folder, STATE_FILE);
	a->state = state_new(0, 0, 0);
	return a->state ? write_state(a, a->state, ret_error)
			: certs_fail(ret_error, -ENOMEM, "out of memory");
}

static int make_first_root(struct authority *a, int64_t now, struct certs_error *ret_error)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	return authority_rotate(a, now, thumbprint, ret_error);
}

static int load(struct authority *a, const char *folder, int64_t now, struct certs_error *ret_error)
{
	int err = vault_open(folder, &a->vault, ret_error);

	if (err)
		return err;
	err = read_state(a, ret_error);
	if (err == -ENOENT)
		err = make_empty_state(a, folder, ret_error);
	if (err)
		return err;
	err = vault_walk(a->vault, remove_if_nobody_names_it, a);
	if (err)
		return certs_fail(ret_error, err, "cannot tidy up %s: %s", folder, strerror(-err));
	return a->state->n_roots == 0 ? make_first_root(a, now, ret_error) : 0;
}

int authority_open(const char *folder, int64_t now, struct authority **ret_authority,
		   struct certs_error *ret_error)
{
	struct authority *a = calloc(1, sizeof(*a));
	int err = a ? load(a, folder, now, ret_error)
		    : certs_fail(ret_error, -ENOMEM, "out of memory");

	if (err)
		authority_close(a);
	else
		*ret_authority = a;
	return err;
}

void authority_close(struct authority *a)
{
	if (!a)
		return;
	state_free(a->state);
	vault_close(a->vault);
	free(a);
}

void authority_set_hook(struct authority *a, const struct vault_hook *hook)
{
	vault_set_hook(a->vault, hook);
}
