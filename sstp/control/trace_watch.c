/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/trace_watch.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/wire.h"

enum {
	HEADERS_MAX = 256,
	READS_MAX = 256, /* at a time */
	ECHO_REPLY = 0,
	ECHO6_REPLY = 129,
	ADDRESS4_AT = 12,
	ADDRESS6_AT = 8,
	IPV6_HEADER = 40,
	TCP_FLAGS_AT = 13,
	TCP_SYN = 0x02,
};

static bool read_addresses(const struct prefix *target, const uint8_t *packet, size_t len,
			   struct prefix *ret_src, struct prefix *ret_dst)
{
	struct wire_reader r = wire_reader(packet, len);
	bool is_6 = target->family == AF_INET6;
	const uint8_t *src, *dst;

	wire_bytes(&r, is_6 ? ADDRESS6_AT : ADDRESS4_AT);
	src = wire_bytes(&r, target->len / 8);
	dst = wire_bytes(&r, target->len / 8);
	if (!wire_ok(&r))
		return false;
	*ret_src = prefix_host(target->family, src);
	*ret_dst = prefix_host(target->family, dst);
	return true;
}

/* A reader of what is behind the IP header; its protocol. The filter has looked at both already. */
static struct wire_reader payload_of(uint8_t family, const uint8_t *packet, size_t len,
				     uint8_t *ret_protocol)
{
	struct wire_reader r = wire_reader(packet, len);
	uint8_t first = wire_u8(&r);
	size_t header = family == AF_INET6 ? IPV6_HEADER : (size_t)(first & 15) * 4;

	wire_bytes(&r, family == AF_INET6 ? 5 : 8);
	*ret_protocol = wire_u8(&r);
	r = wire_reader(packet, len);
	wire_bytes(&r, header);
	return r;
}

/* What ends a connection that was answered is no probe. */
static bool is_probe(const struct prefix *target, const uint8_t *packet, size_t len)
{
	uint8_t protocol;
	struct wire_reader r = payload_of(target->family, packet, len, &protocol);

	wire_bytes(&r, TCP_FLAGS_AT);
	return protocol != IPPROTO_TCP || wire_u8(&r) & TCP_SYN;
}

static void see(const struct prefix *target, const uint8_t *packet, size_t len, bool is_outgoing,
		struct trace_seen *seen)
{
	struct prefix src, dst;

	if (!read_addresses(target, packet, len, &src, &dst))
		return;
	if (prefix_equal(&dst, target)) {
		if (!is_probe(target, packet, len))
			return;
		seen->in += !is_outgoing;
		seen->left += is_outgoing;
		if (is_outgoing)
			seen->source = src;
	} else {
		seen->back += !is_outgoing;
		seen->out += is_outgoing;
	}
}

void trace_watch_read(int fd, const struct prefix *target, struct trace_seen *seen)
{
	struct sockaddr_ll from;
	uint8_t packet[HEADERS_MAX];

	for (unsigned i = 0; i < READS_MAX; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		see(target, packet, (size_t)n, from.sll_pkttype == PACKET_OUTGOING, seen);
	}
}

/* ---- the gateway's own ---- */

static enum trace_said said_by_error(int error)
{
	switch (error) {
	case 0: return TRACE_SAID_GOOD;
	case EINPROGRESS:
	case EAGAIN:
	case EINTR:
	case ETIMEDOUT: return TRACE_SAID_SILENCE;
	case ECONNREFUSED: return TRACE_SAID_CLOSED;
	default: return TRACE_SAID_UNREACHABLE;
	}
}

static enum trace_said own_connection(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error = 0;

	if (poll(&p, 1, 0) <= 0)
		return TRACE_SAID_SILENCE;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	return said_by_error(error);
}

/* Of IPv4 a raw socket gets the whole packet. */
static bool is_reply(uint8_t family, const uint8_t *packet, size_t len, uint16_t own)
{
	uint8_t type, protocol;
	struct wire_reader r = family == AF_INET ? payload_of(family, packet, len, &protocol)
						 : wire_reader(packet, len);

	type = wire_u8(&r);
	wire_bytes(&r, 3);
	return type == (family == AF_INET6 ? ECHO6_REPLY : ECHO_REPLY) && wire_be16(&r) == own &&
	       wire_ok(&r);
}

static enum trace_said own_echo(int fd, uint8_t family, uint16_t own)
{
	uint8_t packet[HEADERS_MAX];

	for (unsigned i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

		if (n < 0)
			return said_by_error(errno);
		if (is_reply(family, packet, (size_t)n, own))
			return TRACE_SAID_GOOD;
	}
	return TRACE_SAID_SILENCE;
}

enum trace_said trace_watch_own(int fd, uint8_t family, uint16_t port, uint16_t own)
{
	return port ? own_connection(fd) : own_echo(fd, family, own);
}
