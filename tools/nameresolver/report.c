/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/nameresolver/report.h"

#include <jansson.h>
#include <string.h>

static const char *status_of(const struct lookup *l)
{
	if (l->n_addresses)
		return "success";
	return l->server ? "host not found" : "error";
}

void report_print(const struct line_writer *out, const struct lookup *l, const char *host)
{
	char text[LOOKUP_SERVER_MAX];

	if (l->server && *l->server) {
		line_print(out, "Server: %s", l->server);
		line_print(out, "%s", "");
	}
	if (!l->n_addresses) {
		line_print(out,
			   l->server ? "No such host is known: %s"
				     : "No name server answers for %s",
			   host);
		return;
	}
	line_print(out, "Non-authoritative answer:");
	line_print(out, "Name: %s", l->name);
	line_print(out, "Addresses:");
	for (size_t i = 0; i < l->n_addresses; i++)
		line_print(out, "%s", lookup_address_text(&l->addresses[i], text));
	if (l->n_aliases)
		line_print(out, "Aliases:");
	for (size_t i = 0; i < l->n_aliases; i++)
		line_print(out, "%s", l->aliases[i]);
}

void report_print_trouble(FILE *f, const struct lookup *l)
{
	for (size_t i = 0; i < l->n_tries; i++)
		if (l->tries[i].server != l->server)
			fprintf(f, "%s %s after %ums\n", l->tries[i].server,
				lookup_outcome_text(l->tries[i].outcome), l->tries[i].ms);
}

static json_t *tries_of(const struct lookup *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n_tries; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:i}", "server", l->tries[i].server,
						"outcome", lookup_outcome_text(l->tries[i].outcome),
						"timeMs", (int)l->tries[i].ms));
	return list;
}

void report_print_json(FILE *f, const struct lookup *l, const char *host)
{
	json_t *addresses = json_array(), *aliases = json_array(), *o;
	char text[LOOKUP_SERVER_MAX];

	for (size_t i = 0; i < l->n_addresses; i++)
		json_array_append_new(addresses,
				      json_string(lookup_address_text(&l->addresses[i], text)));
	for (size_t i = 0; i < l->n_aliases; i++)
		json_array_append_new(aliases, json_string(l->aliases[i]));
	o = json_pack("{s:s, s:s, s:s, s:s?, s:o, s:o, s:o}", "host", host, "status", status_of(l),
		      "name", l->name, "server", l->server && *l->server ? l->server : NULL,
		      "addresses", addresses, "aliases", aliases, "servers", tries_of(l));
	json_dumpf(o, f, JSON_INDENT(2));
	fputc('\n', f);
	json_decref(o);
}
