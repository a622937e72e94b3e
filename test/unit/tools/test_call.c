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
	{.noun = "token",
	 .verb = "create",
	 .arguments = "",
	 .options = "app! vnet! gateway lifetime",
	 .help = "Makes a token."},
	{.noun = "cert",
	 .verb = "list",
	 .arguments = "",
	 .options = "",
	 .help = "Shows certificates."},
	{.noun = "cert",
	 .verb = "revoke",
	 .arguments = "THUMBPRINT",
	 .options = "app foreign",
	 .help = "Revokes a certificate."},
	{.noun = "apply", .arguments = "", .options = "file! dry-run", .help = "Makes it so."},
	{.noun = "route",
	 .verb = "list",
	 .arguments = "PLAN [VNET]",
	 .options = "resource-group",
	 .help = "Shows routes."},
};

static const struct verb elsewhere[] = {
	{.noun = "cert", .verb = "sync", .help = "a network is synced: plan sync"},
	{.noun = NULL},
};

static const struct verb_table table = {verbs, sizeof(verbs) / sizeof(verbs[0]), elsewhere};

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
	return call_parse(&table, argc, argv, &call);
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
		assert_string_equal(call.arguments[0], "ABC");
		assert_string_equal(call.options[OPTION_SOCKET], "/s");
		assert_int_equal(call.output, OUTPUT_JSON);
		assert_non_null(call.options[OPTION_FOREIGN]);
	}
}

static void each_option_has_its_place(void **state)
{
	assert_int_equal(parse("--app a --vnet v token create --gateway g --lifetime 2h"), -1);
	assert_string_equal(call.options[OPTION_APP], "a");
	assert_string_equal(call.options[OPTION_VNET], "v");
	assert_string_equal(call.options[OPTION_GATEWAY], "g");
	assert_string_equal(call.options[OPTION_LIFETIME], "2h");
	assert_int_equal(call.output, OUTPUT_TABLE);
	assert_null(call.options[OPTION_SOCKET]);
	assert_int_equal(parse("cert revoke X"), -1);
	assert_null(call.options[OPTION_FOREIGN]);
	refuses("cert revoke X Y", "unexpected argument 'Y'");
	assert_int_equal(parse("cert list"), -1);
	assert_null(call.arguments[0]);
}

static void short_forms_are_the_same(void **state)
{
	assert_int_equal(parse("apply -f site.yaml -o yaml"), -1);
	assert_string_equal(call.options[OPTION_FILE], "site.yaml");
	assert_int_equal(call.output, OUTPUT_YAML);
	assert_int_equal(parse("route list -g rg plan1"), -1);
	assert_string_equal(call.options[OPTION_RESOURCE_GROUP], "rg");
	assert_int_equal(parse("cert list -ojson"), -1);
	assert_int_equal(call.output, OUTPUT_JSON);
}

static void noun_can_stand_alone_and_an_argument_be_left_out(void **state)
{
	assert_int_equal(parse("apply --file -"), -1);
	assert_ptr_equal(call.verb, &verbs[3]);
	refuses("apply all --file -", "unexpected argument 'all'; see sstpctl apply --help");
	refuses("apply", "--file is missing; see sstpctl apply --help");
	assert_int_equal(parse("route list plan1"), -1);
	assert_string_equal(call.arguments[0], "plan1");
	assert_null(call.arguments[1]);
	assert_int_equal(parse("route list plan1 blue"), -1);
	assert_string_equal(call.arguments[1], "blue");
}

static void word_is_found_by_the_argument_s_or_the_option_s_name(void **state)
{
	assert_int_equal(parse("route list plan1 -g rg"), -1);
	assert_string_equal(call_word(&call, "PLAN", 4), "plan1");
	assert_null(call_word(&call, "VNET", 4));
	assert_string_equal(call_word(&call, "RESOURCE-GROUP", 14), "rg");
	assert_null(call_word(&call, "NOTHING", 7));
}

static void environment_stands_in_for_what_is_not_said(void **state)
{
	setenv("SSTPCTL_SOCKET", "/env.sock", 1);
	setenv("SSTPCTL_RESOURCE_GROUP", "env", 1);
	setenv("SSTPCTL_APP", "env", 1);
	assert_int_equal(parse("route list plan1"), -1);
	assert_string_equal(call.options[OPTION_SOCKET], "/env.sock");
	assert_string_equal(call.options[OPTION_RESOURCE_GROUP], "env");
	assert_null(call.options[OPTION_APP]);
	assert_int_equal(parse("route list plan1 -g rg --server https://gw:8443"), -1);
	assert_string_equal(call.options[OPTION_RESOURCE_GROUP], "rg");
	assert_null(call.options[OPTION_SOCKET]);
	unsetenv("SSTPCTL_SOCKET");
	unsetenv("SSTPCTL_RESOURCE_GROUP");
	unsetenv("SSTPCTL_APP");
}

static void standard_input_is_an_argument(void **state)
{
	assert_int_equal(parse("cert revoke -"), -1);
	assert_string_equal(call.arguments[0], "-");
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
	refuses("token create --vnet v", "--app is missing; see sstpctl token create --help");
	refuses("cert list --socket a --socket b", "--socket is given twice");
	refuses("cert list -o xml", "--output must be table, json, yaml or csv, not 'xml'");
	refuses("cert sync", "a network is synced: plan sync");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_anywhere),
		cmocka_unit_test(each_option_has_its_place),
		cmocka_unit_test(short_forms_are_the_same),
		cmocka_unit_test(noun_can_stand_alone_and_an_argument_be_left_out),
		cmocka_unit_test(word_is_found_by_the_argument_s_or_the_option_s_name),
		cmocka_unit_test(environment_stands_in_for_what_is_not_said),
		cmocka_unit_test(standard_input_is_an_argument),
		cmocka_unit_test(help_is_about_what_stands_beside_it),
		cmocka_unit_test(mistakes_are_named_with_the_help_to_read),
	};

	return cmocka_run_group_tests_name("tools/sstpctl/call", tests, NULL, NULL);
}
