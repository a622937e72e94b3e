/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the engines and the world: packets go in, what the engines decide is carried out. Each call into an engine
 * is followed by after_call() or after_link(), which send before they act, so that one outbox serves all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/virtio_net.h>

#include "sstp/base/log.h"
#include "sstp/ppp/frame.h"
#include "sstp/session/nd.h"
#include "sstp/session/session_internal.h"

static void execute(struct session *s, unsigned todo);
static void on_link_events(struct session *s, unsigned events);

static struct outbox fresh_outbox(struct session *s)
{
	return outbox(s->env->outbox, sizeof(s->env->outbox));
}

static uint64_t now(const struct session *s)
{
	return loop_now(s->env->loop);
}

static void log_transitions(struct session *s)
{
	for (unsigned i = 0; i < s->call.ntrace; i++) {
		const struct call_transition *t = &s->call.trace[i];

		session_log(s, LOG_LEVEL_INFO, "sstp %s -> %s on %s%s%s",
			    call_state_name(&s->call, t->from), call_state_name(&s->call, t->to),
			    call_event_name(t->event), t->status ? ", status " : "",
			    t->status ? sstp_status_name(t->status) : "");
		if (t->to == CALL_DISCONNECT_TIMEOUT_PENDING || t->to == CALL_ABORT_TIMEOUT_PENDING)
			session_blame(s, SESSION_BY_PEER);
		if (t->to == CALL_DISCONNECT_TIMEOUT_PENDING)
			session_note(s, SESSION_END_NORMAL, "the peer disconnected");
		else if (t->status)
			session_note(s, SESSION_END_REFUSED, "SSTP %s: %s",
				     call_event_name(t->event), sstp_status_name(t->status));
	}
	s->call.ntrace = 0;
}

void session_lose_call(struct session *s)
{
	call_on_lost(&s->call, now(s));
	log_transitions(s);
}

/* After each call into the SSTP engine: send, log, act. False when the session has ended. */
static bool after_call(struct session *s, unsigned todo, struct outbox *out)
{
	log_transitions(s);
	if (!session_send_control(s, out))
		return false;
	execute(s, todo);
	return s->phase == SESSION_CALL;
}

static bool after_link(struct session *s, unsigned events, struct outbox *out)
{
	if (link_is_established(&s->link))
		session_pass(s, STAGE_LCP);
	if (!session_send_frames(s, out))
		return false;
	on_link_events(s, events);
	return s->phase == SESSION_CALL;
}

/* An address that an app may have; a hostile gateway says anything. */
static bool is_host6(const uint8_t *a)
{
	static const uint8_t loopback[LINK_ADDRESS6_SIZE] = {[15] = 1};

	return a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80) &&
	       memcmp(a, loopback, sizeof(loopback) - 1) != 0;
}

/* Client: address NULL: none any more. */
static void set_address6(struct session *s, const uint8_t *address)
{
	static const uint8_t none[LINK_ADDRESS6_SIZE];
	char text[INET6_ADDRSTRLEN];

	if (!memcmp(s->address6, address ? address : none, sizeof(none)))
		return;
	memcpy(s->address6, address ? address : none, sizeof(none));
	inet_ntop(AF_INET6, s->address6, text, sizeof(text));
	session_log(s, LOG_LEVEL_INFO, "IPv6 address=%s", address ? text : "none");
	s->params.ops->on_address6(s->params.arg, address);
}

/*
 * Client: what a gateway of ours says in band any other server says by router advertisement, when it is asked. False: the
 * packet is something else.
 */
static bool take_advertisement(struct session *s, const uint8_t *pkt, size_t len)
{
	uint8_t address[LINK_ADDRESS6_SIZE];

	if (nd_take_prefix(pkt, len, address) < 0)
		return false;
	memcpy(address + ND_PREFIX_SIZE, link_identifier6(&s->link), IP6CP_ID_SIZE);
	if (!link_address6(&s->link) && is_host6(address))
		set_address6(s, address);
	return true;
}

static void solicit(struct session *s)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[ND_PACKET_MAX];
	size_t len = nd_put_solicitation(link_identifier6(&s->link), pkt);

	session_send(s, &plain, pkt, len, PPP_DEFAULT_MRU);
}

static void maybe_up6(struct session *s)
{
	const uint8_t *address;

	if (!s->is_up || !link_is_up6(&s->link))
		return;
	address = link_address6(&s->link);
	if (s->role == CALL_CLIENT && address && is_host6(address))
		set_address6(s, address);
	if (s->is_up6)
		return;
	s->is_up6 = true;
	session_pass(s, STAGE_IP6CP);
	session_log(s, LOG_LEVEL_INFO, "IPv6 is up");
	if (s->role == CALL_CLIENT && !address)
		solicit(s);
	if (s->params.ops->on_up6)
		s->params.ops->on_up6(s->params.arg);
}

static void on_down6(struct session *s)
{
	if (!s->is_up6)
		return;
	session_log(s, LOG_LEVEL_INFO, "IPv6 is down");
	s->is_up6 = false;
	if (s->role == CALL_CLIENT && s->is_up)
		set_address6(s, NULL);
}

static void maybe_up(struct session *s)
{
	char address[INET_ADDRSTRLEN];
	const struct link_address *a = link_addresses(&s->link);

	if (s->is_up || !s->binding_done || !link_is_up(&s->link))
		return;
	s->is_up = true;
	session_pass(s, STAGE_IPCP);
	inet_ntop(AF_INET, s->role == CALL_SERVER ? &a->peer : &a->local, address, sizeof(address));
	session_log(s, LOG_LEVEL_INFO, "up, address=%s mru=%u %s", address, link_peer_mru(&s->link),
		    stream_tls_name(s->stream));
	s->params.ops->on_up(s->params.arg, a);
	if (s->description_due)
		session_mark_dirty(s);
	maybe_up6(s);
}

static void execute(struct session *s, unsigned todo)
{
	struct outbox out = fresh_outbox(s);

	if (todo & CALL_DO_LINK_UP) {
		s->link_running = true;
		session_pass(s, STAGE_SSTP);
		if (!after_link(s, link_up(&s->link, now(s), &out), &out))
			return;
	}
	if (todo & CALL_DO_LINK_DOWN)
		session_stop_link(s);
	if (todo & CALL_DO_OPEN) {
		s->binding_done = true;
		session_pass(s, STAGE_BOUND);
		if (call_used_second_hlak(&s->call))
			session_log(s, LOG_LEVEL_WARNING, "bound by the key of pppd before 2.5");
		maybe_up(s);
	}
	if (todo & CALL_DO_CLOSE) {
		session_blame(s, SESSION_BY_NETWORK);
		session_note(s, SESSION_END_LOST, "SSTP timeout");
		session_close(s);
	}
}

/* ---- what PPP reports ---- */

static void set_user(struct session *s)
{
	const char *name = link_user_name(&s->link);

	log_escape(s->user, sizeof(s->user), name, strlen(name));
}

static void answer_user(struct session *s)
{
	struct outbox out;
	struct link_user user = {0};
	bool known;
	unsigned events;

	set_user(s);
	s->user_refused = NULL;
	known = s->params.ops->find_user(s->params.arg, link_user_name(&s->link), &user,
					 &s->user_refused);
	if (known)
		s->user_refused = NULL;
	out = fresh_outbox(s);
	events = link_on_user(&s->link, now(s), known ? &user : NULL, &out);
	secret_wipe_bytes(&user, sizeof(user));
	after_link(s, events, &out);
}

static void assign_address(struct session *s)
{
	struct outbox out;
	struct link_address address;
	const char *why;

	if (s->params.ops->assign(s->params.arg, &address, &why)) {
		out = fresh_outbox(s);
		after_link(s, link_on_address(&s->link, now(s), &address, &out), &out);
		return;
	}
	session_log(s, LOG_LEVEL_WARNING, "no address: %s", why);
	session_note(s, SESSION_END_REFUSED, "no address: %s", why);
	session_end_call(s);
}

/* What stands before the certificate's thumbprint in a log line, if there is one. */
static const char *before_thumbprint(const struct session *s)
{
	return *link_peer_thumbprint(&s->link) ? ", certificate " : "";
}

static void on_auth_ok(struct session *s)
{
	struct outbox out = fresh_outbox(s);

	s->phase_until = CLOCK_NEVER;
	session_pass(s, STAGE_AUTH);
	set_user(s);
	session_log(s, LOG_LEVEL_INFO, "authenticated by %s%s%s",
		    link_auth_name(link_auth_method(&s->link)), before_thumbprint(s),
		    link_peer_thumbprint(&s->link));
	s->params.ops->on_auth(s->params.arg, true);
	if (s->params.pppd249_hlak && link_hlak_compat(&s->link))
		call_allow_second_hlak(&s->call, link_hlak_compat(&s->link));
	if (!after_call(s, call_on_auth_ok(&s->call, now(s), link_hlak(&s->link), &out), &out))
		return;
	if (s->role == CALL_SERVER && s->link_running)
		assign_address(s);
}

static void on_auth_failed(struct session *s)
{
	const char *why = s->user_refused ? s->user_refused : link_reason(&s->link);

	set_user(s);
	session_log(s, LOG_LEVEL_WARNING, "authentication failed: %s%s%s", why,
		    before_thumbprint(s), link_peer_thumbprint(&s->link));
	session_note(s,
		     link_has_refused_server(&s->link) ? SESSION_END_CERTIFICATE : SESSION_END_AUTH,
		     "authentication failed: %s", why);
	s->params.ops->on_auth(s->params.arg, false);
}

static void on_link_finished(struct session *s)
{
	struct outbox out = fresh_outbox(s);

	session_log(s, LOG_LEVEL_INFO, "ppp finished: %s", link_reason(&s->link));
	session_note(s, SESSION_END_NORMAL, "%s", link_reason(&s->link));
	s->is_up = s->is_up6 = false;
	after_call(s, call_disconnect(&s->call, now(s), &out), &out);
}

static void on_silent(struct session *s)
{
	session_log(s, LOG_LEVEL_WARNING, "ppp finished: %s", link_reason(&s->link));
	session_blame(s, SESSION_BY_NETWORK);
	session_note(s, SESSION_END_LOST, "%s", link_reason(&s->link));
	session_cut(s);
}

/* The first reason stands: how it really ends is no news then. */
static void on_close_announced(struct session *s)
{
	static const enum session_end ends[] = {
		[SESSION_CLOSE_DISCONNECTED] = SESSION_END_DISCONNECTED,
		[SESSION_CLOSE_DISABLED] = SESSION_END_DISABLED,
		[SESSION_CLOSE_RESTART] = SESSION_END_RESTART,
	};
	uint8_t code = link_close_code(&s->link);
	bool is_known = code >= SESSION_CLOSE_DISCONNECTED && code <= SESSION_CLOSE_RESTART;

	session_blame(s, SESSION_BY_PEER);
	session_note(s, is_known ? ends[code] : SESSION_END_NORMAL, "%s", link_reason(&s->link));
}

/* The link has decoded them already: they are what they are. */
static void on_trace_events(struct session *s, unsigned events)
{
	struct vendor_trace trace;
	struct vendor_traced traced;
	size_t len;
	const uint8_t *value = link_in_band(&s->link, &len);

	if (events & LINK_EV_TRACE && s->is_up && s->params.ops->on_trace &&
	    vendor_trace_decode(value, len, &trace) == 0)
		s->params.ops->on_trace(s->params.arg, &trace);
	if (events & LINK_EV_TRACED && s->is_up && s->params.ops->on_traced &&
	    vendor_traced_decode(value, len, &traced) == 0)
		s->params.ops->on_traced(s->params.arg, &traced);
}

/* What the peer says in band. */
static void on_in_band_events(struct session *s, unsigned events)
{
	const char *text;
	size_t len;

	if (events & LINK_EV_SUBSCRIBED)
		session_pass(s, STAGE_SUBSCRIBED);
	if (events & LINK_EV_SUBSCRIBED && s->description_due)
		session_mark_dirty(s);
	if (events & LINK_EV_DESCRIPTION && s->is_up) {
		text = link_description(&s->link, &len);
		s->params.ops->on_description(s->params.arg, text, len);
	}
	if (events & LINK_EV_CLOSE)
		on_close_announced(s);
	if (events & (LINK_EV_TRACE | LINK_EV_TRACED))
		on_trace_events(s, events);
}

static void on_link_events(struct session *s, unsigned events)
{
	if (events & LINK_EV_SILENT) {
		on_silent(s);
		return;
	}
	if (events & LINK_EV_USER)
		answer_user(s);
	if (events & LINK_EV_AUTH_OK)
		on_auth_ok(s);
	if (events & LINK_EV_AUTH_FAILED)
		on_auth_failed(s);
	if (events & LINK_EV_UP)
		maybe_up(s);
	if (events & (LINK_EV_UP6 | LINK_EV_ADDRESS6))
		maybe_up6(s);
	if (events & LINK_EV_DOWN6)
		on_down6(s);
	if (events & LINK_EV_DOWN)
		s->is_up = s->is_up6 = false;
	if (events & LINK_EV_PEER_TERMINATED)
		session_blame(s, SESSION_BY_PEER);
	if (events & LINK_EV_PEER_TERMINATED)
		session_note(s, SESSION_END_NORMAL, "%s", link_reason(&s->link));
	if (events & LINK_EV_FINISHED && s->phase == SESSION_CALL)
		on_link_finished(s);
	on_in_band_events(s, events);
}

/* ---- received packets ---- */

/* bytes: the packet, or the frame where that is not looked into. */
static void drop(struct session *s, enum drop_reason why, const uint8_t *bytes, size_t len)
{
	s->traffic.drops[why]++;
	tap_show(s->env->taps, TAP_FROM_CLIENT, why, s, bytes, len);
}

/* Of which nobody has looked whether it is a packet. */
static __attribute__((noinline, cold)) void drop_frame(struct session *s, enum drop_reason why,
						       const uint8_t *frame, size_t len)
{
	struct ppp_frame ppp;

	if (frame_decode(frame, len, &ppp) == 0 &&
	    (ppp.protocol == PPP_IPV4 || ppp.protocol == PPP_IPV6))
		drop(s, why, frame + ppp.at, ppp.len);
	else
		drop(s, why, frame, len);
}

static void on_ipv6_packet(struct session *s, uint8_t *pkt, size_t len)
{
	if (!s->is_up6) {
		drop(s, DROP_PROTOCOL, pkt, len);
		return;
	}
	if (s->role == CALL_CLIENT && take_advertisement(s, pkt, len))
		return;
	s->in_burst = true;
	s->params.ops->on_packet(s->params.arg, pkt, len);
}

static void on_data_packet(struct session *s, uint8_t *frame, size_t len)
{
	enum call_gate gate = call_gate(&s->call);
	struct ppp_frame ppp;
	struct outbox out;

	if (gate == CALL_GATE_CLOSED || !s->link_running) {
		drop_frame(s, DROP_NOT_OPEN, frame, len);
		return;
	}
	if (frame_decode(frame, len, &ppp) < 0) {
		drop(s, DROP_MALFORMED, frame, len);
		return;
	}
	if (ppp.protocol == PPP_IPV4 && s->is_up) {
		s->in_burst = true;
		s->params.ops->on_packet(s->params.arg, frame + ppp.at, ppp.len);
	} else if (ppp.protocol == PPP_IPV4)
		drop(s, DROP_NOT_OPEN, frame + ppp.at, ppp.len);
	else if (ppp.protocol == PPP_IPV6)
		on_ipv6_packet(s, frame + ppp.at, ppp.len);
	else { /* what is no control protocol either gets a Protocol-Reject there */
		out = fresh_outbox(s);
		after_link(s, link_input(&s->link, now(s), frame, len, &out), &out);
	}
}

static void on_sstp_packet(struct session *s, uint8_t *pkt, size_t len)
{
	struct outbox out;

	if (!sstp_packet_is_control(pkt)) {
		on_data_packet(s, pkt + SSTP_HEADER_SIZE, len - SSTP_HEADER_SIZE);
		return;
	}
	out = fresh_outbox(s);
	after_call(s, call_on_control(&s->call, now(s), pkt, len, &out), &out);
}

static void on_undelineated(struct session *s)
{
	session_note(s, SESSION_END_LOST, "the SSTP stream cannot be delineated");
	session_log(s, LOG_LEVEL_WARNING, "not an SSTP packet, closing");
	session_lose_call(s);
	session_close(s);
}

size_t session_on_sstp(struct session *s, uint8_t *buf, size_t len)
{
	size_t used = 0;

	while (s->phase == SESSION_CALL) {
		int n = sstp_packet_len(buf + used, len - used);

		if (n < 0) {
			on_undelineated(s);
			break;
		}
		if (n == 0 || (size_t)n > len - used)
			break;
		if (used == 0) { /* any packet counts as life: once per burst is enough */
			call_on_traffic(&s->call, now(s));
			if (s->link_running)
				link_on_traffic(&s->link, now(s));
		}
		on_sstp_packet(s, buf + used, (size_t)n);
		used += (size_t)n;
	}
	if (s->in_burst && s->link_running)
		s->params.ops->on_burst_end(s->params.arg);
	s->in_burst = false;
	return used;
}

/* ---- begin, time, end ---- */

void session_start_call(struct session *s)
{
	struct outbox out = fresh_outbox(s);
	struct call_params params = {
		.role = s->role,
		.hashes = s->params.hashes,
		.random = &random_system,
	};

	session_pass(s, STAGE_HTTP);
	stream_cert_digests(s->stream, params.cert_sha1, params.cert_sha256);
	call_init(&s->call, &params);
	s->phase = SESSION_CALL;
	s->phase_until = s->began_at + LIMIT_AUTH;
	after_call(s, call_start(&s->call, now(s), &out), &out);
}

void session_run_timers(struct session *s)
{
	struct outbox out = fresh_outbox(s);

	if (s->phase == SESSION_CALL && call_deadline(&s->call) <= now(s))
		after_call(s, call_on_timer(&s->call, now(s), &out), &out);
	if (s->phase == SESSION_CALL && s->link_running && link_deadline(&s->link) <= now(s)) {
		out = fresh_outbox(s);
		after_link(s, link_on_timer(&s->link, now(s), &out), &out);
	}
}

void session_announce_close(struct session *s, uint8_t code, const char *why)
{
	struct outbox out = fresh_outbox(s);

	link_announce_close(&s->link, code, why, &out);
	session_send_frames(s, &out);
}

int session_trace(struct session *s, const struct vendor_trace *trace)
{
	struct outbox out = fresh_outbox(s);

	if (!s->is_up || !link_trace(&s->link, trace, &out))
		return -ENOTCONN;
	return session_send_frames(s, &out) ? 0 : -ENOTCONN;
}

void session_tell_traced(struct session *s, const struct vendor_traced *traced)
{
	struct outbox out = fresh_outbox(s);

	if (!s->is_up)
		return;
	link_traced(&s->link, traced, &out);
	session_send_frames(s, &out);
}

void session_end_call(struct session *s)
{
	struct outbox out = fresh_outbox(s);

	if (s->link_running && !s->link_closing) {
		s->link_closing = true;
		after_link(s, link_close(&s->link, now(s), s->reason, &out), &out);
	} else
		after_call(s, call_disconnect(&s->call, now(s), &out), &out);
}
