/* SPDX-License-Identifier: Apache-2.0 */
/* Each check is a function of what was found out; what was not is unknown, with the reason. */
#include "sstp/control/doctor_words.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MANY "Too many virtual networks are asked at once: ask for this one with --vnet."

enum {
	ROOT_DAYS_MIN = 90, /* a root is rotated before it can issue no more */
};

static void say(struct doctor_line *l, enum doctor_verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void advise(struct doctor_line *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct doctor_line *l, enum doctor_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	l->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(l->finding, sizeof(l->finding), fmt, ap);
	va_end(ap);
}

static void advise(struct doctor_line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->advice, sizeof(l->advice), fmt, ap);
	va_end(ap);
}

static const char *address(const struct prefix *p, char buf[PREFIX_TEXT_MAX])
{
	return p->family ? prefix_format_address(p, buf) : "-";
}

static void judge_limit(struct doctor_line *l, uint64_t used, uint64_t limit, const char *what)
{
	bool is_near = used >= limit - limit * (100 - DOCTOR_NEAR_PERCENT) / 100;

	say(l,
	    used >= limit ? DOCTOR_PROBLEM
	    : is_near	  ? DOCTOR_WARNING
			  : DOCTOR_OK,
	    "%" PRIu64 " of %" PRIu64 " %s.", used, limit, what);
}

/* ---- a VNet: what is declared ---- */

static bool is_gateway_missing(const struct doctor_vnet *v, struct doctor_line *l)
{
	if (v->has_gateway)
		return false;
	say(l, DOCTOR_PROBLEM, "%u apps are connected, and the VNet has no gateway.", v->apps);
	advise(l, "Make one: sstpctl gateway create %s --pools CIDR", v->name);
	return true;
}

static bool is_private(const struct prefix *p)
{
	return p->family == AF_INET6 ? prefix_is_ip6_unicast(p) : prefix_is_rfc1918(p);
}

static void judge_pool(const struct doctor_vnet *v, struct doctor_line *l)
{
	char buf[PREFIX_TEXT_MAX];

	if (is_gateway_missing(v, l))
		return;
	say(l, DOCTOR_PROBLEM, "The gateway has no point-to-site address pool.");
	for (size_t i = 0; i < v->n_pools; i++) {
		if (!is_private(&v->pools[i])) {
			say(l, DOCTOR_PROBLEM, "Pool %s is not within RFC 1918.",
			    prefix_format(&v->pools[i], buf));
			break;
		}
		say(l, DOCTOR_OK, "%s%s within RFC 1918.", prefix_format(&v->pools[0], buf),
		    i ? " and the other pools are" : " is");
	}
	if (l->verdict == DOCTOR_PROBLEM)
		advise(l, "Give it one within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.");
}

static void judge_up(const struct doctor_vnet *v, struct doctor_line *l)
{
	if (is_gateway_missing(v, l))
		return;
	if (!v->is_told) {
		say(l, DOCTOR_UNKNOWN, "The data plane has not said how the gateway is.");
	} else if (*v->down) {
		say(l, DOCTOR_PROBLEM, "Nobody comes in by the gateway: %s", v->down);
		advise(l, "Mend what it says; sstpctl gateway show %s.", v->name);
	} else {
		say(l, DOCTOR_OK, "The gateway is up, with %u sessions.", v->sessions);
	}
}

static void judge_coexistence(const struct doctor_vnet *v, struct doctor_line *l)
{
	if (is_gateway_missing(v, l))
		return;
	if (v->has_express_route) {
		say(l, DOCTOR_PROBLEM,
		    "The gateway coexists with an ExpressRoute gateway: no app can be joined.");
		advise(l, "Delete the VNet's gateway of type ExpressRoute, or use another VNet.");
	} else if (!v->is_route_based) {
		say(l, DOCTOR_PROBLEM, "The gateway's VPN type is not RouteBased.");
		advise(l, "sstpctl gateway set %s --vpn-type RouteBased", v->name);
	} else if (!v->has_sstp) {
		say(l, DOCTOR_PROBLEM, "SSTP is not among the gateway's protocols.");
		advise(l, "sstpctl gateway set %s --protocols SSTP", v->name);
	} else {
		say(l, DOCTOR_OK, "No coexisting gateway is declared; route-based, with SSTP.");
	}
}

static unsigned dead_certificates(const struct doctor_vnet *v)
{
	return v->certs[CERT_REVOKED] + v->certs[CERT_EXPIRED] + v->certs[CERT_NOT_YET_VALID];
}

static void judge_certificates(const struct doctor_vnet *v, struct doctor_line *l)
{
	unsigned dead = dead_certificates(v), near = v->certs[CERT_NEAR_EXPIRY];
	bool has_cut = v->certs[CERT_OUT_OF_SYNC] > 0;

	if (dead || has_cut) {
		say(l, DOCTOR_PROBLEM,
		    "%u apps cannot come in: certificates revoked %u, expired %u, not yet valid "
		    "%u, "
		    "of a root that is gone %u; one is %s.",
		    dead + v->certs[CERT_OUT_OF_SYNC], v->certs[CERT_REVOKED],
		    v->certs[CERT_EXPIRED], v->certs[CERT_NOT_YET_VALID],
		    v->certs[CERT_OUT_OF_SYNC], v->worst);
		advise(l, "Enrol again: sstpctl token create --app %s --vnet %s", v->worst,
		       v->name);
	} else if (near) {
		say(l, DOCTOR_WARNING, "%u certificates are near expiry; one is of %s.", near,
		    v->worst);
		advise(l, "Workers renew by themselves: see why this one has not, in its log.");
	} else if (v->unenrolled) {
		say(l, DOCTOR_WARNING, "%u of %u apps have not enrolled yet.", v->unenrolled,
		    v->apps);
		advise(l, "sstpctl token create --app APP --vnet %s", v->name);
	} else if (v->apps) {
		say(l, DOCTOR_OK, "The certificates of all %u apps are in force.", v->apps);
	} else {
		say(l, DOCTOR_OK, "No app is connected.");
	}
}

static void judge_sync(const struct doctor_vnet *v, struct doctor_line *l)
{
	if (v->resync) {
		say(l, DOCTOR_WARNING, "%u apps do not have the network of now; one is %s%s%s.",
		    v->resync, v->to_sync, *v->sync_why ? ": " : "", v->sync_why);
		advise(l, "sstpctl plan sync PLAN %s", v->name);
	} else {
		say(l, DOCTOR_OK, "Certificates, name servers and routes are in sync.");
	}
}

static void judge_pool_left(const struct doctor_vnet *v, struct doctor_line *l)
{
	uint64_t size = 0;

	if (is_gateway_missing(v, l))
		return;
	for (size_t i = 0; i < v->n_pools; i++)
		if (v->pools[i].family == AF_INET)
			size += prefix_size4(&v->pools[i]);
	judge_limit(l, v->sessions, size, "addresses of the pool are in use");
	if (l->verdict != DOCTOR_OK)
		advise(l, "Add a pool: sstpctl gateway set %s --pools CIDR,CIDR", v->name);
}

/* ---- a VNet: what was asked ---- */

static bool is_answering(const struct doctor_server *s)
{
	return s->is_told && !s->error && s->answer.outcome != DNS_SILENCE && !s->answer.is_nobody;
}

/* The first one that does not, NULL. */
static const struct doctor_server *first_dead(const struct doctor_vnet *v, size_t *ret_alive)
{
	const struct doctor_server *dead = NULL;

	*ret_alive = 0;
	for (size_t i = 0; i < v->n_servers; i++)
		if (is_answering(&v->servers[i]))
			(*ret_alive)++;
		else if (!dead)
			dead = &v->servers[i];
	return dead;
}

static const char *why_dead(const struct doctor_server *s)
{
	if (s->error)
		return strerror(-s->error);
	return s->answer.is_nobody ? "nobody serves names there" : "it says nothing in 3 s";
}

static bool has_untold(const struct doctor_vnet *v)
{
	for (size_t i = 0; i < v->n_servers; i++)
		if (!v->servers[i].is_told)
			return true;
	return false;
}

static bool has_refusing(const struct doctor_vnet *v)
{
	for (size_t i = 0; i < v->n_servers; i++)
		if (v->servers[i].answer.outcome == DNS_REFUSED)
			return true;
	return false;
}

static void judge_dns(const struct doctor_vnet *v, struct doctor_line *l)
{
	size_t alive;
	const struct doctor_server *dead = first_dead(v, &alive);
	char buf[PREFIX_TEXT_MAX];

	if (!v->n_servers) {
		say(l, DOCTOR_OK, "The VNet has no name servers: apps keep their own.");
	} else if (v->is_skipped || has_untold(v)) {
		say(l, DOCTOR_UNKNOWN,
		    v->is_skipped ? MANY : "The parent did not open a socket to all of them.");
	} else if (dead) {
		say(l, alive ? DOCTOR_WARNING : DOCTOR_PROBLEM,
		    "%zu of %zu name servers answer the gateway; %s does not: %s.", alive,
		    v->n_servers, address(&dead->address, buf), why_dead(dead));
		advise(l, "Mend the server, or name others: sstpctl vnet set %s --dns ADDRESS,...",
		       v->name);
	} else {
		say(l, has_refusing(v) ? DOCTOR_WARNING : DOCTOR_OK,
		    "All %zu name servers answer the gateway%s.", v->n_servers,
		    has_refusing(v) ? ", but one refuses the question" : "");
		if (has_refusing(v))
			advise(l, "See that it answers the gateway and the pool, not only others.");
	}
}

static bool is_answered(const struct msg_probed *m)
{
	return m->outcome <= MSG_OUTCOME_CLOSED;
}

/* The app's own question, whole and short: to the port, or an echo. NULL: none was answered. */
static const struct explain_probe *find_answered(const struct doctor_host *h)
{
	for (size_t i = 0; i < h->n_silence; i++) {
		const struct explain_probe *p = &h->probes[i];

		if (p->is_told && !p->source && !p->ttl && is_answered(&p->answer))
			return p;
	}
	return NULL;
}

/* Of all that was asked in the app's name; NULL: nothing was told. */
static const struct explain_probe *find_told(const struct doctor_host *h)
{
	for (size_t i = 0; i < h->n_silence; i++) {
		const struct explain_probe *p = &h->probes[i];

		if (p->is_told && !p->source && !p->ttl)
			return p;
	}
	return NULL;
}

/* What keeps a host from being asked at all. False: it was asked. */
static bool is_unasked(const struct doctor_vnet *v, const struct doctor_host *h, const char *where,
		       struct doctor_line *l)
{
	const struct explain_probe *told = find_told(h);

	if (v->is_skipped)
		say(l, DOCTOR_UNKNOWN, MANY);
	else if (!h->is_known)
		say(l, DOCTOR_UNKNOWN,
		    "No name server of the VNet is %s, and so no host there is known.", where);
	else if (!*v->app)
		say(l, DOCTOR_UNKNOWN, "No session is up, in whose name a host could be asked.");
	else if (!h->is_asked || !told)
		say(l, DOCTOR_UNKNOWN, "The data plane has not answered in time.");
	else if (told->answer.outcome == MSG_OUTCOME_NO_SESSION ||
		 told->answer.outcome == MSG_OUTCOME_BUSY)
		say(l, DOCTOR_UNKNOWN,
		    told->answer.outcome == MSG_OUTCOME_BUSY
			    ? "Too much is asked at once: ask again."
			    : "The session has ended meanwhile.");
	else
		return false;
	if (!v->is_skipped)
		advise(l, "sstpctl explain %s HOST:PORT asks a host that you know.",
		       *v->app ? v->app : "APP");
	return true;
}

/* What silence means; l says which host. */
static void judge_cause(const struct doctor_vnet *v, const struct explain_reason *r,
			const char *host, struct doctor_line *l)
{
	char pool[PREFIX_TEXT_MAX] = "the pool", hop[PREFIX_TEXT_MAX];

	if (v->n_pools)
		prefix_format(&v->pools[0], pool);
	switch (r->cause) {
	case EXPLAIN_NO_WAY_BACK:
		say(l, DOCTOR_PROBLEM,
		    "No route leads back from %s: %s answers the gateway, and not the pool.", host,
		    r->lost ? address(&r->lost->answer.from, hop) : "the way there");
		advise(l, "Add a route for %s by the gateway there.", pool);
		break;
	case EXPLAIN_POOL_OR_WAY:
		say(l, DOCTOR_PROBLEM, "%s answers the gateway, and not the pool.", host);
		advise(l,
		       "Add a route for %s by the gateway there, or let the firewall there pass "
		       "it.",
		       pool);
		break;
	case EXPLAIN_POOL_DROPPED:
	case EXPLAIN_POOL_PARTLY_ALLOWED:
		say(l, DOCTOR_PROBLEM, "A firewall at %s drops %s of the pool.", host,
		    r->cause == EXPLAIN_POOL_DROPPED ? "all" : "a part");
		advise(l, "Let it pass all of %s.", pool);
		break;
	case EXPLAIN_ANSWERED_LATER: say(l, DOCTOR_OK, "%s answers the pool.", host); break;
	case EXPLAIN_PORT_DROPPED:
	case EXPLAIN_PORT_DROPPED_FOR_POOL:
		say(l, DOCTOR_OK, "%s answers the pool, but not on port %d.", host, DOCTOR_PORT);
		break;
	case EXPLAIN_HOST_DOWN:
	case EXPLAIN_NOBODY_ANSWERED:
	case EXPLAIN_NO_CAUSE:
	case EXPLAIN_MTU:
		say(l, DOCTOR_UNKNOWN, "%s, the only host that is known, answers nobody.", host);
		advise(l, "sstpctl explain %s HOST:PORT asks a host that you know.", v->app);
		break;
	}
}

static void judge_host(const struct doctor_vnet *v, const struct doctor_host *h,
		       struct doctor_line *l)
{
	const struct explain_probe *answered = find_answered(h);
	const struct explain_probe *told = find_told(h);
	struct explain_reason r;
	char host[PREFIX_TEXT_MAX];

	address(&h->address, host);
	if (answered) {
		say(l, DOCTOR_OK, "%s answers %s, an app of the pool.", host, v->app);
	} else if (told->answer.outcome == MSG_OUTCOME_REFUSED) {
		say(l, DOCTOR_PROBLEM, "The gateway does not let %s through to %s: %s.", v->app,
		    host, told->answer.drop);
		advise(l, "sstpctl explain %s %s:%d says why.", v->app, host, DOCTOR_PORT);
	} else {
		r = explain_find_cause(h->probes, h->n_silence, DOCTOR_PORT);
		judge_cause(v, &r, host, l);
	}
}

static void judge_return(const struct doctor_vnet *v, struct doctor_line *l)
{
	if (!is_gateway_missing(v, l) && !is_unasked(v, &v->inside, "in it", l))
		judge_host(v, &v->inside, l);
}

static void judge_told(const struct doctor_vnet *v, struct doctor_line *l)
{
	if (!v->is_pool_announced) {
		say(l, DOCTOR_PROBLEM, "The pool is not announced to the routing daemon.");
		advise(l, "See gateway: what is down is not announced; sstpctl bgp advertised %s.",
		       v->name);
	} else if (!v->is_bird_asked) {
		say(l, DOCTOR_UNKNOWN, "The pool is announced; BIRD was not asked whom it tells.");
		advise(l,
		       "Set bird_socket: in gateway.yaml, or ask for this VNet alone with --vnet.");
	} else if (*v->bird.told) {
		say(l, DOCTOR_OK, "BIRD tells %s of the pool.", v->bird.told);
	} else if (*v->bird.why) {
		say(l, DOCTOR_UNKNOWN, "Whom BIRD tells of the pool is not known: %s", v->bird.why);
		advise(l, "Start BIRD: sstpctl bgp config %s prints a configuration.", v->name);
	} else {
		say(l, DOCTOR_PROBLEM, "BIRD tells no neighbour of the pool.");
		advise(l, "sstpctl bgp peers %s says who is up; see what BIRD exports.", v->name);
	}
}

static void judge_on_premises(const struct doctor_vnet *v, struct doctor_line *l)
{
	const struct doctor_host *h = &v->outside;

	if (is_gateway_missing(v, l))
		return;
	if (!v->has_on_premises && !v->has_bgp) {
		say(l, DOCTOR_OK, "Nothing on-premises is declared or learned.");
		return;
	}
	/* what a host there does is more than what is told of the pool */
	if (h->is_known && !is_unasked(v, h, "there", l))
		judge_host(v, h, l);
	else if (v->has_bgp)
		judge_told(v, l);
	else
		is_unasked(v, h, "there", l);
}

static const struct doctor_host *measured_host(const struct doctor_vnet *v)
{
	return v->inside.is_known ? &v->inside : &v->outside;
}

static void judge_mtu(const struct doctor_vnet *v, struct doctor_line *l)
{
	const struct doctor_host *h = measured_host(v);
	struct explain_reason r;
	char host[PREFIX_TEXT_MAX];

	if (is_gateway_missing(v, l) || is_unasked(v, h, "in it or on-premises", l))
		return;
	address(&h->address, host);
	r = explain_find_size(h->probes + h->n_silence, h->n_sizes);
	if (!find_answered(h)) {
		say(l, DOCTOR_UNKNOWN, "%s does not answer short packets either.", host);
	} else if (r.cause == EXPLAIN_MTU) {
		say(l, DOCTOR_PROBLEM,
		    "Packets of %u bytes to or from %s vanish, of %u bytes they do not.", r.stuck,
		    host, r.passes);
		advise(l, "Mend the path, or set mtu: in gateway.yaml to what passes.");
	} else {
		say(l, DOCTOR_OK, "Packets as long as the tunnel takes reach %s%s.", host,
		    r.passes ? " and come back" : "");
	}
}

/* The name of one of gateway.yaml's may not be known. */
static bool is_own_device(const struct doctor_vnet *v)
{
	return v->tun.is_tun && (!*v->device || strcmp(v->tun.name, v->device) == 0);
}

static void judge_offload(const struct doctor_vnet *v, struct doctor_line *l)
{
	const struct doctor_device *d = &v->tun;

	if (is_gateway_missing(v, l))
		return;
	if (v->is_skipped)
		say(l, DOCTOR_UNKNOWN, MANY);
	else if (!d->is_asked || d->error)
		say(l, DOCTOR_UNKNOWN, "The kernel does not say how the TUN device is: %s.",
		    d->is_asked ? strerror(-d->error) : "no socket was opened there");
	else if (!is_own_device(v)) {
		say(l, DOCTOR_PROBLEM,
		    "The gateway's kernel does not send the pool to the VNet's TUN device%s%s.",
		    *d->name ? ", but to " : "", d->name);
		advise(l, "See which route takes it: ip route get ADDRESS-OF-THE-POOL");
	} else if (!d->is_up) {
		say(l, DOCTOR_PROBLEM, "TUN device %s is down.", d->name);
		advise(l, "ip link set %s up", d->name);
	} else if (!d->has_tso) {
		say(l, DOCTOR_WARNING, "TUN device %s, MTU %u: packets go one by one.", d->name,
		    d->mtu);
		advise(l, "Unless a fault is being ruled out, take offload: out of gateway.yaml.");
	} else {
		say(l, DOCTOR_OK, "TUN device %s, MTU %u: packets go in groups (TSO is on).",
		    d->name, d->mtu);
	}
}

static const struct {
	const char *name;
	void (*judge)(const struct doctor_vnet *v, struct doctor_line *l);
} vnet_checks[DOCTOR_VNET_CHECKS] = {
	/* clang-format off */
	[DOCTOR_POOL] =		{"pool",		judge_pool},
	[DOCTOR_GATEWAY] =	{"gateway",		judge_up},
	[DOCTOR_COEXISTENCE] =	{"coexistence",		judge_coexistence},
	[DOCTOR_CERTIFICATES] =	{"certificates",	judge_certificates},
	[DOCTOR_SYNC] =		{"sync",		judge_sync},
	[DOCTOR_DNS] =		{"dns",			judge_dns},
	[DOCTOR_RETURN] =	{"returnRoute",		judge_return},
	[DOCTOR_ON_PREMISES] =	{"onPremisesRoute",	judge_on_premises},
	[DOCTOR_MTU] =		{"mtu",			judge_mtu},
	[DOCTOR_OFFLOAD] =	{"offload",		judge_offload},
	[DOCTOR_POOL_LEFT] =	{"poolLeft",		judge_pool_left},
	/* clang-format on */
};

bool doctor_judge_vnet(const struct doctor_vnet *v, enum doctor_vnet_check check,
		       struct doctor_line *ret_line)
{
	*ret_line = (struct doctor_line){.check = vnet_checks[check].name};
	if (!v->has_gateway && !v->apps && check != DOCTOR_DNS)
		return false;
	vnet_checks[check].judge(v, ret_line);
	return true;
}

/* ---- the gateway ---- */

static void judge_server_certificate(const struct doctor_gateway *g, struct doctor_line *l)
{
	if (g->server_error == -ENOENT) {
		say(l, DOCTOR_UNKNOWN,
		    "The authority has made none for the gateway: the operator's own is shown.");
		advise(l, "openssl x509 -enddate tells when the files of gateway.yaml expire.");
	} else if (!status_is_live(g->server)) {
		say(l, DOCTOR_PROBLEM, "The gateway's certificate is %s.", status_text(g->server));
		advise(l, "See clock; sstpctl cert server.");
	} else if (g->server != CERT_VALID) {
		say(l, DOCTOR_WARNING,
		    "The gateway's certificate is %s, with %" PRId64 " days left.",
		    status_text(g->server), g->server_days);
		advise(l, "It is renewed by itself when the gateway can: see its log.");
	} else {
		say(l, DOCTOR_OK, "The gateway's certificate is valid, with %" PRId64 " days left.",
		    g->server_days);
	}
}

static void judge_roots(const struct doctor_gateway *g, struct doctor_line *l)
{
	if (g->root_days < 0 || g->roots_bad) {
		say(l, DOCTOR_PROBLEM, "%u of %u roots are not in force%s.", g->roots_bad, g->roots,
		    g->root_days < 0 ? ", and none can issue" : "");
		advise(l, g->root_days < 0 ? "See clock; sstpctl root rotate"
					   : "sstpctl root list; drop what is not used any more.");
	} else if (g->roots_near || g->root_days < ROOT_DAYS_MIN) {
		say(l, DOCTOR_WARNING,
		    "%u roots are near expiry; new certificates can be issued for %" PRId64
		    " days.",
		    g->roots_near, g->root_days);
		advise(l, "sstpctl root rotate, and drop the old one when apps have renewed.");
	} else {
		say(l, DOCTOR_OK, "All %u roots are in force; one issues for %" PRId64 " days.",
		    g->roots, g->root_days);
	}
}

static void judge_data_plane(const struct doctor_gateway *g, struct doctor_line *l)
{
	if (!g->is_connected) {
		say(l, DOCTOR_PROBLEM,
		    "The data plane is not there, or has not said what it serves.");
		advise(l, "It starts again by itself: see the log of sstp-gateway.");
	} else if (*g->behind) {
		say(l, DOCTOR_PROBLEM, "The data plane is not up to date: %s", g->behind);
		advise(l, "Mend what it says; it is tried again each minute.");
	} else {
		say(l, DOCTOR_OK, "The data plane knows all that the site says.");
	}
}

static void judge_clock(const struct doctor_gateway *g, struct doctor_line *l)
{
	if (g->clock_behind_s > 0) {
		say(l, DOCTOR_PROBLEM,
		    "The clock went back: something is written down %" PRId64 " s later than now.",
		    g->clock_behind_s);
		advise(l, "Set the clock: certificates are judged by it.");
	} else if (g->clock_error) {
		say(l, DOCTOR_UNKNOWN, "The kernel does not say whether the clock is kept: %s.",
		    strerror(-g->clock_error));
	} else if (!g->is_clock_kept) {
		say(l, DOCTOR_WARNING,
		    "Nobody keeps the clock: the kernel calls it unsynchronized.");
		advise(l, "Run an NTP client: chrony or systemd-timesyncd.");
	} else {
		say(l, DOCTOR_OK, "The clock is kept, as the kernel says.");
	}
}

static void judge_sessions(const struct doctor_gateway *g, struct doctor_line *l)
{
	if (!g->files_max) {
		say(l, DOCTOR_UNKNOWN, "%u sessions are up; the limit of files is not known.",
		    g->sessions);
		return;
	}
	judge_limit(l, g->sessions, g->files_max,
		    "sessions are up, by the files that a process may open: each needs one");
	if (l->verdict != DOCTOR_OK)
		advise(l, "Raise LimitNOFILE= of the service, and start it again.");
}

static void judge_files(const struct doctor_gateway *g, struct doctor_line *l)
{
	if (!g->files_max) {
		say(l, DOCTOR_UNKNOWN, "How many files are open is not known.");
		return;
	}
	judge_limit(l, g->files, g->files_max, "files are open in the control process");
	if (l->verdict != DOCTOR_OK)
		advise(l, "Raise LimitNOFILE= of the service, and start it again.");
}

static void judge_vnets(const struct doctor_gateway *g, struct doctor_line *l)
{
	judge_limit(l, g->vnets, g->vnets_max, "virtual networks have a gateway here");
	if (l->verdict != DOCTOR_OK)
		advise(l, "Use a second gateway for the next ones.");
}

static void judge_plans(const struct doctor_gateway *g, struct doctor_line *l)
{
	if (!*g->plan) {
		say(l, DOCTOR_OK, "No plan has apps that are connected.");
		return;
	}
	judge_limit(l, g->plan_vnets, DOCTOR_PLAN_VNETS, "VNets are used by a plan");
	if (l->verdict == DOCTOR_OK)
		return;
	say(l, DOCTOR_WARNING, "Plan %s uses %u of %d VNets.", g->plan, g->plan_vnets,
	    DOCTOR_PLAN_VNETS);
	advise(l, "A sixth is refused: put its apps into another plan.");
}

static const struct {
	const char *name;
	void (*judge)(const struct doctor_gateway *g, struct doctor_line *l);
} gateway_checks[DOCTOR_GATEWAY_CHECKS] = {
	/* clang-format off */
	[DOCTOR_SERVER_CERTIFICATE] =	{"serverCertificate",	judge_server_certificate},
	[DOCTOR_ROOTS] =		{"roots",		judge_roots},
	[DOCTOR_DATA_PLANE] =		{"dataPlane",		judge_data_plane},
	[DOCTOR_CLOCK] =		{"clock",		judge_clock},
	[DOCTOR_SESSIONS] =		{"sessions",		judge_sessions},
	[DOCTOR_FILES] =		{"files",		judge_files},
	[DOCTOR_VNETS] =		{"vnets",		judge_vnets},
	[DOCTOR_PLANS] =		{"planVnets",		judge_plans},
	/* clang-format on */
};

void doctor_judge_gateway(const struct doctor_gateway *g, enum doctor_gateway_check check,
			  struct doctor_line *ret_line)
{
	*ret_line = (struct doctor_line){.check = gateway_checks[check].name};
	gateway_checks[check].judge(g, ret_line);
}

/* ---- all of it ---- */

static const char *const verdicts[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_UNKNOWN] = "unknown",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_PROBLEM] = "problem",
};

static void add(json_t *list, const char *vnet, const struct doctor_line *l,
		enum doctor_verdict *worst)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:s?, s:s, s:s, s:s?}", "check", l->check, "vnet",
					vnet, "verdict", verdicts[l->verdict], "finding",
					l->finding, "advice", *l->advice ? l->advice : NULL));
	if (l->verdict > *worst)
		*worst = l->verdict;
}

char *doctor_json(const struct doctor_gateway *g, const struct doctor_vnet *vnets, size_t n)
{
	enum doctor_verdict worst = DOCTOR_OK;
	json_t *list = json_array();
	struct doctor_line line;
	json_t *all;
	char *text;

	for (int c = 0; g && c < DOCTOR_GATEWAY_CHECKS; c++) {
		doctor_judge_gateway(g, (enum doctor_gateway_check)c, &line);
		add(list, NULL, &line, &worst);
	}
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < DOCTOR_VNET_CHECKS; c++)
			if (doctor_judge_vnet(&vnets[i], (enum doctor_vnet_check)c, &line))
				add(list, vnets[i].name, &line, &worst);
	all = json_pack("{s:s, s:o}", "verdict", verdicts[worst], "value", list);
	text = all ? json_dumps(all, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(all);
	return text;
}
