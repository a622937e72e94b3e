/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_SOURCES_H
#define SSTP_SESSION_SOURCES_H
/*
 * What each source address is allowed before it has authenticated: so many connections at a time, so many a
 * second, so many failed log-ins a minute. An IPv6 source is its /64.
 *
 * Limit: SOURCES_MAX addresses are remembered. When the table is full, an address without open connections
 * whose buckets are full again is forgotten for a new one; when there is none, the new one is refused.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	SOURCES_MAX = 16384
};

/* 0: no limit */
struct sources_limits {
	uint32_t half_open;		/* connections that have not authenticated, per address */
	uint32_t accepts_per_s;		/* new connections per address, burst twice as many */
	uint32_t auth_failures_per_min; /* failed log-ins per address; burst the same number */
};

struct sources;
struct source;

enum source_verdict {
	SOURCE_OK,
	SOURCE_TOO_MANY, /* half-open connections */
	SOURCE_TOO_FAST, /* connections per second */
	SOURCE_BANNED,	 /* failed log-ins */
	SOURCE_TABLE_FULL,
};

/* Returns owned; NULL without memory. */
struct sources *sources_new(const struct sources_limits *limits);
/* Takes NULL; every connection must have been left. */
void sources_free(struct sources *s);
/*
 * For connections from now on. What addresses have used up so far stays used up, and a ban stays: this is called for
 * every change of the gateway's settings or certificates.
 */
void sources_set_limits(struct sources *s, const struct sources_limits *limits);

/*
 * A connection from addr begins. SOURCE_OK: *ret_source (borrowed until source_leave()) counts it as half-open;
 * otherwise it must be closed.
 */
enum source_verdict sources_enter(struct sources *s, const struct sockaddr_storage *addr,
				  uint64_t now, struct source **ret_source);

/* The connection has authenticated, or has ended before: it is half-open no more. Called once per SOURCE_OK. */
void source_leave(struct source *src);

/* A log-in failed; may be called after source_leave() of the same connection in the same pass. */
void sources_auth_failed(struct sources *s, const struct sockaddr_storage *addr, uint64_t now);

const char *source_verdict_name(enum source_verdict v);

#endif
