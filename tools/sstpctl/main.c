/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstpctl: what an operator does with a gateway's authority. A noun, a verb, its arguments; each verb
 * is one row of a table, and one request to the control process.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/call.h"
#include "tools/sstpctl/client.h"
#include "tools/sstpctl/table.h"

enum {
	PATH_TEXT_MAX = 256,
	PEM_MAX = 32 * 1024,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- asking and printing ---- */

/* Takes body. 0 with an owned answer, or an exit code. */
static int ask(const struct call *c, const char *method, const char *path, json_t *body,
	       json_t **ret_answer)
{
	struct client_error e;
	int r = client_ask(c->socket, method, path, body, ret_answer, &e);

	json_decref(body);
	if (r == 0)
		return 0;
	return call_fail(r == -EPROTO || r == -ENOMEM ? EXIT_REFUSED : EXIT_UNREACHABLE, "%s",
			 e.text);
}

static void print_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

/* Complains about an answer in which something has to be, and is not. */
static int fail_without(const char *key)
{
	return call_fail(EXIT_REFUSED,
			 "the gateway does not speak as expected: no '%s' in its answer", key);
}

static int show_list(const struct call *c, const char *path, const struct column *columns, size_t n)
{
	const json_t *list;
	json_t *answer;
	int code = ask(c, "GET", path, NULL, &answer);

	if (code)
		return code;
	list = json_object_get(answer, "value");
	if (c->json)
		print_json(answer);
	else if (json_is_array(list))
		table_print(stdout, columns, n, list);
	else
		code = fail_without("value");
	json_decref(answer);
	return code;
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
		return call_fail(EXIT_USAGE, "'%.60s...' is too long", c->argument);
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
static int print_token(const json_t *answer)
{
	const char *token = json_string_value(json_object_get(answer, "token"));
	const char *warning = json_string_value(json_object_get(answer, "warning"));

	if (!token)
		return fail_without("token");
	puts(token);
	if (warning)
		fprintf(stderr, "sstpctl: note: %s\n", warning);
	return 0;
}

static int token_create(const struct call *c)
{
	json_t *body;
	json_t *answer;
	int code;

	if (!c->app || !c->vnet)
		return call_fail(EXIT_USAGE, "--%s is missing; see sstpctl token create --help",
				 c->app ? "vnet" : "app");
	body = json_pack("{s:s, s:s}", "app", c->app, "vnet", c->vnet);
	if (!body)
		return call_fail(EXIT_USAGE, "--app and --vnet must be UTF-8");
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
		code = print_token(answer);
	json_decref(answer);
	return code;
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

static int cert_server(const struct call *c)
{
	json_t *answer;
	int code = ask(c, "GET", "/v1/server", NULL, &answer);

	if (code)
		return code;
	if (c->json)
		print_json(answer);
	else
		table_print_object(stdout, answer);
	json_decref(answer);
	return 0;
}

/* One is not all: who is told that an app is out takes it for out. */
static void print_revoked(const json_t *answer)
{
	long long others = number(answer, "remaining");
	const char *app = json_string_value(json_object_get(answer, "app"));

	printf("revoked; live certificates among it: %lld\n", number(answer, "revoked"));
	if (others > 0)
		printf("%lld other live certificate%s of app %s remain%s: sstpctl cert revoke "
		       "--app %s\n",
		       others, others == 1 ? "" : "s", app, others == 1 ? "s" : "", app);
}

/* By thumbprint, or of all that an app has. */
static int cert_revoke(const struct call *c)
{
	struct call of_app = *c;
	json_t *answer = NULL;
	int code;

	of_app.argument = c->app;
	if (c->app)
		code = change(&of_app, "POST", "/v1/apps/", "/revoke", NULL, &answer);
	else
		code = change(c, "POST", "/v1/certificates/", "/revoke",
			      json_pack("{s:b}", "foreign", c->foreign), &answer);
	if (!code && !c->json)
		print_revoked(answer);
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
		{"ISSUES UNTIL", "issuesUntil"},
		{"EXPIRES", "notAfter"},
		{"LIVE", "liveCertificates"},
	};

	return show_list(c, "/v1/roots", columns, COUNT(columns));
}

static int root_rotate(const struct call *c)
{
	const char *thumbprint;
	json_t *answer;
	int code = ask(c, "POST", "/v1/roots/rotate", NULL, &answer);

	if (code)
		return code;
	thumbprint = json_string_value(json_object_get(answer, "thumbprint"));
	if (c->json)
		print_json(answer);
	else if (thumbprint)
		printf("root %s signs from now on; drop the old one when no live certificate is "
		       "below it any more (sstpctl root list)\n",
		       thumbprint);
	else
		code = fail_without("thumbprint");
	json_decref(answer);
	return code;
}

/* "-" is standard input. NULL: it cannot be read, which has been said. */
static char *read_pem(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = f ? calloc(1, PEM_MAX + 1) : NULL;
	size_t len = text ? fread(text, 1, PEM_MAX + 1, f) : 0;

	if (!f || (text && ferror(f)))
		call_fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
	else if (len > PEM_MAX)
		call_fail(EXIT_USAGE, "%s: more than %d bytes: one certificate is wanted", path,
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
		return call_fail(EXIT_USAGE, "--%s is missing; see sstpctl root import --help",
				 c->name ? "vnet" : "name");
	pem = read_pem(c->argument);
	if (!pem)
		return EXIT_USAGE;
	body = json_pack("{s:s, s:s, s:s}", "name", c->name, "vnet", c->vnet, "pem", pem);
	free(pem);
	if (!body)
		return call_fail(EXIT_USAGE, "%s is no PEM file", c->argument);
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
	{"cert", "revoke", "THUMBPRINT", "af",
	 "Revokes a certificate and its renewals, or all of --app: out at once, and for ever.",
	 cert_revoke},
	{"cert", "server", NULL, "", "Shows the gateway's own certificate, when it made one.",
	 cert_server},
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

int main(int argc, char **argv)
{
	struct call c;
	int code;

	argv[0] = (char *)"sstpctl"; /* what complains is called so */
	code = call_parse(verbs, COUNT(verbs), argc, argv, &c);
	if (code < 0)
		code = c.verb->run(&c);
	if (fflush(stdout) != 0 && !code)
		return call_fail(EXIT_REFUSED, "standard output: %s", strerror(errno));
	return code;
}
