/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/field_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/prefix.h"

enum {
	POOL_LEN_MAX = 29
};

static const char *parse(const char *text, struct prefix *ret_prefix)
{
	int r = prefix_parse(text, ret_prefix);

	if (r == -EDOM)
		return "has host bits set in a prefix";
	if (r < 0 || ret_prefix->family != AF_INET || !strchr(text, '/'))
		return "must hold IPv4 prefixes in CIDR notation";
	return NULL;
}

const char *field_check_prefix(const char *text)
{
	struct prefix p;

	return parse(text, &p);
}

const char *field_check_pool(const char *text)
{
	struct prefix p;
	const char *wrong = parse(text, &p);

	if (wrong)
		return wrong;
	if (!prefix_is_rfc1918(&p))
		return "must lie within RFC 1918: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16";
	if (p.len > POOL_LEN_MAX)
		return "is too small: the minimum subnet mask is 29 bit";
	return NULL;
}

const char *field_check_address(const char *text)
{
	struct in_addr be;

	return inet_pton(AF_INET, text, &be) == 1 ? NULL : "must hold IPv4 addresses";
}

const char *field_check_uri(const char *text)
{
	static const char scheme[] = "https://";
	const char *host = text + strlen(scheme);

	if (strncmp(text, scheme, strlen(scheme)) != 0 || !*host || *host == '/')
		return "must be an https URI, without quotes around it";
	return strpbrk(text, " \"'<>\\^`{|}") ? "holds characters that no URI has" : NULL;
}
