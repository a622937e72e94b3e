/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/unit/tun/scene.h"
#include "tun/ip.h"
#include "tun/netns.h"

enum {
	PATIENCE_MS = 2000, /* only a failing test waits that long */
	PORT = 7000,
	UDP_HEADER = 8,
	IPV4_HEADER = 20,
};

static int index_here(void *arg)
{
	return (int)if_nametoindex(arg);
}

static int index_of(const struct scene *s, const char *name)
{
	return netns_call(s->netns, index_here, (void *)name);
}

static void device_exists_while_it_is_open(void **state)
{
	struct scene *s = *state;
	struct tun t;

	assert_int_equal(index_of(s, "vpn"), 0);
	assert_int_equal(tun_open("vpn", s->netns, &t), 0);
	assert_string_equal(t.name, "vpn");
	assert_int_equal(index_of(s, "vpn"), t.ifindex);
	assert_int_not_equal(t.ifindex, 0);
	tun_close(&t);
	assert_int_equal(index_of(s, "vpn"), 0);
	tun_close(&t);
}

static void device_is_in_its_namespace_only(void **state)
{
	struct scene *s = *state;
	struct tun t;

	assert_int_equal(tun_open("onlythere", s->netns, &t), 0);
	assert_int_equal(if_nametoindex("onlythere"), 0);
	tun_close(&t);
}

static void kernel_picks_the_number(void **state)
{
	struct scene *s = *state;
	struct tun a, b;

	assert_int_equal(tun_open("tun%d", s->netns, &a), 0);
	assert_int_equal(tun_open("tun%d", s->netns, &b), 0);
	assert_string_equal(a.name, "tun1");
	assert_string_equal(b.name, "tun2");
	tun_close(&a);
	tun_close(&b);
}

static void descriptor_never_blocks_nor_is_inherited(void **state)
{
	struct scene *s = *state;

	assert_int_equal(fcntl(s->tun.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(s->tun.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static int make_persistent(void *arg)
{
	struct ifreq ifr = {.ifr_name = "left", .ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int error = ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;

	close(fd);
	return error;
}

static void name_that_is_taken_is_busy(void **state)
{
	struct scene *s = *state;
	struct tun t = {.fd = -7};

	assert_int_equal(tun_open("tun0", s->netns, &t), -EBUSY);
	assert_int_equal(tun_open("lo", s->netns, &t), -EBUSY);
	assert_int_equal(netns_call(s->netns, make_persistent, NULL), 0);
	assert_int_equal(tun_open("left", s->netns, &t), -EBUSY);
	assert_int_equal(t.fd, -7);
}

static void wrong_names_are_refused(void **state)
{
	static const char *const wrong[] = {"",
					    ".",
					    "..",
					    "a/b",
					    "a b",
					    "a:b",
					    "tun%s",
					    "tun%d%d",
					    "%",
					    "a\n",
					    "sixteen-letters-",
					    "far-too-long-a-name"};
	struct scene *s = *state;
	struct tun t = {.fd = -7};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int error = tun_open(wrong[i], s->netns, &t);

		if (error != -EINVAL)
			fail_msg("\"%s\": %d", wrong[i], error);
	}
	assert_int_equal(t.fd, -7);
	assert_int_equal(tun_open("fifteen-letters", s->netns, &t), 0);
	tun_close(&t);
}

static int open_without_privilege(void *arg)
{
	struct tun t;

	if (setresuid(65534, 65534, 65534) < 0)
		return -errno;
	return tun_open("vpn", -1, &t);
}

static int open_without_device(void *arg)
{
	struct tun t;

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/dev/net", "tmpfs", 0, NULL) < 0)
		return -EXDEV;
	return tun_open("vpn", -1, &t);
}

static void what_is_missing_has_its_error(void **state)
{
	assert_int_equal(WEXITSTATUS(scene_child(open_without_privilege, NULL)), EPERM);
	assert_int_equal(WEXITSTATUS(scene_child(open_without_device, NULL)), ENOENT);
}

static void no_packet_is_eagain(void **state)
{
	struct scene *s = *state;
	uint8_t buf[64];

	assert_int_equal(tun_read(&s->tun, buf, sizeof(buf)), -EAGAIN);
}

/* A UDP packet from 10.9.0.2 to 10.9.0.1, without UDP checksum. Returns its length. */
static size_t udp_packet(uint8_t *pkt, const char *payload)
{
	size_t headers = hex_decode("45000000 00010000 40110000 0a090002 0a090001"
				    "1b581b58 00000000",
				    pkt, IPV4_HEADER + UDP_HEADER);
	size_t total = headers + strlen(payload);
	uint16_t sum;

	memcpy(pkt + headers, payload, strlen(payload));
	pkt[3] = (uint8_t)total;
	pkt[IPV4_HEADER + 5] = (uint8_t)(total - IPV4_HEADER);
	sum = (uint16_t)~ip_checksum(pkt, IPV4_HEADER, 0);
	pkt[10] = (uint8_t)(sum >> 8);
	pkt[11] = (uint8_t)sum;
	return total;
}

static void written_packet_reaches_a_socket(void **state)
{
	struct scene *s = *state;
	uint8_t pkt[128];
	char got[32] = "";
	size_t len = udp_packet(pkt, "into the network");
	int fd;

	scene_tun_ready(s);
	fd = scene_udp(s, "10.9.0.1", NULL, PORT);
	assert_int_equal(tun_write(&s->tun, pkt, len), 0);
	poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_MS);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 16);
	assert_string_equal(got, "into the network");
	close(fd);
}

/* The next IPv4 packet: IPv6 greets every new link with packets of its own. */
static ssize_t next_ipv4(const struct tun *t, uint8_t *buf, size_t size)
{
	ssize_t n;

	do {
		poll(&(struct pollfd){.fd = t->fd, .events = POLLIN}, 1, PATIENCE_MS);
		n = tun_read(t, buf, size);
	} while (n > 0 && buf[0] >> 4 != 4);
	return n;
}

static void sent_datagram_is_read_as_one_packet(void **state)
{
	struct scene *s = *state;
	struct ip_info info;
	uint8_t pkt[2048];
	ssize_t len;
	int fd;

	scene_tun_ready(s);
	fd = scene_udp(s, NULL, "10.9.0.77", PORT);
	assert_int_equal(send(fd, "out of the network", 18, 0), 18);
	len = next_ipv4(&s->tun, pkt, sizeof(pkt));
	assert_int_equal(len, IPV4_HEADER + UDP_HEADER + 18);
	assert_int_equal(ip_parse(pkt, (size_t)len, &info), 0);
	assert_int_equal(info.total_len, len);
	assert_int_equal(info.protocol, IPPROTO_UDP);
	assert_int_equal(info.src_be, inet_addr("10.9.0.1"));
	assert_int_equal(info.dst_be, inet_addr("10.9.0.77"));
	assert_memory_equal(pkt + IPV4_HEADER + UDP_HEADER, "out of the network", 18);
	assert_int_equal(ip_checksum(pkt, IPV4_HEADER, 0), 0xffff);
	close(fd);
}

static void packet_that_was_cut_does_not_parse(void **state)
{
	struct scene *s = *state;
	struct ip_info info;
	uint8_t pkt[40];
	ssize_t len;
	int fd;

	scene_tun_ready(s);
	fd = scene_udp(s, NULL, "10.9.0.77", PORT);
	assert_int_equal(send(fd, "longer than what is left", 24, 0), 24);
	len = next_ipv4(&s->tun, pkt, sizeof(pkt));
	assert_int_equal(len, sizeof(pkt));
	assert_int_equal(ip_parse(pkt, (size_t)len, &info), -EBADMSG);
	close(fd);
}

static void write_while_the_link_is_down_is_eio(void **state)
{
	struct scene *s = *state;
	uint8_t pkt[128];
	size_t len = udp_packet(pkt, "too early");

	assert_int_equal(tun_write(&s->tun, pkt, len), -EIO);
}

static void what_is_no_ip_packet_is_refused(void **state)
{
	struct scene *s = *state;
	uint8_t pkt[128];
	size_t len = udp_packet(pkt, "version five");

	scene_tun_ready(s);
	pkt[0] = 0x55;
	assert_int_equal(tun_write(&s->tun, pkt, len), -EINVAL);
	assert_int_equal(tun_write(&s->tun, pkt, 0), -EINVAL);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(device_exists_while_it_is_open),
		SCENE_TEST(device_is_in_its_namespace_only),
		SCENE_TEST(kernel_picks_the_number),
		SCENE_TEST(descriptor_never_blocks_nor_is_inherited),
		SCENE_TEST(name_that_is_taken_is_busy),
		SCENE_TEST(wrong_names_are_refused),
		cmocka_unit_test(what_is_missing_has_its_error),
		SCENE_TEST(no_packet_is_eagain),
		SCENE_TEST(written_packet_reaches_a_socket),
		SCENE_TEST(sent_datagram_is_read_as_one_packet),
		SCENE_TEST(packet_that_was_cut_does_not_parse),
		SCENE_TEST(write_while_the_link_is_down_is_eio),
		SCENE_TEST(what_is_no_ip_packet_is_refused),
	};

	return cmocka_run_group_tests_name("tun/tun", tests, NULL, NULL);
}
