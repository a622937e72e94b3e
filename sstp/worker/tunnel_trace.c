/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway asks for a probe: it is answered in the session that asked, with what that has carried meanwhile. */
#include <string.h>

#include "sstp/worker/tunnel_internal.h"

/* The first one that has grown; DROP_REASONS: none. */
static unsigned dropped_since(const struct traffic *before, const struct traffic *now)
{
	unsigned i = 0;

	while (i < DROP_REASONS && now->drops[i] == before->drops[i])
		i++;
	return i;
}

static void add_traffic(const struct traffic *before, const struct traffic *now,
			struct vendor_traced *traced)
{
	unsigned why = dropped_since(before, now);

	traced->sent = (uint32_t)(now->tx_packets - before->tx_packets);
	traced->received = (uint32_t)(now->rx_packets - before->rx_packets);
	if (why < DROP_REASONS)
		vendor_trace_name(drop_reason_name(why), traced->drop, sizeof(traced->drop));
}

static void on_done(void *arg, const struct vendor_traced *traced)
{
	struct tunnel *t = arg;
	struct vendor_traced answer = *traced;
	const struct leg *leg = t->traced_by;

	t->traced_by = NULL;
	if (!leg || !leg->session)
		return;
	if (traced->outcome != VENDOR_OUTCOME_BUSY)
		add_traffic(&t->traced_from, session_traffic(leg->session), &answer);
	session_tell_traced(leg->session, &answer);
}

static bool make_trace(struct tunnel *t)
{
	const struct trace_params params = {
		.loop = t->env.loop,
		.netns_fd = network_netns(t->params.network),
		.device = network_tun(t->params.network)->name,
		.on_done = on_done,
		.arg = t,
	};

	if (!t->trace)
		t->trace = trace_new(&params);
	return t->trace;
}

static void refuse(const struct leg *leg, const struct vendor_trace *question)
{
	const struct vendor_traced busy = {
		.id = question->id, .route = VENDOR_ROUTE_UNKNOWN, .outcome = VENDOR_OUTCOME_BUSY};

	session_tell_traced(leg->session, &busy);
}

void tunnel_on_trace(void *arg, const struct vendor_trace *question)
{
	struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;

	if (leg != t->current || !make_trace(t) || trace_is_busy(t->trace)) {
		refuse(leg, question);
		return;
	}
	t->traced_by = leg;
	t->traced_from = *session_traffic(leg->session);
	trace_begin(t->trace, question);
}
