/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes are made here, not by libevent: event_base_loop() is asked for one wait and what became ready in it,
 * then the hooks and the reaping follow. That is what gives "the end of a pass" a place, and with it the two
 * rules that the layers above live by: everything dirty is flushed before the thread sleeps, and nothing that a
 * callback can still see is freed under it.
 *
 * Libevent's clock is the coarse one (no timerfd, no extra system call per wait), so a timer may wake a tick
 * early; timer_fired() compares with our own clock and goes back to sleep. The same comparison makes it cheap to
 * move a timer later: the armed event stays where it is.
 *
 * Tasks of other threads are a stack of one word: posters push, the loop takes all of it at once and turns it over.
 * There is no pop of one, so no ABA. Who pushes on the empty stack writes to the eventfd; the loop takes the stack
 * after that write woke it, so what comes later finds the stack empty and writes again. The eventfd is watched by
 * edge and never read: a write is an edge whatever the counter says, and 2^64 writes are out of reach.
 */
#include "sstp/net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/clock.h"

enum {
	CACHE_LINE = 64
};

/* sched_yield() that takes longer has let somebody else run */
#define YIELD_ALONE_NS (5 * 1000)

struct hook {
	void (*cb)(void *arg);
	void *arg;
};

struct hooks {
	size_t n;
	struct hook *list;
};

struct loop_signal {
	struct event ev;
	struct loop *loop;
	struct loop_signal *next;
	void (*cb)(void *arg, int signo);
	void *arg;
};

struct loop {
	struct event_base *base;
	uint64_t now;
	bool awake; /* now was read since the last wait */
	bool stop;
	unsigned n_served; /* callbacks of this pass, but for hooks */
	uint64_t rest_ns;  /* loop_rest(); 0: none */
	bool rest_if_shared;
	struct hooks wake_hooks;
	struct hooks pass_hooks;
	struct loop_reap *reap_first;
	struct loop_reap **reap_end;
	struct loop_signal *signals;
	int wakeup_fd; /* an eventfd */
	struct event wakeup;
	/* the newest task, on a line of its own: other threads write here */
	_Alignas(CACHE_LINE) _Atomic(struct loop_task *) tasks;
};

/* Two events, because adding and removing one direction is then one epoll_ctl(MOD) and never a moment unwatched. */
struct loop_io {
	struct loop *loop;
	struct event read;
	struct event write;
	unsigned watched;
	void (*cb)(void *arg, unsigned ready);
	void *arg;
};

struct loop_timer {
	struct loop *loop;
	struct event ev;
	uint64_t at;	/* when the owner wants it; CLOCK_NEVER: disarmed */
	uint64_t armed; /* when libevent will call; never later than at; CLOCK_NEVER: not pending */
	void (*cb)(void *arg);
	void *arg;
};

static struct event_base *base_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (!cfg)
		return NULL;
	event_config_avoid_method(cfg, "poll");
	event_config_avoid_method(cfg, "select");
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	return base;
}

static void reap_all(struct loop *loop)
{
	while (loop->reap_first) {
		struct loop_reap *node = loop->reap_first;

		loop->reap_first = node->next;
		if (!loop->reap_first)
			loop->reap_end = &loop->reap_first;
		node->free_fn(node);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	reap_all(loop);
	while (loop->signals) {
		struct loop_signal *sig = loop->signals;

		loop->signals = sig->next;
		event_del(&sig->ev);
		free(sig);
	}
	if (loop->wakeup_fd >= 0) {
		event_del(&loop->wakeup);
		close(loop->wakeup_fd);
	}
	if (loop->base)
		event_base_free(loop->base);
	free(loop->wake_hooks.list);
	free(loop->pass_hooks.list);
	free(loop);
}

static int add_hook(struct hooks *hooks, void (*cb)(void *arg), void *arg)
{
	struct hook *list = reallocarray(hooks->list, hooks->n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	hooks->list = list;
	list[hooks->n++] = (struct hook){.cb = cb, .arg = arg};
	return 0;
}

int loop_on_wake(struct loop *loop, void (*cb)(void *arg), void *arg)
{
	return add_hook(&loop->wake_hooks, cb, arg);
}

void loop_rest(struct loop *loop, uint64_t ns, bool if_shared)
{
	loop->rest_ns = ns;
	loop->rest_if_shared = if_shared;
}

int loop_on_pass_end(struct loop *loop, void (*cb)(void *arg), void *arg)
{
	return add_hook(&loop->pass_hooks, cb, arg);
}

static void run_hooks(const struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->n; i++)
		hooks->list[i].cb(hooks->list[i].arg);
}

/* Every callback of libevent's comes through here first. */
static void wake(struct loop *loop)
{
	if (loop->awake)
		return;
	loop->awake = true;
	loop->now = clock_now();
	run_hooks(&loop->wake_hooks);
}

static void end_pass(struct loop *loop)
{
	wake(loop);
	run_hooks(&loop->pass_hooks);
	reap_all(loop);
}

static struct loop_task *take_tasks(struct loop *loop)
{
	struct loop_task *newest =
		atomic_exchange_explicit(&loop->tasks, NULL, memory_order_acquire);
	struct loop_task *oldest = NULL;

	while (newest) {
		struct loop_task *older = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = older;
	}
	return oldest;
}

static void run_tasks(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	struct loop_task *task;

	wake(loop);
	loop->n_served++;
	task = take_tasks(loop);
	while (task) {
		struct loop_task *next = task->next;

		task->run(task);
		task = next;
	}
}

void loop_post(struct loop *loop, struct loop_task *task)
{
	struct loop_task *newest = atomic_load_explicit(&loop->tasks, memory_order_relaxed);

	do
		task->next = newest;
	while (!atomic_compare_exchange_weak_explicit(&loop->tasks, &newest, task,
						      memory_order_release, memory_order_relaxed));
	/* can only fail when the loop is gone: a lost wake-up would be a thread that hangs */
	if (!newest && eventfd_write(loop->wakeup_fd, 1) < 0)
		abort();
}

static int watch_tasks(struct loop *loop)
{
	loop->wakeup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->wakeup_fd < 0)
		return -errno;
	event_assign(&loop->wakeup, loop->base, loop->wakeup_fd, EV_READ | EV_ET | EV_PERSIST,
		     run_tasks, loop);
	errno = 0;
	if (event_add(&loop->wakeup, NULL) < 0)
		return errno ? -errno : -ENOMEM;
	return 0;
}

struct loop *loop_new(void)
{
	struct loop *loop = aligned_alloc(CACHE_LINE, sizeof(*loop));
	int error;

	if (!loop)
		return NULL;
	memset(loop, 0, sizeof(*loop));
	atomic_init(&loop->tasks, NULL);
	loop->reap_end = &loop->reap_first;
	loop->now = clock_now();
	loop->wakeup_fd = -1;
	loop->base = base_new();
	error = loop->base ? watch_tasks(loop) : -ENOMEM;
	if (error) {
		loop_free(loop);
		errno = -error;
		return NULL;
	}
	return loop;
}

static bool is_cpu_shared(void)
{
	uint64_t before = clock_now();

	sched_yield();
	return clock_now() - before > YIELD_ALONE_NS;
}

static void rest(struct loop *loop)
{
	struct timespec time = {.tv_nsec = (long)loop->rest_ns};
	bool may_rest = loop->rest_ns && loop->n_served == 1;

	loop->rest_ns = 0;
	loop->n_served = 0;
	/* a signal cuts it short: nothing is promised */
	if (may_rest && (!loop->rest_if_shared || is_cpu_shared()))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

int loop_run(struct loop *loop)
{
	int error = 0;

	/* what was sent, ended or freed before the loop ran must not wait for the first event */
	loop->awake = false;
	end_pass(loop);
	while (!loop->stop && !error) {
		loop->awake = false;
		if (event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			error = errno ? -errno : -EIO;
		end_pass(loop);
		rest(loop);
	}
	loop->stop = false;
	return error;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now;
}

static void io_ready(struct loop_io *io, unsigned ready)
{
	wake(io->loop);
	io->loop->n_served++;
	io->cb(io->arg, ready);
}

static void io_readable(evutil_socket_t fd, short what, void *arg)
{
	io_ready(arg, LOOP_READ);
}

static void io_writable(evutil_socket_t fd, short what, void *arg)
{
	io_ready(arg, LOOP_WRITE);
}

struct loop_io *loop_io_new(struct loop *loop, int fd, unsigned ready,
			    void (*cb)(void *arg, unsigned ready), void *arg)
{
	struct loop_io *io = calloc(1, sizeof(*io));
	int error;

	if (!io)
		return NULL;
	io->loop = loop;
	io->cb = cb;
	io->arg = arg;
	event_assign(&io->read, loop->base, fd, EV_READ | EV_PERSIST, io_readable, io);
	event_assign(&io->write, loop->base, fd, EV_WRITE | EV_PERSIST, io_writable, io);
	error = loop_io_watch(io, ready);
	if (error) {
		loop_io_free(io);
		errno = -error;
		return NULL;
	}
	return io;
}

static int io_watch_one(struct loop_io *io, struct event *ev, unsigned bit, unsigned ready)
{
	errno = 0;
	if ((ready & bit ? event_add(ev, NULL) : event_del(ev)) < 0)
		return errno ? -errno : -ENOMEM;
	io->watched = (io->watched & ~bit) | (ready & bit);
	return 0;
}

int loop_io_watch(struct loop_io *io, unsigned ready)
{
	unsigned changed = io->watched ^ ready;
	int error = 0;

	if (changed & LOOP_READ)
		error = io_watch_one(io, &io->read, LOOP_READ, ready);
	if (changed & LOOP_WRITE && !error)
		error = io_watch_one(io, &io->write, LOOP_WRITE, ready);
	return error;
}

void loop_io_free(struct loop_io *io)
{
	if (!io)
		return;
	event_del(&io->read);
	event_del(&io->write);
	free(io);
}

/* Rounds up: waking a little late is one wake-up, waking early would be two. */
static struct timeval duration(uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 != 0);

	return (struct timeval){.tv_sec = (time_t)(us / 1000000),
				.tv_usec = (suseconds_t)(us % 1000000)};
}

static void timer_arm(struct loop_timer *t)
{
	uint64_t now = clock_now();
	struct timeval tv = duration(t->at > now ? t->at - now : 0);

	/* cannot fail but for memory when the heap of timers grows; then the timer is lost, and so is the process */
	if (event_add(&t->ev, &tv) < 0)
		abort();
	t->armed = t->at;
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	wake(t->loop);
	t->armed = CLOCK_NEVER;
	if (t->at == CLOCK_NEVER)
		return;
	if (t->at > t->loop->now) {
		timer_arm(t);
		return;
	}
	t->at = CLOCK_NEVER;
	t->loop->n_served++;
	t->cb(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*cb)(void *arg), void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->loop = loop;
	t->cb = cb;
	t->arg = arg;
	t->at = CLOCK_NEVER;
	t->armed = CLOCK_NEVER;
	event_assign(&t->ev, loop->base, -1, EV_TIMEOUT, timer_fired, t);
	return t;
}

void loop_timer_set(struct loop_timer *t, uint64_t at_ns)
{
	t->at = at_ns;
	if (at_ns < t->armed)
		timer_arm(t);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	event_del(&t->ev);
	free(t);
}

static void signal_arrived(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *sig = arg;

	wake(sig->loop);
	sig->loop->n_served++;
	sig->cb(sig->arg, (int)signo);
}

int loop_on_signal(struct loop *loop, int signo, void (*cb)(void *arg, int signo), void *arg)
{
	struct loop_signal *sig = calloc(1, sizeof(*sig));

	if (!sig)
		return -ENOMEM;
	sig->loop = loop;
	sig->cb = cb;
	sig->arg = arg;
	errno = 0;
	if (evsignal_assign(&sig->ev, loop->base, signo, signal_arrived, sig) < 0 ||
	    evsignal_add(&sig->ev, NULL) < 0) {
		free(sig);
		return errno ? -errno : -EINVAL;
	}
	sig->next = loop->signals;
	loop->signals = sig;
	return 0;
}

void loop_reap(struct loop *loop, struct loop_reap *node)
{
	node->next = NULL;
	*loop->reap_end = node;
	loop->reap_end = &node->next;
}

struct event_base *loop_event_base(struct loop *loop)
{
	return loop->base;
}
