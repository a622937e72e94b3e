/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bearer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sstp/base/secret.h"
#include "sstp/base/wire.h"

enum {
	DIGEST_SIZE = 32,
	FILE_MAX = 16 * 1024,
};

struct bearer {
	size_t n;
	uint8_t digests[BEARER_TOKENS_MAX][DIGEST_SIZE];
};

static const char token_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789-._~+/=";

static bool digest(const void *token, size_t len, uint8_t ret_digest[DIGEST_SIZE])
{
	return EVP_Digest(token, len, ret_digest, NULL, EVP_sha256(), NULL) == 1;
}

/* ---- the file ---- */

static int add(struct bearer *b, const char *token, size_t len, const char *label, unsigned line,
	       struct certs_error *e)
{
	if (len < BEARER_TOKEN_MIN || len > BEARER_TOKEN_MAX ||
	    strspn(token, token_characters) < len)
		return certs_fail(e, -EINVAL,
				  "%s:%u: a token has %d to %d letters, digits, '-', '.', '_', "
				  "'~', '+', '/', '=': \"openssl rand -hex 32\" makes one",
				  label, line, BEARER_TOKEN_MIN, BEARER_TOKEN_MAX);
	if (b->n == BEARER_TOKENS_MAX)
		return certs_fail(e, -EINVAL, "%s:%u: more than %d tokens", label, line,
				  BEARER_TOKENS_MAX);
	if (!digest(token, len, b->digests[b->n]))
		return certs_fail(e, -ENOMEM, "out of memory");
	b->n++;
	return 0;
}

int bearer_parse(const char *text, const char *label, struct bearer **ret_bearer,
		 struct certs_error *ret_error)
{
	struct bearer *b = calloc(1, sizeof(*b));
	int r = b ? 0 : certs_fail(ret_error, -ENOMEM, "out of memory");

	for (unsigned line = 1; r == 0 && *text; line++) {
		size_t len = strcspn(text, "\r\n");
		size_t end = len + strspn(text + len, "\r");

		if (len && *text != '#')
			r = add(b, text, len, label, line, ret_error);
		text += end + (text[end] == '\n');
	}
	if (r == 0 && !b->n)
		r = certs_fail(ret_error, -EINVAL, "%s: holds no token", label);
	if (r == 0)
		*ret_bearer = b;
	else
		bearer_free(b);
	return r;
}

int bearer_load(const char *path, struct bearer **ret_bearer, struct certs_error *ret_error)
{
	char text[FILE_MAX];
	FILE *f = fopen(path, "re");
	size_t len;
	int r;

	if (!f)
		return certs_fail(ret_error, -errno, "%s: %s", path, strerror(errno));
	len = fread(text, 1, sizeof(text) - 1, f);
	if (ferror(f))
		r = certs_fail(ret_error, -EIO, "%s: cannot be read", path);
	else if (len == sizeof(text) - 1)
		r = certs_fail(ret_error, -EINVAL, "%s: longer than %d bytes", path, FILE_MAX - 2);
	else {
		text[len] = '\0';
		r = bearer_parse(text, path, ret_bearer, ret_error);
	}
	secret_wipe_bytes(text, sizeof(text));
	fclose(f);
	return r;
}

void bearer_free(struct bearer *b)
{
	free(b);
}

/* ---- a request ---- */

/* The next line, without its end; false: there is none. */
static bool next_line(struct wire_reader *r, struct wire_reader *ret_line)
{
	size_t left = wire_left(r);
	const uint8_t *end = left ? memchr(r->pos, '\n', left) : NULL;
	size_t len = end ? (size_t)(end - r->pos) : left;

	if (!left)
		return false;
	*ret_line = wire_sub(r, len);
	if (end)
		wire_u8(r);
	if (len && ret_line->pos[len - 1] == '\r')
		*ret_line = wire_reader(ret_line->pos, len - 1);
	return true;
}

/* Takes word, in any case, off the front; false: it is not there, and nothing was taken. */
static bool take_word(struct wire_reader *r, const char *word)
{
	size_t len = strlen(word);

	if (wire_left(r) < len || strncasecmp((const char *)r->pos, word, len) != 0)
		return false;
	wire_bytes(r, len);
	return true;
}

static void trim(struct wire_reader *r)
{
	while (wire_left(r) && (*r->pos == ' ' || *r->pos == '\t'))
		wire_u8(r);
	while (wire_left(r) && (r->end[-1] == ' ' || r->end[-1] == '\t'))
		*r = wire_reader(r->pos, wire_left(r) - 1);
}

/* All are compared, so that the time says nothing about which it was. */
static enum bearer_verdict judge_token(const struct bearer *b, const struct wire_reader *token)
{
	uint8_t shown[DIGEST_SIZE];
	bool is_right = false;

	if (!b || wire_left(token) > BEARER_TOKEN_MAX ||
	    !digest(token->pos, wire_left(token), shown))
		return BEARER_WRONG;
	for (size_t i = 0; i < b->n; i++)
		is_right |= secret_equal_bytes(shown, b->digests[i], DIGEST_SIZE);
	return is_right ? BEARER_RIGHT : BEARER_WRONG;
}

/* What stands behind "Authorization:". */
static enum bearer_verdict judge_value(const struct bearer *b, struct wire_reader *value)
{
	trim(value);
	if (!take_word(value, "bearer "))
		return BEARER_WRONG;
	trim(value);
	return judge_token(b, value);
}

enum bearer_verdict bearer_judge_value(const struct bearer *b, const char *value)
{
	struct wire_reader r = wire_reader(value, value ? strlen(value) : 0);

	return value ? judge_value(b, &r) : BEARER_NONE;
}

enum bearer_verdict bearer_judge(const struct bearer *b, const char *head, size_t len)
{
	enum bearer_verdict verdict = BEARER_NONE;
	struct wire_reader r = wire_reader(head, len);
	struct wire_reader line;

	while (next_line(&r, &line)) {
		if (!take_word(&line, "authorization:"))
			continue;
		if (verdict != BEARER_NONE)
			return BEARER_WRONG;
		verdict = judge_value(b, &line);
	}
	return verdict;
}

size_t bearer_head_len(const char *buf, size_t len)
{
	const char *end = len ? memmem(buf, len, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - buf) + 4 : 0;
}
