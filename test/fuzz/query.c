/* SPDX-License-Identifier: Apache-2.0 */
/* The input is the query of a request. What is accepted holds to its limits, and is found again. */
#include "sstp/control/query.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text)
{
	must(strlen(text) <= QUERY_TEXT_MAX);
	for (; *text; text++)
		must(*text >= ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const allowed[] = {"app", "vnet", "plan", "ended", "limit", "", NULL};
	char *text = malloc(size + 1);
	char why[QUERY_WHY_MAX];
	struct query q;

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (query_parse(text, allowed, &q, why) == 0) {
		must(q.n <= QUERY_PAIRS_MAX);
		for (size_t i = 0; i < q.n; i++) {
			check_text(q.pairs[i].key);
			check_text(q.pairs[i].value);
			must(query_get(&q, q.pairs[i].key) == q.pairs[i].value);
		}
	} else {
		must(memchr(why, '\0', sizeof(why)) != NULL);
	}
	free(text);
	return 0;
}
