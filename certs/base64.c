/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/base64.h"

#include <errno.h>
#include <stdbool.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct output {
	uint8_t *bytes;
	size_t cap;
	size_t len;
	uint32_t bits; /* not yet written, in the low bits */
	unsigned n_bits;
};

size_t base64_encode(enum base64_kind kind, const void *bytes, size_t len, char *ret_text)
{
	const char *alphabet = kind == BASE64_URL ? url : plain;
	const uint8_t *in = bytes;
	unsigned n_bits = 0;
	uint32_t bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8 | in[i]) & 0xffff;
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			ret_text[n++] = alphabet[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		ret_text[n++] = alphabet[bits << (6 - n_bits) & 63];
	while (kind != BASE64_URL && n % 4 != 0)
		ret_text[n++] = '=';
	ret_text[n] = '\0';
	return n;
}

static int value_of(enum base64_kind kind, char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (kind == BASE64_URL ? '-' : '+'))
		return 62;
	if (c == (kind == BASE64_URL ? '_' : '/'))
		return 63;
	return -1;
}

static bool is_skipped(enum base64_kind kind, char c)
{
	return kind == BASE64_PLAIN && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

static int put(struct output *out, int value)
{
	out->bits = (out->bits << 6 | (uint32_t)value) & 0xfff;
	out->n_bits += 6;
	if (out->n_bits < 8)
		return 0;
	if (out->len == out->cap)
		return -EMSGSIZE;
	out->n_bits -= 8;
	out->bytes[out->len++] = (uint8_t)(out->bits >> out->n_bits);
	return 0;
}

/* What is left over is less than a character, and 0; padding fills up to a multiple of four. */
static bool ends_well(enum base64_kind kind, const struct output *out, size_t chars, size_t padding)
{
	if (out->n_bits >= 6 || (out->bits & ((1u << out->n_bits) - 1)) != 0)
		return false;
	if (kind == BASE64_URL)
		return padding == 0;
	return (chars + padding) % 4 == 0 && padding <= 2;
}

int base64_decode(enum base64_kind kind, const char *text, size_t len, uint8_t *ret_bytes,
		  size_t cap, size_t *ret_len)
{
	struct output out = {.bytes = ret_bytes, .cap = cap};
	size_t chars = 0, padding = 0;
	int err;

	for (size_t i = 0; i < len; i++) {
		int value = value_of(kind, text[i]);

		if (is_skipped(kind, text[i]))
			continue;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		if (value < 0 || padding > 0)
			return -EBADMSG;
		chars++;
		err = put(&out, value);
		if (err)
			return err;
	}
	if (!ends_well(kind, &out, chars, padding))
		return -EBADMSG;
	*ret_len = out.len;
	return 0;
}
