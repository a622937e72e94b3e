/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/status.h"

#include "certs/calendar.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/certs/mint.h"

enum {
	DAY = 86400,
};

static struct status_facts life(int64_t from, int64_t to)
{
	return (struct status_facts){.not_before = from, .not_after = to};
}

static void first_and_last_second_belong_to_the_life(void **state)
{
	int64_t from = mint_time(2026, 11, 23, 12, 0, 0), to = mint_time(2034, 11, 23, 12, 0, 0);
	struct status_facts f = life(from, to);

	assert_int_equal(status_at(&f, from - 1), CERT_NOT_YET_VALID);
	assert_int_equal(status_at(&f, from), CERT_VALID);
	assert_int_equal(status_at(&f, to), CERT_NEAR_EXPIRY);
	assert_int_equal(status_at(&f, to + 1), CERT_EXPIRED);
}

static void B44_near_expiry_begins_six_months_before_the_end_to_the_day(void **state)
{
	int64_t to = mint_time(2034, 11, 23, 12, 0, 0);
	int64_t limit = mint_time(2034, 5, 23, 12, 0, 0);
	struct status_facts f = life(mint_time(2026, 11, 23, 12, 0, 0), to);

	assert_int_equal(status_at(&f, limit - DAY), CERT_VALID);
	assert_int_equal(status_at(&f, limit), CERT_VALID);
	assert_int_equal(status_at(&f, limit + 1), CERT_NEAR_EXPIRY);
	assert_int_equal(status_at(&f, limit + DAY), CERT_NEAR_EXPIRY);
	assert_int_equal(status_near_expiry_from(to), limit + 1);
}

static void months_that_are_too_short_begin_on_their_last_day(void **state)
{
	char text[CALENDAR_TEXT_MAX];

	/* six months before 31 August there is no 31 February */
	calendar_text(status_near_expiry_from(mint_time(2034, 8, 31, 10, 0, 0)), text);
	assert_string_equal(text, "2034-02-28T10:00:01Z");
	calendar_text(status_near_expiry_from(mint_time(2032, 8, 31, 10, 0, 0)), text);
	assert_string_equal(text, "2032-02-29T10:00:01Z");
	/* and six months before 29 February is 29 August */
	calendar_text(status_near_expiry_from(mint_time(2032, 2, 29, 10, 0, 0)), text);
	assert_string_equal(text, "2031-08-29T10:00:01Z");
}

static void a_certificate_shorter_than_six_months_is_always_near_its_end(void **state)
{
	struct status_facts f = life(MINT_NOW, MINT_NOW + 90 * DAY);

	assert_int_equal(status_at(&f, MINT_NOW), CERT_NEAR_EXPIRY);
}

static void what_keeps_it_from_working_comes_first(void **state)
{
	struct status_facts f = life(MINT_NOW, MINT_NOW + 1000 * DAY);

	f.is_out_of_sync = true;
	assert_int_equal(status_at(&f, MINT_NOW), CERT_OUT_OF_SYNC);
	assert_int_equal(status_at(&f, MINT_NOW + 999 * DAY), CERT_OUT_OF_SYNC);
	assert_int_equal(status_at(&f, MINT_NOW - 1), CERT_NOT_YET_VALID);
	assert_int_equal(status_at(&f, MINT_NOW + 1001 * DAY), CERT_EXPIRED);
	f.is_revoked = true;
	assert_int_equal(status_at(&f, MINT_NOW - 1), CERT_REVOKED);
	assert_int_equal(status_at(&f, MINT_NOW), CERT_REVOKED);
	assert_int_equal(status_at(&f, MINT_NOW + 1001 * DAY), CERT_REVOKED);
}

/* Hour by hour over lives that end on any day: never back. */
static void a_status_never_goes_back(void **state)
{
	struct prng p;

	prng_init(&p, 44);
	for (int i = 0; i < 400; i++) {
		int64_t to = MINT_NOW + 400 * DAY + prng_below(&p, 2000 * DAY);
		struct status_facts f = life(MINT_NOW, to);
		enum cert_status before = CERT_VALID;

		for (int64_t now = to - 190 * DAY; now < to + DAY; now += 3600) {
			enum cert_status status = status_at(&f, now);

			assert_true(status == before ||
				    (before == CERT_VALID && status == CERT_NEAR_EXPIRY) ||
				    (before == CERT_NEAR_EXPIRY && status == CERT_EXPIRED));
			before = status;
		}
		assert_int_equal(before, CERT_EXPIRED);
	}
}

static void texts_are_those_an_operator_knows(void **state)
{
	assert_string_equal(status_text(CERT_VALID), "valid");
	assert_string_equal(status_text(CERT_NEAR_EXPIRY), "near expiry");
	assert_string_equal(status_text(CERT_OUT_OF_SYNC), "out of sync");
	assert_string_equal(status_text(CERT_NOT_YET_VALID), "not yet valid");
	assert_string_equal(status_text(CERT_EXPIRED), "expired");
	assert_string_equal(status_text(CERT_REVOKED), "revoked");
}

static void only_what_is_in_force_is_live(void **state)
{
	assert_true(status_is_live(CERT_VALID));
	assert_true(status_is_live(CERT_NEAR_EXPIRY));
	assert_true(status_is_live(CERT_OUT_OF_SYNC));
	assert_false(status_is_live(CERT_NOT_YET_VALID));
	assert_false(status_is_live(CERT_EXPIRED));
	assert_false(status_is_live(CERT_REVOKED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_and_last_second_belong_to_the_life),
		cmocka_unit_test(B44_near_expiry_begins_six_months_before_the_end_to_the_day),
		cmocka_unit_test(months_that_are_too_short_begin_on_their_last_day),
		cmocka_unit_test(a_certificate_shorter_than_six_months_is_always_near_its_end),
		cmocka_unit_test(what_keeps_it_from_working_comes_first),
		cmocka_unit_test(a_status_never_goes_back),
		cmocka_unit_test(texts_are_those_an_operator_knows),
		cmocka_unit_test(only_what_is_in_force_is_live),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
