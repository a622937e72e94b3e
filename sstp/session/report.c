/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/loop.h"

enum {
	TEXTS_MAX = 10, /* of one event */
};

enum kind {
	UP,
	DOWN,
	TIMELINE,
};

/* One thing to tell; its texts lie behind it. */
struct report_event {
	struct report_event *next;
	enum kind kind;
	union {
		struct {
			struct report_session session; /* DOWN: its id and its counts only */
			const char *reason;	       /* of DOWN */
		};
		struct report_timeline timeline;
	};
	char texts[];
};

struct report_desk {
	struct loop *control;
	struct loop_task news;
	_Atomic bool is_open;
	const struct report_ops *ops; /* the control thread's, with what follows */
	void *arg;
	pthread_mutex_t lock;
	struct report_list waiting;
	size_t n_waiting;
	bool has_lost;
	bool is_posted;
};

/* ---- events ---- */

/* Where an event points to its texts. Returns how many. */
static size_t texts_of(struct report_event *e, const char **ret_texts[TEXTS_MAX])
{
	struct report_session *s = &e->session;
	struct report_timeline *t = &e->timeline;
	const char **up[] = {&s->app,	 &s->vnet,	  &s->user,	 &s->owner,
			     &s->source, &s->correlation, &s->thumbprint};
	const char **timeline[] = {&t->app, &t->vnet, &t->user,	  &t->source,	   &t->dialled,
				   &t->tls, &t->auth, &t->reason, &t->correlation, &t->thumbprint};

	_Static_assert(sizeof(timeline) / sizeof(*timeline) == TEXTS_MAX, "the most there are");
	switch (e->kind) {
	case UP: memcpy(ret_texts, up, sizeof(up)); return sizeof(up) / sizeof(*up);
	case DOWN: ret_texts[0] = &e->reason; return 1;
	default: memcpy(ret_texts, timeline, sizeof(timeline)); return TEXTS_MAX;
	}
}

/* A copy, with its texts. Returns owned; NULL without memory. */
static struct report_event *event_copy(const struct report_event *model)
{
	struct report_event copy = *model, *e;
	const char **texts[TEXTS_MAX];
	size_t n = texts_of(&copy, texts);
	size_t size = sizeof(copy);
	char *at;

	for (size_t i = 0; i < n; i++)
		size += strlen(*texts[i]) + 1;
	e = malloc(size);
	if (!e)
		return NULL;
	*e = copy;
	texts_of(e, texts);
	at = e->texts;
	for (size_t i = 0; i < n; i++) {
		char *end = stpcpy(at, *texts[i]) + 1;

		*texts[i] = at;
		at = end;
	}
	return e;
}

static void append(struct report_list *list, struct report_event *e)
{
	if (list->last)
		list->last->next = e;
	else
		list->first = e;
	list->last = e;
}

/* Returns owned; NULL: it is empty. */
static struct report_event *take_first(struct report_list *list)
{
	struct report_event *e = list->first;

	if (!e)
		return NULL;
	list->first = e->next;
	if (!list->first)
		list->last = NULL;
	return e;
}

static void tell(const struct report_event *e, const struct report_ops *ops, void *arg)
{
	switch (e->kind) {
	case UP: ops->on_up(arg, &e->session); break;
	case DOWN: ops->on_down(arg, e->session.id, e->reason, &e->session.counts); break;
	case TIMELINE: ops->on_timeline(arg, &e->timeline); break;
	}
}

static int list_add(struct report_list *list, const struct report_event *model)
{
	struct report_event *e = event_copy(model);

	if (!e)
		return -ENOMEM;
	append(list, e);
	return 0;
}

int report_list_add(struct report_list *list, const struct report_session *s)
{
	return list_add(list, &(struct report_event){.kind = UP, .session = *s});
}

int report_list_add_timeline(struct report_list *list, const struct report_timeline *t)
{
	return list_add(list, &(struct report_event){.kind = TIMELINE, .timeline = *t});
}

/* Without an owner: nobody hears of them. */
void report_list_tell(struct report_list *list, const struct report_ops *ops, void *arg)
{
	struct report_event *e;

	while ((e = take_first(list))) {
		if (ops)
			tell(e, ops, arg);
		free(e);
	}
}

/* ---- the desk ---- */

/* Takes all that waits. Returns whether something was lost. */
static bool take_all(struct report_desk *desk, struct report_list *ret_all)
{
	bool has_lost;

	pthread_mutex_lock(&desk->lock);
	*ret_all = desk->waiting;
	has_lost = desk->has_lost;
	desk->waiting = (struct report_list){0};
	desk->n_waiting = 0;
	desk->has_lost = false;
	desk->is_posted = false;
	pthread_mutex_unlock(&desk->lock);
	return has_lost;
}

static void on_news(struct loop_task *task)
{
	struct report_desk *desk =
		(struct report_desk *)((char *)task - offsetof(struct report_desk, news));
	struct report_list all;
	bool has_lost = take_all(desk, &all);

	report_list_tell(&all, desk->ops, desk->arg);
	if (has_lost && desk->ops)
		desk->ops->on_lost(desk->arg);
}

/* Takes e; NULL: there was no memory for it. */
static void hand_in(struct report_desk *desk, struct report_event *e)
{
	bool is_first;

	pthread_mutex_lock(&desk->lock);
	if (e && desk->n_waiting < REPORT_MAX) {
		append(&desk->waiting, e);
		desk->n_waiting++;
		e = NULL;
	} else {
		desk->has_lost = true;
	}
	is_first = !desk->is_posted;
	desk->is_posted = true;
	pthread_mutex_unlock(&desk->lock);
	free(e);
	if (is_first)
		loop_post(desk->control, &desk->news);
}

bool report_is_open(const struct report_desk *desk)
{
	return atomic_load_explicit(&desk->is_open, memory_order_relaxed);
}

void report_up(struct report_desk *desk, const struct report_session *s)
{
	if (report_is_open(desk))
		hand_in(desk, event_copy(&(struct report_event){.kind = UP, .session = *s}));
}

void report_down(struct report_desk *desk, uint64_t id, const char *reason,
		 const struct report_counts *counts)
{
	struct report_event e = {.kind = DOWN};

	e.session.id = id;
	e.session.counts = *counts;
	e.reason = reason;
	if (report_is_open(desk))
		hand_in(desk, event_copy(&e));
}

void report_timeline(struct report_desk *desk, const struct report_timeline *t)
{
	if (report_is_open(desk))
		hand_in(desk, event_copy(&(struct report_event){.kind = TIMELINE, .timeline = *t}));
}

void report_set_owner(struct report_desk *desk, const struct report_ops *ops, void *arg)
{
	desk->ops = ops;
	desk->arg = arg;
	atomic_store_explicit(&desk->is_open, ops != NULL, memory_order_relaxed);
}

struct report_desk *report_new(struct loop *control)
{
	struct report_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return NULL;
	pthread_mutex_init(&desk->lock, NULL);
	desk->control = control;
	desk->news.run = on_news;
	return desk;
}

void report_free(struct report_desk *desk)
{
	if (!desk)
		return;
	report_list_tell(&desk->waiting, NULL, NULL);
	pthread_mutex_destroy(&desk->lock);
	free(desk);
}

/* ---- traffic ---- */

int report_traffic_add(struct report_traffic_list *list, const struct report_traffic *entry)
{
	if (list->n == list->size) {
		size_t size = list->size ? 2 * list->size : 256;
		struct report_traffic *wider = realloc(list->entries, size * sizeof(*wider));

		if (!wider)
			return -ENOMEM;
		list->entries = wider;
		list->size = size;
	}
	list->entries[list->n++] = *entry;
	return 0;
}

void report_traffic_done(struct report_traffic_list *list)
{
	free(list->entries);
	*list = (struct report_traffic_list){0};
}
