/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/lpm/yardstick.h"

#include <rte_eal.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

enum {
	LPM6_TBL8_BYTES = 256 * 4,
	LPM6_TBL24_BYTES = (1 << 24) * 4,
};

static struct rte_lpm *lpm;
static size_t lpm_groups;
static bool lpm_is_copy; /* on large pages */
static struct rte_lpm6 *lpm6;

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "yardstick: %s failed\n", what);
	exit(1);
}

void yardstick_start(const char *program)
{
	/* it may write into its arguments */
	char args[][16] = {"",
			   "--no-huge",
			   "-m",
			   "2048",
			   "--no-pci",
			   "--no-shconf",
			   "--log-level=3",
			   "--no-telemetry"};
	char *argv[sizeof(args) / sizeof(args[0]) + 1] = {NULL};

	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++)
		argv[i] = args[i];
	snprintf(args[0], sizeof(args[0]), "%s", program);
	need(rte_eal_init(sizeof(args) / sizeof(args[0]), argv) >= 0, "rte_eal_init");
}

double yardstick_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct rte_lpm *create(const char *name, size_t rules, size_t groups)
{
	struct rte_lpm_config config = {
		.max_rules = (uint32_t)rules,
		.number_tbl8s = (uint32_t)groups,
	};
	struct rte_lpm *l = rte_lpm_create(name, SOCKET_ID_ANY, &config);

	need(l != NULL, "rte_lpm_create");
	return l;
}

static size_t count_groups(const struct prefix *prefixes, size_t n)
{
	uint8_t *seen = calloc(1 << 24, 1);
	size_t groups = 0;

	need(seen != NULL, "calloc");
	for (size_t i = 0; i < n; i++) {
		uint32_t at = prefix_first4(&prefixes[i]) >> 8;

		if (prefixes[i].len <= 24 || seen[at])
			continue;
		seen[at] = 1;
		groups++;
	}
	free(seen);
	return groups;
}

static void write_route(const struct prefix *p, uint32_t value, uint32_t *groups)
{
	struct rte_lpm_tbl_entry entry = {
		.next_hop = value & 0xffffff, .valid = 1, .depth = p->len};
	uint32_t first = prefix_first4(p);
	struct rte_lpm_tbl_entry *slot = &lpm->tbl24[first >> 8];

	if (p->len <= 24) {
		for (uint32_t i = 0; i < UINT32_C(1) << (24 - p->len); i++)
			slot[i] = entry;
		return;
	}
	if (!slot->valid_group) {
		struct rte_lpm_tbl_entry old = *slot;

		/* in a group's entries the flag says that the group is in use */
		old.valid_group = 1;
		for (uint32_t i = 0; i < 256; i++)
			lpm->tbl8[*groups * 256 + i] = old;
		*slot = (struct rte_lpm_tbl_entry){
			.next_hop = *groups & 0xffffff, .valid = 1, .valid_group = 1};
		*groups += 1;
	}
	entry.valid_group = 1;
	for (uint32_t i = 0; i < UINT32_C(1) << (32 - p->len); i++)
		lpm->tbl8[slot->next_hop * 256 + (first & 0xff) + i] = entry;
}

size_t yardstick4_fill(const struct prefix *prefixes, const uint32_t *values, size_t n)
{
	size_t groups = count_groups(prefixes, n);
	uint32_t used = 0;

	if (lpm_is_copy)
		free(lpm);
	else
		rte_lpm_free(lpm);
	lpm_is_copy = false;
	lpm = create("full", 1, groups + 1);
	for (unsigned len = 1; len <= 32; len++)
		for (size_t i = 0; i < n; i++)
			if (prefixes[i].len == len)
				write_route(&prefixes[i], values[i], &used);
	need(used == groups, "filling rte_lpm");
	lpm_groups = groups;
	return sizeof(*lpm) + groups * 256 * sizeof(lpm->tbl8[0]);
}

double yardstick4_add(const struct prefix *prefixes, const uint32_t *values, size_t n)
{
	struct rte_lpm *l = create("add", n, count_groups(prefixes, n) + 1);
	double start = yardstick_seconds();

	for (size_t i = 0; i < n; i++)
		need(rte_lpm_add(l, prefix_first4(&prefixes[i]), prefixes[i].len, values[i]) == 0,
		     "rte_lpm_add");
	start = yardstick_seconds() - start;
	rte_lpm_free(l);
	return start;
}

static int compare_start(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* A group for each different start of 24, 32, 40... bits that a longer prefix has. */
static size_t count_groups6(const struct prefix *prefixes, size_t n)
{
	uint8_t(*starts)[16] = malloc(n * sizeof(*starts));
	size_t groups = 0;

	need(starts != NULL, "malloc");
	for (unsigned bytes = 3; bytes < 16; bytes++) {
		size_t k = 0;

		for (size_t i = 0; i < n; i++)
			if (prefixes[i].len > 8 * bytes) {
				memset(starts[k], 0, 16);
				memcpy(starts[k++], prefixes[i].addr, bytes);
			}
		qsort(starts, k, sizeof(*starts), compare_start);
		for (size_t i = 0; i < k; i++)
			groups += i == 0 || memcmp(starts[i], starts[i - 1], 16) != 0;
	}
	free(starts);
	return groups;
}

size_t yardstick6_fill(const struct prefix *prefixes, const uint32_t *values, size_t n,
		       double *ret_seconds)
{
	size_t groups = count_groups6(prefixes, n);
	struct rte_lpm6_config config = {
		.max_rules = (uint32_t)n,
		.number_tbl8s = (uint32_t)groups + 16,
	};
	double start;

	lpm6 = rte_lpm6_create("six", SOCKET_ID_ANY, &config);
	need(lpm6 != NULL, "rte_lpm6_create");
	start = yardstick_seconds();
	for (size_t i = 0; i < n; i++)
		need(rte_lpm6_add(lpm6, prefixes[i].addr, prefixes[i].len, values[i]) == 0,
		     "rte_lpm6_add");
	*ret_seconds = yardstick_seconds() - start;
	return LPM6_TBL24_BYTES + groups * LPM6_TBL8_BYTES;
}

void yardstick4_use_large_pages(void)
{
	size_t unit = (size_t)1 << 21;
	size_t groups_bytes = (lpm_groups * 256 * sizeof(*lpm->tbl8) + unit - 1) / unit * unit;
	size_t bytes = (sizeof(*lpm) + unit - 1) / unit * unit;
	struct rte_lpm *copy = aligned_alloc(unit, bytes + groups_bytes);

	need(copy != NULL, "aligned_alloc");
	madvise(copy, bytes + groups_bytes, MADV_HUGEPAGE);
	memcpy(copy, lpm, sizeof(*lpm));
	copy->tbl8 = (struct rte_lpm_tbl_entry *)((uint8_t *)copy + bytes);
	memcpy(copy->tbl8, lpm->tbl8, lpm_groups * 256 * sizeof(*lpm->tbl8));
	rte_lpm_free(lpm);
	lpm = copy;
	lpm_is_copy = true;
}

void yardstick4_single(const uint32_t *addrs, size_t n, uint32_t *ret_ids)
{
	for (size_t i = 0; i < n; i++)
		if (rte_lpm_lookup(lpm, addrs[i], &ret_ids[i]) != 0)
			ret_ids[i] = UINT32_MAX;
}

void yardstick4_bulk(const uint32_t *addrs, size_t n, uint32_t *ret_ids)
{
	rte_lpm_lookup_bulk(lpm, addrs, ret_ids, (unsigned)n);
}

uint32_t yardstick4_answer(uint32_t entry)
{
	return entry & RTE_LPM_LOOKUP_SUCCESS ? entry & 0xffffff : UINT32_MAX;
}

void yardstick6_single(uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids)
{
	for (size_t i = 0; i < n; i++)
		if (rte_lpm6_lookup(lpm6, addrs[i], &ret_ids[i]) != 0)
			ret_ids[i] = UINT32_MAX;
}

/* Its -1 for no route is the UINT32_MAX of this interface. */
void yardstick6_bulk(uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids)
{
	rte_lpm6_lookup_bulk_func(lpm6, addrs, (int32_t *)ret_ids, (unsigned)n);
}
