/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_OPTIONS_H
#define SSTP_WORKER_OPTIONS_H
/*
 * The command line of sstp-worker, as the same raw settings that a file gives. Private to config.
 */
#include "sstp/worker/config.h"
#include "sstp/worker/config_schema.h"

struct worker_options {
	const char *config; /* path, or NULL */
	bool check;
	char **app;		 /* NULL: none */
	struct worker_raw given; /* texts borrowed from argv, the rest points into this struct */
	char *routes[WORKER_ROUTES_MAX];
	bool yes;
	bool no;
	bool eap_mschapv2;
	uint32_t mtu;
	uint32_t connect_timeout;
	int32_t congestion;
	int32_t restart_app;
	int32_t log_level;
	int32_t log_target;
};

/*
 * Fills *ret_options, which must stay where it is. Returns 0; 1: --help or --version was printed;
 * -EINVAL with ret_error filled.
 */
int worker_options_parse(int argc, char **argv, struct worker_options *ret_options,
			 struct conf_error *ret_error);

#endif
