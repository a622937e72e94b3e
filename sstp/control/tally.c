/* SPDX-License-Identifier: Apache-2.0 */
/* Entries lie in the order in which they came; a table of their places, never more than half full, finds them. */
#include "sstp/control/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SIZE_MIN = 256, /* of the entries; powers of two */
};

struct entry {
	uint64_t boot;
	uint64_t id;
	struct msg_counts counts;
};

struct tally {
	struct entry *entries;
	uint32_t *places; /* of 2 * size: 0: nobody's; else one more than the entry's index */
	size_t n;
	size_t size;
};

struct tally *tally_new(void)
{
	return calloc(1, sizeof(struct tally));
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	free(t->entries);
	free(t->places);
	free(t);
}

static size_t hash_of(uint64_t boot, uint64_t id)
{
	uint64_t h = (boot ^ id) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 32);
}

/* The place of the session, or the free one where it belongs. */
static uint32_t *place_of(const struct tally *t, uint64_t boot, uint64_t id)
{
	size_t mask = 2 * t->size - 1;
	size_t at = hash_of(boot, id) & mask;

	while (t->places[at]) {
		const struct entry *e = &t->entries[t->places[at] - 1];

		if (e->boot == boot && e->id == id)
			break;
		at = (at + 1) & mask;
	}
	return &t->places[at];
}

static int grow(struct tally *t)
{
	size_t size = t->size ? 2 * t->size : SIZE_MIN;
	struct entry *entries;
	uint32_t *places;

	if (size > TALLY_MAX)
		return -ENOSPC;
	places = calloc(2 * size, sizeof(*places));
	entries = realloc(t->entries, size * sizeof(*entries));
	if (entries)
		t->entries = entries;
	if (!places || !entries) {
		free(places);
		return -ENOMEM;
	}
	free(t->places);
	t->places = places;
	t->size = size;
	for (size_t i = 0; i < t->n; i++)
		*place_of(t, entries[i].boot, entries[i].id) = (uint32_t)i + 1;
	return 0;
}

static void raise(uint64_t *count, uint64_t to)
{
	if (to > *count)
		*count = to;
}

int tally_add(struct tally *t, uint64_t boot, uint64_t id, const struct msg_counts *counts)
{
	struct entry *e;
	uint32_t *place = t->size ? place_of(t, boot, id) : NULL;
	int r;

	if (place && *place) {
		e = &t->entries[*place - 1];
		raise(&e->counts.sent_packets, counts->sent_packets);
		raise(&e->counts.sent_bytes, counts->sent_bytes);
		raise(&e->counts.received_packets, counts->received_packets);
		raise(&e->counts.received_bytes, counts->received_bytes);
		return 0;
	}
	if (t->n == t->size) {
		r = grow(t);
		if (r < 0)
			return r;
		place = place_of(t, boot, id);
	}
	t->entries[t->n++] = (struct entry){boot, id, *counts};
	*place = (uint32_t)t->n;
	return 0;
}

size_t tally_count(const struct tally *t)
{
	return t->n;
}

void tally_at(const struct tally *t, size_t i, uint64_t *ret_boot, uint64_t *ret_id,
	      struct msg_counts *ret_counts)
{
	*ret_boot = t->entries[i].boot;
	*ret_id = t->entries[i].id;
	*ret_counts = t->entries[i].counts;
}

void tally_clear(struct tally *t)
{
	t->n = 0;
	if (t->size)
		memset(t->places, 0, 2 * t->size * sizeof(*t->places));
}
