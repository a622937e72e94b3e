/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock over a small table: there are a handful of enrolments in a gateway's day. A place in the table goes round
 *
 *   FREE -> ASKED -> HANDED -> ANSWERED -> FREE
 *
 * ASKED by a data thread, HANDED and ANSWERED by the control thread, FREE again by the data thread's task. That task is part of the
 * place: while it is posted the place stays ANSWERED, whoever has gone. `who` is read and cleared only in
 * its own thread's functions, so it is there as long as it is not NULL.
 */
#include "sstp/session/enrol.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sstp/net/loop.h"

enum state {
	FREE,
	ASKED,	  /* waits for the control thread */
	HANDED,	  /* its owner has it */
	ANSWERED, /* waits for the data thread */
};

struct place {
	struct loop_task task; /* first: deliver() */
	struct enrol_desk *desk;
	enum state state;
	uint64_t id;
	uint64_t asked_at;
	struct est_request *request; /* owned, until it was handed over */
	struct est_reply *reply;     /* owned; NULL without memory */
	struct loop *loop;
	enrol_answer_fn *on_answer;
	void *who; /* NULL: has gone */
};

struct enrol_desk {
	pthread_mutex_t lock;
	struct loop *control;
	struct loop_task news; /* something was asked */
	bool news_posted;
	enrol_owner_fn *owner;
	void *owner_arg;
	atomic_bool is_open;
	uint64_t last_id;
	struct place places[ENROL_MAX];
};

/* ---- under the lock ---- */

static void clear(struct place *p)
{
	est_request_free(p->request);
	est_reply_free(p->reply);
	*p = (struct place){.desk = p->desk};
}

static struct place *find_id(struct enrol_desk *desk, uint64_t id)
{
	for (size_t i = 0; i < ENROL_MAX; i++)
		if (desk->places[i].state != FREE && desk->places[i].id == id)
			return &desk->places[i];
	return NULL;
}

static struct place *find_state(struct enrol_desk *desk, enum state state)
{
	for (size_t i = 0; i < ENROL_MAX; i++)
		if (desk->places[i].state == state)
			return &desk->places[i];
	return NULL;
}

static struct place *find_room(struct enrol_desk *desk, uint64_t now)
{
	struct place *p = find_state(desk, FREE);

	for (size_t i = 0; i < ENROL_MAX && !p; i++) {
		struct place *old = &desk->places[i];

		if (old->state != HANDED || old->who || old->asked_at + ENROL_ABANDONED > now)
			continue;
		clear(old);
		p = old;
	}
	return p;
}

/* ---- the control thread ---- */

/* The oldest is not first: all that wait are handed over in the same go. */
static bool hand_one_over(struct enrol_desk *desk)
{
	struct est_reply closed = est_refusal(503, "Enrolment is closed.\n");
	struct est_request *request = NULL;
	enrol_owner_fn *owner;
	struct place *p;
	void *arg;
	uint64_t id = 0;

	pthread_mutex_lock(&desk->lock);
	owner = desk->owner;
	arg = desk->owner_arg;
	p = find_state(desk, ASKED);
	if (p) {
		p->state = HANDED;
		id = p->id;
		request = p->request;
		p->request = NULL;
	} else {
		desk->news_posted = false;
	}
	pthread_mutex_unlock(&desk->lock);
	if (!p)
		return false;
	if (owner)
		owner(arg, id, request);
	else
		enrol_answer(desk, id, &closed);
	est_request_free(request);
	return true;
}

static void on_news(struct loop_task *task)
{
	struct enrol_desk *desk =
		(struct enrol_desk *)((char *)task - offsetof(struct enrol_desk, news));

	while (hand_one_over(desk))
		;
}

void enrol_set_owner(struct enrol_desk *desk, enrol_owner_fn *fn, void *arg)
{
	pthread_mutex_lock(&desk->lock);
	desk->owner = fn;
	desk->owner_arg = arg;
	atomic_store(&desk->is_open, fn != NULL);
	pthread_mutex_unlock(&desk->lock);
}

void enrol_answer(struct enrol_desk *desk, uint64_t id, const struct est_reply *reply)
{
	struct est_reply *copy = est_reply_dup(reply);
	struct loop *loop = NULL;
	struct place *p;

	pthread_mutex_lock(&desk->lock);
	p = find_id(desk, id);
	if (p && p->state == HANDED && p->who) {
		p->state = ANSWERED;
		p->reply = copy;
		copy = NULL;
		loop = p->loop;
	} else if (p && p->state == HANDED) {
		clear(p);
	}
	pthread_mutex_unlock(&desk->lock);
	if (loop)
		loop_post(loop, &p->task);
	est_reply_free(copy);
}

/* ---- data threads ---- */

/* In the thread that asked. */
static void deliver(struct loop_task *task)
{
	struct place *p = (struct place *)task;
	struct enrol_desk *desk = p->desk;
	struct est_reply sorry = est_refusal(503, "Out of memory.\n");
	enrol_answer_fn *on_answer;
	struct est_reply *reply;
	void *who;

	pthread_mutex_lock(&desk->lock);
	on_answer = p->on_answer;
	who = p->who;
	reply = p->reply;
	p->reply = NULL;
	clear(p);
	pthread_mutex_unlock(&desk->lock);
	if (who)
		on_answer(who, reply ? reply : &sorry);
	est_reply_free(reply);
}

int enrol_ask(struct enrol_desk *desk, struct loop *loop, uint64_t now,
	      const struct est_request *request, enrol_answer_fn *on_answer, void *who,
	      uint64_t *ret_id)
{
	struct est_request *copy;
	struct place *p;
	bool is_first;

	if (!enrol_is_open(desk))
		return -ENOENT;
	copy = est_request_dup(request);
	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&desk->lock);
	p = find_room(desk, now);
	if (!p) {
		pthread_mutex_unlock(&desk->lock);
		est_request_free(copy);
		return -EBUSY;
	}
	*p = (struct place){
		.task.run = deliver,
		.desk = desk,
		.state = ASKED,
		.id = ++desk->last_id,
		.asked_at = now,
		.request = copy,
		.loop = loop,
		.on_answer = on_answer,
		.who = who,
	};
	*ret_id = p->id;
	is_first = !desk->news_posted;
	desk->news_posted = true;
	pthread_mutex_unlock(&desk->lock);
	if (is_first)
		loop_post(desk->control, &desk->news);
	return 0;
}

void enrol_forget(struct enrol_desk *desk, uint64_t id)
{
	struct place *p;

	if (!id)
		return;
	pthread_mutex_lock(&desk->lock);
	p = find_id(desk, id);
	if (p && p->state == ASKED)
		clear(p);
	else if (p)
		p->who = NULL;
	pthread_mutex_unlock(&desk->lock);
}

/* ---- the rest ---- */

bool enrol_is_open(const struct enrol_desk *desk)
{
	return atomic_load(&desk->is_open);
}

unsigned enrol_count(struct enrol_desk *desk)
{
	unsigned n = 0;

	pthread_mutex_lock(&desk->lock);
	for (size_t i = 0; i < ENROL_MAX; i++)
		n += desk->places[i].state != FREE;
	pthread_mutex_unlock(&desk->lock);
	return n;
}

struct enrol_desk *enrol_new(struct loop *control)
{
	struct enrol_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return NULL;
	pthread_mutex_init(&desk->lock, NULL);
	desk->control = control;
	desk->news.run = on_news;
	return desk;
}

void enrol_free(struct enrol_desk *desk)
{
	if (!desk)
		return;
	for (size_t i = 0; i < ENROL_MAX; i++)
		clear(&desk->places[i]);
	pthread_mutex_destroy(&desk->lock);
	free(desk);
}
