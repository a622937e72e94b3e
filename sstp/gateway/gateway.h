/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_GATEWAY_H
#define SSTP_GATEWAY_GATEWAY_H
/*
 * The running data plane: what a configuration becomes. A reload is all or nothing: everything that can fail is
 * made from the new configuration first, and only then the old is replaced.
 */
#include "sstp/gateway/config.h"
#include "sstp/gateway/parent_ask.h"
#include "sstp/gateway/pem_files.h"
#include "sstp/net/loop.h"
#include "sstp/session/dataplane.h"

enum {
	GATEWAY_ERROR_MAX = CONF_ERROR_MAX
};

struct gateway;

/*
 * A gateway that does nothing yet. loop and parent are borrowed; config and files (certificates_read()) for the call. 0 with
 * what is owned, or -errno and a sentence.
 */
int gateway_new(struct loop *loop, struct parent_ask *parent, const struct gateway_config *config,
		const struct pem_files *files, struct gateway **ret_gateway,
		char ret_error[GATEWAY_ERROR_MAX]);

/* As control_attach(): takes fd. At any time, also while it starts. */
void gateway_attach_control(struct gateway *g, int fd);

/*
 * Brings everything up as config says (takes it, also on failure), the same as in gateway_new(). Runs the loop until control
 * has said its first words. Once. 0, or -errno and a sentence: it cannot be used any more.
 */
int gateway_start(struct gateway *g, struct gateway_config *config, const struct pem_files *files,
		  char ret_error[GATEWAY_ERROR_MAX]);

/* Cuts what is left. Takes NULL. */
void gateway_free(struct gateway *g);

/*
 * Applies another configuration (takes it, also on failure), of which the parent has seen that it needs no restart; on
 * failure nothing has changed. 0 or -errno and a sentence.
 */
int gateway_reload(struct gateway *g, struct gateway_config *config, const struct pem_files *files,
		   char ret_error[GATEWAY_ERROR_MAX]);

/* What is in the files of its certificates now. Logs what becomes of it. 0, or -errno and the former stay. */
int gateway_set_certificates(struct gateway *g, const struct pem_files *files,
			     char ret_error[GATEWAY_ERROR_MAX]);

/* Disconnects every client, then calls done(arg); after 6 s at the latest. */
void gateway_stop(struct gateway *g, void (*done)(void *arg), void *arg);

void gateway_log_stats(struct gateway *g);

/* Verifies what loading a configuration cannot see: the certificate and its key. 0 or -errno and a sentence. */
int gateway_check(struct gateway_config *config, char ret_error[GATEWAY_ERROR_MAX]);

#endif
