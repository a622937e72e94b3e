/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_CLIENT_H
#define TOOLS_SSTPCTL_CLIENT_H
/* One request to the gateway's control process, over its unix socket. */
#include <jansson.h>

enum {
	CLIENT_ERROR_MAX = 512
};

struct client_error {
	char text[CLIENT_ERROR_MAX];
};

/*
 * Asks method ("GET", ...) of path; body is borrowed, NULL: none. 0 with an owned answer. With a
 * sentence: -ENOENT, -EACCES, -ECONNREFUSED: the gateway cannot be reached; -ECONNRESET, -ETIMEDOUT: it went
 * away, or did not answer, and it is not known whether it did what was asked; -EPROTO: it refuses, in its own
 * words, or does not speak as it should; -ENOMEM. An answer is an object; what is in it is not checked.
 */
int client_ask(const char *socket, const char *method, const char *path, const json_t *body,
	       json_t **ret_answer, struct client_error *ret_error);

#endif
