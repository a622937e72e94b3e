/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/loop.h"

enum text {
	APP,
	VNET,
	USER,
	OWNER,
	SOURCE,
	CORRELATION,
	THUMBPRINT,
	REASON,
	TEXTS,
};

/* One thing to tell; its texts lie behind it. */
struct report_event {
	struct report_event *next;
	bool is_up;
	struct report_session session;
	const char *reason;
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

/* The text's copy, behind those before it. */
static const char *put(char **at, const char *text)
{
	char *copy = *at;

	*at = stpcpy(copy, text) + 1;
	return copy;
}

/* Returns owned; NULL without memory. */
static struct report_event *event_new(bool is_up, const struct report_session *s,
				      const char *reason)
{
	const char *texts[TEXTS] = {
		[APP] = s->app,	      [VNET] = s->vnet,
		[USER] = s->user,     [OWNER] = s->owner,
		[SOURCE] = s->source, [CORRELATION] = s->correlation,
		[REASON] = reason,    [THUMBPRINT] = s->thumbprint,
	};
	struct report_event *e;
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < TEXTS; i++)
		size += strlen(texts[i]) + 1;
	e = malloc(sizeof(*e) + size);
	if (!e)
		return NULL;
	at = e->texts;
	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = put(&at, texts[i]);
	e->next = NULL;
	e->is_up = is_up;
	e->session = *s;
	e->session.app = texts[APP];
	e->session.vnet = texts[VNET];
	e->session.user = texts[USER];
	e->session.owner = texts[OWNER];
	e->session.source = texts[SOURCE];
	e->session.correlation = texts[CORRELATION];
	e->session.thumbprint = texts[THUMBPRINT];
	e->reason = texts[REASON];
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
	if (e->is_up)
		ops->on_up(arg, &e->session);
	else
		ops->on_down(arg, e->session.id, e->reason, &e->session.counts);
}

int report_list_add(struct report_list *list, const struct report_session *s)
{
	struct report_event *e = event_new(true, s, "");

	if (!e)
		return -ENOMEM;
	append(list, e);
	return 0;
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

void report_up(struct report_desk *desk, const struct report_session *s)
{
	if (atomic_load_explicit(&desk->is_open, memory_order_relaxed))
		hand_in(desk, event_new(true, s, ""));
}

void report_down(struct report_desk *desk, uint64_t id, const char *reason,
		 const struct report_counts *counts)
{
	struct report_session s = {
		.id = id,
		.app = "",
		.vnet = "",
		.user = "",
		.owner = "",
		.source = "",
		.correlation = "",
		.thumbprint = "",
		.counts = *counts,
	};

	if (atomic_load_explicit(&desk->is_open, memory_order_relaxed))
		hand_in(desk, event_new(false, &s, reason));
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
