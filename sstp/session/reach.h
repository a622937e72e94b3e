/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_REACH_H
#define SSTP_SESSION_REACH_H
/*
 * What the clients of a virtual network may reach, as the control process has worked it out: prefixes of both families, each
 * with a verdict. A list is made once, in the control thread, and then only read; it is counted there, without atomics. The
 * book knows them by the names of their VNets, which may not be there yet, or may be made anew: a VNet without a list has
 * its address spaces instead.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	REACH_MAX = 1 << 17, /* prefixes of a list; a full one takes about 2.5 MB */
	REACH_BOOK_MAX = 128 /* VNets that have one */
};

enum reach_verdict {
	REACH_VNET,    /* by all clients of the VNet; by an app, if its connection has it too */
	REACH_OPEN,    /* by everybody */
	REACH_REFUSED, /* by nobody, and nothing comes from there: a peering forbids it */
	REACH_NONE, /* nothing is said of it, whatever is said of what it is in: an app is told by its connection */
	REACH_VERDICTS
};

struct reach_route {
	struct prefix prefix;
	uint8_t verdict; /* enum reach_verdict */
};

struct reach;

/* Returns owned, and empty; NULL without memory. */
struct reach *reach_new(void);
/* Before anybody else has it. 0; -ENOMEM; -E2BIG: it is full; -EINVAL: one has no verdict that there is. */
int reach_add(struct reach *r, const struct reach_route *routes, size_t n);
/* Returns r. */
struct reach *reach_ref(struct reach *r);
/* Takes NULL; the last reference frees. */
void reach_unref(struct reach *r);

/* Returns borrowed. */
const struct reach_route *reach_routes(const struct reach *r, size_t *ret_n);
/* There is one that is REACH_REFUSED. */
bool reach_refuses(const struct reach *r);

struct reach_book;

/* Returns owned; NULL without memory. */
struct reach_book *reach_book_new(void);
/* Takes NULL. */
void reach_book_free(struct reach_book *b);
/* One more reference of r, in place of what was there of the name. 0; -ENOMEM; -E2BIG: too many names. */
int reach_book_set(struct reach_book *b, const char *name, struct reach *r);
/* Returns borrowed; NULL: there is none. */
struct reach *reach_book_get(const struct reach_book *b, const char *name);
/* False: there was none. */
bool reach_book_drop(struct reach_book *b, const char *name);

/*
 * All are told anew. Afterwards reach_book_stale() names one that was not set since _begin(), to be dropped; NULL: there is
 * none. Borrowed until then.
 */
void reach_book_begin(struct reach_book *b);
const char *reach_book_stale(const struct reach_book *b);

#endif
