/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The management API in one process, without a socket: requests come from standard input, and go out
 * again with their answers behind them. A line "METHOD PATH" begins a request, "If-Match: TEXT" may
 * follow, then its body until an empty line. "# strict" and "# relaxed" lines switch that; "# networks
 * NAME..." says which VNets gateway.yaml has, which are up; "# up NAME" and "# down NAME" what the data
 * plane says of one. Other '#' lines are comments. --routes prints all routes that there are instead, a line
 * "METHOD PATTERN" each; --metrics all metrics, a line "NAME TYPE LABEL..." each.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/admin.h"
#include "sstp/control/api.h"
#include "sstp/control/api_bgp.h"
#include "sstp/control/api_routes.h"
#include "sstp/control/api_sessions.h"
#include "sstp/control/api_timelines.h"
#include "sstp/control/apply.h"
#include "sstp/control/backups.h"
#include "sstp/control/doctor.h"
#include "sstp/control/explain.h"
#include "sstp/control/metrics.h"
#include "sstp/control/openapi.h"
#include "sstp/control/operations.h"
#include "sstp/control/sessions.h"
#include "sstp/control/trace.h"

enum {
	NOW = 1700000000,
	NETWORKS_MAX = 8,
};

static const char *const methods[] = {
	[FRONT_GET] = "GET",	 [FRONT_POST] = "POST",	    [FRONT_PUT] = "PUT",
	[FRONT_PATCH] = "PATCH", [FRONT_DELETE] = "DELETE",
};

static void check(int r, const struct certs_error *e)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s\n", e->text);
	exit(1);
}

/* ---- what gateway.yaml would say ---- */

/* What the data plane would say of it: why: "": it is up. */
static void set_state(struct model *m, const char *vnet, const char *why)
{
	struct sessions *sessions = sessions_new(m);
	struct certs_error e;

	check(sessions_set_state(sessions, vnet, why, NOW, &e), &e);
	sessions_free(sessions);
}

static void set_networks(struct model *m, char *names)
{
	struct msg_vnet *vnets = calloc(NETWORKS_MAX, sizeof(*vnets));
	struct msg_config config = {.dial = "", .vnets = vnets};
	static char spaces[NETWORKS_MAX][32];
	struct certs_error e;

	for (char *name = strtok(names, " \n"); name && config.n_vnets < NETWORKS_MAX;
	     name = strtok(NULL, " \n")) {
		size_t i = config.n_vnets++;

		snprintf(spaces[i], sizeof(spaces[i]), "10.%zu.0.0/16", 20 + i);
		vnets[i] = (struct msg_vnet){.name = name,
					     .spaces = {spaces[i]},
					     .n_spaces = 1,
					     .pools = {"172.16.77.0/24"},
					     .n_pools = 1,
					     .dns = {"10.20.0.4"},
					     .n_dns = 1,
					     .gateway = "192.0.0.8"};
	}
	check(model_set_networks(m, &config, NOW, &e), &e);
	for (size_t i = 0; i < config.n_vnets; i++)
		set_state(m, vnets[i].name, "");
	free(vnets);
}

static void directive(struct model *m, char *line)
{
	static const char networks[] = "# networks";
	static const char up[] = "# up";
	static const char down[] = "# down";

	struct certs_error e;

	if (strcmp(line, "# strict\n") == 0 || strcmp(line, "# relaxed\n") == 0)
		check(model_set_strict(m, line[2] == 's', &e), &e);
	else if (strncmp(line, networks, strlen(networks)) == 0)
		set_networks(m, line + strlen(networks));
	else if (strncmp(line, up, strlen(up)) == 0)
		set_state(m, strtok(line + strlen(up), " \n"), "");
	else if (strncmp(line, down, strlen(down)) == 0)
		set_state(m, strtok(line + strlen(down), " \n"), "its device is gone");
}

/* ---- requests ---- */

static enum front_method method_of(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strlen(methods[i]) == len && strncmp(methods[i], text, len) == 0)
			return (enum front_method)i;
	fprintf(stderr, "no method: %s\n", text);
	exit(1);
}

static void print_answer(const struct front_reply *reply)
{
	json_t *json = json_loads(reply->json, 0, NULL);
	char *text = json_dumps(json, JSON_INDENT(2));

	printf("=> %d%s%s\n%s\n\n", reply->status, *reply->etag ? " " : "", reply->etag, text);
	free(text);
	json_decref(json);
}

/* line: the first; the rest is read. */
static void run_request(struct model *m, struct effective *effective, char *line)
{
	static const char if_match[] = "If-Match: ";
	char *body = NULL;
	size_t body_len = 0;
	FILE *f = open_memstream(&body, &body_len);
	struct front_request request = {.method = method_of(line, strcspn(line, " "))};
	const struct api_routes_world routes = {.model = m, .effective = effective};
	struct front_reply reply;
	char *path = strdup(line + strcspn(line, " ") + 1);
	char *tag = NULL;
	char *query;
	char next[4096];

	path[strcspn(path, "\n")] = '\0';
	query = strchr(path, '?');
	if (query)
		*query++ = '\0';
	while (fgets(next, sizeof(next), stdin) && *next != '\n') {
		fputs(next, stdout);
		if (strncmp(next, if_match, strlen(if_match)) == 0) {
			tag = strdup(next + strlen(if_match));
			tag[strcspn(tag, "\n")] = '\0';
		} else {
			fputs(next, f);
		}
	}
	fclose(f);
	request.path = path;
	request.query = query;
	request.body = body;
	request.body_len = body_len;
	request.if_match = tag;
	if (!apply_matches(m, &request, &reply))
		; /* refused */
	else if (apply_has_path(path))
		apply_answer(m, &request, NOW, NULL, &reply);
	else if (api_routes_has_path(path))
		api_routes_answer(&routes, &request, &reply);
	else
		api_answer(m, &request, NOW, &reply);
	print_answer(&reply);
	free(reply.json);
	free(body);
	free(path);
	free(tag);
}

/* ---- what there is ---- */

static void print_routes(const char *(*route)(size_t i, enum front_method *ret_method))
{
	enum front_method method;
	const char *path;

	for (size_t i = 0; (path = route(i, &method)); i++)
		printf("%s %s\n", methods[method], path);
}

static void print_all_routes(void)
{
	print_routes(api_route);
	print_routes(api_sessions_route);
	print_routes(api_timelines_route);
	print_routes(api_bgp_route);
	print_routes(api_routes_route);
	print_routes(explain_route);
	print_routes(metrics_route);
	print_routes(traces_route);
	print_routes(doctor_route);
	print_routes(admin_route);
	print_routes(apply_route);
	print_routes(operations_route);
	print_routes(backups_route);
	print_routes(openapi_route);
}

static void print_all_metrics(void)
{
	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric_info *info = metric_info((enum metric)i);

		printf("%s %s", info->name, metric_type_name(info->type));
		for (size_t k = 0; k < metric_labels((enum metric)i); k++)
			printf(" %s", info->labels[k]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct certs_error e;
	struct effective *effective;
	struct model *m;
	char line[4096];

	if (argc > 1 && strcmp(argv[1], "--metrics") == 0) {
		print_all_metrics();
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--routes") == 0) {
		print_all_routes();
		return 0;
	}
	check(model_open(":memory:", &m, &e), &e);
	check(effective_new(m, &effective, &e), &e);
	while (fgets(line, sizeof(line), stdin)) {
		if (*line == '\n')
			continue;
		fputs(line, stdout);
		if (*line == '#')
			directive(m, line);
		else
			run_request(m, effective, line);
	}
	effective_free(effective);
	model_close(m);
	return 0;
}
