/* SPDX-License-Identifier: Apache-2.0 */
/* Why a destination is reached, or is not. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

static const struct column columns[] = {
	{"STEP", "step", FORMAT_PLAIN},
	{"RESULT", "result", FORMAT_PLAIN},
	{"FINDING", "finding", FORMAT_PLAIN},
};

static const char *text_of(const json_t *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(answer, key));

	return text ? text : "";
}

static int print(struct call *c, const json_t *answer)
{
	const json_t *cause;
	size_t i;

	table_print(stdout, 0, columns, sizeof(columns) / sizeof(columns[0]),
		    json_object_get(answer, "steps"));
	printf("\n%s: %s\n", text_of(answer, "verdict"), text_of(answer, "message"));
	json_array_foreach(json_object_get(answer, "causes"), i, cause)
		printf("  %zu. %s\n", i + 1, json_string_value(cause));
	return 0;
}

const struct view explain_view = {.shape = VIEW_OWN, .print = print};

/* "explain APP TARGET", or "explain --from-vnet VNET TARGET". */
int explain_run(struct call *c)
{
	const char *vnet = c->options[OPTION_FROM_VNET];
	const char *target = c->arguments[vnet ? 0 : 1];
	char path[REQUEST_PATH_MAX];
	json_t *answer = NULL;
	char *escaped;
	int code;

	if (!target || (vnet && c->arguments[1]))
		return call_fail(EXIT_USAGE, "explain takes an app and HOST[:PORT], or --from-vnet "
					     "VNET and HOST[:PORT]");
	escaped = curl_easy_escape(NULL, target, 0);
	snprintf(path, sizeof(path), "%s/explain?target=%s", vnet ? "{/FROM-VNET}" : "{/APP}",
		 escaped ? escaped : "");
	curl_free(escaped);
	code = request_send(c, "GET", path, NULL, &answer);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}
