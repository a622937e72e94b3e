/* SPDX-License-Identifier: Apache-2.0 */
/* EST against est_server.py on loopback, with clocks that a script cannot have. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "certs/encoding.h"
#include "certs/key.h"
#include "sstp/worker/command.h"
#include "sstp/worker/config.h"
#include "sstp/worker/enrol.h"
#include "sstp/worker/est.h"
#include "sstp/worker/profile.h"
#include "sstp/worker/renew.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/profile_file.h"
#include "tun/netns.h"

static char folder[] = "/tmp/test-enrol-XXXXXX";
static char server_path[512], root_path[64], other_path[64], profile_file[64];
static pid_t server;
static FILE *server_says;
static EVP_PKEY *key;

/* Output of a command, without its last newline; borrowed until the next call. */
static const char *output_of(const char *const *argv)
{
	static char text[4096];
	int fds[2];
	size_t len;
	FILE *f;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fds[1]);
	f = fdopen(fds[0], "r");
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len ? len - 1 : 0] = '\0';
	fclose(f);
	waitpid(pid, NULL, 0);
	return text;
}

#define OUTPUT_OF(...) output_of((const char *const[]){__VA_ARGS__, NULL})

/* Returns when it listens. */
static pid_t start_server(void)
{
	char line[16] = "";
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl(server_path, server_path, "serve", folder, "127.0.0.1", "443", NULL);
		_exit(127);
	}
	close(fds[1]);
	server_says = fdopen(fds[0], "r"); /* stays open: the server may write to it */
	assert_non_null(fgets(line, sizeof(line), server_says));
	assert_string_equal(line, "ready\n");
	return pid;
}

static int set_up(void **state)
{
	int fd = netns_create();

	if (fd < 0 || netns_enter(fd) < 0 || !getenv("EST_SERVER") || !mkdtemp(folder)) {
		fprintf(stderr, "no namespace, no folder, or no EST_SERVER\n");
		return -1;
	}
	snprintf(server_path, sizeof(server_path), "%s", getenv("EST_SERVER"));
	snprintf(root_path, sizeof(root_path), "%s/root.pem", folder);
	snprintf(other_path, sizeof(other_path), "%s/other.pem", folder);
	snprintf(profile_file, sizeof(profile_file), "%s/p.yaml", folder);
	assert_int_equal(key_new(&key, NULL), 0);
	OUTPUT_OF(server_path, "pki", folder, "127.0.0.1");
	server = start_server();
	return 0;
}

static int tear_down(void **state)
{
	if (server) {
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
		fclose(server_says);
	}
	EVP_PKEY_free(key);
	OUTPUT_OF("/bin/rm", "-r", folder);
	return 0;
}

/* Good for an hour */
static struct token new_token(void)
{
	const char *text = OUTPUT_OF(server_path, "token", folder, "127.0.0.1");
	struct token token;

	assert_int_equal(token_decode(text, strlen(text), &token, NULL), 0);
	return token;
}

static void expect_refused(const struct token *token, int64_t now, int code, const char *why)
{
	struct enrolment e = {0};
	struct certs_error error = {""};

	assert_int_equal(enrol_by_token(token, key, now, &e, &error), code);
	if (!strstr(error.text, why))
		fail_msg("'%s' is not in '%s'", why, error.text);
	assert_null(e.key_pem);
}

static void expect_enrolled(const struct token *token, int64_t now)
{
	struct enrolment e = {0};
	struct certs_error error = {""};

	if (enrol_by_token(token, key, now, &e, &error) < 0)
		fail_msg("%s", error.text);
	enrolment_done(&e);
	assert_null(e.key_pem);
}

static struct profile enrolled_profile(void)
{
	struct token token = new_token();
	struct profile p = {.gateway = "127.0.0.1", .enrolled = time(NULL)};
	struct certs_error error = {""};

	if (enrol_by_token(&token, key, time(NULL), &p.enrolment, &error) < 0)
		fail_msg("%s", error.text);
	return p;
}

static void key_certificate_roots_and_network_fit_together(void **state)
{
	struct profile p = enrolled_profile(), loaded = {.enrolled = 0};
	struct certs_error error = {""};

	assert_string_equal(p.enrolment.description.vnet, "lab");
	assert_int_equal(profile_file_save(&p, profile_file, true, &error), 0);
	if (profile_load(profile_file, &loaded, &error) < 0)
		fail_msg("%s", error.text);
	profile_done(&loaded);
	profile_done(&p);
}

static void token_is_good_until_its_last_second(void **state)
{
	struct token token = new_token();

	expect_refused(&token, token.expires + 1, -ETIME, "expired");
	expect_enrolled(&token, token.expires);
	expect_refused(&token, token.expires, -EACCES, "ask for another one");
}

static void clock_may_be_an_hour_behind_and_no_more(void **state)
{
	struct token token = new_token();

	expect_enrolled(&token, time(NULL) - 3000);
	token = new_token();
	expect_refused(&token, time(NULL) - 4000, -EBADMSG, "clock");
}

static void certificate_that_has_expired_on_our_clock_is_refused(void **state)
{
	struct token token = new_token();

	token.expires = INT64_MAX;
	expect_refused(&token, time(NULL) + INT64_C(9) * 365 * 86400, -EBADMSG, "clock");
}

static void pin_that_nobody_has_is_refused(void **state)
{
	struct token token = new_token();

	token.root[0] ^= 1;
	expect_refused(&token, time(NULL), -EKEYREJECTED, "Nothing was sent");
}

static void chain_is_shown_without_a_request(void **state)
{
	struct stack_st_X509 *chain = NULL;
	struct certs_error error = {""};

	assert_int_equal(est_chain("127.0.0.1", &chain, &error), 0);
	assert_int_equal(sk_X509_num(chain), 2);
	sk_X509_pop_free(chain, X509_free);
	chain = NULL;
	assert_int_equal(est_chain("127.0.0.1:444", &chain, &error), -EHOSTUNREACH);
	assert_null(chain);
}

/* Owned */
static char *read_pem(const char *path)
{
	char *text = calloc(1, 4096);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, 4095, f) > 0);
	fclose(f);
	return text;
}

static int call(const char *gateway, const char *roots, const char *path, struct est_reply *reply)
{
	const struct est_peer peer = {.gateway = gateway, .roots_pem = roots};
	const struct est_request request = {.path = path};

	return est_call(&peer, &request, reply, NULL);
}

static void each_failure_of_a_request_has_its_own_code(void **state)
{
	char *root = read_pem(root_path), *other = read_pem(other_path);
	struct est_reply reply = {.len = 7};

	assert_int_equal(call("127.0.0.1", other, "cacerts", &reply), -EKEYREJECTED);
	assert_int_equal(call("localhost", root, "cacerts", &reply), -EKEYREJECTED);
	assert_int_equal(call("127.0.0.1:444", root, "cacerts", &reply), -EHOSTUNREACH);
	assert_int_equal(call("127.0.0.1", NULL, "cacerts", &reply), -EINVAL);
	assert_int_equal(call("127.0.0.1", root, "nothing", &reply), -EPROTO);
	assert_int_equal(reply.len, 7);
	assert_int_equal(call("127.0.0.1", root, "cacerts", &reply), 0);
	assert_string_equal(reply.type, "application/pkcs7-mime");
	assert_int_equal(strlen(reply.body), reply.len);
	est_reply_done(&reply);
	assert_int_equal(est_cacerts_of_stranger("127.0.0.1", &reply, NULL), 0);
	est_reply_done(&reply);
	est_reply_done(NULL);
	free(other);
	free(root);
}

static void proxy_of_the_environment_is_not_asked(void **state)
{
	char *root = read_pem(root_path);
	struct est_reply reply = {.len = 7};

	setenv("https_proxy", "http://127.0.0.1:444", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:444", 1);
	assert_int_equal(call("127.0.0.1", root, "cacerts", &reply), 0);
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	est_reply_done(&reply);
	free(root);
}

static void thumbprint_of_file(char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	struct profile p = {.enrolled = 0};
	struct cert_facts facts;

	assert_int_equal(profile_load(profile_file, &p, NULL), 0);
	assert_int_equal(profile_certificate(&p, &facts), 0);
	strcpy(ret_thumbprint, facts.thumbprint);
	profile_done(&p);
}

static void profile_is_renewed_once_by_those_who_want_it(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], third[CERT_THUMBPRINT_MAX];
	struct profile p = enrolled_profile();
	struct certs_error error = {""};

	assert_int_equal(profile_file_save(&p, profile_file, true, &error), 0);
	profile_done(&p);
	thumbprint_of_file(first);
	if (renew_profile(profile_file, first, time(NULL), &error) < 0)
		fail_msg("%s", error.text);
	thumbprint_of_file(second);
	assert_string_not_equal(first, second);
	assert_int_equal(renew_profile(profile_file, first, time(NULL), &error), 0);
	thumbprint_of_file(third);
	assert_string_equal(second, third);
	assert_int_equal(renew_profile(profile_file, NULL, time(NULL), &error), 0);
	thumbprint_of_file(third);
	assert_string_not_equal(second, third);
}

static void root_that_the_gateway_tells_of_no_longer_goes_with_the_renewal(void **state)
{
	char *root = read_pem(root_path), *other = read_pem(other_path), *both;
	struct profile p = enrolled_profile();
	struct certs_error error = {""};

	assert_true(asprintf(&both, "%s%s", root, other) > 0);
	free(p.enrolment.roots_pem);
	p.enrolment.roots_pem = both;
	assert_int_equal(profile_file_save(&p, profile_file, true, &error), 0);
	profile_done(&p);
	if (renew_profile(profile_file, NULL, time(NULL), &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(profile_load(profile_file, &p, &error), 0);
	assert_string_equal(p.enrolment.roots_pem, root);
	profile_done(&p);
	free(other);
	free(root);
}

static void profile_that_is_not_there_is_not_renewed(void **state)
{
	struct certs_error error = {""};

	assert_int_equal(renew_profile("/nowhere/p.yaml", NULL, 0, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nowhere/p.yaml"));
}

static int renameat2_error; /* of the next one */

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	int error = renameat2_error;

	renameat2_error = 0;
	errno = error;
	return error ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}

/* With a token that is good. Its exit status. */
static int run_enrol(char *profile)
{
	const char *text = OUTPUT_OF(server_path, "token", folder, "127.0.0.1");
	char name[] = "sstp-worker", verb[] = "enrol", option[] = "--profile";
	char token[TOKEN_TEXT_MAX];
	char *argv[] = {name, verb, token, option, profile, NULL};

	snprintf(token, sizeof(token), "%s", text);
	return command_run(5, argv, time(NULL));
}

static void what_a_token_brought_is_kept_when_it_cannot_be_put_in_place(void **state)
{
	char lost[96], kept[112];
	struct profile p = {.enrolled = 0};
	struct certs_error error = {""};

	snprintf(lost, sizeof(lost), "%s/lost.yaml", folder);
	snprintf(kept, sizeof(kept), "%s.kept", lost);
	renameat2_error = EIO;
	assert_int_equal(run_enrol(lost), WORKER_EXIT_INTERNAL);
	assert_int_equal(access(lost, F_OK), -1);
	if (profile_load(kept, &p, &error) < 0)
		fail_msg("%s", error.text);
	profile_done(&p);
}

static void folder_in_the_profile_s_place_costs_no_token(void **state)
{
	struct draft *draft = NULL;
	struct certs_error error = {""};

	assert_int_equal(profile_prepare(folder, true, &draft, &error), -EISDIR);
	assert_null(draft);
}

/* Does the kernel list pid among those that wait for a lock? */
static bool waits_for_a_lock(pid_t pid)
{
	FILE *f = fopen("/proc/locks", "r");
	char line[256];
	bool found = false;
	int its;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*d: -> FLOCK %*s %*s %d", &its) == 1 && its == pid;
	fclose(f);
	return found;
}

/* Another program, which has none of our descriptors, that enrols anew: see main(). */
static pid_t start_enrolling(void)
{
	const char *token = OUTPUT_OF(server_path, "token", folder, "127.0.0.1");
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execl("/proc/self/exe", "sstp-worker", "enrol", token, "--profile", profile_file,
		      "--force", NULL);
		_exit(127);
	}
	return pid;
}

static void enrolling_waits_for_a_renewal_and_is_what_stays(void **state)
{
	char renewed[CERT_THUMBPRINT_MAX], last[CERT_THUMBPRINT_MAX];
	struct profile p = enrolled_profile();
	struct draft *draft = NULL;
	int status = -1;
	pid_t pid;

	assert_int_equal(profile_lock(profile_file, &draft, NULL), 0);
	pid = start_enrolling();
	while (!waits_for_a_lock(pid))
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(profile_put(&p, profile_file, draft, true, NULL), 0);
	profile_done(&p);
	thumbprint_of_file(renewed);
	draft_free(draft);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	thumbprint_of_file(last);
	assert_string_not_equal(last, renewed);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_certificate_roots_and_network_fit_together),
		cmocka_unit_test(token_is_good_until_its_last_second),
		cmocka_unit_test(clock_may_be_an_hour_behind_and_no_more),
		cmocka_unit_test(certificate_that_has_expired_on_our_clock_is_refused),
		cmocka_unit_test(pin_that_nobody_has_is_refused),
		cmocka_unit_test(chain_is_shown_without_a_request),
		cmocka_unit_test(each_failure_of_a_request_has_its_own_code),
		cmocka_unit_test(proxy_of_the_environment_is_not_asked),
		cmocka_unit_test(root_that_the_gateway_tells_of_no_longer_goes_with_the_renewal),
		cmocka_unit_test(profile_is_renewed_once_by_those_who_want_it),
		cmocka_unit_test(what_a_token_brought_is_kept_when_it_cannot_be_put_in_place),
		cmocka_unit_test(folder_in_the_profile_s_place_costs_no_token),
		cmocka_unit_test(enrolling_waits_for_a_renewal_and_is_what_stays),
		cmocka_unit_test(profile_that_is_not_there_is_not_renewed),
	};

	if (command_is_one(argc, argv))
		return command_run(argc, argv, time(NULL));
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
