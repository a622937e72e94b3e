/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_ROUTING_TABLES_H
#define TEST_UNIT_ROUTING_TABLES_H
/* Small route tables, written as text. Anything that fails ends the test. */
#include "routing/trie.h"
#include "test/support/cmocka.h"

static inline struct trie *new_trie(void)
{
	struct trie *t = NULL;

	assert_int_equal(trie_new(&t), 0);
	return t;
}

static inline struct prefix parsed(const char *text)
{
	struct prefix p = {0};

	if (prefix_parse(text, &p) != 0)
		fail_msg("does not parse: %s", text);
	return p;
}

static inline void insert(struct trie *t, const char *text, uint32_t value)
{
	struct prefix p = parsed(text);

	assert_int_equal(trie_insert(t, &p, value), 0);
	assert_true(trie_check(t));
}

#endif
