/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and the process are the test's; the loop runs a pass at a time. */
#include "sstp/worker/renewal.h"

#include <errno.h>
#include <string.h>

#include "sstp/base/log.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/profile_file.h"

enum {
	DAY = 86400,
	PID = 4711,
	OK = 0,
	FAILED = 120 << 8, /* as waitpid() has it */
};

static struct testcert *root, *leaf, *newer;
static struct loop *loop;
static const char *path;
static int64_t now;
static pid_t start_result;
static unsigned started, renewed;
static char told[CERT_THUMBPRINT_MAX];

static int64_t wall(void *arg)
{
	return now;
}

static pid_t start(void *arg, const char *profile, const char *thumbprint)
{
	assert_string_equal(profile, path);
	strcpy(told, thumbprint);
	started++;
	return start_result;
}

static void on_renewed(void *arg, const struct profile *p)
{
	renewed++;
	assert_string_equal(p->gateway, "vpn.example.com:444");
}

static void save(const struct testcert *cert)
{
	struct profile p = profile_file_new(root, cert);

	assert_int_equal(profile_save(&p, path, true, NULL), 0);
	profile_done(&p);
}

static struct cert_facts facts_of(const struct testcert *cert)
{
	struct cert_facts facts;

	assert_int_equal(cert_facts(cert->cert, &facts, NULL), 0);
	return facts;
}

static void stop_loop(void *arg)
{
	loop_stop(loop);
}

/* What is due now runs, the timer of a new renewal among it. */
static void run_pass(void)
{
	struct loop_timer *t = loop_timer_new(loop, stop_loop, NULL);

	loop_timer_set(t, loop_now(loop));
	loop_run(loop);
	loop_timer_free(t);
}

static struct renewal *make(int64_t at)
{
	struct cert_facts facts = facts_of(leaf);
	struct renewal_params params = {
		.path = path,
		.not_after = facts.not_after,
		.thumbprint = facts.thumbprint,
		.wall = wall,
		.start = start,
		.on_renewed = on_renewed,
	};
	struct renewal *r;

	save(leaf);
	started = renewed = 0;
	start_result = PID;
	now = at;
	r = renewal_new(loop, &params);
	assert_non_null(r);
	run_pass();
	return r;
}

static void young_certificate_is_left_alone(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 200 * DAY);

	assert_int_equal(started, 0);
	assert_int_equal(renewed, 0);
	renewal_free(r);
}

static void certificate_near_its_end_is_renewed_by_one_process(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 100 * DAY);

	assert_int_equal(started, 1);
	assert_string_equal(told, facts_of(leaf).thumbprint);
	renewal_ask(r);
	assert_int_equal(started, 1);
	save(newer);
	renewal_on_child(r, PID + 1, OK);
	assert_int_equal(renewed, 0);
	renewal_on_child(r, PID, OK);
	assert_int_equal(renewed, 1);
	renewal_free(r);
}

static void what_is_asked_for_starts_at_once(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 200 * DAY);

	renewal_ask(r);
	assert_int_equal(started, 1);
	renewal_on_child(r, PID, OK);
	renewal_ask(r);
	assert_int_equal(started, 2);
	renewal_free(r);
}

static void failure_is_tried_again_later(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 100 * DAY);

	renewal_on_child(r, PID, FAILED);
	assert_int_equal(renewed, 0);
	renewal_ask(r);
	assert_int_equal(started, 2);
	renewal_on_child(r, PID, OK);
	renewal_free(r);
}

static void process_that_cannot_be_started_is_a_failure(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 200 * DAY);

	start_result = -EAGAIN;
	renewal_ask(r);
	assert_int_equal(started, 1);
	start_result = PID;
	renewal_ask(r);
	assert_int_equal(started, 2);
	renewal_free(r);
}

static void somebody_else_s_renewal_is_noticed(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 200 * DAY);

	save(leaf);
	renewal_ask(r); /* looks first */
	assert_int_equal(renewed, 0);
	renewal_on_child(r, PID, FAILED);
	save(newer);
	renewal_ask(r);
	assert_int_equal(renewed, 1);
	renewal_free(r);
}

static void file_that_is_broken_changes_nothing(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 200 * DAY);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("gateway: [\n", f);
	fclose(f);
	renewal_ask(r);
	assert_int_equal(renewed, 0);
	renewal_free(r);
}

static void nothing_is_asked_of_nothing(void **state)
{
	renewal_ask(NULL);
	renewal_on_child(NULL, PID, OK);
	renewal_free(NULL);
	assert_int_equal(renewed, 0);
}

static int set_up(void **state)
{
	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	loop = loop_new();
	path = testcert_path("renewal.yaml");
	root = testcert_new(&(struct testcert_spec){.is_ca = true});
	leaf = testcert_new(&(struct testcert_spec){.common_name = "shop",
						    .eku = "clientAuth",
						    .not_after_s = 400L * DAY,
						    .issuer = root});
	newer = testcert_new(&(struct testcert_spec){.common_name = "shop",
						     .eku = "clientAuth",
						     .not_after_s = 800L * DAY,
						     .issuer = root});
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	loop_free(loop);
	testcert_free(newer);
	testcert_free(leaf);
	testcert_free(root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(young_certificate_is_left_alone),
		cmocka_unit_test(certificate_near_its_end_is_renewed_by_one_process),
		cmocka_unit_test(what_is_asked_for_starts_at_once),
		cmocka_unit_test(failure_is_tried_again_later),
		cmocka_unit_test(process_that_cannot_be_started_is_a_failure),
		cmocka_unit_test(somebody_else_s_renewal_is_noticed),
		cmocka_unit_test(file_that_is_broken_changes_nothing),
		cmocka_unit_test(nothing_is_asked_of_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
