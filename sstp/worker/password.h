/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_PASSWORD_H
#define SSTP_WORKER_PASSWORD_H
/* A password out of a file. */
#include "sstp/base/secret.h"

enum {
	PASSWORD_MAX = 256, /* bytes */
	PASSWORD_PROBLEM_MAX = 160,
};

/*
 * The first line of path, without its end (LF or CR LF). NULL, or what is wrong as the end of a
 * sentence in buf: it cannot be read, is empty, longer than PASSWORD_MAX or holds a zero byte.
 */
const char *password_read(const char *path, struct secret *ret_password,
			  char buf[PASSWORD_PROBLEM_MAX]);

#endif
