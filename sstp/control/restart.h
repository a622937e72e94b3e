/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_RESTART_H
#define SSTP_CONTROL_RESTART_H
/*
 * Sync network as the original does it. By itself a sync changes tunnels under their apps' feet, without
 * an outage. With {"restart": true} in its body, or ?restart=true, each session of the plan's apps in that
 * VNet is ended behind the sync, and its worker told to restart the app.
 */
#include <stdbool.h>

#include "sstp/control/front.h"
#include "sstp/control/model.h"

/* Whether the request is a sync that wants it. False, with the refusal in ret_reply: its body or query is wrong. */
bool restart_read(const struct front_request *request, bool *ret_is_wanted,
		  struct front_reply *ret_reply);

/*
 * Once that sync is done, and told: a DISCONNECT for each app; send as in push.h. How many, or -errno
 * with a sentence.
 */
int restart_apps(struct model *model, const struct front_request *request,
		 int (*send)(void *arg, uint8_t *frame, size_t len), void *arg,
		 struct certs_error *ret_error);

#endif
