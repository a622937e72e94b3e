/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int hex_of(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* One byte at text, which has len of them; how many it took, or 0. */
static size_t decode_byte(const char *text, size_t len, char *ret_byte)
{
	int high, low;

	*ret_byte = *text == '+' ? ' ' : *text;
	if (*text != '%')
		return 1;
	if (len < 3)
		return 0;
	high = hex_of(text[1]);
	low = hex_of(text[2]);
	if (high < 0 || low < 0)
		return 0;
	*ret_byte = (char)(high * 16 + low);
	return 3;
}

static bool decode(const char *text, size_t len, char ret_text[QUERY_TEXT_MAX + 1])
{
	size_t n = 0;

	while (len) {
		char byte;
		size_t taken = decode_byte(text, len, &byte);

		if (!taken || byte < ' ' || byte > '~' || n == QUERY_TEXT_MAX)
			return false;
		ret_text[n++] = byte;
		text += taken;
		len -= taken;
	}
	ret_text[n] = '\0';
	return true;
}

static bool is_allowed(const char *key, const char *const *allowed)
{
	for (; *allowed; allowed++)
		if (strcmp(*allowed, key) == 0)
			return true;
	return false;
}

static int refuse(char why[QUERY_WHY_MAX], const char *key, const char *what)
{
	snprintf(why, QUERY_WHY_MAX, "the query%s%s%s %s", *key ? " '" : "", key, *key ? "'" : "",
		 what);
	return -EINVAL;
}

static int take_pair(const char *text, size_t len, const char *const *allowed, struct query *q,
		     char why[QUERY_WHY_MAX])
{
	size_t key_len = strcspn(text, "=&");
	char *key = q->pairs[q->n].key;
	char *value = q->pairs[q->n].value;

	if (key_len > len)
		key_len = len;
	*value = '\0';
	if (!decode(text, key_len, key) ||
	    (key_len < len && !decode(text + key_len + 1, len - key_len - 1, value)))
		return refuse(why, "", "is too long, or has what is no printable byte");
	if (strcasecmp(key, "api-version") == 0)
		return 0;
	if (!is_allowed(key, allowed))
		return refuse(why, key, "is not known here");
	if (query_get(q, key))
		return refuse(why, key, "is there twice");
	q->n++;
	return 0;
}

/* The last place is for what is being read: "api-version" takes none for good. */
int query_parse(const char *text, const char *const *allowed, struct query *ret_query,
		char ret_why[QUERY_WHY_MAX])
{
	struct query q = {.n = 0};

	while (text && *text) {
		size_t len = strcspn(text, "&");
		int r = 0;

		if (q.n == QUERY_PAIRS_MAX)
			r = refuse(ret_why, "", "has too many parts");
		else if (len)
			r = take_pair(text, len, allowed, &q, ret_why);
		if (r < 0)
			return r;
		text += len + (text[len] == '&');
	}
	*ret_query = q;
	return 0;
}

const char *query_get(const struct query *q, const char *key)
{
	for (size_t i = 0; i < q->n; i++)
		if (strcmp(q->pairs[i].key, key) == 0)
			return q->pairs[i].value;
	return NULL;
}
