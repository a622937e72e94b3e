/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard between sessions, VNets and a door that the linker gives to this test: what it asks of them and tells them. The
 * authority, the directory and admission are real.
 */
#include "sstp/session/shard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/base/log.h"
#include "sstp/session/door.h"
#include "sstp/session/vnet_queue.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

enum {
	CALLERS_MAX = 8
};

/* A session, as the shard sees it. */
struct caller {
	struct session_params params;
	bool is_there;
	char user[128];
	char thumbprint[CERT_THUMBPRINT_MAX];
	bool has_certificate;
	uint8_t memo[LINK_MEMO_SIZE];
	bool has_memo;
	uint32_t replaces_be;
	char bye[160]; /* why the shard hangs up; "": it does not */
	unsigned byes;
	int code; /* with which, of enum session_close; 0: none */
	char description[64];
	unsigned descriptions;
	char correlation[64];
	struct traffic traffic;
	struct stages stages;
	uint64_t began_at;
	char dialled[64];
	enum session_side ended_by;
};

static struct world {
	struct shard *shard;
	struct admission *admission;
	struct handover *handover;
	struct qsbr *qsbr;
	struct directory *directory;
	struct authority *authority;
	struct access *access;
	struct caller callers[CALLERS_MAX];
	unsigned ncallers;
	void (*on_accept)(void *arg, int fd, const struct sockaddr_storage *peer);
	void *accept_arg;
	struct loop *loop; /* the control thread's, where sessions are told of */
	struct loop_task stop;
	struct fib_publisher *publisher;
	struct site *site;
	unsigned changes; /* of the site */
	struct report_desk *reports;
	char told[8][160]; /* what control was told */
	unsigned ntold;
	char lines[8][200]; /* time lines that it was told */
	unsigned nlines;
	int64_t began_us; /* of the last */
	unsigned queues_closed;
	struct vnet_tenant tenant; /* the last that asked for an address */
	char owner[128], tenant_thumbprint[CERT_THUMBPRINT_MAX];
	struct minted hq; /* an external root, for VNet blue */
	uint64_t now;
	int64_t wall;
	struct loop_timer *expiry; /* the shard's */
	void (*on_expiry)(void *arg);
	void *expiry_arg;
	unsigned ntimers;
	uint64_t expiry_at;
} w;

static struct caller *caller_of(const struct session *s)
{
	return (struct caller *)s;
}

/* ---- what the linker gives to this test ---- */

time_t __wrap_time(time_t *ret);
time_t __wrap_time(time_t *ret)
{
	return w.wall;
}

struct loop_timer *__real_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg);
struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg);

/* The second that the shard makes is the one for certificates. */
struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg)
{
	struct loop_timer *t = __real_loop_timer_new(loop, cb, arg);

	if (arg && w.ntimers++ == 1) {
		w.expiry = t;
		w.on_expiry = cb;
		w.expiry_arg = arg;
	}
	return t;
}

void __real_loop_timer_set(struct loop_timer *t, uint64_t at);
void __wrap_loop_timer_set(struct loop_timer *t, uint64_t at);
void __wrap_loop_timer_set(struct loop_timer *t, uint64_t at)
{
	if (t == w.expiry)
		w.expiry_at = at;
	__real_loop_timer_set(t, at);
}

uint64_t __wrap_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop)
{
	return w.now;
}

struct listener *
__wrap_listener_new(struct loop *loop, const struct sockaddr *addr, socklen_t len,
		    void (*on_accept)(void *, int, const struct sockaddr_storage *), void *arg);
struct listener *
__wrap_listener_new(struct loop *loop, const struct sockaddr *addr, socklen_t len,
		    void (*on_accept)(void *, int, const struct sockaddr_storage *), void *arg)
{
	w.on_accept = on_accept;
	w.accept_arg = arg;
	return (struct listener *)&w;
}

void __wrap_listener_free(struct listener *l);
void __wrap_listener_free(struct listener *l)
{
}

struct session *__wrap_session_accept(struct session_env *env, int fd, struct tls_ctx *tls,
				      const struct session_params *params);
struct session *__wrap_session_accept(struct session_env *env, int fd, struct tls_ctx *tls,
				      const struct session_params *params)
{
	struct caller *c = &w.callers[w.ncallers++];

	assert_in_range(w.ncallers, 1, CALLERS_MAX);
	c->params = *params;
	c->is_there = true;
	c->began_at = w.now;
	return (struct session *)c;
}

void __wrap_session_free(struct session *s);
void __wrap_session_free(struct session *s)
{
	if (s)
		caller_of(s)->is_there = false;
}

void __wrap_session_disconnect(struct session *s, const char *reason);
void __wrap_session_disconnect(struct session *s, const char *reason)
{
	assert_true(caller_of(s)->is_there);
	snprintf(caller_of(s)->bye, sizeof(caller_of(s)->bye), "%s", reason);
	caller_of(s)->byes++;
}

void __wrap_session_close_connection(struct session *s, enum session_close code, const char *why);
void __wrap_session_close_connection(struct session *s, enum session_close code, const char *why)
{
	caller_of(s)->code = (int)code;
	__wrap_session_disconnect(s, why);
}

int __wrap_session_describe(struct session *s, const char *text, size_t len);
int __wrap_session_describe(struct session *s, const char *text, size_t len)
{
	snprintf(caller_of(s)->description, sizeof(caller_of(s)->description), "%.*s", (int)len,
		 text);
	caller_of(s)->descriptions++;
	return 0;
}

const char *__wrap_session_correlation(const struct session *s);
const char *__wrap_session_correlation(const struct session *s)
{
	return caller_of(s)->correlation;
}

const char *__wrap_session_thumbprint(const struct session *s);
const char *__wrap_session_thumbprint(const struct session *s)
{
	return caller_of(s)->thumbprint;
}

const uint8_t *__wrap_session_memo(const struct session *s);
const uint8_t *__wrap_session_memo(const struct session *s)
{
	return caller_of(s)->has_memo ? caller_of(s)->memo : NULL;
}

bool __wrap_session_has_certificate(const struct session *s);
bool __wrap_session_has_certificate(const struct session *s)
{
	return caller_of(s)->has_certificate;
}

const char *__wrap_session_user(const struct session *s);
const char *__wrap_session_user(const struct session *s)
{
	return caller_of(s)->user;
}

uint32_t __wrap_session_replaces(const struct session *s);
uint32_t __wrap_session_replaces(const struct session *s)
{
	return caller_of(s)->replaces_be;
}

int __wrap_session_server_tag(const struct session *s);
int __wrap_session_server_tag(const struct session *s)
{
	return -1;
}

struct traffic *__wrap_session_traffic(struct session *s);
struct traffic *__wrap_session_traffic(struct session *s)
{
	return &caller_of(s)->traffic;
}

const struct stages *__wrap_session_stages(const struct session *s);
const struct stages *__wrap_session_stages(const struct session *s)
{
	return &caller_of(s)->stages;
}

uint64_t __wrap_session_began_at(const struct session *s);
uint64_t __wrap_session_began_at(const struct session *s)
{
	return caller_of(s)->began_at;
}

const char *__wrap_session_tls_name(const struct session *s);
const char *__wrap_session_tls_name(const struct session *s)
{
	return "TLSv1.3";
}

const char *__wrap_session_dialled(const struct session *s);
const char *__wrap_session_dialled(const struct session *s)
{
	return caller_of(s)->dialled;
}

const char *__wrap_session_auth_name(const struct session *s);
const char *__wrap_session_auth_name(const struct session *s)
{
	return "EAP-TLS";
}

enum session_side __wrap_session_ended_by(const struct session *s);
enum session_side __wrap_session_ended_by(const struct session *s)
{
	return caller_of(s)->ended_by;
}

bool __wrap_session_is_enrolment(const struct session *s);
bool __wrap_session_is_enrolment(const struct session *s)
{
	return false;
}

/* The only VNet is "blue". */
struct vnet_queue *__wrap_vnet_queue_new(struct vnet *v, unsigned id, unsigned number,
					 struct session_env *env, struct handover *handover);
struct vnet_queue *__wrap_vnet_queue_new(struct vnet *v, unsigned id, unsigned number,
					 struct session_env *env, struct handover *handover)
{
	return (struct vnet_queue *)&w;
}

void __wrap_vnet_queue_free(struct vnet_queue *q);
void __wrap_vnet_queue_free(struct vnet_queue *q)
{
}

/* No packet is without a session. */
const struct traffic *__wrap_vnet_queue_traffic(const struct vnet_queue *q);
const struct traffic *__wrap_vnet_queue_traffic(const struct vnet_queue *q)
{
	static const struct traffic none;

	return &none;
}

uint64_t __wrap_vnet_queue_handed_over(const struct vnet_queue *q);
uint64_t __wrap_vnet_queue_handed_over(const struct vnet_queue *q)
{
	return 0;
}

const char *__wrap_vnet_queue_name(const struct vnet_queue *q);
const char *__wrap_vnet_queue_name(const struct vnet_queue *q)
{
	return "blue";
}

int __wrap_vnet_lease(struct vnet_queue *q, const struct vnet_tenant *t,
		      struct vnet_lease *ret_lease, struct link_address *ret_address);
int __wrap_vnet_lease(struct vnet_queue *q, const struct vnet_tenant *t,
		      struct vnet_lease *ret_lease, struct link_address *ret_address)
{
	*ret_lease = (struct vnet_lease){.queue = q, .address_be = 0x024d10ac};
	*ret_address = (struct link_address){.peer = 0x024d10ac, .dns = {1, 2}};
	w.tenant = *t;
	snprintf(w.owner, sizeof(w.owner), "%s", t->owner);
	snprintf(w.tenant_thumbprint, sizeof(w.tenant_thumbprint), "%s",
		 t->claim.thumbprint ? t->claim.thumbprint : "");
	return 0;
}

void __wrap_vnet_release(struct vnet_lease *lease);
void __wrap_vnet_release(struct vnet_lease *lease)
{
	*lease = (struct vnet_lease){0};
}

void __wrap_vnet_attach(struct vnet_lease *lease, struct session *s);
void __wrap_vnet_attach(struct vnet_lease *lease, struct session *s)
{
	assert_non_null(lease->queue);
}

void __wrap_vnet_queue_close(struct vnet_queue *q);
void __wrap_vnet_queue_close(struct vnet_queue *q)
{
	w.queues_closed++;
}

struct tls_ctx *__wrap_tls_ctx_ref(struct tls_ctx *ctx);
struct tls_ctx *__wrap_tls_ctx_ref(struct tls_ctx *ctx)
{
	return ctx;
}

void __wrap_tls_ctx_unref(struct tls_ctx *ctx);
void __wrap_tls_ctx_unref(struct tls_ctx *ctx)
{
}

int __wrap_door_open(struct door *d, struct access *access, struct tls_ctx *tls, char *ret_error);
int __wrap_door_open(struct door *d, struct access *access, struct tls_ctx *tls, char *ret_error)
{
	door_close(d);
	d->access = access ? access_ref(access) : NULL;
	return 0;
}

/* ---- the world ---- */

static void on_empty(void *arg)
{
}

static void on_change(void *arg)
{
	w.changes++;
}

static char *next_told(void)
{
	assert_in_range(w.ntold, 0, 7);
	return w.told[w.ntold++];
}

static void on_session_up(void *arg, const struct report_session *r)
{
	snprintf(next_told(), sizeof(w.told[0]), "up %u %ld %s|%s|%s|%s|%s|%s", (unsigned)r->id,
		 (long)r->since - MINT_NOW, r->app, r->vnet, r->user, r->source, r->correlation,
		 *r->thumbprint ? "certificate" : "");
}

static void on_session_down(void *arg, uint64_t id, const char *reason,
			    const struct report_counts *counts)
{
	snprintf(next_told(), sizeof(w.told[0]), "down %u %s %u/%u %u/%u", (unsigned)id, reason,
		 (unsigned)counts->sent_packets, (unsigned)counts->sent_bytes,
		 (unsigned)counts->received_packets, (unsigned)counts->received_bytes);
}

/* More than there is room for is only counted. */
static void on_timeline(void *arg, const struct report_timeline *t)
{
	unsigned i = w.nlines++;

	w.began_us = t->began_us;
	if (i < sizeof(w.lines) / sizeof(w.lines[0]))
		snprintf(w.lines[i], sizeof(w.lines[i]),
			 "%u %s%u us %s|%s|%s|%s|%s|%s|%s|%u %s, %u untold", (unsigned)t->id,
			 t->has_ended ? "ended, " : "", (unsigned)t->lasted_us, t->app, t->vnet,
			 t->user, t->source, t->dialled, t->tls, t->auth, t->ended_by, t->reason,
			 t->untold);
}

static const struct report_ops report_ops = {
	.on_up = on_session_up, .on_down = on_session_down, .on_timeline = on_timeline};

/* One that is connected to "blue", and reaches 10.20.0.0/16. */
static struct site_connection connection_of(const char *app)
{
	static const struct prefix route = {.family = AF_INET, .len = 16, .addr = {10, 20}};

	return (struct site_connection){
		.app = app,
		.vnet = "blue",
		.refusal = "",
		.routes = &route,
		.n_routes = 1,
		.dns_be = {77, 0},
		.description = "{\"digest\":1}",
	};
}

static void connect_app(const char *app)
{
	struct site_connection c = connection_of(app);

	assert_int_equal(site_set(w.site, &c), 0);
}

/* What the authority says now is in effect. */
static void set_policy(void)
{
	struct shard_policy policy = {.directory = w.directory};
	struct authority_export e;

	access_unref(w.access);
	assert_int_equal(authority_export(w.authority, MINT_NOW, &e), 0);
	assert_int_equal(access_new(&e, &w.access, NULL), 0);
	policy.access = w.access;
	shard_set_policy(w.shard, &policy);
}

static void make_shard(void)
{
	struct shard_params params = {.name = "gw", .on_empty = on_empty};
	struct sockaddr_in any = {.sin_family = AF_INET};

	w.admission = admission_new();
	w.handover = handover_new(1);
	params.admission = w.admission;
	params.handover = w.handover;
	params.qsbr = w.qsbr;
	params.site = w.site;
	params.reports = w.reports;
	w.shard = shard_new(&params);
	assert_non_null(w.shard);
	assert_int_equal(shard_add_vnet(w.shard, 0, NULL), 0);
	assert_int_equal(shard_listen(w.shard, (struct sockaddr *)&any, sizeof(any)), 0);
}

static void stop_loop(struct loop_task *task)
{
	loop_stop(w.loop);
}

/* Shop and till are connected to blue, and control hears of sessions. */
static void make_site(void)
{
	w.loop = loop_new();
	w.stop.run = stop_loop;
	assert_int_equal(fib_publisher_new(w.qsbr, &w.publisher), 0);
	w.site = site_new(w.publisher, on_change, NULL);
	w.reports = report_new(w.loop);
	assert_true(w.loop && w.site && w.reports);
	report_set_owner(w.reports, &report_ops, NULL);
	site_begin(w.site);
	connect_app("shop");
	connect_app("till");
	site_end(w.site);
}

/* What was told until now arrives. */
static void hear(void)
{
	loop_post(w.loop, &w.stop);
	assert_int_equal(loop_run(w.loop), 0);
}

static void import_hq(void)
{
	char *pem = mint_pem(&w.hq);

	assert_int_equal(
		authority_import(w.authority, "hq", "blue", pem, strlen(pem), MINT_NOW, NULL), 0);
	free(pem);
}

static int set_up(void **state)
{
	static const uint8_t hash[LINK_NT_HASH_SIZE] = "alice's";

	scene_set_up(state);
	w = (struct world){
		.now = 1000 * CLOCK_NS_PER_S,
		.wall = MINT_NOW,
		.expiry_at = CLOCK_NEVER,
		.hq = mint_root("elsewhere"),
	};
	w.authority = scene_open(MINT_NOW);
	import_hq();
	w.directory = directory_new(2);
	assert_int_equal(directory_add(w.directory, "alice", hash, "blue"), 0);
	assert_int_equal(directory_add(w.directory, "shop@blue", hash, "blue"), 0);
	assert_int_equal(qsbr_new(1, &w.qsbr), 0);
	make_site();
	make_shard();
	set_policy();
	return 0;
}

static int tear_down(void **state)
{
	shard_free(w.shard);
	site_free(w.site);
	report_free(w.reports);
	fib_publisher_free(w.publisher);
	loop_free(w.loop);
	access_unref(w.access);
	directory_unref(w.directory);
	authority_close(w.authority);
	admission_free(w.admission);
	handover_free(w.handover);
	qsbr_free(w.qsbr);
	minted_done(&w.hq);
	return 0;
}

/* ---- callers ---- */

static struct sockaddr_storage home(void)
{
	struct sockaddr_storage peer = {0};

	*(struct sockaddr_in *)&peer = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xc0000201),
	};
	return peer;
}

/* Somebody connects; NULL: he is not let in. */
static struct caller *call(void)
{
	struct sockaddr_storage peer = home();
	unsigned before = w.ncallers;

	w.on_accept(w.accept_arg, -1, &peer);
	return w.ncallers > before ? &w.callers[before] : NULL;
}

/* He says who he is, as on the wire. */
static bool is_known(struct caller *c, const char *name)
{
	struct link_user user;
	const char *why;

	snprintf(c->user, sizeof(c->user), "%s", name);
	return c->params.ops->find_user(c->params.arg, name, &user, &why);
}

/* He has proved it, and gets an address. */
static void log_in(struct caller *c)
{
	struct link_address address;
	const char *why;

	c->params.ops->on_auth(c->params.arg, true);
	assert_true(c->params.ops->assign(c->params.arg, &address, &why));
}

static struct caller *by_password(const char *name)
{
	struct caller *c = call();

	assert_true(is_known(c, name));
	log_in(c);
	return c;
}

/* What the door's judge writes. Takes cert. False: it refuses. */
static bool show(struct caller *c, struct minted cert)
{
	struct trust_verdict v;
	bool ok = trust_judge(access_trust(w.access), cert.cert, NULL, w.wall, &v) == TRUST_OK;

	memcpy(c->thumbprint, v.thumbprint, sizeof(c->thumbprint));
	memcpy(c->memo, &v.footing, sizeof(v.footing));
	c->has_certificate = true;
	c->has_memo = ok;
	minted_done(&cert);
	return ok;
}

/* Takes cert. */
static struct caller *by_certificate(struct minted cert, const char *name)
{
	struct caller *c = call();

	assert_true(show(c, cert));
	assert_true(is_known(c, name));
	log_in(c);
	return c;
}

/* One of app's, from the authority. */
static struct minted issue(const char *app)
{
	struct minted m = {.key = mint_key(MINT_P256)};

	assert_int_equal(authority_issue(w.authority, app, "blue", m.key, w.wall, &m.cert, NULL),
			 0);
	set_policy();
	return m;
}

/* One of the external root's, in force until a second. */
static struct minted foreign(const char *cn, int64_t to)
{
	return mint(&(struct mint){.cn = cn, .eku = "clientAuth", .to = to, .issuer = &w.hq});
}

/* ---- whose an address is ---- */

static void domain_in_front_of_a_name_makes_no_other_owner(void **state)
{
	char plain[sizeof(w.owner)];

	by_password("alice");
	memcpy(plain, w.owner, sizeof(plain));
	by_password("CORP\\alice");
	assert_string_equal(w.owner, plain);
	by_password("\\XAb07q?*]X\\alice");
	assert_string_equal(w.owner, plain);
}

static void user_with_an_apps_name_is_another_owner_than_the_app(void **state)
{
	char user[sizeof(w.owner)];

	by_password("shop@blue");
	memcpy(user, w.owner, sizeof(user));
	by_certificate(mint_client(&w.hq, "shop"), "shop@blue");
	assert_string_not_equal(w.owner, user);
}

/* Who holds the key of a certificate that was renewed since may not take its address back. */
static void address_goes_from_a_certificate_to_its_renewal_only(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], owner[sizeof(w.owner)];
	struct caller *c;

	c = by_certificate(issue("shop"), "shop@blue");
	memcpy(first, c->thumbprint, sizeof(first));
	memcpy(owner, w.owner, sizeof(owner));
	scene_renew(w.authority, first, w.wall, second);
	set_policy();
	assert_false(w.tenant.claim.comes_from(w.tenant.claim.arg, second));
	assert_true(w.tenant.claim.comes_from(w.tenant.claim.arg, first));
	snprintf(c->thumbprint, sizeof(c->thumbprint), "%s", second);
	log_in(c);
	assert_string_equal(w.owner, owner);
	assert_string_equal(w.tenant_thumbprint, second);
	assert_int_equal(w.tenant.session, 1);
	assert_true(w.tenant.claim.comes_from(w.tenant.claim.arg, first));
}

/* Also of one without renewals here, which can follow itself only. */
static void each_certificate_may_claim_an_address_by_itself(void **state)
{
	struct caller *c = call();

	c->replaces_be = 0x024d10ac;
	assert_true(show(c, mint_client(&w.hq, "till")));
	assert_true(is_known(c, "till@blue"));
	log_in(c);
	assert_string_equal(w.tenant_thumbprint, c->thumbprint);
	assert_int_equal(w.tenant.replaces_be, 0x024d10ac);
	assert_null(w.tenant.claim.comes_from);
}

/* He has tried a certificate of ours, or names one; but it is his password that counts. */
static void user_with_a_password_has_no_lineage_and_claims_nothing(void **state)
{
	struct caller *own = by_certificate(issue("shop"), "shop@blue");
	struct caller *c = call();

	memcpy(c->thumbprint, own->thumbprint, sizeof(c->thumbprint));
	c->replaces_be = 0x024d10ac;
	assert_true(is_known(c, "alice"));
	log_in(c);
	assert_string_equal(w.owner, "ualice");
	assert_string_equal(w.tenant_thumbprint, "");
	assert_int_equal(w.tenant.replaces_be, 0);
	assert_null(w.tenant.claim.comes_from);
}

/* ---- log-ins ---- */

static void hang_up(struct caller *c)
{
	c->params.ops->on_end(c->params.arg, SESSION_END_AUTH, "refused");
	assert_false(c->is_there);
}

static void X22_failed_logins_are_counted_and_good_ones_are_not(void **state)
{
	admission_set_limits(w.admission,
			     &(struct admission_limits){.per_source.auth_failures_per_min = 2});
	for (int i = 0; i < 3; i++)
		by_password("alice");
	for (int i = 0; i < 3; i++) {
		struct caller *c = call();

		assert_non_null(c);
		c->params.ops->on_auth(c->params.arg, false);
		hang_up(c);
	}
	assert_null(call());
	w.now += 61 * CLOCK_NS_PER_S;
	assert_non_null(call());
}

static void half_open_ends_with_a_good_login_only(void **state)
{
	struct caller *c;

	admission_set_limits(w.admission, &(struct admission_limits){.half_open = 1});
	by_password("alice");
	c = call();
	assert_non_null(c);
	assert_null(call());
	c->params.ops->on_auth(c->params.arg, false);
	assert_null(call());
	hang_up(c);
	assert_non_null(call());
}

static void stranger_is_not_known_and_why_is_for_the_log(void **state)
{
	struct caller *c = call();
	struct link_user user;
	const char *why;

	assert_false(c->params.ops->find_user(c->params.arg, "mallory", &user, &why));
	assert_string_equal(why, "no such user");
}

/* ---- certificates that do not count any more ---- */

static void expect_bye(const struct caller *c, const char *reason)
{
	assert_string_equal(c->bye, reason);
	assert_int_equal(c->byes, 1);
}

static void drop_hq(void)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(cert_thumbprint(w.hq.cert, thumbprint), 0);
	assert_in_range(authority_drop_root(w.authority, thumbprint, w.wall, NULL), 0, 1);
	set_policy();
}

static void dropped_root_ends_the_sessions_below_it_at_once(void **state)
{
	struct caller *external = by_certificate(mint_client(&w.hq, "till"), "till@blue");
	struct caller *own = by_certificate(issue("shop"), "shop@blue");
	struct caller *alice = by_password("alice");

	drop_hq();
	expect_bye(external, "the root of the client's certificate was dropped");
	set_policy(); /* a session that says goodbye is told once */
	assert_int_equal(external->byes, 1);
	assert_int_equal(own->byes, 0);
	assert_int_equal(alice->byes, 0);
}

static void revoked_certificate_ends_its_session_at_once(void **state)
{
	struct caller *own = by_certificate(issue("shop"), "shop@blue");
	struct caller *other = by_certificate(issue("till"), "till@blue");

	assert_int_equal(authority_revoke(w.authority, own->thumbprint, 0, w.wall, NULL), 1);
	set_policy();
	expect_bye(own, "the client's certificate, or an issuer's, was revoked");
	assert_int_equal(other->byes, 0);
}

/* Seconds from now until the timer; -1: never. */
static int64_t until_timer(void)
{
	return w.expiry_at == CLOCK_NEVER ? -1 : (int64_t)((w.expiry_at - w.now) / CLOCK_NS_PER_S);
}

/* Time passes until the timer is due, which it is in so many seconds. */
static void pass(int64_t seconds)
{
	assert_int_equal(until_timer(), seconds);
	w.now = w.expiry_at;
	w.wall += seconds;
	w.on_expiry(w.expiry_arg);
}

static void each_session_ends_behind_the_last_second_of_its_certificate(void **state)
{
	struct caller *last, *first;

	assert_int_equal(until_timer(), -1);
	last = by_certificate(foreign("last", MINT_NOW + 95), "last@blue");
	first = by_certificate(foreign("first", MINT_NOW + 30), "first@blue");
	pass(31);
	expect_bye(first, "the client's certificate, or an issuer's, has expired");
	assert_int_equal(last->byes, 0);
	pass(60); /* the wall clock may have been set: it is looked at again */
	assert_int_equal(last->byes, 0);
	pass(5);
	expect_bye(last, "the client's certificate, or an issuer's, has expired");
	assert_int_equal(first->byes, 1);
	assert_int_equal(until_timer(), -1);
}

static void wall_clock_that_was_set_forward_ends_it_within_a_minute(void **state)
{
	struct caller *c = by_certificate(foreign("till", MINT_NOW + 86400), "till@blue");

	w.wall += 86400;
	pass(60);
	assert_int_equal(c->byes, 1);
}

/* The judge was asked some round trips before the client proves that it has the key. */
static void root_that_goes_during_the_handshake_lets_nobody_in(void **state)
{
	struct caller *c = call();
	struct link_user user;
	const char *why;

	assert_true(show(c, mint_client(&w.hq, "till")));
	c->has_memo = false;
	drop_hq();
	assert_int_equal(c->byes, 0);
	c->has_memo = true;
	assert_false(c->params.ops->find_user(c->params.arg, "till@blue", &user, &why));
	assert_string_equal(why, "the root of the client's certificate was dropped");
}

/* ---- connections of apps */

/* He is who he says, and yet gets no address. */
static void expect_no_address(struct caller *c, const char *reason)
{
	struct link_address address;
	const char *why = "";

	c->params.ops->on_auth(c->params.arg, true);
	assert_false(c->params.ops->assign(c->params.arg, &address, &why));
	assert_string_equal(why, reason);
}

/* One of app's that has proved it. */
static struct caller *prove(const char *app)
{
	struct caller *c = call();
	char name[80];

	assert_true(show(c, issue(app)));
	snprintf(name, sizeof(name), "%s@blue", app);
	assert_true(is_known(c, name));
	return c;
}

static void app_without_connection_gets_no_address_and_why_is_said(void **state)
{
	struct site_connection disabled = connection_of("till");

	disabled.refusal = "not available in the Free tier";
	assert_int_equal(site_set(w.site, &disabled), 0);
	expect_no_address(prove("stock"), "app stock is not connected to VNet blue");
	expect_no_address(prove("till"), "not available in the Free tier");
	expect_no_address(prove("stock"), "app stock is not connected to VNet blue");
	connect_app("till");
	log_in(prove("till"));
}

static void app_has_the_routes_and_name_servers_of_its_connection(void **state)
{
	struct caller *c = prove("shop");
	struct link_address address;
	const char *why;

	assert_true(c->params.ops->assign(c->params.arg, &address, &why));
	assert_int_equal(address.dns[0], 77);
	assert_int_equal(address.dns[1], 0);
	assert_non_null(w.tenant.routes);
	assert_int_not_equal(fib_lookup4(fib_slot_get(w.tenant.routes), inet_addr("10.20.1.1")),
			     FIB_NONE);
	assert_int_equal(fib_lookup4(fib_slot_get(w.tenant.routes), inet_addr("10.21.1.1")),
			 FIB_NONE);
}

/* Whoever has a password, or a certificate of somebody else's root. */
static void who_is_no_app_needs_no_connection_and_has_the_networks_routes(void **state)
{
	struct caller *c = call();
	struct link_address address;
	const char *why;

	by_password("shop@blue");
	assert_null(w.tenant.routes);
	assert_true(show(c, mint_client(&w.hq, "nobody")));
	assert_true(is_known(c, "nobody@blue"));
	assert_true(c->params.ops->assign(c->params.arg, &address, &why));
	assert_null(w.tenant.routes);
	assert_int_equal(address.dns[0], 1);
	assert_int_equal(address.dns[1], 2);
	c->params.ops->on_up(c->params.arg, &address);
	assert_int_equal(c->descriptions, 0);
}

/* An app's session; packets flow. */
static struct caller *up(const char *app)
{
	struct caller *c = prove(app);

	log_in(c);
	c->params.ops->on_up(c->params.arg, &(struct link_address){0});
	return c;
}

static void worker_is_told_of_its_connection_and_of_what_changes_in_it(void **state)
{
	struct site_connection other = connection_of("shop");
	struct caller *shop = up("shop");
	struct caller *till = up("till");

	assert_string_equal(shop->description, "{\"digest\":1}");
	other.description = "{\"digest\":2}";
	assert_int_equal(site_set(w.site, &other), 0);
	assert_int_equal(w.changes, 1);
	shard_look_at_site(w.shard);
	shard_look_at_site(w.shard);
	assert_string_equal(shop->description, "{\"digest\":2}");
	assert_int_equal(shop->descriptions, 2);
	assert_int_equal(till->descriptions, 1);
}

/* It has got its address, and packets do not flow yet. */
static void what_changes_before_a_session_is_up_is_told_when_it_is(void **state)
{
	struct site_connection other = connection_of("shop");
	struct caller *c = prove("shop");

	log_in(c);
	other.description = "{\"digest\":2}";
	assert_int_equal(site_set(w.site, &other), 0);
	shard_look_at_site(w.shard);
	c->params.ops->on_up(c->params.arg, &(struct link_address){0});
	assert_string_equal(c->description, "{\"digest\":2}");
}

static void connection_that_is_gone_or_refused_ends_its_sessions_once(void **state)
{
	struct site_connection disabled = connection_of("till");
	struct caller *shop = up("shop");
	struct caller *till = up("till");
	struct caller *half = prove("shop");
	struct caller *alice = by_password("alice");

	log_in(half);
	disabled.refusal = "not available in the Free tier";
	assert_int_equal(site_set(w.site, &disabled), 0);
	site_drop(w.site, "shop");
	shard_look_at_site(w.shard);
	shard_look_at_site(w.shard);
	expect_bye(shop, "app shop is not connected to VNet blue any more");
	assert_int_equal(shop->code, SESSION_CLOSE_DISCONNECTED);
	expect_bye(half, "app shop is not connected to VNet blue any more");
	expect_bye(till, "not available in the Free tier");
	assert_int_equal(till->code, SESSION_CLOSE_DISABLED);
	assert_int_equal(alice->byes, 0);
}

/* ---- what is counted */

static struct shard_stats stats(void)
{
	struct shard_stats sum = {0};

	shard_add_stats(w.shard, &sum);
	return sum;
}

static void traffic_counts_for_its_network_also_when_its_session_has_ended(void **state)
{
	struct caller *shop = up("shop");
	struct caller *till = up("till");
	struct caller *stranger = call();

	shop->traffic.rx_bytes = 1;
	till->traffic.rx_bytes = 10;
	stranger->traffic.drops[DROP_NOT_OPEN] = 100;
	assert_int_equal(stats().vnets[0].sessions, 2);
	assert_int_equal(stats().vnets[0].of_sessions.rx_bytes, 11);
	assert_int_equal(stats().no_vnets.drops[DROP_NOT_OPEN], 100);
	till->params.ops->on_down(till->params.arg);
	assert_int_equal(stats().vnets[0].sessions, 1);
	assert_int_equal(stats().vnets[0].of_sessions.rx_bytes, 11);
	hang_up(till);
	hang_up(stranger);
	assert_int_equal(stats().vnets[0].of_sessions.rx_bytes, 11);
	assert_int_equal(stats().no_vnets.drops[DROP_NOT_OPEN], 100);
	assert_int_equal(stats().traffic.rx_bytes, 11);
}

static void network_that_goes_takes_no_traffic_to_the_next_of_its_number(void **state)
{
	struct caller *shop = up("shop");
	struct caller *till = up("till");

	till->traffic.tx_bytes = 7;
	hang_up(till);
	shop->traffic.tx_bytes = 70;
	shop->params.ops->on_down(shop->params.arg);
	shard_remove_vnet(w.shard, 0);
	assert_int_equal(shard_add_vnet(w.shard, 0, NULL), 0);
	assert_int_equal(stats().vnets[0].of_sessions.tx_bytes, 0);
	assert_int_equal(stats().no_vnets.tx_bytes, 77);
	hang_up(shop);
	assert_int_equal(stats().vnets[0].of_sessions.tx_bytes, 0);
	assert_int_equal(stats().no_vnets.tx_bytes, 77);
}

static void set_ups_log_ins_and_ends_are_counted(void **state)
{
	struct caller *shop = up("shop");
	struct caller *lost = call();
	struct caller *alice = by_password("alice");
	struct metrics m;

	alice->params.ops->on_auth(alice->params.arg, false);
	hang_up(shop);
	hang_up(lost);
	hang_up(alice);
	m = stats().metrics;
	assert_int_equal(times_total(&m.setup), 1);
	assert_int_equal(m.ended[SESSION_END_AUTH], 1);
	assert_int_equal(m.failed[STAGE_TLS][SESSION_END_AUTH], 2);
	assert_int_equal(m.auth_ok[METRICS_BY_CERTIFICATE], 1);
	assert_int_equal(m.auth_ok[METRICS_BY_PASSWORD], 1);
	assert_int_equal(m.auth_failed[METRICS_BY_PASSWORD], 1);
}

/* ---- what control hears */

static void control_hears_of_a_session_when_packets_flow_and_when_it_ends(void **state)
{
	struct caller *c = prove("shop");

	snprintf(c->correlation, sizeof(c->correlation), "{1}\n");
	log_in(c);
	hear();
	assert_int_equal(w.ntold, 0);
	w.wall += 5;
	c->params.ops->on_up(c->params.arg, &(struct link_address){0});
	c->traffic =
		(struct traffic){.rx_packets = 1, .rx_bytes = 2, .tx_packets = 3, .tx_bytes = 4};
	c->params.ops->on_down(c->params.arg);
	hang_up(c);
	hear();
	assert_int_equal(w.ntold, 2);
	assert_string_equal(w.told[0],
			    "up 1 5 shop|blue|shop@blue|192.0.2.1:0|{1}\\x0a|certificate");
	assert_string_equal(w.told[1], "down 1 refused 1/2 3/4");
}

static void control_hears_nothing_of_who_never_came_up(void **state)
{
	struct caller *c = prove("shop");

	log_in(c);
	hang_up(c);
	hang_up(call());
	hear();
	assert_int_equal(w.ntold, 0);
}

/* Told when it is up, when it comes further, and when it ends, however long ago it began. */
static void time_line_is_told_whenever_it_has_become_longer(void **state)
{
	struct caller *c = prove("shop");
	struct timespec before;

	clock_gettime(CLOCK_REALTIME, &before);
	snprintf(c->dialled, sizeof(c->dialled), "gw\n");
	w.now += 2000;
	stages_pass(&c->stages, STAGE_AUTH, 1000);
	log_in(c);
	c->params.ops->on_stage(c->params.arg, STAGE_IPCP);
	hear();
	assert_int_equal(w.nlines, 0);
	c->params.ops->on_up(c->params.arg, &(struct link_address){0});
	c->params.ops->on_stage(c->params.arg, STAGE_SUBSCRIBED);
	w.now += 3000;
	c->ended_by = SESSION_BY_PEER;
	c->params.ops->on_down(c->params.arg);
	hang_up(c);
	hear();
	assert_int_equal(w.nlines, 3);
	assert_string_equal(
		w.lines[0],
		"1 2 us shop|blue|shop@blue|192.0.2.1:0|gw\\x0a|TLSv1.3|EAP-TLS|0 , 0 untold");
	assert_string_equal(w.lines[1], w.lines[0]);
	assert_string_equal(
		w.lines[2],
		"1 ended, 5 us shop|blue|shop@blue|192.0.2.1:0|gw\\x0a|TLSv1.3|EAP-TLS|1 refused, "
		"0 untold");
	assert_in_range(w.began_us, (before.tv_sec - 1) * INT64_C(1000000),
			(before.tv_sec + 60) * INT64_C(1000000));
}

enum {
	FLOOD = 300,
	BURST = 100, /* shard_timeline.c's */
};

static void flood(void)
{
	for (unsigned i = 0; i < FLOOD; i++) {
		w.ncallers = 0;
		hang_up(call());
	}
	hear();
}

static void flood_of_strangers_is_told_of_in_part_and_counted(void **state)
{
	flood();
	assert_int_equal(w.nlines, BURST);
	w.nlines = 0;
	w.now += CLOCK_NS_PER_S / 10;
	flood();
	assert_int_equal(w.nlines, 2); /* of 20 in a second */
	assert_non_null(strstr(w.lines[0], ", 200 untold"));
	assert_non_null(strstr(w.lines[1], ", 0 untold"));
}

static void who_was_authenticated_is_told_of_in_any_flood(void **state)
{
	struct caller *c;

	flood();
	w.nlines = 0;
	w.ncallers = 0;
	c = prove("shop");
	stages_pass(&c->stages, STAGE_AUTH, 1000);
	log_in(c);
	hang_up(c);
	hear();
	assert_int_equal(w.nlines, 1);
	assert_non_null(strstr(w.lines[0], "shop@blue"));
	assert_non_null(strstr(w.lines[0], ", 200 untold"));
}

static void sessions_that_are_up_are_listed_for_a_control_that_has_forgotten(void **state)
{
	struct report_list list = {0};
	struct caller *c = up("shop");
	struct caller *alice = by_password("alice");
	struct caller *gone = up("till");

	alice->params.ops->on_up(alice->params.arg, &(struct link_address){0});
	log_in(prove("shop"));
	gone->params.ops->on_down(gone->params.arg);
	hear();
	w.ntold = w.nlines = 0;
	c->traffic.rx_packets = 9;
	assert_int_equal(shard_list_sessions(w.shard, &list), 0);
	report_list_tell(&list, &report_ops, NULL);
	assert_int_equal(w.ntold, 2);
	assert_string_equal(w.told[0], "up 2 0 |blue|alice|192.0.2.1:0||");
	assert_string_equal(w.told[1], "up 1 0 shop|blue|shop@blue|192.0.2.1:0||certificate");
	assert_int_equal(w.nlines, 2);
	assert_string_equal(w.lines[0],
			    "2 0 us |blue|alice|192.0.2.1:0||TLSv1.3|EAP-TLS|0 , 0 untold");
}

static void expect_traffic(uint64_t id, uint64_t sent, uint64_t received)
{
	struct report_traffic_list list = {0};

	assert_int_equal(shard_list_traffic(w.shard, &list), 0);
	assert_int_equal(list.n, id != 0);
	if (id) {
		assert_true(list.entries[0].id == id);
		assert_true(list.entries[0].counts.sent_packets == sent);
		assert_true(list.entries[0].counts.received_packets == received);
	}
	report_traffic_done(&list);
}

static void traffic_is_listed_of_those_that_have_moved(void **state)
{
	struct caller *shop = up("shop");
	struct caller *till = up("till");

	expect_traffic(0, 0, 0);
	till->traffic.rx_packets = 3;
	expect_traffic(2, 3, 0);
	expect_traffic(0, 0, 0);
	shop->traffic.tx_packets = 4;
	expect_traffic(1, 0, 4);
}

/* ---- who must go */

static void disconnect(const struct site_disconnect *d)
{
	for (unsigned i = 0; i < w.ncallers; i++)
		w.callers[i].byes = 0;
	shard_disconnect(w.shard, d);
}

static void each_condition_of_a_disconnect_must_hold(void **state)
{
	struct site_disconnect d = {.app = "", .vnet = "", .reason = "an operator wants it"};
	struct caller *shop = up("shop");
	struct caller *till = up("till");
	struct caller *alice = by_password("alice");
	struct caller *stranger = call();

	d.vnet = "red";
	disconnect(&d);
	assert_int_equal(shop->byes + till->byes + alice->byes, 0);
	d.vnet = "BLUE";
	d.app = "SHOP";
	d.session = 2;
	disconnect(&d);
	assert_int_equal(shop->byes + till->byes + alice->byes, 0);
	d.session = 1;
	disconnect(&d);
	expect_bye(shop, "an operator wants it");
	assert_int_equal(shop->code, 0);
	assert_int_equal(till->byes + alice->byes, 0);
	d = (struct site_disconnect){.app = "", .vnet = "", .reason = "all", .is_restart = true};
	disconnect(&d);
	assert_int_equal(shop->byes, 0); /* he goes already */
	expect_bye(till, "all");
	assert_int_equal(till->code, SESSION_CLOSE_RESTART);
	expect_bye(alice, "all");
	assert_int_equal(stranger->byes, 0);
}

static void retired_network_is_found_by_nobody_and_its_sessions_go(void **state)
{
	struct caller *shop = up("shop");

	shard_retire_vnet(w.shard, 0, "VNet blue was deleted");
	expect_bye(shop, "VNet blue was deleted");
	assert_int_equal(w.queues_closed, 1);
	expect_no_address(prove("shop"), "the user's VNet does not exist");
	shard_remove_vnet(w.shard, 0);
	assert_int_equal(shard_add_vnet(w.shard, 0, NULL), 0);
	log_in(prove("shop"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(domain_in_front_of_a_name_makes_no_other_owner),
		TEST(user_with_an_apps_name_is_another_owner_than_the_app),
		TEST(address_goes_from_a_certificate_to_its_renewal_only),
		TEST(each_certificate_may_claim_an_address_by_itself),
		TEST(user_with_a_password_has_no_lineage_and_claims_nothing),
		TEST(X22_failed_logins_are_counted_and_good_ones_are_not),
		TEST(half_open_ends_with_a_good_login_only),
		TEST(stranger_is_not_known_and_why_is_for_the_log),
		TEST(dropped_root_ends_the_sessions_below_it_at_once),
		TEST(revoked_certificate_ends_its_session_at_once),
		TEST(each_session_ends_behind_the_last_second_of_its_certificate),
		TEST(wall_clock_that_was_set_forward_ends_it_within_a_minute),
		TEST(root_that_goes_during_the_handshake_lets_nobody_in),
		TEST(app_without_connection_gets_no_address_and_why_is_said),
		TEST(app_has_the_routes_and_name_servers_of_its_connection),
		TEST(who_is_no_app_needs_no_connection_and_has_the_networks_routes),
		TEST(worker_is_told_of_its_connection_and_of_what_changes_in_it),
		TEST(what_changes_before_a_session_is_up_is_told_when_it_is),
		TEST(connection_that_is_gone_or_refused_ends_its_sessions_once),
		TEST(traffic_counts_for_its_network_also_when_its_session_has_ended),
		TEST(network_that_goes_takes_no_traffic_to_the_next_of_its_number),
		TEST(set_ups_log_ins_and_ends_are_counted),
		TEST(control_hears_of_a_session_when_packets_flow_and_when_it_ends),
		TEST(control_hears_nothing_of_who_never_came_up),
		TEST(time_line_is_told_whenever_it_has_become_longer),
		TEST(flood_of_strangers_is_told_of_in_part_and_counted),
		TEST(who_was_authenticated_is_told_of_in_any_flood),
		TEST(sessions_that_are_up_are_listed_for_a_control_that_has_forgotten),
		TEST(traffic_is_listed_of_those_that_have_moved),
		TEST(each_condition_of_a_disconnect_must_hold),
		TEST(retired_network_is_found_by_nobody_and_its_sessions_go),
	};

	log_open("test-session-shard", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("session/shard", tests, NULL, scene_tear_down);
}
