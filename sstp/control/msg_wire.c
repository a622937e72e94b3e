/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What a family is called in a message; what else there is has no bits. */
enum {
	IPV4 = 4,
	IPV6 = 6,
};

/* Bits of an address; 0: no such family. */
static unsigned bits_of(unsigned family)
{
	return family == IPV4 ? 32 : family == IPV6 ? 128 : 0;
}

/* Bits behind the length are zero: equal prefixes have equal bytes. */
static bool is_clean(const uint8_t *bytes, uint8_t len)
{
	return len % 8 == 0 || !(bytes[len / 8] & (0xff >> len % 8));
}

/* ---- writing ---- */

int msg_frame_begin(struct msg_frame *f, enum msg_kind kind)
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

int msg_frame_end(struct msg_frame *f, uint8_t **ret_frame, size_t *ret_len)
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

void msg_put_be64(struct msg_frame *f, uint64_t v)
{
	wire_put_be32(&f->w, (uint32_t)(v >> 32));
	wire_put_be32(&f->w, (uint32_t)v);
}

void msg_put_bytes(struct msg_frame *f, const uint8_t *data, size_t len, size_t max)
{
	if (len > max)
		f->w.failed = true;
	wire_put_be32(&f->w, (uint32_t)len);
	wire_put(&f->w, data, len);
}

void msg_put_text(struct msg_frame *f, const char *text, size_t max)
{
	if (!text) {
		f->is_null = true;
		return;
	}
	msg_put_bytes(f, (const uint8_t *)text, strlen(text), max);
	wire_put_u8(&f->w, 0);
}

void msg_put_texts(struct msg_frame *f, const char *const *texts, size_t n, size_t max)
{
	if (n > max) {
		f->w.failed = true;
		return;
	}
	wire_put_be16(&f->w, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		msg_put_text(f, texts[i], MSG_NAME_MAX);
}

void msg_put_prefix(struct msg_frame *f, const struct prefix *p)
{
	uint8_t family = p->family == AF_INET ? IPV4 : p->family == AF_INET6 ? IPV6 : 0;

	if (!family || p->len > bits_of(family) || !is_clean(p->addr, p->len)) {
		f->w.failed = true;
		return;
	}
	wire_put_u8(&f->w, family);
	wire_put_u8(&f->w, p->len);
	wire_put(&f->w, p->addr, (p->len + 7u) / 8);
}

void msg_put_vnet(struct msg_frame *f, const struct msg_vnet *v)
{
	msg_put_text(f, v->name, MSG_NAME_MAX);
	msg_put_texts(f, v->spaces, v->n_spaces, MSG_SPACES_MAX);
	msg_put_texts(f, v->pools, v->n_pools, MSG_POOLS_MAX);
	msg_put_texts(f, v->dns, v->n_dns, MSG_SERVERS_MAX);
	msg_put_texts(f, v->domains, v->n_domains, MSG_DOMAINS_MAX);
	msg_put_text(f, v->gateway, MSG_NAME_MAX);
	msg_put_text(f, v->netns ? v->netns : "", MSG_NAME_MAX);
}

/* ---- reading ---- */

uint64_t msg_get_be64(struct wire_reader *r)
{
	uint64_t high = wire_be32(r);

	return high << 32 | wire_be32(r);
}

const uint8_t *msg_get_bytes(struct wire_reader *r, size_t max, size_t *ret_len)
{
	size_t len = wire_be32(r);

	if (len > max)
		r->failed = true;
	*ret_len = len;
	return wire_bytes(r, len);
}

const char *msg_get_text(struct wire_reader *r, size_t max)
{
	size_t len;
	const uint8_t *text = msg_get_bytes(r, max, &len);
	uint8_t end = wire_u8(r);

	if (!wire_ok(r) || end != 0 || memchr(text, 0, len)) {
		r->failed = true;
		return NULL;
	}
	return (const char *)text;
}

const char *msg_get_line(struct wire_reader *r, size_t max)
{
	const char *text = msg_get_text(r, max);

	for (const char *p = text; p && *p; p++)
		if (*p < ' ' || *p > '~')
			r->failed = true;
	return text;
}

bool msg_get_bool(struct wire_reader *r)
{
	uint8_t v = wire_u8(r);

	if (v > 1)
		r->failed = true;
	return v == 1;
}

size_t msg_get_count(struct wire_reader *r, size_t max)
{
	size_t n = wire_be16(r);

	if (n > max)
		r->failed = true;
	return wire_ok(r) ? n : 0;
}

size_t msg_get_texts(struct wire_reader *r, const char **texts, size_t max)
{
	size_t n = msg_get_count(r, max);

	for (size_t i = 0; i < n; i++)
		texts[i] = msg_get_text(r, MSG_NAME_MAX);
	return n;
}

void msg_get_prefix(struct wire_reader *r, struct prefix *p)
{
	uint8_t family = wire_u8(r);
	uint8_t len = wire_u8(r);
	unsigned bits = bits_of(family);
	const uint8_t *bytes = bits && len <= bits ? wire_bytes(r, (len + 7u) / 8) : NULL;

	if (!wire_ok(r) || !bytes || !is_clean(bytes, len)) {
		r->failed = true;
		return;
	}
	p->family = family == IPV4 ? AF_INET : AF_INET6;
	p->len = len;
	memcpy(p->addr, bytes, (len + 7u) / 8);
}

void msg_get_vnet(struct wire_reader *r, struct msg_vnet *v)
{
	v->name = msg_get_text(r, MSG_NAME_MAX);
	v->n_spaces = msg_get_texts(r, v->spaces, MSG_SPACES_MAX);
	v->n_pools = msg_get_texts(r, v->pools, MSG_POOLS_MAX);
	v->n_dns = msg_get_texts(r, v->dns, MSG_SERVERS_MAX);
	v->n_domains = msg_get_texts(r, v->domains, MSG_DOMAINS_MAX);
	v->gateway = msg_get_text(r, MSG_NAME_MAX);
	v->netns = msg_get_line(r, MSG_NAME_MAX);
}
