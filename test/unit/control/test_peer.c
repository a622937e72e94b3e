/* SPDX-License-Identifier: Apache-2.0 */
/* The test is the parent and every data plane. */
#include "sstp/control/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/control/parent_msg.h"
#include "sstp/net/msgsock.h"
#include "test/support/cmocka.h"

struct scene {
	struct loop *loop;
	struct peer *peer;
	int link;	  /* the parent's end */
	unsigned stop_at; /* events after which the loop stops */
	unsigned messages;
	unsigned losses;
	unsigned ends;
	unsigned answers;
	int fd; /* that came with the last answer */
};

static void count(struct scene *s, unsigned *counter)
{
	(*counter)++;
	if (--s->stop_at == 0)
		loop_stop(s->loop);
}

static void on_message(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct scene *s = arg;

	assert_int_equal(kind, MSG_EST_REQUEST);
	count(s, &s->messages);
}

static void on_lost(void *arg)
{
	struct scene *s = arg;

	count(s, &s->losses);
}

static void on_parent_gone(void *arg)
{
	struct scene *s = arg;

	count(s, &s->ends);
}

static void on_parent(void *arg, const struct parent_msg *m, struct msgsock_fds *fds)
{
	struct scene *s = arg;

	assert_int_equal(m->kind, PARENT_LEARN_SOCKET);
	assert_string_equal(m->learn_socket.vnet, "lab");
	s->fd = msgsock_take_fd(fds);
	count(s, &s->answers);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	int fds[2];

	assert_non_null(s);
	s->loop = loop_new();
	assert_int_equal(msgsock_pair(fds), 0);
	s->link = fds[0];
	s->peer = peer_new(s->loop, &(struct peer_params){.link = fds[1],
							  .on_message = on_message,
							  .on_lost = on_lost,
							  .on_parent_gone = on_parent_gone,
							  .on_parent = on_parent,
							  .arg = s});
	assert_non_null(s->peer);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	peer_free(s->peer);
	if (s->link >= 0)
		close(s->link);
	loop_free(s->loop);
	free(s);
	return 0;
}

/* A data plane's end of a new channel. */
static int introduce(int link)
{
	struct parent_msg m = {.kind = PARENT_PEER};
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(&m, packet);
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(msgsock_send(link, packet, (size_t)len, &fds[1], 1), 0);
	close(fds[1]);
	return fds[0];
}

static void run(struct scene *s, unsigned events)
{
	s->stop_at = events;
	assert_int_equal(loop_run(s->loop), 0);
}

static void say(int fd)
{
	static const uint8_t frame[] = {0, 0, 0, 0, MSG_EST_REQUEST};

	assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
}

static uint8_t *new_failed(size_t *ret_len)
{
	uint8_t *frame;

	assert_int_equal(msg_failed_encode("why", &frame, ret_len), 0);
	return frame;
}

static void nobody_is_told_while_there_is_no_data_plane(void **state)
{
	struct scene *s = *state;
	size_t len;
	uint8_t *frame = new_failed(&len);

	assert_int_equal(peer_send(s->peer, frame, len), -ENOTCONN);
}

static void each_data_plane_takes_the_place_of_the_one_before(void **state)
{
	struct scene *s = *state;
	int first = introduce(s->link);
	int second;
	uint8_t byte;
	size_t len;
	uint8_t *frame;

	say(first);
	run(s, 1);
	assert_int_equal(s->messages, 1);
	second = introduce(s->link);
	say(second);
	run(s, 2);
	assert_int_equal(s->losses, 1);
	assert_int_equal(s->messages, 2);
	assert_int_equal(recv(first, &byte, 1, 0), 0);
	close(first);
	frame = new_failed(&len);
	assert_int_equal(peer_send(s->peer, frame, len), 0);
	close(second);
	run(s, 1);
	assert_int_equal(s->losses, 2);
	frame = new_failed(&len);
	assert_int_equal(peer_send(s->peer, frame, len), -ENOTCONN);
}

static void what_a_data_plane_said_counts_when_its_successor_is_heard_of_first(void **state)
{
	struct scene *s = *state;
	int first = introduce(s->link);
	int second;

	say(first);
	run(s, 1);
	say(first);
	say(first);
	close(first);
	second = introduce(s->link);
	say(second);
	run(s, 3); /* two, and the loss or what the second says */
	run(s, 1);
	assert_int_equal(s->messages, 4);
	assert_int_equal(s->losses, 1);
	say(second);
	close(s->link);
	s->link = -1;
	run(s, 2);
	assert_int_equal(s->messages, 5);
	assert_int_equal(s->ends, 1);
	close(second);
}

static void parent_is_asked_and_answers(void **state)
{
	struct scene *s = *state;
	struct parent_msg question = {.kind = PARENT_LEARN,
				      .learn = {.vnet = "lab", .netns = "red"}};
	struct parent_msg answer = {.kind = PARENT_LEARN_SOCKET, .learn_socket = {.vnet = "lab"}};
	uint8_t packet[MSGSOCK_MAX];
	struct msgsock_fds fds;
	struct parent_msg got;
	ssize_t len;
	int other = dup(STDIN_FILENO);

	assert_int_equal(peer_ask_parent(s->peer, &question, NULL), 0);
	len = msgsock_recv(s->link, packet, &fds);
	assert_int_equal(parent_msg_decode(packet, (size_t)len, fds.n, false, &got), 0);
	assert_int_equal(got.kind, PARENT_LEARN);
	assert_string_equal(got.learn.netns, "red");
	len = parent_msg_encode(&answer, packet);
	assert_int_equal(msgsock_send(s->link, packet, (size_t)len, &other, 1), 0);
	close(other);
	run(s, 1);
	assert_int_equal(s->answers, 1);
	assert_int_equal(close(s->fd), 0);
}

static void end_of_the_parent_is_told(void **state)
{
	struct scene *s = *state;

	close(s->link);
	s->link = -1;
	run(s, 1);
	assert_int_equal(s->ends, 1);
}

static void parent_that_talks_nonsense_counts_as_gone(void **state)
{
	struct scene *s = *state;

	assert_int_equal(msgsock_send(s->link, "nonsense", 8, NULL, 0), 0);
	run(s, 1);
	assert_int_equal(s->ends, 1);
}

static void last_words_go_to_the_data_plane_that_comes(void **state)
{
	int fds[2];
	uint8_t words[64];
	size_t len;
	uint8_t *frame = new_failed(&len);
	int fd;

	assert_int_equal(msgsock_pair(fds), 0);
	fd = introduce(fds[0]);
	peer_last_words(fds[1], "why");
	assert_int_equal(recv(fd, words, sizeof(words), 0), len);
	assert_memory_equal(words, frame, len);
	assert_int_equal(recv(fd, words, sizeof(words), 0), 0);
	msg_frame_free(frame, len);
	close(fd);
	close(fds[0]);
	peer_last_words(fds[1], "nobody hears it");
	close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(nobody_is_told_while_there_is_no_data_plane),
		TEST(each_data_plane_takes_the_place_of_the_one_before),
		TEST(what_a_data_plane_said_counts_when_its_successor_is_heard_of_first),
		TEST(end_of_the_parent_is_told),
		TEST(parent_is_asked_and_answers),
		TEST(parent_that_talks_nonsense_counts_as_gone),
		cmocka_unit_test(last_words_go_to_the_data_plane_that_comes),
	};

	return cmocka_run_group_tests_name("control/peer", tests, NULL, NULL);
}
