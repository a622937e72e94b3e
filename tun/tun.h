/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_TUN_H
#define TUN_TUN_H
/*
 * A TUN device (IFF_TUN, IFF_NO_PI) and its queues: a struct tun is one of them. The device exists
 * while one of its descriptors is open. tun_open.c makes devices, tun.c moves packets.
 *
 * With offload every packet, in both directions, is behind a struct virtio_net_hdr of 10 bytes:
 * tun/offload_split.h and tun/offload_merge.h know what is in it.
 */
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct virtio_net_hdr;

/* The five switches of the operator, and in struct tun what is in effect. */
enum tun_offload {
	TUN_OFFLOAD_TSO_READ = 1 << 0,	/* the kernel gives TCP super-packets */
	TUN_OFFLOAD_USO_READ = 1 << 1,	/* the kernel gives UDP super-packets */
	TUN_OFFLOAD_TCP_MERGE = 1 << 2, /* the kernel takes TCP super-packets */
	TUN_OFFLOAD_UDP_MERGE = 1 << 3, /* the kernel takes UDP super-packets */
	TUN_OFFLOAD_SUPER = (1 << 4) - 1,
	TUN_OFFLOAD_IO_URING = 1 << 4, /* several packets for one system call: tun/tun_batch.h */
	TUN_OFFLOAD_ALL = (1 << 5) - 1,
	TUN_OFFLOAD_HEADER = 1 << 5, /* in effect: packets have the virtio-net header */
};

enum {
	TUN_HEADER_LEN = 10,
	TUN_PACKET_MAX = 65535, /* the longest that is read with offload */
	TUN_QUEUES_MAX = 64,	/* of one device; the kernel would have 256 */
	TUN_QUEUE_LEN =
		1000, /* packets that wait to be read from one; the kernel's own choice would be 500 */
};

struct tun {
	int fd;
	unsigned ifindex;
	char name[IFNAMSIZ];
	unsigned offload; /* of enum tun_offload; without its header: plain packets */
};

/* A packet to be written, with offload its header in front, and what became of it. */
struct tun_out {
	const struct iovec *iov;
	int n;
	int result; /* as of tun_writev() */
};

/*
 * Creates the device `name` (with %d: the kernel picks the number) in namespace netns_fd (< 0: the
 * present one), link down. Non-blocking, close-on-exec. Returns 0; -EBUSY: there is a device of
 * that name; -EPERM: no CAP_NET_ADMIN; -ENOENT: no /dev/net/tun; -EINVAL: the name.
 */
int tun_open(const char *name, int netns_fd, struct tun *ret_tun);

/*
 * The same with what the kernel has of the offloads wanted (of enum tun_offload): what it refuses
 * is left out of ret_tun->offload, and nothing of that is an error. wanted 0 is tun_open().
 */
int tun_open_offload(const char *name, int netns_fd, unsigned wanted, struct tun *ret_tun);

/*
 * The same with n queues, 1..TUN_QUEUES_MAX (else -EINVAL), each for a thread of its own:
 * ret_tuns[i] is the kernel's queue i, and they differ in nothing but fd. On failure none is left.
 * n 1 is tun_open_offload(), and only to that device nobody can add queues.
 *
 * Which queue a packet comes out of is the kernel's choice, by flow. All queues are closed
 * together: the kernel gives the number of a closed one to the last.
 */
int tun_open_queues(const char *name, int netns_fd, unsigned wanted, unsigned n,
		    struct tun *ret_tuns);

/*
 * One more queue of the device that first (borrowed) is a queue of, opened as one of several.
 * netns_fd is the namespace of the device. 0; -ENODEV: that device is gone, or has another name by
 * now, or one queue only; -errno.
 */
int tun_add_queue(const struct tun *first, int netns_fd, struct tun *ret_tun);

/* Closes one queue, and with the last one the device goes. Takes one that was closed. */
void tun_close(struct tun *t);

/*
 * One packet into buf, with offload its header in front. Returns the length of all; -EAGAIN: none;
 * -errno. What does not fit is lost, so that size is at least the link's MTU; ip_parse() tells a
 * packet that was cut.
 */
ssize_t tun_read(const struct tun *t, void *buf, size_t size);

/*
 * One packet into buf, without its header, which goes to ret_header (all zeros when the device has
 * none). With offload size is TUN_PACKET_MAX. Returns the packet's length, as tun_read() does.
 */
ssize_t tun_read_super(const struct tun *t, struct virtio_net_hdr *ret_header, void *buf,
		       size_t size);

/*
 * One packet from buf, without a header: that of a plain packet is added when the device wants
 * one. Returns 0; -EAGAIN: try later; -EIO: the link is down; -EINVAL: the kernel refuses the
 * packet.
 */
int tun_write(const struct tun *t, const void *buf, size_t len);

/* One packet from n slices (at most IOV_MAX), with offload its header in front. As tun_write(). */
int tun_writev(const struct tun *t, const struct iovec *iov, int n);

/* An offload_write of tun/offload_merge.h that calls tun_writev(); tun is a struct tun. */
void tun_offload_write(void *tun, struct tun_out *packets, unsigned n);

#endif
