/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_LOOP_H
#define SSTP_NET_LOOP_H
/*
 * The wall around libevent: readiness of descriptors, timers, signals, and the end of a pass.
 *
 * One loop per thread, no locks. A pass: wait, run the wake hooks, run what is ready, then run the pass hooks
 * in the order in which they were added (flush dirty sessions, free dead ones). Nothing that a callback can
 * still see is freed before the hooks; objects that die during a pass are handed to loop_reap(). `now` is read
 * once per wake-up.
 *
 * Threads share no loop. Whoever wants something of another thread hands its loop a task: loop_post() is the one
 * function here that another thread may call. Signals are for one loop of the process.
 */
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;

enum loop_ready {
	LOOP_READ = 1 << 0,
	LOOP_WRITE = 1 << 1,
};

/* Returns owned; NULL with errno set. */
struct loop *loop_new(void);

/*
 * Frees what loop_reap() still holds too; tasks that have not run are dropped without being run, and stay their
 * owners'. Takes NULL. All io and timers must be gone, and no other thread may be inside loop_post() any more.
 */
void loop_free(struct loop *loop);

/* Runs passes until loop_stop(). Returns 0, or -errno when waiting fails. */
int loop_run(struct loop *loop);

/* Ends loop_run() after the present pass. */
void loop_stop(struct loop *loop);

/* ns on CLOCK_MONOTONIC, read once per wake-up. */
uint64_t loop_now(const struct loop *loop);

/* Watches fd (borrowed), level-triggered, for `ready` bits. Returns owned; NULL with errno set. */
struct loop_io *loop_io_new(struct loop *loop, int fd, unsigned ready,
			    void (*cb)(void *arg, unsigned ready), void *arg);

/* Changes what is watched for; 0 watches for nothing. Returns 0 or -errno. Cheap when unchanged. */
int loop_io_watch(struct loop_io *io, unsigned ready);

/* Takes NULL. Safe inside its own callback. The descriptor stays open. */
void loop_io_free(struct loop_io *io);

/* A one-shot timer, not yet armed. Returns owned; NULL with errno set. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*cb)(void *arg), void *arg);

/* Arms or moves it; CLOCK_NEVER disarms. A time that has passed fires in the next pass. Cheap when the time is
 * unchanged, and when it moves later (the earlier wake-up then re-arms): sessions move theirs for every burst. */
void loop_timer_set(struct loop_timer *t, uint64_t at_ns);

/* Takes NULL. Safe inside its own callback. */
void loop_timer_free(struct loop_timer *t);

/* Calls cb in a pass after signal signo arrived, not in signal context; until the loop is freed. 0 or -errno. */
int loop_on_signal(struct loop *loop, int signo, void (*cb)(void *arg, int signo), void *arg);

/*
 * Adds a hook that runs once in every pass, behind the wait and in front of every other callback of that pass, for
 * the loop's life; hooks run in the order in which they were added. 0 or -ENOMEM. Between the last pass hook and
 * the next wake hook the thread waits, and loop_reap() frees: a free_fn runs in nobody's pass.
 */
int loop_on_wake(struct loop *loop, void (*cb)(void *arg), void *arg);

/*
 * After this pass and its hooks the thread sleeps for about ns before it waits again, so that more becomes ready at a
 * time: for floods, of which each wake-up brings little. if_shared: only when another process wants the CPU. Without effect
 * when the pass served more than one descriptor, timer, signal or batch of tasks, so that nobody else is kept waiting for
 * long.
 */
void loop_rest(struct loop *loop, uint64_t ns, bool if_shared);

/* Adds a hook that runs at the end of every pass, for the loop's life. 0 or -ENOMEM. */
int loop_on_pass_end(struct loop *loop, void (*cb)(void *arg), void *arg);

/* Calls free_fn(obj) when the pass's hooks have run. Never fails: a reap node is embedded in the object. */
struct loop_reap {
	struct loop_reap *next;
	void (*free_fn)(struct loop_reap *self);
};
void loop_reap(struct loop *loop, struct loop_reap *node);

/*
 * Has task->run(task) called in the loop's own thread, in a pass soon; from any thread, never fails, never blocks.
 * Tasks run in the order of posting. The task (borrowed, embedded in what it is about) must not be touched, nor
 * posted again, until it runs; from then on it is its owner's, who may free it or post it there. What a running
 * task posts runs in the next pass, so that a task that posts itself starves nobody.
 * There is no limit: a task exists already when it is posted. Costs an atomic exchange, and one write(2) when no other
 * task waits; a pass that finds no task costs nothing.
 */
struct loop_task {
	struct loop_task *next;
	void (*run)(struct loop_task *self);
};
void loop_post(struct loop *loop, struct loop_task *task);

/*
 * What is behind the wall, for evhttp: returns borrowed. Its callbacks run within passes like all others.
 */
struct event_base;
struct event_base *loop_event_base(struct loop *loop);

#endif
