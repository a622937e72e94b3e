/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cell of both state machines, restated here from the specification and our decisions, and
 * walked twice: as data, and by driving a call into the state and reporting the event as it comes
 * in practice.
 */
#include "sstp/proto/call_table.h"

#include <stdio.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/unit/proto/call_bench.h"

#define STAYS (-1)

/* What a cell's name in the tables below means: the message sent, and the state after it. */
static const struct outcome {
	const char *name;
	const char *sent; /* NULL: nothing. An ACK's nonce, a CALL_CONNECTED's binding: left out */
	int next;
} outcomes[] = {
	{"-", NULL, STAYS},
	{"keep", NULL, STAYS},
	{"wait", NULL, CALL_CONNECT_REQUEST_PENDING},
	{"request", REQUEST_HEX, CALL_CONNECT_REQUEST_SENT},
	{"ack", "10010030000200010004002800000003", CALL_CONNECTED_PENDING},
	{"nak", "10010016000300010002000e00000001000000040002", STAYS},
	{"auth", NULL, CALL_CONNECT_ACK_RECEIVED},
	{"bind", "10010070000400010003006800000002", CALL_CONNECTED},
	{"open", NULL, CALL_CONNECTED},
	{"echo", ECHO_HEX, STAYS},
	{"reply", REPLY_HEX, STAYS},
	{"A2,5", ABORT_HEX("0000000200000005"), CALL_ABORT_PENDING},
	{"A2,6", ABORT_HEX("0000000200000006"), CALL_ABORT_PENDING},
	{"A2,7", ABORT_HEX("0000000200000007"), CALL_ABORT_PENDING},
	{"A2,8", ABORT_HEX("0000000200000008"), CALL_ABORT_PENDING},
	{"A2,9", ABORT_HEX("0000000200000009"), CALL_ABORT_PENDING},
	{"A3,4", ABORT_HEX("0000000300000004"), CALL_ABORT_PENDING},
	{"A4,4", ABORT_HEX("0000000400000004"), CALL_ABORT_PENDING},
	{"A.own", ABORT_HEX("0000000200000007"), CALL_ABORT_PENDING},
	{"A.too", ABORT_HEX("0000000200000005"), CALL_ABORT_TIMEOUT_PENDING},
	{"calm", NULL, CALL_ABORT_TIMEOUT_PENDING},
	{"disc", DISCONNECT_HEX, CALL_DISCONNECT_ACK_PENDING},
	{"dack", DACK_HEX, CALL_DISCONNECT_TIMEOUT_PENDING},
	{"close", NULL, CALL_DISCONNECTED},
};

enum {
	COLUMNS = 8
};

static const enum call_state columns[2][COLUMNS] = {
	[CALL_SERVER] = {CALL_DISCONNECTED, CALL_CONNECT_REQUEST_PENDING, CALL_CONNECTED_PENDING,
			 CALL_CONNECTED, CALL_ABORT_PENDING, CALL_ABORT_TIMEOUT_PENDING,
			 CALL_DISCONNECT_ACK_PENDING, CALL_DISCONNECT_TIMEOUT_PENDING},
	[CALL_CLIENT] = {CALL_DISCONNECTED, CALL_CONNECT_REQUEST_SENT, CALL_CONNECT_ACK_RECEIVED,
			 CALL_CONNECTED, CALL_ABORT_PENDING, CALL_ABORT_TIMEOUT_PENDING,
			 CALL_DISCONNECT_ACK_PENDING, CALL_DISCONNECT_TIMEOUT_PENDING},
};

/* clang-format off */
#define EV(name) [CALL_EV_##name] =
static const char *const expected[2][CALL_EVENTS][COLUMNS] = {
[CALL_SERVER] = {
/*                      not     request  connected          abort    abort    disc.    disc.
 *                      begun   pending  pending  connected pending  timeout  ack      timeout */
EV(START)              {"wait",  "-",     "-",     "-",      "-",     "-",     "-",     "-"},
EV(REQUEST)            {"-",     "ack",   "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(REQUEST_BAD)        {"-",     "nak",   "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(REQUEST_BAD_AGAIN)  {"-",     "A2,6",  "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(ACK)                {"-",     "A2,5",  "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(ACK_NO_OFFER)       {"-",     "A2,5",  "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(ACK_NO_HASH)        {"-",     "A2,5",  "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(NAK)                {"-",     "A2,5",  "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(NAK_AGAIN)          {"-",     "A2,5",  "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(CONNECTED)          {"-",     "A2,5",  "open",  "A2,5",   "-",     "-",     "-",     "-"},
EV(CONNECTED_EARLY)    {"-",     "A2,5",  "keep",  "A2,5",   "-",     "-",     "-",     "-"},
EV(CONNECTED_EARLY_2)  {"-",     "A2,5",  "A2,5",  "A2,5",   "-",     "-",     "-",     "-"},
EV(CONNECTED_BAD_FORM) {"-",     "A2,5",  "A2,9",  "A2,5",   "-",     "-",     "-",     "-"},
EV(CONNECTED_FORGED)   {"-",     "A2,5",  "A3,4",  "A2,5",   "-",     "-",     "-",     "-"},
EV(ABORT)              {"-",     "A.too", "A.too", "A.too",  "calm",  "-",     "A.too", "-"},
EV(DISCONNECT)         {"-",     "dack",  "dack",  "dack",   "-",     "-",     "dack",  "-"},
EV(DISCONNECT_ACK)     {"-",     "A2,5",  "A2,5",  "A2,5",   "-",     "-",     "close", "-"},
EV(ECHO_REQUEST)       {"-",     "A2,5",  "reply", "reply",  "-",     "-",     "-",     "-"},
EV(ECHO_RESPONSE)      {"-",     "A2,5",  "-",     "-",      "-",     "-",     "-",     "-"},
EV(UNKNOWN)            {"-",     "A2,7",  "A2,7",  "A2,7",   "-",     "-",     "-",     "-"},
EV(MALFORMED)          {"-",     "A2,7",  "A2,7",  "A2,7",   "-",     "-",     "-",     "-"},
EV(AUTH_OK)            {"-",     "-",     "keep",  "-",      "-",     "-",     "-",     "-"},
EV(LOCAL_DISCONNECT)   {"-",     "disc",  "disc",  "disc",   "-",     "-",     "-",     "-"},
EV(LOCAL_ABORT)        {"-",     "A.own", "A.own", "A.own",  "-",     "-",     "-",     "-"},
EV(TIMEOUT)            {"-",     "A2,8",  "A2,8",  "-",      "close", "close", "close", "close"},
EV(HELLO)              {"-",     "-",     "-",     "echo",   "-",     "-",     "-",     "-"},
EV(HELLO_MISSED)       {"-",     "-",     "-",     "close",  "-",     "-",     "-",     "-"},
EV(LOST)               {"-",     "close", "close", "close",  "close", "close", "close", "close"},
},
[CALL_CLIENT] = {
/*                      not       request    ack              abort   abort    disc.    disc.
 *                      begun     sent       received connected pending timeout ack     timeout */
EV(START)              {"request", "-",       "-",     "-",    "-",     "-",     "-",     "-"},
EV(REQUEST)            {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(REQUEST_BAD)        {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(REQUEST_BAD_AGAIN)  {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(ACK)                {"-",       "auth",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(ACK_NO_OFFER)       {"-",       "A2,9",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(ACK_NO_HASH)        {"-",       "A4,4",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(NAK)                {"-",       "request", "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(NAK_AGAIN)          {"-",       "A2,6",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(CONNECTED)          {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(CONNECTED_EARLY)    {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(CONNECTED_EARLY_2)  {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(CONNECTED_BAD_FORM) {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(CONNECTED_FORGED)   {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "-",     "-"},
EV(ABORT)              {"-",       "A.too",   "A.too", "A.too", "calm", "-",     "A.too", "-"},
EV(DISCONNECT)         {"-",       "dack",    "dack",  "dack", "-",     "-",     "dack",  "-"},
EV(DISCONNECT_ACK)     {"-",       "A2,5",    "A2,5",  "A2,5", "-",     "-",     "close", "-"},
EV(ECHO_REQUEST)       {"-",       "-",       "reply", "reply", "-",    "-",     "-",     "-"},
EV(ECHO_RESPONSE)      {"-",       "-",       "-",     "-",    "-",     "-",     "-",     "-"},
EV(UNKNOWN)            {"-",       "A2,7",    "A2,7",  "A2,7", "-",     "-",     "-",     "-"},
EV(MALFORMED)          {"-",       "A2,7",    "A2,7",  "A2,7", "-",     "-",     "-",     "-"},
EV(AUTH_OK)            {"-",       "-",       "bind",  "-",    "-",     "-",     "-",     "-"},
EV(LOCAL_DISCONNECT)   {"-",       "disc",    "disc",  "disc", "-",     "-",     "-",     "-"},
EV(LOCAL_ABORT)        {"-",       "A.own",   "A.own", "A.own", "-",    "-",     "-",     "-"},
EV(TIMEOUT)            {"-",       "A2,8",    "A2,8",  "-",    "close", "close", "close", "close"},
EV(HELLO)              {"-",       "-",       "-",     "echo", "-",     "-",     "-",     "-"},
EV(HELLO_MISSED)       {"-",       "-",       "-",     "close", "-",    "-",     "-",     "-"},
EV(LOST)               {"-",       "close",   "close", "close", "close", "close", "close", "close"},
},
};

/* What being in a state means: how long until its timer, what may pass. */
static const struct {
	unsigned seconds; /* 0: no timer */
	enum call_gate gate;
} meaning[CALL_STATES] = {
	[CALL_DISCONNECTED]               = {0,  CALL_GATE_CLOSED},
	[CALL_CONNECT_REQUEST_PENDING]    = {60, CALL_GATE_CLOSED},
	[CALL_CONNECTED_PENDING]          = {60, CALL_GATE_CONTROL},
	[CALL_CONNECT_REQUEST_SENT]       = {60, CALL_GATE_CLOSED},
	[CALL_CONNECT_ACK_RECEIVED]       = {60, CALL_GATE_CONTROL},
	[CALL_CONNECTED]                  = {60, CALL_GATE_OPEN},
	[CALL_ABORT_PENDING]              = {3,  CALL_GATE_CLOSED},
	[CALL_ABORT_TIMEOUT_PENDING]      = {1,  CALL_GATE_CLOSED},
	[CALL_DISCONNECT_ACK_PENDING]     = {5,  CALL_GATE_CLOSED},
	[CALL_DISCONNECT_TIMEOUT_PENDING] = {1,  CALL_GATE_CLOSED},
};

/* The messages, by the event that they are. */
static const char *const messages[CALL_EVENTS] = {
	[CALL_EV_REQUEST]             = REQUEST_HEX,
	[CALL_EV_REQUEST_BAD]         = "1001000e00010001000100060002",
	[CALL_EV_REQUEST_BAD_AGAIN]   = "1001000e00010001000100060002",
	[CALL_EV_ACK]                 = ACK_HEX("3"),
	[CALL_EV_ACK_NO_OFFER]        = "1001000800020000",
	[CALL_EV_ACK_NO_HASH]         = ACK_HEX("4"),
	[CALL_EV_NAK]                 = NAK_HEX,
	[CALL_EV_NAK_AGAIN]           = NAK_HEX,
	[CALL_EV_CONNECTED_BAD_FORM] = "1001000800040000",
	[CALL_EV_ABORT]               = ABORT_HEX("0000000300000004"),
	[CALL_EV_DISCONNECT]          = DISCONNECT_HEX,
	[CALL_EV_DISCONNECT_ACK]      = DACK_HEX,
	[CALL_EV_ECHO_REQUEST]        = ECHO_HEX,
	[CALL_EV_ECHO_RESPONSE]       = REPLY_HEX,
	[CALL_EV_UNKNOWN]             = "10010008000a0000",
	[CALL_EV_MALFORMED]           = "1001000c00080001 00090003",
};
/* clang-format on */

static const struct outcome *outcome(enum call_role role, enum call_event event, int column)
{
	const char *name = expected[role][event][column];

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
		if (name && !strcmp(outcomes[i].name, name))
			return &outcomes[i];
	}
	fail_msg("no outcome for %s", call_event_name(event));
	return NULL;
}

static void assert_cell(const struct call_cell *cell, const struct outcome *o)
{
	uint8_t sent[128] = {0};

	assert_int_equal(cell->next, o->next == STAYS ? CALL_SAME : o->next);
	if (o->sent)
		hex_decode(o->sent, sent, sizeof(sent));
	assert_int_equal(cell->send, sent[5]);
	if (sent[5] == SSTP_MSG_CALL_ABORT && strcmp(o->name, "A.own") != 0) {
		assert_int_equal(cell->attribute, sent[15]);
		assert_int_equal(cell->status, sent[19]);
	} else {
		assert_int_equal(cell->attribute, 0);
		assert_int_equal(cell->status, 0);
	}
}

static void every_cell_is_as_specified(void **state)
{
	for (int role = 0; role < 2; role++) {
		for (unsigned event = 0; event < CALL_EVENTS; event++) {
			for (int column = 0; column < COLUMNS; column++)
				assert_cell(call_cell(role, columns[role][column], event),
					    outcome(role, event, column));
		}
	}
}

static void cells_of_the_other_roles_states_do_nothing(void **state)
{
	static const enum call_state foreign[2][2] = {
		[CALL_SERVER] = {CALL_CONNECT_REQUEST_SENT, CALL_CONNECT_ACK_RECEIVED},
		[CALL_CLIENT] = {CALL_CONNECT_REQUEST_PENDING, CALL_CONNECTED_PENDING},
	};

	for (int role = 0; role < 2; role++) {
		for (unsigned event = 0; event < CALL_EVENTS; event++) {
			for (int i = 0; i < 2; i++)
				assert_cell(call_cell(role, foreign[role][i], event), &outcomes[0]);
		}
	}
}

/* What must have happened before for the event to be this one. */
static void prepare(struct call_bench *b, enum call_event event)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	bool is_pending = b->call.state == CALL_CONNECTED_PENDING;

	if (event == CALL_EV_REQUEST_BAD_AGAIN || event == CALL_EV_NAK_AGAIN)
		b->call.rejects = 3;
	if (is_pending && (event == CALL_EV_CONNECTED || event == CALL_EV_CONNECTED_FORGED))
		bench_auth_ok(b);
	if (is_pending && event == CALL_EV_CONNECTED_EARLY_2) {
		bench_seal(b, SSTP_HASH_SHA256, msg);
		bench_control(b, msg, sizeof(msg));
	}
	if (event == CALL_EV_HELLO_MISSED && b->call.state == CALL_CONNECTED) {
		b->now += 60 * CLOCK_NS_PER_S;
		bench_timer(b);
	}
}

static unsigned report_connected(struct call_bench *b, enum call_event event)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];

	bench_seal(b, SSTP_HASH_SHA256, msg);
	msg[111] ^= event == CALL_EV_CONNECTED_FORGED;
	return bench_control(b, msg, sizeof(msg));
}

static unsigned report_timer(struct call_bench *b, bool has_timer)
{
	if (has_timer)
		b->now = call_deadline(&b->call);
	return bench_timer(b);
}

static unsigned report(struct call_bench *b, enum call_event event)
{
	bool is_up = b->call.state == CALL_CONNECTED;

	switch (event) {
	case CALL_EV_START: return bench_start(b);
	case CALL_EV_CONNECTED:
	case CALL_EV_CONNECTED_EARLY:
	case CALL_EV_CONNECTED_EARLY_2:
	case CALL_EV_CONNECTED_FORGED: return report_connected(b, event);
	case CALL_EV_AUTH_OK: return bench_auth_ok(b);
	case CALL_EV_LOCAL_DISCONNECT: return bench_disconnect(b);
	case CALL_EV_LOCAL_ABORT: return bench_abort(b, SSTP_STATUS_INVALID_FRAME_RECEIVED);
	case CALL_EV_TIMEOUT: return report_timer(b, !is_up && b->call.state != CALL_DISCONNECTED);
	case CALL_EV_HELLO:
	case CALL_EV_HELLO_MISSED: return report_timer(b, is_up);
	case CALL_EV_LOST: return bench_lost(b);
	default: return bench_control_hex(b, messages[event]);
	}
}

static bool has_link(enum call_state s)
{
	return s == CALL_CONNECTED_PENDING || s == CALL_CONNECT_ACK_RECEIVED || s == CALL_CONNECTED;
}

static unsigned expected_todo(enum call_state from, enum call_state to)
{
	unsigned todo = 0;

	if (from == to)
		return 0;
	if (has_link(to) && !has_link(from))
		todo |= CALL_DO_LINK_UP;
	if (has_link(from) && !has_link(to))
		todo |= CALL_DO_LINK_DOWN;
	if (to == CALL_CONNECTED)
		todo |= CALL_DO_OPEN;
	if (to == CALL_DISCONNECTED)
		todo |= CALL_DO_CLOSE;
	return todo;
}

static void assert_sent(const struct call_bench *b, const char *hex)
{
	uint8_t start[128];
	size_t start_len, len;
	const uint8_t *msg = bench_sent(b, &len);

	assert_int_equal(bench_count_sent(b), hex ? 1 : 0);
	assert_int_equal(b->out.dropped, 0);
	if (!hex)
		return;
	start_len = hex_decode(hex, start, sizeof(start));
	assert_memory_equal(msg, start, start_len);
	assert_int_equal(len, start[2] << 8 | start[3]);
}

static void assert_deadline(const struct call_bench *b, int next, uint64_t before)
{
	unsigned seconds = meaning[b->call.state].seconds;
	bool is_hello = b->call.state == CALL_CONNECTED && before != call_deadline(&b->call);
	uint64_t anew = seconds ? b->now + seconds * CLOCK_NS_PER_S : CLOCK_NEVER;

	assert_int_equal(call_deadline(&b->call), next != STAYS || is_hello ? anew : before);
}

/* A CALL_CONNECTED is only told apart where it is waited for. */
static bool is_told_apart(enum call_event event, enum call_state state)
{
	return event < CALL_EV_CONNECTED || event > CALL_EV_CONNECTED_FORGED ||
	       event == CALL_EV_CONNECTED_BAD_FORM || state == CALL_CONNECTED_PENDING;
}

static void assert_trace(const struct call_bench *b, enum call_state from, enum call_event event,
			 const struct outcome *o)
{
	const struct call_transition *t = &b->call.trace[0];
	bool is_recorded = o->next != STAYS || !strcmp(o->name, "nak");

	assert_int_equal(b->call.ntrace, is_recorded);
	if (!is_recorded)
		return;
	assert_int_equal(t->from, from);
	assert_int_equal(t->to, b->call.state);
	if (is_told_apart(event, from))
		assert_int_equal(t->event, event);
}

static void walk_cell(enum call_role role, enum call_event event, int column)
{
	const struct outcome *o = outcome(role, event, column);
	enum call_state from = columns[role][column];
	enum call_state to = o->next == STAYS ? from : (enum call_state)o->next;
	struct call_bench b;
	unsigned todo;
	uint64_t before;

	bench_init(&b, role, SSTP_HASH_SHA1 | SSTP_HASH_SHA256, 1);
	bench_reach(&b, from);
	assert_int_equal(b.call.state, from);
	prepare(&b, event);
	before = call_deadline(&b.call);
	b.now += CLOCK_NS_PER_S / 4;
	todo = report(&b, event);
	assert_int_equal(b.call.state, to);
	assert_int_equal(todo, expected_todo(from, to));
	assert_int_equal(call_gate(&b.call), meaning[to].gate);
	assert_sent(&b, o->sent);
	assert_deadline(&b, o->next, before);
	assert_trace(&b, from, event, o);
	call_done(&b.call);
}

static void walk_role(enum call_role role)
{
	for (unsigned event = 0; event < CALL_EVENTS; event++) {
		for (int column = 0; column < COLUMNS; column++) {
			print_message("# %s in %s\n", call_event_name(event),
				      call_state_name(&(struct call){.params.role = role},
						      columns[role][column]));
			walk_cell(role, event, column);
		}
	}
}

static void server_does_in_every_state_what_each_event_asks(void **state)
{
	walk_role(CALL_SERVER);
}

static void client_does_in_every_state_what_each_event_asks(void **state)
{
	walk_role(CALL_CLIENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_as_specified),
		cmocka_unit_test(cells_of_the_other_roles_states_do_nothing),
		cmocka_unit_test(server_does_in_every_state_what_each_event_asks),
		cmocka_unit_test(client_does_in_every_state_what_each_event_asks),
	};

	return cmocka_run_group_tests_name("proto/call_table", tests, NULL, NULL);
}
