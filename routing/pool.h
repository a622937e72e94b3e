/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_POOL_H
#define ROUTING_POOL_H
/*
 * The addresses of a VNet's point-to-site pools, and who holds them.
 *
 * Every address of every prefix can be leased (a /32 on a point-to-point link has no network or
 * broadcast address), never two leases of one. An address has an index, dense from 0 over all
 * prefixes in the order given: the packet path maps destination -> index -> session by it.
 * Which one a lease gets: the one its owner held last, if it is free; else one never leased; else
 * the one released the longest time ago, once that is POOL_REST_NS or more. What is still on its way
 * to an address when its owner leaves can so never reach another: a pool that is too small for its
 * comings and goings refuses newcomers for a minute instead.
 * Limit: POOL_MAX addresses over all prefixes, about 50 bytes each, the hash of the last owner's name
 * included; nothing is allocated after pool_new().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

#define POOL_REST_NS UINT64_C(60000000000)

enum {
	POOL_MAX = 1 << 20,
	POOL_KEY_SIZE = 16,
};

struct pool;

/*
 * IPv4 prefixes, not overlapping (-EINVAL), together at most POOL_MAX addresses (-E2BIG), at least
 * one (-EINVAL). key: random bytes that nobody knows, by which owners are told apart; copied. Borrows all for the
 * call. Returns 0 with an owned pool, or -errno.
 */
int pool_new(const struct prefix *prefixes, size_t n, const uint8_t key[POOL_KEY_SIZE],
	     struct pool **ret_pool);

/* Takes NULL. */
void pool_free(struct pool *p);

/*
 * Takes one address out of use for good, before any lease (the gateway's own). False when it is not
 * in the pool.
 */
bool pool_reserve(struct pool *p, uint32_t addr_be);

/*
 * Leases an address to owner (its name; every byte counts). Several leases of one
 * owner are several addresses. now_ns never goes back between calls. Returns the index, ret_addr_be
 * the address in network byte order; -ENOSPC when all are leased or rest.
 */
int pool_lease(struct pool *p, const char *owner, uint64_t now_ns, uint32_t *ret_addr_be);

/* Is it leased, and to this owner? */
bool pool_is_held_by(const struct pool *p, uint32_t index, const char *owner);

/* Gives the lease back. The index must be leased: anything else is our own bug. */
void pool_release(struct pool *p, uint32_t index, uint64_t now_ns);

/*
 * As if owner had given the address back now: he held it last, in a life before this pool's. now_ns as above; of several of
 * one owner he gets the one that was remembered last first. False, and nothing changes, when this pool knows better: the
 * address is or was leased, remembered or reserved. The index must be below pool_indexes().
 */
bool pool_remember(struct pool *p, uint32_t index, const char *owner, uint64_t now_ns);

/*
 * The index of addr, leased, reserved or not; -ENOENT when it is not in the pool. Constant time for
 * one prefix, logarithmic in their number.
 */
int pool_index(const struct pool *p, uint32_t addr_be);
uint32_t pool_address(const struct pool *p, uint32_t index);

uint32_t pool_size(const struct pool *p); /* addresses that can be leased: without reserved ones */
uint32_t pool_used(const struct pool *p);
uint32_t pool_indexes(const struct pool *p); /* all indexes are below this */

/* Verifies all invariants; for tests. */
bool pool_check(const struct pool *p);

#endif
