/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control process: it runs when names or state is given. Without certificates of its own a
 * gateway needs names, for its authority has to know what to put into the one it makes.
 */
#include <stdlib.h>
#include <string.h>

#include "certs/hostname.h"
#include "sstp/base/conf_file.h"
#include "sstp/gateway/config_load.h"

enum {
	QUOTED_MAX = 80
};

static const char default_state[] = "/var/lib/sstp-gateway";
static const char default_socket[] = "/run/sstp-gateway/control.sock";
static const char default_bird[] = "/run/bird/bird.ctl";

static int load_name(struct load *l, const char *text, size_t i)
{
	char buf[QUOTED_MAX];
	int r;

	load_at(l, "names[%zu]", i);
	if (hostname_kind(text) == HOSTNAME_INVALID)
		return load_fail(l, "must be a host name or an address, without a port, not '%s'",
				 log_escape(buf, sizeof(buf), text, strlen(text)));
	for (size_t j = 0; j < i; j++)
		if (hostname_equal(l->config->names[j], text))
			return load_fail(l, "is the same as 'names[%zu]'", j);
	r = load_text(l, text, &l->config->names[i]);
	l->config->n_names += r == 0;
	return r;
}

static int load_names(struct load *l)
{
	size_t n = l->raw->names_count;
	int r = 0;

	if (!n)
		return 0;
	l->config->names = calloc(n, sizeof(*l->config->names));
	if (!l->config->names)
		return load_no_memory(l);
	for (size_t i = 0; i < n && !r; i++)
		r = load_name(l, l->raw->names[i], i);
	return r;
}

static int load_namespace(struct load *l, const char *text, size_t i)
{
	char buf[QUOTED_MAX];
	int r;

	load_at(l, "attach_namespaces[%zu]", i);
	if (!load_is_name(text))
		return load_fail(l, "must be a name as 'ip netns' gives them, not '%s'",
				 log_escape(buf, sizeof(buf), text, strlen(text)));
	r = load_text(l, text, &l->config->attach_namespaces[i]);
	l->config->n_attach_namespaces += r == 0;
	return r;
}

/* Names, or the one word "any". */
static int load_namespaces(struct load *l)
{
	size_t n = l->raw->attach_namespaces_count;
	int r = 0;

	load_at(l, "attach_namespaces");
	if (n && !l->config->has_control)
		return load_fail(l,
				 "is of no use without 'names' or 'state': there is no API to make "
				 "VNets with");
	l->config->attaches_anywhere = n == 1 && !strcmp(l->raw->attach_namespaces[0], "any");
	if (!n || l->config->attaches_anywhere)
		return 0;
	l->config->attach_namespaces = calloc(n, sizeof(*l->config->attach_namespaces));
	if (!l->config->attach_namespaces)
		return load_no_memory(l);
	for (size_t i = 0; i < n && !r; i++)
		r = load_namespace(l, l->raw->attach_namespaces[i], i);
	return r;
}

static int load_path(struct load *l, const char *given, const char *by_default, char **ret_path)
{
	*ret_path = conf_file_resolve(l->path, given ? given : by_default);
	return *ret_path ? 0 : load_no_memory(l);
}

int load_control(struct load *l)
{
	int r = load_names(l);

	l->config->has_control = l->config->n_names || l->raw->state;
	if (!r)
		r = load_path(l, l->raw->state, default_state, &l->config->state);
	if (!r)
		r = load_path(l, l->raw->control_socket, default_socket,
			      &l->config->control_socket);
	if (!r)
		r = load_path(l, l->raw->bird_socket, default_bird, &l->config->bird_socket);
	l->config->is_strict = l->raw->strict && *l->raw->strict;
	if (!r)
		r = load_namespaces(l);
	load_at(l, "control_socket");
	if (!r && l->raw->control_socket && !l->config->has_control)
		return load_fail(l, "is of no use without 'names' or 'state': nothing would answer "
				    "there");
	load_at(l, "bird_socket");
	if (!r && l->raw->bird_socket && !l->config->has_control)
		return load_fail(l, "is of no use without 'names' or 'state': nobody would ask "
				    "there");
	load_at(l, "strict");
	if (!r && l->raw->strict && !l->config->has_control)
		return load_fail(l, "is of no use without 'names' or 'state': there are no apps to "
				    "be strict with");
	load_at(l, "certificate");
	if (!r && !l->config->n_certificates && !l->config->n_names)
		r = load_fail(l, "is missing: give it and 'key', a list of 'certificates', or "
				 "'names' that clients dial: then the gateway makes its own");
	return r;
}

void control_done(struct gateway_config *config)
{
	for (size_t i = 0; i < config->n_names; i++)
		free(config->names[i]);
	free(config->names);
	for (size_t i = 0; i < config->n_attach_namespaces; i++)
		free(config->attach_namespaces[i]);
	free(config->attach_namespaces);
	free(config->state);
	free(config->control_socket);
	free(config->bird_socket);
}
