/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/top_page.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/table.h"

enum {
	LABEL_MAX = 80
};

/* ---- values of metrics ---- */

/* Which samples: of this name, with these values of labels; NULL: any. */
struct pick {
	const char *name;
	const char *key, *value;
	const char *second_key, *second;
};

static const json_t *list_of(const json_t *answer)
{
	return json_object_get(answer, "value");
}

static bool has_label(const json_t *sample, const char *key, const char *value)
{
	const char *text;

	if (!key)
		return true;
	text = json_string_value(json_object_get(json_object_get(sample, "labels"), key));
	return text && strcmp(text, value) == 0;
}

static bool is_picked(const json_t *sample, const struct pick *p)
{
	const char *name = json_string_value(json_object_get(sample, "name"));

	return name && strcmp(name, p->name) == 0 && has_label(sample, p->key, p->value) &&
	       has_label(sample, p->second_key, p->second);
}

static double sum_of(const struct top_look *look, const struct pick *p)
{
	double sum = 0;
	const json_t *sample;
	size_t i;

	json_array_foreach(list_of(look->metrics), i, sample)
	{
		if (is_picked(sample, p))
			sum += json_number_value(json_object_get(sample, "value"));
	}
	return sum;
}

/* A counter that is smaller than before has begun anew. */
static double per_second(const struct top_look *before, const struct top_look *now, double was,
			 double is)
{
	double took = now->at_s - before->at_s;
	double moved = is >= was ? is - was : is;

	return took > 0 ? moved / took : 0;
}

static double rate_of(const struct top_look *before, const struct top_look *now,
		      const struct pick *p)
{
	return per_second(before, now, sum_of(before, p), sum_of(now, p));
}

/* ---- totals ---- */

static void set_number(json_t *object, const char *key, double value)
{
	json_object_set_new(object, key, json_integer((json_int_t)(value + 0.5)));
}

static json_t *totals_of(const struct top_look *before, const struct top_look *now)
{
	static const struct {
		const char *key;
		struct pick pick;
		bool is_rate;
	} rows[] = {
		/* clang-format off */
		{"sessions", {"sstp_sessions", NULL, NULL, NULL, NULL}, false},
		{"halfOpen", {"sstp_connections", "state", "half_open", NULL, NULL}, false},
		{"heapBytes", {"sstp_process_heap_bytes", NULL, NULL, NULL, NULL}, false},
		{"setupsPerSecond", {"sstp_setup_seconds_count", NULL, NULL, NULL, NULL}, true},
		{"failedSetupsPerSecond", {"sstp_setup_failures_total", NULL, NULL, NULL, NULL}, true},
		{"refusedPerSecond", {"sstp_refused_total", NULL, NULL, NULL, NULL}, true},
		{"ingressBytesPerSecond", {"sstp_bytes_total", "direction", "from_clients", NULL, NULL}, true},
		{"egressBytesPerSecond", {"sstp_bytes_total", "direction", "to_clients", NULL, NULL}, true},
		{"ingressPacketsPerSecond", {"sstp_packets_total", "direction", "from_clients", NULL, NULL}, true},
		{"egressPacketsPerSecond", {"sstp_packets_total", "direction", "to_clients", NULL, NULL}, true},
		{"dropsPerSecond", {"sstp_drops_total", NULL, NULL, NULL, NULL}, true},
		/* clang-format on */
	};
	json_t *totals = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		set_number(totals, rows[i].key,
			   rows[i].is_rate ? rate_of(before, now, &rows[i].pick)
					   : sum_of(now, &rows[i].pick));
	return totals;
}

/* ---- VNets ---- */

/* Why most packets of the VNet were dropped since the look before; "": none was. Borrowed from now. */
static const char *worst_drop(const struct top_look *before, const struct top_look *now,
			      const char *vnet)
{
	double most = 0;
	const char *worst = "";
	const json_t *sample;
	size_t i;

	json_array_foreach(list_of(now->metrics), i, sample)
	{
		struct pick p = {"sstp_drops_total", "vnet", vnet, NULL, NULL};
		double rate;

		if (!is_picked(sample, &p))
			continue;
		p.second_key = "reason";
		p.second = json_string_value(
			json_object_get(json_object_get(sample, "labels"), "reason"));
		rate = p.second ? rate_of(before, now, &p) : 0;
		if (rate > most) {
			most = rate;
			worst = p.second;
		}
	}
	return worst;
}

static json_t *vnet_row(const struct top_look *before, const struct top_look *now, const char *vnet)
{
	const struct pick from = {"sstp_bytes_total", "vnet", vnet, "direction", "from_clients"};
	const struct pick to = {"sstp_bytes_total", "vnet", vnet, "direction", "to_clients"};
	const struct pick drops = {"sstp_drops_total", "vnet", vnet, NULL, NULL};
	json_t *row = json_pack("{s:s}", "vnet", vnet);

	set_number(row, "sessions",
		   sum_of(now, &(struct pick){"sstp_sessions", "vnet", vnet, NULL, NULL}));
	set_number(
		row, "used",
		sum_of(now, &(struct pick){"sstp_pool_used_addresses", "vnet", vnet, NULL, NULL}));
	set_number(
		row, "size",
		sum_of(now, &(struct pick){"sstp_pool_size_addresses", "vnet", vnet, NULL, NULL}));
	set_number(row, "ingressBytesPerSecond", rate_of(before, now, &from));
	set_number(row, "egressBytesPerSecond", rate_of(before, now, &to));
	set_number(row, "dropsPerSecond", rate_of(before, now, &drops));
	json_object_set_new(row, "mostDropped", json_string(worst_drop(before, now, vnet)));
	return row;
}

size_t top_page_vnets(const struct top_look *look)
{
	const struct pick all = {"sstp_sessions", NULL, NULL, NULL, NULL};
	const json_t *sample;
	size_t i, n = 0;

	json_array_foreach(list_of(look->metrics), i, sample)
	{
		n += is_picked(sample, &all);
	}
	return n;
}

static json_t *vnets_of(const struct top_look *before, const struct top_look *now)
{
	const struct pick all = {"sstp_sessions", NULL, NULL, NULL, NULL};
	json_t *rows = json_array();
	const json_t *sample;
	size_t i;

	json_array_foreach(list_of(now->metrics), i, sample)
	{
		const char *vnet = json_string_value(
			json_object_get(json_object_get(sample, "labels"), "vnet"));

		if (vnet && is_picked(sample, &all))
			json_array_append_new(rows, vnet_row(before, now, vnet));
	}
	return rows;
}

/* ---- sessions ---- */

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* By id, for the look before. Owned. */
static json_t *index_of(const json_t *sessions)
{
	json_t *index = json_object();
	json_t *s;
	size_t i;

	json_array_foreach(sessions, i, s)
	{
		const char *id = json_string_value(json_object_get(s, "vpnConnectionId"));

		if (id)
			json_object_set(index, id, s);
	}
	return index;
}

static json_t *session_row(const struct top_look *before, const struct top_look *now,
			   const json_t *was, const json_t *is)
{
	static const char *const kept[] = {
		"vpnConnectionId",	"app", "vnet", "vpnUserName", "privateIpAddress",
		"vpnConnectionDuration"};
	double in = number_of(is, "ingressBytesTransferred");
	double out = number_of(is, "egressBytesTransferred");
	json_t *row = json_object();

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		json_object_set(row, kept[i], json_object_get(is, kept[i]));
	set_number(row, "ingressBytesPerSecond",
		   per_second(before, now, number_of(was, "ingressBytesTransferred"), in));
	set_number(row, "egressBytesPerSecond",
		   per_second(before, now, number_of(was, "egressBytesTransferred"), out));
	set_number(row, "bytesTransferred", in + out);
	return row;
}

static double weight_of(const json_t *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_BY_TOTAL: return number_of(row, "bytesTransferred");
	case TOP_BY_AGE: return number_of(row, "vpnConnectionDuration");
	default:
		return number_of(row, "ingressBytesPerSecond") +
		       number_of(row, "egressBytesPerSecond");
	}
}

/* A row and what it is sorted by; rows that weigh the same stay in their order. */
struct weighed {
	json_t *row;
	double weight;
	size_t place;
};

static int heaviest_first(const void *a, const void *b)
{
	const struct weighed *x = a;
	const struct weighed *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

/* Takes rows. The first n by weight; owned. */
static json_t *sorted(json_t *rows, enum top_sort sort, size_t n)
{
	size_t size = json_array_size(rows);
	struct weighed *list = calloc(size + 1, sizeof(*list));
	json_t *first = json_array();

	for (size_t i = 0; list && i < size; i++) {
		json_t *row = json_array_get(rows, i);

		list[i] = (struct weighed){row, weight_of(row, sort), i};
	}
	if (list)
		qsort(list, size, sizeof(*list), heaviest_first);
	for (size_t i = 0; list && i < size && i < n; i++)
		json_array_append(first, list[i].row);
	free(list);
	json_decref(rows);
	return first;
}

static json_t *sessions_of(const struct top_look *before, const struct top_look *now)
{
	json_t *index = index_of(list_of(before->sessions));
	json_t *rows = json_array();
	const json_t *s;
	size_t i;

	json_array_foreach(list_of(now->sessions), i, s)
	{
		const char *id = json_string_value(json_object_get(s, "vpnConnectionId"));

		if (id)
			json_array_append_new(
				rows, session_row(before, now, json_object_get(index, id), s));
	}
	json_decref(index);
	return rows;
}

json_t *top_page_make(const struct top_look *before, const struct top_look *now, enum top_sort sort,
		      size_t n_sessions)
{
	const struct pick up = {"sstp_up", NULL, NULL, NULL, NULL};

	return json_pack("{s:s, s:o, s:o, s:o}", "dataPlane", sum_of(now, &up) > 0 ? "up" : "down",
			 "totals", totals_of(before, now), "vnets", vnets_of(before, now),
			 "sessions", sorted(sessions_of(before, now), sort, n_sessions));
}

/* ---- on paper ---- */

static const struct column vnet_columns[] = {
	{"VNET", "vnet", FORMAT_PLAIN},
	{"SESSIONS", "sessions", FORMAT_PLAIN},
	{"POOL", "used|size", FORMAT_PLAIN},
	{"IN/S", "ingressBytesPerSecond", FORMAT_BYTES},
	{"OUT/S", "egressBytesPerSecond", FORMAT_BYTES},
	{"DROPS/S", "dropsPerSecond", FORMAT_PLAIN},
	{"MOSTLY", "mostDropped", FORMAT_PLAIN},
};

static const struct column session_columns[] = {
	{"APP", "app", FORMAT_PLAIN},
	{"VNET", "vnet", FORMAT_PLAIN},
	{"ADDRESS", "privateIpAddress", FORMAT_PLAIN},
	{"FOR", "vpnConnectionDuration", FORMAT_SECONDS},
	{"IN/S", "ingressBytesPerSecond", FORMAT_BYTES},
	{"OUT/S", "egressBytesPerSecond", FORMAT_BYTES},
	{"TOTAL", "bytesTransferred", FORMAT_BYTES},
	{"USER", "vpnUserName", FORMAT_PLAIN},
};

static const struct column head_columns[][4] = {
	{
		{"Sessions", "totals.sessions", FORMAT_PLAIN},
		{"not logged in", "totals.halfOpen", FORMAT_PLAIN},
		{"heap", "totals.heapBytes", FORMAT_BYTES},
		{"data plane", "dataPlane", FORMAT_PLAIN},
	},
	{
		{"In/s", "totals.ingressBytesPerSecond", FORMAT_BYTES},
		{"out/s", "totals.egressBytesPerSecond", FORMAT_BYTES},
		{"packets in/s", "totals.ingressPacketsPerSecond", FORMAT_PLAIN},
		{"out/s", "totals.egressPacketsPerSecond", FORMAT_PLAIN},
	},
	{
		{"Set-ups/s", "totals.setupsPerSecond", FORMAT_PLAIN},
		{"failed/s", "totals.failedSetupsPerSecond", FORMAT_PLAIN},
		{"refused/s", "totals.refusedPerSecond", FORMAT_PLAIN},
		{"drops/s", "totals.dropsPerSecond", FORMAT_PLAIN},
	},
};

static void print_head(FILE *f, const struct column *columns, const json_t *page)
{
	char text[LABEL_MAX];

	for (size_t i = 0; i < 4; i++)
		fprintf(f, "%s%s: %s", i ? "   " : "", columns[i].title,
			table_text(&columns[i], page, text, sizeof(text)));
	fputc('\n', f);
}

static void print_all(FILE *f, const json_t *page, enum top_sort sort)
{
	static const char *const by[TOP_SORTS] = {"rate", "total", "age"};

	for (size_t i = 0; i < sizeof(head_columns) / sizeof(head_columns[0]); i++)
		print_head(f, head_columns[i], page);
	fputc('\n', f);
	table_print(f, 0, vnet_columns, sizeof(vnet_columns) / sizeof(vnet_columns[0]),
		    json_object_get(page, "vnets"));
	fprintf(f, "\nSessions by %s:\n", by[sort]);
	table_print(f, 0, session_columns, sizeof(session_columns) / sizeof(session_columns[0]),
		    json_object_get(page, "sessions"));
}

void top_page_print(FILE *f, const json_t *page, enum top_sort sort, size_t columns)
{
	char *text = NULL;
	size_t len = 0;
	FILE *all = open_memstream(&text, &len);

	if (!all)
		return;
	print_all(all, page, sort);
	if (fclose(all) == 0)
		for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
			size_t n = strcspn(line, "\n");

			fprintf(f, "%.*s\n", (int)(columns && n > columns ? columns : n), line);
		}
	free(text);
}
