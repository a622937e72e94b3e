/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/schedule.h"

#include "certs/status.h"

void schedule_set(struct schedule *s, int64_t not_before, int64_t not_after)
{
	int64_t near = status_near_expiry_from(not_after);
	int64_t two_thirds = not_before + (not_after - not_before) / 3 * 2;

	*s = (struct schedule){.due = near > two_thirds ? near : two_thirds};
}

void schedule_ask(struct schedule *s)
{
	s->asked = true;
}

bool schedule_is_due(const struct schedule *s, int64_t now)
{
	if (s->asked)
		return true;
	if (!s->due || now < s->due)
		return false;
	return now < s->tried || now - s->tried >= s->wait_s;
}

void schedule_failed(struct schedule *s, int64_t now, uint32_t random)
{
	int64_t longer = s->row_s ? 2 * s->row_s : SCHEDULE_RETRY_FIRST_S;

	s->asked = false;
	s->tried = now;
	s->row_s = longer < SCHEDULE_RETRY_MAX_S ? longer : SCHEDULE_RETRY_MAX_S;
	s->wait_s = s->row_s - s->row_s / 2 * (UINT32_MAX - random) / UINT32_MAX;
}
