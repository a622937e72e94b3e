/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_VIEW_H
#define TOOLS_SSTPCTL_VIEW_H
/* How an answer is shown: in JSON or YAML as it is, otherwise as the view says. */
#include <jansson.h>

#include "tools/sstpctl/call.h"
#include "tools/sstpctl/table.h"

enum view_shape {
	VIEW_TABLE,    /* of {"value": [...]}, or of a bare array; also as CSV */
	VIEW_LINES,    /* one object: its columns, or all of its keys when there are none */
	VIEW_SENTENCE, /* what has been done */
	VIEW_OWN,
};

struct view {
	enum view_shape shape;
	const struct column *columns;
	size_t n;
	bool is_bare;	      /* the list has nothing around it */
	bool hides_empty;     /* columns in which no row has anything do not show in the table */
	const char *sentence; /* "app {APP} is gone": a word in braces is call_word()'s */
	int (*print)(struct call *c, const json_t *answer); /* VIEW_OWN; returns an exit code */
};

#define VIEW_COLUMNS(list) .columns = list, .n = sizeof(list) / sizeof((list)[0])

/* Returns an exit code. */
int view_print(struct call *c, const json_t *answer);

/* Of a view that has no such shape: -1, or the exit code of the complaint. */
int view_check(const struct call *c);

/* Complains about an answer in which something has to be, and is not. Returns the exit code. */
int view_fail_without(const char *key);

#endif
