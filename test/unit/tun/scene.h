/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_TUN_SCENE_H
#define TEST_UNIT_TUN_SCENE_H
/* What the tests of tun/ share: a fresh network namespace with one TUN device, and children. */
#include <stdint.h>

#include "tun/rtnl.h"
#include "tun/tun.h"

struct scene {
	int netns;
	struct tun tun; /* "tun0", link down, no address */
	struct rtnl *rtnl;
};

/* CMocka set-up and tear-down with a struct scene in *state. */
int scene_set_up(void **state);
int scene_tear_down(void **state);

/* Link up, 10.9.0.1/32 on it, a route to 10.9.0.0/24 out of it. */
void scene_tun_ready(struct scene *s);

/*
 * A non-blocking UDP socket in the namespace, bound to bind_text:port (NULL: to nothing) and
 * connected to connect_text:port (NULL: to nothing). Returns a descriptor, or -errno of the step
 * that failed.
 */
int scene_udp(const struct scene *s, const char *bind_text, const char *connect_text,
	      uint16_t port);

/* Runs fn(arg) in a child that ends with -(its value) as exit code. Returns the wait status. */
int scene_child(int (*fn)(void *arg), void *arg);

#endif
