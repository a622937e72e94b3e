/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/range.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

static int refuse(int error, const char *why, const char **ret_why)
{
	*ret_why = why;
	return error;
}

static int parse_cidr(const char *text, struct range *ret_range, const char **ret_why)
{
	struct prefix p;
	int r = prefix_parse(text, &p);

	if (r == -EINVAL || p.family != AF_INET)
		return refuse(-EINVAL, "The start address is no IPv4 prefix.", ret_why);
	if (r < 0)
		return refuse(r, "The prefix of the start address has host bits set.", ret_why);
	ret_range->first = prefix_first4(&p);
	ret_range->last = (uint32_t)(ret_range->first + (prefix_size4(&p) - 1));
	return 0;
}

static bool parse_address(const char *text, uint32_t *ret_address)
{
	struct in_addr be;

	if (inet_pton(AF_INET, text, &be) != 1)
		return false;
	*ret_address = ntohl(be.s_addr);
	return true;
}

int range_parse(const char *start, const char *end, struct range *ret_range, const char **ret_why)
{
	bool has_end = end && *end;
	struct range r;

	if (strchr(start, '/')) {
		if (!has_end)
			return parse_cidr(start, ret_range, ret_why);
		return refuse(
			-EINVAL,
			"The start address is in CIDR notation: the end address must be omitted.",
			ret_why);
	}
	if (!parse_address(start, &r.first))
		return refuse(-EINVAL, "The start address is no IPv4 address.", ret_why);
	if (!has_end)
		return refuse(-EINVAL,
			      "The end address is missing: the start address has no CIDR notation.",
			      ret_why);
	if (!parse_address(end, &r.last))
		return refuse(-EINVAL, "The end address is no IPv4 address.", ret_why);
	if (r.last < r.first)
		return refuse(-ERANGE, "The end address lies before the start address.", ret_why);
	*ret_range = r;
	return 0;
}

int range_parse_text(const char *text, struct range *ret_range, const char **ret_why)
{
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : strlen(text);
	char start[PREFIX_TEXT_MAX];

	if (len >= sizeof(start))
		return refuse(-EINVAL, "The start address is no IPv4 address.", ret_why);
	memcpy(start, text, len);
	start[len] = '\0';
	return range_parse(start, dash ? dash + 1 : NULL, ret_range, ret_why);
}

/* log2 of the largest prefix that begins at first and ends at last or before. */
static unsigned largest_bits(uint64_t first, uint64_t last)
{
	unsigned bits = 0;

	while (bits < 32 && (first & (UINT64_C(1) << bits)) == 0 &&
	       first + (UINT64_C(2) << bits) - 1 <= last)
		bits++;
	return bits;
}

size_t range_prefixes(const struct range *r, struct prefix ret_prefixes[RANGE_PREFIXES_MAX])
{
	uint64_t at = r->first;
	size_t n = 0;

	while (at <= r->last) {
		unsigned bits = largest_bits(at, r->last);
		uint32_t be = htonl((uint32_t)at);

		ret_prefixes[n] = (struct prefix){.family = AF_INET, .len = (uint8_t)(32 - bits)};
		memcpy(ret_prefixes[n++].addr, &be, sizeof(be));
		at += UINT64_C(1) << bits;
	}
	return n;
}
