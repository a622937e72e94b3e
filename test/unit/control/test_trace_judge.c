/* SPDX-License-Identifier: Apache-2.0 */
/* Each verdict by the evidence that makes it, and none for which there is no sentence. */
#include "sstp/control/trace_judge.h"

#include "test/support/cmocka.h"

#define UNSEEN	  TRACE_UNKNOWN, TRACE_UNKNOWN
#define LEFT	  TRACE_YES, TRACE_NO
#define NOT_LEFT  TRACE_NO, TRACE_NO
#define CAME_BACK TRACE_YES, TRACE_YES
#define RIGHT	  TRACE_ROUTE_RIGHT
#define NONE	  TRACE_DROP_NONE
#define SILENT	  TRACE_ANSWER_NONE
#define UNASKED	  TRACE_SAID_NOTHING
#define NO	  false
#define YES	  true

/* sender, the worker's route and drop; sent, passed, drop; the gateway's route; left, back; answer; its own; delivered; app */
static const struct {
	enum trace_verdict verdict;
	enum trace_stage stage;
	struct trace_evidence e;
} cells[] = {
	/* clang-format off */
	{TRACE_ARRIVED, TRACE_STAGES,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, CAME_BACK, TRACE_ANSWER_GOOD, UNASKED, YES, TRACE_SAID_GOOD}},
	/* a drop before does not count, when another got through */
	{TRACE_ARRIVED, TRACE_STAGES,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, TRACE_DROP_OTHER, TRACE_ROUTE_UNKNOWN, UNSEEN, TRACE_ANSWER_GOOD, UNASKED, YES, TRACE_SAID_GOOD}},
	{TRACE_REACHED, TRACE_STAGES,
	 {TRACE_BY_GATEWAY, TRACE_ROUTE_UNKNOWN, NONE, YES, YES, NONE, RIGHT, CAME_BACK, TRACE_ANSWER_GOOD, UNASKED, NO, UNASKED}},
	{TRACE_PORT_CLOSED, TRACE_APP,
	 {TRACE_BY_GATEWAY, TRACE_ROUTE_UNKNOWN, NONE, YES, YES, NONE, RIGHT, CAME_BACK, TRACE_ANSWER_CLOSED, UNASKED, NO, UNASKED}},
	{TRACE_PEERING_CLOSED, TRACE_PEERING,
	 {TRACE_BY_GATEWAY, TRACE_ROUTE_UNKNOWN, NONE, YES, NO, TRACE_DROP_PEERING, RIGHT, UNSEEN, SILENT, UNASKED, NO, UNASKED}},
	{TRACE_NO_WAY_BACK, TRACE_RETURN_ROUTE,
	 {TRACE_BY_GATEWAY, TRACE_ROUTE_UNKNOWN, NONE, YES, YES, NONE, RIGHT, LEFT, SILENT, TRACE_SAID_GOOD, NO, UNASKED}},
	{TRACE_NOT_CONNECTED, TRACE_TUNNEL, {.sender = TRACE_BY_NOBODY}},
	{TRACE_NO_ADDRESS_OF_FAMILY, TRACE_TUNNEL, {.sender = TRACE_WITHOUT_ADDRESS}},
	{TRACE_SESSION_ENDED, TRACE_TUNNEL, {.sender = TRACE_WITHOUT_SESSION, .was_sent = YES, .has_passed = YES}},
	{TRACE_NOTHING_KNOWN, TRACE_STAGES, {.sender = TRACE_WITHOUT_ANSWER}},
	{TRACE_IS_BUSY, TRACE_STAGES, {.sender = TRACE_BY_BUSY}},
	{TRACE_WORKER_NO_ROUTE, TRACE_WORKER_ROUTE, {.sender = TRACE_BY_WORKER, .worker_route = TRACE_ROUTE_NONE}},
	{TRACE_WORKER_OTHER_ROUTE, TRACE_WORKER_ROUTE, {.sender = TRACE_BY_WORKER, .worker_route = TRACE_ROUTE_ELSEWHERE}},
	{TRACE_WORKER_LOCAL, TRACE_WORKER_ROUTE, {.sender = TRACE_BY_WORKER, .worker_route = TRACE_ROUTE_LOCAL}},
	{TRACE_WORKER_FAILED, TRACE_WORKER_ROUTE,
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .app = TRACE_SAID_FAILED}},
	{TRACE_WORKER_FAILED, TRACE_WORKER_ROUTE, {.sender = TRACE_BY_WORKER, .worker_route = TRACE_ROUTE_UNKNOWN}},
	{TRACE_WORKER_SOURCE, TRACE_SOURCE,
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .worker_drop = TRACE_DROP_SOURCE, .app = TRACE_SAID_SILENCE}},
	{TRACE_NOT_IN_TUNNEL, TRACE_TUNNEL,
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .app = TRACE_SAID_SILENCE}},
	{TRACE_NOT_IN_TUNNEL, TRACE_TUNNEL, /* of another reason */
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .worker_drop = TRACE_DROP_OTHER}},
	{TRACE_WORKER_SILENT, TRACE_TUNNEL, {.sender = TRACE_BY_SILENT_WORKER}},
	{TRACE_BAD_SOURCE, TRACE_SOURCE,
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .was_sent = YES, .drop = TRACE_DROP_SOURCE}},
	{TRACE_NOT_ALLOWED, TRACE_LOOKUP,
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .was_sent = YES, .drop = TRACE_DROP_LOOKUP}},
	{TRACE_NOT_ALLOWED, TRACE_LOOKUP,
	 {.sender = TRACE_BY_SILENT_WORKER, .was_sent = YES, .drop = TRACE_DROP_OTHER}},
	{TRACE_PEERING_CLOSED, TRACE_PEERING,
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .was_sent = YES, .drop = TRACE_DROP_PEERING}},
	{TRACE_DEVICE_REFUSES, TRACE_TUN,
	 {.sender = TRACE_BY_WORKER, .worker_route = RIGHT, .was_sent = YES, .drop = TRACE_DROP_DEVICE}},
	{TRACE_GATEWAY_NO_ROUTE, TRACE_GATEWAY_ROUTE,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, TRACE_ROUTE_NONE, NOT_LEFT, SILENT, UNASKED, NO, TRACE_SAID_SILENCE}},
	{TRACE_GATEWAY_NO_ROUTE, TRACE_GATEWAY_ROUTE, /* its kernel says so */
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, TRACE_ROUTE_NONE, NOT_LEFT, TRACE_ANSWER_UNREACHABLE, UNASKED, YES, TRACE_SAID_UNREACHABLE}},
	{TRACE_GATEWAY_ITSELF, TRACE_GATEWAY_ROUTE,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, TRACE_ROUTE_LOCAL, NOT_LEFT, SILENT, UNASKED, NO, TRACE_SAID_SILENCE}},
	{TRACE_GATEWAY_ITSELF, TRACE_GATEWAY_ROUTE, /* back into the tunnel */
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, TRACE_ROUTE_ELSEWHERE, UNSEEN, SILENT, UNASKED, NO, TRACE_SAID_SILENCE}},
	{TRACE_GATEWAY_DROPS, TRACE_GATEWAY_ROUTE,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, NOT_LEFT, SILENT, TRACE_SAID_GOOD, NO, TRACE_SAID_SILENCE}},
	{TRACE_GATEWAY_REFUSES, TRACE_GATEWAY_ROUTE,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, NOT_LEFT, TRACE_ANSWER_UNREACHABLE, UNASKED, YES, TRACE_SAID_UNREACHABLE}},
	{TRACE_NOBODY_THERE, TRACE_VNET,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, NOT_LEFT, TRACE_ANSWER_NEIGHBOUR, TRACE_SAID_UNREACHABLE, YES, TRACE_SAID_UNREACHABLE}},
	{TRACE_UNREACHABLE, TRACE_VNET,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, LEFT, TRACE_ANSWER_UNREACHABLE, UNASKED, YES, TRACE_SAID_UNREACHABLE}},
	{TRACE_TARGET_SILENT, TRACE_VNET,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, LEFT, SILENT, TRACE_SAID_SILENCE, NO, TRACE_SAID_SILENCE}},
	{TRACE_TARGET_SILENT, TRACE_VNET,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, UNSEEN, SILENT, TRACE_SAID_UNREACHABLE, NO, TRACE_SAID_SILENCE}},
	{TRACE_SILENCE, TRACE_VNET,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, TRACE_ROUTE_UNKNOWN, UNSEEN, SILENT, UNASKED, NO, TRACE_SAID_SILENCE}},
	{TRACE_NO_WAY_BACK, TRACE_RETURN_ROUTE,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, LEFT, SILENT, TRACE_SAID_GOOD, NO, TRACE_SAID_SILENCE}},
	{TRACE_NO_WAY_BACK, TRACE_RETURN_ROUTE, /* a port that is closed is an answer too */
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, LEFT, SILENT, TRACE_SAID_CLOSED, NO, TRACE_SAID_SILENCE}},
	{TRACE_GATEWAY_DROPS_ANSWER, TRACE_RETURN_ROUTE,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, CAME_BACK, SILENT, TRACE_SAID_GOOD, NO, TRACE_SAID_SILENCE}},
	{TRACE_ANSWER_DROPPED, TRACE_BACK,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, CAME_BACK, TRACE_ANSWER_GOOD, TRACE_SAID_GOOD, NO, TRACE_SAID_SILENCE}},
	{TRACE_PORT_CLOSED, TRACE_APP,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, CAME_BACK, TRACE_ANSWER_CLOSED, TRACE_SAID_CLOSED, YES, TRACE_SAID_CLOSED}},
	{TRACE_APP_DROPS, TRACE_APP,
	 {TRACE_BY_WORKER, RIGHT, NONE, YES, YES, NONE, RIGHT, CAME_BACK, TRACE_ANSWER_GOOD, TRACE_SAID_GOOD, YES, TRACE_SAID_SILENCE}},
	{TRACE_UNHEARD, TRACE_APP,
	 {TRACE_BY_SILENT_WORKER, TRACE_ROUTE_UNKNOWN, NONE, YES, YES, NONE, RIGHT, CAME_BACK, TRACE_ANSWER_GOOD, TRACE_SAID_GOOD, YES, UNASKED}},
	/* clang-format on */
};

enum {
	CELLS = sizeof(cells) / sizeof(cells[0])
};

static void each_cell_has_its_verdict_and_its_stage(void **state)
{
	for (size_t i = 0; i < CELLS; i++) {
		enum trace_verdict v = trace_judge(&cells[i].e);

		if (v != cells[i].verdict)
			fail_msg("cell %zu: %s instead of %s", i, trace_verdict_name(v),
				 trace_verdict_name(cells[i].verdict));
		assert_int_equal(trace_stage_of(v), cells[i].stage);
	}
}

static void each_verdict_has_a_cell_and_a_name(void **state)
{
	for (enum trace_verdict v = 0; v < TRACE_VERDICTS; v++) {
		size_t i = 0;

		assert_non_null(trace_verdict_name(v));
		while (i < CELLS && cells[i].verdict != v)
			i++;
		if (i == CELLS)
			fail_msg("no cell has %s", trace_verdict_name(v));
	}
	for (enum trace_stage s = 0; s < TRACE_STAGES; s++)
		assert_non_null(trace_stage_name(s));
}

/* Whatever is said, nothing that is later on the way has stopped a probe that was not seen before it. */
static void probe_does_not_stop_behind_where_it_was_seen(void **state)
{
	struct trace_evidence e = {.sender = TRACE_BY_WORKER, .worker_route = TRACE_ROUTE_RIGHT};

	for (int bits = 0; bits < 1 << 2; bits++)
		for (e.answer = 0; e.answer <= TRACE_ANSWER_UNREACHABLE; e.answer++)
			for (e.app = 0; e.app <= TRACE_SAID_FAILED; e.app++) {
				enum trace_stage stage;

				e.was_sent = bits & 1;
				e.has_passed = bits & 2;
				stage = trace_stage_of(trace_judge(&e));
				if (!e.was_sent)
					assert_in_range(stage, 0, TRACE_SOURCE);
				else if (!e.has_passed)
					assert_in_range(stage, 0, TRACE_TUN);
				else
					assert_in_range(stage, TRACE_GATEWAY_ROUTE, TRACE_STAGES);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cell_has_its_verdict_and_its_stage),
		cmocka_unit_test(each_verdict_has_a_cell_and_a_name),
		cmocka_unit_test(probe_does_not_stop_behind_where_it_was_seen),
	};

	return cmocka_run_group_tests_name("control/trace_judge", tests, NULL, NULL);
}
