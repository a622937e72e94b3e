/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: a flow has at most one open group, and a packet of it is written, or starts another
 * group, only when that one was written. That keeps each flow in order without any sorting.
 */
#include "tun/offload_merge.h"

#include <string.h>

#include "tun/offload_group.h"
#include "tun/tun.h"

_Static_assert(OFFLOAD_FLOWS + OFFLOAD_GATHERED == 64, "a bit of `free` for each");

void offload_merge_init(struct offload_merge *m, unsigned switches, offload_write *write, void *arg,
			unsigned gathered)
{
	m->counters = (struct offload_counters){0};
	m->switches = switches;
	m->write = write;
	m->arg = arg;
	m->on_refused = NULL;
	m->gathered = gathered;
	m->nopen = 0;
	m->nclosed = 0;
	m->free = UINT64_MAX;
}

void offload_merge_watch(struct offload_merge *m, offload_refused *fn, void *arg)
{
	m->on_refused = fn;
	m->on_refused_arg = arg;
}

/* ---- flows ---- */

static const uint8_t *addresses(const struct offload_packet *p, size_t *ret_len)
{
	*ret_len = p->version == 4 ? 8 : 32;
	return p->bytes + (p->version == 4 ? 12 : 8);
}

static bool same_addresses(const struct offload_packet *a, const struct offload_packet *b)
{
	size_t len;
	const uint8_t *of_a = addresses(a, &len);

	return a->version == b->version && memcmp(of_a, addresses(b, &len), len) == 0;
}

static bool same_flow(const struct offload_packet *a, const struct offload_packet *b)
{
	return a->protocol == b->protocol && same_addresses(a, b) &&
	       memcmp(a->bytes + a->l4_at, b->bytes + b->l4_at, 4) == 0;
}

/* Peers may choose addresses and ports that collide; that costs them OFFLOAD_FLOWS comparisons. */
static uint32_t flow_hash(const struct offload_packet *p)
{
	size_t len;
	const uint8_t *at = addresses(p, &len);
	uint64_t hash = p->protocol;
	uint64_t word = 0;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	}
	word = 0;
	memcpy(&word, p->bytes + p->l4_at, 4);
	hash = (hash ^ hash >> 32 ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}

/* ---- the table of open groups ---- */

/* Index in open[], or -1. */
static int find(const struct offload_merge *m, const struct offload_packet *p, uint32_t hash)
{
	for (unsigned i = 0; i < m->nopen; i++)
		if (m->hash[i] == hash && same_flow(&m->open[i]->first, p))
			return (int)i;
	return -1;
}

static void write_out(struct offload_merge *m, unsigned i)
{
	struct offload_group *g = m->open[i];

	m->nopen--;
	memmove(m->open + i, m->open + i + 1, (m->nopen - i) * sizeof(m->open[0]));
	memmove(m->hash + i, m->hash + i + 1, (m->nopen - i) * sizeof(m->hash[0]));
	offload_write_group(m, g);
}

/* There is one: at most OFFLOAD_FLOWS are open, and fewer than OFFLOAD_GATHERED wait to leave. */
static struct offload_group *take_group(struct offload_merge *m)
{
	int index = __builtin_ctzll(m->free);

	m->free &= ~(UINT64_C(1) << index);
	return &m->groups[index];
}

static struct offload_group *open_group(struct offload_merge *m, uint32_t hash)
{
	if (m->nopen == OFFLOAD_FLOWS) {
		m->counters.evicted++;
		write_out(m, 0);
	}
	m->open[m->nopen] = take_group(m);
	m->hash[m->nopen] = hash;
	return m->open[m->nopen++];
}

static void write_alone(struct offload_merge *m, const uint8_t *pkt, size_t len)
{
	offload_write_alone(m, take_group(m), pkt, len);
}

/* ---- packets ---- */

static void write_out_between(struct offload_merge *m, const struct offload_packet *p)
{
	unsigned i = 0;

	while (i < m->nopen) {
		if (same_addresses(&m->open[i]->first, p))
			write_out(m, i);
		else
			i++;
	}
}

static bool is_wanted(const struct offload_merge *m, const struct offload_packet *p)
{
	unsigned merge = p->protocol == OFFLOAD_TCP ? TUN_OFFLOAD_TCP_MERGE : TUN_OFFLOAD_UDP_MERGE;

	return m->switches & TUN_OFFLOAD_HEADER && m->switches & merge;
}

static void append(struct offload_merge *m, const struct offload_packet *p, unsigned i)
{
	struct offload_group *g = m->open[i];

	offload_group_append(g, p);
	if (offload_group_has_ended(g))
		write_out(m, i);
}

static void add_to_flow(struct offload_merge *m, const struct offload_packet *p)
{
	bool can_merge = is_wanted(m, p) && offload_group_can_hold(p);
	uint32_t hash = flow_hash(p);
	int i = find(m, p, hash);

	if (i >= 0 && can_merge && offload_group_fits(m->open[i], p)) {
		append(m, p, (unsigned)i);
		return;
	}
	if (i >= 0)
		write_out(m, (unsigned)i);
	if (can_merge && offload_group_can_start(p))
		offload_group_start(open_group(m, hash), p);
	else
		write_alone(m, p->bytes, p->len);
}

void offload_merge_add(struct offload_merge *m, const uint8_t *pkt, size_t len)
{
	struct offload_packet p;

	if (offload_packet_parse(pkt, len, &p) < 0) {
		write_alone(m, pkt, len);
	} else if (!p.is_plain || p.header_len == 0) {
		write_out_between(m, &p);
		write_alone(m, pkt, len);
	} else {
		add_to_flow(m, &p);
	}
}

void offload_merge_flush(struct offload_merge *m)
{
	while (m->nopen > 0)
		write_out(m, 0);
	offload_write_closed(m);
}
