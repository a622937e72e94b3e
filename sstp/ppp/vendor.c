/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/vendor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static const uint8_t oui[] = {0x02, 'S', 'G'};

static int take_rest(struct wire_reader *r, size_t max, struct vendor_packet *ret)
{
	size_t len = wire_left(r);

	ret->data = wire_bytes(r, len);
	ret->len = len;
	return wire_ok(r) && len <= max ? 0 : -EBADMSG;
}

static int decode_description(struct wire_reader *r, struct vendor_packet *ret)
{
	int result;

	ret->total = wire_be32(r);
	ret->offset = wire_be32(r);
	result = take_rest(r, VENDOR_TEXT_MAX, ret);
	if (result < 0)
		return result;
	if (ret->total > VENDOR_TEXT_MAX || ret->offset > ret->total ||
	    ret->len > ret->total - ret->offset)
		return -EBADMSG;
	return ret->len || !ret->total ? 0 : -EBADMSG;
}

static int decode_close(struct wire_reader *r, struct vendor_packet *ret)
{
	ret->code = wire_u8(r);
	return take_rest(r, VENDOR_REASON_MAX, ret);
}

static int decode_address6(struct wire_reader *r, struct vendor_packet *ret)
{
	ret->len = VENDOR_ADDRESS6_SIZE;
	ret->data = wire_bytes(r, ret->len);
	return wire_ok(r) ? 0 : -EBADMSG;
}

int vendor_decode(const struct ppp_packet *p, struct vendor_packet *ret_packet)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	struct vendor_packet v = {0};
	const uint8_t *from;
	int result = 0;

	wire_be32(&r); /* the magic number of who sent it */
	from = wire_bytes(&r, sizeof(oui));
	v.kind = wire_u8(&r);
	if (!wire_ok(&r) || memcmp(from, oui, sizeof(oui)) != 0)
		return -ENOMSG;
	switch (v.kind) {
	case VENDOR_SUBSCRIBE: break;
	case VENDOR_DESCRIPTION: result = decode_description(&r, &v); break;
	case VENDOR_CLOSE: result = decode_close(&r, &v); break;
	case VENDOR_ADDRESS6: result = decode_address6(&r, &v); break;
	case VENDOR_TRACE:
	case VENDOR_TRACED: result = take_rest(&r, VENDOR_TRACE_MAX, &v); break;
	default: result = -EBADMSG;
	}
	if (result == 0)
		*ret_packet = v;
	return result;
}

void vendor_put(struct wire_writer *w, uint32_t magic, const struct vendor_packet *packet)
{
	wire_put_be32(w, magic);
	wire_put(w, oui, sizeof(oui));
	wire_put_u8(w, (uint8_t)packet->kind);
	if (packet->kind == VENDOR_SUBSCRIBE)
		return;
	if (packet->kind == VENDOR_DESCRIPTION) {
		wire_put_be32(w, packet->total);
		wire_put_be32(w, packet->offset);
	} else if (packet->kind == VENDOR_CLOSE) {
		wire_put_u8(w, packet->code);
	}
	wire_put(w, packet->data, packet->len);
}

static int begin(struct vendor_text *t, uint32_t total)
{
	vendor_text_done(t);
	t->bytes = total ? malloc(total) : NULL;
	t->total = total;
	return t->bytes || !total ? 0 : -ENOMEM;
}

/* A fragment that was decoded lies within its total. */
static bool continues(const struct vendor_text *t, const struct vendor_packet *fragment)
{
	return fragment->offset == t->got && fragment->total == t->total && t->got < t->total;
}

int vendor_text_add(struct vendor_text *t, const struct vendor_packet *fragment)
{
	int r = 0;

	if (fragment->offset == 0)
		r = begin(t, fragment->total);
	else if (!continues(t, fragment))
		r = -EBADMSG;
	if (r < 0) {
		vendor_text_done(t);
		return r;
	}
	if (fragment->len)
		memcpy(t->bytes + t->got, fragment->data, fragment->len);
	t->got += fragment->len;
	return t->got == t->total;
}

void vendor_text_done(struct vendor_text *t)
{
	free(t->bytes);
	*t = (struct vendor_text){0};
}
