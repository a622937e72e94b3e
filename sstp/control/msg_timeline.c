/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_timeline.h"

#include <errno.h>

#include "sstp/control/msg_site.h"
#include "sstp/control/msg_wire.h"

enum {
	THUMBPRINT_MAX = 64
};

int msg_timeline_encode(const struct msg_timeline *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->ended_by >= MSG_SIDES)
		return -EINVAL;
	if (msg_frame_begin(&f, MSG_TIMELINE) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->boot);
	msg_put_be64(&f, m->id);
	msg_put_be64(&f, (uint64_t)m->began_us);
	msg_put_be64(&f, m->lasted_us);
	wire_put_u8(&f.w, m->has_ended);
	wire_put_u8(&f.w, m->is_enrolment);
	wire_put_u8(&f.w, m->ended_by);
	wire_put_be32(&f.w, m->untold);
	for (unsigned i = 0; i < MSG_STAGES; i++)
		wire_put_be32(&f.w, m->stages_us[i]);
	wire_put(&f.w, &m->address_be, sizeof(m->address_be));
	msg_put_text(&f, m->app, MSG_NAME_MAX);
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	msg_put_text(&f, m->user, MSG_REASON_MAX);
	msg_put_text(&f, m->source, MSG_ENDPOINT_MAX);
	msg_put_text(&f, m->dialled, MSG_NAME_MAX);
	msg_put_text(&f, m->tls, MSG_TLS_MAX);
	msg_put_text(&f, m->correlation, MSG_CORRELATION_MAX);
	msg_put_text(&f, m->auth, MSG_AUTH_MAX);
	msg_put_text(&f, m->thumbprint, THUMBPRINT_MAX);
	msg_put_text(&f, m->reason, MSG_REASON_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_timeline_decode(const uint8_t *payload, size_t len, struct msg_timeline *ret_timeline)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_timeline m = {.boot = msg_get_be64(&r)};
	const uint8_t *address;

	m.id = msg_get_be64(&r);
	m.began_us = (int64_t)msg_get_be64(&r);
	m.lasted_us = msg_get_be64(&r);
	m.has_ended = msg_get_bool(&r);
	m.is_enrolment = msg_get_bool(&r);
	m.ended_by = wire_u8(&r);
	m.untold = wire_be32(&r);
	for (unsigned i = 0; i < MSG_STAGES; i++)
		m.stages_us[i] = wire_be32(&r);
	address = wire_bytes(&r, sizeof(m.address_be));
	if (address)
		memcpy(&m.address_be, address, sizeof(m.address_be));
	m.app = msg_get_line(&r, MSG_NAME_MAX);
	m.vnet = msg_get_line(&r, MSG_NAME_MAX);
	m.user = msg_get_line(&r, MSG_REASON_MAX);
	m.source = msg_get_line(&r, MSG_ENDPOINT_MAX);
	m.dialled = msg_get_line(&r, MSG_NAME_MAX);
	m.tls = msg_get_line(&r, MSG_TLS_MAX);
	m.correlation = msg_get_line(&r, MSG_CORRELATION_MAX);
	m.auth = msg_get_line(&r, MSG_AUTH_MAX);
	m.thumbprint = msg_get_line(&r, THUMBPRINT_MAX);
	m.reason = msg_get_line(&r, MSG_REASON_MAX);
	if (!wire_done(&r) || m.ended_by >= MSG_SIDES)
		return -EBADMSG;
	*ret_timeline = m;
	return 0;
}
