/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

#include "sstp/base/conf_option.h"

enum {
	HOST_MAX = 253 /* of a name in DNS */
};

static bool is_ipv6(const char *text)
{
	struct in6_addr addr;

	return inet_pton(AF_INET6, text, &addr) == 1;
}

static bool is_host_name(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._-");

	return len >= 1 && len <= HOST_MAX && !text[len];
}

bool endpoint_split(char *text, char **ret_host, uint16_t *ret_port)
{
	char *bracket = *text == '[' ? strchr(text, ']') : NULL;
	char *colon = strchr(bracket ? bracket : text, ':');
	uint64_t port;

	*ret_host = bracket ? text + 1 : text;
	if (!bracket && is_ipv6(text))
		return true;
	if (colon) {
		if (!conf_is_number(colon + 1, &port) || port < 1 || port > 65535)
			return false;
		*ret_port = (uint16_t)port;
		*colon = '\0';
	}
	if (!bracket)
		return is_host_name(text);
	if (bracket[1])
		return false;
	*bracket = '\0';
	return is_ipv6(*ret_host);
}
