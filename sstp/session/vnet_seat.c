/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_seat.h"

#include <stddef.h>
#include <string.h>

static bool may_follow(const struct vnet_claim *claim, const struct vnet_holder *h)
{
	if (!*h->thumbprint)
		return false;
	return strcmp(h->thumbprint, claim->thumbprint) == 0 ||
	       (claim->comes_from && claim->comes_from(claim->arg, h->thumbprint));
}

bool vnet_seat_admits(const struct vnet_seat *seat, const struct vnet_claim *claim)
{
	unsigned n = 0;

	if (!claim->thumbprint || !*claim->thumbprint)
		return false;
	for (const struct vnet_holder *h = seat->newest; h; h = h->older) {
		if (!may_follow(claim, h))
			return false;
		n += h->displaced_by == 0;
	}
	return n < VNET_HOLDERS_MAX;
}

void vnet_seat_add(struct vnet_seat *seat, struct vnet_holder *holder)
{
	holder->older = seat->newest;
	seat->newest = holder;
}

/* The newest attached one with the certificate of h. */
static const struct vnet_holder *find_same(const struct vnet_seat *seat,
					   const struct vnet_holder *h)
{
	const struct vnet_holder *n = seat->newest;

	while (n && (!n->session || strcmp(n->thumbprint, h->thumbprint) != 0))
		n = n->older;
	return n;
}

struct vnet_holder *vnet_seat_displace(const struct vnet_seat *seat)
{
	for (struct vnet_holder *h = seat->newest; h; h = h->older) {
		const struct vnet_holder *same = find_same(seat, h);

		if (!h->session || h->displaced_by || same == h)
			continue;
		h->displaced_by = same->id;
		return h;
	}
	return NULL;
}

bool vnet_seat_remove(struct vnet_seat *seat, const struct vnet_holder *holder)
{
	struct vnet_holder **link = &seat->newest;

	while (*link != holder)
		link = &(*link)->older;
	*link = holder->older;
	return !seat->newest;
}

const struct vnet_holder *vnet_seat_newest(const struct vnet_seat *seat, uint32_t thread)
{
	for (const struct vnet_holder *h = seat->newest; h; h = h->older)
		if (h->session && (thread == 0 || h->thread == thread))
			return h;
	return NULL;
}
