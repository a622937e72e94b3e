/* SPDX-License-Identifier: Apache-2.0 */
/* A site that is no site is refused with its place; one that is can be told in the ids of its parts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/site.h"

static void look_at(const struct site *s)
{
	char id[SITE_ID_MAX];

	for (size_t i = 0; i < s->n; i++) {
		const struct site_item *item = &s->items[i];

		if (!site_has(s, item->kind, &item->names) || !json_is_object(item->fields))
			abort();
		if (i && item->kind < s->items[i - 1].kind)
			abort();
		site_id(item->kind, &item->names, id);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct site_error e;
	struct site s;
	int r;

	if (!json_is_object(json)) {
		json_decref(json);
		return 0;
	}
	r = site_read(json, &s, &e);
	if (r == 0)
		look_at(&s);
	else if (!*e.why)
		abort();
	site_done(&s);
	json_decref(json);
	return 0;
}
