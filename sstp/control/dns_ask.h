/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_DNS_ASK_H
#define SSTP_CONTROL_DNS_ASK_H
/*
 * One question to one name server, over a socket that somebody else has opened where that server is: the addresses of a
 * name, IPv4 and IPv6. UDP only: an answer that is too long for that is taken as far as it goes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "sstp/net/loop.h"

enum {
	DNS_ASK_NAME_MAX = 253, /* bytes */
	DNS_ASK_ADDRESSES_MAX = 16,
	DNS_ASK_PACKET_MAX = 512,
};

#define DNS_ASK_PATIENCE (3 * UINT64_C(1000000000)) /* ns, as the original's */

enum dns_outcome {
	DNS_FOUND,
	DNS_NO_NAME,	/* NXDOMAIN */
	DNS_NO_ADDRESS, /* the name is there, and has none */
	DNS_REFUSED, /* SERVFAIL, REFUSED, what is no answer; or ICMP says that nobody is there */
	DNS_SILENCE, /* nothing in DNS_ASK_PATIENCE */
};

struct dns_answer {
	enum dns_outcome outcome;
	bool is_nobody; /* DNS_REFUSED because ICMP says that nobody is there */
	struct prefix addresses[DNS_ASK_ADDRESSES_MAX]; /* IPv4 first */
	size_t n;
};

/* A question for A (1) or AAAA (28) of name, into buf. Its length; -EINVAL: it is no name. */
int dns_ask_encode(const char *name, uint16_t type, uint16_t id, uint8_t buf[DNS_ASK_PACKET_MAX]);

/*
 * An answer to it: 0 with addresses added to ret_answer and its outcome set; -EBADMSG: it is none, or one to
 * another question, and nothing has changed.
 */
int dns_ask_decode(const uint8_t *packet, size_t len, uint16_t type, uint16_t id,
		   struct dns_answer *ret_answer);

struct dns_ask;

/*
 * Asks both at once. Takes fd, a connected datagram socket, also on failure. on_done is called once, later, from the
 * loop, and may free it. 0 with an owned question; -EINVAL: it is no name; -ENOMEM.
 */
int dns_ask_new(struct loop *loop, int fd, const char *name,
		void (*on_done)(void *arg, const struct dns_answer *answer), void *arg,
		struct dns_ask **ret_ask);
/* Nothing is called any more. Takes NULL. */
void dns_ask_free(struct dns_ask *a);

#endif
