/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TCP_FRONT_H
#define SSTP_CONTROL_TCP_FRONT_H
/* The API over TCP as the operator wants it now: none, or a gate that follows what he writes. */
#include "sstp/control/gate.h"

struct tcp_front;

/* What there is to be. */
struct tcp_front_settings {
	struct sockaddr_storage address;
	socklen_t address_len; /* 0: nothing, and keys hold nothing */
	struct gate_keys keys;
};

/* Of settings that nobody took. */
void tcp_front_settings_done(struct tcp_front_settings *s);

struct tcp_front_params {
	struct loop *loop;
	const char *socket; /* of the front; borrowed */
	/* Fills what is taken, or -errno with a sentence. NULL: there is never to be any. */
	int (*load)(void *arg, struct tcp_front_settings *ret_settings,
		    struct certs_error *ret_error);
	void *arg;
};

/* 0 with an owned object that listens if it is to; -errno with a sentence. */
int tcp_front_new(const struct tcp_front_params *params, struct tcp_front **ret_front,
		  struct certs_error *ret_error);

/* Asks again. -errno with a sentence: all stays as it was. */
int tcp_front_reload(struct tcp_front *f, struct certs_error *ret_error);

/* As gate_client(). f may be NULL. */
int tcp_front_client(const struct tcp_front *f, const struct sockaddr *address, socklen_t len,
		     const char *authorization, const char **ret_who);

/* When the loop runs no more passes. Takes NULL. */
void tcp_front_free(struct tcp_front *f);

#endif
