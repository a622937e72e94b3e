/* SPDX-License-Identifier: Apache-2.0 */
/* A u8 kind, and what belongs to it. A text is u16 length, its bytes without NUL, and a NUL, so that it is lent out as it lies there. */
#include "sstp/control/parent_msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/log.h"
#include "sstp/base/wire.h"

enum {
	FROM_CHILD = 0x80,
	ERRNO_MAX = 4095,
	DEVICE_FDS = 2, /* besides queues and map */
	IPV4_BITS = 32,
	IPV6_BITS = 128,
};

/* ---- parts ---- */

static void put_text(struct wire_writer *w, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len > max)
		w->failed = true;
	wire_put_be16(w, (uint16_t)len);
	wire_put(w, text, len + 1);
}

static const char *get_text(struct wire_reader *r, size_t max)
{
	size_t len = wire_be16(r);
	const uint8_t *text = wire_bytes(r, len);
	uint8_t end = wire_u8(r);

	if (!wire_ok(r) || len > max || end != 0 || memchr(text, 0, len)) {
		r->failed = true;
		return "";
	}
	return (const char *)text;
}

static void put_error(struct wire_writer *w, int error)
{
	if (error > 0 || error < -ERRNO_MAX)
		w->failed = true;
	wire_put_be16(w, (uint16_t)-error);
}

static int get_error(struct wire_reader *r)
{
	unsigned error = wire_be16(r);

	if (error > ERRNO_MAX)
		r->failed = true;
	return -(int)error;
}

static bool get_bool(struct wire_reader *r)
{
	uint8_t v = wire_u8(r);

	if (v > 1)
		r->failed = true;
	return v == 1;
}

static unsigned get_within(struct wire_reader *r, unsigned min, unsigned max)
{
	unsigned n = wire_be16(r);

	if (n < min || n > max)
		r->failed = true;
	return n;
}

static void put_within(struct wire_writer *w, unsigned n, unsigned min, unsigned max)
{
	if (n < min || n > max)
		w->failed = true;
	wire_put_be16(w, (uint16_t)n);
}

static unsigned bits_of(const struct prefix *p)
{
	return p->family == AF_INET6 ? IPV6_BITS : IPV4_BITS;
}

/* The version, as IP says it, the address, the length. */
static void put_prefix(struct wire_writer *w, const struct prefix *p)
{
	if (p->family != AF_INET && p->family != AF_INET6)
		w->failed = true;
	wire_put_u8(w, p->family == AF_INET6 ? 6 : 4);
	wire_put(w, p->addr, bits_of(p) / 8);
	wire_put_u8(w, p->len);
}

/* None with bits behind its length: there is one way to write each. */
static void get_prefix(struct wire_reader *r, struct prefix *p)
{
	uint8_t version = wire_u8(r);
	const uint8_t *addr;

	*p = (struct prefix){.family = version == 6 ? AF_INET6 : AF_INET};
	addr = wire_bytes(r, bits_of(p) / 8);
	p->len = wire_u8(r);
	if (!wire_ok(r) || (version != 4 && version != 6) || p->len > bits_of(p)) {
		r->failed = true;
		return;
	}
	memcpy(p->addr, addr, bits_of(p) / 8);
	for (unsigned bit = p->len; bit < bits_of(p); bit++)
		if (addr[bit / 8] & 0x80 >> bit % 8)
			r->failed = true;
}

/* ---- messages ---- */

static void put_config(struct wire_writer *w, const struct parent_config *m)
{
	put_within(w, m->reason, 0, PARENT_REASONS - 1);
	put_within(w, m->log_level, 0, LOG_LEVEL_DEBUG);
	put_text(w, m->path, PARENT_PATH_MAX);
}

static void get_config(struct wire_reader *r, struct parent_config *m)
{
	m->reason = (enum parent_reason)get_within(r, 0, PARENT_REASONS - 1);
	m->log_level = get_within(r, 0, LOG_LEVEL_DEBUG);
	m->path = get_text(r, PARENT_PATH_MAX);
}

static void put_result(struct wire_writer *w, const struct parent_result *m)
{
	put_error(w, m->error);
	put_text(w, m->text, PARENT_TEXT_MAX);
}

static void get_result(struct wire_reader *r, struct parent_result *m)
{
	m->error = get_error(r);
	m->text = get_text(r, PARENT_TEXT_MAX);
}

static void put_open(struct wire_writer *w, const struct parent_open *m)
{
	put_text(w, m->tun, IFNAMSIZ - 1);
	put_text(w, m->netns, PARENT_PATH_MAX);
	wire_put_be16(w, m->mtu);
	wire_put_be32(w, m->offload);
	put_within(w, m->queues, 1, PARENT_QUEUES_MAX);
	wire_put_be32(w, m->addresses);
	put_within(w, (unsigned)m->n_pools, 0, PARENT_POOLS_MAX);
	for (size_t i = 0; i < m->n_pools && i < PARENT_POOLS_MAX; i++)
		put_prefix(w, &m->pools[i]);
}

static void get_open(struct wire_reader *r, struct parent_open *m)
{
	m->tun = get_text(r, IFNAMSIZ - 1);
	m->netns = get_text(r, PARENT_PATH_MAX);
	m->mtu = wire_be16(r);
	m->offload = wire_be32(r);
	m->queues = get_within(r, 1, PARENT_QUEUES_MAX);
	m->addresses = wire_be32(r);
	m->n_pools = get_within(r, 0, PARENT_POOLS_MAX);
	for (size_t i = 0; wire_ok(r) && i < m->n_pools; i++)
		get_prefix(r, &m->pools[i]);
}

static void put_device(struct wire_writer *w, const struct parent_device *m)
{
	put_error(w, m->error);
	put_within(w, m->step, 0, UINT8_MAX);
	if (m->error)
		return;
	put_within(w, m->queues, 1, PARENT_QUEUES_MAX);
	put_text(w, m->tun, IFNAMSIZ - 1);
	wire_put_be32(w, m->ifindex);
	wire_put_be32(w, m->offload);
	wire_put_u8(w, m->is_steered);
	put_error(w, m->steer_error);
	wire_put_u8(w, m->is_forwarding);
}

static void get_device(struct wire_reader *r, struct parent_device *m)
{
	m->error = get_error(r);
	m->step = get_within(r, 0, UINT8_MAX);
	if (m->error)
		return;
	m->queues = get_within(r, 1, PARENT_QUEUES_MAX);
	m->tun = get_text(r, IFNAMSIZ - 1);
	m->ifindex = wire_be32(r);
	m->offload = wire_be32(r);
	m->is_steered = get_bool(r);
	m->steer_error = get_error(r);
	m->is_forwarding = get_bool(r);
}

static void put_listen(struct wire_writer *w, const struct parent_listen *m)
{
	put_within(w, m->index, 0, PARENT_LISTENERS_MAX - 1);
	put_within(w, m->sockets, 1, PARENT_QUEUES_MAX);
}

static void get_listen(struct wire_reader *r, struct parent_listen *m)
{
	m->index = get_within(r, 0, PARENT_LISTENERS_MAX - 1);
	m->sockets = get_within(r, 1, PARENT_QUEUES_MAX);
}

static void put_sockets(struct wire_writer *w, const struct parent_sockets *m)
{
	put_error(w, m->error);
	put_text(w, m->text, PARENT_TEXT_MAX);
	put_within(w, m->sockets, 0, PARENT_QUEUES_MAX);
}

static void get_sockets(struct wire_reader *r, struct parent_sockets *m)
{
	m->error = get_error(r);
	m->text = get_text(r, PARENT_TEXT_MAX);
	m->sockets = get_within(r, 0, PARENT_QUEUES_MAX);
}

static void put_learn(struct wire_writer *w, const struct parent_learn *m)
{
	put_text(w, m->vnet, PARENT_NAME_MAX);
	put_text(w, m->netns, PARENT_PATH_MAX);
}

static void get_learn(struct wire_reader *r, struct parent_learn *m)
{
	m->vnet = get_text(r, PARENT_NAME_MAX);
	m->netns = get_text(r, PARENT_PATH_MAX);
}

static void put_learn_socket(struct wire_writer *w, const struct parent_learn_socket *m)
{
	put_text(w, m->vnet, PARENT_NAME_MAX);
	put_error(w, m->error);
}

static void get_learn_socket(struct wire_reader *r, struct parent_learn_socket *m)
{
	m->vnet = get_text(r, PARENT_NAME_MAX);
	m->error = get_error(r);
}

static void put_dial(struct wire_writer *w, const struct parent_dial *m)
{
	wire_put_be32(w, m->id);
	put_text(w, m->netns, PARENT_PATH_MAX);
	put_prefix(w, &m->server);
	wire_put_u8(w, (uint8_t)m->use);
	wire_put_be16(w, m->port);
}

static void get_dial(struct wire_reader *r, struct parent_dial *m)
{
	m->id = wire_be32(r);
	m->netns = get_text(r, PARENT_PATH_MAX);
	get_prefix(r, &m->server);
	m->use = (enum parent_dial_use)wire_u8(r);
	m->port = wire_be16(r);
	if (m->use >= PARENT_DIAL_USES || !m->port != (m->use != PARENT_DIAL_PORT))
		r->failed = true;
	if (m->server.len && m->server.len != bits_of(&m->server))
		r->failed = true;
}

static void put_dialled(struct wire_writer *w, const struct parent_dialled *m)
{
	wire_put_be32(w, m->id);
	put_error(w, m->error);
}

static void get_dialled(struct wire_reader *r, struct parent_dialled *m)
{
	m->id = wire_be32(r);
	m->error = get_error(r);
}

static void put_watch(struct wire_writer *w, const struct parent_watch *m)
{
	wire_put_be32(w, m->id);
	put_text(w, m->netns, PARENT_PATH_MAX);
	put_prefix(w, &m->target);
	wire_put_be16(w, m->port);
	wire_put_be16(w, m->own);
}

static void get_watch(struct wire_reader *r, struct parent_watch *m)
{
	m->id = wire_be32(r);
	m->netns = get_text(r, PARENT_PATH_MAX);
	get_prefix(r, &m->target);
	m->port = wire_be16(r);
	m->own = wire_be16(r);
	if (m->target.len != bits_of(&m->target) || !m->own)
		r->failed = true;
}

static void put_watching(struct wire_writer *w, const struct parent_watching *m)
{
	wire_put_be32(w, m->id);
	put_error(w, m->error);
	put_error(w, m->own_error);
}

static void get_watching(struct wire_reader *r, struct parent_watching *m)
{
	m->id = wire_be32(r);
	m->error = get_error(r);
	m->own_error = get_error(r);
}

static void put_announce(struct wire_writer *w, const struct parent_announce *m)
{
	put_text(w, m->vnet, PARENT_NAME_MAX);
	put_text(w, m->netns, PARENT_PATH_MAX);
	wire_put_be32(w, m->table);
}

static void get_announce(struct wire_reader *r, struct parent_announce *m)
{
	m->vnet = get_text(r, PARENT_NAME_MAX);
	m->netns = get_text(r, PARENT_PATH_MAX);
	m->table = wire_be32(r);
}

static void put_announced(struct wire_writer *w, const struct parent_announced *m)
{
	put_text(w, m->vnet, PARENT_NAME_MAX);
	put_error(w, m->error);
	put_text(w, m->text, PARENT_TEXT_MAX);
}

static void get_announced(struct wire_reader *r, struct parent_announced *m)
{
	m->vnet = get_text(r, PARENT_NAME_MAX);
	m->error = get_error(r);
	m->text = get_text(r, PARENT_TEXT_MAX);
}

/* ---- all of them ---- */

unsigned parent_msg_fds(const struct parent_msg *m)
{
	switch (m->kind) {
	case PARENT_CONFIG: return 2;
	case PARENT_PEER:
	case PARENT_ANNOUNCE: return 1;
	case PARENT_LEARN_SOCKET: return m->learn_socket.error ? 0 : 1;
	case PARENT_DIALLED: return m->dialled.error ? 0 : 1;
	case PARENT_WATCHING: return m->watching.error ? 0 : m->watching.own_error ? 1 : 2;
	case PARENT_DEVICE:
		return m->device.error ? 0 : m->device.queues + DEVICE_FDS + m->device.is_steered;
	case PARENT_SOCKETS: return m->sockets.error ? 0 : m->sockets.sockets;
	default: return 0;
	}
}

int parent_msg_encode(const struct parent_msg *m, uint8_t buf[PARENT_MSG_MAX])
{
	struct wire_writer w = wire_writer(buf, PARENT_MSG_MAX);

	wire_put_u8(&w, (uint8_t)m->kind);
	switch (m->kind) {
	case PARENT_CONFIG: put_config(&w, &m->config); break;
	case PARENT_RESULT: put_result(&w, &m->result); break;
	case PARENT_OPEN_DEVICE: put_open(&w, &m->open); break;
	case PARENT_DEVICE: put_device(&w, &m->device); break;
	case PARENT_LISTEN: put_listen(&w, &m->listen); break;
	case PARENT_SOCKETS: put_sockets(&w, &m->sockets); break;
	case PARENT_LEARN: put_learn(&w, &m->learn); break;
	case PARENT_LEARN_SOCKET: put_learn_socket(&w, &m->learn_socket); break;
	case PARENT_ANNOUNCE: put_announce(&w, &m->announce); break;
	case PARENT_ANNOUNCED: put_announced(&w, &m->announced); break;
	case PARENT_DIAL: put_dial(&w, &m->dial); break;
	case PARENT_DIALLED: put_dialled(&w, &m->dialled); break;
	case PARENT_WATCH: put_watch(&w, &m->watch); break;
	case PARENT_WATCHING: put_watching(&w, &m->watching); break;
	case PARENT_PEER:
	case PARENT_DRAIN:
	case PARENT_STATS: break;
	}
	return w.failed ? -EMSGSIZE : (int)wire_len(&w);
}

int parent_msg_decode(const uint8_t *packet, size_t len, unsigned nfds, bool from_parent,
		      struct parent_msg *ret_msg)
{
	struct wire_reader r = wire_reader(packet, len);
	struct parent_msg m = {.kind = (enum parent_kind)wire_u8(&r)};

	if (((unsigned)m.kind & FROM_CHILD) == (from_parent ? FROM_CHILD : 0))
		return -EBADMSG;
	switch (m.kind) {
	case PARENT_CONFIG: get_config(&r, &m.config); break;
	case PARENT_RESULT: get_result(&r, &m.result); break;
	case PARENT_OPEN_DEVICE: get_open(&r, &m.open); break;
	case PARENT_DEVICE: get_device(&r, &m.device); break;
	case PARENT_LISTEN: get_listen(&r, &m.listen); break;
	case PARENT_SOCKETS: get_sockets(&r, &m.sockets); break;
	case PARENT_LEARN: get_learn(&r, &m.learn); break;
	case PARENT_LEARN_SOCKET: get_learn_socket(&r, &m.learn_socket); break;
	case PARENT_ANNOUNCE: get_announce(&r, &m.announce); break;
	case PARENT_ANNOUNCED: get_announced(&r, &m.announced); break;
	case PARENT_DIAL: get_dial(&r, &m.dial); break;
	case PARENT_DIALLED: get_dialled(&r, &m.dialled); break;
	case PARENT_WATCH: get_watch(&r, &m.watch); break;
	case PARENT_WATCHING: get_watching(&r, &m.watching); break;
	case PARENT_PEER:
	case PARENT_DRAIN:
	case PARENT_STATS: break;
	default: return -EBADMSG;
	}
	if (!wire_done(&r) || parent_msg_fds(&m) != nfds)
		return -EBADMSG;
	*ret_msg = m;
	return 0;
}
