/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/est.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "sstp/base/secret.h"
#include "sstp/proto/http.h"
#include "sstp/proto/http_block.h"

enum {
	FIRST_ROOM = 1024,
	LOGIN_MAX = 512, /* bytes of a user name, a colon and a secret */
};

/* ---- refusals ---- */

struct est_reply est_refusal(int status, const char *text)
{
	return (struct est_reply){
		.status = status,
		.content_type = "text/plain",
		.body = text,
		.body_len = strlen(text),
	};
}

static const char *refusal_text(int status)
{
	switch (status) {
	case 401: return "Show the secret of an enrolment token, as Bearer or as password.\n";
	case 404: return "There is nothing here.\n";
	case 405: return "Not by this method.\n";
	case 411: return "Say how long the request is.\n";
	case 413: return "The request is larger than 16384 bytes.\n";
	case 415: return "The request is not application/pkcs10.\n";
	case 417: return "No expectation but 100-continue is met.\n";
	case 431: return "The header is too large.\n";
	case 501: return "Send the request with a length, and without a transfer coding.\n";
	case 505: return "Speak HTTP/1.1.\n";
	default: return "The request is malformed.\n";
	}
}

/* ---- paths ---- */

struct resource {
	const char *name;
	const char *method;
};

static const struct resource resources[] = {
	[EST_CACERTS] = {"cacerts", "GET"},
	[EST_SIMPLEENROLL] = {"simpleenroll", "POST"},
	[EST_SIMPLEREENROLL] = {"simplereenroll", "POST"},
	[EST_CSRATTRS] = {"csrattrs", "GET"},
};

const char *est_operation_name(enum est_operation operation)
{
	return resources[operation].name;
}

/* t without prefix; false when it does not begin so. */
static bool skip_prefix(struct http_text *t, const char *prefix)
{
	size_t len = strlen(prefix);

	if (t->len < len || memcmp(t->p, prefix, len) != 0)
		return false;
	t->p += len;
	t->len -= len;
	return true;
}

bool est_is_request(const void *buf, size_t len)
{
	struct http_text rest = {buf, len < HTTP_HEADER_MAX ? len : HTTP_HEADER_MAX};
	struct http_text method;

	if (!http_text_cut(&rest, ' ', &method) || !http_is_token(method) ||
	    http_text_is(method, "SSTP_DUPLEX_POST"))
		return false;
	return skip_prefix(&rest, EST_PATH) && rest.len && strchr("/? ", rest.p[0]);
}

static int find_operation(struct http_text target, enum est_operation *ret_operation)
{
	struct http_text path;

	if (!http_text_cut(&target, '?', &path))
		path = target;
	if (!skip_prefix(&path, EST_PATH "/"))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++) {
		if (http_text_is(path, resources[i].name)) {
			*ret_operation = (enum est_operation)i;
			return 0;
		}
	}
	return -ENOENT;
}

/* ---- fields ---- */

enum field {
	HAS_HOST = 1 << 0,
	HAS_LENGTH = 1 << 1,
	HAS_TYPE = 1 << 2,
	HAS_AUTHORIZATION = 1 << 3,
};

struct walk {
	struct est_head head;
	unsigned seen;	 /* enum field */
	int line_status; /* found in the request line; it is told before what is wrong with fields */
	int field_status;   /* the first */
	bool is_pkcs10;	    /* the body's type */
	bool is_too_long;   /* the body */
	const char *method; /* the resource's; NULL: there is none */
};

static void refuse_field(struct walk *w, int status)
{
	if (!w->field_status)
		w->field_status = status;
}

/* Of those that may stand there once only. */
static void see(struct walk *w, enum field field)
{
	if (w->seen & field)
		refuse_field(w, 400);
	w->seen |= field;
}

static void take_length(struct walk *w, struct http_text value)
{
	size_t n = 0;

	see(w, HAS_LENGTH);
	if (!value.len)
		refuse_field(w, 400);
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9') {
			refuse_field(w, 400);
			return;
		}
		if (n <= EST_BODY_MAX) /* it can only grow from there */
			n = n * 10 + (size_t)(value.p[i] - '0');
	}
	w->is_too_long = n > EST_BODY_MAX;
	w->head.body_len = n;
}

/* The media type in front of the parameters. */
static struct http_text media_type(struct http_text value)
{
	struct http_text type;

	if (!http_text_cut(&value, ';', &type))
		type = value;
	return http_text_trim(type);
}

static void take_accept(struct walk *w, struct http_text value)
{
	struct http_text element;

	while (http_text_cut(&value, ',', &element))
		w->head.wants_network |=
			http_text_is_nocase(media_type(element), "multipart/mixed");
	w->head.wants_network |= http_text_is_nocase(media_type(value), "multipart/mixed");
}

/* What cannot be a secret is left out. */
static void keep_secret(struct walk *w, struct http_text t)
{
	uint8_t secret[EST_SECRET_SIZE];
	size_t n;

	if (base64_decode(BASE64_URL, t.p, t.len, secret, sizeof(secret), &n) == 0 &&
	    n == EST_SECRET_SIZE) {
		memcpy(w->head.secret, secret, sizeof(secret));
		w->head.has_secret = true;
	}
	secret_wipe_bytes(secret, sizeof(secret));
}

static void take_basic(struct walk *w, struct http_text value)
{
	uint8_t login[LOGIN_MAX];
	struct http_text rest = {.p = (const char *)login}, user;

	if (base64_decode(BASE64_LINE, value.p, value.len, login, sizeof(login), &rest.len) == 0 &&
	    http_text_cut(&rest, ':', &user))
		keep_secret(w, rest);
	secret_wipe_bytes(login, sizeof(login));
}

static void take_authorization(struct walk *w, struct http_text value)
{
	struct http_text scheme;

	see(w, HAS_AUTHORIZATION);
	if (!http_text_cut(&value, ' ', &scheme))
		return;
	value = http_text_trim(value);
	if (http_text_is_nocase(scheme, "Bearer"))
		keep_secret(w, value);
	else if (http_text_is_nocase(scheme, "Basic"))
		take_basic(w, value);
}

static void take_type(struct walk *w, struct http_text value)
{
	see(w, HAS_TYPE);
	w->is_pkcs10 = http_text_is_nocase(media_type(value), "application/pkcs10");
}

static void take_expect(struct walk *w, struct http_text value)
{
	if (http_text_is_nocase(value, "100-continue"))
		w->head.expects_continue = true;
	else
		refuse_field(w, 417);
}

static void take_host(struct walk *w, struct http_text value)
{
	see(w, HAS_HOST);
}

/* The proxies and we would not agree where the request ends. */
static void take_coding(struct walk *w, struct http_text value)
{
	refuse_field(w, 501);
}

static const struct {
	const char *name;
	void (*take)(struct walk *w, struct http_text value);
} fields[] = {
	{"Accept", take_accept},
	{"Authorization", take_authorization},
	{"Content-Length", take_length},
	{"Content-Type", take_type},
	{"Expect", take_expect},
	{"Host", take_host},
	{"Transfer-Encoding", take_coding},
};

static int take_field(struct walk *w, struct http_text line)
{
	struct http_text name, value;

	if (http_split_field(line, &name, &value) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (http_text_is_nocase(name, fields[i].name))
			fields[i].take(w, value);
	return 0;
}

/* ---- the whole block ---- */

static int take_request_line(struct walk *w, struct http_text line)
{
	struct http_text method, target;

	w->line_status = http_split_request(line, &method, &target);
	if (w->line_status)
		return w->line_status == 400 ? -EBADMSG : 0;
	if (find_operation(target, &w->head.operation) < 0) {
		w->line_status = 404;
		return 0;
	}
	w->method = resources[w->head.operation].method;
	if (!http_text_is(method, w->method))
		w->line_status = 405;
	return 0;
}

static int on_line(void *arg, unsigned n, struct http_text line)
{
	return n ? take_field(arg, line) : take_request_line(arg, line);
}

/* Of a POST; 0: it is fine. */
static int judge_body(const struct walk *w)
{
	if (!(w->seen & HAS_LENGTH))
		return 411;
	if (w->is_too_long)
		return 413;
	if (!w->is_pkcs10)
		return 415;
	return w->head.body_len ? 0 : 400;
}

/* The status to refuse it with; 0: it is fine. */
static int judge(const struct walk *w)
{
	int status = w->line_status ? w->line_status : w->field_status;

	if (status)
		return status;
	if (!(w->seen & HAS_HOST)) /* RFC 9112 3.2 */
		return 400;
	if (strcmp(w->method, "GET") == 0)
		return w->head.body_len ? 400 : 0;
	/* a client that knows no secret yet need not send all the rest first */
	if (w->head.operation == EST_SIMPLEENROLL && !w->head.has_secret)
		return 401;
	return judge_body(w);
}

static struct est_reply refusal_of(const struct walk *w, int status)
{
	struct est_reply reply = est_refusal(status, refusal_text(status));

	if (status == 405)
		reply.allow = w->method;
	return reply;
}

int est_parse_head(const void *buf, size_t len, struct est_head *ret_head,
		   struct est_reply *ret_refusal)
{
	struct walk w = {.line_status = 0};
	int n = http_walk_block(buf, len, on_line, &w);
	int status = n == -EMSGSIZE ? 431 : 400;

	if (n == 0)
		goto out;
	if (n > 0)
		status = judge(&w);
	if (status) {
		*ret_refusal = refusal_of(&w, status);
		n = -EBADMSG;
		goto out;
	}
	*ret_head = w.head;
out:
	secret_wipe_bytes(&w, sizeof(w));
	return n;
}

/* ---- the body ---- */

static int make_room(struct est_body *b, size_t need)
{
	size_t room = b->room ? b->room : FIRST_ROOM;
	uint8_t *bytes;

	while (room < need)
		room *= 2;
	if (room == b->room)
		return 0;
	bytes = realloc(b->bytes, room);
	if (!bytes)
		return -ENOMEM;
	b->bytes = bytes;
	b->room = room;
	return 0;
}

int est_body_take(struct est_body *b, const void *buf, size_t len)
{
	size_t n = b->want - b->len < len ? b->want - b->len : len;

	if (!n)
		return 0;
	if (make_room(b, b->len + n) < 0)
		return -ENOMEM;
	memcpy(b->bytes + b->len, buf, n);
	b->len += n;
	return (int)n;
}

bool est_body_is_whole(const struct est_body *b)
{
	return b->len == b->want;
}

void est_body_done(struct est_body *b)
{
	free(b->bytes);
	*b = (struct est_body){.bytes = NULL};
}

/* ---- replies ---- */

static const char *reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 202: return "Accepted";
	case 204: return "No Content";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 408: return "Request Timeout";
	case 409: return "Conflict";
	case 411: return "Length Required";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 417: return "Expectation Failed";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	default: return "Other";
	}
}

static bool is_set(const char *text)
{
	return text && *text;
}

/* Visible ASCII and blanks, or nothing at all: it cannot add a field of its own. */
static bool is_harmless(const char *value)
{
	size_t len = value ? strnlen(value, EST_TYPE_MAX) : 0;

	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~')
			return false;
	return len < EST_TYPE_MAX;
}

static bool can_be_sent(const struct est_reply *r)
{
	if (r->status < 200 || r->status > 599 || r->body_len > EST_REPLY_MAX ||
	    !is_harmless(r->content_type) || !is_harmless(r->encoding))
		return false;
	return is_set(r->content_type) ? r->status != 204 : !r->body_len;
}

struct out {
	char *buf;
	size_t size, len; /* len stays at size when it does not fit */
};

static void put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *fmt, ...)
{
	size_t left = o->size - o->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->len, left, fmt, ap);
	va_end(ap);
	o->len = n < 0 || (size_t)n >= left ? o->size : o->len + (size_t)n;
}

/* The fields that not every reply has. */
static void put_fields(struct out *o, const struct est_reply *r)
{
	if (is_set(r->content_type))
		put(o, "Content-Type: %s\r\n", r->content_type);
	if (is_set(r->encoding))
		put(o, "Content-Transfer-Encoding: %s\r\n", r->encoding);
	if (r->retry_after_s)
		put(o, "Retry-After: %u\r\n", r->retry_after_s);
	if (r->status == 401) /* Basic first: some clients look at one only */
		put(o, "WWW-Authenticate: Basic realm=\"enrolment\"\r\n"
		       "WWW-Authenticate: Bearer realm=\"enrolment\"\r\n");
	if (r->allow)
		put(o, "Allow: %s\r\n", r->allow);
	if (r->status != 204) /* RFC 9110 8.6 */
		put(o, "Content-Length: %zu\r\n", r->body_len);
}

int est_write_reply(char *buf, size_t size, const struct est_reply *reply)
{
	static const char sorry[] = "The answer cannot be sent.\n";
	struct est_reply instead = est_refusal(500, sorry);
	const struct est_reply *r = can_be_sent(reply) ? reply : &instead;
	struct out o = {buf, size, 0};

	put(&o, "HTTP/1.1 %d %s\r\n", r->status, reason(r->status));
	put_fields(&o, r);
	put(&o, "Connection: close\r\n\r\n");
	if (o.size - o.len < r->body_len || o.len == o.size)
		return -ENOSPC;
	if (r->body_len)
		memcpy(buf + o.len, r->body, r->body_len);
	return (int)(o.len + r->body_len);
}

/* ---- copies ---- */

/* A copy of len bytes at *at, which moves behind them. */
static uint8_t *append(uint8_t **at, const void *bytes, size_t len)
{
	uint8_t *copy = *at;

	if (len)
		memcpy(copy, bytes, len);
	*at += len;
	return copy;
}

struct est_request *est_request_dup(const struct est_request *request)
{
	struct est_request *copy = malloc(sizeof(*copy) + request->body_len + request->cert_len);
	uint8_t *at = (uint8_t *)(copy + 1);

	if (!copy)
		return NULL;
	*copy = *request;
	copy->body = append(&at, request->body, request->body_len);
	if (request->cert)
		copy->cert = append(&at, request->cert, request->cert_len);
	return copy;
}

void est_request_free(struct est_request *request)
{
	if (!request)
		return;
	secret_wipe_bytes(request->secret, sizeof(request->secret));
	free(request);
}

/* Likewise of a text with its NUL; NULL stays NULL. */
static const char *append_text(uint8_t **at, const char *text)
{
	return text ? (const char *)append(at, text, strlen(text) + 1) : NULL;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

struct est_reply *est_reply_dup(const struct est_reply *reply)
{
	size_t size = text_size(reply->content_type) + text_size(reply->encoding) +
		      text_size(reply->allow) + text_size(reply->reason) + reply->body_len;
	struct est_reply *copy = malloc(sizeof(*copy) + size);
	uint8_t *at = (uint8_t *)(copy + 1);

	if (!copy)
		return NULL;
	*copy = *reply;
	copy->content_type = append_text(&at, reply->content_type);
	copy->encoding = append_text(&at, reply->encoding);
	copy->allow = append_text(&at, reply->allow);
	copy->reason = append_text(&at, reply->reason);
	copy->body = append(&at, reply->body, reply->body_len);
	return copy;
}

void est_reply_free(struct est_reply *reply)
{
	free(reply);
}
