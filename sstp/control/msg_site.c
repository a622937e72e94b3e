/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_site.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/msg_wire.h"

enum {
	THUMBPRINT_MAX = 64
};

/* The decoder's end: all was read, and n things have had their memory. */
static int finish(const struct wire_reader *r, const void *list, size_t n)
{
	if (n && !list)
		return -ENOMEM;
	return wire_done(r) ? 0 : -EBADMSG;
}

/* Room in zeros for as many as come; no more than the rest of the payload can hold. */
static void *get_list(struct wire_reader *r, size_t max, size_t size, size_t least, size_t *ret_n)
{
	size_t n = msg_get_count(r, max);

	if (n * least > wire_left(r)) {
		r->failed = true;
		n = 0;
	}
	*ret_n = n;
	return n ? calloc(n, size) : NULL;
}

/* ---- names ---- */

int msg_name_encode(enum msg_kind kind, const char *name, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, kind) < 0)
		return -ENOMEM;
	msg_put_text(&f, name, MSG_NAME_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_name_decode(const uint8_t *payload, size_t len, const char **ret_name)
{
	struct wire_reader r = wire_reader(payload, len);
	const char *name = msg_get_line(&r, MSG_NAME_MAX);

	if (!wire_done(&r))
		return -EBADMSG;
	*ret_name = name;
	return 0;
}

/* ---- VNET ---- */

int msg_site_vnet_encode(const struct msg_site_vnet *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_VNET) < 0)
		return -ENOMEM;
	msg_put_vnet(&f, &m->vnet);
	msg_put_text(&f, m->device, IFNAMSIZ - 1);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_site_vnet_decode(const uint8_t *payload, size_t len, struct msg_site_vnet *ret_vnet)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_site_vnet m = {0};

	msg_get_vnet(&r, &m.vnet);
	m.device = msg_get_line(&r, IFNAMSIZ - 1);
	if (!wire_done(&r))
		return -EBADMSG;
	*ret_vnet = m;
	return 0;
}

/* ---- CONNECTION ---- */

int msg_connection_encode(const struct msg_connection *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->n_routes > MSG_ROUTES_MAX)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_CONNECTION) < 0)
		return -ENOMEM;
	msg_put_text(&f, m->app, MSG_NAME_MAX);
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	msg_put_text(&f, m->refusal, MSG_REASON_MAX);
	wire_put_be16(&f.w, (uint16_t)m->n_routes);
	for (size_t i = 0; i < m->n_routes; i++)
		msg_put_prefix(&f, &m->routes[i]);
	for (size_t i = 0; i < MSG_DNS_MAX; i++)
		wire_put(&f.w, &m->dns_be[i], sizeof(m->dns_be[i]));
	msg_put_text(&f, m->description, MSG_DESCRIPTION_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

static void get_address(struct wire_reader *r, uint32_t *ret_be)
{
	const uint8_t *bytes = wire_bytes(r, sizeof(*ret_be));

	if (wire_ok(r))
		memcpy(ret_be, bytes, sizeof(*ret_be));
}

int msg_connection_decode(const uint8_t *payload, size_t len, struct msg_connection *ret_connection)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_connection m = {0};
	struct prefix *routes;
	int error;

	m.app = msg_get_line(&r, MSG_NAME_MAX);
	m.vnet = msg_get_line(&r, MSG_NAME_MAX);
	m.refusal = msg_get_line(&r, MSG_REASON_MAX);
	m.routes = routes = get_list(&r, MSG_ROUTES_MAX, sizeof(*routes), 2, &m.n_routes);
	for (size_t i = 0; routes && i < m.n_routes; i++)
		msg_get_prefix(&r, &routes[i]);
	for (size_t i = 0; i < MSG_DNS_MAX; i++)
		get_address(&r, &m.dns_be[i]);
	m.description = msg_get_text(&r, MSG_DESCRIPTION_MAX);
	error = finish(&r, routes, m.n_routes);
	if (error < 0) {
		free(routes);
		return error;
	}
	*ret_connection = m;
	return 0;
}

void msg_connection_done(struct msg_connection *m)
{
	free((void *)m->routes);
	m->routes = NULL;
	m->n_routes = 0;
}

/* ---- VNET_ROUTES ---- */

int msg_vnet_routes_encode(const struct msg_vnet_routes *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->n_routes > MSG_VNET_ROUTES_MAX)
		return -EMSGSIZE;
	if (m->part >= MSG_PART_COUNT)
		return -EINVAL;
	if (msg_frame_begin(&f, MSG_VNET_ROUTES) < 0)
		return -ENOMEM;
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	wire_put_u8(&f.w, m->part);
	wire_put_be16(&f.w, (uint16_t)m->n_routes);
	for (size_t i = 0; i < m->n_routes; i++) {
		msg_put_prefix(&f, &m->routes[i].prefix);
		wire_put_u8(&f.w, m->routes[i].verdict);
		f.w.failed |= m->routes[i].verdict >= MSG_VERDICT_COUNT;
	}
	return msg_frame_end(&f, ret_frame, ret_len);
}

static void get_route(struct wire_reader *r, struct msg_route *route)
{
	msg_get_prefix(r, &route->prefix);
	route->verdict = wire_u8(r);
	if (route->verdict >= MSG_VERDICT_COUNT)
		r->failed = true;
}

int msg_vnet_routes_decode(const uint8_t *payload, size_t len, struct msg_vnet_routes *ret_routes)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_vnet_routes m = {.vnet = msg_get_line(&r, MSG_NAME_MAX), .part = wire_u8(&r)};
	struct msg_route *routes =
		get_list(&r, MSG_VNET_ROUTES_MAX, sizeof(*routes), 3, &m.n_routes);
	int error;

	for (size_t i = 0; routes && i < m.n_routes && wire_ok(&r); i++)
		get_route(&r, &routes[i]);
	error = finish(&r, routes, m.n_routes);
	if (error == 0 && m.part >= MSG_PART_COUNT)
		error = -EBADMSG;
	if (error < 0) {
		free(routes);
		return error;
	}
	m.routes = routes;
	*ret_routes = m;
	return 0;
}

void msg_vnet_routes_done(struct msg_vnet_routes *m)
{
	free((void *)m->routes);
	m->routes = NULL;
	m->n_routes = 0;
}

/* ---- LEASES ---- */

int msg_leases_encode(const struct msg_leases *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->n_leases > MSG_LEASES_MAX)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_LEASES) < 0)
		return -ENOMEM;
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	wire_put_be16(&f.w, (uint16_t)m->n_leases);
	for (size_t i = 0; i < m->n_leases; i++) {
		wire_put(&f.w, &m->leases[i].address_be, sizeof(m->leases[i].address_be));
		msg_put_text(&f, m->leases[i].owner, MSG_OWNER_MAX);
	}
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_leases_decode(const uint8_t *payload, size_t len, struct msg_leases *ret_leases)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_leases m = {.vnet = msg_get_line(&r, MSG_NAME_MAX)};
	struct msg_lease *leases = get_list(&r, MSG_LEASES_MAX, sizeof(*leases), 9, &m.n_leases);
	int error;

	for (size_t i = 0; leases && i < m.n_leases; i++) {
		get_address(&r, &leases[i].address_be);
		leases[i].owner = msg_get_text(&r, MSG_OWNER_MAX);
	}
	error = finish(&r, leases, m.n_leases);
	if (error < 0) {
		free(leases);
		return error;
	}
	m.leases = leases;
	*ret_leases = m;
	return 0;
}

void msg_leases_done(struct msg_leases *m)
{
	free((void *)m->leases);
	m->leases = NULL;
	m->n_leases = 0;
}

/* ---- DISCONNECT ---- */

int msg_disconnect_encode(const struct msg_disconnect *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_DISCONNECT) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->session);
	msg_put_text(&f, m->app, MSG_NAME_MAX);
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	msg_put_text(&f, m->reason, MSG_REASON_MAX);
	wire_put_u8(&f.w, m->is_restart);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_disconnect_decode(const uint8_t *payload, size_t len, struct msg_disconnect *ret_disconnect)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_disconnect m = {.session = msg_get_be64(&r)};

	m.app = msg_get_line(&r, MSG_NAME_MAX);
	m.vnet = msg_get_line(&r, MSG_NAME_MAX);
	m.reason = msg_get_line(&r, MSG_REASON_MAX);
	m.is_restart = msg_get_bool(&r);
	if (!wire_done(&r))
		return -EBADMSG;
	*ret_disconnect = m;
	return 0;
}

/* ---- sessions ---- */

static void put_counts(struct msg_frame *f, const struct msg_counts *c)
{
	msg_put_be64(f, c->sent_packets);
	msg_put_be64(f, c->sent_bytes);
	msg_put_be64(f, c->received_packets);
	msg_put_be64(f, c->received_bytes);
}

static void get_counts(struct wire_reader *r, struct msg_counts *c)
{
	c->sent_packets = msg_get_be64(r);
	c->sent_bytes = msg_get_be64(r);
	c->received_packets = msg_get_be64(r);
	c->received_bytes = msg_get_be64(r);
}

int msg_session_up_encode(const struct msg_session_up *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_SESSION_UP) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->boot);
	msg_put_be64(&f, m->id);
	msg_put_be64(&f, (uint64_t)m->since);
	msg_put_text(&f, m->app, MSG_NAME_MAX);
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	msg_put_text(&f, m->user, MSG_REASON_MAX);
	msg_put_text(&f, m->owner, MSG_OWNER_MAX);
	wire_put(&f.w, &m->address_be, sizeof(m->address_be));
	msg_put_text(&f, m->address6, INET6_ADDRSTRLEN - 1);
	msg_put_text(&f, m->source, MSG_ENDPOINT_MAX);
	msg_put_text(&f, m->correlation, MSG_CORRELATION_MAX);
	msg_put_text(&f, m->thumbprint, THUMBPRINT_MAX);
	put_counts(&f, &m->counts);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_session_up_decode(const uint8_t *payload, size_t len, struct msg_session_up *ret_up)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_session_up m = {.boot = msg_get_be64(&r)};

	m.id = msg_get_be64(&r);
	m.since = (int64_t)msg_get_be64(&r);
	m.app = msg_get_line(&r, MSG_NAME_MAX);
	m.vnet = msg_get_line(&r, MSG_NAME_MAX);
	m.user = msg_get_text(&r, MSG_REASON_MAX);
	m.owner = msg_get_text(&r, MSG_OWNER_MAX);
	get_address(&r, &m.address_be);
	m.address6 = msg_get_line(&r, INET6_ADDRSTRLEN - 1);
	m.source = msg_get_line(&r, MSG_ENDPOINT_MAX);
	m.correlation = msg_get_line(&r, MSG_CORRELATION_MAX);
	m.thumbprint = msg_get_line(&r, THUMBPRINT_MAX);
	get_counts(&r, &m.counts);
	if (!wire_done(&r))
		return -EBADMSG;
	*ret_up = m;
	return 0;
}

int msg_session_down_encode(const struct msg_session_down *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_SESSION_DOWN) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->boot);
	msg_put_be64(&f, m->id);
	msg_put_text(&f, m->reason, MSG_REASON_MAX);
	put_counts(&f, &m->counts);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_session_down_decode(const uint8_t *payload, size_t len, struct msg_session_down *ret_down)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_session_down m = {.boot = msg_get_be64(&r)};

	m.id = msg_get_be64(&r);
	m.reason = msg_get_text(&r, MSG_REASON_MAX);
	get_counts(&r, &m.counts);
	if (!wire_done(&r))
		return -EBADMSG;
	*ret_down = m;
	return 0;
}

int msg_traffic_encode(const struct msg_traffic *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->n_entries > MSG_TRAFFIC_MAX)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_TRAFFIC) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->boot);
	wire_put_be16(&f.w, (uint16_t)m->n_entries);
	for (size_t i = 0; i < m->n_entries; i++) {
		msg_put_be64(&f, m->entries[i].id);
		put_counts(&f, &m->entries[i].counts);
	}
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_traffic_decode(const uint8_t *payload, size_t len, struct msg_traffic *ret_traffic)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_traffic m = {.boot = msg_get_be64(&r)};
	struct msg_traffic_entry *entries =
		get_list(&r, MSG_TRAFFIC_MAX, sizeof(*entries), 40, &m.n_entries);
	int error;

	for (size_t i = 0; entries && i < m.n_entries; i++) {
		entries[i].id = msg_get_be64(&r);
		get_counts(&r, &entries[i].counts);
	}
	error = finish(&r, entries, m.n_entries);
	if (error < 0) {
		free(entries);
		return error;
	}
	m.entries = entries;
	*ret_traffic = m;
	return 0;
}

void msg_traffic_done(struct msg_traffic *m)
{
	free((void *)m->entries);
	m->entries = NULL;
	m->n_entries = 0;
}

/* ---- VNET_STATE ---- */

int msg_vnet_state_encode(const struct msg_vnet_state *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_VNET_STATE) < 0)
		return -ENOMEM;
	msg_put_text(&f, m->vnet, MSG_NAME_MAX);
	msg_put_text(&f, m->why, MSG_REASON_MAX);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_vnet_state_decode(const uint8_t *payload, size_t len, struct msg_vnet_state *ret_state)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_vnet_state m = {.vnet = msg_get_line(&r, MSG_NAME_MAX)};

	m.why = msg_get_line(&r, MSG_REASON_MAX);
	if (!wire_done(&r))
		return -EBADMSG;
	*ret_state = m;
	return 0;
}
