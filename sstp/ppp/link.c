/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/link.h"

#include <errno.h>

#include "sstp/ppp/frame.h"

/*
 * Timers, beside the restart timers of LCP, IPCP and IPV6CP (3 s, cp.h) and those of authentication
 * (auth.h):
 *
 *   phase   WAIT 1 s: begin (Windows loses a frame right behind the call's acknowledgement)
 *           AUTHENTICATE 30 s, NETWORK 30 s: terminate
 *   open    90 s from link_up(), all phases before OPEN together: terminate. LCP is bounded by its
 *           own counters too
 *   ipcp    client, NETWORK: at once, but in a call of its own: CALL_CONNECTED, which the session
 *           sends when authentication is done, goes before the first IPCP packet (MS-SSTP 3.2.7.1)
 *   echo    OPEN: 30 s, or what the parameters say, without any frame: Echo-Request; the fourth
 *           time: finished. A client, only when it was told how long: it sends one at once, and what
 *           never answers one is not asked any more
 *
 * Until OPEN a peer also has a budget of control packets. In TERMINATE only LCP's restart timer
 * runs.
 */
#define WAIT_NS		(1 * CLOCK_NS_PER_S)
#define AUTHENTICATE_NS (30 * CLOCK_NS_PER_S)
#define NETWORK_NS	(30 * CLOCK_NS_PER_S)
#define OPEN_NS		(90 * CLOCK_NS_PER_S)
#define ECHO_NS		(30 * CLOCK_NS_PER_S)

enum {
	ECHOES_MAX = 3,
	IPV6_MRU_MIN = 1280, /* RFC 8200 section 5 */
	PACKETS_BEFORE_OPEN_MAX = 256,
};

static const struct {
	uint64_t limit_ns; /* 0: no limit of its own */
	const char *too_late;
} phases[LINK_PHASES] = {
	[LINK_PHASE_DEAD] = {0, NULL},
	[LINK_PHASE_WAIT] = {WAIT_NS, NULL},
	[LINK_PHASE_ESTABLISH] = {OPEN_NS, "LCP did not open in time"},
	[LINK_PHASE_AUTHENTICATE] = {AUTHENTICATE_NS, "authentication took too long"},
	[LINK_PHASE_NETWORK] = {NETWORK_NS, "IPCP did not open in time"},
	[LINK_PHASE_OPEN] = {0, NULL},
	[LINK_PHASE_TERMINATE] = {0, NULL},
	[LINK_PHASE_FINISHED] = {0, NULL},
};

static bool is_server(const struct link *l)
{
	return l->params.role == LINK_SERVER;
}

static void enter(struct link *l, uint64_t now, enum link_phase phase)
{
	l->phase = phase;
	if (phase != LINK_PHASE_AUTHENTICATE)
		auth_leave(&l->auth);
	l->phase_deadline = CLOCK_NEVER;
	if (phases[phase].limit_ns)
		l->phase_deadline = clock_earlier(now + phases[phase].limit_ns, l->open_deadline);
}

static void give_reason(struct link *l, const char *sentence)
{
	reason_set(&l->reason, sentence ? sentence : "LCP closed", NULL, 0);
}

static bool is_authenticated(const struct link *l)
{
	return l->phase == LINK_PHASE_NETWORK || l->phase == LINK_PHASE_OPEN;
}

static bool is_lcp_opened(const struct link *l)
{
	return l->lcp.cp.state == FSM_OPENED;
}

/* What comes of LCP */

static unsigned on_lcp(struct link *l, uint64_t now, unsigned result, struct outbox *out);
static unsigned on_auth(struct link *l, uint64_t now, unsigned result, struct outbox *out);

static unsigned terminate(struct link *l, uint64_t now, const char *sentence, struct outbox *out)
{
	give_reason(l, sentence);
	return on_lcp(l, now, cp_event(&l->lcp.cp, now, FSM_CLOSE, out), out);
}

static unsigned finish(struct link *l, uint64_t now, struct outbox *out)
{
	give_reason(l, l->lcp.cp.reason);
	enter(l, now, LINK_PHASE_FINISHED);
	/* from Stopped, where a Configure-Request would begin anew, to Closed */
	cp_event(&l->lcp.cp, now, FSM_CLOSE, out);
	return LINK_EV_FINISHED;
}

/*
 * Everything above LCP ends with it. Either it negotiates anew, or the link is coming to its end.
 */
static unsigned on_lcp_down(struct link *l, uint64_t now, struct outbox *out)
{
	bool was_open = l->phase == LINK_PHASE_OPEN;

	cp_event(&l->ipcp.cp, now, FSM_DOWN, out);
	cp_event(&l->ip6cp.cp, now, FSM_DOWN, out);
	l->echo_deadline = CLOCK_NEVER;
	l->ipcp_deadline = CLOCK_NEVER;
	l->subscribed = false;
	if (l->lcp.cp.state >= FSM_REQ_SENT) {
		auth_stop(&l->auth);
		enter(l, now, LINK_PHASE_ESTABLISH);
	}
	return was_open ? LINK_EV_DOWN : 0;
}

static unsigned on_lcp_up(struct link *l, uint64_t now, struct outbox *out)
{
	if (!l->lcp.auth)
		return terminate(l, now, "the server does not ask for authentication", out);
	enter(l, now, LINK_PHASE_AUTHENTICATE);
	return on_auth(l, now, auth_start(&l->auth, l->lcp.auth, l->lcp.cp.peer_mru, now, out),
		       out);
}

static unsigned on_ip6cp(struct link *l, uint64_t now, unsigned result, struct outbox *out);

/* Without these protocols there is nothing left to do; without IPv6 there is. */
static unsigned on_protocol_rejected(struct link *l, uint64_t now, struct outbox *out)
{
	uint16_t protocol = l->lcp.rejected_protocol;

	if (protocol == PPP_IPV6CP)
		return on_ip6cp(l, now, cp_event(&l->ip6cp.cp, now, FSM_RXJ_MINUS, out), out);
	if (protocol == PPP_IPCP && is_authenticated(l))
		return terminate(l, now, "the peer rejects IPCP", out);
	if (l->phase == LINK_PHASE_AUTHENTICATE && protocol == l->auth.method->protocol)
		return terminate(l, now, "the peer rejects the authentication protocol", out);
	return 0;
}

/*
 * A Terminate-Request in the middle of a negotiation leaves the automaton there; the link ends all
 * the same.
 */
static unsigned on_peer_closed(struct link *l, uint64_t now, struct outbox *out)
{
	unsigned events = LINK_EV_PEER_TERMINATED;

	if (l->lcp.cp.state >= FSM_REQ_SENT)
		events |= terminate(l, now, NULL, out);
	return events;
}

static unsigned on_lcp(struct link *l, uint64_t now, unsigned result, struct outbox *out)
{
	unsigned events = 0;

	if (result & FSM_TLD)
		events |= on_lcp_down(l, now, out);
	if (l->lcp.cp.state == FSM_CLOSING || l->lcp.cp.state == FSM_STOPPING)
		enter(l, now, LINK_PHASE_TERMINATE);
	if (result & FSM_TLU)
		events |= on_lcp_up(l, now, out);
	if (result & LCP_PROTO_REJECTED)
		events |= on_protocol_rejected(l, now, out);
	if (result & CP_PEER_CLOSED)
		events |= on_peer_closed(l, now, out);
	if (result & CP_FAILED)
		events |= terminate(l, now, l->lcp.cp.reason, out);
	if (result & FSM_TLF)
		events |= finish(l, now, out);
	return events;
}

static unsigned begin(struct link *l, uint64_t now, struct outbox *out)
{
	enter(l, now, LINK_PHASE_ESTABLISH);
	return on_lcp(l, now, cp_event(&l->lcp.cp, now, FSM_UP, out), out);
}

/* What comes of IPCP */

static bool asks_for_description(const struct link *l)
{
	return !is_server(l) && l->params.subscribe && !l->lcp.no_vendor;
}

/* What a client that watches its server, or subscribes, sends at once. */
static void greet(struct link *l, struct outbox *out)
{
	if (l->params.echo_every_ns)
		lcp_send_echo(&l->lcp, out);
	if (asks_for_description(l))
		lcp_send_vendor(&l->lcp, &(struct vendor_packet){.kind = VENDOR_SUBSCRIBE}, out);
}

static unsigned on_ipcp_up(struct link *l, uint64_t now, struct outbox *out)
{
	if (!is_server(l) && !ipcp_has_usable_address(&l->ipcp))
		return terminate(l, now, "the server gives us no usable address", out);
	enter(l, now, LINK_PHASE_OPEN);
	auth_wipe_key(&l->auth);
	if (l->params.echo_every_ns)
		l->echo_deadline = now + l->params.echo_every_ns;
	if (!is_server(l))
		greet(l, out);
	return LINK_EV_UP;
}

/* There is no link without it: its end is the link's. */
static unsigned on_ipcp(struct link *l, uint64_t now, unsigned result, struct outbox *out)
{
	const char *reason = l->ipcp.cp.reason;

	if (result & FSM_TLU)
		return on_ipcp_up(l, now, out);
	if (result & (FSM_TLD | FSM_TLF | CP_FAILED))
		return terminate(l, now, reason ? reason : "the peer closes IPCP", out);
	return 0;
}

static unsigned start_ipcp(struct link *l, uint64_t now, const struct link_address *address,
			   struct outbox *out)
{
	uint16_t mru = l->lcp.cp.peer_mru;

	return on_ipcp(l, now, ipcp_start(&l->ipcp, now, address, mru, out), out);
}

/* What comes of IPV6CP */

/* Server: what the peer has is known, and told to a worker as soon as both sides are ready. */
static void tell_address6(struct link *l, struct outbox *out)
{
	struct vendor_packet v = {
		.kind = VENDOR_ADDRESS6, .data = l->address6, .len = LINK_ADDRESS6_SIZE};

	if (link_is_subscribed(l) && l->ip6cp.cp.state == FSM_OPENED)
		lcp_send_vendor(&l->lcp, &v, out);
}

static unsigned on_ip6cp_up(struct link *l, uint64_t now, struct outbox *out)
{
	if (is_server(l)) {
		memcpy(l->address6, l->ipcp.address.prefix6, LINK_PREFIX6_SIZE);
		memcpy(l->address6 + LINK_PREFIX6_SIZE, l->ip6cp.peer, IP6CP_ID_SIZE);
		l->has_address6 = true;
		tell_address6(l, out);
	} else if (!ip6cp_has_identifier(&l->ip6cp)) {
		return on_ip6cp(l, now, CP_FAILED, out);
	}
	return LINK_EV_UP6;
}

/* What fails is closed, so that the peer does not go on with it; nothing else ends. */
static unsigned on_ip6cp(struct link *l, uint64_t now, unsigned result, struct outbox *out)
{
	unsigned events = 0;

	if (result & FSM_TLU)
		events |= on_ip6cp_up(l, now, out);
	if (result & (CP_FAILED | FSM_TLF))
		result |= cp_event(&l->ip6cp.cp, now, FSM_CLOSE, out);
	if (result & FSM_TLD) {
		l->has_address6 = false;
		events |= LINK_EV_DOWN6;
	}
	return events;
}

static unsigned start_ip6cp(struct link *l, uint64_t now, struct outbox *out)
{
	uint16_t mru = l->lcp.cp.peer_mru;

	l->wants_ip6 &= mru >= IPV6_MRU_MIN && is_authenticated(l);
	if (!l->wants_ip6)
		return 0;
	return on_ip6cp(l, now, ip6cp_start(&l->ip6cp, now, mru, out), out);
}

/* Client: a server's first packet of theirs may be here before the timer is. */
static unsigned start_if_due(struct link *l, uint64_t now, struct outbox *out)
{
	unsigned events;

	if (now < l->ipcp_deadline)
		return 0;
	l->ipcp_deadline = CLOCK_NEVER;
	events = start_ipcp(l, now, &(struct link_address){0}, out);
	return events | start_ip6cp(l, now, out);
}

/* What comes of authentication */

static unsigned on_auth_ok(struct link *l, uint64_t now)
{
	enter(l, now, LINK_PHASE_NETWORK);
	if (!is_server(l))
		l->ipcp_deadline = now;
	return LINK_EV_AUTH_OK;
}

static unsigned on_auth(struct link *l, uint64_t now, unsigned result, struct outbox *out)
{
	unsigned events = 0;

	/*
	 * once the peer has said who it is, nothing is negotiated anew: an answer about one user
	 * can never meet another's attempt, the keys that the session got stay good, and who was
	 * refused has no second attempt
	 */
	if (result & (AUTH_ASK_USER | AUTH_OK | AUTH_FAILED))
		l->lcp.cp.settled = true;
	if (result & AUTH_ASK_USER)
		events |= LINK_EV_USER;
	if (result & AUTH_OK)
		events |= on_auth_ok(l, now);
	if (result & AUTH_FAILED) {
		give_reason(l, l->auth.reason.text);
		events |= LINK_EV_AUTH_FAILED;
	}
	if (result & AUTH_OVER)
		events |= terminate(l, now, l->auth.reason.text, out);
	return events;
}

/* Frames */

struct frame_handler {
	uint16_t protocol;
	unsigned phases; /* in all others: dropped without a word */
	unsigned (*handle)(struct link *l, uint64_t now, const struct ppp_frame *frame,
			   const struct ppp_packet *p, struct outbox *out);
};

static unsigned on_subscribe(struct link *l, struct outbox *out)
{
	if (!is_server(l) || l->subscribed)
		return 0;
	l->subscribed = true;
	tell_address6(l, out);
	return LINK_EV_SUBSCRIBED;
}

static unsigned on_description(struct link *l, const struct vendor_packet *v)
{
	int r = asks_for_description(l) ? vendor_text_add(&l->description, v) : 0;

	l->malformed += r == -EBADMSG;
	return r > 0 ? LINK_EV_DESCRIPTION : 0;
}

static unsigned on_close_announced(struct link *l, const struct vendor_packet *v)
{
	if (!asks_for_description(l))
		return 0;
	l->close_code = v->code;
	reason_set(&l->reason, "the gateway closes the connection", v->data, v->len);
	return LINK_EV_CLOSE;
}

/* The server is ready before we are to hear of it: our Ack was on its way to it, and its own came first. */
static unsigned on_address6(struct link *l, const struct vendor_packet *v)
{
	if (!asks_for_description(l) || l->ip6cp.cp.state != FSM_OPENED)
		return 0;
	memcpy(l->address6, v->data, LINK_ADDRESS6_SIZE);
	l->has_address6 = true;
	return LINK_EV_ADDRESS6;
}

static unsigned keep_in_band(struct link *l, const struct vendor_packet *v, unsigned event)
{
	l->in_band = v->data;
	l->in_band_len = (uint16_t)v->len;
	return event;
}

static unsigned on_trace(struct link *l, const struct vendor_packet *v)
{
	struct vendor_trace t;

	if (!asks_for_description(l))
		return 0;
	if (vendor_trace_decode(v->data, v->len, &t) == 0)
		return keep_in_band(l, v, LINK_EV_TRACE);
	l->malformed++;
	return 0;
}

static unsigned on_traced(struct link *l, const struct vendor_packet *v)
{
	struct vendor_traced t;

	if (!is_server(l))
		return 0;
	if (vendor_traced_decode(v->data, v->len, &t) < 0 || !l->is_tracing ||
	    t.id != l->trace_id) {
		l->malformed++;
		return 0;
	}
	l->is_tracing = false;
	return keep_in_band(l, v, LINK_EV_TRACED);
}

/* What is in band: nobody has anything to say before the link is open, or to the wrong end. */
static unsigned on_vendor(struct link *l, const struct vendor_packet *v, struct outbox *out)
{
	if (l->phase != LINK_PHASE_OPEN)
		return 0;
	switch (v->kind) {
	case VENDOR_SUBSCRIBE: return on_subscribe(l, out);
	case VENDOR_DESCRIPTION: return on_description(l, v);
	case VENDOR_CLOSE: return on_close_announced(l, v);
	case VENDOR_ADDRESS6: return on_address6(l, v);
	case VENDOR_TRACE: return on_trace(l, v);
	case VENDOR_TRACED: return on_traced(l, v);
	}
	return 0;
}

/* False: it is another vendor's, to be rejected as any code that is not known. */
static bool handle_vendor(struct link *l, const struct ppp_packet *p, unsigned *ret_events,
			  struct outbox *out)
{
	struct vendor_packet v;
	int r = p->code == VENDOR_CODE ? vendor_decode(p, &v) : -ENOMSG;

	if (r == -ENOMSG)
		return false;
	l->malformed += r < 0;
	*ret_events = r < 0 ? 0 : on_vendor(l, &v, out);
	return true;
}

static unsigned handle_lcp(struct link *l, uint64_t now, const struct ppp_frame *frame,
			   const struct ppp_packet *p, struct outbox *out)
{
	unsigned events = l->phase == LINK_PHASE_WAIT ? begin(l, now, out) : 0;
	unsigned in_band;

	if (handle_vendor(l, p, &in_band, out))
		return events | in_band;
	if (p->code == CP_TERM_REQUEST)
		reason_set(&l->reason, "the peer ended the link", p->data, p->len);
	return events | on_lcp(l, now, lcp_input(&l->lcp, now, p, out), out);
}

/* At the link's end only a refusal is repeated. */
static unsigned handle_auth(struct link *l, uint64_t now, const struct ppp_frame *frame,
			    const struct ppp_packet *p, struct outbox *out)
{
	if (l->phase == LINK_PHASE_TERMINATE && l->auth.state != AUTH_REFUSED)
		return 0;
	return on_auth(l, now, auth_input(&l->auth, now, frame->protocol, p, out), out);
}

static unsigned handle_ipcp(struct link *l, uint64_t now, const struct ppp_frame *frame,
			    const struct ppp_packet *p, struct outbox *out)
{
	unsigned events = start_if_due(l, now, out);

	return events | on_ipcp(l, now, cp_input(&l->ipcp.cp, now, p, out), out);
}

static unsigned handle_ip6cp(struct link *l, uint64_t now, const struct ppp_frame *frame,
			     const struct ppp_packet *p, struct outbox *out)
{
	unsigned events = start_if_due(l, now, out);

	return events | on_ip6cp(l, now, cp_input(&l->ip6cp.cp, now, p, out), out);
}

/*
 * Protocols that are known: those that are not here are answered with Protocol-Reject. A known one
 * at the wrong moment is not: the peer only is early, and repeats itself.
 */
enum {
	WAIT = 1 << LINK_PHASE_WAIT,
	ESTABLISH = 1 << LINK_PHASE_ESTABLISH,
	AUTHENTICATE = 1 << LINK_PHASE_AUTHENTICATE,
	NETWORK = 1 << LINK_PHASE_NETWORK,
	OPEN = 1 << LINK_PHASE_OPEN,
	TERMINATE = 1 << LINK_PHASE_TERMINATE,
	FINISHED = 1 << LINK_PHASE_FINISHED,
	AFTER_LCP = AUTHENTICATE | NETWORK | OPEN,
	ALIVE = WAIT | ESTABLISH | AFTER_LCP | TERMINATE | FINISHED,
	NEVER = 0,
};

/* clang-format off */
static const struct frame_handler handlers[] = {
	/* protocol phases                  handler */
	{PPP_LCP,   ALIVE,                  handle_lcp},
	{PPP_PAP,   AFTER_LCP | TERMINATE,  handle_auth},
	{PPP_CHAP,  AFTER_LCP | TERMINATE,  handle_auth},
	{PPP_EAP,   AFTER_LCP | TERMINATE,  handle_auth},
	{PPP_IPCP,  NETWORK | OPEN,         handle_ipcp},
	{PPP_IPV6CP, NETWORK | OPEN,        handle_ip6cp},
	{PPP_IPV4,  NEVER,                  NULL},	/* data is the session's, */
	{PPP_IPV6,  NEVER,                  NULL},	/* or comes too early */
};
/* clang-format on */

static const struct frame_handler *find_handler(uint16_t protocol)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].protocol == protocol)
			return &handlers[i];
	}
	return NULL;
}

static void reject_protocol(struct link *l, uint64_t now, const struct ppp_frame *frame,
			    struct outbox *out)
{
	if (is_lcp_opened(l) &&
	    reject_limit_take(&l->rejects, now, frame->protocol, is_authenticated(l)))
		lcp_reject_protocol(&l->lcp, frame, out);
}

/* IPV6CP where there is no IPv6, as soon as that is known: a server learns it with the address. */
static bool is_declined(const struct link *l, uint16_t protocol)
{
	return protocol == PPP_IPV6CP && !l->wants_ip6 &&
	       (!is_server(l) || l->ipcp.cp.state != FSM_INITIAL);
}

static unsigned dispatch(struct link *l, uint64_t now, const struct ppp_frame *frame,
			 struct outbox *out)
{
	const struct frame_handler *h = find_handler(frame->protocol);
	struct ppp_packet p;

	if (!h || is_declined(l, frame->protocol)) {
		reject_protocol(l, now, frame, out);
		return 0;
	}
	if (!(h->phases & 1U << l->phase))
		return 0;
	if (frame_decode_packet(frame, &p)) {
		l->malformed++;
		return 0;
	}
	return h->handle(l, now, frame, &p, out);
}

unsigned link_input(struct link *l, uint64_t now, const uint8_t *frame, size_t len,
		    struct outbox *out)
{
	struct ppp_frame f;

	if (frame_decode(frame, len, &f)) {
		l->malformed++;
		return 0;
	}
	link_on_traffic(l, now);
	if (l->phase < LINK_PHASE_OPEN && ++l->packets_before_open > PACKETS_BEFORE_OPEN_MAX)
		return terminate(l, now, "too many packets before the link was open", out);
	return dispatch(l, now, &f, out);
}

/* What the session knows */

/* What is allowed, less what there is no certificate or password for. */
static unsigned usable_auth(const struct link_params *params)
{
	unsigned auth = params->auth;

	if (!params->eap_tls)
		auth &= ~(unsigned)LINK_AUTH_EAP_TLS;
	if (params->role == LINK_CLIENT && !params->password)
		auth &= LINK_AUTH_EAP_TLS;
	return auth;
}

void link_init(struct link *l, const struct link_params *params)
{
	bool server = params->role == LINK_SERVER;

	*l = (struct link){
		.params = *params,
		.phase_deadline = CLOCK_NEVER,
		.open_deadline = CLOCK_NEVER,
		.echo_deadline = CLOCK_NEVER,
		.ipcp_deadline = CLOCK_NEVER,
	};
	if (server && !params->echo_every_ns)
		l->params.echo_every_ns = ECHO_NS;
	lcp_init(&l->lcp, &(struct lcp_params){
				  .server = server,
				  .auth = usable_auth(params),
				  .mru = params->mru,
				  .random = params->random,
			  });
	auth_init(&l->auth, &(struct auth_params){
				    .server = server,
				    .name = params->name,
				    .password = params->password,
				    .random = params->random,
				    .eap_tls = params->eap_tls,
			    });
	ipcp_init(&l->ipcp, server);
	ip6cp_init(&l->ip6cp, server);
	l->wants_ip6 = !server && params->ipv6;
	cp_event(&l->lcp.cp, 0, FSM_OPEN, NULL);
}

void link_set_eap_tls(struct link *l, struct eap_tls_ctx *eap_tls)
{
	l->params.eap_tls = eap_tls;
	l->auth.params.eap_tls = eap_tls;
}

void link_done(struct link *l)
{
	if (!l)
		return;
	auth_done(&l->auth);
	vendor_text_done(&l->description);
}

unsigned link_up(struct link *l, uint64_t now, struct outbox *out)
{
	l->open_deadline = now + OPEN_NS;
	if (!is_server(l))
		return begin(l, now, out);
	enter(l, now, LINK_PHASE_WAIT);
	return 0;
}

unsigned link_down(struct link *l)
{
	unsigned events = l->phase == LINK_PHASE_OPEN ? LINK_EV_DOWN : 0;

	give_reason(l, "the layer below went down");
	cp_event(&l->ipcp.cp, 0, FSM_DOWN, NULL);
	cp_event(&l->ip6cp.cp, 0, FSM_DOWN, NULL);
	cp_event(&l->lcp.cp, 0, FSM_DOWN, NULL);
	l->echo_deadline = CLOCK_NEVER;
	l->ipcp_deadline = CLOCK_NEVER;
	l->subscribed = false;
	enter(l, 0, LINK_PHASE_DEAD);
	return events;
}

unsigned link_on_user(struct link *l, uint64_t now, const struct link_user *user,
		      struct outbox *out)
{
	if (l->phase != LINK_PHASE_AUTHENTICATE)
		return 0;
	return on_auth(l, now, auth_on_user(&l->auth, now, user, out), out);
}

static bool has_prefix6(const struct link_address *address)
{
	static const uint8_t none[LINK_PREFIX6_SIZE];

	return memcmp(address->prefix6, none, sizeof(none)) != 0;
}

unsigned link_on_address(struct link *l, uint64_t now, const struct link_address *address,
			 struct outbox *out)
{
	unsigned events;

	if (l->phase != LINK_PHASE_NETWORK || l->ipcp.cp.state != FSM_INITIAL)
		return 0;
	if (!address)
		return terminate(l, now, "there is no address for the peer", out);
	l->wants_ip6 = has_prefix6(address);
	events = start_ipcp(l, now, address, out);
	return events | start_ip6cp(l, now, out);
}

unsigned link_close(struct link *l, uint64_t now, const char *why, struct outbox *out)
{
	l->lcp.cp.farewell = why;
	return terminate(l, now, "closed on our side", out);
}

void link_on_traffic(struct link *l, uint64_t now)
{
	if (l->echo_deadline == CLOCK_NEVER)
		return;
	l->echo_deadline = now + l->params.echo_every_ns;
	l->echoes_missed = 0;
}

/* Timers */

static unsigned on_phase_deadline(struct link *l, uint64_t now, struct outbox *out)
{
	if (l->phase == LINK_PHASE_WAIT)
		return begin(l, now, out);
	return terminate(l, now, phases[l->phase].too_late, out);
}

/* The peer is not there any more: nobody to send a Terminate-Request to. */
static unsigned give_up(struct link *l, uint64_t now, struct outbox *out)
{
	unsigned events;

	give_reason(l, "the peer answers no echo request");
	events = on_lcp(l, now, cp_event(&l->lcp.cp, now, FSM_DOWN, out), out);
	return events | finish(l, now, out) | LINK_EV_SILENT;
}

/* A server may be mute to echoes for all that a client knows, until it has answered one. */
static bool is_mute(const struct link *l)
{
	return !is_server(l) && l->echoes_missed == ECHOES_MAX && !l->lcp.echo_answered;
}

static unsigned on_silence(struct link *l, uint64_t now, struct outbox *out)
{
	if (l->lcp.no_echo || is_mute(l)) {
		l->echo_deadline = CLOCK_NEVER;
		return 0;
	}
	if (l->echoes_missed == ECHOES_MAX)
		return give_up(l, now, out);
	lcp_send_echo(&l->lcp, out);
	l->echoes_missed++;
	l->echo_deadline = now + l->params.echo_every_ns;
	return 0;
}

uint64_t link_deadline(const struct link *l)
{
	uint64_t t = clock_earlier(l->phase_deadline, l->echo_deadline);

	t = clock_earlier(t, l->lcp.cp.deadline);
	t = clock_earlier(t, clock_earlier(l->ipcp.cp.deadline, l->ipcp_deadline));
	t = clock_earlier(t, l->ip6cp.cp.deadline);
	return l->phase == LINK_PHASE_AUTHENTICATE ? clock_earlier(t, l->auth.deadline) : t;
}

unsigned link_on_timer(struct link *l, uint64_t now, struct outbox *out)
{
	unsigned events = 0;

	if (now >= l->phase_deadline)
		events |= on_phase_deadline(l, now, out);
	events |= on_lcp(l, now, cp_on_timer(&l->lcp.cp, now, out), out);
	events |= start_if_due(l, now, out);
	events |= on_ipcp(l, now, cp_on_timer(&l->ipcp.cp, now, out), out);
	events |= on_ip6cp(l, now, cp_on_timer(&l->ip6cp.cp, now, out), out);
	if (l->phase == LINK_PHASE_AUTHENTICATE)
		events |= on_auth(l, now, auth_on_timer(&l->auth, now, out), out);
	if (now >= l->echo_deadline)
		events |= on_silence(l, now, out);
	return events;
}

/* What the session asks */

const char *link_user_name(const struct link *l)
{
	return l->auth.user;
}

const uint8_t *link_hlak(const struct link *l)
{
	return l->auth.hlak;
}

const uint8_t *link_hlak_compat(const struct link *l)
{
	bool has_one = is_server(l) && l->auth.agreed == LINK_AUTH_EAP_TLS;

	return has_one ? l->auth.tls.hlak_compat : NULL;
}

const char *link_peer_thumbprint(const struct link *l)
{
	return l->auth.agreed == LINK_AUTH_EAP_TLS ? l->auth.tls.thumbprint : "";
}

bool link_has_refused_server(const struct link *l)
{
	return !is_server(l) && l->auth.agreed == LINK_AUTH_EAP_TLS && l->auth.tls.refused_peer;
}

const uint8_t *link_peer_memo(const struct link *l)
{
	bool has_one = l->auth.agreed == LINK_AUTH_EAP_TLS && l->auth.tls.has_memo;

	return has_one ? l->auth.tls.memo : NULL;
}

unsigned link_auth_method(const struct link *l)
{
	return l->auth.agreed;
}

const char *link_auth_name(unsigned method)
{
	switch (method) {
	case LINK_AUTH_PAP: return "PAP";
	case LINK_AUTH_MSCHAPV2: return "MS-CHAPv2";
	case LINK_AUTH_EAP_TLS: return "EAP-TLS";
	case LINK_AUTH_EAP_MSCHAPV2: return "EAP-MSCHAPv2";
	default: return "nothing";
	}
}

const struct link_address *link_addresses(const struct link *l)
{
	return &l->ipcp.address;
}

bool link_is_subscribed(const struct link *l)
{
	return l->subscribed && l->phase == LINK_PHASE_OPEN;
}

size_t link_describe(struct link *l, const char *text, size_t len, size_t offset,
		     struct outbox *out)
{
	size_t room = l->lcp.cp.peer_mru - PPP_PACKET_HEADER - VENDOR_FRAGMENT_HEADER;
	struct vendor_packet v = {
		.kind = VENDOR_DESCRIPTION,
		.total = (uint32_t)len,
		.offset = (uint32_t)offset,
		.data = (const uint8_t *)text + offset,
		.len = len - offset < room ? len - offset : room,
	};

	if (!link_is_subscribed(l))
		return offset;
	lcp_send_vendor(&l->lcp, &v, out);
	return offset + v.len;
}

void link_announce_close(struct link *l, uint8_t code, const char *why, struct outbox *out)
{
	size_t room = l->lcp.cp.peer_mru - PPP_PACKET_HEADER - VENDOR_FRAGMENT_HEADER;
	size_t len = strnlen(why, room < VENDOR_REASON_MAX ? room : VENDOR_REASON_MAX);
	struct vendor_packet v = {
		.kind = VENDOR_CLOSE, .code = code, .data = (const uint8_t *)why, .len = len};

	if (link_is_subscribed(l))
		lcp_send_vendor(&l->lcp, &v, out);
}

bool link_trace(struct link *l, const struct vendor_trace *trace, struct outbox *out)
{
	uint8_t value[VENDOR_TRACE_MAX];
	struct vendor_packet v = {.kind = VENDOR_TRACE, .data = value};

	if (!link_is_subscribed(l))
		return false;
	v.len = vendor_trace_put(trace, value);
	lcp_send_vendor(&l->lcp, &v, out);
	l->is_tracing = true;
	l->trace_id = trace->id;
	return true;
}

void link_traced(struct link *l, const struct vendor_traced *traced, struct outbox *out)
{
	uint8_t value[VENDOR_TRACE_MAX];
	struct vendor_packet v = {.kind = VENDOR_TRACED, .data = value};

	if (l->phase != LINK_PHASE_OPEN)
		return;
	v.len = vendor_traced_put(traced, value);
	lcp_send_vendor(&l->lcp, &v, out);
}

const uint8_t *link_in_band(const struct link *l, size_t *ret_len)
{
	*ret_len = l->in_band_len;
	return l->in_band;
}

const char *link_description(const struct link *l, size_t *ret_len)
{
	*ret_len = l->description.total;
	return l->description.bytes;
}

uint8_t link_close_code(const struct link *l)
{
	return l->close_code;
}

bool link_is_established(const struct link *l)
{
	return l->phase == LINK_PHASE_AUTHENTICATE || is_authenticated(l);
}

bool link_is_up(const struct link *l)
{
	return l->phase == LINK_PHASE_OPEN;
}

bool link_is_up6(const struct link *l)
{
	return l->phase == LINK_PHASE_OPEN && l->ip6cp.cp.state == FSM_OPENED;
}

const uint8_t *link_identifier6(const struct link *l)
{
	return l->ip6cp.local;
}

const uint8_t *link_address6(const struct link *l)
{
	return l->has_address6 ? l->address6 : NULL;
}

uint16_t link_peer_mru(const struct link *l)
{
	return l->lcp.cp.peer_mru;
}

unsigned link_malformed(const struct link *l)
{
	return l->malformed;
}

const char *link_reason(const struct link *l)
{
	return l->reason.text;
}
