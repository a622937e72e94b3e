/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_trace.h"

#include <errno.h>
#include <sys/socket.h>

#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_wire.h"

static bool is_address(const struct prefix *p)
{
	return p->len == (p->family == AF_INET6 ? 128 : 32);
}

int msg_trace_encode(const struct msg_trace *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (!is_address(&m->destination) || !m->own)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_TRACE) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->id);
	msg_put_be64(&f, m->session);
	msg_put_text(&f, m->app, MSG_NAME_MAX);
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	msg_put_prefix(&f, &m->destination);
	wire_put_be16(&f.w, m->port);
	wire_put_be16(&f.w, m->own);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_trace_decode(const uint8_t *payload, size_t len, struct msg_trace *ret_trace)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_trace m = {.id = msg_get_be64(&r)};

	m.session = msg_get_be64(&r);
	m.app = msg_get_line(&r, MSG_NAME_MAX);
	m.vnet = msg_get_line(&r, MSG_NAME_MAX);
	msg_get_prefix(&r, &m.destination);
	m.port = wire_be16(&r);
	m.own = wire_be16(&r);
	if (!wire_done(&r) || !is_address(&m.destination) || !m.own)
		return -EBADMSG;
	*ret_trace = m;
	return 0;
}

/* ---- TRACED ---- */

static void put_worker(struct msg_frame *f, const struct msg_trace_worker *m)
{
	wire_put_u8(&f->w, m->route);
	wire_put_u8(&f->w, m->outcome);
	wire_put_be16(&f->w, m->error);
	wire_put_be32(&f->w, m->took_us);
	wire_put_be32(&f->w, m->table);
	wire_put_be32(&f->w, m->sent);
	wire_put_be32(&f->w, m->received);
	msg_put_prefix(f, &m->via);
	msg_put_prefix(f, &m->source);
	msg_put_text(f, m->device, MSG_DEVICE_MAX);
	msg_put_text(f, m->drop, MSG_DROP_MAX);
}

static void get_worker(struct wire_reader *r, struct msg_trace_worker *ret)
{
	ret->route = wire_u8(r);
	ret->outcome = wire_u8(r);
	ret->error = wire_be16(r);
	ret->took_us = wire_be32(r);
	ret->table = wire_be32(r);
	ret->sent = wire_be32(r);
	ret->received = wire_be32(r);
	msg_get_prefix(r, &ret->via);
	msg_get_prefix(r, &ret->source);
	ret->device = msg_get_line(r, MSG_DEVICE_MAX);
	ret->drop = msg_get_line(r, MSG_DROP_MAX);
}

static void put_watch(struct msg_frame *f, const struct msg_trace_watch *m)
{
	wire_put_be32(&f->w, m->sent);
	wire_put_be32(&f->w, m->passed);
	msg_put_text(f, m->drop, MSG_DROP_MAX);
	msg_put_prefix(f, &m->source);
	wire_put_be32(&f->w, m->answered);
	wire_put_u8(&f->w, m->answer);
	msg_put_prefix(f, &m->from);
	wire_put_u8(&f->w, m->type);
	wire_put_u8(&f->w, m->code);
	wire_put_be32(&f->w, m->delivered);
	msg_put_text(f, m->back_drop, MSG_DROP_MAX);
	wire_put_be32(&f->w, m->round_trip_us);
}

static void get_watch(struct wire_reader *r, struct msg_trace_watch *ret)
{
	ret->sent = wire_be32(r);
	ret->passed = wire_be32(r);
	ret->drop = msg_get_line(r, MSG_DROP_MAX);
	msg_get_prefix(r, &ret->source);
	ret->answered = wire_be32(r);
	ret->answer = wire_u8(r);
	msg_get_prefix(r, &ret->from);
	ret->type = wire_u8(r);
	ret->code = wire_u8(r);
	ret->delivered = wire_be32(r);
	ret->back_drop = msg_get_line(r, MSG_DROP_MAX);
	ret->round_trip_us = wire_be32(r);
}

int msg_traced_encode(const struct msg_traced *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->end >= MSG_TRACE_ENDS || m->watch.answer >= MSG_OUTCOME_COUNT)
		return -EINVAL;
	if (m->n_counters > MSG_COUNTERS_MAX)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_TRACED) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->id);
	wire_put_u8(&f.w, m->end);
	msg_put_be64(&f, m->session);
	msg_put_prefix(&f, &m->address);
	put_worker(&f, &m->worker);
	put_watch(&f, &m->watch);
	wire_put_u8(&f.w, (uint8_t)m->n_counters);
	for (size_t i = 0; i < m->n_counters; i++) {
		msg_put_text(&f, m->counters[i].name, MSG_COUNTER_NAME_MAX);
		msg_put_be64(&f, m->counters[i].by);
	}
	return msg_frame_end(&f, ret_frame, ret_len);
}

static void get_counters(struct wire_reader *r, struct msg_traced *m)
{
	m->n_counters = wire_u8(r);
	if (m->n_counters > MSG_COUNTERS_MAX) {
		r->failed = true;
		return;
	}
	for (size_t i = 0; i < m->n_counters; i++) {
		m->counters[i].name = msg_get_line(r, MSG_COUNTER_NAME_MAX);
		m->counters[i].by = msg_get_be64(r);
	}
}

int msg_traced_decode(const uint8_t *payload, size_t len, struct msg_traced *ret_traced)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_traced m = {.id = msg_get_be64(&r)};

	m.end = wire_u8(&r);
	m.session = msg_get_be64(&r);
	msg_get_prefix(&r, &m.address);
	get_worker(&r, &m.worker);
	get_watch(&r, &m.watch);
	get_counters(&r, &m);
	if (!wire_done(&r) || m.end >= MSG_TRACE_ENDS || m.watch.answer >= MSG_OUTCOME_COUNT)
		return -EBADMSG;
	*ret_traced = m;
	return 0;
}
