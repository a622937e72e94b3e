/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_PROBE_FETCH_H
#define TOOLS_PROBE_FETCH_H
/* What a certificate says where it is: by HTTP and HTTPS alone, as the system's curl does it. */
#include <stddef.h>
#include <stdint.h>

enum {
	FETCH_MAX = 16 * 1024 * 1024, /* bytes of an answer */
	FETCH_TEXT_MAX = 256,
};

struct fetched {
	uint8_t *bytes; /* owned: fetch_done() */
	size_t len;
	long status;		   /* of HTTP; 0: there was none */
	char text[FETCH_TEXT_MAX]; /* why not, where it failed */
};

/*
 * Waits for up to 4 s. 0 with any status of HTTP; -ENOTSUP: no address of HTTP (LDAP), -EIO: not reached.
 */
int fetch_get(const char *url, struct fetched *ret_fetched);

/* Takes what fetch_get() filled, also when it failed. */
void fetch_done(struct fetched *f);

#endif
