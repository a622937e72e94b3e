/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/resource.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sstp/base/log.h"

enum {
	PATH_BYTES = 160,
	SHOWN_MAX = 100,
};

/* One body on its way. */
struct visit {
	const struct resource_kind *kind;
	char *why;
};

static int refuse(const struct visit *v, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct visit *v, const char *path, const char *fmt, ...)
{
	const char *head = v->kind->check_text;
	char shown[SHOWN_MAX];
	char text[RESOURCE_WHY_MAX / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(v->why, RESOURCE_WHY_MAX, "%s%s'%s' %s", head ? head : "", head ? " " : "",
		 log_escape(shown, sizeof(shown), path, strlen(path)), text);
	return -EINVAL;
}

/* ---- one value ---- */

static bool is_allowed(const char *const *allowed, const char *text)
{
	for (; *allowed; allowed++)
		if (strcmp(*allowed, text) == 0)
			return true;
	return false;
}

static const char *list_allowed(const char *const *allowed, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (; *allowed && len < size; allowed++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", *allowed);
	return buf;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static int check_text(const struct visit *v, const struct resource_field *f, const char *text,
		      size_t max)
{
	char allowed[RESOURCE_WHY_MAX / 2 - 32];
	const char *wrong;

	if (strlen(text) > max)
		return refuse(v, f->path, "is longer than %zu bytes", max);
	if (!is_printable(text))
		return refuse(v, f->path, "must be printable ASCII");
	if (f->allowed && !is_allowed(f->allowed, text))
		return refuse(v, f->path, "must be one of: %s",
			      list_allowed(f->allowed, allowed, sizeof(allowed)));
	wrong = f->check ? f->check(text) : NULL;
	return wrong ? refuse(v, f->path, "%s", wrong) : 0;
}

static int check_texts(const struct visit *v, const struct resource_field *f, const json_t *list)
{
	size_t i;
	const json_t *item;

	if (json_array_size(list) > f->max)
		return refuse(v, f->path, "has more than %u entries", f->max);
	if (!f->fallback && !json_array_size(list))
		return refuse(v, f->path, "is empty");
	json_array_foreach(list, i, item)
	{
		int r = json_is_string(item)
				? check_text(v, f, json_string_value(item), RESOURCE_ITEM_MAX)
				: refuse(v, f->path, "must be a list of texts");

		if (r < 0)
			return r;
	}
	return 0;
}

static int check_number(const struct visit *v, const struct resource_field *f, const json_t *value)
{
	json_int_t number = json_integer_value(value);

	return json_is_integer(value) && number >= 0 && number <= f->max
		       ? 0
		       : refuse(v, f->path, "must be a whole number from 0 to %u", f->max);
}

static int check_objects(const struct visit *v, const struct resource_field *f, const json_t *list)
{
	size_t i;
	const json_t *item;

	if (json_array_size(list) > f->max)
		return refuse(v, f->path, "has more than %u entries", f->max);
	json_array_foreach(list, i, item)
	{
		if (!json_is_object(item))
			return refuse(v, f->path, "must be a list of objects");
	}
	return 0;
}

static int check_value(const struct visit *v, const struct resource_field *f, const json_t *value)
{
	switch (f->type) {
	case RESOURCE_READ_ONLY: return 0;
	case RESOURCE_BOOL:
		return json_is_boolean(value) ? 0 : refuse(v, f->path, "must be true or false");
	case RESOURCE_TEXT:
		return json_is_string(value) ? check_text(v, f, json_string_value(value), f->max)
					     : refuse(v, f->path, "must be a text");
	case RESOURCE_NUMBER: return check_number(v, f, value);
	case RESOURCE_TEXTS:
		return json_is_array(value) ? check_texts(v, f, value)
					    : refuse(v, f->path, "must be a list of texts");
	case RESOURCE_OBJECTS:
		return json_is_array(value) ? check_objects(v, f, value)
					    : refuse(v, f->path, "must be a list of objects");
	}
	return -EINVAL;
}

/* ---- the whole body ---- */

static const struct resource_field *find_field(const struct resource_kind *kind, const char *path)
{
	/* what every resource shows of itself */
	static const struct resource_field common[] = {
		{.path = "id", .type = RESOURCE_READ_ONLY},
		{.path = "name", .type = RESOURCE_READ_ONLY},
		{.path = "type", .type = RESOURCE_READ_ONLY},
		{.path = "kind", .type = RESOURCE_READ_ONLY},
		{.path = "etag", .type = RESOURCE_READ_ONLY},
	};

	for (size_t i = 0; !kind->is_bare && i < sizeof(common) / sizeof(common[0]); i++)
		if (strcmp(common[i].path, path) == 0)
			return &common[i];
	for (size_t i = 0; i < kind->n_fields; i++)
		if (strcmp(kind->fields[i].path, path) == 0)
			return &kind->fields[i];
	return NULL;
}

/* Some field's path goes on behind this one. */
static bool is_inner(const struct resource_kind *kind, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < kind->n_fields; i++)
		if (strncmp(kind->fields[i].path, path, len) == 0 &&
		    kind->fields[i].path[len] == '.')
			return true;
	return false;
}

static int check_object(const struct visit *v, const json_t *object, const char *above)
{
	char path[PATH_BYTES];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		int n = snprintf(path, sizeof(path), "%s%s%s", above, *above ? "." : "", key);
		bool fits = (size_t)n < sizeof(path) && !strchr(key, '.');
		const struct resource_field *f = fits ? find_field(v->kind, path) : NULL;
		bool inner = fits && !f && is_inner(v->kind, path);
		int r = 0;

		if (!f && !inner)
			return refuse(v, path, "is not known here");
		if (json_is_null(value))
			continue;
		if (f)
			r = check_value(v, f, value);
		else if (json_is_object(value))
			r = check_object(v, value, path); /* as deep as paths have dots */
		else
			r = refuse(v, path, "must be an object");
		if (r < 0)
			return r;
	}
	return 0;
}

int resource_check(const struct resource_kind *kind, const json_t *body,
		   char ret_why[RESOURCE_WHY_MAX])
{
	const struct visit v = {.kind = kind, .why = ret_why};

	return check_object(&v, body, "");
}

/* ---- fields by name ---- */

/* Returns borrowed, or NULL: it is not there, or null. */
static json_t *look_up(const json_t *object, const char *path)
{
	char key[PATH_BYTES];
	json_t *value = (json_t *)object;

	while (value && *path) {
		size_t len = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)len, path);
		value = json_object_get(value, key);
		path += len + (path[len] == '.');
	}
	return json_is_null(value) ? NULL : value;
}

/* Owned; NULL: there is none, or no memory. */
static json_t *value_of(const struct resource_field *f, const json_t *body, const json_t *old)
{
	json_t *value = look_up(body, f->path);

	if (!value)
		value = look_up(old, f->path);
	if (value)
		return json_incref(value);
	return f->fallback ? json_loads(f->fallback, JSON_DECODE_ANY, NULL) : NULL;
}

int resource_read(const struct resource_kind *kind, const json_t *body, const json_t *old,
		  json_t **ret_fields, char ret_why[RESOURCE_WHY_MAX])
{
	const struct visit v = {.kind = kind, .why = ret_why};
	json_t *fields = json_object();
	char wrong[RESOURCE_WHY_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < kind->n_fields; i++) {
		const struct resource_field *f = &kind->fields[i];
		json_t *value;

		if (f->type == RESOURCE_READ_ONLY)
			continue;
		value = value_of(f, body, old);
		if (!value)
			r = refuse(&v, f->path, "is missing");
		else if (json_object_set_new(fields, f->name, value) < 0)
			r = -ENOMEM;
	}
	if (r == 0 && kind->check && kind->check(fields, wrong) < 0) {
		snprintf(ret_why, RESOURCE_WHY_MAX, "%s%s%.300s",
			 kind->check_text ? kind->check_text : "", kind->check_text ? " " : "",
			 wrong);
		r = -EINVAL;
	}
	if (r == 0)
		*ret_fields = fields;
	else
		json_decref(fields);
	return r;
}
