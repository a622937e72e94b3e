/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP preamble of a session: the client asks, the server answers, then the call begins. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "sstp/base/log.h"
#include "sstp/session/session_internal.h"

static void refuse_http(struct session *s, int status)
{
	char reply[256];
	int len = http_write_error(reply, sizeof(reply), status);

	session_note(s, SESSION_END_REFUSED, "not an SSTP request: answered HTTP %d", status);
	if (len > 0)
		stream_send(s->stream, reply, (size_t)len);
	session_close(s);
}

static void accept_http(struct session *s, const struct http_request *request)
{
	char date[64], reply[256], id[4 * HTTP_CORRELATION_MAX];
	time_t wall = time(NULL);
	struct tm tm;
	int len;

	gmtime_r(&wall, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	len = http_write_ok(reply, sizeof(reply), date);
	stream_send(s->stream, reply, (size_t)len); /* its own record: facts P01 */
	session_log(s, LOG_LEVEL_INFO, "http accepted, correlation=\"%s\" %s",
		    log_escape(id, sizeof(id), request->correlation_id,
			       strlen(request->correlation_id)),
		    stream_tls_name(s->stream));
	s->is_single = http_reads_packet_by_packet(request);
	session_start_call(s);
}

static size_t on_http_request(struct session *s, const uint8_t *buf, size_t len)
{
	int status;
	int n;

	if (est_is_request(buf, len)) {
		session_start_est(s);
		return 0;
	}
	n = http_parse_request(buf, len, &s->request, &status);
	if (n > 0)
		accept_http(s, &s->request);
	if (n < 0)
		refuse_http(s, status);
	return n > 0 ? (size_t)n : 0;
}

static size_t on_http_reply(struct session *s, const uint8_t *buf, size_t len)
{
	int status = 0;
	int n = http_parse_reply(buf, len, &status);

	if (n > 0)
		session_start_call(s);
	if (n < 0) {
		session_note(s, SESSION_END_REFUSED, "the server answered %s %d",
			     n == -EPROTO ? "HTTP" : "something that is not HTTP/1.1;", status);
		session_close(s);
	}
	return n > 0 ? (size_t)n : 0;
}

void session_send_http(struct session *s)
{
	char request[HTTP_HEADER_MAX], guid[40], replaces[INET_ADDRSTRLEN] = "";
	uint8_t r[16];
	int len;

	random_fill(&random_system, r, sizeof(r));
	snprintf(guid, sizeof(guid),
		 "{%02X%02X%02X%02X-%02X%02X-4%X%02X-A%X%02X-%02X%02X%02X%02X%02X%02X}", r[0], r[1],
		 r[2], r[3], r[4], r[5], r[6] & 15, r[7], r[8] & 15, r[9], r[10], r[11], r[12],
		 r[13], r[14], r[15]);
	if (s->params.replaces_be)
		inet_ntop(AF_INET, &s->params.replaces_be, replaces, sizeof(replaces));
	len = http_write_request(request, sizeof(request), s->params.host, guid, replaces);
	if (len < 0) {
		session_note(s, SESSION_END_REFUSED, "the gateway's name is too long");
		session_close(s);
		return;
	}
	session_log(s, LOG_LEVEL_DEBUG, "correlation=\"%s\"", guid);
	stream_send(s->stream, request, (size_t)len);
}

uint32_t session_replaces(const struct session *s)
{
	struct in_addr address;

	return inet_pton(AF_INET, s->request.replaces, &address) == 1 ? address.s_addr : 0;
}

const char *session_correlation(const struct session *s)
{
	return s->request.correlation_id;
}

size_t session_on_http(struct session *s, const uint8_t *buf, size_t len)
{
	return s->role == CALL_SERVER ? on_http_request(s, buf, len) : on_http_reply(s, buf, len);
}
