/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_MULTIPART_H
#define SSTP_WORKER_MULTIPART_H
/*
 * The parts of a "multipart/mixed" body (RFC 2046 section 5.1), as EST replies may have it (RFC
 * 7030 section 4.2.3 and RFC 8951): one level, each part with its Content-Type.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	MULTIPART_PARTS_MAX = 8,
	MULTIPART_BOUNDARY_MAX = 70, /* bytes, RFC 2046 */
};

struct multipart_part {
	const char *type; /* value of Content-Type, without blanks around it; "": none */
	size_t type_len;
	const char *body; /* without the line break before the next delimiter */
	size_t len;
};

/* A media type without its parameters is `name`; case does not count. type needs no NUL. */
bool multipart_is_type(const char *type, size_t len, const char *name);

/*
 * Cuts body, whose Content-Type is type (NUL-terminated), into parts that lie in it (borrowed).
 * Returns how many, 1 or more; -EBADMSG: another type, no boundary or a wrong one, a part without
 * its end, more than MULTIPART_PARTS_MAX.
 */
int multipart_parse(const char *type, const char *body, size_t len,
		    struct multipart_part ret_parts[MULTIPART_PARTS_MAX]);

#endif
