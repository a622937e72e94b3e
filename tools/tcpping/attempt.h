/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TCPPING_ATTEMPT_H
#define TOOLS_TCPPING_ATTEMPT_H
/*
 * One attempt to connect. Its time is its own: the kernel's SYNs go out after 1, 3, 7, 15 and 31 s, and what the original
 * waits, 21 s, is none of its choices.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum attempt_outcome {
	ATTEMPT_SUCCESS,
	ATTEMPT_TIMEOUT,     /* silence */
	ATTEMPT_REFUSED,     /* the host answers: nothing listens there, or a firewall rejects */
	ATTEMPT_UNREACHABLE, /* somebody says so by ICMP, or there is no route here */
	ATTEMPT_BLOCKED,     /* this machine does not let it out: as without a tunnel */
	ATTEMPT_NOT_FOUND,   /* the host's name */
	ATTEMPT_NO_DNS,	     /* no name server has answered */
	ATTEMPT_ERROR,	     /* another error, of `error` */
	ATTEMPT_STOPPED,     /* by a signal */
};

struct attempt {
	enum attempt_outcome outcome;
	int64_t ns;
	int error;	   /* errno's number; 0: none */
	bool is_from_here; /* the kernel has said it at once: no packet has left */
	bool has_icmp;	   /* then who has sent which */
	uint8_t icmp_type; /* of ICMP, or of ICMPv6, as the target's family is */
	uint8_t icmp_code;
	char icmp_from[INET6_ADDRSTRLEN];
};

/* Connects, waits for up to wait_ns, closes. A signal ends it. */
void attempt_run(const struct sockaddr_storage *target, int64_t wait_ns, struct attempt *ret);

/* Its word in JSON: "timeout". */
const char *attempt_outcome_word(enum attempt_outcome outcome);

#endif
