/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All requests have RWF_NOWAIT: the kernel carries them out one after the other inside the call
 * that submits them, and what would have to wait fails with -EAGAIN. That is what keeps writes in
 * order, and leaves nothing under way. A queue of which the kernel does not know that it can do so
 * (before Linux 6.4) refuses the flag, and is used without io_uring.
 *
 * Not linked: a link is cut by the first packet that the device refuses. No registered files: a
 * ring would hold the device beyond tun_close().
 *
 * When the kernel takes fewer requests than it was given, the rest is done without io_uring, and so
 * is everything from then on.
 */
#include "tun/tun_batch.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_AT = 6, /* so that the packet is at a multiple of 16 */
	PACKET_AT = HEADER_AT + TUN_HEADER_LEN,
	BUFFER = PACKET_AT + TUN_PACKET_MAX + 1,
	FEW_READS = 4,		 /* to begin with, behind two that were found one by one */
	READ_BYTES = 256 * 1024, /* at a time: what is read is to be in the cache still */
};

_Static_assert((int)TUN_BATCH_READS <= (int)TUN_BATCH_WRITES, "room in the ring and for results");

struct tun_batch {
	const struct tun *tun;
	bool has_ring;
	struct io_uring ring;
	int results[TUN_BATCH_WRITES];
	unsigned reads; /* to ask for at a time, as it went last; 1: not through the ring */
	bool found_one; /* one by one, the last one that was asked for was there */
	_Alignas(16) uint8_t buffers[TUN_BATCH_READS][BUFFER];
};

/* ---- the ring ---- */

/* Of the requests submitted, which the kernel has done or soon will have. */
static void take_result(struct io_uring *ring, int *results)
{
	struct io_uring_cqe *cqe = NULL;

	while (io_uring_wait_cqe(ring, &cqe) == -EINTR)
		;
	assert(cqe);
	results[io_uring_cqe_get_data64(cqe)] = cqe->res;
	io_uring_cqe_seen(ring, cqe);
}

/* Carries out the n requests in the ring. Returns how many of them, the first ones, have results. */
static unsigned submit(struct io_uring *ring, int *results, unsigned n)
{
	int submitted;

	do
		submitted = io_uring_submit_and_wait(ring, n);
	while (submitted == -EINTR);
	for (int i = 0; i < submitted; i++)
		take_result(ring, results);
	return submitted < 0 ? 0 : (unsigned)submitted;
}

static void mark(struct io_uring_sqe *sqe, unsigned i)
{
	sqe->rw_flags = RWF_NOWAIT;
	io_uring_sqe_set_data64(sqe, i);
}

/* Reading no bytes takes no packet. */
bool tun_batch_is_possible(int fd)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	int result = -EIO;
	char nothing;

	if (io_uring_queue_init(1, &ring, 0) < 0)
		return false;
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, fd, &nothing, 0, 0);
	mark(sqe, 0);
	submit(&ring, &result, 1);
	io_uring_queue_exit(&ring);
	return result == 0;
}

/* ---- life ---- */

struct tun_batch *tun_batch_new(const struct tun *t)
{
	struct tun_batch *b = aligned_alloc(_Alignof(struct tun_batch), sizeof(*b));

	if (!b)
		return NULL;
	b->tun = t;
	b->reads = 1;
	b->found_one = false;
	b->has_ring = t->offload & TUN_OFFLOAD_IO_URING &&
		      io_uring_queue_init(TUN_BATCH_WRITES, &b->ring, 0) == 0;
	return b;
}

static void close_ring(struct tun_batch *b)
{
	if (b->has_ring)
		io_uring_queue_exit(&b->ring);
	b->has_ring = false;
}

void tun_batch_free(struct tun_batch *b)
{
	if (!b)
		return;
	close_ring(b);
	free(b);
}

unsigned tun_batch_writes(const struct tun_batch *b)
{
	return b->has_ring ? TUN_BATCH_WRITES : 1;
}

/* ---- reading ---- */

static struct tun_packet packet_at(struct tun_batch *b, unsigned i, size_t len)
{
	uint8_t *buffer = b->buffers[i];

	return (struct tun_packet){
		.header = (struct virtio_net_hdr *)(buffer + HEADER_AT),
		.bytes = buffer + PACKET_AT,
		.len = len,
	};
}

static int read_one(struct tun_batch *b, struct tun_packet *ret_packet)
{
	struct tun_packet p = packet_at(b, 0, 0);
	ssize_t n = tun_read_super(b->tun, p.header, p.bytes, TUN_PACKET_MAX);

	if (n < 0)
		return (int)n;
	p.len = (size_t)n;
	*ret_packet = p;
	return 1;
}

/* Returns how many have results. */
static unsigned submit_reads(struct tun_batch *b, unsigned n)
{
	unsigned at = b->tun->offload & TUN_OFFLOAD_HEADER ? HEADER_AT : PACKET_AT;
	unsigned done;

	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);

		memset(b->buffers[i] + HEADER_AT, 0, TUN_HEADER_LEN);
		io_uring_prep_read(sqe, b->tun->fd, b->buffers[i] + at, BUFFER - at, 0);
		mark(sqe, i);
	}
	done = submit(&b->ring, b->results, n);
	if (done < n)
		close_ring(b);
	return done;
}

/*
 * A packet may have come behind a read that found none. The first failure that is another one shows
 * again when nothing else is left.
 */
static int collect(struct tun_batch *b, unsigned done, struct tun_packet *ret_packets,
		   bool *ret_drained)
{
	int header_len = b->tun->offload & TUN_OFFLOAD_HEADER ? TUN_HEADER_LEN : 0;
	int error = 0;
	int n = 0;

	for (unsigned i = 0; i < done; i++) {
		int len = b->results[i] - header_len;

		if (b->results[i] < 0)
			error = b->results[i];
		else
			ret_packets[n++] = packet_at(b, i, len < 0 ? 0 : (size_t)len);
	}
	*ret_drained = error == -EAGAIN;
	return n ? n : error;
}

/* Twice as many, as long as all find a packet. */
static unsigned next_reads(unsigned reads, const struct tun_packet *packets, int n)
{
	size_t longest = 1;

	if (n < (int)reads)
		return n > 1 ? (unsigned)n : 1;
	for (int i = 0; i < n; i++)
		if (packets[i].len > longest)
			longest = packets[i].len;
	reads = 2 * reads < TUN_BATCH_READS ? 2 * reads : TUN_BATCH_READS;
	return reads * longest <= READ_BYTES ? reads : (unsigned)(READ_BYTES / longest);
}

/*
 * A packet that comes alone is somebody's who waits: the ring's requests, one for it and one to see that there is no other,
 * take longer than two plain calls, above all behind a pause, when nothing of the ring is in the cache.
 */
static int read_alone(struct tun_batch *b, struct tun_packet *ret_packet)
{
	int n = read_one(b, ret_packet);
	bool is_second = n == 1 && b->found_one;

	b->reads = is_second ? FEW_READS : 1;
	b->found_one = n == 1 && !is_second;
	return n;
}

int tun_batch_read(struct tun_batch *b, struct tun_packet ret_packets[TUN_BATCH_READS],
		   bool *ret_drained)
{
	unsigned done = b->has_ring && b->reads > 1 ? submit_reads(b, b->reads) : 0;
	int n;

	*ret_drained = false;
	if (done == 0)
		return read_alone(b, ret_packets);
	n = collect(b, done, ret_packets, ret_drained);
	b->reads = next_reads(b->reads, ret_packets, n);
	return n;
}

/* ---- writing ---- */

/* Returns how many have results. */
static unsigned submit_writes(struct tun_batch *b, struct tun_out *packets, unsigned n)
{
	unsigned done;

	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);

		io_uring_prep_writev(sqe, b->tun->fd, packets[i].iov, (unsigned)packets[i].n, 0);
		mark(sqe, i);
	}
	done = submit(&b->ring, b->results, n);
	for (unsigned i = 0; i < done; i++)
		packets[i].result = b->results[i] < 0 ? b->results[i] : 0;
	if (done < n)
		close_ring(b);
	return done;
}

void tun_batch_write(void *batch, struct tun_out *packets, unsigned n)
{
	struct tun_batch *b = batch;
	unsigned done = b->has_ring && n > 1 ? submit_writes(b, packets, n) : 0;

	for (unsigned i = done; i < n; i++)
		packets[i].result = tun_writev(b->tun, packets[i].iov, packets[i].n);
}
