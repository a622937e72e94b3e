/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "certs/base64.h"

#define PREFIX	    "sstp1."
#define PREFIX_NAME "sstp"

enum {
	PREFIX_LEN = sizeof(PREFIX) - 1,
	GATEWAY_MAX = 255,
	EXPIRY_SIZE = 8,
	CHECK_SIZE = 4,
	FIXED_SIZE = 1 + CERT_FINGERPRINT_SIZE + TOKEN_SECRET_SIZE + EXPIRY_SIZE + CHECK_SIZE,
	PAYLOAD_MAX = FIXED_SIZE + GATEWAY_MAX,
};

/* base64 without padding */
_Static_assert(PREFIX_LEN + (PAYLOAD_MAX * 4 + 2) / 3 + 1 == TOKEN_TEXT_MAX, "the longest token");
_Static_assert((TOKEN_SECRET_SIZE * 4 + 2) / 3 + 1 == TOKEN_SECRET_TEXT_MAX, "a secret");

/* Prefix and payload in one piece, as the checksum covers them. Holds the secret. */
struct image {
	uint8_t bytes[PREFIX_LEN + PAYLOAD_MAX];
	size_t len;
};

void token_wipe(struct token *t)
{
	if (t)
		OPENSSL_cleanse(t, sizeof(*t));
}

int token_secret_new(uint8_t ret_secret[TOKEN_SECRET_SIZE])
{
	return RAND_priv_bytes(ret_secret, TOKEN_SECRET_SIZE) == 1 ? 0 : -EIO;
}

void token_hash(const uint8_t secret[TOKEN_SECRET_SIZE], uint8_t ret_hash[TOKEN_HASH_SIZE])
{
	SHA256(secret, TOKEN_SECRET_SIZE, ret_hash);
}

static void put(struct image *image, const void *bytes, size_t len)
{
	memcpy(image->bytes + image->len, bytes, len);
	image->len += len;
}

static void checksum(const struct image *image, uint8_t ret_check[CHECK_SIZE])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256(image->bytes, image->len, hash);
	memcpy(ret_check, hash, CHECK_SIZE);
}

static void build(const struct token *t, struct image *ret_image)
{
	uint8_t len = (uint8_t)strlen(t->gateway);
	uint8_t expiry[EXPIRY_SIZE];
	uint8_t check[CHECK_SIZE];

	for (int i = 0; i < EXPIRY_SIZE; i++)
		expiry[i] = (uint8_t)((uint64_t)t->expires >> (8 * (EXPIRY_SIZE - 1 - i)));
	ret_image->len = 0;
	put(ret_image, PREFIX, PREFIX_LEN);
	put(ret_image, &len, 1);
	put(ret_image, t->gateway, len);
	put(ret_image, t->root, sizeof(t->root));
	put(ret_image, t->secret, sizeof(t->secret));
	put(ret_image, expiry, sizeof(expiry));
	checksum(ret_image, check);
	put(ret_image, check, sizeof(check));
}

int token_encode(const struct token *t, char ret_text[TOKEN_TEXT_MAX],
		 struct certs_error *ret_error)
{
	struct image image;

	if (strlen(t->gateway) > GATEWAY_MAX || !hostname_split(t->gateway, NULL, NULL))
		return certs_fail(ret_error, -EINVAL,
				  "'%s' is not what a worker can dial: write NAME or NAME:PORT, an "
				  "IPv6 address in brackets",
				  t->gateway);
	if (t->expires < 0)
		return certs_fail(ret_error, -EINVAL, "a token cannot expire before 1970");
	build(t, &image);
	memcpy(ret_text, PREFIX, PREFIX_LEN);
	base64_encode(BASE64_URL, image.bytes + PREFIX_LEN, image.len - PREFIX_LEN,
		      ret_text + PREFIX_LEN);
	OPENSSL_cleanse(&image, sizeof(image));
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **text, size_t *len)
{
	while (*len > 0 && is_blank(**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && is_blank((*text)[*len - 1]))
		(*len)--;
}

/* Reads fields one behind the other; the caller has checked that they are there. */
static const uint8_t *take(const uint8_t **pos, size_t len)
{
	const uint8_t *bytes = *pos;

	*pos += len;
	return bytes;
}

static void read_fields(const struct image *image, struct token *t)
{
	const uint8_t *pos = image->bytes + PREFIX_LEN;
	size_t len = *take(&pos, 1);
	uint64_t expires = 0;
	const uint8_t *expiry;

	memcpy(t->gateway, take(&pos, len), len);
	t->gateway[len] = '\0';
	memcpy(t->root, take(&pos, sizeof(t->root)), sizeof(t->root));
	memcpy(t->secret, take(&pos, sizeof(t->secret)), sizeof(t->secret));
	expiry = take(&pos, EXPIRY_SIZE);
	for (int i = 0; i < EXPIRY_SIZE; i++)
		expires = expires << 8 | expiry[i];
	t->expires = (int64_t)expires;
}

static bool is_checksum_right(const struct image *image)
{
	struct image covered = *image;
	uint8_t check[CHECK_SIZE];

	covered.len -= CHECK_SIZE;
	checksum(&covered, check);
	OPENSSL_cleanse(&covered, sizeof(covered));
	return memcmp(check, image->bytes + image->len - CHECK_SIZE, CHECK_SIZE) == 0;
}

static int parse(const struct image *image, struct token *t, struct certs_error *ret_error)
{
	size_t payload = image->len - PREFIX_LEN;

	if (payload < FIXED_SIZE || payload != FIXED_SIZE + (size_t)image->bytes[PREFIX_LEN] ||
	    !is_checksum_right(image))
		return certs_fail(ret_error, -EBADMSG,
				  "the token is not complete, or a character of it is wrong");
	read_fields(image, t);
	if (t->expires < 0 || memchr(t->gateway, '\0', image->bytes[PREFIX_LEN]) ||
	    !hostname_split(t->gateway, NULL, NULL))
		return certs_fail(ret_error, -EBADMSG, "the token names no gateway");
	return 0;
}

static int check_prefix(const char *text, size_t len, struct certs_error *ret_error)
{
	if (len >= PREFIX_LEN && memcmp(text, PREFIX, PREFIX_LEN) == 0)
		return 0;
	if (len >= PREFIX_LEN && memcmp(text, PREFIX_NAME, sizeof(PREFIX_NAME) - 1) == 0)
		return certs_fail(ret_error, -EPROTONOSUPPORT,
				  "the token is of another version than this program: it has to "
				  "begin with " PREFIX);
	return certs_fail(ret_error, -EBADMSG, "this is no token: one begins with " PREFIX);
}

static int decode(const char *text, size_t len, struct token *t, struct certs_error *ret_error)
{
	struct image image;
	size_t payload;
	int err;

	memcpy(image.bytes, PREFIX, PREFIX_LEN);
	err = base64_decode(BASE64_URL, text, len, image.bytes + PREFIX_LEN, PAYLOAD_MAX, &payload);
	if (err) {
		err = certs_fail(ret_error, -EBADMSG,
				 "the token is not complete, or a character of it is wrong");
	} else {
		image.len = PREFIX_LEN + payload;
		err = parse(&image, t, ret_error);
	}
	OPENSSL_cleanse(&image, sizeof(image));
	return err;
}

int token_decode(const char *text, size_t len, struct token *ret_token,
		 struct certs_error *ret_error)
{
	struct token t = {0};
	int err;

	trim(&text, &len);
	if (len >= TOKEN_TEXT_MAX)
		return certs_fail(ret_error, -EMSGSIZE, "a token has at most %d characters",
				  TOKEN_TEXT_MAX - 1);
	err = check_prefix(text, len, ret_error);
	if (!err)
		err = decode(text + PREFIX_LEN, len - PREFIX_LEN, &t, ret_error);
	if (!err)
		*ret_token = t;
	token_wipe(&t);
	return err;
}

void token_secret_encode(const uint8_t secret[TOKEN_SECRET_SIZE],
			 char ret_text[TOKEN_SECRET_TEXT_MAX])
{
	base64_encode(BASE64_URL, secret, TOKEN_SECRET_SIZE, ret_text);
}
