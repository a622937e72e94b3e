/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_STREAM_H
#define SSTP_NET_STREAM_H
/*
 * One TCP connection with TLS, as the packet path wants it: no bufferevent, no memory BIO.
 *
 * Receiving, per ready socket and pass: one recv of up to STREAM_RECV_MAX into the thread's ciphertext
 * scratch; OpenSSL reads it through a custom BIO and decrypts into the thread's plaintext scratch; the owner
 * sees one contiguous run of plaintext and says how much it used. The rest (a partial packet, less than
 * STREAM_KEEP_MAX) is kept and stands in front of the next run. An idle stream owns no buffer of ours.
 *
 * Sending: stream_send() encrypts at once, one call one TLS record (up to 16 KB), into the thread's gather
 * buffer through a custom write BIO; stream_flush() makes one send of what was gathered. What the socket
 * does not take is kept (bounded by one gather buffer and a record), the stream is then blocked, and the owner keeps its
 * plaintext until on_writable. So a blocked stream never holds more ciphertext than that. A peer
 * that takes nothing of it for 60 s ends the stream (STREAM_END_RESET).
 *
 * Why TLS and readiness disagree is dealt with in one place, stream.c: decrypted bytes inside OpenSSL are
 * always drained before the loop waits, and a handshake that wants to write watches for writing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sstp/net/loop.h"
#include "sstp/net/tls.h"

enum {
	STREAM_RECV_MAX = 256 * 1024,
	STREAM_GATHER_MAX = 256 * 1024,
	STREAM_SEND_MAX = 128 * 1024, /* one stream_send() */
	STREAM_KEEP_MAX = 8192,	      /* plaintext the owner may leave unused */
	STREAM_CERT_MAX = 16 * 1024,  /* a client's certificates, all of them */
};

/* Per thread: the scratch buffers all its streams share. */
struct stream_scratch;

/*
 * Returns owned; NULL with errno ENOMEM. Keeps a pass hook on loop that flushes dirty streams and calls on_end:
 * hooks that send on streams are added to the loop before the scratch is made. No pass may follow its freeing.
 */
struct stream_scratch *stream_scratch_new(struct loop *loop);
/* Takes NULL; all its streams must be gone. */
void stream_scratch_free(struct stream_scratch *scratch);

/* How TCP finds its rate: AUTO is CUBIC, or what the machine has set where there is no CUBIC. */
enum stream_congestion {
	STREAM_CONGESTION_AUTO,
	STREAM_CONGESTION_CUBIC,
	STREAM_CONGESTION_BBR,
};

/*
 * For the streams that begin from now on. 0, or -errno when the kernel has no such algorithm (-ENOENT) or refuses it
 * (-EPERM: not in net.ipv4.tcp_allowed_congestion_control); it is AUTO then.
 */
int stream_scratch_set_congestion(struct stream_scratch *scratch,
				  enum stream_congestion congestion);

/*
 * Of a socket; one that listens hands it on to those that it accepts, whatever their process may set. A process that may
 * loads the kernel's module for it. 0 or -errno.
 */
int stream_socket_set_congestion(int fd, enum stream_congestion congestion);

struct stream;

/*
 * Why a stream ended, handed to on_end with a sentence for the log (borrowed for the call, printable). on_end is called
 * at the end of a pass, never from inside a function of this header. After stream_shutdown() it is always LOCAL.
 * After on_end the stream calls nothing any more; the owner frees it with stream_free().
 */
enum stream_end {
	STREAM_END_PEER,	/* close_notify or FIN, between or inside TLS records */
	STREAM_END_RESET,	/* socket error */
	STREAM_END_TLS,		/* handshake or record failure */
	STREAM_END_CERTIFICATE, /* client: the server's certificate or name was refused */
	STREAM_END_CONNECT,	/* client: TCP connect failed */
	STREAM_END_LOCAL,	/* stream_shutdown() is complete */
};

struct stream_ops {
	/* The TLS handshake is complete. */
	void (*on_open)(void *arg);
	/* Plaintext. Returns the bytes used, from the front; or -errno: the owner has ended the stream. */
	ssize_t (*on_data)(void *arg, uint8_t *buf, size_t len);
	/* No longer blocked. */
	void (*on_writable)(void *arg);
	/*
	 * Server: the client has answered stream_request_certificate(). der (borrowed for the call) is its leaf, whose key it
	 * has shown to hold, and nothing else of it was looked at; NULL: it has none to show. NULL where none is ever asked for.
	 */
	void (*on_certificate)(void *arg, const uint8_t *der, size_t len);
	void (*on_end)(void *arg, enum stream_end why, const char *text);
};

/* Takes fd (a connected, accepted TCP socket; also on failure). Borrows ops and arg; takes a reference of
 * tls. Returns owned; NULL with errno set. */
struct stream *stream_accept(struct stream_scratch *scratch, int fd, struct tls_ctx *tls,
			     const struct stream_ops *ops, void *arg);

/*
 * Starts a TCP connection to addr, then TLS as a client; server_name goes into SNI (when a DNS name) and is
 * verified against the certificate (DNS name or IP address). A connect that fails at once is told by on_end
 * as well (STREAM_END_CONNECT). Returns owned; NULL with errno set.
 */
struct stream *stream_connect(struct stream_scratch *scratch, const struct sockaddr *addr,
			      socklen_t addr_len, const char *server_name, struct tls_ctx *tls,
			      const struct stream_ops *ops, void *arg);

/*
 * Encrypts len bytes as one record (more than 16 KB: several). Returns 0; -EAGAIN when blocked, nothing
 * taken; -EPIPE when the stream has ended or is shutting down; -ENOTCONN before on_open; -EMSGSIZE above
 * STREAM_SEND_MAX. Flushes when as much is gathered as the path takes in a millisecond (1400 bytes at least), and when
 * the gather buffer is full or another stream's. A stream that is not blocked always takes one record, even if it
 * becomes blocked by that: who asks stream_is_blocked() first loses nothing.
 */
int stream_send(struct stream *s, const void *buf, size_t len);

/* Sends what was gathered for this stream; also done at the end of each pass. */
void stream_flush(struct stream *s);

/* True while the socket has not taken all ciphertext: send nothing, wait for on_writable. */
bool stream_is_blocked(const struct stream *s);

/*
 * The largest record that the path takes without those behind it waiting long, in bytes of plaintext: 16 KB until the
 * path is known to be slow, then a millisecond's worth, and 1400 at least.
 */
size_t stream_record_max(const struct stream *s);

/* Bytes of ciphertext waiting for the socket, gathered or left over. */
size_t stream_backlog(const struct stream *s);

/* close_notify, what is gathered or waiting, FIN; reads and discards at most 64 KB and 1 s for the peer's end,
 * then on_end(STREAM_END_LOCAL). on_data and on_writable are not called any more. Idempotent. */
void stream_shutdown(struct stream *s);

/* Closes at once without a word when it was not ended before. Takes NULL. Legal inside any callback: memory
 * goes at the end of the pass. */
void stream_free(struct stream *s);

/* Digests of the complete DER of the leaf certificate that the server presented on this connection (either
 * role). Valid after on_open. 0, or -ENOENT. */
int stream_cert_digests(const struct stream *s, uint8_t ret_sha1[20], uint8_t ret_sha256[32]);

/*
 * Server, when open: asks the client for its certificate after the handshake (RFC 8446 4.6.2), once per connection. on_certificate tells
 * the answer; a client that holds another key than its certificate's, or sends more than STREAM_CERT_MAX, is cut off
 * (STREAM_END_TLS). There is no limit in time. Returns 0; -EPROTONOSUPPORT: the connection is TLS 1.2; -EOPNOTSUPP: the
 * client has not offered to be asked; -EALREADY: it was; -EPIPE and
 * -ENOTCONN as stream_send().
 */
int stream_request_certificate(struct stream *s);

/*
 * Server: the tag (struct tls_pair) of the certificates that the name sent by this client led to; TLS_NO_TAG when they
 * have none, and for a client. Valid after on_open.
 */
int stream_server_tag(const struct stream *s);

/*
 * Server: the name that the client has dialled (SNI), as it sent it; NULL: none. Valid after on_open, borrowed until the
 * stream ends.
 */
const char *stream_server_name(const struct stream *s);

enum {
	STREAM_CLIENT_MAX = 256
};

/*
 * Server whose context asks clients (tls_ctx_ask_clients()), after on_open: whose certificate was shown in the
 * handshake. 0 with its subject (RFC 2253, printable ASCII, cut when longer); -ENOENT: none was; -EACCES: one that is
 * not good, with the reason as a sentence's end: "its certificate is not good: certificate has expired".
 */
int stream_client(const struct stream *s, char ret_text[STREAM_CLIENT_MAX]);

/* "TLSv1.3 TLS_AES_128_GCM_SHA256", for logs; borrowed while the stream lives. */
const char *stream_tls_name(const struct stream *s);

/* The peer's address as accepted or dialled. */
const struct sockaddr_storage *stream_peer(const struct stream *s);

#endif
