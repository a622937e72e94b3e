/* SPDX-License-Identifier: Apache-2.0 */
/* One probe of an app's, stage by stage. A name is resolved as "explain" does it, where the app's network is. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

enum {
	TARGET_MAX = 512,
	COUNTERS_MAX = 512,
};

static const struct column columns[] = {
	{"STAGE", "stage", FORMAT_PLAIN},
	{"RESULT", "result", FORMAT_PLAIN},
	{"FINDING", "finding", FORMAT_PLAIN},
	{"COUNTERS", "moved", FORMAT_PLAIN},
};

static const char *text_of(const json_t *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(answer, key));

	return text ? text : "";
}

/* "rx_packets +2, no_route +1". Returns buf. */
static const char *write_counters(json_t *counters, char buf[COUNTERS_MAX])
{
	const char *name;
	json_t *by;
	size_t at = 0;

	*buf = '\0';
	json_object_foreach(counters, name, by) if (at < COUNTERS_MAX) at +=
		(size_t)snprintf(buf + at, COUNTERS_MAX - at, "%s%s +%" JSON_INTEGER_FORMAT,
				 at ? ", " : "", name, json_integer_value(by));
	return buf;
}

/* As the answer has them, with the counters as one text. Owned. */
static json_t *rows_of(const json_t *answer)
{
	json_t *rows = json_deep_copy(json_object_get(answer, "stages"));
	char text[COUNTERS_MAX];
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) json_object_set_new(
		row, "moved", json_string(write_counters(json_object_get(row, "counters"), text)));
	return rows;
}

/* One that has been sent, and has not stopped. */
static bool has_arrived(const json_t *answer)
{
	const char *verdict = text_of(answer, "verdict");

	return !strcmp(verdict, "Arrived") || !strcmp(verdict, "Reached");
}

static int print(struct call *c, const json_t *answer)
{
	json_t *rows = rows_of(answer);

	if (json_array_size(rows))
		table_print(stdout, 0, columns, sizeof(columns) / sizeof(columns[0]), rows);
	printf("%s%s", json_array_size(rows) ? "\n" : "", text_of(answer, "verdict"));
	json_decref(rows);
	if (*text_of(answer, "stoppedAt"))
		printf(" (it stopped at: %s)", text_of(answer, "stoppedAt"));
	printf(": %s\n", text_of(answer, "message"));
	if (*text_of(answer, "next"))
		printf("Next: %s\n", text_of(answer, "next"));
	return 0;
}

const struct view trace_view = {.shape = VIEW_OWN, .print = print};

/* ---- what is asked ---- */

/* Splits HOST[:PORT], [ADDRESS]:PORT and ADDRESS. False: it is none of these. */
static bool split(const char *target, char host[TARGET_MAX], const char **ret_port)
{
	const char *colon = strrchr(target, ':'), *close = strchr(target, ']');
	size_t len = strlen(target);

	*ret_port = "";
	if (*target == '[') {
		if (!close || (close[1] && close[1] != ':'))
			return false;
		*ret_port = close[1] ? close + 2 : "";
		len = (size_t)(close - ++target);
	} else if (colon && strchr(target, ':') == colon) {
		*ret_port = colon + 1;
		len = (size_t)(colon - target);
	}
	/* a colon with nothing behind it */
	if (colon && !colon[1])
		return false;
	return len && snprintf(host, TARGET_MAX, "%.*s", (int)len, target) < TARGET_MAX;
}

static bool is_address(const char *host)
{
	uint8_t address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* whose: a path. 0 with an owned answer, or an exit code. */
static int ask(struct call *c, const char *whose, const char *what, const char *target,
	       json_t **ret_answer)
{
	char path[REQUEST_PATH_MAX];
	char *escaped = curl_easy_escape(NULL, target, 0);

	snprintf(path, sizeof(path), "%s/%s?target=%s", whose, what, escaped ? escaped : "");
	curl_free(escaped);
	return request_send(c, "GET", path, NULL, ret_answer);
}

/* The address of a name; host is TARGET_MAX bytes. 0, or an exit code, and the complaint was made. */
static int resolve(struct call *c, char host[TARGET_MAX])
{
	json_t *answer = NULL;
	int code = ask(c, "{/APP}", "explain", host, &answer);

	if (code == 0 && !*text_of(answer, "address"))
		code = call_fail(EXIT_FAILURE, "%s", text_of(answer, "message"));
	else if (code == 0)
		snprintf(host, TARGET_MAX, "%s", text_of(answer, "address"));
	json_decref(answer);
	return code;
}

/* Prints what comes of it. Returns an exit code. */
static int trace(struct call *c, const char *whose, const char *host, const char *port)
{
	char target[TARGET_MAX + 16];
	bool is_6 = strchr(host, ':');
	json_t *answer = NULL;
	int code;

	snprintf(target, sizeof(target), "%s%s%s%s%s", is_6 ? "[" : "", host, is_6 ? "]" : "",
		 *port ? ":" : "", port);
	code = ask(c, whose, "trace", target, &answer);
	if (code == 0)
		code = view_print(c, answer);
	if (code == 0 && !has_arrived(answer))
		code = EXIT_FAILURE;
	json_decref(answer);
	return code;
}

int trace_run(struct call *c)
{
	char host[TARGET_MAX];
	const char *port;
	int code = 0;

	if (!split(c->arguments[1], host, &port))
		return call_fail(EXIT_USAGE, "trace takes an app and HOST[:PORT]");
	if (!is_address(host))
		code = resolve(c, host);
	return code ? code : trace(c, "{/APP}", host, port);
}

int trace_session(struct call *c)
{
	char host[TARGET_MAX];
	const char *port;

	if (!split(c->arguments[1], host, &port) || !is_address(host))
		return call_fail(EXIT_USAGE, "session trace takes a session and ADDRESS[:PORT]");
	return trace(c, "/v1/sessions/{SESSION}", host, port);
}
