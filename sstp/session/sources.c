/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/sources.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/bucket.h"
#include "sstp/base/clock.h"
#include "sstp/base/random.h"

/* A set-associative table: an address can live in any of the WAYS slots of its set. */
enum {
	WAYS = 16,
	SETS = SOURCES_MAX / WAYS,
	KEY_SIZE = 8, /* IPv4 address behind a marker, or the first half of an IPv6 address */
};

struct source {
	bool used;
	uint8_t key[KEY_SIZE];
	uint32_t half_open;
	uint64_t banned_until;
	struct bucket accepts;
	struct bucket failures;
};

struct sources {
	struct sources_limits limits;
	uint64_t seed; /* so that nobody can choose addresses that crowd one set */
	struct source slots[SETS][WAYS];
};

struct sources *sources_new(const struct sources_limits *limits)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->limits = *limits;
	random_fill(&random_system, &s->seed, sizeof(s->seed));
	return s;
}

void sources_free(struct sources *s)
{
	free(s);
}

static void make_key(const struct sockaddr_storage *addr, uint8_t key[KEY_SIZE])
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;
	const void *v4 = NULL;

	if (addr->ss_family == AF_INET)
		v4 = &in->sin_addr;
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		v4 = in6->sin6_addr.s6_addr + 12;
	memset(key, 0, KEY_SIZE);
	if (!v4) {
		memcpy(key, in6->sin6_addr.s6_addr, 8);
		return;
	}
	memset(key, 0xff, 4); /* no global IPv6 prefix begins so */
	memcpy(key + 4, v4, 4);
}

static struct source *set_of(struct sources *s, const uint8_t key[KEY_SIZE])
{
	uint64_t v;

	memcpy(&v, key, sizeof(v));
	v ^= s->seed;
	v = (v ^ v >> 32) * UINT64_C(0xd6e8feb86659fd93);
	v = (v ^ v >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return s->slots[(v ^ v >> 32) % SETS];
}

static struct source *find(struct sources *s, const uint8_t key[KEY_SIZE])
{
	struct source *set = set_of(s, key);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].used && memcmp(set[i].key, key, KEY_SIZE) == 0)
			return &set[i];
	return NULL;
}

static bool is_forgettable(const struct source *src, uint64_t now)
{
	return !src->used || (src->half_open == 0 && src->accepts.full_at <= now &&
			      src->failures.full_at <= now && src->banned_until <= now);
}

/* What was taken out of them stays taken: who has used up his log-ins waits, whatever the limits are meanwhile. */
static void set_buckets(const struct sources *s, struct source *src)
{
	uint32_t per_min = s->limits.auth_failures_per_min;

	bucket_set(&src->accepts, s->limits.accepts_per_s, s->limits.accepts_per_s * 2);
	bucket_set(&src->failures, 0, 1);
	if (per_min) {
		src->failures.interval_ns = 60 * CLOCK_NS_PER_S / per_min;
		src->failures.burst_ns = 60 * CLOCK_NS_PER_S;
	}
}

static bool are_equal(const struct sources_limits *a, const struct sources_limits *b)
{
	return a->half_open == b->half_open && a->accepts_per_s == b->accepts_per_s &&
	       a->auth_failures_per_min == b->auth_failures_per_min;
}

void sources_set_limits(struct sources *s, const struct sources_limits *limits)
{
	if (are_equal(&s->limits, limits))
		return;
	s->limits = *limits;
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		if (s->slots[i / WAYS][i % WAYS].used)
			set_buckets(s, &s->slots[i / WAYS][i % WAYS]);
}

static struct source *create(struct sources *s, const uint8_t key[KEY_SIZE], uint64_t now)
{
	struct source *set = set_of(s, key);

	for (unsigned i = 0; i < WAYS; i++) {
		struct source *src = &set[i];

		if (!is_forgettable(src, now))
			continue;
		memset(src, 0, sizeof(*src));
		src->used = true;
		memcpy(src->key, key, KEY_SIZE);
		set_buckets(s, src);
		return src;
	}
	return NULL;
}

enum source_verdict sources_enter(struct sources *s, const struct sockaddr_storage *addr,
				  uint64_t now, struct source **ret_source)
{
	uint8_t key[KEY_SIZE];
	struct source *src;

	make_key(addr, key);
	src = find(s, key);
	if (!src)
		src = create(s, key, now);
	if (!src)
		return SOURCE_TABLE_FULL;
	if (src->banned_until > now)
		return SOURCE_BANNED;
	if (s->limits.half_open && src->half_open >= s->limits.half_open)
		return SOURCE_TOO_MANY;
	if (!bucket_take(&src->accepts, now))
		return SOURCE_TOO_FAST;
	src->half_open++;
	*ret_source = src;
	return SOURCE_OK;
}

void source_leave(struct source *src)
{
	src->half_open--;
}

void sources_auth_failed(struct sources *s, const struct sockaddr_storage *addr, uint64_t now)
{
	uint8_t key[KEY_SIZE];
	struct source *src;

	make_key(addr, key);
	src = find(s, key);
	if (src && !bucket_take(&src->failures, now))
		src->banned_until = now + 60 * CLOCK_NS_PER_S;
}

const char *source_verdict_name(enum source_verdict v)
{
	static const char *const names[] = {
		[SOURCE_OK] = "ok",
		[SOURCE_TOO_MANY] = "too many connections that have not logged in",
		[SOURCE_TOO_FAST] = "too many connections per second",
		[SOURCE_BANNED] = "too many failed log-ins",
		[SOURCE_TABLE_FULL] = "too many source addresses",
	};

	return names[v];
}
