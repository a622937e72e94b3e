/* SPDX-License-Identifier: Apache-2.0 */
/* The input is what a server sends, in pieces whose lengths its first byte gives. */
#include <stdlib.h>
#include <string.h>

#include "tools/probe/talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct talk *t)
{
	must(t->used <= TALK_IN_MAX / 2 || t->end != TALK_GOES_ON);
	must(!(t->methods & ~(unsigned)TALK_METHODS));
	must(t->is_connected || (!t->has_asked && !t->methods));
	must(t->naks <= TALK_NAKS_MAX + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[TALK_OUT_MAX];
	static struct talk t;
	struct wire_writer w = wire_writer(out, sizeof(out));
	size_t piece = size ? data[0] + 1U : 1, at = 1, room;

	must(talk_start(&t, "gw.test", "{0}", &w) == 0);
	for (; at < size && t.end == TALK_GOES_ON; at += piece) {
		uint8_t *space = talk_space(&t, &room);
		size_t n = size - at < piece ? size - at : piece;

		must(room >= TALK_IN_MAX / 2);
		memcpy(space, data + at, n);
		w = wire_writer(out, sizeof(out));
		talk_received(&t, n, &w);
		check(&t);
	}
	return 0;
}
