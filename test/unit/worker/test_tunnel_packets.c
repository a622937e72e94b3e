/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between the tunnel's sessions and the device, both of which the linker gives to this test. */
#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "sstp/worker/tunnel_internal.h"
#include "test/support/cmocka.h"
#include "tun/ip.h"

enum {
	IP_HEADER = 20,
	IPV6_HEADER = 40,
	PACKET_MAX = 64,
};

static struct traffic traffic;
static unsigned written, sent;
static const struct session *sent_by;
static bool has_ipv6[2];
static char places[2]; /* of the sessions */

struct traffic *__wrap_session_traffic(struct session *s);
struct traffic *__wrap_session_traffic(struct session *s)
{
	return &traffic;
}

int __wrap_session_send(struct session *s, const struct virtio_net_hdr *h, const uint8_t *pkt,
			size_t len, uint16_t mtu);
int __wrap_session_send(struct session *s, const struct virtio_net_hdr *h, const uint8_t *pkt,
			size_t len, uint16_t mtu)
{
	sent++;
	sent_by = s;
	return 0;
}

bool __wrap_session_has_ipv6(const struct session *s);
bool __wrap_session_has_ipv6(const struct session *s)
{
	return has_ipv6[s == (const void *)&places[1]];
}

void __wrap_port_write(struct port *p, const uint8_t *pkt, size_t len);
void __wrap_port_write(struct port *p, const uint8_t *pkt, size_t len)
{
	written++;
}

unsigned __wrap_port_flush(struct port *p);
unsigned __wrap_port_flush(struct port *p)
{
	return 3;
}

/* A tunnel whose session has 172.16.77.2. */
static struct tunnel tunnel;

static int set_up(void **state)
{
	traffic = (struct traffic){0};
	written = sent = 0;
	has_ipv6[0] = has_ipv6[1] = true;
	tunnel = (struct tunnel){.params.mtu = 1400, .port = (struct port *)&places[0]};
	tunnel.current = &tunnel.legs[0];
	tunnel.legs[0] = (struct leg){
		.tunnel = &tunnel,
		.session = (struct session *)&places[0],
		.address_be = inet_addr("172.16.77.2"),
	};
	return 0;
}

/* An IPv4 packet without content. */
static size_t packet(uint8_t pkt[PACKET_MAX], const char *src, const char *dst)
{
	const uint32_t src_be = inet_addr(src), dst_be = inet_addr(dst);
	uint16_t sum;

	memset(pkt, 0, PACKET_MAX);
	memcpy(pkt, (uint8_t[]){0x45, 0, 0, IP_HEADER, 0, 1, 0, 0, 64, IPPROTO_UDP}, 10);
	memcpy(pkt + 12, &src_be, 4);
	memcpy(pkt + 16, &dst_be, 4);
	sum = htons((uint16_t)~ip_checksum(pkt, IP_HEADER, 0));
	memcpy(pkt + 10, &sum, 2);
	return IP_HEADER;
}

static void from_gateway(const char *src, const char *dst)
{
	uint8_t pkt[PACKET_MAX];

	tunnel_on_packet(&tunnel.legs[0], pkt, packet(pkt, src, dst));
}

static void from_app(const char *src, const char *dst)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[PACKET_MAX];

	tunnel_on_device_packet(&tunnel, &plain, pkt, packet(pkt, src, dst));
}

static void X51_packet_for_the_app_alone_comes_in(void **state)
{
	from_gateway("10.20.0.2", "172.16.77.2");
	assert_int_equal(written, 1);
	assert_int_equal(traffic.rx_packets, 1);
	from_gateway("10.20.0.2", "172.16.77.3");
	from_gateway("10.20.0.2", "127.0.0.1");
	from_gateway("10.20.0.2", "255.255.255.255");
	assert_int_equal(written, 1);
	assert_int_equal(traffic.rx_packets, 1);
	assert_int_equal(traffic.drops[DROP_DESTINATION], 3);
}

static void X51_session_that_is_not_up_brings_nothing_in(void **state)
{
	tunnel.legs[0].address_be = 0;
	from_gateway("10.20.0.2", "172.16.77.2");
	assert_int_equal(written, 0);
	assert_int_equal(traffic.drops[DROP_DESTINATION], 1);
}

static void packet_that_is_none_is_counted(void **state)
{
	uint8_t junk[PACKET_MAX] = {0};
	static const struct virtio_net_hdr plain;

	tunnel_on_packet(&tunnel.legs[0], junk, sizeof(junk));
	assert_int_equal(traffic.drops[DROP_MALFORMED], 1);
	tunnel_on_device_packet(&tunnel, &plain, junk, sizeof(junk));
	assert_int_equal(traffic.drops[DROP_MALFORMED] + traffic.drops[DROP_PROTOCOL], 2);
	assert_int_equal(written + sent, 0);
}

static void packet_without_a_device_is_dropped(void **state)
{
	tunnel.port = NULL;
	from_gateway("10.20.0.2", "172.16.77.2");
	assert_int_equal(written, 0);
	assert_int_equal(traffic.drops[DROP_DEVICE], 1);
}

static void what_the_device_refuses_is_counted(void **state)
{
	tunnel_on_burst_end(&tunnel.legs[0]);
	assert_int_equal(traffic.drops[DROP_DEVICE], 3);
}

static void only_the_apps_own_address_goes_out(void **state)
{
	from_app("172.16.77.2", "10.20.0.2");
	assert_int_equal(sent, 1);
	from_app("172.16.77.3", "10.20.0.2");
	assert_int_equal(sent, 1);
	assert_int_equal(traffic.drops[DROP_SOURCE], 1);
	tunnel.legs[0].address_be = 0;
	from_app("172.16.77.2", "10.20.0.2");
	tunnel.legs[0].session = NULL;
	from_app("172.16.77.2", "10.20.0.2");
	assert_int_equal(sent, 1);
}

/* ---- IPv6: fd00:77::1 beside it */

static void set_ipv6(void)
{
	inet_pton(AF_INET6, "fd00:77::1", tunnel.legs[0].address6);
	tunnel.legs[0].has_address6 = true;
}

static size_t packet6(uint8_t pkt[PACKET_MAX], const char *src, const char *dst)
{
	memset(pkt, 0, PACKET_MAX);
	pkt[0] = 0x60;
	pkt[6] = IPPROTO_NONE;
	assert_int_equal(inet_pton(AF_INET6, src, pkt + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, dst, pkt + 24), 1);
	return IPV6_HEADER;
}

static void from_gateway6(const char *src, const char *dst)
{
	uint8_t pkt[PACKET_MAX];

	tunnel_on_packet(&tunnel.legs[0], pkt, packet6(pkt, src, dst));
}

static void from_app6(const char *src, const char *dst)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[PACKET_MAX];

	tunnel_on_device_packet(&tunnel, &plain, pkt, packet6(pkt, src, dst));
}

static void X51_ipv6_packet_for_the_app_alone_comes_in(void **state)
{
	static const char *const others[] = {"fd00:77::2", "fd00:77:0:1::1", "::1",
					     "ff02::1",	   "fe80::1",	     "::"};

	set_ipv6();
	from_gateway6("fd00:20::2", "fd00:77::1");
	assert_int_equal(written, 1);
	assert_int_equal(traffic.rx_packets, 1);
	assert_int_equal(traffic.rx_bytes, IPV6_HEADER);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		from_gateway6("fd00:20::2", others[i]);
	assert_int_equal(written, 1);
	assert_int_equal(traffic.drops[DROP_DESTINATION], 6);
}

/* An ICMPv6 message behind destination options. */
static void icmp_from_gateway6(const char *src, uint8_t type)
{
	uint8_t pkt[PACKET_MAX];
	size_t len = packet6(pkt, src, "fd00:77::1");

	pkt[6] = IPPROTO_DSTOPTS;
	pkt[5] = 16;
	pkt[len] = IPPROTO_ICMPV6;
	pkt[len + 8] = type;
	tunnel_on_packet(&tunnel.legs[0], pkt, len + 16);
}

static void kernel_hears_nothing_of_neighbours_and_routers(void **state)
{
	set_ipv6();
	icmp_from_gateway6("fe80::2", 1); /* unreachable */
	icmp_from_gateway6("fe80::2", 2); /* too big */
	icmp_from_gateway6("fd00:20::2", 129);
	assert_int_equal(written, 3);
	for (unsigned type = 133; type <= 137; type++)
		icmp_from_gateway6("fe80::2", (uint8_t)type);
	icmp_from_gateway6("febf::2", 134);
	icmp_from_gateway6("fe80::2", 128);
	from_gateway6("fe80::2", "fd00:77::1");
	assert_int_equal(written, 3);
	assert_int_equal(traffic.drops[DROP_DESTINATION], 8);
}

static void X51_tunnel_without_ipv6_brings_none_in_and_takes_none_out(void **state)
{
	from_gateway6("fd00:20::2", "::");
	assert_int_equal(traffic.drops[DROP_DESTINATION], 1);
	from_app6("::", "fd00:20::2");
	assert_int_equal(traffic.drops[DROP_PROTOCOL], 1);
	assert_int_equal(written + sent, 0);
}

static void only_the_apps_own_ipv6_address_goes_out(void **state)
{
	set_ipv6();
	from_app6("fd00:77::1", "fd00:20::2");
	assert_int_equal(sent, 1);
	from_app6("fd00:77::2", "fd00:20::2");
	from_app6("fe80::1", "ff02::2");
	assert_int_equal(sent, 1);
	assert_int_equal(traffic.drops[DROP_SOURCE], 2);
}

static void ipv6_goes_through_the_old_session_until_the_new_one_has_it(void **state)
{
	struct leg *old = &tunnel.legs[0], *new = &tunnel.legs[1];

	set_ipv6();
	*new = *old;
	new->session = (struct session *)&places[1];
	tunnel.current = new;
	has_ipv6[1] = false;
	from_app6("fd00:77::1", "fd00:20::2");
	assert_ptr_equal(sent_by, old->session);
	from_app("172.16.77.2", "10.20.0.2");
	assert_ptr_equal(sent_by, new->session);
	has_ipv6[1] = true;
	from_app6("fd00:77::1", "fd00:20::2");
	assert_ptr_equal(sent_by, new->session);
	has_ipv6[1] = false;
	old->has_address6 = false; /* it has said goodbye */
	from_app6("fd00:77::1", "fd00:20::2");
	assert_ptr_equal(sent_by, new->session); /* which counts that it cannot */
	assert_int_equal(sent, 4);
}

static void ipv6_packet_that_is_cut_short_is_malformed(void **state)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[PACKET_MAX];
	size_t len = packet6(pkt, "fd00:77::1", "fd00:77::1");

	set_ipv6();
	tunnel_on_packet(&tunnel.legs[0], pkt, len - 1);
	tunnel_on_device_packet(&tunnel, &plain, pkt, len - 1);
	assert_int_equal(traffic.drops[DROP_MALFORMED], 2);
	assert_int_equal(written + sent, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(X51_packet_for_the_app_alone_comes_in),
		TEST(X51_session_that_is_not_up_brings_nothing_in),
		TEST(packet_that_is_none_is_counted),
		TEST(packet_without_a_device_is_dropped),
		TEST(what_the_device_refuses_is_counted),
		TEST(only_the_apps_own_address_goes_out),
		TEST(X51_ipv6_packet_for_the_app_alone_comes_in),
		TEST(kernel_hears_nothing_of_neighbours_and_routers),
		TEST(X51_tunnel_without_ipv6_brings_none_in_and_takes_none_out),
		TEST(only_the_apps_own_ipv6_address_goes_out),
		TEST(ipv6_goes_through_the_old_session_until_the_new_one_has_it),
		TEST(ipv6_packet_that_is_cut_short_is_malformed),
	};

	return cmocka_run_group_tests_name("worker/tunnel_packets", tests, NULL, NULL);
}
