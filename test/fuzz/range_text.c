/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range_parse_text() on any text: what it accepts is covered by its prefixes, in order and without a
 * gap, and reads back as itself; what it refuses has a reason and leaves the result alone.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_covered(const struct range *r)
{
	struct prefix list[RANGE_PREFIXES_MAX];
	size_t n = range_prefixes(r, list);
	uint64_t at = r->first;

	check(n >= 1 && n <= RANGE_PREFIXES_MAX);
	for (size_t i = 0; i < n; i++) {
		check(prefix_first4(&list[i]) == at);
		at += prefix_size4(&list[i]);
	}
	check(at == (uint64_t)r->last + 1);
}

static void check_reads_back(const struct range *r)
{
	const uint32_t f = r->first;
	const uint32_t l = r->last;
	struct range again;
	const char *why;
	char text[64];

	snprintf(text, sizeof(text), "%u.%u.%u.%u-%u.%u.%u.%u", f >> 24, f >> 16 & 255,
		 f >> 8 & 255, f & 255, l >> 24, l >> 16 & 255, l >> 8 & 255, l & 255);
	check(range_parse_text(text, &again, &why) == 0);
	check(memcmp(r, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct range untouched = {3, 1};
	struct range r = untouched;
	const char *why = NULL;
	char *text = malloc(size + 1);

	check(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (range_parse_text(text, &r, &why) == 0) {
		check(r.first <= r.last);
		check_covered(&r);
		check_reads_back(&r);
	} else {
		check(why && *why);
		check(memcmp(&r, &untouched, sizeof(r)) == 0);
	}
	free(text);
	return 0;
}
