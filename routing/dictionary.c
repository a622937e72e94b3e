/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/dictionary.h"

#include <errno.h>
#include <stdlib.h>

enum {
	WORD_BITS = 32,
};

int dictionary_init(struct dictionary *ret_dictionary, size_t max)
{
	struct dictionary d = {.max = max, .slot_bits = 1};

	/* never more than half full: a search ends soon */
	while ((size_t)1 << d.slot_bits < 2 * max)
		d.slot_bits++;
	d.values = malloc(max * sizeof(*d.values));
	d.slots = calloc((size_t)1 << d.slot_bits, sizeof(*d.slots));
	if (!d.values || !d.slots) {
		dictionary_done(&d);
		return -ENOMEM;
	}
	*ret_dictionary = d;
	return 0;
}

void dictionary_done(struct dictionary *d)
{
	free(d->values);
	free(d->slots);
}

int dictionary_place(struct dictionary *d, uint32_t value)
{
	uint32_t mask = (UINT32_C(1) << d->slot_bits) - 1;
	uint32_t at = value * UINT32_C(2654435769) >> (WORD_BITS - d->slot_bits);

	while (d->slots[at] != 0 && d->values[d->slots[at] - 1] != value)
		at = (at + 1) & mask;
	if (d->slots[at] == 0) {
		if (d->n == d->max)
			return -E2BIG;
		d->values[d->n++] = value;
		d->slots[at] = (uint32_t)d->n;
	}
	return (int)d->slots[at] - 1;
}
