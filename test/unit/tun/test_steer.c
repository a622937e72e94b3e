/* SPDX-License-Identifier: Apache-2.0 */
/* The program alone, as the kernel runs it, and a real device with four queues. */
#include "tun/steer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/tun/packet.h"
#include "test/unit/tun/scene.h"
#include "tun/netns.h"
#include "tun/offload_packet.h"
#include "tun/steer_prog.h"
#include "tun/tun.h"

enum {
	QUEUES = 4,
	PATIENCE_MS = 2000, /* only a failing test waits that long */
	PORT = 7000,
	ADDRESSES = 64, /* 10.9.0.64 and up */
	ADDRESSES_MAX = 256,
	THREADS = 4,
};

/* ---- the program alone ---- */

enum {
	PROGRAM_ADDRESSES = 80,
	PROGRAM_PACKETS = 20000,
};

struct program {
	int map_fd;
	int fd;
	struct prng prng;
	uint8_t keys[PROGRAM_ADDRESSES][STEER_KEY_SIZE]; /* in the map; every other one of IPv6 */
	uint32_t queues[PROGRAM_ADDRESSES];
};

static int new_map(uint32_t entries)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_HASH;
	attr.key_size = STEER_KEY_SIZE;
	attr.value_size = 4;
	attr.max_entries = entries;
	return steer_bpf(BPF_MAP_CREATE, &attr);
}

/* Addresses that differ in few bits, so that a wrong byte finds another. */
static uint32_t any_address(struct prng *prng)
{
	return htonl(UINT32_C(0x0a0a0a00) ^ (UINT32_C(1) << prng_below(prng, 32)) ^
		     prng_below(prng, 4));
}

/* An IPv6 network that looks like an IPv4 address behind something else than zeros. */
static void any_key(struct prng *prng, bool is_ipv6, uint8_t ret_key[STEER_KEY_SIZE])
{
	uint32_t address = any_address(prng);

	memset(ret_key, 0, STEER_KEY_SIZE);
	memcpy(ret_key + 4, &address, sizeof(address));
	if (is_ipv6)
		ret_key[0] = (uint8_t)(0xfc + prng_below(prng, 2));
}

static void fill_map(struct program *p)
{
	for (size_t i = 0; i < PROGRAM_ADDRESSES; i++) {
		union bpf_attr attr;

		memset(&attr, 0, sizeof(attr));
		any_key(&p->prng, i % 2, p->keys[i]);
		p->queues[i] = (uint32_t)prng_next(&p->prng);
		attr.map_fd = (uint32_t)p->map_fd;
		attr.key = (uintptr_t)p->keys[i];
		attr.value = (uintptr_t)&p->queues[i];
		assert_int_equal(steer_bpf(BPF_MAP_UPDATE_ELEM, &attr), 0);
	}
}

static int program_set_up(void **state)
{
	struct program *p = calloc(1, sizeof(*p));
	struct bpf_insn insns[STEER_PROG_LEN];

	assert_non_null(p);
	prng_init(&p->prng, 42);
	p->map_fd = new_map(PROGRAM_ADDRESSES);
	assert_in_range(p->map_fd, 0, 1 << 20);
	steer_prog_build(p->map_fd, insns);
	p->fd = steer_prog_load(insns, STEER_PROG_LEN);
	assert_in_range(p->fd, 0, 1 << 20);
	fill_map(p);
	*state = p;
	return 0;
}

static int program_tear_down(void **state)
{
	struct program *p = *state;

	close(p->fd);
	close(p->map_fd);
	free(p);
	return 0;
}

/* What the program says of a packet. The kernel wants it behind an Ethernet header. */
static uint32_t run_program(const struct program *p, const uint8_t *pkt, size_t len)
{
	uint8_t frame[ETH_HLEN + 256] = {0};
	union bpf_attr attr;

	memcpy(frame + ETH_HLEN, pkt, len);
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)p->fd;
	attr.test.data_in = (uintptr_t)frame;
	attr.test.data_size_in = (uint32_t)(ETH_HLEN + len);
	assert_int_equal(steer_bpf(BPF_PROG_TEST_RUN, &attr), 0);
	return attr.test.retval;
}

/* The later of two equal addresses counts. */
static uint32_t expected(const struct program *p, const uint8_t *pkt, size_t len)
{
	uint8_t key[STEER_KEY_SIZE] = {0};
	unsigned version = pkt[0] >> 4;
	uint32_t queue = 0;

	if (len < (version == 4 ? 20 : 32) || (version != 4 && version != 6))
		return 0;
	if (version == 4)
		memcpy(key + 4, pkt + 16, 4);
	else
		memcpy(key, pkt + 24, STEER_KEY_SIZE);
	for (size_t i = 0; i < PROGRAM_ADDRESSES; i++)
		if (memcmp(key, p->keys[i], STEER_KEY_SIZE) == 0)
			queue = p->queues[i];
	return queue;
}

static void program_finds_the_destination_and_only_that(void **state)
{
	struct program *p = *state;
	unsigned found = 0, found6 = 0;

	for (int n = 0; n < PROGRAM_PACKETS; n++) {
		size_t len = 1 + prng_below(&p->prng, 60);
		uint32_t src = any_address(&p->prng), dst = any_address(&p->prng);
		uint8_t pkt[64];
		uint32_t want;

		for (size_t i = 0; i < sizeof(pkt); i++)
			pkt[i] = (uint8_t)prng_next(&p->prng);
		if (prng_below(&p->prng, 4))
			pkt[0] = n % 2 ? 0x60 : 0x45;
		memcpy(pkt + 12, &src, 4);
		memcpy(pkt + 16, &dst, 4);
		any_key(&p->prng, prng_below(&p->prng, 8), pkt + 24);
		want = expected(p, pkt, len);
		found += want != 0;
		found6 += want != 0 && pkt[0] >> 4 == 6;
		if (run_program(p, pkt, len) != want)
			fail_msg("packet %d of %zu bytes, version %d", n, len, pkt[0] >> 4);
	}
	assert_in_range(found, PROGRAM_PACKETS / 20, PROGRAM_PACKETS);
	assert_in_range(found6, PROGRAM_PACKETS / 100, PROGRAM_PACKETS);
}

static void program_that_the_verifier_refuses_is_einval(void **state)
{
	struct program *p = *state;
	struct bpf_insn insns[STEER_PROG_LEN];

	/* a pointer that may be NULL is followed: the kernel's EACCES */
	steer_prog_build(p->map_fd, insns);
	insns[STEER_PROG_CHECK] = insns[1];
	assert_int_equal(steer_prog_load(insns, STEER_PROG_LEN), -EINVAL);
	/* no such instruction */
	steer_prog_build(p->map_fd, insns);
	insns[0].code = 0xff;
	assert_int_equal(steer_prog_load(insns, STEER_PROG_LEN), -EINVAL);
	/* runs off its end */
	steer_prog_build(p->map_fd, insns);
	assert_int_equal(steer_prog_load(insns, STEER_PROG_LEN - 1), -EINVAL);
	/* the kernel's E2BIG */
	assert_int_equal(steer_prog_load(insns, 0), -EINVAL);
	/* no such map */
	steer_prog_build(-1, insns);
	assert_int_equal(steer_prog_load(insns, STEER_PROG_LEN), -EINVAL);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* The verifier gives up when a signal is pending: no reason to do without steering. */
static void signals_do_not_keep_a_program_from_being_loaded(void **state)
{
	struct program *p = *state;
	struct itimerval often = {{0, 20}, {0, 20}}, never = {{0, 0}, {0, 0}};
	struct bpf_insn insns[STEER_PROG_LEN];
	int last = 0;

	signal(SIGALRM, on_alarm);
	steer_prog_build(p->map_fd, insns);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 500 && last >= 0; i++) {
		last = steer_prog_load(insns, STEER_PROG_LEN);
		if (last >= 0)
			close(last);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	assert_in_range(last, 0, 1 << 20);
}

/* ---- a device with four queues ---- */

struct bench {
	struct scene *scene;
	struct tun tuns[QUEUES];
	struct steer *steer;
	int udp;    /* any address of 10.9.0.0/24 is behind the device */
	int packet; /* writes packets straight into the device, with a virtio-net header */
	struct virtio_net_hdr header; /* of what was read last */
	uint8_t pkt[TUN_PACKET_MAX];
	ssize_t len;
};

static int packet_socket_here(void *arg)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	to.sll_ifindex = *(int *)arg;
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &(int){1}, sizeof(int)) < 0 ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return fd;
}

static void open_bench(struct bench *b)
{
	struct scene *s = b->scene;
	int ifindex;

	tun_close(&s->tun);
	assert_int_equal(tun_open_queues("tun0", s->netns, TUN_OFFLOAD_ALL, QUEUES, b->tuns), 0);
	s->tun = b->tuns[0];
	scene_tun_ready(s);
	ifindex = (int)s->tun.ifindex;
	b->udp = scene_udp(s, NULL, NULL, 0);
	b->packet = netns_call(s->netns, packet_socket_here, &ifindex);
	assert_in_range(b->packet, 0, 1 << 20);
	assert_int_equal(steer_new(&b->tuns[0], ADDRESSES_MAX, &b->steer), 0);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	void *scene;

	assert_non_null(b);
	assert_int_equal(scene_set_up(&scene), 0);
	b->scene = scene;
	open_bench(b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	void *scene = b->scene;

	steer_free(b->steer);
	close(b->udp);
	close(b->packet);
	for (int i = 1; i < QUEUES; i++)
		tun_close(&b->tuns[i]);
	scene_tear_down(&scene); /* and queue 0 */
	free(b);
	return 0;
}

/* The i-th address behind the device, 0..ADDRESSES-1. */
static uint32_t address_be(unsigned i)
{
	return htonl(UINT32_C(0x0a090040) + i);
}

static void send_to(const struct bench *b, uint32_t addr_be, uint16_t port, size_t len)
{
	static const uint8_t payload[20000];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

	to.sin_addr.s_addr = addr_be;
	assert_int_equal(sendto(b->udp, payload, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
}

/* Sends a packet as it is, or as a super-packet with header h. */
static void inject(const struct bench *b, const struct virtio_net_hdr *h, const void *pkt,
		   size_t len)
{
	static const struct virtio_net_hdr plain;
	struct iovec iov[] = {{(void *)(h ? h : &plain), sizeof(plain)}, {(void *)pkt, len}};

	assert_int_equal(writev(b->packet, iov, 2), sizeof(plain) + len);
}

/* A new link is greeted by IPv6: routers and listeners, from or to a link-local address. */
static bool is_greeting(const struct bench *b)
{
	return b->len >= 40 && b->pkt[0] >> 4 == 6 && b->pkt[24] == 0xff;
}

static bool read_from(struct bench *b, unsigned queue)
{
	do
		b->len = tun_read_super(&b->tuns[queue], &b->header, b->pkt, sizeof(b->pkt));
	while (is_greeting(b));
	return b->len >= 0;
}

static void wait_readable(const struct bench *b)
{
	struct pollfd p[QUEUES];

	for (int i = 0; i < QUEUES; i++)
		p[i] = (struct pollfd){.fd = b->tuns[i].fd, .events = POLLIN};
	assert_in_range(poll(p, QUEUES, PATIENCE_MS), 1, QUEUES);
}

/* The queue at which one packet arrives, which is read into b. There is no other. */
static unsigned arrival(struct bench *b)
{
	unsigned queue = 0, packets = 0;
	ssize_t len = 0;

	while (packets == 0) {
		wait_readable(b);
		for (unsigned i = 0; i < QUEUES; i++) {
			for (; read_from(b, i); packets++) {
				queue = i;
				len = b->len;
			}
		}
	}
	assert_int_equal(packets, 1);
	b->len = len;
	return queue;
}

static void check_udp(struct bench *b, uint32_t addr_be, unsigned queue)
{
	for (uint16_t port = PORT; port < PORT + 3; port++) {
		send_to(b, addr_be, port, 100);
		assert_int_equal(arrival(b), queue);
		assert_int_equal(b->len, 128);
		assert_memory_equal(b->pkt + 16, &addr_be, 4);
	}
}

static void packets_arrive_at_the_queue_of_their_address(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < ADDRESSES; i++)
		assert_int_equal(steer_set(b->steer, address_be(i), i * 7 % QUEUES), 0);
	for (unsigned i = 0; i < ADDRESSES; i++)
		check_udp(b, address_be(i), i * 7 % QUEUES);
}

static void change_holds_for_the_next_packet(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 4 * QUEUES; i++) {
		unsigned queue = i * 3 % QUEUES;

		assert_int_equal(steer_set(b->steer, address_be(1), queue), 0);
		check_udp(b, address_be(1), queue);
	}
	steer_clear(b->steer, address_be(1));
	check_udp(b, address_be(1), 0);
}

static void address_that_was_not_set_is_queue_0(void **state)
{
	struct bench *b = *state;

	assert_int_equal(steer_set(b->steer, address_be(5), 3), 0);
	for (unsigned i = 0; i < 10; i++)
		check_udp(b, address_be(i), i == 5 ? 3 : 0);
	steer_clear(b->steer, address_be(6));
	check_udp(b, address_be(5), 3);
}

static void queue_is_taken_modulo_their_number(void **state)
{
	struct bench *b = *state;

	assert_int_equal(steer_set(b->steer, address_be(0), QUEUES + 2), 0);
	check_udp(b, address_be(0), 2);
	assert_int_equal(steer_set(b->steer, address_be(0), 0xffffffff), 0);
	check_udp(b, address_be(0), 3);
}

static void udp_super_packet_arrives_whole_at_its_queue(void **state)
{
	struct bench *b = *state;
	int size = 1000;

	assert_int_equal(setsockopt(b->udp, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
	for (unsigned queue = 0; queue < QUEUES; queue++) {
		assert_int_equal(steer_set(b->steer, address_be(9), queue), 0);
		send_to(b, address_be(9), PORT, 20000);
		assert_int_equal(arrival(b), queue);
		assert_int_equal(b->header.gso_type, VIRTIO_NET_HDR_GSO_UDP_L4);
		assert_int_equal(b->len, 20028);
	}
}

static void tcp_super_packet_arrives_whole_at_its_queue(void **state)
{
	static const struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 40,
		.gso_size = 1000,
		.csum_start = 20,
		.csum_offset = 16,
	};
	struct bench *b = *state;
	struct packet p = packet_plain(4, IPPROTO_TCP); /* to 10.9.0.1 */
	static uint8_t pkt[65535];
	size_t len;

	p.payload_len = 60000;
	len = packet_put(&p, pkt);
	for (unsigned queue = 0; queue < QUEUES; queue++) {
		assert_int_equal(steer_set(b->steer, inet_addr("10.9.0.1"), queue), 0);
		inject(b, &h, pkt, len);
		assert_int_equal(arrival(b), queue);
		assert_int_equal(b->header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
		assert_int_equal(b->len, len);
	}
}

static void fragments_arrive_where_their_first_one_does(void **state)
{
	struct bench *b = *state;
	unsigned n = 0;

	assert_int_equal(steer_set(b->steer, address_be(3), 2), 0);
	send_to(b, address_be(3), PORT, 6000);
	for (unsigned queue = 0; queue < QUEUES; queue++)
		for (; read_from(b, queue); n++)
			assert_int_equal(queue, 2);
	assert_int_equal(n, 5); /* of 1376 bytes each */
}

static void icmp_arrives_where_udp_does(void **state)
{
	struct bench *b = *state;
	struct packet p = packet_plain(4, IPPROTO_ICMP);
	uint8_t pkt[256];
	size_t len = packet_put(&p, pkt);

	assert_int_equal(steer_set(b->steer, inet_addr("10.9.0.1"), 1), 0);
	inject(b, NULL, pkt, len);
	assert_int_equal(arrival(b), 1);
	assert_int_equal(b->len, len);
}

static void ipv6_arrives_at_the_queue_of_its_network(void **state)
{
	struct bench *b = *state;
	struct packet p = packet_plain(6, IPPROTO_UDP);
	uint8_t pkt[256];
	size_t len = packet_put(&p, pkt);
	uint8_t network[8];

	memcpy(network, pkt + 24, sizeof(network));
	for (unsigned queue = 0; queue < QUEUES; queue++) {
		assert_int_equal(steer_set6(b->steer, network, queue), 0);
		for (uint8_t host = 0; host < 3; host++) {
			pkt[39] = host;
			inject(b, NULL, pkt, len);
			assert_int_equal(arrival(b), queue);
			assert_int_equal(b->len, len);
		}
	}
	network[7] ^= 1;
	steer_clear6(b->steer, network);
	inject(b, NULL, pkt, len);
	assert_int_equal(arrival(b), 3);
	pkt[31] ^= 1; /* its neighbour */
	inject(b, NULL, pkt, len);
	assert_int_equal(arrival(b), 0);
	pkt[31] ^= 1;
	network[7] ^= 1;
	steer_clear6(b->steer, network);
	inject(b, NULL, pkt, len);
	assert_int_equal(arrival(b), 0);
}

/* Its bytes 16 to 19 are those of a known IPv4 address. */
static void ipv6_that_nobody_has_arrives_at_queue_0(void **state)
{
	struct bench *b = *state;
	struct packet p = packet_plain(6, IPPROTO_UDP);
	uint8_t pkt[256];
	size_t len = packet_put(&p, pkt);
	uint32_t looks_like;

	memcpy(&looks_like, pkt + 16, 4);
	assert_int_equal(steer_set(b->steer, looks_like, 3), 0);
	inject(b, NULL, pkt, len);
	assert_int_equal(arrival(b), 0);
	assert_int_equal(b->len, len);
	/* whereas these bytes behind a 4 are that address */
	pkt[0] = 0x45;
	inject(b, NULL, pkt, len);
	assert_int_equal(arrival(b), 3);
}

static void packet_that_is_cut_short_arrives_at_queue_0(void **state)
{
	struct bench *b = *state;
	struct packet p = packet_plain(4, IPPROTO_UDP);
	uint8_t pkt[256];

	packet_put(&p, pkt);
	assert_int_equal(steer_set(b->steer, inet_addr("10.9.0.1"), 3), 0);
	for (size_t len = 1; len <= 24; len++) {
		inject(b, NULL, pkt, len);
		assert_int_equal(arrival(b), len < 20 ? 0 : 3);
		assert_int_equal(b->len, len);
	}
}

static void addresses_have_their_limit(void **state)
{
	struct bench *b = *state;
	struct steer *s;

	steer_free(b->steer);
	b->steer = NULL;
	assert_int_equal(steer_new(&b->tuns[1], 2, &s), 0);
	b->steer = s;
	assert_int_equal(steer_set(s, address_be(0), 1), 0);
	assert_int_equal(steer_set(s, address_be(1), 2), 0);
	assert_int_equal(steer_set(s, address_be(2), 3), -E2BIG);
	check_udp(b, address_be(2), 0);
	assert_int_equal(steer_set(s, address_be(1), 3), 0);
	check_udp(b, address_be(1), 3);
	steer_clear(s, address_be(0));
	assert_int_equal(steer_set(s, address_be(2), 2), 0);
	check_udp(b, address_be(2), 2);
}

/* The kernel's own choice is by flow: some flow to the same address comes out elsewhere. */
static void without_steering_the_kernel_chooses_again(void **state)
{
	struct bench *b = *state;
	unsigned elsewhere = 0;

	assert_int_equal(steer_set(b->steer, address_be(0), 1), 0);
	steer_free(b->steer);
	b->steer = NULL;
	for (uint16_t port = PORT; port < PORT + 100; port++) {
		send_to(b, address_be(0), port, 100);
		elsewhere += arrival(b) != 1;
	}
	assert_in_range(elsewhere, 1, 100);
	steer_free(NULL);
}

static void device_is_steered_on_by_who_adopts_the_map(void **state)
{
	struct bench *b = *state;
	int map = dup(steer_map(b->steer));
	struct steer *adopted;

	assert_int_equal(steer_set(b->steer, address_be(0), 1), 0);
	steer_leave(b->steer);
	b->steer = NULL;
	assert_int_equal(steer_adopt(&b->tuns[0], map, &adopted), 0);
	b->steer = adopted;
	check_udp(b, address_be(0), 1);
	assert_int_equal(steer_set(adopted, address_be(0), 3), 0);
	check_udp(b, address_be(0), 3);
	steer_leave(NULL);
}

static void what_cannot_be_steered_is_refused_and_changes_nothing(void **state)
{
	struct bench *b = *state;
	struct tun closed = {.fd = -1};
	struct steer *s = NULL;

	assert_int_equal(steer_set(b->steer, address_be(0), 1), 0);
	assert_int_equal(steer_new(&b->tuns[0], 0, &s), -EINVAL);
	assert_int_equal(steer_new(&closed, 1, &s), -EBADF);
	assert_null(s);
	check_udp(b, address_be(0), 1);
}

/* Why queues are closed together: else two threads get packets of addresses they do not own. */
static void B16_closed_queue_gives_its_number_to_the_last(void **state)
{
	struct bench *b = *state;

	assert_int_equal(steer_set(b->steer, address_be(1), 1), 0);
	assert_int_equal(steer_set(b->steer, address_be(3), 3), 0);
	tun_close(&b->tuns[1]);
	check_udp(b, address_be(1), 3);
	check_udp(b, address_be(3), 0); /* modulo 3 */
}

static bool is_bpf_for_everybody(void)
{
	FILE *f = fopen("/proc/sys/kernel/unprivileged_bpf_disabled", "re");
	int c = f ? fgetc(f) : '1';

	if (f)
		fclose(f);
	return c == '0';
}

static int steer_without_privilege(void *arg)
{
	struct steer *s;

	if (setresuid(65534, 65534, 65534) < 0)
		return -1;
	return steer_new(arg, ADDRESSES_MAX, &s);
}

static void without_privilege_steering_is_refused(void **state)
{
	struct bench *b = *state;
	int status = scene_child(steer_without_privilege, &b->tuns[0]);

	assert_int_equal(WEXITSTATUS(status), is_bpf_for_everybody() ? 0 : EPERM);
}

static int set_without_privilege(void *arg)
{
	if (setresuid(65534, 65534, 65534) < 0)
		return -1;
	return steer_set(arg, address_be(0), 3);
}

/* Threads that carry packets have no capabilities after their start. */
static void what_was_made_needs_no_privilege_to_be_used(void **state)
{
	struct bench *b = *state;
	int status = scene_child(set_without_privilege, b->steer);

	assert_int_equal(WEXITSTATUS(status), 0);
	check_udp(b, address_be(0), 3);
}

struct worker {
	pthread_t thread;
	struct bench *bench;
	unsigned number;
};

static unsigned final_queue(unsigned i)
{
	return i * 5 % QUEUES;
}

/* Sets and clears every THREADSth address many times; at last it is set for good. */
static void *change_many(void *arg)
{
	const struct worker *w = arg;
	struct steer *s = w->bench->steer;
	intptr_t errors = 0;

	for (unsigned round = 0; round < 500; round++) {
		for (unsigned i = w->number; i < ADDRESSES; i += THREADS) {
			errors += steer_set(s, address_be(i), round % QUEUES) != 0;
			steer_clear(s, address_be(i));
			errors += steer_set(s, address_be(i), final_queue(i)) != 0;
		}
	}
	return (void *)errors;
}

static void threads_change_addresses_side_by_side(void **state)
{
	struct bench *b = *state;
	struct worker workers[THREADS];
	void *errors;

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.bench = b, .number = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, change_many, &workers[i]),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, &errors), 0);
		assert_int_equal((intptr_t)errors, 0);
	}
	for (unsigned i = 0; i < ADDRESSES; i++)
		check_udp(b, address_be(i), final_queue(i));
}

#define PROGRAM_TEST(f) cmocka_unit_test_setup_teardown(f, program_set_up, program_tear_down)
#define STEER_TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROGRAM_TEST(program_finds_the_destination_and_only_that),
		PROGRAM_TEST(program_that_the_verifier_refuses_is_einval),
		PROGRAM_TEST(signals_do_not_keep_a_program_from_being_loaded),
		STEER_TEST(packets_arrive_at_the_queue_of_their_address),
		STEER_TEST(change_holds_for_the_next_packet),
		STEER_TEST(address_that_was_not_set_is_queue_0),
		STEER_TEST(queue_is_taken_modulo_their_number),
		STEER_TEST(udp_super_packet_arrives_whole_at_its_queue),
		STEER_TEST(tcp_super_packet_arrives_whole_at_its_queue),
		STEER_TEST(fragments_arrive_where_their_first_one_does),
		STEER_TEST(icmp_arrives_where_udp_does),
		STEER_TEST(ipv6_arrives_at_the_queue_of_its_network),
		STEER_TEST(ipv6_that_nobody_has_arrives_at_queue_0),
		STEER_TEST(packet_that_is_cut_short_arrives_at_queue_0),
		STEER_TEST(addresses_have_their_limit),
		STEER_TEST(without_steering_the_kernel_chooses_again),
		STEER_TEST(device_is_steered_on_by_who_adopts_the_map),
		STEER_TEST(what_cannot_be_steered_is_refused_and_changes_nothing),
		STEER_TEST(B16_closed_queue_gives_its_number_to_the_last),
		STEER_TEST(without_privilege_steering_is_refused),
		STEER_TEST(what_was_made_needs_no_privilege_to_be_used),
		STEER_TEST(threads_change_addresses_side_by_side),
	};

	return cmocka_run_group_tests_name("tun/steer", tests, NULL, NULL);
}
