/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_BASE64_H
#define CERTS_BASE64_H
/*
 * Base64 (RFC 4648), strict: one text stands for one byte string. Padding must be right, bits that
 * are left over must be 0. libcrypto's decoder lets all of this pass.
 */
#include <stddef.h>
#include <stdint.h>

enum base64_kind {
	BASE64_PLAIN, /* "+/", padded; blanks and newlines between the characters are skipped */
	BASE64_LINE,  /* "+/", padded, one line: no blank anywhere */
	BASE64_URL,   /* "-_", without padding, no blank anywhere */
};

/* Characters for len bytes, and one for the NUL. */
#define BASE64_TEXT_MAX(len) (((len) + 2) / 3 * 4 + 1)

/*
 * Writes one line and a NUL; ret_text has room for BASE64_TEXT_MAX(len). Returns the characters
 * without NUL.
 */
size_t base64_encode(enum base64_kind kind, const void *bytes, size_t len, char *ret_text);

/*
 * Decodes len characters (a NUL is none of them) into at most cap bytes. Returns 0 with the number
 * of bytes; -EBADMSG when it is not base64 of this kind, -EMSGSIZE when cap is too small. ret_bytes
 * may be written on failure.
 */
int base64_decode(enum base64_kind kind, const char *text, size_t len, uint8_t *ret_bytes,
		  size_t cap, size_t *ret_len);

#endif
