/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/outbox.h"

/* In the buffer: length (4 bytes, native order), headroom, message; the next one right behind. */
enum {
	LENGTH_SIZE = sizeof(uint32_t),
	PREFIX = LENGTH_SIZE + OUTBOX_HEADROOM,
};

struct wire_writer outbox_begin(struct outbox *o)
{
	struct wire_writer w;

	if (o->cap - o->used < PREFIX) {
		w = wire_writer(o->buf, 0);
		w.failed = true;
		return w;
	}
	return wire_writer(o->buf + o->used + PREFIX, o->cap - o->used - PREFIX);
}

void outbox_end(struct outbox *o, const struct wire_writer *w)
{
	uint32_t len = (uint32_t)wire_len(w);

	if (w->failed) {
		o->dropped++;
		return;
	}
	memcpy(o->buf + o->used, &len, sizeof(len));
	o->used += PREFIX + len;
}

bool outbox_next(const struct outbox *o, size_t *pos, uint8_t **ret_msg, size_t *ret_len)
{
	uint32_t len;

	if (*pos >= o->used)
		return false;
	memcpy(&len, o->buf + *pos, sizeof(len));
	*ret_msg = o->buf + *pos + PREFIX;
	*ret_len = len;
	*pos += PREFIX + len;
	return true;
}
