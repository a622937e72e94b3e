/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_OFFLOAD_TEXT_H
#define TUN_OFFLOAD_TEXT_H
/* A set of offloads in words, for logs. */

enum {
	OFFLOAD_TEXT_MAX = 64
};

/*
 * Bits of enum tun_offload as "tcp_read udp_read tcp_merge udp_merge io_uring", the words of the
 * operator's switches; "none" without any. The header's bit has no word. Returns buf.
 */
const char *offload_text(unsigned offload, char buf[OFFLOAD_TEXT_MAX]);

#endif
