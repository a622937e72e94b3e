/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_LATER_H
#define SSTP_CONTROL_LATER_H
/*
 * Messages of the data plane for which it is too early, in the order in which they came. Limit: LATER_BYTES_MAX; one
 * that is too many is refused.
 */
#include <stdint.h>

#include "sstp/control/msg.h"

enum {
	LATER_BYTES_MAX = 16 << 20 /* what 10,000 sessions tell in half a minute */
};

struct later;

struct later_message {
	enum msg_kind kind;
	int64_t at; /* when it came, seconds since 1970 */
	const uint8_t *payload;
	size_t len;
};

/* Returns owned; NULL without memory. */
struct later *later_new(void);
/* Takes NULL. */
void later_free(struct later *l);

/* Copies the payload. 0; -ENOSPC: over the limit; -ENOMEM. */
int later_add(struct later *l, const struct later_message *m);

/* The oldest one, borrowed until it is dropped; false: there is none. */
bool later_first(const struct later *l, struct later_message *ret_message);
void later_drop_first(struct later *l);

#endif
