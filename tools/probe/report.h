/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_PROBE_REPORT_H
#define TOOLS_PROBE_REPORT_H
/* What was found, line by line, for people and as JSON. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "certs/windows.h"

enum {
	REPORT_LINES_MAX = 64, /* what is more is left out, but counts */
};

struct report_line {
	const char *check; /* static */
	struct windows_finding finding;
	const char *event; /* what Windows logs where it has no code, static; NULL: see the code */
};

struct report {
	struct report_line lines[REPORT_LINES_MAX];
	size_t n;
	bool is_bad;	   /* Windows would not connect */
	uint32_t code;	   /* that it would show: of the first that is bad; 0: none */
	const char *event; /* the same */
};

/* Adds a line; check, advice and event are static, advice and event may be NULL. */
__attribute__((format(printf, 7, 8))) void report_add(struct report *r, const char *check,
						      enum windows_verdict verdict, uint32_t code,
						      const char *event, const char *advice,
						      const char *fmt, ...);

/* The same from a judge; finding is copied. */
void report_finding(struct report *r, const char *check, const struct windows_finding *finding);

/* target: as it was asked. */
void report_print(const struct report *r, const char *target, FILE *f);

/* Returns owned; NULL: out of memory. */
json_t *report_json(const struct report *r, const char *target);

#endif
