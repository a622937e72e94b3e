/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_OFFLOAD_MERGE_H
#define TUN_OFFLOAD_MERGE_H
/*
 * Packets on their way into a TUN device: neighbours of a TCP or UDP flow become one super-packet
 * and one system call. What may be merged is what the kernel's own GRO would merge; the checksum
 * of every packet is verified before, because a super-packet has the kernel vouch for its data.
 * The payload is not copied: slices of the caller's buffers are written.
 *
 * Order: packets of a flow leave in the order they came. Packets without ports (ICMP, fragments)
 * leave at once, behind all earlier ones between the same two addresses. Different flows have no
 * order.
 *
 * Limits: OFFLOAD_FLOWS flows are open at a time, and the one opened first leaves when another
 * wants its place; OFFLOAD_SLICES packets or OFFLOAD_PACKET_MAX bytes are merged, and the next
 * packet starts over.
 */
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tun/offload_packet.h"
#include "tun/tun.h"

enum {
	OFFLOAD_FLOWS = 32,
	OFFLOAD_GATHERED = 32,
	OFFLOAD_SLICES = 64, /* also the kernel's own limit for UDP before Linux 6.9 */
};

/*
 * Writes n packets, headers and all, to the device, in their order, and sets their results: 0 or
 * -errno. tun_batch_write() and tun_offload_write() are such functions.
 */
typedef void offload_write(void *arg, struct tun_out *packets, unsigned n);

/* A packet that the device did not take: borrowed for the call, headers and all. */
typedef void offload_refused(void *arg, const uint8_t *pkt, size_t len);

/* All in packets but the last four. */
struct offload_counters {
	uint64_t written; /* the device took them, in whatever company */
	uint64_t refused; /* the device did not take them: lost */
	uint64_t merged;  /* of those written, in super-packets */
	uint64_t writes;  /* that the device took */
	uint64_t super_packets;
	uint64_t evicted;   /* flows that left early because the table was full */
	uint64_t fallbacks; /* super-packets that the device refused and whose packets it took */
};

/* What is in front of a group's payloads. */
struct offload_header {
	struct virtio_net_hdr virtio;
	uint8_t packet[OFFLOAD_IPV6_HEADER + 60]; /* no extensions, TCP options */
};

/*
 * Packets of one flow that will be written together; or one packet of whatever kind, and then only
 * n and iov count.
 */
struct offload_group {
	struct offload_packet first;
	uint32_t payload;  /* bytes of all packets */
	uint32_t next_seq; /* TCP */
	uint16_t next_id;  /* IPv4 */
	uint16_t size;	   /* payload of the first packet */
	uint8_t last_flags;
	struct offload_header header; /* when it is written as one */
	int n;
	struct iovec iov[1 + OFFLOAD_SLICES]; /* the header's place, then the payloads */
};

/* One per TUN queue, for as long as that is open. All but counters is private. */
struct offload_merge {
	struct offload_counters counters;
	unsigned switches;
	offload_write *write;
	void *arg;
	offload_refused *on_refused; /* NULL: nobody looks */
	void *on_refused_arg;
	unsigned gathered; /* so many writes are one call of write() */
	unsigned nopen;
	uint32_t hash[OFFLOAD_FLOWS];		   /* of open[] */
	struct offload_group *open[OFFLOAD_FLOWS]; /* in the order of opening */
	unsigned nclosed;
	struct offload_group *closed[OFFLOAD_GATHERED]; /* in the order in which they leave */
	uint64_t free;					/* a bit per unused group */
	struct offload_group groups[OFFLOAD_FLOWS + OFFLOAD_GATHERED];
};

/*
 * switches is the struct tun's offload, or less of it: without TUN_OFFLOAD_HEADER packets are
 * written as they are, without TUN_OFFLOAD_TCP_MERGE or UDP_MERGE those of that protocol are not
 * merged. A device that refuses a super-packet (-EINVAL) and takes its packets one by one gets no
 * more of that protocol: counters.fallbacks. Borrows arg until m is no longer used.
 *
 * write(arg, ...) gets up to `gathered` packets at a time, 1 to OFFLOAD_GATHERED. With more than one,
 * packets of a refused super-packet may come behind later ones of their flow: once in the life of a
 * device, because nothing is merged from then on.
 */
void offload_merge_init(struct offload_merge *m, unsigned switches, offload_write *write, void *arg,
			unsigned gathered);

/* Who sees what is refused, within offload_merge_add() and _flush(); NULL: nobody. Borrows arg as above. */
void offload_merge_watch(struct offload_merge *m, offload_refused *fn, void *arg);

/*
 * Takes one packet, len bytes as its IP header says. pkt is borrowed, and must not change, until
 * offload_merge_flush(). Writes it now, later or never: see counters.refused. What is malformed or
 * cannot be merged is written alone and as it is: the kernel judges it.
 */
void offload_merge_add(struct offload_merge *m, const uint8_t *pkt, size_t len);

/* Writes all that waits, in the order of the flows' first packets: at the end of each pass. */
void offload_merge_flush(struct offload_merge *m);

#endif
