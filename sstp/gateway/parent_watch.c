/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/wire.h"
#include "tun/ip.h"
#include "tun/netns.h"

enum {
	FILTER_MAX = 64,
	DROP = 0,
	KEEP = 128, /* bytes of a packet that are handed on: its headers */
	ECHO = 8,
	ECHO6 = 128,
	ECHO_SIZE = 16,
};

struct opening {
	const struct parent_watch *m;
	int *fds;
	int own_error;
};

static bool is_ipv6(const struct parent_watch *m)
{
	return m->target.family == AF_INET6;
}

/* ---- the filter ---- */

/*
 * The head (which protocol), the way there, the way back, and "none of these". In each part every test is "equal, or the
 * part behind it": of the head and the way back that is the last.
 */
struct program {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void put(struct program *p, uint16_t code, uint32_t k)
{
	p->code[p->n++] = (struct sock_filter){.code = code, .k = k};
}

static void put_test(struct program *p, uint16_t load, uint32_t at, uint32_t value)
{
	put(p, load, at);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, value);
}

/* The tests from there on jump to where the program is now when they fail. */
static void settle(struct program *p, unsigned short from, unsigned short until)
{
	for (unsigned short i = from; i < until; i++)
		if (p->code[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
			p->code[i].jf = (uint8_t)(p->n - i - 1);
}

static void put_address(struct program *p, const struct parent_watch *m, uint32_t at)
{
	struct wire_reader r = wire_reader(m->target.addr, is_ipv6(m) ? 16 : 4);

	for (; wire_left(&r); at += 4)
		put_test(p, BPF_LD | BPF_W | BPF_ABS, at, wire_be32(&r));
}

/* Of IPv4 the header's length stands in X. */
static void put_port(struct program *p, const struct parent_watch *m, uint32_t at, uint16_t port)
{
	if (is_ipv6(m))
		put_test(p, BPF_LD | BPF_H | BPF_ABS, 40 + at, port);
	else
		put_test(p, BPF_LD | BPF_H | BPF_IND, at, port);
}

static void put_way(struct program *p, const struct parent_watch *m, bool is_back)
{
	uint32_t source = is_ipv6(m) ? 8 : 12, destination = is_ipv6(m) ? 24 : 16;
	unsigned short begin = p->n;

	put_address(p, m, is_back ? source : destination);
	if (m->port) {
		put_port(p, m, is_back ? 2 : 0, m->own);
		put_port(p, m, is_back ? 0 : 2, m->port);
	} else {
		put_port(p, m, 4, m->own);
	}
	put(p, BPF_RET | BPF_K, KEEP);
	settle(p, begin, p->n);
}

static uint8_t protocol_of(const struct parent_watch *m)
{
	if (m->port)
		return IPPROTO_TCP;
	return is_ipv6(m) ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

static void put_program(struct program *p, const struct parent_watch *m)
{
	unsigned short head;

	put_test(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL),
		 is_ipv6(m) ? ETH_P_IPV6 : ETH_P_IP);
	put_test(p, BPF_LD | BPF_B | BPF_ABS, is_ipv6(m) ? 6 : 9, protocol_of(m));
	head = p->n;
	if (!is_ipv6(m))
		put(p, BPF_LDX | BPF_B | BPF_MSH, 0);
	put_way(p, m, false);
	put_way(p, m, true);
	settle(p, 0, head);
	put(p, BPF_RET | BPF_K, DROP);
}

/* ---- the packet socket ---- */

/* Bound to no protocol until the filter is locked, it hears nothing before. */
static int prepare(int fd, const struct parent_watch *m)
{
	const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct program p = {.n = 0};
	struct sock_fprog program = {.filter = p.code};
	int one = 1;

	put_program(&p, m);
	program.len = p.n;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&all, sizeof(all)) < 0)
		return -errno;
	return 0;
}

static int open_packets(const struct parent_watch *m)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : prepare(fd, m);

	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return r;
}

/* ---- the gateway's own probe ---- */

static int connect_to(int fd, const struct parent_watch *m)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(m->port)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(m->port)};

	memcpy(&in6.sin6_addr, m->target.addr, sizeof(in6.sin6_addr));
	memcpy(&in.sin_addr, m->target.addr, sizeof(in.sin_addr));
	if (connect(fd, is_ipv6(m) ? (const struct sockaddr *)&in6 : (const struct sockaddr *)&in,
		    is_ipv6(m) ? sizeof(in6) : sizeof(in)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

/* Of IPv6 the kernel writes the checksum. */
static int send_echo(int fd, const struct parent_watch *m)
{
	uint8_t packet[ECHO_SIZE];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put(&w, (uint8_t[]){is_ipv6(m) ? ECHO6 : ECHO, 0, 0, 0}, 4);
	wire_put_be16(&w, m->own ^ PARENT_WATCH_OWN);
	wire_put_zero(&w, ECHO_SIZE - wire_len(&w));
	if (!is_ipv6(m))
		wire_patch_be16(&w, 2, (uint16_t)~ip_checksum(packet, sizeof(packet), 0));
	return send(fd, packet, sizeof(packet), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A connection that is open is reset, not closed in order. */
static int start_own(int fd, const struct parent_watch *m)
{
	const struct linger reset = {.l_onoff = 1};
	int r;

	if (m->port && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		return -errno;
	r = connect_to(fd, m);
	return r == 0 && !m->port ? send_echo(fd, m) : r;
}

static int open_own(const struct parent_watch *m)
{
	int type = (m->port ? SOCK_STREAM : SOCK_RAW) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(m->target.family, type, m->port ? 0 : protocol_of(m));
	int r = fd < 0 ? -errno : start_own(fd, m);

	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return r;
}

static int open_here(void *arg)
{
	struct opening *o = arg;

	o->fds[0] = open_packets(o->m);
	if (o->fds[0] < 0)
		return o->fds[0];
	o->fds[1] = open_own(o->m);
	o->own_error = o->fds[1] < 0 ? o->fds[1] : 0;
	return 0;
}

int parent_watch_open(const struct parent_watch *m, int ret_fds[2], int *ret_own_error)
{
	struct opening o = {.m = m, .fds = ret_fds};
	int netns = *m->netns ? netns_open(m->netns) : -1;
	int r;

	if (*m->netns && netns < 0)
		return netns;
	r = netns_call(netns, open_here, &o);
	if (netns >= 0)
		close(netns);
	*ret_own_error = o.own_error;
	return r;
}
