/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/apply_work.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/control/reply.h"

struct work {
	struct apply_work_params params;
	struct model *lent; /* the thread's own while that runs */
	pthread_t thread;
	struct apply_watch watch;
	atomic_bool has_ended; /* behind the last word of the thread's to reply */
	struct front_request request;
	struct front_reply reply;
	int64_t now;
};

static void *run(void *arg)
{
	struct work *w = arg;

	apply_answer(w->lent, &w->request, w->now, &w->watch, &w->reply);
	atomic_store(&w->has_ended, true);
	return NULL;
}

static int step(void *arg, int *ret_done, int *ret_total, struct front_reply *ret_reply)
{
	struct work *w = arg;

	*ret_done = atomic_load(&w->watch.done);
	*ret_total = atomic_load(&w->watch.total);
	if (!atomic_load(&w->has_ended))
		return 1;
	*ret_reply = w->reply;
	w->reply.json = NULL;
	return 0;
}

static void work_done(struct work *w)
{
	free((char *)w->request.body);
	free((char *)w->request.path);
	free(w->reply.json);
	free(w);
}

/* Takes what the thread has not committed back. */
static void work_free(void *arg)
{
	struct work *w = arg;
	struct apply_work_params params = w->params;
	struct certs_error e;

	atomic_store(&w->watch.is_cancelled, true);
	pthread_join(w->thread, NULL);
	if (model_take_back(params.model, w->lent, &e) < 0)
		log_error("the model does not know which networks are gone: %s", e.text);
	work_done(w);
	params.on_end(params.arg);
}

static const struct operation_kind apply_kind = {.name = "apply", .step = step, .free = work_free};

/* Signals are the loop's. 0 or -errno. */
static int start_thread(struct work *w)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static int begin(struct work *w, const struct apply_work_params *params,
		 const struct front_request *request, int64_t now, struct certs_error *e)
{
	char *body = malloc(request->body_len + 1);
	int r;

	w->params = *params;
	w->now = now;
	w->request = (struct front_request){.method = request->method,
					    .path = strdup(request->path),
					    .body = body,
					    .body_len = request->body_len};
	if (!body || !w->request.path)
		return certs_fail(e, -ENOMEM, "out of memory");
	memcpy(body, request->body, request->body_len);
	body[request->body_len] = '\0';
	r = model_lend(params->model, &w->lent, e);
	if (r < 0)
		return r;
	r = start_thread(w);
	if (r == 0)
		return 0;
	model_take_back(params->model, w->lent, e);
	return certs_fail(e, r, "there is no thread for it: %s", strerror(-r));
}

void apply_work_begin(struct operations *operations, const struct apply_work_params *params,
		      const struct front_request *request, int64_t now,
		      struct front_reply *ret_reply)
{
	struct certs_error e;
	struct work *w;
	int r;

	if (!operations_may_begin(operations, ret_reply))
		return;
	w = calloc(1, sizeof(*w));
	r = w ? begin(w, params, request, now, &e) : certs_fail(&e, -ENOMEM, "out of memory");
	if (r == 0) {
		operations_begin(operations, &apply_kind, w, now, ret_reply);
		return;
	}
	if (w)
		work_done(w);
	reply_refuse(ret_reply, r == -ENOSPC ? 507 : 500, e.text, NULL);
}
