/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ceiling listen|dial TUN ADDRESS PORT CERTIFICATE KEY: the yardstick of test/bench/run. A TLS pipe between two TUN
 * devices that does nothing else: what the kernel hands over (super-packets of up to 64 KB with their virtio-net
 * header) goes through TLS with its length in front and is written to the other device as it is. No SSTP, no PPP, no
 * address, no splitting, no merging, no session: a tunnel over TLS in user space that does more cannot well be faster.
 *
 * One thread per end. In a pass up to 64 KB are read from the device, sealed into records of 16 KB that a BIO gathers,
 * and sent at once; in the other direction libssl takes up to 256 KB from the socket at a time. When the socket is full
 * the device is not read. The dialling end does not verify the certificate: it measures, it protects nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	VNET_HEADER = 10, /* struct virtio_net_hdr */
	FRAME_MAX = 65535 + VNET_HEADER,
	LENGTH = 4, /* in front of each frame, in the machine's order: both ends are this machine */
	PASS = 64 * 1024,
	PLAIN_CAP = PASS + LENGTH + FRAME_MAX,
	SEALED_CAP = PLAIN_CAP + 64 * 256, /* a record adds 22 bytes */
	RECORD_MAX = 16 * 1024,
	RECV_CAP = 256 * 1024,
	PASS_RECORDS = RECV_CAP / RECORD_MAX,
	OPENED_CAP = 4 * (LENGTH + FRAME_MAX),
};

struct pipe {
	int tun, sock;
	SSL *ssl;
	uint8_t plain[PLAIN_CAP];
	uint8_t sealed[SEALED_CAP]; /* of it sent..sealed_len are waiting for the socket */
	size_t sealed_len, sent;
	uint8_t opened[OPENED_CAP]; /* of it written..opened_len is the begin of a frame */
	size_t opened_len, written;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "ceiling: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void must(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

/* ---- the device and the socket */

static int tun_open(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

	must(fd >= 0, "/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	must(ioctl(fd, TUNSETIFF, &r) == 0, name);
	must(ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0, "TUNSETOFFLOAD");
	return fd;
}

static int sock_open(bool listening, const char *address, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, c;

	must(s >= 0, "socket");
	must(inet_pton(AF_INET, address, &a.sin_addr) == 1, address);
	if (!listening) {
		must(connect(s, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
		return s;
	}
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s, 1) == 0, "listen");
	c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	must(c >= 0, "accept");
	close(s);
	return c;
}

static void sock_tune(int s)
{
	int one = 1;

	must(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY");
	must(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) == 0, "cubic");
}

/* ---- TLS; a BIO that collects what is sealed until the pass is over */

static int gather_write(BIO *b, const char *data, int len)
{
	struct pipe *p = BIO_get_data(b);

	must(p->sealed_len + (size_t)len <= SEALED_CAP, "room for records");
	memcpy(p->sealed + p->sealed_len, data, (size_t)len);
	p->sealed_len += (size_t)len;
	return len;
}

static long gather_ctrl(BIO *b, int cmd, long num, void *arg)
{
	return cmd == BIO_CTRL_FLUSH;
}

static BIO *gather_new(struct pipe *p)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gather");
	BIO *b;

	must(m && BIO_meth_set_write(m, gather_write) && BIO_meth_set_ctrl(m, gather_ctrl), "BIO");
	b = BIO_new(m);
	must(b != NULL, "BIO");
	BIO_set_data(b, p);
	BIO_set_init(b, 1);
	return b;
}

static SSL_CTX *ctx_new(bool listening, const char *certificate, const char *key)
{
	SSL_CTX *x = SSL_CTX_new(listening ? TLS_server_method() : TLS_client_method());

	must(x && SSL_CTX_set_min_proto_version(x, TLS1_3_VERSION), "TLS 1.3");
	must(SSL_CTX_set_ciphersuites(x, "TLS_AES_128_GCM_SHA256"), "AES-128-GCM");
	SSL_CTX_set_num_tickets(x, 0);
	SSL_CTX_set_read_ahead(x, 1);
	SSL_CTX_set_default_read_buffer_len(x, RECV_CAP);
	if (listening) {
		must(SSL_CTX_use_certificate_file(x, certificate, SSL_FILETYPE_PEM) == 1,
		     certificate);
		must(SSL_CTX_use_PrivateKey_file(x, key, SSL_FILETYPE_PEM) == 1, key);
	}
	return x;
}

/* The handshake runs on the socket itself, blocking; afterwards the socket belongs to the passes. */
static void shake_hands(struct pipe *p, SSL_CTX *x, bool listening)
{
	p->ssl = SSL_new(x);
	must(p->ssl && SSL_set_fd(p->ssl, p->sock), "SSL");
	must((listening ? SSL_accept(p->ssl) : SSL_connect(p->ssl)) == 1, "handshake");
	SSL_set0_wbio(p->ssl, gather_new(p));
	must(fcntl(p->sock, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
}

/* ---- device to socket */

static bool is_flushed(const struct pipe *p)
{
	return p->sent == p->sealed_len;
}

static void flush(struct pipe *p)
{
	ssize_t n = send(p->sock, p->sealed + p->sent, p->sealed_len - p->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		die("send");
	if (n > 0)
		p->sent += (size_t)n;
	if (is_flushed(p))
		p->sent = p->sealed_len = 0;
}

static size_t read_frames(struct pipe *p)
{
	size_t len = 0;

	while (len < PASS) {
		ssize_t n = read(p->tun, p->plain + len + LENGTH, FRAME_MAX);
		uint32_t frame = (uint32_t)n;

		if (n <= 0)
			break;
		memcpy(p->plain + len, &frame, LENGTH);
		len += LENGTH + (size_t)n;
	}
	return len;
}

static void pass_out(struct pipe *p)
{
	size_t len = read_frames(p);

	if (len == 0)
		return;
	must(SSL_write(p->ssl, p->plain, (int)len) == (int)len, "SSL_write");
	flush(p);
}

/* ---- socket to device */

static void write_frames(struct pipe *p)
{
	uint32_t frame;

	while (p->opened_len - p->written >= LENGTH) {
		memcpy(&frame, p->opened + p->written, LENGTH);
		must(frame <= FRAME_MAX, "length of a frame");
		if (p->opened_len - p->written < LENGTH + frame)
			break;
		/* a device that takes no more drops it, as any link would */
		if (write(p->tun, p->opened + p->written + LENGTH, frame) < 0 && errno == EBADFD)
			die("write to the device");
		p->written += LENGTH + frame;
	}
	if (p->written == p->opened_len)
		p->written = p->opened_len = 0;
}

/* The begin of a frame moves to the front only where the next record would not fit behind it. */
static void make_room(struct pipe *p)
{
	if (OPENED_CAP - p->opened_len >= RECORD_MAX)
		return;
	p->opened_len -= p->written;
	memmove(p->opened, p->opened + p->written, p->opened_len);
	p->written = 0;
}

/* Returns false when the socket has no more for now. */
static bool open_record(struct pipe *p)
{
	int n;

	make_room(p);
	n = SSL_read(p->ssl, p->opened + p->opened_len, (int)(OPENED_CAP - p->opened_len));
	if (n > 0) {
		p->opened_len += (size_t)n;
		return true;
	}
	if (SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_READ) {
		fprintf(stderr, "ceiling: the other end is gone\n");
		exit(0);
	}
	return false;
}

/* What one recv brought, and bounded, so that the other direction has its turn. Returns whether there may be more. */
static bool pass_in(struct pipe *p)
{
	for (int records = 0; records < PASS_RECORDS; records++) {
		if (!open_record(p))
			return false;
		write_frames(p);
		if (!SSL_has_pending(p->ssl))
			return false;
	}
	return true;
}

static _Noreturn void run(struct pipe *p)
{
	struct pollfd fds[] = {{.fd = p->tun}, {.fd = p->sock}};
	bool more = false;

	for (;;) {
		fds[0].events = is_flushed(p) ? POLLIN : 0;
		fds[1].events = is_flushed(p) ? POLLIN : POLLIN | POLLOUT;
		if (poll(fds, 2, more ? 0 : -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[1].revents & POLLOUT)
			flush(p);
		if (more || fds[1].revents & ~POLLOUT)
			more = pass_in(p);
		if (is_flushed(p) && fds[0].revents)
			pass_out(p);
	}
}

int main(int argc, char **argv)
{
	static struct pipe p;
	bool listening;

	if (argc != 7 || (strcmp(argv[1], "listen") && strcmp(argv[1], "dial"))) {
		fprintf(stderr, "usage: ceiling listen|dial TUN ADDRESS PORT CERTIFICATE KEY\n");
		return 2;
	}
	listening = argv[1][0] == 'l';
	p.tun = tun_open(argv[2]);
	p.sock = sock_open(listening, argv[3], argv[4]);
	sock_tune(p.sock);
	shake_hands(&p, ctx_new(listening, argv[5], argv[6]), listening);
	run(&p);
}
