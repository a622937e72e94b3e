/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_H
#define SSTP_BASE_CONF_H
/*
 * A YAML file against a libcyaml schema, with errors that name file, line and what is allowed.
 *
 * The schema is the only description of the file: conf_load() checks the document against it first,
 * strictly and with the right lines, and then lets libcyaml decode it. (libcyaml's own checks let
 * "12abc" pass as a number, any word as a boolean, and quote passwords in their messages.) What a
 * schema cannot say (prefixes, files, references) the owner of the schema checks afterwards, and
 * words with conf_fail(), which finds the line of a value by its path ("vnets[0].pools[1]").
 *
 * A file is one document, at most CONF_FILE_MAX bytes and CONF_DEPTH_MAX levels deep, without
 * aliases, anchors and tags.
 */
#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONF_ERROR_MAX = 512,
	CONF_FILE_MAX = 1 << 20, /* bytes */
	CONF_DEPTH_MAX = 16,
};

struct conf_error {
	char text[CONF_ERROR_MAX]; /* "FILE:LINE: sentence", or "FILE: sentence" */
};

/*
 * Schema entries that libcyaml has no exact word for. The member is a pointer (NULL: the key is
 * absent), so that a default is the owner's to choose.
 *
 * A whole number of min..max in a uint32_t. libcyaml does not use the union for numbers; the range
 * stands where a string's length would.
 */
#define CONF_FIELD_UINT(_key, _flags, _struct, _member, _min, _max)       \
	{                                                                 \
		.key = _key, .data_offset = offsetof(_struct, _member),   \
		.value = {CYAML_VALUE_UINT((_flags) | CYAML_FLAG_POINTER, \
					   *((_struct *)NULL)->_member),  \
			  .string = {.min = _min, .max = _max}},          \
	}

/* One of a list of words, in an int32_t. */
#define CONF_FIELD_ENUM(_key, _flags, _struct, _member, _words)                            \
	CYAML_FIELD_ENUM_PTR(_key, (_flags) | CYAML_FLAG_STRICT, _struct, _member, _words, \
			     CYAML_ARRAY_LEN(_words))

/* true or false, in a bool. */
#define CONF_FIELD_BOOL(_key, _flags, _struct, _member) \
	CONF_FIELD_ENUM(_key, _flags, _struct, _member, conf_bools)

extern const cyaml_strval_t conf_bools[2];

/* A file of which somebody else may have read the bytes, borrowed; NULL: they are in the file. */
struct conf_text {
	const char *path; /* what errors call it */
	const char *bytes;
	size_t len;
};

/*
 * The bytes of a file, owned, within the limit; they may hold passwords. 0, or -errno as conf_load().
 */
int conf_read(const char *path, char **ret_bytes, size_t *ret_len, struct conf_error *ret_error);

/* As conf_load(); with bytes, no file is opened. */
int conf_load_text(const struct conf_text *text, const cyaml_schema_value_t *schema,
		   void **ret_data, struct conf_error *ret_error);

/*
 * Loads path into *ret_data (owned: conf_free with the same schema). 0; -ENOENT, -EACCES; -ENOMEM;
 * -EINVAL with ret_error filled in every case. An unknown key's error lists the keys that are
 * allowed there.
 */
int conf_load(const char *path, const cyaml_schema_value_t *schema, void **ret_data,
	      struct conf_error *ret_error);
void conf_free(const cyaml_schema_value_t *schema, void *data);

/*
 * Fills ret_error with "FILE:LINE: text", the line being that of the key (or list entry) at
 * yaml_path, or of the nearest thing around it that is there; an empty yaml_path gives no line.
 * Always returns -EINVAL.
 */
int conf_fail(struct conf_error *ret_error, const char *path, const char *yaml_path,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same, of words that are in ap. */
int conf_vfail_text(struct conf_error *ret_error, const struct conf_text *text,
		    const char *yaml_path, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

/* The same without a file in front, for what did not come out of one. Always returns -EINVAL. */
int conf_fail_plain(struct conf_error *ret_error, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
