/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/table.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	CELL_MAX = 4096,
	COLUMNS_MAX = 16,
	SHORT_LIST = 3, /* entries that a table's cell shows */
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
};

/* A cell on its way. */
struct cell {
	char text[CELL_MAX];
	size_t len;
};

static void add(struct cell *c, const char *text)
{
	while (*text && c->len < CELL_MAX - 1) {
		c->text[c->len++] = *text >= ' ' && *text <= '~' ? *text : '?';
		text++;
	}
	c->text[c->len] = '\0';
}

/* ---- formats ---- */

/* The part of an id that stands behind this one. */
static void add_part(struct cell *c, const char *id, const char *before)
{
	const char *at = strstr(id, before);
	char part[CELL_MAX];

	if (!at)
		return;
	snprintf(part, sizeof(part), "%s", at + strlen(before));
	part[strcspn(part, "/")] = '\0';
	add(c, part);
}

static void add_bytes(struct cell *c, json_int_t n)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
	double value = (double)n;
	char text[32];
	size_t i = 0;

	for (; value >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		value /= 1024;
	snprintf(text, sizeof(text), i ? "%.1f %s" : "%.0f %s", value, units[i]);
	add(c, text);
}

static void add_seconds(struct cell *c, long long s)
{
	char text[48];

	if (s < MINUTE)
		snprintf(text, sizeof(text), "%llds", s);
	else if (s < HOUR)
		snprintf(text, sizeof(text), "%lldm %llds", s / MINUTE, s % MINUTE);
	else if (s < DAY)
		snprintf(text, sizeof(text), "%lldh %lldm", s / HOUR, s % HOUR / MINUTE);
	else
		snprintf(text, sizeof(text), "%lldd %lldh", s / DAY, s % DAY / HOUR);
	add(c, text);
}

static void add_text(struct cell *c, enum format format, const char *text)
{
	const char *last = strrchr(text, '/');

	switch (format) {
	case FORMAT_SUBSCRIPTION: add_part(c, text, "/subscriptions/"); break;
	case FORMAT_GROUP: add_part(c, text, "/resourceGroups/"); break;
	case FORMAT_VNET: add_part(c, text, "/virtualNetworks/"); break;
	case FORMAT_NETWORK: add_part(c, text, "/virtualNetworkConnections/"); break;
	case FORMAT_LAST: add(c, last ? last + 1 : text); break;
	default: add(c, text);
	}
}

static void add_number(struct cell *c, enum format format, json_int_t n)
{
	char text[32];

	if (format == FORMAT_BYTES) {
		add_bytes(c, n);
	} else if (format == FORMAT_SECONDS) {
		add_seconds(c, n);
	} else {
		snprintf(text, sizeof(text), "%lld", (long long)n);
		add(c, text);
	}
}

static void add_scalar(struct cell *c, enum format format, const json_t *value)
{
	char text[32];

	if (json_is_string(value)) {
		add_text(c, format, json_string_value(value));
	} else if (json_is_integer(value)) {
		add_number(c, format, json_integer_value(value));
	} else if (json_is_real(value)) {
		snprintf(text, sizeof(text), "%.2f", json_real_value(value));
		add(c, text);
	} else if (json_is_boolean(value)) {
		add(c, json_is_true(value) ? "yes" : "no");
	}
}

static void add_filter(struct cell *c, const json_t *filter)
{
	static const char *const keys[] = {"action", "prefix", "ge", "le"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *value = json_object_get(filter, keys[i]);

		if (!value || json_is_null(value))
			continue;
		add(c, i ? " " : "");
		if (json_is_integer(value)) {
			add(c, keys[i]);
			add(c, " ");
		}
		add_scalar(c, FORMAT_PLAIN, value);
	}
}

static void add_list(struct cell *c, enum format format, const json_t *list, size_t max)
{
	size_t i;
	const json_t *item;
	char more[32];

	json_array_foreach(list, i, item)
	{
		if (i == max && json_array_size(list) > max + 1) {
			snprintf(more, sizeof(more), ",+%zu", json_array_size(list) - max);
			add(c, more);
			return;
		}
		add(c, i ? "," : "");
		if (format == FORMAT_FILTER)
			add_filter(c, item);
		else
			add_scalar(c, format, item);
	}
}

/* ---- cells ---- */

json_t *table_value(const json_t *object, const char *path, size_t len)
{
	json_t *value = (json_t *)object;
	char key[64];

	while (value && len > 0) {
		size_t n = 0;

		while (n < len && path[n] != '.')
			n++;
		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		value = json_object_get(value, key);
		n += n < len;
		path += n;
		len -= n;
	}
	return json_is_null(value) ? NULL : value;
}

static void add_path(struct cell *c, const struct column *column, const json_t *row,
		     const char *path, size_t len, size_t max)
{
	const json_t *value = table_value(row, path, len);
	size_t before = c->len;

	if (json_is_array(value))
		add_list(c, column->format, value, max);
	else
		add_scalar(c, column->format, value);
	if (c->len == before)
		add(c, "-");
}

/* max: entries of a list. Returns the text. */
static const char *fill(struct cell *c, const struct column *column, const json_t *row, size_t max)
{
	size_t len = strcspn(column->path, "|");

	c->len = 0;
	c->text[0] = '\0';
	add_path(c, column, row, column->path, len, max);
	if (column->path[len]) {
		add(c, "/");
		add_path(c, column, row, column->path + len + 1, strlen(column->path + len + 1),
			 max);
	}
	return c->text;
}

const char *table_text(const struct column *column, const json_t *object, char *buf, size_t size)
{
	struct cell cell;

	snprintf(buf, size, "%s", fill(&cell, column, object, SHORT_LIST));
	return buf;
}

/* ---- tables ---- */

static size_t width_of(const struct column *c, const json_t *list)
{
	size_t width = strlen(c->title);
	struct cell cell;
	size_t i;
	json_t *row;

	json_array_foreach(list, i, row)
	{
		fill(&cell, c, row, SHORT_LIST);
		width = cell.len > width ? cell.len : width;
	}
	return width;
}

static void print_row(FILE *f, int indent, const struct column *columns, const size_t *widths,
		      size_t n, const json_t *row)
{
	struct cell cell;

	fprintf(f, "%*s", indent, "");
	for (size_t i = 0; i < n; i++) {
		const char *text =
			row ? fill(&cell, &columns[i], row, SHORT_LIST) : columns[i].title;

		/* nothing behind the last column */
		fprintf(f, "%-*s%s", i + 1 < n ? (int)widths[i] : 0, text, i + 1 < n ? "  " : "\n");
	}
}

void table_print(FILE *f, int indent, const struct column *columns, size_t n, const json_t *list)
{
	size_t widths[COLUMNS_MAX];
	size_t i;
	json_t *row;

	if (n > COLUMNS_MAX)
		n = COLUMNS_MAX;
	for (size_t k = 0; k < n; k++)
		widths[k] = width_of(&columns[k], list);
	print_row(f, indent, columns, widths, n, NULL);
	json_array_foreach(list, i, row) print_row(f, indent, columns, widths, n, row);
}

static void print_quoted(FILE *f, const char *text)
{
	if (!strpbrk(text, ",\"\n\r")) {
		fputs(text, f);
		return;
	}
	fputc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

/* A value as it is, whatever the column would make of it for people; nothing for what is not there. */
static void print_raw(FILE *f, const struct column *column, const json_t *row)
{
	struct column raw = *column;
	struct cell cell;

	if (raw.format == FORMAT_BYTES || raw.format == FORMAT_SECONDS)
		raw.format = FORMAT_PLAIN;
	fill(&cell, &raw, row, SIZE_MAX);
	print_quoted(f, strcmp(cell.text, "-") ? cell.text : "");
}

/* "AUTO SYNC" is auto_sync. */
static void print_key(FILE *f, const char *separator, const char *title)
{
	fputs(separator, f);
	for (; *title; title++)
		fputc(*title == ' ' ? '_' : tolower((unsigned char)*title), f);
}

void table_print_csv(FILE *f, const struct column *columns, size_t n, const json_t *list)
{
	size_t i;
	json_t *row;

	for (size_t k = 0; k < n; k++)
		print_key(f, k ? "," : "", columns[k].title);
	fputc('\n', f);
	json_array_foreach(list, i, row)
	{
		for (size_t k = 0; k < n; k++) {
			fputs(k ? "," : "", f);
			print_raw(f, &columns[k], row);
		}
		fputc('\n', f);
	}
}

/* ---- objects ---- */

void table_print_lines(FILE *f, int indent, const struct column *columns, size_t n,
		       const json_t *object)
{
	struct cell cell;
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width = strlen(columns[i].title) > width ? strlen(columns[i].title) : width;
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%*s%-*s  %s\n", indent, "", (int)width, columns[i].title,
			fill(&cell, &columns[i], object, SIZE_MAX));
}

void table_print_object(FILE *f, const json_t *object)
{
	struct cell cell;
	const char *key;
	json_t *value;
	size_t width = 0;

	json_object_foreach((json_t *)object, key, value) width =
		strlen(key) > width ? strlen(key) : width;
	json_object_foreach((json_t *)object, key, value)
	{
		cell.len = 0;
		cell.text[0] = '\0';
		if (json_is_array(value))
			add_list(&cell, FORMAT_PLAIN, value, SIZE_MAX);
		else
			add_scalar(&cell, FORMAT_PLAIN, value);
		fprintf(f, "%-*s  %s\n", (int)width, key, cell.len ? cell.text : "-");
	}
}
