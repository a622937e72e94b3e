/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/renewal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/worker/child.h"
#include "sstp/worker/config.h"
#include "sstp/worker/schedule.h"

/* A look costs one stat(2). */
#define LOOK_EVERY (10 * CLOCK_NS_PER_S)

extern char **environ;

struct renewal {
	struct renewal_params params;
	struct loop *loop;
	struct loop_timer *timer;
	struct schedule schedule;
	struct stat seen;
	char thumbprint[CERT_THUMBPRINT_MAX]; /* that the worker uses */
	pid_t child;			      /* 0: none */
	bool is_up;			      /* the tunnel */
	bool has_advised;
};

/* ---- the file ---- */

/*
 * Renamed over it is another inode; written, or given to us by chmod or chown, it has another ctime.
 * The mode is looked at besides: a ctime is as coarse as the kernel's tick.
 */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_mode == b->st_mode &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool has_changed(struct renewal *r)
{
	struct stat now;

	if (stat(r->params.path, &now) < 0 || is_same(&now, &r->seen))
		return false;
	r->seen = now;
	return true;
}

static void take(struct renewal *r, const struct profile *p)
{
	struct cert_facts facts;

	if (profile_certificate(p, &facts) < 0 || !strcmp(facts.thumbprint, r->thumbprint))
		return;
	strcpy(r->thumbprint, facts.thumbprint);
	schedule_set(&r->schedule, facts.not_before, facts.not_after);
	r->has_advised = false;
	log_info("%s: new certificate %s", r->params.path, facts.thumbprint);
	r->params.on_renewed(r->params.arg, p);
}

static void look(struct renewal *r)
{
	struct profile p = {.enrolled = 0};
	struct certs_error e;

	if (!has_changed(r))
		return;
	if (profile_load(r->params.path, &p, &e) == 0)
		take(r, &p);
	else
		log_warning("the profile has changed and cannot be used: %s", e.text);
	profile_done(&p);
}

/* ---- the process ---- */

/* A refusal does not heal by itself; what to do about it is not said again with each attempt. */
static void advise(struct renewal *r)
{
	if (r->has_advised)
		return;
	r->has_advised = true;
	log_warning(
		"the certificate can no longer be renewed as it is: enrol again with a new token "
		"of "
		"the gateway's operator (sstp-worker enrol TOKEN --profile %s --force); it stays "
		"in use as long as the gateway takes it",
		r->params.path);
}

static void failed(struct renewal *r, bool is_refused)
{
	uint32_t random;

	random_fill(r->params.random, &random, sizeof(random));
	schedule_failed(&r->schedule, r->params.wall(r->params.arg), random);
	if (is_refused)
		advise(r);
	log_write(r->has_advised ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		  "the certificate is not renewed: tried again in %lld minutes",
		  (long long)r->schedule.wait_s / 60);
}

static void start(struct renewal *r)
{
	pid_t pid = r->params.start(r->params.arg, r->params.path, r->thumbprint);

	if (pid > 0) {
		r->child = pid;
		return;
	}
	log_warning("cannot start the renewal: %s", strerror(-pid));
	failed(r, false);
}

static void check(struct renewal *r)
{
	look(r);
	if (!r->child && (r->is_up || r->schedule.asked) &&
	    schedule_is_due(&r->schedule, r->params.wall(r->params.arg)))
		start(r);
}

static void on_timer(void *arg)
{
	struct renewal *r = arg;

	check(r);
	loop_timer_set(r->timer, loop_now(r->loop) + LOOK_EVERY);
}

/* A process that was content and has changed nothing is a failure, too: it would be started again at once. */
void renewal_on_child(struct renewal *r, pid_t pid, int wait_status)
{
	char before[CERT_THUMBPRINT_MAX];
	int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : WORKER_EXIT_INTERNAL;

	if (!r || pid != r->child)
		return;
	r->child = 0;
	r->schedule.asked = false;
	strcpy(before, r->thumbprint);
	if (status == 0)
		look(r);
	if (strcmp(before, r->thumbprint) == 0)
		failed(r, status == WORKER_EXIT_AUTH || status == WORKER_EXIT_CERTIFICATE);
}

void renewal_set_up(struct renewal *r, bool is_up)
{
	if (!r)
		return;
	r->is_up = is_up;
	if (is_up)
		check(r);
}

void renewal_ask(struct renewal *r)
{
	if (!r)
		return;
	schedule_ask(&r->schedule);
	check(r);
}

/* Signals that this process waits for or ignores mean what they mean elsewhere. */
pid_t renewal_start_process(void *arg, const char *path, const char *thumbprint)
{
	char *const argv[] = {(char *)"sstp-worker",
			      (char *)"renew",
			      (char *)"--profile",
			      (char *)path,
			      (char *)"--if-still",
			      (char *)thumbprint,
			      NULL};

	return child_start(CHILD_SELF, argv, environ, -1);
}

/* ---- its life ---- */

struct renewal *renewal_new(struct loop *loop, const struct renewal_params *params)
{
	struct renewal *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->params = *params;
	r->loop = loop;
	strcpy(r->thumbprint, params->thumbprint);
	schedule_set(&r->schedule, params->not_before, params->not_after);
	r->timer = loop_timer_new(loop, on_timer, r);
	if (!r->timer) {
		free(r);
		return NULL;
	}
	loop_timer_set(r->timer, loop_now(loop));
	return r;
}

void renewal_free(struct renewal *r)
{
	if (!r)
		return;
	loop_timer_free(r->timer);
	free(r);
}
