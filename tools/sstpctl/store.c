/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of the gateway's store, and what takes long. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"

const struct body_field backup_body[] = {{"KEEP", "keep", BODY_NUMBER}, {0}};

static int print_backup(struct call *c, const json_t *answer)
{
	const char *name = json_string_value(json_object_get(answer, "name"));

	if (!name)
		return view_fail_without("name");
	printf("copied to backups/%s in the gateway's state folder\n", name);
	return 0;
}

const struct view backup_view = {.shape = VIEW_OWN, .print = print_backup};

static const struct column backup_columns[] = {
	{"NAME", "name", FORMAT_PLAIN},
	{"SIZE", "bytes", FORMAT_BYTES},
	{"CREATED", "created", FORMAT_PLAIN},
};

const struct view backup_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(backup_columns)};

static const struct column operation_columns[] = {
	{"ID", "id", FORMAT_PLAIN},
	{"KIND", "kind", FORMAT_PLAIN},
	{"STATUS", "status", FORMAT_PLAIN},
	{"DONE", "done|total", FORMAT_PLAIN},
	{"STARTED", "started", FORMAT_PLAIN},
	{"ENDED", "ended", FORMAT_PLAIN},
	{"RESULT", "result.name", FORMAT_PLAIN},
	{"MESSAGE", "message", FORMAT_PLAIN},
};

const struct view operation_list_view = {
	.shape = VIEW_TABLE, .hides_empty = true, VIEW_COLUMNS(operation_columns)};
