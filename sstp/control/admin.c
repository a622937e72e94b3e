/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/admin.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/calendar.h"
#include "sstp/base/log.h"

enum {
	ID_MAX = 128, /* bytes of what stands for ID or THUMBPRINT in a path */
	DETAIL_MAX = 100,
};

/* One request on its way. */
struct ask {
	const struct admin_world *w;
	struct authority *authority;
	int64_t now;
	char id[ID_MAX]; /* "": the path has none */
	json_t *in;	 /* an object; NULL: no body */
	/* the answer */
	int status;
	json_t *out; /* owned */
	bool has_changed;
};

/* ---- answers ---- */

static const char *code_of(int status)
{
	switch (status) {
	case 400: return "BadRequest";
	case 404: return "NotFound";
	case 405: return "MethodNotAllowed";
	case 409: return "Conflict";
	default: return "InternalServerError";
	}
}

static void refuse(struct ask *q, int status, const char *message)
{
	q->status = status;
	q->out = json_pack("{s:{s:s, s:s}}", "error", "code", code_of(status), "message", message);
}

static void fail(struct ask *q, int error, const struct certs_error *e)
{
	int status = 500;

	if (error == -EINVAL)
		status = 400;
	else if (error == -ENOENT)
		status = 404;
	else if (error == -EEXIST || error == -EALREADY || error == -EBUSY || error == -ENOSPC ||
		 error == -EKEYEXPIRED || error == -EKEYREJECTED || error == -EINPROGRESS)
		status = 409;
	refuse(q, status, e->text);
}

/* Takes out. */
static void answer(struct ask *q, int status, json_t *out)
{
	q->status = status;
	q->out = out;
}

/* Takes list. */
static void answer_list(struct ask *q, json_t *list)
{
	answer(q, 200, json_pack("{s:o}", "value", list));
}

/* 0: never. */
static json_t *time_json(int64_t t)
{
	char text[CALENDAR_TEXT_MAX];

	return t ? json_string(calendar_text(t, text)) : json_null();
}

/* "": none */
static json_t *text_json(const char *text)
{
	return *text ? json_string(text) : json_null();
}

/* ---- what was asked ---- */

/* The text of a key; NULL: not there, or refused. */
static const char *text_of(struct ask *q, const char *key)
{
	return json_string_value(json_object_get(q->in, key));
}

struct field {
	const char *key;
	json_type type; /* JSON_TRUE stands for both */
	bool is_needed;
};

static bool is_of_type(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static const struct field *find_field(const struct field *fields, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	return NULL;
}

/* True when the body has what is needed, and nothing else; otherwise it is refused. */
static bool check_fields(struct ask *q, const struct field *fields, size_t n)
{
	char text[256];
	char shown[DETAIL_MAX];
	const char *key;
	json_t *value;

	json_object_foreach(q->in, key, value)
	{
		const struct field *f = find_field(fields, n, key);

		if (f && is_of_type(value, f->type))
			continue;
		snprintf(text, sizeof(text),
			 f ? "'%s' has the wrong type" : "'%s' is not known here",
			 log_escape(shown, sizeof(shown), key, strlen(key)));
		refuse(q, 400, text);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (!fields[i].is_needed || json_object_get(q->in, fields[i].key))
			continue;
		snprintf(text, sizeof(text), "'%s' is missing", fields[i].key);
		refuse(q, 400, text);
		return false;
	}
	return true;
}

#define CHECK_FIELDS(q, fields) check_fields(q, fields, sizeof(fields) / sizeof((fields)[0]))

/* ---- tokens ---- */

static const char *token_state_text(enum authority_token_state state)
{
	static const char *const texts[] = {
		[AUTHORITY_TOKEN_OPEN] = "open",
		[AUTHORITY_TOKEN_USED] = "used",
		[AUTHORITY_TOKEN_EXPIRED] = "expired",
	};

	return texts[state];
}

static json_t *token_json(const struct authority_token_info *t)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", t->id, "app", t->app,
			 "vnet", t->vnet, "state", token_state_text(t->state), "created",
			 time_json(t->created), "expires", time_json(t->expires), "used",
			 time_json(t->used), "certThumbprint", text_json(t->thumbprint));
}

static void list_tokens(struct ask *q)
{
	json_t *list = json_array();

	for (size_t i = 0; i < authority_token_count(q->authority); i++) {
		struct authority_token_info info;

		authority_token_at(q->authority, i, q->now, &info);
		json_array_append_new(list, token_json(&info));
	}
	answer_list(q, list);
}

/* The newest token is the last one. warning: NULL or a sentence. */
static void answer_token(struct ask *q, const char *text, const char *gateway, const char *warning)
{
	struct authority_token_info info;
	json_t *json;

	authority_token_at(q->authority, authority_token_count(q->authority) - 1, q->now, &info);
	json = token_json(&info);
	json_object_set_new(json, "token", json_string(text));
	json_object_set_new(json, "gateway", json_string(gateway));
	if (warning)
		json_object_set_new(json, "warning", json_string(warning));
	log_info("token %s for app %s in VNet %s is made", info.id, info.app, info.vnet);
	answer(q, 201, json);
}

static bool has_vnet(struct ask *q, const char *vnet)
{
	char text[256];
	char shown[DETAIL_MAX];
	struct certs_error e;
	int r = networks_has_vnet(q->w->est->networks, vnet, &e);

	if (r > 0)
		return true;
	if (r < 0) {
		fail(q, r, &e);
		return false;
	}
	snprintf(text, sizeof(text),
		 "there is no VNet '%s': neither in gateway.yaml nor made by "
		 "the API",
		 log_escape(shown, sizeof(shown), vnet, strlen(vnet)));
	refuse(q, 404, text);
	return false;
}

static bool has_app_name(struct ask *q, const char *app)
{
	char text[256];
	char shown[DETAIL_MAX];

	if (name_is_label(app))
		return true;
	snprintf(text, sizeof(text),
		 "app '%s' is no name: 1 to 64 letters, digits, '-', '_', '.', the first of them a "
		 "letter or a digit",
		 log_escape(shown, sizeof(shown), app, strlen(app)));
	refuse(q, 400, text);
	return false;
}

/* A token on its way, within the model's transaction. */
struct token_making {
	struct ask *q;
	const struct authority_token_request *request;
	char text[TOKEN_TEXT_MAX];
	struct certs_error *e;
};

static int add_token(void *arg)
{
	struct token_making *t = arg;

	return authority_token_add(t->q->authority, t->request, t->q->now, t->text, t->e);
}

/*
 * What the gateway will show to who dials request->gateway. Ours when the authority makes it; pin is
 * filled for one of the operator's. False: refused.
 */
static bool find_pin(struct ask *q, struct authority_token_request *request,
		     struct anchors_pin *ret_pin)
{
	const struct anchors *anchors = q->w->est->anchors;
	char host[HOSTNAME_MAX];
	struct certs_error e;
	int r;

	if (!anchors || !hostname_split(request->gateway, host, NULL))
		return true; /* what is no host the authority refuses, with a sentence */
	r = anchors_pin(anchors, host, ret_pin, &e);
	request->pin = ret_pin->fingerprint;
	if (r < 0)
		fail(q, r, &e);
	return r == 0;
}

static void make_token(struct ask *q, struct authority_token_request *request)
{
	static const char leaf_warning[] =
		"the token pins the gateway's certificate itself, for no issuer of it is known: "
		"workers have to enrol again whenever the certificate is replaced";
	struct anchors_pin pin = {.is_leaf = false};
	struct certs_error e;
	struct token_making making = {.q = q, .request = request, .e = &e};
	int r;

	if (!find_pin(q, request, &pin))
		return;
	r = model_admit(q->w->model, request->app, request->vnet, q->now, add_token, &making, &e);
	if (r < 0)
		fail(q, r, &e);
	else
		answer_token(q, making.text, request->gateway, pin.is_leaf ? leaf_warning : NULL);
	explicit_bzero(making.text, sizeof(making.text));
}

static void create_token(struct ask *q)
{
	static const struct field fields[] = {
		{"app", JSON_STRING, true},
		{"vnet", JSON_STRING, true},
		{"gateway", JSON_STRING, false},
		{"lifetime", JSON_INTEGER, false},
	};
	struct authority_token_request request;
	const json_t *lifetime = json_object_get(q->in, "lifetime");

	if (!CHECK_FIELDS(q, fields) || !has_vnet(q, text_of(q, "vnet")) ||
	    !has_app_name(q, text_of(q, "app")))
		return;
	request = (struct authority_token_request){
		.app = text_of(q, "app"),
		.vnet = text_of(q, "vnet"),
		.gateway = text_of(q, "gateway"),
		.lifetime_s = lifetime ? json_integer_value(lifetime) : ADMIN_LIFETIME_S,
	};
	if (!request.gateway)
		request.gateway = q->w->dial;
	if (*request.gateway)
		make_token(q, &request);
	else
		refuse(q, 400,
		       "'gateway' is missing, and the configuration has no 'names' to take it "
		       "from: say what the worker is to dial");
}

static void drop_token(struct ask *q)
{
	struct certs_error e;
	int r = authority_token_drop(q->authority, q->id, q->now, &e);

	if (r < 0) {
		fail(q, r, &e);
		return;
	}
	log_info("token %s is taken back", q->id);
	answer(q, 200, json_object());
}

/* ---- certificates ---- */

/* Why an app is out of sync, or NULL: what it was handed is what is so now, or it never was. */
static const char *drift_of(struct ask *q, const char *app, const char *vnet)
{
	const struct handed_entry *handed = handed_find(q->w->est->handed, app);
	char roots[NETWORK_DIGEST_MAX];
	struct network network;
	struct certs_error e;
	int r;

	if (!handed)
		return NULL;
	if (networks_has_vnet(q->w->est->networks, vnet, &e) == 0)
		return "its VNet is gone";
	r = networks_find(q->w->est->networks, app, vnet, &network, &e);
	if (r == 0)
		return "it is not connected any more";
	if (r > 0 && strcmp(handed->network, network.digest) != 0)
		return "its network has changed";
	if (est_roots_digest(q->w->est, q->now, roots) == 0 && strcmp(handed->roots, roots) != 0)
		return "the gateway's roots have changed";
	return NULL;
}

static bool is_live(const struct authority_cert_info *info)
{
	return info->status == CERT_VALID || info->status == CERT_NEAR_EXPIRY;
}

static enum cert_status status_of(struct ask *q, const struct authority_cert_info *info)
{
	return is_live(info) && drift_of(q, info->app, info->vnet) ? CERT_OUT_OF_SYNC
								   : info->status;
}

static json_t *cert_json(struct ask *q, const struct authority_cert_info *info)
{
	const struct cert_facts *f = &info->facts;

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, "
		"s:o}",
		"app", info->app, "vnet", info->vnet, "certThumbprint", f->thumbprint, "status",
		status_text(status_of(q, info)), "issued", time_json(info->issued), "notBefore",
		time_json(f->not_before), "notAfter", time_json(f->not_after), "revoked",
		time_json(info->revoked), "serial", f->serial, "subject", f->subject, "issuer",
		f->issuer, "key", f->key, "fingerprint", f->fingerprint, "token",
		text_json(info->token), "renews", text_json(info->renews), "renewedBy",
		text_json(info->renewed_by), "root", text_json(info->root));
}

static void list_certs(struct ask *q)
{
	json_t *list = json_array();

	for (size_t i = 0; i < authority_cert_count(q->authority); i++) {
		struct authority_cert_info info;

		authority_cert_at(q->authority, i, q->now, &info);
		json_array_append_new(list, cert_json(q, &info));
	}
	answer_list(q, list);
}

static void show_cert(struct ask *q)
{
	int i = authority_cert_find(q->authority, q->id);
	struct authority_cert_info info;
	json_t *json;

	if (i < 0) {
		refuse(q, i == -EINVAL ? 400 : 404,
		       i == -EINVAL ? "that is no thumbprint: 40 hex digits"
				    : "no certificate has this thumbprint");
		return;
	}
	authority_cert_at(q->authority, (size_t)i, q->now, &info);
	json = cert_json(q, &info);
	json_object_set_new(json, "certBlob",
			    json_string(authority_cert_blob(q->authority, (size_t)i)));
	answer(q, 200, json);
}

/* The gateway's own. */
static void show_server(struct ask *q)
{
	struct authority_server_info info;
	const struct cert_facts *f = &info.facts;

	if (authority_server_show(q->authority, q->now, &info) < 0) {
		refuse(q, 404, "the authority has made no certificate for the gateway");
		return;
	}
	answer(q, 200,
	       json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o}", "certThumbprint",
			 f->thumbprint, "status", status_text(info.status), "notBefore",
			 time_json(f->not_before), "notAfter", time_json(f->not_after), "serial",
			 f->serial, "subject", f->subject, "issuer", f->issuer, "key", f->key,
			 "fingerprint", f->fingerprint, "root", text_json(info.root)));
}

/* app: "": nobody knows whose. */
static void answer_revoked(struct ask *q, int revoked, const char *app)
{
	json_int_t live = (json_int_t)authority_cert_live(q->authority, app, q->now);

	q->has_changed = true;
	answer(q, 200,
	       json_pack("{s:i, s:o, s:I}", "revoked", revoked, "app", text_json(app), "remaining",
			 live));
}

static void revoke_cert(struct ask *q)
{
	static const struct field fields[] = {
		{"foreign", JSON_TRUE, false},
	};
	struct authority_cert_info info = {.app = ""};
	struct certs_error e;
	unsigned flags = 0;
	int r, i;

	if (!CHECK_FIELDS(q, fields))
		return;
	if (json_is_true(json_object_get(q->in, "foreign")))
		flags |= AUTHORITY_REVOKE_FOREIGN;
	r = authority_revoke(q->authority, q->id, flags, q->now, &e);
	if (r < 0) {
		fail(q, r, &e);
		return;
	}
	log_info("certificate %s is revoked, with its lineage: %d were live", q->id, r);
	i = authority_cert_find(q->authority, q->id);
	if (i >= 0)
		authority_cert_at(q->authority, (size_t)i, q->now, &info);
	answer_revoked(q, r, info.app);
}

static void revoke_app(struct ask *q)
{
	struct certs_error e;
	int r = authority_revoke_app(q->authority, q->id, q->now, &e);

	if (r < 0) {
		fail(q, r, &e);
		return;
	}
	log_info("all certificates of app %s are revoked: %d were live", q->id, r);
	answer_revoked(q, r, q->id);
}

/* ---- roots ---- */

static json_t *root_json(const struct authority_root_info *r)
{
	const char *role = r->is_own ? "own" : "external";

	return json_pack("{s:s, s:s, s:o, s:b, s:b, s:s, s:s, s:s, s:o, s:o, s:o, s:I}", "name",
			 r->name, "kind", role, "vnet", text_json(r->vnet), "issuing",
			 r->is_issuing, "serving", r->is_serving, "thumbprint", r->facts.thumbprint,
			 "status", status_text(r->status), "fingerprint", r->facts.fingerprint,
			 "notBefore", time_json(r->facts.not_before), "notAfter",
			 time_json(r->facts.not_after), "issuesUntil", time_json(r->issues_until),
			 "liveCertificates", (json_int_t)r->live);
}

static void list_roots(struct ask *q)
{
	json_t *list = json_array();

	for (size_t i = 0; i < authority_root_count(q->authority); i++) {
		struct authority_root_info info;
		json_t *json;

		authority_root_at(q->authority, i, q->now, &info);
		json = root_json(&info);
		json_object_set_new(json, "certBlob",
				    json_string(authority_root_blob(q->authority, i)));
		json_array_append_new(list, json);
	}
	answer_list(q, list);
}

static void rotate_roots(struct ask *q)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct certs_error e;
	int r = authority_rotate(q->authority, q->now, thumbprint, &e);

	if (r < 0) {
		fail(q, r, &e);
		return;
	}
	log_info("root %s issues from now on", thumbprint);
	q->has_changed = true;
	answer(q, 201, json_pack("{s:s}", "thumbprint", thumbprint));
}

static void import_root(struct ask *q)
{
	static const struct field fields[] = {
		{"name", JSON_STRING, true},
		{"vnet", JSON_STRING, true},
		{"pem", JSON_STRING, true},
	};
	struct certs_error e;
	int r;

	if (!CHECK_FIELDS(q, fields) || !has_vnet(q, text_of(q, "vnet")))
		return;
	r = authority_import(q->authority, text_of(q, "name"), text_of(q, "vnet"),
			     text_of(q, "pem"), strlen(text_of(q, "pem")), q->now, &e);
	if (r < 0) {
		fail(q, r, &e);
		return;
	}
	log_info("external root %s is trusted for VNet %s", text_of(q, "name"), text_of(q, "vnet"));
	q->has_changed = true;
	answer(q, 201, json_pack("{s:s}", "name", text_of(q, "name")));
}

static void drop_root(struct ask *q)
{
	struct certs_error e;
	int r = authority_drop_root(q->authority, q->id, q->now, &e);

	if (r < 0) {
		fail(q, r, &e);
		return;
	}
	log_info("root %s is trusted no longer: %d live certificates cut", q->id, r);
	q->has_changed = true;
	answer(q, 200, json_pack("{s:i}", "cut", r));
}

/* ---- apps ---- */

static json_t *app_json(struct ask *q, const struct authority_cert_info *info)
{
	const struct handed_entry *handed = handed_find(q->w->est->handed, info->app);
	const char *drift = drift_of(q, info->app, info->vnet);

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:o, s:o}", "app", info->app, "vnet",
			 info->vnet, "certThumbprint", info->facts.thumbprint, "status",
			 status_text(status_of(q, info)), "notAfter",
			 time_json(info->facts.not_after), "resyncRequired", drift != NULL,
			 "reason", text_json(drift ? drift : ""), "synced",
			 time_json(handed ? handed->at : 0));
}

/* Names of apps are the same in any case (name_equal()): these are keys. */
static void fold(const char *app, char ret_key[NAME_LABEL_MAX])
{
	size_t i = 0;

	for (; app[i] && i < NAME_LABEL_MAX - 1; i++)
		ret_key[i] = app[i] >= 'A' && app[i] <= 'Z' ? (char)(app[i] + 32) : app[i];
	ret_key[i] = '\0';
}

/*
 * Of one app's certificates, from the newest on: the newest that still lets it in has the app's row, or the
 * newest when none does. rows has the row's place for as long as a better one may follow, then null.
 */
static void offer_row(struct ask *q, json_t *list, json_t *rows,
		      const struct authority_cert_info *info)
{
	char key[NAME_LABEL_MAX];
	json_t *row;

	fold(info->app, key);
	row = json_object_get(rows, key);
	if (!row) {
		json_object_set_new(rows, key,
				    is_live(info)
					    ? json_null()
					    : json_integer((json_int_t)json_array_size(list)));
		json_array_append_new(list, app_json(q, info));
	} else if (!json_is_null(row) && is_live(info)) {
		json_array_set_new(list, (size_t)json_integer_value(row), app_json(q, info));
		json_object_set_new(rows, key, json_null());
	}
}

static void list_apps(struct ask *q)
{
	json_t *list = json_array();
	json_t *rows = json_object();

	for (size_t i = authority_cert_count(q->authority); i-- > 0;) {
		struct authority_cert_info info;

		authority_cert_at(q->authority, i, q->now, &info);
		offer_row(q, list, rows, &info);
	}
	json_decref(rows);
	answer_list(q, list);
}

/* ---- which one it is ---- */

/* "*" stands for what is in the ask's id. */
static const struct route {
	enum front_method method;
	const char *path;
	void (*run)(struct ask *q);
} routes[] = {
	/* clang-format off */
	{FRONT_GET,    "/v1/tokens",                list_tokens},
	{FRONT_POST,   "/v1/tokens",                create_token},
	{FRONT_DELETE, "/v1/tokens/*",              drop_token},
	{FRONT_GET,    "/v1/certificates",          list_certs},
	{FRONT_GET,    "/v1/certificates/*",        show_cert},
	{FRONT_POST,   "/v1/certificates/*/revoke", revoke_cert},
	{FRONT_GET,    "/v1/server",                show_server},
	{FRONT_GET,    "/v1/roots",                 list_roots},
	{FRONT_POST,   "/v1/roots",                 import_root},
	{FRONT_POST,   "/v1/roots/rotate",          rotate_roots},
	{FRONT_DELETE, "/v1/roots/*",               drop_root},
	{FRONT_GET,    "/v1/apps",                  list_apps},
	{FRONT_POST,   "/v1/apps/*/revoke",         revoke_app},
	/* clang-format on */
};

const char *admin_route(size_t i, enum front_method *ret_method)
{
	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = routes[i].method;
	return routes[i].path;
}

/* Fills id with what stands for the star. */
static bool matches(const char *pattern, const char *path, char id[ID_MAX])
{
	size_t head = strcspn(pattern, "*");
	size_t len = strcspn(path + (strlen(path) < head ? strlen(path) : head), "/");

	if (!pattern[head])
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, head) != 0 || !len || len >= ID_MAX ||
	    strcmp(pattern + head + 1, path + head + len) != 0)
		return false;
	for (size_t i = 0; i < len; i++) /* it goes into a line of the log */
		if (path[head + i] < ' ' || path[head + i] > '~')
			return false;
	snprintf(id, ID_MAX, "%.*s", (int)len, path + head);
	return true;
}

static void dispatch(struct ask *q, const struct front_request *request)
{
	bool is_known = false;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!matches(routes[i].path, request->path, q->id))
			continue;
		is_known = true;
		if (routes[i].method != request->method)
			continue;
		routes[i].run(q);
		return;
	}
	if (is_known)
		refuse(q, 405, "this path has no such method");
	else
		refuse(q, 404, "there is no such path");
}

/* False: refused. */
static bool read_body(struct ask *q, const struct front_request *request)
{
	json_error_t error;
	char text[256];

	if (!request->body_len)
		return true;
	q->in = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(q->in))
		return true;
	if (q->in)
		snprintf(text, sizeof(text), "the body must be a JSON object");
	else
		snprintf(text, sizeof(text), "the body is no JSON: line %d: %.150s", error.line,
			 error.text);
	refuse(q, 400, text);
	return false;
}

bool admin_answer(const struct admin_world *w, const struct front_request *request, int64_t now,
		  struct front_reply *ret_reply)
{
	struct ask q = {.w = w, .authority = w->est->authority, .now = now, .status = 500};

	if (read_body(&q, request))
		dispatch(&q, request);
	ret_reply->status = q.out ? q.status : 500;
	ret_reply->json = q.out ? json_dumps(q.out, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(q.in);
	json_decref(q.out);
	return q.has_changed;
}
