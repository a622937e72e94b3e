/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_CLIENT_H
#define TOOLS_SSTPCTL_CLIENT_H
/* Requests to the gateway's control process, over its unix socket or over TCP with TLS. */
#include <jansson.h>

enum {
	CLIENT_ERROR_MAX = 1024
};

struct client_error {
	int status; /* of HTTP; 0: it did not come to that */
	const char *
		target; /* which part of the body is meant; "": none; lives as long as the client */
	char text[CLIENT_ERROR_MAX];
};

/* All borrowed for the client's life; NULL: not given. */
struct client_params {
	const char *socket;
	const char *server; /* "https://host:port"; goes over the socket */
	const char *token_file;
	const char *cert;
	const char *key;
	const char *cacert;
};

struct client;

/* 0 with an owned client; with a sentence -EINVAL (what was given will not do), -ENOMEM, or as client_ask(). */
int client_new(const struct client_params *params, struct client **ret_client,
	       struct client_error *ret_error);
/* Takes NULL. */
void client_free(struct client *c);

struct client_request {
	const char *method;   /* "GET" */
	const char *path;     /* as a URL has it, with its query */
	const json_t *body;   /* borrowed; NULL: none */
	const char *if_match; /* NULL: none */
};

/*
 * 0 with an owned answer, an object or an array, or a string of a plain text; what is in it is not checked. An operation that takes long
 * (202) is waited for. With a sentence: -ENOENT, -EACCES, -ECONNREFUSED: the gateway cannot be reached;
 * -ECONNRESET, -ETIMEDOUT: it went away, or did not answer, and it is not known whether it did what was
 * asked; -EPROTO: it refuses, in its own words, or does not speak as it should; -EINVAL: the server's URL or a file; -ENOMEM.
 */
int client_ask(struct client *c, const struct client_request *request, json_t **ret_answer,
	       struct client_error *ret_error);

#endif
