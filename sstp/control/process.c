/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	END_WAIT_MS = 2000,
	CLOSED_WAIT_MS = 500, /* it takes that long to give back the memory of many sessions */
	HOW_MAX = 64,
	WHY_MAX = 160,
	READS_MAX = 64, /* in a row, then others have their turn */
	FDS_FREE = 16,	/* descriptors from here on are none that a child's links become */
};

/* One link: our end, and whose. */
struct link {
	struct process *process;
	unsigned number;
	int fd; /* -1: closed */
	struct loop_io *io;
};

struct process {
	struct loop *loop;
	struct process_params params;
	struct loop_timer *timer; /* until the next start */
	struct link links[PROCESS_LINKS_MAX];
	pid_t pid; /* 0: it does not run */
	uint64_t started;
	uint64_t backoff;
};

/* ---- starting ---- */

/* 0 or an errno. */
static int set_actions(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr, const int *fds,
		       unsigned n)
{
	sigset_t all;
	sigset_t none;
	int r = 0;

	sigfillset(&all);
	sigemptyset(&none);
	for (unsigned i = 0; i < n && !r; i++)
		r = posix_spawn_file_actions_adddup2(actions, fds[i], PROCESS_FD + (int)i);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(actions, PROCESS_FD + (int)n);
	if (!r)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (!r)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (!r)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return r;
}

/* 0 or an errno; fds stay open. */
static int spawn(struct process *p, const int *fds)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return r;
	r = posix_spawnattr_init(&attr);
	if (!r) {
		r = set_actions(&actions, &attr, fds, p->params.links);
		if (!r)
			r = posix_spawn(&p->pid, p->params.program, &actions, &attr,
					(char *const *)p->params.argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		p->pid = 0;
	return r;
}

static void close_links(struct process *p)
{
	for (unsigned i = 0; i < p->params.links; i++) {
		loop_io_free(p->links[i].io);
		p->links[i].io = NULL;
		if (p->links[i].fd >= 0)
			close(p->links[i].fd);
		p->links[i].fd = -1;
	}
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

/* A link is closed (error 0), or fails. Whoever closes it is about to be gone; who breaks it is made to. */
static void on_closed(struct process *p, int error)
{
	uint64_t now = loop_now(p->loop);
	char how[HOW_MAX];
	char why[WHY_MAX];

	close_links(p);
	reap(p, CLOSED_WAIT_MS, how);
	snprintf(why, sizeof(why), "%s%s%s", how, error ? ": " : "", error ? strerror(-error) : "");
	if (now - p->started >= PROCESS_STEADY)
		p->backoff = PROCESS_BACKOFF_MIN;
	loop_timer_set(p->timer, now + p->backoff);
	p->backoff = clock_earlier(2 * p->backoff, PROCESS_BACKOFF_MAX);
	p->params.on_down(p->params.arg, why);
}

static void on_ready(void *arg, unsigned ready)
{
	struct link *l = arg;
	struct process *p = l->process;
	uint8_t msg[MSGSOCK_MAX];
	struct msgsock_fds fds;
	ssize_t n;

	for (unsigned i = 0; i < READS_MAX; i++) {
		n = msgsock_recv(l->fd, msg, &fds);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			on_closed(p, (int)n);
			return;
		}
		p->params.on_message(p->params.arg, l->number, msg, (size_t)n, &fds);
		msgsock_close_fds(&fds);
	}
}

/* Both ends of link number i; the child's where no dup2() of ours lands on it. 0 or -errno. */
static int open_link(struct process *p, unsigned i, int *ret_end)
{
	int fds[2];
	int r = msgsock_pair(fds);
	int end;

	if (r < 0)
		return r;
	end = fcntl(fds[1], F_DUPFD_CLOEXEC, FDS_FREE);
	r = end < 0 ? -errno : 0;
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	p->links[i] = (struct link){.process = p, .number = i, .fd = fds[0]};
	*ret_end = end;
	return 0;
}

static int watch_links(struct process *p)
{
	for (unsigned i = 0; i < p->params.links; i++) {
		struct link *l = &p->links[i];

		l->io = loop_io_new(p->loop, l->fd, LOOP_READ, on_ready, l);
		if (!l->io)
			return -errno;
	}
	return 0;
}

/* 0 or -errno. */
static int start(struct process *p)
{
	int ends[PROCESS_LINKS_MAX];
	char how[HOW_MAX];
	unsigned n = 0;
	int r = 0;

	while (n < p->params.links && r == 0) {
		r = open_link(p, n, &ends[n]);
		n += r == 0;
	}
	if (r == 0)
		r = -spawn(p, ends);
	while (n > 0)
		close(ends[--n]);
	if (r == 0)
		r = watch_links(p);
	if (r < 0) {
		close_links(p);
		if (p->pid)
			reap(p, 0, how);
		return r;
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
	for (unsigned i = 0; i < PROCESS_LINKS_MAX; i++)
		p->links[i].fd = -1;
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
	close_links(p);
	if (p->pid > 0)
		reap(p, END_WAIT_MS, how);
	free(p);
}

int process_send(struct process *p, unsigned link, const void *msg, size_t len, const int *fds,
		 unsigned nfds)
{
	int r;

	if (!p->pid)
		return -ENOTCONN;
	r = msgsock_send(p->links[link].fd, msg, len, fds, nfds);
	if (r == -EAGAIN)
		kill(p->pid, SIGKILL);
	return r;
}

int process_id(const struct process *p)
{
	return p->pid;
}

void process_begin(const char *name)
{
	static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NAME, name);
}
