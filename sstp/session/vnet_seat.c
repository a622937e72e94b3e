/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_seat.h"

#include <assert.h>
#include <stddef.h>

/* Of a holder that is there: anything else is our own bug. */
static uint32_t find(const struct vnet_seat *seat, uint64_t certificate)
{
	uint32_t i = 0;

	while (i < seat->n && seat->holders[i].certificate != certificate)
		i++;
	assert(i < seat->n);
	return i;
}

bool vnet_seat_admits(const struct vnet_seat *seat, uint64_t certificate)
{
	if (seat->n == VNET_HOLDERS_MAX || certificate == 0)
		return false;
	for (uint32_t i = 0; i < seat->n; i++)
		if (seat->holders[i].certificate == 0 ||
		    seat->holders[i].certificate == certificate)
			return false;
	return true;
}

void vnet_seat_add(struct vnet_seat *seat, uint32_t thread, uint64_t certificate)
{
	assert(seat->n < VNET_HOLDERS_MAX);
	seat->holders[seat->n++] = (struct vnet_holder){
		.certificate = certificate,
		.thread = thread,
	};
}

void vnet_seat_attach(struct vnet_seat *seat, uint64_t certificate, struct session *session)
{
	seat->holders[find(seat, certificate)].session = session;
}

bool vnet_seat_remove(struct vnet_seat *seat, uint64_t certificate)
{
	uint32_t i = find(seat, certificate);

	for (seat->n--; i < seat->n; i++)
		seat->holders[i] = seat->holders[i + 1];
	return seat->n == 0;
}

const struct vnet_holder *vnet_seat_newest(const struct vnet_seat *seat, uint32_t thread)
{
	for (uint32_t i = seat->n; i-- > 0;) {
		const struct vnet_holder *h = &seat->holders[i];

		if (h->session && (thread == 0 || h->thread == thread))
			return h;
	}
	return NULL;
}
