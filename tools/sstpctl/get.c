/* SPDX-License-Identifier: Apache-2.0 */
/* "get plans", "get plan NAME": the same as "plan list" and "plan show NAME", for those who know it so. */
#include <stdio.h>
#include <string.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

enum {
	NOUN_MAX = 32
};

/* "plans" is "plan". */
static void make_noun(const struct call *c, const char *kind, char ret_noun[NOUN_MAX])
{
	size_t len;

	snprintf(ret_noun, NOUN_MAX, "%s", kind);
	len = strlen(ret_noun);
	if (!call_has_noun(c->table, ret_noun) && len > 1 && ret_noun[len - 1] == 's')
		ret_noun[len - 1] = '\0';
}

/* How many arguments must be there: a route's are its plan's and network's too. */
static size_t count_needed(const struct verb *v)
{
	bool is_optional = false;
	size_t n = 0, len;

	while (call_argument(v->arguments, n, &len, &is_optional) && !is_optional)
		n++;
	return n;
}

static size_t count_given(const struct call *c)
{
	size_t n = 0;

	while (n + 1 < CALL_ARGUMENTS_MAX && c->arguments[n + 1])
		n++;
	return n;
}

/* With all the names that it takes one is shown, else a list. */
static const struct verb *find(const struct call *c)
{
	const struct verb *show, *list;
	char noun[NOUN_MAX];

	make_noun(c, c->arguments[0], noun);
	show = call_find_verb(c->table, noun, "show");
	list = call_find_verb(c->table, noun, "list");
	if (show && (!list || (count_given(c) && count_given(c) >= count_needed(show))))
		return show;
	return list && list->run != get_run ? list : NULL;
}

/* Those behind the kind. -1, or the exit code of a complaint. */
static int take_arguments(const struct call *c, struct call *as)
{
	size_t n = count_given(c), max = 0, len;
	bool is_optional;

	while (call_argument(as->verb->arguments, max, &len, &is_optional))
		max++;
	if (n < count_needed(as->verb) || n > max)
		return call_fail(EXIT_USAGE, "get %s wants %s; see sstpctl %s --help",
				 c->arguments[0],
				 *as->verb->arguments ? as->verb->arguments : "nothing behind it",
				 as->verb->noun);
	for (size_t i = 0; i < CALL_ARGUMENTS_MAX; i++)
		as->arguments[i] = i < n ? c->arguments[i + 1] : NULL;
	return view_check(as);
}

int get_run(struct call *c)
{
	struct call as = *c;
	int code;

	as.verb = find(c);
	if (!as.verb)
		return call_fail(EXIT_USAGE, "there is no '%s' to get; see sstpctl get --help",
				 c->arguments[0]);
	code = take_arguments(c, &as);
	if (code < 0)
		code = as.verb->run ? as.verb->run(&as) : request_run(&as);
	return code;
}
