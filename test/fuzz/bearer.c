/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: what shows no token is never let in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/bearer.h"

static const char token[] = "0123456789abcdef0123456789abcdef";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bearer *b;
	struct certs_error e;
	const char *head = (const char *)data;
	size_t len = bearer_head_len(head, size);

	if (!b && bearer_parse(token, "tokens", &b, &e) < 0)
		abort();
	if (len > size || (len && memcmp(head + len - 4, "\r\n\r\n", 4) != 0))
		abort();
	if (bearer_judge(b, head, size) == BEARER_RIGHT &&
	    !memmem(data, size, token, sizeof(token) - 1))
		abort();
	if (bearer_judge(NULL, head, size) == BEARER_RIGHT)
		abort();
	return 0;
}
