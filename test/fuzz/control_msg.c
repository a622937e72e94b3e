/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a frame, from either side. What is accepted is encoded again to the same bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority.h"
#include "sstp/control/msg_metrics.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/msg_timeline.h"
#include "sstp/control/msg_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Takes frame. */
static void compare(int r, uint8_t *frame, size_t len, const uint8_t *payload, size_t payload_len)
{
	must(r == 0 && len == MSG_HEAD_SIZE + payload_len);
	must(memcmp(frame + MSG_HEAD_SIZE, payload, payload_len) == 0);
	msg_frame_free(frame, len);
}

/* Those of msg_site.h and msg_metrics.h that own what they have decoded. */
static int list_again(enum msg_kind kind, const uint8_t *payload, size_t n, uint8_t **ret_frame,
		      size_t *ret_len)
{
	struct msg_connection connection;
	struct msg_vnet_routes routes;
	struct msg_leases leases;
	struct msg_traffic traffic;
	struct msg_metrics metrics;
	int r;

	switch (kind) {
	case MSG_CONNECTION:
		if (msg_connection_decode(payload, n, &connection) < 0)
			return -EBADMSG;
		r = msg_connection_encode(&connection, ret_frame, ret_len);
		msg_connection_done(&connection);
		return r;
	case MSG_VNET_ROUTES:
		if (msg_vnet_routes_decode(payload, n, &routes) < 0)
			return -EBADMSG;
		r = msg_vnet_routes_encode(&routes, ret_frame, ret_len);
		msg_vnet_routes_done(&routes);
		return r;
	case MSG_LEASES:
		if (msg_leases_decode(payload, n, &leases) < 0)
			return -EBADMSG;
		r = msg_leases_encode(&leases, ret_frame, ret_len);
		msg_leases_done(&leases);
		return r;
	case MSG_TRAFFIC:
		if (msg_traffic_decode(payload, n, &traffic) < 0)
			return -EBADMSG;
		r = msg_traffic_encode(&traffic, ret_frame, ret_len);
		msg_traffic_done(&traffic);
		return r;
	case MSG_METRICS:
		if (msg_metrics_decode(payload, n, &metrics) < 0)
			return -EBADMSG;
		r = msg_metrics_encode(&metrics, ret_frame, ret_len);
		msg_metrics_done(&metrics);
		return r;
	default: return -EBADMSG;
	}
}

/* All of msg_site.h, and of msg_metrics.h, msg_probe.h, msg_timeline.h and msg_trace.h. */
static int site_again(enum msg_kind kind, const uint8_t *payload, size_t n, uint8_t **ret_frame,
		      size_t *ret_len)
{
	struct msg_site_vnet vnet;
	struct msg_disconnect disconnect;
	struct msg_session_up up;
	struct msg_session_down down;
	struct msg_vnet_state state;
	struct msg_probe probe;
	struct msg_probed probed;
	struct msg_timeline timeline;
	uint64_t id;
	struct msg_trace trace;
	struct msg_traced traced;
	const char *name;

	switch (kind) {
	case MSG_VNET:
		if (msg_site_vnet_decode(payload, n, &vnet) < 0)
			return -EBADMSG;
		return msg_site_vnet_encode(&vnet, ret_frame, ret_len);
	case MSG_DISCONNECT:
		if (msg_disconnect_decode(payload, n, &disconnect) < 0)
			return -EBADMSG;
		return msg_disconnect_encode(&disconnect, ret_frame, ret_len);
	case MSG_SESSION_UP:
		if (msg_session_up_decode(payload, n, &up) < 0)
			return -EBADMSG;
		return msg_session_up_encode(&up, ret_frame, ret_len);
	case MSG_SESSION_DOWN:
		if (msg_session_down_decode(payload, n, &down) < 0)
			return -EBADMSG;
		return msg_session_down_encode(&down, ret_frame, ret_len);
	case MSG_VNET_STATE:
		if (msg_vnet_state_decode(payload, n, &state) < 0)
			return -EBADMSG;
		return msg_vnet_state_encode(&state, ret_frame, ret_len);
	case MSG_PROBE:
		if (msg_probe_decode(payload, n, &probe) < 0)
			return -EBADMSG;
		return msg_probe_encode(&probe, ret_frame, ret_len);
	case MSG_PROBED:
		if (msg_probed_decode(payload, n, &probed) < 0)
			return -EBADMSG;
		return msg_probed_encode(&probed, ret_frame, ret_len);
	case MSG_TIMELINE:
		if (msg_timeline_decode(payload, n, &timeline) < 0)
			return -EBADMSG;
		return msg_timeline_encode(&timeline, ret_frame, ret_len);
	case MSG_METRICS_ASK:
		if (msg_metrics_ask_decode(payload, n, &id) < 0)
			return -EBADMSG;
		return msg_metrics_ask_encode(id, ret_frame, ret_len);
	case MSG_TRACE:
		if (msg_trace_decode(payload, n, &trace) < 0)
			return -EBADMSG;
		return msg_trace_encode(&trace, ret_frame, ret_len);
	case MSG_TRACED:
		if (msg_traced_decode(payload, n, &traced) < 0)
			return -EBADMSG;
		return msg_traced_encode(&traced, ret_frame, ret_len);
	case MSG_CONNECTION:
	case MSG_VNET_ROUTES:
	case MSG_LEASES:
	case MSG_METRICS:
	case MSG_TRAFFIC: return list_again(kind, payload, n, ret_frame, ret_len);
	default:
		if (msg_name_decode(payload, n, &name) < 0)
			return -EBADMSG;
		return msg_name_encode(kind, name, ret_frame, ret_len);
	}
}

static int again(enum msg_kind kind, const uint8_t *payload, size_t n, uint8_t **ret_frame,
		 size_t *ret_len)
{
	struct msg_config config;
	struct msg_est_request request;
	struct msg_est_reply reply;
	struct msg_server_certificate certificate;
	struct authority_export export;
	const char *text;
	int r;

	switch (kind) {
	case MSG_CONFIG:
		if (msg_config_decode(payload, n, &config) < 0)
			return -EBADMSG;
		r = msg_config_encode(&config, ret_frame, ret_len);
		msg_config_done(&config);
		return r;
	case MSG_EST_REQUEST:
		if (msg_est_request_decode(payload, n, &request) < 0)
			return -EBADMSG;
		return msg_est_request_encode(&request, ret_frame, ret_len);
	case MSG_EST_REPLY:
		if (msg_est_reply_decode(payload, n, &reply) < 0)
			return -EBADMSG;
		return msg_est_reply_encode(&reply, ret_frame, ret_len);
	case MSG_SERVER_CERTIFICATE:
		if (msg_server_certificate_decode(payload, n, &certificate) < 0)
			return -EBADMSG;
		return msg_server_certificate_encode(&certificate, ret_frame, ret_len);
	case MSG_FAILED:
		if (msg_failed_decode(payload, n, &text) < 0)
			return -EBADMSG;
		return msg_failed_encode(text, ret_frame, ret_len);
	case MSG_ACCESS:
		if (msg_access_decode(payload, n, &export) < 0)
			return -EBADMSG;
		r = msg_access_encode(&export, ret_frame, ret_len);
		authority_export_done(&export);
		return r;
	default: return site_again(kind, payload, n, ret_frame, ret_len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum msg_kind kind;
	uint8_t *frame = NULL;
	size_t len;
	int r;

	if (size < MSG_HEAD_SIZE)
		return 0;
	if (!msg_head(data, true, &kind, &len) && !msg_head(data, false, &kind, &len))
		return 0;
	must(len <= msg_limit(kind));
	if (len != size - MSG_HEAD_SIZE) /* the mutator cannot count: whatever is there is it */
		len = size - MSG_HEAD_SIZE;
	if (len > msg_limit(kind))
		return 0;
	r = again(kind, data + MSG_HEAD_SIZE, len, &frame, &size);
	if (r != -EBADMSG)
		compare(r, frame, size, data + MSG_HEAD_SIZE, len);
	return 0;
}
