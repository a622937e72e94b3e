/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstp-gateway: which of its processes this is (parent.h, data.h, control_main.h); and for the first of them options and
 * configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sstp/base/log.h"
#include "sstp/control/backups.h"
#include "sstp/gateway/control_main.h"
#include "sstp/gateway/data.h"
#include "sstp/gateway/gateway.h"
#include "sstp/gateway/options.h"
#include "sstp/gateway/parent.h"

static int check(struct gateway_config *config)
{
	char error[GATEWAY_ERROR_MAX];
	int r = gateway_check(config, error);

	if (r < 0)
		fprintf(stderr, "%s\n", error);
	else
		gateway_config_print(stdout, config);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int restore(const struct gateway_config *config, const char *file)
{
	bool has_authority;
	struct certs_error e;
	int r = backups_restore(config->state, file, &has_authority, &e);

	if (r < 0)
		fprintf(stderr, "%s%s\n", e.text,
			r == -EAGAIN || r == -EBUSY ? ": stop the gateway first" : "");
	else if (has_authority)
		printf("%s is what was in %s, with the authority and its keys\n", config->state,
		       file);
	else
		printf("plans, apps and networks in %s are what was in %s, which has no authority: "
		       "keys and "
		       "certificates stay as they are\n",
		       config->state, file);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int load_and_run(const struct gateway_options *options)
{
	struct parent_set set;
	struct conf_error error;
	int code;

	log_open("sstp-gateway", LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	if (parent_set_load(options->config, &set, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return EXIT_FAILURE;
	}
	if (options->check || options->restore) {
		code = options->check ? check(set.config) : restore(set.config, options->restore);
		parent_set_done(&set);
		return code;
	}
	parent_open_log(options, set.config);
	return parent_run(options, &set);
}

int main(int argc, char **argv)
{
	struct gateway_options options;
	struct conf_error error;
	int code;
	int r;

	if (control_main(argc, argv, &code) || data_main(argc, argv, &code))
		return code;
	r = gateway_options_parse(argc, argv, &options, &error);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r < 0) {
		fprintf(stderr, "sstp-gateway: %s\n", error.text);
		return GATEWAY_EXIT_USAGE;
	}
	return load_and_run(&options);
}
