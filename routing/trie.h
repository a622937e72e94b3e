/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_TRIE_H
#define ROUTING_TRIE_H
/*
 * A route table as it is known: prefixes of both families, each with a route id, found exactly or
 * by longest match. It is the source of truth that routing/fib.h compiles for the packet path; here
 * changing is what must be cheap. No limit but memory: one or two nodes of up to 40 bytes a prefix.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

struct trie;

/* Returns 0 with an owned, empty trie, or -ENOMEM. */
int trie_new(struct trie **ret_trie);

/* Takes NULL. */
void trie_free(struct trie *t);

/*
 * Adds a prefix, or gives one that is there another value. In order of address a full table goes in
 * several times as fast, and compiles faster afterwards, because neighbours lie side by side. -EINVAL:
 * not a prefix (family, length, or host bits set); -ENOMEM, the trie being as it was.
 */
int trie_insert(struct trie *t, const struct prefix *p, uint32_t value);

/* Takes exactly this prefix out. -ENOENT when it is not there; never needs memory. */
int trie_remove(struct trie *t, const struct prefix *p);

/* The value of exactly this prefix, or -ENOENT. */
int trie_find(const struct trie *t, const struct prefix *p, uint32_t *ret_value);

/*
 * The longest prefix that contains addr (4 or 16 bytes in network byte order). ret_prefix may be
 * NULL. -ENOENT when none does.
 */
int trie_longest(const struct trie *t, uint8_t family, const void *addr, uint32_t *ret_value,
		 struct prefix *ret_prefix);

/* Prefixes of this family. */
size_t trie_count(const struct trie *t, uint8_t family);

/* Bytes held, without the allocator's own. */
size_t trie_bytes(const struct trie *t);

/* A result other than 0 ends the walk. */
typedef int trie_visit_fn(void *arg, const struct prefix *p, uint32_t value);

/*
 * Visits each prefix of the family in order of address, a shorter one before what it covers. visit
 * must not change the trie. Returns what ended the walk, else 0.
 */
int trie_walk(const struct trie *t, uint8_t family, trie_visit_fn *visit, void *arg);

/* Verifies all invariants; for tests. */
bool trie_check(const struct trie *t);

#endif
