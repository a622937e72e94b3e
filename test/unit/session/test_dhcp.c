/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors are those of Windows 10 and of what answers it, as captured. */
#include "sstp/session/dhcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/support/prng.h"
#include "test/unit/tun/packet.h"

#define ZEROS_10  "00000000000000000000"
#define ZEROS_12  ZEROS_10 "0000"
#define ZEROS_48  ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12
#define ZEROS_192 ZEROS_48 ZEROS_48 ZEROS_48 ZEROS_48

#define INFORM                                                                        \
	"450001370001000080112fb10a000005ffffffff0044004301238ea4"                    \
	"010806003903f326000000000a000005" ZEROS_12 "005345000000" ZEROS_10 ZEROS_192 \
	"638253633501083d07080053450000000c0250433c084d53465420352e30"                \
	"370e0103060f1f212b2c2e2f7779f9fcff"

/* From the UDP header on */
#define ANSWER                                                                         \
	"00430044013b0a04"                                                             \
	"020806003903f326000000000a000005" ZEROS_12 "005345000000" ZEROS_10 ZEROS_192  \
	"6382536335010536040a0000010104ffffffff0604080808080f0b636f72702e6578616d706c" \
	"790e080a0a00000118c0a8010a000001f90e080a0a00000118c0a8010a000001ff"

enum {
	UDP_AT = 20,
	BOOTP_AT = 28,
	YOURS_AT = BOOTP_AT + 16,
	RELAY_AT = BOOTP_AT + 24,
	OPTIONS_AT = BOOTP_AT + 240,
	WANTED_AT = 296, /* in INFORM: the list's first code */
	ROUTES_MAX = 400,
};

struct scene {
	struct prefix routes[ROUTES_MAX];
	uint32_t dns_be[2];
	const char *domains[6];
	struct dhcp_offer offer;
	uint8_t request[2048];
	size_t request_len;
	uint8_t packet[DHCP_PACKET_MAX];
	struct dhcp_answer answer;
};

static struct scene scene;

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct scene *fresh(void)
{
	struct scene *s = &scene;

	memset(s, 0, sizeof(*s));
	s->routes[0] = prefix("10.0.0.0/8");
	s->routes[1] = prefix("192.168.1.0/24");
	s->dns_be[0] = inet_addr("8.8.8.8");
	s->domains[0] = "corp.example";
	s->offer = (struct dhcp_offer){
		.server_be = inet_addr("10.0.0.1"),
		.client_be = inet_addr("10.0.0.5"),
		.dns_be = s->dns_be,
		.n_dns = 1,
		.domains = s->domains,
		.n_domains = 1,
		.routes = s->routes,
		.n_routes = 2,
		.max = 1400,
	};
	s->request_len = hex_decode(INFORM, s->request, sizeof(s->request));
	assert_int_equal(s->request_len, 311);
	return s;
}

/* In memory of exactly its size. */
static int ask(struct scene *s)
{
	uint8_t *copy = malloc(s->request_len + !s->request_len);
	int r;

	assert_non_null(copy);
	memcpy(copy, s->request, s->request_len);
	r = dhcp_answer(&s->offer, copy, s->request_len, s->packet, &s->answer);
	free(copy);
	if (r == 0) {
		assert_in_range(s->answer.len, BOOTP_AT + 300, s->offer.max);
		assert_true(packet_is_valid(s->packet, s->answer.len));
	}
	return r;
}

/* After a change of the request. */
static int ask_again(struct scene *s)
{
	packet_fix_checksums(s->request, s->request_len);
	return ask(s);
}

/* The value of an option, put together of its parts; its length; -1: it is not there. */
static int option(const struct scene *s, uint8_t code, uint8_t value[DHCP_PACKET_MAX])
{
	size_t at = OPTIONS_AT;
	int len = -1;

	while (s->packet[at] != 255) {
		if (s->packet[at] == code) {
			len = len < 0 ? 0 : len;
			memcpy(value + len, s->packet + at + 2, s->packet[at + 1]);
			len += s->packet[at + 1];
		}
		at += 2u + s->packet[at + 1];
		assert_in_range(at, OPTIONS_AT, s->answer.len - 1);
	}
	return len;
}

static void want(struct scene *s, const char *codes)
{
	memset(s->request + WANTED_AT, 1, 14);
	memcpy(s->request + WANTED_AT, codes, strlen(codes));
}

/* ---- what is answered */

static void windows_gets_what_is_known_to_satisfy_it(void **state)
{
	struct scene *s = fresh();
	uint8_t expected[512];
	size_t len = hex_decode(ANSWER, expected, sizeof(expected));

	s->domains[0] = "corp.exampl"; /* as captured */

	assert_int_equal(ask(s), 0);
	assert_int_equal(s->answer.len, UDP_AT + len);
	assert_memory_equal(s->packet + UDP_AT, expected, len);
	assert_memory_equal(s->packet + 12, &s->offer.server_be, 4);
	assert_memory_equal(s->packet + 16, &s->offer.client_be, 4);
	assert_false(s->answer.is_split);
	assert_false(s->answer.lacks_routes);
}

static void question_to_our_own_address_is_answered_too(void **state)
{
	struct scene *s = fresh();

	memcpy(s->request + 16, &s->offer.server_be, 4);
	assert_int_equal(ask_again(s), 0);
	s->request[16 + 3]++;
	assert_int_equal(ask_again(s), -ENOMSG);
}

static void only_what_was_asked_for_is_told(void **state)
{
	struct scene *s = fresh();
	uint8_t value[DHCP_PACKET_MAX];

	want(s, "\x06");
	assert_int_equal(ask_again(s), 0);
	assert_int_equal(option(s, 53, value), 1);
	assert_int_equal(value[0], 5);
	assert_int_equal(option(s, 54, value), 4);
	assert_int_equal(option(s, 6, value), 4);
	for (unsigned code = 1; code < 255; code++)
		if (code != 53 && code != 54 && code != 6 && code != 1)
			assert_int_equal(option(s, (uint8_t)code, value), -1);
}

/* It has the address already: a time or an address of the server's would make it think otherwise. */
static void no_lease_is_given(void **state)
{
	struct scene *s = fresh();
	uint8_t value[DHCP_PACKET_MAX];
	static const uint8_t zeros[4];

	want(s, "\x33\x3a\x3b\x32\x06");
	assert_int_equal(ask_again(s), 0);
	for (uint8_t code = 50; code < 60; code++)
		if (code != 53 && code != 54)
			assert_int_equal(option(s, code, value), -1);
	assert_memory_equal(s->packet + YOURS_AT, zeros, 4);
}

static void option_without_a_value_is_left_out(void **state)
{
	struct scene *s = fresh();
	uint8_t value[DHCP_PACKET_MAX];

	s->offer.n_dns = s->offer.n_domains = s->offer.n_routes = 0;
	assert_int_equal(ask(s), 0);
	assert_int_equal(option(s, 6, value), -1);
	assert_int_equal(option(s, 15, value), -1);
	assert_int_equal(option(s, 119, value), -1);
	assert_int_equal(option(s, 121, value), -1);
	assert_int_equal(option(s, 249, value), -1);
	assert_int_equal(s->answer.len, BOOTP_AT + 300);
	assert_false(s->answer.lacks_routes);
}

static void several_domains_are_a_search_list(void **state)
{
	static const char list[] = "\4corp\7example\0\7example\0\1a\1b";
	struct scene *s = fresh();
	uint8_t value[DHCP_PACKET_MAX];

	s->dns_be[1] = inet_addr("8.8.4.4");
	s->offer.n_dns = 2;
	s->domains[1] = "example.";
	s->domains[2] = "not..a.name";
	s->domains[3] = "a.b";
	s->offer.n_domains = 4;
	assert_int_equal(ask(s), 0);
	assert_int_equal(option(s, 119, value), sizeof(list));
	assert_memory_equal(value, list, sizeof(list));
	assert_int_equal(option(s, 15, value), 12);
	assert_memory_equal(value, "corp.example", 12);
	assert_int_equal(option(s, 6, value), 8);
}

static void route_has_as_many_bytes_as_its_length_needs(void **state)
{
	static const struct {
		const char *prefix, *hex;
	} rows[] = {
		{"0.0.0.0/0", "000a000001"},
		{"10.0.0.0/8", "080a0a000001"},
		{"10.0.0.0/24", "180a00000a000001"},
		{"10.17.0.0/16", "100a110a000001"},
		{"10.27.129.0/24", "180a1b810a000001"},
		{"10.229.0.128/25", "190ae500800a000001"},
		{"10.198.122.47/32", "200ac67a2f0a000001"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene *s = fresh();
		uint8_t expected[16], value[DHCP_PACKET_MAX];
		size_t len = hex_decode(rows[i].hex, expected, sizeof(expected));

		s->routes[0] = prefix(rows[i].prefix);
		s->offer.n_routes = 1;
		assert_int_equal(ask(s), 0);
		assert_int_equal(option(s, 121, value), len);
		assert_memory_equal(value, expected, len);
		assert_int_equal(option(s, 249, value), len);
		assert_memory_equal(value, expected, len);
	}
}

/* ---- more than fits */

static void set_routes(struct scene *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->routes[i] = (struct prefix){
			.family = AF_INET, .len = 24, .addr = {10, (uint8_t)(i / 256), (uint8_t)i}};
	s->offer.n_routes = n;
}

static void expect_routes(const struct scene *s, uint8_t code, size_t n)
{
	uint8_t value[DHCP_PACKET_MAX];

	assert_int_equal(option(s, code, value), 8 * n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(value[8 * i], 24);
		assert_memory_equal(value + 8 * i + 1, s->routes[i].addr, 3);
		assert_memory_equal(value + 8 * i + 4, &s->offer.server_be, 4);
	}
}

static void long_option_is_split_and_comes_back_whole(void **state)
{
	struct scene *s = fresh();

	set_routes(s, 31);
	assert_int_equal(ask(s), 0);
	assert_false(s->answer.is_split);
	set_routes(s, 32); /* 256 bytes */
	assert_int_equal(ask(s), 0);
	assert_true(s->answer.is_split);
	expect_routes(s, 121, 32);
	expect_routes(s, 249, 32);
	set_routes(s, 60);
	assert_int_equal(ask(s), 0);
	expect_routes(s, 121, 60);
	expect_routes(s, 249, 60);
}

static void what_does_not_fit_is_told_once_and_then_not_at_all(void **state)
{
	struct scene *s = fresh();
	uint8_t value[DHCP_PACKET_MAX];

	set_routes(s, 120);
	assert_int_equal(ask(s), 0);
	expect_routes(s, 121, 120);
	assert_int_equal(option(s, 249, value), -1);
	assert_false(s->answer.lacks_routes);
	set_routes(s, 200);
	assert_int_equal(ask(s), 0);
	assert_int_equal(option(s, 121, value), -1);
	assert_int_equal(option(s, 249, value), -1);
	assert_int_equal(option(s, 6, value), 4);
	assert_true(s->answer.lacks_routes);
	want(s, "\x06");
	assert_int_equal(ask_again(s), 0);
	assert_false(s->answer.lacks_routes); /* he has not asked */
}

/* Its option 57 takes the place of its name, of the same length. */
static void client_that_takes_less_gets_less(void **state)
{
	struct scene *s = fresh();
	uint8_t *name = s->request + OPTIONS_AT + 12;

	assert_int_equal(name[0], 12);
	name[0] = 57;
	packet_set_be16(name + 2, 576);
	set_routes(s, 30);
	assert_int_equal(ask_again(s), 0);
	assert_in_range(s->answer.len, 300, 576);
	expect_routes(s, 121, 30);
	packet_set_be16(name + 2, 100); /* less than it must take: not believed */
	assert_int_equal(ask_again(s), 0);
	expect_routes(s, 249, 30);
	name[1] = 1;
	name[3] = 0; /* a pad */
	assert_int_equal(ask_again(s), -ENOMSG);
}

static void smallest_tunnel_takes_the_longest_names(void **state)
{
	char longest[254];
	struct scene *s = fresh();
	uint8_t value[DHCP_PACKET_MAX];

	for (size_t i = 0; i < 253; i++)
		longest[i] = i % 64 == 63 ? '.' : 'a';
	longest[253] = '\0';
	for (unsigned i = 0; i < 6; i++)
		s->domains[i] = longest;
	s->offer.n_domains = 6;
	s->offer.n_routes = 0;
	s->offer.max = 576;
	assert_int_equal(ask(s), 0);
	assert_int_equal(option(s, 119, value), -1);
	assert_int_equal(option(s, 15, value), 253);
	s->offer.max = 4096;
	assert_int_equal(ask(s), 0);
	assert_int_equal(option(s, 119, value), 6 * 255);
	assert_true(s->answer.is_split);
}

/* ---- what is not answered */

static void expect_silence(struct scene *s, const char *what)
{
	if (ask(s) != -ENOMSG)
		fail_msg("%s was answered", what);
}

static void message_of_another_type_gets_no_answer(void **state)
{
	for (unsigned type = 0; type < 256; type++) {
		struct scene *s = fresh();

		s->request[OPTIONS_AT + 2] = (uint8_t)type;
		assert_int_equal(ask_again(s), type == 8 ? 0 : -ENOMSG);
	}
}

static void question_in_anothers_name_gets_no_answer(void **state)
{
	struct scene *s = fresh();

	s->request[BOOTP_AT + 15]++; /* ciaddr */
	packet_fix_checksums(s->request, s->request_len);
	expect_silence(s, "another's address");
	s = fresh();
	s->request[15]++; /* the source */
	packet_fix_checksums(s->request, s->request_len);
	expect_silence(s, "another's source");
	s = fresh();
	s->request[RELAY_AT] = 10;
	packet_fix_checksums(s->request, s->request_len);
	expect_silence(s, "a relay");
}

static void packet_that_is_no_whole_datagram_gets_no_answer(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *what;
	} rows[] = {
		{6, 0x20, "the first fragment"},
		{7, 1, "a later fragment"},
		{9, 6, "TCP"},
		{UDP_AT + 1, 69, "another source port"},
		{UDP_AT + 3, 53, "another port"},
		{BOOTP_AT, 2, "a reply"},
		{BOOTP_AT + 2, 17, "a long address"},
		{BOOTP_AT + 236, 0x64, "another cookie"},
		{UDP_AT + 4, 2, "a length beyond its end"},
		{OPTIONS_AT + 4, 255, "an option beyond it"},
		{OPTIONS_AT + 1, 2, "a type of two bytes"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene *s = fresh();

		s->request[rows[i].at] = rows[i].value;
		memset(s->request + UDP_AT + 6, 0, 2); /* no checksum: that is not what is wrong */
		expect_silence(s, rows[i].what);
	}
}

static void wrong_checksum_gets_no_answer_and_none_is_right(void **state)
{
	struct scene *s = fresh();

	s->request[UDP_AT + 7] ^= 1;
	expect_silence(s, "a wrong checksum");
	memset(s->request + UDP_AT + 6, 0, 2);
	assert_int_equal(ask(s), 0);
}

static void options_without_an_end_get_no_answer(void **state)
{
	struct scene *s = fresh();

	s->request[s->request_len - 1] = 0;
	packet_fix_checksums(s->request, s->request_len);
	expect_silence(s, "a message without its end");
}

static void packet_that_is_cut_anywhere_gets_no_answer(void **state)
{
	struct scene *s = fresh();
	size_t whole = s->request_len;

	for (s->request_len = 0; s->request_len < whole; s->request_len++) {
		expect_silence(s, "a packet that is cut");
		if (s->request_len < OPTIONS_AT)
			continue;
		packet_set_be16(s->request + 2, (unsigned)s->request_len);
		packet_set_be16(s->request + UDP_AT + 4, (unsigned)s->request_len - UDP_AT);
		packet_fix_checksums(s->request, s->request_len);
		expect_silence(s, "a shorter one");
	}
}

static void packet_with_any_bytes_changed_is_answered_or_not(void **state)
{
	struct prng prng;
	unsigned answered = 0;

	prng_init(&prng, 7);
	for (unsigned i = 0; i < 20000; i++) {
		struct scene *s = fresh();

		for (unsigned k = prng_below(&prng, 4); k > 0; k--)
			s->request[prng_below(&prng, 311)] = (uint8_t)prng_below(&prng, 256);
		memset(s->request + UDP_AT + 6, 0, 2);
		answered += ask(s) == 0;
	}
	assert_in_range(answered, 1, 19999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_gets_what_is_known_to_satisfy_it),
		cmocka_unit_test(question_to_our_own_address_is_answered_too),
		cmocka_unit_test(only_what_was_asked_for_is_told),
		cmocka_unit_test(no_lease_is_given),
		cmocka_unit_test(option_without_a_value_is_left_out),
		cmocka_unit_test(several_domains_are_a_search_list),
		cmocka_unit_test(route_has_as_many_bytes_as_its_length_needs),
		cmocka_unit_test(long_option_is_split_and_comes_back_whole),
		cmocka_unit_test(what_does_not_fit_is_told_once_and_then_not_at_all),
		cmocka_unit_test(client_that_takes_less_gets_less),
		cmocka_unit_test(smallest_tunnel_takes_the_longest_names),
		cmocka_unit_test(message_of_another_type_gets_no_answer),
		cmocka_unit_test(question_in_anothers_name_gets_no_answer),
		cmocka_unit_test(packet_that_is_no_whole_datagram_gets_no_answer),
		cmocka_unit_test(wrong_checksum_gets_no_answer_and_none_is_right),
		cmocka_unit_test(options_without_an_end_get_no_answer),
		cmocka_unit_test(packet_that_is_cut_anywhere_gets_no_answer),
		cmocka_unit_test(packet_with_any_bytes_changed_is_answered_or_not),
	};

	return cmocka_run_group_tests_name("session/dhcp", tests, NULL, NULL);
}
