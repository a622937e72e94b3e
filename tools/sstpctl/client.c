/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 64 << 20, /* bytes: ten thousand certificates are 10 MB */
	TIMEOUT_S = 60,
	OPERATION_S = 3600, /* how long one that was accepted is waited for */
	POLL_MS = 100,
	TOKEN_MAX = 4096,
	TARGET_MAX = 512,
};

struct answer {
	char *data;
	size_t len;
	long status;
	bool is_text; /* plain, no JSON */
};

struct client {
	struct client_params params;
	CURL *curl;
	char *token; /* "Authorization: Bearer ..."; NULL: none */
	char target[TARGET_MAX];
};

static int fail(struct client_error *e, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct client_error *e, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return error;
}

static const char *where(const struct client *c)
{
	return c->params.server ? c->params.server : c->params.socket;
}

/* ---- the socket ---- */

/* Whether it can be reached is asked first: the answer is an errno, and with it what to do. */
static int check_socket(const char *socket_path, struct client_error *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;
	int error = 0;

	if (strlen(socket_path) >= sizeof(addr.sun_path))
		return fail(e, -EINVAL, "%s: a socket's path has at most %zu bytes", socket_path,
			    sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	if (error == EACCES)
		return fail(e, -error,
			    "%s: not allowed: run as the user that the gateway runs as (sudo)",
			    socket_path);
	if (error)
		return fail(e, -error,
			    "%s: %s: is sstp-gateway running, with 'names' or 'state' in its "
			    "configuration? If its control_socket is elsewhere, say so with "
			    "--socket or SSTPCTL_SOCKET",
			    socket_path, strerror(error));
	return 0;
}

/* ---- the client ---- */

/* The first line of the file. */
static int read_token(struct client *c, struct client_error *e)
{
	static const char head[] = "Authorization: Bearer ";
	FILE *f = fopen(c->params.token_file, "re");
	char token[TOKEN_MAX] = "";
	int r = 0;

	if (!f)
		return fail(e, -EINVAL, "%s: %s", c->params.token_file, strerror(errno));
	if (!fgets(token, sizeof(token), f))
		r = fail(e, -EINVAL, "%s: there is no token in it", c->params.token_file);
	fclose(f);
	token[strcspn(token, "\r\n")] = '\0';
	if (r == 0 && asprintf(&c->token, "%s%s", head, token) < 0) {
		c->token = NULL;
		r = fail(e, -ENOMEM, "out of memory");
	}
	explicit_bzero(token, sizeof(token));
	return r;
}

static void set_tls(struct client *c)
{
	const struct client_params *p = &c->params;

	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c->curl, CURLOPT_DEFAULT_PROTOCOL, "https");
	curl_easy_setopt(c->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (p->cacert)
		curl_easy_setopt(c->curl, CURLOPT_CAINFO, p->cacert);
	if (p->cert)
		curl_easy_setopt(c->curl, CURLOPT_SSLCERT, p->cert);
	if (p->key)
		curl_easy_setopt(c->curl, CURLOPT_SSLKEY, p->key);
}

static int set_way(struct client *c, struct client_error *e)
{
	int r;

	if (c->params.server) {
		set_tls(c);
		return c->params.token_file ? read_token(c, e) : 0;
	}
	r = check_socket(c->params.socket, e);
	if (r == 0)
		curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->params.socket);
	return r;
}

int client_new(const struct client_params *params, struct client **ret_client,
	       struct client_error *ret_error)
{
	struct client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return fail(ret_error, -ENOMEM, "out of memory");
	c->params = *params;
	c->curl = curl_easy_init();
	r = c->curl ? set_way(c, ret_error) : fail(ret_error, -ENOMEM, "out of memory");
	if (r < 0)
		client_free(c);
	else
		*ret_client = c;
	return r;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	free(c->token);
	curl_easy_cleanup(c->curl);
	free(c);
}

/* ---- a request ---- */

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t len = size * n;
	char *more = len <= ANSWER_MAX - a->len ? realloc(a->data, a->len + len + 1) : NULL;

	if (!more)
		return 0;
	memcpy(more + a->len, data, len);
	a->data = more;
	a->len += len;
	return len;
}

/* Owned; header is copied. */
static struct curl_slist *make_headers(const struct client *c, const char *if_match)
{
	/* no "Expect: 100-continue" */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	char *text = NULL;

	list = curl_slist_append(list, "Content-Type: application/json");
	if (c->token)
		list = curl_slist_append(list, c->token);
	if (if_match && asprintf(&text, "If-Match: %s", if_match) > 0)
		list = curl_slist_append(list, text);
	free(text);
	return list;
}

/* a->status is filled when curl says CURLE_OK. */
static CURLcode perform(struct client *c, const struct client_request *q, const char *url,
			const char *body, struct answer *a)
{
	static const char plain[] = "text/plain";
	struct curl_slist *headers = make_headers(c, q->if_match);
	const char *type = NULL;
	CURLcode code;

	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	if (body) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	}
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	code = curl_easy_perform(c->curl);
	if (code == CURLE_OK) {
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &a->status);
		curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type);
		a->is_text = type && strncmp(type, plain, strlen(plain)) == 0;
	}
	curl_slist_free_all(headers);
	return code;
}

/* Of a conversation that did not come to its end: was nobody there, or is this no gateway? */
static int error_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE: return -ECONNRESET;
	case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE: return -EINVAL;
	default: return -EPROTO;
	}
}

static int refuse(struct client *c, const json_t *error, struct client_error *e)
{
	const char *target = json_string_value(json_object_get(error, "target"));

	snprintf(c->target, sizeof(c->target), "%s", target ? target : "");
	e->target = c->target;
	return fail(e, -EPROTO, "%s", json_string_value(json_object_get(error, "message")));
}

static int judge(struct client *c, const struct answer *a, json_t **ret_answer,
		 struct client_error *e)
{
	const char *data = a->data ? a->data : "";
	json_t *json = a->is_text ? json_stringn(data, a->len) : json_loadb(data, a->len, 0, NULL);
	const json_t *error = json_object_get(json, "error");
	int r = 0;

	e->status = (int)a->status;
	if (json_is_string(json_object_get(error, "message")))
		r = refuse(c, error, e);
	else if (a->status == 401)
		r = fail(e, -EPROTO,
			 "%s: not allowed: --token-file, or --cert and --key, say who asks",
			 where(c));
	else if (a->status == 403)
		r = fail(e, -EPROTO, "%s: not allowed: it does not let this %s in", where(c),
			 c->token ? "token" : "certificate");
	else if (a->status < 200 || a->status > 299 || (a->len && !json))
		r = fail(e, -EPROTO, "the gateway does not speak as expected: HTTP %ld", a->status);
	if (r == 0)
		*ret_answer = json ? json : json_object();
	else
		json_decref(json);
	return r;
}

/* One request, one answer. */
static int ask_once(struct client *c, const struct client_request *q, struct answer *a,
		    json_t **ret_answer, struct client_error *e)
{
	char *body = q->body ? json_dumps(q->body, JSON_COMPACT) : NULL;
	char *url = NULL;
	CURLcode code;
	int r;

	e->status = 0;
	e->target = "";
	if ((q->body && !body) ||
	    asprintf(&url, "%s%s", c->params.server ? c->params.server : "http://gateway",
		     q->path) < 0) {
		free(body);
		return fail(e, -ENOMEM, "out of memory");
	}
	code = perform(c, q, url, body, a);
	r = code == CURLE_OK
		    ? judge(c, a, ret_answer, e)
		    : fail(e, error_of(code), "%s: %s", where(c), curl_easy_strerror(code));
	free(url);
	free(body);
	return r;
}

/* ---- operations that take long ---- */

static bool is_operation(const json_t *answer, const char *status)
{
	const char *text = json_string_value(json_object_get(answer, "status"));

	return text && strcmp(text, status) == 0;
}

static void show_progress(const json_t *operation)
{
	json_int_t total = json_integer_value(json_object_get(operation, "total"));
	json_int_t done = json_integer_value(json_object_get(operation, "done"));

	if (total > 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%3d %%%s", (int)(100 * done / total),
			is_operation(operation, "Running") ? "" : "\n");
}

/* The operation's result in its place, when it has one; or why it has failed. */
static int take_result(struct client *c, json_t **answer, struct client_error *e)
{
	const json_t *error = json_object_get(*answer, "error");
	json_t *result = json_object_get(*answer, "result");

	if (json_is_string(json_object_get(error, "message")))
		return refuse(c, error, e);
	if (is_operation(*answer, "Failed"))
		return fail(e, -EPROTO, "it has failed");
	if (json_is_object(result)) {
		json_incref(result);
		json_decref(*answer);
		*answer = result;
	}
	return 0;
}

/* What the operation at path has come to is what the request would have got. */
static int wait_for(struct client *c, const char *path, json_t **answer, struct client_error *e)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	const struct client_request q = {.method = "GET", .path = path};
	time_t until = time(NULL) + OPERATION_S;

	while (time(NULL) < until) {
		struct answer a = {0};
		int r;

		show_progress(*answer);
		if (!is_operation(*answer, "Running"))
			return take_result(c, answer, e);
		nanosleep(&pause, NULL);
		json_decref(*answer);
		*answer = NULL;
		r = ask_once(c, &q, &a, answer, e);
		free(a.data);
		if (r < 0 && e->status == 404)
			return fail(
				e, -ECONNRESET,
				"%s: the gateway has started anew, and does not know what has come "
				"of it",
				where(c));
		if (r < 0)
			return r;
	}
	return fail(e, -ETIMEDOUT, "%s: the operation goes on: GET %s tells of it", where(c), path);
}

int client_ask(struct client *c, const struct client_request *request, json_t **ret_answer,
	       struct client_error *ret_error)
{
	struct curl_header *location;
	struct answer a = {0};
	json_t *json = NULL;
	int r = ask_once(c, request, &a, &json, ret_error);

	if (r == 0 && a.status == 202 &&
	    curl_easy_header(c->curl, "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK) {
		char *path = strdup(location->value);

		r = path ? wait_for(c, path, &json, ret_error)
			 : fail(ret_error, -ENOMEM, "out of memory");
		free(path);
	}
	if (r == 0)
		*ret_answer = json;
	else
		json_decref(json);
	free(a.data);
	return r;
}
