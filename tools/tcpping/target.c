/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tcpping/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *ret_port)
{
	unsigned long port = 0;

	for (const char *p = text; *p; p++) {
		if (!isdigit((unsigned char)*p) || port > 65535)
			return false;
		port = port * 10 + (unsigned long)(*p - '0');
	}
	if (port == 0 || port > 65535)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* *ret_port: the text behind the colon, or NULL. The length of the host, which begins at *text. */
static size_t split(const char **text, const char **ret_port)
{
	const char *colon = strchr(*text, ':'), *bracket = strchr(*text, ']');
	size_t len = strlen(*text);

	*ret_port = NULL;
	if (**text == '[' && bracket && (bracket[1] == '\0' || bracket[1] == ':')) {
		*ret_port = bracket[1] ? bracket + 2 : NULL;
		*text += 1;
		return (size_t)(bracket - *text);
	}
	if (!colon || strchr(colon + 1, ':')) /* several: an IPv6 address */
		return len;
	*ret_port = colon + 1;
	return (size_t)(colon - *text);
}

int target_parse(const char *text, const char *port, struct target *ret_target,
		 const char **ret_why)
{
	struct target t = {.port = TARGET_PORT};
	const char *within;
	size_t len = split(&text, &within);

	*ret_why = NULL;
	if (len == 0 || len >= sizeof(t.host))
		*ret_why = "HOST must be a name or an address";
	else if (within && port)
		*ret_why = "the port is given twice";
	else if ((within && !parse_port(within, &t.port)) || (port && !parse_port(port, &t.port)))
		*ret_why = "PORT must be a number from 1 to 65535";
	if (*ret_why)
		return -EINVAL;
	memcpy(t.host, text, len);
	*ret_target = t;
	return 0;
}
