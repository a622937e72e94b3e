/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_YAML_WRITE_H
#define TOOLS_SSTPCTL_YAML_WRITE_H
/* JSON as YAML, which yaml_read() makes the same JSON of again. */
#include <jansson.h>
#include <stdio.h>

/* 0; -EIO: f did not take it, or there is no memory. */
int yaml_write(FILE *f, const json_t *value);

#endif
