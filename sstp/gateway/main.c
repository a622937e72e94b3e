/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstp-gateway: which of its processes this is (parent.h, data.h, control_main.h); and for the first of them options and
 * configuration.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "sstp/base/log.h"
#include "sstp/control/model.h"
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
	char path[PATH_MAX];
	struct certs_error e;
	int r;

	snprintf(path, sizeof(path), "%s/model.sqlite", config->state);
	r = model_restore(path, file, &e);
	if (r < 0)
		fprintf(stderr, "%s%s\n", e.text, r == -EAGAIN ? ": stop the gateway first" : "");
	else
		printf("%s is what was in %s\n", path, file);
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
