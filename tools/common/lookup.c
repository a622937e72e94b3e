/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares asks several servers as it sees fit and does not tell who has answered: so each one gets a channel of its own,
 * and the order and the time are kept here. Search domains, ndots and the like are read by c-ares from resolv.conf.
 */
#include "tools/common/lookup.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char hosts_path[] = "/etc/hosts";

struct answer {
	struct lookup *l;
	int status; /* of c-ares */
	bool is_there;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

const char *lookup_outcome_text(enum lookup_outcome outcome)
{
	static const char *const texts[] = {
		[LOOKUP_FOUND] = "answered",
		[LOOKUP_NO_SUCH_NAME] = "knows no such host",
		[LOOKUP_TIMED_OUT] = "timed out",
		[LOOKUP_UNREACHED] = "cannot be reached",
		[LOOKUP_REFUSED] = "refuses to answer",
		[LOOKUP_FAILED] = "failed",
		[LOOKUP_BAD_NAME] = "is no name",
	};

	return texts[outcome];
}

const char *lookup_address_text(const struct sockaddr_storage *address, char buf[LOOKUP_SERVER_MAX])
{
	const void *raw = address->ss_family == AF_INET6
				  ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
				  : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

	if (!inet_ntop(address->ss_family, raw, buf, LOOKUP_SERVER_MAX))
		strcpy(buf, "?");
	return buf;
}

/* ---- answers ---- */

static enum lookup_outcome outcome_of(int status)
{
	switch (status) {
	case ARES_SUCCESS: return LOOKUP_FOUND;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_ENONAME: return LOOKUP_NO_SUCH_NAME;
	case ARES_ETIMEOUT: return LOOKUP_TIMED_OUT;
	case ARES_ECONNREFUSED: return LOOKUP_UNREACHED;
	case ARES_EREFUSED: return LOOKUP_REFUSED;
	case ARES_EBADNAME: return LOOKUP_BAD_NAME;
	default: return LOOKUP_FAILED;
	}
}

static void add_alias(struct lookup *l, const char *alias)
{
	for (size_t i = 0; i < l->n_aliases; i++)
		if (strcasecmp(l->aliases[i], alias) == 0)
			return;
	if (l->n_aliases < LOOKUP_ALIASES_MAX)
		snprintf(l->aliases[l->n_aliases++], LOOKUP_NAME_MAX, "%s", alias);
}

/* Both families tell the same chain: each link once. */
static void take_names(struct lookup *l, const struct ares_addrinfo *info)
{
	if (info->name)
		snprintf(l->name, sizeof(l->name), "%s", info->name);
	for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next) {
		if (c->alias)
			add_alias(l, c->alias);
		if (c->name)
			snprintf(l->name, sizeof(l->name), "%s", c->name);
	}
}

static void take_addresses(struct lookup *l, const struct ares_addrinfo *info)
{
	for (const struct ares_addrinfo_node *n = info->nodes;
	     n && l->n_addresses < LOOKUP_ADDRESSES_MAX; n = n->ai_next)
		if (n->ai_addrlen <= sizeof(l->addresses[0]))
			memcpy(&l->addresses[l->n_addresses++], n->ai_addr, n->ai_addrlen);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct answer *a = arg;

	a->status = status;
	a->is_there = true;
	if (status == ARES_SUCCESS && info) {
		take_names(a->l, info);
		take_addresses(a->l, info);
	}
	ares_freeaddrinfo(info);
}

/* ---- asking ---- */

/* A server has two sockets at most, and the last place's bits do not fit into the type of c-ares's macros. */
static void wait_for_it(ares_channel channel)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	int bits = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	struct timeval tv, *wait = ares_timeout(channel, NULL, &tv);
	nfds_t n = 0;

	for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM - 1; i++) {
		short events = (short)((ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
				       (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0));

		if (events)
			fds[n++] = (struct pollfd){.fd = sockets[i], .events = events};
	}
	poll(fds, n, wait ? (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000) : 0);
	for (nfds_t i = 0; i < n; i++)
		ares_process_fd(channel, fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
				fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* lookups: "f" the file of hosts, "b" the servers. 0, or a status of c-ares. */
static int open_channel(const struct lookup_params *p, const char *lookups, ares_channel *ret)
{
	struct ares_options o = {.flags = ARES_FLAG_NOCHECKRESP,
				 .timeout = p->timeout_ms ? p->timeout_ms : LOOKUP_TIMEOUT_MS,
				 .tries = 1};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
	char copy[4], path[1024];

	snprintf(copy, sizeof(copy), "%s", lookups);
	o.lookups = copy;
	if (p->resolv_conf) {
		snprintf(path, sizeof(path), "%s", p->resolv_conf);
		o.resolvconf_path = path;
		mask |= ARES_OPT_RESOLVCONF;
	}
	return ares_init_options(ret, &o, mask);
}

/* Asks on this channel; the outcome. */
static enum lookup_outcome ask(ares_channel channel, const struct lookup_params *p,
			       struct lookup *l)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_CANONNAME, .ai_family = p->family, .ai_socktype = SOCK_STREAM};
	struct answer a = {.l = l, .status = ARES_SUCCESS};

	ares_getaddrinfo(channel, p->name, NULL, &hints, on_answer, &a);
	while (!a.is_there)
		wait_for_it(channel);
	return outcome_of(a.status);
}

static int ask_server(const struct lookup_params *p, struct lookup_try *t, struct lookup *l)
{
	uint64_t began = now_ms();
	ares_channel channel;
	int r = open_channel(p, "b", &channel);

	if (r != ARES_SUCCESS)
		return -ENOMEM;
	r = ares_set_servers_ports_csv(channel, t->server) == ARES_SUCCESS ? 0 : -EINVAL;
	if (r == 0) {
		t->outcome = ask(channel, p, l);
		t->ms = (unsigned)(now_ms() - began);
	}
	ares_destroy(channel);
	return r;
}

static int ask_hosts(const struct lookup_params *p, struct lookup *l)
{
	ares_channel channel;

	if (open_channel(p, "f", &channel) != ARES_SUCCESS)
		return -ENOMEM;
	l->outcome = ask(channel, p, l);
	if (l->outcome == LOOKUP_FOUND)
		l->server = hosts_path;
	ares_destroy(channel);
	return 0;
}

/* ---- whom to ask ---- */

static void set_server_text(struct lookup_try *t, const struct ares_addr_port_node *s)
{
	char address[INET6_ADDRSTRLEN] = "?";

	inet_ntop(s->family, &s->addr, address, sizeof(address));
	if (s->udp_port == 0 || s->udp_port == 53)
		snprintf(t->server, sizeof(t->server), "%s", address);
	else
		snprintf(t->server, sizeof(t->server), s->family == AF_INET6 ? "[%s]:%d" : "%s:%d",
			 address, s->udp_port);
}

static int list_servers(const struct lookup_params *p, struct lookup *l)
{
	struct ares_addr_port_node *servers = NULL;
	ares_channel channel;

	if (p->server) {
		if (strchr(p->server, ',') || strlen(p->server) >= LOOKUP_SERVER_MAX)
			return -EINVAL;
		strcpy(l->tries[l->n_tries++].server, p->server);
		return 0;
	}
	if (open_channel(p, "b", &channel) != ARES_SUCCESS)
		return -ENOMEM;
	if (ares_get_servers_ports(channel, &servers) == ARES_SUCCESS)
		for (const struct ares_addr_port_node *s = servers;
		     s && l->n_tries < LOOKUP_SERVERS_MAX; s = s->next)
			set_server_text(&l->tries[l->n_tries++], s);
	ares_free_data(servers);
	ares_destroy(channel);
	return 0;
}

/* One that has answered ends it, whatever it says. */
static bool is_final(enum lookup_outcome outcome)
{
	return outcome == LOOKUP_FOUND || outcome == LOOKUP_NO_SUCH_NAME ||
	       outcome == LOOKUP_BAD_NAME;
}

static int ask_servers(const struct lookup_params *p, struct lookup *l)
{
	size_t n, listed;
	int r = list_servers(p, l);

	listed = l->n_tries;
	l->outcome = LOOKUP_FAILED;
	for (n = 0; r == 0 && n < listed && !is_final(l->outcome); n++) {
		r = ask_server(p, &l->tries[n], l);
		l->outcome = l->tries[n].outcome;
	}
	l->n_tries = n;
	if (r == 0 && n && is_final(l->outcome))
		l->server = l->tries[n - 1].server;
	return r;
}

/* An address is one already. */
static bool take_address(const struct lookup_params *p, struct lookup *l)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&l->addresses[0];
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&l->addresses[0];

	if (inet_pton(AF_INET, p->name, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, p->name, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	else
		return false;
	l->server = "";
	if (p->family != AF_UNSPEC && p->family != l->addresses[0].ss_family)
		l->outcome = LOOKUP_NO_SUCH_NAME;
	else
		l->n_addresses = 1;
	return true;
}

int lookup_run(const struct lookup_params *params, struct lookup *ret_lookup)
{
	struct lookup *l = ret_lookup;
	int r = 0;

	memset(l, 0, sizeof(*l));
	if (strlen(params->name) >= LOOKUP_NAME_MAX) {
		l->outcome = LOOKUP_BAD_NAME;
		l->server = "";
		return 0;
	}
	strcpy(l->name, params->name);
	if (take_address(params, l))
		return 0;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return -ENOMEM;
	if (!params->server)
		r = ask_hosts(params, l);
	if (r == 0 && !l->server)
		r = ask_servers(params, l);
	ares_library_cleanup();
	return r;
}
