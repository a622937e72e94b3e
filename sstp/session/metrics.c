/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/metrics.h"

void metrics_on_up(struct metrics *m, const struct stages *s)
{
	times_count(&m->setup, stages_at_us(s, STAGE_IPCP));
	for (unsigned i = STAGE_TLS; i <= STAGE_IPCP; i++)
		if (stages_has_passed(s, (enum stage)i))
			times_count(&m->stages[i], stages_took_us(s, (enum stage)i));
}

/* The one that it was in: IPCP behind all others. */
static enum stage not_passed(const struct stages *s)
{
	unsigned i = STAGE_TLS;

	while (i < STAGE_IPCP && stages_has_passed(s, (enum stage)i))
		i++;
	return (enum stage)i;
}

void metrics_on_end(struct metrics *m, const struct stages *s, bool was_up, enum session_end end)
{
	if (was_up)
		m->ended[end]++;
	else
		m->failed[not_passed(s)][end]++;
}

static void add_counts(uint64_t *sum, const uint64_t *counts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sum[i] += counts[i];
}

void metrics_add(struct metrics *sum, const struct metrics *m)
{
	times_add(&sum->setup, &m->setup);
	for (unsigned i = 0; i < STAGES; i++) {
		times_add(&sum->stages[i], &m->stages[i]);
		add_counts(sum->failed[i], m->failed[i], METRICS_ENDS);
	}
	add_counts(sum->ended, m->ended, METRICS_ENDS);
	add_counts(sum->auth_ok, m->auth_ok, METRICS_METHODS);
	add_counts(sum->auth_failed, m->auth_failed, METRICS_METHODS);
	sum->enrolments += m->enrolments;
}

const char *metrics_end_name(enum session_end end)
{
	static const char *const names[METRICS_ENDS] = {
		[SESSION_END_NORMAL] = "normal",
		[SESSION_END_LOST] = "lost",
		[SESSION_END_CONNECT] = "connect",
		[SESSION_END_CERTIFICATE] = "certificate",
		[SESSION_END_AUTH] = "auth",
		[SESSION_END_REFUSED] = "refused",
		[SESSION_END_DISCONNECTED] = "disconnected",
		[SESSION_END_DISABLED] = "disabled",
		[SESSION_END_RESTART] = "restart",
	};

	return names[end];
}
