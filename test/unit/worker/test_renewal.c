/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and the process are the test's; the loop runs a pass at a time. */
#include "sstp/worker/renewal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/profile_file.h"

enum {
	DAY = 86400,
	PID = 4711,
	OK = 0,
	REFUSED = 120 << 8, /* as waitpid() has it */
	UNREACHED = 122 << 8,
};

static struct testcert *root, *leaf, *newer;
static struct loop *loop;
static const char *path;
static int64_t now;
static pid_t start_result;
static unsigned started, renewed;
static char told[CERT_THUMBPRINT_MAX];

/* Nothing is cut off the waits. */
static void fill(void *arg, uint8_t *buf, size_t len)
{
	memset(buf, 0xff, len);
}

static const struct random_source whole = {.fill = fill};

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

	assert_int_equal(profile_file_save(&p, path, true, NULL), 0);
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

/* While the tunnel is down. */
static struct renewal *make_down(int64_t at)
{
	struct cert_facts facts = facts_of(leaf);
	struct renewal_params params = {
		.path = path,
		.not_before = facts.not_before,
		.random = &whole,
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

static struct renewal *make(int64_t at)
{
	struct renewal *r = make_down(at);

	renewal_set_up(r, true);
	return r;
}

/* How many processes have been started by each hour of two days, tried when the timer would. */
static void assert_starts_by_hour(struct renewal *r, int status, const unsigned *starts)
{
	int64_t begin = now;

	for (unsigned hour = 0; hour < 48; hour++) {
		for (; now < begin + hour * 3600; now += 60) {
			renewal_set_up(r, true);
			renewal_on_child(r, PID, status);
		}
		if (starts[hour] && started != starts[hour])
			fail_msg("%u processes by hour %u, not %u", started, hour, starts[hour]);
	}
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

	renewal_on_child(r, PID, UNREACHED);
	assert_int_equal(renewed, 0);
	renewal_ask(r);
	assert_int_equal(started, 2);
	renewal_on_child(r, PID, OK);
	renewal_free(r);
}

static void failures_of_each_kind_are_tried_again_later_and_later(void **state)
{
	/* after 0, 1, 3, 7, 15 and 31 hours; then after a day each */
	static const unsigned starts[48] = {
		[1] = 1, [2] = 2, [4] = 3, [8] = 4, [15] = 4, [16] = 5, [31] = 5, [32] = 6};
	static const int statuses[] = {REFUSED, UNREACHED, OK};

	for (size_t i = 0; i < 3; i++) {
		struct renewal *r = make_down(facts_of(leaf).not_after - 100 * DAY);

		assert_starts_by_hour(r, statuses[i], starts);
		assert_int_equal(renewed, 0);
		renewal_free(r);
	}
}

static void nothing_is_renewed_by_itself_while_the_tunnel_is_down(void **state)
{
	struct renewal *r = make_down(facts_of(leaf).not_after + DAY);

	run_pass();
	assert_int_equal(started, 0);
	renewal_set_up(r, false);
	assert_int_equal(started, 0);
	renewal_ask(r);
	assert_int_equal(started, 1);
	renewal_on_child(r, PID, REFUSED);
	renewal_set_up(r, true);
	assert_int_equal(started, 1);
	now += 3600;
	renewal_set_up(r, false);
	assert_int_equal(started, 1);
	renewal_set_up(r, true);
	assert_int_equal(started, 2);
	renewal_free(r);
}

static const char *text_of_log(const char *log)
{
	static char text[8192];
	FILE *f = fopen(log, "r");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	return text;
}

static void what_to_do_about_a_refusal_is_said_once_for_a_certificate(void **state)
{
	static const char advice[] = "enrol again with a new token";
	const char *log = testcert_path("renewal.log");
	struct renewal *r = make(facts_of(leaf).not_after - 100 * DAY);
	int kept = dup(STDERR_FILENO);
	const char *said;

	assert_non_null(freopen(log, "w", stderr));
	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	renewal_on_child(r, PID, UNREACHED);
	for (int i = 0; i < 3; i++) {
		now += DAY;
		renewal_set_up(r, true);
		renewal_on_child(r, PID, REFUSED);
	}
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	assert_int_equal(started, 4);
	said = strstr(text_of_log(log), advice);
	assert_non_null(said);
	assert_null(strstr(said + 1, advice));
	assert_null(strstr(said, "not renewed"));
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
	renewal_on_child(r, PID, UNREACHED);
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

static void file_that_is_repaired_by_chmod_is_taken(void **state)
{
	struct renewal *r = make(facts_of(leaf).not_after - 200 * DAY);

	save(newer);
	assert_int_equal(chmod(path, 0644), 0);
	renewal_ask(r);
	assert_int_equal(renewed, 0);
	assert_int_equal(chmod(path, 0600), 0);
	renewal_ask(r);
	assert_int_equal(renewed, 1);
	renewal_free(r);
}

/* What the process finds, as its exit status: see main(). */
static int be_the_process(int argc, char **argv)
{
	static const char *const words[] = {"sstp-worker", "renew",	 "--profile",
					    "p.yaml",	   "--if-still", "0123"};
	struct sigaction on_pipe;
	sigset_t blocked;

	for (int i = 0; i < 6; i++)
		if (argc != 6 || strcmp(argv[i], words[i]) != 0)
			return 1;
	if (sigprocmask(SIG_BLOCK, NULL, &blocked) < 0 || !sigisemptyset(&blocked))
		return 2;
	if (sigaction(SIGPIPE, NULL, &on_pipe) < 0 || on_pipe.sa_handler != SIG_DFL)
		return 3;
	return 0;
}

static void process_has_no_signal_blocked_or_ignored(void **state)
{
	sigset_t some, before;
	int status = -1;
	pid_t pid;

	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigaddset(&some, SIGUSR2);
	sigprocmask(SIG_BLOCK, &some, &before);
	signal(SIGPIPE, SIG_IGN);
	pid = renewal_start_process(NULL, "p.yaml", "0123");
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void nothing_is_asked_of_nothing(void **state)
{
	renewal_ask(NULL);
	renewal_on_child(NULL, PID, OK);
	renewal_set_up(NULL, true);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(young_certificate_is_left_alone),
		cmocka_unit_test(certificate_near_its_end_is_renewed_by_one_process),
		cmocka_unit_test(what_is_asked_for_starts_at_once),
		cmocka_unit_test(failure_is_tried_again_later),
		cmocka_unit_test(failures_of_each_kind_are_tried_again_later_and_later),
		cmocka_unit_test(nothing_is_renewed_by_itself_while_the_tunnel_is_down),
		cmocka_unit_test(what_to_do_about_a_refusal_is_said_once_for_a_certificate),
		cmocka_unit_test(process_that_cannot_be_started_is_a_failure),
		cmocka_unit_test(somebody_else_s_renewal_is_noticed),
		cmocka_unit_test(process_has_no_signal_blocked_or_ignored),
		cmocka_unit_test(file_that_is_repaired_by_chmod_is_taken),
		cmocka_unit_test(file_that_is_broken_changes_nothing),
		cmocka_unit_test(nothing_is_asked_of_nothing),
	};

	if (argc > 1 && strcmp(argv[1], "renew") == 0)
		return be_the_process(argc, argv);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
