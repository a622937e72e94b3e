/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_GATEWAY_H
#define SSTP_GATEWAY_GATEWAY_H
/*
 * The running gateway: what a configuration becomes. A reload is all or nothing: everything that can fail is
 * made from the new configuration first, and only then the old is replaced.
 */
#include "sstp/gateway/config.h"
#include "sstp/net/loop.h"
#include "sstp/session/dataplane.h"

enum {
	GATEWAY_ERROR_MAX = CONF_ERROR_MAX
};

struct gateway;

/* Brings everything up as config says (takes it, also on failure). 0 with an owned gateway, or -errno and a sentence. */
int gateway_new(struct loop *loop, struct gateway_config *config, struct gateway **ret_gateway,
		char ret_error[GATEWAY_ERROR_MAX]);

/* Cuts what is left. Takes NULL. */
void gateway_free(struct gateway *g);

/* Loads the same file again and applies it; on failure nothing has changed. 0 or -errno and a sentence. */
int gateway_reload(struct gateway *g, char ret_error[GATEWAY_ERROR_MAX]);

/* What is in effect. Borrowed until the next reload. */
const struct gateway_config *gateway_config(const struct gateway *g);

/* Disconnects every client, then calls done(arg); after 6 s at the latest. */
void gateway_stop(struct gateway *g, void (*done)(void *arg), void *arg);

void gateway_log_stats(struct gateway *g);

/* Verifies what loading a configuration cannot see: the certificate and its key. 0 or -errno and a sentence. */
int gateway_check(struct gateway_config *config, char ret_error[GATEWAY_ERROR_MAX]);

#endif
