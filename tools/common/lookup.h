/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_COMMON_LOOKUP_H
#define TOOLS_COMMON_LOOKUP_H
/*
 * Names, the way the app's own resolver has them: what /etc/hosts says, else the servers of resolv.conf, one after the
 * other in the order of the file, LOOKUP_TIMEOUT_MS for each. One dead server costs 3 s, two cost 6 s, and the answer
 * of the next one counts. A server that says that there is no such name has answered: the others are not asked.
 *
 * The original's rule asks all at once and then goes through them in their order, with the same times for dead servers;
 * glibc, which is what an app has, asks in order, and who looks for a fault wants to see the same as the app. Unlike
 * glibc with a single server this asks it once, not twice.
 */
#include <stddef.h>
#include <sys/socket.h>

enum {
	LOOKUP_TIMEOUT_MS = 3000,
	LOOKUP_NAME_MAX = 256, /* with NUL */
	LOOKUP_SERVER_MAX = 64,
	LOOKUP_SERVERS_MAX = 8,
	LOOKUP_ADDRESSES_MAX = 64, /* what is more is left out, as with aliases */
	LOOKUP_ALIASES_MAX = 16,
};

enum lookup_outcome {
	LOOKUP_FOUND,
	LOOKUP_NO_SUCH_NAME, /* a server says so */
	LOOKUP_TIMED_OUT,
	LOOKUP_UNREACHED, /* nothing listens there, or no packet gets there */
	LOOKUP_REFUSED,	  /* the server does not answer this client */
	LOOKUP_FAILED,	  /* it cannot find out, or answers nonsense */
	LOOKUP_BAD_NAME,  /* no name can be like that; nobody was asked */
};

struct lookup_try {
	char server[LOOKUP_SERVER_MAX]; /* address, with a port unless that is 53 */
	enum lookup_outcome outcome;
	unsigned ms;
};

struct lookup {
	enum lookup_outcome outcome; /* of the last one who was asked */
	const char *
		server; /* who answered: in tries, or "/etc/hosts"; "": nobody was asked; NULL: nobody did */
	char name[LOOKUP_NAME_MAX];			   /* the canonical one */
	char aliases[LOOKUP_ALIASES_MAX][LOOKUP_NAME_MAX]; /* what leads there, as asked first */
	size_t n_aliases;
	struct sockaddr_storage addresses[LOOKUP_ADDRESSES_MAX]; /* the best first, RFC 6724 */
	size_t n_addresses;
	struct lookup_try tries[LOOKUP_SERVERS_MAX]; /* the servers that were asked, in order */
	size_t n_tries;
};

struct lookup_params {
	const char *name; /* or an address */
	int family;	  /* AF_INET, AF_INET6, AF_UNSPEC: both */
	const char *
		server; /* ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT alone; NULL: those of resolv.conf */
	const char *resolv_conf; /* NULL: /etc/resolv.conf */
	int timeout_ms;		 /* 0: LOOKUP_TIMEOUT_MS */
};

/*
 * Blocks until it is known. 0 with the outcome in *ret_lookup, which holds no memory; -EINVAL: the server is no address;
 * -ENOMEM.
 */
int lookup_run(const struct lookup_params *params, struct lookup *ret_lookup);

/* Of a server, for people: "timed out". */
const char *lookup_outcome_text(enum lookup_outcome outcome);

/* An address as text, without its port; in buf. */
const char *lookup_address_text(const struct sockaddr_storage *address,
				char buf[LOOKUP_SERVER_MAX]);

#endif
