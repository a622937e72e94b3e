/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_CALL_H
#define TOOLS_SSTPCTL_CALL_H
/*
 * The command line: a noun, a verb, and for some verbs an argument; options stand anywhere among them.
 *
 *   sstpctl --json cert list
 *   sstpctl cert revoke THUMBPRINT --foreign --socket PATH
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
};

struct call;

struct verb {
	const char *noun;
	const char *verb;
	/* what stands for it in help; NULL: none. A verb that takes --app has either of them. */
	const char *argument;
	const char
		*options; /* that it takes beside the common ones, as letters of call.c's table */
	const char *help;
	int (*run)(const struct call *c); /* returns an exit code */
};

/* What the command line says; borrows from it. */
struct call {
	const struct verb *verb;
	const char *socket;
	const char *app;
	const char *vnet;
	const char *gateway;
	const char *name;
	const char *argument;
	int64_t lifetime_s; /* 0: not given */
	bool json;
	bool foreign;
};

/*
 * Reads it for n verbs, and changes the order of argv. -1 with a call; or all is done (help, a mistake, which is
 * complained about on standard error), and it is the exit code.
 */
int call_parse(const struct verb *verbs, size_t n, int argc, char **argv, struct call *ret_call);

/* Complains on standard error. Returns code. */
int call_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
