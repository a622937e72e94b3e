/* SPDX-License-Identifier: Apache-2.0 */
/* The table is one: what a row says in one place has to be there in the others. */
#include "tools/sstpctl/verbs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "tools/sstpctl/body.h"
#include "tools/sstpctl/view.h"

static bool has_argument(const struct verb *v, const char *name, size_t len)
{
	const char *argument;
	size_t n;
	bool is_optional;

	for (size_t i = 0; (argument = call_argument(v->arguments, i, &n, &is_optional)); i++)
		if (n == len && strncmp(argument, name, len) == 0)
			return true;
	return false;
}

static bool has_option(const struct verb *v, const char *name, size_t len)
{
	char lower[32] = "";
	enum option_id option;

	for (size_t i = 0; i < len && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	option = option_find(lower, len);
	return option < OPTION_COUNT && option_is_among(option, v->options, NULL);
}

static void check_word(const struct verb *v, const char *name, size_t len, const char *where)
{
	if (!has_argument(v, name, len) && !has_option(v, name, len))
		fail_msg("%s %s: its %s has %.*s, which is no argument nor option of it", v->noun,
			 v->verb, where, (int)len, name);
}

/* Every word in braces. */
static void check_pattern(const struct verb *v, const char *text, const char *where)
{
	while ((text = strchr(text, '{'))) {
		text++;
		if (*text == '/' || *text == '+')
			text++;
		check_word(v, text, strcspn(text, "=}"), where);
	}
}

static void words_of_paths_bodies_and_sentences_are_arguments_or_options(void **state)
{
	for (size_t i = 0; i < verbs_table.n; i++) {
		const struct verb *v = &verbs_table.verbs[i];

		if (v->path)
			check_pattern(v, v->path, "path");
		if (v->view && v->view->shape == VIEW_SENTENCE)
			check_pattern(v, v->view->sentence, "sentence");
		for (const struct body_field *f = v->body; f && f->word; f++)
			check_word(v, f->word, strlen(f->word), "body");
	}
}

static void options_of_a_row_are_options(void **state)
{
	for (size_t i = 0; i < verbs_table.n; i++) {
		const char *p = verbs_table.verbs[i].options;

		p += strspn(p, " ");
		while (*p) {
			size_t len = strcspn(p, " !");
			enum option_id option = option_find(p, len);

			if (option >= OPTION_COMMON)
				fail_msg("%s: '%.*s' is no option of a verb",
					 verbs_table.verbs[i].noun, (int)len, p);
			p += len;
			p += strspn(p, " !");
		}
	}
}

static void row_is_complete_and_there_once(void **state)
{
	for (size_t i = 0; i < verbs_table.n; i++) {
		const struct verb *v = &verbs_table.verbs[i];

		assert_non_null(v->arguments);
		assert_non_null(v->help);
		assert_true(v->run || (v->method && v->path && v->view));
		assert_ptr_equal(call_find_verb(&verbs_table, v->noun, v->verb), v);
	}
}

static void verbs_of_a_noun_stand_together(void **state)
{
	for (size_t i = 1; i < verbs_table.n; i++) {
		const char *noun = verbs_table.verbs[i].noun;

		if (strcmp(noun, verbs_table.verbs[i - 1].noun) == 0)
			continue;
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(noun, verbs_table.verbs[k].noun);
	}
}

static void every_option_is_some_verb_s(void **state)
{
	for (int option = 0; option < OPTION_COMMON; option++) {
		size_t n = 0;

		for (size_t i = 0; i < verbs_table.n; i++)
			n += option_is_among((enum option_id)option, verbs_table.verbs[i].options,
					     NULL);
		if (n == 0)
			fail_msg("--%s", option_info((enum option_id)option)->name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_paths_bodies_and_sentences_are_arguments_or_options),
		cmocka_unit_test(options_of_a_row_are_options),
		cmocka_unit_test(row_is_complete_and_there_once),
		cmocka_unit_test(verbs_of_a_noun_stand_together),
		cmocka_unit_test(every_option_is_some_verb_s),
	};

	return cmocka_run_group_tests_name("tools/sstpctl/verbs", tests, NULL, NULL);
}
