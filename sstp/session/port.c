/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/port.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>

#include "tun/offload_merge.h"

enum {
	/* packets read before other descriptors get their turn */
	READ_BUDGET = 64,
};

struct port {
	const struct tun *tun;
	const struct port_ops *ops;
	void *arg;
	struct loop_io *io; /* on_gone() may free the port: it is the last thing that is done */
	struct offload_merge merge;
	uint8_t packet[TUN_PACKET_MAX];
};

static void on_ready(void *arg, unsigned ready)
{
	struct port *p = arg;
	struct virtio_net_hdr header;

	for (int i = 0; i < READ_BUDGET; i++) {
		ssize_t n = tun_read_super(p->tun, &header, p->packet, sizeof(p->packet));

		if (n >= 0) {
			p->ops->on_packet(p->arg, &header, p->packet, (size_t)n);
			continue;
		}
		if (n != -EAGAIN && n != -EINTR) {
			loop_io_watch(p->io, 0); /* watching on would spin */
			p->ops->on_gone(p->arg, (int)n);
		}
		return;
	}
}

struct port *port_new(struct loop *loop, const struct tun *tun, const struct port_ops *ops,
		      void *arg)
{
	struct port *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->tun = tun;
	p->ops = ops;
	p->arg = arg;
	offload_merge_init(&p->merge, tun->offload, tun_offload_write, (void *)(uintptr_t)tun);
	p->io = loop_io_new(loop, tun->fd, LOOP_READ, on_ready, p);
	if (p->io)
		return p;
	free(p);
	return NULL;
}

void port_free(struct port *p)
{
	if (!p)
		return;
	loop_io_free(p->io);
	free(p);
}

void port_write(struct port *p, const uint8_t *pkt, size_t len)
{
	if (p)
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
