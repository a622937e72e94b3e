/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_FRONT_H
#define SSTP_CONTROL_FRONT_H
/*
 * HTTP on a unix socket that only its owner can open (mode 0600): a request comes in, and is
 * answered with a text, of JSON unless its answer says another type.
 *
 * Limits: FRONT_BODY_MAX, FRONT_HEAD_MAX; what is larger is answered with 413 or 400. A client that
 * says nothing for FRONT_TIMEOUT_S is cut off.
 */
#include <stddef.h>
#include <sys/socket.h>

#include "sstp/net/loop.h"

enum {
	FRONT_BODY_MAX = 16 << 20, /* a site with all that the gateway holds */
	FRONT_HEAD_MAX = 8 * 1024,
	FRONT_TIMEOUT_S = 30,
	FRONT_ERROR_MAX = 256,
	FRONT_ETAG_MAX = 24,
	FRONT_LOCATION_MAX = 64,
};

enum front_method {
	FRONT_GET,
	FRONT_POST,
	FRONT_PUT,
	FRONT_PATCH,
	FRONT_DELETE,
};

struct front_call;

/* All borrowed for the call. */
struct front_request {
	enum front_method method;
	const char *path;  /* "/v1/tokens"; decoded, without a query */
	const char *query; /* behind it, as it came (query.h); NULL: there is none */
	const char *body;  /* NUL-terminated */
	size_t body_len;
	const char *if_match;	   /* of that header; NULL: there is none */
	const char *if_none_match; /* likewise */
	const char *who;	   /* asks: "uid 0", or what client() says */
	struct front_call *call;   /* for front_later(); NULL: it has to be answered at once */
};

struct front_reply {
	int status;
	char *json;			   /* owned; NULL: no body */
	const char *content_type;	   /* of what is in json, a literal; NULL: it is JSON */
	char etag[FRONT_ETAG_MAX];	   /* for that header, with its quotes; "": none */
	char location[FRONT_LOCATION_MAX]; /* likewise */
};

struct front;

struct front_params {
	const char *path; /* of the socket */
	void (*on_request)(void *arg, const struct front_request *request,
			   struct front_reply *ret_reply);
	/*
	 * Who stands behind a request on a connection that this process itself has made, by the address of
	 * its end and the request's own header (NULL: none): 0 with a borrowed text, or 401, 403 or 429, which
	 * it is refused with; after 429 it may ask again. The member may be NULL: nobody ever does.
	 */
	int (*client)(void *arg, const struct sockaddr *address, socklen_t len,
		      const char *authorization, const char **ret_who);
	void *arg;
};

/*
 * Makes the folder of the socket when only that is missing, and takes the place of a stream socket of
 * this user's that nobody listens at. 0 with an owned front; -errno with a sentence, -EADDRINUSE: something
 * else is there, which is left alone.
 */
int front_new(struct loop *loop, const struct front_params *params, struct front **ret_front,
	      char ret_error[FRONT_ERROR_MAX]);

/*
 * Within on_request: the answer comes later, and ret_reply is of no account. Returns what front_answer() takes, before
 * the front goes; NULL: the request has to be answered at once.
 */
struct front_later *front_later(const struct front_request *request);

/* As ret_reply of on_request. Takes later and the reply's json; nobody may be there any more who reads it. */
void front_answer(struct front_later *later, struct front_reply *reply);

/* Removes the socket. Takes NULL. */
void front_free(struct front *f);

#endif
