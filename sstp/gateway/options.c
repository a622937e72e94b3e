/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "sstp/base/conf_log.h"
#include "sstp/base/conf_option.h"

static const char usage[] =
	"Usage: sstp-gateway [--config FILE] [--check | --restore FILE] [--log-level LEVEL]\n"
	"\n"
	"Terminates SSTP tunnels and forwards between their clients and virtual networks.\n"
	"\n"
	"  -c, --config FILE      configuration (default " SSTP_GATEWAY_CONFIG ")\n"
	"  -n, --check            verify the configuration, print what is in effect, and end\n"
	"  -r, --restore FILE     take all that a backup holds in place of what there is, and end; "
	"while "
	"none runs\n"
	"  -l, --log-level LEVEL  error, warning, info or debug; goes over the configuration\n"
	"  -V, --version          print the version and end\n"
	"  -h, --help             print this and end\n"
	"\n"
	"See sstp-gateway(8).\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, 'n'},
	{"restore", required_argument, NULL, 'r'},
	{"log-level", required_argument, NULL, 'l'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int parse_log_level(const char *text, struct gateway_options *o, struct conf_error *e)
{
	int level;
	int r = conf_word_parse("--log-level", text, conf_log_levels,
				CYAML_ARRAY_LEN(conf_log_levels), &level, e);

	if (r)
		return r;
	o->has_log_level = true;
	o->log_level = (enum log_level)level;
	return 0;
}

static int take(int option, char **argv, struct gateway_options *o, struct conf_error *e)
{
	switch (option) {
	case 'c': o->config = optarg; return 0;
	case 'n': o->check = true; return 0;
	case 'r': o->restore = optarg; return 0;
	case 'l': return parse_log_level(optarg, o, e);
	case 'V': puts("sstp-gateway " SSTP_VERSION); return 1;
	case 'h': fputs(usage, stdout); return 1;
	default: return conf_option_fail(option, argv, e);
	}
}

int gateway_options_parse(int argc, char **argv, struct gateway_options *ret_options,
			  struct conf_error *ret_error)
{
	struct gateway_options o = {.config = SSTP_GATEWAY_CONFIG};
	int option;
	int r = 0;

	optind = 0; /* start anew, also in a second call */
	while (!r && (option = getopt_long(argc, argv, "+:c:nr:l:Vh", options, NULL)) != -1)
		r = take(option, argv, &o, ret_error);
	if (r)
		return r;
	if (optind < argc)
		return conf_fail_plain(ret_error, "unexpected argument '%s'; see --help",
				       argv[optind]);
	*ret_options = o;
	return 0;
}
