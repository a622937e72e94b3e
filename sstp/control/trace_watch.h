/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TRACE_WATCH_H
#define SSTP_CONTROL_TRACE_WATCH_H
/* The sockets of a PARENT_WATCH: what they have seen of a probe, and what the gateway's own met. */
#include "sstp/control/trace_words.h"

/* All packets that wait in fd, a packet socket whose filter lets only this probe through. */
void trace_watch_read(int fd, const struct prefix *target, struct trace_seen *seen);

/*
 * What the gateway's own probe met so far; TRACE_SAID_SILENCE: nothing. own: the identifier of its echo; port 0: it is one.
 */
enum trace_said trace_watch_own(int fd, uint8_t family, uint16_t port, uint16_t own);

#endif
