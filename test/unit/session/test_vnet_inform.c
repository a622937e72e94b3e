/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told when it asks by DHCP, in a VNet with a device. What is sent to the session is the test's. */
#include "sstp/session/vnet_inform.h"

#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/net/loop.h"
#include "sstp/session/dhcp.h"
#include "sstp/session/session_internal.h"
#include "sstp/session/site.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_queue.h"
#include "test/support/cmocka.h"
#include "test/unit/tun/packet.h"
#include "tun/netns.h"
#include "tun/tun.h"

enum {
	BOOTP_AT = 28,
	OPTIONS_AT = BOOTP_AT + 240,
	REQUEST_SIZE = OPTIONS_AT + 3 + 7 + 1,
};

static struct {
	unsigned packets;
	uint8_t packet[DHCP_PACKET_MAX];
	size_t len;
	bool is_worker;
	unsigned remarks;
	char remark[160];
} told;

int __wrap_session_send(struct session *s, const struct virtio_net_hdr *h, const uint8_t *pkt,
			size_t len, uint16_t mtu);
int __wrap_session_send(struct session *s, const struct virtio_net_hdr *h, const uint8_t *pkt,
			size_t len, uint16_t mtu)
{
	assert_int_equal(h->gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_in_range(len, OPTIONS_AT, sizeof(told.packet));
	memcpy(told.packet, pkt, len);
	told.len = len;
	told.packets++;
	return 0;
}

bool __wrap_session_is_worker(const struct session *s);
bool __wrap_session_is_worker(const struct session *s)
{
	return told.is_worker;
}

uint16_t __wrap_session_packet_max(const struct session *s, uint16_t mtu);
uint16_t __wrap_session_packet_max(const struct session *s, uint16_t mtu)
{
	return mtu;
}

void __wrap_session_log(const struct session *s, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void __wrap_session_log(const struct session *s, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told.remark, sizeof(told.remark), fmt, ap);
	va_end(ap);
	told.remarks++;
}

static unsigned looks; /* at a question */

int __real_dhcp_answer(const struct dhcp_offer *offer, const uint8_t *pkt, size_t len,
		       uint8_t ret_packet[DHCP_PACKET_MAX], struct dhcp_answer *ret_answer);
int __wrap_dhcp_answer(const struct dhcp_offer *offer, const uint8_t *pkt, size_t len,
		       uint8_t ret_packet[DHCP_PACKET_MAX], struct dhcp_answer *ret_answer);
int __wrap_dhcp_answer(const struct dhcp_offer *offer, const uint8_t *pkt, size_t len,
		       uint8_t ret_packet[DHCP_PACKET_MAX], struct dhcp_answer *ret_answer)
{
	looks++;
	return __real_dhcp_answer(offer, pkt, len, ret_packet, ret_answer);
}

/* VNet "lab": 10.20.0.0/24 and its other half behind it, its pool 172.16.77.0/24 */
struct scene {
	struct loop *loop;
	int netns;
	char netns_path[32];
	struct prefix spaces[2], pool;
	struct vnet_params params;
	struct qsbr *qsbr;
	struct vnet_env env;
	struct site *site;
	struct vnet *vnet;
	struct session session;
	struct vnet_holder holder;
	struct vnet_lease lease;
	uint64_t now;
	uint8_t request[REQUEST_SIZE];
};

static void on_failure(void *arg)
{
	fail_msg("the device is gone");
}

static void on_change(void *arg)
{
}

static void init_request(struct scene *s)
{
	static const uint8_t options[] = {53, 1, 8, 55, 5, 6, 15, 119, 121, 249, 255};
	uint8_t *p = s->request;

	packet_set_be16(p, 0x4500);
	packet_set_be16(p + 2, REQUEST_SIZE);
	p[8] = 128;
	p[9] = IPPROTO_UDP;
	memcpy(p + 12, &s->lease.address_be, 4);
	memset(p + 16, 0xff, 4);
	packet_set_be16(p + 20, 68);
	packet_set_be16(p + 22, 67);
	packet_set_be16(p + 24, REQUEST_SIZE - 20);
	p[BOOTP_AT] = 1;
	memcpy(p + BOOTP_AT + 12, &s->lease.address_be, 4);
	memcpy(p + BOOTP_AT + 236, "\x63\x82\x53\x63", 4);
	memcpy(p + OPTIONS_AT, options, sizeof(options));
	packet_fix_checksums(p, REQUEST_SIZE);
}

static int set_up(void **state)
{
	static const char *const domains[] = {"corp.example", "example"};
	static struct scene scene;
	struct scene *s = &scene;
	char error[256];

	memset(s, 0, sizeof(*s));
	memset(&told, 0, sizeof(told));
	looks = 0;
	*state = s;
	s->netns = netns_create();
	assert_in_range(s->netns, 0, 1 << 20);
	snprintf(s->netns_path, sizeof(s->netns_path), "/proc/self/fd/%d", s->netns);
	assert_int_equal(prefix_parse("10.20.1.0/24", &s->spaces[0]), 0);
	assert_int_equal(prefix_parse("10.20.0.0/24", &s->spaces[1]), 0);
	assert_int_equal(prefix_parse("172.16.77.0/24", &s->pool), 0);
	s->params = (struct vnet_params){
		.name = "lab",
		.address_spaces = s->spaces,
		.naddress_spaces = 2,
		.pools = &s->pool,
		.npools = 1,
		.dns_be = {inet_addr("10.20.0.4")},
		.domains = domains,
		.ndomains = 2,
		.gateway_be = inet_addr("172.16.77.1"),
		.tun_name = "lab0",
		.netns = s->netns_path,
		.mtu = 1400,
		.offload = TUN_OFFLOAD_ALL,
	};
	s->loop = loop_new();
	assert_int_equal(qsbr_new(1, &s->qsbr), 0);
	s->env = (struct vnet_env){.loop = s->loop, .threads = 1, .on_failure = on_failure};
	assert_int_equal(fib_publisher_new(s->qsbr, &s->env.publisher), 0);
	assert_int_equal(vnet_new(&s->env, &s->params, &s->vnet, error), 0);
	s->site = site_new(s->env.publisher, on_change, s);
	s->lease =
		(struct vnet_lease){.holder = &s->holder, .address_be = inet_addr("172.16.77.9")};
	s->now = CLOCK_NS_PER_S;
	init_request(s);
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	site_free(s->site);
	vnet_free(s->vnet);
	fib_publisher_free(s->env.publisher);
	qsbr_free(s->qsbr);
	loop_free(s->loop);
	close(s->netns);
	return 0;
}

/* Whether it was answered. */
static bool ask(struct scene *s)
{
	unsigned before = told.packets;
	struct ip_info ip;
	bool is_answered;

	assert_int_equal(ip_parse(s->request, REQUEST_SIZE, &ip), 0);
	is_answered = vnet_inform(s->vnet, &s->lease, &s->session, s->request, &ip, s->now);
	assert_int_equal(told.packets, before + is_answered);
	s->now += 2 * CLOCK_NS_PER_S;
	return is_answered;
}

/* Options as "6:0a140004 15:...", each code once, its parts joined, into buf. Returns buf. */
static const char *options(char buf[1024])
{
	static const uint8_t codes[] = {6, 15, 119, 121, 249};

	*buf = '\0';
	for (size_t i = 0; i < sizeof(codes); i++)
		for (size_t at = OPTIONS_AT; told.packet[at] != 255;
		     at += 2u + told.packet[at + 1]) {
			if (told.packet[at] != codes[i])
				continue;
			sprintf(buf + strlen(buf), "%s%u:", *buf ? " " : "", codes[i]);
			for (unsigned k = 0; k < told.packet[at + 1]; k++)
				sprintf(buf + strlen(buf), "%02x", told.packet[at + 2 + k]);
		}
	return buf;
}

#define DOMAINS "15:636f72702e6578616d706c65 119:04636f7270076578616d706c6500076578616d706c6500"

/* ---- */

static void client_is_told_what_the_vnet_says_in_as_few_routes_as_can_be(void **state)
{
	struct scene *s = *state;
	char text[1024];

	assert_true(ask(s));
	/* 10.20.0.0/24 and 10.20.1.0/24 */
	assert_string_equal(options(text),
			    "6:0a140004 " DOMAINS " 121:170a1400ac104d01 249:170a1400ac104d01");
	assert_int_equal(told.remarks, 0);
}

static void routes_follow_what_the_clients_reach(void **state)
{
	struct scene *s = *state;
	struct reach_route routes[4] = {{.verdict = REACH_VNET},
					{.verdict = REACH_REFUSED},
					{.verdict = REACH_OPEN},
					{.verdict = REACH_NONE}};
	struct reach *r = reach_new();
	char text[1024];

	assert_int_equal(prefix_parse("10.30.0.0/16", &routes[0].prefix), 0);
	assert_int_equal(prefix_parse("10.40.0.0/16", &routes[1].prefix), 0);
	assert_int_equal(prefix_parse("10.30.7.0/24", &routes[2].prefix), 0);
	assert_int_equal(prefix_parse("10.50.0.0/16", &routes[3].prefix), 0);
	assert_int_equal(reach_add(r, routes, 4), 0);
	assert_int_equal(vnet_set_reach(s->vnet, r), 0);
	reach_unref(r);
	assert_true(ask(s));
	assert_string_equal(options(text),
			    "6:0a140004 " DOMAINS " 121:100a1eac104d01 249:100a1eac104d01");
	assert_int_equal(vnet_set_reach(s->vnet, NULL), 0);
	assert_true(ask(s));
	assert_non_null(strstr(options(text), "121:170a1400ac104d01"));
}

static void app_is_told_what_its_connection_says(void **state)
{
	struct scene *s = *state;
	struct prefix route;
	struct site_connection c = {.app = "shop",
				    .vnet = "lab",
				    .refusal = "",
				    .routes = &route,
				    .n_routes = 1,
				    .dns_be = {inet_addr("10.9.0.4"), inet_addr("10.9.0.5")},
				    .description = ""};
	struct connection_terms *terms;
	char text[1024], why[SITE_WHY_MAX];

	assert_int_equal(prefix_parse("192.168.0.0/16", &route), 0);
	assert_int_equal(site_set(s->site, &c), 0);
	site_end(s->site);
	assert_int_equal(site_join(s->site, "shop", "lab", &s->lease.connection, &terms, why), 0);
	connection_terms_unref(terms);
	assert_true(ask(s));
	assert_string_equal(options(text),
			    "6:0a0900040a090005 " DOMAINS " 121:10c0a8ac104d01 249:10c0a8ac104d01");
	assert_int_equal(prefix_parse("192.168.7.0/24", &route), 0);
	assert_int_equal(site_set(s->site, &c), 0);
	assert_true(ask(s)); /* at once: what it was connected by is not asked */
	assert_non_null(strstr(options(text), "121:18c0a807ac104d01"));
	connection_unref(s->lease.connection);
}

/* And a flood of questions costs no more than any other packet that is not forwarded: no lock, no list. */
static void session_is_answered_once_a_second(void **state)
{
	struct scene *s = *state;
	uint64_t began = s->now;

	assert_true(ask(s));
	s->now = began + CLOCK_NS_PER_S - 1;
	assert_false(ask(s));
	assert_int_equal(looks, 1);
	s->now = began + CLOCK_NS_PER_S;
	assert_true(ask(s));
}

static void worker_and_what_is_no_question_get_no_answer(void **state)
{
	struct scene *s = *state;

	told.is_worker = true;
	assert_false(ask(s));
	told.is_worker = false;
	s->request[OPTIONS_AT + 2] = 3; /* a DHCPREQUEST */
	packet_fix_checksums(s->request, REQUEST_SIZE);
	assert_false(ask(s));
	s->request[OPTIONS_AT + 2] = 8;
	s->request[19] = 9; /* to 255.255.255.9 */
	packet_fix_checksums(s->request, REQUEST_SIZE);
	assert_false(ask(s));
	s->request[19] = 255;
	packet_fix_checksums(s->request, REQUEST_SIZE);
	assert_true(ask(s)); /* none of them has cost it its answer */
}

static void long_answer_is_remarked_upon_once(void **state)
{
	struct scene *s = *state;
	struct reach *r = reach_new();
	char text[4096];

	for (unsigned i = 0; i < 50; i++) {
		struct reach_route one = {.verdict = REACH_VNET};

		snprintf(text, sizeof(text), "10.%u.0.0/16", 2 * i);
		assert_int_equal(prefix_parse(text, &one.prefix), 0);
		assert_int_equal(reach_add(r, &one, 1), 0);
	}
	assert_int_equal(vnet_set_reach(s->vnet, r), 0);
	reach_unref(r);
	assert_true(ask(s));
	assert_true(ask(s));
	assert_int_equal(told.remarks, 1);
	assert_non_null(strstr(told.remark, "split"));
}

/* Settings that change while a client asks: what it is told is of before or of after. */
static void domains_change_with_the_settings(void **state)
{
	static const char *const domain = "lab.example";
	struct scene *s = *state;
	char text[1024], error[256];

	s->params.domains = &domain;
	s->params.ndomains = 1;
	assert_int_equal(vnet_update(s->vnet, &s->params, error), 0);
	assert_true(ask(s));
	assert_non_null(strstr(options(text), "15:6c61622e6578616d706c65"));
	assert_null(strstr(text, "119:"));
	s->params.ndomains = 0;
	assert_int_equal(vnet_update(s->vnet, &s->params, error), 0);
	assert_true(ask(s));
	assert_null(strstr(options(text), "15:"));
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(client_is_told_what_the_vnet_says_in_as_few_routes_as_can_be),
		in_scene(routes_follow_what_the_clients_reach),
		in_scene(app_is_told_what_its_connection_says),
		in_scene(session_is_answered_once_a_second),
		in_scene(worker_and_what_is_no_question_get_no_answer),
		in_scene(long_answer_is_remarked_upon_once),
		in_scene(domains_change_with_the_settings),
	};

	return cmocka_run_group_tests_name("session/vnet_inform", tests, NULL, NULL);
}
