/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefix_parse() on any text: what it accepts reads back as itself, what it refuses for host bits
 * comes back without them, anything else leaves the result alone.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "routing/prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_reads_back(const struct prefix *p)
{
	char buf[PREFIX_TEXT_MAX];
	struct prefix again;

	check(prefix_parse(prefix_format(p, buf), &again) == 0);
	check(prefix_equal(p, &again));
	check(memcmp(p, &again, sizeof(again)) == 0);
	check(prefix_contains(p, p->addr));
	check(prefix_overlaps(p, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix untouched;
	struct prefix p;
	char *text = malloc(size + 1);

	check(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(&untouched, 0xa5, sizeof(untouched));
	p = untouched;
	switch (prefix_parse(text, &p)) {
	case 0:
	case -EDOM: check_reads_back(&p); break;
	case -EINVAL: check(memcmp(&p, &untouched, sizeof(p)) == 0); break;
	default: abort();
	}
	free(text);
	return 0;
}
