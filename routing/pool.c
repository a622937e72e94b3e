/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry per address, in a table that is filled once. An address that is not leased is on the
 * free list: first those never leased, in order of index, behind them the released ones in order
 * of release; so the head is always the one that has rested longest, and when that has not rested
 * long enough none has. One that was leased before is also on the chain of its last owner's hash, newest release first, so
 * the first match there is the one the owner held last. A leased address is on neither: an owner
 * with a thousand sessions makes no chain long, and lease and release take constant time.
 *
 * Both kinds of list are circular, linked by index, with their heads behind the entries in the
 * same array of links: insertion and removal have no special cases, and an entry linked to itself
 * is on no list.
 *
 * An owner is remembered by a hash of 64 bits and not by name: nothing is allocated per lease, and names left behind by a
 * thousand sessions would pin a page each. Two owners of one hash, one pair in 10^19, could get each other's address
 * without its rest. The hash is keyed, since an owner may have chosen its own name, to look for such a pair.
 */
#include "routing/pool.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/siphash.h"

#define NONE UINT32_MAX

_Static_assert(POOL_KEY_SIZE == (int)SIPHASH_KEY_SIZE, "the key is SipHash's");

enum entry_state {
	ENTRY_FREE,
	ENTRY_LEASED,
	ENTRY_RESERVED,
};

struct entry {
	uint64_t since_ns; /* of the last lease or release */
	uint64_t owner;	   /* hash of the present or last one; 0: never leased */
	uint32_t addr;	   /* host byte order */
	enum entry_state state;
};

struct link {
	uint32_t prev, next;
};

struct range {
	uint32_t first, last; /* addresses in host byte order */
	uint32_t base;	      /* index of first */
};

struct pool {
	uint8_t key[POOL_KEY_SIZE]; /* of owners' hashes */
	struct range *ranges;	    /* ascending by address; indexes follow the caller's order */
	size_t n_ranges;
	struct entry *entries;
	struct link *frees;  /* head at [total] */
	struct link *chains; /* head of bucket b at [total + b] */
	uint32_t bucket_mask;
	uint32_t total;
	uint32_t reserved;
	uint32_t used;
};

static void link_init(struct link *l, uint32_t i)
{
	l[i].prev = i;
	l[i].next = i;
}

static void link_insert_before(struct link *l, uint32_t at, uint32_t i)
{
	l[i].prev = l[at].prev;
	l[i].next = at;
	l[l[at].prev].next = i;
	l[at].prev = i;
}

static void link_remove(struct link *l, uint32_t i)
{
	l[l[i].prev].next = l[i].next;
	l[l[i].next].prev = l[i].prev;
	link_init(l, i);
}

/* Never 0. */
static uint64_t owner_hash(const struct pool *p, const char *owner)
{
	uint64_t h = siphash(p->key, owner, strlen(owner));

	return h ? h : 1;
}

static uint32_t chain_head(const struct pool *p, uint64_t owner)
{
	return p->total + (uint32_t)((owner ^ owner >> 32) & p->bucket_mask);
}

static int compare_ranges(const void *a, const void *b)
{
	uint32_t first_a = ((const struct range *)a)->first;
	uint32_t first_b = ((const struct range *)b)->first;

	return (first_a > first_b) - (first_a < first_b);
}

static int count_addresses(const struct prefix *prefixes, size_t n, uint32_t *ret_total)
{
	uint64_t total = 0;

	if (n == 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (prefixes[i].family != AF_INET || prefixes[i].len > 32)
			return -EINVAL;
		/* cannot wrap: that takes 2^32 prefixes of the largest size */
		total += prefix_size4(&prefixes[i]);
	}
	if (total > POOL_MAX)
		return -E2BIG;
	*ret_total = (uint32_t)total;
	return 0;
}

/* Neighbours in order of address are all that can overlap. */
static bool ranges_disjoint(const struct pool *p)
{
	for (size_t i = 1; i < p->n_ranges; i++)
		if (p->ranges[i].first <= p->ranges[i - 1].last)
			return false;
	return true;
}

static int fill_ranges(struct pool *p, const struct prefix *prefixes, size_t n)
{
	uint32_t base = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t first = prefix_first4(&prefixes[i]);
		uint32_t size = (uint32_t)prefix_size4(&prefixes[i]);

		p->ranges[i] = (struct range){first, first + size - 1, base};
		base += size;
	}
	p->n_ranges = n;
	qsort(p->ranges, n, sizeof(p->ranges[0]), compare_ranges);
	return ranges_disjoint(p) ? 0 : -EINVAL;
}

static void fill_entries(struct pool *p)
{
	for (size_t r = 0; r < p->n_ranges; r++)
		for (uint32_t i = 0; i <= p->ranges[r].last - p->ranges[r].first; i++)
			p->entries[p->ranges[r].base + i].addr = p->ranges[r].first + i;
	link_init(p->frees, p->total);
	for (uint32_t i = 0; i < p->total; i++)
		link_insert_before(p->frees, p->total, i);
	for (uint32_t i = 0; i <= p->total + p->bucket_mask; i++)
		link_init(p->chains, i);
}

int pool_new(const struct prefix *prefixes, size_t n, const uint8_t key[POOL_KEY_SIZE],
	     struct pool **ret_pool)
{
	uint32_t total = 0;
	uint32_t buckets = 1;
	struct pool *p;
	int error;

	error = count_addresses(prefixes, n, &total);
	if (error < 0)
		return error;
	while (buckets < total)
		buckets *= 2;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	memcpy(p->key, key, sizeof(p->key));
	p->total = total;
	p->bucket_mask = buckets - 1;
	p->ranges = calloc(n, sizeof(p->ranges[0]));
	p->entries = calloc(total, sizeof(p->entries[0]));
	p->frees = calloc(total + 1, sizeof(p->frees[0]));
	p->chains = calloc(total + buckets, sizeof(p->chains[0]));
	error = -ENOMEM;
	if (!p->ranges || !p->entries || !p->frees || !p->chains)
		goto fail;
	error = fill_ranges(p, prefixes, n);
	if (error < 0)
		goto fail;
	fill_entries(p);
	*ret_pool = p;
	return 0;
fail:
	pool_free(p);
	return error;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	free(p->chains);
	free(p->frees);
	free(p->entries);
	free(p->ranges);
	free(p);
}

bool pool_reserve(struct pool *p, uint32_t addr_be)
{
	int i = pool_index(p, addr_be);

	if (i < 0)
		return false;
	if (p->entries[i].state == ENTRY_RESERVED)
		return true;
	assert(p->entries[i].state == ENTRY_FREE);
	p->entries[i].state = ENTRY_RESERVED;
	link_remove(p->frees, (uint32_t)i);
	link_remove(p->chains, (uint32_t)i);
	p->reserved++;
	return true;
}

static uint32_t find_last_held(const struct pool *p, uint64_t owner)
{
	uint32_t head = chain_head(p, owner);

	for (uint32_t i = p->chains[head].next; i != head; i = p->chains[i].next)
		if (p->entries[i].owner == owner)
			return i;
	return NONE;
}

/* For somebody who did not hold it last. */
static uint32_t find_rested(const struct pool *p, uint64_t now_ns)
{
	uint32_t i = p->frees[p->total].next;

	if (i == p->total)
		return NONE;
	if (p->entries[i].owner && now_ns - p->entries[i].since_ns < POOL_REST_NS)
		return NONE;
	return i;
}

int pool_lease(struct pool *p, const char *owner, uint64_t now_ns, uint32_t *ret_addr_be)
{
	uint64_t hash = owner_hash(p, owner);
	uint32_t i = find_last_held(p, hash);

	if (i == NONE)
		i = find_rested(p, now_ns);
	if (i == NONE)
		return -ENOSPC;
	p->entries[i].owner = hash;
	link_remove(p->frees, i);
	link_remove(p->chains, i);
	p->entries[i].state = ENTRY_LEASED;
	p->entries[i].since_ns = now_ns;
	p->used++;
	*ret_addr_be = htonl(p->entries[i].addr);
	return (int)i;
}

bool pool_is_held_by(const struct pool *p, uint32_t index, const char *owner)
{
	assert(index < p->total);
	return p->entries[index].state == ENTRY_LEASED &&
	       p->entries[index].owner == owner_hash(p, owner);
}

/* Behind all that are free, and in front of what else its owner held. */
static void rest(struct pool *p, uint32_t index, uint64_t now_ns)
{
	uint32_t head = chain_head(p, p->entries[index].owner);

	p->entries[index].state = ENTRY_FREE;
	p->entries[index].since_ns = now_ns;
	link_insert_before(p->frees, p->total, index);
	link_insert_before(p->chains, p->chains[head].next, index);
}

void pool_release(struct pool *p, uint32_t index, uint64_t now_ns)
{
	assert(index < p->total && p->entries[index].state == ENTRY_LEASED);
	rest(p, index, now_ns);
	p->used--;
}

bool pool_remember(struct pool *p, uint32_t index, const char *owner, uint64_t now_ns)
{
	assert(index < p->total);
	if (p->entries[index].state != ENTRY_FREE || p->entries[index].owner)
		return false;
	p->entries[index].owner = owner_hash(p, owner);
	link_remove(p->frees, index);
	rest(p, index, now_ns);
	return true;
}

int pool_index(const struct pool *p, uint32_t addr_be)
{
	uint32_t addr = ntohl(addr_be);
	size_t low = 0;
	size_t high = p->n_ranges;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct range *r = &p->ranges[mid];

		if (addr < r->first)
			high = mid;
		else if (addr > r->last)
			low = mid + 1;
		else
			return (int)(r->base + (addr - r->first));
	}
	return -ENOENT;
}

uint32_t pool_address(const struct pool *p, uint32_t index)
{
	assert(index < p->total);
	return htonl(p->entries[index].addr);
}

uint32_t pool_size(const struct pool *p)
{
	return p->total - p->reserved;
}

uint32_t pool_used(const struct pool *p)
{
	return p->used;
}

uint32_t pool_indexes(const struct pool *p)
{
	return p->total;
}

/* Each state's entries are on exactly the lists they belong on, and the counters are right. */
static bool entries_valid(const struct pool *p)
{
	uint32_t count[ENTRY_RESERVED + 1] = {0};

	for (uint32_t i = 0; i < p->total; i++) {
		const struct entry *e = &p->entries[i];
		bool is_free = e->state == ENTRY_FREE;

		if (pool_index(p, htonl(e->addr)) != (int)i)
			return false;
		if (e->state == ENTRY_LEASED && !e->owner)
			return false;
		if ((p->chains[i].next != i) != (is_free && e->owner != 0))
			return false;
		if ((p->frees[i].next != i) != is_free)
			return false;
		count[e->state]++;
	}
	return count[ENTRY_LEASED] == p->used && count[ENTRY_RESERVED] == p->reserved;
}

/* The free list holds every free entry: never leased by index, then by time of release. */
static bool free_list_valid(const struct pool *p)
{
	uint32_t count = 0;

	for (uint32_t i = p->frees[p->total].next; i != p->total; i = p->frees[i].next) {
		uint32_t prev = p->frees[i].prev;
		const struct entry *e = &p->entries[i];
		const struct entry *before = prev == p->total ? NULL : &p->entries[prev];

		if (p->frees[prev].next != i || ++count > p->total)
			return false;
		if (before && before->owner && (!e->owner || e->since_ns < before->since_ns))
			return false;
		if (before && !e->owner && prev > i)
			return false;
	}
	return count == p->total - p->used - p->reserved;
}

/*
 * A chain holds entries of its own bucket only, newest release first. Adds their number to count.
 */
static bool chain_valid(const struct pool *p, uint32_t head, uint32_t *count)
{
	for (uint32_t i = p->chains[head].next; i != head; i = p->chains[i].next) {
		uint32_t prev = p->chains[i].prev;

		if (i >= p->total || chain_head(p, p->entries[i].owner) != head)
			return false;
		if (p->chains[prev].next != i || ++*count > p->total)
			return false;
		if (prev != head && p->entries[i].since_ns > p->entries[prev].since_ns)
			return false;
	}
	return true;
}

static bool chains_valid(const struct pool *p)
{
	uint32_t chained = 0;
	uint32_t rested = 0;

	for (uint32_t b = 0; b <= p->bucket_mask; b++)
		if (!chain_valid(p, p->total + b, &chained))
			return false;
	for (uint32_t i = 0; i < p->total; i++)
		rested += p->entries[i].state == ENTRY_FREE && p->entries[i].owner;
	return chained == rested;
}

bool pool_check(const struct pool *p)
{
	return ranges_disjoint(p) && entries_valid(p) && free_list_valid(p) && chains_valid(p);
}
