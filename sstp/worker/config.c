/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/conf_file.h"
#include "sstp/worker/config_load.h"
#include "sstp/worker/options.h"

static void raw_free(struct worker_raw *raw)
{
	if (raw && raw->password)
		secret_wipe_bytes(raw->password, strlen(raw->password));
	conf_free(&worker_schema, raw);
}

static int load(const struct worker_options *o, struct worker_config *config, struct conf_error *e)
{
	static const struct worker_raw nothing;
	const struct worker_raw *file;
	void *raw = NULL;
	int r = o->config ? conf_load(o->config, &worker_schema, &raw, e) : 0;

	file = raw ? raw : &nothing;
	if (!r)
		r = worker_load(o->config, &o->given, file, config, e);
	if (!r && file->password && !config->password_file && conf_file_is_exposed(o->config))
		log_warning("%s holds a password and every user can read it: chmod o-r", o->config);
	if (raw)
		raw_free(raw);
	return r;
}

static int finish(const struct worker_options *o, struct worker_config *config,
		  struct conf_error *e)
{
	if (config->password_file && conf_file_is_exposed(config->password_file))
		log_warning("%s is a password and every user can read it: chmod o-r",
			    config->password_file);
	if (o->check) {
		worker_config_print(stdout, config);
		return 1;
	}
	config->app = o->app;
	if (!config->app && config->netns_mode == WORKER_NETNS_OWN)
		return conf_fail_plain(e, "a network namespace of its own needs an APP to run in "
					  "it; see --help");
	return 0;
}

int worker_config_parse(int argc, char **argv, struct worker_config **ret_config,
			struct conf_error *ret_error, int *ret_exit)
{
	struct worker_options options;
	struct worker_config *config = calloc(1, sizeof(*config));
	int r = -ENOMEM;

	if (!config)
		conf_fail_plain(ret_error, "out of memory");
	else
		r = worker_options_parse(argc, argv, &options, ret_error);
	if (!r)
		r = load(&options, config, ret_error);
	if (!r)
		r = finish(&options, config, ret_error);
	if (!r) {
		*ret_config = config;
		return 0;
	}
	worker_config_free(config);
	*ret_exit = r == -ENOMEM ? WORKER_EXIT_INTERNAL : r < 0 ? WORKER_EXIT_USAGE : 0;
	return r;
}

void worker_config_free(struct worker_config *config)
{
	if (!config)
		return;
	secret_wipe(&config->password);
	profile_done(&config->profile);
	free(config->profile_path);
	free(config->gateway_host);
	free(config->user);
	free(config->password_file);
	free(config->ca);
	free(config->vnet_name);
	free(config->netns);
	free(config->routes);
	free(config->on_event);
	free(config->tun);
	free(config);
}
