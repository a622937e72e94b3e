/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/handed.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/vault.h"
#include "sstp/base/log.h"

static const char file[] = "handed.json";

struct handed {
	struct vault *vault;
	struct handed_entry *list;
	size_t n;
};

/* ---- the file ---- */

static bool copy_text(char *to, size_t size, const json_t *from)
{
	const char *text = json_string_value(from);

	return text && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool read_entry(const json_t *json, struct handed_entry *e)
{
	e->at = json_integer_value(json_object_get(json, "at"));
	return copy_text(e->app, sizeof(e->app), json_object_get(json, "app")) &&
	       copy_text(e->network, sizeof(e->network), json_object_get(json, "network")) &&
	       copy_text(e->roots, sizeof(e->roots), json_object_get(json, "roots"));
}

/* 0, -EBADMSG or -ENOMEM. */
static int read_list(struct handed *h, const char *text, size_t len)
{
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	size_t n = json_array_size(json);
	int r = json_is_array(json) && n <= HANDED_MAX ? 0 : -EBADMSG;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_entry(json_array_get(json, i), &h->list[h->n++]) ? 0 : -EBADMSG;
	json_decref(json);
	return r;
}

/* A cache: what cannot be read is gone, and no reason not to start. The next change writes it anew. */
static void load(struct handed *h)
{
	struct certs_error e;
	char *text;
	size_t len;
	int r = vault_read(h->vault, file, &text, &len, &e);

	if (r == 0) {
		r = read_list(h, text, len);
		vault_data_free(text, len);
		certs_fail(&e, r, "%s: %s", file, r == -ENOMEM ? strerror(ENOMEM) : "no such list");
	}
	if (r == 0 || r == -ENOENT)
		return;
	h->n = 0;
	log_warning("what apps were handed cannot be read, every app shows as in sync until its "
		    "next enrolment: %s",
		    e.text);
}

static int save(const struct handed *h, struct certs_error *e)
{
	json_t *json = json_array();
	char *text = NULL;
	int r = json ? 0 : -1;

	for (size_t i = 0; r == 0 && i < h->n; i++)
		r = json_array_append_new(
			json, json_pack("{s:s, s:s, s:s, s:I}", "app", h->list[i].app, "network",
					h->list[i].network, "roots", h->list[i].roots, "at",
					(json_int_t)h->list[i].at));
	if (r == 0)
		text = json_dumps(json, JSON_INDENT(0));
	r = text ? vault_write(h->vault, file, text, strlen(text), e)
		 : certs_fail(e, -ENOMEM, "out of memory");
	free(text);
	json_decref(json);
	return r;
}

/* ---- the list ---- */

int handed_open(const char *folder, struct handed **ret_handed, struct certs_error *ret_error)
{
	struct handed *h = calloc(1, sizeof(*h));
	int r;

	if (h)
		h->list = calloc(HANDED_MAX, sizeof(*h->list));
	if (!h || !h->list) {
		free(h);
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	}
	r = vault_open(folder, &h->vault, ret_error);
	if (r < 0) {
		handed_close(h);
		return r;
	}
	load(h);
	*ret_handed = h;
	return 0;
}

void handed_close(struct handed *h)
{
	if (!h)
		return;
	vault_close(h->vault);
	free(h->list);
	free(h);
}

static struct handed_entry *find(const struct handed *h, const char *app)
{
	for (size_t i = 0; i < h->n; i++)
		if (name_equal(h->list[i].app, app))
			return &h->list[i];
	return NULL;
}

/* Of those who never were, or whoever was handed to longest ago. */
static struct handed_entry *room(struct handed *h)
{
	struct handed_entry *oldest = &h->list[0];

	if (h->n < HANDED_MAX)
		return &h->list[h->n++];
	for (size_t i = 1; i < h->n; i++)
		if (h->list[i].at < oldest->at)
			oldest = &h->list[i];
	return oldest;
}

int handed_set(struct handed *h, const struct handed_entry *entry, struct certs_error *ret_error)
{
	struct handed_entry *e = find(h, entry->app);

	if (!e)
		e = room(h);
	*e = *entry;
	return save(h, ret_error);
}

const struct handed_entry *handed_find(const struct handed *h, const char *app)
{
	return find(h, app);
}
