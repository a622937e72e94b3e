/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_PPP_RIG_H
#define TEST_UNIT_PPP_RIG_H
/*
 * One link on the bench: frames go in and come out as hex, the clock is moved by hand, the random
 * bytes are those of a script. Every frame that comes out must be expected, in order.
 */
#include <stdint.h>

#include "sstp/ppp/link.h"
#include "test/support/cmocka.h"

/*
 * What the link draws: its magic number, then a challenge of 16 bytes; then the same from the
 * start.
 */
#define RIG_MAGIC      "deadbeef"
#define RIG_CHALLENGE  "5b5d7c7d7b3f2f3e3c2c602132262628"
#define RIG_PEER_MAGIC "11223344"

/* User and password of RFC 2759 section 9.2. */
#define RIG_USER     "User"
#define RIG_PASSWORD "clientPass"
/* Its exchange with RIG_CHALLENGE: the response's value with its size; the success's message; the key. */
#define RIG_VALUE                                            \
	"3121402324255e262a28295f2b3a337c7e0000000000000000" \
	"82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df00"
#define RIG_PROOF                                                                      \
	"533d343037413535383931313546443044363230394635313046453943303435363639333243" \
	"44413536204d3d4f4b"
#define RIG_HLAK "d5f0e9521e3ea9589645e86051c822268b7cdc149b993a1ba118cb153f56dccb"
/* The failure's message, whatever was wrong. */
#define RIG_REFUSAL                                                                                \
	"453d36393120523d3020433d3542354437433744374233463246334533433243363032313332323632363238" \
	"20563d33204d3d426164"

struct rig {
	struct link link;
	uint64_t now;
	uint8_t buf[OUTBOX_SIZE];
	struct outbox out;
	size_t read;
	uint8_t random[64];
	size_t random_len;
	size_t random_pos;
	struct random_source source;
	struct secret password;
};

/* random_hex: what the link draws, over and over. The link is initialised, not up. */
void rig_init(struct rig *r, enum link_role role, unsigned auth, const char *random_hex);

/* These return the events. They fail the test when a frame of the step before was not expected. */
unsigned rig_up(struct rig *r);
unsigned rig_feed(struct rig *r, const char *frame_hex);
unsigned rig_feed_bytes(struct rig *r, const uint8_t *frame, size_t len);
/*
 * A frame that begins like this, then a value of zeros behind its size, then a name of so many bytes; the Length of its
 * packet is right. value_size is what is said, value what is there.
 */
unsigned rig_feed_named(struct rig *r, const char *head_hex, uint8_t value_size, size_t value,
			size_t name);
/* The peer answers our last Configure-Request of protocol (hex) with an Ack. */
unsigned rig_ack(struct rig *r, const char *request_hex);
/* password NULL: no such user */
unsigned rig_user(struct rig *r, const char *password);
/* Dotted quads; NULL: none. */
unsigned rig_address(struct rig *r, const char *local, const char *peer, const char *dns1,
		     const char *dns2);
unsigned rig_close(struct rig *r, const char *why);
/* Moves the clock, and fires each deadline on the way. */
unsigned rig_wait(struct rig *r, uint64_t ms);

/* The next frame that came out. */
void rig_expect(struct rig *r, const char *frame_hex);
/* The next frame begins like this. */
void rig_expect_start(struct rig *r, const char *frame_hex);
/* Nothing (more) came out. */
void rig_expect_silence(struct rig *r);
/* The key for the crypto binding is that of RIG_HLAK; is none. */
void rig_expect_key(const struct rig *r);
void rig_expect_no_key(const struct rig *r);
/* Forgets what came out; returns the number of frames. */
size_t rig_skip(struct rig *r);

/*
 * Short cuts: a server with LCP open and its challenge out; with the user accepted; with IPCP open.
 */
void rig_server_lcp(struct rig *r, unsigned auth);
void rig_server_authenticated(struct rig *r);
void rig_server_open(struct rig *r);
/* A client with LCP open; with IPCP open, which is authenticated and then IPCP alone. */
void rig_client_lcp(struct rig *r, unsigned auth);
void rig_client_open(struct rig *r);
void rig_client_authenticated(struct rig *r);
void rig_client_ipcp(struct rig *r);

/* The response of RFC 2759 to RIG_CHALLENGE, and what it gets, identifier 01. */
extern const char rig_response[];
extern const char rig_success[];
extern const char rig_failure[];

#endif
