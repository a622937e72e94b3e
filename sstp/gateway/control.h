/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CONTROL_H
#define SSTP_GATEWAY_CONTROL_H
/*
 * The gateway's control process, as the rest of the gateway sees it: what it has told (the gateway's
 * certificate, who may come in), and what it can be asked (enrolment). While it is down, what it
 * told last stays in effect, and questions are answered with 503.
 *
 * Limit: CONTROL_PENDING_MAX questions at a time; one more is answered with 503 at once.
 */
#include "sstp/base/clock.h"
#include "sstp/control/msg.h"
#include "sstp/gateway/config.h"
#include "sstp/net/loop.h"
#include "sstp/session/access.h"

enum {
	CONTROL_PENDING_MAX = 256,
	CONTROL_ERROR_MAX = CONF_ERROR_MAX,
};

/* How long its first words may take; making a key and a root takes about 10 ms. */
#define CONTROL_START_NS (10 * CLOCK_NS_PER_S)

struct control;
struct tls_ctx;

/* PEM texts, borrowed until the next one comes. */
struct control_certificate {
	const char *chain_pem;
	const char *key_pem; /* a secret */
};

struct control_params {
	const struct gateway_config *config; /* borrowed for the call */
	const struct tls_ctx *tls; /* of the operator's certificates, borrowed likewise; or NULL */
	/* From the loop, but not before control_wait() has returned; must not free the control. */
	void (*on_certificate)(void *arg); /* there is another one */
	void (*on_access)(void *arg);
	/*
	 * From the loop, also before that: what is told of the site (control/msg_site.h). 0 or -errno: it is lost. NULL: nobody wants
	 * to know.
	 */
	int (*on_site)(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len);
	/* As on_access: it runs again, and knows nothing. Or NULL. */
	void (*on_up)(void *arg);
	void *arg;
};

/* 0 with an owned control, which is down; or -ENOMEM, -EMSGSIZE. */
int control_new(struct loop *loop, const struct control_params *params,
		struct control **ret_control);

/*
 * Here is a control process that has just started, or that knows nothing of us, at the other end of fd (channel.h), which is
 * taken. It takes the place of the one before.
 */
void control_attach(struct control *c, int fd);

/*
 * Runs the loop, which must not run yet, until it has told who may come in and, if it is to make one, what certificate to
 * show. Once, before threads are started. 0; -errno with a sentence, also when somebody else stops the loop.
 */
int control_wait(struct control *c, char ret_error[CONTROL_ERROR_MAX]);

/* Who still waits for an answer is told 503. Takes NULL. */
void control_free(struct control *c);

/*
 * The configuration has changed, or the files that it names: tls is what clients are shown from now on.
 * Borrows both for the call.
 */
void control_configure(struct control *c, const struct gateway_config *config,
		       const struct tls_ctx *tls);

/* Takes frame in every case. As channel_send(); -ENOTCONN while it is down. */
int control_send(struct control *c, uint8_t *frame, size_t len);

/* What to show to clients; chain_pem is NULL when it makes none. */
struct control_certificate control_certificate(const struct control *c);

/* Who may come in; returns borrowed until the next on_access. */
struct access *control_access(const struct control *c);

/* From the loop; reply is borrowed for the call. */
typedef void control_answer(void *arg, const struct msg_est_reply *reply);

/*
 * Asks; request is borrowed for the call, its id does not count. cb(arg) is called exactly once,
 * later or from within. Only in the loop's thread.
 */
void control_ask(struct control *c, const struct msg_est_request *request, control_answer *cb,
		 void *arg);

#endif
