/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_REASON_H
#define SSTP_PPP_REASON_H
/* Why something ended: one sentence; the first one that is given stays. */
#include <stddef.h>

enum {
	REASON_MAX = 192,
};

struct reason {
	char text[REASON_MAX];
};

/* What the peer said (peer_text, len bytes, may be 0) is added escaped, cut to fit. */
void reason_set(struct reason *r, const char *sentence, const void *peer_text, size_t len);

#endif
