/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/trace_desk.h"

#include <pthread.h>
#include <string.h>

#include "sstp/net/loop.h"
#include "test/support/cmocka.h"

struct scene {
	struct loop *loop;
	struct loop_timer *end;
	struct trace_desk *desk;
	unsigned n;
	uint64_t first, last;
};

static void on_result(void *arg, const struct trace_result *r)
{
	struct scene *s = arg;

	if (!s->n++)
		s->first = r->id;
	s->last = r->id;
	assert_int_equal(r->end, TRACE_SILENT);
}

static void on_end(void *arg)
{
	struct scene *s = arg;

	loop_stop(s->loop);
}

static int set_up(void **state)
{
	static struct scene scene;
	struct scene *s = &scene;

	memset(s, 0, sizeof(*s));
	*state = s;
	s->loop = loop_new();
	assert_non_null(s->loop);
	s->end = loop_timer_new(s->loop, on_end, s);
	assert_non_null(s->end);
	s->desk = trace_desk_new(s->loop);
	assert_non_null(s->desk);
	trace_desk_set_owner(s->desk, on_result, s);
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	trace_desk_free(s->desk);
	loop_timer_free(s->end);
	loop_free(s->loop);
	return 0;
}

/* All that was posted has run by then. */
static void run(struct scene *s)
{
	loop_timer_set(s->end, loop_now(s->loop));
	assert_int_equal(loop_run(s->loop), 0);
}

static void tell(struct scene *s, uint64_t id)
{
	trace_desk_tell(s->desk, &(struct trace_result){.id = id, .end = TRACE_SILENT});
}

static void *tell_from_a_thread(void *arg)
{
	tell(arg, 7);
	return NULL;
}

static void result_of_another_thread_is_heard_in_the_loop(void **state)
{
	struct scene *s = *state;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, tell_from_a_thread, s), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s->n, 0);
	run(s);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->last, 7);
}

static void results_over_the_limit_are_lost_and_the_order_stays(void **state)
{
	struct scene *s = *state;

	for (uint64_t id = 1; id <= TRACE_DESK_MAX + 3; id++)
		tell(s, id);
	run(s);
	assert_int_equal(s->n, TRACE_DESK_MAX);
	assert_int_equal(s->first, 1);
	assert_int_equal(s->last, TRACE_DESK_MAX);
	tell(s, 1000); /* there is room again */
	run(s);
	assert_int_equal(s->last, 1000);
}

static void desk_without_an_owner_lets_results_go(void **state)
{
	struct scene *s = *state;

	trace_desk_set_owner(s->desk, NULL, NULL);
	tell(s, 1);
	run(s);
	tell(s, 2); /* still waits when the desk goes */
	assert_int_equal(s->n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(result_of_another_thread_is_heard_in_the_loop,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(results_over_the_limit_are_lost_and_the_order_stays,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(desk_without_an_owner_lets_results_go, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("session/trace_desk", tests, NULL, NULL);
}
