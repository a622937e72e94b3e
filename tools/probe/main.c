/* SPDX-License-Identifier: Apache-2.0 */
/* sstp-probe: what a Windows client would say of an SSTP server. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/probe/probe.h"

enum {
	EXIT_USAGE = 2,
	OPT_NAME = 256,
	OPT_CACERT,
	OPT_JSON,
};

static const char usage[] =
	"Usage: sstp-probe [OPTION...] HOST[:PORT]\n"
	"\n"
	"Connects to an SSTP server as a Windows client does, without a password, and says\n"
	"what that client would report, and what to do. The port is 443 by default; an IPv6\n"
	"address with a port stands in brackets.\n"
	"\n"
	"      --name NAME     what the client dials, where HOST is only where it is\n"
	"      --cacert FILE   roots that the client trusts, PEM, instead of the system's\n"
	"      --json          print one JSON object\n"
	"  -V, --version\n"
	"  -h, --help          print this and end\n"
	"\n"
	"The exit status is 0 when Windows would connect, 1 when it would not, 2 when the\n"
	"command line is wrong. See sstp-probe(1).\n";

struct command {
	struct probe_params params;
	const char *target;
	const char *cacert; /* NULL: the system's */
	bool as_json;
};

static const struct option options[] = {
	{"name", required_argument, NULL, OPT_NAME},
	{"cacert", required_argument, NULL, OPT_CACERT},
	{"json", no_argument, NULL, OPT_JSON},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int complain(const char *why)
{
	fprintf(stderr, "sstp-probe: %s; see sstp-probe --help\n", why);
	return EXIT_USAGE;
}

/* NULL, or what is wrong; *ret_done: nothing is left to be done. */
static const char *take(int option, struct command *c, bool *ret_done)
{
	switch (option) {
	case OPT_NAME:
		c->params.name = optarg;
		return hostname_kind(optarg) == HOSTNAME_INVALID
			       ? "NAME must be a name or an address"
			       : NULL;
	case OPT_CACERT: c->cacert = optarg; return NULL;
	case OPT_JSON: c->as_json = true; return NULL;
	case 'V': puts("sstp-probe " SSTP_VERSION); break;
	case 'h': fputs(usage, stdout); break;
	default: return "an option is wrong";
	}
	*ret_done = true;
	return NULL;
}

/* -1, or the exit status. */
static int parse(int argc, char **argv, struct command *c)
{
	const char *why = NULL;
	bool is_done = false;
	int option;

	opterr = 0;
	while (!why && !is_done && (option = getopt_long(argc, argv, "Vh", options, NULL)) != -1)
		why = take(option, c, &is_done);
	if (is_done)
		return EXIT_SUCCESS;
	if (!why && argc - optind != 1)
		why = "it takes one HOST[:PORT]";
	if (!why && !hostname_split(argv[optind], c->params.host, &c->params.port))
		why = "HOST[:PORT] must be a name or an address, and a port from 1 to 65535";
	if (why)
		return complain(why);
	c->target = argv[optind];
	if (!c->params.name)
		c->params.name = c->params.host;
	return -1;
}

static X509_STORE *load_roots(const char *cacert)
{
	X509_STORE *roots = X509_STORE_new();

	if (roots && (cacert ? X509_STORE_load_file(roots, cacert)
			     : X509_STORE_set_default_paths(roots)) == 1)
		return roots;
	X509_STORE_free(roots);
	return NULL;
}

static void print_json(const struct report *report, const char *target)
{
	json_t *o = report_json(report, target);

	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

int main(int argc, char **argv)
{
	struct command c = {0};
	static struct report report;
	int status = parse(argc, argv, &c);

	if (status >= 0)
		return status;
	c.params.roots = load_roots(c.cacert);
	if (!c.params.roots)
		return complain(c.cacert ? "FILE of --cacert holds no certificate in PEM"
					 : "the system's roots cannot be read");
	signal(SIGPIPE, SIG_IGN);
	probe_run(&c.params, &report);
	if (c.as_json)
		print_json(&report, c.target);
	else
		report_print(&report, c.target, stdout);
	X509_STORE_free(c.params.roots);
	return report.is_bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
