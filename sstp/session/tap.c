/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/tap.h"

#include "tun/offload_split.h"

void tap_add(struct tap **taps, struct tap *tap)
{
	tap->next = *taps;
	*taps = tap;
}

void tap_remove(struct tap **taps, struct tap *tap)
{
	struct tap **at = taps;

	while (*at && *at != tap)
		at = &(*at)->next;
	if (*at)
		*at = tap->next;
}

__attribute__((noinline, cold)) void tap_tell(struct tap *taps, const struct tap_packet *p)
{
	for (struct tap *t = taps; t; t = t->next)
		t->show(t, p);
}

__attribute__((noinline, cold)) void tap_tell_split(struct tap *taps, const struct tap_packet *p,
						    const struct virtio_net_hdr *h)
{
	struct tap_packet one = *p;
	uint8_t bytes[UINT16_MAX];
	struct offload_split split;

	if (offload_split_begin(&split, h, p->bytes, p->len, UINT16_MAX) < 0) {
		tap_tell(taps, p);
		return;
	}
	one.bytes = bytes;
	while ((one.len = offload_split_next_len(&split)) > 0) {
		offload_split_next(&split, bytes);
		tap_tell(taps, &one);
	}
}
