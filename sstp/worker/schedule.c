/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/schedule.h"

#include "certs/status.h"

void schedule_set(struct schedule *s, int64_t not_after)
{
	*s = (struct schedule){.due = status_near_expiry_from(not_after)};
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

void schedule_failed(struct schedule *s, int64_t now)
{
	int64_t longer = s->wait_s ? 2 * s->wait_s : SCHEDULE_RETRY_FIRST_S;

	s->asked = false;
	s->tried = now;
	s->wait_s = longer < SCHEDULE_RETRY_MAX_S ? longer : SCHEDULE_RETRY_MAX_S;
}
