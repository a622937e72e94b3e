/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_CALL_H
#define TOOLS_SSTPCTL_CALL_H
/*
 * The command line: a noun, a verb, and its arguments; options stand anywhere among them. A few nouns
 * have no verb.
 *
 *   sstpctl --json cert list
 *   sstpctl cert revoke THUMBPRINT --foreign --socket PATH
 *   sstpctl apply --file site.yaml
 */
#include <stdbool.h>
#include <stddef.h>

#include "tools/sstpctl/option.h"

enum {
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,

	CALL_ARGUMENTS_MAX = 4,
};

enum output {
	OUTPUT_TABLE,
	OUTPUT_JSON,
	OUTPUT_YAML,
	OUTPUT_CSV,
};

struct call;
struct body_field;
struct client;
struct view;

/* What can be said, a row of the table (verbs.c): what is asked for, with what, and what is shown of it. */
struct verb {
	const char *noun;
	const char *verb;      /* NULL: the noun stands alone */
	const char *arguments; /* "PLAN VNET [ROUTE]"; what a word names is what it is called by */
	const char *options;   /* beside the common ones, by name; "tier!" has to be given */
	const char *help;
	const char *method;
	const char *path;	       /* request.h */
	const struct body_field *body; /* body.h; NULL: none */
	const struct view *view;       /* view.h */
	int (*run)(struct call *c);    /* in place of that one request; returns an exit code */
};

struct verb_table {
	const struct verb *verbs;
	size_t n;
	/* What is looked for in the wrong place: the verb's help says where it is; ends with NULL. */
	const struct verb *elsewhere;
};

/* What the command line says; borrows from it. */
struct call {
	const struct verb *verb;
	const char *arguments[CALL_ARGUMENTS_MAX]; /* NULL: not given */
	const char *options[OPTION_COUNT];	   /* NULL: not given; "" of a switch */
	enum output output;
	const struct verb_table *table;
	struct client **client; /* *client is NULL before the first request */
};

/*
 * Reads it, and changes the order of argv. -1 with a call; or all is done (help, a mistake, which is
 * complained about on standard error), and it is the exit code.
 */
int call_parse(const struct verb_table *table, int argc, char **argv, struct call *ret_call);

/* What the environment says in place of options that are not given. */
void call_take_environment(struct call *c);

/* The verb that the two name, the second may be NULL; NULL: there is none. */
const struct verb *call_find_verb(const struct verb_table *table, const char *noun,
				  const char *verb);
bool call_has_noun(const struct verb_table *table, const char *noun);

/* What stands for the argument of this name ("PLAN"), or the option ("--plan"); NULL: nothing. */
const char *call_word(const struct call *c, const char *name, size_t len);

/*
 * The i-th argument of a list like "PLAN [VNET]": its name, without brackets, and whether it may be left
 * out. NULL: there are not so many. Returns borrowed.
 */
const char *call_argument(const char *arguments, size_t i, size_t *ret_len, bool *ret_is_optional);

/* Complains on standard error. Returns code. */
int call_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
