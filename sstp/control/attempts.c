/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/attempts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* IPv4 as it lies in IPv6; an IPv6 address without its lower half. All zero: what is no address. */
struct key {
	uint8_t bytes[16];
};

/* As in a token bucket: each failure moves clear_at one interval on. */
struct entry {
	struct key key;
	uint64_t clear_at; /* nothing is held against it any more; 0: free */
};

struct attempts {
	uint64_t interval_ns;
	uint64_t full_ns; /* of the whole burst */
	struct entry entries[ATTEMPTS_MAX];
};

struct attempts *attempts_new_of(unsigned burst, uint64_t interval_ns)
{
	struct attempts *a = calloc(1, sizeof(*a));

	if (a) {
		a->interval_ns = interval_ns;
		a->full_ns = burst * interval_ns;
	}
	return a;
}

struct attempts *attempts_new(void)
{
	return attempts_new_of(ATTEMPTS_BURST, ATTEMPTS_INTERVAL);
}

void attempts_free(struct attempts *a)
{
	free(a);
}

/* "192.0.2.1", "192.0.2.1:5", "2001:db8::1", "[2001:db8::1]:5" */
static struct key key_of(const char *peer)
{
	char host[INET6_ADDRSTRLEN] = "";
	struct key key = {{0}};
	bool is_bracketed = *peer == '[';
	const char *colon = strchr(peer, ':');
	size_t len = strlen(peer);

	if (is_bracketed)
		len = strcspn(++peer, "]");
	else if (colon && !strchr(colon + 1, ':'))
		len = (size_t)(colon - peer);
	snprintf(host, sizeof(host), "%.*s", (int)(len < sizeof(host) ? len : 0), peer);
	if (inet_pton(AF_INET6, host, key.bytes) == 1) {
		memset(key.bytes + 8, 0, 8);
	} else if (inet_pton(AF_INET, host, key.bytes + 12) == 1) {
		memset(key.bytes + 10, 0xff, 2);
	}
	return key;
}

static bool is_entry(const struct entry *e, const struct key *key)
{
	return e->clear_at && memcmp(&e->key, key, sizeof(*key)) == 0;
}

unsigned attempts_wait(const struct attempts *a, const char *peer, uint64_t now)
{
	struct key key = key_of(peer);

	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		const struct entry *e = &a->entries[i];

		if (is_entry(e, &key) && e->clear_at > now + a->full_ns - a->interval_ns)
			return (unsigned)((e->clear_at - now - a->full_ns + a->interval_ns +
					   CLOCK_NS_PER_S - 1) /
					  CLOCK_NS_PER_S);
	}
	return 0;
}

/* Its own entry, or the one that is clear first. */
static struct entry *entry_for(struct attempts *a, const struct key *key)
{
	struct entry *best = &a->entries[0];

	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		struct entry *e = &a->entries[i];

		if (is_entry(e, key))
			return e;
		if (e->clear_at < best->clear_at)
			best = e;
	}
	*best = (struct entry){.key = *key};
	return best;
}

void attempts_failed(struct attempts *a, const char *peer, uint64_t now)
{
	struct key key = key_of(peer);
	struct entry *e = entry_for(a, &key);

	e->clear_at = (e->clear_at > now ? e->clear_at : now) + a->interval_ns;
}
