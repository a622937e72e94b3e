/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread and the loop share one job. Whoever lets go of it last frees it; that the thread is done is said by
 * closing the pipe's writing end, which the loop sees as readable. What the thread wrote is handed over by is_done: a
 * pipe orders nothing in C's memory model.
 */
#include "sstp/worker/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
	atomic_int holders;
	atomic_bool is_done; /* error and list stand */
	int done_fd;	     /* writing end */
	int error;
	struct addrinfo *list;
	char port[8];
	char host[];
};

struct resolve {
	struct job *job;
	struct loop_io *io;
	int fd; /* reading end */
	resolve_fn *done;
	void *arg;
};

static void job_release(struct job *job)
{
	if (atomic_fetch_sub(&job->holders, 1) != 1)
		return;
	if (job->list)
		freeaddrinfo(job->list);
	free(job);
}

static void *run(void *arg)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct job *job = arg;

	job->error = getaddrinfo(job->host, job->port, &hints, &job->list);
	if (job->error == EAI_ADDRFAMILY) { /* no address but loopback is configured */
		hints.ai_flags = 0;
		job->error = getaddrinfo(job->host, job->port, &hints, &job->list);
	}
	atomic_store_explicit(&job->is_done, true, memory_order_release);
	close(job->done_fd);
	job_release(job);
	return NULL;
}

static void on_done(void *arg, unsigned ready)
{
	struct resolve *r = arg;

	if (!atomic_load_explicit(&r->job->is_done, memory_order_acquire))
		return;
	loop_io_free(r->io);
	r->io = NULL;
	r->done(r->arg, r->job->error, r->job->list);
}

static struct job *job_new(const char *host, unsigned port)
{
	size_t size = strlen(host) + 1;
	struct job *job = calloc(1, sizeof(*job) + size);

	if (!job)
		return NULL;
	atomic_init(&job->holders, 2);
	atomic_init(&job->is_done, false);
	memcpy(job->host, host, size);
	snprintf(job->port, sizeof(job->port), "%u", port);
	return job;
}

static int start_thread(struct job *job)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, run, job);

	if (error == 0)
		pthread_detach(thread);
	return -error;
}

struct resolve *resolve_start(struct loop *loop, const char *host, unsigned port, resolve_fn *done,
			      void *arg)
{
	struct resolve *r = calloc(1, sizeof(*r));
	struct job *job = job_new(host, port);
	int fds[2], error;

	if (!r || !job || pipe2(fds, O_CLOEXEC) < 0)
		goto no_pipe;
	*r = (struct resolve){.job = job, .fd = fds[0], .done = done, .arg = arg};
	job->done_fd = fds[1];
	r->io = loop_io_new(loop, r->fd, LOOP_READ, on_done, r);
	error = r->io ? start_thread(job) : -errno;
	if (error == 0)
		return r;
	loop_io_free(r->io);
	close(fds[0]);
	close(fds[1]);
	errno = -error;
no_pipe:
	free(job);
	free(r);
	return NULL;
}

void resolve_free(struct resolve *r)
{
	if (!r)
		return;
	loop_io_free(r->io);
	close(r->fd);
	job_release(r->job);
	free(r);
}
