/* SPDX-License-Identifier: Apache-2.0 */
/* A command line is a text here, cut at its blanks. */
#include "tools/sstpctl/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

enum {
	SAID_MAX = 8192
};

static const struct verb verbs[] = {
	{"token", "create", NULL, "avgl", "Makes a token.", NULL},
	{"cert", "list", NULL, "", "Shows certificates.", NULL},
	{"cert", "revoke", "THUMBPRINT", "af", "Revokes a certificate.", NULL},
};

static char line[256];
static char said[SAID_MAX];
static struct call call;

static int parse(const char *text)
{
	char *argv[16] = {(char *)"sstpctl"};
	int argc = 1;

	snprintf(line, sizeof(line), "%s", text);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	memset(&call, 0, sizeof(call));
	return call_parse(verbs, 3, argc, argv, &call);
}

/* The same; what is said on the stream is in `said`. */
static int parse_loudly(const char *text, FILE *stream)
{
	int fd = fileno(stream), kept = dup(fd), code;
	FILE *f = tmpfile();
	size_t len;

	assert_non_null(f);
	fflush(stream);
	dup2(fileno(f), fd);
	code = parse(text);
	fflush(stream);
	dup2(kept, fd);
	close(kept);
	rewind(f);
	len = fread(said, 1, SAID_MAX - 1, f);
	said[len] = '\0';
	fclose(f);
	return code;
}

static void says(const char *words)
{
	if (!strstr(said, words))
		fail_msg("'%s' is not in '%s'", words, said);
}

static void refuses(const char *text, const char *words)
{
	assert_int_equal(parse_loudly(text, stderr), EXIT_USAGE);
	says(words);
	assert_null(call.verb);
}

static void options_may_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"--json --socket /s cert revoke ABC --foreign",
		"cert --foreign --json revoke --socket=/s ABC",
		"cert revoke ABC --socket /s --json --foreign",
		"--foreign --json --socket /s cert revoke -- ABC",
	};

	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(parse(lines[i]), -1);
		assert_ptr_equal(call.verb, &verbs[2]);
		assert_string_equal(call.argument, "ABC");
		assert_string_equal(call.socket, "/s");
		assert_true(call.json && call.foreign);
	}
}

static void each_option_has_its_place(void **state)
{
	assert_int_equal(parse("--app a --vnet v token create --gateway g --lifetime 2h"), -1);
	assert_string_equal(call.app, "a");
	assert_string_equal(call.vnet, "v");
	assert_string_equal(call.gateway, "g");
	assert_int_equal(call.lifetime_s, 7200);
	assert_false(call.json);
	assert_string_equal(call.socket, SSTPCTL_SOCKET);
	assert_int_equal(parse("cert revoke X"), -1);
	assert_false(call.foreign);
	assert_int_equal(parse("cert revoke --app shop"), -1);
	assert_string_equal(call.app, "shop");
	assert_null(call.argument);
	refuses("cert revoke X --app shop", "unexpected argument 'X'");
	assert_int_equal(parse("cert list"), -1);
	assert_null(call.argument);
}

static void standard_input_is_an_argument(void **state)
{
	assert_int_equal(parse("cert revoke -"), -1);
	assert_string_equal(call.argument, "-");
}

static void help_is_about_what_stands_beside_it(void **state)
{
	assert_int_equal(parse_loudly("--help", stdout), 0);
	says("Usage: sstpctl NOUN VERB");
	says("token create");
	says("--socket PATH");
	assert_int_equal(parse_loudly("-h cert", stdout), 0);
	says("Usage: sstpctl cert VERB");
	says("cert revoke THUMBPRINT");
	assert_null(strstr(said, "token create"));
	assert_int_equal(parse_loudly("cert revoke --help", stdout), 0);
	says("Usage: sstpctl cert revoke THUMBPRINT");
	says("--foreign");
	says("--json");
	assert_null(strstr(said, "--lifetime"));
	assert_int_equal(parse_loudly("help cert revoke", stdout), 0);
	says("Usage: sstpctl cert revoke THUMBPRINT");
	assert_int_equal(parse_loudly("cert --version", stdout), 0);
	says("sstpctl " SSTP_VERSION);
}

static void mistakes_are_named_with_the_help_to_read(void **state)
{
	refuses("", "Usage: sstpctl NOUN VERB");
	refuses("cert", "Usage: sstpctl cert VERB");
	refuses("crt list", "there is no 'crt'; see sstpctl --help");
	refuses("crt --help", "there is no 'crt'");
	refuses("cert burn", "there is no 'cert burn'; see sstpctl cert --help");
	refuses("cert revoke", "THUMBPRINT is missing; see sstpctl cert revoke --help");
	refuses("cert list ABC", "unexpected argument 'ABC'; see sstpctl cert list --help");
	refuses("cert revoke A B", "unexpected argument 'B'");
	refuses("cert list --app shop", "cert list takes no --app; see sstpctl cert list --help");
	refuses("cert list --burn", "--burn");
	refuses("cert list --socket", "--socket");
	refuses("token create --lifetime soon", "--lifetime must be like");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_anywhere),
		cmocka_unit_test(each_option_has_its_place),
		cmocka_unit_test(standard_input_is_an_argument),
		cmocka_unit_test(help_is_about_what_stands_beside_it),
		cmocka_unit_test(mistakes_are_named_with_the_help_to_read),
	};

	return cmocka_run_group_tests_name("tools/sstpctl/call", tests, NULL, NULL);
}
