/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/option.h"

#include <errno.h>

bool option_next(struct wire_reader *r, struct option *ret_option)
{
	uint8_t type, len;
	const uint8_t *data;

	if (!wire_left(r))
		return false;
	type = wire_u8(r);
	len = wire_u8(r);
	if (len < OPTION_HEADER) {
		r->failed = true;
		return false;
	}
	len -= OPTION_HEADER;
	data = wire_bytes(r, len);
	if (!data)
		return false;
	*ret_option = (struct option){type, len, data};
	return true;
}

int option_check(const uint8_t *list, size_t len)
{
	struct wire_reader r = wire_reader(list, len);
	struct option o;

	while (option_next(&r, &o))
		;
	return wire_ok(&r) ? 0 : -EBADMSG;
}

bool option_equal(const struct option *a, const struct option *b)
{
	return a->type == b->type && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

void option_put(struct wire_writer *w, uint8_t type, const void *data, uint8_t len)
{
	wire_put_u8(w, type);
	wire_put_u8(w, (uint8_t)(OPTION_HEADER + len));
	wire_put(w, data, len);
}
