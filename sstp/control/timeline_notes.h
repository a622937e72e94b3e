/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TIMELINE_NOTES_H
#define SSTP_CONTROL_TIMELINE_NOTES_H
/*
 * What control does to sessions, noted in their time lines (timeline.h): read off what it tells the data plane, so that no
 * way of doing it is forgotten, and off the answers about certificates.
 */
#include "sstp/control/timeline.h"

struct front_reply;
struct front_request;

/* A frame on its way to the data plane; who: on whose word (borrowed), NULL: control's own. Other kinds change nothing. */
void timeline_notes_on_frame(struct timelines *t, const uint8_t *frame, size_t len, const char *who,
			     int64_t now_us);

/* A request that was answered; one that is not about revoking certificates changes nothing. */
void timeline_notes_on_answer(struct timelines *t, const struct front_request *request,
			      const struct front_reply *reply, int64_t now_us);

#endif
