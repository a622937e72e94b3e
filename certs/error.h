/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_ERROR_H
#define CERTS_ERROR_H
/*
 * A sentence for the operator beside each -errno of this folder. Functions that take a `struct
 * certs_error *ret_error` take NULL too, fill it in every case of failure, and leave it alone
 * otherwise. Texts are printable ASCII, without a newline, and never hold a secret; what came from
 * a stranger stands in them with '?' for any other byte.
 */

enum {
	CERTS_ERROR_MAX = 512
};

struct certs_error {
	char text[CERTS_ERROR_MAX];
};

/* Fills ret_error (NULL: does nothing) with the sentence, cut to fit. Returns code, unchanged. */
int certs_fail(struct certs_error *ret_error, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of what ret_error says (NULL: does nothing). Returns code, unchanged. */
int certs_fail_in(struct certs_error *ret_error, int code, const char *prefix);

#endif
