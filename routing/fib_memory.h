/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_MEMORY_H
#define ROUTING_FIB_MEMORY_H
/*
 * Where compiled tables lie. Large ones are on large pages where the kernel has them for those who
 * ask: a random lookup then misses the cache, but not the TLB as well.
 */
#include <stddef.h>

/* Returns owned memory for free(), aligned to a cache line, contents undefined; or NULL. */
void *fib_memory_new(size_t bytes);

/*
 * Returns owned zeroes for fib_memory_unmap(), aligned to a large page, or NULL. Only the first
 * `written` bytes are for writing: what is behind them stays the kernel's one page of zeroes, which
 * takes no memory and is always in the cache.
 */
void *fib_memory_map(size_t bytes, size_t written);
void fib_memory_unmap(void *memory, size_t bytes);

#endif
