/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/stages.h"

#define NS_PER_US 1000

const char *stage_name(enum stage stage)
{
	static const char *const names[STAGES] = {
		[STAGE_TCP] = "tcp",	 [STAGE_TLS] = "tls",
		[STAGE_HTTP] = "http",	 [STAGE_SSTP] = "sstp",
		[STAGE_LCP] = "lcp",	 [STAGE_AUTH] = "auth",
		[STAGE_BOUND] = "bound", [STAGE_IPCP] = "ipcp",
		[STAGE_IP6CP] = "ip6cp", [STAGE_SUBSCRIBED] = "subscribed",
	};

	return names[stage];
}

bool stages_pass(struct stages *s, enum stage stage, uint64_t since_ns)
{
	uint64_t us = since_ns / NS_PER_US;

	if (s->passed[stage])
		return false;
	s->passed[stage] = us < UINT32_MAX ? (uint32_t)us + 1 : UINT32_MAX;
	return true;
}

bool stages_has_passed(const struct stages *s, enum stage stage)
{
	return s->passed[stage] != 0;
}

uint32_t stages_at_us(const struct stages *s, enum stage stage)
{
	return s->passed[stage] ? s->passed[stage] - 1 : 0;
}

/* Of those with one stamp, the enum says which came first. */
static bool is_before(const struct stages *s, unsigned a, unsigned b)
{
	return s->passed[a] < s->passed[b] || (s->passed[a] == s->passed[b] && a < b);
}

/* The last one before `end`; STAGES as end: of all. STAGES: there is none. */
static enum stage last_before(const struct stages *s, enum stage end)
{
	unsigned last = STAGES;

	for (unsigned i = 0; i < STAGES; i++) {
		if (!s->passed[i] || (end != STAGES && !is_before(s, i, end)))
			continue;
		if (last == STAGES || is_before(s, last, i))
			last = i;
	}
	return (enum stage)last;
}

uint32_t stages_took_us(const struct stages *s, enum stage stage)
{
	enum stage before = s->passed[stage] ? last_before(s, stage) : STAGES;

	return before == STAGES ? 0 : s->passed[stage] - s->passed[before];
}

enum stage stages_last(const struct stages *s)
{
	return last_before(s, STAGES);
}
