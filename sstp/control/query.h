/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_QUERY_H
#define SSTP_CONTROL_QUERY_H
/*
 * The part of a request's target behind "?": KEY=VALUE, separated by "&", bytes as %XX and a blank as
 * "+". A key that stands there alone has the value "". "api-version" is the original's, and left out.
 *
 * Limits: QUERY_PAIRS_MAX pairs, QUERY_TEXT_MAX bytes of a key or a value, printable ASCII only.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	QUERY_PAIRS_MAX = 16,
	QUERY_TEXT_MAX = 127,
	QUERY_WHY_MAX = 256,
};

struct query {
	size_t n;
	struct {
		char key[QUERY_TEXT_MAX + 1];
		char value[QUERY_TEXT_MAX + 1];
	} pairs[QUERY_PAIRS_MAX];
};

/*
 * text: as it came, NULL: there is none; allowed: keys, the last one NULL. 0; -EINVAL with a sentence: a
 * key that is not allowed or stands twice, a limit, what is no byte.
 */
int query_parse(const char *text, const char *const *allowed, struct query *ret_query,
		char ret_why[QUERY_WHY_MAX]);

/* Returns borrowed; NULL: it is not there. */
const char *query_get(const struct query *q, const char *key);

#endif
