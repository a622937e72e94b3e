/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_RESOURCE_H
#define SSTP_CONTROL_RESOURCE_H
/*
 * What a kind of resource is, as tables: the fields that its JSON has, the statements that read and
 * write its rows, and the rules that a change has to keep. The names, refusals and texts are those of
 * the original's management API.
 *
 * A body is checked against the fields before anything of it is used: an unknown key, another type,
 * a text or a list over its limit is refused with the key's name. Keys that can only be read are taken
 * and ignored, and null is what is not there, so that what GET gave can be PUT back. A list that has
 * no fallback must not be empty.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	RESOURCE_WHY_MAX = 512,
};

enum resource_type {
	RESOURCE_TEXT,
	RESOURCE_BOOL,
	RESOURCE_NUMBER,    /* whole, not negative */
	RESOURCE_TEXTS,	    /* a list of texts */
	RESOURCE_OBJECTS,   /* a list of objects; the kind's check looks into them */
	RESOURCE_READ_ONLY, /* whatever it is */
};

struct resource_field {
	const char *path; /* "properties.reserved" */
	enum resource_type type;
	const char *name;     /* by which statements know it: :body ->> 'name' */
	const char *fallback; /* JSON; NULL: it must be given */
	unsigned
		max; /* bytes of a text; a number; how many in a list, texts of RESOURCE_ITEM_MAX bytes */
	const char *const *allowed; /* texts, the last one NULL; NULL: any */
	/* What is wrong with a text, a sentence that follows "'path' "; NULL: nothing. */
	const char *(*check)(const char *text);
};

enum {
	RESOURCE_ITEM_MAX = 253 /* a domain */
};

/*
 * What a change must not do: a statement whose rows are refusals, column 0 the sentence. It sees the
 * names of the path (":plan", ":app"...), ":body" and ":strict", and what temp.touched holds.
 */
struct resource_rule {
	int status;
	const char *sql; /* NULL: the table's end */
};

struct resource_kind {
	const char *name;
	const struct resource_field *fields;
	size_t n_fields;
	/* Looks at several fields at once, or into one: 0, or -EINVAL; body holds the fields by name. */
	int (*check)(const json_t *body, char ret_why[RESOURCE_WHY_MAX]);
	const char *check_text; /* stands before each sentence about the body; NULL: nothing */
	bool is_bare;		/* has not what every resource shows of itself: id, name, etag... */

	const char *view;   /* a script for the start: views that the statements below use */
	const char *get;    /* JSON, and the version; no row: it is not there */
	const char *insert; /* keys only; NULL: it is there with what it belongs to, or not */
	const char *update; /* the rest, out of ":body", and version = :revision */
	const char *remove;
	const char *touch; /* fills temp.touched; NULL: no connection has to do with it */

	const char *missing;	    /* it is not there */
	const char *missing_update; /* the same, to PATCH; NULL: missing */
	const char *missing_remove; /* the same, to DELETE; NULL: missing */
	const char *taken;	    /* the name is another one's */

	/* none of them: NULL */
	const struct resource_rule *before_write;
	const struct resource_rule *before_remove;
	const struct resource_rule *after_write;
	/* Without names: about all of temp.touched, or all there is; many changes ask them once. */
	const struct resource_rule *after_all;
};

/* An object, or refused. 0; -EINVAL with the sentence in ret_why. */
int resource_check(const struct resource_kind *kind, const json_t *body,
		   char ret_why[RESOURCE_WHY_MAX]);

/*
 * The fields by name: of body, which was checked; what it leaves out is of old (what GET shows; NULL:
 * none), or the fallback. 0 with an owned object; -EINVAL: one that must be given is not, or what the
 * kind's check says; -ENOMEM.
 */
int resource_read(const struct resource_kind *kind, const json_t *body, const json_t *old,
		  json_t **ret_fields, char ret_why[RESOURCE_WHY_MAX]);

#endif
