/* SPDX-License-Identifier: Apache-2.0 */
/* What a conversation allocates, and what happens when it cannot: OpenSSL's memory is counted. */
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "test/support/cmocka.h"
#include "test/unit/ppp/eap_tls_rig.h"

enum {
	KIB = 1024,
};

/* Of OpenSSL: bytes, now and at most; and how many allocations still succeed, negative: all. */
static size_t in_use, peak;
static long left = -1;
static unsigned long calls;

static bool fails(void)
{
	calls++;
	if (left > 0)
		left--;
	return left == 0;
}

static void *counted(void *p)
{
	in_use += p ? malloc_usable_size(p) : 0;
	if (in_use > peak)
		peak = in_use;
	return p;
}

static void *count_malloc(size_t size, const char *file, int line)
{
	return fails() ? NULL : counted(malloc(size));
}

static void count_free(void *p, const char *file, int line)
{
	in_use -= p ? malloc_usable_size(p) : 0;
	free(p);
}

static void *count_realloc(void *p, size_t size, const char *file, int line)
{
	if (fails())
		return NULL;
	in_use -= p ? malloc_usable_size(p) : 0;
	return counted(realloc(p, size));
}

/* The key that is looked for in what is wiped, and how often it was in it. */
static const uint8_t *sought;
static unsigned wiped;

void __real_secret_wipe_bytes(void *buf, size_t len);
void __wrap_secret_wipe_bytes(void *buf, size_t len);

void __wrap_secret_wipe_bytes(void *buf, size_t len)
{
	if (sought && memmem(buf, len, sought, EAP_TLS_MSK_SIZE))
		wiped++;
	__real_secret_wipe_bytes(buf, len);
}

static struct eap_tls_rig rig;

static int init_rig(void **state)
{
	eap_tls_rig_init(&rig, &(struct eap_tls_rig_spec){0});
	/* what OpenSSL makes at its first handshake stays */
	eap_tls_rig_run(&rig);
	return rig.server_result == EAP_TLS_DONE ? 0 : -1;
}

static int done_rig(void **state)
{
	eap_tls_rig_done(&rig);
	return 0;
}

/* Two new conversations. */
static void restart(size_t fragment_max)
{
	eap_tls_free(rig.server);
	eap_tls_free(rig.client);
	rig.fragment_max = fragment_max;
	rig.server = eap_tls_new(rig.server_ctx, fragment_max);
	rig.client = eap_tls_new(rig.client_ctx, fragment_max);
	rig.packets = 0;
	assert_non_null(rig.server);
	assert_non_null(rig.client);
}

/* Starts over after each number of packets, so many times; what is in use does not change. */
static void check_aborted(unsigned packets, int times, size_t fragment_max)
{
	size_t before = 0;

	for (int i = 0; i < times; i++) {
		restart(fragment_max);
		if (i == 0)
			before = in_use;
		eap_tls_rig_run_until(&rig, packets);
	}
	restart(fragment_max);
	assert_int_equal(in_use, before);
}

static void X09_ten_thousand_aborted_starts_leave_nothing(void **state)
{
	check_aborted(1, 10000, EAP_TLS_FRAGMENT_MAX);
}

/* Every other packet is the server's: the client's, then an answer that goes nowhere. */
static void X09_aborted_conversations_leave_nothing(void **state)
{
	for (unsigned packets = 2; packets < 20; packets++)
		check_aborted(packets, 20, 200);
}

static void a_started_server_holds_little(void **state)
{
	size_t before;

	restart(EAP_TLS_FRAGMENT_MAX);
	before = in_use;
	eap_tls_rig_run_until(&rig, 1);
	assert_int_equal(in_use, before);
	assert_in_range(malloc_usable_size(rig.server), 1, 1280);
}

static void tls_is_gone_when_it_is_done(void **state)
{
	size_t before;

	restart(EAP_TLS_FRAGMENT_MAX);
	before = in_use;
	eap_tls_rig_run(&rig);
	assert_int_equal(rig.server_result, EAP_TLS_DONE);
	assert_int_equal(in_use, before);
}

static void X45_keys_are_wiped(void **state)
{
	uint8_t key[EAP_TLS_MSK_SIZE];

	restart(EAP_TLS_FRAGMENT_MAX);
	eap_tls_rig_run(&rig);
	assert_int_equal(rig.server_result, EAP_TLS_DONE);
	memcpy(key, eap_tls_msk(rig.server), sizeof(key));
	sought = key;
	wiped = 0;
	eap_tls_rig_put(&rig, "", 1);
	assert_int_equal(eap_tls_rig_input(&rig, rig.server), EAP_TLS_FAILED);
	assert_int_equal(wiped, 1);
	eap_tls_free(rig.server);
	assert_int_equal(wiped, 1);
	eap_tls_free(rig.client);
	assert_int_equal(wiped, 2);
	sought = NULL;
	rig.server = rig.client = NULL;
}

/* The most that the server uses while it takes the packet. */
static size_t server_peak(const void *packet, size_t len, enum eap_tls_result expected)
{
	size_t before;

	eap_tls_rig_put(&rig, packet, len);
	before = peak = in_use;
	assert_int_equal(eap_tls_rig_input(&rig, rig.server), expected);
	return peak - before;
}

static void X08_what_is_declared_is_not_allocated(void **state)
{
	restart(EAP_TLS_FRAGMENT_MAX);
	eap_tls_rig_run_until(&rig, 1);
	assert_int_equal(server_peak("\xc0\xff\xff\xff\xff\x16", 6, EAP_TLS_FAILED), 0);
	restart(EAP_TLS_FRAGMENT_MAX);
	eap_tls_rig_run_until(&rig, 1);
	assert_in_range(server_peak("\xc0\0\0\x80\0\x16", 6, EAP_TLS_MORE), 1, 24 * KIB);
}

/* A TLS record with the head of a ClientHello that is longer than all that comes. */
static size_t hello_peak(uint32_t declared, enum eap_tls_result expected)
{
	uint8_t packet[32];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put(&w, "\0\x16\x03\x01\0\x08", 6);
	wire_put_be32(&w, 0x01000000 | declared);
	wire_put(&w, "\x03\x03\0\0", 4);
	restart(EAP_TLS_FRAGMENT_MAX);
	eap_tls_rig_run_until(&rig, 1);
	return server_peak(packet, wire_len(&w), expected);
}

static void X08_what_a_hello_declares_is_not_allocated(void **state)
{
	size_t usual = hello_peak(100, EAP_TLS_FAILED);

	assert_int_equal(hello_peak(0x1ffff, EAP_TLS_FAILED), usual);
	/* that is too much for TLS itself: it sends an alert */
	assert_in_range(hello_peak(0xffffff, EAP_TLS_MORE), 1, usual + KIB);
}

/* The largest message there can be, nothing of which is TLS's concern before its last fragment. */
static void a_message_of_32_KiB_takes_as_much_and_no_multiple(void **state)
{
	static uint8_t packet[1 + 4 + 512];
	struct wire_writer w = wire_writer(packet, sizeof(packet));
	size_t most = 0, before;

	restart(EAP_TLS_FRAGMENT_MAX);
	eap_tls_rig_run_until(&rig, 1);
	before = in_use;
	wire_put_u8(&w, 0xc0);
	wire_put_be32(&w, EAP_TLS_MESSAGE_MAX);
	wire_put_zero(&w, 512);
	for (int i = 0; i < EAP_TLS_FRAGMENTS_MAX - 1; i++) {
		server_peak(packet, sizeof(packet), EAP_TLS_MORE);
		if (peak - before > most)
			most = peak - before;
	}
	assert_in_range(most, EAP_TLS_MESSAGE_MAX, 96 * KIB);
}

static void a_handshake_needs_less_than_256_KiB(void **state)
{
	size_t before;

	restart(EAP_TLS_FRAGMENT_MAX);
	before = peak = in_use;
	eap_tls_rig_run(&rig);
	assert_int_equal(rig.server_result, EAP_TLS_DONE);
	print_message("# a server and a client: %zu KiB at most\n", (peak - before) / KIB);
	assert_in_range(peak - before, 1, 256 * KIB);
}

/* Runs both, with the nth allocation failing. True when it was reached. */
static bool run_short_of_memory(long n)
{
	bool reached;

	restart(EAP_TLS_FRAGMENT_MAX);
	left = n;
	eap_tls_rig_run(&rig);
	reached = left == 0;
	left = -1;
	if (rig.server_result == EAP_TLS_DONE && rig.client_result == EAP_TLS_DONE)
		assert_memory_equal(eap_tls_msk(rig.server), eap_tls_msk(rig.client),
				    EAP_TLS_MSK_SIZE);
	else
		assert_true(eap_tls_reason(rig.server)[0] || eap_tls_reason(rig.client)[0]);
	return reached;
}

static void running_out_of_memory_ends_in_failure(void **state)
{
	long n = 1;

	while (run_short_of_memory(n))
		n += 7;
	assert_in_range(n, 1000, 100000);
	eap_tls_rig_done(&rig);
	eap_tls_rig_init(&rig, &(struct eap_tls_rig_spec){0});
	eap_tls_rig_run(&rig);
	assert_int_equal(rig.server_result, EAP_TLS_DONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(X09_ten_thousand_aborted_starts_leave_nothing),
		cmocka_unit_test(X09_aborted_conversations_leave_nothing),
		cmocka_unit_test(a_started_server_holds_little),
		cmocka_unit_test(tls_is_gone_when_it_is_done),
		cmocka_unit_test(X45_keys_are_wiped),
		cmocka_unit_test(X08_what_is_declared_is_not_allocated),
		cmocka_unit_test(X08_what_a_hello_declares_is_not_allocated),
		cmocka_unit_test(a_message_of_32_KiB_takes_as_much_and_no_multiple),
		cmocka_unit_test(a_handshake_needs_less_than_256_KiB),
		cmocka_unit_test(running_out_of_memory_ends_in_failure),
	};

	if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
		return 1;
	eap_tls_rig_setup(NULL);
	return cmocka_run_group_tests(tests, init_rig, done_rig);
}
