/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/worker/child.h"

extern char **environ;

/* An event that waits: its environment, owned, NULL-terminated; the first n are ours, the rest borrowed from environ. */
struct event {
	char **envp;
	size_t n;
};

struct hook {
	const char *command;
	struct loop *loop;
	struct loop_timer *limit;
	struct event queue[HOOK_QUEUE_MAX]; /* a ring */
	size_t first, waiting;
	pid_t child; /* 0: none */
};

static void event_done(struct event *e)
{
	for (size_t i = 0; e->envp && i < e->n; i++)
		free(e->envp[i]);
	free(e->envp);
	*e = (struct event){.envp = NULL};
}

static int put(struct event *e, const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value ? value : "") < 0)
		return -ENOMEM;
	e->envp[e->n++] = text;
	return 0;
}

static size_t inherited(void)
{
	size_t n = 0;

	while (environ[n])
		n++;
	return n;
}

/* What is ours stands first: getenv() and shells take the first of a name, or the last; so none is there twice. */
static bool is_ours(const char *entry)
{
	return strncmp(entry, "SSTP_", 5) == 0;
}

static int event_make(struct event *e, const char *name, const struct hook_variable *variables,
		      size_t n)
{
	size_t at;
	int r;

	e->envp = calloc(inherited() + n + 2, sizeof(*e->envp));
	if (!e->envp)
		return -ENOMEM;
	r = put(e, "SSTP_EVENT", name);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put(e, variables[i].name, variables[i].value);
	if (r < 0) {
		event_done(e);
		return r;
	}
	at = e->n;
	for (char **p = environ; *p; p++)
		if (!is_ours(*p))
			e->envp[at++] = *p;
	return 0;
}

/* What stands at our standard input is the app's to read. */
static pid_t start(const struct hook *h, const struct event *e)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)h->command, NULL};
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = nothing < 0 ? -errno : child_start("/bin/sh", argv, e->envp, nothing);

	if (nothing >= 0)
		close(nothing);
	return pid;
}

static int run(struct hook *h, const struct event *e)
{
	pid_t pid = start(h, e);

	if (pid < 0) {
		log_warning("the command of on_event cannot be started: %s", strerror(-pid));
		return pid;
	}
	h->child = pid;
	loop_timer_set(h->limit, loop_now(h->loop) + HOOK_TIME_S * CLOCK_NS_PER_S);
	return 0;
}

static void run_next(struct hook *h)
{
	while (h->waiting && !h->child) {
		run(h, &h->queue[h->first]);
		event_done(&h->queue[h->first]);
		h->first = (h->first + 1) % HOOK_QUEUE_MAX;
		h->waiting--;
	}
}

static void on_limit(void *arg)
{
	struct hook *h = arg;

	log_warning("the command of on_event has run for %d s: it is killed", HOOK_TIME_S);
	kill(h->child, SIGKILL);
}

struct hook *hook_new(struct loop *loop, const char *command)
{
	struct hook *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->command = command;
	h->loop = loop;
	h->limit = loop_timer_new(loop, on_limit, h);
	if (h->limit)
		return h;
	free(h);
	return NULL;
}

void hook_free(struct hook *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HOOK_QUEUE_MAX; i++)
		event_done(&h->queue[i]);
	loop_timer_free(h->limit);
	free(h);
}

int hook_fire(struct hook *h, const char *event, const struct hook_variable *variables, size_t n)
{
	int r;

	if (!h)
		return 0;
	if (h->waiting == HOOK_QUEUE_MAX) {
		log_warning("on_event: %d events wait already, '%s' is not told", HOOK_QUEUE_MAX,
			    event);
		return -ENOBUFS;
	}
	r = event_make(&h->queue[(h->first + h->waiting) % HOOK_QUEUE_MAX], event, variables, n);
	if (r < 0)
		return r;
	h->waiting++;
	run_next(h);
	return 0;
}

bool hook_is_idle(const struct hook *h)
{
	return !h || (!h->child && !h->waiting);
}

void hook_on_child(struct hook *h, pid_t pid, int wait_status)
{
	if (!h || pid != h->child)
		return;
	h->child = 0;
	loop_timer_set(h->limit, CLOCK_NEVER);
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != EXIT_SUCCESS)
		log_warning("the command of on_event has ended with status %d",
			    WEXITSTATUS(wait_status));
	run_next(h);
}
