/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/request.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/sstpctl/body.h"
#include "tools/sstpctl/client.h"
#include "tools/sstpctl/place.h"
#include "tools/sstpctl/view.h"

/* A path on its way. */
struct path {
	char text[REQUEST_PATH_MAX];
	size_t len;
	bool is_cut;
};

int request_exit_code(int error)
{
	if (error == -EINVAL)
		return EXIT_USAGE;
	return error == -EPROTO || error == -ENOMEM ? EXIT_REFUSED : EXIT_UNREACHABLE;
}

int request_client(struct call *c, struct client **ret_client)
{
	const struct client_params params = {
		.socket = c->options[OPTION_SOCKET] ? c->options[OPTION_SOCKET] : SSTPCTL_SOCKET,
		.server = c->options[OPTION_SERVER],
		.token_file = c->options[OPTION_TOKEN_FILE],
		.cert = c->options[OPTION_CERT],
		.key = c->options[OPTION_KEY],
		.cacert = c->options[OPTION_CACERT],
	};
	struct client_error e;
	int r = *c->client ? 0 : client_new(&params, c->client, &e);

	if (r < 0)
		return call_fail(request_exit_code(r), "%s", e.text);
	*ret_client = *c->client;
	return 0;
}

/* ---- paths ---- */

static void add(struct path *p, const char *text, size_t len)
{
	if (len >= sizeof(p->text) - p->len) {
		p->is_cut = true;
		return;
	}
	memcpy(p->text + p->len, text, len);
	p->len += len;
	p->text[p->len] = '\0';
}

static void add_escaped(struct path *p, const char *word)
{
	char *escaped = curl_easy_escape(NULL, word, 0);

	if (escaped)
		add(p, escaped, strlen(escaped));
	else
		p->is_cut = true;
	curl_free(escaped);
}

/* What stands between braces. 0 or an exit code. */
static int add_word(struct call *c, struct path *p, const char *name, size_t len)
{
	char id[PLACE_ID_MAX], fallback[64];
	bool is_id = *name == '/' || *name == '+';
	size_t name_len = strcspn(name, "=}");
	const char *word = call_word(c, name + is_id, name_len - is_id);
	int code;

	if (!word && name_len < len) {
		snprintf(fallback, sizeof(fallback), "%.*s", (int)(len - name_len - 1),
			 name + name_len + 1);
		word = fallback;
	}
	if (!word)
		return call_fail(EXIT_USAGE, "%.*s is missing; see sstpctl %s %s --help",
				 (int)(len - is_id), name + is_id, c->verb->noun, c->verb->verb);
	if (!is_id && strchr(word, '/'))
		return call_fail(EXIT_USAGE, "'%s' is no name: it has a slash in it", word);
	if (!is_id) {
		add_escaped(p, word);
		return 0;
	}
	code = place_find(c, name + 1, word, *name == '+', id);
	if (code == 0)
		add(p, id, strlen(id));
	return code;
}

/* Where it is stands in the path already. */
static bool is_asked(const struct call *c, int option)
{
	bool is_in_path =
		option == OPTION_SUBSCRIPTION || option == OPTION_RESOURCE_GROUP ||
		(option == OPTION_NAME && c->verb->path && strstr(c->verb->path, "{NAME"));

	return c->options[option] && !is_in_path &&
	       option_is_among((enum option_id)option, c->verb->options, NULL);
}

static void add_query(const struct call *c, struct path *p)
{
	const char *separator = strchr(p->text, '?') ? "&" : "?";

	for (int i = 0; i < OPTION_COMMON; i++) {
		const char *value = c->options[i];

		if (!is_asked(c, i))
			continue;
		add(p, separator, 1);
		add_escaped(p, option_info((enum option_id)i)->name);
		add(p, "=", 1);
		add_escaped(p, option_info((enum option_id)i)->value ? value : "true");
		separator = "&";
	}
}

static int make_path(struct call *c, const char *pattern, struct path *p)
{
	int code = 0;

	while (*pattern && code == 0) {
		size_t len = strcspn(pattern, "{");

		add(p, pattern, len);
		pattern += len;
		if (!*pattern)
			break;
		len = strcspn(++pattern, "}");
		code = add_word(c, p, pattern, len);
		pattern += len + 1;
	}
	if (p->len && p->text[p->len - 1] == '?')
		p->text[--p->len] = '\0';
	if (code == 0 && p->is_cut)
		code = call_fail(EXIT_USAGE, "the names in '%.60s...' are too long", p->text);
	return code;
}

/* ---- requests ---- */

static bool has_query(const char *method, const char *path)
{
	return path[strlen(path) - 1] == '?' ||
	       (!strcmp(method, "GET") && !strncmp(path, "/v1/", 4) && !strchr(path, '{'));
}

int request_send_body(struct call *c, const char *method, const char *path, json_t *body,
		      json_t **ret_answer)
{
	struct path p = {.len = 0};
	struct client *client;
	struct client_error e;
	int code = make_path(c, path, &p), r;

	if (code == 0 && has_query(method, path))
		add_query(c, &p);
	if (code == 0)
		code = request_client(c, &client);
	if (code == 0) {
		r = client_ask(client,
			       &(struct client_request){.method = method,
							.path = p.text,
							.body = body,
							.if_match = c->options[OPTION_IF_MATCH]},
			       ret_answer, &e);
		if (r < 0)
			code = call_fail(request_exit_code(r), "%s", e.text);
	}
	json_decref(body);
	return code;
}

/* 0 with an owned body, NULL of none; or an exit code. */
static int make_body(struct call *c, const char *method, const struct body_field *fields,
		     json_t **ret_body)
{
	json_t *body = NULL;
	int code = fields ? body_make(c, fields, &body) : 0;

	if (code)
		return code;
	if (fields && !strcmp(method, "PATCH") && !json_object_size(body)) {
		json_decref(body);
		return call_fail(EXIT_USAGE, "nothing is said to change; see sstpctl %s %s --help",
				 c->verb->noun, c->verb->verb);
	}
	*ret_body = body;
	return 0;
}

int request_send(struct call *c, const char *method, const char *path,
		 const struct body_field *fields, json_t **ret_answer)
{
	json_t *body = NULL;
	int code = make_body(c, method, fields, &body);

	return code ? code : request_send_body(c, method, path, body, ret_answer);
}

/* What is made must not be there: PUT would take the place of it. 0 or an exit code. */
static int check_absent(struct call *c)
{
	struct client *client;
	struct client_error e;
	struct path p = {.len = 0};
	json_t *there;
	int code = make_path(c, c->verb->path, &p), r;

	if (code == 0)
		code = request_client(c, &client);
	if (code)
		return code;
	r = client_ask(client, &(struct client_request){.method = "GET", .path = p.text}, &there,
		       &e);
	if (r == 0) {
		json_decref(there);
		return call_fail(EXIT_REFUSED, "%s is there already; sstpctl %s set changes it",
				 p.text, c->verb->noun);
	}
	return e.status == 404 || e.status == 400 ? 0
						  : call_fail(request_exit_code(r), "%s", e.text);
}

static bool is_creation(const struct verb *v)
{
	return !strcmp(v->method, "PUT") && !strcmp(v->verb, "create");
}

int request_run(struct call *c)
{
	const struct verb *v = c->verb;
	json_t *body = NULL, *answer = NULL;
	int code = make_body(c, v->method, v->body, &body);

	if (code == 0 && is_creation(v))
		code = check_absent(c);
	if (code)
		json_decref(body);
	else if (*v->path == '*')
		code = place_list(c, v->path + 1, &answer);
	else
		code = request_send_body(c, v->method, v->path, body, &answer);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}
