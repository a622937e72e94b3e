/* SPDX-License-Identifier: Apache-2.0 */
/* The state's own: finding a certificate, against a walk along all of them. */
#include "certs/authority_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	CERTS = 300,
	HEADS = 16, /* so few beginnings that many records want the same place */
};

static void random_thumbprint(struct prng *p, char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	snprintf(ret_thumbprint, CERT_THUMBPRINT_MAX, "%08X%032X", prng_below(p, HEADS),
		 prng_below(p, 2 * CERTS));
}

static const struct state_cert *find_slowly(const struct state *s, const char *thumbprint)
{
	for (size_t i = 0; i < s->n_certs; i++) {
		if (strcmp(s->certs[i].thumbprint, thumbprint) == 0)
			return &s->certs[i];
	}
	return NULL;
}

static const char *renewed_slowly(const struct state *s, const char *thumbprint)
{
	for (size_t i = s->n_certs; i-- > 0;) {
		if (strcmp(s->certs[i].renews, thumbprint) == 0)
			return s->certs[i].thumbprint;
	}
	return "";
}

static void check(const struct state *s, struct prng *p)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	for (size_t i = 0; i < s->n_certs; i++) {
		const struct state_cert *c = &s->certs[i];

		assert_ptr_equal(state_find_cert(s, c->thumbprint), c);
		assert_string_equal(c->renewed_by, renewed_slowly(s, c->thumbprint));
	}
	for (int i = 0; i < 20; i++) {
		random_thumbprint(p, thumbprint);
		assert_ptr_equal(state_find_cert(s, thumbprint), find_slowly(s, thumbprint));
	}
	assert_null(state_find_cert(s, ""));
}

/* It renews any that is there, or none. */
static void add(struct state *s, struct prng *p)
{
	struct state_cert c = {.issued = 1};

	do
		random_thumbprint(p, c.thumbprint);
	while (find_slowly(s, c.thumbprint));
	if (s->n_certs > 0 && prng_below(p, 3))
		memcpy(c.renews, s->certs[prng_below(p, (uint32_t)s->n_certs)].thumbprint,
		       sizeof(c.renews));
	state_add_cert(s, &c);
}

static void a_certificate_is_found_as_by_a_walk_along_all(void **state)
{
	struct state *s = state_new(CERTS, 0, 0);
	struct prng p;

	prng_init(&p, 0x5eed);
	assert_non_null(s);
	check(s, &p);
	while (s->n_certs < CERTS) {
		add(s, &p);
		check(s, &p);
	}
	while (s->n_certs > 0) {
		state_remove_cert(s, prng_below(&p, (uint32_t)s->n_certs));
		check(s, &p);
	}
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_found_as_by_a_walk_along_all),
	};

	return cmocka_run_group_tests_name("authority_state", tests, NULL, NULL);
}
