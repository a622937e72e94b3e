/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_YAML_READ_H
#define TOOLS_SSTPCTL_YAML_READ_H
/*
 * YAML to JSON. JSON is YAML too, so one reader does for both.
 *
 * One document, at most YAML_FILE_MAX bytes and YAML_DEPTH_MAX levels deep. Aliases, anchors and tags
 * are refused, and a key that is given twice. An unquoted null, ~ or nothing is null; true and false
 * are booleans; whole numbers and decimal fractions are numbers; everything else is a text, so also
 * yes and no, addresses and dates.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	YAML_ERROR_MAX = 512,
	YAML_FILE_MAX = 32 << 20, /* bytes: a hundred thousand routes are 8 MB */
	YAML_DEPTH_MAX = 32,
};

/*
 * 0 with an owned value; -EINVAL with a sentence that begins "NAME:LINE:COLUMN: "; -ENOMEM. name is
 * what the text is called in it.
 */
int yaml_read(const char *name, const char *text, size_t len, json_t **ret_value,
	      char ret_error[YAML_ERROR_MAX]);

/*
 * Where the value at a path like "a[0].b" stands, or the nearest thing around it; counted from 1. False
 * for a text that yaml_read() refuses, and for an empty path.
 */
bool yaml_find(const char *text, size_t len, const char *path, size_t *ret_line,
	       size_t *ret_column);

/* Whether the word, unquoted, would be read as this very text. */
bool yaml_is_plain_text(const char *word);

#endif
