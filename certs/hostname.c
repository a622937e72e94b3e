/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/hostname.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum {
	DEFAULT_PORT = 443,
	LABEL_MAX = 63,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
	       c == '_';
}

/* The label's length, 0 when it is none. */
static size_t label_length(const char *name, bool *ret_is_number)
{
	size_t n = 0;

	*ret_is_number = true;
	while (is_label_char(name[n])) {
		*ret_is_number = *ret_is_number && is_digit(name[n]);
		n++;
	}
	return n > LABEL_MAX || n == 0 || name[0] == '-' || name[n - 1] == '-' ? 0 : n;
}

static bool is_dns_name(const char *name)
{
	bool is_number;
	size_t n;

	if (strlen(name) >= HOSTNAME_MAX)
		return false;
	for (;;) {
		n = label_length(name, &is_number);
		if (n == 0)
			return false;
		name += n;
		if (*name == '\0')
			return !is_number;
		if (*name != '.')
			return false;
		name++;
	}
}

enum hostname_kind hostname_kind(const char *name)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, name, &address) == 1)
		return HOSTNAME_IPV4;
	if (inet_pton(AF_INET6, name, &address) == 1)
		return HOSTNAME_IPV6;
	return is_dns_name(name) ? HOSTNAME_DNS : HOSTNAME_INVALID;
}

bool hostname_equal(const char *a, const char *b)
{
	enum hostname_kind kind = hostname_kind(a);
	struct in6_addr x = {0}, y = {0};
	int family = kind == HOSTNAME_IPV4 ? AF_INET : AF_INET6;

	if (kind == HOSTNAME_INVALID || hostname_kind(b) != kind)
		return false;
	if (kind == HOSTNAME_DNS)
		return strcasecmp(a, b) == 0;
	return inet_pton(family, a, &x) == 1 && inet_pton(family, b, &y) == 1 &&
	       memcmp(&x, &y, sizeof(x)) == 0;
}

/* text is "" or ":1" to ":65535", without leading zeros. */
static bool parse_port(const char *text, uint16_t *ret_port)
{
	unsigned port = 0;

	*ret_port = DEFAULT_PORT;
	if (*text == '\0')
		return true;
	if (*text++ != ':' || *text == '0')
		return false;
	for (; is_digit(*text) && port <= UINT16_MAX; text++)
		port = port * 10 + (unsigned)(*text - '0');
	*ret_port = (uint16_t)port;
	return *text == '\0' && port >= 1 && port <= UINT16_MAX;
}

bool hostname_split(const char *text, char ret_host[HOSTNAME_MAX], uint16_t *ret_port)
{
	bool in_brackets = *text == '[';
	const char *start = text + in_brackets;
	size_t n = strcspn(start, in_brackets ? "]" : ":");
	char host[HOSTNAME_MAX];
	uint16_t port;

	if (n >= sizeof(host) || (in_brackets && start[n] != ']'))
		return false;
	memcpy(host, start, n);
	host[n] = '\0';
	if (in_brackets ? hostname_kind(host) != HOSTNAME_IPV6
			: hostname_kind(host) == HOSTNAME_INVALID)
		return false;
	if (!parse_port(start + n + in_brackets, &port))
		return false;
	if (ret_host)
		memcpy(ret_host, host, n + 1);
	if (ret_port)
		*ret_port = port;
	return true;
}
