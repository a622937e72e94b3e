/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_SESSION_INTERNAL_H
#define SSTP_SESSION_SESSION_INTERNAL_H
/* The session's inside, shared by session.c (life) and the other session_*.c. */
#include "sstp/net/listen.h"
#include "sstp/proto/http.h"
#include "sstp/session/fq.h"
#include "sstp/session/session.h"

/*
 * The session's own limits, on top of the engines' timers:
 *   TLS     from accept or connect until the handshake is done
 *   HTTP    the preamble: server 10 s, client 60 s (MS-SSTP 3.2.2.1)
 *   AUTH    from accept until PPP authentication has ended, whatever the peer does
 */
#define LIMIT_TLS	  (10 * CLOCK_NS_PER_S)
#define LIMIT_HTTP_SERVER (10 * CLOCK_NS_PER_S)
#define LIMIT_HTTP_CLIENT (60 * CLOCK_NS_PER_S)
#define LIMIT_AUTH	  (120 * CLOCK_NS_PER_S)

enum session_phase {
	SESSION_TLS,
	SESSION_HTTP,
	SESSION_EST, /* enrols instead of what follows */
	SESSION_CALL,
	SESSION_CLOSING, /* said goodbye to the stream, or told the owner */
};

struct session {
	struct loop_reap reap;
	struct session_env *env;
	struct session_params params;
	enum call_role role;
	enum session_phase phase;
	uint64_t began_at;
	struct stages stages;
	uint64_t phase_until; /* the phase's own limit: TLS, HTTP, authentication */
	struct stream *stream;
	struct loop_timer *timer;
	struct http_request request; /* server: what came first */
	struct session_est *est;     /* server: owned; NULL: it does not enrol */
	struct call call;
	struct link link;
	const char *user_refused; /* server: why the user may not come in; NULL: he may */
	bool binding_done;	  /* CALL_DO_OPEN happened */
	bool is_up;
	bool is_up6;	   /* with is_up */
	bool link_running; /* the link's lower layer is up */
	bool is_single;	   /* http_reads_packet_by_packet(): a record has one packet */
	bool in_burst;	   /* on_packet() was called, on_burst_end() not yet */
	bool link_closing; /* asked to end on our side */
	bool ended;	   /* on_end was called */
	bool is_dirty;
	struct session *next_dirty;
	enum session_end end;
	enum session_side ended_by; /* of the reason */
	struct fq data;		    /* packets that wait for the stream */
	uint8_t *control;	    /* packets that leave at the end of the pass; NULL: none */
	size_t control_len;
	char *description; /* server: owned; NULL: none */
	size_t description_len;
	size_t description_sent; /* of these bytes */
	bool description_due;	 /* not all of it was sent */
	struct traffic traffic;
	uint8_t address6[LINK_ADDRESS6_SIZE]; /* client: told to the owner; zero: none */
	char peer[ADDRESS_TEXT_MAX];
	char user[4 * LINK_NAME_MAX]; /* escaped; "" before it is known */
	char reason[SESSION_REASON_MAX];
};

/* Sends the outbox's messages as control packets, or as PPP frames in data packets. Cuts the session off when the peer has
 * let the control queue overflow; then returns false. */
bool session_send_control(struct session *s, struct outbox *out);
bool session_send_frames(struct session *s, struct outbox *out);

/* Of fq.on_drop: shows what the queue drops. */
void session_on_queue_drop(struct fq *q, const struct pbuf *p, enum drop_reason why);

/* Something waits: the session is packed at the end of the pass. */
void session_mark_dirty(struct session *s);

/* Sends what waits, control first, packed into records, as far as the stream takes it. */
void session_pack(struct session *s);

/* Sends the record that is being packed, whosever it is. */
void session_flush_record(struct session_env *env);

/* Lets go of all that waits, before the stream goes. */
void session_tx_done(struct session *s);

/* The preamble: the client's request; and whichever block comes from the peer, of which it returns the bytes used. */
void session_send_http(struct session *s);
size_t session_on_http(struct session *s, const uint8_t *buf, size_t len);

/*
 * What the client wants is to be enrolled: session_est.c takes over. The phase is SESSION_EST then, until it closes or is
 * cut; session_on_est() returns the bytes used. The others may be called in that phase only; _done() in any.
 */
void session_start_est(struct session *s);
size_t session_on_est(struct session *s, const uint8_t *buf, size_t len);
void session_est_on_certificate(struct session *s, const uint8_t *der, size_t len);
void session_est_flush(struct session *s);
void session_est_answer(struct session *s, const struct est_reply *reply);
void session_est_expired(struct session *s);
void session_est_stop(struct session *s);
void session_est_done(struct session *s);

/* The preamble is done: SSTP begins. */
void session_start_call(struct session *s);

/* SSTP packets as received. Returns the bytes used: whole packets. */
size_t session_on_sstp(struct session *s, uint8_t *buf, size_t len);

/* Runs the engines' timers that are due. */
void session_run_timers(struct session *s);

/* Ends the call in order: PPP first, then SSTP; session_close() follows. */
void session_end_call(struct session *s);

/* To a peer that has subscribed: why session_disconnect() follows. */
void session_announce_close(struct session *s, uint8_t code, const char *why);

/* The connection is gone or of no more use: tells the SSTP engine, and logs its step. */
void session_lose_call(struct session *s);

/* PPP's lower layer is gone: packets flow no more, and the owner hears of it. */
void session_stop_link(struct session *s);

/* Ends in order from here on: the stream says goodbye, and the owner hears of it when it is done. */
void session_close(struct session *s);

/* It has passed this stage, now. */
void session_pass(struct session *s, enum stage stage);

/* Before session_note(), when it is not our end that ends it; the first reason's stands. */
void session_blame(struct session *s, enum session_side side);

/* Notes why it ends; the first reason stands. */
void session_note(struct session *s, enum session_end end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Cuts the connection now and tells the owner. */
void session_cut(struct session *s);

#endif
