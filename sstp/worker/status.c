/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is believed when its process lives and began when the file says so: a number that another process has got since
 * is not taken for the worker.
 */
#include "sstp/worker/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/calendar.h"
#include "sstp/worker/run_folder.h"

static const char *const state_names[STATUS_STATES] = {
	[STATUS_CONNECTING] = "connecting",
	[STATUS_UP] = "up",
	[STATUS_DOWN] = "down",
	[STATUS_DISABLED] = "disabled",
	[STATUS_DISCONNECTED] = "disconnected",
};

const char *status_state_name(enum status_state state)
{
	return state_names[state];
}

/* When it began, in ticks since the machine did: field 22 of proc(5)'s stat. 0: there is no such process. */
static uint64_t started_at(int pid)
{
	char path[64], text[1024];
	const char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')'); /* behind the name, which may hold anything */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

/* ---- writing ---- */

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, json_string(text));
}

static void set_time(json_t *o, const char *key, int64_t t)
{
	char text[CALENDAR_TEXT_MAX];

	if (t)
		set_text(o, key, calendar_text(t, text));
}

static json_t *prefix_list(const struct prefix *routes, size_t n)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(prefix_format(&routes[i], text)));
	return list;
}

static json_t *address_list(const struct prefix *addresses, size_t n)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_string(prefix_format_address(&addresses[i], text)));
	return list;
}

static json_t *domain_list(const struct status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_domains; i++)
		json_array_append_new(list, json_string(s->domains[i]));
	return list;
}

static json_t *environment_of(const struct status *s)
{
	json_t *o = json_object();

	for (size_t i = 0; i < APP_VARIABLES; i++)
		if (s->environment[i].value)
			set_text(o, s->environment[i].name, s->environment[i].value);
	return o;
}

static json_t *to_json(const struct status *s)
{
	json_t *o = json_object();

	set_text(o, "name", s->name);
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "started", json_integer((json_int_t)started_at(getpid())));
	set_text(o, "state", state_names[s->state]);
	set_time(o, "since", s->since);
	set_text(o, "gateway", s->gateway);
	set_text(o, "address", s->address);
	set_text(o, "address6", s->address6);
	set_text(o, "tun", s->tun);
	set_text(o, "vnetName", s->vnet);
	set_text(o, "appName", s->app_name);
	if (s->app)
		json_object_set_new(o, "appPid", json_integer(s->app));
	set_text(o, "netns", s->netns);
	set_text(o, "resolvConf", s->resolv_conf);
	json_object_set_new(o, "environment", environment_of(s));
	json_object_set_new(o, "routes", prefix_list(s->routes, s->n_routes));
	json_object_set_new(o, "dnsServers", address_list(s->dns, s->n_dns));
	json_object_set_new(o, "searchDomains", domain_list(s));
	set_text(o, "lastError", s->last_error);
	set_time(o, "lastErrorAt", s->last_error_at);
	set_time(o, "retryAt", s->retry_at);
	return o;
}

static int write_json(const json_t *o, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0)
		return -errno;
	r = fchmod(fd, 0644) < 0 || json_dumpfd(o, fd, JSON_INDENT(2)) < 0 ? -EIO : 0;
	return close(fd) < 0 ? -EIO : r;
}

int status_write(const struct status *s)
{
	char folder[RUN_FOLDER_MAX], path[RUN_FOLDER_MAX + 16], draft[RUN_FOLDER_MAX + 24];
	int r = run_folder_make(folder);
	json_t *o;

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/status.json", folder);
	snprintf(draft, sizeof(draft), "%s.new", path);
	o = to_json(s);
	r = write_json(o, draft);
	json_decref(o);
	if (r == 0 && rename(draft, path) < 0)
		r = -errno;
	return r;
}

void status_remove(void)
{
	char path[RUN_FOLDER_MAX + 16];

	snprintf(path, sizeof(path), RUN_FOLDER "/%d/status.json", (int)getpid());
	unlink(path);
	run_folder_remove();
}

/* ---- reading ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* Owned; NULL: there is none, or its worker is gone. */
static json_t *load(int pid)
{
	char path[RUN_FOLDER_MAX + 16];
	json_error_t why;
	json_t *o;

	snprintf(path, sizeof(path), RUN_FOLDER "/%d/status.json", pid);
	o = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(o) && started_at(pid) &&
	    json_integer_value(json_object_get(o, "started")) == (json_int_t)started_at(pid))
		return o;
	json_decref(o);
	return NULL;
}

static bool is_meant(const json_t *o, const char *name, int pid)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", pid);
	return !name || !strcmp(name, text_of(o, "name")) || !strcmp(name, text_of(o, "tun")) ||
	       !strcmp(name, number);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_number(const struct dirent *entry)
{
	return atoi(entry->d_name) > 0;
}

/* Owned array. */
static json_t *load_all(const char *name)
{
	json_t *all = json_array();
	struct dirent **entries = NULL;
	int n = scandir(RUN_FOLDER, &entries, is_number, by_number);

	for (int i = 0; i < n; i++) {
		int pid = atoi(entries[i]->d_name);
		json_t *o = load(pid);

		if (o && is_meant(o, name, pid))
			json_array_append(all, o);
		json_decref(o);
		free(entries[i]);
	}
	free(entries);
	return all;
}

int status_find(const char *name, json_t **ret_status)
{
	json_t *all = load_all(name);
	size_t n = json_array_size(all);

	if (n == 1)
		*ret_status = json_incref(json_array_get(all, 0));
	json_decref(all);
	if (n == 1)
		return 0;
	return n ? -ENOTUNIQ : -ENOENT;
}

static void print_text(FILE *f, const char *label, const json_t *o, const char *key)
{
	if (*text_of(o, key))
		fprintf(f, "  %-14s%s\n", label, text_of(o, key));
}

static void print_list(FILE *f, const char *label, const json_t *list)
{
	if (json_array_size(list) == 0)
		return;
	fprintf(f, "  %-14s", label);
	for (size_t i = 0; i < json_array_size(list); i++)
		fprintf(f, "%s%s", i ? ", " : "", json_string_value(json_array_get(list, i)));
	fputc('\n', f);
}

static void print_one(FILE *f, const json_t *o)
{
	fprintf(f, "%s: %s since %s\n", text_of(o, "name"), text_of(o, "state"),
		text_of(o, "since"));
	print_text(f, "gateway:", o, "gateway");
	print_text(f, "VNet:", o, "vnetName");
	print_text(f, "app:", o, "appName");
	print_text(f, "address:", o, "address");
	print_text(f, "IPv6 address:", o, "address6");
	print_text(f, "device:", o, "tun");
	print_list(f, "routes:", json_object_get(o, "routes"));
	print_list(f, "DNS servers:", json_object_get(o, "dnsServers"));
	print_list(f, "search:", json_object_get(o, "searchDomains"));
	print_text(f, "last error:", o, "lastError");
	print_text(f, "at:", o, "lastErrorAt");
	print_text(f, "next attempt:", o, "retryAt");
}

enum status_answer status_print(FILE *f, const char *name, bool as_json)
{
	json_t *all = load_all(name);
	enum status_answer answer = json_array_size(all) ? STATUS_ALL_UP : STATUS_NO_WORKER;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *o = json_array_get(all, i);

		if (strcmp(text_of(o, "state"), state_names[STATUS_UP]) != 0)
			answer = STATUS_NOT_UP;
		if (!as_json)
			print_one(f, o);
	}
	if (as_json) {
		json_dumpf(all, f, JSON_INDENT(2));
		fputc('\n', f);
	}
	json_decref(all);
	return answer;
}
