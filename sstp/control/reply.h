/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_REPLY_H
#define SSTP_CONTROL_REPLY_H
/* How a refusal looks: {"error": {"code", "message", "target"?}}, as the original's. */

struct front_reply;

/* target: what it is about, within a body; NULL: left out. */
void reply_refuse(struct front_reply *r, int status, const char *message, const char *target);

#endif
