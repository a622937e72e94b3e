/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/doctor_read.h"

#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include "sstp/control/model_internal.h"
#include "tun/rtnl_get.h"

#define NOWHERE "invalid" /* RFC 6761: nobody has it, and whoever serves names knows that */

enum {
	DAY_S = 86400,
};

/* ---- lists in columns: JSON texts ---- */

static size_t read_prefixes(const char *text, struct prefix *ret, size_t max)
{
	json_t *list = json_loads(text, 0, NULL);
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach(list, i, one)
	{
		const char *item = json_string_value(one);

		if (n < max && item && prefix_parse(item, &ret[n]) == 0)
			n++;
	}
	json_decref(list);
	return n;
}

static bool list_covers(const char *text, const struct prefix *p)
{
	json_t *list = json_loads(text, 0, NULL);
	const json_t *one;
	struct prefix outer;
	bool covers = false;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *item = json_string_value(one);

		covers |= item && prefix_parse(item, &outer) == 0 && prefix_covers(&outer, p);
	}
	json_decref(list);
	return covers;
}

static bool list_has(const char *text, const char *word)
{
	json_t *list = json_loads(text, 0, NULL);
	const json_t *one;
	bool has = false;
	size_t i;

	json_array_foreach(list, i, one) has |= strcmp(json_string_value(one), word) == 0;
	json_decref(list);
	return has;
}

static void read_domain(const char *text, char ret[DOCTOR_DOMAIN_MAX])
{
	json_t *list = json_loads(text, 0, NULL);
	const char *first = json_string_value(json_array_get(list, 0));

	snprintf(ret, DOCTOR_DOMAIN_MAX, "%s", first ? first : NOWHERE);
	json_decref(list);
}

/* ---- virtual networks ---- */

enum vnet_column {
	VNET_NAME,
	VNET_NETNS,
	VNET_DEVICE,
	VNET_DNS,
	VNET_DOMAINS,
	VNET_SPACES,
	VNET_HAS_GATEWAY,
	VNET_TYPE,
	VNET_PROTOCOLS,
	VNET_POOLS,
	VNET_ON_PREMISES,
	VNET_HAS_BGP,
	VNET_HAS_EXPRESS_ROUTE,
	VNET_IS_TOLD,
	VNET_DOWN,
	VNET_SESSIONS,
	VNET_APP,
};

static const char vnets_sql[] =
	"SELECT v.name, v.attach_netns, coalesce(v.device, ''), v.dns, v.search_domains, v.spaces,"
	" g.id IS NOT NULL, coalesce(g.vpn_type, ''), coalesce(g.protocols, '[]'),"
	" coalesce(g.pools, '[]'), coalesce(g.on_premises, '[]'), coalesce(g.enable_bgp, 0),"
	" EXISTS (SELECT 1 FROM gateway e WHERE e.vnet_id = v.id"
	"  AND e.gateway_type = 'ExpressRoute'), u.why IS NOT NULL, coalesce(u.why, ''),"
	" (SELECT count(*) FROM session s WHERE s.vnet = v.name AND s.ended IS NULL),"
	" coalesce((SELECT s.app FROM session s WHERE s.vnet = v.name AND s.ended IS NULL"
	"  LIMIT 1), '')"
	" FROM vnet v LEFT JOIN gateway g ON g.vnet_id = v.id AND g.gateway_type = 'Vpn'"
	" LEFT JOIN gateway_state u ON u.vnet = v.name"
	" WHERE v.source <> 'gone' AND (:vnet IS NULL OR v.name = :vnet) ORDER BY v.name";

/* The first name server of each kind is a host that is known there. */
static void take_hosts(const struct doctor_source *s, struct store_query *q, struct doctor_vnet *v)
{
	struct learned_routes learned = {.n = 0};

	if (s->bgp)
		learned = learned_of(bgp_learned(s->bgp), v->name, LEARNED_LOOKUP);
	v->has_on_premises =
		strcmp(store_query_text(q, VNET_ON_PREMISES), "[]") != 0 || learned.n > 0;
	for (size_t i = 0; i < v->n_servers; i++) {
		const struct prefix *p = &v->servers[i].address;
		struct doctor_host *h = NULL;

		if (list_covers(store_query_text(q, VNET_SPACES), p))
			h = &v->inside;
		else if (list_covers(store_query_text(q, VNET_ON_PREMISES), p) ||
			 (learned.n && learned_cover(&learned, p)))
			h = &v->outside;
		if (h && !h->is_known) {
			h->is_known = true;
			h->address = *p;
		}
	}
}

static void take_bgp(const struct doctor_source *s, struct doctor_vnet *v)
{
	struct bgp_state state;

	if (!s->bgp || bgp_state(s->bgp, v->name, &state) < 0)
		return;
	for (size_t i = 0; i < state.n_announced; i++)
		v->is_pool_announced |=
			v->n_pools && prefix_covers(&state.announced[i], &v->pools[0]);
}

static int take_vnet(const struct doctor_source *s, struct store_query *q, struct doctor_vnet *v,
		     struct doctor_ways *w)
{
	struct prefix servers[DOCTOR_SERVERS_MAX];

	snprintf(v->name, sizeof(v->name), "%s", store_query_text(q, VNET_NAME));
	snprintf(v->device, sizeof(v->device), "%s", store_query_text(q, VNET_DEVICE));
	snprintf(v->app, sizeof(v->app), "%s", store_query_text(q, VNET_APP));
	snprintf(v->down, sizeof(v->down), "%s", store_query_text(q, VNET_DOWN));
	v->has_gateway = store_query_number(q, VNET_HAS_GATEWAY) != 0;
	v->has_express_route = store_query_number(q, VNET_HAS_EXPRESS_ROUTE) != 0;
	v->is_route_based = strcmp(store_query_text(q, VNET_TYPE), "RouteBased") == 0;
	v->has_sstp = list_has(store_query_text(q, VNET_PROTOCOLS), "SSTP");
	v->has_bgp = store_query_number(q, VNET_HAS_BGP) != 0;
	v->is_told = store_query_number(q, VNET_IS_TOLD) != 0;
	v->sessions = (unsigned)store_query_number(q, VNET_SESSIONS);
	v->n_pools = read_prefixes(store_query_text(q, VNET_POOLS), v->pools, DOCTOR_POOLS_MAX);
	v->n_servers = read_prefixes(store_query_text(q, VNET_DNS), servers, DOCTOR_SERVERS_MAX);
	for (size_t i = 0; i < v->n_servers; i++)
		v->servers[i].address = servers[i];
	take_hosts(s, q, v);
	take_bgp(s, v);
	read_domain(store_query_text(q, VNET_DOMAINS), w->domain);
	w->netns = strdup(store_query_text(q, VNET_NETNS));
	return w->netns ? 0 : -ENOMEM;
}

/* One more, zeroed. */
static int grow(struct doctor_read *r)
{
	struct doctor_vnet *vnets = realloc(r->vnets, (r->n + 1) * sizeof(*vnets));
	struct doctor_ways *ways;

	if (!vnets)
		return -ENOMEM;
	r->vnets = vnets;
	ways = realloc(r->ways, (r->n + 1) * sizeof(*ways));
	if (!ways)
		return -ENOMEM;
	r->ways = ways;
	memset(&vnets[r->n], 0, sizeof(*vnets));
	memset(&ways[r->n], 0, sizeof(*ways));
	r->n++;
	return 0;
}

static int read_vnets(const struct doctor_source *s, const char *vnet, struct doctor_read *r,
		      struct certs_error *e)
{
	const struct store_value value = {.name = ":vnet", .text = vnet};
	struct store_query *q;
	int got = store_query(s->model->store, vnets_sql, &value, 1, &q, e);

	if (got < 0)
		return got;
	while ((got = store_query_next(q, e)) > 0)
		if (grow(r) < 0 || take_vnet(s, q, &r->vnets[r->n - 1], &r->ways[r->n - 1]) < 0) {
			got = certs_fail(e, -ENOMEM, "out of memory");
			break;
		}
	store_query_end(q);
	if (got == 0 && vnet && !r->n)
		return certs_fail(e, -ENOENT, "There is no such virtual network.");
	return got;
}

/* ---- apps ---- */

static enum cert_status status_of(const char *text)
{
	int status = 0;

	while (status < CERT_STATUS_COUNT - 1 &&
	       strcmp(status_text((enum cert_status)status), text) != 0)
		status++;
	return (enum cert_status)status;
}

/* What /v1/apps says of it: why its worker does not have what is so now; NULL: it has. Borrowed. */
static const char *why_behind(const json_t *apps, const char *app)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(apps, "value"), i, row)
	{
		if (name_equal(json_string_value(json_object_get(row, "app")), app))
			return json_string_value(json_object_get(row, "reason"));
	}
	return NULL;
}

static void take_app(struct store_query *q, const json_t *apps, struct doctor_vnet *v)
{
	const char *app = store_query_text(q, 0);
	const char *certificate = store_query_text(q, 1);
	const char *why = why_behind(apps, app);
	enum cert_status status = status_of(certificate);

	v->apps++;
	if (!*certificate) {
		v->unenrolled++;
	} else {
		if (status != CERT_VALID &&
		    (!*v->worst || !status_is_live(status))) /* the one to begin with */
			snprintf(v->worst, sizeof(v->worst), "%s", app);
		v->certs[status]++;
	}
	if (!store_query_number(q, 2) && !(why && *certificate && status_is_live(status)))
		return;
	v->resync++;
	snprintf(v->to_sync, sizeof(v->to_sync), "%s", app);
	snprintf(v->sync_why, sizeof(v->sync_why), "%s", why ? why : "");
}

static int read_apps(const struct doctor_source *s, const json_t *apps, struct doctor_vnet *v,
		     struct certs_error *e)
{
	const struct store_value value = {.name = ":vnet", .text = v->name};
	struct store_query *q;
	int r = store_query(s->model->store,
			    "SELECT app, coalesce(status, ''), synced <> now FROM connection_now"
			    " WHERE vnet = :vnet ORDER BY app",
			    &value, 1, &q, e);

	if (r < 0)
		return r;
	while ((r = store_query_next(q, e)) > 0)
		take_app(q, apps, v);
	store_query_end(q);
	return r;
}

/* As an operator is answered. Owned; NULL: it was not. */
static json_t *ask_apps(const struct doctor_source *s)
{
	const struct admin_world w = {.est = s->est, .model = s->model, .dial = ""};
	const struct front_request request = {.method = FRONT_GET, .path = "/v1/apps"};
	struct front_reply reply = {.json = NULL};
	json_t *apps;

	admin_answer(&w, &request, s->now, &reply);
	apps = reply.json ? json_loads(reply.json, 0, NULL) : NULL;
	free(reply.json);
	return apps;
}

/* ---- the gateway ---- */

static void read_server(const struct doctor_source *s, struct doctor_gateway *g)
{
	struct authority_server_info info;

	g->server_error =
		s->est->anchors ? -ENOENT : authority_server_show(s->est->authority, s->now, &info);
	if (g->server_error)
		return;
	g->server = info.status;
	g->server_days = (info.facts.not_after - s->now) / DAY_S;
}

static void read_roots(const struct doctor_source *s, struct doctor_gateway *g)
{
	struct authority_root_info info;

	g->root_days = -1;
	g->roots = (unsigned)authority_root_count(s->est->authority);
	for (size_t i = 0; i < g->roots; i++) {
		authority_root_at(s->est->authority, i, s->now, &info);
		g->roots_bad += !status_is_live(info.status);
		g->roots_near += info.status == CERT_NEAR_EXPIRY;
		if (info.is_issuing && info.issues_until > s->now)
			g->root_days = (info.issues_until - s->now) / DAY_S;
	}
}

static void read_clock(struct doctor_gateway *g)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);

	g->clock_error = state < 0 ? -errno : 0;
	g->is_clock_kept = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}

static void read_files(struct doctor_gateway *g)
{
	struct rlimit limit;
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *one;

	if (dir && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		while ((one = readdir(dir)))
			g->files += one->d_name[0] != '.';
		g->files--; /* the folder's own */
		g->files_max = limit.rlim_cur < UINT32_MAX ? (unsigned)limit.rlim_cur : UINT32_MAX;
	}
	if (dir)
		closedir(dir);
}

static const char counts_sql[] =
	"SELECT (SELECT count(*) FROM gateway WHERE gateway_type = 'Vpn'),"
	" (SELECT count(*) FROM session WHERE ended IS NULL),"
	" coalesce((SELECT max(max(since), max(coalesce(ended, 0))) FROM session), 0),"
	" coalesce(p.plan, ''), coalesce(p.n, 0) FROM (SELECT 1) LEFT JOIN"
	" (SELECT plan, count(DISTINCT vnet_id) AS n FROM connection_now GROUP BY plan_id"
	"  ORDER BY n DESC, plan LIMIT 1) p";

static int read_counts(const struct doctor_source *s, struct doctor_gateway *g,
		       struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(s->model->store, counts_sql, NULL, 0, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0) {
		g->vnets = (unsigned)store_query_number(q, 0);
		g->sessions = (unsigned)store_query_number(q, 1);
		g->clock_behind_s = store_query_number(q, 2) - s->now;
		snprintf(g->plan, sizeof(g->plan), "%s", store_query_text(q, 3));
		g->plan_vnets = (unsigned)store_query_number(q, 4);
	}
	store_query_end(q);
	g->vnets_max = MSG_VNETS_MAX;
	return r < 0 ? r : 0;
}

int doctor_read(const struct doctor_source *s, const char *vnet, struct doctor_read *ret_read,
		struct certs_error *ret_error)
{
	struct doctor_read read = {.n = 0};
	json_t *apps = ask_apps(s);
	int r = read_vnets(s, vnet, &read, ret_error);

	for (size_t i = 0; r == 0 && i < read.n; i++)
		r = read_apps(s, apps, &read.vnets[i], ret_error);
	json_decref(apps);
	if (r == 0)
		r = read_counts(s, &read.gateway, ret_error);
	if (r < 0) {
		doctor_read_done(&read);
		return r;
	}
	read_server(s, &read.gateway);
	read_roots(s, &read.gateway);
	read_clock(&read.gateway);
	read_files(&read.gateway);
	*ret_read = read;
	return 0;
}

void doctor_read_done(struct doctor_read *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->ways[i].netns);
	free(r->vnets);
	free(r->ways);
}

/* ---- the TUN device ---- */

/* ethtool_value: yes or no. */
static bool is_set(int fd, const char *device, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (void *)&value};

	memcpy(request.ifr_name, device, IFNAMSIZ);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && value.data;
}

static bool has_driver(int fd, const char *device, const char *driver)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (void *)&info};

	memcpy(request.ifr_name, device, IFNAMSIZ);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && strcmp(info.driver, driver) == 0;
}

static void read_state(int fd, struct doctor_device *d)
{
	struct ifreq request = {.ifr_data = NULL};

	memcpy(request.ifr_name, d->name, IFNAMSIZ);
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		d->error = -errno;
		return;
	}
	d->is_up = request.ifr_flags & IFF_UP;
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		d->mtu = (unsigned)request.ifr_mtu;
	d->is_tun = has_driver(fd, d->name, "tun");
	d->has_tso = is_set(fd, d->name, ETHTOOL_GTSO);
}

/* An address in the midst of it, which is no network's own. */
static struct prefix some_address(const struct prefix *pool)
{
	struct prefix p = *pool;

	p.addr[p.family == AF_INET6 ? 15 : 3] |= 1;
	p.len = p.family == AF_INET6 ? 128 : 32;
	return p;
}

void doctor_read_device(int fd, const struct doctor_vnet *v, struct doctor_device *ret_device)
{
	struct doctor_device d = {.is_asked = true};
	struct prefix address = some_address(&v->pools[0]);
	struct rtnl_got got;
	struct rtnl *rtnl;

	d.error = rtnl_adopt(fd, &rtnl);
	if (d.error == 0) {
		d.error = rtnl_route_get(rtnl, &address, &got);
		if (d.error == 0 && *got.device) {
			snprintf(d.name, sizeof(d.name), "%s", got.device);
			read_state(rtnl_fd(rtnl), &d);
		} else if (d.error == -ENETUNREACH || d.error == -EHOSTUNREACH) {
			d.error = 0; /* it sends it nowhere */
		}
		rtnl_close(rtnl);
	}
	*ret_device = d;
}
