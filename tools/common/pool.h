/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_COMMON_POOL_H
#define TOOLS_COMMON_POOL_H
/*
 * Where this app's packets come from, as it is told in its environment (sstp-worker(8)): the address can be another one
 * after the next reconnection, so whoever lets the app in has to let in the whole pool.
 */
#include <stddef.h>
#include <sys/socket.h>

enum {
	POOL_TEXT_MAX = 1024,
};

/*
 * The ranges of a family (AF_INET, AF_INET6) of WEBSITE_PRIVATE_POOL, with commas between, in buf; "": none is told.
 */
const char *pool_ranges(int family, char buf[POOL_TEXT_MAX]);

/* This app's address of a family, borrowed from the environment; NULL: not told. */
const char *pool_address(int family);

/*
 * The sentence that says what a firewall has to let in, in buf; NULL: the environment is not that of an app in a VNet.
 */
const char *pool_advice(int family, char buf[POOL_TEXT_MAX]);

#endif
