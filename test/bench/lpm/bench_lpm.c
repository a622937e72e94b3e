/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-lpm [IPV4-ROUTES [IPV6-ROUTES [ROUNDS]]]: lookups of routing/fib.h beside those of rte_lpm and
 * rte_lpm6 with the same routes and addresses, in turns, medians of all rounds; memory; build time.
 * One JSON object on stdout. Every answer is compared with the other side's.
 *
 * Addresses: `random` (IPv4: all of 2^32), `routed` (inside a random route), `hot` (4096 of these,
 * again and again). Lookups one at a time, and in bulk of 64.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/fib.h"
#include "test/bench/lpm/yardstick.h"
#include "test/support/routes.h"

enum {
	LOOKUPS = 1 << 20,
	HOT = 4096,
	BULK = 64,
	NEXT_HOPS = 250,
	ROUNDS_MAX = 101,
	ADD_ROUTES = 20000,
	SMALL_TABLES = 5000,
	SMALL_ROUTES = 50,
};

struct routes {
	struct prefix *prefixes; /* each once */
	uint32_t *values;
	size_t n;
	struct trie *trie;
	double insert_s;
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

static struct routes make_routes(uint8_t family, size_t n)
{
	struct routes r = {
		.prefixes = memory(n, sizeof(struct prefix)),
		.values = memory(n, sizeof(uint32_t)),
	};

	if (trie_new(&r.trie) < 0)
		abort();
	while (r.n < n) {
		struct prefix p = family == AF_INET6 ? routes_bgp6(&prng) : routes_bgp4(&prng);
		uint32_t value = 1 + prng_below(&prng, NEXT_HOPS);
		double start = yardstick_seconds();

		if (trie_insert(r.trie, &p, value) < 0)
			abort();
		r.insert_s += yardstick_seconds() - start;
		if (trie_count(r.trie, family) == r.n)
			continue;
		r.prefixes[r.n] = p;
		r.values[r.n++] = value;
	}
	for (size_t i = 0; i < n; i++)
		trie_find(r.trie, &r.prefixes[i], &r.values[i]);
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

static void ours4_single(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	for (size_t k = 0; k < BULK; k++)
		ret_ids[k] = fib_lookup4(fib, a->be[i + k]);
}

static void ours4_bulk(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	fib_lookup4_bulk(fib, a->be + i, BULK, ret_ids);
}

static void ours6_single(const struct addresses *a, size_t i, uint32_t *ret_ids)
{
	for (size_t k = 0; k < BULK; k++)
		ret_ids[k] = fib_lookup6(fib, a->wide[i + k]);
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

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}

static void compare_answers(void)
{
	for (size_t i = 0; i < LOOKUPS; i++) {
		uint32_t expected = theirs[i] == UINT32_MAX ? FIB_NONE : theirs[i];

		if (ours[i] == expected)
			continue;
		fprintf(stderr, "bench-lpm: answers differ: %u and %u\n", ours[i], expected);
		exit(1);
	}
}

/* Both sides in turns. Prints the members of one JSON object. */
static void duel(const char *name, lookup_fn *our, lookup_fn *their, const struct addresses *a,
		 size_t rounds)
{
	double our_rates[ROUNDS_MAX], their_rates[ROUNDS_MAX], ratios[ROUNDS_MAX];

	for (size_t i = 0; i < LOOKUPS; i += BULK) {
		our(a, i, ours + i);
		their(a, i, theirs + i);
	}
	compare_answers();
	for (size_t i = 0; i < rounds; i++) {
		our_rates[i] = mega_per_s(our, a);
		their_rates[i] = mega_per_s(their, a);
		ratios[i] = our_rates[i] / their_rates[i];
	}
	printf(",\n  \"%s\": {\"mlps\": %.0f, \"rte_mlps\": %.0f, \"ratio\": %.2f}", name,
	       median(our_rates, rounds), median(their_rates, rounds), median(ratios, rounds));
}

static double compile(const struct trie *t)
{
	double start = yardstick_seconds();

	fib_free(fib);
	if (fib_new(t, &fib) < 0)
		abort();
	return yardstick_seconds() - start;
}

static void print_memory(const char *prefix, const struct routes *r, size_t rte_bytes)
{
	printf(",\n  \"%s_routes\": %zu, \"%s_bytes\": %zu, \"%s_rte_bytes\": %zu, "
	       "\"%s_bytes_ratio\": %.3f, \"%s_trie_bytes\": %zu",
	       prefix, r->n, prefix, fib_bytes(fib), prefix, rte_bytes, prefix,
	       (double)fib_bytes(fib) / (double)rte_bytes, prefix, trie_bytes(r->trie));
}

static void free_routes(struct routes *r)
{
	free(r->prefixes);
	free(r->values);
	trie_free(r->trie);
}

static void bench4(struct addresses *a, size_t n, size_t rounds)
{
	struct routes r = make_routes(AF_INET, n);
	double compile_s = compile(r.trie);
	size_t add = n < ADD_ROUTES ? n : ADD_ROUTES;

	print_memory("v4", &r, yardstick4_fill(r.prefixes, r.values, n));
	printf(",\n  \"v4_insert_s\": %.2f, \"v4_compile_s\": %.2f, \"v4_rte_add_%zu_s\": %.2f",
	       r.insert_s, compile_s, add, yardstick4_add(r.prefixes, r.values, add));
	fill_addresses(a, NULL, LOOKUPS);
	duel("v4_random_single", ours4_single, theirs4_single, a, rounds);
	duel("v4_random_bulk", ours4_bulk, theirs4_bulk, a, rounds);
	fill_addresses(a, &r, LOOKUPS);
	duel("v4_routed_single", ours4_single, theirs4_single, a, rounds);
	duel("v4_routed_bulk", ours4_bulk, theirs4_bulk, a, rounds);
	fill_addresses(a, NULL, HOT);
	duel("v4_hot_single", ours4_single, theirs4_single, a, rounds);
	duel("v4_hot_bulk", ours4_bulk, theirs4_bulk, a, rounds);
	free_routes(&r);
}

static void bench6(struct addresses *a, size_t n, size_t rounds)
{
	struct routes r = make_routes(AF_INET6, n);
	double compile_s = compile(r.trie);
	double add_s = 0;

	print_memory("v6", &r, yardstick6_fill(r.prefixes, r.values, n, &add_s));
	printf(",\n  \"v6_insert_s\": %.2f, \"v6_compile_s\": %.2f, \"v6_rte_add_s\": %.2f",
	       r.insert_s, compile_s, add_s);
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
		struct routes r = make_routes(AF_INET, SMALL_ROUTES);

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

static size_t argument(int argc, char **argv, int i, size_t otherwise)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	size_t n4 = argument(argc, argv, 1, 1000000);
	size_t n6 = argument(argc, argv, 2, 200000);
	size_t rounds = argument(argc, argv, 3, 9);
	struct addresses a = {
		.wide = memory(LOOKUPS, 16),
		.host = memory(LOOKUPS, sizeof(uint32_t)),
		.be = memory(LOOKUPS, sizeof(uint32_t)),
	};

	if (rounds < 1 || rounds > ROUNDS_MAX || n4 < 1 || n6 < 1)
		return 2;
	ours = memory(LOOKUPS, sizeof(*ours));
	theirs = memory(LOOKUPS, sizeof(*theirs));
	yardstick_start(argv[0]);
	prng.state = 0x15b;
	printf("{\n  \"rounds\": %zu", rounds);
	bench4(&a, n4, rounds);
	bench6(&a, n6, rounds);
	fib_free(fib);
	bench_small(&a);
	printf("\n}\n");
	return 0;
}
