/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/rtnl_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/scene.h"

enum {
	PATIENCE_MS = 2000, /* only a failing test waits that long */
};

struct bench {
	struct scene *scene;
	struct rtnl_watch *watch;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	void *scene;

	assert_non_null(b);
	assert_int_equal(scene_set_up(&scene), 0);
	b->scene = scene;
	assert_int_equal(rtnl_watch_open(b->scene->netns, &b->watch), 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	void *scene = b->scene;

	rtnl_watch_close(b->watch);
	scene_tear_down(&scene);
	free(b);
	return 0;
}

static int is_readable(const struct bench *b, int patience_ms)
{
	struct pollfd p = {.fd = rtnl_watch_fd(b->watch), .events = POLLIN};

	return poll(&p, 1, patience_ms);
}

/* It is readable, and one read says that something changed and leaves nothing. */
static void check_changed(struct bench *b)
{
	assert_int_equal(is_readable(b, PATIENCE_MS), 1);
	assert_int_equal(rtnl_watch_read(b->watch), 1);
	assert_int_equal(is_readable(b, 0), 0);
	assert_int_equal(rtnl_watch_read(b->watch), 0);
}

static void add(struct bench *b, const char *text)
{
	struct scene *s = b->scene;
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	assert_int_equal(rtnl_address_add(s->rtnl, s->tun.ifindex, &p), 0);
}

static void del(struct bench *b, const char *text)
{
	struct scene *s = b->scene;
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	assert_int_equal(rtnl_address_del(s->rtnl, s->tun.ifindex, &p), 0);
}

static void address_that_comes_or_goes_is_a_change(void **state)
{
	struct bench *b = *state;

	add(b, "10.9.0.1");
	check_changed(b);
	del(b, "10.9.0.1");
	check_changed(b);
}

static void ipv6_address_is_a_change_too(void **state)
{
	struct bench *b = *state;

	add(b, "fd09::1");
	check_changed(b);
	del(b, "fd09::1");
	check_changed(b);
}

static void several_changes_are_read_at_once(void **state)
{
	struct bench *b = *state;

	add(b, "10.9.0.1");
	add(b, "10.9.0.2");
	del(b, "10.9.0.1");
	check_changed(b);
}

static void address_that_goes_with_its_device_is_a_change(void **state)
{
	struct bench *b = *state;

	add(b, "10.9.0.1");
	check_changed(b);
	tun_close(&b->scene->tun);
	check_changed(b);
}

static void nothing_changes_by_itself(void **state)
{
	struct bench *b = *state;

	assert_int_equal(is_readable(b, 0), 0);
	assert_int_equal(rtnl_watch_read(b->watch), 0);
}

static void links_and_routes_are_no_change(void **state)
{
	struct bench *b = *state;
	struct scene *s = b->scene;
	struct rtnl_route route = {.kind = RTNL_ROUTE_DEVICE, .ifindex = s->tun.ifindex};

	assert_int_equal(prefix_parse("10.9.0.0/24", &route.dst), 0);
	assert_int_equal(rtnl_link_no_link_local(s->rtnl, s->tun.ifindex), 0);
	assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 1400), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &route), 0);
	assert_int_equal(rtnl_link_down(s->rtnl, s->tun.ifindex), 0);
	assert_int_equal(is_readable(b, 0), 0);
	assert_int_equal(rtnl_watch_read(b->watch), 0);
}

static void other_namespaces_are_not_watched(void **state)
{
	struct bench *b = *state;
	void *other;

	assert_int_equal(scene_set_up(&other), 0);
	scene_tun_ready(other);
	assert_int_equal(is_readable(b, 0), 0);
	scene_tear_down(&other);
	assert_int_equal(rtnl_watch_read(b->watch), 0);
}

/* What was lost by then is not known, but that something was. */
static void overrun_is_a_change_and_no_error(void **state)
{
	struct bench *b = *state;
	int fd = rtnl_watch_fd(b->watch), size = 1, error = 0;
	socklen_t len = sizeof(error);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < 50; i++) {
		add(b, "10.9.0.1");
		del(b, "10.9.0.1");
	}
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	assert_int_equal(error, ENOBUFS);
	/* asking took the error away; the next overrun brings it back */
	assert_int_equal(rtnl_watch_read(b->watch), 1);
	for (int i = 0; i < 50; i++) {
		add(b, "10.9.0.1");
		del(b, "10.9.0.1");
	}
	check_changed(b);
	add(b, "10.9.0.1");
	check_changed(b);
}

static void news_without_end_do_not_keep_the_reader(void **state)
{
	enum {
		CHANGES = 700 /* two datagrams each; a read takes 1000 */
	};
	struct bench *b = *state;
	int fd = rtnl_watch_fd(b->watch), size = 8 << 20;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	for (int i = 0; i < CHANGES; i++) {
		add(b, "10.9.0.1");
		del(b, "10.9.0.1");
	}
	assert_int_equal(rtnl_watch_read(b->watch), 1);
	check_changed(b);
}

static void descriptor_never_blocks_nor_is_inherited(void **state)
{
	struct bench *b = *state;
	int fd = rtnl_watch_fd(b->watch);

	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void adopted_watch_tells_the_same(void **state)
{
	struct bench *b = *state;
	int fd = dup(rtnl_watch_fd(b->watch));

	rtnl_watch_close(b->watch);
	b->watch = NULL;
	assert_int_equal(rtnl_watch_adopt(fd, &b->watch), 0);
	add(b, "10.9.0.1");
	check_changed(b);
}

static void watch_needs_a_namespace(void **state)
{
	struct rtnl_watch *w = NULL;

	assert_int_equal(rtnl_watch_open(STDIN_FILENO, &w), -EINVAL);
	assert_null(w);
	rtnl_watch_close(NULL);
}

#define WATCH_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(address_that_comes_or_goes_is_a_change),
		WATCH_TEST(ipv6_address_is_a_change_too),
		WATCH_TEST(several_changes_are_read_at_once),
		WATCH_TEST(address_that_goes_with_its_device_is_a_change),
		WATCH_TEST(nothing_changes_by_itself),
		WATCH_TEST(links_and_routes_are_no_change),
		WATCH_TEST(other_namespaces_are_not_watched),
		WATCH_TEST(overrun_is_a_change_and_no_error),
		WATCH_TEST(news_without_end_do_not_keep_the_reader),
		WATCH_TEST(descriptor_never_blocks_nor_is_inherited),
		WATCH_TEST(adopted_watch_tells_the_same),
		cmocka_unit_test(watch_needs_a_namespace),
	};

	return cmocka_run_group_tests_name("tun/rtnl_watch", tests, NULL, NULL);
}
