/* SPDX-License-Identifier: Apache-2.0 */
/* The input is what BIRD's socket says: as one reply, as neighbours and as routes. */
#include "sstp/control/bird_reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void take_peer(void *arg, const struct bird_peer *peer)
{
	must(*peer->name != '\0');
	must(strlen(peer->error) < sizeof(peer->error));
}

static void take_route(void *arg, const struct bird_route *route)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix again;

	must(prefix_parse(prefix_format(&route->dst, text), &again) == 0);
	must(prefix_equal(&route->dst, &again));
	must(strlen(route->as_path) < sizeof(route->as_path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	unsigned code;
	size_t last;
	size_t whole = bird_reply_whole(text, size, &code, &last);

	must(whole <= size && (!whole || last < whole));
	bird_reply_peers(text, size, take_peer, NULL);
	bird_reply_routes(text, size, take_route, NULL);
	return 0;
}
