/* SPDX-License-Identifier: Apache-2.0 */
/* What is well with the gateway and its virtual networks, and what to do about the rest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

static const struct column columns[] = {
	{"VNET", "vnet", FORMAT_PLAIN},
	{"CHECK", "check", FORMAT_PLAIN},
	{"VERDICT", "verdict", FORMAT_PLAIN},
	{"FINDING", "finding", FORMAT_PLAIN},
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* A word that people read: the API has one word for each. */
static void name_unknown(const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		json_t *verdict = json_object_get(line, "verdict");

		if (!strcmp(text_of(line, "verdict"), "unknown"))
			json_string_set(verdict, "not known");
	}
}

static size_t count(const json_t *lines, const char *verdict)
{
	const json_t *line;
	size_t i, n = 0;

	json_array_foreach(lines, i, line) n += !strcmp(text_of(line, "verdict"), verdict);
	return n;
}

static void print_advice(const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		const char *vnet = text_of(line, "vnet");

		if (*text_of(line, "advice") && strcmp(text_of(line, "verdict"), "ok") != 0)
			printf("%s%s%s: %s\n", vnet, *vnet ? " " : "", text_of(line, "check"),
			       text_of(line, "advice"));
	}
}

static int print(struct call *c, const json_t *answer)
{
	const json_t *lines = json_object_get(answer, "value");

	if (!lines)
		return view_fail_without("value");
	name_unknown(lines);
	table_print(stdout, 0, columns, sizeof(columns) / sizeof(columns[0]), lines);
	printf("\n");
	print_advice(lines);
	printf("%zu ok, %zu warnings, %zu problems, %zu not known\n", count(lines, "ok"),
	       count(lines, "warning"), count(lines, "problem"), count(lines, "not known"));
	return 0;
}

const struct view doctor_view = {.shape = VIEW_OWN, .print = print};

/* Becomes sstp-probe, which needs no gateway. */
static int become_probe(const struct call *c)
{
	const char *cacert = c->options[OPTION_CACERT];
	const char *argv[6] = {"sstp-probe"};
	size_t n = 1;

	if (c->options[OPTION_VNET])
		return call_fail(EXIT_USAGE,
				 "--probe asks a server, --vnet the gateway: one of them");
	if (cacert) {
		argv[n++] = "--cacert";
		argv[n++] = cacert;
	}
	if (c->output == OUTPUT_JSON)
		argv[n++] = "--json";
	argv[n++] = c->options[OPTION_PROBE];
	execvp(argv[0], (char **)argv);
	return call_fail(EXIT_REFUSED, "sstp-probe: %s; it is installed beside sstpctl",
			 strerror(errno));
}

/* Something that is a problem is a no, however it is shown. */
int doctor_run(struct call *c)
{
	json_t *answer = NULL;
	int code;

	if (c->options[OPTION_PROBE])
		return become_probe(c);
	code = request_send(c, "GET", c->verb->path, NULL, &answer);
	if (code)
		return code;
	code = view_print(c, answer);
	if (code == 0 && !strcmp(text_of(answer, "verdict"), "problem"))
		code = EXIT_REFUSED;
	json_decref(answer);
	return code;
}
