/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread's side of connections and sessions, and of VNets that come and go with the site. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/session/dataplane_internal.h"

enum {
	TIDY_AFTER_ROUTES = 4096,
	NAME_SIZE = 256,
};

/* ---- connections */

static int look_at_site(struct shard *s, void *arg)
{
	shard_look_at_site(s);
	return 0;
}

static void on_site_news(struct loop_task *task)
{
	struct dataplane *d =
		(struct dataplane *)((char *)task - offsetof(struct dataplane, site_news));

	site_begin_look(d->site);
	dataplane_ask_all(d, look_at_site, NULL);
}

static void on_site_change(void *arg)
{
	struct dataplane *d = arg;

	loop_post(d->loop, &d->site_news);
}

int dataplane_init_site(struct dataplane *d)
{
	d->site_news.run = on_site_news;
	d->site = site_new(d->publisher, on_site_change, d);
	d->reports = report_new(d->loop);
	d->reach = reach_book_new();
	d->probes = probe_desk_new(d->loop);
	d->traces = trace_desk_new(d->loop);
	return d->site && d->reports && d->reach && d->probes && d->traces ? 0 : -ENOMEM;
}

void dataplane_done_site(struct dataplane *d)
{
	site_free(d->site);
	report_free(d->reports);
	reach_book_free(d->reach);
	probe_desk_free(d->probes);
	trace_desk_free(d->traces);
}

struct site *dataplane_site(struct dataplane *d)
{
	return d->site;
}

/* ---- sessions */

void dataplane_set_reports(struct dataplane *d, const struct report_ops *ops, void *arg)
{
	d->report_ops = ops;
	d->report_arg = arg;
	report_set_owner(d->reports, ops, arg);
}

static int list_sessions(struct shard *s, void *arg)
{
	return shard_list_sessions(s, arg);
}

int dataplane_tell_sessions(struct dataplane *d)
{
	struct report_list list = {0};
	int r = dataplane_ask_all(d, list_sessions, &list);

	report_list_tell(&list, d->report_ops, d->report_arg);
	return r;
}

static int list_traffic(struct shard *s, void *arg)
{
	return shard_list_traffic(s, arg);
}

int dataplane_tell_traffic(struct dataplane *d, dataplane_traffic_fn *fn, void *arg)
{
	struct report_traffic_list list = {0};
	int r = dataplane_ask_all(d, list_traffic, &list);

	if (list.n)
		fn(arg, list.entries, list.n);
	report_traffic_done(&list);
	return r;
}

void dataplane_set_probe_owner(struct dataplane *d, probe_desk_fn *fn, void *arg)
{
	probe_desk_set_owner(d->probes, fn, arg);
}

static int probe(struct shard *s, void *arg)
{
	return shard_probe(s, arg);
}

/* The first thread that has such a session asks. */
void dataplane_probe(struct dataplane *d, const struct probe_request *r)
{
	struct probe_result none = {
		.id = r->id, .answer = {.outcome = PROBE_NO_SESSION}, .drop = ""};

	for (unsigned i = 0; i < d->nthreads; i++)
		if (dataplane_ask(&d->threads[i], probe, (void *)(uintptr_t)r) > 0)
			return;
	probe_desk_tell(d->probes, &none);
}

void dataplane_set_trace_owner(struct dataplane *d, trace_desk_fn *fn, void *arg)
{
	trace_desk_set_owner(d->traces, fn, arg);
}

static int trace(struct shard *s, void *arg)
{
	return shard_trace(s, arg);
}

void dataplane_trace(struct dataplane *d, const struct trace_request *r)
{
	struct trace_result none = {.id = r->id, .end = TRACE_NO_SESSION};

	for (unsigned i = 0; i < d->nthreads; i++)
		if (dataplane_ask(&d->threads[i], trace, (void *)(uintptr_t)r) > 0)
			return;
	trace_desk_tell(d->traces, &none);
}

static int disconnect(struct shard *s, void *arg)
{
	shard_disconnect(s, arg);
	return 0;
}

void dataplane_disconnect(struct dataplane *d, const struct site_disconnect *which)
{
	dataplane_ask_all(d, disconnect, (void *)(uintptr_t)which);
}

/* ---- VNets */

struct retire_call {
	unsigned id;
	const char *reason;
};

static int retire_vnet(struct shard *s, void *arg)
{
	const struct retire_call *call = arg;

	shard_retire_vnet(s, call->id, call->reason);
	return 0;
}

void dataplane_retire_vnet(struct dataplane *d, const char *name, const char *reason)
{
	int id = dataplane_vnet_id(d, name);

	if (id < 0)
		return;
	d->is_retired[id] = true;
	dataplane_ask_all(d, retire_vnet, &(struct retire_call){(unsigned)id, reason});
	vnet_give_up(d->vnets[id]);
	dataplane_bury_vnets(d);
}

static int remove_vnet(struct shard *s, void *arg)
{
	const unsigned *id = arg;

	shard_remove_vnet(s, *id);
	return 0;
}

/* Nobody finds it, so nobody gets an address any more. */
void dataplane_bury_vnets(struct dataplane *d)
{
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++) {
		if (!d->is_retired[i] || vnet_used(d->vnets[i]) > 0)
			continue;
		dataplane_ask_all(d, remove_vnet, &i);
		vnet_free(d->vnets[i]);
		d->vnets[i] = NULL;
		d->is_retired[i] = false;
	}
}

bool dataplane_vnet_is_up(const struct dataplane *d, const char *name)
{
	int id = dataplane_vnet_id(d, name);

	return id >= 0 && !vnet_has_failed(d->vnets[id]);
}

void dataplane_set_vnet_listener(struct dataplane *d, dataplane_vnet_fn *fn, void *arg)
{
	d->on_vnet = fn;
	d->on_vnet_arg = arg;
}

void dataplane_tell_vnets(struct dataplane *d)
{
	for (unsigned i = 0; i < SHARD_VNETS_MAX && d->on_vnet; i++)
		if (d->vnets[i] && !d->is_retired[i])
			d->on_vnet(d->on_vnet_arg, vnet_name(d->vnets[i]),
				   vnet_has_failed(d->vnets[i]));
}

/* What was compiled for a long list, and the list itself, leave gaps in the heap. */
static void note_length(struct dataplane *d, const struct reach *reach)
{
	size_t n = 0;

	if (reach)
		reach_routes(reach, &n);
	if (n >= TIDY_AFTER_ROUTES)
		d->untidy_ticks = 1;
}

/* reach: counted by the VNet; NULL: its address spaces. */
static int apply_reach(struct dataplane *d, const char *name, struct reach *reach)
{
	int id = dataplane_vnet_id(d, name);

	return id < 0 ? 0 : vnet_set_reach(d->vnets[id], reach);
}

int dataplane_set_reach(struct dataplane *d, const char *name, struct reach *reach)
{
	int r = apply_reach(d, name, reach);

	if (r < 0)
		return r;
	note_length(d, reach_book_get(d->reach, name));
	note_length(d, reach);
	return reach_book_set(d->reach, name, reach);
}

void dataplane_drop_reach(struct dataplane *d, const char *name)
{
	int r = apply_reach(d, name, NULL);

	if (r < 0)
		log_error("VNet %s: its old routes stand: %s", name, strerror(-r));
	note_length(d, reach_book_get(d->reach, name));
	reach_book_drop(d->reach, name);
}

void dataplane_begin_reach(struct dataplane *d)
{
	reach_book_begin(d->reach);
}

void dataplane_end_reach(struct dataplane *d)
{
	const char *name;

	while ((name = reach_book_stale(d->reach))) {
		char copy[NAME_SIZE];

		snprintf(copy, sizeof(copy), "%s", name);
		dataplane_drop_reach(d, copy);
	}
}

bool dataplane_remember_lease(struct dataplane *d, const char *vnet, uint32_t address_be,
			      const char *owner)
{
	int id = dataplane_vnet_id(d, vnet);

	return id >= 0 && vnet_remember(d->vnets[id], address_be, owner);
}
