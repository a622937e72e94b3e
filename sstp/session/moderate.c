/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/moderate.h"

bool moderate_on_pass(struct moderate *m, uint64_t now, uint32_t packets)
{
	uint64_t passed = now - m->since;

	m->packets += packets;
	if (passed < MODERATE_WINDOW)
		return m->is_flood;
	m->is_flood = m->packets * MODERATE_WINDOW >= passed * MODERATE_PACKETS;
	m->since = now;
	m->packets = 0;
	return m->is_flood;
}
