/* SPDX-License-Identifier: Apache-2.0 */
/* nameresolver: what a name is to an app, and who says so; see tools/common/lookup.h. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/nameresolver/report.h"

enum {
	EXIT_USAGE = 2
};

static const char usage[] =
	"Usage: nameresolver [OPTION...] HOST [SERVER]\n"
	"\n"
	"Looks HOST up as an app does, by /etc/hosts and then by the servers of /etc/resolv.conf "
	"in their order,\n"
	"3 s for each, and says who has answered. With SERVER, an address, only there.\n"
	"\n"
	"  -4, -6        IPv4 addresses only, or IPv6 addresses only\n"
	"      --crlf    lines end with CR and LF\n"
	"      --json    print JSON\n"
	"  -V, --version\n"
	"  -h, --help    print this and end\n"
	"\n"
	"The exit status is 0 when there is an address, 1 when there is none, 2 when the command "
	"line is wrong.\n"
	"See nameresolver(1).\n";

struct run {
	struct lookup_params params;
	struct line_writer out;
	bool as_json;
};

static int complain(const char *why)
{
	fprintf(stderr, "nameresolver: %s; see nameresolver --help\n", why);
	return EXIT_USAGE;
}

enum {
	OPT_CRLF = 256,
	OPT_JSON,
};

static const struct option options[] = {
	{"crlf", no_argument, NULL, OPT_CRLF},
	{"json", no_argument, NULL, OPT_JSON},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* -1: go on; else the exit status. */
static int take(int option, struct run *r)
{
	switch (option) {
	case '4': r->params.family = AF_INET; return -1;
	case '6': r->params.family = AF_INET6; return -1;
	case OPT_CRLF: r->out.crlf = true; return -1;
	case OPT_JSON: r->as_json = true; return -1;
	case 'V': puts("nameresolver " SSTP_VERSION); return EXIT_SUCCESS;
	case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
	default: return complain("an option is wrong");
	}
}

static int parse(int argc, char **argv, struct run *r)
{
	int option, status = -1;

	opterr = 0;
	while (status < 0 && (option = getopt_long(argc, argv, "46Vh", options, NULL)) != -1)
		status = take(option, r);
	if (status >= 0)
		return status;
	if (argc - optind < 1 || argc - optind > 2 || !*argv[optind])
		return complain("it takes one HOST");
	r->params.name = argv[optind];
	r->params.server = argc - optind == 2 ? argv[optind + 1] : NULL;
	return -1;
}

int main(int argc, char **argv)
{
	struct run r = {.params = {.family = AF_UNSPEC}, .out = {.f = stdout}};
	int error, status = parse(argc, argv, &r);
	static struct lookup l;

	if (status >= 0)
		return status;
	error = lookup_run(&r.params, &l);
	if (error < 0)
		return complain(error == -EINVAL ? "SERVER must be an address" : "out of memory");
	if (r.as_json) {
		report_print_json(stdout, &l, r.params.name);
	} else {
		report_print_trouble(stderr, &l);
		report_print(&r.out, &l, r.params.name);
	}
	return l.n_addresses ? EXIT_SUCCESS : EXIT_FAILURE;
}
