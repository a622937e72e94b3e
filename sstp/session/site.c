/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections stand in an array in order of their apps: it is searched once per session, and there are thousands, so that
 * an insertion moves some kilobytes. Who changes the array is the control thread alone: it reads without the lock.
 */
#include "sstp/session/site.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "routing/trie.h"

#define GONE UINT64_MAX

struct connection {
	atomic_uint refs;
	char *app;
	char *vnet;
	struct fib_slot table;
	_Atomic uint64_t version; /* of the terms; GONE */
	pthread_mutex_t lock;
	struct connection_terms *terms; /* counted; under the lock */
	/* the control thread's: */
	uint64_t told_in; /* the round */
};

struct site {
	struct fib_publisher *publisher;
	void (*on_change)(void *arg);
	void *arg;
	bool is_announced; /* on_change was called */
	uint64_t round;
	pthread_mutex_t lock;		 /* around the array and is_known */
	struct connection **connections; /* ascending by app; each counted */
	size_t n, size;
	bool is_known;
};

/* ---- terms ---- */

void connection_terms_unref(struct connection_terms *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(t->refusal);
	free(t->description);
	free(t->routes);
	free(t);
}

/* Returns owned; NULL without memory. */
static struct connection_terms *terms_new(const struct site_connection *c)
{
	struct connection_terms *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	atomic_init(&t->refs, 1);
	memcpy(t->dns_be, c->dns_be, sizeof(t->dns_be));
	t->refusal = strdup(c->refusal);
	t->description = strdup(c->description);
	t->routes = calloc(c->n_routes + 1, sizeof(*t->routes));
	if (t->refusal && t->description && t->routes) {
		t->n_routes = c->n_routes;
		if (c->n_routes)
			memcpy(t->routes, c->routes, c->n_routes * sizeof(*t->routes));
		return t;
	}
	connection_terms_unref(t);
	return NULL;
}

static bool routes_equal(const struct connection_terms *t, const struct site_connection *to)
{
	if (t->n_routes != to->n_routes)
		return false;
	for (size_t i = 0; i < t->n_routes; i++)
		if (!prefix_equal(&t->routes[i], &to->routes[i]))
			return false;
	return true;
}

static bool terms_equal(const struct connection_terms *t, const struct site_connection *c)
{
	return strcmp(t->refusal, c->refusal) == 0 &&
	       memcmp(t->dns_be, c->dns_be, sizeof(t->dns_be)) == 0 &&
	       strcmp(t->description, c->description) == 0 && routes_equal(t, c);
}

/* Takes t. */
static void set_terms(struct connection *c, struct connection_terms *t)
{
	struct connection_terms *old;

	pthread_mutex_lock(&c->lock);
	old = c->terms;
	t->version = old ? old->version + 1 : 1;
	c->terms = t;
	pthread_mutex_unlock(&c->lock);
	atomic_store_explicit(&c->version, t->version, memory_order_release);
	connection_terms_unref(old);
}

bool connection_has_changed(const struct connection *c, const struct connection_terms *t)
{
	return atomic_load_explicit(&c->version, memory_order_acquire) != t->version;
}

bool connection_is_gone(const struct connection *c)
{
	return atomic_load_explicit(&c->version, memory_order_acquire) == GONE;
}

struct connection_terms *connection_terms(struct connection *c)
{
	struct connection_terms *t;

	pthread_mutex_lock(&c->lock);
	t = c->terms;
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&c->lock);
	return t;
}

const char *connection_epitaph(const struct connection *c, char buf[SITE_WHY_MAX])
{
	snprintf(buf, SITE_WHY_MAX, "app %.200s is not connected to VNet %.200s any more", c->app,
		 c->vnet);
	return buf;
}

/* ---- connections ---- */

/* The table must be empty, or never have been set. */
void connection_unref(struct connection *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	connection_terms_unref(c->terms);
	pthread_mutex_destroy(&c->lock);
	free(c->app);
	free(c->vnet);
	free(c);
}

/* Without terms. Returns owned; NULL without memory. */
static struct connection *connection_new(const struct site_connection *from)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	atomic_init(&c->version, 0);
	fib_slot_init(&c->table);
	pthread_mutex_init(&c->lock, NULL);
	c->app = strdup(from->app);
	c->vnet = strdup(from->vnet);
	if (c->app && c->vnet)
		return c;
	connection_unref(c);
	return NULL;
}

const struct fib_slot *connection_routes(const struct connection *c)
{
	return &c->table;
}

static int compile(struct fib_publisher *publisher, struct connection *c,
		   const struct site_connection *to)
{
	struct trie *t;
	int r = trie_new(&t);

	if (r < 0)
		return r;
	for (size_t i = 0; i < to->n_routes && r == 0; i++)
		r = trie_insert(t, &to->routes[i], 0);
	if (r == 0)
		r = fib_publisher_set(publisher, &c->table, t);
	trie_free(t);
	return r;
}

/* 0 or -errno, and nothing has changed. */
static int set_routes(struct site *s, struct connection *c, const struct site_connection *to)
{
	if (c->terms && fib_slot_get(&c->table) && routes_equal(c->terms, to))
		return 0;
	return compile(s->publisher, c, to);
}

/* 0 or -errno, and nothing has changed; *ret_changed: sessions must look. */
static int change(struct site *s, struct connection *c, const struct site_connection *to,
		  bool *ret_changed)
{
	struct connection_terms *t = NULL;
	int r;

	if (!c->terms || !terms_equal(c->terms, to)) {
		t = terms_new(to);
		if (!t)
			return -ENOMEM;
	}
	r = set_routes(s, c, to);
	if (r < 0) {
		connection_terms_unref(t);
		return r;
	}
	*ret_changed = t != NULL;
	if (t)
		set_terms(c, t);
	c->told_in = s->round;
	return 0;
}

/* ---- the array ---- */

/* Where the app's connection is, or belongs. */
static size_t find(const struct site *s, const char *app, bool *ret_is_there)
{
	size_t low = 0, high = s->n;

	*ret_is_there = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcasecmp(app, s->connections[mid]->app);

		if (order == 0) {
			*ret_is_there = true;
			return mid;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void announce(struct site *s)
{
	if (s->is_announced)
		return;
	s->is_announced = true;
	s->on_change(s->arg);
}

void site_begin_look(struct site *s)
{
	s->is_announced = false;
}

/* Takes c when it succeeds. 0 or -ENOMEM. */
static int insert(struct site *s, size_t at, struct connection *c)
{
	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 64;
		struct connection **wider = malloc(size * sizeof(struct connection *));
		struct connection **old = s->connections;

		if (!wider)
			return -ENOMEM;
		if (old)
			memcpy(wider, old, s->n * sizeof(struct connection *));
		pthread_mutex_lock(&s->lock);
		s->connections = wider;
		s->size = size;
		pthread_mutex_unlock(&s->lock);
		free(old);
	}
	pthread_mutex_lock(&s->lock);
	memmove(&s->connections[at + 1], &s->connections[at],
		(s->n - at) * sizeof(struct connection *));
	s->connections[at] = c;
	s->n++;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void remove_at(struct site *s, size_t at)
{
	struct connection *c = s->connections[at];

	pthread_mutex_lock(&s->lock);
	s->n--;
	memmove(&s->connections[at], &s->connections[at + 1],
		(s->n - at) * sizeof(struct connection *));
	pthread_mutex_unlock(&s->lock);
	fib_publisher_clear(s->publisher, &c->table);
	atomic_store_explicit(&c->version, GONE, memory_order_release);
	connection_unref(c);
}

static int add(struct site *s, size_t at, const struct site_connection *from)
{
	struct connection *c = connection_new(from);
	bool changed;
	int r = c ? change(s, c, from, &changed) : -ENOMEM;

	if (r == 0)
		r = insert(s, at, c);
	if (r < 0 && c) {
		fib_publisher_clear(s->publisher, &c->table);
		connection_unref(c);
	}
	return r;
}

int site_set(struct site *s, const struct site_connection *c)
{
	bool is_there, changed = true;
	size_t at = find(s, c->app, &is_there);
	int r;

	if (is_there && strcasecmp(s->connections[at]->vnet, c->vnet) != 0) {
		r = add(s, at, c);
		if (r == 0)
			remove_at(s, at + 1);
	} else if (is_there) {
		r = change(s, s->connections[at], c, &changed);
	} else {
		return add(s, at, c);
	}
	if (r == 0 && changed)
		announce(s);
	return r;
}

void site_drop(struct site *s, const char *app)
{
	bool is_there;
	size_t at = find(s, app, &is_there);

	if (!is_there)
		return;
	remove_at(s, at);
	announce(s);
}

void site_begin(struct site *s)
{
	s->round++;
}

void site_end(struct site *s)
{
	for (size_t i = s->n; i-- > 0;) {
		if (s->connections[i]->told_in == s->round)
			continue;
		remove_at(s, i);
		announce(s);
	}
	pthread_mutex_lock(&s->lock);
	s->is_known = true;
	pthread_mutex_unlock(&s->lock);
}

size_t site_count(const struct site *s)
{
	return s->n;
}

/* ---- sessions ---- */

static int refuse(char *why, int error, const char *app, const char *vnet)
{
	if (error == -EAGAIN)
		snprintf(why, SITE_WHY_MAX,
			 "the gateway does not know its connections yet: try again");
	else
		snprintf(why, SITE_WHY_MAX, "app %.200s is not connected to VNet %.200s", app,
			 vnet);
	return error;
}

/* With one more reference; NULL: there is none. */
static struct connection *take(struct site *s, const char *app, const char *vnet,
			       bool *ret_is_known)
{
	struct connection *c = NULL;
	bool is_there;
	size_t at;

	pthread_mutex_lock(&s->lock);
	*ret_is_known = s->is_known;
	at = find(s, app, &is_there);
	if (is_there && strcasecmp(s->connections[at]->vnet, vnet) == 0) {
		c = s->connections[at];
		atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}

int site_join(struct site *s, const char *app, const char *vnet, struct connection **ret_connection,
	      struct connection_terms **ret_terms, char ret_why[SITE_WHY_MAX])
{
	bool is_known;
	struct connection *c = take(s, app, vnet, &is_known);
	struct connection_terms *t;

	if (!c)
		return refuse(ret_why, is_known ? -ENOENT : -EAGAIN, app, vnet);
	t = connection_terms(c);
	if (!*t->refusal) {
		*ret_connection = c;
		*ret_terms = t;
		return 0;
	}
	snprintf(ret_why, SITE_WHY_MAX, "%s", t->refusal);
	connection_terms_unref(t);
	connection_unref(c);
	return -EACCES;
}

/* ---- life ---- */

struct site *site_new(struct fib_publisher *publisher, void (*on_change)(void *arg), void *arg)
{
	struct site *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->publisher = publisher;
	s->on_change = on_change;
	s->arg = arg;
	s->round = 1;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void site_free(struct site *s)
{
	if (!s)
		return;
	while (s->n)
		remove_at(s, s->n - 1);
	pthread_mutex_destroy(&s->lock);
	free(s->connections);
	free(s);
}
