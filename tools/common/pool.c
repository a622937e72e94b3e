/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/common/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int family_of(const char *range, size_t len)
{
	return memchr(range, ':', len) ? AF_INET6 : AF_INET;
}

const char *pool_ranges(int family, char buf[POOL_TEXT_MAX])
{
	const char *text = getenv("WEBSITE_PRIVATE_POOL");
	size_t used = 0;

	buf[0] = '\0';
	while (text && *text) {
		size_t len = strcspn(text, ",");

		if (len && family_of(text, len) == family && used + len + 2 < POOL_TEXT_MAX)
			used += (size_t)sprintf(buf + used, "%s%.*s", used ? "," : "", (int)len,
						text);
		text += len + (text[len] == ',');
	}
	return buf;
}

const char *pool_address(int family)
{
	const char *text =
		getenv(family == AF_INET6 ? "WEBSITE_PRIVATE_IPV6" : "WEBSITE_PRIVATE_IP");

	return text && *text ? text : NULL;
}

const char *pool_advice(int family, char buf[POOL_TEXT_MAX])
{
	const char *address = pool_address(family);
	char ranges[POOL_TEXT_MAX];
	int len;

	pool_ranges(family, ranges);
	if (*ranges)
		len = snprintf(buf, POOL_TEXT_MAX,
			       "If a firewall drops it, let in the whole pool: %s%s%s%s", ranges,
			       address ? " (this app is " : "", address ? address : "",
			       address ? " now)" : "");
	else if (address)
		len = snprintf(buf, POOL_TEXT_MAX,
			       "If a firewall drops it, let in the pool that %s comes from: the "
			       "gateway has not told its range",
			       address);
	else
		return NULL;
	return len < POOL_TEXT_MAX ? buf : NULL;
}
