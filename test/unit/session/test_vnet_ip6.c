/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6 of a VNet, with a real device in a network namespace of its own. Its session is made by hand, without a stream: what is
 * sent to it stays in its queue.
 */
#include "sstp/session/vnet_ip6.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "routing/trie.h"
#include "sstp/session/session_internal.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_queue.h"
#include "test/support/cmocka.h"
#include "tun/netns.h"
#include "tun/rtnl.h"
#include "tun/steer.h"

#define PATIENCE (5 * CLOCK_NS_PER_S) /* only a failing test waits that long */

enum {
	HEADER = 40,
	UDP_HEADER = 8,
	ID = 3, /* of the VNet, for handover */
};

/*
 * VNet "lab": 10.20.0.0/24 and fd00:20::/64 behind it, of which fd00:20::1 is the gateway's own; its pools are 172.16.77.0/30,
 * without .1, and fd00:77::/56.
 */
struct scene {
	struct loop *loop;
	struct session_env env;
	struct loop_timer *watchdog;
	int netns;
	char netns_path[32];
	struct prefix spaces[2], pools[2];
	struct vnet_params params;
	struct qsbr *qsbr;
	struct vnet_env vnet_env;
	struct handover *handover;
	struct vnet *vnet;
	struct vnet_queue *queues[2]; /* of two threads, which this one plays in turn */
	bool (*until)(const struct scene *s);
	struct session session;
	size_t one_bytes; /* of the packet that lets others wait */
};

static uint64_t now_ns;

uint64_t __wrap_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop)
{
	return now_ns;
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void stop_when_reached(void *arg)
{
	struct scene *s = arg;

	if (s->until && s->until(s))
		loop_stop(s->loop);
}

static void on_watchdog(void *arg)
{
	struct scene *s = arg;

	s->until = NULL;
	loop_stop(s->loop);
}

static void on_failure(void *arg)
{
}

static void run_until(struct scene *s, bool (*until)(const struct scene *s))
{
	s->until = until;
	loop_timer_set(s->watchdog, clock_now() + PATIENCE);
	assert_int_equal(loop_run(s->loop), 0);
	assert_non_null(s->until);
	s->until = NULL;
}

static void let_one_wait(struct scene *s)
{
	struct pbuf *p = pbuf_new(&s->env.pool, 0);

	assert_non_null(p);
	fq_push(&s->session.data, now_ns, p);
	s->one_bytes = s->session.data.bytes;
}

static void init_session(struct scene *s)
{
	memset(&s->session, 0, sizeof(s->session));
	s->session.env = &s->env;
	s->session.is_up = s->session.is_up6 = true;
	link_init(&s->session.link, &(struct link_params){
					    .role = LINK_SERVER,
					    .mru = 1500,
					    .name = "gw",
					    .random = &random_system,
				    });
	fq_init(&s->session.data, &s->env.pool, &s->session.traffic, SESSION_QUEUE_MAX);
	let_one_wait(s);
}

static void prepare_namespace(struct scene *s)
{
	struct prefix own = prefix("fd00:20::1");
	struct rtnl *r;

	s->netns = netns_create();
	assert_in_range(s->netns, 0, 1 << 20);
	snprintf(s->netns_path, sizeof(s->netns_path), "/proc/self/fd/%d", s->netns);
	assert_int_equal(rtnl_open(s->netns, &r), 0);
	assert_int_equal(rtnl_link_up(r, 1, 0), 0);
	assert_int_equal(rtnl_address_add(r, 1, &own), 0);
	rtnl_close(r);
}

static void init_params(struct scene *s)
{
	s->spaces[0] = prefix("10.20.0.0/24");
	s->spaces[1] = prefix("fd00:20::/64");
	s->pools[0] = prefix("172.16.77.0/30");
	s->pools[1] = prefix("fd00:77::/56");
	s->params = (struct vnet_params){
		.name = "lab",
		.address_spaces = s->spaces,
		.naddress_spaces = 2,
		.pools = s->pools,
		.npools = 2,
		.ndns6 = 1,
		.gateway_be = inet_addr("172.16.77.1"),
		.tun_name = "lab0",
		.netns = s->netns_path,
		.mtu = 1400,
		.offload = TUN_OFFLOAD_ALL,
	};
	inet_pton(AF_INET6, "fd00:20::53", s->params.dns6[0]);
}

static void take(void *arg, unsigned id, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	vnet_queue_take(arg, h, pkt, len);
}

static void make_vnet(struct scene *s)
{
	char error[256];

	assert_int_equal(qsbr_new(2, &s->qsbr), 0);
	s->vnet_env = (struct vnet_env){
		.loop = s->loop, .threads = 2, .on_failure = on_failure, .arg = s};
	assert_int_equal(fib_publisher_new(s->qsbr, &s->vnet_env.publisher), 0);
	s->handover = handover_new(2);
	assert_non_null(s->handover);
	assert_int_equal(vnet_new(&s->vnet_env, &s->params, &s->vnet, error), 0);
	for (unsigned i = 0; i < 2; i++) {
		s->queues[i] = vnet_queue_new(s->vnet, ID, i, &s->env, s->handover);
		assert_non_null(s->queues[i]);
		handover_set_taker(s->handover, i, s->loop, take, s->queues[i]);
	}
}

static int set_up_at(void **state, uint64_t now)
{
	static struct scene scene;
	struct scene *s = &scene;

	memset(s, 0, sizeof(*s));
	*state = s;
	now_ns = now;
	prepare_namespace(s);
	s->loop = loop_new();
	assert_non_null(s->loop);
	assert_int_equal(session_env_init(&s->env, s->loop), 0);
	assert_int_equal(loop_on_pass_end(s->loop, stop_when_reached, s), 0);
	s->watchdog = loop_timer_new(s->loop, on_watchdog, s);
	init_params(s);
	init_session(s);
	make_vnet(s);
	return 0;
}

static int set_up(void **state)
{
	return set_up_at(state, clock_now());
}

/* The VNet believes that it is early: what it wants to do in ten minutes is due at once. */
static int set_up_early(void **state)
{
	return set_up_at(state, clock_now() - ND_LIFETIME_S / 3 * CLOCK_NS_PER_S);
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	session_tx_done(&s->session);
	for (unsigned i = 0; i < 2; i++)
		vnet_queue_free(s->queues[i]);
	vnet_free(s->vnet);
	fib_publisher_free(s->vnet_env.publisher);
	qsbr_free(s->qsbr);
	handover_free(s->handover);
	loop_timer_free(s->watchdog);
	session_env_done(&s->env);
	loop_free(s->loop);
	close(s->netns);
	return 0;
}

static struct vnet_lease lease_in(struct scene *s, unsigned thread, const struct fib_slot *routes)
{
	struct vnet_lease lease = {0};
	struct link_address address;

	assert_int_equal(vnet_lease(s->queues[thread],
				    &(struct vnet_tenant){.owner = "alice", .routes = routes},
				    &lease, &address),
			 0);
	assert_memory_equal(address.prefix6, lease.prefix6, LINK_PREFIX6_SIZE);
	return lease;
}

/* ---- what belongs to whom */

static void session_of_each_index_has_the_64_of_that_number(void **state)
{
	struct scene *s = *state;
	struct vnet_lease first = lease_in(s, 0, NULL), second = lease_in(s, 0, NULL);
	uint8_t address[ND_ADDRESS_SIZE], half[ND_PREFIX_SIZE];

	assert_memory_equal(first.prefix6, "\xfd\0\0\x77\0\0\0\0", 8);
	assert_int_equal(second.index, 2); /* 1 is the gateway's own */
	assert_memory_equal(second.prefix6, "\xfd\0\0\x77\0\0\0\2", 8);
	for (uint32_t i = 0; i < 4; i++) {
		vnet_ip6_prefix(s->vnet, i, half);
		memset(address, 0xff, sizeof(address));
		memcpy(address, half, sizeof(half));
		assert_int_equal(vnet_ip6_index(s->vnet, address), i);
	}
	vnet_lease_address6(&second, address);
	assert_memory_equal(address, "\xfd\0\0\x77\0\0\0\2\0\0\0\0\0\0\0\1", sizeof(address));
	vnet_lease_address6(&(struct vnet_lease){0}, address);
	assert_memory_equal(address, (uint8_t[ND_ADDRESS_SIZE]){0}, sizeof(address));
	inet_pton(AF_INET6, "fd00:77:0:4::1", address);
	assert_int_equal(vnet_ip6_index(s->vnet, address), -ENOENT);
	inet_pton(AF_INET6, "fd00:76:ffff:ffff::1", address);
	assert_int_equal(vnet_ip6_index(s->vnet, address), -ENOENT);
	vnet_release(&first);
	vnet_release(&second);
}

static void pool_without_a_64_for_each_address_is_refused(void **state)
{
	struct scene *s = *state;
	struct vnet *second;
	char error[256];

	s->pools[1] = prefix("fd00:78::/63");
	s->params.tun_name = "lab1";
	assert_int_equal(vnet_new(&s->vnet_env, &s->params, &second, error), -EINVAL);
}

static void network_without_such_a_pool_has_no_ipv6(void **state)
{
	struct scene *s = *state;
	static const uint8_t none[ND_PREFIX_SIZE];
	uint8_t half[ND_PREFIX_SIZE] = {1}, address[ND_ADDRESS_SIZE] = {0};
	struct vnet *second;
	char error[256];

	s->pools[0] = prefix("172.16.78.0/30");
	s->params.npools = 1;
	s->params.tun_name = "lab1";
	assert_int_equal(vnet_new(&s->vnet_env, &s->params, &second, error), 0);
	assert_false(vnet_ip6_is_there(second));
	vnet_ip6_prefix(second, 2, half);
	assert_memory_equal(half, none, sizeof(half));
	assert_int_equal(vnet_ip6_index(second, address), -ENOENT);
	vnet_free(second);
}

/* ---- uplink */

static size_t packet(uint8_t pkt[HEADER], const char *src, const char *dst)
{
	memset(pkt, 0, HEADER);
	pkt[0] = 0x60;
	pkt[6] = IPPROTO_NONE;
	pkt[7] = 64;
	assert_int_equal(inet_pton(AF_INET6, src, pkt + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, dst, pkt + 24), 1);
	return HEADER;
}

/* Expects that exactly this drop is counted, or DROP_REASONS: that it passes. */
static void expect_uplink(struct scene *s, const struct vnet_lease *lease, uint8_t *pkt, size_t len,
			  enum drop_reason why)
{
	struct traffic *t = session_traffic(&s->session);

	memset(t, 0, sizeof(*t));
	vnet_uplink(lease, &s->session, pkt, len);
	vnet_burst_end(lease, &s->session);
	for (unsigned i = 0; i < DROP_REASONS; i++) {
		if (t->drops[i] != (i == why))
			fail_msg("%s was counted %d times", drop_reason_name(i), (int)t->drops[i]);
	}
	assert_int_equal(t->rx_packets, why == DROP_REASONS);
	assert_int_equal(t->rx_bytes, why == DROP_REASONS ? len : 0);
}

static void expect_way(struct scene *s, const struct vnet_lease *lease, const char *src,
		       const char *dst, enum drop_reason why)
{
	uint8_t pkt[HEADER];
	size_t len = packet(pkt, src, dst);

	expect_uplink(s, lease, pkt, len, why);
}

static void any_address_of_its_64_is_a_source_and_no_other(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);
	static const struct {
		const char *src;
		enum drop_reason why;
	} rows[] = {
		{"fd00:77::1", DROP_REASONS},
		{"fd00:77::", DROP_REASONS},
		{"fd00:77::ffff:ffff:ffff:ffff", DROP_REASONS},
		{"fd00:77:0:1::1", DROP_SOURCE},
		{"fd00:77:0:2::1", DROP_SOURCE},
		{"fd00:76:ffff:ffff::1", DROP_SOURCE},
		{"fd00:20::1", DROP_SOURCE},
		{"fd00:20::2", DROP_SOURCE},
		{"::1", DROP_SOURCE},
		{"::ffff:172.16.77.0", DROP_SOURCE},
		{"ff02::1", DROP_SOURCE},
		{"fe80::1", DROP_NO_ROUTE},
		{"febf::1", DROP_NO_ROUTE},
		{"::", DROP_NO_ROUTE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_way(s, &lease, rows[i].src, "fd00:20::2", rows[i].why);
	vnet_release(&lease);
}

static void packet_goes_where_the_address_spaces_are(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);
	static const struct {
		const char *dst;
		enum drop_reason why;
	} rows[] = {
		{"fd00:20::2", DROP_REASONS},
		{"fd00:20::ffff:ffff:ffff:ffff", DROP_REASONS},
		{"fd00:20:0:1::", DROP_NO_ROUTE},
		{"2001:db8::1", DROP_NO_ROUTE},
		{"fd00:20::1", DROP_GATEWAY},
		{"fd00:77:0:2::1", DROP_CLIENT_TO_CLIENT},
		{"fe80::2", DROP_NO_ROUTE},
		{"ff02::1", DROP_NO_ROUTE},
		{"ff05::2", DROP_NO_ROUTE},
		{"::1", DROP_GATEWAY}, /* it has that one as well */
		{"::", DROP_NO_ROUTE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_way(s, &lease, "fd00:77::1", rows[i].dst, rows[i].why);
	vnet_release(&lease);
}

static void app_reaches_what_its_connection_says(void **state)
{
	struct scene *s = *state;
	struct prefix routes[] = {prefix("fd00:20::/80"), prefix("2001:db8::/32"),
				  prefix("fd00:77::/56")};
	struct fib_slot slot;
	struct vnet_lease lease;
	struct trie *t;

	fib_slot_init(&slot);
	assert_int_equal(trie_new(&t), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(trie_insert(t, &routes[i], 0), 0);
	assert_int_equal(fib_publisher_set(s->vnet_env.publisher, &slot, t), 0);
	trie_free(t);
	lease = lease_in(s, 0, &slot);
	expect_way(s, &lease, "fd00:77::1", "fd00:20::2", DROP_REASONS);
	expect_way(s, &lease, "fd00:77::1", "2001:db8::1", DROP_REASONS);
	expect_way(s, &lease, "fd00:77::1", "fd00:20::1:0:0:2", DROP_NOT_IN_PLAN);
	expect_way(s, &lease, "fd00:77::1", "2001:db9::1", DROP_NOT_IN_PLAN);
	expect_way(s, &lease, "fd00:77::1", "fd00:20::1", DROP_GATEWAY);
	expect_way(s, &lease, "fd00:77::1", "fd00:77:0:2::1", DROP_CLIENT_TO_CLIENT);
	fib_publisher_clear(s->vnet_env.publisher, &slot);
	expect_way(s, &lease, "fd00:77::1", "fd00:20::2", DROP_NOT_IN_PLAN);
	vnet_release(&lease);
}

static void what_is_no_ipv6_packet_is_dropped(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);
	uint8_t pkt[HEADER];
	size_t len = packet(pkt, "fd00:77::1", "fd00:20::2");

	expect_uplink(s, &lease, pkt, len - 1, DROP_MALFORMED);
	pkt[5] = 1;
	expect_uplink(s, &lease, pkt, len, DROP_MALFORMED);
	pkt[5] = 0;
	s->session.is_up6 = false; /* as IPv4, by a peer that never negotiated it */
	expect_uplink(s, &lease, pkt, len, DROP_PROTOCOL);
	vnet_release(&lease);
}

/* ---- downlink */

struct datagram {
	const char *dst;
	const char *text;
};

static int send_here(void *arg)
{
	const struct datagram *d = arg;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(7000)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	inet_pton(AF_INET6, d->dst, &to.sin6_addr);
	n = sendto(fd, d->text, strlen(d->text), 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return n < 0 ? -errno : (int)n;
}

static void send_down(struct scene *s, const char *dst, const char *text)
{
	struct datagram d = {dst, text};

	assert_int_equal(netns_call(s->netns, send_here, &d), strlen(text));
}

static bool has_packet(const struct scene *s)
{
	handover_wake(s->handover, 0);
	handover_wake(s->handover, 1);
	return s->session.data.bytes > s->one_bytes;
}

/* What waits for the session; the caller frees it. */
static struct pbuf *expect_packet(struct scene *s)
{
	struct pbuf *p;

	pbuf_free(&s->env.pool, fq_pop(&s->session.data, now_ns, PBUF_DATA_MAX));
	p = fq_pop(&s->session.data, now_ns, PBUF_DATA_MAX);
	assert_non_null(p);
	assert_true(fq_is_empty(&s->session.data));
	let_one_wait(s);
	return p;
}

static void expect_datagram(struct scene *s, const char *dst, const char *text)
{
	uint8_t address[ND_ADDRESS_SIZE];
	struct pbuf *p;

	run_until(s, has_packet);
	p = expect_packet(s);
	inet_pton(AF_INET6, dst, address);
	assert_int_equal(p->len, HEADER + UDP_HEADER + strlen(text));
	assert_memory_equal(p->data + 24, address, sizeof(address));
	assert_memory_equal(p->data + HEADER + UDP_HEADER, text, strlen(text));
	pbuf_free(&s->env.pool, p);
}

/* Both threads' queues, in a namespace whose new link greets with packets of its own. */
static uint64_t dropped(const struct scene *s)
{
	return vnet_queue_traffic(s->queues[0])->drops[DROP_NO_SESSION] +
	       vnet_queue_traffic(s->queues[1])->drops[DROP_NO_SESSION];
}

static void packet_to_any_address_of_a_64_finds_its_session_in_its_thread(void **state)
{
	struct scene *s = *state;
	struct vnet_lease other = lease_in(s, 0, NULL), lease = lease_in(s, 1, NULL);

	vnet_attach(&lease, &s->session);
	send_down(s, "fd00:77:0:2::1", "one");
	expect_datagram(s, "fd00:77:0:2::1", "one");
	send_down(s, "fd00:77:0:2:1:2:3:4", "two");
	expect_datagram(s, "fd00:77:0:2:1:2:3:4", "two");
	assert_int_equal(vnet_queue_handed_over(s->queues[1]), 0);
	vnet_release(&other);
	vnet_release(&lease);
}

static void without_steering_threads_hand_packets_over(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 1, NULL);

	vnet_attach(&lease, &s->session);
	steer_free(s->vnet->steer);
	s->vnet->steer = s->vnet->device.steer = NULL;
	for (int i = 0; i < 32; i++) { /* to whichever queue the kernel likes */
		char dst[64];

		snprintf(dst, sizeof(dst), "fd00:77::%x", i + 1);
		send_down(s, dst, "x");
		expect_datagram(s, dst, "x");
	}
	assert_in_range(vnet_queue_handed_over(s->queues[1]), 1, 32);
	vnet_release(&lease);
}

static uint64_t dropped_before;

static bool has_dropped_another(const struct scene *s)
{
	return dropped(s) > dropped_before;
}

static void expect_lost(struct scene *s, const char *dst)
{
	dropped_before = dropped(s);
	send_down(s, dst, "lost");
	run_until(s, has_dropped_another);
	assert_false(has_packet(s));
}

static void nothing_reaches_a_session_after_its_release(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 1, NULL);

	vnet_attach(&lease, &s->session);
	send_down(s, "fd00:77::1", "first"); /* the link's own greetings are over then */
	expect_datagram(s, "fd00:77::1", "first");
	vnet_release(&lease);
	expect_lost(s, "fd00:77::1");
	expect_lost(s, "fd00:77:0:3::1");  /* nobody's */
	expect_lost(s, "fd00:77:0:99::1"); /* of the pool's route, and of no index */
}

static bool has_refused_one(const struct scene *s)
{
	return s->session.traffic.drops[DROP_NOT_OPEN] > 0;
}

static void session_without_ipv6cp_gets_nothing(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);

	s->session.is_up6 = false;
	vnet_attach(&lease, &s->session);
	send_down(s, "fd00:77::1", "x");
	run_until(s, has_refused_one);
	assert_false(has_packet(s));
	vnet_release(&lease);
}

/* ---- advertisements */

static void expect_advertisement(struct scene *s, const struct vnet_lease *lease)
{
	uint8_t want[ND_PACKET_MAX];
	struct nd_advert a = {
		.id = {[7] = 2}, .mtu = 1400, .n_routes = 1, .routes = {s->spaces[1]}, .n_dns = 1};
	struct pbuf *p = expect_packet(s);

	memcpy(a.prefix, lease->prefix6, sizeof(a.prefix));
	memcpy(a.dns, s->params.dns6, sizeof(a.dns));
	assert_int_equal(p->len, nd_put_advert(&a, want));
	assert_memory_equal(p->data, want, p->len);
	pbuf_free(&s->env.pool, p);
}

static void solicit(struct scene *s, const struct vnet_lease *lease)
{
	static const uint8_t id[ND_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t pkt[ND_PACKET_MAX];
	size_t len = nd_put_solicitation(id, pkt);

	vnet_uplink(lease, &s->session, pkt, len);
	vnet_burst_end(lease, &s->session);
	assert_int_equal(s->session.traffic.rx_packets, 0);
}

static void solicitation_is_answered_once_a_second(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);

	vnet_attach(&lease, &s->session);
	solicit(s, &lease);
	expect_advertisement(s, &lease);
	for (int i = 0; i < 1000; i++)
		solicit(s, &lease);
	assert_false(has_packet(s));
	now_ns += CLOCK_NS_PER_S;
	solicit(s, &lease);
	expect_advertisement(s, &lease);
	vnet_release(&lease);
}

/* X57: only routers say these, and only neighbours ask the others. */
static void X57_nothing_else_of_neighbours_is_answered_or_forwarded(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);
	static const uint8_t types[] = {134, 135, 136, 137, 143, 130};

	vnet_attach(&lease, &s->session);
	for (size_t i = 0; i < sizeof(types); i++) {
		static const uint8_t id[ND_ID_SIZE] = {1};
		uint8_t pkt[ND_PACKET_MAX];
		size_t len = nd_put_solicitation(id, pkt);

		pkt[HEADER] = types[i];
		expect_uplink(s, &lease, pkt, len, DROP_NO_ROUTE);
		assert_false(has_packet(s));
	}
	vnet_release(&lease);
}

static void update_changes_what_is_advertised(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);
	char error[256];

	vnet_attach(&lease, &s->session);
	vnet_advertise(&lease, &s->session);
	expect_advertisement(s, &lease);
	s->spaces[1] = prefix("fd00:30::/48");
	inet_pton(AF_INET6, "fd00:30::53", s->params.dns6[0]);
	assert_int_equal(vnet_update(s->vnet, &s->params, error), 0);
	vnet_advertise(&lease, &s->session);
	expect_advertisement(s, &lease);
	vnet_release(&lease);
}

static void sessions_are_advertised_to_every_ten_minutes(void **state)
{
	struct scene *s = *state;
	struct vnet_lease lease = lease_in(s, 0, NULL);
	struct pbuf *p;

	vnet_attach(&lease, &s->session);
	run_until(s, has_packet);
	pbuf_free(&s->env.pool, fq_pop(&s->session.data, now_ns, PBUF_DATA_MAX));
	p = fq_pop(&s->session.data, now_ns, PBUF_DATA_MAX);
	assert_int_equal(p->data[HEADER], 134);
	pbuf_free(&s->env.pool, p);
	vnet_release(&lease);
}

static void default_route_is_advertised_where_everything_is_behind_the_network(void **state)
{
	struct scene *s = *state;
	struct nd_advert a;
	char error[256];

	vnet_ip6_advert(s->vnet, 0, &a);
	assert_false(a.is_default);
	s->spaces[1] = prefix("::/0");
	assert_int_equal(vnet_update(s->vnet, &s->params, error), 0);
	vnet_ip6_advert(s->vnet, 0, &a);
	assert_true(a.is_default);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(session_of_each_index_has_the_64_of_that_number),
		in_scene(pool_without_a_64_for_each_address_is_refused),
		in_scene(network_without_such_a_pool_has_no_ipv6),
		in_scene(any_address_of_its_64_is_a_source_and_no_other),
		in_scene(packet_goes_where_the_address_spaces_are),
		in_scene(app_reaches_what_its_connection_says),
		in_scene(what_is_no_ipv6_packet_is_dropped),
		in_scene(packet_to_any_address_of_a_64_finds_its_session_in_its_thread),
		in_scene(without_steering_threads_hand_packets_over),
		in_scene(nothing_reaches_a_session_after_its_release),
		in_scene(session_without_ipv6cp_gets_nothing),
		in_scene(solicitation_is_answered_once_a_second),
		in_scene(X57_nothing_else_of_neighbours_is_answered_or_forwarded),
		in_scene(update_changes_what_is_advertised),
		cmocka_unit_test_setup_teardown(sessions_are_advertised_to_every_ten_minutes,
						set_up_early, tear_down),
		in_scene(default_route_is_advertised_where_everything_is_behind_the_network),
	};

	return cmocka_run_group_tests_name("session/vnet_ip6", tests, NULL, NULL);
}
