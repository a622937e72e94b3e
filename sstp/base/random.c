/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/random.h"

#include <openssl/rand.h>
#include <stdlib.h>

static void fill_system(void *arg, uint8_t *buf, size_t len)
{
	/* going on with predictable nonces would break the binding silently; there is no repair */
	if (RAND_bytes(buf, (int)len) != 1)
		abort();
}

const struct random_source random_system = {.fill = fill_system};
