/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/lpm/swap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "routing/fib_slot.h"

enum {
	BULK = 64,
	SWAP_NS = 50000000, /* 20 times a second */
	ROUNDS_MAX = 101,
};

enum phase {
	STILL,
	SWAP,
	REBUILD,
	PHASES,
};

static const char *const phase_names[PHASES] = {"still", "swap", "rebuild"};

struct rig {
	const struct trie *tables[2];
	const uint32_t *addrs_be;
	size_t n_addrs;
	struct qsbr *qsbr;
	struct fib_publisher *publisher;
	struct fib_slot kept[2], shown;
	atomic_bool stop;
	/* what the reader found */
	uint64_t longest_ns, longest_own_ns, lookups;
	uint32_t sum; /* of its answers: they are used */
	/* what the writer did */
	size_t swaps;
	double phase_s;
};

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "swap: %s failed\n", what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* How often the kernel gave this thread's CPU to another that wanted it; its own waits do not count. */
static long preemptions(void)
{
	struct rusage usage;

	need(getrusage(RUSAGE_THREAD, &usage) == 0, "getrusage");
	return usage.ru_nivcsw;
}

static void note_gap(struct rig *r, uint64_t gap_ns, bool is_preempted)
{
	if (gap_ns > r->longest_ns)
		r->longest_ns = gap_ns;
	if (gap_ns > r->longest_own_ns && !is_preempted)
		r->longest_own_ns = gap_ns;
}

static void *read_on(void *arg)
{
	struct rig *r = arg;
	/* noted after the moment before last, and after the last: a gap lies between the two at most */
	long earlier = preemptions(), preempted = earlier;
	uint64_t last_ns = now_ns();
	uint32_t ids[BULK];

	qsbr_online(r->qsbr, 0);
	for (size_t i = 0; !atomic_load_explicit(&r->stop, memory_order_relaxed); i += BULK) {
		uint64_t moment_ns;
		long now;

		fib_lookup4_bulk(fib_slot_get(&r->shown), r->addrs_be + i % r->n_addrs, BULK, ids);
		qsbr_quiescent(r->qsbr, 0);
		r->sum += ids[0];
		r->lookups += BULK;
		moment_ns = now_ns();
		now = preemptions();
		note_gap(r, moment_ns - last_ns, now != earlier);
		last_ns = moment_ns;
		earlier = preempted;
		preempted = now;
	}
	qsbr_offline(r->qsbr, 0);
	return NULL;
}

/* On the last CPU: the writer is where DPDK has pinned it, on the first. */
static pthread_t start_reader(struct rig *r)
{
	pthread_attr_t attributes;
	pthread_t thread = {0};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	need(pthread_attr_init(&attributes) == 0 &&
		     pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus) == 0 &&
		     pthread_create(&thread, &attributes, read_on, r) == 0,
	     "starting a thread");
	pthread_attr_destroy(&attributes);
	return thread;
}

static void wait_until(uint64_t moment_ns)
{
	struct timespec t = {(time_t)(moment_ns / 1000000000), (long)(moment_ns % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void set(struct rig *r, struct fib_slot *slot, size_t table)
{
	need(fib_publisher_set(r->publisher, slot, r->tables[table]) == 0, "fib_publisher_set");
}

/* Gives the reader the other table. */
static void swap(struct rig *r, enum phase phase, size_t number)
{
	if (phase == SWAP)
		fib_publisher_copy(r->publisher, &r->shown, &r->kept[number % 2]);
	else
		set(r, &r->shown, number % 2);
	fib_publisher_reclaim(r->publisher);
}

/* What is late is not made up for. Returns how often the reader got another table. */
static size_t write_on(struct rig *r, enum phase phase, uint64_t start_ns, uint64_t phase_ns)
{
	size_t swaps = 0;

	if (phase == STILL)
		wait_until(start_ns + phase_ns);
	for (uint64_t at_ns = 0; phase != STILL && at_ns < phase_ns; at_ns = now_ns() - start_ns) {
		if (phase == SWAP)
			wait_until(start_ns + (at_ns / SWAP_NS + 1) * SWAP_NS);
		swap(r, phase, ++swaps);
	}
	return swaps;
}

static void keep_tables(struct rig *r, bool keep)
{
	for (size_t i = 0; i < 2; i++)
		if (keep)
			set(r, &r->kept[i], i);
		else
			fib_publisher_clear(r->publisher, &r->kept[i]);
}

static void run_phase(struct rig *r, enum phase phase, size_t phase_ms)
{
	uint64_t start_ns;
	pthread_t reader;

	/* else a table would be found instead of added and freed */
	keep_tables(r, phase == SWAP);
	atomic_store(&r->stop, false);
	r->longest_ns = r->longest_own_ns = r->lookups = 0;
	reader = start_reader(r);
	start_ns = now_ns();
	r->swaps = write_on(r, phase, start_ns, phase_ms * 1000000);
	r->phase_s = (double)(now_ns() - start_ns) / 1e9;
	atomic_store(&r->stop, true);
	need(pthread_join(reader, NULL) == 0, "pthread_join");
}

static void print_list(const char *name, double values[PHASES][ROUNDS_MAX], size_t rounds)
{
	printf(",\n  \"%s\": {", name);
	for (enum phase phase = STILL; phase < PHASES; phase++) {
		printf("%s\"%s\": [", phase == STILL ? "" : ", ", phase_names[phase]);
		for (size_t i = 0; i < rounds; i++)
			printf("%s%.2f", i == 0 ? "" : ", ", values[phase][i]);
		printf("]");
	}
	printf("}");
}

void swap_print(const struct trie *a, const struct trie *b, const uint32_t *addrs_be, size_t n,
		size_t rounds, size_t phase_ms)
{
	struct rig r = {.tables = {a, b}, .addrs_be = addrs_be, .n_addrs = n};
	double stall_us[PHASES][ROUNDS_MAX], own_us[PHASES][ROUNDS_MAX];
	double mlps[PHASES][ROUNDS_MAX], swaps_per_s[PHASES][ROUNDS_MAX];

	need(qsbr_new(1, &r.qsbr) == 0 && fib_publisher_new(r.qsbr, &r.publisher) == 0, "malloc");
	set(&r, &r.shown, 0);
	for (size_t i = 0; i < rounds; i++)
		for (enum phase phase = STILL; phase < PHASES; phase++) {
			run_phase(&r, phase, phase_ms);
			swaps_per_s[phase][i] = (double)r.swaps / r.phase_s;
			stall_us[phase][i] = (double)r.longest_ns / 1e3;
			own_us[phase][i] = (double)r.longest_own_ns / 1e3;
			mlps[phase][i] = (double)r.lookups / r.phase_s / 1e6;
		}
	print_list("stall_us", stall_us, rounds);
	print_list("own_stall_us", own_us, rounds);
	print_list("reader_mlps", mlps, rounds);
	print_list("swaps_per_s", swaps_per_s, rounds);
	fib_publisher_free(r.publisher);
	qsbr_free(r.qsbr);
}
