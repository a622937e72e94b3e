/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_PRNG_H
#define TEST_SUPPORT_PRNG_H
/* A seeded generator, so that a failing run can be repeated: print the seed, give it back in TEST_SEED. */
#include <stdint.h>

#include "sstp/base/random.h"

struct prng {
	uint64_t state;
};

/* From TEST_SEED, else from `seed`. Prints the seed as a TAP comment. */
void prng_init(struct prng *p, uint64_t seed);
uint64_t prng_next(struct prng *p);
/* Uniform in 0..n-1. */
uint32_t prng_below(struct prng *p, uint32_t n);
/* The same generator as the engines take it; borrows p. */
struct random_source prng_source(struct prng *p);

#endif
