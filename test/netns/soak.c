/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is every byte that goes through the one that was sent?
 *
 *	soak tcp send|receive listen|connect ADDR PORT SEED BYTES
 *	soak udp send|receive listen|connect ADDR PORT SEED DATAGRAMS
 *
 * One end sends, the other receives; either may listen. Both know what has to come from SEED, so that the
 * receiver compares every byte. Each prints one line; exit 0 when nothing is wrong.
 *
 * tcp: BYTES (rounded up to 64) of a generator's stream, written in pieces of random length. Both print a digest of
 * what they saw, "bytes N digest HEX seconds S gbps G". Made to be no hindrance to a tunnel: 64 bytes of generator,
 * comparison and digest are a few vector instructions.
 *
 * udp: datagrams of 1 to 1400 bytes at about 20,000 a second: half of them alone, the largest as IP fragments, half in
 * super-packets whose last datagram is shorter. They may be lost; none may come with another length or content, or
 * twice, or, if it needs no fragments, behind one that was sent after it and needs none. The sender prints "datagrams N",
 * the receiver "datagrams N wrong W reordered R".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	GROUP = 64,	    /* bytes that the stream's generator makes at a time */
	PAIRS = GROUP / 16, /* of 64-bit words */
	BLOCK = 256 * 1024, /* bytes generated, or compared, at a time */
	PIECE_MAX = 128 * 1024,
	PATIENCE_S = 20, /* without a byte: the tunnel is stuck */
	QUIET_S = 1,	 /* without a datagram: the sender has ended */

	DATAGRAM_MAX = 1400,
	SEGMENT_MAX =
		1372, /* in a super-packet, or without fragments: with its headers the MTU of 1400 */
	SEGMENTS_MAX = 64,
	SUPER_MAX = 48 * 1024,
	STAMP = 8,	     /* bytes of number and length in front; shorter datagrams have none */
	DATAGRAM_NS = 50000, /* 20,000 a second */
	LAST_WORD = 1000,    /* datagrams' time before it */
};

typedef uint64_t pair __attribute__((vector_size(16)));

struct task {
	bool sends, listens;
	struct sockaddr_in addr;
	uint64_t seed, amount;
};

static void die(const char *what)
{
	fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* splitmix64's step: neighbouring numbers give unrelated ones */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

struct prng {
	uint64_t state;
};

static uint32_t below(struct prng *p, uint32_t n)
{
	p->state++;
	return (uint32_t)((mix(p->state) >> 32) * n >> 32);
}

/* ---- the stream: eight xorshift generators side by side, and Fletcher's sum over each */

struct stream {
	pair state[PAIRS];
	pair sum[PAIRS], sums[PAIRS];
};

static void stream_init(struct stream *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < PAIRS; i++)
		s->state[i] = (pair){mix(seed + 2 * i) | 1, mix(seed + 2 * i + 1) | 1};
}

static pair stream_next(struct stream *s, unsigned i)
{
	pair x = s->state[i];

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	s->state[i] = x;
	return x;
}

static void stream_count(struct stream *s, unsigned i, pair word)
{
	s->sum[i] += word;
	s->sums[i] += s->sum[i];
}

/* len is a multiple of GROUP, here and in stream_check() */
static void stream_fill(struct stream *s, uint8_t *buf, size_t len)
{
	for (uint8_t *end = buf + len; buf < end; buf += GROUP)
		for (unsigned i = 0; i < PAIRS; i++) {
			pair word = stream_next(s, i);

			stream_count(s, i, word);
			memcpy(buf + 16 * i, &word, 16);
		}
}

static bool stream_check(struct stream *s, const uint8_t *buf, size_t len)
{
	pair wrong = {0, 0};

	for (const uint8_t *end = buf + len; buf < end; buf += GROUP)
		for (unsigned i = 0; i < PAIRS; i++) {
			pair word;

			memcpy(&word, buf + 16 * i, 16);
			stream_count(s, i, word);
			wrong |= word ^ stream_next(s, i);
		}
	return !(wrong[0] | wrong[1]);
}

static uint64_t stream_digest(const struct stream *s)
{
	uint64_t digest = 0;

	for (unsigned i = 0; i < PAIRS; i++)
		for (unsigned j = 0; j < 2; j++)
			digest = mix(mix(digest ^ s->sum[i][j]) ^ s->sums[i][j]);
	return digest;
}

/* ---- sockets */

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		die("setsockopt");
}

static void set_patience(int fd, int seconds)
{
	const struct timeval t = {.tv_sec = seconds};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0)
		die("setsockopt");
}

/* A socket that is bound to the address, or connected to it. */
static int open_socket(const struct task *t, int type)
{
	const struct sockaddr *addr = (const struct sockaddr *)&t->addr;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	set_patience(fd, PATIENCE_S);
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (t->listens && bind(fd, addr, sizeof(t->addr)) < 0)
		die("bind");
	if (!t->listens && connect(fd, addr, sizeof(t->addr)) < 0)
		die("connect");
	return fd;
}

static int open_tcp(const struct task *t)
{
	int fd = open_socket(t, SOCK_STREAM);
	int accepted;

	if (!t->listens)
		return fd;
	if (listen(fd, 1) < 0)
		die("listen");
	accepted = accept(fd, NULL, NULL);
	if (accepted < 0)
		die("accept");
	close(fd);
	set_patience(accepted, PATIENCE_S);
	return accepted;
}

/* ---- tcp */

static void send_all(int fd, const uint8_t *buf, size_t len, struct prng *pieces)
{
	while (len) {
		size_t piece = 1 + below(pieces, PIECE_MAX);
		ssize_t n = send(fd, buf, piece < len ? piece : len, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		buf += n;
		len -= (size_t)n;
	}
}

static bool send_stream(const struct task *t, int fd, struct stream *s, uint8_t *buf)
{
	struct prng pieces = {t->seed};
	char end;

	for (uint64_t sent = 0; sent < t->amount;) {
		size_t n = t->amount - sent < BLOCK ? (size_t)(t->amount - sent) : BLOCK;

		stream_fill(s, buf, n);
		send_all(fd, buf, n, &pieces);
		sent += n;
	}
	shutdown(fd, SHUT_WR);
	return recv(fd, &end, 1, 0) == 0; /* the receiver has all, and was content */
}

static void report_wrong(struct stream before, const uint8_t *got, size_t len, uint64_t offset)
{
	uint8_t *expected = malloc(len);
	size_t i = 0;

	if (!expected)
		die("malloc");
	stream_fill(&before, expected, len);
	while (i < len && got[i] == expected[i])
		i++;
	printf("wrong: byte %" PRIu64 " is %02x and not %02x\n", offset + i, got[i], expected[i]);
	free(expected);
}

static bool receive_stream(const struct task *t, int fd, struct stream *s, uint8_t *buf)
{
	for (uint64_t received = 0; received < t->amount;) {
		size_t n = t->amount - received < BLOCK ? (size_t)(t->amount - received) : BLOCK;
		struct stream before = *s;
		ssize_t got = recv(fd, buf, n, MSG_WAITALL);

		if (got < 0)
			die("recv");
		if ((size_t)got < n) {
			printf("wrong: the end comes after %" PRIu64 " bytes\n",
			       received + (uint64_t)got);
			return false;
		}
		if (!stream_check(s, buf, n)) {
			report_wrong(before, buf, n, received);
			return false;
		}
		received += n;
	}
	if (recv(fd, buf, 1, 0) == 0)
		return true;
	printf("wrong: there is more behind the last byte\n");
	return false;
}

static bool run_tcp(struct task *t)
{
	uint8_t *buf = aligned_alloc(GROUP, BLOCK);
	int fd = open_tcp(t);
	uint64_t begin = now_ns();
	struct stream s;
	double seconds;
	bool ok;

	if (!buf)
		die("malloc");
	t->amount = (t->amount + GROUP - 1) / GROUP * GROUP;
	stream_init(&s, t->seed);
	ok = t->sends ? send_stream(t, fd, &s, buf) : receive_stream(t, fd, &s, buf);
	seconds = (double)(now_ns() - begin) / 1e9;
	if (ok)
		printf("bytes %" PRIu64 " digest %016" PRIx64 " seconds %.2f gbps %.2f\n",
		       t->amount, stream_digest(&s), seconds, (double)t->amount * 8e-9 / seconds);
	close(fd);
	free(buf);
	return ok;
}

/* ---- udp: what a datagram holds */

/* Number and length in front, the rest out of both. What has no room for them holds its length. */
static void make_datagram(uint8_t *buf, size_t len, uint64_t seed, uint64_t number)
{
	uint64_t word = number << 16 | len;

	if (len < STAMP) {
		memset(buf, (int)len, len);
		return;
	}
	for (size_t at = 0; at < len; at += STAMP) {
		memcpy(buf + at, &word, len - at < STAMP ? len - at : STAMP);
		word = mix(word ^ seed);
	}
}

struct tally {
	uint64_t datagrams, wrong, reordered;
	uint64_t next; /* one more than the highest number so far, without fragments */
	uint8_t *seen; /* a bit for each number */
};

static bool is_twice(struct tally *y, uint64_t number)
{
	uint8_t bit = (uint8_t)(1 << number % 8);
	bool was = y->seen[number / 8] & bit;

	y->seen[number / 8] |= bit;
	return was;
}

static void take_wrong(struct tally *y, uint64_t number, size_t len, const char *what)
{
	if (y->wrong++ < 5)
		printf("wrong: datagram %" PRIu64 " of %zu bytes %s\n", number, len, what);
}

/* False: it was the sender's last word. */
static bool take_datagram(struct tally *y, const struct task *t, const uint8_t *buf, size_t len)
{
	uint8_t expected[DATAGRAM_MAX];
	uint64_t number = 0;

	if (len >= STAMP) {
		memcpy(&number, buf, STAMP);
		number >>= 16;
	}
	if (len == STAMP && number == t->amount)
		return false;
	y->datagrams++;
	if (len == 0 || len > DATAGRAM_MAX || number > t->amount) {
		take_wrong(y, number, len, "was never sent");
		return true;
	}
	make_datagram(expected, len, t->seed, number);
	if (memcmp(buf, expected, len))
		take_wrong(y, number, len, "has another content");
	else if (len >= STAMP && is_twice(y, number))
		take_wrong(y, number, len, "came twice");
	else if (len >= STAMP && len <= SEGMENT_MAX) {
		y->reordered += number < y->next;
		y->next = number < y->next ? y->next : number + 1;
	}
	return true;
}

/* ---- udp: sending */

struct sender {
	const struct task *task;
	int fd;
	struct prng prng;
	uint64_t number; /* of the next datagram */
	uint64_t due;	 /* ns, when it may go */
	bool no_super;	 /* the device or the kernel has no super-packets for us */
};

static void pace(struct sender *s, unsigned datagrams)
{
	const struct timespec due = {.tv_sec = (time_t)(s->due / 1000000000u),
				     .tv_nsec = (long)(s->due % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	s->due += (uint64_t)datagrams * DATAGRAM_NS;
}

/* Only a datagram lost: a device that is full, or what an ICMP message had to say of an earlier one. */
static bool is_loss(int error)
{
	return error == ENOBUFS || error == ECONNREFUSED || error == EMSGSIZE;
}

static void send_one(struct sender *s, const uint8_t *buf, size_t len)
{
	if (send(s->fd, buf, len, 0) < 0 && !is_loss(errno))
		die("send");
}

static void send_segments(struct sender *s, const uint8_t *buf, size_t len, size_t size)
{
	for (size_t at = 0; at < len; at += size)
		send_one(s, buf + at, len - at < size ? len - at : size);
}

static void send_super(struct sender *s, uint8_t *buf, size_t len, uint16_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(size))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(size)),
				.cmsg_level = IPPROTO_UDP,
				.cmsg_type = UDP_SEGMENT}};
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control.space)};

	memcpy(CMSG_DATA(&control.header), &size, sizeof(size));
	if (!s->no_super && (sendmsg(s->fd, &msg, 0) >= 0 || is_loss(errno)))
		return;
	/* older kernels refuse on a device that leaves no checksum to them */
	s->no_super = true;
	send_segments(s, buf, len, size);
}

/* One, or several of a size with a shorter one behind. Returns how many. */
static unsigned send_some(struct sender *s)
{
	uint8_t buf[SUPER_MAX + SEGMENT_MAX];
	bool is_super = below(&s->prng, 32) == 0;
	size_t size = 1 + below(&s->prng, is_super ? SEGMENT_MAX : DATAGRAM_MAX);
	unsigned most = SUPER_MAX / (unsigned)size;
	unsigned n =
		is_super ? 2 + below(&s->prng, (most < SEGMENTS_MAX ? most : SEGMENTS_MAX) - 1) : 1;
	size_t last = is_super ? 1 + below(&s->prng, (uint32_t)size) : size;
	size_t len = (n - 1) * size + last;

	for (unsigned i = 0; i < n; i++)
		make_datagram(buf + i * size, i + 1 < n ? size : last, s->task->seed,
			      s->number + i);
	pace(s, n);
	if (is_super)
		send_super(s, buf, len, (uint16_t)size);
	else
		send_one(s, buf, len);
	return n;
}

static bool send_datagrams(const struct task *t, int fd)
{
	struct sender s = {.task = t, .fd = fd, .prng = {t->seed}, .due = now_ns()};
	uint64_t end = t->amount << 16 | STAMP;

	while (s.number + SEGMENTS_MAX < t->amount)
		s.number += send_some(&s);
	for (unsigned i = 0; i < 3; i++) {
		pace(&s, LAST_WORD); /* what is on the way comes first */
		send_one(&s, (const uint8_t *)&end, STAMP);
	}
	printf("datagrams %" PRIu64 "%s\n", s.number, s.no_super ? " (no super-packets)" : "");
	return true;
}

/* ---- udp: receiving */

static bool receive_datagrams(const struct task *t, int fd)
{
	struct tally y = {.seen = calloc(t->amount / 8 + 1, 1)};
	uint8_t buf[DATAGRAM_MAX + 1];
	ssize_t n;

	if (!y.seen)
		die("malloc");
	n = recv(fd, buf, sizeof(buf), 0);
	if (n < 0)
		die("recv");
	set_patience(fd, QUIET_S);
	while (n >= 0 && take_datagram(&y, t, buf, (size_t)n))
		n = recv(fd, buf, sizeof(buf), 0);
	printf("datagrams %" PRIu64 " wrong %" PRIu64 " reordered %" PRIu64 "\n", y.datagrams,
	       y.wrong, y.reordered);
	free(y.seen);
	return y.datagrams && !y.wrong && !y.reordered;
}

/* The end that connects says so, and the one that listens answers there. */
static int open_udp(const struct task *t)
{
	int fd = open_socket(t, SOCK_DGRAM);
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	char hello = 0;

	set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20);
	if (!t->sends && !t->listens && send(fd, &hello, 1, 0) < 0)
		die("send");
	if (t->sends && t->listens &&
	    (recvfrom(fd, &hello, 1, 0, (struct sockaddr *)&peer, &len) < 0 ||
	     connect(fd, (struct sockaddr *)&peer, len) < 0))
		die("no receiver");
	return fd;
}

static bool run_udp(struct task *t)
{
	int fd = open_udp(t);
	bool ok = t->sends ? send_datagrams(t, fd) : receive_datagrams(t, fd);

	close(fd);
	return ok;
}

/* ---- */

static bool is_word(const char *word, const char *yes, const char *no, bool *ret_is)
{
	*ret_is = !strcmp(word, yes);
	return *ret_is || !strcmp(word, no);
}

int main(int argc, char **argv)
{
	struct task t = {.addr = {.sin_family = AF_INET}};
	bool is_tcp;

	if (argc != 8 || !is_word(argv[1], "tcp", "udp", &is_tcp) ||
	    !is_word(argv[2], "send", "receive", &t.sends) ||
	    !is_word(argv[3], "listen", "connect", &t.listens) ||
	    inet_pton(AF_INET, argv[4], &t.addr.sin_addr) != 1) {
		fprintf(stderr, "usage: soak tcp|udp send|receive listen|connect ADDR PORT SEED "
				"AMOUNT\n");
		return 2;
	}
	t.addr.sin_port = htons((uint16_t)atoi(argv[5]));
	t.seed = strtoull(argv[6], NULL, 0);
	t.amount = strtoull(argv[7], NULL, 10);
	return (is_tcp ? run_tcp(&t) : run_udp(&t)) ? 0 : 1;
}
