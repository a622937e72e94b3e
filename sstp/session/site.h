/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_SITE_H
#define SSTP_SESSION_SITE_H
/*
 * Which app is connected to which virtual network, and what it may reach there: what the control process has told.
 *
 * The control thread adds, changes and drops connections. A data thread looks one up once in a session's life (a lock) and
 * keeps a reference; packets ask the connection's table without one. That table is replaced at once, for sessions that are
 * up too; all else that a connection says is in its terms, which are replaced as a whole, and the session is told of when
 * its thread looks (session/member.h).
 *
 * An app has one connection. Names are compared as certs/name.h does. No limit but that of what control may tell, about
 * 3 KB a connection; tables that are alike are one.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/fib_slot.h"
#include "routing/prefix.h"

enum {
	SITE_DNS_MAX = 2,
	SITE_WHY_MAX = 512, /* bytes, with NUL */
};

struct site;
struct connection;

/* All borrowed. */
struct site_connection {
	const char *app;
	const char *vnet;
	const char *refusal;	     /* "": it is enabled; else why nobody comes in, a sentence */
	const struct prefix *routes; /* all else is dropped */
	size_t n_routes;
	uint32_t dns_be[SITE_DNS_MAX]; /* 0: none */
	const char *description;       /* for the worker */
};

/* Sessions that must go: all conditions that are given must hold; none at all: everybody who has an address. Borrowed. */
struct site_disconnect {
	uint64_t session; /* 0: any */
	const char *app;  /* "": any, as VNet */
	const char *vnet;
	const char *reason;
	bool is_restart; /* the worker is to restart its app, and to dial at once */
};

/* What a connection says at one moment: never changed, and counted. */
struct connection_terms {
	atomic_uint refs;
	uint64_t version;
	uint32_t dns_be[SITE_DNS_MAX];
	char *refusal; /* "": it is enabled */
	char *description;
	struct prefix *routes; /* what the table is made of */
	size_t n_routes;
};

/* Takes NULL; the last reference frees. Any thread. */
void connection_terms_unref(struct connection_terms *t);

/* ---- the control thread ---- */

/*
 * on_change(arg): something has changed since site_begin_look() was called last; called once until it is called again. Borrows the
 * publisher. Returns owned, and knows nothing yet; NULL without memory.
 */
struct site *site_new(struct fib_publisher *publisher, void (*on_change)(void *arg), void *arg);
/* No session may have a connection any more. Takes NULL. */
void site_free(struct site *s);

/* Adds the app's connection, or changes it; one to another network is another one. 0; -ENOMEM, -errno of fib_new(), and it is as it was. */
int site_set(struct site *s, const struct site_connection *c);
/* An app that has none: nothing happens. */
void site_drop(struct site *s, const char *app);

/* All are told anew: site_end() drops what was not set since site_begin(). From the first site_end() on the site is known. */
void site_begin(struct site *s);
void site_end(struct site *s);

/* Before data threads are made to look for what has changed. */
void site_begin_look(struct site *s);

size_t site_count(const struct site *s);

/* ---- any thread ---- */

/*
 * The connection by which a session of app comes to vnet, with one more reference in *ret_connection, and its terms likewise.
 * -EAGAIN: the site is not known yet; -ENOENT: there is none; -EACCES: it is refused. Then why is a sentence.
 */
int site_join(struct site *s, const char *app, const char *vnet, struct connection **ret_connection,
	      struct connection_terms **ret_terms, char ret_why[SITE_WHY_MAX]);

/* Takes NULL. */
void connection_unref(struct connection *c);

/* For packets: what is in no prefix of it is dropped; empty: everything is. Returns borrowed while c is referenced. */
const struct fib_slot *connection_routes(const struct connection *c);

/* Has c said something else since these were its terms, or is it gone? Cheap: no lock. */
bool connection_has_changed(const struct connection *c, const struct connection_terms *t);

/* It was dropped. What it said last stands, but for its table, which is empty. */
bool connection_is_gone(const struct connection *c);

/* What it says now, with one more reference. */
struct connection_terms *connection_terms(struct connection *c);

/* "app shop is not connected to VNet blue any more" into buf. Returns buf. */
const char *connection_epitaph(const struct connection *c, char buf[SITE_WHY_MAX]);

#endif
