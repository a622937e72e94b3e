/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/path.h"

#include <string.h>
#include <strings.h>

/* One part of both, without its slash. */
static bool take_part(const char *pattern, size_t pattern_len, const char *path, size_t len,
		      struct path_names *names)
{
	char *text;

	if (*pattern != ':')
		return len == pattern_len && strncasecmp(pattern, path, len) == 0;
	if (len == 0 || len > PATH_NAME_MAX || names->n == PATH_NAMES_MAX)
		return false;
	text = names->texts[names->n++];
	memcpy(text, path, len);
	text[len] = '\0';
	return true;
}

bool path_match(const char *pattern, const char *path, struct path_names *ret_names)
{
	ret_names->n = 0;
	while (*pattern == '/' && *path == '/') {
		size_t pattern_len = strcspn(++pattern, "/");
		size_t len = strcspn(++path, "/");

		if (!take_part(pattern, pattern_len, path, len, ret_names))
			return false;
		pattern += pattern_len;
		path += len;
	}
	return !*pattern && !*path;
}
