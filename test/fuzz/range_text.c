/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range_parse_text() on any text: what it accepts is covered by its prefixes, in order and without a
 * gap, and reads back as itself; what it refuses has a reason and leaves the result alone.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static unsigned bits_of(uint8_t family)
{
	return family == AF_INET6 ? 128 : 32;
}

/* From the first address to the last one, each prefix beginning right behind the one before. */
static void check_covered(const struct range *r)
{
	struct prefix list[RANGE_PREFIXES_MAX];
	size_t n = range_prefixes(r, list);
	uint8_t at[16];
	uint8_t last[16] = {0};

	check(n >= 1 && n <= RANGE_PREFIXES_MAX);
	memcpy(at, r->first, sizeof(at));
	for (size_t i = 0; i < n; i++) {
		check(list[i].family == r->family);
		check(memcmp(list[i].addr, at, sizeof(at)) == 0);
		memcpy(last, at, sizeof(last));
		for (unsigned bit = list[i].len; bit < bits_of(r->family); bit++)
			last[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		memcpy(at, last, sizeof(at));
		for (unsigned k = bits_of(r->family) / 8; k-- > 0 && ++at[k] == 0;)
			;
	}
	check(memcmp(last, r->last, sizeof(last)) == 0);
}

static void check_reads_back(const struct range *r)
{
	struct range again;
	const char *why;
	char first[INET6_ADDRSTRLEN];
	char last[INET6_ADDRSTRLEN];
	char text[2 * INET6_ADDRSTRLEN];

	check(inet_ntop(r->family, r->first, first, sizeof(first)) != NULL);
	check(inet_ntop(r->family, r->last, last, sizeof(last)) != NULL);
	snprintf(text, sizeof(text), "%s-%s", first, last);
	check(range_parse_text(text, &again, &why) == 0);
	check(memcmp(r, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct range untouched = {AF_INET, {3}, {1}};
	struct range r = untouched;
	const char *why = NULL;
	char *text = malloc(size + 1);

	check(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (range_parse_text(text, &r, &why) == 0) {
		check(memcmp(r.first, r.last, sizeof(r.last)) <= 0);
		check_covered(&r);
		check_reads_back(&r);
	} else {
		check(why && *why);
		check(memcmp(&r, &untouched, sizeof(r)) == 0);
	}
	free(text);
	return 0;
}
