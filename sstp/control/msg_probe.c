/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_probe.h"

#include <errno.h>
#include <sys/socket.h>

#include "sstp/control/msg_wire.h"

static bool is_address(const struct prefix *p)
{
	return p->len == (p->family == AF_INET6 ? 128 : 32);
}

int msg_probe_encode(const struct msg_probe *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (!is_address(&m->destination) || m->source > MSG_PROBE_SOURCES)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_PROBE) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->id);
	msg_put_be64(&f, m->session);
	msg_put_text(&f, m->app, MSG_NAME_MAX);
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	msg_put_prefix(&f, &m->destination);
	wire_put_be16(&f.w, m->port);
	wire_put_be16(&f.w, m->size);
	wire_put_u8(&f.w, m->ttl);
	wire_put_u8(&f.w, m->source);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_probe_decode(const uint8_t *payload, size_t len, struct msg_probe *ret_probe)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_probe m = {.id = msg_get_be64(&r)};

	m.session = msg_get_be64(&r);
	m.app = msg_get_line(&r, MSG_NAME_MAX);
	m.vnet = msg_get_line(&r, MSG_NAME_MAX);
	msg_get_prefix(&r, &m.destination);
	m.port = wire_be16(&r);
	m.size = wire_be16(&r);
	m.ttl = wire_u8(&r);
	m.source = wire_u8(&r);
	if (!wire_done(&r) || !is_address(&m.destination) || m.source > MSG_PROBE_SOURCES)
		return -EBADMSG;
	*ret_probe = m;
	return 0;
}

int msg_probed_encode(const struct msg_probed *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->outcome >= MSG_OUTCOME_COUNT)
		return -EINVAL;
	if (msg_frame_begin(&f, MSG_PROBED) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->id);
	wire_put_u8(&f.w, m->outcome);
	msg_put_prefix(&f, &m->source);
	msg_put_prefix(&f, &m->from);
	wire_put_u8(&f.w, m->type);
	wire_put_u8(&f.w, m->code);
	msg_put_text(&f, m->drop, MSG_DROP_MAX);
	wire_put_be32(&f.w, m->round_trip_us);
	wire_put_be16(&f.w, m->size);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_probed_decode(const uint8_t *payload, size_t len, struct msg_probed *ret_probed)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_probed m = {.id = msg_get_be64(&r)};

	m.outcome = wire_u8(&r);
	msg_get_prefix(&r, &m.source);
	msg_get_prefix(&r, &m.from);
	m.type = wire_u8(&r);
	m.code = wire_u8(&r);
	m.drop = msg_get_line(&r, MSG_DROP_MAX);
	m.round_trip_us = wire_be32(&r);
	m.size = wire_be16(&r);
	if (!wire_done(&r) || m.outcome >= MSG_OUTCOME_COUNT)
		return -EBADMSG;
	*ret_probed = m;
	return 0;
}
