/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_TABLE_H
#define TOOLS_SSTPCTL_TABLE_H
/* JSON for people: a list as a table, an object as lines of a key and its value. */
#include <jansson.h>
#include <stdio.h>

struct column {
	const char *title;
	const char *key;
};

/*
 * Prints a line of titles and one for each object of list, columns as wide as what is in them; only
 * the titles when it is empty. What is not printable ASCII shows as '?'.
 */
void table_print(FILE *f, const struct column *columns, size_t n, const json_t *list);

/* Each key of object, in its order, with its value; null shows as "-". */
void table_print_object(FILE *f, const json_t *object);

#endif
