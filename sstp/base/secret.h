/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_SECRET_H
#define SSTP_BASE_SECRET_H
/*
 * Key material and passwords: fixed room, wiped when done, compared in constant time, never logged
 * (there is no function that prints one).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SECRET_MAX = 512
};

struct secret {
	uint16_t len;
	uint8_t data[SECRET_MAX];
};

/* Copies len bytes in. -EMSGSIZE when longer than SECRET_MAX; then it is left empty. */
int secret_set(struct secret *s, const void *src, size_t len);

/* Wipes it; it is empty afterwards. Takes NULL. */
void secret_wipe(struct secret *s);

/* Wipes len bytes in a way that the compiler keeps. */
void secret_wipe_bytes(void *buf, size_t len);

/* Equal in content; takes the same time wherever the first difference lies. */
bool secret_equal_bytes(const void *a, const void *b, size_t len);

#endif
