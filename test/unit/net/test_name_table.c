/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates answer to which name: rule by rule, and against a slow oracle. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/name_table.h"
#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	RSA,
	ECDSA = 2,
	NAMES_MAX = 4,
	OWNERS_MAX = 6,
};

/* Names sorted, NULL behind the last. */
struct claimant {
	const char *names[NAMES_MAX + 1];
	unsigned kind;
	int tag;
};

static size_t make_owners(const struct claimant *claimants, size_t n, struct name_owner *owners)
{
	for (size_t i = 0; i < n; i++) {
		size_t count = 0;

		while (claimants[i].names[count])
			count++;
		owners[i] = (struct name_owner){claimants[i].names, count, claimants[i].kind,
						claimants[i].tag};
	}
	return n;
}

static struct name_table *table_of(const struct claimant *claimants, size_t n)
{
	struct name_owner owners[OWNERS_MAX];
	struct name_table *t = NULL;
	struct name_conflict conflict;

	make_owners(claimants, n, owners);
	assert_int_equal(name_table_new(owners, n, &t, &conflict), 0);
	return t;
}

/* Who answers to name with a key of this kind; -1: nobody. */
static int who(const struct name_table *t, const char *name, unsigned kind)
{
	size_t set = name_table_find(t, name);

	assert_true(set < name_table_sets(t));
	return name_table_set(t, set)->owner[kind];
}

static void exact_name_goes_before_a_wildcard_and_the_rest_is_the_first(void **state)
{
	static const struct claimant claimants[] = {
		{{"first.test"}, RSA, -1},
		{{"*.lab.test"}, RSA, -1},
		{{"gw.lab.test"}, RSA, -1},
	};
	struct name_table *t = table_of(claimants, 3);

	assert_int_equal(who(t, "first.test", RSA), 0);
	assert_int_equal(who(t, "gw.lab.test", RSA), 2);
	assert_int_equal(who(t, "other.lab.test", RSA), 1);
	assert_int_equal(who(t, "unknown.test", RSA), 0);
	assert_int_equal(who(t, NULL, RSA), 0);
	assert_int_equal(who(t, "", RSA), 0);
	assert_int_equal(name_table_find(t, "first.test"), 0);
	assert_int_equal(name_table_sets(t), 3);
	name_table_free(t);
}

static void wildcard_is_for_one_label_that_is_there(void **state)
{
	static const struct claimant claimants[] = {
		{{"first.test"}, RSA, -1},
		{{"*.lab.test"}, RSA, -1},
	};
	struct name_table *t = table_of(claimants, 2);

	assert_int_equal(who(t, "a.lab.test", RSA), 1);
	assert_int_equal(who(t, "xn--bcher-kva.lab.test", RSA), 1);
	assert_int_equal(who(t, "lab.test", RSA), 0);
	assert_int_equal(who(t, ".lab.test", RSA), 0);
	assert_int_equal(who(t, "a.b.lab.test", RSA), 0);
	assert_int_equal(who(t, "*.lab.test", RSA), 0);
	name_table_free(t);
}

static void case_does_not_count_and_what_is_no_host_name_is_unknown(void **state)
{
	static const struct claimant claimants[] = {
		{{"first.test"}, RSA, -1},
		{{"a_b-1.test", "ip:c0000201"}, RSA, -1},
		{{"xn--bcher-kva.test"}, RSA, -1},
	};
	struct name_table *t = table_of(claimants, 3);
	char longest[300];

	assert_int_equal(who(t, "A_B-1.TEST", RSA), 1);
	assert_int_equal(who(t, "XN--BCHER-KVA.test", RSA), 2);
	assert_int_equal(who(t,
			     "b\xc3\xbc"
			     "cher.test",
			     RSA),
			 0);
	assert_int_equal(who(t, "ip:c0000201", RSA), 0);
	memset(longest, 'a', sizeof(longest));
	longest[299] = '\0';
	assert_int_equal(who(t, longest, RSA), 0);
	name_table_free(t);
}

static void host_names_are_normalized_up_to_their_longest(void **state)
{
	char name[NAME_BYTES + 1], out[NAME_BYTES];

	assert_true(name_normalize("Gw-1_A.TEST", 11, out));
	assert_string_equal(out, "gw-1_a.test");
	assert_true(name_normalize("gw.test", 2, out));
	assert_string_equal(out, "gw");
	assert_false(name_normalize("", 0, out));
	assert_false(name_normalize("a b", 3, out));
	assert_false(name_normalize("a\0b", 3, out));
	memset(name, 'A', sizeof(name));
	assert_true(name_normalize(name, NAME_BYTES - 1, out));
	assert_int_equal(strlen(out), NAME_BYTES - 1);
	assert_false(name_normalize(name, NAME_BYTES, out));
}

static void keys_of_other_kinds_join_name_by_name(void **state)
{
	static const struct claimant claimants[] = {
		{{"a.test", "b.test"}, RSA, -1},
		{{"a.test"}, ECDSA, -1},
		{{"b.test", "c.test"}, RSA, -1},
	};
	struct name_table *t = table_of(claimants, 3);

	assert_int_equal(who(t, "a.test", RSA), 0);
	assert_int_equal(who(t, "a.test", ECDSA), 1);
	assert_int_equal(who(t, "b.test", RSA), 0);
	assert_int_equal(who(t, "b.test", ECDSA), -1);
	assert_int_equal(who(t, "c.test", RSA), 2);
	/* its names are not those of the second */
	assert_int_equal(who(t, NULL, ECDSA), -1);
	name_table_free(t);
}

static void default_has_every_kind_of_key_with_the_first_ones_names(void **state)
{
	static const struct claimant claimants[] = {
		{{"ip:c0000201"}, RSA, 3},
		{{"ip:c0000201"}, ECDSA, 3},
	};
	struct name_table *t = table_of(claimants, 2);

	assert_int_equal(name_table_sets(t), 1);
	assert_int_equal(who(t, NULL, RSA), 0);
	assert_int_equal(who(t, NULL, ECDSA), 1);
	name_table_free(t);
}

static void first_one_may_be_without_a_name(void **state)
{
	static const struct claimant claimants[] = {{{NULL}, RSA, -1}, {{"a.test"}, RSA, 0}};
	struct name_table *t = table_of(claimants, 2);

	assert_int_equal(who(t, NULL, RSA), 0);
	assert_int_equal(who(t, "a.test", RSA), 1);
	name_table_free(t);
}

static void refused(const struct claimant *claimants, size_t n, struct name_conflict expected)
{
	struct name_owner owners[OWNERS_MAX];
	struct name_table *t = NULL;
	struct name_conflict got;

	make_owners(claimants, n, owners);
	assert_int_equal(name_table_new(owners, n, &t, &got), -EINVAL);
	assert_null(t);
	assert_int_equal(got.why, expected.why);
	assert_int_equal(got.owner, expected.owner);
	assert_int_equal(got.other, expected.other);
	if (expected.name)
		assert_string_equal(got.name, expected.name);
	else
		assert_null(got.name);
}

static void name_with_two_tags_is_refused(void **state)
{
	static const struct claimant kinds[] = {
		{{"a.test"}, RSA, -1},
		{{"a.test", "b.test"}, ECDSA, 0},
	};
	static const struct claimant addresses[] = {
		{{"ip:c0000201"}, RSA, 1},
		{{"a.test", "ip:c0000201"}, ECDSA, 0},
	};

	refused(kinds, 2, (struct name_conflict){NAME_TWO_TAGS, 1, 0, "a.test"});
	refused(addresses, 2, (struct name_conflict){NAME_TWO_TAGS, 1, 0, "ip:c0000201"});
}

static void one_that_would_never_be_shown_is_refused(void **state)
{
	static const struct claimant same[] = {
		{{"x.test"}, RSA, -1},
		{{"a.test", "b.test"}, RSA, -1},
		{{"a.test", "b.test"}, RSA, -1},
	};
	static const struct claimant covered[] = {
		{{"a.test"}, RSA, -1},
		{{"b.test"}, RSA, -1},
		{{"a.test", "b.test"}, RSA, -1},
	};
	static const struct claimant addresses[] = {
		{{"ip:c0000201"}, RSA, -1},
		{{"ip:c0000201"}, ECDSA, -1},
		{{"ip:c0000201"}, ECDSA, -1},
	};

	refused(same, 3, (struct name_conflict){NAME_UNUSED, 2, 1, NULL});
	refused(covered, 3, (struct name_conflict){NAME_UNUSED, 2, 0, NULL});
	refused(addresses, 3, (struct name_conflict){NAME_UNUSED, 2, 1, NULL});
}

static void one_without_a_name_behind_the_first_is_refused(void **state)
{
	static const struct claimant nameless[] = {{{NULL}, RSA, -1}, {{NULL}, ECDSA, -1}};
	static const struct claimant address[] = {{{"a.test"}, RSA, -1},
						  {{"ip:c0000201"}, ECDSA, -1}};

	refused(nameless, 2, (struct name_conflict){NAME_NONE, 1, 0, NULL});
	refused(address, 2, (struct name_conflict){NAME_NONE, 1, 0, NULL});
}

/* ---- against an oracle ---- */

static const char *const vocabulary[] = {"*.t", "*.x.t", "a.t", "a.x.t", "b.t", "b.x.t", "ip:01"};
static const char *const questions[] = {"a.t",	 "b.t", "c.t",	 "a.x.t", "b.x.t",   "c.x.t",
					"a.y.t", "t",	"x.t",	 "y",	  "a.b.x.t", "*.t",
					".t",	 "A.T", "C.X.t", "ip:01"};

enum {
	WORDS = sizeof(vocabulary) / sizeof(vocabulary[0]),
	QUESTIONS = sizeof(questions) / sizeof(questions[0]),
};

static size_t random_claimants(struct prng *p, struct claimant *claimants)
{
	size_t n = 1 + prng_below(p, OWNERS_MAX);

	for (size_t i = 0; i < n; i++) {
		size_t count = 0;

		claimants[i] = (struct claimant){.kind = prng_below(p, 10) < 7 ? RSA : ECDSA,
						 .tag = prng_below(p, 20) == 0};
		for (size_t w = 0; w < WORDS && count < NAMES_MAX; w++)
			if (prng_below(p, 3) == 0)
				claimants[i].names[count++] = vocabulary[w];
	}
	return n;
}

static bool claims(const struct claimant *c, const char *name)
{
	for (size_t i = 0; c->names[i]; i++)
		if (strcmp(c->names[i], name) == 0)
			return true;
	return false;
}

static bool claims_same(const struct claimant *a, const struct claimant *b)
{
	for (size_t i = 0; i <= NAMES_MAX; i++)
		if (!a->names[i] || !b->names[i])
			return a->names[i] == b->names[i];
		else if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

/* The first that claims exactly this entry. */
static int first_of(const struct claimant *c, size_t n, const char *entry, unsigned kind)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].kind == kind && claims(&c[i], entry))
			return (int)i;
	return -1;
}

static int first_like_the_first(const struct claimant *c, size_t n, unsigned kind)
{
	if (c[0].kind == kind)
		return 0;
	for (size_t i = 1; i < n && c[0].names[0]; i++)
		if (c[i].kind == kind && claims_same(&c[0], &c[i]))
			return (int)i;
	return -1;
}

static bool anybody(const struct claimant *c, size_t n, const char *entry)
{
	return first_of(c, n, entry, RSA) >= 0 || first_of(c, n, entry, ECDSA) >= 0;
}

static int oracle(const struct claimant *c, size_t n, const char *question, unsigned kind)
{
	char name[32], wild[32];
	const char *dot;

	for (size_t i = 0; i <= strlen(question); i++)
		name[i] = (char)(question[i] >= 'A' && question[i] <= 'Z' ? question[i] | 0x20
									  : question[i]);
	dot = strchr(name, '.');
	if (strchr(name, '*') || strchr(name, ':'))
		return first_like_the_first(c, n, kind);
	if (anybody(c, n, name))
		return first_of(c, n, name, kind);
	snprintf(wild, sizeof(wild), "*%s", dot ? dot : "");
	if (dot && dot != name && anybody(c, n, wild))
		return first_of(c, n, wild, kind);
	return first_like_the_first(c, n, kind);
}

static bool oracle_two_tags(const struct claimant *c, size_t n)
{
	for (size_t w = 0; w < WORDS; w++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < i; k++)
				if (claims(&c[i], vocabulary[w]) && claims(&c[k], vocabulary[w]) &&
				    c[i].tag != c[k].tag)
					return true;
	return false;
}

static bool oracle_is_shown(const struct claimant *c, size_t n, size_t who_is)
{
	unsigned kind = c[who_is].kind;

	if (first_like_the_first(c, n, kind) == (int)who_is)
		return true;
	for (size_t i = 0; c[who_is].names[i]; i++)
		if (strncmp(c[who_is].names[i], "ip:", 3) != 0 &&
		    first_of(c, n, c[who_is].names[i], kind) == (int)who_is)
			return true;
	return false;
}

static bool oracle_all_shown(const struct claimant *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!oracle_is_shown(c, n, i))
			return false;
	return true;
}

static void answers_are_those_of_an_oracle(void **state)
{
	unsigned good = 0, bad = 0;
	struct prng p;

	prng_init(&p, 4);
	for (int round = 0; round < 20000; round++) {
		struct claimant c[OWNERS_MAX];
		struct name_owner owners[OWNERS_MAX];
		size_t n = make_owners(c, random_claimants(&p, c), owners);
		struct name_conflict conflict;
		struct name_table *t = NULL;
		int expected = 0;

		if (oracle_two_tags(c, n) || !oracle_all_shown(c, n))
			expected = -EINVAL;
		assert_int_equal(name_table_new(owners, n, &t, &conflict), expected);
		if (expected) {
			bad++;
			continue;
		}
		good++;
		for (size_t q = 0; q < QUESTIONS; q++) {
			assert_int_equal(who(t, questions[q], RSA),
					 oracle(c, n, questions[q], RSA));
			assert_int_equal(who(t, questions[q], ECDSA),
					 oracle(c, n, questions[q], ECDSA));
		}
		name_table_free(t);
	}
	assert_in_range(good, 1000, 19000);
	assert_in_range(bad, 1000, 19000);
}

static void no_allocation_that_fails_is_missed(void **state)
{
	static const struct claimant claimants[] = {{{"a.test"}, RSA, -1}, {{"b.test"}, RSA, -1}};
	struct name_owner owners[2];
	struct name_conflict conflict;
	struct name_table *t = NULL;
	int r = -ENOMEM, failures = 0;

	make_owners(claimants, 2, owners);
	while (r == -ENOMEM) {
		alloc_limit(failures);
		r = name_table_new(owners, 2, &t, &conflict);
		alloc_limit(-1);
		failures += r == -ENOMEM;
		assert_in_range(failures, 0, 100);
	}
	assert_int_equal(r, 0);
	assert_int_equal(failures, 5);
	name_table_free(t);
	name_table_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_name_goes_before_a_wildcard_and_the_rest_is_the_first),
		cmocka_unit_test(wildcard_is_for_one_label_that_is_there),
		cmocka_unit_test(case_does_not_count_and_what_is_no_host_name_is_unknown),
		cmocka_unit_test(host_names_are_normalized_up_to_their_longest),
		cmocka_unit_test(keys_of_other_kinds_join_name_by_name),
		cmocka_unit_test(default_has_every_kind_of_key_with_the_first_ones_names),
		cmocka_unit_test(first_one_may_be_without_a_name),
		cmocka_unit_test(name_with_two_tags_is_refused),
		cmocka_unit_test(one_that_would_never_be_shown_is_refused),
		cmocka_unit_test(one_without_a_name_behind_the_first_is_refused),
		cmocka_unit_test(answers_are_those_of_an_oracle),
		cmocka_unit_test(no_allocation_that_fails_is_missed),
	};

	return cmocka_run_group_tests_name("net/name_table", tests, NULL, NULL);
}
