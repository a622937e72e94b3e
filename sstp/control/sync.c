/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/sync.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "certs/issue.h"
#include "sstp/base/log.h"

enum {
	HASH_SIZE = 32
};

/* What was sent, as a hash: the key of the server's certificate has no business lying about here. */
struct sent {
	bool is_any;
	uint8_t hash[HASH_SIZE];
};

/* Whatever a configuration may have, the authority can certify. */
_Static_assert((int)MSG_NAMES_MAX == (int)ISSUE_NAMES_MAX, "names of a gateway");

struct sync {
	struct sync_params params;
	char *names[MSG_NAMES_MAX];
	size_t n_names;
	struct sent access;
	struct sent certificate;
};

struct sync *sync_new(const struct sync_params *params)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (s)
		s->params = *params;
	return s;
}

static void drop_names(struct sync *s)
{
	for (size_t i = 0; i < s->n_names; i++)
		free(s->names[i]);
	s->n_names = 0;
}

void sync_free(struct sync *s)
{
	if (s)
		drop_names(s);
	free(s);
}

void sync_forget(struct sync *s)
{
	s->access.is_any = false;
	s->certificate.is_any = false;
}

int sync_set_names(struct sync *s, const char *const *names, size_t n)
{
	drop_names(s);
	s->certificate.is_any = false;
	for (size_t i = 0; i < n && i < MSG_NAMES_MAX; i++) {
		s->names[i] = strdup(names[i]);
		if (!s->names[i])
			return -ENOMEM;
		s->n_names = i + 1;
	}
	return 0;
}

/* Takes frame; sends it unless it is what was sent last. */
static int send_if_new(struct sync *s, struct sent *last, uint8_t *frame, size_t len,
		       struct certs_error *e)
{
	struct sent now = {.is_any = true};
	int r;

	if (EVP_Digest(frame, len, now.hash, NULL, EVP_sha256(), NULL) != 1) {
		msg_frame_free(frame, len);
		return certs_fail(e, -ENOMEM, "out of memory");
	}
	if (last->is_any && memcmp(last->hash, now.hash, HASH_SIZE) == 0) {
		msg_frame_free(frame, len);
		return 0;
	}
	r = s->params.send(s->params.arg, frame, len);
	if (r < 0)
		return certs_fail(e, r, "the data plane takes no more: %s", strerror(-r));
	*last = now;
	return 0;
}

static int push_access(struct sync *s, int64_t now, struct certs_error *e)
{
	struct authority_export export;
	uint8_t *frame;
	size_t len;
	int r = authority_export(s->params.authority, now, &export);

	if (r < 0)
		return certs_fail(e, r, "out of memory");
	r = msg_access_encode(&export, &frame, &len);
	authority_export_done(&export);
	if (r < 0)
		return certs_fail(e, r, "who may come in cannot be told: %s", strerror(-r));
	return send_if_new(s, &s->access, frame, len, e);
}

static int encode_certificate(const struct sync *s, const struct authority_server *server,
			      uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_server_certificate m = {
		.n_names = s->n_names,
		.chain_pem = server->chain_pem,
		.key_pem = server->key_pem,
	};

	for (size_t i = 0; i < s->n_names; i++)
		m.names[i] = s->names[i];
	return msg_server_certificate_encode(&m, ret_frame, ret_len);
}

static int push_certificate(struct sync *s, int64_t now, struct certs_error *e)
{
	struct authority_server server;
	uint8_t *frame;
	size_t len;
	int r;

	if (!s->n_names)
		return 0;
	r = authority_server(s->params.authority, (const char *const *)s->names, s->n_names, now,
			     &server, e);
	if (r < 0)
		return r;
	if (server.is_new)
		log_info("made a certificate for the gateway, thumbprint %s", server.thumbprint);
	r = encode_certificate(s, &server, &frame, &len);
	authority_server_done(&server);
	if (r < 0)
		return certs_fail(e, r, "the gateway's certificate cannot be told: %s",
				  strerror(-r));
	return send_if_new(s, &s->certificate, frame, len, e);
}

/* What cannot be signed any more is said by who wants it signed. */
static void keep_root(struct sync *s, int64_t now)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct certs_error e;
	int r = authority_keep_root(s->params.authority, now, thumbprint, &e);

	if (r < 0)
		log_error("the root that issues is near its end, and no other can be made: %s",
			  e.text);
	else if (r > 0)
		log_warning(
			"made a new root, thumbprint %s: the one before had less than %d months, "
			"or was not in force",
			thumbprint, AUTHORITY_ROOT_MONTHS_MIN);
}

int sync_push(struct sync *s, int64_t now, struct certs_error *ret_error)
{
	int r, q;

	keep_root(s, now);
	r = push_certificate(s, now, ret_error);
	q = push_access(s, now, r == 0 ? ret_error : NULL);

	return r ? r : q;
}
