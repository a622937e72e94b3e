/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

enum {
	ARGS_MAX = 8
};

/* A command line from words up to NULL, as main() gets it. */
static int parse(const char *const *words, struct gateway_options *o, struct conf_error *error)
{
	char *argv[ARGS_MAX + 2] = {(char *)"sstp-gateway"};
	int argc = 1;

	while (argc <= ARGS_MAX && words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	return gateway_options_parse(argc, argv, o, error);
}

#define PARSE(_o, _error, ...) parse((const char *const[]){__VA_ARGS__, NULL}, _o, _error)

static void defaults_stand_without_options(void **state)
{
	struct gateway_options o;
	struct conf_error error;
	size_t len;

	assert_int_equal(PARSE(&o, &error, NULL), 0);
	len = strlen(o.config);
	assert_string_equal(o.config + len - 26, "/sstp-gateway/gateway.yaml");
	assert_int_equal(o.check, false);
	assert_int_equal(o.has_log_level, false);
}

static void options_are_taken(void **state)
{
	struct gateway_options o;
	struct conf_error error;

	assert_int_equal(PARSE(&o, &error, "--config", "a.yaml", "--check", "--log-level=warning"),
			 0);
	assert_string_equal(o.config, "a.yaml");
	assert_int_equal(o.check, true);
	assert_int_equal(o.has_log_level, true);
	assert_int_equal(o.log_level, LOG_LEVEL_WARNING);
	assert_int_equal(PARSE(&o, &error, "-nc", "b.yaml", "-l", "error"), 0);
	assert_string_equal(o.config, "b.yaml");
	assert_int_equal(o.check, true);
	assert_int_equal(o.log_level, LOG_LEVEL_ERROR);
}

#define expect_error(_text, ...)                                           \
	do {                                                               \
		struct gateway_options o = {.config = "before"};           \
		struct conf_error error = {""};                            \
		assert_int_equal(PARSE(&o, &error, __VA_ARGS__), -EINVAL); \
		assert_string_equal(error.text, _text);                    \
		assert_string_equal(o.config, "before");                   \
	} while (0)

static void wrong_command_lines_are_told(void **state)
{
	expect_error("there is no option --conf-file; see --help", "--conf-file", "x");
	expect_error("there is no option -x; see --help", "-x");
	expect_error("option --config needs a value; see --help", "--check", "--config");
	expect_error("there is no option --check=yes; see --help", "--check=yes");
	expect_error("--log-level must be one of: error, warning, info, debug; not 'all'",
		     "--log-level", "all");
	expect_error("unexpected argument 'gateway.yaml'; see --help", "gateway.yaml");
	expect_error("unexpected argument 'x'; see --help", "--check", "--", "x");
}

/* The first line that a command line prints. */
static void expect_printed(const char *option, const char *beginning)
{
	FILE *f = tmpfile();
	int saved = dup(STDOUT_FILENO);
	struct gateway_options o;
	struct conf_error error;
	char buf[256] = "";
	int r;

	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	r = PARSE(&o, &error, option);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(f);
	assert_non_null(fgets(buf, sizeof(buf), f));
	fclose(f);
	assert_int_equal(r, 1);
	assert_memory_equal(buf, beginning, strlen(beginning));
}

static void help_and_version_are_printed(void **state)
{
	expect_printed("--help", "Usage: sstp-gateway [--config FILE]");
	expect_printed("-h", "Usage: sstp-gateway [--config FILE]");
	expect_printed("--version", "sstp-gateway 0.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_stand_without_options),
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(wrong_command_lines_are_told),
		cmocka_unit_test(help_and_version_are_printed),
	};

	return cmocka_run_group_tests_name("gateway/options", tests, NULL, NULL);
}
