/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_CONFIG_LOAD_H
#define SSTP_WORKER_CONFIG_LOAD_H
/* From raw settings to resolved ones. Private to config. */
#include "sstp/worker/config.h"
#include "sstp/worker/config_schema.h"

/*
 * Fills config from cli and file (borrowed, of zeros when there is none; path is the file's, or
 * NULL), all but the app. 0 or -errno with ret_error filled; what was filled stays for
 * worker_config_free().
 */
int worker_load(const char *path, const struct worker_raw *cli, const struct worker_raw *file,
		struct worker_config *config, struct conf_error *ret_error);

#endif
