/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/base/sealed.h"
#include "sstp/control/prefix_list.h"
#include "tun/netns.h"
#include "tun/rtnl.h"
#include "tun/rtnl_learn.h"

enum {
	TABLE_DEFAULT = 253, /* and up to 255: those that every system has */
	TABLE_LOCAL = 255,
	NETNS_NAME_MAX = 255,
	DNS_PORT = 53,
};

/* What is announced, and where. */
struct place {
	struct place *next;
	char *vnet;
	char *netns;
	uint32_t table;
	bool is_doubted;
};

struct parent_routes {
	char *path;
	struct place *places;
};

/* ---- what is allowed ---- */

static bool is_of_config(const char *netns, const struct gateway_config *config)
{
	for (size_t i = 0; i < config->n_vnets; i++)
		if (config->vnets[i].netns && strcmp(config->vnets[i].netns, netns) == 0)
			return true;
	return false;
}

static bool has_controls(const char *text)
{
	while (*text && (unsigned char)*text > ' ')
		text++;
	return *text != '\0';
}

static bool is_named_by(const char *netns, const struct gateway_config *config)
{
	for (size_t i = 0; i < config->n_attach_namespaces; i++)
		if (strcmp(config->attach_namespaces[i], netns) == 0)
			return true;
	return config->attaches_anywhere;
}

const char *parent_routes_objection(const char *netns, const struct gateway_config *config)
{
	if (!*netns || is_of_config(netns, config))
		return NULL;
	if (strchr(netns, '/') || strcmp(netns, ".") == 0 || strcmp(netns, "..") == 0 ||
	    has_controls(netns))
		return "its namespace is neither one of gateway.yaml nor a name";
	if (strlen(netns) > NETNS_NAME_MAX)
		return "the name of its namespace is too long";
	return is_named_by(netns, config)
		       ? NULL
		       : "its namespace is not among attach_namespaces of gateway.yaml";
}

static const char *table_objection(uint32_t table)
{
	if (!table || (table >= TABLE_DEFAULT && table <= TABLE_LOCAL))
		return "the table is one of the system's own (main, local, default)";
	return NULL;
}

/* ---- prefixes ---- */

static int compare(const void *a, const void *b)
{
	const struct prefix *x = a;
	const struct prefix *y = b;
	int r = (int)x->family - (int)y->family;

	if (r == 0)
		r = memcmp(x->addr, y->addr, sizeof(x->addr));
	return r ? r : (int)x->len - (int)y->len;
}

struct list {
	struct prefix *prefixes; /* owned, in order, each once */
	size_t n;
	bool *is_there; /* owned: in the kernel already */
};

static void list_done(struct list *l)
{
	free(l->prefixes);
	free(l->is_there);
}

static size_t drop_repeated(struct prefix *p, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !prefix_equal(&p[kept - 1], &p[i]))
			p[kept++] = p[i];
	return kept;
}

/* 0 or -errno; -EINVAL: a default route is among them. */
static int read_list(int fd, struct list *ret_list)
{
	struct list l = {0};
	uint8_t *bytes;
	size_t len;
	int r = sealed_read(fd, (size_t)PARENT_ANNOUNCE_MAX * PREFIX_LIST_ENTRY_MAX, &bytes, &len);

	if (r < 0)
		return r;
	r = prefix_list_decode(bytes, len, PARENT_ANNOUNCE_MAX, &l.prefixes, &l.n);
	free(bytes);
	if (r < 0)
		return r;
	qsort(l.prefixes, l.n, sizeof(*l.prefixes), compare);
	l.n = drop_repeated(l.prefixes, l.n);
	l.is_there = calloc(l.n + 1, sizeof(*l.is_there));
	for (size_t i = 0; i < l.n && r == 0; i++)
		r = l.prefixes[i].len ? 0 : -EINVAL;
	if (r == 0 && !l.is_there)
		r = -ENOMEM;
	if (r < 0)
		list_done(&l);
	else
		*ret_list = l;
	return r;
}

/* ---- one table ---- */

static struct rtnl_route marker(const struct prefix *p, uint32_t table)
{
	return (struct rtnl_route){.dst = *p, .kind = RTNL_ROUTE_BLACKHOLE, .table = table};
}

static int open_place(const char *netns, struct rtnl **ret_rtnl)
{
	int fd = *netns ? netns_open(netns) : -1;
	int r;

	if (*netns && fd < 0)
		return fd;
	r = rtnl_open(fd, ret_rtnl);
	if (fd >= 0)
		close(fd);
	return r;
}

struct update {
	struct rtnl *rtnl;
	uint32_t table;
	struct list *list;
	int error; /* of the first that cannot be taken back */
};

/* Ours that are not wanted any more go; but only after the new ones are there. */
static void note_present(void *arg, const struct rtnl_route *route)
{
	struct update *u = arg;
	const struct prefix *found;

	if (route->table != u->table || route->kind != RTNL_ROUTE_BLACKHOLE)
		return;
	found = bsearch(&route->dst, u->list->prefixes, u->list->n, sizeof(*found), compare);
	if (found)
		u->list->is_there[found - u->list->prefixes] = true;
}

static void drop_stale(void *arg, const struct rtnl_route *route)
{
	struct update *u = arg;
	int r = 0;

	if (route->table != u->table || route->kind != RTNL_ROUTE_BLACKHOLE)
		return;
	if (!bsearch(&route->dst, u->list->prefixes, u->list->n, sizeof(struct prefix), compare))
		r = rtnl_route_del(u->rtnl, route);
	if (u->error == 0)
		u->error = r;
}

static int add_missing(struct update *u)
{
	int r = rtnl_route_list(u->rtnl, note_present, u);

	for (size_t i = 0; r == 0 && i < u->list->n; i++) {
		struct rtnl_route route = marker(&u->list->prefixes[i], u->table);

		if (!u->list->is_there[i])
			r = rtnl_route_add(u->rtnl, &route);
	}
	return r;
}

/* The table becomes the list. 0 or -errno; -EBUSY: a rule asks it. */
static int update_table(const char *netns, uint32_t table, struct list *list)
{
	struct update u = {.table = table, .list = list};
	int r = open_place(netns, &u.rtnl);

	if (r < 0)
		return r;
	if (list->n) {
		r = rtnl_rule_asks(u.rtnl, table);
		r = r > 0 ? -EBUSY : r;
	}
	if (r == 0)
		r = add_missing(&u);
	if (r == 0) {
		r = rtnl_route_list(u.rtnl, drop_stale, &u);
		r = r < 0 ? r : u.error;
	}
	rtnl_close(u.rtnl);
	return r;
}

/* A namespace that is gone has no routes. */
static int clear_table(const char *netns, uint32_t table)
{
	struct prefix none;
	struct list list = {.prefixes = &none};
	int r = update_table(netns, table, &list);

	if (r == -ENOENT)
		r = 0;
	if (r < 0)
		log_error("what is announced in table %u of namespace '%s' cannot be withdrawn: %s",
			  table, netns, strerror(-r));
	return r;
}

/* ---- the file ---- */

static int write_lines(const struct parent_routes *r, FILE *f)
{
	for (const struct place *p = r->places; p; p = p->next)
		fprintf(f, "%s\t%u\n", p->netns, p->table);
	return fclose(f) < 0 ? -errno : 0;
}

/* As a whole, or not. It is for the same boot: the disk need not have it. */
static int write_file(const struct parent_routes *r)
{
	char temporary[PATH_MAX];
	FILE *f;
	int error;

	if (!r->places)
		return unlink(r->path) < 0 && errno != ENOENT ? -errno : 0;
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", r->path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	f = fopen(temporary, "we");
	if (!f)
		return -errno;
	error = write_lines(r, f);
	if (error == 0 && rename(temporary, r->path) < 0)
		error = -errno;
	return error;
}

/* "red\t8401". False: it is none. */
static bool read_line(char *line, const char **ret_netns, uint32_t *ret_table)
{
	char *tab = strrchr(line, '\t');
	unsigned table;
	int end = 0;

	if (!tab || sscanf(tab + 1, "%10u%n", &table, &end) != 1 || tab[1 + end] != '\n')
		return false;
	*tab = '\0';
	*ret_netns = line;
	*ret_table = table;
	return !table_objection(table);
}

/* What a gateway before has left there. */
static void withdraw_stale(const char *path)
{
	char line[PARENT_PATH_MAX + 32];
	FILE *f = fopen(path, "re");
	const char *netns;
	uint32_t table;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (read_line(line, &netns, &table) && clear_table(netns, table) == 0)
			log_info("what was still announced in table %u is withdrawn", table);
	fclose(f);
	unlink(path);
}

/* ---- places ---- */

static struct place **find_place(struct parent_routes *r, const char *vnet)
{
	struct place **p = &r->places;

	while (*p && strcmp((*p)->vnet, vnet) != 0)
		p = &(*p)->next;
	return p;
}

static bool is_at(const struct place *p, const struct parent_announce *m)
{
	return p->table == m->table && strcmp(p->netns, m->netns) == 0;
}

static const struct place *whose_place(const struct parent_routes *r,
				       const struct parent_announce *m)
{
	const struct place *p = r->places;

	while (p && !is_at(p, m))
		p = p->next;
	return p;
}

static void place_free(struct place *p)
{
	free(p->vnet);
	free(p->netns);
	free(p);
}

static void drop_place(struct place **p)
{
	struct place *gone = *p;

	*p = gone->next;
	place_free(gone);
}

/* 0 or -errno. */
static int add_place(struct parent_routes *r, const struct parent_announce *m)
{
	struct place *p = calloc(1, sizeof(*p));
	unsigned n = 0;

	for (const struct place *other = r->places; other; other = other->next)
		n++;
	if (p) {
		*p = (struct place){.next = r->places,
				    .vnet = strdup(m->vnet),
				    .netns = strdup(m->netns),
				    .table = m->table};
		if (p->vnet && p->netns && n < PARENT_ROUTES_MAX) {
			r->places = p;
			return 0;
		}
		place_free(p);
	}
	return n < PARENT_ROUTES_MAX ? -ENOMEM : -ENOSPC;
}

/* The VNet announced somewhere else: not any more. */
static int leave_other_place(struct parent_routes *r, const struct parent_announce *m)
{
	struct place **p = find_place(r, m->vnet);
	int error;

	if (!*p || is_at(*p, m))
		return 0;
	error = clear_table((*p)->netns, (*p)->table);
	if (error == 0)
		drop_place(p);
	return error;
}

/* ---- the verbs ---- */

int parent_routes_learn(const char *netns)
{
	int fd = *netns ? netns_open(netns) : -1;
	int r;

	if (*netns && fd < 0)
		return fd;
	r = rtnl_learn_open(fd);
	if (fd >= 0)
		close(fd);
	return r;
}

struct dialling {
	const struct parent_dial *m;
	int fd;
};

/* A port's is on its way then. */
static int connect_to(int fd, const struct prefix *server, uint16_t port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is_6 = server->family == AF_INET6;

	memcpy(&in6.sin6_addr, server->addr, sizeof(in6.sin6_addr));
	memcpy(&in.sin_addr, server->addr, sizeof(in.sin_addr));
	return connect(fd, is_6 ? (const struct sockaddr *)&in6 : (const struct sockaddr *)&in,
		       is_6 ? sizeof(in6) : sizeof(in)) < 0 &&
			       errno != EINPROGRESS
		       ? -errno
		       : 0;
}

static int open_socket(int family, int type, int protocol)
{
	return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

/* The kind that can send nothing but echoes, where the kernel lets us. */
static int open_echo(int family)
{
	int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int fd = open_socket(family, SOCK_DGRAM, protocol);

	return fd < 0 && errno == EACCES ? open_socket(family, SOCK_RAW, protocol) : fd;
}

static int dial_here(void *arg)
{
	struct dialling *d = arg;
	const struct prefix *server = &d->m->server;
	int one = 1, r = 0;

	switch (d->m->use) {
	case PARENT_DIAL_PORT: d->fd = open_socket(server->family, SOCK_STREAM, 0); break;
	case PARENT_DIAL_ECHO: d->fd = open_echo(server->family); break;
	default: d->fd = open_socket(server->family, SOCK_DGRAM, 0); break;
	}
	if (d->fd < 0)
		return -errno;
	if (d->m->use != PARENT_DIAL_NAMES)
		r = server->family == AF_INET6
			    ? setsockopt(d->fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one))
			    : setsockopt(d->fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	r = r < 0 ? -errno
		  : connect_to(d->fd, server,
			       d->m->use == PARENT_DIAL_NAMES ? DNS_PORT : d->m->port);
	if (r < 0)
		close(d->fd);
	return r;
}

/* rtnl_learn_open() would hear of every route: this one hears answers only. */
static int open_rtnetlink(int netns)
{
	struct rtnl *rtnl;
	int r = rtnl_open(netns, &rtnl);

	if (r < 0)
		return r;
	r = fcntl(rtnl_fd(rtnl), F_DUPFD_CLOEXEC, 0);
	if (r < 0)
		r = -errno;
	rtnl_close(rtnl);
	return r;
}

int parent_routes_dial(const struct parent_dial *m)
{
	struct dialling d = {.m = m};
	int fd = *m->netns ? netns_open(m->netns) : -1;
	int r;

	if (*m->netns && fd < 0)
		return fd;
	if (m->server.len) {
		r = netns_call(fd, dial_here, &d);
		r = r < 0 ? r : d.fd;
	} else {
		r = open_rtnetlink(fd);
	}
	if (fd >= 0)
		close(fd);
	return r;
}

/* The file knows of a table before there is anything in it, and until there is nothing. */
static int announce(struct parent_routes *r, const struct parent_announce *m, struct list *list)
{
	bool is_known = *find_place(r, m->vnet) != NULL;
	int error = is_known || !list->n ? 0 : add_place(r, m);

	if (error == 0 && list->n && !is_known)
		error = write_file(r);
	if (error == 0)
		error = list->n ? update_table(m->netns, m->table, list)
				: clear_table(m->netns, m->table);
	if (error == 0 && list->n)
		(*find_place(r, m->vnet))->is_doubted = false;
	if (error == 0 && !list->n && is_known) {
		drop_place(find_place(r, m->vnet));
		error = write_file(r);
	}
	return error;
}

static int explain(int error, const char *text, char ret_text[PARENT_TEXT_MAX + 1])
{
	snprintf(ret_text, PARENT_TEXT_MAX + 1, "%s", text);
	return error;
}

static int refuse(const struct parent_announce *m, int error, char ret_text[PARENT_TEXT_MAX + 1])
{
	if (error == -EBUSY)
		snprintf(ret_text, PARENT_TEXT_MAX + 1,
			 "a rule asks table %u for routes (ip rule): what is announced would be "
			 "dropped; "
			 "choose another announceTable",
			 m->table);
	else
		snprintf(ret_text, PARENT_TEXT_MAX + 1, "table %u of namespace '%.255s': %s",
			 m->table, m->netns, strerror(-error));
	return error;
}

int parent_routes_announce(struct parent_routes *r, const struct parent_announce *m, int fd,
			   char ret_text[PARENT_TEXT_MAX + 1])
{
	const struct place *other = whose_place(r, m);
	const char *objection = table_objection(m->table);
	struct list list;
	int error;

	*ret_text = '\0';
	if (objection)
		return explain(-EPERM, objection, ret_text);
	if (other && strcmp(other->vnet, m->vnet) != 0)
		return explain(-EEXIST, "another virtual network announces in this table",
			       ret_text);
	error = read_list(fd, &list);
	if (error < 0)
		return explain(
			error,
			"the prefixes are none, or too many, or a default route is among them",
			ret_text);
	error = leave_other_place(r, m);
	if (error == 0)
		error = announce(r, m, &list);
	list_done(&list);
	return error < 0 ? refuse(m, error, ret_text) : 0;
}

static bool is_any(const struct place *p, const void *arg)
{
	return true;
}

static bool is_doubted(const struct place *p, const void *arg)
{
	return p->is_doubted;
}

static bool is_closed(const struct place *p, const void *config)
{
	return parent_routes_objection(p->netns, config) != NULL;
}

static void withdraw(struct parent_routes *r,
		     bool (*is_meant)(const struct place *p, const void *arg), const void *arg)
{
	struct place **p = &r->places;
	int error;

	while (*p)
		if (is_meant(*p, arg) && clear_table((*p)->netns, (*p)->table) == 0)
			drop_place(p);
		else
			p = &(*p)->next;
	error = write_file(r);
	if (error < 0)
		log_error("%s is not up to date: %s", r->path, strerror(-error));
}

bool parent_routes_withdraw(struct parent_routes *r)
{
	bool had_some = r->places != NULL;

	if (had_some)
		withdraw(r, is_any, NULL);
	return had_some;
}

void parent_routes_doubt(struct parent_routes *r)
{
	for (struct place *p = r->places; p; p = p->next)
		p->is_doubted = true;
}

void parent_routes_drop_doubted(struct parent_routes *r)
{
	withdraw(r, is_doubted, NULL);
}

void parent_routes_reconfigure(struct parent_routes *r, const struct gateway_config *config)
{
	withdraw(r, is_closed, config);
}

/* ---- life ---- */

struct parent_routes *parent_routes_new(const char *path)
{
	struct parent_routes *r = calloc(1, sizeof(*r));

	if (r)
		r->path = strdup(path);
	if (!r || !r->path) {
		free(r);
		return NULL;
	}
	withdraw_stale(path);
	return r;
}

void parent_routes_free(struct parent_routes *r)
{
	if (!r)
		return;
	parent_routes_withdraw(r);
	while (r->places)
		drop_place(&r->places);
	free(r->path);
	free(r);
}
