/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path TUN MBIT BUFFER_MS DELAY_MS SLOT_MS: one direction of a long or uneven path, where the kernel has no netem. What
 * is routed into the device comes out of it again as if it had passed a link of this rate with a buffer of this length
 * in front, which then takes the delay. Packets leave in bundles, at the ends of slots, as on a radio link; 0: each when
 * its time has come. What finds the buffer full is dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
	PACKET_MAX = 2048,
	PACKETS = 16384, /* under way; more are dropped */
	NS_PER_MS = 1000 * 1000,
	NS_PER_S = 1000 * NS_PER_MS,
};

struct packet {
	uint64_t due_at;
	size_t len;
	uint8_t bytes[PACKET_MAX];
};

struct path {
	int tun;
	uint64_t mbit, buffer_ns, delay_ns, slot_ns;
	uint64_t idle_at; /* when the link will have sent all that it has */
	uint64_t head, tail;
	struct packet ring[PACKETS];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "path: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int tun_open(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	if (fd < 0)
		die("/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		die(name);
	return fd;
}

/* When a packet that comes now leaves; 0: never, there is no room for it. */
static uint64_t leaves_at(struct path *p, uint64_t now, size_t len)
{
	uint64_t begin = p->idle_at > now ? p->idle_at : now, end;

	if (begin - now > p->buffer_ns || p->tail - p->head == PACKETS)
		return 0;
	p->idle_at = begin + len * 8 * 1000 / p->mbit;
	end = p->idle_at;
	if (p->slot_ns)
		end += p->slot_ns - end % p->slot_ns;
	return end + p->delay_ns;
}

static void take_packets(struct path *p)
{
	for (;;) {
		struct packet *k = &p->ring[p->tail % PACKETS];
		uint8_t rest[PACKET_MAX];
		bool is_full = p->tail - p->head == PACKETS;
		ssize_t n = read(p->tun, is_full ? rest : k->bytes, PACKET_MAX);
		uint64_t at;

		if (n <= 0)
			return;
		at = leaves_at(p, now_ns(), (size_t)n);
		if (!at)
			continue;
		k->due_at = at;
		k->len = (size_t)n;
		p->tail++;
	}
}

/* Returns the nanoseconds until the next one is due. */
static uint64_t release_packets(struct path *p)
{
	uint64_t now = now_ns();

	for (; p->head != p->tail; p->head++) {
		const struct packet *k = &p->ring[p->head % PACKETS];

		if (k->due_at > now)
			return k->due_at - now;
		/* a device that is not up takes nothing: dropped, as any link would */
		if (write(p->tun, k->bytes, k->len) < 0 && errno == EBADFD)
			die("write");
	}
	return NS_PER_S;
}

int main(int argc, char **argv)
{
	static struct path p;
	struct pollfd fd = {.events = POLLIN};

	if (argc != 6 || atoi(argv[2]) <= 0) {
		fprintf(stderr, "usage: path TUN MBIT BUFFER_MS DELAY_MS SLOT_MS\n");
		return 2;
	}
	fd.fd = p.tun = tun_open(argv[1]);
	p.mbit = (uint64_t)atoi(argv[2]);
	p.buffer_ns = (uint64_t)atoi(argv[3]) * NS_PER_MS;
	p.delay_ns = (uint64_t)atoi(argv[4]) * NS_PER_MS;
	p.slot_ns = (uint64_t)atoi(argv[5]) * NS_PER_MS;
	for (;;) {
		uint64_t wait_ns = release_packets(&p);
		struct timespec t = {.tv_sec = (time_t)(wait_ns / (NS_PER_S)),
				     .tv_nsec = (long)(wait_ns % (NS_PER_S))};

		if (ppoll(&fd, 1, &t, NULL) > 0)
			take_packets(&p);
	}
}
