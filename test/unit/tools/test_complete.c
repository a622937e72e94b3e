/* SPDX-License-Identifier: Apache-2.0 */
/* A command line is a text here, cut at its blanks; "|" stands where the cursor is, behind the last word. */
#include "tools/sstpctl/complete.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "tools/sstpctl/verbs.h"

/* What was asked for, with the arguments in front of it. */
static void fake_names(struct call *c, const char *name, size_t len, FILE *f)
{
	fprintf(f, "%.*s-1\n%.*s-2\n", (int)len, name, (int)len, name);
	if (c->arguments[0])
		fprintf(f, "of-%s\n", c->arguments[0]);
	if (c->options[OPTION_SOCKET])
		fprintf(f, "at-%s\n", c->options[OPTION_SOCKET]);
}

static void completes(const char *text, const char *expected)
{
	char line[256], *argv[24], *out = NULL;
	int argc = 0;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	snprintf(line, sizeof(line), "%s", text);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc - 1][strlen(argv[argc - 1]) - 1] = '\0'; /* the cursor */
	complete_print(f, &verbs_table, argc, argv, fake_names);
	fclose(f);
	for (char *p = out; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ' ' : '\0';
	assert_string_equal(out, expected);
	free(out);
}

static void nouns_and_verbs_come_out_of_the_table(void **state)
{
	completes("ro|", "route root");
	completes("plan |", "list show create set delete sync");
	completes("plan s|", "show set sync");
	completes("plam |", "");
	completes("help pl|", "plan");
	completes("help plan cr|", "create");
	completes("--json --socket /s cert re|", "revoke");
	completes("usage |", "");
}

static void options_are_the_verb_s_and_each_is_offered_once(void **state)
{
	completes("apply --d|", "--dry-run");
	completes("apply --dry-run --d|", "");
	completes("apply --f|", "--file");
	completes("apply -f site.yaml --f|", "");
	completes("cert list --app|", "");
	completes("plan set p --ti|", "--tier");
	completes("--so|", "--socket");
}

static void values_are_known_words(void **state)
{
	completes("plan create p --tier St|", "Standard");
	completes("plan create p --tier = St|", "Standard");
	completes("plan create p --tier =|",
		  "Free Shared Basic Standard Premium PremiumV2 PremiumV3");
	completes("-o |", "table json yaml csv");
	completes("plan list -o js|", "json");
	completes("token create --lifetime |", "15m 1h 1d 7d");
	completes("app set a --location |", "");
}

static void names_are_the_gateway_s(void **state)
{
	completes("plan show |", "PLAN-1 PLAN-2");
	completes("plan show PLAN-2|", "PLAN-2");
	completes("plan show x|", "");
	completes("connection connect shop |", "VNET-1 VNET-2 of-shop");
	completes("route delete p blue |", "ROUTE-1 ROUTE-2 of-p");
	completes("route delete p blue far |", "");
	completes("app create a --plan |", "PLAN-1 PLAN-2 of-a");
	completes("cert show --socket = /s |", "THUMBPRINT-1 THUMBPRINT-2 at-/s");
	completes("get |", "KIND-1 KIND-2");
}

static void files_are_the_shell_s_to_find(void **state)
{
	completes("apply --file |", ":files");
	completes("root import x|", ":files");
	completes("--socket |", ":files");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nouns_and_verbs_come_out_of_the_table),
		cmocka_unit_test(options_are_the_verb_s_and_each_is_offered_once),
		cmocka_unit_test(values_are_known_words),
		cmocka_unit_test(names_are_the_gateway_s),
		cmocka_unit_test(files_are_the_shell_s_to_find),
	};

	return cmocka_run_group_tests_name("tools/sstpctl/complete", tests, NULL, NULL);
}
