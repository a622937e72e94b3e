/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to a session, stage by stage; or to the last sessions there were. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

enum {
	TIME_TEXT_MAX = 32,
};

static const struct column list_columns[] = {
	{"ID", "vpnConnectionId", FORMAT_PLAIN},
	{"BEGAN", "began", FORMAT_PLAIN},
	{"STATE", "state", FORMAT_PLAIN},
	{"STOPPED AT", "stoppedAt", FORMAT_PLAIN},
	{"APP", "app", FORMAT_PLAIN},
	{"USER", "vpnUserName", FORMAT_PLAIN},
	{"SOURCE", "publicIpAddress", FORMAT_PLAIN},
	{"ENDED BY", "endedBy", FORMAT_PLAIN},
	{"REASON", "reason", FORMAT_PLAIN},
};

static const struct column head_columns[] = {
	{"session", "vpnConnectionId", FORMAT_PLAIN},
	{"state", "state", FORMAT_PLAIN},
	{"stopped at", "stoppedAt", FORMAT_PLAIN},
	{"ended by", "endedBy", FORMAT_PLAIN},
	{"reason", "reason", FORMAT_PLAIN},
	{"began", "began", FORMAT_PLAIN},
	{"from", "publicIpAddress", FORMAT_PLAIN},
	{"correlation", "correlationId", FORMAT_PLAIN},
	{"name dialled", "dialled", FORMAT_PLAIN},
	{"TLS", "tls", FORMAT_PLAIN},
	{"authentication", "authentication", FORMAT_PLAIN},
	{"user", "vpnUserName", FORMAT_PLAIN},
	{"certificate", "certThumbprint", FORMAT_PLAIN},
	{"app", "app", FORMAT_PLAIN},
	{"VNet", "vnet", FORMAT_PLAIN},
	{"address", "privateIpAddress", FORMAT_PLAIN},
};

static const struct column event_columns[] = {
	{"OFFSET", "offset", FORMAT_PLAIN},
	{"GAP", "gap", FORMAT_PLAIN},
	{"EVENT", "event", FORMAT_PLAIN},
	{"DETAIL", "detail", FORMAT_PLAIN},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* "0.3 ms", "12.4 s" */
static json_t *time_json(const json_t *us)
{
	double ms = (double)json_integer_value(us) / 1000;
	char text[TIME_TEXT_MAX];

	if (ms < 1000)
		snprintf(text, sizeof(text), "%.1f ms", ms);
	else
		snprintf(text, sizeof(text), "%.3f s", ms / 1000);
	return json_string(text);
}

static void print_events(const json_t *events)
{
	json_t *rows = json_array();
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		json_array_append_new(rows,
				      json_pack("{s:o, s:o, s:O, s:O}", "offset",
						time_json(json_object_get(event, "offsetUs")),
						"gap", time_json(json_object_get(event, "gapUs")),
						"event", json_object_get(event, "event"), "detail",
						json_object_get(event, "detail")));
	}
	table_print(stdout, 0, event_columns, COUNT(event_columns), rows);
	json_decref(rows);
}

/* What is not known has no line. */
static void print_head(const json_t *session)
{
	struct column known[COUNT(head_columns)];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(head_columns); i++)
		if (table_value(session, head_columns[i].path, strlen(head_columns[i].path)))
			known[n++] = head_columns[i];
	table_print_lines(stdout, 0, known, n, session);
}

/* The last one stands last, where whoever reads is. */
static void print_sessions(const json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *session = json_array_get(list, i);
		json_int_t forgotten =
			json_integer_value(json_object_get(session, "eventsForgotten"));

		print_head(session);
		putchar('\n');
		print_events(json_object_get(session, "events"));
		if (forgotten)
			printf("%lld older events of the gateway's own are not kept\n",
			       (long long)forgotten);
		if (i)
			putchar('\n');
	}
}

static int print(struct call *c, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "value");
	json_int_t untold = json_integer_value(json_object_get(answer, "untold"));

	if (!json_is_array(list))
		return view_fail_without("value");
	if (c->arguments[0])
		print_sessions(list);
	else
		table_print(stdout, 0, list_columns, COUNT(list_columns), list);
	if (untold && !c->arguments[0])
		printf("%lld that ended before they were authenticated were too many to be kept\n",
		       (long long)untold);
	return 0;
}

const struct view timeline_view = {.shape = VIEW_OWN, .print = print};

/* A number, or what session list shows. */
static bool is_session(const char *text)
{
	return strncasecmp(text, "SSTP_", 5) == 0 ||
	       (*text && strspn(text, "0123456789") == strlen(text));
}

/* A GUID, with braces or without; some clients leave out a part of theirs. */
static bool is_correlation(const char *text)
{
	return *text == '{' || (strlen(text) >= 20 && isxdigit((unsigned char)*text) &&
				strspn(text, "0123456789abcdefABCDEF") == 8 && text[8] == '-' &&
				strspn(text, "0123456789abcdefABCDEF-") == strlen(text));
}

static const char *key_of(const char *text)
{
	if (is_session(text))
		return "session";
	return is_correlation(text) ? "correlation" : "app";
}

/* 0 or the exit code of the complaint. */
static int check_found(const struct call *c, const json_t *answer)
{
	if (!c->arguments[0] || json_array_size(json_object_get(answer, "value")))
		return 0;
	return call_fail(EXIT_REFUSED,
			 "there is no time line of '%s': those of the last sessions are kept, in "
			 "the gateway's memory; sstpctl session list --ended shows older ones",
			 c->arguments[0]);
}

int session_timeline(struct call *c)
{
	char path[REQUEST_PATH_MAX] = "/v1/timelines";
	const char *text = c->arguments[0];
	json_t *answer = NULL;
	char *escaped;
	int code;

	if (text) {
		escaped = curl_easy_escape(NULL, text, 0);
		snprintf(path, sizeof(path), "/v1/timelines?%s=%s", key_of(text),
			 escaped ? escaped : "");
		curl_free(escaped);
	}
	code = request_send(c, "GET", path, NULL, &answer);
	if (code == 0)
		code = check_found(c, answer);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}
