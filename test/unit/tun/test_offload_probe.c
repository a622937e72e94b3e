/* SPDX-License-Identifier: Apache-2.0 */
/* Bug 2 of those that others had: nobody asked the kernel before it mattered. */
#include "tun/offload_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/packet.h"
#include "test/unit/tun/scene.h"
#include "tun/netns.h"
#include "tun/offload_split.h"

enum {
	EVERYTHING = TUN_OFFLOAD_ALL | TUN_OFFLOAD_HEADER,
	BOTH = TUN_OFFLOAD_TCP_MERGE | TUN_OFFLOAD_UDP_MERGE,
	MTU = 1400,
};

/* ---- a device that says what it is told to ---- */

struct device {
	int tcp_error;
	int udp_error;
	int tcp_writes;
	int udp_writes;
};

/* A super-packet as the kernel would take it: it splits into two valid packets that die here. */
static void check_probe(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len)
{
	struct offload_split s;
	uint8_t segment[MTU];
	int n = 0;

	assert_int_equal(h->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	/* what those kernels always refuse */
	assert_in_range(h->gso_size, 1, packet_payload_at(pkt) - 1);
	assert_int_equal(offload_split_begin(&s, h, pkt, len, MTU), 0);
	for (size_t size; (size = offload_split_next_len(&s)) > 0; n++) {
		offload_split_next(&s, segment);
		assert_true(packet_is_valid(segment, size));
		assert_int_equal(segment[8], 0); /* TTL */
		assert_int_equal(packet_be32(segment + 12), INADDR_LOOPBACK);
		assert_int_equal(packet_be32(segment + 16), INADDR_ANY);
	}
	assert_int_equal(n, 2);
}

static int device_take(struct device *d, const struct iovec *iov, int n)
{
	uint8_t bytes[TUN_HEADER_LEN + 256];
	struct virtio_net_hdr h;
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		assert_in_range(iov[i].iov_len, 0, sizeof(bytes) - len);
		memcpy(bytes + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	memcpy(&h, bytes, sizeof(h));
	check_probe(&h, bytes + sizeof(h), len - sizeof(h));
	if (h.gso_type == VIRTIO_NET_HDR_GSO_UDP_L4) {
		d->udp_writes++;
		return d->udp_error;
	}
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	d->tcp_writes++;
	return d->tcp_error;
}

static void device_write(void *arg, struct tun_out *packets, unsigned n)
{
	assert_int_equal(n, 1);
	packets->result = device_take(arg, packets->iov, packets->n);
}

static void B02_what_the_kernel_calls_invalid_is_refused_and_nothing_else(void **state)
{
	static const struct {
		int tcp_error;
		int udp_error;
		unsigned refused;
	} cases[] = {
		{0, 0, 0},
		{-EINVAL, 0, TUN_OFFLOAD_TCP_MERGE},
		{0, -EINVAL, TUN_OFFLOAD_UDP_MERGE},
		{-EINVAL, -EINVAL, BOTH},
		{-EIO, -EIO, 0},
		{-EAGAIN, -ENOMEM, 0},
		{-EPERM, -EINVAL, TUN_OFFLOAD_UDP_MERGE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct device d = {cases[i].tcp_error, cases[i].udp_error, 0, 0};

		assert_int_equal(offload_probe(EVERYTHING, device_write, &d), cases[i].refused);
		assert_int_equal(d.tcp_writes, 1);
		assert_int_equal(d.udp_writes, 1);
	}
}

static void B02_what_is_switched_off_is_not_tried(void **state)
{
	struct device d = {-EINVAL, -EINVAL, 0, 0};

	assert_int_equal(offload_probe(EVERYTHING & ~BOTH, device_write, &d), 0);
	assert_int_equal(offload_probe(0, device_write, &d), 0);
	assert_int_equal(d.tcp_writes + d.udp_writes, 0);
	assert_int_equal(offload_probe(EVERYTHING & ~TUN_OFFLOAD_UDP_MERGE, device_write, &d),
			 TUN_OFFLOAD_TCP_MERGE);
	assert_int_equal(d.udp_writes, 0);
	assert_int_equal(offload_probe(EVERYTHING & ~TUN_OFFLOAD_TCP_MERGE, device_write, &d),
			 TUN_OFFLOAD_UDP_MERGE);
	assert_int_equal(d.tcp_writes, 1);
}

/* ---- real devices ---- */

static void open_with(struct scene *s, unsigned wanted)
{
	tun_close(&s->tun);
	assert_int_equal(tun_open_offload("tun0", s->netns, wanted, &s->tun), 0);
}

static void B02_this_kernel_takes_both(void **state)
{
	struct scene *s = *state;

	open_with(s, TUN_OFFLOAD_ALL);
	scene_tun_ready(s);
	assert_int_equal(offload_probe_device(&s->tun, 1), 0);
	assert_int_equal(s->tun.offload, EVERYTHING);
}

static void B02_nothing_is_learnt_while_the_link_is_down(void **state)
{
	struct scene *s = *state;

	open_with(s, TUN_OFFLOAD_ALL);
	assert_int_equal(offload_probe_device(&s->tun, 1), 0);
	assert_int_equal(s->tun.offload, EVERYTHING);
}

/* A device without the header sees one in front of a packet as what it is there: no packet. */
static void B02_refusal_reaches_every_queue(void **state)
{
	struct scene *s = *state;
	struct tun tuns[3];

	tun_close(&s->tun);
	assert_int_equal(tun_open_queues("tun0", s->netns, 0, 3, tuns), 0);
	s->tun = tuns[0];
	scene_tun_ready(s);
	for (int i = 0; i < 3; i++)
		tuns[i].offload = EVERYTHING;
	assert_int_equal(offload_probe_device(tuns, 3), BOTH);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tuns[i].offload, EVERYTHING & ~BOTH);
	tun_close(&tuns[1]);
	tun_close(&tuns[2]);
}

static int forward_here(void *arg)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, "1", 1);

	close(fd);
	return n == 1 ? 0 : -EIO;
}

/* A router: tun0 is on one side, everything else is behind tun1. */
static struct tun make_router(struct scene *s)
{
	struct rtnl_route all = {.kind = RTNL_ROUTE_DEVICE};
	struct tun out;

	open_with(s, TUN_OFFLOAD_ALL);
	scene_tun_ready(s);
	assert_int_equal(tun_open("tun1", s->netns, &out), 0);
	assert_int_equal(rtnl_link_up(s->rtnl, out.ifindex, MTU), 0);
	assert_int_equal(prefix_parse("0.0.0.0/0", &all.dst), 0);
	all.ifindex = out.ifindex;
	assert_int_equal(rtnl_route_add(s->rtnl, &all), 0);
	assert_int_equal(netns_call(s->netns, forward_here, NULL), 0);
	return out;
}

static int count_packets(const struct tun *t)
{
	uint8_t buf[TUN_HEADER_LEN + 2048];
	int n = 0;

	while (tun_read(t, buf, sizeof(buf)) >= 0)
		n++;
	return n;
}

static void B02_no_probe_leaves_the_machine_nor_an_answer(void **state)
{
	struct scene *s = *state;
	struct tun out = make_router(s);
	struct packet p = packet_plain(4, IPPROTO_UDP);
	uint8_t pkt[256];
	size_t len = packet_put(&p, pkt);

	count_packets(&out);
	count_packets(&s->tun);
	assert_int_equal(offload_probe_device(&s->tun, 1), 0);
	assert_int_equal(count_packets(&out), 0);
	assert_int_equal(count_packets(&s->tun), 0);
	/* whereas another packet goes through, and one with TTL 1 has an answer */
	memcpy(pkt + 16, (uint8_t[]){192, 0, 2, 1}, 4);
	packet_fix_checksums(pkt, len);
	assert_int_equal(tun_write(&s->tun, pkt, len), 0);
	assert_int_equal(count_packets(&out), 1);
	pkt[8] = 1;
	packet_fix_checksums(pkt, len);
	assert_int_equal(tun_write(&s->tun, pkt, len), 0);
	assert_int_equal(count_packets(&out), 0);
	assert_int_equal(count_packets(&s->tun), 1);
	tun_close(&out);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(B02_what_the_kernel_calls_invalid_is_refused_and_nothing_else),
		cmocka_unit_test(B02_what_is_switched_off_is_not_tried),
		SCENE_TEST(B02_this_kernel_takes_both),
		SCENE_TEST(B02_nothing_is_learnt_while_the_link_is_down),
		SCENE_TEST(B02_refusal_reaches_every_queue),
		SCENE_TEST(B02_no_probe_leaves_the_machine_nor_an_answer),
	};

	return cmocka_run_group_tests_name("tun/offload_probe", tests, NULL, NULL);
}
