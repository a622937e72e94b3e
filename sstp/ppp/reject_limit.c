/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/reject_limit.h"

#include <stddef.h>

#include "sstp/base/clock.h"

bool reject_limit_take(struct reject_limit *r, uint64_t now, uint16_t protocol, bool authenticated)
{
	size_t slot = REJECT_LIMIT_SLOTS;

	if (!authenticated && r->to_stranger == REJECT_LIMIT_STRANGER)
		return false;
	for (size_t i = 0; i < REJECT_LIMIT_SLOTS; i++) {
		if (r->slots[i].until <= now)
			slot = i;
		else if (r->slots[i].protocol == protocol)
			return false;
	}
	if (slot == REJECT_LIMIT_SLOTS)
		return false;
	r->slots[slot].protocol = protocol;
	r->slots[slot].until = now + CLOCK_NS_PER_S;
	r->to_stranger += !authenticated;
	return true;
}
