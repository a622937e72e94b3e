/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/tun/scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "tun/netns.h"

int scene_set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->netns = netns_create();
	assert_in_range(s->netns, 0, 1 << 20);
	assert_int_equal(tun_open("tun0", s->netns, &s->tun), 0);
	assert_int_equal(rtnl_open(s->netns, &s->rtnl), 0);
	*state = s;
	return 0;
}

int scene_tear_down(void **state)
{
	struct scene *s = *state;

	rtnl_close(s->rtnl);
	tun_close(&s->tun);
	close(s->netns);
	free(s);
	return 0;
}

void scene_tun_ready(struct scene *s)
{
	struct rtnl_route route = {.kind = RTNL_ROUTE_DEVICE, .ifindex = s->tun.ifindex};
	struct prefix address = prefix_host4(inet_addr("10.9.0.1"));

	assert_int_equal(prefix_parse("10.9.0.0/24", &route.dst), 0);
	assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 1400), 0);
	assert_int_equal(rtnl_address_add(s->rtnl, s->tun.ifindex, &address), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &route), 0);
}

struct udp_call {
	const char *bind_text;
	const char *connect_text;
	uint16_t port;
};

static struct sockaddr_in address(const char *text, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(text)};
}

static int udp_here(void *arg)
{
	struct udp_call *call = arg;
	struct sockaddr_in to;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (call->bind_text) {
		to = address(call->bind_text, call->port);
		error = bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
	}
	if (call->connect_text && error == 0) {
		to = address(call->connect_text, call->port);
		error = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
	}
	if (error < 0)
		close(fd);
	return error < 0 ? error : fd;
}

int scene_udp(const struct scene *s, const char *bind_text, const char *connect_text, uint16_t port)
{
	struct udp_call call = {bind_text, connect_text, port};

	return netns_call(s->netns, udp_here, &call);
}

int scene_child(int (*fn)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		/* a child that is meant to abort leaves no core file */
		setrlimit(RLIMIT_CORE, &(struct rlimit){0});
		_exit(-fn(arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}
