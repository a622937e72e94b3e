/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstpctl: what an operator does with a gateway. A noun, a verb, its arguments: each is a row of a
 * table (verbs.c), and as a rule one request to the control process.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/sstpctl/client.h"
#include "tools/sstpctl/complete.h"
#include "tools/sstpctl/request.h"
#include "tools/sstpctl/verbs.h"
#include "tools/sstpctl/view.h"

static int run(int argc, char **argv)
{
	struct client *client = NULL;
	struct call c;
	int code = call_parse(&verbs_table, argc, argv, &c);

	if (code < 0)
		code = view_check(&c);
	if (code >= 0)
		return code;
	c.client = &client;
	code = c.verb->run ? c.verb->run(&c) : request_run(&c);
	client_free(client);
	return code;
}

int main(int argc, char **argv)
{
	int code;

	argv[0] = (char *)"sstpctl"; /* what complains is called so */
	if (argc > 1 && !strcmp(argv[1], COMPLETE_COMMAND))
		code = complete_run(&verbs_table, argc - 2, argv + 2);
	else
		code = run(argc, argv);
	if (fflush(stdout) != 0 && !code)
		return call_fail(EXIT_REFUSED, "standard output: %s", strerror(errno));
	return code;
}
