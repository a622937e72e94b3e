/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

int secret_set(struct secret *s, const void *src, size_t len)
{
	secret_wipe(s);
	if (len > SECRET_MAX)
		return -EMSGSIZE;
	if (len)
		memcpy(s->data, src, len);
	s->len = (uint16_t)len;
	return 0;
}

void secret_wipe(struct secret *s)
{
	if (s)
		OPENSSL_cleanse(s, sizeof(*s));
}

void secret_wipe_bytes(void *buf, size_t len)
{
	OPENSSL_cleanse(buf, len);
}

bool secret_equal_bytes(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
