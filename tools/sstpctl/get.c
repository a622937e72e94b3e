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

static const struct verb *find(const struct call *c)
{
	const char *verb = c->arguments[1] ? "show" : "list";
	const struct verb *v;
	char noun[NOUN_MAX];

	make_noun(c, c->arguments[0], noun);
	v = call_find_verb(c->table, noun, verb);
	if (!v) /* there is one only, as of the site */
		v = call_find_verb(c->table, noun, "show");
	return v && v->method && !strcmp(v->method, "GET") ? v : NULL;
}

/* How many arguments must be there: those of a route's are its plan's and network's too. */
static size_t count_needed(const struct verb *v)
{
	bool is_optional = false;
	size_t n = 0, len;

	while (call_argument(v->arguments, n, &len, &is_optional) && !is_optional)
		n++;
	return n;
}

int get_run(struct call *c)
{
	struct call as = *c;
	size_t n = 0;
	int code;

	as.verb = find(c);
	if (!as.verb)
		return call_fail(EXIT_USAGE, "there is no '%s%s%s' to get; see sstpctl get --help",
				 c->arguments[0], c->arguments[1] ? " " : "",
				 c->arguments[1] ? c->arguments[1] : "");
	for (size_t i = 0; i < CALL_ARGUMENTS_MAX; i++) {
		as.arguments[i] = i + 1 < CALL_ARGUMENTS_MAX ? c->arguments[i + 1] : NULL;
		n += as.arguments[i] != NULL;
	}
	if (n < count_needed(as.verb))
		return call_fail(EXIT_USAGE, "get %s wants %s; see sstpctl %s %s --help",
				 c->arguments[0], as.verb->arguments, as.verb->noun, as.verb->verb);
	code = view_check(&as);
	if (code < 0)
		code = as.verb->run ? as.verb->run(&as) : request_run(&as);
	return code;
}
