/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/trace_desk.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "sstp/net/loop.h"

struct waiting {
	struct waiting *next;
	struct trace_result result;
};

struct trace_desk {
	struct loop *control;
	struct loop_task news;
	trace_desk_fn *fn; /* the control thread's, as is arg */
	void *arg;
	pthread_mutex_t lock; /* around what follows */
	struct waiting *first, **end;
	size_t n;
	bool is_posted;
};

/* All that wait; owned, a list. */
static struct waiting *take_all(struct trace_desk *d)
{
	struct waiting *list;

	pthread_mutex_lock(&d->lock);
	list = d->first;
	d->first = NULL;
	d->end = &d->first;
	d->n = 0;
	d->is_posted = false;
	pthread_mutex_unlock(&d->lock);
	return list;
}

static void on_news(struct loop_task *task)
{
	struct trace_desk *d = (void *)((char *)task - offsetof(struct trace_desk, news));
	struct waiting *list = take_all(d);

	while (list) {
		struct waiting *w = list;

		list = w->next;
		if (d->fn)
			d->fn(d->arg, &w->result);
		free(w);
	}
}

void trace_desk_tell(struct trace_desk *d, const struct trace_result *result)
{
	struct waiting *w = malloc(sizeof(*w));

	if (!w)
		return;
	*w = (struct waiting){.result = *result};
	pthread_mutex_lock(&d->lock);
	if (d->n < TRACE_DESK_MAX) {
		*d->end = w;
		d->end = &w->next;
		d->n++;
		w = NULL;
		if (!d->is_posted)
			loop_post(d->control, &d->news);
		d->is_posted = true;
	}
	pthread_mutex_unlock(&d->lock);
	free(w);
}

void trace_desk_set_owner(struct trace_desk *d, trace_desk_fn *fn, void *arg)
{
	d->fn = fn;
	d->arg = arg;
}

struct trace_desk *trace_desk_new(struct loop *control)
{
	struct trace_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->control = control;
	d->news.run = on_news;
	d->end = &d->first;
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

void trace_desk_free(struct trace_desk *d)
{
	if (!d)
		return;
	d->fn = NULL;
	on_news(&d->news);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
