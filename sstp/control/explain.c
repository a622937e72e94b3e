/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question goes through its stages in their order; each ends with a message, or with the timer, and begins the
 * next. What the model says is looked at in the end, at one moment.
 */
#include "sstp/control/explain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/control/explain_words.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/path.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"

#define PATIENCE (4 * CLOCK_NS_PER_S) /* with the parent */

enum {
	TARGET_MAX = QUERY_TEXT_MAX + 1,
	LABEL_SIZE = PATH_NAME_MAX + 1,
	WORST_PORT = 65535,
};

enum stage {
	STAGE_SERVER, /* the parent is to open a socket to a name server */
	STAGE_NAME,   /* that is asked */
	STAGE_KERNEL, /* the parent is to open a socket to the kernel */
	STAGE_PROBE,  /* one packet in the app's name */
	STAGE_MORE,   /* what its answer, or silence, asks for */
};

struct job {
	struct job *next;
	struct explain *e;
	struct front_later *later;
	struct loop_timer *timer;
	struct dns_ask *question; /* NULL: none is open */
	enum stage stage;
	uint32_t id;
	bool is_app;
	char app[LABEL_SIZE];
	char vnet[LABEL_SIZE];
	int64_t app_id, vnet_id;
	char target[TARGET_MAX];
	char host[TARGET_MAX];
	struct prefix servers[EXPLAIN_SERVERS_MAX];
	size_t n_servers;
	char *netns;
	char device[IF_NAMESIZE];    /* of the VNet's tunnels; "": gateway.yaml's */
	struct explain_round *round; /* NULL: none */
	struct explain_probe probes[EXPLAIN_PROBES_MAX];
	char drop[MSG_DROP_MAX + 1]; /* of the first one */
	struct explain_facts facts;  /* what is found by asking others */
};

struct explain {
	struct explain_params params;
	struct job *jobs;
	unsigned n_jobs;
	uint32_t last_id;
};

/* ---- life ---- */

struct explain *explain_new(const struct explain_params *params)
{
	struct explain *e = calloc(1, sizeof(*e));

	if (e)
		e->params = *params;
	return e;
}

static void job_free(struct job *j)
{
	loop_timer_free(j->timer);
	dns_ask_free(j->question);
	explain_round_free(j->round);
	free(j->netns);
	free(j);
}

/* It is not the explain's any more afterwards. */
static void unlink_job(struct job *j)
{
	struct job **at = &j->e->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	j->e->n_jobs--;
}

/* Takes the job. */
static void reply_to(struct job *j, struct front_reply *reply)
{
	unlink_job(j);
	front_answer(j->later, reply);
	job_free(j);
}

static void fail(struct job *j, const char *why)
{
	struct front_reply reply;

	reply_refuse(&reply, 500, why, NULL);
	reply_to(j, &reply);
}

void explain_free(struct explain *e)
{
	if (!e)
		return;
	while (e->jobs)
		fail(e->jobs, "the gateway ends");
	free(e);
}

/* ---- the end: what the model says ---- */

struct connection {
	struct effective_query query;
	char *synced; /* owned */
	char refusal[MSG_REASON_MAX + 1];
	char down[MSG_REASON_MAX + 1];
	int64_t n_sessions;
	char certificate[LABEL_SIZE]; /* its status; "": there is none */
};

/* 1: it is there. */
static int read_connection(struct job *j, struct connection *ret, struct certs_error *e)
{
	const struct store_value value = {.name = ":app", .number = j->app_id, .is_number = true};
	struct store_query *q;
	int r = store_query(
		j->e->params.model->store,
		"SELECT plan_id, vnet_id, has_default_routes, synced, refusal,"
		" (SELECT count(*) FROM session s WHERE s.app = n.app AND s.vnet = n.vnet"
		"  AND s.ended IS NULL), coalesce(n.status, '') FROM connection_now n WHERE app_id "
		"= :app",
		&value, 1, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0) {
		ret->query = (struct effective_query){
			.plan = store_query_number(q, 0),
			.vnet = store_query_number(q, 1),
			.has_defaults = store_query_number(q, 2) != 0,
		};
		ret->query.synced = ret->synced = strdup(store_query_text(q, 3));
		snprintf(ret->refusal, sizeof(ret->refusal), "%s", store_query_text(q, 4));
		ret->n_sessions = store_query_number(q, 5);
		snprintf(ret->certificate, sizeof(ret->certificate), "%s", store_query_text(q, 6));
		r = ret->synced ? 1 : certs_fail(e, -ENOMEM, "out of memory");
	}
	store_query_end(q);
	return r;
}

/* What the data plane says of the gateway; 0: it is up, or nothing is said. */
static int read_gateway(struct job *j, struct connection *ret, struct certs_error *e)
{
	const struct store_value value = {.name = ":vnet", .text = j->vnet};
	struct store_query *q;
	int r = store_query(j->e->params.model->store,
			    "SELECT why FROM gateway_state WHERE vnet = :vnet", &value, 1, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0)
		snprintf(ret->down, sizeof(ret->down), "%s", store_query_text(q, 0));
	store_query_end(q);
	return r < 0 ? r : 0;
}

static void take_bgp(struct job *j, struct explain_facts *f)
{
	struct bgp_state state;

	if (!j->e->params.bgp || bgp_state(j->e->params.bgp, j->vnet, &state) < 0)
		return;
	f->has_bgp = true;
	f->announce_table = state.announce_table;
	f->announced = state.announced;
	f->n_announced = state.n_announced;
}

/* False: it is not asked. */
static bool ask_bird(struct job *j, const struct explain_facts *f, struct explain_bgp *ret_bird)
{
	struct learned_routes learned;
	const struct learned_route *route;
	char path[BIRD_SOCKET_MAX];

	if (!f->has_bgp || !f->has_address || !j->e->params.bird ||
	    bird_socket_path(j->e->params.bird, j->vnet, path) < 0)
		return false;
	learned = learned_of(bgp_learned(j->e->params.bgp), j->vnet, LEARNED_LOOKUP);
	route = learned_cover(&learned, &f->address);
	explain_bgp_ask(path, route ? &route->dst : NULL, explain_pool(f), ret_bird);
	return true;
}

/* Takes the job. */
static void tell(struct job *j, struct effective_shown *shown, const struct connection *c)
{
	struct explain_facts f = j->facts;
	struct explain_bgp bird;
	struct front_reply reply = {.status = 200};

	f.app = j->is_app ? j->app : NULL;
	f.vnet = j->vnet;
	f.target = j->target;
	f.host = j->host;
	f.refusal = c->refusal;
	f.down = c->down;
	f.n_sessions = c->n_sessions;
	f.certificate = *c->certificate ? c->certificate : NULL;
	f.probes = j->probes;
	f.shown = shown;
	f.device = j->device;
	f.pools = shown->gate ? &shown->gate->vnet->pools : NULL;
	take_bgp(j, &f);
	if (ask_bird(j, &f, &bird))
		f.bird = &bird;
	reply.json = explain_json(&f);
	if (!reply.json)
		reply_refuse(&reply, 500, "out of memory", NULL);
	reply_to(j, &reply);
}

/* 1: for effective_shown_done(), and c->synced to be freed in every case; 0: it is gone. */
static int show(struct job *j, struct connection *c, struct effective_shown *ret_shown,
		struct certs_error *e)
{
	int r = j->is_app ? read_connection(j, c, e) : 1;

	return r > 0 ? effective_show(j->e->params.effective, j->vnet_id,
				      j->is_app ? &c->query : NULL, ret_shown, e)
		     : r;
}

/* Takes the job. */
static void end(struct job *j)
{
	struct connection c = {.synced = NULL};
	struct effective_shown shown;
	struct certs_error e;
	int r = read_gateway(j, &c, &e);

	if (r == 0)
		r = show(j, &c, &shown, &e);
	if (r > 0) {
		tell(j, &shown, &c);
		effective_shown_done(&shown);
	} else {
		fail(j, r < 0 ? e.text : "It was removed while it was being explained.");
	}
	free(c.synced);
}

/* ---- the probe ---- */

static void wait_for(struct job *j, enum stage stage)
{
	j->stage = stage;
	loop_timer_set(j->timer, loop_now(j->e->params.loop) + PATIENCE);
}

/* What was asked for is in probes; done is called when all of them are told, or time is over. */
static void ask_network(struct job *j, enum stage stage, size_t n, void (*done)(void *arg))
{
	const struct explain_params *p = &j->e->params;

	explain_round_free(j->round);
	j->stage = stage;
	loop_timer_set(j->timer, CLOCK_NEVER); /* the round has its own */
	j->round = explain_round_new(&(struct explain_round_params){.loop = p->loop,
								    .ask = p->ask,
								    .send = p->send,
								    .arg = p->arg,
								    .last_id = &j->e->last_id,
								    .app = j->app,
								    .vnet = j->vnet,
								    .netns = j->netns,
								    .destination = j->facts.address,
								    .on_done = done,
								    .owner = j},
				     j->probes, n);
	if (!j->round)
		end(j);
}

static void on_more(void *arg)
{
	end(arg);
}

/* Silence has many causes, and of what opens a connection all may be well but its long packets. */
static void on_first(void *arg)
{
	struct job *j = arg;
	uint16_t port = (uint16_t)j->facts.port;
	size_t n = 0;

	j->facts.was_probed = j->probes[0].is_told;
	if (j->facts.was_probed) {
		j->facts.probed = j->probes[0].answer;
		snprintf(j->drop, sizeof(j->drop), "%s", j->probes[0].drop);
		j->facts.probed.drop = j->drop;
		if (j->facts.probed.outcome == MSG_OUTCOME_SILENCE)
			n = explain_ask_after_silence(port, j->probes);
		else if (j->facts.probed.outcome <= MSG_OUTCOME_OPEN)
			n = explain_ask_sizes(port, j->probes);
	}
	j->facts.n_probes = n;
	if (n)
		ask_network(j, STAGE_MORE, n, on_more);
	else
		end(j);
}

/* Only an app has a session to send by; a client of the VNet may have any. */
static void probe(struct job *j)
{
	j->probes[0] = (struct explain_probe){.port = (uint16_t)j->facts.port};
	if (j->is_app)
		ask_network(j, STAGE_PROBE, 1, on_first);
	else
		end(j);
}

void explain_on_probed(struct explain *e, const struct msg_probed *m)
{
	for (struct job *j = e->jobs; j; j = j->next)
		if (j->round && explain_round_on_probed(j->round, m))
			return;
}

/* ---- the kernel ---- */

/* Takes fd. */
static void ask_kernel(struct job *j, int fd)
{
	struct rtnl *rtnl;
	int r = rtnl_adopt(fd, &rtnl);

	j->facts.kernel_error = r;
	if (r == 0) {
		j->facts.has_kernel = true;
		j->facts.kernel_error = rtnl_route_get(rtnl, &j->facts.address, &j->facts.kernel);
		rtnl_close(rtnl);
	}
	probe(j);
}

static int dial(struct job *j, const struct prefix *server)
{
	/* each another one: what comes too late is no answer to the next */
	const struct parent_msg m = {
		.kind = PARENT_DIAL,
		.dial = {.id = j->id = ++j->e->last_id, .netns = j->netns, .server = *server},
	};

	return j->e->params.ask(j->e->params.arg, &m, NULL);
}

static void dial_kernel(struct job *j)
{
	int r = dial(j, &(struct prefix){.family = AF_INET});

	if (r == 0) {
		wait_for(j, STAGE_KERNEL);
		return;
	}
	j->facts.kernel_error = r;
	probe(j);
}

/* ---- the name ---- */

static void dial_server(struct job *j);

static struct explain_server *present_server(struct job *j)
{
	return &j->facts.servers[j->facts.n_servers - 1];
}

/* Whether a question of the app's gets to the present server. What cannot be found out is taken to be so. */
static bool is_reached(struct job *j)
{
	struct connection c = {.synced = NULL};
	struct effective_shown shown;
	struct certs_error e;
	bool is = true;

	if (show(j, &c, &shown, &e) > 0) {
		is = effective_fate(&shown, &present_server(j)->address) == EFFECTIVE_ROUTED;
		effective_shown_done(&shown);
	}
	free(c.synced);
	return is;
}

static void end_name(struct job *j)
{
	if (j->facts.has_address)
		dial_kernel(j);
	else
		end(j);
}

/*
 * What the first server says that the app's question gets to is final. The address from one behind a closed
 * peering only serves to go on with; where there is no other server the order does not matter.
 */
static void on_answer(void *arg, const struct dns_answer *answer)
{
	struct job *j = arg;
	bool counts = j->n_servers == 1 || is_reached(j);

	present_server(j)->answer = *answer;
	dns_ask_free(j->question);
	j->question = NULL;
	if (answer->outcome == DNS_FOUND && (counts || !j->facts.has_address)) {
		j->facts.has_address = true;
		j->facts.address = answer->addresses[0];
	}
	if (counts && explain_is_answer(present_server(j)))
		end_name(j);
	else
		dial_server(j);
}

static void server_failed(struct job *j, int error)
{
	present_server(j)->error = error;
	dial_server(j);
}

/* Takes fd. */
static void ask_server(struct job *j, int fd)
{
	int r = dns_ask_new(j->e->params.loop, fd, j->host, on_answer, j, &j->question);

	if (r < 0) {
		server_failed(j, r);
		return;
	}
	j->stage = STAGE_NAME;
	loop_timer_set(j->timer, CLOCK_NEVER); /* the question has its own */
}

/* The next one; behind the last all is known that servers say. */
static void dial_server(struct job *j)
{
	while (j->facts.n_servers < j->n_servers) {
		struct explain_server *s = &j->facts.servers[j->facts.n_servers];

		*s = (struct explain_server){.address = j->servers[j->facts.n_servers++]};
		s->error = dial(j, &s->address);
		if (s->error == 0) {
			wait_for(j, STAGE_SERVER);
			return;
		}
	}
	end_name(j);
}

/* ---- what comes back ---- */

static void on_timer(void *arg)
{
	struct job *j = arg;

	switch (j->stage) {
	case STAGE_SERVER: server_failed(j, -ETIMEDOUT); break;
	case STAGE_KERNEL:
		j->facts.kernel_error = -ETIMEDOUT;
		probe(j);
		break;
	case STAGE_NAME:
	case STAGE_PROBE:
	case STAGE_MORE: break; /* those have timers of their own */
	}
}

/* A socket that the gateway asks by itself. */
static void take_dialled(struct explain *e, const struct parent_dialled *m, struct msgsock_fds *fds)
{
	for (struct job *j = e->jobs; j; j = j->next)
		if (j->round && explain_round_on_dialled(j->round, m, fds))
			return;
}

void explain_on_parent(struct explain *e, const struct parent_msg *m, struct msgsock_fds *fds)
{
	struct job *j = e->jobs;
	int error;

	if (m->kind != PARENT_DIALLED)
		return;
	while (j &&
	       (j->id != m->dialled.id || (j->stage != STAGE_SERVER && j->stage != STAGE_KERNEL)))
		j = j->next;
	if (!j) {
		take_dialled(e, &m->dialled, fds);
		return;
	}
	error = m->dialled.error;
	if (j->stage == STAGE_SERVER) {
		if (error)
			server_failed(j, error);
		else
			ask_server(j, msgsock_take_fd(fds));
	} else if (error) {
		j->facts.kernel_error = error;
		probe(j);
	} else {
		ask_kernel(j, msgsock_take_fd(fds));
	}
}

/* ---- the question ---- */

/* Port 0: none is given. "[v6]:port", "v6", "host:port". False: it is none. */
static bool read_target(struct job *j)
{
	const char *host = j->target;
	const char *colon = strrchr(host, ':');
	const char *end = host + strlen(host);
	const char *port = NULL;
	bool is_in_brackets = *host == '[';
	char *rest = NULL;
	long number = 0;

	if (is_in_brackets) {
		end = strchr(++host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		port = end[1] ? end + 2 : NULL;
	} else if (colon && strchr(host, ':') == colon) {
		end = colon;
		port = colon + 1;
	}
	if (end == host || (port && (*port < '0' || *port > '9')))
		return false;
	snprintf(j->host, sizeof(j->host), "%.*s", (int)(end - host), host);
	if (port)
		number = strtol(port, &rest, 10);
	if ((rest && *rest) || number < (port ? 1 : 0) || number > WORST_PORT)
		return false;
	j->facts.port = (unsigned)number;
	return true;
}

/* An address, not a prefix with its length; or a name of a host, or of a service. */
static void read_host(struct job *j)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	uint8_t packet[DNS_ASK_PACKET_MAX];

	if (!strchr(j->host, '/') && prefix_parse(j->host, &j->facts.address) == 0)
		j->facts.has_address = true;
	else
		j->facts.is_name = !j->host[strspn(j->host, letters)] &&
				   dns_ask_encode(j->host, 1, 0, packet) > 0;
}

/* A JSON list of addresses. */
static void read_servers(struct job *j, const char *text)
{
	json_t *list = json_loads(text, 0, NULL);
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && j->n_servers < EXPLAIN_SERVERS_MAX; i++) {
		const char *one = json_string_value(json_array_get(list, i));

		if (one && prefix_parse(one, &j->servers[j->n_servers]) == 0)
			j->n_servers++;
	}
	json_decref(list);
}

#define COLUMNS " v.id, v.name, v.attach_netns, coalesce(v.device, ''), "

/* Column by column: the app, its name; the VNet, its name, its namespace, its device; the name servers. */
static const char app_sql[] =
	"SELECT n.app_id, n.app," COLUMNS "coalesce(json_extract(n.synced, '$.dnsServers'), '[]')"
	" FROM connection_now n JOIN vnet v ON v.id = n.vnet_id WHERE n.app_id = " SQL_APP_ID;
static const char vnet_sql[] =
	"SELECT 0, ''," COLUMNS "v.dns FROM vnet v WHERE v.id = " SQL_VNET_ID;

static int take_row(struct job *j, struct store_query *q)
{
	j->app_id = store_query_number(q, 0);
	snprintf(j->app, sizeof(j->app), "%s", store_query_text(q, 1));
	j->vnet_id = store_query_number(q, 2);
	snprintf(j->vnet, sizeof(j->vnet), "%s", store_query_text(q, 3));
	j->netns = strdup(store_query_text(q, 4));
	snprintf(j->device, sizeof(j->device), "%s", store_query_text(q, 5));
	read_servers(j, store_query_text(q, 6));
	return j->netns ? 0 : -ENOMEM;
}

/* 1, 0: there is none, -errno. */
static int read_row(struct job *j, const struct path_names *names, struct certs_error *e)
{
	const struct store_value values[] = {
		{.name = ":subscription", .text = names->texts[0]},
		{.name = ":group", .text = names->texts[1]},
		{.name = j->is_app ? ":app" : ":vnet", .text = names->texts[2]},
	};
	struct store_query *q;
	int r = store_query(j->e->params.model->store, j->is_app ? app_sql : vnet_sql, values, 3,
			    &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0 && take_row(j, q) < 0)
		r = certs_fail(e, -ENOMEM, "out of memory");
	store_query_end(q);
	return r;
}

static struct job *job_new(struct explain *e, bool is_app)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->e = e;
	j->is_app = is_app;
	j->timer = loop_timer_new(e->params.loop, on_timer, j);
	if (j->timer)
		return j;
	job_free(j);
	return NULL;
}

/* False: refused. */
static bool fill(struct job *j, const struct path_names *names, const char *target,
		 struct front_reply *reply)
{
	struct certs_error e;
	int r;

	snprintf(j->target, sizeof(j->target), "%s", target);
	if (read_target(j))
		read_host(j);
	if (!j->facts.has_address && !j->facts.is_name) {
		reply_refuse(reply, 400,
			     "'target' must be a name or an address, with :PORT behind it or not",
			     NULL);
		return false;
	}
	r = read_row(j, names, &e);
	if (r < 0)
		reply_refuse(reply, 500, e.text, NULL);
	else if (r == 0)
		reply_refuse(reply, 404,
			     j->is_app ? "There is no such app, or it is not connected to a VNET."
				       : "There is no such virtual network.",
			     NULL);
	return r > 0;
}

static void start(struct job *j)
{
	struct explain *e = j->e;

	j->next = e->jobs;
	e->jobs = j;
	e->n_jobs++;
	if (j->facts.has_address)
		dial_kernel(j);
	else
		dial_server(j);
}

static void begin(struct explain *e, const struct front_request *request, bool is_app,
		  const struct path_names *names, const char *target, struct front_reply *reply)
{
	struct job *j = job_new(e, is_app);

	if (!j) {
		reply_refuse(reply, 500, "out of memory", NULL);
		return;
	}
	if (!fill(j, names, target, reply)) {
		job_free(j);
		return;
	}
	j->later = front_later(request);
	start(j);
}

/* ---- which one it is ---- */

#define PROVIDERS "/subscriptions/:subscription/resourceGroups/:group/providers"

static const char *const routes[] = {
	PROVIDERS "/Microsoft.Web/sites/:app/explain",
	PROVIDERS "/Microsoft.Network/virtualNetworks/:vnet/explain",
};

const char *explain_route(size_t i, enum front_method *ret_method)
{
	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = FRONT_GET;
	return routes[i];
}

bool explain_has_path(const char *path)
{
	struct path_names names;

	return path_match(routes[0], path, &names) || path_match(routes[1], path, &names);
}

void explain_answer(struct explain *e, const struct front_request *request,
		    struct front_reply *ret_reply)
{
	static const char *const keys[] = {"target", NULL};
	struct path_names names;
	struct query query;
	char why[QUERY_WHY_MAX];
	bool is_app = path_match(routes[0], request->path, &names);
	const char *target;

	if (!is_app && !path_match(routes[1], request->path, &names)) {
		reply_refuse(ret_reply, 404, "there is no such path", NULL);
		return;
	}
	if (request->method != FRONT_GET) {
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
		return;
	}
	if (query_parse(request->query, keys, &query, why) < 0) {
		reply_refuse(ret_reply, 400, why, NULL);
		return;
	}
	target = query_get(&query, "target");
	if (!target)
		reply_refuse(ret_reply, 400, "'target' must be given: HOST[:PORT]", NULL);
	else if (e->n_jobs >= EXPLAIN_MAX)
		reply_refuse(ret_reply, 429, "Too much is being explained at once; ask again.",
			     NULL);
	else
		begin(e, request, is_app, &names, target, ret_reply);
}
