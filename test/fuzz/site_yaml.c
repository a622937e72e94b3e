/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_read() on any bytes: an error in one line that begins with its place, or a value that is written
 * and read again as what it was. yaml_find() finds something in what could be read.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/yaml_read.h"
#include "tools/sstpctl/yaml_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const char *error)
{
	check(strncmp(error, "f:", 2) == 0 && error[2] >= '1' && error[2] <= '9');
	for (; *error; error++)
		check(*error >= ' ' && *error <= '~');
}

static void check_written(const json_t *value)
{
	char error[YAML_ERROR_MAX];
	json_t *again = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	check(f && yaml_write(f, value) == 0 && fclose(f) == 0);
	check(yaml_read("f", text, len, &again, error) == 0);
	check(json_equal(value, again));
	json_decref(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	char error[YAML_ERROR_MAX] = "";
	size_t line = 0, column = 0;
	json_t *value = NULL;

	if (yaml_read("f", text, size, &value, error) < 0) {
		check(!value);
		check_error(error);
		check(!yaml_find(text, size, "subscriptions[0].name", &line, &column));
		return 0;
	}
	check_written(value);
	check(yaml_find(text, size, "subscriptions[0].name", &line, &column) && line && column);
	json_decref(value);
	return 0;
}
