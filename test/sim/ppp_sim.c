/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client and a server link talk over a pipe in memory that loses, delays, reorders and repeats
 * frames; the clock is a number. Whatever the pipe does, both ends come up with the same addresses
 * and keys, or both come to an end. On the way the invariants are checked after each step:
 *
 *   - nothing but LCP leaves a link before LCP has opened, and no IPCP before authentication
 *   - UP comes after AUTH_OK, once; AUTH_FAILED comes once, is followed by FINISHED and never by UP
 *   - EAP holds memory in the authentication phase only
 *   - a deadline lies in the future; a finished link has none and stays silent
 *   - frames are whole: FF 03, a Length that is theirs, LCP codes up to 11, other codes up to 7; code 0
 *     leaves no server before the client has subscribed, and no client that is not to
 *   - a description arrives as it was sent, or not at all
 *   - IPV6CP is between authentication and the end, never makes an end, and both ends know one address
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sstp/ppp/link.h"
#include "sstp/ppp/nthash.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/ppp/eap_tls_rig.h"

#define PASSWORD "clientPass"

enum {
	PIPE_MAX = 512,
	FRAME_MAX = 1504, /* an information field of 1500 bytes */
	TEXT_MAX = 20000,
	PATIENCE_S = 220, /* 90 s to open, then 120 s until a server misses a client that is gone */
};

struct weather {
	unsigned loss;	    /* percent */
	unsigned repeat;    /* percent */
	unsigned answers_s; /* directory and pool take up to so long */
	uint64_t jitter_ns; /* more than the distance of two frames reorders them */
};

struct letter {
	uint64_t at;
	struct side *to;
	size_t len;
	uint8_t frame[FRAME_MAX];
};

struct side {
	struct link link;
	struct side *other;
	unsigned seen; /* all events so far */
	uint8_t hlak[LINK_HLAK_SIZE];
	uint64_t answer_user_at;
	uint64_t answer_address_at;
};

struct world {
	struct prng prng;
	struct random_source random;
	const struct weather *weather;
	uint64_t now;
	struct secret password;
	struct eap_tls_ctx *server_tls, *client_tls;
	struct eap_tls_rig_judge judge;
	struct side server, client;
	bool subscribes; /* the client, in this run */
	bool has_prefix; /* the server, for the client */
	bool wants_ipv6; /* the client */
	size_t text_len;
	char text[TEXT_MAX]; /* the description */
	unsigned described;  /* how often it arrived */
	struct letter pipe[PIPE_MAX];
	size_t letters;
	uint8_t buf[OUTBOX_SIZE];
	struct outbox out;
};

/* opaque here: the byte order does not matter */
static const struct link_address assigned = {
	.local = 0x0100000a,
	.peer = 0x0500000a,
	.dns = {0x0100000a, 0x08080808},
	.prefix6 = {0xfd, 0, 0, 1, 0, 2, 0, 3},
};

/* Code 0 is the first byte of a packet that only who has been asked understands. */
static void check_in_band(const struct world *w, const struct side *from)
{
	assert_true(w->subscribes);
	assert_true(link_is_up(&from->link));
	if (from == &w->server)
		assert_true(from->seen & LINK_EV_SUBSCRIBED);
}

static void check_frame(const struct world *w, const struct side *from, const uint8_t *frame,
			size_t len)
{
	unsigned protocol = (unsigned)frame[2] << 8 | frame[3];

	assert_true(len >= 8 && len <= FRAME_MAX);
	assert_int_equal(frame[0] << 8 | frame[1], 0xff03);
	assert_int_equal(frame[6] << 8 | frame[7], len - 4);
	assert_in_range(frame[4], protocol == PPP_LCP ? 0 : 1, protocol == PPP_LCP ? 11 : 7);
	if (frame[4] == VENDOR_CODE)
		check_in_band(w, from);
	if (protocol != PPP_LCP)
		assert_int_not_equal(from->link.lcp.auth, 0);
	if (protocol == PPP_IPCP || protocol == PPP_IPV6CP)
		assert_true(from->seen & LINK_EV_AUTH_OK);
}

static void put_in_pipe(struct world *w, struct side *to, const uint8_t *frame, size_t len)
{
	uint64_t jitter = w->weather->jitter_ns ? prng_next(&w->prng) % w->weather->jitter_ns : 0;
	struct letter *l = &w->pipe[w->letters];

	assert_in_range(w->letters, 0, PIPE_MAX - 1);
	*l = (struct letter){.at = w->now + CLOCK_NS_PER_MS + jitter, .to = to, .len = len};
	memcpy(l->frame, frame, len);
	w->letters++;
}

static void check_events(struct side *s, unsigned events)
{
	if (s->seen & LINK_EV_FINISHED)
		assert_int_equal(events & ~(unsigned)LINK_EV_PEER_TERMINATED, 0);
	if (events & LINK_EV_UP) {
		assert_true((s->seen | events) & LINK_EV_AUTH_OK);
		assert_int_equal(s->seen & (LINK_EV_UP | LINK_EV_AUTH_FAILED), 0);
	}
	assert_int_equal(s->seen & events & LINK_EV_AUTH_FAILED, 0);
	if (s->link.auth.eap)
		assert_int_equal(s->link.phase, LINK_PHASE_AUTHENTICATE);
	if (events & LINK_EV_AUTH_OK)
		memcpy(s->hlak, link_hlak(&s->link), sizeof(s->hlak));
	if (events & LINK_EV_DOWN)
		assert_true(s->seen & LINK_EV_UP);
	if (events & LINK_EV_DOWN6)
		assert_true(s->seen & LINK_EV_UP6);
	if (events & LINK_EV_ADDRESS6)
		assert_true((s->seen | events) & LINK_EV_UP6);
	s->seen |= events;
}

static void check_description(struct world *w)
{
	size_t len;
	const char *text = link_description(&w->client.link, &len);

	assert_int_equal(len, w->text_len);
	if (len)
		assert_memory_equal(text, w->text, len);
	w->described++;
}

static uint64_t answer_time(struct world *w)
{
	return w->now + prng_below(&w->prng, w->weather->answers_s + 1) * CLOCK_NS_PER_S;
}

static void after_step(struct world *w, struct side *s, unsigned events);

/* As a session does, but all of it at once. */
static void describe(struct world *w)
{
	size_t at = 0;

	w->text_len = prng_below(&w->prng, TEXT_MAX);
	for (size_t i = 0; i < w->text_len; i++)
		w->text[i] = (char)prng_next(&w->prng);
	do {
		at = link_describe(&w->server.link, w->text, w->text_len, at, &w->out);
		after_step(w, &w->server, 0);
	} while (at < w->text_len);
}

static void after_step(struct world *w, struct side *s, unsigned events)
{
	uint8_t *msg;
	size_t len, pos = 0;

	check_events(s, events);
	assert_int_equal(w->out.dropped, 0);
	while (outbox_next(&w->out, &pos, &msg, &len)) {
		check_frame(w, s, msg, len);
		if (prng_below(&w->prng, 100) >= w->weather->loss)
			put_in_pipe(w, s->other, msg, len);
		if (prng_below(&w->prng, 100) < w->weather->repeat)
			put_in_pipe(w, s->other, msg, len);
	}
	outbox_clear(&w->out);
	if (events & LINK_EV_DESCRIPTION)
		check_description(w);
	if (events & LINK_EV_SUBSCRIBED)
		describe(w);
	if (events & LINK_EV_USER)
		s->answer_user_at = answer_time(w);
	if (s == &w->server && events & LINK_EV_AUTH_OK)
		s->answer_address_at = answer_time(w);
	if (s->seen & LINK_EV_FINISHED)
		assert_int_equal(link_deadline(&s->link), CLOCK_NEVER);
}

static void answer_user(struct world *w)
{
	struct link_user user = {.has_password = true};

	w->server.answer_user_at = CLOCK_NEVER;
	assert_string_equal(link_user_name(&w->server.link),
			    link_auth_method(&w->server.link) == LINK_AUTH_EAP_TLS ? "worker 7"
										   : "DOM\\User");
	assert_int_equal(nt_hash(PASSWORD, strlen(PASSWORD), user.nt_hash), 0);
	after_step(w, &w->server, link_on_user(&w->server.link, w->now, &user, &w->out));
}

static void answer_address(struct world *w)
{
	struct link_address a = assigned;

	if (!w->has_prefix)
		memset(a.prefix6, 0, sizeof(a.prefix6));
	w->server.answer_address_at = CLOCK_NEVER;
	after_step(w, &w->server, link_on_address(&w->server.link, w->now, &a, &w->out));
}

static void fire_timers(struct world *w, struct side *s)
{
	if (link_deadline(&s->link) > w->now)
		return;
	after_step(w, s, link_on_timer(&s->link, w->now, &w->out));
	assert_true(link_deadline(&s->link) > w->now);
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

	/* in order: frames that arrive at one time keep the order in which they were sent */
	memmove(&w->pipe[i], &w->pipe[i + 1], (--w->letters - i) * sizeof(l));
	after_step(w, l.to, link_input(&l.to->link, w->now, l.frame, l.len, &w->out));
}

static uint64_t next_time(const struct world *w)
{
	uint64_t t = clock_earlier(link_deadline(&w->server.link), link_deadline(&w->client.link));

	t = clock_earlier(t, w->server.answer_user_at);
	t = clock_earlier(t, w->server.answer_address_at);
	return w->letters ? clock_earlier(t, w->pipe[next_letter(w)].at) : t;
}

/* False when nothing will ever happen again, or not before `end`. */
static bool step(struct world *w, uint64_t end)
{
	uint64_t t = next_time(w);

	if (t > end)
		return false;
	w->now = t;
	if (w->letters && w->pipe[next_letter(w)].at <= t)
		deliver(w);
	else if (w->server.answer_user_at <= t)
		answer_user(w);
	else if (w->server.answer_address_at <= t)
		answer_address(w);
	fire_timers(w, &w->server);
	fire_timers(w, &w->client);
	return true;
}

static void init_side(struct world *w, struct side *s, struct side *other, enum link_role role,
		      unsigned auth)
{
	link_done(&s->link); /* of the run before */
	*s = (struct side){
		.other = other,
		.answer_user_at = CLOCK_NEVER,
		.answer_address_at = CLOCK_NEVER,
	};
	link_init(&s->link,
		  &(struct link_params){
			  .role = role,
			  .auth = auth,
			  .mru = 1500,
			  .name = role == LINK_SERVER ? "gw" : "DOM\\User",
			  .password = role == LINK_SERVER ? NULL : &w->password,
			  .random = &w->random,
			  .eap_tls = role == LINK_SERVER ? w->server_tls : w->client_tls,
			  .subscribe = w->subscribes,
			  .ipv6 = role == LINK_CLIENT && w->wants_ipv6,
			  .echo_every_ns =
				  w->subscribes && role == LINK_CLIENT ? 2 * CLOCK_NS_PER_S : 0,
		  });
}

static void start(struct world *w, const struct weather *weather, const char *password,
		  unsigned server_auth, unsigned client_auth)
{
	w->weather = weather;
	w->now = CLOCK_NS_PER_S;
	w->letters = 0;
	w->out = outbox(w->buf, sizeof(w->buf));
	w->random = prng_source(&w->prng);
	w->subscribes = prng_below(&w->prng, 2);
	w->has_prefix = prng_below(&w->prng, 2);
	w->wants_ipv6 = prng_below(&w->prng, 2);
	w->described = 0;
	secret_set(&w->password, password, strlen(password));
	init_side(w, &w->server, &w->client, LINK_SERVER, server_auth);
	init_side(w, &w->client, &w->server, LINK_CLIENT, client_auth);
	after_step(w, &w->server, link_up(&w->server.link, w->now, &w->out));
	after_step(w, &w->client, link_up(&w->client.link, w->now, &w->out));
}

static bool is_finished(const struct side *s)
{
	return s->seen & LINK_EV_FINISHED;
}

static bool both_up(const struct world *w)
{
	return link_is_up(&w->server.link) && link_is_up(&w->client.link);
}

static void check_agreement(const struct world *w)
{
	const struct link_address *s = link_addresses(&w->server.link);
	const struct link_address *c = link_addresses(&w->client.link);

	assert_int_equal(c->local, assigned.peer);
	assert_int_equal(c->peer, assigned.local);
	assert_int_equal(s->peer, assigned.peer);
	assert_memory_equal(c->dns, assigned.dns, sizeof(c->dns));
	assert_memory_equal(w->server.hlak, w->client.hlak, LINK_HLAK_SIZE);
	assert_int_equal(link_auth_method(&w->server.link), link_auth_method(&w->client.link));
}

static void check_ipv6(const struct world *w)
{
	const uint8_t *server = link_address6(&w->server.link);
	const uint8_t *client = link_address6(&w->client.link);

	if (!w->has_prefix || !w->wants_ipv6)
		assert_false(link_is_up6(&w->server.link) || link_is_up6(&w->client.link));
	if (!link_is_up6(&w->server.link))
		return;
	assert_memory_equal(server, assigned.prefix6, LINK_PREFIX6_SIZE);
	assert_memory_equal(server + LINK_PREFIX6_SIZE, link_identifier6(&w->client.link),
			    IP6CP_ID_SIZE);
	if (client)
		assert_memory_equal(client, server, LINK_ADDRESS6_SIZE);
}

/* In fine weather: where both want it, it is there, and a worker knows its address. */
static void check_ipv6_came_up(const struct world *w)
{
	bool both_want = w->has_prefix && w->wants_ipv6;

	assert_int_equal(link_is_up6(&w->server.link), both_want);
	assert_int_equal(link_is_up6(&w->client.link), both_want);
	assert_int_equal(link_address6(&w->client.link) != NULL, both_want && w->subscribes);
}

/*
 * Runs until both are up and quiet, or both have finished. A client that is up while its server has
 * finished learns it from the layer below.
 */
static bool run(struct world *w)
{
	uint64_t end = w->now + PATIENCE_S * CLOCK_NS_PER_S;

	while (!(both_up(w) && !w->letters) &&
	       !(is_finished(&w->server) && is_finished(&w->client)))
		if (!step(w, end))
			break;
	if (both_up(w)) {
		check_agreement(w);
		check_ipv6(w);
		return true;
	}
	if (is_finished(&w->server) && link_is_up(&w->client.link)) {
		assert_int_equal(link_down(&w->client.link), LINK_EV_DOWN);
		return false;
	}
	assert_true(is_finished(&w->server));
	assert_true(is_finished(&w->client));
	return false;
}

static void finish(struct world *w, struct side *closer)
{
	uint64_t end = w->now + 20 * CLOCK_NS_PER_S;

	after_step(w, closer, link_close(&closer->link, w->now, "bye", &w->out));
	while (step(w, end) && !(is_finished(&w->server) && is_finished(&w->client)))
		;
	assert_true(is_finished(closer));
	assert_true(closer->seen & LINK_EV_DOWN);
	assert_false(link_is_up(&closer->link));
}

static const struct weather fine = {.loss = 0};

static const unsigned auths[] = {
	LINK_AUTH_MSCHAPV2,
	LINK_AUTH_PAP,
	LINK_AUTH_EAP_MSCHAPV2,
	LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP,
	LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP,
	LINK_AUTH_EAP_TLS,
	LINK_AUTH_EAP_TLS | LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2,
};

enum {
	AUTHS = sizeof(auths) / sizeof(auths[0]),
	PASSWORD_AUTHS = 5, /* the first ones: not by certificate */
};

static void
P54_P55_links_come_up_at_once_with_nothing_but_whole_frames_and_known_codes(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < AUTHS * AUTHS; i++) {
		unsigned server = auths[i / AUTHS], client = auths[i % AUTHS];

		start(w, &fine, PASSWORD, server, client);
		assert_int_equal(run(w), (server & client) != 0);
		if (!both_up(w))
			continue;
		assert_in_range(w->now, 0, 2 * CLOCK_NS_PER_S);
		assert_int_equal(w->described, w->subscribes);
		check_ipv6_came_up(w);
		finish(w, i % 2 ? &w->server : &w->client);
		assert_true(is_finished(&w->server) && is_finished(&w->client));
	}
}

static void wrong_password_is_refused_on_both_sides_within_seconds(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < PASSWORD_AUTHS; i++) {
		start(w, &fine, "clientpass", auths[i], auths[i]);
		assert_false(run(w));
		assert_true(w->server.seen & w->client.seen & LINK_EV_AUTH_FAILED);
		assert_in_range(w->now, 0, 2 * CLOCK_NS_PER_S);
	}
}

/*
 * Returns how many of the runs came up. With another password than PASSWORD: only methods that ask
 * for one.
 */
static unsigned many_runs(struct world *w, const struct weather *weather, unsigned runs,
			  const char *password)
{
	unsigned n = strcmp(password, PASSWORD) == 0 ? AUTHS : PASSWORD_AUTHS;
	unsigned up = 0;

	for (unsigned i = 0; i < runs; i++) {
		start(w, weather, password, auths[prng_below(&w->prng, n)],
		      auths[prng_below(&w->prng, n)]);
		if (!run(w))
			continue;
		up++;
		finish(w, prng_below(&w->prng, 2) ? &w->server : &w->client);
	}
	printf("# %u of %u up\n", up, runs);
	return up;
}

static void lossy_pipe_ends_up_or_finished_on_both_sides(void **state)
{
	static const struct weather lossy = {.loss = 10, .answers_s = 1};

	assert_in_range(many_runs(*state, &lossy, 2000, PASSWORD), 500, 2000);
}

static void reordering_pipe_ends_up_or_finished_on_both_sides(void **state)
{
	static const struct weather windy = {.answers_s = 1, .jitter_ns = 5 * CLOCK_NS_PER_MS};

	assert_in_range(many_runs(*state, &windy, 2000, PASSWORD), 500, 2000);
}

static void storm_ends_up_or_finished_on_both_sides(void **state)
{
	static const struct weather storm = {
		.loss = 15,
		.repeat = 10,
		.answers_s = 12,
		.jitter_ns = 4 * CLOCK_NS_PER_S,
	};

	assert_in_range(many_runs(*state, &storm, 2000, PASSWORD), 1, 2000);
}

static void storm_never_lets_a_wrong_password_in(void **state)
{
	static const struct weather storm = {
		.loss = 15,
		.repeat = 10,
		.answers_s = 12,
		.jitter_ns = CLOCK_NS_PER_S,
	};

	assert_int_equal(many_runs(*state, &storm, 1000, "clientpass"), 0);
}

static int set_up(void **state)
{
	static struct world world;

	eap_tls_rig_setup(NULL);
	world.server_tls =
		eap_tls_rig_server_ctx(&(struct eap_tls_rig_spec){.version = 0}, &world.judge);
	world.client_tls = eap_tls_rig_client_ctx(&(struct eap_tls_rig_spec){.version = 0});
	prng_init(&world.prng, 20240423);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	link_done(&w->server.link);
	link_done(&w->client.link);
	eap_tls_ctx_unref(w->server_tls);
	eap_tls_ctx_unref(w->client_tls);
	return eap_tls_rig_teardown(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			P54_P55_links_come_up_at_once_with_nothing_but_whole_frames_and_known_codes),
		cmocka_unit_test(wrong_password_is_refused_on_both_sides_within_seconds),
		cmocka_unit_test(lossy_pipe_ends_up_or_finished_on_both_sides),
		cmocka_unit_test(reordering_pipe_ends_up_or_finished_on_both_sides),
		cmocka_unit_test(storm_ends_up_or_finished_on_both_sides),
		cmocka_unit_test(storm_never_lets_a_wrong_password_in),
	};

	return cmocka_run_group_tests_name("sim/ppp", tests, set_up, tear_down);
}
