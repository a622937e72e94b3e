/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sstp-gateway: options, configuration, signals; the rest is gateway.c's.
 *
 *   SIGHUP            reload; live sessions are not touched
 *   SIGUSR1           log the counters
 *   SIGTERM, SIGINT   disconnect every client, then end
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sstp/base/log.h"
#include "sstp/gateway/control.h"
#include "sstp/gateway/gateway.h"
#include "sstp/gateway/options.h"

struct daemon {
	const struct gateway_options *options;
	struct loop *loop;
	struct gateway *gateway;
	bool stopping;
};

static void on_stopped(void *arg)
{
	struct daemon *d = arg;

	loop_stop(d->loop);
}

static void on_signal_stop(void *arg, int signo)
{
	struct daemon *d = arg;

	if (d->stopping) { /* the second one means now */
		loop_stop(d->loop);
		return;
	}
	d->stopping = true;
	log_info("%s: disconnecting every client", strsignal(signo));
	gateway_stop(d->gateway, on_stopped, d);
}

/* The command line's level goes over the file's. */
static void open_log(const struct gateway_options *options, const struct gateway_config *config)
{
	enum log_level level = options->has_log_level ? options->log_level : config->log.level;

	if (log_open("sstp-gateway", config->log.target, level) < 0)
		log_warning("journald cannot be reached: logging to standard error");
}

static void on_signal_reload(void *arg, int signo)
{
	struct daemon *d = arg;
	char error[GATEWAY_ERROR_MAX];

	if (gateway_reload(d->gateway, error) < 0) {
		log_error("reload refused, nothing has changed: %s", error);
		return;
	}
	open_log(d->options, gateway_config(d->gateway));
	log_info("reloaded");
}

static void on_signal_stats(void *arg, int signo)
{
	struct daemon *d = arg;

	gateway_log_stats(d->gateway);
}

/* Secrets stay out of core dumps; every descriptor that the system allows can be a session. */
static void set_process_limits(void)
{
	struct rlimit files;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int watch_signals(struct daemon *d)
{
	int r = loop_on_signal(d->loop, SIGTERM, on_signal_stop, d);

	if (r == 0)
		r = loop_on_signal(d->loop, SIGINT, on_signal_stop, d);
	if (r == 0)
		r = loop_on_signal(d->loop, SIGHUP, on_signal_reload, d);
	if (r == 0)
		r = loop_on_signal(d->loop, SIGUSR1, on_signal_stats, d);
	return r;
}

static int run(const struct gateway_options *options, struct gateway_config *config)
{
	struct daemon d = {.options = options, .loop = loop_new()};
	char error[GATEWAY_ERROR_MAX];
	int r;

	if (!d.loop) {
		log_error("cannot make an event loop: %m");
		gateway_config_free(config);
		return EXIT_FAILURE;
	}
	r = gateway_new(d.loop, config, &d.gateway, error);
	if (r < 0) {
		log_error("%s", error);
		loop_free(d.loop);
		return EXIT_FAILURE;
	}
	r = watch_signals(&d);
	if (r == 0)
		r = loop_run(d.loop);
	gateway_log_stats(d.gateway);
	gateway_free(d.gateway);
	loop_free(d.loop);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check(struct gateway_config *config)
{
	char error[GATEWAY_ERROR_MAX];
	int r = gateway_check(config, error);

	if (r < 0)
		fprintf(stderr, "%s\n", error);
	else
		gateway_config_print(stdout, config);
	gateway_config_free(config);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct gateway_options options;
	struct gateway_config *config;
	struct conf_error error;
	int code;
	int r;

	if (control_main(argc, argv, &code))
		return code;
	r = gateway_options_parse(argc, argv, &options, &error);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r < 0) {
		fprintf(stderr, "sstp-gateway: %s\n", error.text);
		return GATEWAY_EXIT_USAGE;
	}
	log_open("sstp-gateway", LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	if (gateway_config_load(options.config, &config, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return EXIT_FAILURE;
	}
	if (options.check)
		return check(config);
	open_log(&options, config);
	set_process_limits();
	signal(SIGPIPE, SIG_IGN);
	return run(&options, config);
}
