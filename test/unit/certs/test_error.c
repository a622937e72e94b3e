/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/error.h"

#include <errno.h>
#include <string.h>

#include "test/support/cmocka.h"

static void what_a_stranger_wrote_is_made_printable(void **state)
{
	struct certs_error error;

	assert_int_equal(certs_fail(&error, -EINVAL, "name '%s'", "a\nb\x1b\xc3\xa4z"), -EINVAL);
	assert_string_equal(error.text, "name 'a?b?"
					"??z'");
}

static void a_long_sentence_is_cut(void **state)
{
	struct certs_error error;
	char text[2 * CERTS_ERROR_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	certs_fail(&error, -EINVAL, "%s", text);
	assert_int_equal(strlen(error.text), CERTS_ERROR_MAX - 1);
}

static void a_prefix_says_where(void **state)
{
	struct certs_error error;

	certs_fail(&error, -EINVAL, "too long");
	assert_int_equal(certs_fail_in(&error, -EBADMSG, "root.pem"), -EBADMSG);
	assert_string_equal(error.text, "root.pem: too long");
}

static void nobody_has_to_listen(void **state)
{
	assert_int_equal(certs_fail(NULL, -EIO, "x"), -EIO);
	assert_int_equal(certs_fail_in(NULL, -EIO, "x"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_stranger_wrote_is_made_printable),
		cmocka_unit_test(a_long_sentence_is_cut),
		cmocka_unit_test(a_prefix_says_where),
		cmocka_unit_test(nobody_has_to_listen),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
