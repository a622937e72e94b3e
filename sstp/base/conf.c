/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sstp/base/conf_check.h"
#include "sstp/base/conf_doc.h"

const cyaml_strval_t conf_bools[2] = {{"false", false}, {"true", true}};

/* Silent: its messages would quote passwords, and conf_check() has said what is to say. */
static const cyaml_config_t decoder = {
	.mem_fn = cyaml_mem,
	.flags = CYAML_CFG_NO_ALIAS,
};

static int decode(const struct conf_doc *doc, const char *path, const cyaml_schema_value_t *schema,
		  void **ret_data, struct conf_error *e)
{
	cyaml_err_t error = cyaml_load_data(doc->bytes, doc->len, &decoder, schema, ret_data, NULL);

	if (error == CYAML_OK)
		return 0;
	conf_fail_plain(e, "%s: cannot be decoded: %s", path, cyaml_strerror(error));
	return error == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
}

int conf_load_text(const struct conf_text *text, const cyaml_schema_value_t *schema,
		   void **ret_data, struct conf_error *ret_error)
{
	struct conf_doc doc;
	int r = conf_doc_load(&doc, text, ret_error);

	if (!r)
		r = conf_check(&doc, text->path, schema, ret_error);
	if (!r)
		r = decode(&doc, text->path, schema, ret_data, ret_error);
	conf_doc_done(&doc);
	return r;
}

int conf_load(const char *path, const cyaml_schema_value_t *schema, void **ret_data,
	      struct conf_error *ret_error)
{
	return conf_load_text(&(struct conf_text){.path = path}, schema, ret_data, ret_error);
}

void conf_free(const cyaml_schema_value_t *schema, void *data)
{
	cyaml_free(&decoder, schema, data, 0);
}

/* 0 when the file has gone or changed so much that there is no such line. */
static size_t line_at(const struct conf_text *text, const char *yaml_path)
{
	struct conf_error ignored;
	struct conf_doc doc;
	size_t line = 0;

	if (conf_doc_load(&doc, text, &ignored) == 0)
		line = conf_doc_line_at(&doc, yaml_path);
	conf_doc_done(&doc);
	return line;
}

/* Values are quoted in errors, and a value can hold line breaks: an error stays one line. */
static void keep_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

int conf_vfail_text(struct conf_error *ret_error, const struct conf_text *text,
		    const char *yaml_path, const char *fmt, va_list ap)
{
	size_t line = *yaml_path ? line_at(text, yaml_path) : 0;
	size_t size = sizeof(ret_error->text);
	int len;

	if (line)
		len = snprintf(ret_error->text, size, "%s:%zu: ", text->path, line);
	else
		len = snprintf(ret_error->text, size, "%s: ", text->path);
	if (len > 0 && (size_t)len < size)
		vsnprintf(ret_error->text + len, size - (size_t)len, fmt, ap);
	keep_one_line(ret_error->text);
	return -EINVAL;
}

int conf_fail(struct conf_error *ret_error, const char *path, const char *yaml_path,
	      const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = conf_vfail_text(ret_error, &(struct conf_text){.path = path}, yaml_path, fmt, ap);
	va_end(ap);
	return r;
}

int conf_fail_plain(struct conf_error *ret_error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ret_error->text, sizeof(ret_error->text), fmt, ap);
	va_end(ap);
	keep_one_line(ret_error->text);
	return -EINVAL;
}
