/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PREFIX_LIST_H
#define SSTP_CONTROL_PREFIX_LIST_H
/* Prefixes of both families as bytes: for each a u8 family (4 or 6), a u8 length, and 4 or 16 bytes of address. */
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	PREFIX_LIST_ENTRY_MAX = 18 /* bytes of one */
};

/* 0 with owned bytes (free()), also for none; -ENOMEM. Borrows all. */
int prefix_list_encode(const struct prefix *prefixes, size_t n, uint8_t **ret_bytes,
		       size_t *ret_len);

/*
 * 0 with owned prefixes; -EBADMSG: something is none, or has bits behind its length; -E2BIG: more than max; -ENOMEM.
 */
int prefix_list_decode(const uint8_t *bytes, size_t len, size_t max, struct prefix **ret_prefixes,
		       size_t *ret_n);

#endif
