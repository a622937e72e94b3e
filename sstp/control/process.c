/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/control/channel.h"

enum {
	END_WAIT_MS = 2000,
	HOW_MAX = 64,
	WHY_MAX = 160,
};

struct process {
	struct loop *loop;
	struct process_params params;
	struct loop_timer *timer; /* until the next start */
	struct channel *channel;  /* NULL: it does not run */
	pid_t pid;
	uint64_t started;
	uint64_t backoff;
};

/* ---- starting ---- */

/* 0 or an errno. */
static int set_actions(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr, int fd)
{
	sigset_t all;
	sigset_t none;
	int r = posix_spawn_file_actions_adddup2(actions, fd, PROCESS_FD);

	sigfillset(&all);
	sigemptyset(&none);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(actions, PROCESS_FD + 1);
	if (!r)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (!r)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (!r)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return r;
}

/* 0 or an errno; fd stays open. */
static int spawn(struct process *p, int fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return r;
	r = posix_spawnattr_init(&attr);
	if (!r) {
		r = set_actions(&actions, &attr, fd);
		if (!r)
			r = posix_spawn(&p->pid, p->params.program, &actions, &attr,
					(char *const *)p->params.argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* Ends what runs, if it did not end by itself within the time. Fills how it ended. */
static void reap(struct process *p, int wait_ms, char how[HOW_MAX])
{
	int fd = pidfd_open(p->pid, 0);
	int status = 0;
	bool is_late =
		fd < 0 || poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, wait_ms) != 1;

	if (is_late)
		kill(p->pid, SIGKILL);
	if (fd >= 0)
		close(fd);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	if (is_late)
		snprintf(how, HOW_MAX, "it had to be ended");
	else if (WIFSIGNALED(status))
		snprintf(how, HOW_MAX, "it was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(how, HOW_MAX, "it ended with exit code %d", WEXITSTATUS(status));
}

static void on_closed(void *arg, const char *text)
{
	struct process *p = arg;
	uint64_t now = loop_now(p->loop);
	bool is_plain = text == channel_ended;
	char how[HOW_MAX];
	char why[WHY_MAX];

	channel_free(p->channel);
	p->channel = NULL;
	/* whoever closes its socket is about to be gone; who broke the protocol is made to */
	reap(p, 100, how);
	snprintf(why, sizeof(why), "%s%s%s", how, is_plain ? "" : ": ", is_plain ? "" : text);
	if (now - p->started >= PROCESS_STEADY)
		p->backoff = PROCESS_BACKOFF_MIN;
	loop_timer_set(p->timer, now + p->backoff);
	p->backoff = clock_earlier(2 * p->backoff, PROCESS_BACKOFF_MAX);
	p->params.on_down(p->params.arg, why);
}

static void on_message(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct process *p = arg;

	p->params.on_message(p->params.arg, kind, payload, len);
}

/* 0 or -errno. */
static int start(struct process *p)
{
	int fds[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	r = spawn(p, fds[1]);
	close(fds[1]);
	if (r) {
		close(fds[0]);
		return -r;
	}
	p->channel = channel_new(p->loop, &(struct channel_params){.fd = fds[0],
								   .on_message = on_message,
								   .on_closed = on_closed,
								   .arg = p});
	if (!p->channel) {
		char how[HOW_MAX];

		reap(p, 0, how);
		return -ENOMEM;
	}
	p->started = loop_now(p->loop);
	p->params.on_up(p->params.arg);
	return 0;
}

static void on_timer(void *arg)
{
	struct process *p = arg;
	char why[WHY_MAX];
	int r = start(p);

	if (r == 0)
		return;
	loop_timer_set(p->timer, loop_now(p->loop) + PROCESS_BACKOFF_MAX);
	snprintf(why, sizeof(why), "it cannot be started: %s", strerror(-r));
	p->params.on_down(p->params.arg, why);
}

/* ---- life ---- */

struct process *process_new(struct loop *loop, const struct process_params *params)
{
	struct process *p = calloc(1, sizeof(*p));
	int r = -ENOMEM;

	if (!p)
		return NULL;
	p->loop = loop;
	p->params = *params;
	p->backoff = PROCESS_BACKOFF_MIN;
	p->timer = loop_timer_new(loop, on_timer, p);
	if (p->timer)
		r = start(p);
	if (r == 0)
		return p;
	process_free(p);
	errno = -r;
	return NULL;
}

void process_free(struct process *p)
{
	char how[HOW_MAX];

	if (!p)
		return;
	loop_timer_free(p->timer);
	channel_free(p->channel);
	if (p->pid > 0)
		reap(p, END_WAIT_MS, how);
	free(p);
}

int process_send(struct process *p, uint8_t *frame, size_t len)
{
	if (p->channel)
		return channel_send(p->channel, frame, len);
	msg_frame_free(frame, len);
	return -ENOTCONN;
}

int process_id(const struct process *p)
{
	return p->channel ? p->pid : 0;
}
