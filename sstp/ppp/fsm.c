/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/fsm.h"

#include <stdint.h>

struct cell {
	uint16_t actions;
	uint8_t next;
};

enum {
	tlu = FSM_TLU,
	tld = FSM_TLD,
	tls = FSM_TLS,
	tlf = FSM_TLF,
	irc = FSM_IRC,
	zrc = FSM_ZRC,
	scr = FSM_SCR,
	sca = FSM_SCA,
	scn = FSM_SCN,
	str = FSM_STR,
	sta = FSM_STA,
	scj = FSM_SCJ,
	ser = FSM_SER,
};

/* a cell without actions: stay in, or move to, state n */
#define TO(n)        \
	{            \
		0, n \
	}

/*
 * RFC 1661 section 4.1, the state transition table, in the order and with the words of the
 * specification. Cells that are "-" there (cannot happen, or packets to a layer that is down) stay
 * where they are. Its options are not taken: passive ("p") and restart ("r").
 */
/* clang-format off */
static const struct cell table[FSM_EVENTS][FSM_STATES] = {
	/*
	 * 0 Initial 1 Starting      2 Closed        3 Stopped              4 Closing   5 Stopping 6
	 * Req-Sent        7 Ack-Rcvd        8 Ack-Sent        9 Opened
	 */
	[FSM_UP] = {
		TO(2),     {irc|scr, 6}, TO(2),        TO(3),               TO(4),     TO(5),
		TO(6),           TO(7),          TO(8),          TO(9)},
	[FSM_DOWN] = {
		TO(0),     TO(1),        TO(0),        {tls, 1},            TO(0),     TO(1),
		TO(1),           TO(1),          TO(1),          {tld, 1}},
	[FSM_OPEN] = {
		{tls, 1},  TO(1),        {irc|scr, 6}, TO(3),               TO(5),     TO(5),
		TO(6),           TO(7),          TO(8),          TO(9)},
	[FSM_CLOSE] = {
		TO(0),     {tlf, 0},     TO(2),        TO(2),               TO(4),     TO(4),
		{irc|str, 4},    {irc|str, 4},   {irc|str, 4},   {tld|irc|str, 4}},
	[FSM_TO_PLUS] = {
		TO(0),     TO(1),        TO(2),        TO(3),               {str, 4},  {str, 5},
		{scr, 6},        {scr, 6},       {scr, 8},       TO(9)},
	[FSM_TO_MINUS] = {
		TO(0),     TO(1),        TO(2),        TO(3),               {tlf, 2},  {tlf, 3},
		{tlf, 3},        {tlf, 3},       {tlf, 3},       TO(9)},
	[FSM_RCR_PLUS] = {
		TO(0),     TO(1),        {sta, 2},     {irc|scr|sca, 8},    TO(4),     TO(5),
		{sca, 8},        {sca|tlu, 9},   {sca, 8},       {tld|scr|sca, 8}},
	[FSM_RCR_MINUS] = {
		TO(0),     TO(1),        {sta, 2},     {irc|scr|scn, 6},    TO(4),     TO(5),
		{scn, 6},        {scn, 7},       {scn, 6},       {tld|scr|scn, 6}},
	[FSM_RCA] = {
		TO(0),     TO(1),        {sta, 2},     {sta, 3},            TO(4),     TO(5),
		{irc, 7},        {scr, 6},       {irc|tlu, 9},   {tld|scr, 6}},
	[FSM_RCN] = {
		TO(0),     TO(1),        {sta, 2},     {sta, 3},            TO(4),     TO(5),
		{irc|scr, 6},    {scr, 6},       {irc|scr, 8},   {tld|scr, 6}},
	[FSM_RTR] = {
		TO(0),     TO(1),        {sta, 2},     {sta, 3},            {sta, 4},  {sta, 5},
		{sta, 6},        {sta, 6},       {sta, 6},       {tld|zrc|sta, 5}},
	[FSM_RTA] = {
		TO(0),     TO(1),        TO(2),        TO(3),               {tlf, 2},  {tlf, 3},
		TO(6),           TO(6),          TO(8),          {tld|scr, 6}},
	[FSM_RUC] = {
		TO(0),     TO(1),        {scj, 2},     {scj, 3},            {scj, 4},  {scj, 5},
		{scj, 6},        {scj, 7},       {scj, 8},       {scj, 9}},
	[FSM_RXJ_PLUS] = {
		TO(0),     TO(1),        TO(2),        TO(3),               TO(4),     TO(5),
		TO(6),           TO(6),          TO(8),          TO(9)},
	[FSM_RXJ_MINUS] = {
		TO(0),     TO(1),        {tlf, 2},     {tlf, 3},            {tlf, 2},  {tlf, 3},
		{tlf, 3},        {tlf, 3},       {tlf, 3},       {tld|irc|str, 5}},
	[FSM_RXR] = {
		TO(0),     TO(1),        TO(2),        TO(3),               TO(4),     TO(5),
		TO(6),           TO(7),          TO(8),          {ser, 9}},
};
/* clang-format on */

unsigned fsm_step(enum fsm_state *state, enum fsm_event event)
{
	const struct cell *c = &table[event][*state];

	*state = c->next;
	return c->actions;
}

bool fsm_has_timer(enum fsm_state state)
{
	return state >= FSM_CLOSING && state <= FSM_ACK_SENT;
}
