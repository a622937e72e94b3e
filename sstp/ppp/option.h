/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_OPTION_H
#define SSTP_PPP_OPTION_H
/*
 * Configuration options: type, length (of the whole option), data (RFC 1661 section 6).
 *
 * The walker advances by at least two bytes or stops. A list with one bad option is bad as a whole:
 * check it with option_check() before acting on any of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/wire.h"

enum {
	OPTION_HEADER = 2,
};

struct option {
	uint8_t type;
	uint8_t len;	     /* of data */
	const uint8_t *data; /* borrowed from the input */
};

/* False at the end of the list and at a bad option; wire_ok(r) tells which. */
bool option_next(struct wire_reader *r, struct option *ret_option);

/* 0; -EBADMSG when an option is shorter than its header or longer than the list. */
int option_check(const uint8_t *list, size_t len);

/* Same type, length and data. */
bool option_equal(const struct option *a, const struct option *b);

void option_put(struct wire_writer *w, uint8_t type, const void *data, uint8_t len);

#endif
