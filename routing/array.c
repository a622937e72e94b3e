/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/array.h"

#include <stdlib.h>

enum {
	ITEMS_MIN = 16
};

void *array_reserve(void *array, size_t used, size_t *cap, size_t n, size_t item_bytes)
{
	size_t wanted = *cap ? *cap : ITEMS_MIN;
	void *moved;

	if (used + n <= *cap)
		return array;
	while (wanted < used + n)
		wanted *= 2;
	moved = realloc(array, wanted * item_bytes);
	if (moved)
		*cap = wanted;
	return moved;
}
