/* SPDX-License-Identifier: Apache-2.0 */
/* The test is the parent, which has answered before it is asked: so nobody has to wait. */
#include "sstp/gateway/parent_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/net/msgsock.h"
#include "test/support/cmocka.h"
#include "tun/rtnl.h"
#include "tun/rtnl_watch.h"

static const struct prefix pool = {.family = AF_INET, .len = 24, .addr = {10, 3, 0, 0}};

static const struct vnet_open_params params = {
	.tun_name = "sstp3",
	.netns = "red",
	.mtu = 1400,
	.offload = 3,
	.queues = 2,
	.addresses = 256,
	.pools = &pool,
	.npools = 1,
};

struct scene {
	struct parent_ask ask;
	int parent;
	int any; /* a descriptor */
};

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	int fds[2];

	assert_non_null(s);
	assert_int_equal(msgsock_pair(fds), 0);
	s->ask.fd = fds[0];
	s->parent = fds[1];
	s->any = dup(STDERR_FILENO);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	close(s->ask.fd);
	if (s->parent >= 0)
		close(s->parent);
	close(s->any);
	free(s);
	return 0;
}

static void answer(const struct scene *s, const struct parent_msg *m, const int *fds)
{
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(m, packet);

	assert_true(len > 0);
	assert_int_equal(msgsock_send(s->parent, packet, (size_t)len, fds, parent_msg_fds(m)), 0);
}

/* What the parent was asked. */
static struct parent_msg question(const struct scene *s)
{
	static uint8_t packet[MSGSOCK_MAX];
	struct msgsock_fds fds;
	struct parent_msg m;
	ssize_t n = msgsock_recv(s->parent, packet, &fds);

	assert_true(n > 0);
	assert_int_equal(parent_msg_decode(packet, (size_t)n, fds.n, false, &m), 0);
	return m;
}

static void device_is_what_the_parent_has_opened(void **state)
{
	struct scene *s = *state;
	struct parent_msg m = {.kind = PARENT_DEVICE,
			       .device = {.queues = 2,
					  .tun = "sstp3",
					  .ifindex = 9,
					  .offload = 1,
					  .is_steered = true,
					  .is_forwarding = true}};
	struct rtnl *rtnl;
	struct rtnl_watch *watch;
	struct vnet_opened o;
	enum vnet_step step;

	assert_int_equal(rtnl_open(-1, &rtnl), 0);
	assert_int_equal(rtnl_watch_open(-1, &watch), 0);
	answer(s, &m, (const int[]){s->any, s->any, rtnl_fd(rtnl), rtnl_watch_fd(watch), s->any});
	rtnl_close(rtnl);
	rtnl_watch_close(watch);
	assert_int_equal(parent_ask_device(&s->ask, &params, &o, &step), 0);
	assert_int_equal(o.n, 2);
	assert_string_equal(o.tuns[1].name, "sstp3");
	assert_int_equal(o.tuns[1].ifindex, 9);
	assert_int_equal(o.tuns[1].offload, 1);
	assert_int_not_equal(o.tuns[0].fd, o.tuns[1].fd);
	assert_int_equal(rtnl_watch_read(o.watch), 0);
	assert_non_null(o.steer);
	assert_true(o.is_forwarding);
	vnet_opened_close(&o);
	m = question(s);
	assert_int_equal(m.kind, PARENT_OPEN_DEVICE);
	assert_string_equal(m.open.netns, "red");
	assert_int_equal(m.open.queues, 2);
	assert_true(prefix_equal(&m.open.pools[0], &pool));
}

static void refusal_comes_with_its_step(void **state)
{
	struct scene *s = *state;
	struct parent_msg m = {.kind = PARENT_DEVICE,
			       .device = {.error = -EBUSY, .step = VNET_STEP_CREATE}};
	struct vnet_opened o;
	enum vnet_step step;

	answer(s, &m, NULL);
	assert_int_equal(parent_ask_device(&s->ask, &params, &o, &step), -EBUSY);
	assert_int_equal(step, VNET_STEP_CREATE);
	m.device.step = VNET_STEPS;
	answer(s, &m, NULL);
	assert_int_equal(parent_ask_device(&s->ask, &params, &o, &step), -EBUSY);
	assert_int_equal(step, VNET_STEP_ASK);
}

static void sockets_are_as_many_as_were_asked_for(void **state)
{
	struct scene *s = *state;
	struct parent_msg m = {.kind = PARENT_SOCKETS, .sockets = {.text = "", .sockets = 2}};
	char error[PARENT_TEXT_MAX + 1];
	int fds[2];

	answer(s, &m, (const int[]){s->any, s->any});
	assert_int_equal(parent_ask_sockets(&s->ask, 7, 2, fds, error), 0);
	close(fds[0]);
	close(fds[1]);
	m = question(s);
	assert_int_equal(m.listen.index, 7);
	assert_int_equal(m.listen.sockets, 2);
	m = (struct parent_msg){.kind = PARENT_SOCKETS,
				.sockets = {.error = -EADDRINUSE, .text = "it is taken"}};
	answer(s, &m, NULL);
	assert_int_equal(parent_ask_sockets(&s->ask, 7, 2, fds, error), -EADDRINUSE);
	assert_string_equal(error, "it is taken");
	m = (struct parent_msg){.kind = PARENT_SOCKETS, .sockets = {.text = "", .sockets = 1}};
	answer(s, &m, (const int[]){s->any});
	assert_int_equal(parent_ask_sockets(&s->ask, 7, 2, fds, error), -EBADMSG);
}

/* The answer to one question must never be taken for that to another. */
static void parent_that_answers_something_else_is_not_asked_again(void **state)
{
	struct scene *s = *state;
	struct parent_msg m = {.kind = PARENT_SOCKETS, .sockets = {.text = "", .sockets = 1}};
	char error[PARENT_TEXT_MAX + 1];
	struct vnet_opened o;
	enum vnet_step step;
	int fd;

	answer(s, &m, (const int[]){s->any});
	answer(s, &m, (const int[]){s->any});
	assert_int_equal(parent_ask_device(&s->ask, &params, &o, &step), -EBADMSG);
	assert_int_equal(step, VNET_STEP_ASK);
	assert_int_equal(parent_ask_sockets(&s->ask, 0, 1, &fd, error), -EPIPE);
	assert_string_equal(error, "the parent process does not give sockets to listen on: "
				   "Broken pipe");
}

static void parent_that_is_gone_is_an_error(void **state)
{
	struct scene *s = *state;
	struct vnet_opened o;
	enum vnet_step step;

	close(s->parent);
	s->parent = -1;
	assert_int_equal(parent_ask_device(&s->ask, &params, &o, &step), -EPIPE);
	assert_int_equal(step, VNET_STEP_ASK);
}

static void more_pools_than_a_message_has_are_an_error_and_no_more(void **state)
{
	struct scene *s = *state;
	struct prefix pools[PARENT_POOLS_MAX + 1];
	struct vnet_open_params many = params;
	struct vnet_opened o;
	enum vnet_step step;

	for (unsigned i = 0; i <= PARENT_POOLS_MAX; i++)
		pools[i] = pool;
	many.pools = pools;
	many.npools = PARENT_POOLS_MAX + 1;
	assert_int_equal(parent_ask_device(&s->ask, &many, &o, &step), -EMSGSIZE);
	assert_false(s->ask.is_broken);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(device_is_what_the_parent_has_opened),
		TEST(refusal_comes_with_its_step),
		TEST(sockets_are_as_many_as_were_asked_for),
		TEST(parent_that_answers_something_else_is_not_asked_again),
		TEST(parent_that_is_gone_is_an_error),
		TEST(more_pools_than_a_message_has_are_an_error_and_no_more),
	};

	return cmocka_run_group_tests_name("gateway/parent_ask", tests, NULL, NULL);
}
