/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A path-compressed binary trie for each family. A node stands for a prefix; the next bit of an
 * address behind that prefix says which child to go to, and what a child skips is in its own
 * prefix. A node is a route, or a fork: a fork has exactly two children, so there are fewer forks
 * than routes, and a trie without routes has no node at all.
 *
 * A fork that a second route makes necessary is allocated before anything is linked, so that a
 * failure changes nothing; removal only ever frees.
 */
#include "routing/trie.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	DEPTH_MAX = 128 + 1, /* nodes on a path: lengths 0..128 */
};

struct node {
	struct node *child[2];
	uint32_t value;
	uint8_t len;
	bool is_route;
	uint8_t addr[]; /* 4 or 16 bytes; bits behind len are zero */
};

struct family {
	struct node *root;
	size_t addr_bytes;
	size_t n_routes;
	size_t n_nodes;
};

struct trie {
	struct family v4, v6;
};

static struct family *family_of(struct trie *t, uint8_t family)
{
	return family == AF_INET6 ? &t->v6 : &t->v4;
}

static const struct family *family_of_const(const struct trie *t, uint8_t family)
{
	return family == AF_INET6 ? &t->v6 : &t->v4;
}

static unsigned addr_bit(const uint8_t *addr, unsigned i)
{
	return addr[i / 8] >> (7 - i % 8) & 1;
}

/* How many leading bits are equal, at most max. */
static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned max)
{
	unsigned i = 0;

	while (8 * i < max && a[i] == b[i])
		i++;
	if (8 * i < max) {
		unsigned equal = 8 * i + (unsigned)__builtin_clz(a[i] ^ b[i]) - 24;

		return equal < max ? equal : max;
	}
	return max;
}

/* Bits of addr from bit `from` to the end of n bytes are zero. */
static bool is_zero_from(const uint8_t *addr, unsigned from, size_t n)
{
	if (from % 8 != 0 && (addr[from / 8] & 0xff >> from % 8) != 0)
		return false;
	for (size_t i = (from + 7) / 8; i < n; i++)
		if (addr[i] != 0)
			return false;
	return true;
}

static bool prefix_valid(const struct prefix *p)
{
	size_t bytes = p->family == AF_INET6 ? 16 : 4;

	return (p->family == AF_INET || p->family == AF_INET6) && p->len <= 8 * bytes &&
	       is_zero_from(p->addr, p->len, bytes);
}

/* The node's prefix contains addr, of which at least len bits are known. */
static bool node_covers(const struct node *n, const uint8_t *addr, unsigned len)
{
	return n->len <= len && common_bits(n->addr, addr, n->len) == n->len;
}

static struct node *node_new(struct family *f, const uint8_t *addr, unsigned len)
{
	struct node *n = calloc(1, sizeof(*n) + f->addr_bytes);

	if (!n)
		return NULL;
	n->len = (uint8_t)len;
	memcpy(n->addr, addr, (len + 7) / 8);
	if (len % 8 != 0)
		n->addr[len / 8] &= (uint8_t)(0xff << (8 - len % 8));
	f->n_nodes++;
	return n;
}

static void node_free(struct family *f, struct node *n)
{
	f->n_nodes--;
	free(n);
}

int trie_new(struct trie **ret_trie)
{
	struct trie *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->v4.addr_bytes = 4;
	t->v6.addr_bytes = 16;
	*ret_trie = t;
	return 0;
}

static void free_nodes(struct node *n)
{
	if (!n)
		return;
	free_nodes(n->child[0]);
	free_nodes(n->child[1]);
	free(n);
}

void trie_free(struct trie *t)
{
	if (!t)
		return;
	free_nodes(t->v4.root);
	free_nodes(t->v6.root);
	free(t);
}

/* Puts the new leaf where *link is now, together with what was there. */
static int link_beside(struct family *f, struct node **link, struct node *leaf)
{
	struct node *old = *link;
	unsigned shorter = old->len < leaf->len ? old->len : leaf->len;
	unsigned common = common_bits(old->addr, leaf->addr, shorter);
	struct node *top = leaf;

	if (common < leaf->len) {
		top = node_new(f, leaf->addr, common);
		if (!top)
			return -ENOMEM;
		top->child[addr_bit(leaf->addr, common)] = leaf;
	}
	top->child[addr_bit(old->addr, common)] = old;
	*link = top;
	return 0;
}

/* The place of p: its own node, or the first that does not cover it, or where there is none. */
static struct node **descend(struct family *f, const struct prefix *p)
{
	struct node **link = &f->root;

	while (*link && (*link)->len < p->len && node_covers(*link, p->addr, p->len))
		link = &(*link)->child[addr_bit(p->addr, (*link)->len)];
	return link;
}

static bool is_node_of(const struct node *n, const struct prefix *p)
{
	return n && n->len == p->len && node_covers(n, p->addr, p->len);
}

static void set_route(struct family *f, struct node *n, uint32_t value)
{
	f->n_routes += !n->is_route;
	n->is_route = true;
	n->value = value;
}

int trie_insert(struct trie *t, const struct prefix *p, uint32_t value)
{
	struct family *f;
	struct node **link;
	struct node *leaf;

	if (!prefix_valid(p))
		return -EINVAL;
	f = family_of(t, p->family);
	link = descend(f, p);
	if (is_node_of(*link, p)) {
		set_route(f, *link, value);
		return 0;
	}
	leaf = node_new(f, p->addr, p->len);
	if (!leaf)
		return -ENOMEM;
	if (*link && link_beside(f, link, leaf) < 0) {
		node_free(f, leaf);
		return -ENOMEM;
	}
	if (!*link)
		*link = leaf;
	set_route(f, leaf, value);
	return 0;
}

/* A node that is no route needs two children to stay. */
static void prune(struct family *f, struct node **link)
{
	struct node *n = *link;

	if (n->is_route || (n->child[0] && n->child[1]))
		return;
	*link = n->child[0] ? n->child[0] : n->child[1];
	node_free(f, n);
}

int trie_remove(struct trie *t, const struct prefix *p)
{
	struct family *f = family_of(t, p->family);
	struct node **parent = NULL;
	struct node **link = &f->root;

	if (!prefix_valid(p))
		return -ENOENT;
	while (*link && (*link)->len < p->len && node_covers(*link, p->addr, p->len)) {
		parent = link;
		link = &(*link)->child[addr_bit(p->addr, (*link)->len)];
	}
	if (!is_node_of(*link, p) || !(*link)->is_route)
		return -ENOENT;
	(*link)->is_route = false;
	f->n_routes--;
	prune(f, link);
	if (parent)
		prune(f, parent);
	return 0;
}

int trie_find(const struct trie *t, const struct prefix *p, uint32_t *ret_value)
{
	const struct node *n;

	if (!prefix_valid(p))
		return -ENOENT;
	n = family_of_const(t, p->family)->root;
	while (n && n->len < p->len && node_covers(n, p->addr, p->len))
		n = n->child[addr_bit(p->addr, n->len)];
	if (!is_node_of(n, p) || !n->is_route)
		return -ENOENT;
	*ret_value = n->value;
	return 0;
}

static void node_prefix(const struct family *f, const struct node *n, struct prefix *ret_prefix)
{
	*ret_prefix = (struct prefix){
		.family = f->addr_bytes == 16 ? AF_INET6 : AF_INET,
		.len = n->len,
	};
	memcpy(ret_prefix->addr, n->addr, f->addr_bytes);
}

int trie_longest(const struct trie *t, uint8_t family, const void *addr, uint32_t *ret_value,
		 struct prefix *ret_prefix)
{
	const struct family *f = family_of_const(t, family);
	unsigned bits = (unsigned)(8 * f->addr_bytes);
	const struct node *best = NULL;

	for (const struct node *n = f->root; n && node_covers(n, addr, bits);) {
		if (n->is_route)
			best = n;
		n = n->len < bits ? n->child[addr_bit(addr, n->len)] : NULL;
	}
	if (!best)
		return -ENOENT;
	*ret_value = best->value;
	if (ret_prefix)
		node_prefix(f, best, ret_prefix);
	return 0;
}

size_t trie_count(const struct trie *t, uint8_t family)
{
	return family_of_const(t, family)->n_routes;
}

size_t trie_bytes(const struct trie *t)
{
	return sizeof(*t) + t->v4.n_nodes * (sizeof(struct node) + t->v4.addr_bytes) +
	       t->v6.n_nodes * (sizeof(struct node) + t->v6.addr_bytes);
}

int trie_walk(const struct trie *t, uint8_t family, trie_visit_fn *visit, void *arg)
{
	const struct family *f = family_of_const(t, family);
	/* each node on the path leaves at most its right child behind */
	const struct node *stack[DEPTH_MAX + 1];
	size_t depth = 0;

	if (f->root)
		stack[depth++] = f->root;
	while (depth > 0) {
		const struct node *n = stack[--depth];

		if (n->is_route) {
			struct prefix p;
			int result;

			node_prefix(f, n, &p);
			result = visit(arg, &p, n->value);
			if (result != 0)
				return result;
		}
		if (n->child[1]) {
			/* there is time until its turn comes */
			__builtin_prefetch(n->child[1]);
			stack[depth++] = n->child[1];
		}
		if (n->child[0])
			stack[depth++] = n->child[0];
	}
	return 0;
}

static bool child_valid(const struct node *n, unsigned side)
{
	const struct node *child = n->child[side];

	return !child || (child->len > n->len && node_covers(n, child->addr, child->len) &&
			  addr_bit(child->addr, n->len) == side);
}

static bool nodes_valid(const struct family *f, const struct node *n, size_t *nodes, size_t *routes)
{
	if (!n)
		return true;
	if (n->len > 8 * f->addr_bytes || !is_zero_from(n->addr, n->len, f->addr_bytes))
		return false;
	if (!n->is_route && (!n->child[0] || !n->child[1]))
		return false;
	if (!child_valid(n, 0) || !child_valid(n, 1))
		return false;
	*nodes += 1;
	*routes += n->is_route;
	return nodes_valid(f, n->child[0], nodes, routes) &&
	       nodes_valid(f, n->child[1], nodes, routes);
}

static bool family_valid(const struct family *f)
{
	size_t nodes = 0;
	size_t routes = 0;

	return nodes_valid(f, f->root, &nodes, &routes) && nodes == f->n_nodes &&
	       routes == f->n_routes;
}

bool trie_check(const struct trie *t)
{
	return family_valid(&t->v4) && family_valid(&t->v6);
}
