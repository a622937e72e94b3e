/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PATH_H
#define SSTP_CONTROL_PATH_H
/* Paths of a request against patterns: "/v1/sessions/:id". Literal parts are compared without case. */
#include <stdbool.h>
#include <stddef.h>

enum {
	PATH_NAMES_MAX = 6,
	PATH_NAME_MAX = 64, /* bytes */
};

/* What stands for the ":name" parts, in their order. */
struct path_names {
	size_t n;
	char texts[PATH_NAMES_MAX][PATH_NAME_MAX + 1];
};

/* A name has 1..PATH_NAME_MAX bytes. False leaves ret_names undefined. */
bool path_match(const char *pattern, const char *path, struct path_names *ret_names);

#endif
