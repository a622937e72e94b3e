/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/help.h"

#include <string.h>

enum {
	WIDTH_MIN = 23, /* of a column */
	OPTION_WIDTH = 26,
	HEAD_MAX = 96,
};

static int head_of(const struct verb *v, char head[HEAD_MAX])
{
	return snprintf(head, HEAD_MAX, "%s%s%s%s%s", v->noun, v->verb ? " " : "",
			v->verb ? v->verb : "", *v->arguments ? " " : "", v->arguments);
}

static void print_verbs(FILE *f, const struct verb_table *table, const char *noun)
{
	int width = WIDTH_MIN;
	char head[HEAD_MAX];

	for (size_t i = 0; i < table->n; i++) {
		int len = head_of(&table->verbs[i], head);

		if (noun && strcmp(table->verbs[i].noun, noun) != 0)
			continue;
		width = len > width ? len : width;
	}
	for (size_t i = 0; i < table->n; i++) {
		if (noun && strcmp(table->verbs[i].noun, noun) != 0)
			continue;
		head_of(&table->verbs[i], head);
		fprintf(f, "  %-*s %s\n", width, head, table->verbs[i].help);
	}
}

static void print_option(FILE *f, const struct option_info *o, const char *note)
{
	char head[HEAD_MAX];
	int len = 0;

	if (o->letter)
		len = snprintf(head, sizeof(head), "-%c, ", o->letter);
	snprintf(head + len, sizeof(head) - (size_t)len, "--%s%s%s", o->name, o->value ? " " : "",
		 o->value ? o->value : "");
	fprintf(f, "  %-*s %s%s\n", OPTION_WIDTH, head, o->help, note);
}

static void print_common(FILE *f)
{
	for (int i = OPTION_COMMON; i < OPTION_COUNT; i++)
		print_option(f, option_info((enum option_id)i), "");
}

void help_usage(FILE *f, const struct verb_table *table, const char *noun)
{
	fprintf(f, "Usage: sstpctl %s VERB [ARGUMENT]... [OPTION]...\n\n", noun ? noun : "NOUN");
	print_verbs(f, table, noun);
	fputs("\nOptions may stand anywhere. Those of every verb:\n\n", f);
	print_common(f);
	fprintf(f, "\nsstpctl %s VERB --help names those of one verb; see also sstpctl(8).\n",
		noun ? noun : "NOUN");
}

void help_verb(FILE *f, const struct verb *verb)
{
	char head[HEAD_MAX];
	bool is_needed;

	head_of(verb, head);
	fprintf(f, "Usage: sstpctl %s [OPTION]...\n\n%s\n\n", head, verb->help);
	for (int i = 0; i < OPTION_COMMON; i++)
		if (option_is_among((enum option_id)i, verb->options, &is_needed))
			print_option(f, option_info((enum option_id)i),
				     is_needed ? "; must be given" : "");
	if (*verb->options)
		fputc('\n', f);
	print_common(f);
}
