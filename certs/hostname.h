/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_HOSTNAME_H
#define CERTS_HOSTNAME_H
/* The names by which a gateway is dialled: what may stand in its certificate, and in a token. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HOSTNAME_MAX = 254,	     /* with NUL */
	HOSTNAME_PORT_MAX = 256 + 8, /* "[IPv6]:65535" or "name:65535", with NUL */
};

enum hostname_kind {
	HOSTNAME_INVALID,
	/* letters, digits, '-', '_' and dots; labels of 1..63; no dot at the end; not all digits */
	HOSTNAME_DNS,
	HOSTNAME_IPV4,
	HOSTNAME_IPV6, /* without brackets, without scope */
};

enum hostname_kind hostname_kind(const char *name);

/*
 * The same names: case does not count; addresses are compared as addresses. False when one is
 * invalid.
 */
bool hostname_equal(const char *a, const char *b);

/*
 * True when text is host[:port] as a URL has it: an IPv6 address stands in brackets, port is
 * 1..65535. Fills host (without brackets) and port (443 when there is none); both may be NULL.
 */
bool hostname_split(const char *text, char ret_host[HOSTNAME_MAX], uint16_t *ret_port);

#endif
