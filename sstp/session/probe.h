/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_PROBE_H
#define SSTP_SESSION_PROBE_H
/*
 * One question to the network in a session's name, an ICMP echo or a TCP SYN, and what is an answer to it.
 *
 * Pure: packets out and in. An answer must come from where the question went, to where it came from, and know a number that
 * only who has seen the question knows; an ICMP error must quote it. Nothing else is taken away from the session.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROBE_PACKET_MAX = 1500, /* bytes of a question, or of a reset */
	PROBE_ADDRESS_SIZE = 16,
};

struct probe {
	uint8_t family;			 /* AF_INET, AF_INET6 */
	uint8_t src[PROBE_ADDRESS_SIZE]; /* the first 4 bytes for IPv4 */
	uint8_t dst[PROBE_ADDRESS_SIZE];
	uint16_t port;	 /* 0: an echo */
	uint16_t own;	 /* source port, or the echo's identifier; random */
	uint32_t number; /* sequence, or in the echo; random */
	uint16_t
		size; /* bytes of the question, which is padded; less than it has: those, never fragmented */
	uint8_t ttl; /* hops; 0: enough */
};

enum probe_outcome {
	PROBE_ECHO,
	PROBE_OPEN,    /* SYN-ACK */
	PROBE_CLOSED,  /* RST */
	PROBE_ICMP,    /* an error */
	PROBE_REFUSED, /* by the gateway */
	PROBE_SILENCE, /* in time there was no answer */
	PROBE_NO_SESSION, /* none that is up and has an address of this family, or no such other address */
	PROBE_BUSY, /* there are too many at once */
};

struct probe_answer {
	enum probe_outcome outcome;
	uint8_t from[PROBE_ADDRESS_SIZE];
	uint8_t type, code; /* of ICMP */
};

/* The question. Returns its length. */
size_t probe_put(const struct probe *p, uint8_t ret_packet[PROBE_PACKET_MAX]);

/* What ends the connection that a SYN-ACK has half opened. Returns its length. */
size_t probe_put_reset(const struct probe *p, uint8_t ret_packet[PROBE_PACKET_MAX]);

/* Is it an answer? Any bytes. */
bool probe_take(const struct probe *p, const uint8_t *pkt, size_t len,
		struct probe_answer *ret_answer);

#endif
