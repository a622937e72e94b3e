/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_NAME_H
#define CERTS_NAME_H
/* Whom a client certificate stands for, and what may be a name. */
#include <openssl/x509.h>
#include <stdbool.h>

#include "certs/error.h"

enum {
	NAME_MAX_BYTES = 256, /* of a client certificate's name, with NUL */
	NAME_LABEL_MAX = 65,  /* of an app, a VNet, a root: with NUL */
};

/*
 * The name that a client certificate stands for: the UPN of its subject alternative name; without
 * one, its rfc822Name; without one, its common name (the most specific, which is the last). Only
 * the kind that comes first counts: an unusable UPN does not make the common name count. Refused
 * with -EBADMSG and a sentence: none of the three, empty, an embedded NUL, '*', control characters,
 * blanks at an end, not UTF-8, more than 255 bytes, several of the kind.
 */
int name_of_client(const X509 *cert, char ret_name[NAME_MAX_BYTES], struct certs_error *ret_error);

/*
 * True for what may be called an app, a VNet or a root: 1..64 letters, digits, '-', '_', '.', the
 * first of them a letter or a digit. No blank (the original refuses them too), no '@', no '/'.
 */
bool name_is_label(const char *name);

/* The same app or VNet: case does not count, as with resource names of the original. */
bool name_equal(const char *a, const char *b);

#endif
