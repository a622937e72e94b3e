/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream is a socket, an SSL object and the custom BIO between them.
 *
 * Why TLS and readiness disagree: the loop knows when the socket has bytes, the owner wants to know when there is
 * plaintext, and OpenSSL may hold either when the other is empty. Here they are brought together by one rule:
 * whatever a recv() gave is read out of OpenSSL until it asks for more (SSL_ERROR_WANT_READ), in the same pass and
 * before the owner is called. So nothing decrypted ever waits for a readiness that will not come, and the
 * ciphertext scratch is empty again when the pass goes on. In the other direction OpenSSL never waits at all: the
 * BIO takes every byte, and only gather.c knows that a socket can be full.
 *
 * Callbacks are called from the loop only, never from inside stream_send(), stream_flush(), stream_shutdown() or
 * stream_free(): an end that is found there is told at the end of the pass. After every callback the stream may be
 * freed, so each caller of one looks at the state before it goes on.
 */
#include "sstp/net/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/net/bio.h"
#include "sstp/net/gather.h"
#include "sstp/net/listen.h"
#include "sstp/net/pace.h"
#include "sstp/net/tcp.h"
#include "sstp/net/tls_internal.h"

enum {
	/* what one recv can decrypt to, behind kept bytes and a record of which OpenSSL had the beginning */
	PLAIN_SIZE = STREAM_KEEP_MAX + STREAM_RECV_MAX + SSL3_RT_MAX_PLAIN_LENGTH,
	SCRATCH_SIZE = STREAM_RECV_MAX + PLAIN_SIZE + STREAM_GATHER_MAX,
	LINGER_BYTES = 64 * 1024,
	/* few bytes fill no path: a stream of small packets asks the kernel nothing */
	LOOK_AFTER_BYTES = 16 * 1024,
};

static const uint64_t linger_ns = CLOCK_NS_PER_S;

enum state {
	CONNECTING,  /* TCP */
	HANDSHAKING, /* TLS */
	OPEN,
	CLOSING, /* stream_shutdown() was called */
	ENDED,	 /* on_end was called or waits for the end of the pass */
	FREED,	 /* memory waits for the end of the pass */
};

struct stream_scratch {
	struct loop *loop;
	enum stream_congestion congestion;
	BIO_METHOD *bio;
	struct gather gather;
	uint8_t *cipher;
	uint8_t *plain;
	TAILQ_HEAD(, stream) ending; /* on_end is due */
};

struct stream {
	struct loop_reap reap; /* first: stream_reap() */
	struct stream_scratch *scratch;
	struct loop_io *io;
	struct loop_timer *linger; /* only while closing */
	SSL *ssl;
	struct tls_ctx *tls;
	const struct stream_ops *ops;
	void *arg;
	enum state state;
	bool fin_sent;
	bool cert_asked;   /* stream_request_certificate() was called */
	bool cert_arrived; /* the client has answered, on_certificate was not called yet */
	size_t discarded;  /* bytes, while closing */
	struct bio_ends bio;
	uint8_t *kept; /* what the owner left unused, or NULL */
	size_t kept_len;
	uint64_t records; /* sent under the present key */
	uint64_t records_max;
	struct pace pace;
	uint32_t unsent_set, held_set; /* what the socket has of pace's */
	size_t sent_since;	       /* bytes, since the last look at the path */
	bool ending;
	enum stream_end why;
	char *text; /* NULL when out of memory */
	TAILQ_ENTRY(stream) next_ending;
	struct sockaddr_storage peer;
	char tls_name[64];
};

static void end(struct stream *s, enum stream_end why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void close_socket(struct stream *s)
{
	loop_io_free(s->io);
	s->io = NULL;
	loop_timer_free(s->linger);
	s->linger = NULL;
	outlet_drop(&s->bio.out);
	if (s->bio.out.fd >= 0)
		close(s->bio.out.fd);
	s->bio.out.fd = -1;
}

/* Once stream_shutdown() was called every end is its completion. */
static void end(struct stream *s, enum stream_end why, const char *fmt, ...)
{
	va_list ap;

	if (s->state >= ENDED)
		return;
	s->why = s->state == CLOSING ? STREAM_END_LOCAL : why;
	s->state = ENDED;
	va_start(ap, fmt);
	if (vasprintf(&s->text, fmt, ap) < 0)
		s->text = NULL;
	va_end(ap);
	/* an alert that says why, or the answer to close_notify; if the socket is full, so be it */
	outlet_flush(&s->bio.out);
	close_socket(s);
	s->ending = true;
	TAILQ_INSERT_TAIL(&s->scratch->ending, s, next_ending);
}

static void tell_end(struct stream *s)
{
	s->ending = false;
	TAILQ_REMOVE(&s->scratch->ending, s, next_ending);
	s->ops->on_end(s->arg, s->why, s->text ? s->text : "out of memory");
}

static void pass_ends(void *arg)
{
	struct stream_scratch *scratch = arg;

	do {
		if (scratch->gather.owner)
			outlet_flush(scratch->gather.owner);
		while (!TAILQ_EMPTY(&scratch->ending))
			tell_end(TAILQ_FIRST(&scratch->ending));
	} while (scratch->gather.owner);
}

/* One mapping for the three buffers, present from the start: no page fault comes on the packet path. */
static void *map_scratch(void)
{
	void *map = mmap(NULL, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

struct stream_scratch *stream_scratch_new(struct loop *loop)
{
	struct stream_scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->loop = loop;
	TAILQ_INIT(&scratch->ending);
	scratch->bio = bio_method_new();
	scratch->cipher = map_scratch();
	if (scratch->cipher) {
		scratch->plain = scratch->cipher + STREAM_RECV_MAX;
		scratch->gather = gather(scratch->plain + PLAIN_SIZE, STREAM_GATHER_MAX);
	}
	if (!scratch->bio || !scratch->cipher || loop_on_pass_end(loop, pass_ends, scratch) < 0) {
		stream_scratch_free(scratch);
		errno = ENOMEM;
		return NULL;
	}
	return scratch;
}

void stream_scratch_free(struct stream_scratch *scratch)
{
	if (!scratch)
		return;
	BIO_meth_free(scratch->bio);
	if (scratch->cipher)
		munmap(scratch->cipher, SCRATCH_SIZE);
	free(scratch);
}

static void open_done(struct stream *s)
{
	bool tls13 = SSL_version(s->ssl) == TLS1_3_VERSION;

	s->state = OPEN;
	s->records_max = tls13 ? s->tls->key_records : UINT64_MAX;
	snprintf(s->tls_name, sizeof(s->tls_name), "%s %s", SSL_get_version(s->ssl),
		 SSL_get_cipher_name(s->ssl));
	s->ops->on_open(s->arg);
}

static void handshake(struct stream *s)
{
	char refused[TLS_ERROR_MAX];
	char text[TLS_ERROR_MAX];

	switch (tls_handshake(s->ssl, refused)) {
	case SSL_ERROR_NONE: open_done(s); break;
	case SSL_ERROR_WANT_READ: break;
	default:
		if (*refused)
			end(s, STREAM_END_CERTIFICATE, "%s", refused);
		else
			end(s, STREAM_END_TLS, "%s", tls_failure_text(text));
	}
}

/* Keeps the rest for the next time in a buffer of its own: the scratch is everybody's. */
static void keep(struct stream *s, const uint8_t *rest, size_t len)
{
	uint8_t *copy = NULL;

	if (len > STREAM_KEEP_MAX) {
		end(s, STREAM_END_LOCAL, "%zu bytes left unused, more than may be kept", len);
		return;
	}
	if (len) {
		copy = malloc(len);
		if (!copy) {
			end(s, STREAM_END_RESET, "out of memory");
			return;
		}
		memcpy(copy, rest, len);
	}
	free(s->kept);
	s->kept = copy;
	s->kept_len = len;
}

static void deliver(struct stream *s, uint8_t *buf, size_t len)
{
	ssize_t used = s->ops->on_data(s->arg, buf, len);

	if (s->state != OPEN)
		return;
	if (used < 0) {
		end(s, STREAM_END_LOCAL, "ended by its owner: %s", strerror((int)-used));
		return;
	}
	assert((size_t)used <= len);
	keep(s, buf + used, len - (size_t)used);
}

/*
 * What SSL_get_error() would say of an SSL_read() that gave nothing, but without the thread's queue of errors: what
 * somebody else has left there is not the stream's, and for who wakes up and has nothing in the cache, only to see that
 * the queue is empty takes as long as a system call.
 */
static int why_nothing(const SSL *ssl)
{
	if (SSL_want_read(ssl))
		return SSL_ERROR_WANT_READ;
	/* a fatal alert ends what comes in as well, but puts OpenSSL's state machine in its error state */
	return SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN && !SSL_in_init(ssl)
		       ? SSL_ERROR_ZERO_RETURN
		       : SSL_ERROR_SSL;
}

/* Has OpenSSL seen all there is? Asking it is cheaper than an SSL_read() that finds nothing. */
static bool is_all_read(const struct stream *s)
{
	return s->bio.in_len == 0 && !SSL_has_pending(s->ssl);
}

/* Reads all that OpenSSL can decrypt of the scratch behind *len bytes of plain. Returns what SSL_get_error() would say. */
static int decrypt(struct stream *s, size_t *len)
{
	uint8_t *plain = s->scratch->plain;
	int n;

	do {
		n = SSL_read(s->ssl, plain + *len, (int)(PLAIN_SIZE - *len));
		if (n <= 0)
			return why_nothing(s->ssl);
		*len += (size_t)n;
	} while (!is_all_read(s));
	return SSL_ERROR_WANT_READ;
}

static void tell_certificate(struct stream *s)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);
	uint8_t *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : 0;

	s->cert_arrived = false;
	if (len < 0)
		end(s, STREAM_END_RESET, "out of memory");
	else
		s->ops->on_certificate(s->arg, der, (size_t)len);
	OPENSSL_free(der);
}

static void read_plaintext(struct stream *s)
{
	uint8_t *plain = s->scratch->plain;
	char text[TLS_ERROR_MAX] = "";
	size_t len = s->kept_len;
	int result;

	if (s->kept)
		memcpy(plain, s->kept, s->kept_len);
	result = decrypt(s, &len);
	/* the error queue is the thread's: ask before the owner does something else with TLS */
	if (result != SSL_ERROR_WANT_READ && result != SSL_ERROR_ZERO_RETURN)
		tls_newest_failure_text(text);
	if (len > s->kept_len)
		deliver(s, plain, len);
	/* the last message of the client's answer was there; after a failure it was not good */
	if (s->state == OPEN && s->cert_arrived &&
	    (result == SSL_ERROR_WANT_READ || result == SSL_ERROR_ZERO_RETURN))
		tell_certificate(s);
	if (s->state != OPEN || result == SSL_ERROR_WANT_READ)
		return;
	if (result == SSL_ERROR_ZERO_RETURN) {
		SSL_shutdown(s->ssl);
		end(s, STREAM_END_PEER, "closed by the peer");
	} else {
		end(s, STREAM_END_TLS, "%s", text);
	}
}

static void discard(struct stream *s, size_t len)
{
	s->discarded += len;
	if (s->discarded > LINGER_BYTES)
		end(s, STREAM_END_LOCAL, "shut down while the peer went on sending");
}

static void peer_finished(struct stream *s)
{
	if (s->state == HANDSHAKING)
		end(s, STREAM_END_PEER, "closed by the peer during the TLS handshake");
	else if (s->state == CLOSING)
		end(s, STREAM_END_LOCAL, "shut down");
	else
		end(s, STREAM_END_PEER, "closed by the peer without close_notify");
}

static void consume(struct stream *s, size_t len)
{
	s->bio.in = s->scratch->cipher;
	s->bio.in_len = len;
	if (s->state == HANDSHAKING)
		handshake(s);
	if (s->state == OPEN)
		read_plaintext(s);
	/* the scratch is the next stream's, whatever OpenSSL left in it */
	s->bio.in_len = 0;
}

static void receive(struct stream *s)
{
	ssize_t n = recv(s->bio.out.fd, s->scratch->cipher, STREAM_RECV_MAX, MSG_DONTWAIT);

	if (n > 0 && s->state == CLOSING)
		discard(s, (size_t)n);
	else if (n > 0)
		consume(s, (size_t)n);
	else if (n == 0)
		peer_finished(s);
	else if (errno != EAGAIN && errno != EINTR)
		end(s, STREAM_END_RESET, "connection lost: %s", strerror(errno));
}

static void watch(struct stream *s)
{
	unsigned ready = LOOP_READ | (outlet_is_blocked(&s->bio.out) ? LOOP_WRITE : 0);

	if (loop_io_watch(s->io, ready) < 0)
		end(s, STREAM_END_RESET, "out of memory");
}

/* More than an eighth off: a system call for less is not worth it. */
static bool is_off(uint32_t set, uint32_t wanted)
{
	uint32_t gap = set > wanted ? set - wanted : wanted - set;

	return gap > wanted / 8 || (set && !wanted);
}

/* What does TCP say of the path? At most 100 times a second. */
static void look_at_path(struct stream *s, bool is_full)
{
	uint64_t now = loop_now(s->scratch->loop);
	struct pace_facts facts;

	if (!pace_is_due(&s->pace, now) || tcp_facts(s->bio.out.fd, &facts) < 0)
		return;
	s->sent_since = 0;
	pace_on_facts(&s->pace, now, &facts, is_full);
	if (is_off(s->unsent_set, s->pace.unsent)) {
		s->unsent_set = s->pace.unsent;
		tcp_set_unsent(s->bio.out.fd, s->unsent_set);
	}
	if (is_off(s->held_set, s->pace.held)) {
		s->held_set = s->pace.held;
		tcp_set_held(s->bio.out.fd, s->held_set);
	}
}

static void out_changed(struct outlet *out)
{
	struct stream *s = (struct stream *)((char *)out - offsetof(struct stream, bio.out));

	if (s->state >= ENDED)
		return;
	if (out->error) {
		end(s, STREAM_END_RESET, "connection lost: %s", strerror(out->error));
		return;
	}
	watch(s);
	if (s->state < ENDED)
		look_at_path(s, true);
}

static void linger_expired(void *arg)
{
	end(arg, STREAM_END_LOCAL, "shut down; the peer did not close its side");
}

/* Arms the limit of the present step of closing. */
static void linger(struct stream *s)
{
	if (!s->linger)
		s->linger = loop_timer_new(s->scratch->loop, linger_expired, s);
	if (s->linger)
		loop_timer_set(s->linger, loop_now(s->scratch->loop) + linger_ns);
	else
		end(s, STREAM_END_LOCAL, "shut down");
}

/* While closing, when the socket has taken everything. */
static void send_fin(struct stream *s)
{
	if (s->state != CLOSING || s->fin_sent || outlet_waiting(&s->bio.out))
		return;
	s->fin_sent = true;
	if (shutdown(s->bio.out.fd, SHUT_WR) < 0)
		end(s, STREAM_END_LOCAL, "shut down");
	else
		linger(s);
}

static void drain(struct stream *s)
{
	look_at_path(s, true);
	outlet_drain(&s->bio.out);
	if (s->state >= ENDED || outlet_is_blocked(&s->bio.out))
		return;
	watch(s);
	send_fin(s);
	if (s->state == OPEN)
		s->ops->on_writable(s->arg);
}

static void connected(struct stream *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->bio.out.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		end(s, STREAM_END_CONNECT, "cannot connect: %s", strerror(error));
		return;
	}
	s->state = HANDSHAKING;
	watch(s);
	if (s->state == HANDSHAKING)
		handshake(s);
}

static void ready(void *arg, unsigned bits)
{
	struct stream *s = arg;

	if (s->state == CONNECTING)
		connected(s);
	else if (bits & LOOP_WRITE)
		drain(s);
	else
		receive(s);
}

/* The names are the kernel's. */
static const char *congestion_name(enum stream_congestion congestion)
{
	return congestion == STREAM_CONGESTION_BBR ? "bbr" : "cubic";
}

int stream_socket_set_congestion(int fd, enum stream_congestion congestion)
{
	return tcp_set_congestion(fd, congestion_name(congestion));
}

int stream_scratch_set_congestion(struct stream_scratch *scratch, enum stream_congestion congestion)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : tcp_set_congestion(fd, congestion_name(congestion));

	if (fd >= 0)
		close(fd);
	scratch->congestion = r < 0 ? STREAM_CONGESTION_AUTO : congestion;
	return congestion == STREAM_CONGESTION_AUTO ? 0 : r;
}

/* Nothing of it is needed for the stream to work, and a test's socket pair has none of it. */
static void tune_socket(struct stream *s)
{
	int fd = s->bio.out.fd;

	pace_init(&s->pace);
	s->unsent_set = s->pace.unsent;
	tcp_tune(fd);
	tcp_set_unsent(fd, s->unsent_set);
	tcp_set_congestion(fd, congestion_name(s->scratch->congestion));
}

static void release(struct stream *s)
{
	close_socket(s);
	SSL_free(s->ssl);
	s->ssl = NULL;
	tls_ctx_unref(s->tls);
	s->tls = NULL;
	free(s->kept);
	s->kept = NULL;
}

static void stream_reap(struct loop_reap *node)
{
	struct stream *s = (struct stream *)node;

	/* only now: on_end's text is borrowed for the call, in which the stream may be freed */
	free(s->text);
	free(s);
}

/* Takes fd and ssl, also on failure. */
static struct stream *stream_new(struct stream_scratch *scratch, int fd, SSL *ssl,
				 struct tls_ctx *tls, unsigned watched)
{
	struct stream *s = calloc(1, sizeof(*s));
	BIO *bio = s ? bio_new(scratch->bio, &s->bio) : NULL;

	if (!ssl || !bio) {
		BIO_free(bio);
		SSL_free(ssl);
		free(s);
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	s->reap.free_fn = stream_reap;
	s->scratch = scratch;
	s->ssl = ssl;
	s->tls = tls_ctx_ref(tls);
	s->bio.out =
		(struct outlet){.gather = &scratch->gather, .fd = fd, .on_change = out_changed};
	s->io = loop_io_new(scratch->loop, fd, watched, ready, s);
	if (!s->io) {
		int error = errno;

		release(s);
		free(s);
		errno = error;
		return NULL;
	}
	return s;
}

struct stream *stream_accept(struct stream_scratch *scratch, int fd, struct tls_ctx *tls,
			     const struct stream_ops *ops, void *arg)
{
	struct stream *s = stream_new(scratch, fd, tls_session_new_server(tls), tls, LOOP_READ);
	socklen_t len = sizeof(s->peer);

	if (!s)
		return NULL;
	tune_socket(s);
	s->ops = ops;
	s->arg = arg;
	s->state = HANDSHAKING;
	/* a peer that is gone already has no address; the first recv will tell */
	if (getpeername(fd, (struct sockaddr *)&s->peer, &len) == 0)
		address_unmap(&s->peer);
	return s;
}

struct stream *stream_connect(struct stream_scratch *scratch, const struct sockaddr *addr,
			      socklen_t addr_len, const char *server_name, struct tls_ctx *tls,
			      const struct stream_ops *ops, void *arg)
{
	int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stream *s;

	if (fd < 0)
		return NULL;
	s = stream_new(scratch, fd, tls_session_new_client(tls, server_name), tls, 0);
	if (!s)
		return NULL;
	tune_socket(s);
	s->ops = ops;
	s->arg = arg;
	s->state = CONNECTING;
	memcpy(&s->peer, addr, addr_len);
	if (connect(fd, addr, addr_len) < 0 && errno != EINPROGRESS)
		end(s, STREAM_END_CONNECT, "cannot connect: %s", strerror(errno));
	else if (loop_io_watch(s->io, LOOP_WRITE) < 0)
		end(s, STREAM_END_CONNECT, "cannot connect: out of memory");
	return s;
}

/* Counts the records to come, and changes the key before the cipher's limit. */
static void count_records(struct stream *s, size_t records)
{
	if (s->records + records > s->records_max) {
		SSL_key_update(s->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		s->records = 0;
	}
	s->records += records;
}

int stream_send(struct stream *s, const void *buf, size_t len)
{
	size_t records = (len + SSL3_RT_MAX_PLAIN_LENGTH - 1) / SSL3_RT_MAX_PLAIN_LENGTH;
	char text[TLS_ERROR_MAX];

	if (s->state != OPEN)
		return s->state < OPEN ? -ENOTCONN : -EPIPE;
	if (len > STREAM_SEND_MAX)
		return -EMSGSIZE;
	if (stream_is_blocked(s))
		return -EAGAIN;
	if (!outlet_has_room(&s->bio.out, len + records * SSL3_RT_MAX_ENCRYPTED_OVERHEAD))
		stream_flush(s);
	if (s->state != OPEN)
		return -EPIPE;
	/* blocked by our own flush: the owner could not know, and has packed the record already */
	if (stream_is_blocked(s) && records > 1)
		return -EAGAIN;
	if (len == 0)
		return 0;
	s->sent_since += len;
	if (s->sent_since >= LOOK_AFTER_BYTES)
		look_at_path(s, false);
	count_records(s, records);
	if (SSL_write(s->ssl, buf, (int)len) != (int)len) {
		end(s, STREAM_END_TLS, "%s", tls_newest_failure_text(text));
		return -EPIPE;
	}
	if (outlet_waiting(&s->bio.out) >= s->pace.burst)
		stream_flush(s);
	return 0;
}

size_t stream_record_max(const struct stream *s)
{
	return s->pace.record;
}

void stream_flush(struct stream *s)
{
	outlet_flush(&s->bio.out);
}

bool stream_is_blocked(const struct stream *s)
{
	return outlet_is_blocked(&s->bio.out);
}

size_t stream_backlog(const struct stream *s)
{
	return outlet_waiting(&s->bio.out);
}

void stream_shutdown(struct stream *s)
{
	enum state was = s->state;

	if (was >= CLOSING)
		return;
	if (was == CONNECTING) {
		end(s, STREAM_END_LOCAL, "shut down");
		return;
	}
	s->state = CLOSING;
	linger(s);
	if (was == OPEN && s->state == CLOSING) {
		ERR_clear_error();
		SSL_shutdown(s->ssl);
	}
	stream_flush(s);
	send_fin(s);
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	assert(s->state != FREED);
	if (s->ending)
		TAILQ_REMOVE(&s->scratch->ending, s, next_ending);
	s->state = FREED;
	release(s);
	loop_reap(s->scratch->loop, &s->reap);
}

int stream_cert_digests(const struct stream *s, uint8_t ret_sha1[20], uint8_t ret_sha256[32])
{
	const X509 *cert;

	if (!*s->tls_name)
		return -ENOENT;
	cert = SSL_is_server(s->ssl) ? SSL_get_certificate(s->ssl)
				     : SSL_get0_peer_certificate(s->ssl);
	if (!cert || !X509_digest(cert, EVP_sha1(), ret_sha1, NULL) ||
	    !X509_digest(cert, EVP_sha256(), ret_sha256, NULL))
		return -ENOENT;
	return 0;
}

/* A client's Finished after the handshake ends its answer; OpenSSL lets none in that was not asked for. */
static void on_tls_message(int sent, int version, int type, const void *buf, size_t len, SSL *ssl,
			   void *arg)
{
	struct stream *s = arg;

	if (!sent && type == SSL3_RT_HANDSHAKE && len && *(const uint8_t *)buf == SSL3_MT_FINISHED)
		s->cert_arrived = true;
}

int stream_request_certificate(struct stream *s)
{
	char text[TLS_ERROR_MAX];

	if (s->state != OPEN)
		return s->state < OPEN ? -ENOTCONN : -EPIPE;
	if (s->cert_asked)
		return -EALREADY;
	if (SSL_version(s->ssl) != TLS1_3_VERSION)
		return -EPROTONOSUPPORT;
	SSL_set_verify(s->ssl, SSL_VERIFY_PEER, NULL);
	SSL_set_max_cert_list(s->ssl, STREAM_CERT_MAX);
	SSL_set_msg_callback(s->ssl, on_tls_message);
	SSL_set_msg_callback_arg(s->ssl, s);
	ERR_clear_error();
	if (SSL_verify_client_post_handshake(s->ssl) != 1) {
		ERR_clear_error();
		return -EOPNOTSUPP;
	}
	s->cert_asked = true;
	if (SSL_do_handshake(s->ssl) == 1)
		return 0;
	end(s, STREAM_END_TLS, "%s", tls_failure_text(text));
	return -EPIPE;
}

int stream_client(const struct stream *s, char ret_text[STREAM_CLIENT_MAX])
{
	return s->ssl ? tls_session_client(s->ssl, ret_text, STREAM_CLIENT_MAX) : -ENOENT;
}

int stream_server_tag(const struct stream *s)
{
	return s->ssl ? tls_session_tag(s->ssl) : TLS_NO_TAG;
}

const char *stream_server_name(const struct stream *s)
{
	return s->ssl ? tls_session_name(s->ssl) : NULL;
}

const char *stream_tls_name(const struct stream *s)
{
	return s->tls_name;
}

const struct sockaddr_storage *stream_peer(const struct stream *s)
{
	return &s->peer;
}
