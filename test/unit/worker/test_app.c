/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/app.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/worker/private_etc.h"
#include "tun/netns.h"

/* what an application printed */
#define OUTPUT "/run/output"

/* args: NULL-terminated, borrowed */
static struct app_params application(const char *const *args)
{
	return (struct app_params){
		.argv = (char *const *)(uintptr_t)args,
		.netns_fd = -1,
		.private_ip = "172.16.77.1",
	};
}

/* A shell's script; borrowed until the next one. */
static struct app_params script(const char *text)
{
	static const char *args[] = {"sh", "-c", NULL, NULL};

	args[2] = text;
	return application(args);
}

/* Runs it to its end. Returns the exit status for a shell. */
static int run(const struct app_params *params)
{
	char error[256] = "";
	pid_t pid = 0;
	int status = -1;

	assert_int_equal(app_start(params, &pid, error), 0);
	assert_string_equal(error, "");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return app_exit_status(status);
}

static int run_script(const char *text)
{
	struct app_params p = script(text);

	return run(&p);
}

static void exit_status_is_the_application_s(void **state)
{
	assert_int_equal(run_script("exit 0"), 0);
	assert_int_equal(run_script("exit 7"), 7);
	assert_int_equal(run_script("exit 255"), 255);
}

static void death_by_a_signal_is_its_number_and_128(void **state)
{
	assert_int_equal(run_script("kill -KILL $$"), 128 + SIGKILL);
	assert_int_equal(run_script("kill -TERM $$"), 128 + SIGTERM);
}

/* The error of one that cannot be started, and its sentence. */
static int start_fails(const char *name, const char *sentence)
{
	struct app_params p = application((const char *const[]){name, NULL});
	char error[256] = "";
	pid_t pid = -7;
	int r = app_start(&p, &pid, error);

	assert_string_equal(error, sentence);
	assert_int_equal(pid, -7);
	/* it leaves no child behind that nobody waits for */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return r;
}

static void application_that_is_not_there_is_enoent(void **state)
{
	assert_int_equal(start_fails("/etc/nowhere", "cannot start '/etc/nowhere': cannot execute: "
						     "No such file or directory"),
			 -ENOENT);
	assert_int_equal(start_fails("no-such-program",
				     "cannot start 'no-such-program': cannot execute: "
				     "No such file or directory"),
			 -ENOENT);
}

static void application_that_is_none_is_eacces(void **state)
{
	write_text("/etc/text", "no program\n");
	chmod("/etc/text", 0644);
	assert_int_equal(start_fails("/etc/text",
				     "cannot start '/etc/text': cannot execute: Permission denied"),
			 -EACCES);
	assert_int_equal(
		start_fails("/etc", "cannot start '/etc': cannot execute: Permission denied"),
		-EACCES);
}

static void application_is_told_about_its_network(void **state)
{
	struct app_params p = script(
		"echo \"$WEBSITE_PRIVATE_IP|$WEBSITE_PRIVATE_IPV6|$WEBSITE_DNS_SERVER|"
		"$WEBSITE_DNS_ALT_SERVER|$WEBSITE_VNETNAME|$WEBSITE_PRIVATE_POOL\" >" OUTPUT);

	p.private_ipv6 = "fd77:0:0:5::1";
	p.dns_server = "10.20.0.4,10.20.0.5";
	p.dns_alt_server = "192.0.2.53";
	p.vnet_name = "lab";
	p.private_pool = "172.16.77.0/24";
	assert_int_equal(run(&p), 0);
	assert_string_equal(read_text(OUTPUT),
			    "172.16.77.1|fd77:0:0:5::1|10.20.0.4,10.20.0.5|192.0.2.53|lab|"
			    "172.16.77.0/24\n");
}

static void what_is_not_known_is_not_set(void **state)
{
	assert_int_equal(run_script("env | grep ^WEBSITE_ >" OUTPUT), 0);
	assert_string_equal(read_text(OUTPUT), "WEBSITE_PRIVATE_IP=172.16.77.1\n");
}

/* The worker's own environment may be that of an application in another network. */
static void what_is_not_known_is_not_inherited(void **state)
{
	setenv("WEBSITE_DNS_SERVER", "192.0.2.53", 1);
	setenv("WEBSITE_VNETNAME", "other", 1);
	assert_int_equal(run_script("env | grep ^WEBSITE_ >" OUTPUT), 0);
	unsetenv("WEBSITE_DNS_SERVER");
	unsetenv("WEBSITE_VNETNAME");
	assert_string_equal(read_text(OUTPUT), "WEBSITE_PRIVATE_IP=172.16.77.1\n");
}

static void own_environment_is_not_touched(void **state)
{
	assert_int_equal(run_script(":"), 0);
	assert_null(getenv("WEBSITE_PRIVATE_IP"));
}

static void resolv_conf_is_the_application_s_only(void **state)
{
	struct app_params p = script("cat /etc/resolv.conf >" OUTPUT);

	write_text("/etc/resolv.conf", "nameserver 192.0.2.53\n");
	write_text("/run/for-the-app", "nameserver 10.20.0.4\n");
	p.resolv_conf = "/run/for-the-app";
	assert_int_equal(run(&p), 0);
	assert_string_equal(read_text(OUTPUT), "nameserver 10.20.0.4\n");
	assert_string_equal(read_text("/etc/resolv.conf"), "nameserver 192.0.2.53\n");
}

static void resolv_conf_behind_a_link_is_the_application_s_only(void **state)
{
	struct app_params p = script("cat /etc/resolv.conf >" OUTPUT);

	unlink("/etc/resolv.conf");
	write_text("/run/managed", "nameserver 192.0.2.53\n");
	assert_int_equal(symlink("../run/managed", "/etc/resolv.conf"), 0);
	p.resolv_conf = "/run/for-the-app";
	assert_int_equal(run(&p), 0);
	assert_string_equal(read_text(OUTPUT), "nameserver 10.20.0.4\n");
	assert_string_equal(read_text("/run/managed"), "nameserver 192.0.2.53\n");
}

/* The worker rewrites it when the next connection brings other servers. */
static void change_of_resolv_conf_reaches_a_running_application(void **state)
{
	struct app_params p =
		script("echo changed >/run/for-the-app; cat /etc/resolv.conf >" OUTPUT);

	p.resolv_conf = "/run/for-the-app";
	assert_int_equal(run(&p), 0);
	assert_string_equal(read_text(OUTPUT), "changed\n");
}

/* What a fork() of it has become; the status of one that could not. */
static int become_in_a_child(const struct app_params *params)
{
	char error[256];
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-app_become(params, error));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return app_exit_status(status);
}

static void process_becomes_the_application_in_its_own_place(void **state)
{
	struct app_params p = script("exit 7");

	assert_int_equal(become_in_a_child(&p), 7);
	p = application((const char *const[]){"no-such-program", NULL});
	assert_int_equal(become_in_a_child(&p), ENOENT);
	p.resolv_conf = "/run/not-there";
	assert_int_equal(become_in_a_child(&p), ECHILD);
}

static void variables_are_all_that_an_application_is_told(void **state)
{
	struct app_params p = application((const char *const[]){"app", NULL});
	struct app_variable all[APP_VARIABLES];

	p.private_pool = "172.16.77.0/24";
	app_variables(&p, all);
	assert_string_equal(all[0].name, "WEBSITE_PRIVATE_IP");
	assert_string_equal(all[0].value, "172.16.77.1");
	assert_string_equal(all[2].name, "WEBSITE_PRIVATE_POOL");
	assert_string_equal(all[2].value, "172.16.77.0/24");
	assert_null(all[5].value);
}

static void failing_step_is_named(void **state)
{
	struct app_params p = script("true");
	char error[256];
	pid_t pid;

	p.resolv_conf = "/run/not-there";
	assert_int_equal(app_start(&p, &pid, error), -ECHILD);
	assert_string_equal(error, "cannot start 'sh': cannot mount resolv.conf: "
				   "No such file or directory");
}

static void application_runs_in_its_network_namespace(void **state)
{
	struct app_params p = script("readlink /proc/self/ns/net >" OUTPUT);
	struct stat st;
	char expected[64];

	p.netns_fd = netns_create();
	assert_int_equal(fstat(p.netns_fd, &st), 0);
	assert_int_equal(run(&p), 0);
	snprintf(expected, sizeof(expected), "net:[%" PRIuMAX "]\n", (uintmax_t)st.st_ino);
	assert_string_equal(read_text(OUTPUT), expected);
	close(p.netns_fd);
}

static void signals_are_as_for_any_new_program(void **state)
{
	struct app_params p = script("exec grep -E '^Sig(Blk|Ign)' /proc/self/status >" OUTPUT);
	sigset_t blocked;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	assert_int_equal(run(&p), 0);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_string_equal(read_text(OUTPUT),
			    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_status_is_the_application_s),
		cmocka_unit_test(death_by_a_signal_is_its_number_and_128),
		cmocka_unit_test(application_that_is_not_there_is_enoent),
		cmocka_unit_test(application_that_is_none_is_eacces),
		cmocka_unit_test(application_is_told_about_its_network),
		cmocka_unit_test(what_is_not_known_is_not_set),
		cmocka_unit_test(what_is_not_known_is_not_inherited),
		cmocka_unit_test(own_environment_is_not_touched),
		cmocka_unit_test(resolv_conf_is_the_application_s_only),
		cmocka_unit_test(resolv_conf_behind_a_link_is_the_application_s_only),
		cmocka_unit_test(change_of_resolv_conf_reaches_a_running_application),
		cmocka_unit_test(process_becomes_the_application_in_its_own_place),
		cmocka_unit_test(variables_are_all_that_an_application_is_told),
		cmocka_unit_test(failing_step_is_named),
		cmocka_unit_test(application_runs_in_its_network_namespace),
		cmocka_unit_test(signals_are_as_for_any_new_program),
	};

	return cmocka_run_group_tests_name("worker/app", tests, private_etc, NULL);
}
