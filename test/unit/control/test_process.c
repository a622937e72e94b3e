/* SPDX-License-Identifier: Apache-2.0 */
/* The child is a shell with a script: it sees the descriptors that a control process would. */
#include "sstp/control/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/cmocka.h"

/* How much earlier it is for the one who asks. */
static uint64_t lag_ns;

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);

uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) - lag_ns;
}

/* What a timer was set to last, from the moment on at which it was. */
static uint64_t wait_ns;

void __real_loop_timer_set(struct loop_timer *timer, uint64_t when);
void __wrap_loop_timer_set(struct loop_timer *timer, uint64_t when);

static struct loop *present;
static bool is_impatient; /* what was set comes at once */

void __wrap_loop_timer_set(struct loop_timer *timer, uint64_t when)
{
	wait_ns = when - __real_loop_now(present);
	__real_loop_timer_set(timer, is_impatient ? when - wait_ns : when);
}

struct parent {
	struct loop *loop;
	struct process *process;
	unsigned ups;
	unsigned downs;
	unsigned messages;
	unsigned stop_at_downs;
	unsigned steady_up; /* the start, from 1 on, that will seem to have been long ago */
	unsigned link;
	unsigned nfds;
	char payload[32];
	char why[128];
};

static void on_up(void *arg)
{
	struct parent *p = arg;

	p->ups++;
	lag_ns = 0;
}

static void on_message(void *arg, unsigned link, const uint8_t *msg, size_t len,
		       struct msgsock_fds *fds)
{
	struct parent *p = arg;

	p->messages++;
	p->link = link;
	p->nfds = fds->n;
	assert_in_range(len, 0, sizeof(p->payload) - 1);
	memcpy(p->payload, msg, len);
	p->payload[len] = '\0';
	loop_stop(p->loop);
}

static void on_down(void *arg, const char *why)
{
	struct parent *p = arg;

	snprintf(p->why, sizeof(p->why), "%s", why);
	if (p->ups + 1 == p->steady_up)
		lag_ns = PROCESS_STEADY;
	if (++p->downs == p->stop_at_downs)
		loop_stop(p->loop);
}

/* argv must live as long as the process. */
static void start_with(struct parent *p, const char *const *argv, unsigned links)
{
	*p = (struct parent){.loop = loop_new()};
	assert_non_null(p->loop);
	present = p->loop;
	p->process = process_new(p->loop, &(struct process_params){.program = argv[0],
								   .argv = argv,
								   .links = links,
								   .on_up = on_up,
								   .on_message = on_message,
								   .on_down = on_down,
								   .arg = p});
}

static void start(struct parent *p, const char *const *argv)
{
	start_with(p, argv, 1);
}

static void end(struct parent *p)
{
	process_free(p->process);
	loop_free(p->loop);
}

#define SAY(word) "printf " word " >&3; "

static void child_talks_over_its_socket_and_has_no_other_descriptor(void **state)
{
	static const char *const argv[] = {
		"/bin/sh", "-c",
		"if [ -e /proc/$$/fd/77 ]; then " SAY("leak") "else " SAY("good") "fi; read x <&3",
		NULL};
	int leak = dup2(STDERR_FILENO, 77); /* without CLOEXEC */
	struct parent p;

	start(&p, argv);
	assert_non_null(p.process);
	assert_int_equal(p.ups, 1);
	assert_true(process_id(p.process) > 0);
	loop_run(p.loop);
	close(leak);
	assert_string_equal(p.payload, "good");
	end(&p);
}

static void child_that_dies_is_started_again_later_each_time(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c", "exit 7", NULL};
	uint64_t began = clock_now();
	struct parent p;

	start(&p, argv);
	p.stop_at_downs = 3;
	loop_run(p.loop);
	assert_int_equal(p.ups, 3);
	assert_string_equal(p.why, "it ended with exit code 7");
	/* 100 ms and 200 ms, but for the tick by which timers are early */
	assert_true(clock_now() - began >= 290 * CLOCK_NS_PER_MS);
	assert_int_equal(process_id(p.process), 0);
	assert_int_equal(process_send(p.process, 0, "x", 1, NULL, 0), -ENOTCONN);
	end(&p);
}

/* The service is to be back within 2 s, whatever was killed before: there must be room for the start itself. */
static void child_that_dies_again_and_again_is_started_every_second(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c", "exit 7", NULL};
	struct parent p;

	is_impatient = true;
	start(&p, argv);
	p.stop_at_downs = 8;
	loop_run(p.loop);
	is_impatient = false;
	assert_int_equal(wait_ns, PROCESS_BACKOFF_MAX);
	assert_int_equal(wait_ns, CLOCK_NS_PER_S);
	end(&p);
}

static void child_that_lived_long_is_started_again_soon(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c", "exit 7", NULL};
	struct parent p;

	start(&p, argv);
	p.stop_at_downs = 2;
	p.steady_up = 3;
	loop_run(p.loop);
	assert_int_equal(wait_ns, 2 * PROCESS_BACKOFF_MIN);
	p.stop_at_downs = 3;
	loop_run(p.loop);
	assert_int_equal(wait_ns, PROCESS_BACKOFF_MIN);
	end(&p);
}

static void child_has_no_signal_blocked(void **state)
{
	static const char *const argv[] = {
		"/bin/sh", "-c",
		"while read key value; do case $key in SigBlk:) mask=$value; esac; done "
		"</proc/$$/status; "
		"if [ $mask = 0000000000000000 ]; then " SAY("none") "else " SAY(
			"some") "fi; "
				"read x <&3",
		NULL};
	sigset_t blocked, before;
	struct parent p;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	start(&p, argv);
	sigprocmask(SIG_SETMASK, &before, NULL);
	loop_run(p.loop);
	assert_string_equal(p.payload, "none");
	end(&p);
}

static void end_of_a_child_says_whether_it_was_killed_or_why_we_ended_it(void **state)
{
	static const char *const killed[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
	static const char *const deaf[] = {"/bin/sh", "-c", "exec 3>&-; exec sleep 60", NULL};
	struct parent p;

	start(&p, killed);
	p.stop_at_downs = 1;
	loop_run(p.loop);
	assert_string_equal(p.why, "it was ended by signal 9 (Killed)");
	end(&p);
	start(&p, deaf);
	p.stop_at_downs = 1;
	loop_run(p.loop);
	assert_string_equal(p.why, "it had to be ended");
	end(&p);
}

/* More than a message may have: 16 KiB and one byte. */
static void child_that_breaks_the_protocol_is_ended(void **state)
{
	static const char *const mad[] = {
		"/bin/sh", "-c",
		"head -c 16385 /dev/zero | dd bs=16385 iflag=fullblock >&3 "
		"2>/dev/null; exec sleep 60",
		NULL};
	struct parent p;

	start(&p, mad);
	p.stop_at_downs = 1;
	loop_run(p.loop);
	assert_int_equal(p.messages, 0);
	assert_string_equal(p.why, "it had to be ended: Message too long");
	end(&p);
}

static void child_that_does_not_read_is_ended(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c", SAY("here") "exec sleep 60", NULL};
	static const uint8_t large[MSGSOCK_MAX];
	struct parent p;
	int r = 0;

	start(&p, argv);
	loop_run(p.loop);
	for (unsigned i = 0; i < 10000 && r == 0; i++)
		r = process_send(p.process, 0, large, sizeof(large), NULL, 0);
	assert_int_equal(r, -EAGAIN);
	p.stop_at_downs = 1;
	loop_run(p.loop);
	assert_string_equal(p.why, "it was ended by signal 9 (Killed)");
	end(&p);
}

static void second_link_is_told_apart(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c",
					   "x=$(dd bs=8 count=1 <&4 2>/dev/null); [ \"$x\" = go ] "
					   "&& printf two >&4; read x <&3",
					   NULL};
	struct parent p;

	start_with(&p, argv, 2);
	assert_int_equal(process_send(p.process, 1, "go", 2, NULL, 0), 0);
	loop_run(p.loop);
	assert_string_equal(p.payload, "two");
	assert_int_equal(p.link, 1);
	assert_int_equal(p.nfds, 0);
	end(&p);
}

static void child_that_cannot_be_started_again_is_told(void **state)
{
	char path[] = "/tmp/test-process-XXXXXX";
	const char *const argv[] = {path, NULL};
	static const char script[] = "#!/bin/sh\nexit 7\n";
	int fd = mkstemp(path);
	struct parent p;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, script, strlen(script)), strlen(script));
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	start(&p, argv);
	p.stop_at_downs = 1;
	loop_run(p.loop);
	assert_string_equal(p.why, "it ended with exit code 7");
	unlink(path);
	p.stop_at_downs = 2;
	loop_run(p.loop);
	assert_int_equal(p.ups, 1);
	assert_string_equal(p.why, "it cannot be started: No such file or directory");
	assert_int_equal(process_id(p.process), 0);
	end(&p);
}

static void child_is_gone_when_the_process_is_freed(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c", SAY("here") "cat <&3", NULL};
	struct parent p;
	pid_t pid;

	start(&p, argv);
	loop_run(p.loop);
	pid = process_id(p.process);
	assert_int_equal(kill(pid, 0), 0);
	end(&p);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void program_that_is_not_there_is_an_error(void **state)
{
	static const char *const argv[] = {"/nonexistent/program", NULL};
	struct parent p;

	start(&p, argv);
	assert_null(p.process);
	assert_int_equal(errno, ENOENT);
	end(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_talks_over_its_socket_and_has_no_other_descriptor),
		cmocka_unit_test(child_that_dies_is_started_again_later_each_time),
		cmocka_unit_test(child_that_dies_again_and_again_is_started_every_second),
		cmocka_unit_test(child_that_lived_long_is_started_again_soon),
		cmocka_unit_test(child_has_no_signal_blocked),
		cmocka_unit_test(end_of_a_child_says_whether_it_was_killed_or_why_we_ended_it),
		cmocka_unit_test(child_that_breaks_the_protocol_is_ended),
		cmocka_unit_test(child_that_does_not_read_is_ended),
		cmocka_unit_test(second_link_is_told_apart),
		cmocka_unit_test(child_that_cannot_be_started_again_is_told),
		cmocka_unit_test(child_is_gone_when_the_process_is_freed),
		cmocka_unit_test(program_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests_name("control/process", tests, NULL, NULL);
}
