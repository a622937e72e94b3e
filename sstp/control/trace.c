/* SPDX-License-Identifier: Apache-2.0 */
/* As explain.c: one question goes through its stages in their order, and ends in words. */
#include "sstp/control/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/base/random.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/path.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"
#include "sstp/control/trace_watch.h"
#include "sstp/net/loop.h"

#define PARENT_PATIENCE (2 * CLOCK_NS_PER_S)
#define TRACE_PATIENCE	(8 * CLOCK_NS_PER_S)

/* Ids are another's than those of explain's questions: the same messages answer both. */
#define ID_BASE UINT64_C(0x8000000000000000)

enum {
	TARGET_MAX = QUERY_TEXT_MAX + 1,
	LABEL_SIZE = PATH_NAME_MAX + 1,
	WORST_PORT = 65535,
	OWN_FIRST = 61001, /* above what Linux gives to its programs */
	OWN_COUNT = 4096,
};

enum trace_job_stage {
	JOB_KERNEL, /* the parent is to open a socket to the kernel */
	JOB_WATCH,  /* and the sockets of a watch */
	JOB_TRACE,  /* the data plane is to say what it saw */
};

struct trace_job {
	struct trace_job *next;
	struct traces *traces;
	struct front_later *later;
	struct loop_timer *timer;
	enum trace_job_stage stage;
	uint32_t id; /* of the question to the parent; + ID_BASE: to the data plane */
	char app[LABEL_SIZE];
	char vnet[LABEL_SIZE];
	int64_t vnet_id;
	char target[TARGET_MAX];
	char *netns;
	char device[IF_NAMESIZE];
	int packets, own; /* the sockets of the watch; -1: none */
	struct trace_facts facts;
	/* what the facts' texts lie in */
	struct {
		char device[MSG_DEVICE_MAX + 1];
		char drops[3][MSG_DROP_MAX + 1];
		char counters[MSG_COUNTERS_MAX][MSG_COUNTER_NAME_MAX + 1];
	} kept;
};

struct traces {
	struct traces_params params;
	struct trace_job *jobs;
	unsigned n_jobs;
	uint32_t last_id;
};

/* ---- life ---- */

struct traces *traces_new(const struct traces_params *params)
{
	struct traces *t = calloc(1, sizeof(*t));

	if (t)
		t->params = *params;
	return t;
}

static void job_free(struct trace_job *j)
{
	loop_timer_free(j->timer);
	if (j->packets >= 0)
		close(j->packets);
	if (j->own >= 0)
		close(j->own);
	free(j->netns);
	free(j);
}

/* Takes the job. */
static void reply_to(struct trace_job *j, struct front_reply *reply)
{
	struct trace_job **at = &j->traces->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	j->traces->n_jobs--;
	front_answer(j->later, reply);
	job_free(j);
}

void traces_free(struct traces *t)
{
	struct front_reply reply;

	if (!t)
		return;
	while (t->jobs) {
		reply_refuse(&reply, 500, "the gateway ends", NULL);
		reply_to(t->jobs, &reply);
	}
	free(t);
}

/* ---- the end ---- */

static void look_at_sockets(struct trace_job *j)
{
	struct trace_facts *f = &j->facts;

	if (j->packets >= 0)
		trace_watch_read(j->packets, &f->address, &f->seen);
	if (j->own >= 0)
		f->own_said = trace_watch_own(j->own, f->address.family, f->port,
					      f->own ^ PARENT_WATCH_OWN);
}

/* Takes the job. */
static void end(struct trace_job *j)
{
	struct effective_shown shown;
	struct certs_error e;
	struct front_reply reply = {.status = 200};
	int r = effective_show(j->traces->params.effective, j->vnet_id, NULL, &shown, &e);

	look_at_sockets(j);
	if (r > 0 && shown.gate)
		j->facts.pools = &shown.gate->vnet->pools;
	reply.json = trace_json(&j->facts);
	if (r > 0)
		effective_shown_done(&shown);
	if (!reply.json)
		reply_refuse(&reply, 500, "out of memory", NULL);
	reply_to(j, &reply);
}

/* ---- the data plane ---- */

static void wait_for(struct trace_job *j, enum trace_job_stage stage, uint64_t patience)
{
	j->stage = stage;
	loop_timer_set(j->timer, loop_now(j->traces->params.loop) + patience);
}

static void trace(struct trace_job *j)
{
	const struct msg_trace m = {
		.id = ID_BASE + j->id,
		.session = j->facts.session,
		.app = j->app,
		.vnet = j->vnet,
		.destination = j->facts.address,
		.port = j->facts.port,
		.own = j->facts.own,
	};
	uint8_t *frame;
	size_t len;

	if (msg_trace_encode(&m, &frame, &len) < 0 ||
	    j->traces->params.send(j->traces->params.arg, frame, len) < 0) {
		end(j);
		return;
	}
	wait_for(j, JOB_TRACE, TRACE_PATIENCE);
}

static struct trace_job *find_traced(struct traces *t, uint64_t id)
{
	struct trace_job *j = t->jobs;

	while (j && (j->stage != JOB_TRACE || ID_BASE + j->id != id))
		j = j->next;
	return j;
}

/* The message goes, and there may be another to wait for. */
static const char *keep(char *buf, size_t size, const char *text)
{
	snprintf(buf, size, "%s", text);
	return buf;
}

static void keep_traced(struct trace_job *j, const struct msg_traced *m)
{
	struct msg_traced *t = &j->facts.traced;

	*t = *m;
	t->worker.device = keep(j->kept.device, sizeof(j->kept.device), m->worker.device);
	t->worker.drop = keep(j->kept.drops[0], sizeof(j->kept.drops[0]), m->worker.drop);
	t->watch.drop = keep(j->kept.drops[1], sizeof(j->kept.drops[1]), m->watch.drop);
	t->watch.back_drop = keep(j->kept.drops[2], sizeof(j->kept.drops[2]), m->watch.back_drop);
	for (size_t i = 0; i < m->n_counters; i++)
		t->counters[i].name =
			keep(j->kept.counters[i], sizeof(j->kept.counters[i]), m->counters[i].name);
	j->facts.was_traced = true;
}

void traces_on_traced(struct traces *t, const struct msg_traced *m)
{
	struct trace_job *j = find_traced(t, m->id);

	if (!j || j->facts.was_traced)
		return;
	keep_traced(j, m);
	if (m->end != MSG_TRACE_NO_WORKER) /* else a PROBED follows */
		end(j);
}

void traces_on_probed(struct traces *t, const struct msg_probed *m)
{
	struct trace_job *j = find_traced(t, m->id);

	if (!j || !j->facts.was_traced)
		return;
	j->facts.was_probed = true;
	j->facts.probed = *m;
	end(j); /* within which what m borrows is good */
}

/* ---- the parent ---- */

static int ask(struct trace_job *j, struct parent_msg *m)
{
	/* each another one: what comes too late is no answer to the next */
	uint32_t id = j->id = ++j->traces->last_id | UINT32_C(0x80000000);

	if (m->kind == PARENT_DIAL)
		m->dial.id = id;
	else
		m->watch.id = id;
	return j->traces->params.ask(j->traces->params.arg, m, NULL);
}

static void watch(struct trace_job *j)
{
	struct parent_msg m = {
		.kind = PARENT_WATCH,
		.watch = {.netns = j->netns,
			  .target = j->facts.address,
			  .port = j->facts.port,
			  .own = j->facts.own},
	};

	j->facts.seen.error = ask(j, &m);
	if (j->facts.seen.error == 0)
		wait_for(j, JOB_WATCH, PARENT_PATIENCE);
	else
		trace(j);
}

/* Else it is the parent that could not ask. */
static bool is_unreachable(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EACCES;
}

static void on_watching(struct trace_job *j, const struct parent_watching *m,
			struct msgsock_fds *fds)
{
	j->facts.seen.error = m->error;
	if (m->error == 0) {
		j->facts.seen.was_open = true;
		j->packets = msgsock_take_fd(fds);
		if (!m->own_error)
			j->own = msgsock_take_fd(fds);
		else if (is_unreachable(m->own_error))
			j->facts.own_said = TRACE_SAID_UNREACHABLE;
	}
	trace(j);
}

static void ask_kernel(struct trace_job *j)
{
	struct parent_msg m = {.kind = PARENT_DIAL,
			       .dial = {.netns = j->netns, .server = {.family = AF_INET}}};

	j->facts.kernel_error = ask(j, &m);
	if (j->facts.kernel_error == 0)
		wait_for(j, JOB_KERNEL, PARENT_PATIENCE);
	else
		watch(j);
}

static void on_kernel(struct trace_job *j, int error, struct msgsock_fds *fds)
{
	struct rtnl *rtnl;
	int r = error ? error : rtnl_adopt(msgsock_take_fd(fds), &rtnl);

	j->facts.kernel_error = r;
	if (r == 0) {
		j->facts.has_kernel = true;
		j->facts.kernel_error = rtnl_route_get(rtnl, &j->facts.address, &j->facts.kernel);
		rtnl_close(rtnl);
	}
	watch(j);
}

static struct trace_job *find_asked(struct traces *t, enum trace_job_stage stage, uint32_t id)
{
	struct trace_job *j = t->jobs;

	while (j && (j->stage != stage || j->id != id))
		j = j->next;
	return j;
}

void traces_on_parent(struct traces *t, const struct parent_msg *m, struct msgsock_fds *fds)
{
	struct trace_job *j;

	if (m->kind == PARENT_DIALLED) {
		j = find_asked(t, JOB_KERNEL, m->dialled.id);
		if (j)
			on_kernel(j, m->dialled.error, fds);
	} else if (m->kind == PARENT_WATCHING) {
		j = find_asked(t, JOB_WATCH, m->watching.id);
		if (j)
			on_watching(j, &m->watching, fds);
	}
}

static void on_timer(void *arg)
{
	struct trace_job *j = arg;

	switch (j->stage) {
	case JOB_KERNEL:
		j->facts.kernel_error = -ETIMEDOUT;
		watch(j);
		break;
	case JOB_WATCH:
		j->facts.seen.error = -ETIMEDOUT;
		trace(j);
		break;
	case JOB_TRACE: end(j); break;
	}
}

/* ---- the question ---- */

/* "v4", "v4:port", "v6", "[v6]:port". False: it is none. */
static bool read_target(const char *target, struct prefix *ret_address, uint16_t *ret_port)
{
	char host[TARGET_MAX];
	const char *port = NULL, *close;
	char *rest = NULL;
	long number = 0;

	snprintf(host, sizeof(host), "%s", target);
	if (*target == '[') {
		close = strchr(target, ']');
		if (!close || (close[1] && close[1] != ':'))
			return false;
		snprintf(host, sizeof(host), "%.*s", (int)(close - target - 1), target + 1);
		port = close[1] ? close + 2 : NULL;
	} else if (strchr(target, ':') && strchr(target, ':') == strrchr(target, ':')) {
		port = strchr(target, ':') + 1;
		host[port - target - 1] = '\0';
	}
	if (port && (*port < '0' || *port > '9'))
		return false;
	if (port)
		number = strtol(port, &rest, 10);
	if ((rest && *rest) || number < (port ? 1 : 0) || number > WORST_PORT)
		return false;
	*ret_port = (uint16_t)number;
	return !strchr(host, '/') && prefix_parse(host, ret_address) == 0;
}

#define COLUMNS " v.id, v.name, v.attach_netns, coalesce(v.device, '')"

/* The app, or the session's number; the VNet, its namespace, its device. */
static const char app_sql[] =
	"SELECT n.app, 0," COLUMNS
	" FROM connection_now n JOIN vnet v ON v.id = n.vnet_id WHERE n.app_id = " SQL_APP_ID;
static const char session_sql[] =
	"SELECT '', s.number," COLUMNS " FROM session s JOIN vnet v ON v.name = s.vnet"
	" WHERE s.ended IS NULL AND format('SSTP_%016x-%u', s.boot, s.number) = :session";

static int take_row(struct trace_job *j, struct store_query *q)
{
	snprintf(j->app, sizeof(j->app), "%s", store_query_text(q, 0));
	j->facts.session = (uint64_t)store_query_number(q, 1);
	j->vnet_id = store_query_number(q, 2);
	snprintf(j->vnet, sizeof(j->vnet), "%s", store_query_text(q, 3));
	j->netns = strdup(store_query_text(q, 4));
	snprintf(j->device, sizeof(j->device), "%s", store_query_text(q, 5));
	return j->netns ? 0 : -ENOMEM;
}

/* 1, 0: there is none, -errno. */
static int read_row(struct trace_job *j, bool is_session, const struct path_names *names,
		    struct certs_error *e)
{
	const struct store_value app[] = {
		{.name = ":subscription", .text = names->texts[0]},
		{.name = ":group", .text = names->texts[1]},
		{.name = ":app", .text = names->texts[2]},
	};
	const struct store_value session = {.name = ":session", .text = names->texts[0]};
	struct store *store = j->traces->params.model->store;
	struct store_query *q;
	int r = is_session ? store_query(store, session_sql, &session, 1, &q, e)
			   : store_query(store, app_sql, app, 3, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0 && take_row(j, q) < 0)
		r = certs_fail(e, -ENOMEM, "out of memory");
	store_query_end(q);
	return r;
}

static struct trace_job *job_new(struct traces *t)
{
	struct trace_job *j = calloc(1, sizeof(*j));
	uint16_t number;

	if (!j)
		return NULL;
	j->traces = t;
	j->packets = j->own = -1;
	random_fill(&random_system, &number, sizeof(number));
	j->facts.own = (uint16_t)(OWN_FIRST + number % OWN_COUNT);
	j->timer = loop_timer_new(t->params.loop, on_timer, j);
	if (j->timer)
		return j;
	job_free(j);
	return NULL;
}

/* False: refused. */
static bool fill(struct trace_job *j, bool is_session, const struct path_names *names,
		 const char *target, struct front_reply *reply)
{
	struct certs_error e;
	int r;

	if (!target || !read_target(target, &j->facts.address, &j->facts.port)) {
		reply_refuse(reply, 400,
			     "'target' must be an address, with :PORT behind it or not; a name is "
			     "resolved by explain",
			     NULL);
		return false;
	}
	snprintf(j->target, sizeof(j->target), "%s", target);
	r = read_row(j, is_session, names, &e);
	if (r < 0)
		reply_refuse(reply, 500, e.text, NULL);
	else if (r == 0)
		reply_refuse(reply, 404,
			     is_session ? "There is no such session that is up."
					: "There is no such app, or it is not connected to a VNET.",
			     NULL);
	return r > 0;
}

static void start(struct trace_job *j)
{
	struct traces *t = j->traces;

	j->next = t->jobs;
	t->jobs = j;
	t->n_jobs++;
	ask_kernel(j);
}

static void begin(struct traces *t, const struct front_request *request, bool is_session,
		  const struct path_names *names, const char *target, struct front_reply *reply)
{
	struct trace_job *j = job_new(t);

	if (!j) {
		reply_refuse(reply, 500, "out of memory", NULL);
		return;
	}
	if (!fill(j, is_session, names, target, reply)) {
		job_free(j);
		return;
	}
	log_info("audit: %s: a probe of %s %s is traced", request->who,
		 is_session ? "session" : "app", is_session ? names->texts[0] : j->app);
	j->facts.app = j->app;
	j->facts.vnet = j->vnet;
	j->facts.target = j->target;
	j->facts.device = j->device;
	j->later = front_later(request);
	start(j);
}

/* ---- which one it is ---- */

static const char *const routes[] = {
	"/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Web/sites/:app"
	"/trace",
	"/v1/sessions/:id/trace",
};

const char *traces_route(size_t i, enum front_method *ret_method)
{
	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = FRONT_GET;
	return routes[i];
}

bool traces_has_path(const char *path)
{
	struct path_names names;

	return path_match(routes[0], path, &names) || path_match(routes[1], path, &names);
}

void traces_answer(struct traces *t, const struct front_request *request,
		   struct front_reply *ret_reply)
{
	static const char *const keys[] = {"target", NULL};
	struct path_names names;
	struct query query;
	char why[QUERY_WHY_MAX];
	bool is_session = path_match(routes[1], request->path, &names);

	if (!is_session && !path_match(routes[0], request->path, &names))
		reply_refuse(ret_reply, 404, "there is no such path", NULL);
	else if (request->method != FRONT_GET)
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
	else if (query_parse(request->query, keys, &query, why) < 0)
		reply_refuse(ret_reply, 400, why, NULL);
	else if (t->n_jobs >= TRACE_MAX)
		reply_refuse(ret_reply, 429, "Too much is being traced at once; ask again.", NULL);
	else
		begin(t, request, is_session, &names, query_get(&query, "target"), ret_reply);
}
