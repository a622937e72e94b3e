/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/explain_bgp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PEERS_MAX = 32,
};

struct asking {
	const char *socket;
	uint64_t until;
	const struct prefix *prefix; /* that it is about just now; NULL: none */
	struct explain_bgp *found;
	char peer[BIRD_NAME_MAX]; /* that the route is from; "" */
	bool is_told;
	struct bird_peer peers[PEERS_MAX];
	size_t n_peers;
};

/* 0 or -errno, with found->why. */
static int ask(struct asking *a, const char *command, char **ret_text, size_t *ret_len)
{
	uint64_t now = clock_now();
	char why[BIRD_WHY_MAX];
	int r = bird_ask(a->socket, command, now < a->until ? a->until - now : 0, ret_text, ret_len,
			 why);

	if (r < 0 && (r != -ENOENT || !a->prefix)) /* else it has no such prefix */
		memcpy(a->found->why, why, sizeof(why));
	return r;
}

static void take_way(void *arg, const struct bird_route *route)
{
	struct asking *a = arg;

	if (!prefix_equal(&route->dst, a->prefix) || !*route->as_path ||
	    (a->found->has_route && !route->is_best))
		return;
	a->found->has_route = true;
	snprintf(a->found->as_path, sizeof(a->found->as_path), "%s", route->as_path);
	snprintf(a->peer, sizeof(a->peer), "%s", route->peer);
}

static void take_told(void *arg, const struct bird_route *route)
{
	struct asking *a = arg;

	a->is_told |= prefix_equal(&route->dst, a->prefix);
}

static void take_peer(void *arg, const struct bird_peer *peer)
{
	struct asking *a = arg;

	if (a->n_peers < PEERS_MAX && strcmp(peer->bgp_state, "Established") == 0)
		a->peers[a->n_peers++] = *peer;
}

static void ask_peers(struct asking *a)
{
	char *text;
	size_t len;

	if (ask(a, "show protocols all", &text, &len) < 0)
		return;
	bird_reply_peers(text, len, take_peer, a);
	free(text);
}

static void ask_way(struct asking *a)
{
	char command[BIRD_COMMAND_MAX], prefix[PREFIX_TEXT_MAX];
	char *text;
	size_t len;

	snprintf(command, sizeof(command), "show route table all %s all",
		 prefix_format(a->prefix, prefix));
	if (ask(a, command, &text, &len) < 0)
		return;
	bird_reply_routes(text, len, take_way, a);
	free(text);
}

static void ask_told(struct asking *a, const struct bird_peer *peer)
{
	char command[BIRD_COMMAND_MAX], prefix[PREFIX_TEXT_MAX];
	char *text;
	size_t len;

	a->is_told = false;
	snprintf(command, sizeof(command), "show route %s export '%s'",
		 prefix_format(a->prefix, prefix), peer->name);
	if (ask(a, command, &text, &len) < 0)
		return;
	bird_reply_routes(text, len, take_told, a);
	free(text);
}

static void add_neighbor(char list[EXPLAIN_NEIGHBORS_MAX], const struct bird_peer *peer)
{
	size_t len = strlen(list);

	snprintf(list + len, EXPLAIN_NEIGHBORS_MAX - len, "%s%s (AS %u)", len ? ", " : "",
		 peer->neighbor, peer->neighbor_as);
}

void explain_bgp_ask(const char *socket, const struct prefix *dst, const struct prefix *pool,
		     struct explain_bgp *ret_bgp)
{
	struct asking a = {
		.socket = socket, .until = clock_now() + BIRD_PATIENCE, .found = ret_bgp};

	*ret_bgp = (struct explain_bgp){.why = ""};
	ask_peers(&a);
	a.prefix = dst;
	if (dst && !*ret_bgp->why)
		ask_way(&a);
	if (dst)
		ret_bgp->dst = *dst;
	a.prefix = pool;
	for (size_t i = 0; i < a.n_peers && !*ret_bgp->why; i++) {
		if (strcmp(a.peers[i].name, a.peer) == 0)
			add_neighbor(ret_bgp->from, &a.peers[i]);
		if (pool)
			ask_told(&a, &a.peers[i]);
		if (pool && a.is_told)
			add_neighbor(ret_bgp->told, &a.peers[i]);
	}
}
