/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/secret.h"
#include "sstp/control/msg_wire.h"

enum {
	TO_CONTROL_LAST = 0x7f,
	TYPE_MAX = 127, /* of a content type, an encoding */
};

size_t msg_limit(unsigned kind)
{
	switch (kind) {
	case MSG_CONFIG: return 4 << 20;
	case MSG_EST_REQUEST: return 64 << 10;
	case MSG_SERVER_CERTIFICATE: return 512 << 10;
	case MSG_ACCESS: return MSG_MAX;
	case MSG_EST_REPLY: return 128 << 10;
	case MSG_FAILED: return 1 << 10;
	case MSG_VNET: return 512 << 10;
	case MSG_CONNECTION: return 256 << 10;
	case MSG_METRICS:
	case MSG_VNET_ROUTES: return 512 << 10;
	case MSG_LEASES:
	case MSG_TRAFFIC: return 2 << 20;
	case MSG_SESSION_UP:
	case MSG_SESSION_DOWN:
	case MSG_TIMELINE:
	case MSG_VNET_STATE:
	case MSG_PROBE:
	case MSG_PROBED:
	case MSG_TRACE:
	case MSG_TRACED:
	case MSG_DISCONNECT: return 4 << 10;
	case MSG_SESSIONS_BEGIN:
	case MSG_SESSIONS_END:
	case MSG_SITE_BEGIN:
	case MSG_SITE_END:
	case MSG_METRICS_ASK:
	case MSG_VNET_GONE:
	case MSG_CONNECTION_GONE: return 1 << 10;
	default: return 0;
	}
}

bool msg_head(const uint8_t head[MSG_HEAD_SIZE], bool to_control, enum msg_kind *ret_kind,
	      size_t *ret_len)
{
	struct wire_reader r = wire_reader(head, MSG_HEAD_SIZE);
	size_t len = wire_be32(&r);
	unsigned kind = wire_u8(&r);

	if (len > msg_limit(kind) || !msg_limit(kind) || (kind <= TO_CONTROL_LAST) != to_control)
		return false;
	*ret_kind = (enum msg_kind)kind;
	*ret_len = len;
	return true;
}

void msg_frame_free(uint8_t *frame, size_t len)
{
	if (frame)
		secret_wipe_bytes(frame, len);
	free(frame);
}

/* ---- CONFIG ---- */

int msg_config_encode(const struct msg_config *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->n_vnets > MSG_VNETS_MAX || m->n_chains > MSG_CHAINS_MAX)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_CONFIG) < 0)
		return -ENOMEM;
	msg_put_texts(&f, m->names, m->n_names, MSG_NAMES_MAX);
	msg_put_text(&f, m->dial, MSG_NAME_MAX);
	wire_put_be16(&f.w, (uint16_t)m->n_vnets);
	for (size_t i = 0; i < m->n_vnets; i++)
		msg_put_vnet(&f, &m->vnets[i]);
	wire_put_be16(&f.w, (uint16_t)m->n_chains);
	for (size_t i = 0; i < m->n_chains; i++)
		msg_put_text(&f, m->chains[i], MSG_PEM_MAX);
	wire_put_u8(&f.w, m->is_strict);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_config_decode(const uint8_t *payload, size_t len, struct msg_config *ret_config)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_config m = {0};

	m.n_names = msg_get_texts(&r, m.names, MSG_NAMES_MAX);
	m.dial = msg_get_text(&r, MSG_NAME_MAX);
	m.n_vnets = msg_get_count(&r, MSG_VNETS_MAX);
	if (m.n_vnets) {
		m.vnets = calloc(m.n_vnets, sizeof(*m.vnets));
		if (!m.vnets)
			return -ENOMEM;
	}
	for (size_t i = 0; i < m.n_vnets; i++)
		msg_get_vnet(&r, &m.vnets[i]);
	m.n_chains = msg_get_count(&r, MSG_CHAINS_MAX);
	for (size_t i = 0; i < m.n_chains; i++)
		m.chains[i] = msg_get_text(&r, MSG_PEM_MAX);
	m.is_strict = msg_get_bool(&r);
	if (!wire_done(&r)) {
		msg_config_done(&m);
		return -EBADMSG;
	}
	*ret_config = m;
	return 0;
}

void msg_config_done(struct msg_config *m)
{
	free(m->vnets);
	m->vnets = NULL;
	m->n_vnets = 0;
}

/* ---- EST_REQUEST ---- */

int msg_est_request_encode(const struct msg_est_request *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_EST_REQUEST) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->id);
	wire_put_u8(&f.w, (uint8_t)m->kind);
	msg_put_text(&f, m->peer, MSG_NAME_MAX);
	wire_put_u8(&f.w, m->secret != NULL);
	if (m->secret)
		wire_put(&f.w, m->secret, MSG_SECRET_SIZE);
	msg_put_bytes(&f, m->cert, m->cert ? m->cert_len : 0, MSG_CERT_MAX);
	wire_put_u8(&f.w, m->wants_network);
	msg_put_bytes(&f, m->body, m->body_len, MSG_EST_BODY_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_est_request_decode(const uint8_t *payload, size_t len, struct msg_est_request *ret_request)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_est_request m = {.id = msg_get_be64(&r)};
	unsigned kind = wire_u8(&r);

	m.peer = msg_get_line(&r, MSG_NAME_MAX);
	if (msg_get_bool(&r))
		m.secret = wire_bytes(&r, MSG_SECRET_SIZE);
	m.cert = msg_get_bytes(&r, MSG_CERT_MAX, &m.cert_len);
	m.wants_network = msg_get_bool(&r);
	m.body = msg_get_bytes(&r, MSG_EST_BODY_MAX, &m.body_len);
	if (!wire_done(&r) || kind >= MSG_EST_KIND_COUNT)
		return -EBADMSG;
	m.kind = (enum msg_est_kind)kind;
	if (!m.cert_len)
		m.cert = NULL;
	*ret_request = m;
	return 0;
}

/* ---- EST_REPLY ---- */

int msg_est_reply_encode(const struct msg_est_reply *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_EST_REPLY) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->id);
	wire_put_be16(&f.w, (uint16_t)m->status);
	msg_put_text(&f, m->content_type, TYPE_MAX);
	msg_put_text(&f, m->encoding, TYPE_MAX);
	msg_put_bytes(&f, m->body, m->body_len, MSG_REPLY_BODY_MAX);
	wire_put_be32(&f.w, m->retry_after_s);
	msg_put_text(&f, m->reason, MSG_REASON_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_est_reply_decode(const uint8_t *payload, size_t len, struct msg_est_reply *ret_reply)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_est_reply m = {.id = msg_get_be64(&r)};

	m.status = wire_be16(&r);
	m.content_type = msg_get_line(&r, TYPE_MAX);
	m.encoding = msg_get_line(&r, TYPE_MAX);
	m.body = msg_get_bytes(&r, MSG_REPLY_BODY_MAX, &m.body_len);
	m.retry_after_s = wire_be32(&r);
	m.reason = msg_get_line(&r, MSG_REASON_MAX);
	if (!wire_done(&r) || m.status < 100 || m.status > 599)
		return -EBADMSG;
	*ret_reply = m;
	return 0;
}

/* ---- SERVER_CERTIFICATE ---- */

int msg_server_certificate_encode(const struct msg_server_certificate *m, uint8_t **ret_frame,
				  size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_SERVER_CERTIFICATE) < 0)
		return -ENOMEM;
	msg_put_texts(&f, m->names, m->n_names, MSG_NAMES_MAX);
	msg_put_text(&f, m->chain_pem, MSG_PEM_MAX);
	msg_put_text(&f, m->key_pem, MSG_PEM_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_server_certificate_decode(const uint8_t *payload, size_t len,
				  struct msg_server_certificate *ret_certificate)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_server_certificate m = {0};

	m.n_names = msg_get_texts(&r, m.names, MSG_NAMES_MAX);
	m.chain_pem = msg_get_text(&r, MSG_PEM_MAX);
	m.key_pem = msg_get_text(&r, MSG_PEM_MAX);
	if (!wire_done(&r))
		return -EBADMSG;
	*ret_certificate = m;
	return 0;
}

/* ---- FAILED ---- */

int msg_failed_encode(const char *text, uint8_t **ret_frame, size_t *ret_len)
{
	char cut[MSG_REASON_MAX + 1];
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_FAILED) < 0)
		return -ENOMEM;
	snprintf(cut, sizeof(cut), "%s", text);
	msg_put_text(&f, cut, MSG_REASON_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_failed_decode(const uint8_t *payload, size_t len, const char **ret_text)
{
	struct wire_reader r = wire_reader(payload, len);
	const char *text = msg_get_line(&r, MSG_REASON_MAX);

	if (!wire_done(&r))
		return -EBADMSG;
	*ret_text = text;
	return 0;
}
