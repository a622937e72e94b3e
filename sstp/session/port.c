/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floods. A device wakes its reader for every packet, and on a machine that is short of processors that is a change of
 * process for every packet; or the reader finds packets without end and hands on more at once than whoever is behind it
 * can hold, who does not get to run meanwhile. So in a flood (moderate.h) the thread rests between passes, and packets
 * gather. Where a pass leaves packets behind it rests only if somebody else wants the processor: alone it goes on.
 */
#include "sstp/session/port.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>

#include "sstp/session/moderate.h"
#include "tun/offload_merge.h"
#include "tun/tun_batch.h"

/* Between two passes of a flood. At 300,000 packets a second it gathers 60; the device's queue holds TUN_QUEUE_LEN, and a
 * socket's default buffer about 200. */
#define REST_NS (200 * 1000)

enum {
	/* packets read before other descriptors get their turn, besides one for each that was written meanwhile */
	READ_BUDGET = 128,
	READ_BYTES = 1024 * 1024, /* likewise */
};

struct port {
	struct loop *loop;
	const struct port_ops *ops;
	void *arg;
	struct moderate moderate;
	unsigned written;   /* packets, since the last pass */
	struct loop_io *io; /* on_gone() may free the port: it is the last thing that is done */
	struct tun_batch *batch;
	struct offload_merge merge;
};

static void moderate(struct port *p, unsigned packets, bool more)
{
	if (moderate_on_pass(&p->moderate, loop_now(p->loop), packets))
		loop_rest(p->loop, REST_NS, more);
}

/*
 * What is written can be answered at once, packet by packet, and the answers wait here before this thread runs again:
 * who reads fewer than it writes lets the queue overflow, and then everybody's packets are lost.
 */
static unsigned take_budget(struct port *p)
{
	unsigned waiting = p->written < TUN_QUEUE_LEN ? p->written : TUN_QUEUE_LEN;

	p->written = 0;
	return READ_BUDGET + waiting;
}

/* Hands on what n packets there are. Returns their bytes. */
static size_t hand_on(struct port *p, const struct tun_packet *packets, int n)
{
	size_t bytes = 0;

	for (int i = 0; i < n; i++) {
		p->ops->on_packet(p->arg, packets[i].header, packets[i].bytes, packets[i].len);
		bytes += packets[i].len;
	}
	return bytes;
}

static void on_ready(void *arg, unsigned ready)
{
	struct port *p = arg;
	struct tun_packet read[TUN_BATCH_READS];
	unsigned budget = take_budget(p);
	unsigned packets = 0;
	size_t bytes = 0;
	bool drained = false;
	int n = 0;

	while (!drained && packets < budget && bytes < READ_BYTES) {
		n = tun_batch_read(p->batch, read, &drained);
		if (n < 0)
			break;
		bytes += hand_on(p, read, n);
		packets += (unsigned)n;
	}
	moderate(p, packets, n >= 0 && !drained);
	if (n >= 0 || n == -EAGAIN || n == -EINTR)
		return;
	loop_io_watch(p->io, 0); /* watching on would spin */
	p->ops->on_gone(p->arg, n);
}

struct port *port_new(struct loop *loop, const struct tun *tun, const struct port_ops *ops,
		      void *arg)
{
	struct port *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->batch = tun_batch_new(tun);
	if (!p->batch) {
		free(p);
		return NULL;
	}
	p->loop = loop;
	p->moderate = (struct moderate){0};
	p->written = 0;
	p->ops = ops;
	p->arg = arg;
	offload_merge_init(&p->merge, tun->offload, tun_batch_write, p->batch,
			   tun_batch_writes(p->batch));
	offload_merge_watch(&p->merge, ops->on_refused, arg);
	p->io = loop_io_new(loop, tun->fd, LOOP_READ, on_ready, p);
	if (p->io)
		return p;
	tun_batch_free(p->batch);
	free(p);
	return NULL;
}

void port_free(struct port *p)
{
	if (!p)
		return;
	loop_io_free(p->io);
	tun_batch_free(p->batch);
	free(p);
}

void port_write(struct port *p, const uint8_t *pkt, size_t len)
{
	if (!p)
		return;
	moderate_on_other_way(&p->moderate);
	p->written++;
	offload_merge_add(&p->merge, pkt, len);
}

unsigned port_flush(struct port *p)
{
	uint64_t refused;

	if (!p)
		return 0;
	offload_merge_flush(&p->merge);
	refused = p->merge.counters.refused;
	p->merge.counters.refused = 0;
	return (unsigned)refused;
}
