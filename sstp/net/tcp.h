/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_TCP_H
#define SSTP_NET_TCP_H
/* What we ask of and set on TCP sockets. A socket of another kind (a test's pair) answers with an error, which harms nobody. */
#include <stdint.h>

#include "sstp/net/pace.h"

/* No Nagle; a minute for a peer that takes nothing. */
void tcp_tune(int fd);

/* 0, or -errno when the kernel does not have this algorithm or does not let us use it. */
int tcp_set_congestion(int fd, const char *name);

/* 0 or -errno. */
int tcp_facts(int fd, struct pace_facts *ret_facts);

/* Bytes not yet sent above which the socket is full. */
void tcp_set_unsent(int fd, uint32_t bytes);

/* Bytes in all above which the socket is full; 0: as many as the kernel finds right, as at first. */
void tcp_set_held(int fd, uint32_t bytes);

#endif
