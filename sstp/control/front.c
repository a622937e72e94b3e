/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/front.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sstp/control/reply.h"

enum {
	BACKLOG = 128,
	WHO_MAX = 32,
	UNAUTHORIZED = 401,
	FORBIDDEN = 403,
	TOO_MANY = 429,
	ALLOWED = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
		  EVHTTP_REQ_DELETE,
};

struct front {
	struct front_params params;
	struct evhttp *http;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	bool is_bound;
};

/* A request that is being answered. */
struct front_call {
	struct evhttp_request *req;
	bool is_later; /* it is front_later's */
};

/* ---- the socket ---- */

/* A folder that is there is no error, and one whose parent is missing shows with bind(). */
static void make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (!slash || slash == path)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	mkdir(folder, 0755);
}

/* The errno of an attempt to connect, 0: somebody answers. A listener with a full queue is EAGAIN. */
static int knock(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		error = errno;
	close(fd);
	return error;
}

/*
 * Removes what a gateway has left behind: a stream socket of this user's at which nobody listens. Anything
 * else that is there stays, and is what bind() fails with.
 */
static void remove_left_over(const struct sockaddr_un *addr)
{
	struct stat st;

	if (knock(addr) == ECONNREFUSED && lstat(addr->sun_path, &st) == 0 &&
	    S_ISSOCK(st.st_mode) && st.st_uid == geteuid())
		unlink(addr->sun_path);
}

/* A listening socket, 0600 from its first moment; or -errno. */
static int listen_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd;
	int r;

	memcpy(addr.sun_path, path, strlen(path));
	make_folder(path);
	remove_left_over(&addr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (r == 0)
		r = listen(fd, BACKLOG);
	if (r == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* ---- requests ---- */

static bool method_of(struct evhttp_request *req, enum front_method *ret_method)
{
	switch (evhttp_request_get_command(req)) {
	case EVHTTP_REQ_GET: *ret_method = FRONT_GET; return true;
	case EVHTTP_REQ_POST: *ret_method = FRONT_POST; return true;
	case EVHTTP_REQ_PUT: *ret_method = FRONT_PUT; return true;
	case EVHTTP_REQ_PATCH: *ret_method = FRONT_PATCH; return true;
	case EVHTTP_REQ_DELETE: *ret_method = FRONT_DELETE; return true;
	default: return false;
	}
}

/* The body with a NUL behind it, owned; NULL without memory. */
static char *body_of(struct evhttp_request *req, size_t *ret_len)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	char *body = malloc(len + 1);

	if (body && evbuffer_copyout(in, body, len) == (ssize_t)len) {
		body[len] = '\0';
		*ret_len = len;
		return body;
	}
	free(body);
	return NULL;
}

static char *path_of(struct evhttp_request *req)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	return evhttp_uridecode(path ? path : "", 0, NULL);
}

static const char *query_of(struct evhttp_request *req)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);

	return uri ? evhttp_uri_get_query(uri) : NULL;
}

/* Wipes the answer: it may hold a token. */
static void send_reply(struct evhttp_request *req, struct front_reply *reply)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(req);

	evhttp_add_header(evhttp_request_get_output_headers(req), "Cache-Control", "no-store");
	if (*reply->etag)
		evhttp_add_header(evhttp_request_get_output_headers(req), "ETag", reply->etag);
	if (*reply->location)
		evhttp_add_header(evhttp_request_get_output_headers(req), "Location",
				  reply->location);
	if (reply->json) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
				  reply->content_type ? reply->content_type : "application/json");
		evbuffer_add(out, reply->json, strlen(reply->json));
		explicit_bzero(reply->json, strlen(reply->json));
	}
	evhttp_send_reply(req, reply->status, NULL, NULL);
	free(reply->json);
}

/*
 * Of the process at the other end: its user, or who it speaks for when it is this one. 0, or the status that it
 * is refused with.
 */
static int who_asks(const struct front *f, struct evhttp_request *req, char buf[WHO_MAX],
		    const char **ret_who)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(req);
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
	struct ucred peer;
	struct sockaddr_un address;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return FORBIDDEN;
	snprintf(buf, WHO_MAX, "uid %u", (unsigned)peer.uid);
	*ret_who = buf;
	if (peer.pid != getpid() || !f->params.client)
		return 0;
	len = sizeof(address);
	if (getpeername(fd, (struct sockaddr *)&address, &len) < 0)
		return FORBIDDEN;
	return f->params.client(
		f->params.arg, (struct sockaddr *)&address, len,
		evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization"),
		ret_who);
}

/* Without a body, and the connection ends. */
static void turn_away(struct evhttp_request *req, int status)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	if (status == UNAUTHORIZED)
		evhttp_add_header(headers, "WWW-Authenticate", "Bearer");
	evhttp_add_header(headers, "Connection", "close");
	evhttp_send_reply(req, status, NULL, NULL);
}

/* The same client, only later: its connection stays. */
static void put_off(struct evhttp_request *req)
{
	struct front_reply reply;

	reply_refuse(&reply, TOO_MANY, "too many requests from this address: ask again in a second",
		     NULL);
	evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After", "1");
	send_reply(req, &reply);
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct front *f = arg;
	struct front_call call = {.req = req};
	struct front_request request = {.call = &call};
	struct front_reply reply = {.status = 500};
	char *path;
	char *body;
	char who[WHO_MAX];
	int refused = who_asks(f, req, who, &request.who);

	if (refused == TOO_MANY) {
		put_off(req);
		return;
	}
	if (refused) {
		turn_away(req, refused);
		return;
	}
	path = path_of(req);
	body = body_of(req, &request.body_len);
	if (path && body && method_of(req, &request.method)) {
		request.path = path;
		request.query = query_of(req);
		request.body = body;
		request.if_match =
			evhttp_find_header(evhttp_request_get_input_headers(req), "If-Match");
		request.if_none_match =
			evhttp_find_header(evhttp_request_get_input_headers(req), "If-None-Match");
		f->params.on_request(f->params.arg, &request, &reply);
	}
	if (!call.is_later)
		send_reply(req, &reply);
	free(path);
	free(body);
}

/* Who asked may go meanwhile: libevent then keeps the request for whoever answers it, and sends nothing. */
struct front_later *front_later(const struct front_request *request)
{
	if (!request->call)
		return NULL;
	request->call->is_later = true;
	return (struct front_later *)request->call->req;
}

void front_answer(struct front_later *later, struct front_reply *reply)
{
	send_reply((struct evhttp_request *)later, reply);
}

/* ---- life ---- */

static int fail(char ret_error[FRONT_ERROR_MAX], const char *path, int error)
{
	const char *advice = "";

	if (error == -EADDRINUSE)
		advice = ": another gateway answers there, or it is somebody else's; give each "
			 "gateway its own control_socket";
	else if (error == -ENAMETOOLONG)
		advice = ": a socket's path has at most 107 bytes";
	snprintf(ret_error, FRONT_ERROR_MAX, "control_socket %.100s: %s%s", path, strerror(-error),
		 advice);
	return error;
}

static struct evhttp *new_http(struct front *f, struct loop *loop, int fd)
{
	struct evhttp *http = evhttp_new(loop_event_base(loop));

	if (!http)
		return NULL;
	evhttp_set_max_body_size(http, FRONT_BODY_MAX);
	evhttp_set_max_headers_size(http, FRONT_HEAD_MAX);
	evhttp_set_timeout(http, FRONT_TIMEOUT_S);
	evhttp_set_allowed_methods(http, ALLOWED);
	evhttp_set_gencb(http, on_request, f);
	if (evhttp_accept_socket(http, fd) == 0)
		return http;
	evhttp_free(http);
	return NULL;
}

int front_new(struct loop *loop, const struct front_params *params, struct front **ret_front,
	      char ret_error[FRONT_ERROR_MAX])
{
	struct front *f = calloc(1, sizeof(*f));
	int fd;

	if (!f)
		return fail(ret_error, params->path, -ENOMEM);
	f->params = *params;
	fd = (size_t)snprintf(f->path, sizeof(f->path), "%s", params->path) < sizeof(f->path)
		     ? listen_at(params->path)
		     : -ENAMETOOLONG;
	f->is_bound = fd >= 0;
	if (f->is_bound)
		f->http = new_http(f, loop, fd);
	if (f->http) {
		*ret_front = f;
		return 0;
	}
	if (f->is_bound) {
		close(fd);
		fd = -ENOMEM;
	}
	front_free(f);
	return fail(ret_error, params->path, fd);
}

void front_free(struct front *f)
{
	if (!f)
		return;
	if (f->http)
		evhttp_free(f->http);
	if (f->is_bound)
		unlink(f->path);
	free(f);
}
