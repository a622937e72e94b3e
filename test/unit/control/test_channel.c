/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"

struct end {
	struct loop *loop;
	struct channel *channel;
	unsigned n_messages;
	/* of the first three */
	struct {
		enum msg_kind kind;
		size_t len;
		uint8_t first;
		uint8_t last;
	} got[3];
	unsigned wanted; /* messages after which the loop stops */
	char why[128];
};

static void on_message(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct end *e = arg;

	if (e->n_messages < 3) {
		e->got[e->n_messages].kind = kind;
		e->got[e->n_messages].len = len;
		e->got[e->n_messages].first = len ? payload[0] : 0;
		e->got[e->n_messages].last = len ? payload[len - 1] : 0;
	}
	if (++e->n_messages == e->wanted)
		loop_stop(e->loop);
}

static void on_closed(void *arg, const char *why)
{
	struct end *e = arg;

	snprintf(e->why, sizeof(e->why), "%s", why);
	loop_stop(e->loop);
}

static void end_init(struct end *e, struct loop *loop, int fd, bool is_control)
{
	*e = (struct end){.loop = loop};
	e->channel = channel_new(loop, &(struct channel_params){.fd = fd,
								.is_control = is_control,
								.on_message = on_message,
								.on_closed = on_closed,
								.arg = e});
	assert_non_null(e->channel);
}

static uint8_t *new_frame(enum msg_kind kind, size_t len, uint8_t fill)
{
	uint8_t *frame = malloc(MSG_HEAD_SIZE + len);

	assert_non_null(frame);
	frame[0] = (uint8_t)(len >> 24);
	frame[1] = (uint8_t)(len >> 16);
	frame[2] = (uint8_t)(len >> 8);
	frame[3] = (uint8_t)len;
	frame[4] = (uint8_t)kind;
	memset(frame + MSG_HEAD_SIZE, fill, len);
	return frame;
}

static void send_to(struct end *e, enum msg_kind kind, size_t len, uint8_t fill)
{
	assert_int_equal(channel_send(e->channel, new_frame(kind, len, fill), MSG_HEAD_SIZE + len),
			 0);
}

struct world {
	struct loop *loop;
	struct end data;
	struct end control;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	w->loop = loop_new();
	assert_non_null(w->loop);
	end_init(&w->data, w->loop, fds[0], false);
	end_init(&w->control, w->loop, fds[1], true);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	channel_free(w->data.channel);
	channel_free(w->control.channel);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void messages_of_all_sizes_arrive_in_order(void **state)
{
	struct world *w = *state;
	size_t max = msg_limit(MSG_ACCESS);

	send_to(&w->control, MSG_EST_REPLY, 0, 0);
	send_to(&w->control, MSG_ACCESS, max, 7);
	send_to(&w->control, MSG_SERVER_CERTIFICATE, 1, 9);
	w->data.wanted = 3;
	assert_int_equal(loop_run(w->loop), 0);
	assert_int_equal(w->data.got[0].kind, MSG_EST_REPLY);
	assert_int_equal(w->data.got[0].len, 0);
	assert_int_equal(w->data.got[1].kind, MSG_ACCESS);
	assert_int_equal(w->data.got[1].len, max);
	assert_int_equal(w->data.got[1].first, 7);
	assert_int_equal(w->data.got[1].last, 7);
	assert_int_equal(w->data.got[2].kind, MSG_SERVER_CERTIFICATE);
	assert_int_equal(w->data.got[2].first, 9);
}

static void both_directions_at_once_do_not_wait_for_each_other(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 40; i++) {
		send_to(&w->control, MSG_EST_REPLY, 120000, 1);
		send_to(&w->data, MSG_EST_REQUEST, 60000, 2);
	}
	w->data.wanted = 40;
	loop_run(w->loop);
	assert_int_equal(w->data.n_messages, 40);
	if (w->control.n_messages < 40) {
		w->control.wanted = 40;
		loop_run(w->loop);
	}
	assert_int_equal(w->control.n_messages, 40);
}

static void full_queue_refuses_and_goes_on(void **state)
{
	struct world *w = *state;
	size_t len = msg_limit(MSG_ACCESS);
	unsigned sent = 0;

	while (channel_send(w->control.channel, new_frame(MSG_ACCESS, len, 1),
			    MSG_HEAD_SIZE + len) == 0)
		sent++;
	assert_int_equal(sent, CHANNEL_QUEUE_MAX / (MSG_HEAD_SIZE + len));
	w->data.wanted = sent;
	loop_run(w->loop);
	assert_int_equal(w->data.n_messages, sent);
	send_to(&w->control, MSG_ACCESS, len, 1);
}

static void what_is_no_frame_closes(void **state)
{
	struct world *w = *state;

	send_to(&w->data, MSG_EST_REPLY, 1, 1); /* goes the other way */
	loop_run(w->loop);
	assert_string_equal(w->control.why, "the other side does not keep to the protocol");
	assert_int_equal(w->control.n_messages, 0);
	assert_int_equal(
		channel_send(w->control.channel, new_frame(MSG_EST_REPLY, 0, 0), MSG_HEAD_SIZE),
		-EPIPE);
}

static void end_of_the_other_side_is_told(void **state)
{
	struct world *w = *state;

	channel_free(w->data.channel);
	w->data.channel = NULL;
	loop_run(w->loop);
	assert_string_equal(w->control.why, "the other side has closed it");
}

static void what_waits_is_written_before_the_end(void **state)
{
	struct world *w = *state;
	unsigned i;

	for (i = 0; i < 10; i++)
		send_to(&w->data, MSG_EST_REQUEST, 1, 1);
	channel_flush(w->data.channel);
	channel_free(w->data.channel);
	w->data.channel = NULL;
	loop_run(w->loop);
	assert_int_equal(w->control.n_messages, i);
	assert_string_equal(w->control.why, "the other side has closed it");
}

/* It hears of the end when it wants to say something itself. */
static void what_was_said_before_the_end_is_heard_by_who_is_talking(void **state)
{
	struct world *w = *state;

	send_to(&w->data, MSG_EST_REQUEST, 1, 1);
	channel_flush(w->data.channel);
	channel_free(w->data.channel);
	w->data.channel = NULL;
	send_to(&w->control, MSG_EST_REPLY, 1, 1);
	loop_run(w->loop);
	assert_int_equal(w->control.n_messages, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(messages_of_all_sizes_arrive_in_order),
		TEST(both_directions_at_once_do_not_wait_for_each_other),
		TEST(full_queue_refuses_and_goes_on),
		TEST(what_is_no_frame_closes),
		TEST(end_of_the_other_side_is_told),
		TEST(what_waits_is_written_before_the_end),
		TEST(what_was_said_before_the_end_is_heard_by_who_is_talking),
	};

	return cmocka_run_group_tests_name("control/channel", tests, NULL, NULL);
}
