/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/msgsock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"

struct pair {
	int a;
	int b;
};

static struct pair new_pair(void)
{
	int fds[2];

	assert_int_equal(msgsock_pair(fds), 0);
	return (struct pair){fds[0], fds[1]};
}

static void drop_pair(struct pair *p)
{
	close(p->a);
	close(p->b);
}

static void messages_arrive_whole_and_in_order(void **state)
{
	struct pair p = new_pair();
	struct msgsock_fds fds;
	uint8_t buf[MSGSOCK_MAX];
	uint8_t large[MSGSOCK_MAX];

	memset(large, 7, sizeof(large));
	assert_int_equal(msgsock_send(p.a, "one", 3, NULL, 0), 0);
	assert_int_equal(msgsock_send(p.a, large, sizeof(large), NULL, 0), 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), 3);
	assert_memory_equal(buf, "one", 3);
	assert_int_equal(fds.n, 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), sizeof(large));
	assert_memory_equal(buf, large, sizeof(large));
	assert_int_equal(msgsock_recv(p.b, buf, &fds), -EAGAIN);
	drop_pair(&p);
}

static void descriptors_come_with_their_message(void **state)
{
	struct pair p = new_pair();
	struct msgsock_fds fds;
	uint8_t buf[MSGSOCK_MAX];
	int sent[MSGSOCK_FDS_MAX];
	int pipe_fds[2];
	int first;

	assert_int_equal(pipe(pipe_fds), 0);
	for (unsigned i = 0; i < MSGSOCK_FDS_MAX; i++)
		sent[i] = pipe_fds[1];
	assert_int_equal(msgsock_send(p.a, "none", 4, NULL, 0), 0);
	assert_int_equal(msgsock_send(p.a, "all", 3, sent, MSGSOCK_FDS_MAX), 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), 4);
	assert_int_equal(fds.n, 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), 3);
	assert_int_equal(fds.n, MSGSOCK_FDS_MAX);
	first = msgsock_take_fd(&fds);
	assert_int_equal(fds.n, MSGSOCK_FDS_MAX - 1);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
	msgsock_close_fds(&fds);
	assert_int_equal(msgsock_take_fd(&fds), -1);
	assert_int_equal(write(first, "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], buf, 2), 1);
	close(first);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	drop_pair(&p);
}

static void what_is_over_a_limit_is_not_sent(void **state)
{
	struct pair p = new_pair();
	uint8_t large[MSGSOCK_MAX + 1] = {0};
	int fds[MSGSOCK_FDS_MAX + 1] = {0};

	assert_int_equal(msgsock_send(p.a, large, sizeof(large), NULL, 0), -EMSGSIZE);
	assert_int_equal(msgsock_send(p.a, large, 1, fds, MSGSOCK_FDS_MAX + 1), -EMSGSIZE);
	assert_int_equal(msgsock_send(p.a, large, 0, NULL, 0), -EMSGSIZE);
	drop_pair(&p);
}

/* Somebody who does not keep to the limits: neither bytes nor descriptors are left. */
static void message_that_does_not_fit_is_lost_with_its_descriptors(void **state)
{
	struct pair p = new_pair();
	struct msgsock_fds fds;
	uint8_t buf[MSGSOCK_MAX];
	uint8_t large[MSGSOCK_MAX + 1] = {0};
	int before = dup(p.a);

	close(before);
	assert_int_equal(send(p.a, large, sizeof(large), 0), sizeof(large));
	assert_int_equal(msgsock_send(p.a, "next", 4, NULL, 0), 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), -EMSGSIZE);
	assert_int_equal(fds.n, 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), 4);
	assert_int_equal(dup(p.a), before);
	close(before);
	drop_pair(&p);
}

static void side_that_does_not_read_blocks_nobody(void **state)
{
	struct pair p = new_pair();
	uint8_t large[MSGSOCK_MAX] = {0};
	int r = 0;

	for (unsigned i = 0; i < 10000 && r == 0; i++)
		r = msgsock_send(p.a, large, sizeof(large), NULL, 0);
	assert_int_equal(r, -EAGAIN);
	drop_pair(&p);
}

static void end_of_the_other_side_is_told_behind_what_it_sent(void **state)
{
	struct pair p = new_pair();
	struct msgsock_fds fds;
	uint8_t buf[MSGSOCK_MAX];

	assert_int_equal(msgsock_wait(p.b, 0), -ETIMEDOUT);
	assert_int_equal(msgsock_send(p.a, "last", 4, NULL, 0), 0);
	close(p.a);
	assert_int_equal(msgsock_wait(p.b, 1000), 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), 4);
	assert_int_equal(msgsock_wait(p.b, 1000), 0);
	assert_int_equal(msgsock_recv(p.b, buf, &fds), 0);
	assert_int_equal(msgsock_send(p.b, "x", 1, NULL, 0), -EPIPE);
	close(p.b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_whole_and_in_order),
		cmocka_unit_test(descriptors_come_with_their_message),
		cmocka_unit_test(what_is_over_a_limit_is_not_sent),
		cmocka_unit_test(message_that_does_not_fit_is_lost_with_its_descriptors),
		cmocka_unit_test(side_that_does_not_read_blocks_nobody),
		cmocka_unit_test(end_of_the_other_side_is_told_behind_what_it_sent),
	};

	return cmocka_run_group_tests_name("net/msgsock", tests, NULL, NULL);
}
