/* SPDX-License-Identifier: Apache-2.0 */
/* Stage by stage in the order of the way: each asks only of what comes behind it whether the probe got further. */
#include "sstp/control/trace_judge.h"

static enum trace_verdict judge_app(const struct trace_evidence *e)
{
	if (e->sender == TRACE_BY_GATEWAY)
		return e->answer == TRACE_ANSWER_CLOSED ? TRACE_PORT_CLOSED : TRACE_REACHED;
	if (!e->was_delivered)
		return TRACE_ANSWER_DROPPED;
	switch (e->app) {
	case TRACE_SAID_GOOD: return TRACE_ARRIVED;
	case TRACE_SAID_CLOSED: return TRACE_PORT_CLOSED;
	case TRACE_SAID_NOTHING: return TRACE_UNHEARD;
	default: return TRACE_APP_DROPS;
	}
}

/* Nothing came to the VNet's device. */
static enum trace_verdict judge_silence(const struct trace_evidence *e)
{
	if (e->gateway_route == TRACE_ROUTE_NONE)
		return TRACE_GATEWAY_NO_ROUTE;
	if (e->gateway_route == TRACE_ROUTE_LOCAL || e->gateway_route == TRACE_ROUTE_ELSEWHERE)
		return TRACE_GATEWAY_ITSELF;
	if (e->has_left == TRACE_NO)
		return TRACE_GATEWAY_DROPS;
	if (e->has_come_back == TRACE_YES)
		return TRACE_GATEWAY_DROPS_ANSWER;
	switch (e->own) {
	case TRACE_SAID_GOOD:
	case TRACE_SAID_CLOSED: return TRACE_NO_WAY_BACK;
	case TRACE_SAID_SILENCE:
	case TRACE_SAID_UNREACHABLE: return TRACE_TARGET_SILENT;
	default: return TRACE_SILENCE;
	}
}

static enum trace_verdict judge_answer(const struct trace_evidence *e)
{
	switch (e->answer) {
	case TRACE_ANSWER_NONE: return judge_silence(e);
	case TRACE_ANSWER_NEIGHBOUR: return TRACE_NOBODY_THERE;
	case TRACE_ANSWER_UNREACHABLE:
		if (e->gateway_route == TRACE_ROUTE_NONE)
			return TRACE_GATEWAY_NO_ROUTE;
		return e->has_left == TRACE_NO ? TRACE_GATEWAY_REFUSES : TRACE_UNREACHABLE;
	default: return judge_app(e);
	}
}

/* It has not got to the VNet's device. */
static enum trace_verdict judge_drop(const struct trace_evidence *e)
{
	switch (e->drop) {
	case TRACE_DROP_SOURCE: return TRACE_BAD_SOURCE;
	case TRACE_DROP_PEERING: return TRACE_PEERING_CLOSED;
	case TRACE_DROP_DEVICE: return TRACE_DEVICE_REFUSES;
	default: return TRACE_NOT_ALLOWED;
	}
}

/* It has not come out of the tunnel. */
static enum trace_verdict judge_worker(const struct trace_evidence *e)
{
	if (e->sender == TRACE_BY_SILENT_WORKER)
		return TRACE_WORKER_SILENT;
	/* without a route that it knows it has sent nothing */
	if (e->app == TRACE_SAID_FAILED || e->worker_route == TRACE_ROUTE_UNKNOWN)
		return TRACE_WORKER_FAILED;
	return e->worker_drop == TRACE_DROP_SOURCE ? TRACE_WORKER_SOURCE : TRACE_NOT_IN_TUNNEL;
}

static enum trace_verdict judge_worker_route(const struct trace_evidence *e)
{
	switch (e->worker_route) {
	case TRACE_ROUTE_NONE: return TRACE_WORKER_NO_ROUTE;
	case TRACE_ROUTE_ELSEWHERE: return TRACE_WORKER_OTHER_ROUTE;
	case TRACE_ROUTE_LOCAL: return TRACE_WORKER_LOCAL;
	default: break;
	}
	if (!e->was_sent)
		return judge_worker(e);
	return e->has_passed ? judge_answer(e) : judge_drop(e);
}

enum trace_verdict trace_judge(const struct trace_evidence *e)
{
	switch (e->sender) {
	case TRACE_BY_NOBODY: return TRACE_NOT_CONNECTED;
	case TRACE_WITHOUT_ADDRESS: return TRACE_NO_ADDRESS_OF_FAMILY;
	case TRACE_WITHOUT_SESSION: return TRACE_SESSION_ENDED;
	case TRACE_WITHOUT_ANSWER: return TRACE_NOTHING_KNOWN;
	case TRACE_BY_BUSY: return TRACE_IS_BUSY;
	case TRACE_BY_GATEWAY: return e->has_passed ? judge_answer(e) : judge_drop(e);
	default: return judge_worker_route(e);
	}
}

static const struct {
	const char *name;
	enum trace_stage stage;
} verdicts[TRACE_VERDICTS] = {
	/* clang-format off */
	[TRACE_ARRIVED]              = {"Arrived",               TRACE_STAGES},
	[TRACE_REACHED]              = {"Reached",               TRACE_STAGES},
	[TRACE_NOT_CONNECTED]        = {"NotConnected",          TRACE_TUNNEL},
	[TRACE_NO_ADDRESS_OF_FAMILY] = {"NoAddress",             TRACE_TUNNEL},
	[TRACE_SESSION_ENDED]        = {"SessionEnded",          TRACE_TUNNEL},
	[TRACE_NOTHING_KNOWN]        = {"NotTraced",             TRACE_STAGES},
	[TRACE_IS_BUSY]              = {"Busy",                  TRACE_STAGES},
	[TRACE_WORKER_NO_ROUTE]      = {"WorkerHasNoRoute",      TRACE_WORKER_ROUTE},
	[TRACE_WORKER_OTHER_ROUTE]   = {"WorkerRoutesElsewhere", TRACE_WORKER_ROUTE},
	[TRACE_WORKER_LOCAL]         = {"WorkerItself",          TRACE_WORKER_ROUTE},
	[TRACE_WORKER_FAILED]        = {"WorkerCannotProbe",     TRACE_WORKER_ROUTE},
	[TRACE_WORKER_SOURCE]        = {"WorkerDropsSource",     TRACE_SOURCE},
	[TRACE_WORKER_SILENT]        = {"WorkerDoesNotAnswer",   TRACE_TUNNEL},
	[TRACE_NOT_IN_TUNNEL]        = {"NotInTunnel",           TRACE_TUNNEL},
	[TRACE_BAD_SOURCE]           = {"SourceRefused",         TRACE_SOURCE},
	[TRACE_NOT_ALLOWED]          = {"NotAllowed",            TRACE_LOOKUP},
	[TRACE_PEERING_CLOSED]       = {"PeeringClosed",         TRACE_PEERING},
	[TRACE_DEVICE_REFUSES]       = {"DeviceRefuses",         TRACE_TUN},
	[TRACE_GATEWAY_NO_ROUTE]     = {"GatewayHasNoRoute",     TRACE_GATEWAY_ROUTE},
	[TRACE_GATEWAY_ITSELF]       = {"GatewayItself",         TRACE_GATEWAY_ROUTE},
	[TRACE_GATEWAY_DROPS]        = {"GatewayDrops",          TRACE_GATEWAY_ROUTE},
	[TRACE_GATEWAY_REFUSES]      = {"GatewayRefuses",        TRACE_GATEWAY_ROUTE},
	[TRACE_NOBODY_THERE]         = {"NobodyThere",           TRACE_VNET},
	[TRACE_UNREACHABLE]          = {"Unreachable",           TRACE_VNET},
	[TRACE_TARGET_SILENT]        = {"TargetSilent",          TRACE_VNET},
	[TRACE_SILENCE]              = {"Silence",               TRACE_VNET},
	[TRACE_NO_WAY_BACK]          = {"NoWayBack",             TRACE_RETURN_ROUTE},
	[TRACE_GATEWAY_DROPS_ANSWER] = {"GatewayDropsAnswer",    TRACE_RETURN_ROUTE},
	[TRACE_ANSWER_DROPPED]       = {"AnswerDropped",         TRACE_BACK},
	[TRACE_PORT_CLOSED]          = {"PortClosed",            TRACE_APP},
	[TRACE_APP_DROPS]            = {"AppDrops",              TRACE_APP},
	[TRACE_UNHEARD]              = {"WorkerDoesNotAnswer",   TRACE_APP},
	/* clang-format on */
};

enum trace_stage trace_stage_of(enum trace_verdict v)
{
	return verdicts[v].stage;
}

const char *trace_verdict_name(enum trace_verdict v)
{
	return verdicts[v].name;
}

const char *trace_stage_name(enum trace_stage s)
{
	static const char *const names[TRACE_STAGES] = {
		[TRACE_WORKER_ROUTE] = "workerRoute",
		[TRACE_TUNNEL] = "tunnel",
		[TRACE_SOURCE] = "source",
		[TRACE_LOOKUP] = "lookup",
		[TRACE_PEERING] = "peering",
		[TRACE_TUN] = "tun",
		[TRACE_GATEWAY_ROUTE] = "gatewayRoute",
		[TRACE_VNET] = "vnet",
		[TRACE_RETURN_ROUTE] = "returnRoute",
		[TRACE_BACK] = "backInTunnel",
		[TRACE_APP] = "app",
	};

	return names[s];
}
