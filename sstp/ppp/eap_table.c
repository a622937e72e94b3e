/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP as the authenticator and as the peer (RFC 3748 sections 2 and 4; RFC 4137 draws both at
 * length).
 *
 * Where the rows are stricter than the RFC:
 *  - A Nak is good as the answer to a method's first packet, once; any other ends the conversation.
 *  - Success and Failure with another identifier than that of the last request are dropped.
 *  - A client that has begun a method takes no other, and answers no question for its identity.
 */
#include "sstp/ppp/eap_table.h"

#include <stddef.h>

/* clang-format off */

#define GO(what, state, reason) { .action = EAP_DO_##what, .next = EAP_##state, .why = (reason) }

#define IGN      GO(NOTHING, SAME, NULL)
#define ASK      GO(ASK_IDENTITY, IDENTITY, NULL)
#define PROPOSE  GO(PROPOSE, PROPOSED, NULL)
#define BEGIN    GO(BEGIN, TALKING, NULL)
#define INPUT    GO(INPUT, SAME, NULL)
#define USER     GO(USER, SAME, NULL)
#define LOOKUP   GO(LOOKUP, LOOKUP, NULL)
#define TALK     GO(SEND, TALKING, NULL)
#define SEND     GO(SEND, SAME, NULL)
#define PROVEN   GO(SEND, PROVEN, NULL)
#define RESEND   GO(RESEND, SAME, NULL)
#define NAME     GO(SAY_IDENTITY, SAME, NULL)
#define NOTED    GO(SAY_NOTED, SAME, NULL)
#define NAK      GO(SAY_NAK, SAME, NULL)
#define ACCEPT   GO(ACCEPT, OVER, NULL)
#define REFUSE   GO(REFUSE, OVER, NULL)
#define NO(why)  GO(REFUSE, OVER, why)
#define WORD     GO(LAST_WORD, LAST_WORD, NULL)
#define LAST     GO(LAST_WORD, OVER, NULL)
#define END      GO(GIVE_UP, OVER, NULL) /* the refusal was reported with the last word */
#define NOMEM    GO(GIVE_UP, OVER, "no memory for EAP")
#define NOLIST   GO(GIVE_UP, OVER, "the user directory did not answer")
#define SILENT   GO(LEAVE, OVER, "the peer does not answer")

#define NAMELESS NO("the peer does not say who it is")
#define UNWANTED NO("the peer takes none of the EAP methods allowed")
#define BROKEN   NO("the peer breaks the EAP method off")
#define FOREIGN  NO("the server offers none of the EAP methods allowed")
#define EARLY    NO("the server says Success before it has proved itself")
#define TURNED   NO("the server refuses us")

/* Each role's table has the columns of its own states; the other role's can not be reached. */
#define SRV(event, idle, identity, proposed, talking, lookup, last) \
	[EAP_EV_##event] = { \
		[EAP_IDLE] = idle, \
		[EAP_IDENTITY] = identity, \
		[EAP_PROPOSED] = proposed, \
		[EAP_TALKING] = talking, \
		[EAP_LOOKUP] = lookup, \
		[EAP_LAST_WORD] = last, \
		[EAP_PROVEN] = IGN, \
	}

#define CLI(event, idle, talking, proven) \
	[EAP_EV_##event] = { \
		[EAP_IDLE] = idle, \
		[EAP_IDENTITY] = IGN, \
		[EAP_PROPOSED] = IGN, \
		[EAP_TALKING] = talking, \
		[EAP_LOOKUP] = IGN, \
		[EAP_LAST_WORD] = IGN, \
		[EAP_PROVEN] = proven, \
	}

static const struct eap_cell server[EAP_EVENTS][EAP_STATES] = {
/*                    idle   identity  proposed  talking  lookup  last    RFC 3748
 *                                                                word            */
SRV(START,            ASK,   IGN,      IGN,      IGN,     IGN,    IGN),    /* 2 */
SRV(STALE,            IGN,   IGN,      IGN,      IGN,     IGN,    IGN),    /* 4.1 */
SRV(REPEATED,         IGN,   IGN,      IGN,      IGN,     IGN,    IGN),    /* 4.1 */
SRV(IDENTITY,         IGN,   PROPOSE,  IGN,      IGN,     IGN,    IGN),    /* 5.1 */
SRV(NOTIFICATION,     IGN,   IGN,      IGN,      IGN,     IGN,    IGN),    /* 5.2 */
SRV(NAK,              IGN,   NAMELESS, PROPOSE,  BROKEN,  IGN,    END),    /* 5.3.1 */
SRV(NAK_USELESS,      IGN,   NAMELESS, UNWANTED, BROKEN,  IGN,    END),    /* 5.3.1 */
SRV(TYPE,             IGN,   IGN,      INPUT,    INPUT,   IGN,    INPUT),  /* 4.1 */
SRV(OTHER_TYPE,       IGN,   IGN,      IGN,      IGN,     IGN,    IGN),    /* 4.1 */
SRV(OTHER_AGAIN,      IGN,   IGN,      IGN,      IGN,     IGN,    IGN),
SRV(SUCCESS,          IGN,   IGN,      IGN,      IGN,     IGN,    IGN),    /* 4 */
SRV(FAILURE,          IGN,   IGN,      IGN,      IGN,     IGN,    IGN),    /* 4 */
SRV(FAILURE_ON_NAK,   IGN,   IGN,      IGN,      IGN,     IGN,    IGN),
SRV(MORE,             IGN,   IGN,      TALK,     SEND,    TALK,   SEND),   /* 2 */
SRV(ASK,              IGN,   IGN,      LOOKUP,   LOOKUP,  IGN,    END),
SRV(DONE,             IGN,   IGN,      ACCEPT,   ACCEPT,  ACCEPT, END),    /* 4.2 */
SRV(FAILED,           IGN,   IGN,      REFUSE,   REFUSE,  REFUSE, END),    /* 4.2 */
SRV(LAST_WORD,        IGN,   IGN,      WORD,     WORD,    WORD,   SEND),
SRV(NO_MEMORY,        NOMEM, NOMEM,    NOMEM,    NOMEM,   NOMEM,  END),
SRV(USER,             IGN,   IGN,      IGN,      IGN,     USER,   IGN),
SRV(TIMEOUT,          IGN,   RESEND,   RESEND,   RESEND,  NOLIST, END),    /* 4.3 */
SRV(TIMEOUT_LAST,     IGN,   SILENT,   SILENT,   SILENT,  NOLIST, END),    /* 4.3 */
};

static const struct eap_cell client[EAP_EVENTS][EAP_STATES] = {
/*                    idle     talking  proven   RFC 3748 */
CLI(START,            IGN,     IGN,     IGN),
CLI(STALE,            IGN,     IGN,     IGN),    /* 4.1, 4.2 */
CLI(REPEATED,         RESEND,  RESEND,  RESEND), /* 4.1 */
CLI(IDENTITY,         NAME,    IGN,     IGN),    /* 5.1 */
CLI(NOTIFICATION,     NOTED,   NOTED,   NOTED),  /* 5.2 */
CLI(NAK,              IGN,     IGN,     IGN),    /* 5.3.1 */
CLI(NAK_USELESS,      IGN,     IGN,     IGN),
CLI(TYPE,             BEGIN,   INPUT,   IGN),    /* 2 */
CLI(OTHER_TYPE,       NAK,     IGN,     IGN),    /* 5.3.1, 2.1 */
CLI(OTHER_AGAIN,      FOREIGN, IGN,     IGN),
CLI(SUCCESS,          EARLY,   EARLY,   ACCEPT), /* 4.2 */
CLI(FAILURE,          TURNED,  TURNED,  TURNED), /* 4.2 */
CLI(FAILURE_ON_NAK,   FOREIGN, IGN,     IGN),
CLI(MORE,             IGN,     SEND,    IGN),
CLI(ASK,              IGN,     IGN,     IGN),
CLI(DONE,             IGN,     PROVEN,  IGN),
CLI(FAILED,           IGN,     REFUSE,  IGN),
CLI(LAST_WORD,        IGN,     LAST,    IGN),
CLI(NO_MEMORY,        IGN,     NOMEM,   IGN),
CLI(USER,             IGN,     IGN,     IGN),
CLI(TIMEOUT,          IGN,     IGN,     IGN),
CLI(TIMEOUT_LAST,     IGN,     IGN,     IGN),
};

/* clang-format on */

const struct eap_cell *eap_cell(bool is_server, enum eap_state state, enum eap_event event)
{
	return is_server ? &server[event][state] : &client[event][state];
}
