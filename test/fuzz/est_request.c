/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is what a client sends: a header block and a body. What is accepted is within its limits, and comes out the
 * same however the body is cut; what is refused has an answer that can be written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/proto/est.h"
#include "sstp/proto/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_refusal(const struct est_reply *refusal)
{
	char buf[EST_REPLY_HEAD_MAX + 256];

	must(refusal->status >= 400 && refusal->status < 600);
	must(est_write_reply(buf, sizeof(buf), refusal) > 0);
}

static void check_body(const struct est_head *head, const uint8_t *data, size_t size)
{
	struct est_body b = {.want = head->body_len};
	size_t used = 0;

	for (size_t piece = 1; used < size && !est_body_is_whole(&b); piece += 7) {
		int n = est_body_take(&b, data + used, piece < size - used ? piece : size - used);

		must(n > 0);
		used += (size_t)n;
		must(b.room <= 1024 || b.room < 2 * b.len);
	}
	must(b.len == used && used <= head->body_len);
	must(!used || memcmp(b.bytes, data, used) == 0);
	est_body_done(&b);
}

static void check_head(const struct est_head *head)
{
	must(head->body_len <= EST_BODY_MAX);
	must(head->has_secret || head->operation != EST_SIMPLEENROLL);
	must(est_operation_name(head->operation) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct est_head head;
	struct est_reply refusal;
	bool is_est = est_is_request(data, size);
	int n = est_parse_head(data, size, &head, &refusal);

	must(n >= 0 || n == -EBADMSG);
	must(n != 0 || size < HTTP_HEADER_MAX);
	if (n < 0)
		check_refusal(&refusal);
	if (n <= 0)
		return 0;
	must(is_est && (size_t)n <= size && n <= HTTP_HEADER_MAX);
	check_head(&head);
	check_body(&head, data + n, size - (size_t)n);
	return 0;
}
