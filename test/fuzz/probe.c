/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte that says which question is open, and then any packet that comes. What is taken as its answer was sent to who has
 * asked, and the reset for it is none itself.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/session/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct probe *p, const uint8_t *pkt, const struct probe_answer *a)
{
	uint8_t reset[PROBE_PACKET_MAX];
	struct probe_answer again;

	if (p->family == AF_INET)
		must(memcmp(pkt + 16, p->src, 4) == 0 && memcmp(pkt + 12, a->from, 4) == 0);
	else
		must(memcmp(pkt + 24, p->src, 16) == 0 && memcmp(pkt + 8, a->from, 16) == 0);
	must(a->outcome <= PROBE_ICMP);
	must((a->outcome == PROBE_ECHO) <= (p->port == 0));
	if (p->port)
		must(!probe_take(p, reset, probe_put_reset(p, reset), &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe p = {.family = AF_INET, .own = 61234, .number = 0xdeadbeef};
	struct probe_answer answer;
	uint8_t *copy;

	if (size < 1)
		return 0;
	if (data[0] & 1)
		p.family = AF_INET6;
	p.port = data[0] & 2 ? 443 : 0;
	inet_pton(p.family, p.family == AF_INET ? "172.16.77.9" : "fd00:77::1", p.src);
	inet_pton(p.family, p.family == AF_INET ? "10.20.0.2" : "fd00:20::2", p.dst);
	/* in memory of its own size, so that a read past the packet is seen */
	size--;
	copy = malloc(size ? size : 1);
	must(copy != NULL);
	memcpy(copy, data + 1, size);
	if (probe_take(&p, copy, size, &answer))
		check(&p, copy, &answer);
	free(copy);
	return 0;
}
