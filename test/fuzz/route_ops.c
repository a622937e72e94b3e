/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trie under any sequence of operations, beside a list; then all shapes of its compiled table:
 * the tree, and for IPv4 the index with a tree below, and cells.
 * An operation is six bytes: what and which family, length, three bytes of address, value. Addresses
 * are short so that prefixes meet; the third byte is the address's last, so that long ones differ.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/fib.h"
#include "sstp/base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	LIST_MAX = 256,
	SHAPES = 3,
	EDGES_MAX = 8, /* prefixes whose neighbourhood is looked at */
	OP_REMOVE = 1 << 0,
	OP_IPV6 = 1 << 1,
};

struct list {
	struct prefix prefixes[LIST_MAX];
	uint32_t values[LIST_MAX];
	size_t n;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void clear_host_bits(struct prefix *p)
{
	for (unsigned bit = p->len; bit < 128; bit++)
		p->addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static struct prefix read_prefix(struct wire_reader *r, bool six)
{
	unsigned bits = six ? 128 : 32;
	struct prefix p = {.family = six ? AF_INET6 : AF_INET};

	p.len = (uint8_t)(wire_u8(r) % (bits + 1));
	p.addr[0] = wire_u8(r);
	p.addr[2] = wire_u8(r);
	p.addr[bits / 8 - 1] = wire_u8(r);
	clear_host_bits(&p);
	return p;
}

static size_t list_find(const struct list *l, const struct prefix *p)
{
	size_t i = 0;

	while (i < l->n && !prefix_equal(&l->prefixes[i], p))
		i++;
	return i;
}

static void insert(struct trie *t, struct list *l, const struct prefix *p, uint32_t value)
{
	size_t i = list_find(l, p);

	if (i == LIST_MAX)
		return;
	check(trie_insert(t, p, value) == 0);
	l->n += i == l->n;
	l->prefixes[i] = *p;
	l->values[i] = value;
}

static void drop(struct trie *t, struct list *l, const struct prefix *p)
{
	size_t i = list_find(l, p);

	check((trie_remove(t, p) == 0) == (i < l->n));
	if (i == l->n)
		return;
	l->n--;
	l->prefixes[i] = l->prefixes[l->n];
	l->values[i] = l->values[l->n];
}

static uint32_t list_longest(const struct list *l, uint8_t family, const uint8_t *addr)
{
	uint32_t value = INTERVAL_NONE;
	int best = -1;

	for (size_t i = 0; i < l->n; i++)
		if (l->prefixes[i].family == family && l->prefixes[i].len > best &&
		    prefix_contains(&l->prefixes[i], addr)) {
			best = l->prefixes[i].len;
			value = l->values[i];
		}
	return value;
}

/* A family's table in all shapes; IPv6 has one. */
struct compiled {
	uint8_t family;
	struct fib shapes[SHAPES];
};

static struct compiled compile(const struct trie *t, uint8_t family)
{
	struct compiled c = {.family = family};
	struct interval_list list, below = {0};

	check(interval_init(&list, t, family) == 0);
	for (int i = 0; i < SHAPES; i++)
		check(fib_tree_init(&c.shapes[i].tree6, &list, AF_INET6) == 0);
	check(fib_tree_init(&c.shapes[0].tree4, &list, AF_INET) == 0);
	check(fib_index_init(&c.shapes[1].index, &below, &list) == 0);
	check(fib_tree_init(&c.shapes[1].tree4, &below, AF_INET) == 0);
	check(fib_cells_init(&c.shapes[2].cells, &list, 2) == 0);
	interval_done(&below);
	interval_done(&list);
	return c;
}

static void compiled_done(struct compiled *c)
{
	for (int i = 0; i < SHAPES; i++) {
		fib_index_done(&c->shapes[i].index);
		fib_cells_done(&c->shapes[i].cells);
		fib_tree_done(&c->shapes[i].tree4);
		fib_tree_done(&c->shapes[i].tree6);
	}
}

static void check_shape(const struct fib *f, uint8_t family, const uint8_t addr[16],
			uint32_t expected)
{
	uint32_t addr_be, found[2];

	memcpy(&addr_be, addr, sizeof(addr_be));
	if (family == AF_INET6) {
		found[0] = fib_lookup6(f, addr);
		fib_lookup6_bulk(f, (const uint8_t(*)[16])addr, 1, &found[1]);
	} else {
		found[0] = fib_lookup4(f, addr_be);
		fib_lookup4_bulk(f, &addr_be, 1, &found[1]);
	}
	check(found[0] == expected && found[1] == expected);
}

static void check_address(const struct trie *t, const struct compiled *c, const struct list *l,
			  const uint8_t addr[16])
{
	uint32_t expected = list_longest(l, c->family, addr);
	uint32_t value = INTERVAL_NONE;

	trie_longest(t, c->family, addr, &value, NULL);
	check(value == expected);
	for (int i = 0; i < SHAPES; i++)
		check_shape(&c->shapes[i], c->family, addr, expected);
}

/* The first address of a prefix, its last, and those beside them. */
static void check_edges(const struct trie *t, const struct compiled *c, const struct list *l,
			const struct prefix *p)
{
	unsigned bits = p->family == AF_INET6 ? 128 : 32;
	uint8_t addr[16];

	for (unsigned bit = 0; bit <= bits; bit++) {
		memcpy(addr, p->addr, sizeof(addr));
		if (bit < bits)
			addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		check_address(t, c, l, addr);
		for (unsigned i = bit + 1; i < bits; i++)
			addr[i / 8] |= (uint8_t)(0x80 >> i % 8);
		check_address(t, c, l, addr);
	}
}

static void check_family(const struct trie *t, const struct list *l, uint8_t family)
{
	struct compiled c = compile(t, family);
	unsigned looked_at = 0;

	for (size_t i = 0; i < l->n && looked_at < EDGES_MAX; i++)
		if (l->prefixes[i].family == family) {
			check_edges(t, &c, l, &l->prefixes[i]);
			looked_at++;
		}
	compiled_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader r = wire_reader(data, size);
	static struct list l;
	struct trie *t;

	l.n = 0;
	check(trie_new(&t) == 0);
	while (wire_left(&r) >= 6) {
		uint8_t op = wire_u8(&r);
		struct prefix p = read_prefix(&r, op & OP_IPV6);
		uint8_t value = wire_u8(&r);

		if (op & OP_REMOVE)
			drop(t, &l, &p);
		else
			insert(t, &l, &p, value);
	}
	check(trie_check(t));
	check(trie_count(t, AF_INET) + trie_count(t, AF_INET6) == l.n);
	check_family(t, &l, AF_INET);
	check_family(t, &l, AF_INET6);
	trie_free(t);
	return 0;
}
