/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-lpm IPV4-ROUTES IPV6-ROUTES ROUNDS MILLISECONDS: lookups of routing/fib.h beside those of rte_lpm
 * and rte_lpm6 with the same routes and addresses, in turns; memory; build time; and lookups while
 * tables are swapped, so long each way. One JSON object on stdout; a rate is the list of its rounds, in
 * millions a second. Every answer is compared with the other side's. test/bench/run shows it all.
 *
 * Addresses: `random` (IPv4: all of 2^32), `routed` (inside a random route), `hot` (4096 of these,
 * again and again). Lookups one at a time, and in bulk of 64. `small_pages`: our table has no large
 * pages; `large_pages`: theirs has them too. `many`: more next hops than the index holds.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "routing/fib.h"
#include "test/bench/lpm/swap.h"
#include "test/bench/lpm/yardstick.h"
#include "test/support/routes.h"

enum {
	LOOKUPS = 1 << 20,
	HOT = 4096,
	BULK = 64,
	NEXT_HOPS = 250,
	MANY_NEXT_HOPS = 50000,
	ROUNDS_MAX = 101,
	ADD_ROUTES = 20000,
	SMALL_TABLES = 5000,
	SMALL_ROUTES = 50,
};

struct route {
	struct prefix prefix;
	uint32_t value;
};

struct routes {
	struct prefix *prefixes; /* each once */
	uint32_t *values;
	size_t n;
	struct trie *trie;
	double unsorted_s; /* inserting them as they come */
	double sorted_s;   /* sorting, and inserting them in order of address */
};

struct addresses {
	uint8_t (*wide)[16];
	uint32_t *host, *be; /* the first four bytes, for IPv4 */
};

static struct fib *fib;
static uint32_t *ours, *theirs;
static struct prng prng;

/* Looks up BULK addresses from the i-th on. */
typedef void lookup_fn(const struct addresses *a, size_t i, uint32_t *ret_ids);

static void *memory(size_t n, size_t item)
{
	void *p = calloc(n, item);

	if (!p)
		abort();
	return p;
}

static int compare_routes(const void *a, const void *b)
{
	const struct prefix *x = &((const struct route *)a)->prefix;
	const struct prefix *y = &((const struct route *)b)->prefix;
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	return order != 0 ? order : (int)x->len - (int)y->len;
}

/* The same table again, as somebody builds it who has all routes at once. */
static void insert_sorted(struct routes *r)
{
	struct route *sorted = memory(r->n, sizeof(*sorted));
	double start;

	for (size_t i = 0; i < r->n; i++)
		sorted[i] = (struct route){r->prefixes[i], r->values[i]};
	trie_free(r->trie);
	start = yardstick_seconds();
	qsort(sorted, r->n, sizeof(*sorted), compare_routes);
	if (trie_new(&r->trie) < 0)
		abort();
	for (size_t i = 0; i < r->n; i++)
		if (trie_insert(r->trie, &sorted[i].prefix, sorted[i].value) < 0)
			abort();
	r->sorted_s = yardstick_seconds() - start;
	free(sorted);
}

/* Random routes, each prefix once. */
static struct routes make_routes(uint8_t family, size_t n, uint32_t next_hops)
{
	struct routes r = {
		.prefixes = memory(n, sizeof(struct prefix)),
		.values = memory(n, sizeof(uint32_t)),
	};

	if (trie_new(&r.trie) < 0)
		abort();
	while (r.n < n) {
		struct prefix p = family == AF_INET6 ? routes_bgp6(&prng) : routes_bgp4(&prng);
		uint32_t value = 1 + prng_below(&prng, next_hops);
		double start = yardstick_seconds();

		if (trie_insert(r.trie, &p, value) < 0)
			abort();
		r.unsorted_s += yardstick_seconds() - start;
		if (trie_count(r.trie, family) == r.n)
			continue;
		r.prefixes[r.n] = p;
		r.values[r.n++] = value;
	}
	for (size_t i = 0; i < n; i++)
		trie_find(r.trie, &r.prefixes[i], &r.values[i]);
	insert_sorted(&r);
	return r;
}

static void set_short(struct addresses *a)
{
	for (size_t i = 0; i < LOOKUPS; i++) {
		memcpy(&a->be[i], a->wide[i], sizeof(a->be[i]));
		a->host[i] = ntohl(a->be[i]);
	}
}

/* From how many routes addresses are taken: NULL routes is from everywhere. */
static void fill_addresses(struct addresses *a, const struct routes *r, size_t different)
{
	struct prefix everywhere = {.family = AF_INET};

	for (size_t i = 0; i < LOOKUPS; i++) {
		const struct prefix *p =
			r ? &r->prefixes[prng_below(&prng, (uint32_t)r->n)] : &everywhere;

		if (i < different)
			routes_address_in(&prng, p, a->wide[i]);
		else
			memcpy(a->wide[i], a->wide[prng_below(&prng, (uint32_t)different)], 16);
	}
	set_short(a);
}

/* The same loop as yardstick4_single(): with more of its own, fewer lookups would be in flight. */
static void ours4_single(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	const uint32_t *addrs_be = a->be + i;

	for (size_t k = 0; k < BULK; k++)
		ret_ids[k] = fib_lookup4(fib, addrs_be[k]);
}

static void ours4_bulk(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	fib_lookup4_bulk(fib, a->be + i, BULK, ret_ids);
}

static void ours6_single(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	const uint8_t(*addrs)[16] = (const uint8_t(*)[16])a->wide + i;

	for (size_t k = 0; k < BULK; k++)
		ret_ids[k] = fib_lookup6(fib, addrs[k]);
}

static void ours6_bulk(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	fib_lookup6_bulk(fib, (const uint8_t(*)[16])a->wide + i, BULK, ret_ids);
}

static void theirs4_single(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	yardstick4_single(a->host + i, BULK, ret_ids);
}

static void theirs4_bulk(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	yardstick4_bulk(a->host + i, BULK, ret_ids);
}

static void theirs6_single(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	yardstick6_single(a->wide + i, BULK, ret_ids);
}

static void theirs6_bulk(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	yardstick6_bulk(a->wide + i, BULK, ret_ids);
}

static double mega_per_s(lookup_fn *run, const struct addresses *a)
{
	/* written again and again, as by packets: its lines stay in the first cache */
	uint32_t ids[BULK];
	double start = yardstick_seconds();

	for (size_t i = 0; i < LOOKUPS; i += BULK)
		run(a, i, ids);
	return LOOKUPS / (yardstick_seconds() - start) / 1e6;
}

static void compare_answers(bool are_entries)
{
	for (size_t i = 0; i < LOOKUPS; i++) {
		uint32_t their = are_entries ? yardstick4_answer(theirs[i]) : theirs[i];
		uint32_t expected = their == UINT32_MAX ? FIB_NONE : their;

		if (ours[i] == expected)
			continue;
		fprintf(stderr, "bench-lpm: answers differ: %u and %u\n", ours[i], expected);
		exit(1);
	}
}

static void print_rounds(const char *name, const double *rates, size_t rounds)
{
	printf("\"%s\": [", name);
	for (size_t i = 0; i < rounds; i++)
		printf("%s%.2f", i == 0 ? "" : ", ", rates[i]);
	printf("]");
}

/* Both sides in turns, every other round the other way round. */
static void duel(const char *name, lookup_fn *our, lookup_fn *their, const struct addresses *a,
		 size_t rounds)
{
	double our_rates[ROUNDS_MAX], their_rates[ROUNDS_MAX];

	for (size_t i = 0; i < LOOKUPS; i += BULK) {
		our(a, i, ours + i);
		their(a, i, theirs + i);
	}
	compare_answers(their == theirs4_bulk);
	for (size_t i = 0; i < rounds; i++) {
		if (i % 2 == 0)
			our_rates[i] = mega_per_s(our, a);
		their_rates[i] = mega_per_s(their, a);
		if (i % 2 != 0)
			our_rates[i] = mega_per_s(our, a);
	}
	printf(",\n  \"%s\": {", name);
	print_rounds("product", our_rates, rounds);
	printf(", ");
	print_rounds("rte_lpm", their_rates, rounds);
	printf("}");
}

static double compile(const struct trie *t)
{
	double start = yardstick_seconds();

	fib_free(fib);
	if (fib_new(t, &fib) < 0)
		abort();
	return yardstick_seconds() - start;
}

static void print_table(const char *prefix, const struct routes *r, double compile_s,
			size_t rte_bytes)
{
	printf(",\n  \"%s_routes\": %zu, \"%s_bytes\": %zu, \"%s_rte_bytes\": %zu, "
	       "\"%s_insert_s\": %.3f, \"%s_insert_unsorted_s\": %.3f, \"%s_compile_s\": %.3f",
	       prefix, r->n, prefix, fib_bytes(fib), prefix, rte_bytes, prefix, r->sorted_s, prefix,
	       r->unsorted_s, prefix, compile_s);
}

static void free_routes(struct routes *r)
{
	free(r->prefixes);
	free(r->values);
	trie_free(r->trie);
}

/* Lookups of one kind of addresses, one at a time and in bulk. */
static void duels4(const char *name, const struct addresses *a, size_t rounds)
{
	char full_name[64];

	snprintf(full_name, sizeof(full_name), "%s_single", name);
	duel(full_name, ours4_single, theirs4_single, a, rounds);
	snprintf(full_name, sizeof(full_name), "%s_bulk", name);
	duel(full_name, ours4_bulk, theirs4_bulk, a, rounds);
}

static void pages4(struct addresses *random, struct addresses *hot, const struct routes *r,
		   size_t rounds)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	compile(r->trie);
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	duels4("v4_random_small_pages", random, rounds);
	duels4("v4_hot_small_pages", hot, rounds);
	compile(r->trie);
	yardstick4_use_large_pages();
	duels4("v4_random_large_pages", random, rounds);
	duels4("v4_hot_large_pages", hot, rounds);
}

static void bench4(struct addresses *a, struct addresses *hot, size_t n, size_t rounds)
{
	struct routes r = make_routes(AF_INET, n, NEXT_HOPS);
	double compile_s = compile(r.trie);
	size_t add = n < ADD_ROUTES ? n : ADD_ROUTES;

	print_table("v4", &r, compile_s, yardstick4_fill(r.prefixes, r.values, n));
	printf(",\n  \"v4_rte_added\": %zu, \"v4_rte_add_s\": %.2f", add,
	       yardstick4_add(r.prefixes, r.values, add));
	fill_addresses(a, &r, LOOKUPS);
	duels4("v4_routed", a, rounds);
	fill_addresses(hot, NULL, HOT);
	duels4("v4_hot", hot, rounds);
	fill_addresses(a, NULL, LOOKUPS);
	duels4("v4_random", a, rounds);
	pages4(a, hot, &r, rounds);
	free_routes(&r);
}

static void bench4_many(struct addresses *a, struct addresses *hot, size_t n, size_t rounds)
{
	struct routes r = make_routes(AF_INET, n, MANY_NEXT_HOPS);
	double compile_s = compile(r.trie);

	print_table("v4_many", &r, compile_s, yardstick4_fill(r.prefixes, r.values, n));
	duels4("v4_many_random", a, rounds);
	duels4("v4_many_hot", hot, rounds);
	free_routes(&r);
}

static void bench6(struct addresses *a, size_t n, size_t rounds)
{
	struct routes r = make_routes(AF_INET6, n, NEXT_HOPS);
	double compile_s = compile(r.trie);
	double add_s = 0;

	print_table("v6", &r, compile_s, yardstick6_fill(r.prefixes, r.values, n, &add_s));
	printf(",\n  \"v6_rte_add_s\": %.2f", add_s);
	fill_addresses(a, &r, LOOKUPS);
	duel("v6_routed_single", ours6_single, theirs6_single, a, rounds);
	duel("v6_routed_bulk", ours6_bulk, theirs6_bulk, a, rounds);
	fill_addresses(a, &r, HOT);
	duel("v6_hot_single", ours6_single, theirs6_single, a, rounds);
	duel("v6_hot_bulk", ours6_bulk, theirs6_bulk, a, rounds);
	free_routes(&r);
}

/* All small tables are held at once, and none is like another. */
static void bench_small(struct addresses *a)
{
	struct fib **tables = memory(SMALL_TABLES, sizeof(*tables));
	size_t bytes = 0;
	double compile_s = 0;
	double start;

	for (size_t i = 0; i < SMALL_TABLES; i++) {
		struct routes r = make_routes(AF_INET, SMALL_ROUTES, NEXT_HOPS);

		fib = NULL;
		compile_s += compile(r.trie);
		bytes += fib_bytes(fib);
		tables[i] = fib;
		free_routes(&r);
	}
	start = yardstick_seconds();
	for (size_t i = 0; i < LOOKUPS; i++)
		ours[i] = fib_lookup4(tables[a->host[i] % SMALL_TABLES], a->be[i]);
	printf(",\n  \"small_tables\": %d, \"small_routes\": %d, \"small_bytes\": %zu, "
	       "\"small_compile_us\": %.1f, \"small_random_table_mlps\": %.0f",
	       SMALL_TABLES, SMALL_ROUTES, bytes, compile_s / SMALL_TABLES * 1e6,
	       LOOKUPS / (yardstick_seconds() - start) / 1e6);
	for (size_t i = 0; i < SMALL_TABLES; i++)
		fib_free(tables[i]);
	free(tables);
	fib = NULL;
}

/* The routes of one full table, and of another that differs a little. */
static void bench_swap(const struct addresses *a, size_t n, size_t rounds, size_t phase_ms)
{
	struct routes r = make_routes(AF_INET, n, NEXT_HOPS);
	struct trie *other;

	if (trie_new(&other) < 0)
		abort();
	for (size_t i = 0; i < n; i++)
		if (trie_insert(other, &r.prefixes[i], i % 1000 == 0 ? 1 : r.values[i]) < 0)
			abort();
	swap_print(r.trie, other, a->be, LOOKUPS, rounds, phase_ms);
	trie_free(other);
	free_routes(&r);
}

static struct addresses addresses_new(void)
{
	return (struct addresses){
		.wide = memory(LOOKUPS, 16),
		.host = memory(LOOKUPS, sizeof(uint32_t)),
		.be = memory(LOOKUPS, sizeof(uint32_t)),
	};
}

int main(int argc, char **argv)
{
	struct addresses a = addresses_new();
	struct addresses hot = addresses_new();
	size_t numbers[4];

	for (int i = 0; i < 4; i++) {
		numbers[i] = argc == 5 ? strtoul(argv[1 + i], NULL, 10) : 0;
		if (numbers[i] < 1 || (i == 2 && numbers[i] > ROUNDS_MAX))
			return 2;
	}
	ours = memory(LOOKUPS, sizeof(*ours));
	theirs = memory(LOOKUPS, sizeof(*theirs));
	yardstick_start(argv[0]);
	prng.state = 0x15b;
	printf("{\n  \"rounds\": %zu", numbers[2]);
	bench4(&a, &hot, numbers[0], numbers[2]);
	bench4_many(&a, &hot, numbers[0], numbers[2]);
	bench_swap(&a, numbers[0], numbers[2], numbers[3]);
	bench6(&a, numbers[1], numbers[2]);
	fib_free(fib);
	bench_small(&a);
	printf("\n}\n");
	return 0;
}
