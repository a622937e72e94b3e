/* SPDX-License-Identifier: Apache-2.0 */
/* A VNet and a gateway with which all is well are changed in one thing, and one check is looked at. */
#include "sstp/control/doctor_words.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void answer(struct doctor_host *h, enum msg_outcome outcome)
{
	h->is_known = h->is_asked = true;
	h->address = prefix("10.1.0.4");
	h->n_silence = explain_ask_after_silence(DOCTOR_PORT, h->probes);
	h->n_sizes = explain_ask_sizes(DOCTOR_PORT, h->probes + h->n_silence);
	for (size_t i = 0; i < h->n_silence + h->n_sizes; i++) {
		h->probes[i].is_told = true;
		h->probes[i].answer = (struct msg_probed){
			.outcome = (uint8_t)outcome, .drop = "", .size = h->probes[i].size};
	}
}

static struct doctor_vnet good_vnet(void)
{
	struct doctor_vnet v = {
		.name = "hub",
		.app = "shop",
		.device = "sstp0",
		.has_gateway = true,
		.is_route_based = true,
		.has_sstp = true,
		.pools = {prefix("172.16.0.0/24")},
		.n_pools = 1,
		.is_told = true,
		.sessions = 3,
		.apps = 3,
		.certs = {[CERT_VALID] = 3},
		.servers = {{.address = prefix("10.1.0.4"),
			     .is_told = true,
			     .answer = {.outcome = DNS_NO_NAME}}},
		.n_servers = 1,
		.has_on_premises = true,
		.tun = {.is_asked = true,
			.name = "sstp0",
			.is_tun = true,
			.is_up = true,
			.has_tso = true,
			.mtu = 1400},
	};

	answer(&v.inside, MSG_OUTCOME_ECHO);
	answer(&v.outside, MSG_OUTCOME_ECHO);
	return v;
}

/* ---- what is changed ---- */

static void nothing(struct doctor_vnet *v)
{
	(void)v;
}

static void pool_public(struct doctor_vnet *v)
{
	v->pools[1] = prefix("100.64.0.0/24");
	v->n_pools = 2;
}

static void pool_beyond(struct doctor_vnet *v)
{
	v->pools[0] = prefix("172.32.0.0/16");
}

static void pool_none(struct doctor_vnet *v)
{
	v->n_pools = 0;
}

static void no_gateway(struct doctor_vnet *v)
{
	v->has_gateway = false;
}

static void untold(struct doctor_vnet *v)
{
	v->is_told = false;
}

static void down(struct doctor_vnet *v)
{
	strcpy(v->down, "no device");
}

static void express_route(struct doctor_vnet *v)
{
	v->has_express_route = true;
}

static void policy_based(struct doctor_vnet *v)
{
	v->is_route_based = false;
}

static void no_sstp(struct doctor_vnet *v)
{
	v->has_sstp = false;
}

static void revoked(struct doctor_vnet *v)
{
	v->certs[CERT_REVOKED] = 1;
	strcpy(v->worst, "web");
}

static void cut(struct doctor_vnet *v)
{
	v->certs[CERT_OUT_OF_SYNC] = 1;
}

static void near(struct doctor_vnet *v)
{
	v->certs[CERT_NEAR_EXPIRY] = 1;
}

static void unenrolled(struct doctor_vnet *v)
{
	v->unenrolled = 1;
}

static void no_apps(struct doctor_vnet *v)
{
	v->apps = 0;
}

static void behind(struct doctor_vnet *v)
{
	v->resync = 1;
	strcpy(v->to_sync, "web");
	strcpy(v->sync_why, "its network has changed");
}

static void no_servers(struct doctor_vnet *v)
{
	v->n_servers = 0;
}

static void server_silent(struct doctor_vnet *v)
{
	v->servers[0].answer.outcome = DNS_SILENCE;
}

static void server_gone(struct doctor_vnet *v)
{
	v->servers[0].answer = (struct dns_answer){.outcome = DNS_REFUSED, .is_nobody = true};
}

static void server_refuses(struct doctor_vnet *v)
{
	v->servers[0].answer.outcome = DNS_REFUSED;
}

static void server_unreachable(struct doctor_vnet *v)
{
	v->servers[0].error = -ENETUNREACH;
}

static void server_second_dead(struct doctor_vnet *v)
{
	v->servers[1] = v->servers[0];
	v->servers[1].answer.outcome = DNS_SILENCE;
	v->n_servers = 2;
}

static void server_untold(struct doctor_vnet *v)
{
	v->servers[0].is_told = false;
}

static void skipped(struct doctor_vnet *v)
{
	v->is_skipped = true;
}

static void no_session(struct doctor_vnet *v)
{
	*v->app = '\0';
}

static void no_host(struct doctor_vnet *v)
{
	v->inside.is_known = v->outside.is_known = false;
}

static void host_untold(struct doctor_vnet *v)
{
	for (size_t i = 0; i < v->inside.n_silence; i++)
		v->inside.probes[i].is_told = false;
}

static void session_gone(struct doctor_vnet *v)
{
	answer(&v->inside, MSG_OUTCOME_NO_SESSION);
}

static void busy(struct doctor_vnet *v)
{
	answer(&v->inside, MSG_OUTCOME_BUSY);
}

static void host_refused(struct doctor_vnet *v)
{
	answer(&v->inside, MSG_OUTCOME_REFUSED);
}

static void host_silent(struct doctor_vnet *v)
{
	answer(&v->inside, MSG_OUTCOME_SILENCE);
}

/* The app's questions meet with silence, the gateway's do not. */
static void take_pool_away(struct doctor_host *h)
{
	answer(h, MSG_OUTCOME_SILENCE);
	for (size_t i = 0; i < h->n_silence; i++)
		if (h->probes[i].source == EXPLAIN_BY_GATEWAY && !h->probes[i].ttl)
			h->probes[i].answer.outcome = MSG_OUTCOME_OPEN;
}

static void no_way_back(struct doctor_vnet *v)
{
	take_pool_away(&v->inside);
	take_pool_away(&v->outside);
}

static void answer_hops(struct doctor_host *h, bool is_own)
{
	for (size_t i = 0; i < h->n_silence; i++)
		if (h->probes[i].ttl && (h->probes[i].source == EXPLAIN_BY_GATEWAY) == is_own &&
		    h->probes[i].ttl == (is_own ? 1 : 2))
			h->probes[i].answer = (struct msg_probed){.outcome = MSG_OUTCOME_ICMP,
								  .type = 11,
								  .drop = "",
								  .from = prefix("10.1.0.1")};
}

static void no_route_at_router(struct doctor_vnet *v)
{
	no_way_back(v);
	answer_hops(&v->inside, true);
}

static void firewall(struct doctor_vnet *v)
{
	no_route_at_router(v);
	answer_hops(&v->inside, false);
}

static void half_of_pool(struct doctor_vnet *v)
{
	no_way_back(v);
	for (size_t i = 0; i < v->inside.n_silence; i++)
		if (v->inside.probes[i].source == 1)
			v->inside.probes[i].answer.outcome = MSG_OUTCOME_OPEN;
}

static void only_other_port(struct doctor_vnet *v)
{
	no_way_back(v);
	for (size_t i = 0; i < v->inside.n_silence; i++)
		if (v->inside.probes[i].port == EXPLAIN_OTHER_PORT)
			v->inside.probes[i].answer.outcome = MSG_OUTCOME_CLOSED;
}

static void nothing_on_premises(struct doctor_vnet *v)
{
	v->has_on_premises = false;
	v->outside.is_known = false;
}

static void with_bgp(struct doctor_vnet *v)
{
	v->outside.is_known = false;
	v->has_bgp = v->is_pool_announced = v->is_bird_asked = true;
	strcpy(v->bird.told, "192.0.2.2 (AS 65010)");
}

static void unannounced(struct doctor_vnet *v)
{
	with_bgp(v);
	v->is_pool_announced = false;
}

static void bird_unasked(struct doctor_vnet *v)
{
	with_bgp(v);
	v->is_bird_asked = false;
}

static void bird_gone(struct doctor_vnet *v)
{
	with_bgp(v);
	*v->bird.told = '\0';
	strcpy(v->bird.why, "nobody is there");
}

static void bird_tells_nobody(struct doctor_vnet *v)
{
	with_bgp(v);
	*v->bird.told = '\0';
}

static void narrow(struct doctor_vnet *v)
{
	struct explain_probe *sizes = v->inside.probes + v->inside.n_silence;

	for (size_t i = 0; i < v->inside.n_sizes; i++)
		if (sizes[i].size == MSG_PROBE_FULL) {
			sizes[i].answer.size = 1400;
			sizes[i].answer.outcome = MSG_OUTCOME_SILENCE;
		}
}

static void device_unasked(struct doctor_vnet *v)
{
	v->tun.is_asked = false;
}

static void device_error(struct doctor_vnet *v)
{
	v->tun.error = -ENODEV;
}

static void device_other(struct doctor_vnet *v)
{
	v->tun.is_tun = false;
}

static void device_of_another(struct doctor_vnet *v)
{
	strcpy(v->device, "sstp1");
}

static void device_down(struct doctor_vnet *v)
{
	v->tun.is_up = false;
}

static void device_slow(struct doctor_vnet *v)
{
	v->tun.has_tso = false;
}

static void pool_near(struct doctor_vnet *v)
{
	v->sessions = 205;
}

static void pool_almost_near(struct doctor_vnet *v)
{
	v->sessions = 204;
}

static void pool_full(struct doctor_vnet *v)
{
	v->sessions = 256;
}

static const struct {
	enum doctor_vnet_check check;
	void (*change)(struct doctor_vnet *v);
	enum doctor_verdict verdict;
	const char *finding;
} vnet_cells[] = {
	/* clang-format off */
	{DOCTOR_POOL,		nothing,		DOCTOR_OK,	"172.16.0.0/24 is within RFC 1918"},
	{DOCTOR_POOL,		pool_public,		DOCTOR_PROBLEM,	"100.64.0.0/24 is not within"},
	{DOCTOR_POOL,		pool_beyond,		DOCTOR_PROBLEM,	"172.32.0.0/16 is not within"},
	{DOCTOR_POOL,		pool_none,		DOCTOR_PROBLEM,	"no point-to-site address pool"},
	{DOCTOR_POOL,		no_gateway,		DOCTOR_PROBLEM,	"3 apps are connected, and the VNet has no gateway"},
	{DOCTOR_GATEWAY,	nothing,		DOCTOR_OK,	"is up, with 3 sessions"},
	{DOCTOR_GATEWAY,	untold,			DOCTOR_UNKNOWN,	"has not said"},
	{DOCTOR_GATEWAY,	down,			DOCTOR_PROBLEM,	"no device"},
	{DOCTOR_GATEWAY,	no_gateway,		DOCTOR_PROBLEM,	"no gateway"},
	{DOCTOR_COEXISTENCE,	nothing,		DOCTOR_OK,	"No coexisting gateway is declared"},
	{DOCTOR_COEXISTENCE,	express_route,		DOCTOR_PROBLEM,	"coexists with an ExpressRoute"},
	{DOCTOR_COEXISTENCE,	policy_based,		DOCTOR_PROBLEM,	"not RouteBased"},
	{DOCTOR_COEXISTENCE,	no_sstp,		DOCTOR_PROBLEM,	"SSTP is not among"},
	{DOCTOR_COEXISTENCE,	no_gateway,		DOCTOR_PROBLEM,	"no gateway"},
	{DOCTOR_CERTIFICATES,	nothing,		DOCTOR_OK,	"of all 3 apps are in force"},
	{DOCTOR_CERTIFICATES,	revoked,		DOCTOR_PROBLEM,	"revoked 1, expired 0, not yet valid 0, of a root that is gone 0; one is web"},
	{DOCTOR_CERTIFICATES,	cut,			DOCTOR_PROBLEM,	"a root that is gone 1"},
	{DOCTOR_CERTIFICATES,	near,			DOCTOR_WARNING,	"1 certificates are near expiry"},
	{DOCTOR_CERTIFICATES,	unenrolled,		DOCTOR_WARNING,	"1 of 3 apps have not enrolled"},
	{DOCTOR_CERTIFICATES,	no_apps,		DOCTOR_OK,	"No app is connected"},
	{DOCTOR_SYNC,		nothing,		DOCTOR_OK,	"in sync"},
	{DOCTOR_SYNC,		behind,			DOCTOR_WARNING,	"one is web: its network has changed"},
	{DOCTOR_DNS,		nothing,		DOCTOR_OK,	"All 1 name servers answer"},
	{DOCTOR_DNS,		no_servers,		DOCTOR_OK,	"has no name servers"},
	{DOCTOR_DNS,		server_silent,		DOCTOR_PROBLEM,	"10.1.0.4 does not: it says nothing in 3 s"},
	{DOCTOR_DNS,		server_gone,		DOCTOR_PROBLEM,	"nobody serves names there"},
	{DOCTOR_DNS,		server_unreachable,	DOCTOR_PROBLEM,	"Network is unreachable"},
	{DOCTOR_DNS,		server_refuses,		DOCTOR_WARNING,	"one refuses"},
	{DOCTOR_DNS,		server_second_dead,	DOCTOR_WARNING,	"1 of 2 name servers answer"},
	{DOCTOR_DNS,		server_untold,		DOCTOR_UNKNOWN,	"did not open a socket"},
	{DOCTOR_DNS,		skipped,		DOCTOR_UNKNOWN,	"Too many virtual networks"},
	{DOCTOR_RETURN,		nothing,		DOCTOR_OK,	"10.1.0.4 answers shop"},
	{DOCTOR_RETURN,		no_gateway,		DOCTOR_PROBLEM,	"no gateway"},
	{DOCTOR_RETURN,		skipped,		DOCTOR_UNKNOWN,	"Too many"},
	{DOCTOR_RETURN,		no_session,		DOCTOR_UNKNOWN,	"No session is up"},
	{DOCTOR_RETURN,		no_host,		DOCTOR_UNKNOWN,	"No name server of the VNet is in it"},
	{DOCTOR_RETURN,		host_untold,		DOCTOR_UNKNOWN,	"not answered in time"},
	{DOCTOR_RETURN,		session_gone,		DOCTOR_UNKNOWN,	"has ended"},
	{DOCTOR_RETURN,		busy,			DOCTOR_UNKNOWN,	"Too much is asked"},
	{DOCTOR_RETURN,		host_refused,		DOCTOR_PROBLEM,	"does not let shop through"},
	{DOCTOR_RETURN,		host_silent,		DOCTOR_UNKNOWN,	"answers nobody"},
	{DOCTOR_RETURN,		no_way_back,		DOCTOR_PROBLEM,	"10.1.0.4 answers the gateway, and not the pool"},
	{DOCTOR_RETURN,		no_route_at_router,	DOCTOR_PROBLEM,	"10.1.0.1 answers the gateway, and not the pool"},
	{DOCTOR_RETURN,		firewall,		DOCTOR_PROBLEM,	"drops all of the pool"},
	{DOCTOR_RETURN,		half_of_pool,		DOCTOR_PROBLEM,	"drops a part of the pool"},
	{DOCTOR_RETURN,		only_other_port,	DOCTOR_OK,	"answers"},
	{DOCTOR_ON_PREMISES,	nothing,		DOCTOR_OK,	"10.1.0.4 answers shop"},
	{DOCTOR_ON_PREMISES,	nothing_on_premises,	DOCTOR_OK,	"Nothing on-premises"},
	{DOCTOR_ON_PREMISES,	no_host,		DOCTOR_UNKNOWN,	"No name server of the VNet is there"},
	{DOCTOR_ON_PREMISES,	no_way_back,		DOCTOR_PROBLEM,	"and not the pool"},
	{DOCTOR_ON_PREMISES,	with_bgp,		DOCTOR_OK,	"BIRD tells 192.0.2.2 (AS 65010) of the pool"},
	{DOCTOR_ON_PREMISES,	unannounced,		DOCTOR_PROBLEM,	"not announced"},
	{DOCTOR_ON_PREMISES,	bird_unasked,		DOCTOR_UNKNOWN,	"BIRD was not asked"},
	{DOCTOR_ON_PREMISES,	bird_gone,		DOCTOR_UNKNOWN,	"nobody is there"},
	{DOCTOR_ON_PREMISES,	bird_tells_nobody,	DOCTOR_PROBLEM,	"BIRD tells no neighbour"},
	{DOCTOR_ON_PREMISES,	no_gateway,		DOCTOR_PROBLEM,	"no gateway"},
	{DOCTOR_MTU,		nothing,		DOCTOR_OK,	"as long as the tunnel takes reach 10.1.0.4"},
	{DOCTOR_MTU,		narrow,			DOCTOR_PROBLEM,	"Packets of 1400 bytes to or from 10.1.0.4 vanish, of 1280 bytes"},
	{DOCTOR_MTU,		host_silent,		DOCTOR_UNKNOWN,	"does not answer short packets either"},
	{DOCTOR_MTU,		no_host,		DOCTOR_UNKNOWN,	"in it or on-premises"},
	{DOCTOR_MTU,		no_session,		DOCTOR_UNKNOWN,	"No session is up"},
	{DOCTOR_MTU,		no_gateway,		DOCTOR_PROBLEM,	"no gateway"},
	{DOCTOR_OFFLOAD,	nothing,		DOCTOR_OK,	"sstp0, MTU 1400: packets go in groups"},
	{DOCTOR_OFFLOAD,	device_slow,		DOCTOR_WARNING,	"one by one"},
	{DOCTOR_OFFLOAD,	device_down,		DOCTOR_PROBLEM,	"is down"},
	{DOCTOR_OFFLOAD,	device_other,		DOCTOR_PROBLEM,	"but to sstp0"},
	{DOCTOR_OFFLOAD,	device_of_another,	DOCTOR_PROBLEM,	"but to sstp0"},
	{DOCTOR_OFFLOAD,	device_error,		DOCTOR_UNKNOWN,	"No such device"},
	{DOCTOR_OFFLOAD,	device_unasked,		DOCTOR_UNKNOWN,	"no socket was opened"},
	{DOCTOR_OFFLOAD,	skipped,		DOCTOR_UNKNOWN,	"Too many"},
	{DOCTOR_OFFLOAD,	no_gateway,		DOCTOR_PROBLEM,	"no gateway"},
	{DOCTOR_POOL_LEFT,	nothing,		DOCTOR_OK,	"3 of 256"},
	{DOCTOR_POOL_LEFT,	pool_almost_near,	DOCTOR_OK,	"204 of 256"},
	{DOCTOR_POOL_LEFT,	pool_near,		DOCTOR_WARNING,	"205 of 256"},
	{DOCTOR_POOL_LEFT,	pool_full,		DOCTOR_PROBLEM,	"256 of 256"},
	{DOCTOR_POOL_LEFT,	no_gateway,		DOCTOR_PROBLEM,	"no gateway"},
	/* clang-format on */
};

/* Whoever is told of a problem is told what to do. */
static void check_line(const struct doctor_line *l, enum doctor_verdict verdict,
		       const char *finding)
{
	if (l->verdict != verdict || !strstr(l->finding, finding))
		print_error("%s: %d, not %d: %s\n", l->check, l->verdict, verdict, l->finding);
	assert_int_equal(l->verdict, verdict);
	assert_non_null(strstr(l->finding, finding));
	if (verdict == DOCTOR_PROBLEM || verdict == DOCTOR_WARNING)
		assert_true(*l->advice);
	if (verdict == DOCTOR_OK)
		assert_string_equal(l->advice, "");
}

static void each_fault_of_a_vnet_has_its_verdict(void **state)
{
	struct doctor_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(vnet_cells) / sizeof(vnet_cells[0]); i++) {
		struct doctor_vnet v = good_vnet();

		vnet_cells[i].change(&v);
		assert_true(doctor_judge_vnet(&v, vnet_cells[i].check, &line));
		check_line(&line, vnet_cells[i].verdict, vnet_cells[i].finding);
	}
}

static void a_vnet_without_gateway_and_apps_has_only_name_servers(void **state)
{
	struct doctor_vnet v = good_vnet();
	struct doctor_line line;

	(void)state;
	no_gateway(&v);
	no_apps(&v);
	for (int c = 0; c < DOCTOR_VNET_CHECKS; c++)
		assert_int_equal(doctor_judge_vnet(&v, (enum doctor_vnet_check)c, &line),
				 c == DOCTOR_DNS);
}

static struct doctor_gateway good_gateway(void)
{
	return (struct doctor_gateway){
		.server = CERT_VALID,
		.server_days = 900,
		.roots = 1,
		.root_days = 700,
		.is_connected = true,
		.is_clock_kept = true,
		.clock_behind_s = -5,
		.sessions = 3,
		.files = 20,
		.files_max = 1000,
		.vnets = 2,
		.vnets_max = 64,
		.plan = "plan1",
		.plan_vnets = 3,
	};
}

static void set_server_none(struct doctor_gateway *g)
{
	g->server_error = -ENOENT;
}

static void set_server_expired(struct doctor_gateway *g)
{
	g->server = CERT_EXPIRED;
}

static void set_server_near(struct doctor_gateway *g)
{
	g->server = CERT_NEAR_EXPIRY;
	g->server_days = 20;
}

static void set_root_bad(struct doctor_gateway *g)
{
	g->roots_bad = 1;
}

static void set_root_none(struct doctor_gateway *g)
{
	g->root_days = -1;
}

static void set_root_near(struct doctor_gateway *g)
{
	g->root_days = 89;
}

static void set_unconnected(struct doctor_gateway *g)
{
	g->is_connected = false;
}

static void set_behind(struct doctor_gateway *g)
{
	strcpy(g->behind, "too many names");
}

static void set_clock_unkept(struct doctor_gateway *g)
{
	g->is_clock_kept = false;
}

static void set_clock_error(struct doctor_gateway *g)
{
	g->clock_error = -EPERM;
}

static void set_clock_back(struct doctor_gateway *g)
{
	g->clock_behind_s = 60;
}

static void set_files_near(struct doctor_gateway *g)
{
	g->files = g->sessions = 800;
}

static void set_files_full(struct doctor_gateway *g)
{
	g->files = g->sessions = 1000;
}

static void set_files_unknown(struct doctor_gateway *g)
{
	g->files_max = 0;
}

static void set_vnets_full(struct doctor_gateway *g)
{
	g->vnets = 64;
}

static void set_plan_near(struct doctor_gateway *g)
{
	g->plan_vnets = 4;
}

static void set_plan_full(struct doctor_gateway *g)
{
	g->plan_vnets = 5;
}

static void set_no_plan(struct doctor_gateway *g)
{
	*g->plan = '\0';
}

static void set_nothing(struct doctor_gateway *g)
{
	(void)g;
}

static const struct {
	enum doctor_gateway_check check;
	void (*change)(struct doctor_gateway *g);
	enum doctor_verdict verdict;
	const char *finding;
} gateway_cells[] = {
	/* clang-format off */
	{DOCTOR_SERVER_CERTIFICATE,	set_nothing,		DOCTOR_OK,	"valid, with 900 days left"},
	{DOCTOR_SERVER_CERTIFICATE,	set_server_near,	DOCTOR_WARNING,	"near expiry, with 20 days"},
	{DOCTOR_SERVER_CERTIFICATE,	set_server_expired,	DOCTOR_PROBLEM,	"is expired"},
	{DOCTOR_SERVER_CERTIFICATE,	set_server_none,	DOCTOR_UNKNOWN,	"the operator's own"},
	{DOCTOR_ROOTS,			set_nothing,		DOCTOR_OK,	"All 1 roots"},
	{DOCTOR_ROOTS,			set_root_near,		DOCTOR_WARNING,	"for 89 days"},
	{DOCTOR_ROOTS,			set_root_bad,		DOCTOR_PROBLEM,	"1 of 1 roots are not in force"},
	{DOCTOR_ROOTS,			set_root_none,		DOCTOR_PROBLEM,	"none can issue"},
	{DOCTOR_DATA_PLANE,		set_nothing,		DOCTOR_OK,	"knows all"},
	{DOCTOR_DATA_PLANE,		set_behind,		DOCTOR_PROBLEM,	"too many names"},
	{DOCTOR_DATA_PLANE,		set_unconnected,	DOCTOR_PROBLEM,	"is not there"},
	{DOCTOR_CLOCK,			set_nothing,		DOCTOR_OK,	"is kept"},
	{DOCTOR_CLOCK,			set_clock_unkept,	DOCTOR_WARNING,	"unsynchronized"},
	{DOCTOR_CLOCK,			set_clock_error,	DOCTOR_UNKNOWN,	"Operation not permitted"},
	{DOCTOR_CLOCK,			set_clock_back,		DOCTOR_PROBLEM,	"60 s later than now"},
	{DOCTOR_SESSIONS,		set_nothing,		DOCTOR_OK,	"3 of 1000"},
	{DOCTOR_SESSIONS,		set_files_near,		DOCTOR_WARNING,	"800 of 1000"},
	{DOCTOR_SESSIONS,		set_files_full,		DOCTOR_PROBLEM,	"1000 of 1000"},
	{DOCTOR_SESSIONS,		set_files_unknown,	DOCTOR_UNKNOWN,	"3 sessions are up"},
	{DOCTOR_FILES,			set_nothing,		DOCTOR_OK,	"20 of 1000"},
	{DOCTOR_FILES,			set_files_near,		DOCTOR_WARNING,	"800 of 1000"},
	{DOCTOR_FILES,			set_files_full,		DOCTOR_PROBLEM,	"1000 of 1000"},
	{DOCTOR_FILES,			set_files_unknown,	DOCTOR_UNKNOWN,	"not known"},
	{DOCTOR_VNETS,			set_nothing,		DOCTOR_OK,	"2 of 64"},
	{DOCTOR_VNETS,			set_vnets_full,		DOCTOR_PROBLEM,	"64 of 64"},
	{DOCTOR_PLANS,			set_nothing,		DOCTOR_OK,	"3 of 5"},
	{DOCTOR_PLANS,			set_plan_near,		DOCTOR_WARNING,	"Plan plan1 uses 4 of 5"},
	{DOCTOR_PLANS,			set_plan_full,		DOCTOR_WARNING,	"Plan plan1 uses 5 of 5"},
	{DOCTOR_PLANS,			set_no_plan,		DOCTOR_OK,	"No plan"},
	/* clang-format on */
};

static void each_fault_of_the_gateway_has_its_verdict(void **state)
{
	struct doctor_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(gateway_cells) / sizeof(gateway_cells[0]); i++) {
		struct doctor_gateway g = good_gateway();

		gateway_cells[i].change(&g);
		doctor_judge_gateway(&g, gateway_cells[i].check, &line);
		check_line(&line, gateway_cells[i].verdict, gateway_cells[i].finding);
	}
}

static json_t *json_of(const struct doctor_gateway *g, const struct doctor_vnet *v)
{
	char *text = doctor_json(g, v, 1);
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	free(text);
	return json;
}

static const char *verdict_of(const struct doctor_gateway *g, const struct doctor_vnet *v)
{
	static char verdict[16];
	json_t *json = json_of(g, v);

	snprintf(verdict, sizeof(verdict), "%s",
		 json_string_value(json_object_get(json, "verdict")));
	json_decref(json);
	return verdict;
}

static void the_worst_line_is_the_verdict_of_all(void **state)
{
	struct doctor_gateway g = good_gateway();
	struct doctor_vnet v = good_vnet();

	(void)state;
	assert_string_equal(verdict_of(&g, &v), "ok");
	untold(&v);
	assert_string_equal(verdict_of(&g, &v), "unknown");
	set_clock_unkept(&g);
	assert_string_equal(verdict_of(&g, &v), "warning");
	express_route(&v);
	assert_string_equal(verdict_of(&g, &v), "problem");
}

static void each_check_is_a_line(void **state)
{
	struct doctor_gateway g = good_gateway();
	struct doctor_vnet v = good_vnet();
	json_t *json = json_of(&g, &v);
	const json_t *list = json_object_get(json, "value");
	const json_t *first = json_array_get(list, 0);
	const json_t *last = json_array_get(list, json_array_size(list) - 1);

	(void)state;
	assert_int_equal(json_array_size(list), DOCTOR_GATEWAY_CHECKS + DOCTOR_VNET_CHECKS);
	assert_string_equal(json_string_value(json_object_get(first, "check")),
			    "serverCertificate");
	assert_true(json_is_null(json_object_get(first, "vnet")));
	assert_true(json_is_null(json_object_get(first, "advice")));
	assert_string_equal(json_string_value(json_object_get(last, "check")), "poolLeft");
	assert_string_equal(json_string_value(json_object_get(last, "vnet")), "hub");
	json_decref(json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_of_a_vnet_has_its_verdict),
		cmocka_unit_test(a_vnet_without_gateway_and_apps_has_only_name_servers),
		cmocka_unit_test(each_fault_of_the_gateway_has_its_verdict),
		cmocka_unit_test(the_worst_line_is_the_verdict_of_all),
		cmocka_unit_test(each_check_is_a_line),
	};

	return cmocka_run_group_tests_name("control/doctor_words", tests, NULL, NULL);
}
