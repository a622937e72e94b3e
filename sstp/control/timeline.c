/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "certs/name.h"

enum {
	BUCKETS = 1 << 14,
	TEXTS = 10,
};

enum queue {
	LIVE,
	ENDED,
	STRANGERS,
	QUEUES, /* in none */
};

struct entry {
	struct timeline timeline; /* first: it is what the outside has of it */
	struct entry *next_in_bucket;
	TAILQ_ENTRY(entry) in_all;   /* by when it was told of first */
	TAILQ_ENTRY(entry) in_queue; /* by when it came into that */
	enum queue queue;
	bool is_listed; /* since timelines_begin() */
	char *texts;	/* owned: told's */
};

TAILQ_HEAD(entries, entry);

struct timelines {
	struct timelines_limits limits;
	struct entries all;
	struct entries queues[QUEUES];
	size_t counts[QUEUES];
	uint64_t untold;
	struct entry *buckets[BUCKETS];
};

static struct entry *entry_of(const struct timeline *e)
{
	return (struct entry *)(uintptr_t)e;
}

static enum queue queue_of(const struct timeline *e)
{
	if (!e->told.has_ended)
		return LIVE;
	return timeline_has_passed(e, MSG_STAGE_AUTH) ? ENDED : STRANGERS;
}

bool timeline_has_passed(const struct timeline *e, enum msg_stage stage)
{
	return e->told.stages_us[stage] != MSG_STAGE_NEVER;
}

const char *timeline_id(const struct timeline *e, char ret_text[TIMELINE_ID_MAX])
{
	snprintf(ret_text, TIMELINE_ID_MAX, "SSTP_%016" PRIx64 "-%" PRIu64, e->told.boot,
		 e->told.id);
	return ret_text;
}

size_t timelines_count(const struct timelines *t)
{
	return t->counts[LIVE] + t->counts[ENDED] + t->counts[STRANGERS];
}

uint64_t timelines_untold(const struct timelines *t)
{
	return t->untold;
}

/* ---- by session ---- */

/* ids are counted from 1: they fill the buckets evenly. */
static size_t bucket_of(uint64_t boot, uint64_t id)
{
	return (size_t)((boot ^ id) % BUCKETS);
}

/* What points at it, or at NULL where it would be. */
static struct entry **find(struct timelines *t, uint64_t boot, uint64_t id)
{
	struct entry **at = &t->buckets[bucket_of(boot, id)];

	while (*at && ((*at)->timeline.told.boot != boot || (*at)->timeline.told.id != id))
		at = &(*at)->next_in_bucket;
	return at;
}

/* ---- queues ---- */

static void dequeue(struct timelines *t, struct entry *e)
{
	TAILQ_REMOVE(&t->queues[e->queue], e, in_queue);
	t->counts[e->queue]--;
}

/* It keeps its place in the queue that it is in already. */
static void requeue(struct timelines *t, struct entry *e)
{
	enum queue queue = queue_of(&e->timeline);

	if (e->queue == queue)
		return;
	if (e->queue != QUEUES)
		dequeue(t, e);
	e->queue = queue;
	TAILQ_INSERT_TAIL(&t->queues[queue], e, in_queue);
	t->counts[queue]++;
}

static void drop_first_note(struct timeline *e)
{
	struct timeline_note *first = e->notes;

	e->notes = first->next;
	e->n_notes--;
	free(first);
}

static void drop(struct timelines *t, struct entry *e)
{
	*find(t, e->timeline.told.boot, e->timeline.told.id) = e->next_in_bucket;
	dequeue(t, e);
	TAILQ_REMOVE(&t->all, e, in_all);
	while (e->timeline.notes)
		drop_first_note(&e->timeline);
	free(e->texts);
	free(e);
}

static void drop_oldest(struct timelines *t)
{
	static const enum queue order[] = {ENDED, STRANGERS, LIVE};

	for (size_t i = 0; i < QUEUES; i++)
		if (t->counts[order[i]]) {
			drop(t, TAILQ_FIRST(&t->queues[order[i]]));
			return;
		}
}

static void keep_limits(struct timelines *t)
{
	while (t->counts[STRANGERS] > t->limits.strangers)
		drop(t, TAILQ_FIRST(&t->queues[STRANGERS]));
	while (timelines_count(t) > t->limits.sessions)
		drop_oldest(t);
}

/* ---- what is told ---- */

/* Where it points to its texts. */
static void texts_of(struct msg_timeline *m, const char **ret_texts[TEXTS])
{
	const char **texts[TEXTS] = {&m->app,	     &m->vnet,	     &m->user, &m->source,
				     &m->dialled,    &m->tls,	     &m->auth, &m->reason,
				     &m->thumbprint, &m->correlation};

	memcpy(ret_texts, texts, sizeof(texts));
}

/* Points m to copies of its texts. Returns them, owned; NULL without memory. */
static char *copy_texts(struct msg_timeline *m)
{
	const char **texts[TEXTS];
	size_t size = 0;
	char *copy, *at;

	texts_of(m, texts);
	for (size_t i = 0; i < TEXTS; i++)
		size += strlen(*texts[i]) + 1;
	copy = at = malloc(size);
	for (size_t i = 0; copy && i < TEXTS; i++) {
		char *end = stpcpy(at, *texts[i]) + 1;

		*texts[i] = at;
		at = end;
	}
	return copy;
}

/* Takes texts. */
static void set_told(struct entry *e, const struct msg_timeline *m, char *texts)
{
	uint32_t address_be = m->address_be ? m->address_be : e->timeline.told.address_be;

	free(e->texts);
	e->texts = texts;
	e->timeline.told = *m;
	e->timeline.told.address_be = address_be;
	e->is_listed = true;
}

/* A new one with nothing in it. Returns it, in no queue yet; NULL without memory. */
static struct entry *add(struct timelines *t, struct entry **at)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->queue = QUEUES;
	*at = e;
	TAILQ_INSERT_TAIL(&t->all, e, in_all);
	return e;
}

int timelines_take(struct timelines *t, const struct msg_timeline *m)
{
	struct entry **at = find(t, m->boot, m->id);
	struct msg_timeline copy = *m;
	struct entry *e = *at;
	char *texts;

	if (e && e->timeline.told.has_ended)
		return 0;
	texts = copy_texts(&copy);
	if (texts && !e)
		e = add(t, at);
	if (!e || !texts) {
		free(texts);
		return -ENOMEM;
	}
	set_told(e, &copy, texts);
	requeue(t, e);
	t->untold += m->untold;
	keep_limits(t);
	return 0;
}

void timelines_begin(struct timelines *t)
{
	struct entry *e;

	TAILQ_FOREACH(e, &t->queues[LIVE], in_queue)
	e->is_listed = false;
}

void timelines_end(struct timelines *t, int64_t now_us)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&t->queues[LIVE]); e; e = next) {
		struct msg_timeline *m = &e->timeline.told;

		next = TAILQ_NEXT(e, in_queue);
		if (e->is_listed)
			continue;
		m->has_ended = true;
		m->ended_by = MSG_SIDE_GATEWAY;
		m->reason = "it was lost: the gateway has started anew";
		m->lasted_us = now_us > m->began_us ? (uint64_t)(now_us - m->began_us) : 0;
		requeue(t, e);
	}
	keep_limits(t);
}

/* ---- notes ---- */

static bool is_whose(const struct timeline *e, const struct timelines_whose *w)
{
	return (!w->id || w->id == e->told.id) && (!w->app || name_equal(w->app, e->told.app)) &&
	       (!w->vnet || name_equal(w->vnet, e->told.vnet));
}

static bool add_note(struct timeline *e, int64_t at_us, const char *event, const char *detail)
{
	size_t len = strnlen(detail, TIMELINE_DETAIL_MAX);
	struct timeline_note *note = malloc(sizeof(*note) + len + 1);
	struct timeline_note **end = &e->notes;

	if (!note)
		return false;
	*note = (struct timeline_note){.at_us = at_us, .event = event};
	memcpy(note->detail, detail, len);
	note->detail[len] = '\0';
	while (*end)
		end = &(*end)->next;
	*end = note;
	if (++e->n_notes > TIMELINE_NOTES_MAX) {
		drop_first_note(e);
		e->forgotten++;
	}
	return true;
}

size_t timelines_note(struct timelines *t, const struct timelines_whose *whose, int64_t at_us,
		      const char *event, const char *detail)
{
	struct entry *e;
	size_t n = 0;

	TAILQ_FOREACH(e, &t->queues[LIVE], in_queue)
	n += is_whose(&e->timeline, whose) && add_note(&e->timeline, at_us, event, detail);
	return n;
}

/* ---- who is asked for ---- */

static bool is_session(const struct timeline *e, const char *text)
{
	char id[TIMELINE_ID_MAX];

	timeline_id(e, id);
	return strcasecmp(id, text) == 0 || strcmp(strrchr(id, '-') + 1, text) == 0;
}

/* Its length without braces, from *text on. */
static size_t skip_braces(const char **text)
{
	size_t len;

	*text += **text == '{';
	len = strlen(*text);
	return len && (*text)[len - 1] == '}' ? len - 1 : len;
}

static bool is_correlation(const struct timeline *e, const char *text)
{
	const char *own = e->told.correlation;
	size_t own_len = skip_braces(&own);
	size_t len = skip_braces(&text);

	return len && len == own_len && strncasecmp(own, text, len) == 0;
}

static bool is_asked_for(const struct timeline *e, const struct timelines_key *key)
{
	return (!key->session || is_session(e, key->session)) &&
	       (!key->correlation || is_correlation(e, key->correlation)) &&
	       (!key->app || name_equal(e->told.app, key->app));
}

const struct timeline *timelines_next(const struct timelines *t, const struct timelines_key *key,
				      const struct timeline *after)
{
	struct entry *e =
		after ? TAILQ_PREV(entry_of(after), entries, in_all) : TAILQ_LAST(&t->all, entries);

	while (e && !is_asked_for(&e->timeline, key))
		e = TAILQ_PREV(e, entries, in_all);
	return e ? &e->timeline : NULL;
}

/* ---- life ---- */

struct timelines *timelines_new(const struct timelines_limits *limits)
{
	struct timelines *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->limits = *limits;
	TAILQ_INIT(&t->all);
	for (size_t i = 0; i < QUEUES; i++)
		TAILQ_INIT(&t->queues[i]);
	return t;
}

void timelines_free(struct timelines *t)
{
	if (!t)
		return;
	while (!TAILQ_EMPTY(&t->all))
		drop(t, TAILQ_FIRST(&t->all));
	free(t);
}

/* ---- for tests ---- */

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_entry(const struct timelines *t, const struct entry *e)
{
	const struct msg_timeline *m = &e->timeline.told;
	unsigned n = 0;

	must(*find((struct timelines *)(uintptr_t)t, m->boot, m->id) == e);
	must(e->queue == queue_of(&e->timeline));
	for (const struct timeline_note *note = e->timeline.notes; note; note = note->next)
		n++;
	must(n == e->timeline.n_notes && n <= TIMELINE_NOTES_MAX);
}

void timelines_check(const struct timelines *t)
{
	const struct entry *e;
	size_t counts[QUEUES] = {0}, all = 0;

	TAILQ_FOREACH(e, &t->all, in_all)
	{
		check_entry(t, e);
		all++;
	}
	for (size_t i = 0; i < QUEUES; i++) {
		TAILQ_FOREACH(e, &t->queues[i], in_queue)
		{
			must(e->queue == i);
			counts[i]++;
		}
		must(counts[i] == t->counts[i]);
	}
	must(all == timelines_count(t) && all <= t->limits.sessions);
	must(counts[STRANGERS] <= t->limits.strangers);
}
