/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_H
#define SSTP_BASE_CONF_H
/*
 * A YAML file against a libcyaml schema, with errors that name file, line and what is allowed.
 *
 * libcyaml checks structure and types; conf_load() turns its first complaint into one sentence. What a schema cannot say
 * (prefixes, files, references) the owner of the schema checks afterwards, and words with conf_error(), which finds the
 * line of a value by its path ("vnets[0].pools[1]").
 */
#include <cyaml/cyaml.h>
#include <stddef.h>

enum {
	CONF_ERROR_MAX = 512
};

struct conf_error {
	char text[CONF_ERROR_MAX]; /* "FILE:LINE: sentence", or "FILE: sentence" */
};

/*
 * Loads path into *ret_data (owned: conf_free with the same schema). 0; -ENOENT, -EACCES; -EINVAL with ret_error filled
 * in every case. An unknown key's error lists the keys that are allowed there.
 */
int conf_load(const char *path, const cyaml_schema_value_t *schema, void **ret_data,
	      struct conf_error *ret_error);
void conf_free(const cyaml_schema_value_t *schema, void *data);

/* Fills ret_error with "FILE:LINE: text", the line being that of the value at yaml_path. Always returns -EINVAL. */
int conf_fail(struct conf_error *ret_error, const char *path, const char *yaml_path,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
