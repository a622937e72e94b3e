/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/tcp.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum {
	/* how long a peer may take nothing of what was sent: unreachable, or reading no more */
	NO_PROGRESS_MS = 60000,
};

/* The headers of Debian 11 lack it; kernels since 5.14 know it. */
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

void tcp_tune(int fd)
{
	const int on = 1;
	const unsigned no_progress = NO_PROGRESS_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &no_progress, sizeof(no_progress));
}

int tcp_set_congestion(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0
		       ? -errno
		       : 0;
}

/* What the send buffer counts; 0 where the kernel does not tell. */
static uint32_t queued_memory(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(memory);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len) < 0)
		return 0;
	return memory[SK_MEMINFO_WMEM_QUEUED];
}

/* What was sent more than once was written once; the SYN is acknowledged and was never written. */
static uint32_t waiting_bytes(const struct tcp_info *info)
{
	uint64_t written =
		info->tcpi_bytes_sent - info->tcpi_bytes_retrans + info->tcpi_notsent_bytes;

	return written > info->tcpi_bytes_acked ? (uint32_t)(written - info->tcpi_bytes_acked) : 0;
}

int tcp_facts(int fd, struct pace_facts *ret_facts)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	*ret_facts = (struct pace_facts){
		.acked = info.tcpi_bytes_acked,
		.busy_us = info.tcpi_busy_time,
		.rtt_us = info.tcpi_rtt,
		.min_rtt_us = info.tcpi_min_rtt,
		.in_flight = info.tcpi_unacked,
		.window = info.tcpi_snd_cwnd,
		.waiting = waiting_bytes(&info),
		.memory = queued_memory(fd),
	};
	return 0;
}

void tcp_set_unsent(int fd, uint32_t bytes)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

/*
 * The limit is that of the send buffer, in which bytes stay until they are acknowledged. A kernel that could not lift
 * the limit again is left alone; and one that refuses so large a buffer must not hold us to a smaller one.
 */
void tcp_set_held(int fd, uint32_t bytes)
{
	const int half = (int)(bytes / 2), unlocked = 0;
	int got = 0;
	socklen_t len = sizeof(got);

	if (setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &unlocked, sizeof(unlocked)) < 0 || !bytes)
		return;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &half, sizeof(half)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &got, &len) == 0 && got < 2 * half)
		setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &unlocked, sizeof(unlocked));
}
