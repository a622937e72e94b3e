/* SPDX-License-Identifier: Apache-2.0 */
#include "test/support/prng.h"

#include <stdio.h>
#include <stdlib.h>

void prng_init(struct prng *p, uint64_t seed)
{
	const char *given = getenv("TEST_SEED");

	p->state = given ? strtoull(given, NULL, 0) : seed;
	printf("# seed: TEST_SEED=%#llx\n", (unsigned long long)p->state);
}

/* splitmix64 */
uint64_t prng_next(struct prng *p)
{
	uint64_t z = (p->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t prng_below(struct prng *p, uint32_t n)
{
	return (uint32_t)(prng_next(p) % n);
}

static void fill(void *arg, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)prng_next(arg);
}

struct random_source prng_source(struct prng *p)
{
	return (struct random_source){.fill = fill, .arg = p};
}
