/* SPDX-License-Identifier: Apache-2.0 */
/* The input is what a client sends first. What is accepted must be accepted again, to the byte. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/proto/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_accepted(const uint8_t *data, size_t size, int consumed, struct http_request *req)
{
	struct http_request again;
	int status;

	must((size_t)consumed <= size && consumed <= HTTP_HEADER_MAX + HTTP_STRAY_MAX);
	must(memchr(req->host, '\0', sizeof(req->host)) != NULL);
	must(memchr(req->correlation_id, '\0', sizeof(req->correlation_id)) != NULL);
	must(!strpbrk(req->host, "\r\n") && !strpbrk(req->correlation_id, "\r\n"));
	must(http_parse_request(data, (size_t)consumed, &again, &status) == consumed);
	must(http_skip_stray(req, data, size) <= HTTP_STRAY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request req;
	int status = 0;
	int rc = http_parse_request(data, size, &req, &status);

	must(rc >= 0 || rc == -EBADMSG);
	must((rc < 0) == (status != 0));
	must(rc != 0 || size < HTTP_HEADER_MAX);
	if (rc > 0)
		check_accepted(data, size, rc, &req);
	return 0;
}
