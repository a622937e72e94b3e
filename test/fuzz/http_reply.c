/* SPDX-License-Identifier: Apache-2.0 */
/* The input is what a server answers a client's request with. */
#include <errno.h>
#include <stdlib.h>

#include "sstp/proto/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int status = 0;
	int rc = http_parse_reply(data, size, &status);

	must(rc >= 0 || rc == -EBADMSG || rc == -EPROTO);
	must(rc <= HTTP_HEADER_MAX && (rc < 0 || (size_t)rc <= size));
	must(rc <= 0 || status == 200);
	must(rc != -EPROTO || (status > 0 && status <= 999 && status != 200));
	must(rc != 0 || size < HTTP_HEADER_MAX);
	if (rc > 0)
		must(http_parse_reply(data, (size_t)rc, &status) == rc);
	return 0;
}
