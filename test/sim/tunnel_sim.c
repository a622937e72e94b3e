/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole client and a whole server, call and link put together as a session does it, over a pipe in memory that loses,
 * delays, repeats and reorders packets; the clock is a number. Whatever happens, both ends come up with the same
 * addresses, or both come to an end within a bounded time. After each step these hold for each end:
 *
 *   - an IPv4 packet is accepted only when the binding was proved, IPCP is open and authentication succeeded
 *   - it sends at most one CALL_ABORT and one CALL_DISCONNECT_ACK
 *   - after a timer has run, no deadline lies in the past: nothing spins
 *   - with a wrong password, or a binding made with another key, nothing ever opens
 *
 * Each run has a seed of its own, which a failing test prints: in TEST_SEED it is the first run of each test.
 */
#include <stdio.h>
#include <string.h>

#include "sstp/ppp/frame.h"
#include "sstp/ppp/link.h"
#include "sstp/ppp/nthash.h"
#include "sstp/proto/call.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/ppp/eap_tls_rig.h"

#define PASSWORD "clientPass"

enum {
	PIPE_MAX = 512,
	PACKET_MAX = 1500,
	PASSWORD_AUTHS = LINK_AUTH_PAP | LINK_AUTH_MSCHAPV2 | LINK_AUTH_EAP_MSCHAPV2,
	BOTH_HASHES = SSTP_HASH_SHA1 | SSTP_HASH_SHA256,
};

/* As in session.c: from the start until PPP authentication has ended. */
#define LIMIT_AUTH (120 * CLOCK_NS_PER_S)

/*
 * Until both are up or both have ended. The longest way: authenticated just before LIMIT_AUTH, then 30 s for IPCP, 6 s
 * for PPP's goodbye, 5 s for SSTP's; and the hello timer's 120 s when the other end has gone in silence.
 */
#define PATIENCE (300 * CLOCK_NS_PER_S)

/* When the client's CALL_CONNECTED reaches the server. */
enum binding_time {
	BINDING_USUAL,
	BINDING_NEVER,
	BINDING_EARLY, /* sent before PPP has begun, with PAP's key */
	BINDING_LATE,  /* by up to 80 s */
};

struct scenario {
	unsigned loss;	    /* percent */
	unsigned repeat;    /* percent */
	unsigned intrusion; /* percent of runs in which somebody ends it on the way */
	uint64_t jitter_ns; /* more than the distance of two packets reorders them */
	enum binding_time binding;
	const char *password; /* the client's */
	bool no_addresses;
	bool fixed;	       /* all methods by password and both hashes on both sides, else any */
	bool eap_tls;	       /* that and nothing else */
	bool old_pppd;	       /* EAP-TLS: the client binds with the key of pppd before 2.5, */
	bool old_pppd_allowed; /* the server tries it */
};

struct end {
	struct call call;
	struct link link;
	struct end *other;
	uint64_t auth_until;
	bool link_running;
	bool binding_done;
	bool is_up;
	bool closed;
	unsigned seen; /* enum link_event so far */
	unsigned aborts, disconnect_acks;
	unsigned accepted;
};

/* A packet on its way; of no length: the end of the stream. */
struct letter {
	uint64_t at;
	struct end *to;
	size_t len;
	uint8_t packet[PACKET_MAX];
};

struct world {
	struct prng prng;
	struct random_source random;
	const struct scenario *scenario;
	uint64_t seed, run;
	bool running;
	uint64_t now;
	uint64_t silent_from; /* nothing arrives any more, not even the end of the stream */
	uint64_t intrusion_at;
	struct secret password;
	struct eap_tls_ctx *server_tls, *client_tls;
	struct eap_tls_rig_judge judge;
	struct end server, client;
	struct letter pipe[PIPE_MAX];
	size_t letters;
	uint8_t buf[OUTBOX_SIZE];
};

static const struct link_address assigned = {
	.local = 0x0100000a, /* opaque here */
	.peer = 0x0500000a,
	.dns = {0x0100000a, 0x08080808},
};

static bool is_server(const struct world *w, const struct end *e)
{
	return e == &w->server;
}

static bool chance(struct world *w, unsigned percent)
{
	return prng_below(&w->prng, 100) < percent;
}

static struct outbox fresh_outbox(struct world *w)
{
	return outbox(w->buf, sizeof(w->buf));
}

/* ---- the pipe ---- */

static unsigned message_type(const uint8_t *packet)
{
	return sstp_packet_is_control(packet) ? (unsigned)packet[4] << 8 | packet[5] : 0;
}

static void put_in_pipe(struct world *w, struct end *to, const uint8_t *packet, size_t len,
			uint64_t delay)
{
	struct letter *l = &w->pipe[w->letters];

	assert_in_range(w->letters, 0, PIPE_MAX - 1);
	assert_in_range(len, 0, PACKET_MAX);
	*l = (struct letter){.at = w->now + delay, .to = to, .len = len};
	if (len)
		memcpy(l->packet, packet, len);
	w->letters++;
}

static uint64_t delay_of(struct world *w, const uint8_t *packet)
{
	const struct scenario *s = w->scenario;
	uint64_t delay = CLOCK_NS_PER_MS;

	if (s->jitter_ns)
		delay += prng_next(&w->prng) % s->jitter_ns;
	if (s->binding == BINDING_LATE && message_type(packet) == SSTP_MSG_CALL_CONNECTED)
		delay += prng_below(&w->prng, 80) * CLOCK_NS_PER_S;
	return delay;
}

static bool is_withheld(const struct world *w, const uint8_t *packet)
{
	return w->scenario->binding == BINDING_NEVER &&
	       message_type(packet) == SSTP_MSG_CALL_CONNECTED;
}

static void transmit(struct world *w, struct end *e, const uint8_t *packet, size_t len)
{
	unsigned type = message_type(packet);

	assert_int_equal(sstp_packet_len(packet, len), len);
	assert_false(e->closed);
	e->aborts += type == SSTP_MSG_CALL_ABORT;
	e->disconnect_acks += type == SSTP_MSG_CALL_DISCONNECT_ACK;
	assert_in_range(e->aborts, 0, 1);
	assert_in_range(e->disconnect_acks, 0, 1);
	if (is_withheld(w, packet))
		return;
	if (!chance(w, w->scenario->loss))
		put_in_pipe(w, e->other, packet, len, delay_of(w, packet));
	if (chance(w, w->scenario->repeat))
		put_in_pipe(w, e->other, packet, len, delay_of(w, packet));
}

static void send_control(struct world *w, struct end *e, struct outbox *out)
{
	uint8_t *packet;
	size_t pos = 0, len;

	assert_int_equal(out->dropped, 0);
	while (outbox_next(out, &pos, &packet, &len))
		transmit(w, e, packet, len);
}

static void send_frames(struct world *w, struct end *e, struct outbox *out)
{
	uint8_t *frame;
	size_t pos = 0, len;

	assert_int_equal(out->dropped, 0);
	while (outbox_next(out, &pos, &frame, &len)) {
		sstp_put_data_header(frame - SSTP_HEADER_SIZE, len);
		transmit(w, e, frame - SSTP_HEADER_SIZE, len + SSTP_HEADER_SIZE);
	}
}

/* A packet of the virtual network, whether the other end is ready for it or not. */
static void send_ipv4(struct world *w, struct end *e)
{
	uint8_t packet[SSTP_HEADER_SIZE + PPP_FRAME_HEADER + 20] = {[5] = 0};
	static const uint8_t ppp[] = {0xff, 0x03, 0x00, 0x21, 0x45};

	sstp_put_data_header(packet, sizeof(packet) - SSTP_HEADER_SIZE);
	memcpy(packet + SSTP_HEADER_SIZE, ppp, sizeof(ppp));
	put_in_pipe(w, e->other, packet, sizeof(packet), delay_of(w, packet));
}

/* ---- a session, minus TLS ---- */

static void execute(struct world *w, struct end *e, unsigned todo);
static void on_link_events(struct world *w, struct end *e, unsigned events);

static void after_call(struct world *w, struct end *e, unsigned todo, struct outbox *out)
{
	send_control(w, e, out);
	execute(w, e, todo);
}

static void after_link(struct world *w, struct end *e, unsigned events, struct outbox *out)
{
	send_frames(w, e, out);
	on_link_events(w, e, events);
}

static void stop_link(struct end *e)
{
	if (!e->link_running)
		return;
	e->link_running = false;
	e->is_up = false;
	link_down(&e->link);
}

/* The other end hears of it, unless nothing arrives any more. */
static void close_end(struct world *w, struct end *e)
{
	stop_link(e);
	e->closed = true;
	put_in_pipe(w, e->other, NULL, 0, CLOCK_NS_PER_MS);
}

static void maybe_up(struct end *e)
{
	if (e->binding_done && link_is_up(&e->link))
		e->is_up = true;
}

static void execute(struct world *w, struct end *e, unsigned todo)
{
	struct outbox out = fresh_outbox(w);

	if (todo & CALL_DO_LINK_UP) {
		assert_false(e->link_running);
		e->link_running = true;
		after_link(w, e, link_up(&e->link, w->now, &out), &out);
	}
	if (todo & CALL_DO_LINK_DOWN)
		stop_link(e);
	if (todo & CALL_DO_OPEN) {
		assert_false(e->binding_done);
		e->binding_done = true;
		maybe_up(e);
	}
	if (todo & CALL_DO_CLOSE && !e->closed)
		close_end(w, e);
}

static void answer_user(struct world *w, struct end *e)
{
	struct outbox out = fresh_outbox(w);
	struct link_user user = {.has_password = true};

	assert_string_equal(link_user_name(&e->link), w->scenario->eap_tls ? "worker 7" : "User");
	assert_int_equal(nt_hash(PASSWORD, strlen(PASSWORD), user.nt_hash), 0);
	after_link(w, e, link_on_user(&e->link, w->now, &user, &out), &out);
}

/* An old pppd's key, which only the server's link knows: a client of ours never makes it. */
static const uint8_t *binding_key(const struct world *w, const struct end *e)
{
	if (w->scenario->old_pppd && !is_server(w, e))
		return link_hlak_compat(&w->server.link);
	return link_hlak(&e->link);
}

static void on_auth_ok(struct world *w, struct end *e)
{
	struct outbox out = fresh_outbox(w);
	const struct link_address *address = w->scenario->no_addresses ? NULL : &assigned;

	e->auth_until = CLOCK_NEVER;
	if (is_server(w, e) && w->scenario->old_pppd_allowed)
		call_allow_second_hlak(&e->call, link_hlak_compat(&e->link));
	after_call(w, e, call_on_auth_ok(&e->call, w->now, binding_key(w, e), &out), &out);
	if (!is_server(w, e) || !e->link_running)
		return;
	out = fresh_outbox(w);
	after_link(w, e, link_on_address(&e->link, w->now, address, &out), &out);
}

static void on_finished(struct world *w, struct end *e)
{
	struct outbox out = fresh_outbox(w);

	e->is_up = false;
	after_call(w, e, call_disconnect(&e->call, w->now, &out), &out);
}

static void on_link_events(struct world *w, struct end *e, unsigned events)
{
	e->seen |= events;
	if (events & LINK_EV_USER)
		answer_user(w, e);
	if (events & LINK_EV_AUTH_OK)
		on_auth_ok(w, e);
	if (events & LINK_EV_UP)
		maybe_up(e);
	if (events & LINK_EV_DOWN)
		e->is_up = false;
	if (events & LINK_EV_FINISHED && !e->closed)
		on_finished(w, e);
}

static void accept_ipv4(struct end *e)
{
	assert_true(e->binding_done);
	assert_int_equal(call_gate(&e->call), CALL_GATE_OPEN);
	assert_true(link_is_up(&e->link));
	assert_int_equal(e->seen & (LINK_EV_AUTH_OK | LINK_EV_AUTH_FAILED), LINK_EV_AUTH_OK);
	e->accepted++;
}

static void on_data_packet(struct world *w, struct end *e, const uint8_t *frame, size_t len)
{
	struct outbox out = fresh_outbox(w);
	struct ppp_frame ppp;

	if (call_gate(&e->call) == CALL_GATE_CLOSED || !e->link_running)
		return;
	assert_int_equal(frame_decode(frame, len, &ppp), 0);
	if (ppp.protocol != PPP_IPV4)
		after_link(w, e, link_input(&e->link, w->now, frame, len, &out), &out);
	else if (e->is_up)
		accept_ipv4(e);
}

static void on_packet(struct world *w, struct end *e, const uint8_t *packet, size_t len)
{
	struct outbox out = fresh_outbox(w);

	call_on_traffic(&e->call, w->now);
	if (e->link_running)
		link_on_traffic(&e->link, w->now);
	if (sstp_packet_is_control(packet))
		after_call(w, e, call_on_control(&e->call, w->now, packet, len, &out), &out);
	else
		on_data_packet(w, e, packet + SSTP_HEADER_SIZE, len - SSTP_HEADER_SIZE);
}

static void on_lost(struct world *w, struct end *e)
{
	stop_link(e);
	execute(w, e, call_on_lost(&e->call, w->now) | CALL_DO_CLOSE);
}

static uint64_t link_time(const struct end *e)
{
	return e->link_running ? link_deadline(&e->link) : CLOCK_NEVER;
}

static uint64_t deadline(const struct end *e)
{
	uint64_t t = clock_earlier(call_deadline(&e->call), link_time(e));

	return e->closed ? CLOCK_NEVER : clock_earlier(t, e->auth_until);
}

static void on_timer(struct world *w, struct end *e)
{
	struct outbox out = fresh_outbox(w);

	if (e->auth_until <= w->now) {
		close_end(w, e);
		return;
	}
	if (call_deadline(&e->call) <= w->now)
		after_call(w, e, call_on_timer(&e->call, w->now, &out), &out);
	if (!e->closed && link_time(e) <= w->now) {
		out = fresh_outbox(w);
		after_link(w, e, link_on_timer(&e->link, w->now, &out), &out);
	}
}

static void disconnect(struct world *w, struct end *e)
{
	struct outbox out = fresh_outbox(w);

	if (e->closed)
		return;
	if (e->link_running)
		after_link(w, e, link_close(&e->link, w->now, "bye", &out), &out);
	else
		after_call(w, e, call_disconnect(&e->call, w->now, &out), &out);
}

static void abort_call(struct world *w, struct end *e)
{
	struct outbox out = fresh_outbox(w);

	if (!e->closed)
		after_call(w, e,
			   call_abort(&e->call, w->now, SSTP_STATUS_NEGOTIATION_TIMEOUT, &out),
			   &out);
}

/* ---- a run ---- */

static void check_end(struct world *w, struct end *e)
{
	assert_true(deadline(e) > w->now);
	if (e->closed)
		assert_false(e->link_running || e->is_up);
	if (e->is_up)
		assert_true(e->binding_done && link_is_up(&e->link));
	if (strcmp(w->scenario->password, PASSWORD) != 0) {
		assert_false(w->server.binding_done || w->server.is_up || w->client.is_up);
		assert_int_equal(w->server.seen & LINK_EV_AUTH_OK, 0);
	}
}

static size_t next_letter(const struct world *w)
{
	size_t best = 0;

	for (size_t i = 1; i < w->letters; i++) {
		if (w->pipe[i].at < w->pipe[best].at)
			best = i;
	}
	return best;
}

static void deliver(struct world *w)
{
	size_t i = next_letter(w);
	struct letter l = w->pipe[i];

	/* in order: packets that arrive at one time keep the order in which they were sent */
	memmove(&w->pipe[i], &w->pipe[i + 1], (--w->letters - i) * sizeof(l));
	if (l.to->closed || w->now >= w->silent_from)
		return;
	if (l.len)
		on_packet(w, l.to, l.packet, l.len);
	else
		on_lost(w, l.to);
}

/* Somebody ends it in the middle, or packets come that nobody may accept yet. */
static void intrude(struct world *w)
{
	struct end *e = prng_below(&w->prng, 2) ? &w->server : &w->client;

	w->intrusion_at = CLOCK_NEVER;
	switch (prng_below(&w->prng, 5)) {
	case 0: disconnect(w, e); break;
	case 1: abort_call(w, e); break;
	case 2: on_lost(w, e); break;
	case 3: /* both at one time */
		disconnect(w, e);
		abort_call(w, e->other);
		break;
	default: w->silent_from = w->now; break;
	}
}

static uint64_t next_time(const struct world *w)
{
	uint64_t t = clock_earlier(deadline(&w->server), deadline(&w->client));

	t = clock_earlier(t, w->intrusion_at);
	return w->letters ? clock_earlier(t, w->pipe[next_letter(w)].at) : t;
}

/* False when nothing will ever happen again, or not before `until`. */
static bool step(struct world *w, uint64_t until)
{
	uint64_t t = next_time(w);

	if (t > until)
		return false;
	w->now = t;
	if (w->letters && w->pipe[next_letter(w)].at <= t)
		deliver(w);
	else if (w->intrusion_at <= t)
		intrude(w);
	if (deadline(&w->server) <= t)
		on_timer(w, &w->server);
	if (deadline(&w->client) <= t)
		on_timer(w, &w->client);
	check_end(w, &w->server);
	check_end(w, &w->client);
	return true;
}

static void init_end(struct world *w, struct end *e, bool server, unsigned auth, uint8_t hashes)
{
	struct call_params params = {
		.role = server ? CALL_SERVER : CALL_CLIENT,
		.hashes = hashes,
		.random = &w->random,
	};

	memset(params.cert_sha1, 0xc1, sizeof(params.cert_sha1));
	memset(params.cert_sha256, 0xc2, sizeof(params.cert_sha256));
	*e = (struct end){
		.other = server ? &w->client : &w->server,
		.auth_until = w->now + LIMIT_AUTH,
	};
	call_init(&e->call, &params);
	link_init(&e->link, &(struct link_params){
				    .role = server ? LINK_SERVER : LINK_CLIENT,
				    .auth = auth,
				    .mru = 1500,
				    .name = server ? "gw" : "User",
				    .password = server ? NULL : &w->password,
				    .random = &w->random,
				    .eap_tls = server ? w->server_tls : w->client_tls,
			    });
}

/* Any but none of a set. */
static unsigned any_of(struct world *w, unsigned set)
{
	unsigned some = set;

	while (!w->scenario->fixed && !(some = prng_below(&w->prng, 16) & set))
		;
	return some;
}

static unsigned any_auth(struct world *w)
{
	return w->scenario->eap_tls ? LINK_AUTH_EAP_TLS : any_of(w, PASSWORD_AUTHS);
}

/* The HTTP request was answered: a run begins. */
static void start(struct world *w, const struct scenario *scenario)
{
	struct outbox out = fresh_outbox(w);

	w->scenario = scenario;
	w->prng.state = w->seed + w->run;
	w->random = prng_source(&w->prng);
	w->running = true;
	w->now = CLOCK_NS_PER_S;
	w->letters = 0;
	w->silent_from = w->intrusion_at = CLOCK_NEVER;
	if (chance(w, scenario->intrusion))
		w->intrusion_at = w->now + prng_below(&w->prng, 4000) * CLOCK_NS_PER_MS;
	secret_set(&w->password, scenario->password, strlen(scenario->password));
	init_end(w, &w->server, true, any_auth(w), (uint8_t)any_of(w, BOTH_HASHES));
	init_end(w, &w->client, false, any_auth(w), (uint8_t)any_of(w, BOTH_HASHES));
	after_call(w, &w->server, call_start(&w->server.call, w->now, &out), &out);
	out = fresh_outbox(w);
	after_call(w, &w->client, call_start(&w->client.call, w->now, &out), &out);
}

static void end_run(struct world *w)
{
	call_done(&w->server.call);
	call_done(&w->client.call);
	link_done(&w->server.link);
	link_done(&w->client.link);
	w->running = false;
	w->run++;
}

static bool both_up(const struct world *w)
{
	return w->server.is_up && w->client.is_up;
}

static bool both_closed(const struct world *w)
{
	return w->server.closed && w->client.closed;
}

static void check_agreement(const struct world *w)
{
	const struct link_address *s = link_addresses(&w->server.link);
	const struct link_address *c = link_addresses(&w->client.link);

	assert_int_equal(c->local, assigned.peer);
	assert_int_equal(c->peer, assigned.local);
	assert_int_equal(s->peer, assigned.peer);
	assert_memory_equal(c->dns, assigned.dns, sizeof(c->dns));
	assert_int_equal(link_auth_method(&w->server.link), link_auth_method(&w->client.link));
}

/* A client that proves its knowledge before anybody has asked: right with PAP, wrong with MS-CHAPv2. */
static void bind_early(struct world *w)
{
	static const uint8_t zeros[SSTP_HLAK_SIZE];
	struct outbox out = fresh_outbox(w);

	if (w->scenario->binding == BINDING_EARLY &&
	    w->client.call.state == CALL_CONNECT_ACK_RECEIVED)
		after_call(w, &w->client, call_on_auth_ok(&w->client.call, w->now, zeros, &out),
			   &out);
}

/* Until both are up and quiet, or both have ended. True: up. Packets of the network come from the first moment on. */
static bool settle(struct world *w)
{
	uint64_t until = w->now + PATIENCE;

	while (!both_closed(w) && !(both_up(w) && !w->letters && w->intrusion_at == CLOCK_NEVER)) {
		if (!step(w, until))
			break;
		bind_early(w);
		if (chance(w, 5))
			send_ipv4(w, chance(w, 50) ? &w->client : &w->server);
	}
	if (both_closed(w))
		return false;
	assert_true(both_up(w));
	check_agreement(w);
	return true;
}

static void run_for(struct world *w, uint64_t ns)
{
	uint64_t until = w->now + ns;

	while (step(w, until))
		;
	w->now = until;
}

static void expect_both_closed_within(struct world *w, unsigned seconds)
{
	uint64_t until = w->now + seconds * CLOCK_NS_PER_S;

	while (!both_closed(w) && step(w, until))
		;
	assert_true(w->server.closed);
	assert_true(w->client.closed);
}

static void expect_data_both_ways(struct world *w)
{
	unsigned server = w->server.accepted, client = w->client.accepted;

	send_ipv4(w, &w->client);
	send_ipv4(w, &w->server);
	run_for(w, 10 * CLOCK_NS_PER_S);
	assert_int_equal(w->server.accepted, server + 1);
	assert_int_equal(w->client.accepted, client + 1);
}

/* Each run to its end. Returns how many came up. */
static unsigned many_runs(struct world *w, const struct scenario *scenario, unsigned runs)
{
	unsigned up = 0;

	for (unsigned i = 0; i < runs; i++) {
		start(w, scenario);
		if (settle(w)) {
			up++;
			w->intrusion_at = w->now;
			expect_both_closed_within(w, 180);
		}
		end_run(w);
	}
	printf("# %u of %u up\n", up, runs);
	return up;
}

static void every_common_method_and_hash_comes_up_at_once(void **state)
{
	static const struct scenario fine = {.password = PASSWORD};
	struct world *w = *state;

	for (unsigned i = 0; i < 200; i++) {
		start(w, &fine);
		bool common = w->server.link.params.auth & w->client.link.params.auth &&
			      w->server.call.params.hashes & w->client.call.params.hashes;

		assert_int_equal(settle(w), common);
		if (common) {
			assert_in_range(w->now, CLOCK_NS_PER_S, 3 * CLOCK_NS_PER_S);
			expect_data_both_ways(w);
			disconnect(w, i % 2 ? &w->client : &w->server);
			expect_both_closed_within(w, 3);
		}
		end_run(w);
	}
}

static void storm_ends_up_or_closed_on_both_ends(void **state)
{
	static const struct scenario storm = {
		.loss = 10,
		.repeat = 10,
		.intrusion = 30,
		.jitter_ns = 300 * CLOCK_NS_PER_MS,
		.password = PASSWORD,
	};

	assert_in_range(many_runs(*state, &storm, 15000), 1500, 13500);
}

static void reordered_packets_end_up_or_closed_on_both_ends(void **state)
{
	static const struct scenario windy = {
		.repeat = 5,
		.jitter_ns = 5 * CLOCK_NS_PER_MS,
		.password = PASSWORD,
	};

	assert_in_range(many_runs(*state, &windy, 8000), 800, 7200);
}

static void end_in_the_middle_closes_both_ends(void **state)
{
	static const struct scenario ended = {
		.intrusion = 100,
		.jitter_ns = 400 * CLOCK_NS_PER_MS,
		.password = PASSWORD,
		.fixed = true,
	};

	/* what happens to a run that is up is up to many_runs() */
	assert_in_range(many_runs(*state, &ended, 10000), 0, 5000);
}

static void wrong_password_never_opens(void **state)
{
	static const struct scenario wrong = {
		.loss = 5,
		.repeat = 10,
		.jitter_ns = 100 * CLOCK_NS_PER_MS,
		.password = "clientpass",
	};

	assert_int_equal(many_runs(*state, &wrong, 5000), 0);
}

static void wrong_password_with_an_early_binding_never_opens(void **state)
{
	static const struct scenario wrong = {
		.binding = BINDING_EARLY,
		.password = "clientpass",
	};

	assert_int_equal(many_runs(*state, &wrong, 3000), 0);
}

static void server_without_addresses_ends_the_call(void **state)
{
	static const struct scenario poor = {
		.loss = 3,
		.no_addresses = true,
		.password = PASSWORD,
	};

	assert_int_equal(many_runs(*state, &poor, 3000), 0);
}

static void server_without_a_binding_never_opens(void **state)
{
	static const struct scenario unbound = {
		.binding = BINDING_NEVER,
		.password = PASSWORD,
		.fixed = true,
	};
	struct world *w = *state;

	for (unsigned i = 0; i < 200; i++) {
		start(w, &unbound);
		assert_false(settle(w));
		assert_false(w->server.binding_done);
		assert_int_equal(w->server.accepted, 0);
		/* the negotiation timer, not the hello timers */
		assert_in_range(w->now, 60 * CLOCK_NS_PER_S, 68 * CLOCK_NS_PER_S);
		end_run(w);
	}
}

/* The server keeps an early binding until it knows the key, and opens if it is made with that one. */
static void early_binding_counts_only_with_the_right_key(void **state)
{
	static const struct scenario early = {.binding = BINDING_EARLY, .password = PASSWORD};
	struct world *w = *state;
	unsigned pap = 0;

	for (unsigned i = 0; i < 400; i++) {
		bool up, parked;

		start(w, &early);
		up = settle(w);
		parked = w->client.link.params.auth & w->server.link.params.auth &&
			 w->client.call.params.hashes & w->server.call.params.hashes;
		if (parked)
			assert_int_equal(up, link_auth_method(&w->server.link) == LINK_AUTH_PAP);
		else
			assert_false(up);
		pap += up;
		end_run(w);
	}
	assert_in_range(pap, 20, 200);
}

static void late_binding_counts_while_the_server_waits(void **state)
{
	static const struct scenario late = {
		.binding = BINDING_LATE,
		.password = PASSWORD,
		.fixed = true,
	};
	struct world *w = *state;
	unsigned up = many_runs(w, &late, 2000);

	/* about three of four delays are below the 60 s */
	assert_in_range(up, 1200, 1800);
}

static void idle_tunnel_stays_up_for_hours(void **state)
{
	static const struct scenario fine = {.password = PASSWORD, .fixed = true};
	struct world *w = *state;

	for (unsigned i = 0; i < 10; i++) {
		start(w, &fine);
		assert_true(settle(w));
		run_for(w, 7200 * CLOCK_NS_PER_S);
		expect_data_both_ways(w);
		end_run(w);
	}
}

static void silence_after_the_opening_ends_both_within_three_minutes(void **state)
{
	static const struct scenario fine = {.password = PASSWORD, .fixed = true};
	struct world *w = *state;

	for (unsigned i = 0; i < 100; i++) {
		start(w, &fine);
		assert_true(settle(w));
		run_for(w, prng_below(&w->prng, 200) * CLOCK_NS_PER_S);
		w->silent_from = w->now;
		expect_both_closed_within(w, 180);
		end_run(w);
	}
}

static void certificates_open_the_tunnel_in_any_weather(void **state)
{
	static const struct scenario fine = {.eap_tls = true, .fixed = true, .password = PASSWORD};
	static const struct scenario lossy = {
		.loss = 3,
		.repeat = 5,
		.jitter_ns = 2 * CLOCK_NS_PER_MS,
		.eap_tls = true,
		.fixed = true,
		.password = PASSWORD,
	};

	assert_int_equal(many_runs(*state, &fine, 50), 50);
	assert_in_range(many_runs(*state, &lossy, 300), 30, 300);
}

static void P45_old_pppd_is_refused_where_its_key_is_not_allowed(void **state)
{
	static const struct scenario strict = {
		.eap_tls = true, .fixed = true, .password = PASSWORD, .old_pppd = true};

	assert_int_equal(many_runs(*state, &strict, 20), 0);
}

static void P45_old_pppds_key_opens_where_it_is_allowed_and_the_call_tells(void **state)
{
	struct scenario lax = {
		.eap_tls = true, .fixed = true, .password = PASSWORD, .old_pppd_allowed = true};
	struct world *w = *state;

	for (unsigned i = 0; i < 20; i++) {
		lax.old_pppd = i % 2;
		start(w, &lax);
		assert_true(settle(w));
		assert_int_equal(call_used_second_hlak(&w->server.call), lax.old_pppd);
		expect_data_both_ways(w);
		end_run(w);
	}
}

static int set_up(void **state)
{
	static struct world world;

	prng_init(&world.prng, 20240517);
	world.seed = world.prng.state;
	world.run = 0;
	world.running = false;
	world.server_tls =
		eap_tls_rig_server_ctx(&(struct eap_tls_rig_spec){.version = 0}, &world.judge);
	world.client_tls = eap_tls_rig_client_ctx(&(struct eap_tls_rig_spec){.version = 0});
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	const struct world *w = *state;

	eap_tls_ctx_unref(w->server_tls);
	eap_tls_ctx_unref(w->client_tls);

	if (w->running)
		printf("# repeat the run that failed with TEST_SEED=%llu\n",
		       (unsigned long long)(w->seed + w->run));
	return 0;
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(every_common_method_and_hash_comes_up_at_once),
		in_world(storm_ends_up_or_closed_on_both_ends),
		in_world(reordered_packets_end_up_or_closed_on_both_ends),
		in_world(end_in_the_middle_closes_both_ends),
		in_world(wrong_password_never_opens),
		in_world(wrong_password_with_an_early_binding_never_opens),
		in_world(server_without_addresses_ends_the_call),
		in_world(server_without_a_binding_never_opens),
		in_world(early_binding_counts_only_with_the_right_key),
		in_world(late_binding_counts_while_the_server_waits),
		in_world(certificates_open_the_tunnel_in_any_weather),
		in_world(P45_old_pppd_is_refused_where_its_key_is_not_allowed),
		in_world(P45_old_pppds_key_opens_where_it_is_allowed_and_the_call_tells),
		in_world(idle_tunnel_stays_up_for_hours),
		in_world(silence_after_the_opening_ends_both_within_three_minutes),
	};

	return cmocka_run_group_tests_name("sim/tunnel", tests, eap_tls_rig_setup,
					   eap_tls_rig_teardown);
}
