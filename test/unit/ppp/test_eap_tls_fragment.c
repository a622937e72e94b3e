/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "sstp/ppp/eap_tls.h"
#include "sstp/ppp/eap_tls_fragment.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

/* Decodes flags, the length where they have L, and n bytes of data. */
static int decode(uint8_t flags, uint32_t length, size_t n, struct eap_tls_packet *ret_packet)
{
	static uint8_t buf[EAP_TLS_MESSAGE_MAX + 16];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	wire_put_u8(&w, flags);
	if (flags & EAP_TLS_FLAG_LENGTH)
		wire_put_be32(&w, length);
	wire_put_zero(&w, n);
	assert_false(w.failed);
	return eap_tls_packet_decode(buf, wire_len(&w), ret_packet);
}

/* Gives rx such a fragment. */
static int add(struct eap_tls_rx *rx, uint8_t flags, uint32_t length, size_t n)
{
	struct eap_tls_packet p;
	const char *why = NULL;
	int result;

	assert_int_equal(decode(flags, length, n, &p), 0);
	result = eap_tls_rx_add(rx, &p, &why);
	assert_int_equal(result < 0, why != NULL);
	return result;
}

/* The sentence by which it is refused. */
static const char *refusal(struct eap_tls_rx *rx, uint8_t flags, uint32_t length, size_t n)
{
	struct eap_tls_rx before = *rx;
	struct eap_tls_packet p;
	const char *why = NULL;

	assert_int_equal(decode(flags, length, n, &p), 0);
	assert_int_equal(eap_tls_rx_add(rx, &p, &why), -EBADMSG);
	assert_memory_equal(rx, &before, sizeof(before));
	return why;
}

static void packets_are_taken_apart(void **state)
{
	static const uint8_t first[] = {0xc0, 0, 0, 0x07, 0xd0, 0x16, 0x03};
	struct eap_tls_packet p;

	assert_int_equal(eap_tls_packet_decode(first, sizeof(first), &p), 0);
	assert_true(p.has_length && p.more && !p.start);
	assert_int_equal(p.length, 2000);
	assert_int_equal(p.len, 2);
	assert_ptr_equal(p.data, first + 5);
	assert_int_equal(eap_tls_packet_decode("\x20", 1, &p), 0);
	assert_true(p.start && !p.has_length && !p.more);
	assert_int_equal(p.len, 0);
	assert_int_equal(eap_tls_packet_decode("\x00", 1, &p), 0);
	assert_true(!p.start && !p.has_length && !p.more);
	assert_int_equal(p.len, 0);
}

static void reserved_flags_are_ignored(void **state)
{
	struct eap_tls_packet p;

	assert_int_equal(eap_tls_packet_decode("\x1f\x16", 2, &p), 0);
	assert_true(!p.start && !p.has_length && !p.more);
	assert_int_equal(p.len, 1);
}

static void malformed_packets_are_refused(void **state)
{
	struct eap_tls_packet p = {.len = 99};

	assert_int_equal(eap_tls_packet_decode(NULL, 0, &p), -EBADMSG);
	assert_int_equal(eap_tls_packet_decode("\x80", 1, &p), -EBADMSG);
	assert_int_equal(eap_tls_packet_decode("\x80\0\0\0", 4, &p), -EBADMSG);
	assert_int_equal(eap_tls_packet_decode("\x40", 1, &p), -EBADMSG);
	assert_int_equal(eap_tls_packet_decode("\xc0\0\0\0\x05", 5, &p), -EBADMSG);
	assert_int_equal(eap_tls_packet_decode("\x20\x16", 2, &p), -EBADMSG);
	assert_int_equal(eap_tls_packet_decode("\xa0\0\0\0\0", 5, &p), -EBADMSG);
	assert_int_equal(eap_tls_packet_decode("\x60\x16", 2, &p), -EBADMSG);
	assert_int_equal(p.len, 99);
}

static void one_packet_is_a_message_with_or_without_length(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_int_equal(add(&rx, 0, 0, 100), 1);
	assert_int_equal(add(&rx, EAP_TLS_FLAG_LENGTH, 100, 100), 1);
	assert_memory_equal(&rx, &(struct eap_tls_rx){0}, sizeof(rx));
}

static void P77_length_on_the_first_fragment_only(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_int_equal(add(&rx, 0xc0, 250, 100), 0);
	assert_int_equal(add(&rx, 0x40, 0, 100), 0);
	assert_int_equal(add(&rx, 0x00, 0, 50), 1);
	assert_memory_equal(&rx, &(struct eap_tls_rx){0}, sizeof(rx));
}

static void P77_length_on_all_fragments(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_int_equal(add(&rx, 0xc0, 250, 100), 0);
	assert_int_equal(add(&rx, 0xc0, 250, 100), 0);
	assert_int_equal(add(&rx, 0x80, 250, 50), 1);
}

static void another_length_on_a_later_fragment_is_refused(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_int_equal(add(&rx, 0xc0, 250, 100), 0);
	assert_string_equal(refusal(&rx, 0xc0, 251, 100),
			    "the fragments of a message declare different lengths");
	assert_int_equal(add(&rx, 0xc0, 250, 100), 0);
}

static void fragments_without_a_length_are_refused(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_string_equal(refusal(&rx, 0x40, 0, 100),
			    "a fragmented message does not declare its length");
}

static void more_than_declared_is_refused(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_string_equal(refusal(&rx, 0x80, 99, 100), "a message is longer than it declares");
	assert_string_equal(refusal(&rx, 0x80, 0, 1), "a message is longer than it declares");
	assert_int_equal(add(&rx, 0xc0, 199, 100), 0);
	assert_string_equal(refusal(&rx, 0x40, 0, 100), "a message is longer than it declares");
	assert_string_equal(refusal(&rx, 0x00, 0, 100), "a message is longer than it declares");
	assert_int_equal(add(&rx, 0x00, 0, 99), 1);
}

static void less_than_declared_is_refused_at_the_end(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_string_equal(refusal(&rx, 0x80, 101, 100), "a message is shorter than it declares");
	assert_string_equal(refusal(&rx, 0x80, 1, 0), "a message is shorter than it declares");
	assert_int_equal(add(&rx, 0xc0, 201, 100), 0);
	assert_string_equal(refusal(&rx, 0x00, 0, 100), "a message is shorter than it declares");
}

static void X08_declared_lengths_end_at_32_KiB(void **state)
{
	static const uint32_t lengths[] = {EAP_TLS_MESSAGE_MAX + 1, 65536, 0x7fffffff, 0x80000000,
					   0xffffffff};
	struct eap_tls_rx rx = {0};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_string_equal(refusal(&rx, 0xc0, lengths[i], 100),
				    "a message is longer than 32 KiB");
		assert_string_equal(refusal(&rx, 0x80, lengths[i], 100),
				    "a message is longer than 32 KiB");
	}
	assert_int_equal(add(&rx, 0xc0, EAP_TLS_MESSAGE_MAX, 1000), 0);
}

static void undeclared_lengths_end_at_32_KiB(void **state)
{
	struct eap_tls_rx rx = {0};

	assert_int_equal(add(&rx, 0, 0, EAP_TLS_MESSAGE_MAX), 1);
	assert_string_equal(refusal(&rx, 0, 0, EAP_TLS_MESSAGE_MAX + 1),
			    "a message is longer than 32 KiB");
}

static void a_message_has_64_fragments(void **state)
{
	struct eap_tls_rx rx = {0};

	for (int i = 0; i < 2; i++) {
		for (int n = 1; n < EAP_TLS_FRAGMENTS_MAX; n++)
			assert_int_equal(add(&rx, 0xc0, EAP_TLS_FRAGMENTS_MAX, 1), 0);
		assert_int_equal(add(&rx, 0, 0, 1), 1);
	}
	for (int n = 0; n < EAP_TLS_FRAGMENTS_MAX; n++)
		assert_int_equal(add(&rx, 0xc0, 1000, 1), 0);
	assert_string_equal(refusal(&rx, 0x40, 0, 1), "a message has more than 64 fragments");
	assert_string_equal(refusal(&rx, 0x00, 0, 936), "a message has more than 64 fragments");
}

/* Sends a message in packets of at most max bytes: one behind the other, with their sizes. */
static size_t fragment(const uint8_t *msg, size_t len, size_t max, uint8_t *packets, size_t *sizes)
{
	struct eap_tls_tx tx = {msg, len, 0};
	size_t n = 0;
	bool more;

	do {
		struct wire_writer w = wire_writer(packets, max);

		more = eap_tls_tx_next(&tx, max, &w);
		assert_false(w.failed);
		sizes[n++] = wire_len(&w);
		packets += wire_len(&w);
	} while (more);
	return n;
}

static void what_fits_is_sent_without_a_length(void **state)
{
	uint8_t packets[64];
	size_t sizes[1];

	assert_int_equal(fragment((const uint8_t *)"abcdefg", 7, 8, packets, sizes), 1);
	assert_int_equal(sizes[0], 8);
	assert_memory_equal(packets, "\0abcdefg", 8);
	assert_int_equal(fragment(NULL, 0, 8, packets, sizes), 1);
	assert_int_equal(sizes[0], 1);
	assert_memory_equal(packets, "\0", 1);
}

static void the_first_of_several_fragments_has_the_length(void **state)
{
	uint8_t packets[64];
	size_t sizes[4];

	assert_int_equal(fragment((const uint8_t *)"abcdefghijk", 11, 8, packets, sizes), 3);
	assert_int_equal(sizes[0], 8);
	assert_memory_equal(packets,
			    "\xc0\0\0\0\x0b"
			    "abc",
			    8);
	assert_int_equal(sizes[1], 8);
	assert_memory_equal(packets + 8,
			    "\x40"
			    "defghij",
			    8);
	assert_int_equal(sizes[2], 2);
	assert_memory_equal(packets + 16, "\0k", 2);
}

/* Puts packets together again without the module's own receiver. */
static void check_packets(const uint8_t *msg, size_t len, size_t max, const uint8_t *packets,
			  const size_t *sizes, size_t n)
{
	size_t pos = 0;

	for (size_t i = 0; i < n; i++) {
		size_t head = i == 0 && n > 1 ? 5 : 1;
		uint8_t flags = (uint8_t)((i + 1 < n ? 0x40 : 0) | (head == 5 ? 0x80 : 0));

		assert_int_equal(packets[0], flags);
		if (i + 1 < n)
			assert_int_equal(sizes[i], max);
		assert_in_range(sizes[i], head, max);
		assert_in_range(pos + sizes[i] - head, 0, len);
		if (sizes[i] > head)
			assert_memory_equal(packets + head, msg + pos, sizes[i] - head);
		pos += sizes[i] - head;
		packets += sizes[i];
	}
	assert_int_equal(pos, len);
}

static void what_is_sent_is_what_the_receiver_counts(void **state)
{
	static uint8_t msg[6000], packets[3 * sizeof(msg)];
	static size_t sizes[sizeof(msg)];
	struct prng rng;

	prng_init(&rng, 20260113);
	for (size_t i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)prng_next(&rng);
	for (int round = 0; round < 2000; round++) {
		size_t max = 100 + prng_below(&rng, 1301), len = prng_below(&rng, sizeof(msg));
		size_t n = fragment(msg, len, max, packets, sizes);
		struct eap_tls_rx rx = {0};
		const uint8_t *packet = packets;

		check_packets(msg, len, max, packets, sizes, n);
		for (size_t i = 0; i < n; packet += sizes[i++]) {
			struct eap_tls_packet p;
			const char *why = NULL;

			assert_int_equal(eap_tls_packet_decode(packet, sizes[i], &p), 0);
			assert_int_equal(eap_tls_rx_add(&rx, &p, &why), i + 1 == n);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_taken_apart),
		cmocka_unit_test(reserved_flags_are_ignored),
		cmocka_unit_test(malformed_packets_are_refused),
		cmocka_unit_test(one_packet_is_a_message_with_or_without_length),
		cmocka_unit_test(P77_length_on_the_first_fragment_only),
		cmocka_unit_test(P77_length_on_all_fragments),
		cmocka_unit_test(another_length_on_a_later_fragment_is_refused),
		cmocka_unit_test(fragments_without_a_length_are_refused),
		cmocka_unit_test(more_than_declared_is_refused),
		cmocka_unit_test(less_than_declared_is_refused_at_the_end),
		cmocka_unit_test(X08_declared_lengths_end_at_32_KiB),
		cmocka_unit_test(undeclared_lengths_end_at_32_KiB),
		cmocka_unit_test(a_message_has_64_fragments),
		cmocka_unit_test(what_fits_is_sent_without_a_length),
		cmocka_unit_test(the_first_of_several_fragments_has_the_length),
		cmocka_unit_test(what_is_sent_is_what_the_receiver_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
