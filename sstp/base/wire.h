/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_WIRE_H
#define SSTP_BASE_WIRE_H
/*
 * Bounds-checked reading and writing of big-endian wire data.
 *
 * Both cursors are sticky: the first access past the end sets the failure flag, and from then on
 * reads give zero (or NULL) and writes do nothing. So a decoder reads all its fields in a row and
 * asks once, with wire_ok(), before it believes any of them. Every decoder of the project goes
 * through here; nothing else does pointer arithmetic on input.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_reader {
	const uint8_t *pos;
	const uint8_t *end;
	bool failed;
};

struct wire_writer {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	bool failed;
};

/* Borrows buf until the reader is no longer used. */
static inline struct wire_reader wire_reader(const void *buf, size_t len)
{
	const uint8_t *p = buf;

	return (struct wire_reader){.pos = p, .end = len ? p + len : p};
}

static inline size_t wire_left(const struct wire_reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->pos);
}

static inline bool wire_ok(const struct wire_reader *r)
{
	return !r->failed;
}

/* True when everything was read and nothing failed: a decoder consumes all. */
static inline bool wire_done(const struct wire_reader *r)
{
	return !r->failed && r->pos == r->end;
}

/* Returns borrowed until the input goes: n bytes, or NULL past the end. */
static inline const uint8_t *wire_bytes(struct wire_reader *r, size_t n)
{
	const uint8_t *p = r->pos;

	if (r->failed || (size_t)(r->end - r->pos) < n) {
		r->failed = true;
		return NULL;
	}
	r->pos += n;
	return p;
}

static inline uint8_t wire_u8(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t wire_be16(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t wire_be32(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* A reader over the next n bytes, which the outer reader skips; a failed one past the end. */
static inline struct wire_reader wire_sub(struct wire_reader *r, size_t n)
{
	const uint8_t *p = wire_bytes(r, n);
	struct wire_reader sub = wire_reader(p, p ? n : 0);

	sub.failed = !p;
	return sub;
}

/* Borrows buf until the writer is no longer used. */
static inline struct wire_writer wire_writer(void *buf, size_t cap)
{
	uint8_t *p = buf;

	return (struct wire_writer){.start = p, .pos = p, .end = cap ? p + cap : p};
}

static inline size_t wire_len(const struct wire_writer *w)
{
	return (size_t)(w->pos - w->start);
}

/* Room for n bytes to fill in, or NULL when they do not fit. */
static inline uint8_t *wire_reserve(struct wire_writer *w, size_t n)
{
	uint8_t *p = w->pos;

	if (w->failed || (size_t)(w->end - w->pos) < n) {
		w->failed = true;
		return NULL;
	}
	w->pos += n;
	return p;
}

static inline void wire_put(struct wire_writer *w, const void *src, size_t n)
{
	uint8_t *p = wire_reserve(w, n);

	if (p && n)
		memcpy(p, src, n);
}

static inline void wire_put_zero(struct wire_writer *w, size_t n)
{
	uint8_t *p = wire_reserve(w, n);

	if (p && n)
		memset(p, 0, n);
}

static inline void wire_put_u8(struct wire_writer *w, uint8_t v)
{
	wire_put(w, &v, 1);
}

static inline void wire_put_be16(struct wire_writer *w, uint16_t v)
{
	wire_put(w, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static inline void wire_put_be32(struct wire_writer *w, uint32_t v)
{
	wire_put(w,
		 (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v},
		 4);
}

/* Writes v over the two bytes at offset, which were written before (a length known only later). */
static inline void wire_patch_be16(struct wire_writer *w, size_t offset, uint16_t v)
{
	if (w->failed || wire_len(w) < offset + 2) {
		w->failed = true;
		return;
	}
	w->start[offset] = (uint8_t)(v >> 8);
	w->start[offset + 1] = (uint8_t)v;
}

#endif
