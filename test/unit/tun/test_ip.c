/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/support/prng.h"

enum {
	MTU = 1400,
	CLAMPED = MTU - 40,
	PACKET_MAX = 256,
	OPTIONS_AT = 40, /* without IP options */
};

/* A packet under construction; ends with its last valid byte, so that ASan sees reads behind it. */
struct packet {
	uint8_t *bytes;
	size_t len;
	struct ip_info info;
};

/* RFC 1071 as the text says it: 16-bit words one by one, an odd byte at the end padded. */
static uint16_t slow_checksum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The TCP checksum that the packet ought to have, computed over all of it. */
static uint16_t tcp_checksum(const struct packet *p)
{
	size_t len = (size_t)p->info.total_len - p->info.header_len;
	uint8_t copy[PACKET_MAX];
	uint32_t sum = (uint32_t)(IPPROTO_TCP + len);

	memcpy(copy, p->bytes + p->info.header_len, len);
	memset(copy + 16, 0, 2);
	sum = slow_checksum(p->bytes + 12, 8, sum);
	return (uint16_t)~slow_checksum(copy, len, sum);
}

static void set_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Given IP header length and TCP options, a SYN with payload_len bytes behind its header. */
static struct packet syn(size_t ip_len, const uint8_t *options, size_t options_len,
			 size_t payload_len)
{
	size_t len = ip_len + 20 + options_len + payload_len;
	struct packet p = {.bytes = calloc(1, len), .len = len};
	uint8_t *tcp = p.bytes + ip_len;

	assert_non_null(p.bytes);
	p.bytes[0] = (uint8_t)(0x40 | ip_len / 4);
	set_be16(p.bytes + 2, (unsigned)len);
	p.bytes[8] = 64;
	p.bytes[9] = IPPROTO_TCP;
	memcpy(p.bytes + 12, (uint8_t[]){10, 9, 0, 1, 10, 9, 0, 2}, 8);
	set_be16(tcp, 40000);
	set_be16(tcp + 2, 443);
	tcp[12] = (uint8_t)((20 + options_len) / 4 << 4);
	tcp[13] = 0x02;
	memcpy(tcp + 20, options, options_len);
	assert_int_equal(ip_parse(p.bytes, len, &p.info), 0);
	set_be16(tcp + 16, tcp_checksum(&p));
	return p;
}

static struct packet syn_hex(const char *options_hex)
{
	uint8_t options[40];
	size_t len = hex_decode(options_hex, options, sizeof(options));

	return syn(20, options, len, 0);
}

static void assert_clamped_to(struct packet p, const char *options_hex)
{
	uint8_t expected[40];
	size_t len = hex_decode(options_hex, expected, sizeof(expected));

	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, MTU), 1);
	assert_memory_equal(p.bytes + p.len - len, expected, len);
	assert_int_equal(be16(p.bytes + p.info.header_len + 16), tcp_checksum(&p));
	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, MTU), 0);
	free(p.bytes);
}

static void assert_untouched(struct packet p)
{
	uint8_t before[PACKET_MAX];

	memcpy(before, p.bytes, p.len);
	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, MTU), 0);
	assert_memory_equal(p.bytes, before, p.len);
	free(p.bytes);
}

static void header_fields_are_read(void **state)
{
	uint8_t pkt[64];
	struct ip_info info;
	size_t len = hex_decode("46000020 12344000 40110000 0a090001 c0a80102 94040000"
				"1b581b58 00080000 eeee",
				pkt, sizeof(pkt));

	assert_int_equal(ip_parse(pkt, len, &info), 0);
	assert_int_equal(info.version, 4);
	assert_int_equal(info.protocol, IPPROTO_UDP);
	assert_int_equal(info.header_len, 24);
	assert_int_equal(info.total_len, 32);
	assert_int_equal(info.src_be, inet_addr("10.9.0.1"));
	assert_int_equal(info.dst_be, inet_addr("192.168.1.2"));
}

/* Parses exactly len bytes with the first byte and the total length as given. */
static int parse_error(uint8_t first, unsigned total, size_t len)
{
	struct ip_info info = {.protocol = 77};
	uint8_t *pkt = calloc(1, len ? len : 1);
	int error;

	assert_non_null(pkt);
	pkt[0] = first;
	if (len >= 4)
		set_be16(pkt + 2, total);
	error = ip_parse(pkt, len, &info);
	assert_int_equal(info.protocol, error ? 77 : 0);
	free(pkt);
	return error;
}

static void lengths_that_contradict_are_refused(void **state)
{
	assert_int_equal(parse_error(0x45, 20, 20), 0);
	assert_int_equal(parse_error(0x45, 20, 40), 0);
	assert_int_equal(parse_error(0x45, 21, 20), -EBADMSG);
	assert_int_equal(parse_error(0x45, 19, 40), -EBADMSG);
	assert_int_equal(parse_error(0x45, 0, 40), -EBADMSG);
	assert_int_equal(parse_error(0x45, 65535, 40), -EBADMSG);
	assert_int_equal(parse_error(0x45, 20, 19), -EBADMSG);
	assert_int_equal(parse_error(0x45, 0, 1), -EBADMSG);
	assert_int_equal(parse_error(0x44, 20, 40), -EBADMSG);
	assert_int_equal(parse_error(0x40, 20, 40), -EBADMSG);
	assert_int_equal(parse_error(0x46, 23, 40), -EBADMSG);
	assert_int_equal(parse_error(0x46, 24, 24), 0);
	assert_int_equal(parse_error(0x4f, 60, 60), 0);
	assert_int_equal(parse_error(0x4f, 60, 59), -EBADMSG);
}

static void other_versions_are_told_apart(void **state)
{
	assert_int_equal(parse_error(0, 0, 0), -EBADMSG);
	assert_int_equal(parse_error(0x60, 0, 40), -EAFNOSUPPORT);
	assert_int_equal(parse_error(0x60, 0, 1), -EAFNOSUPPORT);
	assert_int_equal(parse_error(0x55, 20, 40), -EBADMSG);
	assert_int_equal(parse_error(0x05, 20, 40), -EBADMSG);
}

static void checksum_agrees_with_the_definition(void **state)
{
	struct prng prng;
	uint8_t buf[300];

	prng_init(&prng, 0xc0ffee);
	for (int round = 0; round < 20000; round++) {
		size_t at = prng_below(&prng, 8);
		size_t len = prng_below(&prng, sizeof(buf) - 8);
		uint32_t sum = prng_below(&prng, 3) ? 0 : (uint32_t)prng_next(&prng) >> 12;

		/* many zeros and many ones, where folding has its corners */
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)(prng_below(&prng, 4) == 0   ? prng_next(&prng)
					   : prng_below(&prng, 2) == 0 ? 0xff
								       : 0);
		assert_int_equal(ip_checksum(buf + at, len, sum),
				 slow_checksum(buf + at, len, sum));
	}
}

static void checksum_of_the_specification(void **state)
{
	/* RFC 1071 section 3 */
	static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	assert_int_equal(ip_checksum(example, 8, 0), 0xddf2);
	assert_int_equal(ip_checksum(example + 4, 4, ip_checksum(example, 4, 0)), 0xddf2);
	assert_int_equal(ip_checksum(example, 0, 0), 0);
	assert_int_equal(ip_checksum(example, 3, 0), 0xf201);
	assert_int_equal(ip_checksum(NULL, 0, 0x1fffe), 0xffff);
}

static void mss_above_the_link_is_lowered(void **state)
{
	assert_clamped_to(syn_hex("020405b4"), "02040550");
	assert_clamped_to(syn_hex("0204ffff"), "02040550");
	assert_clamped_to(syn_hex("02040551"), "02040550");
	/* as Linux and Windows send it */
	assert_clamped_to(syn_hex("020405b4 0402080a 00000001 00000000 01030307"),
			  "02040550 0402080a 00000001 00000000 01030307");
	assert_clamped_to(syn_hex("020405b4 01030308 01010402"), "02040550 01030308 01010402");
}

static void mss_at_odd_places_is_lowered(void **state)
{
	assert_clamped_to(syn_hex("01020405 b4000000"), "01020405 50000000");
	assert_clamped_to(syn_hex("030307 020405b4 00"), "030307 02040550 00");
	assert_clamped_to(syn_hex("01010101 01010102 0405b401"), "01010101 01010102 04055001");
}

static void every_mss_option_is_lowered(void **state)
{
	assert_clamped_to(syn_hex("02040400 020405b4"), "02040400 02040550");
	assert_clamped_to(syn_hex("020405b4 01 02040600 000000"), "02040550 01 02040550 000000");
}

static void what_is_behind_the_end_of_options_is_not_looked_at(void **state)
{
	assert_untouched(syn_hex("00020405 b4000000"));
	assert_clamped_to(syn_hex("020405b4 00020000"), "02040550 00020000");
}

static void mss_that_fits_stays(void **state)
{
	assert_untouched(syn_hex("02040550"));
	assert_untouched(syn_hex("02040000"));
	assert_untouched(syn_hex("0402 0101"));
	assert_untouched(syn_hex(""));
}

static void malformed_options_stay(void **state)
{
	assert_untouched(syn_hex("020005b4"));
	assert_untouched(syn_hex("020105b4"));
	assert_untouched(syn_hex("020205b4"));
	assert_untouched(syn_hex("020305b4"));
	assert_untouched(syn_hex("020505b4 00000000"));
	assert_untouched(syn_hex("02ff05b4"));
	assert_untouched(syn_hex("01010204"));
	assert_untouched(syn_hex("01010102"));
	assert_untouched(syn_hex("01020405"));
	assert_untouched(syn_hex("08000000 020405b4"));
	assert_untouched(syn_hex("08010000 020405b4"));
	assert_untouched(syn_hex("080a0000 020405b4"));
	assert_untouched(syn_hex("020405b4 080a0000"));
	assert_untouched(syn_hex("020405b4 01010108"));
}

static void header_longer_than_the_packet_stays(void **state)
{
	struct packet p = syn_hex("020405b4");

	p.bytes[20 + 12] = 0x70;
	assert_untouched(p);
	p = syn_hex("020405b4");
	p.bytes[20 + 12] = 0xf0;
	assert_untouched(p);
	p = syn_hex("020405b4");
	p.bytes[20 + 12] = 0x40;
	assert_untouched(p);
	p = syn_hex("020405b4");
	p.bytes[20 + 12] = 0;
	assert_untouched(p);
	/* the bytes are there, but behind the packet's own end */
	p = syn_hex("020405b4");
	set_be16(p.bytes + 2, 43);
	assert_int_equal(ip_parse(p.bytes, p.len, &p.info), 0);
	assert_untouched(p);
}

static void packet_too_short_for_tcp_stays(void **state)
{
	for (unsigned total = 20; total < 40; total++) {
		struct packet p = syn_hex("");

		set_be16(p.bytes + 2, total);
		p.bytes = realloc(p.bytes, total);
		p.len = total;
		assert_int_equal(ip_parse(p.bytes, p.len, &p.info), 0);
		assert_untouched(p);
	}
}

static void only_syn_of_tcp_is_touched(void **state)
{
	struct packet p = syn_hex("020405b4");

	p.bytes[20 + 13] = 0x10;
	assert_untouched(p);
	p = syn_hex("020405b4");
	p.bytes[9] = IPPROTO_UDP;
	assert_int_equal(ip_parse(p.bytes, p.len, &p.info), 0);
	assert_untouched(p);
	/* SYN-ACK with ECN bits */
	p = syn_hex("020405b4");
	p.bytes[20 + 13] = 0x52;
	set_be16(p.bytes + 20 + 16, tcp_checksum(&p));
	assert_clamped_to(p, "02040550");
}

static void later_fragment_stays_and_first_is_lowered(void **state)
{
	struct packet p = syn_hex("020405b4");

	set_be16(p.bytes + 6, 0x0001);
	assert_untouched(p);
	p = syn_hex("020405b4");
	set_be16(p.bytes + 6, 0x3fff);
	assert_untouched(p);
	p = syn_hex("020405b4");
	set_be16(p.bytes + 6, 0x1000);
	assert_untouched(p);
	p = syn_hex("020405b4");
	set_be16(p.bytes + 6, 0x2000);
	assert_clamped_to(p, "02040550");
	/* don't fragment, and the bit that must be zero */
	p = syn_hex("020405b4");
	set_be16(p.bytes + 6, 0xc000);
	assert_clamped_to(p, "02040550");
}

static void link_narrower_than_ip_allows_is_no_reason(void **state)
{
	struct packet p = syn_hex("020405b4");

	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, 0), 0);
	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, 40), 0);
	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, 67), 0);
	assert_int_equal(be16(p.bytes + OPTIONS_AT + 2), 1460);
	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, 68), 1);
	assert_int_equal(be16(p.bytes + OPTIONS_AT + 2), 28);
	free(p.bytes);
}

static void wrong_checksum_stays_wrong(void **state)
{
	struct packet p = syn_hex("020405b4");

	set_be16(p.bytes + 36, be16(p.bytes + 36) ^ 0x0100);
	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, MTU), 1);
	assert_int_not_equal(be16(p.bytes + 36), tcp_checksum(&p));
	free(p.bytes);
}

/* NOPs with one MSS option somewhere among them. */
static void clamp_one_random(struct prng *prng)
{
	uint8_t options[40];
	size_t options_len = 4 * (1 + prng_below(prng, 10));
	size_t at = prng_below(prng, (uint32_t)options_len - 3);
	size_t ip_len = 20 + 4 * prng_below(prng, 11);
	uint16_t mtu = (uint16_t)(68 + prng_below(prng, 3000));
	unsigned mss = prng_below(prng, 65536);
	unsigned expected = mss < mtu - 40u ? mss : mtu - 40u;
	struct packet p;

	memset(options, 1, sizeof(options));
	options[at] = 2;
	options[at + 1] = 4;
	set_be16(options + at + 2, mss);
	p = syn(ip_len, options, options_len, prng_below(prng, 64));
	for (size_t i = 0; i < 8; i++)
		p.bytes[12 + i] = (uint8_t)prng_next(prng);
	for (size_t i = ip_len + 20 + options_len; i < p.len; i++)
		p.bytes[i] = (uint8_t)prng_next(prng);
	set_be16(p.bytes + ip_len + 16, tcp_checksum(&p));
	assert_int_equal(ip_clamp_mss(p.bytes, &p.info, mtu), expected != mss);
	assert_int_equal(be16(p.bytes + ip_len + 20 + at + 2), expected);
	assert_int_equal(be16(p.bytes + ip_len + 16), tcp_checksum(&p));
	free(p.bytes);
}

static void corrected_checksum_equals_a_new_one(void **state)
{
	struct prng prng;

	prng_init(&prng, 0x1624);
	for (int i = 0; i < 50000; i++)
		clamp_one_random(&prng);
}

/* ---- IPv6 ---- */

struct packet6 {
	uint8_t *bytes;
	size_t len;
	struct ip6_info info;
};

static uint16_t tcp6_checksum(const struct packet6 *p)
{
	size_t len = (size_t)p->info.total_len - p->info.l4_at;
	uint8_t copy[PACKET_MAX];
	uint32_t sum = (uint32_t)(IPPROTO_TCP + len);

	memcpy(copy, p->bytes + p->info.l4_at, len);
	memset(copy + 16, 0, 2);
	sum = slow_checksum(p->bytes + 8, 32, sum);
	return (uint16_t)~slow_checksum(copy, len, sum);
}

/* The extension headers (first is the first one's protocol), then a SYN with these options, all in hex. */
static struct packet6 syn6(uint8_t first, const char *extensions_hex, const char *options_hex)
{
	uint8_t extensions[128], options[40];
	size_t n = hex_decode(extensions_hex, extensions, sizeof(extensions));
	size_t options_len = hex_decode(options_hex, options, sizeof(options));
	size_t len = 40 + n + 20 + options_len;
	struct packet6 p = {.bytes = calloc(1, len), .len = len};
	uint8_t *tcp = p.bytes + 40 + n;

	assert_non_null(p.bytes);
	p.bytes[0] = 0x60;
	set_be16(p.bytes + 4, (unsigned)(len - 40));
	p.bytes[6] = first;
	p.bytes[7] = 64;
	memset(p.bytes + 8, 0xfd, 16);
	memset(p.bytes + 24, 0x20, 16);
	memcpy(p.bytes + 40, extensions, n);
	set_be16(tcp, 40000);
	set_be16(tcp + 2, 443);
	tcp[12] = (uint8_t)((20 + options_len) / 4 << 4);
	tcp[13] = 0x02;
	memcpy(tcp + 20, options, options_len);
	assert_int_equal(ip6_parse(p.bytes, len, &p.info), 0);
	if (p.info.protocol == IPPROTO_TCP)
		set_be16(tcp + 16, tcp6_checksum(&p));
	return p;
}

static void header_fields_of_ipv6_are_read(void **state)
{
	uint8_t pkt[64];
	struct ip6_info info;
	size_t len = hex_decode("60012345 0008 11 40 fd000000000000010000000000000002"
				"20010db8000000000000000000000003 1b581b5800080000 eeee",
				pkt, sizeof(pkt));

	assert_int_equal(ip6_parse(pkt, len, &info), 0);
	assert_int_equal(info.protocol, IPPROTO_UDP);
	assert_int_equal(info.l4_at, 40);
	assert_int_equal(info.total_len, 48);
	assert_ptr_equal(info.src, pkt + 8);
	assert_ptr_equal(info.dst, pkt + 24);
}

static void lengths_of_ipv6_that_contradict_are_refused(void **state)
{
	static const struct {
		uint8_t first;
		unsigned payload;
		size_t len;
		int error;
	} rows[] = {
		{0x60, 0, 40, 0},	 {0x60, 0, 39, -EBADMSG},
		{0x60, 0, 0, -EBADMSG},	 {0x60, 1, 40, -EBADMSG},
		{0x60, 60, 100, 0},	 {0x60, 61, 100, -EBADMSG},
		{0x45, 0, 40, -EBADMSG}, {0x00, 0, 40, -EBADMSG},
		{0x60, 65495, 65535, 0}, {0x60, 65496, 65536, -EBADMSG},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *pkt = calloc(1, rows[i].len + !rows[i].len);
		struct ip6_info info;

		assert_non_null(pkt);
		pkt[0] = rows[i].first;
		if (rows[i].len >= 8) {
			set_be16(pkt + 4, rows[i].payload);
			pkt[6] = IPPROTO_UDP;
		}
		assert_int_equal(ip6_parse(pkt, rows[i].len, &info), rows[i].error);
		free(pkt);
	}
}

static void extension_headers_are_stepped_over_as_far_as_needed(void **state)
{
	static const char six[] = "3c00000000000000 3c00000000000000 3c00000000000000"
				  "3c00000000000000 3c00000000000000 3c00000000000000";
	static const struct {
		uint8_t first;
		const char *extensions;
		uint8_t protocol;
		uint16_t l4_at;
	} rows[] = {
		{IPPROTO_TCP, "", IPPROTO_TCP, 40},
		{0, "0600000000000000", IPPROTO_TCP, 48},
		{60, "0601000000000000 0000000000000000", IPPROTO_TCP, 56},
		{0, "3c00000000000000 0600000000000000", IPPROTO_TCP, 56},
		{0, "2c00000000000000 0600000000000000", 44, 48}, /* a fragment */
		{43, "0600000000000000", 43, 40},		  /* another destination */
		{0, "06ff000000000000", 0, 40},			  /* longer than the packet */
	};
	char many[2 * sizeof(six)];
	struct packet6 p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = syn6(rows[i].first, rows[i].extensions, "");
		assert_int_equal(p.info.protocol, rows[i].protocol);
		assert_int_equal(p.info.l4_at, rows[i].l4_at);
		free(p.bytes);
	}
	snprintf(many, sizeof(many), "%s%s", six, six);
	p = syn6(60, many, "");
	assert_int_equal(p.info.l4_at, 40 + 8 * IP6_EXTENSIONS_MAX);
	assert_int_equal(p.info.protocol, 60);
	free(p.bytes);
}

static void mss_over_ipv6_is_lowered_to_what_fits(void **state)
{
	static const struct {
		uint8_t first;
		const char *extensions, *options, *clamped;
	} rows[] = {
		{IPPROTO_TCP, "", "020405a0", "0204053c"},
		{0, "0600000000000000", "020405a0", "0204053c"},
		{IPPROTO_TCP, "", "01020405a0010101", "010204053c010101"},
		{IPPROTO_TCP, "", "0204053c", NULL},
		{IPPROTO_TCP, "", "020305a0", NULL},
		{44, "0600000000000000", "020405a0", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet6 p = syn6(rows[i].first, rows[i].extensions, rows[i].options);
		uint8_t expected[40];
		size_t n = hex_decode(rows[i].clamped ? rows[i].clamped : rows[i].options, expected,
				      sizeof(expected));

		assert_int_equal(ip6_clamp_mss(p.bytes, &p.info, 1279), 0);
		assert_int_equal(ip6_clamp_mss(p.bytes, &p.info, MTU), rows[i].clamped != NULL);
		assert_memory_equal(p.bytes + p.len - n, expected, n);
		if (p.info.protocol == IPPROTO_TCP)
			assert_int_equal(be16(p.bytes + p.info.l4_at + 16), tcp6_checksum(&p));
		free(p.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_fields_are_read),
		cmocka_unit_test(lengths_that_contradict_are_refused),
		cmocka_unit_test(other_versions_are_told_apart),
		cmocka_unit_test(checksum_agrees_with_the_definition),
		cmocka_unit_test(checksum_of_the_specification),
		cmocka_unit_test(mss_above_the_link_is_lowered),
		cmocka_unit_test(mss_at_odd_places_is_lowered),
		cmocka_unit_test(every_mss_option_is_lowered),
		cmocka_unit_test(what_is_behind_the_end_of_options_is_not_looked_at),
		cmocka_unit_test(mss_that_fits_stays),
		cmocka_unit_test(malformed_options_stay),
		cmocka_unit_test(header_longer_than_the_packet_stays),
		cmocka_unit_test(packet_too_short_for_tcp_stays),
		cmocka_unit_test(only_syn_of_tcp_is_touched),
		cmocka_unit_test(later_fragment_stays_and_first_is_lowered),
		cmocka_unit_test(link_narrower_than_ip_allows_is_no_reason),
		cmocka_unit_test(wrong_checksum_stays_wrong),
		cmocka_unit_test(corrected_checksum_equals_a_new_one),
		cmocka_unit_test(header_fields_of_ipv6_are_read),
		cmocka_unit_test(lengths_of_ipv6_that_contradict_are_refused),
		cmocka_unit_test(extension_headers_are_stepped_over_as_far_as_needed),
		cmocka_unit_test(mss_over_ipv6_is_lowered_to_what_fits),
	};

	return cmocka_run_group_tests_name("tun/ip", tests, NULL, NULL);
}
