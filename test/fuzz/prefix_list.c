/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a list of prefixes, as the parent reads it. What is accepted is encoded again to the same bytes. */
#include "sstp/control/prefix_list.h"

#include <stdlib.h>
#include <string.h>

enum {
	LIST_MAX = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix *list;
	uint8_t *again;
	size_t n, len;

	if (prefix_list_decode(data, size, LIST_MAX, &list, &n) < 0)
		return 0;
	if (n > LIST_MAX || prefix_list_encode(list, n, &again, &len) < 0 || len != size ||
	    memcmp(again, data, len) != 0)
		abort();
	free(again);
	free(list);
	return 0;
}
