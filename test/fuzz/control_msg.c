/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a frame, from either side. What is accepted is encoded again to the same bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs/authority.h"
#include "sstp/control/msg.h"

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
	default: return -EBADMSG;
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
