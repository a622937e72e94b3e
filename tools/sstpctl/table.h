/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_TABLE_H
#define TOOLS_SSTPCTL_TABLE_H
/* JSON for people: a list as a table or as CSV, an object as lines of a title and its value. */
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

enum format {
	FORMAT_PLAIN,	     /* lists with commas between; yes and no; "-" for what is not there */
	FORMAT_SUBSCRIPTION, /* of a resource's id */
	FORMAT_GROUP,
	FORMAT_VNET,	/* of a gateway's id */
	FORMAT_NETWORK, /* of the id of what belongs to a connection: the VNet */
	FORMAT_LAST,	/* of an id: the name at its end */
	FORMAT_BYTES,	/* 1.5 MB; 1024 of each in the next */
	FORMAT_SECONDS, /* 1d 2h, 3m 4s */
	FORMAT_FILTER,	/* permit 10.0.0.0/8 ge 16 le 24 */
};

struct column {
	const char *title;
	const char *path; /* "properties.state"; "a|b" shows both with a slash between */
	enum format format;
};

/*
 * Prints a line of titles and one for each object of list, columns as wide as what is in them; only
 * the titles when it is empty; `indent` blanks in front. Of a list in a cell the first entries show. What
 * is not printable ASCII shows as '?'.
 */
void table_print(FILE *f, int indent, const struct column *columns, size_t n, const json_t *list);

/* The same for programs: titles as "auto_sync", values as they are, quoted where need be (RFC 4180, LF). */
void table_print_csv(FILE *f, const struct column *columns, size_t n, const json_t *list);

/* A line for each column of one object, all entries of lists, `indent` blanks in front. */
void table_print_lines(FILE *f, int indent, const struct column *columns, size_t n,
		       const json_t *object);

/* Each key of object, in its order, with its value; null shows as "-". */
void table_print_object(FILE *f, const json_t *object);

/* The cell of one object, in buf; what is longer is cut. Returns buf. */
const char *table_text(const struct column *column, const json_t *object, char *buf, size_t size);

/* What a path leads to; NULL: it is not there, or null. Returns borrowed. */
json_t *table_value(const json_t *object, const char *path, size_t len);

#endif
