/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_SEALED_H
#define SSTP_BASE_SEALED_H
/*
 * Bytes behind a descriptor that nobody can change any more, for another process: it needs no file for them, nor the
 * right to open one. They are in memory only.
 */
#include <stddef.h>
#include <stdint.h>

/* name: what /proc calls it. The descriptor, close-on-exec, or -errno. */
int sealed_new(const char *name, const void *bytes, size_t len);

/*
 * The bytes, owned, with a NUL behind them; they may be secrets. 0; -EFBIG: more than max; -EBADF: it is none of
 * sealed_new(); -ENOMEM; -errno.
 */
int sealed_read(int fd, size_t max, uint8_t **ret_bytes, size_t *ret_len);

#endif
