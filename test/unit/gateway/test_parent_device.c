/* SPDX-License-Identifier: Apache-2.0 */
/* Devices are real, in a namespace of the test's own, into which the process goes: root, and /dev/net/tun. */
#include "sstp/gateway/parent_device.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/session/vnet_open.h"
#include "test/support/cmocka.h"
#include "tun/netns.h"
#include "tun/tun.h"

/* What is in gateway.yaml: VNet "lab" in the present namespace, and "red" in its own. */
static struct prefix lab_pool, red_pool;
static struct gateway_vnet vnets[] = {
	{.name = (char *)"lab", .tun = (char *)"lab0", .pools = &lab_pool, .n_pools = 1},
	{.name = (char *)"red",
	 .tun = (char *)"sstp7",
	 .netns = (char *)"red",
	 .pools = &red_pool,
	 .n_pools = 1},
};
static const struct gateway_config config = {.vnets = vnets, .n_vnets = 2};

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct parent_open question(const char *tun, const char *netns, const char *pool)
{
	return (struct parent_open){.tun = tun,
				    .netns = netns,
				    .mtu = 1400,
				    .offload = TUN_OFFLOAD_ALL,
				    .queues = 2,
				    .addresses = 256,
				    .pools = {prefix(pool)},
				    .n_pools = 1};
}

static int error; /* of the last objection */

static const char *objection_to(const struct parent_open *m)
{
	error = 0;
	return parent_device_objection(m, &config, &error);
}

static const char *objection(const char *tun, const char *netns, const char *pool)
{
	struct parent_open m = question(tun, netns, pool);

	return objection_to(&m);
}

static void devices_of_the_configuration_are_given_as_they_stand_there(void **state)
{
	assert_null(objection("lab0", "", "172.16.77.0/24"));
	assert_null(objection("sstp7", "red", "192.168.9.0/24"));
	assert_string_equal(objection("lab0", "", "172.16.77.0/25"),
			    "its pools are not those of gateway.yaml");
	assert_non_null(objection("lab0", "red", "172.16.77.0/24"));
	assert_non_null(objection("lab0", "/proc/1/ns/net", "172.16.77.0/24"));
}

static void devices_of_the_api_have_names_of_their_own(void **state)
{
	static const char *const wrong[] = {"eth0", "sstp",   "sstpx",		"sstp1x",
					    "lo",   "sstp-1", "sstp1234567890", ""};

	assert_null(objection("sstp0", "", "10.1.0.0/24"));
	assert_null(objection("sstp123456789", "", "10.1.0.0/24"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(objection(wrong[i], "", "10.1.0.0/24"));
	assert_non_null(objection("sstp0", "red", "10.1.0.0/24"));
}

static void ipv6_pools_of_the_api_are_unicast_and_of_a_link_that_can_carry_them(void **state)
{
	struct parent_open m = question("sstp0", "", "10.9.0.0/24");

	m.n_pools = 2;
	m.pools[1] = prefix("fd00:77::/48");
	assert_null(objection_to(&m));
	m.pools[1] = prefix("2001:db8::/48");
	assert_null(objection_to(&m));
	m.mtu = 1279;
	assert_string_equal(objection_to(&m), "its MTU is too small for IPv6");
	m.mtu = 1280;
	m.pools[1] = prefix("fe80::/48");
	assert_string_equal(objection_to(&m), "a pool is not private");
	m.pools[1] = prefix("::/0");
	assert_string_equal(objection_to(&m), "a pool is not private");
}

static void pools_of_the_api_are_private_and_overlap_none_of_the_file(void **state)
{
	struct parent_open m = question("sstp0", "", "10.1.0.0/24");

	assert_string_equal(objection("sstp0", "", "8.8.8.0/24"), "a pool is not private");
	assert_string_equal(objection("sstp0", "", "0.0.0.0/0"), "a pool is not private");
	assert_string_equal(objection("sstp0", "", "172.16.0.0/12"),
			    "a pool overlaps one of gateway.yaml");
	assert_null(objection("sstp0", "", "192.168.9.0/24")); /* red's, elsewhere */
	m.n_pools = 0;
	assert_string_equal(objection_to(&m), "it has no pool");
	m.n_pools = 1;
	m.mtu = 500;
	assert_string_equal(objection_to(&m), "its MTU is too small");
	m.mtu = 1400;
	m.addresses = (1 << 20) + 1;
	assert_string_equal(objection_to(&m), "it has too many addresses");
}

static void device_of_the_api_is_attached_where_the_configuration_allows_it(void **state)
{
	static char *names[] = {(char *)"blue", (char *)"red"};
	struct gateway_config attaching = config;
	struct parent_open m = question("sstp101", "blue", "10.1.0.0/24");

	assert_string_equal(objection_to(&m),
			    "its namespace is not among attach_namespaces of gateway.yaml");
	assert_int_equal(error, -ENONET);
	attaching.attach_namespaces = names;
	attaching.n_attach_namespaces = 2;
	assert_null(parent_device_objection(&m, &attaching, &error));
	m.netns = "green";
	assert_non_null(parent_device_objection(&m, &attaching, &error));
	m.netns = "";
	assert_null(parent_device_objection(&m, &attaching, &error));
	/* "red" has a VNet of the file */
	m = question("sstp101", "red", "192.168.9.128/25");
	assert_string_equal(parent_device_objection(&m, &attaching, &error),
			    "a pool overlaps one of gateway.yaml");
	assert_int_equal(error, -EADDRINUSE);
	m = question("sstp101", "red", "172.16.77.0/24"); /* lab's, which is elsewhere */
	assert_null(parent_device_objection(&m, &attaching, &error));
}

static void anywhere_is_any_name_and_no_path(void **state)
{
	static const char *const wrong[] = {"/proc/1/ns/net", "../x", "a/b", "..", "a b", "x\n"};
	struct gateway_config anywhere = config;
	struct parent_open m = question("sstp101", "green", "10.1.0.0/24");

	anywhere.attaches_anywhere = true;
	assert_null(parent_device_objection(&m, &anywhere, &error));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		m.netns = wrong[i];
		assert_non_null(parent_device_objection(&m, &anywhere, &error));
		assert_int_equal(error, -ENONET);
	}
}

/* ---- real ones */

struct scene {
	struct loop *loop;
	struct parent_devices *devices;
	unsigned answers;
	struct parent_device last;
	int fds[PARENT_QUEUES_MAX + 3]; /* owned copies, as the data plane would get */
	unsigned n;
};

static void on_answer(void *arg, const struct parent_msg *m, const int *fds)
{
	struct scene *s = arg;
	uint8_t packet[PARENT_MSG_MAX];

	assert_true(parent_msg_encode(m, packet) > 0);
	s->answers++;
	s->last = m->device;
	s->n = parent_msg_fds(m);
	for (unsigned i = 0; i < s->n; i++)
		s->fds[i] = dup(fds[i]);
	loop_stop(s->loop);
}

static void close_all(struct scene *s)
{
	while (s->n > 0)
		close(s->fds[--s->n]);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->loop = loop_new();
	s->devices = parent_devices_new(s->loop, on_answer, s);
	assert_non_null(s->devices);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	close_all(s);
	parent_devices_free(s->devices);
	loop_free(s->loop);
	free(s);
	return 0;
}

static void device_is_handed_over_and_not_kept(void **state)
{
	struct scene *s = *state;
	struct parent_open m = question("sstp3", "", "10.3.0.0/24");

	parent_devices_open(s->devices, &m);
	assert_int_equal(s->answers, 1);
	assert_int_equal(s->last.error, 0);
	assert_int_equal(s->last.queues, 2);
	assert_int_equal(s->n, 4 + s->last.is_steered);
	assert_int_equal(if_nametoindex("sstp3"), s->last.ifindex);
	close_all(s);
	assert_int_equal(if_nametoindex("sstp3"), 0);
}

static void pool_that_overlaps_one_of_a_device_that_was_given_is_refused(void **state)
{
	struct scene *s = *state;
	struct parent_open first = question("sstp8", "", "10.8.0.0/16");
	struct parent_open m = question("sstp9", "", "10.8.7.0/24");
	int fds[PARENT_QUEUES_MAX + 3];
	unsigned n;

	parent_devices_open(s->devices, &first);
	assert_int_equal(s->last.error, 0);
	n = s->n;
	memcpy(fds, s->fds, sizeof(fds));
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, -EADDRINUSE);
	/* the device of that name again, once it was let go: with another pool */
	m = question("sstp8", "", "10.8.7.0/24");
	while (n > 0)
		close(fds[--n]);
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, 0);
	close_all(s);
	/* nobody has it any more */
	m = question("sstp9", "", "10.8.7.0/24");
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, 0);
}

static void same_pool_in_another_namespace_is_no_overlap(void **state)
{
	struct scene *s = *state;
	struct parent_open m = question("sstp8", "", "10.8.0.0/16");
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int other = netns_create();
	char path[64];

	assert_true(here >= 0 && other >= 0);
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, 0);
	close_all(s);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", other);
	m = question("sstp8", path, "10.8.0.0/16");
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, 0);
	/* the same one by another word */
	m = question("sstp9", "/proc/self/ns/net", "10.8.0.0/16");
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, 0); /* sstp8 of here is gone */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", here);
	m = question("sstp10", path, "10.8.1.0/24");
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, -EADDRINUSE);
	close(here);
	close(other);
}

static void give_name_back(void *arg)
{
	int *fd = arg;

	close(*fd);
}

static void name_that_is_given_back_soon_is_waited_for(void **state)
{
	struct scene *s = *state;
	struct parent_open m = question("sstp4", "", "10.4.0.0/24");
	struct tun old;
	struct loop_timer *timer = loop_timer_new(s->loop, give_name_back, &old.fd);

	assert_int_equal(tun_open("sstp4", -1, &old), 0);
	parent_devices_open(s->devices, &m);
	assert_int_equal(s->answers, 0);
	loop_timer_set(timer, clock_now() + 30 * CLOCK_NS_PER_MS);
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->answers, 1);
	assert_int_equal(s->last.error, 0);
	loop_timer_free(timer);
}

static void what_cannot_be_opened_is_told_with_its_step(void **state)
{
	struct scene *s = *state;
	struct parent_open m = question("sstp5", "no-such-namespace", "10.5.0.0/24");

	parent_devices_open(s->devices, &m);
	assert_int_equal(s->last.error, -ENOENT);
	assert_int_equal(s->last.step, VNET_STEP_NETNS);
	parent_devices_refuse(s->devices, -EPERM);
	assert_int_equal(s->answers, 2);
	assert_int_equal(s->last.error, -EPERM);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void who_has_gone_is_not_answered(void **state)
{
	struct scene *s = *state;
	struct parent_open m = question("sstp6", "", "10.6.0.0/24");
	struct tun old;
	struct loop_timer *timer = loop_timer_new(s->loop, stop, s->loop);

	assert_int_equal(tun_open("sstp6", -1, &old), 0);
	parent_devices_open(s->devices, &m);
	parent_devices_forget(s->devices);
	tun_close(&old);
	loop_timer_set(timer, clock_now() + 60 * CLOCK_NS_PER_MS);
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->answers, 0);
	loop_timer_free(timer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_of_the_configuration_are_given_as_they_stand_there),
		cmocka_unit_test(devices_of_the_api_have_names_of_their_own),
		cmocka_unit_test(pools_of_the_api_are_private_and_overlap_none_of_the_file),
		cmocka_unit_test(
			ipv6_pools_of_the_api_are_unicast_and_of_a_link_that_can_carry_them),
		cmocka_unit_test(device_of_the_api_is_attached_where_the_configuration_allows_it),
		cmocka_unit_test(anywhere_is_any_name_and_no_path),
		TEST(device_is_handed_over_and_not_kept),
		TEST(pool_that_overlaps_one_of_a_device_that_was_given_is_refused),
		TEST(same_pool_in_another_namespace_is_no_overlap),
		TEST(name_that_is_given_back_soon_is_waited_for),
		TEST(what_cannot_be_opened_is_told_with_its_step),
		TEST(who_has_gone_is_not_answered),
	};

	lab_pool = prefix("172.16.77.0/24");
	red_pool = prefix("192.168.9.0/24");
	if (unshare(CLONE_NEWNET) < 0) {
		perror("a network namespace");
		return EXIT_FAILURE;
	}
	return cmocka_run_group_tests_name("gateway/parent_device", tests, NULL, NULL);
}
