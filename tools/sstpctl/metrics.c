/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, as those who collect it get it. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"
#include "tools/sstpctl/view.h"

static int print_metrics(struct call *c, const json_t *answer)
{
	const char *text = json_string_value(answer);

	(void)c;
	if (!text)
		return call_fail(EXIT_REFUSED,
				 "the gateway does not speak as expected: no metrics");
	fputs(text, stdout);
	return 0;
}

const struct view metrics_view = {.shape = VIEW_OWN, .print = print_metrics};

/* As Prometheus gets it; in JSON or YAML sample by sample. */
int metrics_run(struct call *c)
{
	json_t *answer = NULL;
	int code = request_send(c, "GET", c->output == OUTPUT_TABLE ? "/metrics" : "/v1/metrics",
				NULL, &answer);

	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}
