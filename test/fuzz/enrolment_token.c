/* SPDX-License-Identifier: Apache-2.0 */
/* An enrolment token as somebody typed it, and the secret of one as a worker shows it. */
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
	uint8_t secret[TOKEN_SECRET_SIZE];
	const char *text = (const char *)data;
	char secret_text[TOKEN_SECRET_TEXT_MAX];
	struct token t;

	if (token_decode(text, size, &t, NULL) == 0)
		check_text(text, size, &t);
	if (token_secret_decode(text, size, secret) == 0) {
		token_secret_encode(secret, secret_text);
		if (strlen(secret_text) != size || memcmp(secret_text, text, size) != 0)
			abort();
	}
	return 0;
}
