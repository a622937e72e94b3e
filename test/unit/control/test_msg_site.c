/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	FRAME_MAX = 4096, /* of the samples */
};

#define THUMBPRINT "0123456789ABCDEF0123456789ABCDEF01234567"

static const struct msg_site_vnet blue = {
	.vnet = {.name = "blue",
		 .spaces = {"10.1.0.0/16", "fd00:1::/48"},
		 .n_spaces = 2,
		 .pools = {"172.16.0.0/24"},
		 .n_pools = 1,
		 .dns = {"10.1.0.4"},
		 .n_dns = 1,
		 .domains = {"corp.example", "example"},
		 .n_domains = 2,
		 .gateway = "172.16.0.1",
		 .netns = "hub"},
	.device = "sstp7",
};

/* Of every length that takes another number of bytes. */
static const struct prefix routes[] = {
	{.family = AF_INET, .len = 0},
	{.family = AF_INET, .len = 8, .addr = {10}},
	{.family = AF_INET, .len = 12, .addr = {172, 16}},
	{.family = AF_INET, .len = 23, .addr = {192, 168, 2}},
	{.family = AF_INET, .len = 32, .addr = {192, 0, 2, 255}},
	{.family = AF_INET6, .len = 0},
	{.family = AF_INET6, .len = 7, .addr = {0xfc}},
	{.family = AF_INET6, .len = 64, .addr = {0xfd, 0, 0, 1, 0, 0, 0, 2}},
	{.family = AF_INET6, .len = 128, .addr = {0xfd, [15] = 1}},
};

static const struct msg_connection connection = {
	.app = "shop",
	.vnet = "blue",
	.refusal = "",
	.routes = routes,
	.n_routes = sizeof(routes) / sizeof(routes[0]),
	.dns_be = {0x0400010a, 0},
	.description = "{\"vnetName\":\"bl\xc3\xbc\"}",
};

static const struct msg_route vnet_routes_list[] = {
	{{.family = AF_INET, .len = 16, .addr = {10, 1}}, MSG_VERDICT_VNET},
	{{.family = AF_INET, .len = 0}, MSG_VERDICT_OPEN},
	{{.family = AF_INET6, .len = 48, .addr = {0xfd, 0, 0, 1}}, MSG_VERDICT_PEERING},
};

static const struct msg_vnet_routes vnet_routes = {
	.vnet = "blue", .part = MSG_PART_LAST, .routes = vnet_routes_list, .n_routes = 3};

static const struct msg_lease leases_list[] = {
	{.address_be = 0x020010ac, .owner = "l" THUMBPRINT},
	{.address_be = 0x030010ac, .owner = "ualice\xff"},
};

static const struct msg_leases leases = {.vnet = "blue", .leases = leases_list, .n_leases = 2};

static const struct msg_disconnect disconnect = {
	.session = UINT64_C(0xfedcba9876543210),
	.app = "shop",
	.vnet = "",
	.reason = "an operator wants it",
	.is_restart = true,
};

static const struct msg_session_up up = {
	.boot = UINT64_C(0x0123456789abcdef),
	.id = 7,
	.since = 1790000000,
	.app = "shop",
	.vnet = "blue",
	.user = "shop@blue",
	.owner = "l" THUMBPRINT,
	.address_be = 0x020010ac,
	.address6 = "fd00:1:0:7::1",
	.source = "[2001:db8::1]:50123",
	.correlation = "{00000000-0000-0000-0000-000000000001}",
	.thumbprint = THUMBPRINT,
	.counts = {1, 2, 3, UINT64_MAX},
};

static const struct msg_session_down down = {
	.boot = 1,
	.id = 7,
	.reason = "the client said goodbye",
	.counts = {5, 6, 7, 8},
};

static const struct msg_traffic_entry entries[] = {
	{.id = 7, .counts = {1, 2, 3, 4}},
	{.id = UINT64_MAX, .counts = {9, 9, 9, 9}},
};

static const struct msg_traffic traffic = {.boot = 1, .entries = entries, .n_entries = 2};

static const struct msg_vnet_state state_down = {.vnet = "blue", .why = "its device is gone"};

/* ---- samples, and what takes them ---- */

static const uint8_t all_kinds[] = {
	MSG_SESSIONS_BEGIN, MSG_SESSIONS_END,	 MSG_SESSION_UP, MSG_SESSION_DOWN, MSG_TRAFFIC,
	MSG_VNET_STATE,	    MSG_SITE_BEGIN,	 MSG_SITE_END,	 MSG_VNET,	   MSG_VNET_GONE,
	MSG_CONNECTION,	    MSG_CONNECTION_GONE, MSG_LEASES,	 MSG_DISCONNECT,   MSG_VNET_ROUTES,
};

static int encode(uint8_t kind, uint8_t **ret_frame, size_t *ret_len)
{
	switch (kind) {
	case MSG_SESSION_UP: return msg_session_up_encode(&up, ret_frame, ret_len);
	case MSG_SESSION_DOWN: return msg_session_down_encode(&down, ret_frame, ret_len);
	case MSG_TRAFFIC: return msg_traffic_encode(&traffic, ret_frame, ret_len);
	case MSG_VNET_STATE: return msg_vnet_state_encode(&state_down, ret_frame, ret_len);
	case MSG_VNET: return msg_site_vnet_encode(&blue, ret_frame, ret_len);
	case MSG_CONNECTION: return msg_connection_encode(&connection, ret_frame, ret_len);
	case MSG_VNET_ROUTES: return msg_vnet_routes_encode(&vnet_routes, ret_frame, ret_len);
	case MSG_LEASES: return msg_leases_encode(&leases, ret_frame, ret_len);
	case MSG_DISCONNECT: return msg_disconnect_encode(&disconnect, ret_frame, ret_len);
	default: return msg_name_encode((enum msg_kind)kind, "blue", ret_frame, ret_len);
	}
}

/* As the decoder of this kind says; what it owns is given back. */
static int decode_into_nothing(uint8_t kind, const uint8_t *payload, size_t len)
{
	struct msg_site_vnet site_vnet;
	struct msg_connection c;
	struct msg_vnet_routes v;
	struct msg_leases l;
	struct msg_disconnect d;
	struct msg_session_up session;
	struct msg_session_down gone;
	struct msg_traffic t;
	struct msg_vnet_state vnet_state;
	const char *name;
	int r;

	switch (kind) {
	case MSG_SESSION_UP: return msg_session_up_decode(payload, len, &session);
	case MSG_SESSION_DOWN: return msg_session_down_decode(payload, len, &gone);
	case MSG_TRAFFIC:
		r = msg_traffic_decode(payload, len, &t);
		if (r == 0)
			msg_traffic_done(&t);
		return r;
	case MSG_VNET_STATE: return msg_vnet_state_decode(payload, len, &vnet_state);
	case MSG_VNET: return msg_site_vnet_decode(payload, len, &site_vnet);
	case MSG_CONNECTION:
		r = msg_connection_decode(payload, len, &c);
		if (r == 0)
			msg_connection_done(&c);
		return r;
	case MSG_VNET_ROUTES:
		r = msg_vnet_routes_decode(payload, len, &v);
		if (r == 0)
			msg_vnet_routes_done(&v);
		return r;
	case MSG_LEASES:
		r = msg_leases_decode(payload, len, &l);
		if (r == 0)
			msg_leases_done(&l);
		return r;
	case MSG_DISCONNECT: return msg_disconnect_decode(payload, len, &d);
	default: return msg_name_decode(payload, len, &name);
	}
}

/* In memory of exactly its size: 1 when it is taken. */
static int decode(uint8_t kind, const uint8_t *payload, size_t len)
{
	uint8_t *copy = malloc(len + !len);
	int r;

	assert_non_null(copy);
	memcpy(copy, payload, len);
	r = decode_into_nothing(kind, copy, len);
	free(copy);
	assert_true(r == 0 || r == -EBADMSG);
	return r == 0;
}

/* A sample's payload; returns its length. */
static size_t sample(uint8_t kind, uint8_t payload[FRAME_MAX])
{
	uint8_t *frame;
	size_t len;

	assert_int_equal(encode(kind, &frame, &len), 0);
	assert_in_range(len, MSG_HEAD_SIZE, FRAME_MAX);
	memcpy(payload, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE);
	msg_frame_free(frame, len);
	return len - MSG_HEAD_SIZE;
}

/* ---- there and back ---- */

static void vnet_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_VNET, payload);
	struct msg_site_vnet got;

	assert_int_equal(msg_site_vnet_decode(payload, len, &got), 0);
	assert_string_equal(got.device, "sstp7");
	assert_string_equal(got.vnet.netns, "hub");
	assert_string_equal(got.vnet.name, "blue");
	assert_int_equal(got.vnet.n_spaces, 2);
	assert_string_equal(got.vnet.spaces[1], "fd00:1::/48");
	assert_int_equal(got.vnet.n_pools, 1);
	assert_string_equal(got.vnet.pools[0], "172.16.0.0/24");
	assert_int_equal(got.vnet.n_dns, 1);
	assert_string_equal(got.vnet.dns[0], "10.1.0.4");
	assert_int_equal(got.vnet.n_domains, 2);
	assert_string_equal(got.vnet.domains[0], "corp.example");
	assert_string_equal(got.vnet.domains[1], "example");
	assert_string_equal(got.vnet.gateway, "172.16.0.1");
}

static void connection_comes_back_with_routes_of_every_length(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_CONNECTION, payload);
	struct msg_connection got;

	assert_int_equal(msg_connection_decode(payload, len, &got), 0);
	assert_string_equal(got.app, "shop");
	assert_string_equal(got.vnet, "blue");
	assert_string_equal(got.refusal, "");
	assert_int_equal(got.n_routes, connection.n_routes);
	assert_memory_equal(got.routes, routes, sizeof(routes));
	assert_int_equal(got.dns_be[0], connection.dns_be[0]);
	assert_int_equal(got.dns_be[1], 0);
	assert_string_equal(got.description, connection.description);
	msg_connection_done(&got);
	assert_null(got.routes);
}

static void connection_without_routes_has_none(void **state)
{
	struct msg_connection m = {.app = "a", .vnet = "b", .refusal = "no", .description = ""};
	struct msg_connection got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_connection_encode(&m, &frame, &len), 0);
	assert_int_equal(msg_connection_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 0);
	assert_int_equal(got.n_routes, 0);
	assert_string_equal(got.refusal, "no");
	msg_connection_done(&got);
	msg_frame_free(frame, len);
}

static void routes_of_a_vnet_come_back_with_their_verdicts(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_VNET_ROUTES, payload);
	struct msg_vnet_routes got;

	assert_int_equal(msg_vnet_routes_decode(payload, len, &got), 0);
	assert_string_equal(got.vnet, "blue");
	assert_int_equal(got.part, MSG_PART_LAST);
	assert_int_equal(got.n_routes, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(prefix_equal(&got.routes[i].prefix, &vnet_routes_list[i].prefix));
		assert_int_equal(got.routes[i].verdict, vnet_routes_list[i].verdict);
	}
	msg_vnet_routes_done(&got);
	assert_null(got.routes);
}

static void vnet_without_routes_has_none(void **state)
{
	struct msg_vnet_routes m = {.vnet = "blue"};
	struct msg_vnet_routes got;
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_vnet_routes_encode(&m, &frame, &len), 0);
	assert_int_equal(msg_vnet_routes_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
			 0);
	assert_int_equal(got.part, MSG_PART_ONLY);
	assert_int_equal(got.n_routes, 0);
	msg_vnet_routes_done(&got);
	msg_frame_free(frame, len);
}

static void names_come_back_under_each_kind(void **state)
{
	static const uint8_t kinds[] = {MSG_SITE_BEGIN,	    MSG_SITE_END,     MSG_VNET_GONE,
					MSG_SESSIONS_BEGIN, MSG_SESSIONS_END, MSG_CONNECTION_GONE};

	for (size_t i = 0; i < sizeof(kinds); i++) {
		const char *text = i % 2 ? "" : "blue";
		const char *got;
		uint8_t *frame;
		size_t len;

		assert_int_equal(msg_name_encode((enum msg_kind)kinds[i], text, &frame, &len), 0);
		assert_int_equal(frame[4], kinds[i]);
		assert_int_equal(msg_name_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
				 0);
		assert_string_equal(got, text);
		msg_frame_free(frame, len);
	}
}

static void leases_come_back_as_they_were(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_LEASES, payload);
	struct msg_leases got;

	assert_int_equal(msg_leases_decode(payload, len, &got), 0);
	assert_string_equal(got.vnet, "blue");
	assert_int_equal(got.n_leases, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(got.leases[i].address_be, leases_list[i].address_be);
		assert_string_equal(got.leases[i].owner, leases_list[i].owner);
	}
	msg_leases_done(&got);
	assert_null(got.leases);
}

static void disconnect_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_DISCONNECT, payload);
	struct msg_disconnect got;

	assert_int_equal(msg_disconnect_decode(payload, len, &got), 0);
	assert_true(got.session == disconnect.session);
	assert_string_equal(got.app, "shop");
	assert_string_equal(got.vnet, "");
	assert_string_equal(got.reason, disconnect.reason);
	assert_true(got.is_restart);
}

static void assert_counts(const struct msg_counts *got, const struct msg_counts *expected)
{
	assert_true(got->sent_packets == expected->sent_packets);
	assert_true(got->sent_bytes == expected->sent_bytes);
	assert_true(got->received_packets == expected->received_packets);
	assert_true(got->received_bytes == expected->received_bytes);
}

static void session_comes_back_as_it_came_up_and_went(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_SESSION_UP, payload);
	struct msg_session_up got;
	struct msg_session_down gone;

	assert_int_equal(msg_session_up_decode(payload, len, &got), 0);
	assert_true(got.boot == up.boot && got.id == up.id && got.since == up.since);
	assert_string_equal(got.app, up.app);
	assert_string_equal(got.vnet, up.vnet);
	assert_string_equal(got.user, up.user);
	assert_string_equal(got.owner, up.owner);
	assert_int_equal(got.address_be, up.address_be);
	assert_string_equal(got.address6, up.address6);
	assert_string_equal(got.source, up.source);
	assert_string_equal(got.correlation, up.correlation);
	assert_string_equal(got.thumbprint, up.thumbprint);
	assert_counts(&got.counts, &up.counts);
	len = sample(MSG_SESSION_DOWN, payload);
	assert_int_equal(msg_session_down_decode(payload, len, &gone), 0);
	assert_true(gone.boot == down.boot && gone.id == down.id);
	assert_string_equal(gone.reason, down.reason);
	assert_counts(&gone.counts, &down.counts);
}

static void traffic_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_TRAFFIC, payload);
	struct msg_traffic got;

	assert_int_equal(msg_traffic_decode(payload, len, &got), 0);
	assert_true(got.boot == traffic.boot);
	assert_int_equal(got.n_entries, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(got.entries[i].id == entries[i].id);
		assert_counts(&got.entries[i].counts, &entries[i].counts);
	}
	msg_traffic_done(&got);
	assert_null(got.entries);
}

static void vnet_state_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_VNET_STATE, payload);
	struct msg_vnet_state got;

	assert_int_equal(msg_vnet_state_decode(payload, len, &got), 0);
	assert_string_equal(got.vnet, "blue");
	assert_string_equal(got.why, "its device is gone");
}

/* ---- limits ---- */

static void head_of_each_kind_is_taken_in_its_own_direction_only(void **state)
{
	for (size_t i = 0; i < sizeof(all_kinds); i++) {
		bool to_control = all_kinds[i] < 0x80;
		enum msg_kind kind;
		uint8_t *frame;
		size_t len, payload_len;

		assert_int_equal(encode(all_kinds[i], &frame, &len), 0);
		assert_true(msg_head(frame, to_control, &kind, &payload_len));
		assert_int_equal(kind, all_kinds[i]);
		assert_int_equal(payload_len, len - MSG_HEAD_SIZE);
		assert_false(msg_head(frame, !to_control, &kind, &payload_len));
		msg_frame_free(frame, len);
	}
}

/* What is at every limit at once still fits into a frame of its kind, and comes back. */
static void fullest_connection_and_leases_fit(void **state)
{
	static struct prefix most[MSG_ROUTES_MAX + 1];
	static struct msg_lease all[MSG_LEASES_MAX + 1];
	static char text[MSG_DESCRIPTION_MAX + 1], name[MSG_NAME_MAX + 1], why[MSG_REASON_MAX + 1];
	static char owner[MSG_OWNER_MAX + 1];
	struct msg_connection c = {.app = name, .vnet = name, .refusal = why, .description = text};
	struct msg_leases l = {.vnet = name, .leases = all};
	uint8_t *frame;
	size_t len;

	memset(text, 'd', MSG_DESCRIPTION_MAX);
	memset(name, 'n', MSG_NAME_MAX);
	memset(why, 'w', MSG_REASON_MAX);
	memset(owner, 'o', MSG_OWNER_MAX);
	for (size_t i = 0; i <= MSG_ROUTES_MAX; i++)
		most[i] = (struct prefix){.family = AF_INET6, .len = 128, .addr = {0xfd, 2, 3}};
	for (size_t i = 0; i <= MSG_LEASES_MAX; i++)
		all[i].owner = owner;
	c.routes = most;
	c.n_routes = MSG_ROUTES_MAX;
	assert_int_equal(msg_connection_encode(&c, &frame, &len), 0);
	assert_int_equal(decode(MSG_CONNECTION, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE), 1);
	msg_frame_free(frame, len);
	l.n_leases = MSG_LEASES_MAX;
	assert_int_equal(msg_leases_encode(&l, &frame, &len), 0);
	assert_int_equal(decode(MSG_LEASES, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE), 1);
	msg_frame_free(frame, len);
	c.n_routes++;
	assert_int_equal(msg_connection_encode(&c, &frame, &len), -EMSGSIZE);
	l.n_leases++;
	assert_int_equal(msg_leases_encode(&l, &frame, &len), -EMSGSIZE);
}

static void fullest_vnet_and_its_routes_fit(void **state)
{
	static struct msg_route most[MSG_VNET_ROUTES_MAX + 1];
	static char text[MSG_NAME_MAX + 1];
	struct msg_vnet_routes m = {.vnet = text, .routes = most, .n_routes = MSG_VNET_ROUTES_MAX};
	struct msg_site_vnet v = {.device = "sstp7", .vnet.netns = text};
	uint8_t *frame;
	size_t len;

	memset(text, 'n', MSG_NAME_MAX);
	for (size_t i = 0; i <= MSG_VNET_ROUTES_MAX; i++)
		most[i].prefix = (struct prefix){.family = AF_INET6, .len = 128, .addr = {0xfd}};
	assert_int_equal(msg_vnet_routes_encode(&m, &frame, &len), 0);
	assert_int_equal(decode(MSG_VNET_ROUTES, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE), 1);
	msg_frame_free(frame, len);
	m.n_routes++;
	assert_int_equal(msg_vnet_routes_encode(&m, &frame, &len), -EMSGSIZE);
	v.vnet.name = v.vnet.gateway = text;
	for (; v.vnet.n_spaces < MSG_SPACES_MAX; v.vnet.n_spaces++)
		v.vnet.spaces[v.vnet.n_spaces] = text;
	for (; v.vnet.n_pools < MSG_POOLS_MAX; v.vnet.n_pools++)
		v.vnet.pools[v.vnet.n_pools] = text;
	for (; v.vnet.n_dns < MSG_SERVERS_MAX; v.vnet.n_dns++)
		v.vnet.dns[v.vnet.n_dns] = text;
	for (; v.vnet.n_domains < MSG_DOMAINS_MAX; v.vnet.n_domains++)
		v.vnet.domains[v.vnet.n_domains] = text;
	assert_int_equal(msg_site_vnet_encode(&v, &frame, &len), 0);
	assert_int_equal(decode(MSG_VNET, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE), 1);
	msg_frame_free(frame, len);
	v.vnet.n_domains++;
	assert_int_equal(msg_site_vnet_encode(&v, &frame, &len), -EMSGSIZE);
}

static void fullest_session_and_traffic_fit(void **state)
{
	static struct msg_traffic_entry all[MSG_TRAFFIC_MAX + 1];
	static char name[MSG_NAME_MAX + 1], user[MSG_REASON_MAX + 2], owner[MSG_OWNER_MAX + 2];
	static char endpoint[MSG_ENDPOINT_MAX + 2];
	struct msg_session_up m = up;
	struct msg_traffic t = {.entries = all, .n_entries = MSG_TRAFFIC_MAX};
	uint8_t *frame;
	size_t len;

	memset(name, 'n', MSG_NAME_MAX);
	memset(user, 'u', MSG_REASON_MAX);
	memset(owner, 'o', MSG_OWNER_MAX);
	memset(endpoint, 'e', MSG_ENDPOINT_MAX);
	m.app = m.vnet = name;
	m.user = user;
	m.owner = owner;
	m.source = m.correlation = endpoint;
	assert_int_equal(msg_session_up_encode(&m, &frame, &len), 0);
	assert_int_equal(decode(MSG_SESSION_UP, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE), 1);
	msg_frame_free(frame, len);
	owner[MSG_OWNER_MAX] = 'o';
	assert_int_equal(msg_session_up_encode(&m, &frame, &len), -EMSGSIZE);
	m.owner = NULL;
	assert_int_equal(msg_session_up_encode(&m, &frame, &len), -EINVAL);
	assert_int_equal(msg_traffic_encode(&t, &frame, &len), 0);
	assert_int_equal(decode(MSG_TRAFFIC, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE), 1);
	msg_frame_free(frame, len);
	t.n_entries++;
	assert_int_equal(msg_traffic_encode(&t, &frame, &len), -EMSGSIZE);
}

/* A prefix has a family and says nothing behind its length: else the decoder would refuse all of the message. */
static void prefix_that_no_decoder_takes_is_not_encoded(void **state)
{
	static const struct prefix wrong[] = {
		{.family = AF_UNIX, .len = 8, .addr = {10}},
		{.family = AF_INET6, .len = 129, .addr = {0xfc}},
		{.family = AF_INET6, .len = 6, .addr = {0xfe}},
		{.family = AF_INET, .len = 33, .addr = {10}},
		{.family = AF_INET, .len = 4, .addr = {10}},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct msg_connection m = connection;
		uint8_t *frame;
		size_t len;

		m.routes = &wrong[i];
		m.n_routes = 1;
		assert_int_equal(msg_connection_encode(&m, &frame, &len), -EMSGSIZE);
	}
}

static void part_or_verdict_that_there_is_not_is_not_encoded(void **state)
{
	struct msg_route one = {{.family = AF_INET}, MSG_VERDICT_COUNT};
	struct msg_vnet_routes m = {.vnet = "blue", .routes = &one, .n_routes = 1};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_vnet_routes_encode(&m, &frame, &len), -EMSGSIZE);
	one.verdict = MSG_VERDICT_VNET;
	m.part = MSG_PART_COUNT;
	assert_int_equal(msg_vnet_routes_encode(&m, &frame, &len), -EINVAL);
}

/* ---- what no honest peer sends ---- */

static void payload_that_is_cut_or_has_more_behind_it_is_refused(void **state)
{
	for (size_t k = 0; k < sizeof(all_kinds); k++) {
		uint8_t payload[FRAME_MAX + 1] = {0};
		size_t len = sample(all_kinds[k], payload);

		assert_int_equal(decode(all_kinds[k], payload, len), 1);
		payload[len] = 0;
		assert_int_equal(decode(all_kinds[k], payload, len + 1), 0);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(decode(all_kinds[k], payload, n), 0);
	}
}

static void payload_with_any_bytes_changed_is_taken_or_refused(void **state)
{
	struct prng prng;

	prng_init(&prng, 5);
	for (size_t k = 0; k < sizeof(all_kinds); k++) {
		uint8_t payload[FRAME_MAX];
		size_t len = sample(all_kinds[k], payload);

		for (unsigned i = 0; i < 20000; i++) {
			uint8_t copy[FRAME_MAX];

			memcpy(copy, payload, len);
			copy[prng_below(&prng, (uint32_t)len)] = (uint8_t)prng_below(&prng, 256);
			decode(all_kinds[k], copy, len);
		}
	}
}

/* Where the count of the routes stands: behind two names and no refusal. */
static size_t count_at(void)
{
	return 3 * (4 + 1) + strlen(connection.app) + strlen(connection.vnet);
}

static void prefix_with_bits_behind_its_length_is_refused(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_CONNECTION, payload);
	/* each has its family in front: 0/0 is two bytes, 10/8 three, and then 12 and 172.16 */
	size_t at = count_at() + 2 + 2 + 3 + 1;

	assert_int_equal(payload[at], 12);
	assert_int_equal(payload[at + 2], 16);
	payload[at + 2] = 17;
	assert_int_equal(decode(MSG_CONNECTION, payload, len), 0);
	payload[at + 2] = 32;
	assert_int_equal(decode(MSG_CONNECTION, payload, len), 1);
	payload[at] = 33;
	assert_int_equal(decode(MSG_CONNECTION, payload, len), 0);
}

/* Nothing is allocated for them: fewer bytes follow than they need at least. */
static void count_of_more_than_the_payload_can_hold_is_refused(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_CONNECTION, payload);
	size_t at = count_at();

	assert_int_equal(payload[at + 1], connection.n_routes);
	payload[at] = 0x0f;
	assert_int_equal(decode(MSG_CONNECTION, payload, len), 0);
	payload[at] = 0x10; /* 4096 and some: over MSG_ROUTES_MAX */
	assert_int_equal(decode(MSG_CONNECTION, payload, len), 0);
}

static void verdict_or_part_that_there_is_not_is_refused(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(MSG_VNET_ROUTES, payload);
	size_t part_at = 4 + strlen(vnet_routes.vnet) + 1;

	assert_int_equal(payload[part_at], MSG_PART_LAST);
	payload[part_at] = MSG_PART_COUNT;
	assert_int_equal(decode(MSG_VNET_ROUTES, payload, len), 0);
	payload[part_at] = MSG_PART_FIRST;
	assert_int_equal(decode(MSG_VNET_ROUTES, payload, len), 1);
	assert_int_equal(payload[len - 1], MSG_VERDICT_PEERING);
	payload[len - 1] = MSG_VERDICT_COUNT;
	assert_int_equal(decode(MSG_VNET_ROUTES, payload, len), 0);
}

static void name_that_is_no_line_is_refused(void **state)
{
	static const char *const wrong[] = {"blue\n", "bl\xc3\xbc", "bl\x7f"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *got = "as before";
		uint8_t *frame;
		size_t len;

		assert_int_equal(msg_name_encode(MSG_VNET_GONE, wrong[i], &frame, &len), 0);
		assert_int_equal(msg_name_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &got),
				 -EBADMSG);
		assert_string_equal(got, "as before");
		msg_frame_free(frame, len);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(vnet_comes_back_as_it_was),
		cmocka_unit_test(connection_comes_back_with_routes_of_every_length),
		cmocka_unit_test(connection_without_routes_has_none),
		cmocka_unit_test(routes_of_a_vnet_come_back_with_their_verdicts),
		cmocka_unit_test(vnet_without_routes_has_none),
		cmocka_unit_test(names_come_back_under_each_kind),
		cmocka_unit_test(leases_come_back_as_they_were),
		cmocka_unit_test(disconnect_comes_back_as_it_was),
		cmocka_unit_test(session_comes_back_as_it_came_up_and_went),
		cmocka_unit_test(traffic_comes_back_as_it_was),
		cmocka_unit_test(vnet_state_comes_back_as_it_was),
		cmocka_unit_test(head_of_each_kind_is_taken_in_its_own_direction_only),
		cmocka_unit_test(fullest_connection_and_leases_fit),
		cmocka_unit_test(fullest_vnet_and_its_routes_fit),
		cmocka_unit_test(fullest_session_and_traffic_fit),
		cmocka_unit_test(prefix_that_no_decoder_takes_is_not_encoded),
		cmocka_unit_test(part_or_verdict_that_there_is_not_is_not_encoded),
		cmocka_unit_test(payload_that_is_cut_or_has_more_behind_it_is_refused),
		cmocka_unit_test(payload_with_any_bytes_changed_is_taken_or_refused),
		cmocka_unit_test(prefix_with_bits_behind_its_length_is_refused),
		cmocka_unit_test(count_of_more_than_the_payload_can_hold_is_refused),
		cmocka_unit_test(verdict_or_part_that_there_is_not_is_refused),
		cmocka_unit_test(name_that_is_no_line_is_refused),
	};

	return cmocka_run_group_tests_name("control/msg_site", tests, NULL, NULL);
}
