/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/fib_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	CACHE_LINE = 64,
	SMALL_PAGE = 1 << 12,
	LARGE_PAGE = 1 << 21,
};

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

void *fib_memory_new(size_t bytes)
{
	size_t unit = bytes < LARGE_PAGE ? CACHE_LINE : LARGE_PAGE;
	void *memory = aligned_alloc(unit, round_up(bytes, unit));

	/* no more than what will be written: the rest of the last page then never becomes memory */
	if (memory && bytes >= LARGE_PAGE)
		madvise(memory, bytes, MADV_HUGEPAGE);
	return memory;
}

void *fib_memory_map(size_t bytes, size_t written)
{
	size_t mapped = round_up(bytes, LARGE_PAGE);
	uint8_t *start = mmap(NULL, mapped + LARGE_PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t skipped;

	if (start == MAP_FAILED)
		return NULL;
	/* the kernel aligns to small pages; the surplus goes back */
	skipped = round_up((uintptr_t)start, LARGE_PAGE) - (uintptr_t)start;
	if (skipped > 0)
		munmap(start, skipped);
	if (skipped < LARGE_PAGE)
		munmap(start + skipped + mapped, LARGE_PAGE - skipped);
	start += skipped;
	madvise(start, written, MADV_HUGEPAGE);
	/* readers would meet the page of zeroes in faults of their own, and wait behind the writer's maps */
	written = round_up(written, SMALL_PAGE);
	madvise(start + written, mapped - written, MADV_POPULATE_READ);
	return start;
}

void fib_memory_unmap(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, round_up(bytes, LARGE_PAGE));
}
