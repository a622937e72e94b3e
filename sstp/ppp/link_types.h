/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_LINK_TYPES_H
#define SSTP_PPP_LINK_TYPES_H
/* What link.h and the protocols below it share. Users of a link include link.h. */
#include <stdbool.h>
#include <stdint.h>

enum {
	LINK_NAME_MAX = 256,   /* user name on the wire, bytes */
	LINK_SECRET_MAX = 256, /* password, bytes of UTF-8 */
	LINK_HLAK_SIZE = 32,
	LINK_NT_HASH_SIZE = 16,
	LINK_THUMBPRINT_MAX = 64, /* characters: SHA-256 in hex; SHA-1 has 40 */
	LINK_MEMO_SIZE = 280,	  /* of the judge of certificates */
	LINK_PREFIX6_SIZE = 8,	  /* of a /64 */
	LINK_ADDRESS6_SIZE = 16,
};

/* Authentication methods, as a set. */
enum link_auth {
	LINK_AUTH_PAP = 1 << 0,
	LINK_AUTH_MSCHAPV2 = 1 << 1,
	LINK_AUTH_EAP_TLS = 1 << 2,
	LINK_AUTH_EAP_MSCHAPV2 = 1 << 3,
	LINK_AUTH_EAP = LINK_AUTH_EAP_TLS | LINK_AUTH_EAP_MSCHAPV2, /* in EAP */
};

/* What the server knows of a user. All zero: one who comes in by certificate only. */
struct link_user {
	/* nt_hash() of the password; PAP is checked against it too */
	uint8_t nt_hash[LINK_NT_HASH_SIZE];
	bool has_password;
};

/* What the link is given, or learns. IPv4 addresses in network byte order. */
struct link_address {
	uint32_t local;	 /* ours; not 0 */
	uint32_t peer;	 /* the other end's */
	uint32_t dns[2]; /* what the server gives the client; 0: none */
	/* server: the first half of the other end's IPv6 addresses, in wire order; zero: it gets none */
	uint8_t prefix6[LINK_PREFIX6_SIZE];
};

#endif
