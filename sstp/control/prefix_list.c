/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/prefix_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/wire.h"

enum {
	IPV4 = 4,
	IPV6 = 6,
	ENTRY_MIN = 6, /* bytes */
};

int prefix_list_encode(const struct prefix *prefixes, size_t n, uint8_t **ret_bytes,
		       size_t *ret_len)
{
	uint8_t *bytes = malloc(n * PREFIX_LIST_ENTRY_MAX + 1);
	struct wire_writer w;

	if (!bytes)
		return -ENOMEM;
	w = wire_writer(bytes, n * PREFIX_LIST_ENTRY_MAX);
	for (size_t i = 0; i < n; i++) {
		bool is_v6 = prefixes[i].family == AF_INET6;

		wire_put_u8(&w, is_v6 ? IPV6 : IPV4);
		wire_put_u8(&w, prefixes[i].len);
		wire_put(&w, prefixes[i].addr, is_v6 ? 16 : 4);
	}
	*ret_bytes = bytes;
	*ret_len = wire_len(&w);
	return 0;
}

static bool has_host_bits(const struct prefix *p)
{
	for (unsigned bit = p->len; bit < 8 * sizeof(p->addr); bit++)
		if (p->addr[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

static bool get_prefix(struct wire_reader *r, struct prefix *ret_prefix)
{
	uint8_t family = wire_u8(r);
	uint8_t len = wire_u8(r);
	size_t size = family == IPV6 ? 16 : 4;
	const uint8_t *addr = wire_bytes(r, size);
	struct prefix p = {.family = family == IPV6 ? AF_INET6 : AF_INET, .len = len};

	if (!wire_ok(r) || (family != IPV4 && family != IPV6) || len > 8 * size)
		return false;
	memcpy(p.addr, addr, size);
	*ret_prefix = p;
	return !has_host_bits(&p);
}

int prefix_list_decode(const uint8_t *bytes, size_t len, size_t max, struct prefix **ret_prefixes,
		       size_t *ret_n)
{
	struct wire_reader r = wire_reader(bytes, len);
	struct prefix *prefixes;
	size_t n = 0;
	int error = 0;

	if (len / PREFIX_LIST_ENTRY_MAX > max)
		return -E2BIG;
	prefixes = malloc((len / ENTRY_MIN + 1) * sizeof(*prefixes));
	if (!prefixes)
		return -ENOMEM;
	while (error == 0 && !wire_done(&r)) {
		if (n == max)
			error = -E2BIG;
		else if (!get_prefix(&r, &prefixes[n++]))
			error = -EBADMSG;
	}
	if (error < 0) {
		free(prefixes);
		return error;
	}
	*ret_prefixes = prefixes;
	*ret_n = n;
	return 0;
}
