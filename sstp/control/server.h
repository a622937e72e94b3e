/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_SERVER_H
#define SSTP_CONTROL_SERVER_H
/*
 * The control process: what it is once it has been started. It has the state folder, the CA's keys,
 * the admin socket, a link from the parent, whose end is its own, and over that the channel to the data plane.
 *
 * The data plane talks to strangers, and may be theirs one day. Then it still
 *   - ends every tunnel and sees every packet, and has the key of the gateway's certificate;
 *   - sees the tokens that applicants show, and can use them up for keys of its own;
 *   - can renew certificates that it has seen for keys of its own (est.h);
 *   - can have new tokens name another host, or pin another certificate of the gateway's.
 * It does not get the CA's keys over the channel, nor a certificate for a name that is not the gateway's, nor
 * one for an app that nobody enrols, nor a revocation undone. The data plane has no
 * capability, but it runs as the same user and without a sandbox: who executes code in it does not need the channel.
 */
#include <stdbool.h>
#include <stddef.h>

#include "certs/error.h"
#include "sstp/control/tcp_front.h"

struct server_params {
	int fd;			 /* the link from the parent (peer.h); taken */
	const char *state;	 /* a folder; made when only it is missing */
	const char *socket;	 /* of the operator: front.h */
	const char *bird_socket; /* as bird_socket_path() takes it */
	/*
	 * Whether the operator wants certificates for all of these names, as he has written somewhere that
	 * the data plane does not write; with a sentence when not. Asked whenever the data plane wants one.
	 */
	bool (*may_certify)(void *arg, const char *const *names, size_t n,
			    struct certs_error *ret_error);
	/* What the API over TCP is to be (tcp_front.h): asked at the start, and with each CONFIG. May be NULL. */
	int (*load_api)(void *arg, struct tcp_front_settings *ret_settings,
			struct certs_error *ret_error);
	void *arg;
};

/*
 * Runs until the parent closes its end. Returns the exit code: 1 when it cannot start, which is
 * logged with a sentence.
 */
int server_run(const struct server_params *params);

#endif
