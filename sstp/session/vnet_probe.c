/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/random.h"
#include "sstp/net/loop.h"

enum {
	OWN_FIRST = 61001, /* above what Linux gives to its programs */
	OWN_COUNT = 4096,
	PREFIX6_SIZE = 8,
};

static void tell(struct vnet_probes *p, unsigned i, const struct probe_answer *answer,
		 uint64_t took_ns)
{
	struct probe_result result = {
		.id = p->open[i].id,
		.probe = p->open[i].probe,
		.answer = *answer,
		.drop = "",
		.size = p->open[i].size,
		.round_trip_us = (uint32_t)(took_ns / 1000),
	};

	p->open[i] = p->open[--p->n];
	probe_desk_tell(p->desk, &result);
}

static void tell_silence(struct vnet_probes *p, unsigned i)
{
	tell(p, i, &(struct probe_answer){.outcome = PROBE_SILENCE}, 0);
}

static void set_timer(struct vnet_probes *p)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < p->n; i++)
		if (p->open[i].began < first)
			first = p->open[i].began;
	if (p->n)
		loop_timer_set(p->timer, first + VNET_PROBE_PATIENCE);
}

static void on_timer(void *arg)
{
	struct vnet_probes *p = arg;
	uint64_t now = loop_now(p->loop);

	for (unsigned i = p->n; i-- > 0;)
		if (now >= p->open[i].began + VNET_PROBE_PATIENCE)
			tell_silence(p, i);
	set_timer(p);
}

void vnet_probes_done(struct vnet_probes *p)
{
	while (p->n)
		tell_silence(p, p->n - 1);
	loop_timer_free(p->timer);
	p->timer = NULL;
}

uint32_t vnet_probes_source(uint32_t n_addresses, unsigned n)
{
	uint32_t inner = n_addresses > 2 ? n_addresses - 3 : 0;

	return (n_addresses > 2) + (uint32_t)((uint64_t)inner * (n - 1) / (VNET_PROBE_SOURCES - 1));
}

bool vnet_probes_make(const struct probe_request *r, uint32_t address_be, const uint8_t *prefix6,
		      uint16_t packet_max, struct probe *ret_probe)
{
	struct probe p = {
		.family = r->destination.family,
		.port = r->port,
		.size = r->size < packet_max ? r->size : packet_max,
		.ttl = r->ttl,
	};
	uint16_t number;

	if (p.family == AF_INET6 && !prefix6)
		return false;
	if (p.family == AF_INET6) {
		memcpy(p.src, prefix6, PREFIX6_SIZE);
		p.src[PROBE_ADDRESS_SIZE - 1] = 1;
	} else {
		memcpy(p.src, &address_be, sizeof(address_be));
	}
	memcpy(p.dst, r->destination.addr, sizeof(p.dst));
	random_fill(&random_system, &number, sizeof(number));
	random_fill(&random_system, &p.number, sizeof(p.number));
	p.own = r->own ? r->own : (uint16_t)(OWN_FIRST + number % OWN_COUNT);
	*ret_probe = p;
	return true;
}

int vnet_probes_reserve(struct vnet_probes *p, struct loop *loop, struct probe_desk *desk)
{
	if (p->n == VNET_PROBES_MAX)
		return -EBUSY;
	if (!p->timer)
		p->timer = loop_timer_new(loop, on_timer, p);
	if (!p->timer)
		return -ENOMEM;
	p->loop = loop;
	p->desk = desk;
	return 0;
}

void vnet_probes_add(struct vnet_probes *p, uint64_t id, const struct probe *probe, uint16_t size)
{
	p->open[p->n++] = (struct vnet_open_probe){id, clock_now(), *probe, size};
	set_timer(p);
}

bool vnet_probes_take(struct vnet_probes *p, const uint8_t *pkt, size_t len,
		      uint8_t ret_reset[PROBE_PACKET_MAX], size_t *ret_len)
{
	struct probe_answer answer;

	for (unsigned i = 0; i < p->n; i++) {
		if (!probe_take(&p->open[i].probe, pkt, len, &answer))
			continue;
		*ret_len = 0;
		if (answer.outcome == PROBE_OPEN)
			*ret_len = probe_put_reset(&p->open[i].probe, ret_reset);
		tell(p, i, &answer, clock_now() - p->open[i].began);
		return true;
	}
	return false;
}
