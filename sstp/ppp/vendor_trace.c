/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/vendor_trace.h"

#include <errno.h>
#include <stdio.h>

/* Of no family: none. */
static size_t address_size(uint8_t family)
{
	switch (family) {
	case 4: return 4;
	case 6: return VENDOR_TRACE_ADDRESS;
	default: return 0;
	}
}

static void put_address(struct wire_writer *w, const struct vendor_address *a)
{
	wire_put_u8(w, a->family);
	wire_put(w, a->bytes, address_size(a->family));
}

static void get_address(struct wire_reader *r, struct vendor_address *ret)
{
	uint8_t family = wire_u8(r);
	size_t size = address_size(family);
	const uint8_t *bytes = wire_bytes(r, size);

	if (family && !size)
		r->failed = true;
	ret->family = family;
	if (bytes && size)
		memcpy(ret->bytes, bytes, size);
}

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f;
}

static void put_name(struct wire_writer *w, const char *name)
{
	wire_put_u8(w, (uint8_t)strlen(name));
	wire_put(w, name, strlen(name));
}

static void get_name(struct wire_reader *r, char *ret, size_t max)
{
	size_t len = wire_u8(r);
	const uint8_t *bytes = wire_bytes(r, len);

	if (!bytes || len > max) {
		r->failed = true;
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (!is_plain((char)bytes[i]))
			r->failed = true;
	if (len)
		memcpy(ret, bytes, len);
	ret[len] = '\0';
}

char *vendor_trace_name(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s", name);
	for (char *c = buf; *c; c++)
		if (!is_plain(*c))
			*c = '?';
	return buf;
}

size_t vendor_trace_put(const struct vendor_trace *t, uint8_t buf[VENDOR_TRACE_MAX])
{
	struct wire_writer w = wire_writer(buf, VENDOR_TRACE_MAX);

	wire_put_be32(&w, t->id);
	wire_put_be32(&w, t->number);
	wire_put_be16(&w, t->port);
	wire_put_be16(&w, t->own);
	put_address(&w, &t->to);
	return wire_len(&w);
}

int vendor_trace_decode(const uint8_t *value, size_t len, struct vendor_trace *ret_trace)
{
	struct wire_reader r = wire_reader(value, len);
	struct vendor_trace t = {.id = wire_be32(&r)};

	t.number = wire_be32(&r);
	t.port = wire_be16(&r);
	t.own = wire_be16(&r);
	get_address(&r, &t.to);
	if (!wire_done(&r) || !t.own || !t.to.family)
		return -EBADMSG;
	*ret_trace = t;
	return 0;
}

size_t vendor_traced_put(const struct vendor_traced *t, uint8_t buf[VENDOR_TRACE_MAX])
{
	struct wire_writer w = wire_writer(buf, VENDOR_TRACE_MAX);

	wire_put_be32(&w, t->id);
	wire_put_u8(&w, t->route);
	wire_put_u8(&w, t->outcome);
	wire_put_be16(&w, t->error);
	wire_put_be32(&w, t->took_us);
	wire_put_be32(&w, t->table);
	wire_put_be32(&w, t->sent);
	wire_put_be32(&w, t->received);
	put_address(&w, &t->via);
	put_address(&w, &t->source);
	put_name(&w, t->device);
	put_name(&w, t->drop);
	return wire_len(&w);
}

int vendor_traced_decode(const uint8_t *value, size_t len, struct vendor_traced *ret_traced)
{
	struct wire_reader r = wire_reader(value, len);
	struct vendor_traced t = {.id = wire_be32(&r)};

	t.route = wire_u8(&r);
	t.outcome = wire_u8(&r);
	t.error = wire_be16(&r);
	t.took_us = wire_be32(&r);
	t.table = wire_be32(&r);
	t.sent = wire_be32(&r);
	t.received = wire_be32(&r);
	get_address(&r, &t.via);
	get_address(&r, &t.source);
	get_name(&r, t.device, VENDOR_TRACE_DEVICE_MAX);
	get_name(&r, t.drop, VENDOR_TRACE_DROP_MAX);
	if (!wire_done(&r) || !t.route || t.route > VENDOR_ROUTE_LAST || !t.outcome ||
	    t.outcome > VENDOR_OUTCOME_LAST)
		return -EBADMSG;
	*ret_traced = t;
	return 0;
}
