/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bgp_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/control/field_check.h"
#include "sstp/control/resource.h"

static const char *const actions[] = {"permit", "deny", NULL};

enum {
	BITS_MAX = 128
};

static const struct resource_field fields[] = {
	/* clang-format off */
	{"action", RESOURCE_TEXT,   "action", NULL,   6,                   actions, NULL},
	{"prefix", RESOURCE_TEXT,   "prefix", NULL,   PREFIX_TEXT_MAX - 1, NULL,    field_check_prefix},
	{"ge",     RESOURCE_NUMBER, "ge",     "null", BITS_MAX,            NULL,    NULL},
	{"le",     RESOURCE_NUMBER, "le",     "null", BITS_MAX,            NULL,    NULL},
	/* clang-format on */
};

static const struct resource_kind kind = {
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.is_bare = true,
};

/* A number of bits, or what stands for it where it is not given. */
static json_int_t bits_of(const json_t *entry, const char *key, json_int_t otherwise)
{
	const json_t *value = json_object_get(entry, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* NULL, or what is wrong. entry: as resource_read() gives it. */
static const char *read_entry(const json_t *entry, struct bgp_filter *ret_filter)
{
	struct bgp_filter f = {.is_permit =
				       strcmp(json_string_value(json_object_get(entry, "action")),
					      actions[0]) == 0};
	json_int_t all, ge, le;

	prefix_parse(json_string_value(json_object_get(entry, "prefix")), &f.prefix);
	all = f.prefix.family == AF_INET ? 32 : BITS_MAX;
	ge = bits_of(entry, "ge", f.prefix.len);
	le = bits_of(entry, "le", json_is_integer(json_object_get(entry, "ge")) ? all : ge);
	if (ge < f.prefix.len)
		return "'ge' is below the prefix's own length";
	if (le < ge)
		return "'le' is below 'ge', or below the prefix's own length";
	if (le > all)
		return "'ge' and 'le' are at most 32 of an IPv4 prefix";
	f.ge = (uint8_t)ge;
	f.le = (uint8_t)le;
	*ret_filter = f;
	return NULL;
}

int bgp_filters_read(const json_t *list, struct bgp_filter ret_filters[BGP_FILTERS_MAX],
		     size_t *ret_n, char ret_why[BGP_FILTER_WHY_MAX])
{
	char why[RESOURCE_WHY_MAX];
	const char *wrong = NULL;
	size_t i;
	const json_t *item;

	if (json_array_size(list) > BGP_FILTERS_MAX) {
		snprintf(ret_why, BGP_FILTER_WHY_MAX, "There are more than %d BGP filters.",
			 BGP_FILTERS_MAX);
		return -E2BIG;
	}
	json_array_foreach(list, i, item)
	{
		json_t *entry = NULL;
		int r = resource_check(&kind, item, why);

		if (r == 0)
			r = resource_read(&kind, item, NULL, &entry, why);
		wrong = r < 0 ? (r == -ENOMEM ? "out of memory" : why)
			      : read_entry(entry, &ret_filters[i]);
		json_decref(entry);
		if (wrong)
			break;
	}
	if (!wrong) {
		*ret_n = json_array_size(list);
		return 0;
	}
	snprintf(ret_why, BGP_FILTER_WHY_MAX, "BGP filter %zu: %.200s", i + 1, wrong);
	return -EINVAL;
}

bool bgp_filters_permit(const struct bgp_filter *filters, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (p->len >= filters[i].ge && p->len <= filters[i].le &&
		    prefix_covers(&filters[i].prefix, p))
			return filters[i].is_permit;
	return n == 0;
}
