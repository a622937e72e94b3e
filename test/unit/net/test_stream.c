/* SPDX-License-Identifier: Apache-2.0 */
/* The packet path between two of our own streams. */
#include <stdlib.h>
#include <string.h>

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/support/testcert.h"
#include "test/unit/net/rig.h"

static int setup(void **state)
{
	static struct rig rig;

	rig_setup(&rig);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	rig_teardown(*state);
	return 0;
}

static void both_ends_open_with_tls13_and_aes128_first(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	assert_string_equal(stream_tls_name(rig->server.stream), "TLSv1.3 TLS_AES_128_GCM_SHA256");
	assert_string_equal(stream_tls_name(rig->client.stream), "TLSv1.3 TLS_AES_128_GCM_SHA256");
	assert_int_equal(rig->server.opened, 1);
	assert_int_equal(rig->client.opened, 1);
}

static void both_ends_know_the_digests_of_the_presented_leaf(void **state)
{
	struct rig *rig = *state;
	uint8_t sha1[20], sha256[32], expect1[20], expect256[32];

	rig_connect(rig, "gateway.test");
	assert_int_equal(stream_cert_digests(rig->client.stream, sha1, sha256), -2);
	rig_run(rig, rig_both_open);
	X509_digest(rig_server_cert()->cert, EVP_sha1(), expect1, NULL);
	X509_digest(rig_server_cert()->cert, EVP_sha256(), expect256, NULL);
	assert_int_equal(stream_cert_digests(rig->server.stream, sha1, sha256), 0);
	assert_memory_equal(sha1, expect1, sizeof(sha1));
	assert_memory_equal(sha256, expect256, sizeof(sha256));
	memset(sha1, 0, sizeof(sha1));
	memset(sha256, 0, sizeof(sha256));
	assert_int_equal(stream_cert_digests(rig->client.stream, sha1, sha256), 0);
	assert_memory_equal(sha1, expect1, sizeof(sha1));
	assert_memory_equal(sha256, expect256, sizeof(sha256));
}

static bool server_has_ten(struct rig *rig)
{
	return rig->server.len == 10;
}

static void what_one_record_holds_arrives_in_one_run(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	assert_int_equal(stream_send(rig->client.stream, "0123456789", 10), 0);
	rig_run(rig, server_has_ten);
	assert_memory_equal(rig->server.data, "0123456789", 10);
	assert_int_equal(rig->server.data_calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_ends_open_with_tls13_and_aes128_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(both_ends_know_the_digests_of_the_presented_leaf,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_one_record_holds_arrives_in_one_run, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
