/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/prometheus.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	US_PER_S = 1000000,
	NUMBER_MAX = 32,
	NAME_MAX_SIZE = 80,
};

struct prometheus {
	enum prometheus_form form;
	FILE *f; /* of the text */
	char *text;
	size_t len;
	json_t *list;	     /* of JSON */
	enum metric current; /* whose head was written last; METRICS: none */
};

struct prometheus *prometheus_new(enum prometheus_form form)
{
	struct prometheus *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->form = form;
	p->current = METRICS;
	if (form == PROMETHEUS_TEXT)
		p->f = open_memstream(&p->text, &p->len);
	else
		p->list = json_array();
	if (p->f || p->list)
		return p;
	free(p);
	return NULL;
}

/* ---- numbers ---- */

/* us as seconds, without zeros at its end. */
static const char *format_seconds(uint64_t us, char buf[NUMBER_MAX])
{
	int len = snprintf(buf, NUMBER_MAX, "%" PRIu64 ".%06" PRIu64, us / US_PER_S, us % US_PER_S);

	while (buf[len - 1] == '0')
		buf[--len] = '\0';
	if (buf[len - 1] == '.')
		buf[len - 1] = '\0';
	return buf;
}

static const char *format_value(const struct metric_info *info, uint64_t value,
				char buf[NUMBER_MAX])
{
	if (info->is_us)
		return format_seconds(value, buf);
	snprintf(buf, NUMBER_MAX, "%" PRIu64, value);
	return buf;
}

/* ---- one line ---- */

/* A sample on its way: the metric's own name, or one of a histogram's. */
struct line {
	const struct msg_sample *sample;
	const char *suffix;
	const char *le; /* NULL: it is no bucket */
	const char *value;
};

/* What means something in a label's value is escaped; names of ours have none of it. */
static void write_escaped(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", f);
			continue;
		}
		if (*text == '\\' || *text == '"')
			fputc('\\', f);
		fputc(*text, f);
	}
}

static const char *write_label(FILE *f, const char *separator, const char *name, const char *value)
{
	fprintf(f, "%s%s=\"", separator, name);
	write_escaped(f, value);
	fputc('"', f);
	return ",";
}

static void write_text(FILE *f, const struct line *l)
{
	const struct metric_info *info = metric_info(l->sample->metric);
	size_t n = metric_labels(l->sample->metric);
	const char *separator = "{";

	fprintf(f, "%s%s", info->name, l->suffix);
	for (size_t i = 0; i < n; i++)
		separator = write_label(f, separator, info->labels[i], l->sample->labels[i]);
	if (l->le)
		write_label(f, separator, "le", l->le);
	fprintf(f, "%s %s\n", n || l->le ? "}" : "", l->value);
}

static void write_json(json_t *list, const struct line *l)
{
	const struct metric_info *info = metric_info(l->sample->metric);
	char name[NAME_MAX_SIZE];
	json_t *labels = json_object();

	for (size_t i = 0; i < metric_labels(l->sample->metric); i++)
		json_object_set_new(labels, info->labels[i], json_string(l->sample->labels[i]));
	if (l->le)
		json_object_set_new(labels, "le", json_string(l->le));
	snprintf(name, sizeof(name), "%s%s", info->name, l->suffix);
	json_array_append_new(
		list, json_pack("{s:s, s:o, s:o}", "name", name, "labels", labels, "value",
				strchr(l->value, '.') ? json_real(strtod(l->value, NULL))
						      : json_integer(strtoll(l->value, NULL, 10))));
}

static void write_line(struct prometheus *p, const struct line *l)
{
	if (p->form == PROMETHEUS_TEXT)
		write_text(p->f, l);
	else
		write_json(p->list, l);
}

/* ---- samples ---- */

static void write_head(struct prometheus *p, enum metric metric)
{
	const struct metric_info *info = metric_info(metric);

	if (p->form == PROMETHEUS_TEXT && p->current != metric)
		fprintf(p->f, "# HELP %s %s\n# TYPE %s %s\n", info->name, info->help, info->name,
			metric_type_name(info->type));
	p->current = metric;
}

static void write_count(struct prometheus *p, const struct msg_sample *s, const char *suffix,
			const char *le, uint64_t count)
{
	char value[NUMBER_MAX];

	snprintf(value, sizeof(value), "%" PRIu64, count);
	write_line(p, &(struct line){s, suffix, le, value});
}

/* Each bucket counts those below it too. */
static void write_histogram(struct prometheus *p, const struct msg_sample *s)
{
	uint64_t count = 0;
	char number[NUMBER_MAX];

	for (unsigned i = 0; i < TIMES_BOUNDS; i++) {
		count += s->times.counts[i];
		write_count(p, s, "_bucket", format_seconds(times_bound_us(i), number), count);
	}
	count += s->times.counts[TIMES_BOUNDS];
	write_count(p, s, "_bucket", "+Inf", count);
	write_line(p, &(struct line){s, "_sum", NULL, format_seconds(s->times.sum_us, number)});
	write_count(p, s, "_count", NULL, count);
}

void prometheus_add(struct prometheus *p, const struct msg_sample *s)
{
	const struct metric_info *info = metric_info(s->metric);
	char value[NUMBER_MAX];

	write_head(p, s->metric);
	if (info->type == METRIC_HISTOGRAM)
		write_histogram(p, s);
	else
		write_line(p, &(struct line){s, "", NULL, format_value(info, s->value, value)});
}

char *prometheus_end(struct prometheus *p)
{
	char *text;
	json_t *json;

	if (p->form == PROMETHEUS_TEXT) {
		text = fclose(p->f) == 0 ? p->text : NULL;
		if (!text)
			free(p->text);
	} else {
		json = json_pack("{s:o}", "value", p->list);
		text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
		json_decref(json);
	}
	free(p);
	return text;
}
