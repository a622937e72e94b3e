/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is the Content-Type of an EST reply, a newline, and its body: cut into parts, each of which
 * is read as a network description.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/worker/description.h"
#include "sstp/worker/multipart.h"

enum {
	TYPE_MAX = 255
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void read_description(const char *text, size_t len)
{
	struct description d = {0};
	int r = description_parse(text, len, &d, NULL);

	must(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
	must(r < 0 || (name_is_label(d.vnet) && d.n_routes <= DESCRIPTION_ROUTES_MAX &&
		       d.n_dns <= DESCRIPTION_DNS_MAX));
	description_done(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct multipart_part parts[MULTIPART_PARTS_MAX];
	const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
	size_t head = lf ? (size_t)(lf - data) : 0;
	char type[TYPE_MAX + 1] = "";
	const char *body;
	int n;

	if (!lf || head > TYPE_MAX)
		return 0;
	memcpy(type, data, head);
	body = (const char *)lf + 1;
	size -= head + 1;
	n = multipart_parse(type, body, size, parts);
	must(n == -EBADMSG || (n > 0 && n <= MULTIPART_PARTS_MAX));
	for (int i = 0; i < n; i++) {
		must(parts[i].len == 0 ||
		     (parts[i].body >= body && parts[i].body + parts[i].len <= body + size));
		must(parts[i].type_len <= size);
		read_description(parts[i].body, parts[i].len);
	}
	return 0;
}
