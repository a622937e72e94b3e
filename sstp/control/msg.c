/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/secret.h"
#include "sstp/base/wire.h"

enum {
	TO_CONTROL_LAST = 0x7f,
	TYPE_MAX = 127, /* of a content type, an encoding */
};

size_t msg_limit(unsigned kind)
{
	switch (kind) {
	case MSG_CONFIG: return 2 << 20;
	case MSG_EST_REQUEST: return 64 << 10;
	case MSG_SERVER_CERTIFICATE: return 512 << 10;
	case MSG_ACCESS: return MSG_MAX;
	case MSG_EST_REPLY: return 1 << 20;
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

/* ---- writing ---- */

/* A frame in the making. Memory that is not written to is not touched: the limit costs nothing. */
struct frame {
	uint8_t *buf;
	struct wire_writer w;
	bool is_null; /* a text that must be there is not */
};

static int frame_begin(struct frame *f, enum msg_kind kind)
{
	size_t size = MSG_HEAD_SIZE + msg_limit(kind);

	f->buf = malloc(size);
	if (!f->buf)
		return -ENOMEM;
	f->w = wire_writer(f->buf, size);
	f->is_null = false;
	wire_put_be32(&f->w, 0);
	wire_put_u8(&f->w, (uint8_t)kind);
	return 0;
}

static int frame_end(struct frame *f, uint8_t **ret_frame, size_t *ret_len)
{
	size_t len = wire_len(&f->w);
	struct wire_writer head = wire_writer(f->buf, 4);

	if (f->w.failed || f->is_null) {
		msg_frame_free(f->buf, len);
		return f->is_null ? -EINVAL : -EMSGSIZE;
	}
	wire_put_be32(&head, (uint32_t)(len - MSG_HEAD_SIZE));
	*ret_frame = f->buf;
	*ret_len = len;
	return 0;
}

static void put_be64(struct frame *f, uint64_t v)
{
	wire_put_be32(&f->w, (uint32_t)(v >> 32));
	wire_put_be32(&f->w, (uint32_t)v);
}

static void put_bytes(struct frame *f, const uint8_t *data, size_t len, size_t max)
{
	if (len > max)
		f->w.failed = true;
	wire_put_be32(&f->w, (uint32_t)len);
	wire_put(&f->w, data, len);
}

static void put_text(struct frame *f, const char *text, size_t max)
{
	if (!text) {
		f->is_null = true;
		return;
	}
	put_bytes(f, (const uint8_t *)text, strlen(text), max);
	wire_put_u8(&f->w, 0);
}

static void put_texts(struct frame *f, const char *const *texts, size_t n, size_t max)
{
	if (n > max) {
		f->w.failed = true;
		return;
	}
	wire_put_be16(&f->w, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		put_text(f, texts[i], MSG_NAME_MAX);
}

/* ---- reading ---- */

static uint64_t get_be64(struct wire_reader *r)
{
	uint64_t high = wire_be32(r);

	return high << 32 | wire_be32(r);
}

/* Never NULL when the reader goes on. */
static const uint8_t *get_bytes(struct wire_reader *r, size_t max, size_t *ret_len)
{
	size_t len = wire_be32(r);

	if (len > max)
		r->failed = true;
	*ret_len = len;
	return wire_bytes(r, len);
}

static const char *get_text(struct wire_reader *r, size_t max)
{
	size_t len;
	const uint8_t *text = get_bytes(r, max, &len);
	uint8_t end = wire_u8(r);

	if (!wire_ok(r) || end != 0 || memchr(text, 0, len)) {
		r->failed = true;
		return NULL;
	}
	return (const char *)text;
}

/* Printable ASCII: it goes into a header, or into a line of a log. */
static const char *get_line(struct wire_reader *r, size_t max)
{
	const char *text = get_text(r, max);

	for (const char *p = text; p && *p; p++)
		if (*p < ' ' || *p > '~')
			r->failed = true;
	return text;
}

static bool get_bool(struct wire_reader *r)
{
	uint8_t v = wire_u8(r);

	if (v > 1)
		r->failed = true;
	return v == 1;
}

static size_t get_count(struct wire_reader *r, size_t max)
{
	size_t n = wire_be16(r);

	if (n > max)
		r->failed = true;
	return wire_ok(r) ? n : 0;
}

static size_t get_texts(struct wire_reader *r, const char **texts, size_t max)
{
	size_t n = get_count(r, max);

	for (size_t i = 0; i < n; i++)
		texts[i] = get_text(r, MSG_NAME_MAX);
	return n;
}

/* ---- CONFIG ---- */

static void put_vnet(struct frame *f, const struct msg_vnet *v)
{
	put_text(f, v->name, MSG_NAME_MAX);
	put_texts(f, v->spaces, v->n_spaces, MSG_SPACES_MAX);
	put_texts(f, v->pools, v->n_pools, MSG_POOLS_MAX);
	put_texts(f, v->dns, v->n_dns, MSG_DNS_MAX);
	put_text(f, v->gateway, MSG_NAME_MAX);
}

int msg_config_encode(const struct msg_config *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct frame f;

	if (m->n_vnets > MSG_VNETS_MAX)
		return -EMSGSIZE;
	if (frame_begin(&f, MSG_CONFIG) < 0)
		return -ENOMEM;
	put_texts(&f, m->names, m->n_names, MSG_NAMES_MAX);
	wire_put_be16(&f.w, (uint16_t)m->n_vnets);
	for (size_t i = 0; i < m->n_vnets; i++)
		put_vnet(&f, &m->vnets[i]);
	return frame_end(&f, ret_frame, ret_len);
}

static void get_vnet(struct wire_reader *r, struct msg_vnet *v)
{
	v->name = get_text(r, MSG_NAME_MAX);
	v->n_spaces = get_texts(r, v->spaces, MSG_SPACES_MAX);
	v->n_pools = get_texts(r, v->pools, MSG_POOLS_MAX);
	v->n_dns = get_texts(r, v->dns, MSG_DNS_MAX);
	v->gateway = get_text(r, MSG_NAME_MAX);
}

int msg_config_decode(const uint8_t *payload, size_t len, struct msg_config *ret_config)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_config m = {0};

	m.n_names = get_texts(&r, m.names, MSG_NAMES_MAX);
	m.n_vnets = get_count(&r, MSG_VNETS_MAX);
	if (m.n_vnets) {
		m.vnets = calloc(m.n_vnets, sizeof(*m.vnets));
		if (!m.vnets)
			return -ENOMEM;
	}
	for (size_t i = 0; i < m.n_vnets; i++)
		get_vnet(&r, &m.vnets[i]);
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
	struct frame f;

	if (frame_begin(&f, MSG_EST_REQUEST) < 0)
		return -ENOMEM;
	put_be64(&f, m->id);
	wire_put_u8(&f.w, (uint8_t)m->kind);
	put_text(&f, m->peer, MSG_NAME_MAX);
	wire_put_u8(&f.w, m->secret != NULL);
	if (m->secret)
		wire_put(&f.w, m->secret, MSG_SECRET_SIZE);
	put_bytes(&f, m->cert, m->cert ? m->cert_len : 0, MSG_CERT_MAX);
	wire_put_u8(&f.w, m->wants_network);
	put_bytes(&f, m->body, m->body_len, MSG_EST_BODY_MAX);
	return frame_end(&f, ret_frame, ret_len);
}

int msg_est_request_decode(const uint8_t *payload, size_t len, struct msg_est_request *ret_request)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_est_request m = {.id = get_be64(&r)};
	unsigned kind = wire_u8(&r);

	m.peer = get_line(&r, MSG_NAME_MAX);
	if (get_bool(&r))
		m.secret = wire_bytes(&r, MSG_SECRET_SIZE);
	m.cert = get_bytes(&r, MSG_CERT_MAX, &m.cert_len);
	m.wants_network = get_bool(&r);
	m.body = get_bytes(&r, MSG_EST_BODY_MAX, &m.body_len);
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
	struct frame f;

	if (frame_begin(&f, MSG_EST_REPLY) < 0)
		return -ENOMEM;
	put_be64(&f, m->id);
	wire_put_be16(&f.w, (uint16_t)m->status);
	put_text(&f, m->content_type, TYPE_MAX);
	put_text(&f, m->encoding, TYPE_MAX);
	put_bytes(&f, m->body, m->body_len, MSG_REPLY_BODY_MAX);
	wire_put_be32(&f.w, m->retry_after_s);
	put_text(&f, m->reason, MSG_REASON_MAX);
	return frame_end(&f, ret_frame, ret_len);
}

int msg_est_reply_decode(const uint8_t *payload, size_t len, struct msg_est_reply *ret_reply)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_est_reply m = {.id = get_be64(&r)};

	m.status = wire_be16(&r);
	m.content_type = get_line(&r, TYPE_MAX);
	m.encoding = get_line(&r, TYPE_MAX);
	m.body = get_bytes(&r, MSG_REPLY_BODY_MAX, &m.body_len);
	m.retry_after_s = wire_be32(&r);
	m.reason = get_line(&r, MSG_REASON_MAX);
	if (!wire_done(&r) || m.status < 100 || m.status > 599)
		return -EBADMSG;
	*ret_reply = m;
	return 0;
}

/* ---- SERVER_CERTIFICATE ---- */

int msg_server_certificate_encode(const struct msg_server_certificate *m, uint8_t **ret_frame,
				  size_t *ret_len)
{
	struct frame f;

	if (frame_begin(&f, MSG_SERVER_CERTIFICATE) < 0)
		return -ENOMEM;
	put_texts(&f, m->names, m->n_names, MSG_NAMES_MAX);
	put_text(&f, m->chain_pem, MSG_PEM_MAX);
	put_text(&f, m->key_pem, MSG_PEM_MAX);
	return frame_end(&f, ret_frame, ret_len);
}

int msg_server_certificate_decode(const uint8_t *payload, size_t len,
				  struct msg_server_certificate *ret_certificate)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_server_certificate m = {0};

	m.n_names = get_texts(&r, m.names, MSG_NAMES_MAX);
	m.chain_pem = get_text(&r, MSG_PEM_MAX);
	m.key_pem = get_text(&r, MSG_PEM_MAX);
	if (!wire_done(&r))
		return -EBADMSG;
	*ret_certificate = m;
	return 0;
}
