/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/offload_text.h"

#include "test/support/cmocka.h"
#include "tun/tun.h"

static void every_offload_has_its_word(void **state)
{
	char buf[OFFLOAD_TEXT_MAX];

	assert_string_equal(offload_text(TUN_OFFLOAD_TSO_READ, buf), "tcp_read");
	assert_string_equal(offload_text(TUN_OFFLOAD_USO_READ, buf), "udp_read");
	assert_string_equal(offload_text(TUN_OFFLOAD_TCP_MERGE, buf), "tcp_merge");
	assert_string_equal(offload_text(TUN_OFFLOAD_UDP_MERGE, buf), "udp_merge");
}

static void all_fit_with_blanks_between(void **state)
{
	char buf[OFFLOAD_TEXT_MAX];

	assert_string_equal(offload_text(~0u, buf),
			    "tcp_read udp_read tcp_merge udp_merge io_uring");
	assert_string_equal(offload_text(TUN_OFFLOAD_USO_READ | TUN_OFFLOAD_UDP_MERGE, buf),
			    "udp_read udp_merge");
}

static void none_is_said_so(void **state)
{
	char buf[OFFLOAD_TEXT_MAX];

	assert_string_equal(offload_text(0, buf), "none");
	assert_string_equal(offload_text(TUN_OFFLOAD_HEADER, buf), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_offload_has_its_word),
		cmocka_unit_test(all_fit_with_blanks_between),
		cmocka_unit_test(none_is_said_so),
	};

	return cmocka_run_group_tests_name("tun/offload_text", tests, NULL, NULL);
}
