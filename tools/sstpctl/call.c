/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/call.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/sstpctl/help.h"

enum {
	WORDS_MAX = 2 + CALL_ARGUMENTS_MAX,
	LONG_ONLY = 256, /* getopt's value of an option without a letter */
	LETTERS_MAX = 2 * OPTION_COUNT + 1,
};

/* On its way. */
struct parse {
	struct call call;
	const char *words[WORDS_MAX];
	size_t n_words;
};

int call_fail(int code, const char *fmt, ...)
{
	va_list ap;

	fputs("sstpctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

/* ---- arguments ---- */

const char *call_argument(const char *arguments, size_t i, size_t *ret_len, bool *ret_is_optional)
{
	for (; i > 0; i--) {
		arguments += strcspn(arguments, " ");
		arguments += strspn(arguments, " ");
	}
	if (!*arguments)
		return NULL;
	*ret_is_optional = *arguments == '[';
	arguments += *ret_is_optional;
	*ret_len = strcspn(arguments, " ]");
	return arguments;
}

const char *call_word(const struct call *c, const char *name, size_t len)
{
	const char *argument;
	char option[32];
	size_t n;
	bool is_optional;

	for (size_t i = 0; (argument = call_argument(c->verb->arguments, i, &n, &is_optional)); i++)
		if (n == len && strncmp(argument, name, len) == 0 && c->arguments[i])
			return c->arguments[i];
	if (len >= sizeof(option))
		return NULL;
	for (n = 0; n < len; n++)
		option[n] = (char)tolower((unsigned char)name[n]);
	n = option_find(option, len);
	return n < OPTION_COUNT ? c->options[n] : NULL;
}

/* ---- words ---- */

bool call_has_noun(const struct verb_table *table, const char *noun)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->verbs[i].noun, noun) == 0)
			return true;
	return false;
}

static bool is_verb(const struct verb *v, const char *noun, const char *verb)
{
	if (strcmp(v->noun, noun) != 0)
		return false;
	return !v->verb || (verb && strcmp(v->verb, verb) == 0);
}

const struct verb *call_find_verb(const struct verb_table *table, const char *noun,
				  const char *verb)
{
	for (size_t i = 0; i < table->n; i++)
		if (is_verb(&table->verbs[i], noun, verb))
			return &table->verbs[i];
	return NULL;
}

static int fail_no_verb(const struct parse *p)
{
	const struct verb *v = p->call.table->elsewhere;

	while (v && v->noun && !is_verb(v, p->words[0], p->words[1]))
		v++;
	if (v && v->noun)
		return call_fail(EXIT_USAGE, "%s", v->help);
	return call_fail(EXIT_USAGE, "there is no '%s %s'; see sstpctl %s --help", p->words[0],
			 p->words[1], p->words[0]);
}

/* -1, or an exit code: there is no such noun, or verb. */
static int find_words(struct parse *p)
{
	if (!p->n_words)
		return -1;
	p->call.verb = call_find_verb(p->call.table, p->words[0], p->words[1]);
	if (!p->call.verb && p->n_words > 1)
		return call_has_noun(p->call.table, p->words[0])
			       ? fail_no_verb(p)
			       : call_fail(EXIT_USAGE, "there is no '%s'; see sstpctl --help",
					   p->words[0]);
	if (!p->call.verb && !call_has_noun(p->call.table, p->words[0]))
		return call_fail(EXIT_USAGE, "there is no '%s'; see sstpctl --help", p->words[0]);
	return -1;
}

/* "plan show", or a noun alone. */
static const char *called(const struct verb *v, char buf[64])
{
	snprintf(buf, 64, "%s%s%s", v->noun, v->verb ? " " : "", v->verb ? v->verb : "");
	return buf;
}

static int check_options(const struct parse *p)
{
	const struct verb *v = p->call.verb;
	char name[64];

	for (int i = 0; i < OPTION_COUNT; i++) {
		bool is_needed = false;
		bool is_known = option_is_among((enum option_id)i, v->options, &is_needed);

		if (is_needed && !p->call.options[i])
			return call_fail(EXIT_USAGE, "--%s is missing; see sstpctl %s --help",
					 option_info((enum option_id)i)->name, called(v, name));
		if (p->call.options[i] && !is_known && i < OPTION_COMMON)
			return call_fail(EXIT_USAGE, "%s takes no --%s; see sstpctl %s --help",
					 called(v, name), option_info((enum option_id)i)->name,
					 name);
	}
	return -1;
}

static int take_arguments(struct parse *p)
{
	const struct verb *v = p->call.verb;
	size_t first = v->verb ? 2 : 1, i = 0, len;
	const char *argument;
	char name[64];
	bool is_optional;

	for (; (argument = call_argument(v->arguments, i, &len, &is_optional)); i++) {
		if (first + i < p->n_words)
			p->call.arguments[i] = p->words[first + i];
		else if (!is_optional)
			return call_fail(EXIT_USAGE, "%.*s is missing; see sstpctl %s --help",
					 (int)len, argument, called(v, name));
	}
	if (first + i < p->n_words)
		return call_fail(EXIT_USAGE, "unexpected argument '%s'; see sstpctl %s --help",
				 p->words[first + i], called(v, name));
	return check_options(p);
}

/* ---- options ---- */

static int take_output(struct call *c, const char *text)
{
	static const char *const words[] = {
		[OUTPUT_TABLE] = "table",
		[OUTPUT_JSON] = "json",
		[OUTPUT_YAML] = "yaml",
		[OUTPUT_CSV] = "csv",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], text) == 0) {
			c->output = (enum output)i;
			return -1;
		}
	}
	return call_fail(EXIT_USAGE, "--output must be table, json, yaml or csv, not '%s'", text);
}

static int take_option(struct call *c, enum option_id option, const char *value)
{
	if (c->options[option] && option < OPTION_OUTPUT)
		return call_fail(EXIT_USAGE, "--%s is given twice", option_info(option)->name);
	c->options[option] = value ? value : "";
	if (option == OPTION_JSON)
		c->output = OUTPUT_JSON;
	return option == OPTION_OUTPUT ? take_output(c, value) : -1;
}

/* Of getopt_long(): the letter, or LONG_ONLY and the place in the table. */
static enum option_id option_of(int returned)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_info((enum option_id)i)->letter == returned)
			return (enum option_id)i;
	return (enum option_id)(returned - LONG_ONLY);
}

/* As getopt_long() wants them. */
static void list_options(struct option list[OPTION_COUNT], char *letters)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_info *o = option_info((enum option_id)i);

		list[i] = (struct option){o->name, o->value ? required_argument : no_argument, NULL,
					  o->letter ? o->letter : LONG_ONLY + i};
		if (!o->letter)
			continue;
		*letters++ = o->letter;
		if (o->value)
			*letters++ = ':';
	}
	*letters = '\0';
}

/* All options, wherever they stand; getopt_long() moves them in front of the words. */
static int take_options(struct parse *p, int argc, char **argv)
{
	struct option list[OPTION_COUNT + 1] = {0};
	char letters[LETTERS_MAX];
	int returned, code = -1;

	list_options(list, letters);
	optind = 0; /* from the start, also the second time */
	while (code < 0 && (returned = getopt_long(argc, argv, letters, list, NULL)) != -1)
		code = returned == '?' ? EXIT_USAGE /* it has complained */
				       : take_option(&p->call, option_of(returned), optarg);
	return code;
}

/* What was said by hand is not mixed with another way to the gateway. */
void call_take_environment(struct call *c)
{
	bool has_way = c->options[OPTION_SOCKET] || c->options[OPTION_SERVER];

	for (int i = 0; i < OPTION_COUNT; i++)
		if (!c->options[i] && !(has_way && (i == OPTION_SOCKET || i == OPTION_SERVER)))
			c->options[i] = option_from_environment((enum option_id)i);
}

static int take_words(struct parse *p, int n, char **words)
{
	if (n > 0 && !strcmp(words[0], "help")) {
		p->call.options[OPTION_HELP] = "";
		words++;
		n--;
	}
	if (n > WORDS_MAX)
		return call_fail(EXIT_USAGE, "unexpected argument '%s'; see sstpctl --help",
				 words[WORDS_MAX]);
	for (; p->n_words < (size_t)n; p->n_words++)
		p->words[p->n_words] = words[p->n_words];
	return -1;
}

/* -1: there is a verb with its arguments; or an exit code. */
static int understand(struct parse *p)
{
	int code = find_words(p);
	const char *noun = p->n_words ? p->words[0] : NULL;

	if (code >= 0)
		return code;
	if (p->call.options[OPTION_HELP]) {
		if (p->call.verb)
			help_verb(stdout, p->call.verb);
		else
			help_usage(stdout, p->call.table, noun);
		return 0;
	}
	if (!p->call.verb) {
		help_usage(stderr, p->call.table, noun);
		return EXIT_USAGE;
	}
	return take_arguments(p);
}

int call_parse(const struct verb_table *table, int argc, char **argv, struct call *ret_call)
{
	struct parse p = {.call = {.table = table}};
	int code = take_options(&p, argc, argv);

	if (code < 0)
		code = take_words(&p, argc - optind, argv + optind);
	if (code >= 0)
		return code;
	if (p.call.options[OPTION_VERSION]) {
		puts("sstpctl " SSTP_VERSION);
		return 0;
	}
	code = understand(&p);
	if (code >= 0)
		return code;
	call_take_environment(&p.call);
	*ret_call = p.call;
	return -1;
}
