/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/common/line.h"

#include <stdlib.h>

#include "test/support/cmocka.h"

static void written_is(bool crlf, const char *expected)
{
	char *text = NULL;
	size_t len;
	struct line_writer w = {.f = open_memstream(&text, &len), .crlf = crlf};

	line_print(&w, "Server: %s", "10.1.0.4");
	line_print(&w, "%s", "");
	fclose(w.f);
	assert_string_equal(text, expected);
	free(text);
}

static void line_ends_as_it_is_asked_for(void **state)
{
	written_is(false, "Server: 10.1.0.4\n\n");
	written_is(true, "Server: 10.1.0.4\r\n\r\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_ends_as_it_is_asked_for),
	};

	return cmocka_run_group_tests_name("tools/line", tests, NULL, NULL);
}
