/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_TOP_PAGE_H
#define TOOLS_SSTPCTL_TOP_PAGE_H
/* What "sstpctl top" shows: two looks at a gateway, and what has moved in between. No I/O but printing. */
#include <jansson.h>
#include <stdio.h>

enum top_sort {
	TOP_BY_RATE,  /* bytes per second, both ways */
	TOP_BY_TOTAL, /* bytes since the session began */
	TOP_BY_AGE,   /* the oldest first */
	TOP_SORTS,
};

/* One look. Both borrowed. */
struct top_look {
	double at_s;		/* on any clock */
	const json_t *metrics;	/* of GET /v1/metrics */
	const json_t *sessions; /* of GET /v1/sessions */
};

/*
 * {"dataPlane", "totals": {}, "vnets": [], "sessions": []}, at most n_sessions of these; "...PerSecond" is since the look
 * before. What has begun anew in between, or is new, has moved what it has now. Returns owned; NULL without memory.
 */
json_t *top_page_make(const struct top_look *before, const struct top_look *now, enum top_sort sort,
		      size_t n_sessions);

/* How many VNets a page of this look has. */
size_t top_page_vnets(const struct top_look *look);

/* As lines of at most `columns` bytes; 0: any. */
void top_page_print(FILE *f, const json_t *page, enum top_sort sort, size_t columns);

#endif
