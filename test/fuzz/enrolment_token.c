/* SPDX-License-Identifier: Apache-2.0 */
/* An enrolment token as somebody typed it. */
#include "certs/token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One text stands for one token. */
static void check_text(const char *text, size_t size, const struct token *t)
{
	char again[TOKEN_TEXT_MAX];

	if (token_encode(t, again, NULL) != 0 || !memmem(text, size, again, strlen(again)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct token t;

	if (token_decode(text, size, &t, NULL) == 0)
		check_text(text, size, &t);
	return 0;
}
