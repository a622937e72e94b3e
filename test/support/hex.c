/* SPDX-License-Identifier: Apache-2.0 */
#include "test/support/hex.h"

#include <ctype.h>
#include <stdlib.h>

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c = (char)tolower(c);
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	abort();
}

size_t hex_decode(const char *hex, uint8_t *ret_bytes, size_t cap)
{
	size_t digits = 0;

	for (; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		if (digits / 2 >= cap)
			abort();
		if (digits % 2)
			ret_bytes[digits / 2] = (uint8_t)(ret_bytes[digits / 2] << 4 | digit(*hex));
		else
			ret_bytes[digits / 2] = (uint8_t)digit(*hex);
		digits++;
	}
	if (digits % 2)
		abort();
	return digits / 2;
}
