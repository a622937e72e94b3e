/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the work is a written eventfd; what the work wrote is handed over by pthread_join(). */
#include "sstp/worker/background.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct background {
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
	struct loop_io *io;
	int fd; /* readable when the work is done */
	pthread_t thread;
	bool runs; /* it was not joined yet */
};

static void *run(void *arg)
{
	struct background *b = arg;

	b->work(b->arg);
	eventfd_write(b->fd, 1); /* cannot fail: it is the only one */
	return NULL;
}

static void on_ready(void *arg, unsigned ready)
{
	struct background *b = arg;

	background_wait(b);
	loop_io_watch(b->io, 0);
	b->done(b->arg);
}

/* Signals are the loop's. */
static int start_thread(struct background *b)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&b->thread, NULL, run, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	b->runs = error == 0;
	return error;
}

struct background *background_start(struct loop *loop, void (*work)(void *arg),
				    void (*done)(void *arg), void *arg)
{
	struct background *b = calloc(1, sizeof(*b));
	int error;

	if (!b)
		return NULL;
	*b = (struct background){.work = work, .done = done, .arg = arg};
	b->fd = eventfd(0, EFD_CLOEXEC);
	b->io = b->fd < 0 ? NULL : loop_io_new(loop, b->fd, LOOP_READ, on_ready, b);
	error = b->io ? start_thread(b) : errno;
	if (error == 0)
		return b;
	background_free(b);
	errno = error;
	return NULL;
}

void background_wait(struct background *b)
{
	if (b->runs)
		pthread_join(b->thread, NULL);
	b->runs = false;
}

void background_free(struct background *b)
{
	if (!b)
		return;
	background_wait(b);
	loop_io_free(b->io);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}
