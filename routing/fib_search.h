/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_SEARCH_H
#define ROUTING_FIB_SEARCH_H
/* How all shapes of a table are read: written once, compiled for each kind of CPU, in batches. */
#include <stddef.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
	FIB_BATCH = 32, /* searches whose accesses to memory overlap */
};

static inline size_t fib_batch(size_t left)
{
	return left < FIB_BATCH ? left : FIB_BATCH;
}

#endif
