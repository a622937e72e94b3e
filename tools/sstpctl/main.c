/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstpctl: what an operator does with a gateway's authority. A noun, a verb, its arguments; each verb
 * is one row of a table, and one request to the control process.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/client.h"
#include "tools/sstpctl/duration.h"
#include "tools/sstpctl/table.h"

enum {
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	PATH_TEXT_MAX = 256,
	PEM_MAX = 32 * 1024,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the command line says. */
struct call {
	const struct verb *verb;
	const char *socket;
	const char *app;
	const char *vnet;
	const char *gateway;
	const char *name;
	const char *argument; /* what stands behind the verb */
	int64_t lifetime_s;   /* 0: not given */
	bool json;
	bool renewals;
	bool foreign;
};

/* Which options a verb takes, as letters of the table below. */
struct verb {
	const char *noun;
	const char *verb;
	const char *argument; /* NULL: none */
	const char *options;
	const char *help;
	int (*run)(const struct call *c);
};

/* ---- asking and printing ---- */

static int fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(int code, const char *fmt, ...)
{
	va_list ap;

	fputs("sstpctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

/* Takes body. 0 with an owned answer, or an exit code. */
static int ask(const struct call *c, const char *method, const char *path, json_t *body,
	       json_t **ret_answer)
{
	struct client_error e;
	int r = client_ask(c->socket, method, path, body, ret_answer, &e);

	json_decref(body);
	if (r == 0)
		return 0;
	return fail(r == -EPROTO || r == -ENOMEM ? EXIT_REFUSED : EXIT_UNREACHABLE, "%s", e.text);
}

static void print_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

static int show_list(const struct call *c, const char *path, const struct column *columns, size_t n)
{
	json_t *answer;
	int code = ask(c, "GET", path, NULL, &answer);

	if (code)
		return code;
	if (c->json)
		print_json(answer);
	else
		table_print(stdout, columns, n, json_object_get(answer, "value"));
	json_decref(answer);
	return 0;
}

/* A path with the argument in it, as a URL has it. False: too long. */
static bool path_with(const struct call *c, const char *head, const char *tail,
		      char path[PATH_TEXT_MAX])
{
	char *escaped = curl_easy_escape(NULL, c->argument, 0);
	int len = escaped ? snprintf(path, PATH_TEXT_MAX, "%s%s%s", head, escaped, tail) : -1;

	curl_free(escaped);
	return len > 0 && len < PATH_TEXT_MAX;
}

/*
 * Asks for something about the argument, and says `done`, in which a %s is the argument; or prints
 * JSON. Takes body.
 */
static int change(const struct call *c, const char *method, const char *head, const char *tail,
		  json_t *body, json_t **ret_answer)
{
	char path[PATH_TEXT_MAX];
	int code;

	if (!path_with(c, head, tail, path)) {
		json_decref(body);
		return fail(EXIT_USAGE, "'%.60s...' is too long", c->argument);
	}
	code = ask(c, method, path, body, ret_answer);
	if (!code && c->json)
		print_json(*ret_answer);
	return code;
}

static long long number(const json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(answer, key));
}

/* ---- token ---- */

/* The token stands alone on standard output: what there is to say about it goes elsewhere. */
static void print_token(const json_t *answer)
{
	const char *warning = json_string_value(json_object_get(answer, "warning"));

	puts(json_string_value(json_object_get(answer, "token")));
	if (warning)
		fprintf(stderr, "sstpctl: note: %s\n", warning);
}

static int token_create(const struct call *c)
{
	json_t *body;
	json_t *answer;
	int code;

	if (!c->app || !c->vnet)
		return fail(EXIT_USAGE, "--%s is missing; see sstpctl token create --help",
			    c->app ? "vnet" : "app");
	body = json_pack("{s:s, s:s}", "app", c->app, "vnet", c->vnet);
	if (!body)
		return fail(EXIT_USAGE, "--app and --vnet must be UTF-8");
	if (c->gateway)
		json_object_set_new(body, "gateway", json_string(c->gateway));
	if (c->lifetime_s)
		json_object_set_new(body, "lifetime", json_integer(c->lifetime_s));
	code = ask(c, "POST", "/v1/tokens", body, &answer);
	if (code)
		return code;
	if (c->json)
		print_json(answer);
	else
		print_token(answer);
	json_decref(answer);
	return 0;
}

static int token_list(const struct call *c)
{
	static const struct column columns[] = {
		{"ID", "id"},
		{"APP", "app"},
		{"VNET", "vnet"},
		{"STATE", "state"},
		{"CREATED", "created"},
		{"EXPIRES", "expires"},
		{"CERTIFICATE", "certThumbprint"},
	};

	return show_list(c, "/v1/tokens", columns, COUNT(columns));
}

static int token_drop(const struct call *c)
{
	json_t *answer = NULL;
	int code = change(c, "DELETE", "/v1/tokens/", "", NULL, &answer);

	if (!code && !c->json)
		printf("token %s can no longer be used\n", c->argument);
	json_decref(answer);
	return code;
}

/* ---- cert ---- */

static int cert_list(const struct call *c)
{
	static const struct column columns[] = {
		{"THUMBPRINT", "certThumbprint"},
		{"APP", "app"},
		{"VNET", "vnet"},
		{"STATUS", "status"},
		{"ISSUED", "issued"},
		{"EXPIRES", "notAfter"},
		{"RENEWED BY", "renewedBy"},
	};

	return show_list(c, "/v1/certificates", columns, COUNT(columns));
}

static int cert_show(const struct call *c)
{
	json_t *answer = NULL;
	int code = change(c, "GET", "/v1/certificates/", "", NULL, &answer);

	if (!code && !c->json)
		table_print_object(stdout, answer);
	json_decref(answer);
	return code;
}

static int cert_revoke(const struct call *c)
{
	json_t *body = json_pack("{s:b, s:b}", "renewals", c->renewals, "foreign", c->foreign);
	json_t *answer = NULL;
	int code = change(c, "POST", "/v1/certificates/", "/revoke", body, &answer);

	if (!code && !c->json)
		printf("revoked; live certificates among it: %lld\n", number(answer, "revoked"));
	json_decref(answer);
	return code;
}

static int cert_status(const struct call *c)
{
	static const struct column columns[] = {
		{"APP", "app"},
		{"VNET", "vnet"},
		{"STATUS", "status"},
		{"EXPIRES", "notAfter"},
		{"CERTIFICATE", "certThumbprint"},
		{"RESYNC", "resyncRequired"},
		{"WHY", "reason"},
	};

	return show_list(c, "/v1/apps", columns, COUNT(columns));
}

/* ---- root ---- */

static int root_list(const struct call *c)
{
	static const struct column columns[] = {
		{"THUMBPRINT", "thumbprint"},
		{"NAME", "name"},
		{"KIND", "kind"},
		{"VNET", "vnet"},
		{"STATUS", "status"},
		{"ISSUING", "issuing"},
		{"SERVING", "serving"},
		{"EXPIRES", "notAfter"},
		{"LIVE", "liveCertificates"},
	};

	return show_list(c, "/v1/roots", columns, COUNT(columns));
}

static int root_rotate(const struct call *c)
{
	json_t *answer;
	int code = ask(c, "POST", "/v1/roots/rotate", NULL, &answer);

	if (code)
		return code;
	if (c->json)
		print_json(answer);
	else
		printf("root %s signs from now on; drop the old one when no live certificate is "
		       "below it any more (sstpctl root list)\n",
		       json_string_value(json_object_get(answer, "thumbprint")));
	json_decref(answer);
	return 0;
}

/* "-" is standard input. NULL: it cannot be read, which has been said. */
static char *read_pem(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = f ? calloc(1, PEM_MAX + 1) : NULL;
	size_t len = text ? fread(text, 1, PEM_MAX + 1, f) : 0;

	if (!f || (text && ferror(f)))
		fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
	else if (len > PEM_MAX)
		fail(EXIT_USAGE, "%s: more than %d bytes: one certificate is wanted", path,
		     PEM_MAX);
	if (f && (ferror(f) || len > PEM_MAX)) {
		free(text);
		text = NULL;
	}
	if (f && f != stdin)
		fclose(f);
	return text;
}

static int root_import(const struct call *c)
{
	char *pem;
	json_t *body;
	json_t *answer;
	int code;

	if (!c->name || !c->vnet)
		return fail(EXIT_USAGE, "--%s is missing; see sstpctl root import --help",
			    c->name ? "vnet" : "name");
	pem = read_pem(c->argument);
	if (!pem)
		return EXIT_USAGE;
	body = json_pack("{s:s, s:s, s:s}", "name", c->name, "vnet", c->vnet, "pem", pem);
	free(pem);
	if (!body)
		return fail(EXIT_USAGE, "%s is no PEM file", c->argument);
	code = ask(c, "POST", "/v1/roots", body, &answer);
	if (code)
		return code;
	if (c->json)
		print_json(answer);
	else
		printf("clients of root %s may come into VNet %s\n", c->name, c->vnet);
	json_decref(answer);
	return 0;
}

static int root_drop(const struct call *c)
{
	json_t *answer = NULL;
	int code = change(c, "DELETE", "/v1/roots/", "", NULL, &answer);

	if (!code && !c->json)
		printf("dropped; live certificates cut by it: %lld\n", number(answer, "cut"));
	json_decref(answer);
	return code;
}

/* ---- the command line ---- */

static const struct verb verbs[] = {
	{"token", "create", NULL, "avgl",
	 "Makes a token by which an app's worker enrols once, and prints it, alone.", token_create},
	{"token", "list", NULL, "", "Shows tokens: open, used, expired.", token_list},
	{"token", "drop", "ID", "", "Takes an open token back.", token_drop},
	{"cert", "list", NULL, "", "Shows the certificates of apps.", cert_list},
	{"cert", "show", "THUMBPRINT", "", "Shows all about a certificate, itself included.",
	 cert_show},
	{"cert", "revoke", "THUMBPRINT", "rf",
	 "Revokes a certificate: its session ends, and it never comes in again.", cert_revoke},
	{"cert", "status", NULL, "",
	 "Shows each app's certificate, and whether the app knows the present network and roots.",
	 cert_status},
	{"root", "list", NULL, "", "Shows the roots that clients are trusted by.", root_list},
	{"root", "rotate", NULL, "", "Makes a new root beside the old one, for new certificates.",
	 root_rotate},
	{"root", "import", "FILE", "nv",
	 "Trusts clients of an external root (PEM; - is standard input) for one VNet.",
	 root_import},
	{"root", "drop", "THUMBPRINT", "", "Trusts a root no longer.", root_drop},
};

static const struct {
	char letter;
	const char *name;
	const char *value; /* NULL: a switch */
	const char *help;
} option_table[] = {
	{'a', "app", "NAME", "the app that is to enrol"},
	{'v', "vnet", "NAME", "the VNet that it comes into"},
	{'g', "gateway", "HOST[:PORT]", "what the worker dials (default: the first of the names)"},
	{'l', "lifetime", "TIME", "how long it can be used: 90s, 15m, 1h (default), 7d"},
	{'r', "renewals", NULL, "also all that were renewed from it: its key was stolen"},
	{'f', "foreign", NULL, "also one that this gateway did not issue"},
	{'n', "name", "NAME", "what the root is to be called"},
	{'s', "socket", "PATH", "the gateway's control_socket (default " SSTPCTL_SOCKET ")"},
	{'j', "json", NULL, "prints JSON, for programs"},
	{'h', "help", NULL, "prints this and ends"},
	{'V', "version", NULL, "prints the version and ends"},
};

static const char common_options[] = "sjh";

static void print_usage(FILE *f)
{
	fputs("Usage: sstpctl NOUN VERB [ARGUMENT] [OPTION]...\n\n", f);
	for (size_t i = 0; i < COUNT(verbs); i++) {
		char head[64];

		snprintf(head, sizeof(head), "%s %s %s", verbs[i].noun, verbs[i].verb,
			 verbs[i].argument ? verbs[i].argument : "");
		fprintf(f, "  %-23s %s\n", head, verbs[i].help);
	}
	fputs("\nsstpctl NOUN VERB --help says more; so does sstpctl(8).\n", f);
}

static void print_help(const struct verb *v)
{
	printf("Usage: sstpctl %s %s%s%s [OPTION]...\n\n%s\n\n", v->noun, v->verb,
	       v->argument ? " " : "", v->argument ? v->argument : "", v->help);
	for (size_t i = 0; i < COUNT(option_table); i++) {
		char head[40];

		if (!strchr(v->options, option_table[i].letter) &&
		    !strchr(common_options, option_table[i].letter))
			continue;
		snprintf(head, sizeof(head), "--%s %s", option_table[i].name,
			 option_table[i].value ? option_table[i].value : "");
		printf("  %-23s %s\n", head, option_table[i].help);
	}
}

static const struct verb *find_verb(const char *noun, const char *verb)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (!strcmp(verbs[i].noun, noun) && !strcmp(verbs[i].verb, verb))
			return &verbs[i];
	return NULL;
}

/* Those that the verb takes; what getopt_long() does not know it complains about itself. */
static void options_of(const struct verb *v, struct option *list)
{
	size_t n = 0;

	for (size_t i = 0; i < COUNT(option_table); i++)
		if (strchr(v->options, option_table[i].letter) ||
		    strchr(common_options, option_table[i].letter))
			list[n++] = (struct option){option_table[i].name,
						    option_table[i].value ? required_argument
									  : no_argument,
						    NULL, option_table[i].letter};
	list[n] = (struct option){0};
}

/* 0: go on; else an exit code. */
static int take_option(struct call *c, int letter)
{
	switch (letter) {
	case 'a': c->app = optarg; return 0;
	case 'v': c->vnet = optarg; return 0;
	case 'g': c->gateway = optarg; return 0;
	case 'n': c->name = optarg; return 0;
	case 's': c->socket = optarg; return 0;
	case 'j': c->json = true; return 0;
	case 'r': c->renewals = true; return 0;
	case 'f': c->foreign = true; return 0;
	case 'l':
		if (duration_parse(optarg, &c->lifetime_s))
			return 0;
		return fail(EXIT_USAGE, "--lifetime must be like 90s, 15m, 1h or 7d, not '%s'",
			    optarg);
	default: return EXIT_USAGE;
	}
}

/* Returns the exit code. */
static int run_verb(struct call *c, int argc, char **argv)
{
	struct option options[COUNT(option_table) + 1];
	int letter;
	int code = 0;

	options_of(c->verb, options);
	while (!code && (letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 'h') {
			print_help(c->verb);
			return 0;
		}
		code = take_option(c, letter);
	}
	if (code)
		return code;
	if (c->verb->argument && optind < argc)
		c->argument = argv[optind++];
	if (c->verb->argument && !c->argument)
		return fail(EXIT_USAGE, "%s is missing; see sstpctl %s %s --help",
			    c->verb->argument, c->verb->noun, c->verb->verb);
	if (optind < argc)
		return fail(EXIT_USAGE, "unexpected argument '%s'; see sstpctl %s %s --help",
			    argv[optind], c->verb->noun, c->verb->verb);
	code = c->verb->run(c);
	if (fflush(stdout) != 0 && !code)
		return fail(EXIT_REFUSED, "standard output: %s", strerror(errno));
	return code;
}

int main(int argc, char **argv)
{
	struct call c = {.socket = SSTPCTL_SOCKET};

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_usage(stdout);
		return 0;
	}
	if (argc == 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts("sstpctl " SSTP_VERSION);
		return 0;
	}
	if (argc < 3) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	c.verb = find_verb(argv[1], argv[2]);
	if (!c.verb)
		return fail(EXIT_USAGE, "there is no '%s %s'; see sstpctl --help", argv[1],
			    argv[2]);
	/* what complains is called sstpctl */
	argv[2] = argv[0];
	return run_verb(&c, argc - 2, argv + 2);
}
