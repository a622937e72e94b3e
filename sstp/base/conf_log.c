/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf_log.h"

const cyaml_strval_t conf_log_levels[4] = {
	{"error", LOG_LEVEL_ERROR},
	{"warning", LOG_LEVEL_WARNING},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
};

const cyaml_strval_t conf_log_targets[2] = {
	{"stderr", LOG_TARGET_STDERR},
	{"journal", LOG_TARGET_JOURNAL},
};

const cyaml_schema_field_t conf_log_fields[] = {
	CONF_FIELD_ENUM("level", CYAML_FLAG_OPTIONAL, struct conf_log_raw, level, conf_log_levels),
	CONF_FIELD_ENUM("target", CYAML_FLAG_OPTIONAL, struct conf_log_raw, target,
			conf_log_targets),
	CYAML_FIELD_END,
};

struct conf_log conf_log_resolve(const struct conf_log_raw *raw)
{
	struct conf_log log = {.level = LOG_LEVEL_INFO, .target = LOG_TARGET_STDERR};

	if (raw->level)
		log.level = (enum log_level)raw->level[0];
	if (raw->target)
		log.target = (enum log_target)raw->target[0];
	return log;
}

static const char *word_of(const cyaml_strval_t *words, size_t n, int64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].val == value)
			return words[i].str;
	return "";
}

void conf_log_print(FILE *f, const struct conf_log *log)
{
	fprintf(f, "log:\n  level: %s\n  target: %s\n",
		word_of(conf_log_levels, CYAML_ARRAY_LEN(conf_log_levels), log->level),
		word_of(conf_log_targets, CYAML_ARRAY_LEN(conf_log_targets), log->target));
}
