/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/parent_msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"

#define AN_OPEN                                                                            \
	{                                                                                  \
		.tun = "sstp0", .netns = "red", .mtu = 1400, .offload = 0x1f, .queues = 3, \
		.addresses = 256,                                                          \
		.pools = {{.family = AF_INET, .len = 24, .addr = {172, 16, 77, 0}},        \
			  {.family = AF_INET6, .len = 48, .addr = {0xfd, 0, 0x77}},        \
			  {.family = AF_INET, .len = 32, .addr = {10, 1, 2, 3}}},          \
		.n_pools = 3,                                                              \
	}

static const struct parent_open an_open = AN_OPEN;

/* One of each kind, and of those that differ by what is in them. */
static const struct parent_msg samples[] = {
	{.kind = PARENT_CONFIG,
	 .config = {.reason = PARENT_RELOAD, .log_level = 3, .path = "/etc/gateway.yaml"}},
	{.kind = PARENT_PEER},
	{.kind = PARENT_DRAIN},
	{.kind = PARENT_STATS},
	{.kind = PARENT_RESULT, .result = {.error = 0, .text = ""}},
	{.kind = PARENT_RESULT, .result = {.error = -EINVAL, .text = "it cannot be"}},
	{.kind = PARENT_OPEN_DEVICE, .open = AN_OPEN},
	{.kind = PARENT_DEVICE,
	 .device = {.queues = 3,
		    .tun = "sstp0",
		    .ifindex = 70000,
		    .offload = 0x2f,
		    .is_steered = true,
		    .is_forwarding = true}},
	{.kind = PARENT_DEVICE,
	 .device = {.queues = 1, .tun = "sstp0", .ifindex = 1, .steer_error = -EPERM}},
	{.kind = PARENT_DEVICE, .device = {.error = -EBUSY, .step = 1}},
	{.kind = PARENT_LISTEN, .listen = {.index = 15, .sockets = 64}},
	{.kind = PARENT_SOCKETS, .sockets = {.text = "", .sockets = 2}},
	{.kind = PARENT_SOCKETS, .sockets = {.error = -EADDRINUSE, .text = "somebody is there"}},
	{.kind = PARENT_LEARN, .learn = {.vnet = "lab", .netns = "red"}},
	{.kind = PARENT_LEARN_SOCKET, .learn_socket = {.vnet = "lab"}},
	{.kind = PARENT_LEARN_SOCKET, .learn_socket = {.vnet = "lab", .error = -EPERM}},
	{.kind = PARENT_DIAL,
	 .dial = {.id = 7, .netns = "red", .server = {AF_INET, 32, {10, 1, 0, 4}}}},
	{.kind = PARENT_DIAL,
	 .dial = {.id = 9,
		  .netns = "",
		  .server = {AF_INET6, 128, {0xfd, 1}},
		  .use = PARENT_DIAL_PORT,
		  .port = 443}},
	{.kind = PARENT_DIAL,
	 .dial = {.id = 9,
		  .netns = "",
		  .server = {AF_INET, 32, {10, 1, 0, 4}},
		  .use = PARENT_DIAL_ECHO}},
	{.kind = PARENT_DIAL, .dial = {.id = 8, .netns = "", .server = {AF_INET, 0, {0}}}},
	{.kind = PARENT_DIALLED, .dialled = {.id = UINT32_MAX}},
	{.kind = PARENT_DIALLED, .dialled = {.id = 7, .error = -EPERM}},
	{.kind = PARENT_WATCH,
	 .watch = {.id = 7,
		   .netns = "red",
		   .target = {AF_INET, 32, {10, 1, 0, 4}},
		   .port = 80,
		   .own = 61001}},
	{.kind = PARENT_WATCHING, .watching = {.id = 7}},
	{.kind = PARENT_WATCHING, .watching = {.id = 7, .own_error = -EPERM}},
	{.kind = PARENT_WATCHING, .watching = {.id = 7, .error = -EPERM}},
	{.kind = PARENT_ANNOUNCE, .announce = {.vnet = "lab", .netns = "", .table = 70000}},
	{.kind = PARENT_ANNOUNCED,
	 .announced = {.vnet = "lab", .error = -EEXIST, .text = "another one's table"}},
};

enum {
	SAMPLES = sizeof(samples) / sizeof(samples[0])
};

static const unsigned sample_fds[SAMPLES] = {2, 1, 0, 0, 0, 0, 0, 6, 3, 0, 0, 2, 0, 0,
					     1, 0, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 1, 0};

static bool is_from_parent(const struct parent_msg *m)
{
	return m->kind < 0x80;
}

static void check_same(const struct parent_msg *a, const struct parent_msg *b)
{
	assert_int_equal(a->kind, b->kind);
	switch (a->kind) {
	case PARENT_CONFIG:
		assert_int_equal(a->config.reason, b->config.reason);
		assert_int_equal(a->config.log_level, b->config.log_level);
		assert_string_equal(a->config.path, b->config.path);
		break;
	case PARENT_RESULT:
		assert_int_equal(a->result.error, b->result.error);
		assert_string_equal(a->result.text, b->result.text);
		break;
	case PARENT_OPEN_DEVICE:
		assert_string_equal(a->open.tun, b->open.tun);
		assert_string_equal(a->open.netns, b->open.netns);
		assert_int_equal(a->open.mtu, b->open.mtu);
		assert_int_equal(a->open.offload, b->open.offload);
		assert_int_equal(a->open.queues, b->open.queues);
		assert_int_equal(a->open.addresses, b->open.addresses);
		assert_int_equal(a->open.n_pools, b->open.n_pools);
		for (size_t i = 0; i < a->open.n_pools; i++)
			assert_true(prefix_equal(&a->open.pools[i], &b->open.pools[i]));
		break;
	case PARENT_DEVICE:
		assert_int_equal(a->device.error, b->device.error);
		assert_int_equal(a->device.step, b->device.step);
		if (a->device.error)
			break;
		assert_string_equal(a->device.tun, b->device.tun);
		assert_int_equal(a->device.queues, b->device.queues);
		assert_int_equal(a->device.ifindex, b->device.ifindex);
		assert_int_equal(a->device.offload, b->device.offload);
		assert_int_equal(a->device.is_steered, b->device.is_steered);
		assert_int_equal(a->device.steer_error, b->device.steer_error);
		assert_int_equal(a->device.is_forwarding, b->device.is_forwarding);
		break;
	case PARENT_LISTEN:
		assert_int_equal(a->listen.index, b->listen.index);
		assert_int_equal(a->listen.sockets, b->listen.sockets);
		break;
	case PARENT_SOCKETS:
		assert_int_equal(a->sockets.error, b->sockets.error);
		assert_string_equal(a->sockets.text, b->sockets.text);
		assert_int_equal(a->sockets.sockets, b->sockets.sockets);
		break;
	case PARENT_LEARN:
		assert_string_equal(a->learn.vnet, b->learn.vnet);
		assert_string_equal(a->learn.netns, b->learn.netns);
		break;
	case PARENT_DIAL:
		assert_int_equal(a->dial.id, b->dial.id);
		assert_string_equal(a->dial.netns, b->dial.netns);
		assert_memory_equal(&a->dial.server, &b->dial.server, sizeof(a->dial.server));
		assert_int_equal(a->dial.use, b->dial.use);
		assert_int_equal(a->dial.port, b->dial.port);
		break;
	case PARENT_DIALLED:
		assert_int_equal(a->dialled.id, b->dialled.id);
		assert_int_equal(a->dialled.error, b->dialled.error);
		break;
	case PARENT_WATCH:
		assert_int_equal(a->watch.id, b->watch.id);
		assert_string_equal(a->watch.netns, b->watch.netns);
		assert_memory_equal(&a->watch.target, &b->watch.target, sizeof(a->watch.target));
		assert_int_equal(a->watch.port, b->watch.port);
		assert_int_equal(a->watch.own, b->watch.own);
		break;
	case PARENT_WATCHING:
		assert_int_equal(a->watching.id, b->watching.id);
		assert_int_equal(a->watching.error, b->watching.error);
		assert_int_equal(a->watching.own_error, b->watching.own_error);
		break;
	case PARENT_LEARN_SOCKET:
		assert_string_equal(a->learn_socket.vnet, b->learn_socket.vnet);
		assert_int_equal(a->learn_socket.error, b->learn_socket.error);
		break;
	case PARENT_ANNOUNCE:
		assert_string_equal(a->announce.vnet, b->announce.vnet);
		assert_string_equal(a->announce.netns, b->announce.netns);
		assert_int_equal(a->announce.table, b->announce.table);
		break;
	case PARENT_ANNOUNCED:
		assert_string_equal(a->announced.vnet, b->announced.vnet);
		assert_int_equal(a->announced.error, b->announced.error);
		assert_string_equal(a->announced.text, b->announced.text);
		break;
	default: break;
	}
}

static void each_message_arrives_as_it_was_sent(void **state)
{
	uint8_t buf[PARENT_MSG_MAX];
	struct parent_msg got;

	for (unsigned i = 0; i < SAMPLES; i++) {
		int len = parent_msg_encode(&samples[i], buf);

		assert_true(len > 0);
		assert_int_equal(parent_msg_fds(&samples[i]), sample_fds[i]);
		assert_int_equal(parent_msg_decode(buf, (size_t)len, sample_fds[i],
						   is_from_parent(&samples[i]), &got),
				 0);
		check_same(&samples[i], &got);
	}
}

static void each_counts_its_descriptors_and_goes_one_way_only(void **state)
{
	uint8_t buf[PARENT_MSG_MAX];
	struct parent_msg got;

	for (unsigned i = 0; i < SAMPLES; i++) {
		size_t len = (size_t)parent_msg_encode(&samples[i], buf);
		bool from_parent = is_from_parent(&samples[i]);

		assert_int_equal(parent_msg_decode(buf, len, sample_fds[i], !from_parent, &got),
				 -EBADMSG);
		assert_int_equal(parent_msg_decode(buf, len, sample_fds[i] + 1, from_parent, &got),
				 -EBADMSG);
	}
}

static void what_is_cut_or_longer_is_no_message(void **state)
{
	uint8_t buf[PARENT_MSG_MAX + 1] = {0};
	struct parent_msg got;

	for (unsigned i = 0; i < SAMPLES; i++) {
		size_t len = (size_t)parent_msg_encode(&samples[i], buf);
		bool from_parent = is_from_parent(&samples[i]);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(
				parent_msg_decode(buf, cut, sample_fds[i], from_parent, &got),
				-EBADMSG);
		buf[len] = 0;
		assert_int_equal(parent_msg_decode(buf, len + 1, sample_fds[i], from_parent, &got),
				 -EBADMSG);
	}
}

static int encode_open(struct parent_open open)
{
	struct parent_msg m = {.kind = PARENT_OPEN_DEVICE, .open = open};
	uint8_t buf[PARENT_MSG_MAX];

	return parent_msg_encode(&m, buf);
}

static void what_is_over_its_limit_is_not_encoded(void **state)
{
	char *path = malloc(PARENT_PATH_MAX + 2);
	struct parent_open open = an_open;

	memset(path, 'x', PARENT_PATH_MAX + 1);
	path[PARENT_PATH_MAX + 1] = '\0';
	open.netns = path;
	assert_int_equal(encode_open(open), -EMSGSIZE);
	assert_true(encode_open((open.netns = path + 1, open)) > 0);
	open.tun = "a-name-that-is-too-long";
	assert_int_equal(encode_open(open), -EMSGSIZE);
	open = an_open;
	open.queues = 0;
	assert_int_equal(encode_open(open), -EMSGSIZE);
	open.queues = PARENT_QUEUES_MAX + 1;
	assert_int_equal(encode_open(open), -EMSGSIZE);
	open = an_open;
	open.n_pools = PARENT_POOLS_MAX + 1;
	assert_int_equal(encode_open(open), -EMSGSIZE);
	open = an_open;
	open.pools[0].family = AF_UNIX;
	assert_int_equal(encode_open(open), -EMSGSIZE);
	free(path);
}

static void dial_has_a_port_if_its_use_has_one(void **state)
{
	struct parent_msg got, m = {.kind = PARENT_DIAL,
				    .dial = {.netns = "", .server = {AF_INET, 32, {10, 1, 0, 4}}}};
	uint8_t buf[PARENT_MSG_MAX];

	for (int use = 0; use <= PARENT_DIAL_USES; use++)
		for (uint16_t port = 0; port < 2; port++) {
			int len;

			m.dial.use = (enum parent_dial_use)use;
			m.dial.port = port;
			len = parent_msg_encode(&m, buf);
			assert_int_equal(parent_msg_decode(buf, (size_t)len, 0, false, &got),
					 use < PARENT_DIAL_USES && port == (use == PARENT_DIAL_PORT)
						 ? 0
						 : -EBADMSG);
		}
}

/* A pool is the last thing in the message: 10.1.2.3/32. */
static void prefix_with_bits_behind_its_length_is_none(void **state)
{
	struct parent_msg m = {.kind = PARENT_OPEN_DEVICE, .open = an_open};
	uint8_t buf[PARENT_MSG_MAX];
	size_t len = (size_t)parent_msg_encode(&m, buf);
	struct parent_msg got;

	for (int bits = 0; bits <= 255; bits++) {
		buf[len - 1] = (uint8_t)bits;
		assert_int_equal(parent_msg_decode(buf, len, 0, false, &got),
				 bits == 32 ? 0 : -EBADMSG);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_arrives_as_it_was_sent),
		cmocka_unit_test(each_counts_its_descriptors_and_goes_one_way_only),
		cmocka_unit_test(what_is_cut_or_longer_is_no_message),
		cmocka_unit_test(what_is_over_its_limit_is_not_encoded),
		cmocka_unit_test(dial_has_a_port_if_its_use_has_one),
		cmocka_unit_test(prefix_with_bits_behind_its_length_is_none),
	};

	return cmocka_run_group_tests_name("control/parent_msg", tests, NULL, NULL);
}
