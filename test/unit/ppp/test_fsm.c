/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of RFC 1661 section 4.1 as the specification prints it, in text, compared cell by cell
 * with what fsm_step() does.
 */
#include <stdio.h>
#include <string.h>

#include "sstp/ppp/fsm.h"
#include "test/support/cmocka.h"

/* clang-format off */
static const struct {
	enum fsm_event event;
	const char *cells; /* states 0 to 9; "-": cannot happen */
} rfc[] = {
	{FSM_UP,        "2 irc,scr/6 - - - -          - - - -"},
	{FSM_DOWN,      "- - 0 tls/1 0 1              1 1 1 tld/1"},
	{FSM_OPEN,      "tls/1 1 irc,scr/6 3 5 5      6 7 8 9"},
	{FSM_CLOSE,     "0 tlf/0 2 2 4 4              irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4"},
	{FSM_TO_PLUS,   "- - - - str/4 str/5          scr/6 scr/6 scr/8 -"},
	{FSM_TO_MINUS,  "- - - - tlf/2 tlf/3          tlf/3 tlf/3 tlf/3 -"},
	{FSM_RCR_PLUS,  "- - sta/2 irc,scr,sca/8 4 5  sca/8 sca,tlu/9 sca/8 tld,scr,sca/8"},
	{FSM_RCR_MINUS, "- - sta/2 irc,scr,scn/6 4 5  scn/6 scn/7 scn/6 tld,scr,scn/6"},
	{FSM_RCA,       "- - sta/2 sta/3 4 5          irc/7 scr/6 irc,tlu/9 tld,scr/6"},
	{FSM_RCN,       "- - sta/2 sta/3 4 5          irc,scr/6 scr/6 irc,scr/8 tld,scr/6"},
	{FSM_RTR,       "- - sta/2 sta/3 sta/4 sta/5  sta/6 sta/6 sta/6 tld,zrc,sta/5"},
	{FSM_RTA,       "- - 2 3 tlf/2 tlf/3          6 6 8 tld,scr/6"},
	{FSM_RUC,       "- - scj/2 scj/3 scj/4 scj/5  scj/6 scj/7 scj/8 scj/9"},
	{FSM_RXJ_PLUS,  "- - 2 3 4 5                  6 6 8 9"},
	{FSM_RXJ_MINUS, "- - tlf/2 tlf/3 tlf/2 tlf/3  tlf/3 tlf/3 tlf/3 tld,irc,str/5"},
	{FSM_RXR,       "- - 2 3 4 5                  6 7 8 ser/9"},
};
/* clang-format on */

static const struct {
	const char *word;
	unsigned action;
} words[] = {
	{"tlu", FSM_TLU}, {"tld", FSM_TLD}, {"tls", FSM_TLS}, {"tlf", FSM_TLF}, {"irc", FSM_IRC},
	{"zrc", FSM_ZRC}, {"scr", FSM_SCR}, {"sca", FSM_SCA}, {"scn", FSM_SCN}, {"str", FSM_STR},
	{"sta", FSM_STA}, {"scj", FSM_SCJ}, {"ser", FSM_SER},
};

/* "tld,scr,sca/8", "6" or "-" */
static void parse(const char *cell, int state, unsigned *ret_actions, int *ret_next)
{
	const char *last = cell + strlen(cell) - 1;

	*ret_actions = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(cell, words[i].word))
			*ret_actions |= words[i].action;
	}
	*ret_next = *last == '-' ? state : *last - '0';
}

static void every_cell_is_as_in_rfc_1661(void **state)
{
	for (size_t row = 0; row < sizeof(rfc) / sizeof(rfc[0]); row++) {
		char copy[128], *rest = copy;

		snprintf(copy, sizeof(copy), "%s", rfc[row].cells);
		for (int s = 0; s < FSM_STATES; s++) {
			enum fsm_state now = (enum fsm_state)s;
			char *cell = strtok_r(s ? NULL : copy, " ", &rest);
			unsigned actions;
			int next;

			assert_non_null(cell);
			parse(cell, s, &actions, &next);
			assert_int_equal(fsm_step(&now, rfc[row].event), actions);
			assert_int_equal(now, next);
		}
		assert_null(strtok_r(NULL, " ", &rest));
	}
}

static void every_event_has_its_row(void **state)
{
	assert_int_equal(sizeof(rfc) / sizeof(rfc[0]), FSM_EVENTS);
	for (size_t row = 0; row < FSM_EVENTS; row++)
		assert_int_equal(rfc[row].event, row);
}

static void timer_runs_from_closing_to_ack_sent_only(void **state)
{
	static const char runs[] = "0000111110";

	for (int s = 0; s < FSM_STATES; s++)
		assert_int_equal(fsm_has_timer((enum fsm_state)s), runs[s] - '0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_as_in_rfc_1661),
		cmocka_unit_test(every_event_has_its_row),
		cmocka_unit_test(timer_runs_from_closing_to_ack_sent_only),
	};

	return cmocka_run_group_tests_name("ppp/fsm", tests, NULL, NULL);
}
