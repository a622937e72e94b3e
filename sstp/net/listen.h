/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_LISTEN_H
#define SSTP_NET_LISTEN_H
/* Listening sockets, and addresses as text. */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sstp/net/loop.h"

struct listener;

enum {
	ADDRESS_TEXT_MAX = 64
};

/* Called for each accepted connection: takes fd (non-blocking, close-on-exec). */
typedef void listen_accept_fn(void *arg, int fd, const struct sockaddr_storage *peer);

/*
 * Listens on addr with SO_REUSEADDR and SO_REUSEPORT. Accepts at most 64 connections per pass; on EMFILE,
 * ENFILE, ENOBUFS or ENOMEM pauses for 100 ms instead of spinning. Returns owned; NULL with errno set.
 */
struct listener *listener_new(struct loop *loop, const struct sockaddr *addr, socklen_t addr_len,
			      listen_accept_fn *on_accept, void *arg);

/*
 * A socket that listens on addr as listener_new()'s does, for listener_adopt() here or in another process, which needs no
 * privilege. Its descriptor, close-on-exec, or -errno.
 */
int listener_socket(const struct sockaddr *addr, socklen_t addr_len);

/* As listener_new(); takes fd, also on failure. Others may hold the same socket, which goes on when this one stops. */
struct listener *listener_adopt(struct loop *loop, int fd, listen_accept_fn *on_accept, void *arg);

/*
 * Whether addr can be listened on: 0, or -errno. SO_REUSEPORT, which threads need, would let another process's
 * listener on the same address share its connections with us silently: -EADDRINUSE here.
 */
int listener_probe(const struct sockaddr *addr, socklen_t addr_len);

/* Stops accepting; takes NULL. */
void listener_free(struct listener *l);

/* The bound address, with the port that the kernel chose for port 0. 0 or -errno. */
int listener_address(const struct listener *l, struct sockaddr_storage *ret_addr);

/* "192.0.2.1:443", "[2001:db8::1]:443", "443" or ":443" (every address, both families) into ret_addr;
 * an address alone takes default_port. 0 or -EINVAL. */
int address_parse(const char *text, uint16_t default_port, struct sockaddr_storage *ret_addr,
		  socklen_t *ret_len);

/* "192.0.2.1:443" or "[2001:db8::1]:443". Returns buf. */
const char *address_format(const struct sockaddr_storage *addr, char buf[ADDRESS_TEXT_MAX]);

/* An IPv4 peer of a socket for both families (::ffff:192.0.2.1) becomes plain IPv4; others stay. */
void address_unmap(struct sockaddr_storage *addr);

#endif
