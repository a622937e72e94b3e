/* SPDX-License-Identifier: Apache-2.0 */
/* Several queues of one device, and what they share. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/packet.h"
#include "test/unit/tun/scene.h"
#include "tun/netns.h"
#include "tun/offload_packet.h"
#include "tun/tun.h"

enum {
	QUEUES = 4,
	PATIENCE_MS = 2000, /* only a failing test waits that long */
	PORT = 7000,
	FLOWS = 200,
	SEGMENT = 500,
	SEGMENTS = 10,
};

static int index_here(void *arg)
{
	return (int)if_nametoindex(arg);
}

static int index_of(const struct scene *s, const char *name)
{
	return netns_call(s->netns, index_here, (void *)name);
}

static struct ifreq describe(const struct tun *t)
{
	struct ifreq ifr = {.ifr_flags = 0};

	assert_int_equal(ioctl(t->fd, TUNGETIFF, &ifr), 0);
	return ifr;
}

static int queue_len_here(void *arg)
{
	struct ifreq ifr = {.ifr_flags = 0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int len;

	strcpy(ifr.ifr_name, arg);
	len = ioctl(fd, SIOCGIFTXQLEN, &ifr) < 0 ? -errno : ifr.ifr_qlen;
	close(fd);
	return len;
}

static void close_all(struct tun *tuns, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		tun_close(&tuns[i]);
}

static void queues_are_of_one_device(void **state)
{
	struct scene *s = *state;
	struct tun tuns[QUEUES];

	assert_int_equal(tun_open_queues("vpn", s->netns, TUN_OFFLOAD_ALL, QUEUES, tuns), 0);
	for (unsigned i = 0; i < QUEUES; i++) {
		struct ifreq ifr = describe(&tuns[i]);

		assert_string_equal(ifr.ifr_name, "vpn");
		assert_int_equal(ifr.ifr_flags & (IFF_MULTI_QUEUE | IFF_VNET_HDR),
				 IFF_MULTI_QUEUE | IFF_VNET_HDR);
		assert_string_equal(tuns[i].name, "vpn");
		assert_int_equal(tuns[i].ifindex, index_of(s, "vpn"));
		assert_int_equal(tuns[i].offload, TUN_OFFLOAD_ALL | TUN_OFFLOAD_HEADER);
		assert_int_equal(fcntl(tuns[i].fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		assert_int_equal(fcntl(tuns[i].fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(tuns[i].fd, tuns[j].fd);
	}
	assert_int_equal(netns_call(s->netns, queue_len_here, (void *)"vpn"), TUN_QUEUE_LEN);
	close_all(tuns, QUEUES);
}

static void device_exists_until_its_last_queue_is_closed(void **state)
{
	struct scene *s = *state;
	struct tun tuns[QUEUES];

	assert_int_equal(tun_open_queues("vpn", s->netns, 0, QUEUES, tuns), 0);
	for (unsigned i = 0; i < QUEUES; i++) {
		assert_int_equal(index_of(s, "vpn"), tuns[i].ifindex);
		tun_close(&tuns[i]);
	}
	assert_int_equal(index_of(s, "vpn"), 0);
}

static void one_queue_is_a_device_that_nobody_can_join(void **state)
{
	struct scene *s = *state;
	struct tun one, other = {.fd = -7};

	assert_int_equal(tun_open_queues("vpn", s->netns, TUN_OFFLOAD_ALL, 1, &one), 0);
	assert_int_equal(describe(&one).ifr_flags & IFF_MULTI_QUEUE, 0);
	assert_int_equal(tun_add_queue(&one, s->netns, &other), -ENODEV);
	assert_int_equal(other.fd, -7);
	tun_close(&one);
}

static void number_of_queues_has_its_limits(void **state)
{
	struct scene *s = *state;
	struct tun tuns[TUN_QUEUES_MAX] = {{.fd = -7}};

	assert_int_equal(tun_open_queues("vpn", s->netns, 0, 0, tuns), -EINVAL);
	assert_int_equal(tun_open_queues("vpn", s->netns, 0, TUN_QUEUES_MAX + 1, tuns), -EINVAL);
	assert_int_equal(tuns[0].fd, -7);
	assert_int_equal(index_of(s, "vpn"), 0);
	assert_int_equal(tun_open_queues("vpn", s->netns, 0, TUN_QUEUES_MAX, tuns), 0);
	assert_int_equal(tuns[TUN_QUEUES_MAX - 1].ifindex, index_of(s, "vpn"));
	close_all(tuns, TUN_QUEUES_MAX);
}

static void kernel_picks_one_number_for_all_queues(void **state)
{
	struct scene *s = *state;
	struct tun a[2], b[2];

	assert_int_equal(tun_open_queues("tun%d", s->netns, 0, 2, a), 0);
	assert_int_equal(tun_open_queues("tun%d", s->netns, 0, 2, b), 0);
	assert_string_equal(describe(&a[1]).ifr_name, "tun1");
	assert_string_equal(a[1].name, "tun1");
	assert_string_equal(describe(&b[1]).ifr_name, "tun2");
	assert_string_equal(b[1].name, "tun2");
	close_all(a, 2);
	close_all(b, 2);
}

static int make_persistent(void *arg)
{
	struct ifreq ifr = {.ifr_name = "left", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int error = ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;

	close(fd);
	return error;
}

static void device_of_somebody_else_is_not_joined(void **state)
{
	struct scene *s = *state;
	struct tun theirs[2], ours[2] = {{.fd = -7}};

	assert_int_equal(tun_open_queues("vpn", s->netns, 0, 2, theirs), 0);
	assert_int_equal(tun_open_queues("vpn", s->netns, 0, 2, ours), -EBUSY);
	assert_int_equal(netns_call(s->netns, make_persistent, NULL), 0);
	assert_int_equal(tun_open_queues("left", s->netns, 0, 2, ours), -EBUSY);
	assert_int_equal(tun_open_queues("lo", s->netns, 0, 2, ours), -EBUSY);
	assert_int_equal(ours[0].fd, -7);
	close_all(theirs, 2);
}

/* first is what was once a queue of a device "vpn". */
static void check_not_joined(const struct scene *s, const struct tun *first)
{
	struct tun t = {.fd = -7};
	int before = index_of(s, "vpn");

	assert_int_equal(tun_add_queue(first, s->netns, &t), -ENODEV);
	assert_int_equal(t.fd, -7);
	assert_int_equal(index_of(s, "vpn"), before);
}

static void queue_joins_no_other_device_of_that_name(void **state)
{
	struct scene *s = *state;
	struct tun ours[2], theirs[2], first;

	assert_int_equal(tun_open_queues("vpn", s->netns, 0, 2, ours), 0);
	first = ours[0];
	close_all(ours, 2);
	check_not_joined(s, &first);
	assert_int_equal(tun_open_queues("vpn", s->netns, 0, 2, theirs), 0);
	check_not_joined(s, &first);
	close_all(theirs, 2);
	assert_int_equal(tun_open_queues("vpn", s->netns, 0, 1, theirs), 0);
	check_not_joined(s, &first);
	tun_close(theirs);
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Has room for two more descriptors than are open: one of them is needed to come back home. */
static int open_too_many(void *arg)
{
	const struct scene *s = arg;
	struct tun tuns[QUEUES] = {{.fd = -7}};
	int before = count_descriptors();
	int next = dup(s->netns);

	close(next);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next + 3, (rlim_t)next + 3});
	if (tun_open_queues("vpn", s->netns, 0, QUEUES, tuns) != -EMFILE)
		return -1;
	if (count_descriptors() != before || tuns[0].fd != -7)
		return -2;
	return index_of(s, "vpn") ? -3 : 0;
}

static void failure_half_way_leaves_nothing(void **state)
{
	assert_int_equal(WEXITSTATUS(scene_child(open_too_many, *state)), 0);
}

/* ---- packets ---- */

static void open_ready(struct scene *s, unsigned wanted, struct tun tuns[QUEUES])
{
	tun_close(&s->tun);
	assert_int_equal(tun_open_queues("tun0", s->netns, wanted, QUEUES, tuns), 0);
	s->tun = tuns[0];
	scene_tun_ready(s);
}

static void close_ready(struct scene *s, struct tun tuns[QUEUES])
{
	s->tun.fd = -1;
	close_all(tuns, QUEUES);
}

/* Reads all that waits, which is UDP of this length with this gso_type. Returns how many. */
static unsigned drain(const struct tun *t, ssize_t len, uint8_t gso_type)
{
	static uint8_t pkt[TUN_PACKET_MAX];
	struct virtio_net_hdr h;
	unsigned n = 0;
	ssize_t got;

	while ((got = tun_read_super(t, &h, pkt, sizeof(pkt))) != -EAGAIN) {
		if (pkt[0] >> 4 == 6)
			continue; /* a new link is greeted */
		assert_int_equal(got, len);
		assert_int_equal(pkt[9], IPPROTO_UDP);
		assert_int_equal(h.gso_type, gso_type);
		n++;
	}
	return n;
}

static void send_segmented(const struct scene *s, uint16_t port)
{
	static const uint8_t payload[SEGMENT * SEGMENTS];
	int fd = scene_udp(s, NULL, "10.9.0.77", port);
	int size = SEGMENT;

	assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
	assert_int_equal(send(fd, payload, sizeof(payload), 0), sizeof(payload));
	close(fd);
}

/* The kernel spreads flows: as many as these reach every queue. Each packet is read as told. */
static void check_flows(const struct scene *s, const struct tun tuns[QUEUES], ssize_t len,
			uint8_t gso_type, unsigned packets)
{
	unsigned n[QUEUES] = {0}, total = 0;

	for (int flow = 0; flow < FLOWS; flow++) {
		send_segmented(s, (uint16_t)(PORT + flow));
		for (unsigned i = 0; i < QUEUES; i++)
			n[i] += drain(&tuns[i], len, gso_type);
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		assert_in_range(n[i], 1, packets);
		total += n[i];
	}
	assert_int_equal(total, packets);
}

static void every_queue_gives_super_packets_when_they_were_wanted(void **state)
{
	struct scene *s = *state;
	struct tun tuns[QUEUES];

	open_ready(s, TUN_OFFLOAD_ALL, tuns);
	for (unsigned i = 0; i < QUEUES; i++) {
		int size = 0;

		assert_int_equal(ioctl(tuns[i].fd, TUNGETVNETHDRSZ, &size), 0);
		assert_int_equal(size, TUN_HEADER_LEN);
	}
	check_flows(s, tuns, 28 + SEGMENT * SEGMENTS, VIRTIO_NET_HDR_GSO_UDP_L4, FLOWS);
	close_ready(s, tuns);
}

static void every_queue_gives_plain_packets_when_none_were_wanted(void **state)
{
	struct scene *s = *state;
	struct tun tuns[QUEUES];

	open_ready(s, 0, tuns);
	check_flows(s, tuns, 28 + SEGMENT, VIRTIO_NET_HDR_GSO_NONE, FLOWS * SEGMENTS);
	close_ready(s, tuns);
}

static void every_queue_takes_packets(void **state)
{
	struct scene *s = *state;
	struct packet p = packet_plain(4, IPPROTO_UDP);
	uint8_t pkt[2048];
	size_t len = packet_put(&p, pkt);
	struct tun tuns[QUEUES];
	int fd;

	open_ready(s, TUN_OFFLOAD_ALL, tuns);
	fd = scene_udp(s, "10.9.0.1", NULL, PORT);
	for (unsigned i = 0; i < QUEUES; i++) {
		uint8_t got[2048];

		assert_int_equal(tun_write(&tuns[i], pkt, len), 0);
		assert_int_equal(poll(&(struct pollfd){fd, POLLIN, 0}, 1, PATIENCE_MS), 1);
		assert_int_equal(recv(fd, got, sizeof(got), 0), p.payload_len);
	}
	close(fd);
	close_ready(s, tuns);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(queues_are_of_one_device),
		SCENE_TEST(device_exists_until_its_last_queue_is_closed),
		SCENE_TEST(one_queue_is_a_device_that_nobody_can_join),
		SCENE_TEST(number_of_queues_has_its_limits),
		SCENE_TEST(kernel_picks_one_number_for_all_queues),
		SCENE_TEST(device_of_somebody_else_is_not_joined),
		SCENE_TEST(queue_joins_no_other_device_of_that_name),
		SCENE_TEST(failure_half_way_leaves_nothing),
		SCENE_TEST(every_queue_gives_super_packets_when_they_were_wanted),
		SCENE_TEST(every_queue_gives_plain_packets_when_none_were_wanted),
		SCENE_TEST(every_queue_takes_packets),
	};

	return cmocka_run_group_tests_name("tun/tun_queues", tests, NULL, NULL);
}
