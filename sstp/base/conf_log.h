/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_LOG_H
#define SSTP_BASE_CONF_LOG_H
/* The section `log: {level, target}`, the same in every daemon's file and on every command line. */
#include <stdint.h>
#include <stdio.h>

#include "sstp/base/conf.h"
#include "sstp/base/log.h"

struct conf_log {
	enum log_level level;
	enum log_target target;
};

/* As loaded: NULL where the key is absent. */
struct conf_log_raw {
	int32_t *level;
	int32_t *target;
};

extern const cyaml_schema_field_t conf_log_fields[];
extern const cyaml_strval_t conf_log_levels[4];
extern const cyaml_strval_t conf_log_targets[2];

/* With the defaults (info, stderr) where keys are absent. */
struct conf_log conf_log_resolve(const struct conf_log_raw *raw);

/* Prints the section as YAML. */
void conf_log_print(FILE *f, const struct conf_log *log);

#endif
