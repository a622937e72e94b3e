/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_NETNS_H
#define TUN_NETNS_H
/*
 * Network namespaces, named as iproute2 names them (/run/netns/NAME), or by path when the name
 * has a slash. "" or NULL is the present one.
 */
#include <stddef.h>

/*
 * Opens a namespace: returns a descriptor, or -errno (-ENOENT: no such name; -EINVAL: it is
 * none).
 */
int netns_open(const char *name);

/*
 * Creates a new, unnamed namespace with its loopback up, without staying in it: returns a
 * descriptor or -errno. The process ends when there is no way back, as with netns_call().
 */
int netns_create(void);

/*
 * Runs fn(arg) in the namespace fd (< 0: the present one) and comes back, whatever fn returns.
 * Returns fn's value, or -errno when the namespace cannot be entered. When there is no way back the
 * process ends: it would go on in the wrong network. Only for the calling thread.
 */
int netns_call(int fd, int (*fn)(void *arg), void *arg);

/* Enters the namespace for good: for a child before exec. 0 or -errno. */
int netns_enter(int fd);

#endif
