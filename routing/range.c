/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/range.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/key.h"

static int refuse(int error, const char *why, const char **ret_why)
{
	*ret_why = why;
	return error;
}

/* The bits of a key that the family does not use: it lies to their left. */
static unsigned spare_bits(uint8_t family)
{
	return family == AF_INET6 ? 0 : 96;
}

static int parse_cidr(const char *text, struct range *ret_range, const char **ret_why)
{
	struct prefix p;
	int r = prefix_parse(text, &p);
	unsigned spare;

	if (r == -EINVAL)
		return refuse(-EINVAL, "The start address is no IP prefix.", ret_why);
	if (r < 0)
		return refuse(r, "The prefix of the start address has host bits set.", ret_why);
	spare = spare_bits(p.family);
	*ret_range = (struct range){.family = p.family};
	memcpy(ret_range->first, p.addr, sizeof(p.addr));
	key_write(key_last(key_read(p.addr), p.len) >> spare << spare, ret_range->last);
	return 0;
}

static bool parse_address(const char *text, uint8_t *ret_family, uint8_t ret_address[16])
{
	uint8_t family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t addr[16] = {0};

	if (inet_pton(family, text, addr) != 1)
		return false;
	*ret_family = family;
	memcpy(ret_address, addr, sizeof(addr));
	return true;
}

static int parse_end(struct range *r, const char *end, const char **ret_why)
{
	uint8_t family;

	if (!end || !*end)
		return refuse(-EINVAL,
			      "The end address is missing: the start address has no CIDR notation.",
			      ret_why);
	if (!parse_address(end, &family, r->last))
		return refuse(-EINVAL, "The end address is no IP address.", ret_why);
	if (family != r->family)
		return refuse(
			-EINVAL,
			"The start and the end address are not of one family: both must be IPv4, "
			"or both IPv6.",
			ret_why);
	if (memcmp(r->last, r->first, sizeof(r->last)) < 0)
		return refuse(-ERANGE, "The end address lies before the start address.", ret_why);
	return 0;
}

int range_parse(const char *start, const char *end, struct range *ret_range, const char **ret_why)
{
	struct range range;
	int r;

	if (strchr(start, '/')) {
		if (!end || !*end)
			return parse_cidr(start, ret_range, ret_why);
		return refuse(
			-EINVAL,
			"The start address is in CIDR notation: the end address must be omitted.",
			ret_why);
	}
	if (!parse_address(start, &range.family, range.first))
		return refuse(-EINVAL, "The start address is no IP address.", ret_why);
	r = parse_end(&range, end, ret_why);
	if (r == 0)
		*ret_range = range;
	return r;
}

int range_parse_text(const char *text, struct range *ret_range, const char **ret_why)
{
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : strlen(text);
	char start[PREFIX_TEXT_MAX];

	if (len >= sizeof(start))
		return refuse(-EINVAL, "The start address is no IP address.", ret_why);
	memcpy(start, text, len);
	start[len] = '\0';
	return range_parse(start, dash ? dash + 1 : NULL, ret_range, ret_why);
}

/* The length of the largest prefix that begins at first and ends at last or before. */
static unsigned shortest_length(address_key first, address_key last, unsigned spare)
{
	unsigned len = 128 - spare;

	while (len > 0 && (first >> (128 - len) & 1) == 0 && key_last(first, len - 1) <= last)
		len--;
	return len;
}

size_t range_prefixes(const struct range *r, struct prefix ret_prefixes[RANGE_PREFIXES_MAX])
{
	unsigned spare = spare_bits(r->family);
	address_key at = key_read(r->first);
	/* with the bits behind an IPv4 address, as key_last() has them */
	address_key last = key_last(key_read(r->last), 128 - spare);
	size_t n = 0;

	for (;;) {
		struct prefix *p = &ret_prefixes[n++];

		*p = (struct prefix){
			.family = r->family,
			.len = (uint8_t)shortest_length(at, last, spare),
		};
		key_write(at, p->addr);
		at = key_last(at, p->len);
		if (at == last)
			return n;
		at++;
	}
}
