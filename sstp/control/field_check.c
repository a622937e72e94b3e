/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/field_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "certs/name.h"
#include "routing/prefix.h"

enum {
	POOL_LEN_MAX = 29,
	POOL6_LEN_MAX = 56,
	LABEL_MAX = 63, /* RFC 1035, 2.3.4 */
};

static const char *parse(const char *text, struct prefix *ret_prefix)
{
	int r = prefix_parse(text, ret_prefix);

	if (r == -EDOM)
		return "has host bits set in a prefix";
	if (r < 0 || !strchr(text, '/'))
		return "must hold IPv4 or IPv6 prefixes in CIDR notation";
	return NULL;
}

const char *field_check_prefix(const char *text)
{
	struct prefix p;

	return parse(text, &p);
}

static const char *check_pool6(const struct prefix *p)
{
	static const struct prefix global = {.family = AF_INET6, .len = 3, .addr = {0x20}};
	static const struct prefix local = {.family = AF_INET6, .len = 7, .addr = {0xfc}};

	if (!prefix_covers(&global, p) && !prefix_covers(&local, p))
		return "must be global or unique local IPv6: of 2000::/3 or fc00::/7";
	if (p->len > POOL6_LEN_MAX)
		return "is too small: an IPv6 pool has 56 bits or fewer, each session a /64 of it";
	return NULL;
}

const char *field_check_pool(const char *text)
{
	struct prefix p;
	const char *wrong = parse(text, &p);

	if (wrong)
		return wrong;
	if (p.family == AF_INET6)
		return check_pool6(&p);
	if (!prefix_is_rfc1918(&p))
		return "must lie within RFC 1918: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16";
	if (p.len > POOL_LEN_MAX)
		return "is too small: the minimum subnet mask is 29 bit";
	return NULL;
}

const char *field_check_address(const char *text)
{
	unsigned char be[16];

	return inet_pton(AF_INET, text, be) == 1 || inet_pton(AF_INET6, text, be) == 1
		       ? NULL
		       : "must hold IPv4 or IPv6 addresses";
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len > LABEL_MAX || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '-' && !is_alphanumeric(text[i]))
			return false;
	return true;
}

const char *field_check_domain(const char *text)
{
	for (;;) {
		size_t len = strcspn(text, ".");

		if (!is_label(text, len))
			return "must hold domains: labels of letters, digits and '-', with dots "
			       "between";
		if (!text[len])
			return NULL;
		text += len + 1;
	}
}

/* Behind what stands before it; NULL: that does not. */
static const char *skip(const char *text, const char *part)
{
	return text && strncasecmp(text, part, strlen(part)) == 0 ? text + strlen(part) : NULL;
}

static const char *skip_name(const char *text)
{
	size_t len = text ? strcspn(text, "/") : 0;

	return len ? text + len : NULL;
}

const char *field_check_vnet(const char *text)
{
	const char *name = skip_name(skip(text, "/subscriptions/"));

	name = skip_name(skip(name, "/resourceGroups/"));
	name = skip(name, "/providers/Microsoft.Network/virtualNetworks/");
	return name_is_label(name ? name : text) ? NULL
						 : "must be a virtual network's name, or its id";
}

const char *field_check_netns(const char *text)
{
	return !*text || name_is_label(text)
		       ? NULL
		       : "must be the name of a network namespace: letters, digits, '-', '_', '.'";
}

const char *field_check_uri(const char *text)
{
	static const char scheme[] = "https://";
	const char *host = text + strlen(scheme);

	if (strncmp(text, scheme, strlen(scheme)) != 0 || !*host || *host == '/')
		return "must be an https URI, without quotes around it";
	return strpbrk(text, " \"'<>\\^`{|}") ? "holds characters that no URI has" : NULL;
}
