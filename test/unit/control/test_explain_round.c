/* SPDX-License-Identifier: Apache-2.0 */
/* The parent and the data plane are this test: it keeps what they are asked, and answers when it likes. */
#include "sstp/control/explain_round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static uint64_t skipped; /* ns that the loop seems to have lived longer */

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) - skipped;
}

struct scene {
	struct loop *loop;
	struct explain_round *round;
	struct explain_probe probes[EXPLAIN_PROBES_MAX];
	uint32_t last_id;
	struct msg_probe sent;	    /* the last one; without its texts */
	struct parent_dial dialled; /* likewise */
	unsigned n_sent, n_dialled, done;
	bool is_refusing;
};

static int on_ask(void *arg, const struct parent_msg *m, const int *fds)
{
	struct scene *s = arg;

	assert_int_equal(m->kind, PARENT_DIAL);
	assert_string_equal(m->dial.netns, "blue");
	s->dialled = m->dial;
	s->n_dialled++;
	return s->is_refusing ? -EPIPE : 0;
}

static int on_send(void *arg, uint8_t *frame, size_t len)
{
	struct scene *s = arg;

	assert_int_equal(msg_probe_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &s->sent), 0);
	assert_string_equal(s->sent.app, "shop");
	assert_string_equal(s->sent.vnet, "hub");
	msg_frame_free(frame, len);
	s->n_sent++;
	return s->is_refusing ? -EPIPE : 0;
}

static void on_done(void *owner)
{
	struct scene *s = owner;

	s->done++;
	loop_stop(s->loop);
}

static void begin(struct scene *s, size_t n)
{
	const struct explain_round_params params = {
		.loop = s->loop,
		.ask = on_ask,
		.send = on_send,
		.arg = s,
		.last_id = &s->last_id,
		.app = "shop",
		.vnet = "hub",
		.netns = "blue",
		.destination = {AF_INET, 32, {10, 1, 0, 9}},
		.on_done = on_done,
		.owner = s,
	};

	s->round = explain_round_new(&params, s->probes, n);
	assert_non_null(s->round);
	assert_int_equal(s->done, 0); /* never at once */
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	s->loop = loop_new();
	s->last_id = 6;
	skipped = 0;
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	explain_round_free(s->round);
	loop_free(s->loop);
	free(s);
	return 0;
}

static void run(struct scene *s)
{
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->done, 1);
}

static void tell(struct scene *s, uint64_t id, enum msg_outcome outcome, bool is_ours)
{
	const struct msg_probed m = {.id = id, .outcome = (uint8_t)outcome, .drop = "peering"};

	assert_int_equal(explain_round_on_probed(s->round, &m), is_ours);
}

static void all_are_asked_at_once_and_told_in_any_order(void **state)
{
	struct scene *s = *state;

	s->probes[0] = (struct explain_probe){.source = 2, .port = 443, .size = 1000, .ttl = 3};
	s->probes[1] = (struct explain_probe){.port = 80};
	begin(s, 2);
	assert_int_equal(s->n_sent, 2);
	assert_int_equal(s->sent.port, 80);
	tell(s, 8, MSG_OUTCOME_REFUSED, true);
	tell(s, 8, MSG_OUTCOME_OPEN, false); /* twice */
	tell(s, 9, MSG_OUTCOME_OPEN, false);
	tell(s, 7, MSG_OUTCOME_SILENCE, true);
	run(s);
	assert_true(s->probes[0].is_told);
	assert_int_equal(s->probes[0].answer.outcome, MSG_OUTCOME_SILENCE);
	assert_int_equal(s->probes[1].answer.outcome, MSG_OUTCOME_REFUSED);
	assert_string_equal(s->probes[1].answer.drop, "peering");
}

static void gateway_asks_by_a_socket_of_the_parents(void **state)
{
	struct scene *s = *state;
	struct msgsock_fds fds = {.n = 1};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	fds.fd[0] = pair[0];
	s->probes[0] = (struct explain_probe){.source = EXPLAIN_BY_GATEWAY, .port = 443};
	begin(s, 1);
	assert_int_equal(s->n_sent, 0);
	assert_int_equal(s->dialled.use, PARENT_DIAL_PORT);
	assert_int_equal(s->dialled.port, 443);
	assert_false(explain_round_on_dialled(s->round, &(struct parent_dialled){.id = 99}, &fds));
	assert_true(explain_round_on_dialled(s->round, &(struct parent_dialled){.id = 7}, &fds));
	assert_false(explain_round_on_dialled(s->round, &(struct parent_dialled){.id = 7}, &fds));
	run(s);
	assert_int_equal(s->probes[0].answer.outcome, MSG_OUTCOME_OPEN); /* it is writable */
	close(pair[1]);
}

static void way_that_the_kernel_does_not_have_is_an_answer(void **state)
{
	struct scene *s = *state;
	struct msgsock_fds none = {.n = 0};

	s->probes[0] = (struct explain_probe){.source = EXPLAIN_BY_GATEWAY};
	s->probes[1] = (struct explain_probe){.source = EXPLAIN_BY_GATEWAY};
	begin(s, 2);
	assert_int_equal(s->dialled.use, PARENT_DIAL_ECHO);
	explain_round_on_dialled(s->round, &(struct parent_dialled){.id = 7, .error = -ENETUNREACH},
				 &none);
	explain_round_on_dialled(s->round, &(struct parent_dialled){.id = 8, .error = -EPERM},
				 &none);
	run(s);
	assert_true(s->probes[0].is_told);
	assert_int_equal(s->probes[0].answer.outcome, MSG_OUTCOME_ICMP);
	assert_false(s->probes[1].is_told);
}

static void what_nobody_answers_is_not_waited_for_longer(void **state)
{
	struct scene *s = *state;

	s->probes[0] = (struct explain_probe){.port = 443};
	s->probes[1] = (struct explain_probe){.port = 444};
	skipped = EXPLAIN_ROUND_PATIENCE;
	begin(s, 2);
	tell(s, 7, MSG_OUTCOME_OPEN, true);
	run(s);
	assert_true(s->probes[0].is_told);
	assert_false(s->probes[1].is_told);
	tell(s, 8, MSG_OUTCOME_OPEN, false); /* too late */
}

static void what_cannot_be_asked_ends_the_round(void **state)
{
	struct scene *s = *state;

	s->is_refusing = true;
	s->probes[0] = (struct explain_probe){.port = 443};
	s->probes[1] = (struct explain_probe){.source = EXPLAIN_BY_GATEWAY, .port = 443};
	begin(s, 2);
	run(s);
	assert_false(s->probes[0].is_told || s->probes[1].is_told);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		in_scene(all_are_asked_at_once_and_told_in_any_order),
		in_scene(gateway_asks_by_a_socket_of_the_parents),
		in_scene(way_that_the_kernel_does_not_have_is_an_answer),
		in_scene(what_nobody_answers_is_not_waited_for_longer),
		in_scene(what_cannot_be_asked_ends_the_round),
	};

	return cmocka_run_group_tests_name("control/explain_round", tests, NULL, NULL);
}
