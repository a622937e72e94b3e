/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 64 << 20, /* bytes: ten thousand certificates are 10 MB */
	TIMEOUT_S = 60,
	URL_MAX = 512,
};

struct answer {
	char *data;
	size_t len;
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
			    "--socket",
			    socket_path, strerror(error));
	return 0;
}

/* ---- the request ---- */

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

/* ret_status is filled when curl says CURLE_OK. */
static CURLcode perform(CURL *curl, const char *method, const char *body, struct answer *a,
			long *ret_status)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURLcode code;

	/* no "Expect: 100-continue" */
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	curl_slist_free_all(headers);
	return code;
}

/* Of a conversation that did not come to its end: was nobody there, or is this no gateway? */
static int error_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE: return -ECONNRESET;
	case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
	default: return -EPROTO;
	}
}

static int judge(long status, const struct answer *a, json_t **ret_answer, struct client_error *e)
{
	json_t *json = json_loadb(a->data ? a->data : "", a->len, 0, NULL);
	const char *message =
		json_string_value(json_object_get(json_object_get(json, "error"), "message"));
	int r = 0;

	if (message)
		r = fail(e, -EPROTO, "%s", message);
	else if (status < 200 || status > 299 || !json_is_object(json))
		r = fail(e, -EPROTO, "the gateway does not speak as expected: HTTP %ld", status);
	if (r < 0)
		json_decref(json);
	else
		*ret_answer = json;
	return r;
}

int client_ask(const char *socket_path, const char *method, const char *path, const json_t *body,
	       json_t **ret_answer, struct client_error *ret_error)
{
	struct answer a = {0};
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char url[URL_MAX];
	long status = 0;
	CURL *curl;
	CURLcode code;
	int r = check_socket(socket_path, ret_error);

	if (r < 0) {
		free(text);
		return r;
	}
	curl = curl_easy_init();
	if (!curl || (body && !text)) {
		free(text);
		return fail(ret_error, -ENOMEM, "out of memory");
	}
	snprintf(url, sizeof(url), "http://localhost%s", path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	code = perform(curl, method, text, &a, &status);
	if (code == CURLE_OK)
		r = judge(status, &a, ret_answer, ret_error);
	else
		r = fail(ret_error, error_of(code), "%s: %s", socket_path,
			 curl_easy_strerror(code));
	curl_easy_cleanup(curl);
	free(text);
	free(a.data);
	return r;
}
