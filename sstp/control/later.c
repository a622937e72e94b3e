/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/later.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
	STAILQ_ENTRY(entry) next;
	struct later_message m;
	uint8_t payload[];
};

struct later {
	STAILQ_HEAD(, entry) entries;
	size_t bytes; /* of all entries */
};

struct later *later_new(void)
{
	struct later *l = calloc(1, sizeof(*l));

	if (l)
		STAILQ_INIT(&l->entries);
	return l;
}

void later_free(struct later *l)
{
	struct later_message m;

	if (!l)
		return;
	while (later_first(l, &m))
		later_drop_first(l);
	free(l);
}

int later_add(struct later *l, const struct later_message *m)
{
	size_t bytes = sizeof(struct entry) + m->len;
	struct entry *e;

	if (bytes > LATER_BYTES_MAX - l->bytes)
		return -ENOSPC;
	e = malloc(bytes);
	if (!e)
		return -ENOMEM;
	e->m = *m;
	e->m.payload = e->payload;
	if (m->len)
		memcpy(e->payload, m->payload, m->len);
	STAILQ_INSERT_TAIL(&l->entries, e, next);
	l->bytes += bytes;
	return 0;
}

bool later_first(const struct later *l, struct later_message *ret_message)
{
	const struct entry *e = STAILQ_FIRST(&l->entries);

	if (e)
		*ret_message = e->m;
	return e != NULL;
}

void later_drop_first(struct later *l)
{
	struct entry *e = STAILQ_FIRST(&l->entries);

	STAILQ_REMOVE_HEAD(&l->entries, next);
	l->bytes -= sizeof(*e) + e->m.len;
	free(e);
}
