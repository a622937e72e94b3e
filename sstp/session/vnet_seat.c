/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_seat.h"

#include <stddef.h>
#include <string.h>

static bool may_follow(const struct vnet_claim *claim, const struct vnet_holder *h)
{
	return *h->thumbprint && strcmp(h->thumbprint, claim->thumbprint) != 0 &&
	       claim->comes_from && claim->comes_from(claim->arg, h->thumbprint);
}

bool vnet_seat_admits(const struct vnet_seat *seat, const struct vnet_claim *claim)
{
	unsigned n = 0;

	if (!claim->thumbprint || !*claim->thumbprint)
		return false;
	for (const struct vnet_holder *h = seat->newest; h; h = h->older)
		if (++n == VNET_HOLDERS_MAX || !may_follow(claim, h))
			return false;
	return true;
}

void vnet_seat_add(struct vnet_seat *seat, struct vnet_holder *holder)
{
	holder->older = seat->newest;
	seat->newest = holder;
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
