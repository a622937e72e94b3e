/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TCPPING_TARGET_H
#define TOOLS_TCPPING_TARGET_H
/* What to connect to: HOST, HOST:PORT, HOST PORT, [IPV6]:PORT, IPV6. */
#include <stdint.h>

enum {
	TARGET_HOST_MAX = 256, /* with NUL */
	TARGET_PORT = 80,
};

struct target {
	char host[TARGET_HOST_MAX]; /* without brackets */
	uint16_t port;
};

/* port: the second word, or NULL. 0; -EINVAL with what is wrong in *ret_why, a static text. */
int target_parse(const char *text, const char *port, struct target *ret_target,
		 const char **ret_why);

#endif
