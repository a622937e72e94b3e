/* SPDX-License-Identifier: Apache-2.0 */
/* The half of listen.h that is about addresses as text. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sstp/net/listen.h"

static bool parse_port(const char *text, uint16_t *ret_port)
{
	unsigned port = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 5 || text[digits] != '\0')
		return false;
	for (size_t i = 0; i < digits; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	if (port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool parse_host(const char *host, uint16_t port, struct sockaddr_storage *ret_addr,
		       socklen_t *ret_len)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memset(ret_addr, 0, sizeof(*ret_addr));
		memcpy(ret_addr, &in, sizeof(in));
		*ret_len = sizeof(in);
		return true;
	}
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
		memset(ret_addr, 0, sizeof(*ret_addr));
		memcpy(ret_addr, &in6, sizeof(in6));
		*ret_len = sizeof(in6);
		return true;
	}
	return false;
}

/* Cuts "HOST:PORT" or "[HOST]:PORT" in two, in place; either part may be empty or missing. */
static bool split(char *text, char **ret_host, const char **ret_port)
{
	char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');

	*ret_host = text;
	if (text[0] == '[') {
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return false;
		*ret_host = text + 1;
		*ret_port = end[1] == ':' ? end + 2 : NULL;
	} else {
		*ret_port = end ? end + 1 : NULL;
	}
	if (end)
		*end = '\0';
	return true;
}

int address_parse(const char *text, uint16_t default_port, struct sockaddr_storage *ret_addr,
		  socklen_t *ret_len)
{
	char copy[ADDRESS_TEXT_MAX];
	uint16_t port = default_port;
	const char *port_text;
	char *host;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	/* an address without brackets and port; also "443": a port is no address for inet_pton() */
	if (text[0] != '[' && parse_host(text, port, ret_addr, ret_len))
		return 0;
	if (parse_port(text, &port))
		return parse_host("::", port, ret_addr, ret_len) ? 0 : -EINVAL;
	strcpy(copy, text);
	if (!split(copy, &host, &port_text) || (port_text && !parse_port(port_text, &port)))
		return -EINVAL;
	/* brackets are for IPv6, and nothing else may hold a colon */
	if (text[0] == '[' && !strchr(host, ':'))
		return -EINVAL;
	if (host[0] == '\0' && !port_text)
		return -EINVAL;
	return parse_host(host[0] ? host : "::", port, ret_addr, ret_len) ? 0 : -EINVAL;
}

void address_unmap(struct sockaddr_storage *addr)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6;

	memcpy(&in6, addr, sizeof(in6));
	if (in6.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return;
	in.sin_port = in6.sin6_port;
	memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, &in, sizeof(in));
}

const char *address_format(const struct sockaddr_storage *addr, char buf[ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memcpy(&in, addr, sizeof(in));
	memcpy(&in6, addr, sizeof(in6));
	if (addr->ss_family == AF_INET)
		snprintf(buf, ADDRESS_TEXT_MAX, "%s:%u",
			 inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host)), ntohs(in.sin_port));
	else if (addr->ss_family == AF_INET6)
		snprintf(buf, ADDRESS_TEXT_MAX, "[%s]:%u",
			 inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host)),
			 ntohs(in6.sin6_port));
	else
		snprintf(buf, ADDRESS_TEXT_MAX, "unknown");
	return buf;
}
