/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cell of both state machines of EAP, restated from RFC 3748 and our decisions: what is
 * done, and where it leads. An empty cell is one that changes nothing.
 */
#include "sstp/ppp/eap_table.h"

#include <string.h>

#include "test/support/cmocka.h"

enum {
	SERVER_COLUMNS = 6,
	CLIENT_COLUMNS = 3,
};

static const struct outcome {
	const char *name;
	enum eap_do action;
	int next;
	const char *why;
} outcomes[] = {
	{"-", EAP_DO_NOTHING, EAP_SAME, NULL},
	{"who?", EAP_DO_ASK_IDENTITY, EAP_IDENTITY, NULL},
	{"propose", EAP_DO_PROPOSE, EAP_PROPOSED, NULL},
	{"begin", EAP_DO_BEGIN, EAP_TALKING, NULL},
	{"input", EAP_DO_INPUT, EAP_SAME, NULL},
	{"lookup", EAP_DO_LOOKUP, EAP_LOOKUP, NULL},
	{"user", EAP_DO_USER, EAP_SAME, NULL},
	{"send", EAP_DO_SEND, EAP_SAME, NULL},
	{"talk", EAP_DO_SEND, EAP_TALKING, NULL},
	{"proven", EAP_DO_SEND, EAP_PROVEN, NULL},
	{"again", EAP_DO_RESEND, EAP_SAME, NULL},
	{"name", EAP_DO_SAY_IDENTITY, EAP_SAME, NULL},
	{"noted", EAP_DO_SAY_NOTED, EAP_SAME, NULL},
	{"nak", EAP_DO_SAY_NAK, EAP_SAME, NULL},
	{"yes", EAP_DO_ACCEPT, EAP_OVER, NULL},
	{"no", EAP_DO_REFUSE, EAP_OVER, NULL},
	{"no:name", EAP_DO_REFUSE, EAP_OVER, "the peer does not say who it is"},
	{"no:none", EAP_DO_REFUSE, EAP_OVER, "the peer takes none of the EAP methods allowed"},
	{"no:off", EAP_DO_REFUSE, EAP_OVER, "the peer breaks the EAP method off"},
	{"no:here", EAP_DO_REFUSE, EAP_OVER, "the server offers none of the EAP methods allowed"},
	{"no:early", EAP_DO_REFUSE, EAP_OVER,
	 "the server says Success before it has proved itself"},
	{"no:them", EAP_DO_REFUSE, EAP_OVER, "the server refuses us"},
	{"word", EAP_DO_LAST_WORD, EAP_LAST_WORD, NULL},
	{"last", EAP_DO_LAST_WORD, EAP_OVER, NULL},
	{"end", EAP_DO_GIVE_UP, EAP_OVER, NULL},
	{"end:mem", EAP_DO_GIVE_UP, EAP_OVER, "no memory for EAP"},
	{"end:dir", EAP_DO_GIVE_UP, EAP_OVER, "the user directory did not answer"},
	{"gone", EAP_DO_LEAVE, EAP_OVER, "the peer does not answer"},
};

static const enum eap_state server_columns[SERVER_COLUMNS] = {
	EAP_IDLE, EAP_IDENTITY, EAP_PROPOSED, EAP_TALKING, EAP_LOOKUP, EAP_LAST_WORD,
};
static const enum eap_state client_columns[CLIENT_COLUMNS] = {EAP_IDLE, EAP_TALKING, EAP_PROVEN};

/* clang-format off */
#define EV(name) [EAP_EV_##name] =
static const char *const server[EAP_EVENTS][SERVER_COLUMNS] = {
/*                  idle       identity   proposed   talking    lookup     last word */
EV(START)          {"who?",    "-",       "-",       "-",       "-",       "-"},
EV(STALE)          {"-",       "-",       "-",       "-",       "-",       "-"},
EV(REPEATED)       {"-",       "-",       "-",       "-",       "-",       "-"},
EV(IDENTITY)       {"-",       "propose", "-",       "-",       "-",       "-"},
EV(NOTIFICATION)   {"-",       "-",       "-",       "-",       "-",       "-"},
EV(NAK)            {"-",       "no:name", "propose", "no:off",  "-",       "end"},
EV(NAK_USELESS)    {"-",       "no:name", "no:none", "no:off",  "-",       "end"},
EV(TYPE)           {"-",       "-",       "input",   "input",   "-",       "input"},
EV(OTHER_TYPE)     {"-",       "-",       "-",       "-",       "-",       "-"},
EV(OTHER_AGAIN)    {"-",       "-",       "-",       "-",       "-",       "-"},
EV(SUCCESS)        {"-",       "-",       "-",       "-",       "-",       "-"},
EV(FAILURE)        {"-",       "-",       "-",       "-",       "-",       "-"},
EV(FAILURE_ON_NAK) {"-",       "-",       "-",       "-",       "-",       "-"},
EV(MORE)           {"-",       "-",       "talk",    "send",    "talk",    "send"},
EV(ASK)            {"-",       "-",       "lookup",  "lookup",  "-",       "end"},
EV(DONE)           {"-",       "-",       "yes",     "yes",     "yes",     "end"},
EV(FAILED)         {"-",       "-",       "no",      "no",      "no",      "end"},
EV(LAST_WORD)      {"-",       "-",       "word",    "word",    "word",    "send"},
EV(NO_MEMORY)      {"end:mem", "end:mem", "end:mem", "end:mem", "end:mem", "end"},
EV(USER)           {"-",       "-",       "-",       "-",       "user",    "-"},
EV(TIMEOUT)        {"-",       "again",   "again",   "again",   "end:dir", "end"},
EV(TIMEOUT_LAST)   {"-",       "gone",    "gone",    "gone",    "end:dir", "end"},
};

static const char *const client[EAP_EVENTS][CLIENT_COLUMNS] = {
/*                  idle        talking     proven */
EV(START)          {"-",        "-",        "-"},
EV(STALE)          {"-",        "-",        "-"},
EV(REPEATED)       {"again",    "again",    "again"},
EV(IDENTITY)       {"name",     "-",        "-"},
EV(NOTIFICATION)   {"noted",    "noted",    "noted"},
EV(NAK)            {"-",        "-",        "-"},
EV(NAK_USELESS)    {"-",        "-",        "-"},
EV(TYPE)           {"begin",    "input",    "-"},
EV(OTHER_TYPE)     {"nak",      "-",        "-"},
EV(OTHER_AGAIN)    {"no:here",  "-",        "-"},
EV(SUCCESS)        {"no:early", "no:early", "yes"},
EV(FAILURE)        {"no:them",  "no:them",  "no:them"},
EV(FAILURE_ON_NAK) {"no:here",  "-",        "-"},
EV(MORE)           {"-",        "send",     "-"},
EV(ASK)            {"-",        "-",        "-"},
EV(DONE)           {"-",        "proven",   "-"},
EV(FAILED)         {"-",        "no",       "-"},
EV(LAST_WORD)      {"-",        "last",     "-"},
EV(NO_MEMORY)      {"-",        "end:mem",  "-"},
EV(USER)           {"-",        "-",        "-"},
EV(TIMEOUT)        {"-",        "-",        "-"},
EV(TIMEOUT_LAST)   {"-",        "-",        "-"},
};
/* clang-format on */

static void assert_cell(const struct eap_cell *cell, const char *name)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (strcmp(outcomes[i].name, name) != 0)
			continue;
		assert_int_equal(cell->action, outcomes[i].action);
		assert_int_equal(cell->next, outcomes[i].next);
		assert_string_equal(cell->why ? cell->why : "",
				    outcomes[i].why ? outcomes[i].why : "");
		return;
	}
	fail_msg("no outcome \"%s\"", name);
}

static void every_cell_is_as_specified(void **state)
{
	for (int event = 0; event < EAP_EVENTS; event++) {
		for (int i = 0; i < SERVER_COLUMNS; i++)
			assert_cell(eap_cell(true, server_columns[i], event), server[event][i]);
		for (int i = 0; i < CLIENT_COLUMNS; i++)
			assert_cell(eap_cell(false, client_columns[i], event), client[event][i]);
	}
}

static bool is_among(enum eap_state state, const enum eap_state *columns, int n)
{
	for (int i = 0; i < n; i++) {
		if (columns[i] == state)
			return true;
	}
	return false;
}

static void states_of_the_other_role_change_nothing_and_cannot_be_reached(void **state)
{
	for (int event = 0; event < EAP_EVENTS; event++) {
		for (int s = 0; s < EAP_STATES; s++) {
			const struct eap_cell *as_server = eap_cell(true, s, event);
			const struct eap_cell *as_client = eap_cell(false, s, event);

			if (!is_among(s, server_columns, SERVER_COLUMNS))
				assert_cell(as_server, "-");
			else if (as_server->next < EAP_STATES)
				assert_true(
					is_among(as_server->next, server_columns, SERVER_COLUMNS));
			if (!is_among(s, client_columns, CLIENT_COLUMNS))
				assert_cell(as_client, "-");
			else if (as_client->next < EAP_STATES)
				assert_true(
					is_among(as_client->next, client_columns, CLIENT_COLUMNS));
		}
	}
}

/*
 * X39, P78: the client believes a Success in one place, the server says one after a method's word
 */
static void only_a_method_that_is_done_leads_to_success(void **state)
{
	for (int event = 0; event < EAP_EVENTS; event++) {
		for (int s = 0; s < EAP_STATES; s++) {
			if (eap_cell(true, s, event)->action == EAP_DO_ACCEPT)
				assert_int_equal(event, EAP_EV_DONE);
			if (eap_cell(false, s, event)->action != EAP_DO_ACCEPT)
				continue;
			assert_int_equal(event, EAP_EV_SUCCESS);
			assert_int_equal(s, EAP_PROVEN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_as_specified),
		cmocka_unit_test(states_of_the_other_role_change_nothing_and_cannot_be_reached),
		cmocka_unit_test(only_a_method_that_is_done_leads_to_success),
	};

	return cmocka_run_group_tests_name("ppp/eap_table", tests, NULL, NULL);
}
