/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_BODY_H
#define TOOLS_SSTPCTL_BODY_H
/* A request's body, made of what the command line says as a table tells. */
#include <jansson.h>

#include "tools/sstpctl/call.h"

enum body_type {
	BODY_TEXT,
	BODY_TEXTS,   /* with commas between; "" is an empty list */
	BODY_SWITCH,  /* on or off */
	BODY_GIVEN,   /* true when the option is */
	BODY_LINUX,   /* linux is true, windows false */
	BODY_SECONDS, /* 15m */
	BODY_NUMBER,  /* whole, in digits */
	BODY_FILTERS, /* "permit 10.0.0.0/8 ge 16 le 24", with commas between; "" is an empty list */
	BODY_PEM,     /* what is in a file; "-" is standard input */
	BODY_PLAN,    /* a plan's id, of its name */
};

struct body_field {
	const char *word; /* "TIER": what call_word() finds; NULL: the table's end */
	const char *path; /* "properties.reserved" */
	enum body_type type;
};

/* 0 with an owned object, without what the command line does not say; or an exit code, complained about. */
int body_make(struct call *c, const struct body_field *fields, json_t **ret_body);

#endif
