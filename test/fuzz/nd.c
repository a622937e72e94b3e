/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an IPv6 packet of a neighbour. No packet is a question and an answer; what is taken as a network is one that
 * addresses can be made of.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/session/nd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* in memory of its own size, so that a read past the packet is seen */
	uint8_t *copy = malloc(size ? size : 1);
	uint8_t prefix[ND_PREFIX_SIZE];
	int r;

	must(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	r = nd_take_prefix(copy, size, prefix);
	must(r == 0 || r == -ENOMSG || r == -EBADMSG);
	if (r != -ENOMSG)
		must(!nd_is_solicitation(copy, size));
	if (r == 0)
		must(prefix[0] != 0xff && !(prefix[0] == 0xfe && prefix[1] >> 6 == 2));
	free(copy);
	return 0;
}
