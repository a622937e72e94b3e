/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_EST_H
#define SSTP_PROTO_EST_H
/*
 * Enrolment over HTTP/1.1 (EST, RFC 7030), the gateway's half, without I/O: reads a request, writes a reply. One request
 * per connection. What stands in a request's body, whether its secret or its certificate is good, and what the answer is,
 * is for the certificate authority to say, which is somebody else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EST_PATH "/.well-known/est"

enum {
	EST_BODY_MAX = 16 * 1024,   /* bytes of a request's body */
	EST_REPLY_MAX = 768 * 1024, /* bytes of a reply's body */
	EST_REPLY_HEAD_MAX = 1024,  /* bytes of what stands in front of it */
	EST_TYPE_MAX = 256,	    /* a reply's content type, and its encoding, with NUL */
	EST_SECRET_SIZE = 32,	    /* a token's secret */
	EST_PEER_SIZE = 64,
};

enum est_operation {
	EST_CACERTS,	    /* RFC 7030 4.1 */
	EST_SIMPLEENROLL,   /* 4.2.1 */
	EST_SIMPLEREENROLL, /* 4.2.2 */
	EST_CSRATTRS,	    /* 4.5 */
};

/* What is handed to the certificate authority. */
struct est_request {
	enum est_operation operation;
	bool wants_network; /* Accept: multipart/mixed: the network's profile beside the certificate */
	bool has_secret;
	uint8_t secret[EST_SECRET_SIZE]; /* what the client showed */
	char peer[EST_PEER_SIZE]; /* its address, without a port: what attempts are counted by */
	uint64_t session;	  /* by which logs know the connection */
	/* borrowed, 1..EST_BODY_MAX bytes of an enrolment; as sent: base64 of a PKCS#10, if all is well */
	const uint8_t *body;
	size_t body_len;
	/* borrowed; DER, not verified, but its key is the client's; NULL: none */
	const uint8_t *cert;
	size_t cert_len;
};

/* All pointers are borrowed. A text that is NULL or "" is none. */
struct est_reply {
	int status;		  /* 200..599 */
	const char *content_type; /* none: the reply has no body */
	const char *encoding;	  /* Content-Transfer-Encoding: "base64" in RFC 7030 4.1.3 */
	unsigned retry_after_s;	  /* 0: says nothing of it */
	const char *allow;	  /* the methods of the path, with 405 */
	const void *body;
	size_t body_len;    /* at most EST_REPLY_MAX */
	const char *reason; /* for the log: printable, no secret */
};

/* A request without its body. */
struct est_head {
	enum est_operation operation;
	bool wants_network;
	bool expects_continue; /* wants to read EST_CONTINUE before it sends the body */
	bool has_secret;
	uint8_t secret[EST_SECRET_SIZE];
	size_t body_len; /* to come; 0: none */
};

#define EST_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* "simpleenroll" */
const char *est_operation_name(enum est_operation operation);

/* The first bytes of a connection are a request for a path at or below EST_PATH, by any method but SSTP's. */
bool est_is_request(const void *buf, size_t len);

/*
 * Parses the header block of what est_is_request(). Returns the bytes consumed, blank line included; 0: need more;
 * -EBADMSG: *ret_refusal is the answer then, its pointers for ever good.
 *
 *   400  malformed: a line, no Host or two, a length that is none or that is told twice, a GET with a body
 *   401  simpleenroll without a secret, 43 characters of base64url: by Bearer, or by Basic as the password
 *   404  a path that is none of the four; also one with a label (RFC 7030 3.2.2)
 *   405  GET where POST is wanted, or the other way round
 *   411, 413  a POST without a length, or of more than EST_BODY_MAX
 *   415  a POST of something else than application/pkcs10
 *   417  an expectation other than 100-continue
 *   431, 505  as http_parse_request()
 *   501  a Transfer-Encoding
 *
 * A secret that cannot be one is the same as none; simplereenroll does without, and so do the two GETs.
 */
int est_parse_head(const void *buf, size_t len, struct est_head *ret_head,
		   struct est_reply *ret_refusal);

/* A reply with a line of text/plain; for ever good. */
struct est_reply est_refusal(int status, const char *text);

/* A body on its way in, of a zeroed one. Room grows with what has come: the length that the client told allocates nothing. */
struct est_body {
	uint8_t *bytes; /* owned */
	size_t len, room;
	size_t want; /* bytes in all, at most EST_BODY_MAX */
};

/* Takes bytes off buf up to want. Returns how many; -ENOMEM. */
int est_body_take(struct est_body *b, const void *buf, size_t len);
bool est_body_is_whole(const struct est_body *b);
/* Takes a zeroed one. */
void est_body_done(struct est_body *b);

/*
 * Writes the reply, header and body; Connection: close. An owner's reply that cannot be sent (status, content type, encoding, size) is
 * replaced by a 500. Bytes, or -ENOSPC: size is less than EST_REPLY_HEAD_MAX + body_len.
 */
int est_write_reply(char *buf, size_t size, const struct est_reply *reply);

/* Copies of all that is borrowed, in one piece of memory; the secret is wiped in _free. NULL without memory. */
struct est_request *est_request_dup(const struct est_request *request);
void est_request_free(struct est_request *request);
struct est_reply *est_reply_dup(const struct est_reply *reply);
void est_reply_free(struct est_reply *reply);

#endif
