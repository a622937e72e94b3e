/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_AUTH_H
#define SSTP_PPP_AUTH_H
/*
 * The authentication phase, either role: what PAP, MS-CHAPv2 and EAP have in common.
 *
 *   server  IDLE -> [SENT] -> LOOKUP -> ACCEPTED | REFUSED   SENT: a challenge, or an EAP request
 *   client  IDLE -> SENT -> ACCEPTED | REFUSED               SENT: the request or response
 *
 * A method is a row of functions (struct auth_method); another method is another row. The decision
 * is made once: from ACCEPTED and REFUSED no packet leads away, a repeated question gets the same
 * answer again, or none (EAP). A user that does not exist takes the same path, and time, as a wrong
 * password.
 *
 * Limits: 10 transmissions, 3 s apart; 10 s for the user directory. The phase as a whole is bounded
 * by the link. What EAP needs while it talks is allocated when it begins, and freed when it has
 * ended in whatever way.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/base/outbox.h"
#include "sstp/base/random.h"
#include "sstp/base/secret.h"
#include "sstp/ppp/frame.h"
#include "sstp/ppp/link_types.h"
#include "sstp/ppp/mschapv2.h"
#include "sstp/ppp/reason.h"

#define AUTH_RESEND_NS (3 * CLOCK_NS_PER_S)
#define AUTH_LOOKUP_NS (10 * CLOCK_NS_PER_S)

enum {
	AUTH_MAX_TRIES = 10,
};

enum auth_state {
	AUTH_IDLE,
	AUTH_SENT,
	AUTH_LOOKUP,
	AUTH_ACCEPTED,
	AUTH_REFUSED,
};

/* What a call asks of the owner. */
enum auth_result {
	AUTH_ASK_USER = 1 << 0, /* server: auth_on_user() about user */
	AUTH_OK = 1 << 1,	/* hlak is valid */
	AUTH_FAILED = 1 << 2,	/* refused: reason says why */
	/*
	 * The link is to end; what had to be sent is in the outbox. Comes with AUTH_FAILED, or
	 * later when the peer still has to hear why; without AUTH_FAILED nobody was refused: there
	 * was no answer in time, or no memory, and reason says so.
	 */
	AUTH_OVER = 1 << 3,
};

struct eap;
struct eap_tls_ctx;
struct auth;

struct auth_method {
	unsigned bits; /* enum link_auth */
	uint16_t protocol;
	/* Server: sends the challenge, if there is one; client: the request, if it speaks first. */
	unsigned (*start)(struct auth *a, uint64_t now, struct outbox *out);
	unsigned (*input)(struct auth *a, uint64_t now, const struct ppp_packet *p,
			  struct outbox *out);
	/* Server, in LOOKUP: the directory's answer; user NULL: unknown. */
	unsigned (*on_user)(struct auth *a, uint64_t now, const struct link_user *user,
			    struct outbox *out);
	/* The deadline has passed. */
	unsigned (*on_timer)(struct auth *a, uint64_t now, struct outbox *out);

	/* For auth_judge_password() and auth_repeat(). */

	/* Server, in LOOKUP: whether the peer knew the password; then hlak is set. */
	bool (*verify)(struct auth *a, const uint8_t nt_hash[LINK_NT_HASH_SIZE]);
	/* Server: tells the decision, the same bytes each time. */
	void (*answer)(const struct auth *a, struct outbox *out);
	/* In SENT, for the role that started the timer with auth_sent(): the same bytes again. */
	void (*resend)(const struct auth *a, struct outbox *out);
};

struct auth_params {
	bool server;
	const char *name;		    /* borrowed */
	const struct secret *password;	    /* client: borrowed; NULL: none */
	const struct random_source *random; /* borrowed */
	struct eap_tls_ctx *eap_tls;	    /* borrowed; NULL: EAP-TLS is not among the methods */
};

struct auth {
	struct auth_params params;
	const struct auth_method *method; /* NULL: none agreed on yet */
	enum auth_state state;
	unsigned allowed; /* enum link_auth: what method may use */
	unsigned agreed;  /* one of them; 0: none yet */
	uint16_t peer_mru;
	uint8_t id; /* of the challenge, or of the request */
	uint8_t tries;
	uint64_t deadline; /* resend, or give the lookup up */
	uint16_t user_len;
	char user[LINK_NAME_MAX + 1];
	bool has_hash; /* client: the password is good UTF-8; server: PAP's was */
	uint8_t nt_hash[LINK_NT_HASH_SIZE]; /* of the password: ours (client), the peer's by PAP */
	uint8_t hlak[LINK_HLAK_SIZE];
	struct reason reason;
	struct eap *eap; /* owned; NULL: EAP does not talk, or talks no more */
	/* the method's own, all zero when it begins */
	union {
		struct { /* MS-CHAPv2, alone or in EAP */
			uint8_t challenge[MSCHAPV2_CHALLENGE_SIZE];
			uint8_t peer_challenge[MSCHAPV2_CHALLENGE_SIZE];
			uint8_t nt_response[MSCHAPV2_RESPONSE_SIZE];
			uint8_t proof[MSCHAPV2_PROOF_SIZE];
		};
		struct auth_tls {	   /* EAP-TLS */
			bool refused_peer; /* its certificate is why it failed */
			/* server: */
			uint8_t hlak_compat[LINK_HLAK_SIZE];
			char thumbprint[LINK_THUMBPRINT_MAX + 1]; /* of the peer's certificate */
			bool has_memo;
			uint8_t memo[LINK_MEMO_SIZE];
		} tls;
	};
};

void auth_init(struct auth *a, const struct auth_params *params);

/* Wipes it. */
void auth_done(struct auth *a);

/*
 * The phase begins, with the protocol that LCP agreed on: one bit, or some of LINK_AUTH_EAP. Begins
 * anew after LCP went down. peer_mru: bounds EAP's packets.
 */
unsigned auth_start(struct auth *a, unsigned methods, uint16_t peer_mru, uint64_t now,
		    struct outbox *out);

/* LCP went down. Not to be called once AUTH_OK was given. */
void auth_stop(struct auth *a);

/*
 * The phase is left, in whatever way: frees what was only needed to talk, and a key that nobody
 * gets.
 */
void auth_leave(struct auth *a);

unsigned auth_input(struct auth *a, uint64_t now, uint16_t protocol, const struct ppp_packet *p,
		    struct outbox *out);

/* Server, answer to AUTH_ASK_USER; user NULL: unknown. Ignored when nothing was asked. */
unsigned auth_on_user(struct auth *a, uint64_t now, const struct link_user *user,
		      struct outbox *out);

/* The key has been taken: wipes it, and on the client what it was made of. */
void auth_wipe_key(struct auth *a);

unsigned auth_on_timer(struct auth *a, uint64_t now, struct outbox *out);

/* For the methods. */

/*
 * Server: takes the user's name. False when it cannot be one: too long, or with a zero byte in it.
 */
bool auth_set_user(struct auth *a, const uint8_t *name, size_t len);
bool auth_is_user(const struct auth *a, const uint8_t *name, size_t len);
unsigned auth_ask(struct auth *a, uint64_t now);
unsigned auth_accept(struct auth *a);
unsigned auth_refuse(struct auth *a, const char *sentence, const void *peer_text, size_t len);
/* The same when reason is set already. */
unsigned auth_refused(struct auth *a);
/* A first transmission: starts the resend timer. */
void auth_sent(struct auth *a, uint64_t now);

/*
 * Server: why a user who has to know a password is not let in; NULL when he is. proved: whether the
 * peer knew that of auth_hash_of(), which takes the same time for a user who does not exist.
 */
const char *auth_why_not(const struct link_user *user, bool proved);
const uint8_t *auth_hash_of(const struct link_user *user);

/* on_user and on_timer of the methods of one question and one answer. */
unsigned auth_judge_password(struct auth *a, uint64_t now, const struct link_user *user,
			     struct outbox *out);
unsigned auth_repeat(struct auth *a, uint64_t now, struct outbox *out);

#endif
