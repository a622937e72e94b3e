/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/call.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/sstpctl/duration.h"

enum {
	WORDS_MAX = 3, /* noun, verb, argument */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	char letter;
	const char *name;
	const char *value; /* NULL: a switch */
	const char *help;
} option_table[] = {
	{'a', "app", "NAME", "the app that is to enrol, or whose certificates are meant"},
	{'v', "vnet", "NAME", "the VNet that it comes into"},
	{'g', "gateway", "HOST[:PORT]", "what the worker dials (default: the first of the names)"},
	{'l', "lifetime", "TIME", "how long it can be used: 90s, 15m, 1h (default), 7d"},
	{'f', "foreign", NULL, "also one that this gateway did not issue"},
	{'n', "name", "NAME", "what the root is to be called"},
	{'s', "socket", "PATH", "the gateway's control_socket (default " SSTPCTL_SOCKET ")"},
	{'j', "json", NULL, "prints JSON, for programs"},
	{'h', "help", NULL, "prints help, on the noun or verb that is given, and ends"},
	{'V', "version", NULL, "prints the version and ends"},
};

static const char common_options[] = "sjhV";

/* On its way. */
struct parse {
	const struct verb *verbs;
	size_t n;
	struct call call;
	const char *words[WORDS_MAX];
	size_t n_words;
	bool is_given[COUNT(option_table)];
	bool wants_help;
	bool wants_version;
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

/* ---- help ---- */

static void print_verbs(FILE *f, const struct parse *p, const char *noun)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct verb *v = &p->verbs[i];
		char head[64];

		if (noun && strcmp(v->noun, noun) != 0)
			continue;
		snprintf(head, sizeof(head), "%s %s %s", v->noun, v->verb,
			 v->argument ? v->argument : "");
		fprintf(f, "  %-23s %s\n", head, v->help);
	}
}

static void print_options(FILE *f, const char *letters)
{
	for (size_t i = 0; i < COUNT(option_table); i++) {
		char head[40];

		if (!strchr(letters, option_table[i].letter))
			continue;
		snprintf(head, sizeof(head), "--%s %s", option_table[i].name,
			 option_table[i].value ? option_table[i].value : "");
		fprintf(f, "  %-23s %s\n", head, option_table[i].help);
	}
}

/* Of one noun, or of all: NULL. */
static void print_usage(FILE *f, const struct parse *p, const char *noun)
{
	fprintf(f, "Usage: sstpctl %s VERB [ARGUMENT] [OPTION]...\n\n", noun ? noun : "NOUN");
	print_verbs(f, p, noun);
	fputs("\nOptions may stand anywhere. Those of every verb:\n\n", f);
	print_options(f, common_options);
	fprintf(f, "\nsstpctl %s VERB --help names those of one verb; see also sstpctl(8).\n",
		noun ? noun : "NOUN");
}

static void print_verb_help(const struct verb *v)
{
	printf("Usage: sstpctl %s %s%s%s [OPTION]...\n\n%s\n\n", v->noun, v->verb,
	       v->argument ? " " : "", v->argument ? v->argument : "", v->help);
	print_options(stdout, v->options);
	if (*v->options)
		putchar('\n');
	print_options(stdout, common_options);
}

/* ---- words ---- */

static bool has_noun(const struct parse *p, const char *noun)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->verbs[i].noun, noun) == 0)
			return true;
	return false;
}

static const struct verb *find_verb(const struct parse *p)
{
	for (size_t i = 0; i < p->n && p->n_words > 1; i++)
		if (!strcmp(p->verbs[i].noun, p->words[0]) &&
		    !strcmp(p->verbs[i].verb, p->words[1]))
			return &p->verbs[i];
	return NULL;
}

/* -1, or an exit code: there is no such noun, or verb. */
static int find_words(struct parse *p)
{
	p->call.verb = find_verb(p);
	if (p->n_words && !has_noun(p, p->words[0]))
		return call_fail(EXIT_USAGE, "there is no '%s'; see sstpctl --help", p->words[0]);
	if (p->n_words > 1 && !p->call.verb)
		return call_fail(EXIT_USAGE, "there is no '%s %s'; see sstpctl %s --help",
				 p->words[0], p->words[1], p->words[0]);
	return -1;
}

static int help(const struct parse *p)
{
	if (p->call.verb)
		print_verb_help(p->call.verb);
	else
		print_usage(stdout, p, p->words[0]);
	return 0;
}

static int check_options(const struct parse *p)
{
	const struct verb *v = p->call.verb;

	for (size_t i = 0; i < COUNT(option_table); i++)
		if (p->is_given[i] && !strchr(v->options, option_table[i].letter) &&
		    !strchr(common_options, option_table[i].letter))
			return call_fail(EXIT_USAGE,
					 "%s %s takes no --%s; see sstpctl %s %s --help", v->noun,
					 v->verb, option_table[i].name, v->noun, v->verb);
	return -1;
}

static int check_call(struct parse *p)
{
	const struct verb *v = p->call.verb;
	/* what is named by its app needs no other name */
	const char *argument = p->call.app ? NULL : v->argument;
	size_t wanted = argument ? 3 : 2;

	if (p->n_words < wanted)
		return call_fail(EXIT_USAGE, "%s is missing; see sstpctl %s %s --help", v->argument,
				 v->noun, v->verb);
	if (p->n_words > wanted)
		return call_fail(EXIT_USAGE, "unexpected argument '%s'; see sstpctl %s %s --help",
				 p->words[wanted], v->noun, v->verb);
	p->call.argument = argument ? p->words[2] : NULL;
	return check_options(p);
}

/* ---- options ---- */

static int take_option(struct parse *p, int letter)
{
	struct call *c = &p->call;

	switch (letter) {
	case 'a': c->app = optarg; return -1;
	case 'v': c->vnet = optarg; return -1;
	case 'g': c->gateway = optarg; return -1;
	case 'n': c->name = optarg; return -1;
	case 's': c->socket = optarg; return -1;
	case 'j': c->json = true; return -1;
	case 'f': c->foreign = true; return -1;
	case 'h': p->wants_help = true; return -1;
	case 'V': p->wants_version = true; return -1;
	case 'l':
		if (duration_parse(optarg, &c->lifetime_s))
			return -1;
		return call_fail(EXIT_USAGE, "--lifetime must be like 90s, 15m, 1h or 7d, not '%s'",
				 optarg);
	default: return EXIT_USAGE; /* getopt_long() has complained */
	}
}

static void mark_given(struct parse *p, int letter)
{
	for (size_t i = 0; i < COUNT(option_table); i++)
		if (option_table[i].letter == letter)
			p->is_given[i] = true;
}

/* All options, wherever they stand; getopt_long() moves them in front of the words. */
static int take_options(struct parse *p, int argc, char **argv)
{
	struct option list[COUNT(option_table) + 1] = {0};
	int letter, code = -1;

	for (size_t i = 0; i < COUNT(option_table); i++)
		list[i] = (struct option){option_table[i].name,
					  option_table[i].value ? required_argument : no_argument,
					  NULL, option_table[i].letter};
	optind = 0; /* from the start, also the second time */
	while (code < 0 && (letter = getopt_long(argc, argv, "hV", list, NULL)) != -1) {
		mark_given(p, letter);
		code = take_option(p, letter);
	}
	return code;
}

static int take_words(struct parse *p, int n, char **words)
{
	if (n > 0 && !strcmp(words[0], "help")) {
		p->wants_help = true;
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

int call_parse(const struct verb *verbs, size_t n, int argc, char **argv, struct call *ret_call)
{
	struct parse p = {.verbs = verbs, .n = n, .call = {.socket = SSTPCTL_SOCKET}};
	int code = take_options(&p, argc, argv);

	if (code < 0)
		code = take_words(&p, argc - optind, argv + optind);
	if (code >= 0)
		return code;
	if (p.wants_version) {
		puts("sstpctl " SSTP_VERSION);
		return 0;
	}
	code = find_words(&p);
	if (code >= 0)
		return code;
	if (p.wants_help)
		return help(&p);
	if (!p.call.verb) {
		print_usage(stderr, &p, p.words[0]);
		return EXIT_USAGE;
	}
	code = check_call(&p);
	if (code < 0)
		*ret_call = p.call;
	return code;
}
