/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/ppp/rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sstp/ppp/nthash.h"
#include "test/support/hex.h"

const char rig_response[] = "ff03c2230201003a" RIG_VALUE "55736572";
const char rig_success[] = "ff03c22303010033" RIG_PROOF;
const char rig_failure[] = "ff03c2230401003a" RIG_REFUSAL;

static void fill(void *arg, uint8_t *buf, size_t len)
{
	struct rig *r = arg;

	for (size_t i = 0; i < len; i++) {
		buf[i] = r->random[r->random_pos];
		r->random_pos = (r->random_pos + 1) % r->random_len;
	}
}

void rig_init(struct rig *r, enum link_role role, unsigned auth, const char *random_hex)
{
	memset(r, 0, sizeof(*r));
	r->now = 1000 * CLOCK_NS_PER_S;
	r->out = outbox(r->buf, sizeof(r->buf));
	r->random_len = hex_decode(random_hex, r->random, sizeof(r->random));
	r->source = (struct random_source){.fill = fill, .arg = r};
	secret_set(&r->password, RIG_PASSWORD, strlen(RIG_PASSWORD));
	link_init(&r->link, &(struct link_params){
				    .role = role,
				    .auth = auth,
				    .mru = 1500,
				    .name = role == LINK_SERVER ? "gw" : RIG_USER,
				    .password = role == LINK_SERVER ? NULL : &r->password,
				    .random = &r->source,
			    });
}

static void to_hex(const uint8_t *bytes, size_t len, char *ret_hex, size_t cap)
{
	static const char digits[] = "0123456789abcdef";

	assert_true(2 * len < cap);
	for (size_t i = 0; i < len; i++) {
		ret_hex[2 * i] = digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_hex[2 * len] = '\0';
}

static const char *next_frame(struct rig *r)
{
	static char hex[2 * 4200 + 1];
	uint8_t *msg;
	size_t len;

	if (!outbox_next(&r->out, &r->read, &msg, &len))
		return "";
	to_hex(msg, len, hex, sizeof(hex));
	return hex;
}

void rig_expect(struct rig *r, const char *frame_hex)
{
	assert_string_equal(next_frame(r), frame_hex);
}

void rig_expect_start(struct rig *r, const char *frame_hex)
{
	char start[256];

	snprintf(start, sizeof(start), "%.*s", (int)strlen(frame_hex), next_frame(r));
	assert_string_equal(start, frame_hex);
}

void rig_expect_silence(struct rig *r)
{
	assert_string_equal(next_frame(r), "");
	assert_int_equal(r->out.dropped, 0);
}

void rig_expect_key(const struct rig *r)
{
	uint8_t expected[LINK_HLAK_SIZE];

	assert_int_equal(hex_decode(RIG_HLAK, expected, sizeof(expected)), LINK_HLAK_SIZE);
	assert_memory_equal(link_hlak(&r->link), expected, LINK_HLAK_SIZE);
}

void rig_expect_no_key(const struct rig *r)
{
	static const uint8_t none[LINK_HLAK_SIZE];

	assert_memory_equal(link_hlak(&r->link), none, LINK_HLAK_SIZE);
}

size_t rig_skip(struct rig *r)
{
	size_t n = 0;

	while (*next_frame(r))
		n++;
	return n;
}

static struct outbox *begin_step(struct rig *r)
{
	rig_expect_silence(r);
	outbox_clear(&r->out);
	r->read = 0;
	return &r->out;
}

unsigned rig_up(struct rig *r)
{
	return link_up(&r->link, r->now, begin_step(r));
}

unsigned rig_feed_bytes(struct rig *r, const uint8_t *frame, size_t len)
{
	/* exactly as large as the frame, so that ASan sees the first byte past it */
	uint8_t *copy = test_malloc(len + !len);
	unsigned events;

	memcpy(copy, frame, len);
	events = link_input(&r->link, r->now, copy, len, begin_step(r));
	test_free(copy);
	return events;
}

unsigned rig_feed(struct rig *r, const char *frame_hex)
{
	uint8_t frame[4200];
	size_t len = hex_decode(frame_hex, frame, sizeof(frame));

	return rig_feed_bytes(r, frame, len);
}

unsigned rig_feed_named(struct rig *r, const char *head_hex, uint8_t value_size, size_t value,
			size_t name)
{
	uint8_t frame[4096] = {0};
	size_t head = hex_decode(head_hex, frame, sizeof(frame));
	size_t len = head + 1 + value + name;

	frame[6] = (uint8_t)((len - 4) >> 8);
	frame[7] = (uint8_t)(len - 4);
	frame[head] = value_size;
	memset(frame + head + 1 + value, 'n', name);
	return rig_feed_bytes(r, frame, len);
}

unsigned rig_ack(struct rig *r, const char *request_hex)
{
	uint8_t frame[256];
	size_t len = hex_decode(request_hex, frame, sizeof(frame));

	frame[4] = CP_CONF_ACK;
	return rig_feed_bytes(r, frame, len);
}

unsigned rig_user(struct rig *r, const char *password)
{
	struct link_user user = {.has_password = true};

	if (password)
		assert_int_equal(nt_hash(password, strlen(password), user.nt_hash), 0);
	return link_on_user(&r->link, r->now, password ? &user : NULL, begin_step(r));
}

unsigned rig_address(struct rig *r, const char *local, const char *peer, const char *dns1,
		     const char *dns2)
{
	struct link_address a = {
		.local = inet_addr(local),
		.peer = inet_addr(peer),
		.dns = {dns1 ? inet_addr(dns1) : 0, dns2 ? inet_addr(dns2) : 0},
	};

	return link_on_address(&r->link, r->now, &a, begin_step(r));
}

unsigned rig_close(struct rig *r, const char *why)
{
	return link_close(&r->link, r->now, why, begin_step(r));
}

unsigned rig_wait(struct rig *r, uint64_t ms)
{
	uint64_t end = r->now + ms * CLOCK_NS_PER_MS;
	unsigned events = 0;

	begin_step(r);
	while (link_deadline(&r->link) <= end) {
		r->now = link_deadline(&r->link) > r->now ? link_deadline(&r->link) : r->now;
		events |= link_on_timer(&r->link, r->now, &r->out);
	}
	r->now = end;
	return events;
}

void rig_server_lcp(struct rig *r, unsigned auth)
{
	rig_init(r, LINK_SERVER, auth, RIG_MAGIC RIG_CHALLENGE);
	assert_int_equal(rig_up(r), 0);
	assert_int_equal(rig_feed(r, "ff03c0210101000a0506" RIG_PEER_MAGIC), 0);
	rig_skip(r);
	assert_int_equal(rig_ack(r, auth & LINK_AUTH_MSCHAPV2
					    ? "ff03c02101010013010405dc0305c223810506" RIG_MAGIC
					    : "ff03c02101010012010405dc0304c0230506" RIG_MAGIC),
			 0);
	if (auth & LINK_AUTH_MSCHAPV2)
		rig_expect(r, "ff03c22301010017"
			      "10" RIG_CHALLENGE "6777");
}

void rig_server_authenticated(struct rig *r)
{
	rig_server_lcp(r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(r, rig_response), LINK_EV_USER);
	assert_int_equal(rig_user(r, RIG_PASSWORD), LINK_EV_AUTH_OK);
	rig_expect(r, rig_success);
}

void rig_server_open(struct rig *r)
{
	rig_server_authenticated(r);
	assert_int_equal(rig_address(r, "10.0.0.1", "10.0.0.5", "10.0.0.1", "8.8.8.8"), 0);
	rig_expect(r, "ff0380210101000a03060a000001");
	assert_int_equal(rig_feed(r, "ff0380210101000a03060a000005"), 0);
	rig_expect(r, "ff0380210201000a03060a000005");
	assert_int_equal(rig_feed(r, "ff0380210201000a03060a000001"), LINK_EV_UP);
}

void rig_client_lcp(struct rig *r, unsigned auth)
{
	/* its peer challenge is that of RFC 2759 */
	rig_init(r, LINK_CLIENT, auth, RIG_MAGIC "21402324255e262a28295f2b3a337c7e");
	assert_int_equal(rig_up(r), 0);
	rig_expect(r, "ff03c0210101000e010405dc0506" RIG_MAGIC);
	assert_int_equal(
		rig_feed(r, auth & LINK_AUTH_MSCHAPV2
				    ? "ff03c02101010013010405dc0305c223810506" RIG_PEER_MAGIC
				    : "ff03c02101010012010405dc0304c0230506" RIG_PEER_MAGIC),
		0);
	rig_skip(r);
	assert_int_equal(rig_feed(r, "ff03c0210201000e010405dc0506" RIG_MAGIC), 0);
}

void rig_client_authenticated(struct rig *r)
{
	rig_client_lcp(r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(r, "ff03c22301010017"
				     "10" RIG_CHALLENGE "6777"),
			 0);
	rig_expect(r, rig_response);
	assert_int_equal(rig_feed(r, rig_success), LINK_EV_AUTH_OK);
}

void rig_client_ipcp(struct rig *r)
{
	assert_int_equal(rig_wait(r, 0), 0);
	rig_expect(r, "ff03802101010016030600000000810600000000830600000000");
	assert_int_equal(rig_feed(r, "ff0380210101000a03060a000001"), 0);
	rig_expect(r, "ff0380210201000a03060a000001");
	assert_int_equal(rig_feed(r, "ff03802103010016"
				     "03060a000005"
				     "81060a000001"
				     "830608080808"),
			 0);
	rig_expect(r, "ff03802101020016"
		      "03060a000005"
		      "81060a000001"
		      "830608080808");
	assert_int_equal(rig_feed(r, "ff03802102020016"
				     "03060a000005"
				     "81060a000001"
				     "830608080808"),
			 LINK_EV_UP);
}

void rig_client_open(struct rig *r)
{
	rig_client_authenticated(r);
	rig_client_ipcp(r);
}
