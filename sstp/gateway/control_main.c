/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/control_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/control/process.h"
#include "sstp/control/server.h"
#include "sstp/gateway/api.h"

static const char control_mode[] = "--control-process";

enum {
	ARG_MODE = 1,
	ARG_STATE,
	ARG_SOCKET,
	ARG_CONFIG,
	ARG_LEVEL,
	ARG_TARGET,
	ARG_BIRD,
};

int control_argv_init(struct control_argv *a, const struct gateway_config *config,
		      enum log_level level)
{
	*a = (struct control_argv){.state = strdup(config->state),
				   .socket = strdup(config->control_socket),
				   .bird = strdup(config->bird_socket),
				   .path = strdup(config->path)};
	snprintf(a->level, sizeof(a->level), "%d", (int)level);
	snprintf(a->target, sizeof(a->target), "%d", (int)config->log.target);
	a->argv[0] = "sstp-gateway";
	a->argv[ARG_MODE] = control_mode;
	a->argv[ARG_STATE] = a->state;
	a->argv[ARG_SOCKET] = a->socket;
	a->argv[ARG_CONFIG] = a->path;
	a->argv[ARG_LEVEL] = a->level;
	a->argv[ARG_TARGET] = a->target;
	a->argv[ARG_BIRD] = a->bird;
	return a->state && a->socket && a->bird && a->path ? 0 : -ENOMEM;
}

void control_argv_done(struct control_argv *a)
{
	free(a->state);
	free(a->socket);
	free(a->path);
	free(a->bird);
	*a = (struct control_argv){0};
}

static bool has_name(const struct gateway_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_names; i++)
		if (strcmp(config->names[i], name) == 0)
			return true;
	return false;
}

/* By the file as it is now: a reload may have brought other names. */
static bool may_certify(void *arg, const char *const *names, size_t n,
			struct certs_error *ret_error)
{
	const char *path = arg;
	struct gateway_config *config;
	struct conf_error error;
	size_t i = 0;

	if (gateway_config_load(path, &config, &error) < 0) {
		certs_fail(ret_error, -EINVAL, "%.380s", error.text);
		return false;
	}
	while (i < n && has_name(config, names[i]))
		i++;
	if (i < n)
		certs_fail(ret_error, -EACCES, "'%.64s' is none of the 'names' in %.200s", names[i],
			   path);
	gateway_config_free(config);
	return i == n;
}

/* By the file as it is now, as well. */
static int load_api_of(void *arg, struct tcp_front_settings *ret_settings,
		       struct certs_error *ret_error)
{
	struct gateway_config *config;
	struct conf_error error;
	int r;

	if (gateway_config_load(arg, &config, &error) < 0)
		return certs_fail(ret_error, -EINVAL, "%.380s", error.text);
	r = api_open(config, ret_settings, ret_error);
	gateway_config_free(config);
	return r;
}

bool control_main(int argc, char **argv, int *ret_code)
{
	struct server_params params = {
		.fd = PROCESS_FD, .may_certify = may_certify, .load_api = load_api_of};

	if (argc != CONTROL_ARGC || strcmp(argv[ARG_MODE], control_mode) != 0)
		return false;
	params.state = argv[ARG_STATE];
	params.socket = argv[ARG_SOCKET];
	params.bird_socket = argv[ARG_BIRD];
	params.arg = argv[ARG_CONFIG];
	log_open("sstp-gateway", (enum log_target)atoi(argv[ARG_TARGET]),
		 (enum log_level)atoi(argv[ARG_LEVEL]));
	*ret_code = server_run(&params);
	return true;
}
