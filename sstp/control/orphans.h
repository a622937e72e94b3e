/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_ORPHANS_H
#define SSTP_CONTROL_ORPHANS_H
/*
 * Tokens of connections that are no more are taken back: who finds one cannot enrol an app that nobody
 * wants connected. Certificates are not revoked: without a connection they let nobody in, and with a new
 * connection of the app they do again.
 *
 * Each token that is dropped writes the whole authority (authority.h): a few at a time, then others
 * have their turn.
 */
#include "certs/authority.h"
#include "sstp/control/model.h"

enum {
	ORPHANS_AT_ONCE = 16
};

/* 1: there may be more; 0: there are none any more; -errno with a sentence. */
int orphans_drop(struct model *model, struct authority *authority, int64_t now,
		 struct certs_error *ret_error);

#endif
