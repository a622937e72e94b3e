/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a configuration and prints what is in effect, or what is wrong, as the daemons' --check does:
 * `config_check gateway FILE`, `config_check worker ARGUMENT...`.
 */
#include <stdio.h>
#include <string.h>

#include "sstp/gateway/config.h"
#include "sstp/worker/config.h"

static int check_gateway(const char *path)
{
	struct gateway_config *config;
	struct conf_error error;

	if (gateway_config_load(path, &config, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	gateway_config_print(stdout, config);
	gateway_config_free(config);
	return 0;
}

static int check_worker(int argc, char **argv)
{
	struct worker_config *config;
	struct conf_error error;
	int code = 0;
	int r = worker_config_parse(argc, argv, &config, &error, &code);

	if (r < 0)
		fprintf(stderr, "%s\n", error.text);
	if (r)
		return code;
	worker_config_print(stdout, config);
	worker_config_free(config);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "gateway"))
		return check_gateway(argv[2]);
	if (argc >= 2 && !strcmp(argv[1], "worker"))
		return check_worker(argc - 1, argv + 1);
	fprintf(stderr, "usage: config_check gateway FILE | worker ARGUMENT...\n");
	return 2;
}
