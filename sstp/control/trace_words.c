/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/trace_words.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
	TEXT_MAX = 768,
	ADDRESS_MAX = INET6_ADDRSTRLEN,
	FACTS_NAME_MAX = 256,
	/* vendor_trace.h's, as they come from the worker */
	ROUTE_TUNNEL = 1,
	ROUTE_OTHER = 2,
	ROUTE_LOCAL = 3,
	ROUTE_NONE = 4,
	OUTCOME_OPEN = 2,
	OUTCOME_CLOSED = 3,
	OUTCOME_ECHO = 4,
	OUTCOME_UNREACHABLE = 5,
	OUTCOME_SILENCE = 6,
	OUTCOME_FAILED = 7,
	OUTCOME_BUSY = 8,
};

/* ---- evidence ---- */

static enum trace_sender sender_of(const struct trace_facts *f)
{
	if (!f->was_traced)
		return TRACE_WITHOUT_ANSWER;
	switch ((enum msg_trace_end)f->traced.end) {
	case MSG_TRACE_ANSWERED:
		return f->traced.worker.outcome == OUTCOME_BUSY ? TRACE_BY_BUSY : TRACE_BY_WORKER;
	case MSG_TRACE_SILENT: return TRACE_BY_SILENT_WORKER;
	case MSG_TRACE_LOST: return TRACE_WITHOUT_SESSION;
	case MSG_TRACE_NO_SESSION: return TRACE_BY_NOBODY;
	case MSG_TRACE_NO_ADDRESS: return TRACE_WITHOUT_ADDRESS;
	case MSG_TRACE_NO_WORKER: break;
	default: return TRACE_BY_BUSY;
	}
	if (!f->was_probed)
		return TRACE_WITHOUT_ANSWER;
	switch (f->probed.outcome) {
	case MSG_OUTCOME_NO_SESSION: return TRACE_BY_NOBODY;
	case MSG_OUTCOME_BUSY: return TRACE_BY_BUSY;
	default: return TRACE_BY_GATEWAY;
	}
}

static enum trace_route worker_route(const struct msg_trace_worker *w)
{
	switch (w->route) {
	case ROUTE_TUNNEL: return TRACE_ROUTE_RIGHT;
	case ROUTE_OTHER: return TRACE_ROUTE_ELSEWHERE;
	case ROUTE_LOCAL: return TRACE_ROUTE_LOCAL;
	case ROUTE_NONE: return TRACE_ROUTE_NONE;
	default: return TRACE_ROUTE_UNKNOWN;
	}
}

static enum trace_drop drop_of(const char *name)
{
	static const struct {
		const char *name;
		enum trace_drop drop;
	} drops[] = {
		{"", TRACE_DROP_NONE},		 {"source", TRACE_DROP_SOURCE},
		{"peering", TRACE_DROP_PEERING}, {"device", TRACE_DROP_DEVICE},
		{"no_route", TRACE_DROP_LOOKUP}, {"not_in_plan", TRACE_DROP_LOOKUP},
		{"gateway", TRACE_DROP_LOOKUP},	 {"client_to_client", TRACE_DROP_LOOKUP},
	};

	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++)
		if (strcmp(drops[i].name, name) == 0)
			return drops[i].drop;
	return TRACE_DROP_OTHER;
}

static enum trace_said worker_said(const struct msg_trace_worker *w)
{
	switch (w->outcome) {
	case OUTCOME_OPEN:
	case OUTCOME_ECHO: return TRACE_SAID_GOOD;
	case OUTCOME_CLOSED: return TRACE_SAID_CLOSED;
	case OUTCOME_UNREACHABLE: return TRACE_SAID_UNREACHABLE;
	case OUTCOME_SILENCE: return TRACE_SAID_SILENCE;
	case OUTCOME_FAILED: return TRACE_SAID_FAILED;
	default: return TRACE_SAID_NOTHING;
	}
}

static enum trace_route gateway_route(const struct trace_facts *f)
{
	if (!f->has_kernel)
		return TRACE_ROUTE_UNKNOWN;
	if (f->kernel_error || f->kernel.kind == RTNL_GOT_UNREACHABLE)
		return TRACE_ROUTE_NONE;
	if (f->kernel.kind == RTNL_GOT_LOCAL)
		return TRACE_ROUTE_LOCAL;
	if (*f->device && strcmp(f->kernel.device, f->device) == 0)
		return TRACE_ROUTE_ELSEWHERE;
	return TRACE_ROUTE_RIGHT;
}

static bool is_no_neighbour(uint8_t family, uint8_t type, uint8_t code)
{
	return family == AF_INET6 ? type == 1 && code == 3 : type == 3 && code == 1;
}

static enum trace_answer answer_of(uint8_t outcome, const struct prefix *from, uint8_t type,
				   uint8_t code)
{
	switch (outcome) {
	case MSG_OUTCOME_ECHO:
	case MSG_OUTCOME_OPEN: return TRACE_ANSWER_GOOD;
	case MSG_OUTCOME_CLOSED: return TRACE_ANSWER_CLOSED;
	case MSG_OUTCOME_ICMP:
		return is_no_neighbour(from->family, type, code) ? TRACE_ANSWER_NEIGHBOUR
								 : TRACE_ANSWER_UNREACHABLE;
	default: return TRACE_ANSWER_NONE;
	}
}

static enum trace_fact fact_of(const struct trace_facts *f, unsigned n)
{
	if (!f->seen.was_open)
		return TRACE_UNKNOWN;
	return n ? TRACE_YES : TRACE_NO;
}

/* What the gateway has sent in a session's name was never in the tunnel. */
static void take_probed(const struct msg_probed *p, struct trace_evidence *e)
{
	e->was_sent = true;
	e->has_passed = p->outcome != MSG_OUTCOME_REFUSED;
	e->drop = drop_of(p->drop);
	e->answer = answer_of(p->outcome, &p->from, p->type, p->code);
}

static void take_traced(const struct msg_traced *t, struct trace_evidence *e)
{
	const struct msg_trace_watch *w = &t->watch;

	e->was_sent = w->sent > 0;
	e->has_passed = w->passed > 0;
	e->drop = drop_of(w->drop);
	if (w->answered)
		e->answer = answer_of(w->answer, &w->from, w->type, w->code);
	e->was_delivered = w->delivered > 0;
	if (t->end != MSG_TRACE_ANSWERED)
		return;
	e->worker_route = worker_route(&t->worker);
	e->worker_drop = drop_of(t->worker.drop);
	e->app = worker_said(&t->worker);
}

struct trace_evidence trace_evidence(const struct trace_facts *f)
{
	struct trace_evidence e = {
		.sender = sender_of(f),
		.gateway_route = gateway_route(f),
		.has_left = fact_of(f, f->seen.left),
		.has_come_back = fact_of(f, f->seen.back),
		.own = f->own_said,
	};

	if (e.sender == TRACE_BY_GATEWAY)
		take_probed(&f->probed, &e);
	else if (f->was_traced)
		take_traced(&f->traced, &e);
	return e;
}

/* ---- words ---- */

struct words {
	const struct trace_facts *f;
	struct trace_evidence e;
	enum trace_verdict verdict;
	enum trace_stage stop; /* TRACE_STAGES: none */
	char who[FACTS_NAME_MAX + 8];
	char target[ADDRESS_MAX + 32];
	char source[ADDRESS_MAX];
	char pool[PREFIX_TEXT_MAX];
};

/* "" of none. Returns buf. */
static const char *address_text(const struct prefix *p, char buf[ADDRESS_MAX])
{
	*buf = '\0';
	if (p->len)
		inet_ntop(p->family, p->addr, buf, ADDRESS_MAX);
	return buf;
}

static const struct prefix *source_of(const struct trace_facts *f)
{
	return f->was_probed ? &f->probed.source : &f->traced.address;
}

static void write_pool(const struct trace_facts *f, char buf[PREFIX_TEXT_MAX])
{
	const struct prefix *source = source_of(f);

	snprintf(buf, PREFIX_TEXT_MAX, "%s", "the pool");
	for (size_t i = 0; f->pools && f->was_traced && i < f->pools->n; i++)
		if (f->pools->list[i].family == source->family &&
		    prefix_covers(&f->pools->list[i], source))
			prefix_format(&f->pools->list[i], buf);
}

static void say_route(const char *who, const char *device, const struct prefix *via, uint32_t table,
		      char *buf)
{
	char hop[ADDRESS_MAX];

	address_text(via, hop);
	snprintf(buf, TEXT_MAX, "%s sends it out of %s%s%s (table %u).", who,
		 *device ? device : "no device", *hop ? " by " : "", hop, table);
}

static void say_worker_route(const struct words *w, char *buf)
{
	const struct msg_trace_worker *m = &w->f->traced.worker;

	if (w->e.sender == TRACE_BY_GATEWAY)
		snprintf(buf, TEXT_MAX,
			 "Not asked: the client is not our worker. The gateway "
			 "sends the probe in its name.");
	else if (w->e.sender != TRACE_BY_WORKER)
		snprintf(buf, TEXT_MAX, "The worker has not said.");
	else if (w->e.worker_route == TRACE_ROUTE_NONE)
		snprintf(buf, TEXT_MAX, "The app's kernel has no route: %s.",
			 m->error ? strerror(m->error) : "a route refuses it");
	else if (w->e.worker_route == TRACE_ROUTE_LOCAL)
		snprintf(buf, TEXT_MAX, "It is an address of the app's own network namespace.");
	else
		say_route("The app's kernel", m->device, &m->via, m->table, buf);
}

static void say_tunnel(const struct words *w, char *buf)
{
	const struct msg_trace_worker *m = &w->f->traced.worker;

	if (w->e.sender == TRACE_BY_GATEWAY)
		snprintf(buf, TEXT_MAX, "Not looked at: the probe begins behind it.");
	else if (w->e.was_sent)
		snprintf(buf, TEXT_MAX, "It came out of the tunnel of session %llu (packets: %u).",
			 (unsigned long long)w->f->traced.session, w->f->traced.watch.sent);
	else if (*m->drop)
		snprintf(buf, TEXT_MAX, "The worker dropped it: %s.", m->drop);
	else
		snprintf(buf, TEXT_MAX, "It did not come out of a tunnel.");
}

static void say_source(const struct words *w, char *buf)
{
	const struct trace_facts *f = w->f;
	bool is_worker = w->verdict == TRACE_WORKER_SOURCE;
	char seen[ADDRESS_MAX];

	address_text(is_worker ? &f->traced.worker.source : &f->traced.watch.source, seen);
	if (w->stop == TRACE_SOURCE)
		snprintf(buf, TEXT_MAX, "%s drops it: its source is %s, and the session's is %s.",
			 is_worker ? "The worker" : "The gateway", *seen ? seen : "another",
			 w->source);
	else
		snprintf(buf, TEXT_MAX, "%s is the session's address.", w->source);
}

static void say_lookup(const struct words *w, char *buf)
{
	const char *drop = w->f->was_probed ? w->f->probed.drop : w->f->traced.watch.drop;

	if (w->stop == TRACE_LOOKUP)
		snprintf(buf, TEXT_MAX, "The gateway drops it: %s.", *drop ? drop : "dropped");
	else
		snprintf(buf, TEXT_MAX, "The routes of the connection allow it.");
}

static void say_peering(const struct words *w, char *buf)
{
	snprintf(buf, TEXT_MAX, "%s",
		 w->stop == TRACE_PEERING ? "A peering, or its absence, keeps it back."
					  : "No peering keeps it back.");
}

static void say_tun(const struct words *w, char *buf)
{
	snprintf(buf, TEXT_MAX, "%s",
		 w->stop == TRACE_TUN ? "The VNet's device did not take it."
				      : "It was written to the VNet's device.");
}

/* Returns buf. */
static const char *left_text(const struct words *w, char buf[TEXT_MAX])
{
	const struct prefix *as = &w->f->seen.source;
	char source[ADDRESS_MAX];

	if (w->e.has_left == TRACE_UNKNOWN)
		snprintf(buf, TEXT_MAX, " Whether it left could not be watched.");
	else if (w->e.has_left == TRACE_NO)
		snprintf(buf, TEXT_MAX, " It was not seen to leave.");
	else if (w->e.was_sent && !prefix_equal(as, source_of(w->f)))
		snprintf(buf, TEXT_MAX,
			 " It was seen to leave, as from %s: its source is translated.",
			 address_text(as, source));
	else
		snprintf(buf, TEXT_MAX, " It was seen to leave.");
	return buf;
}

static void say_gateway_route(const struct words *w, char *buf)
{
	const struct trace_facts *f = w->f;
	struct prefix via = {.family = f->kernel.via_family};
	char route[TEXT_MAX / 2], text[TEXT_MAX];

	if (w->e.gateway_route == TRACE_ROUTE_UNKNOWN)
		snprintf(route, sizeof(route), "The gateway's kernel could not be asked: %s.",
			 strerror(-f->kernel_error));
	else if (w->e.gateway_route == TRACE_ROUTE_NONE)
		snprintf(route, sizeof(route), "The gateway's kernel has no route: %s.",
			 strerror(f->kernel_error ? -f->kernel_error : EHOSTUNREACH));
	else if (w->e.gateway_route == TRACE_ROUTE_LOCAL)
		snprintf(route, sizeof(route), "It is an address of the gateway itself.");
	else {
		via.len = via.family == AF_INET6 ? 128 : via.family ? 32 : 0;
		memcpy(via.addr, f->kernel.via, sizeof(via.addr));
		say_route("The gateway's kernel", f->kernel.device, &via, f->kernel.table, text);
		snprintf(route, sizeof(route), "%.380s", text);
	}
	snprintf(buf, TEXT_MAX, "%s%.320s", route, left_text(w, text));
}

static void say_vnet(const struct words *w, char *buf)
{
	const struct msg_trace_watch *m = &w->f->traced.watch;
	const struct prefix *from = w->f->was_probed ? &w->f->probed.from : &m->from;
	unsigned type = w->f->was_probed ? w->f->probed.type : m->type;
	unsigned code = w->f->was_probed ? w->f->probed.code : m->code;
	char who[ADDRESS_MAX];

	address_text(from, who);
	switch (w->e.answer) {
	case TRACE_ANSWER_GOOD: snprintf(buf, TEXT_MAX, "%s answers.", who); break;
	case TRACE_ANSWER_CLOSED:
		snprintf(buf, TEXT_MAX, "%s answers: it refuses the connection.", who);
		break;
	case TRACE_ANSWER_NEIGHBOUR:
	case TRACE_ANSWER_UNREACHABLE:
		snprintf(buf, TEXT_MAX, "%s says that it is not reached (ICMP type %u, code %u).",
			 who, type, code);
		break;
	default:
		if (w->stop == TRACE_RETURN_ROUTE && w->e.has_come_back == TRACE_YES)
			snprintf(buf, TEXT_MAX, "The answer came back to the gateway.");
		else if (w->stop == TRACE_RETURN_ROUTE)
			snprintf(buf, TEXT_MAX,
				 "The target answers the gateway's own address, and not %s.",
				 w->source);
		else
			snprintf(buf, TEXT_MAX, "Nothing came back%s.",
				 w->e.own == TRACE_SAID_SILENCE ||
						 w->e.own == TRACE_SAID_UNREACHABLE
					 ? ", to the gateway's own probe either"
					 : "");
		break;
	}
}

static void say_return_route(const struct words *w, char *buf)
{
	if (w->verdict == TRACE_GATEWAY_DROPS_ANSWER)
		snprintf(buf, TEXT_MAX,
			 "The answer came into the gateway's kernel, and did not get "
			 "to the VNet's device.");
	else if (w->stop == TRACE_RETURN_ROUTE)
		snprintf(buf, TEXT_MAX, "No answer finds the way to %s.", w->source);
	else
		snprintf(buf, TEXT_MAX, "The answer for %s came to the VNet's device.", w->source);
}

static void say_back(const struct words *w, char *buf)
{
	const char *drop = w->f->traced.watch.back_drop;

	if (w->e.sender == TRACE_BY_GATEWAY)
		snprintf(buf, TEXT_MAX, "Not looked at: the answer is the gateway's.");
	else if (w->stop == TRACE_BACK)
		snprintf(buf, TEXT_MAX, "The gateway did not send the answer on: %s.",
			 *drop ? drop : "it waits");
	else
		snprintf(buf, TEXT_MAX, "The answer was sent into the tunnel (packets: %u).",
			 w->f->traced.watch.delivered);
}

static void say_app(const struct words *w, char *buf)
{
	const struct msg_trace_worker *m = &w->f->traced.worker;
	double ms = m->took_us / 1e3;

	if (w->e.sender == TRACE_BY_GATEWAY) {
		snprintf(buf, TEXT_MAX, "Not asked: the client is not our worker.");
		return;
	}
	switch (w->e.app) {
	case TRACE_SAID_GOOD:
		snprintf(buf, TEXT_MAX, "The socket there was answered in %.1f ms.", ms);
		break;
	case TRACE_SAID_CLOSED:
		snprintf(buf, TEXT_MAX, "The connection was refused in %.1f ms.", ms);
		break;
	case TRACE_SAID_UNREACHABLE:
		snprintf(buf, TEXT_MAX, "The socket there says: %s.", strerror(m->error));
		break;
	case TRACE_SAID_SILENCE:
		snprintf(buf, TEXT_MAX, "The socket there heard nothing in %.1f s.", ms / 1e3);
		break;
	case TRACE_SAID_FAILED:
		snprintf(buf, TEXT_MAX, "The probe could not be sent there: %s.",
			 strerror(m->error));
		break;
	default: snprintf(buf, TEXT_MAX, "The worker has not said."); break;
	}
}

/* ---- what it comes to, and what to do ---- */

static const struct {
	const char *
		message; /* %t: the target, %s: the source, %p: its pool, %a: who sends, %v: the VNet */
	const char *next; /* NULL: nothing is to be done */
} sentences[TRACE_VERDICTS] = {
	[TRACE_ARRIVED] = {"%t answers %a.", NULL},
	[TRACE_REACHED] = {"%t answers a probe that the gateway sent as %s.",
			   "What the client itself does with it is to be looked for there."},
	[TRACE_NOT_CONNECTED] = {"No session of %a is up.",
				 "Start its worker: sstp-worker status says why it is not up."},
	[TRACE_NO_ADDRESS_OF_FAMILY] =
		{"The session of %a has no address of this family.",
		 "See that virtual network %v has an IPv6 pool, and that the "
		 "client asks for IPv6."},
	[TRACE_SESSION_ENDED] = {"The session of %a ended meanwhile.",
				 "Ask again; sstpctl session list says whether it is back."},
	[TRACE_NOTHING_KNOWN] = {"The data plane does not answer.",
				 "See whether the gateway of virtual network %v is up."},
	[TRACE_IS_BUSY] = {"Too much is being traced just now.", "Ask again in a few seconds."},
	[TRACE_WORKER_NO_ROUTE] = {"Where %a is there is no route to %t.",
				   "Add a route to the plan that covers it, or a custom route: "
				   "sstpctl route create."},
	[TRACE_WORKER_OTHER_ROUTE] =
		{"Where %a is, %t does not go into the tunnel.",
		 "Add a route to the plan that covers it: sstpctl route create; "
		 "with one, look at ip route get there."},
	[TRACE_WORKER_LOCAL] = {"%t is an address of the app's own network namespace.",
				"Take another target."},
	[TRACE_WORKER_FAILED] = {"The worker of %a cannot send a probe.",
				 "See the log of the worker; an echo needs CAP_NET_RAW there."},
	[TRACE_WORKER_SOURCE] = {"What is sent to %t where %a is has not the session's source, "
				 "and the worker drops it.",
				 "Bind the app to no address, and look for a route with another "
				 "source: ip route get there."},
	[TRACE_WORKER_SILENT] = {"The worker of %a does not answer, and its probe did not "
				 "come.",
				 "See the log of the worker."},
	[TRACE_NOT_IN_TUNNEL] =
		{"It went to the tunnel's device where %a is, and did not come "
		 "out of the tunnel.",
		 "Look for a firewall where the app is (nft list ruleset there), and "
		 "at the log of the worker."},
	[TRACE_BAD_SOURCE] = {"The gateway drops it: its source is not %s.",
			      "The client must send from its own address."},
	[TRACE_NOT_ALLOWED] = {"The gateway drops what %a sends to %t.",
			       "sstpctl explain says which route is missing."},
	[TRACE_PEERING_CLOSED] = {"A peering keeps %t from the clients of virtual network %v.",
				  "sstpctl explain says which flag is missing."},
	[TRACE_DEVICE_REFUSES] = {"The device of virtual network %v does not take packets.",
				  "See the log of the gateway; is the device up?"},
	[TRACE_GATEWAY_NO_ROUTE] = {"The gateway's kernel has no route to %t.",
				    "Add one there, or have BGP learn one."},
	[TRACE_GATEWAY_ITSELF] = {"The gateway's kernel does not send %t on.",
				  "See ip route get on the gateway."},
	[TRACE_GATEWAY_DROPS] = {"The gateway's kernel does not forward it: %t is routed, and "
				 "nothing left.",
				 "Look at the gateway's firewall (nft list ruleset, iptables -L "
				 "FORWARD), at net.ipv4.ip_forward, and whether its next hop "
				 "answers."},
	[TRACE_GATEWAY_REFUSES] = {"The gateway's own kernel refuses to forward it to %t.",
				   "Look at the gateway's firewall: nft list ruleset, iptables -L "
				   "FORWARD."},
	[TRACE_NOBODY_THERE] = {"%t is not there: nobody has its address.",
				"Is the host up, and is this its address?"},
	[TRACE_UNREACHABLE] = {"A router on the way says that %t is not reached.",
			       "Look at its routes and its firewall."},
	[TRACE_TARGET_SILENT] = {"%t does not answer, the gateway's own probe neither.",
				 "Is the host up? Its firewall, or one before it, must let %p in."},
	[TRACE_SILENCE] = {"It left the gateway for %t, and nothing came back.",
			   "The host is down, a firewall drops it, or the way back to %p by this "
			   "gateway is missing."},
	[TRACE_NO_WAY_BACK] = {"%t answers the gateway's own address, and not %s.",
			       "Add a route to %p by this gateway where the target is, or on its "
			       "router; with one, its firewall must let %p in."},
	[TRACE_GATEWAY_DROPS_ANSWER] =
		{"The answer came back to the gateway, and its kernel does "
		 "not forward it to the tunnel.",
		 "Look at the gateway's firewall for what comes from %t, and "
		 "at rp_filter."},
	[TRACE_ANSWER_DROPPED] =
		{"The answer came to the gateway, and did not go into the tunnel.",
		 "See the counters; a client that reads too slowly loses packets."},
	[TRACE_PORT_CLOSED] = {"%t is reached, and refuses the connection: nobody listens there.",
			       "Start the service there, or take another port."},
	[TRACE_APP_DROPS] = {"The answer went into the tunnel, and the socket where %a is did "
			     "not get it.",
			     "Look for a firewall there: nft list ruleset in the app's namespace."},
	[TRACE_UNHEARD] = {"The answer went into the tunnel, and the worker did not say more.",
			   "See the log of the worker."},
};

/* Fills the places of a sentence in. Returns buf. */
static const char *fill(const struct words *w, const char *sentence, char buf[TEXT_MAX])
{
	char *at = buf, *end = buf + TEXT_MAX - 1;

	for (; *sentence && at < end; sentence++) {
		const char *what = NULL;

		if (*sentence == '%') {
			switch (*++sentence) {
			case 't': what = w->target; break;
			case 's': what = w->source; break;
			case 'p': what = w->pool; break;
			case 'a': what = w->who; break;
			default: what = w->f->vnet; break;
			}
		}
		if (what)
			at += snprintf(at, (size_t)(end - at), "%s", what);
		else
			*at++ = *sentence;
		if (at > end)
			at = end;
	}
	*at = '\0';
	return buf;
}

/* ---- counters ---- */

/* Where a counter of the data plane's belongs. */
static enum trace_stage stage_of_counter(const char *name)
{
	static const struct {
		const char *name;
		enum trace_stage stage;
	} places[] = {
		{"source", TRACE_SOURCE},
		{"peering", TRACE_PEERING},
		{"device", TRACE_TUN},
		{"rx_packets", TRACE_TUN},
		{"tx_packets", TRACE_BACK},
		{"too_big", TRACE_BACK},
		{"queue_full", TRACE_BACK},
		{"queue_delay", TRACE_BACK},
		{"no_buffer", TRACE_BACK},
		{"no_session", TRACE_RETURN_ROUTE},
		{"handover", TRACE_RETURN_ROUTE},
		{"not_open", TRACE_TUNNEL},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].name, name) == 0)
			return places[i].stage;
	return TRACE_LOOKUP;
}

static void count(json_t *counters, const char *name, uint64_t by)
{
	if (by)
		json_object_set_new(counters, name, json_integer((json_int_t)by));
}

static json_t *counters_of(const struct words *w, enum trace_stage stage)
{
	const struct trace_facts *f = w->f;
	json_t *counters = json_object();

	for (size_t i = 0; f->was_traced && i < f->traced.n_counters; i++)
		if (stage_of_counter(f->traced.counters[i].name) == stage)
			count(counters, f->traced.counters[i].name, f->traced.counters[i].by);
	if (stage == TRACE_TUNNEL && w->e.sender == TRACE_BY_WORKER)
		count(counters, "worker_sent", f->traced.worker.sent);
	if (stage == TRACE_APP && w->e.sender == TRACE_BY_WORKER)
		count(counters, "worker_received", f->traced.worker.received);
	if (stage == TRACE_GATEWAY_ROUTE) {
		count(counters, "kernel_in", f->seen.in);
		count(counters, "kernel_left", f->seen.left);
	}
	if (stage == TRACE_RETURN_ROUTE) {
		count(counters, "kernel_back", f->seen.back);
		count(counters, "kernel_out", f->seen.out);
	}
	return counters;
}

/* ---- all of it ---- */

typedef void say_fn(const struct words *w, char *buf);

static bool is_looked_at(const struct words *w, enum trace_stage stage)
{
	switch (w->e.sender) {
	case TRACE_BY_WORKER: return true;
	case TRACE_BY_SILENT_WORKER: return stage != TRACE_WORKER_ROUTE && stage != TRACE_APP;
	case TRACE_BY_GATEWAY: return stage >= TRACE_SOURCE && stage < TRACE_BACK;
	default: return stage == w->stop;
	}
}

static const char *result_of(const struct words *w, enum trace_stage stage)
{
	if (stage == w->stop)
		return "failed";
	if (stage > w->stop)
		return "notReached";
	if (stage == TRACE_GATEWAY_ROUTE && w->e.gateway_route == TRACE_ROUTE_UNKNOWN)
		return "unknown";
	return is_looked_at(w, stage) ? "ok" : "unknown";
}

static json_t *stages_of(const struct words *w)
{
	static say_fn *const says[TRACE_STAGES] = {
		[TRACE_WORKER_ROUTE] = say_worker_route,
		[TRACE_TUNNEL] = say_tunnel,
		[TRACE_SOURCE] = say_source,
		[TRACE_LOOKUP] = say_lookup,
		[TRACE_PEERING] = say_peering,
		[TRACE_TUN] = say_tun,
		[TRACE_GATEWAY_ROUTE] = say_gateway_route,
		[TRACE_VNET] = say_vnet,
		[TRACE_RETURN_ROUTE] = say_return_route,
		[TRACE_BACK] = say_back,
		[TRACE_APP] = say_app,
	};
	json_t *stages = json_array();

	for (enum trace_stage s = 0; s < TRACE_STAGES; s++) {
		char finding[TEXT_MAX] = "";

		if (s <= w->stop || (s == TRACE_APP && w->e.app != TRACE_SAID_NOTHING))
			says[s](w, finding);
		json_array_append_new(stages,
				      json_pack("{s:s, s:s, s:s, s:o}", "stage",
						trace_stage_name(s), "result", result_of(w, s),
						"finding", finding, "counters", counters_of(w, s)));
	}
	return stages;
}

static void write_target(const struct trace_facts *f, char *buf, size_t size)
{
	char address[ADDRESS_MAX];

	address_text(&f->address, address);
	if (f->port)
		snprintf(buf, size, "port %u of %s", f->port, address);
	else
		snprintf(buf, size, "%s", address);
}

static void write_who(const struct trace_facts *f, char *buf, size_t size)
{
	if (*f->app)
		snprintf(buf, size, "app %s", f->app);
	else
		snprintf(buf, size, "session %llu", (unsigned long long)f->session);
}

/* "Nothing was traced": there are no stages to speak of. */
static bool has_stages(const struct words *w)
{
	return w->e.sender <= TRACE_BY_GATEWAY;
}

char *trace_json(const struct trace_facts *f)
{
	struct words w = {.f = f, .e = trace_evidence(f)};
	char message[TEXT_MAX], next[TEXT_MAX] = "";
	json_t *json;
	char *text;

	w.verdict = trace_judge(&w.e);
	w.stop = trace_stage_of(w.verdict);
	write_target(f, w.target, sizeof(w.target));
	if (f->was_traced)
		address_text(source_of(f), w.source);
	write_pool(f, w.pool);
	write_who(f, w.who, sizeof(w.who));
	fill(&w, sentences[w.verdict].message, message);
	if (f->port) /* else an address is the first word, if anything of the target's */
		*message = (char)toupper((unsigned char)*message);
	if (sentences[w.verdict].next)
		fill(&w, sentences[w.verdict].next, next);
	json = json_pack("{s:s?, s:s, s:s, s:I, s:s?, s:i, s:s, s:s?, s:s, s:s?, s:o}", "app",
			 *f->app ? f->app : NULL, "vnet", f->vnet, "target", f->target, "session",
			 (json_int_t)(f->was_traced ? f->traced.session : f->session), "source",
			 *w.source ? w.source : NULL, "port", (int)f->own, "verdict",
			 trace_verdict_name(w.verdict), "stoppedAt",
			 w.stop < TRACE_STAGES ? trace_stage_name(w.stop) : NULL, "message",
			 message, "next", *next ? next : NULL, "stages",
			 has_stages(&w) ? stages_of(&w) : json_array());
	text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
	return text;
}
